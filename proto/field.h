/* SPDX-License-Identifier: Apache-2.0 */
/*
 * field.h - one field of a protobuf message, as it lies in the bytes.
 *
 *     2a 1e ...      number 5, form SIZED, value 30 (its size), at: the 30 bytes
 *
 * Source: Protocol Buffers, "Encoding"; groups, which proto3 does not have, are no fields here.
 */
#ifndef HOLM_PROTO_FIELD_H
#define HOLM_PROTO_FIELD_H

#include "proto/varint.h"

/* The wire types. */
enum holm_field_form {
    HOLM_FIELD_VARINT = 0,
    HOLM_FIELD_FIXED64 = 1,
    HOLM_FIELD_SIZED = 2,
    HOLM_FIELD_FIXED32 = 5,
    HOLM_FIELD_NONE = 7 /* of no field */
};

/* A size has at most 31 bits, and so many bytes however long-winded. */
#define HOLM_FIELD_SIZE_BYTES_MAX 5

struct holm_field {
    unsigned number; /* from 1 */
    unsigned form;
    const unsigned char *at; /* what comes behind tag and size */
    uint64_t value;          /* of a varint or fixed64; the size of a SIZED one */
};

static inline const unsigned char *holm_field_read_value(const unsigned char *at,
                                                         const unsigned char *end,
                                                         struct holm_field *field)
{
    size_t left = (size_t)(end - at);
    field->at = at;
    field->value = 0;
    if (field->form == HOLM_FIELD_FIXED64) {
        if (left < 8)
            return NULL;
        field->value = holm_fixed64_read(at);
        return at + 8;
    }
    if (field->form == HOLM_FIELD_FIXED32)
        return left < 4 ? NULL : at + 4;
    if (field->form > HOLM_FIELD_SIZED)
        return NULL;
    at = holm_varint_read(at, end, &field->value);
    if (at == NULL || field->form == HOLM_FIELD_VARINT)
        return at;
    if (at - field->at > HOLM_FIELD_SIZE_BYTES_MAX || field->value > (size_t)(end - at))
        return NULL;
    field->at = at;
    return at + field->value;
}

/* A tag of several bytes, which must be as short as it can be. protobuf-c takes all the bits that
 * five bytes have, though numbers end at 29. */
static inline const unsigned char *holm_field_read_tag(const unsigned char *at,
                                                       const unsigned char *end, uint64_t *tag)
{
    at = holm_varint_read(at, end, tag);
    return at == NULL || at[-1] == 0 || *tag >> 3 > UINT32_MAX ? NULL : at;
}

/* Reads the field at `at` < end. Returns what comes behind it, or NULL: none, or its tag is longer
 * than it need be. */
static inline const unsigned char *holm_field_read(const unsigned char *at,
                                                   const unsigned char *end,
                                                   struct holm_field *field)
{
    uint64_t tag = *at;
    at = tag < 0x80 ? at + 1 : holm_field_read_tag(at, end, &tag);
    if (at == NULL || tag >> 3 == 0)
        return NULL;
    field->number = (unsigned)(tag >> 3);
    field->form = tag & 7;
    return holm_field_read_value(at, end, field);
}

#endif

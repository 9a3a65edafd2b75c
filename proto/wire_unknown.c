/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/varint.h"
#include "proto/wire.h"

/* protobuf-c lets a field with the number 0 pass when its tag is written long-windedly. */
enum holm_status holm_wire_check_unknown(const ProtobufCMessage *message, size_t size_max,
                                         size_t *size)
{
    *size = 0;
    for (unsigned i = 0; i < message->n_unknown_fields; i++) {
        const ProtobufCMessageUnknownField *field = &message->unknown_fields[i];
        if (field->tag == 0)
            return HOLM_EMALFORMED;
        *size += holm_varint_size((uint64_t)field->tag << 3) + field->len;
    }
    return *size > size_max ? HOLM_ETOOBIG : HOLM_OK;
}

struct holm_bytes holm_wire_read_unknown(const ProtobufCMessage *message, struct holm_fill *fill)
{
    struct holm_bytes unknown = {fill->bytes, 0};
    for (unsigned i = 0; i < message->n_unknown_fields; i++) {
        const ProtobufCMessageUnknownField *field = &message->unknown_fields[i];
        unsigned char tag[HOLM_VARINT_BYTES_MAX];
        size_t tag_bytes =
            (size_t)(holm_varint_write(tag, (uint64_t)field->tag << 3 | field->wire_type) - tag);
        (void)holm_fill_bytes(fill, holm_mem(tag, tag_bytes));
        (void)holm_fill_bytes(fill, holm_mem(field->data, field->len));
        unknown.size += tag_bytes + field->len;
    }
    return unknown;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/wire.h"

/* Reads a varint of at most `size` bytes; 0 bytes read when there is none. */
static size_t varint_read(const unsigned char *bytes, size_t size, uint64_t *value)
{
    *value = 0;
    for (size_t i = 0; i < size && i < 10; i++) {
        *value |= (uint64_t)(bytes[i] & 0x7f) << (7 * i);
        if ((bytes[i] & 0x80) == 0)
            return i + 1;
    }
    return 0;
}

static size_t varint_write(unsigned char *bytes, uint64_t value)
{
    size_t size = 0;
    for (; value >= 0x80; value >>= 7)
        bytes[size++] = (unsigned char)(value | 0x80);
    bytes[size++] = (unsigned char)value;
    return size;
}

/*
 * Unknown bytes are given to protobuf-c as one unknown field: it writes a field's tag and then the
 * field's bytes as they are, and those may well go on with more fields.
 */
enum holm_status holm_wire_write_unknown(struct holm_arena *arena, struct holm_bytes unknown,
                                         ProtobufCMessage *message)
{
    if (unknown.size == 0)
        return HOLM_OK;
    uint64_t tag = 0;
    size_t tag_bytes = varint_read(unknown.data, unknown.size, &tag);
    HOLM_ASSERT(tag_bytes > 0 && tag >> 3 > 0 && tag >> 3 <= UINT32_MAX);
    ProtobufCMessageUnknownField *field = NULL;
    ProtobufCBinaryData copy = {0, NULL};
    enum holm_status status = holm_wire_array(arena, 1, sizeof *field, &field);
    if (status == HOLM_OK)
        status = holm_wire_bytes(arena, unknown, &copy);
    if (status != HOLM_OK)
        return status;
    field->tag = (uint32_t)(tag >> 3);
    field->wire_type = (ProtobufCWireType)(tag & 7);
    field->data = copy.data + tag_bytes;
    field->len = copy.len - tag_bytes;
    message->n_unknown_fields = 1;
    message->unknown_fields = field;
    return HOLM_OK;
}

/* protobuf-c lets a field with the number 0 pass when its tag is written long-windedly. */
enum holm_status holm_wire_check_unknown(const ProtobufCMessage *message, size_t size_max,
                                         size_t *size)
{
    *size = 0;
    for (unsigned i = 0; i < message->n_unknown_fields; i++) {
        const ProtobufCMessageUnknownField *field = &message->unknown_fields[i];
        unsigned char tag[10];
        if (field->tag == 0)
            return HOLM_EMALFORMED;
        *size += varint_write(tag, (uint64_t)field->tag << 3) + field->len;
    }
    return *size > size_max ? HOLM_ETOOBIG : HOLM_OK;
}

struct holm_bytes holm_wire_read_unknown(const ProtobufCMessage *message, struct holm_fill *fill)
{
    struct holm_bytes unknown = {fill->bytes, 0};
    for (unsigned i = 0; i < message->n_unknown_fields; i++) {
        const ProtobufCMessageUnknownField *field = &message->unknown_fields[i];
        unsigned char tag[10];
        size_t tag_bytes = varint_write(tag, (uint64_t)field->tag << 3 | field->wire_type);
        (void)holm_fill_bytes(fill, holm_mem(tag, tag_bytes));
        (void)holm_fill_bytes(fill, holm_mem(field->data, field->len));
        unknown.size += tag_bytes + field->len;
    }
    return unknown;
}

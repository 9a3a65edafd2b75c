/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/batch.h"

#include "crdt/path.h"
#include "proto/varint.h"

#define VERSION 1

/* The least that an operation takes: its type, and the sizes of a key and a path. */
#define OP_BYTES_MIN 3

static bool is_type(uint64_t type)
{
    return type >= HOLM_OP_PUT && type <= HOLM_OP_BURY;
}

static bool has_value(enum holm_op_type type)
{
    return type == HOLM_OP_PUT || type == HOLM_OP_RAISE || type == HOLM_OP_LOWER;
}

static bool has_element(enum holm_op_type type)
{
    return type == HOLM_OP_INSERT || type == HOLM_OP_ERASE;
}

/* ---- writing */

static size_t bytes_size(struct holm_bytes bytes)
{
    return holm_varint_size(bytes.size) + bytes.size;
}

static unsigned char *write_bytes(unsigned char *at, struct holm_bytes bytes)
{
    at = holm_varint_write(at, bytes.size);
    if (bytes.size > 0)
        memcpy(at, bytes.data, bytes.size);
    return at + bytes.size;
}

/* What a value that is no bytes is written as. */
static uint64_t value_bits(const struct holm_value *value)
{
    uint64_t bits = 0;
    if (value->type == HOLM_DOUBLE)
        memcpy(&bits, &value->as.f64, sizeof bits);
    else if (value->type == HOLM_I64)
        bits = (uint64_t)value->as.i64;
    else
        bits = value->as.boolean;
    return bits;
}

static size_t value_size(const struct holm_value *value)
{
    bool bytes = value->type == HOLM_BYTES || value->type == HOLM_TEXT;
    return 1 + (bytes ? bytes_size(value->as.bytes) : 8);
}

static size_t op_size(const struct holm_op *op, struct holm_bytes path)
{
    size_t size = 1 + bytes_size(op->key) + bytes_size(path);
    if (has_value(op->type))
        size += value_size(&op->as.value);
    if (has_element(op->type))
        size += bytes_size(op->as.element);
    if (op->type == HOLM_OP_ADD)
        size += holm_varint_size(holm_zigzag(op->as.amount));
    return size;
}

static unsigned char *write_op(unsigned char *at, const struct holm_op *op, struct holm_bytes path)
{
    const struct holm_value *value = &op->as.value;
    *at++ = (unsigned char)op->type;
    at = write_bytes(write_bytes(at, op->key), path);
    if (has_value(op->type)) {
        *at++ = (unsigned char)value->type;
        at = value->type == HOLM_BYTES || value->type == HOLM_TEXT
                 ? write_bytes(at, value->as.bytes)
                 : holm_fixed64_write(at, value_bits(value));
    }
    if (has_element(op->type))
        at = write_bytes(at, op->as.element);
    if (op->type == HOLM_OP_ADD)
        at = holm_varint_write(at, holm_zigzag(op->as.amount));
    return at;
}

static bool can_be_written(const struct holm_op *op)
{
    enum holm_type type = op->as.value.type;
    return is_type(op->type) && (!has_value(op->type) || (type >= HOLM_BYTES && type <= HOLM_BOOL));
}

enum holm_status holm_batch_encode(const struct holm_allocator *allocator,
                                   const struct holm_op *ops, size_t count, void **bytes,
                                   size_t *size, size_t *capacity)
{
    HOLM_ASSERT(count > 0);
    size_t end = *size;
    enum holm_status status = holm_array_reserve(allocator, bytes, capacity, 1,
                                                 end + 1 + HOLM_VARINT_BYTES_MAX);
    if (status != HOLM_OK)
        return status;
    ((unsigned char *)*bytes)[end++] = VERSION;
    end += (size_t)(holm_varint_write((unsigned char *)*bytes + end, count) -
                    ((unsigned char *)*bytes + end));
    for (size_t i = 0; i < count; i++) {
        struct holm_packed_path packed;
        if (!can_be_written(&ops[i]))
            return HOLM_EINVAL;
        status = holm_path_pack(&packed, ops[i].parents, ops[i].field);
        struct holm_bytes path = holm_path_bytes(&packed);
        size_t more = status == HOLM_OK ? op_size(&ops[i], path) : 0;
        if (status == HOLM_OK)
            status = holm_array_reserve(allocator, bytes, capacity, 1, end + more);
        if (status != HOLM_OK)
            return status;
        unsigned char *from = (unsigned char *)*bytes + end;
        size_t written = (size_t)(write_op(from, &ops[i], path) - from);
        HOLM_ASSERT(written == more);
        end += written;
    }
    *size = end;
    return HOLM_OK;
}

/* ---- reading */

struct reader {
    const unsigned char *at, *end; /* at: NULL after something that cannot be */
};

static uint64_t read_number(struct reader *reader)
{
    uint64_t value = 0;
    if (reader->at != NULL)
        reader->at = holm_varint_read(reader->at, reader->end, &value);
    return reader->at == NULL ? 0 : value;
}

static struct holm_bytes read_bytes(struct reader *reader)
{
    uint64_t size = read_number(reader);
    if (reader->at == NULL || size > (size_t)(reader->end - reader->at)) {
        reader->at = NULL;
        return holm_mem(NULL, 0);
    }
    struct holm_bytes bytes = holm_mem(reader->at, (size_t)size);
    reader->at += size;
    return bytes;
}

static uint64_t read_fixed(struct reader *reader)
{
    if (reader->at == NULL || reader->end - reader->at < 8) {
        reader->at = NULL;
        return 0;
    }
    reader->at += 8;
    return holm_fixed64_read(reader->at - 8);
}

static struct holm_value read_value(struct reader *reader)
{
    uint64_t type = read_number(reader);
    struct holm_value value;
    memset(&value, 0, sizeof value);
    if (type < HOLM_BYTES || type > HOLM_BOOL) {
        reader->at = NULL;
        return value;
    }
    value.type = (enum holm_type)type;
    if (type == HOLM_BYTES || type == HOLM_TEXT) {
        value.as.bytes = read_bytes(reader);
        return value;
    }
    uint64_t bits = read_fixed(reader);
    if (type == HOLM_DOUBLE)
        memcpy(&value.as.f64, &bits, sizeof bits);
    else if (type == HOLM_I64)
        value.as.i64 = (int64_t)bits;
    else if (bits <= 1)
        value.as.boolean = bits == 1;
    else
        reader->at = NULL;
    return value;
}

/* One operation; *path is its packed path. On failure reader->at is NULL. */
static void read_op(struct reader *reader, struct holm_op *op, struct holm_bytes *path)
{
    uint64_t type = read_number(reader);
    memset(op, 0, sizeof *op);
    *path = holm_mem(NULL, 0);
    if (!is_type(type)) {
        reader->at = NULL;
        return;
    }
    op->type = (enum holm_op_type)type;
    op->key = read_bytes(reader);
    *path = read_bytes(reader);
    if (has_value(op->type))
        op->as.value = read_value(reader);
    if (has_element(op->type))
        op->as.element = read_bytes(reader);
    if (op->type == HOLM_OP_ADD)
        op->as.amount = holm_zigzag_signed(read_number(reader));
    if (reader->at != NULL && !holm_path_valid(*path))
        reader->at = NULL;
}

/* Looks through all of it: how many names there are; SIZE_MAX when it is none. */
static size_t count_names(struct reader reader, size_t count)
{
    size_t names = 0;
    for (size_t i = 0; i < count; i++) {
        struct holm_op op;
        struct holm_bytes path;
        read_op(&reader, &op, &path);
        if (reader.at == NULL)
            return SIZE_MAX;
        names += holm_path_count(path);
    }
    return reader.at == reader.end ? names : SIZE_MAX;
}

static void fill(struct reader reader, struct holm_batch *batch)
{
    size_t used = 0;
    for (size_t i = 0; i < batch->count; i++) {
        struct holm_bytes path;
        size_t first = used;
        read_op(&reader, &batch->ops[i], &path);
        HOLM_ASSERT(reader.at != NULL);
        while (path.size > 0)
            batch->names[used++] = holm_path_take(&path);
        if (used > first)
            batch->ops[i].parents = holm_path_of(batch->names + first, used - first);
    }
    HOLM_ASSERT(used == batch->name_count);
}

enum holm_status holm_batch_decode(const struct holm_allocator *allocator, struct holm_bytes bytes,
                                   struct holm_batch *batch)
{
    const unsigned char *data = bytes.data;
    memset(batch, 0, sizeof *batch);
    if (bytes.size == 0 || data[0] == 0)
        return HOLM_EMALFORMED;
    if (data[0] > VERSION)
        return HOLM_EVERSION;
    struct reader reader = {data + 1, data + bytes.size};
    uint64_t count = read_number(&reader);
    if (reader.at == NULL || count == 0 || count > (size_t)(reader.end - reader.at) / OP_BYTES_MIN)
        return HOLM_EMALFORMED;
    size_t names = count_names(reader, (size_t)count);
    if (names == SIZE_MAX)
        return HOLM_EMALFORMED;
    batch->count = (size_t)count;
    batch->name_count = names;
    batch->ops = holm_allocate(allocator, batch->count * sizeof *batch->ops);
    if (batch->ops != NULL && names > 0)
        batch->names = holm_allocate(allocator, names * sizeof *batch->names);
    if (batch->ops == NULL || (names > 0 && batch->names == NULL)) {
        holm_batch_release(allocator, batch);
        return HOLM_ENOMEM;
    }
    fill(reader, batch);
    return HOLM_OK;
}

void holm_batch_release(const struct holm_allocator *allocator, struct holm_batch *batch)
{
    holm_deallocate(allocator, batch->ops, batch->count * sizeof *batch->ops);
    holm_deallocate(allocator, batch->names, batch->name_count * sizeof *batch->names);
    memset(batch, 0, sizeof *batch);
}

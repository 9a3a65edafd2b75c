/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/wire.h"

size_t holm_column_fold32(const uint32_t *values, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        if (values[i] != values[0])
            return count;
    }
    return count > 0 && values[0] != 0 ? 1 : 0;
}

size_t holm_column_fold64(const uint64_t *values, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        if (values[i] != values[0])
            return count;
    }
    return count > 0 && values[0] != 0 ? 1 : 0;
}

size_t holm_column_fold_signed(const int64_t *values, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        if (values[i] != values[0])
            return count;
    }
    return count > 0 && values[0] != 0 ? 1 : 0;
}

uint64_t holm_column_sum(const uint32_t *values, size_t entries, size_t count)
{
    HOLM_ASSERT(holm_column_fits(entries, count) && count <= UINT32_MAX);
    if (entries <= 1)
        return entries * (uint64_t)count * holm_column_at32(values, entries, 0);
    uint64_t sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += values[i];
    return sum;
}

enum holm_status holm_wire_array(struct holm_arena *arena, size_t count, size_t element_bytes,
                                 void *array)
{
    void *piece = count > SIZE_MAX / element_bytes ? NULL
                                                   : holm_arena_take(arena, count * element_bytes);
    memcpy(array, &piece, sizeof piece);
    return piece == NULL ? HOLM_ENOMEM : HOLM_OK;
}

enum holm_status holm_wire_bytes(struct holm_arena *arena, struct holm_bytes source,
                                 ProtobufCBinaryData *field)
{
    field->len = source.size;
    enum holm_status status = holm_wire_array(arena, source.size, 1, &field->data);
    if (status == HOLM_OK && source.size > 0)
        memcpy(field->data, source.data, source.size);
    return status;
}

enum holm_status holm_wire_take(const struct holm_wire_reading *reading, size_t count,
                                size_t element_bytes, void *array)
{
    if (holm_wire_array(reading->arena, count, element_bytes, array) == HOLM_OK)
        return HOLM_OK;
    return reading->budget->refusal == HOLM_OK ? HOLM_ENOMEM : reading->budget->refusal;
}

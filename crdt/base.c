/* SPDX-License-Identifier: Apache-2.0 */
#include "crdt/base.h"

#include <stdlib.h>

holm_assert_handler *holm_assert_hook;

void *holm_allocate(const struct holm_allocator *allocator, size_t size)
{
    HOLM_ASSERT(size > 0);
    return allocator->resize(allocator->context, NULL, 0, size);
}

void holm_deallocate(const struct holm_allocator *allocator, void *memory, size_t size)
{
    if (memory == NULL)
        return;
    HOLM_ASSERT(size > 0);
    (void)allocator->resize(allocator->context, memory, size, 0);
}

enum holm_status holm_array_grow(const struct holm_allocator *allocator, void **array,
                                 size_t *capacity, size_t element_bytes, size_t wanted)
{
    HOLM_ASSERT(element_bytes > 0 && wanted > *capacity);
    size_t grown = *capacity < 8 ? 8 : *capacity * 2;
    if (grown < wanted)
        grown = wanted;
    if (grown > SIZE_MAX / element_bytes)
        return HOLM_ENOMEM;
    void *moved = allocator->resize(allocator->context, *array, *capacity * element_bytes,
                                    grown * element_bytes);
    if (moved == NULL)
        return HOLM_ENOMEM;
    *array = moved;
    *capacity = grown;
    return HOLM_OK;
}

void holm_array_free(const struct holm_allocator *allocator, void *array, size_t capacity,
                     size_t element_bytes)
{
    if (capacity > 0)
        holm_deallocate(allocator, array, capacity * element_bytes);
}

_Noreturn void holm_assert_failed(const char *expression, const char *file, int line)
{
    if (holm_assert_hook != NULL)
        holm_assert_hook(expression, file, line);
    abort();
}

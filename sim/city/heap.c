/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/city/heap.h"

#include <stdint.h>
#include <stdlib.h>

void *holm_heap_grow(void *array, size_t *capacity, size_t element_bytes, size_t wanted)
{
    if (array != NULL && wanted <= *capacity)
        return array;
    size_t grown = *capacity < 8 ? 8 : *capacity;
    while (grown < wanted) {
        if (grown > SIZE_MAX / 2)
            return NULL;
        grown *= 2;
    }
    if (grown > SIZE_MAX / element_bytes)
        return NULL;
    void *moved = realloc(array, grown * element_bytes);
    if (moved != NULL)
        *capacity = grown;
    return moved;
}

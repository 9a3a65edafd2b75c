/* SPDX-License-Identifier: Apache-2.0 */
/*
 * heap.h - arrays that grow, on the process's heap.
 *
 * The simulation is a program, not an embedded core: it takes memory from malloc. What it keeps is
 * an array with a count and a capacity; this is the one place where such an array grows.
 */
#ifndef HOLM_SIM_CITY_HEAP_H
#define HOLM_SIM_CITY_HEAP_H

#include <holm/status.h>
#include <stddef.h>

/*
 * Returns `array` with room for at least `wanted` elements, at twice the capacity it had; it may
 * have moved. NULL when there is no memory: then `array` is as it was, and *capacity too. What is
 * new is not cleared. free() it.
 */
HOLM_NODISCARD void *holm_heap_grow(void *array, size_t *capacity, size_t element_bytes,
                                    size_t wanted);

#endif

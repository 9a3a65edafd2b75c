/* SPDX-License-Identifier: Apache-2.0 */
/*
 * order.h - total orders: of values, of floating point, and a sort that needs no memory.
 */
#ifndef HOLM_CRDT_ORDER_H
#define HOLM_CRDT_ORDER_H

#include "crdt/base.h"

/*
 * Negative, zero, positive. Values of different types are ordered by type; doubles by IEEE 754
 * totalOrder (section 5.10), so NaN and -0.0 have their places; the same everywhere.
 */
int holm_value_compare(const struct holm_value *a, const struct holm_value *b);

/* Whether the type's value is in as.bytes: bytes, text, and every type this build does not know. */
static inline bool holm_type_has_bytes(enum holm_type type)
{
    return type != HOLM_NONE && type != HOLM_I64 && type != HOLM_DOUBLE && type != HOLM_BOOL;
}

/* Sorts in place, not stably, O(n log n) always. `compare` as for qsort. */
void holm_sort(void *array, size_t count, size_t element_bytes,
               int (*compare)(const void *a, const void *b));

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include "crdt/order.h"

/* The bits of a double as an integer that orders as totalOrder does. */
static uint64_t double_rank(double number)
{
    uint64_t bits;
    memcpy(&bits, &number, sizeof bits);
    return bits >> 63 ? ~bits : bits | UINT64_C(1) << 63;
}

int holm_value_compare(const struct holm_value *a, const struct holm_value *b)
{
    if (a->type != b->type)
        return a->type < b->type ? -1 : 1;
    if (holm_type_has_bytes(a->type))
        return holm_bytes_compare(a->as.bytes, b->as.bytes);
    if (a->type == HOLM_I64)
        return (a->as.i64 > b->as.i64) - (a->as.i64 < b->as.i64);
    if (a->type == HOLM_BOOL)
        return (int)a->as.boolean - (int)b->as.boolean;
    if (a->type == HOLM_NONE)
        return 0;
    uint64_t left = double_rank(a->as.f64);
    uint64_t right = double_rank(b->as.f64);
    return (left > right) - (left < right);
}

static void swap(unsigned char *a, unsigned char *b, size_t size)
{
    unsigned char buffer[64];
    while (size > 0) {
        size_t part = size < sizeof buffer ? size : sizeof buffer;
        memcpy(buffer, a, part);
        memcpy(a, b, part);
        memcpy(b, buffer, part);
        a += part;
        b += part;
        size -= part;
    }
}

static void sift(unsigned char *array, size_t root, size_t count, size_t size,
                 int (*compare)(const void *a, const void *b))
{
    while (root * 2 + 1 < count) {
        size_t child = root * 2 + 1;
        if (child + 1 < count && compare(array + child * size, array + (child + 1) * size) < 0)
            child += 1;
        if (compare(array + root * size, array + child * size) >= 0)
            return;
        swap(array + root * size, array + child * size, size);
        root = child;
    }
}

static bool is_sorted(const unsigned char *array, size_t count, size_t size,
                      int (*compare)(const void *a, const void *b))
{
    for (size_t i = 1; i < count; i++) {
        if (compare(array + (i - 1) * size, array + i * size) > 0)
            return false;
    }
    return true;
}

void holm_sort(void *array, size_t count, size_t element_bytes,
               int (*compare)(const void *a, const void *b))
{
    unsigned char *bytes = array;
    /* Most arrays here arrive in order. */
    if (count < 2 || is_sorted(bytes, count, element_bytes, compare))
        return;
    for (size_t root = count / 2; root > 0; root--)
        sift(bytes, root - 1, count, element_bytes, compare);
    for (size_t end = count - 1; end > 0; end--) {
        swap(bytes, bytes + end * element_bytes, element_bytes);
        sift(bytes, 0, end, element_bytes, compare);
    }
}

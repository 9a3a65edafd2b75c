/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rateless.h - a rival: rateless invertible Bloom lookup tables.
 *
 *     the server's cells   -> coded symbols 0, 1, 2, ...  \
 *                                                          subtract, peel -> what differs
 *     the receiver's cells -> coded symbols 0, 1, 2, ...  /
 *
 * A coded symbol is the XOR of all elements that map to it, the XOR of their checksums, and their
 * number. An element maps to symbol 0, and from symbol i on next to one that is farther away the larger
 * i is: density falls as 1 / (1 + i/2). The server sends symbols until the receiver can peel all, about
 * 1.35 to 1.7 for each element that differs; nobody need know how many that is.
 *
 * Yang, Gilad, Alizadeh, "Practical Rateless Set Reconciliation", SIGCOMM 2024, sections 4 and 5. The
 * elements are fingerprints of 8 bytes: contents are not transferred but asked for in the end.
 */
#ifndef HOLM_BENCH_RATELESS_H
#define HOLM_BENCH_RATELESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rateless_symbol {
    uint64_t sum;
    uint64_t check;
    int64_t count;
};

/* A set that makes coded symbols, as many as are asked for. */
struct rateless;

struct rateless *rateless_new(const uint64_t *elements, size_t count);
void rateless_free(struct rateless *set);

/* The first `count` symbols; more than before only. Borrowed until the next call. O(elements). */
const struct rateless_symbol *rateless_symbols(struct rateless *set, size_t count);

/*
 * Peels the differences of two sets' first `count` symbols: elements that only the first has, then those
 * that only the second has, into `found`, which has room for `count`. False: it takes more symbols.
 */
bool rateless_peel(const struct rateless_symbol *first, const struct rateless_symbol *second,
                   size_t count, uint64_t *found, size_t *of_first, size_t *of_second);

#endif

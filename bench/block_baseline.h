/* SPDX-License-Identifier: Apache-2.0 */
/*
 * block_baseline.h - what finding a record costs at least where a table names blocks.
 *
 *     slot (tag, number)  ->  block: key, number        8 bytes, then a cache line
 *
 * As crdt/state.h lays records out, and nothing else: XXH3 of the key, one slot, one block, one number
 * set. table_baseline.h has the key in the slot, which takes one miss less and several times the memory.
 */
#ifndef HOLM_BENCH_BLOCK_BASELINE_H
#define HOLM_BENCH_BLOCK_BASELINE_H

#include <holm/value.h>

#define BLOCK_BASELINE_KEY_BYTES_MAX 48

struct block_baseline;

/* Room for `keys` keys; the program ends if there is no memory for it. Freed with _free(). */
struct block_baseline *block_baseline_new(size_t keys);
void block_baseline_free(struct block_baseline *table);

/* Sets the number of a key of at most BLOCK_BASELINE_KEY_BYTES_MAX bytes, and returns what it was, 0 if the
 * key is new. */
int64_t block_baseline_upsert(struct block_baseline *table, struct holm_bytes key, int64_t number);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * table_baseline.h - what storing a key and a number costs at least: a bare hash table.
 *
 * Open addressing, linear probing, slots of one cache line, XXH3 of the key, sized once for twice
 * as many keys as will come. No history, no causality, no digest, no memory per value: the floor
 * that a write to a replica is compared with, with the same keys in the same order.
 */
#ifndef HOLM_BENCH_TABLE_BASELINE_H
#define HOLM_BENCH_TABLE_BASELINE_H

#include <holm/value.h>

#define TABLE_BASELINE_KEY_BYTES_MAX 40

struct table_baseline;

/* Room for `keys` keys; the program ends if there is no memory for it. Freed with _free(). */
struct table_baseline *table_baseline_new(size_t keys);
void table_baseline_free(struct table_baseline *table);

/* Sets the number of a key of at most TABLE_BASELINE_KEY_BYTES_MAX bytes. */
void table_baseline_upsert(struct table_baseline *table, struct holm_bytes key, int64_t number);
/* The same for up to TABLE_BASELINE_BATCH_MAX keys: all slots are asked for from memory before the
 * first is looked at. */
#define TABLE_BASELINE_BATCH_MAX 16
void table_baseline_upsert_batch(struct table_baseline *table, const struct holm_bytes *keys,
                                 const int64_t *numbers, size_t count);
/* False when the key is not there. */
bool table_baseline_get(const struct table_baseline *table, struct holm_bytes key, int64_t *number);
/* A walk over everything. */
int64_t table_baseline_sum(const struct table_baseline *table, size_t *count);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/table_baseline.h"

#include <stdlib.h>

#include <xxhash.h>

#include "bench/measure.h"

struct slot {
    uint64_t hash;
    int64_t number;
    uint32_t key_bytes; /* 0: free */
    unsigned char key[TABLE_BASELINE_KEY_BYTES_MAX];
    uint32_t unused;
};

_Static_assert(sizeof(struct slot) == 64, "a slot is one cache line");

struct table_baseline {
    struct slot *slots;
    size_t slot_count; /* a power of two */
    size_t key_count;
};

struct table_baseline *table_baseline_new(size_t keys)
{
    struct table_baseline *table = measure_allocate(sizeof *table);
    table->key_count = 0;
    table->slot_count = 64;
    while (table->slot_count < 2 * keys)
        table->slot_count *= 2;
    size_t bytes = table->slot_count * sizeof *table->slots;
    table->slots = aligned_alloc(64, bytes);
    measure_require(table->slots != NULL, "there is memory for the table");
    memset(table->slots, 0, bytes);
    return table;
}

void table_baseline_free(struct table_baseline *table)
{
    free(table->slots);
    free(table);
}

static struct slot *find(const struct table_baseline *table, struct holm_bytes key, uint64_t hash)
{
    size_t mask = table->slot_count - 1;
    size_t at = hash & mask;
    for (;;) {
        struct slot *slot = &table->slots[at];
        if (slot->key_bytes == 0)
            return slot;
        if (slot->hash == hash && slot->key_bytes == key.size &&
            memcmp(slot->key, key.data, key.size) == 0)
            return slot;
        at = (at + 1) & mask;
    }
}

static uint64_t hash_of(struct holm_bytes key)
{
    measure_require(key.size > 0 && key.size <= TABLE_BASELINE_KEY_BYTES_MAX, "the key fits");
    return XXH3_64bits(key.data, key.size);
}

static void upsert(struct table_baseline *table, struct holm_bytes key, uint64_t hash,
                   int64_t number)
{
    struct slot *slot = find(table, key, hash);
    if (slot->key_bytes == 0) {
        measure_require(++table->key_count < table->slot_count, "the table has a free slot");
        slot->hash = hash;
        slot->key_bytes = (uint32_t)key.size;
        memcpy(slot->key, key.data, key.size);
    }
    slot->number = number;
}

void table_baseline_upsert(struct table_baseline *table, struct holm_bytes key, int64_t number)
{
    upsert(table, key, hash_of(key), number);
}

void table_baseline_upsert_batch(struct table_baseline *table, const struct holm_bytes *keys,
                                 const int64_t *numbers, size_t count)
{
    uint64_t hashes[TABLE_BASELINE_BATCH_MAX];
    measure_require(count <= TABLE_BASELINE_BATCH_MAX, "the batch fits");
    for (size_t i = 0; i < count; i++) {
        hashes[i] = hash_of(keys[i]);
        __builtin_prefetch(&table->slots[hashes[i] & (table->slot_count - 1)], 1);
    }
    for (size_t i = 0; i < count; i++)
        upsert(table, keys[i], hashes[i], numbers[i]);
}

bool table_baseline_get(const struct table_baseline *table, struct holm_bytes key, int64_t *number)
{
    const struct slot *slot = find(table, key, XXH3_64bits(key.data, key.size));
    *number = slot->number;
    return slot->key_bytes > 0;
}

int64_t table_baseline_sum(const struct table_baseline *table, size_t *count)
{
    int64_t sum = 0;
    *count = 0;
    for (size_t i = 0; i < table->slot_count; i++) {
        sum += table->slots[i].number;
        *count += table->slots[i].key_bytes > 0 ? 1 : 0;
    }
    return sum;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/block_baseline.h"

#include <stdlib.h>

#include <xxhash.h>

#include "bench/measure.h"

struct slot {
    uint32_t tag;
    uint32_t block; /* number + 1; 0: free */
};

struct block {
    int64_t number;
    uint64_t key_bytes;
    unsigned char key[BLOCK_BASELINE_KEY_BYTES_MAX];
};

_Static_assert(sizeof(struct block) == 64, "a block is one cache line");

struct block_baseline {
    struct slot *slots;
    struct block *blocks;
    size_t slot_count, block_count, block_capacity;
};

struct block_baseline *block_baseline_new(size_t keys)
{
    struct block_baseline *table = measure_allocate(sizeof *table);
    table->slot_count = keys + keys / 2 +
                        16; /* two thirds full, as a state's table is on the average */
    table->block_capacity = keys;
    table->block_count = 0;
    table->slots = calloc(table->slot_count, sizeof *table->slots);
    table->blocks = aligned_alloc(sizeof *table->blocks, keys * sizeof *table->blocks);
    measure_require(table->slots != NULL && table->blocks != NULL, "there is memory for the table");
    return table;
}

void block_baseline_free(struct block_baseline *table)
{
    free(table->slots);
    free(table->blocks);
    free(table);
}

static int64_t add(struct block_baseline *table, struct slot *slot, uint32_t tag,
                   struct holm_bytes key, int64_t number)
{
    measure_require(table->block_count < table->block_capacity, "there is a free block");
    struct block *block = &table->blocks[table->block_count++];
    block->number = number;
    block->key_bytes = key.size;
    memcpy(block->key, key.data, key.size);
    *slot = (struct slot){tag, (uint32_t)table->block_count};
    return 0;
}

int64_t block_baseline_upsert(struct block_baseline *table, struct holm_bytes key, int64_t number)
{
    measure_require(key.size > 0 && key.size <= BLOCK_BASELINE_KEY_BYTES_MAX, "the key fits");
    uint32_t tag = (uint32_t)(XXH3_64bits(key.data, key.size) >> 32);
    size_t at = (size_t)((uint64_t)tag * table->slot_count >> 32);
    for (;; at = at + 1 < table->slot_count ? at + 1 : 0) {
        struct slot *slot = &table->slots[at];
        if (slot->block == 0)
            return add(table, slot, tag, key, number);
        struct block *block = &table->blocks[slot->block - 1];
        if (slot->tag != tag || block->key_bytes != key.size ||
            memcmp(block->key, key.data, key.size) != 0)
            continue;
        int64_t before = block->number;
        block->number = number;
        return before;
    }
}

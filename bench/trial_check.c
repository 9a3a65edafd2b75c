/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xxhash.h>

#include "bench/measure.h"
#include "bench/trial_parts.h"
#include "crdt/partition.h"

/* What a reader sees of a partition, whatever the order in which it is kept. */
struct content {
    uint64_t records, cells, user_bytes;
    uint64_t sum; /* of hashes of cells */
    const struct holm_replica *replica;
    struct holm_bytes key;
    uint8_t kind; /* of the slot that was counted last */
    bool first;
};

static uint64_t hashed(struct holm_bytes bytes, uint64_t seed)
{
    return XXH3_64bits_withSeed(bytes.data, bytes.size, seed);
}

static bool add_cell(void *context, const struct holm_cell_view *cell)
{
    struct content *content = context;
    uint64_t number = (uint64_t)cell->value.as.i64;
    uint64_t hash = hashed(cell->key, cell->kind);
    hash = hashed(cell->path, hash);
    hash = hashed(cell->sub, hash);
    hash = hashed(holm_mem(&cell->dot.actor.node.value, 8), hash);
    hash = hashed(holm_mem(&cell->dot.actor.epoch.value, 8), hash);
    content->sum += hashed(holm_mem(&number, 8), hash + cell->dot.seq);
    content->cells++;
    /* Siblings and the shares of a counter are one value to who reads. */
    if (content->first || cell->kind != content->kind)
        content->user_bytes += 8;
    content->kind = cell->kind;
    content->first = false;
    return true;
}

static bool add_key(void *context, struct holm_bytes key)
{
    struct content *content = context;
    content->records++;
    content->user_bytes += key.size;
    content->first = true;
    holm_replica_visit(content->replica, key, add_cell, content);
    return true;
}

static struct content read_content(struct holm_engine *engine, uint32_t partition)
{
    struct content content = {.replica = holm_engine_lock(engine, partition)};
    holm_replica_visit_keys(content.replica, holm_mem(NULL, 0), add_key, &content);
    holm_engine_unlock(engine, partition);
    return content;
}

/* ---- what was written ----------------------------------------------------------------------- */

struct expected {
    bool put;
    bool added;
    int64_t sum;
};

/* Of all writes that the partition's vector covers. */
static size_t expect(const struct trial *trial, uint32_t partition, const uint64_t *seqs,
                     struct expected *keys, size_t key_count)
{
    size_t covered = 0;
    memset(keys, 0, key_count * sizeof keys[0]);
    for (uint32_t life = 0; life < trial->life_count; life++) {
        const struct trial_writes *writes = &trial->lives[life].partitions[partition];
        for (size_t i = 0; i < writes->count && writes->writes[i].seq <= seqs[life]; i++) {
            const struct trial_write *write = &writes->writes[i];
            HOLM_ASSERT(write->key < key_count);
            keys[write->key].put |= write->amount == 0;
            keys[write->key].added |= write->amount != 0;
            keys[write->key].sum += write->amount;
            covered++;
        }
    }
    return covered;
}

static void check_key(struct trial *trial, const struct holm_replica *replica, uint32_t number,
                      const struct expected *expected)
{
    char text[16];
    struct holm_bytes key = holm_mem(text, (size_t)snprintf(text, sizeof text, "w%08u", number));
    struct holm_cell_view cell;
    int64_t sum = 0;
    if (expected->put &&
        (holm_replica_get(replica, key, holm_mem(NULL, 0), HOLM_REGISTER, &cell) != HOLM_OK ||
         cell.value.as.i64 != (int64_t)number))
        trial_fail(trial, false, "the register of %s is not what was written", text);
    if (expected->added && (holm_replica_count(replica, key, holm_mem(NULL, 0), &sum) != HOLM_OK ||
                            sum != expected->sum))
        trial_fail(trial, false, "the counter of %s is %lld, not %lld", text, (long long)sum,
                   (long long)expected->sum);
}

#define KEYS_MAX 4096

static void check_written(struct trial *trial, uint32_t node, uint32_t partition)
{
    static struct expected keys[KEYS_MAX];
    const uint64_t *seqs = trial->node[node].replicas[partition].seqs;
    (void)expect(trial, partition, seqs, keys, KEYS_MAX);
    const struct holm_replica *replica = holm_engine_lock(holm_world_engine(trial->world, node),
                                                          partition);
    for (uint32_t i = 0; i < KEYS_MAX; i++)
        if (keys[i].put || keys[i].added)
            check_key(trial, replica, i, &keys[i]);
    holm_engine_unlock(holm_world_engine(trial->world, node), partition);
}

/* What was there before. */
static void check_loaded(struct trial *trial, uint32_t node)
{
    struct holm_engine *engine = holm_world_engine(trial->world, node);
    for (uint32_t i = 0; i < trial->scenario->records; i++) {
        char text[16];
        struct holm_bytes key = holm_mem(text, (size_t)snprintf(text, sizeof text, "k%08u", i));
        uint32_t p = holm_partition_of(key, TRIAL_PARTITIONS);
        struct holm_cell_view cell;
        const struct holm_replica *replica = holm_engine_lock(engine, p);
        if (holm_replica_get(replica, key, holm_mem(NULL, 0), HOLM_REGISTER, &cell) != HOLM_OK ||
            cell.value.as.i64 != (int64_t)i)
            trial_fail(trial, false, "%s is not as it was loaded", text);
        holm_engine_unlock(engine, p);
    }
}

/* ---- all replicas --------------------------------------------------------------------------- */

static void compare(struct trial *trial, uint32_t first, uint32_t partition)
{
    struct content content = read_content(holm_world_engine(trial->world, first), partition);
    for (uint32_t i = first + 1; i < holm_world_count(trial->world); i++) {
        if (holm_world_engine(trial->world, i) == NULL)
            continue;
        struct content other = read_content(holm_world_engine(trial->world, i), partition);
        if (other.records != content.records || other.cells != content.cells ||
            other.sum != content.sum)
            trial_fail(trial, false, "nodes %u and %u do not show the same in partition %u", first,
                       i, partition);
    }
    trial->figures->records += content.records;
    trial->figures->user_bytes += content.user_bytes;
}

void trial_check(struct trial *trial)
{
    uint32_t first = 0;
    struct holm_stats stats;
    while (holm_world_engine(trial->world, first) == NULL)
        first++;
    for (uint32_t p = 0; p < TRIAL_PARTITIONS; p++) {
        compare(trial, first, p);
        check_written(trial, first, p);
    }
    if (trial->scenario->records > 0)
        check_loaded(trial, first);
    holm_engine_stats(holm_world_engine(trial->world, first), &stats);
    trial->figures->state_bytes += stats.state_bytes;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdlib.h>

#include <xxhash.h>

#include "sim/world/checker.h"

/* The place of a vector in the table, which is at most half full. */
static struct holm_judge_digest *place_of(struct holm_judge *judge, uint64_t key)
{
    size_t mask = judge->digest_capacity - 1, at = key & mask;
    while (judge->digests[at].key != 0 && judge->digests[at].key != key)
        at = (at + 1) & mask;
    return &judge->digests[at];
}

static void make_room(struct holm_judge *judge)
{
    if (2 * judge->digest_count < judge->digest_capacity)
        return;
    struct holm_judge_digest *old = judge->digests;
    size_t count = judge->digest_capacity;
    judge->digest_capacity = count == 0 ? 256 : 2 * count;
    judge->digests = calloc(judge->digest_capacity, sizeof *judge->digests);
    HOLM_ASSERT(judge->digests != NULL);
    for (size_t i = 0; i < count; i++)
        if (old[i].key != 0)
            *place_of(judge, old[i].key) = old[i];
    free(old);
}

static void look(struct holm_judge *judge, const struct holm_sight *sight)
{
    if (holm_replica_pending(sight->replica))
        return;
    if (holm_world_vector_hash(judge->config.world, sight->node, sight->vector) !=
        sight->vector_hash)
        holm_judge_fail(judge, &holm_check_digest, sight->node,
                        "its vector of partition %" PRIu32 " has not the hash that it says",
                        sight->partition);
    if (sight->outside)
        return;
    make_room(judge);
    uint64_t key = XXH3_64bits_withSeed(sight->vector.entries,
                                        sight->vector.count * sizeof *sight->vector.entries,
                                        sight->partition + 1) |
                   1;
    struct holm_judge_digest *known = place_of(judge, key);
    if (known->key == 0) {
        *known = (struct holm_judge_digest){key, sight->digest, sight->vector_hash, sight->node};
        judge->digest_count++;
        return;
    }
    if (known->digest.low != sight->digest.low || known->digest.high != sight->digest.high)
        holm_judge_fail(judge, &holm_check_digest, sight->node,
                        "its digest of partition %" PRIu32 " is %016" PRIx64 " where n%" PRIu32
                        " had %016" PRIx64 " with the same vector",
                        sight->partition, sight->digest.low, known->node, known->digest.low);
    if (known->vector_hash != sight->vector_hash)
        holm_judge_fail(judge, &holm_check_digest, sight->node,
                        "equal vectors of partition %" PRIu32 " have two hashes", sight->partition);
}

/* What the nodes noticed themselves. The strangers of these worlds say nothing of a state, so they make none. */
static void converged(struct holm_judge *judge, bool in_time)
{
    (void)in_time;
    for (uint32_t i = 0; i < holm_world_count(judge->config.world); i++) {
        struct holm_engine *engine = holm_world_engine(judge->config.world, i);
        struct holm_stats stats;
        if (engine == NULL)
            continue;
        holm_engine_check(engine);
        holm_engine_stats(engine, &stats);
        if (stats.digest_breaches > 0)
            holm_judge_fail(judge, &holm_check_digest, i, "it counted %" PRIu64 " breaches",
                            stats.digest_breaches);
    }
}

const struct holm_checker holm_check_digest = {
    .name = "digest",
    .claim = "equal vectors have equal digests and equal hashes, anywhere and at any time",
    .look = look,
    .converged = converged,
};

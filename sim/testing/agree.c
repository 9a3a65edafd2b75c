/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/testing/parts.h"

struct likeness {
    uint64_t vector_hash;
    struct holm_digest digest;
    bool pending;
};

static struct likeness likeness_of(struct holm_node *node, uint32_t partition)
{
    const struct holm_replica *replica = holm_engine_lock(node->engine, partition);
    struct likeness likeness = {.vector_hash = holm_replica_vector_hash(replica),
                                .digest = holm_replica_digest(replica),
                                .pending = holm_replica_pending(replica)};
    holm_engine_unlock(node->engine, partition);
    return likeness;
}

static bool alike(struct holm_node *a, struct holm_node *b, uint32_t partition)
{
    struct likeness left = likeness_of(a, partition);
    struct likeness right = likeness_of(b, partition);
    return !left.pending && !right.pending && left.vector_hash == right.vector_hash &&
           left.digest.low == right.digest.low && left.digest.high == right.digest.high;
}

static bool takes_part(const struct holm_testing *world, uint32_t place)
{
    return world->places[place]->life != NULL && !holm_world_paused(world->world, place);
}

/* The first place of the same cluster that takes part: all others are held against it. */
static uint32_t standard_of(const struct holm_testing *world, uint32_t place)
{
    uint32_t standard = 0;
    while (!takes_part(world, standard) ||
           strcmp(world->places[standard]->cluster, world->places[place]->cluster) != 0 ||
           world->places[standard]->config.partitions != world->places[place]->config.partitions)
        standard++;
    return standard;
}

bool holm_testing_differ(const struct holm_testing *world,
                         struct holm_testing_difference *difference)
{
    for (uint32_t i = 0; i < world->place_count; i++) {
        if (!takes_part(world, i))
            continue;
        uint32_t standard = standard_of(world, i);
        for (uint32_t p = 0; p < world->places[i]->config.partitions; p++) {
            *difference = (struct holm_testing_difference){standard, i, p};
            if (!alike(world->places[standard]->life->node, world->places[i]->life->node, p))
                return true;
        }
    }
    return false;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "node/overlay.h"

/* A place on a ring; of two nodes with one place the id decides. */
struct place {
    uint64_t hash, id;
};

/* SplitMix64's finaliser (Steele, Lea, Flood, OOPSLA 2014). */
static uint64_t mixed(uint64_t z)
{
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static struct place place_of(struct holm_node_id node, uint64_t seed, unsigned ring)
{
    uint64_t salt = mixed(seed + ring * UINT64_C(0x9e3779b97f4a7c15));
    return (struct place){ring == 0 ? node.value : mixed(node.value ^ salt), node.value};
}

/* How far it is from one place to another, going up and round. */
static struct place distance(struct place from, struct place to)
{
    return (struct place){to.hash - from.hash - (to.id < from.id), to.id - from.id};
}

static bool shorter(struct place a, struct place b)
{
    return a.hash != b.hash ? a.hash < b.hash : a.id < b.id;
}

void holm_overlay_choose(struct holm_node_id self, const struct holm_node_id *peers, size_t count,
                         uint64_t seed, bool *chosen)
{
    for (size_t i = 0; i < count; i++)
        chosen[i] = count <= HOLM_OVERLAY_EDGES_MAX;
    for (unsigned ring = 0; ring < HOLM_OVERLAY_RINGS && count > 0; ring++) {
        struct place here = place_of(self, seed, ring);
        size_t next = 0, previous = 0;
        for (size_t i = 0; i < count; i++) {
            HOLM_ASSERT(peers[i].value != self.value);
            struct place there = place_of(peers[i], seed, ring);
            if (shorter(distance(here, there), distance(here, place_of(peers[next], seed, ring))))
                next = i;
            if (shorter(distance(there, here),
                        distance(place_of(peers[previous], seed, ring), here)))
                previous = i;
        }
        chosen[next] = chosen[previous] = true;
    }
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdlib.h>

#include "sim/world/checker.h"

/* Who has left for good (leavers.h). That it is forgotten, and that collection goes on without it, is for converged and
 * collected to see: all members have one list, in which it is not. */

void holm_judge_parted(struct holm_judge *judge, uint32_t node)
{
    uint32_t partitions = judge->config.partitions;
    if (judge->parting == NULL) {
        judge->parting = calloc((size_t)HOLM_JUDGE_NODES_MAX * partitions, sizeof *judge->parting);
        HOLM_ASSERT(judge->parting != NULL);
    }
    judge->parted |= UINT64_C(1) << node;
    for (uint32_t p = 0; p < partitions; p++)
        holm_oracle_view_join(&judge->parting[node * partitions + p],
                              &holm_judge_replica(judge, node, p)->view);
}

/* What it had written was at all who were up when it went. */
static void check_written(struct holm_judge *judge, uint32_t leaver, uint32_t node, uint32_t p)
{
    const struct holm_oracle *oracle = judge->oracles[p];
    const struct holm_oracle_view *had = &judge->parting[leaver * judge->config.partitions + p];
    const struct holm_oracle_view *has = &holm_judge_replica(judge, node, p)->view;
    for (uint32_t i = 0; i < had->count; i++) {
        struct holm_actor actor = holm_oracle_actor(oracle, i);
        uint64_t seq = holm_oracle_view_seq(has, i);
        if (actor.node.value == (uint64_t)leaver + 1 && seq < had->seqs[i])
            holm_judge_fail(judge, &holm_check_left, node,
                            "it has %" PRIu64 " operations of epoch %" PRIx64 " of n%" PRIu32
                            ", which had %" PRIu64 " when it left for good",
                            seq, actor.epoch.value, leaver, had->seqs[i]);
    }
}

/* Somebody who has left and does not count so at a node, by *liveness; or none. */
static uint64_t find_missed(const struct holm_judge *judge, uint32_t node,
                            enum holm_liveness *liveness)
{
    struct holm_peer peers[HOLM_JUDGE_NODES_MAX];
    size_t count = holm_engine_peers(holm_world_engine(judge->config.world, node),
                                     holm_world_clock(judge->config.world, node), peers,
                                     HOLM_JUDGE_NODES_MAX);
    for (size_t i = 0; i < count && i < HOLM_JUDGE_NODES_MAX; i++) {
        uint64_t leaver = peers[i].node.value - 1;
        *liveness = peers[i].liveness;
        if (leaver < HOLM_JUDGE_NODES_MAX && (judge->parted >> leaver & 1) != 0 &&
            *liveness != HOLM_LEFT && *liveness != HOLM_FORGOTTEN)
            return leaver;
    }
    return HOLM_WORLD_NOBODY;
}

static bool is_asked(const struct holm_judge *judge, uint32_t node)
{
    return node < HOLM_JUDGE_NODES_MAX && (judge->core >> node & 1) != 0 &&
           holm_world_alive(judge->config.world, node);
}

bool holm_judge_leaves_known(const struct holm_judge *judge)
{
    enum holm_liveness liveness;
    for (uint32_t node = 0; judge->parted != 0 && node < holm_world_count(judge->config.world);
         node++)
        if (is_asked(judge, node) && find_missed(judge, node, &liveness) != HOLM_WORLD_NOBODY)
            return false;
    return true;
}

static void check_liveness(struct holm_judge *judge, uint32_t node)
{
    enum holm_liveness liveness = HOLM_UP;
    uint64_t leaver = find_missed(judge, node, &liveness);
    if (leaver != HOLM_WORLD_NOBODY)
        holm_judge_fail(judge, &holm_check_left, node,
                        "n%" PRIu64 " has left for good, and counts as %s", leaver,
                        liveness == HOLM_DOWN ? "down" : "alive");
}

static void converged(struct holm_judge *judge, bool in_time)
{
    uint32_t count = holm_world_count(judge->config.world);
    if (judge->parting == NULL)
        return;
    for (uint32_t node = 0; node < count; node++) {
        if (!is_asked(judge, node))
            continue;
        check_liveness(judge, node);
        for (uint32_t leaver = 0; in_time && leaver < count && leaver < HOLM_JUDGE_NODES_MAX;
             leaver++)
            for (uint32_t p = 0; p < judge->config.partitions; p++)
                check_written(judge, leaver, node, p);
    }
}

const struct holm_checker holm_check_left = {
    .name = "left",
    .claim = "who left for good is not taken to be down, and what it had written is with all",
    .converged = converged,
};

/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>

#include "sim/world/checker.h"
#include "sim/world/oracle_parts.h"

static struct holm_node_id id_of(const struct holm_judge *judge, uint32_t node)
{
    return holm_engine_self(holm_world_engine(judge->config.world, node)).node;
}

/* What it wrote itself and nobody had must not turn up again beside what it writes anew. */
static void leave(struct holm_judge *judge, const struct holm_sight *sight)
{
    for (uint32_t i = 0; i < sight->before->count; i++) {
        uint64_t first = holm_oracle_view_seq(sight->view, i) + 1, last = sight->before->seqs[i];
        if (first > last ||
            holm_oracle_actor(sight->oracle, i).node.value != id_of(judge, sight->node).value)
            continue;
        judge->left = holm_oracle_room(judge->left, &judge->left_capacity, judge->left_count,
                                       sizeof *judge->left);
        judge->left[judge->left_count++] = (struct holm_judge_left){sight->partition, i, first,
                                                                    last};
    }
}

static void replaced(struct holm_judge *judge, const struct holm_sight *sight)
{
    size_t count = holm_oracle_count(sight->oracle);
    leave(judge, sight);
    if (sight->node >= HOLM_JUDGE_NODES_MAX || sight->outside)
        return;
    for (uint32_t i = 0; i < count; i++) {
        const struct holm_oracle_op *op = holm_oracle_op(sight->oracle, i);
        if (op->kind != HOLM_COUNTER && !holm_oracle_covers(sight->view, op) &&
            holm_oracle_live(sight->oracle, sight->before, i))
            judge->missing[sight->node]++;
    }
}

/* All partitions are replaced in one go. */
static void moment(struct holm_judge *judge)
{
    struct holm_world *world = judge->config.world;
    for (uint32_t i = 0;
         judge->config.stable && i < holm_world_count(world) && i < HOLM_JUDGE_NODES_MAX; i++) {
        struct holm_world_standing standing;
        if (!holm_world_alive(world, i))
            continue;
        holm_world_standing(world, i, &standing);
        uint64_t told = standing.figures.reminted + standing.figures.dropped;
        if (judge->missing[i] > told - judge->settled[i])
            holm_judge_fail(judge, &holm_check_returned, i,
                            "coming back it left %" PRIu64 " cells, and told of %" PRIu64,
                            judge->missing[i], told - judge->settled[i]);
        judge->settled[i] = told;
        judge->missing[i] = 0;
    }
}

static void converged(struct holm_judge *judge, bool in_time)
{
    for (size_t i = 0; in_time && i < judge->left_count; i++) {
        const struct holm_judge_left *left = &judge->left[i];
        for (uint32_t node = 0; node < holm_world_count(judge->config.world) && node < 64; node++) {
            const struct holm_oracle_view *view =
                &holm_judge_replica(judge, node, left->partition)->view;
            if ((judge->core >> node & 1) == 0 ||
                holm_oracle_view_seq(view, left->actor) < left->first)
                continue;
            holm_judge_fail(
                judge, &holm_check_returned, node,
                "it has operation %" PRIu64 " of node %" PRIu64
                ", which that had alone when it was replaced",
                left->first,
                holm_oracle_actor(judge->oracles[left->partition], left->actor).node.value);
            return;
        }
    }
}

const struct holm_checker holm_check_returned = {
    .name = "returned",
    .claim =
        "what a node had alone that was replaced is minted anew or reported, and comes no more",
    .replaced = replaced,
    .moment = moment,
    .converged = converged,
};

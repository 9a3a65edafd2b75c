/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>

#include "crdt/replica_parts.h"
#include "sim/world/checker.h"

/* S says what has gone, and nothing of it is left. */
static void audit(struct holm_judge *judge, const struct holm_sight *sight)
{
    if (judge->blind[sight->partition])
        return;
    for (size_t i = 0; i < sight->tombstone_count; i++) {
        if (sight->tombstone_ops[i] == HOLM_ORACLE_NONE)
            continue;
        const struct holm_oracle_op *op = holm_oracle_op(sight->oracle, sight->tombstone_ops[i]);
        struct holm_dot dot = {holm_oracle_actor(sight->oracle, op->actor), op->seq};
        if (!holm_vector_has(sight->collected, dot))
            continue;
        char text[200];
        holm_oracle_describe(sight->oracle, sight->tombstone_ops[i], text, sizeof text);
        holm_judge_fail(judge, &holm_check_collected, sight->node,
                        "it says that it has collected %s, and has the tombstone", text);
        return;
    }
}

static void look(struct holm_judge *judge, const struct holm_sight *sight)
{
    if (judge->blind[sight->partition])
        return;
    for (size_t i = 0; i < sight->collected.count; i++) {
        struct holm_dot entry = sight->collected.entries[i];
        uint32_t actor = holm_oracle_actor_find(sight->oracle, entry.actor);
        if (entry.seq == HOLM_SEQ_FOLDED || actor == HOLM_ORACLE_NONE ||
            entry.seq <= holm_oracle_view_seq(sight->view, actor))
            continue;
        holm_judge_fail(
            judge, &holm_check_collected, sight->node,
            "it has collected up to operation %" PRIu64 " of node %" PRIu64 ", and has %" PRIu64,
            entry.seq, entry.actor.node.value, holm_oracle_view_seq(sight->view, actor));
    }
}

/* What is left of vectors once all ended epochs are folded: of each node what is folded, up to where, and what
 * it writes under now; in what has been collected, up to where, and what of the present epoch. */
#define ENTRIES_A_NODE 3
#define COLLECTED_A_NODE 2

static bool is_small(const struct holm_judge *judge, uint32_t node, size_t nodes)
{
    for (uint32_t p = 0; p < judge->config.partitions; p++) {
        const struct holm_replica *replica = holm_world_replica(judge->config.world, node, p);
        if (holm_replica_vector(replica, NULL, 0) > ENTRIES_A_NODE * nodes ||
            holm_replica_collected(replica).count > COLLECTED_A_NODE * nodes)
            return false;
    }
    return true;
}

/* What counters keep of resets (crdt/count.h). O(cells): asked for once all else has gone. */
static uint64_t count_ghosts(const struct holm_replica *replica)
{
    const struct holm_state *state = &replica->state;
    struct holm_spot spot;
    struct holm_cell cell;
    uint64_t count = 0;
    struct holm_walk walk = holm_state_walk(state, 0, UINT64_MAX);
    while (holm_walk_next(state, &walk, &spot))
        for (; holm_spot_cell(state, &spot, &cell); holm_spot_next(state, &spot))
            count += cell.kind == HOLM_COUNTER && !holm_count_live(&cell.count);
    return count;
}

static uint64_t ghosts_of(const struct holm_judge *judge, uint32_t node)
{
    uint64_t count = 0;
    for (uint32_t p = 0; p < judge->config.partitions; p++)
        count += count_ghosts(holm_world_replica(judge->config.world, node, p));
    return count;
}

bool holm_judge_is_collected(const struct holm_judge *judge, uint32_t *left_at)
{
    size_t nodes = 0; /* who has gone has been folded */
    for (uint64_t core = judge->core | judge->parted | judge->let_go; core != 0; core &= core - 1)
        nodes++;
    for (uint32_t node = 0; node < holm_world_count(judge->config.world) && node < 64; node++) {
        struct holm_engine *engine = holm_world_engine(judge->config.world, node);
        struct holm_stats stats;
        if ((judge->core >> node & 1) == 0 || engine == NULL)
            continue;
        *left_at = node;
        holm_engine_stats(engine, &stats);
        if (stats.tombstones > 0 || !is_small(judge, node, nodes) || ghosts_of(judge, node) > 0)
            return false;
    }
    return true;
}

static void settled(struct holm_judge *judge, bool in_time)
{
    uint32_t node = 0;
    if (in_time || holm_judge_is_collected(judge, &node))
        return;
    struct holm_stats stats;
    holm_engine_stats(holm_world_engine(judge->config.world, node), &stats);
    holm_judge_fail(judge, &holm_check_collected, node,
                    "all agree, and %" PRIu64 " ms later it has %" PRIu64 " tombstones, %" PRIu64
                    " ghosts, and a vector of %zu entries",
                    judge->config.collect_bound_us / 1000, stats.tombstones, ghosts_of(judge, node),
                    holm_replica_vector(holm_world_replica(judge->config.world, node, 0), NULL, 0));
}

const struct holm_checker holm_check_collected = {
    .name = "collected",
    .claim = "tombstones, ghosts and ended epochs go when all members know of them, and not before",
    .look = look,
    .audit = audit,
    .settled = settled,
};

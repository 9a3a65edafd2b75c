/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/world/heirs.h"

#define NODES_MAX 64u

static uint64_t bit(uint32_t node)
{
    HOLM_ASSERT(node < NODES_MAX);
    return UINT64_C(1) << node;
}

static void set(uint64_t *nodes, uint32_t node, bool in)
{
    *nodes = in ? *nodes | bit(node) : *nodes & ~bit(node);
}

void holm_heirs_look(struct holm_heirs *heirs, const struct holm_world *world)
{
    for (uint32_t i = 0; i < holm_world_count(world) && i < NODES_MAX; i++) {
        struct holm_world_standing standing;
        if (!holm_world_alive(world, i))
            continue;
        holm_world_standing(world, i, &standing);
        if (standing.figures.confirmed)
            heirs->have |= bit(i);
    }
}

void holm_heirs_started(struct holm_heirs *heirs, uint32_t node, uint64_t twins)
{
    heirs->lived |= bit(node);
    twins = (twins | bit(node)) & heirs->lived;
    if (twins == bit(node))
        return;
    heirs->mixed |= twins;
    heirs->harmed = true;
}

void holm_heirs_emptied(struct holm_heirs *heirs, uint32_t node)
{
    heirs->harmed |= (heirs->have & bit(node)) != 0;
    heirs->have &= ~bit(node);
}

void holm_heirs_backed_up(struct holm_heirs *heirs, uint32_t node, bool whole)
{
    set(&heirs->backed_up, node, whole && (heirs->have & bit(node)) != 0);
}

void holm_heirs_restored(struct holm_heirs *heirs, uint32_t node)
{
    set(&heirs->have, node, (heirs->backed_up & bit(node)) != 0);
    heirs->mixed |= bit(node);
    heirs->harmed = true;
}

void holm_heirs_cloned(struct holm_heirs *heirs, uint32_t source, uint32_t target)
{
    set(&heirs->have, target, (heirs->have & bit(source)) != 0);
}

static bool is_excused(const struct holm_heirs *heirs, const struct holm_judge *judge,
                       uint32_t node)
{
    struct holm_world_standing standing;
    holm_world_standing(judge->config.world, node, &standing);
    if (standing.state.epoch.value == 0)
        return (heirs->have & bit(node)) == 0;
    const struct holm_member_row *row = holm_members_find(standing.known, standing.state.node);
    bool outdone = row != NULL && row->actor.epoch.value > standing.state.epoch.value;
    return holm_judge_gave_up(judge, standing.state) ||
           (outdone && (heirs->mixed & bit(node)) != 0) ||
           (holm_judge_betrayed(judge, &standing) && holm_world_lost(judge->config.world, node));
}

uint32_t holm_heirs_left(const struct holm_heirs *heirs, const struct holm_judge *judge,
                         uint64_t core)
{
    for (uint32_t i = 0; i < NODES_MAX; i++)
        if ((core & bit(i)) != 0 && (!heirs->harmed || !is_excused(heirs, judge, i)))
            return i;
    return HOLM_WORLD_NOBODY;
}

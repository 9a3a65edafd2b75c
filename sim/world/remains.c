/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/world/remains.h"

static uint64_t all_of(const struct holm_plan_settings *settings)
{
    return (UINT64_MAX >> (HOLM_PLAN_NODES_MAX - settings->nodes)) & ~settings->absent;
}

/* Without the founder nobody is sure to be a member all the time. */
static bool remains(const struct holm_plan_settings *settings)
{
    return settings->remains && (settings->absent & 1) == 0 &&
           settings->engine.retention == HOLM_RETENTION_STABLE;
}

uint64_t holm_remains_core(const struct holm_plan_settings *settings, uint64_t gone)
{
    bool all = settings->remains && !remains(settings);
    return (all ? all_of(settings) : settings->core) & ~gone;
}

uint64_t holm_remains_rest(const struct holm_plan_settings *settings, uint64_t gone)
{
    return remains(settings) ? all_of(settings) & ~gone & ~settings->core : 0;
}

bool holm_remains_wait(const struct holm_plan_settings *settings, uint64_t gone)
{
    return holm_remains_rest(settings, gone) != 0 && !settings->forgets_rest;
}

bool holm_remains_listed(const struct holm_world *world, uint32_t at, uint64_t node_id)
{
    struct holm_world_standing standing;
    struct holm_node_id id = {node_id};
    holm_world_standing(world, at, &standing);
    const struct holm_member_row *row = holm_members_find(standing.known, id);
    return row != NULL && !row->forgotten;
}

static bool is_member(const struct holm_world *world, uint32_t node)
{
    struct holm_world_standing standing;
    if (!holm_world_alive(world, node))
        return false;
    holm_world_standing(world, node, &standing);
    return standing.figures.confirmed;
}

uint32_t holm_remains_spokesman(const struct holm_world *world, uint64_t core)
{
    for (uint32_t i = 0; i < holm_world_count(world) && i < HOLM_PLAN_NODES_MAX; i++)
        if ((core >> i & 1) != 0 && is_member(world, i))
            return i;
    return HOLM_WORLD_NOBODY;
}

bool holm_remains_agree(const struct holm_plan_settings *settings, struct holm_world *world,
                        uint64_t gone)
{
    uint64_t core = holm_remains_core(settings, gone), hash = 0;
    uint32_t members = 0, first = holm_remains_spokesman(world, core);
    if (!holm_remains_wait(settings, gone) || first == HOLM_WORLD_NOBODY)
        return holm_world_members_agree(world, core);
    for (uint32_t i = 0; i < settings->nodes; i++)
        members += (core >> i & 1) != 0 ||
                   holm_remains_listed(world, first, settings->clone_of[i] + UINT64_C(1));
    for (uint32_t i = 0; i < settings->nodes; i++) {
        struct holm_world_standing standing;
        if ((core >> i & 1) == 0)
            continue;
        if (!is_member(world, i))
            return false;
        holm_world_standing(world, i, &standing);
        uint64_t own = holm_replica_vector_hash(
            holm_world_replica(world, i, settings->engine.partitions));
        if (standing.figures.members != members || (i != first && own != hash))
            return false;
        hash = own;
    }
    return true;
}

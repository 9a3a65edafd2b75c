/* SPDX-License-Identifier: Apache-2.0 */
/*
 * With retention `stable`: whose state may be wrong, because others collect without asking it.
 *
 * What a member shows is exact. Who was forgotten, and does not know, may see what was buried and collected
 * elsewhere; it comes back by replacement. Nobody can tell from outside when the others do collect, so a node counts as
 * outside from the moment when any list has a forget of its state, or a member does not know its epoch. Forgets
 * that turn out void may have been acted upon by anyone. In the end nobody is outside.
 */
#include <stdlib.h>

#include "sim/world/checker.h"
#include "sim/world/oracle_parts.h"

static void note_forget(struct holm_judge *judge, const struct holm_member_forget *forget)
{
    judge->void_forgets |= !forget->stands;
    for (size_t i = 0; i < judge->forgotten_count; i++)
        if (holm_actor_equal(judge->forgotten[i], forget->subject))
            return;
    judge->forgotten = holm_oracle_room(judge->forgotten, &judge->forgotten_capacity,
                                        judge->forgotten_count, sizeof *judge->forgotten);
    judge->forgotten[judge->forgotten_count++] = forget->subject;
}

static uint32_t count_of(const struct holm_judge *judge)
{
    uint32_t count = holm_world_count(judge->config.world);
    return count < HOLM_JUDGE_NODES_MAX ? count : HOLM_JUDGE_NODES_MAX;
}

static bool is_forgotten(const struct holm_judge *judge, struct holm_actor state)
{
    for (size_t i = 0; i < judge->forgotten_count; i++)
        if (holm_members_covers(judge->forgotten[i], state))
            return true;
    return false;
}

static bool is_unknown(const struct holm_judge *judge, struct holm_actor state)
{
    for (uint32_t i = 0; i < count_of(judge); i++) {
        struct holm_world_standing standing;
        if (!holm_world_alive(judge->config.world, i))
            continue;
        holm_world_standing(judge->config.world, i, &standing);
        if (standing.known->founding.generation != 0 &&
            !holm_members_current(standing.known, state))
            return true;
    }
    return false;
}

static bool is_outside(const struct holm_judge *judge, uint32_t node)
{
    struct holm_world_standing standing;
    if (judge->final || !holm_world_alive(judge->config.world, node))
        return false;
    holm_world_standing(judge->config.world, node, &standing);
    return judge->void_forgets || is_forgotten(judge, standing.state) ||
           (standing.figures.confirmed && is_unknown(judge, standing.state));
}

void holm_judge_members(struct holm_judge *judge)
{
    if (!judge->config.stable)
        return;
    for (uint32_t i = 0; i < count_of(judge); i++) {
        struct holm_world_standing standing;
        if (!holm_world_alive(judge->config.world, i))
            continue;
        holm_world_note_ends(judge->config.world, i);
        holm_world_standing(judge->config.world, i, &standing);
        for (size_t k = 0; k < standing.known->forget_count; k++)
            note_forget(judge, &standing.known->forgets[k]);
    }
    for (uint32_t i = 0; i < count_of(judge); i++)
        judge->outside[i] = is_outside(judge, i);
}

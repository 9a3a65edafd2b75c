/* SPDX-License-Identifier: Apache-2.0 */
/*
 * With retention `stable`: whose state may be wrong, because others collect without asking it.
 *
 * What a member shows is exact. Who was forgotten, and does not know, may see what was buried and collected
 * elsewhere; it comes back by replacement. Nobody can tell from outside when the others do collect, so a node counts as
 * outside from the moment when any list has a forget of its state, or a member does not know its epoch. So
 * does who has a forget as void by which some list went: it may have collected by that. In the end nobody is outside.
 */
#include <stdlib.h>

#include "sim/world/checker.h"
#include "sim/world/oracle_parts.h"

static void note_stood(struct holm_judge *judge, struct holm_actor subject)
{
    for (size_t i = 0; i < judge->stood_count; i++)
        if (holm_actor_equal(judge->stood[i], subject))
            return;
    judge->stood = holm_oracle_room(judge->stood, &judge->stood_capacity, judge->stood_count,
                                    sizeof *judge->stood);
    judge->stood[judge->stood_count++] = subject;
}

static void note_forget(struct holm_judge *judge, const struct holm_member_forget *forget)
{
    if (forget->stands)
        note_stood(judge, forget->subject);
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

static bool is_given_up(const struct holm_judge *judge, struct holm_actor state)
{
    for (size_t i = 0; i < judge->given_up_count; i++)
        if (holm_actor_equal(judge->given_up[i], state))
            return true;
    return false;
}

/* Whether a member has gone on without the state of another node: it is of a founding that stands against the other's; or
 * it does not know that epoch, and has ended who let it in, or somebody else whose words the other has and it has not. */
static bool goes_on_without(const struct holm_world_standing *member,
                            const struct holm_world_standing *other)
{
    int order = holm_founding_compare(&member->known->founding, &other->known->founding);
    if (!member->figures.confirmed || other->state.epoch.value == 0 || order != 0)
        return member->figures.confirmed && other->state.epoch.value != 0 && order > 0;
    if (holm_members_current(member->known, other->state))
        return false;
    for (size_t i = 0; i < other->list.count; i++) {
        struct holm_dot said = other->list.entries[i];
        if (holm_members_ended(member->known, said.actor) && !holm_vector_has(member->list, said))
            return true;
    }
    return false;
}

static void note_given_up(struct holm_judge *judge, const struct holm_world_standing *other)
{
    for (uint32_t i = 0; i < count_of(judge); i++) {
        struct holm_world_standing member;
        if (!holm_world_alive(judge->config.world, i))
            continue;
        holm_world_standing(judge->config.world, i, &member);
        if (!goes_on_without(&member, other) || is_given_up(judge, other->state))
            continue;
        judge->given_up = holm_oracle_room(judge->given_up, &judge->given_up_capacity,
                                           judge->given_up_count, sizeof *judge->given_up);
        judge->given_up[judge->given_up_count++] = other->state;
    }
}

bool holm_judge_gave_up(const struct holm_judge *judge, struct holm_actor state)
{
    return is_forgotten(judge, state) || is_given_up(judge, state);
}

bool holm_judge_betrayed(const struct holm_judge *judge, const struct holm_world_standing *standing)
{
    for (size_t i = 0; i < standing->known->forget_count; i++) {
        const struct holm_member_forget *forget = &standing->known->forgets[i];
        for (size_t k = 0; k < judge->stood_count && !forget->stands; k++)
            if (holm_actor_equal(judge->stood[k], forget->subject))
                return true;
    }
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
    return holm_judge_betrayed(judge, &standing) || is_forgotten(judge, standing.state) ||
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
        note_given_up(judge, &standing);
    }
    for (uint32_t i = 0; i < count_of(judge); i++)
        judge->outside[i] = is_outside(judge, i);
}

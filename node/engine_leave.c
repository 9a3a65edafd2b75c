/* SPDX-License-Identifier: Apache-2.0 */
#include "node/engine_state.h"

/* A member that has left and is in nobody's list after so many looks was none. */
#define TRIES_MAX 32

void holm_engine_leave(struct holm_engine *engine)
{
    atomic_store(&engine->leaves, true);
    engine->transport->ops->wake(engine->transport);
}

void holm_engine_leave_tick(struct holm_engine *engine)
{
    if (engine->left || !atomic_load(&engine->leaves))
        return;
    engine->left = true;
    pthread_mutex_lock(&engine->roster_lock);
    holm_roster_leave(engine->roster);
    pthread_mutex_unlock(&engine->roster_lock);
    holm_engine_goodbye(engine);
}

/* ---- with retention `stable` ---------------------------------------------------------------- */

static bool is_leaving(const struct holm_engine_members *members, struct holm_actor actor)
{
    for (size_t i = 0; i < members->leaver_count; i++)
        if (holm_actor_equal(members->leavers[i].actor, actor))
            return true;
    return false;
}

/* All members hear of it, and one is enough to write it down: the lowest that is up and stays, and the next if it has not. */
static uint32_t rank(const struct holm_engine *engine)
{
    const struct holm_engine_members *members = engine->members;
    uint64_t self = holm_engine_members_actor(engine).node.value;
    uint32_t before = 0;
    for (uint32_t i = 0; i < engine->config.peers_max; i++) {
        const struct holm_engine_standing *standing = &members->standings[i];
        before += standing->up && standing->confirmed && standing->actor.node.value < self &&
                  !is_leaving(members, standing->actor);
    }
    return before;
}

/* There are more than peers only where others have taken the slots of some: of those, who is in nobody's list has been
 * tried most. */
static struct holm_engine_leaver *place_of(const struct holm_engine *engine,
                                           struct holm_node_id node)
{
    struct holm_engine_members *members = engine->members;
    struct holm_engine_leaver *most = &members->leavers[0];
    for (size_t i = 0; i < members->leaver_count; i++) {
        if (members->leavers[i].actor.node.value == node.value)
            return &members->leavers[i];
        if (members->leavers[i].tries > most->tries)
            most = &members->leavers[i];
    }
    if (members->leaver_count == engine->config.peers_max)
        return most;
    most = &members->leavers[members->leaver_count++];
    most->actor = (struct holm_actor){.node = {0}};
    return most;
}

void holm_engine_leave_heard(struct holm_engine *engine, struct holm_actor actor,
                             struct holm_now now)
{
    struct holm_engine_members *members = engine->members;
    if (members == NULL)
        return;
    struct holm_engine_leaver *leaver = place_of(engine, actor.node);
    if (leaver->actor.node.value == actor.node.value &&
        leaver->actor.epoch.value > actor.epoch.value)
        actor = leaver->actor; /* of twins (T03) the higher one counts */
    *leaver = (struct holm_engine_leaver){.actor = actor};
    leaver->due_us = now.monotonic_us + 2 * engine->config.beacon_interval_us * rank(engine);
}

void holm_engine_leavers_tick(struct holm_engine *engine, struct holm_now now)
{
    struct holm_engine_members *members = engine->members;
    size_t kept = 0;
    for (size_t i = 0; i < members->leaver_count; i++) {
        struct holm_engine_leaver leaver = members->leavers[i];
        if (leaver.due_us <= now.monotonic_us) {
            leaver.due_us = now.monotonic_us + 2 * engine->config.beacon_interval_us;
            leaver.tries++;
            if (holm_engine_forget_life(engine, leaver.actor, now) || leaver.tries == TRIES_MAX)
                continue;
        }
        members->leavers[kept++] = leaver;
    }
    members->leaver_count = kept;
}

uint64_t holm_engine_leavers_due_us(const struct holm_engine *engine)
{
    uint64_t due_us = HOLM_NEVER;
    for (size_t i = 0; engine->members->confirmed && i < engine->members->leaver_count; i++) {
        if (engine->members->leavers[i].due_us < due_us)
            due_us = engine->members->leavers[i].due_us;
    }
    return due_us;
}

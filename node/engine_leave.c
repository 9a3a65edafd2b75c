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

/* All members hear of it, and one is enough to write it down: the lowest that is up, and the next if it has not. */
static uint32_t rank(const struct holm_engine *engine)
{
    const struct holm_engine_members *members = engine->members;
    uint64_t self = holm_engine_members_actor(engine).node.value;
    uint32_t before = 0;
    for (uint32_t i = 0; i < engine->config.peers_max; i++) {
        const struct holm_engine_standing *standing = &members->standings[i];
        before += standing->up && standing->confirmed && standing->actor.node.value < self;
    }
    return before;
}

void holm_engine_leave_heard(struct holm_engine *engine, struct holm_actor actor,
                             struct holm_now now)
{
    struct holm_engine_members *members = engine->members;
    if (members == NULL || members->leaver_count == HOLM_ENGINE_LEAVERS_MAX)
        return;
    uint64_t wait_us = 2 * engine->config.beacon_interval_us * rank(engine);
    members->leavers[members->leaver_count++] = (struct holm_engine_leaver){
        .actor = actor, .due_us = now.monotonic_us + wait_us};
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

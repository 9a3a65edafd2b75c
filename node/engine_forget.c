/* SPDX-License-Identifier: Apache-2.0 */
#include "node/engine_state.h"

enum holm_status holm_engine_forget(struct holm_engine *engine, struct holm_node_id node,
                                    struct holm_now now)
{
    if (engine->members == NULL || holm_engine_self(engine).node.value == node.value)
        return HOLM_EINVAL;
    struct holm_engine_partition *list = &engine->partitions[holm_engine_list(engine)];
    pthread_mutex_lock(&list->lock);
    const struct holm_member_row *row = holm_members_find(holm_replica_members(list->replica),
                                                          node);
    enum holm_status status = row == NULL || row->forgotten ? HOLM_ENOENT : HOLM_OK;
    if (list->provisional)
        status = HOLM_EBUSY;
    pthread_mutex_unlock(&list->lock);
    pthread_mutex_lock(&engine->roster_lock);
    if (status == HOLM_OK && engine->members->forget_count == HOLM_ENGINE_FORGETS_MAX)
        status = HOLM_EBUSY;
    if (status == HOLM_OK)
        engine->members->forgets[engine->members->forget_count++] = node;
    pthread_mutex_unlock(&engine->roster_lock);
    if (status == HOLM_OK)
        engine->transport->ops->wake(engine->transport);
    (void)now;
    return status;
}

/* False: there was no memory for it, and it is to be tried again. */
static bool forget(struct holm_engine *engine, struct holm_node_id node, struct holm_now now)
{
    const struct holm_member_row *row = holm_members_find(holm_engine_list_members(engine), node);
    if (row == NULL || row->forgotten || node.value == holm_engine_members_actor(engine).node.value)
        return true;
    struct holm_member_op op = {.type = HOLM_MEMBER_FORGET, .subject = row->actor};
    enum holm_status status = holm_engine_list_write(engine, &op, 1, now);
    if (status == HOLM_ENOMEM)
        return false;
    holm_log_tell(&engine->config.log, now, HOLM_LOG_MEMBER_FORGOTTEN,
                  HOLM_LOG_VALUES(holm_log_hex(node.value), holm_log_status(status)));
    return true;
}

bool holm_engine_forget_life(struct holm_engine *engine, struct holm_actor life,
                             struct holm_now now)
{
    const struct holm_members *known = holm_engine_list_members(engine);
    const struct holm_member_row *row = holm_members_find(known, life.node);
    if (row == NULL)
        return false;
    if (row->actor.epoch.value <= life.epoch.value)
        (void)forget(engine, life.node, now);
    row = holm_members_find(known, life.node);
    return row->forgotten || row->actor.epoch.value > life.epoch.value;
}

/* What fails keeps its place: whoever asked was told that it is taken. */
void holm_engine_forget_asked(struct holm_engine *engine, struct holm_now now)
{
    struct holm_engine_members *members = engine->members;
    struct holm_node_id nodes[HOLM_ENGINE_FORGETS_MAX];
    size_t kept = 0;
    pthread_mutex_lock(&engine->roster_lock);
    size_t count = members->forget_count;
    memcpy(nodes, members->forgets, sizeof nodes);
    pthread_mutex_unlock(&engine->roster_lock);
    for (size_t i = 0; i < count; i++) {
        if (!forget(engine, nodes[i], now))
            nodes[kept++] = nodes[i];
    }
    pthread_mutex_lock(&engine->roster_lock);
    memcpy(members->forgets, nodes, kept * sizeof *nodes);
    memmove(members->forgets + kept, members->forgets + count,
            (members->forget_count - count) * sizeof *nodes);
    members->forget_count -= count - kept;
    pthread_mutex_unlock(&engine->roster_lock);
}

static struct holm_engine_absent *absent_of(struct holm_engine *engine, struct holm_actor actor,
                                            struct holm_now now)
{
    struct holm_engine_members *members = engine->members;
    for (size_t i = 0; i < members->absent_count; i++) {
        if (holm_actor_equal(members->absent[i].actor, actor))
            return &members->absent[i];
    }
    void *absent = members->absent;
    if (holm_array_reserve(&engine->config.allocator, &absent, &members->absent_capacity,
                           sizeof *members->absent, members->absent_count + 1) != HOLM_OK)
        return NULL;
    members->absent = absent;
    members->absent[members->absent_count] = (struct holm_engine_absent){actor, now.monotonic_us};
    return &members->absent[members->absent_count++];
}

static bool is_up(struct holm_engine *engine, struct holm_actor actor)
{
    pthread_mutex_lock(&engine->roster_lock);
    uint32_t slot = holm_roster_slot(engine->roster, actor);
    pthread_mutex_unlock(&engine->roster_lock);
    return slot != HOLM_PEER_NONE || holm_actor_equal(actor, holm_engine_members_actor(engine));
}

void holm_engine_forget_absent(struct holm_engine *engine, struct holm_now now)
{
    struct holm_engine_members *members = engine->members;
    const struct holm_members *known = holm_engine_list_members(engine);
    size_t kept = 0;
    if (engine->config.forget_after_us == 0)
        return;
    for (size_t i = 0; i < known->count; i++) {
        if (!known->rows[i].forgotten && !is_up(engine, known->rows[i].actor))
            (void)absent_of(engine, known->rows[i].actor, now);
    }
    for (size_t i = 0; i < members->absent_count; i++) {
        struct holm_engine_absent absent = members->absent[i];
        if (is_up(engine, absent.actor) || !holm_members_current(known, absent.actor))
            continue;
        if (now.monotonic_us - absent.since_us < engine->config.forget_after_us ||
            !forget(engine, absent.actor.node, now))
            members->absent[kept++] = absent;
    }
    members->absent_count = kept;
}

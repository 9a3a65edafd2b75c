/* SPDX-License-Identifier: Apache-2.0 */
#include "node/engine_state.h"

size_t holm_engine_members_heard(struct holm_engine *engine)
{
    struct holm_engine_members *members = engine->members;
    size_t count = 0;
    for (uint32_t i = 0; i < engine->config.peers_max; i++) {
        const struct holm_engine_standing *standing = &members->standings[i];
        if (!standing->up || !standing->told)
            continue;
        members->heard[count++] = holm_engine_members_peer(standing);
    }
    return count;
}

bool holm_engine_members_good(struct holm_engine *engine)
{
    const struct holm_members *known = holm_engine_list_members(engine);
    struct holm_heard self = holm_engine_members_self(engine, known);
    struct holm_actor former = {self.actor.node, self.former};
    return former.epoch.value != 0 && !holm_admission_replaces(known, former) &&
           holm_admission_may_merge(known, &self);
}

static bool ask_each(struct holm_engine *engine, size_t heard,
                     bool (*question)(struct holm_replica *replica, const struct holm_heard *heard,
                                      size_t count))
{
    bool answer = true;
    for (uint32_t i = 0; answer && i < engine->config.partitions; i++) {
        struct holm_engine_partition *partition = &engine->partitions[i];
        pthread_mutex_lock(&partition->lock);
        answer = question(partition->replica, engine->members->heard, heard);
        pthread_mutex_unlock(&partition->lock);
    }
    return answer;
}

static void doubt(struct holm_engine *engine, size_t heard)
{
    for (uint32_t i = 0; i < engine->config.partitions; i++) {
        struct holm_engine_partition *partition = &engine->partitions[i];
        pthread_mutex_lock(&partition->lock);
        holm_replica_relent(partition->replica, engine->members->heard, heard);
        pthread_mutex_unlock(&partition->lock);
    }
}

/* A partition knows the forgets that its own S was grown under; the node is beyond any of them as a whole. */
static void share_relied(struct holm_engine *engine)
{
    for (uint32_t from = 0; from < engine->config.partitions; from++) {
        struct holm_engine_partition *source = &engine->partitions[from];
        size_t count;
        struct holm_relied copies[HOLM_ENGINE_FORGETS_MAX];
        pthread_mutex_lock(&source->lock);
        const struct holm_relied *relied = holm_replica_relied(source->replica, &count);
        count = count < HOLM_ENGINE_FORGETS_MAX ? count : HOLM_ENGINE_FORGETS_MAX;
        if (count > 0)
            memcpy(copies, relied, count * sizeof *copies);
        pthread_mutex_unlock(&source->lock);
        for (uint32_t to = 0; count > 0 && to < engine->config.partitions; to++) {
            struct holm_engine_partition *target = &engine->partitions[to];
            pthread_mutex_lock(&target->lock);
            for (size_t i = 0; i < count; i++) {
                enum holm_status status = holm_replica_rely_on(target->replica, copies[i]);
                (void)status; /* with the next tick */
            }
            pthread_mutex_unlock(&target->lock);
        }
    }
}

/* Whom it leaves it to, to found; and whether all leave it to this node. */
void holm_engine_members_defer(struct holm_engine *engine, struct holm_now now)
{
    struct holm_engine_members *members = engine->members;
    size_t heard = holm_engine_members_heard(engine);
    doubt(engine, heard);
    share_relied(engine);
    struct holm_actor self = holm_engine_members_actor(engine);
    bool able = !holm_membership_in_vain(members->machine) && !holm_engine_members_lost(engine) &&
                holm_engine_members_good(engine) && ask_each(engine, heard, holm_replica_able);
    struct holm_actor defers = holm_admission_defer(self, members->defers, able, members->heard,
                                                    heard);
    if (!holm_actor_equal(defers, members->defers)) {
        members->defers = defers;
        holm_engine_standing_tell(engine, HOLM_PEER_NONE);
    }
    holm_membership_left(
        members->machine,
        holm_actor_equal(defers, self) && ask_each(engine, heard, holm_replica_left), now);
}

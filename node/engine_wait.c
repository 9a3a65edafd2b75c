/* SPDX-License-Identifier: Apache-2.0 */
#include "node/engine_wait.h"
#include "node/engine_state.h"

struct holm_actor holm_engine_life(const struct holm_engine *engine)
{
    return engine->config.self;
}

uint64_t holm_engine_cluster(const struct holm_engine *engine)
{
    return engine->digest_seed;
}

bool holm_engine_has_members(const struct holm_engine *engine)
{
    return engine->members != NULL;
}

bool holm_engine_journals(struct holm_engine *engine, uint32_t index, uint64_t *minted)
{
    struct holm_engine_partition *partition = &engine->partitions[index];
    pthread_mutex_lock(&partition->lock);
    bool journals = holm_journal_count(&partition->journal) > 0;
    *minted = holm_replica_last_minted(partition->replica);
    pthread_mutex_unlock(&partition->lock);
    return journals;
}

uint32_t holm_engine_others(struct holm_engine *engine)
{
    uint32_t others;
    pthread_mutex_lock(&engine->roster_lock);
    if (engine->members == NULL) {
        uint64_t nodes[HOLM_REPLICA_PEERS_MAX];
        uint32_t slots = holm_roster_slots(engine->roster);
        for (uint32_t i = 0; i < slots; i++)
            nodes[i] = holm_roster_left(engine->roster, i)
                           ? 0
                           : holm_roster_node(engine->roster, i).value;
        others = holm_engine_count_nodes(nodes, slots);
    } else {
        const struct holm_engine_membership *figures = &engine->members->figures;
        others = figures->confirmed && figures->members > 0 ? figures->members - 1
                                                            : HOLM_ENGINE_OTHERS_UNKNOWN;
    }
    pthread_mutex_unlock(&engine->roster_lock);
    return others;
}

enum holm_presence holm_engine_presence(struct holm_engine *engine, uint32_t index,
                                        struct holm_vector_view vector)
{
    pthread_mutex_lock(&engine->partitions[index].lock);
    enum holm_presence presence = holm_replica_presence_of(engine->partitions[index].replica,
                                                           vector);
    pthread_mutex_unlock(&engine->partitions[index].lock);
    return presence;
}

uint32_t holm_engine_sharing(struct holm_engine *engine, uint32_t index, struct holm_dot dot,
                             struct holm_dot *mark)
{
    struct holm_engine_partition *partition = &engine->partitions[index];
    uint64_t nodes[HOLM_REPLICA_PEERS_MAX];
    uint32_t slots = holm_engine_up_slots(engine, nodes);
    pthread_mutex_lock(&partition->lock);
    const struct holm_replica *replica = partition->replica;
    bool marked = holm_actor_equal(mark->actor, holm_replica_self(replica));
    if (!marked && holm_replica_presence(replica, dot) == HOLM_PRESENCE_HERE)
        *mark = holm_replica_mark(replica);
    for (uint32_t peer = 0; peer < slots; peer++) {
        if (!holm_replica_peer_shares(replica, peer, dot, *mark))
            nodes[peer] = 0;
    }
    pthread_mutex_unlock(&partition->lock);
    return holm_engine_count_nodes(nodes, slots);
}

bool holm_engine_is_stable(struct holm_engine *engine, uint32_t index, struct holm_dot dot)
{
    pthread_mutex_lock(&engine->partitions[index].lock);
    bool stable = holm_replica_is_stable(engine->partitions[index].replica, dot);
    pthread_mutex_unlock(&engine->partitions[index].lock);
    return stable;
}

enum holm_status holm_engine_hear(struct holm_engine *engine, uint32_t index, uint64_t *number,
                                  struct holm_now now)
{
    struct holm_engine_partition *partition = &engine->partitions[index];
    struct holm_event event = {.type = HOLM_EVENT_HEAR};
    enum holm_status status = HOLM_OK;
    event.as.hear = *number;
    pthread_mutex_lock(&partition->lock);
    if (!partition->provisional) {
        status = holm_engine_step(engine, index, &event, now, NULL);
        if (*number == 0)
            *number = holm_replica_hearing(partition->replica);
    }
    pthread_mutex_unlock(&partition->lock);
    return status;
}

uint32_t holm_engine_heard(struct holm_engine *engine, uint32_t first, const uint64_t *numbers,
                           uint32_t count)
{
    uint64_t nodes[HOLM_REPLICA_PEERS_MAX];
    uint32_t slots = holm_engine_up_slots(engine, nodes);
    for (uint32_t i = 0; i < count; i++) {
        pthread_mutex_lock(&engine->partitions[first + i].lock);
        const struct holm_replica *replica = engine->partitions[first + i].replica;
        for (uint32_t peer = 0; peer < slots; peer++) {
            if (numbers[i] == 0 || holm_replica_heard_from(replica, peer) < numbers[i])
                nodes[peer] = 0;
        }
        pthread_mutex_unlock(&engine->partitions[first + i].lock);
    }
    return holm_engine_count_nodes(nodes, slots);
}

enum holm_status holm_engine_vector(struct holm_engine *engine, uint32_t index,
                                    struct holm_dot *entries, size_t *count, struct holm_now now)
{
    struct holm_engine_partition *partition = &engine->partitions[index];
    struct holm_event event = {.type = HOLM_EVENT_FLUSH};
    size_t capacity = *count;
    pthread_mutex_lock(&partition->lock);
    enum holm_status status = holm_engine_step(engine, index, &event, now, NULL);
    *count = holm_replica_vector(partition->replica, entries, capacity);
    pthread_mutex_unlock(&partition->lock);
    return status;
}

enum holm_status holm_engine_changes(struct holm_engine *engine, uint32_t index,
                                     struct holm_vector_view since, holm_change_visitor *visit,
                                     void *context, struct holm_now now)
{
    struct holm_engine_partition *partition = &engine->partitions[index];
    struct holm_event event = {.type = HOLM_EVENT_FLUSH};
    pthread_mutex_lock(&partition->lock);
    enum holm_status status = holm_engine_step(engine, index, &event, now, NULL);
    if (status == HOLM_OK)
        status = holm_replica_visit_changes(partition->replica, since, visit, context);
    pthread_mutex_unlock(&partition->lock);
    return status;
}

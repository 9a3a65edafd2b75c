/* SPDX-License-Identifier: Apache-2.0 */
#include "crdt/vector_view.h"
#include "node/engine_state.h"

/* ---- holm_peers() --------------------------------------------------------------------------- */

static bool has_slot(const struct holm_roster *roster, struct holm_node_id node)
{
    uint32_t slots = holm_roster_slots(roster);
    for (uint32_t i = 0; i < slots; i++) {
        if (holm_roster_node(roster, i).value == node.value)
            return true;
    }
    return false;
}

bool holm_engine_list_forgets(const struct holm_members *known, const struct holm_peer *peer)
{
    const struct holm_member_row *row = holm_members_find(known, peer->node);
    return row != NULL && row->forgotten &&
           (peer->liveness == HOLM_DOWN || peer->liveness == HOLM_LEFT);
}

/* Who is known by the list alone, or is forgotten by it. */
static size_t add_members(const struct holm_engine *engine, const struct holm_members *known,
                          struct holm_peer *peers, size_t count, size_t capacity)
{
    struct holm_node_id self = holm_roster_self(engine->roster).node;
    for (size_t i = 0; i < count && i < capacity; i++) {
        if (holm_engine_list_forgets(known, &peers[i]))
            peers[i].liveness = HOLM_FORGOTTEN;
    }
    for (size_t i = 0; i < known->count; i++) {
        const struct holm_member_row *row = &known->rows[i];
        if (row->actor.node.value == self.value || has_slot(engine->roster, row->actor.node))
            continue;
        if (count < capacity)
            peers[count] = (struct holm_peer){.node = row->actor.node,
                                              .epoch = row->actor.epoch,
                                              .liveness = row->forgotten ? HOLM_FORGOTTEN
                                                                         : HOLM_DOWN};
        count++;
    }
    return count;
}

size_t holm_engine_peers(struct holm_engine *engine, struct holm_now now, struct holm_peer *peers,
                         size_t capacity)
{
    struct holm_engine_partition *list = engine->members == NULL
                                             ? NULL
                                             : &engine->partitions[holm_engine_list(engine)];
    if (list != NULL)
        pthread_mutex_lock(&list->lock);
    pthread_mutex_lock(&engine->roster_lock);
    size_t count = holm_roster_peers(engine->roster, now, peers, capacity);
    if (list != NULL)
        count = add_members(engine, holm_replica_members(list->replica), peers, count, capacity);
    pthread_mutex_unlock(&engine->roster_lock);
    if (list != NULL)
        pthread_mutex_unlock(&list->lock);
    return count;
}

/* ---- who has been forgotten ----------------------------------------------------------------- */

static bool was_told(const struct holm_engine_members *members, struct holm_node_id node)
{
    for (size_t i = 0; i < members->forgotten_count; i++) {
        if (members->forgotten[i].value == node.value)
            return true;
    }
    return false;
}

/* Who has come back may be forgotten, and told of, again. */
static void prune(struct holm_engine_members *members, const struct holm_members *known)
{
    size_t kept = 0;
    for (size_t i = 0; i < members->forgotten_count; i++) {
        const struct holm_member_row *row = holm_members_find(known, members->forgotten[i]);
        if (row != NULL && row->forgotten)
            members->forgotten[kept++] = members->forgotten[i];
    }
    members->forgotten_count = kept;
}

static void tell_forgotten(struct holm_engine *engine, struct holm_actor actor)
{
    struct holm_peer_event event = {
        .change = HOLM_PEER_FORGOTTEN, .node = actor.node, .epoch = actor.epoch};
    pthread_mutex_lock(&engine->roster_lock);
    holm_roster_name(engine->roster, actor.node, event.name);
    pthread_mutex_unlock(&engine->roster_lock);
    holm_engine_tell(engine, &event);
}

static bool note(struct holm_engine *engine, struct holm_node_id node)
{
    struct holm_engine_members *members = engine->members;
    void *forgotten = members->forgotten;
    enum holm_status status = holm_array_reserve(
        &engine->config.allocator, &forgotten, &members->forgotten_capacity,
        sizeof *members->forgotten, members->forgotten_count + 1);
    members->forgotten = forgotten;
    if (status == HOLM_OK)
        members->forgotten[members->forgotten_count++] = node;
    return status == HOLM_OK;
}

/* What was so when this node became a member is no news. */
void holm_engine_roll_look(struct holm_engine *engine)
{
    struct holm_engine_members *members = engine->members;
    const struct holm_members *known = holm_engine_list_members(engine);
    uint64_t hash = holm_vector_view_hash(holm_engine_list_vector(engine), 0) | 1;
    if (!members->confirmed || hash == members->roll_hash)
        return;
    bool first = members->roll_hash == 0;
    members->roll_hash = hash;
    prune(members, known);
    for (size_t i = 0; i < known->count; i++) {
        const struct holm_member_row *row = &known->rows[i];
        if (!row->forgotten || was_told(members, row->actor.node))
            continue;
        if (!note(engine, row->actor.node))
            members->roll_hash = 0; /* the next look tells nothing, but there is one */
        if (!first)
            tell_forgotten(engine, row->actor);
    }
}

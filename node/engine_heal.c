/* SPDX-License-Identifier: Apache-2.0 */
#include "crdt/vector_view.h"
#include "node/engine_state.h"

/* Of a partition of a peer that is up again. */
#define AGREED 1
#define ASKED 2

void holm_engine_tell(struct holm_engine *engine, const struct holm_peer_event *event)
{
    if (engine->config.changed != NULL)
        engine->config.changed(engine->config.changed_context, event);
}

/* ---- who was down --------------------------------------------------------------------------- */

static struct holm_engine_heal *find(struct holm_engine *engine, uint32_t peer)
{
    for (size_t i = 0; i < engine->heal_count; i++) {
        if (engine->heals[i].peer == peer)
            return &engine->heals[i];
    }
    return NULL;
}

static struct holm_engine_heal *find_up(struct holm_engine *engine, uint32_t peer)
{
    struct holm_engine_heal *heal = engine->heal_count == 0 ? NULL : find(engine, peer);
    return heal != NULL && heal->up ? heal : NULL;
}

static void stop(struct holm_engine *engine, struct holm_engine_heal *heal)
{
    holm_deallocate(&engine->config.allocator, heal->partitions,
                    heal->partitions == NULL ? 0 : engine->partition_count);
    heal->partitions = NULL;
    heal->up = false;
}

static void drop(struct holm_engine *engine, struct holm_engine_heal *heal)
{
    if (heal == NULL)
        return;
    stop(engine, heal);
    *heal = engine->heals[--engine->heal_count];
}

void holm_engine_heal_free(struct holm_engine *engine)
{
    const struct holm_allocator *allocator = &engine->config.allocator;
    while (engine->heal_count > 0)
        drop(engine, engine->heals);
    holm_array_free(allocator, engine->heals, engine->heal_capacity, sizeof *engine->heals);
    holm_array_free(allocator, engine->heal_room, engine->heal_room_capacity,
                    sizeof *engine->heal_room);
}

/* What was not healed before it went down again has been apart all the while. */
static void went_down(struct holm_engine *engine, uint32_t peer, struct holm_actor actor,
                      struct holm_now now)
{
    struct holm_engine_heal *heal = find(engine, peer);
    if (heal != NULL && heal->actor.node.value == actor.node.value) {
        stop(engine, heal);
        return;
    }
    drop(engine, heal);
    void *heals = engine->heals;
    enum holm_status status = holm_array_reserve(&engine->config.allocator, &heals,
                                                 &engine->heal_capacity, sizeof *engine->heals,
                                                 engine->heal_count + 1);
    engine->heals = heals;
    if (status == HOLM_OK) /* else nobody is told when it has healed */
        engine->heals[engine->heal_count++] = (struct holm_engine_heal){
            .peer = peer, .actor = actor, .down_us = now.monotonic_us};
}

static void came_up(struct holm_engine *engine, uint32_t peer, struct holm_actor actor)
{
    struct holm_engine_heal *heal = find(engine, peer);
    if (heal == NULL || heal->up)
        return;
    if (heal->actor.node.value == actor.node.value)
        heal->partitions = holm_allocate(&engine->config.allocator, engine->partition_count);
    if (heal->partitions == NULL) {
        drop(engine, heal);
        return;
    }
    memset(heal->partitions, 0, engine->partition_count);
    heal->actor = actor;
    heal->up = true;
    heal->came = heal->went = 0;
    heal->agreed = 0;
}

void holm_engine_changed(struct holm_engine *engine, const struct holm_roster_action *action,
                         struct holm_now now)
{
    struct holm_peer_event event = {.change = action->change,
                                    .node = action->actor.node,
                                    .epoch = action->actor.epoch,
                                    .after_ms = action->after_us / 1000};
    memcpy(event.name, action->text, sizeof event.name - 1);
    if (action->change == HOLM_PEER_DOWN)
        went_down(engine, action->peer, action->actor, now);
    else if (action->change == HOLM_PEER_UP)
        came_up(engine, action->peer, action->actor);
    else if (action->change == HOLM_PEER_JOINED || action->change == HOLM_PEER_LEFT)
        drop(engine, find(engine, action->peer));
    if (action->change == HOLM_PEER_LEFT)
        holm_engine_leave_heard(engine, action->actor, now);
    holm_engine_tell(engine, &event);
}

/* ---- what crosses --------------------------------------------------------------------------- */

/* The vector of a partition; none when there is no memory for it. */
static struct holm_vector_view vector_of(struct holm_engine *engine, uint32_t partition)
{
    const struct holm_replica *replica = engine->partitions[partition].replica;
    size_t count = holm_replica_vector(replica, NULL, 0);
    void *room = engine->heal_room;
    enum holm_status status = holm_array_reserve(&engine->config.allocator, &room,
                                                 &engine->heal_room_capacity,
                                                 sizeof *engine->heal_room, count);
    engine->heal_room = room;
    if (status != HOLM_OK)
        return (struct holm_vector_view){NULL, 0};
    holm_replica_vector(replica, engine->heal_room, count);
    return (struct holm_vector_view){engine->heal_room, count};
}

/* How many operations are here that are not there. Of what is folded the numbers are gone: it is old, and no
 * member lacks it. */
static uint64_t count_beyond(struct holm_engine *engine, uint32_t partition,
                             struct holm_vector_view there)
{
    struct holm_vector_view here = vector_of(engine, partition);
    uint64_t count = 0;
    for (size_t i = 0; i < here.count; i++) {
        const struct holm_dot *entry = &here.entries[i];
        uint64_t has = holm_vector_view_seq(there, entry->actor);
        if (entry->actor.epoch.value != 0 && entry->seq != HOLM_SEQ_FOLDED && has < entry->seq)
            count += entry->seq - has;
    }
    return count;
}

static bool brings(enum holm_message_type type)
{
    return type == HOLM_MESSAGE_DELTAS || type == HOLM_MESSAGE_FEED ||
           type == HOLM_MESSAGE_SYNC_PAGE || type == HOLM_MESSAGE_SYNC_TELL;
}

uint64_t holm_engine_heal_before(struct holm_engine *engine, uint32_t peer,
                                 const struct holm_message *message)
{
    struct holm_vector_view nothing = {NULL, 0};
    if (find_up(engine, peer) == NULL || !brings(message->type))
        return 0;
    return count_beyond(engine, message->partition, nothing);
}

void holm_engine_heal_agree(struct holm_engine *engine, uint32_t peer, uint32_t partition)
{
    struct holm_engine_heal *heal = find_up(engine, peer);
    if (heal == NULL || (heal->partitions[partition] & AGREED) != 0)
        return;
    heal->partitions[partition] |= AGREED;
    heal->agreed++;
}

/* What a question tells of who asks; only the first of a partition, for what it lacks is on its way then. */
static void asked(struct holm_engine *engine, struct holm_engine_heal *heal,
                  const struct holm_message *message)
{
    struct holm_vector_view theirs = message->type == HOLM_MESSAGE_PULL ? message->as.pull.vector
                                     : message->type == HOLM_MESSAGE_FOLLOW
                                         ? message->as.follow.vector
                                         : message->as.sync_open.vector;
    if ((heal->partitions[message->partition] & ASKED) != 0)
        return;
    heal->partitions[message->partition] |= ASKED;
    heal->went += count_beyond(engine, message->partition, theirs);
}

void holm_engine_heal_after(struct holm_engine *engine, uint32_t peer,
                            const struct holm_message *message, uint64_t before)
{
    struct holm_engine_heal *heal = find_up(engine, peer);
    if (heal == NULL)
        return;
    if (message->type == HOLM_MESSAGE_PULL || message->type == HOLM_MESSAGE_FOLLOW ||
        message->type == HOLM_MESSAGE_SYNC_OPEN) {
        asked(engine, heal, message);
        return;
    }
    if (!brings(message->type))
        return;
    uint64_t after = count_beyond(engine, message->partition, (struct holm_vector_view){NULL, 0});
    heal->came += after > before ? after - before : 0;
    if ((message->type == HOLM_MESSAGE_DELTAS && !message->as.deltas.more &&
         !message->as.deltas.too_old) ||
        (message->type == HOLM_MESSAGE_FEED && !message->as.feed.more &&
         !message->as.feed.too_old && message->as.feed.number != 0))
        holm_engine_heal_agree(engine, peer, message->partition);
}

/* With a beacon, for by then the peer has asked for what it lacks, too. */
void holm_engine_heal_look(struct holm_engine *engine, uint32_t peer, struct holm_now now)
{
    struct holm_engine_heal *heal = find_up(engine, peer);
    struct holm_peer known;
    if (heal == NULL || heal->agreed < engine->partition_count)
        return;
    struct holm_peer_event event = {.change = HOLM_PEER_HEALED,
                                    .node = heal->actor.node,
                                    .epoch = heal->actor.epoch,
                                    .after_ms = (now.monotonic_us - heal->down_us) / 1000,
                                    .came = heal->came,
                                    .went = heal->went};
    drop(engine, heal);
    pthread_mutex_lock(&engine->roster_lock);
    if (holm_roster_peer(engine->roster, peer, now, &known))
        memcpy(event.name, known.name, sizeof event.name);
    pthread_mutex_unlock(&engine->roster_lock);
    holm_log_tell(&engine->config.log, now, HOLM_LOG_PEER_HEALED,
                  HOLM_LOG_VALUES(holm_log_text(event.name), holm_log_number(event.after_ms),
                                  holm_log_number(event.came), holm_log_number(event.went)));
    holm_engine_tell(engine, &event);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "node/engine_state.h"

/* Actions make links and addresses due at once; more rounds than this wait for the next tick. */
#define ROUNDS_MAX 4
#define LIMITED_INTERVAL_US UINT64_C(60000000)

/* ---- messages in ---------------------------------------------------------------------------- */

/* Whether a message brings something to who takes the state of a member. That there is more, or nothing, or no
 * time now, can be said for ever. */
static bool is_substance(const struct holm_message *message)
{
    return message->type == HOLM_MESSAGE_SYNC_PAGE || message->type == HOLM_MESSAGE_SYNC_TELL ||
           message->type == HOLM_MESSAGE_REPORT ||
           (message->type == HOLM_MESSAGE_DELTAS && message->as.deltas.count > 0);
}

/* A partition's replica, or the one that is being filled; with retention `stable` perhaps neither. */
static enum holm_status step_either(struct holm_engine *engine, uint32_t index,
                                    const struct holm_event *event, struct holm_now now)
{
    enum holm_engine_way way = HOLM_ENGINE_REPLICA;
    enum holm_status status = HOLM_OK;
    if (engine->members != NULL)
        way = holm_engine_members_way(engine, event->as.message.peer, event->as.message.message);
    if (way == HOLM_ENGINE_REPLICA || way == HOLM_ENGINE_BOTH)
        status = holm_engine_step(engine, index, event, now, NULL);
    if (way != HOLM_ENGINE_INCOMING && way != HOLM_ENGINE_BOTH)
        return status;
    engine->partitions[index].arrived |= is_substance(event->as.message.message);
    return holm_engine_step_incoming(engine, index, event, now);
}

/* A message for one replica. The decoded object is freed under the same lock: references to deltas
 * and pages are not atomic. */
static void to_replica(struct holm_engine *engine, uint32_t peer, struct holm_decoded *decoded,
                       struct holm_now now)
{
    uint32_t index = decoded->message.partition;
    struct holm_event event = {.type = HOLM_EVENT_MESSAGE};
    event.as.message.peer = peer;
    event.as.message.message = &decoded->message;
    pthread_mutex_lock(&engine->partitions[index].lock);
    uint64_t before = holm_engine_heal_before(engine, peer, &decoded->message);
    enum holm_status status = step_either(engine, index, &event, now);
    if (status == HOLM_OK)
        holm_engine_heal_after(engine, peer, &decoded->message, before);
    struct holm_epoch epoch = holm_replica_self(engine->partitions[index].replica).epoch;
    holm_decoded_free(decoded);
    pthread_mutex_unlock(&engine->partitions[index].lock);
    engine->progressed |= peer != HOLM_PEER_NONE;
    if (status == HOLM_ELIMIT)
        holm_log_tell(&engine->config.log, now, HOLM_LOG_WRITERS_REFUSED,
                      HOLM_LOG_VALUES(holm_log_number(index)));
    if (status != HOLM_EMALFORMED && status != HOLM_EDUPLICATE)
        return;
    pthread_mutex_lock(&engine->roster_lock);
    if (status == HOLM_EDUPLICATE)
        holm_roster_twin(engine->roster, epoch, now);
    else
        engine->malformed++;
    pthread_mutex_unlock(&engine->roster_lock);
}

/* Each replica gets its own line of a beacon. */
static void take_beacon(struct holm_engine *engine, uint32_t peer, struct holm_decoded *decoded,
                        struct holm_now now)
{
    struct holm_message message = decoded->message;
    struct holm_event event = {.type = HOLM_EVENT_MESSAGE};
    event.as.message.peer = peer;
    event.as.message.message = &message;
    uint64_t malformed = 0;
    for (size_t i = 0; i < decoded->message.as.beacon.count; i++) {
        const struct holm_beacon_entry *entry = &decoded->message.as.beacon.entries[i];
        if (entry->partition >= engine->partition_count) {
            malformed++;
            continue;
        }
        message.partition = entry->partition;
        message.as.beacon.entries = entry;
        message.as.beacon.count = 1;
        pthread_mutex_lock(&engine->partitions[entry->partition].lock);
        malformed += step_either(engine, entry->partition, &event, now) == HOLM_EMALFORMED;
        bool same = entry->vector_hash ==
                    holm_replica_vector_hash(engine->partitions[entry->partition].replica);
        engine->differs |= !same;
        if (same)
            holm_engine_heal_agree(engine, peer, entry->partition);
        pthread_mutex_unlock(&engine->partitions[entry->partition].lock);
    }
    holm_decoded_free(decoded);
    engine->progressed |= peer != HOLM_PEER_NONE;
    pthread_mutex_lock(&engine->roster_lock);
    engine->beacons++;
    engine->malformed += malformed;
    pthread_mutex_unlock(&engine->roster_lock);
    holm_engine_heal_look(engine, peer, now);
}

/* Of a link and its peer, not of a partition. Called with the roster's lock held. */
static void take_hello(struct holm_engine *engine, struct holm_link_id link,
                       const struct holm_message *message, struct holm_now now)
{
    if (holm_actor_equal(message->as.hello.self.actor, message->sender))
        holm_roster_hello(engine->roster, link, &message->as.hello, now);
    else
        holm_roster_link_drop(engine->roster, link, "a Hello for somebody else", now);
}

static void take_link_talk(struct holm_engine *engine, struct holm_link_id link,
                           const struct holm_message *message, struct holm_now now)
{
    struct holm_message pong;
    pthread_mutex_lock(&engine->roster_lock);
    if (message->type == HOLM_MESSAGE_HELLO)
        take_hello(engine, link, message, now);
    else if (message->type == HOLM_MESSAGE_PONG)
        holm_roster_pong(engine->roster, link, message->as.ping.token, now);
    else if (message->type == HOLM_MESSAGE_GOODBYE)
        holm_roster_goodbye(engine->roster, link, message->as.goodbye.left, now);
    pthread_mutex_unlock(&engine->roster_lock);
    if (message->type == HOLM_MESSAGE_PING) {
        pong = *message;
        pong.type = HOLM_MESSAGE_PONG;
        holm_engine_send_link(engine, link, &pong);
    }
}

static bool is_link_talk(enum holm_message_type type)
{
    return type == HOLM_MESSAGE_HELLO || type == HOLM_MESSAGE_PING || type == HOLM_MESSAGE_PONG ||
           type == HOLM_MESSAGE_GOODBYE;
}

static bool is_member_talk(enum holm_message_type type)
{
    return type == HOLM_MESSAGE_STANDING || type == HOLM_MESSAGE_JOIN ||
           type == HOLM_MESSAGE_JOINED;
}

/* Of two who do not meet; never itself through a tunnel. */
static bool is_tunnelling(enum holm_message_type type)
{
    return type == HOLM_MESSAGE_REACH || type == HOLM_MESSAGE_TUNNEL;
}

static void misbehaved(struct holm_engine *engine, struct holm_link_id link, const char *why,
                       struct holm_now now)
{
    pthread_mutex_lock(&engine->roster_lock);
    engine->malformed++;
    if (link.value != 0)
        holm_roster_link_drop(engine->roster, link, why, now);
    pthread_mutex_unlock(&engine->roster_lock);
}

static struct holm_decoded *decode(struct holm_engine *engine, struct holm_link_id link,
                                   const struct holm_transport_event *event, struct holm_now now)
{
    struct holm_decoded *decoded;
    enum holm_status status = holm_codec_decode(&engine->config.allocator, &engine->limits,
                                                holm_mem(event->frame, event->frame_bytes),
                                                &decoded);
    if (status == HOLM_OK)
        return decoded;
    if (status == HOLM_EMALFORMED || status == HOLM_ETOOBIG)
        misbehaved(engine, link, "it sent what is no message", now);
    if (status == HOLM_EVERSION) {
        pthread_mutex_lock(&engine->roster_lock);
        engine->unknown++;
        pthread_mutex_unlock(&engine->roster_lock);
    }
    return NULL;
}

/* ---- frames in ------------------------------------------------------------------------------ */

/* Called with the roster's lock held. */
static void count_received(struct holm_engine *engine, uint32_t peer,
                           const struct holm_message *message,
                           const struct holm_transport_event *event)
{
    if (peer != HOLM_PEER_NONE)
        holm_traffic_count(&engine->received[peer].traffic, message->type, event->frame_bytes);
}

static void take_broadcast(struct holm_engine *engine, const struct holm_transport_event *event,
                           struct holm_now now)
{
    struct holm_link_id none = {0};
    struct holm_decoded *decoded = decode(engine, none, event, now);
    if (decoded == NULL)
        return;
    const struct holm_message *message = &decoded->message;
    bool delta = message->type == HOLM_MESSAGE_DELTA &&
                 message->partition < engine->partition_count;
    pthread_mutex_lock(&engine->roster_lock);
    uint32_t peer = holm_roster_slot(engine->roster, message->sender);
    count_received(engine, peer, message, event);
    pthread_mutex_unlock(&engine->roster_lock);
    if (holm_faults_strike(&engine->faults, message->sender.node, HOLM_INCOMING)) {
        holm_decoded_free(decoded);
    } else if (message->type == HOLM_MESSAGE_BEACON) {
        take_beacon(engine, peer, decoded, now);
    } else if (delta) {
        to_replica(engine, peer, decoded, now);
    } else {
        holm_decoded_free(decoded);
        misbehaved(engine, none, "", now);
    }
}

/* Whether this frame may come over this link: strangers say Hello first, and nobody speaks for
 * somebody else. */
static bool admitted(struct holm_engine *engine, struct holm_link_id link,
                     const struct holm_message *message, uint32_t *peer)
{
    bool proven;
    struct holm_node_id node = {0};
    *peer = holm_roster_link_peer(engine->roster, link, &proven);
    if (message->type == HOLM_MESSAGE_HELLO)
        return true;
    return proven && holm_roster_link_node(engine->roster, link, &node) &&
           node.value == message->sender.node.value &&
           !(is_tunnelling(message->type) && holm_tunnel_is_link(link));
}

static void take_message(struct holm_engine *engine, struct holm_link_id link, uint32_t peer,
                         struct holm_decoded *decoded, struct holm_now now)
{
    const struct holm_message *message = &decoded->message;
    if (is_link_talk(message->type)) {
        take_link_talk(engine, link, message, now);
        holm_decoded_free(decoded);
    } else if (message->type == HOLM_MESSAGE_BEACON) {
        take_beacon(engine, peer, decoded, now);
    } else if (is_member_talk(message->type)) {
        if (engine->members != NULL)
            holm_engine_members_talk(engine, peer, message, now);
        holm_decoded_free(decoded);
    } else if (message->partition < engine->partition_count) {
        to_replica(engine, peer, decoded, now);
    } else {
        holm_decoded_free(decoded);
        misbehaved(engine, link, "it named a partition that there is not", now);
    }
}

/* A frame that may come over its link; NULL otherwise. */
static struct holm_decoded *receive(struct holm_engine *engine,
                                    const struct holm_transport_event *event, uint32_t *peer,
                                    struct holm_now now)
{
    struct holm_decoded *decoded = decode(engine, event->link, event, now);
    if (decoded == NULL)
        return NULL;
    bool may = !holm_faults_strike(&engine->faults, decoded->message.sender.node, HOLM_INCOMING);
    if (may) {
        pthread_mutex_lock(&engine->roster_lock);
        holm_roster_heard(engine->roster, event->link, now);
        may = admitted(engine, event->link, &decoded->message, peer);
        count_received(engine, may ? *peer : HOLM_PEER_NONE, &decoded->message, event);
        pthread_mutex_unlock(&engine->roster_lock);
    }
    if (may)
        return decoded;
    holm_decoded_free(decoded);
    return NULL;
}

static void take_tunnelling(struct holm_engine *engine, uint32_t peer, struct holm_decoded *decoded,
                            struct holm_now now)
{
    const struct holm_message *message = &decoded->message;
    struct holm_transport_event event;
    bool whole = false;
    if (holm_engine_is_provisional(engine) && message->type == HOLM_MESSAGE_REACH)
        holm_engine_tunnel_hear(engine, peer, &message->as.reach, now);
    else if (holm_engine_is_provisional(engine))
        whole = holm_engine_tunnel_take(engine, peer, &message->as.tunnel, now, &event);
    holm_decoded_free(decoded);
    decoded = whole ? receive(engine, &event, &peer, now) : NULL;
    if (decoded != NULL)
        take_message(engine, event.link, peer, decoded, now);
}

static void take_frame(struct holm_engine *engine, const struct holm_transport_event *event,
                       struct holm_now now)
{
    uint32_t peer;
    struct holm_decoded *decoded = receive(engine, event, &peer, now);
    if (decoded == NULL)
        return;
    if (is_tunnelling(decoded->message.type))
        take_tunnelling(engine, peer, decoded, now);
    else
        take_message(engine, event->link, peer, decoded, now);
}

void holm_engine_event(struct holm_engine *engine, const struct holm_transport_event *event,
                       struct holm_now now)
{
    pthread_mutex_lock(&engine->due_lock);
    engine->due_us = 0;
    pthread_mutex_unlock(&engine->due_lock);
    switch (event->type) {
    case HOLM_TRANSPORT_NONE:
        return;
    case HOLM_TRANSPORT_LINK_UP:
        pthread_mutex_lock(&engine->roster_lock);
        holm_roster_link_up(engine->roster, event->link, event->accepted, event->host, now);
        pthread_mutex_unlock(&engine->roster_lock);
        break;
    case HOLM_TRANSPORT_LINK_CLOSED:
        pthread_mutex_lock(&engine->roster_lock);
        if (event->untrusted)
            holm_roster_link_untrusted(engine->roster, event->link, now);
        holm_roster_link_closed(engine->roster, event->link, now);
        pthread_mutex_unlock(&engine->roster_lock);
        break;
    case HOLM_TRANSPORT_LINK_FRAME:
        take_frame(engine, event, now);
        break;
    case HOLM_TRANSPORT_BROADCAST:
        take_broadcast(engine, event, now);
        break;
    }
    holm_engine_act(engine, now);
}

/* ---- frames out ----------------------------------------------------------------------------- */

static bool cut(struct holm_engine *engine, struct holm_link_id link)
{
    struct holm_node_id node;
    if (atomic_load_explicit(&engine->faults.count, memory_order_relaxed) == 0)
        return false;
    pthread_mutex_lock(&engine->roster_lock);
    bool known = holm_roster_link_node(engine->roster, link, &node);
    pthread_mutex_unlock(&engine->roster_lock);
    return known && holm_faults_strike(&engine->faults, node, HOLM_OUTGOING);
}

void holm_engine_drain(struct holm_engine *engine, struct holm_now now)
{
    struct holm_transport *transport = engine->transport;
    while (holm_outgoing_waiting(&engine->outgoing)) {
        struct holm_link_id link;
        struct holm_bytes frame;
        size_t cursor = 0;
        holm_outgoing_take(&engine->outgoing);
        while (holm_outgoing_next(&engine->outgoing, &cursor, &link, &frame)) {
            enum holm_status status = HOLM_OK;
            if (link.value == 0)
                status = transport->ops->broadcast(transport, frame.data, frame.size);
            else if (cut(engine, link))
                continue;
            else if (holm_tunnel_is_link(link))
                holm_engine_tunnel_send(engine, link, frame);
            else
                status = transport->ops->link_send(transport, link, frame.data, frame.size);
            /* A link that is gone tells so by an event of its own. */
            if (status != HOLM_OK && status != HOLM_ECLOSED)
                holm_log_tell(
                    &engine->config.log, now, HOLM_LOG_FRAME_UNSENT,
                    HOLM_LOG_VALUES(holm_log_number(frame.size), holm_log_status(status)));
        }
    }
}

/* ---- time ----------------------------------------------------------------------------------- */

static void partitions_tick(struct holm_engine *engine, struct holm_now now)
{
    struct holm_event event = {.type = HOLM_EVENT_TICK};
    for (uint32_t i = 0; i < engine->partition_count; i++) {
        struct holm_engine_partition *partition = &engine->partitions[i];
        if (atomic_load(&partition->wake_us) > now.monotonic_us)
            continue;
        pthread_mutex_lock(&partition->lock);
        enum holm_status status = holm_engine_step(engine, i, &event, now, NULL);
        if (partition->incoming != NULL)
            status = holm_engine_step_incoming(engine, i, &event, now);
        pthread_mutex_unlock(&partition->lock);
        (void)status; /* what could not be done now has set a new wake-up time */
    }
}

static void roster_tick(struct holm_engine *engine, struct holm_now now)
{
    uint64_t due = 0;
    for (int round = 0; round < ROUNDS_MAX && due <= now.monotonic_us; round++) {
        pthread_mutex_lock(&engine->roster_lock);
        holm_roster_tick(engine->roster, now);
        pthread_mutex_unlock(&engine->roster_lock);
        holm_engine_act(engine, now);
        pthread_mutex_lock(&engine->roster_lock);
        due = holm_roster_due_us(engine->roster);
        pthread_mutex_unlock(&engine->roster_lock);
    }
}

/* Of who calls too often a line a minute. */
static void tell_limited(struct holm_engine *engine, const struct holm_transport_stats *stats,
                         struct holm_now now)
{
    uint64_t count = stats->callers_limited - engine->limited_told;
    if (count == 0 || (engine->limited_told_us != 0 &&
                       now.monotonic_us - engine->limited_told_us < LIMITED_INTERVAL_US))
        return;
    engine->limited_told = stats->callers_limited;
    engine->limited_told_us = now.monotonic_us;
    holm_log_tell(&engine->config.log, now, HOLM_LOG_CALLERS_LIMITED,
                  HOLM_LOG_VALUES(holm_log_text(stats->limited_host), holm_log_number(count)));
}

static void stats_tick(struct holm_engine *engine, struct holm_now now)
{
    struct holm_transport_stats stats;
    engine->transport->ops->stats(engine->transport, &stats);
    pthread_mutex_lock(&engine->roster_lock);
    engine->transport_stats = stats;
    pthread_mutex_unlock(&engine->roster_lock);
    tell_limited(engine, &stats, now);
}

static void tell_failure(struct holm_engine *engine, struct holm_now now)
{
    if (engine->store_failure_told || !atomic_load(&engine->store_failed))
        return;
    engine->store_failure_told = true;
    holm_log_tell(&engine->config.log, now, HOLM_LOG_STORE_FAILED, HOLM_LOG_NOTHING);
}

/* When to act again; from here on, who makes something due earlier wakes this thread. Whatever
 * others may have made due since it was done is looked at again. */
static uint64_t settle(struct holm_engine *engine)
{
    pthread_mutex_lock(&engine->roster_lock);
    uint64_t due = holm_roster_due_us(engine->roster);
    pthread_mutex_lock(&engine->due_lock);
    uint64_t beacon_us = holm_engine_beacon_due_us(engine);
    due = beacon_us < due ? beacon_us : due;
    if (engine->review_us < due)
        due = engine->review_us;
    uint64_t members_us = holm_engine_members_due_us(engine);
    due = members_us < due ? members_us : due;
    uint64_t compact_us = holm_engine_compact_due_us(engine);
    due = compact_us < due ? compact_us : due;
    for (uint32_t i = 0; i < engine->partition_count; i++) {
        uint64_t wake_us = atomic_load(&engine->partitions[i].wake_us);
        if (wake_us < due)
            due = wake_us;
    }
    if (holm_outgoing_waiting(&engine->outgoing))
        due = 0;
    engine->due_us = due;
    pthread_mutex_unlock(&engine->due_lock);
    pthread_mutex_unlock(&engine->roster_lock);
    return due;
}

uint64_t holm_engine_tick(struct holm_engine *engine, struct holm_now now)
{
    pthread_mutex_lock(&engine->due_lock);
    engine->due_us = 0;
    pthread_mutex_unlock(&engine->due_lock);
    if (engine->epoch_wanted.value != 0)
        holm_engine_epoch_spread(engine, now);
    partitions_tick(engine, now);
    if (engine->members != NULL)
        holm_engine_members_tick(engine, now);
    roster_tick(engine, now);
    holm_engine_relay_tick(engine, now);
    holm_engine_beacon_tick(engine, now);
    holm_engine_compact(engine, now);
    holm_engine_leave_tick(engine);
    holm_engine_drain(engine, now);
    stats_tick(engine, now);
    holm_engine_store_tick(engine);
    tell_failure(engine, now);
    if (engine->progressed && engine->config.progress != NULL)
        engine->config.progress(engine->config.progress_context);
    engine->progressed = false;
    return settle(engine);
}

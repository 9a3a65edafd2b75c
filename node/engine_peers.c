/* SPDX-License-Identifier: Apache-2.0 */
#include "node/engine_state.h"

/* Every so many beacons, a peer gets one over its link as well. */
#define BEACONS_A_LINK_BEACON 5
/* With many peers ever more rarely, so that it is about so many of them at a time. */
#define LINK_BEACONS_A_BEACON 4

static struct holm_message message_of(struct holm_engine *engine, enum holm_message_type type)
{
    struct holm_message message;
    memset(&message, 0, sizeof message);
    message.type = type;
    message.sender = holm_roster_self(engine->roster);
    return message;
}

void holm_engine_send_link(struct holm_engine *engine, struct holm_link_id link,
                           const struct holm_message *message)
{
    struct holm_message signed_message = *message;
    signed_message.sender = holm_roster_self(engine->roster);
    /* What cannot be sent is counted there; every question on a link is asked again. */
    enum holm_status status = holm_outgoing_put_link(&engine->outgoing, link, &signed_message);
    (void)status;
}

/* ---- beacons -------------------------------------------------------------------------------- */

/* The lines of all partitions, with nothing pending, so that each names a vector that is sealed. */
static size_t beacon_fill(struct holm_engine *engine, struct holm_now now, uint64_t *strange)
{
    size_t count = 0;
    uint64_t strangers = 0;
    struct holm_event flush = {.type = HOLM_EVENT_FLUSH};
    for (uint32_t i = 0; i < engine->partition_count; i++) {
        struct holm_engine_partition *partition = &engine->partitions[i];
        pthread_mutex_lock(&partition->lock);
        if (holm_engine_step(engine, i, &flush, now, NULL) == HOLM_OK && !partition->muted &&
            !holm_replica_pending(partition->replica))
            engine->entries[count++] = holm_replica_beacon(partition->replica);
        strangers += holm_replica_strangers(partition->replica);
        pthread_mutex_unlock(&partition->lock);
    }
    *strange = strangers;
    return count;
}

static void beacon_send(struct holm_engine *engine, uint32_t peer,
                        const struct holm_beacon_entry *entries, size_t count)
{
    size_t room = (engine->config.frame_bytes_max - HOLM_FRAME_HEAD_BYTES_MAX) /
                  HOLM_BEACON_ENTRY_BYTES_MAX;
    struct holm_message message = message_of(engine, HOLM_MESSAGE_BEACON);
    for (size_t first = 0; first < count; first += room) {
        message.as.beacon.entries = entries + first;
        message.as.beacon.count = count - first < room ? count - first : room;
        enum holm_status status = holm_outgoing_put(&engine->outgoing, peer, &message);
        (void)status; /* counted there, and there is another beacon soon */
    }
}

/* Over its link a peer is told what no feed has just told it more of. */
static void beacon_send_link(struct holm_engine *engine, uint32_t peer, size_t count,
                             struct holm_now now)
{
    struct holm_beacon_entry *news = engine->entries + engine->partition_count;
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t partition = engine->entries[i].partition;
        pthread_mutex_lock(&engine->partitions[partition].lock);
        uint64_t fed_us = holm_replica_fed_us(engine->partitions[partition].replica, peer);
        pthread_mutex_unlock(&engine->partitions[partition].lock);
        if (fed_us == 0 || fed_us + engine->config.beacon_interval_us < now.monotonic_us)
            news[kept++] = engine->entries[i];
    }
    beacon_send(engine, peer, news, kept);
}

bool holm_engine_is_provisional(const struct holm_engine *engine)
{
    return engine->members != NULL && !engine->members->confirmed;
}

void holm_engine_beacon(struct holm_engine *engine, uint32_t peer, struct holm_now now)
{
    uint64_t strangers;
    if (holm_engine_is_provisional(engine))
        return;
    size_t count = beacon_fill(engine, now, &strangers);
    beacon_send(engine, peer, engine->entries, count);
}

/* A publisher may be out of a peer's reach (a port that is not let through) while the link is well:
 * then its broadcasts, beacons among them, are lost for good. So each peer gets some by link. */
void holm_engine_beacon_all(struct holm_engine *engine, struct holm_now now)
{
    uint64_t strangers;
    if (engine->members != NULL)
        holm_engine_members_report(engine, now);
    if (holm_engine_is_provisional(engine))
        return;
    size_t count = beacon_fill(engine, now, &strangers);
    uint32_t slots = holm_roster_slots(engine->roster);
    uint32_t turns = slots / LINK_BEACONS_A_BEACON;
    if (turns < BEACONS_A_LINK_BEACON)
        turns = BEACONS_A_LINK_BEACON;
    beacon_send(engine, HOLM_PEER_NONE, engine->entries, count);
    for (uint32_t peer = engine->beacon_turn % turns; peer < slots; peer += turns) {
        if (holm_roster_up(engine->roster, peer))
            beacon_send_link(engine, peer, count, now);
    }
    engine->beacon_turn = (engine->beacon_turn + 1) % turns;
    holm_engine_relay_strangers(engine, strangers, now);
}

/* ---- what the roster wants done ------------------------------------------------------------- */

static void hello_send(struct holm_engine *engine, const struct holm_roster_action *action)
{
    struct holm_message message = message_of(engine, HOLM_MESSAGE_HELLO);
    pthread_mutex_lock(&engine->roster_lock);
    if (holm_roster_hello_fill(engine->roster, action, &message.as.hello) == HOLM_OK)
        holm_engine_send_link(engine, action->link, &message);
    pthread_mutex_unlock(&engine->roster_lock);
}

static void dial(struct holm_engine *engine, const struct holm_roster_action *action,
                 struct holm_now now)
{
    struct holm_link_id link = {0};
    enum holm_status status = engine->transport->ops->link_dial(engine->transport, action->text,
                                                                &link);
    if (status != HOLM_OK) {
        link.value = 0;
        holm_log_line(&engine->config.log, HOLM_LOG_DEBUG, "cannot dial %s: %s", action->text,
                      holm_strerror(status));
    }
    pthread_mutex_lock(&engine->roster_lock);
    holm_roster_dialled(engine->roster, action->entry, link, now);
    pthread_mutex_unlock(&engine->roster_lock);
}

void holm_engine_subscribe(struct holm_engine *engine, uint32_t peer, const char *publisher)
{
    struct holm_subscription_id subscription = {0};
    enum holm_status status = engine->transport->ops->subscribe(engine->transport, publisher,
                                                                &subscription);
    if (status != HOLM_OK) {
        holm_log_line(&engine->config.log, HOLM_LOG_NOTICE, "cannot subscribe to %s: %s", publisher,
                      holm_strerror(status));
        return;
    }
    pthread_mutex_lock(&engine->roster_lock);
    holm_roster_subscribed(engine->roster, peer, subscription);
    pthread_mutex_unlock(&engine->roster_lock);
}

static void subscribe(struct holm_engine *engine, const struct holm_roster_action *action)
{
    pthread_mutex_lock(&engine->roster_lock);
    bool already = holm_roster_subscription(engine->roster, action->peer).value != 0;
    pthread_mutex_unlock(&engine->roster_lock);
    if (!already && holm_engine_hears(engine, action->peer))
        holm_engine_subscribe(engine, action->peer, action->text);
}

enum holm_status holm_engine_step_all(struct holm_engine *engine, const struct holm_event *event,
                                      struct holm_now now)
{
    enum holm_status result = HOLM_OK;
    for (uint32_t i = 0; i < engine->partition_count; i++) {
        enum holm_status status = holm_engine_step_locked(engine, i, event, now);
        if (status == HOLM_ENOMEM)
            result = status;
    }
    return result;
}

static void peer_up(struct holm_engine *engine, const struct holm_roster_action *action,
                    struct holm_now now)
{
    struct holm_event event = {.type = HOLM_EVENT_PEER_UP};
    event.as.peer.peer = action->peer;
    event.as.peer.actor = action->actor;
    pthread_mutex_lock(&engine->roster_lock);
    event.as.peer.feeds = (holm_roster_features(engine->roster, action->peer) &
                           HOLM_FEATURE_FEEDS) != 0;
    pthread_mutex_unlock(&engine->roster_lock);
    holm_engine_relay_changed(engine, action->peer, now);
    if (holm_engine_step_all(engine, &event, now) != HOLM_OK) {
        /* A replica that does not know its peer would never ask it: come again later. */
        pthread_mutex_lock(&engine->roster_lock);
        holm_roster_link_drop(engine->roster, holm_roster_route(engine->roster, action->peer),
                              "out of memory", now);
        pthread_mutex_unlock(&engine->roster_lock);
        return;
    }
    if (engine->members != NULL)
        holm_engine_members_up(engine, action->peer, action->actor, now);
    holm_engine_beacon(engine, action->peer, now);
    engine->progressed = true;
}

static void peer_down(struct holm_engine *engine, const struct holm_roster_action *action,
                      struct holm_now now)
{
    struct holm_event event = {.type = HOLM_EVENT_PEER_DOWN};
    event.as.peer.peer = action->peer;
    event.as.peer.actor = action->actor;
    enum holm_status status = holm_engine_step_all(engine, &event, now);
    (void)status; /* going takes no memory */
    if (engine->members != NULL)
        holm_engine_members_down(engine, action->peer, now);
    holm_engine_relay_changed(engine, action->peer, now);
    engine->progressed = true;
}

/* Replicas that had no memory for it are told again at the next tick. */
void holm_engine_epoch_spread(struct holm_engine *engine, struct holm_now now)
{
    struct holm_event event = {.type = HOLM_EVENT_EPOCH};
    event.as.epoch = engine->epoch_wanted;
    bool spread = true;
    holm_engine_store_epoch(engine, engine->epoch_wanted);
    for (uint32_t i = 0; i < engine->partition_count; i++) {
        struct holm_engine_partition *partition = &engine->partitions[i];
        pthread_mutex_lock(&partition->lock);
        partition->provisional = engine->members != NULL;
        if (holm_replica_self(partition->replica).epoch.value < engine->epoch_wanted.value)
            spread &= holm_engine_step(engine, i, &event, now, NULL) == HOLM_OK;
        pthread_mutex_unlock(&partition->lock);
    }
    if (spread)
        engine->epoch_wanted.value = 0;
}

static void ping(struct holm_engine *engine, const struct holm_roster_action *action)
{
    struct holm_message message = message_of(engine, HOLM_MESSAGE_PING);
    message.as.ping.token = action->token;
    holm_engine_send_link(engine, action->link, &message);
}

static void route(struct holm_engine *engine, const struct holm_roster_action *action)
{
    pthread_mutex_lock(&engine->roster_lock);
    uint64_t features = holm_roster_features(engine->roster, action->peer);
    pthread_mutex_unlock(&engine->roster_lock);
    holm_outgoing_route(&engine->outgoing, action->peer, action->link, features);
}

static void perform(struct holm_engine *engine, const struct holm_roster_action *action,
                    struct holm_now now)
{
    struct holm_transport *transport = engine->transport;
    struct holm_event event = {.type = HOLM_EVENT_SUPERSEDED};
    switch (action->type) {
    case HOLM_ROSTER_DIAL:
        dial(engine, action, now);
        break;
    case HOLM_ROSTER_CLOSE:
        transport->ops->link_close(transport, action->link);
        break;
    case HOLM_ROSTER_HELLO:
        hello_send(engine, action);
        break;
    case HOLM_ROSTER_PING:
        ping(engine, action);
        break;
    case HOLM_ROSTER_ROUTE:
        route(engine, action);
        break;
    case HOLM_ROSTER_UP:
        peer_up(engine, action, now);
        break;
    case HOLM_ROSTER_DOWN:
        peer_down(engine, action, now);
        break;
    case HOLM_ROSTER_SUBSCRIBE:
        subscribe(engine, action);
        break;
    case HOLM_ROSTER_UNSUBSCRIBE:
        transport->ops->unsubscribe(transport, action->subscription);
        break;
    case HOLM_ROSTER_EPOCH:
        engine->epoch_wanted = action->actor.epoch;
        if (engine->members != NULL)
            holm_engine_members_epoch(engine, action->actor.epoch, now);
        holm_engine_epoch_spread(engine, now);
        break;
    case HOLM_ROSTER_SUPERSEDED:
        event.as.superseded = action->actor;
        if (holm_engine_step_all(engine, &event, now) != HOLM_OK)
            holm_log_line(&engine->config.log, HOLM_LOG_NOTICE, "out of memory for an epoch");
        break;
    case HOLM_ROSTER_NOTE:
        holm_log_line(&engine->config.log, (enum holm_log_level)action->level, "%s", action->text);
        break;
    }
}

void holm_engine_act(struct holm_engine *engine, struct holm_now now)
{
    for (;;) {
        struct holm_roster_action action;
        pthread_mutex_lock(&engine->roster_lock);
        bool more = holm_roster_next(engine->roster, &action);
        pthread_mutex_unlock(&engine->roster_lock);
        if (!more)
            return;
        perform(engine, &action, now);
    }
}

/* ---- closing -------------------------------------------------------------------------------- */

static void goodbye(struct holm_engine *engine, uint32_t peer)
{
    struct holm_message message = message_of(engine, HOLM_MESSAGE_GOODBYE);
    holm_engine_send_link(engine, holm_roster_route(engine->roster, peer), &message);
}

void holm_engine_farewell(struct holm_engine *engine, struct holm_now now)
{
    struct holm_event flush = {.type = HOLM_EVENT_FLUSH};
    enum holm_status status = holm_engine_step_all(engine, &flush, now);
    if (status != HOLM_OK)
        holm_log_line(&engine->config.log, HOLM_LOG_ERROR, "the last writes are not published: %s",
                      holm_strerror(status));
    uint32_t slots = holm_roster_slots(engine->roster);
    for (uint32_t peer = 0; peer < slots; peer++) {
        if (holm_roster_up(engine->roster, peer))
            goodbye(engine, peer);
    }
    holm_engine_drain(engine);
}

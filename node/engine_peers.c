/* SPDX-License-Identifier: Apache-2.0 */
#include "node/engine_state.h"

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
        holm_log_tell(&engine->config.log, now, HOLM_LOG_DIAL_FAILED,
                      HOLM_LOG_VALUES(holm_log_text(action->text), holm_log_status(status)));
    }
    pthread_mutex_lock(&engine->roster_lock);
    holm_roster_dialled(engine->roster, action->entry, link, now);
    pthread_mutex_unlock(&engine->roster_lock);
}

void holm_engine_subscribe(struct holm_engine *engine, uint32_t peer, const char *publisher,
                           struct holm_now now)
{
    struct holm_subscription_id subscription = {0};
    enum holm_status status = engine->transport->ops->subscribe(engine->transport, publisher,
                                                                &subscription);
    if (status != HOLM_OK) {
        holm_log_tell(&engine->config.log, now, HOLM_LOG_SUBSCRIBE_FAILED,
                      HOLM_LOG_VALUES(holm_log_text(publisher), holm_log_status(status)));
        return;
    }
    pthread_mutex_lock(&engine->roster_lock);
    holm_roster_subscribed(engine->roster, peer, subscription);
    pthread_mutex_unlock(&engine->roster_lock);
}

static void subscribe(struct holm_engine *engine, const struct holm_roster_action *action,
                      struct holm_now now)
{
    pthread_mutex_lock(&engine->roster_lock);
    bool already = holm_roster_subscription(engine->roster, action->peer).value != 0;
    pthread_mutex_unlock(&engine->roster_lock);
    if (!already && holm_engine_hears(engine, action->peer))
        holm_engine_subscribe(engine, action->peer, action->text, now);
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
    atomic_fetch_add_explicit(&engine->changes, 1, memory_order_relaxed);
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
    atomic_fetch_add_explicit(&engine->changes, 1, memory_order_relaxed);
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

static void route(struct holm_engine *engine, const struct holm_roster_action *action,
                  struct holm_now now)
{
    struct holm_link_id before = {engine->outgoing.routes[action->peer].link};
    pthread_mutex_lock(&engine->roster_lock);
    uint64_t features = holm_roster_features(engine->roster, action->peer);
    struct holm_engine_received *received = &engine->received[action->peer];
    struct holm_node_id node = holm_roster_node(engine->roster, action->peer);
    bool other = received->node.value != node.value;
    if (other)
        *received = (struct holm_engine_received){.node = node};
    pthread_mutex_unlock(&engine->roster_lock);
    if (other)
        holm_outgoing_forget(&engine->outgoing, action->peer);
    holm_outgoing_route(&engine->outgoing, action->peer, action->link, features);
    if (holm_tunnel_is_link(before) && !holm_tunnel_is_link(action->link))
        holm_engine_relay_changed(engine, action->peer, now);
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
        if (holm_tunnel_is_link(action->link))
            holm_engine_tunnel_close(engine, action->link, now);
        else
            transport->ops->link_close(transport, action->link);
        break;
    case HOLM_ROSTER_HELLO:
        hello_send(engine, action);
        break;
    case HOLM_ROSTER_PING:
        ping(engine, action);
        break;
    case HOLM_ROSTER_ROUTE:
        route(engine, action, now);
        break;
    case HOLM_ROSTER_UP:
        engine->met_us = now.monotonic_us;
        peer_up(engine, action, now);
        break;
    case HOLM_ROSTER_DOWN:
        peer_down(engine, action, now);
        break;
    case HOLM_ROSTER_SUBSCRIBE:
        subscribe(engine, action, now);
        break;
    case HOLM_ROSTER_UNSUBSCRIBE:
        transport->ops->unsubscribe(transport, action->subscription);
        break;
    case HOLM_ROSTER_EPOCH:
        engine->epoch_wanted = action->actor.epoch;
        if (engine->members != NULL) {
            holm_engine_tunnel_end(engine, action->actor, now);
            holm_engine_members_epoch(engine, action->actor.epoch, now);
        }
        holm_engine_epoch_spread(engine, now);
        break;
    case HOLM_ROSTER_SUPERSEDED:
        event.as.superseded = action->actor;
        if (holm_engine_step_all(engine, &event, now) != HOLM_OK)
            holm_log_tell(&engine->config.log, now, HOLM_LOG_EPOCH_UNTOLD, HOLM_LOG_NOTHING);
        break;
    case HOLM_ROSTER_CHANGED:
        holm_engine_changed(engine, action, now);
        break;
    case HOLM_ROSTER_NOTE:
        holm_log_tell_packed(&engine->config.log, now, action->event, action->text);
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

void holm_engine_goodbye(struct holm_engine *engine)
{
    struct holm_message message = message_of(engine, HOLM_MESSAGE_GOODBYE);
    message.as.goodbye.left = engine->left;
    uint32_t slots = holm_roster_slots(engine->roster);
    for (uint32_t peer = 0; peer < slots; peer++) {
        if (holm_roster_up(engine->roster, peer))
            holm_engine_send_link(engine, holm_roster_route(engine->roster, peer), &message);
    }
}

void holm_engine_farewell(struct holm_engine *engine, struct holm_now now)
{
    struct holm_event flush = {.type = HOLM_EVENT_FLUSH};
    enum holm_status status = holm_engine_step_all(engine, &flush, now);
    if (status != HOLM_OK)
        holm_log_tell(&engine->config.log, now, HOLM_LOG_LAST_UNPUBLISHED,
                      HOLM_LOG_VALUES(holm_log_status(status)));
    holm_engine_goodbye(engine);
    holm_engine_drain(engine, now);
    holm_engine_await_all(engine, now);
}

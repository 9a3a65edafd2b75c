/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/wire.h"

static enum holm_status write_ping(struct holm_arena *arena, const struct holm_ping *source,
                                   Holm__Wire__Ping **ping)
{
    enum holm_status status = holm_wire_array(arena, 1, sizeof **ping, ping);
    if (status != HOLM_OK)
        return status;
    holm__wire__ping__init(*ping);
    (*ping)->token = source->token;
    return HOLM_OK;
}

static enum holm_status write_ack(struct holm_arena *arena, const struct holm_ack *source,
                                  Holm__Wire__Ack **ack)
{
    enum holm_status status = holm_wire_array(arena, 1, sizeof **ack, ack);
    if (status != HOLM_OK)
        return status;
    holm__wire__ack__init(*ack);
    (*ack)->node = source->actor.node.value;
    (*ack)->epoch = source->actor.epoch.value;
    (*ack)->seq = source->seq;
    return HOLM_OK;
}

static enum holm_status write_goodbye(struct holm_arena *arena, const struct holm_goodbye *source,
                                      Holm__Wire__Goodbye **goodbye)
{
    enum holm_status status = holm_wire_array(arena, 1, sizeof **goodbye, goodbye);
    if (status != HOLM_OK)
        return status;
    holm__wire__goodbye__init(*goodbye);
    (*goodbye)->left = source->left;
    return holm_wire_bytes(arena, source->subscription, &(*goodbye)->subscription);
}

static enum holm_status write_pull(struct holm_arena *arena, const struct holm_pull *source,
                                   Holm__Wire__Pull **pull)
{
    enum holm_status status = holm_wire_array(arena, 1, sizeof **pull, pull);
    if (status != HOLM_OK)
        return status;
    holm__wire__pull__init(*pull);
    (*pull)->bytes_max = source->bytes_max;
    return holm_wire_write_vector(arena, source->vector, &(*pull)->vector);
}

static enum holm_status write_follow(struct holm_arena *arena, const struct holm_follow *source,
                                     Holm__Wire__Follow **follow)
{
    enum holm_status status = holm_wire_array(arena, 1, sizeof **follow, follow);
    if (status != HOLM_OK)
        return status;
    holm__wire__follow__init(*follow);
    (*follow)->number = source->number;
    return holm_wire_write_vector(arena, source->vector, &(*follow)->vector);
}

static enum holm_status write_unfollow(struct holm_arena *arena, const struct holm_unfollow *source,
                                       Holm__Wire__Unfollow **unfollow)
{
    enum holm_status status = holm_wire_array(arena, 1, sizeof **unfollow, unfollow);
    if (status != HOLM_OK)
        return status;
    holm__wire__unfollow__init(*unfollow);
    (*unfollow)->prune = source->prune;
    return HOLM_OK;
}

enum holm_status holm_wire_write_talk(struct holm_arena *arena, const struct holm_message *message,
                                      Holm__Wire__Envelope *envelope)
{
    if (message->type == HOLM_MESSAGE_PING)
        return write_ping(arena, &message->as.ping, &envelope->ping);
    if (message->type == HOLM_MESSAGE_PONG)
        return write_ping(arena, &message->as.ping, &envelope->pong);
    if (message->type == HOLM_MESSAGE_GOODBYE)
        return write_goodbye(arena, &message->as.goodbye, &envelope->goodbye);
    if (message->type == HOLM_MESSAGE_ACK)
        return write_ack(arena, &message->as.ack, &envelope->ack);
    if (message->type == HOLM_MESSAGE_WANT)
        return write_ack(arena, &message->as.ack, &envelope->want);
    if (message->type == HOLM_MESSAGE_FOLLOW)
        return write_follow(arena, &message->as.follow, &envelope->follow);
    if (message->type == HOLM_MESSAGE_UNFOLLOW)
        return write_unfollow(arena, &message->as.unfollow, &envelope->unfollow);
    HOLM_ASSERT(message->type == HOLM_MESSAGE_PULL);
    return write_pull(arena, &message->as.pull, &envelope->pull);
}

static void read_ack(const Holm__Wire__Ack *read, struct holm_ack *ack)
{
    ack->actor.node.value = read->node;
    ack->actor.epoch.value = read->epoch;
    ack->seq = read->seq;
}

enum holm_status holm_wire_read_talk(struct holm_wire_reading *reading,
                                     const Holm__Wire__Envelope *envelope,
                                     struct holm_message *message)
{
    if (message->type == HOLM_MESSAGE_PING) {
        message->as.ping.token = envelope->ping->token;
    } else if (message->type == HOLM_MESSAGE_PONG) {
        message->as.ping.token = envelope->pong->token;
    } else if (message->type == HOLM_MESSAGE_ACK) {
        read_ack(envelope->ack, &message->as.ack);
    } else if (message->type == HOLM_MESSAGE_WANT) {
        read_ack(envelope->want, &message->as.ack);
    } else if (message->type == HOLM_MESSAGE_GOODBYE) {
        message->as.goodbye.left = envelope->goodbye->left;
        message->as.goodbye.subscription = holm_wire_slice(envelope->goodbye->subscription);
        if (envelope->goodbye->subscription.len > reading->left.subscription_bytes_max)
            return HOLM_ETOOBIG;
    } else if (message->type == HOLM_MESSAGE_UNFOLLOW) {
        message->as.unfollow.prune = envelope->unfollow->prune;
    } else if (message->type == HOLM_MESSAGE_FOLLOW) {
        message->as.follow.number = envelope->follow->number;
        return holm_wire_take_vector(reading, envelope->follow->vector, &message->as.follow.vector);
    } else {
        HOLM_ASSERT(message->type == HOLM_MESSAGE_PULL);
        message->as.pull.bytes_max = envelope->pull->bytes_max;
        return holm_wire_take_vector(reading, envelope->pull->vector, &message->as.pull.vector);
    }
    return HOLM_OK;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/literature_tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/measure.h"
#include "proto/codec.h"
#include "transport/packed.h"

#define SCHEME "virtual://"

struct subscription {
    struct holm_subscription_id id;
    uint32_t node;
};

struct tap {
    struct holm_transport base;
    struct holm_transport *inner;
    struct literature_meter *meter;
    uint32_t node;
    struct subscription subscriptions[LITERATURE_NODES_MAX];
    size_t count;
};

static struct tap *tap_of(struct holm_transport *transport)
{
    return (struct tap *)(void *)transport;
}

static struct holm_transport *inner_of(struct holm_transport *transport)
{
    return tap_of(transport)->inner;
}

void literature_address(uint32_t node, char address[LITERATURE_ADDRESS_BYTES])
{
    snprintf(address, LITERATURE_ADDRESS_BYTES, SCHEME "%u", node);
}

static bool is_payload(const struct holm_message *message)
{
    if (message->type == HOLM_MESSAGE_DELTAS)
        return message->as.deltas.count > 0;
    if (message->type == HOLM_MESSAGE_FEED)
        return message->as.feed.count > 0;
    if (message->type == HOLM_MESSAGE_SYNC_TELL)
        return message->as.sync_tell.page != NULL;
    return message->type == HOLM_MESSAGE_DELTA || message->type == HOLM_MESSAGE_SYNC_PAGE;
}

static void add(struct literature_traffic *traffic, const struct holm_message *message,
                uint64_t bytes)
{
    holm_tally_message(&traffic->tally, message);
    traffic->bytes += bytes;
    traffic->payload_bytes += is_payload(message) ? bytes : 0;
}

/* `bytes` are those that went over the network. */
static void count(struct literature_meter *meter, struct literature_traffic *traffic,
                  struct holm_bytes frame, uint64_t bytes, uint32_t times)
{
    struct holm_allocator allocator = holm_transport_config_default().allocator;
    struct holm_codec_limits limits = holm_codec_limits_default(0);
    struct holm_decoded *decoded = NULL;
    if (times == 0)
        return;
    measure_must(holm_codec_decode(&allocator, &limits, frame, &decoded), "a frame of holm's");
    for (uint32_t i = 0; i < times; i++) {
        add(traffic, &decoded->message, bytes + HOLM_LINK_PREFIX_BYTES);
        add(&meter->types[decoded->message.type], &decoded->message,
            bytes + HOLM_LINK_PREFIX_BYTES);
    }
    holm_decoded_free(decoded);
}

static const char *op_address(struct holm_transport *transport)
{
    return inner_of(transport)->ops->address(inner_of(transport));
}

static const char *op_publisher(struct holm_transport *transport)
{
    return inner_of(transport)->ops->publisher(inner_of(transport));
}

static enum holm_status op_dial(struct holm_transport *transport, const char *address,
                                struct holm_link_id *link)
{
    return inner_of(transport)->ops->link_dial(inner_of(transport), address, link);
}

static enum holm_status op_send(struct holm_transport *transport, struct holm_link_id link,
                                const void *frame, size_t frame_bytes)
{
    struct holm_transport *inner = inner_of(transport);
    uint64_t before = holm_transport_packed_sent(inner);
    enum holm_status status = inner->ops->link_send(inner, link, frame, frame_bytes);
    struct literature_meter *meter = tap_of(transport)->meter;
    count(meter, &meter->links, holm_mem(frame, frame_bytes),
          holm_transport_packed_sent(inner) - before, status == HOLM_OK);
    return status;
}

static void op_link_close(struct holm_transport *transport, struct holm_link_id link)
{
    inner_of(transport)->ops->link_close(inner_of(transport), link);
}

static enum holm_status op_subscribe(struct holm_transport *transport, const char *publisher,
                                     struct holm_subscription_id *subscription)
{
    struct tap *tap = tap_of(transport);
    enum holm_status status = tap->inner->ops->subscribe(tap->inner, publisher, subscription);
    if (status != HOLM_OK)
        return status;
    uint32_t node = (uint32_t)strtoul(publisher + strlen(SCHEME), NULL, 10);
    measure_require(node < LITERATURE_NODES_MAX && tap->count < LITERATURE_NODES_MAX,
                    "a publisher that is none");
    tap->subscriptions[tap->count++] = (struct subscription){*subscription, node};
    tap->meter->subscribers[node]++;
    return HOLM_OK;
}

static void op_unsubscribe(struct holm_transport *transport,
                           struct holm_subscription_id subscription)
{
    struct tap *tap = tap_of(transport);
    for (size_t i = 0; i < tap->count; i++) {
        if (tap->subscriptions[i].id.value != subscription.value)
            continue;
        tap->meter->subscribers[tap->subscriptions[i].node]--;
        tap->subscriptions[i] = tap->subscriptions[--tap->count];
        break;
    }
    tap->inner->ops->unsubscribe(tap->inner, subscription);
}

static enum holm_status op_broadcast(struct holm_transport *transport, const void *frame,
                                     size_t frame_bytes)
{
    struct tap *tap = tap_of(transport);
    enum holm_status status = tap->inner->ops->broadcast(tap->inner, frame, frame_bytes);
    if (status == HOLM_OK)
        count(tap->meter, &tap->meter->broadcasts, holm_mem(frame, frame_bytes), frame_bytes,
              tap->meter->subscribers[tap->node]);
    return status;
}

static void op_next(struct holm_transport *transport, uint64_t timeout_us,
                    struct holm_transport_event *event)
{
    inner_of(transport)->ops->next(inner_of(transport), timeout_us, event);
}

static void op_release(struct holm_transport *transport, struct holm_transport_event *event)
{
    inner_of(transport)->ops->release(inner_of(transport), event);
}

static void op_wake(struct holm_transport *transport)
{
    inner_of(transport)->ops->wake(inner_of(transport));
}

static void op_stats(struct holm_transport *transport, struct holm_transport_stats *stats)
{
    inner_of(transport)->ops->stats(inner_of(transport), stats);
}

static void op_close(struct holm_transport *transport, uint64_t linger_us)
{
    struct tap *tap = tap_of(transport);
    for (size_t i = 0; i < tap->count; i++)
        tap->meter->subscribers[tap->subscriptions[i].node]--;
    tap->inner->ops->close(tap->inner, linger_us);
    free(tap);
}

static const struct holm_transport_ops ops = {
    .address = op_address,
    .publisher = op_publisher,
    .link_dial = op_dial,
    .link_send = op_send,
    .link_close = op_link_close,
    .subscribe = op_subscribe,
    .unsubscribe = op_unsubscribe,
    .broadcast = op_broadcast,
    .next = op_next,
    .release = op_release,
    .wake = op_wake,
    .stats = op_stats,
    .close = op_close,
};

struct holm_transport *literature_tap_open(struct holm_network *network, uint32_t node,
                                           struct literature_meter *meter)
{
    char address[LITERATURE_ADDRESS_BYTES];
    struct holm_transport_config config = holm_transport_config_default();
    struct holm_transport *below = NULL;
    struct tap *tap = measure_allocate(sizeof *tap);
    *tap = (struct tap){.base.ops = &ops, .meter = meter, .node = node};
    literature_address(node, address);
    config.listen = address;
    measure_must(holm_network_open(network, address, &config, &below), "a transport");
    measure_must(holm_transport_packed_open(below, &config.allocator, &tap->inner), "a transport");
    return &tap->base;
}

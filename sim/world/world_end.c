/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "sim/world/world_parts.h"
#include "transport/packed.h"

struct subscription {
    struct holm_subscription_id id;
    uint32_t node; /* whose publisher */
};

/* Passes everything on to the network's transport, and tells of each frame. */
struct holm_world_end {
    struct holm_transport base;
    struct holm_transport *network;
    struct holm_transport *inner; /* packs links over it */
    uint64_t received;            /* bytes, of all its links */
    struct holm_world *world;
    uint32_t node;
    struct subscription *subscriptions;
    size_t count, capacity;
};

static struct holm_world_end *end_of(struct holm_transport *transport)
{
    return (struct holm_world_end *)(void *)transport;
}

static struct holm_transport *inner_of(struct holm_transport *transport)
{
    return end_of(transport)->inner;
}

uint32_t holm_world_number_of(const char *address)
{
    if (address == NULL)
        return HOLM_WORLD_NOBODY;
    char *end;
    unsigned long number = strtoul(address + strlen("virtual://"), &end, 10);
    return *end == '\0' && end != address ? (uint32_t)number : HOLM_WORLD_NOBODY;
}

static void tell_broadcast(struct holm_world_end *end, enum holm_world_event_type type,
                           struct holm_bytes frame)
{
    struct holm_world_event event = {.type = type,
                                     .node = end->node,
                                     .peer = HOLM_WORLD_NOBODY,
                                     .frame = frame,
                                     .wire_bytes = frame.size,
                                     .broadcast = true};
    event.copies = end->world->nodes[end->node]->subscribers;
    holm_world_event(end->world, &event);
}

static void tell_link(struct holm_world_end *end, enum holm_world_event_type type, uint32_t peer,
                      struct holm_bytes frame, uint64_t wire_bytes)
{
    struct holm_world_event event = {.type = type,
                                     .node = end->node,
                                     .peer = peer,
                                     .frame = frame,
                                     .wire_bytes = (size_t)wire_bytes,
                                     .copies = 1};
    holm_world_event(end->world, &event);
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
                                const void *frame, size_t size)
{
    struct holm_world_end *end = end_of(transport);
    uint32_t peer = holm_world_number_of(holm_network_peer(end->network, link));
    uint64_t before = holm_transport_packed_sent(end->inner);
    enum holm_status status = HOLM_OK;
    if (holm_gates_judge(end->world, end->node, peer, holm_mem(frame, size)))
        status = end->inner->ops->link_send(end->inner, link, frame, size);
    tell_link(end, HOLM_WORLD_SENT, peer, holm_mem(frame, size),
              holm_transport_packed_sent(end->inner) - before);
    return status;
}

static void op_close(struct holm_transport *transport, struct holm_link_id link)
{
    inner_of(transport)->ops->link_close(inner_of(transport), link);
}

static enum holm_status op_subscribe(struct holm_transport *transport, const char *publisher,
                                     struct holm_subscription_id *subscription)
{
    struct holm_world_end *end = end_of(transport);
    uint32_t node = holm_world_number_of(publisher);
    enum holm_status status = end->inner->ops->subscribe(end->inner, publisher, subscription);
    if (status != HOLM_OK || node >= end->world->count)
        return status;
    status = holm_array_reserve(&end->world->allocator, (void **)&end->subscriptions,
                                &end->capacity, sizeof end->subscriptions[0], end->count + 1);
    HOLM_ASSERT(status == HOLM_OK);
    end->subscriptions[end->count++] = (struct subscription){*subscription, node};
    end->world->nodes[node]->subscribers++;
    return HOLM_OK;
}

static void op_unsubscribe(struct holm_transport *transport,
                           struct holm_subscription_id subscription)
{
    struct holm_world_end *end = end_of(transport);
    end->inner->ops->unsubscribe(end->inner, subscription);
    for (size_t i = 0; i < end->count; i++) {
        if (end->subscriptions[i].id.value != subscription.value)
            continue;
        end->world->nodes[end->subscriptions[i].node]->subscribers--;
        end->subscriptions[i] = end->subscriptions[--end->count];
        return;
    }
}

static enum holm_status op_broadcast(struct holm_transport *transport, const void *frame,
                                     size_t size)
{
    struct holm_transport *inner = inner_of(transport);
    tell_broadcast(end_of(transport), HOLM_WORLD_SENT, holm_mem(frame, size));
    return inner->ops->broadcast(inner, frame, size);
}

static void op_next(struct holm_transport *transport, uint64_t timeout_us,
                    struct holm_transport_event *event)
{
    struct holm_world_end *end = end_of(transport);
    end->inner->ops->next(end->inner, timeout_us, event);
    if (event->type == HOLM_TRANSPORT_NONE)
        return;
    uint64_t before = end->received;
    end->received = holm_transport_packed_received(end->inner);
    struct holm_bytes frame = holm_mem(event->frame, event->frame_bytes);
    if (event->type == HOLM_TRANSPORT_LINK_FRAME)
        tell_link(end, HOLM_WORLD_ARRIVED,
                  holm_world_number_of(holm_network_peer(end->network, event->link)), frame,
                  end->received - before);
    else if (event->type == HOLM_TRANSPORT_BROADCAST)
        tell_broadcast(end, HOLM_WORLD_ARRIVED, frame);
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

static void op_end(struct holm_transport *transport, uint64_t linger_us)
{
    struct holm_world_end *end = end_of(transport);
    for (size_t i = 0; i < end->count; i++)
        end->world->nodes[end->subscriptions[i].node]->subscribers--;
    holm_array_free(&end->world->allocator, end->subscriptions, end->capacity,
                    sizeof end->subscriptions[0]);
    end->inner->ops->close(end->inner, linger_us);
    free(end);
}

static const struct holm_transport_ops ops = {
    .address = op_address,
    .publisher = op_publisher,
    .link_dial = op_dial,
    .link_send = op_send,
    .link_close = op_close,
    .subscribe = op_subscribe,
    .unsubscribe = op_unsubscribe,
    .broadcast = op_broadcast,
    .next = op_next,
    .release = op_release,
    .wake = op_wake,
    .stats = op_stats,
    .close = op_end,
};

struct holm_world_end *holm_world_end_open(struct holm_world *world, uint32_t node)
{
    struct holm_transport_config config = holm_transport_config_default();
    char address[HOLM_ADDRESS_BYTES_MAX];
    struct holm_world_end *end = calloc(1, sizeof *end);
    HOLM_ASSERT(end != NULL);
    holm_world_address(node, address);
    config.listen = address;
    config.frame_bytes_max = world->nodes[node]->config.engine.frame_bytes_max;
    *end = (struct holm_world_end){.base = {&ops}, .world = world, .node = node};
    enum holm_status status = holm_network_open(world->network, address, &config, &end->network);
    HOLM_ASSERT(status == HOLM_OK);
    status = holm_transport_packed_open(end->network, &config.allocator, &end->inner);
    HOLM_ASSERT(status == HOLM_OK);
    return end;
}

struct holm_transport *holm_world_end_transport(struct holm_world_end *end)
{
    return &end->base;
}

bool holm_world_end_waits(const struct holm_world_end *end)
{
    return holm_network_waits(end->network);
}

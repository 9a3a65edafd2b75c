/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/network_parts.h"

/* What a subscriber's queue holds, in time. */
#define BROADCAST_WAIT_US 1000000

static const struct holm_transport_ops operations;

static struct holm_endpoint *endpoint_of(struct holm_transport *transport)
{
    HOLM_ASSERT(transport->ops == &operations);
    return (struct holm_endpoint *)transport;
}

/* Its index in the table, or where it would be. */
static size_t position_of(const struct holm_endpoint *endpoint, uint64_t id)
{
    size_t low = 0, high = endpoint->links_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (endpoint->links[middle].id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct holm_endpoint_link *holm_endpoint_link_find(struct holm_endpoint *endpoint, uint64_t id)
{
    size_t at = position_of(endpoint, id);
    bool there = at < endpoint->links_count && endpoint->links[at].id == id;
    return there ? &endpoint->links[at] : NULL;
}

enum holm_status holm_endpoint_link_add(struct holm_endpoint *endpoint, struct holm_line *line,
                                        unsigned side)
{
    enum holm_status status = holm_array_reserve(
        &endpoint->network->allocator, (void **)&endpoint->links, &endpoint->links_capacity,
        sizeof *endpoint->links, endpoint->links_count + 1);
    if (status != HOLM_OK)
        return status;
    uint64_t id = ++endpoint->last_link;
    endpoint->links[endpoint->links_count++] = (struct holm_endpoint_link){
        .id = id, .line = line, .side = side};
    line->sides[side].endpoint = endpoint;
    line->sides[side].link = id;
    return HOLM_OK;
}

void holm_endpoint_link_remove(struct holm_endpoint *endpoint, uint64_t id)
{
    size_t at = position_of(endpoint, id);
    HOLM_ASSERT(at < endpoint->links_count && endpoint->links[at].id == id);
    endpoint->links_count--;
    memmove(&endpoint->links[at], &endpoint->links[at + 1],
            (endpoint->links_count - at) * sizeof *endpoint->links);
}

void holm_endpoint_purge(struct holm_endpoint *endpoint, const struct holm_line *line,
                         unsigned side)
{
    struct holm_parcel_queue kept = {NULL, NULL};
    struct holm_parcel *parcel;
    while ((parcel = holm_parcel_pop(&endpoint->queue)) != NULL) {
        if (parcel->line == line && parcel->side == side)
            holm_parcel_free(endpoint->network, parcel);
        else
            holm_parcel_push(&kept, parcel);
    }
    endpoint->queue = kept;
}

void holm_endpoint_hear(struct holm_endpoint *endpoint, struct holm_parcel *parcel)
{
    if (parcel->size > endpoint->config.frame_bytes_max) {
        endpoint->stats.oversized++;
        holm_parcel_free(endpoint->network, parcel);
        return;
    }
    endpoint->stats.broadcasts_received++;
    endpoint->stats.broadcast_bytes_received += parcel->size;
    if (endpoint->broadcast_bytes + parcel->size > endpoint->config.broadcast_queue_bytes_max) {
        endpoint->stats.broadcasts_dropped++;
        holm_parcel_free(endpoint->network, parcel);
        return;
    }
    endpoint->broadcast_bytes += parcel->size;
    holm_parcel_push(&endpoint->queue, parcel);
}

static const char *address(struct holm_transport *transport)
{
    struct holm_endpoint *endpoint = endpoint_of(transport);
    return endpoint->listens ? endpoint->place->address : "";
}

static enum holm_status link_dial(struct holm_transport *transport, const char *to,
                                  struct holm_link_id *link)
{
    struct holm_endpoint *endpoint = endpoint_of(transport);
    struct holm_place *target = NULL;
    enum holm_status status = holm_place_find(endpoint->network, to, &target);
    return status == HOLM_OK ? holm_line_dial(endpoint, target, &link->value) : status;
}

static enum holm_status link_send(struct holm_transport *transport, struct holm_link_id link,
                                  const void *frame, size_t frame_bytes)
{
    struct holm_endpoint *endpoint = endpoint_of(transport);
    if (frame_bytes > endpoint->config.frame_bytes_max)
        return HOLM_ETOOBIG;
    struct holm_endpoint_link *found = holm_endpoint_link_find(endpoint, link.value);
    if (found == NULL)
        return HOLM_ECLOSED;
    return holm_line_send(found->line, found->side, holm_mem(frame, frame_bytes));
}

static void link_close(struct holm_transport *transport, struct holm_link_id link)
{
    struct holm_endpoint_link *found = holm_endpoint_link_find(endpoint_of(transport), link.value);
    if (found != NULL)
        holm_line_close(found->line, found->side);
}

static enum holm_status subscribe(struct holm_transport *transport, const char *publisher,
                                  struct holm_subscription_id *subscription)
{
    struct holm_endpoint *endpoint = endpoint_of(transport);
    struct holm_network *network = endpoint->network;
    struct holm_place *place = NULL;
    enum holm_status status = holm_place_find(network, publisher, &place);
    if (status != HOLM_OK)
        return status;
    struct holm_network_subscription *made = holm_allocate(&network->allocator, sizeof *made);
    if (made == NULL)
        return HOLM_ENOMEM;
    *made = (struct holm_network_subscription){.next = place->subscriptions,
                                               .endpoint = endpoint,
                                               .publisher = place,
                                               .id = ++endpoint->last_subscription};
    place->subscriptions = made;
    subscription->value = made->id;
    return HOLM_OK;
}

/* Takes back those of this endpoint at one publisher: one, or with id 0 all. */
static void drop_subscriptions(struct holm_endpoint *endpoint, struct holm_place *place,
                               uint64_t id)
{
    struct holm_network_subscription **at = &place->subscriptions;
    while (*at != NULL) {
        struct holm_network_subscription *found = *at;
        if (found->endpoint != endpoint || (id != 0 && found->id != id)) {
            at = &found->next;
            continue;
        }
        *at = found->next;
        holm_deallocate(&endpoint->network->allocator, found, sizeof *found);
    }
}

static void unsubscribe(struct holm_transport *transport, struct holm_subscription_id subscription)
{
    struct holm_endpoint *endpoint = endpoint_of(transport);
    struct holm_network *network = endpoint->network;
    if (subscription.value == 0)
        return;
    for (size_t i = 0; i < network->places_count; i++)
        drop_subscriptions(endpoint, network->places[i], subscription.value);
    struct holm_parcel_queue kept = {NULL, NULL};
    struct holm_parcel *parcel;
    while ((parcel = holm_parcel_pop(&endpoint->queue)) != NULL) {
        if (parcel->subscription == subscription.value) {
            endpoint->broadcast_bytes -= parcel->size;
            holm_parcel_free(network, parcel);
        } else {
            holm_parcel_push(&kept, parcel);
        }
    }
    endpoint->queue = kept;
}

/* One copy for one subscriber, or none. */
static void send_copy(struct holm_endpoint *from, const struct holm_network_subscription *to,
                      struct holm_bytes frame, bool duplicate, struct holm_network_ruling ruling)
{
    struct holm_network *network = from->network;
    struct holm_place *target = to->endpoint->place;
    const struct holm_network_path *path = holm_place_path(from->place, target, network);
    struct holm_place_path *own = NULL;
    uint64_t wait_us = holm_place_path_wait_us(from->place, target, network, frame.size);
    if (wait_us > BROADCAST_WAIT_US) {
        from->stats.broadcasts_dropped++;
        return;
    }
    uint64_t at_us = network->now_us + path->delay_us + wait_us;
    if (path->jitter_us > 0)
        at_us += holm_network_draw(network, from->place, target, path->jitter_us + 1);
    bool late = duplicate ||
                (path->reorder_permille > 0 &&
                 holm_network_draw(network, from->place, target, 1000) < path->reorder_permille);
    uint64_t late_us = late ? 1 + holm_network_draw(network, from->place, target, path->reorder_us)
                            : 0;
    struct holm_parcel *parcel = NULL;
    if (holm_network_events_reserve(network, 0, 1) == HOLM_OK &&
        holm_place_path_own(from->place, target, network, &own) == HOLM_OK)
        parcel = holm_parcel_new(network, HOLM_TRANSPORT_BROADCAST, frame);
    if (parcel == NULL) {
        from->stats.broadcasts_dropped++;
        return;
    }
    holm_place_path_load(from->place, target, network, frame.size);
    if (at_us < own->last_broadcast_us)
        at_us = own->last_broadcast_us;
    if (!late)
        own->last_broadcast_us = at_us;
    parcel->subscription = to->id;
    struct holm_network_event event = {.at_us = at_us + late_us,
                                       .type = HOLM_NETWORK_BROADCAST,
                                       .parcel = parcel,
                                       .from = from->place,
                                       .to = target,
                                       .endpoint = to->endpoint->serial};
    if (ruling.verdict != HOLM_NETWORK_HOLD) {
        holm_network_event_add(network, event);
    } else if (!holm_network_hold_event(network, &event, ruling.tag)) {
        from->stats.broadcasts_dropped++;
        holm_parcel_free(network, parcel);
    }
}

static bool chance(struct holm_network *network, struct holm_place *from,
                   const struct holm_place *to, uint32_t permille)
{
    return permille > 0 && holm_network_draw(network, from, to, 1000) < permille;
}

/* As many as the gate and the path have it. */
static void send_copies(struct holm_endpoint *from, const struct holm_network_subscription *to,
                        struct holm_bytes frame)
{
    struct holm_network *network = from->network;
    struct holm_place *target = to->endpoint->place;
    const struct holm_network_frame judged = {from->place->address, target->address, true, frame};
    struct holm_network_ruling ruling = holm_network_judge(network, &judged);
    uint32_t permille = holm_place_path(from->place, target, network)->duplicate_permille;
    if (ruling.verdict == HOLM_NETWORK_DROP)
        return;
    send_copy(from, to, frame, false, ruling);
    if (ruling.verdict == HOLM_NETWORK_DOUBLE || chance(network, from->place, target, permille))
        send_copy(from, to, frame, true, ruling);
}

static enum holm_status broadcast(struct holm_transport *transport, const void *frame,
                                  size_t frame_bytes)
{
    struct holm_endpoint *endpoint = endpoint_of(transport);
    struct holm_network *network = endpoint->network;
    if (frame_bytes > endpoint->config.frame_bytes_max)
        return HOLM_ETOOBIG;
    if (!endpoint->listens)
        return HOLM_OK;
    endpoint->stats.broadcasts_sent++;
    endpoint->stats.broadcast_bytes_sent += frame_bytes;
    for (struct holm_network_subscription *to = endpoint->place->subscriptions; to != NULL;
         to = to->next) {
        const struct holm_network_path *path = holm_place_path(endpoint->place, to->endpoint->place,
                                                               network);
        if (path->cut || chance(network, endpoint->place, to->endpoint->place, path->loss_permille))
            continue;
        send_copies(endpoint, to, holm_mem(frame, frame_bytes));
    }
    return HOLM_OK;
}

static void take_news(struct holm_endpoint *endpoint, struct holm_parcel *parcel,
                      struct holm_transport_event *event)
{
    struct holm_line *line = parcel->line;
    unsigned side = parcel->side;
    event->link.value = line->sides[side].link;
    event->accepted = parcel->type == HOLM_TRANSPORT_LINK_UP && side == 1;
    if (parcel->type == HOLM_TRANSPORT_LINK_CLOSED)
        holm_line_forget(line, side);
    holm_parcel_free(endpoint->network, parcel);
}

static void next(struct holm_transport *transport, uint64_t timeout_us,
                 struct holm_transport_event *event)
{
    struct holm_endpoint *endpoint = endpoint_of(transport);
    (void)timeout_us;
    memset(event, 0, sizeof *event);
    struct holm_parcel *parcel = holm_parcel_pop(&endpoint->queue);
    if (parcel == NULL)
        return;
    event->type = parcel->type;
    if (parcel->type == HOLM_TRANSPORT_LINK_UP || parcel->type == HOLM_TRANSPORT_LINK_CLOSED) {
        take_news(endpoint, parcel, event);
        return;
    }
    event->frame = parcel->bytes;
    event->frame_bytes = parcel->size;
    event->owned = parcel;
    if (parcel->type == HOLM_TRANSPORT_BROADCAST) {
        event->subscription.value = parcel->subscription;
        endpoint->broadcast_bytes -= parcel->size;
    } else {
        event->link.value = parcel->line->sides[parcel->side].link;
        holm_line_taken(parcel->line, parcel->side, parcel->size);
    }
}

static void release(struct holm_transport *transport, struct holm_transport_event *event)
{
    holm_parcel_free(endpoint_of(transport)->network, event->owned);
    memset(event, 0, sizeof *event);
}

/* next() always returns. */
static void wake(struct holm_transport *transport)
{
    (void)endpoint_of(transport);
}

static void get_stats(struct holm_transport *transport, struct holm_transport_stats *stats)
{
    *stats = endpoint_of(transport)->stats;
}

/* What is on the wires goes on; there is nothing to wait for. */
static void close_endpoint(struct holm_transport *transport, uint64_t linger_us)
{
    struct holm_endpoint *endpoint = endpoint_of(transport);
    struct holm_network *network = endpoint->network;
    (void)linger_us;
    while (endpoint->links_count > 0) {
        struct holm_endpoint_link *last = &endpoint->links[endpoint->links_count - 1];
        holm_line_close(last->line, last->side);
    }
    for (size_t i = 0; i < network->places_count; i++)
        drop_subscriptions(endpoint, network->places[i], 0);
    holm_parcels_free(network, &endpoint->queue);
    endpoint->place->endpoint = NULL;
    holm_deallocate(&network->allocator, endpoint->links,
                    endpoint->links_capacity * sizeof *endpoint->links);
    struct holm_allocator allocator = endpoint->config.allocator;
    holm_deallocate(&allocator, endpoint, sizeof *endpoint);
}

static const struct holm_transport_ops operations = {
    .address = address,
    .publisher = address,
    .link_dial = link_dial,
    .link_send = link_send,
    .link_close = link_close,
    .subscribe = subscribe,
    .unsubscribe = unsubscribe,
    .broadcast = broadcast,
    .next = next,
    .release = release,
    .wake = wake,
    .stats = get_stats,
    .close = close_endpoint,
};

enum holm_status holm_network_open(struct holm_network *network, const char *at,
                                   const struct holm_transport_config *config,
                                   struct holm_transport **transport)
{
    struct holm_place *place = NULL;
    enum holm_status status = holm_transport_config_check(config);
    if (status == HOLM_OK)
        status = holm_place_find(network, at, &place);
    if (status != HOLM_OK)
        return status;
    if (place->endpoint != NULL)
        return HOLM_EADDRESS;
    struct holm_endpoint *endpoint = holm_allocate(&config->allocator, sizeof *endpoint);
    if (endpoint == NULL)
        return HOLM_ENOMEM;
    *endpoint = (struct holm_endpoint){.transport = {&operations},
                                       .config = *config,
                                       .network = network,
                                       .place = place,
                                       .serial = ++network->serial,
                                       .listens = config->listen != NULL};
    endpoint->config.listen = NULL;
    place->endpoint = endpoint;
    *transport = &endpoint->transport;
    return HOLM_OK;
}

const char *holm_network_peer(struct holm_transport *transport, struct holm_link_id link)
{
    struct holm_endpoint_link *found = holm_endpoint_link_find(endpoint_of(transport), link.value);
    return found == NULL ? NULL : found->line->sides[1 - found->side].place->address;
}

bool holm_network_waits(struct holm_transport *transport)
{
    return endpoint_of(transport)->queue.first != NULL;
}

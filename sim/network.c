/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/network.h"

#include "sim/network_parts.h"

struct holm_network_path holm_network_path_default(void)
{
    return (struct holm_network_path){.delay_us = 100, .reorder_us = 1000, .resend_us = 200000};
}

struct holm_parcel *holm_parcel_new(struct holm_network *network,
                                    enum holm_transport_event_type type, struct holm_bytes bytes)
{
    struct holm_parcel *parcel = holm_allocate(&network->allocator, sizeof *parcel + bytes.size);
    if (parcel == NULL)
        return NULL;
    *parcel = (struct holm_parcel){.type = type, .size = bytes.size};
    if (bytes.size > 0)
        memcpy(parcel->bytes, bytes.data, bytes.size);
    return parcel;
}

void holm_parcel_free(struct holm_network *network, struct holm_parcel *parcel)
{
    if (parcel != NULL)
        holm_deallocate(&network->allocator, parcel, sizeof *parcel + parcel->size);
}

void holm_parcel_push(struct holm_parcel_queue *queue, struct holm_parcel *parcel)
{
    parcel->next = NULL;
    if (queue->last == NULL)
        queue->first = parcel;
    else
        queue->last->next = parcel;
    queue->last = parcel;
}

struct holm_parcel *holm_parcel_pop(struct holm_parcel_queue *queue)
{
    struct holm_parcel *parcel = queue->first;
    if (parcel == NULL)
        return NULL;
    queue->first = parcel->next;
    if (queue->first == NULL)
        queue->last = NULL;
    return parcel;
}

void holm_parcels_free(struct holm_network *network, struct holm_parcel_queue *queue)
{
    struct holm_parcel *parcel;
    while ((parcel = holm_parcel_pop(queue)) != NULL)
        holm_parcel_free(network, parcel);
}

enum holm_status holm_network_new(struct holm_network **network,
                                  const struct holm_allocator *allocator, uint64_t seed)
{
    struct holm_network *made = holm_allocate(allocator, sizeof *made);
    if (made == NULL)
        return HOLM_ENOMEM;
    *made = (struct holm_network){.allocator = *allocator, .random = seed};
    made->path_default = holm_network_path_default();
    *network = made;
    return HOLM_OK;
}

void holm_network_set_steady(struct holm_network *network)
{
    network->steady = true;
}

static void free_place(struct holm_network *network, struct holm_place *place)
{
    const struct holm_allocator *allocator = &network->allocator;
    HOLM_ASSERT(place->endpoint == NULL && place->subscriptions == NULL);
    for (size_t i = 0; i < place->paths_capacity; i++)
        holm_deallocate(allocator, place->paths[i], sizeof *place->paths[i]);
    holm_deallocate(allocator, place->paths, place->paths_capacity * sizeof *place->paths);
    holm_deallocate(allocator, place, sizeof *place);
}

void holm_network_free(struct holm_network *network)
{
    struct holm_network_event event;
    while (holm_network_event_take(network, HOLM_NEVER, &event))
        holm_parcel_free(network, event.parcel);
    for (size_t i = 0; i < network->held_count; i++)
        holm_parcel_free(network, network->held[i].parcel);
    while (network->lines != NULL)
        holm_line_free(network->lines);
    for (size_t i = 0; i < network->places_count; i++)
        free_place(network, network->places[i]);
    struct holm_allocator allocator = network->allocator;
    holm_deallocate(&allocator, network->places,
                    network->places_capacity * sizeof *network->places);
    holm_deallocate(&allocator, network->events,
                    network->events_capacity * sizeof *network->events);
    holm_deallocate(&allocator, network->held, network->held_capacity * sizeof *network->held);
    holm_deallocate(&allocator, network, sizeof *network);
}

enum holm_status holm_network_path_set(struct holm_network *network, const char *from,
                                       const char *to, const struct holm_network_path *path)
{
    struct holm_place *source = NULL, *target = NULL;
    struct holm_place_path *own = NULL;
    enum holm_status status = holm_place_find(network, from, &source);
    if (status == HOLM_OK)
        status = holm_place_find(network, to, &target);
    if (status == HOLM_OK)
        status = holm_place_path_own(source, target, network, &own);
    if (status != HOLM_OK)
        return status;
    bool healed = holm_place_path(source, target, network)->cut && !path->cut;
    own->path = *path;
    own->set = true;
    if (healed)
        holm_lines_resume(network, source, target);
    return HOLM_OK;
}

struct holm_network_path holm_network_path_get(struct holm_network *network, const char *from,
                                               const char *to)
{
    struct holm_place *source = NULL, *target = NULL;
    if (holm_place_find(network, from, &source) != HOLM_OK ||
        holm_place_find(network, to, &target) != HOLM_OK)
        return network->path_default;
    return *holm_place_path(source, target, network);
}

void holm_network_path_set_default(struct holm_network *network,
                                   const struct holm_network_path *path)
{
    network->path_default = *path;
}

uint64_t holm_network_now(const struct holm_network *network)
{
    return network->now_us;
}

uint64_t holm_network_next_event(const struct holm_network *network)
{
    return network->events_count == 0 ? HOLM_NEVER : network->events[0].at_us;
}

static void deliver(struct holm_network *network, const struct holm_network_event *event)
{
    struct holm_endpoint *endpoint = event->to->endpoint;
    bool there = endpoint != NULL && endpoint->serial == event->endpoint;
    if (there && !holm_place_path(event->from, event->to, network)->cut)
        holm_endpoint_hear(endpoint, event->parcel);
    else
        holm_parcel_free(network, event->parcel);
}

void holm_network_advance(struct holm_network *network, uint64_t to_us)
{
    HOLM_ASSERT(to_us >= network->now_us);
    struct holm_network_event event;
    while (holm_network_event_take(network, to_us, &event)) {
        network->now_us = event.at_us;
        if (event.type == HOLM_NETWORK_BROADCAST)
            deliver(network, &event);
        else
            holm_line_event(event.line, &event);
    }
    network->now_us = to_us;
}

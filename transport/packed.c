/* SPDX-License-Identifier: Apache-2.0 */
#include "transport/packed.h"

#include <string.h>

#include "transport/packing.h"

struct link {
    uint64_t id;
    struct holm_packer packer;
    struct holm_unpacker unpacker;
};

/* An unpacked frame that its receiver has not released. */
struct unpacked {
    struct unpacked *next;
    unsigned char bytes[HOLM_PACKED_FRAME_BYTES_MAX];
};

struct packed {
    struct holm_transport base;
    struct holm_transport *below;
    struct holm_allocator allocator;
    struct link *links; /* by id, ascending */
    size_t count, capacity;
    struct unpacked *out; /* nearly always at most one */
    struct unpacked *spare;
    uint64_t sent, received;
};

static struct packed *packed_of(struct holm_transport *transport)
{
    return (struct packed *)(void *)transport;
}

static struct holm_transport *below_of(struct holm_transport *transport)
{
    return packed_of(transport)->below;
}

/* ---- links --------------------------------------------------------------------------------- */

/* Where the link is, or where it belongs. */
static size_t link_place(const struct packed *packed, uint64_t id)
{
    size_t low = 0, high = packed->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (packed->links[middle].id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct link *link_find(struct packed *packed, uint64_t id)
{
    size_t place = link_place(packed, id);
    return place < packed->count && packed->links[place].id == id ? &packed->links[place] : NULL;
}

/* A link that there is no room for goes on without packing. */
static void link_add(struct packed *packed, uint64_t id)
{
    size_t place = link_place(packed, id);
    if (place < packed->count && packed->links[place].id == id)
        return;
    if (holm_array_reserve(&packed->allocator, (void **)&packed->links, &packed->capacity,
                           sizeof packed->links[0], packed->count + 1) != HOLM_OK)
        return;
    memmove(&packed->links[place + 1], &packed->links[place],
            (packed->count - place) * sizeof packed->links[0]);
    packed->links[place] = (struct link){.id = id};
    packed->count++;
}

static void link_release(struct packed *packed, struct link *link)
{
    holm_packer_release(&link->packer, &packed->allocator);
    holm_unpacker_release(&link->unpacker, &packed->allocator);
}

static void link_remove(struct packed *packed, uint64_t id)
{
    struct link *link = link_find(packed, id);
    if (link == NULL)
        return;
    link_release(packed, link);
    size_t place = (size_t)(link - packed->links);
    packed->count--;
    memmove(link, link + 1, (packed->count - place) * sizeof *link);
}

/* ---- out ----------------------------------------------------------------------------------- */

static enum holm_status op_dial(struct holm_transport *transport, const char *address,
                                struct holm_link_id *link)
{
    enum holm_status status = below_of(transport)->ops->link_dial(below_of(transport), address,
                                                                  link);
    if (status == HOLM_OK)
        link_add(packed_of(transport), link->value);
    return status;
}

static enum holm_status op_send(struct holm_transport *transport, struct holm_link_id id,
                                const void *bytes, size_t size)
{
    struct packed *packed = packed_of(transport);
    struct holm_bytes frame = holm_mem(bytes, size);
    struct holm_bytes sent = frame;
    if (holm_packing_is_packed(frame))
        return HOLM_EINVAL;
    struct link *link = holm_packing_fits(size) ? link_find(packed, id.value) : NULL;
    if (link != NULL &&
        holm_packer_pack(&link->packer, &packed->allocator, frame, &sent) != HOLM_OK)
        link = NULL;
    enum holm_status status = packed->below->ops->link_send(packed->below, id, sent.data,
                                                            sent.size);
    if (status != HOLM_OK)
        return status;
    packed->sent += sent.size;
    if (link != NULL)
        holm_packer_keep(&link->packer, size);
    return HOLM_OK;
}

static void op_link_close(struct holm_transport *transport, struct holm_link_id link)
{
    below_of(transport)->ops->link_close(below_of(transport), link);
    link_remove(packed_of(transport), link.value);
}

/* ---- in ------------------------------------------------------------------------------------ */

static struct unpacked *unpacked_take(struct packed *packed)
{
    struct unpacked *taken = packed->spare;
    packed->spare = NULL;
    if (taken == NULL)
        taken = holm_allocate(&packed->allocator, sizeof *taken);
    if (taken == NULL)
        return NULL;
    taken->next = packed->out;
    packed->out = taken;
    return taken;
}

static void unpacked_free(struct packed *packed, struct unpacked *unpacked)
{
    holm_deallocate(&packed->allocator, unpacked, sizeof *unpacked);
}

/* Gives back what an event holds, if it is of these. */
static bool unpacked_release(struct packed *packed, const struct holm_transport_event *event)
{
    for (struct unpacked **at = &packed->out; *at != NULL; at = &(*at)->next) {
        struct unpacked *found = *at;
        if (event->owned != found)
            continue;
        *at = found->next;
        if (packed->spare == NULL)
            packed->spare = found;
        else
            unpacked_free(packed, found);
        return true;
    }
    return false;
}

/* The event with the frame that was packed in it; HOLM_EMALFORMED: it stays as it is (P2). */
static enum holm_status unpack(struct packed *packed, struct holm_transport_event *event)
{
    struct holm_bytes frame;
    struct link *link = link_find(packed, event->link.value);
    if (link == NULL)
        return HOLM_ENOMEM;
    enum holm_status status = holm_unpacker_unpack(
        &link->unpacker, &packed->allocator, holm_mem(event->frame, event->frame_bytes), &frame);
    if (status != HOLM_OK)
        return status;
    struct unpacked *unpacked = unpacked_take(packed);
    if (unpacked == NULL)
        return HOLM_ENOMEM;
    memcpy(unpacked->bytes, frame.data, frame.size);
    struct holm_transport_event raw = *event;
    packed->below->ops->release(packed->below, &raw);
    event->frame = unpacked->bytes;
    event->frame_bytes = frame.size;
    event->owned = unpacked;
    return HOLM_OK;
}

/* P3: as if the peer had hung up. */
static void end_link(struct packed *packed, struct holm_transport_event *event)
{
    struct holm_link_id link = event->link;
    packed->below->ops->release(packed->below, event);
    packed->below->ops->link_close(packed->below, link);
    link_remove(packed, link.value);
    *event = (struct holm_transport_event){.type = HOLM_TRANSPORT_LINK_CLOSED, .link = link};
}

static void op_next(struct holm_transport *transport, uint64_t timeout_us,
                    struct holm_transport_event *event)
{
    struct packed *packed = packed_of(transport);
    packed->below->ops->next(packed->below, timeout_us, event);
    if (event->type == HOLM_TRANSPORT_NONE)
        return;
    if (event->type == HOLM_TRANSPORT_LINK_UP) {
        link_add(packed, event->link.value);
    } else if (event->type == HOLM_TRANSPORT_LINK_CLOSED) {
        link_remove(packed, event->link.value);
    } else if (event->type == HOLM_TRANSPORT_LINK_FRAME) {
        packed->received += event->frame_bytes;
        if (holm_packing_is_packed(holm_mem(event->frame, event->frame_bytes)) &&
            unpack(packed, event) == HOLM_ENOMEM)
            end_link(packed, event);
    }
}

static void op_release(struct holm_transport *transport, struct holm_transport_event *event)
{
    if (unpacked_release(packed_of(transport), event))
        *event = (struct holm_transport_event){.type = HOLM_TRANSPORT_NONE};
    else
        below_of(transport)->ops->release(below_of(transport), event);
}

/* ---- what passes --------------------------------------------------------------------------- */

static const char *op_address(struct holm_transport *transport)
{
    return below_of(transport)->ops->address(below_of(transport));
}

static const char *op_publisher(struct holm_transport *transport)
{
    return below_of(transport)->ops->publisher(below_of(transport));
}

static enum holm_status op_subscribe(struct holm_transport *transport, const char *publisher,
                                     struct holm_subscription_id *subscription)
{
    return below_of(transport)->ops->subscribe(below_of(transport), publisher, subscription);
}

static void op_unsubscribe(struct holm_transport *transport,
                           struct holm_subscription_id subscription)
{
    below_of(transport)->ops->unsubscribe(below_of(transport), subscription);
}

static enum holm_status op_broadcast(struct holm_transport *transport, const void *frame,
                                     size_t frame_bytes)
{
    return below_of(transport)->ops->broadcast(below_of(transport), frame, frame_bytes);
}

static void op_wake(struct holm_transport *transport)
{
    below_of(transport)->ops->wake(below_of(transport));
}

static void op_stats(struct holm_transport *transport, struct holm_transport_stats *stats)
{
    below_of(transport)->ops->stats(below_of(transport), stats);
}

static void op_close(struct holm_transport *transport, uint64_t linger_us)
{
    struct packed *packed = packed_of(transport);
    struct holm_allocator allocator = packed->allocator;
    HOLM_ASSERT(packed->out == NULL);
    packed->below->ops->close(packed->below, linger_us);
    for (size_t i = 0; i < packed->count; i++)
        link_release(packed, &packed->links[i]);
    holm_array_free(&allocator, packed->links, packed->capacity, sizeof packed->links[0]);
    if (packed->spare != NULL)
        unpacked_free(packed, packed->spare);
    holm_deallocate(&allocator, packed, sizeof *packed);
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

enum holm_status holm_transport_packed_open(struct holm_transport *below,
                                            const struct holm_allocator *allocator,
                                            struct holm_transport **packed)
{
    struct packed *made = holm_allocate(allocator, sizeof *made);
    if (made == NULL)
        return HOLM_ENOMEM;
    *made = (struct packed){.base.ops = &ops, .below = below, .allocator = *allocator};
    *packed = &made->base;
    return HOLM_OK;
}

uint64_t holm_transport_packed_sent(const struct holm_transport *packed)
{
    HOLM_ASSERT(packed->ops == &ops);
    return ((const struct packed *)(const void *)packed)->sent;
}

uint64_t holm_transport_packed_received(const struct holm_transport *packed)
{
    HOLM_ASSERT(packed->ops == &ops);
    return ((const struct packed *)(const void *)packed)->received;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "node/outgoing.h"

/* An idle buffer larger than this is given back. */
#define BUFFER_KEPT_BYTES ((size_t)1 << 20)

struct holm_outgoing_encoder {
    struct holm_encoder encoder;
    struct holm_outgoing_encoder *next;
};

struct frame_head {
    uint64_t link; /* 0: broadcast */
    uint64_t size;
};

static size_t padded(size_t size)
{
    return (size + 7) & ~(size_t)7;
}

enum holm_status holm_outgoing_init(struct holm_outgoing *outgoing,
                                    const struct holm_allocator *allocator, size_t bytes_max,
                                    size_t frame_bytes_max, uint32_t peers)
{
    memset(outgoing, 0, sizeof *outgoing);
    outgoing->allocator = *allocator;
    outgoing->bytes_max = bytes_max;
    outgoing->frame_bytes_max = frame_bytes_max;
    outgoing->route_count = peers;
    outgoing->routes = holm_allocate(allocator, peers * sizeof *outgoing->routes);
    if (outgoing->routes == NULL)
        return HOLM_ENOMEM;
    memset(outgoing->routes, 0, peers * sizeof *outgoing->routes);
    pthread_mutex_init(&outgoing->lock, NULL);
    return HOLM_OK;
}

void holm_outgoing_release(struct holm_outgoing *outgoing)
{
    if (outgoing->routes == NULL)
        return;
    const struct holm_allocator *allocator = &outgoing->allocator;
    while (outgoing->encoders != NULL) {
        struct holm_outgoing_encoder *encoder = outgoing->encoders;
        outgoing->encoders = encoder->next;
        holm_encoder_release(&encoder->encoder);
        holm_deallocate(allocator, encoder, sizeof *encoder);
    }
    holm_deallocate(allocator, outgoing->gathering.bytes, outgoing->gathering.capacity);
    holm_deallocate(allocator, outgoing->sending.bytes, outgoing->sending.capacity);
    holm_deallocate(allocator, outgoing->routes, outgoing->route_count * sizeof *outgoing->routes);
    pthread_mutex_destroy(&outgoing->lock);
}

void holm_outgoing_route(struct holm_outgoing *outgoing, uint32_t peer, struct holm_link_id link,
                         uint64_t features)
{
    HOLM_ASSERT(peer < outgoing->route_count);
    pthread_mutex_lock(&outgoing->lock);
    outgoing->routes[peer].link = link.value;
    outgoing->routes[peer].features = features;
    pthread_mutex_unlock(&outgoing->lock);
}

/* ---- encoders ------------------------------------------------------------------------------- */

/* There come to be as many as threads ever encoded at once. */
static struct holm_outgoing_encoder *encoder_take(struct holm_outgoing *outgoing)
{
    pthread_mutex_lock(&outgoing->lock);
    struct holm_outgoing_encoder *encoder = outgoing->encoders;
    if (encoder != NULL)
        outgoing->encoders = encoder->next;
    pthread_mutex_unlock(&outgoing->lock);
    if (encoder != NULL)
        return encoder;
    encoder = holm_allocate(&outgoing->allocator, sizeof *encoder);
    if (encoder != NULL)
        holm_encoder_init(&encoder->encoder, &outgoing->allocator, outgoing->frame_bytes_max);
    return encoder;
}

/* ---- putting -------------------------------------------------------------------------------- */

static enum holm_status reserve(struct holm_outgoing *outgoing, size_t wanted)
{
    struct holm_outgoing_buffer *buffer = &outgoing->gathering;
    if (wanted > outgoing->bytes_max)
        return HOLM_ELIMIT;
    if (wanted <= buffer->capacity)
        return HOLM_OK;
    size_t doubled = buffer->capacity < outgoing->bytes_max / 2 ? 2 * buffer->capacity
                                                                : outgoing->bytes_max;
    size_t grown = doubled < wanted ? wanted : doubled;
    void *bytes = outgoing->allocator.resize(outgoing->allocator.context, buffer->bytes,
                                             buffer->capacity, grown);
    if (bytes == NULL)
        return HOLM_ENOMEM;
    buffer->bytes = bytes;
    buffer->capacity = grown;
    return HOLM_OK;
}

static enum holm_status append(struct holm_outgoing *outgoing, uint64_t link,
                               struct holm_bytes frame)
{
    struct holm_outgoing_buffer *buffer = &outgoing->gathering;
    struct frame_head head = {link, frame.size};
    size_t size = sizeof head + padded(frame.size);
    enum holm_status status = reserve(outgoing, buffer->used + size);
    if (status != HOLM_OK)
        return status;
    memcpy(buffer->bytes + buffer->used, &head, sizeof head);
    memcpy(buffer->bytes + buffer->used + sizeof head, frame.data, frame.size);
    buffer->used += size;
    return HOLM_OK;
}

static bool routed(struct holm_outgoing *outgoing, uint32_t peer, struct holm_outgoing_route *route)
{
    HOLM_ASSERT(peer < outgoing->route_count);
    pthread_mutex_lock(&outgoing->lock);
    *route = outgoing->routes[peer];
    pthread_mutex_unlock(&outgoing->lock);
    return route->link != 0;
}

static enum holm_status put(struct holm_outgoing *outgoing, uint32_t peer, uint64_t link,
                            const struct holm_message *message)
{
    struct holm_bytes frame = {NULL, 0};
    struct holm_outgoing_encoder *encoder = encoder_take(outgoing);
    enum holm_status status = encoder == NULL
                                  ? HOLM_ENOMEM
                                  : holm_encoder_encode(&encoder->encoder, message, &frame);
    pthread_mutex_lock(&outgoing->lock);
    if (peer != HOLM_PEER_NONE)
        link = outgoing->routes[peer].link;
    if (status == HOLM_OK && (peer == HOLM_PEER_NONE || link != 0))
        status = append(outgoing, link, frame);
    outgoing->dropped += status != HOLM_OK;
    if (peer != HOLM_PEER_NONE && status != HOLM_OK)
        outgoing->routes[peer].traffic.dropped += 1;
    else if (peer != HOLM_PEER_NONE && link != 0)
        holm_traffic_count(&outgoing->routes[peer].traffic, message->type, frame.size);
    if (encoder != NULL) {
        encoder->next = outgoing->encoders;
        outgoing->encoders = encoder;
    }
    pthread_mutex_unlock(&outgoing->lock);
    return status;
}

enum holm_status holm_outgoing_put(struct holm_outgoing *outgoing, uint32_t peer,
                                   const struct holm_message *message)
{
    struct holm_outgoing_route route = {.link = 0};
    if (peer == HOLM_PEER_NONE ||
        (message->type != HOLM_MESSAGE_FEED && message->type != HOLM_MESSAGE_DELTAS))
        return peer == HOLM_PEER_NONE || routed(outgoing, peer, &route)
                   ? put(outgoing, peer, 0, message)
                   : HOLM_OK;
    if (!routed(outgoing, peer, &route))
        return HOLM_OK;
    struct holm_message shared = *message;
    shared.shared = (route.features & HOLM_FEATURE_SHARED) != 0;
    return put(outgoing, peer, 0, &shared);
}

enum holm_status holm_outgoing_put_link(struct holm_outgoing *outgoing, struct holm_link_id link,
                                        const struct holm_message *message)
{
    HOLM_ASSERT(link.value != 0);
    return put(outgoing, HOLM_PEER_NONE, link.value, message);
}

/* ---- taking --------------------------------------------------------------------------------- */

bool holm_outgoing_waiting(struct holm_outgoing *outgoing)
{
    pthread_mutex_lock(&outgoing->lock);
    bool waiting = outgoing->gathering.used > 0;
    pthread_mutex_unlock(&outgoing->lock);
    return waiting;
}

uint64_t holm_outgoing_dropped(struct holm_outgoing *outgoing)
{
    pthread_mutex_lock(&outgoing->lock);
    uint64_t dropped = outgoing->dropped;
    pthread_mutex_unlock(&outgoing->lock);
    return dropped;
}

size_t holm_outgoing_bytes(struct holm_outgoing *outgoing)
{
    pthread_mutex_lock(&outgoing->lock);
    size_t bytes = outgoing->gathering.used;
    pthread_mutex_unlock(&outgoing->lock);
    return bytes;
}

void holm_outgoing_traffic(struct holm_outgoing *outgoing, uint32_t peer,
                           struct holm_traffic *traffic)
{
    HOLM_ASSERT(peer < outgoing->route_count);
    pthread_mutex_lock(&outgoing->lock);
    *traffic = outgoing->routes[peer].traffic;
    pthread_mutex_unlock(&outgoing->lock);
}

void holm_outgoing_forget(struct holm_outgoing *outgoing, uint32_t peer)
{
    HOLM_ASSERT(peer < outgoing->route_count);
    pthread_mutex_lock(&outgoing->lock);
    outgoing->routes[peer].traffic = (struct holm_traffic){.frames = 0};
    pthread_mutex_unlock(&outgoing->lock);
}

void holm_outgoing_take(struct holm_outgoing *outgoing)
{
    struct holm_outgoing_buffer *sending = &outgoing->sending;
    sending->used = 0;
    if (sending->capacity > BUFFER_KEPT_BYTES) {
        holm_deallocate(&outgoing->allocator, sending->bytes, sending->capacity);
        memset(sending, 0, sizeof *sending);
    }
    pthread_mutex_lock(&outgoing->lock);
    struct holm_outgoing_buffer full = outgoing->gathering;
    outgoing->gathering = *sending;
    pthread_mutex_unlock(&outgoing->lock);
    *sending = full;
}

bool holm_outgoing_next(struct holm_outgoing *outgoing, size_t *cursor, struct holm_link_id *link,
                        struct holm_bytes *frame)
{
    const struct holm_outgoing_buffer *sending = &outgoing->sending;
    if (*cursor == sending->used)
        return false;
    struct frame_head head;
    memcpy(&head, sending->bytes + *cursor, sizeof head);
    link->value = head.link;
    *frame = holm_mem(sending->bytes + *cursor + sizeof head, (size_t)head.size);
    *cursor += sizeof head + padded((size_t)head.size);
    HOLM_ASSERT(*cursor <= sending->used);
    return true;
}

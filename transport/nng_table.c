/* SPDX-License-Identifier: Apache-2.0 */
/* Which channels there are, and which of them have something for next(). */
#include "transport/nng_channel.h"

static bool has_something(const struct holm_channel *channel)
{
    return channel->up_untold || channel->closed_untold || channel->inbox.first != NULL;
}

void holm_channel_ring(struct holm_channel *channel)
{
    struct holm_nng *nng = channel->nng;
    if (channel->in_ring || !has_something(channel))
        return;
    struct holm_channel *first = nng->ring;
    if (first == NULL) {
        channel->ring_next = channel->ring_previous = channel;
        nng->ring = channel;
    } else {
        channel->ring_next = first;
        channel->ring_previous = first->ring_previous;
        first->ring_previous->ring_next = channel;
        first->ring_previous = channel;
    }
    channel->in_ring = true;
    pthread_cond_signal(&nng->changed);
}

static void ring_remove(struct holm_channel *channel)
{
    struct holm_nng *nng = channel->nng;
    if (!channel->in_ring)
        return;
    channel->ring_previous->ring_next = channel->ring_next;
    channel->ring_next->ring_previous = channel->ring_previous;
    if (nng->ring == channel)
        nng->ring = channel->ring_next == channel ? NULL : channel->ring_next;
    channel->in_ring = false;
}

struct holm_channel *holm_channel_find(struct holm_nng *nng, uint64_t id)
{
    struct holm_channel *channel = nng->buckets[id % HOLM_CHANNEL_BUCKETS];
    while (channel != NULL && channel->id != id)
        channel = channel->bucket_next;
    return channel;
}

void holm_channel_remove(struct holm_channel *channel)
{
    struct holm_nng *nng = channel->nng;
    struct holm_channel **place = &nng->buckets[channel->id % HOLM_CHANNEL_BUCKETS];
    while (*place != channel)
        place = &(*place)->bucket_next;
    *place = channel->bucket_next;
    ring_remove(channel);
    channel->closing = true;
    channel->nng->stats.queued_bytes -= channel->queued;
    channel->queued = 0;
    if (channel->dialer != NULL)
        nng_stream_dialer_close(channel->dialer);
    if (channel->stream != NULL)
        nng_stream_close(channel->stream);
    if (channel->listener != NULL)
        channel->listener->accepted_count--;
    if (holm_channel_is_link(channel))
        nng->stats.links_closed += channel->opened;
    else
        nng->broadcast_bytes -= channel->inbox_bytes;
    holm_backlog_leave(&channel->reader);
}

static void take_frame(struct holm_channel *channel, struct holm_transport_event *event)
{
    struct holm_frame *frame = holm_frame_list_pop(&channel->inbox);
    channel->inbox_bytes -= holm_frame_cost(frame);
    if (holm_channel_is_link(channel)) {
        event->type = HOLM_TRANSPORT_LINK_FRAME;
        if (channel->inbox_bytes <= HOLM_LINK_INBOX_BYTES / 2)
            holm_channel_read(channel);
    } else {
        event->type = HOLM_TRANSPORT_BROADCAST;
        channel->nng->broadcast_bytes -= holm_frame_cost(frame);
    }
    event->frame = frame->bytes;
    event->frame_bytes = frame->size;
    event->owned = frame;
}

bool holm_channel_take(struct holm_channel *channel, struct holm_transport_event *event)
{
    if (holm_channel_is_link(channel))
        event->link.value = channel->id;
    else if (channel->kind == HOLM_CHANNEL_SUBSCRIPTION)
        event->subscription.value = channel->id;
    if (channel->up_untold) {
        channel->up_untold = false;
        event->type = HOLM_TRANSPORT_LINK_UP;
        event->accepted = channel->kind == HOLM_CHANNEL_ACCEPTED;
        holm_address_of_peer(event->host, channel->stream);
    } else if (channel->inbox.first != NULL) {
        take_frame(channel, event);
    } else {
        HOLM_ASSERT(channel->closed_untold);
        if (holm_channel_is_link(channel))
            event->type = HOLM_TRANSPORT_LINK_CLOSED;
        event->untrusted = channel->untrusted;
        holm_channel_remove(channel);
        return true;
    }
    /* To the end of the ring, so that a talkative peer does not starve the others. */
    ring_remove(channel);
    holm_channel_ring(channel);
    return false;
}

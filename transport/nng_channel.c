/* SPDX-License-Identifier: Apache-2.0 */
#include "transport/nng_channel.h"

#define REDIAL_MS_FIRST 50u
#define REDIAL_MS_MAX 1000u

/* Splitmix64: jitter needs no more. */
static uint64_t draw(struct holm_nng *nng)
{
    uint64_t z = nng->random += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

void holm_channel_dial(struct holm_channel *channel)
{
    uint64_t timeout_ms = channel->nng->config.dial_timeout_us / 1000 + 1;
    channel->state = HOLM_CHANNEL_DIALLING;
    channel->under_way++;
    nng_aio_set_timeout(channel->connect,
                        timeout_ms > INT32_MAX ? INT32_MAX : (nng_duration)timeout_ms);
    nng_stream_dialer_dial(channel->dialer, channel->connect);
}

/* So much of what was queued waits no more. */
static void sent(struct holm_channel *channel, size_t size)
{
    HOLM_ASSERT(size <= channel->queued);
    channel->queued -= size;
    channel->nng->stats.queued_bytes -= size;
}

/* A broken subscription dials again once nothing of its old stream is under way. */
static void settle(struct holm_channel *channel)
{
    if (channel->kind != HOLM_CHANNEL_SUBSCRIPTION || channel->closing ||
        channel->state != HOLM_CHANNEL_BROKEN || channel->under_way > 0)
        return;
    nng_stream_free(channel->stream);
    channel->stream = NULL;
    holm_framer_clear(&channel->framer);
    holm_outbox_release(&channel->outbox);
    channel->greeted = channel->heard = channel->untrusted = false;
    channel->state = HOLM_CHANNEL_WAITING;
    unsigned pause_ms = REDIAL_MS_MAX;
    if (channel->failures < 5)
        pause_ms = REDIAL_MS_FIRST << channel->failures;
    if (pause_ms > REDIAL_MS_MAX)
        pause_ms = REDIAL_MS_MAX;
    channel->failures++;
    pause_ms -= (unsigned)(draw(channel->nng) % (pause_ms / 2));
    channel->under_way++;
    nng_aio_set_timeout(channel->connect, NNG_DURATION_INFINITE);
    nng_sleep_aio((nng_duration)pause_ms, channel->connect);
}

void holm_channel_break(struct holm_channel *channel)
{
    if (channel->state == HOLM_CHANNEL_BROKEN)
        return;
    channel->state = HOLM_CHANNEL_BROKEN;
    sent(channel, channel->queued);
    if (channel->stream != NULL)
        nng_stream_close(channel->stream);
    if (channel->kind == HOLM_CHANNEL_SUBSCRIBER)
        channel->nng->stats.broadcasts_dropped += holm_backlog_leave(&channel->reader);
    if (channel->kind != HOLM_CHANNEL_SUBSCRIPTION) {
        channel->closed_untold = true;
        holm_channel_ring(channel);
    }
    if (channel->nng->closing)
        pthread_cond_signal(&channel->nng->changed);
    settle(channel);
}

/*
 * A stream failed. With TLS nothing comes before both sides have taken each other's certificate: who
 * calls and ends without a word had none, or did not like ours.
 */
static void fail(struct holm_channel *channel, int error)
{
    if (channel->tls && !channel->heard && !channel->untrusted &&
        (channel->listener != NULL || error == NNG_EPEERAUTH || error == NNG_ECRYPTO)) {
        channel->untrusted = true;
        channel->nng->stats.handshakes_failed++;
    }
    holm_channel_break(channel);
}

void holm_channel_read(struct holm_channel *channel)
{
    if (channel->reading || channel->state != HOLM_CHANNEL_OPEN)
        return;
    struct holm_span spans[2];
    nng_iov iov[2];
    size_t count = holm_framer_room(&channel->framer, spans);
    for (size_t i = 0; i < count; i++)
        iov[i] = (nng_iov){.iov_buf = spans[i].data, .iov_len = spans[i].size};
    if (nng_aio_set_iov(channel->receive, (unsigned)count, iov) != 0) {
        holm_channel_break(channel);
        return;
    }
    /* Whoever connects to the publisher and does not greet holds a place for nothing. */
    bool awaited = channel->kind == HOLM_CHANNEL_SUBSCRIBER && !channel->greeted;
    nng_aio_set_timeout(channel->receive, awaited ? HOLM_GREETING_MS : NNG_DURATION_INFINITE);
    channel->reading = true;
    channel->under_way++;
    nng_stream_recv(channel->stream, channel->receive);
}

/* The pieces to send next; returns how many. */
static unsigned gather(struct holm_channel *channel, nng_iov iov[HOLM_BACKLOG_FLIGHT])
{
    struct holm_bytes pieces[HOLM_BACKLOG_FLIGHT];
    size_t count = 1;
    pieces[0] = holm_outbox_next(&channel->outbox);
    channel->sending_backlog = pieces[0].size == 0;
    if (channel->sending_backlog)
        count = holm_backlog_next(&channel->reader, pieces);
    for (size_t i = 0; i < count; i++) {
        /* nng only reads from it, but has one type for both ways. */
        uintptr_t place = (uintptr_t)pieces[i].data;
        iov[i] = (nng_iov){.iov_buf = (void *)place, .iov_len = pieces[i].size};
    }
    return (unsigned)count;
}

void holm_channel_flush(struct holm_channel *channel)
{
    if (channel->sending || channel->state != HOLM_CHANNEL_OPEN)
        return;
    nng_iov iov[HOLM_BACKLOG_FLIGHT];
    unsigned count = gather(channel, iov);
    if (count == 0)
        return;
    if (nng_aio_set_iov(channel->send, count, iov) != 0) {
        holm_channel_break(channel);
        return;
    }
    channel->sending = true;
    channel->under_way++;
    nng_stream_send(channel->stream, channel->send);
}

/* Of those that wait for their peers the one that costs most. */
static struct holm_channel *fullest(struct holm_nng *nng)
{
    struct holm_channel *found = NULL;
    for (size_t i = 0; i < HOLM_CHANNEL_BUCKETS; i++)
        for (struct holm_channel *c = nng->buckets[i]; c != NULL; c = c->bucket_next)
            if (found == NULL || c->queued > found->queued)
                found = c;
    return found;
}

static void overrun(struct holm_channel *channel)
{
    channel->nng->stats.links_overrun++;
    holm_channel_break(channel);
}

enum holm_status holm_channel_queue(struct holm_channel *channel, struct holm_bytes prefix,
                                    struct holm_bytes body)
{
    struct holm_nng *nng = channel->nng;
    size_t size = prefix.size + body.size;
    if (channel->queued + size > nng->config.link_queue_bytes_max)
        overrun(channel);
    /* Not whoever comes next: one that reads slowly must not cost another its link. */
    while (channel->state != HOLM_CHANNEL_BROKEN &&
           nng->stats.queued_bytes + size > nng->config.links_queue_bytes_max)
        overrun(fullest(nng));
    if (channel->state == HOLM_CHANNEL_BROKEN)
        return HOLM_ELIMIT;
    enum holm_status status = holm_outbox_append(&channel->outbox, prefix, body);
    if (status == HOLM_OK) {
        channel->queued += size;
        nng->stats.queued_bytes += size;
    }
    return status;
}

bool holm_channel_is_ending(const struct holm_channel *channel)
{
    if (!holm_channel_is_link(channel))
        return false;
    return channel->state == HOLM_CHANNEL_OPEN ||
           (channel->state == HOLM_CHANNEL_DIALLING && holm_outbox_size(&channel->outbox) > 0);
}

void holm_channel_end(struct holm_channel *channel)
{
    if (!holm_channel_is_ending(channel))
        return;
    unsigned char end[HOLM_LINK_PREFIX_BYTES];
    holm_link_prefix(end, HOLM_LINK_END);
    if (holm_channel_queue(channel, holm_mem(end, sizeof end), holm_mem(NULL, 0)) != HOLM_OK) {
        holm_channel_break(channel);
        return;
    }
    holm_channel_flush(channel);
    holm_channel_read(channel);
}

void holm_channel_open(struct holm_channel *channel, nng_stream *stream)
{
    channel->stream = stream;
    channel->state = HOLM_CHANNEL_OPEN;
    channel->opened = true;
    if (holm_channel_is_link(channel)) {
        channel->nng->stats.links_opened++;
        channel->up_untold = true;
        holm_channel_ring(channel);
    } else {
        const unsigned char *said = channel->kind == HOLM_CHANNEL_SUBSCRIBER
                                        ? holm_publisher_greeting
                                        : holm_subscriber_greeting;
        struct holm_bytes greeting = holm_mem(said, HOLM_GREETING_BYTES);
        if (holm_outbox_append(&channel->outbox, greeting, holm_mem(NULL, 0)) != HOLM_OK) {
            holm_channel_break(channel);
            return;
        }
    }
    holm_channel_flush(channel);
    holm_channel_read(channel);
}

static void on_connect(void *context)
{
    struct holm_channel *channel = context;
    struct holm_nng *nng = channel->nng;
    int error = nng_aio_result(channel->connect);
    pthread_mutex_lock(&nng->lock);
    channel->under_way--;
    if (channel->state == HOLM_CHANNEL_WAITING) {
        if (!channel->closing)
            holm_channel_dial(channel);
    } else {
        nng_stream *stream = error == 0 ? nng_aio_get_output(channel->connect, 0) : NULL;
        if (channel->closing)
            channel->stream = stream;
        else if (stream != NULL)
            holm_channel_open(channel, stream);
        else
            holm_channel_break(channel);
    }
    pthread_mutex_unlock(&nng->lock);
}

static void take_in_broadcast(struct holm_nng *nng, struct holm_channel *channel,
                              struct holm_frame *frame)
{
    nng->stats.broadcasts_received++;
    nng->stats.broadcast_bytes_received += frame->size;
    /* The newest is dropped: what waits is a run without gaps, and worth more. */
    if (nng->broadcast_bytes + holm_frame_cost(frame) > nng->config.broadcast_queue_bytes_max) {
        nng->stats.broadcasts_dropped++;
        holm_frame_free(&nng->config.allocator, frame);
        return;
    }
    nng->broadcast_bytes += holm_frame_cost(frame);
    channel->inbox_bytes += holm_frame_cost(frame);
    holm_frame_list_append(&channel->inbox, frame);
}

static void take_in(struct holm_channel *channel, struct holm_frame_list frames)
{
    struct holm_nng *nng = channel->nng;
    struct holm_frame *frame;
    while ((frame = holm_frame_list_pop(&frames)) != NULL) {
        if (nng->closing) {
            /* Nobody will ask for it; but it has to be read, or the peer's end is never seen. */
            holm_frame_free(&nng->config.allocator, frame);
            continue;
        }
        if (!holm_channel_is_link(channel)) {
            take_in_broadcast(nng, channel, frame);
            continue;
        }
        nng->stats.frames_received++;
        nng->stats.bytes_received += frame->size;
        channel->inbox_bytes += holm_frame_cost(frame);
        holm_frame_list_append(&channel->inbox, frame);
    }
    holm_channel_ring(channel);
}

/* The other side of a subscription is what it should be. */
static void greeted(struct holm_channel *channel)
{
    struct holm_nng *nng = channel->nng;
    channel->greeted = true;
    channel->failures = 0;
    if (channel->kind == HOLM_CHANNEL_SUBSCRIBER)
        holm_backlog_join(&nng->backlog, &channel->reader, channel,
                          holm_address_is_ipc(nng->publisher.address));
}

static void after_receive(struct holm_channel *channel, int error, enum holm_status status)
{
    if (status == HOLM_ETOOBIG)
        channel->nng->stats.oversized++;
    if (channel->state != HOLM_CHANNEL_OPEN) {
        settle(channel);
    } else if (error != 0 || status != HOLM_OK) {
        fail(channel, error);
    } else {
        if (!holm_channel_is_link(channel) && channel->framer.greeted && !channel->greeted)
            greeted(channel);
        if (!holm_channel_is_link(channel) || channel->inbox_bytes < HOLM_LINK_INBOX_BYTES)
            holm_channel_read(channel);
    }
}

static void on_receive(void *context)
{
    struct holm_channel *channel = context;
    struct holm_nng *nng = channel->nng;
    int error = nng_aio_result(channel->receive);
    size_t count = nng_aio_count(channel->receive);

    pthread_mutex_lock(&nng->lock);
    bool wanted = !channel->closing && channel->state == HOLM_CHANNEL_OPEN;
    pthread_mutex_unlock(&nng->lock);

    /* Frames are cut without the lock: copying and allocating take their time. */
    enum holm_status status = HOLM_OK;
    if (wanted && error == 0)
        status = holm_framer_feed(&channel->framer, count);
    struct holm_frame_list frames = holm_framer_take(&channel->framer);

    pthread_mutex_lock(&nng->lock);
    channel->under_way--;
    channel->reading = false;
    channel->heard |= error == 0 && count > 0;
    if (channel->closing) {
        holm_frame_list_free(&nng->config.allocator, &frames);
    } else {
        take_in(channel, frames);
        after_receive(channel, error, status);
    }
    pthread_mutex_unlock(&nng->lock);
}

static void take_sent(struct holm_channel *channel, size_t count)
{
    holm_outbox_sent(&channel->outbox, count);
    if (holm_channel_is_link(channel))
        sent(channel, count);
}

static void on_send(void *context)
{
    struct holm_channel *channel = context;
    struct holm_nng *nng = channel->nng;
    int error = nng_aio_result(channel->send);
    size_t count = nng_aio_count(channel->send);
    pthread_mutex_lock(&nng->lock);
    channel->under_way--;
    channel->sending = false;
    if (channel->closing || channel->state != HOLM_CHANNEL_OPEN) {
        settle(channel);
    } else if (error != 0) {
        fail(channel, error);
    } else {
        if (channel->sending_backlog)
            holm_backlog_sent(&channel->reader, count);
        else
            take_sent(channel, count);
        holm_channel_flush(channel);
    }
    pthread_mutex_unlock(&nng->lock);
}

static enum holm_status give_dialer(struct holm_channel *channel, const char *address)
{
    int error = nng_stream_dialer_alloc(&channel->dialer, address);
    if (error == 0 && !holm_address_is_ipc(address)) {
        error = nng_stream_dialer_set_bool(channel->dialer, NNG_OPT_TCP_NODELAY, true);
        if (error == 0)
            error = nng_stream_dialer_set_bool(channel->dialer, NNG_OPT_TCP_KEEPALIVE, true);
    }
    if (error == 0 && channel->tls)
        error = nng_stream_dialer_set_ptr(channel->dialer, NNG_OPT_TLS_CONFIG,
                                          channel->nng->tls.dial);
    if (error == 0)
        error = nng_aio_alloc(&channel->connect, on_connect, channel);
    return error == 0 || error == NNG_ENOMEM ? holm_status_of_nng(error) : HOLM_EADDRESS;
}

static enum holm_framing framing_for(enum holm_channel_kind kind, const char *address)
{
    if (kind == HOLM_CHANNEL_SUBSCRIBER)
        return HOLM_FRAMING_SUB;
    if (kind != HOLM_CHANNEL_SUBSCRIPTION)
        return HOLM_FRAMING_LINK;
    return holm_address_is_ipc(address) ? HOLM_FRAMING_PUB_IPC : HOLM_FRAMING_PUB_TCP;
}

enum holm_status holm_channel_new(struct holm_nng *nng, enum holm_channel_kind kind,
                                  const char *address, struct holm_listener *listener,
                                  struct holm_channel **channel)
{
    const struct holm_allocator *allocator = &nng->config.allocator;
    struct holm_channel *made = holm_allocate(allocator, sizeof *made);
    if (made == NULL)
        return HOLM_ENOMEM;
    memset(made, 0, sizeof *made);
    made->nng = nng;
    made->kind = kind;
    made->listener = listener;
    made->tls = listener != NULL ? listener->tls : holm_address_is_tls(address);
    made->state = HOLM_CHANNEL_WAITING;
    holm_framer_init(&made->framer, allocator, framing_for(kind, address),
                     nng->config.frame_bytes_max);
    holm_outbox_init(&made->outbox, allocator);

    enum holm_status status = HOLM_OK;
    if (address != NULL)
        status = give_dialer(made, address);
    if (status == HOLM_OK)
        status = holm_status_of_nng(nng_aio_alloc(&made->receive, on_receive, made));
    if (status == HOLM_OK)
        status = holm_status_of_nng(nng_aio_alloc(&made->send, on_send, made));
    if (status != HOLM_OK) {
        holm_channel_free(made);
        return status;
    }
    made->id = ++nng->last_id;
    made->bucket_next = nng->buckets[made->id % HOLM_CHANNEL_BUCKETS];
    nng->buckets[made->id % HOLM_CHANNEL_BUCKETS] = made;
    if (listener != NULL)
        listener->accepted_count++;
    *channel = made;
    return HOLM_OK;
}

void holm_channel_free(struct holm_channel *channel)
{
    struct holm_nng *nng = channel->nng;
    nng_aio *aios[] = {channel->connect, channel->receive, channel->send};
    for (size_t i = 0; i < sizeof aios / sizeof aios[0]; i++) {
        if (aios[i] == NULL)
            continue;
        nng_aio_stop(aios[i]);
        nng_aio_free(aios[i]);
    }
    if (channel->reader.flight_count > 0) {
        pthread_mutex_lock(&nng->lock);
        holm_backlog_drop_flight(&nng->backlog, &channel->reader);
        pthread_mutex_unlock(&nng->lock);
    }
    /* A dial that came through at the last moment left its stream here. */
    if (channel->stream != NULL)
        nng_stream_free(channel->stream);
    if (channel->dialer != NULL)
        nng_stream_dialer_free(channel->dialer);
    holm_framer_clear(&channel->framer);
    holm_outbox_release(&channel->outbox);
    holm_frame_list_free(&nng->config.allocator, &channel->inbox);
    holm_deallocate(&nng->config.allocator, channel, sizeof *channel);
}

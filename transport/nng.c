/* SPDX-License-Identifier: Apache-2.0 */
#include "transport/nng.h"

#include <errno.h>
#include <time.h>

#include "transport/nng_channel.h"

static const struct holm_transport_ops operations;

static struct holm_nng *nng_of(struct holm_transport *transport)
{
    HOLM_ASSERT(transport->ops == &operations);
    return (struct holm_nng *)transport;
}

static const char *nng_address(struct holm_transport *transport)
{
    return nng_of(transport)->links.address;
}

static const char *nng_publisher(struct holm_transport *transport)
{
    return nng_of(transport)->publisher.address;
}

/* HOLM_EINVAL: whoever is there would be spoken to without knowing who it is. */
static enum holm_status check_scheme(const struct holm_nng *nng, const char *address)
{
    if (holm_address_is_tls(address))
        return nng->tls.dial == NULL ? HOLM_EINVAL : HOLM_OK;
    if (holm_address_is_ipc(address) || nng->config.insecure)
        return HOLM_OK;
    return nng->tls.dial != NULL || holm_address_is_exposed(holm_str(address)) ? HOLM_EINVAL
                                                                               : HOLM_OK;
}

/* A new channel, and its first dial. */
static enum holm_status dial(struct holm_nng *nng, enum holm_channel_kind kind, const char *address,
                             uint64_t *id)
{
    if (!holm_address_is_usable(address, false))
        return HOLM_EADDRESS;
    enum holm_status status = check_scheme(nng, address);
    if (status != HOLM_OK)
        return status;
    pthread_mutex_lock(&nng->lock);
    struct holm_channel *channel = NULL;
    status = holm_channel_new(nng, kind, address, NULL, &channel);
    if (status == HOLM_OK) {
        *id = channel->id;
        holm_channel_dial(channel);
    }
    pthread_mutex_unlock(&nng->lock);
    return status;
}

static void drop(struct holm_nng *nng, uint64_t id, bool link)
{
    pthread_mutex_lock(&nng->lock);
    struct holm_channel *channel = holm_channel_find(nng, id);
    if (channel != NULL &&
        (link ? !holm_channel_is_link(channel) : channel->kind != HOLM_CHANNEL_SUBSCRIPTION))
        channel = NULL;
    if (channel != NULL)
        holm_channel_remove(channel);
    pthread_mutex_unlock(&nng->lock);
    if (channel != NULL)
        holm_channel_free(channel);
}

static enum holm_status nng_link_dial(struct holm_transport *transport, const char *address,
                                      struct holm_link_id *link)
{
    return dial(nng_of(transport), HOLM_CHANNEL_DIALLED, address, &link->value);
}

static enum holm_status send_on(struct holm_channel *channel, struct holm_bytes frame)
{
    struct holm_nng *nng = channel->nng;
    unsigned char prefix[HOLM_LINK_PREFIX_BYTES];
    holm_link_prefix(prefix, frame.size);
    enum holm_status status = holm_channel_queue(channel, holm_mem(prefix, sizeof prefix), frame);
    if (status != HOLM_OK)
        return status;
    nng->stats.frames_sent++;
    nng->stats.bytes_sent += frame.size;
    holm_channel_flush(channel);
    return HOLM_OK;
}

static enum holm_status nng_link_send(struct holm_transport *transport, struct holm_link_id link,
                                      const void *frame, size_t frame_bytes)
{
    struct holm_nng *nng = nng_of(transport);
    if (frame_bytes > nng->config.frame_bytes_max)
        return HOLM_ETOOBIG;
    pthread_mutex_lock(&nng->lock);
    struct holm_channel *channel = holm_channel_find(nng, link.value);
    enum holm_status status = HOLM_ECLOSED;
    if (channel != NULL && holm_channel_is_link(channel) && channel->state != HOLM_CHANNEL_BROKEN)
        status = send_on(channel, holm_mem(frame, frame_bytes));
    pthread_mutex_unlock(&nng->lock);
    return status;
}

static void nng_link_close(struct holm_transport *transport, struct holm_link_id link)
{
    drop(nng_of(transport), link.value, true);
}

static enum holm_status nng_subscribe(struct holm_transport *transport, const char *publisher,
                                      struct holm_subscription_id *subscription)
{
    return dial(nng_of(transport), HOLM_CHANNEL_SUBSCRIPTION, publisher, &subscription->value);
}

static void nng_unsubscribe(struct holm_transport *transport,
                            struct holm_subscription_id subscription)
{
    drop(nng_of(transport), subscription.value, false);
}

static enum holm_status nng_broadcast(struct holm_transport *transport, const void *frame,
                                      size_t frame_bytes)
{
    struct holm_nng *nng = nng_of(transport);
    if (frame_bytes > nng->config.frame_bytes_max)
        return HOLM_ETOOBIG;
    if (nng->publisher.stream_listener == NULL)
        return HOLM_OK;
    pthread_mutex_lock(&nng->lock);
    enum holm_status status = holm_nng_publish(nng, holm_mem(frame, frame_bytes));
    pthread_mutex_unlock(&nng->lock);
    return status;
}

static struct timespec deadline_after(uint64_t timeout_us)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    /* A century is as good as never, and does not overflow. */
    uint64_t capped_us = timeout_us < 3000000000000000u ? timeout_us : 3000000000000000u;
    uint64_t nanoseconds = (uint64_t)now.tv_nsec + capped_us % 1000000 * 1000;
    now.tv_sec += (time_t)(capped_us / 1000000 + nanoseconds / 1000000000);
    now.tv_nsec = (long)(nanoseconds % 1000000000);
    return now;
}

static void nng_next(struct holm_transport *transport, uint64_t timeout_us,
                     struct holm_transport_event *event)
{
    struct holm_nng *nng = nng_of(transport);
    struct timespec deadline = deadline_after(timeout_us);
    int error = timeout_us == 0 ? ETIMEDOUT : 0;
    memset(event, 0, sizeof *event);
    bool swept, woken;
    do {
        pthread_mutex_lock(&nng->lock);
        while (nng->ring == NULL && !nng->woken && error == 0)
            error = pthread_cond_timedwait(&nng->changed, &nng->lock, &deadline);
        woken = nng->woken;
        nng->woken = false;
        struct holm_channel *channel = nng->ring;
        bool ended = channel != NULL && holm_channel_take(channel, event);
        pthread_mutex_unlock(&nng->lock);
        if (ended)
            holm_channel_free(channel);
        /* The end of a subscriber is no event. */
        swept = ended && event->type == HOLM_TRANSPORT_NONE;
    } while (swept && !woken);
}

static void nng_release(struct holm_transport *transport, struct holm_transport_event *event)
{
    holm_frame_free(&nng_of(transport)->config.allocator, event->owned);
    memset(event, 0, sizeof *event);
}

static void nng_wake(struct holm_transport *transport)
{
    struct holm_nng *nng = nng_of(transport);
    pthread_mutex_lock(&nng->lock);
    nng->woken = true;
    pthread_cond_signal(&nng->changed);
    pthread_mutex_unlock(&nng->lock);
}

static void nng_stats(struct holm_transport *transport, struct holm_transport_stats *stats)
{
    struct holm_nng *nng = nng_of(transport);
    pthread_mutex_lock(&nng->lock);
    *stats = nng->stats;
    pthread_mutex_unlock(&nng->lock);
}

static bool any_link_is_ending(const struct holm_nng *nng)
{
    for (size_t i = 0; i < HOLM_CHANNEL_BUCKETS; i++)
        for (struct holm_channel *c = nng->buckets[i]; c != NULL; c = c->bucket_next)
            if (holm_channel_is_ending(c))
                return true;
    return false;
}

/*
 * What has been written is not yet read: on a local socket nng's reader loses what is left when
 * the writer closes. So each peer is asked to close first.
 */
static void linger(struct holm_nng *nng, uint64_t linger_us)
{
    if (linger_us == 0)
        return;
    for (size_t i = 0; i < HOLM_CHANNEL_BUCKETS; i++)
        for (struct holm_channel *c = nng->buckets[i]; c != NULL; c = c->bucket_next)
            holm_channel_end(c);
    struct timespec deadline = deadline_after(linger_us);
    int error = 0;
    while (error == 0 && any_link_is_ending(nng))
        error = pthread_cond_timedwait(&nng->changed, &nng->lock, &deadline);
}

/* Frees whatever holm_transport_nng_open() has made so far. */
static void destroy(struct holm_nng *nng)
{
    pthread_mutex_lock(&nng->lock);
    nng->closing = true;
    pthread_mutex_unlock(&nng->lock);
    holm_listener_close(&nng->links);
    holm_listener_close(&nng->publisher);
    for (size_t i = 0; i < HOLM_CHANNEL_BUCKETS; i++) {
        while (nng->buckets[i] != NULL) {
            struct holm_channel *channel = nng->buckets[i];
            pthread_mutex_lock(&nng->lock);
            holm_channel_remove(channel);
            pthread_mutex_unlock(&nng->lock);
            holm_channel_free(channel);
        }
    }
    holm_nng_tls_close(&nng->tls);
    holm_backlog_release(&nng->backlog);
    pthread_cond_destroy(&nng->changed);
    pthread_mutex_destroy(&nng->lock);
    struct holm_allocator allocator = nng->config.allocator;
    holm_deallocate(&allocator, nng, sizeof *nng);
}

static void nng_transport_close(struct holm_transport *transport, uint64_t linger_us)
{
    struct holm_nng *nng = nng_of(transport);
    pthread_mutex_lock(&nng->lock);
    nng->closing = true;
    linger(nng, linger_us);
    pthread_mutex_unlock(&nng->lock);
    destroy(nng);
}

static const struct holm_transport_ops operations = {
    .address = nng_address,
    .publisher = nng_publisher,
    .link_dial = nng_link_dial,
    .link_send = nng_link_send,
    .link_close = nng_link_close,
    .subscribe = nng_subscribe,
    .unsubscribe = nng_unsubscribe,
    .broadcast = nng_broadcast,
    .next = nng_next,
    .release = nng_release,
    .wake = nng_wake,
    .stats = nng_stats,
    .close = nng_transport_close,
};

static void init(struct holm_nng *nng, const struct holm_transport_config *config)
{
    memset(nng, 0, sizeof *nng);
    nng->transport.ops = &operations;
    nng->config = *config;
    nng->config.listen = NULL;
    nng->config.why = NULL;
    memset(&nng->config.tls, 0, sizeof nng->config.tls);
    nng->random = config->random_seed;
    holm_callers_init(&nng->callers, config->accepts_per_s, config->accepts_burst);
    holm_backlog_init(&nng->backlog, &nng->config.allocator, config->backlog_bytes_max);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&nng->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    pthread_mutex_init(&nng->lock, NULL);
}

enum holm_status holm_transport_nng_open(const struct holm_transport_config *config,
                                         struct holm_transport **transport)
{
    enum holm_status status = holm_transport_config_check(config);
    if (status != HOLM_OK)
        return status;
    if (config->listen != NULL && !holm_address_is_usable(config->listen, true))
        return HOLM_EADDRESS;
    struct holm_nng *nng = holm_allocate(&config->allocator, sizeof *nng);
    if (nng == NULL)
        return HOLM_ENOMEM;
    const char *why = "";
    init(nng, config);
    status = holm_nng_tls_open(&nng->tls, &config->tls, &config->allocator, &why);
    if (status != HOLM_OK && config->why != NULL)
        *config->why = why;
    if (status == HOLM_OK && config->listen != NULL)
        status = check_scheme(nng, config->listen);
    if (status == HOLM_OK && config->listen != NULL) {
        /* Links come last: whoever reaches them may ask for the publisher. */
        char publisher[HOLM_ADDRESS_BYTES_MAX];
        holm_address_of_publisher(publisher, config->listen);
        status = holm_listener_open(&nng->publisher, nng, HOLM_CHANNEL_SUBSCRIBER, publisher);
        if (status == HOLM_OK)
            status = holm_listener_open(&nng->links, nng, HOLM_CHANNEL_ACCEPTED, config->listen);
    }
    if (status != HOLM_OK) {
        destroy(nng);
        return status;
    }
    *transport = &nng->transport;
    return HOLM_OK;
}

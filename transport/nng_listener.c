/* SPDX-License-Identifier: Apache-2.0 */
#include "transport/nng_channel.h"

#include <sys/stat.h>
#include <time.h>

/* How long accepting rests when the system has run out of something. */
#define PAUSE_MS 100

static void accept_next(struct holm_listener *listener)
{
    listener->pausing = false;
    nng_stream_listener_accept(listener->stream_listener, listener->accept);
}

/* Before a byte is read, so that no handshake of TLS has begun. */
static bool calls_too_often(struct holm_nng *nng, nng_stream *stream)
{
    uint8_t address[HOLM_CALLER_BYTES];
    struct timespec now;
    if (nng->callers.interval_us == 0 || !holm_address_of_caller(address, stream))
        return false;
    clock_gettime(CLOCK_MONOTONIC, &now);
    if (holm_callers_admit(&nng->callers, address,
                           (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000))
        return false;
    nng->stats.callers_limited++;
    holm_address_of_peer(nng->stats.limited_host, stream);
    return true;
}

/* True when the stream was taken. */
static bool admit(struct holm_listener *listener, nng_stream *stream)
{
    struct holm_nng *nng = listener->nng;
    struct holm_channel *channel = NULL;
    if (!nng->closing && calls_too_often(nng, stream))
        return false;
    if (nng->closing || listener->accepted_count >= nng->config.links_max ||
        holm_channel_new(nng, listener->kind, NULL, listener, &channel) != HOLM_OK) {
        nng->stats.links_refused++;
        return false;
    }
    holm_channel_open(channel, stream);
    return true;
}

static void on_accept(void *context)
{
    struct holm_listener *listener = context;
    struct holm_nng *nng = listener->nng;
    int error = nng_aio_result(listener->accept);
    pthread_mutex_lock(&nng->lock);
    nng_stream *refused = NULL;
    if (!listener->pausing && error == 0) {
        nng_stream *stream = nng_aio_get_output(listener->accept, 0);
        if (!admit(listener, stream))
            refused = stream;
    }
    if (!nng->closing && (listener->pausing || error == 0)) {
        accept_next(listener);
    } else if (!nng->closing) {
        /* Out of descriptors or memory: trying again at once would spin. */
        listener->pausing = true;
        nng_sleep_aio(PAUSE_MS, listener->accept);
    }
    pthread_mutex_unlock(&nng->lock);
    if (refused != NULL)
        nng_stream_free(refused);
}

/* nng takes whatever stands at an ipc path and answers no dial for the socket of a dead process, and
 * deletes it: also a file that somebody needs. */
static bool stands_in_the_way(const char *address)
{
    struct stat status;
    const char *path = address + strlen("ipc://");
    return holm_address_is_ipc(address) && lstat(path, &status) == 0 && !S_ISSOCK(status.st_mode);
}

static int start(struct holm_listener *listener, const char *address)
{
    bool tcp = !holm_address_is_ipc(address);
    if (stands_in_the_way(address))
        return NNG_EADDRINUSE;
    int error = nng_stream_listener_alloc(&listener->stream_listener, address);
    nng_stream_listener *started = listener->stream_listener;
    if (error == 0 && tcp)
        error = nng_stream_listener_set_bool(started, NNG_OPT_TCP_NODELAY, true);
    if (error == 0 && tcp)
        error = nng_stream_listener_set_bool(started, NNG_OPT_TCP_KEEPALIVE, true);
    if (error == 0 && holm_address_is_tls(address))
        error = nng_stream_listener_set_ptr(started, NNG_OPT_TLS_CONFIG, listener->nng->tls.listen);
    if (error == 0)
        error = nng_stream_listener_listen(started);
    int port = 0;
    if (error == 0 && tcp)
        error = nng_stream_listener_get_int(started, NNG_OPT_TCP_BOUND_PORT, &port);
    if (error == 0)
        error = nng_aio_alloc(&listener->accept, on_accept, listener);
    if (error != 0)
        return error;
    if (tcp)
        holm_address_with_port(listener->address, address, port);
    else
        memcpy(listener->address, address, strlen(address) + 1);
    return 0;
}

enum holm_status holm_listener_open(struct holm_listener *listener, struct holm_nng *nng,
                                    enum holm_channel_kind kind, const char *address)
{
    listener->nng = nng;
    listener->kind = kind;
    listener->tls = holm_address_is_tls(address);
    int error = start(listener, address);
    if (error != 0)
        return holm_status_of_nng(error);
    pthread_mutex_lock(&nng->lock);
    accept_next(listener);
    pthread_mutex_unlock(&nng->lock);
    return HOLM_OK;
}

void holm_listener_close(struct holm_listener *listener)
{
    if (listener->stream_listener != NULL)
        nng_stream_listener_close(listener->stream_listener);
    if (listener->accept != NULL) {
        nng_aio_stop(listener->accept);
        nng_aio_free(listener->accept);
    }
    if (listener->stream_listener != NULL)
        nng_stream_listener_free(listener->stream_listener);
    listener->accept = NULL;
    listener->stream_listener = NULL;
}

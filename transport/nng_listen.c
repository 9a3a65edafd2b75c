/* SPDX-License-Identifier: Apache-2.0 */
#include "transport/nng_channel.h"

/* How long accepting rests when the system has run out of something. */
#define PAUSE_MS 100

static void accept_next(struct holm_nng *nng)
{
    nng->accept_pausing = false;
    nng_stream_listener_accept(nng->listener, nng->accept);
}

/* True when the stream was taken. */
static bool admit(struct holm_nng *nng, nng_stream *stream)
{
    struct holm_channel *channel = NULL;
    if (nng->closing || nng->accepted_count >= nng->config.links_max ||
        holm_channel_new(nng, HOLM_CHANNEL_ACCEPTED, NULL, &channel) != HOLM_OK) {
        nng->stats.links_refused++;
        return false;
    }
    holm_channel_open(channel, stream);
    return true;
}

static void on_accept(void *context)
{
    struct holm_nng *nng = context;
    int error = nng_aio_result(nng->accept);
    pthread_mutex_lock(&nng->lock);
    nng_stream *refused = NULL;
    if (!nng->accept_pausing && error == 0) {
        nng_stream *stream = nng_aio_get_output(nng->accept, 0);
        if (!admit(nng, stream))
            refused = stream;
    }
    if (!nng->closing && (nng->accept_pausing || error == 0)) {
        accept_next(nng);
    } else if (!nng->closing) {
        /* Out of descriptors or memory: trying again at once would spin. */
        nng->accept_pausing = true;
        nng_sleep_aio(PAUSE_MS, nng->accept);
    }
    pthread_mutex_unlock(&nng->lock);
    if (refused != NULL)
        nng_stream_free(refused);
}

static int start(struct holm_nng *nng, const char *address)
{
    bool tcp = !holm_address_is_ipc(address);
    int error = nng_stream_listener_alloc(&nng->listener, address);
    if (error == 0 && tcp)
        error = nng_stream_listener_set_bool(nng->listener, NNG_OPT_TCP_NODELAY, true);
    if (error == 0 && tcp)
        error = nng_stream_listener_set_bool(nng->listener, NNG_OPT_TCP_KEEPALIVE, true);
    if (error == 0)
        error = nng_stream_listener_listen(nng->listener);
    int port = 0;
    if (error == 0 && tcp)
        error = nng_stream_listener_get_int(nng->listener, NNG_OPT_TCP_BOUND_PORT, &port);
    if (error == 0)
        error = nng_aio_alloc(&nng->accept, on_accept, nng);
    if (error != 0)
        return error;
    if (tcp)
        holm_address_with_port(nng->address, address, port);
    else
        memcpy(nng->address, address, strlen(address) + 1);
    return 0;
}

enum holm_status holm_nng_listen(struct holm_nng *nng, const char *address)
{
    int error = start(nng, address);
    if (error != 0)
        return holm_status_of_nng(error);
    pthread_mutex_lock(&nng->lock);
    accept_next(nng);
    pthread_mutex_unlock(&nng->lock);
    return HOLM_OK;
}

void holm_nng_unlisten(struct holm_nng *nng)
{
    if (nng->listener != NULL)
        nng_stream_listener_close(nng->listener);
    if (nng->accept != NULL) {
        nng_aio_stop(nng->accept);
        nng_aio_free(nng->accept);
    }
    if (nng->listener != NULL)
        nng_stream_listener_free(nng->listener);
    nng->accept = NULL;
    nng->listener = NULL;
}

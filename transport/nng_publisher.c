/* SPDX-License-Identifier: Apache-2.0 */
#include "transport/nng_channel.h"

#include <nng/protocol/pubsub0/pub.h>

/* Frames that wait for one subscriber; nng's own default of 16 loses every burst. */
#define BACKLOG_FRAMES 1024
/* Subscribers have nothing to say. */
#define INCOMING_BYTES_MAX 64

static int configure(struct holm_nng *nng, nng_listener listener, bool tcp)
{
    int error = nng_socket_set_int(nng->publisher, NNG_OPT_SENDBUF, BACKLOG_FRAMES);
    if (error == 0)
        error = nng_listener_set_size(listener, NNG_OPT_RECVMAXSZ, INCOMING_BYTES_MAX);
    if (error == 0 && tcp)
        error = nng_listener_set_bool(listener, NNG_OPT_TCP_NODELAY, true);
    if (error == 0 && tcp)
        error = nng_listener_set_bool(listener, NNG_OPT_TCP_KEEPALIVE, true);
    return error;
}

static int listen_at(struct holm_nng *nng, const char *address)
{
    bool tcp = !holm_address_is_ipc(address);
    nng_listener listener;
    int error = nng_listener_create(&listener, nng->publisher, address);
    if (error == 0)
        error = configure(nng, listener, tcp);
    if (error == 0)
        error = nng_listener_start(listener, 0);
    int port = 0;
    if (error == 0 && tcp)
        error = nng_listener_get_int(listener, NNG_OPT_TCP_BOUND_PORT, &port);
    if (error != 0)
        return error;
    if (tcp)
        holm_address_with_port(nng->publisher_address, address, port);
    else
        memcpy(nng->publisher_address, address, strlen(address) + 1);
    return 0;
}

enum holm_status holm_publisher_open(struct holm_nng *nng, const char *address)
{
    char own[HOLM_ADDRESS_BYTES_MAX];
    if (holm_address_is_ipc(address)) {
        size_t length = strlen(address);
        memcpy(own, address, length);
        memcpy(own + length, ".pub", 5);
    } else {
        holm_address_with_port(own, address, 0);
    }
    int error = nng_aio_alloc(&nng->publish, NULL, NULL);
    if (error != 0)
        return holm_status_of_nng(error);
    error = nng_pub0_open(&nng->publisher);
    if (error != 0)
        return holm_status_of_nng(error);
    nng->publishing = true;
    return holm_status_of_nng(listen_at(nng, own));
}

void holm_publisher_close(struct holm_nng *nng)
{
    if (nng->publishing)
        nng_close(nng->publisher);
    nng->publishing = false;
    if (nng->publish != NULL)
        nng_aio_free(nng->publish);
    nng->publish = NULL;
}

enum holm_status holm_publisher_send(struct holm_nng *nng, const void *frame, size_t frame_bytes)
{
    nng_msg *message = NULL;
    if (nng_msg_alloc(&message, frame_bytes) != 0)
        return HOLM_ENOMEM;
    if (frame_bytes > 0)
        memcpy(nng_msg_body(message), frame, frame_bytes);
    /* pub0 takes every message at once, so this waits for nothing. */
    nng_aio_set_msg(nng->publish, message);
    nng_send_aio(nng->publisher, nng->publish);
    nng_aio_wait(nng->publish);
    int error = nng_aio_result(nng->publish);
    if (error == 0)
        return HOLM_OK;
    nng_msg_free(message);
    return error == NNG_ENOMEM ? HOLM_ENOMEM : HOLM_EIO;
}

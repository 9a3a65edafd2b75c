/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/ping_baseline.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "transport/nng.h"

#define PING_BYTES 64
#define WAIT_US 1000000
#define WARM_UP 20

/* ---- bare sockets --------------------------------------------------------------------------- */

static bool receive_all(int fd, unsigned char *bytes)
{
    return recv(fd, bytes, PING_BYTES, MSG_WAITALL) == PING_BYTES;
}

static void send_all(int fd, const unsigned char *bytes)
{
    measure_require(send(fd, bytes, PING_BYTES, 0) == PING_BYTES, "a ping is sent whole");
}

static void *echo_socket(void *context)
{
    unsigned char bytes[PING_BYTES];
    const int *fd = context;
    while (receive_all(*fd, bytes))
        send_all(*fd, bytes);
    return NULL;
}

static void no_delay(int fd)
{
    int one = 1;
    measure_require(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) == 0, "no delay");
}

/* A connection to oneself: its two ends. */
static void connect_pair(int ends[2])
{
    struct sockaddr_in here = {.sin_family = AF_INET};
    socklen_t size = sizeof here;
    here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ends[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    measure_require(listener >= 0 && ends[0] >= 0, "there are sockets");
    measure_require(bind(listener, (struct sockaddr *)&here, sizeof here) == 0 &&
                        listen(listener, 1) == 0 &&
                        getsockname(listener, (struct sockaddr *)&here, &size) == 0 &&
                        connect(ends[0], (struct sockaddr *)&here, sizeof here) == 0,
                    "a socket connects");
    ends[1] = accept(listener, NULL, NULL);
    measure_require(ends[1] >= 0, "a socket is accepted");
    close(listener);
    no_delay(ends[0]);
    no_delay(ends[1]);
}

void ping_baseline_socket(struct measure_samples *samples, size_t count, uint64_t pause_us)
{
    unsigned char bytes[PING_BYTES] = {1};
    int ends[2];
    pthread_t thread;
    connect_pair(ends);
    measure_require(pthread_create(&thread, NULL, echo_socket, &ends[1]) == 0, "a thread");
    for (size_t i = 0; i < count + WARM_UP; i++) {
        measure_nap_us(pause_us);
        uint64_t begun = measure_now_ns();
        send_all(ends[0], bytes);
        measure_require(receive_all(ends[0], bytes), "a ping comes back");
        if (i >= WARM_UP)
            measure_sample(samples, (double)(measure_now_ns() - begun) / 1e3);
    }
    shutdown(ends[0], SHUT_RDWR);
    pthread_join(thread, NULL);
    close(ends[0]);
    close(ends[1]);
}

/* ---- a link of the transport ---------------------------------------------------------------- */

static struct holm_transport *open_transport(const char *listen)
{
    struct holm_transport_config config = holm_transport_config_default();
    struct holm_transport *transport;
    config.listen = listen;
    measure_must(holm_transport_nng_open(&config, &transport), "a transport");
    return transport;
}

/* Sends back what comes, until the other side is gone. */
static void *echo_link(void *context)
{
    struct holm_transport *transport = context;
    bool open = true;
    while (open) {
        struct holm_transport_event event;
        transport->ops->next(transport, WAIT_US, &event);
        if (event.type == HOLM_TRANSPORT_LINK_FRAME)
            measure_must(
                transport->ops->link_send(transport, event.link, event.frame, event.frame_bytes),
                "an echo");
        open = event.type != HOLM_TRANSPORT_LINK_CLOSED;
        transport->ops->release(transport, &event);
    }
    return NULL;
}

static void await(struct holm_transport *transport, enum holm_transport_event_type type)
{
    struct holm_transport_event event;
    transport->ops->next(transport, WAIT_US, &event);
    measure_require(event.type == type, "the other end of a link answers");
    transport->ops->release(transport, &event);
}

void ping_baseline_link(struct measure_samples *samples, size_t count, uint64_t pause_us)
{
    const unsigned char bytes[PING_BYTES] = {1};
    struct holm_transport *echo = open_transport("tcp://127.0.0.1:0");
    struct holm_transport *here = open_transport(NULL);
    struct holm_link_id link;
    pthread_t thread;
    measure_require(pthread_create(&thread, NULL, echo_link, echo) == 0, "a thread");
    measure_must(here->ops->link_dial(here, echo->ops->address(echo), &link), "a dial");
    await(here, HOLM_TRANSPORT_LINK_UP);
    for (size_t i = 0; i < count + WARM_UP; i++) {
        measure_nap_us(pause_us);
        uint64_t begun = measure_now_ns();
        measure_must(here->ops->link_send(here, link, bytes, sizeof bytes), "a ping");
        await(here, HOLM_TRANSPORT_LINK_FRAME);
        if (i >= WARM_UP)
            measure_sample(samples, (double)(measure_now_ns() - begun) / 1e3);
    }
    here->ops->close(here, 0);
    pthread_join(thread, NULL);
    echo->ops->close(echo, 0);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What sits at the other end of a holm transport's sockets: nng's own, and hostile ones. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <nng/nng.h>
#include <nng/protocol/pubsub0/pub.h>
#include <nng/protocol/pubsub0/sub.h>
#include <cmocka.h>

#include "transport/nng.h"

#define SECOND ((uint64_t)1000000)
#define LARGE 30000

static char folder[] = "/tmp/holm-XXXXXX";
static const char *const everywhere[] = {"tcp://127.0.0.1:0", NULL};

static struct holm_transport *open_at(const char *address)
{
    char own[HOLM_ADDRESS_BYTES_MAX];
    if (address == NULL) {
        snprintf(own, sizeof own, "ipc://%s/node", folder);
        address = own;
    }
    struct holm_transport_config config = holm_transport_config_default();
    config.listen = address;
    config.frame_bytes_max = 65536;
    struct holm_transport *transport = NULL;
    assert_int_equal(holm_transport_nng_open(&config, &transport), HOLM_OK);
    return transport;
}

static void shut(struct holm_transport *transport)
{
    transport->ops->close(transport, 0);
}

/* A socket connected to a tcp:// address. */
static int connect_to(const char *address)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)atoi(strrchr(address, ':') + 1)),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int socket_fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(socket_fd >= 0);
    int one = 1;
    assert_int_equal(setsockopt(socket_fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one), 0);
    if (connect(socket_fd, (const struct sockaddr *)&to, sizeof to) != 0) {
        close(socket_fd);
        return -1;
    }
    return socket_fd;
}

/* Until the other side has closed. */
static void await_end(int socket_fd)
{
    struct timeval patience = {.tv_sec = 10};
    assert_int_equal(setsockopt(socket_fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience), 0);
    char bytes[256];
    ssize_t got = 0;
    do
        got = recv(socket_fd, bytes, sizeof bytes, 0);
    while (got > 0);
    assert_true(got == 0 || errno == ECONNRESET);
    close(socket_fd);
}

static struct holm_transport_stats stats_of(struct holm_transport *transport)
{
    struct holm_transport_stats stats;
    transport->ops->stats(transport, &stats);
    return stats;
}

static void test_publisher_when_a_real_sub0_subscribes_then_it_hears(void **state)
{
    for (size_t i = 0; i < 2; i++) {
        struct holm_transport *publisher = open_at(everywhere[i]);
        nng_socket subscriber;
        assert_int_equal(nng_sub0_open(&subscriber), 0);
        assert_int_equal(nng_socket_set(subscriber, NNG_OPT_SUB_SUBSCRIBE, "", 0), 0);
        assert_int_equal(nng_socket_set_ms(subscriber, NNG_OPT_RECVTIMEO, 10), 0);
        assert_int_equal(nng_dial(subscriber, publisher->ops->publisher(publisher), NULL, 0), 0);
        char *frame = malloc(LARGE);
        assert_non_null(frame);
        memset(frame, 'x', LARGE);
        nng_msg *message = NULL;
        for (unsigned tries = 0; message == NULL && tries < 1000; tries++) {
            assert_int_equal(publisher->ops->broadcast(publisher, frame, LARGE), HOLM_OK);
            if (nng_recvmsg(subscriber, &message, 0) != 0)
                message = NULL;
        }
        assert_non_null(message);
        assert_int_equal(nng_msg_len(message), LARGE);
        assert_memory_equal(nng_msg_body(message), frame, LARGE);
        nng_msg_free(message);
        free(frame);
        /* The publisher goes first: a sub0 may only be closed in silence. */
        shut(publisher);
        nng_close(subscriber);
    }
}

static void test_subscription_when_a_real_pub0_publishes_then_it_hears(void **state)
{
    for (size_t i = 0; i < 2; i++) {
        char address[HOLM_ADDRESS_BYTES_MAX];
        snprintf(address, sizeof address, "ipc://%s/pub", folder);
        nng_socket publisher;
        nng_listener listener;
        assert_int_equal(nng_pub0_open(&publisher), 0);
        assert_int_equal(nng_listen(publisher, i == 0 ? everywhere[0] : address, &listener, 0), 0);
        int port = 0;
        if (i == 0 && nng_listener_get_int(listener, NNG_OPT_TCP_BOUND_PORT, &port) == 0)
            snprintf(address, sizeof address, "tcp://127.0.0.1:%d", port);

        struct holm_transport *subscriber = open_at(everywhere[i]);
        struct holm_subscription_id id;
        assert_int_equal(subscriber->ops->subscribe(subscriber, address, &id), HOLM_OK);
        struct holm_transport_event event = {0};
        for (unsigned tries = 0; event.type == HOLM_TRANSPORT_NONE && tries < 1000; tries++) {
            assert_int_equal(nng_send(publisher, (char[]){"from pub0"}, 9, 0), 0);
            subscriber->ops->next(subscriber, SECOND / 100, &event);
        }
        assert_int_equal(event.type, HOLM_TRANSPORT_BROADCAST);
        assert_int_equal(event.frame_bytes, 9);
        assert_memory_equal(event.frame, "from pub0", 9);
        subscriber->ops->release(subscriber, &event);
        shut(subscriber);
        nng_close(publisher);
    }
}

static void test_transport_when_a_killed_process_left_its_socket_then_it_listens(void **state)
{
    struct sockaddr_un left = {.sun_family = AF_UNIX};
    static const char *const names[] = {"node", "node.pub"};
    for (size_t i = 0; i < 2; i++) {
        snprintf(left.sun_path, sizeof left.sun_path, "%s/%s", folder, names[i]);
        int socket_fd = socket(AF_UNIX, SOCK_STREAM, 0);
        assert_int_equal(bind(socket_fd, (const struct sockaddr *)&left, sizeof left), 0);
        assert_int_equal(listen(socket_fd, 1), 0);
        close(socket_fd);
        assert_int_equal(access(left.sun_path, F_OK), 0);
    }
    shut(open_at(NULL));
}

static void test_link_when_a_length_is_claimed_then_refused_unless_small(void **state)
{
    struct holm_transport *transport = open_at(everywhere[0]);
    int socket_fd = connect_to(transport->ops->address(transport));
    assert_true(socket_fd >= 0);
    assert_int_equal(send(socket_fd, "\xfe\xff\xff\xff rest", 9, MSG_NOSIGNAL), 9);
    await_end(socket_fd);
    assert_int_equal(stats_of(transport).oversized, 1);
    /* Half a frame is none. */
    struct holm_transport_event event;
    socket_fd = connect_to(transport->ops->address(transport));
    assert_int_equal(send(socket_fd, "\x09\0\0\0half", 8, MSG_NOSIGNAL), 8);
    close(socket_fd);
    unsigned closed = 0;
    while (closed < 2) {
        transport->ops->next(transport, 10 * SECOND, &event);
        assert_true(event.type == HOLM_TRANSPORT_LINK_UP ||
                    event.type == HOLM_TRANSPORT_LINK_CLOSED);
        closed += event.type == HOLM_TRANSPORT_LINK_CLOSED;
    }
    assert_int_equal(stats_of(transport).frames_received, 0);
    shut(transport);
}

static void test_publisher_when_a_peer_is_no_subscriber_then_cut_off(void **state)
{
    static const struct {
        const char *bytes;
        size_t size;
    } said[] = {
        {"GET / HTTP/1.1\r\n\r\n", 18},        /* another protocol */
        {"\0SP\0\0\x20\0\0", 8},               /* another publisher */
        {"\0SP\0\0\x21\0\0 and then some", 22} /* a subscriber that talks */
    };
    struct holm_transport *transport = open_at(everywhere[0]);
    for (size_t i = 0; i < sizeof said / sizeof said[0]; i++) {
        int socket_fd = connect_to(transport->ops->publisher(transport));
        assert_true(socket_fd >= 0);
        assert_int_equal(send(socket_fd, said[i].bytes, said[i].size, MSG_NOSIGNAL), said[i].size);
        await_end(socket_fd);
    }
    shut(transport);
}

static void test_publisher_when_a_subscriber_does_not_read_then_cut_off_and_counted(void **state)
{
    enum {
        FRAME = 60000,
        BACKLOG = 1000000
    };
    struct holm_transport_config config = holm_transport_config_default();
    config.listen = everywhere[0];
    config.backlog_bytes_max = BACKLOG;
    struct holm_transport *publisher = NULL;
    assert_int_equal(holm_transport_nng_open(&config, &publisher), HOLM_OK);
    int stuck = connect_to(publisher->ops->publisher(publisher));
    assert_true(stuck >= 0);
    assert_int_equal(send(stuck, "\0SP\0\0\x21\0\0", 8, MSG_NOSIGNAL), 8);
    char *frame = calloc(1, FRAME);
    assert_non_null(frame);
    /* Kernel buffers take some megabytes before the backlog fills. */
    for (unsigned i = 0; stats_of(publisher).broadcasts_dropped == 0 && i < 1000000; i++)
        assert_int_equal(publisher->ops->broadcast(publisher, frame, FRAME), HOLM_OK);
    free(frame);
    uint64_t dropped = stats_of(publisher).broadcasts_dropped;
    assert_true(dropped > 0 && dropped <= BACKLOG / FRAME + 1);
    await_end(stuck);
    shut(publisher);
}

/* An allocator that knows how much is out at most. */
struct meter {
    atomic_size_t live;
    atomic_size_t most;
};

static void *metered(void *context, void *memory, size_t size_old, size_t size_new)
{
    struct meter *meter = context;
    size_t live = atomic_fetch_add(&meter->live, size_new - size_old) + size_new - size_old;
    size_t most = atomic_load(&meter->most);
    while (live > most && !atomic_compare_exchange_weak(&meter->most, &most, live))
        continue;
    if (size_new > 0)
        return realloc(memory, size_new);
    free(memory);
    return NULL;
}

static struct holm_transport *open_metered(struct meter *meter, size_t broadcast_queue)
{
    struct holm_transport_config config = holm_transport_config_default();
    config.allocator = (struct holm_allocator){metered, meter};
    config.listen = everywhere[0];
    config.broadcast_queue_bytes_max = broadcast_queue;
    struct holm_transport *transport = NULL;
    assert_int_equal(holm_transport_nng_open(&config, &transport), HOLM_OK);
    return transport;
}

/* Writes zeros, which are frames without a byte, until nobody takes them any more. */
static void flood(int socket_fd, size_t bytes)
{
    static const char zeros[65536];
    struct pollfd writable = {.fd = socket_fd, .events = POLLOUT};
    ssize_t sent = 1;
    for (size_t done = 0; done < bytes && sent > 0 && poll(&writable, 1, 200) == 1;
         done += (size_t)sent)
        sent = send(socket_fd, zeros, sizeof zeros, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void test_link_when_flooded_with_empty_frames_then_memory_is_bounded(void **state)
{
    struct meter meter = {0};
    struct holm_transport *transport = open_metered(&meter, SIZE_MAX / 2);
    int socket_fd = connect_to(transport->ops->address(transport));
    assert_true(socket_fd >= 0);
    flood(socket_fd, 16 << 20);
    assert_in_range(atomic_load(&meter.most), 65536, 1 << 20);
    close(socket_fd);
    shut(transport);
    assert_int_equal(atomic_load(&meter.live), 0);
}

static void test_subscription_when_flooded_with_empty_frames_then_memory_is_bounded(void **state)
{
    struct meter meter = {0};
    struct holm_transport *transport = open_metered(&meter, 1 << 20);
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof here;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(listener, (const struct sockaddr *)&here, sizeof here), 0);
    assert_int_equal(listen(listener, 1), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&here, &size), 0);
    char address[HOLM_ADDRESS_BYTES_MAX];
    snprintf(address, sizeof address, "tcp://127.0.0.1:%u", (unsigned)ntohs(here.sin_port));
    struct holm_subscription_id id;
    assert_int_equal(transport->ops->subscribe(transport, address, &id), HOLM_OK);
    int socket_fd = accept(listener, NULL, NULL);
    assert_true(socket_fd >= 0);
    assert_int_equal(send(socket_fd, "\0SP\0\0\x20\0\0", 8, MSG_NOSIGNAL), 8);
    flood(socket_fd, 16 << 20);
    close(socket_fd);
    close(listener);
    assert_in_range(atomic_load(&meter.most), 65536, 3 << 19);
    assert_true(stats_of(transport).broadcasts_dropped > 0);
    shut(transport);
    assert_int_equal(atomic_load(&meter.live), 0);
}

static void *close_slowly(void *context)
{
    struct holm_transport *transport = context;
    transport->ops->close(transport, 10 * SECOND);
    return NULL;
}

static void test_transport_when_closed_with_linger_then_the_reader_loses_nothing(void **state)
{
    enum {
        FRAMES = 60,
        FRAME = 60000
    };
    /* More than the reader takes in at once, so that much of it sits in the kernel. */
    for (unsigned round = 0; round < 5; round++) {
        struct holm_transport *reader = open_at(NULL);
        struct holm_transport_config config = holm_transport_config_default();
        struct holm_transport *writer = NULL;
        assert_int_equal(holm_transport_nng_open(&config, &writer), HOLM_OK);
        struct holm_link_id link;
        assert_int_equal(writer->ops->link_dial(writer, reader->ops->address(reader), &link),
                         HOLM_OK);
        char *frame = calloc(1, FRAME);
        assert_non_null(frame);
        for (unsigned i = 0; i < FRAMES; i++)
            assert_int_equal(writer->ops->link_send(writer, link, frame, FRAME), HOLM_OK);
        free(frame);
        struct holm_transport_event event;
        reader->ops->next(reader, 10 * SECOND, &event);
        assert_int_equal(event.type, HOLM_TRANSPORT_LINK_UP);
        pthread_t closer;
        assert_int_equal(pthread_create(&closer, NULL, close_slowly, writer), 0);
        for (unsigned i = 0; i < FRAMES; i++) {
            reader->ops->next(reader, 10 * SECOND, &event);
            assert_int_equal(event.type, HOLM_TRANSPORT_LINK_FRAME);
            reader->ops->release(reader, &event);
        }
        reader->ops->next(reader, 10 * SECOND, &event);
        assert_int_equal(event.type, HOLM_TRANSPORT_LINK_CLOSED);
        assert_int_equal(pthread_join(closer, NULL), 0);
        shut(reader);
    }
}

static void test_transport_when_closed_with_linger_while_dialling_then_frames_arrive(void **state)
{
    for (unsigned round = 0; round < 100; round++) {
        struct holm_transport *reader = open_at(everywhere[round % 2]);
        struct holm_transport_config config = holm_transport_config_default();
        struct holm_transport *writer = NULL;
        assert_int_equal(holm_transport_nng_open(&config, &writer), HOLM_OK);
        struct holm_link_id link;
        assert_int_equal(writer->ops->link_dial(writer, reader->ops->address(reader), &link),
                         HOLM_OK);
        assert_int_equal(writer->ops->link_send(writer, link, "last words", 10), HOLM_OK);
        writer->ops->close(writer, 10 * SECOND);
        static const enum holm_transport_event_type expected[] = {
            HOLM_TRANSPORT_LINK_UP, HOLM_TRANSPORT_LINK_FRAME, HOLM_TRANSPORT_LINK_CLOSED};
        for (size_t i = 0; i < 3; i++) {
            struct holm_transport_event event;
            reader->ops->next(reader, 10 * SECOND, &event);
            assert_int_equal(event.type, expected[i]);
            reader->ops->release(reader, &event);
        }
        shut(reader);
    }
}

/* A peer that greets as a subscriber, byte by byte, and goes on like that. */
static atomic_int trickle_port;

static void *trickle(void *context)
{
    char address[HOLM_ADDRESS_BYTES_MAX];
    for (int port; (port = atomic_load(&trickle_port)) != 0;) {
        snprintf(address, sizeof address, "tcp://127.0.0.1:%d", port);
        int socket_fd = connect_to(address);
        if (socket_fd < 0)
            continue;
        static const char bytes[100] = "\0SP\0\0\x21\0\0\0\0\0\0\0\0\0\x40";
        for (size_t i = 0; i < sizeof bytes; i++)
            if (send(socket_fd, bytes + i, 1, MSG_NOSIGNAL) != 1)
                break;
        close(socket_fd);
    }
    return NULL;
}

static void test_transport_when_peers_trickle_bytes_then_close_returns(void **state)
{
    enum {
        PEERS = 3,
        TIMES = 500
    };
    pthread_t threads[PEERS];
    struct holm_transport *transport = open_at(everywhere[0]);
    for (unsigned i = 0; i < TIMES; i++) {
        const char *publisher = transport->ops->publisher(transport);
        atomic_store(&trickle_port, atoi(strrchr(publisher, ':') + 1));
        for (unsigned t = 0; i == 0 && t < PEERS; t++)
            assert_int_equal(pthread_create(&threads[t], NULL, trickle, NULL), 0);
        struct holm_transport_event event;
        for (unsigned t = 0; t < PEERS; t++) {
            assert_int_equal(transport->ops->broadcast(transport, "hello", 5), HOLM_OK);
            transport->ops->next(transport, 200, &event);
            transport->ops->release(transport, &event);
        }
        shut(transport);
        transport = open_at(everywhere[0]);
    }
    atomic_store(&trickle_port, 0);
    for (unsigned t = 0; t < PEERS; t++)
        assert_int_equal(pthread_join(threads[t], NULL), 0);
    shut(transport);
}

/* The next event, which must be of this type. */
static struct holm_link_id await_link(struct holm_transport *transport,
                                      enum holm_transport_event_type type)
{
    struct holm_transport_event event;
    transport->ops->next(transport, 10 * SECOND, &event);
    assert_int_equal(event.type, type);
    return event.link;
}

/* Sends until so much waits in all queues, and the kernel takes no more of it. */
static void fill(struct holm_transport *transport, struct holm_link_id link, uint64_t bytes)
{
    static char frame[60000];
    struct holm_transport_event event;
    do {
        while (stats_of(transport).queued_bytes < bytes)
            assert_int_equal(transport->ops->link_send(transport, link, frame, sizeof frame),
                             HOLM_OK);
        transport->ops->next(transport, SECOND / 20, &event);
        assert_int_equal(event.type, HOLM_TRANSPORT_NONE);
    } while (stats_of(transport).queued_bytes < bytes);
}

/* Many peers that read nothing cost no more than the bound; the one that costs most goes first. */
static void test_links_when_all_together_wait_for_too_much_then_the_fullest_is_cut_off(void **state)
{
    enum {
        PEERS = 4
    };
    struct holm_transport_config config = holm_transport_config_default();
    struct holm_transport *transport = NULL;
    struct holm_link_id links[PEERS];
    static char frame[60000];
    int fds[PEERS];
    config.listen = everywhere[0];
    config.frame_bytes_max = 65536;
    config.link_queue_bytes_max = 3 << 20;
    config.links_queue_bytes_max = 4 << 20;
    assert_int_equal(holm_transport_nng_open(&config, &transport), HOLM_OK);
    for (int i = 0; i < PEERS; i++) {
        fds[i] = connect_to(transport->ops->address(transport));
        links[i] = await_link(transport, HOLM_TRANSPORT_LINK_UP);
    }
    fill(transport, links[0], 2 << 20);
    fill(transport, links[1], 3 << 20);
    /* The third takes what is left, and then the place of the first. */
    while (stats_of(transport).links_overrun == 0)
        assert_int_equal(transport->ops->link_send(transport, links[2], frame, sizeof frame),
                         HOLM_OK);
    assert_int_equal(await_link(transport, HOLM_TRANSPORT_LINK_CLOSED).value, links[0].value);
    assert_int_equal(transport->ops->link_send(transport, links[0], frame, 1), HOLM_ECLOSED);
    for (int i = 1; i < PEERS; i++)
        assert_int_equal(transport->ops->link_send(transport, links[i], frame, 1), HOLM_OK);
    assert_true(stats_of(transport).queued_bytes <= config.links_queue_bytes_max);
    /* One alone has its own bound. */
    enum holm_status status = HOLM_OK;
    while (status == HOLM_OK)
        status = transport->ops->link_send(transport, links[3], frame, sizeof frame);
    assert_int_equal(status, HOLM_ELIMIT);
    assert_true(stats_of(transport).queued_bytes <= config.links_queue_bytes_max);
    for (int i = 0; i < PEERS; i++)
        transport->ops->link_close(transport, links[i]);
    assert_int_equal(stats_of(transport).queued_bytes, 0);
    for (int i = 0; i < PEERS; i++)
        close(fds[i]);
    shut(transport);
}

int main(void)
{
    if (mkdtemp(folder) == NULL)
        return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_publisher_when_a_real_sub0_subscribes_then_it_hears),
        cmocka_unit_test(test_subscription_when_a_real_pub0_publishes_then_it_hears),
        cmocka_unit_test(test_transport_when_a_killed_process_left_its_socket_then_it_listens),
        cmocka_unit_test(test_link_when_a_length_is_claimed_then_refused_unless_small),
        cmocka_unit_test(test_publisher_when_a_peer_is_no_subscriber_then_cut_off),
        cmocka_unit_test(test_publisher_when_a_subscriber_does_not_read_then_cut_off_and_counted),
        cmocka_unit_test(test_link_when_flooded_with_empty_frames_then_memory_is_bounded),
        cmocka_unit_test(test_subscription_when_flooded_with_empty_frames_then_memory_is_bounded),
        cmocka_unit_test(test_transport_when_closed_with_linger_then_the_reader_loses_nothing),
        cmocka_unit_test(test_transport_when_closed_with_linger_while_dialling_then_frames_arrive),
        cmocka_unit_test(test_transport_when_peers_trickle_bytes_then_close_returns),
        cmocka_unit_test(
            test_links_when_all_together_wait_for_too_much_then_the_fullest_is_cut_off),
    };
    int failed = cmocka_run_group_tests_name("nng_peers", tests, NULL, NULL);
    return rmdir(folder) == 0 ? failed : 1;
}

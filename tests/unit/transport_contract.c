/* SPDX-License-Identifier: Apache-2.0 */
#include "transport_contract.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SECOND ((uint64_t)1000000)
#define PATIENCE (10 * SECOND)

static const struct contract_network *network;

static struct holm_transport_config usual(void)
{
    struct holm_transport_config config = holm_transport_config_default();
    config.frame_bytes_max = 65536;
    return config;
}

static struct holm_transport *open_with(unsigned place, struct holm_transport_config config)
{
    struct holm_transport *transport = NULL;
    config.listen = network->listen(place);
    assert_int_equal(network->open(place, &config, &transport), HOLM_OK);
    assert_non_null(transport);
    return transport;
}

static struct holm_transport *open_at(unsigned place)
{
    return open_with(place, usual());
}

static void shut(struct holm_transport *transport)
{
    transport->ops->close(transport, 0);
}

/* The next event, which must be of this type. */
static struct holm_transport_event await(struct holm_transport *transport,
                                         enum holm_transport_event_type type)
{
    struct holm_transport_event event;
    network->next(transport, PATIENCE, &event);
    assert_int_equal(event.type, type);
    return event;
}

static void nothing_comes(struct holm_transport *transport, uint64_t for_us)
{
    struct holm_transport_event event;
    network->next(transport, for_us, &event);
    assert_int_equal(event.type, HOLM_TRANSPORT_NONE);
}

/* Bytes that tell which frame they are of, and where in it. */
static void paint(unsigned char *bytes, size_t size, uint64_t number)
{
    for (size_t i = 0; i < size; i++)
        bytes[i] = (unsigned char)(number * 31 + i * 7 + (i >> 8));
}

static void check_painted(const struct holm_transport_event *event, size_t size, uint64_t number)
{
    unsigned char *expected = malloc(size + 1);
    assert_non_null(expected);
    paint(expected, size, number);
    assert_int_equal(event->frame_bytes, size);
    assert_memory_equal(event->frame, expected, size);
    free(expected);
}

static enum holm_status send_painted(struct holm_transport *transport, struct holm_link_id link,
                                     size_t size, uint64_t number)
{
    unsigned char *bytes = malloc(size + 1);
    assert_non_null(bytes);
    paint(bytes, size, number);
    enum holm_status status = transport->ops->link_send(transport, link, bytes, size);
    free(bytes);
    return status;
}

static void expect_painted(struct holm_transport *transport, struct holm_link_id link, size_t size,
                           uint64_t number)
{
    struct holm_transport_event event = await(transport, HOLM_TRANSPORT_LINK_FRAME);
    assert_int_equal(event.link.value, link.value);
    check_painted(&event, size, number);
    transport->ops->release(transport, &event);
}

struct pair {
    struct holm_transport *a, *b;
    struct holm_link_id ab, ba; /* a's link to b, and b's to a */
};

static void join(struct pair *pair)
{
    const char *address = pair->b->ops->address(pair->b);
    assert_int_equal(pair->a->ops->link_dial(pair->a, address, &pair->ab), HOLM_OK);
    struct holm_transport_event up = await(pair->a, HOLM_TRANSPORT_LINK_UP);
    assert_int_equal(up.link.value, pair->ab.value);
    assert_false(up.accepted);
    up = await(pair->b, HOLM_TRANSPORT_LINK_UP);
    assert_true(up.accepted);
    pair->ba = up.link;
}

static struct pair pair_with(struct holm_transport_config a, struct holm_transport_config b)
{
    struct pair pair = {.a = open_with(0, a), .b = open_with(1, b)};
    join(&pair);
    return pair;
}

static void part(struct pair *pair)
{
    shut(pair->a);
    shut(pair->b);
}

static struct holm_subscription_id subscribe(struct holm_transport *subscriber,
                                             struct holm_transport *publisher)
{
    struct holm_subscription_id id = {0};
    const char *address = publisher->ops->publisher(publisher);
    assert_int_equal(subscriber->ops->subscribe(subscriber, address, &id), HOLM_OK);
    assert_true(id.value > 0);
    return id;
}

/* Publishes "hello" until the subscriber has heard it. */
static void hear(struct holm_transport *subscriber, struct holm_transport *publisher)
{
    struct holm_transport_event event = {0};
    for (unsigned tries = 0; event.type == HOLM_TRANSPORT_NONE && tries < 1000; tries++) {
        assert_int_equal(publisher->ops->broadcast(publisher, "hello", 5), HOLM_OK);
        network->next(subscriber, SECOND / 100, &event);
    }
    assert_int_equal(event.type, HOLM_TRANSPORT_BROADCAST);
    assert_int_equal(event.frame_bytes, 5);
    assert_memory_equal(event.frame, "hello", 5);
    subscriber->ops->release(subscriber, &event);
}

/* Takes what is left of hear(), up to the first frame that is no "hello". */
static struct holm_transport_event skip_hellos(struct holm_transport *subscriber)
{
    for (;;) {
        struct holm_transport_event event = await(subscriber, HOLM_TRANSPORT_BROADCAST);
        if (event.frame_bytes != 5 || memcmp(event.frame, "hello", 5) != 0)
            return event;
        subscriber->ops->release(subscriber, &event);
    }
}

static void test_transport_when_dialled_then_both_sides_are_up(void **state)
{
    struct pair pair = pair_with(usual(), usual());
    assert_int_equal(send_painted(pair.a, pair.ab, 10, 1), HOLM_OK);
    assert_int_equal(send_painted(pair.b, pair.ba, 20, 2), HOLM_OK);
    expect_painted(pair.b, pair.ba, 10, 1);
    expect_painted(pair.a, pair.ab, 20, 2);
    part(&pair);
}

static void test_transport_when_silent_then_next_gives_nothing(void **state)
{
    struct holm_transport *alone = open_at(0);
    nothing_comes(alone, 0);
    nothing_comes(alone, SECOND / 100);
    shut(alone);
}

static void test_transport_when_not_listening_then_dials_only(void **state)
{
    struct holm_transport_config config = usual();
    struct pair pair = {.a = NULL, .b = open_at(1)};
    assert_int_equal(network->open(0, &config, &pair.a), HOLM_OK);
    assert_string_equal(pair.a->ops->address(pair.a), "");
    assert_string_equal(pair.a->ops->publisher(pair.a), "");
    assert_int_equal(pair.a->ops->broadcast(pair.a, "x", 1), HOLM_OK);
    join(&pair);
    assert_int_equal(send_painted(pair.b, pair.ba, 9, 9), HOLM_OK);
    expect_painted(pair.a, pair.ab, 9, 9);
    part(&pair);
}

static void test_transport_when_frame_sent_before_up_then_it_waits(void **state)
{
    struct pair pair = {.a = open_at(0), .b = open_at(1)};
    const char *address = pair.b->ops->address(pair.b);
    assert_int_equal(pair.a->ops->link_dial(pair.a, address, &pair.ab), HOLM_OK);
    assert_int_equal(send_painted(pair.a, pair.ab, 100, 3), HOLM_OK);
    pair.ba = await(pair.b, HOLM_TRANSPORT_LINK_UP).link;
    expect_painted(pair.b, pair.ba, 100, 3);
    part(&pair);
}

/* 10,000 sizes, mostly small, some at the limit. */
static size_t size_of(uint64_t number)
{
    if (number % 997 == 0)
        return 65536;
    if (number % 101 == 0)
        return 16384 + number % 40000;
    return number % 701;
}

static void test_transport_when_10000_frames_sent_then_whole_and_in_order(void **state)
{
    enum {
        FRAMES = 10000,
        AHEAD = 40
    };
    struct pair pair = pair_with(usual(), usual());
    for (uint64_t number = 0; number < FRAMES + AHEAD; number++) {
        if (number < FRAMES) {
            assert_int_equal(send_painted(pair.a, pair.ab, size_of(number), number), HOLM_OK);
            assert_int_equal(send_painted(pair.b, pair.ba, size_of(number + 5), number), HOLM_OK);
        }
        if (number >= AHEAD) {
            expect_painted(pair.b, pair.ba, size_of(number - AHEAD), number - AHEAD);
            expect_painted(pair.a, pair.ab, size_of(number - AHEAD + 5), number - AHEAD);
        }
    }
    part(&pair);
}

static void test_transport_when_frame_is_oversize_then_refused_at_the_sender(void **state)
{
    struct pair pair = pair_with(usual(), usual());
    unsigned char *large = calloc(1, 65537);
    assert_non_null(large);
    assert_int_equal(pair.a->ops->link_send(pair.a, pair.ab, large, 65537), HOLM_ETOOBIG);
    assert_int_equal(pair.a->ops->broadcast(pair.a, large, 65537), HOLM_ETOOBIG);
    free(large);
    assert_int_equal(send_painted(pair.a, pair.ab, 65536, 1), HOLM_OK);
    expect_painted(pair.b, pair.ba, 65536, 1);
    part(&pair);
}

static void test_transport_when_peer_sends_oversize_then_link_breaks(void **state)
{
    struct holm_transport_config small = usual();
    small.frame_bytes_max = 1000;
    struct pair pair = pair_with(usual(), small);
    assert_int_equal(send_painted(pair.a, pair.ab, 1000, 1), HOLM_OK);
    assert_int_equal(send_painted(pair.a, pair.ab, 1001, 2), HOLM_OK);
    expect_painted(pair.b, pair.ba, 1000, 1);
    assert_int_equal(await(pair.b, HOLM_TRANSPORT_LINK_CLOSED).link.value, pair.ba.value);
    assert_int_equal(await(pair.a, HOLM_TRANSPORT_LINK_CLOSED).link.value, pair.ab.value);
    struct holm_transport_stats stats;
    pair.b->ops->stats(pair.b, &stats);
    assert_int_equal(stats.oversized, 1);
    part(&pair);
}

static void test_transport_when_peer_broadcasts_oversize_then_counted(void **state)
{
    struct holm_transport_config small = usual();
    small.frame_bytes_max = 1000;
    struct holm_transport *publisher = open_at(0);
    struct holm_transport *subscriber = open_with(1, small);
    subscribe(subscriber, publisher);
    hear(subscriber, publisher);
    unsigned char *large = calloc(1, 2000);
    assert_non_null(large);
    assert_int_equal(publisher->ops->broadcast(publisher, large, 2000), HOLM_OK);
    free(large);
    struct holm_transport_stats stats = {0};
    for (unsigned tries = 0; stats.oversized == 0 && tries < 1000; tries++) {
        struct holm_transport_event event;
        network->next(subscriber, SECOND / 100, &event);
        subscriber->ops->release(subscriber, &event);
        subscriber->ops->stats(subscriber, &stats);
    }
    assert_int_equal(stats.oversized, 1);
    hear(subscriber, publisher);
    shut(subscriber);
    shut(publisher);
}

static void test_transport_when_link_closed_then_no_event_of_it_comes(void **state)
{
    struct pair pair = pair_with(usual(), usual());
    for (uint64_t number = 0; number < 100; number++)
        assert_int_equal(send_painted(pair.b, pair.ba, 1000, number), HOLM_OK);
    expect_painted(pair.a, pair.ab, 1000, 0);
    pair.a->ops->link_close(pair.a, pair.ab);
    assert_int_equal(send_painted(pair.a, pair.ab, 1, 0), HOLM_ECLOSED);
    assert_int_equal(await(pair.b, HOLM_TRANSPORT_LINK_CLOSED).link.value, pair.ba.value);
    assert_int_equal(send_painted(pair.b, pair.ba, 1, 0), HOLM_ECLOSED);
    nothing_comes(pair.a, SECOND / 20);
    nothing_comes(pair.b, SECOND / 20);
    pair.a->ops->link_close(pair.a, pair.ab);
    pair.b->ops->link_close(pair.b, pair.ba);
    pair.b->ops->link_close(pair.b, (struct holm_link_id){12345});
    part(&pair);
}

static void test_transport_when_dial_is_closed_then_no_event_of_it_comes(void **state)
{
    struct pair pair = {.a = open_at(0), .b = open_at(1)};
    for (unsigned i = 0; i < 50; i++) {
        const char *address = pair.b->ops->address(pair.b);
        assert_int_equal(pair.a->ops->link_dial(pair.a, address, &pair.ab), HOLM_OK);
        pair.a->ops->link_close(pair.a, pair.ab);
    }
    nothing_comes(pair.a, SECOND / 20);
    part(&pair);
}

static void test_transport_when_closed_with_linger_then_frames_arrive_first(void **state)
{
    struct pair pair = pair_with(usual(), usual());
    for (uint64_t number = 0; number < 100; number++)
        assert_int_equal(send_painted(pair.a, pair.ab, 2000, number), HOLM_OK);
    pair.a->ops->close(pair.a, PATIENCE);
    for (uint64_t number = 0; number < 100; number++)
        expect_painted(pair.b, pair.ba, 2000, number);
    assert_int_equal(await(pair.b, HOLM_TRANSPORT_LINK_CLOSED).link.value, pair.ba.value);
    nothing_comes(pair.b, SECOND / 20);
    shut(pair.b);
}

static void test_transport_when_nobody_is_there_then_dial_ends_in_time(void **state)
{
    struct holm_transport *alone = open_at(0);
    struct holm_link_id link = {0};
    assert_int_equal(alone->ops->link_dial(alone, network->nowhere, &link), HOLM_OK);
    struct holm_transport_event event;
    network->next(alone, 3 * SECOND / 2, &event);
    assert_int_equal(event.type, HOLM_TRANSPORT_LINK_CLOSED);
    assert_int_equal(event.link.value, link.value);
    nothing_comes(alone, SECOND / 20);
    struct holm_transport_stats stats;
    alone->ops->stats(alone, &stats);
    assert_int_equal(stats.links_opened, 0);
    assert_int_equal(stats.links_closed, 0);
    shut(alone);
}

static void test_transport_when_address_is_no_address_then_refused(void **state)
{
    static const char *const bad[] = {"", "nonsense", "tcp://", "tcp://127.0.0.1", "ipc://"};
    struct holm_transport *alone = open_at(0);
    struct holm_link_id link = {0};
    struct holm_subscription_id subscription = {0};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(alone->ops->link_dial(alone, bad[i], &link), HOLM_EADDRESS);
        assert_int_equal(alone->ops->subscribe(alone, bad[i], &subscription), HOLM_EADDRESS);
    }
    assert_int_equal(link.value, 0);
    shut(alone);
}

static void test_transport_when_address_is_taken_then_open_is_refused(void **state)
{
    struct holm_transport *first = open_at(0);
    struct holm_transport_config config = usual();
    config.listen = first->ops->address(first);
    struct holm_transport *second = NULL;
    assert_int_equal(network->open(0, &config, &second), HOLM_EADDRESS);
    assert_null(second);
    shut(first);
}

static void test_transport_when_numbers_do_not_fit_then_open_is_refused(void **state)
{
    struct holm_transport_config config = usual();
    struct holm_transport *transport = NULL;
    config.frame_bytes_max = 0;
    assert_int_equal(network->open(0, &config, &transport), HOLM_EINVAL);
    config = usual();
    config.link_queue_bytes_max = config.frame_bytes_max;
    assert_int_equal(network->open(0, &config, &transport), HOLM_EINVAL);
    assert_null(transport);
}

static void test_transport_when_broadcast_then_every_subscriber_hears_all(void **state)
{
    enum {
        SUBSCRIBERS = 3,
        FRAMES = 200
    };
    struct holm_transport *publisher = open_at(0);
    struct holm_transport *subscribers[SUBSCRIBERS];
    struct holm_subscription_id ids[SUBSCRIBERS];
    for (unsigned i = 0; i < SUBSCRIBERS; i++) {
        subscribers[i] = open_at(i + 1);
        ids[i] = subscribe(subscribers[i], publisher);
        hear(subscribers[i], publisher);
    }
    unsigned char bytes[3000];
    for (uint64_t number = 0; number < FRAMES; number++) {
        paint(bytes, 10 + number * 10, number);
        assert_int_equal(publisher->ops->broadcast(publisher, bytes, 10 + number * 10), HOLM_OK);
    }
    for (unsigned i = 0; i < SUBSCRIBERS; i++) {
        struct holm_transport_event event = skip_hellos(subscribers[i]);
        for (uint64_t number = 0; number < FRAMES; number++) {
            assert_int_equal(event.subscription.value, ids[i].value);
            check_painted(&event, 10 + number * 10, number);
            subscribers[i]->ops->release(subscribers[i], &event);
            if (number + 1 < FRAMES)
                event = await(subscribers[i], HOLM_TRANSPORT_BROADCAST);
        }
        shut(subscribers[i]);
    }
    shut(publisher);
}

static void test_transport_when_two_publishers_then_told_apart(void **state)
{
    struct holm_transport *first = open_at(0);
    struct holm_transport *second = open_at(1);
    struct holm_transport *subscriber = open_at(2);
    struct holm_subscription_id to_first = subscribe(subscriber, first);
    hear(subscriber, first);
    struct holm_subscription_id to_second = subscribe(subscriber, second);
    assert_true(to_first.value != to_second.value);
    bool heard = false;
    for (unsigned tries = 0; !heard && tries < 1000; tries++) {
        assert_int_equal(second->ops->broadcast(second, "second", 6), HOLM_OK);
        struct holm_transport_event event;
        network->next(subscriber, SECOND / 100, &event);
        heard = event.type == HOLM_TRANSPORT_BROADCAST && event.frame_bytes == 6;
        if (heard)
            assert_int_equal(event.subscription.value, to_second.value);
        subscriber->ops->release(subscriber, &event);
    }
    assert_true(heard);
    shut(subscriber);
    shut(first);
    shut(second);
}

static void test_transport_when_subscribed_before_publisher_then_heard(void **state)
{
    struct holm_transport *publisher = open_at(0);
    struct holm_transport *subscriber = open_at(1);
    char address[HOLM_ADDRESS_BYTES_MAX], own[HOLM_ADDRESS_BYTES_MAX];
    strcpy(address, publisher->ops->publisher(publisher));
    strcpy(own, publisher->ops->address(publisher));
    shut(publisher);

    struct holm_subscription_id id;
    assert_int_equal(subscriber->ops->subscribe(subscriber, address, &id), HOLM_OK);
    nothing_comes(subscriber, SECOND / 5);
    publisher = open_at(0);
    if (strcmp(publisher->ops->publisher(publisher), address) != 0) {
        /* A port of one's own is another one after a restart: Hello tells it. */
        subscriber->ops->unsubscribe(subscriber, id);
        subscribe(subscriber, publisher);
    }
    hear(subscriber, publisher);
    shut(publisher);
    shut(subscriber);
}

static void test_transport_when_unsubscribed_then_no_broadcast_comes(void **state)
{
    struct holm_transport *publisher = open_at(0);
    struct holm_transport *subscriber = open_at(1);
    struct holm_subscription_id id = subscribe(subscriber, publisher);
    hear(subscriber, publisher);
    for (unsigned i = 0; i < 100; i++)
        assert_int_equal(publisher->ops->broadcast(publisher, "more", 4), HOLM_OK);
    struct holm_transport_event event = await(subscriber, HOLM_TRANSPORT_BROADCAST);
    subscriber->ops->release(subscriber, &event);
    subscriber->ops->unsubscribe(subscriber, id);
    nothing_comes(subscriber, SECOND / 10);
    subscriber->ops->unsubscribe(subscriber, id);
    id = subscribe(subscriber, publisher);
    hear(subscriber, publisher);
    shut(subscriber);
    shut(publisher);
}

static void test_transport_when_broadcasts_are_not_taken_then_dropped_and_counted(void **state)
{
    enum {
        FRAMES = 300,
        BYTES = 1000
    };
    struct holm_transport_config small = usual();
    small.broadcast_queue_bytes_max = 20000;
    struct holm_transport *publisher = open_at(0);
    struct holm_transport *slow = open_with(1, small);
    struct holm_transport *quick = open_at(2);
    subscribe(slow, publisher);
    hear(slow, publisher);
    subscribe(quick, publisher);
    hear(quick, publisher);
    unsigned char bytes[BYTES];
    for (uint64_t number = 0; number < FRAMES; number++) {
        paint(bytes, BYTES, number);
        assert_int_equal(publisher->ops->broadcast(publisher, bytes, BYTES), HOLM_OK);
    }
    struct holm_transport_event event = skip_hellos(quick);
    for (uint64_t number = 0; number < FRAMES; number++) {
        check_painted(&event, BYTES, number);
        quick->ops->release(quick, &event);
        if (number + 1 < FRAMES)
            event = await(quick, HOLM_TRANSPORT_BROADCAST);
    }
    struct holm_transport_stats stats = {0};
    slow->ops->stats(slow, &stats);
    for (unsigned tries = 0; tries < 1000 && stats.broadcasts_received < FRAMES; tries++) {
        nothing_comes(quick, SECOND / 100);
        slow->ops->stats(slow, &stats);
    }
    assert_true(stats.broadcasts_dropped >= FRAMES - 20);
    event = skip_hellos(slow);
    for (uint64_t number = 0; number < 10; number++) {
        check_painted(&event, BYTES, number);
        slow->ops->release(slow, &event);
        event = await(slow, HOLM_TRANSPORT_BROADCAST);
    }
    slow->ops->release(slow, &event);
    shut(slow);
    shut(quick);
    shut(publisher);
}

static void test_transport_when_peer_does_not_read_then_cut_off_alone(void **state)
{
    struct holm_transport_config bounded = usual();
    bounded.link_queue_bytes_max = 200000;
    struct pair stuck = pair_with(bounded, usual());
    struct pair alive = {.a = stuck.a, .b = open_at(2)};
    join(&alive);
    enum holm_status status = HOLM_OK;
    /* Kernel buffers take some megabytes before the queue fills. */
    unsigned sent = 0;
    for (; status == HOLM_OK && sent < 2000; sent++)
        status = send_painted(stuck.a, stuck.ab, 60000, sent);
    assert_int_equal(status, HOLM_ELIMIT);
    assert_int_equal(send_painted(stuck.a, stuck.ab, 1, 0), HOLM_ECLOSED);
    assert_int_equal(send_painted(alive.a, alive.ab, 60000, 7), HOLM_OK);
    expect_painted(alive.b, alive.ba, 60000, 7);
    assert_int_equal(await(stuck.a, HOLM_TRANSPORT_LINK_CLOSED).link.value, stuck.ab.value);

    struct holm_transport_stats stats;
    stuck.b->ops->stats(stuck.b, &stats);
    assert_true(stats.bytes_received <= 262144 + 2 * 65536);
    part(&stuck);
    shut(alive.b);
}

static void test_transport_when_owner_is_slow_then_nothing_is_lost(void **state)
{
    enum {
        FRAMES = 100
    };
    struct pair pair = pair_with(usual(), usual());
    for (uint64_t number = 0; number < FRAMES; number++)
        assert_int_equal(send_painted(pair.a, pair.ab, 60000, number), HOLM_OK);
    nothing_comes(pair.a, SECOND / 10);
    struct holm_transport_stats stats;
    pair.b->ops->stats(pair.b, &stats);
    assert_true(stats.bytes_received <= 262144 + 2 * 65536);
    for (uint64_t number = 0; number < FRAMES; number++)
        expect_painted(pair.b, pair.ba, 60000, number);
    nothing_comes(pair.b, SECOND / 100);
    part(&pair);
}

static void test_transport_when_many_talk_then_none_starves(void **state)
{
    enum {
        FRAMES = 1000
    };
    struct holm_transport *hub = open_at(0);
    struct pair loud = {.a = open_at(1), .b = hub};
    struct pair quiet = {.a = open_at(2), .b = hub};
    join(&loud);
    join(&quiet);
    for (uint64_t number = 0; number < FRAMES; number++)
        assert_int_equal(send_painted(loud.a, loud.ab, 100, number), HOLM_OK);
    expect_painted(hub, loud.ba, 100, 0);
    assert_int_equal(send_painted(quiet.a, quiet.ab, 50, 0), HOLM_OK);
    bool heard = false;
    for (uint64_t number = 1; number < FRAMES;) {
        struct holm_transport_event event = await(hub, HOLM_TRANSPORT_LINK_FRAME);
        if (event.link.value == quiet.ba.value)
            heard = true;
        else
            check_painted(&event, 100, number++);
        hub->ops->release(hub, &event);
    }
    if (!heard)
        expect_painted(hub, quiet.ba, 50, 0);
    shut(loud.a);
    shut(quiet.a);
    shut(hub);
}

static void test_transport_when_links_are_too_many_then_refused(void **state)
{
    struct holm_transport_config two = usual();
    two.links_max = 2;
    struct pair first = pair_with(usual(), two);
    struct pair second = first, third = first;
    join(&second);
    const char *address = third.b->ops->address(third.b);
    assert_int_equal(third.a->ops->link_dial(third.a, address, &third.ab), HOLM_OK);
    struct holm_transport_event event;
    do
        network->next(third.a, PATIENCE, &event);
    while (event.type == HOLM_TRANSPORT_LINK_UP);
    assert_int_equal(event.type, HOLM_TRANSPORT_LINK_CLOSED);
    assert_int_equal(event.link.value, third.ab.value);
    struct holm_transport_stats stats;
    first.b->ops->stats(first.b, &stats);
    assert_int_equal(stats.links_refused, 1);

    first.b->ops->link_close(first.b, first.ba);
    assert_int_equal(await(first.a, HOLM_TRANSPORT_LINK_CLOSED).link.value, first.ab.value);
    join(&third);
    part(&first);
}

static void test_transport_when_peer_goes_then_link_closes_once(void **state)
{
    struct pair pair = pair_with(usual(), usual());
    shut(pair.b);
    assert_int_equal(await(pair.a, HOLM_TRANSPORT_LINK_CLOSED).link.value, pair.ab.value);
    nothing_comes(pair.a, SECOND / 20);
    pair.b = open_at(1);
    join(&pair);
    part(&pair);
}

static void test_transport_when_woken_then_next_returns(void **state)
{
    struct holm_transport *alone = open_at(0);
    alone->ops->wake(alone);
    alone->ops->wake(alone);
    struct holm_transport_event event;
    alone->ops->next(alone, UINT64_MAX, &event);
    assert_int_equal(event.type, HOLM_TRANSPORT_NONE);
    nothing_comes(alone, SECOND / 100);
    shut(alone);
}

static void test_transport_when_used_then_counts(void **state)
{
    struct pair pair = pair_with(usual(), usual());
    assert_int_equal(send_painted(pair.a, pair.ab, 10, 1), HOLM_OK);
    assert_int_equal(send_painted(pair.a, pair.ab, 20, 2), HOLM_OK);
    expect_painted(pair.b, pair.ba, 10, 1);
    expect_painted(pair.b, pair.ba, 20, 2);
    subscribe(pair.b, pair.a);
    hear(pair.b, pair.a);
    struct holm_transport_stats a, b;
    pair.a->ops->stats(pair.a, &a);
    pair.b->ops->stats(pair.b, &b);
    assert_int_equal(a.links_opened, 1);
    assert_int_equal(b.links_opened, 1);
    assert_int_equal(a.frames_sent, 2);
    assert_int_equal(a.bytes_sent, 30);
    assert_int_equal(b.frames_received, 2);
    assert_int_equal(b.bytes_received, 30);
    assert_true(a.broadcasts_sent >= 1 && a.broadcast_bytes_sent == 5 * a.broadcasts_sent);
    assert_true(b.broadcasts_received >= 1 && b.broadcasts_received <= a.broadcasts_sent);
    pair.a->ops->link_close(pair.a, pair.ab);
    pair.a->ops->stats(pair.a, &a);
    assert_int_equal(a.links_closed, 1);
    part(&pair);
}

/* Memory that refuses from the n-th request on. */
struct miser {
    unsigned long until;
    size_t held;
};

static void *miserly(void *context, void *memory, size_t size_old, size_t size_new)
{
    struct miser *miser = context;
    if (size_new > size_old && miser->until == 0)
        return NULL;
    if (size_new > size_old)
        miser->until--;
    miser->held += size_new - size_old;
    if (size_new > 0)
        return realloc(memory, size_new);
    free(memory);
    return NULL;
}

static void test_transport_when_memory_is_refused_then_says_so_and_leaks_nothing(void **state)
{
    bool done = false;
    for (unsigned long until = 0; !done && until < 100; until++) {
        struct miser miser = {.until = until};
        struct holm_transport_config config = usual();
        config.allocator = (struct holm_allocator){.resize = miserly, .context = &miser};
        config.listen = network->listen(0);
        struct holm_transport *transport = NULL;
        enum holm_status status = network->open(0, &config, &transport);
        if (status == HOLM_OK) {
            struct holm_link_id link = {0};
            status = transport->ops->link_dial(transport, network->nowhere, &link);
            if (status == HOLM_OK)
                status = transport->ops->link_send(transport, link, "frame", 5);
            /* The dial may have failed already, which needed no memory. */
            done = status == HOLM_OK || status == HOLM_ECLOSED;
            shut(transport);
        }
        assert_true(done || status == HOLM_ENOMEM);
        assert_int_equal(miser.held, 0);
    }
    assert_true(done);
}

int contract_run(const struct contract_network *under_test)
{
    network = under_test;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_transport_when_dialled_then_both_sides_are_up),
        cmocka_unit_test(test_transport_when_silent_then_next_gives_nothing),
        cmocka_unit_test(test_transport_when_not_listening_then_dials_only),
        cmocka_unit_test(test_transport_when_frame_sent_before_up_then_it_waits),
        cmocka_unit_test(test_transport_when_10000_frames_sent_then_whole_and_in_order),
        cmocka_unit_test(test_transport_when_frame_is_oversize_then_refused_at_the_sender),
        cmocka_unit_test(test_transport_when_peer_sends_oversize_then_link_breaks),
        cmocka_unit_test(test_transport_when_peer_broadcasts_oversize_then_counted),
        cmocka_unit_test(test_transport_when_link_closed_then_no_event_of_it_comes),
        cmocka_unit_test(test_transport_when_dial_is_closed_then_no_event_of_it_comes),
        cmocka_unit_test(test_transport_when_closed_with_linger_then_frames_arrive_first),
        cmocka_unit_test(test_transport_when_nobody_is_there_then_dial_ends_in_time),
        cmocka_unit_test(test_transport_when_address_is_no_address_then_refused),
        cmocka_unit_test(test_transport_when_address_is_taken_then_open_is_refused),
        cmocka_unit_test(test_transport_when_numbers_do_not_fit_then_open_is_refused),
        cmocka_unit_test(test_transport_when_broadcast_then_every_subscriber_hears_all),
        cmocka_unit_test(test_transport_when_two_publishers_then_told_apart),
        cmocka_unit_test(test_transport_when_subscribed_before_publisher_then_heard),
        cmocka_unit_test(test_transport_when_unsubscribed_then_no_broadcast_comes),
        cmocka_unit_test(test_transport_when_broadcasts_are_not_taken_then_dropped_and_counted),
        cmocka_unit_test(test_transport_when_peer_does_not_read_then_cut_off_alone),
        cmocka_unit_test(test_transport_when_owner_is_slow_then_nothing_is_lost),
        cmocka_unit_test(test_transport_when_many_talk_then_none_starves),
        cmocka_unit_test(test_transport_when_links_are_too_many_then_refused),
        cmocka_unit_test(test_transport_when_peer_goes_then_link_closes_once),
        cmocka_unit_test(test_transport_when_woken_then_next_returns),
        cmocka_unit_test(test_transport_when_used_then_counts),
        cmocka_unit_test(test_transport_when_memory_is_refused_then_says_so_and_leaks_nothing),
    };
    return cmocka_run_group_tests_name(network->name, tests, NULL, NULL);
}

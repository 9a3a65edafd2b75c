/* SPDX-License-Identifier: Apache-2.0 */
/* The virtual network's faults; what it does as a transport is in transport_contract.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sim/network.h"

#define SECOND ((uint64_t)1000000)
#define A "virtual://a"
#define B "virtual://b"

struct world {
    struct holm_network *network;
    struct holm_transport *a, *b;
    struct holm_link_id ab, ba;
};

static struct holm_transport *open_at(struct holm_network *network, const char *address)
{
    struct holm_transport_config config = holm_transport_config_default();
    config.listen = address;
    struct holm_transport *transport = NULL;
    assert_int_equal(holm_network_open(network, address, &config, &transport), HOLM_OK);
    return transport;
}

static struct holm_network *network_with(uint64_t seed)
{
    struct holm_transport_config config = holm_transport_config_default();
    struct holm_network *network = NULL;
    assert_int_equal(holm_network_new(&network, &config.allocator, seed), HOLM_OK);
    return network;
}

static void pass(struct world *world, uint64_t us)
{
    holm_network_advance(world->network, holm_network_now(world->network) + us);
}

static struct holm_transport_event take(struct holm_transport *transport,
                                        enum holm_transport_event_type type)
{
    struct holm_transport_event event;
    bool waits = holm_network_waits(transport);
    transport->ops->next(transport, 0, &event);
    assert_int_equal(event.type, type);
    assert_int_equal(waits, type != HOLM_TRANSPORT_NONE);
    return event;
}

static void nothing(struct holm_transport *transport)
{
    take(transport, HOLM_TRANSPORT_NONE);
}

/* The text of the next frame or broadcast, "" when there is none. Good until the next call. */
static const char *text_of_next(struct holm_transport *transport)
{
    static char text[100];
    struct holm_transport_event event;
    transport->ops->next(transport, 0, &event);
    assert_true(event.frame_bytes < sizeof text);
    if (event.frame_bytes > 0)
        memcpy(text, event.frame, event.frame_bytes);
    text[event.frame_bytes] = '\0';
    transport->ops->release(transport, &event);
    return text;
}

static void set(struct world *world, const char *from, const char *to,
                struct holm_network_path path)
{
    assert_int_equal(holm_network_path_set(world->network, from, to, &path), HOLM_OK);
}

static void cut(struct world *world, const char *from, const char *to, bool cut)
{
    struct holm_network_path path = holm_network_path_default();
    path.cut = cut;
    set(world, from, to, path);
}

static void send(struct holm_transport *transport, struct holm_link_id link, const char *text)
{
    assert_int_equal(transport->ops->link_send(transport, link, text, strlen(text)), HOLM_OK);
}

static void begin(struct world *world)
{
    memset(world, 0, sizeof *world);
    world->network = network_with(7);
    world->a = open_at(world->network, A);
    world->b = open_at(world->network, B);
}

static void join(struct world *world)
{
    assert_int_equal(world->a->ops->link_dial(world->a, B, &world->ab), HOLM_OK);
    pass(world, 1000);
    take(world->a, HOLM_TRANSPORT_LINK_UP);
    world->ba = take(world->b, HOLM_TRANSPORT_LINK_UP).link;
}

static void end(struct world *world)
{
    world->a->ops->close(world->a, 0);
    world->b->ops->close(world->b, 0);
    holm_network_free(world->network);
}

static void test_network_when_a_path_is_slow_then_frames_take_their_time(void **state)
{
    struct world world;
    begin(&world);
    set(&world, A, B, (struct holm_network_path){.delay_us = 5000});
    set(&world, B, A, (struct holm_network_path){.delay_us = 70});
    assert_int_equal(world.a->ops->link_dial(world.a, B, &world.ab), HOLM_OK);
    assert_int_equal(holm_network_next_event(world.network), 5000);
    pass(&world, 4999);
    nothing(world.b);
    pass(&world, 1);
    world.ba = take(world.b, HOLM_TRANSPORT_LINK_UP).link;
    nothing(world.a);
    pass(&world, 70);
    take(world.a, HOLM_TRANSPORT_LINK_UP);
    send(world.b, world.ba, "quick");
    send(world.a, world.ab, "slow");
    pass(&world, 70);
    assert_string_equal(text_of_next(world.a), "quick");
    nothing(world.b);
    pass(&world, 4930);
    assert_string_equal(text_of_next(world.b), "slow");
    end(&world);
}

static void test_network_when_links_jitter_and_lose_then_order_holds(void **state)
{
    struct world world;
    begin(&world);
    join(&world);
    set(&world, A, B,
        (struct holm_network_path){
            .delay_us = 100, .jitter_us = 5000, .loss_permille = 300, .resend_us = 20000});
    char text[20];
    for (unsigned i = 0; i < 500; i++) {
        snprintf(text, sizeof text, "%u", i);
        send(world.a, world.ab, text);
        pass(&world, 50);
    }
    pass(&world, SECOND);
    for (unsigned i = 0; i < 500; i++) {
        snprintf(text, sizeof text, "%u", i);
        assert_string_equal(text_of_next(world.b), text);
    }
    nothing(world.b);
    end(&world);
}

struct tally {
    unsigned heard, doubled, overtaken;
};

/* 2,000 broadcasts over one path. */
static struct tally tally(struct holm_network_path path)
{
    enum {
        FRAMES = 2000
    };
    struct world world;
    struct tally tally = {0};
    begin(&world);
    set(&world, A, B, path);
    struct holm_subscription_id id;
    assert_int_equal(world.b->ops->subscribe(world.b, A, &id), HOLM_OK);
    static bool seen[FRAMES];
    memset(seen, 0, sizeof seen);
    for (unsigned i = 0; i < FRAMES; i++) {
        assert_int_equal(world.a->ops->broadcast(world.a, &i, sizeof i), HOLM_OK);
        pass(&world, 100);
    }
    pass(&world, SECOND);
    unsigned highest = 0;
    for (;;) {
        struct holm_transport_event event;
        world.b->ops->next(world.b, 0, &event);
        if (event.type == HOLM_TRANSPORT_NONE)
            break;
        unsigned number;
        assert_int_equal(event.frame_bytes, sizeof number);
        memcpy(&number, event.frame, sizeof number);
        tally.heard += !seen[number];
        tally.doubled += seen[number];
        tally.overtaken += !seen[number] && number < highest;
        seen[number] = true;
        highest = number > highest ? number : highest;
        world.b->ops->release(world.b, &event);
    }
    end(&world);
    return tally;
}

static void test_network_when_broadcasts_are_faulty_then_as_often_as_asked(void **state)
{
    struct tally clean = tally((struct holm_network_path){.delay_us = 100, .jitter_us = 10000});
    assert_int_equal(clean.heard, 2000);
    assert_int_equal(clean.doubled, 0);
    assert_int_equal(clean.overtaken, 0);
    struct tally lossy = tally((struct holm_network_path){.loss_permille = 250});
    assert_in_range(lossy.heard, 1400, 1600);
    struct tally doubled = tally(
        (struct holm_network_path){.duplicate_permille = 250, .reorder_us = 10});
    assert_int_equal(doubled.heard, 2000);
    assert_in_range(doubled.doubled, 400, 600);
    struct tally shuffled = tally(
        (struct holm_network_path){.reorder_permille = 250, .reorder_us = 5000});
    assert_int_equal(shuffled.heard, 2000);
    assert_int_equal(shuffled.doubled, 0);
    assert_in_range(shuffled.overtaken, 350, 600);
    struct tally none = tally((struct holm_network_path){.cut = true});
    assert_int_equal(none.heard, 0);
}

static void test_network_when_cut_one_way_then_only_that_way_stands_still(void **state)
{
    struct world world;
    begin(&world);
    join(&world);
    cut(&world, A, B, true);
    send(world.a, world.ab, "held");
    send(world.a, world.ab, "too");
    send(world.b, world.ba, "through");
    pass(&world, 60 * SECOND);
    nothing(world.b);
    assert_string_equal(text_of_next(world.a), "through");
    assert_int_equal(holm_network_next_event(world.network), HOLM_NEVER);
    cut(&world, A, B, false);
    pass(&world, 99);
    nothing(world.b);
    pass(&world, 1);
    assert_string_equal(text_of_next(world.b), "held");
    assert_string_equal(text_of_next(world.b), "too");
    send(world.a, world.ab, "after");
    pass(&world, 100);
    assert_string_equal(text_of_next(world.b), "after");
    end(&world);
}

static void test_network_when_closed_in_a_cut_then_what_stood_still_is_lost(void **state)
{
    struct world world;
    begin(&world);
    join(&world);
    cut(&world, A, B, true);
    send(world.a, world.ab, "lost");
    pass(&world, 1000);
    world.a->ops->link_close(world.a, world.ab);
    pass(&world, SECOND);
    nothing(world.b);
    send(world.b, world.ba, "to nobody");
    cut(&world, A, B, false);
    pass(&world, 1000);
    take(world.b, HOLM_TRANSPORT_LINK_CLOSED);
    nothing(world.b);
    nothing(world.a);
    end(&world);
}

static void test_network_when_both_close_in_a_cut_then_nothing_is_left(void **state)
{
    struct world world;
    begin(&world);
    join(&world);
    cut(&world, A, B, true);
    cut(&world, B, A, true);
    send(world.a, world.ab, "x");
    send(world.b, world.ba, "y");
    world.a->ops->link_close(world.a, world.ab);
    world.b->ops->link_close(world.b, world.ba);
    pass(&world, 2 * SECOND);
    assert_int_equal(holm_network_next_event(world.network), HOLM_NEVER);
    end(&world);
}

static void dial_in_a_cut(const char *from, const char *to)
{
    struct world world;
    begin(&world);
    cut(&world, from, to, true);
    assert_int_equal(world.a->ops->link_dial(world.a, B, &world.ab), HOLM_OK);
    pass(&world, SECOND - 1);
    nothing(world.a);
    pass(&world, 1);
    take(world.a, HOLM_TRANSPORT_LINK_CLOSED);
    pass(&world, SECOND);
    struct holm_transport_event event;
    world.b->ops->next(world.b, 0, &event);
    /* When only the answer was lost, the other side believes for a moment that it has a link. */
    if (event.type == HOLM_TRANSPORT_LINK_UP)
        take(world.b, HOLM_TRANSPORT_LINK_CLOSED);
    else
        assert_int_equal(event.type, HOLM_TRANSPORT_NONE);
    cut(&world, from, to, false);
    join(&world);
    end(&world);
}

static void test_network_when_dialled_in_a_cut_then_time_runs_out(void **state)
{
    dial_in_a_cut(A, B);
    dial_in_a_cut(B, A);
}

static void test_network_when_a_transport_comes_back_then_its_paths_and_subscribers_hold(
    void **state)
{
    struct world world;
    begin(&world);
    struct holm_subscription_id id;
    assert_int_equal(world.b->ops->subscribe(world.b, A, &id), HOLM_OK);
    set(&world, A, B, (struct holm_network_path){.delay_us = 4000});
    assert_int_equal(world.a->ops->broadcast(world.a, "first", 5), HOLM_OK);
    world.a->ops->close(world.a, 0);
    world.a = open_at(world.network, A);
    assert_int_equal(world.a->ops->broadcast(world.a, "second", 6), HOLM_OK);
    pass(&world, 3999);
    nothing(world.b);
    pass(&world, 1);
    assert_string_equal(text_of_next(world.b), "first");
    assert_string_equal(text_of_next(world.b), "second");

    assert_int_equal(world.a->ops->broadcast(world.a, "for the old b", 13), HOLM_OK);
    world.b->ops->close(world.b, 0);
    world.b = open_at(world.network, B);
    assert_int_equal(world.b->ops->subscribe(world.b, A, &id), HOLM_OK);
    pass(&world, SECOND);
    nothing(world.b);
    end(&world);
}

/* 100 transports, a full mesh over bad paths; returns a hash of everything that anybody saw. */
static uint64_t history(uint64_t seed)
{
    enum {
        COUNT = 100
    };
    struct holm_network *network = network_with(seed);
    struct holm_network_path bad = holm_network_path_default();
    bad.jitter_us = 500;
    bad.loss_permille = bad.duplicate_permille = bad.reorder_permille = 50;
    holm_network_path_set_default(network, &bad);
    static struct holm_transport *all[COUNT];
    char address[30];
    for (unsigned i = 0; i < COUNT; i++) {
        snprintf(address, sizeof address, "virtual://%u", i);
        all[i] = open_at(network, address);
        for (unsigned j = 0; j < i; j++) {
            struct holm_link_id link;
            struct holm_subscription_id subscription;
            const char *to = all[j]->ops->address(all[j]);
            assert_int_equal(all[i]->ops->link_dial(all[i], to, &link), HOLM_OK);
            assert_int_equal(all[i]->ops->link_send(all[i], link, &i, sizeof i), HOLM_OK);
            assert_int_equal(all[i]->ops->subscribe(all[i], to, &subscription), HOLM_OK);
        }
    }
    for (unsigned i = 0; i < COUNT; i++)
        assert_int_equal(all[i]->ops->broadcast(all[i], &i, sizeof i), HOLM_OK);
    uint64_t hash = 14695981039346656037u, links_up = 0;
    for (unsigned step = 0; step < 700; step++) {
        holm_network_advance(network, holm_network_now(network) + 1000);
        for (unsigned i = 0; i < COUNT; i++) {
            struct holm_transport_event event;
            while (all[i]->ops->next(all[i], 0, &event), event.type != HOLM_TRANSPORT_NONE) {
                uint64_t fact = event.type * 31 + event.link.value + event.subscription.value;
                hash = (hash ^ fact ^ i ^ (uint64_t)step << 32) * 1099511628211u;
                links_up += event.type == HOLM_TRANSPORT_LINK_UP;
                all[i]->ops->release(all[i], &event);
            }
        }
    }
    assert_int_equal(links_up, COUNT * (COUNT - 1));
    for (unsigned i = 0; i < COUNT; i++)
        all[i]->ops->close(all[i], 0);
    holm_network_free(network);
    return hash;
}

static void test_network_when_run_again_under_its_seed_then_the_same_happens(void **state)
{
    uint64_t first = history(1);
    assert_true(history(1) == first);
    assert_true(history(2) != first);
}

/* Memory that refuses once, at a given request. */
struct miser {
    unsigned long until;
    size_t held;
    bool refused;
};

static void *miserly(void *context, void *memory, size_t size_old, size_t size_new)
{
    struct miser *miser = context;
    if (size_new > size_old && miser->until-- == 0) {
        miser->refused = true;
        return NULL;
    }
    miser->held += size_new - size_old;
    if (size_new > 0)
        return realloc(memory, size_new);
    free(memory);
    return NULL;
}

/* A short life of two transports, whatever is refused. */
static void live(struct holm_network *network)
{
    struct holm_transport_config config = holm_transport_config_default();
    struct holm_transport *a = NULL, *b = NULL;
    config.listen = "";
    if (holm_network_open(network, A, &config, &a) != HOLM_OK)
        return;
    if (holm_network_open(network, B, &config, &b) == HOLM_OK) {
        struct holm_link_id link = {0};
        struct holm_subscription_id subscription;
        (void)!b->ops->subscribe(b, A, &subscription);
        (void)!a->ops->link_dial(a, B, &link);
        (void)!a->ops->link_send(a, link, "frame", 5);
        (void)!a->ops->broadcast(a, "broadcast", 9);
        holm_network_advance(network, SECOND);
        struct holm_transport_event event;
        while (b->ops->next(b, 0, &event), event.type != HOLM_TRANSPORT_NONE)
            b->ops->release(b, &event);
        b->ops->close(b, 0);
    }
    holm_network_advance(network, 2 * SECOND);
    a->ops->close(a, 0);
}

static void test_network_when_memory_is_refused_anywhere_then_nothing_leaks(void **state)
{
    struct miser miser = {.refused = true};
    for (unsigned long until = 0; miser.refused; until++) {
        assert_true(until < 100);
        miser = (struct miser){.until = until};
        struct holm_allocator allocator = {.resize = miserly, .context = &miser};
        struct holm_network *network = NULL;
        enum holm_status status = holm_network_new(&network, &allocator, 1);
        assert_true((status == HOLM_OK) == (until > 0));
        if (status == HOLM_OK) {
            live(network);
            holm_network_free(network);
        }
        assert_int_equal(miser.held, 0);
    }
}

/* ---- schedules ------------------------------------------------------------------------------ */

/* By a frame's first letter, when it goes to B: h and i are held under 1 and 2, x is lost, d comes twice. */
static struct holm_network_ruling judge(void *context, const struct holm_network_frame *frame)
{
    uint32_t *asked = context;
    char first = ((const char *)frame->bytes.data)[0];
    (*asked)++;
    if (strcmp(frame->to, B) != 0)
        return (struct holm_network_ruling){HOLM_NETWORK_PASS, 0};
    switch (first) {
    case 'h':
        return (struct holm_network_ruling){HOLM_NETWORK_HOLD, 1};
    case 'i':
        return (struct holm_network_ruling){HOLM_NETWORK_HOLD, 2};
    case 'x':
        return (struct holm_network_ruling){HOLM_NETWORK_DROP, 0};
    case 'd':
        return (struct holm_network_ruling){HOLM_NETWORK_DOUBLE, 0};
    default:
        return (struct holm_network_ruling){HOLM_NETWORK_PASS, 0};
    }
}

static void gate(struct world *world, uint32_t *asked)
{
    *asked = 0;
    holm_network_set_gate(world->network, (struct holm_network_gate){judge, asked});
}

static void say(struct world *world, const char *text)
{
    assert_int_equal(world->a->ops->broadcast(world->a, text, strlen(text)), HOLM_OK);
}

static void subscribe_to_a(struct world *world)
{
    struct holm_subscription_id id;
    assert_int_equal(world->b->ops->subscribe(world->b, A, &id), HOLM_OK);
}

static void test_network_when_broadcasts_are_held_then_others_overtake_them(void **state)
{
    struct world world;
    uint32_t asked;
    (void)state;
    begin(&world);
    subscribe_to_a(&world);
    gate(&world, &asked);
    static const char *const said[] = {"h1", "i2", "p3", "x4", "h5", "d6", "h7"};
    for (size_t i = 0; i < 7; i++)
        say(&world, said[i]);
    pass(&world, 10000);
    assert_int_equal(asked, 7);
    assert_string_equal(text_of_next(world.b), "p3");
    assert_string_equal(text_of_next(world.b), "d6");
    assert_string_equal(text_of_next(world.b), "d6");
    nothing(world.b);
    assert_int_equal(holm_network_held(world.network, 1), 3);
    assert_int_equal(holm_network_held(world.network, 2), 1);
    holm_network_let_go(world.network, 1, 2);
    nothing(world.b); /* it takes the path's delay */
    pass(&world, 100);
    assert_string_equal(text_of_next(world.b), "h1");
    assert_string_equal(text_of_next(world.b), "h5");
    nothing(world.b);
    assert_int_equal(holm_network_held(world.network, 1), 1);
    end(&world); /* what is still held leaks nothing */
}

static void test_network_when_a_frame_is_held_then_its_link_waits_behind_it(void **state)
{
    struct world world;
    uint32_t asked;
    (void)state;
    begin(&world);
    join(&world);
    gate(&world, &asked);
    static const char *const sent[] = {"p1", "h2", "p3", "i4", "x5", "d6"};
    for (size_t i = 0; i < 6; i++)
        send(world.a, world.ab, sent[i]);
    pass(&world, 10000);
    assert_string_equal(text_of_next(world.b), "p1");
    nothing(world.b);
    send(world.b, world.ba, "hello"); /* the other direction is not held up */
    pass(&world, 10000);
    assert_string_equal(text_of_next(world.a), "hello");
    holm_network_let_go(world.network, 1, SIZE_MAX);
    pass(&world, 100);
    assert_string_equal(text_of_next(world.b), "h2");
    assert_string_equal(text_of_next(world.b), "p3");
    nothing(world.b);
    holm_network_let_go(world.network, 2, 1);
    pass(&world, 100);
    assert_string_equal(text_of_next(world.b), "i4");
    assert_string_equal(text_of_next(world.b), "d6");
    nothing(world.b);
    end(&world);
}

/* As bytes that wait unread at the receiver: the end of the link comes behind them. */
static void test_network_when_the_sender_of_a_held_frame_ends_then_it_still_arrives(void **state)
{
    struct world world;
    uint32_t asked;
    (void)state;
    begin(&world);
    join(&world);
    gate(&world, &asked);
    send(world.a, world.ab, "h1");
    world.a->ops->close(world.a, 0);
    pass(&world, SECOND);
    nothing(world.b);
    holm_network_let_go(world.network, 1, 1);
    pass(&world, SECOND);
    assert_string_equal(text_of_next(world.b), "h1");
    take(world.b, HOLM_TRANSPORT_LINK_CLOSED);
    world.a = open_at(world.network, A);
    end(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_network_when_broadcasts_are_held_then_others_overtake_them),
        cmocka_unit_test(test_network_when_a_frame_is_held_then_its_link_waits_behind_it),
        cmocka_unit_test(test_network_when_the_sender_of_a_held_frame_ends_then_it_still_arrives),
        cmocka_unit_test(test_network_when_a_path_is_slow_then_frames_take_their_time),
        cmocka_unit_test(test_network_when_links_jitter_and_lose_then_order_holds),
        cmocka_unit_test(test_network_when_broadcasts_are_faulty_then_as_often_as_asked),
        cmocka_unit_test(test_network_when_cut_one_way_then_only_that_way_stands_still),
        cmocka_unit_test(test_network_when_closed_in_a_cut_then_what_stood_still_is_lost),
        cmocka_unit_test(test_network_when_both_close_in_a_cut_then_nothing_is_left),
        cmocka_unit_test(test_network_when_dialled_in_a_cut_then_time_runs_out),
        cmocka_unit_test(
            test_network_when_a_transport_comes_back_then_its_paths_and_subscribers_hold),
        cmocka_unit_test(test_network_when_run_again_under_its_seed_then_the_same_happens),
        cmocka_unit_test(test_network_when_memory_is_refused_anywhere_then_nothing_leaks),
    };
    return cmocka_run_group_tests_name("network", tests, NULL, NULL);
}

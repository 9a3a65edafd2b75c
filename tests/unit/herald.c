/* SPDX-License-Identifier: Apache-2.0 */
/* H1 to H6, in virtual time: who is heard, for how long, and when is announced. */
#include <stdio.h>

#include "node/herald.h"
#include "tests/unit/core.h"

#define SECOND_US UINT64_C(1000000)
#define WALL_MS UINT64_C(1795000000000)

struct world {
    struct heap heap;
    struct holm_secret *secret, *stranger, *foreign;
    struct holm_herald *herald;
    struct holm_herald_self self;
    struct holm_now now;
    uint64_t due_us;
    uint8_t sent[HOLM_ANNOUNCEMENT_BYTES_MAX];
    struct holm_roster_text texts[HOLM_HERALD_NODES_MAX];
    struct holm_herald_refused refused;
    struct holm_herald_figures figures;
};

static struct world world;

static struct holm_secret *secret_of(const char *bytes, const char *cluster)
{
    struct holm_allocator allocator = heap_allocator(&world.heap);
    struct holm_secret *secret;
    assert_int_equal(holm_secret_new(&allocator, holm_str(bytes), cluster, &secret), HOLM_OK);
    return secret;
}

static void begin_as(bool tls, bool insecure, bool loopback)
{
    memset(&world, 0, sizeof world);
    world.secret = secret_of("0123456789abcdef", "holm");
    world.stranger = secret_of("0123456789abcdeF", "holm");
    world.foreign = secret_of("0123456789abcdef", "other");
    struct holm_herald_config config = {.allocator = heap_allocator(&world.heap),
                                        .secret = world.secret,
                                        .random_seed = 7,
                                        .tls = tls,
                                        .insecure = insecure,
                                        .loopback = loopback};
    assert_int_equal(holm_herald_new(&config, &world.herald), HOLM_OK);
    world.self = (struct holm_herald_self){.actor = actor_of(1, 1), .address = "tcp://10.0.0.1:7"};
    world.now = (struct holm_now){.monotonic_us = 1000 * SECOND_US, .wall_ms = WALL_MS};
}

static void begin(void)
{
    begin_as(false, true, false);
}

static void finish(void)
{
    holm_herald_free(world.herald);
    holm_secret_free(world.secret);
    holm_secret_free(world.stranger);
    holm_secret_free(world.foreign);
    assert_int_equal(world.heap.blocks, 0);
}

static void pass(uint64_t us)
{
    world.now.monotonic_us += us;
    world.now.wall_ms += us / 1000;
}

static size_t tick(void)
{
    return holm_herald_tick(world.herald, &world.self, world.now, world.sent, &world.due_us);
}

/* Lets time pass until it announces; returns when. */
static uint64_t await_announcement(void)
{
    for (int i = 0; i < 10000; i++) {
        if (tick() > 0)
            return world.now.monotonic_us;
        assert_true(world.due_us > world.now.monotonic_us);
        pass(world.due_us - world.now.monotonic_us);
    }
    fail_msg("it never announces");
    return 0;
}

/* What somebody says, in the present moment. */
static struct holm_announcement saying(struct holm_actor actor, uint64_t number,
                                       const char *address)
{
    struct holm_announcement said = {
        .actor = actor, .number = number, .wall_ms = world.now.wall_ms};
    snprintf(said.address, sizeof said.address, "%s", address);
    return said;
}

static void hear_by(struct holm_announcement said, struct holm_secret *secret)
{
    uint8_t bytes[HOLM_ANNOUNCEMENT_BYTES_MAX];
    size_t size = holm_announcement_encode(&said, secret, bytes);
    holm_herald_take(world.herald, holm_mem(bytes, size), world.self.actor, world.now);
    holm_herald_figures(world.herald, &world.figures);
}

static void hear(struct holm_actor actor, uint64_t number, const char *address)
{
    hear_by(saying(actor, number, address), world.secret);
}

static bool is_changed(void)
{
    return holm_herald_changed(world.herald, world.now);
}

/* All that may be dialled, with blanks behind. */
static const char *known(void)
{
    static char text[1024];
    size_t used = 0;
    size_t count = holm_herald_list(world.herald, world.now, world.texts, &world.refused);
    text[0] = '\0';
    for (size_t i = 0; i < count && used < sizeof text; i++)
        used += (size_t)snprintf(text + used, sizeof text - used, "%s ", world.texts[i].bytes);
    holm_herald_figures(world.herald, &world.figures);
    assert_int_equal(world.figures.heard, count);
    assert_false(is_changed());
    return text;
}

static void test_herald_when_others_announce_then_they_may_be_dialled(void **state)
{
    begin();
    hear(actor_of(2, 5), 1, "tcp://10.0.0.2:7");
    assert_true(is_changed());
    hear(actor_of(3, 5), 1, "tcp://10.0.0.3:7");
    hear(actor_of(4, 5), 1, "");
    hear(actor_of(5, 5), 1, "tcp://10.0.0.3:7");
    assert_string_equal(known(), "tcp://10.0.0.2:7 tcp://10.0.0.3:7 ");
    hear(actor_of(2, 5), 2, "tcp://10.0.0.2:7");
    assert_false(is_changed());
    assert_int_equal(world.figures.taken, 5);
    finish();
}

/* A new life at another port; an address that changes; a goodbye. */
static void test_herald_when_a_node_moves_or_goes_then_its_address_is_another_or_none(void **state)
{
    begin();
    hear(actor_of(2, 5), 9, "tcp://10.0.0.2:7");
    hear(actor_of(2, 6), 1, "tcp://10.0.0.2:8");
    assert_string_equal(known(), "tcp://10.0.0.2:8 ");
    hear(actor_of(2, 5), 10, "tcp://10.0.0.2:7");
    assert_int_equal(world.figures.replayed, 1);
    assert_string_equal(known(), "tcp://10.0.0.2:8 ");
    /* It went at once; where it is comes later: it has just moved. */
    hear(actor_of(2, 6), 2, "tcp://10.0.0.9:8");
    assert_string_equal(known(), "");
    pass(HOLM_HERALD_MOVE_US);
    (void)tick();
    assert_true(is_changed());
    assert_string_equal(known(), "tcp://10.0.0.9:8 ");
    pass(HOLM_HERALD_LIST_US);
    hear(actor_of(2, 6), 3, "");
    assert_true(is_changed());
    assert_string_equal(known(), "");
    finish();
}

static void test_herald_when_a_stranger_speaks_then_it_is_counted_and_nothing_else(void **state)
{
    begin();
    (void)await_announcement();
    uint64_t due_us = world.due_us;
    hear_by(saying(actor_of(2, 5), 1, "tcp://10.0.0.2:7"), world.stranger);
    hear_by(saying(actor_of(2, 5), 2, "tcp://10.0.0.2:7"), world.foreign);
    holm_herald_take(world.herald, holm_str("holm"), world.self.actor, world.now);
    holm_herald_take(world.herald, holm_mem(NULL, 0), world.self.actor, world.now);
    assert_false(is_changed());
    assert_string_equal(known(), "");
    assert_int_equal(world.figures.unauthentic, 1);
    assert_int_equal(world.figures.foreign, 1);
    assert_int_equal(world.figures.malformed, 2);
    assert_int_equal(world.figures.taken, 0);
    /* It is not answered. */
    assert_int_equal(tick(), 0);
    assert_int_equal(world.due_us, due_us);
    finish();
}

/* Own ones come back from the group. Those of a former life are another's, as far as one can tell. */
static void test_herald_when_it_hears_itself_then_it_passes_it_over(void **state)
{
    begin();
    hear(actor_of(1, 1), 1, "tcp://10.0.0.1:7");
    assert_false(is_changed());
    assert_int_equal(world.figures.taken + world.figures.replayed, 0);
    hear(actor_of(1, 2), 1, "tcp://10.0.0.2:7");
    assert_string_equal(known(), "tcp://10.0.0.2:7 ");
    finish();
}

/* H2: at any time after it was said, by any clock that is taken, once. */
static void test_herald_when_an_announcement_comes_again_then_it_is_never_taken(void **state)
{
    const int64_t offs_ms[] = {0, -(int64_t)HOLM_HERALD_DRIFT_MS, (int64_t)HOLM_HERALD_DRIFT_MS};
    for (size_t i = 0; i < 3; i++) {
        begin();
        struct holm_announcement said = saying(actor_of(2, 5), 1, "tcp://10.0.0.2:7");
        said.wall_ms = (uint64_t)((int64_t)said.wall_ms + offs_ms[i]);
        hear_by(said, world.secret);
        assert_int_equal(world.figures.taken, 1);
        for (int second = 0; second < 600; second++) {
            (void)tick();
            hear_by(said, world.secret);
            pass(SECOND_US);
        }
        assert_int_equal(world.figures.taken, 1);
        assert_int_equal(world.figures.replayed + world.figures.stale, 600);
        assert_string_equal(known(), "");
        finish();
    }
}

static void test_herald_when_a_clock_is_off_then_it_is_counted_as_stale(void **state)
{
    begin();
    for (int i = 0; i < 2; i++) {
        struct holm_announcement said = saying(actor_of(2, 5), 1, "tcp://10.0.0.2:7");
        said.wall_ms = i == 0 ? said.wall_ms + HOLM_HERALD_DRIFT_MS + 1
                              : said.wall_ms - HOLM_HERALD_DRIFT_MS - 1;
        hear_by(said, world.secret);
    }
    struct holm_announcement said = saying(actor_of(2, 5), 1, "tcp://10.0.0.2:7");
    said.wall_ms = UINT64_MAX;
    hear_by(said, world.secret);
    said.wall_ms = 0;
    hear_by(said, world.secret);
    assert_int_equal(world.figures.stale, 4);
    assert_string_equal(known(), "");
    finish();
}

/* H2: what was recorded before, and forgotten since, is old by any time that this one has known. */
static void test_herald_when_its_clock_is_set_back_then_old_ones_are_not_taken(void **state)
{
    begin();
    struct holm_announcement said = saying(actor_of(2, 5), 1, "tcp://10.0.0.2:7");
    hear_by(said, world.secret);
    for (int i = 0; i < 600; i++) {
        pass(SECOND_US);
        (void)tick();
    }
    assert_string_equal(known(), "");
    world.now.wall_ms = said.wall_ms;
    for (int i = 0; i < 600; i++) {
        hear_by(said, world.secret);
        pass(SECOND_US);
        (void)tick();
    }
    assert_int_equal(world.figures.taken, 1);
    assert_int_equal(world.figures.stale, 600);
    /* Others, whose clocks were not, are heard as before; it is its own that is behind. */
    struct holm_announcement fresh = saying(actor_of(3, 5), 1, "tcp://10.0.0.3:7");
    fresh.wall_ms = WALL_MS + 1200 * 1000;
    hear_by(fresh, world.secret);
    assert_string_equal(known(), "tcp://10.0.0.3:7 ");
    /* What it holds them against is not the system's time, now that one has been heard with it. */
    hear(actor_of(4, 5), 1, "tcp://10.0.0.4:7");
    assert_int_equal(world.figures.stale, 601);
    finish();
}

/* Its clock was ahead when it opened, so that it heard nobody; what nobody has borne out does not stand once it is set right. */
static void test_herald_when_its_clock_was_ahead_and_is_set_right_then_it_hears(void **state)
{
    begin();
    const uint64_t ahead_ms = 10 * HOLM_HERALD_DRIFT_MS;
    world.now.wall_ms += ahead_ms;
    for (uint64_t i = 1; i <= 60; i++) {
        struct holm_announcement said = saying(actor_of(2, 5), i, "tcp://10.0.0.2:7");
        said.wall_ms -= ahead_ms;
        hear_by(said, world.secret);
        pass(SECOND_US);
        (void)tick();
    }
    assert_int_equal(world.figures.stale, 60);
    assert_string_equal(known(), "");
    world.now.wall_ms -= ahead_ms;
    hear(actor_of(2, 5), 61, "tcp://10.0.0.2:7");
    assert_string_equal(known(), "tcp://10.0.0.2:7 ");
    /* So too when it jumps ahead for a while, and hears nobody in that time. */
    world.now.wall_ms += ahead_ms;
    for (int i = 0; i < 60; i++) {
        pass(SECOND_US);
        (void)tick();
    }
    world.now.wall_ms -= ahead_ms;
    hear(actor_of(3, 5), 1, "tcp://10.0.0.3:7");
    assert_int_equal(world.figures.stale, 60);
    assert_int_equal(world.figures.taken, 2);
    /* What was borne out stands: a day that was never heard does not come back with the clock. */
    struct holm_announcement old = saying(actor_of(4, 5), 1, "tcp://10.0.0.4:7");
    old.wall_ms -= 86400000;
    world.now.wall_ms -= 86400000;
    hear_by(old, world.secret);
    assert_int_equal(world.figures.stale, 61);
    assert_int_equal(world.figures.taken, 2);
    finish();
}

/* One datagram with the last of all epochs would make every later one of that node an earlier one. */
static void test_herald_when_an_epoch_is_of_the_future_then_it_silences_nobody(void **state)
{
    begin();
    const uint64_t last = (WALL_MS + HOLM_HERALD_DRIFT_MS) << 16 | 0xffff;
    const uint64_t epochs[] = {UINT64_MAX, last + 1};
    hear(actor_of(2, WALL_MS << 16), 1, "tcp://10.0.0.2:7");
    for (size_t i = 0; i < 2; i++)
        hear(actor_of(2, epochs[i]), 1, "");
    assert_int_equal(world.figures.stale, 2);
    assert_string_equal(known(), "tcp://10.0.0.2:7 ");
    /* As far ahead as a clock may be. */
    hear(actor_of(2, last), 1, "");
    assert_int_equal(world.figures.stale, 2);
    assert_string_equal(known(), "");
    finish();
}

static void test_herald_when_nobody_announces_any_more_then_they_go(void **state)
{
    begin();
    hear(actor_of(2, 5), 1, "tcp://10.0.0.2:7");
    hear(actor_of(3, 5), 1, "tcp://10.0.0.3:7");
    (void)known();
    pass(HOLM_HERALD_AGE_US - 1);
    (void)tick();
    assert_false(is_changed());
    hear(actor_of(3, 5), 2, "tcp://10.0.0.3:7");
    pass(1);
    (void)tick();
    assert_true(is_changed());
    assert_string_equal(known(), "tcp://10.0.0.3:7 ");
    /* Back again. */
    hear(actor_of(2, 5), 2, "tcp://10.0.0.2:7");
    assert_string_equal(known(), "tcp://10.0.0.2:7 tcp://10.0.0.3:7 ");
    finish();
}

/* How many there are that it may dial, after as many ticks as it asks for. */
static size_t let_pass(uint64_t us)
{
    uint64_t until_us = world.now.monotonic_us + us;
    (void)tick();
    while (world.due_us < until_us) {
        pass(world.due_us - world.now.monotonic_us);
        (void)tick();
    }
    pass(until_us - world.now.monotonic_us);
    (void)tick();
    return holm_herald_list(world.herald, world.now, world.texts, &world.refused);
}

static const char *made_up(uint64_t number)
{
    static char address[48];
    snprintf(address, sizeof address, "tcp://10.%u.%u.%u:7", 1 + (unsigned)(number / 62500),
             (unsigned)(number / 250 % 250), (unsigned)(number % 250));
    return address;
}

/* Who has the secret makes up nodes: so many are dialled, and those that were known before stay. */
static void test_herald_when_a_member_makes_up_thousands_then_they_are_bounded(void **state)
{
    begin();
    hear(actor_of(2, 5), 1, "tcp://10.0.0.2:7");
    uint64_t bytes = world.heap.bytes;
    for (uint64_t i = 0; i < 5000; i++)
        hear(actor_of(100 + i, 5), 1, made_up(i));
    assert_int_equal(world.figures.left_out, 5001 - HOLM_HERALD_NODES_MAX);
    assert_int_equal(let_pass(60 * SECOND_US), HOLM_HERALD_NODES_MAX);
    assert_string_equal(world.texts[0].bytes, "tcp://10.0.0.2:7");
    assert_int_equal(world.heap.bytes, bytes);
    /* When they are not heard of any more, there is room again. */
    pass(2 * HOLM_HERALD_DRIFT_MS * 1000 + 1);
    (void)tick();
    hear(actor_of(9, 5), 1, "tcp://10.0.0.9:7");
    assert_string_equal(known(), "tcp://10.0.0.9:7 ");
    finish();
}

/* H6: the first start of many. */
static void test_herald_when_many_begin_at_once_then_they_come_one_after_the_other(void **state)
{
    begin();
    for (uint64_t i = 0; i < HOLM_HERALD_NODES_MAX; i++)
        hear(actor_of(100 + i, 5), 1, made_up(i));
    assert_int_equal(let_pass(0), HOLM_HERALD_COME_BURST);
    holm_herald_figures(world.herald, &world.figures);
    assert_int_equal(world.figures.waiting, HOLM_HERALD_NODES_MAX - HOLM_HERALD_COME_BURST);
    size_t count = HOLM_HERALD_COME_BURST;
    while (count < HOLM_HERALD_NODES_MAX) {
        count += HOLM_HERALD_COME_RATE;
        assert_int_equal(let_pass(SECOND_US), count);
    }
    holm_herald_figures(world.herald, &world.figures);
    assert_int_equal(world.figures.waiting, 0);
    finish();
}

/* Whether an address is among `count` of them. */
static bool is_among(const char *address, const struct holm_roster_text *texts, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(texts[i].bytes, address) == 0)
            return true;
    return false;
}

/* H6: who has the secret is in 500 places, and in others a thousand times a second. One who comes meanwhile is dialled all
 * the same. */
static void test_herald_when_addresses_change_without_end_then_they_come_at_a_rate(void **state)
{
    static struct holm_roster_text before[HOLM_HERALD_NODES_MAX];
    size_t had = 0, come = 0, lists = 0;
    uint64_t met_us = 0;
    begin();
    uint64_t begun_us = world.now.monotonic_us;
    for (uint64_t i = 0; i < 120000; i++) {
        hear(actor_of(100 + i % 500, 5), 1 + i, made_up(i));
        if (i == 60000)
            hear(actor_of(2, 5), 1, "tcp://10.0.0.2:7");
        pass(1000);
        (void)tick();
        if (!is_changed())
            continue;
        size_t has = holm_herald_list(world.herald, world.now, world.texts, &world.refused);
        for (size_t k = 0; k < has; k++)
            come += !is_among(world.texts[k].bytes, before, had);
        if (met_us == 0 && is_among("tcp://10.0.0.2:7", world.texts, has))
            met_us = world.now.monotonic_us;
        memcpy(before, world.texts, sizeof before);
        had = has;
        lists++;
    }
    uint64_t seconds = (world.now.monotonic_us - begun_us) / SECOND_US;
    assert_in_range(lists, 1, seconds + 1);
    assert_in_range(come, 1, HOLM_HERALD_COME_BURST + HOLM_HERALD_COME_RATE * seconds);
    assert_true(met_us > begun_us + 60 * SECOND_US);
    assert_true(met_us < begun_us + 100 * SECOND_US);
    finish();
}

/* H6: of one node that is elsewhere every second. */
static void test_herald_when_one_moves_without_end_then_it_is_followed_slowly(void **state)
{
    size_t come = 0;
    char last[32] = "";
    begin();
    for (uint64_t second = 0; second < 300; second++) {
        hear(actor_of(2, 5), 1 + second, made_up(second));
        pass(SECOND_US);
        (void)tick();
        if (holm_herald_list(world.herald, world.now, world.texts, &world.refused) == 1 &&
            strcmp(last, world.texts[0].bytes) != 0) {
            snprintf(last, sizeof last, "%.31s", world.texts[0].bytes);
            come++;
        }
    }
    assert_int_equal(come, 11);
    /* Where it stays, it is found, with nothing more said of it. */
    assert_int_equal(let_pass(HOLM_HERALD_MOVE_US), 1);
    assert_string_equal(world.texts[0].bytes, made_up(299));
    finish();
}

/* H6: what is new is told once a second, and what is told then is all of it. */
static void test_herald_when_it_has_listed_then_it_does_so_a_second_later(void **state)
{
    begin();
    hear(actor_of(2, 5), 1, "tcp://10.0.0.2:7");
    assert_string_equal(known(), "tcp://10.0.0.2:7 ");
    hear(actor_of(3, 5), 1, "tcp://10.0.0.3:7");
    hear(actor_of(2, 5), 2, "");
    assert_false(is_changed());
    (void)tick();
    assert_true(world.due_us <= world.now.monotonic_us + HOLM_HERALD_LIST_US);
    pass(HOLM_HERALD_LIST_US - 1);
    assert_false(is_changed());
    pass(1);
    assert_true(is_changed());
    assert_string_equal(known(), "tcp://10.0.0.3:7 ");
    finish();
}

/* H5 */
static void test_herald_when_an_address_may_not_be_dialled_then_it_says_why(void **state)
{
    begin_as(false, false, false);
    hear(actor_of(2, 5), 1, "tcp://10.0.0.2:7");
    assert_string_equal(known(), "");
    assert_int_equal(world.figures.refused, 1);
    assert_string_equal(world.refused.address.bytes, "tcp://10.0.0.2:7");
    assert_non_null(strstr(world.refused.why, "plain tcp off loopback"));
    finish();
    begin_as(true, false, false);
    static const char *const local[] = {"tcp://127.0.0.1:7", "tls+tcp://127.0.0.1:7",
                                        "tls+tcp://[::1]:7", "tls+tcp://localhost:7",
                                        "ipc:///tmp/holm"};
    for (uint64_t i = 0; i < 5; i++)
        hear(actor_of(2 + i, 5), 1, local[i]);
    hear(actor_of(9, 5), 1, "tls+tcp://10.0.0.9:7");
    assert_string_equal(known(), "tls+tcp://10.0.0.9:7 ");
    assert_int_equal(world.figures.refused, 5);
    assert_non_null(strstr(world.refused.why, "leads to the machine that hears it"));
    finish();
    begin_as(false, false, true);
    hear(actor_of(2, 5), 1, "tcp://127.0.0.1:7");
    hear(actor_of(3, 5), 1, "ipc:///tmp/holm");
    hear(actor_of(4, 5), 1, "tls+tcp://127.0.0.1:7");
    assert_string_equal(known(), "tcp://127.0.0.1:7 ipc:///tmp/holm ");
    finish();
}

static void test_herald_when_it_is_quiet_then_pauses_grow_and_differ(void **state)
{
    begin();
    uint64_t begun_us = world.now.monotonic_us, before_us = 0, longest_us = 0;
    unsigned sent = 0;
    while (world.now.monotonic_us < begun_us + 3600 * SECOND_US) {
        uint64_t at_us = await_announcement();
        if (sent == 0)
            assert_true(at_us - begun_us <= HOLM_HERALD_ANSWER_US);
        else if (at_us - before_us > longest_us)
            longest_us = at_us - before_us;
        before_us = at_us;
        sent++;
        struct holm_announcement read;
        assert_int_equal(
            holm_announcement_decode(holm_mem(world.sent, HOLM_ANNOUNCEMENT_BYTES_MIN + 16),
                                     world.secret, &read),
            HOLM_ANNOUNCED);
        assert_int_equal(read.number, sent);
        assert_int_equal(read.wall_ms, world.now.wall_ms);
        assert_string_equal(read.address, "tcp://10.0.0.1:7");
    }
    assert_in_range(sent, 100, 140);
    assert_true(longest_us > HOLM_HERALD_PAUSE_US_MAX);
    assert_true(longest_us <= HOLM_HERALD_PAUSE_US_MAX * 3 / 2);
    finish();
}

static void test_herald_when_nobody_is_up_then_it_asks_more_often(void **state)
{
    begin();
    for (int i = 0; i < 20; i++)
        (void)await_announcement();
    world.self.alone = true;
    uint64_t before_us = world.now.monotonic_us;
    for (int i = 0; i < 20; i++) {
        uint64_t at_us = await_announcement();
        assert_true(at_us - before_us <= HOLM_HERALD_ALONE_US * 3 / 2);
        before_us = at_us;
    }
    finish();
}

static void test_herald_when_a_newcomer_is_heard_then_it_answers_soon(void **state)
{
    begin();
    for (int i = 0; i < 20; i++)
        (void)await_announcement();
    pass(SECOND_US);
    hear(actor_of(2, 5), 1, "tcp://10.0.0.2:7");
    uint64_t heard_us = world.now.monotonic_us;
    assert_true(await_announcement() - heard_us <= HOLM_HERALD_ANSWER_US);
    /* Known ones, and goodbyes, are not answered. */
    for (int i = 0; i < 3; i++)
        (void)await_announcement();
    (void)tick();
    uint64_t due_us = world.due_us;
    hear(actor_of(2, 5), 2, "tcp://10.0.0.2:7");
    hear(actor_of(2, 5), 3, "");
    (void)tick();
    assert_int_equal(world.due_us, due_us);
    finish();
}

/* H3: a storm of newcomers, for ten seconds. */
static void test_herald_when_newcomers_never_end_then_it_keeps_its_gaps(void **state)
{
    begin();
    uint64_t before_us = await_announcement();
    unsigned sent = 0;
    for (uint64_t i = 0; i < 10000; i++) {
        hear(actor_of(2 + i % 500, 1 + i), 1, "tcp://10.0.0.2:7");
        if (tick() > 0) {
            assert_true(world.now.monotonic_us - before_us >= HOLM_HERALD_GAP_US);
            before_us = world.now.monotonic_us;
            sent++;
        }
        pass(1000);
    }
    assert_in_range(sent, 10, 20);
    finish();
}

static void test_herald_when_it_goes_then_it_says_so(void **state)
{
    struct holm_announcement read;
    begin();
    (void)await_announcement();
    size_t size = holm_herald_farewell(world.herald, world.self.actor, world.now, world.sent);
    assert_int_equal(holm_announcement_decode(holm_mem(world.sent, size), world.secret, &read),
                     HOLM_ANNOUNCED);
    assert_string_equal(read.address, "");
    assert_int_equal(read.number, 2);
    finish();
}

/* H4: it is all taken when it begins. */
static void test_herald_when_memory_is_refused_then_it_does_not_begin(void **state)
{
    begin();
    struct holm_herald *none;
    struct holm_herald_config config = {.allocator = heap_allocator(&world.heap),
                                        .secret = world.secret};
    heap_refuse(&world.heap);
    assert_int_equal(holm_herald_new(&config, &none), HOLM_ENOMEM);
    assert_null(none);
    world.heap.calls = 0;
    world.heap.fail_at = 1;
    world.heap.fail_once = false;
    (void)await_announcement();
    hear(actor_of(2, 5), 1, "tcp://10.0.0.2:7");
    assert_string_equal(known(), "tcp://10.0.0.2:7 ");
    assert_int_equal(world.heap.calls, 0);
    finish();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_herald_when_others_announce_then_they_may_be_dialled),
        cmocka_unit_test(test_herald_when_a_node_moves_or_goes_then_its_address_is_another_or_none),
        cmocka_unit_test(test_herald_when_a_stranger_speaks_then_it_is_counted_and_nothing_else),
        cmocka_unit_test(test_herald_when_it_hears_itself_then_it_passes_it_over),
        cmocka_unit_test(test_herald_when_an_announcement_comes_again_then_it_is_never_taken),
        cmocka_unit_test(test_herald_when_a_clock_is_off_then_it_is_counted_as_stale),
        cmocka_unit_test(test_herald_when_its_clock_is_set_back_then_old_ones_are_not_taken),
        cmocka_unit_test(test_herald_when_its_clock_was_ahead_and_is_set_right_then_it_hears),
        cmocka_unit_test(test_herald_when_an_epoch_is_of_the_future_then_it_silences_nobody),
        cmocka_unit_test(test_herald_when_nobody_announces_any_more_then_they_go),
        cmocka_unit_test(test_herald_when_a_member_makes_up_thousands_then_they_are_bounded),
        cmocka_unit_test(test_herald_when_many_begin_at_once_then_they_come_one_after_the_other),
        cmocka_unit_test(test_herald_when_addresses_change_without_end_then_they_come_at_a_rate),
        cmocka_unit_test(test_herald_when_one_moves_without_end_then_it_is_followed_slowly),
        cmocka_unit_test(test_herald_when_it_has_listed_then_it_does_so_a_second_later),
        cmocka_unit_test(test_herald_when_an_address_may_not_be_dialled_then_it_says_why),
        cmocka_unit_test(test_herald_when_it_is_quiet_then_pauses_grow_and_differ),
        cmocka_unit_test(test_herald_when_nobody_is_up_then_it_asks_more_often),
        cmocka_unit_test(test_herald_when_a_newcomer_is_heard_then_it_answers_soon),
        cmocka_unit_test(test_herald_when_newcomers_never_end_then_it_keeps_its_gaps),
        cmocka_unit_test(test_herald_when_it_goes_then_it_says_so),
        cmocka_unit_test(test_herald_when_memory_is_refused_then_it_does_not_begin),
    };
    return cmocka_run_group_tests_name("herald", tests, NULL, NULL);
}

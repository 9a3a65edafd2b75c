/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Publishing no faster than peers acknowledge (P1 to P3 of crdt/pace.h), among three replicas.
 */
#include "tests/unit/trio.h"

#include <stdio.h>

enum {
    A,
    B,
    C
};

#define BOUND ((size_t)40000)
#define LAG_US 250000u
#define VALUE_BYTES 1000

/* Beacons are the host's: here there are none, unless a test sends them. */
static struct holm_replica_config limits(void)
{
    struct holm_replica_config config = trio_config();
    config.unacked_bytes_max = BOUND;
    config.lag_us = LAG_US;
    return config;
}

static void write_run(struct trio *trio, uint32_t node, int number)
{
    static const char value[VALUE_BYTES];
    char key[16];
    snprintf(key, sizeof key, "k%d", number);
    trio_write(trio, node,
               holm_op_put(holm_str(key), holm_str("v"), holm_bytes_value(value, sizeof value)));
    assert_int_equal(trio_event(trio, node, HOLM_EVENT_FLUSH), HOLM_OK);
}

static void write_runs(struct trio *trio, uint32_t node, int first, int count)
{
    for (int i = first; i < first + count; i++)
        write_run(trio, node, i);
}

static uint64_t applied(const struct trio *trio, uint32_t node)
{
    return holm_replica_seq(trio->replicas[node], actor_of(A + 1, 1));
}

static bool equal(const struct trio *trio, uint32_t a, uint32_t b)
{
    return holm_replica_vector_hash(trio->replicas[a]) ==
               holm_replica_vector_hash(trio->replicas[b]) &&
           holm_digest_equal(holm_replica_digest(trio->replicas[a]),
                             holm_replica_digest(trio->replicas[b]));
}

/* What no peer that counts has acknowledged. */
static uint64_t unacknowledged(const struct trio *trio, uint32_t node)
{
    const struct holm_replica *replica = trio->replicas[node];
    uint64_t most = 0;
    for (uint32_t i = 0; i < TRIO; i++) {
        const struct holm_replica_peer *peer = &replica->peers[i];
        uint64_t behind = replica->pace.published - peer->pace.acked;
        if (i != node && peer->up && !peer->pace.lags && behind > most)
            most = behind;
    }
    return most;
}

static uint64_t repeats(const struct trio *trio)
{
    return trio_stats(trio, B).deltas_duplicate + trio_stats(trio, C).deltas_duplicate;
}

static uint64_t asked(const struct trio *trio)
{
    return trio->sent[HOLM_MESSAGE_PULL] + trio->sent[HOLM_MESSAGE_SYNC_OPEN];
}

static void test_pace_when_peers_keep_up_then_nothing_waits_and_little_is_acknowledged(void **state)
{
    struct trio trio;
    struct holm_replica_config config = limits();
    trio_open(&trio, &config);
    for (int i = 0; i < 300; i++) {
        write_run(&trio, A, i);
        (void)trio_run(&trio, 100);
    }
    assert_true(equal(&trio, A, B) && equal(&trio, A, C));
    assert_int_equal(trio_stats(&trio, A).waits, 0);
    assert_int_equal(trio.sent[HOLM_MESSAGE_DELTA], 300);
    assert_int_equal(trio.sent[HOLM_MESSAGE_WANT], 0);
    assert_int_equal(asked(&trio), 0);
    /* An eighth of the bound is four such runs: two peers say so as often. */
    assert_in_range(trio.sent[HOLM_MESSAGE_ACK], 100, 2 * 300 / 4);
    trio_close(&trio);
}

static void test_pace_when_nobody_acknowledges_then_publishing_stops_at_the_bound(void **state)
{
    struct trio trio;
    struct holm_replica_config config = limits();
    trio_open(&trio, &config);
    trio.frozen[B] = trio.frozen[C] = true;
    write_runs(&trio, A, 0, 200);
    (void)trio_run(&trio, LAG_US / 2);
    uint64_t sent = trio.sent[HOLM_MESSAGE_DELTA];
    assert_in_range(sent, BOUND / (2 * VALUE_BYTES), BOUND / VALUE_BYTES + 1);
    assert_in_range(unacknowledged(&trio, A), BOUND, BOUND + 2 * VALUE_BYTES);
    assert_int_equal(trio_stats(&trio, A).operations, 200); /* no write has waited */
    assert_int_equal(trio_stats(&trio, A).waits, 1);
    trio.frozen[B] = trio.frozen[C] = false;
    (void)trio_run(&trio, 1000);
    assert_int_equal(trio.sent[HOLM_MESSAGE_DELTA], 200);
    assert_true(equal(&trio, A, B) && equal(&trio, A, C));
    assert_int_equal(asked(&trio), 0); /* all came by broadcast, in order, and once */
    assert_int_equal(repeats(&trio), 0);
    assert_int_equal(trio_stats(&trio, A).lags, 0);
    trio_close(&trio);
}

static void test_pace_when_one_peer_is_silent_then_it_slows_the_others_for_a_moment(void **state)
{
    struct trio trio;
    struct holm_replica_config config = limits();
    trio_open(&trio, &config);
    trio.frozen[C] = true;
    write_runs(&trio, A, 0, 50);
    (void)trio_run(&trio, LAG_US / 2);
    assert_true(applied(&trio, B) < 50);
    (void)trio_run(&trio, LAG_US);
    assert_int_equal(applied(&trio, B), 50);
    assert_int_equal(trio_stats(&trio, A).lags, 1);
    assert_int_equal(holm_replica_lagging(trio.replicas[A]), 1);
    /* From now on it slows nobody: B alone is waited for. */
    for (int i = 0; i < 10; i++) {
        write_runs(&trio, A, 50 + 20 * i, 20);
        (void)trio_run(&trio, 1000);
    }
    assert_int_equal(applied(&trio, B), 250);
    assert_int_equal(trio_stats(&trio, A).lags, 1);
    /* What it missed it has in the end; then it counts again. */
    trio.frozen[C] = false;
    (void)trio_run(&trio, 100000);
    assert_true(equal(&trio, A, C));
    assert_int_equal(holm_replica_lagging(trio.replicas[A]), 0);
    trio.frozen[C] = true;
    write_runs(&trio, A, 250, 50);
    (void)trio_run(&trio, 1000);
    assert_true(applied(&trio, B) < 300);
    (void)trio_run(&trio, 2 * LAG_US);
    assert_int_equal(trio_stats(&trio, A).lags, 2);
    trio_close(&trio);
}

/* More waits than the op log could keep for the one that keeps up. */
static void test_pace_when_much_waits_for_one_peer_then_it_is_left_behind_sooner(void **state)
{
    struct trio trio;
    struct holm_replica_config config = limits();
    config.log_bytes_max = 160000;
    trio_open(&trio, &config);
    trio.frozen[C] = true;
    for (int i = 0; i < 200; i++) {
        write_runs(&trio, A, 5 * i, 5);
        (void)trio_run(&trio, 2000);
    }
    assert_int_equal(applied(&trio, B), 1000);
    assert_int_equal(trio_stats(&trio, A).lags, 1);
    assert_int_equal(asked(&trio), 0); /* B has lost nothing by it */
    trio.frozen[C] = false;
    (void)trio_run(&trio, 1000000);
    assert_true(equal(&trio, A, C));
    trio_close(&trio);
}

/* It acknowledges all the time, but takes so little that B would come to its pace. Little waits. */
static void test_pace_when_one_peer_is_slow_then_it_is_left_to_pull(void **state)
{
    struct trio trio;
    struct holm_replica_config config = limits();
    trio_open(&trio, &config);
    int written = 0;
    for (int ms = 0; ms < 1000; ms += 20) {
        write_runs(&trio, A, written, 2);
        written += 2;
        trio.frozen[C] = true;
        (void)trio_run(&trio, 20000);
        /* One run, and what it has to say to that. */
        for (size_t i = 0; i < trio.letter_count; i++) {
            struct trio_letter letter = trio.letters[i];
            if (letter.to != C)
                continue;
            trio.letter_count -= 1;
            memmove(&trio.letters[i], &trio.letters[i + 1],
                    (trio.letter_count - i) * sizeof letter);
            (void)trio_give(&trio, C, letter.from, parcel_open(&trio.office, letter.parcel));
            parcel_free(&trio.office, letter.parcel);
            break;
        }
    }
    assert_in_range(applied(&trio, C), 40, written - 40);
    assert_int_equal(applied(&trio, B), (uint64_t)written);
    assert_int_equal(trio_stats(&trio, A).lags, 1);
    trio.frozen[C] = false;
    (void)trio_run(&trio, 200000);
    assert_true(equal(&trio, A, C));
    trio_close(&trio);
}

/* The end of what was published is lost, and nobody writes or sends beacons any more. */
static void test_pace_when_broadcasts_are_lost_then_what_follows_shows_it_in_time(void **state)
{
    struct trio trio;
    struct holm_replica_config config = limits();
    trio_open(&trio, &config);
    trio.deaf = true;
    write_runs(&trio, A, 0, 100);
    (void)trio_run(&trio, 1000);
    trio.deaf = false;
    assert_int_equal(applied(&trio, B), 0);
    (void)trio_run(&trio, 2 * LAG_US);
    assert_true(equal(&trio, A, B) && equal(&trio, A, C));
    (void)trio_run(&trio, 2 * LAG_US);
    assert_int_equal(holm_replica_lagging(trio.replicas[A]), 0);
    trio_close(&trio);
}

static void test_pace_when_acknowledgements_are_lost_then_beacons_repeat_them(void **state)
{
    struct trio trio;
    struct holm_replica_config config = limits();
    trio_open(&trio, &config);
    trio.mute_acks = true;
    write_runs(&trio, A, 0, 25);
    (void)trio_run(&trio, 1000);
    assert_int_equal(applied(&trio, B), 25);
    uint64_t before = unacknowledged(&trio, A);
    assert_true(before > BOUND / 2);
    trio_beacon(&trio, B);
    trio_beacon(&trio, C);
    (void)trio_run(&trio, 1000);
    assert_int_equal(unacknowledged(&trio, A), 0);
    /* Without beacons nobody waits for ever: they lag, and runs go out unpaced. */
    write_runs(&trio, A, 25, 200);
    (void)trio_run(&trio, 2 * LAG_US);
    assert_int_equal(trio.sent[HOLM_MESSAGE_DELTA], 225);
    assert_int_equal(applied(&trio, B), 225);
    assert_int_equal(holm_replica_lagging(trio.replicas[A]), 2);
    trio_beacon(&trio, B);
    trio_beacon(&trio, C);
    (void)trio_run(&trio, 1000);
    assert_int_equal(holm_replica_lagging(trio.replicas[A]), 0);
    trio_close(&trio);
}

static void link(struct trio *trio, uint32_t node, uint32_t peer, enum holm_event_type type)
{
    struct holm_event event = {.type = type};
    event.as.peer.feeds = true;
    event.as.peer.peer = peer;
    event.as.peer.actor = actor_of(peer + 1, 1);
    assert_int_equal(trio_step(trio, node, &event), HOLM_OK);
}

static void test_pace_when_a_peer_goes_then_nothing_waits_for_it(void **state)
{
    struct trio trio;
    struct holm_replica_config config = limits();
    trio_open(&trio, &config);
    trio.frozen[C] = true;
    write_runs(&trio, A, 0, 50);
    (void)trio_run(&trio, 1000);
    assert_true(applied(&trio, B) < 50);
    link(&trio, A, C, HOLM_EVENT_PEER_DOWN);
    (void)trio_run(&trio, 1000);
    assert_int_equal(applied(&trio, B), 50);
    assert_int_equal(trio_stats(&trio, A).lags, 0);
    /* It comes back with the past to catch up with, and is not waited for until it has. */
    link(&trio, A, C, HOLM_EVENT_PEER_UP);
    assert_int_equal(holm_replica_lagging(trio.replicas[A]), 1);
    for (int i = 0; i < 10; i++) {
        write_runs(&trio, A, 50 + 20 * i, 20);
        (void)trio_run(&trio, 1000);
    }
    assert_int_equal(applied(&trio, B), 250);
    trio.frozen[C] = false;
    (void)trio_run(&trio, 200000);
    assert_true(equal(&trio, A, C));
    assert_int_equal(holm_replica_lagging(trio.replicas[A]), 0);
    trio_close(&trio);
}

static void test_pace_when_a_peer_is_fed_then_it_is_not_waited_for(void **state)
{
    struct trio trio;
    struct holm_replica_config config = limits();
    struct holm_event follow = {.type = HOLM_EVENT_FOLLOW};
    trio_open(&trio, &config);
    link(&trio, A, C, HOLM_EVENT_PEER_UP);
    follow.as.follow.peer = C;
    follow.as.follow.wish = HOLM_FOLLOW_BACK;
    assert_int_equal(trio_step(&trio, A, &follow), HOLM_OK);
    trio.frozen[C] = true;
    write_runs(&trio, A, 0, 200);
    (void)trio_run(&trio, 1000);
    assert_int_equal(applied(&trio, B), 200);
    assert_int_equal(trio_stats(&trio, A).lags, 0);
    trio_close(&trio);
}

/* What waits is in the op log alone: what goes from there is never broadcast, and is asked for. */
static void test_pace_when_the_log_is_trimmed_meanwhile_then_memory_is_bounded_and_all_arrives(
    void **state)
{
    struct trio trio;
    struct holm_replica_config config = limits();
    config.log_bytes_max = 100000;
    trio_open(&trio, &config);
    trio.frozen[B] = trio.frozen[C] = true;
    write_runs(&trio, A, 0, 50);
    size_t letters = trio.letter_count;
    write_runs(&trio, A, 50, 950);
    assert_int_equal(trio.letter_count, letters);
    assert_in_range(trio_stats(&trio, A).log_bytes, 50000, 100000);
    trio.frozen[B] = trio.frozen[C] = false;
    (void)trio_run(&trio, 1000000);
    assert_true(equal(&trio, A, B) && equal(&trio, A, C));
    assert_true(trio_stats(&trio, B).syncs > 0);
    trio_close(&trio);
}

static void test_pace_when_the_epoch_ends_then_its_runs_are_not_published_any_more(void **state)
{
    struct trio trio;
    struct holm_replica_config config = limits();
    struct holm_event epoch = {.type = HOLM_EVENT_EPOCH};
    trio_open(&trio, &config);
    trio.frozen[B] = trio.frozen[C] = true;
    write_runs(&trio, A, 0, 200);
    uint64_t sent = trio.sent[HOLM_MESSAGE_DELTA];
    epoch.as.epoch.value = 2;
    assert_int_equal(trio_step(&trio, A, &epoch), HOLM_OK);
    write_runs(&trio, A, 200, 1);
    assert_int_equal(trio.sent[HOLM_MESSAGE_DELTA], sent + 1);
    trio.frozen[B] = trio.frozen[C] = false;
    (void)trio_run(&trio, 1000000);
    assert_true(equal(&trio, A, B) && equal(&trio, A, C));
    trio_close(&trio);
}

/* Every allocation of the step that goes on with publishing fails once. */
static void test_pace_when_memory_is_short_then_what_waits_goes_out_later(void **state)
{
    bool failed = true;
    for (uint64_t at = 1; failed; at++) {
        struct trio trio;
        struct holm_replica_config config = limits();
        trio_open(&trio, &config);
        trio.frozen[B] = trio.frozen[C] = true;
        write_runs(&trio, A, 0, 100);
        struct holm_message ack = holm_replica_message(trio.replicas[B], HOLM_MESSAGE_ACK);
        ack.as.ack = (struct holm_ack){actor_of(A + 1, 1), trio.replicas[A]->pace.last};
        assert_int_equal(trio_give(&trio, A, C, &ack), HOLM_OK);
        uint64_t calls = trio.heap.calls;
        trio.heap.fail_at = calls + at;
        (void)trio_give(&trio, A, B, &ack);
        failed = trio.heap.calls >= calls + at;
        trio.heap.fail_at = 0;
        trio.frozen[B] = trio.frozen[C] = false;
        (void)trio_run(&trio, 100000);
        assert_int_equal(trio.sent[HOLM_MESSAGE_DELTA], 100);
        assert_true(equal(&trio, A, B) && equal(&trio, A, C));
        assert_int_equal(asked(&trio), 0);
        trio_close(&trio);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            test_pace_when_peers_keep_up_then_nothing_waits_and_little_is_acknowledged),
        cmocka_unit_test(test_pace_when_nobody_acknowledges_then_publishing_stops_at_the_bound),
        cmocka_unit_test(test_pace_when_one_peer_is_silent_then_it_slows_the_others_for_a_moment),
        cmocka_unit_test(test_pace_when_much_waits_for_one_peer_then_it_is_left_behind_sooner),
        cmocka_unit_test(test_pace_when_one_peer_is_slow_then_it_is_left_to_pull),
        cmocka_unit_test(test_pace_when_broadcasts_are_lost_then_what_follows_shows_it_in_time),
        cmocka_unit_test(test_pace_when_acknowledgements_are_lost_then_beacons_repeat_them),
        cmocka_unit_test(test_pace_when_a_peer_goes_then_nothing_waits_for_it),
        cmocka_unit_test(test_pace_when_a_peer_is_fed_then_it_is_not_waited_for),
        cmocka_unit_test(
            test_pace_when_the_log_is_trimmed_meanwhile_then_memory_is_bounded_and_all_arrives),
        cmocka_unit_test(test_pace_when_the_epoch_ends_then_its_runs_are_not_published_any_more),
        cmocka_unit_test(test_pace_when_memory_is_short_then_what_waits_goes_out_later),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

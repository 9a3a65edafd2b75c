/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two or three replicas and their talk: runs, pulls, syncs, acknowledgements, beacons, epochs.
 */
#include "tests/unit/trio.h"

#include <stdio.h>

enum {
    A,
    B,
    C
};

static void put(struct trio *trio, uint32_t node, const char *key, int64_t number)
{
    trio_write(trio, node, holm_op_put(holm_str(key), holm_str("f"), holm_i64(number)));
}

static void assert_equal(const struct trio *trio)
{
    for (uint32_t i = 1; i < TRIO; i++) {
        assert_int_equal(trio->replicas[0]->actors.hash, trio->replicas[i]->actors.hash);
        assert_true(holm_digest_equal(holm_replica_transfer_digest(trio->replicas[0]),
                                      holm_replica_transfer_digest(trio->replicas[i])));
    }
}

static uint64_t talk(const struct trio *trio)
{
    uint64_t sum = 0;
    for (int type = HOLM_MESSAGE_ACK; type <= HOLM_MESSAGE_SYNC_CLOSE; type++)
        sum += trio->sent[type];
    return sum;
}

static void test_replica_when_broadcasts_arrive_then_nothing_else_is_said(void **state)
{
    struct trio trio;
    struct holm_replica_config config = trio_config();
    trio_open(&trio, &config);
    put(&trio, A, "k", 1);
    assert_true(trio.work->wake_us <= trio.now_us);
    (void)trio_run(&trio, 10000);
    put(&trio, B, "k", 2);
    (void)trio_run(&trio, 10000);
    assert_equal(&trio);
    for (uint32_t i = 0; i < TRIO; i++)
        trio_beacon(&trio, i);
    assert_int_equal(trio_run(&trio, 100000000), 0);
    assert_int_equal(talk(&trio), 0);
    trio_close(&trio);
}

/* The first write after a pause goes out at once, the next ones with the rhythm of the flushes. */
static void test_replica_when_writes_follow_each_other_then_they_go_out_together(void **state)
{
    struct trio trio;
    struct holm_replica_config config = trio_config();
    config.flush_interval_us = 1000;
    trio_open(&trio, &config);
    for (int i = 0; i < 100; i++) {
        put(&trio, A, "k", i);
        (void)trio_run(&trio, 100);
    }
    (void)trio_run(&trio, 2000);
    assert_in_range(trio_stats(&trio, A).deltas_sealed, 9, 12);
    assert_equal(&trio);
    trio_close(&trio);
}

static void test_replica_when_broadcasts_are_lost_then_a_beacon_leads_to_a_pull(void **state)
{
    struct trio trio;
    struct holm_replica_config config = trio_config();
    trio_open(&trio, &config);
    trio.deaf = true;
    for (int i = 0; i < 50; i++) {
        put(&trio, A, "k", i);
        (void)trio_run(&trio, 2000);
    }
    assert_int_equal(trio_stats(&trio, B).cells, 0);
    trio_beacon(&trio, A);
    (void)trio_run(&trio, 1000000);
    assert_equal(&trio);
    assert_int_equal(trio_stats(&trio, B).pulls, 1);
    assert_int_equal(trio_stats(&trio, B).syncs, 0);
    trio_close(&trio);
}

static void put_kilobytes(struct trio *trio, uint32_t first, uint32_t count)
{
    static char value[1000];
    for (uint32_t i = first; i < first + count; i++) {
        char key[16];
        (void)snprintf(key, sizeof key, "k%u", i);
        trio_write(
            trio, A,
            holm_op_put(holm_str(key), holm_str("f"), holm_bytes_value(value, sizeof value)));
        (void)trio_run(trio, 2000);
    }
}

/* An answer has a limit; what is left is pulled at once, in causal order. A gap that is larger than
 * the state would be synced, so there is more that B has. */
static void test_replica_when_a_pull_is_larger_than_a_frame_then_it_goes_on(void **state)
{
    struct trio trio;
    struct holm_replica_config config = trio_config();
    config.frame_bytes_max = 16384;
    trio_open(&trio, &config);
    put_kilobytes(&trio, 0, 100);
    assert_equal(&trio);
    trio.deaf = true;
    put_kilobytes(&trio, 100, 100);
    trio_beacon(&trio, A);
    (void)trio_run(&trio, 1000000);
    assert_equal(&trio);
    assert_in_range(trio_stats(&trio, B).pulls, 8, 30);
    assert_int_equal(trio_stats(&trio, B).syncs, 0);
    trio_close(&trio);
}

/* Nothing of what others wrote is here: no feed is on its way to close the gap. */
static void test_replica_when_it_has_own_runs_alone_then_a_gap_does_not_wait(void **state)
{
    struct trio trio;
    struct holm_replica_config config = trio_config();
    (void)state;
    trio_open(&trio, &config);
    put(&trio, B, "b", 1);
    (void)trio_run(&trio, 1000000);
    struct holm_replica *replica = trio.replicas[B];
    assert_int_equal(trio_event(&trio, B, HOLM_EVENT_TICK), HOLM_OK);
    assert_false(holm_replica_gap_waits(replica, A));
    put(&trio, C, "c", 1);
    (void)trio_run(&trio, 1000000);
    assert_int_equal(trio_event(&trio, B, HOLM_EVENT_TICK), HOLM_OK);
    assert_true(holm_replica_gap_waits(replica, A));
    trio_close(&trio);
}

/* A run that comes early is no reason to ask for the third time what has been answered. */
static void test_replica_when_a_gap_waits_then_nothing_shortens_that(void **state)
{
    struct trio trio;
    struct holm_replica_config config = trio_config();
    trio_open(&trio, &config);
    put(&trio, C, "c", 1); /* B is no newcomer */
    put(&trio, B, "b", 1);
    (void)trio_run(&trio, 1000000);
    struct holm_replica *replica = trio.replicas[B];
    uint64_t pulls = trio_stats(&trio, B).pulls;
    assert_int_equal(trio_event(&trio, B, HOLM_EVENT_TICK), HOLM_OK);
    assert_true(holm_replica_gap_waits(replica, A));
    holm_replica_mark_ahead(replica, A, 0);
    assert_int_equal(trio_event(&trio, B, HOLM_EVENT_TICK), HOLM_OK);
    (void)trio_run(&trio, 100000);
    assert_int_equal(trio_stats(&trio, B).pulls, pulls);
    (void)trio_run(&trio, 400000);
    assert_int_equal(trio_stats(&trio, B).pulls, pulls + 1);
    trio_close(&trio);
}

static void test_replica_when_nobody_else_has_it_then_a_gap_waits_no_longer(void **state)
{
    struct trio trio;
    struct holm_replica_config config = trio_config();
    trio_open(&trio, &config);
    put(&trio, C, "c", 1); /* B is no newcomer */
    put(&trio, B, "b", 1);
    (void)trio_run(&trio, 1000000);
    struct holm_replica *replica = trio.replicas[B];
    uint64_t pulls = trio_stats(&trio, B).pulls;
    assert_int_equal(trio_event(&trio, B, HOLM_EVENT_TICK), HOLM_OK);
    assert_true(holm_replica_gap_waits(replica, A));
    holm_replica_mark_ahead(replica, C, 0);
    assert_int_equal(trio_event(&trio, B, HOLM_EVENT_TICK), HOLM_OK);
    (void)trio_run(&trio, 50000);
    assert_int_equal(trio_stats(&trio, B).pulls, pulls + 2); /* of C; of A after the sync */
    /* Nothing has come, so A was not asked for runs again before. */
    assert_int_equal(trio_stats(&trio, B).syncs, 1);
    trio_close(&trio);
}

/* A's log begins anew, as it does after a sync; C's reaches back. */
static void test_replica_when_another_log_reaches_back_then_it_does_not_sync(void **state)
{
    struct trio trio;
    struct holm_replica_config config = trio_config();
    trio_open(&trio, &config);
    put(&trio, C, "c", 1); /* B is no newcomer */
    put(&trio, B, "b", 1);
    (void)trio_run(&trio, 2000);
    trio.deaf = true;
    put(&trio, A, "k", 1);
    assert_int_equal(trio_event(&trio, A, HOLM_EVENT_FLUSH), HOLM_OK);
    struct holm_delta *run = trio_last_run(&trio, A);
    assert_int_equal(trio_give_delta(&trio, C, A, run), HOLM_OK);
    holm_delta_release(run);
    holm_oplog_clear(&trio.replicas[A]->log, &trio.replicas[A]->actors);
    trio_beacon(&trio, A);
    (void)trio_run(&trio, 1000000);
    assert_equal(&trio);
    assert_int_equal(trio_stats(&trio, A).pulls_too_old, 1);
    assert_int_equal(trio_stats(&trio, B).syncs, 0);
    trio_close(&trio);
}

static void test_replica_when_the_log_does_not_reach_back_then_it_syncs(void **state)
{
    struct trio trio;
    struct holm_replica_config config = trio_config();
    config.log_bytes_max = 5000;
    trio_open(&trio, &config);
    trio.deaf = true;
    put(&trio, B, "b", 1);
    trio_write(&trio, B, holm_op_add(holm_str("n"), holm_str("f"), 5));
    for (uint32_t i = 0; i < 40; i++) {
        char key[16];
        (void)snprintf(key, sizeof key, "k%u", i);
        put(&trio, A, key, i);
        (void)trio_run(&trio, 2000);
    }
    trio_beacon(&trio, A);
    (void)trio_run(&trio, 100000); /* C has nothing: that is no reason to wait */
    assert_int_equal(trio_stats(&trio, B).syncs, 1);
    assert_int_equal(trio_stats(&trio, A).pulls_too_old, 2);
    assert_int_equal(trio.replicas[B]->peers[A].gap_us, 0); /* the next one waits again */
    (void)trio_run(&trio, 3000000);
    for (uint32_t i = 0; i < TRIO; i++)
        trio_beacon(&trio, i);
    (void)trio_run(&trio, 3000000);
    assert_equal(&trio);
    assert_int_equal(trio.sent[HOLM_MESSAGE_SYNC_OPEN], trio.sent[HOLM_MESSAGE_SYNC_CLOSE]);
    for (uint32_t i = 0; i < TRIO; i++)
        assert_int_equal(trio.replicas[i]->served_count, 0);
    trio_close(&trio);
}

static void test_replica_when_somebody_waits_then_peers_tell_once_they_have_it(void **state)
{
    struct trio trio;
    struct holm_replica_config config = trio_config();
    trio_open(&trio, &config);
    put(&trio, A, "k", 1);
    put(&trio, A, "k", 2);
    assert_int_equal(holm_replica_peer_seen(trio.replicas[A], B), 0);
    assert_int_equal(trio_event(&trio, A, HOLM_EVENT_WANT), HOLM_OK);
    (void)trio_run(&trio, 10000);
    assert_int_equal(holm_replica_peer_seen(trio.replicas[A], B), 2);
    assert_int_equal(holm_replica_peer_seen(trio.replicas[A], C), 2);
    assert_int_equal(trio.sent[HOLM_MESSAGE_WANT], 2);
    assert_int_equal(trio.sent[HOLM_MESSAGE_ACK], 2);
    assert_int_equal(trio_event(&trio, A, HOLM_EVENT_WANT), HOLM_OK);
    (void)trio_run(&trio, 10000);
    assert_int_equal(trio.sent[HOLM_MESSAGE_WANT], 2);
    /* A peer that claims more than was ever sealed is not believed. */
    struct holm_message lie = {.type = HOLM_MESSAGE_ACK, .partition = 5};
    const uint64_t claims[] = {3, UINT64_MAX};
    for (size_t i = 0; i < 2; i++) {
        lie.as.ack = (struct holm_ack){actor_of(1, 1), claims[i]};
        assert_int_equal(trio_give(&trio, A, B, &lie), HOLM_OK);
        assert_int_equal(holm_replica_peer_seen(trio.replicas[A], B), 2);
    }
    trio_close(&trio);
}

/* The broadcast was lost, and no beacon is near: who waits need not wait for it. */
static void test_replica_when_somebody_waits_for_what_was_lost_then_it_is_pulled(void **state)
{
    struct trio trio;
    struct holm_replica_config config = trio_config();
    trio_open(&trio, &config);
    trio.deaf = true;
    put(&trio, A, "k", 1);
    assert_int_equal(trio_event(&trio, A, HOLM_EVENT_WANT), HOLM_OK);
    (void)trio_run(&trio, 50000);
    assert_equal(&trio);
    assert_int_equal(holm_replica_peer_seen(trio.replicas[A], B), 1);
    assert_int_equal(holm_replica_peer_seen(trio.replicas[A], C), 1);
    trio_close(&trio);
}

/* Frames are lost where a queue was full: what they had is asked for again, and what has come is kept. */
static void test_replica_when_tells_are_lost_then_only_they_are_asked_for_again(void **state)
{
    struct trio trio;
    struct holm_replica_config config = trio_config();
    config.log_bytes_max = 1000;
    config.frame_bytes_max = 4096;
    trio_open(&trio, &config);
    trio.deaf = true;
    put_kilobytes(&trio, 0, 100);
    trio.lossy = HOLM_MESSAGE_SYNC_TELL;
    trio_beacon(&trio, A);
    (void)trio_run(&trio, 60000000);
    assert_in_range(trio.lossy_count, 80, 140);
    for (uint32_t i = B; i < TRIO; i++) {
        assert_int_equal(trio_stats(&trio, i).syncs, 1);
        assert_int_equal(trio_stats(&trio, i).syncs_failed, 0);
        assert_int_equal(trio_stats(&trio, i).sync_items, 100);
    }
    assert_equal(&trio);
    trio_close(&trio);
}

/* A source that never ends is given up; what it sent is not applied. */
static void test_replica_when_a_sync_is_larger_than_its_bound_then_it_is_given_up(void **state)
{
    struct trio trio;
    struct holm_replica_config config = trio_config();
    config.log_bytes_max = 1000;
    config.sync_bytes_max = 4000;
    trio_open(&trio, &config);
    trio.deaf = true;
    put_kilobytes(&trio, 0, 20);
    trio_beacon(&trio, A);
    (void)trio_run(&trio, 1000000);
    assert_true(trio_stats(&trio, B).syncs_failed > 0);
    assert_int_equal(trio_stats(&trio, B).syncs, 0);
    assert_int_equal(trio_stats(&trio, B).records, 0);
    trio_close(&trio);
}

static void test_replica_when_a_digest_is_corrupt_then_it_is_counted_and_rebuilt(void **state)
{
    struct trio trio;
    struct holm_replica_config config = trio_config();
    trio_open(&trio, &config);
    put(&trio, A, "k", 1);
    (void)trio_run(&trio, 10000);
    trio.replicas[B]->state.digest.low ^= 4;
    trio_beacon(&trio, A);
    (void)trio_run(&trio, 1000000);
    assert_equal(&trio);
    assert_int_equal(trio_stats(&trio, B).digest_breaches, 1);
    assert_int_equal(trio_stats(&trio, B).syncs, 0);
    trio_close(&trio);
}

/* Who waits for what a former epoch wrote is told by an equal vector, or by whatever follows. */
static void test_replica_when_its_epoch_changes_then_the_former_ones_are_waited_for(void **state)
{
    struct trio trio;
    struct holm_replica_config config = trio_config();
    trio_open(&trio, &config);
    trio.deaf = true;
    put(&trio, A, "k", 1);
    struct holm_event epoch = {.type = HOLM_EVENT_EPOCH, .as.epoch = {9}};
    assert_int_equal(trio_step(&trio, A, &epoch), HOLM_OK);
    assert_false(holm_replica_peer_has(trio.replicas[A], B, 0));
    trio_beacon(&trio, A);
    (void)trio_run(&trio, 100000);
    trio_beacon(&trio, B);
    (void)trio_run(&trio, 100000);
    assert_true(holm_replica_peer_has(trio.replicas[A], B, 0));
    put(&trio, A, "k", 2);
    assert_false(holm_replica_peer_has(trio.replicas[A], B, 1));
    trio_beacon(&trio, A);
    (void)trio_run(&trio, 100000);
    trio_beacon(&trio, B);
    (void)trio_run(&trio, 100000);
    assert_true(holm_replica_peer_has(trio.replicas[A], B, 1));
    assert_true(holm_replica_peer_has(trio.replicas[A], B, 0));
    trio_close(&trio);
}

static void test_replica_when_its_epoch_changes_then_dots_start_anew_and_spread(void **state)
{
    struct trio trio;
    struct holm_replica_config config = trio_config();
    struct holm_event epoch = {.type = HOLM_EVENT_EPOCH, .as.epoch = {9}};
    trio_open(&trio, &config);
    trio_write(&trio, A, holm_op_add(holm_str("n"), holm_str("f"), 20));
    assert_int_equal(trio_step(&trio, A, &epoch), HOLM_OK);
    assert_int_equal(trio_stats(&trio, A).deltas_sealed, 1);
    trio_write(&trio, A, holm_op_add(holm_str("n"), holm_str("f"), 5));
    assert_int_equal(trio.work->first.actor.epoch.value, 9);
    assert_int_equal(trio.work->first.seq, 1);
    assert_int_equal(trio_step(&trio, A, &epoch), HOLM_EINVAL);
    (void)trio_run(&trio, 10000);
    assert_equal(&trio);
    int64_t sum;
    assert_int_equal(holm_replica_count(trio.replicas[C], holm_str("n"), holm_str("f"), &sum),
                     HOLM_OK);
    assert_int_equal(sum, 25);
    assert_int_equal(trio_stats(&trio, C).vector_entries, 2);
    trio_close(&trio);
}

/* Whoever has a twin takes epochs by the hundred, and writes in few of them. */
static void test_replica_when_its_epochs_write_nothing_then_they_leave_nothing(void **state)
{
    struct trio trio;
    struct holm_replica_config config = trio_config();
    config.actors_max = 5;
    trio_open(&trio, &config);
    for (uint64_t i = 2; i < 400; i++) {
        struct holm_event epoch = {.type = HOLM_EVENT_EPOCH, .as.epoch = {i}};
        assert_int_equal(trio_step(&trio, A, &epoch), HOLM_OK);
        if (i % 150 == 0)
            trio_write(&trio, A, holm_op_add(holm_str("n"), holm_str("f"), 5));
    }
    trio_write(&trio, A, holm_op_add(holm_str("n"), holm_str("f"), 5));
    assert_int_equal(trio.work->first.actor.epoch.value, 399);
    (void)trio_run(&trio, 10000);
    assert_equal(&trio);
    assert_int_equal(trio_stats(&trio, C).vector_entries, 3);
    trio_close(&trio);
}

/* Whoever was asked goes away: another one has it too. */
static void test_replica_when_the_asked_peer_goes_then_another_is_asked(void **state)
{
    struct trio trio;
    struct holm_replica_config config = trio_config();
    trio_open(&trio, &config);
    trio.deaf = true;
    put(&trio, A, "k", 1);
    assert_int_equal(trio_event(&trio, A, HOLM_EVENT_FLUSH), HOLM_OK);
    struct holm_delta *run = trio_last_run(&trio, A);
    assert_int_equal(trio_give_delta(&trio, C, A, run), HOLM_OK);
    holm_delta_release(run);
    struct holm_beacon_entry entry = holm_replica_beacon(trio.replicas[A]);
    struct holm_message beacon = {.type = HOLM_MESSAGE_BEACON, .as.beacon = {&entry, 1}};
    assert_int_equal(trio_give(&trio, B, A, &beacon), HOLM_OK);
    assert_true(trio.replicas[B]->pull.active);
    assert_int_equal(trio.replicas[B]->pull.peer, A);
    /* The letter to A is lost with the link. */
    for (size_t i = 0; i < trio.letter_count; i++)
        parcel_free(&trio.office, trio.letters[i].parcel);
    trio.letter_count = 0;
    struct holm_event down = {.type = HOLM_EVENT_PEER_DOWN, .as.peer = {.peer = A}};
    assert_int_equal(trio_step(&trio, B, &down), HOLM_OK);
    (void)trio_run(&trio, 100000);
    assert_equal(&trio);
    trio_close(&trio);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_replica_when_broadcasts_arrive_then_nothing_else_is_said),
        cmocka_unit_test(test_replica_when_writes_follow_each_other_then_they_go_out_together),
        cmocka_unit_test(test_replica_when_broadcasts_are_lost_then_a_beacon_leads_to_a_pull),
        cmocka_unit_test(test_replica_when_a_pull_is_larger_than_a_frame_then_it_goes_on),
        cmocka_unit_test(test_replica_when_it_has_own_runs_alone_then_a_gap_does_not_wait),
        cmocka_unit_test(test_replica_when_a_gap_waits_then_nothing_shortens_that),
        cmocka_unit_test(test_replica_when_nobody_else_has_it_then_a_gap_waits_no_longer),
        cmocka_unit_test(test_replica_when_another_log_reaches_back_then_it_does_not_sync),
        cmocka_unit_test(test_replica_when_the_log_does_not_reach_back_then_it_syncs),
        cmocka_unit_test(test_replica_when_somebody_waits_then_peers_tell_once_they_have_it),
        cmocka_unit_test(test_replica_when_somebody_waits_for_what_was_lost_then_it_is_pulled),
        cmocka_unit_test(test_replica_when_tells_are_lost_then_only_they_are_asked_for_again),
        cmocka_unit_test(test_replica_when_a_sync_is_larger_than_its_bound_then_it_is_given_up),
        cmocka_unit_test(test_replica_when_a_digest_is_corrupt_then_it_is_counted_and_rebuilt),
        cmocka_unit_test(test_replica_when_its_epoch_changes_then_the_former_ones_are_waited_for),
        cmocka_unit_test(test_replica_when_its_epoch_changes_then_dots_start_anew_and_spread),
        cmocka_unit_test(test_replica_when_its_epochs_write_nothing_then_they_leave_nothing),
        cmocka_unit_test(test_replica_when_the_asked_peer_goes_then_another_is_asked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hearing what a peer has now (crdt/replica_wait.h): B asks A. No broadcast arrives, and nothing of C's.
 */
#include "crdt/replica_wait.h"
#include "tests/unit/trio.h"

#include <stdio.h>

enum {
    A,
    B,
    C
};

#define AGAIN_US 250000

static void open_deaf(struct trio *trio, const struct holm_replica_config *config)
{
    trio_open(trio, config);
    trio->deaf = true;
    for (uint32_t to = 0; to < TRIO; to++)
        trio->cut[C][to] = true;
}

static void put(struct trio *trio, const char *key, size_t size)
{
    static const char value[1000];
    trio_write(trio, A, holm_op_put(holm_str(key), holm_str("f"), holm_bytes_value(value, size)));
    assert_int_equal(trio_event(trio, A, HOLM_EVENT_FLUSH), HOLM_OK);
}

static void put_many(struct trio *trio, uint32_t first, uint32_t count)
{
    for (uint32_t i = first; i < first + count; i++) {
        char key[16];
        (void)snprintf(key, sizeof key, "k%u", i);
        put(trio, key, 1000);
        (void)trio_run(trio, 2000);
    }
}

static enum holm_status hear(struct trio *trio, uint64_t number)
{
    struct holm_event event = {.type = HOLM_EVENT_HEAR};
    event.as.hear = number;
    return trio_step(trio, B, &event);
}

static uint64_t heard(const struct trio *trio)
{
    return holm_replica_heard_from(trio->replicas[B], A);
}

static uint64_t answered(const struct trio *trio)
{
    return trio->replicas[B]->peers[A].hearing.answered;
}

/* Whether B has all that A wrote. */
static bool has_all(const struct trio *trio)
{
    struct holm_dot last = holm_replica_mark(trio->replicas[A]);
    return holm_replica_presence(trio->replicas[B], last) == HOLM_PRESENCE_HERE;
}

/* Asks again now and then until A has been heard, which must be true at once. */
static void run_until_heard(struct trio *trio, uint64_t number)
{
    uint64_t again_us = trio->now_us + AGAIN_US;
    for (int i = 0; i < 100000 && heard(trio) < number; i++) {
        (void)trio_run(trio, 100);
        if (trio->now_us >= again_us) {
            assert_int_equal(hear(trio, number), HOLM_OK);
            again_us = trio->now_us + AGAIN_US;
        }
    }
    assert_int_equal(heard(trio), number);
    assert_true(has_all(trio));
    assert_int_equal(holm_replica_heard_from(trio->replicas[B], C), 0);
}

/* Asks, and takes the answer to that alone: what B says to it waits at A until more time passes. */
static void hear_one_answer(struct trio *trio)
{
    uint64_t before = answered(trio);
    trio->frozen[B] = true;
    assert_int_equal(hear(trio, 0), HOLM_OK);
    (void)trio_run(trio, 10);
    trio->frozen[A] = true;
    trio->frozen[B] = false;
    (void)trio_run(trio, 10);
    assert_int_equal(answered(trio), before + 1);
    trio->frozen[A] = false;
}

/* The answer to what was asked before says nothing of what has been written since. */
static void test_hear_when_an_earlier_pull_is_answered_then_it_is_no_answer(void **state)
{
    struct trio trio;
    struct holm_replica_config config = trio_config();
    (void)state;
    open_deaf(&trio, &config);
    put(&trio, "old", 1);
    trio_beacon(&trio, A);
    trio.frozen[A] = true;
    (void)trio_run(&trio, 10);
    assert_int_equal(trio.replicas[B]->peers[A].hearing.asked, 1);
    trio.frozen[A] = false;
    trio.frozen[B] = true;
    (void)trio_run(&trio, 10);
    trio.frozen[A] = true;
    put(&trio, "new", 1);
    assert_int_equal(hear(&trio, 0), HOLM_OK);
    assert_int_equal(holm_replica_hearing(trio.replicas[B]), 1);
    assert_int_equal(answered(&trio), 0);
    trio.frozen[B] = false;
    (void)trio_run(&trio, 10);
    assert_int_equal(answered(&trio), 1);
    assert_int_equal(heard(&trio), 0);
    assert_false(has_all(&trio));
    trio.frozen[A] = false;
    run_until_heard(&trio, 1);
    trio_close(&trio);
}

static void test_hear_when_the_answer_is_a_part_then_the_last_one_counts(void **state)
{
    struct trio trio;
    struct holm_replica_config config = trio_config();
    (void)state;
    config.frame_bytes_max = 16384;
    open_deaf(&trio, &config);
    put_many(&trio, 0, 100); /* much more than is missing later: runs are cheaper than a sync */
    assert_int_equal(hear(&trio, 0), HOLM_OK);
    run_until_heard(&trio, 1);
    put_many(&trio, 100, 50);
    uint64_t syncs = trio_stats(&trio, B).syncs;
    hear_one_answer(&trio);
    assert_int_equal(heard(&trio), 1);
    assert_false(has_all(&trio));
    run_until_heard(&trio, 2);
    assert_int_equal(trio_stats(&trio, B).syncs, syncs);
    trio_close(&trio);
}

static void test_hear_when_the_log_is_too_short_then_it_waits_for_the_sync(void **state)
{
    struct trio trio;
    struct holm_replica_config config = trio_config();
    (void)state;
    open_deaf(&trio, &config);
    put_many(&trio, 0, 20);
    holm_oplog_clear(&trio.replicas[A]->log, &trio.replicas[A]->actors);
    hear_one_answer(&trio);
    assert_int_equal(heard(&trio), 0);
    assert_false(has_all(&trio));
    run_until_heard(&trio, 1);
    assert_int_equal(trio_stats(&trio, B).syncs, 1);
    trio_close(&trio);
}

/* Whichever request is refused, of the question, the answer, or the taking of it. */
static void test_hear_when_memory_is_short_then_it_is_heard_later(void **state)
{
    struct holm_replica_config config = trio_config();
    bool refused = true;
    uint64_t rounds = 0;
    (void)state;
    for (uint64_t n = 1; refused; n++) {
        struct trio trio;
        open_deaf(&trio, &config);
        put(&trio, "k", 1);
        trio.heap.calls = 0;
        trio.heap.fail_at = n;
        trio.heap.fail_once = true;
        bool asked = hear(&trio, 0) == HOLM_OK;
        (void)trio_run(&trio, 5);
        refused = trio.heap.calls >= n;
        trio.heap.fail_at = 0;
        rounds += refused ? 1 : 0;
        assert_true(heard(&trio) == 0 || has_all(&trio));
        if (!asked)
            assert_int_equal(hear(&trio, holm_replica_hearing(trio.replicas[B])), HOLM_OK);
        run_until_heard(&trio, 1);
        trio_close(&trio);
    }
    assert_in_range(rounds, 3, 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hear_when_an_earlier_pull_is_answered_then_it_is_no_answer),
        cmocka_unit_test(test_hear_when_the_answer_is_a_part_then_the_last_one_counts),
        cmocka_unit_test(test_hear_when_the_log_is_too_short_then_it_waits_for_the_sync),
        cmocka_unit_test(test_hear_when_memory_is_short_then_it_is_heard_later),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

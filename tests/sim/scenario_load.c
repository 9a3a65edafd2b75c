/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Much at once, late, twice, in any order, and cut off by a crash. T07 T08 T21 T23 T25 T33
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/sim/story.h"

#define BIT(type) (1u << (type))
#define DELTA BIT(HOLM_MESSAGE_DELTA)
#define KIB ((size_t)1024)

static void run_us(struct holm_script *script, uint64_t us)
{
    holm_world_run(script->world, holm_world_now_us(script->world) + us);
}

/* ---- T07 ------------------------------------------------------------------------------------ */

#define RUNS 20000u
#define LOG_BYTES (256 * KIB)

static void narrow(struct holm_script *script, uint32_t from, uint32_t to, uint64_t bytes_per_s)
{
    struct holm_network_path path = holm_world_path(script->world, from, to);
    path.bytes_per_s = bytes_per_s;
    holm_world_path_set(script->world, from, to, &path);
}

/* Each increment is a run: it is sealed before the next. */
static void publish(struct holm_script *script, uint32_t first, uint32_t count)
{
    char key[8];
    for (uint32_t i = first; i < first + count; i++) {
        (void)snprintf(key, sizeof key, "k%03u", i % 500);
        holm_script_add(script, 0, key, 1);
        run_us(script, 100);
    }
}

/* T07: n1 is fast, n2 behind a line that takes a fifth of it, and n3 joins amid it. */
static void test_load_when_one_publishes_at_full_speed_then_all_have_all(void **state)
{
    (void)state;
    struct holm_script *script = story_new(4, HOLM_SCRIPT_PLAIN);
    script->config.engine.partitions = 1;
    script->config.engine.flush_interval_us = 50;
    script->config.engine.frame_bytes_max = 64 * KIB;
    script->config.engine.log_bytes_max = LOG_BYTES;
    script->config.engine.outbox_bytes_max = 1024 * KIB;
    script->config.engine.holdback_bytes_max = 512 * KIB;
    holm_script_set_up(script);
    for (uint32_t i = 0; i < 3; i++)
        holm_script_start(script, i);
    holm_script_run(script, 3000);
    narrow(script, 0, 2, 100 * KIB);
    narrow(script, 1, 2, 100 * KIB);
    publish(script, 0, RUNS / 2);
    holm_script_start(script, 3);
    publish(script, RUNS / 2, RUNS / 2);
    assert_in_range(holm_script_stats(script, 0).deltas_sealed, RUNS, RUNS + 10);
    assert_int_equal(holm_script_sum(script, 0, "k000"), RUNS / 500);
    holm_script_run(script, 20);
    assert_int_equal(holm_script_sum(script, 1, "k499"), RUNS / 500); /* nobody slows it */
    assert_false(holm_script_converged(script));
    holm_script_converge(script, 60000);
    for (uint32_t i = 0; i < 4; i++) {
        assert_int_equal(holm_script_stats(script, i).records, 500);
        assert_in_range(holm_world_heap_peak(script->world, i), 1, 8 * 1024 * KIB);
    }
    assert_true(holm_script_stats(script, 2).pulls + holm_script_stats(script, 2).syncs > 0);
    story_end(script);
}

/* ---- T08 ------------------------------------------------------------------------------------ */

#define ROUNDS 1000u

/* T08: every run comes twice, some overtake others, and the first ones come once more a thousand beacons later,
 * after what they wrote was removed. */
static void test_load_when_runs_come_again_after_removals_then_they_change_nothing(void **state)
{
    (void)state;
    struct holm_script *script = story_new(3, HOLM_SCRIPT_DISKS);
    holm_script_begin(script);
    struct holm_network_path path = holm_world_path(script->world, 0, 1);
    path.reorder_permille = 500;
    path.reorder_us = 300000;
    holm_world_path_set(script->world, 0, 1, &path);
    struct holm_gate old = {
        .verdict = HOLM_NETWORK_HOLD, .from = 1, .to = 1 << 1, .types = DELTA, .count = 60};
    struct holm_gate twice = {.verdict = HOLM_NETWORK_DOUBLE, .types = DELTA};
    uint32_t late = holm_gate_set(script->world, &old);
    (void)holm_gate_set(script->world, &twice);
    for (uint32_t i = 0; i < 60; i++) {
        holm_script_add(script, 0, "n", 1);
        holm_script_put(script, 0, i % 2 == 0 ? "even" : "odd", i);
        holm_script_run(script, 50);
        holm_script_add(script, 2, "n", 1);
    }
    holm_script_converge(script, 20000); /* by pulls */
    holm_script_expect_sum(script, "n", 120);
    holm_script_remove(script, 2, "even");
    holm_script_bury(script, 1, "odd");
    assert_int_equal(holm_script_commit(script, 2, holm_op_reset(holm_str("n"), holm_str("n"))),
                     HOLM_OK);
    holm_script_add(script, 0, "n", 5);
    holm_script_run(script, ROUNDS * 1000);
    holm_script_expect_sum(script, "n", 5);
    assert_int_equal(holm_gate_held(script->world, late), 60);
    uint64_t digest = holm_script_stats(script, 1).digest;
    holm_gate_lift(script->world, late);
    holm_script_run(script, 2000);
    assert_true(holm_script_stats(script, 1).deltas_duplicate >= 60);
    assert_true(holm_script_stats(script, 1).digest == digest);
    holm_script_converge(script, 1000);
    holm_script_expect_sum(script, "n", 5);
    holm_script_expect_exists(script, "even", false);
    holm_script_expect_exists(script, "odd", false);
    story_end(script);
}

/* ---- T21 ------------------------------------------------------------------------------------ */

#define WRITERS 4u
#define ORDERS 24u

/* The number-th order of 0, 1, 2 and 3. */
static void order_of(uint32_t number, uint32_t order[WRITERS])
{
    uint32_t left[WRITERS] = {0, 1, 2, 3};
    for (uint32_t i = 0; i < WRITERS; i++) {
        uint32_t at = number % (WRITERS - i);
        number /= WRITERS - i;
        order[i] = left[at];
        memmove(left + at, left + at + 1, (WRITERS - 1 - at) * sizeof left[0]);
    }
}

/* Beside each other, on one key. */
static void write_all(struct holm_script *script)
{
    struct holm_bytes key = holm_str("k"), field = holm_str("f");
    const struct holm_op ops[WRITERS] = {
        holm_op_remove(key, holm_str("")),
        holm_op_put(key, field, holm_i64(7)),
        holm_op_put(key, field, holm_i64(8)),
        holm_op_add(key, field, 11),
    };
    for (uint32_t i = 0; i < WRITERS; i++)
        assert_int_equal(holm_script_commit(script, i, ops[i]), HOLM_OK);
}

/* What n4 shows when the runs of the others have come to it in this order; and nothing moves any more. */
static uint64_t digest_after(uint32_t number)
{
    struct holm_script *script = story_new(WRITERS + 1, HOLM_SCRIPT_DISKS);
    uint32_t gates[WRITERS], order[WRITERS];
    holm_script_begin(script);
    assert_int_equal(
        holm_script_commit(script, 1, holm_op_put(holm_str("k"), holm_str("f"), holm_i64(1))),
        HOLM_OK);
    holm_script_add(script, 3, "k", 1);
    holm_script_converge(script, 5000);
    for (uint32_t i = 0; i < WRITERS; i++)
        gates[i] = holm_script_hold(script, i, WRITERS, DELTA);
    write_all(script);
    holm_script_run(script, 5);
    order_of(number, order);
    for (uint32_t i = 0; i < WRITERS; i++) {
        assert_int_equal(holm_gate_held(script->world, gates[order[i]]), 1);
        holm_gate_lift(script->world, gates[order[i]]);
        holm_script_run(script, 5);
    }
    assert_true(holm_script_converged(script));
    for (uint32_t i = 0; i < WRITERS; i++) {
        if (number % (i + 2) == 0) {
            holm_world_crash(script->world, i);
            holm_script_start(script, i);
        }
    }
    holm_script_run(script, 3000);
    holm_script_converge(script, 5000);
    memset(script->frames, 0, sizeof script->frames);
    script->counts = true;
    holm_script_run(script, 100000);
    for (uint32_t type = 0; type <= HOLM_MESSAGE_TYPE_MAX; type++) {
        if (type != HOLM_MESSAGE_BEACON && type != HOLM_MESSAGE_PING && type != HOLM_MESSAGE_PONG)
            assert_int_equal(script->frames[type], 0);
    }
    uint64_t digest = holm_script_stats(script, WRITERS).digest;
    for (uint32_t i = 0; i < WRITERS; i++) {
        assert_true(holm_script_stats(script, i).digest == digest);
        assert_int_equal(holm_script_stats(script, i).digest_breaches, 0);
    }
    story_end(script);
    return digest;
}

/* T21 */
static void test_load_when_runs_come_in_24_orders_then_there_is_one_digest(void **state)
{
    (void)state;
    uint64_t first = digest_after(0);
    for (uint32_t number = 1; number < ORDERS; number++)
        assert_true(digest_after(number) == first);
}

/* ---- T23 ------------------------------------------------------------------------------------ */

#define FRAME_BYTES (64 * KIB)
#define VALUES 20000u

static void fill(struct holm_script *script)
{
    static char large[FRAME_BYTES];
    struct holm_op batch[20];
    static char keys[20][8];
    memset(large, 'x', sizeof large);
    for (uint32_t i = 0; i < VALUES; i += 20) {
        for (uint32_t k = 0; k < 20; k++) {
            (void)snprintf(keys[k], sizeof keys[k], "%05u", i + k);
            batch[k] = holm_op_put(holm_str(keys[k]), holm_str("v"), holm_bytes_value(large, 36));
        }
        struct holm_receipt receipt;
        assert_int_equal(holm_world_commit(script->world, 0, batch, 20, &receipt), HOLM_OK);
        if (i % 1000 == 0)
            holm_script_run(script, 2);
    }
    struct holm_bytes key = holm_str("large"), field = holm_str("v");
    struct holm_value most = holm_bytes_value(large, FRAME_BYTES / 4);
    struct holm_value beyond = holm_bytes_value(large, FRAME_BYTES / 4 + 1);
    assert_int_equal(holm_script_commit(script, 0, holm_op_put(key, field, beyond)), HOLM_ETOOBIG);
    assert_int_equal(holm_script_commit(script, 0, holm_op_put(key, field, most)), HOLM_OK);
}

/* T23: a state of a dozen of the largest frames and more, for a new node, whose link breaks amid it. */
static void test_load_when_a_state_is_larger_than_frames_then_it_comes_in_pages(void **state)
{
    (void)state;
    struct holm_script *script = story_new(2, HOLM_SCRIPT_PLAIN);
    struct holm_gate part = {.verdict = HOLM_NETWORK_DROP,
                             .from = 1,
                             .types = BIT(HOLM_MESSAGE_SYNC_TELL) | BIT(HOLM_MESSAGE_SYNC_PAGE),
                             .skip = 5,
                             .count = 1};
    script->config.engine.partitions = 1;
    script->config.engine.frame_bytes_max = FRAME_BYTES;
    script->config.engine.log_bytes_max = 1;
    holm_script_set_up(script);
    holm_script_start(script, 0);
    holm_script_run(script, 100);
    fill(script);
    holm_script_run(script, 1000);
    uint32_t lost = holm_gate_set(script->world, &part);
    script->counts = true;
    holm_script_start(script, 1);
    holm_script_converge(script, 30000);
    assert_int_equal(holm_gate_hits(script->world, lost), 1);
    assert_int_equal(holm_script_stats(script, 1).records, VALUES + 1);
    assert_in_range(holm_script_stats(script, 1).syncs, 1, 2);
    assert_in_range(script->bytes, VALUES * 41, VALUES * 41 * 3);
    story_end(script);
}

/* ---- T25 ------------------------------------------------------------------------------------ */

#define RACING 1000u
#define TELLS BIT(HOLM_MESSAGE_SYNC_TELL)

static uint32_t count_tells(struct holm_script *script, uint32_t from)
{
    struct holm_gate counts = {
        .verdict = HOLM_NETWORK_PASS, .from = UINT64_C(1) << from, .to = 1 << 2, .types = TELLS};
    return holm_gate_set(script->world, &counts);
}

static void write_values(struct holm_script *script, uint32_t count)
{
    static char value[100];
    char key[16];
    memset(value, 'v', sizeof value);
    for (uint32_t i = 0; i < count; i++) {
        (void)snprintf(key, sizeof key, "v%03u", i);
        struct holm_op op = holm_op_put(holm_str(key), holm_str("v"),
                                        holm_bytes_value(value, sizeof value));
        assert_int_equal(holm_script_commit(script, i % 2, op), HOLM_OK);
    }
}

/* T25: n2 syncs from one of two who write on; that one dies in the middle, and the other takes over. */
static void test_load_when_a_sync_races_and_its_source_dies_then_nothing_is_missed(void **state)
{
    (void)state;
    struct holm_script *script = story_new(3, HOLM_SCRIPT_PLAIN);
    script->config.engine.partitions = 1;
    script->config.engine.frame_bytes_max = 4 * KIB;
    script->config.engine.log_bytes_max = 1;
    holm_script_set_up(script);
    holm_script_start(script, 0);
    holm_script_start(script, 1);
    holm_script_run(script, 1000);
    write_values(script, 300);
    holm_script_converge(script, 5000);
    const uint32_t tells[2] = {count_tells(script, 0), count_tells(script, 1)};
    uint32_t dead = HOLM_SCRIPT_ANY;
    holm_script_start(script, 2);
    for (uint32_t i = 0; i < RACING; i++) {
        uint32_t writer = i % 2 == dead ? 1 - dead : i % 2;
        holm_script_add(script, writer, "n", 1);
        holm_script_run(script, 2);
        for (uint32_t k = 0; k < 2 && dead == HOLM_SCRIPT_ANY; k++) {
            if (holm_gate_hits(script->world, tells[k]) >= 5) {
                holm_world_crash(script->world, k);
                dead = k;
            }
        }
    }
    assert_int_not_equal(dead, HOLM_SCRIPT_ANY);
    assert_true(holm_gate_hits(script->world, tells[1 - dead]) > 0);
    holm_script_converge(script, 20000);
    holm_script_expect_sum(script, "n", RACING);
    assert_int_equal(holm_script_stats(script, 2).records, 301);
    assert_int_equal(holm_script_stats(script, 2).digest_breaches, 0);
    story_end(script);
}

/* ---- T33 ------------------------------------------------------------------------------------ */

#define PUBLISHED (DELTA | BIT(HOLM_MESSAGE_FEED))

/* n0 has told n1 of its first; it has stored two more, which nobody else has heard of, and has two that it has not
 * sealed. */
static struct holm_script *store_unheard(uint32_t *unheard)
{
    struct holm_script *script = story_new(2, HOLM_SCRIPT_DISKS);
    script->config.engine.partitions = 1;
    script->config.engine.flush_interval_us = 40000;
    holm_script_begin(script);
    holm_script_add(script, 0, "k", 1);
    holm_script_converge(script, 5000);
    *unheard = holm_script_drop(script, 0, 1, PUBLISHED, NULL);
    holm_script_add(script, 0, "k", 10);
    holm_script_add(script, 0, "k", 10);
    holm_script_run(script, 60);
    assert_true(holm_gate_hits(script->world, *unheard) > 0);
    holm_script_add(script, 0, "k", 100);
    holm_script_add(script, 0, "k", 100);
    assert_true(holm_script_sum(script, 0, "k") == 221 && holm_script_sum(script, 1, "k") == 1);
    return script;
}

static void crash_and_return(struct holm_script *script, uint32_t unheard)
{
    holm_script_split(script, 0, true);
    holm_script_crash(script, 0);
    holm_gate_lift(script->world, unheard);
    holm_script_start(script, 0);
}

static void expect_one_history(struct holm_script *script, int64_t sum)
{
    holm_script_split(script, 0, false);
    holm_script_converge(script, 5000);
    holm_script_expect_sum(script, "k", sum);
    for (uint32_t i = 0; i < 2; i++) {
        assert_int_equal(holm_script_stats(script, i).malformed, 0);
        assert_int_equal(holm_script_stats(script, i).digest_breaches, 0);
        assert_int_equal(holm_script_stats(script, i).deltas_held, 0);
    }
    story_end(script);
}

/* T33: the crash falls between what has been stored and what others have heard; what was not sealed is nowhere. */
static void test_load_when_power_fails_before_it_is_heard_then_the_store_tells(void **state)
{
    (void)state;
    uint32_t unheard;
    struct holm_script *script = store_unheard(&unheard);
    crash_and_return(script, unheard);
    assert_int_equal(holm_script_sum(script, 0, "k"), 21);
    assert_int_equal(holm_script_sum(script, 1, "k"), 1);
    holm_script_add(script, 0, "k", 1000);
    expect_one_history(script, 1021);
}

/* T33: what came after it was published, is held elsewhere behind the gap, and then the power fails. */
static void test_load_when_the_next_run_was_heard_then_runs_do_not_overlap(void **state)
{
    (void)state;
    uint32_t unheard;
    struct holm_script *script = store_unheard(&unheard);
    uint32_t pulled = holm_script_drop(script, 0, 1, BIT(HOLM_MESSAGE_DELTAS), NULL);
    holm_gate_end(script->world, unheard);
    holm_script_run(script, 60);
    assert_int_equal(holm_script_sum(script, 1, "k"), 1);
    crash_and_return(script, pulled);
    assert_int_equal(holm_script_sum(script, 0, "k"), 221);
    holm_script_add(script, 0, "k", 1000);
    expect_one_history(script, 1221);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_load_when_one_publishes_at_full_speed_then_all_have_all),
        cmocka_unit_test(test_load_when_runs_come_again_after_removals_then_they_change_nothing),
        cmocka_unit_test(test_load_when_runs_come_in_24_orders_then_there_is_one_digest),
        cmocka_unit_test(test_load_when_a_state_is_larger_than_frames_then_it_comes_in_pages),
        cmocka_unit_test(test_load_when_a_sync_races_and_its_source_dies_then_nothing_is_missed),
        cmocka_unit_test(test_load_when_power_fails_before_it_is_heard_then_the_store_tells),
        cmocka_unit_test(test_load_when_the_next_run_was_heard_then_runs_do_not_overlap),
    };
    return cmocka_run_group_tests_name("scenario_load", tests, NULL, NULL);
}

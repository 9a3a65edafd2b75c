/* SPDX-License-Identifier: Apache-2.0 */
/* Clocks that are wrong. */
#include "tests/unit/scenario.h"

#define DAY_MS INT64_C(86400000)
#define YEAR_MS (365 * DAY_MS)

static void set_clock(struct fixture *f, size_t node, int64_t skew_ms)
{
    f->nodes[node].skew_ms = skew_ms;
    f->clocks_agree = false;
}

static void exchange(struct fixture *f, size_t a, size_t b, bool by_state)
{
    if (by_state) {
        fixture_merge(f, a, b);
        fixture_merge(f, b, a);
        return;
    }
    fixture_flush(f, a);
    fixture_flush(f, b);
    for (size_t run = 0; run < f->run_count; run++) {
        fixture_give(f, a, run);
        fixture_give(f, b, run);
    }
}

static uint64_t stamp_of(struct fixture *f, size_t node, const char *field)
{
    struct holm_cell_view cell;
    assert_int_equal(holm_replica_get(f->nodes[node].replica, holm_str("k"), holm_str(field),
                                      HOLM_REGISTER, &cell),
                     HOLM_OK);
    return cell.hlc;
}

static uint64_t wall_of(struct fixture *f, size_t node)
{
    return fixture_now(f, node).wall_ms << 16;
}

/* T16: B's clock is far ahead. A takes what B writes, counts it, keeps its own time, and wins by
 * writing later, though its stamp is the lower one. */
static void wrong_clock(int64_t ahead_ms, bool by_state)
{
    struct fixture fixture, *f = &fixture;
    fixture_init(f, 3, NULL);
    set_clock(f, B, ahead_ms);
    put(f, B, "k", "f", 1);
    put(f, A, "k", "g", 1);
    exchange(f, A, B, by_state);
    assert_reads(f, A, "k", "f", 1);
    assert_true(stats_of(f, A).drift > 0);
    assert_int_equal(stats_of(f, B).drift, 0);

    put(f, A, "k", "f", 2);
    assert_true(stamp_of(f, A, "f") < wall_of(f, A) + (UINT64_C(1000) << 16));
    assert_true(stamp_of(f, A, "f") < stamp_of(f, B, "f"));
    exchange(f, A, B, by_state);
    fixture_merge(f, A, C);
    fixture_check_equal(f);
    for (size_t node = A; node <= C; node++)
        assert_reads(f, node, "k", "f", 2);

    /* Of concurrent writes the clock decides, also a wrong one; until somebody has seen both. */
    put(f, A, "k", "f", 3);
    put(f, B, "k", "f", 4);
    exchange(f, A, B, by_state);
    assert_reads(f, A, "k", "f", 4);
    put(f, A, "k", "f", 5);
    exchange(f, A, B, by_state);
    fixture_merge(f, B, C);
    fixture_check_equal(f);
    assert_reads(f, C, "k", "f", 5);
    fixture_release(f);
}

/* T16 */
static void test_clock_when_far_ahead_then_nobody_is_dragged_and_later_writes_win(void **state)
{
    for (int way = 0; way < 2; way++) {
        wrong_clock(DAY_MS, way == 1);
        wrong_clock(YEAR_MS, way == 1);
    }
}

/* T16: a minute is not far: stamps rise above what was seen. */
static void test_clock_when_a_little_ahead_then_it_is_followed(void **state)
{
    struct fixture fixture, *f = &fixture;
    fixture_init(f, 2, NULL);
    set_clock(f, B, 50000);
    put(f, B, "k", "f", 1);
    exchange(f, A, B, false);
    put(f, A, "k", "f", 2);
    assert_true(stamp_of(f, A, "f") > stamp_of(f, B, "f"));
    assert_int_equal(stats_of(f, A).drift, 0);
    exchange(f, A, B, false);
    fixture_check_equal(f);
    fixture_release(f);
}

/* T17: ten minutes back, in the same life, and across a restart from a store. */
static void test_clock_when_set_back_then_the_later_write_wins(void **state)
{
    for (int restarts = 0; restarts < 2; restarts++) {
        struct fixture fixture, *f = &fixture;
        fixture_init(f, 3, NULL);
        put(f, A, "k", "f", 1);
        exchange(f, A, B, false);
        fixture_save(f, A);
        if (restarts == 1) {
            fixture_kill(f, A);
            fixture_start(f, A, 2);
        }
        set_clock(f, A, -600000);
        if (restarts == 1)
            fixture_restore(f, A, true);
        put(f, A, "k", "f", 2);
        exchange(f, A, B, restarts == 1);
        fixture_merge(f, B, C);
        fixture_check_equal(f);
        for (size_t node = A; node <= C; node++)
            assert_reads(f, node, "k", "f", 2);

        /* Twice in the stepped-back time: what is written later is stamped higher. */
        uint64_t before = stamp_of(f, A, "f");
        put(f, A, "k", "f", 3);
        assert_true(stamp_of(f, A, "f") > before);
        exchange(f, A, B, false);
        assert_reads(f, B, "k", "f", 3);
        fixture_release(f);
    }
}

const struct CMUnitTest scenario_clock_tests[] = {
    cmocka_unit_test(test_clock_when_far_ahead_then_nobody_is_dragged_and_later_writes_win),
    cmocka_unit_test(test_clock_when_a_little_ahead_then_it_is_followed),
    cmocka_unit_test(test_clock_when_set_back_then_the_later_write_wins),
};
const size_t scenario_clock_count = sizeof scenario_clock_tests / sizeof *scenario_clock_tests;

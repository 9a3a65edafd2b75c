/* SPDX-License-Identifier: Apache-2.0 */
#include "crdt/hlc.h"

#include "tests/unit/core.h"

#define WALL_MAX ((UINT64_C(1) << 48) - 1)
#define DAY_MS UINT64_C(86400000)
#define NOW_MS UINT64_C(1700000000000)

static void test_hlc_when_the_wall_moves_on_then_the_stamp_is_its_milliseconds(void **state)
{
    struct holm_hlc hlc = {0};
    assert_int_equal(holm_hlc_tick(&hlc, 5), UINT64_C(5) << 16);
    assert_int_equal(holm_hlc_tick(&hlc, 5), (UINT64_C(5) << 16) + 1);
    assert_int_equal(holm_hlc_tick(&hlc, 6), UINT64_C(6) << 16);
}

/* T17: ten minutes back, in one life or carried over by what was observed. */
static void test_hlc_when_the_wall_goes_back_then_stamps_still_rise(void **state)
{
    struct holm_hlc hlc = {0};
    uint64_t before = holm_hlc_tick(&hlc, NOW_MS);
    for (uint64_t i = 1; i <= 1000; i++)
        assert_int_equal(holm_hlc_tick(&hlc, NOW_MS - 600000), before + i);

    struct holm_hlc restarted = {0};
    assert_true(holm_hlc_observe(&restarted, before, NOW_MS - 30000, 60000));
    assert_true(holm_hlc_tick(&restarted, NOW_MS - 30000) > before);
}

/* T16: a peer a day, then a year ahead is not followed; one within the limit is. */
static void test_hlc_when_a_stamp_is_far_ahead_then_the_clock_is_not_dragged(void **state)
{
    struct holm_hlc hlc = {0};
    uint64_t own = holm_hlc_tick(&hlc, NOW_MS);
    assert_false(holm_hlc_observe(&hlc, (NOW_MS + DAY_MS) << 16, NOW_MS, 60000));
    assert_false(holm_hlc_observe(&hlc, (NOW_MS + 365 * DAY_MS) << 16, NOW_MS, 60000));
    assert_false(holm_hlc_observe(&hlc, (NOW_MS + 60001) << 16, NOW_MS, 60000));
    assert_int_equal(hlc.last, own);

    uint64_t near_stamp = (NOW_MS + 60000) << 16 | 7;
    assert_true(holm_hlc_observe(&hlc, near_stamp, NOW_MS, 60000));
    assert_int_equal(holm_hlc_tick(&hlc, NOW_MS), near_stamp + 1);
}

static void test_hlc_when_a_stamp_is_old_then_observing_it_changes_nothing(void **state)
{
    struct holm_hlc hlc = {0};
    uint64_t own = holm_hlc_tick(&hlc, NOW_MS);
    assert_true(holm_hlc_observe(&hlc, own - 1, NOW_MS, 60000));
    assert_true(holm_hlc_observe(&hlc, 0, NOW_MS, 60000));
    assert_int_equal(hlc.last, own);
}

static void test_hlc_when_the_counter_is_exhausted_then_it_runs_into_the_milliseconds(void **state)
{
    struct holm_hlc hlc = {0};
    uint64_t first = holm_hlc_tick(&hlc, 5);
    uint64_t last = first;
    for (uint32_t i = 0; i < 70000; i++)
        last = holm_hlc_tick(&hlc, 5);
    assert_int_equal(last, first + 70000);
    assert_int_equal(last >> 16, 6);
    assert_int_equal(holm_hlc_tick(&hlc, 7), UINT64_C(7) << 16);
}

static void test_hlc_when_the_wall_is_beyond_48_bits_then_it_saturates(void **state)
{
    struct holm_hlc hlc = {0};
    assert_int_equal(holm_hlc_tick(&hlc, WALL_MAX), WALL_MAX << 16);
    assert_int_equal(holm_hlc_tick(&hlc, WALL_MAX + 1), (WALL_MAX << 16) + 1);
    assert_int_equal(holm_hlc_tick(&hlc, UINT64_MAX), (WALL_MAX << 16) + 2);
    assert_true(holm_hlc_observe(&hlc, UINT64_MAX, UINT64_MAX, 60000));
    assert_int_equal(holm_hlc_tick(&hlc, NOW_MS), UINT64_MAX);
    assert_int_equal(holm_hlc_tick(&hlc, NOW_MS), UINT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hlc_when_the_wall_moves_on_then_the_stamp_is_its_milliseconds),
        cmocka_unit_test(test_hlc_when_the_wall_goes_back_then_stamps_still_rise),
        cmocka_unit_test(test_hlc_when_a_stamp_is_far_ahead_then_the_clock_is_not_dragged),
        cmocka_unit_test(test_hlc_when_a_stamp_is_old_then_observing_it_changes_nothing),
        cmocka_unit_test(test_hlc_when_the_counter_is_exhausted_then_it_runs_into_the_milliseconds),
        cmocka_unit_test(test_hlc_when_the_wall_is_beyond_48_bits_then_it_saturates),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

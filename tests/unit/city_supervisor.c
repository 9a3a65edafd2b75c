/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sim/city/supervisor.h"

static const uint64_t second = 1000000;

static void test_supervisor_when_four_die_within_the_window_then_given_up(void **state)
{
    struct holm_supervised child = {0};
    assert_int_equal(holm_supervisor_died(&child, 10 * second), HOLM_SUPERVISOR_RESTART);
    assert_int_equal(holm_supervisor_died(&child, 11 * second), HOLM_SUPERVISOR_RESTART);
    assert_int_equal(holm_supervisor_died(&child, 12 * second), HOLM_SUPERVISOR_RESTART);
    assert_int_equal(holm_supervisor_died(&child, 15 * second - 1), HOLM_SUPERVISOR_GIVE_UP);
    assert_true(child.given_up);
    assert_int_equal(child.restarts, 3);
}

static void test_supervisor_when_the_window_has_passed_then_restarted(void **state)
{
    struct holm_supervised child = {0};
    for (uint64_t i = 0; i < 3; i++)
        assert_int_equal(holm_supervisor_died(&child, i), HOLM_SUPERVISOR_RESTART);
    assert_int_equal(holm_supervisor_died(&child, 5 * second), HOLM_SUPERVISOR_RESTART);
    assert_int_equal(holm_supervisor_died(&child, 5 * second + 1), HOLM_SUPERVISOR_RESTART);
    assert_int_equal(holm_supervisor_died(&child, 5 * second + 1), HOLM_SUPERVISOR_GIVE_UP);
}

static void test_supervisor_when_deaths_are_slow_then_never_given_up(void **state)
{
    struct holm_supervised child = {0};
    for (uint64_t i = 0; i < 1000; i++)
        assert_int_equal(holm_supervisor_died(&child, i * 1700000), HOLM_SUPERVISOR_RESTART);
    assert_int_equal(child.restarts, 1000);
}

static void test_supervisor_when_given_up_then_for_good(void **state)
{
    struct holm_supervised child = {0};
    for (int i = 0; i < 4; i++)
        (void)holm_supervisor_died(&child, 1);
    assert_int_equal(holm_supervisor_died(&child, 1000 * second), HOLM_SUPERVISOR_GIVE_UP);
    assert_int_equal(child.restarts, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_supervisor_when_four_die_within_the_window_then_given_up),
        cmocka_unit_test(test_supervisor_when_the_window_has_passed_then_restarted),
        cmocka_unit_test(test_supervisor_when_deaths_are_slow_then_never_given_up),
        cmocka_unit_test(test_supervisor_when_given_up_then_for_good),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* T30: who connects as fast as it can is held to a rate, and nobody else is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "transport/callers.h"

#define SECOND UINT64_C(1000000)

static struct holm_callers callers;

static bool call(uint32_t who, uint64_t now_us)
{
    uint8_t address[HOLM_CALLER_BYTES] = {0};
    memcpy(address + 4, &who, sizeof who);
    return holm_callers_admit(&callers, address, now_us);
}

static unsigned call_often(uint32_t who, uint64_t now_us, unsigned times)
{
    unsigned admitted = 0;
    for (unsigned i = 0; i < times; i++)
        admitted += call(who, now_us);
    return admitted;
}

static void test_callers_when_one_never_stops_then_it_is_held_to_burst_and_rate(void **state)
{
    (void)state;
    uint64_t now_us = 7;
    holm_callers_init(&callers, 4, 10);
    assert_int_equal(call_often(1, now_us, 1000), 10);
    unsigned admitted = 0;
    for (unsigned i = 0; i < 1000; i++)
        admitted += call_often(1, now_us += SECOND / 100, 3);
    assert_int_equal(admitted, 40);
    now_us += 2 * SECOND;
    assert_int_equal(call_often(1, now_us, 1000), 8);
    now_us += 3600 * SECOND;
    assert_int_equal(call_often(1, now_us, 1000), 10);
}

static void test_callers_when_one_never_stops_then_others_do_not_feel_it(void **state)
{
    (void)state;
    holm_callers_init(&callers, 1, 2);
    for (uint64_t now_us = SECOND; now_us < 20 * SECOND; now_us += SECOND / 10) {
        (void)call_often(1, now_us, 100);
        if (now_us % (2 * SECOND) == 0)
            assert_int_equal(call_often(2, now_us, 2), 2);
    }
}

/* More addresses than places: newcomers come in, and the loudest keeps its place, and so its bound. */
static void test_callers_when_addresses_are_made_up_then_newcomers_come_in(void **state)
{
    (void)state;
    holm_callers_init(&callers, 1, 50);
    assert_int_equal(call_often(1, SECOND, 100), 50);
    for (uint32_t who = 2; who < 20 * HOLM_CALLERS_MAX; who++)
        assert_true(call(who, SECOND));
    assert_int_equal(callers.count, HOLM_CALLERS_MAX);
    assert_false(call(1, SECOND));
}

static void test_callers_when_no_rate_is_set_then_all_are_admitted(void **state)
{
    (void)state;
    holm_callers_init(&callers, 0, 0);
    assert_int_equal(call_often(1, SECOND, 100000), 100000);
    assert_int_equal(callers.count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_callers_when_one_never_stops_then_it_is_held_to_burst_and_rate),
        cmocka_unit_test(test_callers_when_one_never_stops_then_others_do_not_feel_it),
        cmocka_unit_test(test_callers_when_addresses_are_made_up_then_newcomers_come_in),
        cmocka_unit_test(test_callers_when_no_rate_is_set_then_all_are_admitted),
    };
    return cmocka_run_group_tests_name("callers", tests, NULL, NULL);
}

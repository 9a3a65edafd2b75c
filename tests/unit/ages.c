/* SPDX-License-Identifier: Apache-2.0 */
/* Since when a peer lacks what it lacks: never too small, too large by a bounded part, in bounded room. */
#include "tests/unit/core.h"

#include "crdt/ages.h"

#define TENTH HOLM_AGES_SPACING_US
#define RUN_US 1000

static void note(struct holm_ages *ages, uint64_t seq, uint64_t now_us, uint64_t needed)
{
    if (holm_ages_due(ages, now_us))
        holm_ages_note(ages, seq, now_us, needed);
}

static void test_ages_when_nothing_was_noted_then_nothing_is_known(void **state)
{
    (void)state;
    struct holm_ages ages = {.count = 0};
    assert_int_equal(holm_ages_of(&ages, 1), 0);
    note(&ages, 7, 500, 7);
    assert_int_equal(holm_ages_of(&ages, 6), 0);
    assert_int_equal(holm_ages_of(&ages, 7), 500);
    assert_int_equal(holm_ages_of(&ages, 8), 500);
}

/* After a pause a run has an age of its own, however old the one before it is. */
static void test_ages_when_a_run_follows_a_pause_then_its_age_is_its_own(void **state)
{
    (void)state;
    struct holm_ages ages = {.count = 0};
    note(&ages, 1, 1000, 1);
    note(&ages, 2, 2000, 2);
    note(&ages, 3, 3600000000, 3);
    assert_int_equal(holm_ages_of(&ages, 2), 1000);
    assert_int_equal(holm_ages_of(&ages, 3), 3600000000);
}

/* One run a millisecond; a peer that has nothing for a while, then has caught up. */
static void test_ages_when_a_peer_lags_for_an_hour_then_what_it_lacks_has_an_age(void **state)
{
    (void)state;
    struct holm_ages ages = {.count = 0};
    const uint64_t hour = 3600000;
    for (uint64_t seq = 1; seq <= hour; seq++) {
        uint64_t now_us = seq * RUN_US;
        note(&ages, seq, now_us, 1);
        assert_int_equal(holm_ages_of(&ages, 1), RUN_US);
        if (seq % 9973 != 0)
            continue;
        uint64_t middle = holm_ages_of(&ages, seq / 2);
        assert_true(middle > 0 && middle <= seq / 2 * RUN_US);
        assert_true(seq / 2 * RUN_US - middle <= now_us / 8 + TENTH);
    }
    assert_true(ages.doublings > 5);
    note(&ages, hour + 1, (hour + 200) * RUN_US, hour + 1);
    assert_int_equal(ages.doublings, 0);
    assert_int_equal(holm_ages_of(&ages, hour + 1), (hour + 200) * RUN_US);
}

/* Whoever keeps up costs no precision. */
static void test_ages_when_all_keep_up_then_they_are_known_to_a_tenth(void **state)
{
    (void)state;
    struct holm_ages ages = {.count = 0};
    for (uint64_t seq = 1; seq <= 100000; seq++) {
        uint64_t needed = seq > 50 ? seq - 50 : 1;
        note(&ages, seq, seq * RUN_US, needed);
        uint64_t at_us = holm_ages_of(&ages, needed);
        assert_true(at_us <= needed * RUN_US && needed * RUN_US - at_us <= TENTH);
    }
    assert_int_equal(ages.doublings, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ages_when_nothing_was_noted_then_nothing_is_known),
        cmocka_unit_test(test_ages_when_a_run_follows_a_pause_then_its_age_is_its_own),
        cmocka_unit_test(test_ages_when_a_peer_lags_for_an_hour_then_what_it_lacks_has_an_age),
        cmocka_unit_test(test_ages_when_all_keep_up_then_they_are_known_to_a_tenth),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

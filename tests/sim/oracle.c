/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The oracle by itself: what lives after operations whose causes are told.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "sim/world/oracle.h"

static const struct holm_actor A = {{1}, {10}}, B = {{2}, {10}};

/* One operation of an actor who has applied so much of A and B. */
static enum holm_status commit(struct holm_oracle *oracle, struct holm_actor actor, uint64_t of_a,
                               uint64_t of_b, struct holm_op op, uint32_t minted_expected)
{
    struct holm_dot past[2];
    size_t count = 0;
    uint32_t minted;
    if (of_a > 0)
        past[count++] = (struct holm_dot){A, of_a};
    if (of_b > 0)
        past[count++] = (struct holm_dot){B, of_b};
    struct holm_oracle_commit commit = {
        .actor = actor, .past = {past, count}, .ops = &op, .count = 1};
    enum holm_status status = holm_oracle_commit(oracle, &commit, &minted);
    assert_int_equal(minted, minted_expected);
    return status;
}

/* Which of the operations live for who has applied so much: a bit each. */
static unsigned live(struct holm_oracle *oracle, uint64_t of_a, uint64_t of_b)
{
    const struct holm_dot vector[] = {{A, of_a}, {B, of_b}};
    struct holm_oracle_view view = {NULL, 0, 0};
    unsigned bits = 0;
    (void)holm_oracle_view_set(oracle, &view, (struct holm_vector_view){vector, 2});
    for (uint32_t i = 0; i < holm_oracle_count(oracle); i++)
        bits |= (unsigned)holm_oracle_live(oracle, &view, i) << i;
    holm_oracle_view_release(&view);
    return bits;
}

static void test_oracle_when_puts_are_concurrent_keeps_both_until_the_next(void **state)
{
    struct holm_oracle *oracle = holm_oracle_new();
    struct holm_bytes key = holm_str("k"), field = holm_str("f");
    assert_int_equal(commit(oracle, A, 0, 0, holm_op_put(key, field, holm_i64(1)), 1), HOLM_OK);
    assert_int_equal(commit(oracle, B, 0, 0, holm_op_put(key, field, holm_i64(2)), 1), HOLM_OK);
    assert_int_equal(live(oracle, 1, 1), 3);
    assert_int_equal(commit(oracle, A, 1, 1, holm_op_put(key, field, holm_i64(3)), 1), HOLM_OK);
    assert_int_equal(live(oracle, 2, 1), 4);
    assert_int_equal(live(oracle, 1, 0), 1);
    assert_int_equal(live(oracle, 0, 1), 2);
    holm_oracle_free(oracle);
}

static void test_oracle_when_a_removal_has_not_seen_it_an_insertion_stays(void **state)
{
    struct holm_oracle *oracle = holm_oracle_new();
    struct holm_bytes key = holm_str("k"), field = holm_str("f"), x = holm_str("x");
    assert_int_equal(commit(oracle, A, 0, 0, holm_op_insert(key, field, x), 1), HOLM_OK);
    assert_int_equal(commit(oracle, B, 0, 0, holm_op_insert(key, field, x), 1), HOLM_OK);
    assert_int_equal(commit(oracle, A, 1, 0, holm_op_erase(key, field, x), 1), HOLM_OK);
    assert_int_equal(live(oracle, 2, 1), 2);
    assert_int_equal(commit(oracle, A, 2, 0, holm_op_erase(key, field, x), 0), HOLM_OK);
    assert_int_equal(commit(oracle, A, 2, 1, holm_op_remove(key, holm_str("")), 1), HOLM_OK);
    assert_int_equal(live(oracle, 3, 1), 0);
    holm_oracle_free(oracle);
}

static void test_oracle_when_buried_nothing_lives_and_writes_are_refused(void **state)
{
    struct holm_oracle *oracle = holm_oracle_new();
    struct holm_bytes key = holm_str("k"), field = holm_str("f");
    assert_int_equal(commit(oracle, A, 0, 0, holm_op_bury(key), 1), HOLM_OK);
    assert_int_equal(commit(oracle, B, 0, 0, holm_op_add(key, field, 5), 1), HOLM_OK);
    assert_int_equal(live(oracle, 0, 1), 2);
    assert_int_equal(live(oracle, 1, 1), 0);
    assert_int_equal(commit(oracle, B, 1, 1, holm_op_add(key, field, 5), 0), HOLM_EBURIED);
    assert_int_equal(commit(oracle, B, 1, 1, holm_op_bury(key), 0), HOLM_OK);
    holm_oracle_free(oracle);
}

/* T13 */
static void test_oracle_when_a_counter_is_reset_unseen_increments_stay(void **state)
{
    struct holm_oracle *oracle = holm_oracle_new();
    struct holm_bytes key = holm_str("k"), field = holm_str("f");
    assert_int_equal(commit(oracle, A, 0, 0, holm_op_add(key, field, 20), 1), HOLM_OK);
    assert_int_equal(commit(oracle, A, 1, 0, holm_op_add(key, field, 20), 1), HOLM_OK);
    assert_int_equal(commit(oracle, B, 1, 0, holm_op_reset(key, field), 1), HOLM_OK);
    assert_int_equal(live(oracle, 2, 1), 2);
    assert_int_equal(holm_oracle_op(oracle, 1)->previous_of_chain, 0);
    holm_oracle_free(oracle);
}

static void test_oracle_when_raised_lower_puts_the_larger_it_had_seen(void **state)
{
    struct holm_oracle *oracle = holm_oracle_new();
    struct holm_bytes key = holm_str("k"), field = holm_str("f");
    assert_int_equal(commit(oracle, A, 0, 0, holm_op_raise(key, field, holm_i64(7)), 1), HOLM_OK);
    assert_int_equal(commit(oracle, B, 1, 0, holm_op_raise(key, field, holm_i64(3)), 1), HOLM_OK);
    assert_int_equal(live(oracle, 1, 1), 2);
    assert_int_equal(holm_oracle_op(oracle, 1)->value.as.i64, 7);
    holm_oracle_free(oracle);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_oracle_when_puts_are_concurrent_keeps_both_until_the_next),
        cmocka_unit_test(test_oracle_when_a_removal_has_not_seen_it_an_insertion_stays),
        cmocka_unit_test(test_oracle_when_buried_nothing_lives_and_writes_are_refused),
        cmocka_unit_test(test_oracle_when_a_counter_is_reset_unseen_increments_stay),
        cmocka_unit_test(test_oracle_when_raised_lower_puts_the_larger_it_had_seen),
    };
    return cmocka_run_group_tests_name("oracle", tests, NULL, NULL);
}

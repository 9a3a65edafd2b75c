/* SPDX-License-Identifier: Apache-2.0 */
#include "crdt/count.h"

#include "tests/unit/core.h"

static struct holm_count increment(const struct holm_count *old, uint64_t seq, int64_t amount)
{
    struct holm_count result;
    assert_int_equal(holm_count_increment(old, seq, amount, &result), HOLM_OK);
    return result;
}

static void assert_count(struct holm_count count, uint64_t start, uint64_t last, int64_t sum,
                         uint64_t cancelled, int64_t cancelled_sum)
{
    struct holm_count expected = {start, last, sum, cancelled, cancelled_sum};
    assert_true(holm_count_equal(&count, &expected));
}

static int64_t sum_of(const struct holm_count *counts, size_t count)
{
    struct holm_wide wide = {0, 0};
    for (size_t i = 0; i < count; i++)
        holm_wide_add(&wide, &counts[i]);
    return holm_wide_saturated(&wide);
}

static void test_count_when_incremented_then_the_chain_grows(void **state)
{
    struct holm_count one = increment(NULL, 4, 10);
    assert_count(one, 4, 4, 10, 0, 0);
    assert_true(holm_count_live(&one));
    assert_count(increment(&one, 9, -3), 4, 9, 7, 0, 0);
}

static void test_count_when_reset_then_it_is_a_ghost_and_the_next_chain_is_new(void **state)
{
    struct holm_count one = increment(NULL, 4, 10);
    struct holm_count mark = holm_count_cancelled(&one);
    assert_count(mark, 4, 4, 10, 4, 10);
    assert_false(holm_count_live(&mark));
    assert_int_equal(sum_of(&mark, 1), 0);
    assert_count(increment(&mark, 6, 5), 6, 6, 5, 0, 0);
}

/* T13: +10, then a reset concurrent with +5: what the resetter had not seen survives as 5. */
static void test_count_when_a_reset_is_concurrent_then_only_what_it_saw_is_cancelled(void **state)
{
    struct holm_count seen = increment(NULL, 1, 10);
    struct holm_count mark = holm_count_cancelled(&seen);
    struct holm_count more = increment(&seen, 2, 5);
    struct holm_count merged = more;
    holm_count_merge(&merged, &mark);
    assert_count(merged, 1, 2, 15, 1, 10);
    assert_true(holm_count_live(&merged));
    assert_int_equal(sum_of(&merged, 1), 5);
    assert_count(increment(&merged, 3, 2), 1, 3, 17, 1, 10);
}

/* A chain that its owner began anew stands above whatever is heard of the old one, and either way round. */
static void test_count_when_two_chains_meet_then_the_younger_wins_whole(void **state)
{
    struct holm_count old = increment(NULL, 1, 10);
    struct holm_count more = increment(&old, 2, 5);
    struct holm_count mark = holm_count_cancelled(&more);
    struct holm_count young = increment(&mark, 3, 7);
    const struct holm_count olds[3] = {old, more, mark};
    for (size_t i = 0; i < 3; i++) {
        struct holm_count merged = young, other = olds[i];
        holm_count_merge(&merged, &olds[i]);
        assert_count(merged, 3, 3, 7, 0, 0);
        holm_count_merge(&other, &young);
        assert_count(other, 3, 3, 7, 0, 0);
    }
}

/* The mark carries the sum that it cancels: it may come before the increments. */
static void test_count_when_a_mark_comes_first_then_late_increments_add_nothing(void **state)
{
    struct holm_count one = increment(NULL, 1, 10);
    struct holm_count two = increment(&one, 2, 5);
    struct holm_count three = increment(&two, 3, 2);
    struct holm_count merged = one, mark = holm_count_cancelled(&two);
    holm_count_merge(&merged, &mark);
    assert_count(merged, 1, 2, 15, 2, 15);
    holm_count_merge(&merged, &two);
    assert_count(merged, 1, 2, 15, 2, 15);
    holm_count_merge(&merged, &three);
    assert_count(merged, 1, 3, 17, 2, 15);
    assert_int_equal(sum_of(&merged, 1), 2);
}

/* T14: refused at the writer, and what was there is untouched. */
static void test_count_when_a_sum_would_leave_64_bits_then_it_is_refused(void **state)
{
    struct holm_count result = {9, 9, 9, 9, 9};
    struct holm_count top = increment(NULL, 1, INT64_MAX);
    struct holm_count bottom = increment(NULL, 1, INT64_MIN);
    assert_int_equal(holm_count_increment(&top, 2, 1, &result), HOLM_EOVERFLOW);
    assert_int_equal(holm_count_increment(&top, 2, INT64_MAX, &result), HOLM_EOVERFLOW);
    assert_int_equal(holm_count_increment(&bottom, 2, -1, &result), HOLM_EOVERFLOW);
    assert_int_equal(holm_count_increment(&bottom, 2, INT64_MIN, &result), HOLM_EOVERFLOW);
    assert_count(result, 9, 9, 9, 9, 9);
    assert_count(increment(&top, 2, INT64_MIN), 1, 2, -1, 0, 0);
    assert_count(increment(&bottom, 2, INT64_MAX), 1, 2, -1, 0, 0);
    assert_count(increment(&bottom, 2, 0), 1, 2, INT64_MIN, 0, 0);

    struct holm_count reset = holm_count_cancelled(&top);
    assert_count(increment(&reset, 2, INT64_MAX), 2, 2, INT64_MAX, 0, 0);
}

/* The live part P - Pc must fit, too: here P stays in range and the difference would not. */
static void test_count_when_the_live_part_would_leave_64_bits_then_it_is_refused(void **state)
{
    struct holm_count down = {1, 2, -5, 1, -10};
    struct holm_count result;
    assert_int_equal(holm_count_increment(&down, 3, INT64_MAX, &result), HOLM_EOVERFLOW);
    assert_int_equal(holm_count_increment(&down, 3, INT64_MAX - 5, &result), HOLM_OK);
    assert_int_equal(sum_of(&result, 1), INT64_MAX);
    struct holm_count up = {1, 2, 5, 1, 10};
    assert_int_equal(holm_count_increment(&up, 3, INT64_MIN + 4, &result), HOLM_EOVERFLOW);
    assert_int_equal(holm_count_increment(&up, 3, INT64_MIN + 5, &result), HOLM_OK);
    assert_int_equal(sum_of(&result, 1), INT64_MIN);
}

/* T14: sums beyond 64 bits saturate alike, in whatever order the parts are added. */
static void test_count_when_the_sum_is_beyond_64_bits_then_readers_saturate_alike(void **state)
{
    struct holm_count parts[5] = {
        {1, 1, INT64_MAX, 0, 0}, {1, 1, INT64_MAX, 0, 0}, {1, 1, INT64_MIN, 0, 0},
        {1, 1, INT64_MIN, 0, 0}, {1, 1, 2, 0, 0},
    };
    for (size_t round = 0; round < 120; round++) {
        struct holm_count shuffled[5];
        size_t used = 0;
        size_t code = round;
        for (size_t i = 0; i < 5; i++) {
            size_t pick = code % (5 - i);
            code /= 5 - i;
            size_t at = 0;
            while (used >> at & 1 || pick-- > 0)
                at++;
            used |= (size_t)1 << at;
            shuffled[i] = parts[at];
        }
        assert_int_equal(sum_of(shuffled, 5), 0);
    }
    assert_int_equal(sum_of(parts, 2), INT64_MAX);
    assert_int_equal(sum_of(parts + 2, 2), INT64_MIN);
    assert_int_equal(sum_of(parts, 3), INT64_MAX - 1);
    assert_int_equal(sum_of(parts, 0), 0);
}

static void test_count_when_parts_are_extreme_then_each_is_exact(void **state)
{
    static const int64_t edges[] = {INT64_MIN, INT64_MIN + 1, -1, 0, 1, INT64_MAX - 1, INT64_MAX};
    for (size_t i = 0; i < 7; i++) {
        for (size_t j = 0; j < 7; j++) {
            struct holm_count count = {1, 2, edges[i], 1, edges[j]};
            int64_t expected;
            if (__builtin_sub_overflow(edges[i], edges[j], &expected))
                expected = edges[i] < 0 ? INT64_MIN : INT64_MAX;
            assert_int_equal(sum_of(&count, 1), expected);
        }
    }
}

static void test_count_when_decremented_ten_million_times_then_the_sum_is_exact(void **state)
{
    struct holm_count count = increment(NULL, 1, -1);
    for (uint64_t seq = 2; seq <= 10000000; seq++) {
        struct holm_count next;
        if (holm_count_increment(&count, seq, -1, &next) != HOLM_OK)
            fail();
        count = next;
    }
    assert_count(count, 1, 10000000, -10000000, 0, 0);
}

#define ENTRIES_MAX 4096
static struct holm_count entries[ENTRIES_MAX];
static size_t entry_count;

static void note(struct holm_count count)
{
    for (size_t i = 0; i < entry_count; i++) {
        if (holm_count_equal(&entries[i], &count))
            return;
    }
    assert_true(entry_count < ENTRIES_MAX);
    entries[entry_count++] = count;
}

/* The entries of one history are what can meet: the owner's dots have one payload each. */
static void assert_lattice(size_t *checked)
{
    for (size_t i = 0; i < entry_count; i++) {
        struct holm_count same = entries[i];
        holm_count_merge(&same, &entries[i]);
        assert_true(holm_count_equal(&same, &entries[i]));
        for (size_t j = 0; j < entry_count; j++) {
            struct holm_count ij = entries[i];
            struct holm_count ji = entries[j];
            holm_count_merge(&ij, &entries[j]);
            holm_count_merge(&ji, &entries[i]);
            assert_true(holm_count_equal(&ij, &ji));
            for (size_t k = 0; k < entry_count; k++) {
                struct holm_count left = ij;
                struct holm_count right = entries[j];
                holm_count_merge(&left, &entries[k]);
                holm_count_merge(&right, &entries[k]);
                struct holm_count whole = entries[i];
                holm_count_merge(&whole, &right);
                if (!holm_count_equal(&left, &whole))
                    fail_msg("not associative: %zu %zu %zu", i, j, k);
                *checked += 1;
            }
        }
    }
}

/* One history, with every copy, every mark of a copy, and what comes of merging any of them. */
static void close_history(void)
{
    size_t before;
    do {
        before = entry_count;
        for (size_t i = 0; i < before; i++) {
            note(holm_count_cancelled(&entries[i]));
            for (size_t j = 0; j < before; j++) {
                struct holm_count merged = entries[i];
                holm_count_merge(&merged, &entries[j]);
                note(merged);
            }
        }
    } while (entry_count > before);
}

/*
 * Histories of up to four increments; before each, the owner has applied a reset of any of its
 * earlier copies, or none. `choices` picks one, digit by digit.
 */
static bool play(size_t choices, uint64_t seq_max)
{
    struct holm_count copies[8];
    struct holm_count owner = increment(NULL, 1, 1);
    size_t copy_count = 0;
    entry_count = 0;
    copies[copy_count++] = owner;
    note(owner);
    for (uint64_t seq = 2; seq <= seq_max; seq++) {
        size_t choice = choices % (copy_count + 1);
        choices /= copy_count + 1;
        if (choice > 0) {
            struct holm_count mark = holm_count_cancelled(&copies[choice - 1]);
            note(mark);
            holm_count_merge(&owner, &mark);
            note(owner);
        }
        owner = increment(&owner, seq, (int64_t)1 << (2 * seq));
        copies[copy_count++] = owner;
        note(owner);
    }
    close_history();
    return choices == 0;
}

static void test_count_when_reachable_entries_merge_then_it_is_a_join(void **state)
{
    size_t checked = 0;
    for (uint64_t seq_max = 1; seq_max <= 4; seq_max++) {
        size_t histories = 1;
        for (uint64_t seq = 2; seq <= seq_max; seq++)
            histories *= seq;
        for (size_t choices = 0; choices < histories; choices++) {
            assert_true(play(choices, seq_max));
            assert_lattice(&checked);
        }
    }
    assert_true(checked > 10000);
}

/* What cannot be said in 64 bits stays an entry of its own, and what was folded is as it was. */
static void test_count_when_a_fold_would_leave_64_bits_then_it_is_refused(void **state)
{
    static const struct holm_count wide = {1, 3, INT64_MAX - 1, 1, INT64_MIN};
    static const struct holm_count large = {4, 4, INT64_MAX, 0, 0};
    static const struct holm_count small = {5, 6, 7, 5, 4};
    static const struct holm_count ghost = {1, 1, 9, 1, 9};
    struct holm_count folded = {1, 1, 5, 0, 0};
    const struct holm_count before = folded;
    assert_int_equal(holm_count_fold(&folded, &wide), HOLM_EOVERFLOW);
    assert_int_equal(holm_count_fold(&folded, &large), HOLM_EOVERFLOW);
    assert_int_equal(holm_count_fold(&folded, &ghost), HOLM_OK);
    assert_true(holm_count_equal(&folded, &before));
    assert_int_equal(holm_count_fold(&folded, &small), HOLM_OK);
    assert_true(holm_count_equal(&folded, &(struct holm_count){1, 1, 8, 0, 0}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_count_when_incremented_then_the_chain_grows),
        cmocka_unit_test(test_count_when_reset_then_it_is_a_ghost_and_the_next_chain_is_new),
        cmocka_unit_test(test_count_when_a_reset_is_concurrent_then_only_what_it_saw_is_cancelled),
        cmocka_unit_test(test_count_when_two_chains_meet_then_the_younger_wins_whole),
        cmocka_unit_test(test_count_when_a_mark_comes_first_then_late_increments_add_nothing),
        cmocka_unit_test(test_count_when_a_sum_would_leave_64_bits_then_it_is_refused),
        cmocka_unit_test(test_count_when_the_live_part_would_leave_64_bits_then_it_is_refused),
        cmocka_unit_test(test_count_when_the_sum_is_beyond_64_bits_then_readers_saturate_alike),
        cmocka_unit_test(test_count_when_parts_are_extreme_then_each_is_exact),
        cmocka_unit_test(test_count_when_decremented_ten_million_times_then_the_sum_is_exact),
        cmocka_unit_test(test_count_when_reachable_entries_merge_then_it_is_a_join),
        cmocka_unit_test(test_count_when_a_fold_would_leave_64_bits_then_it_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

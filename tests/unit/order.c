/* SPDX-License-Identifier: Apache-2.0 */
#include "crdt/order.h"

#include <math.h>

#include "tests/unit/core.h"

static double double_of(uint64_t bits)
{
    double number;
    memcpy(&number, &bits, sizeof number);
    return number;
}

/* In rising order, all different. */
static size_t make_values(struct holm_value *values)
{
    static const int64_t integers[] = {INT64_MIN, -1, 0, 1, INT64_MAX};
    const double doubles[] = {
        double_of(UINT64_MAX), /* the negative NaN with the largest payload */
        double_of(UINT64_C(0xfff8000000000000)),
        -(double)INFINITY,
        -1.5,
        double_of(UINT64_C(0x8000000000000001)),
        -0.0,
        0.0,
        double_of(1),
        1.5,
        (double)INFINITY,
        double_of(UINT64_C(0x7ff0000000000001)), /* a signalling NaN */
        double_of(UINT64_C(0x7ff8000000000000)),
    };
    size_t count = 0;
    values[count++] = holm_value_of(HOLM_NONE);
    values[count++] = holm_bytes_value(NULL, 0);
    values[count++] = holm_bytes_value("\0", 1);
    values[count++] = holm_bytes_value("a", 1);
    values[count++] = holm_bytes_value("aa", 2);
    values[count++] = holm_bytes_value("b", 1);
    values[count++] = holm_bytes_value("\377", 1);
    values[count++] = holm_text("");
    values[count++] = holm_text("a");
    for (size_t i = 0; i < sizeof integers / sizeof integers[0]; i++)
        values[count++] = holm_i64(integers[i]);
    for (size_t i = 0; i < sizeof doubles / sizeof doubles[0]; i++)
        values[count++] = holm_double(doubles[i]);
    values[count++] = holm_bool(false);
    values[count++] = holm_bool(true);
    values[count] = holm_bytes_value("new", 3);
    values[count++].type = (enum holm_type)77;
    return count;
}

/* T29: NaN, -0.0 and types have one order, everywhere. */
static void test_order_when_values_are_compared_then_the_order_is_total(void **state)
{
    struct holm_value values[40];
    size_t count = make_values(values);
    assert_in_range(count, 25, 40);
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < count; j++) {
            int order = holm_value_compare(&values[i], &values[j]);
            assert_int_equal(order < 0, i < j);
            assert_int_equal(order > 0, i > j);
        }
    }
}

static void test_order_when_a_type_is_new_then_its_value_is_bytes(void **state)
{
    assert_true(holm_type_has_bytes(HOLM_BYTES));
    assert_true(holm_type_has_bytes(HOLM_TEXT));
    assert_true(holm_type_has_bytes((enum holm_type)6));
    assert_true(holm_type_has_bytes((enum holm_type)255));
    assert_false(holm_type_has_bytes(HOLM_NONE));
    assert_false(holm_type_has_bytes(HOLM_I64));
    assert_false(holm_type_has_bytes(HOLM_DOUBLE));
    assert_false(holm_type_has_bytes(HOLM_BOOL));
}

#define WIDE 100

struct wide {
    uint32_t rank;
    unsigned char rest[WIDE - 4];
};

static int compare_wide(const void *left, const void *right)
{
    const struct wide *a = left;
    const struct wide *b = right;
    return (a->rank > b->rank) - (a->rank < b->rank);
}

static void sort_naively(struct wide *array, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        struct wide moved = array[i];
        size_t at = i;
        for (; at > 0 && array[at - 1].rank > moved.rank; at--)
            array[at] = array[at - 1];
        array[at] = moved;
    }
}

static void fill(struct wide *wide, uint32_t rank)
{
    memset(wide, (int)(rank % 253), sizeof *wide);
    wide->rank = rank;
}

static void test_order_when_an_array_is_sorted_then_it_is_as_a_naive_sort_has_it(void **state)
{
    struct wide array[65];
    struct wide expected[65];
    struct chance chance = {.state = 20261121};
    for (int round = 0; round < 4000; round++) {
        size_t count = chance_below(&chance, 65);
        uint32_t ranks = 1 + (uint32_t)chance_below(&chance, 80);
        for (size_t i = 0; i < count; i++)
            fill(&array[i], (uint32_t)chance_below(&chance, ranks));
        memcpy(expected, array, sizeof array);
        holm_sort(array, count, sizeof array[0], compare_wide);
        sort_naively(expected, count);
        assert_memory_equal(array, expected, count * sizeof array[0]);
    }
}

static uint64_t compared;

static int compare_counting(const void *left, const void *right)
{
    compared += 1;
    const uint32_t *a = left;
    const uint32_t *b = right;
    return (*a > *b) - (*a < *b);
}

/* A peer chooses what is sorted here: no input may cost more than n log n. */
static void test_order_when_input_is_hostile_then_the_cost_stays_n_log_n(void **state)
{
    static uint32_t array[65536];
    for (uint32_t i = 0; i < 65536; i++)
        array[i] = i;
    compared = 0;
    holm_sort(array, 65536, sizeof array[0], compare_counting);
    assert_in_range(compared, 1, 65536);
    for (uint32_t shape = 0; shape < 3; shape++) {
        for (uint32_t i = 0; i < 65536; i++)
            array[i] = shape == 0 ? 65535 - i : shape == 1 ? i / 2 * (i % 2) : (i * 40503) % 65536;
        compared = 0;
        holm_sort(array, 65536, sizeof array[0], compare_counting);
        assert_in_range(compared, 1, UINT64_C(65536) * 16 * 3);
        for (uint32_t i = 1; i < 65536; i++)
            assert_true(array[i - 1] <= array[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order_when_values_are_compared_then_the_order_is_total),
        cmocka_unit_test(test_order_when_a_type_is_new_then_its_value_is_bytes),
        cmocka_unit_test(test_order_when_an_array_is_sorted_then_it_is_as_a_naive_sort_has_it),
        cmocka_unit_test(test_order_when_input_is_hostile_then_the_cost_stays_n_log_n),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

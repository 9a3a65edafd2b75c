/* SPDX-License-Identifier: Apache-2.0 */
/* Records in the table of a state: found, walked and in order, however many come and go. */
#include "tests/unit/state.h"

#include <stdlib.h>

/* A walk over a range of hashes finds exactly the records in it, whatever the table's size. */
static void test_state_when_ranges_are_walked_then_they_partition_the_records(void **state)
{
    struct fixture f;
    struct holm_spot spot;
    open(&f);
    for (uint32_t records = 0; records < 700; records++) {
        char key[16];
        (void)snprintf(key, sizeof key, "%u", records);
        holm_state_begin(&f.state);
        assert_int_equal(put(&f, key, HOLM_FLAG, "", 0, records + 1, holm_value_of(HOLM_NONE)),
                         HOLM_OK);
        holm_state_commit(&f.state);
        if (records % 70 != 0)
            continue;
        for (unsigned level = 0; level < 4; level++) {
            size_t found = 0;
            for (uint64_t index = 0; index < (uint64_t)1 << (4 * level); index++) {
                struct holm_walk walk = holm_state_walk(&f.state, holm_range_first(level, index),
                                                        holm_range_last(level, index));
                for (; holm_walk_next(&f.state, &walk, &spot); found++)
                    assert_int_equal(holm_range_index(level, spot.hash), index);
            }
            assert_int_equal(found, records + 1);
        }
    }
    close(&f);
}

/* A table that cannot grow is slower, and in the end full: a clear error, and nothing is lost. */
static void test_state_when_the_table_cannot_grow_then_records_are_still_found(void **state)
{
    struct fixture f;
    open(&f);
    size_t capacity = f.state.table_capacity;
    f.heap.fail_once = true;
    for (uint32_t i = 0; i < 1000; i++) {
        char key[16];
        (void)snprintf(key, sizeof key, "%u", i);
        /* The path is there, so that a record's first request into a full table is for the table. */
        bool full = (f.state.record_count + 1) * 5 > f.state.table_capacity * 4;
        f.heap.calls = 0;
        f.heap.fail_at = full && i < 100 ? 1 : 0;
        holm_state_begin(&f.state);
        enum holm_status status = put(&f, key, HOLM_FLAG, "", 0, i + 1, holm_value_of(HOLM_NONE));
        f.heap.fail_at = 0;
        if (status == HOLM_OK) {
            holm_state_commit(&f.state);
        } else {
            assert_int_equal(status, HOLM_ENOMEM);
            assert_int_equal(f.state.record_count, capacity - 1);
            holm_state_rollback(&f.state);
        }
        if (i < 100)
            assert_int_equal(f.state.table_capacity, capacity);
    }
    assert_true(f.state.table_capacity >= 1000);
    assert_int_equal(f.state.record_count, 1000 - 100 + capacity - 1);
    for (uint32_t i = 0; i < 1000; i++) {
        char key[16];
        (void)snprintf(key, sizeof key, "%u", i);
        assert_true(has(&f, key, HOLM_FLAG, "") == (i < capacity - 1 || i >= 100));
    }
    close(&f);
}

/* A record that comes when the order is full, grows so that its block moves, and goes again; each
 * with every allocation refused in turn. */
static void test_state_when_there_are_many_records_then_each_comes_and_grows_or_does_not(
    void **state)
{
    struct fixture f;
    uint64_t refused = 0;
    open(&f);
    for (uint32_t i = 0; i < 600; i++) {
        char key[16];
        enum holm_status status = HOLM_ENOMEM;
        struct holm_value value = i < 300 ? holm_i64(i)
                                          : holm_text("long enough to need a block "
                                                      "of another size than before");
        (void)snprintf(key, sizeof key, "%u", i % 300 * 211 % 300);
        for (uint64_t nth = 1; status != HOLM_OK; nth++) {
            f.heap.calls = 0;
            f.heap.fail_at = nth;
            f.heap.fail_once = true;
            holm_state_begin(&f.state);
            status = put(&f, key, HOLM_REGISTER, "", i / 300, i + 1, value);
            f.heap.fail_at = 0;
            if (status == HOLM_OK) {
                holm_state_commit(&f.state);
                break;
            }
            assert_int_equal(status, HOLM_ENOMEM);
            holm_state_rollback(&f.state);
            holm_state_check(&f.state);
            assert_int_equal(f.state.record_count, i < 300 ? i : 300);
            refused++;
        }
    }
    assert_true(refused >= (state_ordered ? 10 : 1));
    holm_state_check(&f.state);
    for (uint32_t i = 0; i < 300; i++) {
        char key[16];
        (void)snprintf(key, sizeof key, "%u", i);
        holm_state_begin(&f.state);
        assert_int_equal(drop(&f, key, HOLM_REGISTER, "", 0), HOLM_OK);
        assert_int_equal(drop(&f, key, HOLM_REGISTER, "", 0), HOLM_OK);
        if (i % 3 == 0) {
            holm_state_rollback(&f.state);
            holm_state_begin(&f.state);
        }
        holm_state_commit(&f.state);
    }
    assert_int_equal(f.state.record_count, 100);
    close(&f);
}

/* In the order of the table of another state with the same seed, as a cut has them. */
static void test_state_when_records_come_in_the_order_of_their_hashes_then_none_is_far_off(
    void **state)
{
    enum {
        RECORDS = 30000
    };
    struct fixture from;
    struct fixture to;
    struct holm_spot spot;
    size_t passed = 0;
    open(&from);
    open(&to);
    for (uint32_t i = 0; i < RECORDS; i++) {
        char key[16];
        (void)snprintf(key, sizeof key, "%u", i);
        holm_state_begin(&from.state);
        assert_int_equal(put(&from, key, HOLM_FLAG, "", 0, i + 1, holm_value_of(HOLM_NONE)),
                         HOLM_OK);
        holm_state_commit(&from.state);
    }
    struct holm_walk walk = holm_state_walk(&from.state, 0, UINT64_MAX);
    while (holm_walk_next(&from.state, &walk, &spot)) {
        char key[16] = {0};
        struct holm_bytes bytes = holm_spot_key(&from.state, &spot);
        memcpy(key, bytes.data, bytes.size);
        holm_state_begin(&to.state);
        assert_int_equal(
            put(&to, key, HOLM_FLAG, "", 0, (uint64_t)atoi(key) + 1, holm_value_of(HOLM_NONE)),
            HOLM_OK);
        holm_state_commit(&to.state);
        passed += to.state.table_passed;
    }
    assert_true(holm_digest_equal(from.state.digest, to.state.digest));
    assert_true(passed < RECORDS * 100);
    assert_true(to.state.table_capacity < RECORDS * 4);
    close(&from);
    close(&to);
}

const struct CMUnitTest state_table_tests[] = {
    cmocka_unit_test(test_state_when_ranges_are_walked_then_they_partition_the_records),
    cmocka_unit_test(test_state_when_the_table_cannot_grow_then_records_are_still_found),
    cmocka_unit_test(
        test_state_when_records_come_in_the_order_of_their_hashes_then_none_is_far_off),
    cmocka_unit_test(test_state_when_there_are_many_records_then_each_comes_and_grows_or_does_not),
};
const size_t state_table_count = sizeof state_table_tests / sizeof *state_table_tests;

/* SPDX-License-Identifier: Apache-2.0 */
#include "node/scan.h"

#include "bare.h"

#include <stdio.h>

static size_t count_of(const struct holm_replica *replica, struct holm_bytes prefix)
{
    const struct holm_view *view;
    struct holm_scan *scan;
    size_t count = 0;

    assert_int_equal(holm_scan_copy(replica, prefix, &scan), HOLM_OK);
    while ((view = holm_scan_next(scan)) != NULL) {
        assert_true(holm_view_key(view).size >= prefix.size);
        assert_memory_equal(holm_view_key(view).data, prefix.data, prefix.size);
        assert_true(holm_view_count(view) >= 1);
        count++;
    }
    assert_null(holm_scan_next(scan));
    holm_scan_close(scan);
    return count;
}

static void test_scan_when_nothing_matches_then_it_is_empty(void **state)
{
    struct holm_replica *replica = bare_open(1);

    assert_int_equal(count_of(replica, holm_str("")), 0);
    bare_write(replica, holm_op_enable(holm_str("a"), holm_str("f")));
    assert_int_equal(count_of(replica, holm_str("b")), 0);
    assert_int_equal(count_of(replica, holm_str("ab")), 0);
    assert_null(holm_scan_next(NULL));
    holm_scan_close(NULL);
    holm_replica_free(replica);
}

/* In the order of the keys, also after records have come, grown, gone and been buried. */
static void test_scan_when_the_replica_is_ordered_then_keys_come_in_order(void **state)
{
    struct holm_replica_config config = holm_replica_config_default();
    struct holm_replica *replica;
    const struct holm_view *view;
    struct holm_scan *scan;
    char key[16], last[16] = "";
    size_t count = 0;

    config.allocator.resize = bare_resize;
    config.self.node.value = 1;
    config.self.epoch.value = 1;
    config.ordered = true;
    assert_int_equal(holm_replica_new(&config, &replica), HOLM_OK);
    for (int i = 0; i < 3000; i++) {
        snprintf(key, sizeof key, "k%04d", i * 1237 % 1000);
        if (i % 7 == 3)
            bare_write(replica, holm_op_remove(holm_str(key), holm_str("")));
        else
            bare_write(replica,
                       holm_op_insert(holm_str(key), holm_str("f"), holm_mem(&i, sizeof i)));
    }
    bare_write(replica, holm_op_bury(holm_str("k0500")));
    holm_replica_check(replica);
    assert_int_equal(holm_scan_copy(replica, holm_str("k05"), &scan), HOLM_OK);
    while ((view = holm_scan_next(scan)) != NULL) {
        struct holm_bytes found = holm_view_key(view);

        assert_int_equal(found.size, 5);
        assert_true(memcmp(found.data, "k05", 3) == 0);
        assert_true(memcmp(found.data, last, 5) > 0);
        memcpy(last, found.data, 5);
        count++;
    }
    assert_true(count > 80 && count < 100);
    holm_scan_close(scan);
    holm_replica_free(replica);
}

static void test_scan_when_prefixes_nest_then_each_finds_its_own(void **state)
{
    struct holm_replica *replica = bare_open(1);

    for (int i = 0; i < 200; i++) {
        char key[16];
        int size = snprintf(key, sizeof key, "k%03d", i);

        bare_write(replica, holm_op_add(holm_mem(key, (size_t)size), holm_str("c"), i));
    }
    bare_write(replica, holm_op_enable(holm_mem("\0", 1), holm_str("f")));
    bare_write(replica, holm_op_enable(holm_mem("\0\0", 2), holm_str("f")));
    assert_int_equal(count_of(replica, holm_str("")), 202);
    assert_int_equal(count_of(replica, holm_str("k")), 200);
    assert_int_equal(count_of(replica, holm_str("k1")), 100);
    assert_int_equal(count_of(replica, holm_str("k19")), 10);
    assert_int_equal(count_of(replica, holm_str("k199")), 1);
    assert_int_equal(count_of(replica, holm_mem("\0", 1)), 2);
    assert_int_equal(count_of(replica, holm_mem("\0\0", 2)), 1);
    holm_replica_free(replica);
}

static void test_scan_when_records_are_gone_then_they_are_left_out(void **state)
{
    struct holm_replica *replica = bare_open(1);

    bare_write(replica, holm_op_add(holm_str("reset"), holm_str("c"), 1));
    bare_write(replica, holm_op_reset(holm_str("reset"), holm_str("c")));
    bare_write(replica, holm_op_enable(holm_str("removed"), holm_str("f")));
    bare_write(replica, holm_op_remove(holm_str("removed"), holm_str("")));
    bare_write(replica, holm_op_enable(holm_str("buried"), holm_str("f")));
    bare_write(replica, holm_op_bury(holm_str("buried")));
    bare_write(replica, holm_op_enable(holm_str("here"), holm_str("f")));
    assert_int_equal(count_of(replica, holm_str("")), 1);
    holm_replica_free(replica);
}

static void test_scan_when_the_replica_changes_then_the_scan_does_not(void **state)
{
    struct holm_replica *replica = bare_open(1);
    struct holm_scan *scan;
    const struct holm_view *view;

    bare_write(replica, holm_op_add(holm_str("a"), holm_str("c"), 1));
    assert_int_equal(holm_scan_copy(replica, holm_str(""), &scan), HOLM_OK);
    bare_write(replica, holm_op_add(holm_str("a"), holm_str("c"), 1));
    bare_write(replica, holm_op_add(holm_str("b"), holm_str("c"), 1));
    holm_replica_free(replica);
    view = holm_scan_next(scan);
    assert_int_equal(holm_view_entry(view, 0)->value.as.i64, 1);
    assert_null(holm_scan_next(scan));
    holm_scan_close(scan);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scan_when_nothing_matches_then_it_is_empty),
        cmocka_unit_test(test_scan_when_the_replica_is_ordered_then_keys_come_in_order),
        cmocka_unit_test(test_scan_when_prefixes_nest_then_each_finds_its_own),
        cmocka_unit_test(test_scan_when_records_are_gone_then_they_are_left_out),
        cmocka_unit_test(test_scan_when_the_replica_changes_then_the_scan_does_not),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The public reads on one node: buffers, views, scans, watches, figures. */
#include "api.h"

#include <poll.h>

#define K holm_str("hero:7")

static void test_get_when_the_buffer_is_small_then_the_needed_size_is_told(void **state)
{
    char buffer[8] = "untouch";
    struct holm_value value = holm_i64(77);
    size_t size = 0;

    assert_ok(holm_put(*state, K, holm_str("name"), holm_text("Adelaide")));
    assert_status(holm_get(*state, K, holm_str("name"), buffer, 7, &value, &size), HOLM_ESPACE);
    assert_int_equal(size, 8);
    assert_int_equal(value.type, HOLM_I64);
    assert_string_equal(buffer, "untouch");
    assert_status(holm_get(*state, K, holm_str("name"), NULL, 0, &value, NULL), HOLM_ESPACE);
    assert_ok(holm_get(*state, K, holm_str("name"), buffer, size, &value, &size));
    assert_int_equal(size, 8);
    assert_ptr_equal(value.as.bytes.data, buffer);
    assert_bytes(value.as.bytes, holm_str("Adelaide"));
    assert_ok(holm_raise(*state, K, holm_str("m"), holm_text("zz")));
    assert_status(holm_get_max(*state, K, holm_str("m"), buffer, 1, &value, &size), HOLM_ESPACE);
    assert_int_equal(size, 2);
}

static void test_get_when_there_is_nothing_then_it_says_so(void **state)
{
    static char bytes[2000];
    const struct holm_bytes keys[] = {holm_str("nobody"), holm_str(""), holm_mem(bytes, 1025)};
    const struct holm_bytes fields[] = {holm_str("f"), holm_str(""), holm_mem(bytes, 256)};

    for (size_t i = 0; i < 9; i++) {
        struct holm_bytes key = keys[i / 3], field = fields[i % 3];
        struct holm_value value = holm_i64(77);
        struct holm_view *view = (struct holm_view *)bytes;
        size_t size = 9;
        int64_t sum = 9;

        assert_status(holm_get(*state, key, field, NULL, 0, &value, &size), HOLM_ENOENT);
        assert_int_equal(size, 0);
        assert_status(holm_get_max(*state, key, field, NULL, 0, &value, NULL), HOLM_ENOENT);
        assert_status(holm_get_min(*state, key, field, NULL, 0, &value, NULL), HOLM_ENOENT);
        assert_int_equal(value.as.i64, 77);
        assert_status(holm_count(*state, key, field, &sum), HOLM_ENOENT);
        assert_true(sum == 0);
        assert_status(holm_read(*state, key, &view), HOLM_ENOENT);
        assert_null(view);
        assert_status(holm_read_field(*state, key, field, &view), HOLM_ENOENT);
        assert_status(holm_siblings(*state, key, field, &view), HOLM_ENOENT);
        assert_false(holm_enabled(*state, key, field));
        assert_false(holm_contains(*state, key, field, holm_str("e")));
        assert_false(holm_exists(*state, key));
        assert_false(holm_buried(*state, key));
    }
}

static void assert_entry(const struct holm_view *view, size_t index, const char *field,
                         enum holm_kind kind, const char *element)
{
    const struct holm_entry *entry = holm_view_entry(view, index);

    assert_non_null(entry);
    assert_bytes(entry->field, holm_str(field));
    assert_int_equal(entry->kind, kind);
    assert_bytes(entry->element, holm_str(element));
}

static void write_record(struct holm_node *node)
{
    assert_ok(holm_enable(node, K, holm_str("patrolling")));
    assert_ok(holm_add(node, K, holm_str("b"), 40));
    assert_ok(holm_add(node, K, holm_str("b"), 2));
    assert_ok(holm_put(node, K, holm_str("b"), holm_text("text")));
    assert_ok(holm_put(node, K, holm_str("aa"), holm_double(0.5)));
    assert_ok(holm_insert(node, K, holm_str("s"), holm_str("y")));
    assert_ok(holm_insert(node, K, holm_str("s"), holm_str("xyz")));
    assert_ok(holm_insert(node, K, holm_str("s"), holm_str("x")));
    assert_ok(holm_put(node, K, holm_str(""), holm_bool(true)));
    assert_ok(holm_raise(node, K, holm_str("m"), holm_i64(3)));
    assert_ok(holm_lower(node, K, holm_str("m"), holm_text("low")));
}

/* "aa" is before "b" though it is longer: entries are in the order of their bytes. */
static void test_read_when_a_record_has_every_kind_then_entries_are_sorted(void **state)
{
    struct holm_view *view;

    write_record(*state);
    assert_ok(holm_read(*state, K, &view));
    assert_bytes(holm_view_key(view), K);
    assert_int_equal(holm_view_count(view), 10);
    assert_entry(view, 0, "", HOLM_REGISTER, "");
    assert_entry(view, 1, "aa", HOLM_REGISTER, "");
    assert_entry(view, 2, "b", HOLM_REGISTER, "");
    assert_entry(view, 3, "b", HOLM_COUNTER, "");
    assert_entry(view, 4, "m", HOLM_MAX, "");
    assert_entry(view, 5, "m", HOLM_MIN, "");
    assert_entry(view, 6, "patrolling", HOLM_FLAG, "");
    assert_entry(view, 7, "s", HOLM_SET, "x");
    assert_entry(view, 8, "s", HOLM_SET, "xyz");
    assert_entry(view, 9, "s", HOLM_SET, "y");
    assert_null(holm_view_entry(view, 10));
    assert_bytes(holm_view_entry(view, 2)->value.as.bytes, holm_str("text"));
    assert_int_equal(holm_view_entry(view, 3)->value.type, HOLM_I64);
    assert_int_equal(holm_view_entry(view, 3)->value.as.i64, 42);
    assert_int_equal(holm_view_entry(view, 3)->dot.seq, 0);
    assert_int_equal(holm_view_entry(view, 4)->value.as.i64, 3);
    assert_bytes(holm_view_entry(view, 5)->value.as.bytes, holm_str("low"));
    assert_int_equal(holm_view_entry(view, 6)->value.type, HOLM_BOOL);
    assert_true(holm_view_entry(view, 6)->value.as.boolean);
    assert_int_equal(holm_view_entry(view, 7)->value.type, HOLM_NONE);
    assert_int_equal(holm_view_entry(view, 7)->dot.actor.node.value, holm_self(*state).node.value);
    assert_true(holm_view_entry(view, 1)->hlc > 0);
    holm_view_free(view);
    holm_view_free(NULL);
}

static void test_read_when_one_field_is_asked_for_then_only_it_is_copied(void **state)
{
    struct holm_view *view;

    write_record(*state);
    assert_ok(holm_read_field(*state, K, holm_str("b"), &view));
    assert_int_equal(holm_view_count(view), 2);
    assert_entry(view, 0, "b", HOLM_REGISTER, "");
    assert_entry(view, 1, "b", HOLM_COUNTER, "");
    holm_view_free(view);
    assert_ok(holm_read_field(*state, K, holm_str(""), &view));
    assert_int_equal(holm_view_count(view), 1);
    assert_entry(view, 0, "", HOLM_REGISTER, "");
    holm_view_free(view);
    assert_status(holm_read_field(*state, K, holm_str("never"), &view), HOLM_ENOENT);
    assert_ok(holm_siblings(*state, K, holm_str("b"), &view));
    assert_int_equal(holm_view_count(view), 1);
    assert_entry(view, 0, "b", HOLM_REGISTER, "");
    holm_view_free(view);
    assert_status(holm_siblings(*state, K, holm_str("s"), &view), HOLM_ENOENT);
}

/* A view is a copy: what comes after does not show in it. */
static void test_read_when_the_record_changes_then_the_view_does_not(void **state)
{
    struct holm_view *view;
    struct holm_node *node = api_open("brief", NULL, NULL);

    write_record(node);
    assert_ok(holm_read(node, K, &view));
    assert_ok(holm_bury(node, K));
    assert_false(holm_exists(node, K));
    holm_close(node);
    assert_int_equal(holm_view_count(view), 10);
    assert_bytes(holm_view_entry(view, 8)->element, holm_str("xyz"));
    assert_bytes(holm_view_entry(view, 2)->value.as.bytes, holm_str("text"));
    holm_view_free(view);
}

static size_t scan_count(struct holm_node *node, uint32_t partition, const char *prefix)
{
    const struct holm_view *view;
    struct holm_scan *scan;
    size_t count = 0;

    assert_ok(holm_scan_open(node, partition, holm_str(prefix), &scan));
    while ((view = holm_scan_next(scan)) != NULL) {
        assert_int_equal(holm_partition(node, holm_view_key(view)), partition);
        assert_true(holm_view_key(view).size >= strlen(prefix));
        assert_memory_equal(holm_view_key(view).data, prefix, strlen(prefix));
        count++;
    }
    assert_null(holm_scan_next(scan));
    holm_scan_close(scan);
    return count;
}

static size_t scan_all(struct holm_node *node, const char *prefix)
{
    size_t count = 0;

    for (uint32_t i = 0; i < holm_partition_count(node); i++)
        count += scan_count(node, i, prefix);
    return count;
}

static void test_scan_when_there_are_many_records_then_each_under_the_prefix_comes_once(
    void **state)
{
    struct holm_scan *scan;
    char key[32];

    assert_int_equal(scan_all(*state, ""), 0);
    for (int i = 0; i < 1000; i++) {
        snprintf(key, sizeof key, "hero:%d", i);
        assert_ok(holm_put(*state, holm_str(key), holm_str("f"), holm_i64(i)));
    }
    assert_ok(holm_enable(*state, holm_str("city"), holm_str("f")));
    assert_ok(holm_bury(*state, holm_str("hero:0")));
    assert_ok(holm_remove(*state, holm_str("hero:1"), holm_str("")));
    assert_int_equal(scan_all(*state, ""), 999);
    assert_int_equal(scan_all(*state, "hero:"), 998);
    assert_int_equal(scan_all(*state, "hero:99"), 11);
    assert_int_equal(scan_all(*state, "hero:999"), 1);
    assert_int_equal(scan_all(*state, "x"), 0);
    assert_status(holm_scan_open(*state, 16, holm_str(""), &scan), HOLM_EINVAL);
    assert_null(scan);
    assert_status(holm_scan_open(*state, 0, holm_mem(NULL, 1), &scan), HOLM_EINVAL);
    holm_scan_close(NULL);
}

/* Keys of every partition, more than a block of the order holds. */
static void scan_every_partition(bool ordered)
{
    struct holm_config config = api_config("scan");
    struct holm_node *node;
    const struct holm_view *view;
    struct holm_scan *scan;
    char key[32], last[32] = "";
    size_t count = 0;

    config.ordered = ordered;
    assert_ok(holm_open(&config, &node));
    for (int i = 0; i < 500; i++) {
        snprintf(key, sizeof key, "%s:%03d", i % 2 == 0 ? "hero" : "city", i * 77 % 500);
        assert_ok(holm_add(node, holm_str(key), holm_str("n"), 1));
    }
    assert_ok(holm_scan_open(node, HOLM_EVERY_PARTITION, holm_str("hero:"), &scan));
    while ((view = holm_scan_next(scan)) != NULL) {
        snprintf(key, sizeof key, "%.*s", (int)holm_view_key(view).size,
                 (const char *)holm_view_key(view).data);
        assert_true(strncmp(key, "hero:", 5) == 0);
        assert_true(!ordered || strcmp(last, key) < 0);
        memcpy(last, key, sizeof last);
        count++;
    }
    assert_int_equal(count, 250);
    holm_scan_close(scan);
    assert_ok(holm_scan_open(node, HOLM_EVERY_PARTITION, holm_str("nobody"), &scan));
    assert_null(holm_scan_next(scan));
    holm_scan_close(scan);
    holm_close(node);
}

/* Ever the next seven behind the last, while records come and go before and behind. */
static void test_scan_when_read_in_parts_then_each_record_is_met_once(void **state)
{
    struct holm_config config = api_config("scan");
    struct holm_node *node;
    const struct holm_view *view;
    struct holm_scan *scan;
    struct holm_bytes last, *after = NULL;
    char key[32], kept[32];
    size_t met = 0, part;

    assert_status(holm_scan_part(*state, 0, holm_str(""), NULL, 1, &scan), HOLM_EINVAL);
    config.ordered = true;
    assert_ok(holm_open(&config, &node));
    for (int i = 0; i < 300; i++) {
        snprintf(key, sizeof key, "hero:%03d", i * 77 % 300);
        assert_ok(holm_add(node, holm_str(key), holm_str("n"), 1));
        assert_ok(holm_add(node, holm_str("herd"), holm_str("n"), 1));
    }
    do {
        assert_ok(holm_scan_part(node, HOLM_EVERY_PARTITION, holm_str("hero:"), after, 7, &scan));
        for (part = 0; (view = holm_scan_next(scan)) != NULL; part++, met++) {
            snprintf(key, sizeof key, "hero:%03zu", met);
            assert_bytes(holm_view_key(view), holm_str(key));
            memcpy(kept, key, sizeof kept);
        }
        assert_true(part <= 7 && (part == 7 || met == 300));
        holm_scan_close(scan);
        last = holm_str(kept);
        after = &last;
        assert_ok(holm_remove(node, last, holm_str("")));
        assert_ok(holm_add(node, holm_str("hero:"), holm_str("n"), 1));
    } while (part > 0);
    assert_int_equal(met, 300);
    assert_ok(holm_scan_part(node, holm_partition(node, holm_str("herd")), holm_str("her"), NULL, 1,
                             &scan));
    assert_bytes(holm_view_key(holm_scan_next(scan)), holm_str("herd"));
    assert_null(holm_scan_next(scan));
    holm_scan_close(scan);
    assert_status(holm_scan_part(node, 0, holm_str(""), NULL, 0, &scan), HOLM_EINVAL);
    assert_status(holm_scan_part(node, 16, holm_str(""), NULL, 1, &scan), HOLM_EINVAL);
    last = holm_mem(NULL, 1);
    assert_status(holm_scan_part(node, 0, holm_str(""), &last, 1, &scan), HOLM_EINVAL);
    assert_null(scan);
    holm_close(node);
}

static void test_scan_when_of_every_partition_then_it_has_all_and_in_order_if_asked(void **state)
{
    scan_every_partition(false);
    scan_every_partition(true);
}

/* A cut: what is written while it is read does not show. */
static void test_scan_when_it_is_open_then_writes_do_not_show_in_it(void **state)
{
    struct holm_scan *scan;
    const struct holm_view *view;
    struct holm_op ops[] = {
        holm_op_put(holm_str("{t}a"), holm_str("f"), holm_i64(1)),
        holm_op_put(holm_str("{t}b"), holm_str("f"), holm_i64(1)),
    };

    assert_ok(holm_commit(*state, ops, 2, NULL));
    assert_ok(
        holm_scan_open(*state, holm_partition(*state, holm_str("{t}a")), holm_str("{t}"), &scan));
    ops[0].as.value = ops[1].as.value = holm_i64(2);
    assert_ok(holm_commit(*state, ops, 2, NULL));
    for (int i = 0; i < 2; i++) {
        view = holm_scan_next(scan);
        assert_int_equal(holm_view_entry(view, 0)->value.as.i64, 1);
    }
    assert_null(holm_scan_next(scan));
    holm_scan_close(scan);
}

static bool is_readable(const struct holm_watch *watch)
{
    struct pollfd fd = {.fd = holm_watch_fd(watch), .events = POLLIN};

    return poll(&fd, 1, 0) == 1;
}

static void assert_change(struct holm_watch *watch, const char *key, struct holm_node *origin)
{
    struct holm_change change;

    assert_true(is_readable(watch));
    assert_ok(holm_watch_next(watch, &change));
    assert_false(change.overflow);
    assert_bytes(change.key, holm_str(key));
    assert_int_equal(change.origin.value, holm_self(origin).node.value);
}

static void assert_quiet(struct holm_watch *watch)
{
    struct holm_change change;

    assert_false(is_readable(watch));
    assert_status(holm_watch_next(watch, &change), HOLM_ENOENT);
}

static void test_watch_when_keys_change_then_each_prefix_hears_its_own_once(void **state)
{
    struct holm_watch *heroes, *all;
    const struct holm_bytes city = holm_str("city:1");

    assert_ok(holm_put(*state, K, holm_str("before"), holm_i64(1)));
    assert_ok(holm_watch_open(*state, holm_str("hero:"), 0, &heroes));
    assert_ok(holm_watch_open(*state, holm_str(""), 0, &all));
    assert_quiet(heroes);
    for (int i = 0; i < 100; i++)
        assert_ok(holm_add(*state, K, holm_str("c"), 1));
    assert_ok(holm_enable(*state, city, holm_str("f")));
    assert_change(heroes, "hero:7", *state);
    assert_quiet(heroes);
    assert_change(all, "hero:7", *state);
    assert_change(all, "city:1", *state);
    assert_quiet(all);
    assert_ok(holm_bury(*state, K));
    assert_change(heroes, "hero:7", *state);
    assert_ok(holm_disable(*state, city, holm_str("f")));
    assert_change(all, "hero:7", *state);
    assert_change(all, "city:1", *state);
    assert_ok(holm_disable(*state, city, holm_str("f")));
    assert_quiet(all);
    assert_status(holm_put(*state, K, holm_str("f"), holm_i64(1)), HOLM_EBURIED);
    assert_quiet(heroes);
    holm_watch_close(heroes);
    assert_ok(holm_enable(*state, city, holm_str("f")));
    assert_change(all, "city:1", *state);
    holm_watch_close(all);
    holm_watch_close(NULL);
}

static void test_watch_when_more_keys_wait_than_allowed_then_one_overflow_is_told(void **state)
{
    struct holm_change change;
    struct holm_watch *watch;
    char key[32];

    assert_ok(holm_watch_open(*state, holm_str(""), 10, &watch));
    for (int i = 0; i < 11; i++) {
        snprintf(key, sizeof key, "k%d", i);
        assert_ok(holm_enable(*state, holm_str(key), holm_str("f")));
    }
    assert_true(is_readable(watch));
    assert_ok(holm_watch_next(watch, &change));
    assert_true(change.overflow);
    assert_int_equal(change.key.size, 0);
    assert_quiet(watch);
    assert_ok(holm_enable(*state, K, holm_str("f")));
    assert_change(watch, "hero:7", *state);
    assert_quiet(watch);
    holm_watch_close(watch);
}

static void test_watch_when_it_cannot_be_then_it_is_refused(void **state)
{
    static char bytes[1025];
    struct holm_watch *watch = (struct holm_watch *)bytes;

    assert_status(holm_watch_open(*state, holm_mem(bytes, 1025), 0, &watch), HOLM_ETOOBIG);
    assert_null(watch);
    assert_status(holm_watch_open(*state, holm_mem(NULL, 1), 0, &watch), HOLM_EINVAL);
    assert_ok(holm_watch_open(*state, holm_mem(bytes, 1024), 0, &watch));
    holm_watch_close(watch);
}

static void test_vector_when_operations_are_written_then_it_covers_them_all(void **state)
{
    uint32_t partition = holm_partition(*state, K);
    struct holm_dot entries[2];

    assert_int_equal(holm_vector(*state, partition, entries, 2), 0);
    for (int i = 0; i < 5; i++)
        assert_ok(holm_add(*state, K, holm_str("c"), 1));
    assert_int_equal(holm_vector(*state, partition, entries, 2), 1);
    assert_int_equal(entries[0].seq, 5);
    assert_int_equal(entries[0].actor.node.value, holm_self(*state).node.value);
    assert_int_equal(entries[0].actor.epoch.value, holm_self(*state).epoch.value);
    assert_int_equal(holm_vector(*state, partition, NULL, 0), 1);
    assert_int_equal(holm_vector(*state, 16, entries, 2), 0);
}

static void test_stats_when_there_is_one_node_then_its_figures_are_its_own(void **state)
{
    struct holm_stats stats;
    struct holm_peer peer;

    assert_ok(holm_add(*state, K, holm_str("c"), 1));
    assert_ok(holm_put(*state, holm_str("other"), holm_str("f"), holm_text("x")));
    assert_ok(holm_bury(*state, holm_str("grave")));
    holm_stats(*state, &stats);
    assert_int_equal(stats.operations, 3);
    assert_int_equal(stats.records, 2);
    assert_int_equal(stats.tombstones, 1);
    assert_int_equal(stats.peers_up, 0);
    assert_int_equal(stats.digest_breaches, 0);
    assert_true(stats.state_bytes > 0);
    assert_true(stats.digest != 0);
    assert_int_equal(holm_peers(*state, &peer, 1), 0);
    assert_null(holm_address(*state));
}

static void test_wait_when_nobody_is_there_then_time_runs_out(void **state)
{
    struct holm_op op = holm_op_add(K, holm_str("c"), 1);
    struct holm_receipt receipt;

    assert_ok(holm_commit(*state, &op, 1, &receipt));
    assert_status(holm_wait_peers(*state, 1, 0), HOLM_ETIMEDOUT);
    assert_status(holm_wait_peers(*state, 1, 30), HOLM_ETIMEDOUT);
    assert_status(holm_wait_seen(*state, &receipt, 1, 0), HOLM_ETIMEDOUT);
    assert_status(holm_wait_seen(*state, NULL, 1, 30), HOLM_ETIMEDOUT);
    assert_ok(holm_wait_peers(*state, 0, 0));
    assert_ok(holm_wait_seen(*state, &receipt, 0, 0));
}

#define ALONE(test) cmocka_unit_test_setup_teardown(test, api_open_alone, api_close_alone)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ALONE(test_get_when_the_buffer_is_small_then_the_needed_size_is_told),
        ALONE(test_get_when_there_is_nothing_then_it_says_so),
        ALONE(test_read_when_a_record_has_every_kind_then_entries_are_sorted),
        ALONE(test_read_when_one_field_is_asked_for_then_only_it_is_copied),
        cmocka_unit_test(test_read_when_the_record_changes_then_the_view_does_not),
        ALONE(test_scan_when_there_are_many_records_then_each_under_the_prefix_comes_once),
        cmocka_unit_test(test_scan_when_of_every_partition_then_it_has_all_and_in_order_if_asked),
        ALONE(test_scan_when_read_in_parts_then_each_record_is_met_once),
        ALONE(test_scan_when_it_is_open_then_writes_do_not_show_in_it),
        ALONE(test_watch_when_keys_change_then_each_prefix_hears_its_own_once),
        ALONE(test_watch_when_more_keys_wait_than_allowed_then_one_overflow_is_told),
        ALONE(test_watch_when_it_cannot_be_then_it_is_refused),
        ALONE(test_vector_when_operations_are_written_then_it_covers_them_all),
        ALONE(test_stats_when_there_is_one_node_then_its_figures_are_its_own),
        ALONE(test_wait_when_nobody_is_there_then_time_runs_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The public calls by path: each kind, what lies below, odd paths, sets read in parts. */
#include "api.h"

#define K holm_str("hero:7")

static int64_t count_at(struct holm_node *node, struct holm_path path)
{
    int64_t sum = 77;

    assert_ok(holm_count_at(node, K, path, &sum));
    return sum;
}

static int64_t number_at(struct holm_node *node, enum holm_kind kind, struct holm_path path)
{
    struct holm_value value;

    if (kind == HOLM_REGISTER)
        assert_ok(holm_get_at(node, K, path, NULL, 0, &value, NULL));
    else if (kind == HOLM_MAX)
        assert_ok(holm_get_max_at(node, K, path, NULL, 0, &value, NULL));
    else
        assert_ok(holm_get_min_at(node, K, path, NULL, 0, &value, NULL));
    assert_int_equal(value.type, HOLM_I64);
    return value.as.i64;
}

/* Every kind of slot, with values that tell one path from another. */
static void write_all(struct holm_node *node, struct holm_path path, int64_t number)
{
    char element[24];

    snprintf(element, sizeof element, "e%lld", (long long)number);
    assert_ok(holm_put_at(node, K, path, holm_i64(number)));
    assert_ok(holm_add_at(node, K, path, number));
    assert_ok(holm_insert_at(node, K, path, holm_str(element)));
    assert_ok(holm_enable_at(node, K, path));
    assert_ok(holm_raise_at(node, K, path, holm_i64(number)));
    assert_ok(holm_raise_at(node, K, path, holm_i64(number - 1)));
    assert_ok(holm_lower_at(node, K, path, holm_i64(number)));
    assert_ok(holm_lower_at(node, K, path, holm_i64(number + 1)));
}

static void assert_all(struct holm_node *node, struct holm_path path, int64_t number)
{
    char element[24];

    snprintf(element, sizeof element, "e%lld", (long long)number);
    assert_int_equal(number_at(node, HOLM_REGISTER, path), number);
    assert_int_equal(number_at(node, HOLM_MAX, path), number);
    assert_int_equal(number_at(node, HOLM_MIN, path), number);
    assert_int_equal(count_at(node, path), number);
    assert_true(holm_contains_at(node, K, path, holm_str(element)));
    assert_true(holm_enabled_at(node, K, path));
}

static size_t entries_at(struct holm_node *node, struct holm_path path)
{
    struct holm_view *view;
    enum holm_status status = holm_read_at(node, K, path, &view);
    size_t count = holm_view_count(view);

    assert_status(status, count == 0 ? HOLM_ENOENT : HOLM_OK);
    holm_view_free(view);
    return count;
}

static void test_write_at_when_paths_differ_then_slots_do_not_meet(void **state)
{
    const struct holm_path paths[] = {
        {NULL, 0},           HOLM_PATH("a"),
        HOLM_PATH("a", "b"), HOLM_PATH("a", "b", "c"),
        HOLM_PATH("ab"),     HOLM_PATH("ab", "c"),
        HOLM_PATH("b", "a"), HOLM_PATH("a", "b", "c", "d", "e", "f", "g", "h"),
    };
    size_t count = sizeof paths / sizeof paths[0];

    for (size_t i = 0; i < count; i++)
        write_all(*state, paths[i], 100 + (int64_t)i);
    for (size_t i = 0; i < count; i++)
        assert_all(*state, paths[i], 100 + (int64_t)i);
    assert_int_equal(entries_at(*state, paths[0]), 6 * count);
    assert_int_equal(entries_at(*state, HOLM_PATH("a")), 6 * 4);
    assert_int_equal(entries_at(*state, HOLM_PATH("a", "b", "c", "d")), 6);
}

static void test_path_of_one_name_is_the_field_of_that_name(void **state)
{
    struct holm_view *view;

    write_all(*state, HOLM_PATH("f"), 5);
    assert_true(holm_contains(*state, K, holm_str("f"), holm_str("e5")));
    assert_ok(holm_add(*state, K, holm_str("f"), 2));
    assert_int_equal(count_at(*state, HOLM_PATH("f")), 7);
    assert_ok(holm_add(*state, K, holm_str(""), 3));
    assert_int_equal(count_at(*state, holm_path_of(NULL, 0)), 3);
    assert_ok(holm_read_field(*state, K, holm_str("f"), &view));
    assert_int_equal(holm_view_count(view), 6);
    holm_view_free(view);
}

static void test_erase_at_and_its_like_undo_what_their_path_has(void **state)
{
    struct holm_path path = HOLM_PATH("a", "b"), other = HOLM_PATH("a", "c");
    int64_t sum;

    write_all(*state, path, 8);
    write_all(*state, other, 8);
    assert_ok(holm_reset_at(*state, K, path));
    assert_ok(holm_erase_at(*state, K, path, holm_str("e8")));
    assert_ok(holm_disable_at(*state, K, path));
    assert_status(holm_count_at(*state, K, path, &sum), HOLM_ENOENT);
    assert_int_equal(sum, 0);
    assert_false(holm_contains_at(*state, K, path, holm_str("e8")));
    assert_false(holm_enabled_at(*state, K, path));
    assert_int_equal(entries_at(*state, path), 3);
    assert_all(*state, other, 8);
}

static void test_remove_at_takes_what_is_below_and_nothing_beside(void **state)
{
    struct holm_view *view;

    write_all(*state, holm_path_of(NULL, 0), 1);
    write_all(*state, HOLM_PATH("a"), 2);
    write_all(*state, HOLM_PATH("a", "b"), 3);
    write_all(*state, HOLM_PATH("a", "b", "c"), 4);
    write_all(*state, HOLM_PATH("a", "bc"), 5);
    assert_ok(holm_remove_at(*state, K, HOLM_PATH("a", "b")));
    assert_int_equal(entries_at(*state, HOLM_PATH("a", "b")), 0);
    assert_all(*state, HOLM_PATH("a"), 2);
    assert_all(*state, HOLM_PATH("a", "bc"), 5);
    assert_ok(holm_remove(*state, K, holm_str("a")));
    assert_int_equal(entries_at(*state, HOLM_PATH("a")), 0);
    assert_all(*state, holm_path_of(NULL, 0), 1);
    assert_ok(holm_read_field(*state, K, holm_str(""), &view));
    assert_int_equal(holm_view_count(view), 6);
    holm_view_free(view);
    write_all(*state, HOLM_PATH("a", "b"), 6);
    assert_ok(holm_remove_at(*state, K, holm_path_of(NULL, 0)));
    assert_false(holm_exists(*state, K));
}

static void test_siblings_at_gives_the_registers_of_the_very_path(void **state)
{
    struct holm_view *view;

    write_all(*state, HOLM_PATH("a", "b"), 1);
    write_all(*state, HOLM_PATH("a", "b", "c"), 2);
    assert_ok(holm_siblings_at(*state, K, HOLM_PATH("a", "b"), &view));
    assert_int_equal(holm_view_count(view), 1);
    assert_int_equal(holm_view_entry(view, 0)->value.as.i64, 1);
    assert_int_equal(holm_view_entry(view, 0)->path.count, 2);
    holm_view_free(view);
    assert_ok(holm_read_field_at(*state, K, HOLM_PATH("a", "b"), &view));
    assert_int_equal(holm_view_count(view), 6);
    /* An entry's path is good for the next call. */
    assert_ok(holm_remove_at(*state, K, holm_view_entry(view, 5)->path));
    holm_view_free(view);
    assert_int_equal(entries_at(*state, HOLM_PATH("a")), 0);
}

/* T29 */
static void test_write_at_when_the_path_cannot_be_then_it_is_refused(void **state)
{
    char bytes[256] = {0};
    struct holm_bytes longest = holm_mem(bytes, 255);
    struct holm_bytes names[5] = {longest, longest, longest, longest, longest};
    struct holm_bytes missing = {NULL, 3};
    struct holm_view *view;
    struct holm_value value;

    write_all(*state, holm_path_of(names, 4), 1);
    assert_all(*state, holm_path_of(names, 4), 1);
    write_all(*state, HOLM_PATH("\xff\xc0", "\x80"), 2);
    assert_all(*state, HOLM_PATH("\xff\xc0", "\x80"), 2);

    assert_status(holm_enable_at(*state, K, holm_path_of(names, 5)), HOLM_ETOOBIG);
    names[0] = holm_mem(bytes, 256);
    assert_status(holm_enable_at(*state, K, holm_path_of(names, 1)), HOLM_ETOOBIG);
    assert_status(holm_remove_at(*state, K, HOLM_PATH("a", "", "b")), HOLM_EINVAL);
    assert_status(holm_enable_at(*state, K, HOLM_PATH("")), HOLM_EINVAL);
    assert_status(holm_enable_at(*state, K, holm_path_of(NULL, 1)), HOLM_EINVAL);
    assert_status(holm_enable_at(*state, K, holm_path_of(&missing, 1)), HOLM_EINVAL);

    assert_status(holm_get_at(*state, K, holm_path_of(names, 1), NULL, 0, &value, NULL),
                  HOLM_ENOENT);
    assert_status(holm_read_at(*state, K, HOLM_PATH("a", ""), &view), HOLM_ENOENT);
    assert_status(holm_read_field(*state, K, missing, &view), HOLM_ENOENT);
    assert_false(holm_enabled_at(*state, K, holm_path_of(&missing, 1)));
    assert_false(holm_contains_at(*state, K, holm_path_of(NULL, 1), K));
    assert_null(view);
}

#define MANY 100000

/* T29's rule on sizes apart: one record with a large set, whose other fields stay quick to read. */
static void test_elements_when_there_are_many_then_they_are_read_in_parts(void **state)
{
    struct holm_path path = HOLM_PATH("friends", "met");
    struct holm_view *next, *view = NULL;
    struct holm_bytes last, *after = NULL;
    struct holm_op ops[1000];
    char names[1000][16];
    size_t met = 0;

    for (size_t first = 0; first < MANY; first += 1000) {
        for (size_t i = 0; i < 1000; i++) {
            snprintf(names[i], sizeof names[i], "hero:%06zu", first + i);
            ops[i] = holm_op_insert_at(K, path, holm_str(names[i]));
        }
        assert_ok(holm_commit(*state, ops, 1000, NULL));
    }
    assert_ok(holm_put(*state, K, holm_str("name"), holm_i64(1)));
    while (holm_elements_at(*state, K, path, after, 999, &next) == HOLM_OK) {
        for (size_t i = 0; i < holm_view_count(next); i++, met++) {
            snprintf(names[0], sizeof names[0], "hero:%06zu", met);
            assert_bytes(holm_view_entry(next, i)->element, holm_str(names[0]));
        }
        holm_view_free(view);
        view = next;
        last = holm_view_entry(view, holm_view_count(view) - 1)->element;
        after = &last;
    }
    holm_view_free(view);
    assert_int_equal(met, MANY);

    /* From anywhere, also from what is not there; and no further than what is asked for. */
    last = holm_str("hero:099997x");
    assert_ok(holm_elements_at(*state, K, path, &last, 1, &view));
    assert_int_equal(holm_view_count(view), 1);
    assert_bytes(holm_view_entry(view, 0)->element, holm_str("hero:099998"));
    holm_view_free(view);
    assert_ok(holm_elements_at(*state, K, path, &last, SIZE_MAX, &view));
    assert_int_equal(holm_view_count(view), 2);
    holm_view_free(view);
    assert_status(holm_elements_at(*state, K, path, NULL, 0, &view), HOLM_EINVAL);
    assert_null(view);
    last = holm_mem(NULL, 4);
    assert_status(holm_elements_at(*state, K, path, &last, 1, &view), HOLM_EINVAL);
    assert_status(holm_elements(*state, K, holm_str("friends"), NULL, 1, &view), HOLM_ENOENT);
    assert_null(view);
}

/* What crosses to another node is the same tree. */
static void test_write_at_when_another_node_reads_then_the_paths_are_the_same(void **state)
{
    struct api_pair *pair = *state;

    write_all(pair->lisbon, HOLM_PATH("a", "b"), 1);
    write_all(pair->lisbon, HOLM_PATH("a", "b", "c"), 2);
    write_all(pair->lisbon, HOLM_PATH("a"), 3);
    assert_ok(holm_wait_seen(pair->lisbon, NULL, 1, API_WAIT_MS));
    assert_all(pair->oslo, HOLM_PATH("a", "b"), 1);
    assert_all(pair->oslo, HOLM_PATH("a", "b", "c"), 2);
    assert_all(pair->oslo, HOLM_PATH("a"), 3);
    assert_ok(holm_remove_at(pair->oslo, K, HOLM_PATH("a", "b")));
    assert_ok(holm_wait_seen(pair->oslo, NULL, 1, API_WAIT_MS));
    assert_int_equal(entries_at(pair->lisbon, HOLM_PATH("a", "b")), 0);
    assert_all(pair->lisbon, HOLM_PATH("a"), 3);
}

#define ALONE(test) cmocka_unit_test_setup_teardown(test, api_open_alone, api_close_alone)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ALONE(test_write_at_when_paths_differ_then_slots_do_not_meet),
        ALONE(test_path_of_one_name_is_the_field_of_that_name),
        ALONE(test_erase_at_and_its_like_undo_what_their_path_has),
        ALONE(test_remove_at_takes_what_is_below_and_nothing_beside),
        ALONE(test_siblings_at_gives_the_registers_of_the_very_path),
        ALONE(test_write_at_when_the_path_cannot_be_then_it_is_refused),
        ALONE(test_elements_when_there_are_many_then_they_are_read_in_parts),
        cmocka_unit_test_setup_teardown(
            test_write_at_when_another_node_reads_then_the_paths_are_the_same, api_open_pair,
            api_close_pair),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

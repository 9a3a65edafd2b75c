/* SPDX-License-Identifier: Apache-2.0 */
#include "node/view.h"

#include <stdio.h>

#include "bare.h"

#define K holm_str("k")

static struct holm_view *copy(const struct holm_replica *replica)
{
    struct holm_view_choice everything = {0};
    struct holm_view *view;

    assert_int_equal(holm_view_copy(replica, K, everything, &view), HOLM_OK);
    return view;
}

static void assert_text(const struct holm_view *view, size_t index, const char *expected)
{
    const struct holm_entry *entry = holm_view_entry(view, index);

    assert_non_null(entry);
    assert_int_equal(entry->value.as.bytes.size, strlen(expected));
    assert_memory_equal(entry->value.as.bytes.data, expected, strlen(expected));
}

static void test_view_when_nothing_is_there_then_there_is_none(void **state)
{
    struct holm_view_choice everything = {0};
    struct holm_replica *replica = bare_open(1);
    struct holm_view *view = (struct holm_view *)replica;

    bare_write(replica, holm_op_put(holm_str("other"), holm_str("f"), holm_i64(1)));
    assert_int_equal(holm_view_copy(replica, K, everything, &view), HOLM_ENOENT);
    assert_null(view);
    assert_int_equal(holm_view_copy(replica, holm_str(""), everything, &view), HOLM_ENOENT);
    assert_int_equal(holm_view_count(NULL), 0);
    assert_null(holm_view_entry(NULL, 0));
    assert_int_equal(holm_view_key(NULL).size, 0);
    holm_replica_free(replica);
}

/* Three concurrent puts of equal, smaller and larger clocks: best first, as the replica reads. */
static void test_view_when_writes_are_concurrent_then_siblings_are_best_first(void **state)
{
    struct holm_replica *a = bare_open(1), *b = bare_open(2), *c = bare_open(3);
    struct holm_cell_view winner;
    struct holm_view *view;

    bare_write_at(a, holm_op_put(K, holm_str("f"), holm_text("late")), 2000);
    bare_write_at(b, holm_op_put(K, holm_str("f"), holm_text("tie, lower actor")), 1000);
    bare_write_at(c, holm_op_put(K, holm_str("f"), holm_text("tie")), 1000);
    bare_write(c, holm_op_put(K, holm_str("long name"), holm_text("behind")));
    bare_write(c, holm_op_put(K, holm_str("z"), holm_text("last")));
    bare_join(b, a);
    bare_join(b, c);
    view = copy(b);
    assert_int_equal(holm_view_count(view), 5);
    assert_text(view, 0, "late");
    assert_text(view, 1, "tie");
    assert_text(view, 2, "tie, lower actor");
    assert_text(view, 3, "behind");
    assert_text(view, 4, "last");
    assert_int_equal(holm_replica_get(b, K, holm_str("f"), HOLM_REGISTER, &winner), HOLM_OK);
    assert_int_equal(holm_view_entry(view, 0)->dot.actor.node.value, winner.dot.actor.node.value);
    assert_int_equal(holm_view_entry(view, 2)->dot.actor.node.value, 2);
    holm_view_free(view);
    holm_replica_free(a);
    holm_replica_free(b);
    holm_replica_free(c);
}

static void test_view_when_several_actors_wrote_one_slot_then_it_is_one_entry(void **state)
{
    struct holm_replica *a = bare_open(1), *b = bare_open(2);
    struct holm_view *view;

    bare_write(a, holm_op_add(K, holm_str("c"), 40));
    bare_write(b, holm_op_add(K, holm_str("c"), 2));
    bare_write(a, holm_op_insert(K, holm_str("s"), holm_str("e")));
    bare_write(b, holm_op_insert(K, holm_str("s"), holm_str("e")));
    bare_write(b, holm_op_insert(K, holm_str("s"), holm_str("ee")));
    bare_write(a, holm_op_enable(K, holm_str("f")));
    bare_write(b, holm_op_enable(K, holm_str("f")));
    bare_write(a, holm_op_raise(K, holm_str("m"), holm_i64(7)));
    bare_write(b, holm_op_raise(K, holm_str("m"), holm_i64(9)));
    bare_write(a, holm_op_lower(K, holm_str("m"), holm_i64(7)));
    bare_write(b, holm_op_lower(K, holm_str("m"), holm_i64(9)));
    bare_join(a, b);
    view = copy(a);
    assert_int_equal(holm_view_count(view), 6);
    assert_int_equal(holm_view_entry(view, 0)->value.as.i64, 42);
    assert_int_equal(holm_view_entry(view, 1)->kind, HOLM_FLAG);
    assert_true(holm_view_entry(view, 1)->value.as.boolean);
    assert_int_equal(holm_view_entry(view, 2)->kind, HOLM_MAX);
    assert_int_equal(holm_view_entry(view, 2)->value.as.i64, 9);
    assert_int_equal(holm_view_entry(view, 3)->kind, HOLM_MIN);
    assert_int_equal(holm_view_entry(view, 3)->value.as.i64, 7);
    assert_int_equal(holm_view_entry(view, 4)->element.size, 1);
    assert_int_equal(holm_view_entry(view, 5)->element.size, 2);
    holm_view_free(view);
    holm_replica_free(a);
    holm_replica_free(b);
}

/* The sum of the shares is wider than 64 bits: it is saturated once, at the end. */
static void test_view_when_a_counter_passes_64_bits_then_it_is_saturated_as_the_replica_does(
    void **state)
{
    struct holm_replica *a = bare_open(1), *b = bare_open(2), *c = bare_open(3);
    struct holm_view *view;
    int64_t sum;

    bare_write(a, holm_op_add(K, holm_str("c"), INT64_MAX));
    bare_write(b, holm_op_add(K, holm_str("c"), INT64_MAX));
    bare_write(c, holm_op_add(K, holm_str("c"), INT64_MIN));
    bare_join(a, b);
    view = copy(a);
    assert_true(holm_view_entry(view, 0)->value.as.i64 == INT64_MAX);
    holm_view_free(view);
    bare_join(a, c);
    view = copy(a);
    assert_int_equal(holm_replica_count(a, K, holm_str("c"), &sum), HOLM_OK);
    assert_true(sum == INT64_MAX - 1);
    assert_int_equal(holm_view_count(view), 1);
    assert_true(holm_view_entry(view, 0)->value.as.i64 == sum);
    holm_view_free(view);
    holm_replica_free(a);
    holm_replica_free(b);
    holm_replica_free(c);
}

static void test_view_when_field_and_kind_are_chosen_then_only_they_are_copied(void **state)
{
    struct holm_replica *replica = bare_open(1);
    struct holm_bytes field = holm_str("f");
    struct holm_view_choice choice = {.path = HOLM_PATH("f"), .own = true};
    struct holm_view *view;

    bare_write(replica, holm_op_put(K, field, holm_text("x")));
    bare_write(replica, holm_op_add(K, field, 1));
    bare_write(replica, holm_op_put(K, holm_str("ff"), holm_text("y")));
    assert_int_equal(holm_view_copy(replica, K, choice, &view), HOLM_OK);
    assert_int_equal(holm_view_count(view), 2);
    holm_view_free(view);
    choice.kind = HOLM_COUNTER;
    assert_int_equal(holm_view_copy(replica, K, choice, &view), HOLM_OK);
    assert_int_equal(holm_view_count(view), 1);
    assert_int_equal(holm_view_entry(view, 0)->kind, HOLM_COUNTER);
    holm_view_free(view);
    choice.path.count = 0;
    assert_int_equal(holm_view_copy(replica, K, choice, &view), HOLM_ENOENT);
    choice.own = false;
    choice.kind = HOLM_REGISTER;
    assert_int_equal(holm_view_copy(replica, K, choice, &view), HOLM_OK);
    assert_int_equal(holm_view_count(view), 2);
    holm_view_free(view);
    holm_replica_free(replica);
}

static void write_below(struct holm_replica *replica, struct holm_path parents, const char *field)
{
    struct holm_op op = holm_op_put(K, holm_str(field), holm_text(field));

    op.parents = parents;
    bare_write(replica, op);
}

static void assert_path(const struct holm_view *view, size_t index, struct holm_path expected)
{
    const struct holm_entry *entry = holm_view_entry(view, index);

    assert_non_null(entry);
    assert_int_equal(entry->path.count, expected.count);
    for (size_t i = 0; i < expected.count; i++)
        assert_true(holm_bytes_equal(entry->path.names[i], expected.names[i]));
    if (expected.count > 0)
        assert_true(holm_bytes_equal(entry->field, expected.names[expected.count - 1]));
    else
        assert_int_equal(entry->field.size, 0);
}

static void test_view_when_fields_lie_in_fields_then_paths_are_whole_and_sorted(void **state)
{
    struct holm_replica *replica = bare_open(1);
    struct holm_path none = {NULL, 0};
    struct holm_view *view;

    write_below(replica, HOLM_PATH("home", "address"), "street");
    write_below(replica, HOLM_PATH("home"), "address");
    write_below(replica, HOLM_PATH("homes"), "a");
    write_below(replica, none, "home");
    write_below(replica, none, "");
    write_below(replica, HOLM_PATH("a much longer name"), "z");
    view = copy(replica);
    assert_int_equal(holm_view_count(view), 6);
    assert_path(view, 0, none);
    assert_path(view, 1, HOLM_PATH("a much longer name", "z"));
    assert_path(view, 2, HOLM_PATH("home"));
    assert_path(view, 3, HOLM_PATH("home", "address"));
    assert_path(view, 4, HOLM_PATH("home", "address", "street"));
    assert_path(view, 5, HOLM_PATH("homes", "a"));
    assert_text(view, 4, "street");
    holm_view_free(view);
    holm_replica_free(replica);
}

static void test_view_of_a_path_is_what_is_at_and_below_it_or_only_its_own(void **state)
{
    struct holm_replica *replica = bare_open(1);
    struct holm_view_choice choice = {.path = HOLM_PATH("home")};
    struct holm_view *view;

    write_below(replica, HOLM_PATH("home", "address"), "street");
    write_below(replica, HOLM_PATH("home"), "address");
    write_below(replica, HOLM_PATH("homes"), "a");
    bare_write(replica, holm_op_add(K, holm_str("home"), 3));
    bare_write(replica, holm_op_enable(K, holm_str("")));
    assert_int_equal(holm_view_copy(replica, K, choice, &view), HOLM_OK);
    assert_int_equal(holm_view_count(view), 3);
    assert_path(view, 0, HOLM_PATH("home"));
    assert_path(view, 2, HOLM_PATH("home", "address", "street"));
    holm_view_free(view);
    choice.own = true;
    assert_int_equal(holm_view_copy(replica, K, choice, &view), HOLM_OK);
    assert_int_equal(holm_view_count(view), 1);
    assert_int_equal(holm_view_entry(view, 0)->value.as.i64, 3);
    holm_view_free(view);
    choice.kind = HOLM_REGISTER;
    assert_int_equal(holm_view_copy(replica, K, choice, &view), HOLM_ENOENT);
    choice.path = HOLM_PATH("home", "");
    assert_int_equal(holm_view_copy(replica, K, choice, &view), HOLM_ENOENT);
    holm_replica_free(replica);
}

static void insert_number(struct holm_replica *replica, unsigned number)
{
    char element[16];

    snprintf(element, sizeof element, "%04u", number);
    bare_write(replica, holm_op_insert(K, holm_str("s"), holm_str(element)));
}

/* From one view to the next by its last element, which may be gone by then. */
static void test_view_of_elements_when_limited_then_the_next_goes_on_behind_the_last(void **state)
{
    struct holm_replica *a = bare_open(1), *b = bare_open(2);
    struct holm_view_choice choice = {.path = HOLM_PATH("s"), .limit = 7};
    struct holm_view *view;
    struct holm_bytes after;
    char last[16], expected[16];
    unsigned next = 0;

    for (unsigned number = 0; number < 100; number++) {
        insert_number(number % 3 == 0 ? a : b, number * 37 % 100);
        insert_number(a, 50);
    }
    bare_write(a, holm_op_put(K, holm_str("s"), holm_text("a register beside the set")));
    bare_join(a, b);
    while (holm_view_copy(a, K, choice, &view) == HOLM_OK) {
        assert_int_equal(holm_view_count(view), next + 7 <= 100 ? 7 : 100 - next);
        for (size_t i = 0; i < holm_view_count(view); i++) {
            snprintf(expected, sizeof expected, "%04u", next++);
            assert_int_equal(holm_view_entry(view, i)->kind, HOLM_SET);
            assert_int_equal(holm_view_entry(view, i)->element.size, 4);
            assert_memory_equal(holm_view_entry(view, i)->element.data, expected, 4);
        }
        memcpy(last, expected, sizeof last);
        after = holm_str(last);
        choice.after = &after;
        holm_view_free(view);
        bare_write(a, holm_op_erase(K, holm_str("s"), after));
    }
    assert_int_equal(next, 100);
    holm_replica_free(a);
    holm_replica_free(b);
}

/* Sets of hundreds of elements before, at, below and behind: a record of many blocks. */
static void test_view_of_a_path_in_a_large_record_has_all_of_it_and_nothing_else(void **state)
{
    const struct holm_path paths[] = {HOLM_PATH("a"), HOLM_PATH("p"), HOLM_PATH("p", "f"),
                                      HOLM_PATH("p", "g", "h"), HOLM_PATH("q")};
    const size_t expected[] = {400, 3 * 400, 400, 400, 400};
    struct holm_replica *replica = bare_open(1);
    struct holm_view_choice choice = {.own = false};
    struct holm_view *view;

    for (unsigned number = 0; number < 400; number++) {
        for (size_t i = 0; i < 5; i++) {
            char element[16];
            struct holm_op op;

            snprintf(element, sizeof element, "%04u", number * 37 % 400);
            op = holm_op_insert(K, holm_str(""), holm_str(element));
            op.parents = paths[i];
            bare_write(replica, op);
        }
    }
    for (size_t i = 0; i < 5; i++) {
        choice.path = paths[i];
        assert_int_equal(holm_view_copy(replica, K, choice, &view), HOLM_OK);
        assert_int_equal(holm_view_count(view), expected[i]);
        assert_path(view, 0, paths[i]);
        holm_view_free(view);
    }
    choice.path = HOLM_PATH("o");
    assert_int_equal(holm_view_copy(replica, K, choice, &view), HOLM_ENOENT);
    choice.path = HOLM_PATH("z");
    assert_int_equal(holm_view_copy(replica, K, choice, &view), HOLM_ENOENT);

    bare_write(replica, holm_op_remove(K, holm_str("p")));
    choice.path = HOLM_PATH("p");
    assert_int_equal(holm_view_copy(replica, K, choice, &view), HOLM_ENOENT);
    view = copy(replica);
    assert_int_equal(holm_view_count(view), 800);
    holm_view_free(view);
    holm_replica_check(replica);
    holm_replica_free(replica);
}

/* Many fields of every length, so that the order of their paths is not that of their bytes. */
static void test_view_when_there_are_many_fields_then_they_are_sorted_by_bytes(void **state)
{
    static const char letters[] = "cabcabcabcabcabcabcabcabcabcabcab";
    struct holm_replica *replica = bare_open(1);
    struct holm_view *view;

    for (size_t size = 1; size <= 30; size++)
        for (size_t from = 0; from < 3; from++)
            bare_write(replica, holm_op_put(K, holm_mem(letters + from, size), holm_i64(1)));
    view = copy(replica);
    assert_int_equal(holm_view_count(view), 90);
    for (size_t i = 1; i < 90; i++)
        assert_true(holm_bytes_compare(holm_view_entry(view, i - 1)->field,
                                       holm_view_entry(view, i)->field) < 0);
    holm_view_free(view);
    holm_replica_free(replica);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_view_when_nothing_is_there_then_there_is_none),
        cmocka_unit_test(test_view_when_writes_are_concurrent_then_siblings_are_best_first),
        cmocka_unit_test(test_view_when_several_actors_wrote_one_slot_then_it_is_one_entry),
        cmocka_unit_test(
            test_view_when_a_counter_passes_64_bits_then_it_is_saturated_as_the_replica_does),
        cmocka_unit_test(test_view_when_field_and_kind_are_chosen_then_only_they_are_copied),
        cmocka_unit_test(test_view_when_fields_lie_in_fields_then_paths_are_whole_and_sorted),
        cmocka_unit_test(test_view_of_a_path_is_what_is_at_and_below_it_or_only_its_own),
        cmocka_unit_test(test_view_of_elements_when_limited_then_the_next_goes_on_behind_the_last),
        cmocka_unit_test(test_view_of_a_path_in_a_large_record_has_all_of_it_and_nothing_else),
        cmocka_unit_test(test_view_when_there_are_many_fields_then_they_are_sorted_by_bytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

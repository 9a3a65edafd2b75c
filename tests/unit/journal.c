/* SPDX-License-Identifier: Apache-2.0 */
#include "crdt/journal.h"

#include "tests/unit/core.h"

#define BYTES_MAX 65536u

struct fixture {
    struct heap heap;
    struct holm_allocator allocator;
    struct holm_journal journal;
};

static void open(struct fixture *f)
{
    memset(f, 0, sizeof *f);
    f->allocator = heap_allocator(&f->heap);
    holm_journal_init(&f->journal, &f->allocator, BYTES_MAX);
}

static void close(struct fixture *f)
{
    holm_journal_check(&f->journal);
    holm_journal_release(&f->journal);
    assert_int_equal(f->heap.blocks, 0);
}

static struct holm_bytes key(void)
{
    return holm_str("k");
}

static void add(struct fixture *f, struct holm_op op)
{
    assert_int_equal(holm_journal_add(&f->journal, &op, 1), HOLM_OK);
    holm_journal_check(&f->journal);
}

static struct holm_journal_view look(struct fixture *f, const char *field, enum holm_kind kind,
                                     const char *element)
{
    struct holm_journal_view view;
    struct holm_packed_path packed;
    struct holm_path none = {NULL, 0};
    assert_int_equal(holm_path_pack(&packed, none, holm_str(field)), HOLM_OK);
    holm_journal_look(&f->journal, key(), holm_path_bytes(&packed), kind, holm_str(element), &view);
    return view;
}

/* T38: seen at home, before anything has a dot. */
static void test_journal_when_operations_wait_then_they_are_seen_as_they_will_be(void **state)
{
    (void)state;
    struct fixture f;
    open(&f);
    assert_false(look(&f, "name", HOLM_REGISTER, "").written);
    add(&f, holm_op_put(key(), holm_str("name"), holm_text("Ada")));
    add(&f, holm_op_put(key(), holm_str("name"), holm_text("Eva")));
    struct holm_journal_view view = look(&f, "name", HOLM_REGISTER, "");
    assert_true(view.written && view.hidden);
    assert_bytes(view.value.as.bytes, "Eva");
    add(&f, holm_op_add(key(), holm_str("n"), 5));
    add(&f, holm_op_add(key(), holm_str("n"), -2));
    assert_int_equal(look(&f, "n", HOLM_COUNTER, "").added, 3);
    assert_false(look(&f, "n", HOLM_COUNTER, "").hidden);
    add(&f, holm_op_reset(key(), holm_str("n")));
    add(&f, holm_op_add(key(), holm_str("n"), 7));
    assert_int_equal(look(&f, "n", HOLM_COUNTER, "").added, 7);
    assert_true(look(&f, "n", HOLM_COUNTER, "").hidden);
    add(&f, holm_op_insert(key(), holm_str("s"), holm_str("x")));
    add(&f, holm_op_erase(key(), holm_str("s"), holm_str("y")));
    assert_true(look(&f, "s", HOLM_SET, "x").written);
    assert_false(look(&f, "s", HOLM_SET, "x").hidden);
    assert_true(look(&f, "s", HOLM_SET, "y").hidden);
    assert_false(look(&f, "s", HOLM_SET, "z").hidden || look(&f, "s", HOLM_SET, "z").written);
    add(&f, holm_op_enable(key(), holm_str("f")));
    assert_true(look(&f, "f", HOLM_FLAG, "").written);
    add(&f, holm_op_disable(key(), holm_str("f")));
    assert_true(!look(&f, "f", HOLM_FLAG, "").written && look(&f, "f", HOLM_FLAG, "").hidden);
    close(&f);
}

static void test_journal_when_raised_or_lowered_then_the_largest_or_smallest_is_seen(void **state)
{
    (void)state;
    struct fixture f;
    open(&f);
    const int64_t values[] = {4, 9, 6, 2, 5};
    for (size_t i = 0; i < 5; i++) {
        add(&f, holm_op_raise(key(), holm_str("m"), holm_i64(values[i])));
        add(&f, holm_op_lower(key(), holm_str("m"), holm_i64(values[i])));
    }
    assert_int_equal(look(&f, "m", HOLM_MAX, "").value.as.i64, 9);
    assert_int_equal(look(&f, "m", HOLM_MIN, "").value.as.i64, 2);
    assert_false(look(&f, "m", HOLM_MAX, "").hidden);
    close(&f);
}

static void test_journal_when_removed_or_buried_then_what_is_below_is_hidden(void **state)
{
    (void)state;
    struct fixture f;
    open(&f);
    struct holm_bytes names[] = {holm_str("home")};
    struct holm_op street = holm_op_put(key(), holm_str("street"), holm_text("Elm"));
    street.parents = holm_path_of(names, 1);
    struct holm_packed_path packed;
    assert_int_equal(holm_path_pack(&packed, street.parents, street.field), HOLM_OK);
    struct holm_journal_view view;
    add(&f, street);
    holm_journal_look(&f.journal, key(), holm_path_bytes(&packed), HOLM_REGISTER, holm_str(""),
                      &view);
    assert_true(view.written);
    add(&f, holm_op_remove(key(), holm_str("home")));
    holm_journal_look(&f.journal, key(), holm_path_bytes(&packed), HOLM_REGISTER, holm_str(""),
                      &view);
    assert_true(view.hidden && !view.written);
    assert_false(look(&f, "name", HOLM_REGISTER, "").hidden);
    add(&f, holm_op_bury(key()));
    assert_true(look(&f, "name", HOLM_REGISTER, "").buried);
    struct holm_op op = holm_op_add(key(), holm_str("n"), 1);
    assert_int_equal(holm_journal_add(&f.journal, &op, 1), HOLM_EBURIED);
    op.key = holm_str("l");
    assert_int_equal(holm_journal_add(&f.journal, &op, 1), HOLM_OK);
    struct holm_op batch[] = {holm_op_bury(holm_str("m")),
                              holm_op_add(holm_str("m"), holm_str("n"), 1)};
    assert_int_equal(holm_journal_add(&f.journal, batch, 2), HOLM_EBURIED);
    assert_int_equal(f.journal.op_count, 4);
    close(&f);
}

static void test_journal_when_it_overflows_or_is_full_then_it_refuses(void **state)
{
    (void)state;
    struct fixture f;
    open(&f);
    static char large[BYTES_MAX];
    add(&f, holm_op_add(key(), holm_str("n"), INT64_MAX));
    struct holm_op op = holm_op_add(key(), holm_str("n"), 1);
    assert_int_equal(holm_journal_add(&f.journal, &op, 1), HOLM_EOVERFLOW);
    add(&f, holm_op_add(key(), holm_str("n"), INT64_MIN));
    op = holm_op_put(key(), holm_str("name"), holm_bytes_value(large, sizeof large));
    assert_int_equal(holm_journal_add(&f.journal, &op, 1), HOLM_ELIMIT);
    op = holm_op_add(key(), holm_str("n"), INT64_MIN);
    assert_int_equal(holm_journal_add(&f.journal, &op, 1), HOLM_EOVERFLOW);
    assert_int_equal(f.journal.op_count, 2);
    close(&f);
}

static void test_journal_when_what_was_just_added_goes_then_its_room_is_free(void **state)
{
    (void)state;
    struct fixture f;
    static char large[BYTES_MAX / 2];
    struct holm_op op = holm_op_put(key(), holm_str("name"), holm_bytes_value(large, sizeof large));
    open(&f);
    add(&f, holm_op_add(key(), holm_str("n"), 5));
    for (int i = 0; i < 10; i++) {
        assert_int_equal(holm_journal_add(&f.journal, &op, 1), HOLM_OK);
        holm_journal_drop_last(&f.journal);
        holm_journal_check(&f.journal);
    }
    assert_int_equal(f.journal.op_count, 1);
    assert_int_equal(look(&f, "n", HOLM_COUNTER, "").added, 5);
    assert_false(look(&f, "name", HOLM_REGISTER, "").written);
    close(&f);
}

static void test_journal_when_minted_then_batches_come_whole_and_in_order(void **state)
{
    (void)state;
    struct fixture f;
    size_t count;
    open(&f);
    char text[] = "Ada";
    struct holm_op batch[] = {holm_op_put(key(), holm_str("name"), holm_text(text)),
                              holm_op_add(key(), holm_str("n"), 5)};
    assert_int_equal(holm_journal_add(&f.journal, batch, 2), HOLM_OK);
    text[0] = 'X'; /* it was copied */
    add(&f, holm_op_reset(key(), holm_str("n")));
    assert_int_equal(holm_journal_count(&f.journal), 2);
    const struct holm_journal_op *ops = holm_journal_first(&f.journal, &count);
    assert_int_equal(count, 2);
    assert_bytes(ops[0].op.as.value.as.bytes, "Ada");
    assert_int_equal(ops[1].op.as.amount, 5);
    holm_journal_drop_first(&f.journal);
    holm_journal_check(&f.journal);
    assert_false(look(&f, "name", HOLM_REGISTER, "").written);
    ops = holm_journal_first(&f.journal, &count);
    assert_int_equal(count, 1);
    assert_int_equal(ops[0].op.type, HOLM_OP_RESET);
    holm_journal_drop_first(&f.journal);
    assert_int_equal(holm_journal_count(&f.journal), 0);
    assert_int_equal(f.heap.blocks, 0);
    add(&f, holm_op_enable(key(), holm_str("f")));
    close(&f);
}

static void test_journal_when_any_allocation_fails_then_nothing_was_added(void **state)
{
    (void)state;
    struct fixture f;
    open(&f);
    struct holm_bytes names[] = {holm_str("home"), holm_str("door")};
    struct holm_op batch[] = {holm_op_put(key(), holm_str("name"), holm_text("Ada")),
                              holm_op_insert(key(), holm_str("s"), holm_str("x"))};
    batch[0].parents = holm_path_of(names, 2);
    enum holm_status status = HOLM_ENOMEM;
    uint64_t refused = 0;
    for (uint64_t fail_at = 1; status == HOLM_ENOMEM; fail_at++) {
        holm_journal_release(&f.journal);
        holm_journal_init(&f.journal, &f.allocator, BYTES_MAX);
        f.heap.calls = 0;
        f.heap.fail_at = fail_at;
        f.heap.fail_once = true;
        status = holm_journal_add(&f.journal, batch, 2);
        holm_journal_check(&f.journal);
        refused += status == HOLM_ENOMEM ? 1 : 0;
        assert_int_equal(f.journal.op_count, status == HOLM_OK ? 2 : 0);
    }
    assert_int_equal(status, HOLM_OK);
    assert_true(refused >= 3);
    close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_journal_when_operations_wait_then_they_are_seen_as_they_will_be),
        cmocka_unit_test(test_journal_when_raised_or_lowered_then_the_largest_or_smallest_is_seen),
        cmocka_unit_test(test_journal_when_removed_or_buried_then_what_is_below_is_hidden),
        cmocka_unit_test(test_journal_when_it_overflows_or_is_full_then_it_refuses),
        cmocka_unit_test(test_journal_when_what_was_just_added_goes_then_its_room_is_free),
        cmocka_unit_test(test_journal_when_minted_then_batches_come_whole_and_in_order),
        cmocka_unit_test(test_journal_when_any_allocation_fails_then_nothing_was_added),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Transactions of a state: any step, any refusal, and all is as it was. */
#include "tests/unit/state.h"

bool state_ordered;

/* One transaction that uses every primitive, on what is there and what is new. */
static enum holm_status change(struct fixture *f, int steps)
{
    struct holm_spot spot;
    struct holm_cell cell;
    int at = 0;
    if (at++ < steps)
        TRY(put(f, "new", HOLM_REGISTER, "", 3, 1, holm_text("x")));
    if (at++ < steps)
        TRY(put(f, "set", HOLM_SET, "c", 3, 2, holm_value_of(HOLM_NONE)));
    if (at++ < steps)
        TRY(put(f, "set", HOLM_FLAG, "", 3, 3, holm_value_of(HOLM_NONE)));
    if (at++ < steps)
        TRY(drop(f, "siblings", HOLM_REGISTER, "", 1));
    if (at++ < steps)
        TRY(put(f, "siblings", HOLM_REGISTER, "", 3, 4, holm_bool(true)));
    if (at++ < steps)
        TRY(drop(f, "set", HOLM_SET, "a", 0));
    if (at++ < steps)
        TRY(drop(f, "set", HOLM_SET, "c", 0));
    if (at++ < steps)
        TRY(count(f, "counter", 2, (struct holm_count){1, 4, 9, 4, 9}));
    if (at++ < steps)
        TRY(count(f, "counter", 0, (struct holm_count){2, 2, -1, 0, 0}));
    if (at++ < steps)
        TRY(count(f, "counter", 0, (struct holm_count){2, 3, -2, 0, 0}));
    if (at++ < steps) {
        assert_true(entry_of(f, "counter", 1, &spot, &cell));
        TRY(holm_spot_erase(&f->state, &spot));
    }
    if (at++ < steps)
        TRY(bury(f, "dead", 2, 1));
    if (at++ < steps)
        TRY(bury(f, "dead", 1, 8));
    if (at++ < steps)
        TRY(bury(f, "siblings", 1, 9));
    if (at++ < steps)
        TRY(bury(f, "counter", 1, 10));
    if (at++ < steps)
        TRY(bury(f, "never", 1, 11));
    if (at++ < steps)
        TRY(put(f, "wide", HOLM_SET, "m", 3, 12, holm_value_of(HOLM_NONE)));
    if (at++ < steps)
        TRY(drop(f, "wide", HOLM_SET, "e07", 0));
    if (at++ < steps)
        TRY(bury(f, "wide", 1, 13));
    return HOLM_OK;
}

#define STEPS 19

/* The order in which siblings are read, as letters of their actors. */
static void read_siblings(struct fixture *f, char *letters)
{
    struct holm_spot spot;
    struct holm_cell cell;
    assert_true(seek(f, "siblings", HOLM_REGISTER, "", &spot));
    for (; holm_spot_cell(&f->state, &spot, &cell); holm_spot_next(&f->state, &spot))
        *letters++ = (char)('0' + cell.actor);
    *letters = 0;
}

static void test_state_when_rolled_back_after_any_step_then_all_is_as_it_was(void **state)
{
    for (int steps = 0; steps <= STEPS; steps++) {
        struct fixture f;
        char before[8];
        char after[8];
        open(&f);
        fill(&f);
        struct figures figures = figures_of(&f.state);
        read_siblings(&f, before);
        assert_string_equal(before, "012"); /* node 9 first: equal stamps, the larger actor wins */
        holm_state_begin(&f.state);
        assert_int_equal(change(&f, steps), HOLM_OK);
        holm_state_rollback(&f.state);
        holm_state_check(&f.state);
        assert_figures(&f.state, figures);
        read_siblings(&f, after);
        assert_string_equal(before, after);
        struct holm_spot spot;
        struct holm_cell cell;
        assert_true(entry_of(&f, "counter", 1, &spot, &cell));
        assert_int_equal(cell.count.cancelled, 4);
        assert_true(entry_of(&f, "counter", 2, &spot, &cell));
        assert_int_equal(cell.count.cancelled, 0);
        assert_false(has(&f, "new", HOLM_REGISTER, ""));
        assert_false(has(&f, "set", HOLM_FLAG, ""));
        assert_true(has(&f, "wide", HOLM_SET, "e07"));
        close(&f);
    }
}

static void sweep(bool fail_once)
{
    uint64_t fail_at = 0;
    enum holm_status status;
    do {
        struct fixture f;
        open(&f);
        fill(&f);
        struct figures figures = figures_of(&f.state);
        f.heap.calls = 0;
        f.heap.fail_at = ++fail_at;
        f.heap.fail_once = fail_once;
        holm_state_begin(&f.state);
        status = change(&f, STEPS);
        f.heap.fail_at = 0;
        holm_state_rollback(&f.state);
        holm_state_check(&f.state);
        assert_figures(&f.state, figures);
        close(&f);
    } while (status == HOLM_ENOMEM);
    assert_int_equal(status, HOLM_OK);
    assert_in_range(fail_at, 10, 100);
}

static void test_state_when_any_allocation_fails_then_a_roll_back_restores_all(void **state)
{
    sweep(true);
    sweep(false);
}

static void test_state_when_committed_then_what_became_empty_is_freed(void **state)
{
    struct fixture f;
    open(&f);
    fill(&f);
    holm_state_begin(&f.state);
    assert_int_equal(change(&f, STEPS), HOLM_OK);
    holm_state_commit(&f.state);
    holm_state_check(&f.state);
    assert_false(has(&f, "set", HOLM_SET, "a"));
    assert_false(has(&f, "set", HOLM_SET, "c"));
    assert_true(has(&f, "set", HOLM_SET, "b"));
    assert_false(has(&f, "siblings", HOLM_REGISTER, ""));
    assert_int_equal(f.state.tombstones, 6);
    assert_int_equal(f.state.present, 2);
    holm_state_begin(&f.state);
    assert_int_equal(drop(&f, "new", HOLM_REGISTER, "", 0), HOLM_OK);
    holm_state_commit(&f.state);
    struct holm_key key = key_of(&f, "new");
    struct holm_spot spot;
    assert_false(holm_state_find(&f.state, &key, &spot));
    close(&f);
}

/* Made, then found of no use: nothing stays. */
static void test_state_when_a_record_stays_empty_then_the_commit_takes_it_away(void **state)
{
    struct fixture f;
    struct holm_spot spot;
    uint32_t path;
    open(&f);
    struct figures figures = figures_of(&f.state);
    struct holm_key key = key_of(&f, "k");
    holm_state_begin(&f.state);
    assert_int_equal(holm_state_ensure(&f.state, &key, &spot), HOLM_OK);
    assert_int_equal(holm_state_path(&f.state, holm_str("\1f"), &path), HOLM_OK);
    holm_state_commit(&f.state);
    assert_figures(&f.state, figures);
    close(&f);
}

static int run_all(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_state_when_rolled_back_after_any_step_then_all_is_as_it_was),
        cmocka_unit_test(test_state_when_any_allocation_fails_then_a_roll_back_restores_all),
        cmocka_unit_test(test_state_when_committed_then_what_became_empty_is_freed),
        cmocka_unit_test(test_state_when_a_record_stays_empty_then_the_commit_takes_it_away),
    };
    print_message("%s\n", state_ordered ? "ordered" : "unordered");
    int failed = cmocka_run_group_tests_name("transaction", tests, NULL, NULL);
    failed += _cmocka_run_group_tests("record", state_record_tests, state_record_count, NULL, NULL);
    failed += _cmocka_run_group_tests("digest", state_digest_tests, state_digest_count, NULL, NULL);
    failed += _cmocka_run_group_tests("share", state_share_tests, state_share_count, NULL, NULL);
    return failed +
           _cmocka_run_group_tests("table", state_table_tests, state_table_count, NULL, NULL);
}

int main(void)
{
    int failed = run_all();

    state_ordered = true;
    return failed + run_all();
}

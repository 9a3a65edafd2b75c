/* SPDX-License-Identifier: Apache-2.0 */
/* Counters, registers, and values that are odd. */
#include "tests/unit/scenario.h"

#include <math.h>
#include <stdlib.h>

/* ---- T13 ------------------------------------------------------------------------------------ */

static void exchange(struct fixture *f, size_t a, size_t b, bool by_state)
{
    if (by_state) {
        fixture_merge(f, a, b);
        fixture_merge(f, b, a);
    } else {
        fixture_flush(f, a);
        fixture_flush(f, b);
        fixture_give_all(f, a, b);
        fixture_give_all(f, b, a);
    }
}

/* T13: a reset, or the removal of the record, beside +5. */
static void test_reset_beside_an_increment_cancels_what_it_had_seen(void **state)
{
    for (int way = 0; way < 4; way++) {
        struct fixture fixture, *f = &fixture;
        bool by_state = way % 2 == 1;
        fixture_init(f, 2, NULL);
        add(f, A, "k", "n", 100);
        add(f, B, "k", "n", 20);
        exchange(f, A, B, by_state);
        write_op(f, A, way < 2 ? HOLM_OP_RESET : HOLM_OP_REMOVE, "k", way < 2 ? "n" : "");
        add(f, B, "k", "n", 5);
        exchange(f, A, B, by_state);
        fixture_check_equal(f);
        assert_sum(f, A, "k", "n", 5);
        assert_sum(f, B, "k", "n", 5);
        fixture_release(f);
    }
}

/* T13: the dots that a removal has seen are told as one range, which an increment lies in: it is cancelled by its mark,
 * and not taken away, or a later increment would bring back what was cancelled. */
static void test_removal_around_an_increment_leaves_its_ghost(void **state)
{
    struct fixture fixture, *f = &fixture;
    fixture_init(f, 3, NULL);
    put(f, A, "k", "f", 1);
    add(f, A, "k", "", 10);
    put(f, A, "k", "g", 2);
    fixture_flush(f, A);
    fixture_give_all(f, A, B);
    fixture_give_all(f, A, C);
    write_op(f, B, HOLM_OP_REMOVE, "k", "");
    add(f, A, "k", "", 5);
    fixture_flush(f, A);
    fixture_flush(f, B);
    fixture_give_all(f, B, C);
    assert_absent(f, C, "k");
    fixture_give_all(f, A, C);
    assert_sum(f, C, "k", "", 5);
    fixture_give_all(f, A, B);
    fixture_give_all(f, B, A);
    fixture_check_equal(f);
    fixture_release(f);
}

/* Between two writes of one run another's arrives: the run has seen both of that actor's dots, and says so in one range. */
static void test_put_when_others_write_within_the_run_replaces_all_that_it_saw(void **state)
{
    struct fixture fixture, *f = &fixture;
    fixture_init(f, 3, NULL);
    put(f, A, "k", "f", 1);
    size_t first = flush(f, A);
    fixture_give(f, B, first);
    put(f, B, "other", "f", 0); /* after a pause it goes out at once, and what follows waits */
    (void)flush(f, B);
    put(f, B, "k", "f", 2);
    assert_true(holm_replica_pending(f->nodes[B].replica));
    put(f, A, "k", "f", 3);
    size_t second = flush(f, A);
    fixture_give(f, B, second);
    put(f, B, "k", "f", 4);
    (void)flush(f, B);
    fixture_give_all(f, A, C);
    fixture_give_all(f, B, C);
    fixture_check(f, C);
    assert_reads(f, C, "k", "f", 4);
    fixture_release(f);
}

/* T13: two resets at once, each with increments of its own around it. */
static void test_reset_beside_a_reset_cancels_once(void **state)
{
    for (int way = 0; way < 2; way++) {
        struct fixture fixture, *f = &fixture;
        bool by_state = way == 1;
        fixture_init(f, 2, NULL);
        add(f, A, "k", "n", 100);
        exchange(f, A, B, by_state);
        add(f, A, "k", "n", 1); /* B resets without it */
        write_op(f, B, HOLM_OP_RESET, "k", "n");
        add(f, B, "k", "n", 30);
        write_op(f, A, HOLM_OP_RESET, "k", "n");
        add(f, A, "k", "n", 7);
        exchange(f, A, B, by_state);
        fixture_check_equal(f);
        assert_sum(f, A, "k", "n", 37);
        fixture_release(f);
    }
}

/* T13: each increment and each reset under an epoch of its own. */
static void test_reset_across_epochs_cancels_exactly(void **state)
{
    struct fixture fixture, *f = &fixture;
    fixture_init(f, 3, NULL);
    for (uint64_t epoch = 2; epoch < 8; epoch++) {
        add(f, A, "k", "n", 10);
        exchange(f, A, B, false);
        fixture_epoch(f, A, epoch);
        add(f, A, "k", "n", 1);
        write_op(f, B, HOLM_OP_RESET, "k", "n");
        fixture_epoch(f, B, epoch);
        add(f, B, "k", "n", 100);
        fixture_merge(f, A, B);
        fixture_merge(f, B, A);
        fixture_check_all(f);
        assert_sum(f, A, "k", "n", 101);
        write_op(f, A, HOLM_OP_RESET, "k", "n");
        exchange(f, A, B, true);
    }
    fixture_merge(f, A, C);
    fixture_check_equal(f);
    fixture_release(f);
}

/* ---- T14 ------------------------------------------------------------------------------------ */

/* Outside of the reference, which never refuses. */
static enum holm_status try_add(struct fixture *f, size_t node, int64_t amount, int64_t *sum)
{
    struct holm_op op = op_of(HOLM_OP_ADD, "k", "n");
    op.as.amount = amount;
    struct holm_event event = {.type = HOLM_EVENT_COMMIT, .as.commit = {.ops = &op, .count = 1}};
    enum holm_status status = fixture_step(f, node, &event);
    assert_int_equal(holm_replica_count(f->nodes[node].replica, op.key, op.field, sum), HOLM_OK);
    holm_replica_check(f->nodes[node].replica);
    return status;
}

/* T14 */
static void test_add_when_the_own_sum_would_overflow_is_refused(void **state)
{
    struct fixture fixture, *f = &fixture;
    int64_t sum;
    fixture_init(f, 2, NULL);
    assert_int_equal(try_add(f, A, INT64_MAX, &sum), HOLM_OK);
    uint64_t minted = holm_replica_last_minted(f->nodes[A].replica);
    struct holm_digest digest = holm_replica_digest(f->nodes[A].replica);
    assert_int_equal(try_add(f, A, 1, &sum), HOLM_EOVERFLOW);
    assert_true(sum == INT64_MAX);
    assert_true(holm_replica_last_minted(f->nodes[A].replica) == minted);
    assert_true(holm_digest_equal(holm_replica_digest(f->nodes[A].replica), digest));
    assert_int_equal(try_add(f, A, -1, &sum), HOLM_OK);
    assert_true(sum == INT64_MAX - 1);
    assert_int_equal(try_add(f, B, INT64_MIN, &sum), HOLM_OK);
    assert_int_equal(try_add(f, B, -1, &sum), HOLM_EOVERFLOW);
    assert_true(sum == INT64_MIN);
    fixture_release(f);
}

/* T14: what was reset no longer counts towards the limit. */
static void test_add_after_a_reset_has_the_whole_range_again(void **state)
{
    struct fixture fixture, *f = &fixture;
    fixture_init(f, 2, NULL);
    for (int round = 0; round < 3; round++) {
        add(f, A, "k", "n", round == 1 ? INT64_MIN : INT64_MAX);
        if (round == 1)
            fixture_flush(f, A);
        write_op(f, A, HOLM_OP_RESET, "k", "n");
        if (round == 0)
            fixture_flush(f, A);
    }
    add(f, A, "k", "n", 5);
    (void)flush(f, A);
    fixture_give_all(f, A, B);
    fixture_check_equal(f);
    assert_sum(f, B, "k", "n", 5);
    fixture_release(f);
}

/* T14: the sum of several writers saturates, alike wherever it is read, and comes back. */
static void test_count_when_the_sum_leaves_64_bits_saturates_alike(void **state)
{
    struct fixture fixture, *f = &fixture;
    int64_t sum;
    fixture_init(f, 3, NULL);
    for (size_t node = A; node <= C; node++)
        add(f, node, "k", "n", node == C ? -INT64_MAX : INT64_MAX);
    exchange(f, A, B, false);
    assert_sum(f, A, "k", "n", INT64_MAX);
    assert_sum(f, B, "k", "n", INT64_MAX);
    fixture_merge(f, C, A);
    fixture_merge(f, A, B);
    fixture_merge(f, A, C);
    fixture_check_equal(f);
    assert_sum(f, B, "k", "n", INT64_MAX);
    add(f, C, "k", "n", -1);
    fixture_merge(f, C, A);
    fixture_check(f, A);
    assert_int_equal(holm_replica_count(f->nodes[A].replica, holm_str("k"), holm_str("n"), &sum),
                     HOLM_OK);
    assert_true(sum == INT64_MAX - 1);
    fixture_release(f);
}

/* T14 */
static void test_add_of_ten_million_decrements_is_one_entry(void **state)
{
    struct fixture fixture, *f = &fixture;
    static struct holm_op ops[1000];
    fixture_init(f, 2, NULL);
    for (size_t i = 0; i < 1000; i++) {
        ops[i] = op_of(HOLM_OP_ADD, "k", "n");
        ops[i].as.amount = -1;
    }
    struct holm_event event = {.type = HOLM_EVENT_COMMIT, .as.commit = {.ops = ops, .count = 1000}};
    for (int i = 0; i < 10000; i++)
        fixture_do(f, A, &event);
    (void)flush(f, A);
    assert_int_equal(f->runs[0]->items.item_count, 1);
    fixture_give(f, B, 0);
    assert_sum(f, B, "k", "n", -10000000);
    assert_true(stats_of(f, B).cells == 1);
    assert_true(holm_replica_seq(f->nodes[B].replica, f->nodes[A].self) == 10000000);
    fixture_release(f);
}

/* ---- T15 ------------------------------------------------------------------------------------ */

static uint64_t stamp_of(struct fixture *f, size_t node, const char *field)
{
    struct holm_cell_view cell;
    assert_int_equal(holm_replica_get(f->nodes[node].replica, holm_str("k"), holm_str(field),
                                      HOLM_REGISTER, &cell),
                     HOLM_OK);
    return cell.hlc;
}

/* T15: three replicas write in the same microsecond; whatever the order, one winner. */
static void test_put_at_equal_stamps_has_one_winner_everywhere(void **state)
{
    static const size_t orders[6][3] = {{A, B, C}, {A, C, B}, {B, A, C},
                                        {B, C, A}, {C, A, B}, {C, B, A}};
    for (int order = 0; order < 6; order++) {
        struct fixture fixture, *f = &fixture;
        fixture_init(f, 5, NULL);
        for (size_t node = A; node <= C; node++) {
            put(f, node, "k", "f", (int64_t)node);
            (void)flush(f, node);
        }
        assert_true(stamp_of(f, A, "f") == stamp_of(f, B, "f"));
        assert_true(stamp_of(f, A, "f") == stamp_of(f, C, "f"));
        for (int i = 0; i < 3; i++) {
            fixture_give_all(f, orders[order][i], D);
            fixture_merge(f, orders[order][2 - i], E);
        }
        for (size_t node = A; node <= C; node++)
            fixture_merge(f, D, node);
        fixture_check_equal(f);
        assert_reads(f, E, "k", "f", C); /* the highest actor */
        fixture_release(f);
    }
}

/* T15: two writes in one millisecond are told apart, and the later wins. */
static void test_put_twice_in_a_millisecond_is_stamped_upwards(void **state)
{
    struct fixture fixture, *f = &fixture;
    fixture_init(f, 1, NULL);
    put(f, A, "k", "f", 1);
    uint64_t first = stamp_of(f, A, "f");
    put(f, A, "k", "f", 2);
    assert_true(stamp_of(f, A, "f") > first);
    assert_reads(f, A, "k", "f", 2);
    fixture_release(f);
}

/* T15: clocks that stand at zero. */
static void test_put_at_zero_stamps_has_one_winner_everywhere(void **state)
{
    struct fixture fixture, *f = &fixture;
    fixture_init(f, 2, NULL);
    for (size_t node = A; node <= B; node++) {
        f->nodes[node].skew_ms = -(int64_t)(FIXTURE_WALL_MS + f->now_us / 1000);
        put(f, node, "k", "f", (int64_t)node);
        put(f, node, "k", "g", 2 * (int64_t)node);
    }
    assert_true(stamp_of(f, A, "f") >> 16 == 0);
    exchange(f, A, B, false);
    fixture_check_equal(f);
    assert_reads(f, A, "k", "f", B);
    fixture_release(f);
}

/* ---- T29 ------------------------------------------------------------------------------------ */

static enum holm_status put_key(struct fixture *f, struct holm_bytes key)
{
    struct holm_op op = {.type = HOLM_OP_PUT, .key = key, .as.value = holm_i64(1)};
    return fixture_commit(f, A, &op, 1);
}

/* T29 */
static void test_put_of_odd_keys_works_or_is_refused_clearly(void **state)
{
    struct fixture fixture, *f = &fixture;
    static char bytes[65536];
    memset(bytes, 'k', sizeof bytes);
    fixture_init(f, 3, NULL);
    assert_int_equal(put_key(f, holm_mem("", 0)), HOLM_EINVAL);
    assert_int_equal(put_key(f, holm_mem(NULL, 0)), HOLM_EINVAL);
    assert_int_equal(put_key(f, holm_mem("\0", 1)), HOLM_OK);
    assert_int_equal(put_key(f, holm_mem("\0\0", 2)), HOLM_OK);
    assert_int_equal(put_key(f, holm_mem("\xff\xc0\x80", 3)), HOLM_OK);
    assert_int_equal(put_key(f, holm_mem(bytes, 511)), HOLM_OK);
    assert_int_equal(put_key(f, holm_mem(bytes, 512)), HOLM_OK);
    assert_int_equal(put_key(f, holm_mem(bytes, HOLM_KEY_BYTES_MAX)), HOLM_OK);
    assert_int_equal(put_key(f, holm_mem(bytes, HOLM_KEY_BYTES_MAX + 1)), HOLM_ETOOBIG);
    assert_int_equal(put_key(f, holm_mem(bytes, sizeof bytes)), HOLM_ETOOBIG);
    struct holm_op op = op_of(HOLM_OP_PUT, "k", NULL);
    op.as.value = holm_i64(1);
    op.field = holm_mem(bytes, HOLM_FIELD_BYTES_MAX);
    assert_int_equal(commit(f, A, op), HOLM_OK);
    op.field = holm_mem(bytes, HOLM_FIELD_BYTES_MAX + 1);
    assert_int_equal(commit(f, A, op), HOLM_ETOOBIG);
    op.field = holm_mem("\0", 1);
    assert_int_equal(commit(f, A, op), HOLM_OK);
    (void)flush(f, A);
    fixture_give_all(f, A, B);
    fixture_merge(f, A, C);
    fixture_check_equal(f);
    fixture_release(f);
}

/* T29: one field is a counter here, a set there, and a register elsewhere. */
static void test_field_of_several_kinds_is_several_slots(void **state)
{
    struct fixture fixture, *f = &fixture;
    fixture_init(f, 3, NULL);
    add(f, A, "k", "f", 5);
    insert(f, B, "k", "f", "");
    put(f, C, "k", "f", 1);
    for (size_t node = A; node <= C; node++)
        fixture_merge(f, node, (node + 1) % 3);
    for (size_t node = A; node <= C; node++)
        fixture_merge(f, C, node);
    fixture_merge(f, A, B);
    fixture_check_equal(f);
    assert_sum(f, B, "k", "f", 5);
    assert_true(contains(f, A, "k", "f", ""));
    assert_reads(f, A, "k", "f", 1);
    fixture_release(f);
}

static void raise_to(struct fixture *f, size_t node, const char *field, double number)
{
    struct holm_op op = op_of(HOLM_OP_RAISE, "k", field);
    op.as.value = holm_double(number);
    assert_int_equal(commit(f, node, op), HOLM_OK);
}

/* T29: NaN and -0.0 are values, in the total order: -0 < 0 < infinity < NaN. */
static void test_doubles_that_are_odd_are_ordered_alike_everywhere(void **state)
{
    struct fixture fixture, *f = &fixture;
    struct holm_cell_view cell;
    fixture_init(f, 3, NULL);
    raise_to(f, A, "zero", 0.0);
    raise_to(f, B, "zero", -0.0);
    raise_to(f, A, "nan", (double)NAN);
    raise_to(f, B, "nan", (double)INFINITY);
    raise_to(f, C, "nan", -(double)INFINITY);
    struct holm_op op = op_of(HOLM_OP_PUT, "k", "r");
    op.as.value = holm_double((double)NAN);
    assert_int_equal(commit(f, C, op), HOLM_OK);
    fixture_merge(f, A, B);
    fixture_merge(f, B, C);
    fixture_merge(f, C, A);
    fixture_merge(f, C, B);
    fixture_check_equal(f);
    assert_int_equal(
        holm_replica_get(f->nodes[B].replica, holm_str("k"), holm_str("nan"), HOLM_MAX, &cell),
        HOLM_OK);
    assert_true(isnan(cell.value.as.f64));
    assert_int_equal(
        holm_replica_get(f->nodes[A].replica, holm_str("k"), holm_str("zero"), HOLM_MAX, &cell),
        HOLM_OK);
    assert_true(cell.value.as.f64 == 0.0 && !signbit(cell.value.as.f64));
    fixture_release(f);
}

/* T29: arguments that point into the replica itself. */
static void test_put_of_what_was_read_replaces_itself(void **state)
{
    struct fixture fixture, *f = &fixture;
    struct holm_cell_view cell;
    static char text[200];
    memset(text, 't', sizeof text);
    fixture_init(f, 2, NULL);
    struct holm_op op = op_of(HOLM_OP_PUT, "a key that is long enough to be somewhere", "f");
    op.as.value = holm_bytes_value(text, sizeof text);
    assert_int_equal(commit(f, A, op), HOLM_OK);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(
            holm_replica_get(f->nodes[A].replica, op.key, op.field, HOLM_REGISTER, &cell), HOLM_OK);
        struct holm_op aliased[2] = {
            {.type = HOLM_OP_PUT, .key = cell.key, .field = op.field, .as.value = cell.value},
            {.type = i == 1 ? HOLM_OP_REMOVE : HOLM_OP_INSERT,
             .key = cell.key,
             .field = op.field,
             .as.element = cell.key}};
        struct holm_event event = {.type = HOLM_EVENT_COMMIT,
                                   .as.commit = {.ops = aliased, .count = 2}};
        fixture_do(f, A, &event);
        holm_replica_check(f->nodes[A].replica);
        if (i == 1)
            assert_int_equal(commit(f, A, op), HOLM_OK);
    }
    assert_int_equal(holm_replica_get(f->nodes[A].replica, op.key, op.field, HOLM_REGISTER, &cell),
                     HOLM_OK);
    assert_int_equal(cell.value.as.bytes.size, sizeof text);
    assert_memory_equal(cell.value.as.bytes.data, text, sizeof text);
    fixture_release(f);
}

/* T29: a batch that fails at its last operation is nothing. */
static void test_batch_when_one_operation_is_refused_writes_nothing(void **state)
{
    struct fixture fixture, *f = &fixture;
    fixture_init(f, 2, NULL);
    write_op(f, A, HOLM_OP_BURY, "dead", "");
    put(f, A, "k", "f", 1);
    fixture_check(f, A);
    struct holm_op batch[] = {op_of(HOLM_OP_REMOVE, "k", ""), op_of(HOLM_OP_ADD, "k", "n"),
                              op_of(HOLM_OP_ENABLE, "new", "f"), op_of(HOLM_OP_BURY, "k", ""),
                              op_of(HOLM_OP_ENABLE, "dead", "f")};
    assert_int_equal(fixture_commit(f, A, batch, 5), HOLM_EBURIED);
    fixture_check(f, A);
    assert_reads(f, A, "k", "f", 1);
    assert_int_equal(fixture_commit(f, A, batch, 4), HOLM_OK);
    fixture_check(f, A);
    (void)flush(f, A);
    fixture_give_all(f, A, B);
    fixture_check_equal(f);
    fixture_release(f);
}

const struct CMUnitTest scenario_value_tests[] = {
    cmocka_unit_test(test_put_when_others_write_within_the_run_replaces_all_that_it_saw),
    cmocka_unit_test(test_removal_around_an_increment_leaves_its_ghost),
    cmocka_unit_test(test_reset_beside_an_increment_cancels_what_it_had_seen),
    cmocka_unit_test(test_reset_beside_a_reset_cancels_once),
    cmocka_unit_test(test_reset_across_epochs_cancels_exactly),
    cmocka_unit_test(test_add_when_the_own_sum_would_overflow_is_refused),
    cmocka_unit_test(test_add_after_a_reset_has_the_whole_range_again),
    cmocka_unit_test(test_count_when_the_sum_leaves_64_bits_saturates_alike),
    cmocka_unit_test(test_add_of_ten_million_decrements_is_one_entry),
    cmocka_unit_test(test_put_at_equal_stamps_has_one_winner_everywhere),
    cmocka_unit_test(test_put_twice_in_a_millisecond_is_stamped_upwards),
    cmocka_unit_test(test_put_at_zero_stamps_has_one_winner_everywhere),
    cmocka_unit_test(test_put_of_odd_keys_works_or_is_refused_clearly),
    cmocka_unit_test(test_field_of_several_kinds_is_several_slots),
    cmocka_unit_test(test_doubles_that_are_odd_are_ordered_alike_everywhere),
    cmocka_unit_test(test_put_of_what_was_read_replaces_itself),
    cmocka_unit_test(test_batch_when_one_operation_is_refused_writes_nothing),
};
const size_t scenario_value_count = sizeof scenario_value_tests / sizeof *scenario_value_tests;

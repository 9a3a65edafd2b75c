/* SPDX-License-Identifier: Apache-2.0 */
#include "crdt/members.h"

#include "tests/unit/core.h"

struct fixture {
    struct heap heap;
    struct holm_allocator allocator;
    struct holm_members members;
};

static void open(struct fixture *f)
{
    memset(f, 0, sizeof *f);
    f->allocator = heap_allocator(&f->heap);
    holm_members_init(&f->members, &f->allocator);
}

static void close(struct fixture *f)
{
    holm_members_check(&f->members);
    holm_members_release(&f->members);
    assert_int_equal(f->heap.blocks, 0);
}

static struct holm_member_op op_of(enum holm_member_op_type type, struct holm_dot dot,
                                   uint64_t node, uint64_t epoch)
{
    struct holm_member_op op = {.type = type, .dot = dot, .subject = actor_of(node, epoch)};
    op.last = type == HOLM_MEMBER_ADMIT && holm_actor_equal(op.subject, dot.actor) ? 1 : 0;
    return op;
}

static struct holm_member_op fold_of(struct holm_dot dot, uint64_t node, uint64_t epoch,
                                     uint32_t partition, uint64_t last)
{
    struct holm_member_op op = op_of(HOLM_MEMBER_FOLD, dot, node, epoch);
    op.partition = partition;
    op.last = last;
    return op;
}

static void apply(struct fixture *f, struct holm_member_op op)
{
    assert_int_equal(holm_members_apply(&f->members, &op), HOLM_OK);
    holm_members_check(&f->members);
}

static void admit(struct fixture *f, struct holm_dot dot, uint64_t node, uint64_t epoch)
{
    apply(f, op_of(HOLM_MEMBER_ADMIT, dot, node, epoch));
}

static bool forgotten(struct fixture *f, uint64_t node)
{
    struct holm_node_id id = {node};
    return holm_members_find(&f->members, id)->forgotten;
}

static struct holm_member_op found_by(struct holm_dot dot, uint64_t generation)
{
    struct holm_member_op op = op_of(HOLM_MEMBER_ADMIT, dot, dot.actor.node.value,
                                     dot.actor.epoch.value);
    op.last = generation;
    return op;
}

static struct holm_member_op admit_on(struct holm_dot dot, uint64_t epoch, uint64_t base,
                                      uint64_t hash)
{
    struct holm_member_op op = op_of(HOLM_MEMBER_ADMIT, dot, 2, epoch);
    op.base.value = base;
    op.state = hash;
    return op;
}

static void test_members_when_admissions_differ_then_the_lowest_base_counts(void **state)
{
    (void)state;
    const struct holm_member_op ops[] = {
        admit_on(dot_of(1, 1, 1), 5, 4, 10), admit_on(dot_of(3, 1, 1), 5, 2, 30),
        admit_on(dot_of(3, 1, 2), 5, 2, 20), admit_on(dot_of(4, 1, 1), 5, 3, 10),
        admit_on(dot_of(1, 1, 2), 4, 1, 10), /* of an earlier epoch */
    };
    for (size_t first = 0; first < 5; first++) {
        struct fixture f;
        open(&f);
        for (size_t i = 0; i < 10; i++) /* in each order of rotation, and twice */
            apply(&f, ops[(first + i) % 5]);
        assert_int_equal(holm_members_find(&f.members, (struct holm_node_id){2})->base.value, 2);
        assert_int_equal(holm_members_find(&f.members, (struct holm_node_id){2})->state, 20);
        apply(&f, admit_on(dot_of(1, 1, 3), 7, 5, 40));
        assert_int_equal(holm_members_find(&f.members, (struct holm_node_id){2})->state, 40);
        assert_int_equal(holm_members_find(&f.members, (struct holm_node_id){2})->base.value, 5);
        close(&f);
    }
}

static void test_members_when_a_later_epoch_is_admitted_then_the_earlier_has_ended(void **state)
{
    (void)state;
    struct fixture f;
    open(&f);
    admit(&f, dot_of(1, 1, 1), 1, 1);
    admit(&f, dot_of(1, 1, 2), 2, 5);
    assert_true(holm_members_current(&f.members, actor_of(2, 5)));
    assert_false(holm_members_ended(&f.members, actor_of(2, 5)));
    admit(&f, dot_of(1, 1, 3), 2, 7);
    assert_false(holm_members_current(&f.members, actor_of(2, 5)));
    assert_true(holm_members_current(&f.members, actor_of(2, 7)));
    assert_true(holm_members_ended(&f.members, actor_of(2, 5)));
    admit(&f, dot_of(1, 1, 4), 2, 6); /* heard late */
    assert_true(holm_members_current(&f.members, actor_of(2, 7)));
    assert_true(holm_members_ended(&f.members, actor_of(2, 6)));
    assert_null(holm_members_find(&f.members, (struct holm_node_id){9}));
    assert_false(holm_members_ended(&f.members, actor_of(9, 1)));
    close(&f);
}

/* Rule 4: T37, T41. */
static void test_members_when_an_epoch_has_ended_then_its_runs_come_over_links_of_others_alone(
    void **state)
{
    (void)state;
    struct fixture f;
    struct holm_actor old = actor_of(2, 5), now = actor_of(2, 7), other = actor_of(1, 1);
    open(&f);
    admit(&f, dot_of(1, 1, 1), 1, 1);
    admit(&f, dot_of(1, 1, 2), 2, 5);
    assert_true(holm_members_take(&f.members, old, old, HOLM_WAY_BROADCAST));
    assert_true(holm_members_take(&f.members, old, old, HOLM_WAY_LINK));
    admit(&f, dot_of(1, 1, 3), 2, 7);
    assert_false(holm_members_take(&f.members, old, old, HOLM_WAY_BROADCAST));
    assert_false(holm_members_take(&f.members, old, other, HOLM_WAY_BROADCAST));
    assert_false(holm_members_take(&f.members, old, old, HOLM_WAY_LINK));
    assert_false(holm_members_take(&f.members, other, old, HOLM_WAY_LINK));
    assert_true(holm_members_take(&f.members, old, other, HOLM_WAY_LINK));
    assert_true(holm_members_take(&f.members, old, now, HOLM_WAY_LINK));
    assert_true(holm_members_take(&f.members, now, now, HOLM_WAY_BROADCAST));
    apply(&f, op_of(HOLM_MEMBER_FORGET, dot_of(1, 1, 4), 2, 7));
    assert_false(holm_members_take(&f.members, now, now, HOLM_WAY_BROADCAST));
    assert_false(holm_members_take(&f.members, other, now, HOLM_WAY_LINK));
    assert_false(holm_members_take(&f.members, other, actor_of(2, 9), HOLM_WAY_LINK));
    assert_true(holm_members_take(&f.members, now, other, HOLM_WAY_LINK));
    admit(&f, dot_of(1, 1, 5), 2, 9);
    assert_true(holm_members_take(&f.members, actor_of(2, 9), actor_of(2, 9), HOLM_WAY_BROADCAST));
    assert_false(forgotten(&f, 2));
    close(&f);
}

static void test_members_when_a_list_is_asked_for_an_admission_then_any_one_of_it_will_do(
    void **state)
{
    (void)state;
    struct fixture f;
    struct holm_dot first[] = {dot_of(1, 1, 3)}, second[] = {dot_of(3, 1, 1)},
                    neither[] = {dot_of(1, 1, 2), dot_of(2, 7, 9)};
    open(&f);
    admit(&f, dot_of(1, 1, 2), 2, 5);
    admit(&f, dot_of(1, 1, 3), 2, 7);
    admit(&f, dot_of(3, 1, 1), 2, 7);
    struct holm_actor who = actor_of(2, 7);
    assert_true(holm_members_admitted_in(&f.members, who, (struct holm_vector_view){first, 1}));
    assert_true(holm_members_admitted_in(&f.members, who, (struct holm_vector_view){second, 1}));
    assert_false(holm_members_admitted_in(&f.members, who, (struct holm_vector_view){neither, 2}));
    assert_false(
        holm_members_admitted_in(&f.members, actor_of(2, 5), (struct holm_vector_view){first, 1}));
    close(&f);
}

/* T40: two members, then three, forget each other. */
static void test_members_when_forgets_close_a_ring_then_the_one_with_the_highest_dot_is_void(
    void **state)
{
    (void)state;
    struct fixture f;
    open(&f);
    for (uint64_t node = 1; node <= 4; node++)
        admit(&f, dot_of(4, 1, node), node, 1);
    apply(&f, op_of(HOLM_MEMBER_FORGET, dot_of(2, 1, 1), 1, 1));
    assert_true(forgotten(&f, 1));
    apply(&f, op_of(HOLM_MEMBER_FORGET, dot_of(1, 1, 1), 2, 1));
    assert_true(forgotten(&f, 2));
    assert_false(forgotten(&f, 1));
    assert_true(f.members.forgets[0].stands);
    assert_false(f.members.forgets[1].stands);
    apply(&f, op_of(HOLM_MEMBER_FORGET, dot_of(3, 1, 1), 1, 1));
    assert_true(forgotten(&f, 1)); /* by another, who was forgotten by nobody */
    apply(&f, op_of(HOLM_MEMBER_FORGET, dot_of(2, 1, 2), 3, 1));
    assert_true(forgotten(&f, 3));
    assert_false(forgotten(&f, 1)); /* 1 -> 2 -> 3 -> 1 would be a ring */
    close(&f);
}

/* Who comes back and later forgets whoever once forgot it closes no ring: these are other lives. */
static void test_members_when_a_forgotten_one_has_returned_then_it_may_forget_in_its_turn(
    void **state)
{
    (void)state;
    struct fixture f;
    open(&f);
    admit(&f, dot_of(3, 1, 1), 1, 1);
    admit(&f, dot_of(3, 1, 2), 2, 1);
    apply(&f, op_of(HOLM_MEMBER_FORGET, dot_of(2, 1, 1), 1, 1));
    admit(&f, dot_of(3, 1, 3), 1, 5);
    apply(&f, op_of(HOLM_MEMBER_FORGET, dot_of(1, 5, 1), 2, 1));
    assert_false(forgotten(&f, 1));
    assert_true(forgotten(&f, 2));
    close(&f);
}

/* T41: whatever the clock says. */
static void test_members_when_an_epoch_is_asked_for_then_it_is_above_all_that_is_known(void **state)
{
    (void)state;
    struct fixture f;
    struct holm_node_id one = {1}, two = {2};
    open(&f);
    assert_int_equal(holm_members_epoch_min(&f.members, one).value, 1);
    admit(&f, dot_of(1, 4, 1), 1, 4);
    assert_int_equal(holm_members_epoch_min(&f.members, one).value, 5);
    apply(&f, op_of(HOLM_MEMBER_FORGET, dot_of(2, 1, 1), 1, 8));
    assert_int_equal(holm_members_epoch_min(&f.members, one).value, 9);
    apply(&f, fold_of(dot_of(1, 4, 2), 1, 11, 3, 2));
    assert_int_equal(holm_members_epoch_min(&f.members, one).value, 12);
    assert_int_equal(holm_members_epoch_min(&f.members, two).value, 1);
    assert_int_equal(holm_members_lasts(&f.members, 3).count, 1);
    assert_int_equal(holm_members_lasts(&f.members, 2).count, 0);
    close(&f);
}

/* Of two foundings the later generation stands, then the lower dot; and any against none. */
static void test_members_when_two_found_then_one_stands(void **state)
{
    (void)state;
    const struct holm_founding in_order[] = {{0, dot_of(0, 0, 0)}, {1, dot_of(2, 1, 1)},
                                             {2, dot_of(3, 2, 1)}, {2, dot_of(2, 7, 1)},
                                             {2, dot_of(2, 4, 1)}, {3, dot_of(9, 9, 1)}};
    struct fixture f;
    for (size_t i = 0; i < 6; i++) {
        for (size_t k = 0; k < 6; k++) {
            int order = holm_founding_compare(&in_order[i], &in_order[k]);
            assert_int_equal((order > 0) - (order < 0), (i > k) - (i < k));
        }
    }
    open(&f);
    assert_int_equal(f.members.founding.generation, 0);
    admit(&f, dot_of(1, 1, 1), 2, 4);
    assert_int_equal(f.members.founding.generation, 0);
    apply(&f, found_by(dot_of(2, 4, 1), 2));
    apply(&f, found_by(dot_of(2, 1, 1), 1)); /* an earlier epoch, heard late */
    apply(&f, found_by(dot_of(3, 2, 1), 2));
    assert_int_equal(holm_founding_compare(&f.members.founding, &in_order[4]), 0);
    apply(&f, found_by(dot_of(9, 9, 1), 3));
    assert_int_equal(holm_founding_compare(&f.members.founding, &in_order[5]), 0);
    close(&f);
}

static void assert_same(const struct holm_members *a, const struct holm_members *b)
{
    assert_int_equal(a->count, b->count);
    assert_int_equal(a->admission_count, b->admission_count);
    assert_int_equal(a->forget_count, b->forget_count);
    assert_int_equal(a->fold_count, b->fold_count);
    assert_int_equal(holm_founding_compare(&a->founding, &b->founding), 0);
    for (size_t i = 0; i < a->count; i++) {
        assert_true(holm_actor_equal(a->rows[i].actor, b->rows[i].actor));
        assert_int_equal(a->rows[i].forgotten, b->rows[i].forgotten);
    }
    for (size_t i = 0; i < a->forget_count; i++)
        assert_int_equal(a->forgets[i].stands, b->forgets[i].stands);
    for (size_t i = 0; i < a->admission_count; i++)
        assert_int_equal(a->admissions[i].dot.seq, b->admissions[i].dot.seq);
    for (size_t i = 0; i < a->fold_count; i++) {
        assert_int_equal(a->folds[i].partition, b->folds[i].partition);
        struct holm_vector_view x = holm_vector_view(&a->folds[i].lasts);
        struct holm_vector_view y = holm_vector_view(&b->folds[i].lasts);
        assert_true(holm_vector_covers(x, y, y) && holm_vector_covers(y, x, x));
    }
}

static struct holm_member_op draw(struct chance *chance, uint64_t seq)
{
    uint64_t node = 1 + chance_below(chance, 4);
    uint64_t epoch = 1 + chance_below(chance, 3);
    struct holm_dot dot = dot_of(1 + chance_below(chance, 4), 1 + chance_below(chance, 2), seq);
    enum holm_member_op_type type = HOLM_MEMBER_ADMIT;
    if (chance_permille(chance, 350))
        type = HOLM_MEMBER_FORGET;
    else if (chance_permille(chance, 300))
        return fold_of(dot, node, epoch, (uint32_t)chance_below(chance, 3), epoch + node);
    return op_of(type, dot, node, epoch);
}

/* A list is a set: any order, any number of times. */
static void test_members_when_applied_in_any_order_and_twice_then_the_list_is_the_same(void **state)
{
    (void)state;
    struct chance chance = {.state = 3};
    for (int round = 0; round < 300; round++) {
        struct fixture a, b;
        struct holm_member_op ops[14];
        open(&a);
        open(&b);
        for (uint64_t i = 0; i < 14; i++) {
            ops[i] = draw(&chance, i + 1);
            apply(&a, ops[i]);
        }
        for (size_t i = 14; i > 0; i--) {
            size_t pick = chance_below(&chance, i);
            apply(&b, ops[pick]);
            apply(&b, ops[pick]);
            struct holm_member_op taken = ops[pick];
            ops[pick] = ops[i - 1];
            ops[i - 1] = taken;
        }
        assert_same(&a.members, &b.members);
        close(&a);
        close(&b);
    }
}

static void test_members_when_any_allocation_fails_then_nothing_has_changed(void **state)
{
    (void)state;
    struct chance chance = {.state = 5};
    struct fixture f, whole;
    open(&f);
    open(&whole);
    uint64_t refused = 0;
    for (uint64_t i = 1; i <= 60; i++) {
        struct holm_member_op op = draw(&chance, i);
        enum holm_status status = HOLM_ENOMEM;
        for (uint64_t fail_at = 1; status == HOLM_ENOMEM; fail_at++) {
            f.heap.calls = 0;
            f.heap.fail_at = fail_at;
            f.heap.fail_once = true;
            status = holm_members_apply(&f.members, &op);
            refused += status == HOLM_ENOMEM ? 1 : 0;
            if (status == HOLM_ENOMEM)
                assert_same(&f.members, &whole.members);
            holm_members_check(&f.members);
        }
        f.heap.fail_at = 0;
        assert_int_equal(status, HOLM_OK);
        apply(&whole, op);
        assert_same(&f.members, &whole.members);
    }
    assert_true(refused > 5);
    close(&f);
    close(&whole);
}

static void test_members_when_an_operation_cannot_be_then_it_is_refused(void **state)
{
    (void)state;
    struct fixture f;
    open(&f);
    struct holm_member_op others = op_of(HOLM_MEMBER_ADMIT, dot_of(1, 1, 1), 2, 1);
    others.last = 1; /* nobody founds for another */
    struct holm_member_op bad[] = {
        op_of(HOLM_MEMBER_ADMIT, dot_of(1, 1, 0), 1, 1),
        op_of(HOLM_MEMBER_ADMIT, dot_of(1, 1, HOLM_SEQ_FOLDED), 1, 1),
        op_of(HOLM_MEMBER_FORGET, dot_of(1, 1, 1), 1, 0),
        fold_of(dot_of(1, 1, 1), 1, 1, 0, 0),
        fold_of(dot_of(1, 1, 1), 1, 1, 0, HOLM_SEQ_FOLDED),
        op_of((enum holm_member_op_type)9, dot_of(1, 1, 1), 1, 1),
        found_by(dot_of(1, 1, 1), 0),
        found_by(dot_of(1, 1, 1), UINT64_MAX),
        others,
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(holm_members_apply(&f.members, &bad[i]), HOLM_EMALFORMED);
    assert_int_equal(f.members.count + f.members.forget_count + f.members.fold_count, 0);
    close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_members_when_two_found_then_one_stands),
        cmocka_unit_test(test_members_when_admissions_differ_then_the_lowest_base_counts),
        cmocka_unit_test(test_members_when_a_later_epoch_is_admitted_then_the_earlier_has_ended),
        cmocka_unit_test(
            test_members_when_an_epoch_has_ended_then_its_runs_come_over_links_of_others_alone),
        cmocka_unit_test(
            test_members_when_a_list_is_asked_for_an_admission_then_any_one_of_it_will_do),
        cmocka_unit_test(
            test_members_when_forgets_close_a_ring_then_the_one_with_the_highest_dot_is_void),
        cmocka_unit_test(
            test_members_when_a_forgotten_one_has_returned_then_it_may_forget_in_its_turn),
        cmocka_unit_test(
            test_members_when_an_epoch_is_asked_for_then_it_is_above_all_that_is_known),
        cmocka_unit_test(
            test_members_when_applied_in_any_order_and_twice_then_the_list_is_the_same),
        cmocka_unit_test(test_members_when_any_allocation_fails_then_nothing_has_changed),
        cmocka_unit_test(test_members_when_an_operation_cannot_be_then_it_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

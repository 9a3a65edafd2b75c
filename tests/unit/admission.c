/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who founds, whom it is left to, and what a member answers. What harm it does otherwise is told by
 * tests/model/collect*.
 */
#include "crdt/admission.h"

#include "tests/unit/core.h"

/* Node 2's point of view, provisional as epoch 5; its list is that of nodes 1 to 3, each in epoch 1. */
struct fixture {
    struct heap heap;
    struct holm_allocator allocator;
    struct holm_members members;
    struct holm_stable stable;
    struct holm_vector r, list;
    struct holm_actor actor;
    struct holm_dot entries[4]; /* what the others have */
    struct holm_heard heard[3]; /* of nodes 1, 3 and 4 */
};

static struct holm_vector_view none(void)
{
    return (struct holm_vector_view){NULL, 0};
}

static void list_op(struct fixture *f, struct holm_member_op op)
{
    assert_int_equal(holm_members_apply(&f->members, &op), HOLM_OK);
    assert_int_equal(holm_vector_raise(&f->list, op.dot.actor, op.dot.seq), HOLM_OK);
}

static void open(struct fixture *f)
{
    const uint64_t nodes[] = {1, 3, 4};
    memset(f, 0, sizeof *f);
    f->allocator = heap_allocator(&f->heap);
    holm_members_init(&f->members, &f->allocator);
    holm_stable_init(&f->stable, &f->allocator);
    holm_vector_init(&f->r, &f->allocator);
    holm_vector_init(&f->list, &f->allocator);
    f->actor = actor_of(2, 5);
    for (uint64_t node = 1; node <= 3; node++)
        list_op(f, (struct holm_member_op){.type = HOLM_MEMBER_ADMIT,
                                           .dot = dot_of(1, 1, node),
                                           .subject = actor_of(node, 1),
                                           .last = node == 1 ? 1 : 0});
    assert_int_equal(holm_vector_raise(&f->r, actor_of(1, 1), 4), HOLM_OK);
    for (size_t i = 0; i < 3; i++) {
        f->entries[i] = dot_of(1, 1, 4);
        f->heard[i] = (struct holm_heard){.actor = actor_of(nodes[i], 2),
                                          .former = {1},
                                          .founding = f->members.founding,
                                          .defers = f->actor,
                                          .partition = {&f->entries[i], 1},
                                          .list = holm_vector_view(&f->list)};
    }
}

static void close(struct fixture *f)
{
    holm_members_release(&f->members);
    holm_stable_release(&f->stable);
    holm_vector_release(&f->r);
    holm_vector_release(&f->list);
    assert_int_equal(f->heap.blocks, 0);
}

static struct holm_stable_self self_of(const struct fixture *f)
{
    return (struct holm_stable_self){.actor = f->actor,
                                     .number = 0,
                                     .partition = holm_vector_view(&f->r),
                                     .list = holm_vector_view(&f->list),
                                     .members = &f->members};
}

static bool able(const struct fixture *f, size_t count)
{
    struct holm_stable_self self = self_of(f);
    return holm_admission_able(&f->stable, &self, f->heard, count);
}

static bool left(const struct fixture *f)
{
    struct holm_stable_self self = self_of(f);
    return holm_admission_left(&f->stable, &self, f->heard, 2);
}

static bool founds(const struct fixture *f)
{
    struct holm_stable_self self = self_of(f);
    return holm_admission_by_itself(&f->stable, &self, f->heard, 2, false);
}

static void test_admission_when_all_listed_have_restarted_then_one_is_able_to_found(void **state)
{
    (void)state;
    struct fixture f;
    open(&f);
    assert_false(able(&f, 0));
    assert_false(able(&f, 1));
    assert_true(able(&f, 2));
    assert_true(able(&f, 3));
    f.heard[1].actor = actor_of(3, 1);
    assert_true(able(&f, 2)); /* listed, but never confirmed */
    f.heard[1].confirmed = true;
    assert_false(able(&f, 2)); /* it lives */
    f.heard[1].actor = actor_of(3, 2);
    assert_false(able(&f, 2)); /* it was confirmed meanwhile, and is to be asked */
    f.heard[1].founding = (struct holm_founding){1, dot_of(1, 1, 2)};
    assert_true(able(&f, 2)); /* where it is lost to this one */
    f.heard[1].founding = (struct holm_founding){2, dot_of(3, 2, 1)};
    assert_false(able(&f, 2));
    f.heard[1].confirmed = false;
    assert_false(able(&f, 2)); /* it knows of a founding that stands against this one */
    f.heard[1].lost = true;
    assert_true(able(&f, 2));
    close(&f);
}

static void test_admission_when_not_a_listed_member_then_it_founds_only_when_told(void **state)
{
    (void)state;
    struct fixture f;
    open(&f);
    f.actor = actor_of(9, 1);
    assert_false(able(&f, 3));
    struct holm_stable_self self = self_of(&f);
    assert_false(holm_admission_by_itself(&f.stable, &self, f.heard, 3, true));
    holm_members_release(&f.members);
    holm_members_init(&f.members, &f.allocator);
    assert_false(holm_admission_by_itself(&f.stable, &self, f.heard, 3, false));
    assert_true(holm_admission_by_itself(&f.stable, &self, NULL, 0, true));
    close(&f);
}

static void test_admission_when_all_leave_it_to_one_then_that_one_founds(void **state)
{
    (void)state;
    struct fixture f;
    open(&f);
    assert_true(left(&f));
    assert_true(founds(&f));
    f.entries[1].seq = 5;
    assert_true(left(&f));
    assert_false(founds(&f)); /* it has not what node 3 has */
    f.heard[1].former.value = 7;
    assert_true(founds(&f)); /* which is not to be merged */
    f.heard[1].former.value = 1;
    f.entries[1].seq = 4;
    struct holm_dot more[] = {dot_of(1, 1, 4)};
    f.heard[1].list = (struct holm_vector_view){more, 1};
    assert_true(left(&f));
    assert_false(founds(&f)); /* whose list may say that its state is to be merged */
    f.heard[1].former.value = 7;
    assert_false(founds(&f));
    f.heard[1].lost = true;
    assert_true(founds(&f)); /* its list is not taken */
    f.heard[1].lost = false;
    f.heard[1].former.value = 1;
    f.heard[1].list = holm_vector_view(&f.list);
    f.heard[0].defers = actor_of(2, 4);
    assert_false(left(&f)); /* to an epoch that is no more */
    f.heard[0].lost = true;
    assert_true(founds(&f)); /* it has nothing to say */
    f.actor = actor_of(2, 1);
    f.heard[1].defers = f.actor;
    assert_true(founds(&f));
    f.actor = actor_of(2, 0);
    assert_false(founds(&f)); /* a later epoch of its own is listed */
    close(&f);
}

static struct holm_actor defer(const struct fixture *f, struct holm_actor present, bool may)
{
    return holm_admission_defer(f->actor, present, may, f->heard, 3);
}

static void test_admission_when_several_would_found_then_it_is_left_to_the_lowest(void **state)
{
    (void)state;
    struct fixture f;
    struct holm_actor nobody = {{0}, {0}}, one = actor_of(1, 2), three = actor_of(3, 2);
    open(&f);
    assert_true(holm_actor_equal(defer(&f, nobody, false), nobody));
    assert_true(holm_actor_equal(defer(&f, nobody, true), f.actor));
    f.heard[1].defers = three;
    assert_true(holm_actor_equal(defer(&f, nobody, false), three));
    assert_true(holm_actor_equal(defer(&f, nobody, true), f.actor));
    assert_true(holm_actor_equal(defer(&f, three, true), three)); /* as it has said */
    f.heard[0].defers = one;
    assert_true(holm_actor_equal(defer(&f, f.actor, true), one));
    assert_true(holm_actor_equal(defer(&f, three, true), three));
    f.heard[1].defers = one;
    assert_true(holm_actor_equal(defer(&f, three, true), one)); /* who has given way */
    f.heard[1].defers = three;
    assert_true(holm_actor_equal(defer(&f, actor_of(3, 1), true), one)); /* who has gone */
    f.heard[0].confirmed = true;
    assert_true(holm_actor_equal(defer(&f, one, true), f.actor));
    close(&f);
}

static enum holm_answer answer(const struct fixture *f, const struct holm_heard *asking)
{
    struct holm_stable_self self = self_of(f);
    return holm_admission_answer(&f->stable, &self, asking);
}

static void test_admission_when_asked_then_the_state_says_how_it_comes_in(void **state)
{
    (void)state;
    struct fixture f;
    open(&f);
    struct holm_heard *asking = &f.heard[1];
    assert_int_equal(answer(&f, asking), HOLM_ANSWER_LATER); /* of one that is no member itself */
    f.actor = actor_of(2, 1);
    assert_int_equal(answer(&f, asking), HOLM_ANSWER_MERGE);
    asking->lost = true;
    assert_int_equal(answer(&f, asking), HOLM_ANSWER_REPLACE); /* all of it is here */
    asking->lost = false;
    asking->former.value = 2;
    assert_int_equal(answer(&f, asking), HOLM_ANSWER_REPLACE);
    f.entries[1].seq = 5;
    assert_int_equal(answer(&f, asking), HOLM_ANSWER_FORGET);
    asking->founding = (struct holm_founding){2, dot_of(3, 1, 1)};
    assert_int_equal(answer(&f, asking), HOLM_ANSWER_FORGET); /* it was founded upon this one */
    asking->former.value = 1;
    assert_int_equal(answer(&f, asking),
                     HOLM_ANSWER_FORGET); /* for all that it has the same epoch */
    asking->list = none();
    assert_int_equal(answer(&f, asking), HOLM_ANSWER_REPLACE);
    asking->former.value = 0;
    assert_int_equal(answer(&f, asking), HOLM_ANSWER_MERGE); /* it has nothing */
    asking->confirmed = true;
    assert_int_equal(answer(&f, asking), HOLM_ANSWER_LATER);
    close(&f);
}

/* Two stores of one epoch: one of them is the state that the present epoch goes on with. */
static void test_admission_when_a_copy_of_the_store_is_older_or_newer_then_it_is_replaced(
    void **state)
{
    (void)state;
    struct fixture f;
    open(&f);
    f.actor = actor_of(2, 1);
    struct holm_heard *asking = &f.heard[1];
    asking->state = 77;
    list_op(&f, (struct holm_member_op){.type = HOLM_MEMBER_ADMIT,
                                        .dot = dot_of(2, 1, 1),
                                        .subject = actor_of(3, 2),
                                        .base = {1},
                                        .state = 77});
    asking->list = holm_vector_view(&f.list);
    assert_int_equal(answer(&f, asking), HOLM_ANSWER_MERGE); /* it died before its first sync */
    asking->state = 78;
    f.entries[1].seq = 5;
    assert_int_equal(answer(&f, asking), HOLM_ANSWER_FORGET);
    asking->former.value = 2;
    assert_int_equal(answer(&f, asking), HOLM_ANSWER_MERGE); /* what it was admitted for */
    close(&f);
}

static void test_admission_when_the_state_is_forgotten_then_it_waits_until_all_know(void **state)
{
    (void)state;
    struct fixture f;
    open(&f);
    f.actor = actor_of(2, 1);
    list_op(&f, (struct holm_member_op){
                    .type = HOLM_MEMBER_FORGET, .dot = dot_of(2, 1, 1), .subject = actor_of(3, 1)});
    f.heard[1].list = holm_vector_view(&f.list);
    assert_int_equal(answer(&f, &f.heard[1]), HOLM_ANSWER_LATER);
    assert_int_equal(holm_stable_hear(&f.stable, &f.members, actor_of(1, 1), holm_vector_view(&f.r),
                                      holm_vector_view(&f.list)),
                     HOLM_OK);
    assert_int_equal(answer(&f, &f.heard[1]), HOLM_ANSWER_REPLACE);
    close(&f);
}

static void test_admission_when_of_another_founding_then_the_one_that_stands_goes_on(void **state)
{
    (void)state;
    struct fixture f;
    struct holm_members theirs;
    open(&f);
    f.actor = actor_of(2, 1);
    struct holm_stable_self self = self_of(&f);
    holm_members_init(&theirs, &f.allocator);
    struct holm_member_op op = {
        .type = HOLM_MEMBER_ADMIT, .dot = dot_of(3, 2, 1), .subject = actor_of(3, 2), .last = 1};
    assert_int_equal(holm_members_apply(&theirs, &op), HOLM_OK);
    assert_false(holm_admission_lost(&f.stable, &self, &theirs, none()));
    assert_false(
        holm_admission_take_list(&f.members, actor_of(3, 2), actor_of(3, 2), &theirs.founding));
    op.last = 2;
    assert_int_equal(holm_members_apply(&theirs, &op), HOLM_OK);
    assert_true(holm_admission_lost(&f.stable, &self, &theirs, none()));
    assert_false(
        holm_admission_take_list(&f.members, actor_of(3, 2), actor_of(3, 2), &theirs.founding));
    assert_true(
        holm_admission_take_list(&f.members, actor_of(3, 2), actor_of(3, 2), &f.members.founding));
    holm_members_release(&theirs);
    close(&f);
}

/* Node 1 wrote to the list, as an epoch that has ended by the list of others: they have not got it. What such a one let in,
 * nobody has asked the members about. */
static void test_admission_when_an_ended_epoch_let_it_in_then_it_is_lost_to_the_others(void **state)
{
    (void)state;
    struct fixture f;
    struct holm_members theirs;
    struct holm_stable_self self;
    open(&f);
    struct holm_vector_view list = holm_vector_view(&f.list); /* of the others: up to 1.e1:3 */
    struct holm_dot has = dot_of(1, 1, 4);
    holm_members_init(&theirs, &f.allocator);
    for (uint64_t node = 1; node <= 3; node++)
        assert_int_equal(
            holm_members_apply(&theirs, &(struct holm_member_op){.type = HOLM_MEMBER_ADMIT,
                                                                 .dot = dot_of(1, 1, node),
                                                                 .subject = actor_of(node, 1),
                                                                 .last = node == 1 ? 1 : 0}),
            HOLM_OK);
    assert_int_equal(
        holm_members_apply(
            &f.members,
            &(struct holm_member_op){.type = HOLM_MEMBER_ADMIT, .dot = has, .subject = f.actor}),
        HOLM_OK);
    self = (struct holm_stable_self){
        .actor = f.actor, .list = {&has, 1}, .members = &f.members}; /* admitted by 1.e1:4 */
    assert_false(holm_admission_lost(&f.stable, &self, &theirs, list));
    assert_true(holm_admission_take_list(&theirs, has.actor, f.actor, &theirs.founding));
    assert_int_equal(
        holm_members_apply(&theirs, &(struct holm_member_op){.type = HOLM_MEMBER_ADMIT,
                                                             .dot = dot_of(3, 1, 1),
                                                             .subject = actor_of(1, 2)}),
        HOLM_OK);
    assert_true(holm_admission_lost(&f.stable, &self, &theirs, list));
    assert_false(holm_admission_take_list(&theirs, has.actor, f.actor, &theirs.founding));
    assert_true(holm_admission_take_list(&theirs, has.actor, actor_of(3, 1), &theirs.founding));
    assert_false(
        holm_admission_lost(&f.stable, &self, &theirs, (struct holm_vector_view){&has, 1}));
    holm_members_release(&theirs);
    close(&f);
}

/* Node 3 is forgotten. Node 1 counts, and has an operation of it that is not here. */
static void test_admission_when_a_member_took_more_of_the_forgotten_then_it_is_not_beyond(
    void **state)
{
    (void)state;
    struct fixture f;
    struct holm_vector more, most;
    open(&f);
    list_op(&f, (struct holm_member_op){
                    .type = HOLM_MEMBER_FORGET, .dot = dot_of(1, 1, 4), .subject = actor_of(3, 1)});
    assert_int_equal(holm_stable_rely(&f.stable, &f.members), HOLM_OK);
    struct holm_stable_self self = self_of(&f);
    holm_vector_init(&more, &f.allocator);
    holm_vector_init(&most, &f.allocator);
    assert_int_equal(holm_vector_assign(&more, self.list), HOLM_OK);
    assert_int_equal(holm_vector_raise(&more, actor_of(3, 1), 1), HOLM_OK);
    assert_int_equal(holm_vector_assign(&most, self.list), HOLM_OK);
    assert_int_equal(holm_vector_raise(&most, actor_of(3, 1), 2), HOLM_OK);
    f.heard[0].list = holm_vector_view(&more);
    assert_int_equal(holm_admission_doubt(&f.stable, &self, f.heard, 1), HOLM_OK);
    assert_true(holm_admission_beyond(&f.stable, &self, holm_vector_view(&more)));
    f.heard[0].confirmed = true; /* under a later epoch than the listed one, by whom is not known */
    assert_int_equal(holm_admission_doubt(&f.stable, &self, f.heard, 1), HOLM_OK);
    assert_true(holm_admission_beyond(&f.stable, &self, holm_vector_view(&more)));
    f.heard[0].actor = actor_of(1, 1);
    assert_int_equal(holm_admission_doubt(&f.stable, &self, f.heard, 1), HOLM_OK);
    assert_false(holm_admission_beyond(&f.stable, &self, holm_vector_view(&more)));
    assert_true(holm_admission_beyond(&f.stable, &self, holm_vector_view(&most)));
    assert_true(holm_stable_relied(&f.stable, &f.members, actor_of(3, 1)));

    /* S grows: it may have been asked about in the meantime, and the member forgotten itself. */
    assert_int_equal(holm_stable_rely(&f.stable, &f.members), HOLM_OK);
    assert_true(holm_admission_beyond(&f.stable, &self, holm_vector_view(&more)));
    assert_int_equal(holm_admission_doubt(&f.stable, &self, f.heard, 1), HOLM_OK);
    assert_false(holm_admission_beyond(&f.stable, &self, holm_vector_view(&more)));
    assert_int_equal(holm_stable_rely_anew(&f.stable, &f.members, NULL), HOLM_OK);
    assert_true(holm_admission_beyond(&f.stable, &self, holm_vector_view(&more)));
    holm_vector_release(&more);
    holm_vector_release(&most);
    close(&f);
}

/* Node 3 has forgotten node 1, which had forgotten it first: that is void. Node 1 has taken of node 3 by then. */
static void test_admission_when_a_member_knows_the_void_forget_then_what_it_took_is_not_beyond(
    void **state)
{
    (void)state;
    struct fixture f;
    struct holm_vector more;
    open(&f);
    list_op(&f, (struct holm_member_op){
                    .type = HOLM_MEMBER_FORGET, .dot = dot_of(1, 1, 4), .subject = actor_of(3, 1)});
    assert_int_equal(holm_stable_rely(&f.stable, &f.members), HOLM_OK);
    struct holm_member_op hearsay = {
        .type = HOLM_MEMBER_FORGET, .dot = dot_of(3, 1, 1), .subject = actor_of(1, 1)};
    assert_int_equal(holm_members_apply(&f.members, &hearsay), HOLM_OK);
    assert_false(f.members.forgets[1].stands);
    struct holm_stable_self self = self_of(&f);
    holm_vector_init(&more, &f.allocator);
    assert_int_equal(holm_vector_assign(&more, self.list), HOLM_OK);
    f.heard[0].actor = actor_of(1, 1);
    f.heard[0].confirmed = true;
    f.heard[0].list = (struct holm_vector_view){f.entries, 0}; /* it knows of neither */
    assert_int_equal(holm_admission_doubt(&f.stable, &self, f.heard, 1), HOLM_OK);
    assert_true(holm_stable_relied(&f.stable, &f.members, actor_of(3, 1)));
    struct holm_dot first = dot_of(3, 1, 1);
    f.heard[0].list = (struct holm_vector_view){&first, 1}; /* of the void one alone */
    assert_int_equal(holm_admission_doubt(&f.stable, &self, f.heard, 1), HOLM_OK);
    assert_true(holm_stable_relied(&f.stable, &f.members, actor_of(3, 1)));
    assert_true(holm_admission_beyond(&f.stable, &self, f.heard[0].list));
    assert_int_equal(holm_vector_raise(&more, actor_of(3, 1), 1), HOLM_OK);
    f.heard[0].list = holm_vector_view(&more); /* of both */
    assert_true(holm_admission_beyond(&f.stable, &self, holm_vector_view(&more)));
    assert_int_equal(holm_admission_doubt(&f.stable, &self, f.heard, 1), HOLM_OK);
    assert_false(holm_admission_beyond(&f.stable, &self, holm_vector_view(&more)));
    assert_true(holm_stable_relied(&f.stable, &f.members, actor_of(3, 1)));
    holm_vector_release(&more);
    close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_admission_when_all_listed_have_restarted_then_one_is_able_to_found),
        cmocka_unit_test(test_admission_when_not_a_listed_member_then_it_founds_only_when_told),
        cmocka_unit_test(test_admission_when_all_leave_it_to_one_then_that_one_founds),
        cmocka_unit_test(test_admission_when_several_would_found_then_it_is_left_to_the_lowest),
        cmocka_unit_test(test_admission_when_asked_then_the_state_says_how_it_comes_in),
        cmocka_unit_test(
            test_admission_when_a_copy_of_the_store_is_older_or_newer_then_it_is_replaced),
        cmocka_unit_test(test_admission_when_the_state_is_forgotten_then_it_waits_until_all_know),
        cmocka_unit_test(
            test_admission_when_an_ended_epoch_let_it_in_then_it_is_lost_to_the_others),
        cmocka_unit_test(
            test_admission_when_a_member_knows_the_void_forget_then_what_it_took_is_not_beyond),
        cmocka_unit_test(test_admission_when_of_another_founding_then_the_one_that_stands_goes_on),
        cmocka_unit_test(
            test_admission_when_a_member_took_more_of_the_forgotten_then_it_is_not_beyond),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

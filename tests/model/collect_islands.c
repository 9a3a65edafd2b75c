/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Schedules in which parts of a cluster go on without each other and meet again: restored from
 * stores that are older than a forget, or newer than the epoch that was started after them. Each
 * was found by random search, and is what was left of it when every step without which it was clean
 * had been taken out; all heals in the end, as in collect_random.c.
 */
#include "tests/model/collect_script.h"
#include "tests/model/collect_state.h"

static void cut(struct world *w, int from, int to)
{
    MUST(world_tell(w, WORLD_CUT, from, to));
}

/* ---- who confirms itself */

/* The cluster restarts; A and B found at the same moment. */
static void found_both(struct world *w)
{
    for (int i = 0; i < w->node_count; i++)
        restart(w, i);
    w->hasty = true;
    world_meet(w, A);
    world_meet(w, B);
    MUST(world_confirm_itself(w, A, false));
    MUST(world_confirm_itself(w, B, false));
}

static void come_over(struct world *w, int node, int member)
{
    MUST(world_lost(w, node, member));
    MUST(!world_lost(w, member, node));
    world_give_up(w, member, node);
    come_in(w, node, member);
}

/* Each collects without the other. */
static const char *two_founders(struct world *w)
{
    found_both(w);
    put(w, B, L);
    bury(w, A, L);
    MUST(world_collect(w, A));
    list(w, A, B);
    list(w, B, A);
    if ((w->rules & WORLD_ANY_FOUNDING) == 0)
        come_over(w, B, A);
    runs(w, B, A);
    const char *harm = world_harm(w);
    return harm != NULL ? harm : world_settle(w);
}

/* C, whom A has admitted, and D knows of that, goes to B instead. Then it hears that A's founding stands. */
static const char *admitted_by_two_founders(struct world *w)
{
    found_both(w);
    come_in(w, D, A);
    MUST(world_admit(w, A, C));
    list(w, A, D);
    come_in(w, C, B);
    add(w, C, K, 5);
    world_broadcast(w, world_last_run(w, C), D);
    come_over(w, C, A);
    come_over(w, B, A);
    const char *harm = world_settle(w);
    return harm != NULL ? harm : sum_is(w, 5);
}

/* B founds upon what D is still a member of, whose present epoch it has never heard of; C goes on there,
 * and has what B wrote before. Then B comes back to D. */
static const char *back_to_what_it_was_founded_upon(struct world *w)
{
    world_forget(w, A, D);
    lists_to_all(w, A);
    reports_from_all(w, A);
    world_store(w, A);
    bomb(w, D);
    come_in(w, D, A);
    add(w, B, K, 5);
    runs(w, B, C);
    world_store(w, B);
    world_store(w, C);
    for (int i = A; i <= C; i++)
        restart(w, i);
    w->hasty = true;
    MUST(world_tell(w, WORLD_HELLO, A, B));
    MUST(world_tell(w, WORLD_HELLO, C, B));
    MUST(world_confirm_itself(w, B, false));
    world_store(w, B);
    restart(w, B);
    come_in(w, C, D);
    come_in(w, A, D);
    if (!world_admit(w, D, B)) {
        list(w, D, A);
        list(w, D, C);
        report(w, A, D);
        report(w, C, D);
        MUST(!world_admit(w, D, B)); /* all know now, but D has not what C has */
        runs(w, C, D);
        MUST(world_admit(w, D, B));
    }
    MUST(world_join(w, B, D));
    runs(w, C, D);
    const char *harm = world_settle(w);
    return harm != NULL ? harm : sum_is(w, 5);
}

static void test_collect_when_back_to_what_it_was_founded_upon_then_nothing_counts_twice(
    void **state)
{
    (void)state;
    assert_null(run(back_to_what_it_was_founded_upon, 4, WORLD_ALL_RULES));
}

/* C has forgotten all others, and collects; A, which has lost all, asks it, and then B. */
static const char *admitted_on_both_sides(struct world *w)
{
    put(w, B, K);
    world_forget(w, C, A);
    world_forget(w, C, B);
    bury(w, C, K);
    MUST(world_collect(w, C));
    bomb(w, A);
    MUST(world_admit(w, C, A));
    come_in(w, A, B);
    runs(w, A, C);
    const char *harm = world_harm(w);
    return harm != NULL ? harm : world_heal(w);
}

static void test_collect_when_two_found_at_the_same_moment_then_one_is_lost_to_the_other(
    void **state)
{
    (void)state;
    check(two_founders, 2, WORLD_ANY_FOUNDING);
    check(admitted_by_two_founders, 4, WORLD_ASK_ANYONE);
}

static void test_collect_when_both_sides_of_a_forget_are_asked_then_one_admission_counts(
    void **state)
{
    (void)state;
    check(admitted_on_both_sides, 3, WORLD_ASK_ANYONE);
}

/* All have heard all when they start: one goes on, and nobody is replaced who has anything to lose. */
static void test_collect_when_all_restart_at_once_then_the_lowest_founds(void **state)
{
    (void)state;
    static struct world w;
    world_init(&w, 4, WORLD_ALL_RULES);
    known_key(&w, K);
    for (int i = 0; i < 4; i++)
        restart(&w, i);
    for (int i = 0; i < 4; i++) {
        add(&w, i, L, 1);
        assert_false(world_confirm_itself(&w, i, false)); /* it has heard of nobody */
    }
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 4; i++) {
            world_meet(&w, i);
            assert_int_equal(world_confirm_itself(&w, i, false), round == 1 && i == A);
        }
    }
    for (int i = B; i < 4; i++)
        come_in(&w, i, A);
    assert_null(world_settle(&w));
    assert_int_equal(world_sum(&w, B, L), 4);
    world_release(&w);
}

/* ---- stores of other epochs */

/* B's store has a key that its next epoch, which starts empty, never reports; A collects by that report. */
static const char *store_put_back(struct world *w)
{
    put(w, B, L);
    world_store(w, B);
    bomb(w, B);
    bury(w, A, L);
    come_in(w, B, A);
    report(w, B, A);
    world_crash(w, B);
    MUST(world_collect(w, A));
    return world_heal(w);
}

/* As above, but it is the end of the epoch that is not known: it was folded without the last write. */
static const char *more_than_was_folded(struct world *w)
{
    put(w, A, K);
    runs(w, A, B);
    put(w, A, K);
    world_store(w, A);
    bomb(w, A);
    come_in(w, A, B);
    bury(w, B, K);
    report(w, A, B);
    MUST(world_collect(w, B));
    MUST(w->folded == 1);
    world_crash(w, A);
    return world_heal(w);
}

/* B does not know of A.e2, which C has admitted, and collects without it. */
static const char *confirmed_by_the_forgotten(struct world *w)
{
    restart(w, A);
    put(w, C, L);
    world_forget(w, B, C);
    world_forget(w, B, A);
    come_in(w, A, C);
    bury(w, B, L);
    world_store(w, A);
    world_crash(w, A);
    MUST(world_collect(w, B));
    return world_heal(w);
}

/* B is started from the older of two stores of one epoch, reports, and is started from the newer one. */
static const char *newer_copy_put_back(struct world *w)
{
    world_store(w, B);
    world_keep(w, B);
    put(w, B, L);
    world_store(w, B);
    world_swap(w, B);
    restart(w, B);
    bury(w, A, L);
    come_in(w, B, A);
    report(w, B, A);
    world_crash(w, B);
    MUST(world_collect(w, A));
    world_swap(w, B);
    return world_heal(w);
}

static void test_collect_when_there_are_two_stores_of_an_epoch_then_one_is_merged(void **state)
{
    (void)state;
    check(newer_copy_put_back, 2, WORLD_ANY_STORE);
}

static void test_collect_when_a_store_is_of_another_epoch_then_it_is_not_merged(void **state)
{
    (void)state;
    check(store_put_back, 2, WORLD_MERGE_ANY);
    check(more_than_was_folded, 2, WORLD_MERGE_ANY);
    check(confirmed_by_the_forgotten, 3, WORLD_MERGE_ANY);
}

/* An epoch that dies between its admission and its first sync has changed nothing. */
static void test_collect_when_an_epoch_died_in_between_then_the_store_is_merged(void **state)
{
    (void)state;
    static struct world w;
    world_init(&w, 3, WORLD_ALL_RULES);
    known_key(&w, K);
    put(&w, C, L);
    world_store(&w, C);
    restart(&w, C);
    MUST(world_admit(&w, A, C));
    restart(&w, C);
    come_in(&w, C, A);
    assert_int_equal(w.replaced, 0);
    assert_null(world_heal(&w));
    assert_true(world_alive(&w, B, L));
    world_release(&w);
}

/* An older store of A is to be replaced at B, which restarts before that. */
static void test_collect_when_all_restart_amid_a_replacement_then_one_goes_on(void **state)
{
    (void)state;
    static struct world w;
    world_init(&w, 2, WORLD_ALL_RULES);
    bomb(&w, A);
    come_in(&w, A, B);
    restart(&w, A);
    MUST(world_admit(&w, B, A));
    MUST(w.nodes[A].returning);
    world_store(&w, B);
    world_crash(&w, B);
    assert_null(world_heal(&w));
    world_release(&w);
}

/* ---- hearsay */

/* A and B forget each other, C hears of both, and A loses its forget. */
static const char *forget_known_by_hearsay(struct world *w)
{
    world_forget(w, A, B);
    world_forget(w, B, A);
    list(w, B, C);
    list(w, A, C);
    bury(w, C, K);
    world_crash(w, A);
    return world_heal(w);
}

/* C, empty, hears of a forget that it wrote in its former life and that A alone knows; A crashes. */
static const char *own_forget_by_hearsay(struct world *w)
{
    world_forget(w, C, B);
    list(w, C, A);
    bomb(w, C);
    list(w, A, C);
    world_crash(w, A);
    bury(w, D, K);
    return world_heal(w);
}

/* B has collected by C's forget of A, and founds on that; then somebody passes on that A had forgotten C first. */
static const char *found_upon_a_void_forget(struct world *w)
{
    int first = w->list_count;
    known_key(w, L);
    world_forget(w, A, C);
    world_forget(w, C, A);
    list(w, C, B);
    bury(w, B, K);
    runs(w, B, C);
    report(w, C, B);
    MUST(world_collect(w, B));
    world_store(w, B);
    world_store(w, C);
    restart(w, B);
    restart(w, C);
    bomb(w, A);
    MUST(found(w, B));
    come_in(w, A, B);
    world_set_add(&w->nodes[B].state.hearsay, first);
    world_members(w, B);
    MUST(!w->nodes[B].members.forgets[w->nodes[B].members.forget_count - 1].stands);
    return world_lost(w, B, A) ? "the founder is lost to who came in" : world_heal(w);
}

/* A, which has lost all, forgot C before C forgot it; D believes that by what it was told, and C comes back there. */
static const char *void_for_who_lets_in(struct world *w)
{
    world_forget(w, A, C);
    world_forget(w, C, A);
    list(w, C, D);
    int told = world_send(w, WORLD_HELLO, A, D);
    bomb(w, A);
    MUST(world_deliver_unread(w, told));
    return world_heal(w);
}

static void test_collect_when_a_forget_is_void_by_hearsay_then_it_is_for_who_comes_in(void **state)
{
    (void)state;
    check(void_for_who_lets_in, 4, WORLD_NO_BRINGING);
}

static void test_collect_when_founded_upon_a_void_forget_then_the_founder_stays(void **state)
{
    (void)state;
    check(found_upon_a_void_forget, 3, WORLD_FOUND_BY_ROW);
}

static void test_collect_when_a_forget_is_hearsay_then_it_is_said_again(void **state)
{
    (void)state;
    check(forget_known_by_hearsay, 3, WORLD_NO_REPEAT);
    check(own_forget_by_hearsay, 4, WORLD_NO_REPEAT);
}

/* ---- beyond a forget */

/* A forgets all others and collects; they go on, and B comes back there. A comes back, too. */
static const char *one_against_all(struct world *w)
{
    world_forget(w, A, B);
    world_forget(w, A, C);
    bury(w, A, L);
    MUST(world_collect(w, A));
    world_store(w, A);
    world_crash(w, A);
    put(w, C, L);
    restart(w, B);
    come_in(w, B, C);
    world_start(w, A, true, 0);
    MUST(world_admit(w, B, A));
    (void)world_join(w, A, B);
    return world_heal(w);
}

/* B collects without C, as A agrees; A comes back from before the forget, at C; then B comes back. */
static const char *agreed_and_lost(struct world *w)
{
    MUST(world_write(w, C, WORLD_DROP, L, 0));
    runs(w, C, A);
    cut(w, A, B);
    world_forget(w, B, C);
    cut(w, B, A);
    report(w, A, B);
    world_crash(w, A);
    put(w, B, K);
    MUST(world_collect(w, B));
    world_store(w, B);
    bury(w, C, K);
    world_start(w, A, true, 0);
    come_in(w, A, C);
    restart(w, B);
    MUST(world_admit(w, A, B));
    (void)world_join(w, B, A);
    return world_heal(w);
}

/* C knows of its forget and has collected nothing by it; A has taken of B until it heard of that. */
static const char *known_but_not_relied_on(struct world *w)
{
    bury(w, C, K);
    runs(w, C, A);
    world_forget(w, C, B);
    world_store(w, C);
    restart(w, C);
    MUST(world_admit(w, B, C));
    list(w, B, A);
    return world_heal(w);
}

/* A alone knows of its forget of C, and is told by B what it has collected; C goes on admitting. */
static const char *never_heard_of(struct world *w)
{
    bury(w, B, K);
    runs_to_all(w, B);
    reports_from_all(w, B);
    MUST(world_collect(w, B));
    put(w, B, L);
    world_forget(w, A, C);
    runs(w, B, A);
    world_store(w, A);
    world_crash(w, A);
    restart(w, D);
    come_in(w, D, C);
    list(w, C, B);
    return world_heal(w);
}

/* B had taken of C, before it heard that A forgets that; and A is back from what it had then. */
static const char *taken_before_it_was_heard_of(struct world *w)
{
    bury(w, B, K);
    runs_to_all(w, B);
    reports_from_all(w, B);
    MUST(world_collect(w, B));
    put(w, B, L);
    world_forget(w, A, C);
    runs(w, B, A);
    world_store(w, A);
    restart(w, D);
    come_in(w, D, C);
    list(w, C, B);
    list(w, A, B);
    restart(w, A);
    return world_heal(w);
}

/* A and D forget each other, and B, who collects, hears of D's first, which is void. C, back from before that, takes
 * over what A believes; then A has what B took of D. */
static const char *taken_by_a_void_forget(struct world *w)
{
    bury(w, B, K);
    runs_to_all(w, B);
    reports_from_all(w, B);
    MUST(world_collect(w, B));
    put(w, B, L);
    runs(w, B, A);
    world_forget(w, D, A);
    list(w, D, B);
    world_forget(w, A, D);
    restart(w, C);
    come_in(w, C, A);
    world_store(w, C);
    (void)world_tell(w, WORLD_HELLO, A, B);
    list(w, B, A);
    list(w, A, B);
    restart(w, C);
    world_crash(w, D);
    return world_heal(w);
}

static void test_collect_when_a_forget_was_not_relied_on_then_it_fences_no_cut(void **state)
{
    (void)state;
    check(never_heard_of, 4, WORLD_NO_DOUBT);
    check(taken_before_it_was_heard_of, 4, WORLD_NO_SHARING);
    check(taken_by_a_void_forget, 4, WORLD_NO_VOID_SHARING);
    assert_null(run(known_but_not_relied_on, 3, WORLD_ALL_RULES));
}

static void test_collect_when_beyond_a_forget_then_nothing_is_merged(void **state)
{
    (void)state;
    check(one_against_all, 3, WORLD_MERGE_BEYOND);
    check(agreed_and_lost, 3, WORLD_MERGE_BEYOND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            test_collect_when_two_found_at_the_same_moment_then_one_is_lost_to_the_other),
        cmocka_unit_test(
            test_collect_when_back_to_what_it_was_founded_upon_then_nothing_counts_twice),
        cmocka_unit_test(
            test_collect_when_both_sides_of_a_forget_are_asked_then_one_admission_counts),
        cmocka_unit_test(test_collect_when_all_restart_at_once_then_the_lowest_founds),
        cmocka_unit_test(test_collect_when_there_are_two_stores_of_an_epoch_then_one_is_merged),
        cmocka_unit_test(test_collect_when_a_store_is_of_another_epoch_then_it_is_not_merged),
        cmocka_unit_test(test_collect_when_an_epoch_died_in_between_then_the_store_is_merged),
        cmocka_unit_test(test_collect_when_all_restart_amid_a_replacement_then_one_goes_on),
        cmocka_unit_test(test_collect_when_founded_upon_a_void_forget_then_the_founder_stays),
        cmocka_unit_test(test_collect_when_a_forget_is_hearsay_then_it_is_said_again),
        cmocka_unit_test(test_collect_when_a_forget_is_void_by_hearsay_then_it_is_for_who_comes_in),
        cmocka_unit_test(test_collect_when_a_forget_was_not_relied_on_then_it_fences_no_cut),
        cmocka_unit_test(test_collect_when_beyond_a_forget_then_nothing_is_merged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

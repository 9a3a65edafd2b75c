/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Schedules around forgetting and returning (rule 5), epochs, folds and ghosts; as in collect.c.
 */
#include "tests/model/collect_script.h"

/* ---- rule 5 */

/* C, cut off with an old write, is forgotten by all, who collect; it returns. */
static const char *forgotten_and_returning(struct world *w)
{
    known_key(w, K);
    put(w, C, K);
    world_store(w, C);
    world_forget(w, A, C);
    lists_to_all(w, A);
    world_crash(w, C);
    bury(w, A, K);
    runs(w, A, B);
    report(w, A, B);
    report(w, B, A);
    MUST(world_collect(w, A));
    MUST(world_collect(w, B));
    world_start(w, C, true, 0);
    come_in(w, C, A);
    runs(w, C, A);
    const char *harm = world_settle(w);
    for (int i = 0; harm == NULL && i < 3; i++)
        harm = world_alive(w, i, K) ? "the key is alive again" : NULL;
    return harm;
}

/* T18 */
static void test_collect_when_forgotten_then_a_return_revives_nothing(void **state)
{
    (void)state;
    check(forgotten_and_returning, 3, WORLD_RETURN_BY_MERGE);
    check(forgotten_and_returning, 3, WORLD_REMINT_ALL);
}

/* C returns, and dies before it is replaced; its next epoch is not the one that was forgotten. */
static const char *died_while_returning(struct world *w)
{
    known_key(w, K);
    put(w, C, K);
    world_store(w, C);
    world_forget(w, A, C);
    lists_to_all(w, A);
    world_crash(w, C);
    bury(w, A, K);
    runs(w, A, B);
    report(w, A, B);
    report(w, B, A);
    MUST(world_collect(w, A));
    MUST(world_collect(w, B));
    world_start(w, C, true, 0);
    MUST(world_admit(w, A, C));
    list(w, A, B);
    report(w, B, A);
    restart(w, C);
    come_in(w, C, A);
    runs(w, C, A);
    return world_settle(w);
}

/* T40 */
static void test_collect_when_died_while_returning_then_the_next_epoch_returns_too(void **state)
{
    (void)state;
    check(died_while_returning, 3, WORLD_RETURN_BY_ROW | WORLD_MERGE_ANY);
}

/* C took D's +5 before B forgot D; B did not. D returns at B. */
static const char *returning_with_increments(struct world *w)
{
    known_key(w, L);
    add(w, D, K, 5);
    runs(w, D, C);
    world_store(w, D);
    world_crash(w, D);
    world_forget(w, B, D);
    world_start(w, D, true, 0);
    if (world_admit(w, B, D)) {
        MUST(world_join(w, D, B));
    } else {
        list(w, B, A);
        list(w, B, C);
        report(w, A, B);
        report(w, C, B);
        MUST(!world_admit(w, B, D)); /* all know now, but B has not what C had then */
        runs(w, C, B);
        come_in(w, D, B);
    }
    const char *harm = world_settle(w);
    return harm != NULL ? harm : sum_is(w, 5);
}

/* T40 */
static void test_collect_when_returning_then_what_others_took_counts_once(void **state)
{
    (void)state;
    check(returning_with_increments, 4, WORLD_RETURN_ANYWHERE);
}

/* X goes on from its store, is a member, and gets back the store of before. */
static void fall_back(struct world *w, int x)
{
    put(w, x, M); /* it has that alone */
    world_store(w, x);
    world_keep(w, x);
    put(w, x, L);
    world_store(w, x);
    restart(w, x);
    come_in(w, x, A);
    lists_to_all(w, A);
    world_crash(w, x);
    world_swap(w, x);
    world_start(w, x, true, 0);
}

/* B.e2 has told C of the +5 that B.e1 alone had, which C reads late; B is back from an older store of B.e1. */
static const char *told_by_who_went_on(struct world *w)
{
    known_key(w, L);
    add(w, B, K, 5);
    world_store(w, B);
    world_keep(w, B);
    add(w, B, K, 1);
    world_store(w, B);
    restart(w, B);
    come_in(w, B, A);
    lists_to_all(w, A);
    int unread = world_send(w, WORLD_RUNS, B, C);
    world_crash(w, B);
    world_swap(w, B);
    world_start(w, B, true, 0);
    MUST(!world_admit(w, A, B)); /* it is forgotten first */
    list(w, A, C);
    report(w, C, A);
    come_in(w, B, A);
    (void)world_deliver_unread(w, unread);
    const char *harm = world_settle(w);
    return harm != NULL ? harm : sum_is(w, 5);
}

/* B and C are back from stores that are older than what is listed of them. */
static const char *two_older_stores(struct world *w)
{
    known_key(w, L);
    fall_back(w, B);
    fall_back(w, C);
    return world_heal(w);
}

/* T40 */
static void test_collect_when_back_from_an_older_store_then_the_listed_epoch_has_ended(void **state)
{
    (void)state;
    check(told_by_who_went_on, 3, WORLD_DISOWN_STATE);
    check(two_older_stores, 3, WORLD_DISOWN_STATE);
}

/* What a returning node had of others, and nobody else has, is dropped and told. */
static void test_collect_when_returning_then_operations_of_others_are_dropped_and_told(void **state)
{
    (void)state;
    static struct world w;
    world_init(&w, 4, WORLD_ALL_RULES);
    known_key(&w, L);
    add(&w, C, K, 2);
    runs(&w, C, D);
    add(&w, D, K, 5);
    world_store(&w, D);
    bomb(&w, C); /* its +2 is at D alone */
    come_in(&w, C, A);
    world_crash(&w, D);
    world_forget(&w, A, D);
    lists_to_all(&w, A);
    assert_null(world_settle(&w));
    world_start(&w, D, true, 0);
    come_in(&w, D, A);
    assert_int_equal(w.dropped, 1);
    assert_int_equal(w.reminted, 1);
    assert_null(world_settle(&w));
    assert_null(sum_is(&w, 5));
    world_release(&w);
}

/* T40: two members forget each other. The lower dot wins; the other comes back to it. */
static void test_collect_when_two_forget_each_other_then_one_comes_back_to_the_other(void **state)
{
    (void)state;
    static struct world w;
    world_init(&w, 2, WORLD_ALL_RULES);
    known_key(&w, K);
    world_forget(&w, A, B);
    world_forget(&w, B, A);
    put(&w, A, K);
    bury(&w, B, K);
    assert_true(world_collect(&w, B));
    add(&w, B, L, 3);
    list(&w, A, B);
    list(&w, B, A);
    assert_false(world_lost(&w, A, A));
    assert_true(world_lost(&w, B, A));
    assert_int_equal(w.nodes[B].members.forget_count, 2);
    assert_true(w.nodes[B].members.forgets[0].stands);
    assert_false(w.nodes[B].members.forgets[1].stands); /* the event */
    world_store(&w, B);
    restart(&w, B);
    list(&w, A, B); /* what it believed is not stored */
    come_in(&w, B, A);
    assert_null(world_settle(&w));
    assert_int_equal(world_sum(&w, A, L), 3);
    world_release(&w);
}

/* A, cut off with an old write, forgets B; B forgets A, C knows of that, and both collect without A. */
static const char *relied_on_a_void_forget(struct world *w)
{
    known_key(w, K);
    put(w, A, K);
    world_forget(w, A, B);
    world_forget(w, B, A);
    list(w, B, C);
    bury(w, B, K);
    runs(w, B, C);
    report(w, C, B);
    report(w, B, C);
    MUST(world_collect(w, B));
    MUST(world_collect(w, C));
    list(w, A, C);
    list(w, A, B);
    if ((w->rules & WORLD_NO_BETRAYAL) == 0) {
        MUST(world_lost(w, C, A));
        come_back(w, C, A);
    }
    runs(w, A, C);
    world_store(w, B);
    runs(w, C, A);
    report(w, C, A);
    list(w, A, C);
    report(w, C, A);
    restart(w, B);
    list(w, A, B); /* what it believed is not stored */
    if ((w->rules & WORLD_NO_BETRAYAL) == 0)
        come_in(w, B, A);
    return world_settle(w);
}

/* T40 */
static void test_collect_when_relied_on_a_void_forget_then_that_one_comes_back_too(void **state)
{
    (void)state;
    check(relied_on_a_void_forget, 3, WORLD_NO_BETRAYAL);
}

/* ---- epochs, folds, ghosts */

/* B loses all, and its clock is set back behind its former epoch. */
static const char *clock_set_back(struct world *w)
{
    world_crash(w, B);
    world_start(w, B, true, 5);
    come_in(w, B, A);
    add(w, B, K, 1);
    runs(w, B, A);
    world_crash(w, B);
    world_start(w, B, false, 3);
    add(w, B, K, 5);
    MUST(world_admit(w, A, B));
    (void)world_join(w, B, A);
    const char *harm = world_settle(w);
    return harm != NULL ? harm : sum_is(w, 6);
}

/* T41 */
static void test_collect_when_a_clock_was_set_back_then_no_write_is_lost(void **state)
{
    (void)state;
    check(clock_set_back, 2, WORLD_ANY_EPOCH);
}

/* C has more of B's ended epoch than A. */
static const char *folded_early(struct world *w)
{
    add(w, B, K, 1);
    runs_to_all(w, B);
    add(w, B, K, 2);
    runs(w, B, C);
    bomb(w, B);
    come_in(w, B, A);
    (void)world_collect(w, A);
    lists_to_all(w, A);
    const char *harm = world_settle(w);
    return harm != NULL ? harm : sum_is(w, 3);
}

static void test_collect_when_an_epoch_is_folded_then_all_have_the_same_of_it(void **state)
{
    (void)state;
    check(folded_early, 3, WORLD_FOLD_EARLY);
}

/* B's former entry is put together with its present one while C, who has not heard, resets. */
static const char *folded_beside_a_reset(struct world *w)
{
    add(w, B, K, 5);
    runs_to_all(w, B);
    world_store(w, B);
    restart(w, B);
    come_in(w, B, A);
    add(w, B, K, 1);
    runs_to_all(w, B);
    lists_to_all(w, A);
    reports_from_all(w, B);
    (void)world_collect(w, B);
    if ((w->rules & WORLD_FOLD_BY_OPERATIONS) != 0)
        world_move(w, B);
    MUST(w->folded == 1);
    MUST(world_write(w, C, WORLD_RESET, K, 0));
    return world_settle(w);
}

/* B.e2 has moved what B.e1 counted, and dies before all have heard of it; B.e3 moves it again. */
static const char *moved_twice(struct world *w)
{
    add(w, B, K, 5);
    runs_to_all(w, B);
    world_store(w, B);
    restart(w, B);
    come_in(w, B, A);
    lists_to_all(w, A);
    reports_from_all(w, B);
    (void)world_collect(w, B);
    MUST(w->folded == 1);
    if ((w->rules & WORLD_FOLD_BY_OPERATIONS) != 0)
        world_move(w, B);
    runs(w, B, C);
    bomb(w, B);
    come_in(w, B, A);
    if ((w->rules & WORLD_FOLD_BY_OPERATIONS) != 0)
        world_move(w, B);
    return world_settle(w);
}

/* T13, T20 */
static void test_collect_when_entries_are_folded_then_resets_stay_exact(void **state)
{
    (void)state;
    check(folded_beside_a_reset, 3, WORLD_FOLD_BY_OPERATIONS);
    check(moved_twice, 3, WORLD_FOLD_BY_OPERATIONS);
}

/* B counts on without having seen the reset. */
static const char *ghost(struct world *w)
{
    add(w, B, K, 5);
    runs_to_all(w, B);
    MUST(world_write(w, A, WORLD_RESET, K, 0));
    (void)world_collect(w, A);
    add(w, B, K, 2);
    runs(w, B, A);
    const char *harm = world_settle(w);
    return harm != NULL ? harm : sum_is(w, 2);
}

/* T13 */
static void test_collect_when_a_counter_was_reset_then_its_ghost_waits_for_the_owner(void **state)
{
    (void)state;
    check(ghost, 3, WORLD_GHOSTS_AT_ONCE);
    static struct world w;
    world_init(&w, 3, WORLD_ALL_RULES);
    assert_null(ghost(&w));
    assert_true(world_write(&w, A, WORLD_RESET, K, 0));
    assert_null(world_settle(&w));
    assert_true(w.ghosts_gone >= 3);
    for (int i = 0; i < 3; i++)
        assert_int_equal(w.nodes[i].state.entry_count, 0);
    world_release(&w);
}

/* A drops its own ghost; then C's reset comes, which saw less of the chain; and C's state, which has more. */
static const char *ghost_made_again(struct world *w)
{
    add(w, A, K, 5);
    runs(w, A, C);
    add(w, A, K, 2);
    MUST(world_write(w, C, WORLD_RESET, K, 0));
    int reset = world_last_run(w, C);
    runs(w, A, C);
    MUST(world_write(w, A, WORLD_RESET, K, 0));
    MUST(world_collect(w, A));
    world_broadcast(w, reset, A);
    MUST(world_tell(w, WORLD_CUT, C, A));
    const char *harm = world_harm(w);
    return harm != NULL ? harm : world_settle(w);
}

/* T13 */
static void test_collect_when_a_ghost_has_gone_then_an_older_mark_makes_none(void **state)
{
    (void)state;
    check(ghost_made_again, 3, WORLD_MARKS_MAKE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_collect_when_forgotten_then_a_return_revives_nothing),
        cmocka_unit_test(test_collect_when_died_while_returning_then_the_next_epoch_returns_too),
        cmocka_unit_test(test_collect_when_returning_then_what_others_took_counts_once),
        cmocka_unit_test(
            test_collect_when_back_from_an_older_store_then_the_listed_epoch_has_ended),
        cmocka_unit_test(
            test_collect_when_returning_then_operations_of_others_are_dropped_and_told),
        cmocka_unit_test(test_collect_when_two_forget_each_other_then_one_comes_back_to_the_other),
        cmocka_unit_test(test_collect_when_relied_on_a_void_forget_then_that_one_comes_back_too),
        cmocka_unit_test(test_collect_when_a_clock_was_set_back_then_no_write_is_lost),
        cmocka_unit_test(test_collect_when_an_epoch_is_folded_then_all_have_the_same_of_it),
        cmocka_unit_test(test_collect_when_entries_are_folded_then_resets_stay_exact),
        cmocka_unit_test(test_collect_when_a_counter_was_reset_then_its_ghost_waits_for_the_owner),
        cmocka_unit_test(test_collect_when_a_ghost_has_gone_then_an_older_mark_makes_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

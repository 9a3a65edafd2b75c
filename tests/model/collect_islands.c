/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Schedules in which parts of a cluster go on without each other and meet again: restored from stores
 * that are older than a forget, or newer than the epoch that was started after them. Each was found by
 * random search, and is what was left of it when every step without which it was clean had been taken
 * out; all heals in the end, as in collect_random.c.
 */
#include "tests/model/collect_script.h"

static void cut(struct world *w, int from, int to)
{
    MUST(world_tell(w, WORLD_CUT, from, to));
}

static void start(struct world *w, int node, bool from_store)
{
    world_start(w, node, from_store, 0);
}

/* ---- who confirms itself */

/* The cluster restarts; B confirms itself, and A, which hears of that, does so too. */
static const char *two_founders(struct world *w)
{
    world_crash(w, B);
    start(w, B, true);
    world_crash(w, A);
    MUST(world_write(w, B, WORLD_PUT, L, 0));
    start(w, A, true);
    MUST(world_confirm_itself(w, A, false));
    (void)world_confirm_itself(w, B, false);
    bury(w, A, L);
    (void)world_collect(w, A);
    return world_heal(w);
}

static void test_collect_when_one_has_confirmed_itself_then_no_other_does(void **state)
{
    (void)state;
    check(two_founders, 2, WORLD_CONFIRM_TWICE);
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

static void test_collect_when_a_forget_was_not_relied_on_then_it_fences_no_cut(void **state)
{
    (void)state;
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
        cmocka_unit_test(test_collect_when_one_has_confirmed_itself_then_no_other_does),
        cmocka_unit_test(test_collect_when_a_store_is_of_another_epoch_then_it_is_not_merged),
        cmocka_unit_test(test_collect_when_an_epoch_died_in_between_then_the_store_is_merged),
        cmocka_unit_test(test_collect_when_all_restart_amid_a_replacement_then_one_goes_on),
        cmocka_unit_test(test_collect_when_a_forget_is_hearsay_then_it_is_said_again),
        cmocka_unit_test(test_collect_when_a_forget_was_not_relied_on_then_it_fences_no_cut),
        cmocka_unit_test(test_collect_when_beyond_a_forget_then_nothing_is_merged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

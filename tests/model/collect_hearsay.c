/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Schedules around what is believed of forgets that are not in the list (rule 5); as in collect.c. What a node
 * believes is not stored.
 */
#include "tests/model/collect_script.h"

/* D has collected; the run that says so is put aside. */
static int collected_by_d(struct world *w)
{
    bury(w, D, K);
    runs_to_all(w, D);
    reports_from_all(w, D);
    MUST(world_collect(w, D));
    put(w, D, L);
    return world_last_run(w, D);
}

/* The node is all that is left: it is from its state that all go on. */
static const char *goes_on_from(struct world *w, int node)
{
    for (int i = 0; i < w->node_count; i++) {
        if (i != node)
            bomb(w, i);
    }
    return found(w, node) ? world_heal(w) : "nobody goes on";
}

/* C has by hearsay that A forgets B, and in its list that D does; S comes while it believes both. It restarts, and is
 * all that is left. */
static const char *relied_on_hearsay(struct world *w)
{
    int collected = collected_by_d(w);
    world_forget(w, A, B);
    world_forget(w, B, A);
    list(w, B, C);
    world_forget(w, D, B);
    list(w, D, C);
    MUST(world_tell(w, WORLD_HELLO, A, C));
    world_broadcast(w, collected, C);
    MUST(w->nodes[C].stable.relied_count == 2);
    world_store(w, C);
    restart(w, C);
    return goes_on_from(w, C);
}

static void test_collect_when_relied_on_hearsay_then_a_restart_tells_by_whom_it_names(void **state)
{
    (void)state;
    check(relied_on_hearsay, 4, WORLD_RELIED_BY_DOT);
}

/* D, empty, is told by A that its former epoch forgot B.e2, of which C has never heard; C founds without A, and D
 * comes in there. It restarts, and is all that is left. */
static const char *hearsay_of_another_founding(struct world *w)
{
    bury(w, C, K);
    runs_to_all(w, C);
    reports_from_all(w, C);
    MUST(world_collect(w, C));
    world_store(w, C);
    restart(w, B);
    come_in(w, B, A);
    list(w, A, D);
    world_forget(w, D, B);
    list(w, D, A);
    bomb(w, D);
    MUST(world_tell(w, WORLD_HELLO, A, D));
    bomb(w, A);
    restart(w, B);
    restart(w, C);
    w->hasty = true;
    MUST(world_tell(w, WORLD_HELLO, A, C));
    MUST(world_tell(w, WORLD_HELLO, B, C));
    MUST(world_tell(w, WORLD_HELLO, D, C));
    MUST(world_confirm_itself(w, C, false));
    w->hasty = false;
    come_in(w, D, C);
    world_store(w, D);
    restart(w, D);
    return goes_on_from(w, D);
}

static void test_collect_when_told_by_another_founding_then_it_is_left_behind(void **state)
{
    (void)state;
    check(hearsay_of_another_founding, 4, WORLD_ANY_HEARSAY);
}

/* D's forget of C is void, by C's of D; D has lost all, and hears of its own alone. */
static void void_forget_of_who_lost_all(struct world *w, int c, int d)
{
    world_forget(w, c, d);
    world_forget(w, d, c);
    for (int i = 0; i < w->node_count; i++) {
        list(w, d, i);
        list(w, c, i);
    }
    bomb(w, d);
    MUST(world_tell(w, WORLD_HELLO, A, d));
    MUST(holm_members_forgotten(&w->nodes[d].members, w->nodes[c].actor));
}

/* It comes in, and S with what it is told. */
static const char *told_before_the_list(struct world *w)
{
    (void)collected_by_d(w);
    void_forget_of_who_lost_all(w, C, D);
    come_in(w, D, A);
    return world_lost(w, D, A) ? "who came in is lost at once" : world_heal(w);
}

static void test_collect_when_told_before_the_list_then_it_was_not_relied_on(void **state)
{
    (void)state;
    check(told_before_the_list, 4, WORLD_NOTE_ON_THE_WAY);
}

/* Nobody but the one that it takes for forgotten is left to ask; and that one says nothing twice. */
static const char *filled_by_who_is_forgotten_by_hearsay(struct world *w)
{
    void_forget_of_who_lost_all(w, A, B);
    MUST(world_admit(w, A, B));
    return world_join(w, B, A) ? world_heal(w) : "what its member has is not taken";
}

static void test_collect_when_its_member_is_forgotten_by_hearsay_then_it_is_heard_out(void **state)
{
    (void)state;
    check(filled_by_who_is_forgotten_by_hearsay, 2, WORLD_DEAF);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_collect_when_relied_on_hearsay_then_a_restart_tells_by_whom_it_names),
        cmocka_unit_test(test_collect_when_told_by_another_founding_then_it_is_left_behind),
        cmocka_unit_test(test_collect_when_told_before_the_list_then_it_was_not_relied_on),
        cmocka_unit_test(test_collect_when_its_member_is_forgotten_by_hearsay_then_it_is_heard_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

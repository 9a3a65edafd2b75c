/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Schedules that break collection when one rule is left out, and do not when all are kept. Each is run
 * both ways: a schedule that shows no harm without its rule proves nothing.
 */
#include "tests/model/collect_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* ---- how schedules are told */

typedef const char *schedule(struct world *world);

static void must_hold(bool truth, const char *what, int line)
{
    if (truth)
        return;
    (void)fprintf(stderr, "collect.c:%d: the schedule does not go as told: %s\n", line, what);
    abort();
}
#define MUST(truth) must_hold(truth, #truth, __LINE__)

static void runs(struct world *w, int from, int to)
{
    (void)world_tell(w, WORLD_RUNS, from, to);
}

static void list(struct world *w, int from, int to)
{
    (void)world_tell(w, WORLD_LIST, from, to);
}

static void report(struct world *w, int from, int to)
{
    (void)world_tell(w, WORLD_REPORT, from, to);
}

/* All that the node has of data reaches all others. */
static void runs_to_all(struct world *w, int from)
{
    for (int to = 0; to < w->node_count; to++)
        runs(w, from, to);
}

static void lists_to_all(struct world *w, int from)
{
    for (int to = 0; to < w->node_count; to++)
        list(w, from, to);
}

static void reports_from_all(struct world *w, int to)
{
    for (int from = 0; from < w->node_count; from++)
        report(w, from, to);
}

static void put(struct world *w, int node, int key)
{
    MUST(world_write(w, node, WORLD_PUT, key, 0));
}

static void bury(struct world *w, int node, int key)
{
    MUST(world_write(w, node, WORLD_BURY, key, 0));
}

static void add(struct world *w, int node, int key, int64_t amount)
{
    MUST(world_write(w, node, WORLD_COUNT, key, amount));
}

/* A key that all have, stored by all. */
static void known_key(struct world *w, int key)
{
    put(w, A, key);
    runs_to_all(w, A);
    for (int i = 0; i < w->node_count; i++)
        world_store(w, i);
}

static void restart(struct world *w, int node)
{
    world_crash(w, node);
    world_start(w, node, true, 0);
}

static void bomb(struct world *w, int node)
{
    world_crash(w, node);
    world_start(w, node, false, 0);
}

static void come_in(struct world *w, int node, int member)
{
    MUST(world_admit(w, member, node));
    MUST(world_join(w, node, member));
}

/* A node that is lost to `member`, where nobody else is left to be asked, comes back there. */
static void come_back(struct world *w, int node, int member)
{
    world_give_up(w, member, node);
    for (int i = 0; i < w->node_count; i++) {
        if (i == node || i == member)
            continue;
        list(w, member, i);
        runs(w, i, member);
        report(w, i, member);
    }
    come_in(w, node, member);
}

static const char *sum_is(struct world *w, int64_t expected)
{
    for (int i = 0; i < w->node_count; i++) {
        if (!w->nodes[i].alive || world_sum(w, i, K) == expected)
            continue;
        (void)snprintf(w->harm, sizeof w->harm, "%c counts %d", 'A' + i, (int)world_sum(w, i, K));
        return w->harm;
    }
    return NULL;
}

static const char *run(schedule *tell, int nodes, uint32_t left_out)
{
    static struct world world;
    static char harm[sizeof world.harm];
    world_init(&world, nodes, left_out);
    const char *told = tell(&world);
    if (told != NULL)
        (void)snprintf(harm, sizeof harm, "%s", told);
    world_release(&world);
    return told == NULL ? NULL : harm;
}

static void check(schedule *tell, int nodes, uint32_t rule)
{
    const char *harm = run(tell, nodes, WORLD_ALL_RULES);
    if (harm != NULL)
        fail_msg("with all rules: %s", harm);
    harm = run(tell, nodes, rule);
    if (harm == NULL)
        fail_msg("without its rule, the schedule does no harm");
    printf("    without the rule: %s\n", harm);
}

/* ---- rule 1 */

/* C's write is at B, and A has been told by B and C that they have the tombstone, but has not got
 * what they had before it. */
static const char *write_on_its_way(struct world *w)
{
    known_key(w, K);
    put(w, C, K);
    runs(w, C, B);
    bury(w, A, K);
    runs(w, A, B);
    runs(w, A, C);
    report(w, B, A);
    report(w, C, A);
    (void)world_collect(w, A);
    runs(w, C, A);
    return world_settle(w);
}

/* T18 */
static void test_collect_when_a_write_is_on_its_way_then_the_key_stays_dead(void **state)
{
    (void)state;
    check(write_on_its_way, 3, WORLD_NO_CLOSURE);
}

/* C is cut off with a write that nobody has; the others collect as far as they can. */
static const char *isolated(struct world *w)
{
    known_key(w, K);
    put(w, C, K);
    bury(w, A, K);
    runs(w, A, B);
    report(w, B, A);
    report(w, A, B);
    MUST(!world_collect(w, A) || (w->rules & WORLD_FORGET_AT_ONCE) != 0);
    if ((w->rules & WORLD_FORGET_AT_ONCE) != 0) { /* somebody is impatient */
        world_forget(w, A, C);
        (void)world_collect(w, A);
        runs(w, C, B); /* B has not heard of that */
    }
    runs(w, C, B);
    runs(w, B, A);
    return world_settle(w);
}

/* T18: C heals. Without rule 5, it is left out of rule 1 before all others know that it is. */
static void test_collect_when_a_member_is_cut_off_then_nothing_goes_without_it(void **state)
{
    (void)state;
    check(isolated, 3, WORLD_FORGET_AT_ONCE);
}

/* W (C) was restored from before the tombstone, and whoever confirms it has collected nothing. */
static const char *restored_and_confirmed(struct world *w)
{
    known_key(w, K);
    bury(w, A, K);
    runs(w, A, B);
    runs(w, A, C);
    report(w, B, A);
    report(w, C, A);
    restart(w, C);
    come_in(w, C, B);
    (void)world_collect(w, A);
    MUST(w->collected == 1);
    (void)world_write(w, C, WORLD_PUT, K, 0);
    return world_settle(w);
}

/* T35 */
static void test_collect_when_a_restored_member_is_confirmed_then_it_has_all_of_its_server(
    void **state)
{
    (void)state;
    check(restored_and_confirmed, 3, WORLD_CONFIRM_BY_S);
}

/* As above, but its new epoch is known to A, which has a report of the former one alone. */
static const char *report_of_a_former_epoch(struct world *w)
{
    known_key(w, K);
    runs_to_all(w, A);
    bury(w, A, K);
    runs(w, A, C);
    report(w, C, A);
    restart(w, C);
    come_in(w, C, B);
    put(w, C, K); /* nobody whom it has met has the tombstone */
    lists_to_all(w, B);
    runs(w, A, B);
    report(w, B, A);
    (void)world_collect(w, A);
    runs(w, C, A);
    return world_settle(w);
}

/* T35 */
static void test_collect_when_a_member_has_a_new_epoch_then_its_old_report_is_worth_nothing(
    void **state)
{
    (void)state;
    check(report_of_a_former_epoch, 3, WORLD_NO_EPOCH);
}

/* W (D) is admitted at Y (B); the cut comes from Z (C), which has neither tombstone nor admission. */
static const char *admitted_here_cut_there(struct world *w)
{
    known_key(w, K);
    bury(w, A, K);
    runs(w, A, B);
    runs(w, A, D);
    report(w, B, A);
    report(w, D, A);
    restart(w, D);
    MUST(world_admit(w, B, D));
    list(w, B, D);
    bool confirmed = world_join(w, D, C);
    runs(w, A, C);
    report(w, C, A);
    (void)world_collect(w, A);
    MUST(w->collected == 1);
    (void)world_write(w, D, WORLD_PUT, K, 0);
    if (!confirmed)
        MUST(world_join(w, D, B));
    return world_settle(w);
}

/* T36 */
static void test_collect_when_admitted_in_one_list_then_no_other_cut_confirms(void **state)
{
    (void)state;
    check(admitted_here_cut_there, 4, WORLD_ADMIT_ANYWHERE);
}

/* Y (B) published o, which is still on its way, and died. Z (C) reports before it knows of Y's next
 * epoch, and takes o then. */
static const char *late_broadcast_before_the_fence(struct world *w)
{
    known_key(w, K);
    put(w, B, K);
    int o = world_last_run(w, B);
    restart(w, B);
    bury(w, A, K);
    runs(w, A, C);
    come_in(w, B, A);
    report(w, B, A);
    report(w, C, A);
    (void)world_collect(w, A);
    world_broadcast(w, o, C);
    runs(w, C, A);
    return world_settle(w);
}

/* T37 */
static void test_collect_when_a_report_does_not_know_an_epoch_then_it_is_worth_nothing(void **state)
{
    (void)state;
    check(late_broadcast_before_the_fence, 3, WORLD_NO_ADMISSIONS);
}

/* Y (B) has admitted W (C) before it had the tombstone, and says both in one report; X (A) has the
 * tombstone, but not Y's list. */
static const char *report_with_an_unknown_list(struct world *w)
{
    known_key(w, K);
    bury(w, A, K);
    runs(w, A, C);
    report(w, C, A);
    restart(w, C);
    come_in(w, C, B);
    put(w, C, K);
    runs(w, A, B);
    report(w, B, A);
    (void)world_collect(w, A);
    list(w, B, A);
    runs(w, C, A);
    return world_settle(w);
}

/* T36 */
static void test_collect_when_a_report_knows_more_of_the_list_then_it_waits(void **state)
{
    (void)state;
    check(report_with_an_unknown_list, 3, WORLD_NO_LIST_CLOSURE);
}

/* ---- rule 2 */

/* A collects, and writes the key again; C still has the tombstone. */
static const char *written_again(struct world *w)
{
    known_key(w, K);
    bury(w, A, K);
    runs_to_all(w, A);
    reports_from_all(w, A);
    MUST(world_collect(w, A));
    put(w, A, K);
    runs(w, A, C);
    MUST((w->rules & WORLD_NO_TELLING) != 0 || world_alive(w, C, K));
    return world_settle(w);
}

static void test_collect_when_a_key_is_written_again_then_it_lives_everywhere(void **state)
{
    (void)state;
    check(written_again, 3, WORLD_NO_TELLING);
}

/* A's new write is held back at C for want of o, which the tombstone is there to kill. */
static const char *collected_before_its_causes(struct world *w)
{
    known_key(w, K);
    put(w, B, K);
    int o = world_last_run(w, B);
    bury(w, A, K);
    runs(w, A, B);
    runs(w, A, C);
    world_broadcast(w, o, A);
    report(w, B, A);
    report(w, C, A);
    MUST(world_collect(w, A));
    put(w, A, L);
    world_broadcast(w, world_last_run(w, A), C);
    world_broadcast(w, o, C);
    return world_settle(w);
}

/* T39 */
static void test_collect_when_s_comes_before_its_causes_then_it_waits_for_them(void **state)
{
    (void)state;
    check(collected_before_its_causes, 3, WORLD_TELL_ON_RECEIPT);
}

/* ---- rule 3 */

/* Stale W (C) writes, then catches up past the tombstone and its collection. */
static const char *written_while_provisional(struct world *w)
{
    known_key(w, K);
    bury(w, A, K);
    runs_to_all(w, A);
    for (int i = 0; i < 3; i++)
        reports_from_all(w, i);
    MUST(world_collect(w, A));
    restart(w, C);
    put(w, C, K);
    come_in(w, C, A);
    MUST(world_alive(w, C, K));
    return world_settle(w);
}

/* T38 */
static void test_collect_when_written_before_the_confirmation_then_it_is_minted_after_it(
    void **state)
{
    (void)state;
    check(written_while_provisional, 3, WORLD_PROVISIONAL_DOTS);
}

/* D's tombstone is at C, both told A so, and both were restored from before it. C has heard A, B and D
 * when it confirms itself; the tombstone reaches A and B only then. */
static const char *confirmed_beside_the_living(struct world *w)
{
    known_key(w, K);
    bury(w, D, K);
    int t = world_last_run(w, D);
    runs(w, D, C);
    report(w, C, A);
    report(w, D, A);
    restart(w, C);
    restart(w, D);
    if (!world_confirm_itself(w, C, false))
        come_in(w, C, A);
    world_broadcast(w, t, A);
    world_broadcast(w, t, B);
    report(w, B, A);
    (void)world_collect(w, A);
    put(w, C, K);
    list(w, C, A);
    runs(w, C, A);
    if (!w->nodes[D].confirmed)
        come_in(w, D, A);
    return world_settle(w);
}

static void test_collect_when_a_member_lives_then_nobody_confirms_itself(void **state)
{
    (void)state;
    check(confirmed_beside_the_living, 4, WORLD_CONFIRM_ALONE);
}

/* C was restored from before it knew that B's first epoch has ended, and a late run of that one reaches
 * it before it is admitted. */
static const char *late_broadcast_to_the_provisional(struct world *w)
{
    known_key(w, K);
    put(w, B, K);
    int o = world_last_run(w, B);
    restart(w, B);
    come_in(w, B, A);
    list(w, A, C);
    bury(w, A, K);
    runs(w, A, B);
    runs(w, A, C);
    for (int i = 0; i < 3; i++)
        reports_from_all(w, i);
    MUST(world_collect(w, A));
    restart(w, C);
    world_broadcast(w, o, C);
    come_in(w, C, A);
    return world_settle(w);
}

static void test_collect_when_provisional_then_nothing_but_the_confirming_cut_is_taken(void **state)
{
    (void)state;
    check(late_broadcast_to_the_provisional, 3, WORLD_PROVISIONAL_HEARS);
}

/* All crash, come back from their stores, hear of each other, and go on. */
static const char *whole_cluster_restarts(struct world *w)
{
    known_key(w, K);
    bury(w, B, K);
    runs(w, B, C);
    world_store(w, B);
    world_store(w, C);
    for (int i = 0; i < 3; i++)
        restart(w, i);
    put(w, A, K); /* A has not seen the tombstone */
    world_crash(w, C);
    MUST(!world_confirm_itself(w, A, false));
    MUST(world_alive(w, A, K));
    world_start(w, C, true, 0);
    MUST(world_confirm_itself(w, A, false));
    MUST(!world_alive(w, A, K));
    come_in(w, B, A);
    come_in(w, C, B);
    const char *harm = world_settle(w);
    return harm != NULL ? harm : w->collected == 3 ? NULL : "not collected";
}

static void test_collect_when_a_whole_cluster_restarts_then_it_confirms_itself(void **state)
{
    (void)state;
    assert_null(run(whole_cluster_restarts, 3, WORLD_ALL_RULES));
}

/* ---- rule 4 */

/* Z (C) knows of Y's (B's) next epoch, and has said so, when o comes at last. */
static const char *late_broadcast_behind_the_fence(struct world *w)
{
    known_key(w, K);
    put(w, B, K);
    int o = world_last_run(w, B);
    restart(w, B);
    bury(w, A, K);
    runs(w, A, C);
    come_in(w, B, A);
    list(w, A, C);
    report(w, B, A);
    report(w, C, A);
    MUST(world_collect(w, A));
    world_broadcast(w, o, C);
    runs(w, C, A);
    return world_settle(w);
}

/* o sits in the buffer of a link. */
static const char *unread_bytes(struct world *w)
{
    known_key(w, K);
    put(w, B, K);
    int answer = world_send(w, WORLD_RUNS, B, C);
    restart(w, B);
    bury(w, A, K);
    runs(w, A, C);
    come_in(w, B, A);
    list(w, A, C);
    report(w, B, A);
    report(w, C, A);
    MUST(world_collect(w, A));
    (void)world_deliver_unread(w, answer);
    runs(w, C, A);
    return world_settle(w);
}

/* T37 */
static void test_collect_when_an_epoch_has_ended_then_its_late_runs_are_not_taken(void **state)
{
    (void)state;
    check(late_broadcast_behind_the_fence, 3, WORLD_NO_FENCE);
    check(unread_bytes, 3, WORLD_NO_FENCE);
}

/* o is held back at Z (C) behind a gap that A can fill. */
static const char *held_back(struct world *w)
{
    known_key(w, K);
    put(w, B, L);
    int gap = world_last_run(w, B);
    put(w, B, K);
    world_broadcast(w, world_last_run(w, B), C);
    world_broadcast(w, gap, A);
    restart(w, B);
    bury(w, A, K);
    come_in(w, B, A);
    report(w, B, A);
    list(w, A, C);
    int answer = world_send(w, WORLD_RUNS, A, C);
    MUST((w->rules & WORLD_NO_PURGE) != 0 || w->nodes[C].held_count == 0);
    (void)world_deliver(w, answer);
    report(w, C, A);
    (void)world_collect(w, A);
    runs(w, C, A);
    return world_settle(w);
}

/* As above, but the report is made of what was there before the gap was filled. */
static const char *held_back_past_a_report(struct world *w)
{
    known_key(w, K);
    put(w, B, L);
    int gap = world_last_run(w, B);
    put(w, B, K);
    world_broadcast(w, world_last_run(w, B), C);
    bury(w, A, K);
    runs(w, A, C);
    world_broadcast(w, gap, A);
    restart(w, B);
    come_in(w, B, A);
    report(w, B, A);
    list(w, A, C);
    report(w, C, A);
    MUST(world_collect(w, A));
    runs(w, A, C);
    runs(w, C, A);
    return world_settle(w);
}

/* T37, T34 */
static void test_collect_when_an_epoch_has_ended_then_what_is_held_of_it_goes(void **state)
{
    (void)state;
    assert_null(run(held_back, 3, WORLD_ALL_RULES));
    check(held_back_past_a_report, 3, WORLD_NO_PURGE);
}

/* B admits C without having the tombstone, and loses all. A knows nothing of that, but cannot count on
 * what C said before: it did not know of B's next epoch then. */
static const char *admission_that_died(struct world *w)
{
    known_key(w, K);
    bury(w, A, K);
    runs(w, A, C);
    report(w, C, A);
    restart(w, C);
    come_in(w, C, B);
    bomb(w, B);
    come_in(w, B, A);
    report(w, B, A);
    MUST(!world_collect(w, A) || (w->rules & WORLD_NO_ADMISSIONS) != 0);
    put(w, C, K);
    list(w, C, A);
    runs(w, C, A);
    return world_settle(w);
}

/* C was restored from before it knew that B is forgotten, and B, who does not know, admits it. */
static const char *admitted_by_the_forgotten(struct world *w)
{
    known_key(w, K);
    world_forget(w, A, B);
    list(w, A, C);
    bury(w, A, K);
    runs(w, A, C);
    report(w, C, A);
    restart(w, C);
    come_in(w, C, B);
    MUST(world_collect(w, A));
    put(w, C, K);
    list(w, C, A);
    runs(w, C, A);
    if ((w->rules & WORLD_NO_LIST_FENCE) == 0) {
        MUST(world_lost(w, C, A));
        come_back(w, C, A);
    }
    return world_settle(w);
}

static void test_collect_when_an_admission_has_died_with_its_author_then_it_is_worth_nothing(
    void **state)
{
    (void)state;
    check(admission_that_died, 3, WORLD_NO_ADMISSIONS);
    check(admitted_by_the_forgotten, 3, WORLD_NO_LIST_FENCE);
}

/* T34: the gap died with its writer. */
static void test_collect_when_a_gap_has_died_then_nothing_is_held_for_ever(void **state)
{
    (void)state;
    static struct world w;
    world_init(&w, 3, WORLD_ALL_RULES);
    put(&w, A, K);
    put(&w, A, K);
    world_broadcast(&w, world_last_run(&w, A), B);
    assert_int_equal(w.nodes[B].held_count, 1);
    bomb(&w, A);
    come_in(&w, A, C);
    list(&w, C, B);
    assert_int_equal(w.nodes[B].held_count, 0);
    assert_null(world_settle(&w));
    world_release(&w);
}

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
    restart(w, C);
    report(w, B, A);
    come_in(w, C, A);
    runs(w, C, A);
    return world_settle(w);
}

/* T40 */
static void test_collect_when_died_while_returning_then_the_next_epoch_returns_too(void **state)
{
    (void)state;
    check(died_while_returning, 3, WORLD_RETURN_BY_ROW);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_collect_when_a_write_is_on_its_way_then_the_key_stays_dead),
        cmocka_unit_test(test_collect_when_a_member_is_cut_off_then_nothing_goes_without_it),
        cmocka_unit_test(
            test_collect_when_a_restored_member_is_confirmed_then_it_has_all_of_its_server),
        cmocka_unit_test(
            test_collect_when_a_member_has_a_new_epoch_then_its_old_report_is_worth_nothing),
        cmocka_unit_test(test_collect_when_admitted_in_one_list_then_no_other_cut_confirms),
        cmocka_unit_test(
            test_collect_when_a_report_does_not_know_an_epoch_then_it_is_worth_nothing),
        cmocka_unit_test(test_collect_when_a_report_knows_more_of_the_list_then_it_waits),
        cmocka_unit_test(test_collect_when_a_key_is_written_again_then_it_lives_everywhere),
        cmocka_unit_test(test_collect_when_s_comes_before_its_causes_then_it_waits_for_them),
        cmocka_unit_test(
            test_collect_when_written_before_the_confirmation_then_it_is_minted_after_it),
        cmocka_unit_test(test_collect_when_a_member_lives_then_nobody_confirms_itself),
        cmocka_unit_test(
            test_collect_when_provisional_then_nothing_but_the_confirming_cut_is_taken),
        cmocka_unit_test(test_collect_when_a_whole_cluster_restarts_then_it_confirms_itself),
        cmocka_unit_test(test_collect_when_an_epoch_has_ended_then_its_late_runs_are_not_taken),
        cmocka_unit_test(test_collect_when_an_epoch_has_ended_then_what_is_held_of_it_goes),
        cmocka_unit_test(
            test_collect_when_an_admission_has_died_with_its_author_then_it_is_worth_nothing),
        cmocka_unit_test(test_collect_when_a_gap_has_died_then_nothing_is_held_for_ever),
        cmocka_unit_test(test_collect_when_forgotten_then_a_return_revives_nothing),
        cmocka_unit_test(test_collect_when_died_while_returning_then_the_next_epoch_returns_too),
        cmocka_unit_test(test_collect_when_returning_then_what_others_took_counts_once),
        cmocka_unit_test(
            test_collect_when_returning_then_operations_of_others_are_dropped_and_told),
        cmocka_unit_test(test_collect_when_two_forget_each_other_then_one_comes_back_to_the_other),
        cmocka_unit_test(test_collect_when_relied_on_a_void_forget_then_that_one_comes_back_too),
        cmocka_unit_test(test_collect_when_a_clock_was_set_back_then_no_write_is_lost),
        cmocka_unit_test(test_collect_when_an_epoch_is_folded_then_all_have_the_same_of_it),
        cmocka_unit_test(test_collect_when_entries_are_folded_then_resets_stay_exact),
        cmocka_unit_test(test_collect_when_a_counter_was_reset_then_its_ghost_waits_for_the_owner),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

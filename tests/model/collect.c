/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Schedules that break collection when one of the rules 1 to 4 is left out, and do not when all are kept.
 */
#include "tests/model/collect_script.h"

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

/* T35, T37: as above, but what C had reported is told to A by B: before B knew that C's next epoch was admitted
 * (it sat unread), and once A has heard of that. */
static const char *late_report_of_a_former_epoch(struct world *w)
{
    known_key(w, K);
    runs_to_all(w, A);
    bury(w, A, K);
    runs(w, A, C);
    report(w, C, B);
    int late = world_send_passed(w, B, C, A);
    restart(w, C);
    come_in(w, C, B);
    put(w, C, K);
    lists_to_all(w, B);
    (void)world_deliver_unread(w, late);
    runs(w, A, B);
    report(w, B, A);
    (void)world_collect(w, A);
    runs(w, C, A);
    return world_settle(w);
}

/* T35 */
static void test_collect_when_a_former_epoch_is_passed_on_late_then_it_is_worth_nothing(
    void **state)
{
    (void)state;
    check(late_report_of_a_former_epoch, 3, WORLD_NO_EPOCH);
}

/* D is a clone of B: C lets it in, and dies before anyone hears of that; but A has heard what D has. It is ended. */
static const char *report_of_a_clone(struct world *w)
{
    known_key(w, K);
    int clone = world_clone(w, B);
    world_start(w, clone, true, 0);
    come_in(w, clone, C);
    report(w, clone, A);
    world_end(w, clone);
    bomb(w, C);
    bury(w, A, K);
    return world_heal(w);
}

static void test_collect_when_a_clone_has_reported_then_the_listed_epoch_counts(void **state)
{
    (void)state;
    check(report_of_a_clone, 3, WORLD_HIGHEST_REPORT);
}

/* T36: B admits C and dies before anyone hears of it. A has C's report from D, who never met B: it does not know
 * of B's next epoch, nor does A know of C's. */
static const char *passed_over_an_admission_that_died(struct world *w)
{
    known_key(w, K);
    bury(w, A, K);
    runs(w, A, C);
    runs(w, A, D);
    report(w, C, D);
    restart(w, C);
    come_in(w, C, B);
    bomb(w, B);
    come_in(w, B, A);
    report(w, B, A);
    list(w, A, D);
    report(w, D, A);
    passed(w, D, C, A);
    MUST(!world_collect(w, A) || (w->rules & WORLD_NO_ADMISSIONS) != 0);
    put(w, C, K);
    list(w, C, A);
    runs(w, C, A);
    return world_heal(w);
}

/* T36 */
static void test_collect_when_a_report_is_passed_over_a_lost_admission_then_nothing_goes(
    void **state)
{
    (void)state;
    check(passed_over_an_admission_that_died, 4, WORLD_NO_ADMISSIONS | WORLD_NO_LIST_FENCE);
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
    if (!found(w, C))
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
    MUST(!found(w, A));
    MUST(world_alive(w, A, K));
    world_start(w, C, true, 0);
    MUST(found(w, A));
    MUST(!world_alive(w, A, K));
    come_in(w, B, A);
    list(w, A, B);
    report(w, B, A);
    come_in(w, C, A);
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
    return world_heal(w);
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
    check(admission_that_died, 3, WORLD_NO_ADMISSIONS | WORLD_NO_LIST_FENCE);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_collect_when_a_write_is_on_its_way_then_the_key_stays_dead),
        cmocka_unit_test(test_collect_when_a_member_is_cut_off_then_nothing_goes_without_it),
        cmocka_unit_test(
            test_collect_when_a_restored_member_is_confirmed_then_it_has_all_of_its_server),
        cmocka_unit_test(
            test_collect_when_a_member_has_a_new_epoch_then_its_old_report_is_worth_nothing),
        cmocka_unit_test(
            test_collect_when_a_former_epoch_is_passed_on_late_then_it_is_worth_nothing),
        cmocka_unit_test(test_collect_when_a_clone_has_reported_then_the_listed_epoch_counts),
        cmocka_unit_test(
            test_collect_when_a_report_is_passed_over_a_lost_admission_then_nothing_goes),
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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

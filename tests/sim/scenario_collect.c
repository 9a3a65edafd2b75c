/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Schedules that broke an earlier draft of the rules of retention `stable` (crdt/stable.h): what is collected is not
 * needed any more, however late a frame comes and whoever comes back from an older store. T18 T19 T35 T36 T37 T38 T39
 *
 * X, Y and Z are n0, n1 and n2, W is the last.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/sim/story.h"

#define X 0u
#define Y 1u
#define Z 2u

#define BIT(type) (1u << (type))
#define DELTA BIT(HOLM_MESSAGE_DELTA)
#define ANSWERS                                                                                    \
    (BIT(HOLM_MESSAGE_DELTAS) | BIT(HOLM_MESSAGE_FEED) | BIT(HOLM_MESSAGE_SYNC_CUT) |              \
     BIT(HOLM_MESSAGE_SYNC_TELL) | BIT(HOLM_MESSAGE_SYNC_PAGE))
#define REPORT BIT(HOLM_MESSAGE_REPORT)

/* Of the partitions of data, not of the member list; and the other way about. */
static bool of_data(void *context, const struct holm_message *message)
{
    (void)context;
    return message->partition < STORY_PARTITIONS;
}

static bool of_list(void *context, const struct holm_message *message)
{
    (void)context;
    return message->partition == STORY_PARTITIONS;
}

static uint32_t drop(struct story *story, uint32_t from, uint32_t to, uint32_t types,
                     bool (*match)(void *, const struct holm_message *))
{
    struct holm_gate gate = {.verdict = HOLM_NETWORK_DROP,
                             .from = UINT64_C(1) << from,
                             .to = UINT64_C(1) << to,
                             .types = types,
                             .match = match};
    return holm_gate_set(story->world, &gate);
}

static bool has_tombstone(const struct story *story, uint32_t node)
{
    return !story_collected(story, node);
}

static uint64_t digest_breaches(const struct story *story)
{
    uint64_t count = 0;
    for (uint32_t i = 0; i < story->nodes; i++) {
        if (holm_world_alive(story->world, i))
            count += story_stats(story, i).digest_breaches;
    }
    return count;
}

/* All are members, show the same, and have collected. */
static void expect_one_outcome(struct story *story, const char *key, bool alive)
{
    story_run(story, 40000);
    story_expect_members(story, story->nodes);
    story_converge(story, 5000);
    story_expect_exists(story, key, alive);
    story_expect_collected(story, true);
    story_expect_exists(story, key, alive);
    assert_int_equal(digest_breaches(story), 0);
}

/* ---- T18 ------------------------------------------------------------------------------------ */

/* T18: Z is cut off, with a write of its own that nobody has; nothing can be collected without it. */
static void test_collect_when_an_isolated_node_heals_then_the_dead_stay_dead(void **state)
{
    (void)state;
    struct story *story = story_new(3, STORY_STABLE | STORY_DISKS);
    story_begin(story);
    story_put(story, X, "k", 1);
    story_converge(story, 2000);
    story_split(story, Z, true);
    story_run(story, 5000);
    story_put(story, Z, "k", 2);
    story_add(story, Z, "k", 3);
    story_bury(story, X, "k");
    story_run(story, 60000);
    assert_true(has_tombstone(story, X) && has_tombstone(story, Y));
    holm_world_crash(story->world, X); /* and the tombstone is on its disk */
    story_start(story, X);
    story_run(story, 20000);
    assert_true(has_tombstone(story, X));
    story_split(story, Z, false);
    expect_one_outcome(story, "k", false);
    story_end(story);
}

/* T18, once more: Z is forgotten meanwhile, so all that is known of k goes; and comes back. */
static void test_collect_when_a_forgotten_node_returns_then_the_dead_stay_dead(void **state)
{
    (void)state;
    struct story *story = story_new(3, STORY_STABLE | STORY_DISKS);
    story_begin(story);
    story_put(story, X, "k", 1);
    story_put(story, X, "other", 1);
    story_converge(story, 2000);
    story_split(story, Z, true);
    story_run(story, 5000);
    story_put(story, Z, "k", 2);
    story_put(story, Z, "fresh", 2);
    story_bury(story, X, "k");
    struct holm_engine *engine = holm_world_engine(story->world, X);
    assert_int_equal(holm_engine_forget(engine,
                                        holm_engine_self(holm_world_engine(story->world, Z)).node,
                                        holm_world_clock(story->world, X)),
                     HOLM_OK);
    story_run(story, 60000);
    assert_true(story_collected(story, X) && story_collected(story, Y));
    holm_world_crash(story->world, Z); /* it comes back from its disk, where k is alive */
    story_start(story, Z);
    story_run(story, 2000);
    assert_true(story_exists(story, Z, "k"));
    story_split(story, Z, false);
    expect_one_outcome(story, "k", false);
    story_expect_exists(story, "fresh", true);
    story_expect_exists(story, "other", true);
    assert_int_equal(story_standing(story, Z).replaced, 1);
    assert_int_equal(story_standing(story, Z).dropped, 1);
    story_end(story);
}

/* ---- T19 ------------------------------------------------------------------------------------ */

/* T19: nothing is left of the burial but what was collected, on the disks of all, who restart at once. */
static void test_collect_when_all_restart_after_a_collection_then_the_dead_stay_dead(void **state)
{
    (void)state;
    struct story *story = story_new(3, STORY_STABLE | STORY_DISKS);
    story->config.engine.log_bytes_max = 1; /* whoever is behind compares states */
    story_begin(story);
    story_put(story, X, "k", 1);
    story_put(story, Y, "other", 1);
    story_converge(story, 2000);
    struct holm_disk *older = story_backup(story, Z);
    story_bury(story, X, "k");
    story_await(story, 20000, story_collected, X);
    story_run(story, 10000);
    story_expect_collected(story, true);
    holm_world_bomb(story->world, Y); /* and has all from a cut, with no trace of the tombstone */
    story_start(story, Y);
    story_await(story, 10000, story_confirmed, Y);
    for (uint32_t i = 0; i < 3; i++)
        holm_world_crash(story->world, i);
    story_start(story, X);
    story_start(story, Y);
    story_restore(story, Z, older); /* and one has it alive */
    assert_true(story_exists(story, Z, "k"));
    assert_false(story_exists(story, X, "k") || story_exists(story, Y, "k"));
    assert_false(has_tombstone(story, Y));
    expect_one_outcome(story, "k", false);
    story_expect_exists(story, "other", true);
    holm_disk_free(older);
    story_end(story);
}

/* ---- T35, T38 ------------------------------------------------------------------------------- */

/*
 * T35: W stores. X buries k; Y and W report having the tombstone t; W crashes, and starts from the older store,
 * without t. Y, which has collected nothing, admits it; X, which does not hear of that, collects by W's old
 * report. W, who cannot know of t but from Y, puts k.
 */
static void test_collect_when_an_older_store_returns_then_there_is_one_outcome(void **state)
{
    (void)state;
    struct story *story = story_new(3, STORY_STABLE | STORY_DISKS);
    story_begin(story);
    story_put(story, X, "k", 1);
    story_converge(story, 2000);
    struct holm_disk *older = story_backup(story, Z);
    uint32_t no_reports = drop(story, X, Y, REPORT, NULL); /* Y collects nothing */
    story_bury(story, X, "k");
    story_run(story, 1500);
    assert_true(has_tombstone(story, X) && has_tombstone(story, Y) && has_tombstone(story, Z));
    holm_world_crash(story->world, Z);
    story_cut(story, X, Z, true);
    uint32_t no_list = drop(story, Y, X, DELTA | ANSWERS, of_list);
    uint32_t no_word = drop(story, Y, X, REPORT, NULL); /* later than what it has said of t */
    uint32_t no_data = drop(story, Y, Z, DELTA | ANSWERS, of_data);
    story_restore(story, Z, older);
    story_put(story, Z, "k", 2); /* provisional, and of what the store has */
    story_run(story, 3000);
    assert_true(holm_gate_hits(story->world, no_data) > 0);
    assert_false(story_confirmed(story, Z)); /* it is in the list; but t is not here, which Y has */
    holm_gate_lift(story->world, no_data);
    story_await(story, 20000, story_confirmed, Z);
    story_await(story, 10000, story_collected, X); /* by the word of an epoch that has ended */
    assert_true(has_tombstone(story, Y));
    assert_true(holm_gate_hits(story->world, no_list) > 0);
    assert_int_equal(story_commit(story, Z, holm_op_enable(holm_str("k"), holm_str("f"))),
                     HOLM_EBURIED);
    holm_gate_lift(story->world, no_reports);
    holm_gate_lift(story->world, no_list);
    holm_gate_lift(story->world, no_word);
    story_cut(story, X, Z, false);
    expect_one_outcome(story, "k", false);
    holm_disk_free(older);
    story_end(story);
}

/* W comes back from an older store, and writes while nobody hears it. Meanwhile the others collect by its old
 * report. It catches up past the tombstone, by runs or with its collection by a cut, and only then gets dots. */
static void write_before_the_cut(bool by_cut)
{
    struct story *story = story_new(3, STORY_STABLE | STORY_DISKS);
    if (by_cut)
        story->config.engine.log_bytes_max = 1;
    story_begin(story);
    story_put(story, X, "k", 1);
    story_put(story, X, "l", 1);
    story_converge(story, 2000);
    struct holm_disk *older = story_backup(story, Z);
    story_bury(story, X, "k");
    story_bury(story, X, "l");
    story_run(story, 1500);
    holm_world_crash(story->world, Z);
    story_await(story, 10000, story_collected, X);
    story_await(story, 10000, story_collected, Y);
    story_split(story, Z, true);
    story_restore(story, Z, older);
    story_put(story, Z, "k", 2);
    story_run(story, 10000);
    assert_int_equal(story_standing(story, Z).journalled, 1);
    assert_true(story_exists(story, Z, "k") && story_exists(story, Z, "l"));
    story_split(story, Z, false);
    expect_one_outcome(story, "k",
                       by_cut); /* beside the burial, or upon its collection: a new record */
    story_expect_exists(story, "l", false);
    holm_disk_free(older);
    story_end(story);
}

/* T38 */
static void test_collect_when_provisional_writes_are_stale_then_burials_kill_them(void **state)
{
    (void)state;
    write_before_the_cut(false);
}

/* T38 */
static void test_collect_when_stale_writes_meet_a_collected_cut_then_they_are_new(void **state)
{
    (void)state;
    write_before_the_cut(true);
}

/* ---- T36 ------------------------------------------------------------------------------------ */

/*
 * T36: Y, which has reported t, admits W, and is not heard by it any more. Z, which it could reach, has neither t nor
 * the admission; then Z gets t, and reports, still without the admission; X collects. W puts k.
 */
static void test_collect_when_the_cut_is_not_of_who_admitted_then_there_is_one_outcome(void **state)
{
    (void)state;
    struct story *story = story_new(4, STORY_STABLE | STORY_DISKS);
    uint32_t w = 3;
    story_begin(story);
    story_put(story, X, "k", 1);
    story_converge(story, 2000);
    holm_world_crash(story->world, w);
    uint32_t no_data[2] = {drop(story, X, Z, DELTA | ANSWERS, of_data),
                           drop(story, Y, Z, DELTA | ANSWERS, of_data)};
    story_bury(story, X, "k");
    story_run(story, 1500); /* Y has it, and has said so; Z has not */
    assert_true(has_tombstone(story, Y) && !has_tombstone(story, Z));
    uint32_t no_list[3] = {drop(story, Y, X, DELTA | ANSWERS, of_list),
                           drop(story, Y, Z, DELTA | ANSWERS, of_list),
                           drop(story, X, Z, DELTA | ANSWERS, of_list)};
    uint32_t no_cut = drop(story, Y, w, DELTA | ANSWERS, of_data);
    story_cut(story, w, X, true);
    story_cut(story, w, Z, true);
    story_start(story, w);
    story_put(story, w, "k", 2);
    story_run(story, 3000);
    assert_true(story_standing(story, Y).confirmed);
    assert_false(story_confirmed(story, w)); /* admitted, and without its cut */
    assert_true(holm_gate_hits(story->world, no_cut) > 0);
    story_cut(story, w, Z, false); /* Z would do, but has not admitted it */
    story_run(story, 3000);
    assert_false(story_confirmed(story, w));
    assert_int_equal(story_standing(story, w).journalled, 1); /* what it wrote has no dot yet */
    holm_gate_lift(story->world, no_data[0]);
    holm_gate_lift(story->world, no_data[1]);
    story_run(story, 20000); /* Z has t, and has said so */
    for (int i = 0; i < 3; i++)
        holm_gate_lift(story->world, no_list[i]);
    holm_gate_lift(story->world, no_cut);
    story_cut(story, w, X, false);
    story_run(story, 40000);
    story_expect_members(story, 4);
    story_converge(story, 5000);
    story_expect_collected(story, true);
    bool alive = story_exists(story, X, "k");
    expect_one_outcome(story, "k", alive);
    story_end(story);
}

/* ---- T37 ------------------------------------------------------------------------------------ */

/* Gates that keep Z from hearing of Y's second epoch: from itself, by the list, and by X's word. */
struct deaf {
    uint32_t itself, list, gossip;
};

static void hear(struct story *story, struct deaf deaf)
{
    holm_gate_lift(story->world, deaf.list);
    holm_gate_lift(story->world, deaf.itself);
    holm_gate_lift(story->world, deaf.gossip);
}

/* Y(e1) has written k, which is on its way, and dies. X buries k, and Z has the tombstone. */
static void end_the_first_epoch(struct story *story)
{
    holm_world_bomb(story->world, Y);
    story_bury(story, X, "k");
    story_run(story, 10);
    assert_true(has_tombstone(story, Z));
}

/* Y(e2) is admitted by X, and reports; Z has reported before it knew of e2, and does not hear of it. X may not
 * collect. */
static struct deaf begin_the_second_epoch(struct story *story)
{
    struct deaf deaf = {.itself = drop(story, Y, Z, 0, NULL),
                        .list = drop(story, X, Z, DELTA | ANSWERS, of_list),
                        .gossip = drop(story, X, Z, BIT(HOLM_MESSAGE_HELLO), NULL)};
    story_start(story, Y);
    story_await(story, 20000, story_confirmed, Y);
    story_run(story, 15000);
    assert_true(holm_gate_hits(story->world, deaf.list) > 0);
    assert_true(has_tombstone(story, X)); /* Z's report knows nothing of e2 */
    return deaf;
}

/* T37: it arrives at Z while Z still takes it, for it has not heard of e2. */
static void test_collect_when_a_dead_epochs_run_comes_before_the_fence_then_k_stays_dead(
    void **state)
{
    (void)state;
    struct story *story = story_new(3, STORY_STABLE | STORY_DISKS);
    story_begin(story);
    story_put(story, X, "k", 1);
    story_converge(story, 2000);
    uint32_t lost = drop(story, Y, X, DELTA, of_data);
    uint32_t late = story_hold(story, Y, Z, DELTA);
    story_put(story, Y, "k", 2);
    story_run(story, 5);
    assert_int_equal(holm_gate_held(story->world, late), 1);
    holm_gate_lift(story->world, lost);
    holm_gate_end(story->world, late);
    end_the_first_epoch(story);
    struct deaf deaf = begin_the_second_epoch(story);
    uint64_t vectors = story_stats(story, Z).vector_entries;
    holm_gate_lift(story->world, late);
    story_run(story, 5);
    assert_int_equal(story_stats(story, Z).vector_entries, vectors + 1); /* it took it */
    story_expect_exists(story, "k", false);
    hear(story, deaf);
    expect_one_outcome(story, "k", false);
    story_end(story);
}

/* T37: it arrives when all have collected. */
static void test_collect_when_a_dead_epochs_run_comes_after_all_then_k_stays_dead(void **state)
{
    (void)state;
    struct story *story = story_new(3, STORY_STABLE | STORY_DISKS);
    story_begin(story);
    story_put(story, X, "k", 1);
    story_converge(story, 2000);
    uint32_t late = story_hold(story, Y, STORY_ANY, DELTA);
    story_put(story, Y, "k", 2);
    story_run(story, 5);
    assert_int_equal(holm_gate_held(story->world, late), 2);
    holm_gate_end(story->world, late);
    end_the_first_epoch(story);
    hear(story, begin_the_second_epoch(story));
    expect_one_outcome(story, "k", false);
    holm_gate_lift(story->world, late);
    expect_one_outcome(story, "k", false);
    story_end(story);
}

/* T37: it is held back at Z, behind a run that X has, and that comes to Z when X has collected. */
static void test_collect_when_a_dead_epochs_run_waits_behind_a_gap_then_k_stays_dead(void **state)
{
    (void)state;
    struct story *story = story_new(3, STORY_STABLE | STORY_DISKS);
    story->config.engine.collect_interval_us = 200000; /* before what is held is dropped for good */
    story_begin(story);
    story_put(story, X, "k", 1);
    story_converge(story, 2000);
    uint32_t first = story_hold(story, Y, X, DELTA);
    uint32_t lost = drop(story, Y, Z, DELTA, of_data);
    uint32_t mute[3] = {drop(story, X, Z, ANSWERS, of_data), drop(story, Y, Z, ANSWERS, of_data),
                        drop(story, Y, X, ANSWERS, of_data)};
    story_put(story, Y, "k", 2);
    story_run(story, 5);
    holm_gate_lift(story->world, lost);
    holm_gate_end(story->world, first);
    lost = drop(story, Y, X, DELTA, of_data);
    story_put(story, Y, "k", 3);
    story_run(story, 5);
    assert_int_equal(story_stats(story, Z).deltas_held, 1);
    end_the_first_epoch(story);
    holm_gate_lift(story->world, first); /* X has not seen it when it buries */
    story_run(story, 10);
    struct deaf deaf = begin_the_second_epoch(story);
    assert_int_equal(story_stats(story, Z).deltas_held, 1);
    hear(story, deaf);
    story_await(story, 20000, story_collected, X);
    assert_int_equal(story_stats(story, Z).deltas_held, 0);
    holm_gate_lift(story->world, mute[0]);
    story_run(story, 3000);
    story_expect_exists(story, "k", false);
    expect_one_outcome(story, "k", false);
    story_end(story);
}

/* T37: it sits unread in the buffer of a link, which is Y(e1)'s to Z, and which nobody has hung up on. */
static void test_collect_when_a_dead_epochs_run_sits_in_a_link_then_k_stays_dead(void **state)
{
    (void)state;
    struct story *story = story_new(3, STORY_STABLE | STORY_DISKS);
    story->config.engine.link_timeout_us = 100000000;
    story_begin(story);
    story_put(story, X, "k", 1);
    story_converge(story, 2000);
    uint32_t lost[2] = {drop(story, Y, X, DELTA | ANSWERS, of_data),
                        drop(story, Y, Z, DELTA, of_data)};
    uint32_t late = story_hold(story, Y, Z, ANSWERS);
    story_put(story, Y, "k", 2);
    story_run(story, 3000); /* Z has heard of it, and has asked */
    assert_true(holm_gate_held(story->world, late) > 0);
    assert_int_equal(story_stats(story, Z).deltas_held, 0);
    holm_gate_lift(story->world, lost[0]);
    holm_gate_lift(story->world, lost[1]);
    holm_gate_end(story->world, late);
    end_the_first_epoch(story);
    struct deaf deaf = begin_the_second_epoch(story);
    holm_gate_lift(story->world,
                   deaf.list); /* Z hears of e2 by the list, and still not from itself */
    story_await(story, 20000, story_collected, X);
    story_await(story, 20000, story_collected, Z);
    holm_gate_lift(story->world, late);
    story_run(story, 3000);
    story_expect_exists(story, "k", false);
    hear(story, deaf);
    expect_one_outcome(story, "k", false);
    story_end(story);
}

/* ---- T39 ------------------------------------------------------------------------------------ */

/*
 * T39: Z has the tombstone t, and lacks Y's concurrent write. X has both, collects t by the reports, and writes: what it
 * says of S comes to Z in a run that is held back for want of Y's.
 */
static void test_collect_when_s_comes_in_a_held_run_then_nothing_is_revived(void **state)
{
    (void)state;
    struct story *story = story_new(3, STORY_STABLE | STORY_DISKS);
    story_begin(story);
    story_put(story, X, "k", 1);
    story_converge(story, 2000);
    uint32_t late = story_hold(story, Y, Z, DELTA);
    uint32_t mute[2] = {drop(story, X, Z, ANSWERS, of_data), drop(story, Y, Z, ANSWERS, of_data)};
    story_put(story, Y, "k", 2);
    story_bury(story, X, "k"); /* neither has seen the other's */
    story_run(story, 5);
    story_expect_exists(story, "k", false);
    story_await(story, 20000, story_collected, X);
    assert_true(has_tombstone(story, Z));
    story_put(story, X, "k", 3); /* S rides on it, and it needs Y's */
    story_run(story, 5);
    assert_true(story_stats(story, Z).deltas_held > 0);
    assert_false(story_exists(story, Z, "k"));
    assert_true(has_tombstone(story, Z)); /* on receipt it would have gone */
    assert_true(story_exists(story, Y, "k") && story_exists(story, X, "k"));
    holm_gate_let_go(story->world, late, 1);
    holm_gate_lift(story->world, mute[0]);
    holm_gate_lift(story->world, mute[1]);
    holm_gate_lift(story->world, late);
    expect_one_outcome(story, "k", true);
    for (uint32_t i = 0; i < story->nodes; i++)
        assert_int_equal(story_cells(story, i, "k"), 1); /* X's alone */
    story_end(story);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_collect_when_an_isolated_node_heals_then_the_dead_stay_dead),
        cmocka_unit_test(test_collect_when_a_forgotten_node_returns_then_the_dead_stay_dead),
        cmocka_unit_test(test_collect_when_all_restart_after_a_collection_then_the_dead_stay_dead),
        cmocka_unit_test(test_collect_when_an_older_store_returns_then_there_is_one_outcome),
        cmocka_unit_test(test_collect_when_provisional_writes_are_stale_then_burials_kill_them),
        cmocka_unit_test(test_collect_when_stale_writes_meet_a_collected_cut_then_they_are_new),
        cmocka_unit_test(
            test_collect_when_the_cut_is_not_of_who_admitted_then_there_is_one_outcome),
        cmocka_unit_test(
            test_collect_when_a_dead_epochs_run_comes_before_the_fence_then_k_stays_dead),
        cmocka_unit_test(test_collect_when_a_dead_epochs_run_comes_after_all_then_k_stays_dead),
        cmocka_unit_test(test_collect_when_a_dead_epochs_run_waits_behind_a_gap_then_k_stays_dead),
        cmocka_unit_test(test_collect_when_a_dead_epochs_run_sits_in_a_link_then_k_stays_dead),
        cmocka_unit_test(test_collect_when_s_comes_in_a_held_run_then_nothing_is_revived),
    };
    return cmocka_run_group_tests_name("scenario_collect", tests, NULL, NULL);
}

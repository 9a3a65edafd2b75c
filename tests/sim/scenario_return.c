/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Retention `stable` over many lives: who comes back after it was forgotten, and who is bombed again and again. T20
 * T40
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/sim/story.h"

#define BIT(type) (1u << (type))
#define RUNS                                                                                       \
    (BIT(HOLM_MESSAGE_DELTA) | BIT(HOLM_MESSAGE_DELTAS) | BIT(HOLM_MESSAGE_FEED) |                 \
     BIT(HOLM_MESSAGE_SYNC_CUT) | BIT(HOLM_MESSAGE_SYNC_TELL) | BIT(HOLM_MESSAGE_SYNC_PAGE))

static bool of_data(void *context, const struct holm_message *message)
{
    (void)context;
    return message->partition < STORY_PARTITIONS;
}

/* Nothing of what the ones write reaches the others; all else does. A bit for each node. */
static uint32_t keep_from(struct story *story, uint64_t ones, uint64_t others)
{
    struct holm_gate gate = {
        .verdict = HOLM_NETWORK_DROP, .from = ones, .to = others, .types = RUNS, .match = of_data};
    return holm_gate_set(story->world, &gate);
}

static void forget(struct story *story, uint32_t node, uint32_t whom)
{
    struct holm_engine *engine = holm_world_engine(story->world, node);
    struct holm_node_id id = {whom + 1};
    assert_int_equal(holm_engine_forget(engine, id, holm_world_clock(story->world, node)), HOLM_OK);
}

/* ---- T40 ------------------------------------------------------------------------------------ */

/*
 * T40: n2 took +5 of n3 before n3 was forgotten; n0, who forgets it, and n1 did not. n3 has more of its own, that
 * nobody has, and a write of n1 that is lost to all others; and it writes a key that they bury.
 */
static void test_return_when_a_forgotten_node_comes_back_then_its_own_counts_once(void **state)
{
    (void)state;
    struct story *story = story_new(4, STORY_STABLE | STORY_DISKS);
    story_begin(story);
    story_put(story, 0, "dead", 1);
    story_converge(story, 2000);
    uint32_t taken = keep_from(story, 1u << 3 | 1u << 2, 1u << 0 | 1u << 1);
    story_add(story, 3, "other", 5);
    story_run(story, 10);
    assert_true(story_sum(story, 2, "other") == 5 && story_sum(story, 1, "other") == 0);
    story_cut(story, 3, 0, true);
    story_cut(story, 3, 2, true);
    uint32_t theirs = keep_from(story, 1u << 1, 1u << 0 | 1u << 2);
    story_put(story, 1, "theirs", 1); /* n3 alone hears of it, and n1 loses it */
    story_run(story, 10);
    assert_true(story_exists(story, 3, "theirs"));
    holm_world_bomb(story->world, 1);
    story_cut(story, 3, 1, true);
    holm_gate_lift(story->world, theirs);
    holm_gate_lift(story->world, taken);
    story_add(story, 3, "n", 7);
    story_add(story, 3, "other", 3); /* in the chain of the +5 */
    story_put(story, 3, "mine", 1);
    story_put(story, 3, "dead", 2);
    story_bury(story, 0, "dead");
    forget(story, 0, 3);
    story_start(story, 1);
    story_run(story, 60000);
    assert_int_equal(story_standing(story, 0).members, 3);
    assert_true(story_collected(story, 0));
    story_split(story, 3, false);
    story_run(story, 60000);
    story_expect_members(story, 4);
    story_converge(story, 5000);
    story_expect_sum(story, "other", 8);
    story_expect_sum(story, "n", 7);
    story_expect_exists(story, "mine", true);
    story_expect_exists(story, "dead", false);
    story_expect_exists(story, "theirs", false);
    assert_int_equal(story_standing(story, 3).replaced, 1);
    assert_int_equal(story_standing(story, 3).dropped, 2); /* "dead", and "theirs" */
    assert_non_null(strstr(story->log, "lost: "));
    story_end(story);
}

/* T40: n0 and n2, in two halves, forget each other at the same moment. */
static void test_return_when_two_forget_each_other_at_once_then_all_converge(void **state)
{
    (void)state;
    struct story *story = story_new(4, STORY_STABLE | STORY_DISKS);
    story_begin(story);
    story_put(story, 0, "k", 1);
    story_converge(story, 2000);
    for (uint32_t i = 0; i < 4; i++)
        story_cut(story, i % 2, 2 + i / 2, true);
    story_run(story, 5000);
    forget(story, 0, 2);
    forget(story, 2, 0);
    story_add(story, 0, "n", 1);
    story_add(story, 1, "n", 10);
    story_add(story, 2, "n", 100);
    story_add(story, 3, "n", 1000);
    story_run(story, 20000);
    for (uint32_t i = 0; i < 4; i++)
        story_cut(story, i % 2, 2 + i / 2, false);
    story_run(story, 60000);
    story_expect_members(story, 4);
    story_converge(story, 5000);
    story_expect_sum(story, "n", 1111);
    story_expect_exists(story, "k", true);
    /* The lower dot wins, which is n0's: n2 was forgotten, and nobody has forgotten n1. n0 hears from n3 that it was gone
     * on without, and may come back by replacement, too. */
    assert_int_equal(story_standing(story, 2).replaced, 1);
    assert_int_equal(story_standing(story, 1).replaced, 0);
    assert_true(story_standing(story, 0).replaced <= 1 && story_standing(story, 3).replaced <= 1);
    assert_non_null(strstr(story->log, "is forgotten: "));
    assert_non_null(strstr(story->log, "gone on without it"));
    story_end(story);
}

/* n1's disk goes on as n3, under n1's id. Whoever n1 lets in then, the others know nothing of. */
static void clone(struct story *story)
{
    struct holm_world_node_config config = story->config;
    struct holm_disk *copy = story_backup(story, 1);
    config.node_id = 2;
    assert_int_equal(holm_world_add(story->world, &config), 3);
    story->nodes = 4;
    story_cut(story, 1, 3, true);
    story_restore(story, 3, copy);
    holm_disk_free(copy);
}

/*
 * T40: n0 was forgotten, and has lost all; n1, whose clone goes on among the others, lets it in: with a key that these
 * have buried and collected.
 */
static void test_return_when_an_ended_epoch_lets_somebody_in_then_nothing_is_revived(void **state)
{
    (void)state;
    struct story *story = story_new(3, STORY_STABLE | STORY_DISKS);
    story_begin(story);
    story_put(story, 0, "k", 1);
    story_converge(story, 2000);
    story_split(story, 1, true);
    story_bury(story, 2, "k");
    story_run(story, 1000);
    holm_world_bomb(story->world, 0);
    clone(story);
    story_run(story, 15000);
    assert_true(story_confirmed(story, 3));
    forget(story, 3, 0);
    story_run(story, 60000);
    assert_true(story_collected(story, 2) && !story_exists(story, 2, "k"));
    story_cut(story, 0, 2, true);
    story_cut(story, 0, 3, true);
    story_cut(story, 0, 1, false);
    story_start(story, 0);
    story_run(story, 15000);
    assert_true(story_confirmed(story, 0) && story_exists(story, 0, "k"));
    story_put(story, 0, "k", 2);
    story_add(story, 0, "n", 5);
    story_cut(story, 0, 1, true);
    story_cut(story, 0, 2, false);
    story_cut(story, 0, 3, false);
    story_run(story, 60000);
    assert_true(story_confirmed(story, 0) && story_confirmed(story, 2));
    for (uint32_t i = 0; i < 4; i++) {
        if (i == 1)
            continue;
        assert_false(story_exists(story, i, "k"));
        assert_true(story_sum(story, i, "n") == 5);
    }
    story_end(story);
}

/* ---- T20 ------------------------------------------------------------------------------------ */

#define CITIES 10u

static uint32_t lives_of_each(uint32_t usual, uint32_t soaked)
{
    return getenv("HOLM_SOAK") != NULL ? soaked : usual;
}

static bool is_whole(const struct story *story, uint32_t node)
{
    (void)node;
    return story_converged(story);
}

/* Each city is bombed as often, in turns; each life counts, and inserts into a set, before it ends. That takes some
 * milliseconds: with `stable` nobody dies for a while after each round, for what all have can only be told when all
 * live. */
static void live_and_die(struct story *story, uint32_t rounds)
{
    for (uint32_t life = 0; life < rounds * CITIES; life++) {
        uint32_t city = life * 3 % CITIES;
        struct holm_op op = holm_op_insert(holm_str("set"), holm_str("f"),
                                           holm_str(life % 2 == 0 ? "even" : "odd"));
        story_add(story, city, "k", 1);
        assert_int_equal(story_commit(story, city, op), HOLM_OK);
        story_await(story, 20000, is_whole, 0);
        holm_world_bomb(story->world, city);
        story_start(story, city);
        if (story->config.engine.retention == HOLM_RETENTION_STABLE)
            story_await(story, 30000, story_confirmed, city);
        if (life % CITIES == CITIES - 1 &&
            story->config.engine.retention == HOLM_RETENTION_STABLE) {
            story_run(story, 6000);
            assert_in_range(story_stats(story, city).vector_entries, 1, 3 * CITIES);
        }
    }
}

/* Of a hundred beacon intervals in which nobody writes: all that was sent but beacons and pings. */
static uint64_t chatter(struct story *story)
{
    uint64_t count = 0;
    memset(story->frames, 0, sizeof story->frames);
    story->counts = true;
    story_run(story, 100000);
    story->counts = false;
    for (uint32_t type = 0; type <= HOLM_MESSAGE_TYPE_MAX; type++) {
        bool idle = type == HOLM_MESSAGE_BEACON || type == HOLM_MESSAGE_PING ||
                    type == HOLM_MESSAGE_PONG;
        count += idle ? 0 : story->frames[type];
    }
    return count;
}

/* T20 */
static void test_return_when_cities_are_bombed_for_ever_then_vectors_stay_small(void **state)
{
    (void)state;
    struct story *story = story_new(CITIES, STORY_STABLE);
    uint32_t lives = lives_of_each(10, 1000);
    story_begin(story);
    live_and_die(story, lives);
    story_run(story, 60000);
    story_expect_members(story, CITIES);
    story_converge(story, 5000);
    story_expect_sum(story, "k", (int64_t)lives * CITIES);
    story_expect_exists(story, "set", true);
    for (uint32_t i = 0; i < CITIES; i++) {
        struct holm_stats stats = story_stats(story, i);
        assert_in_range(stats.vector_entries, 1, 3 * CITIES);
        assert_in_range(story_cells(story, i, "k"), 1, 2 * CITIES);
        assert_int_equal(stats.digest_breaches, 0);
        assert_true(story_standing(story, i).folded > 0);
    }
    assert_int_equal(chatter(story), 0);
    story_end(story);
}

/* T20: with `forever` each epoch that wrote stays, as a few bytes, and each life is told of all of them: a thousand of
 * each city are in unit.replica_fold_lives. */
static void test_return_when_nothing_is_collected_then_each_epoch_costs_little(void **state)
{
    (void)state;
    struct story *story = story_new(CITIES, STORY_PLAIN);
    uint32_t lives = lives_of_each(20, 100);
    story->config.engine.log_bytes_max = 65536;
    story_begin(story);
    live_and_die(story, lives);
    story_run(story, 20000);
    size_t before = holm_world_heap_bytes(story->world, 0);
    uint64_t epochs = story_stats(story, 0).vector_entries;
    live_and_die(story, lives);
    story_run(story, 20000);
    story_converge(story, 5000);
    story_expect_sum(story, "k", (int64_t)2 * lives * CITIES);
    uint64_t more = story_stats(story, 0).vector_entries - epochs;
    assert_in_range(more, lives * CITIES / 2, lives * CITIES);
    size_t after = holm_world_heap_bytes(story->world, 0);
    assert_in_range(after - before, 0, (size_t)lives * CITIES * 400);
    assert_int_equal(chatter(story), 0);
    story_end(story);
}

/* What a member says of itself when a link comes up may be lost with that link: it is told again. */
static void test_return_when_a_member_is_not_heard_then_it_says_so_again(void **state)
{
    (void)state;
    struct story *story = story_new(2, STORY_STABLE | STORY_DISKS);
    story_begin(story);
    story_put(story, 0, "k", 1);
    story_converge(story, 2000);
    holm_world_crash(story->world, 1);
    struct holm_gate gate = {.verdict = HOLM_NETWORK_DROP,
                             .from = 1,
                             .to = 2,
                             .types = BIT(HOLM_MESSAGE_STANDING),
                             .count = 1};
    uint32_t lost = holm_gate_set(story->world, &gate);
    story_start(story, 1);
    (void)story_await(story, 10000, story_confirmed, 1);
    assert_int_equal(holm_gate_hits(story->world, lost), 1);
    story_put(story, 1, "k", 2);
    story_converge(story, 2000);
    story_expect_members(story, 2);
    story_end(story);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_return_when_a_forgotten_node_comes_back_then_its_own_counts_once),
        cmocka_unit_test(test_return_when_two_forget_each_other_at_once_then_all_converge),
        cmocka_unit_test(test_return_when_an_ended_epoch_lets_somebody_in_then_nothing_is_revived),
        cmocka_unit_test(test_return_when_a_member_is_not_heard_then_it_says_so_again),
        cmocka_unit_test(test_return_when_cities_are_bombed_for_ever_then_vectors_stay_small),
        cmocka_unit_test(test_return_when_nothing_is_collected_then_each_epoch_costs_little),
    };
    return cmocka_run_group_tests_name("scenario_return", tests, NULL, NULL);
}

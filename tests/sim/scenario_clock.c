/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whole nodes whose clocks are wrong, and who wins. T16 T17
 *
 * n0's clock is the wrong one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "crdt/partition.h"
#include "tests/sim/story.h"

#define DAY_MS INT64_C(86400000)

struct shown {
    int64_t value;
    uint64_t hlc;
};

/* The register "v" of "k", as a node shows it. */
static struct shown shown(const struct story *story, uint32_t node)
{
    struct holm_engine *engine = holm_world_engine(story->world, node);
    uint32_t partition = holm_partition_of(holm_str("k"), holm_engine_partitions(engine));
    struct holm_cell_view cell;
    const struct holm_replica *replica = holm_engine_lock(engine, partition);
    enum holm_status status = holm_replica_get(replica, holm_str("k"), holm_str("v"), HOLM_REGISTER,
                                               &cell);
    struct shown shown = {.value = -1};
    if (status == HOLM_OK)
        shown = (struct shown){cell.value.as.i64, cell.hlc};
    holm_engine_unlock(engine, partition);
    return shown;
}

/* A write, and that all show it a moment later. Its stamp. */
static uint64_t write_last(struct story *story, uint32_t node, int64_t value)
{
    struct holm_op op = holm_op_put(holm_str("k"), holm_str("v"), holm_i64(value));
    assert_int_equal(story_commit(story, node, op), HOLM_OK);
    story_converge(story, 5000);
    for (uint32_t i = 0; i < story->nodes; i++)
        assert_int_equal(shown(story, i).value, value);
    return shown(story, node).hlc;
}

static uint64_t clock_of(const struct story *story, uint32_t node)
{
    return holm_world_clock(story->world, node).wall_ms << 16;
}

static void far_ahead(int64_t by_ms, unsigned options)
{
    struct story *story = story_new(3, options);
    story_begin(story);
    for (uint32_t i = 0; i < 3; i++)
        assert_int_equal(story_stats(story, i).drift, 0);
    holm_world_clock_jump(story->world, 0, by_ms);
    uint64_t ahead = write_last(story, 0, 1);
    assert_true(ahead > clock_of(story, 1) + ((uint64_t)(by_ms / 2) << 16));

    /* Who sees it says so, and keeps its own time; and a later write wins under a stamp that is far below. */
    uint64_t later = write_last(story, 1, 2);
    assert_true(later < ahead && later <= clock_of(story, 1) + (UINT64_C(1000) << 16));
    assert_true(story_stats(story, 1).drift > 0 && story_stats(story, 2).drift > 0);
    assert_int_equal(story_stats(story, 0).drift, 0);
    later = write_last(story, 2, 3);
    assert_true(later <= clock_of(story, 2) + (UINT64_C(1000) << 16));

    /* Who comes after all gets the last of them, too. */
    holm_world_bomb(story->world, 2);
    story_run(story, 2000);
    story_start(story, 2);
    story_run(story, 20000);
    story_converge(story, 20000);
    assert_int_equal(shown(story, 2).value, 3);
    (void)write_last(story, 0, 4);
    (void)write_last(story, 1, 5);
    story_end(story);
}

/* T16 */
static void test_clock_when_far_ahead_then_nobody_is_dragged_and_later_writes_win(void **state)
{
    (void)state;
    far_ahead(DAY_MS, STORY_PLAIN);
    far_ahead(365 * DAY_MS, STORY_PLAIN);
    far_ahead(365 * DAY_MS, STORY_STABLE | STORY_DISKS);
}

/* `bombed`: nothing is left, else it is there again from its disk. */
static void set_back(bool bombed, unsigned options)
{
    struct story *story = story_new(3, options | STORY_DISKS);
    story_begin(story);
    (void)write_last(story, 0, 1);
    (void)write_last(story, 1, 2);
    uint64_t before = write_last(story, 0, 3);
    if (bombed)
        holm_world_bomb(story->world, 0);
    else
        holm_world_crash(story->world, 0);
    holm_world_clock_jump(story->world, 0, -600000);
    story_run(story, 1000);
    story_start(story, 0);
    story_run(story, 20000);
    story_converge(story, 20000);
    assert_int_equal(shown(story, 0).value, 3);
    assert_true(clock_of(story, 0) < before);
    uint64_t after = write_last(story, 0, 4);
    assert_true(after <
                before); /* ten minutes are more than is followed: it wins for what it has seen */
    assert_true(write_last(story, 0, 5) > after);
    (void)write_last(story, 1, 6);
    story_end(story);
}

/* T17 */
static void test_clock_when_set_back_across_a_restart_then_the_later_write_wins(void **state)
{
    (void)state;
    for (int bombed = 0; bombed < 2; bombed++) {
        set_back(bombed == 1, STORY_PLAIN);
        set_back(bombed == 1, STORY_STABLE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_clock_when_far_ahead_then_nobody_is_dragged_and_later_writes_win),
        cmocka_unit_test(test_clock_when_set_back_across_a_restart_then_the_later_write_wins),
    };
    return cmocka_run_group_tests_name("scenario_clock", tests, NULL, NULL);
}

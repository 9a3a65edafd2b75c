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
static struct shown shown(const struct holm_script *script, uint32_t node)
{
    struct holm_engine *engine = holm_world_engine(script->world, node);
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
static uint64_t write_last(struct holm_script *script, uint32_t node, int64_t value)
{
    struct holm_op op = holm_op_put(holm_str("k"), holm_str("v"), holm_i64(value));
    assert_int_equal(holm_script_commit(script, node, op), HOLM_OK);
    holm_script_converge(script, 5000);
    for (uint32_t i = 0; i < script->nodes; i++)
        assert_int_equal(shown(script, i).value, value);
    return shown(script, node).hlc;
}

static uint64_t clock_of(const struct holm_script *script, uint32_t node)
{
    return holm_world_clock(script->world, node).wall_ms << 16;
}

static void far_ahead(int64_t by_ms, unsigned options)
{
    struct holm_script *script = story_new(3, options);
    holm_script_begin(script);
    for (uint32_t i = 0; i < 3; i++)
        assert_int_equal(holm_script_stats(script, i).drift, 0);
    holm_world_clock_jump(script->world, 0, by_ms);
    uint64_t ahead = write_last(script, 0, 1);
    assert_true(ahead > clock_of(script, 1) + ((uint64_t)(by_ms / 2) << 16));

    /* Who sees it says so, and keeps its own time; and a later write wins under a stamp that is far below. */
    uint64_t later = write_last(script, 1, 2);
    assert_true(later < ahead && later <= clock_of(script, 1) + (UINT64_C(1000) << 16));
    assert_true(holm_script_stats(script, 1).drift > 0 && holm_script_stats(script, 2).drift > 0);
    assert_int_equal(holm_script_stats(script, 0).drift, 0);
    later = write_last(script, 2, 3);
    assert_true(later <= clock_of(script, 2) + (UINT64_C(1000) << 16));

    /* Who comes after all gets the last of them, too. */
    holm_world_bomb(script->world, 2);
    holm_script_run(script, 2000);
    holm_script_start(script, 2);
    holm_script_run(script, 20000);
    holm_script_converge(script, 20000);
    assert_int_equal(shown(script, 2).value, 3);
    (void)write_last(script, 0, 4);
    (void)write_last(script, 1, 5);
    story_end(script);
}

/* T16 */
static void test_clock_when_far_ahead_then_nobody_is_dragged_and_later_writes_win(void **state)
{
    (void)state;
    far_ahead(DAY_MS, HOLM_SCRIPT_PLAIN);
    far_ahead(365 * DAY_MS, HOLM_SCRIPT_PLAIN);
    far_ahead(365 * DAY_MS, HOLM_SCRIPT_STABLE | HOLM_SCRIPT_DISKS);
}

/* `bombed`: nothing is left, else it is there again from its disk. */
static void set_back(bool bombed, unsigned options)
{
    struct holm_script *script = story_new(3, options | HOLM_SCRIPT_DISKS);
    holm_script_begin(script);
    (void)write_last(script, 0, 1);
    (void)write_last(script, 1, 2);
    uint64_t before = write_last(script, 0, 3);
    if (bombed)
        holm_world_bomb(script->world, 0);
    else
        holm_world_crash(script->world, 0);
    holm_world_clock_jump(script->world, 0, -600000);
    holm_script_run(script, 1000);
    holm_script_start(script, 0);
    holm_script_run(script, 20000);
    holm_script_converge(script, 20000);
    assert_int_equal(shown(script, 0).value, 3);
    assert_true(clock_of(script, 0) < before);
    uint64_t after = write_last(script, 0, 4);
    assert_true(after <
                before); /* ten minutes are more than is followed: it wins for what it has seen */
    assert_true(write_last(script, 0, 5) > after);
    (void)write_last(script, 1, 6);
    story_end(script);
}

/* T17 */
static void test_clock_when_set_back_across_a_restart_then_the_later_write_wins(void **state)
{
    (void)state;
    for (int bombed = 0; bombed < 2; bombed++) {
        set_back(bombed == 1, HOLM_SCRIPT_PLAIN);
        set_back(bombed == 1, HOLM_SCRIPT_STABLE);
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

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fixture by itself, as its users have it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "sim/world/world.h"

#define S UINT64_C(1000000)
#define BOTH 3

struct seen {
    uint64_t starts, ends, commits, changes, sent, arrived;
};

static void count_event(void *context, const struct holm_world_event *event)
{
    struct seen *seen = context;
    seen->starts += event->type == HOLM_WORLD_STARTED;
    seen->ends += event->type == HOLM_WORLD_ENDED;
    seen->commits += event->type == HOLM_WORLD_COMMITTED;
    seen->changes += event->type == HOLM_WORLD_CHANGED;
    seen->sent += event->type == HOLM_WORLD_SENT;
    seen->arrived += event->type == HOLM_WORLD_ARRIVED;
}

/* Two nodes with disks, if asked for, which know each other. */
static struct holm_world *pair(bool disks, struct seen *seen)
{
    struct holm_world_config config = holm_world_config_default(1);
    struct holm_world_node_config node = holm_world_node_config_default();
    struct holm_world *world;
    config.hook = (struct holm_world_hook){count_event, seen};
    node.disk = disks;
    assert_int_equal(holm_world_new(&config, &world), HOLM_OK);
    for (uint32_t i = 0; i < 2; i++) {
        assert_int_equal(holm_world_add(world, &node), i);
        assert_int_equal(holm_world_start(world, i), HOLM_OK);
    }
    holm_world_join(world, 0, 1);
    holm_world_run(world, 2 * S);
    return world;
}

static void add(struct holm_world *world, uint32_t node, int64_t amount)
{
    struct holm_op op = holm_op_add(holm_str("k"), holm_str("n"), amount);
    struct holm_receipt receipt;
    assert_int_equal(holm_world_commit(world, node, &op, 1, &receipt), HOLM_OK);
    assert_int_equal(receipt.count, 1);
}

static int64_t sum(struct holm_world *world, uint32_t node)
{
    int64_t total = 0;
    struct holm_engine *engine = holm_world_engine(world, node);
    for (uint32_t p = 0; p < holm_engine_partitions(engine); p++) {
        int64_t part = 0;
        enum holm_status status = holm_replica_count(holm_engine_lock(engine, p), holm_str("k"),
                                                     holm_str("n"), &part);
        holm_engine_unlock(engine, p);
        assert_true(status == HOLM_OK || status == HOLM_ENOENT);
        total += part;
    }
    return total;
}

static bool agree(void *context, struct holm_world *world)
{
    (void)context;
    return holm_world_agree(world, BOTH);
}

static void converge(struct holm_world *world)
{
    uint64_t to_us = holm_world_now_us(world) + 20 * S;
    assert_true(holm_world_run_until(world, to_us, 1000, agree, NULL));
}

static void test_world_when_a_node_writes_the_other_shows_it_two_milliseconds_later(void **state)
{
    struct seen seen = {0};
    struct holm_world *world = pair(false, &seen);
    add(world, 0, 5);
    holm_world_run(world, 2 * S + 999);
    assert_int_equal(sum(world, 1), 0);
    holm_world_run(world, 2 * S + 2000);
    assert_int_equal(sum(world, 1), 5);
    assert_int_equal(seen.starts, 2);
    assert_int_equal(seen.commits, 1);
    assert_int_equal(seen.changes, 2);
    assert_true(seen.sent > 0 && seen.arrived > 0);
    holm_world_free(world);
}

static void test_world_when_one_way_is_cut_the_other_still_works(void **state)
{
    struct seen seen = {0};
    struct holm_world *world = pair(false, &seen);
    holm_world_cut(world, 0, 1, true);
    add(world, 0, 1);
    add(world, 1, 10);
    holm_world_run(world, 2 * S + 10000);
    assert_int_equal(sum(world, 0), 11);
    assert_int_equal(sum(world, 1), 10);
    holm_world_cut(world, 0, 1, false);
    converge(world);
    assert_int_equal(sum(world, 1), 11);
    holm_world_free(world);
}

static void test_world_when_frozen_a_node_does_nothing_until_it_goes_on(void **state)
{
    struct seen seen = {0};
    struct holm_world *world = pair(false, &seen);
    holm_world_pause(world, 1);
    uint64_t drives = holm_world_drives(world, 1);
    add(world, 0, 3);
    holm_world_run(world, 3 * S);
    assert_int_equal(holm_world_drives(world, 1), drives);
    assert_int_equal(sum(world, 1), 0);
    assert_false(holm_world_agree(world, BOTH));
    holm_world_resume(world, 1);
    converge(world);
    assert_int_equal(sum(world, 1), 3);
    holm_world_free(world);
}

/* T01 */
static void test_world_when_a_bombed_node_writes_again_all_its_lives_count(void **state)
{
    struct seen seen = {0};
    struct holm_world *world = pair(true, &seen);
    struct holm_actor before = holm_engine_self(holm_world_engine(world, 0));
    add(world, 0, 20);
    add(world, 0, 20);
    converge(world);
    holm_world_bomb(world, 0);
    assert_false(holm_world_alive(world, 0));
    assert_int_equal(holm_world_start(world, 0), HOLM_OK);
    assert_int_equal(sum(world, 0), 0);
    holm_world_join(world, 0, 1);
    add(world, 0, 5);
    converge(world);
    assert_int_equal(sum(world, 0), 45);
    assert_int_equal(sum(world, 1), 45);
    assert_true(holm_engine_self(holm_world_engine(world, 0)).epoch.value > before.epoch.value);
    assert_int_equal(holm_world_lives(world, 0), 2);
    holm_world_free(world);
}

static void test_world_when_a_node_crashes_its_disk_has_what_it_wrote(void **state)
{
    struct seen seen = {0};
    struct holm_world *world = pair(true, &seen);
    holm_world_cut(world, 0, 1, true);
    add(world, 0, 7);
    holm_world_run(world, 3 * S);
    holm_world_crash(world, 0);
    assert_int_equal(holm_world_start(world, 0), HOLM_OK);
    assert_int_equal(sum(world, 0), 7);
    holm_world_free(world);
}

/* T24: what a sync has brought is on the disk, too, and what builds on it. */
static void test_world_when_a_synced_node_crashes_its_disk_has_all_it_showed(void **state)
{
    struct seen seen = {0};
    struct holm_world *world = pair(true, &seen);
    for (int i = 0; i < 5; i++)
        add(world, 0, 1);
    converge(world);
    holm_world_crash(world, 0);
    holm_world_bomb(world, 1);
    /* The log of what was read again from a disk is there, that of a sync is not: n1 must sync. */
    assert_int_equal(holm_world_start(world, 0), HOLM_OK);
    assert_int_equal(holm_world_start(world, 1), HOLM_OK);
    struct holm_network_path path = holm_world_path(world, 0, 1);
    holm_world_path_set(world, 0, 1, &path);
    holm_world_join(world, 1, 0);
    converge(world);
    add(world, 1, 10);
    converge(world);
    holm_world_cut(world, 0, 1, true);
    add(world, 1, 100);
    holm_world_run(world, holm_world_now_us(world) + 2 * S);
    holm_world_crash(world, 1);
    assert_int_equal(holm_world_start(world, 1), HOLM_OK);
    assert_int_equal(sum(world, 1), 115);
    holm_world_free(world);
}

static void test_world_when_a_clock_jumps_only_wall_time_does(void **state)
{
    struct seen seen = {0};
    struct holm_world *world = pair(false, &seen);
    struct holm_now before = holm_world_clock(world, 0);
    holm_world_clock_jump(world, 0, -600000);
    holm_world_clock_drift(world, 0, 100000);
    holm_world_run(world, 12 * S);
    struct holm_now after = holm_world_clock(world, 0);
    assert_int_equal(after.monotonic_us - before.monotonic_us, 10 * S);
    assert_int_equal((int64_t)(after.wall_ms - before.wall_ms), 10000 + 1000 - 600000);
    holm_world_free(world);
}

/* T03: the same id and epoch, forced. Each of the twins has written before they hear of each other. */
static void test_world_when_two_live_under_one_epoch_it_is_noticed_and_they_part(void **state)
{
    struct holm_world_config config = holm_world_config_default(3);
    struct holm_world_node_config node = holm_world_node_config_default();
    struct holm_world *world;
    struct holm_epoch epoch = {config.wall_ms << 16};
    assert_int_equal(holm_world_new(&config, &world), HOLM_OK);
    for (uint32_t i = 0; i < 3; i++) {
        node.node_id = i == 2 ? 2 : i + 1;
        (void)holm_world_add(world, &node);
        assert_int_equal(holm_world_start_as(world, i, epoch), HOLM_OK);
    }
    add(world, 1, 1);
    add(world, 2, 10);
    holm_world_join(world, 1, 0);
    holm_world_join(world, 2, 0);
    holm_world_run(world, 20 * S);
    struct holm_actor one = holm_engine_self(holm_world_engine(world, 1));
    struct holm_actor other = holm_engine_self(holm_world_engine(world, 2));
    assert_true(one.epoch.value > epoch.value && other.epoch.value > epoch.value);
    assert_false(holm_actor_equal(one, other));
    /* One dot with two payloads: not silent. */
    struct holm_stats stats;
    holm_engine_stats(holm_world_engine(world, 0), &stats);
    assert_true(stats.digest_breaches + stats.twins > 0);
    holm_world_free(world);
}

/* A sync takes what differs, and not what a frame of 1 MiB could ask for. */
static void test_world_when_a_small_state_is_synced_it_takes_little_memory(void **state)
{
    struct holm_world_config config = holm_world_config_default(1);
    struct holm_world_node_config node = holm_world_node_config_default();
    struct holm_world *world;
    node.engine.frame_bytes_max = (size_t)1 << 20;
    node.engine.log_bytes_max = 1; /* who comes late must sync */
    assert_int_equal(holm_world_new(&config, &world), HOLM_OK);
    for (uint32_t i = 0; i < 2; i++)
        (void)holm_world_add(world, &node);
    assert_int_equal(holm_world_start(world, 0), HOLM_OK);
    for (int i = 0; i < 5; i++) {
        add(world, 0, 1);
        holm_world_run(world, holm_world_now_us(world) + 10000);
    }
    assert_int_equal(holm_world_start(world, 1), HOLM_OK);
    size_t before = holm_world_heap_peak(world, 1);
    holm_world_join(world, 1, 0);
    converge(world);
    assert_int_equal(sum(world, 1), 5);
    struct holm_stats stats;
    holm_engine_stats(holm_world_engine(world, 1), &stats);
    assert_true(stats.syncs > 0);
    assert_in_range(holm_world_heap_peak(world, 1) - before, 1, 256 << 10);
    holm_world_free(world);
}

static void test_world_when_a_line_is_slow_frames_take_their_time(void **state)
{
    struct seen seen = {0};
    struct holm_world *world = pair(false, &seen);
    struct holm_network_path path = holm_world_path(world, 0, 1);
    char large[20000];
    memset(large, 'x', sizeof large);
    struct holm_op op = holm_op_put(holm_str("k"), holm_str("v"),
                                    holm_bytes_value(large, sizeof large));
    struct holm_receipt receipt;
    path.bytes_per_s = 100000;
    holm_world_path_set(world, 0, 1, &path);
    assert_int_equal(holm_world_commit(world, 0, &op, 1, &receipt), HOLM_OK);
    holm_world_run(world, 2 * S + 190000);
    assert_false(holm_world_agree(world, BOTH));
    holm_world_run(world, 2 * S + 250000);
    assert_true(holm_world_agree(world, BOTH));
    holm_world_free(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_world_when_a_node_writes_the_other_shows_it_two_milliseconds_later),
        cmocka_unit_test(test_world_when_one_way_is_cut_the_other_still_works),
        cmocka_unit_test(test_world_when_frozen_a_node_does_nothing_until_it_goes_on),
        cmocka_unit_test(test_world_when_a_bombed_node_writes_again_all_its_lives_count),
        cmocka_unit_test(test_world_when_a_node_crashes_its_disk_has_what_it_wrote),
        cmocka_unit_test(test_world_when_a_synced_node_crashes_its_disk_has_all_it_showed),
        cmocka_unit_test(test_world_when_a_clock_jumps_only_wall_time_does),
        cmocka_unit_test(test_world_when_two_live_under_one_epoch_it_is_noticed_and_they_part),
        cmocka_unit_test(test_world_when_a_small_state_is_synced_it_takes_little_memory),
        cmocka_unit_test(test_world_when_a_line_is_slow_frames_take_their_time),
    };
    return cmocka_run_group_tests_name("world", tests, NULL, NULL);
}

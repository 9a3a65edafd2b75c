/* SPDX-License-Identifier: Apache-2.0 */
/*
 * member_world.h - nodes with retention `stable` over links, in virtual time, with disks or without: what the tests of
 * membership share. Node 0 founds.
 *
 *     struct world *world = open_cluster(3, true);      all are members
 *     crash(world, 2);                                  what was not synced is lost; bomb() loses all
 *     start(world, 2);
 *     expect_members(world, 3);
 *     close_cluster(world);
 */
#ifndef HOLM_TESTS_UNIT_MEMBER_WORLD_H
#define HOLM_TESTS_UNIT_MEMBER_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "crdt/partition.h"
#include "sim/world/disk.h"
#include "tests/unit/engine_world.h"

#define PARTITIONS 2u

static struct holm_disk *disks[WORLD_NODES_MAX];

static inline struct world *open_world(uint32_t count, bool stored)
{
    struct world *world = world_new_of(1, count, PARTITIONS);
    for (uint32_t i = 0; i < count; i++) {
        world->configs[i].retention = HOLM_RETENTION_STABLE;
        world->configs[i].founds = i == 0;
        disks[i] = stored ? holm_disk_new(PARTITIONS + 1) : NULL;
    }
    return world;
}

static inline void start(struct world *world, uint32_t index)
{
    if (disks[index] != NULL)
        world->stores[index] = holm_disk_open(disks[index]);
    world_start(world, index);
    for (uint32_t i = 0; i < world->count; i++) {
        if (i != index)
            world_join(world, index, i);
    }
}

static inline void stop(struct world *world, uint32_t index)
{
    world_kill(world, index);
    if (world->stores[index] != NULL)
        world->stores[index]->ops->close(world->stores[index]);
    world->stores[index] = NULL;
}

static inline void crash(struct world *world, uint32_t index)
{
    stop(world, index);
    if (disks[index] != NULL)
        holm_disk_crash(disks[index], 1);
}

/* It loses everything. */
static inline void bomb(struct world *world, uint32_t index)
{
    stop(world, index);
    if (disks[index] != NULL)
        holm_disk_wipe(disks[index]);
}

static inline struct holm_engine_membership standing(struct world *world, uint32_t index)
{
    struct holm_engine_membership membership;
    holm_engine_membership(world->engines[index], &membership);
    return membership;
}

static inline void slow_down(struct world *world, uint32_t a, uint32_t b, uint64_t delay_us)
{
    struct holm_network_path slow = {.delay_us = delay_us};
    world_path(world, a, b, &slow);
    world_path(world, b, a, &slow);
}

static inline void expect_members(struct world *world, uint32_t count)
{
    for (uint32_t i = 0; i < world->count; i++) {
        if (world->engines[i] == NULL)
            continue;
        if (!standing(world, i).confirmed || standing(world, i).members != count)
            print_message("node %u: %s\n", i, world->log);
        assert_true(standing(world, i).confirmed);
        assert_int_equal(standing(world, i).members, count);
    }
}

static inline struct world *open_cluster(uint32_t count, bool stored)
{
    struct world *world = open_world(count, stored);
    for (uint32_t i = 0; i < count; i++)
        start(world, i);
    world_run(world, 8000);
    expect_members(world, count);
    return world;
}

static inline void close_cluster(struct world *world)
{
    uint32_t count = world->count;
    for (uint32_t i = 0; i < count; i++) {
        if (world->engines[i] != NULL)
            stop(world, i);
    }
    world_free(world);
    for (uint32_t i = 0; i < count; i++)
        holm_disk_free(disks[i]);
}

static inline enum holm_status commit(struct world *world, uint32_t index, struct holm_op op)
{
    return holm_engine_commit(world->engines[index], holm_partition_of(op.key, PARTITIONS), &op, 1,
                              world_now(world, index), NULL);
}

static inline void put(struct world *world, uint32_t index, const char *key, const char *text)
{
    assert_int_equal(
        commit(world, index, holm_op_put(holm_str(key), holm_str("name"), holm_text(text))),
        HOLM_OK);
}

static inline void bury(struct world *world, uint32_t index, const char *key)
{
    assert_int_equal(commit(world, index, holm_op_bury(holm_str(key))), HOLM_OK);
}

static inline bool exists(struct world *world, uint32_t index, const char *key)
{
    uint32_t partition = holm_partition_of(holm_str(key), PARTITIONS);
    bool answer = holm_replica_exists(holm_engine_lock(world->engines[index], partition),
                                      holm_str(key));
    holm_engine_unlock(world->engines[index], partition);
    return answer;
}

static inline void expect_exists(struct world *world, const char *key, bool expected)
{
    for (uint32_t i = 0; i < world->count; i++) {
        if (world->engines[i] != NULL)
            assert_int_equal(exists(world, i, key), expected);
    }
}

static inline void expect_sum(struct world *world, const char *key, int64_t sum)
{
    for (uint32_t i = 0; i < world->count; i++) {
        if (world->engines[i] != NULL)
            assert_int_equal(world_sum(world, i, key), sum);
    }
}

static inline void expect_collected(struct world *world, bool collected)
{
    for (uint32_t i = 0; i < world->count; i++) {
        if (world->engines[i] != NULL)
            assert_int_equal(world_stats(world, i).tombstones == 0, collected);
    }
}

static inline void forget(struct world *world, uint32_t index, uint32_t node)
{
    assert_int_equal(holm_engine_forget(world->engines[index], world->configs[node].self.node,
                                        world_now(world, index)),
                     HOLM_OK);
}

#define MEMBER_TEST(name) cmocka_unit_test(test_engine_member_when_##name)

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Retention `stable` in whole nodes: founding, joining, collecting, forgetting, coming back.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/unit/engine_world.h"

#define PARTITIONS 2u

static struct world *open_world(uint32_t count)
{
    struct world *world = world_new_of(1, count, PARTITIONS);
    for (uint32_t i = 0; i < count; i++) {
        world->configs[i].retention = HOLM_RETENTION_STABLE;
        world->configs[i].founds = i == 0;
    }
    return world;
}

static struct holm_engine_membership standing(struct world *world, uint32_t index)
{
    struct holm_engine_membership membership;
    holm_engine_membership(world->engines[index], &membership);
    return membership;
}

static void expect_members(struct world *world, uint32_t count)
{
    for (uint32_t i = 0; i < world->count; i++) {
        if (world->engines[i] == NULL)
            continue;
        assert_true(standing(world, i).confirmed);
        assert_int_equal(standing(world, i).members, count);
    }
}

/* Node 0 founds, the others join it. */
static struct world *open_cluster(uint32_t count)
{
    struct world *world = open_world(count);
    for (uint32_t i = 0; i < count; i++)
        world_start(world, i);
    for (uint32_t i = 1; i < count; i++)
        world_join(world, i, 0);
    world_run(world, 8000);
    expect_members(world, count);
    return world;
}

static void test_engine_member_when_a_cluster_is_founded_then_all_become_members(void **state)
{
    (void)state;
    struct world *world = open_cluster(3);
    world_add(world, 0, "k", 1);
    world_add(world, 2, "k", 2);
    world_converge(world, 2000);
    assert_int_equal(world_sum(world, 1, "k"), 3);
    world_free(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_engine_member_when_a_cluster_is_founded_then_all_become_members),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

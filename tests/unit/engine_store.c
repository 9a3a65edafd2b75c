/* SPDX-License-Identifier: Apache-2.0 */
/* What a node has stored does not outgrow what it has. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "sim/world/disk.h"
#include "tests/unit/engine_world.h"

#define PARTITIONS 2u
#define ROUNDS 400

static void start(struct world *world, struct holm_disk *disk)
{
    world->stores[0] = holm_disk_open(disk);
    world_start(world, 0);
}

static void stop(struct world *world)
{
    world_kill(world, 0);
    world->stores[0]->ops->close(world->stores[0]);
    world->stores[0] = NULL;
}

/* One counter, added to again and again: its runs become a state, now and then. */
static void test_engine_store_when_runs_outgrow_the_state_it_takes_their_place(void **state)
{
    (void)state;
    struct world *world = world_new_of(1, 1, PARTITIONS);
    struct holm_disk *disk = holm_disk_new(PARTITIONS);
    size_t largest = 0, smaller = 0;
    start(world, disk);
    for (int i = 0; i < ROUNDS; i++) {
        size_t before = holm_disk_bytes(disk);
        world_add(world, 0, "n", 1);
        world_pass(world, 5);
        size_t after = holm_disk_bytes(disk);
        smaller += after < before;
        largest = after > largest ? after : largest;
    }
    assert_in_range(smaller, 2, ROUNDS / 10);
    assert_in_range(largest, 8192, 2 * 8192);
    stop(world);
    holm_disk_crash(disk, 0);
    start(world, disk);
    assert_int_equal(world_sum(world, 0, "n"), ROUNDS);
    stop(world);
    world_free(world);
    holm_disk_free(disk);
}

/* What peers sent is kept in the same way. */
static void test_engine_store_when_others_write_then_it_is_bounded_too(void **state)
{
    (void)state;
    struct world *world = world_new_of(1, 2, PARTITIONS);
    struct holm_disk *disk = holm_disk_new(PARTITIONS);
    start(world, disk);
    world_start(world, 1);
    world_join(world, 1, 0);
    world_run(world, 1500);
    for (int i = 0; i < ROUNDS; i++) {
        world_add(world, 1, "n", 1);
        world_pass(world, 5);
    }
    world_converge(world, 2000);
    assert_in_range(holm_disk_bytes(disk), 1, 2 * 8192);
    stop(world);
    world_kill(world, 1);
    start(world, disk);
    assert_int_equal(world_sum(world, 0, "n"), ROUNDS);
    stop(world);
    world_free(world);
    holm_disk_free(disk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_engine_store_when_runs_outgrow_the_state_it_takes_their_place),
        cmocka_unit_test(test_engine_store_when_others_write_then_it_is_bounded_too),
    };
    return cmocka_run_group_tests_name("engine_store", tests, NULL, NULL);
}

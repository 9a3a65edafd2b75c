/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which forgets S was grown under, across restarts (decision 7, rules 6 and 13): too few, and what was collected without
 * asking a member is taken for right; too many, and a node refuses for ever what the others have.
 */
#include "node/engine_state.h"
#include "tests/unit/member_world.h"

static size_t relied(struct world *world, uint32_t index)
{
    size_t most = 0;
    for (uint32_t p = 0; p < PARTITIONS; p++) {
        size_t count;
        holm_replica_relied(holm_engine_lock(world->engines[index], p), &count);
        holm_engine_unlock(world->engines[index], p);
        most = count > most ? count : most;
    }
    return most;
}

/* Something is written, buried and collected, by those who live; what is written then brings S to the disk. */
static void collect(struct world *world, const char *key)
{
    put(world, 0, key, "Ada");
    world_run(world, 2000);
    bury(world, 0, key);
    world_run(world, 60000);
    assert_int_equal(world_stats(world, 0).tombstones, 0);
    put(world, 0, key, "Ada");
    world_run(world, 2000);
}

static void test_engine_relied_when_it_collected_under_a_forget_then_a_later_life_knows(
    void **state)
{
    (void)state;
    struct world *world = open_cluster(3, true);
    collect(world, "k");
    assert_int_equal(relied(world, 0), 0);
    crash(world, 2);
    forget(world, 0, 2);
    collect(world, "k");
    assert_int_equal(relied(world, 0), 1);
    for (int life = 0; life < 3; life++) {
        world_run(world, 5000);
        crash(world, 0);
        start(world, 0);
        assert_int_equal(relied(world, 0), 1); /* before it hears of anybody */
    }
    close_cluster(world);
}

static void test_engine_relied_when_it_collected_nothing_under_a_forget_then_no_life_says_so(
    void **state)
{
    (void)state;
    struct world *world = open_cluster(3, true);
    collect(world, "k");
    world_split(world, 0, true);
    world_run(world, 10000);
    forget(world, 0, 2);
    put(world, 0, "other", "Ada");
    world_run(world, 10000);
    crash(world, 0);
    start(world, 0);
    assert_int_equal(relied(world, 0), 0);
    close_cluster(world);
}

/* T18's second half, with a restart of one who collected. */
static void test_engine_relied_when_it_restarts_and_the_forgotten_returns_then_all_agree(
    void **state)
{
    (void)state;
    struct world *world = open_cluster(3, true);
    put(world, 0, "k", "Ada");
    world_converge(world, 2000);
    world_split(world, 2, true);
    world_run(world, 10000);
    put(world, 2, "late", "Eva");
    forget(world, 0, 2);
    bury(world, 0, "k");
    world_run(world, 60000);
    assert_int_equal(relied(world, 1), 1);
    put(world, 1, "k", "Ada");
    world_run(world, 2000);
    crash(world, 1);
    world_split(world, 2, false);
    start(world, 1);
    assert_int_equal(relied(world, 1), 1);
    world_run(world, 60000);
    expect_members(world, 3);
    world_converge(world, 2000);
    expect_exists(world, "k", true);
    expect_exists(world, "late", true);
    close_cluster(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            test_engine_relied_when_it_collected_under_a_forget_then_a_later_life_knows),
        cmocka_unit_test(
            test_engine_relied_when_it_collected_nothing_under_a_forget_then_no_life_says_so),
        cmocka_unit_test(
            test_engine_relied_when_it_restarts_and_the_forgotten_returns_then_all_agree),
    };
    return cmocka_run_group_tests_name("engine_relied", tests, NULL, NULL);
}

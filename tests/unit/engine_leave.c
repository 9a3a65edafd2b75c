/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Members that leave for good, with retention `stable`: whoever hears of it writes it down, however many leave at once and
 * whatever becomes of the others.
 */
#include "node/engine_state.h"
#include "tests/unit/member_world.h"

/* More than anybody would think of. */
#define CROWD 100u

static void leave(struct world *world, uint32_t index)
{
    holm_engine_leave(world->engines[index]);
    world_run(world, 100);
    stop(world, index);
}

/* Nobody met them: node 0 lists them by its own word. */
static void admit_crowd(struct world *world, uint64_t first, uint32_t count)
{
    struct holm_member_op ops[CROWD];
    for (uint32_t i = 0; i < count; i++)
        ops[i] = (struct holm_member_op){.type = HOLM_MEMBER_ADMIT,
                                         .subject = {{first + i}, {1000 + i}}};
    assert_int_equal(holm_engine_list_write(world->engines[0], ops, count, world_now(world, 0)),
                     HOLM_OK);
}

static void hear_crowd(struct world *world, uint64_t first, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        holm_engine_leave_heard(world->engines[0], (struct holm_actor){{first + i}, {1000 + i}},
                                world_now(world, 0));
}

static void test_engine_leave_when_a_crowd_leaves_at_once_then_all_are_forgotten(void **state)
{
    (void)state;
    struct world *world = open_world(2, false);
    world->configs[0].peers_max = CROWD;
    start(world, 0);
    start(world, 1);
    world_run(world, 8000);
    admit_crowd(world, 500, CROWD);
    world_run(world, 5000);
    expect_members(world, CROWD + 2);
    hear_crowd(world, 500, CROWD);
    world_run(world, 5000);
    expect_members(world, 2);
    close_cluster(world);
}

/* Slots are taken over by others, so more may leave than there are: who is in nobody's list for longest gives way. */
static void test_engine_leave_when_the_room_is_taken_then_the_stranger_gives_way(void **state)
{
    (void)state;
    struct world *world = open_world(2, false);
    world->configs[0].peers_max = world->configs[1].peers_max = 2;
    start(world, 0);
    start(world, 1);
    world_run(world, 8000);
    admit_crowd(world, 500, 1);
    world_run(world, 5000);
    expect_members(world, 3);
    hear_crowd(world, 700, 1);
    world_run(world, 3000);
    hear_crowd(world, 600, 1); /* a member that this list does not have yet */
    hear_crowd(world, 500, 1);
    world_run(world, 3000);
    expect_members(world, 2);
    admit_crowd(world, 600, 1);
    world_run(world, 5000);
    expect_members(world, 2);
    close_cluster(world);
}

/* Both live on: what is kept of a node is its last life. */
static void test_engine_leave_when_a_node_leaves_twice_then_its_last_life_counts(void **state)
{
    (void)state;
    struct world *world = open_cluster(2, false);
    struct holm_engine_members *members = world->engines[0]->members;
    struct holm_actor early = {{500}, {900}}, late = {{500}, {1000}};
    holm_engine_leave_heard(world->engines[0], early, world_now(world, 0));
    holm_engine_leave_heard(world->engines[0], late, world_now(world, 0));
    holm_engine_leave_heard(world->engines[0], early, world_now(world, 0));
    assert_int_equal(members->leaver_count, 1);
    admit_crowd(world, 500, 1);
    world_run(world, 8000);
    expect_members(world, 2);
    assert_int_equal(members->leaver_count, 0);
    close_cluster(world);
}

/* The lowest leaves, and the only one that hears it dies soon after. It has written it down: after a restart it waits for
 * nobody who will not come. */
static void test_engine_leave_when_who_heard_it_restarts_then_the_cluster_goes_on(void **state)
{
    (void)state;
    struct world *world = open_cluster(3, true);
    crash(world, 2);
    world_run(world, 5000);
    leave(world, 0);
    world_run(world, 400);
    crash(world, 1);
    start(world, 1);
    start(world, 2);
    world_run(world, 40000);
    expect_members(world, 2);
    close_cluster(world);
}

#define LEAVE_TEST(name) cmocka_unit_test(test_engine_leave_when_##name)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAVE_TEST(a_crowd_leaves_at_once_then_all_are_forgotten),
        LEAVE_TEST(the_room_is_taken_then_the_stranger_gives_way),
        LEAVE_TEST(a_node_leaves_twice_then_its_last_life_counts),
        LEAVE_TEST(who_heard_it_restarts_then_the_cluster_goes_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

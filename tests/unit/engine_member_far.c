/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Retention `stable` where nodes do not all meet, and all restart at once: whoever founds must have heard each, and
 * have taken what each has, of those too that are several links away.
 */
#include "node/engine_state.h"
#include "tests/unit/member_world.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* Of two who do not meet. */
static const struct world_edge line[] = {{0, 1}, {1, 2}, {2, 3}};
static const struct world_edge star[] = {{2, 0}, {2, 1}, {2, 3}, {2, 4}};
static const struct world_edge ring[] = {{0, 1}, {1, 2}, {2, 3}, {3, 4}, {4, 0}};
static const struct world_edge tree[] = {{3, 0}, {3, 1}, {3, 6}, {6, 2}, {6, 4}, {4, 5}};

static struct world *open_graph(uint32_t count, const struct world_edge *edges, size_t edge_count)
{
    struct world *world = open_world(count, true);
    world_graph(world, edges, edge_count);
    for (uint32_t i = 0; i < count; i++)
        start(world, i);
    world_run(world, 30000);
    expect_members(world, count);
    return world;
}

/* Each has written what it alone has, and nobody lives. */
static void crash_all(struct world *world, const struct world_edge *edges, size_t edge_count)
{
    for (uint32_t i = 0; i < world->count; i++)
        world_split(world, i, true);
    world_run(world, 5000);
    for (uint32_t i = 0; i < world->count; i++)
        world_add(world, i, "n", 1 << i);
    world_run(world, 100);
    for (uint32_t i = 0; i < world->count; i++)
        crash(world, i);
    world_graph(world, edges, edge_count);
}

static void expect_goes_on(struct world *world, int64_t sum)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < world->count; i++)
        count += world->engines[i] != NULL;
    expect_members(world, count);
    world_converge(world, 10000);
    expect_sum(world, "n", sum);
    bury(world, 0, "k");
    world_run(world, 60000);
    expect_collected(world, true);
}

static size_t tunnels_of(struct world *world, uint32_t index)
{
    return holm_tunnels_count(world->engines[index]->tunnels);
}

static void expect_no_tunnels(struct world *world)
{
    for (uint32_t i = 0; i < world->count; i++) {
        if (world->engines[i] != NULL)
            assert_int_equal(tunnels_of(world, i), 0);
    }
}

/* A member has none, from the moment on when it is one. How long it took until all were. */
static uint64_t run_to_members(struct world *world, uint64_t limit_ms)
{
    uint64_t ms = 0;
    for (bool all = false; !all && ms < limit_ms; ms += 10) {
        world_pass(world, 10);
        all = true;
        for (uint32_t i = 0; i < world->count; i++) {
            bool confirmed = standing(world, i).confirmed;
            assert_true(!confirmed || tunnels_of(world, i) == 0);
            all = all && confirmed;
        }
    }
    return ms;
}

static void restart_all(uint32_t count, const struct world_edge *edges, size_t edge_count)
{
    struct world *world = open_graph(count, edges, edge_count);
    crash_all(world, edges, edge_count);
    for (uint32_t i = 0; i < count; i++)
        start(world, i);
    print_message("all are members after %u ms\n", (unsigned)run_to_members(world, 60000));
    world_run(world, 10000);
    expect_goes_on(world, (1 << count) - 1);
    expect_no_tunnels(world);
    close_cluster(world);
}

static void test_engine_member_when_a_whole_line_restarts_then_it_goes_on(void **state)
{
    (void)state;
    restart_all(4, line, COUNT(line));
}

static void test_engine_member_when_a_whole_star_restarts_then_it_goes_on(void **state)
{
    (void)state;
    restart_all(5, star, COUNT(star));
}

static void test_engine_member_when_a_whole_ring_restarts_then_it_goes_on(void **state)
{
    (void)state;
    restart_all(5, ring, COUNT(ring));
}

static void test_engine_member_when_a_whole_tree_restarts_then_it_goes_on(void **state)
{
    (void)state;
    restart_all(7, tree, COUNT(tree));
}

/* What the last one has, nobody else knows: without it none may found, however long it is away. */
static void test_engine_member_when_the_end_of_a_line_stays_away_then_nobody_founds(void **state)
{
    (void)state;
    struct world *world = open_graph(4, line, COUNT(line));
    crash_all(world, line, COUNT(line));
    for (uint32_t i = 0; i < 3; i++)
        start(world, i);
    world_run(world, 120000);
    for (uint32_t i = 0; i < 3; i++)
        assert_false(standing(world, i).confirmed);
    start(world, 3);
    world_run(world, 60000);
    expect_goes_on(world, 15);
    close_cluster(world);
}

static void test_engine_member_when_the_end_of_a_line_was_forgotten_then_the_rest_founds(
    void **state)
{
    (void)state;
    struct world *world = open_graph(4, line, COUNT(line));
    crash(world, 3);
    world_run(world, 5000);
    forget(world, 0, 3);
    world_run(world, 60000);
    for (uint32_t i = 0; i < 3; i++)
        crash(world, i);
    for (uint32_t i = 0; i < 3; i++)
        start(world, i);
    world_run(world, 60000);
    expect_goes_on(world, 0);
    close_cluster(world);
}

static void test_engine_member_when_half_of_a_line_comes_later_then_it_goes_on(void **state)
{
    (void)state;
    struct world *world = open_graph(4, line, COUNT(line));
    crash_all(world, line, COUNT(line));
    start(world, 0);
    start(world, 1);
    world_run(world, 30000);
    assert_false(standing(world, 0).confirmed);
    start(world, 3);
    world_run(world, 10000);
    start(world, 2);
    world_run(world, 60000);
    expect_goes_on(world, 15);
    close_cluster(world);
}

/* One in the middle has lost its disk: it has nothing to give, and all must have heard that. */
static void test_engine_member_when_one_amid_a_line_is_empty_then_it_goes_on(void **state)
{
    (void)state;
    struct world *world = open_graph(4, line, COUNT(line));
    crash_all(world, line, COUNT(line));
    holm_disk_wipe(disks[1]);
    for (uint32_t i = 0; i < 4; i++)
        start(world, i);
    world_run(world, 60000);
    expect_goes_on(world, 13);
    close_cluster(world);
}

/* Who has a list is two links away from one that has none, and has the higher id: it opens all the same. */
static void test_engine_member_when_two_at_the_end_of_a_line_are_empty_then_it_goes_on(void **state)
{
    (void)state;
    struct world *world = open_graph(4, line, COUNT(line));
    crash_all(world, line, COUNT(line));
    holm_disk_wipe(disks[0]);
    holm_disk_wipe(disks[1]);
    for (uint32_t i = 0; i < 4; i++) {
        world->configs[i].founds = false;
        start(world, i);
    }
    world_run(world, 60000);
    expect_goes_on(world, 12);
    close_cluster(world);
}

/* Frames of 4 KiB hold no whole page of what each has: they come in pieces. */
static void test_engine_member_when_much_comes_from_afar_then_all_of_it_is_here(void **state)
{
    (void)state;
    struct world *world = open_world(4, true);
    char key[16], text[256];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    world_graph(world, line, COUNT(line));
    for (uint32_t i = 0; i < 4; i++) {
        world->configs[i].frame_bytes_max = 4096;
        start(world, i);
    }
    world_run(world, 30000);
    world_cut(world, 2, 3, true);
    world_run(world, 5000);
    for (uint32_t i = 0; i < 500; i++) {
        (void)snprintf(key, sizeof key, "far%u", i);
        put(world, 3, key, text);
    }
    world_run(world, 1000);
    for (uint32_t i = 0; i < 4; i++)
        crash(world, i);
    world_cut(world, 2, 3, false);
    for (uint32_t i = 0; i < 4; i++)
        start(world, i);
    world_run(world, 60000);
    expect_members(world, 4);
    world_converge(world, 10000);
    for (uint32_t i = 0; i < 500; i += 7) {
        (void)snprintf(key, sizeof key, "far%u", i);
        expect_exists(world, key, true);
    }
    close_cluster(world);
}

int main(int count, char **arguments)
{
    const struct CMUnitTest tests[] = {
        MEMBER_TEST(a_whole_line_restarts_then_it_goes_on),
        MEMBER_TEST(a_whole_star_restarts_then_it_goes_on),
        MEMBER_TEST(a_whole_ring_restarts_then_it_goes_on),
        MEMBER_TEST(a_whole_tree_restarts_then_it_goes_on),
        MEMBER_TEST(the_end_of_a_line_stays_away_then_nobody_founds),
        MEMBER_TEST(the_end_of_a_line_was_forgotten_then_the_rest_founds),
        MEMBER_TEST(half_of_a_line_comes_later_then_it_goes_on),
        MEMBER_TEST(one_amid_a_line_is_empty_then_it_goes_on),
        MEMBER_TEST(two_at_the_end_of_a_line_are_empty_then_it_goes_on),
        MEMBER_TEST(much_comes_from_afar_then_all_of_it_is_here),
    };
    if (count > 1)
        cmocka_set_test_filter(arguments[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

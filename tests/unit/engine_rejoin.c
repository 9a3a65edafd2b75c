/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A node that lost everything comes back where all write and hear of each other by feeds, once a second:
 *
 *     its op log begins with the cut that it got, and whoever lags behind that by a hop cannot be fed from it
 *
 * That costs a sync and a few pulls there, and next to nothing elsewhere: what the others lack is on
 * its way to them, and no reason to sync, which would leave a hole in their own logs in turn.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "tests/unit/engine_world.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define NODES 15u
#define SECOND_MS 1000u

static const struct world_edge tree_15[] = {{0, 1},  {0, 8},  {0, 13},  {1, 6},  {2, 5},
                                            {3, 10}, {4, 5},  {5, 6},   {6, 10}, {7, 13},
                                            {8, 9},  {8, 14}, {10, 12}, {11, 13}};

struct costs {
    uint64_t syncs, pulls, follows; /* of all nodes */
    uint64_t most_syncs;            /* of one node */
    uint64_t node_syncs, node_pulls;
};

static struct holm_replica_stats stats_of(struct world *world, uint32_t node)
{
    struct holm_replica_stats stats;
    holm_replica_stats(holm_engine_lock(world->engines[node], 0), &stats);
    holm_engine_unlock(world->engines[node], 0);
    return stats;
}

static struct costs costs_of(struct world *world, uint32_t node)
{
    struct costs costs = {.syncs = 0};
    for (uint32_t i = 0; i < world->count; i++) {
        if (world->engines[i] == NULL)
            continue;
        struct holm_replica_stats stats = stats_of(world, i);
        costs.syncs += stats.syncs;
        costs.most_syncs = stats.syncs > costs.most_syncs ? stats.syncs : costs.most_syncs;
        costs.pulls += stats.pulls;
        costs.follows += stats.follows;
        if (i == node) {
            costs.node_syncs = stats.syncs;
            costs.node_pulls = stats.pulls;
        }
    }
    return costs;
}

/* Everybody adds an element each second, one after the other. */
static void write_rounds(struct world *world, int rounds)
{
    for (int round = 0; round < rounds; round++) {
        for (uint32_t i = 0; i < world->count; i++) {
            char element[48];
            snprintf(element, sizeof element, "%u-%llu", i,
                     (unsigned long long)world->now.monotonic_us);
            struct holm_op op = holm_op_insert(holm_str("set"), holm_str(""), holm_str(element));
            if (world->engines[i] != NULL)
                assert_int_equal(
                    holm_engine_commit(world->engines[i], 0, &op, 1, world_now(world, i), NULL),
                    HOLM_OK);
            world_pass(world, SECOND_MS / world->count);
        }
    }
}

static size_t mesh_edges(struct world_edge *edges)
{
    size_t count = 0;
    for (uint32_t i = 0; i < NODES; i++) {
        edges[count++] = (struct world_edge){i, (i + 1) % NODES};
        edges[count++] = (struct world_edge){i, (i + 4) % NODES};
    }
    return count;
}

static struct world *graph_open(const struct world_edge *edges, size_t count, uint64_t seed)
{
    struct world *world = world_new_of(seed, NODES, 1);
    for (uint32_t i = 0; i < NODES; i++) {
        world->configs[i].relay = true;
        world->configs[i].allocator = holm_transport_config_default().allocator;
        world->configs[i].flush_interval_us = SECOND_MS * 1000;
        world->configs[i].beacon_interval_us = SECOND_MS * 1000;
    }
    world_graph(world, edges, count);
    for (uint32_t i = 0; i < NODES; i++)
        world_start(world, i);
    for (size_t i = 0; i < count; i++)
        world_join(world, edges[i].b, edges[i].a);
    return world;
}

/* What a rejoin cost everybody until forty seconds later, but for the node's former life. */
static struct costs rejoin(const struct world_edge *edges, size_t count, uint32_t node,
                           uint64_t seed)
{
    struct world *world = graph_open(edges, count, seed);
    write_rounds(world, 25);
    world_kill(world, node);
    write_rounds(world, 2);
    struct costs before = costs_of(world, node);
    world_start(world, node);
    for (size_t i = 0; i < count; i++) {
        if (edges[i].a == node || edges[i].b == node)
            world_join(world, edges[i].b, edges[i].a);
    }
    write_rounds(world, 40);
    struct costs costs = costs_of(world, node);
    costs.syncs -= before.syncs;
    costs.pulls -= before.pulls;
    costs.follows -= before.follows;
    (void)world_converge(world, 30 * SECOND_MS);
    world_free(world);
    printf("seed %llu: %llu syncs (%llu), %llu pulls (%llu), %llu follows\n",
           (unsigned long long)seed, (unsigned long long)costs.syncs,
           (unsigned long long)costs.node_syncs, (unsigned long long)costs.pulls,
           (unsigned long long)costs.node_pulls, (unsigned long long)costs.follows);
    return costs;
}

static void test_engine_when_a_node_rejoins_a_mesh_then_nobody_else_syncs(void **state)
{
    struct world_edge edges[2 * NODES];
    size_t count = mesh_edges(edges);
    (void)state;
    for (uint32_t seed = 1; seed <= 3; seed++) {
        struct costs costs = rejoin(edges, count, (uint32_t)(5 * seed) % NODES, seed);
        assert_int_equal(costs.node_syncs, 1);
        assert_int_equal(costs.syncs, 1);
        assert_in_range(costs.node_pulls, 1, 6);
        assert_in_range(costs.pulls, 1, 8);
        assert_in_range(costs.follows, 1, 20);
    }
}

/* Nothing goes round the node here: each side lacks what the others wrote meanwhile, and nobody that it reaches
 * has the runs. */
static void test_engine_when_a_node_rejoins_in_the_midst_of_a_tree_then_nobody_syncs_twice(
    void **state)
{
    (void)state;
    static const uint32_t hubs[] = {6, 13, 0};
    for (uint32_t seed = 1; seed <= 3; seed++) {
        struct costs costs = rejoin(tree_15, COUNT(tree_15), hubs[seed - 1], seed);
        assert_int_equal(costs.node_syncs, 1);
        assert_int_equal(costs.most_syncs, 1);
        assert_in_range(costs.pulls, 1, 3 * NODES);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_engine_when_a_node_rejoins_a_mesh_then_nobody_else_syncs),
        cmocka_unit_test(
            test_engine_when_a_node_rejoins_in_the_midst_of_a_tree_then_nobody_syncs_twice),
    };
    return cmocka_run_group_tests_name("engine_rejoin", tests, NULL, NULL);
}

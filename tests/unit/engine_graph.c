/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Engines that do not all reach each other, or are too many to: what reaches whom by feeds, and what that
 * takes. The workload and graphs of the counts are the literature's:
 *
 *     Enes, Almeida, Baquero, Leitao, "Efficient Synchronization of State-based CRDTs", ICDE 2019, V
 *     15 nodes, 100 rounds of a second, an update a node and round; elements and metadata that arrive
 */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "node/engine_state.h"
#include "proto/codec.h"
#include "sim/tally.h"
#include "tests/unit/engine_world.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define SECOND_MS 1000u
#define ROUNDS 100

static const struct world_edge tree_15[] = {{0, 1},  {0, 8},  {0, 13},  {1, 6},  {2, 5},
                                            {3, 10}, {4, 5},  {5, 6},   {6, 10}, {7, 13},
                                            {8, 9},  {8, 14}, {10, 12}, {11, 13}};

/* ---- worlds --------------------------------------------------------------------------------- */

/* What arrived, of all kinds and of those that only repair needs. */
struct count {
    struct holm_tally all;
    uint64_t bytes;
    uint64_t by_type[HOLM_MESSAGE_TYPE_MAX + 1];
    uint64_t elements_of[HOLM_MESSAGE_TYPE_MAX + 1], metadata_of[HOLM_MESSAGE_TYPE_MAX + 1];
};

static void tally(struct world *world, uint32_t to, const struct holm_transport_event *event)
{
    struct count *count = world->context;
    struct holm_allocator allocator = holm_transport_config_default().allocator;
    struct holm_codec_limits limits = holm_codec_limits_default(0);
    struct holm_decoded *decoded;
    (void)to;
    assert_int_equal(holm_codec_decode(&allocator, &limits,
                                       holm_mem(event->frame, event->frame_bytes), &decoded),
                     HOLM_OK);
    enum holm_message_type type = decoded->message.type;
    struct holm_tally before = count->all;
    holm_tally_message(&count->all, &decoded->message);
    count->bytes += event->frame_bytes;
    count->by_type[type] += 1;
    count->elements_of[type] += count->all.elements - before.elements;
    count->metadata_of[type] += count->all.metadata - before.metadata;
    holm_decoded_free(decoded);
}

static void print_count(const char *name, const struct count *count)
{
    printf("%s: %" PRIu64 " elements, %" PRIu64 " metadata, %" PRIu64 " messages, %" PRIu64
           " bytes\n",
           name, count->all.elements, count->all.metadata, count->all.messages, count->bytes);
    for (int type = 0; type <= HOLM_MESSAGE_TYPE_MAX; type++)
        if (count->by_type[type] > 0)
            printf("    type %2d: %7" PRIu64 " messages, %7" PRIu64 " elements, %7" PRIu64
                   " metadata\n",
                   type, count->by_type[type], count->elements_of[type], count->metadata_of[type]);
}

static struct world *world_open(uint32_t nodes, uint32_t partitions, uint64_t seed)
{
    struct world *world = world_new_of(seed, nodes, partitions);
    for (uint32_t i = 0; i < nodes; i++) {
        world->configs[i].relay = true;
        world->configs[i].allocator = holm_transport_config_default().allocator;
    }
    return world;
}

/* The literature's: everything once a second. */
static void slow_down(struct world *world)
{
    for (uint32_t i = 0; i < world->count; i++) {
        world->configs[i].flush_interval_us = 1000000;
        world->configs[i].beacon_interval_us = 1000000;
    }
}

static void start_all(struct world *world, const struct world_edge *edges, size_t count)
{
    world_graph(world, edges, count);
    for (uint32_t i = 0; i < world->count; i++)
        world_start(world, i);
    for (size_t i = 0; i < count; i++)
        world_join(world, edges[i].b, edges[i].a);
}

static size_t mesh_edges(uint32_t nodes, struct world_edge *edges)
{
    size_t count = 0;
    for (uint32_t i = 0; i < nodes; i++) {
        edges[count++] = (struct world_edge){i, (i + 1) % nodes};
        edges[count++] = (struct world_edge){i, (i + 4) % nodes};
    }
    return count;
}

/* ---- updates -------------------------------------------------------------------------------- */

static void commit(struct world *world, uint32_t node, const struct holm_op *ops, size_t count)
{
    assert_int_equal(
        holm_engine_commit(world->engines[node], 0, ops, count, world_now(world, node), NULL),
        HOLM_OK);
}

static void add_element(struct world *world, uint32_t node, uint32_t round)
{
    char element[32];
    snprintf(element, sizeof element, "%" PRIu32 "-%" PRIu32, node, round);
    struct holm_op op = holm_op_insert(holm_str("set"), holm_str(""), holm_str(element));
    commit(world, node, &op, 1);
}

static void add_one(struct world *world, uint32_t node, uint32_t round)
{
    (void)round;
    struct holm_op op = holm_op_add(holm_str("counter"), holm_str(""), 1);
    commit(world, node, &op, 1);
}

#define MAP_KEYS 1000u

/* Rewrites a tenth, rounded up, of the node's own share of the keys. */
static void write_tenth(struct world *world, uint32_t node, uint32_t round)
{
    struct holm_op ops[7];
    char keys[7][16];
    uint32_t first = node * MAP_KEYS / world->count, next = (node + 1) * MAP_KEYS / world->count;
    for (uint32_t i = 0; i < 7; i++) {
        snprintf(keys[i], sizeof keys[i], "key-%04" PRIu32,
                 first + (round * 7 + i) % (next - first));
        ops[i] = holm_op_put(holm_str(keys[i]), holm_str(""), holm_i64((int64_t)round));
    }
    commit(world, node, ops, 7);
}

struct workload {
    const char *name;
    void (*update)(struct world *world, uint32_t node, uint32_t round);
    uint64_t rounds_elements; /* that one update writes */
};

static const struct workload sets = {"GSet", add_element, 1};
static const struct workload counters = {"GCounter", add_one, 1};
static const struct workload maps = {"GMap 10%", write_tenth, 7};

static struct count run_rounds(struct world *world, const struct workload *workload)
{
    struct count count = {.bytes = 0};
    world_run(world, 20 * SECOND_MS);
    world->context = &count;
    world->arriving = tally;
    for (uint32_t round = 0; round < ROUNDS; round++) {
        for (uint32_t node = 0; node < world->count; node++)
            workload->update(world, node, round);
        world_run(world, SECOND_MS);
    }
    (void)world_converge(world, 60 * SECOND_MS);
    return count;
}

static struct count lockstep(const char *graph, const struct workload *workload,
                             const struct world_edge *edges, size_t edge_count)
{
    struct world *world = world_open(15, 1, 7);
    slow_down(world);
    start_all(world, edges, edge_count);
    struct count count = run_rounds(world, workload);
    char name[64];
    snprintf(name, sizeof name, "%s, %s", workload->name, graph);
    print_count(name, &count);
    for (uint32_t i = 0; i < world->count; i++)
        assert_int_equal(world_stats(world, i).digest_breaches, 0);
    world->arriving = NULL;
    world_free(world);
    return count;
}

static void assert_costs(const struct count *count, const struct workload *workload, uint64_t most)
{
    uint64_t elements = 15 * ROUNDS * 14 * workload->rounds_elements;
    assert_true(count->all.elements >= elements); /* everyone has everything */
    assert_in_range(count->all.elements + count->all.metadata, elements, most);
}

/* Elements of BP+RR in the same place, from the authors' archive. */
static void test_engine_when_a_tree_writes_in_lockstep_then_each_update_crosses_an_edge_once(
    void **state)
{
    struct count count = lockstep("tree-15", &sets, tree_15, COUNT(tree_15));
    assert_int_equal(count.all.elements, 21000);
    assert_costs(&count, &sets, 26686);
    count = lockstep("tree-15", &counters, tree_15, COUNT(tree_15));
    assert_int_equal(count.all.elements, 21000);
    assert_costs(&count, &counters, 26694);
    count = lockstep("tree-15", &maps, tree_15, COUNT(tree_15));
    assert_int_equal(count.all.elements, 147000);
    assert_costs(&count, &maps, 152668);
}

static void test_engine_when_a_mesh_writes_in_lockstep_then_it_comes_to_be_a_tree(void **state)
{
    struct world_edge edges[30];
    size_t edge_count = mesh_edges(15, edges);
    struct count count = lockstep("mesh-15", &sets, edges, edge_count);
    assert_costs(&count, &sets, 81035 / 2);
    count = lockstep("mesh-15", &counters, edges, edge_count);
    assert_costs(&count, &counters, 80769 / 2);
    count = lockstep("mesh-15", &maps, edges, edge_count);
    assert_costs(&count, &maps, 494572 / 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            test_engine_when_a_tree_writes_in_lockstep_then_each_update_crosses_an_edge_once),
        cmocka_unit_test(test_engine_when_a_mesh_writes_in_lockstep_then_it_comes_to_be_a_tree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

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
        world_pass(world, SECOND_MS);
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
    assert_in_range(count.by_type[HOLM_MESSAGE_BEACON], 0, 200); /* feeds tell more */
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

/* ---- partial topologies --------------------------------------------------------------------- */

static size_t ring_edges(uint32_t nodes, struct world_edge *edges)
{
    for (uint32_t i = 0; i < nodes; i++)
        edges[i] = (struct world_edge){i, (i + 1) % nodes};
    return nodes;
}

static struct world *ring_open(uint32_t nodes, uint64_t seed)
{
    struct world_edge edges[WORLD_NODES_MAX];
    struct world *world = world_open(nodes, 4, seed);
    start_all(world, edges, ring_edges(nodes, edges));
    world_run(world, 5 * SECOND_MS);
    return world;
}

static void write_all(struct world *world, const char *prefix, int rounds, uint64_t pause_ms)
{
    for (int round = 0; round < rounds; round++) {
        for (uint32_t i = 0; i < world->count; i++) {
            char key[32];
            snprintf(key, sizeof key, "%s-%d-%d", prefix, round, (int)i % 3);
            if (world->engines[i] != NULL)
                world_add(world, i, key, 1);
        }
        world_pass(world, pause_ms);
    }
}

static uint64_t talk_of(const struct count *count)
{
    uint64_t sum = 0;
    for (int type = HOLM_MESSAGE_ACK; type <= HOLM_MESSAGE_TYPE_MAX; type++)
        sum += count->by_type[type];
    return sum + count->by_type[HOLM_MESSAGE_DELTA];
}

/* Nothing but beacons and signs of life, once what was under way has been acknowledged. */
static void assert_quiet(struct world *world, uint64_t ms)
{
    struct count count = {.bytes = 0};
    world_run(world, 10 * SECOND_MS);
    world->context = &count;
    world->arriving = tally;
    world_run(world, ms);
    world->arriving = NULL;
    if (talk_of(&count) != 0)
        print_count("not quiet", &count);
    assert_int_equal(talk_of(&count), 0);
    assert_true(count.by_type[HOLM_MESSAGE_BEACON] > 0);
}

static uint64_t pulls_of(struct world *world)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < world->count; i++)
        if (world->engines[i] != NULL)
            sum += world_stats(world, i).pulls + world_stats(world, i).syncs;
    return sum;
}

static void test_engine_when_nodes_are_in_a_ring_then_runs_are_relayed_round_it(void **state)
{
    struct world *world = ring_open(12, 1);
    uint64_t before = pulls_of(world);
    world_add(world, 0, "hero", 1);
    assert_in_range(world_converge(world, SECOND_MS), 6, 20); /* six hops, a flush interval each */
    write_all(world, "k", 50, 7);
    assert_in_range(world_converge(world, SECOND_MS), 0, 20);
    assert_int_equal(pulls_of(world), before);
    assert_quiet(world, 60 * SECOND_MS);
    world_free(world);
}

/* Who waits until peers have seen a write is told by those that it has links to. */
static void test_engine_when_somebody_waits_then_fed_peers_tell_that_they_have_it(void **state)
{
    struct world *world = ring_open(6, 2);
    uint64_t seqs[4];
    write_all(world, "k", 5, 3);
    holm_engine_minted(world->engines[0], seqs);
    for (uint32_t i = 0; i < 4; i++)
        assert_int_equal(holm_engine_want(world->engines[0], i, world_now(world, 0)), HOLM_OK);
    world_run(world, 10);
    assert_int_equal(holm_engine_seen(world->engines[0], 0, seqs, 4), 2);
    world_free(world);
}

/* T26: a - b - c, and nothing else. */
static void test_engine_when_one_bridges_two_then_it_comes_to_relay_at_once(void **state)
{
    static const struct world_edge edges[] = {{0, 1}, {1, 2}};
    struct world *world = world_new_of(3, 3, 4);
    start_all(world, edges, COUNT(edges));
    world_run(world, 2 * SECOND_MS);
    world_add(world, 2, "slow", 1);
    assert_in_range(world_converge(world, 10 * SECOND_MS), 20, 10 * SECOND_MS);
    for (int i = 0; i < 100; i++) {
        world_add(world, 2, "k", 1);
        world_add(world, 0, "k", 1);
        world_run(world, 100);
    }
    (void)world_converge(world, 10 * SECOND_MS);
    assert_true(world->engines[0]->relaying && world->engines[2]->relaying);
    assert_false(world->engines[1]->relaying); /* it reaches both */
    world_add(world, 2, "fast", 1);
    assert_in_range(world_converge(world, SECOND_MS), 2, 10);
    assert_quiet(world, 30 * SECOND_MS);
    world_run(world, 60 * SECOND_MS);
    assert_false(world->engines[0]->relaying); /* nothing was relayed for a minute */
    world_add(world, 0, "slow", 1);
    (void)world_converge(world, 10 * SECOND_MS);
    world_free(world);
}

/* T26: a ring is cut in two places, and heals in one. */
static void test_engine_when_a_ring_is_cut_in_two_then_both_halves_go_on_and_meet_again(
    void **state)
{
    struct world *world = ring_open(10, 4);
    world_cut(world, 0, 1, true);
    world_cut(world, 5, 6, true);
    write_all(world, "cut", 40, 250); /* ten seconds: the cut is noticed */
    assert_false(world_converged(world));
    world_cut(world, 5, 6, false);
    assert_in_range(world_converge(world, 30 * SECOND_MS), 0, 5 * SECOND_MS);
    write_all(world, "line", 20, 10);
    assert_in_range(world_converge(world, SECOND_MS), 0, 30);
    world_cut(world, 0, 1, false);
    world_run(world, 10 * SECOND_MS);
    write_all(world, "ring", 20, 10);
    assert_in_range(world_converge(world, SECOND_MS), 0, 30);
    assert_quiet(world, 30 * SECOND_MS);
    world_free(world);
}

/* T26: a link that stands in one direction for good is none; the others do. */
static void test_engine_when_a_link_works_one_way_then_the_others_carry(void **state)
{
    struct world *world = ring_open(6, 5);
    struct holm_network_path path = world->path;
    path.cut = true;
    world_path(world, 2, 3, &path);
    write_all(world, "one-way", 60, 100);
    (void)world_converge(world, 5 * SECOND_MS);
    write_all(world, "later", 20, 10);
    assert_in_range(world_converge(world, SECOND_MS), 0, 30);
    assert_quiet(world, 30 * SECOND_MS);
    world_free(world);
}

/* T26: one link of a ring is cut and healed every 100 ms, another every 4 s; there is no busy loop. */
static void test_engine_when_links_flap_then_writes_go_on_and_nothing_spins(void **state)
{
    struct world *world = ring_open(6, 6);
    struct count count = {.bytes = 0};
    world->context = &count;
    world->arriving = tally;
    for (int i = 0; i < 400; i++) {
        world_cut(world, 0, 1, i % 2 == 0);
        world_cut(world, 3, 4, i / 40 % 2 == 0);
        world_add(world, (uint32_t)i % 6, "k", 1);
        world_run(world, 100);
    }
    world->arriving = NULL;
    assert_in_range(talk_of(&count), 400, 400 * 40);
    world_cut(world, 0, 1, false);
    world_cut(world, 3, 4, false);
    (void)world_converge(world, 10 * SECOND_MS);
    for (uint32_t i = 0; i < 6; i++)
        assert_int_equal(world_sum(world, i, "k"), 400);
    assert_quiet(world, 30 * SECOND_MS);
    world_free(world);
}

/* T26: links stop one by one until none is left, and come back in another order. */
static void test_engine_when_links_stop_one_by_one_and_come_back_then_all_is_well(void **state)
{
    struct world_edge edges[30];
    size_t edge_count = mesh_edges(15, edges);
    struct world *world = world_open(15, 1, 10);
    struct holm_random random = {.state = 26};
    start_all(world, edges, edge_count);
    world_run(world, 5 * SECOND_MS);
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = edge_count; i > 1; i--) {
            size_t other = holm_random_between(&random, 0, i - 1);
            struct world_edge swapped = edges[other];
            edges[other] = edges[i - 1];
            edges[i - 1] = swapped;
        }
        for (size_t i = 0; i < edge_count; i++) {
            world_cut(world, edges[i].a, edges[i].b, pass == 0);
            write_all(world, "k", 2, 400);
        }
    }
    assert_in_range(world_converge(world, 30 * SECOND_MS), 0, 5 * SECOND_MS);
    assert_quiet(world, 60 * SECOND_MS);
    world_free(world);
}

/* A follower that is far away, and gets far too much, costs a bounded amount and delays nobody. */
static void test_engine_when_a_follower_is_slow_then_no_one_else_is(void **state)
{
    struct world_edge edges[] = {{0, 1}, {0, 2}};
    struct world *world = world_open(3, 1, 8);
    struct holm_network_path path = world->path;
    for (uint32_t i = 0; i < 3; i++)
        world->configs[i].log_bytes_max = (size_t)1 << 20;
    start_all(world, edges, COUNT(edges));
    world_run(world, 3 * SECOND_MS);
    path.delay_us = 2000000;
    world_path(world, 0, 2, &path);
    char text[4000];
    memset(text, 'x', sizeof text);
    for (int i = 0; i < 2000; i++) {
        char key[16];
        snprintf(key, sizeof key, "k%d", i % 100);
        struct holm_op op = holm_op_put(holm_str(key), holm_str("f"),
                                        holm_bytes_value(text, sizeof text));
        commit(world, 0, &op, 1);
        world_pass(world, 1);
        const struct holm_replica *replica = holm_engine_lock(world->engines[0], 0);
        for (uint32_t peer = 0; peer < 2; peer++)
            assert_in_range(holm_replica_feed_look(replica, peer).unacknowledged, 0,
                            (256 + 2 * 64) << 10);
        holm_engine_unlock(world->engines[0], 0);
    }
    world_run(world, 3);
    assert_int_equal(world_stats(world, 0).vector_hash, world_stats(world, 1).vector_hash);
    assert_int_not_equal(world_stats(world, 0).vector_hash, world_stats(world, 2).vector_hash);
    (void)world_converge(world, 120 * SECOND_MS);
    struct holm_replica_stats stats;
    holm_replica_stats(holm_engine_lock(world->engines[0], 0), &stats);
    holm_engine_unlock(world->engines[0], 0);
    assert_in_range(stats.feeds_too_old, 1, 20); /* the log had gone on without it */
    world_free(world);
}

/* Above sixteen nodes nothing has to be configured. Of a hundred, links and beacons are most of the work. */
static void test_engine_when_nodes_are_many_then_each_follows_a_few(void **state)
{
    uint32_t nodes = getenv("HOLM_SOAK") != NULL ? 100 : 64;
    struct world *world = world_new_of(9, nodes, 1);
    struct count count = {.bytes = 0};
    for (uint32_t i = 0; i < world->count; i++) {
        world->configs[i].allocator = holm_transport_config_default().allocator;
        world->configs[i].log.level = HOLM_LOG_ERROR;
        world->configs[i].link_timeout_us = 30000000; /* pings are most of the work otherwise */
        world_start(world, i);
    }
    for (uint32_t i = 1; i < world->count; i++)
        world_join(world, i, i / 10);
    world_run(world, 8 * SECOND_MS);
    for (uint32_t i = 0; i < world->count; i++)
        assert_true(world->engines[i]->relaying);
    world->context = &count;
    world->arriving = tally;
    write_all(world, "k", 10, 50);
    assert_in_range(world_converge(world, 5 * SECOND_MS), 0, 200);
    world->arriving = NULL;
    print_count("many nodes", &count);
    uint64_t least = (uint64_t)10 * nodes * (nodes - 1);
    assert_in_range(count.all.elements, least, least + least / 20); /* trees were drawn meanwhile */
    for (uint32_t i = 10; i < 20; i++)
        world_kill(world, i);
    write_all(world, "killed", 10, 100);
    (void)world_converge(world, 30 * SECOND_MS);
    assert_quiet(world, 10 * SECOND_MS);
    world_free(world);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            test_engine_when_a_tree_writes_in_lockstep_then_each_update_crosses_an_edge_once),
        cmocka_unit_test(test_engine_when_nodes_are_in_a_ring_then_runs_are_relayed_round_it),
        cmocka_unit_test(test_engine_when_somebody_waits_then_fed_peers_tell_that_they_have_it),
        cmocka_unit_test(test_engine_when_one_bridges_two_then_it_comes_to_relay_at_once),
        cmocka_unit_test(
            test_engine_when_a_ring_is_cut_in_two_then_both_halves_go_on_and_meet_again),
        cmocka_unit_test(test_engine_when_a_link_works_one_way_then_the_others_carry),
        cmocka_unit_test(test_engine_when_links_flap_then_writes_go_on_and_nothing_spins),
        cmocka_unit_test(test_engine_when_links_stop_one_by_one_and_come_back_then_all_is_well),
        cmocka_unit_test(test_engine_when_a_follower_is_slow_then_no_one_else_is),
        cmocka_unit_test(test_engine_when_nodes_are_many_then_each_follows_a_few),
        cmocka_unit_test(test_engine_when_a_mesh_writes_in_lockstep_then_it_comes_to_be_a_tree),
    };
    if (argc == 2)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Retention `stable` where nodes do not all reach each other, or are too many for everyone to hear everyone:
 * what a member has is told by those between. Node 0 founds.
 */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "crdt/partition.h"
#include "proto/codec.h"
#include "tests/unit/engine_world.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define PARTITIONS 2u
#define SECOND_MS 1000u

/* ---- worlds --------------------------------------------------------------------------------- */

static struct world *open_world(uint32_t count, bool relay)
{
    struct world *world = world_new_of(1, count, PARTITIONS);
    for (uint32_t i = 0; i < count; i++) {
        world->configs[i].retention = HOLM_RETENTION_STABLE;
        world->configs[i].founds = i == 0;
        world->configs[i].relay = relay;
        world->configs[i].log.level = HOLM_LOG_ERROR;
    }
    return world;
}

static bool all_are_members(struct world *world)
{
    for (uint32_t i = 0; i < world->count; i++) {
        struct holm_engine_membership membership;
        holm_engine_membership(world->engines[i], &membership);
        if (!membership.confirmed || membership.members != world->count)
            return false;
    }
    return true;
}

static void wait_for_members(struct world *world, uint64_t limit_ms)
{
    for (uint64_t ms = 0; ms < limit_ms && !all_are_members(world); ms += SECOND_MS)
        world_pass(world, SECOND_MS);
    assert_true(all_are_members(world));
}

static struct world *open_graph(uint32_t count, const struct world_edge *edges, size_t edge_count,
                                bool relay)
{
    struct world *world = open_world(count, relay);
    world_graph(world, edges, edge_count);
    for (uint32_t i = 0; i < count; i++)
        world_start(world, i);
    for (size_t i = 0; i < edge_count; i++)
        world_join(world, edges[i].b, edges[i].a);
    wait_for_members(world, 120 * SECOND_MS);
    return world;
}

static void commit(struct world *world, uint32_t index, struct holm_op op)
{
    assert_int_equal(holm_engine_commit(world->engines[index],
                                        holm_partition_of(op.key, PARTITIONS), &op, 1,
                                        world_now(world, index), NULL),
                     HOLM_OK);
}

static void put(struct world *world, uint32_t index, const char *key)
{
    commit(world, index, holm_op_put(holm_str(key), holm_str("name"), holm_text("Ada")));
}

static void bury(struct world *world, uint32_t index, const char *key)
{
    commit(world, index, holm_op_bury(holm_str(key)));
}

static bool all_collected(struct world *world)
{
    bool collected = true;
    for (uint32_t i = 0; i < world->count; i++)
        collected = collected && world_stats(world, i).tombstones == 0;
    return collected;
}

static uint64_t time_to_collect(struct world *world, uint64_t limit_ms)
{
    uint64_t ms = 0;
    for (; ms < limit_ms && !all_collected(world); ms += SECOND_MS)
        world_pass(world, SECOND_MS);
    assert_true(all_collected(world));
    return ms;
}

/* Frames that say what a member has. */
static void count_reports(struct world *world, uint32_t to,
                          const struct holm_transport_event *event)
{
    struct holm_allocator allocator = holm_transport_config_default().allocator;
    struct holm_codec_limits limits = holm_codec_limits_default(0);
    struct holm_decoded *decoded;
    (void)to;
    assert_int_equal(holm_codec_decode(&allocator, &limits,
                                       holm_mem(event->frame, event->frame_bytes), &decoded),
                     HOLM_OK);
    if (decoded->message.type == HOLM_MESSAGE_REPORT)
        ++*(uint64_t *)world->context;
    holm_decoded_free(decoded);
}

static uint64_t reports_in(struct world *world, uint64_t ms)
{
    uint64_t reports = 0;
    world->context = &reports;
    world->arriving = count_reports;
    world_pass(world, ms);
    world->arriving = NULL;
    return reports;
}

/* One has a key, another buries it: it goes everywhere, and then nothing more is said. */
static void expect_collects(struct world *world, uint64_t limit_ms)
{
    put(world, 0, "k");
    world_converge(world, 10 * SECOND_MS);
    bury(world, world->count - 1, "k");
    world_pass(world, 100);
    assert_false(all_collected(world));
    (void)time_to_collect(world, limit_ms);
    world_converge(world, 10 * SECOND_MS);
    world_pass(world, 20 * SECOND_MS);
    assert_int_equal(reports_in(world, 200 * SECOND_MS), 0);
    world_free(world);
}

/* ---- graphs --------------------------------------------------------------------------------- */

static const struct world_edge bridge[] = {{0, 1}, {1, 2}};
static const struct world_edge ring[] = {{0, 1}, {1, 2}, {2, 3}, {3, 4}, {4, 0}};

static void test_engine_member_when_one_bridges_two_then_a_burial_is_collected(void **state)
{
    (void)state;
    expect_collects(open_graph(3, bridge, COUNT(bridge), false), 30 * SECOND_MS);
}

static void test_engine_member_when_nodes_are_in_a_ring_then_a_burial_is_collected(void **state)
{
    (void)state;
    expect_collects(open_graph(5, ring, COUNT(ring), false), 30 * SECOND_MS);
    expect_collects(open_graph(5, ring, COUNT(ring), true), 30 * SECOND_MS);
}

/* Nothing waits for a pause in what is written. */
static void test_engine_member_when_a_bridge_is_written_over_then_burials_are_collected(
    void **state)
{
    (void)state;
    struct world *world = open_graph(3, bridge, COUNT(bridge), false);
    put(world, 0, "k");
    world_converge(world, 10 * SECOND_MS);
    bury(world, 2, "k");
    for (int i = 0; i < 600; i++) {
        world_add(world, (uint32_t)i % 3, "n", 1);
        world_add(world, (uint32_t)i % 3, "m", 1);
        world_pass(world, 100);
    }
    assert_true(all_collected(world));
    world_free(world);
}

static void test_engine_member_when_nodes_are_twenty_then_a_burial_is_collected(void **state)
{
    (void)state;
    struct world *world = open_world(20, false);
    for (uint32_t i = 0; i < world->count; i++) {
        world->configs[i].allocator = holm_transport_config_default().allocator;
        world->configs[i].link_timeout_us = 30000000;
        world_start(world, i);
    }
    for (uint32_t i = 1; i < world->count; i++)
        world_join(world, i, i / 10);
    wait_for_members(world, 120 * SECOND_MS);
    expect_collects(world, 60 * SECOND_MS);
}

/* Where all reach each other nobody says what another has said. */
static void test_engine_member_when_all_reach_each_other_then_nothing_is_passed_on(void **state)
{
    (void)state;
    static const struct world_edge mesh[] = {{0, 1}, {0, 2}, {0, 3}, {1, 2}, {1, 3}, {2, 3}};
    struct world *world = open_graph(4, mesh, COUNT(mesh), false);
    put(world, 0, "k");
    world_converge(world, 10 * SECOND_MS);
    (void)reports_in(world, 20 * SECOND_MS);
    bury(world, 2, "k");
    /* Twelve links: each is told what its other end has, and that this end has heard of the others. */
    assert_in_range(reports_in(world, 4 * SECOND_MS), 12, 12 * 2);
    world_free(world);
}

/* ---- feeds ---------------------------------------------------------------------------------- */

#define FOLLOWS_MAX 64u

struct follows {
    struct follow {
        uint32_t to, partition;
        uint64_t link, number;
    } last[FOLLOWS_MAX]; /* over each link, of each partition */
    size_t count;
    uint64_t again; /* Follows over a link that had had one */
};

static void note_follow(struct world *world, uint32_t to, const struct holm_transport_event *event)
{
    struct follows *follows = world->context;
    struct holm_allocator allocator = holm_transport_config_default().allocator;
    struct holm_codec_limits limits = holm_codec_limits_default(0);
    struct holm_decoded *decoded;
    size_t i = 0;
    assert_int_equal(holm_codec_decode(&allocator, &limits,
                                       holm_mem(event->frame, event->frame_bytes), &decoded),
                     HOLM_OK);
    uint32_t partition = decoded->message.partition;
    uint64_t number = decoded->message.as.follow.number;
    bool follow = decoded->message.type == HOLM_MESSAGE_FOLLOW;
    holm_decoded_free(decoded);
    if (!follow)
        return;
    while (i < follows->count &&
           (follows->last[i].to != to || follows->last[i].link != event->link.value ||
            follows->last[i].partition != partition))
        i++;
    assert_in_range(i, 0, FOLLOWS_MAX - 1);
    if (i < follows->count) {
        follows->again++;
        assert_true(number > follows->last[i].number);
    }
    follows->count += i == follows->count;
    follows->last[i] = (struct follow){to, partition, event->link.value, number};
}

/* It takes a later epoch, and others' state in place of its own, over links that live on: frames of a feed of before
 * may still be on their way, and must not be taken for the new one's. */
static void test_engine_member_when_it_is_replaced_over_its_links_then_feeds_are_numbered_on(
    void **state)
{
    (void)state;
    static const struct world_edge edges[] = {{0, 1}, {1, 2}, {0, 2}};
    struct follows follows = {.count = 0};
    struct world *world = open_world(3, true);
    world->context = &follows;
    world->arriving = note_follow;
    for (uint32_t i = 0; i < 3; i++)
        world_start(world, i);
    for (size_t i = 0; i < COUNT(edges); i++)
        world_join(world, edges[i].b, edges[i].a);
    wait_for_members(world, 60 * SECOND_MS);
    put(world, 0, "k");
    world_converge(world, 10 * SECOND_MS);
    world_pass(world, 10 * SECOND_MS);
    assert_int_equal(
        holm_engine_forget(world->engines[0], world->configs[2].self.node, world_now(world, 0)),
        HOLM_OK);
    world_pass(world, 10 * SECOND_MS);
    wait_for_members(world, 60 * SECOND_MS);
    put(world, 1, "l");
    world_converge(world, 10 * SECOND_MS);
    assert_true(follows.again > 0);
    world->arriving = NULL;
    world_free(world);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_engine_member_when_one_bridges_two_then_a_burial_is_collected),
        cmocka_unit_test(test_engine_member_when_nodes_are_in_a_ring_then_a_burial_is_collected),
        cmocka_unit_test(
            test_engine_member_when_a_bridge_is_written_over_then_burials_are_collected),
        cmocka_unit_test(test_engine_member_when_nodes_are_twenty_then_a_burial_is_collected),
        cmocka_unit_test(test_engine_member_when_all_reach_each_other_then_nothing_is_passed_on),
        cmocka_unit_test(
            test_engine_member_when_it_is_replaced_over_its_links_then_feeds_are_numbered_on),
    };
    if (argc == 2)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

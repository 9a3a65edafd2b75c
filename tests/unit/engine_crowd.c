/* SPDX-License-Identifier: Apache-2.0 */
/*
 * T27: storms of many at once. Half a crowd is cut off from the other half, each goes on writing, and the cut
 * heals; all but one lose everything, and come back in the same moment. Op logs are too short for either, so
 * that all of it comes by syncs, of which a node takes a bounded number, and every node gets on.
 *
 * The whole crowd, of 50 with 100,000 keys, is a soak (HOLM_SOAK).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/unit/engine_world.h"

#define SECOND_MS 1000u
#define PARTITIONS 2u

struct crowd {
    struct world *world;
    uint32_t nodes, keys;
    uint64_t frames, bytes; /* that arrived */
};

struct costs {
    uint64_t ms;
    uint64_t syncs, syncs_most, busy, pulls, pulls_most; /* most: of one partition of one node */
    bool asks_twice;                                     /* pulls beyond pulls_max() */
};

/* What a peer had, and what was here, is remembered when a pull ends. So no peer is asked twice as long as
 * the own vector stays, which nothing but a sync changes here; but for the source of each sync, which is
 * asked whether it has gone on, and who was about to give a cut, and had none to spare. */
static uint64_t pulls_max(uint64_t nodes, uint64_t syncs, uint64_t busy)
{
    return (nodes - 1) * (1 + syncs) + syncs + busy;
}

/* Only who has everything refuses, and only one that has nothing: of two nodes, one the other. It then backs
 * off, for half of retry_min_us at least, and each time twice as long. */
static uint64_t busy_max(uint64_t nodes, uint64_t ms)
{
    uint64_t pause_ms = holm_replica_config_default().retry_min_us / 2 / 1000, times = 1;
    for (uint64_t at = pause_ms; at <= ms; at += pause_ms << (times - 1))
        times += 1;
    return PARTITIONS * nodes * (nodes - 1) / 2 * times;
}

static void count_frame(struct world *world, uint32_t to, const struct holm_transport_event *event)
{
    struct crowd *crowd = world->context;
    (void)to;
    crowd->frames += 1;
    crowd->bytes += event->frame_bytes;
}

static struct crowd crowd_open(uint64_t seed)
{
    bool whole = getenv("HOLM_SOAK") != NULL;
    struct crowd crowd = {.nodes = whole ? 50 : 18, .keys = whole ? 100000 : 1000};
    crowd.world = world_new_of(seed, crowd.nodes, PARTITIONS);
    for (uint32_t i = 0; i < crowd.nodes; i++) {
        struct holm_engine_config *config = &crowd.world->configs[i];
        config->allocator = holm_transport_config_default().allocator;
        config->log.level = HOLM_LOG_ERROR;
        config->log_bytes_max = PARTITIONS * 8192;
        world_start(crowd.world, i);
    }
    for (uint32_t i = 1; i < crowd.nodes; i++)
        world_join(crowd.world, i, 0);
    world_pass(crowd.world, 5 * SECOND_MS);
    return crowd;
}

static void write_keys(struct crowd *crowd, uint32_t first, uint32_t count)
{
    uint32_t each = crowd->nodes;
    for (uint32_t i = first; i < first + count; i++) {
        char key[16];
        snprintf(key, sizeof key, "k%06u", i);
        world_add(crowd->world, i % crowd->nodes, key, 1);
        if (i % each == each - 1)
            world_pass(crowd->world, 1);
    }
}

static void split(struct crowd *crowd, bool cut)
{
    for (uint32_t a = 0; a < crowd->nodes / 2; a++) {
        for (uint32_t b = crowd->nodes / 2; b < crowd->nodes; b++)
            world_cut(crowd->world, a, b, cut);
    }
}

static struct holm_replica_stats stats_of(const struct crowd *crowd, uint32_t replica)
{
    struct holm_engine *engine = crowd->world->engines[replica / PARTITIONS];
    struct holm_replica_stats stats;
    holm_replica_stats(holm_engine_lock(engine, replica % PARTITIONS), &stats);
    holm_engine_unlock(engine, replica % PARTITIONS);
    return stats;
}

static void add_costs(struct costs *costs, uint64_t nodes, const struct holm_replica_stats *before,
                      const struct holm_replica_stats *after)
{
    uint64_t syncs = after->syncs - before->syncs, pulls = after->pulls - before->pulls;
    uint64_t busy = after->syncs_busy - before->syncs_busy;
    costs->syncs += syncs;
    costs->pulls += pulls;
    costs->busy += busy;
    costs->asks_twice |= pulls > pulls_max(nodes, syncs, busy);
    costs->syncs_most = syncs > costs->syncs_most ? syncs : costs->syncs_most;
    costs->pulls_most = pulls > costs->pulls_most ? pulls : costs->pulls_most;
}

/* Until all are equal; what that took. */
static struct costs settle(struct crowd *crowd, const char *name, uint64_t limit_ms)
{
    static struct holm_replica_stats before[WORLD_NODES_MAX * PARTITIONS];
    struct costs costs = {.syncs = 0};
    for (uint32_t i = 0; i < crowd->nodes * PARTITIONS; i++)
        before[i] = stats_of(crowd, i);
    crowd->world->context = crowd;
    crowd->world->arriving = count_frame;
    costs.ms = world_converge(crowd->world, limit_ms);
    crowd->world->arriving = NULL;
    for (uint32_t i = 0; i < crowd->nodes * PARTITIONS; i++) {
        struct holm_replica_stats after = stats_of(crowd, i);
        add_costs(&costs, crowd->nodes, &before[i], &after);
    }
    printf("%s: %u nodes, %u keys: %llu ms, %llu syncs (%llu), %llu busy, %llu pulls (%llu), "
           "%llu frames, %llu bytes\n",
           name, crowd->nodes, crowd->keys, (unsigned long long)costs.ms,
           (unsigned long long)costs.syncs, (unsigned long long)costs.syncs_most,
           (unsigned long long)costs.busy, (unsigned long long)costs.pulls,
           (unsigned long long)costs.pulls_most, (unsigned long long)crowd->frames,
           (unsigned long long)crowd->bytes);
    return costs;
}

static void test_engine_when_a_crowd_cut_in_two_heals_then_syncs_are_bounded(void **state)
{
    (void)state;
    struct crowd crowd = crowd_open(27);
    split(&crowd, true);
    world_pass(crowd.world, 5 * SECOND_MS);
    write_keys(&crowd, 0, crowd.keys);
    world_pass(crowd.world, 2 * SECOND_MS);
    assert_false(world_converged(crowd.world));
    split(&crowd, false);
    struct costs costs = settle(&crowd, "healed", 60 * SECOND_MS);
    assert_in_range(costs.syncs_most, 1, 3);
    assert_true(costs.pulls_most > 0);
    assert_false(costs.asks_twice);
    world_free(crowd.world);
}

static void test_engine_when_all_but_one_come_back_empty_then_each_syncs_a_few_times(void **state)
{
    (void)state;
    struct crowd crowd = crowd_open(28);
    write_keys(&crowd, 0, crowd.keys);
    (void)world_converge(crowd.world, 60 * SECOND_MS);
    for (uint32_t i = 1; i < crowd.nodes; i++)
        world_kill(crowd.world, i);
    world_pass(crowd.world, 500);
    for (uint32_t i = 1; i < crowd.nodes; i++) {
        world_start(crowd.world, i);
        world_join(crowd.world, i, 0);
    }
    struct costs costs = settle(&crowd, "back", 60 * SECOND_MS);
    assert_in_range(costs.syncs_most, 1, 2);
    assert_in_range(costs.busy, 0, busy_max(crowd.nodes, costs.ms));
    assert_in_range(costs.syncs, crowd.nodes - 1, (uint64_t)2 * crowd.nodes * PARTITIONS);
    assert_true(costs.pulls_most > 0);
    assert_false(costs.asks_twice);
    world_free(crowd.world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_engine_when_a_crowd_cut_in_two_heals_then_syncs_are_bounded),
        cmocka_unit_test(test_engine_when_all_but_one_come_back_empty_then_each_syncs_a_few_times),
    };
    return cmocka_run_group_tests_name("engine_crowd", tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * T27: storms. A whole crowd restarts at once, each from its disk, and each with something that nobody else has; and a
 * crowd that was cut in two halves, which have both gone on, heals. Op logs are too short for either.
 *
 * The whole of it, 50 nodes and 100,000 keys, is a soak (HOLM_SOAK).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/sim/story.h"

#define KIB ((size_t)1024)

struct size {
    uint32_t nodes, keys;
};

static struct size size_of_all(void)
{
    bool whole = getenv("HOLM_SOAK") != NULL;
    return (struct size){.nodes = whole ? 50 : 18, .keys = whole ? 100000 : 2000};
}

static struct holm_script *open_crowd(unsigned options)
{
    struct holm_script *script = story_new(size_of_all().nodes, options);
    script->config.engine.log_bytes_max = 8 * KIB * HOLM_SCRIPT_PARTITIONS;
    holm_script_begin(script);
    holm_script_converge(script, 20000);
    return script;
}

/* New keys, by all in turns: as many as there are to be, from the first on. */
static void write_keys(struct holm_script *script, uint32_t first, uint32_t count)
{
    char key[16];
    for (uint32_t i = first; i < first + count; i++) {
        (void)snprintf(key, sizeof key, "k%06u", i);
        holm_script_add(script, i % script->nodes, key, 1);
        if (i % script->nodes == script->nodes - 1)
            holm_script_run(script, 1);
    }
}

static void cut_in_half(struct holm_script *script, bool cut)
{
    for (uint32_t a = 0; a < script->nodes / 2; a++) {
        for (uint32_t b = script->nodes / 2; b < script->nodes; b++)
            holm_script_cut(script, a, b, cut);
    }
}

struct costs {
    uint64_t syncs, syncs_most, pulls, pulls_most; /* most: of one node */
};

static struct costs costs_of(const struct holm_script *script, const struct holm_stats *before)
{
    struct costs costs = {0, 0, 0, 0};
    for (uint32_t i = 0; i < script->nodes; i++) {
        struct holm_stats after = holm_script_stats(script, i);
        uint64_t syncs = after.syncs - before[i].syncs, pulls = after.pulls - before[i].pulls;
        costs.syncs += syncs;
        costs.pulls += pulls;
        costs.syncs_most = syncs > costs.syncs_most ? syncs : costs.syncs_most;
        costs.pulls_most = pulls > costs.pulls_most ? pulls : costs.pulls_most;
    }
    return costs;
}

/* Nobody gets on by much more than it needs: of each partition a node syncs a few times. */
static void expect_bounded(const struct holm_script *script, const struct holm_stats *before,
                           uint64_t took_ms)
{
    struct costs costs = costs_of(script, before);
    print_message("%u nodes, %u keys: %llu ms, %llu syncs (%llu), %llu pulls (%llu)\n",
                  script->nodes, size_of_all().keys, (unsigned long long)took_ms,
                  (unsigned long long)costs.syncs, (unsigned long long)costs.syncs_most,
                  (unsigned long long)costs.pulls, (unsigned long long)costs.pulls_most);
    assert_in_range(costs.syncs_most, 0, 3 * HOLM_SCRIPT_PARTITIONS);
    assert_in_range(costs.pulls, 0, (uint64_t)20 * script->nodes * HOLM_SCRIPT_PARTITIONS);
    for (uint32_t i = 0; i < script->nodes; i++) {
        assert_int_equal(holm_script_stats(script, i).records, size_of_all().keys);
        assert_int_equal(holm_script_stats(script, i).digest_breaches, 0);
    }
}

/* From here on it is counted what is sent, and how much of it at once. */
static void watch(struct holm_script *script)
{
    memset(script->frames, 0, sizeof script->frames);
    memset(script->worst_burst, 0, sizeof script->worst_burst);
    script->counts = true;
}

/* Of all of a type not as many as a third of the nodes are sent within the same millisecond: pauses are drawn. */
static void expect_spread(const struct holm_script *script, enum holm_message_type type)
{
    print_message("of %llu frames of type %u %llu at once\n",
                  (unsigned long long)script->frames[type], type,
                  (unsigned long long)script->worst_burst[type]);
    assert_in_range(script->frames[type], 2 * (uint64_t)script->nodes, UINT64_MAX);
    assert_in_range(script->worst_burst[type], 1, script->nodes / 3);
}

static void remember(const struct holm_script *script, struct holm_stats *stats)
{
    for (uint32_t i = 0; i < script->nodes; i++)
        stats[i] = holm_script_stats(script, i);
}

/* T27 */
static void test_storm_when_two_halves_heal_then_each_syncs_a_few_times(void **state)
{
    (void)state;
    static struct holm_stats before[HOLM_SCRIPT_NODES_MAX];
    struct holm_script *script = open_crowd(HOLM_SCRIPT_PLAIN);
    cut_in_half(script, true);
    holm_script_run(script, 5000);
    write_keys(script, 0, size_of_all().keys);
    holm_script_run(script, 3000);
    assert_false(holm_script_converged(script));
    remember(script, before);
    watch(script);
    cut_in_half(script, false);
    expect_bounded(script, before, holm_script_converge(script, 60000));
    holm_script_run(script, 3000);
    expect_spread(script, HOLM_MESSAGE_HELLO);
    story_end(script);
}

/* T27 */
static void test_storm_when_all_restart_at_once_then_each_syncs_a_few_times(void **state)
{
    (void)state;
    static struct holm_stats before[HOLM_SCRIPT_NODES_MAX];
    struct holm_script *script = open_crowd(HOLM_SCRIPT_DISKS);
    uint32_t keys = size_of_all().keys;
    write_keys(script, 0, keys - script->nodes);
    holm_script_converge(script, 60000);
    for (uint32_t i = 0; i < script->nodes; i++)
        holm_script_split(script, i, true);
    write_keys(script, keys - script->nodes, script->nodes); /* each has one that nobody else has */
    holm_script_run(script, 10);
    for (uint32_t i = 0; i < script->nodes; i++)
        holm_world_crash(script->world, i);
    for (uint32_t i = 0; i < script->nodes; i++)
        holm_script_split(script, i, false);
    for (uint32_t i = 0; i < script->nodes; i++)
        holm_script_start(script, i);
    remember(script, before);
    expect_bounded(script, before, holm_script_converge(script, 60000));
    /* All began at one moment, and are not in step. */
    watch(script);
    holm_script_run(script, 10000);
    expect_spread(script, HOLM_MESSAGE_BEACON);
    story_end(script);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_storm_when_two_halves_heal_then_each_syncs_a_few_times),
        cmocka_unit_test(test_storm_when_all_restart_at_once_then_each_syncs_a_few_times),
    };
    return cmocka_run_group_tests_name("scenario_storm", tests, NULL, NULL);
}

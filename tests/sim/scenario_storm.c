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

static struct story *open_crowd(unsigned options)
{
    struct story *story = story_new(size_of_all().nodes, options);
    story->config.engine.log_bytes_max = 8 * KIB * STORY_PARTITIONS;
    story_begin(story);
    story_converge(story, 20000);
    return story;
}

/* New keys, by all in turns: as many as there are to be, from the first on. */
static void write_keys(struct story *story, uint32_t first, uint32_t count)
{
    char key[16];
    for (uint32_t i = first; i < first + count; i++) {
        (void)snprintf(key, sizeof key, "k%06u", i);
        story_add(story, i % story->nodes, key, 1);
        if (i % story->nodes == story->nodes - 1)
            story_run(story, 1);
    }
}

static void cut_in_half(struct story *story, bool cut)
{
    for (uint32_t a = 0; a < story->nodes / 2; a++) {
        for (uint32_t b = story->nodes / 2; b < story->nodes; b++)
            story_cut(story, a, b, cut);
    }
}

struct costs {
    uint64_t syncs, syncs_most, pulls, pulls_most; /* most: of one node */
};

static struct costs costs_of(const struct story *story, const struct holm_stats *before)
{
    struct costs costs = {0, 0, 0, 0};
    for (uint32_t i = 0; i < story->nodes; i++) {
        struct holm_stats after = story_stats(story, i);
        uint64_t syncs = after.syncs - before[i].syncs, pulls = after.pulls - before[i].pulls;
        costs.syncs += syncs;
        costs.pulls += pulls;
        costs.syncs_most = syncs > costs.syncs_most ? syncs : costs.syncs_most;
        costs.pulls_most = pulls > costs.pulls_most ? pulls : costs.pulls_most;
    }
    return costs;
}

/* Nobody gets on by much more than it needs: of each partition a node syncs a few times. */
static void expect_bounded(const struct story *story, const struct holm_stats *before,
                           uint64_t took_ms)
{
    struct costs costs = costs_of(story, before);
    print_message("%u nodes, %u keys: %llu ms, %llu syncs (%llu), %llu pulls (%llu)\n",
                  story->nodes, size_of_all().keys, (unsigned long long)took_ms,
                  (unsigned long long)costs.syncs, (unsigned long long)costs.syncs_most,
                  (unsigned long long)costs.pulls, (unsigned long long)costs.pulls_most);
    assert_in_range(costs.syncs_most, 0, 3 * STORY_PARTITIONS);
    assert_in_range(costs.pulls, 0, (uint64_t)20 * story->nodes * STORY_PARTITIONS);
    for (uint32_t i = 0; i < story->nodes; i++) {
        assert_int_equal(story_stats(story, i).records, size_of_all().keys);
        assert_int_equal(story_stats(story, i).digest_breaches, 0);
    }
}

static void remember(const struct story *story, struct holm_stats *stats)
{
    for (uint32_t i = 0; i < story->nodes; i++)
        stats[i] = story_stats(story, i);
}

/* T27 */
static void test_storm_when_two_halves_heal_then_each_syncs_a_few_times(void **state)
{
    (void)state;
    static struct holm_stats before[STORY_NODES_MAX];
    struct story *story = open_crowd(STORY_PLAIN);
    cut_in_half(story, true);
    story_run(story, 5000);
    write_keys(story, 0, size_of_all().keys);
    story_run(story, 3000);
    assert_false(story_converged(story));
    remember(story, before);
    cut_in_half(story, false);
    expect_bounded(story, before, story_converge(story, 60000));
    story_end(story);
}

/* T27 */
static void test_storm_when_all_restart_at_once_then_each_syncs_a_few_times(void **state)
{
    (void)state;
    static struct holm_stats before[STORY_NODES_MAX];
    struct story *story = open_crowd(STORY_DISKS);
    uint32_t keys = size_of_all().keys;
    write_keys(story, 0, keys - story->nodes);
    story_converge(story, 60000);
    for (uint32_t i = 0; i < story->nodes; i++)
        story_split(story, i, true);
    write_keys(story, keys - story->nodes, story->nodes); /* each has one that nobody else has */
    story_run(story, 10);
    for (uint32_t i = 0; i < story->nodes; i++)
        holm_world_crash(story->world, i);
    for (uint32_t i = 0; i < story->nodes; i++)
        story_split(story, i, false);
    for (uint32_t i = 0; i < story->nodes; i++)
        story_start(story, i);
    remember(story, before);
    expect_bounded(story, before, story_converge(story, 60000));
    story_end(story);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_storm_when_two_halves_heal_then_each_syncs_a_few_times),
        cmocka_unit_test(test_storm_when_all_restart_at_once_then_each_syncs_a_few_times),
    };
    return cmocka_run_group_tests_name("scenario_storm", tests, NULL, NULL);
}

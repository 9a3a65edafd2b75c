/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Transfers in parts: by runs or by a cut, page by page, whose source dies between any two pages. T05
 *
 * A, B and C are n0, n1 and n2. A and C hold 25 keys, and a page holds ten of them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/sim/story.h"

#define A 0u
#define B 1u
#define C 2u

#define KEYS 25u
#define VALUE_BYTES 270u
#define FRAME_BYTES 4096u

#define BIT(type) (1u << (type))
#define PAGES (BIT(HOLM_MESSAGE_DELTAS) | BIT(HOLM_MESSAGE_SYNC_TELL) | BIT(HOLM_MESSAGE_SYNC_PAGE))

static void write_keys(struct story *story)
{
    static char keys[KEYS][8];
    static char value[VALUE_BYTES];
    memset(value, 'v', sizeof value);
    for (uint32_t i = 0; i < KEYS; i++) {
        (void)snprintf(keys[i], sizeof keys[i], "k%02u", i);
        struct holm_op op = holm_op_put(holm_str(keys[i]), holm_str("v"),
                                        holm_bytes_value(value, sizeof value));
        assert_int_equal(story_commit(story, A, op), HOLM_OK);
        story_run(story, 5);
    }
}

static uint64_t records(const struct story *story, uint32_t node)
{
    return story_stats(story, node).records;
}

/* What B has after so many pages of A, and then has A die. */
struct partial {
    uint64_t records, vector_entries, syncs;
    uint32_t pages; /* that came */
};

/* A and C are equal, B is empty and hears A alone, of whose pages so many come. */
static struct story *open_partial(uint32_t pages, bool by_cut, struct partial *partial)
{
    struct story *story = story_new(3, STORY_PLAIN);
    struct holm_gate rest = {.verdict = HOLM_NETWORK_DROP,
                             .from = UINT64_C(1) << A,
                             .to = UINT64_C(1) << B,
                             .types = PAGES,
                             .skip = pages};
    story->config.engine.partitions = 1;
    story->config.engine.frame_bytes_max = FRAME_BYTES;
    if (by_cut)
        story->config.engine.log_bytes_max = 1;
    story_set_up(story);
    story_start(story, A);
    story_start(story, C);
    story_run(story, 3000);
    write_keys(story);
    story_converge(story, 5000);
    story_cut(story, B, C, true);
    uint32_t gate = holm_gate_set(story->world, &rest);
    story_start(story, B);
    story_run(story, 800);
    *partial = (struct partial){.records = records(story, B),
                                .vector_entries = story_stats(story, B).vector_entries,
                                .syncs = story_stats(story, B).syncs,
                                .pages = pages};
    partial->pages += holm_gate_hits(story->world, gate) > 0 ? 1 : 0;
    holm_gate_lift(story->world, gate);
    return story;
}

static void meet_the_other(struct story *story)
{
    assert_int_equal(records(story, C), KEYS);
    story_cut(story, B, C, false);
    story_converge(story, 20000);
    assert_int_equal(records(story, B), KEYS);
    assert_int_equal(records(story, C), KEYS);
    assert_int_equal(story_stats(story, B).digest_breaches, 0);
    assert_int_equal(story_stats(story, C).digest_breaches, 0);
}

/* How many pages it takes until B has all, at most so many. */
static uint32_t transfer(bool by_cut, bool dies)
{
    uint64_t before = 0;
    for (uint32_t pages = 0; pages < 40; pages++) {
        struct partial partial;
        struct story *story = open_partial(pages, by_cut, &partial);
        bool all = partial.records == KEYS;
        assert_true(partial.records >= before && partial.records <= KEYS);
        /* Of a cut nothing is applied, and the vector not raised, before all of it is there. */
        assert_true(!by_cut || all || (partial.records == 0 && partial.vector_entries == 0));
        assert_true(all || partial.pages == pages + 1); /* the next one was lost */
        before = partial.records;
        if (dies)
            holm_world_crash(story->world, A);
        else
            story_cut(story, A, B, true);
        meet_the_other(story);
        story_end(story);
        if (all)
            return pages;
    }
    fail_msg("B never has all");
    return 0;
}

/* T05 */
static void test_pages_when_a_puller_hears_a_part_then_another_has_all_the_same(void **state)
{
    (void)state;
    assert_in_range(transfer(false, false), 3, 12);
}

/* T05 */
static void test_pages_when_who_answers_a_pull_dies_then_nothing_is_missed(void **state)
{
    (void)state;
    assert_in_range(transfer(false, true), 3, 12);
}

/* T05 */
static void test_pages_when_a_cut_comes_in_part_then_it_is_not_there(void **state)
{
    (void)state;
    assert_in_range(transfer(true, false), 3, 12);
}

/* T05 */
static void test_pages_when_the_source_of_a_cut_dies_then_another_takes_over(void **state)
{
    (void)state;
    assert_in_range(transfer(true, true), 3, 12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pages_when_a_puller_hears_a_part_then_another_has_all_the_same),
        cmocka_unit_test(test_pages_when_who_answers_a_pull_dies_then_nothing_is_missed),
        cmocka_unit_test(test_pages_when_a_cut_comes_in_part_then_it_is_not_there),
        cmocka_unit_test(test_pages_when_the_source_of_a_cut_dies_then_another_takes_over),
    };
    return cmocka_run_group_tests_name("scenario_pages", tests, NULL, NULL);
}

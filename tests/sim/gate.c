/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Gates: which frames they choose, and what becomes of these.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/sim/story.h"

#define DELTA (1u << HOLM_MESSAGE_DELTA)

static void test_gate_when_runs_to_one_are_held_then_only_that_one_waits(void **state)
{
    (void)state;
    struct story *story = story_new(3, STORY_PLAIN);
    story_begin(story);
    uint32_t late = story_hold(story, 0, 2, DELTA);
    story_add(story, 0, "k", 1);
    story_run(story, 5);
    story_add(story, 0, "k", 10);
    story_run(story, 5);
    assert_int_equal(story_sum(story, 1, "k"), 11);
    assert_int_equal(story_sum(story, 2, "k"), 0);
    assert_int_equal(holm_gate_held(story->world, late), 2);
    holm_gate_let_go(story->world, late, 1);
    story_run(story, 5);
    assert_int_equal(story_sum(story, 2, "k"), 1);
    holm_gate_lift(story->world, late);
    story_run(story, 5);
    assert_int_equal(story_sum(story, 2, "k"), 11);
    story_add(story, 0, "k", 100);
    story_run(story, 5);
    story_expect_sum(story, "k", 111);
    assert_int_equal(holm_gate_hits(story->world, late), 2);
    story_end(story);
}

static bool far_seq(void *context, const struct holm_message *message)
{
    (void)context;
    return message->as.delta->first >= 3;
}

/* The second and third that match are lost; the first that matches both gates is the first gate's. */
static void test_gate_when_some_are_skipped_and_counted_then_those_between_are_lost(void **state)
{
    (void)state;
    struct story *story = story_new(2, STORY_PLAIN);
    story_begin(story);
    struct holm_gate lost = {.verdict = HOLM_NETWORK_DROP,
                             .types = DELTA,
                             .way = HOLM_GATE_BROADCAST,
                             .skip = 1,
                             .count = 2};
    struct holm_gate twice = {
        .verdict = HOLM_NETWORK_DOUBLE, .from = 1, .types = DELTA, .match = far_seq};
    struct holm_gate no_pulls = {.verdict = HOLM_NETWORK_DROP, .types = 1u << HOLM_MESSAGE_PULL};
    uint32_t first = holm_gate_set(story->world, &lost);
    uint32_t second = holm_gate_set(story->world, &twice);
    uint32_t third = holm_gate_set(story->world, &no_pulls);
    for (int i = 0; i < 4; i++) {
        story_add(story, 0, "k", 1);
        story_run(story, 5);
    }
    assert_int_equal(story_sum(story, 1, "k"), 1);
    assert_int_equal(holm_gate_hits(story->world, first), 2);
    assert_int_equal(holm_gate_hits(story->world, second), 1);
    assert_in_range(holm_gate_hits(story->world, third), 1, 10);
    holm_gate_lift(story->world, third);
    story_converge(story, 5000);
    story_expect_sum(story, "k", 4);
    story_end(story);
}

/* A frame of a link holds up what is behind it, in its direction alone. */
static void test_gate_when_a_frame_of_a_link_is_held_then_the_link_waits(void **state)
{
    (void)state;
    struct story *story = story_new(2, STORY_PLAIN);
    story->config.engine.link_timeout_us = 60000000;
    story_begin(story);
    struct holm_gate quiet = {
        .verdict = HOLM_NETWORK_DROP, .from = 1, .types = DELTA, .way = HOLM_GATE_BROADCAST};
    struct holm_gate answers = {
        .verdict = HOLM_NETWORK_HOLD, .from = 1, .types = 1u << HOLM_MESSAGE_DELTAS, .count = 1};
    (void)holm_gate_set(story->world, &quiet);
    uint32_t held = holm_gate_set(story->world, &answers);
    story_add(story, 0, "k", 1);
    story_run(story, 20000);
    assert_int_equal(holm_gate_held(story->world, held), 1);
    assert_int_equal(story_sum(story, 1, "k"), 0);
    story_add(story, 1, "k", 10);
    story_run(story, 20000);
    assert_int_equal(story_sum(story, 0, "k"), 11);
    holm_gate_let_go(story->world, held, 1);
    story_converge(story, 20000);
    story_expect_sum(story, "k", 11);
    story_end(story);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gate_when_runs_to_one_are_held_then_only_that_one_waits),
        cmocka_unit_test(test_gate_when_some_are_skipped_and_counted_then_those_between_are_lost),
        cmocka_unit_test(test_gate_when_a_frame_of_a_link_is_held_then_the_link_waits),
    };
    return cmocka_run_group_tests_name("gate", tests, NULL, NULL);
}

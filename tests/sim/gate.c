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
    struct holm_script *script = story_new(3, HOLM_SCRIPT_PLAIN);
    holm_script_begin(script);
    uint32_t late = holm_script_hold(script, 0, 2, DELTA);
    holm_script_add(script, 0, "k", 1);
    holm_script_run(script, 5);
    holm_script_add(script, 0, "k", 10);
    holm_script_run(script, 5);
    assert_int_equal(holm_script_sum(script, 1, "k"), 11);
    assert_int_equal(holm_script_sum(script, 2, "k"), 0);
    assert_int_equal(holm_gate_held(script->world, late), 2);
    holm_gate_let_go(script->world, late, 1);
    holm_script_run(script, 5);
    assert_int_equal(holm_script_sum(script, 2, "k"), 1);
    holm_gate_lift(script->world, late);
    holm_script_run(script, 5);
    assert_int_equal(holm_script_sum(script, 2, "k"), 11);
    holm_script_add(script, 0, "k", 100);
    holm_script_run(script, 5);
    holm_script_expect_sum(script, "k", 111);
    assert_int_equal(holm_gate_hits(script->world, late), 2);
    story_end(script);
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
    struct holm_script *script = story_new(2, HOLM_SCRIPT_PLAIN);
    holm_script_begin(script);
    struct holm_gate lost = {.verdict = HOLM_NETWORK_DROP,
                             .types = DELTA,
                             .way = HOLM_GATE_BROADCAST,
                             .skip = 1,
                             .count = 2};
    struct holm_gate twice = {
        .verdict = HOLM_NETWORK_DOUBLE, .from = 1, .types = DELTA, .match = far_seq};
    struct holm_gate no_pulls = {.verdict = HOLM_NETWORK_DROP, .types = 1u << HOLM_MESSAGE_PULL};
    uint32_t first = holm_gate_set(script->world, &lost);
    uint32_t second = holm_gate_set(script->world, &twice);
    uint32_t third = holm_gate_set(script->world, &no_pulls);
    for (int i = 0; i < 4; i++) {
        holm_script_add(script, 0, "k", 1);
        holm_script_run(script, 5);
    }
    assert_int_equal(holm_script_sum(script, 1, "k"), 1);
    assert_int_equal(holm_gate_hits(script->world, first), 2);
    assert_int_equal(holm_gate_hits(script->world, second), 1);
    assert_in_range(holm_gate_hits(script->world, third), 1, 10);
    holm_gate_lift(script->world, third);
    holm_script_converge(script, 5000);
    holm_script_expect_sum(script, "k", 4);
    story_end(script);
}

/* A frame of a link holds up what is behind it, in its direction alone. */
static void test_gate_when_a_frame_of_a_link_is_held_then_the_link_waits(void **state)
{
    (void)state;
    struct holm_script *script = story_new(2, HOLM_SCRIPT_PLAIN);
    script->config.engine.link_timeout_us = 60000000;
    holm_script_begin(script);
    struct holm_gate quiet = {
        .verdict = HOLM_NETWORK_DROP, .from = 1, .types = DELTA, .way = HOLM_GATE_BROADCAST};
    struct holm_gate answers = {
        .verdict = HOLM_NETWORK_HOLD, .from = 1, .types = 1u << HOLM_MESSAGE_DELTAS, .count = 1};
    (void)holm_gate_set(script->world, &quiet);
    uint32_t held = holm_gate_set(script->world, &answers);
    holm_script_add(script, 0, "k", 1);
    holm_script_run(script, 20000);
    assert_int_equal(holm_gate_held(script->world, held), 1);
    assert_int_equal(holm_script_sum(script, 1, "k"), 0);
    holm_script_add(script, 1, "k", 10);
    holm_script_run(script, 20000);
    assert_int_equal(holm_script_sum(script, 0, "k"), 11);
    holm_gate_let_go(script->world, held, 1);
    holm_script_converge(script, 20000);
    holm_script_expect_sum(script, "k", 11);
    story_end(script);
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

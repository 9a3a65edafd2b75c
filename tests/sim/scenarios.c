/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The schedules written by hand (sim/world/scenario.h), each by some seeds. T01 T02 T04 T07 T08 T16 T17 T19
 * T20 T21 T23 T24 T25 T26 T27 T30 T31 T32 T33 T34 T41
 */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "sim/world/play.h"
#include "sim/world/scenario.h"

#define SEEDS 12

static void play(const struct holm_scenario *scenario, uint64_t seed)
{
    struct holm_plan plan;
    struct holm_play_options options = {.trace = NULL};
    struct holm_play_result result;
    holm_scenario_draw(&plan, scenario, seed);
    holm_play(&plan, &options, &result);
    holm_plan_release(&plan);
    if (result.verdict.broken)
        fail_msg("holm world --scenario %s --seed %" PRIu64 ": %s: %s", scenario->name, seed,
                 result.verdict.claim, result.verdict.why);
    assert_true(result.operations > 0);
    /* Each tells its story to the end, and is judged to the end. */
    if (result.stuck || result.blind)
        fail_msg("holm world --scenario %s --seed %" PRIu64 ": %s", scenario->name, seed,
                 result.stuck ? "nobody was left who could go on" : "not judged to the end");
}

static void test_scenarios_hold_with_any_seed(void **state)
{
    for (const struct holm_scenario *scenario = holm_scenarios; scenario->name != NULL;
         scenario++) {
        uint64_t seeds = scenario->nodes >= 10 ? 2 : SEEDS;
        for (uint64_t seed = 1; seed <= seeds; seed++)
            play(scenario, seed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_scenarios_hold_with_any_seed)};
    return cmocka_run_group_tests_name("scenarios", tests, NULL, NULL);
}

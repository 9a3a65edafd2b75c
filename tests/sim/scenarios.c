/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scenarios NAME (t35) - a schedule written by hand (sim/world/scenario.h), by some seeds: as a plan, or each act of its script.
 * T01 T02 T03 T04 T05 T07 T08 T16 T17 T18 T19 T20 T21 T23 T24 T25 T26 T27 T28 T30 T31 T32 T33 T34 T35 T36 T37 T38 T39
 * T40 T41
 */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "sim/world/play.h"
#include "sim/world/scenario.h"

#define SEEDS 12
#define ROUNDS 2 /* of all acts */

static const struct holm_scenario *scenario;

static void play_plan(uint64_t seed)
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

static void play_script(uint64_t seed)
{
    struct holm_play_options options = {.trace = NULL};
    struct holm_play_result result, again;
    holm_script_play(holm_scenario_act(scenario, seed), seed, &options, false, &result);
    if (result.verdict.broken)
        fail_msg("holm world --scenario %s --seed %" PRIu64 ": %s: %s", scenario->name, seed,
                 result.verdict.claim, result.verdict.why);
    assert_true(result.frames > 0 && result.lives > 1);
    if (seed != 1)
        return;
    holm_script_play(holm_scenario_act(scenario, seed), seed, &options, false, &again);
    assert_int_equal(again.hash, result.hash);
}

static void test_scenario_when_any_seed_plays_it_then_it_holds(void **state)
{
    (void)state;
    if (scenario->acts != NULL) {
        for (uint64_t seed = 1; seed <= ROUNDS * holm_scenario_acts(scenario); seed++)
            play_script(seed);
        return;
    }
    uint64_t seeds = scenario->nodes >= 10 ? 2 : SEEDS;
    for (uint64_t seed = 1; seed <= seeds; seed++)
        play_plan(seed);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scenario_when_any_seed_plays_it_then_it_holds)};
    char name[8] = "";
    if (argc == 2)
        (void)snprintf(name, sizeof name, "%s", argv[1]);
    name[0] = name[0] == 't' ? 'T' : name[0];
    scenario = holm_scenario_find(name);
    if (scenario == NULL)
        return 2;
    return cmocka_run_group_tests_name(scenario->name, tests, NULL, NULL);
}

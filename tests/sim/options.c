/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command line of `holm world`, and the plans that it draws.
 */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "cli/world_options.h"

#define ARGUMENTS_MAX 8

/* Ends with NULL, as argv does. */
struct line {
    const char *words[ARGUMENTS_MAX];
};

static enum holm_world_parsed parse(const struct line *line, struct holm_world_options *options)
{
    static char words[ARGUMENTS_MAX][32];
    char *argv[ARGUMENTS_MAX + 2] = {words[0]};
    int argc = 1;
    for (int i = 0; i < ARGUMENTS_MAX - 1 && line->words[i] != NULL; i++, argc++) {
        snprintf(words[argc], sizeof words[argc], "%s", line->words[i]);
        argv[argc] = words[argc];
    }
    return holm_world_options_parse(argc, argv, options);
}

static void draw(const struct line *line, uint64_t seed, struct holm_plan *plan)
{
    struct holm_world_options options;
    assert_int_equal(parse(line, &options), HOLM_WORLD_RUN);
    holm_world_options_draw(&options, seed, plan);
    assert_int_equal(plan->settings.seed, seed);
}

static enum holm_retention retention(const struct line *line, uint64_t seed)
{
    struct holm_plan plan;
    draw(line, seed, &plan);
    enum holm_retention drawn = plan.settings.engine.retention;
    /* With `stable` all that can go must go, in time. */
    assert_true(drawn != HOLM_RETENTION_STABLE || plan.settings.collect_bound_us > 0);
    holm_plan_release(&plan);
    return drawn;
}

static void test_options_when_a_retention_is_asked_for_each_plan_has_it(void **state)
{
    static const struct line stable[] = {
        {{"--retention", "stable"}},
        {{"--preset", "chaos", "--retention=stable"}},
        {{"--scenario", "T31", "--retention", "stable"}},
        {{"--retention", "stable", "--scenario", "T41"}},
    };
    static const struct line forever[] = {
        {{"--retention", "forever"}},
        {{"--preset", "collect", "--retention", "forever"}},
        {{"--scenario", "T31", "--retention", "forever"}},
        {{"--scenario", "T41", "--retention", "forever"}},
    };
    (void)state;
    for (uint64_t seed = 1; seed <= 24; seed++) {
        for (size_t i = 0; i < sizeof stable / sizeof stable[0]; i++) {
            assert_int_equal(retention(&stable[i], seed), HOLM_RETENTION_STABLE);
            assert_int_equal(retention(&forever[i], seed), HOLM_RETENTION_FOREVER);
        }
    }
}

/* How many of the seeds 1 to 40 are `stable`. */
static uint32_t count_stable(const struct line *line)
{
    uint32_t count = 0;
    for (uint64_t seed = 1; seed <= 40; seed++)
        count += retention(line, seed) == HOLM_RETENTION_STABLE;
    return count;
}

static void test_options_when_no_retention_is_asked_for_the_seed_draws_it(void **state)
{
    (void)state;
    assert_in_range(count_stable(&(struct line){{NULL}}), 4, 20);
    assert_in_range(count_stable(&(struct line){{"--retention", "drawn"}}), 4, 20);
    assert_int_equal(count_stable(&(struct line){{"--preset", "collect"}}), 40);
    assert_int_equal(count_stable(&(struct line){{"--scenario", "T31"}}), 0);
    assert_int_equal(count_stable(&(struct line){{"--scenario", "T41"}}), 20);
}

static void test_options_when_nodes_are_a_range_seeds_draw_from_all_of_it(void **state)
{
    uint64_t met = 0;
    (void)state;
    for (uint64_t seed = 1; seed <= 60; seed++) {
        struct holm_plan plan;
        draw(&(struct line){{"--preset", "perfect", "--nodes", "20..23"}}, seed, &plan);
        assert_in_range(plan.settings.nodes, 20, 23);
        met |= UINT64_C(1) << plan.settings.nodes;
        holm_plan_release(&plan);
    }
    assert_true(met == UINT64_C(15) << 20);
}

static void test_options_that_make_no_sense_are_refused(void **state)
{
    static const struct line wrong[] = {
        {{"--scenario", "T31", "--nodes", "5"}},
        {{"--scenario", "T31", "--preset", "chaos"}},
        {{"--scenario", "T99"}},
        {{"--scenario", "T35", "--only", "1"}},
        {{"--scenario", "T35", "--retention", "stable"}},
        {{"--scenario", "T37", "--trace"}},
        {{"--retention", "none"}},
        {{"--nodes", "1"}},
        {{"--nodes", "5..4"}},
        {{"--nodes", "2..65"}},
        {{"--seeds", "2..1"}},
        {{"--seed", "18446744073709551616"}},
        {{"--seeds", "1..2", "--trace"}},
        {{"--time", "0"}},
        {{"--jobs", "65"}},
        {{"--json"}},
        {{"--json="}},
        {{"word"}},
    };
    struct holm_world_options options;
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_int_equal(parse(&wrong[i], &options), HOLM_WORLD_WRONG);
}

static void test_options_when_a_script_is_asked_for_each_act_is_played_once(void **state)
{
    static const struct line acts = {{"--scenario", "T37"}}, all = {{"--scenario", "list"}},
                             seeds = {{"--scenario", "T37", "--seeds", "3..9"}};
    struct holm_world_options options;
    (void)state;
    assert_int_equal(parse(&acts, &options), HOLM_WORLD_RUN);
    assert_true(holm_world_options_script(&options));
    assert_int_equal(options.first, 1);
    assert_int_equal(options.last, 4);
    assert_int_equal(parse(&seeds, &options), HOLM_WORLD_RUN);
    assert_true(options.first == 3 && options.last == 9);
    assert_int_equal(parse(&all, &options), HOLM_WORLD_RUN);
    assert_true(options.list && options.scenario == NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_options_when_a_retention_is_asked_for_each_plan_has_it),
        cmocka_unit_test(test_options_when_no_retention_is_asked_for_the_seed_draws_it),
        cmocka_unit_test(test_options_when_nodes_are_a_range_seeds_draw_from_all_of_it),
        cmocka_unit_test(test_options_that_make_no_sense_are_refused),
        cmocka_unit_test(test_options_when_a_script_is_asked_for_each_act_is_played_once),
    };
    return cmocka_run_group_tests_name("options", tests, NULL, NULL);
}

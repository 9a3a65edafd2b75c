/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What becomes of a seed that does not come to its end: holm_play() is wrapped, and some seeds assert, crash,
 * spin, stand still or leave. Each is told, and the seeds after it are played all the same.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/world_run.h"

#define SEEDS_MAX 32

enum fate {
    PLAYED = 0,
    ASSERTS = 1,
    CRASHES = 2,
    SPINS = 3,        /* uses the processor for ever */
    STANDS_STILL = 4, /* waits for ever, which is 4 s */
    LEAVES = 5        /* ends its process with status 7 */
};

static enum fate fates[SEEDS_MAX];

void __wrap_holm_play(const struct holm_plan *plan, const struct holm_play_options *options,
                      struct holm_play_result *result);

/* The limits that the runner has set are there; nobody waits minutes for them here. */
static void shorten(bool spins)
{
    const struct itimerval soon = {.it_value = {.tv_usec = 100000}}, never = {.it_value = {0}};
    struct itimerval limit;
    (void)getitimer(ITIMER_PROF, &limit);
    bool limited = limit.it_value.tv_sec > 0 && alarm(spins ? 0 : 4) > 0;
    if (!limited)
        _exit(9);
    (void)setitimer(ITIMER_PROF, spins ? &soon : &never, NULL);
}

void __wrap_holm_play(const struct holm_plan *plan, const struct holm_play_options *options,
                      struct holm_play_result *result)
{
    static volatile uint64_t turns;
    uint64_t seed = plan->settings.seed;
    enum fate fate = seed < SEEDS_MAX ? fates[seed] : PLAYED;
    (void)options;
    *result = (struct holm_play_result){.operations = seed};
    if (fate == SPINS || fate == STANDS_STILL)
        shorten(fate == SPINS);
    HOLM_ASSERT(fate != ASSERTS);
    if (fate == CRASHES)
        abort();
    if (fate == LEAVES)
        _exit(7);
    while (fate == STANDS_STILL)
        (void)pause();
    while (fate == SPINS)
        turns = turns + 1;
}

struct told {
    uint32_t count;
    uint32_t times[SEEDS_MAX];
    struct holm_play_result results[SEEDS_MAX];
};

static bool take(void *context, uint64_t seed, const struct holm_play_result *result)
{
    struct told *told = context;
    told->count++;
    if (seed >= SEEDS_MAX)
        return true;
    told->times[seed]++;
    told->results[seed] = *result;
    return true;
}

static struct holm_world_options options_of(uint64_t last, uint32_t jobs)
{
    return (struct holm_world_options){
        .first = 1, .last = last, .preset = holm_preset_find("perfect"), .jobs = jobs};
}

static void expect_told(const struct told *told, uint64_t seed, const char *claim)
{
    const struct holm_verdict *verdict = &told->results[seed].verdict;
    assert_int_equal(told->times[seed], 1);
    if (claim == NULL) {
        assert_false(verdict->broken);
        assert_int_equal(told->results[seed].operations, seed);
        return;
    }
    assert_true(verdict->broken);
    assert_string_equal(verdict->claim, claim);
}

static void test_run_when_seeds_do_not_end_each_is_told_and_the_next_are_played(void **state)
{
    (void)state;
    for (uint32_t jobs = 1; jobs <= 3; jobs++) {
        struct told told = {.count = 0};
        struct holm_world_options options = options_of(12, jobs);
        memset(fates, 0, sizeof fates);
        fates[1] = fates[12] = CRASHES;
        fates[3] = fates[11] = ASSERTS;
        fates[4] = fates[5] = SPINS;
        fates[8] = LEAVES;
        assert_true(holm_world_run_seeds(&options, take, &told));
        assert_int_equal(told.count, 12);
        for (uint64_t seed = 1; seed <= 12; seed++)
            expect_told(&told, seed,
                        fates[seed] == PLAYED    ? NULL
                        : fates[seed] == ASSERTS ? "assert"
                        : fates[seed] == SPINS   ? "hang"
                                                 : "crash");
        assert_string_equal(told.results[8].verdict.why, "the process ended with status 7");
        assert_non_null(strstr(told.results[3].verdict.why, "tests/sim/run.c"));
    }
}

/* The same of one plan, as the shrinker plays it. */
static void test_run_when_one_plan_does_not_end_it_is_told(void **state)
{
    static const char *const claims[] = {NULL, "assert", "crash", "hang", "hang", "crash"};
    struct holm_world_options options = options_of(1, 1);
    struct holm_plan plan;
    (void)state;
    holm_world_options_draw(&options, 1, &plan);
    for (enum fate fate = PLAYED; fate <= LEAVES; fate++) {
        struct told told = {.times = {0, 1}};
        fates[1] = fate;
        assert_true(holm_world_try(&plan, &told.results[1]));
        expect_told(&told, 1, claims[fate]);
    }
    holm_plan_release(&plan);
}

/* The time is over while seed 2 stands still, and seed 1 and those after it are played: it is told for all that. */
static void test_run_when_the_time_is_over_who_is_under_way_is_told(void **state)
{
    (void)state;
    struct told told = {.count = 0};
    struct holm_world_options options = options_of(UINT64_MAX, 2);
    options.seconds = 2;
    memset(fates, 0, sizeof fates);
    fates[2] = STANDS_STILL;
    assert_true(holm_world_run_seeds(&options, take, &told));
    expect_told(&told, 1, NULL);
    expect_told(&told, 2, "hang");
    assert_int_equal(told.times[4], 0); /* it would have begun when the time was over */
}

static void hold(struct holm_script *script)
{
    holm_script_open(script, 2, HOLM_SCRIPT_PLAIN);
    holm_script_begin(script);
    holm_script_put(script, 0, "k", 1);
    holm_script_converge(script, 1000);
    holm_script_close(script);
}

static void expect_too_much(struct holm_script *script)
{
    holm_script_open(script, 2, HOLM_SCRIPT_PLAIN);
    holm_script_begin(script);
    HOLM_SCRIPT_EXPECT(script, holm_script_exists(script, 1, "k"));
    hold(script); /* would be refused: one is open */
}

/* The oracle has not been told of the burial, and so it must not be there. */
static void write_unheard(struct holm_script *script)
{
    struct holm_judge *judge;
    holm_script_open(script, 2, HOLM_SCRIPT_PLAIN);
    holm_script_begin(script);
    judge = script->judge;
    script->judge = NULL;
    holm_script_put(script, 0, "k", 1);
    script->judge = judge;
    holm_script_run(script, 1000);
    holm_script_close(script);
}

static void assert_wrongly(struct holm_script *script)
{
    hold(script);
    HOLM_ASSERT(script->world != NULL);
}

/* Of a script, too, what breaks is told, whatever way it breaks; the worlds of many acts make one hash. */
static void test_run_when_a_script_breaks_it_is_told(void **state)
{
    static const struct holm_script_act acts[] = {
        {"holds", hold},
        {"expects", expect_too_much},
        {"lies", write_unheard},
        {"asserts", assert_wrongly},
        {NULL, NULL},
    };
    static const char *const claims[] = {NULL, "script", "payload", "assert"};
    static const struct holm_scenario scenario = {.name = "T00", .acts = acts};
    struct holm_world_options options = options_of(1, 1);
    struct told told = {.count = 0};
    (void)state;
    options.preset = NULL;
    options.scenario = &scenario;
    options.first = 0;
    options.last = 7;
    assert_true(holm_world_run_seeds(&options, take, &told));
    assert_int_equal(told.count, 8);
    for (uint64_t seed = 0; seed < 8; seed++) {
        struct holm_play_result alone;
        const struct holm_verdict *verdict = &told.results[seed].verdict;
        assert_int_equal(told.times[seed], 1);
        assert_int_equal(verdict->broken, claims[seed % 4] != NULL);
        if (verdict->broken)
            assert_string_equal(verdict->claim, claims[seed % 4]);
        assert_true(holm_world_try_script(&options, seed, &alone));
        assert_int_equal(alone.hash, told.results[seed].hash);
    }
    assert_non_null(strstr(told.results[1].verdict.why, "tests/sim/run.c"));
    assert_true(told.results[0].hash != told.results[4].hash);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_run_when_seeds_do_not_end_each_is_told_and_the_next_are_played),
        cmocka_unit_test(test_run_when_one_plan_does_not_end_it_is_told),
        cmocka_unit_test(test_run_when_the_time_is_over_who_is_under_way_is_told),
        cmocka_unit_test(test_run_when_a_script_breaks_it_is_told),
    };
    return cmocka_run_group_tests_name("run", tests, NULL, NULL);
}

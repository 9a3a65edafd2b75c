/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/world_cities.h"
#include "cli/world_json.h"
#include "cli/world_options.h"
#include "cli/world_run.h"
#include "sim/world/shrink.h"

#define SHRINK_TRIES 1500
/* How often progress is told: in seconds on a terminal, else in seeds. */
#define TELL_S 3
#define TELL_SEEDS 1000

/* With retention `stable`. */
struct collecting {
    uint64_t collected, folded, replaced, stuck, blind;
};

struct totals {
    const struct holm_world_options *options;
    struct holm_world_json json;
    uint64_t seeds, failed, operations, frames, virtual_us, converged_max_us;
    size_t heap_peak;
    struct collecting collecting;
    double began, told; /* in seconds */
    bool terminal;
};

/* ---- a failing seed ------------------------------------------------------------------------- */

static bool fails_alike(void *context, const struct holm_plan *plan)
{
    const struct holm_verdict *verdict = context;
    struct holm_play_result result;
    return holm_world_run_stopped() == 0 && holm_world_try(plan, &result) &&
           result.verdict.broken && strcmp(result.verdict.claim, verdict->claim) == 0;
}

static void print_verdict(const struct holm_verdict *verdict)
{
    (void)printf("broken: %s at %" PRIu64 ".%06" PRIu64, verdict->claim, verdict->at_us / 1000000,
                 verdict->at_us % 1000000);
    if (verdict->node != HOLM_WORLD_NOBODY)
        (void)printf(" at n%" PRIu32, verdict->node);
    (void)printf(": %s\n", verdict->why);
}

static void print_story(const struct holm_plan *plan, const struct holm_world_options *options)
{
    char text[4096];
    holm_plan_describe_settings(plan, text, sizeof text);
    (void)printf("  %s\n", text);
    for (size_t i = 0; i < plan->count; i++) {
        const struct holm_plan_event *event = &plan->events[i];
        holm_plan_describe(plan, event, text, sizeof text);
        (void)printf("  %4" PRIu64 ".%06" PRIu64 " [%" PRIu32 "] %s\n", event->at_us / 1000000,
                     event->at_us % 1000000, event->number, text);
    }
    holm_plan_list(plan, text, sizeof text);
    (void)printf("replay: holm world --seed %" PRIu64 " --%s %s", plan->settings.seed,
                 options->scenario != NULL ? "scenario" : "preset", plan->settings.preset);
    if (options->nodes != 0)
        (void)printf(" --nodes %" PRIu32 "..%" PRIu32, options->nodes, options->nodes_last);
    if (options->retention != NULL)
        (void)printf(" --retention %s", options->retention);
    (void)printf(" --only %s --trace\n", plan->count == 0 ? "999999" : text);
}

static void tell_failure(const struct holm_world_options *options, struct holm_plan *plan,
                         const struct holm_play_result *result)
{
    struct holm_play_result again = *result;
    print_verdict(&result->verdict);
    if (!options->shrink)
        return;
    struct holm_verdict verdict = result->verdict;
    if (!fails_alike(&verdict, plan)) {
        (void)printf("it does not fail when it is played again\n");
        return;
    }
    holm_shrink(plan, fails_alike, &verdict, SHRINK_TRIES);
    if (holm_world_try(plan, &again))
        print_verdict(&again.verdict);
    print_story(plan, options);
}

static void tell_failed_script(const struct holm_world_options *options, uint64_t seed,
                               const struct holm_play_result *result)
{
    print_verdict(&result->verdict);
    if (!options->trace)
        (void)printf("replay: holm world --scenario %s --seed %" PRIu64 " --trace\n",
                     options->scenario->name, seed);
}

/* ---- one seed ------------------------------------------------------------------------------- */

static void print_result(const struct holm_play_result *result)
{
    (void)printf("%" PRIu64 " operations, %" PRIu64 " frames, %" PRIu64 " bytes, %" PRIu64
                 " lives, %" PRIu64 " pulls, %" PRIu64 " syncs, %" PRIu64 " ms, %s %" PRIu64
                 " ms after the heal%s\n",
                 result->operations, result->frames, result->bytes, result->lives, result->pulls,
                 result->syncs, result->virtual_us / 1000,
                 result->stuck ? "nobody was left who could go on," : "agreed",
                 result->converged_us / 1000, result->blind ? "; not judged to the end" : "");
}

/* False: the system refused a process. */
static bool play_plan(const struct holm_world_options *options, struct holm_plan *plan,
                      struct holm_play_result *result)
{
    if (options->trace) {
        struct holm_play_options traced = {.trace = stdout};
        char text[1024];
        holm_plan_describe_settings(plan, text, sizeof text);
        (void)printf("%s\n", text);
        holm_play(plan, &traced, result);
    } else if (!holm_world_try(plan, result)) {
        return false;
    }
    print_result(result);
    return true;
}

static int status_of(bool played, const struct holm_play_result *result)
{
    return !played                  ? HOLM_EXIT_ERROR
           : result->verdict.broken ? HOLM_EXIT_CHECK_FAILED
                                    : HOLM_EXIT_OK;
}

static int play_script(const struct holm_world_options *options)
{
    struct holm_play_result result;
    struct holm_world_json json;
    const char *name = options->scenario->name;
    (void)printf("seed %" PRIu64 " preset %s: %s\n", options->first, name,
                 holm_scenario_act(options->scenario, options->first)->what);
    bool whole = holm_world_json_open(&json, options->json);
    bool played = whole && holm_world_try_script(options, options->first, &result);
    if (played) {
        holm_world_json_add(&json, options->first, name, &result);
        (void)printf("%" PRIu64 " operations, %" PRIu64 " frames, %" PRIu64 " bytes, %" PRIu64
                     " lives, %" PRIu64 " ms: %s\n",
                     result.operations, result.frames, result.bytes, result.lives,
                     result.virtual_us / 1000, result.verdict.broken ? "broken" : "holds");
        if (result.verdict.broken)
            tell_failed_script(options, options->first, &result);
        (void)printf("hash %016" PRIx64 "\n", result.hash);
    }
    whole &= holm_world_json_close(&json, options->json);
    return status_of(played && whole, &result);
}

static int play_one(const struct holm_world_options *options)
{
    struct holm_plan plan;
    struct holm_play_result result;
    struct holm_world_json json;
    holm_world_options_draw(options, options->first, &plan);
    (void)printf("seed %" PRIu64 " preset %s\n", options->first, plan.settings.preset);
    if (options->only != NULL && !holm_plan_keep_list(&plan, options->only)) {
        (void)fprintf(stderr, "holm world: --only is a list as 0-3,17, not '%s'\n", options->only);
        holm_plan_release(&plan);
        return HOLM_EXIT_USAGE;
    }
    bool whole = holm_world_json_open(&json, options->json);
    bool played = whole && play_plan(options, &plan, &result);
    if (played) {
        holm_world_json_add(&json, options->first, plan.settings.preset, &result);
        if (result.verdict.broken && !options->trace)
            tell_failure(options, &plan, &result);
        else if (result.verdict.broken)
            print_verdict(&result.verdict);
        (void)printf("hash %016" PRIx64 "\n", result.hash);
    }
    whole &= holm_world_json_close(&json, options->json);
    holm_plan_release(&plan);
    return status_of(played && whole, &result);
}

/* ---- many seeds ----------------------------------------------------------------------------- */

static double seconds_now(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void tell_progress(struct totals *totals)
{
    double now = seconds_now();
    bool due = totals->terminal ? now - totals->told >= TELL_S : totals->seeds % TELL_SEEDS == 0;
    uint64_t all = totals->options->last - totals->options->first + 1;
    if (!due || totals->seeds == all)
        return;
    totals->told = now;
    (void)printf("%" PRIu64 " of %" PRIu64 " seeds, %.1f a second, %" PRIu64 " failed\n",
                 totals->seeds, all, (double)totals->seeds / (now - totals->began), totals->failed);
    (void)fflush(stdout);
}

static void take_script(struct totals *totals, uint64_t seed, const struct holm_play_result *result)
{
    const struct holm_scenario *scenario = totals->options->scenario;
    holm_world_json_add(&totals->json, seed, scenario->name, result);
    (void)printf("seed %" PRIu64 " preset %s: %s: %s, hash %016" PRIx64 "\n", seed, scenario->name,
                 holm_scenario_act(scenario, seed)->what,
                 result->verdict.broken ? "broken" : "holds", result->hash);
    if (result->verdict.broken)
        tell_failed_script(totals->options, seed, result);
    (void)fflush(stdout);
}

static bool take(void *context, uint64_t seed, const struct holm_play_result *result)
{
    struct totals *totals = context;
    const struct holm_world_options *options = totals->options;
    struct holm_plan plan;
    totals->seeds++;
    totals->operations += result->operations;
    totals->frames += result->frames;
    totals->virtual_us += result->virtual_us;
    if (!result->stuck && result->converged_us > totals->converged_max_us)
        totals->converged_max_us = result->converged_us;
    if (result->heap_peak > totals->heap_peak)
        totals->heap_peak = result->heap_peak;
    totals->collecting.collected += result->collected;
    totals->collecting.folded += result->folded;
    totals->collecting.replaced += result->replaced;
    totals->collecting.stuck += result->stuck;
    totals->collecting.blind += result->blind;
    totals->failed += result->verdict.broken;
    if (holm_world_options_script(options)) {
        take_script(totals, seed, result);
        return true;
    }
    tell_progress(totals);
    if (!result->verdict.broken && totals->json.file == NULL)
        return true;
    holm_world_options_draw(options, seed, &plan);
    holm_world_json_add(&totals->json, seed, plan.settings.preset, result);
    if (result->verdict.broken) {
        (void)printf("seed %" PRIu64 " preset %s\n", seed, plan.settings.preset);
        tell_failure(options, &plan, result);
        (void)fflush(stdout);
    }
    holm_plan_release(&plan);
    return true;
}

static int play_all(const struct holm_world_options *options)
{
    double began = seconds_now();
    struct totals totals = {
        .options = options, .began = began, .told = began, .terminal = isatty(STDOUT_FILENO) == 1};
    (void)printf("seeds %" PRIu64 "..%" PRIu64 " preset %s\n", options->first, options->last,
                 options->scenario != NULL ? options->scenario->name
                 : options->preset == NULL ? "of each seed"
                                           : options->preset->name);
    if (!holm_world_json_open(&totals.json, options->json))
        return HOLM_EXIT_ERROR;
    bool ran = holm_world_run_seeds(options, take, &totals);
    double took = seconds_now() - began;
    ran &= holm_world_json_close(&totals.json, options->json);
    (void)printf("%" PRIu64 " seeds, %" PRIu64 " failed; %" PRIu64 " operations, %" PRIu64
                 " frames; at most %" PRIu64
                 " ms to agree, %zu bytes a node; %.1f s, %.1f seeds/s, "
                 "%.1f simulated hours a second\n",
                 totals.seeds, totals.failed, totals.operations, totals.frames,
                 totals.converged_max_us / 1000, totals.heap_peak, took,
                 (double)totals.seeds / took, (double)totals.virtual_us / 3.6e9 / took);
    const struct collecting *collecting = &totals.collecting;
    if (collecting->collected + collecting->folded + collecting->replaced > 0)
        (void)printf("%" PRIu64 " tombstones collected, %" PRIu64 " epochs folded, %" PRIu64
                     " states replaced; in %" PRIu64 " seeds nobody was left, %" PRIu64
                     " not judged to the end\n",
                     collecting->collected, collecting->folded, collecting->replaced,
                     collecting->stuck, collecting->blind);
    int stopped = holm_world_run_stopped();
    if (stopped != 0) {
        (void)printf("stopped by %s after %" PRIu64 " of %" PRIu64 " seeds\n",
                     stopped == SIGINT ? "SIGINT" : "SIGTERM", totals.seeds,
                     options->last - options->first + 1);
        return 128 + stopped;
    }
    return !ran ? HOLM_EXIT_ERROR : totals.failed > 0 ? HOLM_EXIT_CHECK_FAILED : HOLM_EXIT_OK;
}

static int list_scenarios(void)
{
    bool whole = true;
    for (const struct holm_scenario *scenario = holm_scenarios; scenario->name != NULL;
         scenario++) {
        whole &= printf("%s  %s\n", scenario->name, scenario->what) > 0;
        if (scenario->acts == NULL)
            continue;
        for (uint64_t i = 0; i < holm_scenario_acts(scenario); i++)
            whole &= printf("       %s\n", scenario->acts[i].what) > 0;
    }
    return whole && fflush(stdout) == 0 ? HOLM_EXIT_OK : HOLM_EXIT_ERROR;
}

int holm_cli_world(int argc, char **argv)
{
    struct holm_world_options options;
    if (holm_world_cities_asked(argc, argv))
        return holm_world_cities(argc, argv);
    enum holm_world_parsed parsed = holm_world_options_parse(argc, argv, &options);
    if (parsed == HOLM_WORLD_WRONG)
        return HOLM_EXIT_USAGE;
    if (parsed == HOLM_WORLD_HELP)
        return fputs(holm_world_options_usage(), stdout) == EOF ? HOLM_EXIT_ERROR : HOLM_EXIT_OK;
    if (options.list)
        return list_scenarios();
    if (options.first == options.last && holm_world_options_script(&options))
        return play_script(&options);
    return options.first == options.last ? play_one(&options) : play_all(&options);
}

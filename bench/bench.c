/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/bench.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "bench/baseline.h"
#include "bench/fleet.h"
#include "bench/options.h"
#include "bench/trial.h"

/* ---- playing -------------------------------------------------------------------------------- */

static void tell_progress(const struct holm_bench_scenario *scenario, uint32_t done, uint32_t of)
{
    if (isatty(STDERR_FILENO) == 0)
        return;
    (void)fprintf(stderr, "\r\033[K%s %" PRIu32 "/%" PRIu32, scenario->name, done, of);
    if (scenario == NULL || done == of)
        (void)fputs("\r\033[K", stderr);
    (void)fflush(stderr);
}

/* With a baseline, the most of each scenario. */
static uint32_t repetitions(const struct holm_bench_options *options,
                            const struct holm_bench_scenario *scenario)
{
    bool most = options->check != NULL || options->baseline != NULL;
    if (options->repeat > 0 && !(most && scenario->repeat < options->repeat))
        return options->repeat;
    return options->real ? scenario->repeat_real : scenario->repeat;
}

static bool play(const struct holm_bench_options *options,
                 const struct holm_bench_scenario *scenario, struct holm_bench_figures *figures)
{
    uint32_t repeat = repetitions(options, scenario);
    holm_bench_figures_init(figures, scenario);
    for (uint32_t i = 0; i < repeat; i++) {
        tell_progress(scenario, i, repeat);
        if (!options->real)
            holm_bench_trial_run(scenario, options->nodes, options->seed + i, figures);
        else if (!holm_bench_fleet_run(scenario, options->nodes, options->seed + i, figures))
            return false;
    }
    tell_progress(scenario, repeat, repeat);
    holm_bench_figures_finish(figures);
    return true;
}

/* ---- files ---------------------------------------------------------------------------------- */

static bool write_file(const char *path, const struct holm_bench_report *report,
                       void (*show)(FILE *file, const struct holm_bench_report *report))
{
    if (path == NULL)
        return true;
    FILE *file = fopen(path, "we");
    if (file != NULL) {
        show(file, report);
        bool failed = ferror(file) != 0;
        if (fclose(file) == 0 && !failed)
            return true;
    }
    (void)fprintf(stderr, "holm bench: cannot write %s: %s\n", path, strerror(errno));
    return false;
}

static bool write_files(const struct holm_bench_options *options,
                        const struct holm_bench_report *report)
{
    bool json = write_file(options->json, report, holm_bench_show_json);
    bool csv = write_file(options->csv, report, holm_bench_show_csv);
    bool html = write_file(options->html, report, holm_bench_show_html);
    bool host = write_file(options->host, report, holm_bench_show_host);
    return json && csv && html && host;
}

/* ---- the baseline --------------------------------------------------------------------------- */

static bool read_baseline(const char *path, struct holm_bench_baseline *baseline)
{
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        (void)fprintf(stderr, "holm bench: cannot read %s: %s\n", path, strerror(errno));
        return false;
    }
    bool good = holm_bench_baseline_read(file, path, baseline);
    return fclose(file) == 0 && good;
}

/* What is to be held against a baseline is played as that was. */
static bool prepare(struct holm_bench_options *options, struct holm_bench_baseline *kept)
{
    size_t count = 0;
    if (options->check == NULL && options->baseline != NULL && options->repeat == 0)
        options->repeat = HOLM_BENCH_BASELINE_REPEAT;
    /* The largest join takes as long as all others. */
    for (size_t i = 0; i < options->count && options->baseline != NULL && !options->listed; i++)
        if (options->scenarios[i]->records < 1000000)
            options->scenarios[count++] = options->scenarios[i];
    if (options->baseline != NULL && !options->listed)
        options->count = count;
    if (options->check == NULL)
        return true;
    if (!read_baseline(options->check, kept))
        return false;
    if (options->listed)
        holm_bench_baseline_narrow(kept, options->scenarios, options->count);
    options->seed = kept->seed;
    options->nodes = kept->nodes;
    options->repeat = kept->repeat;
    count = 0;
    for (size_t i = 0; i < options->count; i++)
        if (holm_bench_baseline_has(kept, options->scenarios[i]->name))
            options->scenarios[count++] = options->scenarios[i];
    options->count = count;
    return true;
}

static bool keep_baseline(const struct holm_bench_options *options,
                          const struct holm_bench_baseline *now)
{
    FILE *file = fopen(options->baseline, "we");
    if (file != NULL) {
        holm_bench_baseline_write(file, now);
        if (fclose(file) == 0)
            return true;
    }
    (void)fprintf(stderr, "holm bench: cannot write %s: %s\n", options->baseline, strerror(errno));
    return false;
}

/* The exit status. */
static int hold_against(const struct holm_bench_options *options,
                        const struct holm_bench_report *report,
                        const struct holm_bench_baseline *kept)
{
    static struct holm_bench_baseline now;
    if (options->check == NULL && options->baseline == NULL)
        return HOLM_BENCH_EXIT_OK;
    holm_bench_baseline_of(report, options->repeat, &now);
    if (options->baseline != NULL && !keep_baseline(options, &now))
        return HOLM_BENCH_EXIT_ERROR;
    if (options->check == NULL)
        return HOLM_BENCH_EXIT_OK;
    (void)printf("\nheld against %s:\n", options->check);
    size_t worse = holm_bench_baseline_compare(stdout, kept, &now, options->tolerance_percent);
    return worse > 0 ? HOLM_BENCH_EXIT_WORSE : HOLM_BENCH_EXIT_OK;
}

static int verdict(const struct holm_bench_report *report)
{
    int status = HOLM_BENCH_EXIT_OK;
    for (size_t i = 0; i < report->count; i++) {
        const struct holm_bench_figures *figures = &report->figures[i];
        if (figures->failures > 0 && figures->first.diverged)
            return HOLM_BENCH_EXIT_DIVERGED;
        if (figures->failures > 0)
            status = HOLM_BENCH_EXIT_WORSE;
    }
    return status;
}

int holm_bench_main(int argc, char **argv)
{
    static struct holm_bench_baseline kept;
    struct holm_bench_options options;
    enum holm_bench_parsed parsed = holm_bench_options_parse(argc, argv, &options);
    if (parsed == HOLM_BENCH_WRONG)
        return HOLM_BENCH_EXIT_USAGE;
    if (parsed == HOLM_BENCH_HELP)
        return fputs(holm_bench_options_usage(), stdout) == EOF ? HOLM_BENCH_EXIT_ERROR
                                                                : HOLM_BENCH_EXIT_OK;
    if (!prepare(&options, &kept))
        return HOLM_BENCH_EXIT_ERROR;
    struct holm_bench_report report = {
        .seed = options.seed, .nodes = options.nodes, .real = options.real};
    bool played = true;
    for (; report.count < options.count && played; report.count++)
        played = play(&options, options.scenarios[report.count], &report.figures[report.count]);
    if (!played)
        return HOLM_BENCH_EXIT_ERROR;
    holm_bench_show_table(stdout, &report, isatty(STDOUT_FILENO) != 0);
    int held = hold_against(&options, &report, &kept);
    bool written = write_files(&options, &report) && fflush(stdout) == 0;
    holm_bench_show_failures(stderr, &report);
    int status = verdict(&report) != HOLM_BENCH_EXIT_OK ? verdict(&report) : held;
    for (size_t i = 0; i < report.count; i++)
        holm_bench_figures_release(&report.figures[i]);
    return written ? status : HOLM_BENCH_EXIT_ERROR;
}

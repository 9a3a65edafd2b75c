/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/bench.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

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

static void play(const struct holm_bench_options *options,
                 const struct holm_bench_scenario *scenario, struct holm_bench_figures *figures)
{
    uint32_t repeat = options->repeat > 0 ? options->repeat : scenario->repeat;
    holm_bench_figures_init(figures, scenario);
    for (uint32_t i = 0; i < repeat; i++) {
        tell_progress(scenario, i, repeat);
        holm_bench_trial_run(scenario, options->nodes, options->seed + i, figures);
    }
    tell_progress(scenario, repeat, repeat);
    holm_bench_figures_finish(figures);
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
    return json && csv;
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
    struct holm_bench_options options;
    enum holm_bench_parsed parsed = holm_bench_options_parse(argc, argv, &options);
    if (parsed == HOLM_BENCH_WRONG)
        return HOLM_BENCH_EXIT_USAGE;
    if (parsed == HOLM_BENCH_HELP)
        return fputs(holm_bench_options_usage(), stdout) == EOF ? HOLM_BENCH_EXIT_ERROR
                                                                : HOLM_BENCH_EXIT_OK;
    struct holm_bench_report report = {
        .seed = options.seed, .nodes = options.nodes, .real = options.real};
    for (; report.count < options.count; report.count++)
        play(&options, options.scenarios[report.count], &report.figures[report.count]);
    holm_bench_show_table(stdout, &report, isatty(STDOUT_FILENO) != 0);
    bool written = write_files(&options, &report) && fflush(stdout) == 0;
    holm_bench_show_failures(stderr, &report);
    int status = verdict(&report);
    for (size_t i = 0; i < report.count; i++)
        holm_bench_figures_release(&report.figures[i]);
    return written ? status : HOLM_BENCH_EXIT_ERROR;
}

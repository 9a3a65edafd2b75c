/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>

#include "bench/show.h"

#define BOLD "\033[1m"
#define DIM "\033[2m"
#define RED "\033[31m"
#define PLAIN "\033[0m"

struct pen {
    FILE *file;
    bool colours;
};

static void style(const struct pen *pen, const char *code)
{
    if (pen->colours)
        (void)fputs(code, pen->file);
}

static void write_spread(const struct pen *pen, const struct holm_bench_spread *spread)
{
    if (spread->count == 0) {
        (void)fprintf(pen->file, " %9s %9s %9s", "-", "-", "-");
        return;
    }
    (void)fprintf(pen->file, " %9s %9s %9s", holm_bench_text_us(spread->p50).text,
                  spread->p99_known ? holm_bench_text_us(spread->p99).text : "-",
                  holm_bench_text_us(spread->max).text);
}

static void write_times(const struct pen *pen, const struct holm_bench_report *report)
{
    style(pen, DIM);
    (void)fprintf(pen->file, "%-10s %5s %29s %29s\n", "", "", "converged after", "reads stale for");
    style(pen, PLAIN);
    style(pen, BOLD);
    (void)fprintf(pen->file, "%-10s %5s %9s %9s %9s %9s %9s %9s\n", "scenario", "runs", "p50",
                  "p99", "max", "p50", "p99", "max");
    style(pen, PLAIN);
    for (size_t i = 0; i < report->count; i++) {
        const struct holm_bench_figures *figures = &report->figures[i];
        struct holm_bench_spread convergence = holm_bench_spread_of(&figures->convergence);
        struct holm_bench_spread staleness = holm_bench_spread_of(&figures->staleness);
        style(pen, figures->failures > 0 ? RED : "");
        (void)fprintf(pen->file, "%-10s %5" PRIu32, figures->scenario->name, figures->repetitions);
        write_spread(pen, &convergence);
        write_spread(pen, &staleness);
        style(pen, figures->failures > 0 ? PLAIN : "");
        (void)fputs("\n", pen->file);
    }
}

/* Of elements, or, of processes, of runs. */
static struct holm_bench_text redundant(const struct holm_bench_figures *figures)
{
    if (figures->traffic.arrived_elements > 0)
        return holm_bench_text_percent(holm_bench_redundant_elements(figures));
    if (figures->traffic.runs > 0)
        return holm_bench_text_percent(holm_bench_redundant_runs(figures));
    return (struct holm_bench_text){"-"};
}

static void write_cost(const struct pen *pen, const struct holm_bench_figures *figures)
{
    bool counted = figures->traffic.arrived_elements > 0;
    (void)fprintf(
        pen->file, "%-10s %7s %8s %8s %8s %6s %6s %9s %7s\n", figures->scenario->name,
        holm_bench_text_number(holm_bench_bytes_a_change(figures)).text,
        counted ? holm_bench_text_number(holm_bench_elements_a_change(figures)).text : "-",
        counted ? holm_bench_text_number(holm_bench_metadata_a_change(figures)).text : "-",
        redundant(figures).text,
        counted ? holm_bench_text_percent(holm_bench_redundant_bytes(figures)).text : "-",
        figures->records == 0 ? "-"
                              : holm_bench_text_number(holm_bench_metadata_a_key(figures)).text,
        holm_bench_text_bytes(figures->memory_max).text,
        holm_bench_text_us(figures->repetitions == 0 ? 0 : figures->cpu_us / figures->repetitions)
            .text);
}

static void write_costs(const struct pen *pen, const struct holm_bench_report *report)
{
    style(pen, DIM);
    (void)fprintf(pen->file, "\n%-10s %25s %15s %6s %9s %7s\n", "", "sent per change",
                  "redundant of", "B meta", "memory of", "CPU of");
    style(pen, PLAIN);
    style(pen, BOLD);
    (void)fprintf(pen->file, "%-10s %7s %8s %8s %8s %6s %6s %9s %7s\n", "scenario", "bytes",
                  "elements", "metadata", report->real ? "runs" : "elements", "bytes", "a key",
                  "a node", "a run");
    style(pen, PLAIN);
    for (size_t i = 0; i < report->count; i++)
        write_cost(pen, &report->figures[i]);
}

void holm_bench_show_table(FILE *file, const struct holm_bench_report *report, bool colours)
{
    struct pen pen = {file, colours};
    (void)fprintf(file, "holm bench: %" PRIu32 " nodes %s, seed %" PRIu64 "\n\n", report->nodes,
                  report->real ? "as processes on loopback" : "in virtual time", report->seed);
    write_times(&pen, report);
    write_costs(&pen, report);
    style(&pen, DIM);
    (void)fputs(
        "\nA change is an operation applied at a replica that did not write it. A p99 needs\n",
        file);
    (void)fputs(report->real
                    ? "100 samples. Real nodes tell no elements: bytes are the payload received.\n"
                      "CPU is that of all nodes together.\n"
                    : "100 samples. CPU is this machine's, for all nodes and the counting of\n"
                      "frames; all other figures follow from the seed.\n",
                file);
    uint64_t hours = holm_bench_hours_a_second_of(report);
    if (!report->real)
        (void)fprintf(file, "%s simulated hours passed in a second of the wall clock.\n",
                      holm_bench_text_number(hours).text);
    style(&pen, PLAIN);
}

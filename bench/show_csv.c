/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>

#include "bench/show.h"

static void write_spread(FILE *file, const struct holm_bench_samples *samples)
{
    struct holm_bench_spread spread = holm_bench_spread_of(samples);
    if (spread.count == 0) {
        (void)fputs(",0,,,", file);
        return;
    }
    (void)fprintf(file, ",%" PRIu64 ",%" PRIu64 ",", spread.count, spread.p50);
    if (spread.p99_known)
        (void)fprintf(file, "%" PRIu64, spread.p99);
    (void)fprintf(file, ",%" PRIu64, spread.max);
}

/* Without `known` the field is empty. */
static void write_thousandths(FILE *file, uint64_t value, bool known)
{
    if (known)
        (void)fprintf(file, ",%" PRIu64 ".%03" PRIu64, value / 1000, value % 1000);
    else
        (void)fputs(",", file);
}

static void write_row(FILE *file, const struct holm_bench_figures *figures,
                      const struct holm_bench_report *report)
{
    bool counted = !report->real;
    (void)fprintf(file, "%s,%s,%" PRIu64 ",%" PRIu32 ",%" PRIu32 ",%" PRIu32,
                  figures->scenario->name, report->real ? "real" : "virtual", report->seed,
                  report->nodes, figures->repetitions, figures->failures);
    write_spread(file, &figures->convergence);
    write_spread(file, &figures->staleness);
    (void)fprintf(file, ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64, figures->cut_off,
                  figures->traffic.operations, figures->traffic.changes, figures->traffic.bytes);
    write_thousandths(file, holm_bench_bytes_a_change(figures), true);
    write_thousandths(file, holm_bench_elements_a_change(figures), counted);
    write_thousandths(file, holm_bench_metadata_a_change(figures), counted);
    write_thousandths(file, holm_bench_redundant_elements(figures), counted);
    write_thousandths(file, holm_bench_redundant_bytes(figures), counted);
    write_thousandths(file, holm_bench_redundant_runs(figures), report->real);
    write_thousandths(file, holm_bench_metadata_a_key(figures), figures->records > 0);
    (void)fprintf(file, ",%" PRIu64 ",%" PRIu64 ",%" PRIu64, figures->memory_max, figures->pulls,
                  figures->syncs);
    if (report->real)
        (void)fprintf(file, ",%" PRIu64 "\n", figures->cpu_us);
    else
        (void)fputs(",\n", file);
}

void holm_bench_show_csv(FILE *file, const struct holm_bench_report *report)
{
    (void)fputs("scenario,mode,seed,nodes,repetitions,failures,"
                "convergences,convergence_us_p50,convergence_us_p99,convergence_us_max,"
                "reads,staleness_us_p50,staleness_us_p99,staleness_us_max,reads_cut_off,"
                "operations,changes,bytes,bytes_per_change,elements_per_change,"
                "metadata_per_change,redundant_elements_share,redundant_bytes_share,"
                "redundant_runs_share,"
                "metadata_bytes_per_key,memory_bytes_max,pulls,syncs,cpu_us\n",
                file);
    for (size_t i = 0; i < report->count; i++)
        write_row(file, &report->figures[i], report);
}

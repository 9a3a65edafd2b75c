/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>

#include "bench/show.h"
#include "bench/trial.h"

static void write_spread(FILE *file, const char *name, const struct holm_bench_samples *samples)
{
    struct holm_bench_spread spread = holm_bench_spread_of(samples);
    (void)fprintf(file, "      \"%s\": {\"count\": %" PRIu64, name, spread.count);
    if (spread.count > 0) {
        (void)fprintf(file, ", \"mean\": %" PRIu64 ", \"p50\": %" PRIu64 ", \"p99\": ", spread.mean,
                      spread.p50);
        if (spread.p99_known)
            (void)fprintf(file, "%" PRIu64, spread.p99);
        else
            (void)fputs("null", file);
        (void)fprintf(file, ", \"max\": %" PRIu64, spread.max);
    }
    (void)fputs("},\n", file);
}

static void write_thousandths(FILE *file, const char *name, uint64_t value)
{
    (void)fprintf(file, "      \"%s\": %" PRIu64 ".%03" PRIu64 ",\n", name, value / 1000,
                  value % 1000);
}

static void write_number(FILE *file, const char *name, uint64_t value)
{
    (void)fprintf(file, "      \"%s\": %" PRIu64 ",\n", name, value);
}

static void write_traffic(FILE *file, const struct holm_bench_figures *figures, bool real)
{
    const struct holm_bench_traffic *traffic = &figures->traffic;
    write_number(file, "operations", traffic->operations);
    write_number(file, "changes", traffic->changes);
    write_number(file, "bytes", traffic->bytes);
    write_thousandths(file, "bytes_per_change", holm_bench_bytes_a_change(figures));
    write_number(file, "pulls", figures->pulls);
    write_number(file, "syncs", figures->syncs);
    if (real) {
        write_number(file, "runs_arrived", traffic->runs);
        write_number(file, "redundant_runs", traffic->redundant_runs);
        write_thousandths(file, "redundant_runs_share", holm_bench_redundant_runs(figures));
        write_number(file, "writes_lost", figures->lost);
        return;
    }
    write_number(file, "messages", traffic->messages);
    write_number(file, "elements", traffic->elements);
    write_number(file, "metadata", traffic->metadata);
    write_thousandths(file, "elements_per_change", holm_bench_elements_a_change(figures));
    write_thousandths(file, "metadata_per_change", holm_bench_metadata_a_change(figures));
    write_number(file, "arrived_elements", traffic->arrived_elements);
    write_number(file, "redundant_elements", traffic->redundant_elements);
    write_number(file, "arrived_bytes", traffic->arrived_bytes);
    write_number(file, "redundant_bytes", traffic->redundant_bytes);
    write_thousandths(file, "redundant_elements_share", holm_bench_redundant_elements(figures));
    write_thousandths(file, "redundant_bytes_share", holm_bench_redundant_bytes(figures));
}

static void write_curve(FILE *file, const char *name, const struct holm_bench_curve *curve,
                        uint64_t of)
{
    (void)fprintf(file, "      \"%s\": [", name);
    for (size_t i = 0; i < curve->count; i++)
        (void)fprintf(file, "%s%" PRIu64, i == 0 ? "" : ",", of == 0 ? 0 : curve->sums[i] / of);
    (void)fputs("],\n", file);
}

static void write_histogram(FILE *file, const struct holm_bench_samples *samples)
{
    uint64_t counts[HOLM_BENCH_BUCKETS];
    bool first = true;
    holm_bench_bucket_count(samples, counts);
    (void)fputs("      \"staleness_histogram\": [", file);
    for (size_t i = 0; i < HOLM_BENCH_BUCKETS; i++) {
        if (counts[i] == 0)
            continue;
        (void)fprintf(file, "%s{\"up_to_us\": ", first ? "" : ", ");
        if (holm_bench_bucket_us(i) == UINT64_MAX)
            (void)fputs("null", file);
        else
            (void)fprintf(file, "%" PRIu64, holm_bench_bucket_us(i));
        (void)fprintf(file, ", \"count\": %" PRIu64 "}", counts[i]);
        first = false;
    }
    (void)fputs("],\n", file);
}

static void write_failures(FILE *file, const struct holm_bench_figures *figures)
{
    (void)fprintf(file, "      \"failures\": %" PRIu32, figures->failures);
    if (figures->failures > 0)
        (void)fprintf(file, ", \"first_failure\": {\"seed\": %" PRIu64 ", \"why\": \"%s\"}",
                      figures->first.seed, figures->first.why);
    (void)fputs("\n", file);
}

static void write_scenario(FILE *file, const struct holm_bench_figures *figures, bool real)
{
    const struct holm_bench_scenario *scenario = figures->scenario;
    (void)fprintf(file, "    {\n      \"name\": \"%s\",\n      \"about\": \"%s\",\n",
                  scenario->name, scenario->about);
    (void)fprintf(file, "      \"convergence_from\": \"%s\",\n", scenario->from);
    write_number(file, "repetitions", figures->repetitions);
    write_spread(file, "convergence_us", &figures->convergence);
    write_spread(file, "staleness_us", &figures->staleness);
    write_number(file, "staleness_cut_off", figures->cut_off);
    write_histogram(file, &figures->staleness);
    write_traffic(file, figures, real);
    write_thousandths(file, "metadata_bytes_per_key", holm_bench_metadata_a_key(figures));
    write_number(file, "memory_bytes_max", figures->memory_max);
    write_number(file, "memory_bytes_end",
                 figures->repetitions == 0 ? 0 : figures->memory_end / figures->repetitions);
    if (real)
        write_number(file, "cpu_us", figures->cpu_us);
    (void)fprintf(file, "      \"curve_from_us\": %" PRId64 ", \"curve_step_us\": %d,\n",
                  holm_bench_curve_from_us(scenario), HOLM_BENCH_STEP_US);
    write_curve(file, "equal_permille", &figures->equal, figures->repetitions);
    write_curve(file, "bytes_a_step", &figures->bytes, figures->repetitions);
    write_failures(file, figures);
    (void)fputs("    }", file);
}

static void write_settings(FILE *file, bool real)
{
    (void)fprintf(file, "  \"settings\": {\"write_every_us\": %d", HOLM_BENCH_WRITE_EVERY_US);
    if (!real)
        (void)fprintf(file,
                      ", \"keys\": %d, \"counter_writes_of_ten\": %d, \"delay_us\": %d, "
                      "\"jitter_us\": %d, \"bytes_per_s\": %d, \"partitions\": %d",
                      HOLM_BENCH_KEYS, HOLM_BENCH_COUNTED_OF_TEN, HOLM_BENCH_DELAY_US,
                      HOLM_BENCH_JITTER_US, HOLM_BENCH_BYTES_PER_S, HOLM_BENCH_PARTITIONS);
    (void)fputs("},\n", file);
}

void holm_bench_show_json(FILE *file, const struct holm_bench_report *report)
{
    (void)fprintf(file,
                  "{\n  \"program\": \"holm bench\",\n  \"mode\": \"%s\",\n  \"seed\": %" PRIu64
                  ",\n  \"nodes\": %" PRIu32 ",\n",
                  report->real ? "real" : "virtual", report->seed, report->nodes);
    write_settings(file, report->real);
    (void)fputs("  \"scenarios\": [\n", file);
    for (size_t i = 0; i < report->count; i++) {
        write_scenario(file, &report->figures[i], report->real);
        (void)fputs(i + 1 < report->count ? ",\n" : "\n", file);
    }
    (void)fputs("  ]\n}\n", file);
}

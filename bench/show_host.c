/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>

#include "bench/show.h"

static void write_scenario(FILE *file, const struct holm_bench_figures *figures, bool real)
{
    uint64_t hours = holm_bench_hours_a_second(figures->world_us, figures->wall_us);
    (void)fprintf(file,
                  "    {\"name\": \"%s\", \"repetitions\": %" PRIu32 ", \"cpu_us\": %" PRIu64
                  ", \"wall_us\": %" PRIu64,
                  figures->scenario->name, figures->repetitions, figures->cpu_us, figures->wall_us);
    if (!real)
        (void)fprintf(file,
                      ", \"simulated_us\": %" PRIu64
                      ", \"simulated_hours_per_wall_second\": %" PRIu64 ".%03" PRIu64,
                      figures->world_us, hours / 1000, hours % 1000);
    (void)fputs("}", file);
}

void holm_bench_show_host(FILE *file, const struct holm_bench_report *report)
{
    uint64_t hours = holm_bench_hours_a_second_of(report);
    (void)fprintf(file,
                  "{\n  \"program\": \"holm bench\",\n  \"mode\": \"%s\",\n  \"seed\": %" PRIu64
                  ",\n  \"nodes\": %" PRIu32 ",\n",
                  report->real ? "real" : "virtual", report->seed, report->nodes);
    if (!report->real)
        (void)fprintf(file, "  \"simulated_hours_per_wall_second\": %" PRIu64 ".%03" PRIu64 ",\n",
                      hours / 1000, hours % 1000);
    (void)fputs("  \"scenarios\": [\n", file);
    for (size_t i = 0; i < report->count; i++) {
        write_scenario(file, &report->figures[i], report->real);
        (void)fputs(i + 1 < report->count ? ",\n" : "\n", file);
    }
    (void)fputs("  ]\n}\n", file);
}

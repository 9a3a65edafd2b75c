/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/show.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* ---- numbers as text ------------------------------------------------------------------------- */

/* Three digits, rounded to the nearest. */
static struct holm_bench_text three_digits(uint64_t thousandths, const char *unit)
{
    struct holm_bench_text text;
    if (thousandths < 9995) {
        uint64_t hundredths = (thousandths + 5) / 10;
        (void)snprintf(text.text, sizeof text.text, "%" PRIu64 ".%02" PRIu64 "%s", hundredths / 100,
                       hundredths % 100, unit);
    } else if (thousandths < 99950) {
        uint64_t tenths = (thousandths + 50) / 100;
        (void)snprintf(text.text, sizeof text.text, "%" PRIu64 ".%" PRIu64 "%s", tenths / 10,
                       tenths % 10, unit);
    } else {
        (void)snprintf(text.text, sizeof text.text, "%" PRIu64 "%s", (thousandths + 500) / 1000,
                       unit);
    }
    return text;
}

struct holm_bench_text holm_bench_text_us(uint64_t us)
{
    if (us < 1000) {
        struct holm_bench_text text;
        (void)snprintf(text.text, sizeof text.text, "%" PRIu64 " us", us);
        return text;
    }
    return us < 999500 ? three_digits(us, " ms") : three_digits(us / 1000, " s");
}

struct holm_bench_text holm_bench_text_html(struct holm_bench_text text)
{
    struct holm_bench_text result;
    const char *micro = strstr(text.text, " us");
    if (micro == NULL)
        return text;
    (void)snprintf(result.text, sizeof result.text, "%.*s µs", (int)(micro - text.text), text.text);
    return result;
}

struct holm_bench_text holm_bench_text_bytes(uint64_t bytes)
{
    if (bytes < 1024) {
        struct holm_bench_text text;
        (void)snprintf(text.text, sizeof text.text, "%" PRIu64 " B", bytes);
        return text;
    }
    uint64_t thousandths = bytes * 1000 / 1024;
    if (thousandths < 1000000)
        return three_digits(thousandths, " KiB");
    return thousandths / 1024 < 1000000 ? three_digits(thousandths / 1024, " MiB")
                                        : three_digits(thousandths / 1024 / 1024, " GiB");
}

struct holm_bench_text holm_bench_text_number(uint64_t thousandths)
{
    return three_digits(thousandths, "");
}

struct holm_bench_text holm_bench_text_percent(uint64_t thousandths)
{
    struct holm_bench_text text;
    (void)snprintf(text.text, sizeof text.text, "%" PRIu64 ".%" PRIu64 "%%", thousandths / 10,
                   thousandths % 10);
    return text;
}

/* ---- what several of them tell ---------------------------------------------------------------- */

uint64_t holm_bench_bytes_a_change(const struct holm_bench_figures *figures)
{
    return holm_bench_thousandths(figures->traffic.bytes, figures->traffic.changes);
}

uint64_t holm_bench_elements_a_change(const struct holm_bench_figures *figures)
{
    return holm_bench_thousandths(figures->traffic.elements, figures->traffic.changes);
}

uint64_t holm_bench_metadata_a_change(const struct holm_bench_figures *figures)
{
    return holm_bench_thousandths(figures->traffic.metadata, figures->traffic.changes);
}

uint64_t holm_bench_redundant_elements(const struct holm_bench_figures *figures)
{
    return holm_bench_thousandths(figures->traffic.redundant_elements,
                                  figures->traffic.arrived_elements);
}

uint64_t holm_bench_redundant_bytes(const struct holm_bench_figures *figures)
{
    return holm_bench_thousandths(figures->traffic.redundant_bytes, figures->traffic.arrived_bytes);
}

uint64_t holm_bench_redundant_runs(const struct holm_bench_figures *figures)
{
    return holm_bench_thousandths(figures->traffic.redundant_runs, figures->traffic.runs);
}

uint64_t holm_bench_hours_a_second(uint64_t world_us, uint64_t wall_us)
{
    return holm_bench_thousandths(world_us, wall_us) / 3600;
}

uint64_t holm_bench_hours_a_second_of(const struct holm_bench_report *report)
{
    uint64_t world_us = 0, wall_us = 0;
    for (size_t i = 0; i < report->count; i++) {
        world_us += report->figures[i].world_us;
        wall_us += report->figures[i].wall_us;
    }
    return holm_bench_hours_a_second(world_us, wall_us);
}

uint64_t holm_bench_metadata_a_key(const struct holm_bench_figures *figures)
{
    uint64_t beyond = figures->state_bytes > figures->user_bytes
                          ? figures->state_bytes - figures->user_bytes
                          : 0;
    return holm_bench_thousandths(beyond, figures->records);
}

/* ---- failures -------------------------------------------------------------------------------- */

void holm_bench_show_failures(FILE *file, const struct holm_bench_report *report)
{
    for (size_t i = 0; i < report->count; i++) {
        const struct holm_bench_figures *figures = &report->figures[i];
        if (figures->failures == 0)
            continue;
        (void)fprintf(file, "%s: %s in %" PRIu32 " of %" PRIu32 " repetitions: %s\n",
                      figures->first.diverged ? "DIVERGED" : "WRONG", figures->scenario->name,
                      figures->failures, figures->repetitions, figures->first.why);
        (void)fprintf(file,
                      "  replay: holm bench --scenario %s --nodes %" PRIu32 " --seed %" PRIu64
                      " --repeat 1%s\n",
                      figures->scenario->name, report->nodes, figures->first.seed,
                      report->real ? " --real" : "");
    }
}

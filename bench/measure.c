/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/measure.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CLOCK_SAMPLES 1001

static uint64_t read_clock(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

uint64_t measure_now_ns(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

uint64_t measure_worked_ns(void)
{
    return read_clock(CLOCK_THREAD_CPUTIME_ID);
}

void measure_nap_us(uint64_t us)
{
    struct timespec nap = {.tv_sec = (time_t)(us / 1000000),
                           .tv_nsec = (long)(us % 1000000) * 1000};
    nanosleep(&nap, NULL);
}

double measure_clock_ns(void)
{
    struct measure_samples *samples = measure_allocate(sizeof *samples);
    samples->count = 0;
    for (int i = 0; i < CLOCK_SAMPLES; i++) {
        uint64_t before = measure_now_ns();
        measure_sample(samples, (double)(measure_now_ns() - before));
    }
    double median = measure_median(samples);
    free(samples);
    return median;
}

_Noreturn void measure_fail(const char *what)
{
    fflush(stdout);
    fprintf(stderr, "bench: not so: %s\n", what);
    exit(EXIT_FAILURE);
}

void measure_must(enum holm_status status, const char *what)
{
    if (status == HOLM_OK)
        return;
    fflush(stdout);
    fprintf(stderr, "bench: %s: %s (%s)\n", what, holm_status_name(status), holm_strerror(status));
    exit(EXIT_FAILURE);
}

void *measure_allocate(size_t size)
{
    void *memory = malloc(size);
    measure_require(memory != NULL, "there is memory");
    return memory;
}

void measure_sample(struct measure_samples *samples, double value)
{
    measure_require(samples->count < MEASURE_SAMPLES_MAX, "there is room for one more sample");
    samples->values[samples->count++] = value;
}

static int compare_doubles(const void *left, const void *right)
{
    const double *a = left;
    const double *b = right;
    return (*a > *b) - (*a < *b);
}

double measure_percentile(struct measure_samples *samples, double percent)
{
    measure_require(samples->count > 0, "something was measured");
    qsort(samples->values, samples->count, sizeof samples->values[0], compare_doubles);
    double rank = (double)(samples->count - 1) * percent / 100;
    return samples->values[(size_t)(rank + 0.5)];
}

double measure_median(struct measure_samples *samples)
{
    return measure_percentile(samples, 50);
}

/* ---- the table ------------------------------------------------------------------------------ */

static _Noreturn void usage(const char *program, int status)
{
    fprintf(status == 0 ? stdout : stderr,
            "bench_%s [--quick] [--only GROUP] [--json FILE]\n"
            "    --quick       fewer repeats of smaller things, under 20 s\n"
            "    --only GROUP  the groups whose names begin so\n"
            "    --json FILE   append every row to FILE, one object a line\n",
            program);
    exit(status);
}

static void open_json(struct measure_report *report, const char *path)
{
    report->json = fopen(path, "a");
    if (report->json != NULL)
        return;
    fprintf(stderr, "bench_%s: cannot write %s\n", report->program, path);
    exit(EXIT_FAILURE);
}

static void print_head(const struct measure_report *report)
{
    char day[32];
    time_t now = time(NULL);
    struct tm date;
    gmtime_r(&now, &date);
    strftime(day, sizeof day, "%Y-%m-%d %H:%M UTC", &date);
    printf("bench_%s, %s%s\n", report->program, day, report->quick ? ", quick" : "");
    printf("%-61s %12s %-7s %11s %10s\n", "", "median", "", "x baseline", "target");
}

void measure_report_open(struct measure_report *report, const char *program, int argc, char **argv)
{
    *report = (struct measure_report){.program = program};
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--quick") == 0)
            report->quick = true;
        else if (strcmp(argv[i], "--only") == 0 && i + 1 < argc)
            report->only = argv[++i];
        else if (strcmp(argv[i], "--json") == 0 && i + 1 < argc)
            open_json(report, argv[++i]);
        else
            usage(program, strcmp(argv[i], "--help") == 0 ? EXIT_SUCCESS : EXIT_FAILURE);
    }
    print_head(report);
}

bool measure_report_wants(struct measure_report *report, const char *group)
{
    if (report->only != NULL && strncmp(group, report->only, strlen(report->only)) != 0)
        return false;
    printf("\n%s\n", group);
    fflush(stdout);
    return true;
}

static void print_number(double value, int width)
{
    if (value >= 1000)
        printf(" %*.0f", width, value);
    else if (value >= 100)
        printf(" %*.1f", width, value);
    else
        printf(" %*.2f", width, value);
}

static void write_json(const struct measure_report *report, const char *group, const char *name,
                       const char *unit, double value, struct measure_beside beside)
{
    /* Names are this tree's own: there is nothing in them to escape. */
    fprintf(report->json,
            "{\"at\":%" PRId64 ",\"program\":\"%s\",\"quick\":%s,\"group\":\"%s\",\"row\":\"%s\","
            "\"unit\":\"%s\",\"value\":%.6g",
            (int64_t)time(NULL), report->program, report->quick ? "true" : "false", group, name,
            unit, value);
    if (beside.baseline > 0)
        fprintf(report->json, ",\"baseline\":%.6g,\"ratio\":%.4g", beside.baseline,
                value / beside.baseline);
    if (beside.target > 0)
        fprintf(report->json, ",\"target\":%.6g", beside.target);
    fprintf(report->json, "}\n");
}

void measure_row(struct measure_report *report, const char *group, const char *name,
                 const char *unit, double value, struct measure_beside beside)
{
    printf("  %-59s", name);
    print_number(value, 12);
    printf(" %-7s", unit);
    if (beside.baseline > 0)
        print_number(value / beside.baseline, 11);
    else
        printf(" %11s", "");
    if (beside.target > 0)
        print_number(beside.target, 10);
    printf("\n");
    fflush(stdout);
    if (report->json != NULL)
        write_json(report, group, name, unit, value, beside);
    report->rows += 1;
}

int measure_report_close(struct measure_report *report)
{
    bool written = true;
    if (report->json != NULL)
        written = fclose(report->json) == 0;
    if (!written)
        fprintf(stderr, "bench_%s: not all rows could be written\n", report->program);
    if (report->rows == 0)
        fprintf(stderr, "bench_%s: no group begins with %s\n", report->program,
                report->only == NULL ? "" : report->only);
    /* With --only the group may be the other program's. */
    return written ? EXIT_SUCCESS : EXIT_FAILURE;
}

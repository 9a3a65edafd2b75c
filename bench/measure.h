/* SPDX-License-Identifier: Apache-2.0 */
/*
 * measure.h - the clock, samples with their median, and the table that a benchmark prints.
 *
 *     struct measure_report report;
 *     measure_report_open(&report, "core", argc, argv);
 *     if (measure_report_wants(&report, "scan")) {
 *         ... measure_row(&report, "scan", "records, 100,000", "ns", median, baseline, 0);
 *     }
 *     return measure_report_close(&report);
 *
 * A row is an absolute figure and, beside it, the ratio to what the bare machine does with the same
 * data in the same run: on a machine that others use, too, ratios are what can be compared. A
 * benchmark checks what it made before it tells how long it took, and ends the program when
 * anything is amiss: there are no figures of work that was not done.
 */
#ifndef HOLM_BENCH_MEASURE_H
#define HOLM_BENCH_MEASURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <holm/status.h>

/* Monotonic time in ns. */
uint64_t measure_now_ns(void);
/* What this thread has worked, in ns: what others take of a shared machine is not in it. Asking costs
 * a system call. */
uint64_t measure_worked_ns(void);

void measure_nap_us(uint64_t us);

/* What a call of measure_now_ns() itself takes, for who measures single short things. */
double measure_clock_ns(void);

/* Ends the program with a line on stderr. */
_Noreturn void measure_fail(const char *what);

/* Ends the program unless the condition holds. */
static inline void measure_require(bool condition, const char *what)
{
    if (!condition)
        measure_fail(what);
}
/* … unless the status is HOLM_OK. */
void measure_must(enum holm_status status, const char *what);

/* Memory that is there, or the program ends. */
void *measure_allocate(size_t size);

/* Repeated measurements of one thing. */
#define MEASURE_SAMPLES_MAX 8192

struct measure_samples {
    double values[MEASURE_SAMPLES_MAX];
    size_t count;
};

void measure_sample(struct measure_samples *samples, double value);
/* Sorts. The value that `percent` of all do not exceed; 50 is the median. There must be some. */
double measure_percentile(struct measure_samples *samples, double percent);
double measure_median(struct measure_samples *samples);

struct measure_report {
    const char *program;
    const char *only; /* NULL: every group */
    bool quick;
    FILE *json; /* NULL: none */
    size_t rows;
};

/* Reads --quick, --only GROUP, --json FILE (rows are appended to it, one object a line) and --help;
 * ends the program on anything else. Prints the head of the table. */
void measure_report_open(struct measure_report *report, const char *program, int argc, char **argv);

/* Whether rows of this group are to be measured; if so, its title is printed. */
bool measure_report_wants(struct measure_report *report, const char *group);

/* What is beside a figure: 0 where there is none. `baseline` has the row's unit and is of this run. */
struct measure_beside {
    double baseline;
    double target;
};

/* Prints and writes one row. `unit` is what the value counts: "ns", "us", "ms", "B" and so on. */
void measure_row(struct measure_report *report, const char *group, const char *name,
                 const char *unit, double value, struct measure_beside beside);

/* The program's exit status. */
int measure_report_close(struct measure_report *report);

#endif

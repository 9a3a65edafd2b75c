/* SPDX-License-Identifier: Apache-2.0 */
/*
 * measure.h - clocks, spans of work, and samples with their median and spread.
 *
 *     struct measure_samples samples = {0};
 *     for (...) {
 *         struct measure_span span = measure_begin();
 *         ... n operations ...
 *         measure_end(&samples, &span, n);
 *     }
 *     ... measure_median(&samples) ...
 *     measure_samples_free(&samples);
 *
 * A span is counted in the thread's own time: what others take of a shared machine is not in it, but
 * for what they take of the caches. Where the kernel counts instructions for a process (virtual
 * machines often do not), a span counts those, too.
 *
 * A benchmark checks what it made before it tells how long it took, and ends the program when
 * anything is amiss: there are no figures of work that was not done.
 */
#ifndef HOLM_BENCH_MEASURE_H
#define HOLM_BENCH_MEASURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <holm/status.h>

/* Monotonic time in ns. */
uint64_t measure_now_ns(void);
/* What this thread has worked, in ns. Asking costs a system call. */
uint64_t measure_worked_ns(void);
/* Instructions of this thread since the first call; 0 where they cannot be counted. */
uint64_t measure_instructions(void);
/* Why they cannot be counted, or NULL when they are. */
const char *measure_instructions_missing(void);

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

/* Bytes that can still be had without swapping, as the kernel tells; 0 when it does not. */
uint64_t measure_memory_left(void);

/* Repeated measurements of one thing, in the order in which they were made. Starts as {0}. */
struct measure_samples {
    double *values;
    size_t count, capacity;
    double instructions; /* the sum of the spans', each by operation */
};

void measure_sample(struct measure_samples *samples, double value);
void measure_samples_free(struct measure_samples *samples);

/* The value that `percent` of all do not exceed; 50 is the median. There must be some. */
double measure_percentile(const struct measure_samples *samples, double percent);
double measure_median(const struct measure_samples *samples);
/* Half of the distance between the quartiles, in parts of the median: 0.1 is +-10%. */
double measure_spread(const struct measure_samples *samples);
/* How many times the other's: the median of the ratios in pairs, when both were measured as often
 * (one after the other, so that what slowed the one slowed the other), else the ratio of medians. */
double measure_ratio(const struct measure_samples *samples, const struct measure_samples *other);

struct measure_span {
    uint64_t ns, instructions;
};

static inline struct measure_span measure_begin(void)
{
    uint64_t instructions = measure_instructions();
    return (struct measure_span){measure_worked_ns(), instructions};
}
/* Adds what was worked since, to a span that started as {0}: for work in pieces. */
void measure_add(struct measure_span *sum, const struct measure_span *begun);
/* A sample of a sum of pieces, in ns for each of `operations`. */
void measure_sum(struct measure_samples *samples, const struct measure_span *sum,
                 size_t operations);
/* A sample of what was worked since. */
void measure_end(struct measure_samples *samples, const struct measure_span *begun,
                 size_t operations);

#endif

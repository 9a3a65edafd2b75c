/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/measure.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CLOCK_SAMPLES 1001

/* ---- clocks --------------------------------------------------------------------------------- */

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
    struct measure_samples samples = {0};
    for (int i = 0; i < CLOCK_SAMPLES; i++) {
        uint64_t before = measure_now_ns();
        measure_sample(&samples, (double)(measure_now_ns() - before));
    }
    double median = measure_median(&samples);
    measure_samples_free(&samples);
    return median;
}

/* ---- what must be so ------------------------------------------------------------------------ */

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

uint64_t measure_memory_left(void)
{
    static const char name[] = "MemAvailable:";
    unsigned long long kib = 0;
    char line[128];
    FILE *file = fopen("/proc/meminfo", "r");
    if (file == NULL)
        return 0;
    while (kib == 0 && fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, name, sizeof name - 1) == 0)
            kib = strtoull(line + sizeof name - 1, NULL, 10);
    }
    fclose(file);
    return (uint64_t)kib * 1024;
}

/* ---- samples -------------------------------------------------------------------------------- */

void measure_sample(struct measure_samples *samples, double value)
{
    if (samples->count == samples->capacity) {
        samples->capacity = samples->capacity == 0 ? 16 : samples->capacity * 2;
        samples->values = realloc(samples->values, samples->capacity * sizeof(double));
        measure_require(samples->values != NULL, "there is memory for samples");
    }
    samples->values[samples->count++] = value;
}

void measure_samples_free(struct measure_samples *samples)
{
    free(samples->values);
    *samples = (struct measure_samples){0};
}

static int compare_doubles(const void *left, const void *right)
{
    const double *a = left;
    const double *b = right;
    return (*a > *b) - (*a < *b);
}

double measure_percentile(const struct measure_samples *samples, double percent)
{
    measure_require(samples->count > 0, "something was measured");
    double *sorted = measure_allocate(samples->count * sizeof *sorted);
    memcpy(sorted, samples->values, samples->count * sizeof *sorted);
    qsort(sorted, samples->count, sizeof *sorted, compare_doubles);
    double rank = (double)(samples->count - 1) * percent / 100;
    double value = sorted[(size_t)(rank + 0.5)];
    free(sorted);
    return value;
}

double measure_median(const struct measure_samples *samples)
{
    return measure_percentile(samples, 50);
}

double measure_spread(const struct measure_samples *samples)
{
    double median = measure_median(samples);
    double between = measure_percentile(samples, 75) - measure_percentile(samples, 25);
    return median > 0 ? between / 2 / median : 0;
}

double measure_ratio(const struct measure_samples *samples, const struct measure_samples *other)
{
    if (samples->count != other->count)
        return measure_median(samples) / measure_median(other);
    struct measure_samples ratios = {0};
    for (size_t i = 0; i < samples->count; i++)
        measure_sample(&ratios, samples->values[i] / other->values[i]);
    double ratio = measure_median(&ratios);
    measure_samples_free(&ratios);
    return ratio;
}

/* ---- spans ---------------------------------------------------------------------------------- */

void measure_add(struct measure_span *sum, const struct measure_span *begun)
{
    sum->ns += measure_worked_ns() - begun->ns;
    sum->instructions += measure_instructions() - begun->instructions;
}

void measure_sum(struct measure_samples *samples, const struct measure_span *sum, size_t operations)
{
    measure_sample(samples, (double)sum->ns / (double)operations);
    samples->instructions += (double)sum->instructions / (double)operations;
}

void measure_end(struct measure_samples *samples, const struct measure_span *begun,
                 size_t operations)
{
    struct measure_span sum = {0, 0};
    measure_add(&sum, begun);
    measure_sum(samples, &sum, operations);
}

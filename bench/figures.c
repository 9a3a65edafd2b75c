/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/figures.h"

#include <stdlib.h>

#include "bench/measure.h"

static struct holm_bench_curve curve_of(const struct holm_bench_scenario *scenario)
{
    uint64_t length_us = scenario->calm_us + scenario->fault_us + HOLM_BENCH_AFTER_US;
    struct holm_bench_curve curve = {.count = length_us / HOLM_BENCH_STEP_US + 1};
    curve.sums = measure_allocate(curve.count * sizeof curve.sums[0]);
    for (size_t i = 0; i < curve.count; i++)
        curve.sums[i] = 0;
    return curve;
}

void holm_bench_figures_init(struct holm_bench_figures *figures,
                             const struct holm_bench_scenario *scenario)
{
    *figures = (struct holm_bench_figures){.scenario = scenario};
    figures->equal = curve_of(scenario);
    figures->bytes = curve_of(scenario);
}

void holm_bench_figures_release(struct holm_bench_figures *figures)
{
    free(figures->convergence.values);
    free(figures->staleness.values);
    free(figures->equal.sums);
    free(figures->bytes.sums);
    *figures = (struct holm_bench_figures){.scenario = NULL};
}

static int compare(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
    return (left > right) - (left < right);
}

static void sort(struct holm_bench_samples *samples)
{
    if (samples->count > 1)
        qsort(samples->values, samples->count, sizeof samples->values[0], compare);
}

void holm_bench_figures_finish(struct holm_bench_figures *figures)
{
    sort(&figures->convergence);
    sort(&figures->staleness);
}

void holm_bench_sample(struct holm_bench_samples *samples, uint64_t value)
{
    if (samples->count == samples->capacity) {
        samples->capacity = samples->capacity * 2 + 1024;
        samples->values = realloc(samples->values, samples->capacity * sizeof samples->values[0]);
        measure_require(samples->values != NULL, "there is memory");
    }
    samples->values[samples->count++] = value;
}

static uint64_t nearest_rank(const struct holm_bench_samples *samples, uint64_t percent)
{
    size_t rank = (size_t)((samples->count * percent + 99) / 100);
    return samples->values[rank == 0 ? 0 : rank - 1];
}

struct holm_bench_spread holm_bench_spread_of(const struct holm_bench_samples *samples)
{
    struct holm_bench_spread spread = {.count = samples->count};
    if (samples->count == 0)
        return spread;
    uint64_t sum = 0;
    for (size_t i = 0; i < samples->count; i++)
        sum += samples->values[i];
    spread.mean = sum / samples->count;
    spread.p50 = nearest_rank(samples, 50);
    spread.p99 = nearest_rank(samples, 99);
    spread.max = samples->values[samples->count - 1];
    spread.p99_known = samples->count >= HOLM_BENCH_P99_MIN;
    return spread;
}

int64_t holm_bench_curve_from_us(const struct holm_bench_scenario *scenario)
{
    return -(int64_t)(scenario->calm_us + scenario->fault_us);
}

void holm_bench_curve_add(struct holm_bench_curve *curve,
                          const struct holm_bench_scenario *scenario, int64_t at_us,
                          uint64_t amount)
{
    int64_t since_us = at_us - holm_bench_curve_from_us(scenario);
    if (since_us >= 0 && (uint64_t)since_us / HOLM_BENCH_STEP_US < curve->count)
        curve->sums[(uint64_t)since_us / HOLM_BENCH_STEP_US] += amount;
}

uint64_t holm_bench_thousandths(uint64_t amount, uint64_t of)
{
    return of == 0 ? 0 : amount / of * 1000 + amount % of * 1000 / of;
}

void holm_bench_failed(struct holm_bench_figures *figures, const struct holm_bench_failure *failure)
{
    if (figures->failures++ == 0)
        figures->first = *failure;
}

uint64_t holm_bench_bucket_us(size_t bucket)
{
    /* 100 us times 10^(i/8), in whole microseconds. */
    static const uint64_t eighths[8] = {100000, 133352, 177828, 237137,
                                        316228, 421697, 562341, 749894};
    uint64_t bound = eighths[bucket % 8];
    if (bucket + 1 >= HOLM_BENCH_BUCKETS)
        return UINT64_MAX;
    for (size_t i = 0; i < bucket / 8; i++)
        bound *= 10;
    return bound / 1000;
}

void holm_bench_bucket_count(const struct holm_bench_samples *samples, uint64_t *counts)
{
    size_t bucket = 0;
    for (size_t i = 0; i < HOLM_BENCH_BUCKETS; i++)
        counts[i] = 0;
    for (size_t i = 0; i < samples->count; i++) {
        while (samples->values[i] > holm_bench_bucket_us(bucket))
            bucket++;
        counts[bucket]++;
    }
}

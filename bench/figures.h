/* SPDX-License-Identifier: Apache-2.0 */
/*
 * figures.h - what all repetitions of a scenario came to.
 *
 *     holm_bench_figures_init(&figures, scenario);
 *     for (...) holm_bench_trial_run(..., &figures);            each adds its own
 *     holm_bench_figures_finish(&figures);                      sorts
 *     holm_bench_spread_of(&figures.convergence)                p50, p99, max
 *     holm_bench_figures_release(&figures);
 *
 * Times are whole microseconds, counts whole numbers, and ratios thousandths, rounded down: what was
 * measured in virtual time is printed alike on every machine.
 *
 * Curves are sampled every HOLM_BENCH_STEP_US, and lie so that the heal of each repetition is at time 0.
 */
#ifndef HOLM_BENCH_FIGURES_H
#define HOLM_BENCH_FIGURES_H

#include "bench/scenario.h"

#define HOLM_BENCH_STEP_US 20000
#define HOLM_BENCH_AFTER_US 3000000 /* curves go on so long after the heal */
#define HOLM_BENCH_P99_MIN 100      /* of fewer samples there is no p99 */

struct holm_bench_samples {
    uint64_t *values;
    size_t count, capacity;
};

struct holm_bench_spread {
    uint64_t count, mean, p50, p99, max;
    bool p99_known;
};

struct holm_bench_traffic {
    uint64_t messages, elements, metadata, bytes; /* sent; a broadcast once for each subscriber */
    uint64_t arrived_elements, arrived_bytes;     /* bytes of frames that carry elements */
    uint64_t redundant_elements, redundant_bytes; /* of them: what the receiver already had */
    uint64_t runs, redundant_runs; /* real: those that arrived, and those of them known before */
    uint64_t operations;           /* written */
    uint64_t changes;              /* applied at replicas that did not write them */
};

/* Sums over repetitions, at each step. */
struct holm_bench_curve {
    uint64_t *sums;
    size_t count;
};

struct holm_bench_failure {
    uint64_t seed; /* of the repetition */
    bool diverged; /* not equal in time; otherwise equal by the vectors, and wrong */
    char why[200];
};

struct holm_bench_figures {
    const struct holm_bench_scenario *scenario;
    uint32_t repetitions;
    struct holm_bench_samples convergence, staleness; /* us */
    uint64_t
        cut_off; /* writes that no longer reachable replicas had yet to show: not in staleness */
    struct holm_bench_traffic traffic;
    struct holm_bench_curve equal; /* replicas in the largest group of equal ones, in thousandths */
    struct holm_bench_curve bytes; /* sent in this step */
    uint64_t state_bytes, user_bytes, records; /* of one replica a repetition, at the end */
    uint64_t memory_max;                       /* of any node at any time */
    uint64_t memory_end;                       /* sum of a repetition's largest node at the end */
    uint64_t lost; /* real: acknowledged writes that nobody had heard of when their writer died */
    uint64_t pulls, syncs;
    uint64_t cpu_us;   /* virtual: of this process; real: of the nodes' */
    uint64_t wall_us;  /* that all of it took here */
    uint64_t world_us; /* virtual: that passed in the worlds */
    uint32_t failures;
    struct holm_bench_failure first;
};

void holm_bench_figures_init(struct holm_bench_figures *figures,
                             const struct holm_bench_scenario *scenario);
void holm_bench_figures_release(struct holm_bench_figures *figures);
/* Sorts the samples. */
void holm_bench_figures_finish(struct holm_bench_figures *figures);

void holm_bench_sample(struct holm_bench_samples *samples, uint64_t value);
/* Of sorted samples: p is the smallest value that so many percent do not exceed; the mean is rounded
 * down. {0} without any. */
struct holm_bench_spread holm_bench_spread_of(const struct holm_bench_samples *samples);

/* Adds at `at_us` from the heal on, which may be before it; outside the curve it is left out. */
void holm_bench_curve_add(struct holm_bench_curve *curve,
                          const struct holm_bench_scenario *scenario, int64_t at_us,
                          uint64_t amount);
/* When the curves of a scenario begin: at or before 0. */
int64_t holm_bench_curve_from_us(const struct holm_bench_scenario *scenario);

/* amount * 1000 / of; 0 when `of` is. */
uint64_t holm_bench_thousandths(uint64_t amount, uint64_t of);

void holm_bench_failed(struct holm_bench_figures *figures,
                       const struct holm_bench_failure *failure);

/* ---- how long reads were stale, counted ------------------------------------------------------ */

/* Eight buckets a decade, from 100 us to 100 s; the first and the last have what is beyond. */
#define HOLM_BENCH_BUCKETS 50

/* The upper bound of a bucket, in us, which belongs to it; the last has none: UINT64_MAX. */
uint64_t holm_bench_bucket_us(size_t bucket);
/* counts[HOLM_BENCH_BUCKETS] of sorted samples. */
void holm_bench_bucket_count(const struct holm_bench_samples *samples, uint64_t *counts);

#endif

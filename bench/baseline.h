/* SPDX-License-Identifier: Apache-2.0 */
/*
 * baseline.h - figures kept, and others held against them.
 *
 *     {
 *       "seed": 1,
 *       "nodes": 5,
 *       "repeat": 100,
 *       "steady.convergence_us_p50": 1190,
 *       ...
 *     }
 *
 * One whole number a line, of all of which less is better; ratios are in thousandths. What is played in
 * virtual time is exact: whatever differs was changed by somebody. But who changes the size of a frame has
 * other delays and losses drawn after it, and where a median of a hundred hangs on a jitter of a second, it
 * moves by a tenth. So times that differ by less than three standard errors of the difference of two such
 * runs are told, and not called worse. `repeat` is the most repetitions that
 * a scenario has; one that has fewer of its own keeps those.
 */
#ifndef HOLM_BENCH_BASELINE_H
#define HOLM_BENCH_BASELINE_H

#include "bench/show.h"

#define HOLM_BENCH_BASELINE_REPEAT 100
#define HOLM_BENCH_BASELINE_ENTRIES 512

struct holm_bench_entry {
    char name[80]; /* scenario.figure */
    uint64_t value;
    uint64_t chance; /* so much it may differ when other things are drawn; not in the file */
};

struct holm_bench_baseline {
    uint64_t seed;
    uint32_t nodes, repeat;
    struct holm_bench_entry entries[HOLM_BENCH_BASELINE_ENTRIES];
    size_t count;
};

/* The figures of a report that are kept. */
void holm_bench_baseline_of(const struct holm_bench_report *report, uint32_t repeat,
                            struct holm_bench_baseline *baseline);
void holm_bench_baseline_write(FILE *file, const struct holm_bench_baseline *baseline);
/* False when it is none: a line says why. */
bool holm_bench_baseline_read(FILE *file, const char *path, struct holm_bench_baseline *baseline);
/* Whether it has figures of this scenario. */
bool holm_bench_baseline_has(const struct holm_bench_baseline *baseline, const char *scenario);

/* Forgets what is not of one of these scenarios. */
void holm_bench_baseline_narrow(struct holm_bench_baseline *baseline,
                                const struct holm_bench_scenario *const *scenarios, size_t count);

/*
 * Prints what differs by more than the tolerance (and by more than a trifle; three times that for p99
 * and the maximum of convergence and the maximum of staleness, which are single samples), and how many
 * figures do. What differs by no more than chance is said to.
 * Returns how many got worse; one that is there no more counts as worse.
 */
size_t holm_bench_baseline_compare(FILE *file, const struct holm_bench_baseline *kept,
                                   const struct holm_bench_baseline *now,
                                   uint32_t tolerance_percent);

#endif

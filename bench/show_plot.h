/* SPDX-License-Identifier: Apache-2.0 */
/*
 * show_plot.h - plots as inline SVG, whose colours the page's style sheet gives.
 *
 *     curve     replicas that are equal, or bytes, over time; the fault is shaded, 0 is the heal
 *     tail      how many of all reads were staler than so; both axes logarithmic
 *     spreads   a bar a scenario from p50 to p99, a tick at the maximum; logarithmic
 */
#ifndef HOLM_BENCH_SHOW_PLOT_H
#define HOLM_BENCH_SHOW_PLOT_H

#include "bench/show.h"

void holm_bench_plot_equal(FILE *file, const struct holm_bench_figures *figures);
void holm_bench_plot_bytes(FILE *file, const struct holm_bench_figures *figures);
void holm_bench_plot_tail(FILE *file, const struct holm_bench_figures *figures);

enum holm_bench_times {
    HOLM_BENCH_CONVERGENCE = 1,
    HOLM_BENCH_STALENESS = 2
};
void holm_bench_plot_spreads(FILE *file, const struct holm_bench_report *report,
                             enum holm_bench_times which);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trial.h - one repetition of a scenario in virtual time.
 *
 *     form     all nodes start and find each other; what is there before is written
 *     calm     every node writes
 *     fault    the same, while things break
 *     heal     a last write of each node; when all living replicas are equal, it has converged
 *     after    three seconds from the heal on, for the curves
 *     check    contents are read and compared key by key
 *
 * Everything is drawn from the seed; the same seed gives the same figures, in any process.
 *
 * Counting: what is sent counts from the begin of calm until convergence; a broadcast once for each
 * subscriber, each frame with the four bytes of its length; elements and metadata as sim/tally.h says.
 * An element is redundant when its dot is covered by the receiver's vector, or has come in this life
 * before. A frame's bytes are spread evenly over its elements. A write is stale at another replica until
 * that one's vector covers it, to the microsecond; it counts as long as there is a way, through whomever,
 * between the two, and so from its commit on.
 */
#ifndef HOLM_BENCH_TRIAL_H
#define HOLM_BENCH_TRIAL_H

#include "bench/figures.h"

#define HOLM_BENCH_NODES_MAX 100

/* Settings, which the files tell. A node's mean between writes; writes to counters, of ten. */
#define HOLM_BENCH_PARTITIONS 16
#define HOLM_BENCH_WRITE_EVERY_US 20000
#define HOLM_BENCH_KEYS 200
#define HOLM_BENCH_COUNTED_OF_TEN 3
#define HOLM_BENCH_DELAY_US 1000
#define HOLM_BENCH_JITTER_US 200
#define HOLM_BENCH_BYTES_PER_S 125000000

/* Adds to the figures, a failure included. `nodes` is at least the scenario's least. */
void holm_bench_trial_run(const struct holm_bench_scenario *scenario, uint32_t nodes, uint64_t seed,
                          struct holm_bench_figures *figures);

#endif

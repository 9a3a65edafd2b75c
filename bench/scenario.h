/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scenario.h - what the convergence benchmark does to a cluster, by name.
 *
 *     calm ........ fault ........ heal ......... equal
 *     writes        writes         none           convergence: from the heal to here
 *
 * docs/BENCHMARKS.md tells each scenario's workload and faults in words.
 */
#ifndef HOLM_BENCH_SCENARIO_H
#define HOLM_BENCH_SCENARIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum holm_bench_fault {
    HOLM_BENCH_NONE = 0,
    HOLM_BENCH_CRASH = 1,  /* a node dies, and comes back from its disk */
    HOLM_BENCH_SPLIT = 2,  /* into `parts` that hear nothing of each other */
    HOLM_BENCH_ONEWAY = 3, /* one node is not heard by another; the cut stays */
    HOLM_BENCH_LOSS = 4,   /* of 10% everywhere, and stays */
    HOLM_BENCH_CHURN = 5,  /* nodes leave, others come in their place */
    HOLM_BENCH_BOMB = 6,   /* a node dies, and comes back with nothing */
    HOLM_BENCH_JOIN = 7,   /* a node comes with nothing to a cluster that holds `records` */
    HOLM_BENCH_FLAP = 8    /* a node is cut off and heard again, again and again */
};

struct holm_bench_scenario {
    const char *name;
    const char *about;     /* a few words */
    const char *from;      /* what convergence counts from */
    const char *meanwhile; /* what lasts until then; NULL: nothing does */
    enum holm_bench_fault fault;
    uint64_t calm_us, fault_us;
    uint32_t parts;
    uint32_t records; /* that are there before */
    uint32_t nodes_min;
    uint32_t repeat; /* so many repetitions, unless told */
    uint32_t repeat_real;
};

/* The last has no name. */
extern const struct holm_bench_scenario holm_bench_scenarios[];

/* By the first `length` bytes of `name`; NULL: there is none. */
const struct holm_bench_scenario *holm_bench_scenario_find(const char *name, size_t length);

#endif

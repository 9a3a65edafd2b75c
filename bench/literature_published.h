/* SPDX-License-Identifier: Apache-2.0 */
/*
 * literature_published.h - what the authors measured, and how far a reference may be from it.
 *
 * Of each case the elements and metadata that BP+RR sent, and how many times that the others sent, from
 * the authors' archive of 2018. Ours differ for three reasons:
 *     - the archive is of one run on real machines, whose nodes' phases are unknown
 *     - what is sent each second whether needed or not (state, Scuttlebutt's matrices) depends on how long
 *       a run goes on after the last update; a second of full states is 2% of all
 *     - real timers drift, so that now and then two updates fall between two synchronisations, and a GMap's
 *       are then joined; ours never do
 */
#ifndef HOLM_BENCH_LITERATURE_PUBLISHED_H
#define HOLM_BENCH_LITERATURE_PUBLISHED_H

#include "bench/literature_world.h"

#define LITERATURE_TYPES 6
#define LITERATURE_CASES (2 * LITERATURE_TYPES)

struct literature_published {
    enum literature_type type;
    uint32_t percent;
    const char *name;
    uint64_t elements[2];                    /* of BP+RR: on the tree, on the mesh */
    double ratios[2][LITERATURE_STRATEGIES]; /* to that, in the order of literature_strategies */
};

extern const struct literature_published literature_published[LITERATURE_TYPES];

/* How far off a ratio (of BP+RR: the number) may be: 0.03 is 3%. */
double literature_published_tolerance(size_t strategy);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pair.h - two replicas that talk to each other in frames, without a network between them.
 *
 *     left  --[frame][frame]-->  right
 *     left  <--[frame]---------  right
 *
 * What a step puts out is encoded at once and lies in a queue until the other side decodes it. When
 * nothing is on its way, time goes on to the next wake-up. So whatever the replicas choose to come
 * to the same state by is measured as a node would do it: pulling runs, or comparing states.
 */
#ifndef HOLM_BENCH_PAIR_H
#define HOLM_BENCH_PAIR_H

#include "bench/bare.h"
#include "bench/measure.h"

/* What it took to bring both to the same state. */
struct pair_cost {
    double steps_ms; /* both replicas */
    double codec_ms; /* both ways */
    size_t frames, bytes;
    uint64_t waited_us; /* of the replicas' time: nothing was to be done */
};

/* Introduces both to each other, lets each tell its beacon, and goes on until their digests and
 * vectors are equal; then they part again. The program ends when that takes too long. */
struct pair_cost pair_reconcile(struct holm_replica *left, struct holm_replica *right);

#endif

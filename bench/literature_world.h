/* SPDX-License-Identifier: Apache-2.0 */
/*
 * literature_world.h - runs of a case: the reference strategies in virtual time, and who else takes part.
 *
 * Everything counts that is sent until the run ends, and it ends as the authors' runs do: from its
 * last update on, each node looks every two seconds whether it has all; when all nodes have found so,
 * it is over. "All" is, after the last update, the join of what the living have.
 *
 * A lost message is one that nobody gets; it was sent, and counts. A bombed node is silent for two
 * seconds, its neighbours know it and send it nothing; then it is another life with an empty state.
 */
#ifndef HOLM_BENCH_LITERATURE_WORLD_H
#define HOLM_BENCH_LITERATURE_WORLD_H

#include "bench/literature_strategy.h"

#define LITERATURE_CHECK_US (2 * LITERATURE_SECOND_US)
#define LITERATURE_LIMIT_US (300 * (uint64_t)LITERATURE_SECOND_US) /* after the last update */

#define LITERATURE_FRAME_TYPES 32

struct literature_result {
    struct literature_cost cost;
    uint64_t payload_bytes; /* holm: of runs and their like alone */
    uint64_t packed_bytes;  /* BP+RR, when nothing goes wrong: did its links pack as holm's do */
    bool converged; /* all were equal in time, and nothing that a living node wrote is missing */
    uint64_t converged_us; /* after the last update */
    uint64_t ended_us;     /* after the last update */
    uint64_t
        rejoined_us; /* bombs: the longest from a return until it has all that was there then */
    uint32_t state_elements;                               /* at the end */
    struct literature_cost frames[LITERATURE_FRAME_TYPES]; /* holm: by the message's type */
};

/* Who can run a case: a reference strategy, or holm. */
struct literature_contender {
    const char *name;
    const struct literature_strategy *strategy; /* of references */
    struct literature_result (*run)(const struct literature_contender *contender,
                                    const struct literature_case *script);
};

struct literature_result literature_world_run(const struct literature_contender *contender,
                                              const struct literature_case *script);

#endif

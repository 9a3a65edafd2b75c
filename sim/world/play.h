/* SPDX-License-Identifier: Apache-2.0 */
/*
 * play.h - plays a plan in a world, before a judge.
 *
 *     0 .......... safety .......... heal ..... converged ..... quiet rounds ..... end
 *       faults and operations            within bound_us      nothing may move
 */
#ifndef HOLM_SIM_WORLD_PLAY_H
#define HOLM_SIM_WORLD_PLAY_H

#include <stdio.h>

#include "sim/world/checker.h"
#include "sim/world/plan.h"

struct holm_play_options {
    FILE *trace;      /* lines of all that happens (docs/SIMULATION.md), or NULL */
    const char *only; /* the one claim that is checked; NULL: all */
};

struct holm_play_result {
    struct holm_verdict verdict;
    uint64_t hash;         /* of everything that happened */
    uint64_t converged_us; /* from the heal on */
    uint64_t virtual_us;   /* how long the story was */
    uint64_t operations, commits, refused;
    uint64_t frames, bytes; /* sent, a broadcast once */
    uint64_t lives, pulls, syncs;
    size_t heap_peak; /* of any node */
    uint64_t drives, looks, audits;
    /* With retention `stable`, of lives that went on to the end: */
    uint64_t collected, folded, replaced;
    uint64_t left, unheard; /* for good; of those, whose peers had not all hung up */
    uint64_t forgotten;     /* by an operator, when all had healed that will */
    uint64_t waiting;       /* tombstones of the core that the rest keeps from being collected */
    struct holm_world_readings readings;
    bool stuck; /* nobody was left who could go on: an operator would have to say who does */
    bool
        blind; /* one that was forgotten wrote on what was revived there: not all could be judged */
};

/* The result's verdict is whole; all memory is freed, unless the core's own assertions end it all. */
void holm_play(const struct holm_plan *plan, const struct holm_play_options *options,
               struct holm_play_result *result);

#endif

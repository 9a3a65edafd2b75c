/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verdict.h - did the cities keep what they promised? Computed from the ledger alone.
 *
 * A *survivor* is a life that was never killed and has given a whole dump. A report binds only while
 * the memory behind it lives: what a city had seen and lost with its own death nobody promised to
 * keep.
 *
 *     a line binds         a survivor's final vector covers its dot, or a survivor of another city
 *                          than the writer's has reported it seen
 *     lost_acknowledged    lines reported seen by a survivor of another city, and missing: not
 *                          covered by some survivor's final vector; or a hero's creation that is
 *                          covered and binds, whose hero is neither buried nor to be found; or
 *                          heroes whose burial binds, and whom some survivor does not hold buried
 *     resurrected          heroes that a binding line buried, and that are alive anywhere
 *     counter_errors       living heroes whose health is not 100 plus the boosts minus the damage of
 *                          all binding lines
 *
 * And four that must never happen whatever the weather:
 *     reused_dots          lines that name a dot that another line names
 *     unjournaled          operations that a final vector covers and no line tells of
 *     unexplained          living heroes that no binding line created, and buried ones that none
 *                          buried
 *     disagreements        heroes that two survivors with equal vectors show differently, or that one
 *                          of them holds buried and the other does not
 *
 * `agreed` says that all survivors have equal vectors and digests. Without it the counts above may
 * blame what is merely not there yet.
 */
#ifndef HOLM_SIM_CITY_VERDICT_H
#define HOLM_SIM_CITY_VERDICT_H

#include "sim/city/ledger.h"

struct holm_verdict {
    bool agreed;
    uint64_t survivors;
    uint64_t operations; /* lines of operations, in all lives */
    uint64_t binding;
    uint64_t perished; /* lines that do not bind: all who had seen them died */
    uint64_t lost_acknowledged;
    uint64_t resurrected;
    uint64_t counter_errors;
    uint64_t reused_dots;
    uint64_t unjournaled;
    uint64_t unexplained;
    uint64_t disagreements;
};

/* O(n log n) in lines, O(places * survivors). HOLM_ENOMEM: *verdict is of no use. */
HOLM_NODISCARD enum holm_status holm_verdict_compute(const struct holm_ledger *ledger,
                                                     struct holm_verdict *verdict);

/* Agreed, at least one survivor, and every count of a fault is 0. */
bool holm_verdict_clean(const struct holm_verdict *verdict);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reporter.h - tells the parent what a city's replica holds: what is new of it, or all.
 */
#ifndef HOLM_SIM_CITY_REPORTER_H
#define HOLM_SIM_CITY_REPORTER_H

#include "sim/city/actor.h"
#include "sim/city/scribe.h"

/* The vector of one partition as it was reported last. */
struct holm_reporter_vector {
    struct holm_dot *entries;
    size_t count, capacity;
};

struct holm_reporter {
    struct holm_node *node;                /* borrowed */
    const struct holm_city_actor *actor;   /* borrowed */
    struct holm_reporter_vector *reported; /* one a partition */
    struct holm_reporter_vector fresh;     /* being read */
    uint32_t partitions;
    struct holm_journal_report last;
    uint64_t cuts; /* set by the owner: peers cut off on purpose */
};

/* HOLM_ENOMEM. Node and actor must outlive it. */
HOLM_NODISCARD enum holm_status holm_reporter_init(struct holm_reporter *reporter,
                                                   struct holm_node *node,
                                                   const struct holm_city_actor *actor);
void holm_reporter_release(struct holm_reporter *reporter);

/*
 * Writes a `seen` line for every vector entry that has changed, then a `report`; nothing when
 * nothing has changed and `anyway` is false. O(vector entries). HOLM_ENOMEM: part of the lines may
 * be written, each of them true.
 */
HOLM_NODISCARD enum holm_status holm_reporter_report(struct holm_reporter *reporter,
                                                     struct holm_scribe *scribe, bool anyway);

/*
 * Writes the dump: `final` for every entry, `alive` for every living hero, `buried` for those of the
 * first `heroes` heroes of the story with this seed that the replica refuses for good, and `end`.
 */
HOLM_NODISCARD enum holm_status holm_reporter_dump(struct holm_reporter *reporter,
                                                   struct holm_scribe *scribe, uint64_t seed,
                                                   uint32_t heroes);

#endif

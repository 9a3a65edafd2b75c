/* SPDX-License-Identifier: Apache-2.0 */
/*
 * holdback.h - runs that came before what they follow on.
 *
 * Sorted by (actor, first), bounded by bytes. Holding is a convenience: whatever is dropped here
 * can be pulled again, so dropping is always safe.
 */
#ifndef HOLM_CRDT_HOLDBACK_H
#define HOLM_CRDT_HOLDBACK_H

#include "crdt/actors.h"

struct holm_held {
    struct holm_delta *delta; /* one reference */
    uint64_t doomed_us; /* when it is dropped; HOLM_NEVER while its writer's epoch is the present */
};

struct holm_holdback {
    struct holm_allocator allocator;
    struct holm_held *held;
    size_t count, capacity;
    size_t bytes;
    size_t bytes_max;
    uint64_t dropped;
};

void holm_holdback_init(struct holm_holdback *holdback, const struct holm_allocator *allocator,
                        size_t bytes_max);
void holm_holdback_release(struct holm_holdback *holdback);

/* Holds a run, taking one reference; a run that is held already is ignored. HOLM_ENOMEM; HOLM_ELIMIT
 * when it would pass the bound (counted). O(held). */
HOLM_NODISCARD enum holm_status holm_holdback_add(struct holm_holdback *holdback,
                                                  struct holm_delta *delta, uint64_t doomed_us);

/* The next run of its actor that can be applied to `actors`, or NULL. It stays held until
 * holm_holdback_purge(), but is not given again once `actors` cover it.
 * O(actors that hold runs, log held). */
struct holm_delta *holm_holdback_ready(const struct holm_holdback *holdback,
                                       const struct holm_actors *actors);

/* Drops a run that is held, which is counted. O(held). */
void holm_holdback_drop(struct holm_holdback *holdback, const struct holm_delta *delta);

/* Drops every run that the vector covers, and every doomed one whose time has come. Returns how
 * many doomed ones went. */
size_t holm_holdback_purge(struct holm_holdback *holdback, const struct holm_actors *actors,
                           uint64_t now_us);

/* Dooms the runs of all epochs of the actor's node before the actor's. */
void holm_holdback_doom(struct holm_holdback *holdback, struct holm_actor actor,
                        uint64_t doomed_us);

/* The earliest time at which a doomed run goes, or HOLM_NEVER. */
uint64_t holm_holdback_wake(const struct holm_holdback *holdback);

#endif

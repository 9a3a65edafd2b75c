/* SPDX-License-Identifier: Apache-2.0 */
/*
 * origins.h - in place of what a node's operations were written anew (replica_remint.h).
 *
 *     N wrote  e1:1 (+5)                        A has it
 *     it comes back by replacement, to those who have not:    e2:1 (+5)      { e2:1 of e1, 0..1 }
 *     those turn out to be lost to A, and N comes back there: e1:1 is there, so e2:1 is not written again
 *
 * A copy is there when what it stands for is there, directly or as another copy of it. What is behind a copy's
 * last operation is not a copy.
 *
 * Rows are of one node and one partition, in the order in which they were added. They are never of
 * no use for certain, since a state of before may turn up at any time, so they are bounded: the oldest goes first. Stored beside the state that the copies are in.
 *
 * Invariants, verified by holm_origins_check():
 *     N1  a copy has operations, and stands for some: of another epoch of the same node
 *     N2  there are at most HOLM_ORIGINS_MAX
 */
#ifndef HOLM_CRDT_ORIGINS_H
#define HOLM_CRDT_ORIGINS_H

#include "crdt/vector.h"

#define HOLM_ORIGINS_MAX 64

/* What of the operations that copies stand for is there. */
enum holm_origins_part {
    HOLM_ORIGINS_NONE = 0,
    HOLM_ORIGINS_SOME = 1,
    HOLM_ORIGINS_ALL = 2
};

struct holm_origin {
    struct holm_dot copy;         /* operations 1..seq of this epoch were written ... */
    struct holm_actor of;         /* ... in place of what this one wrote, ... */
    uint64_t after, last;         /* ... behind `after`, up to `last` */
    enum holm_origins_part there; /* by the last holm_origins_look() */
};

struct holm_origins {
    struct holm_allocator allocator;
    struct holm_origin *rows;
    size_t count, capacity;
};

void holm_origins_init(struct holm_origins *origins, const struct holm_allocator *allocator);
void holm_origins_release(struct holm_origins *origins);

/* HOLM_EMALFORMED: against N1; HOLM_ENOMEM. Nothing has changed then. O(1), O(rows) when the oldest goes. */
HOLM_NODISCARD enum holm_status holm_origins_add(struct holm_origins *origins,
                                                 const struct holm_origin *origin);

/* Holds all rows against a state, of which `seq` says how far it has an epoch's operations. O(rows squared). */
void holm_origins_look(struct holm_origins *origins,
                       uint64_t (*seq)(void *context, struct holm_actor actor), void *context);

/* By the last look, what of the copies of this epoch is there, and up to which operation it wrote copies; NONE and
 * 0 if it wrote none. O(rows). */
enum holm_origins_part holm_origins_there(const struct holm_origins *origins,
                                          struct holm_actor actor, uint64_t *last);

/* N1 and N2. */
void holm_origins_check(const struct holm_origins *origins);

#endif

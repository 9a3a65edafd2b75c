/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vector.h - a version vector that stands by itself, with folded epochs.
 *
 *     A.e3:FOLDED  A.e4:12  B.e1:4      everything that A wrote in its epochs up to e3, A.e4 1 to 12,
 *                                       B.e1 1 to 4, nothing else
 *
 * A node gets a new epoch at every start, so a plain vector grows with every crash. An epoch that has
 * ended, and of which every member has the same, is folded: the entry of one epoch then stands for it
 * and all epochs of its node before it. (stable.h says when that may be done.) What the last seq of
 * each folded epoch was is in the `lasts`, which members.h keeps: a plain sorted array, one entry an
 * epoch, empty where nothing is ever folded.
 *
 * Reports, collected frontiers (S) and cuts carry such vectors; actors.h is the form that a replica
 * works with.
 *
 * Invariants, verified by holm_vector_check():
 *     V1  entries are sorted by actor, without repeats
 *     V2  no entry is zero
 *     V3  at most one entry a node is FOLDED, and it is the node's first
 */
#ifndef HOLM_CRDT_VECTOR_H
#define HOLM_CRDT_VECTOR_H

#include "crdt/delta.h"

/* In place of a seq: all of this epoch and of all epochs of its node before it. */
#define HOLM_SEQ_FOLDED UINT64_MAX

struct holm_vector {
    struct holm_allocator allocator;
    struct holm_dot *entries;
    size_t count, capacity;
};

void holm_vector_init(struct holm_vector *vector, const struct holm_allocator *allocator);
void holm_vector_release(struct holm_vector *vector);

static inline struct holm_vector_view holm_vector_view(const struct holm_vector *vector)
{
    struct holm_vector_view view = {vector->entries, vector->count};
    return view;
}

/* Empties it; the memory stays. */
void holm_vector_clear(struct holm_vector *vector);

/* The actor's entry: a seq, 0 for none, HOLM_SEQ_FOLDED when its epoch is folded. O(log entries). */
uint64_t holm_vector_seq(struct holm_vector_view view, struct holm_actor actor);

/* Whether the dot is in. O(log entries). */
static inline bool holm_vector_has(struct holm_vector_view view, struct holm_dot dot)
{
    return dot.seq <= holm_vector_seq(view, dot.actor);
}

/* The highest folded epoch of a node, or zero. O(log entries). */
struct holm_epoch holm_vector_floor(struct holm_vector_view view, struct holm_node_id node);

/*
 * Whether `a` has all that `b` has. Where `b` has folded an epoch and `a` has not, `lasts` tell what
 * there was: without an entry for that epoch the answer is no. Where `a` has folded and `b` names
 * more than there was, the answer is no: that was never replicated. O(entries log (entries + lasts)).
 */
bool holm_vector_covers(struct holm_vector_view a, struct holm_vector_view b,
                        struct holm_vector_view lasts);

/* All of these: HOLM_ENOMEM, and the vector is as it was. Views are borrowed for the call and must
 * not be of the target. O(entries). */

/* target := source. */
HOLM_NODISCARD enum holm_status holm_vector_assign(struct holm_vector *target,
                                                   struct holm_vector_view source);
/* The actor's entry := the larger of it and `seq` > 0. */
HOLM_NODISCARD enum holm_status holm_vector_raise(struct holm_vector *target,
                                                  struct holm_actor actor, uint64_t seq);
/* target := what either has; what both have. Folded is more than any seq. */
HOLM_NODISCARD enum holm_status holm_vector_join(struct holm_vector *target,
                                                 struct holm_vector_view source);
HOLM_NODISCARD enum holm_status holm_vector_meet(struct holm_vector *target,
                                                 struct holm_vector_view source);

/*
 * The sum over every (actor, seq) ever, folded or not: equal for equal sets of operations, whoever
 * has folded what. Without an entry in `lasts` for what is folded the sum is another.
 */
uint64_t holm_vector_hash(struct holm_vector_view view, struct holm_vector_view lasts,
                          uint64_t seed);
/* One entry's share of that sum; of seq 0 it is 0. */
uint64_t holm_vector_term(struct holm_dot entry, uint64_t seed);

/* A sum over the folded entries alone: equal where the same is folded, 0 where nothing is. */
uint64_t holm_vector_folds(struct holm_vector_view view, uint64_t seed);

/* V1 to V3, of what comes from outside. */
bool holm_vector_valid(struct holm_vector_view view);
void holm_vector_check(const struct holm_vector *vector);

#endif

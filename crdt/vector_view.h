/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vector_view.h - the vector of a replica as it travels: in pulls, cuts, deps and snapshots.
 *
 *     A.0:sum A.e3:FOLDED  A.e4:12  B.e1:4      all that A wrote in its epochs up to e3, A.e4 1 to 12,
 *                                               B.e1 1 to 4, nothing else
 *
 * What is folded (actors.h) is two entries: of what there was, the sum of the terms in the hash, under the node's
 * epoch 0, which nobody writes under; then the epoch up to which. So a reader who has folded less, or
 * nothing, can tell whether it has all of it: its own terms must give the sum. And its hash stays right
 * when it takes the fold over.
 *
 * Views are sorted by actor and valid, where nothing else is said.
 */
#ifndef HOLM_CRDT_VECTOR_VIEW_H
#define HOLM_CRDT_VECTOR_VIEW_H

#include "crdt/vector.h"

/* Whether the view is sorted by actor, without repeats and zeros, and HOLM_SEQ_FOLDED stands behind a
 * node's epoch 0, always and nowhere else. */
bool holm_vector_view_valid(struct holm_vector_view view);

/* The view's entry for an actor, or 0; HOLM_SEQ_FOLDED, when it folds its epoch, and for the epoch 0 that
 * the fold is under. O(log view). */
uint64_t holm_vector_view_seq(struct holm_vector_view view, struct holm_actor actor);

/* The highest folded epoch of a node, or 0. O(log view). */
uint64_t holm_vector_view_floor(struct holm_vector_view view, struct holm_node_id node);

/* The sum of the terms of all that the view has of a node up to this epoch, which must not be below the
 * folded one. O(log view + entries of the node). */
uint64_t holm_vector_view_sum(struct holm_vector_view view, struct holm_actor upto, uint64_t seed);

/* Whether the view has all that `sum` is the sum of. As above. */
bool holm_vector_view_has_fold(struct holm_vector_view view, struct holm_actor upto, uint64_t sum,
                               uint64_t seed);

/* The hash of R whose vector this is, folded or not (actors.h, A3). O(view). */
uint64_t holm_vector_view_hash(struct holm_vector_view view, uint64_t seed);

/* Whether a has all that b has. O(b log a), and O(a) a node for what b has folded and a has not. */
bool holm_vector_view_covers(struct holm_vector_view a, struct holm_vector_view b, uint64_t seed);

/* A sum of terms as an entry can carry it: what would be no entry, or a fold's mark, is the next to it. */
static inline uint64_t holm_vector_fold_sum(uint64_t sum)
{
    if (sum == 0)
        return 1;
    return sum == HOLM_SEQ_FOLDED ? HOLM_SEQ_FOLDED - 1 : sum;
}

#endif

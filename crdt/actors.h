/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actors.h - the version vector of a replica, with the actors numbered.
 *
 *     index   0     1     2     3       cells, counter entries and tombstones name actors by index
 *     actor   A.e4  B.e7  A.e2  A.0
 *     seq     40    12    all   sum     R: what has been applied; 0 is "no entry"
 *     floor   35    0     all   e3      runs up to here are no longer in the op log
 *
 * Where S folds epochs of a node (stable.h), so does R: one row under the node's epoch 0 stands for all that
 * it wrote up to the epoch in its `floor`, and its `seq` is the sum of their terms in the hash, which
 * folding does not change. That sum also tells whether somebody else has all of it: it is the sum over
 * what a member had when all had the same, so that nothing but the same gives it. Rows of folded epochs
 * stay only as names, while an index is in use, and cover everything (HOLM_SEQ_FOLDED).
 *
 * As it travels a fold is two entries (vector_view.h).
 *
 * Indices are given at first sight, and stay until holm_actors_drop() or holm_actors_compact(). They differ
 * between replicas, so whatever leaves a replica names actors in full.
 *
 * Invariants, of which holm_actors_check() verifies A1 to A3 and A5:
 *     A1  `sorted` names the rows that are not vacant, in the order of the actors, without repeats
 *     A2  floor <= seq, but under an epoch 0
 *     A3  hash is the sum over all entries with seq > 0, and over all folds
 *     A4  exactly the actors whose seq changed since the last holm_actors_told() are marked; a fold, when
 *         anything of it has
 *     A5  a row is HOLM_SEQ_FOLDED exactly when its node's fold reaches to its epoch
 */
#ifndef HOLM_CRDT_ACTORS_H
#define HOLM_CRDT_ACTORS_H

#include "crdt/vector_view.h"

#define HOLM_ACTOR_NONE UINT32_MAX

struct holm_actor_row {
    struct holm_actor actor;
    uint64_t seq;   /* of an epoch 0: the fold's sum; 0: no fold */
    uint64_t floor; /* of an epoch 0: the epoch up to which all is folded */
    bool changed;   /* since this node's last run told of it */
    bool vacant;    /* the next actor that comes gets it */
};

struct holm_actors {
    struct holm_allocator allocator;
    struct holm_actor_row *rows; /* by index */
    uint32_t *sorted;
    size_t count; /* of rows, vacant ones too: all indices are below */
    size_t known; /* of `sorted` */
    size_t rows_capacity, sorted_capacity;
    size_t count_max;
    size_t entries; /* of the vector as it travels */
    size_t folds;   /* nodes of which epochs are folded */
    size_t named;   /* rows of folded epochs */
    uint64_t seed;
    uint64_t hash; /* additive, of (actor, seq) */
};

void holm_actors_init(struct holm_actors *actors, const struct holm_allocator *allocator,
                      uint64_t seed, size_t count_max);
void holm_actors_release(struct holm_actors *actors);

/* The index of an actor, or HOLM_ACTOR_NONE. O(log actors). */
uint32_t holm_actors_find(const struct holm_actors *actors, struct holm_actor actor);

/* Where in `sorted` a row in use is: around it are its node's others. O(log actors). */
size_t holm_actors_place(const struct holm_actors *actors, uint32_t index);

/* The index of an actor, which gets one if it has none; of a folded epoch, as a name. HOLM_ENOMEM;
 * HOLM_ELIMIT: there are count_max. O(log actors), O(actors) for a new one. */
HOLM_NODISCARD enum holm_status holm_actors_intern(struct holm_actors *actors,
                                                   struct holm_actor actor, uint32_t *index);

/* Gives the row of an actor of which R has nothing to another, which has none. False, and nothing is changed: R has
 * something of it, or the other has a row or is folded. O(actors). */
bool holm_actors_rename(struct holm_actors *actors, uint32_t index, struct holm_actor actor);

/* What R has of it: all, when it is folded; so also of a fold itself. */
static inline uint64_t holm_actors_seq(const struct holm_actors *actors, uint32_t index)
{
    HOLM_ASSERT(index < actors->count);
    const struct holm_actor_row *row = &actors->rows[index];
    return row->actor.epoch.value == 0 && row->seq > 0 ? HOLM_SEQ_FOLDED : row->seq;
}

/* What R has of an actor, which need not have an index: HOLM_SEQ_FOLDED, when its epoch is folded.
 * O(log actors). */
uint64_t holm_actors_seq_of(const struct holm_actors *actors, struct holm_actor actor);

/* R[index] := seq, which must not be below what it was. */
void holm_actors_raise(struct holm_actors *actors, uint32_t index, uint64_t seq);

/* The highest folded epoch of a node, or 0. O(log actors). */
uint64_t holm_actors_floor(const struct holm_actors *actors, struct holm_node_id node);

/* The sum of the terms of all that R has of a node up to this epoch, which must not be below the folded
 * one. Never 0 or HOLM_SEQ_FOLDED. O(log actors + rows of the node). */
uint64_t holm_actors_sum(const struct holm_actors *actors, struct holm_actor upto);

/* Folds a node's epochs up to this one, of which `sum` is all there is: what R has, or more. The node's epoch
 * 0 must have an index. Cannot fail. O(log actors + rows of the node). */
void holm_actors_fold(struct holm_actors *actors, struct holm_actor upto, uint64_t sum);

/* Takes the row of a folded epoch away: its index is no longer in use anywhere. O(actors). */
void holm_actors_drop(struct holm_actors *actors, uint32_t index);
/* Whether so much room is left over that it is worth while to change indices. */
bool holm_actors_sparse(const struct holm_actors *actors);
/* Moves rows into vacant places and gives the memory behind them back, if that can be. indices[old] :=
 * new, in the same order, HOLM_ACTOR_NONE for what is vacant; whoever holds an index must change it. O(actors). */
void holm_actors_compact(struct holm_actors *actors, uint32_t *indices);

/* Takes all marks away. */
void holm_actors_told(struct holm_actors *actors);

/* Copies the entries with seq > 0, sorted by actor, folds as two; `only_changed` those that are marked;
 * `except` is left out (HOLM_ACTOR_NONE: nobody). Returns how many there are, copies at most `capacity`. */
size_t holm_actors_copy(const struct holm_actors *actors, bool only_changed, uint32_t except,
                        struct holm_dot *entries, size_t capacity);

/* Whether this vector covers all of the view's entries. O(view log actors), and O(rows of the node) for
 * what the view has folded and this has not. */
bool holm_actors_cover(const struct holm_actors *actors, struct holm_vector_view view);

/* A1 to A3, and A5. */
void holm_actors_check(const struct holm_actors *actors);

#endif

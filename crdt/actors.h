/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actors.h - the version vector of a replica, with the actors numbered.
 *
 *     index   0     1     2            cells, counter entries and tombstones name actors by index
 *     actor   A.e1  B.e7  A.e2
 *     seq     40    12    3            R: what has been applied; 0 is "no entry"
 *     floor   35    0     0            runs up to here are no longer in the op log
 *
 * Indices are given in the order of first sight and stay for the life of the replica. They differ
 * between replicas, so whatever leaves a replica names actors in full.
 *
 * Invariants, of which holm_actors_check() verifies A1 to A3:
 *     A1  `sorted` is a permutation of the indices, in the order of the actors, without repeats
 *     A2  floor <= seq
 *     A3  hash is the sum over all entries with seq > 0
 *     A4  exactly the actors whose seq changed since the last holm_actors_told() are marked
 */
#ifndef HOLM_CRDT_ACTORS_H
#define HOLM_CRDT_ACTORS_H

#include "crdt/delta.h"

#define HOLM_ACTOR_NONE UINT32_MAX

struct holm_actor_row {
    struct holm_actor actor;
    uint64_t seq;
    uint64_t floor;
    bool changed; /* since this node's last run told of it */
};

struct holm_actors {
    struct holm_allocator allocator;
    struct holm_actor_row *rows; /* by index */
    uint32_t *sorted;
    size_t count;
    size_t rows_capacity, sorted_capacity;
    size_t count_max;
    size_t entries; /* rows with seq > 0 */
    uint64_t seed;
    uint64_t hash; /* additive, of (actor, seq) */
};

void holm_actors_init(struct holm_actors *actors, const struct holm_allocator *allocator,
                      uint64_t seed, size_t count_max);
void holm_actors_release(struct holm_actors *actors);

/* The index of an actor, or HOLM_ACTOR_NONE. O(log actors). */
uint32_t holm_actors_find(const struct holm_actors *actors, struct holm_actor actor);

/* The index of an actor, which gets one if it has none. HOLM_ENOMEM; HOLM_ELIMIT: there are
 * count_max. O(log actors), O(actors) for a new one. */
HOLM_NODISCARD enum holm_status holm_actors_intern(struct holm_actors *actors,
                                                   struct holm_actor actor, uint32_t *index);

static inline uint64_t holm_actors_seq(const struct holm_actors *actors, uint32_t index)
{
    HOLM_ASSERT(index < actors->count);
    return actors->rows[index].seq;
}

/* R[index] := seq, which must not be below what it was. */
void holm_actors_raise(struct holm_actors *actors, uint32_t index, uint64_t seq);

/* Takes all marks away. */
void holm_actors_told(struct holm_actors *actors);

/* Copies the entries with seq > 0, sorted by actor; `only_changed` those that are marked; `except`
 * is left out (HOLM_ACTOR_NONE: nobody). Returns how many there are, copies at most `capacity`. */
size_t holm_actors_copy(const struct holm_actors *actors, bool only_changed, uint32_t except,
                        struct holm_dot *entries, size_t capacity);

/* Whether this vector covers all of the view's entries. O(view log actors). */
bool holm_actors_cover(const struct holm_actors *actors, struct holm_vector_view view);

/* The view's entry for an actor, or 0. O(log view). */
uint64_t holm_vector_view_seq(struct holm_vector_view view, struct holm_actor actor);

/* Whether the view is sorted by actor, without repeats and zeros, and names seqs alone: a vector of what
 * was applied has no folded entries (vector.h), which are for S. */
bool holm_vector_view_valid(struct holm_vector_view view);

/* A1 to A3. */
void holm_actors_check(const struct holm_actors *actors);

#endif

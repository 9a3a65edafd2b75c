/* SPDX-License-Identifier: Apache-2.0 */
/*
 * frozen.h - a state as it was at one moment, while the state itself goes on.
 *
 *     frozen   [a] [b]     [d]      shown
 *     state    [a]     [c] [d']     goes on
 *     kept         [b]     [d]      what went or was changed since; that [d'] came in its place
 *
 * Nothing is copied when a state is frozen. A cell that came since has a dot that the vector of that
 * moment does not cover, and so is not shown. A cell of that moment that goes is kept, once. What came
 * with a dot that is covered, which counter entries and their like do when they are changed where they
 * are, is noted by its fingerprint and not shown. Both are found by the key's hash, so that showing a
 * range costs its records and what changed near it. The digest tree is copied before the first change.
 *
 * What is kept is bounded. When the bound is reached, or memory for it is refused, the frozen state is
 * broken for good: the change goes on, and whoever reads here begins anew.
 *
 * Invariants:
 *     Z1  unless broken, every visit shows the same entries, whose sum is the tree's total
 *     Z2  per hash and fingerprint at most one change is kept: the first
 *     Z3  a roll-back takes back what was kept in the transaction
 *
 * Source: copy on write of a snapshot, as in Rodeh, "B-trees, shadowing, and clones", ACM TOS 2008,
 * with a cell in place of a page.
 */
#ifndef HOLM_CRDT_FROZEN_H
#define HOLM_CRDT_FROZEN_H

#include "crdt/reconcile.h"
#include "crdt/state.h"

struct holm_frozen_change;

/* At one place for its life. The members are private but for `source` and `broken`. */
struct holm_frozen {
    struct holm_state *state;
    struct holm_frozen *next;            /* of the same state */
    struct holm_reconcile_source source; /* of that moment */
    bool broken;
    bool listening; /* `arrivals` are kept */
    bool paused;
    bool treeless;   /* no tree is kept: it is shown, not compared */
    uint64_t passed; /* hashes below it are shown no more: what changes there is not kept */
    uint64_t *seqs;  /* by index: the vector */
    size_t seq_count;
    struct holm_dot *vector;
    struct holm_tree tree; /* once the state has changed */
    size_t bytes_max;
    struct holm_arena arena; /* of what is kept */
    struct holm_frozen_change *changes;
    size_t change_count, change_capacity;
    uint32_t *buckets;  /* by hash, and by term: number + 1 of the newest change; NULL: none yet */
    uint64_t *arrivals; /* hashes of keys with cells that came since, with repeats */
    size_t arrival_count, arrival_capacity;
    struct {
        size_t changes, arrivals;
        struct holm_arena_mark arena;
    } start; /* of the transaction */
};

/*
 * Freezes the state, of which no transaction may be open and whose every cell must be covered by the
 * vector of its actors. `listening` says whether the keys of new cells are noted. O(actors).
 *   HOLM_ENOMEM  as if it had not been called
 */
HOLM_NODISCARD enum holm_status holm_frozen_init(struct holm_frozen *frozen,
                                                 struct holm_state *state, size_t bytes_max,
                                                 bool listening);
/* Must come before the state is released. O(what was kept); and O(records) when visits of this state have
 * looked at a quarter as many by now: then its digest tree is made finer, which spares the next ones that. */
void holm_frozen_release(struct holm_frozen *frozen);

/* The highest seq of an actor, by its index, at that moment. */
static inline uint64_t holm_frozen_seq(const struct holm_frozen *frozen, uint32_t actor)
{
    return actor < frozen->seq_count ? frozen->seqs[actor] : 0;
}

/* A cell as a page would carry it; item->actor is left 0. Its bytes stay where they are. */
void holm_cell_item(const struct holm_state *state, struct holm_bytes key,
                    const struct holm_cell *cell, struct holm_item *item);

/* What memory it takes, in bytes. */
size_t holm_frozen_bytes(const struct holm_frozen *frozen);

/* What comes now is not kept: the last transaction before it is released. It must not be read from
 * then on, unless that is rolled back, and paused no more. */
void holm_frozen_pause(struct holm_frozen *frozen, bool paused);

/* It is shown once, from the lowest hash to the highest, and compared with nothing: its digest tree is not copied,
 * and what changes below `hash` is not kept from now on. A range that reaches below must not be visited. */
void holm_frozen_pass(struct holm_frozen *frozen, uint64_t hash);

/* ---- for the state: all frozen states of it hear of its changes ------------------------------ */

/* A transaction begins; or is taken back. */
void holm_frozen_begin(struct holm_state *state);
void holm_frozen_rollback(struct holm_state *state);
/* Breaks them all: the digests are computed anew, and were wrong. */
void holm_frozen_break(struct holm_state *state);

/* A cell of this record with this fingerprint is about to go, or has come. Never fails: see above. */
void holm_frozen_goes(struct holm_state *state, const struct holm_spot *spot,
                      const struct holm_cell *cell, struct holm_digest term);
void holm_frozen_came(struct holm_state *state, uint64_t hash, const struct holm_cell *cell,
                      struct holm_digest term);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stable.h - what every member is known to have, and what may therefore be given up.
 *
 * A report says, in one message, what its sender had applied of a partition and of the member list:
 *
 *     report of B.e2:   V = A.e1:12 B.e2:7    list = A.e1:3
 *
 * The frontier of a replica X is what all members have, as far as X can prove it:
 *
 *     frontier = the meet of V_Y over all members Y, provided that for each of them X holds a report
 *                  a. of Y's current epoch                                             (else T35)
 *                  b. whose V, and whose list, X itself has: R_X >= V_Y                (else T18)
 *                  c. whose list holds an admission of every member's current epoch    (else T36, T37)
 *
 * A tombstone in the frontier may be dropped: whatever was written on its key without having seen it
 * was written before V_Y was reported by some Y, is in V_Y by (c), and so in R_X by (b); it is dead here, and
 * whoever learns of the collection, by S, learns of it behind all that (T39).
 *
 *     S of X   what X has collected: a vector. It grows by the frontier and by the S of runs when they
 *              are delivered and of cuts when they are applied, never otherwise, and never before what is
 *              pending was sealed. It is part of what a write means, so it rides on every run.
 *
 * A member that was forgotten leaves all this when the forget is itself known to all the others.
 *
 * Ended epochs whose last seq is the same in R_X and in all V_Y are folded (vector.h): S then says so,
 * by FOLDED entries, and whoever takes S over folds the same. See holm_stable_folds().
 *
 * Reports are what this life of this node has heard; they are not stored.
 *
 * Invariants, verified by holm_stable_check():
 *     S1  reports are sorted by node, one a node: of the highest epoch heard that no member has outdone
 *     S2  their vectors are valid, and so is what is shared
 */
#ifndef HOLM_CRDT_STABLE_H
#define HOLM_CRDT_STABLE_H

#include "crdt/members.h"

struct holm_report {
    struct holm_actor member;
    struct holm_vector partition; /* V */
    struct holm_vector list;
    struct holm_epoch
        outdone; /* a later one, which this one, being a member, has spoken after; 0: none */
    /* For who passes it on (replica_report.c); stable.c keeps them. */
    uint64_t number; /* of this epoch's reports */
    uint64_t held;   /* the number that was here a beacon ago; 0: none of this epoch */
    uint64_t taken;  /* how many reports had been taken before it */
};

/* A forget that S was grown under, and whom it names: the list may have lost it, or never had it, since it was believed by
 * hearsay. */
struct holm_relied {
    struct holm_dot forget;
    struct holm_actor subject;
};

struct holm_stable {
    struct holm_allocator allocator;
    struct holm_report *reports;
    size_t count, capacity;
    struct holm_relied *relied; /* forgets that S was grown under, sorted by their dots */
    size_t relied_count, relied_capacity;
    /* What members that count have of the forgotten's part of the list; until S grows. */
    struct holm_vector shared;
};

/* Where the question is asked: the replica's own state. All borrowed for the call. */
struct holm_stable_self {
    struct holm_actor actor;
    uint32_t number;                   /* of the partition */
    struct holm_vector_view partition; /* R, sealed */
    struct holm_vector_view list;      /* of the member list, which `members` is the outcome of */
    const struct holm_members *members;
};

void holm_stable_init(struct holm_stable *stable, const struct holm_allocator *allocator);
void holm_stable_release(struct holm_stable *stable);

/*
 * Takes a report. One of an earlier epoch, or an earlier one of the same, is ignored; both vectors are
 * copied. The sender must be confirmed: a provisional epoch may yet replace its state by less.
 *
 * The epoch that is a member by `members` goes before a later one: one of two nodes of one id may have told of itself
 * that was let in elsewhere, by another founding or by who was forgotten, and tell no more. Once it has, that later
 * one is ignored for as long as it stays the member, so that two who live on do not take turns. NULL: the later goes before.
 *   HOLM_EMALFORMED  not a vector; HOLM_ENOMEM; what was heard before is as it was
 */
HOLM_NODISCARD enum holm_status holm_stable_hear(struct holm_stable *stable,
                                                 const struct holm_members *members,
                                                 struct holm_actor member,
                                                 struct holm_vector_view partition,
                                                 struct holm_vector_view list);

/* The last report of exactly this epoch, or NULL. */
const struct holm_report *holm_stable_report(const struct holm_stable *stable,
                                             struct holm_actor member);

/* The same, to note what it was passed on as. */
struct holm_report *holm_stable_find(struct holm_stable *stable, struct holm_actor member);

/* Forgets all reports: this node goes on under a new epoch. What was relied on stays. */
void holm_stable_clear(struct holm_stable *stable);

/* Whether this epoch is forgotten, and all other members are known to know: it, and whatever it had
 * written that no member took until then, no longer counts (rule 5). */
bool holm_stable_gone(const struct holm_stable *stable, const struct holm_stable_self *self,
                      struct holm_actor actor);

/*
 * Drops the reports of epochs that are gone by `reports`, which may be the same: nothing above or below asks for them, and
 * they are taken from nobody any more. Where ids change, two vectors would stay for each that ever was. Should the
 * forget turn out to be void, it tells again, as it is not said to be heard. O(reports x forgets x members).
 */
void holm_stable_trim(struct holm_stable *stable, const struct holm_stable *reports,
                      const struct holm_stable_self *self);

/*
 * frontier := what all members have. Empty when a condition fails for any one of them, or when this
 * epoch is not a current member itself. Tombstones and runs of the op log that are in it may go.
 * HOLM_ENOMEM: it is empty. O(members x (entries + members)).
 */
HOLM_NODISCARD enum holm_status holm_stable_frontier(const struct holm_stable *stable,
                                                     const struct holm_stable_self *self,
                                                     struct holm_vector *frontier);

/*
 * Adds to the frontier of the call above, which must not be empty, a FOLDED entry for the highest epoch
 * of each node up to which all has ended and is the same in R and in all reports; and to `lasts` what
 * each epoch that this folds anew ended with, for HOLM_MEMBER_FOLD. They go into the list first, S grows then.
 *
 * An ended epoch gets no more operations anywhere: each member fenced it before it reported (c), and
 * whatever any of them had taken until then is in R. HOLM_ENOMEM: both are as they were.
 */
HOLM_NODISCARD enum holm_status holm_stable_folds(const struct holm_stable *stable,
                                                  const struct holm_stable_self *self,
                                                  struct holm_vector *frontier,
                                                  struct holm_vector *lasts);

/*
 * May the ghost (count.h) of this actor go, which was made by the reset with this dot? When the actor
 * is known to have applied the reset, so that it begins a new chain next, and all that it wrote before
 * that is here. Else an increment that did not know of the reset brings the cancelled sum back (T13).
 * Ghosts of epochs that have ended go when these are folded.
 */
bool holm_stable_ghost(const struct holm_stable *stable, const struct holm_stable_self *self,
                       struct holm_actor actor, struct holm_dot reset);

/*
 * S grows, by own collection or by that of others: notes which forgets stand now. If one of them turns
 * out to be void, and no other names the same, what was collected was collected without asking a member: holm_stable_betrayed() is
 * true from then on, and this replica comes back by replacement, as the forgotten do (T40).
 * HOLM_ENOMEM: S must not grow.
 */
HOLM_NODISCARD enum holm_status holm_stable_rely(struct holm_stable *stable,
                                                 const struct holm_members *members);
bool holm_stable_betrayed(const struct holm_stable *stable, const struct holm_members *members);
/* Whether a forget that stands, and that S was grown under, names this epoch. */
bool holm_stable_relied(const struct holm_stable *stable, const struct holm_members *members,
                        struct holm_actor actor);
/* S was not grown under those forgets that are not in this list (holm_admission_doubt()). */
void holm_stable_relent(struct holm_stable *stable, struct holm_vector_view list);
/*
 * All of S is a member's now, or what `before` has, which may be NULL, joined with a member's: of what was
 * noted while it came nothing counts, for the list was not whole; and what `members` has is what that member grew
 * it under. HOLM_ENOMEM: what was noted stays.
 */
HOLM_NODISCARD enum holm_status holm_stable_rely_anew(struct holm_stable *stable,
                                                      const struct holm_members *members,
                                                      const struct holm_stable *before);
/* Notes one forget: what was stored along with S comes back, though the list may not have it. HOLM_ENOMEM. */
HOLM_NODISCARD enum holm_status holm_stable_rely_on(struct holm_stable *stable,
                                                    struct holm_relied relied);

/* S1 and S2. */
void holm_stable_check(const struct holm_stable *stable);

#endif

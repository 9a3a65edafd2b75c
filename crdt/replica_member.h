/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replica_member.h - what a replica knows of the members, when retention is `stable`.
 *
 *     partition 0 .. n-1   data. Each has a copy of what the member list comes to, of the list's vector,
 *                          and what the members reported of this partition
 *     partition n          the member list itself: a replica with retention `forever`, one record an
 *                          operation (member_record.h), the operation's dot is the cell's
 *
 * The host gives every replica the changes of the list, as it finds them in the list's replica:
 *
 *     holm_replica_learn()     fences rise, what is held back of ended epochs goes ...
 *     a run, a cut, a report   ... and then is judged by that
 *
 * so that a report or a cut that names a list never meets a replica that does not know it: what names more
 * than is known here is not taken, and comes again. All questions of crdt/admission.h are asked through
 * this, with what this replica has.
 *
 * A replica is fenced when its epoch is a member's. One that is loaded, or filled by one member for an
 * epoch that is to be confirmed, is not: it takes whatever its host lets through (node/membership.h).
 *
 * Nothing of this is there with retention `forever`: no memory, no work, and every question is a bug.
 */
#ifndef HOLM_CRDT_REPLICA_MEMBER_H
#define HOLM_CRDT_REPLICA_MEMBER_H

#include "crdt/admission.h"
#include "crdt/replica.h"

/* ---- the list ------------------------------------------------------------------------------- */

struct holm_list_news {
    const struct holm_member_op *ops; /* at least all that are in `list` and not here */
    size_t count;
    struct holm_vector_view list; /* of the list; empty: hearsay, which is in no vector */
};

/*
 * Takes changes of the member list. Runs that are held back and may no longer be taken go; what was refused
 * for want of them is asked for again. O(operations, runs held, peers).
 *   HOLM_EMALFORMED  an operation that cannot be: it is left out, the others are taken
 *   HOLM_ENOMEM      some are taken; learn the same again
 */
HOLM_NODISCARD enum holm_status holm_replica_learn(struct holm_replica *replica,
                                                   const struct holm_list_news *news,
                                                   struct holm_now now,
                                                   const struct holm_work **work);
const struct holm_members *holm_replica_members(const struct holm_replica *replica);
struct holm_vector_view holm_replica_list(const struct holm_replica *replica);

/* From now on takes only what members.h lets in; or everything. */
void holm_replica_fence(struct holm_replica *replica, bool fenced);
/* Of which founding a peer's list is, as it last said. */
void holm_replica_peer_founding(struct holm_replica *replica, uint32_t peer,
                                const struct holm_founding *founding);

/* Whether a peer says that it is a member. Until it is, nothing counts as seen by it: what it has taken it may throw
 * away again. */
void holm_replica_peer_member(struct holm_replica *replica, uint32_t peer, bool member);

/* ---- reports -------------------------------------------------------------------------------- */

/*
 * Puts out a Report to each peer that is up and has not been told what is here now; nothing when nothing
 * has changed. Seals first. O(peers), O(entries) when there is something to tell. HOLM_ENOMEM: some are not told.
 */
HOLM_NODISCARD enum holm_status holm_replica_tell(struct holm_replica *replica, bool provisional,
                                                  struct holm_now now,
                                                  const struct holm_work **work);
/* The peer did not take what it was told, since it was no member yet: it is told again. */
void holm_replica_tell_again(struct holm_replica *replica, uint32_t peer);
/* What a provisional peer said that it has, or NULL. Until the next step. */
const struct holm_report *holm_replica_heard(const struct holm_replica *replica,
                                             struct holm_actor actor);

/* ---- collecting ----------------------------------------------------------------------------- */

struct holm_collecting {
    struct holm_vector
        ends; /* of epochs that could be folded, and the list does not know them yet */
    size_t tombstones, ghosts, folds; /* that went */
};

/*
 * Collects what the reports allow: tombstones, ghosts, ended epochs whose ends the list knows. Ends that
 * it does not know are given in `collecting`, which the caller releases: they are
 * to go into the list (HOLM_MEMBER_FOLD), and are folded by a later call. Does nothing, in O(1), while
 * nothing has changed since a call that found nothing to do. Otherwise O(members x entries), and
 * O(records) when something goes. HOLM_ENOMEM: a part may be done.
 */
HOLM_NODISCARD enum holm_status holm_replica_collect_stable(struct holm_replica *replica,
                                                            struct holm_now now,
                                                            const struct holm_work **work,
                                                            struct holm_collecting *collecting);

/* ---- questions: when memory is refused, the answer is the one that lets nothing happen ------------ */

/* holm_admission_answer(). */
enum holm_answer holm_replica_answer(struct holm_replica *replica, const struct holm_heard *asking);
/* Whether this replica, being filled, has all that `member` reported along with a list that holds this
 * admission of its own epoch (holm_admission_by_cut()). */
bool holm_replica_whole(struct holm_replica *replica, struct holm_actor member,
                        struct holm_dot admission);
/* holm_admission_beyond(). */
bool holm_replica_beyond(struct holm_replica *replica, struct holm_vector_view list);
/* holm_admission_may_list(). */
bool holm_replica_may_list(struct holm_replica *replica, const struct holm_heard *of);
/* holm_admission_lost(), and whether others have folded this epoch. */
bool holm_replica_lost(struct holm_replica *replica, const struct holm_members *theirs,
                       struct holm_vector_view list);
/* holm_stable_betrayed(): what S was grown under turned out void. */
bool holm_replica_betrayed(const struct holm_replica *replica);
bool holm_replica_outlived(const struct holm_replica *replica);

/* holm_admission_doubt(), of `heard` that need no `partition`. */
void holm_replica_relent(struct holm_replica *replica, const struct holm_heard *heard,
                         size_t count);

/* What a provisional epoch asks when a whole cluster restarts. `heard` has no `partition`: that is what
 * each reported of this one; who is provisional and has not reported is as if it was not heard. */
bool holm_replica_able(struct holm_replica *replica, const struct holm_heard *heard, size_t count);
bool holm_replica_left(struct holm_replica *replica, const struct holm_heard *heard, size_t count);
bool holm_replica_founds(struct holm_replica *replica, const struct holm_heard *heard, size_t count,
                         bool founding);

/* ---- copies --------------------------------------------------------------------------------- */

/*
 * A replica with the same state, S and epoch: what one tries on it leaves the original as it is. It has no
 * peers, no op log and no reports but of those who are provisional, knows nothing of the list, and is not fenced. Seals the original, and what
 * that gives is in *work. O(cells).
 *   HOLM_EDUPLICATE  its present epoch has written already. HOLM_ENOMEM
 */
HOLM_NODISCARD enum holm_status holm_replica_copy(struct holm_replica *replica, struct holm_now now,
                                                  const struct holm_work **work,
                                                  struct holm_replica **copy);
/* An empty one with the configuration of `replica`; of the list it knows nothing. HOLM_ENOMEM. */
HOLM_NODISCARD enum holm_status holm_replica_another(const struct holm_replica *replica,
                                                     struct holm_replica **another);
/* `replica` takes the place of `old`, over the same links: its feeds are numbered behind all that came to that one and
 * all that may still come (feed.h, F4). Before its peers are up. O(peers). */
void holm_replica_follow_after(struct holm_replica *replica, const struct holm_replica *old);
/* The forgets that S was grown under; until the next call that changes the replica. Of one node they must be the
 * same in all partitions before what is beyond them is asked: */
const struct holm_relied *holm_replica_relied(const struct holm_replica *replica, size_t *count);
HOLM_NODISCARD enum holm_status holm_replica_rely_on(struct holm_replica *replica,
                                                     struct holm_relied relied);
/* Notes all forgets that stand as relied upon, if anything was collected (stable.h). HOLM_ENOMEM. */
HOLM_NODISCARD enum holm_status holm_replica_rely(const struct holm_replica *replica);
/* The same of one that a member has filled, and whose list is whole now; `before`: what that was merged with, or
 * NULL (holm_stable_rely_anew()). HOLM_ENOMEM. */
HOLM_NODISCARD enum holm_status holm_replica_rely_anew(const struct holm_replica *replica,
                                                       const struct holm_replica *before);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * admission.h - how an epoch becomes a member, and how one comes back that was given up.
 *
 *     started --> PROVISIONAL: a journal without dots (journal.h), serves nobody, reports nothing
 *                   |  admitted by a member, in the list of the very cut that it then syncs from,
 *                   |  and has all that was in that cut                              (rule 3)
 *                   |  or: a whole cluster restarts, and it has what all the others have
 *                   v
 *                 CONFIRMED: mints
 *                   |  forgotten; or not known to those it meets, and its admission has ended with
 *                   |  whoever made it; or it relied on a forget that turned out void
 *                   v
 *                 LOST: must be forgotten, and comes back as a later epoch by replacement (rule 5)
 *
 * All of it is decided by what is known here; whoever is asked need not answer at once.
 */
#ifndef HOLM_CRDT_ADMISSION_H
#define HOLM_CRDT_ADMISSION_H

#include "crdt/stable.h"

/* What another node said of itself, over a link. */
struct holm_heard {
    struct holm_actor actor;
    struct holm_vector_view partition; /* its R */
};

/*
 * Whether a provisional epoch is confirmed by a cut that it has applied. `self` is as it is now, the
 * cut's list included; `partition` and `list` are the cut's.
 *
 * The admission must be in the cut's list: one at Y and a cut of Z would let Z report, and a third
 * collect, what this epoch has never seen (T36). All of the cut must be covered, not only what its
 * server had collected: the server may collect on the word of this node's former epoch (T35).
 */
bool holm_admission_by_cut(const struct holm_stable_self *self, struct holm_vector_view partition,
                           struct holm_vector_view list);

/*
 * Whether a provisional epoch confirms itself: every listed node has been heard of under a later
 * epoch than the list knows, so that no member is left to ask, and R has what each of them has.
 *
 * As long as one listed epoch may live, it must be asked: it may hold reports of this node's former
 * epoch, and collect by them what nobody whom this epoch heard had yet.
 */
bool holm_admission_by_itself(const struct holm_stable_self *self, const struct holm_heard *heard,
                              size_t count);

/* Whether this member may admit a node that comes back after a forget: all others know of it, so
 * nobody takes any more of what it had written, and what they took is here (T40). */
bool holm_admission_may_return(const struct holm_stable *stable,
                               const struct holm_stable_self *self, struct holm_node_id node);

/*
 * Whether the present, confirmed epoch is lost: it is forgotten or ended, it relied on a forget that is
 * void, or it met a member (`list`: what that one knows) that has ended all who admitted it without
 * having learnt of the admission. The latter may have collected by a report of the epoch before (rule 1
 * as that member knows it was kept), because who admitted this one took that knowledge to its grave.
 */
bool holm_admission_lost(const struct holm_stable *stable, const struct holm_stable_self *self,
                         const struct holm_members *theirs, struct holm_vector_view list);

/*
 * May an operation of the member list, written by `writer`, be taken from `sender`? Members pass on
 * whatever they have. Of others only what living epochs wrote: an admission whose author has ended may
 * have been forgotten by all members, who then counted on the epoch before.
 */
bool holm_admission_take_list(const struct holm_members *members, struct holm_actor writer,
                              struct holm_actor sender);

#endif

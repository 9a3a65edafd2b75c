/* SPDX-License-Identifier: Apache-2.0 */
/*
 * admission.h - how an epoch becomes a member, and how one comes back that was given up.
 *
 *     started --> PROVISIONAL: a journal without dots (journal.h), serves nobody, reports nothing
 *                   |  admitted by a member, in the list of the very cut that it then syncs from,
 *                   |  and has all that was in that cut                              (rule 3)
 *                   |  or: a whole cluster restarts, and it founds anew on what all the others have
 *                   v
 *                 CONFIRMED: mints
 *                   |  of a founding that another stands against (members.h);
 *                   |  forgotten; or not known to those it meets, and its admission has ended with
 *                   |  whoever made it; or it relied on a forget that turned out void
 *                   v
 *                 LOST: comes back as a later epoch by replacement (rule 5). The member that it
 *                   is lost to, if of the same founding, forgets it: nothing else keeps the
 *                   state from being merged once it has started again
 *
 * An epoch asks one member alone. Before it asks another, and before it founds after it has asked,
 * it takes a later epoch: that other may be of another founding, or have forgotten the first, and
 * each would count on an epoch that is confirmed elsewhere.
 *
 * Of different foundings nothing is exchanged but what each says of itself. A run tells by its
 * writer's epoch which one it is of.
 *
 * What a host does, in order:
 *
 *     start      load store, list and what was relied on; take an epoch above all of its own; provisional
 *     hello      to all, and whenever it changes: struct holm_heard of itself. From all: keep the last of each
 *                node, take the hearsay, ask holm_admission_defer() again
 *     ask        one confirmed node, of the founding that stands among those heard; it asks
 *                holm_admission_answer() for each partition, forgets or admits, and names the epoch
 *     sync       a cut and the list, from one moment: holm_admission_may_apply(), replace or merge,
 *                holm_admission_by_cut(); then confirmed: say hearsay again, mint the journal, report
 *     found      when holm_admission_left(): the cuts and lists of the others, holm_admission_by_itself()
 *     lost       by holm_admission_lost() of each confirmed node that says hello, or
 *                holm_admission_outlived(): tell that member, which forgets it if of the same
 *                founding; then store, and start again at once. Who is forgotten tells nobody
 *
 * The answers of several partitions make one: LATER if any is, else FORGET if any is, else REPLACE
 * if any is. All of it is decided by what is known here; whoever is asked need not answer at once.
 */
#ifndef HOLM_CRDT_ADMISSION_H
#define HOLM_CRDT_ADMISSION_H

#include "crdt/stable.h"

/* What another node said of itself, over a link. */
struct holm_heard {
    struct holm_actor actor;
    struct holm_epoch former; /* that its state was confirmed under; 0: it has none */
    uint64_t state;           /* a hash of that state: see holm_admission_may_merge() */
    bool confirmed;
    bool lost; /* it knows that its state is: forgotten, or betrayed (stable.h) */
    struct holm_founding founding;     /* of its list */
    struct holm_actor defers;          /* whom it leaves it to, to found: holm_admission_defer() */
    struct holm_vector_view partition; /* its R */
    struct holm_vector_view list;
};

/*
 * Whether a list is from beyond a forget: S was grown under a forget that stands, and the list has
 * operations of whom it names that are not here, nor with a member that counts (holm_admission_doubt()). When the forget had become known to all, whatever
 * any of them had taken of the forgotten was here; the rest was taken by those who did not know.
 * They were not asked about what was collected here, and nobody here about what they collected. A
 * node that has a state neither merges such a cut nor the state of such a provisional one. O(list x
 * forgets).
 */
bool holm_admission_beyond(const struct holm_stable *stable, const struct holm_stable_self *self,
                           struct holm_vector_view list);

/*
 * Takes those forgets for not relied on that S was not grown under for certain. More are noted than
 * were: all that stand when S grows, or in what was stored. But a forget counts only when all members
 * have reported it; so a member under the very epoch that is listed here, whose list does not have the
 * forget, never did, and nobody collected under it. (An epoch that was admitted later has it
 * from who admitted it.) Else this node, alone with a forget that nobody has heard of, would refuse for ever what
 * they have taken of the forgotten since. And whatever such a member has of the forgotten is not from beyond: of
 * what it took before it knew of the forget it has told all who counted on it; and behind that it takes of the
 * forgotten only what one of those has. Here it may have been lost with the tail of a store, or S may have come
 * by a run, before the list. That is so until S grows: that member may be forgotten by then, and was not asked.
 * Where any forget is void, only members are believed whose lists have all forgets that are known here:
 * whether who knows less has gone on without somebody is not known. HOLM_ENOMEM: as much as was doubted.
 * O(heard x (forgets + list)).
 */
HOLM_NODISCARD enum holm_status holm_admission_doubt(struct holm_stable *stable,
                                                     const struct holm_stable_self *self,
                                                     const struct holm_heard *heard, size_t count);

/*
 * Whether the state of this node may be merged with what is known under this list. The epoch that
 * it was confirmed under last is the last of its node that the list knows as admitted; or it is the
 * very state that this one goes on with, of two stores the same: its hash is the sum of what
 * holm_vector_hash() says of its R in each partition. Both under the same founding. Else somebody
 * reported for the node since who did not have this state (it is a store newer than the epoch that
 * was started without it), or nobody here ever waited for its reports (whoever admitted it was
 * lost). It is replaced then; unless all of it is here, so that nothing can be lost by that, its
 * epoch is forgotten first.
 */
bool holm_admission_may_merge(const struct holm_members *members, const struct holm_heard *of);

/*
 * Whether a provisional epoch that founds takes the list of another such one: it is of the same founding,
 * not forgotten, not lost and not from beyond. Its state is taken besides if it may be merged under what
 * the list has become by that: an old list does not know the epochs that others went on under.
 */
bool holm_admission_may_list(const struct holm_stable *stable, const struct holm_stable_self *self,
                             const struct holm_heard *of);

/*
 * Whether a provisional epoch may apply a cut: its admission is in the list of that very cut
 * (`theirs` is what that list comes to, `list` its vector). One at Y and a cut of Z would let Z
 * report, and a third collect, what this epoch has never seen (T36). Until then it takes nothing at
 * all, from anyone: its fences are as old as its store.
 */
bool holm_admission_may_apply(const struct holm_members *theirs, struct holm_actor self,
                              struct holm_vector_view list);

/*
 * Whether a provisional epoch is confirmed by such a cut, which it has applied. `self` is as it is
 * now, the cut's list included; `partition` and `list` are the cut's. All of the cut must be
 * covered, not only what its server had collected: the server may collect on the word of this
 * node's former epoch (T35).
 */
bool holm_admission_by_cut(const struct holm_stable_self *self, struct holm_vector_view partition,
                           struct holm_vector_view list);

/*
 * Whether nobody is left to be asked, as far as was heard, so that a provisional epoch may found:
 * every listed node has been heard of under a later epoch than the list knows, or under that one
 * but provisional. Nobody heard is of a founding that stands against this one, and none of this one
 * has been confirmed meanwhile. Who is from beyond a forget is not asked, whoever confirmed it
 * there. A node whose own state may not be merged under its list, or was forgotten, must not ask
 * this. It listens to the hearsay of all before. `heard` is the last that was heard of each node,
 * other than this one.
 */
bool holm_admission_able(const struct holm_stable *stable, const struct holm_stable_self *self,
                         const struct holm_heard *heard, size_t count);

/*
 * Whom a provisional epoch leaves it to, to found: the lowest node of those that say they would,
 * itself included when it is `able`, and has not tried in vain with what it has heard. It is not
 * moved from one to a lower (`present`, or zero), until that one has gone or does not want to any
 * more. Zero: nobody yet. It is to be told to all whenever it changes. O(heard).
 */
struct holm_actor holm_admission_defer(struct holm_actor self, struct holm_actor present, bool able,
                                       const struct holm_heard *heard, size_t count);

/*
 * Whether it is able, and all listed ones leave it to this epoch. It then takes their lists
 * (holm_admission_may_list()), and their cuts as far as they may be merged
 * (holm_admission_may_merge()). Those whose states may not be, or are of another
 * founding, are not waited for.
 */
bool holm_admission_left(const struct holm_stable *stable, const struct holm_stable_self *self,
                         const struct holm_heard *heard, size_t count);

/*
 * Whether a provisional epoch founds, that is confirms itself: it has taken all those lists; by
 * what they say, too, all is left to it as above, and R has what each of them has. If it is not, it starts again from
 * its store, and was able in vain until it hears of another epoch: what it has taken may be of the
 * forgotten.
 *
 * What was heard may be old: an epoch that was provisional then may have been confirmed since, by a
 * member that is not listed here, or may have left it to another under a later epoch. Nothing goes
 * wrong by that, since all of them are of another founding than the one that is made now; but one
 * of the two is lost, and what it wrote since is minted anew only as far as rule 5 allows.
 *
 * Who is not listed, or knows of no list, cannot tell whether there are members; it needs to be
 * told that it is `founding` a cluster, and has an empty list then.
 *
 * Who founds admits itself, with a generation above that of its list, and then forgets all epochs
 * that were listed, its own former one too: what the others had told is in it, and all their stores
 * come back by replacement.
 */
bool holm_admission_by_itself(const struct holm_stable *stable, const struct holm_stable_self *self,
                              const struct holm_heard *heard, size_t count, bool founding);

/*
 * Whether a node whose state was confirmed last under epoch `former` comes back by replacement:
 * that epoch was forgotten. A node that has no state (epoch 0) has nothing to replace. It is the
 * state that counts, and not what the list knows last: a later epoch may have died before it was
 * replaced, and a backup may be older than the forget. Nor does a provisional epoch take anything
 * from such a one, when a whole cluster restarts; and such a one, once it knows, gives nothing
 * away.
 */
static inline bool holm_admission_replaces(const struct holm_members *members,
                                           struct holm_actor former)
{
    return former.epoch.value != 0 && holm_members_forgotten(members, former);
}

enum holm_answer {
    HOLM_ANSWER_LATER = 0, /* not yet, or not here */
    HOLM_ANSWER_FORGET =
        1, /* holm_admission_disowned() is to be forgotten here; then it asks again */
    HOLM_ANSWER_MERGE = 2, /* admit it: its state, if it has one, is merged */
    HOLM_ANSWER_REPLACE =
        3, /* admit it: its state is replaced by the cut of this member, and no other */
};

/*
 * What a member answers to a provisional epoch that asks to be admitted. States of its own
 * founding: forgotten ones are replaced when they may return, others merged if they may be. A state
 * of another founding is replaced at once: what both have in common was there before the foundings
 * parted, and all members have it; nobody here takes the rest. Only if this founding is among those
 * that the state is built on, members may still be taking what the node wrote under it, and it is
 * as with a state that is not to be merged: unless all of it is here, its epoch is forgotten first, and
 * whatever its node went on as. An epoch that was admitted by replacement did not go on with it.
 */
enum holm_answer holm_admission_answer(const struct holm_stable *stable,
                                       const struct holm_stable_self *self,
                                       const struct holm_heard *asking);

/*
 * The epoch that is to be forgotten before a state of this one is replaced: the node's listed epoch,
 * when that is later. It may have gone on with that state, and what it told of it may still be on its way.
 * And it is the one that others would wait for before they admit anybody else: of two nodes that both
 * come back from stores that are older than what is listed, neither could.
 */
struct holm_actor holm_admission_disowned(const struct holm_members *members,
                                          struct holm_actor former);

/* Whether this member may admit a node of which this epoch was forgotten: all others know of that, so nobody
 * takes any more of what it had written, and what they took is here (T40). The node must then sync from here. */
bool holm_admission_may_return(const struct holm_stable *stable,
                               const struct holm_stable_self *self, struct holm_actor former);

/*
 * Whether the present, confirmed epoch is lost on meeting a member (`theirs`, and `list`: what that
 * one knows): this one is forgotten or ended; it relied on a forget that is void; that one is of a
 * founding that stands against this one's; or, of the same, it builds on operations of the list
 * that an epoch wrote which has ended there (forgotten, or a later one of its node was admitted), the other does not
 * have them, and does not know this epoch. That other may have collected by a report of the epoch before, rightly as
 * far as it could know: whom an ended epoch lets in, a clone's original say, nobody has asked the others about.
 */
bool holm_admission_lost(const struct holm_stable *stable, const struct holm_stable_self *self,
                         const struct holm_members *theirs, struct holm_vector_view list);

/* Whether a run or a cut with this S is from those who have given this epoch up: they have folded it. It
 * must not be applied, since this epoch could not go on numbering; it is lost, too. */
static inline bool holm_admission_outlived(struct holm_actor self,
                                           struct holm_vector_view collected)
{
    return holm_vector_seq(collected, self) == HOLM_SEQ_FOLDED;
}

/*
 * May an operation of the member list, written by `writer`, be taken from `sender`? Members pass on
 * whatever they have. From others, whose list must be of the same founding, nothing comes in that
 * an ended epoch wrote: whom one admits that was forgotten, or that a later one of its node has taken the place of, nobody
 * has asked the others about.
 */
bool holm_admission_take_list(const struct holm_members *members, struct holm_actor writer,
                              struct holm_actor sender, const struct holm_founding *founding);

/*
 * Whether this operation of the list is believed whoever of the same founding tells of it: it
 * forgets `self`; a former epoch of `self` wrote it; or it forgets who has forgotten its author.
 * Two that have forgotten each other take nothing from each other, and would never find out
 * otherwise. It is counted by holm_members_apply(), and is not part of the list's vector.
 */
bool holm_admission_hearsay(const struct holm_members *members, struct holm_actor self,
                            const struct holm_member_op *op);

/*
 * Whether a confirmed epoch says such a forget again, as its own: it stands, whom it names still
 * counts, and no operation in the list says the same. What is not in the list never becomes known
 * to all, so that whom it names could neither be asked nor leave, if its author has lost it.
 */
bool holm_admission_repeat(const struct holm_members *members, struct holm_vector_view list,
                           const struct holm_member_op *op);

#endif

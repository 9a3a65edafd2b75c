/* SPDX-License-Identifier: Apache-2.0 */
/*
 * members.h - who belongs to the cluster, under which epoch, and what of the others may be taken.
 *
 *     ADMIT  B.e2   by A        B runs as e2, on the state of e1; whatever it wrote as e1 has ended
 *     FORGET C.e1   by A        C is gone for good, unless it is admitted anew under a later epoch
 *     FOLD   B.e1 p3:17 by A    in partition 3 the last seq of B.e1 was 17
 *
 * The member list is a set of such operations, each with a dot of the list's own partition. This is
 * what a set comes to: applying is commutative and idempotent, so it does not matter in what order
 * they arrive. It says nothing of who is up.
 *
 *     node   current   admissions    forgotten          forgets    C.e1 by A:7  stands
 *     A      A.e1      A:1                                         A.e1 by C:4  void: closes a ring
 *     B      B.e2      A:9 C:3                          folds      p3  B.e1:17
 *     C      C.e1      A:2           yes
 *
 * An epoch ends when a later one of its node is admitted: the admission is the fence, because a
 * member must not report that it knows the later epoch while it still takes from the earlier one
 * (T37).
 *
 * Two members that forget each other, or any ring of them, would leave nobody to come back to.
 * Forgets are therefore counted in the order of their dots, and one that would close a ring is
 * void: of two, the lower dot wins. Who relied on a void one: see stable.h.
 *
 * Who admits itself founds: it goes on without asking anyone, because a cluster begins, or because
 * all of it has restarted (admission.h). Nobody can know whether somebody else does the same at
 * that moment. So each founding has a generation, one above that of the list that it was made upon,
 * and a list is of the highest that it holds; lists of different foundings never mix. Of two, one
 * stands, and whoever is of the other is lost to it:
 *
 *     generation 1   A.e1:1                  A founded the cluster
 *     generation 2   A.e2:1   B.e2:1         all had restarted, and both went on: A's stands, the lower dot
 *     generation 3            B.e3:1         B did it again before it met A: now B's stands
 *
 * Invariants, verified by holm_members_check():
 *     M1  rows are sorted by node, without repeats; a row's epoch is the highest that was admitted, its
 *         base the lowest that an admission of that epoch named, with the lowest hash
 *     M2  admissions are of current epochs alone, and each current epoch has one
 *     M3  forgets are sorted by dot; those that stand make no ring
 *     M4  lasts are sorted by partition, and valid
 *     M5  the founding is none, or has a generation and a dot
 */
#ifndef HOLM_CRDT_MEMBERS_H
#define HOLM_CRDT_MEMBERS_H

#include "crdt/vector.h"

enum holm_member_op_type {
    HOLM_MEMBER_ADMIT = 1,
    HOLM_MEMBER_FORGET = 2,
    HOLM_MEMBER_FOLD = 3
};

struct holm_member_op {
    enum holm_member_op_type type;
    struct holm_dot dot; /* of the list; its actor is who says so */
    struct holm_actor
        subject;            /* who is admitted; the last epoch that is forgotten, that is folded */
    struct holm_epoch base; /* ADMIT: whose state this epoch goes on with; 0: none, or the cut's */
    uint64_t state;         /* ADMIT: a hash of that state (admission.h); 0 when there is none */
    uint32_t partition;     /* FOLD */
    uint64_t last; /* FOLD: at least 1. ADMIT of oneself: the generation, at least 1; else 0 */
};

struct holm_founding {
    uint64_t generation; /* 0: none */
    struct holm_dot dot; /* of the list: who admitted itself */
};

struct holm_member_row {
    struct holm_actor actor; /* the node and its current epoch */
    struct holm_epoch base;  /* the lowest that an admission of this epoch names, and its state */
    uint64_t state;
    bool forgotten; /* by a forget that stands */
};

struct holm_member_admission {
    struct holm_actor subject;
    struct holm_dot dot;
};

struct holm_member_forget {
    struct holm_dot dot;
    struct holm_actor subject;
    bool stands;
    bool reached; /* by the search for a ring */
};

struct holm_member_lasts {
    uint32_t partition;
    struct holm_vector lasts;
};

struct holm_members {
    struct holm_allocator allocator;
    struct holm_member_row *rows;
    struct holm_member_admission *admissions; /* sorted by subject, then dot */
    struct holm_member_forget *forgets;
    struct holm_member_lasts *folds;
    size_t count, capacity;
    size_t admission_count, admission_capacity;
    size_t forget_count, forget_capacity;
    size_t fold_count, fold_capacity;
    struct holm_founding founding; /* the one that this list is of */
};

/* Above 0 when `a` stands against `b`: of a later generation, or of the same with the lower dot. Any founding
 * stands against none. 0: they are the same. */
int holm_founding_compare(const struct holm_founding *a, const struct holm_founding *b);

void holm_members_init(struct holm_members *members, const struct holm_allocator *allocator);
void holm_members_release(struct holm_members *members);

/*
 * Adds an operation; one that is there already changes nothing. All or nothing.
 *   HOLM_EMALFORMED  a type, dot, epoch, seq or generation that cannot be; HOLM_ENOMEM
 * O(rows + admissions); a forget O(forgets cubed), of which there are few.
 */
HOLM_NODISCARD enum holm_status holm_members_apply(struct holm_members *members,
                                                   const struct holm_member_op *op);

/* The row of a node, or NULL: it was never admitted. Until the next apply. O(log rows). */
const struct holm_member_row *holm_members_find(const struct holm_members *members,
                                                struct holm_node_id node);

/* Whether this epoch is the current one of a node that is not forgotten. */
bool holm_members_current(const struct holm_members *members, struct holm_actor actor);

/* Whether a list with this vector holds an admission of this, current, epoch. */
bool holm_members_admitted_in(const struct holm_members *members, struct holm_actor actor,
                              struct holm_vector_view list);

/* Whether forgetting, or folding, the one epoch includes the other: the same node, and not a later one. */
static inline bool holm_members_covers(struct holm_actor forgotten, struct holm_actor actor)
{
    return forgotten.node.value == actor.node.value && actor.epoch.value <= forgotten.epoch.value;
}

/* Whether a forget that stands covers this epoch, be a later one admitted or not. O(forgets). */
bool holm_members_forgotten(const struct holm_members *members, struct holm_actor actor);

/*
 * Whether the epoch has ended: a later one of its node was admitted, or it was forgotten. What an
 * ended epoch wrote is still good; it is only no longer taken from anywhere (rule 4). O(forgets).
 */
bool holm_members_ended(const struct holm_members *members, struct holm_actor actor);

enum holm_way {
    HOLM_WAY_BROADCAST = 1, /* as its writer sent it, or as it was relayed; or it was held back */
    HOLM_WAY_LINK = 2       /* an answer to a pull or to a sync, by whom the link leads to */
};

/*
 * Rules 4 and 5: may a run of `writer` that came from `sender` be taken? Only from a member under
 * its current epoch (unread bytes of the links of former ones, T37; the forgotten, T40); and
 * broadcast only of such a writer, whoever passes it on. Over a link, of whomever the list knows: a
 * run may come before the admission of its writer, which then comes with the next list. What is
 * held back is asked again when the list has changed.
 */
bool holm_members_take(const struct holm_members *members, struct holm_actor writer,
                       struct holm_actor sender, enum holm_way way);

/*
 * The lowest epoch that the node may be admitted under: above whatever is known of it, be its clock
 * set back as it may. A lower one would be fenced from the start, and folded away (T41).
 */
struct holm_epoch holm_members_epoch_min(const struct holm_members *members,
                                         struct holm_node_id node);

/* Last seqs of the folded epochs of a partition, for vector.h. Until the next apply. */
struct holm_vector_view holm_members_lasts(const struct holm_members *members, uint32_t partition);

/* M1 to M5. */
void holm_members_check(const struct holm_members *members);

#endif

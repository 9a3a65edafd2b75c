/* SPDX-License-Identifier: Apache-2.0 */
/*
 * membership.h - how this node becomes a member with retention `stable`: whom it asks, and when.
 *
 * Pure, like roster.h: it is told what happened, and answers with actions that its host carries out.
 * What may be done is for crdt/admission.h to say, asked by the host; this is about the order of it.
 *
 *     WAITING --ASK--> ASKING --admitted, BEGIN--> TAKING --all is here, CONFIRM--> CONFIRMED
 *        |               | later, or no answer        | the member went
 *        |               v                            v ABANDON
 *        |            WAITING                      WAITING
 *        |
 *        +--all leave it to this node, GATHER--> GATHERING --all is here, FOUND--> CONFIRMED
 *        |                                    | somebody is a member; or time is up
 *        |                                    v ABANDON
 *        |                                 WAITING
 *        +--told to found, and nobody has anything, FOUND--> CONFIRMED
 *
 *     CONFIRMED --lost, or a higher epoch of this id is known, EPOCH--> WAITING
 *
 * A node is confirmed in all partitions at once. What it takes of a member (BEGIN), or of all others
 * when a whole cluster restarts (GATHER), is therefore kept apart from what it has, and put in its place
 * by CONFIRM or FOUND: if the member dies amid that, nothing has happened (docs/decisions/0016).
 *
 * Invariants, verified by holm_membership_check():
 *     N1  a peer that is asked, or taken from, is up and says that it is a member
 *     N2  an epoch that one member may have admitted asks no other, and does not found: it takes a higher
 *         one before. So a run tells by its writer's epoch which founding it is of (admission.h)
 *         Nor does one ask that has given others what it has, for them to found on: its answers may
 *         still be on their way when they, or it, have become members
 *     N3  an epoch that is confirmed is its own `former`
 */
#ifndef HOLM_NODE_MEMBERSHIP_H
#define HOLM_NODE_MEMBERSHIP_H

#include "crdt/replica.h"
#include "node/log.h"

struct holm_membership;

#define HOLM_MEMBERSHIP_TEXT_BYTES 160

struct holm_membership_config {
    struct holm_allocator allocator;
    struct holm_actor self;
    struct holm_epoch former; /* that the state was confirmed under; 0: there is none */
    struct holm_now now;      /* of the start */
    bool founds;              /* told to begin a cluster, if there is none */
    uint64_t wait_us;         /* 3,000,000: for a member to be heard of, before one founds */
    uint64_t answer_us;   /* 1,000,000: for an answer; and the least time between two questions */
    uint64_t progress_us; /* 10,000,000: without any, what was begun is given up */
    uint32_t peers_max;   /* slots of the roster */
    uint64_t random_seed; /* for jitter */
};

/* The defaults above; allocator, self, former, now and peers_max are left zero. */
struct holm_membership_config holm_membership_config_default(void);

/* HOLM_EINVAL, HOLM_ENOMEM. */
HOLM_NODISCARD enum holm_status holm_membership_new(const struct holm_membership_config *config,
                                                    struct holm_membership **membership);
void holm_membership_free(struct holm_membership *membership); /* NULL is allowed */

/* ---- actions -------------------------------------------------------------------------------- */

enum holm_membership_do {
    HOLM_MEMBERSHIP_ASK = 1, /* peer: send a Join */
    HOLM_MEMBERSHIP_EPOCH,   /* go on under an epoch of at least `epoch`; then call .._epoch() */
    HOLM_MEMBERSHIP_BEGIN,  /* peer, replace, admission: take all it has, apart from what is here */
    HOLM_MEMBERSHIP_GATHER, /* take what all who are no members have, apart from what is here */
    HOLM_MEMBERSHIP_ABANDON, /* drop what was taken */
    HOLM_MEMBERSHIP_CONFIRM, /* replace: what was taken is what this node has; mint the journal */
    HOLM_MEMBERSHIP_FOUND, /* as CONFIRM; admit this epoch, whose state is of `epoch`, forget the rest */
    HOLM_MEMBERSHIP_TELL, /* tell every peer how this node stands */
    HOLM_MEMBERSHIP_NOTE  /* event, text: for the log, its values packed (log.h) */
};

struct holm_membership_action {
    enum holm_membership_do type;
    uint32_t peer;
    struct holm_epoch epoch;
    struct holm_dot admission;
    bool replace;
    enum holm_log_event event; /* NOTE */
    char text[HOLM_MEMBERSHIP_TEXT_BYTES];
};

/* Takes the next action, in order. False when there is none. Call until then after each of the calls
 * below. */
bool holm_membership_next(struct holm_membership *membership,
                          struct holm_membership_action *action);

/* ---- what happened -------------------------------------------------------------------------- */

void holm_membership_peer_up(struct holm_membership *membership, uint32_t peer,
                             struct holm_actor actor, struct holm_now now);
void holm_membership_peer_down(struct holm_membership *membership, uint32_t peer,
                               struct holm_now now);
/* A peer that is up said how it stands. */
void holm_membership_standing(struct holm_membership *membership, uint32_t peer,
                              const struct holm_standing *standing, struct holm_now now);
/* It answered a Join of this epoch. Answers that nobody waits for are ignored; but that the epoch is too low
 * anybody may say at any time, before it is a member. */
void holm_membership_answered(struct holm_membership *membership, uint32_t peer,
                              const struct holm_joined *answer, struct holm_now now);
/* Something of what was begun has come. */
void holm_membership_progress(struct holm_membership *membership, struct holm_now now);
/* All of what was begun is here: with BEGIN what the member had, its list with the admission
 * included; with GATHER all that lets this epoch confirm itself. */
void holm_membership_whole(struct holm_membership *membership, struct holm_now now);
/* What was begun must not be taken: it is from beyond a forget. This member is asked no more. */
void holm_membership_refuse(struct holm_membership *membership, struct holm_now now);
/* Under this epoch, which is no member, others were given what is here. */
void holm_membership_served(struct holm_membership *membership);
/* Whether all who are listed leave it to this epoch to found (holm_admission_left()). */
void holm_membership_left(struct holm_membership *membership, bool left, struct holm_now now);
/* This epoch, confirmed, is lost on meeting that peer; HOLM_PEER_NONE: whoever told of it. */
void holm_membership_lost(struct holm_membership *membership, uint32_t peer, const char *why,
                          struct holm_now now);
/* This node goes on under this epoch, which is higher than the one before. */
void holm_membership_epoch(struct holm_membership *membership, struct holm_epoch epoch,
                           struct holm_now now);
/* Does what is due; returns the monotonic time of the next call. O(peers). */
uint64_t holm_membership_tick(struct holm_membership *membership, struct holm_now now);

/* ---- looking -------------------------------------------------------------------------------- */

enum holm_membership_state {
    HOLM_MEMBER_WAITING = 1,
    HOLM_MEMBER_ASKING,
    HOLM_MEMBER_TAKING,
    HOLM_MEMBER_GATHERING,
    HOLM_MEMBER_CONFIRMED
};

enum holm_membership_state holm_membership_state(const struct holm_membership *membership);
/* The epoch that the state was confirmed under; 0: none. */
struct holm_epoch holm_membership_former(const struct holm_membership *membership);
/* Whether it has tried to found in vain, with what it has heard. */
bool holm_membership_in_vain(const struct holm_membership *membership);
/* Whether the state is lost: it must be forgotten before it comes back. */
bool holm_membership_is_lost(const struct holm_membership *membership);
/* Whether no member is known that could be asked. */
bool holm_membership_is_alone(const struct holm_membership *membership);
/* When tick() is due. */
uint64_t holm_membership_due_us(const struct holm_membership *membership);
void holm_membership_check(const struct holm_membership *membership); /* N1 to N3; asserts */

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * herald.h - when a node announces itself, and whom it has heard: a machine without I/O.
 *
 *     begin          1 s    2 s      4 s          8 s  ...  30 s        pauses between announcements, each half to one and a half
 *       |-|----------|------|--------|------------|-------- ... ---|    of this
 *                              ^ a newcomer is heard: within 0.2 s, and 1 s pauses again, so that it hears us
 *
 * What may be dialled is a list that is taken over as a name's addresses are (resolver.h), at most once in
 * HOLM_HERALD_LIST_US. A node that is not heard any more goes from it after HOLM_HERALD_AGE_US; one that says goodbye, or
 * that it is elsewhere now, with the next. An address comes to it when the node, and all together, have their turn (H6).
 *
 * Invariants:
 *     H1  nothing is taken that the secret does not vouch for, or of another cluster
 *     H2  in one life no announcement is taken twice: each is later (epoch, number) than what was taken of its node; a node
 *         is remembered for as long as one of it could still pass for new by its time, and the time that it is held against
 *         goes on from each moment in which one was taken, and never falls below that, nor stands still, whatever becomes of
 *         the system's clock. A new life knows nothing of the former: it takes what was said HOLM_HERALD_DRIFT_MS before it
 *         began, or before the time that its clock is set back to while it has heard nobody, once. No number of nodes makes
 *         room for one: who comes when the table is full is left out
 *     H3  it announces at most every HOLM_HERALD_GAP_US, whatever is heard
 *     H4  memory is bounded, and taken when it begins
 *     H5  an address is held to the rules for one that is written (holm_address_objection()); one that leads to the own
 *         machine is taken on its loopback interface alone
 *     H6  no words make it dial fast: HOLM_HERALD_COME_BURST addresses come to the list at once, HOLM_HERALD_COME_RATE a
 *         second beyond that, those that wait longest first; of one node one in HOLM_HERALD_MOVE_US, the first and the one
 *         after that (a restart) apart
 *
 * Of time: the sender's clock may be HOLM_HERALD_DRIFT_MS off. Set back by hours, it is not heard, and counted as stale; and
 * so is an epoch, which begins with the time of its opening, that lies ahead: else one datagram with the last of all epochs
 * would make a node unheard for ever.
 */
#ifndef HOLM_NODE_HERALD_H
#define HOLM_NODE_HERALD_H

#include "node/announcement.h"
#include "node/roster.h"

#define HOLM_HERALD_NODES_MAX 512
#define HOLM_HERALD_PAUSE_US UINT64_C(1000000)
#define HOLM_HERALD_PAUSE_US_MAX UINT64_C(30000000)
#define HOLM_HERALD_ALONE_US UINT64_C(5000000) /* the longest pause while nobody is up */
#define HOLM_HERALD_ANSWER_US UINT64_C(200000)
#define HOLM_HERALD_GAP_US UINT64_C(500000)
#define HOLM_HERALD_AGE_US UINT64_C(120000000)
#define HOLM_HERALD_DRIFT_MS UINT64_C(120000)
#define HOLM_HERALD_LIST_US UINT64_C(1000000)
#define HOLM_HERALD_MOVE_US UINT64_C(30000000)
#define HOLM_HERALD_COME_RATE 16
#define HOLM_HERALD_COME_BURST 64

struct holm_herald;

struct holm_herald_config {
    struct holm_allocator allocator;
    struct holm_secret *secret; /* borrowed */
    uint64_t random_seed;
    bool tls, insecure;
    bool loopback; /* it listens on the loopback interface */
};

/* Who announces. */
struct holm_herald_self {
    struct holm_actor actor;
    char address[HOLM_ADDRESS_BYTES_MAX +
                 1]; /* complete; "": it is not dialled, and asks who is there */
    bool alone;      /* nobody is up */
};

struct holm_herald_figures {
    uint64_t heard;   /* addresses that may be dialled, as listed last */
    uint64_t waiting; /* nodes whose address has yet to come to the list, as of the last tick */
    uint64_t taken;
    uint64_t malformed, unauthentic, foreign; /* announcement.h */
    uint64_t
        stale; /* its clock, or ours, is off, or was when somebody was heard; or it is an old one */
    uint64_t replayed;
    uint64_t left_out; /* the table is full */
    uint64_t refused;  /* nodes whose address may not be dialled from here, now */
};

/* `config` is borrowed for the call, but for its secret, which must live longer.
 *   HOLM_ENOMEM  *herald is NULL */
HOLM_NODISCARD enum holm_status holm_herald_new(const struct holm_herald_config *config,
                                                struct holm_herald **herald);
void holm_herald_free(struct holm_herald *herald); /* NULL is allowed */

/* Takes a datagram, whatever it holds: what is not taken is counted, and changes nothing else. Own ones, which come back,
 * are passed over. O(nodes) for each address that comes */
void holm_herald_take(struct holm_herald *herald, struct holm_bytes bytes, struct holm_actor self,
                      struct holm_now now);

/* Lets what is old go and what waits come, and writes an announcement if it is time for one: returns its size, or 0. It
 * counts as sent, for the pauses. *due_us: when to call next, unless something is taken before. O(nodes) for each address
 * that comes */
size_t holm_herald_tick(struct holm_herald *herald, const struct holm_herald_self *self,
                        struct holm_now now, uint8_t bytes[HOLM_ANNOUNCEMENT_BYTES_MAX],
                        uint64_t *due_us);
/* Announces anew as at the beginning: what was sent went nowhere. */
void holm_herald_hurry(struct holm_herald *herald, struct holm_now now);
/* The last announcement: it is not dialled any more. Returns its size. */
size_t holm_herald_farewell(struct holm_herald *herald, struct holm_actor self, struct holm_now now,
                            uint8_t bytes[HOLM_ANNOUNCEMENT_BYTES_MAX]);

/* Whether list() has something new to tell, and may be called again (HOLM_HERALD_LIST_US). */
bool holm_herald_changed(const struct holm_herald *herald, struct holm_now now);
/* Writes what may be dialled, at most HOLM_HERALD_NODES_MAX addresses, each once; returns how many. *refused, if
 * there is any that may not: one of them, and why; else both "". O(nodes squared) */
struct holm_herald_refused {
    struct holm_roster_text address;
    const char *why; /* a text that is never freed */
};
size_t holm_herald_list(struct holm_herald *herald, struct holm_now now,
                        struct holm_roster_text *texts, struct holm_herald_refused *refused);
void holm_herald_figures(const struct holm_herald *herald, struct holm_herald_figures *figures);

#endif

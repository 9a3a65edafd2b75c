/* SPDX-License-Identifier: Apache-2.0 */
/*
 * herald.h - when a node announces itself, and whom it has heard: a machine without I/O.
 *
 *     begin          1 s    2 s      4 s          8 s  ...  30 s        pauses between announcements, each half to one and a half
 *       |-|----------|------|--------|------------|-------- ... ---|    of this
 *                              ^ a newcomer is heard: within 0.2 s, and 1 s pauses again, so that it hears us
 *
 * What may be dialled is a list that is taken over as a name's addresses are (resolver.h). A node that is not heard any more
 * goes from it after HOLM_HERALD_AGE_US; one that says goodbye, or that it is elsewhere now, at once.
 *
 * Invariants:
 *     H1  nothing is taken that the secret does not vouch for, or of another cluster
 *     H2  no announcement is taken twice: each is later (epoch, number) than what was taken of its node; a node is remembered
 *         for as long as one of it could still pass for new by its time. No number of nodes makes room for one: who
 *         comes when the table is full is left out
 *     H3  it announces at most every HOLM_HERALD_GAP_US, whatever is heard
 *     H4  memory is bounded, and taken when it begins
 *     H5  an address is held to the rules for one that is written (holm_address_objection()); one that leads to the own
 *         machine is taken on its loopback interface alone
 *
 * Of time: the sender's clock may be HOLM_HERALD_DRIFT_MS off. Set back by hours, it is not heard, and counted as stale.
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
    uint64_t heard; /* nodes that may be dialled now */
    uint64_t taken;
    uint64_t malformed, unauthentic, foreign; /* announcement.h */
    uint64_t stale;                           /* its clock, or ours, is off; or it is an old one */
    uint64_t replayed;
    uint64_t left_out; /* the table is full */
    uint64_t refused;  /* nodes whose address may not be dialled from here, now */
};

/* HOLM_ENOMEM */
HOLM_NODISCARD enum holm_status holm_herald_new(const struct holm_herald_config *config,
                                                struct holm_herald **herald);
void holm_herald_free(struct holm_herald *herald); /* NULL is allowed */

/* Takes a datagram, whatever it holds. Own ones, which come back, are passed over. O(nodes) */
void holm_herald_take(struct holm_herald *herald, struct holm_bytes bytes, struct holm_actor self,
                      struct holm_now now);

/* Lets what is old go, and writes an announcement if it is time for one: returns its size, or 0. *due_us: when to call
 * next, unless something is taken before. O(nodes) */
size_t holm_herald_tick(struct holm_herald *herald, const struct holm_herald_self *self,
                        struct holm_now now, uint8_t bytes[HOLM_ANNOUNCEMENT_BYTES_MAX],
                        uint64_t *due_us);
/* Announces anew as at the beginning: what was sent went nowhere. */
void holm_herald_hurry(struct holm_herald *herald, struct holm_now now);
/* The last announcement: it is not dialled any more. Returns its size. */
size_t holm_herald_farewell(struct holm_herald *herald, struct holm_actor self, struct holm_now now,
                            uint8_t bytes[HOLM_ANNOUNCEMENT_BYTES_MAX]);

/* Whether what may be dialled has changed since the last call of list(). */
bool holm_herald_changed(const struct holm_herald *herald);
/* Writes what may be dialled, at most HOLM_HERALD_NODES_MAX addresses, each once; returns how many. *refused, if
 * there is any that may not: one of them, and why; else both "". O(nodes squared) */
struct holm_herald_refused {
    struct holm_roster_text address;
    const char *why;
};
size_t holm_herald_list(struct holm_herald *herald, struct holm_roster_text *texts,
                        struct holm_herald_refused *refused);
void holm_herald_figures(const struct holm_herald *herald, struct holm_herald_figures *figures);

#endif

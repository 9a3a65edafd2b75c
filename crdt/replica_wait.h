/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replica_wait.h - what somebody who waits asks of a replica: what is here, who else has it, what peers have.
 *
 *     HOLM_EVENT_HEAR  ->  Pull to each peer that is up    ->  Deltas: all that it has, and is not here
 *     number n                                                 ... applied: heard(peer) >= n
 *
 * That is an ordinary pull, and an ordinary answer: nothing on the wire tells why it was asked. Each Pull is answered
 * by one Deltas, in order, so they are counted: the answer to a pull that was sent earlier says nothing of what the
 * peer has now. Whoever comes while an answer is waited for gets the next one, along with all others that
 * have come meanwhile; so a peer is asked once at a time, however many wait.
 *
 *     number     1 asked ........ answered
 *                    2, 3 wait            asked (as 3) ....... answered: heard 3
 *
 * An answer that is refused, for want of memory, leaves a count behind that later answers make up for: what is late is
 * asked again.
 */
#ifndef HOLM_CRDT_REPLICA_WAIT_H
#define HOLM_CRDT_REPLICA_WAIT_H

#include "crdt/replica.h"

/* What is known of an operation, or of several. */
enum holm_presence {
    HOLM_PRESENCE_HERE = 1,    /* it is applied, or pending */
    HOLM_PRESENCE_MISSING = 2, /* not yet */
    HOLM_PRESENCE_LOST = 3     /* its epoch is folded, and nobody had it then: it never comes */
};

/* O(log actors), and O(log folds) for a folded epoch. */
enum holm_presence holm_replica_presence(const struct holm_replica *replica, struct holm_dot dot);

/* The same of all that a vector, which is valid, tells of. O(vector log actors). */
enum holm_presence holm_replica_presence_of(const struct holm_replica *replica,
                                            struct holm_vector_view vector);

/*
 * Whether a peer that is up is known to have an operation that is here, be it of whomever: its vector is equal, or
 * it reported it, or it has an operation of this actor behind `mark`. That is what was sealed here when
 * it was already applied: whatever is sealed later names it as a cause. A mark of another actor: none.
 */
bool holm_replica_peer_shares(const struct holm_replica *replica, uint32_t peer,
                              struct holm_dot dot, struct holm_dot mark);
/* What is sealed of the present actor; seq 0: nothing. */
struct holm_dot holm_replica_mark(const struct holm_replica *replica);

/* With retention `stable`: whether it is sealed here, and each other member has reported it. */
bool holm_replica_is_stable(const struct holm_replica *replica, struct holm_dot dot);

/* The number of the last HOLM_EVENT_HEAR; and the highest of which a peer that is up has told all that it had, and
 * it is applied here. 0: none. */
uint64_t holm_replica_hearing(const struct holm_replica *replica);
uint64_t holm_replica_heard_from(const struct holm_replica *replica, uint32_t peer);

/*
 * Visits the keys of all runs of the op log that are not in `since`, in causal order, with who wrote the run; a key may
 * come several times. The vector must be valid, and nothing pending. O(runs in the log + items).
 *   HOLM_ENOENT  the log does not reach back so far, or `since` has something that is not here: nothing is visited
 */
typedef void holm_change_visitor(void *context, struct holm_bytes key, struct holm_actor writer);
HOLM_NODISCARD enum holm_status holm_replica_visit_changes(const struct holm_replica *replica,
                                                           struct holm_vector_view since,
                                                           holm_change_visitor *visit,
                                                           void *context);

#endif

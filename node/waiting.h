/* SPDX-License-Identifier: Apache-2.0 */
/*
 * waiting.h - how a call waits: look, ask, sleep until something has happened, look again.
 *
 *     wait_seen.c   holm_wait_seen, holm_wait_stable       what peers have of what is here
 *     wait_read.c   holm_wait_applied, _heard, _reached    what is here of what peers have
 *     wait.c        holm_wait_peers, holm_wait_durable
 *
 * The I/O thread counts a turn whenever something may have changed; who waits looks, and sleeps until the turn is
 * another. Peers are asked again now and then, since a question may be lost with its link.
 */
#ifndef HOLM_NODE_WAITING_H
#define HOLM_NODE_WAITING_H

#include "node/engine_wait.h"
#include "node/node.h"

struct holm_waiting {
    /* HOLM_OK: it is so. HOLM_ETIMEDOUT: not yet. Anything else ends the wait, too. */
    enum holm_status (*look)(struct holm_node *node, void *context);
    /* NULL: there is nobody to be asked. An error ends the wait. */
    enum holm_status (*ask)(struct holm_node *node, void *context);
    void *context;
};

/* What the last look or ask said; HOLM_ETIMEDOUT after so long, HOLM_ECLOSED when the node has ended meanwhile. */
HOLM_NODISCARD enum holm_status holm_node_wait(struct holm_node *node,
                                               const struct holm_waiting *waiting,
                                               uint32_t timeout_ms);

/* How many peers that is just now: HOLM_MAJORITY and HOLM_ALL as numbers. UINT32_MAX when nobody knows. */
uint32_t holm_node_peers_meant(struct holm_node *node, uint32_t peers);

/* Whether a receipt is one of this node's present life. */
bool holm_node_wrote(struct holm_node *node, const struct holm_receipt *receipt);

/* The last operation of a receipt that has some. */
static inline struct holm_dot holm_receipt_last(const struct holm_receipt *receipt)
{
    return (struct holm_dot){receipt->first.actor, receipt->first.seq + receipt->count - 1};
}

/* HOLM_EINVAL: there is no such partition; as holm_node_check(). */
HOLM_NODISCARD enum holm_status holm_receipt_check(struct holm_node *node,
                                                   const struct holm_receipt *receipt);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fault.h - break the network on purpose, per peer and direction, without privileges.
 *
 * A netsplit between real processes is made by cutting, at each node, what it sends to and takes
 * from the nodes of the other side. A cut drops broadcasts and link frames silently, as a dead
 * wire does: links then time out, dials do not get through, and everything heals by itself once
 * the cut is taken away. Meant for tests and simulations; costs one look-up a frame.
 */
#ifndef HOLM_FAULT_H
#define HOLM_FAULT_H

#include <holm/holm.h>

#ifdef __cplusplus
extern "C" {
#endif

enum holm_direction {
    HOLM_OUTGOING = 1,
    HOLM_INCOMING = 2,
    HOLM_BOTH = 3
};

/*
 * Drops each frame from (HOLM_INCOMING) or to (HOLM_OUTGOING) the node `peer` with a probability
 * of `permille` in 1,000: 1,000 is a cut, 0 heals. The peer need not be known yet. Outgoing
 * broadcasts reach every subscriber alike, so they are cut at the receiver: an outgoing cut covers
 * link frames; pair it with an incoming one at the other side for a whole cut.
 *   HOLM_EINVAL  permille is over 1,000, or the direction is none
 *   HOLM_ELIMIT  more than 1,024 peers have faults
 */
HOLM_API HOLM_NODISCARD enum holm_status holm_fault_drop(struct holm_node *node,
                                                         struct holm_node_id peer,
                                                         enum holm_direction direction,
                                                         uint32_t permille);

/* Takes every fault away. */
HOLM_API void holm_fault_heal(struct holm_node *node);

/* The id of a node that is opened with this name and no explicit id. */
HOLM_API struct holm_node_id holm_node_id_of(const char *name);

#ifdef __cplusplus
}
#endif

#endif

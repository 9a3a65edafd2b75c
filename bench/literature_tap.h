/* SPDX-License-Identifier: Apache-2.0 */
/*
 * literature_tap.h - a transport that counts what goes through it.
 *
 *     engine -> tap -> the virtual network's transport
 *
 * A frame on a link is counted once, a broadcast once for each who has subscribed at that time, each
 * with the 4 bytes of its length; elements and metadata as sim/tally.h counts them. Payload are frames
 * that carry runs or pages of state.
 */
#ifndef HOLM_BENCH_LITERATURE_TAP_H
#define HOLM_BENCH_LITERATURE_TAP_H

#include "bench/literature_graph.h"
#include "sim/network.h"
#include "sim/tally.h"

struct literature_traffic {
    struct holm_tally tally;
    uint64_t bytes, payload_bytes;
};

/* Of all nodes of a run. Starts as {0}. */
struct literature_meter {
    struct literature_traffic links, broadcasts;
    struct literature_traffic types[HOLM_MESSAGE_TYPE_MAX + 1]; /* both together, by message */
    uint32_t subscribers[LITERATURE_NODES_MAX];                 /* of each node's publisher */
};

#define LITERATURE_ADDRESS_BYTES 32

/* virtual://NUMBER */
void literature_address(uint32_t node, char address[LITERATURE_ADDRESS_BYTES]);

/* The transport of a node. The meter and the network are borrowed until its close(). */
struct holm_transport *literature_tap_open(struct holm_network *network, uint32_t node,
                                           struct literature_meter *meter);

#endif

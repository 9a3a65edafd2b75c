/* SPDX-License-Identifier: Apache-2.0 */
/*
 * events.h - the streams of <holm/events.h>, as a node has them.
 */
#ifndef HOLM_NODE_EVENTS_H
#define HOLM_NODE_EVENTS_H

#include "node/node.h"

/* Tells all streams: the engine's `changed`, with the node as its context. */
void holm_node_changed(void *context, const struct holm_peer_event *event);

#endif

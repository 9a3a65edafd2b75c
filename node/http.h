/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http.h - a node's pages for monitors (transport/nng_http.h).
 *
 *     /metrics   what holm_metrics() writes
 *     /healthz   200 "ok"; or 503 and why: the store has failed, or the I/O thread is stuck
 *
 * Health is of this process, and does not ask whether there are peers: a node that is cut off works, and to restart it
 * would only lose what it has not told.
 */
#ifndef HOLM_NODE_HTTP_H
#define HOLM_NODE_HTTP_H

#include "node/node.h"

/* The I/O thread should have looked around: for so long it may not have. */
#define HOLM_HTTP_STUCK_US 10000000

/* Listens at `url`, for a node that is open; notes in the log when that fails, or is not loopback. Errors of
 * holm_http_open(). */
HOLM_NODISCARD enum holm_status holm_node_http_open(struct holm_node *node, const char *url);
/* Before the node's engine is freed. Nothing, when it is not open. */
void holm_node_http_close(struct holm_node *node);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * node.h - the groups of bench_node: whole nodes, through the public API.
 *
 *     node_live.c   one put and many, from a thread to the peers; what an idle cluster says
 *     node_heal.c   splits that heal, and nodes that come empty
 */
#ifndef HOLM_BENCH_NODE_H
#define HOLM_BENCH_NODE_H

#include "bench/report.h"

void node_visible(struct report *report);
void node_local(struct report *report);
void node_live(struct report *report);
void node_heal(struct report *report);
void node_empty(struct report *report);
void node_idle(struct report *report);

#endif

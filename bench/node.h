/* SPDX-License-Identifier: Apache-2.0 */
/*
 * node.h - the groups of bench_node: whole nodes, through the public API.
 *
 *     node_live.c   one put and many, from a thread to the peers; what an idle cluster says
 *     node_heal.c   splits that heal, and nodes that come empty
 *     node_notice.c a node whose process dies or freezes, and who notices
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
void node_notice(struct report *report);
void node_compact(struct report *report);
void node_beside_sync(struct report *report);
void node_start(struct report *report);

/* The program as a node of its own, which dials the seed and lives until its stdin ends; how node_notice()
 * calls it. The exit status. */
#define NODE_VICTIM_OPTION "--victim"
int node_victim(const char *seed);

#endif

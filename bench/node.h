/* SPDX-License-Identifier: Apache-2.0 */
/*
 * node.h - the groups of bench_node: whole nodes, through the public API.
 *
 *     node_live.c   one put and many, from a thread to the peers; what an idle cluster says
 *     node_heal.c   splits that heal, and nodes that come empty
 */
#ifndef HOLM_BENCH_NODE_H
#define HOLM_BENCH_NODE_H

#include "bench/measure.h"

void node_visible(struct measure_report *report);
void node_local(struct measure_report *report);
void node_live(struct measure_report *report);
void node_heal(struct measure_report *report);
void node_empty(struct measure_report *report);
void node_idle(struct measure_report *report);

#endif

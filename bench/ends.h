/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ends.h - the groups of bench_ends: nodes from end to end, each a process of its own on the loopback interface.
 *
 *     ends.c          each group in a process of its own: one that fails, or takes too long, is told, and the next goes on
 *     ends_writes.c   one writer, and 1, 3 and 8 peers: how fast all have what it writes, and what that costs
 *     ends_visible.c  from a put in one process until another has read it: idle, and beside half the load
 *     ends_catch.c    splits that heal, nodes that come empty, and one that has missed something
 *     ends_many.c     idle nodes: memory, traffic, CPU; and fifty of them
 *
 * Where redis-tools is installed a primary and replicas do what has a counterpart there, in turns with holm.
 */
#ifndef HOLM_BENCH_ENDS_H
#define HOLM_BENCH_ENDS_H

#include "bench/report.h"

void ends_writes_one(struct report *report);
void ends_writes_three(struct report *report);
void ends_writes_eight(struct report *report);
void ends_visible(struct report *report);
void ends_split(struct report *report);
void ends_join(struct report *report);
void ends_million(struct report *report); /* not with --quick */
void ends_missed(struct report *report);
void ends_idle(struct report *report);
void ends_fifty(struct report *report);

/* Removes a directory and all in it, if it is there. */
void ends_forget(const char *path);

/* The program as one node (ends_node.c), which is how the groups start it: NAME SEEDS STORE. It dies with the process
 * that has started it. The exit status. */
#define ENDS_NODE_OPTION "--node"
int ends_node_main(char **argv);

#endif

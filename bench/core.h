/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core.h - the groups of bench_core: what single replicas and the codec cost, without a node.
 *
 *     core_write.c    local operations, one by one and in batches
 *     core_delta.c    sealing, encoding, decoding and applying runs, and their bytes
 *     core_merge.c    bringing two states together
 *     core_digest.c   the digest tree
 *     core_reconcile.c  making one of two states by what differs
 *     core_read.c     registers and scans
 *     core_order.c    what keeping keys in order costs, and gains
 *     core_set.c      a set of 100,000 elements in one record
 *     core_memory.c   what records and cells weigh
 */
#ifndef HOLM_BENCH_CORE_H
#define HOLM_BENCH_CORE_H

#include "bench/report.h"

void core_write(struct report *report);
void core_delta(struct report *report);
void core_merge(struct report *report);
void core_catch(struct report *report);
void core_digest(struct report *report);
void core_reconcile(struct report *report);
void core_set(struct report *report);
void core_read(struct report *report);
void core_order(struct report *report);
void core_memory(struct report *report);

#endif

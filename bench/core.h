/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core.h - the groups of bench_core: what single replicas and the codec cost, without a node.
 *
 *     core_write.c   local operations, one by one and in batches
 *     core_delta.c   sealing, encoding, decoding and applying runs, and their bytes
 *     core_state.c   merging, reading, fingerprints, memory
 */
#ifndef HOLM_BENCH_CORE_H
#define HOLM_BENCH_CORE_H

#include "bench/measure.h"

void core_write(struct measure_report *report);
void core_delta(struct measure_report *report);
void core_merge(struct measure_report *report);
void core_read(struct measure_report *report);
void core_memory(struct measure_report *report);

#endif

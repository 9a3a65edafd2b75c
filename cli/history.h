/* SPDX-License-Identifier: Apache-2.0 */
/*
 * history.h - the runs of a partition that a store still has, as far as they touch one key.
 *
 *     state        what a:1 .. a:7, b:1 .. b:3 came to        no run of these is stored any more, or ever was
 *     runs    |    a:8..9   b:4   a:10                       what each operation replaced is known
 *             since
 *
 * Runs give way to a state when they have outgrown it, and a state that a peer sent never had any here. What an
 * operation replaced stands in its run alone.
 */
#ifndef HOLM_CLI_HISTORY_H
#define HOLM_CLI_HISTORY_H

#include "crdt/delta.h"

/* All zero but the allocator and the key: no run. */
struct holm_history {
    struct holm_allocator allocator;
    struct holm_bytes key;
    struct holm_delta **runs; /* those that touch the key, in causal order; retained */
    size_t count, capacity;
    uint64_t stored;    /* runs of the partition, whatever they touch */
    uint64_t since_hlc; /* the oldest stamp in them; 0: there is none */
};

/* Notes a run, as the store gives it. HOLM_ENOMEM */
HOLM_NODISCARD enum holm_status holm_history_take(struct holm_history *history,
                                                  struct holm_delta *run);
void holm_history_release(struct holm_history *history);

/* The item that put the cell of this dot, and its run, until release; NULL: its run is not stored. O(items) */
const struct holm_item *holm_history_find(const struct holm_history *history, struct holm_dot dot,
                                          const struct holm_delta **run);

#endif

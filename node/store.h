/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store.h - the table between an engine and what survives it.
 *
 * A store keeps, per partition, the runs that were sealed or applied. What a step puts out may
 * depend on its runs, so the engine appends first and sends only after append() returned:
 *
 *     step -> append(runs) -> outbox
 *
 * A sync brings what no run tells of. Then the whole state is saved, in place of what was stored:
 *
 *     load: saved() if there is something, then the runs appended since
 *
 * Rules for implementers:
 *     S1  after append() returned HOLM_OK, load() gives these runs in a later life, or (a store
 *         that keeps nothing) nothing at all; never a part of what one append() was given
 *     S2  append() keeps no pointer into a run
 *     S3  calls for different partitions may come from different threads at once; calls for one
 *         partition come one at a time
 * A store that has failed once stays failed: the engine then mutes the partition, which neither
 * writes nor sends any more, since peers must not see what would be forgotten.
 */
#ifndef HOLM_NODE_STORE_H
#define HOLM_NODE_STORE_H

#include "crdt/delta.h"

struct holm_store;

struct holm_store_ops {
    /* Gives every stored run of a partition to `take`, in causal order. What `take` refuses ends
     * the load with its status. HOLM_EIO, HOLM_EMALFORMED, HOLM_ENOMEM */
    enum holm_status (*load)(struct holm_store *store, uint32_t partition,
                             enum holm_status (*take)(void *context, struct holm_delta *delta),
                             void *context);
    /* Runs of one partition, in causal order; count >= 1. HOLM_EIO, HOLM_ENOMEM */
    enum holm_status (*append)(struct holm_store *store, uint32_t partition,
                               struct holm_delta *const *deltas, size_t count);
    /* Closes and frees the store. */
    void (*close)(struct holm_store *store);
    /* A snapshot (proto/snapshot.h) in place of all that was stored of a partition; after a failure
     * that is still there. NULL, as below: a store that keeps nothing. HOLM_EIO, HOLM_ENOMEM */
    enum holm_status (*save)(struct holm_store *store, uint32_t partition,
                             struct holm_bytes snapshot);
    /* What was saved last, or nothing; borrowed until the next save() or close(). */
    struct holm_bytes (*saved)(struct holm_store *store, uint32_t partition);
};

/* What every implementation's struct begins with. */
struct holm_store {
    const struct holm_store_ops *ops;
};

/* A store that keeps nothing: each life starts empty, and is made whole by its peers. It has no
 * memory of its own, so that any number of nodes may share it, and close() does nothing. */
struct holm_store *holm_store_memory(void);

#endif

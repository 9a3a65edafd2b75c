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
 * It may be saved piece by piece, of a moment that has passed meanwhile; the runs since then stay:
 *
 *     cut(p)  append(p, runs)  piece(p)  piece(p)  append(p, runs)  piece(p)  seal(p)
 *
 * The runs behind a sync say nothing without the state that it brought. So that pieces may take their time there too,
 * these runs await it: unless it is sealed, a later life finds the partition as it was before the sync.
 *
 *     sync:   await(p)  append(p, runs)  cut(p)  piece(p)  append(p, runs)  piece(p)  seal(p)
 *
 * Beside them a partition has a journal: batches of operations that have no dots yet, since the
 * epoch was no member when they were written (crdt/journal.h). save() leaves it alone. When they are
 * minted, they go from the journal in one piece with the runs that they have become, with the state
 * that these build upon, and with the list that says that the epoch may mint:
 *
 *     begin   save(p0) save(p1) .. append(p0, runs) .. journal_clear(p0) ..   end
 *
 * And the store as a whole has the highest epoch that its node lived under, so that a life that opens
 * it can take a higher one whatever its clock says.
 *
 * Rules for implementers:
 *     S1  what a later life finds is what the calls up to some moment have made, in their order, of all
 *         partitions together: a tail of calls may be lost, never a call before one that is there, and
 *         never a part of what one call was given. A store that keeps nothing loses all. Behind await() a tail of that
 *         partition alone may be lost, from there on
 *     S2  no pointer into what a call was given is kept
 *     S3  calls for different partitions may come from different threads at once; calls for one
 *         partition come one at a time
 *     S4  between begin() and end() is one call in the sense of S1, of whatever thread. It is on the disk
 *         when end() returns, and so is all that came before, and an epoch when epoch_raise() does
 * A store that has failed once stays failed: the engine then mutes the partition, which neither
 * writes nor sends any more, since peers must not see what would be forgotten.
 *
 * A store that keeps nothing has NULL in place of all calls behind close().
 */
#ifndef HOLM_NODE_STORE_H
#define HOLM_NODE_STORE_H

#include "crdt/delta.h"

struct holm_store;

struct holm_store_figures {
    uint64_t queue_bytes, file_bytes;
};

struct holm_store_ops {
    /* Gives every stored run of a partition to `take`, in causal order. What `take` refuses ends
     * the load with its status. HOLM_EIO, HOLM_EMALFORMED, HOLM_ENOMEM */
    enum holm_status (*load)(struct holm_store *store, uint32_t partition,
                             enum holm_status (*take)(void *context, struct holm_delta *delta),
                             void *context);
    /* Runs of one partition, in causal order; count >= 1. HOLM_EIO, HOLM_ENOMEM */
    enum holm_status (*append)(struct holm_store *store, uint32_t partition,
                               struct holm_delta *const *deltas, size_t count);
    /* Closes and frees the store; what it was given is on the disk then, unless it has failed. */
    void (*close)(struct holm_store *store);

    /* A snapshot (proto/snapshot.h) in place of all that was stored of a partition but its journal;
     * after a failure that is still there. HOLM_EIO, HOLM_ENOMEM */
    enum holm_status (*save)(struct holm_store *store, uint32_t partition,
                             struct holm_bytes snapshot);
    /* What was saved last, or nothing; borrowed until the next save() or close(). */
    struct holm_bytes (*saved)(struct holm_store *store, uint32_t partition);

    /* A batch (proto/batch.h) behind those that are there. HOLM_EIO, HOLM_ENOMEM */
    enum holm_status (*journal_add)(struct holm_store *store, uint32_t partition,
                                    struct holm_bytes batch);
    /* Gives all batches to `take`, the oldest first; as load(). */
    enum holm_status (*journal_load)(struct holm_store *store, uint32_t partition,
                                     enum holm_status (*take)(void *context,
                                                              struct holm_bytes batch),
                                     void *context);
    /* All batches of a partition go. HOLM_EIO */
    enum holm_status (*journal_clear)(struct holm_store *store, uint32_t partition);

    /* The highest epoch that was noted, or 0; and a higher one. HOLM_EIO. Blocks until it is on the disk. */
    struct holm_epoch (*epoch)(struct holm_store *store);
    enum holm_status (*epoch_raise)(struct holm_store *store, struct holm_epoch epoch);

    /* S4. One at a time. After HOLM_EIO from begin() there is nothing to end. Not `whole`, or an error:
     * nothing of it has happened, and the store has failed. end() blocks until all is on the disk. */
    enum holm_status (*begin)(struct holm_store *store);
    enum holm_status (*end)(struct holm_store *store, bool whole);

    /* Blocks until all that was given before is on the disk, for at most so long. HOLM_ETIMEDOUT, HOLM_EIO */
    enum holm_status (*sync)(struct holm_store *store, uint64_t timeout_us);
    /* A snapshot in pieces, for who cannot wait until a whole one is made: in place of what was stored before the cut,
     * journal apart; what has been appended since stays. Before seal() nothing has changed for a later life. What
     * was cut and not sealed is given up by the next cut() or save(). All NULL: states are saved whole.
     *   HOLM_EBUSY  of piece() alone: nothing was taken, the disk is far behind; again later. HOLM_EIO, HOLM_ENOMEM */
    enum holm_status (*cut)(struct holm_store *store, uint32_t partition);
    enum holm_status (*piece)(struct holm_store *store, uint32_t partition,
                              struct holm_bytes piece);
    enum holm_status (*seal)(struct holm_store *store, uint32_t partition);

    /* What is appended to a partition from here on counts for a later life when a state does that was cut or saved since:
     * then all of it, before that nothing. For stores that have cut(). HOLM_EIO, HOLM_ENOMEM */
    enum holm_status (*await)(struct holm_store *store, uint32_t partition);

    /* Whether it has failed, so that writes can be refused before they are made. Any thread; O(1), no lock. NULL: who
     * appends learns of it. */
    bool (*failed)(struct holm_store *store);

    /* What waits to be written, and how large what is there has become. Any thread. NULL: nothing is known of it. */
    void (*figures)(struct holm_store *store, struct holm_store_figures *figures);

    /* Whether the runs of a partition have become so many that its state should be saved in their place. O(1) */
    bool (*bulky)(struct holm_store *store, uint32_t partition);
};

/* What every implementation's struct begins with. */
struct holm_store {
    const struct holm_store_ops *ops;
};

/* A store that keeps nothing: each life starts empty, and is made whole by its peers. It has no
 * memory of its own, so that any number of nodes may share it, and close() does nothing. */
struct holm_store *holm_store_memory(void);

/* Whether it keeps anything. */
static inline bool holm_store_keeps(const struct holm_store *store)
{
    return store->ops->save != NULL;
}

#endif

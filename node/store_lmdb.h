/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_lmdb.h - a store in a directory, by LMDB; with a thread that writes it.
 *
 *     append(p3, runs)  ---+
 *     journal_add(p0)  ----+--> queue --> the writer: one transaction for all that waits, then fsync
 *     append(p7, runs)  ---+                  \-> whoever waits in sync() goes on
 *
 * A call copies what it was given into the queue, and returns: no caller but those of sync(), begin(), end() and
 * epoch_raise() waits for a disk. While the writer waits for its disk the queue fills, and all of that is the next
 * transaction: the slower the disk, the larger the groups. The queue is bounded; who would overfill it waits.
 *
 *     meta     "format" "epoch" "node" "cluster" "partitions" "retention"
 *     state    partition, generation, piece -> up to a MiB of a snapshot
 *     state    partition, generation, last  -> the snapshot is not sealed; the number of the first run behind its cut
 *     runs     partition, number     -> check, then frames, each with its size before it; none: what is behind it
 *                                       awaits a state
 *     journal  partition, number     -> check, batch
 *
 * Keys are big-endian, checks XXH3-64 of what follows: LMDB has none of its own.
 *
 * Invariants:
 *     L1  all of a transaction is in the file, or none of it (LMDB's own promise: pages are copied on write, and the
 *         page that names the new root is written last, after a sync)
 *     L2  transactions hold calls in the order they were made, of all partitions; between begin() and end() none ends
 *     L3  one process has the directory open for writing: it holds a lock on it
 *     L4  once a transaction has failed, none is tried again, and every call is HOLM_EIO; the file is as before
 *     L5  of a partition one state at most is sealed; what is not is older than nothing that counts: it is not read, and
 *         goes with the next
 *     L6  runs are read up to the first that awaits a state, and no further; who opens the file to write takes away what is
 *         behind it before anything is added. The seal of a state, or a whole one, takes it away with the runs before
 *
 * A new file is made under another name, and renamed.
 *
 * How large it gets: a partition asks to be saved (bulky()) when its runs are larger than twice its state and than a
 * MiB; while it is, both states are there and the runs since. So the file is at most five times the states and a MiB a
 * partition; what a transaction frees, the next but one uses. The file never shrinks, not even when all is buried: a
 * restored backup is as small as what is in it.
 *
 * Source: Chu, "MDB: A Memory-Mapped Database and Backend for OpenLDAP", LDAPCon 2011; for groups, DeWitt et al.,
 * "Implementation Techniques for Main Memory Database Systems", SIGMOD 1984, section 5.2.
 */
#ifndef HOLM_NODE_STORE_LMDB_H
#define HOLM_NODE_STORE_LMDB_H

#include "node/log.h"
#include "node/store.h"

struct holm_store_lmdb_config {
    struct holm_allocator allocator; /* thread-safe */
    const char *directory; /* made, with 0700, if it is not there; its parent must be. Borrowed */
    struct holm_node_id node; /* whose it is; 0, to look at any: as the file says */
    uint64_t cluster;         /* a hash of its name; 0: as the file says */
    uint32_t partitions;      /* of data; 0: as the file says */
    enum holm_retention retention;
    bool reading; /* nothing is written, and whoever writes may go on: a look at one moment */
    size_t queue_bytes_max; /* 64 MiB */
    size_t map_bytes; /* 256 MiB of addresses to begin with, no memory; doubled when it is full */
    struct holm_log log; /* failures, with what the system says of them */
};

struct holm_store_lmdb_config holm_store_lmdb_config_default(void);

/*
 * Opens a directory, or makes one; starts the writer. What config does not say is what the file says.
 *   HOLM_EBUSY    another process has it open
 *   HOLM_ECLUSTER it is another node's or another cluster's, or has other partitions or another retention
 *   HOLM_EVERSION it was written by a newer version
 *   HOLM_ENOENT   `reading`, and there is none
 *   HOLM_EMALFORMED what is there is no store; HOLM_EIO, HOLM_ENOMEM
 */
HOLM_NODISCARD enum holm_status holm_store_lmdb_open(const struct holm_store_lmdb_config *config,
                                                     struct holm_store **store);

/* What the file says. */
struct holm_store_lmdb_facts {
    struct holm_node_id node;
    struct holm_epoch epoch;
    uint64_t cluster;
    uint32_t partitions;
    enum holm_retention retention;
    uint64_t file_bytes; /* as far as pages are in use, or were */
};
void holm_store_lmdb_facts(struct holm_store *base, struct holm_store_lmdb_facts *facts);

/* How much is stored of a partition, as it was read or written last. */
struct holm_store_lmdb_sizes {
    uint64_t state_bytes, run_bytes, journal_bytes;
};
struct holm_store_lmdb_sizes holm_store_lmdb_sizes(struct holm_store *base, uint32_t partition);

/*
 * Copies the store as it is at one moment, without what is free, into a directory that is not there yet or empty;
 * synced when it returns. The store may be written meanwhile, by this process or another.
 *   HOLM_EBUSY there is something; HOLM_EIO
 */
HOLM_NODISCARD enum holm_status holm_store_lmdb_copy(struct holm_store *store,
                                                     const char *directory);

#endif

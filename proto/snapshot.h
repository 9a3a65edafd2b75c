/* SPDX-License-Identifier: Apache-2.0 */
/*
 * snapshot.h - the whole state of a replica as bytes: for stores, copies and moves.
 *
 *     "holmsnap"  HEAD  PAGE PAGE ...  FOOT
 *     partition, vector, S |           how many pages and items, digest of the live state
 *                        Cells, as in a SyncPage
 *
 *     a part:  kind (1 byte)  size (4)  bytes  check (16)
 *
 * Numbers are little-endian. A check is XXH3-128 of the bytes, seeded with kind + 256 * size, xor
 * the low half of the check before: so parts cannot be damaged, swapped or left out unnoticed. It
 * finds accidents; who can write the bytes can write the checks.
 *
 * Promises:
 *     N1  loading what was written gives a replica with the same vector, S, digests and content
 *     N2  any bytes give a replica or a status; no memory is given to a part before its check is
 *         right, and counts are believed only when bytes back them
 *     N3  writing what was loaded gives a snapshot that loads to the same again
 */
#ifndef HOLM_PROTO_SNAPSHOT_H
#define HOLM_PROTO_SNAPSHOT_H

#include "crdt/arena.h"
#include "crdt/replica.h"
#include "proto/codec.h"

/* Takes the bytes of a snapshot, piece by piece, in order. A piece is borrowed for the call; what
 * is returned but HOLM_OK ends the writing and is what the writer returns. */
struct holm_snapshot_sink {
    enum holm_status (*write)(void *context, struct holm_bytes piece);
    void *context;
};

/*
 * Writes a cut of a replica that has this configuration. The cut is borrowed, and stays open.
 *   HOLM_ETOOBIG  a page that takes more than 4 GiB
 *   HOLM_ENOMEM, and whatever the sink returns: what it was given is no snapshot
 * O(bytes), in memory for one page.
 */
HOLM_NODISCARD enum holm_status holm_snapshot_write(const struct holm_replica_config *config,
                                                    const struct holm_cut *cut,
                                                    const struct holm_snapshot_sink *sink);

/*
 * The same in pieces, for a cut that comes in pieces (holm_still_open()):
 *
 *     init   begin   pages   pages ...   end   release
 *
 * After an error only release() may follow; the errors are those of holm_snapshot_write().
 */
struct holm_snapshot_writer { /* private */
    struct holm_snapshot_sink sink;
    struct holm_encoder encoder; /* of pages */
    struct holm_arena arena;     /* of head and foot */
    uint64_t seed;
    uint64_t pages, items;
};
void holm_snapshot_writer_init(struct holm_snapshot_writer *writer,
                               const struct holm_allocator *allocator,
                               struct holm_snapshot_sink sink);
void holm_snapshot_writer_release(struct holm_snapshot_writer *writer);
/* The vector and S of the cut, which are borrowed for the call. */
HOLM_NODISCARD enum holm_status holm_snapshot_begin(struct holm_snapshot_writer *writer,
                                                    uint32_t partition,
                                                    struct holm_vector_view vector,
                                                    struct holm_vector_view collected);
HOLM_NODISCARD enum holm_status holm_snapshot_pages(struct holm_snapshot_writer *writer,
                                                    const struct holm_cut *cut);
/* The digest of the cut's live state. */
HOLM_NODISCARD enum holm_status holm_snapshot_end(struct holm_snapshot_writer *writer,
                                                  struct holm_digest digest);

/*
 * A new replica with the snapshot's state: all or nothing. config->self must be an actor that never
 * wrote. *replica is set on success, otherwise NULL.
 *   HOLM_EMALFORMED  no snapshot, a damaged one, or one that is cut off
 *   HOLM_EVERSION    of a newer version: a part, a field or a column that this build does not know
 *   HOLM_ECLUSTER    of another partition, or of a cluster that digests with another seed, or
 *                    that collects, while config->retention is `forever`
 *   HOLM_ETOOBIG     a page of more than config->frame_bytes_max, or more pages than may be staged
 *                    at once (config->sync_bytes_max)
 *   HOLM_ELIMIT      more actors than config->actors_max
 *   HOLM_EDUPLICATE  config->self wrote what is in it
 *   HOLM_EINVAL      as holm_replica_new()
 *   HOLM_ENOMEM
 * O(bytes).
 */
HOLM_NODISCARD enum holm_status holm_snapshot_load(const struct holm_replica_config *config,
                                                   struct holm_bytes bytes, struct holm_now now,
                                                   struct holm_replica **replica);

#endif

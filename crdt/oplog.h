/* SPDX-License-Identifier: Apache-2.0 */
/*
 * oplog.h - the runs applied here, own and others', in causal order: what pulls are served from.
 *
 * Bounded by bytes. What is trimmed raises the floor of its actor: a puller that is below the floor
 * of an actor it needs is told `too_old`, and syncs.
 *
 *     trimmed ... | first ... last | end     a position counts all runs ever: that of a run never changes
 */
#ifndef HOLM_CRDT_OPLOG_H
#define HOLM_CRDT_OPLOG_H

#include "crdt/actors.h"

struct holm_oplog_entry {
    struct holm_delta *delta; /* one reference */
    uint32_t actor;           /* index */
    size_t wire_bytes;        /* an upper bound */
};

struct holm_oplog {
    struct holm_allocator allocator;
    struct holm_oplog_entry *entries; /* a ring; the oldest at `first` */
    size_t first, count, capacity;
    uint64_t trimmed; /* the position of the oldest */
    uint64_t jumps;   /* how often floors rose otherwise than by trimming, as after a sync */
    size_t bytes;     /* of memory held by the runs */
    size_t bytes_max;
};

void holm_oplog_init(struct holm_oplog *log, const struct holm_allocator *allocator,
                     size_t bytes_max);
void holm_oplog_release(struct holm_oplog *log);

/* Makes sure that the next push cannot fail. HOLM_ENOMEM. */
HOLM_NODISCARD enum holm_status holm_oplog_reserve(struct holm_oplog *log);

/* Takes one more reference to the delta; trims what is oldest beyond the bound, and raises the
 * floors in `actors`. The newest run always stays. */
void holm_oplog_push(struct holm_oplog *log, struct holm_actors *actors, struct holm_delta *delta,
                     uint32_t actor);

/* Drops what is oldest, at most so many runs, as long as the frontier covers it: all who may ask have it. */
void holm_oplog_trim(struct holm_oplog *log, struct holm_actors *actors,
                     struct holm_vector_view frontier, size_t runs_max);

/* Empties the log, e.g. to make peers sync: every floor rises to what was applied. */
void holm_oplog_clear(struct holm_oplog *log, struct holm_actors *actors);

/* Entries name actors by other indices: indices[old]. */
void holm_oplog_renumber(struct holm_oplog *log, const uint32_t *indices);

/* An upper bound of what a delta takes on the wire. */
size_t holm_delta_bytes_max(const struct holm_delta *delta);

static inline uint64_t holm_oplog_end(const struct holm_oplog *log)
{
    return log->trimmed + log->count;
}

static inline const struct holm_oplog_entry *holm_oplog_at(const struct holm_oplog *log, size_t i)
{
    HOLM_ASSERT(i < log->count);
    return &log->entries[(log->first + i) % log->capacity];
}

/* Of the newest run, what it takes on the wire at most. */
static inline size_t holm_oplog_last_bytes(const struct holm_oplog *log)
{
    return holm_oplog_at(log, log->count - 1)->wire_bytes;
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * journal.h - what a provisional epoch was told to do, before it may give anything a dot.
 *
 *     add     batch 1:  put k.name "Ada"   add k.n 5
 *             batch 2:  remove k.name
 *     view    k.name  hidden                   what the replica shows of it is not to be seen
 *             k.n     added 5                  to what the replica shows
 *     mint    batch 1, then batch 2, by the replica's own commit, once the epoch is confirmed (admission.h)
 *
 * An operation with a dot lists what it replaces, and tells by S what its writer had collected. A node that
 * was restored from an old store knows neither: a write of its would revive what was buried and collected
 * in the meantime (T38). So it is kept without a dot, is seen at home only, and is minted upon what the
 * confirming cut brought. What that refuses by then (a buried key) is dropped, and the host told.
 *
 * The host keeps the batches in its store, and adds them again after a restart. A batch leaves the store in
 * the same write that brings the run which it was minted as, before that run is sent: else a restart mints
 * it twice.
 *
 * Invariants, verified by holm_journal_check():
 *     J1  batches are not empty, follow upon each other, and cover all operations
 *     J2  nothing follows a bury of its key
 */
#ifndef HOLM_CRDT_JOURNAL_H
#define HOLM_CRDT_JOURNAL_H

#include "crdt/arena.h"
#include "crdt/path.h"

struct holm_journal_op {
    struct holm_op op;      /* all bytes are the journal's */
    struct holm_bytes path; /* packed */
};

struct holm_journal {
    struct holm_allocator allocator;
    struct holm_arena arena;
    struct holm_journal_op *ops;
    size_t *ends; /* of the batches: the index behind the last operation */
    size_t op_count, op_capacity;
    size_t batch_count, batch_capacity;
    size_t minted;                      /* batches that were taken off the front */
    struct holm_arena_mark before_last; /* before the batch that was added last */
    size_t bytes_max;
};

void holm_journal_init(struct holm_journal *journal, const struct holm_allocator *allocator,
                       size_t bytes_max);
void holm_journal_release(struct holm_journal *journal);

/*
 * Adds a batch of count >= 1, copied. All or nothing.
 *   HOLM_EBURIED    a key is buried by an operation before it: in the journal, or in the batch itself.
 *                   Whether the replica holds it buried the host asks first.
 *   HOLM_EOVERFLOW  what is added to one counter would leave 64 bits
 *   HOLM_EINVAL, HOLM_ETOOBIG  as holm_path_pack()
 *   HOLM_ELIMIT     the journal would hold more than bytes_max; HOLM_ENOMEM
 * O(operations in the journal) for each operation.
 */
HOLM_NODISCARD enum holm_status holm_journal_add(struct holm_journal *journal,
                                                 const struct holm_op *ops, size_t count);

/* How many batches wait to be minted. */
static inline size_t holm_journal_count(const struct holm_journal *journal)
{
    return journal->batch_count - journal->minted;
}

/* The oldest batch that waits, of which there must be one. Until it is taken off. */
const struct holm_journal_op *holm_journal_first(const struct holm_journal *journal, size_t *count);

/* Takes the oldest batch off: it was minted, or refused for good. With the last one all memory goes. */
void holm_journal_drop_first(struct holm_journal *journal);

/* Takes the batch off again that was just added, and what it took. */
void holm_journal_drop_last(struct holm_journal *journal);

/* What the waiting operations do to one slot. */
struct holm_journal_view {
    bool buried;             /* the key is: nothing of it is to be seen */
    bool hidden;             /* what the replica shows of the slot is not to be seen */
    bool written;            /* REGISTER, MAX, MIN: `value` is; SET, FLAG: it is there, or on */
    struct holm_value value; /* MAX and MIN: to be held against what the replica shows */
    int64_t added;           /* COUNTER: to what the replica shows, or to 0 when that is hidden */
};

/* `path` is packed, `element` that of a SET. O(operations). */
void holm_journal_look(const struct holm_journal *journal, struct holm_bytes key,
                       struct holm_bytes path, enum holm_kind kind, struct holm_bytes element,
                       struct holm_journal_view *view);

/* J1 and J2. */
void holm_journal_check(const struct holm_journal *journal);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * staged.h - what a sync has brought so far, shown as if it were there already.
 *
 *     frozen   [a]     [c]        this side, as it was
 *     staged       [b]     [d]    brought by a server that is gone now
 *     shown    [a] [b] [c] [d]    compared with the cut of the next server
 *
 * When the source of a sync goes, what it told is worth keeping, and cannot be applied: that takes a
 * whole cut and its vector. So another cut is compared with both together. Digests are sums, and the
 * digest of a range is the frozen one plus the terms of what is staged in it. Where that equals the
 * other server's, nothing is asked for; where it does not, the staged items are listed like the own
 * cells: those that the server has are not told again, and those that it has seen removed go.
 *
 * Invariants:
 *     G1  the tree's total is the frozen side's and the terms of all that is staged
 *     G2  once shown, nothing is staged that the cut's vector does not cover: it is never applied
 *     G3  no counter entry is staged that tells of resets: of those the vector says nothing. (Its
 *         server has it, and tells it again.)
 *
 * What the first server had seen removed is not kept: whether it is gone is for the vector to say that
 * is applied in the end, and costs the next server four bytes.
 */
#ifndef HOLM_CRDT_STAGED_H
#define HOLM_CRDT_STAGED_H

#include "crdt/frozen.h"

/* At one place for its life. The members are private but for `source`, `pages`, `page_count`, `items` and
 * `bytes`. */
struct holm_staged {
    struct holm_allocator allocator;
    const struct holm_frozen *frozen;
    struct holm_reconcile_source source; /* of both; once shown */
    struct holm_tree tree;
    void *pages; /* struct holm_page *[] */
    size_t page_count, page_capacity;
    uint64_t items;
    size_t bytes;  /* of the pages' memory */
    void *entries; /* struct entry [], in the order of hashes */
    size_t entry_count, entry_capacity;
};

/* Nothing is staged. `frozen` is borrowed until the release. Allocates nothing. */
void holm_staged_init(struct holm_staged *staged, const struct holm_frozen *frozen);
void holm_staged_release(struct holm_staged *staged);

/*
 * Takes what a server that went had told, or all that one told in the end: pages are retained, and what it
 * withdrew of what is staged already goes. All or nothing. HOLM_ENOMEM. O(staged log withdrawn).
 */
HOLM_NODISCARD enum holm_status holm_staged_take(struct holm_staged *staged,
                                                 const struct holm_reconcile_result *told);

/* What a cut with this vector does not cover goes, and G3; then `source` shows what is left with the
 * frozen side, which must not be broken. HOLM_ENOMEM: it can be called again. O(staged log staged), and
 * O(records) when there is so much of it that the tree gets a level more. */
HOLM_NODISCARD enum holm_status holm_staged_show(struct holm_staged *staged,
                                                 struct holm_vector_view vector);

#endif

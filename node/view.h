/* SPDX-License-Identifier: Apache-2.0 */
/*
 * view.h - a counted copy of one record, for embedders.
 *
 * A view is one allocation: the struct, its entries, and behind them the bytes that they point to.
 * It refers to nothing else, so that it may be read without a lock and outlive its node.
 *
 *     struct | entry 0 | entry 1 | … | names of the paths | key, names, elements, values
 *
 * Cells become entries: the shares of a counter are summed, and of a set element, a flag, a max or
 * a min with several concurrent cells only the best is shown. All siblings of a register are.
 *
 * Invariants:
 *     W1  count >= 1: what has nothing to show is HOLM_ENOENT
 *     W2  entries are sorted by path (name by name), kind, element; siblings follow best first
 *     W3  kinds that this build does not know are not shown
 */
#ifndef HOLM_NODE_VIEW_H
#define HOLM_NODE_VIEW_H

#include <holm/holm.h>

#include "crdt/replica.h"

struct holm_view {
    struct holm_bytes key;
    size_t count;
    struct holm_entry entries[];
};

/* What of a record is copied; zero: everything. */
struct holm_view_choice {
    struct holm_path path;          /* borrowed; what is at or below it … */
    bool own;                       /* … or only what is its own */
    enum holm_kind kind;            /* 0: every kind */
    size_t limit;                   /* not 0: elements of the path's set, at most so many */
    const struct holm_bytes *after; /* with `limit`: only elements behind this one; NULL: any */
};

/*
 * Copies what is chosen of a record. The caller holds whatever keeps the replica from stepping, and
 * frees *view with holm_view_free(). O(fields of the record + cells copied), twice, and n log n in
 * the entries; with a limit no more than O(limit + log of the set).
 *   HOLM_ENOENT  nothing of it is there; *view is NULL
 *   HOLM_ENOMEM  *view is NULL
 */
HOLM_NODISCARD enum holm_status holm_view_copy(const struct holm_replica *replica,
                                               struct holm_bytes key,
                                               struct holm_view_choice choice,
                                               struct holm_view **view);

#endif

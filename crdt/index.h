/* SPDX-License-Identifier: Apache-2.0 */
/*
 * index.h - keys in the order of their bytes, by reference.
 *
 * A B+-tree of 32-bit references to keys that somebody else owns and that do not move in order
 * while they are in here. No key is copied. To find a place without looking at every key on the
 * way, a block knows how many bytes all of its keys share, and of each key the four behind them.
 *
 *     inner          [ 3:hero:1 | 9:hero:4 ]            each child's smallest key
 *                       /             \
 *     leaves   [3 7 2 12] ---------> [9 1 8]            shared 5 ("hero:"), heads "1", "1000", …
 *
 * Costs: 8 bytes a key, and what is empty and above: 10 to 11 in all after insertions in any order,
 * 26 at most after erasures. Insert and erase are O(log n), and look at about two keys a level.
 *
 * Invariants, verified by holm_index_check():
 *     X1  keys grow from left to right, and no two are equal
 *     X2  all keys of a block begin with the same `shared` bytes, and heads are what follows
 *     X3  an inner block's entry is the smallest key of its child
 *     X4  but for the root, a block is at least a third full
 *     X5  blocks of a level are linked from left to right
 *
 * Bayer, McCreight, "Organization and Maintenance of Large Ordered Indices", 1972; that a block
 * gives to its neighbour before it is split is the B*-tree of Knuth, TAOCP 3, section 6.2.4; heads
 * behind a shared prefix: Bayer, Unterauer, "Prefix B-Trees", 1977.
 */
#ifndef HOLM_CRDT_INDEX_H
#define HOLM_CRDT_INDEX_H

#include "crdt/base.h"

struct holm_index_block;

struct holm_index {
    struct holm_allocator allocator;
    struct holm_bytes (*key_of)(const void *context, uint32_t reference);
    const void *context;
    struct holm_index_block *root; /* NULL: empty */
    size_t depth;                  /* levels: 0 when empty, 1 for a single leaf */
    size_t count;
    size_t bytes; /* of memory */
};

/* An empty index. `key_of` gives the key of a reference that is in here, or is being put in. */
void holm_index_init(struct holm_index *index, const struct holm_allocator *allocator,
                     struct holm_bytes (*key_of)(const void *context, uint32_t reference),
                     const void *context);
void holm_index_release(struct holm_index *index);

/*
 * Puts a reference in its place. Its key must not be there yet. All or nothing. O(log n).
 *   HOLM_ENOMEM  the index is as it was
 */
HOLM_NODISCARD enum holm_status holm_index_insert(struct holm_index *index, uint32_t reference);

/* Takes out a reference that is there; its key must still be readable. Cannot fail. O(log n). */
void holm_index_erase(struct holm_index *index, uint32_t reference);

/* The key of `from`, which is there, is called `to` from now on; both must be readable. O(log n). */
void holm_index_rename(struct holm_index *index, uint32_t from, uint32_t to);

/* A place between two keys. The index must not change while it is used. */
struct holm_index_cursor {
    const struct holm_index *index;
    const struct holm_index_block *leaf;
    size_t at;
    struct holm_bytes prefix; /* borrowed */
};

/* Goes to the first key that begins with `prefix` (empty: the very first). O(log n). */
struct holm_index_cursor holm_index_seek(const struct holm_index *index, struct holm_bytes prefix);

/* As that, but to the first of those keys that is behind `after`, which may be there or not. */
struct holm_index_cursor holm_index_seek_behind(const struct holm_index *index,
                                                struct holm_bytes prefix, struct holm_bytes after);

/* Gives the next reference, in the order of the keys. False when no more key has the prefix. */
bool holm_index_next(struct holm_index_cursor *cursor, uint32_t *reference);

/* X1 to X5 and the figures. O(n). Asserts. */
void holm_index_check(const struct holm_index *index);

#endif

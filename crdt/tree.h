/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tree.h - a digest tree: sums of fingerprints over ranges of the key hash.
 *
 * What is digested lies on a line of 2^64 key hashes. Level 0 is the whole line; each level cuts
 * every range of the one above into 16, so a node (level, index) stands for all hashes whose top
 * 4 * level bits are `index`:
 *
 *     level 0                    0..f                      root: the digest of everything
 *     level 1      0     1     2    ...   f
 *     level 2   00..0f 10..1f            f0..ff            leaves of a tree of depth 2
 *
 * Leaves hold the sums of their terms. An inner node is computed when it is asked for and out of
 * date: an update touches one leaf, the total and the marks of the ancestors, up to the first that
 * is marked already. The sum is Merkle's tree (CRYPTO 1987) with addition in place of a hash of
 * hashes, so that no order matters and every term can be taken out again (Bellare, Micciancio,
 * "A new paradigm for collision-free hashing", EUROCRYPT 1997).
 *
 * Invariants, verified by holm_tree_check():
 *     R1  the total is the sum of all leaves
 *     R2  an inner node without a mark is the sum of its 16 children
 *     R3  all ancestors of a marked node are marked
 *
 * Depth is the owner's choice, by holm_tree_depth_wanted(): it makes a fresh tree of the new depth,
 * adds everything's terms again and puts it in the place of the old one. A tree that is not deep
 * enough is right all the same: its leaves only stand for more.
 */
#ifndef HOLM_CRDT_TREE_H
#define HOLM_CRDT_TREE_H

#include "crdt/digest.h"

#define HOLM_TREE_FANOUT_BITS 4
#define HOLM_TREE_FANOUT (1u << HOLM_TREE_FANOUT_BITS)
#define HOLM_TREE_DEPTH_MAX 6   /* 16^6 leaves, 268 MB */
#define HOLM_TREE_LEVEL_MAX 16u /* of ranges: one hash each */
#define HOLM_TREE_LEAF_RECORDS_MAX 32
#define HOLM_TREE_LEAF_RECORDS_FINE 20

struct holm_tree {
    struct holm_allocator allocator;
    struct holm_digest total;
    struct holm_digest *nodes; /* level by level, the root first; NULL at depth 0 */
    uint64_t *stale;           /* a bit per inner node */
    uint64_t refreshed;        /* inner nodes computed so far */
    size_t first_leaf;         /* of `nodes` */
    unsigned depth;
};

/*
 * An empty tree with 16^depth leaves. Takes about 17 * 16^depth bytes, none at depth 0.
 *   HOLM_ENOMEM  not for depth 0; the tree is as after a release
 */
HOLM_NODISCARD enum holm_status holm_tree_init(struct holm_tree *tree,
                                               const struct holm_allocator *allocator,
                                               unsigned depth);
/* Gives the memory back; the tree is empty and of depth 0. */
void holm_tree_release(struct holm_tree *tree);

/* target, not initialised before, becomes a tree of its own with what source says now.
 * HOLM_ENOMEM. O(leaves). */
HOLM_NODISCARD enum holm_status holm_tree_copy(struct holm_tree *target,
                                               const struct holm_tree *source);

/* No terms; the depth stays. O(leaves). */
void holm_tree_clear(struct holm_tree *tree);

/* Adds a term under a hash, or takes it out. O(1) expected: at most `depth` marks. */
void holm_tree_add(struct holm_tree *tree, uint64_t hash, struct holm_digest term);
void holm_tree_subtract(struct holm_tree *tree, uint64_t hash, struct holm_digest term);
/* Asks for the memory that an update under this hash will change; changes nothing. */
void holm_tree_prefetch(const struct holm_tree *tree, uint64_t hash);

/* The sum over everything. O(1). */
static inline struct holm_digest holm_tree_total(const struct holm_tree *tree)
{
    return tree->total;
}

/* The sum of one range, level <= depth. O(1), and O(16) for each descendant out of date. */
struct holm_digest holm_tree_node(struct holm_tree *tree, unsigned level, uint64_t index);

/* The depth that suits a number of records: with more than 32 a leaf one more, with less than one
 * in two leaves one less. Equal to tree->depth when nothing is to be done. */
unsigned holm_tree_depth_wanted(const struct holm_tree *tree, uint64_t records);
/* The same for a tree that others are compared with: whoever differs in one record looks at all of its
 * leaf, and so one level more comes with 20 a leaf. Never less deep than it is. */
unsigned holm_tree_depth_fine(const struct holm_tree *tree, uint64_t records);

/* Whether both have the same depth and leaves: what a rebuilt tree is held against. O(leaves). */
bool holm_tree_equal(const struct holm_tree *a, const struct holm_tree *b);

/* R1 to R3. O(leaves). */
void holm_tree_check(const struct holm_tree *tree);

/* Of what memory the tree takes, in bytes. */
size_t holm_tree_bytes(const struct holm_tree *tree);

/* The hashes of a range: first to last, both in it. */
static inline uint64_t holm_range_first(unsigned level, uint64_t index)
{
    HOLM_ASSERT(level <= HOLM_TREE_LEVEL_MAX);
    return level == 0 ? 0 : index << (64 - HOLM_TREE_FANOUT_BITS * level);
}

static inline uint64_t holm_range_last(unsigned level, uint64_t index)
{
    HOLM_ASSERT(level <= HOLM_TREE_LEVEL_MAX);
    uint64_t inside = level == HOLM_TREE_LEVEL_MAX ? 0 : UINT64_MAX >> (level * 4);
    return holm_range_first(level, index) | inside;
}

/* The index of the range at `level` that a hash lies in. */
static inline uint64_t holm_range_index(unsigned level, uint64_t hash)
{
    HOLM_ASSERT(level <= HOLM_TREE_LEVEL_MAX);
    return level == 0 ? 0 : hash >> (64 - HOLM_TREE_FANOUT_BITS * level);
}

#endif

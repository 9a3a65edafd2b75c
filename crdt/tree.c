/* SPDX-License-Identifier: Apache-2.0 */
#include "crdt/tree.h"

/* Where a level's nodes begin: 0, 1, 17, 273 and so on; also how many nodes are above it. */
static size_t level_offset(unsigned level)
{
    HOLM_ASSERT(level <= HOLM_TREE_DEPTH_MAX + 1);
    return (((size_t)1 << (HOLM_TREE_FANOUT_BITS * level)) - 1) / (HOLM_TREE_FANOUT - 1);
}

static size_t node_bytes(const struct holm_tree *tree)
{
    return level_offset(tree->depth + 1) * sizeof *tree->nodes;
}

static size_t stale_bytes(const struct holm_tree *tree)
{
    return (level_offset(tree->depth) + 63) / 64 * sizeof *tree->stale;
}

static bool is_stale(const struct holm_tree *tree, size_t node)
{
    return (tree->stale[node / 64] >> (node % 64) & 1) != 0;
}

static void mark_stale(struct holm_tree *tree, size_t node)
{
    tree->stale[node / 64] |= (uint64_t)1 << (node % 64);
}

static void mark_fresh(struct holm_tree *tree, size_t node)
{
    tree->stale[node / 64] &= ~((uint64_t)1 << (node % 64));
}

enum holm_status holm_tree_init(struct holm_tree *tree, const struct holm_allocator *allocator,
                                unsigned depth)
{
    HOLM_ASSERT(depth <= HOLM_TREE_DEPTH_MAX);
    memset(tree, 0, sizeof *tree);
    tree->allocator = *allocator;
    if (depth == 0)
        return HOLM_OK;
    tree->depth = depth;
    tree->first_leaf = level_offset(depth);
    tree->nodes = holm_allocate(allocator, node_bytes(tree));
    tree->stale = tree->nodes == NULL ? NULL : holm_allocate(allocator, stale_bytes(tree));
    if (tree->stale == NULL) {
        holm_deallocate(allocator, tree->nodes, node_bytes(tree));
        memset(tree, 0, sizeof *tree);
        tree->allocator = *allocator;
        return HOLM_ENOMEM;
    }
    holm_tree_clear(tree);
    return HOLM_OK;
}

void holm_tree_release(struct holm_tree *tree)
{
    if (tree->depth > 0) {
        holm_deallocate(&tree->allocator, tree->nodes, node_bytes(tree));
        holm_deallocate(&tree->allocator, tree->stale, stale_bytes(tree));
    }
    tree->nodes = NULL;
    tree->stale = NULL;
    tree->depth = 0;
    tree->total = (struct holm_digest){0, 0};
}

enum holm_status holm_tree_copy(struct holm_tree *target, const struct holm_tree *source)
{
    enum holm_status status = holm_tree_init(target, &source->allocator, source->depth);
    if (status != HOLM_OK)
        return status;
    target->total = source->total;
    if (source->depth > 0) {
        memcpy(target->nodes, source->nodes, node_bytes(source));
        memcpy(target->stale, source->stale, stale_bytes(source));
    }
    return HOLM_OK;
}

void holm_tree_clear(struct holm_tree *tree)
{
    tree->total = (struct holm_digest){0, 0};
    if (tree->depth == 0)
        return;
    memset(tree->nodes, 0, node_bytes(tree));
    memset(tree->stale, 0, stale_bytes(tree));
}

/* Which node is the leaf of a hash, in a tree that has leaves. */
static size_t leaf_of(const struct holm_tree *tree, uint64_t hash)
{
    return tree->first_leaf + (size_t)(hash >> (64 - HOLM_TREE_FANOUT_BITS * tree->depth));
}

/* The leaf of a hash, all of whose ancestors are marked. Node 0 is the root, which needs no mark:
 * the total is always right. */
static struct holm_digest *touch(struct holm_tree *tree, uint64_t hash)
{
    size_t at = leaf_of(tree, hash);
    struct holm_digest *leaf = &tree->nodes[at];
    for (at = (at - 1) / HOLM_TREE_FANOUT; at > 0 && !is_stale(tree, at);
         at = (at - 1) / HOLM_TREE_FANOUT)
        mark_stale(tree, at);
    return leaf;
}

void holm_tree_add(struct holm_tree *tree, uint64_t hash, struct holm_digest term)
{
    holm_digest_add(&tree->total, term);
    if (tree->depth > 0)
        holm_digest_add(touch(tree, hash), term);
}

void holm_tree_subtract(struct holm_tree *tree, uint64_t hash, struct holm_digest term)
{
    holm_digest_subtract(&tree->total, term);
    if (tree->depth > 0)
        holm_digest_subtract(touch(tree, hash), term);
}

void holm_tree_prefetch(const struct holm_tree *tree, uint64_t hash)
{
#if defined(__GNUC__)
    if (tree->depth > 0)
        __builtin_prefetch(&tree->nodes[leaf_of(tree, hash)]);
#else
    (void)tree;
    (void)hash;
#endif
}

static struct holm_digest children_sum(const struct holm_tree *tree, size_t node)
{
    struct holm_digest sum = {0, 0};
    for (size_t child = node * HOLM_TREE_FANOUT + 1; child <= (node + 1) * HOLM_TREE_FANOUT;
         child++)
        holm_digest_add(&sum, tree->nodes[child]);
    return sum;
}

/* Computes a stale node, and what is stale below it first. As deep as the tree at most. */
static void refresh(struct holm_tree *tree, size_t node)
{
    if (node * HOLM_TREE_FANOUT + 1 < level_offset(tree->depth)) {
        size_t child = node * HOLM_TREE_FANOUT + 1;
        for (; child <= (node + 1) * HOLM_TREE_FANOUT; child++) {
            if (is_stale(tree, child))
                refresh(tree, child);
        }
    }
    tree->nodes[node] = children_sum(tree, node);
    mark_fresh(tree, node);
    tree->refreshed += 1;
}

struct holm_digest holm_tree_node(struct holm_tree *tree, unsigned level, uint64_t index)
{
    HOLM_ASSERT(level <= tree->depth);
    HOLM_ASSERT(index < (uint64_t)1 << (HOLM_TREE_FANOUT_BITS * level));
    if (level == 0)
        return tree->total;
    size_t at = level_offset(level) + (size_t)index;
    if (level < tree->depth && is_stale(tree, at))
        refresh(tree, at);
    return tree->nodes[at];
}

/* The first depth, from the tree's own on, at which leaves have no more than this. */
static unsigned depth_for(const struct holm_tree *tree, uint64_t records, uint64_t leaf_records)
{
    unsigned depth = tree->depth;
    while (depth < HOLM_TREE_DEPTH_MAX &&
           records >> (HOLM_TREE_FANOUT_BITS * depth) >= leaf_records)
        depth += 1;
    return depth;
}

unsigned holm_tree_depth_fine(const struct holm_tree *tree, uint64_t records)
{
    return depth_for(tree, records, HOLM_TREE_LEAF_RECORDS_FINE);
}

unsigned holm_tree_depth_wanted(const struct holm_tree *tree, uint64_t records)
{
    unsigned depth = depth_for(tree, records, HOLM_TREE_LEAF_RECORDS_MAX + 1);
    while (depth > 0 && records * 2 < (uint64_t)1 << (HOLM_TREE_FANOUT_BITS * depth))
        depth -= 1;
    return depth;
}

bool holm_tree_equal(const struct holm_tree *a, const struct holm_tree *b)
{
    if (a->depth != b->depth || !holm_digest_equal(a->total, b->total))
        return false;
    if (a->depth == 0)
        return true;
    size_t first = level_offset(a->depth);
    return memcmp(&a->nodes[first], &b->nodes[first],
                  ((size_t)1 << (HOLM_TREE_FANOUT_BITS * a->depth)) * sizeof *a->nodes) == 0;
}

void holm_tree_check(const struct holm_tree *tree)
{
    if (tree->depth == 0)
        return;
    struct holm_digest sum = {0, 0};
    for (size_t leaf = level_offset(tree->depth); leaf < level_offset(tree->depth + 1); leaf++)
        holm_digest_add(&sum, tree->nodes[leaf]);
    HOLM_ASSERT(holm_digest_equal(sum, tree->total));
    for (size_t node = 1; node < level_offset(tree->depth); node++) {
        size_t parent = (node - 1) / HOLM_TREE_FANOUT;
        HOLM_ASSERT(!is_stale(tree, node) || parent == 0 || is_stale(tree, parent));
        HOLM_ASSERT(is_stale(tree, node) ||
                    holm_digest_equal(tree->nodes[node], children_sum(tree, node)));
    }
}

size_t holm_tree_bytes(const struct holm_tree *tree)
{
    return tree->depth == 0 ? 0 : node_bytes(tree) + stale_bytes(tree);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "crdt/index_block.h"

/* A third of 64 to the power of this is more than there are references. */
#define DEPTH_MAX 10

/* A neighbour with less takes some over. */
#define ROOMY (HOLM_INDEX_FULL - HOLM_INDEX_FULL / 4)

/* From the root to a leaf: which entry was taken in each block. */
struct path {
    struct holm_index_block *blocks[DEPTH_MAX];
    size_t at[DEPTH_MAX];
};

void holm_index_init(struct holm_index *index, const struct holm_allocator *allocator,
                     struct holm_bytes (*key_of)(const void *context, uint32_t reference),
                     const void *context)
{
    memset(index, 0, sizeof *index);
    index->allocator = *allocator;
    index->key_of = key_of;
    index->context = context;
}

static struct holm_index_block *new_block(struct holm_index *index, bool inner)
{
    size_t bytes = holm_index_block_bytes(inner);
    struct holm_index_block *block = holm_allocate(&index->allocator, bytes);
    if (block == NULL)
        return NULL;
    index->bytes += bytes;
    block->next = NULL;
    block->count = 0;
    block->shared = 0;
    block->inner = inner;
    return block;
}

static void free_block(struct holm_index *index, struct holm_index_block *block)
{
    size_t bytes = holm_index_block_bytes(block->inner);
    index->bytes -= bytes;
    holm_deallocate(&index->allocator, block, bytes);
}

void holm_index_release(struct holm_index *index)
{
    struct holm_index_block *first = index->root;
    while (first != NULL) {
        struct holm_index_block *block = first;
        first = block->inner ? block->children[0] : NULL;
        while (block != NULL) {
            struct holm_index_block *next = block->next;
            free_block(index, block);
            block = next;
        }
    }
    index->root = NULL;
    index->depth = index->count = 0;
}

/* The path to where the key is, or would be. */
static bool find(const struct holm_index *index, struct holm_bytes key, struct path *path)
{
    HOLM_ASSERT(index->depth <= DEPTH_MAX);
    struct holm_index_block *block = index->root;
    bool equal = false;
    for (size_t level = 0; level < index->depth; level++) {
        size_t at = holm_index_block_search(index, block, key, &equal);
        if (block->inner && !equal && at > 0)
            at -= 1;
        path->blocks[level] = block;
        path->at[level] = at;
        if (block->inner)
            block = block->children[at];
    }
    return equal;
}

/* What a block's smallest key became is told to the blocks above it. */
static void tell_smallest(const struct holm_index *index, const struct path *path, size_t level)
{
    for (; level > 0; level--) {
        struct holm_index_block *above = path->blocks[level - 1];
        size_t at = path->at[level - 1];
        uint32_t smallest = path->blocks[level]->references[0];
        if (above->references[at] == smallest)
            return;
        holm_index_block_set(index, above, at, smallest);
    }
}

/* ---- insert */

/* The blocks that a split of all full blocks above a leaf takes, linked. The leaf comes first. */
static enum holm_status reserve(struct holm_index *index, const struct path *path,
                                struct holm_index_block **reserved)
{
    struct holm_index_block **last = reserved;
    size_t level = index->depth;
    *reserved = NULL;
    while (level > 0 && path->blocks[level - 1]->count == HOLM_INDEX_FULL)
        level--;
    size_t count = index->depth - level + (level == 0);
    HOLM_ASSERT(index->depth + 1 < DEPTH_MAX);
    for (size_t i = 0; i < count; i++) {
        *last = new_block(index, i > 0);
        if (*last == NULL)
            return HOLM_ENOMEM;
        last = &(*last)->next;
    }
    return HOLM_OK;
}

static struct holm_index_block *take(struct holm_index_block **reserved)
{
    struct holm_index_block *block = *reserved;
    HOLM_ASSERT(block != NULL);
    *reserved = block->next;
    block->next = NULL;
    return block;
}

/* An entry that is on its way into a block. */
struct entry {
    size_t at;
    uint32_t reference;
    struct holm_index_block *child;
};

static void put(const struct holm_index *index, struct holm_index_block *block,
                const struct entry *entry, size_t at)
{
    holm_index_block_insert(index, block, at, entry->reference, entry->child);
}

/* Puts the entry into a full block or its left neighbour, when that has room for some. */
static bool give_left(const struct holm_index *index, const struct path *path, size_t level,
                      const struct entry *entry)
{
    struct holm_index_block *block = path->blocks[level], *above = path->blocks[level - 1];
    size_t place = path->at[level - 1];
    if (place == 0 || above->children[place - 1]->count > ROOMY)
        return false;
    struct holm_index_block *left = above->children[place - 1];
    size_t end = left->count, moved = (block->count - end) / 2;
    holm_index_block_move_left(index, left, block, moved);
    if (entry->at < moved)
        put(index, left, entry, end + entry->at);
    else
        put(index, block, entry, entry->at - moved);
    return true;
}

static bool give_right(const struct holm_index *index, const struct path *path, size_t level,
                       const struct entry *entry)
{
    struct holm_index_block *block = path->blocks[level], *above = path->blocks[level - 1];
    size_t place = path->at[level - 1];
    if (place + 1u == above->count || above->children[place + 1]->count > ROOMY)
        return false;
    struct holm_index_block *right = above->children[place + 1];
    size_t moved = (size_t)(block->count - right->count) / 2, kept = block->count - moved;
    holm_index_block_move_right(index, block, right, moved);
    if (entry->at > kept)
        put(index, right, entry, entry->at - kept);
    else
        put(index, block, entry, entry->at);
    holm_index_block_set(index, above, place + 1, right->references[0]);
    return true;
}

/* Puts the entry into a full block of which the upper half becomes a block of its own. */
static void split(const struct holm_index *index, struct holm_index_block *block,
                  struct holm_index_block *right, const struct entry *entry)
{
    size_t kept = block->count / 2u;
    right->next = block->next;
    block->next = right;
    right->shared = block->shared;
    holm_index_block_move_right(index, block, right, block->count - kept);
    if (entry->at > kept)
        put(index, right, entry, entry->at - kept);
    else
        put(index, block, entry, entry->at);
    holm_index_block_refresh(index, block);
    holm_index_block_refresh(index, right);
}

static void grow(struct holm_index *index, struct holm_index_block *root,
                 struct holm_index_block *left, struct holm_index_block *right)
{
    if (left != NULL)
        holm_index_block_insert(index, root, 0, left->references[0], left);
    if (right != NULL)
        holm_index_block_insert(index, root, 1, right->references[0], right);
    index->root = root;
    index->depth++;
}

/* Cannot fail: blocks are reserved. */
static void insert_at(struct holm_index *index, const struct path *path, struct entry entry,
                      struct holm_index_block **reserved)
{
    for (size_t level = index->depth; level > 0; level--) {
        struct holm_index_block *block = path->blocks[level - 1];
        bool full = block->count == HOLM_INDEX_FULL;
        if (!full)
            put(index, block, &entry, entry.at);
        if (!full || (level > 1 && (give_left(index, path, level - 1, &entry) ||
                                    give_right(index, path, level - 1, &entry)))) {
            tell_smallest(index, path, level - 1);
            return;
        }
        struct holm_index_block *right = take(reserved);
        split(index, block, right, &entry);
        tell_smallest(index, path, level - 1);
        if (level == 1) {
            grow(index, take(reserved), block, right);
            return;
        }
        entry = (struct entry){path->at[level - 2] + 1, right->references[0], right};
    }
}

enum holm_status holm_index_insert(struct holm_index *index, uint32_t reference)
{
    struct holm_index_block *reserved;
    struct path path;
    bool there = find(index, index->key_of(index->context, reference), &path);
    HOLM_ASSERT(!there);
    enum holm_status status = reserve(index, &path, &reserved);
    if (status == HOLM_OK) {
        if (index->root == NULL) {
            grow(index, take(&reserved), NULL, NULL);
            path.blocks[0] = index->root;
            path.at[0] = 0;
        }
        struct entry entry = {path.at[index->depth - 1], reference, NULL};
        insert_at(index, &path, entry, &reserved);
        index->count++;
    }
    while (reserved != NULL)
        free_block(index, take(&reserved));
    return status;
}

/* ---- erase */

/* A block that has become too small takes from a neighbour, or both become one; then the block
 * above has an entry less, and true is returned. */
static bool fill_up(struct holm_index *index, struct holm_index_block *above, size_t place)
{
    size_t first = place > 0 ? place - 1 : 0;
    HOLM_ASSERT(first + 1 < above->count);
    struct holm_index_block *left = above->children[first], *right = above->children[first + 1];
    size_t all = (size_t)left->count + right->count;
    if (all <= HOLM_INDEX_FULL - HOLM_INDEX_FULL / 8) {
        holm_index_block_move_left(index, left, right, right->count);
        left->next = right->next;
        free_block(index, right);
        holm_index_block_erase(above, first + 1);
        return true;
    }
    if (left->count < right->count)
        holm_index_block_move_left(index, left, right, all / 2 - left->count);
    else
        holm_index_block_move_right(index, left, right, all / 2 - right->count);
    holm_index_block_set(index, above, first + 1, right->references[0]);
    return false;
}

static void shrink(struct holm_index *index)
{
    while (index->root != NULL) {
        struct holm_index_block *root = index->root;
        if (root->count > (root->inner ? 1 : 0))
            return;
        index->root = root->inner ? root->children[0] : NULL;
        index->depth--;
        free_block(index, root);
    }
}

void holm_index_erase(struct holm_index *index, uint32_t reference)
{
    struct path path;
    bool there = find(index, index->key_of(index->context, reference), &path);
    size_t level = index->depth - 1;
    HOLM_ASSERT(there);
    HOLM_ASSERT(path.blocks[level]->references[path.at[level]] == reference);
    holm_index_block_erase(path.blocks[level], path.at[level]);
    index->count--;
    if (path.blocks[level]->count > 0)
        tell_smallest(index, &path, level);
    for (; level > 0 && path.blocks[level]->count < HOLM_INDEX_LEAST; level--)
        if (!fill_up(index, path.blocks[level - 1], path.at[level - 1]))
            break;
    shrink(index);
}

void holm_index_rename(struct holm_index *index, uint32_t from, uint32_t to)
{
    struct path path;
    bool there = find(index, index->key_of(index->context, from), &path);
    HOLM_ASSERT(there);
    for (size_t level = index->depth; level > 0; level--) {
        uint32_t *reference = &path.blocks[level - 1]->references[path.at[level - 1]];
        HOLM_ASSERT(level < index->depth || *reference == from);
        if (*reference == from)
            *reference = to;
    }
}

/* ---- look */

static struct holm_index_cursor cursor_at(const struct holm_index *index, struct holm_bytes from,
                                          struct holm_bytes prefix, bool behind)
{
    struct holm_index_cursor cursor = {.index = index, .prefix = prefix};
    struct path path = {{NULL}, {0}};
    if (index->root == NULL)
        return cursor;
    bool there = find(index, from, &path);
    cursor.leaf = path.blocks[index->depth - 1];
    cursor.at = path.at[index->depth - 1] + (there && behind);
    return cursor;
}

struct holm_index_cursor holm_index_seek(const struct holm_index *index, struct holm_bytes prefix)
{
    return cursor_at(index, prefix, prefix, false);
}

struct holm_index_cursor holm_index_seek_behind(const struct holm_index *index,
                                                struct holm_bytes prefix, struct holm_bytes after)
{
    if (holm_bytes_compare(after, prefix) < 0)
        return holm_index_seek(index, prefix);
    return cursor_at(index, after, prefix, true);
}

bool holm_index_next(struct holm_index_cursor *cursor, uint32_t *reference)
{
    while (cursor->leaf != NULL && cursor->at == cursor->leaf->count) {
        cursor->leaf = cursor->leaf->next;
        cursor->at = 0;
    }
    if (cursor->leaf == NULL)
        return false;
    *reference = cursor->leaf->references[cursor->at];
    if (cursor->prefix.size > 0) {
        struct holm_bytes key = cursor->index->key_of(cursor->index->context, *reference);
        if (key.size < cursor->prefix.size ||
            memcmp(key.data, cursor->prefix.data, cursor->prefix.size) != 0)
            return false;
    }
    cursor->at++;
    return true;
}

/* One level, from its first block on; returns how many entries there are. */
static size_t check_level(const struct holm_index *index, const struct holm_index_block *block,
                          size_t *bytes)
{
    size_t count = 0;
    for (; block != NULL; block = block->next) {
        holm_index_block_check(index, block);
        HOLM_ASSERT(block == index->root || block->count >= HOLM_INDEX_LEAST);
        count += block->count;
        *bytes += holm_index_block_bytes(block->inner);
        for (size_t i = 0; block->inner && i < block->count; i++) {
            const struct holm_index_block *child = block->children[i], *behind = NULL;
            if (i + 1 < block->count)
                behind = block->children[i + 1];
            else if (block->next != NULL)
                behind = block->next->children[0];
            HOLM_ASSERT(child->references[0] == block->references[i]);
            HOLM_ASSERT(child->next == behind);
        }
        if (block->next != NULL)
            HOLM_ASSERT(holm_bytes_compare(
                            index->key_of(index->context, block->references[block->count - 1]),
                            index->key_of(index->context, block->next->references[0])) < 0);
    }
    return count;
}

void holm_index_check(const struct holm_index *index)
{
    const struct holm_index_block *first = index->root;
    size_t bytes = 0, count = 0;
    for (size_t level = 0; level < index->depth; level++) {
        HOLM_ASSERT(first != NULL);
        HOLM_ASSERT(first->inner == (level + 1 < index->depth));
        count = check_level(index, first, &bytes);
        first = first->inner ? first->children[0] : NULL;
    }
    HOLM_ASSERT((index->root == NULL) == (index->count == 0));
    HOLM_ASSERT(count == index->count && bytes == index->bytes);
}

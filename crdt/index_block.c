/* SPDX-License-Identifier: Apache-2.0 */
#include "crdt/index_block.h"

static struct holm_bytes key_at(const struct holm_index *index,
                                const struct holm_index_block *block, size_t at)
{
    return index->key_of(index->context, block->references[at]);
}

static size_t shared_by(struct holm_bytes a, struct holm_bytes b)
{
    const unsigned char *x = a.data, *y = b.data;
    size_t least = a.size < b.size ? a.size : b.size, at = 0;
    while (at < least && x[at] == y[at])
        at++;
    return at;
}

/* A key that ends is not told from one that goes on with zeros: who finds equal heads looks. */
static uint32_t head_of(struct holm_bytes key, size_t shared)
{
    const unsigned char *bytes = key.data;
    uint32_t head = 0;
    for (size_t i = shared; i < shared + 4; i++)
        head = head << 8 | (i < key.size ? bytes[i] : 0u);
    return head;
}

size_t holm_index_block_bytes(bool inner)
{
    size_t children = inner ? HOLM_INDEX_FULL : 0;
    return sizeof(struct holm_index_block) + children * sizeof(struct holm_index_block *);
}

static void set_shared(const struct holm_index *index, struct holm_index_block *block,
                       size_t shared)
{
    HOLM_ASSERT(shared <= UINT16_MAX);
    block->shared = (uint16_t)shared;
    for (size_t i = 0; i < block->count; i++)
        block->heads[i] = head_of(key_at(index, block, i), shared);
}

void holm_index_block_refresh(const struct holm_index *index, struct holm_index_block *block)
{
    HOLM_ASSERT(block->count > 0);
    struct holm_bytes first = key_at(index, block, 0);
    size_t shared = shared_by(first, key_at(index, block, block->count - 1u));
    if (shared != block->shared)
        set_shared(index, block, shared);
}

size_t holm_index_block_search(const struct holm_index *index, const struct holm_index_block *block,
                               struct holm_bytes key, bool *equal)
{
    *equal = false;
    if (block->shared > 0) {
        struct holm_bytes begin = holm_mem(key_at(index, block, 0).data, block->shared);
        size_t known = key.size < begin.size ? key.size : begin.size;
        int order = known == 0 ? 0 : memcmp(key.data, begin.data, known);
        if (order != 0 || known < begin.size)
            return order > 0 ? block->count : 0;
    }
    uint32_t head = head_of(key, block->shared);
    size_t low = 0, high = block->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = (head > block->heads[middle]) - (head < block->heads[middle]);
        if (order == 0)
            order = holm_bytes_compare(key, key_at(index, block, middle));
        if (order == 0) {
            *equal = true;
            return middle;
        }
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

/* Gives up as much of what is shared as the key does not share. */
static void admit(const struct holm_index *index, struct holm_index_block *block, size_t other,
                  struct holm_bytes key)
{
    size_t shared = shared_by(key, key_at(index, block, other));
    if (shared < block->shared)
        set_shared(index, block, shared);
}

void holm_index_block_set(const struct holm_index *index, struct holm_index_block *block, size_t at,
                          uint32_t reference)
{
    HOLM_ASSERT(at < block->count);
    struct holm_bytes key = index->key_of(index->context, reference);
    block->references[at] = reference;
    if (block->count == 1)
        block->shared = (uint16_t)key.size;
    else
        admit(index, block, at == 0 ? 1 : 0, key);
    block->heads[at] = head_of(key, block->shared);
}

static void open_gap(struct holm_index_block *block, size_t at, size_t count)
{
    size_t behind = block->count - at;
    HOLM_ASSERT(at <= block->count && block->count + count <= HOLM_INDEX_FULL);
    memmove(block->references + at + count, block->references + at, behind * sizeof(uint32_t));
    memmove(block->heads + at + count, block->heads + at, behind * sizeof(uint32_t));
    if (block->inner)
        memmove(block->children + at + count, block->children + at,
                behind * sizeof *block->children);
    block->count = (uint16_t)(block->count + count);
}

static void close_gap(struct holm_index_block *block, size_t at, size_t count)
{
    HOLM_ASSERT(at + count <= block->count);
    size_t behind = block->count - at - count;
    memmove(block->references + at, block->references + at + count, behind * sizeof(uint32_t));
    memmove(block->heads + at, block->heads + at + count, behind * sizeof(uint32_t));
    if (block->inner)
        memmove(block->children + at, block->children + at + count,
                behind * sizeof *block->children);
    block->count = (uint16_t)(block->count - count);
}

void holm_index_block_insert(const struct holm_index *index, struct holm_index_block *block,
                             size_t at, uint32_t reference, struct holm_index_block *child)
{
    HOLM_ASSERT(block->inner == (child != NULL));
    open_gap(block, at, 1);
    /* Set before what is shared is looked at: no stale entry may be left in the gap. */
    block->references[at] = reference;
    if (child != NULL)
        block->children[at] = child;
    holm_index_block_set(index, block, at, reference);
}

void holm_index_block_erase(struct holm_index_block *block, size_t at)
{
    close_gap(block, at, 1);
}

/* Copies entries into a gap that is open for them. */
static void copy(const struct holm_index *index, const struct holm_index_block *from, size_t first,
                 struct holm_index_block *to, size_t at, size_t count)
{
    memcpy(to->references + at, from->references + first, count * sizeof(uint32_t));
    memcpy(to->heads + at, from->heads + first, count * sizeof(uint32_t));
    if (to->inner)
        memcpy(to->children + at, from->children + first, count * sizeof *to->children);
    size_t shared = shared_by(key_at(index, to, 0), key_at(index, to, to->count - 1u));
    if (shared < to->shared || from->shared != to->shared)
        set_shared(index, to, shared);
}

void holm_index_block_move_right(const struct holm_index *index, struct holm_index_block *left,
                                 struct holm_index_block *right, size_t count)
{
    HOLM_ASSERT(count <= left->count && left->inner == right->inner);
    open_gap(right, 0, count);
    copy(index, left, left->count - count, right, 0, count);
    left->count = (uint16_t)(left->count - count);
}

void holm_index_block_move_left(const struct holm_index *index, struct holm_index_block *left,
                                struct holm_index_block *right, size_t count)
{
    size_t end = left->count;
    HOLM_ASSERT(count <= right->count && left->inner == right->inner);
    open_gap(left, end, count);
    copy(index, right, 0, left, end, count);
    close_gap(right, 0, count);
}

void holm_index_block_check(const struct holm_index *index, const struct holm_index_block *block)
{
    HOLM_ASSERT(block->count > 0 && block->count <= HOLM_INDEX_FULL);
    struct holm_bytes first = key_at(index, block, 0), before = first;
    for (size_t i = 0; i < block->count; i++) {
        struct holm_bytes key = key_at(index, block, i);
        HOLM_ASSERT(i == 0 || holm_bytes_compare(before, key) < 0);
        HOLM_ASSERT(shared_by(first, key) >= block->shared);
        HOLM_ASSERT(block->heads[i] == head_of(key, block->shared));
        before = key;
    }
}

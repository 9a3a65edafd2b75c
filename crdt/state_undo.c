/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Transactions. A block is changed in place after a copy of its content was saved, when it is small
 * and stays in its size class; else the change is made in a copy of the block, and the original is
 * freed at the commit. The log says which, block by block.
 */
#include "crdt/frozen.h"
#include "crdt/state_parts.h"

#define SAVED_BYTES_MAX 2048
#define UNDO_KEPT 256
/* A larger block that is not a quarter full is exchanged for a smaller one. */
#define ROOMY_BYTES 256

enum undo_type {
    SAVED = 1,
    MOVED = 2,
    RETIRED = 3
};

static struct holm_block *block_at(const struct holm_state *state, uint32_t handle)
{
    return (struct holm_block *)(void *)holm_heap_at(&state->heap, handle);
}

enum holm_status holm_undo_reserve(struct holm_state *state, size_t count)
{
    HOLM_ASSERT(state->open);
    void *array = state->undo;
    enum holm_status status = holm_array_reserve(&state->allocator, &array, &state->undo_capacity,
                                                 sizeof *state->undo, state->undo_count + count);
    state->undo = array;
    return status;
}

static enum holm_status push(struct holm_state *state, const struct holm_undo *undo)
{
    if (state->undo_count == state->undo_capacity && holm_undo_reserve(state, 1) != HOLM_OK)
        return HOLM_ENOMEM;
    HOLM_ASSERT(state->undo_count < state->undo_capacity && state->undo != NULL);
    state->undo[state->undo_count++] = *undo;
    return HOLM_OK;
}

enum holm_status holm_undo_make(struct holm_state *state, uint64_t hash, enum holm_block_role role,
                                size_t bytes, uint32_t *handle)
{
    *handle = holm_heap_take(&state->heap, bytes);
    if (*handle == 0)
        return HOLM_ENOMEM;
    struct holm_undo undo = {.hash = hash, .handle = *handle, .type = MOVED, .role = (uint8_t)role};
    if (push(state, &undo) != HOLM_OK) {
        holm_heap_give(&state->heap, *handle);
        return HOLM_ENOMEM;
    }
    struct holm_block *block = block_at(state, *handle);
    block->used = sizeof *block;
    block->undo = (uint32_t)state->undo_count;
    return HOLM_OK;
}

void holm_undo_unmake(struct holm_state *state, uint32_t handle)
{
    HOLM_ASSERT(block_at(state, handle)->undo == state->undo_count);
    state->undo_count -= 1;
    holm_heap_give(&state->heap, handle);
}

enum holm_status holm_undo_keep(struct holm_state *state, uint64_t hash, enum holm_block_role role,
                                uint32_t handle)
{
    struct holm_block *block = block_at(state, handle);
    size_t aligned = ((size_t)block->used + 7) / 8 * 8; /* all that is saved is, so all stays */
    unsigned char *saved = holm_arena_take_bytes(&state->saved, aligned);
    if (saved == NULL)
        return HOLM_ENOMEM;
    if (state->undo_count == state->undo_capacity && holm_undo_reserve(state, 1) != HOLM_OK)
        return HOLM_ENOMEM;
    memcpy(saved, block, block->used);
    state->undo[state->undo_count++] = (struct holm_undo){
        .hash = hash, .saved = saved, .handle = handle, .type = SAVED, .role = (uint8_t)role};
    block->undo = (uint32_t)state->undo_count;
    return HOLM_OK;
}

static enum holm_status move(struct holm_state *state, uint64_t hash, enum holm_block_role role,
                             size_t bytes, uint32_t *handle)
{
    uint32_t from = *handle;
    uint32_t to = holm_heap_take(&state->heap, bytes);
    if (to == 0)
        return HOLM_ENOMEM;
    struct holm_block *old = block_at(state, from);
    struct holm_undo *known = old->undo == 0 ? NULL : &state->undo[old->undo - 1];
    bool made = known != NULL && known->type == MOVED;
    struct holm_undo undo = {
        .hash = hash, .handle = to, .from = from, .type = MOVED, .role = (uint8_t)role};
    if (made) {
        known->handle = to; /* nobody else knows the block that was made before */
    } else if (push(state, &undo) != HOLM_OK) {
        holm_heap_give(&state->heap, to);
        return HOLM_ENOMEM;
    }
    if (known != NULL && !made)
        state->undo[old->undo - 1].retired = true; /* `known` is void after the push */
    struct holm_block *block = block_at(state, to);
    memcpy(block, old, old->used);
    block->undo = made ? old->undo : (uint32_t)state->undo_count;
    if (role == HOLM_BLOCK_RECORD)
        holm_table_move(state, hash, from, to);
    if (made)
        holm_heap_give(&state->heap, from);
    *handle = to;
    return HOLM_OK;
}

enum holm_status holm_undo_own(struct holm_state *state, uint64_t hash, enum holm_block_role role,
                               size_t bytes, uint32_t *handle)
{
    const struct holm_block *block = block_at(state, *handle);
    size_t room = holm_heap_room(&state->heap, *handle);
    size_t wanted = bytes > block->used ? bytes : block->used;
    bool fits = bytes <= room && (room <= ROOMY_BYTES || wanted >= room / 4);
    if (fits && block->undo != 0)
        return HOLM_OK;
    if (fits && block->used <= SAVED_BYTES_MAX)
        return holm_undo_keep(state, hash, role, *handle);
    return move(state, hash, role, wanted, handle);
}

void holm_undo_retire(struct holm_state *state, uint32_t handle)
{
    const struct holm_block *block = block_at(state, handle);
    HOLM_ASSERT(block->undo != 0 && state->undo_count < state->undo_capacity);
    struct holm_undo *known = &state->undo[block->undo - 1];
    if (known->type == MOVED) {
        known->handle = 0;
        holm_heap_give(&state->heap, handle);
        return;
    }
    known->retired = true;
    state->undo[state->undo_count++] = (struct holm_undo){
        .hash = known->hash, .from = handle, .type = RETIRED, .role = known->role};
}

void holm_state_begin(struct holm_state *state)
{
    HOLM_ASSERT(!state->open && state->undo_count == 0);
    state->open = true;
    state->start.digest = state->digest;
    state->start.present = state->present;
    state->start.tombstones = state->tombstones;
    state->start.cells = state->cells;
    if (state->frozen != NULL)
        holm_frozen_begin(state);
}

/* How long the content was that is saved. */
static uint32_t used_of(const struct holm_undo *undo)
{
    return ((const struct holm_block *)(const void *)undo->saved)->used;
}

/* A merge of everything leaves a log as large as the state. */
static void close_log(struct holm_state *state)
{
    void *undo = state->undo;
    state->undo_count = 0;
    holm_array_trim(&state->allocator, &undo, &state->undo_capacity, sizeof *state->undo,
                    UNDO_KEPT);
    state->undo = undo;
    holm_arena_clear(&state->saved);
    holm_names_sweep(&state->names);
    state->open = false;
}

/* A block that shrank by more than its size class is copied to a smaller one, if there is memory. */
static void shrink(struct holm_state *state, const struct holm_undo *undo)
{
    struct holm_block *block = block_at(state, undo->handle);
    if (undo->role != HOLM_BLOCK_RECORD ||
        holm_heap_rounded(block->used) >= holm_heap_room(&state->heap, undo->handle))
        return;
    uint32_t to = holm_heap_take(&state->heap, block->used);
    if (to == 0)
        return;
    memcpy(block_at(state, to), block, block->used);
    holm_table_move(state, undo->hash, undo->handle, to);
    holm_heap_give(&state->heap, undo->handle);
}

static void settle(struct holm_state *state, const struct holm_undo *undo)
{
    struct holm_block *block = block_at(state, undo->handle);
    block->undo = 0;
    if (undo->role != HOLM_BLOCK_RECORD || (undo->type == SAVED && used_of(undo) == block->used))
        return;
    const struct holm_record *record = holm_record_at(state, undo->handle);
    bool empty = !(record->flags & RECORD_SEGMENTED) &&
                 record->block.used == holm_record_start(record);
    if (!empty) {
        shrink(state, undo);
        return;
    }
    holm_table_remove(state, undo->hash, undo->handle);
    holm_heap_give(&state->heap, undo->handle);
}

/* A tree that is not deep enough is right, and only slower: a refused allocation is no error. */
static void make_deep(struct holm_state *state, unsigned depth)
{
    struct holm_tree tree;
    if (depth == state->tree.depth || holm_tree_init(&tree, &state->allocator, depth) != HOLM_OK)
        return;
    holm_state_fill_tree(state, &tree);
    holm_tree_release(&state->tree);
    state->tree = tree;
}

void holm_state_refine(struct holm_state *state)
{
    HOLM_ASSERT(!state->open && state->frozen == NULL);
    make_deep(state, holm_tree_depth_fine(&state->tree, state->record_count));
}

void holm_state_commit(struct holm_state *state)
{
    HOLM_ASSERT(state->open);
    bool left = false;
    for (size_t i = 0; i < state->undo_count; i++) {
        const struct holm_undo *undo = &state->undo[i];
        left |= undo->from != 0;
        if (undo->type != RETIRED && undo->handle != 0 && !undo->retired)
            settle(state, undo);
    }
    for (size_t i = 0; left && i < state->undo_count; i++) {
        if (state->undo[i].from != 0)
            holm_heap_give(&state->heap, state->undo[i].from);
    }
    close_log(state);
    make_deep(state, holm_tree_depth_wanted(&state->tree, state->record_count));
}

/* Counts the cells of a block's content in or out of the paths' users and the digest tree. */
static void count_content(struct holm_state *state, const struct holm_undo *undo,
                          const unsigned char *content, bool more)
{
    const struct holm_record *record = (const struct holm_record *)(const void *)content;
    bool is_record = undo->role == HOLM_BLOCK_RECORD;
    if (undo->role == HOLM_BLOCK_INDEX || (is_record && record->flags & RECORD_SEGMENTED))
        return;
    uint32_t at = is_record ? holm_record_start(record) : (uint32_t)sizeof(struct holm_segment);
    for (; at < record->block.used; at += holm_packed_bytes(content + at)) {
        struct holm_cell cell;
        holm_cell_unpack(content + at, &cell);
        struct holm_digest digest = holm_cell_digest(state, undo->hash, &cell);
        if (more) {
            holm_names_use(&state->names, cell.path);
            holm_tree_add(&state->tree, undo->hash, digest);
        } else {
            holm_names_leave(&state->names, cell.path);
            holm_tree_subtract(&state->tree, undo->hash, digest);
        }
    }
}

static void undo_moved(struct holm_state *state, const struct holm_undo *undo)
{
    if (undo->from != 0)
        count_content(state, undo, holm_heap_at(&state->heap, undo->from), true);
    if (undo->handle == 0)
        return;
    count_content(state, undo, holm_heap_at(&state->heap, undo->handle), false);
    if (undo->role == HOLM_BLOCK_RECORD && undo->from != 0)
        holm_table_move(state, undo->hash, undo->handle, undo->from);
    else if (undo->role == HOLM_BLOCK_RECORD)
        holm_table_remove(state, undo->hash, undo->handle);
    holm_heap_give(&state->heap, undo->handle);
}

static void undo_saved(struct holm_state *state, const struct holm_undo *undo)
{
    struct holm_block *block = block_at(state, undo->handle);
    count_content(state, undo, (const unsigned char *)block, false);
    memcpy(block, undo->saved, used_of(undo));
    count_content(state, undo, (const unsigned char *)block, true);
}

void holm_state_rollback(struct holm_state *state)
{
    HOLM_ASSERT(state->open);
    for (size_t i = state->undo_count; i-- > 0;) {
        const struct holm_undo *undo = &state->undo[i];
        if (undo->type == SAVED)
            undo_saved(state, undo);
        else
            undo_moved(state, undo);
    }
    state->digest = state->start.digest;
    state->present = state->start.present;
    state->tombstones = state->start.tombstones;
    state->cells = state->start.cells;
    if (state->frozen != NULL)
        holm_frozen_rollback(state);
    close_log(state);
}

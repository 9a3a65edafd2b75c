/* SPDX-License-Identifier: Apache-2.0 */
/*
 * arena.h - memory that is taken piece by piece and given back at once.
 *
 * Pieces never move. A mark remembers how full the arena was; going back to it frees what was
 * taken since.
 */
#ifndef HOLM_CRDT_ARENA_H
#define HOLM_CRDT_ARENA_H

#include "crdt/base.h"

struct holm_arena_chunk {
    struct holm_arena_chunk *below;
    size_t size; /* of the data */
    size_t used;
    _Alignas(16) unsigned char data[];
};

struct holm_arena {
    struct holm_allocator allocator;
    struct holm_arena_chunk *top; /* the newest chunk */
    size_t taken;                 /* bytes in all */
};

struct holm_arena_mark {
    struct holm_arena_chunk *top;
    size_t used;
    size_t taken;
};

void holm_arena_init(struct holm_arena *arena, const struct holm_allocator *allocator);
void holm_arena_release(struct holm_arena *arena);

/* Takes `size` bytes aligned for anything, or returns NULL and changes nothing. Size 0 gives a
 * pointer that must not be read. */
void *holm_arena_take(struct holm_arena *arena, size_t size);

/* The same without alignment, for bytes. */
void *holm_arena_grow(struct holm_arena *arena, size_t size);
static inline void *holm_arena_take_bytes(struct holm_arena *arena, size_t size)
{
    struct holm_arena_chunk *top = arena->top;
    if (top == NULL || top->size - top->used < size)
        return holm_arena_grow(arena, size);
    void *piece = top->data + top->used;
    top->used += size;
    arena->taken += size;
    return piece;
}

/* Copies bytes into the arena. HOLM_ENOMEM; no bytes need no memory. */
HOLM_NODISCARD static inline enum holm_status holm_arena_copy(struct holm_arena *arena,
                                                              struct holm_bytes source,
                                                              struct holm_bytes *copy)
{
    copy->data = NULL;
    copy->size = source.size;
    if (source.size == 0)
        return HOLM_OK;
    void *piece = holm_arena_take_bytes(arena, source.size);
    if (piece == NULL)
        return HOLM_ENOMEM;
    memcpy(piece, source.data, source.size);
    copy->data = piece;
    return HOLM_OK;
}

/* What memory it takes, in bytes. O(chunks). */
size_t holm_arena_bytes(const struct holm_arena *arena);

struct holm_arena_mark holm_arena_mark(const struct holm_arena *arena);
void holm_arena_rewind(struct holm_arena *arena, struct holm_arena_mark mark);

/* Empties the arena, and keeps one chunk of the usual size for the next round. */
void holm_arena_empty(struct holm_arena *arena);
static inline void holm_arena_clear(struct holm_arena *arena)
{
    if (arena->taken > 0)
        holm_arena_empty(arena);
}

#endif

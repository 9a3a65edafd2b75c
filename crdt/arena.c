/* SPDX-License-Identifier: Apache-2.0 */
#include "crdt/arena.h"

#define CHUNK_BYTES ((size_t)4096)
#define ALIGNMENT ((size_t)16)

void holm_arena_init(struct holm_arena *arena, const struct holm_allocator *allocator)
{
    arena->allocator = *allocator;
    arena->top = NULL;
    arena->taken = 0;
}

static void pop(struct holm_arena *arena)
{
    struct holm_arena_chunk *chunk = arena->top;
    arena->top = chunk->below;
    holm_deallocate(&arena->allocator, chunk, sizeof *chunk + chunk->size);
}

void holm_arena_release(struct holm_arena *arena)
{
    while (arena->top != NULL)
        pop(arena);
    arena->taken = 0;
}

static bool push(struct holm_arena *arena, size_t size)
{
    size_t data = size > CHUNK_BYTES ? size : CHUNK_BYTES;
    if (data > SIZE_MAX - sizeof(struct holm_arena_chunk))
        return false;
    struct holm_arena_chunk *chunk = holm_allocate(&arena->allocator, sizeof *chunk + data);
    if (chunk == NULL)
        return false;
    chunk->below = arena->top;
    chunk->size = data;
    chunk->used = 0;
    arena->top = chunk;
    return true;
}

void *holm_arena_grow(struct holm_arena *arena, size_t size)
{
    if (!push(arena, size))
        return NULL;
    arena->top->used = size;
    arena->taken += size;
    return arena->top->data;
}

void *holm_arena_take(struct holm_arena *arena, size_t size)
{
    if (size > SIZE_MAX - 2 * ALIGNMENT)
        return NULL;
    size_t padded = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if (arena->top != NULL) {
        size_t used = (arena->top->used + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
        arena->top->used = used < arena->top->size ? used : arena->top->size;
    }
    return holm_arena_take_bytes(arena, padded);
}

size_t holm_arena_bytes(const struct holm_arena *arena)
{
    size_t bytes = 0;
    for (const struct holm_arena_chunk *chunk = arena->top; chunk != NULL; chunk = chunk->below)
        bytes += sizeof *chunk + chunk->size;
    return bytes;
}

struct holm_arena_mark holm_arena_mark(const struct holm_arena *arena)
{
    struct holm_arena_mark mark = {arena->top, arena->top == NULL ? 0 : arena->top->used,
                                   arena->taken};
    return mark;
}

void holm_arena_rewind(struct holm_arena *arena, struct holm_arena_mark mark)
{
    /* The lowest chunk stays: whoever takes a little and goes back again would free it each time. */
    while (arena->top != mark.top && arena->top->below != mark.top)
        pop(arena);
    if (arena->top != mark.top && (mark.top != NULL || arena->top->size != CHUNK_BYTES))
        pop(arena);
    if (arena->top != NULL)
        arena->top->used = mark.top == NULL ? 0 : mark.used;
    arena->taken = mark.taken;
}

void holm_arena_empty(struct holm_arena *arena)
{
    while (arena->top != NULL && (arena->top->below != NULL || arena->top->size != CHUNK_BYTES))
        pop(arena);
    if (arena->top != NULL)
        arena->top->used = 0;
    arena->taken = 0;
}

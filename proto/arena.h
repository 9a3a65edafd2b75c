/* SPDX-License-Identifier: Apache-2.0 */
/*
 * arena.h - memory that is taken in small pieces and given back at once.
 *
 *     chunk   [ piece | piece | piece | ....... ]  ->  [ older chunk ]  ->  ...
 *
 * protobuf-c allocates by itself, as often as the bytes ask it to. It gets an arena: pieces are cut
 * from chunks, single frees do nothing, and the chunks together never pass a budget. So bytes from
 * outside cannot take more than was granted to them.
 *
 * Invariants, verified by assertions:
 *     A1  taken <= budget, where `taken` is the sum of all chunks
 *     A2  a piece is aligned as malloc's and lives until the arena is cleared or released
 */
#ifndef HOLM_PROTO_ARENA_H
#define HOLM_PROTO_ARENA_H

#include "crdt/base.h"

struct holm_arena_chunk; /* its header, in front of the pieces */

struct holm_arena {
    struct holm_allocator allocator;
    size_t budget;
    size_t taken;                    /* bytes in chunks, their headers included */
    struct holm_arena_chunk *chunks; /* the one that is being cut first */
    size_t used;                     /* of that one, its header included */
    enum holm_status refusal;        /* why the last refusal came: ENOMEM, ETOOBIG; OK: none yet */
};

/* An empty arena; the first piece takes the first chunk. Allocates nothing. */
void holm_arena_init(struct holm_arena *arena, const struct holm_allocator *allocator,
                     size_t budget);

/* Gives every chunk back. The arena is empty and can be used again. */
void holm_arena_release(struct holm_arena *arena);

/* Forgets every piece and keeps one chunk, the largest, for what comes next. */
void holm_arena_clear(struct holm_arena *arena);

/*
 * A piece of `size` bytes, not cleared; never NULL for size 0. NULL when the budget or the
 * allocator refuses, and `refusal` says which. O(1).
 */
void *holm_arena_take(struct holm_arena *arena, size_t size);

/* A piece for `count` elements, with the multiplication checked. */
void *holm_arena_array(struct holm_arena *arena, size_t count, size_t element_bytes);

#endif

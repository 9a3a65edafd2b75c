/* SPDX-License-Identifier: Apache-2.0 */
/*
 * index_block.h - one block of an index: entries in order, by themselves. For index*.c only.
 */
#ifndef HOLM_CRDT_INDEX_BLOCK_H
#define HOLM_CRDT_INDEX_BLOCK_H

#include "crdt/index.h"

#define HOLM_INDEX_FULL 64 /* entries of a block */
#define HOLM_INDEX_LEAST (HOLM_INDEX_FULL / 3)

struct holm_index_block {
    struct holm_index_block *next; /* to the right on its level */
    uint16_t count;
    uint16_t shared;
    bool inner;
    uint32_t references[HOLM_INDEX_FULL];
    uint32_t heads[HOLM_INDEX_FULL];     /* big end first, padded with zeros */
    struct holm_index_block *children[]; /* HOLM_INDEX_FULL of them, if inner */
};

size_t holm_index_block_bytes(bool inner);

/* How many entries are below `key`; *equal says whether the next one is the key itself. */
size_t holm_index_block_search(const struct holm_index *index, const struct holm_index_block *block,
                               struct holm_bytes key, bool *equal);

/* Sets an entry that is there; makes room for one and sets it (`child` NULL: in a leaf). */
void holm_index_block_set(const struct holm_index *index, struct holm_index_block *block, size_t at,
                          uint32_t reference);
void holm_index_block_insert(const struct holm_index *index, struct holm_index_block *block,
                             size_t at, uint32_t reference, struct holm_index_block *child);
void holm_index_block_erase(struct holm_index_block *block, size_t at);

/* Moves `count` entries from the end of `left` to the front of `right`, its neighbour, or back. */
void holm_index_block_move_right(const struct holm_index *index, struct holm_index_block *left,
                                 struct holm_index_block *right, size_t count);
void holm_index_block_move_left(const struct holm_index *index, struct holm_index_block *left,
                                struct holm_index_block *right, size_t count);

/* Computes anew how much is shared, which may have become more. */
void holm_index_block_refresh(const struct holm_index *index, struct holm_index_block *block);

/* X1 and X2 of one block. */
void holm_index_block_check(const struct holm_index *index, const struct holm_index_block *block);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * state_parts.h - the inside of a state, for the files that make it up.
 *
 *     state.c          life cycle, the table, looking
 *     state_cell.c     cells as bytes, and their order
 *     state_undo.c     transactions: blocks that may be changed, and taken back
 *     state_change.c   cells that come and go
 *     state_digest.c   fingerprints, and the check of the whole
 *     state_share.c    what counters are in the live digest
 */
#ifndef HOLM_CRDT_STATE_PARTS_H
#define HOLM_CRDT_STATE_PARTS_H

#include "crdt/state.h"

#define INLINE_BYTES_MAX 1024
#define SEGMENT_BYTES_MAX 2032
#define CELL_HEAD_BYTES 28

/* Heads of blocks. `used` and `undo` come first in each. */
struct holm_block {
    uint32_t used; /* bytes, with this head */
    uint32_t undo; /* number + 1 of its entry in the undo log, 0: untouched */
};

#define RECORD_SEGMENTED 1U
#define RECORD_BURIED 2U

struct holm_record {
    struct holm_block block;
    uint32_t live;
    uint16_t key_bytes;
    uint16_t flags;
    unsigned char data[]; /* key; then cells, or the handle of the index */
};

/* Segments, and the index, whose data are handles. */
struct holm_segment {
    struct holm_block block;
    unsigned char data[];
};

static inline struct holm_record *holm_record_at(const struct holm_state *state, uint32_t handle)
{
    return (struct holm_record *)(void *)holm_heap_at(&state->heap, handle);
}

static inline struct holm_segment *holm_segment_at(const struct holm_state *state, uint32_t handle)
{
    return (struct holm_segment *)(void *)holm_heap_at(&state->heap, handle);
}

static inline uint32_t holm_load_u32(const void *bytes)
{
    uint32_t number;
    memcpy(&number, bytes, sizeof number);
    return number;
}

/* Where the cells of a record begin, or the handle of its index stands. */
static inline uint32_t holm_record_start(const struct holm_record *record)
{
    return (uint32_t)sizeof *record + record->key_bytes;
}

static inline uint32_t holm_record_index(const struct holm_record *record)
{
    return holm_load_u32((const unsigned char *)record + holm_record_start(record));
}

static inline uint32_t holm_index_count(const struct holm_segment *index)
{
    return (uint32_t)((index->block.used - sizeof *index) / sizeof(uint32_t));
}

static inline uint32_t holm_index_get(const struct holm_segment *index, uint32_t at)
{
    return holm_load_u32(index->data + (size_t)at * sizeof(uint32_t));
}

/* A number whose bytes are in the order of a little-endian machine's. */
static inline uint64_t holm_little(uint64_t number)
{
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    return number;
#else
    unsigned char bytes[8];
    for (int i = 0; i < 8; i++)
        bytes[i] = (unsigned char)(number >> (8 * i));
    memcpy(&number, bytes, sizeof number);
    return number;
#endif
}

/* The block that the spot is in, its end, and the offset of its first cell. */
struct holm_range {
    unsigned char *bytes;
    uint32_t first, end;
};
static inline struct holm_range holm_spot_range(const struct holm_state *state,
                                                const struct holm_spot *spot)
{
    struct holm_record *record = holm_record_at(state, spot->record);
    if (!(record->flags & RECORD_SEGMENTED))
        return (struct holm_range){(unsigned char *)record, holm_record_start(record),
                                   record->block.used};
    const struct holm_segment *index = holm_segment_at(state, holm_record_index(record));
    struct holm_segment *segment = holm_segment_at(state, holm_index_get(index, spot->segment));
    return (struct holm_range){(unsigned char *)segment, (uint32_t)sizeof *segment,
                               segment->block.used};
}

/* ---- state_cell.c, where the layout is drawn */

#define HOLM_PACKED_MARK UINT32_C(0x80000000)
#define HOLM_PACKED_WIDE 255U

enum {
    HOLM_PACKED_SEQ = 0,
    HOLM_PACKED_HLC = 8,
    HOLM_PACKED_ACTOR = 16,
    HOLM_PACKED_PATH = 20,
    HOLM_PACKED_KIND = 24,
    HOLM_PACKED_TYPE = 25,
    HOLM_PACKED_SUB_BYTES = 26,
    HOLM_PACKED_VALUE_BYTES = 27
};

/* Where the parts of a packed cell are. */
struct holm_packed_parts {
    uint32_t sub_at, sub_bytes;
    uint32_t value_at, value_bytes;
};
struct holm_packed_parts holm_packed_wide_parts(const unsigned char *packed);

static inline struct holm_packed_parts holm_packed_parts(const unsigned char *packed)
{
    uint32_t sub_bytes = packed[HOLM_PACKED_SUB_BYTES];
    uint32_t value_bytes = packed[HOLM_PACKED_VALUE_BYTES];
    if (sub_bytes == HOLM_PACKED_WIDE || value_bytes == HOLM_PACKED_WIDE)
        return holm_packed_wide_parts(packed);
    return (struct holm_packed_parts){CELL_HEAD_BYTES, sub_bytes, CELL_HEAD_BYTES + sub_bytes,
                                      value_bytes};
}

/* Bytes of the packed cell that begins here. */
static inline uint32_t holm_packed_bytes(const unsigned char *packed)
{
    struct holm_packed_parts parts = holm_packed_parts(packed);
    return parts.value_at + parts.value_bytes;
}

static inline uint32_t holm_packed_path(const unsigned char *packed)
{
    return holm_load_u32(packed + HOLM_PACKED_PATH);
}

static inline uint32_t holm_packed_actor(const unsigned char *packed)
{
    return holm_load_u32(packed + HOLM_PACKED_ACTOR) & ~HOLM_PACKED_MARK;
}

static inline struct holm_bytes holm_packed_sub(const unsigned char *packed)
{
    struct holm_packed_parts parts = holm_packed_parts(packed);
    return holm_mem(packed + parts.sub_at, parts.sub_bytes);
}

/* Whether the packed cell is of the slot; with an actor, whether it is this actor's entry. */
static inline bool holm_packed_is(const unsigned char *packed, const struct holm_slot *slot)
{
    if (holm_packed_path(packed) != slot->path || packed[HOLM_PACKED_KIND] != slot->kind)
        return false;
    if (slot->actor != HOLM_ACTOR_NONE && holm_packed_actor(packed) != slot->actor)
        return false;
    return (packed[HOLM_PACKED_SUB_BYTES] == 0 && slot->sub.size == 0) ||
           holm_bytes_equal(holm_packed_sub(packed), slot->sub);
}

/* Bytes of a cell that is to be packed. */
size_t holm_cell_bytes(const struct holm_cell *cell);
void holm_cell_pack(const struct holm_cell *cell, unsigned char *packed);
/* Packs a cell over one of its slot that takes as many bytes. */
void holm_cell_repack(const struct holm_cell *cell, unsigned char *packed);
void holm_cell_unpack(const unsigned char *packed, struct holm_cell *cell);
void holm_packed_mark(unsigned char *packed, bool marked);
void holm_packed_rename(unsigned char *packed, uint32_t index);
/* The order of a packed cell and a slot, as a record has them. A slot without an actor is before
 * all its cells, and so equals none: then the result is positive or negative. */
int holm_packed_compare(const struct holm_state *state, const unsigned char *packed,
                        const struct holm_slot *slot);
/* Whether a is read before b, both of one slot: by value in max and min, then by (HLC, actor, seq),
 * newest first; entries of a counter and tombstones by actor and seq. */
bool holm_cell_precedes(const struct holm_state *state, const struct holm_cell *a,
                        const struct holm_cell *b);

/* ---- state.c */

/* Room for one more record. HOLM_ENOMEM. */
HOLM_NODISCARD enum holm_status holm_table_reserve(struct holm_state *state);
/* Enters, moves or takes out a record of the table, and of the order, if that is kept; its key must
 * be there, of both blocks when it moves. HOLM_ENOMEM: it is not entered, for want of an order. */
HOLM_NODISCARD enum holm_status holm_table_enter(struct holm_state *state, uint64_t hash,
                                                 uint32_t handle);
void holm_table_move(struct holm_state *state, uint64_t hash, uint32_t from, uint32_t to);
void holm_table_remove(struct holm_state *state, uint64_t hash, uint32_t handle);

/* ---- state_digest.c */

/* Adds the fingerprints of everything to a tree. O(everything). */
void holm_state_fill_tree(const struct holm_state *state, struct holm_tree *tree);

/* ---- state_share.c */

/* What a live entry's value counts for in the live digest. O(1). */
struct holm_digest holm_share_value(const struct holm_state *state, uint64_t key_hash,
                                    const struct holm_cell *entry);
/* What a live entry comes to, or goes from, as another live one of its slot, of the same actor. O(1). */
struct holm_digest holm_share_change(const struct holm_state *state, uint64_t key_hash,
                                     const struct holm_cell *before, const struct holm_cell *after);
/* What it counts for that a node has anything live in the entry's slot. O(1). */
struct holm_digest holm_share_presence(const struct holm_state *state, uint64_t key_hash,
                                       const struct holm_cell *entry);
/*
 * Whether another live entry of its node is in the entry's slot, which the spot is somewhere in the
 * record of; with `earlier`, under an earlier epoch. O(entries) of a slot with few, else O(log cells)
 * for each of the node's epochs, nearest first, until there is one.
 */
bool holm_share_has_other(const struct holm_state *state, const struct holm_spot *spot,
                          const struct holm_cell *entry, bool earlier);

/* ---- state_undo.c */

enum holm_block_role {
    HOLM_BLOCK_RECORD = 1,
    HOLM_BLOCK_SEGMENT = 2,
    HOLM_BLOCK_INDEX = 3
};

struct holm_undo {
    uint64_t hash;        /* of the record's key */
    unsigned char *saved; /* SAVED: the content, in state->saved */
    uint32_t handle;      /* SAVED: the block. MOVED: the new one, 0: gone again */
    uint32_t from;        /* MOVED: what it was copied from, 0: nothing. Freed at commit */
    uint8_t type;         /* enum in state_undo.c */
    uint8_t role;         /* enum holm_block_role */
    bool retired;         /* SAVED: the block is the `from` of a later entry */
};

/* A new block of `bytes`, its head set to empty. HOLM_ENOMEM. */
HOLM_NODISCARD enum holm_status holm_undo_make(struct holm_state *state, uint64_t hash,
                                               enum holm_block_role role, size_t bytes,
                                               uint32_t *handle);
/* Notes the content of a block that is to be changed for the first time, and keeps its place and
 * size. HOLM_ENOMEM. */
HOLM_NODISCARD enum holm_status holm_undo_keep(struct holm_state *state, uint64_t hash,
                                               enum holm_block_role role, uint32_t handle);
/* Takes back a block that was just made, and that nobody names yet. */
void holm_undo_unmake(struct holm_state *state, uint32_t handle);
/* Makes the block one that may be changed, with room for `bytes`: *handle may become another one. A
 * record's block is moved in the table, too; whoever names another block mends that. HOLM_ENOMEM. */
HOLM_NODISCARD enum holm_status holm_undo_own(struct holm_state *state, uint64_t hash,
                                              enum holm_block_role role, size_t bytes,
                                              uint32_t *handle);
/* Room in the log for so many more entries. HOLM_ENOMEM. */
HOLM_NODISCARD enum holm_status holm_undo_reserve(struct holm_state *state, size_t count);
/* Gives a block up that is owned; takes one reserved entry. */
void holm_undo_retire(struct holm_state *state, uint32_t handle);

#endif

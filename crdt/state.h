/* SPDX-License-Identifier: Apache-2.0 */
/*
 * state.h - the live content of one partition: records, packed.
 *
 *     table     [tag|handle] [    ] [tag|handle] ...    open addressing, in the order of the tags:
 *                    |                                  the top 32 bits of a key's hash
 *     block     head  key  cell cell cell ...           one block of memory a record
 *     cell      seq hlc actor path kind type sizes | element | value          28 bytes and content
 *
 * A record's cells lie one behind the other, in the order of path, kind, element and then as they
 * are read: the winner first; the entries of a counter by actor. What a read, a write or a merge
 * needs of a small record is in two or three cache lines. A record that outgrows INLINE_BYTES_MAX
 * keeps its cells in segments of at most SEGMENT_BYTES_MAX, listed in order in a block of their own:
 *
 *     block     head  key  index -> [segment] [segment] [segment] ...
 *
 * so that a set of 100,000 elements costs a binary search, and its record's other fields as well.
 *
 * Because the table is in the order of the hash, the records of a range of hashes, which is what a
 * leaf of the digest tree stands for, are found without looking at any other.
 *
 * Invariants, verified by holm_state_check():
 *     S1  every record has a cell; a tombstone is a cell of kind 0, and then all are
 *     S2  digests and figures are what a walk over everything gives
 *     S3  a record's cells are in order, and no dot is in a slot twice
 *     S4  a path has as many users as cells; a block is in the heap and in one place
 *
 * Every change happens inside a transaction. It is made at once; before a block is changed for the
 * first time, its content is saved, or it is copied and the original kept, so that a refused
 * allocation in the middle can be taken back without allocating.
 */
#ifndef HOLM_CRDT_STATE_H
#define HOLM_CRDT_STATE_H

#include "crdt/actors.h"
#include "crdt/arena.h"
#include "crdt/count.h"
#include "crdt/heap.h"
#include "crdt/index.h"
#include "crdt/names.h"
#include "crdt/tree.h"

/* The kind of a tombstone's cell: no field has it. */
#define HOLM_KIND_TOMBSTONE 0

/* A cell, unpacked. Bytes point into the state, until its next change. */
struct holm_cell {
    uint8_t kind;   /* enum holm_kind, a newer one, or HOLM_KIND_TOMBSTONE */
    bool marked;    /* seen in the cut that is being merged */
    uint32_t path;  /* its number in state->names */
    uint32_t actor; /* index */
    uint64_t seq;   /* COUNTER: count.last */
    uint64_t hlc;   /* COUNTER: 0 */
    struct holm_bytes sub;
    struct holm_value value; /* of all but counters and tombstones */
    struct holm_count count; /* of counters */
};

/* A key with its hash, so that it is hashed once. */
struct holm_key {
    struct holm_bytes bytes;
    uint64_t hash;
    size_t near; /* where a find may look first: a place in the table, or SIZE_MAX */
};

/* Which cells belong together. Of a counter, `actor` says whose entry is looked for. */
struct holm_slot {
    uint32_t path;
    uint8_t kind;
    uint32_t actor;
    struct holm_bytes sub;
};

/*
 * A place in a record: at a cell, or behind the last one. A change through a spot keeps this spot
 * right; all others in the same record are void then.
 */
struct holm_spot {
    uint64_t hash;    /* of the record's key */
    uint32_t record;  /* its block */
    uint32_t segment; /* of a record with segments: which one */
    uint32_t at;      /* offset in the block or segment */
};

struct holm_table_slot {
    uint32_t tag;
    uint32_t handle; /* 0: empty */
};

struct holm_undo;
struct holm_frozen;

struct holm_state {
    struct holm_allocator allocator;
    const struct holm_actors *actors;
    uint64_t seed;
    struct holm_heap heap;
    struct holm_names names;
    struct holm_table_slot *table;
    size_t table_capacity;
    size_t table_passed;     /* slots that the last record passed on the way to its own */
    size_t record_count;     /* all, buried ones too */
    bool ordered;            /* `order` is kept */
    struct holm_index order; /* of all records by key */

    struct holm_digest digest; /* live cells and live entries */
    struct holm_tree tree;     /* and everything else that a sync carries */
    size_t present;            /* records with live cells */
    size_t tombstones;
    size_t cells; /* and entries, ghosts too */

    struct holm_frozen *frozen; /* this state as it was: a list, see frozen.h */
    uint64_t walked;            /* records that were looked at there, since the tree was refined */
    bool open;                  /* a transaction is */
    struct holm_undo *undo;
    size_t undo_count, undo_capacity;
    struct holm_arena saved; /* contents of blocks as they were */
    struct {
        struct holm_digest digest;
        size_t present, tombstones, cells;
    } start; /* of the transaction */
};

/* `actors` is borrowed for the life of the state. HOLM_ENOMEM. */
HOLM_NODISCARD enum holm_status holm_state_init(struct holm_state *state,
                                                const struct holm_allocator *allocator,
                                                const struct holm_actors *actors, uint64_t seed);
/* Nothing of it may be frozen any more. */
void holm_state_release(struct holm_state *state);

/* From now on records are kept in the order of their keys, too: 10 to 11 bytes a record, and
 * O(log records) when one comes, goes, or its block moves. The state must be empty, and must itself
 * stay where it is. */
void holm_state_keep_order(struct holm_state *state);

/* What the content takes: blocks, table and paths, in bytes of memory. */
size_t holm_state_bytes(const struct holm_state *state);

/* ---- looking ------------------------------------------------------------------------------- */

struct holm_key holm_state_key(const struct holm_state *state, struct holm_bytes key);

/* Hashes keys whose bytes are set, and asks for the memory that finding and changing their records
 * takes: of one key for the table's, since its record is known only when that has come; of several
 * for the records', too, which hides most of what a find waits for. The state may change before
 * the keys are used. */
void holm_state_prepare(const struct holm_state *state, struct holm_key *keys, size_t count);

/* Finds a record; *spot is at its first cell. */
bool holm_state_find(const struct holm_state *state, const struct holm_key *key,
                     struct holm_spot *spot);

/* Moves a spot within its record to the first cell of the slot (of a counter with `actor` not
 * HOLM_ACTOR_NONE: to this actor's entry), or to where that would be. True when there is one.
 * O(cells) in a small record, O(log cells) in one with segments. */
bool holm_spot_seek(const struct holm_state *state, struct holm_spot *spot,
                    const struct holm_slot *slot);

/* Both in one, with the path given as it is. */
bool holm_state_seek(const struct holm_state *state, const struct holm_key *key,
                     struct holm_bytes path, uint8_t kind, struct holm_bytes sub,
                     struct holm_spot *spot);

/* The cell at the spot; false at the record's end. */
bool holm_spot_cell(const struct holm_state *state, struct holm_spot *spot, struct holm_cell *cell);
/* The same, and false also when the cell is of another slot. */
bool holm_spot_cell_of(const struct holm_state *state, struct holm_spot *spot,
                       const struct holm_slot *slot, struct holm_cell *cell);
/* Whether the cell at the spot is followed by none of its slot. */
bool holm_spot_is_last(const struct holm_state *state, const struct holm_spot *spot,
                       const struct holm_slot *slot);
/* Seeks, and gives the slot's first cell if there is one; *only says whether no other follows. */
bool holm_spot_seek_cell(const struct holm_state *state, struct holm_spot *spot,
                         const struct holm_slot *slot, struct holm_cell *cell, bool *only);
/* To the next cell. There must be one at the spot. */
void holm_spot_next(const struct holm_state *state, struct holm_spot *spot);
/* To the record's first cell. */
void holm_spot_rewind(const struct holm_state *state, struct holm_spot *spot);

/* To the first cell whose path is `path` or behind it, in the order of their bytes: what lies at and
 * below a path follows from there, and nothing else is between. O(log cells). */
void holm_spot_seek_path(const struct holm_state *state, struct holm_spot *spot,
                         struct holm_bytes path);

struct holm_slot holm_cell_slot(const struct holm_cell *cell);

struct holm_bytes holm_spot_key(const struct holm_state *state, const struct holm_spot *spot);
/* How many live cells and entries the record has; whether it has a tombstone. */
uint32_t holm_spot_live(const struct holm_state *state, const struct holm_spot *spot);
bool holm_spot_buried(const struct holm_state *state, const struct holm_spot *spot);

/*
 * Records in the order of the table, those whose hash is from `first` to `last`; all with 0 and
 * UINT64_MAX. The state must not change in between, but marks may. O(records of the range).
 *
 *     struct holm_walk walk = holm_state_walk(state, 0, UINT64_MAX);
 *     while (holm_walk_next(state, &walk, &spot)) ...
 */
struct holm_walk {
    uint64_t first, last;
    size_t at;   /* in the table */
    size_t body; /* slots up to where the range's last record would be at home */
    size_t left; /* slots of the table that are not looked at yet */
};
struct holm_walk holm_state_walk(const struct holm_state *state, uint64_t first, uint64_t last);
/* Asks for memory that a walk will read: of the table; then, with `records`, of its first records. */
void holm_state_prefetch_walk(const struct holm_state *state, uint64_t first, uint64_t last,
                              bool records);
bool holm_walk_next(const struct holm_state *state, struct holm_walk *walk, struct holm_spot *spot);

/* The record that a reference in state->order names; *spot is at its first cell. */
void holm_state_ordered(const struct holm_state *state, uint32_t reference, struct holm_spot *spot);

/* ---- transactions -------------------------------------------------------------------------- */

void holm_state_begin(struct holm_state *state);
/* Frees what was removed, records without cells too; cannot fail. */
void holm_state_commit(struct holm_state *state);
/* Everything is as it was at begin; cannot fail. */
void holm_state_rollback(struct holm_state *state);

/* Makes the table large enough for so many more records, which keeps it from growing step by step
 * when they come in the order of their hashes. Best effort. */
void holm_state_expect(struct holm_state *state, size_t records);

/* The following need an open transaction. After HOLM_ENOMEM only a roll-back may follow. */

/* Finds or makes the record; *spot is at its first cell. */
HOLM_NODISCARD enum holm_status holm_state_ensure(struct holm_state *state,
                                                  const struct holm_key *key,
                                                  struct holm_spot *spot);

/* The number of a path, for a cell. */
HOLM_NODISCARD enum holm_status holm_state_path(struct holm_state *state, struct holm_bytes path,
                                                uint32_t *number);

/* Puts a cell, its bytes copied, into its place among those of its slot; the spot, which must be
 * anywhere in its record, is at the cell then. */
HOLM_NODISCARD enum holm_status holm_spot_insert(struct holm_state *state, struct holm_spot *spot,
                                                 const struct holm_cell *cell);
/* The same for a slot without cells, with the spot where a seek for it ended. */
HOLM_NODISCARD enum holm_status holm_spot_place(struct holm_state *state, struct holm_spot *spot,
                                                const struct holm_cell *cell);
/* Takes the cell at the spot away; the spot is at the next one. */
HOLM_NODISCARD enum holm_status holm_spot_erase(struct holm_state *state, struct holm_spot *spot);
/* Puts a cell of the same slot, for which it is the right place in the order, into the place of
 * `old`, the one at the spot. */
HOLM_NODISCARD enum holm_status holm_spot_replace(struct holm_state *state, struct holm_spot *spot,
                                                  const struct holm_cell *old,
                                                  const struct holm_cell *cell);

/* Adds a tombstone (nothing if the very dot is there), and drops all else that the record has. */
HOLM_NODISCARD enum holm_status holm_state_bury(struct holm_state *state, struct holm_spot *spot,
                                                uint32_t actor, uint64_t seq);

/* Takes the tombstone at the spot away; the spot is at the next one. With the last one of its record the
 * key can be written again. */
HOLM_NODISCARD enum holm_status holm_state_exhume(struct holm_state *state, struct holm_spot *spot);

/* Marks the cell at the spot, or takes the mark off. A roll-back does not undo it. */
void holm_spot_mark(struct holm_state *state, const struct holm_spot *spot, bool marked);

/* Cells name actors by other indices, indices[old], which are in the same order. No transaction may be open,
 * nothing be frozen. Cannot fail. O(cells). */
void holm_state_renumber(struct holm_state *state, const uint32_t *indices);

/* ---- digests ------------------------------------------------------------------------------- */

/* What a walk gives: what digests and figures must be. O(everything). */
void holm_state_check(const struct holm_state *state);
/* Computes both digests anew; true when they were right, else what is frozen of it is broken. */
bool holm_state_rebuild_digests(struct holm_state *state);

/* Makes the tree fine enough to be compared by. Best effort; what is frozen must have a tree of its own, so
 * there may be none. O(everything) when a level is added, which from then on stays. */
void holm_state_refine(struct holm_state *state);

/* The fingerprint of one cell: keyed XXH3 of the key's hash, the slot, the dot and the payload.
 * Actors and paths enter in full or by their keyed hash, never by number. */
struct holm_digest holm_cell_digest(const struct holm_state *state, uint64_t key_hash,
                                    const struct holm_cell *cell);
/* The same of what a cut brings; its actor and path need not be known here. */
struct holm_digest holm_item_digest(const struct holm_state *state, uint64_t key_hash,
                                    struct holm_actor actor, const struct holm_item *item);
/* Whether the cell counts in the live digest: all but tombstones and ghosts. */
static inline bool holm_cell_live(const struct holm_cell *cell)
{
    if (cell->kind == HOLM_COUNTER)
        return holm_count_live(&cell->count);
    return cell->kind != HOLM_KIND_TOMBSTONE;
}

#endif

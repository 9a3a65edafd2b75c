/* SPDX-License-Identifier: Apache-2.0 */
/*
 * state.h - the live content of one partition: records, slots, cells, tombstones.
 *
 *     record  key -> fields -> slots -> cells            one register cell a sibling
 *                                    -> count entries    one an actor, ghosts too
 *                 -> tombstones
 *
 *     table    chained hash of records by XXH3 of the key
 *     field    (path, kind); a record's fields are a list in that order
 *     slot     (field, element); a field's slots are a treap in the order of the elements. Its
 *              priorities are hashes of the elements, so that no order of insertions makes
 *              it deep (Seidel, Aragon, "Randomized Search Trees", 1996)
 *     cell     a slot's cells are a list, the one that is read first
 *
 * Invariants, verified by holm_state_check():
 *     S1  every slot has a cell or an entry; every field a slot; every record a field or tombstone
 *     S2  digests and figures are what a walk over everything gives
 *     S3  a record with a tombstone has no fields
 *     S4  lists and treaps are in order
 *
 * Every change happens inside a transaction: changes are made at once and written to an undo log
 * first, so that a refused allocation in the middle can be taken back without allocating. What was
 * removed is freed when the transaction commits.
 */
#ifndef HOLM_CRDT_STATE_H
#define HOLM_CRDT_STATE_H

#include "crdt/actors.h"
#include "crdt/count.h"
#include "crdt/digest.h"

struct holm_cell {
    struct holm_cell *next;
    uint64_t seq;
    uint64_t hlc;
    uint32_t actor;   /* index */
    uint32_t pending; /* of an unsealed own cell: its item in the pending run */
    uint32_t value_bytes;
    uint8_t type; /* enum holm_type, or a newer one */
    bool marked;  /* seen in the cut that is being merged */
    union {
        int64_t i64;
        double f64;
        bool boolean;
    } number;
    unsigned char bytes[];
};

struct holm_count_entry {
    struct holm_count_entry *next; /* in the order of the actors' indices */
    struct holm_count count;
    uint32_t actor;
    uint32_t pending; /* of an own entry with unsealed increments: its item in the pending run */
    bool marked;
};

struct holm_slot {
    struct holm_field *field;
    struct holm_slot *parent, *left, *right;
    struct holm_slot *swept; /* list of slots that may have become empty */
    struct holm_cell *cells;
    struct holm_count_entry *entries;
    uint32_t priority;
    uint32_t sub_bytes;
    bool queued;
    unsigned char sub[];
};

struct holm_field {
    struct holm_field *next;
    struct holm_record *record;
    struct holm_slot *root;
    uint16_t path_bytes;
    uint8_t kind;
    unsigned char path[];
};

struct holm_tombstone {
    struct holm_tombstone *next;
    uint64_t seq;
    uint32_t actor;
};

struct holm_record {
    struct holm_record *next;
    struct holm_record *swept;
    struct holm_field *fields;
    struct holm_tombstone *tombstones;
    uint64_t hash;
    uint32_t live; /* cells and live count entries */
    uint16_t key_bytes;
    bool queued;
    unsigned char key[];
};

enum holm_undo_type {
    HOLM_UNDO_CELL_LINK,
    HOLM_UNDO_CELL_UNLINK,
    HOLM_UNDO_ENTRY_LINK,
    HOLM_UNDO_ENTRY_UNLINK,
    HOLM_UNDO_ENTRY_SET,
    HOLM_UNDO_TOMBSTONE_LINK
};

struct holm_undo {
    enum holm_undo_type type;
    void *owner;             /* slot, or record */
    void *thing;             /* cell, entry, tombstone */
    struct holm_count count; /* ENTRY_SET: what it was */
    uint32_t pending;
};

struct holm_state {
    struct holm_allocator allocator;
    const struct holm_actors *actors;
    uint64_t seed;
    struct holm_record **buckets;
    size_t bucket_count; /* a power of two */
    size_t record_count; /* all, buried ones too */
    struct holm_undo *undo;
    size_t undo_count, undo_capacity;
    struct holm_slot *swept_slots;
    struct holm_record *swept_records;
    bool open; /* a transaction is */

    struct holm_digest digest;   /* live cells and live entries */
    struct holm_digest transfer; /* and everything else that a sync carries */
    size_t present;              /* records with live > 0 */
    size_t tombstones;
    size_t cells; /* and entries, ghosts too */
    size_t bytes; /* of memory */
};

/* `actors` is borrowed for the life of the state. HOLM_ENOMEM. */
HOLM_NODISCARD enum holm_status holm_state_init(struct holm_state *state,
                                                const struct holm_allocator *allocator,
                                                const struct holm_actors *actors, uint64_t seed);
void holm_state_release(struct holm_state *state);

struct holm_record *holm_state_find(const struct holm_state *state, struct holm_bytes key);
struct holm_field *holm_record_field(const struct holm_record *record, struct holm_bytes path,
                                     uint8_t kind);
struct holm_slot *holm_field_slot(const struct holm_field *field, struct holm_bytes sub);
/* All three in one. NULL when any is missing. */
struct holm_slot *holm_state_slot(const struct holm_state *state, struct holm_bytes key,
                                  struct holm_bytes path, uint8_t kind, struct holm_bytes sub);

/* In the order of the elements. NULL at the end. */
struct holm_slot *holm_field_first(const struct holm_field *field);
struct holm_slot *holm_slot_next(const struct holm_slot *slot);
/* The first whose element is greater than `sub`. O(log n). */
struct holm_slot *holm_field_behind(const struct holm_field *field, struct holm_bytes sub);

/* All records, in the table's order: the first with NULL, then the one behind. The state must not
 * change in between. */
struct holm_record *holm_state_next(const struct holm_state *state,
                                    const struct holm_record *record);

static inline bool holm_record_buried(const struct holm_record *record)
{
    return record != NULL && record->tombstones != NULL;
}
static inline struct holm_bytes holm_record_key(const struct holm_record *record)
{
    return holm_mem(record->key, record->key_bytes);
}
static inline struct holm_bytes holm_field_path(const struct holm_field *field)
{
    return holm_mem(field->path, field->path_bytes);
}
static inline struct holm_bytes holm_slot_sub(const struct holm_slot *slot)
{
    return holm_mem(slot->sub, slot->sub_bytes);
}
/* The cell's value; bytes point into the cell. */
struct holm_value holm_cell_value(const struct holm_cell *cell);

/* ---- transactions -------------------------------------------------------------------------- */

void holm_state_begin(struct holm_state *state);
/* Frees what was removed; cannot fail. */
void holm_state_commit(struct holm_state *state);
/* Everything is as it was at begin; cannot fail. */
void holm_state_rollback(struct holm_state *state);

/* The following need an open transaction. HOLM_ENOMEM: nothing changed that a roll-back keeps. */

/* Finds or makes the record; the slot with its field and record. */
HOLM_NODISCARD enum holm_status holm_state_ensure(struct holm_state *state, struct holm_bytes key,
                                                  struct holm_record **record);
HOLM_NODISCARD enum holm_status holm_state_ensure_slot(struct holm_state *state,
                                                       struct holm_bytes key,
                                                       struct holm_bytes path, uint8_t kind,
                                                       struct holm_bytes sub,
                                                       struct holm_slot **slot);

struct holm_cell_new {
    uint32_t actor;
    uint64_t seq;
    uint64_t hlc;
    struct holm_value value; /* copied */
    uint32_t pending;
    bool marked;
};
HOLM_NODISCARD enum holm_status holm_state_put(struct holm_state *state, struct holm_slot *slot,
                                               const struct holm_cell_new *cell);
HOLM_NODISCARD enum holm_status holm_state_drop(struct holm_state *state, struct holm_slot *slot,
                                                struct holm_cell *cell);

struct holm_count_entry *holm_slot_entry(const struct holm_slot *slot, uint32_t actor);
/* Sets the actor's entry, which is made if there is none. */
HOLM_NODISCARD enum holm_status holm_state_set_count(struct holm_state *state,
                                                     struct holm_slot *slot, uint32_t actor,
                                                     const struct holm_count *count,
                                                     uint32_t pending);
HOLM_NODISCARD enum holm_status holm_state_drop_count(struct holm_state *state,
                                                      struct holm_slot *slot,
                                                      struct holm_count_entry *entry);

/* Links a tombstone (nothing if the very dot is there), and drops all else that the record has.
 * After HOLM_ENOMEM only a roll-back may follow. */
HOLM_NODISCARD enum holm_status holm_state_bury(struct holm_state *state,
                                                struct holm_record *record, uint32_t actor,
                                                uint64_t seq);

/* The sum over a walk: what digest, transfer and the figures must be. O(everything). */
void holm_state_check(const struct holm_state *state);
/* Computes both digests anew; true when they were right. */
bool holm_state_rebuild_digests(struct holm_state *state);

/* The fingerprints that make up the digests. */
struct holm_digest holm_cell_digest(const struct holm_state *state, const struct holm_slot *slot,
                                    const struct holm_cell *cell);
struct holm_digest holm_entry_digest(const struct holm_state *state, const struct holm_slot *slot,
                                     const struct holm_count_entry *entry);
struct holm_digest holm_tombstone_digest(const struct holm_state *state,
                                         const struct holm_record *record,
                                         const struct holm_tombstone *tombstone);

#endif

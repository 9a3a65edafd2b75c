/* SPDX-License-Identifier: Apache-2.0 */
#include "crdt/state.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "crdt/state_parts.h"

#define TABLE_CAPACITY_MIN ((size_t)16)
#define WALK_AHEAD ((size_t)12) /* records asked for before they are looked at */
#define CROWDED ((size_t)64)    /* slots passed */
#define SPARSE ((size_t)32)     /* slots a record: no table grows beyond that */

/* The tag, scaled: in order, and without a power of two, so that growing can be gentle. */
static size_t scale(uint32_t tag, size_t capacity)
{
    return (size_t)((uint64_t)tag * capacity >> 32);
}

static size_t home_of(const struct holm_state *state, uint32_t tag)
{
    return scale(tag, state->table_capacity);
}

static size_t step(const struct holm_state *state, size_t at)
{
    return at + 1 < state->table_capacity ? at + 1 : 0;
}

/* How far a slot is behind another, around the end. */
static size_t distance(const struct holm_state *state, size_t from, size_t to)
{
    return to >= from ? to - from : to + state->table_capacity - from;
}

static uint32_t tag_of(uint64_t hash)
{
    return (uint32_t)(hash >> 32);
}

static struct holm_table_slot *new_table(const struct holm_state *state, size_t capacity)
{
    size_t bytes = capacity * sizeof(struct holm_table_slot);
    struct holm_table_slot *table = holm_allocate(&state->allocator, bytes);
    if (table != NULL)
        memset(table, 0, bytes);
    return table;
}

enum holm_status holm_state_init(struct holm_state *state, const struct holm_allocator *allocator,
                                 const struct holm_actors *actors, uint64_t seed)
{
    memset(state, 0, sizeof *state);
    state->allocator = *allocator;
    state->actors = actors;
    state->seed = seed;
    holm_heap_init(&state->heap, allocator);
    holm_arena_init(&state->saved, allocator);
    if (holm_tree_init(&state->tree, allocator, 0) != HOLM_OK ||
        holm_names_init(&state->names, allocator, seed) != HOLM_OK)
        return HOLM_ENOMEM;
    state->table = new_table(state, TABLE_CAPACITY_MIN);
    if (state->table == NULL) {
        holm_names_release(&state->names);
        return HOLM_ENOMEM;
    }
    state->table_capacity = TABLE_CAPACITY_MIN;
    return HOLM_OK;
}

static struct holm_bytes key_of(const void *context, uint32_t reference)
{
    const struct holm_record *record = holm_record_at(context, reference);
    return holm_mem(record->data, record->key_bytes);
}

void holm_state_keep_order(struct holm_state *state)
{
    HOLM_ASSERT(state->record_count == 0 && !state->ordered);
    state->ordered = true;
    holm_index_init(&state->order, &state->allocator, key_of, state);
}

void holm_state_ordered(const struct holm_state *state, uint32_t reference, struct holm_spot *spot)
{
    spot->hash = holm_state_key(state, key_of(state, reference)).hash;
    spot->record = reference;
    holm_spot_rewind(state, spot);
}

void holm_state_release(struct holm_state *state)
{
    if (state->table == NULL)
        return;
    HOLM_ASSERT(!state->open && state->frozen == NULL);
    if (state->ordered)
        holm_index_release(&state->order);
    holm_heap_release(&state->heap);
    holm_names_release(&state->names);
    holm_arena_release(&state->saved);
    holm_tree_release(&state->tree);
    holm_array_free(&state->allocator, state->table, state->table_capacity, sizeof *state->table);
    holm_array_free(&state->allocator, state->undo, state->undo_capacity, sizeof *state->undo);
    memset(state, 0, sizeof *state);
}

size_t holm_state_bytes(const struct holm_state *state)
{
    return state->heap.taken + state->table_capacity * sizeof *state->table + state->names.bytes +
           holm_tree_bytes(&state->tree) + state->order.bytes;
}

/* ---- the table */

/* Returns how many slots were passed. */
static size_t enter(struct holm_table_slot *table, size_t capacity, struct holm_table_slot slot)
{
    size_t passed = 0;
    size_t at = scale(slot.tag, capacity);
    for (; table[at].handle != 0; passed++)
        at = at + 1 < capacity ? at + 1 : 0;
    table[at] = slot;
    return passed;
}

static bool resize(struct holm_state *state, size_t capacity)
{
    struct holm_table_slot *table = capacity < UINT32_MAX ? new_table(state, capacity) : NULL;
    if (table == NULL)
        return false;
    for (size_t i = 0; i < state->table_capacity; i++) {
        if (state->table[i].handle != 0)
            (void)enter(table, capacity, state->table[i]);
    }
    holm_array_free(&state->allocator, state->table, state->table_capacity, sizeof *state->table);
    state->table = table;
    state->table_capacity = capacity;
    return true;
}

/* Up to four fifths full, by half as much again: 12 bytes a record on the average. Records that come
 * in the order of their hashes crowd one end of a table that is still small; then it grows, too. */
enum holm_status holm_table_reserve(struct holm_state *state)
{
    bool crowded = state->table_passed > CROWDED &&
                   state->table_capacity / SPARSE <= state->record_count;
    state->table_passed = 0;
    if ((state->record_count + 1) * 5 <= state->table_capacity * 4 && !crowded)
        return HOLM_OK;
    if (resize(state, state->table_capacity + state->table_capacity / 2))
        return HOLM_OK;
    /* A fuller table is only slower, as long as a slot stays empty. */
    return state->record_count + 2 <= state->table_capacity ? HOLM_OK : HOLM_ENOMEM;
}

void holm_state_expect(struct holm_state *state, size_t records)
{
    size_t wanted = (state->record_count + records) / 4 * 5 + TABLE_CAPACITY_MIN;
    if (wanted > state->table_capacity)
        (void)resize(state, wanted);
}

enum holm_status holm_table_enter(struct holm_state *state, uint64_t hash, uint32_t handle)
{
    if (state->ordered && holm_index_insert(&state->order, handle) != HOLM_OK)
        return HOLM_ENOMEM;
    struct holm_table_slot slot = {tag_of(hash), handle};
    state->table_passed = enter(state->table, state->table_capacity, slot);
    state->record_count += 1;
    return HOLM_OK;
}

static size_t slot_of(const struct holm_state *state, uint64_t hash, uint32_t handle)
{
    size_t at = home_of(state, tag_of(hash));
    while (state->table[at].handle != handle) {
        HOLM_ASSERT(state->table[at].handle != 0);
        at = step(state, at);
    }
    return at;
}

void holm_table_move(struct holm_state *state, uint64_t hash, uint32_t from, uint32_t to)
{
    state->table[slot_of(state, hash, from)].handle = to;
    if (state->ordered)
        holm_index_rename(&state->order, from, to);
}

/* Behind a hole, what was pushed there from its home moves up. */
void holm_table_remove(struct holm_state *state, uint64_t hash, uint32_t handle)
{
    size_t hole = slot_of(state, hash, handle);
    if (state->ordered)
        holm_index_erase(&state->order, handle);
    for (size_t at = step(state, hole); state->table[at].handle != 0; at = step(state, at)) {
        size_t home = home_of(state, state->table[at].tag);
        if (distance(state, home, at) < distance(state, hole, at))
            continue;
        state->table[hole] = state->table[at];
        hole = at;
    }
    state->table[hole] = (struct holm_table_slot){0, 0};
    state->record_count -= 1;
}

/* ---- looking */

struct holm_key holm_state_key(const struct holm_state *state, struct holm_bytes key)
{
    return (struct holm_key){key, XXH3_64bits_withSeed(key.data, key.size, state->seed), SIZE_MAX};
}

static bool is_key(const struct holm_state *state, uint32_t handle, struct holm_bytes key)
{
    const struct holm_record *record = holm_record_at(state, handle);
    return record->key_bytes == key.size && memcmp(record->data, key.data, key.size) == 0;
}

static uint32_t find(const struct holm_state *state, const struct holm_key *key)
{
    uint32_t tag = tag_of(key->hash);
    size_t at = key->near;
    if (at < state->table_capacity && state->table[at].tag == tag && state->table[at].handle != 0 &&
        is_key(state, state->table[at].handle, key->bytes))
        return state->table[at].handle;
    at = home_of(state, tag);
    while (state->table[at].handle != 0) {
        if (state->table[at].tag == tag && is_key(state, state->table[at].handle, key->bytes))
            return state->table[at].handle;
        at = step(state, at);
    }
    return 0;
}

/* Asks for the record of a place in the table. */
static void prefetch_record(const struct holm_state *state, size_t at)
{
#if defined(__GNUC__)
    if (state->table[at].handle != 0) {
        const unsigned char *block = holm_heap_at(&state->heap, state->table[at].handle);
        __builtin_prefetch(block);
        __builtin_prefetch(block + 64);
    }
#else
    (void)state;
    (void)at;
#endif
}

/* Asks for the place in the table where the key is looked for, and for the leaf that it counts in. */
static void prefetch_home(const struct holm_state *state, const struct holm_key *key)
{
#if defined(__GNUC__)
    __builtin_prefetch(&state->table[home_of(state, tag_of(key->hash))]);
#endif
    holm_tree_prefetch(&state->tree, key->hash);
}

/* Likewise for the record, whose place in the table is noted. */
static void prefetch_near(const struct holm_state *state, struct holm_key *key)
{
    uint32_t tag = tag_of(key->hash);
    size_t at = home_of(state, tag);
    while (state->table[at].handle != 0 && state->table[at].tag != tag)
        at = step(state, at);
    key->near = at;
    prefetch_record(state, at);
}

void holm_state_prepare(const struct holm_state *state, struct holm_key *keys, size_t count)
{
#if defined(__GNUC__)
    for (size_t i = 0; count > 1 && i < count; i++)
        __builtin_prefetch(keys[i].bytes.data);
#endif
    for (size_t i = 0; i < count; i++) {
        keys[i] = holm_state_key(state, keys[i].bytes);
        prefetch_home(state, &keys[i]);
    }
    for (size_t i = 0; count > 1 && i < count; i++)
        prefetch_near(state, &keys[i]);
}

static inline void rewind_spot(const struct holm_state *state, struct holm_spot *spot)
{
    const struct holm_record *record = holm_record_at(state, spot->record);
    spot->segment = 0;
    spot->at = record->flags & RECORD_SEGMENTED ? (uint32_t)sizeof(struct holm_segment)
                                                : holm_record_start(record);
}

void holm_spot_rewind(const struct holm_state *state, struct holm_spot *spot)
{
    rewind_spot(state, spot);
}

bool holm_state_find(const struct holm_state *state, const struct holm_key *key,
                     struct holm_spot *spot)
{
    spot->hash = key->hash;
    spot->record = find(state, key);
    if (spot->record == 0)
        return false;
    rewind_spot(state, spot);
    return true;
}

/* The last segment that does not begin behind the slot: its first cell, if there is one, is in
 * this one or begins the next. */
static uint32_t segment_of(const struct holm_state *state, const struct holm_record *record,
                           const struct holm_slot *slot)
{
    const struct holm_segment *index = holm_segment_at(state, holm_record_index(record));
    uint32_t low = 0;
    uint32_t high = holm_index_count(index);
    uint32_t path = slot->path; /* the last that was compared */
    int order = 0;
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        const struct holm_segment *segment = holm_segment_at(state, holm_index_get(index, middle));
        if (holm_packed_path(segment->data) != path) {
            path = holm_packed_path(segment->data);
            order = holm_names_compare(&state->names, path, slot->path);
        }
        if (order < 0 || (order == 0 && holm_packed_compare(state, segment->data, slot) <= 0))
            low = middle;
        else
            high = middle;
    }
    return low;
}

/* Most seeks find what they look for, which needs no order. */
static bool seek_equal(struct holm_range range, struct holm_spot *spot,
                       const struct holm_slot *slot)
{
    for (uint32_t at = range.first; at < range.end; at += holm_packed_bytes(range.bytes + at)) {
        if (holm_packed_is(range.bytes + at, slot)) {
            spot->at = at;
            return true;
        }
    }
    return false;
}

bool holm_spot_seek(const struct holm_state *state, struct holm_spot *spot,
                    const struct holm_slot *slot)
{
    const struct holm_record *record = holm_record_at(state, spot->record);
    bool segmented = (record->flags & RECORD_SEGMENTED) != 0;
    spot->segment = 0;
    if (segmented)
        spot->segment = segment_of(state, record, slot);
    struct holm_range range = holm_spot_range(state, spot);
    if (seek_equal(range, spot, slot))
        return true;
    spot->at = range.first;
    while (spot->at < range.end && holm_packed_compare(state, range.bytes + spot->at, slot) < 0)
        spot->at += holm_packed_bytes(range.bytes + spot->at);
    if (spot->at < range.end || !segmented)
        return false;
    struct holm_spot next = *spot;
    struct holm_cell cell;
    if (!holm_spot_cell(state, &next, &cell) || next.segment == spot->segment)
        return false;
    range = holm_spot_range(state, &next);
    if (!holm_packed_is(range.bytes + range.first, slot))
        return false;
    *spot = next;
    return true;
}

void holm_spot_seek_path(const struct holm_state *state, struct holm_spot *spot,
                         struct holm_bytes path)
{
    const struct holm_record *record = holm_record_at(state, spot->record);
    struct holm_cell cell;
    spot->segment = 0;
    if (record->flags & RECORD_SEGMENTED) {
        const struct holm_segment *index = holm_segment_at(state, holm_record_index(record));
        uint32_t high = holm_index_count(index);
        while (high - spot->segment > 1) {
            uint32_t middle = spot->segment + (high - spot->segment) / 2;
            const struct holm_segment *segment = holm_segment_at(state,
                                                                 holm_index_get(index, middle));
            if (holm_bytes_compare(holm_names_path(&state->names, holm_packed_path(segment->data)),
                                   path) < 0)
                spot->segment = middle;
            else
                high = middle;
        }
    }
    spot->at = holm_spot_range(state, spot).first;
    while (holm_spot_cell(state, spot, &cell) &&
           holm_bytes_compare(holm_names_path(&state->names, cell.path), path) < 0)
        holm_spot_next(state, spot);
}

bool holm_state_seek(const struct holm_state *state, const struct holm_key *key,
                     struct holm_bytes path, uint8_t kind, struct holm_bytes sub,
                     struct holm_spot *spot)
{
    struct holm_slot slot = {holm_names_find(&state->names, path), kind, HOLM_ACTOR_NONE, sub};
    if (slot.path == HOLM_NAME_NONE || !holm_state_find(state, key, spot))
        return false;
    return holm_spot_seek(state, spot, &slot);
}

bool holm_spot_cell(const struct holm_state *state, struct holm_spot *spot, struct holm_cell *cell)
{
    const struct holm_record *record = holm_record_at(state, spot->record);
    struct holm_range range = holm_spot_range(state, spot);
    if (spot->at >= range.end) {
        if (!(record->flags & RECORD_SEGMENTED) ||
            spot->segment + 1 >=
                holm_index_count(holm_segment_at(state, holm_record_index(record))))
            return false;
        spot->segment += 1;
        range = holm_spot_range(state, spot);
        spot->at = range.first;
    }
    holm_cell_unpack(range.bytes + spot->at, cell);
    return true;
}

bool holm_spot_cell_of(const struct holm_state *state, struct holm_spot *spot,
                       const struct holm_slot *slot, struct holm_cell *cell)
{
    return holm_spot_cell(state, spot, cell) && cell->path == slot->path &&
           cell->kind == slot->kind && holm_bytes_equal(cell->sub, slot->sub);
}

bool holm_spot_is_last(const struct holm_state *state, const struct holm_spot *spot,
                       const struct holm_slot *slot)
{
    struct holm_range range = holm_spot_range(state, spot);
    uint32_t next = spot->at + holm_packed_bytes(range.bytes + spot->at);
    if (next < range.end)
        return !holm_packed_is(range.bytes + next, slot);
    if (!(holm_record_at(state, spot->record)->flags & RECORD_SEGMENTED))
        return true;
    struct holm_spot behind = *spot;
    struct holm_cell cell;
    behind.at = next;
    return !holm_spot_cell_of(state, &behind, slot, &cell);
}

static bool seek_cell_in_segments(const struct holm_state *state, struct holm_spot *spot,
                                  const struct holm_slot *slot, struct holm_cell *cell, bool *only)
{
    if (!holm_spot_seek(state, spot, slot) || !holm_spot_cell(state, spot, cell))
        return false;
    *only = holm_spot_is_last(state, spot, slot);
    return true;
}

bool holm_spot_seek_cell(const struct holm_state *state, struct holm_spot *spot,
                         const struct holm_slot *slot, struct holm_cell *cell, bool *only)
{
    const struct holm_record *record = holm_record_at(state, spot->record);
    const unsigned char *bytes = (const unsigned char *)record;
    uint32_t end = record->block.used;
    *only = false;
    if (record->flags & RECORD_SEGMENTED)
        return seek_cell_in_segments(state, spot, slot, cell, only);
    spot->segment = 0;
    spot->at = holm_record_start(record);
    while (spot->at < end && !holm_packed_is(bytes + spot->at, slot))
        spot->at += holm_packed_bytes(bytes + spot->at);
    if (spot->at == end)
        return holm_spot_seek(state, spot, slot);
    holm_cell_unpack(bytes + spot->at, cell);
    uint32_t next = spot->at + holm_packed_bytes(bytes + spot->at);
    *only = next == end || !holm_packed_is(bytes + next, slot);
    return true;
}

void holm_spot_next(const struct holm_state *state, struct holm_spot *spot)
{
    struct holm_range range = holm_spot_range(state, spot);
    HOLM_ASSERT(spot->at < range.end);
    spot->at += holm_packed_bytes(range.bytes + spot->at);
}

struct holm_slot holm_cell_slot(const struct holm_cell *cell)
{
    return (struct holm_slot){cell->path, cell->kind, HOLM_ACTOR_NONE, cell->sub};
}

struct holm_bytes holm_spot_key(const struct holm_state *state, const struct holm_spot *spot)
{
    const struct holm_record *record = holm_record_at(state, spot->record);
    return holm_mem(record->data, record->key_bytes);
}

uint32_t holm_spot_live(const struct holm_state *state, const struct holm_spot *spot)
{
    return holm_record_at(state, spot->record)->live;
}

bool holm_spot_buried(const struct holm_state *state, const struct holm_spot *spot)
{
    return (holm_record_at(state, spot->record)->flags & RECORD_BURIED) != 0;
}

void holm_spot_mark(struct holm_state *state, const struct holm_spot *spot, bool marked)
{
    struct holm_range range = holm_spot_range(state, spot);
    HOLM_ASSERT(spot->at < range.end);
    holm_packed_mark(range.bytes + spot->at, marked);
}

void holm_state_renumber(struct holm_state *state, const uint32_t *indices)
{
    struct holm_spot spot;
    struct holm_cell cell;
    HOLM_ASSERT(!state->open && state->frozen == NULL);
    struct holm_walk walk = holm_state_walk(state, 0, UINT64_MAX);
    while (holm_walk_next(state, &walk, &spot)) {
        for (; holm_spot_cell(state, &spot, &cell); holm_spot_next(state, &spot))
            holm_packed_rename(holm_spot_range(state, &spot).bytes + spot.at, indices[cell.actor]);
    }
}

/* ---- walking */

static void prefetch_records(const struct holm_state *state, size_t at, size_t count)
{
    for (size_t i = 0; i < WALK_AHEAD && i < count; i++) {
        prefetch_record(state, at);
        at = step(state, at);
    }
}

void holm_state_prefetch_walk(const struct holm_state *state, uint64_t first, uint64_t last,
                              bool records)
{
    size_t start = home_of(state, tag_of(first));
    if (records)
        prefetch_records(state, start, home_of(state, tag_of(last)) - start + 1);
#if defined(__GNUC__)
    else
        __builtin_prefetch(&state->table[start]);
#endif
}

struct holm_walk holm_state_walk(const struct holm_state *state, uint64_t first, uint64_t last)
{
    HOLM_ASSERT(first <= last);
    size_t start = home_of(state, tag_of(first));
    size_t body = home_of(state, tag_of(last)) - start + 1;
    prefetch_records(state, start, body);
    return (struct holm_walk){first, last, start, body, state->table_capacity};
}

/* The slot that is looked at so many steps later. */
static size_t ahead(const struct holm_state *state, size_t at)
{
    size_t later = at + WALK_AHEAD - 1;
    return later < state->table_capacity ? later : later - state->table_capacity;
}

bool holm_walk_next(const struct holm_state *state, struct holm_walk *walk, struct holm_spot *spot)
{
    while (walk->left > 0) {
        struct holm_table_slot slot = state->table[walk->at];
        if (slot.handle == 0 && walk->body == 0)
            return false;
        walk->at = step(state, walk->at);
        walk->left -= 1;
        if (walk->body > WALK_AHEAD)
            prefetch_record(state, ahead(state, walk->at));
        walk->body -= walk->body > 0 ? 1 : 0;
        if (slot.handle == 0 || slot.tag < tag_of(walk->first) || slot.tag > tag_of(walk->last))
            continue;
        spot->record = slot.handle;
        spot->hash = holm_state_key(state, holm_spot_key(state, spot)).hash;
        if (spot->hash < walk->first || spot->hash > walk->last)
            continue;
        holm_spot_rewind(state, spot);
        return true;
    }
    walk->left = 0;
    return false;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changes of the state, and how they are taken back: each is made at once and written to the undo
 * log; what was removed stays in memory until the transaction commits.
 */
#include "crdt/order.h"
#include "crdt/state_parts.h"

#define UNDO_KEPT 256

/* Whether a is read before b: by value in max and min, then by (HLC, actor, seq), newest first. */
static bool precedes(const struct holm_state *state, uint8_t kind, const struct holm_cell *a,
                     const struct holm_cell *b)
{
    if (kind == HOLM_MAX || kind == HOLM_MIN) {
        struct holm_value left = holm_cell_value(a);
        struct holm_value right = holm_cell_value(b);
        int order = holm_value_compare(&left, &right);
        if (order != 0)
            return kind == HOLM_MAX ? order > 0 : order < 0;
    }
    if (a->hlc != b->hlc)
        return a->hlc > b->hlc;
    int order = holm_actor_compare(state->actors->rows[a->actor].actor,
                                   state->actors->rows[b->actor].actor);
    return order != 0 ? order > 0 : a->seq > b->seq;
}

static void count_live(struct holm_state *state, struct holm_record *record, bool more)
{
    if (more) {
        state->present += record->live == 0 ? 1 : 0;
        record->live += 1;
    } else {
        HOLM_ASSERT(record->live > 0);
        record->live -= 1;
        state->present -= record->live == 0 ? 1 : 0;
    }
}

static void link_cell(struct holm_state *state, struct holm_slot *slot, struct holm_cell *cell)
{
    struct holm_cell **link = &slot->cells;
    while (*link != NULL && precedes(state, slot->field->kind, *link, cell))
        link = &(*link)->next;
    cell->next = *link;
    *link = cell;
    struct holm_digest digest = holm_cell_digest(state, slot, cell);
    holm_digest_add(&state->digest, digest);
    holm_digest_add(&state->transfer, digest);
    state->cells += 1;
    count_live(state, slot->field->record, true);
}

static void unlink_cell(struct holm_state *state, struct holm_slot *slot, struct holm_cell *cell)
{
    struct holm_cell **link = &slot->cells;
    while (*link != cell)
        link = &(*link)->next;
    *link = cell->next;
    struct holm_digest digest = holm_cell_digest(state, slot, cell);
    holm_digest_subtract(&state->digest, digest);
    holm_digest_subtract(&state->transfer, digest);
    state->cells -= 1;
    count_live(state, slot->field->record, false);
    holm_state_queue_slot(state, slot);
}

static void account_entry(struct holm_state *state, struct holm_slot *slot,
                          const struct holm_count_entry *entry, bool more)
{
    struct holm_digest digest = holm_entry_digest(state, slot, entry);
    void (*change)(struct holm_digest *, struct holm_digest) = more ? holm_digest_add
                                                                    : holm_digest_subtract;
    change(&state->transfer, digest);
    if (holm_count_live(&entry->count)) {
        change(&state->digest, digest);
        count_live(state, slot->field->record, more);
    }
}

static void link_entry(struct holm_state *state, struct holm_slot *slot,
                       struct holm_count_entry *entry)
{
    struct holm_count_entry **link = &slot->entries;
    while (*link != NULL && (*link)->actor < entry->actor)
        link = &(*link)->next;
    entry->next = *link;
    *link = entry;
    state->cells += 1;
    account_entry(state, slot, entry, true);
}

static void unlink_entry(struct holm_state *state, struct holm_slot *slot,
                         struct holm_count_entry *entry)
{
    struct holm_count_entry **link = &slot->entries;
    while (*link != entry)
        link = &(*link)->next;
    *link = entry->next;
    state->cells -= 1;
    account_entry(state, slot, entry, false);
    holm_state_queue_slot(state, slot);
}

static void link_tombstone(struct holm_state *state, struct holm_record *record,
                           struct holm_tombstone *tombstone)
{
    tombstone->next = record->tombstones;
    record->tombstones = tombstone;
    holm_digest_add(&state->transfer, holm_tombstone_digest(state, record, tombstone));
    state->tombstones += 1;
}

static void unlink_tombstone(struct holm_state *state, struct holm_record *record,
                             struct holm_tombstone *tombstone)
{
    struct holm_tombstone **link = &record->tombstones;
    while (*link != tombstone)
        link = &(*link)->next;
    *link = tombstone->next;
    holm_digest_subtract(&state->transfer, holm_tombstone_digest(state, record, tombstone));
    state->tombstones -= 1;
    holm_state_queue_record(state, record);
}

static enum holm_status reserve_undo(struct holm_state *state)
{
    HOLM_ASSERT(state->open);
    void *array = state->undo;
    enum holm_status status = holm_array_reserve(&state->allocator, &array, &state->undo_capacity,
                                                 sizeof *state->undo, state->undo_count + 1);
    state->undo = array;
    return status;
}

static void remember(struct holm_state *state, enum holm_undo_type type, void *owner, void *thing)
{
    state->undo[state->undo_count++] = (struct holm_undo){
        .type = type, .owner = owner, .thing = thing};
}

enum holm_status holm_state_put(struct holm_state *state, struct holm_slot *slot,
                                const struct holm_cell_new *made)
{
    const struct holm_value *value = &made->value;
    struct holm_bytes bytes = holm_type_has_bytes(value->type) ? value->as.bytes
                                                               : holm_mem(NULL, 0);
    HOLM_ASSERT(bytes.size <= UINT32_MAX && made->seq > 0);
    if (reserve_undo(state) != HOLM_OK)
        return HOLM_ENOMEM;
    struct holm_cell *cell = holm_state_take(state, sizeof *cell, bytes.size);
    if (cell == NULL)
        return HOLM_ENOMEM;
    cell->actor = made->actor;
    cell->seq = made->seq;
    cell->hlc = made->hlc;
    cell->pending = made->pending;
    cell->marked = made->marked;
    cell->type = (uint8_t)value->type;
    cell->value_bytes = (uint32_t)bytes.size;
    if (bytes.size > 0)
        memcpy(cell->bytes, bytes.data, bytes.size);
    if (value->type == HOLM_I64)
        cell->number.i64 = value->as.i64;
    else if (value->type == HOLM_DOUBLE)
        cell->number.f64 = value->as.f64;
    else if (value->type == HOLM_BOOL)
        cell->number.boolean = value->as.boolean;
    link_cell(state, slot, cell);
    remember(state, HOLM_UNDO_CELL_LINK, slot, cell);
    return HOLM_OK;
}

enum holm_status holm_state_drop(struct holm_state *state, struct holm_slot *slot,
                                 struct holm_cell *cell)
{
    if (reserve_undo(state) != HOLM_OK)
        return HOLM_ENOMEM;
    unlink_cell(state, slot, cell);
    remember(state, HOLM_UNDO_CELL_UNLINK, slot, cell);
    return HOLM_OK;
}

enum holm_status holm_state_set_count(struct holm_state *state, struct holm_slot *slot,
                                      uint32_t actor, const struct holm_count *count,
                                      uint32_t pending)
{
    if (reserve_undo(state) != HOLM_OK)
        return HOLM_ENOMEM;
    struct holm_count_entry *entry = holm_slot_entry(slot, actor);
    if (entry == NULL) {
        entry = holm_state_take(state, sizeof *entry, 0);
        if (entry == NULL)
            return HOLM_ENOMEM;
        entry->actor = actor;
        entry->count = *count;
        entry->pending = pending;
        link_entry(state, slot, entry);
        remember(state, HOLM_UNDO_ENTRY_LINK, slot, entry);
        return HOLM_OK;
    }
    remember(state, HOLM_UNDO_ENTRY_SET, slot, entry);
    state->undo[state->undo_count - 1].count = entry->count;
    state->undo[state->undo_count - 1].pending = entry->pending;
    account_entry(state, slot, entry, false);
    entry->count = *count;
    entry->pending = pending;
    account_entry(state, slot, entry, true);
    return HOLM_OK;
}

enum holm_status holm_state_drop_count(struct holm_state *state, struct holm_slot *slot,
                                       struct holm_count_entry *entry)
{
    if (reserve_undo(state) != HOLM_OK)
        return HOLM_ENOMEM;
    unlink_entry(state, slot, entry);
    remember(state, HOLM_UNDO_ENTRY_UNLINK, slot, entry);
    return HOLM_OK;
}

static enum holm_status empty_slot(struct holm_state *state, struct holm_slot *slot)
{
    while (slot->cells != NULL) {
        if (holm_state_drop(state, slot, slot->cells) != HOLM_OK)
            return HOLM_ENOMEM;
    }
    while (slot->entries != NULL) {
        if (holm_state_drop_count(state, slot, slot->entries) != HOLM_OK)
            return HOLM_ENOMEM;
    }
    return HOLM_OK;
}

enum holm_status holm_state_bury(struct holm_state *state, struct holm_record *record,
                                 uint32_t actor, uint64_t seq)
{
    const struct holm_tombstone *known = record->tombstones;
    for (; known != NULL; known = known->next) {
        if (known->actor == actor && known->seq == seq)
            return HOLM_OK;
    }
    if (reserve_undo(state) != HOLM_OK)
        return HOLM_ENOMEM;
    struct holm_tombstone *tombstone = holm_state_take(state, sizeof *tombstone, 0);
    if (tombstone == NULL)
        return HOLM_ENOMEM;
    tombstone->actor = actor;
    tombstone->seq = seq;
    link_tombstone(state, record, tombstone);
    remember(state, HOLM_UNDO_TOMBSTONE_LINK, record, tombstone);
    for (struct holm_field *field = record->fields; field != NULL; field = field->next) {
        struct holm_slot *slot = holm_field_first(field);
        for (; slot != NULL; slot = holm_slot_next(slot)) {
            if (empty_slot(state, slot) != HOLM_OK)
                return HOLM_ENOMEM;
        }
    }
    return HOLM_OK;
}

void holm_state_begin(struct holm_state *state)
{
    HOLM_ASSERT(!state->open && state->undo_count == 0);
    state->open = true;
}

/* Frees the slots, fields and records that hold nothing any more. */
static void sweep(struct holm_state *state)
{
    while (state->swept_slots != NULL) {
        struct holm_slot *slot = state->swept_slots;
        state->swept_slots = slot->swept;
        slot->queued = false;
        if (slot->cells != NULL || slot->entries != NULL)
            continue;
        struct holm_field *field = slot->field;
        holm_slot_remove(slot);
        holm_state_give(state, slot, sizeof *slot, slot->sub_bytes);
        if (field->root != NULL)
            continue;
        holm_state_queue_record(state, field->record);
        holm_field_free(state, field);
    }
    while (state->swept_records != NULL) {
        struct holm_record *record = state->swept_records;
        state->swept_records = record->swept;
        record->queued = false;
        if (record->fields == NULL && record->tombstones == NULL)
            holm_record_free(state, record);
    }
}

/* A merge of everything leaves a log as large as the state. */
static void close_log(struct holm_state *state)
{
    void *undo = state->undo;
    holm_array_trim(&state->allocator, &undo, &state->undo_capacity, sizeof *state->undo,
                    UNDO_KEPT);
    state->undo = undo;
    state->open = false;
}

void holm_state_commit(struct holm_state *state)
{
    HOLM_ASSERT(state->open);
    for (size_t i = 0; i < state->undo_count; i++) {
        if (state->undo[i].type == HOLM_UNDO_CELL_UNLINK)
            holm_cell_free(state, state->undo[i].thing);
        else if (state->undo[i].type == HOLM_UNDO_ENTRY_UNLINK)
            holm_state_give(state, state->undo[i].thing, sizeof(struct holm_count_entry), 0);
    }
    state->undo_count = 0;
    sweep(state);
    close_log(state);
}

static void undo_one(struct holm_state *state, const struct holm_undo *undo)
{
    struct holm_count_entry *entry = undo->thing;
    switch (undo->type) {
    case HOLM_UNDO_CELL_LINK:
        unlink_cell(state, undo->owner, undo->thing);
        holm_cell_free(state, undo->thing);
        break;
    case HOLM_UNDO_CELL_UNLINK:
        link_cell(state, undo->owner, undo->thing);
        break;
    case HOLM_UNDO_ENTRY_LINK:
        unlink_entry(state, undo->owner, undo->thing);
        holm_state_give(state, undo->thing, sizeof(struct holm_count_entry), 0);
        break;
    case HOLM_UNDO_ENTRY_UNLINK:
        link_entry(state, undo->owner, undo->thing);
        break;
    case HOLM_UNDO_ENTRY_SET:
        account_entry(state, undo->owner, entry, false);
        entry->count = undo->count;
        entry->pending = undo->pending;
        account_entry(state, undo->owner, entry, true);
        break;
    case HOLM_UNDO_TOMBSTONE_LINK:
        unlink_tombstone(state, undo->owner, undo->thing);
        holm_state_give(state, undo->thing, sizeof(struct holm_tombstone), 0);
        break;
    }
}

void holm_state_rollback(struct holm_state *state)
{
    HOLM_ASSERT(state->open);
    while (state->undo_count > 0) {
        state->undo_count -= 1;
        undo_one(state, &state->undo[state->undo_count]);
    }
    sweep(state);
    close_log(state);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <xxhash.h>

#include "crdt/order.h"
#include "crdt/path.h"
#include "crdt/state_parts.h"

#define BUCKETS_MIN ((size_t)64)

enum holm_status holm_state_init(struct holm_state *state, const struct holm_allocator *allocator,
                                 const struct holm_actors *actors, uint64_t seed)
{
    memset(state, 0, sizeof *state);
    state->allocator = *allocator;
    state->actors = actors;
    state->seed = seed;
    state->buckets = holm_allocate(allocator, BUCKETS_MIN * sizeof(struct holm_record *));
    if (state->buckets == NULL)
        return HOLM_ENOMEM;
    state->bucket_count = BUCKETS_MIN;
    for (size_t i = 0; i < BUCKETS_MIN; i++)
        state->buckets[i] = NULL;
    return HOLM_OK;
}

static uint64_t hash_key(const struct holm_state *state, struct holm_bytes key)
{
    return XXH3_64bits_withSeed(key.data, key.size, state->seed);
}

struct holm_record *holm_state_find(const struct holm_state *state, struct holm_bytes key)
{
    uint64_t hash = hash_key(state, key);
    struct holm_record *record = state->buckets[hash & (state->bucket_count - 1)];
    while (record != NULL &&
           (record->hash != hash || !holm_bytes_equal(holm_record_key(record), key)))
        record = record->next;
    return record;
}

struct holm_record *holm_state_next(const struct holm_state *state,
                                    const struct holm_record *record)
{
    if (record != NULL && record->next != NULL)
        return record->next;
    size_t bucket = record == NULL ? 0 : (record->hash & (state->bucket_count - 1)) + 1;
    while (bucket < state->bucket_count && state->buckets[bucket] == NULL)
        bucket += 1;
    return bucket < state->bucket_count ? state->buckets[bucket] : NULL;
}

static int compare_field(const struct holm_field *field, struct holm_bytes path, uint8_t kind)
{
    int order = holm_bytes_compare(holm_field_path(field), path);
    return order != 0 ? order : (int)field->kind - (int)kind;
}

struct holm_field *holm_record_field(const struct holm_record *record, struct holm_bytes path,
                                     uint8_t kind)
{
    struct holm_field *field = record->fields;
    while (field != NULL && compare_field(field, path, kind) < 0)
        field = field->next;
    return field != NULL && compare_field(field, path, kind) == 0 ? field : NULL;
}

struct holm_slot *holm_state_slot(const struct holm_state *state, struct holm_bytes key,
                                  struct holm_bytes path, uint8_t kind, struct holm_bytes sub)
{
    const struct holm_record *record = holm_state_find(state, key);
    const struct holm_field *field = record == NULL ? NULL : holm_record_field(record, path, kind);
    return field == NULL ? NULL : holm_field_slot(field, sub);
}

/* A fuller table is only slower: a refused allocation is no error. */
static void grow(struct holm_state *state)
{
    size_t count = state->bucket_count * 2;
    struct holm_record **buckets = holm_allocate(&state->allocator,
                                                 count * sizeof(struct holm_record *));
    if (buckets == NULL)
        return;
    for (size_t i = 0; i < count; i++)
        buckets[i] = NULL;
    for (size_t i = 0; i < state->bucket_count; i++) {
        while (state->buckets[i] != NULL) {
            struct holm_record *record = state->buckets[i];
            state->buckets[i] = record->next;
            record->next = buckets[record->hash & (count - 1)];
            buckets[record->hash & (count - 1)] = record;
        }
    }
    holm_deallocate(&state->allocator, state->buckets,
                    state->bucket_count * sizeof(struct holm_record *));
    state->buckets = buckets;
    state->bucket_count = count;
}

void *holm_state_take(struct holm_state *state, size_t head, size_t tail)
{
    void *memory = holm_allocate(&state->allocator, head + tail);
    if (memory == NULL)
        return NULL;
    memset(memory, 0, head);
    state->bytes += head + tail;
    return memory;
}

void holm_state_give(struct holm_state *state, void *memory, size_t head, size_t tail)
{
    HOLM_ASSERT(state->bytes >= head + tail);
    state->bytes -= head + tail;
    holm_deallocate(&state->allocator, memory, head + tail);
}

void holm_state_queue_slot(struct holm_state *state, struct holm_slot *slot)
{
    if (slot->queued)
        return;
    slot->queued = true;
    slot->swept = state->swept_slots;
    state->swept_slots = slot;
}

void holm_state_queue_record(struct holm_state *state, struct holm_record *record)
{
    if (record->queued)
        return;
    record->queued = true;
    record->swept = state->swept_records;
    state->swept_records = record;
}

enum holm_status holm_state_ensure(struct holm_state *state, struct holm_bytes key,
                                   struct holm_record **result)
{
    HOLM_ASSERT(state->open);
    HOLM_ASSERT(key.size >= 1 && key.size <= HOLM_KEY_BYTES_MAX);
    *result = holm_state_find(state, key);
    if (*result != NULL)
        return HOLM_OK;
    if (state->record_count >= state->bucket_count)
        grow(state);
    struct holm_record *record = holm_state_take(state, sizeof *record, key.size);
    if (record == NULL)
        return HOLM_ENOMEM;
    record->hash = hash_key(state, key);
    record->key_bytes = (uint16_t)key.size;
    memcpy(record->key, key.data, key.size);
    struct holm_record **bucket = &state->buckets[record->hash & (state->bucket_count - 1)];
    record->next = *bucket;
    *bucket = record;
    record->queued = true;
    record->swept = state->swept_records;
    state->swept_records = record;
    state->record_count += 1;
    *result = record;
    return HOLM_OK;
}

static enum holm_status ensure_field(struct holm_state *state, struct holm_record *record,
                                     struct holm_bytes path, uint8_t kind,
                                     struct holm_field **result)
{
    struct holm_field **link = &record->fields;
    while (*link != NULL && compare_field(*link, path, kind) < 0)
        link = &(*link)->next;
    *result = *link;
    if (*link != NULL && compare_field(*link, path, kind) == 0)
        return HOLM_OK;
    struct holm_field *field = holm_state_take(state, sizeof *field, path.size);
    if (field == NULL)
        return HOLM_ENOMEM;
    field->record = record;
    field->kind = kind;
    field->path_bytes = (uint16_t)path.size;
    if (path.size > 0)
        memcpy(field->path, path.data, path.size);
    field->next = *link;
    *link = field;
    *result = field;
    return HOLM_OK;
}

void holm_field_free(struct holm_state *state, struct holm_field *field)
{
    struct holm_field **link = &field->record->fields;
    while (*link != field)
        link = &(*link)->next;
    *link = field->next;
    holm_state_give(state, field, sizeof *field, field->path_bytes);
}

enum holm_status holm_state_ensure_slot(struct holm_state *state, struct holm_bytes key,
                                        struct holm_bytes path, uint8_t kind, struct holm_bytes sub,
                                        struct holm_slot **result)
{
    HOLM_ASSERT(kind != 0 && path.size <= HOLM_PATH_BYTES_MAX && sub.size <= UINT32_MAX);
    struct holm_record *record;
    struct holm_field *field;
    enum holm_status status = holm_state_ensure(state, key, &record);
    if (status == HOLM_OK)
        status = ensure_field(state, record, path, kind, &field);
    if (status != HOLM_OK)
        return status;
    *result = holm_field_slot(field, sub);
    if (*result != NULL)
        return HOLM_OK;
    struct holm_slot *slot = holm_state_take(state, sizeof *slot, sub.size);
    if (slot == NULL) {
        if (field->root == NULL)
            holm_field_free(state, field);
        return HOLM_ENOMEM;
    }
    slot->field = field;
    slot->priority = (uint32_t)XXH3_64bits_withSeed(sub.data, sub.size, state->seed);
    slot->sub_bytes = (uint32_t)sub.size;
    if (sub.size > 0)
        memcpy(slot->sub, sub.data, sub.size);
    holm_slot_insert(field, slot);
    holm_state_queue_slot(state, slot);
    *result = slot;
    return HOLM_OK;
}

struct holm_value holm_cell_value(const struct holm_cell *cell)
{
    struct holm_value value = {.type = (enum holm_type)cell->type};
    if (holm_type_has_bytes(value.type))
        value.as.bytes = holm_mem(cell->bytes, cell->value_bytes);
    else if (value.type == HOLM_I64)
        value.as.i64 = cell->number.i64;
    else if (value.type == HOLM_DOUBLE)
        value.as.f64 = cell->number.f64;
    else if (value.type == HOLM_BOOL)
        value.as.boolean = cell->number.boolean;
    return value;
}

void holm_cell_free(struct holm_state *state, struct holm_cell *cell)
{
    holm_state_give(state, cell, sizeof *cell, cell->value_bytes);
}

void holm_record_free(struct holm_state *state, struct holm_record *record)
{
    struct holm_record **link = &state->buckets[record->hash & (state->bucket_count - 1)];
    while (*link != record)
        link = &(*link)->next;
    *link = record->next;
    state->record_count -= 1;
    holm_state_give(state, record, sizeof *record, record->key_bytes);
}

static void release_field(struct holm_state *state, struct holm_field *field)
{
    while (field->root != NULL) {
        struct holm_slot *slot = field->root;
        while (slot->cells != NULL) {
            struct holm_cell *cell = slot->cells;
            slot->cells = cell->next;
            holm_cell_free(state, cell);
        }
        while (slot->entries != NULL) {
            struct holm_count_entry *entry = slot->entries;
            slot->entries = entry->next;
            holm_state_give(state, entry, sizeof *entry, 0);
        }
        holm_slot_remove(slot);
        holm_state_give(state, slot, sizeof *slot, slot->sub_bytes);
    }
    holm_state_give(state, field, sizeof *field, field->path_bytes);
}

static void release_record(struct holm_state *state, struct holm_record *record)
{
    while (record->fields != NULL) {
        struct holm_field *field = record->fields;
        record->fields = field->next;
        release_field(state, field);
    }
    while (record->tombstones != NULL) {
        struct holm_tombstone *tombstone = record->tombstones;
        record->tombstones = tombstone->next;
        holm_state_give(state, tombstone, sizeof *tombstone, 0);
    }
    holm_state_give(state, record, sizeof *record, record->key_bytes);
}

void holm_state_release(struct holm_state *state)
{
    if (state->buckets == NULL)
        return;
    HOLM_ASSERT(!state->open);
    for (size_t i = 0; i < state->bucket_count; i++) {
        while (state->buckets[i] != NULL) {
            struct holm_record *record = state->buckets[i];
            state->buckets[i] = record->next;
            release_record(state, record);
        }
    }
    HOLM_ASSERT(state->bytes == 0);
    holm_deallocate(&state->allocator, state->buckets,
                    state->bucket_count * sizeof(struct holm_record *));
    holm_array_free(&state->allocator, state->undo, state->undo_capacity, sizeof *state->undo);
    memset(state, 0, sizeof *state);
}

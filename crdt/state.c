/* SPDX-License-Identifier: Apache-2.0 */
#include "crdt/state.h"

#include <xxhash.h>

#include "crdt/order.h"
#include "crdt/path.h"

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

struct holm_slot *holm_field_slot(const struct holm_field *field, struct holm_bytes sub)
{
    struct holm_slot *slot = field->root;
    while (slot != NULL) {
        int order = holm_bytes_compare(sub, holm_slot_sub(slot));
        if (order == 0)
            return slot;
        slot = order < 0 ? slot->left : slot->right;
    }
    return NULL;
}

struct holm_slot *holm_state_slot(const struct holm_state *state, struct holm_bytes key,
                                  struct holm_bytes path, uint8_t kind, struct holm_bytes sub)
{
    const struct holm_record *record = holm_state_find(state, key);
    const struct holm_field *field = record == NULL ? NULL : holm_record_field(record, path, kind);
    return field == NULL ? NULL : holm_field_slot(field, sub);
}

struct holm_slot *holm_field_first(const struct holm_field *field)
{
    struct holm_slot *slot = field->root;
    while (slot != NULL && slot->left != NULL)
        slot = slot->left;
    return slot;
}

struct holm_slot *holm_slot_next(const struct holm_slot *slot)
{
    if (slot->right != NULL) {
        struct holm_slot *next = slot->right;
        while (next->left != NULL)
            next = next->left;
        return next;
    }
    while (slot->parent != NULL && slot->parent->right == slot)
        slot = slot->parent;
    return slot->parent;
}

/* Puts `child` where `slot` hung. */
static void replace_child(struct holm_slot *slot, struct holm_slot *child)
{
    struct holm_slot *parent = slot->parent;
    if (parent == NULL)
        slot->field->root = child;
    else if (parent->left == slot)
        parent->left = child;
    else
        parent->right = child;
    if (child != NULL)
        child->parent = parent;
}

/* Turns the edge between a slot and its parent, so that the slot comes above. */
static void rotate_up(struct holm_slot *slot)
{
    struct holm_slot *parent = slot->parent;
    replace_child(parent, slot);
    if (parent->left == slot) {
        parent->left = slot->right;
        if (slot->right != NULL)
            slot->right->parent = parent;
        slot->right = parent;
    } else {
        parent->right = slot->left;
        if (slot->left != NULL)
            slot->left->parent = parent;
        slot->left = parent;
    }
    parent->parent = slot;
}

static void treap_insert(struct holm_field *field, struct holm_slot *slot)
{
    struct holm_slot *parent = NULL;
    struct holm_slot **link = &field->root;
    while (*link != NULL) {
        parent = *link;
        int order = holm_bytes_compare(holm_slot_sub(slot), holm_slot_sub(parent));
        HOLM_ASSERT(order != 0);
        link = order < 0 ? &parent->left : &parent->right;
    }
    *link = slot;
    slot->parent = parent;
    while (slot->parent != NULL && slot->parent->priority < slot->priority)
        rotate_up(slot);
}

static void treap_remove(struct holm_slot *slot)
{
    while (slot->left != NULL && slot->right != NULL)
        rotate_up(slot->left->priority > slot->right->priority ? slot->left : slot->right);
    replace_child(slot, slot->left != NULL ? slot->left : slot->right);
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

static void *take(struct holm_state *state, size_t head, size_t tail)
{
    void *memory = holm_allocate(&state->allocator, head + tail);
    if (memory == NULL)
        return NULL;
    memset(memory, 0, head);
    state->bytes += head + tail;
    return memory;
}

static void give(struct holm_state *state, void *memory, size_t head, size_t tail)
{
    HOLM_ASSERT(state->bytes >= head + tail);
    state->bytes -= head + tail;
    holm_deallocate(&state->allocator, memory, head + tail);
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
    struct holm_record *record = take(state, sizeof *record, key.size);
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

static void queue_slot(struct holm_state *state, struct holm_slot *slot)
{
    if (slot->queued)
        return;
    slot->queued = true;
    slot->swept = state->swept_slots;
    state->swept_slots = slot;
}

static void queue_record(struct holm_state *state, struct holm_record *record)
{
    if (record->queued)
        return;
    record->queued = true;
    record->swept = state->swept_records;
    state->swept_records = record;
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
    struct holm_field *field = take(state, sizeof *field, path.size);
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

static void unlink_field(struct holm_state *state, struct holm_field *field)
{
    struct holm_field **link = &field->record->fields;
    while (*link != field)
        link = &(*link)->next;
    *link = field->next;
    give(state, field, sizeof *field, field->path_bytes);
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
    struct holm_slot *slot = take(state, sizeof *slot, sub.size);
    if (slot == NULL) {
        if (field->root == NULL)
            unlink_field(state, field);
        return HOLM_ENOMEM;
    }
    slot->field = field;
    slot->priority = (uint32_t)XXH3_64bits_withSeed(sub.data, sub.size, state->seed);
    slot->sub_bytes = (uint32_t)sub.size;
    if (sub.size > 0)
        memcpy(slot->sub, sub.data, sub.size);
    treap_insert(field, slot);
    queue_slot(state, slot);
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
    queue_slot(state, slot);
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
    queue_slot(state, slot);
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
    queue_record(state, record);
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

static void free_cell(struct holm_state *state, struct holm_cell *cell)
{
    give(state, cell, sizeof *cell, cell->value_bytes);
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
    struct holm_cell *cell = take(state, sizeof *cell, bytes.size);
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

struct holm_count_entry *holm_slot_entry(const struct holm_slot *slot, uint32_t actor)
{
    struct holm_count_entry *entry = slot->entries;
    while (entry != NULL && entry->actor < actor)
        entry = entry->next;
    return entry != NULL && entry->actor == actor ? entry : NULL;
}

enum holm_status holm_state_set_count(struct holm_state *state, struct holm_slot *slot,
                                      uint32_t actor, const struct holm_count *count,
                                      uint32_t pending)
{
    if (reserve_undo(state) != HOLM_OK)
        return HOLM_ENOMEM;
    struct holm_count_entry *entry = holm_slot_entry(slot, actor);
    if (entry == NULL) {
        entry = take(state, sizeof *entry, 0);
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
    struct holm_tombstone *tombstone = take(state, sizeof *tombstone, 0);
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

static void free_record(struct holm_state *state, struct holm_record *record)
{
    struct holm_record **link = &state->buckets[record->hash & (state->bucket_count - 1)];
    while (*link != record)
        link = &(*link)->next;
    *link = record->next;
    state->record_count -= 1;
    give(state, record, sizeof *record, record->key_bytes);
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
        treap_remove(slot);
        give(state, slot, sizeof *slot, slot->sub_bytes);
        if (field->root != NULL)
            continue;
        queue_record(state, field->record);
        unlink_field(state, field);
    }
    while (state->swept_records != NULL) {
        struct holm_record *record = state->swept_records;
        state->swept_records = record->swept;
        record->queued = false;
        if (record->fields == NULL && record->tombstones == NULL)
            free_record(state, record);
    }
}

void holm_state_commit(struct holm_state *state)
{
    HOLM_ASSERT(state->open);
    for (size_t i = 0; i < state->undo_count; i++) {
        if (state->undo[i].type == HOLM_UNDO_CELL_UNLINK)
            free_cell(state, state->undo[i].thing);
        else if (state->undo[i].type == HOLM_UNDO_ENTRY_UNLINK)
            give(state, state->undo[i].thing, sizeof(struct holm_count_entry), 0);
    }
    state->undo_count = 0;
    sweep(state);
    state->open = false;
}

static void undo_one(struct holm_state *state, const struct holm_undo *undo)
{
    struct holm_count_entry *entry = undo->thing;
    switch (undo->type) {
    case HOLM_UNDO_CELL_LINK:
        unlink_cell(state, undo->owner, undo->thing);
        free_cell(state, undo->thing);
        break;
    case HOLM_UNDO_CELL_UNLINK:
        link_cell(state, undo->owner, undo->thing);
        break;
    case HOLM_UNDO_ENTRY_LINK:
        unlink_entry(state, undo->owner, undo->thing);
        give(state, undo->thing, sizeof(struct holm_count_entry), 0);
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
        give(state, undo->thing, sizeof(struct holm_tombstone), 0);
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
    state->open = false;
}

static void release_field(struct holm_state *state, struct holm_field *field)
{
    while (field->root != NULL) {
        struct holm_slot *slot = field->root;
        while (slot->cells != NULL) {
            struct holm_cell *cell = slot->cells;
            slot->cells = cell->next;
            free_cell(state, cell);
        }
        while (slot->entries != NULL) {
            struct holm_count_entry *entry = slot->entries;
            slot->entries = entry->next;
            give(state, entry, sizeof *entry, 0);
        }
        treap_remove(slot);
        give(state, slot, sizeof *slot, slot->sub_bytes);
    }
    give(state, field, sizeof *field, field->path_bytes);
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
        give(state, tombstone, sizeof *tombstone, 0);
    }
    give(state, record, sizeof *record, record->key_bytes);
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

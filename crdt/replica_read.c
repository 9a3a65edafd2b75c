/* SPDX-License-Identifier: Apache-2.0 */
#include "crdt/path.h"
#include "crdt/replica_parts.h"

static struct holm_slot *find_slot(const struct holm_replica *replica, struct holm_bytes key,
                                   struct holm_path path, enum holm_kind kind,
                                   struct holm_bytes sub)
{
    struct holm_packed_path packed;
    if (key.size == 0 || holm_path_pack(&packed, path, holm_mem(NULL, 0)) != HOLM_OK)
        return NULL;
    return holm_state_slot(&replica->state, key, holm_path_bytes(&packed), (uint8_t)kind, sub);
}

static struct holm_cell_view view_of(const struct holm_replica *replica,
                                     const struct holm_slot *slot, uint32_t actor)
{
    return (struct holm_cell_view){.key = holm_record_key(slot->field->record),
                                   .path = holm_field_path(slot->field),
                                   .kind = slot->field->kind,
                                   .sub = holm_slot_sub(slot),
                                   .dot = {.actor = replica->actors.rows[actor].actor}};
}

static struct holm_cell_view view_cell(const struct holm_replica *replica,
                                       const struct holm_slot *slot, const struct holm_cell *cell)
{
    struct holm_cell_view view = view_of(replica, slot, cell->actor);
    view.dot.seq = cell->seq;
    view.hlc = cell->hlc;
    view.value = holm_cell_value(cell);
    return view;
}

static struct holm_cell_view view_entry(const struct holm_replica *replica,
                                        const struct holm_slot *slot,
                                        const struct holm_count_entry *entry)
{
    struct holm_cell_view view = view_of(replica, slot, entry->actor);
    struct holm_wide wide = {0, 0};
    holm_wide_add(&wide, &entry->count);
    view.dot.seq = entry->count.last;
    view.value = holm_i64(holm_wide_saturated(&wide));
    view.count = &entry->count;
    return view;
}

enum holm_status holm_replica_get_at(const struct holm_replica *replica, struct holm_bytes key,
                                     struct holm_path path, enum holm_kind kind,
                                     struct holm_cell_view *winner)
{
    const struct holm_slot *slot = find_slot(replica, key, path, kind, holm_mem(NULL, 0));
    if (slot == NULL || slot->cells == NULL)
        return HOLM_ENOENT;
    *winner = view_cell(replica, slot, slot->cells);
    return HOLM_OK;
}

enum holm_status holm_replica_count_at(const struct holm_replica *replica, struct holm_bytes key,
                                       struct holm_path path, int64_t *sum)
{
    const struct holm_slot *slot = find_slot(replica, key, path, HOLM_COUNTER, holm_mem(NULL, 0));
    struct holm_wide wide = {0, 0};
    bool live = false;
    const struct holm_count_entry *entry = slot == NULL ? NULL : slot->entries;
    for (; entry != NULL; entry = entry->next) {
        if (!holm_count_live(&entry->count))
            continue;
        live = true;
        holm_wide_add(&wide, &entry->count);
    }
    *sum = holm_wide_saturated(&wide);
    return live ? HOLM_OK : HOLM_ENOENT;
}

bool holm_replica_contains_at(const struct holm_replica *replica, struct holm_bytes key,
                              struct holm_path path, struct holm_bytes element)
{
    const struct holm_slot *slot = find_slot(replica, key, path, HOLM_SET, element);
    return slot != NULL && slot->cells != NULL;
}

bool holm_replica_enabled_at(const struct holm_replica *replica, struct holm_bytes key,
                             struct holm_path path)
{
    const struct holm_slot *slot = find_slot(replica, key, path, HOLM_FLAG, holm_mem(NULL, 0));
    return slot != NULL && slot->cells != NULL;
}

bool holm_replica_exists(const struct holm_replica *replica, struct holm_bytes key)
{
    const struct holm_record *record = key.size == 0 ? NULL : holm_state_find(&replica->state, key);
    return record != NULL && record->live > 0;
}

bool holm_replica_buried(const struct holm_replica *replica, struct holm_bytes key)
{
    return key.size > 0 && holm_record_buried(holm_state_find(&replica->state, key));
}

static bool visit_slot(const struct holm_replica *replica, const struct holm_slot *slot,
                       holm_cell_visitor *visit, void *context)
{
    for (const struct holm_cell *cell = slot->cells; cell != NULL; cell = cell->next) {
        struct holm_cell_view view = view_cell(replica, slot, cell);
        if (!visit(context, &view))
            return false;
    }
    const struct holm_count_entry *entry = slot->entries;
    for (; entry != NULL; entry = entry->next) {
        if (!holm_count_live(&entry->count))
            continue;
        struct holm_cell_view view = view_entry(replica, slot, entry);
        if (!visit(context, &view))
            return false;
    }
    return true;
}

static bool visit_record(const struct holm_replica *replica, const struct holm_record *record,
                         struct holm_bytes above, holm_cell_visitor *visit, void *context)
{
    for (const struct holm_field *field = record->fields; field != NULL; field = field->next) {
        if (!holm_path_covers(above, holm_field_path(field)))
            continue;
        const struct holm_slot *slot = holm_field_first(field);
        for (; slot != NULL; slot = holm_slot_next(slot)) {
            if (!visit_slot(replica, slot, visit, context))
                return false;
        }
    }
    return true;
}

void holm_replica_visit(const struct holm_replica *replica, struct holm_bytes key,
                        holm_cell_visitor *visit, void *context)
{
    const struct holm_record *record;
    if (key.size > 0) {
        record = holm_state_find(&replica->state, key);
        if (record != NULL)
            (void)visit_record(replica, record, holm_mem(NULL, 0), visit, context);
        return;
    }
    record = holm_state_next(&replica->state, NULL);
    while (record != NULL && visit_record(replica, record, holm_mem(NULL, 0), visit, context))
        record = holm_state_next(&replica->state, record);
}

void holm_replica_visit_below(const struct holm_replica *replica, struct holm_bytes key,
                              struct holm_path path, holm_cell_visitor *visit, void *context)
{
    struct holm_packed_path above;
    if (key.size == 0 || holm_path_pack(&above, path, holm_mem(NULL, 0)) != HOLM_OK)
        return;
    const struct holm_record *record = holm_state_find(&replica->state, key);
    if (record != NULL)
        (void)visit_record(replica, record, holm_path_bytes(&above), visit, context);
}

void holm_replica_visit_elements(const struct holm_replica *replica,
                                 const struct holm_element_range *range, holm_cell_visitor *visit,
                                 void *context)
{
    struct holm_packed_path path;
    if (range->key.size == 0 || holm_path_pack(&path, range->path, holm_mem(NULL, 0)) != HOLM_OK)
        return;
    const struct holm_record *record = holm_state_find(&replica->state, range->key);
    const struct holm_field *field =
        record == NULL ? NULL : holm_record_field(record, holm_path_bytes(&path), HOLM_SET);
    if (field == NULL)
        return;
    const struct holm_slot *slot = range->after == NULL ? holm_field_first(field)
                                                        : holm_field_behind(field, *range->after);
    for (; slot != NULL; slot = holm_slot_next(slot)) {
        if (slot->cells == NULL)
            continue;
        struct holm_cell_view view = view_cell(replica, slot, slot->cells);
        if (!visit(context, &view))
            return;
    }
}

void holm_replica_visit_tombstones(const struct holm_replica *replica,
                                   holm_tombstone_visitor *visit, void *context)
{
    const struct holm_record *record = holm_state_next(&replica->state, NULL);
    for (; record != NULL; record = holm_state_next(&replica->state, record)) {
        const struct holm_tombstone *tombstone = record->tombstones;
        for (; tombstone != NULL; tombstone = tombstone->next) {
            struct holm_dot dot = {replica->actors.rows[tombstone->actor].actor, tombstone->seq};
            if (!visit(context, holm_record_key(record), dot))
                return;
        }
    }
}

void holm_replica_visit_keys(const struct holm_replica *replica, holm_key_visitor *visit,
                             void *context)
{
    const struct holm_record *record = holm_state_next(&replica->state, NULL);
    for (; record != NULL; record = holm_state_next(&replica->state, record)) {
        if (record->live > 0 && !visit(context, holm_record_key(record)))
            return;
    }
}

size_t holm_replica_vector(const struct holm_replica *replica, struct holm_dot *entries,
                           size_t capacity)
{
    return holm_actors_copy(&replica->actors, false, HOLM_ACTOR_NONE, entries, capacity);
}

uint64_t holm_replica_seq(const struct holm_replica *replica, struct holm_actor actor)
{
    uint32_t index = holm_actors_find(&replica->actors, actor);
    return index == HOLM_ACTOR_NONE ? 0 : holm_actors_seq(&replica->actors, index);
}

struct holm_actor holm_replica_self(const struct holm_replica *replica)
{
    return replica->actors.rows[replica->self].actor;
}

uint64_t holm_replica_last_minted(const struct holm_replica *replica)
{
    return replica->pending.last;
}

struct holm_beacon_entry holm_replica_beacon(const struct holm_replica *replica)
{
    HOLM_ASSERT(!holm_replica_pending(replica));
    return (struct holm_beacon_entry){
        .partition = replica->config.partition,
        .own_seq = holm_actors_seq(&replica->actors, replica->self),
        .vector_hash = replica->actors.hash,
        .digest = replica->state.digest,
    };
}

struct holm_digest holm_replica_digest(const struct holm_replica *replica)
{
    return replica->state.digest;
}

struct holm_digest holm_replica_transfer_digest(const struct holm_replica *replica)
{
    return replica->state.transfer;
}

uint64_t holm_replica_vector_hash(const struct holm_replica *replica)
{
    return replica->actors.hash;
}

uint64_t holm_replica_peer_seen(const struct holm_replica *replica, uint32_t peer)
{
    return peer < replica->peer_capacity && replica->peers[peer].up ? replica->peers[peer].seen : 0;
}

bool holm_replica_peer_has(const struct holm_replica *replica, uint32_t peer, uint64_t seq)
{
    if (peer >= replica->peer_capacity || !replica->peers[peer].up)
        return false;
    const struct holm_replica_peer *known = &replica->peers[peer];
    bool sealed = seq <= holm_actors_seq(&replica->actors, replica->self);
    if (sealed && known->told && known->told_hash == replica->actors.hash)
        return true;
    return known->seen >= (seq == 0 && replica->former ? 1 : seq);
}

void holm_replica_stats(const struct holm_replica *replica, struct holm_replica_stats *stats)
{
    *stats = replica->stats;
    stats->held = replica->holdback.count;
    stats->held_bytes = replica->holdback.bytes;
    stats->held_dropped = replica->holdback.dropped;
    stats->log_deltas = replica->log.count;
    stats->log_bytes = replica->log.bytes;
    stats->records = replica->state.present;
    stats->tombstones = replica->state.tombstones;
    stats->cells = replica->state.cells;
    stats->state_bytes = replica->state.bytes;
    stats->vector_entries = replica->actors.entries;
}

static void check_dots(const struct holm_replica *replica, const struct holm_slot *slot)
{
    for (const struct holm_cell *cell = slot->cells; cell != NULL; cell = cell->next) {
        uint64_t seq = holm_actors_seq(&replica->actors, cell->actor);
        HOLM_ASSERT(cell->seq <= (cell->actor == replica->self ? replica->pending.last : seq));
        HOLM_ASSERT(!cell->marked);
    }
    const struct holm_count_entry *entry = slot->entries;
    for (; entry != NULL; entry = entry->next) {
        uint64_t seq = holm_actors_seq(&replica->actors, entry->actor);
        uint64_t last = entry->actor == replica->self ? replica->pending.last : seq;
        HOLM_ASSERT(entry->count.last <= last);
        HOLM_ASSERT(!entry->marked);
    }
}

static void check_log(const struct holm_replica *replica)
{
    const struct holm_oplog *log = &replica->log;
    for (size_t i = 0; i < log->count; i++) {
        const struct holm_oplog_entry *entry = holm_oplog_at(log, i);
        HOLM_ASSERT(holm_actors_cover(&replica->actors, entry->delta->deps));
        HOLM_ASSERT(entry->delta->last <= holm_actors_seq(&replica->actors, entry->actor));
        for (size_t j = 0; j < i; j++) {
            const struct holm_oplog_entry *before = holm_oplog_at(log, j);
            HOLM_ASSERT(before->actor != entry->actor || before->delta->last < entry->delta->first);
            HOLM_ASSERT(holm_vector_view_seq(before->delta->deps, entry->delta->actor) <
                        entry->delta->first);
        }
    }
}

void holm_replica_check(const struct holm_replica *replica)
{
    holm_actors_check(&replica->actors);
    holm_state_check(&replica->state);
    HOLM_ASSERT(replica->pending.last >= holm_actors_seq(&replica->actors, replica->self));
    const struct holm_record *record = holm_state_next(&replica->state, NULL);
    for (; record != NULL; record = holm_state_next(&replica->state, record)) {
        for (struct holm_field *field = record->fields; field != NULL; field = field->next) {
            const struct holm_slot *slot = holm_field_first(field);
            for (; slot != NULL; slot = holm_slot_next(slot))
                check_dots(replica, slot);
        }
    }
    check_log(replica);
}

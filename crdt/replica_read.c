/* SPDX-License-Identifier: Apache-2.0 */
#include "crdt/path.h"
#include "crdt/replica_parts.h"

/* A slot that was found: the spot is at its first cell. */
struct found {
    struct holm_slot slot;
    struct holm_spot spot;
};

static bool find_slot(const struct holm_replica *replica, struct holm_bytes key,
                      struct holm_path path, struct holm_slot slot, struct found *found)
{
    const struct holm_state *state = &replica->state;
    struct holm_packed_path packed;
    if (key.size == 0 || holm_path_pack(&packed, path, holm_mem(NULL, 0)) != HOLM_OK)
        return false;
    struct holm_key hashed = holm_state_key(state, key);
    found->slot = slot;
    found->slot.actor = HOLM_ACTOR_NONE;
    found->slot.path = holm_names_find(&state->names, holm_path_bytes(&packed));
    return found->slot.path != HOLM_NAME_NONE && holm_state_find(state, &hashed, &found->spot) &&
           holm_spot_seek(state, &found->spot, &found->slot);
}

static struct holm_cell_view view_cell(const struct holm_replica *replica,
                                       const struct holm_spot *spot, const struct holm_cell *cell)
{
    struct holm_cell_view view = {
        .key = holm_spot_key(&replica->state, spot),
        .path = holm_names_path(&replica->state.names, cell->path),
        .kind = cell->kind,
        .sub = cell->sub,
        .dot = {replica->actors.rows[cell->actor].actor, cell->seq},
        .hlc = cell->hlc,
        .value = cell->value,
    };
    if (cell->kind == HOLM_COUNTER) {
        struct holm_wide wide = {0, 0};
        holm_wide_add(&wide, &cell->count);
        view.value = holm_i64(holm_wide_saturated(&wide));
        view.count = &cell->count;
    }
    return view;
}

enum holm_status holm_replica_get_at(const struct holm_replica *replica, struct holm_bytes key,
                                     struct holm_path path, enum holm_kind kind,
                                     struct holm_cell_view *winner)
{
    struct found found;
    struct holm_cell cell;
    if (kind == HOLM_COUNTER ||
        !find_slot(replica, key, path, (struct holm_slot){.kind = (uint8_t)kind}, &found) ||
        !holm_spot_cell(&replica->state, &found.spot, &cell))
        return HOLM_ENOENT;
    *winner = view_cell(replica, &found.spot, &cell);
    return HOLM_OK;
}

enum holm_status holm_replica_count_at(const struct holm_replica *replica, struct holm_bytes key,
                                       struct holm_path path, int64_t *sum)
{
    struct found found;
    struct holm_cell cell;
    struct holm_wide wide = {0, 0};
    bool live = false;
    *sum = 0;
    if (!find_slot(replica, key, path, (struct holm_slot){.kind = HOLM_COUNTER}, &found))
        return HOLM_ENOENT;
    while (holm_spot_cell_of(&replica->state, &found.spot, &found.slot, &cell)) {
        if (holm_cell_live(&cell)) {
            live = true;
            holm_wide_add(&wide, &cell.count);
        }
        holm_spot_next(&replica->state, &found.spot);
    }
    *sum = holm_wide_saturated(&wide);
    return live ? HOLM_OK : HOLM_ENOENT;
}

bool holm_replica_contains_at(const struct holm_replica *replica, struct holm_bytes key,
                              struct holm_path path, struct holm_bytes element)
{
    struct found found;
    struct holm_slot slot = {.kind = HOLM_SET, .sub = element};
    return find_slot(replica, key, path, slot, &found);
}

bool holm_replica_enabled_at(const struct holm_replica *replica, struct holm_bytes key,
                             struct holm_path path)
{
    struct found found;
    return find_slot(replica, key, path, (struct holm_slot){.kind = HOLM_FLAG}, &found);
}

static bool find_record(const struct holm_replica *replica, struct holm_bytes key,
                        struct holm_spot *spot)
{
    if (key.size == 0)
        return false;
    struct holm_key hashed = holm_state_key(&replica->state, key);
    return holm_state_find(&replica->state, &hashed, spot);
}

bool holm_replica_exists(const struct holm_replica *replica, struct holm_bytes key)
{
    struct holm_spot spot;
    return find_record(replica, key, &spot) && holm_spot_live(&replica->state, &spot) > 0;
}

bool holm_replica_buried(const struct holm_replica *replica, struct holm_bytes key)
{
    struct holm_spot spot;
    return find_record(replica, key, &spot) && holm_spot_buried(&replica->state, &spot);
}

static bool visit_record(const struct holm_replica *replica, struct holm_spot *spot,
                         struct holm_bytes above, holm_cell_visitor *visit, void *context)
{
    const struct holm_state *state = &replica->state;
    struct holm_cell cell;
    if (above.size > 0)
        holm_spot_seek_path(state, spot, above);
    for (; holm_spot_cell(state, spot, &cell); holm_spot_next(state, spot)) {
        if (!holm_path_covers(above, holm_names_path(&state->names, cell.path)))
            return true;
        if (!holm_cell_live(&cell))
            continue;
        struct holm_cell_view view = view_cell(replica, spot, &cell);
        if (!visit(context, &view))
            return false;
    }
    return true;
}

void holm_replica_visit(const struct holm_replica *replica, struct holm_bytes key,
                        holm_cell_visitor *visit, void *context)
{
    struct holm_spot spot;
    if (key.size > 0) {
        if (find_record(replica, key, &spot))
            (void)visit_record(replica, &spot, holm_mem(NULL, 0), visit, context);
        return;
    }
    struct holm_walk walk = holm_state_walk(&replica->state, 0, UINT64_MAX);
    while (holm_walk_next(&replica->state, &walk, &spot) &&
           visit_record(replica, &spot, holm_mem(NULL, 0), visit, context))
        continue;
}

void holm_replica_visit_below(const struct holm_replica *replica, struct holm_bytes key,
                              struct holm_path path, holm_cell_visitor *visit, void *context)
{
    struct holm_packed_path above;
    struct holm_spot spot;
    if (holm_path_pack(&above, path, holm_mem(NULL, 0)) == HOLM_OK &&
        find_record(replica, key, &spot))
        (void)visit_record(replica, &spot, holm_path_bytes(&above), visit, context);
}

void holm_replica_visit_elements(const struct holm_replica *replica,
                                 const struct holm_element_range *range, holm_cell_visitor *visit,
                                 void *context)
{
    const struct holm_state *state = &replica->state;
    struct holm_packed_path packed;
    struct holm_spot spot;
    struct holm_cell cell;
    if (holm_path_pack(&packed, range->path, holm_mem(NULL, 0)) != HOLM_OK ||
        !find_record(replica, range->key, &spot))
        return;
    struct holm_slot slot = {.path = holm_names_find(&state->names, holm_path_bytes(&packed)),
                             .kind = HOLM_SET,
                             .actor = HOLM_ACTOR_NONE};
    if (slot.path == HOLM_NAME_NONE)
        return;
    bool behind = range->after != NULL;
    if (behind)
        slot.sub = *range->after;
    (void)holm_spot_seek(state, &spot, &slot);
    /* Siblings of one element follow each other, the best first. */
    while (holm_spot_cell(state, &spot, &cell) && cell.path == slot.path && cell.kind == HOLM_SET) {
        if (behind && holm_bytes_equal(cell.sub, slot.sub)) {
            holm_spot_next(state, &spot);
            continue;
        }
        struct holm_cell_view view = view_cell(replica, &spot, &cell);
        if (!visit(context, &view))
            return;
        behind = true;
        slot.sub = cell.sub;
        holm_spot_next(state, &spot);
    }
}

void holm_replica_visit_tombstones(const struct holm_replica *replica,
                                   holm_tombstone_visitor *visit, void *context)
{
    const struct holm_state *state = &replica->state;
    struct holm_spot spot;
    struct holm_cell cell;
    struct holm_walk walk = holm_state_walk(state, 0, UINT64_MAX);
    while (state->tombstones > 0 && holm_walk_next(state, &walk, &spot)) {
        if (!holm_spot_buried(state, &spot))
            continue;
        for (; holm_spot_cell(state, &spot, &cell); holm_spot_next(state, &spot)) {
            struct holm_dot dot = {replica->actors.rows[cell.actor].actor, cell.seq};
            if (!visit(context, holm_spot_key(state, &spot), dot))
                return;
        }
    }
}

static bool begins_with(struct holm_bytes key, struct holm_bytes prefix)
{
    return key.size >= prefix.size &&
           (prefix.size == 0 || memcmp(key.data, prefix.data, prefix.size) == 0);
}

static void visit_ordered(const struct holm_state *state, struct holm_index_cursor cursor,
                          holm_key_visitor *visit, void *context)
{
    struct holm_spot spot;
    uint32_t reference;
    while (holm_index_next(&cursor, &reference)) {
        holm_state_ordered(state, reference, &spot);
        if (holm_spot_live(state, &spot) > 0 && !visit(context, holm_spot_key(state, &spot)))
            return;
    }
}

void holm_replica_visit_keys(const struct holm_replica *replica, struct holm_bytes prefix,
                             holm_key_visitor *visit, void *context)
{
    const struct holm_state *state = &replica->state;
    struct holm_spot spot;
    if (state->ordered) {
        visit_ordered(state, holm_index_seek(&state->order, prefix), visit, context);
        return;
    }
    struct holm_walk walk = holm_state_walk(state, 0, UINT64_MAX);
    while (holm_walk_next(state, &walk, &spot)) {
        if (holm_spot_live(state, &spot) > 0 && begins_with(holm_spot_key(state, &spot), prefix) &&
            !visit(context, holm_spot_key(state, &spot)))
            return;
    }
}

void holm_replica_visit_keys_behind(const struct holm_replica *replica, struct holm_bytes prefix,
                                    struct holm_bytes after, holm_key_visitor *visit, void *context)
{
    const struct holm_state *state = &replica->state;
    HOLM_ASSERT(state->ordered);
    visit_ordered(state, holm_index_seek_behind(&state->order, prefix, after), visit, context);
}

size_t holm_replica_vector(const struct holm_replica *replica, struct holm_dot *entries,
                           size_t capacity)
{
    return holm_actors_copy(&replica->actors, false, HOLM_ACTOR_NONE, entries, capacity);
}

uint64_t holm_replica_seq(const struct holm_replica *replica, struct holm_actor actor)
{
    return holm_actors_seq_of(&replica->actors, actor);
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
    return holm_tree_total(&replica->state.tree);
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
    if (replica->guard != NULL && !known->member)
        return false;
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
    stats->state_bytes = holm_state_bytes(&replica->state);
    stats->vector_entries = replica->actors.entries;
}

static void check_dots(const struct holm_replica *replica, struct holm_spot *spot)
{
    struct holm_cell cell;
    for (; holm_spot_cell(&replica->state, spot, &cell); holm_spot_next(&replica->state, spot)) {
        uint64_t seq = holm_actors_seq(&replica->actors, cell.actor);
        struct holm_actor actor = replica->actors.rows[cell.actor].actor;
        HOLM_ASSERT(!cell.marked);
        if (actor.epoch.value == 0) {
            HOLM_ASSERT(cell.kind == HOLM_COUNTER && holm_count_live(&cell.count));
            HOLM_ASSERT(cell.seq == holm_replica_fold_seq(&replica->state, spot, cell.path));
            HOLM_ASSERT(holm_replica_folds(holm_vector_view(&replica->collected), actor));
            continue;
        }
        HOLM_ASSERT(cell.seq <= (cell.actor == replica->self ? replica->pending.last : seq));
    }
}

/* Of an actor, by its index, in the runs of the log so far. */
struct logged {
    uint64_t last;  /* its own */
    uint64_t needs; /* the highest that any of them depends on */
};

/* A fold stands for all epochs of its node up to it. */
static void note_need(const struct holm_replica *replica, struct holm_dot need,
                      struct logged *logged)
{
    uint32_t actor = holm_actors_find(&replica->actors, need.actor);
    if (actor != HOLM_ACTOR_NONE && logged[actor].needs < need.seq)
        logged[actor].needs = need.seq;
    for (size_t i = 0; need.seq == HOLM_SEQ_FOLDED && i < replica->actors.count; i++) {
        struct holm_actor folded = replica->actors.rows[i].actor;
        if (folded.node.value == need.actor.node.value && folded.epoch.value != 0 &&
            folded.epoch.value < need.actor.epoch.value)
            logged[i].needs = HOLM_SEQ_FOLDED;
    }
}

static void check_entry(const struct holm_replica *replica, const struct holm_oplog_entry *entry,
                        struct logged *logged)
{
    const struct holm_delta *delta = entry->delta;
    HOLM_ASSERT(holm_actors_cover(&replica->actors, delta->deps));
    HOLM_ASSERT(delta->last <= holm_actors_seq(&replica->actors, entry->actor));
    HOLM_ASSERT(logged[entry->actor].last < delta->first);
    HOLM_ASSERT(logged[entry->actor].needs < delta->first);
    logged[entry->actor].last = delta->last;
    for (size_t i = 0; i < delta->deps.count; i++)
        note_need(replica, delta->deps.entries[i], logged);
}

/* Causal order, in one pass. Without memory for it there is nothing to be said. */
static void check_log(const struct holm_replica *replica)
{
    const struct holm_oplog *log = &replica->log;
    size_t bytes = replica->actors.count * sizeof(struct logged);
    struct logged *logged = holm_allocate(&replica->config.allocator, bytes);
    if (logged == NULL)
        return;
    memset(logged, 0, bytes);
    for (size_t i = 0; i < log->count; i++)
        check_entry(replica, holm_oplog_at(log, i), logged);
    holm_deallocate(&replica->config.allocator, logged, bytes);
}

/* R folds what S folds. */
static void check_folds(const struct holm_replica *replica)
{
    struct holm_vector_view collected = holm_vector_view(&replica->collected);
    size_t folds = 0;
    for (size_t i = 0; i < collected.count; i++) {
        struct holm_actor actor = collected.entries[i].actor;
        if (collected.entries[i].seq != HOLM_SEQ_FOLDED)
            continue;
        HOLM_ASSERT(holm_actors_floor(&replica->actors, actor.node) == actor.epoch.value);
        folds += 1;
    }
    HOLM_ASSERT(folds == replica->actors.folds);
}

void holm_replica_check(const struct holm_replica *replica)
{
    holm_actors_check(&replica->actors);
    check_folds(replica);
    holm_state_check(&replica->state);
    HOLM_ASSERT(replica->pending.last >= holm_actors_seq(&replica->actors, replica->self));
    HOLM_ASSERT(replica->pending.sealed == holm_actors_seq(&replica->actors, replica->self));
    struct holm_spot spot;
    struct holm_walk walk = holm_state_walk(&replica->state, 0, UINT64_MAX);
    while (holm_walk_next(&replica->state, &walk, &spot))
        check_dots(replica, &spot);
    check_log(replica);
}

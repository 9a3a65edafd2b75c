/* SPDX-License-Identifier: Apache-2.0 */
#include "crdt/path.h"
#include "crdt/replica_parts.h"

bool holm_replica_pending(const struct holm_replica *replica)
{
    return replica->pending.last > holm_actors_seq(&replica->actors, replica->self);
}

/* ---- sealing */

enum holm_status holm_replica_seal(struct holm_replica *replica)
{
    if (!holm_replica_pending(replica))
        return HOLM_OK;
    uint64_t first = holm_actors_seq(&replica->actors, replica->self) + 1;
    struct holm_delta *delta = NULL;
    struct holm_message message = holm_replica_message(replica, HOLM_MESSAGE_DELTA);
    enum holm_status status = holm_oplog_reserve(&replica->log);
    if (status == HOLM_OK)
        status = holm_replica_reserve_stored(replica);
    if (status == HOLM_OK)
        status = holm_pending_seal(&replica->pending, &replica->actors, replica->self, first,
                                   replica->config.partition, &delta);
    message.as.delta = delta;
    if (status == HOLM_OK)
        status = holm_replica_output(replica, HOLM_PEER_NONE, &message);
    if (status != HOLM_OK) {
        holm_delta_release(delta);
        return status;
    }
    holm_actors_told(&replica->actors);
    holm_actors_raise(&replica->actors, replica->self, delta->last);
    replica->actors.rows[replica->self].changed = false;
    holm_oplog_push(&replica->log, &replica->actors, delta, replica->self);
    holm_replica_store(replica, delta);
    holm_delta_release(delta);
    holm_pending_clear(&replica->pending);
    replica->flushed_us = replica->now.monotonic_us;
    replica->stats.deltas_sealed += 1;
    return HOLM_OK;
}

/* ---- applying */

/* A run that is being applied, with its actors translated. */
struct applying {
    struct holm_replica *replica;
    const struct holm_delta *delta;
    uint32_t *indices; /* by the delta's number: the replica's index */
};

static bool lists(const struct applying *applying, const struct holm_item *item,
                  const struct holm_cell *cell)
{
    const struct holm_seen *seen = applying->delta->items.seen + item->seen_first;
    for (uint32_t i = 0; i < item->seen_count; i++) {
        if (applying->indices[seen[i].actor] == cell->actor && seen[i].first <= cell->seq &&
            cell->seq <= seen[i].last)
            return true;
    }
    return false;
}

static enum holm_status drop_seen(const struct applying *applying, const struct holm_item *item,
                                  struct holm_slot *slot)
{
    enum holm_status status = HOLM_OK;
    struct holm_cell *cell = slot->cells;
    while (status == HOLM_OK && cell != NULL) {
        struct holm_cell *next = cell->next;
        if (lists(applying, item, cell))
            status = holm_state_drop(&applying->replica->state, slot, cell);
        cell = next;
    }
    return status;
}

static enum holm_status drop_path(const struct applying *applying, const struct holm_item *item,
                                  const struct holm_record *record)
{
    struct holm_field *field = record->fields;
    for (; field != NULL; field = field->next) {
        if (!holm_path_covers(item->path, holm_field_path(field)))
            continue;
        struct holm_slot *slot = holm_field_first(field);
        for (; slot != NULL; slot = holm_slot_next(slot)) {
            if (drop_seen(applying, item, slot) != HOLM_OK)
                return HOLM_ENOMEM;
        }
    }
    return HOLM_OK;
}

static enum holm_status apply_put(const struct applying *applying, const struct holm_item *item)
{
    struct holm_replica *replica = applying->replica;
    struct holm_slot *slot;
    enum holm_status status = holm_state_ensure_slot(&replica->state, item->key, item->path,
                                                     item->kind, item->sub, &slot);
    if (status == HOLM_OK)
        status = drop_seen(applying, item, slot);
    if (status != HOLM_OK)
        return status;
    struct holm_cell_new cell = {applying->indices[0], item->seq, item->hlc, item->value, 0, false};
    return holm_state_put(&replica->state, slot, &cell);
}

static enum holm_status apply_count(const struct applying *applying, const struct holm_item *item)
{
    struct holm_replica *replica = applying->replica;
    struct holm_slot *slot;
    enum holm_status status = holm_state_ensure_slot(&replica->state, item->key, item->path,
                                                     item->kind, item->sub, &slot);
    if (status != HOLM_OK)
        return status;
    uint32_t actor = applying->indices[item->actor];
    const struct holm_count_entry *entry = holm_slot_entry(slot, actor);
    struct holm_count count = item->count;
    if (entry != NULL) {
        count = entry->count;
        holm_count_merge(&count, &item->count);
    }
    return holm_state_set_count(&replica->state, slot, actor, &count,
                                entry == NULL ? 0 : entry->pending);
}

static enum holm_status apply_bury(const struct applying *applying, const struct holm_item *item)
{
    struct holm_record *record;
    enum holm_status status = holm_state_ensure(&applying->replica->state, item->key, &record);
    if (status != HOLM_OK)
        return status;
    return holm_state_bury(&applying->replica->state, record, applying->indices[0], item->seq);
}

static enum holm_status apply_item(const struct applying *applying, const struct holm_item *item)
{
    const struct holm_state *state = &applying->replica->state;
    const struct holm_record *record = holm_state_find(state, item->key);
    if (item->op == HOLM_ITEM_BURY)
        return apply_bury(applying, item);
    if (holm_record_buried(record))
        return HOLM_OK;
    if (item->op == HOLM_ITEM_PUT)
        return apply_put(applying, item);
    if (item->op == HOLM_ITEM_COUNT)
        return apply_count(applying, item);
    if (record == NULL)
        return HOLM_OK;
    if (item->op == HOLM_ITEM_DROP_PATH)
        return drop_path(applying, item, record);
    HOLM_ASSERT(item->op == HOLM_ITEM_DROP_SLOT);
    struct holm_slot *slot = holm_state_slot(state, item->key, item->path, item->kind, item->sub);
    return slot == NULL ? HOLM_OK : drop_seen(applying, item, slot);
}

static enum holm_status apply_items(const struct applying *applying)
{
    struct holm_state *state = &applying->replica->state;
    const struct holm_items *items = &applying->delta->items;
    enum holm_status status = HOLM_OK;
    holm_state_begin(state);
    for (uint32_t i = 0; status == HOLM_OK && i < items->item_count; i++)
        status = apply_item(applying, &items->items[i]);
    if (status == HOLM_OK)
        holm_state_commit(state);
    else
        holm_state_rollback(state);
    return status;
}

static void observe_stamps(struct holm_replica *replica, const struct holm_items *items)
{
    for (uint32_t i = 0; i < items->item_count; i++) {
        if (items->items[i].op == HOLM_ITEM_PUT &&
            !holm_hlc_observe(&replica->hlc, items->items[i].hlc, replica->now.wall_ms,
                              replica->config.max_drift_ms))
            replica->stats.drift += 1;
    }
}

static bool applied(const struct applying *applying, uint32_t number, uint64_t seq)
{
    uint32_t index = applying->indices[number];
    return index != HOLM_ACTOR_NONE && seq <= holm_actors_seq(&applying->replica->actors, index);
}

/* A writer can only replace or cancel what it had applied, and its causes are applied here. A run
 * that names more would leave a state that no vector covers, which no peer could sync from. */
static bool names_causes_only(const struct applying *applying)
{
    const struct holm_items *items = &applying->delta->items;
    for (uint32_t i = 0; i < items->seen_count; i++) {
        const struct holm_seen *seen = &items->seen[i];
        if (seen->actor != 0 && !applied(applying, seen->actor, seen->last))
            return false;
    }
    for (uint32_t i = 0; i < items->item_count; i++) {
        const struct holm_item *item = &items->items[i];
        if (item->op == HOLM_ITEM_COUNT && item->actor != 0 &&
            !applied(applying, item->actor, item->count.last))
            return false;
    }
    return true;
}

/* Translates the run's actors. Of those that are new here only the writer gets an index. */
static enum holm_status translate(struct applying *applying)
{
    struct holm_replica *replica = applying->replica;
    const struct holm_items *items = &applying->delta->items;
    applying->indices = holm_arena_take(&replica->scratch,
                                        items->actor_count * sizeof *applying->indices);
    if (applying->indices == NULL)
        return HOLM_ENOMEM;
    for (uint32_t i = 0; i < items->actor_count; i++)
        applying->indices[i] = holm_actors_find(&replica->actors, items->actors[i]);
    if (!names_causes_only(applying)) {
        replica->stats.deltas_refused += 1;
        return HOLM_EMALFORMED;
    }
    return holm_actors_intern(&replica->actors, items->actors[0], &applying->indices[0]);
}

/* Applies a run that is causally next. All or nothing. */
static enum holm_status apply(struct holm_replica *replica, struct holm_delta *delta)
{
    struct applying applying = {.replica = replica, .delta = delta};
    struct holm_arena_mark mark = holm_arena_mark(&replica->scratch);
    enum holm_status status = translate(&applying);
    if (status == HOLM_OK)
        status = holm_oplog_reserve(&replica->log);
    if (status == HOLM_OK)
        status = holm_replica_reserve_stored(replica);
    if (status == HOLM_OK)
        status = apply_items(&applying);
    if (status == HOLM_OK) {
        holm_actors_raise(&replica->actors, applying.indices[0], delta->last);
        holm_oplog_push(&replica->log, &replica->actors, delta, applying.indices[0]);
        holm_replica_store(replica, delta);
        observe_stamps(replica, &delta->items);
        for (uint32_t i = 0; i < delta->items.item_count; i++)
            holm_replica_touch(replica, delta->items.items[i].key, applying.indices[0]);
        replica->stats.deltas_applied += 1;
    }
    holm_arena_rewind(&replica->scratch, mark);
    return status;
}

void holm_replica_drain(struct holm_replica *replica)
{
    struct holm_holdback *holdback = &replica->holdback;
    struct holm_delta *delta = holm_holdback_ready(holdback, &replica->actors);
    while (delta != NULL) {
        enum holm_status status = apply(replica, delta);
        if (status == HOLM_ENOMEM) {
            replica->retry = true;
            break;
        }
        if (status != HOLM_OK)
            holm_holdback_drop(holdback, delta); /* it will never do: its actor may be pulled */
        delta = holm_holdback_ready(holdback, &replica->actors);
    }
    (void)holm_holdback_purge(holdback, &replica->actors, 0);
}

/* ---- receiving */

static enum holm_status hold(struct holm_replica *replica, uint32_t peer, struct holm_delta *delta)
{
    enum holm_status status = holm_holdback_add(&replica->holdback, delta,
                                                holm_replica_doom_of(replica, delta->actor));
    holm_replica_mark_ahead(replica, peer, 0);
    return status == HOLM_ELIMIT ? HOLM_OK : status;
}

/* A delta's deps say what its writer has applied of this node's own. */
static void note_deps(struct holm_replica *replica, const struct holm_delta *delta)
{
    uint64_t seq = holm_vector_view_seq(delta->deps, replica->actors.rows[replica->self].actor);
    for (size_t i = 0; seq > 0 && i < replica->peer_capacity; i++) {
        if (replica->peers[i].up && holm_actor_equal(replica->peers[i].actor, delta->actor))
            holm_replica_seen_by(replica, &replica->peers[i], seq);
    }
}

enum holm_status holm_replica_receive(struct holm_replica *replica, uint32_t peer,
                                      struct holm_delta *delta)
{
    struct holm_actor self = replica->actors.rows[replica->self].actor;
    uint32_t index = holm_actors_find(&replica->actors, delta->actor);
    uint64_t seq = index == HOLM_ACTOR_NONE ? 0 : holm_actors_seq(&replica->actors, index);
    if (delta->partition != replica->config.partition)
        return HOLM_EINVAL;
    if (delta->last <= seq) {
        replica->stats.deltas_duplicate += 1;
        return HOLM_OK;
    }
    if (holm_actor_equal(delta->actor, self)) { /* dots of mine that I never published */
        replica->stats.deltas_refused += 1;
        return HOLM_EMALFORMED;
    }
    if (delta->first <= seq) {
        struct holm_replica_peer *known = holm_replica_find_peer(replica, peer);
        replica->stats.overlaps += 1;
        if (known != NULL)
            known->must_sync = true;
        holm_replica_mark_ahead(replica, peer, 0);
        return HOLM_OK;
    }
    note_deps(replica, delta);
    if (delta->first > seq + 1 || !holm_actors_cover(&replica->actors, delta->deps))
        return hold(replica, peer, delta);
    enum holm_status status = apply(replica, delta);
    if (status == HOLM_OK)
        holm_replica_drain(replica);
    return status;
}

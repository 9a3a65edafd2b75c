/* SPDX-License-Identifier: Apache-2.0 */
#include "crdt/order.h"
#include "crdt/path.h"
#include "crdt/replica_parts.h"

/* Items of a run that are looked up together. */
#define PREPARED 16
/* Ranges of an item that are looked through one by one. */
#define SEEN_FEW 16

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
    size_t outputs = replica->work.output_count;
    bool publish = holm_replica_pace_open(replica);
    replica->pending.collected = holm_vector_view(&replica->collected);
    enum holm_status status = holm_oplog_reserve(&replica->log);
    if (status == HOLM_OK)
        status = holm_replica_reserve_stored(replica);
    if (status == HOLM_OK && publish)
        status = holm_replica_output(replica, HOLM_PEER_NONE, &message);
    if (status == HOLM_OK)
        status = holm_pending_seal(&replica->pending, &replica->actors, replica->self, first,
                                   replica->config.partition, &delta);
    if (status != HOLM_OK) {
        replica->work.output_count = outputs;
        return status;
    }
    holm_actors_told(&replica->actors);
    holm_replica_past_note(replica, replica->actors.hash);
    holm_actors_raise(&replica->actors, replica->self, delta->last);
    replica->actors.rows[replica->self].changed = false;
    holm_oplog_push(&replica->log, &replica->actors, delta, replica->self);
    if (publish) {
        replica->outputs[outputs].message.as.delta = delta;
        holm_replica_pace_published(replica, delta, holm_oplog_last_bytes(&replica->log));
    } else {
        holm_replica_pace_wait(replica);
    }
    holm_replica_store(replica, delta);
    holm_replica_root_note(replica, delta);
    holm_replica_lag_sealed(replica, first);
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
    uint32_t *indices;        /* by the delta's number: the replica's index */
    struct holm_seen *ranges; /* what the item at hand lists, in order; NULL when that is little */
    struct holm_vector_view collected; /* S as it will be */
};

static int compare_ranges(const void *left, const void *right)
{
    const struct holm_seen *a = left;
    const struct holm_seen *b = right;
    if (a->actor != b->actor)
        return a->actor < b->actor ? -1 : 1;
    return (a->first > b->first) - (a->first < b->first);
}

/* Puts many ranges of an item in order, by the replica's indices, each as far as those before it
 * reach, so that one look tells. The scratch is the caller's to rewind. HOLM_ENOMEM. */
static enum holm_status order_ranges(struct applying *applying, const struct holm_item *item)
{
    const struct holm_seen *seen = applying->delta->items.seen + item->seen_first;
    applying->ranges = NULL;
    if (item->seen_count <= SEEN_FEW)
        return HOLM_OK;
    struct holm_seen *ranges = holm_arena_take(&applying->replica->scratch,
                                               item->seen_count * sizeof *ranges);
    if (ranges == NULL)
        return HOLM_ENOMEM;
    for (uint32_t i = 0; i < item->seen_count; i++)
        ranges[i] = (struct holm_seen){applying->indices[seen[i].actor], seen[i].first,
                                       seen[i].last};
    holm_sort(ranges, item->seen_count, sizeof *ranges, compare_ranges);
    for (uint32_t i = 1; i < item->seen_count; i++) {
        if (ranges[i].actor == ranges[i - 1].actor && ranges[i].last < ranges[i - 1].last)
            ranges[i].last = ranges[i - 1].last;
    }
    applying->ranges = ranges;
    return HOLM_OK;
}

/* The last range that does not begin behind the cell reaches as far as any before it. */
static bool ranges_list(const struct holm_seen *ranges, uint32_t count,
                        const struct holm_cell *cell)
{
    struct holm_seen dot = {cell->actor, cell->seq, cell->seq};
    uint32_t low = 0;
    while (low < count) {
        uint32_t middle = low + (count - low) / 2;
        if (compare_ranges(&ranges[middle], &dot) <= 0)
            low = middle + 1;
        else
            count = middle;
    }
    return low > 0 && ranges[low - 1].actor == cell->actor && cell->seq <= ranges[low - 1].last;
}

static bool lists(const struct applying *applying, const struct holm_item *item,
                  const struct holm_cell *cell)
{
    const struct holm_seen *seen = applying->delta->items.seen + item->seen_first;
    if (applying->ranges != NULL)
        return ranges_list(applying->ranges, item->seen_count, cell);
    for (uint32_t i = 0; i < item->seen_count; i++) {
        if (applying->indices[seen[i].actor] == cell->actor && seen[i].first <= cell->seq &&
            cell->seq <= seen[i].last)
            return true;
    }
    return false;
}

/* Drops the listed cells of the slot, from the spot on. */
static enum holm_status drop_seen(const struct applying *applying, const struct holm_item *item,
                                  const struct holm_slot *slot, struct holm_spot *spot)
{
    struct holm_state *state = &applying->replica->state;
    struct holm_cell cell;
    enum holm_status status = HOLM_OK;
    while (status == HOLM_OK && holm_spot_cell_of(state, spot, slot, &cell)) {
        if (lists(applying, item, &cell))
            status = holm_spot_erase(state, spot);
        else
            holm_spot_next(state, spot);
    }
    return status;
}

static enum holm_status drop_path(const struct applying *applying, const struct holm_item *item,
                                  struct holm_spot *spot)
{
    struct holm_state *state = &applying->replica->state;
    struct holm_cell cell;
    enum holm_status status = HOLM_OK;
    holm_spot_seek_path(state, spot, item->path);
    while (status == HOLM_OK && holm_spot_cell(state, spot, &cell) &&
           holm_path_covers(item->path, holm_names_path(&state->names, cell.path))) {
        if (cell.kind != HOLM_COUNTER && lists(applying, item, &cell))
            status = holm_spot_erase(state, spot);
        else
            holm_spot_next(state, spot);
    }
    return status;
}

static enum holm_status apply_put(const struct applying *applying, const struct holm_item *item,
                                  struct holm_spot *spot)
{
    struct holm_state *state = &applying->replica->state;
    struct holm_slot slot = {.kind = item->kind, .actor = HOLM_ACTOR_NONE, .sub = item->sub};
    enum holm_status status = holm_state_path(state, item->path, &slot.path);
    if (status != HOLM_OK)
        return status;
    struct holm_cell made = {.kind = item->kind,
                             .path = slot.path,
                             .actor = applying->indices[0],
                             .seq = item->seq,
                             .hlc = item->hlc,
                             .sub = item->sub,
                             .value = item->value};
    struct holm_cell old;
    if (!holm_spot_seek(state, spot, &slot))
        return holm_spot_place(state, spot, &made);
    if (holm_spot_is_last(state, spot, &slot) && holm_spot_cell(state, spot, &old) &&
        lists(applying, item, &old))
        return holm_spot_replace(state, spot, &old, &made);
    status = drop_seen(applying, item, &slot, spot);
    return status == HOLM_OK ? holm_spot_insert(state, spot, &made) : status;
}

static bool applied(const struct applying *applying, uint32_t number, uint64_t seq)
{
    struct holm_actor actor = applying->delta->items.actors[number];
    if (actor.epoch.value == 0)
        return holm_replica_folds(applying->collected, actor);
    return seq <= holm_actors_seq_of(&applying->replica->actors, actor);
}

/* Whether a mark cancels what was applied before this run. It makes no entry where there is none: more
 * than the mark knows of was cancelled, and its ghost dropped. An entry as short as the mark would
 * let an older state bring back the rest of the chain. */
static bool marks_applied(const struct applying *applying, const struct holm_item *item)
{
    return item->op == HOLM_ITEM_COUNT && applied(applying, item->actor, item->count.last);
}

/* A reset of what is folded here: its writer had seen all of that, so that nothing is left. */
static enum holm_status reset_folded(const struct applying *applying, const struct holm_item *item,
                                     struct holm_spot *spot)
{
    struct holm_state *state = &applying->replica->state;
    const struct holm_actors *actors = &applying->replica->actors;
    uint32_t index = applying->indices[item->actor];
    struct holm_actor folded = {applying->delta->items.actors[item->actor].node, {0}};
    uint32_t indices[] = {index, holm_actors_find(actors, folded)};
    struct holm_slot slot = {.path = holm_names_find(&state->names, item->path),
                             .kind = item->kind};
    enum holm_status status = HOLM_OK;
    for (int i = 0; status == HOLM_OK && slot.path != HOLM_NAME_NONE && i < 2; i++) {
        slot.actor = indices[i];
        if (slot.actor != HOLM_ACTOR_NONE && holm_spot_seek(state, spot, &slot))
            status = holm_spot_erase(state, spot);
    }
    return status;
}

static enum holm_status apply_count(const struct applying *applying, const struct holm_item *item,
                                    struct holm_spot *spot)
{
    struct holm_state *state = &applying->replica->state;
    if (item->actor != 0 &&
        holm_replica_folds(applying->collected, applying->delta->items.actors[item->actor]))
        return reset_folded(applying, item, spot);
    struct holm_slot slot = {.kind = item->kind, .actor = applying->indices[item->actor]};
    bool old_mark = marks_applied(applying, item);
    if (old_mark && holm_names_find(&state->names, item->path) == HOLM_NAME_NONE)
        return HOLM_OK;
    enum holm_status status = holm_state_path(state, item->path, &slot.path);
    if (status != HOLM_OK)
        return status;
    struct holm_cell made = {.kind = item->kind,
                             .path = slot.path,
                             .actor = slot.actor,
                             .seq = item->count.last,
                             .count = item->count};
    struct holm_cell old;
    if (!holm_spot_seek(state, spot, &slot) || !holm_spot_cell(state, spot, &old))
        return old_mark ? HOLM_OK : holm_spot_place(state, spot, &made);
    made.count = old.count;
    holm_count_merge(&made.count, &item->count);
    made.seq = made.count.last;
    return holm_spot_replace(state, spot, &old, &made);
}

static enum holm_status apply_drop_slot(const struct applying *applying,
                                        const struct holm_item *item, struct holm_spot *spot)
{
    const struct holm_state *state = &applying->replica->state;
    struct holm_slot slot = {.path = holm_names_find(&state->names, item->path),
                             .kind = item->kind,
                             .actor = HOLM_ACTOR_NONE,
                             .sub = item->sub};
    if (slot.path == HOLM_NAME_NONE || !holm_spot_seek(state, spot, &slot))
        return HOLM_OK;
    return drop_seen(applying, item, &slot, spot);
}

static enum holm_status apply_item(const struct applying *applying, const struct holm_item *item,
                                   const struct holm_key *key)
{
    struct holm_state *state = &applying->replica->state;
    bool drops = item->op == HOLM_ITEM_DROP_SLOT || item->op == HOLM_ITEM_DROP_PATH ||
                 marks_applied(applying, item);
    struct holm_spot spot;
    if (drops && !holm_state_find(state, key, &spot))
        return HOLM_OK;
    if (!drops && holm_state_ensure(state, key, &spot) != HOLM_OK)
        return HOLM_ENOMEM;
    if (item->op == HOLM_ITEM_BURY)
        return holm_state_bury(state, &spot, applying->indices[0], item->seq);
    if (holm_spot_buried(state, &spot))
        return HOLM_OK;
    if (item->op == HOLM_ITEM_PUT)
        return apply_put(applying, item, &spot);
    if (item->op == HOLM_ITEM_COUNT)
        return apply_count(applying, item, &spot);
    if (item->op == HOLM_ITEM_DROP_PATH)
        return drop_path(applying, item, &spot);
    HOLM_ASSERT(item->op == HOLM_ITEM_DROP_SLOT);
    return apply_drop_slot(applying, item, &spot);
}

/* The keys of the next few items, with the memory that they will need on its way. */
static void prepare(const struct holm_state *state, const struct holm_item *items, size_t count,
                    struct holm_key *keys)
{
    for (size_t i = 0; i < count; i++)
        keys[i].bytes = items[i].key;
    holm_state_prepare(state, keys, count);
}

static enum holm_status apply_items(struct applying *applying, const struct holm_vector *collected)
{
    struct holm_state *state = &applying->replica->state;
    const struct holm_items *items = &applying->delta->items;
    struct holm_key keys[PREPARED];
    holm_state_begin(state);
    enum holm_status status = holm_replica_drop_tombstones(applying->replica, collected);
    if (status == HOLM_OK)
        status = holm_replica_fold(applying->replica, collected);
    for (uint32_t i = 0; status == HOLM_OK && i < items->item_count; i++) {
        size_t left = items->item_count - i;
        if (i % PREPARED == 0)
            prepare(state, items->items + i, left < PREPARED ? left : PREPARED, keys);
        struct holm_arena_mark mark = holm_arena_mark(&applying->replica->scratch);
        status = order_ranges(applying, &items->items[i]);
        if (status == HOLM_OK)
            status = apply_item(applying, &items->items[i], &keys[i % PREPARED]);
        if (applying->ranges != NULL)
            holm_arena_rewind(&applying->replica->scratch, mark);
    }
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

/* What a run says of a counter: own increments of its own seqs, else marks that cancel all of what
 * was applied. Anything else would make a merge of states say what the runs do not. */
static bool counts_soundly(const struct applying *applying, const struct holm_item *item)
{
    bool mark = item->count.cancelled == item->count.last;
    if (item->actor == 0)
        return mark || item->count.last >= applying->delta->first;
    return mark && applied(applying, item->actor, item->count.last);
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
        if (item->op == HOLM_ITEM_COUNT && !counts_soundly(applying, item))
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
    enum holm_status status = holm_replica_intern(replica, items->actors[0], 0,
                                                  &applying->indices[0]);
    if (status == HOLM_ELIMIT)
        replica->stats.deltas_refused += 1;
    return status;
}

/* Applies a run that is causally next. All or nothing, but that what is pending is sealed before S grows
 * by it: its writer had not collected what the run's had, and S says what was known when it was written. */
static enum holm_status apply(struct holm_replica *replica, struct holm_delta *delta)
{
    struct applying applying = {.replica = replica, .delta = delta};
    struct holm_vector_view none = {NULL, 0};
    struct holm_vector grown;
    enum holm_status status = holm_replica_plan_collected(replica, delta->collected, none, &grown);
    if (status == HOLM_EMALFORMED)
        replica->stats.deltas_refused += 1;
    if (status == HOLM_OK && grown.count > 0)
        status = holm_replica_seal(replica);
    struct holm_arena_mark mark = holm_arena_mark(&replica->scratch);
    applying.collected = holm_vector_view(grown.count > 0 ? &grown : &replica->collected);
    if (status == HOLM_OK)
        status = holm_replica_plan_folds(replica, &grown);
    if (status == HOLM_OK)
        status = translate(&applying);
    if (status == HOLM_OK)
        status = holm_oplog_reserve(&replica->log);
    if (status == HOLM_OK)
        status = holm_replica_reserve_stored(replica);
    if (status == HOLM_OK)
        status = apply_items(&applying, &grown);
    if (status == HOLM_OK) {
        holm_replica_past_note(replica, replica->actors.hash);
        holm_actors_raise(&replica->actors, applying.indices[0], delta->last);
        holm_oplog_push(&replica->log, &replica->actors, delta, applying.indices[0]);
        holm_replica_pace_applied(replica, delta->actor, holm_oplog_last_bytes(&replica->log));
        holm_replica_store(replica, delta);
        observe_stamps(replica, &delta->items);
        for (uint32_t i = 0; i < delta->items.item_count; i++)
            holm_replica_touch(replica, delta->items.items[i].key, applying.indices[0]);
        holm_replica_take_collected(replica, &grown, NULL);
        holm_replica_root_note(replica, delta);
        replica->stats.deltas_applied += 1;
    }
    holm_vector_release(&grown);
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
    uint64_t seq = holm_replica_seen_in(replica, delta->deps);
    for (size_t i = 0; seq > 0 && i < replica->peer_capacity; i++) {
        if (replica->peers[i].up && holm_actor_equal(replica->peers[i].actor, delta->actor))
            holm_replica_seen_by(replica, &replica->peers[i], seq);
    }
}

/* What can be said of a run by its seqs alone. */
enum place {
    PLACE_NEXT,
    PLACE_OLD,
    PLACE_EARLY,
    PLACE_OVERLAP,
    PLACE_FORGED
};

static enum place place_of(const struct holm_replica *replica, const struct holm_delta *delta)
{
    struct holm_actor self = replica->actors.rows[replica->self].actor;
    uint64_t seq = holm_actors_seq_of(&replica->actors, delta->actor);
    if (holm_actor_equal(delta->actor, self) && holm_replica_forged(replica, delta))
        return PLACE_FORGED;
    if (delta->last <= seq)
        return PLACE_OLD;
    if (delta->first <= seq)
        return PLACE_OVERLAP;
    return delta->first == seq + 1 ? PLACE_NEXT : PLACE_EARLY;
}

static enum holm_status apply_next(struct holm_replica *replica, struct holm_delta *delta)
{
    enum holm_status status = apply(replica, delta);
    if (status == HOLM_OK)
        holm_replica_drain(replica);
    return status;
}

/* What becomes of a run that is neither next nor early. */
static enum holm_status set_aside(struct holm_replica *replica, uint32_t peer, enum place place)
{
    struct holm_replica_peer *known = holm_replica_find_peer(replica, peer);
    if (place == PLACE_FORGED) {
        replica->stats.deltas_refused += 1;
        return holm_replica_twin(replica);
    }
    if (place == PLACE_OLD) {
        replica->stats.deltas_duplicate += 1;
        return HOLM_OK;
    }
    replica->stats.overlaps += 1;
    if (known != NULL)
        known->must_sync = true;
    holm_replica_mark_ahead(replica, peer, 0);
    return HOLM_OK;
}

enum holm_status holm_replica_receive(struct holm_replica *replica, uint32_t peer,
                                      struct holm_delta *delta)
{
    if (delta->partition != replica->config.partition)
        return HOLM_EINVAL;
    enum place place = place_of(replica, delta);
    if (place != PLACE_NEXT && place != PLACE_EARLY)
        return set_aside(replica, peer, place);
    if (!holm_guard_takes(replica, delta->actor, HOLM_WAY_BROADCAST))
        return HOLM_OK;
    note_deps(replica, delta);
    if (place == PLACE_EARLY || !holm_actors_cover(&replica->actors, delta->deps))
        return hold(replica, peer, delta);
    return apply_next(replica, delta);
}

/* Whether a node is none of those that are up here. */
static bool is_strange(const struct holm_replica *replica, struct holm_node_id node)
{
    if (node.value == replica->actors.rows[replica->self].actor.node.value)
        return false;
    for (size_t i = 0; i < replica->peer_capacity; i++) {
        if (replica->peers[i].up && replica->peers[i].actor.node.value == node.value)
            return false;
    }
    return true;
}

enum holm_status holm_replica_receive_next(struct holm_replica *replica, uint32_t peer,
                                           struct holm_delta *delta)
{
    if (delta->partition != replica->config.partition)
        return HOLM_EINVAL;
    enum holm_status status = HOLM_EMALFORMED;
    enum place place = place_of(replica, delta);
    if (place == PLACE_NEXT && !holm_guard_takes(replica, delta->actor, HOLM_WAY_LINK))
        return HOLM_EBUSY; /* and what follows may need it */
    if (place == PLACE_NEXT)
        status = apply_next(replica, delta);
    else if (place != PLACE_EARLY)
        status = set_aside(replica, peer, place);
    else
        replica->stats.deltas_refused += 1;
    if (status == HOLM_OK)
        holm_replica_feed_learn(replica, peer, delta);
    if (place == PLACE_NEXT && status == HOLM_OK && is_strange(replica, delta->actor.node))
        replica->stats.strangers += 1;
    return status;
}

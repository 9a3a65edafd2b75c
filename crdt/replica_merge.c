/* SPDX-License-Identifier: Apache-2.0 */
/*
 * State merged with state. Per key: the cells that both have, plus mine that your vector does not
 * cover, plus yours that mine does not cover; then the vectors are joined. Only the complete,
 * exact cut may do this: a part of it, with the vector of the whole, would delete what it left out.
 * Source: Almeida, Shoker, Baquero, "Delta state replicated data types", JPDC 2018, section 7.
 */
#include "crdt/order.h"
#include "crdt/path.h"
#include "crdt/replica_parts.h"

static bool covered_here(const struct holm_merging *merging, uint32_t actor, uint64_t seq)
{
    return seq <= holm_actors_seq(&merging->replica->actors, actor);
}

/* Whether a cut's entry is of an epoch that is not folded, at the cut or here. */
static bool is_row(const struct holm_replica *replica, struct holm_dot entry)
{
    return entry.actor.epoch.value != 0 && entry.seq != HOLM_SEQ_FOLDED &&
           entry.actor.epoch.value > holm_actors_floor(&replica->actors, entry.actor.node);
}

static enum holm_status intern_all(struct holm_replica *replica, struct holm_vector_view vector,
                                   const struct holm_page *const *pages, size_t page_count,
                                   size_t *widest)
{
    uint32_t index;
    enum holm_status status = HOLM_OK;
    *widest = 0;
    for (size_t i = 0; status == HOLM_OK && i < vector.count; i++) {
        if (is_row(replica, vector.entries[i]))
            status = holm_replica_intern(replica, vector.entries[i].actor, 1, &index);
    }
    for (size_t p = 0; status == HOLM_OK && p < page_count; p++) {
        const struct holm_items *items = &pages[p]->items;
        if (items->actor_count > *widest)
            *widest = items->actor_count;
        for (uint32_t i = 0; status == HOLM_OK && i < items->actor_count; i++)
            status = holm_replica_intern(replica, items->actors[i], 1, &index);
    }
    return status;
}

/* Two payloads of one name: all take the later one, or of one time the larger. */
static enum holm_status mend_cell(struct holm_merging *merging, const struct holm_item *item,
                                  const struct holm_key *key, struct holm_spot *spot)
{
    struct holm_state *state = &merging->replica->state;
    struct holm_cell cell;
    bool found = holm_spot_cell(state, spot, &cell);
    HOLM_ASSERT(found);
    bool later = item->hlc != cell.hlc ? item->hlc > cell.hlc
                                       : holm_value_compare(&item->value, &cell.value) > 0;
    if (item->op != HOLM_ITEM_PUT || !later)
        return HOLM_OK;
    struct holm_cell made = cell;
    made.marked = merging->mark;
    made.hlc = item->hlc;
    made.value = item->value;
    made.sub = item->sub; /* the one in the state goes with the old cell */
    merging->mended += 1;
    /* Its place in the order may be another. */
    enum holm_status status = holm_spot_erase(state, spot);
    if (status == HOLM_OK)
        status = holm_state_ensure(state, key, spot);
    return status == HOLM_OK ? holm_spot_insert(state, spot, &made) : status;
}

static enum holm_status merge_cell(struct holm_merging *merging, const struct holm_item *item,
                                   uint32_t actor, const struct holm_key *key)
{
    struct holm_state *state = &merging->replica->state;
    struct holm_slot slot = {.path = holm_names_find(&state->names, item->path),
                             .kind = item->kind,
                             .actor = HOLM_ACTOR_NONE,
                             .sub = item->sub};
    struct holm_spot spot;
    struct holm_cell cell;
    bool found = slot.path != HOLM_NAME_NONE && holm_state_find(state, key, &spot) &&
                 holm_spot_seek(state, &spot, &slot);
    while (found && holm_spot_cell_of(state, &spot, &slot, &cell)) {
        if (cell.actor == actor && cell.seq == item->seq) {
            if (cell.marked != merging->mark)
                holm_spot_mark(state, &spot, merging->mark);
            return merging->mends ? mend_cell(merging, item, key, &spot) : HOLM_OK;
        }
        holm_spot_next(state, &spot);
    }
    if (covered_here(merging, actor, item->seq)) {
        if (!merging->mends)
            return HOLM_OK; /* seen, and removed since */
        merging->mended += 1;
    }
    if (item->op == HOLM_ITEM_KNOWN)
        return HOLM_EMALFORMED; /* a payload was left out that this replica never had */
    struct holm_cell made = {.kind = item->kind,
                             .marked = merging->mark,
                             .actor = actor,
                             .seq = item->seq,
                             .hlc = item->hlc,
                             .sub = item->sub,
                             .value = item->value};
    enum holm_status status = holm_state_path(state, item->path, &made.path);
    if (status == HOLM_OK)
        status = holm_state_ensure(state, key, &spot);
    return status == HOLM_OK ? holm_spot_insert(state, &spot, &made) : status;
}

static enum holm_status merge_count(struct holm_merging *merging, const struct holm_item *item,
                                    uint32_t actor, const struct holm_key *key)
{
    struct holm_state *state = &merging->replica->state;
    struct holm_slot slot = {
        .path = holm_names_find(&state->names, item->path), .kind = item->kind, .actor = actor};
    struct holm_spot spot;
    struct holm_cell old;
    bool found = slot.path != HOLM_NAME_NONE && holm_state_find(state, key, &spot) &&
                 holm_spot_seek(state, &spot, &slot) && holm_spot_cell(state, &spot, &old);
    if (!found && !merging->mends && covered_here(merging, actor, item->count.last))
        return HOLM_OK;
    struct holm_cell made = {
        .kind = item->kind, .marked = merging->mark, .actor = actor, .count = item->count};
    if (found) {
        made.count = old.count;
        holm_count_merge(&made.count, &item->count);
    }
    if (merging->mends && (!found || !holm_count_equal(&made.count, &old.count)))
        merging->mended += 1;
    made.seq = made.count.last;
    enum holm_status status = holm_state_path(state, item->path, &made.path);
    if (status == HOLM_OK && !found)
        status = holm_state_ensure(state, key, &spot);
    if (status != HOLM_OK)
        return status;
    return found ? holm_spot_replace(state, &spot, &old, &made)
                 : holm_spot_insert(state, &spot, &made);
}

/* Whether the cut can have an item under an epoch 0. */
static bool is_folded_share(const struct holm_merging *merging, const struct holm_item *item,
                            struct holm_actor actor)
{
    return item->op == HOLM_ITEM_COUNT && item->count.start == item->count.last &&
           item->count.cancelled == 0 && item->count.cancelled_sum == 0 &&
           holm_replica_folds(merging->collected, actor);
}

static enum holm_status merge_item(struct holm_merging *merging, const struct holm_item *item)
{
    struct holm_state *state = &merging->replica->state;
    uint32_t actor = merging->indices[item->actor];
    struct holm_actor name = merging->replica->actors.rows[actor].actor;
    uint64_t seq = item->op == HOLM_ITEM_COUNT ? item->count.last : item->seq;
    if (name.epoch.value == 0 ? !is_folded_share(merging, item, name) : seq > merging->cut[actor])
        return HOLM_EMALFORMED; /* the cut holds what its vector does not cover */
    struct holm_key key = holm_state_key(state, item->key);
    struct holm_spot spot;
    if (item->op == HOLM_ITEM_BURY) {
        struct holm_dot dot = {merging->replica->actors.rows[actor].actor, item->seq};
        if (holm_vector_has(holm_merging_collected(merging), dot))
            return HOLM_OK;
        enum holm_status status = holm_state_ensure(state, &key, &spot);
        return status == HOLM_OK ? holm_state_bury(state, &spot, actor, item->seq) : status;
    }
    if (state->tombstones > 0 && holm_state_find(state, &key, &spot) &&
        holm_spot_buried(state, &spot))
        return HOLM_OK;
    if (item->op == HOLM_ITEM_COUNT && merging->fates != NULL &&
        holm_replica_folds(holm_merging_collected(merging), name))
        return holm_merging_share(merging, item, actor, &key);
    return item->op == HOLM_ITEM_COUNT ? merge_count(merging, item, actor, &key)
                                       : merge_cell(merging, item, actor, &key);
}

void holm_merging_number(struct holm_merging *merging, const struct holm_items *items)
{
    for (uint32_t i = 0; i < items->actor_count; i++)
        merging->indices[i] = holm_actors_find(&merging->replica->actors, items->actors[i]);
}

enum holm_status holm_merging_page(struct holm_merging *merging, const struct holm_page *page)
{
    const struct holm_items *items = &page->items;
    holm_merging_number(merging, items);
    for (uint32_t i = 0; i < items->item_count; i++) {
        enum holm_status status = merge_item(merging, &items->items[i]);
        if (status != HOLM_OK)
            return status;
    }
    return HOLM_OK;
}

/* Takes the marks off one record; unless `merging` is NULL, drops what the cut covers and lacks. */
static enum holm_status settle_record(struct holm_state *state, const struct holm_merging *merging,
                                      struct holm_spot *spot)
{
    enum holm_status status = HOLM_OK;
    struct holm_cell cell;
    while (status == HOLM_OK && holm_spot_cell(state, spot, &cell)) {
        bool gone = merging != NULL && !cell.marked && cell.seq <= merging->cut[cell.actor] &&
                    cell.kind != HOLM_KIND_TOMBSTONE;
        if (gone) {
            status = holm_spot_erase(state, spot);
            continue;
        }
        if (cell.marked)
            holm_spot_mark(state, spot, false);
        holm_spot_next(state, spot);
    }
    return status;
}

static enum holm_status settle(struct holm_state *state, const struct holm_merging *merging)
{
    enum holm_status status = HOLM_OK;
    struct holm_spot spot;
    struct holm_walk walk = holm_state_walk(state, 0, UINT64_MAX);
    while (status == HOLM_OK && holm_walk_next(state, &walk, &spot))
        status = settle_record(state, merging, &spot);
    return status;
}

static void join_vector(struct holm_replica *replica, struct holm_vector_view vector)
{
    for (size_t i = 0; i < vector.count; i++) {
        if (!is_row(replica, vector.entries[i]))
            continue;
        uint32_t index = holm_actors_find(&replica->actors, vector.entries[i].actor);
        if (vector.entries[i].seq <= holm_actors_seq(&replica->actors, index))
            continue;
        holm_actors_raise(&replica->actors, index, vector.entries[i].seq);
        replica->actors.rows[index].floor = vector.entries[i].seq;
        replica->log.jumps += 1;
    }
}

static void observe_stamps(struct holm_replica *replica, const struct holm_page *page)
{
    for (uint32_t i = 0; i < page->items.item_count; i++) {
        const struct holm_item *item = &page->items.items[i];
        if (item->op == HOLM_ITEM_PUT &&
            !holm_hlc_observe(&replica->hlc, item->hlc, replica->now.wall_ms,
                              replica->config.max_drift_ms))
            replica->stats.drift += 1;
    }
}

/* How many records the pages are of, at most: the items of one follow each other. */
static size_t count_keys(const struct holm_page *const *pages, size_t page_count)
{
    size_t count = 0;
    struct holm_bytes key = {NULL, 0};
    for (size_t p = 0; p < page_count; p++) {
        for (uint32_t i = 0; i < pages[p]->items.item_count; i++) {
            count += holm_bytes_equal(key, pages[p]->items.items[i].key) ? 0 : 1;
            key = pages[p]->items.items[i].key;
        }
    }
    return count;
}

void holm_merging_expect(struct holm_merging *merging, const struct holm_page *const *pages,
                         size_t page_count)
{
    struct holm_state *state = &merging->replica->state;
    size_t keys = count_keys(pages, page_count);
    if (keys > state->record_count)
        holm_state_expect(state, keys - state->record_count);
}

static enum holm_status merge_all(struct holm_merging *merging,
                                  const struct holm_page *const *pages, size_t page_count)
{
    struct holm_state *state = &merging->replica->state;
    holm_merging_expect(merging, pages, page_count);
    holm_state_begin(state);
    enum holm_status status = holm_replica_drop_tombstones(merging->replica, &merging->grown);
    if (status == HOLM_OK && merging->fates != NULL)
        status = holm_replica_fold_by(merging->replica, merging->fates);
    for (size_t p = 0; status == HOLM_OK && p < page_count; p++)
        status = holm_merging_page(merging, pages[p]);
    if (status == HOLM_OK)
        status = settle(state, merging->mends ? NULL : merging);
    if (status == HOLM_OK) {
        holm_state_commit(state);
        return HOLM_OK;
    }
    holm_state_rollback(state);
    (void)settle(state, NULL); /* only takes marks off */
    return status;
}

/* What a cut says must be possible, before anything is changed. */
static enum holm_status check_cut(struct holm_replica *replica, const struct holm_merging_cut *cut)
{
    HOLM_ASSERT(!holm_replica_pending(replica));
    if (!holm_vector_view_valid(cut->vector))
        return HOLM_EMALFORMED;
    for (size_t i = 0; i < cut->vector.count; i++) {
        if (cut->vector.entries[i].seq == HOLM_SEQ_FOLDED &&
            holm_vector_seq(cut->collected, cut->vector.entries[i].actor) != HOLM_SEQ_FOLDED)
            return HOLM_EMALFORMED; /* R folds what S does, and nothing else */
    }
    return holm_replica_claimed(replica, cut->vector) ? holm_replica_twin(replica) : HOLM_OK;
}

enum holm_status holm_merging_init(struct holm_merging *merging, struct holm_replica *replica,
                                   const struct holm_merging_cut *cut)
{
    memset(merging, 0, sizeof *merging);
    merging->replica = replica;
    merging->collected = cut->collected;
    merging->vector = cut->vector;
    holm_vector_init(&merging->grown, &replica->config.allocator);
    enum holm_status status = check_cut(replica, cut);
    size_t widest = 0;
    size_t widest_drop = 0;
    if (status == HOLM_OK)
        status = intern_all(replica, cut->vector, cut->pages, cut->page_count, &widest);
    if (status == HOLM_OK)
        status = intern_all(replica, cut->vector, cut->drops, cut->drop_count, &widest_drop);
    if (status == HOLM_OK)
        status = holm_replica_plan_collected(replica, cut->collected, cut->vector, &merging->grown);
    if (status == HOLM_OK)
        status = holm_replica_plan_folds(replica, &merging->grown);
    if (status != HOLM_OK) {
        holm_vector_release(&merging->grown);
        return status;
    }
    if (widest < widest_drop)
        widest = widest_drop;
    merging->scratch = holm_arena_mark(&replica->scratch);
    merging->cut = holm_arena_take(&replica->scratch, replica->actors.count * sizeof *merging->cut);
    merging->indices = holm_arena_take(&replica->scratch, widest * sizeof *merging->indices);
    if (merging->cut == NULL || merging->indices == NULL) {
        holm_merging_release(merging);
        return HOLM_ENOMEM;
    }
    for (size_t i = 0; i < replica->actors.count; i++)
        merging->cut[i] = holm_vector_view_seq(cut->vector, replica->actors.rows[i].actor);
    status = holm_merging_judge(merging);
    if (status != HOLM_OK)
        holm_merging_release(merging);
    return status;
}

void holm_merging_release(struct holm_merging *merging)
{
    holm_arena_rewind(&merging->replica->scratch, merging->scratch);
    holm_vector_release(&merging->grown);
}

void holm_merging_conclude(struct holm_merging *merging, const struct holm_merging_cut *cut)
{
    holm_replica_take_collected(merging->replica, &merging->grown, &cut->vector);
    join_vector(merging->replica, cut->vector);
    merging->replica->work.synced = true;
    for (size_t p = 0; p < cut->page_count; p++)
        observe_stamps(merging->replica, cut->pages[p]);
}

enum holm_status holm_replica_merge(struct holm_replica *replica,
                                    const struct holm_merging_cut *cut)
{
    struct holm_merging merging;
    enum holm_status status = holm_merging_init(&merging, replica, cut);
    if (status != HOLM_OK)
        return status;
    merging.mark = true;
    merging.mends = cut->mends;
    status = merge_all(&merging, cut->pages, cut->page_count);
    if (status == HOLM_OK) {
        holm_merging_conclude(&merging, cut);
        replica->work.touched_all = true;
        replica->stats.mended += merging.mended;
    }
    holm_merging_release(&merging);
    return status;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What differs from a cut, applied as if the whole cut were merged: I1 to I3 of reconcile.h.
 *
 * What may have to go gets a mark first: cells that came since the freeze and that the cut covers (the
 * cut either brings them or has seen them removed), and counter entries that the server lacks. What the
 * items bring loses the mark. In the end what still has it goes. So nothing is looked at that no list
 * names, and no mark stays.
 */
#include "crdt/replica_parts.h"

/* More items than that are not told of one by one. */
#define TOUCHED_MAX 16384

struct applying {
    struct holm_merging merging;
    const struct holm_frozen *frozen;
    const struct holm_merging_cut *cut;
};

static bool is_covered(const struct applying *applying, const struct holm_cell *cell)
{
    return cell->seq <= applying->merging.cut[cell->actor];
}

/* ---- what came since the freeze ------------------------------------------------------------ */

enum pass {
    MARK,
    ERASE,
    UNMARK
};

static enum holm_status pass_cell(const struct applying *applying, enum pass pass,
                                  struct holm_spot *spot, const struct holm_cell *cell)
{
    struct holm_state *state = &applying->merging.replica->state;
    if (pass == ERASE && cell->marked)
        return holm_spot_erase(state, spot);
    bool since = cell->kind != HOLM_KIND_TOMBSTONE &&
                 cell->seq > holm_frozen_seq(applying->frozen, cell->actor);
    if (pass == MARK && since && is_covered(applying, cell))
        holm_spot_mark(state, spot, true);
    if (pass == UNMARK && cell->marked)
        holm_spot_mark(state, spot, false);
    holm_spot_next(state, spot);
    return HOLM_OK;
}

static enum holm_status pass_arrivals(const struct applying *applying, enum pass pass)
{
    struct holm_state *state = &applying->merging.replica->state;
    const struct holm_frozen *frozen = applying->frozen;
    enum holm_status status = HOLM_OK;
    struct holm_spot spot;
    struct holm_cell cell;
    for (size_t i = 0; i < frozen->arrival_count; i++) {
        struct holm_walk walk = holm_state_walk(state, frozen->arrivals[i], frozen->arrivals[i]);
        while (status == HOLM_OK && holm_walk_next(state, &walk, &spot)) {
            while (status == HOLM_OK && holm_spot_cell(state, &spot, &cell))
                status = pass_cell(applying, pass, &spot, &cell);
        }
    }
    return status;
}

/* ---- what the server lacks ----------------------------------------------------------------- */

/* The cell or entry that is to go, if it is still here. */
static bool find_drop(const struct applying *applying, const struct holm_item *item,
                      struct holm_spot *spot, struct holm_cell *cell)
{
    const struct holm_state *state = &applying->merging.replica->state;
    struct holm_key key = holm_state_key(state, item->key);
    uint32_t actor = applying->merging.indices[item->actor];
    bool counts = item->op == HOLM_ITEM_COUNT;
    struct holm_slot slot = {.path = holm_names_find(&state->names, item->path),
                             .kind = item->kind,
                             .actor = counts ? actor : HOLM_ACTOR_NONE,
                             .sub = item->sub};
    if (slot.path == HOLM_NAME_NONE || !holm_state_find(state, &key, spot) ||
        !holm_spot_seek(state, spot, &slot))
        return false;
    if (counts)
        return holm_spot_cell(state, spot, cell);
    while (holm_spot_cell_of(state, spot, &slot, cell)) {
        if (cell->actor == actor && cell->seq == item->seq)
            return true;
        holm_spot_next(state, spot);
    }
    return false;
}

static enum holm_status pass_drop(const struct applying *applying, enum pass pass,
                                  const struct holm_item *item)
{
    struct holm_state *state = &applying->merging.replica->state;
    struct holm_spot spot;
    struct holm_cell cell;
    bool counts = item->op == HOLM_ITEM_COUNT;
    if ((pass != MARK && !counts) || !find_drop(applying, item, &spot, &cell))
        return HOLM_OK;
    if (pass == MARK && !counts)
        return holm_spot_erase(state, &spot);
    if (pass == ERASE)
        return cell.marked ? holm_spot_erase(state, &spot) : HOLM_OK;
    /* An entry that has grown beyond what the cut knows stays. */
    bool mark = pass == MARK && is_covered(applying, &cell);
    if (cell.marked != mark)
        holm_spot_mark(state, &spot, mark);
    return HOLM_OK;
}

static enum holm_status pass_drops(struct applying *applying, enum pass pass)
{
    enum holm_status status = HOLM_OK;
    for (size_t p = 0; status == HOLM_OK && p < applying->cut->drop_count; p++) {
        const struct holm_items *items = &applying->cut->drops[p]->items;
        holm_merging_number(&applying->merging, items);
        for (uint32_t i = 0; status == HOLM_OK && i < items->item_count; i++)
            status = pass_drop(applying, pass, &items->items[i]);
    }
    return status;
}

/* ---- all of it ----------------------------------------------------------------------------- */

static enum holm_status apply_all(struct applying *applying)
{
    struct holm_merging *merging = &applying->merging;
    enum holm_status status = holm_replica_drop_tombstones(merging->replica, &merging->grown);
    if (status == HOLM_OK)
        status = pass_arrivals(applying, MARK);
    if (status == HOLM_OK)
        status = pass_drops(applying, MARK);
    for (size_t p = 0; status == HOLM_OK && p < applying->cut->page_count; p++)
        status = holm_merging_page(merging, applying->cut->pages[p]);
    if (status == HOLM_OK)
        status = pass_drops(applying, ERASE);
    if (status == HOLM_OK)
        status = pass_arrivals(applying, ERASE);
    return status;
}

static void unmark(struct applying *applying)
{
    enum holm_status status = pass_arrivals(applying, UNMARK);
    HOLM_ASSERT(status == HOLM_OK);
    status = pass_drops(applying, UNMARK);
    HOLM_ASSERT(status == HOLM_OK);
}

static uint64_t count_items(const struct holm_page *const *pages, size_t count)
{
    uint64_t items = 0;
    for (size_t p = 0; p < count; p++)
        items += pages[p]->items.item_count;
    return items;
}

/* Tells of every key that an item names. The keys must last until the next step. */
static void touch(struct holm_replica *replica, const struct holm_page *const *pages, size_t count)
{
    if (count_items(pages, count) > TOUCHED_MAX)
        replica->work.touched_all = true;
    for (size_t p = 0; p < count && !replica->work.touched_all; p++) {
        const struct holm_items *items = &pages[p]->items;
        struct holm_bytes key = {NULL, 0};
        for (uint32_t i = 0; i < items->item_count; i++) {
            const struct holm_item *item = &items->items[i];
            bool same = key.data != NULL && holm_bytes_equal(key, item->key);
            if (!same && holm_arena_copy(&replica->scratch, item->key, &key) != HOLM_OK) {
                replica->work.touched_all = true;
                return;
            }
            uint32_t actor = holm_actors_find(&replica->actors, items->actors[item->actor]);
            holm_replica_touch(replica, key, actor);
        }
    }
}

static void touch_arrivals(const struct applying *applying)
{
    /* Few come and are gone with the same cut; which they were is not known any more. */
    if (applying->frozen->arrival_count > 0)
        applying->merging.replica->work.touched_all = true;
}

enum holm_status holm_replica_apply(struct holm_replica *replica, struct holm_frozen *frozen,
                                    const struct holm_merging_cut *cut)
{
    struct applying applying = {.frozen = frozen, .cut = cut};
    enum holm_status status = holm_merging_init(&applying.merging, replica, cut);
    if (status != HOLM_OK)
        return status;
    holm_frozen_pause(frozen, true);
    holm_merging_expect(&applying.merging, cut->pages, cut->page_count);
    holm_state_begin(&replica->state);
    status = apply_all(&applying);
    if (status == HOLM_OK) {
        holm_state_commit(&replica->state);
        holm_merging_conclude(&applying.merging, cut);
    } else {
        holm_state_rollback(&replica->state);
        unmark(&applying);
        holm_frozen_pause(frozen, false);
    }
    holm_merging_release(&applying.merging);
    if (status != HOLM_OK)
        return status;
    touch(replica, cut->pages, cut->page_count);
    touch(replica, cut->drops, cut->drop_count);
    touch_arrivals(&applying);
    return HOLM_OK;
}

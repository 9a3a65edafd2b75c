/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Small runs written as one Cells. Large ones gain nothing by it, and are read faster alone.
 */
#include "crdt/actors.h"
#include "crdt/vector.h"
#include "proto/cells.h"

#define ITEMS_MAX                                                                                  \
    24 /* of a small run: what a larger one is constant in is told once when it is alone */
#define ACTORS_MAX 64

/* Columns over runs, and how many others there may be besides: sizes of the room. */
#define RUN_COLUMNS 5

static bool small(const struct holm_delta *run)
{
    return run->unknown.size == 0 && run->items.item_count <= ITEMS_MAX &&
           run->items.actor_count <= ACTORS_MAX;
}

static bool same_collected(const struct holm_delta *a, const struct holm_delta *b)
{
    if (a->collected.count != b->collected.count)
        return false;
    for (size_t i = 0; i < a->collected.count; i++) {
        const struct holm_dot *left = &a->collected.entries[i];
        const struct holm_dot *right = &b->collected.entries[i];
        if (left->seq != right->seq || !holm_actor_equal(left->actor, right->actor))
            return false;
    }
    return true;
}

size_t holm_cells_shareable(struct holm_delta *const *runs, size_t count)
{
    size_t end = 0;
    while (end < count && small(runs[end]) && same_collected(runs[0], runs[end]))
        end++;
    return end;
}

/* ---- the table ----------------------------------------------------------------------------- */

/* Where the actor is among parties[1..], or belongs. */
static size_t place_of(const struct holm_cells_sharing *sharing, struct holm_actor actor)
{
    size_t low = 1, high = sharing->party_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (holm_actor_compare(sharing->parties[middle].actor, actor) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool is_at(const struct holm_cells_sharing *sharing, size_t place, struct holm_actor actor)
{
    return place < sharing->party_count && holm_actor_equal(sharing->parties[place].actor, actor);
}

static void add_party(struct holm_cells_sharing *sharing, struct holm_actor actor)
{
    size_t place = place_of(sharing, actor);
    if (holm_actor_equal(actor, sharing->sender) || is_at(sharing, place, actor))
        return;
    memmove(sharing->parties + place + 1, sharing->parties + place,
            (sharing->party_count - place) * sizeof *sharing->parties);
    sharing->parties[place] = (struct holm_cells_party){actor, 1};
    sharing->party_count += 1;
}

static size_t index_of(const struct holm_cells_sharing *sharing, struct holm_actor actor)
{
    if (holm_actor_equal(actor, sharing->sender))
        return 0;
    size_t place = place_of(sharing, actor);
    HOLM_ASSERT(is_at(sharing, place, actor));
    return place;
}

/* ---- what it takes ------------------------------------------------------------------------- */

/* The bytes that the run's copy will have: as cells_runs.c makes it. */
static size_t bytes_of(const struct holm_delta *run)
{
    size_t bytes = 0;
    for (uint32_t i = 0; i < run->items.item_count; i++) {
        const struct holm_item *item = &run->items.items[i];
        const struct holm_item *before = i > 0 ? item - 1 : NULL;
        bytes += item->sub.size;
        if (before == NULL || !holm_bytes_equal(before->key, item->key))
            bytes += item->key.size;
        if (before == NULL || !holm_bytes_equal(before->path, item->path))
            bytes += item->path.size;
        if (item->op == HOLM_ITEM_PUT && item->value.type != HOLM_I64 &&
            holm_type_has_bytes(item->value.type))
            bytes += item->value.as.bytes.size;
    }
    return bytes;
}

static enum holm_status tally(struct holm_cells_sharing *sharing, size_t *actors,
                              size_t *room_bytes)
{
    enum holm_status status = HOLM_OK;
    sharing->tally = (struct holm_cells_tally){0};
    sharing->memory = 0;
    *actors = 1;
    *room_bytes = 0;
    for (size_t i = 0; i < sharing->count && status == HOLM_OK; i++) {
        const struct holm_delta *run = sharing->runs[i];
        struct holm_fill_sizes sizes = {.actors = run->items.actor_count,
                                        .items = run->items.item_count,
                                        .seen = run->items.seen_count,
                                        .collected = run->collected.count,
                                        .bytes = bytes_of(run)};
        HOLM_ASSERT(run->first >= 1 && run->first <= run->last && run->items.actor_count >= 1);
        sharing->memory += holm_shared_bytes(&sizes);
        *actors += run->items.actor_count;
        status = holm_cells_tally(&run->items, &sharing->tally, room_bytes);
    }
    return status;
}

enum holm_status holm_cells_share_open(struct holm_cells_sharing *sharing, struct holm_arena *arena,
                                       size_t *room_bytes)
{
    size_t actors = 0;
    enum holm_status status = tally(sharing, &actors, room_bytes);
    if (status != HOLM_OK)
        return status;
    sharing->parties = holm_arena_take(arena, actors * sizeof *sharing->parties);
    sharing->entries = holm_arena_take(arena, (actors + sharing->count) * sizeof(uint64_t));
    if (sharing->parties == NULL || sharing->entries == NULL)
        return HOLM_ENOMEM;
    sharing->parties[0] = (struct holm_cells_party){sharing->sender, 1};
    sharing->party_count = 1;
    for (size_t i = 0; i < sharing->count; i++) {
        const struct holm_items *items = &sharing->runs[i]->items;
        for (uint32_t actor = 0; actor < items->actor_count; actor++)
            add_party(sharing, items->actors[actor]);
    }
    *room_bytes += HOLM_CELLS_TABLE_BYTES(sharing->party_count) +
                   HOLM_CELLS_VECTOR_BYTES(sharing->runs[0]->collected.count) +
                   (RUN_COLUMNS * sharing->count + actors) * HOLM_VARINT_BYTES_MAX;
    return HOLM_OK;
}

/* ---- columns over runs --------------------------------------------------------------------- */

/* Writes the entries; all of them, or as a column is. */
static void set_column(const struct holm_cells_sharing *sharing, struct holm_cells *cells,
                       unsigned field, size_t count, struct holm_cells_room *room)
{
    bool whole = field == HOLM_CELLS_RUN_FIRSTS || field == HOLM_CELLS_OTHERS;
    size_t entries = whole ? count : holm_column_fold64(sharing->entries, count);
    unsigned char *begin = room->at;
    for (size_t i = 0; i < entries; i++)
        room->at = holm_varint_write(room->at, sharing->entries[i]);
    HOLM_ASSERT(room->at <= room->end);
    holm_cells_set_bytes(cells, field, begin, (size_t)(room->at - begin));
}

static uint64_t entry_of(struct holm_cells_sharing *sharing, const struct holm_delta *run,
                         unsigned field)
{
    size_t index = index_of(sharing, run->actor);
    struct holm_cells_party *party = &sharing->parties[index];
    uint64_t due = party->due;
    if (field == HOLM_CELLS_RUN_ACTORS)
        return index;
    if (field == HOLM_CELLS_RUN_SPANS)
        return run->last - run->first;
    if (field == HOLM_CELLS_RUN_OTHERS)
        return run->items.actor_count - 1;
    if (field == HOLM_CELLS_RUN_ITEMS)
        return run->items.item_count <= 1 ? 1 - run->items.item_count : run->items.item_count;
    HOLM_ASSERT(field == HOLM_CELLS_RUN_FIRSTS);
    party->due = run->last + 1;
    return run->first - due;
}

static void set_others(struct holm_cells_sharing *sharing, struct holm_cells *cells,
                       struct holm_cells_room *room)
{
    size_t count = 0;
    for (size_t i = 0; i < sharing->count; i++) {
        const struct holm_items *items = &sharing->runs[i]->items;
        for (uint32_t actor = 1; actor < items->actor_count; actor++)
            sharing->entries[count++] = index_of(sharing, items->actors[actor]);
    }
    set_column(sharing, cells, HOLM_CELLS_OTHERS, count, room);
}

void holm_cells_share_set(struct holm_cells_sharing *sharing, struct holm_cells *cells,
                          struct holm_cells_room *room)
{
    cells->present = 0;
    cells->unknown = holm_mem(NULL, 0);
    holm_cells_set_vector(cells, HOLM_CELLS_COLLECTED, sharing->runs[0]->collected, room);
    if (sharing->party_count > 1)
        holm_cells_set_actors(cells, &sharing->parties[1].actor, sharing->party_count - 1,
                              sizeof *sharing->parties, sharing->sender.epoch.value, room);
    for (unsigned field = HOLM_CELLS_RUN_FIRSTS; field <= HOLM_CELLS_RUN_OTHERS; field++) {
        for (size_t i = 0; i < sharing->count; i++)
            sharing->entries[i] = entry_of(sharing, sharing->runs[i], field);
        set_column(sharing, cells, field, sharing->count, room);
    }
    set_others(sharing, cells, room);
    holm_cells_set_items_of(cells, sharing->runs, sharing->count, sharing->sender.epoch.value,
                            &sharing->tally, room);
}

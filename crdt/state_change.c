/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cells that come and go. All of it is one splice: some bytes of a block out, others in.
 */
#include "crdt/frozen.h"
#include "crdt/order.h"
#include "crdt/state_parts.h"

/* ---- accounting */

/* What a cell counts for: taken before its bytes go, counted when the change is made. */
struct weight {
    struct holm_digest digest;
    struct holm_digest live_term; /* if it is live */
    uint32_t path;
    uint8_t kind;
    bool live;
};

/* What a live cell adds to the live digest when it comes, or takes when it goes; `counted` says whether
 * it is in the record's count of live cells. */
static struct holm_digest live_term(const struct holm_state *state, const struct holm_spot *spot,
                                    const struct holm_cell *cell, bool counted)
{
    struct holm_digest term = holm_share_value(state, spot->hash, cell);
    const struct holm_record *record = holm_record_at(state, spot->record);
    bool alone = record->live == (counted ? 1U : 0U);
    if (alone || !holm_share_has_other(state, spot, cell, false))
        holm_digest_add(&term, holm_share_presence(state, spot->hash, cell));
    return term;
}

static struct weight weigh(const struct holm_state *state, const struct holm_spot *spot,
                           const struct holm_cell *cell, bool counted)
{
    struct weight weight = {.digest = holm_cell_digest(state, spot->hash, cell),
                            .path = cell->path,
                            .kind = cell->kind,
                            .live = holm_cell_live(cell)};
    weight.live_term = weight.digest;
    if (weight.live && cell->kind == HOLM_COUNTER)
        weight.live_term = live_term(state, spot, cell, counted);
    return weight;
}

static void live_comes(struct holm_state *state, const struct holm_spot *spot)
{
    struct holm_record *record = holm_record_at(state, spot->record);
    state->present += record->live == 0 ? 1 : 0;
    record->live += 1;
}

static void live_goes(struct holm_state *state, const struct holm_spot *spot)
{
    struct holm_record *record = holm_record_at(state, spot->record);
    HOLM_ASSERT(record->live > 0);
    record->live -= 1;
    state->present -= record->live == 0 ? 1 : 0;
}

static void count_in(struct holm_state *state, const struct holm_spot *spot,
                     const struct weight *weight)
{
    size_t *figure = weight->kind == HOLM_KIND_TOMBSTONE ? &state->tombstones : &state->cells;
    *figure += 1;
    holm_names_use(&state->names, weight->path);
    holm_tree_add(&state->tree, spot->hash, weight->digest);
    if (!weight->live)
        return;
    holm_digest_add(&state->digest, weight->live_term);
    live_comes(state, spot);
}

static void count_out(struct holm_state *state, const struct holm_spot *spot,
                      const struct weight *weight)
{
    size_t *figure = weight->kind == HOLM_KIND_TOMBSTONE ? &state->tombstones : &state->cells;
    *figure -= 1;
    holm_names_leave(&state->names, weight->path);
    holm_tree_subtract(&state->tree, spot->hash, weight->digest);
    if (!weight->live)
        return;
    holm_digest_subtract(&state->digest, weight->live_term);
    live_goes(state, spot);
}

/* ---- blocks */

static enum holm_status own_record(struct holm_state *state, struct holm_spot *spot, size_t bytes)
{
    return holm_undo_own(state, spot->hash, HOLM_BLOCK_RECORD, bytes, &spot->record);
}

/* The record is owned. Where its index has gone is written down in it. */
static enum holm_status own_index(struct holm_state *state, const struct holm_spot *spot,
                                  size_t bytes, struct holm_segment **index)
{
    struct holm_record *record = holm_record_at(state, spot->record);
    HOLM_ASSERT(record->block.undo != 0 && record->flags & RECORD_SEGMENTED);
    uint32_t handle = holm_record_index(record);
    enum holm_status status = holm_undo_own(state, spot->hash, HOLM_BLOCK_INDEX, bytes, &handle);
    if (status != HOLM_OK)
        return status;
    memcpy((unsigned char *)record + holm_record_start(record), &handle, sizeof handle);
    *index = holm_segment_at(state, handle);
    return HOLM_OK;
}

/* The same for the segment that the spot is in. The index is only owned when it has to change. */
static enum holm_status own_segment(struct holm_state *state, const struct holm_spot *spot,
                                    size_t bytes)
{
    const struct holm_record *record = holm_record_at(state, spot->record);
    struct holm_segment *index = holm_segment_at(state, holm_record_index(record));
    uint32_t known = holm_index_get(index, spot->segment);
    uint32_t handle = known;
    enum holm_status status = holm_undo_own(state, spot->hash, HOLM_BLOCK_SEGMENT, bytes, &handle);
    if (status != HOLM_OK || handle == known)
        return status;
    status = own_index(state, spot, index->block.used, &index);
    if (status == HOLM_OK)
        memcpy(index->data + (size_t)spot->segment * sizeof handle, &handle, sizeof handle);
    return status;
}

/* Bytes out of a block, others in: `bytes` is at least `size` long, or NULL. */
static void exchange(unsigned char *block, uint32_t at, uint32_t removed, uint32_t size)
{
    struct holm_block *head = (struct holm_block *)(void *)block;
    if (removed != size)
        memmove(block + at + size, block + at + removed, head->used - at - removed);
    head->used = head->used - removed + size;
}

/* ---- segments */

static enum holm_status insert_handle(struct holm_state *state, const struct holm_spot *spot,
                                      uint32_t at, uint32_t handle)
{
    struct holm_segment *index = holm_segment_at(
        state, holm_record_index(holm_record_at(state, spot->record)));
    size_t bytes = index->block.used + index->block.used / 8 + sizeof handle;
    enum holm_status status = own_index(state, spot, bytes, &index);
    if (status != HOLM_OK)
        return status;
    uint32_t offset = (uint32_t)(sizeof *index + at * sizeof handle);
    exchange((unsigned char *)index, offset, 0, sizeof handle);
    memcpy((unsigned char *)index + offset, &handle, sizeof handle);
    return HOLM_OK;
}

/* Moves the record's cells to one segment. */
static enum holm_status spread(struct holm_state *state, struct holm_spot *spot)
{
    uint32_t index_handle;
    uint32_t handle;
    struct holm_record *record = holm_record_at(state, spot->record);
    uint32_t start = holm_record_start(record);
    uint32_t size = record->block.used - start;
    enum holm_status status = own_record(state, spot, start + sizeof handle);
    if (status == HOLM_OK)
        status = holm_undo_make(state, spot->hash, HOLM_BLOCK_INDEX,
                                sizeof(struct holm_segment) + 2 * sizeof handle, &index_handle);
    if (status == HOLM_OK)
        status = holm_undo_make(state, spot->hash, HOLM_BLOCK_SEGMENT,
                                sizeof(struct holm_segment) + size, &handle);
    if (status != HOLM_OK)
        return status;
    record = holm_record_at(state, spot->record);
    struct holm_segment *index = holm_segment_at(state, index_handle);
    struct holm_segment *segment = holm_segment_at(state, handle);
    memcpy(segment->data, (unsigned char *)record + start, size);
    segment->block.used += size;
    memcpy(index->data, &handle, sizeof handle);
    index->block.used += (uint32_t)sizeof handle;
    memcpy((unsigned char *)record + start, &index_handle, sizeof index_handle);
    record->block.used = start + (uint32_t)sizeof index_handle;
    record->flags |= RECORD_SEGMENTED;
    spot->segment = 0;
    spot->at = spot->at - start + (uint32_t)sizeof *segment;
    return HOLM_OK;
}

/* Takes the segment away whose last cell goes; the last segment takes the index with it. What may
 * fail comes first, since the caller counts the cell out when all is done. */
static enum holm_status drop_segment(struct holm_state *state, struct holm_spot *spot)
{
    struct holm_record *record = holm_record_at(state, spot->record);
    struct holm_segment *index = holm_segment_at(state, holm_record_index(record));
    uint32_t handle = holm_index_get(index, spot->segment);
    enum holm_status status = holm_undo_reserve(state, 3);
    if (status == HOLM_OK)
        status = own_index(state, spot, index->block.used, &index);
    if (status != HOLM_OK)
        return status;
    holm_undo_retire(state, handle);
    exchange((unsigned char *)index, (uint32_t)(sizeof *index + spot->segment * sizeof handle),
             sizeof handle, 0);
    spot->at = sizeof(struct holm_segment);
    uint32_t left = holm_index_count(index);
    if (left > 0 && spot->segment == left) { /* behind the last cell */
        spot->segment -= 1;
        spot->at = holm_spot_range(state, spot).end;
    }
    if (left > 0)
        return HOLM_OK;
    holm_undo_retire(state, holm_record_index(record));
    record->block.used = holm_record_start(record);
    record->flags &= (uint16_t)~RECORD_SEGMENTED;
    holm_spot_rewind(state, spot);
    return HOLM_OK;
}

/* Where to split: in the middle, but at the end when cells come in rising order. When one large cell
 * is most of the segment, at the spot: what comes or changes there is to be alone in the end. */
static uint32_t boundary(struct holm_range range, uint32_t at, bool at_cell)
{
    if (at == range.end)
        return at;
    uint32_t middle = range.first;
    while (middle < range.end / 2)
        middle += holm_packed_bytes(range.bytes + middle);
    if (middle < range.end)
        return middle;
    return at_cell && at == range.first ? at + holm_packed_bytes(range.bytes + at) : at;
}

static enum holm_status split(struct holm_state *state, struct holm_spot *spot, bool at_cell)
{
    struct holm_range range = holm_spot_range(state, spot);
    uint32_t from = boundary(range, spot->at, at_cell);
    uint32_t size = range.end - from;
    uint32_t handle;
    enum holm_status status = own_segment(state, spot, range.end);
    if (status == HOLM_OK)
        status = holm_undo_make(state, spot->hash, HOLM_BLOCK_SEGMENT,
                                sizeof(struct holm_segment) + size, &handle);
    if (status == HOLM_OK)
        status = insert_handle(state, spot, spot->segment + 1, handle);
    if (status != HOLM_OK)
        return status;
    range = holm_spot_range(state, spot);
    struct holm_segment *right = holm_segment_at(state, handle);
    memcpy(right->data, range.bytes + from, size);
    right->block.used += size;
    ((struct holm_block *)(void *)range.bytes)->used = from;
    if (spot->at > from || (spot->at == from && (at_cell || size == 0))) {
        spot->segment += 1;
        spot->at = spot->at - from + (uint32_t)sizeof *right;
    }
    return HOLM_OK;
}

/* ---- the splice */

static enum holm_status reserve_inline(struct holm_state *state, struct holm_spot *spot,
                                       size_t removed, size_t size)
{
    const struct holm_record *record = holm_record_at(state, spot->record);
    return own_record(state, spot, record->block.used - removed + size);
}

static enum holm_status reserve_segment(struct holm_state *state, struct holm_spot *spot,
                                        uint32_t removed, size_t size)
{
    struct holm_range range = holm_spot_range(state, spot);
    enum holm_status status = own_record(state, spot,
                                         holm_record_at(state, spot->record)->block.used);
    while (status == HOLM_OK && range.end - removed + size > SEGMENT_BYTES_MAX &&
           range.end - range.first > removed) {
        status = split(state, spot, removed > 0);
        range = holm_spot_range(state, spot);
    }
    return status == HOLM_OK ? own_segment(state, spot, range.end - removed + size) : status;
}

/* Takes `removed` bytes at the spot away and puts the packed cell there, if there is one. */
static enum holm_status splice(struct holm_state *state, struct holm_spot *spot, uint32_t removed,
                               const struct holm_cell *cell)
{
    size_t size = cell == NULL ? 0 : holm_cell_bytes(cell);
    const struct holm_record *record = holm_record_at(state, spot->record);
    enum holm_status status = HOLM_OK;
    struct holm_range range = holm_spot_range(state, spot);
    if (size > UINT32_MAX / 4)
        return HOLM_ENOMEM;
    if (!(record->flags & RECORD_SEGMENTED) && range.end - range.first > removed &&
        range.end - range.first - removed + size > INLINE_BYTES_MAX && size > removed)
        status = spread(state, spot);
    if (status != HOLM_OK)
        return status;
    bool segmented = (holm_record_at(state, spot->record)->flags & RECORD_SEGMENTED) != 0;
    status = segmented ? reserve_segment(state, spot, removed, size)
                       : reserve_inline(state, spot, removed, size);
    if (status != HOLM_OK)
        return status;
    range = holm_spot_range(state, spot);
    if (segmented && cell == NULL && range.end - range.first == removed)
        return drop_segment(state, spot);
    exchange(range.bytes, spot->at, removed, (uint32_t)size);
    if (cell != NULL)
        holm_cell_pack(cell, range.bytes + spot->at);
    return HOLM_OK;
}

/* ---- cells */

enum holm_status holm_state_ensure(struct holm_state *state, const struct holm_key *key,
                                   struct holm_spot *spot)
{
    HOLM_ASSERT(state->open);
    HOLM_ASSERT(key->bytes.size >= 1 && key->bytes.size <= HOLM_KEY_BYTES_MAX);
    if (holm_state_find(state, key, spot))
        return HOLM_OK;
    size_t bytes = sizeof(struct holm_record) + key->bytes.size;
    enum holm_status status = holm_table_reserve(state);
    if (status == HOLM_OK)
        status = holm_undo_make(state, key->hash, HOLM_BLOCK_RECORD, bytes + CELL_HEAD_BYTES + 8,
                                &spot->record);
    if (status != HOLM_OK)
        return status;
    struct holm_record *record = holm_record_at(state, spot->record);
    record->live = 0;
    record->key_bytes = (uint16_t)key->bytes.size;
    record->flags = 0;
    record->block.used = (uint32_t)bytes;
    memcpy(record->data, key->bytes.data, key->bytes.size);
    status = holm_table_enter(state, key->hash, spot->record);
    if (status == HOLM_OK)
        holm_spot_rewind(state, spot);
    else
        holm_undo_unmake(state, spot->record);
    return status;
}

enum holm_status holm_state_path(struct holm_state *state, struct holm_bytes path, uint32_t *number)
{
    HOLM_ASSERT(state->open);
    return holm_names_intern(&state->names, path, number);
}

/* Whether the first cell of a segment, which does not begin before the slot, is to be read before
 * the given one of that slot. */
static bool begins_before(const struct holm_state *state, uint32_t segment,
                          const struct holm_slot *slot, const struct holm_cell *cell)
{
    struct holm_cell first;
    const unsigned char *packed = holm_segment_at(state, segment)->data;
    if (!holm_packed_is(packed, slot))
        return false;
    holm_cell_unpack(packed, &first);
    return holm_cell_precedes(state, &first, cell);
}

/* Moves the spot to the place of the cell among those of its slot. */
static void seek_place(const struct holm_state *state, struct holm_spot *spot,
                       const struct holm_cell *cell)
{
    struct holm_slot slot = holm_cell_slot(cell);
    struct holm_cell other;
    if (cell->kind == HOLM_COUNTER) {
        slot.actor = cell->actor;
        (void)holm_spot_seek(state, spot, &slot);
        return;
    }
    const struct holm_record *record = holm_record_at(state, spot->record);
    bool found = holm_spot_seek(state, spot, &slot);
    if (found && record->flags & RECORD_SEGMENTED) {
        const struct holm_segment *index = holm_segment_at(state, holm_record_index(record));
        uint32_t low = spot->segment;
        uint32_t high = holm_index_count(index);
        while (high - low > 1) {
            uint32_t middle = low + (high - low) / 2;
            if (begins_before(state, holm_index_get(index, middle), &slot, cell))
                low = middle;
            else
                high = middle;
        }
        if (low != spot->segment)
            spot->at = sizeof(struct holm_segment);
        spot->segment = low;
    }
    while (found && holm_spot_cell_of(state, spot, &slot, &other) &&
           holm_cell_precedes(state, &other, cell))
        holm_spot_next(state, spot);
}

enum holm_status holm_spot_insert(struct holm_state *state, struct holm_spot *spot,
                                  const struct holm_cell *cell)
{
    HOLM_ASSERT(state->open);
    seek_place(state, spot, cell);
    return holm_spot_place(state, spot, cell);
}

enum holm_status holm_spot_place(struct holm_state *state, struct holm_spot *spot,
                                 const struct holm_cell *cell)
{
    HOLM_ASSERT(state->open);
    struct weight weight = weigh(state, spot, cell, false);
    enum holm_status status = splice(state, spot, 0, cell);
    if (status != HOLM_OK)
        return status;
    count_in(state, spot, &weight);
    if (state->frozen != NULL)
        holm_frozen_came(state, spot->hash, cell, weight.digest);
    return HOLM_OK;
}

enum holm_status holm_spot_erase(struct holm_state *state, struct holm_spot *spot)
{
    struct holm_cell cell;
    HOLM_ASSERT(state->open);
    bool found = holm_spot_cell(state, spot, &cell);
    HOLM_ASSERT(found);
    struct weight weight = weigh(state, spot, &cell, true);
    if (state->frozen != NULL)
        holm_frozen_goes(state, spot, &cell, weight.digest);
    enum holm_status status = splice(state, spot, (uint32_t)holm_cell_bytes(&cell), NULL);
    if (status == HOLM_OK)
        count_out(state, spot, &weight);
    return status;
}

/* Makes a block one that may be changed where it is. */
static enum holm_status keep(struct holm_state *state, const struct holm_spot *spot,
                             enum holm_block_role role, uint32_t handle)
{
    const struct holm_block *block = (struct holm_block *)(void *)holm_heap_at(&state->heap,
                                                                               handle);
    return block->undo != 0 ? HOLM_OK : holm_undo_keep(state, spot->hash, role, handle);
}

/* A cell over the one at the spot, which takes as many bytes: nothing moves. */
static enum holm_status repack(struct holm_state *state, const struct holm_spot *spot,
                               const struct holm_cell *cell)
{
    const struct holm_record *record = holm_record_at(state, spot->record);
    enum holm_status status = keep(state, spot, HOLM_BLOCK_RECORD, spot->record);
    if (status == HOLM_OK && record->flags & RECORD_SEGMENTED) {
        const struct holm_segment *index = holm_segment_at(state, holm_record_index(record));
        status = keep(state, spot, HOLM_BLOCK_SEGMENT, holm_index_get(index, spot->segment));
    }
    if (status == HOLM_OK)
        holm_cell_repack(cell, holm_spot_range(state, spot).bytes + spot->at);
    return status;
}

static enum holm_status exchange_cells(struct holm_state *state, struct holm_spot *spot,
                                       const struct holm_cell *cell)
{
    uint32_t removed = holm_packed_bytes(holm_spot_range(state, spot).bytes + spot->at);
    return removed == holm_cell_bytes(cell) ? repack(state, spot, cell)
                                            : splice(state, spot, removed, cell);
}

/* By how much the live digest grows when the cell takes the place of `old`; of all but counters, by `change`. */
static struct holm_digest live_change(const struct holm_state *state, const struct holm_spot *spot,
                                      const struct holm_cell *old, const struct holm_cell *cell,
                                      struct holm_digest change)
{
    bool was = holm_cell_live(old);
    bool is = holm_cell_live(cell);
    struct holm_digest taken = {0, 0};
    if (!was && !is)
        return taken;
    if (cell->kind != HOLM_COUNTER)
        return change;
    if (was && is)
        return holm_share_change(state, spot->hash, old, cell);
    if (is)
        return live_term(state, spot, cell, false);
    holm_digest_subtract(&taken, live_term(state, spot, old, true));
    return taken;
}

enum holm_status holm_spot_replace(struct holm_state *state, struct holm_spot *spot,
                                   const struct holm_cell *old, const struct holm_cell *cell)
{
    HOLM_ASSERT(state->open);
    HOLM_ASSERT(old->path == cell->path && old->kind == cell->kind);
    HOLM_ASSERT(cell->kind != HOLM_COUNTER || old->actor == cell->actor);
    struct holm_digest before = holm_cell_digest(state, spot->hash, old);
    struct holm_digest after = holm_cell_digest(state, spot->hash, cell);
    if (state->frozen != NULL)
        holm_frozen_goes(state, spot, old, before);
    struct holm_digest change = after;
    holm_digest_subtract(&change, before);
    struct holm_digest live = live_change(state, spot, old, cell, change); /* old bytes may go */
    bool was = holm_cell_live(old);
    enum holm_status status = exchange_cells(state, spot, cell);
    if (status != HOLM_OK)
        return status;
    holm_tree_add(&state->tree, spot->hash, change);
    holm_digest_add(&state->digest, live);
    if (!was && holm_cell_live(cell))
        live_comes(state, spot);
    if (was && !holm_cell_live(cell))
        live_goes(state, spot);
    if (state->frozen != NULL)
        holm_frozen_came(state, spot->hash, cell, after);
    return HOLM_OK;
}

enum holm_status holm_state_bury(struct holm_state *state, struct holm_spot *spot, uint32_t actor,
                                 uint64_t seq)
{
    struct holm_cell cell;
    struct holm_cell tombstone = {.kind = HOLM_KIND_TOMBSTONE, .actor = actor, .seq = seq};
    holm_spot_rewind(state, spot);
    while (!holm_spot_buried(state, spot) && holm_spot_cell(state, spot, &cell)) {
        if (holm_spot_erase(state, spot) != HOLM_OK)
            return HOLM_ENOMEM;
    }
    seek_place(state, spot, &tombstone);
    if (holm_spot_cell(state, spot, &cell) && cell.actor == actor && cell.seq == seq)
        return HOLM_OK;
    enum holm_status status = holm_spot_place(state, spot, &tombstone);
    if (status == HOLM_OK)
        holm_record_at(state, spot->record)->flags |= RECORD_BURIED;
    return status;
}

enum holm_status holm_state_exhume(struct holm_state *state, struct holm_spot *spot)
{
    struct holm_cell cell;
    HOLM_ASSERT(holm_spot_buried(state, spot));
    if (holm_spot_erase(state, spot) != HOLM_OK)
        return HOLM_ENOMEM;
    struct holm_spot first = *spot;
    holm_spot_rewind(state, &first);
    if (!holm_spot_cell(state, &first, &cell))
        holm_record_at(state, spot->record)->flags &= (uint8_t)~RECORD_BURIED;
    return HOLM_OK;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "crdt/tree.h"
#include "proto/cells.h"
#include "proto/wire.h"

/* What asks and tells have in common: ranges with hashes of their sub-ranges. */
struct columns {
    size_t n_levels, n_gaps, n_jumps;
    uint32_t *levels;
    uint64_t *gaps;
    uint32_t *jumps;
    ProtobufCBinaryData filled, hashes;
};

struct ranges {
    const struct holm_sync_branch *branches;
    uint32_t branch_count;
    const uint64_t *hashes;
    uint32_t hash_count;
};

#define BOUND_AFTER 1u
#define BOUND_LAST 2u

/* ---- writing ------------------------------------------------------------------------------- */

static enum holm_status write_hashes(struct holm_arena *arena, const struct ranges *ranges,
                                     uint8_t width, struct columns *columns)
{
    size_t filled = ((size_t)ranges->hash_count + 7) / 8, size = 0;
    enum holm_status status = holm_wire_array(arena, filled, 1, &columns->filled.data);
    for (uint32_t i = 0; i < ranges->hash_count; i++)
        size += ranges->hashes[i] != 0 ? width : 0;
    if (status == HOLM_OK)
        status = holm_wire_array(arena, size, 1, &columns->hashes.data);
    if (status != HOLM_OK)
        return status;
    columns->filled.len = filled;
    columns->hashes.len = size;
    if (filled > 0)
        memset(columns->filled.data, 0, filled);
    uint8_t *at = columns->hashes.data;
    for (uint32_t i = 0; i < ranges->hash_count; i++) {
        if (ranges->hashes[i] == 0)
            continue;
        columns->filled.data[i / 8] |= (uint8_t)(1u << (i % 8));
        for (unsigned byte = 0; byte < width; byte++)
            *at++ = (uint8_t)(ranges->hashes[i] >> (8 * byte));
    }
    return HOLM_OK;
}

static enum holm_status write_ranges(struct holm_arena *arena, const struct ranges *ranges,
                                     uint8_t width, struct columns *columns)
{
    memset(columns, 0, sizeof *columns);
    size_t count = ranges->branch_count;
    enum holm_status status = holm_wire_array(arena, count, sizeof(uint32_t), &columns->levels);
    if (status == HOLM_OK)
        status = holm_wire_array(arena, count, sizeof(uint64_t), &columns->gaps);
    if (status == HOLM_OK)
        status = holm_wire_array(arena, count, sizeof(uint32_t), &columns->jumps);
    if (status != HOLM_OK)
        return status;
    struct holm_range_cursor cursor = {0};
    for (size_t i = 0; i < count; i++) {
        const struct holm_sync_branch *branch = &ranges->branches[i];
        bool behind = holm_range_gap(&cursor, branch->level, branch->index, &columns->gaps[i]);
        HOLM_ASSERT(behind);
        columns->levels[i] = branch->level;
        columns->jumps[i] = branch->jump;
    }
    columns->n_levels = holm_column_fold32(columns->levels, count);
    columns->n_gaps = count;
    columns->n_jumps = holm_column_fold32(columns->jumps, count);
    return write_hashes(arena, ranges, width, columns);
}

static uint32_t actor_index(const struct holm_sync_ask *ask, struct holm_actor actor)
{
    uint32_t low = 0, high = ask->actor_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (holm_actor_compare(ask->actors[middle], actor) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    HOLM_ASSERT(low < ask->actor_count && holm_actor_equal(ask->actors[low], actor));
    return low;
}

static enum holm_status reserve_lists(struct holm_arena *arena, size_t count,
                                      Holm__Wire__SyncAsk *made)
{
    enum holm_status status = holm_wire_array(arena, count, sizeof(uint32_t), &made->list_levels);
    if (status == HOLM_OK)
        status = holm_wire_array(arena, count, sizeof(uint64_t), &made->list_gaps);
    if (status == HOLM_OK)
        status = holm_wire_array(arena, count, sizeof(uint32_t), &made->list_sizes);
    if (status == HOLM_OK)
        status = holm_wire_array(arena, count, sizeof(uint32_t), &made->list_bounds);
    if (status == HOLM_OK)
        status = holm_wire_array(arena, 2 * count, sizeof(uint32_t), &made->bound_actors);
    if (status == HOLM_OK)
        status = holm_wire_array(arena, 2 * count, sizeof(uint64_t), &made->bound_seqs);
    return status;
}

static void write_bound(const struct holm_sync_ask *ask, const struct holm_dot *dot,
                        Holm__Wire__SyncAsk *made)
{
    made->bound_actors[made->n_bound_seqs] = actor_index(ask, dot->actor);
    made->bound_seqs[made->n_bound_seqs] = dot->seq;
    made->n_bound_seqs += 1;
}

static enum holm_status write_lists(struct holm_arena *arena, const struct holm_sync_ask *ask,
                                    Holm__Wire__SyncAsk *made)
{
    size_t count = ask->list_count;
    enum holm_status status = reserve_lists(arena, count, made);
    if (status != HOLM_OK)
        return status;
    struct holm_range_cursor cursor = {0};
    for (size_t i = 0; i < count; i++) {
        const struct holm_sync_list *list = &ask->lists[i];
        bool behind = holm_range_gap(&cursor, list->level, list->index, &made->list_gaps[i]);
        HOLM_ASSERT(behind);
        made->list_levels[i] = list->level;
        made->list_sizes[i] = list->dot_count;
        made->list_bounds[i] = (list->has_after ? BOUND_AFTER : 0) |
                               (list->has_last ? BOUND_LAST : 0);
        if (list->has_after)
            write_bound(ask, &list->after, made);
        if (list->has_last)
            write_bound(ask, &list->last, made);
    }
    made->n_list_gaps = count;
    made->n_list_levels = holm_column_fold32(made->list_levels, count);
    made->n_list_sizes = holm_column_fold32(made->list_sizes, count);
    made->n_list_bounds = holm_column_fold32(made->list_bounds, count);
    made->n_bound_actors = holm_column_fold32(made->bound_actors, made->n_bound_seqs);
    return HOLM_OK;
}

static enum holm_status write_dots(struct holm_arena *arena, const struct holm_sync_ask *ask,
                                   Holm__Wire__SyncAsk *made)
{
    size_t count = ask->dot_count;
    enum holm_status status = holm_wire_array(arena, count, sizeof(uint32_t), &made->dot_actors);
    if (status == HOLM_OK)
        status = holm_wire_array(arena, count, sizeof(uint64_t), &made->dot_steps);
    if (status == HOLM_OK)
        status = holm_wire_array(arena, count, sizeof(uint64_t), &made->marks);
    if (status != HOLM_OK)
        return status;
    for (uint32_t l = 0; l < ask->list_count; l++) {
        const struct holm_sync_list *list = &ask->lists[l];
        for (uint32_t i = list->dot_first; i < list->dot_first + list->dot_count; i++) {
            const struct holm_sync_dot *dot = &ask->dots[i];
            bool same = i > list->dot_first && dot[-1].actor == dot->actor;
            made->dot_actors[i] = dot->actor;
            made->dot_steps[i] = dot->seq - (same ? dot[-1].seq : 0);
            made->marks[i] = dot->mark;
        }
    }
    made->n_dot_steps = count;
    made->n_dot_actors = holm_column_fold32(made->dot_actors, count);
    made->n_marks = holm_column_fold64(made->marks, count);
    return HOLM_OK;
}

static enum holm_status write_ask(struct holm_arena *arena, const struct holm_sync_ask *ask,
                                  Holm__Wire__SyncAsk **result)
{
    HOLM_ASSERT(holm_sync_ask_check(ask) == HOLM_OK);
    Holm__Wire__SyncAsk *made = NULL;
    enum holm_status status = holm_wire_array(arena, 1, sizeof *made, &made);
    if (status != HOLM_OK)
        return status;
    holm__wire__sync_ask__init(made);
    made->sync = ask->sync;
    made->number = ask->number;
    made->entries = ask->entries;
    made->round = ask->round;
    made->width = ask->width - 1u;
    struct ranges ranges = {ask->branches, ask->branch_count, ask->hashes, ask->hash_count};
    struct columns columns;
    status = write_ranges(arena, &ranges, ask->width, &columns);
    if (status == HOLM_OK)
        status = write_lists(arena, ask, made);
    if (status == HOLM_OK)
        status = write_dots(arena, ask, made);
    struct holm_wire_actors table = {0};
    if (status == HOLM_OK)
        status = holm_wire_write_actors(arena, ask->actors, ask->actor_count, sizeof *ask->actors,
                                        &table);
    if (status != HOLM_OK)
        return status;
    made->n_levels = columns.n_levels;
    made->levels = columns.levels;
    made->n_gaps = columns.n_gaps;
    made->gaps = columns.gaps;
    made->n_jumps = columns.n_jumps;
    made->jumps = columns.jumps;
    made->filled = columns.filled;
    made->hashes = columns.hashes;
    made->n_nodes = table.n_nodes;
    made->nodes = table.nodes;
    made->n_more_epochs = table.n_more_epochs;
    made->more_epochs = table.more_epochs;
    made->n_epochs = table.n_epochs;
    made->epochs = table.epochs;
    *result = made;
    return HOLM_OK;
}

static enum holm_status write_page(struct holm_arena *arena, const struct holm_page *page,
                                   ProtobufCBinaryData *field)
{
    struct holm_cells cells = {.present = 0};
    struct holm_cells_tally tally = {0};
    struct holm_cells_room room = {NULL, NULL};
    size_t bytes = 0;
    enum holm_status status = holm_cells_tally(&page->items, &tally, &bytes);
    bytes += HOLM_CELLS_TABLE_BYTES(page->items.actor_count);
    if (status == HOLM_OK)
        status = holm_wire_array(arena, bytes, 1, &room.at);
    if (status != HOLM_OK)
        return status;
    room.end = room.at + bytes;
    holm_cells_set_table(&cells, &page->items, 0, &room);
    holm_cells_set_items(&cells, &page->items, NULL, &tally, &room);
    field->len = holm_cells_size(&cells);
    status = holm_wire_array(arena, field->len, 1, &field->data);
    if (status == HOLM_OK)
        (void)holm_cells_write(&cells, field->data);
    return status;
}

static void write_head(const struct holm_sync_tell *tell, Holm__Wire__SyncTell *made)
{
    made->sync = tell->sync;
    made->number = tell->number;
    made->branches_done = tell->branches_done;
    made->lists_done = tell->lists_done;
    made->wrong = tell->wrong;
    made->width = tell->width - 1u;
    made->sum_low = tell->sum.low;
    made->sum_high = tell->sum.high;
    if (!tell->has_through)
        return;
    made->through_node = tell->through.actor.node.value;
    made->through_epoch = tell->through.actor.epoch.value;
    made->through_seq = tell->through.seq;
}

static enum holm_status write_tell(struct holm_arena *arena, const struct holm_sync_tell *tell,
                                   Holm__Wire__SyncTell **result)
{
    HOLM_ASSERT(holm_sync_tell_check(tell) == HOLM_OK);
    Holm__Wire__SyncTell *made = NULL;
    enum holm_status status = holm_wire_array(arena, 1, sizeof *made, &made);
    if (status != HOLM_OK)
        return status;
    holm__wire__sync_tell__init(made);
    write_head(tell, made);
    struct ranges ranges = {tell->branches, tell->branch_count, tell->hashes, tell->hash_count};
    struct columns columns;
    status = write_ranges(arena, &ranges, tell->width, &columns);
    if (status == HOLM_OK)
        status = holm_wire_array(arena, tell->gone_count, sizeof(uint32_t), &made->gone);
    if (status == HOLM_OK && tell->page != NULL)
        status = write_page(arena, tell->page, &made->page);
    if (status != HOLM_OK)
        return status;
    for (uint32_t i = 0; i < tell->gone_count; i++)
        made->gone[i] = i == 0 ? tell->gone[0] : tell->gone[i] - tell->gone[i - 1] - 1;
    made->n_gone = tell->gone_count;
    made->n_levels = columns.n_levels;
    made->levels = columns.levels;
    made->n_gaps = columns.n_gaps;
    made->gaps = columns.gaps;
    made->n_jumps = columns.n_jumps;
    made->jumps = columns.jumps;
    made->filled = columns.filled;
    made->hashes = columns.hashes;
    *result = made;
    return HOLM_OK;
}

enum holm_status holm_wire_write_reconcile(struct holm_arena *arena,
                                           const struct holm_message *message,
                                           Holm__Wire__Envelope *envelope)
{
    if (message->type == HOLM_MESSAGE_SYNC_ASK)
        return write_ask(arena, &message->as.sync_ask, &envelope->sync_ask);
    HOLM_ASSERT(message->type == HOLM_MESSAGE_SYNC_TELL);
    return write_tell(arena, &message->as.sync_tell, &envelope->sync_tell);
}

/* ---- reading ------------------------------------------------------------------------------- */

static enum holm_status read_branches(struct holm_wire_reading *reading,
                                      const struct columns *columns, struct ranges *ranges)
{
    size_t count = columns->n_gaps;
    if (!holm_column_fits(columns->n_levels, count) || !holm_column_fits(columns->n_jumps, count))
        return HOLM_EMALFORMED;
    size_t left = reading->left.sync_parts_max;
    enum holm_status status = holm_wire_spend(&left, count);
    struct holm_sync_branch *branches = NULL;
    if (status == HOLM_OK)
        status = holm_wire_take(reading, count, sizeof *branches, &branches);
    if (status != HOLM_OK)
        return status;
    struct holm_range_cursor cursor = {0};
    uint64_t hashes = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t level = holm_column_at32(columns->levels, columns->n_levels, i);
        uint32_t jump = holm_column_at32(columns->jumps, columns->n_jumps, i);
        if (jump > HOLM_SYNC_JUMP_MAX ||
            !holm_range_skip(&cursor, level, columns->gaps[i], &branches[i].index))
            return HOLM_EMALFORMED;
        branches[i].level = (uint8_t)level;
        branches[i].jump = (uint8_t)jump;
        branches[i].hash_first = (uint32_t)hashes;
        hashes += holm_sync_branch_hashes(jump);
        if (hashes > reading->left.sync_parts_max)
            return HOLM_ETOOBIG;
    }
    ranges->branches = branches;
    ranges->branch_count = (uint32_t)count;
    ranges->hash_count = (uint32_t)hashes;
    return HOLM_OK;
}

static enum holm_status read_hashes(struct holm_wire_reading *reading,
                                    const struct columns *columns, uint32_t width,
                                    struct ranges *ranges)
{
    size_t count = ranges->hash_count;
    uint64_t *hashes = NULL;
    if (columns->filled.len != (count + 7) / 8)
        return HOLM_EMALFORMED;
    enum holm_status status = holm_wire_take(reading, count, sizeof *hashes, &hashes);
    if (status != HOLM_OK)
        return status;
    const uint8_t *at = columns->hashes.data;
    size_t left = columns->hashes.len;
    for (size_t i = 0; i < count; i++) {
        hashes[i] = 0;
        if ((columns->filled.data[i / 8] >> (i % 8) & 1) == 0)
            continue;
        if (left < width)
            return HOLM_EMALFORMED;
        for (uint32_t byte = 0; byte < width; byte++)
            hashes[i] |= (uint64_t)*at++ << (8 * byte);
        left -= width;
        if (hashes[i] == 0)
            return HOLM_EMALFORMED; /* two ways to say that a range is empty */
    }
    if (left > 0 || (count % 8 != 0 && columns->filled.data[count / 8] >> (count % 8) != 0))
        return HOLM_EMALFORMED;
    ranges->hashes = hashes;
    return HOLM_OK;
}

static enum holm_status read_ranges(struct holm_wire_reading *reading,
                                    const struct columns *columns, uint32_t width,
                                    struct ranges *ranges)
{
    if (width >= HOLM_SYNC_WIDTH_MAX)
        return HOLM_EMALFORMED;
    enum holm_status status = read_branches(reading, columns, ranges);
    return status == HOLM_OK ? read_hashes(reading, columns, width + 1, ranges) : status;
}

static enum holm_status read_actors(struct holm_wire_reading *reading,
                                    const Holm__Wire__SyncAsk *read, struct holm_sync_ask *ask)
{
    struct holm_wire_actors table = {
        .n_nodes = read->n_nodes,
        .n_more_epochs = read->n_more_epochs,
        .n_epochs = read->n_epochs,
        .nodes = read->nodes,
        .more_epochs = read->more_epochs,
        .epochs = read->epochs,
    };
    struct holm_actor *actors = NULL;
    enum holm_status status = holm_wire_spend(&reading->left.actors_max, table.n_epochs);
    if (status == HOLM_OK)
        status = holm_wire_check_actors(&table);
    if (status == HOLM_OK)
        status = holm_wire_take(reading, table.n_epochs, sizeof *actors, &actors);
    if (status != HOLM_OK)
        return status;
    holm_wire_read_actors(&table, actors, sizeof *actors);
    ask->actors = actors;
    ask->actor_count = (uint32_t)table.n_epochs;
    return HOLM_OK;
}

static bool read_bound(const Holm__Wire__SyncAsk *read, const struct holm_sync_ask *ask,
                       size_t *bound, struct holm_dot *dot)
{
    if (*bound == read->n_bound_seqs)
        return false;
    uint32_t actor = holm_column_at32(read->bound_actors, read->n_bound_actors, *bound);
    if (actor >= ask->actor_count)
        return false;
    *dot = (struct holm_dot){ask->actors[actor], read->bound_seqs[*bound]};
    *bound += 1;
    return true;
}

static enum holm_status read_lists(struct holm_wire_reading *reading,
                                   const Holm__Wire__SyncAsk *read, struct holm_sync_ask *ask)
{
    size_t count = read->n_list_gaps, bound = 0, left = reading->left.sync_parts_max;
    if (!holm_column_fits(read->n_list_levels, count) ||
        !holm_column_fits(read->n_list_sizes, count) ||
        !holm_column_fits(read->n_list_bounds, count) ||
        !holm_column_fits(read->n_bound_actors, read->n_bound_seqs))
        return HOLM_EMALFORMED;
    struct holm_sync_list *lists = NULL;
    enum holm_status status = holm_wire_spend(&left, count);
    if (status == HOLM_OK)
        status = holm_wire_take(reading, count, sizeof *lists, &lists);
    if (status != HOLM_OK)
        return status;
    struct holm_range_cursor cursor = {0};
    uint64_t dots = 0;
    for (size_t i = 0; i < count; i++) {
        struct holm_sync_list *list = &lists[i];
        memset(list, 0, sizeof *list);
        uint32_t level = holm_column_at32(read->list_levels, read->n_list_levels, i);
        uint32_t bounds = holm_column_at32(read->list_bounds, read->n_list_bounds, i);
        uint32_t size = holm_column_at32(read->list_sizes, read->n_list_sizes, i);
        if (!holm_range_skip(&cursor, level, read->list_gaps[i], &list->index) ||
            bounds > (BOUND_AFTER | BOUND_LAST) || size > read->n_dot_steps - dots)
            return HOLM_EMALFORMED;
        list->level = (uint8_t)level;
        list->dot_first = (uint32_t)dots;
        list->dot_count = size;
        dots += size;
        list->has_after = (bounds & BOUND_AFTER) != 0;
        list->has_last = (bounds & BOUND_LAST) != 0;
        if ((list->has_after && !read_bound(read, ask, &bound, &list->after)) ||
            (list->has_last && !read_bound(read, ask, &bound, &list->last)))
            return HOLM_EMALFORMED;
    }
    if (bound != read->n_bound_seqs || dots != read->n_dot_steps)
        return HOLM_EMALFORMED;
    ask->lists = lists;
    ask->list_count = (uint32_t)count;
    return HOLM_OK;
}

static enum holm_status read_dots(struct holm_wire_reading *reading,
                                  const Holm__Wire__SyncAsk *read, struct holm_sync_ask *ask)
{
    size_t count = read->n_dot_steps, left = reading->left.sync_parts_max;
    if (!holm_column_fits(read->n_dot_actors, count) || !holm_column_fits(read->n_marks, count))
        return HOLM_EMALFORMED;
    struct holm_sync_dot *dots = NULL;
    enum holm_status status = holm_wire_spend(&left, count);
    if (status == HOLM_OK)
        status = holm_wire_take(reading, count, sizeof *dots, &dots);
    if (status != HOLM_OK)
        return status;
    for (uint32_t l = 0; l < ask->list_count; l++) {
        const struct holm_sync_list *list = &ask->lists[l];
        for (uint32_t i = list->dot_first; i < list->dot_first + list->dot_count; i++) {
            struct holm_sync_dot *dot = &dots[i];
            dot->actor = holm_column_at32(read->dot_actors, read->n_dot_actors, i);
            dot->mark = holm_column_at64(read->marks, read->n_marks, i);
            bool same = i > list->dot_first && dot[-1].actor == dot->actor;
            uint64_t before = same ? dot[-1].seq : 0;
            if (read->dot_steps[i] > UINT64_MAX - before)
                return HOLM_EMALFORMED;
            dot->seq = before + read->dot_steps[i];
        }
    }
    ask->dots = dots;
    ask->dot_count = (uint32_t)count;
    return HOLM_OK;
}

static enum holm_status read_ask(struct holm_wire_reading *reading, const Holm__Wire__SyncAsk *read,
                                 struct holm_sync_ask *ask)
{
    struct columns columns = {
        read->n_levels, read->n_gaps, read->n_jumps, read->levels,
        read->gaps,     read->jumps,  read->filled,  read->hashes,
    };
    struct ranges ranges;
    enum holm_status status = read_ranges(reading, &columns, read->width, &ranges);
    if (status == HOLM_OK)
        status = read_actors(reading, read, ask);
    if (status == HOLM_OK)
        status = read_lists(reading, read, ask);
    if (status == HOLM_OK)
        status = read_dots(reading, read, ask);
    if (status != HOLM_OK)
        return status;
    ask->sync = read->sync;
    ask->number = read->number;
    ask->entries = read->entries;
    ask->round = read->round;
    ask->width = (uint8_t)(read->width + 1);
    ask->branches = ranges.branches;
    ask->branch_count = ranges.branch_count;
    ask->hashes = ranges.hashes;
    ask->hash_count = ranges.hash_count;
    return holm_sync_ask_check(ask);
}

static enum holm_status read_gone(struct holm_wire_reading *reading,
                                  const Holm__Wire__SyncTell *read, struct holm_sync_tell *tell)
{
    size_t left = reading->left.sync_parts_max;
    uint32_t *gone = NULL;
    enum holm_status status = holm_wire_spend(&left, read->n_gone);
    if (status == HOLM_OK)
        status = holm_wire_take(reading, read->n_gone, sizeof *gone, &gone);
    if (status != HOLM_OK)
        return status;
    uint64_t next = 0;
    for (size_t i = 0; i < read->n_gone; i++) {
        next += read->gone[i];
        if (next >= UINT32_MAX)
            return HOLM_EMALFORMED;
        gone[i] = (uint32_t)next++;
    }
    tell->gone = gone;
    tell->gone_count = (uint32_t)read->n_gone;
    return HOLM_OK;
}

/* Plain, as nearly all are, or by protobuf-c. */
static enum holm_status read_page(struct holm_wire_reading *reading, ProtobufCBinaryData packed,
                                  struct holm_page **page)
{
    struct holm_codec_limits left = reading->left;
    enum holm_status status = holm_cells_read_page(reading, holm_mem(packed.data, packed.len),
                                                   page);
    if (status != HOLM_EMALFORMED)
        return status;
    reading->left = left;
    struct holm_arena_mark mark = holm_arena_mark(reading->arena);
    Holm__Wire__Cells *cells = holm__wire__cells__unpack(reading->unpacking, packed.len,
                                                         packed.data);
    if (cells != NULL)
        status = holm_wire_read_page(reading, cells, page);
    else if (reading->budget->refusal != HOLM_OK)
        status = reading->budget->refusal;
    holm_arena_rewind(reading->arena, mark);
    return status;
}

static void read_head(const Holm__Wire__SyncTell *read, struct holm_sync_tell *tell)
{
    tell->sync = read->sync;
    tell->number = read->number;
    tell->branches_done = read->branches_done;
    tell->lists_done = read->lists_done;
    tell->wrong = read->wrong != 0;
    tell->width = (uint8_t)(read->width + 1);
    tell->sum.low = read->sum_low;
    tell->sum.high = read->sum_high;
    tell->has_through = read->through_seq != 0;
    tell->through.actor.node.value = read->through_node;
    tell->through.actor.epoch.value = read->through_epoch;
    tell->through.seq = read->through_seq;
}

static enum holm_status read_tell(struct holm_wire_reading *reading,
                                  const Holm__Wire__SyncTell *read, struct holm_sync_tell *tell)
{
    struct columns columns = {
        read->n_levels, read->n_gaps, read->n_jumps, read->levels,
        read->gaps,     read->jumps,  read->filled,  read->hashes,
    };
    struct ranges ranges;
    if (read->through_seq == 0 && (read->through_node | read->through_epoch) != 0)
        return HOLM_EMALFORMED;
    enum holm_status status = read_ranges(reading, &columns, read->width, &ranges);
    if (status == HOLM_OK)
        status = read_gone(reading, read, tell);
    if (status == HOLM_OK && read->page.len > 0)
        status = read_page(reading, read->page, &tell->page);
    if (status != HOLM_OK)
        return status;
    read_head(read, tell);
    tell->branches = ranges.branches;
    tell->branch_count = ranges.branch_count;
    tell->hashes = ranges.hashes;
    tell->hash_count = ranges.hash_count;
    return holm_sync_tell_check(tell);
}

enum holm_status holm_wire_read_reconcile(struct holm_wire_reading *reading,
                                          const Holm__Wire__Envelope *envelope,
                                          struct holm_message *message)
{
    if (message->type == HOLM_MESSAGE_SYNC_ASK)
        return read_ask(reading, envelope->sync_ask, &message->as.sync_ask);
    HOLM_ASSERT(message->type == HOLM_MESSAGE_SYNC_TELL);
    return read_tell(reading, envelope->sync_tell, &message->as.sync_tell);
}

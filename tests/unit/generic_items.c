/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Items as the columns of protobuf-c's Cells: the slow and simple way, to hold proto/cells.h against.
 */
#include "crdt/order.h"
#include "tests/unit/generic.h"

/* How far back a path is looked for among those already written. Records have few fields; a path
 * that is missed is only written again. */
#define PATHS_WINDOW 32

/* Items being turned into columns: the columns so far, and what the next entry is relative to. */
struct writing {
    Holm__Wire__Cells *cells;
    const struct holm_items *items;
    struct holm_bytes key;    /* of the item before */
    struct holm_bytes *paths; /* the dictionary */
    uint64_t seq_expected;
    uint64_t hlc_previous;
    uint64_t seen_expected;
    size_t puts;
};

/* What is to come, to take room for exactly that. */
struct tally {
    size_t puts, stamped, counts, removers, seen;
    size_t key_bytes, path_bytes, sub_bytes, value_bytes;
};

static void tally_item(struct tally *tally, const struct holm_item *item)
{
    tally->key_bytes += item->key.size;
    tally->path_bytes += item->path.size;
    tally->sub_bytes += item->sub.size;
    tally->seen += item->seen_count;
    switch ((enum holm_item_op)item->op) {
    case HOLM_ITEM_PUT:
        tally->puts += 1;
        tally->removers += 1;
        tally->stamped += 1;
        if (holm_type_has_bytes(item->value.type))
            tally->value_bytes += item->value.as.bytes.size;
        return;
    case HOLM_ITEM_COUNT:
        tally->counts += 1;
        tally->stamped += 1;
        break;
    case HOLM_ITEM_BURY:
    case HOLM_ITEM_KNOWN:
        tally->stamped += 1;
        break;
    case HOLM_ITEM_DROP_SLOT:
    case HOLM_ITEM_DROP_PATH:
        tally->removers += 1;
        return;
    }
    HOLM_ASSERT(item->seen_count == 0);
}

static enum holm_status reserve_bytes(struct holm_arena *arena, const struct tally *tally,
                                      Holm__Wire__Cells *cells)
{
    enum holm_status status = holm_wire_array(arena, tally->key_bytes, 1, &cells->keys.data);
    if (status == HOLM_OK)
        status = holm_wire_array(arena, tally->path_bytes, 1, &cells->path_bytes.data);
    if (status == HOLM_OK)
        status = holm_wire_array(arena, tally->sub_bytes, 1, &cells->subs.data);
    if (status == HOLM_OK)
        status = holm_wire_array(arena, tally->value_bytes, 1, &cells->values.data);
    return status;
}

static enum holm_status reserve_columns(struct holm_arena *arena, size_t items,
                                        const struct tally *tally, Holm__Wire__Cells *cells)
{
    const struct {
        void *array;
        size_t count, element_bytes;
    } wanted[] = {
        {&cells->shapes, items, sizeof *cells->shapes},
        {&cells->key_sizes, items, sizeof *cells->key_sizes},
        {&cells->paths, items, sizeof *cells->paths},
        {&cells->path_sizes, items, sizeof *cells->path_sizes},
        {&cells->actors, items, sizeof *cells->actors},
        {&cells->sub_sizes, items, sizeof *cells->sub_sizes},
        {&cells->seqs, tally->stamped, sizeof *cells->seqs},
        {&cells->hlcs, tally->puts, sizeof *cells->hlcs},
        {&cells->types, tally->puts, sizeof *cells->types},
        {&cells->numbers, tally->puts, sizeof *cells->numbers},
        {&cells->doubles, tally->puts, sizeof *cells->doubles},
        {&cells->value_sizes, tally->puts, sizeof *cells->value_sizes},
        {&cells->seen_counts, tally->removers, sizeof *cells->seen_counts},
        {&cells->seen_lasts, tally->seen, sizeof *cells->seen_lasts},
        {&cells->seen_spans, tally->seen, sizeof *cells->seen_spans},
        {&cells->seen_actors, tally->seen, sizeof *cells->seen_actors},
        {&cells->chains, tally->counts, sizeof *cells->chains},
        {&cells->sums, tally->counts, sizeof *cells->sums},
        {&cells->cancelled, tally->counts, sizeof *cells->cancelled},
        {&cells->cancelled_sums, tally->counts, sizeof *cells->cancelled_sums},
    };
    enum holm_status status = HOLM_OK;
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0] && status == HOLM_OK; i++)
        status = holm_wire_array(arena, wanted[i].count, wanted[i].element_bytes, wanted[i].array);
    return status;
}

static void append(ProtobufCBinaryData *field, struct holm_bytes bytes)
{
    if (bytes.size > 0)
        memcpy(field->data + field->len, bytes.data, bytes.size);
    field->len += bytes.size;
}

static uint32_t path_index(struct writing *writing, struct holm_bytes path)
{
    Holm__Wire__Cells *cells = writing->cells;
    size_t count = cells->n_path_sizes;
    size_t oldest = count > PATHS_WINDOW ? count - PATHS_WINDOW : 0;
    for (size_t i = count; i > oldest; i--) {
        if (holm_bytes_equal(writing->paths[i - 1], path))
            return (uint32_t)(i - 1);
    }
    writing->paths[count] = path;
    cells->path_sizes[cells->n_path_sizes++] = (uint32_t)path.size;
    append(&cells->path_bytes, path);
    return (uint32_t)count;
}

static void write_slot(struct writing *writing, const struct holm_item *item, size_t index)
{
    Holm__Wire__Cells *cells = writing->cells;
    HOLM_ASSERT(item->key.size > 0 && item->op < 16 && item->actor < writing->items->actor_count);
    cells->shapes[index] = item->op + 16 * (uint32_t)item->kind;
    if (index > 0 && holm_bytes_equal(writing->key, item->key)) {
        cells->key_sizes[index] = 0;
    } else {
        cells->key_sizes[index] = (uint32_t)item->key.size;
        append(&cells->keys, item->key);
        writing->key = item->key;
    }
    cells->paths[index] = path_index(writing, item->path);
    cells->actors[index] = item->actor;
    cells->sub_sizes[index] = (uint32_t)item->sub.size;
    append(&cells->subs, item->sub);
}

static void write_seq(struct writing *writing, uint64_t seq)
{
    Holm__Wire__Cells *cells = writing->cells;
    cells->seqs[cells->n_seqs++] = holm_step(writing->seq_expected, seq);
    writing->seq_expected = seq + 1;
}

static void write_put(struct writing *writing, const struct holm_item *item)
{
    Holm__Wire__Cells *cells = writing->cells;
    const struct holm_value *value = &item->value;
    int64_t step = holm_step(writing->hlc_previous, item->hlc);
    if (writing->puts == 0)
        cells->hlc = step;
    else
        cells->hlcs[cells->n_hlcs++] = step;
    writing->hlc_previous = item->hlc;
    writing->puts += 1;
    cells->types[cells->n_types++] = (uint32_t)value->type;
    if (value->type == HOLM_I64)
        cells->numbers[cells->n_numbers++] = value->as.i64;
    else if (value->type == HOLM_BOOL)
        cells->numbers[cells->n_numbers++] = value->as.boolean;
    else if (value->type == HOLM_DOUBLE)
        memcpy(&cells->doubles[cells->n_doubles++], &value->as.f64, sizeof value->as.f64);
    if (holm_type_has_bytes(value->type)) {
        cells->value_sizes[cells->n_value_sizes++] = (uint32_t)value->as.bytes.size;
        append(&cells->values, value->as.bytes);
    }
}

static void write_count(Holm__Wire__Cells *cells, const struct holm_count *count)
{
    cells->chains[cells->n_chains++] = count->last - count->start;
    cells->sums[cells->n_sums++] = count->sum;
    cells->cancelled[cells->n_cancelled++] = count->cancelled;
    cells->cancelled_sums[cells->n_cancelled_sums++] = count->cancelled_sum;
}

static void write_seen(struct writing *writing, const struct holm_item *item)
{
    Holm__Wire__Cells *cells = writing->cells;
    const struct holm_items *items = writing->items;
    HOLM_ASSERT((uint64_t)item->seen_first + item->seen_count <= items->seen_count);
    cells->seen_counts[cells->n_seen_counts++] = item->seen_count;
    for (uint32_t i = 0; i < item->seen_count; i++) {
        const struct holm_seen *seen = &items->seen[item->seen_first + i];
        HOLM_ASSERT(seen->actor < items->actor_count);
        cells->seen_lasts[cells->n_seen_lasts++] = holm_step(writing->seen_expected, seen->last);
        cells->seen_spans[cells->n_seen_spans++] = seen->last - seen->first;
        cells->seen_actors[cells->n_seen_actors++] = seen->actor;
        writing->seen_expected = seen->last + 1;
    }
}

static void write_item(struct writing *writing, const struct holm_item *item, size_t index)
{
    write_slot(writing, item, index);
    switch ((enum holm_item_op)item->op) {
    case HOLM_ITEM_PUT:
        write_seq(writing, item->seq);
        write_put(writing, item);
        write_seen(writing, item);
        return;
    case HOLM_ITEM_DROP_SLOT:
    case HOLM_ITEM_DROP_PATH:
        write_seen(writing, item);
        return;
    case HOLM_ITEM_BURY:
    case HOLM_ITEM_KNOWN:
        write_seq(writing, item->seq);
        return;
    case HOLM_ITEM_COUNT:
        break;
    }
    HOLM_ASSERT(item->op == HOLM_ITEM_COUNT);
    write_seq(writing, item->count.last);
    write_count(writing->cells, &item->count);
}

static void fold_columns(Holm__Wire__Cells *cells, size_t items)
{
    cells->n_key_sizes = items;
    /* The last path takes what is left: so one path alone, or none, costs no size. */
    if (cells->n_path_sizes > 0)
        cells->n_path_sizes -= 1;
    cells->n_shapes = holm_column_fold32(cells->shapes, items);
    cells->n_paths = holm_column_fold32(cells->paths, items);
    cells->n_actors = holm_column_fold32(cells->actors, items);
    cells->n_sub_sizes = holm_column_fold32(cells->sub_sizes, items);
    cells->n_seqs = holm_column_fold_signed(cells->seqs, cells->n_seqs);
    cells->n_hlcs = holm_column_fold_signed(cells->hlcs, cells->n_hlcs);
    cells->n_types = holm_column_fold32(cells->types, cells->n_types);
    cells->n_numbers = holm_column_fold_signed(cells->numbers, cells->n_numbers);
    cells->n_doubles = holm_column_fold64(cells->doubles, cells->n_doubles);
    cells->n_value_sizes = holm_column_fold32(cells->value_sizes, cells->n_value_sizes);
    cells->n_seen_counts = holm_column_fold32(cells->seen_counts, cells->n_seen_counts);
    cells->n_seen_spans = holm_column_fold64(cells->seen_spans, cells->n_seen_spans);
    cells->n_seen_actors = holm_column_fold32(cells->seen_actors, cells->n_seen_actors);
    cells->n_chains = holm_column_fold64(cells->chains, cells->n_chains);
    cells->n_sums = holm_column_fold_signed(cells->sums, cells->n_sums);
    cells->n_cancelled = holm_column_fold64(cells->cancelled, cells->n_cancelled);
    cells->n_cancelled_sums = holm_column_fold_signed(cells->cancelled_sums,
                                                      cells->n_cancelled_sums);
}

enum holm_status generic_write_items(struct holm_arena *arena, const struct holm_items *items,
                                     uint64_t run_first, uint64_t run_epoch,
                                     Holm__Wire__Cells *cells)
{
    struct tally tally = {0};
    for (uint32_t i = 0; i < items->item_count; i++)
        tally_item(&tally, &items->items[i]);
    /* Sizes have 32 bits; a frame has far less. */
    if (tally.sub_bytes > UINT32_MAX || tally.value_bytes > UINT32_MAX)
        return HOLM_ETOOBIG;
    struct writing writing = {.cells = cells,
                              .items = items,
                              .seq_expected = run_first,
                              .hlc_previous = run_epoch,
                              .seen_expected = run_first};
    enum holm_status status = reserve_bytes(arena, &tally, cells);
    if (status == HOLM_OK)
        status = reserve_columns(arena, items->item_count, &tally, cells);
    if (status == HOLM_OK)
        status = holm_wire_array(arena, items->item_count, sizeof *writing.paths, &writing.paths);
    if (status != HOLM_OK)
        return status;
    for (uint32_t i = 0; i < items->item_count; i++)
        write_item(&writing, &items->items[i], i);
    HOLM_ASSERT(cells->n_seqs == tally.stamped && cells->n_seen_lasts == tally.seen);
    fold_columns(cells, items->item_count);
    return HOLM_OK;
}

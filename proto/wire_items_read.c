/* SPDX-License-Identifier: Apache-2.0 */
#include "crdt/order.h"
#include "proto/wire.h"

/* The largest op and kind that a shape can hold. */
#define SHAPE_MAX (15 + 16 * 255)

/* How many entries each kind of column stands for. */
struct tally {
    size_t puts, stamped, counts, removers, numbers, doubles, sized;
};

static uint32_t shape_at(const Holm__Wire__Cells *cells, size_t index)
{
    return holm_column_at32(cells->shapes, cells->n_shapes, index);
}

static enum holm_status tally_shapes(const Holm__Wire__Cells *cells, struct tally *tally)
{
    if (!holm_column_fits(cells->n_shapes, cells->n_key_sizes))
        return HOLM_EMALFORMED;
    for (size_t i = 0; i < cells->n_key_sizes; i++) {
        uint32_t shape = shape_at(cells, i);
        if (shape > SHAPE_MAX)
            return HOLM_EMALFORMED;
        switch (shape % 16) {
        case 0:
            return HOLM_EMALFORMED;
        case HOLM_ITEM_PUT:
            tally->puts += 1;
            tally->stamped += 1;
            tally->removers += 1;
            break;
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
            break;
        default:
            /* What columns a newer operation takes entries of cannot be known. */
            return HOLM_EVERSION;
        }
    }
    return HOLM_OK;
}

static enum holm_status tally_types(const Holm__Wire__Cells *cells, struct tally *tally)
{
    if (!holm_column_fits(cells->n_types, tally->puts))
        return HOLM_EMALFORMED;
    for (size_t i = 0; i < tally->puts; i++) {
        uint32_t type = holm_column_at32(cells->types, cells->n_types, i);
        if (type > UINT8_MAX)
            return HOLM_EMALFORMED;
        if (type == HOLM_I64 || type == HOLM_BOOL)
            tally->numbers += 1;
        else if (type == HOLM_DOUBLE)
            tally->doubles += 1;
        else if (type != HOLM_NONE)
            tally->sized += 1;
    }
    return HOLM_OK;
}

/* Whether a column of sizes has the right length, and uses up its bytes. */
static bool sizes_fit(const uint32_t *sizes, size_t entries, size_t count,
                      ProtobufCBinaryData bytes)
{
    return holm_column_fits(entries, count) && holm_column_sum(sizes, entries, count) == bytes.len;
}

static bool columns_fit(const Holm__Wire__Cells *cells, const struct tally *tally)
{
    size_t items = cells->n_key_sizes;
    size_t steps = tally->puts > 0 ? tally->puts - 1 : 0;
    size_t seen = cells->n_seen_lasts;
    return holm_column_fits(cells->n_paths, items) && holm_column_fits(cells->n_actors, items) &&
           holm_column_fits(cells->n_seqs, tally->stamped) &&
           holm_column_fits(cells->n_hlcs, steps) && (tally->puts > 0 || cells->hlc == 0) &&
           holm_column_fits(cells->n_numbers, tally->numbers) &&
           holm_column_fits(cells->n_doubles, tally->doubles) &&
           holm_column_fits(cells->n_seen_counts, tally->removers) &&
           holm_column_sum(cells->seen_counts, cells->n_seen_counts, tally->removers) == seen &&
           holm_column_fits(cells->n_seen_spans, seen) &&
           holm_column_fits(cells->n_seen_actors, seen) &&
           holm_column_fits(cells->n_chains, tally->counts) &&
           holm_column_fits(cells->n_sums, tally->counts) &&
           holm_column_fits(cells->n_cancelled, tally->counts) &&
           holm_column_fits(cells->n_cancelled_sums, tally->counts);
}

static bool bytes_fit(const Holm__Wire__Cells *cells, const struct tally *tally)
{
    size_t items = cells->n_key_sizes;
    for (size_t i = 0; i < items; i++) {
        if (holm_column_at32(cells->paths, cells->n_paths, i) > cells->n_path_sizes)
            return false;
    }
    return sizes_fit(cells->key_sizes, items, items, cells->keys) &&
           holm_column_sum(cells->path_sizes, cells->n_path_sizes, cells->n_path_sizes) <=
               cells->path_bytes.len &&
           sizes_fit(cells->sub_sizes, cells->n_sub_sizes, items, cells->subs) &&
           sizes_fit(cells->value_sizes, cells->n_value_sizes, tally->sized, cells->values);
}

enum holm_status holm_wire_check_items(struct holm_wire_reading *reading,
                                       const Holm__Wire__Cells *cells,
                                       struct holm_fill_sizes *sizes)
{
    struct tally tally = {0};
    enum holm_status status = holm_wire_spend(&reading->left.items_max, cells->n_key_sizes);
    if (status == HOLM_OK)
        status = holm_wire_spend(&reading->left.seen_max, cells->n_seen_lasts);
    if (status == HOLM_OK)
        status = tally_shapes(cells, &tally);
    if (status == HOLM_OK)
        status = tally_types(cells, &tally);
    if (status != HOLM_OK)
        return status;
    if (!columns_fit(cells, &tally) || !bytes_fit(cells, &tally))
        return HOLM_EMALFORMED;
    sizes->items = cells->n_key_sizes;
    sizes->seen = cells->n_seen_lasts;
    sizes->bytes += cells->keys.len + cells->path_bytes.len + cells->subs.len + cells->values.len;
    return HOLM_OK;
}

/* Columns being turned into items: where each of them has been read up to. Bytes are copied as
 * whole columns, and the items' slices point into the copies. */
struct reading {
    const Holm__Wire__Cells *cells;
    struct holm_fill *fill;
    struct holm_bytes keys, path_bytes, subs, values; /* what is left of the copies */
    struct holm_bytes *paths;                         /* by index */
    struct holm_bytes key;                            /* of the item before */
    size_t seqs, puts, numbers, doubles, sized, removers, counts, seen;
    uint64_t seq_expected;
    uint64_t hlc_previous;
    uint64_t seen_expected;
};

static struct holm_bytes cut(struct holm_bytes *left, uint32_t size)
{
    HOLM_ASSERT(size <= left->size);
    struct holm_bytes slice = {left->data, size};
    if (size > 0)
        left->data = (const unsigned char *)left->data + size;
    left->size -= size;
    return slice;
}

static void read_paths(struct reading *reading)
{
    const Holm__Wire__Cells *cells = reading->cells;
    for (size_t i = 0; i < cells->n_path_sizes; i++)
        reading->paths[i] = cut(&reading->path_bytes, cells->path_sizes[i]);
    reading->paths[cells->n_path_sizes] = reading->path_bytes;
}

static void read_slot(struct reading *reading, struct holm_item *item, size_t index)
{
    const Holm__Wire__Cells *cells = reading->cells;
    uint32_t shape = shape_at(cells, index);
    item->op = (uint8_t)(shape % 16);
    item->kind = (uint8_t)(shape / 16);
    if (cells->key_sizes[index] > 0)
        reading->key = cut(&reading->keys, cells->key_sizes[index]);
    item->key = reading->key;
    item->path = reading->paths[holm_column_at32(cells->paths, cells->n_paths, index)];
    item->actor = holm_column_at32(cells->actors, cells->n_actors, index);
    item->sub = cut(&reading->subs, holm_column_at32(cells->sub_sizes, cells->n_sub_sizes, index));
}

static uint64_t read_seq(struct reading *reading)
{
    const Holm__Wire__Cells *cells = reading->cells;
    int64_t step = holm_column_at_signed(cells->seqs, cells->n_seqs, reading->seqs++);
    uint64_t seq = reading->seq_expected + (uint64_t)step;
    reading->seq_expected = seq + 1;
    return seq;
}

static bool read_number(struct reading *reading, struct holm_value *value)
{
    const Holm__Wire__Cells *cells = reading->cells;
    int64_t number = holm_column_at_signed(cells->numbers, cells->n_numbers, reading->numbers++);
    if (value->type == HOLM_I64) {
        value->as.i64 = number;
        return true;
    }
    value->as.boolean = number == 1;
    return number == 0 || number == 1;
}

static bool read_value(struct reading *reading, struct holm_value *value)
{
    const Holm__Wire__Cells *cells = reading->cells;
    value->type = (enum holm_type)holm_column_at32(cells->types, cells->n_types, reading->puts);
    if (value->type == HOLM_NONE)
        return true;
    if (value->type == HOLM_I64 || value->type == HOLM_BOOL)
        return read_number(reading, value);
    if (value->type == HOLM_DOUBLE) {
        uint64_t bits = holm_column_at64(cells->doubles, cells->n_doubles, reading->doubles++);
        memcpy(&value->as.f64, &bits, sizeof bits);
        return true;
    }
    HOLM_ASSERT(holm_type_has_bytes(value->type));
    value->as.bytes = cut(
        &reading->values,
        holm_column_at32(cells->value_sizes, cells->n_value_sizes, reading->sized++));
    return true;
}

static bool read_put(struct reading *reading, struct holm_item *item)
{
    const Holm__Wire__Cells *cells = reading->cells;
    int64_t step = cells->hlc;
    if (reading->puts > 0)
        step = holm_column_at_signed(cells->hlcs, cells->n_hlcs, reading->puts - 1);
    item->hlc = reading->hlc_previous + (uint64_t)step;
    reading->hlc_previous = item->hlc;
    bool sound = read_value(reading, &item->value);
    reading->puts += 1;
    return sound;
}

static void read_count(struct reading *reading, struct holm_count *count)
{
    const Holm__Wire__Cells *cells = reading->cells;
    size_t index = reading->counts++;
    count->last = read_seq(reading);
    count->start = count->last - holm_column_at64(cells->chains, cells->n_chains, index);
    count->sum = holm_column_at_signed(cells->sums, cells->n_sums, index);
    count->cancelled = holm_column_at64(cells->cancelled, cells->n_cancelled, index);
    count->cancelled_sum = holm_column_at_signed(cells->cancelled_sums, cells->n_cancelled_sums,
                                                 index);
}

static void read_seen(struct reading *reading, struct holm_item *item)
{
    const Holm__Wire__Cells *cells = reading->cells;
    item->seen_first = (uint32_t)reading->seen;
    item->seen_count = holm_column_at32(cells->seen_counts, cells->n_seen_counts,
                                        reading->removers++);
    HOLM_ASSERT(reading->seen + item->seen_count <= cells->n_seen_lasts);
    for (uint32_t i = 0; i < item->seen_count; i++) {
        size_t index = reading->seen++;
        struct holm_seen *seen = &reading->fill->seen[index];
        seen->last = reading->seen_expected + (uint64_t)cells->seen_lasts[index];
        seen->first = seen->last - holm_column_at64(cells->seen_spans, cells->n_seen_spans, index);
        seen->actor = holm_column_at32(cells->seen_actors, cells->n_seen_actors, index);
        reading->seen_expected = seen->last + 1;
    }
}

static bool read_item(struct reading *reading, struct holm_item *item)
{
    switch ((enum holm_item_op)item->op) {
    case HOLM_ITEM_PUT:
        item->seq = read_seq(reading);
        read_seen(reading, item);
        return read_put(reading, item);
    case HOLM_ITEM_DROP_SLOT:
    case HOLM_ITEM_DROP_PATH:
        read_seen(reading, item);
        return true;
    case HOLM_ITEM_BURY:
    case HOLM_ITEM_KNOWN:
        item->seq = read_seq(reading);
        return true;
    case HOLM_ITEM_COUNT:
        read_count(reading, &item->count);
        return true;
    }
    return false;
}

enum holm_status holm_wire_read_items(const struct holm_wire_reading *context,
                                      const Holm__Wire__Cells *cells, uint64_t run_first,
                                      uint64_t run_epoch, struct holm_fill *fill)
{
    struct reading reading = {.cells = cells,
                              .fill = fill,
                              .seq_expected = run_first,
                              .hlc_previous = run_epoch,
                              .seen_expected = run_first};
    enum holm_status status = holm_wire_take(context, cells->n_path_sizes + 1,
                                             sizeof *reading.paths, &reading.paths);
    if (status != HOLM_OK)
        return status;
    reading.keys = holm_fill_bytes(fill, holm_wire_slice(cells->keys));
    reading.path_bytes = holm_fill_bytes(fill, holm_wire_slice(cells->path_bytes));
    reading.subs = holm_fill_bytes(fill, holm_wire_slice(cells->subs));
    reading.values = holm_fill_bytes(fill, holm_wire_slice(cells->values));
    read_paths(&reading);
    for (size_t i = 0; i < cells->n_key_sizes; i++) {
        read_slot(&reading, &fill->items[i], i);
        if (!read_item(&reading, &fill->items[i]))
            return HOLM_EMALFORMED;
    }
    HOLM_ASSERT(reading.keys.size + reading.subs.size + reading.values.size == 0);
    HOLM_ASSERT(reading.seen == cells->n_seen_lasts);
    return HOLM_OK;
}

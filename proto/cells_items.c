/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each member of an item is checked as it is read.
 */
#include "crdt/order.h"
#include "crdt/path.h"
#include "proto/cells_rows.h"

#define SHAPE_MAX (15 + 16 * 255)
#define SHAPE_SOUND (HOLM_ITEM_PUT + 16 * HOLM_REGISTER) /* in runs and pages */
#define PATHS_IN_PLACE 16                                /* more of them take memory */

#define BIT(field) ((uint64_t)1 << (field))
#define OVER_ITEMS                                                                                 \
    (BIT(HOLM_CELLS_SHAPES) | BIT(HOLM_CELLS_KEY_SIZES) | BIT(HOLM_CELLS_PATHS) |                  \
     BIT(HOLM_CELLS_ACTORS) | BIT(HOLM_CELLS_SUB_SIZES))
#define OVER_RANGES                                                                                \
    (BIT(HOLM_CELLS_SEEN_LASTS) | BIT(HOLM_CELLS_SEEN_SPANS) | BIT(HOLM_CELLS_SEEN_ACTORS))
#define OVER_COUNTS                                                                                \
    (BIT(HOLM_CELLS_CHAINS) | BIT(HOLM_CELLS_SUMS) | BIT(HOLM_CELLS_CANCELLED) |                   \
     BIT(HOLM_CELLS_CANCELLED_SUMS))
#define COLUMNS                                                                                    \
    (OVER_ITEMS | OVER_RANGES | OVER_COUNTS | BIT(HOLM_CELLS_SEQS) | BIT(HOLM_CELLS_HLCS) |        \
     BIT(HOLM_CELLS_TYPES) | BIT(HOLM_CELLS_NUMBERS) | BIT(HOLM_CELLS_VALUE_SIZES) |               \
     BIT(HOLM_CELLS_SEEN_COUNTS))

static const uint64_t columns_over[HOLM_OVERS] = {
    [HOLM_OVER_ITEMS] = OVER_ITEMS,
    [HOLM_OVER_STAMPED] = BIT(HOLM_CELLS_SEQS),
    [HOLM_OVER_PUTS] = BIT(HOLM_CELLS_TYPES),
    [HOLM_OVER_STEPS] = BIT(HOLM_CELLS_HLCS),
    [HOLM_OVER_NUMBERS] = BIT(HOLM_CELLS_NUMBERS),
    [HOLM_OVER_SIZED] = BIT(HOLM_CELLS_VALUE_SIZES),
    [HOLM_OVER_REMOVERS] = BIT(HOLM_CELLS_SEEN_COUNTS),
    [HOLM_OVER_RANGES] = OVER_RANGES,
    [HOLM_OVER_COUNTS] = OVER_COUNTS,
};

static inline uint64_t next(struct holm_cells_rows *reading, enum holm_cells_field field)
{
    return holm_cursor_next(&reading->columns[field], &reading->broken);
}

static inline int64_t next_signed(struct holm_cells_rows *reading, enum holm_cells_field field)
{
    return holm_zigzag_signed(next(reading, field));
}

static inline struct holm_bytes cut(struct holm_cells_rows *reading, struct holm_cells_rest *rest,
                                    uint64_t size)
{
    if (size > rest->size) {
        reading->broken = true;
        size = 0;
    }
    struct holm_bytes slice = {rest->at, (size_t)size};
    rest->at += size;
    rest->size -= (size_t)size;
    return slice;
}

/* Whether an item may be so at all; what kind goes with what operation is D2's. */
static bool shape_sound(const struct holm_cells_frame *frame, uint64_t shape)
{
    unsigned op = shape % 16;
    bool counter = shape / 16 == HOLM_COUNTER;
    if (shape > SHAPE_MAX)
        return false;
    if (op == HOLM_ITEM_BURY)
        return shape / 16 == 0;
    if (op == HOLM_ITEM_DROP_PATH)
        return shape / 16 == 0 && !frame->page;
    if (shape / 16 == 0)
        return false;
    if (op == HOLM_ITEM_DROP_SLOT)
        return !counter && !frame->page;
    if (op == HOLM_ITEM_KNOWN)
        return !counter && frame->page;
    return (op == HOLM_ITEM_PUT && !counter) || (op == HOLM_ITEM_COUNT && counter);
}

/* Shape, path, actor and element, whatever they are. */
static bool read_slot(struct holm_cells_rows *reading, struct holm_item *item)
{
    uint64_t shape = next(reading, HOLM_CELLS_SHAPES);
    uint64_t path = next(reading, HOLM_CELLS_PATHS);
    uint64_t actor = next(reading, HOLM_CELLS_ACTORS);
    uint64_t sub_size = next(reading, HOLM_CELLS_SUB_SIZES);
    if (shape != reading->shape && !shape_sound(reading->frame, shape))
        return false;
    reading->shape = shape;
    if (path >= reading->path_count || actor >= reading->frame->actors)
        return false;
    item->op = (uint8_t)(shape % 16);
    item->kind = (uint8_t)(shape / 16);
    item->actor = (uint32_t)actor;
    item->path = reading->paths[path];
    if (sub_size == 0)
        return true;
    item->sub = cut(reading, &reading->subs, sub_size);
    return item->kind == HOLM_SET || item->kind > HOLM_MIN;
}

static inline bool read_key(struct holm_cells_rows *reading, struct holm_item *item)
{
    uint64_t size = next(reading, HOLM_CELLS_KEY_SIZES);
    if (size > 0)
        reading->key = cut(reading, &reading->keys, size);
    item->key = reading->key;
    return size <= HOLM_KEY_BYTES_MAX && reading->key.size > 0;
}

/* Whether the columns of read_slot() are the same for all, as mostly: then the first item's will do
 * for the others. */
static bool slots_steady(const struct holm_cells_rows *reading)
{
    const struct holm_cursor *columns = reading->columns;
    return columns[HOLM_CELLS_SHAPES].at == NULL && columns[HOLM_CELLS_PATHS].at == NULL &&
           columns[HOLM_CELLS_ACTORS].at == NULL && reading->subs.size == 0 &&
           columns[HOLM_CELLS_SUB_SIZES].at == NULL;
}

static inline uint64_t read_seq(struct holm_cells_rows *reading)
{
    uint64_t seq = reading->seq_expected + (uint64_t)next_signed(reading, HOLM_CELLS_SEQS);
    reading->seq_expected = seq + 1;
    reading->had[HOLM_OVER_STAMPED] += 1;
    return seq;
}

/* Of a put or a tombstone: in a run by its own actor, within the run, and ascending. */
static inline bool read_dot(struct holm_cells_rows *reading, struct holm_item *item)
{
    const struct holm_cells_frame *frame = reading->frame;
    item->seq = read_seq(reading);
    if (frame->page)
        return item->seq >= 1;
    bool sound = item->actor == 0 && item->seq >= frame->first && item->seq <= frame->last &&
                 item->seq > reading->seq_previous;
    reading->seq_previous = item->seq;
    return sound;
}

static bool read_seen(struct holm_cells_rows *reading, struct holm_item *item)
{
    uint64_t count = next(reading, HOLM_CELLS_SEEN_COUNTS);
    size_t at = reading->had[HOLM_OVER_RANGES];
    reading->had[HOLM_OVER_REMOVERS] += 1;
    if (count > reading->seen_count - at)
        return false;
    item->seen_first = (uint32_t)at;
    item->seen_count = (uint32_t)count;
    reading->had[HOLM_OVER_RANGES] = at + (size_t)count;
    for (; at < reading->had[HOLM_OVER_RANGES]; at++) {
        struct holm_seen *seen = &reading->seen[at];
        uint64_t step = (uint64_t)next_signed(reading, HOLM_CELLS_SEEN_LASTS);
        uint64_t span = next(reading, HOLM_CELLS_SEEN_SPANS);
        uint64_t actor = next(reading, HOLM_CELLS_SEEN_ACTORS);
        seen->last = reading->seen_expected + step;
        seen->first = seen->last - span;
        seen->actor = (uint32_t)actor;
        reading->seen_expected = seen->last + 1;
        if (actor >= reading->frame->actors || span >= seen->last ||
            (actor == 0 && seen->last >= reading->frame->first))
            return false;
    }
    return true;
}

static bool read_double(struct holm_cells_rows *reading, struct holm_value *value)
{
    size_t at = reading->doubles.size == 8 ? 0 : 8 * reading->had[HOLM_OVER_DOUBLES];
    reading->had[HOLM_OVER_DOUBLES] += 1;
    if (reading->doubles.size == 0)
        return true;
    if (at >= reading->doubles.size)
        return false;
    const unsigned char *doubles = reading->doubles.data;
    uint64_t bits = holm_fixed64_read(doubles + at);
    memcpy(&value->as.f64, &bits, sizeof bits);
    return true;
}

static inline bool read_value(struct holm_cells_rows *reading, struct holm_value *value)
{
    uint64_t type = next(reading, HOLM_CELLS_TYPES);
    value->type = (enum holm_type)type;
    if (type == HOLM_I64) {
        value->as.i64 = next_signed(reading, HOLM_CELLS_NUMBERS);
        reading->had[HOLM_OVER_NUMBERS] += 1;
        return true;
    }
    if (type == HOLM_BOOL) {
        int64_t number = next_signed(reading, HOLM_CELLS_NUMBERS);
        reading->had[HOLM_OVER_NUMBERS] += 1;
        value->as.boolean = number == 1;
        return number == 0 || number == 1;
    }
    if (type == HOLM_DOUBLE)
        return read_double(reading, value);
    if (type != HOLM_NONE) {
        value->as.bytes = cut(reading, &reading->values, next(reading, HOLM_CELLS_VALUE_SIZES));
        reading->had[HOLM_OVER_SIZED] += 1;
    }
    return type <= UINT8_MAX;
}

static inline bool read_put(struct holm_cells_rows *reading, struct holm_item *item)
{
    if (!read_dot(reading, item) || !read_seen(reading, item))
        return false;
    uint64_t step = holm_cells_number(reading->cells, HOLM_CELLS_HLC);
    if (reading->had[HOLM_OVER_PUTS] > 0)
        step = next(reading, HOLM_CELLS_HLCS);
    reading->had[HOLM_OVER_PUTS] += 1;
    item->hlc = reading->hlc_previous + (uint64_t)holm_zigzag_signed(step);
    reading->hlc_previous = item->hlc;
    return read_value(reading, &item->value);
}

static bool read_count(struct holm_cells_rows *reading, struct holm_item *item)
{
    struct holm_count *count = &item->count;
    count->last = read_seq(reading);
    uint64_t chain = next(reading, HOLM_CELLS_CHAINS);
    count->start = count->last - chain;
    count->sum = next_signed(reading, HOLM_CELLS_SUMS);
    count->cancelled = next(reading, HOLM_CELLS_CANCELLED);
    count->cancelled_sum = next_signed(reading, HOLM_CELLS_CANCELLED_SUMS);
    reading->had[HOLM_OVER_COUNTS] += 1;
    if (chain >= count->last || count->cancelled > count->last)
        return false;
    return reading->frame->page || item->actor != 0 || count->last <= reading->frame->last;
}

static inline bool read_rest(struct holm_cells_rows *reading, struct holm_item *item)
{
    if (item->op == HOLM_ITEM_PUT)
        return read_put(reading, item);
    if (item->op == HOLM_ITEM_COUNT)
        return read_count(reading, item);
    if (item->op == HOLM_ITEM_BURY || item->op == HOLM_ITEM_KNOWN)
        return read_dot(reading, item);
    HOLM_ASSERT(item->op == HOLM_ITEM_DROP_SLOT || item->op == HOLM_ITEM_DROP_PATH);
    return read_seen(reading, item);
}

/* The lowest of the columns; takes it away. */
static unsigned take_column(uint64_t *columns)
{
    unsigned field = (unsigned)__builtin_ctzll(*columns);
    *columns &= *columns - 1;
    return field;
}

static bool open_columns(struct holm_cells_rows *reading)
{
    const struct holm_cells *cells = reading->cells;
    for (uint64_t left = COLUMNS & ~cells->present; left != 0;) {
        struct holm_cursor *column = &reading->columns[take_column(&left)];
        column->at = NULL;
        column->value = 0;
    }
    reading->filled = 0;
    for (uint64_t left = COLUMNS & cells->present; left != 0;) {
        unsigned field = take_column(&left);
        struct holm_bytes bytes = holm_cells_bytes(cells, field);
        if (!holm_cursor_open(&reading->columns[field], bytes))
            return false;
        if (bytes.size > 0)
            reading->filled |= BIT(field);
    }
    reading->doubles = holm_cells_bytes(cells, HOLM_CELLS_DOUBLES);
    return reading->doubles.size % 8 == 0;
}

/* Whether all columns were over as many things as there turned out to be: none has entries left,
 * and one that is the same for all is so for one thing at least. */
bool holm_cells_rows_done(struct holm_cells_rows *reading)
{
    size_t puts = reading->had[HOLM_OVER_PUTS];
    reading->had[HOLM_OVER_STEPS] = puts > 1 ? puts - 1 : 0;
    reading->had[HOLM_OVER_RANGES] += reading->ranges_before;
    for (uint64_t left = reading->filled; left != 0;) {
        const struct holm_cursor *column = &reading->columns[take_column(&left)];
        if (column->at != column->end)
            return false;
    }
    for (unsigned over = 0; over < HOLM_OVERS; over++) {
        if (reading->had[over] == 0 && (reading->filled & columns_over[over]) != 0)
            return false;
    }
    return holm_column_fits(reading->doubles.size / 8, reading->had[HOLM_OVER_DOUBLES]) &&
           !reading->broken && (puts > 0 || holm_cells_number(reading->cells, HOLM_CELLS_HLC) == 0);
}

bool holm_cells_read_paths(struct holm_bytes sizes, struct holm_cells_rest bytes,
                           struct holm_bytes *paths, size_t count)
{
    const unsigned char *at = sizes.data;
    const unsigned char *end = at + sizes.size;
    for (size_t i = 0; i < count; i++) {
        uint64_t size = bytes.size;
        if (i + 1 < count)
            at = holm_varint_read(at, end, &size);
        if (at == NULL || size > bytes.size)
            return false;
        paths[i] = holm_mem(bytes.at, (size_t)size);
        if (!holm_path_valid(paths[i]))
            return false;
        bytes.at += size;
        bytes.size -= (size_t)size;
    }
    return at == end;
}

bool holm_cells_rows_open(struct holm_cells_rows *reading, const struct holm_cells *cells,
                          const struct holm_bytes *paths, size_t path_count, uint64_t hlc)
{
    reading->cells = cells;
    reading->paths = paths;
    reading->path_count = path_count;
    reading->key = holm_mem(NULL, 0);
    reading->shape = SHAPE_SOUND;
    reading->hlc_previous = hlc;
    reading->broken = false;
    reading->ranges_before = 0;
    for (unsigned over = 0; over < HOLM_OVERS; over++)
        reading->had[over] = 0;
    return open_columns(reading);
}

void holm_cells_rows_turn(struct holm_cells_rows *reading, const struct holm_cells_frame *frame,
                          struct holm_seen *seen, size_t seen_count,
                          struct holm_cells_copies copies)
{
    reading->frame = frame;
    reading->seen = seen;
    reading->seen_count = seen_count;
    reading->keys = copies.keys;
    reading->subs = copies.subs;
    reading->values = copies.values;
    reading->seq_expected = frame->first;
    reading->seq_previous = 0;
    reading->seen_expected = frame->first;
    reading->ranges_before += reading->had[HOLM_OVER_RANGES];
    reading->had[HOLM_OVER_RANGES] = 0;
}

bool holm_cells_rows_read(struct holm_cells_rows *reading, struct holm_item *items, size_t count)
{
    bool steady = slots_steady(reading);
    for (size_t i = 0; i < count; i++) {
        struct holm_item *item = &items[i];
        if (steady && i > 0) {
            item->op = items[0].op;
            item->kind = items[0].kind;
            item->actor = items[0].actor;
            item->path = items[0].path;
        } else if (!read_slot(reading, item)) {
            return false;
        }
        if (!read_key(reading, item) || !read_rest(reading, item))
            return false;
    }
    reading->had[HOLM_OVER_ITEMS] += count;
    return reading->had[HOLM_OVER_RANGES] == reading->seen_count &&
           reading->keys.size + reading->subs.size + reading->values.size == 0;
}

static struct holm_cells_rest copy_rest(struct holm_fill *fill, const struct holm_cells *cells,
                                        enum holm_cells_field field)
{
    struct holm_bytes copy = holm_fill_bytes(fill, holm_cells_bytes(cells, field));
    return (struct holm_cells_rest){copy.data, copy.size};
}

enum holm_status holm_cells_read_items(const struct holm_wire_reading *context,
                                       const struct holm_cells *cells,
                                       const struct holm_cells_frame *frame,
                                       const struct holm_fill_sizes *sizes, struct holm_fill *fill)
{
    struct holm_bytes in_place[PATHS_IN_PLACE];
    struct holm_bytes *paths = in_place;
    struct holm_bytes path_sizes = holm_cells_bytes(cells, HOLM_CELLS_PATH_SIZES);
    struct holm_cells_rows reading;
    size_t path_count = 1 + holm_varint_count(path_sizes.data, path_sizes.size);
    if (path_count > PATHS_IN_PLACE) {
        enum holm_status status = holm_wire_take(context, path_count, sizeof *paths, &paths);
        if (status != HOLM_OK)
            return status;
    }
    struct holm_cells_rest path_bytes = copy_rest(fill, cells, HOLM_CELLS_PATH_BYTES);
    if (!holm_cells_read_paths(path_sizes, path_bytes, paths, path_count) ||
        !holm_cells_rows_open(&reading, cells, paths, path_count, frame->epoch))
        return HOLM_EMALFORMED;
    struct holm_cells_copies copies;
    copies.keys = copy_rest(fill, cells, HOLM_CELLS_KEYS);
    copies.subs = copy_rest(fill, cells, HOLM_CELLS_SUBS);
    copies.values = copy_rest(fill, cells, HOLM_CELLS_VALUES);
    holm_cells_rows_turn(&reading, frame, fill->seen, sizes->seen, copies);
    if (!holm_cells_rows_read(&reading, fill->items, sizes->items) ||
        !holm_cells_rows_done(&reading))
        return HOLM_EMALFORMED;
    return HOLM_OK;
}

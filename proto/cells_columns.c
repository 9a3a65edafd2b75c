/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Items turned into columns, in one pass. A column stays unwritten as long as all its entries are
 * the same; with the first that is not, those before it are caught up with.
 */
#include "crdt/order.h"
#include "proto/cells.h"

/* How far back a path is looked for among those already written. Records have few fields; a path
 * that is missed is only written again. */
#define PATHS_WINDOW 32

struct column {
    unsigned char *begin, *at;
    uint64_t first;
    bool varied; /* each entry is written */
};

struct writing {
    const struct holm_items *items;
    struct column columns[HOLM_CELLS_FIELD_MAX + 1];
    unsigned char *keys, *path_bytes, *subs, *values; /* up to where they are written */
    struct holm_bytes key;                            /* of the item before */
    struct holm_bytes paths[PATHS_WINDOW];            /* the newest of the dictionary */
    size_t path_count;
    uint32_t path; /* of the item before */
    bool steady;   /* all items so far have the shape, actor and path of the first */
    uint64_t seq_expected, hlc_previous, seen_expected;
    int64_t hlc; /* of the first put */
    /* How many there were so far of what columns are over. */
    size_t item, stamped, puts, numbers, sized, removers, ranges, counts;
};

/* ---- room ---------------------------------------------------------------------------------- */

#define BIT(field) ((uint64_t)1 << (field))
#define OVER_RANGES                                                                                \
    (BIT(HOLM_CELLS_SEEN_LASTS) | BIT(HOLM_CELLS_SEEN_SPANS) | BIT(HOLM_CELLS_SEEN_ACTORS))
#define OVER_COUNTS                                                                                \
    (BIT(HOLM_CELLS_CHAINS) | BIT(HOLM_CELLS_SUMS) | BIT(HOLM_CELLS_CANCELLED) |                   \
     BIT(HOLM_CELLS_CANCELLED_SUMS))
#define DOUBLES BIT(HOLM_CELLS_DOUBLES)
#define OVER_ITEMS                                                                                 \
    (OVER_COUNTS | BIT(HOLM_CELLS_SHAPES) | BIT(HOLM_CELLS_KEY_SIZES) | BIT(HOLM_CELLS_PATHS) |    \
     BIT(HOLM_CELLS_PATH_SIZES) | BIT(HOLM_CELLS_SEQS) | BIT(HOLM_CELLS_HLCS) |                    \
     BIT(HOLM_CELLS_TYPES) | BIT(HOLM_CELLS_NUMBERS) | BIT(HOLM_CELLS_VALUE_SIZES) |               \
     BIT(HOLM_CELLS_SEEN_COUNTS) | BIT(HOLM_CELLS_ACTORS) | BIT(HOLM_CELLS_SUB_SIZES) | DOUBLES)
#define ITEM_COLUMNS 17
#define RANGE_COLUMNS 3

/* Columns that have an entry for each thing, always. */
#define WHOLE (BIT(HOLM_CELLS_KEY_SIZES) | BIT(HOLM_CELLS_PATH_SIZES) | BIT(HOLM_CELLS_SEEN_LASTS))

enum holm_status holm_cells_tally(const struct holm_items *items, struct holm_cells_tally *tally,
                                  size_t *room_bytes)
{
    size_t bytes = (size_t)(tally->keys + tally->paths + tally->subs + tally->values);
    tally->items += items->item_count;
    tally->seen += items->seen_count;
    for (uint32_t i = 0; i < items->item_count; i++) {
        const struct holm_item *item = &items->items[i];
        tally->keys += item->key.size;
        tally->paths += item->path.size;
        tally->subs += item->sub.size;
        if (item->op == HOLM_ITEM_PUT && item->value.type != HOLM_I64 &&
            holm_type_has_bytes(item->value.type))
            tally->values += item->value.as.bytes.size;
    }
    /* Sizes have 32 bits; a frame has far less. */
    if (tally->subs > UINT32_MAX || tally->values > UINT32_MAX)
        return HOLM_ETOOBIG;
    bytes = (size_t)(tally->keys + tally->paths + tally->subs + tally->values) - bytes;
    *room_bytes += (ITEM_COLUMNS * (size_t)items->item_count +
                    RANGE_COLUMNS * (size_t)items->seen_count) *
                       HOLM_VARINT_BYTES_MAX +
                   bytes;
    return HOLM_OK;
}

/* The lowest of the fields; takes it away. */
static unsigned take_field(uint64_t *fields)
{
    unsigned field = (unsigned)__builtin_ctzll(*fields);
    *fields &= *fields - 1;
    return field;
}

static void open_columns(struct writing *writing, uint64_t fields, size_t count,
                         struct holm_cells_room *room)
{
    while (fields != 0) {
        unsigned field = take_field(&fields);
        struct column *column = &writing->columns[field];
        column->begin = holm_cells_take(room, count * HOLM_VARINT_BYTES_MAX);
        column->at = column->begin;
        column->first = 0;
        column->varied = (WHOLE & BIT(field)) != 0;
    }
}

/* ---- entries ------------------------------------------------------------------------------- */

/* An entry differs from the `count` before it, which are written now. */
static void vary(struct column *column, size_t count)
{
    column->varied = true;
    for (size_t i = 0; i < count; i++)
        column->at = holm_varint_write(column->at, column->first);
}

/* The entry that comes after `count` others. */
static inline void put(struct writing *writing, enum holm_cells_field field, size_t count,
                       uint64_t value)
{
    struct column *column = &writing->columns[field];
    if (!column->varied) {
        if (count == 0)
            column->first = value;
        if (column->first == value)
            return;
        vary(column, count);
    }
    if (value < 0x80)
        *column->at++ = (unsigned char)value;
    else
        column->at = holm_varint_write(column->at, value);
}

static inline void put_signed(struct writing *writing, enum holm_cells_field field, size_t count,
                              int64_t value)
{
    put(writing, field, count, holm_zigzag(value));
}

/* Eight bytes an entry, written whether they vary or not. */
static void put_double(struct writing *writing, double value)
{
    struct column *column = &writing->columns[HOLM_CELLS_DOUBLES];
    uint64_t bits = 0;
    memcpy(&bits, &value, sizeof bits);
    if (column->at == column->begin)
        column->first = bits;
    column->varied |= bits != column->first;
    column->at = holm_fixed64_write(column->at, bits);
}

/* Keys are short: a call of memcpy would take longer than the copying. */
static inline unsigned char *append(unsigned char *at, struct holm_bytes bytes)
{
    const unsigned char *from = bytes.data;
    if (bytes.size > 16 || bytes.size < 8) {
        if (bytes.size > 0)
            memcpy(at, from, bytes.size);
        return at + bytes.size;
    }
    memcpy(at, from, 8);
    memcpy(at + bytes.size - 8, from + bytes.size - 8, 8);
    return at + bytes.size;
}

/* As holm_bytes_equal(); keys that differ mostly do at their ends. */
static inline bool same(struct holm_bytes a, struct holm_bytes b)
{
    if (a.size != b.size)
        return false;
    if (a.size == 0 || a.data == b.data)
        return true;
    const unsigned char *left = a.data;
    const unsigned char *right = b.data;
    return left[a.size - 1] == right[b.size - 1] && memcmp(left, right, a.size) == 0;
}

/* ---- items --------------------------------------------------------------------------------- */

static uint32_t find_path(struct writing *writing, struct holm_bytes path)
{
    size_t count = writing->path_count;
    size_t oldest = count > PATHS_WINDOW ? count - PATHS_WINDOW : 0;
    for (size_t i = count; i > oldest; i--) {
        if (same(writing->paths[(i - 1) % PATHS_WINDOW], path))
            return (uint32_t)(i - 1);
    }
    /* The last path takes what is left, so one's size is written when the next one comes. */
    if (count > 0)
        put(writing, HOLM_CELLS_PATH_SIZES, count, writing->paths[(count - 1) % PATHS_WINDOW].size);
    writing->paths[count % PATHS_WINDOW] = path;
    writing->path_bytes = append(writing->path_bytes, path);
    writing->path_count += 1;
    return (uint32_t)count;
}

static inline void write_key(struct writing *writing, struct holm_bytes key)
{
    HOLM_ASSERT(key.size > 0);
    if (same(writing->key, key)) {
        put(writing, HOLM_CELLS_KEY_SIZES, writing->item, 0);
        return;
    }
    put(writing, HOLM_CELLS_KEY_SIZES, writing->item, key.size);
    writing->keys = append(writing->keys, key);
    writing->key = key;
}

/* Whether all is as in the first item, whose entries stand for this one's, too: as mostly. */
static inline bool is_steady(const struct writing *writing, const struct holm_item *item)
{
    const struct holm_item *first = &writing->items->items[0];
    return item->op == first->op && item->kind == first->kind && item->actor == first->actor &&
           item->sub.size == 0 && same(first->path, item->path);
}

static inline void write_slot(struct writing *writing, const struct holm_item *item)
{
    write_key(writing, item->key);
    if (writing->steady && is_steady(writing, item))
        return;
    HOLM_ASSERT(item->op < 16 && item->actor < writing->items->actor_count);
    writing->steady = writing->item == 0 && item->sub.size == 0;
    put(writing, HOLM_CELLS_SHAPES, writing->item, item->op + 16 * (uint64_t)item->kind);
    /* That of the item before is the newest of its kind, and in reach. */
    if (writing->path_count == 0 || !same(writing->paths[writing->path % PATHS_WINDOW], item->path))
        writing->path = find_path(writing, item->path);
    put(writing, HOLM_CELLS_PATHS, writing->item, writing->path);
    put(writing, HOLM_CELLS_ACTORS, writing->item, item->actor);
    put(writing, HOLM_CELLS_SUB_SIZES, writing->item, item->sub.size);
    if (item->sub.size > 0)
        writing->subs = append(writing->subs, item->sub);
}

static inline void write_seq(struct writing *writing, uint64_t seq)
{
    put_signed(writing, HOLM_CELLS_SEQS, writing->stamped++, holm_step(writing->seq_expected, seq));
    writing->seq_expected = seq + 1;
}

static inline void write_value(struct writing *writing, const struct holm_value *value)
{
    put(writing, HOLM_CELLS_TYPES, writing->puts, (uint64_t)value->type);
    if (value->type == HOLM_I64) {
        put_signed(writing, HOLM_CELLS_NUMBERS, writing->numbers++, value->as.i64);
    } else if (value->type == HOLM_BOOL) {
        put_signed(writing, HOLM_CELLS_NUMBERS, writing->numbers++, value->as.boolean);
    } else if (value->type == HOLM_DOUBLE) {
        put_double(writing, value->as.f64);
    } else if (holm_type_has_bytes(value->type)) {
        put(writing, HOLM_CELLS_VALUE_SIZES, writing->sized++, value->as.bytes.size);
        writing->values = append(writing->values, value->as.bytes);
    }
}

static inline void write_put(struct writing *writing, const struct holm_item *item)
{
    int64_t step = holm_step(writing->hlc_previous, item->hlc);
    if (writing->puts == 0)
        writing->hlc = step;
    else
        put_signed(writing, HOLM_CELLS_HLCS, writing->puts - 1, step);
    writing->hlc_previous = item->hlc;
    write_value(writing, &item->value);
    writing->puts += 1;
}

static void write_count(struct writing *writing, const struct holm_count *count)
{
    put(writing, HOLM_CELLS_CHAINS, writing->counts, count->last - count->start);
    put_signed(writing, HOLM_CELLS_SUMS, writing->counts, count->sum);
    put(writing, HOLM_CELLS_CANCELLED, writing->counts, count->cancelled);
    put_signed(writing, HOLM_CELLS_CANCELLED_SUMS, writing->counts, count->cancelled_sum);
    writing->counts += 1;
}

static inline void write_seen(struct writing *writing, const struct holm_item *item)
{
    const struct holm_items *items = writing->items;
    HOLM_ASSERT((uint64_t)item->seen_first + item->seen_count <= items->seen_count);
    put(writing, HOLM_CELLS_SEEN_COUNTS, writing->removers++, item->seen_count);
    for (uint32_t i = 0; i < item->seen_count; i++) {
        const struct holm_seen *seen = &items->seen[item->seen_first + i];
        HOLM_ASSERT(seen->actor < items->actor_count);
        put_signed(writing, HOLM_CELLS_SEEN_LASTS, writing->ranges,
                   holm_step(writing->seen_expected, seen->last));
        put(writing, HOLM_CELLS_SEEN_SPANS, writing->ranges, seen->last - seen->first);
        put(writing, HOLM_CELLS_SEEN_ACTORS, writing->ranges, seen->actor);
        writing->seen_expected = seen->last + 1;
        writing->ranges += 1;
    }
}

static inline void write_item(struct writing *writing, const struct holm_item *item)
{
    write_slot(writing, item);
    if (item->op == HOLM_ITEM_PUT) {
        write_seq(writing, item->seq);
        write_put(writing, item);
        write_seen(writing, item);
        return;
    }
    if (item->op == HOLM_ITEM_DROP_SLOT || item->op == HOLM_ITEM_DROP_PATH) {
        write_seen(writing, item);
        return;
    }
    HOLM_ASSERT(item->seen_count == 0);
    if (item->op == HOLM_ITEM_COUNT) {
        write_seq(writing, item->count.last);
        write_count(writing, &item->count);
        return;
    }
    HOLM_ASSERT(item->op == HOLM_ITEM_BURY || item->op == HOLM_ITEM_KNOWN);
    write_seq(writing, item->seq);
}

/* ---- columns ------------------------------------------------------------------------------- */

static void set_columns(struct holm_cells *cells, struct writing *writing)
{
    for (uint64_t fields = (OVER_ITEMS | OVER_RANGES) & ~DOUBLES; fields != 0;) {
        unsigned field = take_field(&fields);
        struct column *column = &writing->columns[field];
        if (!column->varied && column->first != 0)
            column->at = holm_varint_write(column->at, column->first);
        holm_cells_set_bytes(cells, field, column->begin, (size_t)(column->at - column->begin));
    }
    const struct column *doubles = &writing->columns[HOLM_CELLS_DOUBLES];
    size_t size = (size_t)(doubles->at - doubles->begin);
    if (!doubles->varied && size > 0)
        size = doubles->first == 0 ? 0 : sizeof doubles->first;
    holm_cells_set_bytes(cells, HOLM_CELLS_DOUBLES, doubles->begin, size);
    holm_cells_set_number(cells, HOLM_CELLS_HLC, holm_zigzag(writing->hlc));
}

/* Where the bytes of items begin. */
struct bytes_begun {
    unsigned char *keys, *path_bytes, *subs, *values;
};

static struct bytes_begun begin(struct writing *writing, const struct holm_cells_tally *tally,
                                uint64_t hlc, struct holm_cells_room *room)
{
    writing->key = holm_mem(NULL, 0);
    writing->path_count = 0;
    writing->path = 0;
    writing->hlc_previous = hlc;
    writing->hlc = 0;
    writing->item = writing->stamped = writing->puts = writing->numbers = writing->sized = 0;
    writing->removers = writing->ranges = writing->counts = 0;
    struct bytes_begun begun;
    begun.keys = writing->keys = holm_cells_take(room, (size_t)tally->keys);
    begun.path_bytes = writing->path_bytes = holm_cells_take(room, (size_t)tally->paths);
    begun.subs = writing->subs = holm_cells_take(room, (size_t)tally->subs);
    begun.values = writing->values = holm_cells_take(room, (size_t)tally->values);
    open_columns(writing, OVER_ITEMS, tally->items, room);
    open_columns(writing, OVER_RANGES, tally->seen, room);
    return begun;
}

/* The items of one run or page, behind those before. */
static void write_items(struct writing *writing, const struct holm_items *items, uint64_t first)
{
    writing->items = items;
    writing->steady = false;
    writing->seq_expected = first;
    writing->seen_expected = first;
    for (uint32_t i = 0; i < items->item_count; i++, writing->item++)
        write_item(writing, &items->items[i]);
}

static void finish(struct holm_cells *cells, struct writing *writing,
                   const struct bytes_begun *begun)
{
    set_columns(cells, writing);
    holm_cells_set_bytes(cells, HOLM_CELLS_KEYS, begun->keys,
                         (size_t)(writing->keys - begun->keys));
    holm_cells_set_bytes(cells, HOLM_CELLS_PATH_BYTES, begun->path_bytes,
                         (size_t)(writing->path_bytes - begun->path_bytes));
    holm_cells_set_bytes(cells, HOLM_CELLS_SUBS, begun->subs,
                         (size_t)(writing->subs - begun->subs));
    holm_cells_set_bytes(cells, HOLM_CELLS_VALUES, begun->values,
                         (size_t)(writing->values - begun->values));
}

void holm_cells_set_items(struct holm_cells *cells, const struct holm_items *items,
                          const struct holm_delta *run, const struct holm_cells_tally *tally,
                          struct holm_cells_room *room)
{
    struct writing writing;
    uint64_t hlc = run == NULL ? 0 : run->actor.epoch.value;
    struct bytes_begun begun = begin(&writing, tally, hlc, room);
    write_items(&writing, items, run == NULL ? 0 : run->first);
    finish(cells, &writing, &begun);
}

void holm_cells_set_items_of(struct holm_cells *cells, struct holm_delta *const *runs, size_t count,
                             uint64_t hlc, const struct holm_cells_tally *tally,
                             struct holm_cells_room *room)
{
    struct writing writing;
    struct bytes_begun begun = begin(&writing, tally, hlc, room);
    for (size_t i = 0; i < count; i++)
        write_items(&writing, &runs[i]->items, runs[i]->first);
    finish(cells, &writing, &begun);
}

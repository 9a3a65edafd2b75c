/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs that share columns. Each becomes an allocation of its own, whose size a second set of cursors has
 * told before the items are read.
 */
#include "crdt/actors.h"
#include "proto/cells_rows.h"
#include "proto/field.h"

_Static_assert(sizeof(struct holm_delta) + 4 * sizeof(struct holm_actor) <= HOLM_SHARED_RUN_BYTES,
               "with what aligning takes");
_Static_assert(sizeof(struct holm_item) <= HOLM_SHARED_ITEM_BYTES, "");

/* The cursors that go ahead, and what they have found of the next run. */
struct ahead {
    struct holm_cursor shapes, key_sizes, paths, sub_sizes, types, value_sizes, seen_counts;
    bool broken;
    uint64_t key; /* size of the last key */
    size_t carried, keys, subs, values, path_bytes, seen;
    size_t most; /* of any of these: the bytes that there are */
};

struct runs {
    struct holm_wire_reading *reading;
    const struct holm_message *message;
    struct holm_cells cells;
    struct holm_cells_vector collected;
    struct holm_cells_party *parties; /* the sender first */
    size_t party_count;
    struct holm_bytes *paths;
    size_t path_count;
    struct holm_cursor firsts, spans, actors, items, others, other;
    bool broken;
    size_t count, items_left, seen_left;
    size_t memory_left; /* HOLM_SHARED_MEMORY */
    struct holm_cells_rest keys, subs, values;
    struct ahead ahead;
    struct holm_cells_rows rows;
};

static bool open_column(const struct holm_cells *cells, enum holm_cells_field field,
                        struct holm_cursor *cursor)
{
    return holm_cursor_open(cursor, holm_cells_bytes(cells, field));
}

/* The same of a column that has an entry for each thing, though it be one. */
static bool open_whole(const struct holm_cells *cells, enum holm_cells_field field,
                       struct holm_cursor *cursor, size_t *count)
{
    struct holm_bytes bytes = holm_cells_bytes(cells, field);
    bool sound = holm_cursor_open(cursor, bytes);
    *count = holm_varint_count(bytes.data, bytes.size);
    cursor->at = bytes.data;
    cursor->end = cursor->at + bytes.size;
    return sound;
}

size_t holm_cells_count_runs(struct holm_bytes bytes)
{
    struct holm_cells cells;
    if (!holm_cells_scan(bytes, &cells))
        return 0;
    if (!holm_cells_has(&cells, HOLM_CELLS_RUN_FIRSTS))
        return 1;
    struct holm_bytes firsts = holm_cells_bytes(&cells, HOLM_CELLS_RUN_FIRSTS);
    return holm_varint_count(firsts.data, firsts.size);
}

bool holm_cells_share(struct holm_bytes bytes)
{
    struct holm_cells cells;
    return holm_cells_scan(bytes, &cells) && holm_cells_has(&cells, HOLM_CELLS_RUN_FIRSTS);
}

/* ---- what the next run takes --------------------------------------------------------------- */

static bool open_ahead(struct runs *runs)
{
    struct ahead *ahead = &runs->ahead;
    size_t count = 0;
    ahead->broken = false;
    ahead->key = 0;
    return open_column(&runs->cells, HOLM_CELLS_SHAPES, &ahead->shapes) &&
           open_whole(&runs->cells, HOLM_CELLS_KEY_SIZES, &ahead->key_sizes, &count) &&
           open_column(&runs->cells, HOLM_CELLS_PATHS, &ahead->paths) &&
           open_column(&runs->cells, HOLM_CELLS_SUB_SIZES, &ahead->sub_sizes) &&
           open_column(&runs->cells, HOLM_CELLS_TYPES, &ahead->types) &&
           open_column(&runs->cells, HOLM_CELLS_VALUE_SIZES, &ahead->value_sizes) &&
           open_column(&runs->cells, HOLM_CELLS_SEEN_COUNTS, &ahead->seen_counts);
}

/* Adds a size that is told by one of the columns. No sum can wrap: each has 20 bits or so. */
static void add(struct ahead *ahead, size_t *sum, uint64_t size)
{
    if (size > ahead->most) {
        ahead->broken = true;
        return;
    }
    *sum += (size_t)size;
}

static void look_at_key(struct ahead *ahead, bool first)
{
    uint64_t size = holm_cursor_next(&ahead->key_sizes, &ahead->broken);
    if (size > 0)
        ahead->key = size;
    if (size > 0)
        add(ahead, &ahead->keys, size);
    else if (first)
        add(ahead, &ahead->carried, ahead->key);
}

static void look_at_rest(struct ahead *ahead, unsigned op)
{
    if (op != HOLM_ITEM_PUT && op != HOLM_ITEM_DROP_SLOT && op != HOLM_ITEM_DROP_PATH)
        return;
    add(ahead, &ahead->seen, holm_cursor_next(&ahead->seen_counts, &ahead->broken));
    if (op != HOLM_ITEM_PUT)
        return;
    uint64_t type = holm_cursor_next(&ahead->types, &ahead->broken);
    if (type != HOLM_NONE && type != HOLM_I64 && type != HOLM_BOOL && type != HOLM_DOUBLE)
        add(ahead, &ahead->values, holm_cursor_next(&ahead->value_sizes, &ahead->broken));
}

static bool look_ahead(struct runs *runs, size_t items)
{
    struct ahead *ahead = &runs->ahead;
    ahead->carried = ahead->keys = ahead->subs = 0;
    ahead->values = ahead->path_bytes = ahead->seen = 0;
    uint64_t last = 0;
    for (size_t i = 0; i < items && !ahead->broken; i++) {
        uint64_t shape = holm_cursor_next(&ahead->shapes, &ahead->broken);
        uint64_t path = holm_cursor_next(&ahead->paths, &ahead->broken);
        look_at_key(ahead, i == 0);
        add(ahead, &ahead->subs, holm_cursor_next(&ahead->sub_sizes, &ahead->broken));
        if (path >= runs->path_count)
            return false;
        if (i == 0 || path != last)
            ahead->path_bytes += runs->paths[path].size;
        last = path;
        look_at_rest(ahead, shape % 16);
    }
    return !ahead->broken;
}

/* ---- one run ------------------------------------------------------------------------------- */

/* Names the run's actors: its own, and the others that it speaks of, in order. */
static bool read_names(struct runs *runs, struct holm_cells_party *own, struct holm_actor *actors,
                       size_t count)
{
    actors[0] = own->actor;
    for (size_t i = 1; i < count; i++) {
        uint64_t index = holm_cursor_next(&runs->other, &runs->broken);
        if (index >= runs->party_count)
            return false;
        actors[i] = runs->parties[index].actor;
        if (i > 1 && holm_actor_compare(actors[i - 1], actors[i]) >= 0)
            return false;
    }
    return !runs->broken;
}

static struct holm_cells_rest copy(struct holm_fill *fill, struct holm_cells_rest *rest,
                                   size_t size)
{
    HOLM_ASSERT(size <= rest->size);
    struct holm_bytes copied = holm_fill_bytes(fill, holm_mem(rest->at, size));
    rest->at += size;
    rest->size -= size;
    return (struct holm_cells_rest){copied.data, copied.size};
}

/* The items have slices of the dictionary, which goes with the frame. */
static void keep_paths(struct holm_fill *fill, struct holm_item *items, size_t count)
{
    struct holm_bytes last = {NULL, 0}, kept = {NULL, 0};
    for (size_t i = 0; i < count; i++) {
        struct holm_bytes path = items[i].path;
        if (i == 0 || path.data != last.data || path.size != last.size)
            kept = holm_fill_bytes(fill, path);
        last = path;
        items[i].path = kept;
    }
}

static bool read_items(struct runs *runs, struct holm_delta *delta, size_t items,
                       struct holm_fill *fill)
{
    const struct ahead *ahead = &runs->ahead;
    struct holm_cells_frame frame = {
        .first = delta->first, .last = delta->last, .actors = delta->items.actor_count};
    if (ahead->carried > 0)
        runs->rows.key = holm_fill_bytes(fill, runs->rows.key);
    struct holm_cells_copies copies;
    copies.keys = copy(fill, &runs->keys, ahead->keys);
    copies.subs = copy(fill, &runs->subs, ahead->subs);
    copies.values = copy(fill, &runs->values, ahead->values);
    holm_cells_rows_turn(&runs->rows, &frame, fill->seen, ahead->seen, copies);
    if (!holm_cells_rows_read(&runs->rows, fill->items, items))
        return false;
    keep_paths(fill, fill->items, items);
    return fill->bytes == fill->bytes_end;
}

static bool fill_run(struct runs *runs, struct holm_cells_party *own, struct holm_delta *delta,
                     struct holm_fill *fill)
{
    delta->partition = runs->message->partition;
    delta->actor = own->actor;
    delta->first = own->due + holm_cursor_next(&runs->firsts, &runs->broken);
    delta->last = delta->first + holm_cursor_next(&runs->spans, &runs->broken);
    own->due = delta->last + 1;
    return read_names(runs, own, fill->actors, delta->items.actor_count) &&
           holm_cells_read_vector(&runs->collected, true, fill->collected) &&
           holm_cells_run_sound(delta) && read_items(runs, delta, delta->items.item_count, fill);
}

/* How much of everything the next run has, taken off what all have. */
static bool size_run(struct runs *runs, struct holm_fill_sizes *sizes)
{
    uint64_t items = holm_cursor_next(&runs->items, &runs->broken);
    uint64_t others = holm_cursor_next(&runs->others, &runs->broken);
    if (items <= 1)
        items = 1 - items;
    if (runs->broken || items > runs->items_left || others >= runs->ahead.most ||
        !look_ahead(runs, (size_t)items))
        return false;
    const struct ahead *ahead = &runs->ahead;
    sizes->items = (size_t)items;
    sizes->actors = 1 + (size_t)others;
    sizes->seen = ahead->seen;
    sizes->collected = runs->collected.actors.count;
    sizes->bytes = ahead->carried + ahead->keys + ahead->subs + ahead->values + ahead->path_bytes;
    if (ahead->seen > runs->seen_left || ahead->keys > runs->keys.size ||
        ahead->subs > runs->subs.size || ahead->values > runs->values.size)
        return false;
    runs->items_left -= sizes->items;
    runs->seen_left -= sizes->seen;
    return holm_wire_spend(&runs->memory_left, holm_shared_bytes(sizes)) == HOLM_OK &&
           holm_wire_spend(&runs->reading->left.actors_max, sizes->actors) == HOLM_OK &&
           holm_wire_spend(&runs->reading->left.vector_entries_max, sizes->collected) == HOLM_OK;
}

static enum holm_status read_run(struct runs *runs, struct holm_delta **delta)
{
    struct holm_fill_sizes sizes = {0};
    struct holm_fill fill;
    uint64_t index = holm_cursor_next(&runs->actors, &runs->broken);
    if (index >= runs->party_count || !size_run(runs, &sizes))
        return HOLM_EMALFORMED;
    struct holm_delta *made = NULL;
    enum holm_status status = holm_delta_new(runs->reading->allocator, &sizes, &made, &fill);
    if (status != HOLM_OK)
        return status;
    if (!fill_run(runs, &runs->parties[index], made, &fill)) {
        holm_delta_release(made);
        return HOLM_EMALFORMED;
    }
    *delta = made;
    return HOLM_OK;
}

/* ---- all ----------------------------------------------------------------------------------- */

static enum holm_status open_table(struct runs *runs)
{
    struct holm_cells_actors table;
    holm_cells_actors_init(&table, holm_cells_bytes(&runs->cells, HOLM_CELLS_NODES),
                           holm_cells_bytes(&runs->cells, HOLM_CELLS_MORE_EPOCHS),
                           holm_cells_bytes(&runs->cells, HOLM_CELLS_EPOCHS));
    table.base = runs->message->sender.epoch.value;
    runs->party_count = 1 + table.count;
    enum holm_status status = holm_wire_take(runs->reading, runs->party_count,
                                             sizeof *runs->parties, &runs->parties);
    if (status != HOLM_OK)
        return status;
    runs->parties[0].actor = runs->message->sender;
    struct holm_cells_party *others = runs->parties + 1;
    if (!holm_cells_read_actors(&table, &others->actor, sizeof *others))
        return HOLM_EMALFORMED;
    for (size_t i = 0; i < runs->party_count; i++)
        runs->parties[i].due = 1;
    return HOLM_OK;
}

static enum holm_status open_paths(struct runs *runs)
{
    struct holm_bytes sizes = holm_cells_bytes(&runs->cells, HOLM_CELLS_PATH_SIZES);
    struct holm_bytes bytes = holm_cells_bytes(&runs->cells, HOLM_CELLS_PATH_BYTES);
    runs->path_count = 1 + holm_varint_count(sizes.data, sizes.size);
    enum holm_status status = holm_wire_take(runs->reading, runs->path_count, sizeof *runs->paths,
                                             &runs->paths);
    if (status != HOLM_OK)
        return status;
    struct holm_cells_rest rest = {bytes.data, bytes.size};
    return holm_cells_read_paths(sizes, rest, runs->paths, runs->path_count) ? HOLM_OK
                                                                             : HOLM_EMALFORMED;
}

/* Fields that one run alone has; a column of a newer version cannot be told apart by runs. */
static bool scan(struct runs *runs, struct holm_bytes bytes)
{
    struct holm_cells *cells = &runs->cells;
    if (!holm_cells_scan(bytes, cells) || cells->unknown.size > 0 ||
        (cells->present & HOLM_CELLS_OF_RUN) != 0 ||
        !holm_cells_scan_vector(holm_cells_bytes(cells, HOLM_CELLS_COLLECTED), &runs->collected))
        return false;
    struct holm_bytes lasts = holm_cells_bytes(cells, HOLM_CELLS_SEEN_LASTS);
    struct holm_bytes sizes = holm_cells_bytes(cells, HOLM_CELLS_KEY_SIZES);
    runs->seen_left = holm_varint_count(lasts.data, lasts.size);
    runs->items_left = holm_varint_count(sizes.data, sizes.size);
    return holm_wire_spend(&runs->reading->left.items_max, runs->items_left) == HOLM_OK &&
           holm_wire_spend(&runs->reading->left.seen_max, runs->seen_left) == HOLM_OK;
}

static struct holm_cells_rest rest_of(const struct holm_cells *cells, enum holm_cells_field field)
{
    struct holm_bytes bytes = holm_cells_bytes(cells, field);
    return (struct holm_cells_rest){bytes.data, bytes.size};
}

static bool open_columns(struct runs *runs)
{
    const struct holm_cells *cells = &runs->cells;
    size_t others = 0;
    runs->broken = false;
    runs->keys = rest_of(cells, HOLM_CELLS_KEYS);
    runs->subs = rest_of(cells, HOLM_CELLS_SUBS);
    runs->values = rest_of(cells, HOLM_CELLS_VALUES);
    return open_whole(cells, HOLM_CELLS_RUN_FIRSTS, &runs->firsts, &runs->count) &&
           runs->count > 0 && open_column(cells, HOLM_CELLS_RUN_SPANS, &runs->spans) &&
           open_column(cells, HOLM_CELLS_RUN_ACTORS, &runs->actors) &&
           open_column(cells, HOLM_CELLS_RUN_ITEMS, &runs->items) &&
           open_column(cells, HOLM_CELLS_RUN_OTHERS, &runs->others) &&
           open_whole(cells, HOLM_CELLS_OTHERS, &runs->other, &others) && open_ahead(runs) &&
           holm_cells_rows_open(&runs->rows, cells, runs->paths, runs->path_count,
                                runs->message->sender.epoch.value);
}

static bool done(struct runs *runs)
{
    return !runs->broken && runs->firsts.at == runs->firsts.end &&
           runs->spans.at == runs->spans.end && runs->actors.at == runs->actors.end &&
           runs->items.at == runs->items.end && runs->others.at == runs->others.end &&
           runs->other.at == runs->other.end && runs->items_left == 0 && runs->seen_left == 0 &&
           runs->keys.size + runs->subs.size + runs->values.size == 0 &&
           holm_cells_rows_done(&runs->rows);
}

enum holm_status holm_cells_read_runs(struct holm_wire_reading *reading, struct holm_bytes bytes,
                                      const struct holm_message *message,
                                      struct holm_delta **deltas, size_t *made)
{
    struct runs runs;
    runs.reading = reading;
    runs.message = message;
    runs.memory_left = HOLM_SHARED_MEMORY * bytes.size;
    runs.ahead.most = bytes.size;
    if (!scan(&runs, bytes))
        return HOLM_EMALFORMED;
    enum holm_status status = open_table(&runs);
    if (status == HOLM_OK)
        status = open_paths(&runs);
    if (status == HOLM_OK && !open_columns(&runs))
        status = HOLM_EMALFORMED;
    for (size_t i = 0; status == HOLM_OK && i < runs.count; i++) {
        status = read_run(&runs, &deltas[*made]);
        *made += status == HOLM_OK;
    }
    if (status == HOLM_OK && !done(&runs))
        status = HOLM_EMALFORMED;
    return status;
}

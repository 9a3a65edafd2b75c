/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs that share columns, taken apart: for each a Cells of its own, made of parts of the columns, goes to
 * the reader of one run.
 */
#include "crdt/order.h"
#include "proto/cells.h"

/* Where in the columns one is. */
struct place {
    size_t run, other, item, stamped, puts, removers, ranges, numbers, doubles, sized, counts;
};

struct split {
    struct holm_wire_reading *reading;
    const Holm__Wire__Cells *all;
    struct holm_cells_party *parties; /* the sender first */
    size_t party_count;
    struct holm_bytes *paths;
    struct place at, end;                 /* of the next run */
    struct holm_bytes keys, subs, values; /* what is left */
    struct holm_bytes key;                /* the last */
    uint64_t hlc;
    uint64_t path_bytes; /* of the run */
    size_t memory_left;
    Holm__Wire__Cells run;
};

/* A part of a column: one that is the same for all stays so. */
static size_t part(size_t entries, size_t from, size_t count, size_t *offset)
{
    *offset = entries > 1 ? from : 0;
    if (entries > 1)
        return count;
    return count > 0 ? entries : 0;
}

#define PART(column, over)                                                                         \
    do {                                                                                           \
        size_t offset = 0;                                                                         \
        run->n_##column = part(all->n_##column, at->over, end->over - at->over, &offset);          \
        run->column = run->n_##column == 0 ? NULL : all->column + offset;                          \
    } while (false)

static struct holm_bytes cut(struct holm_bytes *left, uint64_t size)
{
    HOLM_ASSERT(size <= left->size);
    struct holm_bytes slice = {left->data, (size_t)size};
    if (size > 0)
        left->data = (const unsigned char *)left->data + size;
    left->size -= (size_t)size;
    return slice;
}

static void set_bytes(ProtobufCBinaryData *field, struct holm_bytes bytes)
{
    field->len = bytes.size;
    memcpy(&field->data, &bytes.data, sizeof field->data); /* it is not written to */
}

/* ---- how far the run goes ------------------------------------------------------------------ */

static void pass_put(struct split *split)
{
    const Holm__Wire__Cells *all = split->all;
    struct place *end = &split->end;
    uint32_t type = holm_column_at32(all->types, all->n_types, end->puts);
    if (type == HOLM_I64 || type == HOLM_BOOL)
        end->numbers += 1;
    else if (type == HOLM_DOUBLE)
        end->doubles += 1;
    else if (type != HOLM_NONE)
        end->sized += 1;
    end->puts += 1;
}

static void pass_item(struct split *split)
{
    const Holm__Wire__Cells *all = split->all;
    struct place *end = &split->end;
    unsigned op = holm_column_at32(all->shapes, all->n_shapes, end->item) % 16;
    end->item += 1;
    end->stamped += op != HOLM_ITEM_DROP_SLOT && op != HOLM_ITEM_DROP_PATH;
    end->counts += op == HOLM_ITEM_COUNT;
    if (op == HOLM_ITEM_PUT || op == HOLM_ITEM_DROP_SLOT || op == HOLM_ITEM_DROP_PATH) {
        end->ranges += holm_column_at32(all->seen_counts, all->n_seen_counts, end->removers);
        end->removers += 1;
    }
    if (op == HOLM_ITEM_PUT)
        pass_put(split);
}

static size_t items_of(const Holm__Wire__Cells *all, size_t run)
{
    size_t items = holm_column_at32(all->run_items, all->n_run_items, run);
    return items <= 1 ? 1 - items : items;
}

static size_t others_of(const Holm__Wire__Cells *all, size_t run)
{
    return holm_column_at32(all->run_others, all->n_run_others, run);
}

static void pass_run(struct split *split)
{
    size_t items = items_of(split->all, split->at.run);
    split->end = split->at;
    for (size_t i = 0; i < items; i++)
        pass_item(split);
    split->end.other += others_of(split->all, split->at.run);
    split->end.run += 1;
}

/* ---- its parts ----------------------------------------------------------------------------- */

static enum holm_status set_actors(struct split *split, struct holm_cells_party *own)
{
    const Holm__Wire__Cells *all = split->all;
    Holm__Wire__Cells *run = &split->run;
    struct holm_actor *others = NULL;
    size_t count = split->end.other - split->at.other;
    enum holm_status status = holm_wire_take(split->reading, count, sizeof *others, &others);
    for (size_t i = 0; i < count && status == HOLM_OK; i++) {
        uint32_t index = all->others[split->at.other + i];
        if (index >= split->party_count)
            return HOLM_EMALFORMED;
        others[i] = split->parties[index].actor;
        if (i > 0 && holm_actor_compare(others[i - 1], others[i]) >= 0)
            return HOLM_EMALFORMED;
    }
    struct holm_wire_actors table = {0};
    if (status == HOLM_OK && count > 0)
        status = holm_wire_write_actors(split->reading->arena, others, count, sizeof *others,
                                        &table);
    run->n_nodes = table.n_nodes;
    run->nodes = table.nodes;
    run->n_more_epochs = table.n_more_epochs;
    run->more_epochs = table.more_epochs;
    run->n_epochs = table.n_epochs;
    run->epochs = table.epochs;
    run->node = own->actor.node.value;
    run->epoch = own->actor.epoch.value;
    run->first = own->due + all->run_firsts[split->at.run];
    run->span = holm_column_at64(all->run_spans, all->n_run_spans, split->at.run);
    own->due = run->first + run->span + 1;
    return status;
}

/* The run's keys, of which the first may be one of the run before. */
static enum holm_status set_keys(struct split *split)
{
    const Holm__Wire__Cells *all = split->all;
    Holm__Wire__Cells *run = &split->run;
    struct holm_bytes carried = split->key, slice = split->keys;
    size_t count = split->end.item - split->at.item;
    uint32_t *sizes = NULL;
    unsigned char *bytes = NULL;
    slice.size = 0;
    for (size_t i = split->at.item; i < split->end.item; i++) {
        if (all->key_sizes[i] > 0)
            split->key = cut(&split->keys, all->key_sizes[i]);
        slice.size += all->key_sizes[i];
    }
    run->n_key_sizes = count;
    run->key_sizes = count == 0 ? NULL : all->key_sizes + split->at.item;
    set_bytes(&run->keys, slice);
    if (count == 0 || run->key_sizes[0] > 0 || carried.size == 0)
        return HOLM_OK;
    enum holm_status status = holm_wire_take(split->reading, count, sizeof *sizes, &sizes);
    if (status == HOLM_OK)
        status = holm_wire_take(split->reading, carried.size + slice.size, 1, &bytes);
    if (status != HOLM_OK)
        return status;
    memcpy(sizes, run->key_sizes, count * sizeof *sizes);
    sizes[0] = (uint32_t)carried.size;
    memcpy(bytes, carried.data, carried.size);
    if (slice.size > 0)
        memcpy(bytes + carried.size, slice.data, slice.size);
    run->key_sizes = sizes;
    set_bytes(&run->keys, holm_mem(bytes, carried.size + slice.size));
    return HOLM_OK;
}

static size_t path_at(const Holm__Wire__Cells *all, size_t item)
{
    return holm_column_at32(all->paths, all->n_paths, item);
}

/* How many bytes the paths of the run take, one behind the other. */
static uint64_t measure_paths(const struct split *split)
{
    uint64_t bytes = 0;
    for (size_t i = split->at.item; i < split->end.item; i++) {
        size_t path = path_at(split->all, i);
        if (i == split->at.item || path != path_at(split->all, i - 1))
            bytes += split->paths[path].size;
    }
    return bytes;
}

/* The run's own dictionary: a path for each change from item to item. */
static enum holm_status set_paths(struct split *split)
{
    const Holm__Wire__Cells *all = split->all;
    Holm__Wire__Cells *run = &split->run;
    size_t count = split->end.item - split->at.item, known = 0;
    uint32_t *indices = NULL, *sizes = NULL;
    unsigned char *bytes = NULL;
    size_t used = 0;
    enum holm_status status = holm_wire_take(split->reading, count, sizeof *indices, &indices);
    if (status == HOLM_OK)
        status = holm_wire_take(split->reading, count, sizeof *sizes, &sizes);
    if (status == HOLM_OK)
        status = holm_wire_take(split->reading, (size_t)split->path_bytes, 1, &bytes);
    if (status != HOLM_OK)
        return status;
    for (size_t i = 0; i < count; i++) {
        size_t path = path_at(all, split->at.item + i);
        if (i == 0 || path != path_at(all, split->at.item + i - 1)) {
            struct holm_bytes name = split->paths[path];
            sizes[known++] = (uint32_t)name.size;
            if (name.size > 0)
                memcpy(bytes + used, name.data, name.size);
            used += name.size;
        }
        indices[i] = (uint32_t)(known - 1);
    }
    run->n_paths = count;
    run->paths = indices;
    run->n_path_sizes = known > 0 ? known - 1 : 0;
    run->path_sizes = sizes;
    set_bytes(&run->path_bytes, holm_mem(bytes, used));
    return HOLM_OK;
}

static void set_stamps(struct split *split)
{
    const Holm__Wire__Cells *all = split->all;
    Holm__Wire__Cells *run = &split->run;
    size_t puts = split->end.puts - split->at.puts, offset = 0;
    for (size_t i = split->at.puts; i < split->end.puts; i++) {
        int64_t step = i == 0 ? all->hlc : holm_column_at_signed(all->hlcs, all->n_hlcs, i - 1);
        split->hlc += (uint64_t)step;
        if (i == split->at.puts)
            run->hlc = (int64_t)(split->hlc - run->epoch);
    }
    run->n_hlcs = puts == 0 ? 0 : part(all->n_hlcs, split->at.puts, puts - 1, &offset);
    run->hlcs = run->n_hlcs == 0 ? NULL : all->hlcs + offset;
}

static void set_columns(struct split *split)
{
    const Holm__Wire__Cells *all = split->all;
    Holm__Wire__Cells *run = &split->run;
    const struct place *at = &split->at, *end = &split->end;
    PART(shapes, item);
    PART(actors, item);
    PART(sub_sizes, item);
    PART(seqs, stamped);
    PART(types, puts);
    PART(numbers, numbers);
    PART(doubles, doubles);
    PART(value_sizes, sized);
    PART(seen_counts, removers);
    PART(seen_spans, ranges);
    PART(seen_actors, ranges);
    PART(chains, counts);
    PART(sums, counts);
    PART(cancelled, counts);
    PART(cancelled_sums, counts);
    run->n_seen_lasts = end->ranges - at->ranges;
    run->seen_lasts = run->n_seen_lasts == 0 ? NULL : all->seen_lasts + at->ranges;
    uint64_t subs = holm_column_sum(run->sub_sizes, run->n_sub_sizes, end->item - at->item);
    uint64_t values = holm_column_sum(run->value_sizes, run->n_value_sizes, end->sized - at->sized);
    set_bytes(&run->subs, cut(&split->subs, subs));
    set_bytes(&run->values, cut(&split->values, values));
}

/* Takes what the run will take off what is allowed, before any of it is taken. */
static enum holm_status afford(struct split *split)
{
    const Holm__Wire__Cells *all = split->all;
    const Holm__Wire__Cells *run = &split->run;
    size_t entries = all->collected == NULL ? 0 : all->collected->n_epochs;
    split->path_bytes = measure_paths(split);
    bool carried = run->n_key_sizes > 0 && all->key_sizes[split->at.item] == 0;
    struct holm_fill_sizes sizes = {.actors = 1 + split->end.other - split->at.other,
                                    .items = run->n_key_sizes,
                                    .seen = run->n_seen_lasts,
                                    .collected = entries,
                                    .bytes = run->subs.len + run->values.len +
                                             (size_t)split->path_bytes};
    for (size_t i = split->at.item; i < split->end.item; i++)
        sizes.bytes += all->key_sizes[i];
    sizes.bytes += carried ? split->key.size : 0;
    return holm_wire_spend(&split->memory_left, holm_shared_bytes(&sizes)) == HOLM_OK
               ? HOLM_OK
               : HOLM_EMALFORMED;
}

static enum holm_status read_next(struct split *split, const struct holm_message *message,
                                  struct holm_delta **delta)
{
    const Holm__Wire__Cells *all = split->all;
    uint32_t index = holm_column_at32(all->run_actors, all->n_run_actors, split->at.run);
    holm__wire__cells__init(&split->run);
    pass_run(split);
    if (index >= split->party_count)
        return HOLM_EMALFORMED;
    set_columns(split);
    split->run.n_key_sizes = split->end.item - split->at.item;
    split->run.collected = all->collected;
    enum holm_status status = afford(split);
    if (status == HOLM_OK)
        status = set_actors(split, &split->parties[index]);
    if (status == HOLM_OK)
        status = set_keys(split);
    if (status == HOLM_OK)
        status = set_paths(split);
    if (status != HOLM_OK)
        return status;
    set_stamps(split);
    split->at = split->end;
    return holm_wire_read_run(split->reading, &split->run, message, split->parties[index].actor,
                              delta);
}

/* ---- all ----------------------------------------------------------------------------------- */

static enum holm_status check_runs(const Holm__Wire__Cells *all)
{
    size_t count = all->n_run_firsts;
    uint64_t items = 0, others = 0;
    if (!holm_column_fits(all->n_run_spans, count) || !holm_column_fits(all->n_run_actors, count) ||
        !holm_column_fits(all->n_run_items, count) || !holm_column_fits(all->n_run_others, count) ||
        (all->first | all->span | all->node | all->epoch) != 0)
        return HOLM_EMALFORMED;
    for (size_t i = 0; i < count; i++) {
        items += items_of(all, i);
        others += others_of(all, i);
    }
    return items == all->n_key_sizes && others == all->n_others ? HOLM_OK : HOLM_EMALFORMED;
}

/* First epochs are told by the sender's; now they are as in any other table. */
static void rebase(Holm__Wire__Cells *all, uint64_t base)
{
    size_t at = 0;
    for (size_t i = 0; i < all->n_nodes && at < all->n_epochs; i++) {
        all->epochs[at] = base + (uint64_t)holm_zigzag_signed(all->epochs[at]);
        at += 1 + (size_t)holm_column_at32(all->more_epochs, all->n_more_epochs, i);
    }
}

static enum holm_status check(struct holm_wire_reading *reading, Holm__Wire__Cells *all,
                              uint64_t base)
{
    struct holm_fill_sizes sizes = {0};
    struct holm_codec_limits left = reading->left;
    if (all->base.n_unknown_fields > 0)
        return HOLM_EVERSION;
    if (!holm_column_fits(all->n_more_epochs, all->n_nodes))
        return HOLM_EMALFORMED;
    rebase(all, base);
    struct holm_wire_actors table = holm_wire_table(all);
    enum holm_status status = holm_wire_check_actors(&table);
    if (status == HOLM_OK)
        status = holm_wire_check_items(reading, all, &sizes);
    if (status == HOLM_OK)
        status = check_runs(all);
    reading->left = left; /* each run spends its own */
    return status;
}

static enum holm_status open_table(struct split *split, struct holm_actor sender)
{
    struct holm_wire_actors table = holm_wire_table(split->all);
    split->party_count = 1 + table.n_epochs;
    enum holm_status status = holm_wire_take(split->reading, split->party_count,
                                             sizeof *split->parties, &split->parties);
    if (status != HOLM_OK)
        return status;
    struct holm_cells_party *others = split->parties + 1;
    split->parties[0].actor = sender;
    holm_wire_read_actors(&table, &others->actor, sizeof *others);
    for (size_t i = 0; i < split->party_count; i++)
        split->parties[i].due = 1;
    return HOLM_OK;
}

static enum holm_status open_paths(struct split *split)
{
    const Holm__Wire__Cells *all = split->all;
    struct holm_bytes left = holm_wire_slice(all->path_bytes);
    enum holm_status status = holm_wire_take(split->reading, all->n_path_sizes + 1,
                                             sizeof *split->paths, &split->paths);
    if (status != HOLM_OK)
        return status;
    for (size_t i = 0; i < all->n_path_sizes; i++)
        split->paths[i] = cut(&left, all->path_sizes[i]);
    split->paths[all->n_path_sizes] = left;
    return HOLM_OK;
}

enum holm_status holm_wire_read_runs(struct holm_wire_reading *reading, Holm__Wire__Cells *all,
                                     size_t bytes, const struct holm_message *message,
                                     struct holm_delta **deltas, size_t *made)
{
    struct split split = {.reading = reading,
                          .all = all,
                          .keys = holm_wire_slice(all->keys),
                          .subs = holm_wire_slice(all->subs),
                          .values = holm_wire_slice(all->values),
                          .hlc = message->sender.epoch.value,
                          .memory_left = HOLM_SHARED_MEMORY * bytes};
    enum holm_status status = check(reading, all, message->sender.epoch.value);
    if (status == HOLM_OK)
        status = open_table(&split, message->sender);
    if (status == HOLM_OK)
        status = open_paths(&split);
    for (size_t i = 0; status == HOLM_OK && i < all->n_run_firsts; i++) {
        struct holm_arena_mark mark = holm_arena_mark(reading->arena);
        status = read_next(&split, message, &deltas[*made]);
        *made += status == HOLM_OK;
        holm_arena_rewind(reading->arena, mark);
    }
    return status;
}

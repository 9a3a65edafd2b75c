/* SPDX-License-Identifier: Apache-2.0 */
#include "node/view.h"

#include <stdlib.h>

#include "crdt/count.h"
#include "crdt/order.h"
#include "crdt/path.h"

/*
 * The same walk is done twice: with `view` NULL it only measures. Cells of one slot are neighbours,
 * and so are slots of one path.
 */
struct walk {
    const struct holm_replica *replica;
    struct holm_bytes key;
    struct holm_view_choice choice;
    size_t shown; /* entries up to now */
    size_t names;
    size_t bytes;
    bool begun;                     /* `previous` is set */
    struct holm_cell_view previous; /* the cell shown before */
    struct holm_wide sum;           /* of the counter that `previous` belongs to */
    struct holm_view *view;
    struct holm_bytes *free_names; /* where the next names go */
    unsigned char *free;           /* where the next bytes go */
};

static bool is_shown(const struct walk *walk, const struct holm_cell_view *cell)
{
    if (cell->kind < HOLM_REGISTER || cell->kind > HOLM_MIN)
        return false;
    return walk->choice.kind == 0 || cell->kind == walk->choice.kind;
}

static bool is_same_path(const struct walk *walk, const struct holm_cell_view *cell)
{
    return walk->begun && holm_bytes_equal(walk->previous.path, cell->path);
}

static bool is_same_entry(const struct walk *walk, const struct holm_cell_view *cell)
{
    return is_same_path(walk, cell) && walk->previous.kind == cell->kind &&
           cell->kind != HOLM_REGISTER && holm_bytes_equal(walk->previous.sub, cell->sub);
}

static size_t value_bytes(const struct holm_value *value)
{
    return holm_type_has_bytes(value->type) ? value->as.bytes.size : 0;
}

static void measure(struct walk *walk, const struct holm_cell_view *cell)
{
    if (is_same_entry(walk, cell))
        return;
    if (!is_same_path(walk, cell)) {
        size_t names = holm_path_count(cell->path);

        walk->names += names;
        walk->bytes += cell->path.size - names;
    }
    walk->bytes += cell->sub.size + value_bytes(&cell->value);
}

static struct holm_bytes put_bytes(struct walk *walk, struct holm_bytes source)
{
    struct holm_bytes copy = holm_mem(walk->free, source.size);

    if (source.size > 0)
        memcpy(walk->free, source.data, source.size);
    walk->free += source.size;
    return copy;
}

static struct holm_path put_path(struct walk *walk, struct holm_bytes packed)
{
    struct holm_path path = {walk->free_names, 0};

    for (; packed.size > 0; path.count++)
        *walk->free_names++ = put_bytes(walk, holm_path_take(&packed));
    return path;
}

static void put_entry(struct walk *walk, const struct holm_cell_view *cell)
{
    struct holm_entry *entry = &walk->view->entries[walk->view->count];

    memset(entry, 0, sizeof *entry);
    entry->path = is_same_path(walk, cell) ? entry[-1].path : put_path(walk, cell->path);
    if (entry->path.count > 0)
        entry->field = entry->path.names[entry->path.count - 1];
    entry->kind = (enum holm_kind)cell->kind;
    entry->element = put_bytes(walk, cell->sub);
    entry->value = cell->value;
    if (holm_type_has_bytes(cell->value.type))
        entry->value.as.bytes = put_bytes(walk, cell->value.as.bytes);
    if (cell->kind == HOLM_FLAG)
        entry->value = holm_bool(true);
    if (cell->kind != HOLM_COUNTER) {
        entry->dot = cell->dot;
        entry->hlc = cell->hlc;
    }
    walk->view->count++;
}

static void add_share(struct walk *walk, const struct holm_cell_view *cell, bool first)
{
    if (first)
        memset(&walk->sum, 0, sizeof walk->sum);
    holm_wide_add(&walk->sum, cell->count);
    walk->view->entries[walk->view->count - 1].value = holm_i64(holm_wide_saturated(&walk->sum));
}

static bool visit(void *context, const struct holm_cell_view *cell)
{
    struct walk *walk = context;

    /* What is the path's own comes first. */
    if (walk->choice.own && holm_path_count(cell->path) > walk->choice.path.count)
        return false;
    if (!is_shown(walk, cell))
        return true;

    bool first = !is_same_entry(walk, cell);

    if (walk->view == NULL)
        measure(walk, cell);
    else if (first)
        put_entry(walk, cell);
    if (walk->view != NULL && cell->kind == HOLM_COUNTER)
        add_share(walk, cell, first);
    walk->previous = *cell;
    walk->begun = true;
    walk->shown += first;
    return walk->choice.limit == 0 || walk->shown < walk->choice.limit;
}

static void run(struct walk *walk)
{
    struct holm_element_range range = {walk->key, walk->choice.path, walk->choice.after};

    if (walk->choice.limit > 0)
        holm_replica_visit_elements(walk->replica, &range, visit, walk);
    else
        holm_replica_visit_below(walk->replica, walk->key, walk->choice.path, visit, walk);
}

static int compare_paths(struct holm_path a, struct holm_path b)
{
    size_t common = a.count < b.count ? a.count : b.count;
    int order = 0;

    for (size_t i = 0; order == 0 && i < common; i++)
        order = holm_bytes_compare(a.names[i], b.names[i]);
    return order != 0 ? order : (a.count > b.count) - (a.count < b.count);
}

/* Packed names begin with their length, so the replica's order of paths is not that of their bytes.
 * The last lines put siblings in the order in which the last writer wins. */
static int compare_entries(const void *left, const void *right)
{
    const struct holm_entry *a = left;
    const struct holm_entry *b = right;
    int order = compare_paths(a->path, b->path);

    if (order == 0)
        order = (a->kind > b->kind) - (a->kind < b->kind);
    if (order == 0)
        order = holm_bytes_compare(a->element, b->element);
    if (order == 0)
        order = (a->hlc < b->hlc) - (a->hlc > b->hlc);
    if (order == 0)
        order = holm_actor_compare(b->dot.actor, a->dot.actor);
    if (order == 0)
        order = (a->dot.seq < b->dot.seq) - (a->dot.seq > b->dot.seq);
    return order;
}

enum holm_status holm_view_copy(const struct holm_replica *replica, struct holm_bytes key,
                                struct holm_view_choice choice, struct holm_view **view)
{
    struct walk measured = {.replica = replica, .key = key, .choice = choice};
    struct walk filled = measured;

    *view = NULL;
    run(&measured);
    if (measured.shown == 0)
        return HOLM_ENOENT;

    size_t names_at = sizeof(struct holm_view) + measured.shown * sizeof(struct holm_entry);
    size_t bytes_at = names_at + measured.names * sizeof(struct holm_bytes);
    unsigned char *memory = malloc(bytes_at + key.size + measured.bytes);

    if (memory == NULL)
        return HOLM_ENOMEM;
    filled.view = (void *)memory;
    filled.free_names = (void *)(memory + names_at);
    filled.free = memory + bytes_at;
    filled.view->count = 0;
    filled.view->key = put_bytes(&filled, key);
    run(&filled);
    HOLM_ASSERT(filled.view->count == measured.shown);
    HOLM_ASSERT((unsigned char *)filled.free_names == memory + bytes_at);
    HOLM_ASSERT(filled.free == memory + bytes_at + key.size + measured.bytes);
    holm_sort(filled.view->entries, filled.view->count, sizeof filled.view->entries[0],
              compare_entries);
    *view = filled.view;
    return HOLM_OK;
}

struct holm_bytes holm_view_key(const struct holm_view *view)
{
    return view == NULL ? holm_mem(NULL, 0) : view->key;
}

size_t holm_view_count(const struct holm_view *view)
{
    return view == NULL ? 0 : view->count;
}

const struct holm_entry *holm_view_entry(const struct holm_view *view, size_t index)
{
    return index < holm_view_count(view) ? &view->entries[index] : NULL;
}

void holm_view_free(struct holm_view *view)
{
    free(view);
}

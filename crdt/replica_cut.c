/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A cut: the whole state as pages, copied at one moment with the vector of that moment; or copied later of
 * what was frozen then.
 */
#include "crdt/order.h"
#include "crdt/replica_parts.h"

struct holm_cut {
    struct holm_allocator allocator;
    struct holm_page **pages;
    size_t page_count, page_capacity;
    struct holm_dot *vector;
    size_t vector_count;
    struct holm_digest digest;
    struct holm_vector collected;
};

/* Where a walk over the state stands, and the page that is being gathered. */
struct freeze {
    struct holm_replica *replica;
    struct holm_cut *cut;
    uint64_t *known;         /* by index: what the reader has */
    uint32_t *numbers;       /* by index: the number in the page's table */
    struct holm_item *items; /* of the coming page; bytes in the state, actors by index */
    size_t item_count, item_capacity;
    size_t bytes;
    uint64_t first, last; /* hashes, of what is frozen */
    enum holm_status status;
};

static enum holm_status add_page(struct holm_cut *cut, struct holm_page *page)
{
    void *pages = cut->pages;
    enum holm_status status = holm_array_reserve(&cut->allocator, &pages, &cut->page_capacity,
                                                 sizeof *cut->pages, cut->page_count + 1);
    cut->pages = pages;
    if (status == HOLM_OK)
        cut->pages[cut->page_count++] = page;
    return status;
}

static struct holm_fill_sizes measure(const struct freeze *freeze)
{
    struct holm_fill_sizes sizes = {.items = freeze->item_count};
    size_t actor_count = freeze->replica->actors.count;
    memset(freeze->numbers, 0, actor_count * sizeof *freeze->numbers);
    for (size_t i = 0; i < freeze->item_count; i++) {
        const struct holm_item *item = &freeze->items[i];
        sizes.bytes += item->key.size + item->path.size + item->sub.size;
        sizes.bytes += holm_type_has_bytes(item->value.type) ? item->value.as.bytes.size : 0;
        freeze->numbers[item->actor] = 1;
    }
    for (size_t i = 0; i < actor_count; i++)
        sizes.actors += freeze->numbers[i];
    return sizes;
}

static void fill_page(const struct freeze *freeze, struct holm_fill *fill)
{
    const struct holm_actors *actors = &freeze->replica->actors;
    uint32_t number = 0;
    for (size_t i = 0; i < actors->known; i++) {
        uint32_t index = actors->sorted[i];
        if (freeze->numbers[index] == 0)
            continue;
        fill->actors[number] = actors->rows[index].actor;
        freeze->numbers[index] = number++;
    }
    for (size_t i = 0; i < freeze->item_count; i++) {
        struct holm_item *item = &fill->items[i];
        *item = freeze->items[i];
        item->actor = freeze->numbers[item->actor];
        item->key = holm_fill_bytes(fill, item->key);
        item->path = holm_fill_bytes(fill, item->path);
        item->sub = holm_fill_bytes(fill, item->sub);
        if (holm_type_has_bytes(item->value.type))
            item->value.as.bytes = holm_fill_bytes(fill, item->value.as.bytes);
    }
}

static enum holm_status finish_page(struct freeze *freeze)
{
    if (freeze->item_count == 0)
        return HOLM_OK;
    struct holm_fill_sizes sizes = measure(freeze);
    struct holm_page *page;
    struct holm_fill fill;
    enum holm_status status = holm_page_new(&freeze->replica->config.allocator, &sizes, &page,
                                            &fill);
    if (status != HOLM_OK)
        return status;
    fill_page(freeze, &fill);
    freeze->item_count = 0;
    freeze->bytes = 0;
    status = add_page(freeze->cut, page);
    if (status != HOLM_OK)
        holm_page_release(page);
    return status;
}

static enum holm_status add_item(struct freeze *freeze, const struct holm_item *item)
{
    const struct holm_replica_config *config = &freeze->replica->config;
    size_t bytes = holm_item_bytes_max(item) + 24;
    if (freeze->item_count >= config->page_items_max ||
        freeze->bytes + bytes > config->frame_bytes_max / 2) {
        if (finish_page(freeze) != HOLM_OK)
            return HOLM_ENOMEM;
    }
    void *items = freeze->items;
    enum holm_status status = holm_array_reserve(&config->allocator, &items, &freeze->item_capacity,
                                                 sizeof *freeze->items, freeze->item_count + 1);
    freeze->items = items;
    if (status != HOLM_OK)
        return status;
    freeze->items[freeze->item_count++] = *item;
    freeze->bytes += bytes;
    return HOLM_OK;
}

static enum holm_status add_known(struct freeze *freeze, struct holm_item *item)
{
    if (item->op == HOLM_ITEM_PUT && item->seq <= freeze->known[item->actor]) {
        item->op = HOLM_ITEM_KNOWN;
        item->hlc = 0;
        memset(&item->value, 0, sizeof item->value);
    }
    return add_item(freeze, item);
}

static enum holm_status add_all(struct freeze *freeze)
{
    const struct holm_state *state = &freeze->replica->state;
    struct holm_spot spot;
    struct holm_cell cell;
    struct holm_item item;
    struct holm_walk walk = holm_state_walk(state, 0, UINT64_MAX);
    while (holm_walk_next(state, &walk, &spot)) {
        for (; holm_spot_cell(state, &spot, &cell); holm_spot_next(state, &spot)) {
            holm_cell_item(state, holm_spot_key(state, &spot), &cell, &item);
            item.actor = cell.actor;
            if (add_known(freeze, &item) != HOLM_OK)
                return HOLM_ENOMEM;
        }
    }
    return finish_page(freeze);
}

static bool add_frozen_entry(void *context, const struct holm_reconcile_entry *entry)
{
    struct freeze *freeze = context;
    struct holm_item item = entry->item;
    item.actor = holm_actors_find(&freeze->replica->actors, entry->actor);
    freeze->status = add_known(freeze, &item);
    return freeze->status == HOLM_OK;
}

static enum holm_status add_frozen(struct freeze *freeze, const struct holm_frozen *frozen)
{
    freeze->status = HOLM_OK;
    frozen->source.visit(frozen->source.context, freeze->first, freeze->last, add_frozen_entry,
                         freeze);
    return freeze->status == HOLM_OK ? finish_page(freeze) : freeze->status;
}

static enum holm_status copy_vector(struct holm_replica *replica, struct holm_cut *cut)
{
    cut->vector_count = replica->actors.entries;
    if (cut->vector_count == 0)
        return HOLM_OK;
    cut->vector = holm_allocate(&cut->allocator, cut->vector_count * sizeof *cut->vector);
    if (cut->vector == NULL)
        return HOLM_ENOMEM;
    (void)holm_actors_copy(&replica->actors, false, HOLM_ACTOR_NONE, cut->vector,
                           cut->vector_count);
    return HOLM_OK;
}

static enum holm_status prepare(struct freeze *freeze, struct holm_vector_view known)
{
    struct holm_replica *replica = freeze->replica;
    size_t count = replica->actors.count;
    freeze->known = holm_arena_take(&replica->scratch, count * sizeof *freeze->known);
    freeze->numbers = holm_arena_take(&replica->scratch, count * sizeof *freeze->numbers);
    if (freeze->known == NULL || freeze->numbers == NULL)
        return HOLM_ENOMEM;
    for (size_t i = 0; i < count; i++)
        freeze->known[i] = holm_vector_view_seq(known, replica->actors.rows[i].actor);
    return HOLM_OK;
}

static enum holm_status gather(struct freeze *freeze, const struct holm_frozen *frozen,
                               struct holm_vector_view known)
{
    struct holm_replica *replica = freeze->replica;
    enum holm_status status = prepare(freeze, known);
    if (status == HOLM_OK && frozen != NULL)
        return add_frozen(freeze, frozen);
    if (status == HOLM_OK)
        status = copy_vector(replica, freeze->cut);
    if (status == HOLM_OK)
        status = holm_vector_assign(&freeze->cut->collected, holm_vector_view(&replica->collected));
    return status == HOLM_OK ? add_all(freeze) : status;
}

static enum holm_status copy(struct freeze *freeze, const struct holm_frozen *frozen,
                             struct holm_vector_view known, struct holm_cut **result)
{
    const struct holm_replica *replica = freeze->replica;
    const struct holm_allocator *allocator = &replica->config.allocator;
    *result = NULL;
    struct holm_cut *cut = holm_allocate(allocator, sizeof *cut);
    if (cut == NULL)
        return HOLM_ENOMEM;
    *cut = (struct holm_cut){.allocator = *allocator, .digest = replica->state.digest};
    freeze->cut = cut;
    holm_vector_init(&cut->collected, allocator);
    enum holm_status status = gather(freeze, frozen, known);
    holm_array_free(allocator, freeze->items, freeze->item_capacity, sizeof *freeze->items);
    if (status != HOLM_OK) {
        holm_cut_close(cut);
        return status;
    }
    *result = cut;
    return HOLM_OK;
}

enum holm_status holm_cut_copy(struct holm_replica *replica, const struct holm_frozen *frozen,
                               struct holm_vector_view known, struct holm_cut **cut)
{
    struct freeze freeze = {.replica = replica, .first = 0, .last = UINT64_MAX};
    HOLM_ASSERT(frozen != NULL || !holm_replica_pending(replica));
    return copy(&freeze, frozen, known, cut);
}

enum holm_status holm_cut_copy_range(struct holm_replica *replica, const struct holm_frozen *frozen,
                                     uint64_t first, uint64_t last, struct holm_cut **cut)
{
    struct freeze freeze = {.replica = replica, .first = first, .last = last};
    return copy(&freeze, frozen, (struct holm_vector_view){NULL, 0}, cut);
}

void holm_cut_close(struct holm_cut *cut)
{
    if (cut == NULL)
        return;
    struct holm_allocator allocator = cut->allocator;
    for (size_t i = 0; i < cut->page_count; i++)
        holm_page_release(cut->pages[i]);
    holm_array_free(&allocator, cut->pages, cut->page_capacity, sizeof *cut->pages);
    if (cut->vector != NULL)
        holm_deallocate(&allocator, cut->vector, cut->vector_count * sizeof *cut->vector);
    holm_vector_release(&cut->collected);
    holm_deallocate(&allocator, cut, sizeof *cut);
}

struct holm_vector_view holm_cut_vector(const struct holm_cut *cut)
{
    return (struct holm_vector_view){cut->vector, cut->vector == NULL ? 0 : cut->vector_count};
}

struct holm_vector_view holm_cut_collected(const struct holm_cut *cut)
{
    return holm_vector_view(&cut->collected);
}

struct holm_digest holm_cut_digest(const struct holm_cut *cut)
{
    return cut->digest;
}

size_t holm_cut_page_count(const struct holm_cut *cut)
{
    return cut->page_count;
}

struct holm_page *holm_cut_page_at(struct holm_cut *cut, size_t index)
{
    HOLM_ASSERT(index < cut->page_count);
    return cut->pages[index];
}

const struct holm_page *holm_cut_page(const struct holm_cut *cut, size_t index)
{
    HOLM_ASSERT(index < cut->page_count);
    return cut->pages[index];
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "crdt/order.h"
#include "crdt/reconcile_parts.h"

/* The first row that is not before the actor. */
static uint32_t table_place(const struct holm_actor_table *table, struct holm_actor actor)
{
    uint32_t low = 0, high = table->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (holm_actor_compare(table->rows[middle], actor) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool table_has(const struct holm_actor_table *table, struct holm_actor actor)
{
    uint32_t place = table_place(table, actor);
    return place < table->count && holm_actor_equal(table->rows[place], actor);
}

enum holm_status holm_actor_table_add(struct holm_actor_table *table, struct holm_arena *arena,
                                      struct holm_actor actor, bool *added)
{
    uint32_t place = table_place(table, actor);
    *added = place == table->count || !holm_actor_equal(table->rows[place], actor);
    if (!*added)
        return HOLM_OK;
    if (table->count == table->capacity) {
        uint32_t capacity = table->capacity < 8 ? 8 : table->capacity * 2;
        struct holm_actor *rows = holm_arena_take(arena, capacity * sizeof *rows);
        if (rows == NULL)
            return HOLM_ENOMEM;
        if (table->count > 0)
            memcpy(rows, table->rows, table->count * sizeof *rows);
        table->rows = rows;
        table->capacity = capacity;
    }
    memmove(&table->rows[place + 1], &table->rows[place],
            (table->count - place) * sizeof *table->rows);
    table->rows[place] = actor;
    table->count += 1;
    return HOLM_OK;
}

uint32_t holm_actor_table_find(const struct holm_actor_table *table, struct holm_actor actor)
{
    uint32_t place = table_place(table, actor);
    HOLM_ASSERT(place < table->count && holm_actor_equal(table->rows[place], actor));
    return place;
}

size_t holm_parcel_cost(const struct holm_parcel *parcel, const struct holm_reconcile_entry *entry)
{
    size_t actor = table_has(&parcel->actors, entry->actor) ? 0 : HOLM_RECONCILE_ACTOR_BYTES;
    return holm_item_bytes_max(&entry->item) + actor;
}

enum holm_status holm_parcel_add(struct holm_parcel *parcel, struct holm_arena *arena,
                                 const struct holm_reconcile_entry *entry, enum holm_item_op op)
{
    size_t cost = holm_parcel_cost(parcel, entry);
    struct holm_parcel_item *made = holm_arena_take(arena, sizeof *made);
    if (made == NULL)
        return HOLM_ENOMEM;
    bool added;
    enum holm_status status = holm_actor_table_add(&parcel->actors, arena, entry->actor, &added);
    if (status != HOLM_OK)
        return status;
    made->next = NULL;
    made->actor = entry->actor;
    made->item = entry->item;
    made->item.op = (uint8_t)op;
    if (parcel->link == NULL)
        parcel->link = &parcel->first;
    *parcel->link = made;
    parcel->link = &made->next;
    parcel->count += 1;
    parcel->bytes += cost;
    return HOLM_OK;
}

static bool has_value_bytes(const struct holm_item *item)
{
    return item->op == HOLM_ITEM_PUT && holm_type_has_bytes(item->value.type);
}

static void fill_item(struct holm_item *item, const struct holm_parcel *parcel,
                      const struct holm_parcel_item *source, struct holm_fill *fill)
{
    *item = source->item;
    item->actor = holm_actor_table_find(&parcel->actors, source->actor);
    item->seen_first = 0;
    item->seen_count = 0;
    item->key = holm_fill_bytes(fill, source->item.key);
    item->path = holm_fill_bytes(fill, source->item.path);
    item->sub = holm_fill_bytes(fill, source->item.sub);
    if (has_value_bytes(item))
        item->value.as.bytes = holm_fill_bytes(fill, source->item.value.as.bytes);
    else if (item->op != HOLM_ITEM_PUT)
        memset(&item->value, 0, sizeof item->value);
    if (item->op != HOLM_ITEM_PUT)
        item->hlc = 0;
}

enum holm_status holm_parcel_page(const struct holm_parcel *parcel,
                                  const struct holm_allocator *allocator, struct holm_page **page)
{
    *page = NULL;
    if (parcel->count == 0)
        return HOLM_OK;
    struct holm_fill_sizes sizes = {.items = parcel->count, .actors = parcel->actors.count};
    const struct holm_parcel_item *at = parcel->first;
    for (; at != NULL; at = at->next) {
        sizes.bytes += at->item.key.size + at->item.path.size + at->item.sub.size;
        if (has_value_bytes(&at->item))
            sizes.bytes += at->item.value.as.bytes.size;
    }
    struct holm_fill fill;
    enum holm_status status = holm_page_new(allocator, &sizes, page, &fill);
    if (status != HOLM_OK)
        return status;
    memcpy(fill.actors, parcel->actors.rows, parcel->actors.count * sizeof *fill.actors);
    struct holm_item *item = fill.items;
    for (at = parcel->first; at != NULL; at = at->next)
        fill_item(item++, parcel, at, &fill);
    return HOLM_OK;
}

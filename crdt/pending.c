/* SPDX-License-Identifier: Apache-2.0 */
#include "crdt/pending.h"

#include "crdt/order.h"

void holm_pending_init(struct holm_pending *pending, const struct holm_allocator *allocator)
{
    memset(pending, 0, sizeof *pending);
    pending->allocator = *allocator;
    pending->seen_rising = true;
    holm_arena_init(&pending->arena, allocator);
    holm_arena_init(&pending->resting, allocator);
}

void holm_pending_release(struct holm_pending *pending)
{
    holm_arena_release(&pending->arena);
    holm_arena_release(&pending->resting);
    holm_array_free(&pending->allocator, pending->items, pending->item_capacity,
                    sizeof *pending->items);
    holm_array_free(&pending->allocator, pending->seen, pending->seen_capacity,
                    sizeof *pending->seen);
    holm_array_free(&pending->allocator, pending->places, pending->place_capacity,
                    sizeof *pending->places);
    holm_array_free(&pending->allocator, pending->saved, pending->saved_capacity,
                    sizeof *pending->saved);
    holm_array_free(&pending->allocator, pending->bound, pending->bound_capacity,
                    sizeof *pending->bound);
    memset(pending, 0, sizeof *pending);
}

void holm_pending_begin(struct holm_pending *pending)
{
    HOLM_ASSERT(pending->saved_count == 0);
    pending->start.item_count = pending->item_count;
    pending->start.seen_count = pending->seen_count;
    pending->start.bytes = pending->bytes;
    pending->start.last = pending->last;
    pending->start.mark = holm_arena_mark(&pending->arena);
}

void holm_pending_commit(struct holm_pending *pending)
{
    pending->saved_count = 0;
}

void holm_pending_rollback(struct holm_pending *pending)
{
    while (pending->saved_count > 0) {
        pending->saved_count -= 1;
        const struct holm_pending_saved *saved = &pending->saved[pending->saved_count];
        pending->items[saved->index] = saved->item;
    }
    pending->item_count = pending->start.item_count;
    if (pending->bound_items > pending->item_count)
        pending->bound_items = pending->item_count;
    pending->seen_count = pending->start.seen_count;
    pending->bytes = pending->start.bytes;
    pending->last = pending->start.last;
    holm_arena_rewind(&pending->arena, pending->start.mark);
}

static struct holm_bytes value_of(const struct holm_item *item)
{
    bool has = item->op == HOLM_ITEM_PUT && holm_type_has_bytes(item->value.type);
    return has ? item->value.as.bytes : holm_mem(NULL, 0);
}

static inline const void *append(unsigned char **at, struct holm_bytes source)
{
    const void *copy = *at;
    if (source.size > 0)
        memcpy(*at, source.data, source.size);
    *at += source.size;
    return copy;
}

/* How many elements there is to be room for, beside so many: what begins anew will likely be as large
 * as what was given away. */
static size_t wanted(const struct holm_pending *pending, size_t count)
{
    return count == 0 && pending->usual > 0 ? pending->usual : count + 1;
}

static enum holm_status grow_items(struct holm_pending *pending)
{
    void *items = pending->items;
    enum holm_status status = holm_array_reserve(&pending->allocator, &items,
                                                 &pending->item_capacity, sizeof *pending->items,
                                                 wanted(pending, pending->item_count));
    pending->items = items;
    HOLM_ASSERT(pending->item_count < UINT32_MAX);
    return status;
}

/* Room for an item, at the end, and for its bytes. */
static unsigned char *reserve_item(struct holm_pending *pending, size_t size)
{
    if (pending->item_count == pending->item_capacity && grow_items(pending) != HOLM_OK)
        return NULL;
    return holm_arena_take_bytes(&pending->arena, size);
}

enum holm_status holm_pending_add(struct holm_pending *pending, const struct holm_item *item,
                                  uint32_t *index)
{
    struct holm_bytes value = value_of(item);
    size_t size = item->key.size + item->path.size + item->sub.size + value.size;
    unsigned char *at = reserve_item(pending, size);
    if (at == NULL)
        return HOLM_ENOMEM;
    struct holm_item *made = &pending->items[pending->item_count];
    *made = *item;
    made->seen_count = 0;
    made->key.data = append(&at, item->key);
    made->path.data = append(&at, item->path);
    made->sub.data = append(&at, item->sub);
    if (value.size > 0)
        made->value.as.bytes.data = append(&at, value);
    *index = (uint32_t)pending->item_count;
    pending->recent = pending->item_count;
    pending->item_count += 1;
    pending->bytes += size + HOLM_ITEM_BYTES_FIXED +
                      (item->op == HOLM_ITEM_COUNT ? HOLM_ITEM_BYTES_COUNT : 0);
    return HOLM_OK;
}

/* The own seq that an item goes by, or 0: a mark on another's counter entry has none, nor has what
 * is dead. */
static uint64_t seq_of(const struct holm_pending *pending, const struct holm_item *item)
{
    if (item->actor != pending->self || item->op == 0)
        return 0;
    return item->op == HOLM_ITEM_COUNT ? item->count.last : item->seq;
}

static void enter(struct holm_pending_bound *table, size_t capacity, uint64_t seq, uint32_t index)
{
    size_t at = (size_t)seq & (capacity - 1);
    while (table[at].seq != 0 && table[at].seq != seq)
        at = (at + 1) & (capacity - 1);
    table[at] = (struct holm_pending_bound){seq, index};
}

/* Bindings that are void are left out, but those that a roll-back would need again. */
static enum holm_status rebind(struct holm_pending *pending)
{
    size_t capacity = 16;
    while (capacity < 4 * (pending->item_count + pending->saved_count + 1))
        capacity *= 2;
    struct holm_pending_bound *table = holm_allocate(&pending->allocator, capacity * sizeof *table);
    if (table == NULL)
        return HOLM_ENOMEM;
    memset(table, 0, capacity * sizeof *table);
    pending->bound_count = 0;
    for (size_t i = 0; i < pending->bound_capacity; i++) {
        struct holm_pending_bound bound = pending->bound[i];
        bool needed = bound.seq != 0 && bound.index < pending->item_count &&
                      seq_of(pending, &pending->items[bound.index]) == bound.seq;
        if (!needed)
            continue;
        enter(table, capacity, bound.seq, bound.index);
        pending->bound_count += 1;
    }
    for (size_t i = 0; i < pending->saved_count; i++) {
        const struct holm_pending_saved *saved = &pending->saved[i];
        if (seq_of(pending, &saved->item) <= pending->sealed)
            continue;
        enter(table, capacity, seq_of(pending, &saved->item), saved->index);
        pending->bound_count += 1;
    }
    holm_array_free(&pending->allocator, pending->bound, pending->bound_capacity, sizeof *table);
    pending->bound = table;
    pending->bound_capacity = capacity;
    return HOLM_OK;
}

enum holm_status holm_pending_bind(struct holm_pending *pending, uint64_t seq, uint32_t index)
{
    HOLM_ASSERT(seq > pending->sealed && seq <= pending->last);
    if ((pending->bound_count + 1) * 2 > pending->bound_capacity && rebind(pending) != HOLM_OK)
        return HOLM_ENOMEM;
    enter(pending->bound, pending->bound_capacity, seq, index);
    pending->bound_count += 1;
    return HOLM_OK;
}

/* Most items are never asked for: a run of writes to different slots leaves the table empty. */
static enum holm_status bind_new(struct holm_pending *pending)
{
    for (; pending->bound_items < pending->item_count; pending->bound_items++) {
        uint64_t seq = seq_of(pending, &pending->items[pending->bound_items]);
        if (seq > pending->sealed &&
            holm_pending_bind(pending, seq, (uint32_t)pending->bound_items) != HOLM_OK)
            return HOLM_ENOMEM;
    }
    return HOLM_OK;
}

enum holm_status holm_pending_item_of(struct holm_pending *pending, uint64_t seq, uint32_t *index)
{
    HOLM_ASSERT(seq > pending->sealed && seq <= pending->last);
    if (bind_new(pending) != HOLM_OK)
        return HOLM_ENOMEM;
    HOLM_ASSERT(pending->bound_count > 0);
    size_t at = (size_t)seq & (pending->bound_capacity - 1);
    while (pending->bound[at].seq != seq) {
        HOLM_ASSERT(pending->bound[at].seq != 0);
        at = (at + 1) & (pending->bound_capacity - 1);
    }
    HOLM_ASSERT(pending->bound[at].index < pending->item_count);
    *index = pending->bound[at].index;
    return HOLM_OK;
}

void holm_pending_restart(struct holm_pending *pending, uint32_t self, uint64_t last)
{
    HOLM_ASSERT(pending->item_count == 0);
    pending->self = self;
    pending->sealed = last;
    pending->last = last;
}

static enum holm_status save(struct holm_pending *pending, uint32_t index)
{
    void *saved = pending->saved;
    enum holm_status status = holm_array_reserve(&pending->allocator, &saved,
                                                 &pending->saved_capacity, sizeof *pending->saved,
                                                 pending->saved_count + 1);
    pending->saved = saved;
    if (status != HOLM_OK)
        return status;
    pending->saved[pending->saved_count++] = (struct holm_pending_saved){index,
                                                                         pending->items[index]};
    return HOLM_OK;
}

enum holm_status holm_pending_change(struct holm_pending *pending, uint32_t index,
                                     struct holm_item **item)
{
    HOLM_ASSERT(index < pending->item_count);
    *item = &pending->items[index];
    pending->recent = index;
    if (index >= pending->start.item_count)
        return HOLM_OK; /* of this transaction: a roll-back takes it away whole */
    return save(pending, index);
}

enum holm_status holm_pending_value(struct holm_pending *pending, struct holm_item *item,
                                    const struct holm_value *value)
{
    struct holm_value copy = *value;
    if (holm_type_has_bytes(value->type)) {
        if (holm_arena_copy(&pending->arena, value->as.bytes, &copy.as.bytes) != HOLM_OK)
            return HOLM_ENOMEM;
        pending->bytes += value->as.bytes.size;
    }
    item->value = copy;
    return HOLM_OK;
}

/* The range of this transaction that a dot can go into. */
static struct holm_pending_seen *find_seen(struct holm_pending *pending, uint32_t index,
                                           uint32_t actor)
{
    if (actor >= pending->place_capacity)
        return NULL;
    size_t place = pending->places[actor];
    if (place < pending->start.seen_count || place >= pending->seen_count)
        return NULL;
    struct holm_pending_seen *seen = &pending->seen[place];
    return seen->item == index && seen->actor == actor ? seen : NULL;
}

static enum holm_status grow_seen(struct holm_pending *pending)
{
    void *seen = pending->seen;
    enum holm_status status = holm_array_reserve(&pending->allocator, &seen,
                                                 &pending->seen_capacity, sizeof *pending->seen,
                                                 wanted(pending, pending->seen_count));
    pending->seen = seen;
    return status;
}

static enum holm_status grow_places(struct holm_pending *pending, uint32_t actor)
{
    void *places = pending->places;
    size_t before = pending->place_capacity;
    enum holm_status status = holm_array_reserve(&pending->allocator, &places,
                                                 &pending->place_capacity, sizeof *pending->places,
                                                 (size_t)actor + 1);
    pending->places = places;
    if (pending->place_capacity > before)
        memset(pending->places + before, 0,
               (pending->place_capacity - before) * sizeof *pending->places);
    return status;
}

/* Room for one more range, of this actor. */
static enum holm_status reserve_seen(struct holm_pending *pending, uint32_t actor)
{
    if (pending->seen_count == pending->seen_capacity && grow_seen(pending) != HOLM_OK)
        return HOLM_ENOMEM;
    return actor < pending->place_capacity ? HOLM_OK : grow_places(pending, actor);
}

/* Notes a range that there is room for, of an item that may be changed. */
static inline void append_seen(struct holm_pending *pending, uint32_t index, uint32_t actor,
                               uint64_t seq)
{
    size_t count = pending->seen_count;
    struct holm_pending_seen *seen = &pending->seen[count];
    struct holm_item *item = &pending->items[index];
    pending->seen_rising &= count == 0 || seen[-1].item < index;
    item->seen_first = (uint32_t)count;
    item->seen_count += 1;
    pending->places[actor] = (uint32_t)count;
    seen->item = index;
    seen->actor = actor;
    seen->first = seq;
    seen->last = seq;
    pending->seen_count = count + 1;
    pending->bytes += HOLM_ITEM_BYTES_SEEN;
}

enum holm_status holm_pending_see(struct holm_pending *pending, uint32_t index, uint32_t actor,
                                  uint64_t seq)
{
    HOLM_ASSERT(index < pending->item_count && seq > 0);
    struct holm_pending_seen *known = find_seen(pending, index, actor);
    struct holm_item *item;
    if (known != NULL) {
        known->first = seq < known->first ? seq : known->first;
        known->last = seq > known->last ? seq : known->last;
        return HOLM_OK;
    }
    if (reserve_seen(pending, actor) != HOLM_OK ||
        holm_pending_change(pending, index, &item) != HOLM_OK)
        return HOLM_ENOMEM;
    append_seen(pending, index, actor, seq);
    return HOLM_OK;
}

enum holm_status holm_pending_put(struct holm_pending *pending, struct holm_bytes key,
                                  struct holm_bytes path, const struct holm_cell *cell,
                                  const struct holm_cell *old)
{
    bool has_bytes = holm_type_has_bytes(cell->value.type);
    size_t size = key.size + path.size + cell->sub.size +
                  (has_bytes ? cell->value.as.bytes.size : 0);
    if (old != NULL && reserve_seen(pending, old->actor) != HOLM_OK)
        return HOLM_ENOMEM;
    unsigned char *at = reserve_item(pending, size);
    if (at == NULL)
        return HOLM_ENOMEM;
    uint32_t index = (uint32_t)pending->item_count;
    struct holm_item *made = &pending->items[index];
    made->op = HOLM_ITEM_PUT;
    made->kind = cell->kind;
    made->actor = cell->actor;
    made->key = holm_mem(append(&at, key), key.size);
    made->path = holm_mem(append(&at, path), path.size);
    made->sub = holm_mem(append(&at, cell->sub), cell->sub.size);
    made->seq = cell->seq;
    made->hlc = cell->hlc;
    made->value = cell->value;
    if (has_bytes)
        made->value.as.bytes.data = append(&at, cell->value.as.bytes);
    made->count = (struct holm_count){0, 0, 0, 0, 0};
    made->seen_first = 0;
    made->seen_count = 0;
    pending->recent = index;
    pending->item_count += 1;
    pending->bytes += size + HOLM_ITEM_BYTES_FIXED;
    if (old != NULL)
        append_seen(pending, index, old->actor, old->seq);
    return HOLM_OK;
}

void holm_pending_clear(struct holm_pending *pending)
{
    HOLM_ASSERT(pending->saved_count == 0);
    void *items = pending->items;
    void *seen = pending->seen;
    void *saved = pending->saved;
    pending->item_count = 0;
    pending->seen_count = 0;
    pending->seen_rising = true;
    pending->bytes = 0;
    holm_array_trim(&pending->allocator, &items, &pending->item_capacity, sizeof *pending->items,
                    HOLM_PENDING_KEPT);
    holm_array_trim(&pending->allocator, &seen, &pending->seen_capacity, sizeof *pending->seen,
                    HOLM_PENDING_KEPT);
    holm_array_trim(&pending->allocator, &saved, &pending->saved_capacity, sizeof *pending->saved,
                    HOLM_PENDING_KEPT);
    void *bound = pending->bound;
    holm_array_trim(&pending->allocator, &bound, &pending->bound_capacity, sizeof *pending->bound,
                    2 * HOLM_PENDING_KEPT);
    pending->bound = bound;
    if (pending->bound_capacity > 0 && pending->bound_count > 0)
        memset(pending->bound, 0, pending->bound_capacity * sizeof *pending->bound);
    pending->bound_count = 0;
    pending->bound_items = 0;
    pending->sealed = pending->last;
    pending->items = items;
    pending->seen = seen;
    pending->saved = saved;
    struct holm_arena resting = pending->arena;
    pending->arena = pending->resting;
    pending->resting = resting;
    holm_arena_clear(&pending->arena);
}

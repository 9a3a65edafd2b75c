/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the pending items to a delta: dead items are left out, dots become one range an actor, and
 * actors get numbers in a table of the delta's own.
 */
#include "crdt/order.h"
#include "crdt/pending.h"

struct seal {
    const struct holm_pending *pending;
    const struct holm_actors *actors;
    uint32_t *numbers; /* by the replica's index: the number in the delta's table */
    struct holm_fill fill;
    struct holm_fill_sizes sizes;
    size_t item_at, seen_at;
    bool in_order; /* the items are, by seq */
};

/* From so many items on, a run keeps the memory that they were gathered in. */
#define ADOPTED_MIN 64

static int compare_seen(const void *left, const void *right)
{
    const struct holm_pending_seen *a = left;
    const struct holm_pending_seen *b = right;
    if (a->item != b->item)
        return a->item < b->item ? -1 : 1;
    if (a->actor != b->actor)
        return a->actor < b->actor ? -1 : 1;
    return (a->first > b->first) - (a->first < b->first);
}

/* Whether both go into one range. */
static bool continues(const struct holm_pending_seen *previous,
                      const struct holm_pending_seen *seen)
{
    return previous->item == seen->item && previous->actor == seen->actor;
}

static void measure(struct seal *seal, uint32_t self)
{
    const struct holm_pending *pending = seal->pending;
    struct holm_fill_sizes *sizes = &seal->sizes;
    uint64_t seq = 0;
    memset(seal->numbers, 0, seal->actors->count * sizeof *seal->numbers);
    for (size_t i = 0; i < pending->item_count; i++) {
        const struct holm_item *item = &pending->items[i];
        if (item->op == 0)
            continue;
        sizes->items += 1;
        sizes->bytes += item->key.size + item->path.size + item->sub.size;
        if (item->op == HOLM_ITEM_PUT && holm_type_has_bytes(item->value.type))
            sizes->bytes += item->value.as.bytes.size;
        seal->numbers[item->actor] = 1;
        seal->in_order &= item->seq >= seq;
        seq = item->seq;
    }
    for (size_t i = 0; i < pending->seen_count; i++) {
        const struct holm_pending_seen *seen = &pending->seen[i];
        if (pending->items[seen->item].op == 0)
            continue;
        sizes->seen += i == 0 || pending->seen_rising || !continues(seen - 1, seen) ? 1 : 0;
        seal->numbers[seen->actor] = 1;
    }
    seal->numbers[self] = 1;
    for (size_t i = 0; i < seal->actors->count; i++)
        sizes->actors += seal->numbers[i];
}

/* The own actor is number 0, the others follow in the order of the actors. */
static void number_actors(struct seal *seal, uint32_t self)
{
    uint32_t number = 1;
    seal->fill.actors[0] = seal->actors->rows[self].actor;
    for (size_t i = 0; i < seal->actors->known; i++) {
        uint32_t index = seal->actors->sorted[i];
        if (index == self || seal->numbers[index] == 0)
            continue;
        seal->fill.actors[number] = seal->actors->rows[index].actor;
        seal->numbers[index] = number++;
    }
    seal->numbers[self] = 0;
    HOLM_ASSERT(number == seal->sizes.actors);
}

static void add_seen(struct seal *seal, struct holm_item *item, uint32_t index, size_t *next)
{
    const struct holm_pending_seen *seen = seal->pending->seen;
    size_t count = seal->pending->seen_count;
    size_t at = *next;
    while (at < count && seen[at].item < index)
        at += 1;
    for (; at < count && seen[at].item == index; at++) {
        if (item->seen_count > 0 && continues(&seen[at - 1], &seen[at])) {
            struct holm_seen *range = &seal->fill.seen[seal->seen_at - 1];
            range->last = seen[at].last > range->last ? seen[at].last : range->last;
            continue;
        }
        HOLM_ASSERT(seal->seen_at < seal->sizes.seen);
        struct holm_seen *range = &seal->fill.seen[seal->seen_at++];
        range->actor = seal->numbers[seen[at].actor];
        range->first = seen[at].first;
        range->last = seen[at].last;
        item->seen_count += 1;
    }
    *next = at;
}

/* Key, path and element are one piece of memory. */
static inline void fill_names(struct holm_fill *fill, const struct holm_item *from,
                              struct holm_item *to)
{
    size_t size = from->key.size + from->path.size + from->sub.size;
    const unsigned char *at = holm_fill_bytes(fill, holm_mem(from->key.data, size)).data;
    to->key = holm_mem(at, from->key.size);
    to->path = holm_mem(at + from->key.size, from->path.size);
    to->sub = holm_mem(at + from->key.size + from->path.size, from->sub.size);
}

static void fill_item(struct seal *seal, const struct holm_item *from, struct holm_item *to)
{
    *to = *from;
    to->actor = seal->numbers[from->actor];
    to->seen_first = (uint32_t)seal->seen_at;
    to->seen_count = 0;
    fill_names(&seal->fill, from, to);
    if (holm_type_has_bytes(from->value.type))
        to->value.as.bytes = holm_fill_bytes(&seal->fill, from->value.as.bytes);
}

static void fill_items(struct seal *seal)
{
    const struct holm_pending *pending = seal->pending;
    size_t next = 0;
    for (uint32_t i = 0; i < pending->item_count; i++) {
        const struct holm_item *from = &pending->items[i];
        if (from->op == 0)
            continue;
        HOLM_ASSERT(seal->item_at < seal->sizes.items);
        struct holm_item *to = &seal->fill.items[seal->item_at++];
        fill_item(seal, from, to);
        if (from->seen_count > 0)
            add_seen(seal, to, i, &next);
    }
    HOLM_ASSERT(seal->item_at == seal->sizes.items && seal->seen_at == seal->sizes.seen);
}

/* Items that carry a dot in its order, the others first: a receiver checks that no dot is twice. */
static int compare_items(const void *left, const void *right)
{
    const struct holm_item *a = left;
    const struct holm_item *b = right;
    return (a->seq > b->seq) - (a->seq < b->seq);
}

/* Whether the run is what was gathered, as it is. */
static bool is_plain(const struct seal *seal)
{
    const struct holm_pending *pending = seal->pending;
    return pending->item_count >= ADOPTED_MIN && seal->sizes.items == pending->item_count &&
           seal->in_order && pending->seen_rising && pending->arena.taken / 2 <= seal->sizes.bytes;
}

/* Gives back what an array has too much; when it cannot be, it stays. */
static void *fit(const struct holm_allocator *allocator, void *array, size_t *capacity,
                 size_t element_bytes, size_t count)
{
    if (count == *capacity || count == 0)
        return array;
    void *fitted = allocator->resize(allocator->context, array, *capacity * element_bytes,
                                     count * element_bytes);
    if (fitted == NULL)
        return array;
    *capacity = count;
    return fitted;
}

/* Writes each range over what it was gathered as, which has the same size. */
static struct holm_seen *number_ranges(const struct seal *seal)
{
    const struct holm_pending_seen *from = seal->pending->seen;
    struct holm_seen *to = (struct holm_seen *)(void *)seal->pending->seen;
    _Static_assert(sizeof *to == sizeof *from, "one fits into the place of the other");
    for (size_t i = 0; i < seal->pending->seen_count; i++) {
        struct holm_pending_seen seen = from[i];
        to[i] = (struct holm_seen){seal->numbers[seen.actor], seen.first, seen.last};
    }
    return to;
}

/* Makes what was gathered the delta's own. */
static void adopt_items(const struct seal *seal, struct holm_pending *pending,
                        struct holm_delta *delta)
{
    const struct holm_allocator *allocator = &pending->allocator;
    for (size_t i = 0; i < pending->item_count; i++)
        pending->items[i].actor = seal->numbers[pending->items[i].actor];
    struct holm_delta_parts parts = {.items = pending->items,
                                     .seen = number_ranges(seal),
                                     .item_capacity = pending->item_capacity,
                                     .seen_capacity = pending->seen_capacity,
                                     .bytes = pending->arena};
    parts.items = fit(allocator, parts.items, &parts.item_capacity, sizeof *parts.items,
                      pending->item_count);
    parts.seen = fit(allocator, parts.seen, &parts.seen_capacity, sizeof *parts.seen,
                     pending->seen_count);
    holm_delta_adopt(delta, parts, pending->item_count, pending->seen_count);
    pending->usual = pending->item_count < HOLM_PENDING_KEPT ? pending->item_count
                                                             : HOLM_PENDING_KEPT;
    pending->items = NULL;
    pending->seen = NULL;
    pending->item_capacity = 0;
    pending->seen_capacity = 0;
    holm_arena_init(&pending->arena, allocator);
}

static void copy_items(struct seal *seal)
{
    fill_items(seal);
    if (!seal->in_order)
        holm_sort(seal->fill.items, seal->sizes.items, sizeof *seal->fill.items, compare_items);
}

static enum holm_status build(struct seal *seal, struct holm_pending *pending, uint32_t self,
                              struct holm_delta **delta)
{
    bool whole = seal->actors->rows[self].seq == 0;
    bool plain = is_plain(seal);
    if (plain) {
        seal->sizes.items = 0;
        seal->sizes.seen = 0;
        seal->sizes.bytes = 0;
    }
    seal->sizes.collected = pending->collected.count;
    seal->sizes.raw_items = true;
    seal->sizes.deps = holm_actors_copy(seal->actors, !whole, self, NULL, 0);
    if (holm_delta_new(&pending->allocator, &seal->sizes, delta, &seal->fill) != HOLM_OK)
        return HOLM_ENOMEM;
    number_actors(seal, self);
    (void)holm_actors_copy(seal->actors, !whole, self, seal->fill.deps, seal->sizes.deps);
    if (pending->collected.count > 0)
        memcpy(seal->fill.collected, pending->collected.entries,
               pending->collected.count * sizeof *seal->fill.collected);
    if (plain)
        adopt_items(seal, pending, *delta);
    else
        copy_items(seal);
    return HOLM_OK;
}

enum holm_status holm_pending_seal(struct holm_pending *pending, const struct holm_actors *actors,
                                   uint32_t self, uint64_t first, uint32_t partition,
                                   struct holm_delta **delta)
{
    HOLM_ASSERT(first <= pending->last && self < actors->count);
    struct seal seal = {.pending = pending, .actors = actors, .in_order = true};
    size_t numbers_bytes = actors->count * sizeof *seal.numbers;
    seal.numbers = holm_allocate(&pending->allocator, numbers_bytes);
    if (seal.numbers == NULL)
        return HOLM_ENOMEM;
    if (!pending->seen_rising)
        holm_sort(pending->seen, pending->seen_count, sizeof *pending->seen, compare_seen);
    measure(&seal, self);
    enum holm_status status = build(&seal, pending, self, delta);
    if (status == HOLM_OK) {
        (*delta)->partition = partition;
        (*delta)->actor = actors->rows[self].actor;
        (*delta)->first = first;
        (*delta)->last = pending->last;
    }
    holm_deallocate(&pending->allocator, seal.numbers, numbers_bytes);
    return status;
}

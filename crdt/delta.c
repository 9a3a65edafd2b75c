/* SPDX-License-Identifier: Apache-2.0 */
#include "crdt/delta.h"

#include "crdt/actors.h"
#include "crdt/order.h"
#include "crdt/path.h"

static size_t aligned(size_t size)
{
    return (size + 15) / 16 * 16;
}

/* Sizes are counted from buffers that exist, or bounded by the codec's limits: no sum can wrap. */
static size_t layout_bytes(size_t head, const struct holm_fill_sizes *sizes)
{
    return aligned(head) + aligned(sizes->actors * sizeof(struct holm_actor)) +
           aligned(sizes->items * sizeof(struct holm_item)) +
           aligned(sizes->seen * sizeof(struct holm_seen)) +
           aligned(sizes->deps * sizeof(struct holm_dot)) +
           aligned(sizes->collected * sizeof(struct holm_dot)) + sizes->bytes;
}

static void *carve(unsigned char **at, size_t size)
{
    void *piece = *at;
    *at += aligned(size);
    return piece;
}

static void layout(unsigned char *memory, size_t head, const struct holm_fill_sizes *sizes,
                   struct holm_fill *fill)
{
    unsigned char *at = memory + aligned(head);
    fill->actors = carve(&at, sizes->actors * sizeof *fill->actors);
    fill->items = carve(&at, sizes->items * sizeof *fill->items);
    fill->seen = carve(&at, sizes->seen * sizeof *fill->seen);
    fill->deps = carve(&at, sizes->deps * sizeof *fill->deps);
    fill->collected = carve(&at, sizes->collected * sizeof *fill->collected);
    unsigned char *items = (unsigned char *)fill->items;
    unsigned char *behind = (unsigned char *)fill->deps;
    memset(memory, 0, (size_t)((sizes->raw_items ? items : at) - memory));
    if (sizes->raw_items)
        memset(behind, 0, (size_t)(at - behind));
    fill->bytes = at;
    fill->bytes_end = at + sizes->bytes;
}

static struct holm_items items_of(const struct holm_fill *fill, const struct holm_fill_sizes *sizes)
{
    HOLM_ASSERT(sizes->actors <= UINT32_MAX && sizes->items <= UINT32_MAX &&
                sizes->seen <= UINT32_MAX);
    return (struct holm_items){fill->actors, (uint32_t)sizes->actors,
                               fill->items,  (uint32_t)sizes->items,
                               fill->seen,   (uint32_t)sizes->seen};
}

enum holm_status holm_delta_new(const struct holm_allocator *allocator,
                                const struct holm_fill_sizes *sizes, struct holm_delta **delta,
                                struct holm_fill *fill)
{
    size_t bytes = layout_bytes(sizeof(struct holm_delta), sizes);
    struct holm_delta *made = holm_allocate(allocator, bytes);
    *delta = made;
    if (made == NULL)
        return HOLM_ENOMEM;
    layout((unsigned char *)made, sizeof *made, sizes, fill);
    made->allocator = *allocator;
    made->memory_bytes = bytes;
    made->own_bytes = bytes;
    made->references = 1;
    made->items = items_of(fill, sizes);
    made->deps = (struct holm_vector_view){fill->deps, sizes->deps};
    made->collected = (struct holm_vector_view){fill->collected, sizes->collected};
    return HOLM_OK;
}

enum holm_status holm_page_new(const struct holm_allocator *allocator,
                               const struct holm_fill_sizes *sizes, struct holm_page **page,
                               struct holm_fill *fill)
{
    HOLM_ASSERT(sizes->deps == 0 && sizes->collected == 0);
    size_t bytes = layout_bytes(sizeof(struct holm_page), sizes);
    struct holm_page *made = holm_allocate(allocator, bytes);
    *page = made;
    if (made == NULL)
        return HOLM_ENOMEM;
    layout((unsigned char *)made, sizeof *made, sizes, fill);
    made->allocator = *allocator;
    made->memory_bytes = bytes;
    made->references = 1;
    made->items = items_of(fill, sizes);
    return HOLM_OK;
}

struct holm_bytes holm_fill_bytes(struct holm_fill *fill, struct holm_bytes source)
{
    HOLM_ASSERT(source.size <= (size_t)(fill->bytes_end - fill->bytes));
    struct holm_bytes copy = {fill->bytes, source.size};
    if (source.size > 0)
        memcpy(fill->bytes, source.data, source.size);
    fill->bytes += source.size;
    return copy;
}

void holm_delta_retain(struct holm_delta *delta)
{
    HOLM_ASSERT(delta->references > 0 && delta->references < UINT32_MAX);
    delta->references += 1;
}

void holm_delta_adopt(struct holm_delta *delta, struct holm_delta_parts parts, size_t items,
                      size_t seen)
{
    HOLM_ASSERT(delta->items.item_count == 0 && delta->items.seen_count == 0);
    HOLM_ASSERT(items <= UINT32_MAX && seen <= UINT32_MAX);
    delta->parts = parts;
    delta->items.items = parts.items;
    delta->items.item_count = (uint32_t)items;
    delta->items.seen = parts.seen;
    delta->items.seen_count = (uint32_t)seen;
    delta->memory_bytes += parts.item_capacity * sizeof *parts.items +
                           parts.seen_capacity * sizeof *parts.seen +
                           holm_arena_bytes(&parts.bytes);
}

static void release_parts(const struct holm_allocator *allocator, struct holm_delta_parts *parts)
{
    holm_array_free(allocator, parts->items, parts->item_capacity, sizeof *parts->items);
    holm_array_free(allocator, parts->seen, parts->seen_capacity, sizeof *parts->seen);
    holm_arena_release(&parts->bytes);
}

void holm_delta_release(struct holm_delta *delta)
{
    if (delta == NULL)
        return;
    HOLM_ASSERT(delta->references > 0);
    delta->references -= 1;
    if (delta->references == 0) {
        struct holm_allocator allocator = delta->allocator;
        release_parts(&allocator, &delta->parts);
        holm_deallocate(&allocator, delta, delta->own_bytes);
    }
}

void holm_page_retain(struct holm_page *page)
{
    HOLM_ASSERT(page->references > 0 && page->references < UINT32_MAX);
    page->references += 1;
}

void holm_page_release(struct holm_page *page)
{
    if (page == NULL)
        return;
    HOLM_ASSERT(page->references > 0);
    page->references -= 1;
    if (page->references == 0) {
        struct holm_allocator allocator = page->allocator;
        holm_deallocate(&allocator, page, page->memory_bytes);
    }
}

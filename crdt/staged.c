/* SPDX-License-Identifier: Apache-2.0 */
#include "crdt/staged.h"

#include "crdt/actors.h"
#include "crdt/order.h"
#include "crdt/reconcile_parts.h"

struct entry {
    uint64_t hash;
    struct holm_digest term;
    const struct holm_page *page;
    uint32_t item;   /* of the page */
    uint64_t number; /* of all: the order is the same each time */
};

static struct holm_page *page_at(const struct holm_staged *staged, size_t at)
{
    return ((struct holm_page **)staged->pages)[at];
}

static struct holm_actor actor_of(const struct holm_page *page, const struct holm_item *item)
{
    return page->items.actors[item->actor];
}

static struct holm_dot dot_of(const struct holm_page *page, const struct holm_item *item)
{
    return (struct holm_dot){actor_of(page, item), holm_item_seq(item)};
}

/* ---- showing ------------------------------------------------------------------------------- */

struct showing {
    holm_reconcile_visitor *visitor;
    void *context;
    bool over;
};

static bool show(void *context, const struct holm_reconcile_entry *entry)
{
    struct showing *showing = context;
    showing->over = !showing->visitor(showing->context, entry);
    return !showing->over;
}

/* The number of the first entry whose hash is not below. */
static size_t place_of(const struct holm_staged *staged, uint64_t hash)
{
    const struct entry *entries = staged->entries;
    size_t low = 0, high = staged->entry_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (entries[middle].hash < hash)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void visit(void *context, uint64_t first, uint64_t last, holm_reconcile_visitor *visitor,
                  void *visitor_context)
{
    const struct holm_staged *staged = context;
    const struct holm_reconcile_source *below = &staged->frozen->source;
    const struct entry *entries = staged->entries;
    struct showing showing = {visitor, visitor_context, false};
    below->visit(below->context, first, last, show, &showing);
    for (size_t at = place_of(staged, first); !showing.over && at < staged->entry_count; at++) {
        if (entries[at].hash > last)
            return;
        const struct holm_item *item = &entries[at].page->items.items[entries[at].item];
        struct holm_reconcile_entry shown = {.hash = entries[at].hash,
                                             .actor = actor_of(entries[at].page, item),
                                             .term = entries[at].term,
                                             .item = *item,
                                             .staged = true};
        (void)show(&showing, &shown);
    }
}

static uint64_t hash_key(void *context, struct holm_bytes key)
{
    const struct holm_staged *staged = context;
    return staged->frozen->source.hash(staged->frozen->source.context, key);
}

static void expect(void *context, uint64_t first, uint64_t last, bool near)
{
    const struct holm_staged *staged = context;
    staged->frozen->source.expect(staged->frozen->source.context, first, last, near);
}

/* ---- the life cycle ------------------------------------------------------------------------ */

void holm_staged_init(struct holm_staged *staged, const struct holm_frozen *frozen)
{
    memset(staged, 0, sizeof *staged);
    staged->allocator = frozen->state->allocator;
    staged->frozen = frozen;
    staged->tree.allocator = staged->allocator;
}

static void release_pages(const struct holm_allocator *allocator, void *pages, size_t count,
                          size_t capacity)
{
    for (size_t i = 0; i < count; i++)
        holm_page_release(((struct holm_page **)pages)[i]);
    holm_array_free(allocator, pages, capacity, sizeof(struct holm_page *));
}

void holm_staged_release(struct holm_staged *staged)
{
    release_pages(&staged->allocator, staged->pages, staged->page_count, staged->page_capacity);
    holm_array_free(&staged->allocator, staged->entries, staged->entry_capacity,
                    sizeof(struct entry));
    holm_tree_release(&staged->tree);
    holm_staged_init(staged, staged->frozen);
}

/* ---- what stays ---------------------------------------------------------------------------- */

/* Which staged items go. */
struct sieve {
    const struct holm_dot *gone; /* sorted */
    size_t gone_count;
    const struct holm_vector_view *vector; /* NULL: all is covered */
};

static int compare_dots(const void *a, const void *b)
{
    return holm_dot_compare(a, b);
}

static bool is_gone(const struct sieve *sieve, const struct holm_dot *dot)
{
    size_t low = 0, high = sieve->gone_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (holm_dot_compare(&sieve->gone[middle], dot) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low < sieve->gone_count && holm_dot_compare(&sieve->gone[low], dot) == 0;
}

static bool stays(const struct sieve *sieve, const struct holm_page *page,
                  const struct holm_item *item)
{
    struct holm_dot dot = dot_of(page, item);
    if (sieve->vector == NULL)
        return !is_gone(sieve, &dot);
    bool resets = item->op == HOLM_ITEM_COUNT && item->count.cancelled != 0;
    return !resets && dot.seq <= holm_vector_view_seq(*sieve->vector, dot.actor);
}

/* A page with the items that stay: the same one, if all do; NULL, if none does. */
static enum holm_status sift_page(const struct holm_staged *staged, const struct sieve *sieve,
                                  struct holm_page *page, struct holm_page **sifted)
{
    const struct holm_items *items = &page->items;
    struct holm_arena arena;
    struct holm_parcel parcel = {.count = 0};
    enum holm_status status = HOLM_OK;
    uint32_t count = 0;
    *sifted = page;
    for (uint32_t i = 0; i < items->item_count; i++)
        count += stays(sieve, page, &items->items[i]) ? 1 : 0;
    if (count == items->item_count) {
        holm_page_retain(page);
        return HOLM_OK;
    }
    holm_arena_init(&arena, &staged->allocator);
    for (uint32_t i = 0; status == HOLM_OK && i < items->item_count; i++) {
        const struct holm_item *item = &items->items[i];
        struct holm_reconcile_entry entry = {.actor = actor_of(page, item), .item = *item};
        if (stays(sieve, page, item))
            status = holm_parcel_add(&parcel, &arena, &entry, (enum holm_item_op)item->op);
    }
    *sifted = NULL;
    if (status == HOLM_OK)
        status = holm_parcel_page(&parcel, &staged->allocator, sifted);
    holm_arena_release(&arena);
    return status;
}

/* Puts the pages of what stays into the place of all, with room for `more`. All or nothing. */
static enum holm_status sift(struct holm_staged *staged, const struct sieve *sieve, size_t more)
{
    void *sifted = NULL;
    size_t count = 0, capacity = 0;
    enum holm_status status = holm_array_reserve(&staged->allocator, &sifted, &capacity,
                                                 sizeof(struct holm_page *),
                                                 staged->page_count + more);
    uint64_t items = 0;
    size_t bytes = 0;
    for (size_t i = 0; status == HOLM_OK && i < staged->page_count; i++) {
        struct holm_page *page;
        status = sift_page(staged, sieve, page_at(staged, i), &page);
        if (status != HOLM_OK || page == NULL)
            continue;
        ((struct holm_page **)sifted)[count++] = page;
        items += page->items.item_count;
        bytes += page->memory_bytes;
    }
    if (status != HOLM_OK) {
        release_pages(&staged->allocator, sifted, count, capacity);
        return status;
    }
    release_pages(&staged->allocator, staged->pages, staged->page_count, staged->page_capacity);
    staged->pages = sifted;
    staged->page_count = count;
    staged->page_capacity = capacity;
    staged->items = items;
    staged->bytes = bytes;
    return HOLM_OK;
}

static enum holm_status gather_gone(const struct holm_reconcile_result *told,
                                    struct holm_arena *arena, struct sieve *sieve)
{
    size_t count = 0;
    for (size_t p = 0; p < told->withdrawn_count; p++)
        count += told->withdrawn[p]->items.item_count;
    struct holm_dot *gone = holm_arena_take(arena, count * sizeof *gone);
    if (gone == NULL)
        return HOLM_ENOMEM;
    sieve->gone = gone;
    sieve->gone_count = count;
    for (size_t p = 0, at = 0; at < count; p++) {
        for (uint32_t i = 0; i < told->withdrawn[p]->items.item_count; i++)
            gone[at++] = dot_of(told->withdrawn[p], &told->withdrawn[p]->items.items[i]);
    }
    if (count > 1)
        holm_sort(gone, count, sizeof *gone, compare_dots);
    return HOLM_OK;
}

enum holm_status holm_staged_take(struct holm_staged *staged,
                                  const struct holm_reconcile_result *told)
{
    struct holm_arena arena;
    struct sieve sieve = {NULL, 0, NULL};
    holm_arena_init(&arena, &staged->allocator);
    enum holm_status status = gather_gone(told, &arena, &sieve);
    if (status == HOLM_OK)
        status = sift(staged, &sieve, told->page_count);
    holm_arena_release(&arena);
    for (size_t i = 0; status == HOLM_OK && i < told->page_count; i++) {
        /* Pages are shared by counting; nothing in them is changed. */
        struct holm_page *page = (struct holm_page *)(uintptr_t)told->pages[i];
        holm_page_retain(page);
        ((struct holm_page **)staged->pages)[staged->page_count++] = page;
        staged->items += page->items.item_count;
        staged->bytes += page->memory_bytes;
    }
    return status;
}

/* ---- made ready ---------------------------------------------------------------------------- */

static int compare_entries(const void *a, const void *b)
{
    const struct entry *left = a;
    const struct entry *right = b;
    if (left->hash != right->hash)
        return left->hash < right->hash ? -1 : 1;
    return (left->number > right->number) - (left->number < right->number);
}

static void add_entries(struct holm_staged *staged, const struct holm_page *page)
{
    const struct holm_state *state = staged->frozen->state;
    for (uint32_t i = 0; i < page->items.item_count; i++) {
        const struct holm_item *item = &page->items.items[i];
        struct entry *entry = (struct entry *)staged->entries + staged->entry_count;
        uint64_t hash = holm_state_key(state, item->key).hash;
        *entry = (struct entry){.hash = hash,
                                .term = holm_item_digest(state, hash, actor_of(page, item), item),
                                .page = page,
                                .item = i,
                                .number = staged->entry_count};
        staged->entry_count += 1;
        holm_tree_add(&staged->tree, hash, entry->term);
    }
}

static bool add_term(void *context, const struct holm_reconcile_entry *entry)
{
    holm_tree_add(context, entry->hash, entry->term);
    return true;
}

/* The frozen side's tree, for this side to change; deeper, when what is staged wants that. */
static enum holm_status copy_tree(struct holm_staged *staged)
{
    const struct holm_reconcile_source *below = &staged->frozen->source;
    uint64_t records = staged->frozen->state->record_count + staged->items;
    unsigned depth = holm_tree_depth_fine(below->tree, records);
    holm_tree_release(&staged->tree);
    if (depth <= below->tree->depth)
        return holm_tree_copy(&staged->tree, below->tree);
    enum holm_status status = holm_tree_init(&staged->tree, &staged->allocator, depth);
    if (status == HOLM_OK)
        below->visit(below->context, 0, UINT64_MAX, add_term, &staged->tree);
    return status;
}

enum holm_status holm_staged_show(struct holm_staged *staged, struct holm_vector_view vector)
{
    struct sieve sieve = {NULL, 0, &vector};
    HOLM_ASSERT(!staged->frozen->broken);
    enum holm_status status = sift(staged, &sieve, 0);
    staged->entry_count = 0;
    if (status == HOLM_OK)
        status = holm_array_reserve(&staged->allocator, &staged->entries, &staged->entry_capacity,
                                    sizeof(struct entry), (size_t)staged->items);
    if (status == HOLM_OK)
        status = copy_tree(staged);
    if (status != HOLM_OK)
        return status;
    for (size_t i = 0; i < staged->page_count; i++)
        add_entries(staged, page_at(staged, i));
    if (staged->entry_count > 1)
        holm_sort(staged->entries, staged->entry_count, sizeof(struct entry), compare_entries);
    staged->source = staged->frozen->source;
    staged->source.context = staged;
    staged->source.tree = &staged->tree;
    staged->source.entries += staged->entry_count;
    staged->source.visit = visit;
    staged->source.hash = hash_key;
    staged->source.expect = expect;
    return HOLM_OK;
}

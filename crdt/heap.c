/* SPDX-License-Identifier: Apache-2.0 */
#include "crdt/heap.h"

#define UNIT ((size_t)HOLM_HEAP_UNIT)
#define SMALL_MAX ((size_t)256)
#define LARGE HOLM_HEAP_CLASSES /* a page of its own */
#define PAGE_BYTES_MIN ((size_t)1024)
#define PAGE_BYTES_MAX ((size_t)65536)
#define LINE_BYTES ((size_t)64) /* of a cache */
#define PAGES_MAX ((size_t)1 << (32 - HOLM_HEAP_UNIT_BITS))

/* Classes 32 and up; those below are (class + 1) units. */
static const uint16_t larger[] = {320,  384,  448,  512,  640,   768,   896,   1024,
                                  1280, 1536, 1792, 2048, 2560,  3072,  3584,  4096,
                                  5120, 6144, 7168, 8192, 10240, 12288, 14336, 16384};

static size_t class_of(size_t bytes)
{
    if (bytes <= SMALL_MAX)
        return (bytes + UNIT - 1) / UNIT - 1;
    size_t at = 0;
    while (at < sizeof larger / sizeof larger[0] && larger[at] < bytes)
        at++;
    return at + SMALL_MAX / UNIT;
}

static size_t bytes_of(size_t class)
{
    size_t small = SMALL_MAX / UNIT;
    return class < small ? (class + 1) * UNIT : larger[class - small];
}

size_t holm_heap_rounded(size_t bytes)
{
    size_t class = class_of(bytes);
    return class < LARGE ? bytes_of(class) : (bytes + UNIT - 1) / UNIT * UNIT;
}

void holm_heap_init(struct holm_heap *heap, const struct holm_allocator *allocator)
{
    memset(heap, 0, sizeof *heap);
    heap->allocator = *allocator;
    heap->page_count = 1;
}

/* A page begins with a line, so that a block of a line's size is in one line. How far that is behind
 * what the allocator gave is in the byte before. */
static unsigned char *take_memory(struct holm_heap *heap, size_t page_bytes)
{
    unsigned char *given = holm_allocate(&heap->allocator, page_bytes + LINE_BYTES);
    if (given == NULL)
        return NULL;
    size_t skipped = LINE_BYTES - (uintptr_t)given % LINE_BYTES;
    given[skipped - 1] = (unsigned char)skipped;
    heap->taken += page_bytes + LINE_BYTES;
    return given + skipped;
}

static void give_memory(struct holm_heap *heap, unsigned char *base, size_t page_bytes)
{
    heap->taken -= page_bytes + LINE_BYTES;
    holm_deallocate(&heap->allocator, base - base[-1], page_bytes + LINE_BYTES);
}

void holm_heap_release(struct holm_heap *heap)
{
    for (size_t i = 1; i < heap->page_count; i++) {
        if (heap->bases[i] != NULL)
            give_memory(heap, heap->bases[i], heap->pages[i].page_bytes);
    }
    holm_array_free(&heap->allocator, heap->bases, heap->base_capacity, sizeof *heap->bases);
    holm_array_free(&heap->allocator, heap->pages, heap->page_capacity, sizeof *heap->pages);
    memset(heap, 0, sizeof *heap);
}

static void link_page(struct holm_heap *heap, uint32_t number, size_t class)
{
    struct holm_heap_page *page = &heap->pages[number];
    page->previous = 0;
    page->next = heap->roomy[class];
    if (page->next != 0)
        heap->pages[page->next].previous = number;
    heap->roomy[class] = number;
}

static void unlink_page(struct holm_heap *heap, uint32_t number, size_t class)
{
    const struct holm_heap_page *page = &heap->pages[number];
    if (page->next != 0)
        heap->pages[page->next].previous = page->previous;
    if (page->previous != 0)
        heap->pages[page->previous].next = page->next;
    else
        heap->roomy[class] = page->next;
}

/* A number for a new page, or 0. */
static uint32_t new_number(struct holm_heap *heap)
{
    uint32_t number = heap->unused;
    if (number != 0) {
        heap->unused = heap->pages[number].next;
        return number;
    }
    void *pages = heap->pages;
    void *bases = heap->bases;
    if (heap->page_count >= PAGES_MAX)
        return 0;
    enum holm_status status = holm_array_reserve(&heap->allocator, &pages, &heap->page_capacity,
                                                 sizeof *heap->pages, heap->page_count + 1);
    heap->pages = pages;
    if (status == HOLM_OK)
        status = holm_array_reserve(&heap->allocator, &bases, &heap->base_capacity,
                                    sizeof *heap->bases, heap->page_count + 1);
    heap->bases = bases;
    if (status != HOLM_OK)
        return 0;
    heap->bases[heap->page_count] = NULL;
    return (uint32_t)heap->page_count++;
}

static void leave_number(struct holm_heap *heap, uint32_t number)
{
    heap->bases[number] = NULL;
    heap->pages[number] = (struct holm_heap_page){.next = heap->unused};
    heap->unused = number;
}

static uint32_t new_page(struct holm_heap *heap, size_t block_bytes, size_t page_bytes)
{
    if (page_bytes > UINT32_MAX - LINE_BYTES)
        return 0;
    uint32_t number = new_number(heap);
    if (number == 0)
        return 0;
    unsigned char *base = take_memory(heap, page_bytes);
    if (base == NULL) {
        leave_number(heap, number);
        return 0;
    }
    heap->bases[number] = base;
    heap->pages[number] = (struct holm_heap_page){.block_bytes = (uint32_t)block_bytes,
                                                  .page_bytes = (uint32_t)page_bytes,
                                                  .blocks = (uint16_t)(page_bytes / block_bytes)};
    return number;
}

static uint32_t new_class_page(struct holm_heap *heap, size_t class)
{
    size_t block_bytes = bytes_of(class);
    size_t page_bytes = heap->in_pages[class];
    if (page_bytes < PAGE_BYTES_MIN)
        page_bytes = PAGE_BYTES_MIN;
    if (page_bytes > PAGE_BYTES_MAX)
        page_bytes = PAGE_BYTES_MAX;
    page_bytes -= LINE_BYTES;
    if (page_bytes < block_bytes)
        page_bytes = block_bytes;
    page_bytes = page_bytes / block_bytes * block_bytes;
    uint32_t number = new_page(heap, block_bytes, page_bytes);
    if (number != 0) {
        heap->in_pages[class] += page_bytes;
        link_page(heap, number, class);
    }
    return number;
}

static uint32_t take_large(struct holm_heap *heap, size_t bytes)
{
    size_t rounded = (bytes + UNIT - 1) / UNIT * UNIT;
    uint32_t number = new_page(heap, rounded, rounded);
    if (number == 0)
        return 0;
    heap->pages[number].live = 1;
    heap->pages[number].fresh = 1;
    heap->used += rounded;
    return number << HOLM_HEAP_UNIT_BITS;
}

uint32_t holm_heap_take(struct holm_heap *heap, size_t bytes)
{
    HOLM_ASSERT(bytes > 0);
    size_t class = class_of(bytes);
    if (class == LARGE)
        return bytes > UINT32_MAX - UNIT ? 0 : take_large(heap, bytes);
    uint32_t number = heap->roomy[class];
    if (number == 0)
        number = new_class_page(heap, class);
    if (number == 0)
        return 0;
    struct holm_heap_page *page = &heap->pages[number];
    uint32_t block = page->fresh;
    if (page->free != 0) {
        block = page->free - 1U;
        memcpy(&page->free, heap->bases[number] + (size_t)block * page->block_bytes,
               sizeof page->free);
    } else {
        page->fresh += 1;
    }
    page->live += 1;
    if (page->live == page->blocks)
        unlink_page(heap, number, class);
    heap->used += page->block_bytes;
    return number << HOLM_HEAP_UNIT_BITS | (uint32_t)(block * (page->block_bytes / UNIT));
}

static void give_page(struct holm_heap *heap, uint32_t number)
{
    struct holm_heap_page *page = &heap->pages[number];
    give_memory(heap, heap->bases[number], page->page_bytes);
    leave_number(heap, number);
}

void holm_heap_give(struct holm_heap *heap, uint32_t handle)
{
    uint32_t number = handle >> HOLM_HEAP_UNIT_BITS;
    HOLM_ASSERT(number != 0 && number < heap->page_count);
    struct holm_heap_page *page = &heap->pages[number];
    HOLM_ASSERT(page->live > 0);
    size_t class = class_of(page->block_bytes);
    heap->used -= page->block_bytes;
    page->live -= 1;
    if (class == LARGE) {
        give_page(heap, number);
        return;
    }
    if (page->live + 1 == page->blocks)
        link_page(heap, number, class);
    if (page->live == 0) {
        unlink_page(heap, number, class);
        heap->in_pages[class] -= page->page_bytes;
        give_page(heap, number);
        return;
    }
    size_t unit = handle & ((1U << HOLM_HEAP_UNIT_BITS) - 1);
    size_t block = unit / (page->block_bytes / UNIT);
    memcpy(heap->bases[number] + block * page->block_bytes, &page->free, sizeof page->free);
    page->free = (uint16_t)(block + 1);
}

static void check_page(const struct holm_heap_page *page, const unsigned char *base)
{
    size_t free = 0;
    for (uint16_t block = page->free; block != 0; free++) {
        HOLM_ASSERT(block <= page->fresh && free <= page->blocks);
        memcpy(&block, base + (size_t)(block - 1) * page->block_bytes, sizeof block);
    }
    HOLM_ASSERT(page->live > 0 && page->fresh <= page->blocks);
    HOLM_ASSERT(free + page->live == page->fresh);
}

void holm_heap_check(const struct holm_heap *heap)
{
    size_t used = 0;
    size_t taken = 0;
    size_t roomy = 0;
    for (size_t i = 1; i < heap->page_count; i++) {
        const struct holm_heap_page *page = &heap->pages[i];
        if (heap->bases[i] == NULL)
            continue;
        check_page(page, heap->bases[i]);
        used += (size_t)page->live * page->block_bytes;
        taken += page->page_bytes + LINE_BYTES;
        roomy += page->live < page->blocks ? 1 : 0;
    }
    for (size_t class = 0; class < HOLM_HEAP_CLASSES; class ++) {
        uint32_t number = heap->roomy[class];
        for (; number != 0; number = heap->pages[number].next) {
            HOLM_ASSERT(heap->pages[number].live < heap->pages[number].blocks);
            HOLM_ASSERT(class_of(heap->pages[number].block_bytes) == class);
            roomy -= 1;
        }
    }
    HOLM_ASSERT(roomy == 0);
    HOLM_ASSERT(used == heap->used && taken == heap->taken);
}

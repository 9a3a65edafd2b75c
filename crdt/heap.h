/* SPDX-License-Identifier: Apache-2.0 */
/*
 * heap.h - blocks of any size, named by 32 bits.
 *
 *     handle  = page << 13 | unit         a unit is 8 bytes; 0 names nothing
 *
 *     page 1   64 KiB of blocks of 96 bytes    [block][block][free][block] ...
 *     page 2    4 KiB of blocks of 144 bytes   [block][free] ...
 *     page 3   one block of 90,112 bytes
 *
 * A name of half a pointer's size is what a table of millions of records saves most by, and it
 * stays true when pages move between allocators' arenas. Blocks of one size class share a page, so a
 * block has no head of its own: up to 256 bytes classes are 8 bytes apart, above by an eighth to a
 * quarter. The pages of a class grow with what it holds, from 1 KiB to 64 KiB; an empty page is
 * given back. A block of more than 16 KiB is a page of its own; there are 2^19 numbers for pages, so
 * a heap holds 32 GiB of smaller blocks, or half a million larger ones. Source of the idea: Bonwick,
 * "The slab allocator", USENIX 1994.
 *
 * Invariants, verified by holm_heap_check():
 *     H1  a page's free list and its never used tail are what it holds less its live blocks
 *     H2  exactly the pages with room are in their class's list
 *     H3  used is the sum over the live blocks
 */
#ifndef HOLM_CRDT_HEAP_H
#define HOLM_CRDT_HEAP_H

#include "crdt/base.h"

#define HOLM_HEAP_CLASSES 56
#define HOLM_HEAP_UNIT 8
#define HOLM_HEAP_UNIT_BITS 13

struct holm_heap_page {
    uint32_t block_bytes;
    uint32_t page_bytes;
    uint16_t blocks; /* that it has room for */
    uint16_t fresh;  /* of these, from here on never used */
    uint16_t live;
    uint16_t free;           /* head of the list of free blocks, as number + 1 */
    uint32_t next, previous; /* pages of the class with room; of an unused number: the next one */
};

struct holm_heap {
    struct holm_allocator allocator;
    unsigned char **bases;        /* by number: where the page is, NULL: unused. 0 is not used */
    struct holm_heap_page *pages; /* likewise */
    size_t page_count, page_capacity, base_capacity;
    uint32_t unused;                    /* head of the list of unused numbers */
    uint32_t roomy[HOLM_HEAP_CLASSES];  /* heads of the lists of pages with room */
    size_t in_pages[HOLM_HEAP_CLASSES]; /* bytes of all pages of the class */
    size_t used;                        /* bytes of live blocks, rounded up to their class */
    size_t taken;                       /* bytes of memory from the allocator */
};

void holm_heap_init(struct holm_heap *heap, const struct holm_allocator *allocator);
/* Gives all pages back, whatever is still in them. */
void holm_heap_release(struct holm_heap *heap);

/* A block of at least `bytes` > 0, uncleared, aligned to 8; or 0 when there is no memory. O(1). */
uint32_t holm_heap_take(struct holm_heap *heap, size_t bytes);
void holm_heap_give(struct holm_heap *heap, uint32_t handle);

/* Where a block is. It does not move until it is given back. */
static inline unsigned char *holm_heap_at(const struct holm_heap *heap, uint32_t handle)
{
    HOLM_ASSERT(handle >> HOLM_HEAP_UNIT_BITS < heap->page_count);
    size_t unit = handle & ((1U << HOLM_HEAP_UNIT_BITS) - 1);
    return heap->bases[handle >> HOLM_HEAP_UNIT_BITS] + unit * HOLM_HEAP_UNIT;
}

/* How many bytes a block can hold; how many one of `bytes` would. */
static inline size_t holm_heap_room(const struct holm_heap *heap, uint32_t handle)
{
    return heap->pages[handle >> HOLM_HEAP_UNIT_BITS].block_bytes;
}
size_t holm_heap_rounded(size_t bytes);

/* H1 to H3. O(pages + free blocks). */
void holm_heap_check(const struct holm_heap *heap);

#endif

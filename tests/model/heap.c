/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/model/heap.h"

#include <stdio.h>
#include <stdlib.h>

/* Keeps what follows aligned as malloc's. */
struct heap_head {
    _Alignas(max_align_t) size_t size;
};

static struct heap_head *head_of(void *memory, size_t size)
{
    struct heap_head *head = (struct heap_head *)memory - 1;
    if (head->size != size) {
        fprintf(stderr, "heap: a block of %zu bytes is given back as one of %zu\n", head->size,
                size);
        abort();
    }
    return head;
}

static void *heap_resize(void *context, void *memory, size_t size_old, size_t size_new)
{
    struct heap *heap = context;
    struct heap_head *head = memory == NULL ? NULL : head_of(memory, size_old);
    if (size_new == 0) {
        if (head != NULL) {
            heap->blocks--;
            heap->bytes -= size_old;
            free(head);
        }
        return NULL;
    }
    heap->calls++;
    bool after = heap->calls > heap->fail_at && !heap->fail_once;
    if (heap->fail_at != 0 && (heap->calls == heap->fail_at || after))
        return NULL;
    struct heap_head *fresh = realloc(head, sizeof *fresh + size_new);
    if (fresh == NULL)
        return NULL;
    fresh->size = size_new;
    heap->blocks += head == NULL;
    heap->bytes += size_new - size_old;
    return fresh + 1;
}

struct holm_allocator heap_allocator(struct heap *heap)
{
    struct holm_allocator allocator = {.resize = heap_resize, .context = heap};
    return allocator;
}

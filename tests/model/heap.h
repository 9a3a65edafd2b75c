/* SPDX-License-Identifier: Apache-2.0 */
/*
 * heap.h - an allocator for tests: it counts, checks the sizes it is told, and fails on command.
 *
 * Each block carries its size in front, so that a free or a resize with another size than the one
 * allocated is found at once.
 */
#ifndef HOLM_TESTS_MODEL_HEAP_H
#define HOLM_TESTS_MODEL_HEAP_H

#include "crdt/base.h"

struct heap {
    uint64_t blocks;  /* held now */
    uint64_t bytes;   /* held now */
    uint64_t calls;   /* that asked for memory */
    uint64_t fail_at; /* the call with this number, and all after it, are refused; 0: none */
    bool fail_once;   /* only that one */
};

/* An allocator over `heap`, which must outlive it. */
struct holm_allocator heap_allocator(struct heap *heap);

#endif

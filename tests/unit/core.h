/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core.h - what the tests of the core's parts share: a heap that counts and fails, and short names.
 */
#ifndef HOLM_TESTS_UNIT_CORE_H
#define HOLM_TESTS_UNIT_CORE_H

#include "crdt/delta.h"
#include "tests/model/chance.h"
#include "tests/model/heap.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* The next request for memory is refused. */
static inline void heap_refuse(struct heap *heap)
{
    heap->calls = 0;
    heap->fail_at = 1;
    heap->fail_once = true;
}

static inline struct holm_actor actor_of(uint64_t node, uint64_t epoch)
{
    struct holm_actor actor = {{node}, {epoch}};
    return actor;
}

static inline struct holm_dot dot_of(uint64_t node, uint64_t epoch, uint64_t seq)
{
    struct holm_dot dot = {actor_of(node, epoch), seq};
    return dot;
}

/* A run without items, of `node` in epoch 1, after `dep` when its seq is not 0. */
static inline struct holm_delta *run_of(const struct holm_allocator *allocator, uint64_t node,
                                        uint64_t first, uint64_t last, struct holm_dot dep)
{
    struct holm_fill_sizes sizes = {.actors = 1, .deps = dep.seq > 0 ? 1 : 0};
    struct holm_fill fill;
    struct holm_delta *delta;
    assert_int_equal(holm_delta_new(allocator, &sizes, &delta, &fill), HOLM_OK);
    delta->actor = actor_of(node, 1);
    delta->first = first;
    delta->last = last;
    fill.actors[0] = delta->actor;
    if (dep.seq > 0)
        fill.deps[0] = dep;
    assert_int_equal(holm_delta_check(delta), HOLM_OK);
    return delta;
}

static inline void assert_bytes(struct holm_bytes bytes, const char *expected)
{
    assert_int_equal(bytes.size, strlen(expected));
    if (bytes.size > 0)
        assert_memory_equal(bytes.data, expected, bytes.size);
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include "crdt/arena.h"

#include "tests/unit/core.h"

static void test_arena_when_pieces_are_taken_then_they_are_aligned_and_stay(void **state)
{
    struct heap heap = {0};
    struct holm_allocator allocator = heap_allocator(&heap);
    struct holm_arena arena;
    unsigned char *pieces[300];
    holm_arena_init(&arena, &allocator);
    for (size_t i = 0; i < 300; i++) {
        pieces[i] = holm_arena_take(&arena, i + 1);
        assert_non_null(pieces[i]);
        assert_int_equal((uintptr_t)pieces[i] % 16, 0);
        memset(pieces[i], (int)(i % 251), i + 1);
    }
    for (size_t i = 0; i < 300; i++) {
        for (size_t at = 0; at <= i; at++)
            assert_int_equal(pieces[i][at], i % 251);
    }
    holm_arena_release(&arena);
    assert_int_equal(heap.blocks, 0);
    assert_int_equal(heap.bytes, 0);
}

static void test_arena_when_rewound_then_what_was_taken_since_is_freed(void **state)
{
    struct heap heap = {0};
    struct holm_allocator allocator = heap_allocator(&heap);
    struct holm_arena arena;
    holm_arena_init(&arena, &allocator);
    struct holm_arena_mark empty = holm_arena_mark(&arena);
    memset(holm_arena_take(&arena, 100), 1, 100);
    struct holm_arena_mark mark = holm_arena_mark(&arena);
    uint64_t bytes = heap.bytes;
    void *next = holm_arena_take(&arena, 8);
    for (size_t i = 0; i < 100; i++)
        assert_non_null(holm_arena_take(&arena, 1000));
    assert_non_null(holm_arena_take(&arena, 100000));
    assert_true(heap.bytes > 200000);
    holm_arena_rewind(&arena, mark);
    assert_int_equal(heap.bytes, bytes);
    assert_int_equal(arena.taken, mark.taken);
    assert_ptr_equal(holm_arena_take(&arena, 8), next);
    holm_arena_rewind(&arena, empty); /* the chunk stays, for whoever does this again and again */
    assert_int_equal(heap.blocks, 1);
    assert_int_equal(arena.taken, 0);
    uint64_t calls = heap.calls;
    assert_non_null(holm_arena_take(&arena, 100));
    assert_int_equal(heap.calls, calls);
    holm_arena_release(&arena);
    assert_int_equal(heap.bytes, 0);
}

static void test_arena_when_cleared_then_it_keeps_one_usual_chunk_at_most(void **state)
{
    struct heap heap = {0};
    struct holm_allocator allocator = heap_allocator(&heap);
    struct holm_arena arena;
    holm_arena_init(&arena, &allocator);
    holm_arena_clear(&arena);
    for (size_t i = 0; i < 1000; i++)
        assert_non_null(holm_arena_take(&arena, 100));
    assert_non_null(holm_arena_take(&arena, 1000000));
    holm_arena_clear(&arena);
    assert_int_equal(heap.blocks, 1);
    assert_true(heap.bytes < 8192);
    assert_int_equal(arena.taken, 0);
    uint64_t calls = heap.calls;
    assert_non_null(holm_arena_take(&arena, 100));
    assert_int_equal(heap.calls, calls);
    holm_arena_release(&arena);

    assert_non_null(holm_arena_take(&arena, 1000000));
    holm_arena_clear(&arena);
    assert_int_equal(heap.blocks, 0);
    holm_arena_release(&arena);
}

static void test_arena_when_memory_is_refused_then_nothing_changes(void **state)
{
    struct heap heap = {0};
    struct holm_allocator allocator = heap_allocator(&heap);
    struct holm_arena arena;
    struct holm_bytes copy;
    char big[200] = {0};
    holm_arena_init(&arena, &allocator);
    assert_non_null(holm_arena_take(&arena, 4000));
    size_t taken = arena.taken;
    heap_refuse(&heap);
    assert_null(holm_arena_take(&arena, 200));
    assert_null(holm_arena_take(&arena, SIZE_MAX));
    assert_null(holm_arena_take(&arena, SIZE_MAX - 20));
    heap_refuse(&heap);
    assert_int_equal(holm_arena_copy(&arena, holm_mem(big, sizeof big), &copy), HOLM_ENOMEM);
    assert_int_equal(holm_arena_copy(&arena, holm_mem(NULL, 0), &copy), HOLM_OK);
    assert_int_equal(copy.size, 0);
    assert_int_equal(arena.taken, taken);
    assert_non_null(holm_arena_take(&arena, 16));
    holm_arena_release(&arena);
    assert_int_equal(heap.blocks, 0);
}

static void test_arena_when_bytes_are_copied_then_the_copy_is_its_own(void **state)
{
    struct heap heap = {0};
    struct holm_allocator allocator = heap_allocator(&heap);
    struct holm_arena arena;
    struct holm_bytes copy;
    char source[] = "hero";
    holm_arena_init(&arena, &allocator);
    assert_int_equal(holm_arena_copy(&arena, holm_str(source), &copy), HOLM_OK);
    memset(source, 'x', sizeof source - 1);
    assert_bytes(copy, "hero");
    holm_arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_arena_when_pieces_are_taken_then_they_are_aligned_and_stay),
        cmocka_unit_test(test_arena_when_rewound_then_what_was_taken_since_is_freed),
        cmocka_unit_test(test_arena_when_cleared_then_it_keeps_one_usual_chunk_at_most),
        cmocka_unit_test(test_arena_when_memory_is_refused_then_nothing_changes),
        cmocka_unit_test(test_arena_when_bytes_are_copied_then_the_copy_is_its_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

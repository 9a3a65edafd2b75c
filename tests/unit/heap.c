/* SPDX-License-Identifier: Apache-2.0 */
#include "crdt/heap.h"

#include "tests/unit/core.h"

struct fixture {
    struct heap memory;
    struct holm_allocator allocator;
    struct holm_heap heap;
};

static void open(struct fixture *f)
{
    memset(f, 0, sizeof *f);
    f->allocator = heap_allocator(&f->memory);
    holm_heap_init(&f->heap, &f->allocator);
}

static void close(struct fixture *f)
{
    holm_heap_check(&f->heap);
    holm_heap_release(&f->heap);
    assert_int_equal(f->memory.blocks, 0);
    assert_int_equal(f->memory.bytes, 0);
}

/* Every byte of every live block is its owner's, whatever comes and goes around it. */
static void test_heap_when_blocks_come_and_go_then_none_overlap(void **state)
{
    enum {
        BLOCKS = 3000
    };
    static uint32_t handles[BLOCKS];
    static size_t sizes[BLOCKS];
    struct chance chance = {.state = 3};
    struct fixture f;
    open(&f);
    memset(handles, 0, sizeof handles);
    for (uint32_t round = 0; round < 60000; round++) {
        size_t i = chance_below(&chance, BLOCKS);
        if (handles[i] == 0) {
            sizes[i] = 1 + chance_below(&chance, i % 50 == 0 ? 20000 : 600);
            handles[i] = holm_heap_take(&f.heap, sizes[i]);
            assert_int_not_equal(handles[i], 0);
            assert_true(holm_heap_room(&f.heap, handles[i]) >= sizes[i]);
            assert_int_equal(holm_heap_room(&f.heap, handles[i]), holm_heap_rounded(sizes[i]));
            memset(holm_heap_at(&f.heap, handles[i]), (int)(i % 251), sizes[i]);
        } else {
            const unsigned char *block = holm_heap_at(&f.heap, handles[i]);
            for (size_t at = 0; at < sizes[i]; at++)
                assert_int_equal(block[at], i % 251);
            holm_heap_give(&f.heap, handles[i]);
            handles[i] = 0;
        }
        if (round % 5000 == 0)
            holm_heap_check(&f.heap);
    }
    for (size_t i = 0; i < BLOCKS; i++) {
        if (handles[i] != 0)
            holm_heap_give(&f.heap, handles[i]);
    }
    assert_int_equal(f.heap.used, 0);
    assert_int_equal(f.heap.taken, 0);
    close(&f);
}

/* A class is less than 8 bytes, or a quarter, larger than what is asked of it. */
static void test_heap_when_rounded_then_little_is_wasted(void **state)
{
    for (size_t bytes = 1; bytes < 10000; bytes++) {
        size_t rounded = holm_heap_rounded(bytes);
        assert_true(rounded >= bytes);
        assert_true(rounded - bytes < 8 || (rounded - bytes) * 4 <= bytes);
        assert_int_equal(rounded % 8, 0);
    }
}

static void test_heap_when_there_is_no_memory_then_nothing_is_taken(void **state)
{
    static const size_t sizes[] = {1, 100, 4096, 4097, 100000};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct fixture f;
        open(&f);
        uint32_t other = holm_heap_take(&f.heap, 3000);
        for (uint64_t at = 1;; at++) {
            f.memory.calls = 0;
            f.memory.fail_at = at;
            f.memory.fail_once = true;
            size_t taken = f.heap.taken;
            uint32_t handle = holm_heap_take(&f.heap, sizes[i]);
            f.memory.fail_at = 0;
            holm_heap_check(&f.heap);
            if (handle != 0) {
                assert_true(at > 1);
                holm_heap_give(&f.heap, handle);
                break;
            }
            assert_int_equal(f.heap.taken, taken);
        }
        holm_heap_give(&f.heap, other);
        close(&f);
    }
}

/* Few small blocks do not cost large pages: 16 partitions of a small node each have a heap. */
static void test_heap_when_little_is_in_it_then_little_is_taken(void **state)
{
    struct fixture f;
    open(&f);
    uint32_t handles[10];
    for (size_t i = 0; i < 10; i++)
        handles[i] = holm_heap_take(&f.heap, 96);
    assert_in_range(f.heap.taken, 960, 2048);
    for (size_t i = 0; i < 10; i++)
        holm_heap_give(&f.heap, handles[i]);
    close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_heap_when_blocks_come_and_go_then_none_overlap),
        cmocka_unit_test(test_heap_when_rounded_then_little_is_wasted),
        cmocka_unit_test(test_heap_when_there_is_no_memory_then_nothing_is_taken),
        cmocka_unit_test(test_heap_when_little_is_in_it_then_little_is_taken),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

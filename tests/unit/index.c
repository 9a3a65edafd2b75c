/* SPDX-License-Identifier: Apache-2.0 */
#include "crdt/index.h"

#include "tests/unit/core.h"

#include <stdio.h>
#include <stdlib.h>

#define KEYS 6000

/* Keys that an index refers to by their number, and which of them are in it. */
struct shelf {
    struct heap heap;
    struct holm_allocator allocator;
    struct holm_index index;
    struct holm_bytes keys[KEYS];
    unsigned char bytes[KEYS][40];
    bool there[KEYS];
    uint32_t sorted[KEYS]; /* the model: all keys in their order */
    size_t count;
};

static struct shelf shelf;

static struct holm_bytes key_of(const void *context, uint32_t reference)
{
    const struct shelf *from = context;
    assert_true(reference < 2 * KEYS);
    return from->keys[reference % KEYS]; /* each key has two names */
}

static int compare_references(const void *a, const void *b)
{
    const uint32_t *x = a, *y = b;
    return holm_bytes_compare(shelf.keys[*x], shelf.keys[*y]);
}

/* Sorts the keys, and forgets all but one of each. */
static void finish_keys(size_t drawn)
{
    size_t count = 0;
    for (size_t i = 0; i < drawn; i++)
        shelf.sorted[i] = (uint32_t)i;
    qsort(shelf.sorted, drawn, sizeof shelf.sorted[0], compare_references);
    for (size_t i = 0; i < drawn; i++)
        if (count == 0 || compare_references(&shelf.sorted[count - 1], &shelf.sorted[i]) != 0)
            shelf.sorted[count++] = shelf.sorted[i];
    shelf.count = count;
}

static void open_shelf(void)
{
    memset(&shelf, 0, sizeof shelf);
    shelf.allocator = heap_allocator(&shelf.heap);
    holm_index_init(&shelf.index, &shelf.allocator, key_of, &shelf);
}

static void close_shelf(void)
{
    holm_index_check(&shelf.index);
    holm_index_release(&shelf.index);
    assert_int_equal(shelf.heap.blocks, 0);
    assert_int_equal(shelf.index.bytes, 0);
}

/* Names as people make them, and names made to be hard: of few bytes, NUL among them, one often
 * the beginning of the other. */
static void draw_keys(struct chance *chance, bool hard)
{
    for (size_t i = 0; i < KEYS; i++) {
        unsigned char *bytes = shelf.bytes[i];
        size_t size;
        if (hard) {
            size = chance_below(chance, 30);
            for (size_t at = 0; at < size; at++)
                bytes[at] = chance_permille(chance, 900) ? 0 : (unsigned char)(at % 2 * 255);
        } else {
            size = (size_t)snprintf((char *)bytes, sizeof shelf.bytes[i], "%s:%u",
                                    chance_permille(chance, 700) ? "hero" : "city",
                                    (unsigned)chance_below(chance, 100000));
        }
        shelf.keys[i] = holm_mem(bytes, size);
    }
    finish_keys(KEYS);
}

static void insert(uint32_t reference)
{
    assert_int_equal(holm_index_insert(&shelf.index, reference), HOLM_OK);
    shelf.there[reference] = true;
}

static void erase(uint32_t reference)
{
    holm_index_erase(&shelf.index, reference);
    shelf.there[reference] = false;
}

static bool has_prefix(struct holm_bytes key, struct holm_bytes prefix)
{
    return key.size >= prefix.size &&
           (prefix.size == 0 || memcmp(key.data, prefix.data, prefix.size) == 0);
}

/* All that the cursor gives is what the model has with that prefix behind `after`. */
static void assert_gives(struct holm_index_cursor cursor, struct holm_bytes prefix,
                         const struct holm_bytes *after)
{
    uint32_t reference = UINT32_MAX;
    for (size_t i = 0; i < shelf.count; i++) {
        uint32_t expected = shelf.sorted[i];
        if (!shelf.there[expected] || !has_prefix(shelf.keys[expected], prefix) ||
            (after != NULL && holm_bytes_compare(shelf.keys[expected], *after) <= 0))
            continue;
        assert_true(holm_index_next(&cursor, &reference));
        assert_int_equal(reference, expected);
    }
    assert_false(holm_index_next(&cursor, &reference));
    assert_false(holm_index_next(&cursor, &reference));
}

static void assert_all(void)
{
    struct holm_bytes all = {NULL, 0};
    holm_index_check(&shelf.index);
    assert_gives(holm_index_seek(&shelf.index, all), all, NULL);
}

static void assert_seeks(struct chance *chance)
{
    for (int i = 0; i < 20; i++) {
        struct holm_bytes prefix = shelf.keys[chance_below(chance, KEYS)];
        struct holm_bytes after = shelf.keys[chance_below(chance, KEYS)];
        prefix.size = chance_below(chance, prefix.size + 1);
        assert_gives(holm_index_seek(&shelf.index, prefix), prefix, NULL);
        assert_gives(holm_index_seek_behind(&shelf.index, prefix, after), prefix, &after);
    }
}

static void test_index_when_empty_then_it_gives_nothing(void **state)
{
    uint32_t reference;
    open_shelf();
    struct holm_index_cursor cursor = holm_index_seek(&shelf.index, holm_str(""));
    assert_false(holm_index_next(&cursor, &reference));
    cursor = holm_index_seek_behind(&shelf.index, holm_str("a"), holm_str("b"));
    assert_false(holm_index_next(&cursor, &reference));
    close_shelf();
}

/* It grows and shrinks several times, by chance, and is at each time what a sorted list is. */
static void wander(uint64_t seed, bool hard)
{
    struct chance chance = {.state = seed};
    open_shelf();
    draw_keys(&chance, hard);
    for (int phase = 0; phase < 6; phase++) {
        uint64_t inserts = phase % 2 == 0 ? 800 : 150;
        for (size_t step = 0; step < KEYS; step++) {
            uint32_t reference = shelf.sorted[chance_below(&chance, shelf.count)];
            bool grows = chance_permille(&chance, inserts);
            if (grows && !shelf.there[reference])
                insert(reference);
            else if (!grows && shelf.there[reference])
                erase(reference);
            if (step % 1000 == 0)
                holm_index_check(&shelf.index);
        }
        assert_all();
        assert_seeks(&chance);
    }
    for (size_t i = 0; i < shelf.count; i++)
        if (shelf.there[shelf.sorted[i]])
            erase(shelf.sorted[i]);
    assert_null(shelf.index.root);
    close_shelf();
}

static void test_index_when_keys_come_and_go_then_it_is_a_sorted_list(void **state)
{
    for (uint64_t seed = 1; seed <= 4; seed++)
        wander(seed, false);
}

static void test_index_when_keys_are_hard_to_tell_apart_then_it_is_a_sorted_list(void **state)
{
    for (uint64_t seed = 11; seed <= 14; seed++)
        wander(seed, true);
}

/* In order, against it, from the middle outwards, and from both ends. */
static size_t place_of(int order, size_t i, size_t count)
{
    switch (order) {
    case 0:
        return i;
    case 1:
        return count - 1 - i;
    case 2:
        return i % 2 == 0 ? count / 2 + i / 2 : count / 2 - 1 - i / 2;
    default:
        return i % 2 == 0 ? i / 2 : count - 1 - i / 2;
    }
}

static void test_index_when_keys_come_in_an_order_then_no_block_stays_empty(void **state)
{
    struct chance chance = {.state = 5};
    for (int order = 0; order < 4; order++) {
        open_shelf();
        draw_keys(&chance, false);
        size_t count = shelf.count / 2 * 2;
        for (size_t i = 0; i < count; i++)
            insert(shelf.sorted[place_of(order, i, count)]);
        assert_all();
        assert_true(shelf.index.bytes <= 12 * count);
        for (size_t i = 0; i < count - 100; i++) {
            erase(shelf.sorted[place_of(order, i, count)]);
            if (i % 500 == 0)
                holm_index_check(&shelf.index);
        }
        assert_all();
        assert_true(shelf.index.bytes <= 100 * 26 + 2048);
        close_shelf();
    }
}

static void test_index_when_keys_come_by_chance_then_it_takes_few_bytes_a_key(void **state)
{
    struct chance chance = {.state = 6};
    open_shelf();
    draw_keys(&chance, false);
    for (size_t i = shelf.count; i > 1; i--) {
        size_t other = chance_below(&chance, i);
        uint32_t kept = shelf.sorted[i - 1];
        shelf.sorted[i - 1] = shelf.sorted[other];
        shelf.sorted[other] = kept;
    }
    for (size_t i = 0; i < shelf.count; i++)
        insert(shelf.sorted[i]);
    assert_true(shelf.index.bytes <= 12 * shelf.count);
    qsort(shelf.sorted, shelf.count, sizeof shelf.sorted[0], compare_references);
    assert_all();
    close_shelf();
}

static void test_index_when_keys_are_renamed_then_each_is_called_by_its_new_name(void **state)
{
    struct chance chance = {.state = 8};
    struct holm_bytes all = {NULL, 0};
    uint32_t reference;
    open_shelf();
    draw_keys(&chance, false);
    for (size_t i = 0; i < shelf.count; i++)
        insert(shelf.sorted[(i * 2477) % shelf.count]);
    for (size_t i = 0; i < shelf.count; i++) {
        holm_index_rename(&shelf.index, shelf.sorted[i], shelf.sorted[i] + KEYS);
        if (i % 500 == 0)
            holm_index_check(&shelf.index);
    }
    holm_index_check(&shelf.index);
    struct holm_index_cursor cursor = holm_index_seek(&shelf.index, all);
    for (size_t i = 0; i < shelf.count; i++) {
        assert_true(holm_index_next(&cursor, &reference));
        assert_int_equal(reference, shelf.sorted[i] + KEYS);
    }
    for (size_t i = 0; i < shelf.count; i++)
        holm_index_erase(&shelf.index, shelf.sorted[i] + KEYS);
    close_shelf();
}

static void test_index_when_an_allocation_fails_then_it_is_as_it_was(void **state)
{
    struct chance chance = {.state = 7};
    size_t refused = 0;
    open_shelf();
    draw_keys(&chance, false);
    for (size_t i = 0; i < shelf.count; i++) {
        uint32_t reference = shelf.sorted[(i * 2477) % shelf.count];
        if (shelf.there[reference])
            continue;
        for (uint64_t nth = 1;; nth++) {
            shelf.heap.calls = 0;
            shelf.heap.fail_at = nth;
            enum holm_status status = holm_index_insert(&shelf.index, reference);
            shelf.heap.fail_at = 0;
            if (status == HOLM_OK)
                break;
            assert_int_equal(status, HOLM_ENOMEM);
            holm_index_check(&shelf.index);
            refused++;
        }
        shelf.there[reference] = true;
    }
    assert_true(refused > 100);
    assert_all();
    close_shelf();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_index_when_empty_then_it_gives_nothing),
        cmocka_unit_test(test_index_when_keys_come_and_go_then_it_is_a_sorted_list),
        cmocka_unit_test(test_index_when_keys_are_hard_to_tell_apart_then_it_is_a_sorted_list),
        cmocka_unit_test(test_index_when_keys_come_in_an_order_then_no_block_stays_empty),
        cmocka_unit_test(test_index_when_keys_come_by_chance_then_it_takes_few_bytes_a_key),
        cmocka_unit_test(test_index_when_keys_are_renamed_then_each_is_called_by_its_new_name),
        cmocka_unit_test(test_index_when_an_allocation_fails_then_it_is_as_it_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

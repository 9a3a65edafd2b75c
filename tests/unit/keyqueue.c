/* SPDX-License-Identifier: Apache-2.0 */
#include "node/keyqueue.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct holm_node_id id(uint64_t value)
{
    struct holm_node_id node = {value};
    return node;
}

static void push(struct holm_key_queue *queue, const char *key, uint64_t origin)
{
    assert_int_equal(holm_key_queue_push(queue, holm_str(key), id(origin)), HOLM_OK);
}

static void assert_pop(struct holm_key_queue *queue, const char *key, uint64_t origin)
{
    struct holm_key_item *item = holm_key_queue_pop(queue);

    assert_non_null(item);
    assert_int_equal(item->size, strlen(key));
    assert_memory_equal(item->bytes, key, item->size);
    assert_int_equal(item->origin.value, origin);
    free(item);
}

static void test_keyqueue_when_a_key_comes_again_then_it_waits_once_with_the_new_origin(
    void **state)
{
    struct holm_key_queue queue;

    holm_key_queue_init(&queue, 10);
    push(&queue, "a", 1);
    push(&queue, "b", 2);
    push(&queue, "a", 3);
    assert_int_equal(queue.count, 2);
    assert_pop(&queue, "a", 3);
    assert_pop(&queue, "b", 2);
    assert_null(holm_key_queue_pop(&queue));
    push(&queue, "a", 4);
    assert_pop(&queue, "a", 4);
    holm_key_queue_release(&queue);
}

static void test_keyqueue_when_it_is_full_then_only_known_keys_are_taken(void **state)
{
    struct holm_key_queue queue;

    holm_key_queue_init(&queue, 2);
    push(&queue, "a", 1);
    push(&queue, "b", 1);
    assert_int_equal(holm_key_queue_push(&queue, holm_str("c"), id(1)), HOLM_ELIMIT);
    push(&queue, "b", 2);
    assert_pop(&queue, "a", 1);
    push(&queue, "c", 1);
    assert_pop(&queue, "b", 2);
    assert_pop(&queue, "c", 1);
    holm_key_queue_release(&queue);
}

static void test_keyqueue_when_keys_hold_nul_then_they_are_told_apart(void **state)
{
    struct holm_key_queue queue;

    holm_key_queue_init(&queue, 10);
    assert_int_equal(holm_key_queue_push(&queue, holm_mem("a\0b", 3), id(1)), HOLM_OK);
    assert_int_equal(holm_key_queue_push(&queue, holm_mem("a\0c", 3), id(1)), HOLM_OK);
    assert_int_equal(holm_key_queue_push(&queue, holm_mem("a", 1), id(1)), HOLM_OK);
    assert_int_equal(queue.count, 3);
    holm_key_queue_release(&queue);
}

static size_t name(char *buffer, size_t capacity, uint32_t number)
{
    return (size_t)snprintf(buffer, capacity, "key:%u", (unsigned)number);
}

/* Taking out of the middle of probe chains must not hide what lies behind: pushes and pops are
 * mixed, and held against a plain list of which numbers wait. */
static void test_keyqueue_when_pushed_and_popped_at_random_then_it_is_a_list_of_distinct(
    void **state)
{
    enum {
        NUMBERS = 300,
        ROUNDS = 200000
    };
    static bool waits[NUMBERS];
    static uint32_t order[ROUNDS];
    size_t first = 0, last = 0;
    uint64_t random = 88172645463325252U;
    struct holm_key_queue queue;
    char key[32];

    holm_key_queue_init(&queue, NUMBERS);
    for (int round = 0; round < ROUNDS; round++) {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;

        uint32_t number = (uint32_t)(random % NUMBERS);

        if ((random >> 32) % 100 < 55) {
            size_t size = name(key, sizeof key, number);

            assert_int_equal(holm_key_queue_push(&queue, holm_mem(key, size), id(1)), HOLM_OK);
            if (!waits[number])
                order[last++] = number;
            waits[number] = true;
        } else if (first < last) {
            number = order[first++];
            name(key, sizeof key, number);
            assert_pop(&queue, key, 1);
            waits[number] = false;
        }
        assert_int_equal(queue.count, last - first);
    }
    assert_true(last > NUMBERS * 10);
    holm_key_queue_release(&queue);
}

static void test_keyqueue_when_cleared_then_it_is_as_new(void **state)
{
    struct holm_key_queue queue;

    holm_key_queue_init(&queue, 100);
    for (uint32_t i = 0; i < 100; i++) {
        char key[32];
        size_t size = name(key, sizeof key, i);

        assert_int_equal(holm_key_queue_push(&queue, holm_mem(key, size), id(i)), HOLM_OK);
    }
    holm_key_queue_clear(&queue);
    assert_int_equal(queue.count, 0);
    assert_null(holm_key_queue_pop(&queue));
    push(&queue, "key:7", 9);
    assert_pop(&queue, "key:7", 9);
    holm_key_queue_release(&queue);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            test_keyqueue_when_a_key_comes_again_then_it_waits_once_with_the_new_origin),
        cmocka_unit_test(test_keyqueue_when_it_is_full_then_only_known_keys_are_taken),
        cmocka_unit_test(test_keyqueue_when_keys_hold_nul_then_they_are_told_apart),
        cmocka_unit_test(
            test_keyqueue_when_pushed_and_popped_at_random_then_it_is_a_list_of_distinct),
        cmocka_unit_test(test_keyqueue_when_cleared_then_it_is_as_new),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

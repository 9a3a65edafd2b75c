/* SPDX-License-Identifier: Apache-2.0 */
#include "crdt/oplog.h"

#include "tests/unit/core.h"

struct fixture {
    struct heap heap;
    struct holm_allocator allocator;
    struct holm_actors actors;
    struct holm_oplog log;
    size_t run_bytes; /* of memory, each */
};

/* Room for `runs` runs. */
static void open(struct fixture *f, size_t runs)
{
    memset(f, 0, sizeof *f);
    f->allocator = heap_allocator(&f->heap);
    struct holm_delta *delta = run_of(&f->allocator, 1, 1, 1, (struct holm_dot){.seq = 0});
    f->run_bytes = delta->memory_bytes;
    holm_delta_release(delta);
    holm_actors_init(&f->actors, &f->allocator, 1, 100);
    holm_oplog_init(&f->log, &f->allocator, runs * f->run_bytes);
}

static void close(struct fixture *f)
{
    holm_actors_check(&f->actors);
    holm_oplog_release(&f->log);
    holm_actors_release(&f->actors);
    assert_int_equal(f->heap.blocks, 0);
}

static uint32_t push(struct fixture *f, uint64_t node, uint64_t first, uint64_t last)
{
    uint32_t index;
    struct holm_delta *delta = run_of(&f->allocator, node, first, last,
                                      (struct holm_dot){.seq = 0});
    assert_int_equal(holm_actors_intern(&f->actors, actor_of(node, 1), &index), HOLM_OK);
    holm_actors_raise(&f->actors, index, last);
    assert_int_equal(holm_oplog_reserve(&f->log), HOLM_OK);
    holm_oplog_push(&f->log, &f->actors, delta, index);
    holm_delta_release(delta);
    return index;
}

static void test_oplog_when_runs_are_pushed_then_they_stay_in_order(void **state)
{
    struct fixture f;
    open(&f, 1000);
    for (uint64_t i = 0; i < 300; i++)
        (void)push(&f, i % 3, i / 3 * 2 + 1, i / 3 * 2 + 2);
    assert_int_equal(f.log.count, 300);
    assert_int_equal(f.log.bytes, 300 * f.run_bytes);
    for (uint64_t i = 0; i < 300; i++) {
        const struct holm_oplog_entry *entry = holm_oplog_at(&f.log, i);
        assert_int_equal(entry->delta->actor.node.value, i % 3);
        assert_int_equal(entry->delta->first, i / 3 * 2 + 1);
        assert_int_equal(entry->actor, i % 3);
        assert_true(entry->wire_bytes >= 16);
    }
    close(&f);
}

/* Order and floors hold while the ring turns many times, and grows while turned. */
static void test_oplog_when_full_then_the_oldest_go_and_their_floors_rise(void **state)
{
    struct fixture f;
    open(&f, 10);
    uint32_t idle = push(&f, 9, 1, 5);
    for (uint64_t i = 1; i <= 200; i++) {
        uint32_t index = push(&f, 1, i, i);
        size_t expected = i + 1 < 10 ? i + 1 : 10;
        assert_int_equal(f.log.count, expected);
        assert_int_equal(f.actors.rows[index].floor, i > 10 ? i - 10 : 0);
        assert_int_equal(f.actors.rows[idle].floor, i > 9 ? 5 : 0);
        assert_int_equal(holm_oplog_at(&f.log, expected - 1)->delta->last, i);
    }
    f.log.bytes_max = 30 * f.run_bytes;
    for (uint64_t i = 201; i <= 240; i++) {
        (void)push(&f, 1, i, i);
        size_t expected = i - 190 < 30 ? i - 190 : 30;
        assert_int_equal(f.log.count, expected);
        for (size_t at = 0; at < expected; at++)
            assert_int_equal(holm_oplog_at(&f.log, at)->delta->first, i + 1 - expected + at);
    }
    close(&f);
}

static void test_oplog_when_one_run_is_beyond_the_bound_then_it_stays_alone(void **state)
{
    struct fixture f;
    open(&f, 0);
    (void)push(&f, 1, 1, 1);
    assert_int_equal(f.log.count, 1);
    uint32_t index = push(&f, 1, 2, 3);
    assert_int_equal(f.log.count, 1);
    assert_int_equal(f.log.bytes, f.run_bytes);
    assert_int_equal(holm_oplog_at(&f.log, 0)->delta->first, 2);
    assert_int_equal(f.actors.rows[index].floor, 1);
    close(&f);
}

static void test_oplog_when_a_floor_is_higher_already_then_trimming_leaves_it(void **state)
{
    struct fixture f;
    open(&f, 1);
    uint32_t index = push(&f, 1, 1, 1);
    holm_actors_raise(&f.actors, index, 20);
    f.actors.rows[index].floor = 20;
    (void)push(&f, 2, 1, 1);
    assert_int_equal(f.actors.rows[index].floor, 20);
    close(&f);
}

static void test_oplog_when_cleared_then_every_floor_is_what_was_applied(void **state)
{
    struct fixture f;
    open(&f, 100);
    uint32_t one = push(&f, 1, 1, 4);
    uint32_t two = push(&f, 2, 1, 7);
    holm_oplog_clear(&f.log, &f.actors);
    assert_int_equal(f.log.count, 0);
    assert_int_equal(f.log.bytes, 0);
    assert_int_equal(f.actors.rows[one].floor, 4);
    assert_int_equal(f.actors.rows[two].floor, 7);
    close(&f);
}

static void test_oplog_when_memory_is_refused_then_it_is_as_it_was(void **state)
{
    struct fixture f;
    open(&f, 1000);
    heap_refuse(&f.heap);
    assert_int_equal(holm_oplog_reserve(&f.log), HOLM_ENOMEM);
    f.heap.fail_at = 0;
    uint64_t pushed = 0;
    do {
        pushed += 1;
        (void)push(&f, 1, pushed, pushed);
    } while (f.log.count < f.log.capacity);
    heap_refuse(&f.heap);
    assert_int_equal(holm_oplog_reserve(&f.log), HOLM_ENOMEM);
    f.heap.fail_at = 0;
    assert_int_equal(f.log.count, pushed);
    assert_int_equal(holm_oplog_at(&f.log, 0)->delta->first, 1);
    (void)push(&f, 1, pushed + 1, pushed + 1);
    assert_int_equal(holm_oplog_at(&f.log, pushed)->delta->first, pushed + 1);
    close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_oplog_when_runs_are_pushed_then_they_stay_in_order),
        cmocka_unit_test(test_oplog_when_full_then_the_oldest_go_and_their_floors_rise),
        cmocka_unit_test(test_oplog_when_one_run_is_beyond_the_bound_then_it_stays_alone),
        cmocka_unit_test(test_oplog_when_a_floor_is_higher_already_then_trimming_leaves_it),
        cmocka_unit_test(test_oplog_when_cleared_then_every_floor_is_what_was_applied),
        cmocka_unit_test(test_oplog_when_memory_is_refused_then_it_is_as_it_was),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

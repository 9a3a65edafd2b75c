/* SPDX-License-Identifier: Apache-2.0 */
/* Q1 to Q3, in one thread where that is enough, with a writer where somebody waits; with every allocation refused. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "node/store_queue.h"
#include "tests/unit/core.h"

#define LONG_US 10000000u

struct fixture {
    struct heap heap;
    struct holm_store_queue queue;
};

static void begin(struct fixture *f, size_t bytes_max)
{
    memset(f, 0, sizeof *f);
    struct holm_allocator allocator = heap_allocator(&f->heap);
    assert_int_equal(holm_store_queue_init(&f->queue, &allocator, bytes_max), HOLM_OK);
}

static void finish(struct fixture *f)
{
    holm_store_queue_release(&f->queue);
    assert_int_equal(f->heap.blocks, 0);
}

static enum holm_status put(struct fixture *f, uint32_t kind, const char *text)
{
    struct holm_store_task task = {kind, 10 + kind, 100 + kind, holm_str(text)};
    return holm_store_queue_put(&f->queue, &task);
}

/* Takes a group, and says what is in it: "1a 2bc ". Twice, as a writer does that begins anew. */
static void expect_group(struct fixture *f, const char *expected)
{
    assert_true(holm_store_queue_take(&f->queue));
    for (int again = 0; again < 2; again++) {
        struct holm_store_task task;
        char text[256] = "";
        size_t cursor = 0, length = 0;
        while (holm_store_queue_next(&f->queue, &cursor, &task)) {
            assert_int_equal(task.partition, 10 + task.kind);
            assert_int_equal(task.number, 100 + task.kind);
            length += (size_t)snprintf(text + length, sizeof text - length, "%u%.*s ", task.kind,
                                       (int)task.bytes.size, (const char *)task.bytes.data);
        }
        assert_string_equal(text, expected);
    }
}

/* ---- one thread ----------------------------------------------------------------------------- */

static void test_store_queue_when_tasks_are_put_they_are_taken_in_order_and_once(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, 1000);
    assert_int_equal(put(&f, 1, "a"), HOLM_OK);
    assert_int_equal(put(&f, 2, ""), HOLM_OK);
    assert_int_equal(put(&f, 3, "bcd"), HOLM_OK);
    assert_true(holm_store_queue_bytes(&f.queue) > 4);
    expect_group(&f, "1a 2 3bcd ");
    assert_int_equal(holm_store_queue_bytes(&f.queue), 0);
    assert_int_equal(put(&f, 4, "e"), HOLM_OK); /* while the first is being written */
    assert_int_equal(holm_store_queue_wait(&f.queue, 0), HOLM_ETIMEDOUT);
    holm_store_queue_done(&f.queue, true);
    assert_int_equal(holm_store_queue_wait(&f.queue, 0), HOLM_ETIMEDOUT);
    expect_group(&f, "4e ");
    holm_store_queue_done(&f.queue, true);
    assert_int_equal(holm_store_queue_wait(&f.queue, 0), HOLM_OK);
    assert_int_equal(put(&f, 5, "f"), HOLM_OK);
    holm_store_queue_close(&f.queue);
    expect_group(&f, "5f ");
    holm_store_queue_done(&f.queue, true);
    assert_false(holm_store_queue_take(&f.queue));
    finish(&f);
}

/* Q2: what is put between them is one group, however much that is, and nothing of what is dropped is taken. */
static void test_store_queue_when_it_is_held_all_of_that_is_one_group_or_none(void **state)
{
    (void)state;
    for (int keep = 0; keep < 2; keep++) {
        struct fixture f;
        begin(&f, 20);
        assert_int_equal(holm_store_queue_hold(&f.queue), HOLM_OK);
        for (uint32_t i = 1; i <= 3; i++)
            assert_int_equal(put(&f, i, "beyond its bound"), HOLM_OK);
        holm_store_queue_let(&f.queue, keep == 1);
        if (keep == 1) {
            expect_group(&f, "1beyond its bound 2beyond its bound 3beyond its bound ");
            holm_store_queue_done(&f.queue, true);
            assert_int_equal(holm_store_queue_wait(&f.queue, 0), HOLM_OK);
        } else {
            assert_false(holm_store_queue_take(&f.queue));
            assert_int_equal(holm_store_queue_wait(&f.queue, LONG_US), HOLM_EIO);
            assert_int_equal(put(&f, 4, "a"), HOLM_EIO);
        }
        finish(&f);
    }
}

/* Q3. */
static void test_store_queue_when_a_group_has_failed_nothing_is_taken_any_more(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, 1000);
    assert_int_equal(put(&f, 1, "a"), HOLM_OK);
    expect_group(&f, "1a ");
    assert_int_equal(put(&f, 2, "b"), HOLM_OK);
    holm_store_queue_done(&f.queue, false);
    assert_false(holm_store_queue_take(&f.queue));
    assert_int_equal(put(&f, 3, "c"), HOLM_EIO);
    assert_int_equal(holm_store_queue_wait(&f.queue, LONG_US), HOLM_EIO);
    assert_int_equal(holm_store_queue_hold(&f.queue), HOLM_EIO);
    finish(&f);
}

/* What is refused is not there, what was there is, and the next is put. */
static void test_store_queue_when_any_allocation_fails_nothing_but_that_task_is_lost(void **state)
{
    (void)state;
    struct fixture f;
    char expected[4096] = "";
    static char text[400];
    size_t refused = 0, length = 0;
    begin(&f, 100000);
    memset(text, 'x', sizeof text - 1);
    for (uint32_t i = 1; i <= 9; i++) {
        heap_refuse(&f.heap);
        const char *what = text + sizeof text - 1 - 40 * (i - 1); /* longer and longer */
        enum holm_status status = put(&f, i, what);
        f.heap.fail_at = 0;
        assert_true(status == HOLM_OK || status == HOLM_ENOMEM);
        refused += status == HOLM_ENOMEM ? 1 : 0;
        if (status == HOLM_ENOMEM)
            assert_int_equal(put(&f, i, what), HOLM_OK);
        length += (size_t)snprintf(expected + length, sizeof expected - length, "%u%s ", i, what);
    }
    assert_in_range(refused, 2, 8);
    struct holm_store_task task;
    size_t cursor = 0, count = 0;
    assert_true(holm_store_queue_take(&f.queue));
    for (; holm_store_queue_next(&f.queue, &cursor, &task); count++)
        assert_int_equal(task.bytes.size, 40 * count);
    assert_int_equal(count, 9);
    holm_store_queue_done(&f.queue, true);
    assert_int_equal(holm_store_queue_wait(&f.queue, 0), HOLM_OK);
    finish(&f);
}

/* Room for a large group is not kept for ever. */
static void test_store_queue_when_a_group_was_large_its_memory_is_given_back(void **state)
{
    (void)state;
    static char large[3 << 20];
    struct fixture f;
    struct holm_store_task task = {1, 1, 1, holm_mem(large, sizeof large)};
    begin(&f, 1000);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(holm_store_queue_put(&f.queue, &task), HOLM_OK);
        assert_true(holm_store_queue_take(&f.queue));
        holm_store_queue_done(&f.queue, true);
    }
    assert_int_equal(f.heap.blocks, 0);
    finish(&f);
}

/* ---- two threads ---------------------------------------------------------------------------- */

/* Writes groups until the queue is closed; so many of them, then it fails. */
struct writer {
    struct holm_store_queue *queue;
    int groups_max;
    atomic_int groups;
    atomic_uint next; /* the kind that comes next: they count upwards */
    atomic_bool disordered;
};

static void *write_all(void *context)
{
    struct writer *writer = context;
    while (holm_store_queue_take(writer->queue)) {
        struct holm_store_task task;
        size_t cursor = 0;
        bool good = atomic_fetch_add(&writer->groups, 1) < writer->groups_max;
        while (good && holm_store_queue_next(writer->queue, &cursor, &task)) {
            if (task.kind != atomic_load(&writer->next))
                atomic_store(&writer->disordered, true);
            atomic_store(&writer->next, task.kind + 1);
        }
        holm_store_queue_done(writer->queue, good);
    }
    return NULL;
}

static void start(struct writer *writer, struct fixture *f, int groups_max, pthread_t *thread)
{
    writer->queue = &f->queue;
    writer->groups_max = groups_max;
    atomic_init(&writer->groups, 0);
    atomic_init(&writer->next, 1);
    atomic_init(&writer->disordered, false);
    assert_int_equal(pthread_create(thread, NULL, write_all, writer), 0);
}

/* Whoever finds it full waits until it is not; who waits for its place has been written. */
static void test_store_queue_when_it_is_full_who_puts_waits_for_the_writer(void **state)
{
    (void)state;
    struct fixture f;
    struct writer writer;
    pthread_t thread;
    begin(&f, 100);
    start(&writer, &f, INT32_MAX, &thread);
    for (uint32_t i = 1; i <= 5000; i++) {
        assert_int_equal(put(&f, i, "some bytes of a task"), HOLM_OK);
        if (i % 500 == 0) {
            assert_int_equal(holm_store_queue_wait(&f.queue, LONG_US), HOLM_OK);
            assert_int_equal(atomic_load(&writer.next), i + 1);
        }
        if (i % 700 == 0) {
            assert_int_equal(holm_store_queue_hold(&f.queue), HOLM_OK);
            assert_int_equal(atomic_load(&writer.next), i + 1);
            holm_store_queue_let(&f.queue, true);
        }
    }
    holm_store_queue_close(&f.queue);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(atomic_load(&writer.next), 5001);
    assert_false(atomic_load(&writer.disordered));
    finish(&f);
}

/* Nobody waits for ever for a writer that has failed. */
static void test_store_queue_when_the_writer_fails_all_who_wait_are_told(void **state)
{
    (void)state;
    for (int groups = 0; groups < 8; groups++) {
        struct fixture f;
        struct writer writer;
        pthread_t thread;
        enum holm_status status = HOLM_OK;
        begin(&f, 100);
        start(&writer, &f, groups, &thread);
        for (uint32_t i = 1; status == HOLM_OK && i < 100000; i++)
            status = put(&f, i, "some bytes of a task");
        assert_int_equal(status, HOLM_EIO);
        assert_int_equal(holm_store_queue_wait(&f.queue, LONG_US), HOLM_EIO);
        assert_int_equal(pthread_join(thread, NULL), 0);
        assert_int_equal(atomic_load(&writer.groups), groups + 1);
        finish(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_store_queue_when_tasks_are_put_they_are_taken_in_order_and_once),
        cmocka_unit_test(test_store_queue_when_it_is_held_all_of_that_is_one_group_or_none),
        cmocka_unit_test(test_store_queue_when_a_group_has_failed_nothing_is_taken_any_more),
        cmocka_unit_test(test_store_queue_when_any_allocation_fails_nothing_but_that_task_is_lost),
        cmocka_unit_test(test_store_queue_when_a_group_was_large_its_memory_is_given_back),
        cmocka_unit_test(test_store_queue_when_it_is_full_who_puts_waits_for_the_writer),
        cmocka_unit_test(test_store_queue_when_the_writer_fails_all_who_wait_are_told),
    };
    return cmocka_run_group_tests_name("store_queue", tests, NULL, NULL);
}

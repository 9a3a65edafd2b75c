/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "transport/backlog.h"

#define PREFIX 9 /* a type and a length */
#define READERS 3

struct bench {
    size_t held;
    bool refuse;
    struct holm_allocator allocator;
    struct holm_backlog backlog;
    struct holm_backlog_reader readers[READERS];
};

static void *resize(void *context, void *memory, size_t size_old, size_t size_new)
{
    struct bench *bench = context;
    if (size_new > size_old && bench->refuse)
        return NULL;
    bench->held += size_new - size_old;
    if (size_new > 0)
        return realloc(memory, size_new);
    free(memory);
    return NULL;
}

static void begin(struct bench *bench, size_t bytes_max)
{
    memset(bench, 0, sizeof *bench);
    bench->allocator = (struct holm_allocator){.resize = resize, .context = bench};
    holm_backlog_init(&bench->backlog, &bench->allocator, bytes_max);
}

static void end(struct bench *bench)
{
    for (size_t i = 0; i < READERS; i++) {
        holm_backlog_leave(&bench->readers[i]);
        holm_backlog_drop_flight(&bench->backlog, &bench->readers[i]);
    }
    holm_backlog_release(&bench->backlog);
    assert_int_equal(bench->held, 0);
}

static void add(struct bench *bench, const char *text)
{
    assert_int_equal(holm_backlog_add(&bench->backlog, holm_str(text)), HOLM_OK);
}

/* Reads all there is, at most `step` bytes a write, into text; returns the bytes. */
static size_t read_all(struct holm_backlog_reader *reader, unsigned char *into, size_t step)
{
    struct holm_bytes pieces[HOLM_BACKLOG_FLIGHT];
    size_t total = 0;
    while (holm_backlog_next(reader, pieces) > 0) {
        size_t now = pieces[0].size < step ? pieces[0].size : step;
        memcpy(into + total, pieces[0].data, now);
        holm_backlog_sent(reader, now);
        total += now;
    }
    return total;
}

static void test_backlog_when_nobody_reads_then_keeps_nothing(void **state)
{
    struct bench bench;
    begin(&bench, 1000);
    add(&bench, "lost");
    assert_int_equal(bench.held, 0);
    end(&bench);
}

static void test_backlog_when_read_in_any_steps_then_same_bytes(void **state)
{
    static const unsigned char typed[] =
        "\1\0\0\0\0\0\0\0\2hi\1\0\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\3you";
    static const unsigned char bare[] = "\0\0\0\0\0\0\0\2hi\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\3you";
    unsigned char got[100];
    for (size_t step = 1; step < 40; step++) {
        struct bench bench;
        begin(&bench, 1000);
        holm_backlog_join(&bench.backlog, &bench.readers[0], NULL, true);
        holm_backlog_join(&bench.backlog, &bench.readers[1], NULL, false);
        add(&bench, "hi");
        add(&bench, "");
        add(&bench, "you");
        assert_int_equal(read_all(&bench.readers[0], got, step), sizeof typed - 1);
        assert_memory_equal(got, typed, sizeof typed - 1);
        assert_true(bench.held > 0);
        assert_int_equal(read_all(&bench.readers[1], got, step), sizeof bare - 1);
        assert_memory_equal(got, bare, sizeof bare - 1);
        assert_int_equal(bench.held, 0);
        end(&bench);
    }
}

static void test_backlog_when_a_reader_joins_then_it_gets_only_what_is_new(void **state)
{
    struct bench bench;
    begin(&bench, 1000);
    holm_backlog_join(&bench.backlog, &bench.readers[0], NULL, true);
    add(&bench, "old");
    holm_backlog_join(&bench.backlog, &bench.readers[1], NULL, true);
    add(&bench, "newer");
    unsigned char got[100];
    assert_int_equal(read_all(&bench.readers[1], got, 100), PREFIX + 5);
    assert_memory_equal(got + PREFIX, "newer", 5);
    assert_int_equal(holm_backlog_leave(&bench.readers[0]), 2);
    assert_int_equal(bench.held, 0);
    end(&bench);
}

static void test_backlog_when_full_then_the_oldest_goes_and_its_readers_are_late(void **state)
{
    struct bench bench;
    begin(&bench, 3 * (PREFIX + 1));
    for (size_t i = 0; i < READERS; i++)
        holm_backlog_join(&bench.backlog, &bench.readers[i], NULL, true);
    add(&bench, "a");
    struct holm_bytes pieces[HOLM_BACKLOG_FLIGHT];
    assert_int_equal(holm_backlog_next(&bench.readers[1], pieces), 1); /* "a" stays in flight */
    unsigned char got[100];
    assert_int_equal(read_all(&bench.readers[2], got, 100), PREFIX + 1);
    add(&bench, "b");
    add(&bench, "c");
    assert_false(bench.readers[0].late || bench.readers[1].late);
    add(&bench, "d");
    assert_true(bench.readers[0].late && bench.readers[1].late);
    assert_false(bench.readers[2].late);
    assert_true(bench.backlog.bytes <= bench.backlog.bytes_max);
    assert_memory_equal((const char *)pieces[0].data + PREFIX, "a", 1);
    assert_int_equal(holm_backlog_leave(&bench.readers[0]), 3);
    assert_int_equal(holm_backlog_leave(&bench.readers[1]), 3);
    assert_int_equal(read_all(&bench.readers[2], got, 100), 3 * (PREFIX + 1));
    holm_backlog_drop_flight(&bench.backlog, &bench.readers[1]);
    assert_int_equal(bench.held, 0);
    end(&bench);
}

static void test_backlog_when_a_frame_exceeds_the_bound_then_it_stands_alone(void **state)
{
    struct bench bench;
    begin(&bench, 20);
    holm_backlog_join(&bench.backlog, &bench.readers[0], NULL, true);
    add(&bench, "more than twenty bytes long");
    unsigned char got[100];
    assert_int_equal(read_all(&bench.readers[0], got, 100), PREFIX + 27);
    end(&bench);
}

static void test_backlog_when_memory_is_refused_then_nothing_is_queued(void **state)
{
    struct bench bench;
    begin(&bench, 1000);
    holm_backlog_join(&bench.backlog, &bench.readers[0], NULL, true);
    bench.refuse = true;
    assert_int_equal(holm_backlog_add(&bench.backlog, holm_str("x")), HOLM_ENOMEM);
    struct holm_bytes pieces[HOLM_BACKLOG_FLIGHT];
    assert_int_equal(holm_backlog_next(&bench.readers[0], pieces), 0);
    end(&bench);
}

static void test_backlog_when_many_wait_then_written_together(void **state)
{
    struct bench bench;
    begin(&bench, 10000);
    holm_backlog_join(&bench.backlog, &bench.readers[0], NULL, true);
    for (unsigned i = 0; i < 20; i++)
        add(&bench, "x");
    struct holm_bytes pieces[HOLM_BACKLOG_FLIGHT];
    size_t writes = 0;
    for (size_t count; (count = holm_backlog_next(&bench.readers[0], pieces)) > 0; writes++)
        holm_backlog_sent(&bench.readers[0], count * (PREFIX + 1));
    assert_int_equal(writes, 3);
    assert_int_equal(bench.held, 0);
    end(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_backlog_when_nobody_reads_then_keeps_nothing),
        cmocka_unit_test(test_backlog_when_read_in_any_steps_then_same_bytes),
        cmocka_unit_test(test_backlog_when_a_reader_joins_then_it_gets_only_what_is_new),
        cmocka_unit_test(test_backlog_when_full_then_the_oldest_goes_and_its_readers_are_late),
        cmocka_unit_test(test_backlog_when_a_frame_exceeds_the_bound_then_it_stands_alone),
        cmocka_unit_test(test_backlog_when_memory_is_refused_then_nothing_is_queued),
        cmocka_unit_test(test_backlog_when_many_wait_then_written_together),
    };
    return cmocka_run_group_tests_name("backlog", tests, NULL, NULL);
}

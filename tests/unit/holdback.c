/* SPDX-License-Identifier: Apache-2.0 */
#include "crdt/holdback.h"

#include "tests/unit/core.h"

#define NOBODY ((struct holm_dot){.seq = 0})

struct fixture {
    struct heap heap;
    struct holm_allocator allocator;
    struct holm_actors actors;
    struct holm_holdback holdback;
    size_t run_bytes; /* of memory, each without deps */
};

static void open(struct fixture *f, size_t runs)
{
    memset(f, 0, sizeof *f);
    f->allocator = heap_allocator(&f->heap);
    struct holm_delta *delta = run_of(&f->allocator, 1, 1, 1, NOBODY);
    f->run_bytes = delta->memory_bytes;
    holm_delta_release(delta);
    holm_actors_init(&f->actors, &f->allocator, 1, 100);
    holm_holdback_init(&f->holdback, &f->allocator, runs * f->run_bytes);
}

static void close(struct fixture *f)
{
    size_t bytes = 0;
    for (size_t i = 0; i < f->holdback.count; i++)
        bytes += f->holdback.held[i].delta->memory_bytes;
    assert_int_equal(bytes, f->holdback.bytes);
    holm_holdback_release(&f->holdback);
    holm_actors_release(&f->actors);
    assert_int_equal(f->heap.blocks, 0);
}

static enum holm_status add(struct fixture *f, uint64_t node, uint64_t first, uint64_t last,
                            struct holm_dot dep)
{
    struct holm_delta *delta = run_of(&f->allocator, node, first, last, dep);
    enum holm_status status = holm_holdback_add(&f->holdback, delta, HOLM_NEVER);
    holm_delta_release(delta);
    return status;
}

static void applied(struct fixture *f, uint64_t node, uint64_t seq)
{
    uint32_t index;
    assert_int_equal(holm_actors_intern(&f->actors, actor_of(node, 1), &index), HOLM_OK);
    holm_actors_raise(&f->actors, index, seq);
}

static void assert_ready(struct fixture *f, uint64_t node, uint64_t first)
{
    struct holm_delta *delta = holm_holdback_ready(&f->holdback, &f->actors);
    assert_non_null(delta);
    assert_int_equal(delta->actor.node.value, node);
    assert_int_equal(delta->first, first);
}

/* T06: nothing is ready before what it follows on, however the runs come. */
static void test_holdback_when_runs_are_early_then_each_is_ready_in_its_turn(void **state)
{
    struct fixture f;
    open(&f, 100);
    assert_null(holm_holdback_ready(&f.holdback, &f.actors));
    assert_int_equal(add(&f, 1, 6, 9, NOBODY), HOLM_OK);
    assert_int_equal(add(&f, 1, 3, 5, NOBODY), HOLM_OK);
    assert_int_equal(add(&f, 1, 10, 10, NOBODY), HOLM_OK);
    assert_null(holm_holdback_ready(&f.holdback, &f.actors));
    applied(&f, 1, 2);
    assert_ready(&f, 1, 3);
    applied(&f, 1, 5);
    assert_ready(&f, 1, 6);
    assert_int_equal(holm_holdback_purge(&f.holdback, &f.actors, 0), 0);
    assert_int_equal(f.holdback.count, 2);
    applied(&f, 1, 9);
    assert_ready(&f, 1, 10);
    applied(&f, 1, 10);
    assert_null(holm_holdback_ready(&f.holdback, &f.actors));
    assert_int_equal(holm_holdback_purge(&f.holdback, &f.actors, 0), 0);
    assert_int_equal(f.holdback.count, 0);
    assert_int_equal(f.holdback.bytes, 0);
    close(&f);
}

static void test_holdback_when_deps_are_missing_then_a_run_waits_for_them(void **state)
{
    struct fixture f;
    open(&f, 100);
    assert_int_equal(add(&f, 2, 1, 1, dot_of(3, 1, 4)), HOLM_OK);
    assert_int_equal(add(&f, 3, 1, 4, dot_of(1, 1, 2)), HOLM_OK);
    assert_int_equal(add(&f, 4, 2, 2, NOBODY), HOLM_OK);
    assert_null(holm_holdback_ready(&f.holdback, &f.actors));
    applied(&f, 1, 1);
    assert_null(holm_holdback_ready(&f.holdback, &f.actors));
    applied(&f, 1, 2);
    assert_ready(&f, 3, 1);
    applied(&f, 3, 4);
    assert_ready(&f, 2, 1);
    applied(&f, 2, 1);
    assert_null(holm_holdback_ready(&f.holdback, &f.actors));
    close(&f);
}

static void test_holdback_when_a_run_is_held_already_then_it_is_ignored(void **state)
{
    struct fixture f;
    open(&f, 100);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(add(&f, 1, 5, 6, NOBODY), HOLM_OK);
        assert_int_equal(add(&f, 1, 3, 4, NOBODY), HOLM_OK);
        assert_int_equal(add(&f, 2, 5, 6, NOBODY), HOLM_OK);
        assert_int_equal(f.holdback.count, 3);
    }
    close(&f);
}

static void test_holdback_when_full_then_a_run_is_refused_and_counted(void **state)
{
    struct fixture f;
    open(&f, 3);
    for (uint64_t i = 0; i < 3; i++)
        assert_int_equal(add(&f, 1, 2 + i, 2 + i, NOBODY), HOLM_OK);
    assert_int_equal(add(&f, 1, 9, 9, NOBODY), HOLM_ELIMIT);
    assert_int_equal(add(&f, 1, 3, 3, NOBODY), HOLM_OK);
    assert_int_equal(f.holdback.dropped, 1);
    assert_int_equal(f.holdback.count, 3);
    applied(&f, 1, 2);
    (void)holm_holdback_purge(&f.holdback, &f.actors, 0);
    assert_int_equal(add(&f, 1, 9, 9, NOBODY), HOLM_OK);
    close(&f);
}

static void test_holdback_when_the_vector_passes_a_run_then_the_purge_drops_it(void **state)
{
    struct fixture f;
    open(&f, 100);
    for (uint64_t i = 0; i < 10; i++)
        assert_int_equal(add(&f, i % 2, 10 * i + 2, 10 * i + 5, NOBODY), HOLM_OK);
    applied(&f, 0, 43); /* 2..5, 22..25 are old, 42..45 overlaps; 62.. and 82.. stay */
    assert_null(holm_holdback_ready(&f.holdback, &f.actors));
    assert_int_equal(holm_holdback_purge(&f.holdback, &f.actors, 0), 0);
    assert_int_equal(f.holdback.count, 7);
    close(&f);
}

/* T34: what waits for a gap that died goes when its time comes, and nothing else. */
static void test_holdback_when_an_epoch_has_ended_then_its_runs_go_in_time(void **state)
{
    struct fixture f;
    open(&f, 100);
    assert_int_equal(add(&f, 1, 2, 2, NOBODY), HOLM_OK);
    assert_int_equal(add(&f, 1, 4, 4, NOBODY), HOLM_OK);
    assert_int_equal(add(&f, 2, 2, 2, NOBODY), HOLM_OK);
    assert_int_equal(holm_holdback_wake(&f.holdback), HOLM_NEVER);
    holm_holdback_doom(&f.holdback, actor_of(1, 1), 500);
    assert_int_equal(holm_holdback_wake(&f.holdback), HOLM_NEVER);
    holm_holdback_doom(&f.holdback, actor_of(1, 2), 500);
    holm_holdback_doom(&f.holdback, actor_of(1, 3), 900);
    assert_int_equal(holm_holdback_wake(&f.holdback), 500);
    assert_int_equal(holm_holdback_purge(&f.holdback, &f.actors, 499), 0);
    assert_int_equal(f.holdback.count, 3);
    assert_int_equal(holm_holdback_purge(&f.holdback, &f.actors, 500), 2);
    assert_int_equal(f.holdback.count, 1);
    assert_int_equal(f.holdback.held[0].delta->actor.node.value, 2);
    assert_int_equal(holm_holdback_wake(&f.holdback), HOLM_NEVER);
    close(&f);
}

static void test_holdback_when_memory_is_refused_then_it_is_as_it_was(void **state)
{
    struct fixture f;
    open(&f, 100);
    struct holm_delta *delta = run_of(&f.allocator, 1, 2, 2, NOBODY);
    heap_refuse(&f.heap);
    assert_int_equal(holm_holdback_add(&f.holdback, delta, HOLM_NEVER), HOLM_ENOMEM);
    assert_int_equal(f.holdback.count, 0);
    assert_int_equal(f.holdback.bytes, 0);
    f.heap.fail_at = 0;
    assert_int_equal(holm_holdback_add(&f.holdback, delta, HOLM_NEVER), HOLM_OK);
    holm_delta_release(delta);
    close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_holdback_when_runs_are_early_then_each_is_ready_in_its_turn),
        cmocka_unit_test(test_holdback_when_deps_are_missing_then_a_run_waits_for_them),
        cmocka_unit_test(test_holdback_when_a_run_is_held_already_then_it_is_ignored),
        cmocka_unit_test(test_holdback_when_full_then_a_run_is_refused_and_counted),
        cmocka_unit_test(test_holdback_when_the_vector_passes_a_run_then_the_purge_drops_it),
        cmocka_unit_test(test_holdback_when_an_epoch_has_ended_then_its_runs_go_in_time),
        cmocka_unit_test(test_holdback_when_memory_is_refused_then_it_is_as_it_was),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

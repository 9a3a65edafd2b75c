/* SPDX-License-Identifier: Apache-2.0 */
#include "crdt/origins.h"

#include "tests/unit/core.h"

static struct holm_origin origin_of(uint64_t copy, uint64_t copied, uint64_t of, uint64_t last)
{
    return (struct holm_origin){
        .copy = {actor_of(1, copy), copied}, .of = actor_of(1, of), .last = last};
}

/* Of epoch e, e - 1 operations are there when bit e is set. */
static uint64_t seq(void *context, struct holm_actor actor)
{
    const uint64_t *bits = context;
    return (*bits >> actor.epoch.value & 1) != 0 ? actor.epoch.value - 1 : 0;
}

static enum holm_origins_part look(struct holm_origins *origins, uint64_t bits, uint64_t epoch)
{
    uint64_t last;
    holm_origins_look(origins, seq, &bits);
    enum holm_origins_part part = holm_origins_there(origins, actor_of(1, epoch), &last);
    assert_int_equal(last, epoch == 9 ? 4 : epoch == 7 ? 3 : 0);
    return part;
}

/* e7 copied what e2 and e5 wrote, e9 what e7 did: 7 is there as e2 and e5, 9 as these or as 7. */
static void test_origins_when_copies_were_copied_then_all_their_names_count(void **state)
{
    (void)state;
    struct heap heap = {0};
    struct holm_allocator allocator = heap_allocator(&heap);
    struct holm_origins origins;
    holm_origins_init(&origins, &allocator);
    const struct holm_origin rows[] = {origin_of(7, 3, 2, 1), origin_of(7, 3, 5, 4),
                                       origin_of(9, 4, 7, 3)};
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(holm_origins_add(&origins, &rows[i]), HOLM_OK);
    holm_origins_check(&origins);
    assert_int_equal(look(&origins, 0, 7), HOLM_ORIGINS_NONE);
    assert_int_equal(look(&origins, 0, 9), HOLM_ORIGINS_NONE);
    assert_int_equal(look(&origins, 1 << 2, 7), HOLM_ORIGINS_SOME);
    assert_int_equal(look(&origins, 1 << 2, 9), HOLM_ORIGINS_SOME);
    assert_int_equal(look(&origins, 1 << 2 | 1 << 5, 7), HOLM_ORIGINS_ALL);
    assert_int_equal(look(&origins, 1 << 2 | 1 << 5, 9), HOLM_ORIGINS_ALL);
    assert_int_equal(look(&origins, 1 << 7, 7), HOLM_ORIGINS_NONE);
    assert_int_equal(look(&origins, 1 << 7, 9), HOLM_ORIGINS_ALL);
    assert_int_equal(look(&origins, 1 << 2 | 1 << 5, 5), HOLM_ORIGINS_NONE);
    holm_origins_release(&origins);
    assert_int_equal(heap.blocks, 0);
}

static void test_origins_when_a_row_cannot_be_then_it_is_refused(void **state)
{
    (void)state;
    struct heap heap = {0};
    struct holm_allocator allocator = heap_allocator(&heap);
    struct holm_origins origins;
    holm_origins_init(&origins, &allocator);
    struct holm_origin rows[] = {origin_of(7, 0, 2, 1), origin_of(7, 3, 7, 1),
                                 origin_of(7, 3, 0, 1), origin_of(7, 3, 2, 0),
                                 origin_of(7, 3, 2, 1)};
    rows[4].of.node.value = 2;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(holm_origins_add(&origins, &rows[i]), HOLM_EMALFORMED);
    rows[4].of.node.value = 1;
    heap.fail_at = heap.calls + 1;
    assert_int_equal(holm_origins_add(&origins, &rows[4]), HOLM_ENOMEM);
    assert_int_equal(origins.count, 0);
    heap.fail_at = 0;
    holm_origins_release(&origins);
}

static void test_origins_when_there_are_too_many_then_the_oldest_goes(void **state)
{
    (void)state;
    struct heap heap = {0};
    struct holm_allocator allocator = heap_allocator(&heap);
    struct holm_origins origins;
    holm_origins_init(&origins, &allocator);
    for (uint64_t i = 1; i <= HOLM_ORIGINS_MAX + 2; i++) {
        struct holm_origin row = origin_of(i + 1, 1, i, 1);
        assert_int_equal(holm_origins_add(&origins, &row), HOLM_OK);
        holm_origins_check(&origins);
    }
    assert_int_equal(origins.count, HOLM_ORIGINS_MAX);
    assert_int_equal(origins.rows[0].of.epoch.value, 3);
    assert_int_equal(origins.rows[origins.count - 1].of.epoch.value, HOLM_ORIGINS_MAX + 2);
    holm_origins_release(&origins);
    assert_int_equal(heap.blocks, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_origins_when_copies_were_copied_then_all_their_names_count),
        cmocka_unit_test(test_origins_when_a_row_cannot_be_then_it_is_refused),
        cmocka_unit_test(test_origins_when_there_are_too_many_then_the_oldest_goes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

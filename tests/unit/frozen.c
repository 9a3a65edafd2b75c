/* SPDX-License-Identifier: Apache-2.0 */
#include "crdt/frozen.h"

#include "tests/unit/core.h"

#include <stdio.h>

#define ELEMENTS 60000

struct fixture {
    struct heap heap;
    struct holm_allocator allocator;
    struct holm_actors actors;
    struct holm_state state;
    struct holm_frozen frozen;
    struct holm_key key;
};

/* One record of many elements, frozen. */
static void open(struct fixture *f, uint64_t elements)
{
    uint32_t index;
    struct holm_spot spot;
    memset(f, 0, sizeof *f);
    f->allocator = heap_allocator(&f->heap);
    holm_actors_init(&f->actors, &f->allocator, 1, 10);
    assert_int_equal(holm_actors_intern(&f->actors, actor_of(1, 1), &index), HOLM_OK);
    assert_int_equal(holm_state_init(&f->state, &f->allocator, &f->actors, 7), HOLM_OK);
    f->key = holm_state_key(&f->state, holm_str("k"));
    holm_state_begin(&f->state);
    assert_int_equal(holm_state_ensure(&f->state, &f->key, &spot), HOLM_OK);
    for (uint64_t i = 1; i <= elements; i++) {
        char element[16];
        snprintf(element, sizeof element, "%08llu", (unsigned long long)i);
        struct holm_cell cell = {
            .kind = HOLM_SET, .actor = index, .seq = i, .hlc = i, .sub = holm_str(element)};
        assert_int_equal(holm_spot_insert(&f->state, &spot, &cell), HOLM_OK);
    }
    holm_state_commit(&f->state);
    holm_actors_raise(&f->actors, index, elements);
    assert_int_equal(holm_frozen_init(&f->frozen, &f->state, (size_t)1 << 30, true), HOLM_OK);
}

static void close(struct fixture *f)
{
    holm_frozen_release(&f->frozen);
    holm_state_release(&f->state);
    holm_actors_release(&f->actors);
    assert_int_equal(f->heap.blocks, 0);
}

static void bury(struct fixture *f, uint64_t seq)
{
    struct holm_spot spot;
    assert_true(holm_state_find(&f->state, &f->key, &spot));
    assert_int_equal(holm_state_bury(&f->state, &spot, 0, seq), HOLM_OK);
}

struct shown {
    uint64_t count;
    struct holm_digest sum;
};

static bool add(void *context, const struct holm_reconcile_entry *entry)
{
    struct shown *shown = context;
    shown->count++;
    holm_digest_add(&shown->sum, entry->term);
    return true;
}

/* Z1. */
static void assert_shown(struct fixture *f, uint64_t elements)
{
    struct shown shown = {0, {0, 0}};
    const struct holm_reconcile_source *source = &f->frozen.source;
    assert_false(f->frozen.broken);
    source->visit(source->context, 0, UINT64_MAX, add, &shown);
    assert_int_equal(shown.count, elements);
    assert_true(holm_digest_equal(shown.sum, holm_tree_total(source->tree)));
}

/* With a look at all that is kept for each cell that goes, this test would run for many seconds. */
static void test_frozen_when_a_large_record_is_buried_then_all_of_it_is_shown(void **state)
{
    struct fixture f;
    open(&f, ELEMENTS);
    holm_state_begin(&f.state);
    bury(&f, ELEMENTS + 1);
    holm_state_commit(&f.state);
    assert_int_equal(f.state.cells, 0);
    assert_shown(&f, ELEMENTS);
    close(&f);
}

/* Z3: what is kept again after a roll-back is shown once. */
static void test_frozen_when_a_burial_is_taken_back_then_nothing_of_it_is_kept(void **state)
{
    struct fixture f;
    open(&f, 500);
    for (int i = 0; i < 2; i++) {
        holm_state_begin(&f.state);
        bury(&f, 501);
        holm_state_rollback(&f.state);
        assert_shown(&f, 500);
        assert_int_equal(f.frozen.change_count, 0);
    }
    holm_state_begin(&f.state);
    bury(&f, 501);
    holm_state_commit(&f.state);
    assert_shown(&f, 500);
    close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_frozen_when_a_large_record_is_buried_then_all_of_it_is_shown),
        cmocka_unit_test(test_frozen_when_a_burial_is_taken_back_then_nothing_of_it_is_kept),
    };

    return cmocka_run_group_tests_name("frozen", tests, NULL, NULL);
}

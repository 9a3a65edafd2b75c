/* SPDX-License-Identifier: Apache-2.0 */
#include "crdt/delta.h"
#include "crdt/vector.h"

#include "tests/unit/core.h"

static struct heap heap;
static struct holm_allocator allocator;

/* A sound run 4..6 of actor 1, with one item of each kind, to be spoilt piece by piece. */
struct sample {
    struct holm_delta *delta;
    struct holm_fill fill;
};

enum {
    PUT,
    DROP_SLOT,
    DROP_PATH,
    COUNT,
    BURY,
    ITEMS
};

static void fill_item(struct holm_fill *fill, size_t at, enum holm_item_op op, uint8_t kind)
{
    struct holm_item *item = &fill->items[at];
    item->op = (uint8_t)op;
    item->kind = kind;
    item->key = holm_fill_bytes(fill, holm_str("key"));
    item->path = holm_fill_bytes(fill, holm_str(op == HOLM_ITEM_BURY ? "" : "\4name"));
}

static struct sample make(void)
{
    struct sample sample;
    struct holm_fill_sizes sizes = {.actors = 3, .items = ITEMS, .seen = 2, .deps = 2, .bytes = 64};
    allocator = heap_allocator(&heap);
    assert_int_equal(holm_delta_new(&allocator, &sizes, &sample.delta, &sample.fill), HOLM_OK);
    struct holm_fill *fill = &sample.fill;
    sample.delta->actor = actor_of(1, 1);
    sample.delta->first = 4;
    sample.delta->last = 6;
    fill->actors[0] = actor_of(1, 1);
    fill->actors[1] = actor_of(0, 7);
    fill->actors[2] = actor_of(2, 1);
    fill->deps[0] = dot_of(0, 7, 3);
    fill->deps[1] = dot_of(2, 1, 9);
    fill->seen[0] = (struct holm_seen){0, 3, 3};
    fill->seen[1] = (struct holm_seen){2, 1, 9};
    fill_item(fill, PUT, HOLM_ITEM_PUT, HOLM_REGISTER);
    fill_item(fill, DROP_SLOT, HOLM_ITEM_DROP_SLOT, HOLM_FLAG);
    fill_item(fill, DROP_PATH, HOLM_ITEM_DROP_PATH, 0);
    fill_item(fill, COUNT, HOLM_ITEM_COUNT, HOLM_COUNTER);
    fill_item(fill, BURY, HOLM_ITEM_BURY, 0);
    fill->items[PUT].seq = 4;
    fill->items[PUT].value = holm_i64(7);
    fill->items[PUT].seen_count = 1;
    fill->items[DROP_SLOT].seen_first = 1;
    fill->items[DROP_SLOT].seen_count = 1;
    fill->items[COUNT].actor = 2;
    fill->items[COUNT].count = (struct holm_count){2, 9, 12, 9, 12};
    fill->items[BURY].seq = 6;
    return sample;
}

/* What each may not be: the sample with one thing spoilt. */
static void spoil(struct sample *s, int how)
{
    static const struct holm_dot folds[] = {{{{1}, {1}}, HOLM_SEQ_FOLDED},
                                            {{{1}, {2}}, HOLM_SEQ_FOLDED}};
    struct holm_fill *fill = &s->fill;
    struct holm_item *items = fill->items;
    switch (how) {
    case 0: /* D1 */
        s->delta->first = 0;
        break;
    case 1:
        s->delta->first = 7;
        break;
    case 2:
        s->delta->last = UINT64_MAX;
        break;
    case 3:
        fill->actors[0] = actor_of(1, 2);
        break;
    case 4:
        fill->actors[2] = actor_of(1, 1);
        break;
    case 5:
        fill->actors[2] = fill->actors[1];
        break;
    case 6:
        s->delta->items.actor_count = 0;
        break;
    case 7: /* D2 */
        items[PUT].actor = 3;
        break;
    case 8:
        items[COUNT].actor = UINT32_MAX;
        break;
    case 9:
        items[PUT].seen_count = 3;
        break;
    case 10:
        items[PUT].seen_first = UINT32_MAX;
        break;
    case 11:
        items[DROP_SLOT].seen_first = 2;
        break;
    case 12:
        items[PUT].key.size = 0;
        break;
    case 13:
        items[PUT].key = holm_mem(fill, HOLM_KEY_BYTES_MAX + 1);
        break;
    case 14:
        items[PUT].path = holm_str("\5name");
        break;
    case 15:
        items[PUT].sub = holm_str("element");
        break;
    case 16:
        items[PUT].kind = 0;
        break;
    case 17:
        items[BURY].kind = HOLM_REGISTER;
        break;
    case 18:
        items[DROP_PATH].kind = HOLM_REGISTER;
        break;
    case 19:
        items[COUNT].kind = HOLM_SET;
        break;
    case 20:
        items[PUT].kind = HOLM_COUNTER;
        break;
    case 21:
        items[DROP_SLOT].op = 0;
        break;
    case 22:
        items[DROP_SLOT].op = 77;
        break;
    case 23:
        items[PUT].op = HOLM_ITEM_KNOWN;
        break;
    case 24: /* D3 */
        items[PUT].actor = 2;
        break;
    case 25:
        items[PUT].seq = 3;
        break;
    case 26:
        items[BURY].seq = 7;
        break;
    case 27:
        items[PUT].seq = 6;
        break;
    case 28:
        items[BURY].actor = 1;
        break;
    case 29: /* D4 */
        items[COUNT].count.start = 0;
        break;
    case 30:
        items[COUNT].count.start = 10;
        break;
    case 31:
        items[COUNT].count.cancelled = 10;
        break;
    case 32:
        items[COUNT].actor = 0;
        break;
    case 33: /* D5 */
        fill->deps[0] = dot_of(1, 1, 3);
        break;
    case 34:
        fill->deps[1] = dot_of(0, 6, 3);
        break;
    case 35:
        fill->deps[1].seq = 0;
        break;
    case 36: /* D6 */
        fill->seen[0].last = 4;
        break;
    case 37:
        fill->seen[0].last = UINT64_MAX;
        break;
    case 38:
        fill->seen[1].first = 0;
        break;
    case 39:
        fill->seen[1].first = 10;
        break;
    case 40:
        fill->seen[1].actor = 3;
        break;
    case 41: /* D7 */
        s->delta->collected = (struct holm_vector_view){&folds[0], 1};
        break;
    case 42: /* by a later epoch of the node */
        s->delta->collected = (struct holm_vector_view){&folds[1], 1};
        break;
    default:
        fail();
    }
}

static void test_delta_when_sound_then_the_check_lets_it_pass(void **state)
{
    struct sample sample = make();
    assert_int_equal(holm_delta_check(sample.delta), HOLM_OK);
    sample.fill.items[DROP_SLOT].kind = 99;
    sample.fill.items[DROP_SLOT].sub = holm_str("of a newer kind");
    assert_int_equal(holm_delta_check(sample.delta), HOLM_OK);
    holm_delta_release(sample.delta);
    assert_int_equal(heap.blocks, 0);
}

/* D1 to D7, each with offenders. */
static void test_delta_when_one_thing_is_wrong_then_the_check_refuses_it(void **state)
{
    for (int how = 0; how <= 42; how++) {
        struct sample sample = make();
        spoil(&sample, how);
        if (holm_delta_check(sample.delta) != HOLM_EMALFORMED)
            fail_msg("offender %d passed", how);
        holm_delta_release(sample.delta);
    }
    assert_int_equal(heap.blocks, 0);
}

static void test_delta_when_made_then_all_parts_lie_in_one_allocation(void **state)
{
    struct sample sample = make();
    const unsigned char *memory = (const unsigned char *)sample.delta;
    assert_int_equal(heap.blocks, 1);
    assert_int_equal(heap.bytes, sample.delta->memory_bytes);
    assert_true(sample.fill.bytes_end <= memory + sample.delta->memory_bytes);
    assert_int_equal((uintptr_t)sample.fill.items % _Alignof(struct holm_item), 0);
    assert_int_equal((uintptr_t)sample.fill.seen % _Alignof(struct holm_seen), 0);
    assert_int_equal((uintptr_t)sample.fill.deps % _Alignof(struct holm_dot), 0);
    holm_delta_release(sample.delta);
    assert_int_equal(heap.blocks, 0);
}

static void test_delta_when_retained_then_the_last_release_frees_it(void **state)
{
    struct sample sample = make();
    holm_delta_retain(sample.delta);
    holm_delta_release(sample.delta);
    assert_int_equal(heap.blocks, 1);
    holm_delta_release(sample.delta);
    assert_int_equal(heap.blocks, 0);
    holm_delta_release(NULL);
    holm_page_release(NULL);
}

static void test_delta_when_memory_is_refused_then_there_is_none(void **state)
{
    struct holm_fill_sizes sizes = {.actors = 1};
    struct holm_fill fill;
    struct holm_delta *delta;
    struct holm_page *page;
    allocator = heap_allocator(&heap);
    heap_refuse(&heap);
    assert_int_equal(holm_delta_new(&allocator, &sizes, &delta, &fill), HOLM_ENOMEM);
    heap_refuse(&heap);
    assert_int_equal(holm_page_new(&allocator, &sizes, &page, &fill), HOLM_ENOMEM);
    heap.fail_at = 0;
}

static struct holm_page *make_page(struct holm_fill *fill)
{
    struct holm_fill_sizes sizes = {.actors = 2, .items = 4, .bytes = 64};
    struct holm_page *page;
    allocator = heap_allocator(&heap);
    assert_int_equal(holm_page_new(&allocator, &sizes, &page, fill), HOLM_OK);
    fill->actors[0] = actor_of(1, 1);
    fill->actors[1] = actor_of(1, 2);
    fill_item(fill, 0, HOLM_ITEM_PUT, HOLM_SET);
    fill_item(fill, 1, HOLM_ITEM_KNOWN, HOLM_REGISTER);
    fill_item(fill, 2, HOLM_ITEM_COUNT, HOLM_COUNTER);
    fill_item(fill, 3, HOLM_ITEM_BURY, 0);
    fill->items[0].sub = holm_fill_bytes(fill, holm_str("e"));
    fill->items[0].seq = 1;
    fill->items[1].seq = 9;
    fill->items[1].actor = 1;
    fill->items[2].count = (struct holm_count){1, 1, -4, 0, 0};
    fill->items[3].seq = 1;
    return page;
}

static void spoil_page(struct holm_page *page, struct holm_fill *fill, int how)
{
    switch (how) {
    case 0:
        fill->items[0].seq = 0;
        break;
    case 1:
        fill->items[1].actor = 2;
        break;
    case 2:
        fill->items[1].op = HOLM_ITEM_DROP_SLOT;
        break;
    case 3:
        fill->items[3].op = HOLM_ITEM_DROP_PATH;
        break;
    case 4:
        fill->items[2].count.cancelled = 2;
        break;
    case 5:
        fill->actors[1] = actor_of(1, 1);
        break;
    case 6:
        fill->actors[1] = actor_of(0, 9);
        break;
    case 7:
        page->items.seen_count = 1;
        break;
    case 8:
        fill->items[0].seen_count = 1;
        break;
    case 9:
        page->items.actor_count = 0;
        break;
    case 10:
        fill->items[1].key.size = 0;
        break;
    default:
        fail();
    }
}

static void test_page_when_sound_then_the_check_lets_it_pass_and_spoilt_not(void **state)
{
    struct holm_fill fill;
    struct holm_page *page = make_page(&fill);
    assert_int_equal(holm_page_check(page), HOLM_OK);
    holm_page_retain(page);
    holm_page_release(page);
    holm_page_release(page);
    for (int how = 0; how <= 10; how++) {
        page = make_page(&fill);
        spoil_page(page, &fill, how);
        if (holm_page_check(page) != HOLM_EMALFORMED)
            fail_msg("offender %d passed", how);
        holm_page_release(page);
    }
    assert_int_equal(heap.blocks, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_delta_when_sound_then_the_check_lets_it_pass),
        cmocka_unit_test(test_delta_when_one_thing_is_wrong_then_the_check_refuses_it),
        cmocka_unit_test(test_delta_when_made_then_all_parts_lie_in_one_allocation),
        cmocka_unit_test(test_delta_when_retained_then_the_last_release_frees_it),
        cmocka_unit_test(test_delta_when_memory_is_refused_then_there_is_none),
        cmocka_unit_test(test_page_when_sound_then_the_check_lets_it_pass_and_spoilt_not),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

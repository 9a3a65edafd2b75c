/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cuts and their merging: pages, their limits, payloads left out, all or nothing.
 */
#include "tests/unit/trio.h"

#include <stdio.h>

enum {
    A,
    B,
    C
};

static void put(struct trio *trio, uint32_t node, const char *key, struct holm_value value)
{
    trio_write(trio, node, holm_op_put(holm_str(key), holm_str("f"), value));
}

static struct holm_cut *open_cut(struct trio *trio, uint32_t node)
{
    struct holm_now now = {trio->now_us, 1};
    struct holm_cut *cut;
    assert_int_equal(holm_cut_open(trio->replicas[node], now, &trio->work, &cut), HOLM_OK);
    return cut;
}

static enum holm_status load(struct trio *trio, uint32_t node, const struct holm_cut *cut,
                             size_t page_count)
{
    const struct holm_page *pages[64];
    struct holm_now now = {trio->now_us, 1};
    assert_in_range(page_count, 0, 64);
    for (size_t i = 0; i < page_count; i++)
        pages[i] = holm_cut_page(cut, i);
    return holm_replica_load(trio->replicas[node], holm_cut_vector(cut), pages, page_count, now,
                             &trio->work);
}

static void assert_same(const struct trio *trio, uint32_t one, uint32_t two)
{
    const struct holm_replica *left = trio->replicas[one];
    const struct holm_replica *right = trio->replicas[two];
    assert_int_equal(left->actors.hash, right->actors.hash);
    assert_true(holm_digest_equal(left->state.digest, right->state.digest));
    assert_true(
        holm_digest_equal(holm_tree_total(&left->state.tree), holm_tree_total(&right->state.tree)));
}

/* Every kind, with siblings, a ghost and a tombstone: A has it all, B has written beside it. */
static void fill(struct trio *trio)
{
    struct holm_op insert = holm_op_of(HOLM_OP_INSERT, holm_str("set"), holm_str("f"));
    trio->deaf = true;
    put(trio, A, "shared", holm_text("a"));
    put(trio, A, "only a", holm_double(0.5));
    trio_write(trio, A, holm_op_add(holm_str("count"), holm_str("f"), 7));
    trio_write(trio, A, holm_op_of(HOLM_OP_RESET, holm_str("count"), holm_str("f")));
    trio_write(trio, A, holm_op_of(HOLM_OP_BURY, holm_str("dead"), holm_mem(NULL, 0)));
    insert.as.element = holm_str("element");
    trio_write(trio, A, insert);
    put(trio, B, "shared", holm_text("b"));
    put(trio, B, "dead", holm_text("killed"));
    put(trio, B, "only b", holm_bool(true));
    trio_write(trio, B, holm_op_add(holm_str("count"), holm_str("f"), 5));
}

static void test_cut_when_merged_both_ways_then_the_states_are_equal(void **state)
{
    struct trio trio;
    struct holm_replica_config config = trio_config();
    trio_open(&trio, &config);
    fill(&trio);
    struct holm_cut *a = open_cut(&trio, A);
    struct holm_cut *b = open_cut(&trio, B);
    assert_int_equal(load(&trio, B, a, holm_cut_page_count(a)), HOLM_OK);
    assert_true(trio.work->touched_all);
    assert_int_equal(load(&trio, A, b, holm_cut_page_count(b)), HOLM_OK);
    assert_same(&trio, A, B);
    holm_replica_check(trio.replicas[A]);
    holm_replica_check(trio.replicas[B]);
    assert_true(holm_replica_buried(trio.replicas[B], holm_str("dead")));
    assert_false(holm_replica_exists(trio.replicas[A], holm_str("dead")));
    /* Again, and from one's own past: nothing changes. */
    struct holm_digest digest = holm_replica_transfer_digest(trio.replicas[A]);
    assert_int_equal(load(&trio, A, a, holm_cut_page_count(a)), HOLM_OK);
    assert_int_equal(load(&trio, A, b, holm_cut_page_count(b)), HOLM_OK);
    assert_true(holm_digest_equal(digest, holm_replica_transfer_digest(trio.replicas[A])));
    holm_cut_close(a);
    holm_cut_close(b);
    holm_cut_close(NULL);
    trio_close(&trio);
}

/* What changes after the freeze is not in the cut; what the cut lacks and covers goes. */
static void test_cut_when_the_state_changes_then_the_cut_does_not(void **state)
{
    struct trio trio;
    struct holm_replica_config config = trio_config();
    trio_open(&trio, &config);
    trio.deaf = true;
    put(&trio, A, "old", holm_i64(1));
    struct holm_cut *before = open_cut(&trio, A);
    trio_write(&trio, A, holm_op_of(HOLM_OP_REMOVE, holm_str("old"), holm_mem(NULL, 0)));
    put(&trio, A, "new", holm_i64(2));
    struct holm_cut *after = open_cut(&trio, A);
    assert_int_equal(load(&trio, B, before, holm_cut_page_count(before)), HOLM_OK);
    assert_true(holm_replica_exists(trio.replicas[B], holm_str("old")));
    assert_false(holm_replica_exists(trio.replicas[B], holm_str("new")));
    assert_int_equal(load(&trio, B, after, holm_cut_page_count(after)), HOLM_OK);
    assert_same(&trio, A, B);
    assert_int_equal(load(&trio, B, before, holm_cut_page_count(before)), HOLM_OK);
    assert_same(&trio, A, B);
    holm_cut_close(before);
    holm_cut_close(after);
    trio_close(&trio);
}

/* T23: bounded pages, by items and by bytes, each sound, and all of it arrives. */
static void test_cut_when_there_is_much_then_pages_keep_their_limits(void **state)
{
    static char value[1000];
    struct trio trio;
    struct holm_replica_config config = trio_config();
    config.page_items_max = 50;
    config.frame_bytes_max = 65536;
    trio_open(&trio, &config);
    trio.deaf = true;
    for (uint32_t i = 0; i < 500; i++) {
        char key[16];
        (void)snprintf(key, sizeof key, "key %u", i);
        put(&trio, A, key, holm_bytes_value(value, i % 100 < 50 ? 1 : 1000));
    }
    static char limit[65536 / 4];
    put(&trio, A, "the limit", holm_bytes_value(limit, sizeof limit));
    struct holm_op beyond = holm_op_put(holm_str("k"), holm_str("f"),
                                        holm_bytes_value(limit, sizeof limit));
    beyond.as.value.as.bytes.size += 1;
    assert_int_equal(trio_commit(&trio, A, &beyond, 1), HOLM_ETOOBIG);
    struct holm_cut *cut = open_cut(&trio, A);
    size_t items = 0;
    for (size_t i = 0; i < holm_cut_page_count(cut); i++) {
        const struct holm_page *page = holm_cut_page(cut, i);
        size_t bytes = 0;
        assert_int_equal(holm_page_check(page), HOLM_OK);
        assert_in_range(page->items.item_count, 1, 50);
        for (uint32_t j = 0; j < page->items.item_count; j++)
            bytes += holm_item_bytes_max(&page->items.items[j]);
        assert_in_range(bytes, 1, 32768);
        items += page->items.item_count;
    }
    assert_int_equal(items, 501);
    assert_in_range(holm_cut_page_count(cut), 11, 40);
    assert_int_equal(load(&trio, B, cut, holm_cut_page_count(cut)), HOLM_OK);
    assert_same(&trio, A, B);
    holm_cut_close(cut);
    trio_close(&trio);
}

static void test_cut_when_the_reader_has_a_cell_then_its_payload_is_left_out(void **state)
{
    struct trio trio;
    struct holm_replica_config config = trio_config();
    struct holm_dot known = dot_of(1, 1, 1);
    trio_open(&trio, &config);
    trio.deaf = true;
    put(&trio, A, "k", holm_text("known"));
    struct holm_cut *first = open_cut(&trio, A);
    put(&trio, A, "l", holm_text("new"));
    assert_int_equal(trio_event(&trio, A, HOLM_EVENT_FLUSH), HOLM_OK);
    struct holm_cut *cut;
    assert_int_equal(
        holm_cut_copy(trio.replicas[A], NULL, (struct holm_vector_view){&known, 1}, &cut), HOLM_OK);
    const struct holm_page *page = holm_cut_page(cut, 0);
    assert_int_equal(page->items.item_count, 2);
    for (uint32_t i = 0; i < 2; i++) {
        const struct holm_item *item = &page->items.items[i];
        bool old = item->seq == 1;
        assert_int_equal(item->op, old ? HOLM_ITEM_KNOWN : HOLM_ITEM_PUT);
        assert_int_equal(item->value.type, old ? HOLM_NONE : HOLM_TEXT);
    }
    /* To whom it was not meant for, it is unreadable, and nothing of it is taken. */
    assert_int_equal(load(&trio, B, cut, 1), HOLM_EMALFORMED);
    assert_int_equal(trio_stats(&trio, B).cells, 0);
    holm_replica_check(trio.replicas[B]);
    assert_int_equal(load(&trio, B, first, 1), HOLM_OK);
    assert_int_equal(load(&trio, B, cut, 1), HOLM_OK);
    assert_same(&trio, A, B);
    holm_cut_close(cut);
    holm_cut_close(first);
    trio_close(&trio);
}

/* T30: cells that the vector does not cover, operations of the reader's own, a vector unsorted. */
static void test_cut_when_it_contradicts_itself_then_nothing_of_it_is_taken(void **state)
{
    struct trio trio;
    struct holm_replica_config config = trio_config();
    trio_open(&trio, &config);
    fill(&trio);
    struct holm_cut *cut = open_cut(&trio, A);
    const struct holm_page *page = holm_cut_page(cut, 0);
    struct holm_dot vectors[][2] = {
        {dot_of(1, 1, 5)},                  /* A wrote six */
        {dot_of(1, 1, 6), dot_of(2, 1, 9)}, /* B wrote four */
        {dot_of(2, 1, 1), dot_of(1, 1, 6)},
        {dot_of(1, 1, 6), dot_of(3, 1, 0)},
    };
    struct holm_digest digest = holm_replica_transfer_digest(trio.replicas[B]);
    for (size_t i = 0; i < 4; i++) {
        struct holm_vector_view vector = {vectors[i], i == 0 ? 1 : 2};
        struct holm_now now = {trio.now_us, 1};
        assert_int_equal(holm_replica_load(trio.replicas[B], vector, &page, 1, now, &trio.work),
                         i == 1 ? HOLM_EDUPLICATE : HOLM_EMALFORMED);
        assert_true(holm_digest_equal(digest, holm_replica_transfer_digest(trio.replicas[B])));
        assert_int_equal(holm_replica_seq(trio.replicas[B], actor_of(1, 1)), 0);
        holm_replica_check(trio.replicas[B]);
    }
    holm_cut_close(cut);
    trio_close(&trio);
}

/* Each allocation of freezing and of merging refused in turn: nothing leaks, all is as it was. */
static void test_cut_when_any_allocation_fails_then_all_is_as_it_was(void **state)
{
    for (int merging = 0; merging < 2; merging++) {
        uint64_t fail_at = 0;
        enum holm_status status;
        do {
            struct trio trio;
            struct holm_cut *cut = NULL;
            struct holm_now now = {1000000, 1};
            struct holm_replica_config config = trio_config();
            config.page_items_max = 2;
            trio_open(&trio, &config);
            fill(&trio);
            assert_int_equal(trio_event(&trio, B, HOLM_EVENT_FLUSH), HOLM_OK);
            if (merging)
                cut = open_cut(&trio, A);
            struct holm_digest digest = holm_replica_transfer_digest(trio.replicas[B]);
            uint64_t hash = trio.replicas[B]->actors.hash;
            trio.heap.calls = 0;
            trio.heap.fail_at = ++fail_at;
            status = merging ? load(&trio, B, cut, holm_cut_page_count(cut))
                             : holm_cut_open(trio.replicas[B], now, &trio.work, &cut);
            trio.heap.fail_at = 0;
            holm_replica_check(trio.replicas[B]);
            if (status != HOLM_OK || !merging) {
                assert_true(
                    holm_digest_equal(digest, holm_replica_transfer_digest(trio.replicas[B])));
                assert_int_equal(trio.replicas[B]->actors.hash, hash);
            }
            holm_cut_close(cut);
            trio_close(&trio);
        } while (status == HOLM_ENOMEM);
        assert_int_equal(status, HOLM_OK);
        assert_in_range(fail_at, 4, 200);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cut_when_merged_both_ways_then_the_states_are_equal),
        cmocka_unit_test(test_cut_when_the_state_changes_then_the_cut_does_not),
        cmocka_unit_test(test_cut_when_there_is_much_then_pages_keep_their_limits),
        cmocka_unit_test(test_cut_when_the_reader_has_a_cell_then_its_payload_is_left_out),
        cmocka_unit_test(test_cut_when_it_contradicts_itself_then_nothing_of_it_is_taken),
        cmocka_unit_test(test_cut_when_any_allocation_fails_then_all_is_as_it_was),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

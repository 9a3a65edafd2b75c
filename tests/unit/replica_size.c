/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sizes that a user reaches: large sets, many pending operations, many held runs, many epochs. What
 * grows with the square of any of these does not end within the test's time.
 */
#include "tests/unit/trio.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum {
    A,
    B,
    C
};

struct text {
    char text[24];
};

static struct holm_bytes name(struct text *text, const char *prefix, uint32_t i)
{
    int size = snprintf(text->text, sizeof text->text, "%s%u", prefix, i);
    return holm_mem(text->text, (size_t)size);
}

static void insert(struct trio *trio, uint32_t node, const char *key, uint32_t i)
{
    struct text text;
    struct holm_op op = holm_op_of(HOLM_OP_INSERT, holm_str(key), holm_str("friends"));
    op.as.element = name(&text, "hero:", i);
    trio_write(trio, node, op);
}

static void assert_equal(const struct trio *trio)
{
    for (uint32_t i = 1; i < TRIO; i++) {
        assert_int_equal(trio->replicas[0]->actors.hash, trio->replicas[i]->actors.hash);
        assert_true(
            holm_digest_equal(trio->replicas[0]->state.digest, trio->replicas[i]->state.digest));
    }
}

/* The dots of the set have holes, so that no ranges of them come together. */
static void fill_set(struct trio *trio, uint32_t elements)
{
    for (uint32_t i = 0; i < elements; i++) {
        insert(trio, i % 2, "k", i);
        insert(trio, i % 2, "other", i % 10);
        if (i % 256 < 2)
            (void)trio_run(trio, 2000);
    }
    (void)trio_run(trio, 1000000);
    assert_equal(trio);
}

static void test_replica_when_a_large_set_is_removed_then_it_goes_everywhere(void **state)
{
    struct trio trio;
    struct holm_replica_config config = trio_config();
    trio_open(&trio, &config);
    fill_set(&trio, 100000);
    clock_t start = clock();
    trio_write(&trio, A, holm_op_of(HOLM_OP_REMOVE, holm_str("k"), holm_mem(NULL, 0)));
    (void)trio_run(&trio, 1000000);
    print_message("removed in %ld ms\n", (long)((clock() - start) * 1000 / CLOCKS_PER_SEC));
    assert_equal(&trio);
    assert_false(holm_replica_exists(trio.replicas[C], holm_str("k")));
    assert_true(holm_replica_exists(trio.replicas[C], holm_str("other")));
    trio_close(&trio);
}

/* A batch is as large as half a frame: 5,000 records, written and buried in one. */
static void test_replica_when_a_full_batch_buries_then_it_ends_soon(void **state)
{
    enum {
        RECORDS = 2500
    };
    static struct holm_op ops[2 * RECORDS];
    static struct text texts[RECORDS];
    struct trio trio;
    struct holm_replica_config config = trio_config();
    trio_open(&trio, &config);
    for (uint32_t i = 0; i < RECORDS; i++) {
        struct holm_bytes key = name(&texts[i], "hero:", i);
        ops[i] = holm_op_put(key, holm_str("name"), holm_i64(i));
        ops[RECORDS + i] = holm_op_of(HOLM_OP_BURY, key, holm_mem(NULL, 0));
    }
    clock_t start = clock();
    assert_int_equal(trio_commit(&trio, A, ops, 2 * RECORDS), HOLM_OK);
    print_message("buried in %ld ms\n", (long)((clock() - start) * 1000 / CLOCKS_PER_SEC));
    (void)trio_run(&trio, 1000000);
    assert_equal(&trio);
    assert_int_equal(trio_stats(&trio, C).tombstones, RECORDS);
    assert_int_equal(trio_stats(&trio, C).cells, 0);
    trio_close(&trio);
}

/* T23: a million small keys come whole to a new node, in pages that keep their limits. */
static void test_replica_when_a_million_keys_go_to_a_new_node_then_all_arrive(void **state)
{
    enum {
        KEYS = 1000000,
        BATCH = 1000
    };
    static struct holm_op ops[BATCH];
    static struct text texts[BATCH];
    struct trio trio;
    struct holm_replica_config config = trio_config();
    config.frame_bytes_max = 65536;
    trio_open(&trio, &config);
    trio.deaf = true;
    for (uint32_t first = 0; first < KEYS; first += BATCH) {
        for (uint32_t i = 0; i < BATCH; i++)
            ops[i] = holm_op_put(name(&texts[i], "k", first + i), holm_str(""),
                                 holm_i64(first + i));
        for (uint32_t i = 0; i < BATCH; i += 100)
            assert_int_equal(trio_commit(&trio, A, ops + i, 100), HOLM_OK);
    }
    struct holm_now now = {1000, 5000};
    const struct holm_work *work;
    struct holm_cut *cut;
    assert_int_equal(holm_cut_open(trio.replicas[A], now, &work, &cut), HOLM_OK);
    size_t count = holm_cut_page_count(cut);
    size_t items = 0;
    const struct holm_page **pages = calloc(count, sizeof(const struct holm_page *));
    assert_non_null(pages);
    for (size_t p = 0; p < count; p++) {
        size_t bytes = 0;
        pages[p] = holm_cut_page(cut, p);
        for (uint32_t i = 0; i < pages[p]->items.item_count; i++)
            bytes += holm_item_bytes_max(&pages[p]->items.items[i]);
        assert_in_range(bytes, 1, config.frame_bytes_max / 2);
        items += pages[p]->items.item_count;
    }
    assert_int_equal(items, KEYS);
    assert_int_equal(
        holm_replica_load(trio.replicas[B], holm_cut_vector(cut), pages, count, now, &work),
        HOLM_OK);
    assert_true(holm_digest_equal(trio.replicas[A]->state.digest, trio.replicas[B]->state.digest));
    assert_int_equal(trio.replicas[A]->actors.hash, trio.replicas[B]->actors.hash);
    assert_int_equal(trio_stats(&trio, B).records, KEYS);
    for (uint32_t i = 0; i < KEYS; i += 997) {
        struct holm_cell_view view;
        struct holm_bytes key = name(&texts[0], "k", i);
        assert_int_equal(
            holm_replica_get(trio.replicas[B], key, holm_str(""), HOLM_REGISTER, &view), HOLM_OK);
        assert_int_equal(view.value.as.i64, i);
    }
    free(pages);
    holm_cut_close(cut);
    trio_close(&trio);
}

/* T07: one run of 9,000 is late; what was held back meanwhile follows it at once. */
static void test_replica_when_thousands_are_held_then_the_gap_lets_all_through(void **state)
{
    enum {
        RUNS = 9000
    };
    static struct holm_delta *runs[RUNS];
    struct trio trio;
    struct text text;
    struct holm_replica_config config = trio_config();
    config.log_bytes_max = 16 << 20;
    config.holdback_bytes_max = 16 << 20;
    trio_open(&trio, &config);
    trio.deaf = true;
    for (uint32_t i = 0; i < RUNS; i++) {
        trio_write(&trio, A, holm_op_put(name(&text, "k", i), holm_str("f"), holm_i64(i)));
        assert_int_equal(trio_event(&trio, A, HOLM_EVENT_FLUSH), HOLM_OK);
        runs[i] = trio_last_run(&trio, A);
    }
    for (uint32_t i = RUNS - 1; i > 0; i--)
        assert_int_equal(trio_give_delta(&trio, B, HOLM_PEER_NONE, runs[i]), HOLM_OK);
    assert_int_equal(trio_stats(&trio, B).held, RUNS - 1);
    clock_t start = clock();
    assert_int_equal(trio_give_delta(&trio, B, HOLM_PEER_NONE, runs[0]), HOLM_OK);
    print_message("drained in %ld ms\n", (long)((clock() - start) * 1000 / CLOCKS_PER_SEC));
    assert_int_equal(trio_stats(&trio, B).held, 0);
    assert_int_equal(trio_stats(&trio, B).deltas_applied, RUNS);
    assert_int_equal(trio.work->stored_count, RUNS);
    for (uint32_t i = 0; i < RUNS; i++)
        holm_delta_release(runs[i]);
    trio_close(&trio);
}

/* T20, with retention forever: four thousand lives of a node have counted, then all is reset. */
static void test_replica_when_many_epochs_counted_then_reading_and_resetting_stay_quick(
    void **state)
{
    enum {
        EPOCHS = 4000
    };
    struct trio trio;
    int64_t sum;
    struct holm_replica_config config = trio_config();
    config.log_bytes_max = 64 << 20;
    trio_open(&trio, &config);
    trio.deaf = true;
    for (uint32_t i = 0; i < EPOCHS; i++) {
        struct holm_event event = {.type = HOLM_EVENT_EPOCH, .as.epoch = {i + 2}};
        trio_write(&trio, A, holm_op_add(holm_str("k"), holm_str("n"), 1));
        assert_int_equal(trio_step(&trio, A, &event), HOLM_OK);
    }
    assert_int_equal(trio_stats(&trio, A).vector_entries, EPOCHS);
    assert_int_equal(holm_replica_count(trio.replicas[A], holm_str("k"), holm_str("n"), &sum),
                     HOLM_OK);
    assert_int_equal(sum, EPOCHS);
    clock_t start = clock();
    trio_beacon(&trio, A);
    (void)trio_run(&trio, 2000000);
    assert_equal(&trio);
    print_message("synced in %ld ms\n", (long)((clock() - start) * 1000 / CLOCKS_PER_SEC));
    trio.deaf = false;
    start = clock();
    trio_write(&trio, B, holm_op_of(HOLM_OP_RESET, holm_str("k"), holm_str("n")));
    (void)trio_run(&trio, 2000000);
    print_message("reset in %ld ms\n", (long)((clock() - start) * 1000 / CLOCKS_PER_SEC));
    assert_equal(&trio);
    assert_int_equal(holm_replica_count(trio.replicas[C], holm_str("k"), holm_str("n"), &sum),
                     HOLM_ENOENT);
    trio_close(&trio);
}

/* A reset names every writer whose part is live. What does not fit into half a frame is refused whole:
 * here 18 marks of 113 bytes at most do, where the default frame of 1 MiB has room for 4,600. */
static void test_replica_when_a_reset_names_more_than_fits_then_it_is_refused_whole(void **state)
{
    struct trio trio;
    int64_t sum;
    struct holm_op reset = holm_op_reset(holm_str("k"), holm_str("n"));
    struct holm_replica_config config = trio_config();
    config.frame_bytes_max = 4096;
    trio_open(&trio, &config);
    for (uint32_t lives = 1; lives <= 40; lives++) {
        struct holm_event event = {.type = HOLM_EVENT_EPOCH, .as.epoch = {lives + 1}};
        trio_write(&trio, A, holm_op_add(holm_str("k"), holm_str("n"), 1));
        assert_int_equal(trio_step(&trio, A, &event), HOLM_OK);
        if (lives == 18) {
            trio_write(&trio, A, reset);
            assert_int_equal(holm_replica_count(trio.replicas[A], reset.key, reset.field, &sum),
                             HOLM_ENOENT);
        }
    }
    struct holm_digest before = holm_replica_transfer_digest(trio.replicas[A]);
    assert_int_equal(trio_commit(&trio, A, &reset, 1), HOLM_ETOOBIG);
    reset.type = HOLM_OP_REMOVE;
    assert_int_equal(trio_commit(&trio, A, &reset, 1), HOLM_ETOOBIG);
    assert_true(holm_digest_equal(before, holm_replica_transfer_digest(trio.replicas[A])));
    assert_int_equal(holm_replica_count(trio.replicas[A], reset.key, reset.field, &sum), HOLM_OK);
    assert_int_equal(sum, 22);
    trio_write(&trio, A, holm_op_bury(holm_str("k")));
    (void)trio_run(&trio, 2000000);
    assert_equal(&trio);
    assert_true(holm_replica_buried(trio.replicas[C], holm_str("k")));
    trio_close(&trio);
}

/* What a large change needed on the way is given back: memory follows the state. */
static void test_replica_when_a_large_change_is_over_then_its_memory_is_free(void **state)
{
    struct trio trio;
    struct holm_replica_config config = trio_config();
    trio_open(&trio, &config);
    fill_set(&trio, 50000);
    trio_write(&trio, A, holm_op_of(HOLM_OP_REMOVE, holm_str("k"), holm_mem(NULL, 0)));
    (void)trio_run(&trio, 1000000);
    assert_equal(&trio);
    for (uint32_t i = 0; i < TRIO; i++) {
        holm_oplog_clear(&trio.replicas[i]->log, &trio.replicas[i]->actors);
        assert_int_equal(trio_event(&trio, i, HOLM_EVENT_TICK), HOLM_OK);
    }
    print_message("%zu bytes are held\n", (size_t)trio.heap.bytes);
    assert_in_range(trio.heap.bytes, 1, 600000);
    trio_close(&trio);
}

/* Ranges that a peer lists in any order, doubled and within each other, drop what they name, each in
 * time that hardly grows with their number. */
static void test_replica_when_a_run_lists_many_ranges_then_it_is_applied_soon(void **state)
{
    enum {
        FIELDS = 60000
    };
    struct trio trio;
    struct holm_fill fill;
    struct holm_delta *delta;
    struct holm_replica_config config = trio_config();
    struct holm_fill_sizes puts = {.actors = 1, .items = FIELDS, .bytes = FIELDS * 16};
    struct holm_fill_sizes drop = {.actors = 1, .items = 1, .seen = FIELDS};
    trio_open(&trio, &config);
    trio.deaf = true;
    assert_int_equal(holm_delta_new(&trio.allocator, &puts, &delta, &fill), HOLM_OK);
    delta->partition = trio.replicas[A]->config.partition;
    delta->actor = fill.actors[0] = trio.replicas[A]->actors.rows[trio.replicas[A]->self].actor;
    delta->first = 1;
    delta->last = 2 * FIELDS;
    for (uint32_t i = 0; i < FIELDS; i++) {
        struct text text;
        fill.items[i] = (struct holm_item){.op = HOLM_ITEM_PUT,
                                           .kind = HOLM_SET,
                                           .key = holm_str("k"),
                                           .sub = holm_fill_bytes(&fill, name(&text, "e", i)),
                                           .seq = 2 * i + 1,
                                           .hlc = 1};
    }
    assert_int_equal(holm_delta_check(delta), HOLM_OK);
    assert_int_equal(trio_give_delta(&trio, B, A, delta), HOLM_OK);
    assert_int_equal(trio.replicas[B]->state.cells, FIELDS);
    holm_delta_release(delta);
    assert_int_equal(holm_delta_new(&trio.allocator, &drop, &delta, &fill), HOLM_OK);
    delta->partition = trio.replicas[A]->config.partition;
    delta->actor = fill.actors[0] = trio.replicas[A]->actors.rows[trio.replicas[A]->self].actor;
    delta->first = delta->last = 2 * FIELDS + 1;
    fill.items[0] = (struct holm_item){
        .op = HOLM_ITEM_DROP_PATH, .key = holm_str("k"), .seen_count = FIELDS};
    /* From the last dot down to the 101st, but one; the lowest range holds ten, and the shorter one
     * behind it is within. */
    for (uint32_t i = 0; i < FIELDS; i++) {
        uint64_t seq = 2 * (uint64_t)(FIELDS - i) - 1;
        fill.seen[i] = seq <= 100 ? (struct holm_seen){0, 4, 5} : (struct holm_seen){0, seq, seq};
    }
    fill.seen[5] = (struct holm_seen){0, 2, 21};
    assert_int_equal(holm_delta_check(delta), HOLM_OK);
    assert_int_equal(trio_give_delta(&trio, B, A, delta), HOLM_OK);
    assert_int_equal(trio.replicas[B]->state.cells, 50 - 10 + 1);
    holm_delta_release(delta);
    trio_close(&trio);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_replica_when_a_run_lists_many_ranges_then_it_is_applied_soon),
        cmocka_unit_test(test_replica_when_a_large_set_is_removed_then_it_goes_everywhere),
        cmocka_unit_test(test_replica_when_a_full_batch_buries_then_it_ends_soon),
        cmocka_unit_test(test_replica_when_a_million_keys_go_to_a_new_node_then_all_arrive),
        cmocka_unit_test(test_replica_when_thousands_are_held_then_the_gap_lets_all_through),
        cmocka_unit_test(
            test_replica_when_many_epochs_counted_then_reading_and_resetting_stay_quick),
        cmocka_unit_test(test_replica_when_a_reset_names_more_than_fits_then_it_is_refused_whole),
        cmocka_unit_test(test_replica_when_a_large_change_is_over_then_its_memory_is_free),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

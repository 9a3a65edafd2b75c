/* SPDX-License-Identifier: Apache-2.0 */
/* T03: two live nodes under one id and epoch. A and B of the trio are such twins. */
#include "tests/unit/trio.h"

enum {
    A,
    B,
    C
};

static void open_twins(struct trio *trio, size_t log_bytes_max)
{
    struct holm_replica_config config = trio_config();
    config.log_bytes_max = log_bytes_max;
    trio_open(trio, &config);
    holm_replica_free(trio->replicas[B]);
    config.allocator = trio->allocator;
    config.self = actor_of(1, 1);
    assert_int_equal(holm_replica_new(&config, &trio->replicas[B]), HOLM_OK);
}

static void write_number(struct trio *trio, uint32_t node, const char *field, int64_t number)
{
    trio_write(trio, node, holm_op_put(holm_str("k"), holm_str(field), holm_i64(number)));
    assert_int_equal(trio_event(trio, node, HOLM_EVENT_FLUSH), HOLM_OK);
}

static enum holm_status give_last(struct trio *trio, uint32_t from, uint32_t to)
{
    struct holm_delta *run = trio_last_run(trio, from);
    enum holm_status status = trio_give_delta(trio, to, from, run);
    holm_delta_release(run);
    return status;
}

static void take_epoch(struct trio *trio, uint32_t node, uint64_t epoch)
{
    struct holm_event event = {.type = HOLM_EVENT_EPOCH};
    event.as.epoch.value = epoch;
    assert_int_equal(trio_step(trio, node, &event), HOLM_OK);
}

/* Drops the letters that are on their way: these tests carry things by hand. */
static void lose_letters(struct trio *trio)
{
    for (size_t i = 0; i < trio->letter_count; i++)
        parcel_free(&trio->office, trio->letters[i].parcel);
    trio->letter_count = 0;
}

static bool reads(const struct trio *trio, uint32_t node, const char *field, int64_t number)
{
    struct holm_cell_view cell;
    return holm_replica_get(trio->replicas[node], holm_str("k"), holm_str(field), HOLM_REGISTER,
                            &cell) == HOLM_OK &&
           cell.value.as.i64 == number;
}

static void test_run_of_mine_that_i_never_wrote_is_refused_until_i_am_another(void **state)
{
    struct trio trio;
    open_twins(&trio, 1 << 20);
    write_number(&trio, B, "f", 1);
    lose_letters(&trio);
    struct holm_digest before = holm_replica_transfer_digest(trio.replicas[A]);
    assert_int_equal(give_last(&trio, B, A), HOLM_EDUPLICATE);
    assert_int_equal(trio_stats(&trio, A).twins, 1);
    assert_true(holm_digest_equal(before, holm_replica_transfer_digest(trio.replicas[A])));
    assert_int_equal(holm_replica_seq(trio.replicas[A], actor_of(1, 1)), 0);

    take_epoch(&trio, A, 2);
    assert_int_equal(give_last(&trio, B, A), HOLM_OK);
    assert_true(reads(&trio, A, "f", 1));
    assert_int_equal(trio_stats(&trio, A).twins, 1);
    lose_letters(&trio);
    trio_close(&trio);
}

/* What is pending has dots, too: they are not told yet, so nobody can have them. */
static void test_run_of_mine_that_is_still_pending_here_is_a_twins(void **state)
{
    struct trio trio;
    open_twins(&trio, 1 << 20);
    write_number(&trio, B, "f", 1);
    lose_letters(&trio);
    write_number(&trio, A, "f", 2);
    trio_write(&trio, A, holm_op_put(holm_str("k"), holm_str("g"), holm_i64(3)));
    write_number(&trio, B, "h", 4);
    lose_letters(&trio);
    assert_int_equal(give_last(&trio, B, A), HOLM_EDUPLICATE);
    assert_int_equal(trio_stats(&trio, A).twins, 1);
    lose_letters(&trio);
    trio_close(&trio);
}

/* One dot, two payloads; and the same seqs cut into other runs. */
static void test_run_of_mine_with_other_content_is_noticed(void **state)
{
    struct trio trio;
    open_twins(&trio, 1 << 20);
    write_number(&trio, A, "f", 1);
    write_number(&trio, B, "f", 1);
    lose_letters(&trio);
    assert_int_equal(give_last(&trio, B, A), HOLM_OK); /* the very same */
    assert_int_equal(trio_stats(&trio, A).twins, 0);
    assert_int_equal(trio_stats(&trio, A).deltas_duplicate, 1);

    write_number(&trio, A, "f", 2);
    write_number(&trio, B, "f", 3);
    lose_letters(&trio);
    assert_int_equal(give_last(&trio, B, A), HOLM_EDUPLICATE);
    assert_int_equal(give_last(&trio, A, B), HOLM_EDUPLICATE);
    assert_int_equal(trio_stats(&trio, A).twins, 1);
    assert_int_equal(trio_stats(&trio, B).twins, 1);
    assert_true(reads(&trio, A, "f", 2) && reads(&trio, B, "f", 3));

    write_number(&trio, A, "f", 4);
    write_number(&trio, A, "f", 5);
    trio_write(&trio, B, holm_op_put(holm_str("k"), holm_str("f"), holm_i64(6)));
    write_number(&trio, B, "f", 5);
    lose_letters(&trio);
    assert_int_equal(give_last(&trio, B, A), HOLM_EDUPLICATE);
    assert_int_equal(give_last(&trio, A, B), HOLM_EDUPLICATE);

    /* Of the longer run, too, nothing but the burial is left. */
    write_number(&trio, A, "f", 7);
    trio_write(&trio, A, holm_op_bury(holm_str("k")));
    assert_int_equal(trio_event(&trio, A, HOLM_EVENT_FLUSH), HOLM_OK);
    trio_write(&trio, B, holm_op_put(holm_str("k"), holm_str("f"), holm_i64(7)));
    trio_write(&trio, B, holm_op_bury(holm_str("k")));
    assert_int_equal(trio_event(&trio, B, HOLM_EVENT_FLUSH), HOLM_OK);
    lose_letters(&trio);
    assert_int_equal(give_last(&trio, B, A), HOLM_EDUPLICATE);
    assert_int_equal(give_last(&trio, A, B), HOLM_EDUPLICATE);
    trio_close(&trio);
}

/* Every part of an item tells. */
static void test_run_of_mine_when_any_part_of_an_operation_differs_is_noticed(void **state)
{
    const struct holm_op ours = holm_op_put(holm_str("k"), holm_str("f"), holm_i64(1));
    const struct holm_op others[] = {
        holm_op_put(holm_str("l"), holm_str("f"), holm_i64(1)),
        holm_op_put(holm_str("k"), holm_str("g"), holm_i64(1)),
        holm_op_put(holm_str("k"), holm_str("f"), holm_double(1)),
        holm_op_put(holm_str("k"), holm_str("f"), holm_i64(2)),
        holm_op_raise(holm_str("k"), holm_str("f"), holm_i64(1)),
        holm_op_add(holm_str("k"), holm_str("f"), 1),
        holm_op_insert(holm_str("k"), holm_str("f"), holm_str("1")),
        holm_op_bury(holm_str("k")),
    };
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        struct trio trio;
        open_twins(&trio, 1 << 20);
        trio_write(&trio, A, ours);
        trio_write(&trio, B, others[i]);
        assert_int_equal(trio_event(&trio, A, HOLM_EVENT_FLUSH), HOLM_OK);
        assert_int_equal(trio_event(&trio, B, HOLM_EVENT_FLUSH), HOLM_OK);
        lose_letters(&trio);
        assert_int_equal(give_last(&trio, B, A), HOLM_EDUPLICATE);
        assert_int_equal(give_last(&trio, A, B), HOLM_EDUPLICATE);
        trio_close(&trio);
    }
}

/* Without the run in the log nobody can tell; then the digests do. */
static void test_run_of_mine_that_the_log_has_lost_is_old(void **state)
{
    struct trio trio;
    open_twins(&trio, 1);
    write_number(&trio, A, "f", 1);
    write_number(&trio, B, "f", 2);
    write_number(&trio, A, "f", 3);
    lose_letters(&trio);
    assert_int_equal(give_last(&trio, B, A), HOLM_OK);
    assert_int_equal(trio_stats(&trio, A).twins, 0);
    lose_letters(&trio);
    trio_close(&trio);
}

static void test_vector_that_covers_more_of_mine_than_i_wrote_is_noticed(void **state)
{
    struct trio trio;
    open_twins(&trio, 1 << 20);
    write_number(&trio, A, "f", 1);
    write_number(&trio, B, "f", 1);
    write_number(&trio, B, "f", 2);
    lose_letters(&trio);

    struct holm_dot covers = dot_of(1, 1, 2);
    struct holm_message pull = {.type = HOLM_MESSAGE_PULL, .partition = 5};
    pull.as.pull.vector = (struct holm_vector_view){&covers, 1};
    pull.as.pull.bytes_max = 1000;
    assert_int_equal(trio_give(&trio, A, C, &pull), HOLM_EDUPLICATE);
    assert_int_equal(trio_stats(&trio, A).twins, 1);

    struct holm_now now = {trio.now_us, 1};
    struct holm_cut *cut;
    assert_int_equal(holm_cut_open(trio.replicas[B], now, &trio.work, &cut), HOLM_OK);
    const struct holm_page *page = holm_cut_page(cut, 0);
    struct holm_vector_view vector = holm_cut_vector(cut);
    assert_int_equal(holm_replica_load(trio.replicas[A], vector, &page, 1, now, &trio.work),
                     HOLM_EDUPLICATE);
    assert_int_equal(trio_stats(&trio, A).twins, 2);
    assert_true(reads(&trio, A, "f", 1));
    take_epoch(&trio, A, 2);
    assert_int_equal(holm_replica_load(trio.replicas[A], vector, &page, 1, now, &trio.work),
                     HOLM_OK);
    assert_true(reads(&trio, A, "f", 2));
    assert_int_equal(trio_give(&trio, A, C, &pull), HOLM_OK);
    holm_cut_close(cut);
    lose_letters(&trio);
    trio_close(&trio);
}

/* Both write, hear of each other, go on as others, and write again: what they wrote under dots of
 * their own reaches all, and what is still different is told of as a breach. */
static void test_twins_that_went_on_as_others_are_never_silently_different(void **state)
{
    struct trio trio;
    open_twins(&trio, 1 << 20);
    write_number(&trio, A, "f", 1);
    write_number(&trio, B, "g", 2);
    (void)trio_run(&trio, 1000000);
    assert_true(trio_stats(&trio, A).twins > 0 && trio_stats(&trio, B).twins > 0);
    take_epoch(&trio, A, 2);
    take_epoch(&trio, B, 3);
    write_number(&trio, A, "a", 7);
    write_number(&trio, B, "b", 8);
    for (int round = 0; round < 20; round++) {
        for (uint32_t node = A; node <= C; node++)
            trio_beacon(&trio, node);
        (void)trio_run(&trio, 1000000);
    }
    uint64_t breaches = 0;
    bool equal = true;
    for (uint32_t node = A; node <= C; node++) {
        assert_true(reads(&trio, node, "a", 7) && reads(&trio, node, "b", 8));
        assert_true(holm_replica_vector_hash(trio.replicas[node]) ==
                    holm_replica_vector_hash(trio.replicas[A]));
        equal = equal && holm_digest_equal(holm_replica_digest(trio.replicas[node]),
                                           holm_replica_digest(trio.replicas[A]));
        breaches += trio_stats(&trio, node).digest_breaches;
    }
    assert_true(equal || breaches > 0);
    assert_true(breaches > 0);
    trio_close(&trio);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_run_of_mine_that_i_never_wrote_is_refused_until_i_am_another),
        cmocka_unit_test(test_run_of_mine_that_is_still_pending_here_is_a_twins),
        cmocka_unit_test(test_run_of_mine_with_other_content_is_noticed),
        cmocka_unit_test(test_run_of_mine_when_any_part_of_an_operation_differs_is_noticed),
        cmocka_unit_test(test_run_of_mine_that_the_log_has_lost_is_old),
        cmocka_unit_test(test_vector_that_covers_more_of_mine_than_i_wrote_is_noticed),
        cmocka_unit_test(test_twins_that_went_on_as_others_are_never_silently_different),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

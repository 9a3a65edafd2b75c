/* SPDX-License-Identifier: Apache-2.0 */
/* Deltas and their context: what arrives early, late, twice or in part. */
#include "tests/unit/scenario.h"

#include <stdio.h>

/* ---- T05 ------------------------------------------------------------------------------------ */

#define HEROES 150

static void write_heroes(struct fixture *fixture, size_t node)
{
    static char names[HEROES][24];
    for (int i = 0; i < HEROES; i++) {
        (void)snprintf(names[i], sizeof names[i], "hero:%03d", i);
        put(fixture, node, names[i], "name", i);
        (void)flush(fixture, node);
    }
}

static size_t present(struct fixture *fixture, size_t node)
{
    return (size_t)stats_of(fixture, node).records;
}

/* A dies after it has told B so many times of what it has; then B hears from C. Returns whether B had
 * heard all of it. */
static bool sync_in_part(uint64_t tells)
{
    struct fixture fixture;
    struct network network;
    struct network_settings settings = {.delay_us = 100};
    struct holm_replica_config limits = holm_replica_config_default();
    limits.frame_bytes_max = 4096;
    limits.log_bytes_max = 1; /* pulls are too old: everything goes by sync */
    fixture_init(&fixture, 3, &limits);
    write_heroes(&fixture, A);
    fixture_merge(&fixture, A, C);
    network_init(&network, &fixture, 5 + tells, &settings);
    network_link_up(&network, A, B);
    network_beacon(&network, A);
    assert_true(network_run_until(&network, HOLM_MESSAGE_SYNC_TELL, tells, 1000000));
    fixture_check(&fixture, B);
    bool all = stats_of(&fixture, B).syncs > 0;
    assert_int_equal(present(&fixture, B), all ? HEROES : 0);
    network_kill(&network, A);
    fixture_check(&fixture, B);
    network_link_up(&network, B, C);
    for (int second = 0; second < 10; second++) {
        network_beacon(&network, B);
        network_beacon(&network, C);
        network_run(&network, 1000000);
        fixture_check_all(&fixture);
        assert_int_equal(present(&fixture, C), HEROES);
    }
    assert_int_equal(present(&fixture, B), HEROES);
    fixture_check_equal(&fixture);
    network_release(&network);
    fixture_release(&fixture);
    return all;
}

/* T05 */
static void test_sync_when_the_source_dies_between_tells_loses_nothing(void **state)
{
    uint64_t tells = 0;
    while (!sync_in_part(tells))
        tells += 1;
    assert_in_range(tells, 3, 30);
}

/* ---- T06, T08, T12 -------------------------------------------------------------------------- */

/* T06 */
static void test_delta_when_early_shows_nothing_until_it_is_causal(void **state)
{
    struct fixture fixture, *f = &fixture;
    fixture_init(f, 2, NULL);
    put(f, A, "k", "f", 1);
    size_t first = flush(f, A);
    put(f, A, "k", "f", 2);
    insert(f, A, "k", "s", "x");
    size_t second = flush(f, A);
    fixture_give(f, B, second);
    fixture_check(f, B);
    assert_absent(f, B, "k");
    assert_int_equal(stats_of(f, B).held, 1);
    fixture_give(f, B, first);
    fixture_check(f, B);
    assert_reads(f, B, "k", "f", 2);
    assert_true(contains(f, B, "k", "s", "x"));
    assert_int_equal(stats_of(f, B).held, 0);
    fixture_check_equal(f);
    fixture_release(f);
}

/* T06: the earlier one is another replica's. */
static void test_delta_when_its_deps_are_missing_is_held_back(void **state)
{
    struct fixture fixture, *f = &fixture;
    fixture_init(f, 3, NULL);
    put(f, A, "k", "f", 1);
    size_t first = flush(f, A);
    fixture_give(f, B, first);
    put(f, B, "k", "f", 2);
    size_t second = flush(f, B);
    fixture_give(f, C, second);
    fixture_check(f, C);
    assert_absent(f, C, "k");
    fixture_give(f, C, first);
    fixture_check(f, C);
    assert_reads(f, C, "k", "f", 2);
    fixture_give(f, A, second);
    fixture_check_equal(f);
    fixture_release(f);
}

/* T08 */
static void test_delta_when_replayed_for_long_counts_once(void **state)
{
    struct fixture fixture, *f = &fixture;
    struct chance chance = {.state = 8};
    fixture_init(f, 3, NULL);
    for (int i = 0; i < 6; i++) {
        add(f, A, "k", "n", 10);
        insert(f, A, "k", "s", "x");
        (void)flush(f, A);
        fixture_give_all(f, A, C);
        add(f, C, "k", "n", 1);
        erase(f, C, "k", "s", "x");
        (void)flush(f, C);
    }
    write_op(f, C, HOLM_OP_RESET, "k", "n");
    add(f, C, "k", "n", 7);
    (void)flush(f, C);
    fixture_give_all(f, C, A);
    for (int round = 0; round < 1000; round++) {
        fixture_give(f, B, chance_below(&chance, f->run_count));
        if (round % 50 == 0)
            fixture_check(f, B);
    }
    fixture_give_all(f, A, B);
    fixture_give_all(f, C, B);
    fixture_check_equal(f);
    for (int round = 0; round < 1000; round++)
        fixture_give(f, (size_t)round % 3, chance_below(&chance, f->run_count));
    fixture_check_equal(f);
    assert_sum(f, B, "k", "n", 7);
    assert_false(contains(f, B, "k", "s", "x"));
    fixture_release(f);
}

/* T12: with a restart from a store, and a merge of states, in between. */
static void test_removal_when_it_arrives_first_still_removes(void **state)
{
    struct fixture fixture, *f = &fixture;
    fixture_init(f, 4, NULL);
    put(f, A, "k", "f", 1);
    insert(f, A, "k", "s", "x");
    size_t written = flush(f, A);
    fixture_give(f, B, written);
    write_op(f, B, HOLM_OP_REMOVE, "k", "");
    size_t removed = flush(f, B);

    fixture_give(f, C, removed);
    fixture_check(f, C);
    fixture_save(f, C);
    fixture_kill(f, C);
    fixture_start(f, C, 2);
    fixture_restore(f, C, true);
    fixture_give(f, C, written);
    fixture_give(f, C, removed);
    fixture_check(f, C);
    assert_absent(f, C, "k");

    fixture_give(f, D, removed);
    fixture_merge(f, A, D);
    fixture_check(f, D);
    assert_absent(f, D, "k"); /* what was held back became causal by the merge */
    fixture_give(f, A, removed);
    fixture_check_equal(f);
    fixture_release(f);
}

/* ---- T09, T10, T11 -------------------------------------------------------------------------- */

enum shape {
    SET,
    FLAG,
    MAP,
    SHAPES
};

static void write_shape(struct fixture *f, size_t node, enum shape shape, bool there)
{
    if (shape == SET && there)
        insert(f, node, "k", "f", "x");
    else if (shape == SET)
        erase(f, node, "k", "f", "x");
    else if (shape == FLAG)
        write_op(f, node, there ? HOLM_OP_ENABLE : HOLM_OP_DISABLE, "k", "f");
    else if (there)
        put(f, node, "k", "f", 1);
    else
        write_op(f, node, HOLM_OP_REMOVE, "k", "f");
}

static void carry(struct fixture *f, size_t from, size_t to, bool by_state)
{
    if (by_state)
        fixture_merge(f, from, to);
    else
        fixture_give_all(f, from, to);
    fixture_check(f, to);
}

/* T09 */
static void test_removal_of_a_common_dot_on_both_sides_leaves_nothing(void **state)
{
    for (int way = 0; way < 2 * SHAPES; way++) {
        struct fixture fixture, *f = &fixture;
        enum shape shape = (enum shape)(way / 2);
        bool by_state = way % 2 == 1;
        fixture_init(f, 3, NULL);
        write_shape(f, A, shape, true);
        (void)flush(f, A);
        write_shape(f, B, shape, true);
        (void)flush(f, B);
        carry(f, A, C, by_state);
        write_shape(f, A, shape, false);
        (void)flush(f, A);
        carry(f, B, A, by_state);
        write_shape(f, B, shape, false);
        (void)flush(f, B);
        fixture_merge(f, C, A);
        fixture_merge(f, A, B);
        fixture_check(f, B);
        assert_absent(f, B, "k");
        fixture_merge(f, B, A);
        fixture_merge(f, B, C);
        fixture_check_equal(f);
        assert_absent(f, C, "k");
        fixture_release(f);
    }
}

/* T10 */
static void test_put_beside_put_and_removal_is_equal_by_delta_and_by_state(void **state)
{
    struct fixture fixture, *f = &fixture;
    fixture_init(f, 4, NULL);
    put(f, A, "k", "f", 1);
    (void)flush(f, A);
    put(f, B, "k", "f", 2);
    (void)flush(f, B);
    write_op(f, B, HOLM_OP_REMOVE, "k", "f");
    (void)flush(f, B);
    fixture_give_all(f, A, C);
    fixture_give_all(f, B, C);
    fixture_merge(f, B, D);
    fixture_merge(f, A, D);
    fixture_merge(f, C, A);
    fixture_merge(f, D, B);
    fixture_check_equal(f);
    assert_reads(f, D, "k", "f", 1);
    fixture_release(f);
}

/* T11 */
static void test_removal_of_a_set_beside_an_insertion_keeps_the_inserted(void **state)
{
    for (int again = 0; again < 2; again++) {
        struct fixture fixture, *f = &fixture;
        fixture_init(f, 2, NULL);
        insert(f, A, "k", "s", "old");
        insert(f, A, "k", "s", "older");
        (void)flush(f, A);
        fixture_give_all(f, A, B);
        write_op(f, A, HOLM_OP_REMOVE, "k", "s");
        if (again == 1)
            insert(f, A, "k", "s", "older");
        insert(f, B, "k", "s", "new");
        (void)flush(f, A);
        (void)flush(f, B);
        fixture_give_all(f, A, B);
        fixture_give_all(f, B, A);
        fixture_check_equal(f);
        for (size_t node = A; node <= B; node++) {
            assert_true(contains(f, node, "k", "s", "new"));
            assert_false(contains(f, node, "k", "s", "old"));
            assert_int_equal(contains(f, node, "k", "s", "older"), again == 1);
        }
        fixture_release(f);
    }
}

const struct CMUnitTest scenario_context_tests[] = {
    cmocka_unit_test(test_sync_when_the_source_dies_between_tells_loses_nothing),
    cmocka_unit_test(test_delta_when_early_shows_nothing_until_it_is_causal),
    cmocka_unit_test(test_delta_when_its_deps_are_missing_is_held_back),
    cmocka_unit_test(test_delta_when_replayed_for_long_counts_once),
    cmocka_unit_test(test_removal_when_it_arrives_first_still_removes),
    cmocka_unit_test(test_removal_of_a_common_dot_on_both_sides_leaves_nothing),
    cmocka_unit_test(test_put_beside_put_and_removal_is_equal_by_delta_and_by_state),
    cmocka_unit_test(test_removal_of_a_set_beside_an_insertion_keeps_the_inserted),
};
const size_t scenario_context_count = sizeof scenario_context_tests /
                                      sizeof *scenario_context_tests;

/* SPDX-License-Identifier: Apache-2.0 */
/* Schedules that once broke the rules. */
#include "tests/unit/scenario.h"

/* Logs are short: whoever pulls is told to sync. Broadcasts are lost until beacons() are asked for. */
static void open_network(struct fixture *f, struct network *network, size_t nodes)
{
    struct network_settings settings = {.loss_permille = 1000, .delay_us = 100};
    struct holm_replica_config limits = holm_replica_config_default();
    limits.log_bytes_max = 1;
    limits.page_items_max = 2;
    fixture_init(f, nodes, &limits);
    network_init(network, f, 31, &settings);
}

static void close_network(struct fixture *f, struct network *network)
{
    network_release(network);
    fixture_release(f);
}

static void beacons(struct fixture *f, struct network *network, int rounds)
{
    network->settings.loss_permille = 0;
    for (int round = 0; round < rounds; round++) {
        for (size_t node = 0; node < f->node_count; node++)
            network_beacon(network, node);
        network_run(network, 1000000);
        fixture_check_all(f);
    }
}

/* ---- T31 ------------------------------------------------------------------------------------ */

/* B hears of A's state only, and C has not seen it. Then C increments. */
static void sync_without_live_cells(enum holm_op_type type, int64_t expected)
{
    struct fixture fixture, *f = &fixture;
    struct network network;
    open_network(f, &network, 3);
    add(f, C, "k", "n", 10);
    fixture_merge(f, C, A);
    put(f, A, "other", "f", 1);
    write_op(f, A, HOLM_OP_REMOVE, "other", ""); /* the log does not reach back */
    fixture_flush(f, A);
    write_op(f, A, type, "k", type == HOLM_OP_RESET ? "n" : "");
    fixture_flush(f, A);
    put(f, A, "other", "f", 1);
    write_op(f, A, HOLM_OP_REMOVE, "other", "");
    network_cut(&network, A, C, true);
    network_cut(&network, B, C, true);
    network_link_up(&network, A, B);
    beacons(f, &network, 5);
    assert_true(stats_of(f, B).syncs > 0);
    assert_absent(f, B, "k");
    add(f, C, "k", "n", 3);
    network_cut(&network, B, C, false);
    network_link_up(&network, B, C);
    beacons(f, &network, 10);
    fixture_check_equal(f);
    for (size_t node = A; node <= C; node++) {
        assert_int_equal(holm_replica_buried(f->nodes[node].replica, holm_str("k")),
                         type == HOLM_OP_BURY);
        if (type == HOLM_OP_BURY)
            assert_absent(f, node, "k");
        else
            assert_sum(f, node, "k", "n", expected);
    }
    close_network(f, &network);
}

/* T31 */
static void test_sync_of_what_is_not_live_carries_tombstones(void **state)
{
    sync_without_live_cells(HOLM_OP_BURY, 0);
}

/* T31 */
static void test_sync_of_what_is_not_live_carries_reset_marks(void **state)
{
    sync_without_live_cells(HOLM_OP_RESET, 3);
}

/* ---- T32 ------------------------------------------------------------------------------------ */

/* A's first run reaches B after `messages` messages of the sync have. */
static void sync_with_a_run_between(uint64_t messages)
{
    struct fixture fixture, *f = &fixture;
    struct network network;
    static const enum holm_message_type order[] = {HOLM_MESSAGE_SYNC_OPEN, HOLM_MESSAGE_SYNC_CUT,
                                                   HOLM_MESSAGE_SYNC_ASK, HOLM_MESSAGE_SYNC_TELL};
    open_network(f, &network, 2);
    insert(f, A, "k", "s", "x");
    size_t first = flush(f, A);
    erase(f, A, "k", "s", "x");
    (void)flush(f, A);
    insert(f, A, "l", "s", "y"); /* so that there is something to tell */
    (void)flush(f, A);
    network_link_up(&network, A, B);
    network.settings.loss_permille = 0;
    network_beacon(&network, A);
    assert_true(network_run_until(&network, order[messages], 1, 1000000));
    if (network.delivered[HOLM_MESSAGE_SYNC_TELL] == 0)
        assert_absent(f, B, "l");
    fixture_give(f, B, first);
    fixture_check(f, B);
    assert_int_equal(contains(f, B, "k", "s", "x"), messages < 3);
    beacons(f, &network, 3);
    fixture_check_equal(f);
    assert_false(contains(f, B, "k", "s", "x"));
    assert_true(contains(f, B, "l", "s", "y"));
    close_network(f, &network);
}

/* T32 */
static void test_sync_when_a_run_arrives_meanwhile_removes_what_the_cut_removed(void **state)
{
    for (uint64_t messages = 0; messages < 4; messages++)
        sync_with_a_run_between(messages);
}

/* T32: by hand. */
static void test_cut_merged_after_an_older_run_wins(void **state)
{
    struct fixture fixture, *f = &fixture;
    struct fixture_state cut;
    fixture_init(f, 2, NULL);
    put(f, A, "k", "f", 1);
    size_t first = flush(f, A);
    write_op(f, A, HOLM_OP_REMOVE, "k", "f");
    (void)flush(f, A);
    fixture_state_take(f, A, &cut);
    fixture_give(f, B, first);
    fixture_state_merge(f, B, &cut);
    fixture_check_equal(f);
    assert_absent(f, B, "k");
    fixture_state_release(&cut);
    fixture_release(f);
}

/* ---- T33 ------------------------------------------------------------------------------------ */

/* T33 */
static void test_store_in_the_middle_of_a_run_ends_it(void **state)
{
    for (int with_runs = 0; with_runs < 2; with_runs++) {
        struct fixture fixture, *f = &fixture;
        fixture_init(f, 2, NULL);
        for (int i = 1; i <= 3; i++)
            add(f, A, "k", "n", i);
        fixture_save(f, A);
        for (int i = 4; i <= 5; i++)
            add(f, A, "k", "n", i);
        (void)flush(f, A);
        assert_int_equal(f->run_count, 2);
        assert_true(f->runs[0]->last == 3 && f->runs[1]->first == 4);
        fixture_give_all(f, A, B);
        fixture_kill(f, A);
        fixture_start(f, A, 2);
        fixture_restore(f, A, with_runs == 1);
        fixture_check(f, A);
        assert_sum(f, A, "k", "n", with_runs == 1 ? 15 : 6);
        add(f, A, "k", "n", 100);
        (void)flush(f, A);
        fixture_give(f, A, 1);
        fixture_give(f, B, 2);
        fixture_check_equal(f);
        assert_sum(f, B, "k", "n", 115);
        assert_true(stats_of(f, A).overlaps == 0 && stats_of(f, B).overlaps == 0);
        fixture_release(f);
    }
}

/* ---- T34 ------------------------------------------------------------------------------------ */

/* T34 */
static void test_gap_whose_writer_died_is_forgotten(void **state)
{
    struct fixture fixture, *f = &fixture;
    struct network network;
    struct network_settings settings = {.delay_us = 100};
    fixture_init(f, 3, NULL);
    put(f, A, "k", "f", 1);
    (void)flush(f, A);
    put(f, A, "k", "f", 2);
    size_t second = flush(f, A);
    network_init(&network, f, 34, &settings);
    network_link_up(&network, A, B);
    network_link_up(&network, B, C);
    fixture_give(f, B, second);
    network_kill(&network, A);
    beacons(f, &network, 5);
    assert_int_equal(stats_of(f, B).held, 1); /* A's epoch may live on somewhere */
    fixture_start(f, A, 2);
    network_link_up(&network, A, B);
    network_link_up(&network, A, C);
    beacons(f, &network, 20);
    assert_int_equal(stats_of(f, B).held, 0);
    fixture_check_equal(f);
    uint64_t posted = network.posted;
    beacons(f, &network, 100);
    assert_true(network.posted == posted);
    network_release(&network);
    fixture_release(f);
}

/* ---- T41 ------------------------------------------------------------------------------------ */

/* T41: the new epoch is below the old one, which all others know, until it hears of it. */
static void test_epoch_that_went_back_loses_no_write(void **state)
{
    struct fixture fixture, *f = &fixture;
    fixture_init(f, 3, NULL);
    fixture_kill(f, A);
    fixture_start(f, A, 50);
    struct holm_actor old = f->nodes[A].self;
    add(f, A, "k", "n", 1);
    (void)flush(f, A);
    fixture_give_all(f, A, B);
    fixture_give_all(f, A, C);
    for (size_t node = B; node <= C; node++)
        fixture_supersede(f, node, old);

    fixture_kill(f, A);
    fixture_start(f, A, 7);
    add(f, A, "k", "n", 20);
    size_t first = flush(f, A);
    add(f, A, "k", "n", 300);
    size_t second = flush(f, A);
    fixture_give(f, B, first);
    fixture_check(f, B);
    assert_sum(f, B, "k", "n", 21);
    fixture_give(f, C, second); /* early, of an epoch that seems to have ended */
    fixture_check(f, C);

    add(f, A, "k", "n", 4000); /* unsealed when A hears of its old epoch */
    fixture_epoch(f, A, 51);
    add(f, A, "k", "n", 50000);
    fixture_flush(f, A);
    fixture_merge(f, C, A);
    fixture_check(f, A);
    assert_sum(f, A, "k", "n", 54321);
    for (size_t node = B; node <= C; node++)
        fixture_supersede(f, node, f->nodes[A].self);
    f->now_us += 60000000;
    for (size_t node = A; node <= C; node++)
        fixture_tick(f, node); /* whatever was held back is dropped */
    for (size_t i = 0; i < f->run_count; i++)
        fixture_give(f, B, i);
    fixture_merge(f, A, C);
    fixture_check_equal(f);
    assert_sum(f, B, "k", "n", 54321);
    fixture_release(f);
}

/* T41: the same over links, by pulls. */
static void test_epoch_that_went_back_is_pulled_like_any(void **state)
{
    struct fixture fixture, *f = &fixture;
    struct network network;
    struct network_settings settings = {.loss_permille = 1000, .delay_us = 100};
    fixture_init(f, 3, NULL);
    network_init(&network, f, 41, &settings);
    fixture_kill(f, A);
    fixture_start(f, A, 50);
    network_link_up(&network, A, B);
    network_link_up(&network, B, C);
    add(f, A, "k", "n", 1);
    beacons(f, &network, 5);
    network_kill(&network, A);
    fixture_start(f, A, 7);
    network_link_up(&network, A, B);
    network.settings.loss_permille = 1000;
    add(f, A, "k", "n", 20);
    fixture_flush(f, A);
    add(f, A, "k", "n", 300);
    fixture_flush(f, A);
    beacons(f, &network, 10);
    fixture_check_equal(f);
    assert_sum(f, C, "k", "n", 321);
    network_release(&network);
    fixture_release(f);
}

const struct CMUnitTest scenario_schedule_tests[] = {
    cmocka_unit_test(test_sync_of_what_is_not_live_carries_tombstones),
    cmocka_unit_test(test_sync_of_what_is_not_live_carries_reset_marks),
    cmocka_unit_test(test_sync_when_a_run_arrives_meanwhile_removes_what_the_cut_removed),
    cmocka_unit_test(test_cut_merged_after_an_older_run_wins),
    cmocka_unit_test(test_store_in_the_middle_of_a_run_ends_it),
    cmocka_unit_test(test_gap_whose_writer_died_is_forgotten),
    cmocka_unit_test(test_epoch_that_went_back_loses_no_write),
    cmocka_unit_test(test_epoch_that_went_back_is_pulled_like_any),
};
const size_t scenario_schedule_count = sizeof scenario_schedule_tests /
                                       sizeof *scenario_schedule_tests;

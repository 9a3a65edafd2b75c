/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The vector where epochs are folded: what goes of it, who covers what, and what is said over links.
 */
#include "tests/unit/trio.h"
#include "tests/unit/worlds.h"

enum {
    A,
    B,
    C
};

/* ---- three of which some have folded ------------------------------------------------------- */

static void open_trio(struct trio *trio)
{
    struct holm_replica_config config = trio_config();
    config.retention = HOLM_RETENTION_STABLE;
    trio_open(trio, &config);
}

static void next_epoch(struct trio *trio, uint32_t node, uint64_t epoch)
{
    struct holm_event event = {.type = HOLM_EVENT_EPOCH, .as.epoch = {epoch}};
    assert_int_equal(trio_step(trio, node, &event), HOLM_OK);
}

static void count_in(struct trio *trio, uint32_t node, int64_t amount)
{
    trio_write(trio, node, holm_op_add(holm_str("k"), holm_str("n"), amount));
    assert_int_equal(trio_event(trio, node, HOLM_EVENT_FLUSH), HOLM_OK);
}

/* A counts in epochs 1 to 3, and begins the fourth. */
static void count_in_epochs(struct trio *trio)
{
    for (uint64_t epoch = 1; epoch <= 3; epoch++) {
        count_in(trio, A, (int64_t)epoch);
        next_epoch(trio, A, epoch + 1);
    }
}

static void fold(struct trio *trio, uint32_t node, uint64_t epoch)
{
    struct holm_dot folded = dot_of(1, epoch, HOLM_SEQ_FOLDED);
    struct holm_now now = {trio->now_us, 1700000000000};
    assert_int_equal(holm_replica_collect(trio->replicas[node],
                                          (struct holm_vector_view){&folded, 1}, now, &trio->work),
                     HOLM_OK);
    holm_replica_check(trio->replicas[node]);
}

static void assert_together(const struct trio *trio, int64_t expected)
{
    for (uint32_t i = 0; i < TRIO; i++) {
        assert_true(worlds_sum_of(trio->replicas[i], "k") == expected);
        assert_true(holm_replica_vector_hash(trio->replicas[i]) ==
                    holm_replica_vector_hash(trio->replicas[A]));
        assert_int_equal(trio_stats(trio, i).digest_breaches, 0);
    }
}

/* Beacons of all for a minute. */
static void beacons(struct trio *trio)
{
    for (int second = 0; second < 60; second++) {
        for (uint32_t i = 0; i < TRIO; i++)
            trio_beacon(trio, i);
        (void)trio_run(trio, 1000000);
    }
}

static uint64_t sent(const struct trio *trio)
{
    uint64_t count = 0;
    for (size_t type = 0; type < sizeof trio->sent / sizeof trio->sent[0]; type++)
        count += trio->sent[type];
    return count;
}

/* T20: whoever has folded how far, nothing is asked for when nobody lacks anything. */
static void test_rows_when_some_have_folded_then_beacons_lead_to_nothing(void **state)
{
    struct trio trio;
    open_trio(&trio);
    count_in_epochs(&trio);
    (void)trio_run(&trio, 1000000);
    assert_together(&trio, 6);
    fold(&trio, A, 2);
    fold(&trio, B, 3);
    uint64_t before = sent(&trio);
    beacons(&trio);
    assert_int_equal(sent(&trio), before);
    assert_together(&trio, 6);
    trio_close(&trio);
}

/* The first run of an epoch says all that its writer had: who has not folded takes it when it has that. */
static void test_rows_when_deps_name_a_fold_then_who_has_all_of_it_takes_the_run(void **state)
{
    struct trio trio;
    open_trio(&trio);
    count_in_epochs(&trio);
    (void)trio_run(&trio, 1000000);
    fold(&trio, A, 3);
    count_in(&trio, A, 10);
    struct holm_delta *run = trio_last_run(&trio, A);
    assert_int_equal(run->deps.count, 2);
    assert_true(holm_vector_view_seq(run->deps, actor_of(1, 2)) == HOLM_SEQ_FOLDED);
    (void)trio_run(&trio, 1000000);
    assert_together(&trio, 16);
    assert_int_equal(trio_stats(&trio, B).pulls + trio_stats(&trio, C).pulls, 0);
    holm_delta_release(run);
    trio_close(&trio);
}

/* Who lacks a part of what was folded holds the run, asks, hears that this is too old, and syncs. */
static void test_rows_when_a_part_of_a_fold_is_missing_then_a_cut_brings_it(void **state)
{
    struct trio trio;
    open_trio(&trio);
    trio.deaf = true;
    count_in_epochs(&trio);
    fold(&trio, A, 3);
    trio.deaf = false;
    count_in(&trio, A, 10);
    (void)trio_run(&trio, 1000000);
    assert_together(&trio, 16);
    assert_true(trio_stats(&trio, A).pulls_too_old > 0 && trio_stats(&trio, B).syncs > 0);
    assert_int_equal(holm_replica_collected(trio.replicas[B]).count, 1);
    uint64_t before = sent(&trio);
    beacons(&trio);
    assert_int_equal(sent(&trio), before);
    trio_close(&trio);
}

/* Who has folded pulls from one who has not, and the other way round: that costs no cut. */
static void test_rows_when_not_the_same_is_folded_then_pulls_bring_runs(void **state)
{
    struct trio trio;
    open_trio(&trio);
    count_in_epochs(&trio);
    (void)trio_run(&trio, 1000000);
    fold(&trio, A, 3);
    fold(&trio, C, 1);
    trio.deaf = true;
    count_in(&trio, B, 100);
    trio.deaf = false;
    beacons(&trio);
    assert_together(&trio, 106);
    trio.deaf = true;
    count_in(&trio, A, 1);
    trio.deaf = false;
    beacons(&trio);
    assert_together(&trio, 107);
    for (uint32_t i = 0; i < TRIO; i++)
        assert_int_equal(trio_stats(&trio, i).syncs, 0);
    trio_close(&trio);
}

/* Its epoch was folded by the others: what they say is no sign of a twin, nor that they have its writes. */
static void test_rows_when_the_present_epoch_is_folded_elsewhere_then_nothing_is_concluded(
    void **state)
{
    struct trio trio;
    open_trio(&trio);
    count_in(&trio, A, 1);
    (void)trio_run(&trio, 1000000);
    fold(&trio, B, 1);
    trio.deaf = true;
    count_in(&trio, A, 2);
    uint64_t seen = holm_replica_peer_seen(trio.replicas[A], B);
    struct holm_message pull = holm_replica_message(trio.replicas[B], HOLM_MESSAGE_PULL);
    struct holm_dot entries[4];
    size_t count = holm_replica_vector(trio.replicas[B], entries, 4);
    pull.as.pull = (struct holm_pull){{entries, count}, 4096};
    assert_int_equal(trio_give(&trio, A, B, &pull), HOLM_OK);
    assert_int_equal(trio_stats(&trio, A).twins, 0);
    assert_int_equal(holm_replica_peer_seen(trio.replicas[A], B), seen);
    struct holm_message want = holm_replica_message(trio.replicas[A], HOLM_MESSAGE_WANT);
    want.as.ack = (struct holm_ack){actor_of(1, 1), 2};
    uint64_t acks = trio.sent[HOLM_MESSAGE_ACK];
    assert_int_equal(trio_give(&trio, B, A, &want), HOLM_OK);
    assert_int_equal(trio.sent[HOLM_MESSAGE_ACK], acks);
    trio_close(&trio);
}

/* ---- feeds --------------------------------------------------------------------------------- */

static void link_up(struct trio *trio, uint32_t node, uint32_t peer)
{
    struct holm_event down = {.type = HOLM_EVENT_PEER_DOWN, .as.peer = {.peer = peer}};
    struct holm_event up = {
        .type = HOLM_EVENT_PEER_UP,
        .as.peer = {.peer = peer, .actor = holm_replica_self(trio->replicas[peer]), .feeds = true}};
    struct holm_event wish = {.type = HOLM_EVENT_FOLLOW, .as.follow = {peer, HOLM_FOLLOW_WANT}};
    assert_int_equal(trio_step(trio, node, &down), HOLM_OK);
    assert_int_equal(trio_step(trio, node, &up), HOLM_OK);
    assert_int_equal(trio_step(trio, node, &wish), HOLM_OK);
}

/* B and C follow A, and nobody is subscribed. */
static void open_feeds(struct trio *trio)
{
    trio->deaf = true;
    for (uint32_t peer = B; peer <= C; peer++) {
        link_up(trio, A, peer);
        link_up(trio, peer, A);
    }
    (void)trio_run(trio, 1000000);
}

/* Feeds go on while epochs are folded at one end and rows change their places; who follows anew with all
 * that is folded, or a fold of less, is not behind. */
static void test_rows_when_feeds_are_followed_then_folds_do_not_end_them(void **state)
{
    struct trio trio;
    open_trio(&trio);
    open_feeds(&trio);
    for (uint64_t epoch = 1; epoch <= 180; epoch++) {
        count_in(&trio, A, 1);
        (void)trio_run(&trio, 100000);
        next_epoch(&trio, A, epoch + 1);
        if (epoch % 60 == 0)
            fold(&trio, A, epoch);
    }
    (void)trio_run(&trio, 1000000);
    assert_in_range(trio.replicas[A]->actors.rows_capacity, 1, 40);
    fold(&trio, B, 150);
    link_up(&trio, B, A);
    link_up(&trio, C, A);
    count_in(&trio, A, 40);
    (void)trio_run(&trio, 1000000);
    assert_together(&trio, 220);
    assert_int_equal(trio_stats(&trio, A).feeds_too_old, 0);
    assert_int_equal(trio_stats(&trio, B).pulls + trio_stats(&trio, C).pulls, 0);
    trio_close(&trio);
}

/* Who follows without a part of what is folded is behind, syncs, and follows then. */
static void test_rows_when_a_follower_lacks_a_part_of_a_fold_then_it_syncs_first(void **state)
{
    struct trio trio;
    open_trio(&trio);
    trio.deaf = true;
    count_in_epochs(&trio);
    fold(&trio, A, 3);
    open_feeds(&trio);
    assert_together(&trio, 6);
    assert_true(trio_stats(&trio, A).feeds_too_old > 0 && trio_stats(&trio, B).syncs == 1);
    uint64_t too_old = trio_stats(&trio, A).feeds_too_old;
    count_in(&trio, A, 1);
    (void)trio_run(&trio, 1000000);
    assert_together(&trio, 7);
    assert_int_equal(trio_stats(&trio, A).feeds_too_old, too_old);
    trio_close(&trio);
}

/* ---- rows and who uses them ---------------------------------------------------------------- */

static const struct holm_actors *rows(const struct worlds *f, size_t node)
{
    return &f->replicas[FOLDING][node]->actors;
}

static struct holm_op put_op(int64_t number)
{
    return holm_op_put(holm_str("k"), holm_str("f"), holm_i64(number));
}

/* Node 0 writes in so many epochs; the last is not over. All have all. */
static void live(struct worlds *f, uint64_t epochs)
{
    for (uint64_t i = 1; i <= epochs; i++) {
        worlds_write(f, 0, holm_op_add(holm_str("k"), holm_str("n"), 1));
        if (i < epochs)
            worlds_next_epoch(f, 0);
    }
    worlds_give_all(f);
    worlds_forget_runs(f);
}

static void test_rows_when_nothing_uses_a_folded_epoch_then_its_row_goes(void **state)
{
    static struct worlds f;
    worlds_open(&f, 2);
    live(&f, 40);
    assert_true(rows(&f, 1)->known >= 40);
    assert_int_equal(worlds_fold_all(&f), 2);
    for (size_t i = 0; i < 2; i++) {
        assert_in_range(rows(&f, i)->known, 2, 3);
        assert_int_equal(rows(&f, i)->named, 0);
        assert_int_equal(rows(&f, i)->entries, 3);
        assert_in_range(rows(&f, i)->rows_capacity, 2, 38);
        worlds_assert_agree(&f, i);
    }
    worlds_assert_equal(&f, FOLDING);
    worlds_close(&f);
}

/* A cell's dot keeps its row, which covers all of its epoch; when the cell goes, so does the row, in time. */
static void test_rows_when_a_cell_names_a_folded_epoch_then_its_row_stays(void **state)
{
    static struct worlds f;
    worlds_open(&f, 2);
    worlds_write(&f, 0, put_op(7));
    worlds_next_epoch(&f, 0);
    live(&f, 3);
    (void)worlds_fold_all(&f);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(rows(&f, i)->named, 1);
        assert_true(holm_actors_find(rows(&f, i), actor_of(1, 1)) != HOLM_ACTOR_NONE);
        worlds_assert_agree(&f, i);
    }
    worlds_merge(&f, 0, 1);
    worlds_restart(&f, 0);
    worlds_assert_agree(&f, 0);
    worlds_assert_agree(&f, 1);
    worlds_write(&f, 0, put_op(8));
    worlds_next_epoch(&f, 0);
    live(&f, 2);
    (void)worlds_fold_all(&f);
    assert_int_equal(holm_actors_find(rows(&f, 1), actor_of(1, 1)), HOLM_ACTOR_NONE);
    worlds_assert_equal(&f, FOLDING);
    worlds_close(&f);
}

/* While a state is frozen, all rows stay; what it shows is as it was. */
static void test_rows_when_a_state_is_frozen_then_rows_go_afterwards(void **state)
{
    static struct worlds f;
    worlds_open(&f, 2);
    live(&f, 5);
    struct talk talk = {.server = f.replicas[FOLDING][0],
                        .receiver = f.replicas[FOLDING][1],
                        .allocator = f.allocators[FOLDING],
                        .now = f.now};
    worlds_write(&f, 0, put_op(1));
    talk_open(&talk);
    worlds_report(&f, 0);
    worlds_report(&f, 1);
    assert_int_equal(worlds_fold(&f, 0), 1);
    assert_int_equal(rows(&f, 0)->named, 4);
    enum holm_status status;
    while (talk_round(&talk, &status)) {
    }
    assert_int_equal(status, HOLM_OK);
    assert_int_equal(talk_finish(&talk), HOLM_OK);
    talk_close(&talk);
    struct holm_event tick = {.type = HOLM_EVENT_TICK};
    assert_int_equal(worlds_step(&f, FOLDING, 0, &tick), HOLM_OK);
    assert_int_equal(rows(&f, 0)->named, 0);
    worlds_give_all(&f);
    worlds_assert_agree(&f, 0);
    worlds_assert_agree(&f, 1);
    worlds_close(&f);
}

/* What a step needs to look is refused: the rows stay, and go with a later step. */
static void test_rows_when_memory_is_refused_then_they_go_later(void **state)
{
    static struct worlds f;
    worlds_open(&f, 2);
    live(&f, 30);
    worlds_report(&f, 0);
    worlds_report(&f, 1);
    struct holm_dot folded = dot_of(1, 29, HOLM_SEQ_FOLDED);
    struct holm_event tick = {.type = HOLM_EVENT_TICK};
    enum holm_status status = HOLM_ENOMEM;
    size_t left = 0;
    for (uint64_t fail_at = 1; status != HOLM_OK || left > 0; fail_at++) {
        f.heaps[FOLDING].calls = 0;
        f.heaps[FOLDING].fail_at = fail_at;
        status = holm_replica_collect(f.replicas[FOLDING][1], (struct holm_vector_view){&folded, 1},
                                      f.now, &f.work);
        f.heaps[FOLDING].fail_at = 0;
        left = rows(&f, 1)->named;
        worlds_assert_agree(&f, 1);
        assert_in_range(fail_at, 1, 1000);
    }
    assert_int_equal(worlds_step(&f, FOLDING, 1, &tick), HOLM_OK);
    assert_int_equal(rows(&f, 1)->named, 0);
    worlds_close(&f);
}

/* ---- cuts ---------------------------------------------------------------------------------- */

/* A store of C has all that A wrote, but not B's reset of a part of it, which was known to all when A's epochs
 * were folded: the cut says what is left. */
static void test_rows_when_a_cut_folds_after_a_reset_of_a_part_then_the_cut_is_right(void **state)
{
    static struct worlds f;
    worlds_open(&f, 3);
    worlds_write(&f, 0, holm_op_add(holm_str("k"), holm_str("n"), 6));
    worlds_next_epoch(&f, 0);
    worlds_give(&f, 0, 1);
    worlds_write(&f, 1, holm_op_reset(holm_str("k"), holm_str("n")));
    worlds_write(&f, 0, holm_op_add(holm_str("k"), holm_str("n"), 3));
    worlds_next_epoch(&f, 0);
    struct holm_replica *older[WORLDS];
    worlds_give(&f, 0, 2);
    worlds_give(&f, 2, 2);
    for (int world = 0; world < WORLDS; world++)
        older[world] = worlds_copy(&f, world, 2);
    assert_true(worlds_sum_of(older[FOLDING], "k") == 9);
    worlds_give_all(&f);
    assert_int_equal(worlds_fold_all(&f), 3);
    for (int world = 0; world < WORLDS; world++) {
        worlds_load(&f, f.replicas[world][0], older[world]);
        assert_true(worlds_sum_of(older[world], "k") == 3);
        holm_replica_check(older[world]);
        holm_replica_free(older[world]);
    }
    worlds_close(&f);
}

/* Two counters of one node have two entries under its epoch 0, which are not one dot. */
static void test_rows_when_folded_counters_are_compared_then_each_is_told_apart(void **state)
{
    static struct worlds f;
    worlds_open(&f, 2);
    for (size_t i = 0; i < WORLDS_KEYS; i++)
        worlds_write(&f, 0, holm_op_add(holm_str(worlds_keys[i]), holm_str("n"), 5));
    worlds_next_epoch(&f, 0);
    worlds_give_all(&f);
    assert_int_equal(worlds_fold_all(&f), 2);
    worlds_write(&f, 0, holm_op_reset(holm_str(worlds_keys[1]), holm_str("n")));
    worlds_catch_up(&f, 0, 1);
    assert_int_equal(f.caught_up, 1);
    worlds_assert_agree(&f, 1);
    assert_true(worlds_sum_of(f.replicas[FOLDING][1], worlds_keys[1]) == 0);
    worlds_assert_equal(&f, FOLDING);
    worlds_close(&f);
}

static enum holm_status load_entries(struct worlds *f, size_t node, const struct holm_dot *entries,
                                     size_t count, const struct holm_dot *folded)
{
    return holm_replica_load_collected(
        f->replicas[FOLDING][node], (struct holm_vector_view){entries, count},
        (struct holm_vector_view){folded, folded == NULL ? 0 : 1}, NULL, 0, f->now, &f->work);
}

/* A vector folds what its S does, and covers it; and of what both have folded there is but one sum. */
static void test_rows_when_a_cut_says_nonsense_of_folds_then_it_is_refused(void **state)
{
    static struct worlds f;
    worlds_open(&f, 2);
    live(&f, 3);
    const struct holm_dot two = dot_of(1, 2, HOLM_SEQ_FOLDED);
    const struct holm_dot far = dot_of(1, 9, HOLM_SEQ_FOLDED);
    const struct holm_dot entries[] = {dot_of(1, 0, 77), two};
    const struct holm_dot later[] = {dot_of(1, 3, 1)};
    assert_int_equal(load_entries(&f, 1, entries, 2, NULL), HOLM_EMALFORMED);
    assert_int_equal(load_entries(&f, 1, entries, 2, &far), HOLM_EMALFORMED);
    assert_int_equal(load_entries(&f, 1, later, 1, &two), HOLM_EMALFORMED);
    worlds_assert_agree(&f, 1);
    assert_int_equal(worlds_fold_all(&f), 2);
    assert_int_equal(load_entries(&f, 1, entries, 2, &two), HOLM_EMALFORMED);
    worlds_assert_agree(&f, 1);
    worlds_close(&f);
}

/* Ghosts go where all have the same, folded or not. */
static void test_rows_when_there_are_folds_then_ghosts_still_go(void **state)
{
    static struct worlds f;
    struct holm_vector report;
    size_t dropped = 0;
    worlds_open(&f, 2);
    live(&f, 3);
    (void)worlds_fold_all(&f);
    worlds_write(&f, 1, holm_op_add(holm_str("k"), holm_str("n"), 2));
    worlds_write(&f, 0, holm_op_reset(holm_str("k"), holm_str("n")));
    worlds_give_all(&f);
    holm_vector_init(&report, &f.allocator);
    assert_int_equal(holm_replica_report(f.replicas[FOLDING][0], &report), HOLM_OK);
    assert_int_equal(holm_replica_drop_ghosts(f.replicas[FOLDING][1], actor_of(1, 3),
                                              holm_vector_view(&report), f.now, &f.work, &dropped),
                     HOLM_OK);
    assert_int_equal(dropped, 1);
    holm_vector_release(&report);
    worlds_assert_agree(&f, 1);
    worlds_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_when_some_have_folded_then_beacons_lead_to_nothing),
        cmocka_unit_test(test_rows_when_deps_name_a_fold_then_who_has_all_of_it_takes_the_run),
        cmocka_unit_test(test_rows_when_a_part_of_a_fold_is_missing_then_a_cut_brings_it),
        cmocka_unit_test(test_rows_when_not_the_same_is_folded_then_pulls_bring_runs),
        cmocka_unit_test(
            test_rows_when_the_present_epoch_is_folded_elsewhere_then_nothing_is_concluded),
        cmocka_unit_test(test_rows_when_feeds_are_followed_then_folds_do_not_end_them),
        cmocka_unit_test(test_rows_when_a_follower_lacks_a_part_of_a_fold_then_it_syncs_first),
        cmocka_unit_test(test_rows_when_nothing_uses_a_folded_epoch_then_its_row_goes),
        cmocka_unit_test(test_rows_when_a_cell_names_a_folded_epoch_then_its_row_stays),
        cmocka_unit_test(test_rows_when_a_state_is_frozen_then_rows_go_afterwards),
        cmocka_unit_test(test_rows_when_memory_is_refused_then_they_go_later),
        cmocka_unit_test(test_rows_when_a_cut_folds_after_a_reset_of_a_part_then_the_cut_is_right),
        cmocka_unit_test(test_rows_when_folded_counters_are_compared_then_each_is_told_apart),
        cmocka_unit_test(test_rows_when_a_cut_says_nonsense_of_folds_then_it_is_refused),
        cmocka_unit_test(test_rows_when_there_are_folds_then_ghosts_still_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

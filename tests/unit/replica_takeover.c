/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Syncs that meet with something: the source goes and another takes over, is busy, does not answer, has
 * changed too much; the host says not now.
 *
 *     A, C have much; B has little, syncs from A, and A is gone when B has been told a part
 */
#include "tests/unit/trio.h"

#include <stdio.h>

enum {
    A,
    B,
    C
};

#define BASE 400

/* ---- who says what ---------------------------------------------------------------------- */

static struct trio_letter take_first(struct trio *trio)
{
    struct trio_letter letter = trio->letters[0];
    trio->letter_count -= 1;
    memmove(trio->letters, trio->letters + 1, trio->letter_count * sizeof *trio->letters);
    return letter;
}

static void carry_first(struct trio *trio)
{
    struct trio_letter letter = take_first(trio);
    const struct holm_message *message = parcel_open(&trio->office, letter.parcel);
    assert_int_equal(trio_give(trio, letter.to, letter.from, message), HOLM_OK);
    parcel_free(&trio->office, letter.parcel);
}

static void lose_all(struct trio *trio)
{
    while (trio->letter_count > 0)
        parcel_free(&trio->office, take_first(trio).parcel);
}

static void tell_link(struct trio *trio, uint32_t node, uint32_t peer, bool is_up)
{
    struct holm_event event = {.type = is_up ? HOLM_EVENT_PEER_UP : HOLM_EVENT_PEER_DOWN};
    event.as.peer.peer = peer;
    event.as.peer.actor = actor_of(peer + 1, 1);
    assert_int_equal(trio_step(trio, node, &event), HOLM_OK);
}

static void link_all(struct trio *trio, uint32_t node, bool up)
{
    for (uint32_t i = 0; i < TRIO; i++) {
        if (i == node)
            continue;
        tell_link(trio, node, i, up);
        tell_link(trio, i, node, up);
    }
}

static uint64_t staged(const struct trio *trio)
{
    const struct holm_replica_sync *sync = &trio->replicas[B]->sync;
    return sync->catchup == NULL ? 0 : holm_catchup_figures(sync->catchup).staged;
}

/* A's line of a beacon reaches B alone. */
static void beacon_to_b(struct trio *trio, uint32_t from)
{
    assert_int_equal(trio_event(trio, from, HOLM_EVENT_FLUSH), HOLM_OK);
    struct holm_beacon_entry entry = holm_replica_beacon(trio->replicas[from]);
    struct holm_message beacon = {.type = HOLM_MESSAGE_BEACON, .as.beacon = {&entry, 1}};
    assert_int_equal(trio_give(trio, B, from, &beacon), HOLM_OK);
}

/* B syncs from A until it has been told so much; then A is gone. */
static void sync_in_part(struct trio *trio, uint64_t items)
{
    tell_link(trio, B, C, false);
    beacon_to_b(trio, A);
    while (staged(trio) < items) {
        assert_true(trio->letter_count > 0);
        carry_first(trio);
    }
    assert_int_equal(trio_stats(trio, B).syncs, 0);
    link_all(trio, A, false);
    lose_all(trio);
    assert_int_equal(trio_stats(trio, B).syncs, 0);
    assert_true(staged(trio) >= items);
    tell_link(trio, B, C, true);
    beacon_to_b(trio, C);
}

static void put_base(struct trio *trio, uint32_t node)
{
    char key[16];
    for (uint32_t i = 0; i < BASE; i++) {
        (void)snprintf(key, sizeof key, "k%u", i);
        trio_write(trio, node, holm_op_put(holm_str(key), holm_str("f"), holm_i64(i)));
    }
    assert_int_equal(trio_event(trio, node, HOLM_EVENT_FLUSH), HOLM_OK);
}

/* What `from` has is merged into `to`. */
static void merge(struct trio *trio, uint32_t from, uint32_t to)
{
    static const struct holm_page *pages[BASE];
    struct holm_now now = {trio->now_us, 1};
    struct holm_cut *cut;
    assert_int_equal(holm_cut_open(trio->replicas[from], now, &trio->work, &cut), HOLM_OK);
    size_t count = holm_cut_page_count(cut);
    assert_in_range(count, 1, BASE);
    for (size_t i = 0; i < count; i++)
        pages[i] = holm_cut_page(cut, i);
    assert_int_equal(
        holm_replica_load(trio->replicas[to], holm_cut_vector(cut), pages, count, now, &trio->work),
        HOLM_OK);
    holm_cut_close(cut);
}

static void open_small(struct trio *trio, struct holm_replica_config *config)
{
    *config = trio_config();
    config->frame_bytes_max = 4096;
    config->log_bytes_max = 1;
    trio_open(trio, config);
    trio->deaf = true;
}

static void assert_equal(const struct trio *trio, uint32_t one, uint32_t two)
{
    const struct holm_replica *left = trio->replicas[one], *right = trio->replicas[two];
    assert_int_equal(holm_replica_vector_hash(left), holm_replica_vector_hash(right));
    assert_true(holm_digest_equal(holm_replica_digest(left), holm_replica_digest(right)));
    assert_true(
        holm_digest_equal(holm_replica_transfer_digest(left), holm_replica_transfer_digest(right)));
}

/* ---- another takes over -------------------------------------------------------------------- */

/* What only A had is not applied with C's vector, which does not cover it; and comes when A does. */
static void test_takeover_when_the_dead_source_knew_more_then_that_is_not_applied(void **state)
{
    struct trio trio;
    struct holm_replica_config config;
    open_small(&trio, &config);
    put_base(&trio, C);
    merge(&trio, C, A);
    for (int i = 0; i < 40; i++) {
        char key[16];
        (void)snprintf(key, sizeof key, "a%d", i);
        trio_write(&trio, A, holm_op_put(holm_str(key), holm_str("f"), holm_i64(i)));
        trio_write(&trio, A, holm_op_add(holm_str("n"), holm_str("f"), 1));
    }
    sync_in_part(&trio, (BASE + 41) * 3 / 4); /* so many of A's own are among them */
    (void)trio_run(&trio, 1000000);
    assert_equal(&trio, B, C);
    assert_int_equal(trio_stats(&trio, B).records, BASE);
    assert_int_equal(trio_stats(&trio, B).sync_takeovers, 1);
    assert_in_range(trio_stats(&trio, B).sync_items, BASE, BASE + 60); /* nothing was told twice */
    link_all(&trio, A, true);
    beacon_to_b(&trio, A);
    (void)trio_run(&trio, 1000000);
    assert_equal(&trio, A, B);
    assert_int_equal(trio_stats(&trio, B).records, BASE + 41);
    trio_close(&trio);
}

static void test_takeover_when_the_next_has_seen_things_removed_then_they_go(void **state)
{
    struct trio trio;
    struct holm_replica_config config;
    open_small(&trio, &config);
    put_base(&trio, A);
    merge(&trio, A, C);
    for (int i = 0; i < BASE; i += 2) {
        char key[16];
        (void)snprintf(key, sizeof key, "k%d", i);
        trio_write(&trio, C, holm_op_remove(holm_str(key), holm_str("f")));
    }
    trio_write(&trio, C, holm_op_bury(holm_str("k1")));
    sync_in_part(&trio, BASE / 2);
    (void)trio_run(&trio, 1000000);
    assert_equal(&trio, B, C);
    assert_int_equal(trio_stats(&trio, B).records, BASE / 2 - 1);
    assert_int_equal(trio_stats(&trio, B).sync_takeovers, 1);
    trio_close(&trio);
}

/* A has an older entry of B's own share in a counter, C has it as it is. */
static void test_takeover_when_a_share_was_told_older_then_the_own_one_stays(void **state)
{
    struct trio trio;
    struct holm_replica_config config;
    int64_t sum;
    for (uint64_t items = 1; items < BASE; items += 40) {
        open_small(&trio, &config);
        put_base(&trio, A);
        trio_write(&trio, B, holm_op_add(holm_str("n"), holm_str("f"), 5));
        merge(&trio, B, A);
        trio_write(&trio, B, holm_op_add(holm_str("n"), holm_str("f"), 7));
        merge(&trio, B, C);
        merge(&trio, A, C);
        sync_in_part(&trio, items);
        (void)trio_run(&trio, 1000000);
        assert_equal(&trio, B, C);
        assert_int_equal(holm_replica_count(trio.replicas[B], holm_str("n"), holm_str("f"), &sum),
                         HOLM_OK);
        assert_int_equal(sum, 12);
        trio_close(&trio);
    }
}

/* Nobody takes over: what was staged is let go, and nothing of it shows. */
static void test_takeover_when_nobody_is_left_then_what_was_staged_goes(void **state)
{
    struct trio trio;
    struct holm_replica_config config;
    open_small(&trio, &config);
    put_base(&trio, A);
    tell_link(&trio, B, C, false);
    beacon_to_b(&trio, A);
    while (staged(&trio) < BASE / 2)
        carry_first(&trio);
    link_all(&trio, A, false);
    lose_all(&trio);
    assert_true(staged(&trio) >= BASE / 2);
    assert_in_range(trio_run(&trio, 60000000), 1, 3);
    assert_int_equal(staged(&trio), 0);
    assert_true(trio.replicas[B]->sync.catchup == NULL);
    assert_int_equal(trio_stats(&trio, B).cells, 0);
    trio_close(&trio);
}

/* ---- folds --------------------------------------------------------------------------------- */

/* A has folded its first epoch, B has not: then a whole cut is taken, page by page. */
static void test_sync_when_folds_differ_then_a_whole_cut_is_taken(void **state)
{
    struct trio trio;
    struct holm_replica_config config = trio_config();
    int64_t sum;
    config.log_bytes_max = 1;
    config.page_items_max = 7;
    config.retention = HOLM_RETENTION_STABLE;
    trio_open(&trio, &config);
    trio.deaf = true;
    tell_link(&trio, B, C, false);
    trio_write(&trio, B, holm_op_put(holm_str("own"), holm_str("f"), holm_i64(3)));
    trio_write(&trio, A, holm_op_add(holm_str("n"), holm_str("f"), 5));
    struct holm_event epoch = {.type = HOLM_EVENT_EPOCH, .as.epoch = {9}};
    assert_int_equal(trio_step(&trio, A, &epoch), HOLM_OK);
    put_base(&trio, A);
    const struct holm_dot folded = dot_of(1, 1, HOLM_SEQ_FOLDED);
    struct holm_now now = {trio.now_us, 1};
    assert_int_equal(holm_replica_collect(trio.replicas[A], (struct holm_vector_view){&folded, 1},
                                          now, &trio.work),
                     HOLM_OK);
    beacon_to_b(&trio, A);
    (void)trio_run(&trio, 1000000);
    assert_int_equal(trio_stats(&trio, B).syncs, 1);
    assert_in_range(trio.sent[HOLM_MESSAGE_SYNC_PAGE], BASE / 7, BASE);
    assert_int_equal(trio.sent[HOLM_MESSAGE_SYNC_CLOSE], trio.sent[HOLM_MESSAGE_SYNC_OPEN]);
    assert_int_equal(trio_stats(&trio, B).records, BASE + 2);
    assert_int_equal(holm_replica_count(trio.replicas[B], holm_str("n"), holm_str("f"), &sum),
                     HOLM_OK);
    assert_int_equal(sum, 5);
    uint64_t pages = trio.sent[HOLM_MESSAGE_SYNC_PAGE];
    beacon_to_b(&trio, A);
    trio_beacon(&trio, B);
    (void)trio_run(&trio, 1000000); /* now they have folded the same */
    assert_int_equal(trio.sent[HOLM_MESSAGE_SYNC_PAGE], pages);
    assert_equal(&trio, A, B);
    trio_close(&trio);
}

/* ---- not now ------------------------------------------------------------------------------- */

/* C holds the one cut that A may have open, and does not read. */
static void test_sync_when_the_source_is_busy_then_it_is_asked_ever_more_rarely(void **state)
{
    struct trio trio;
    struct holm_replica_config config;
    open_small(&trio, &config);
    put_base(&trio, A);
    for (uint64_t i = 1; i <= 2; i++) {
        struct holm_message open = {.type = HOLM_MESSAGE_SYNC_OPEN, .as.sync_open = {.sync = i}};
        trio.replicas[A]->config.cuts_max = 1;
        assert_int_equal(trio_give(&trio, A, C, &open), HOLM_OK); /* the second ends the first */
    }
    assert_int_equal(trio.replicas[A]->served_count, 1);
    uint64_t opened = trio.sent[HOLM_MESSAGE_SYNC_OPEN];
    beacon_to_b(&trio, A);
    uint64_t asked = 0;
    for (int i = 0; i < 5000; i++) {
        (void)trio_run(&trio, 1000);
        asked = trio.sent[HOLM_MESSAGE_SYNC_OPEN] - opened;
        assert_in_range(asked, 1, 12);
    }
    assert_in_range(asked, 4, 12);
    assert_int_equal(trio_stats(&trio, B).syncs_busy, asked);
    assert_int_equal(trio_stats(&trio, A).syncs_refused, asked);
    assert_int_equal(trio_stats(&trio, B).syncs_failed, 0);
    (void)trio_run(&trio, 10000000); /* nobody reads C's cut: it is closed */
    assert_int_equal(trio_stats(&trio, B).syncs, 1);
    assert_equal(&trio, A, B);
    trio_close(&trio);
}

/* C holds the one cut that A may have open, and asks for a page of it each second, for ever. */
static void test_sync_when_a_reader_never_ends_then_others_have_their_turn(void **state)
{
    struct trio trio;
    struct holm_replica_config config;
    open_small(&trio, &config);
    put_base(&trio, A);
    trio.replicas[A]->config.cuts_max = 1;
    struct holm_message open = {.type = HOLM_MESSAGE_SYNC_OPEN, .as.sync_open = {.sync = 1}};
    struct holm_message next = {.type = HOLM_MESSAGE_SYNC_NEXT,
                                .as.sync_next = {.sync = 1, .first = 1 << 20, .count = 1}};
    assert_int_equal(trio_give(&trio, A, C, &open), HOLM_OK);
    beacon_to_b(&trio, A);
    for (int second = 0; second < 595; second++) {
        (void)trio_run(&trio, 1000000);
        assert_int_equal(trio_give(&trio, A, C, &next), HOLM_OK);
        assert_int_equal(trio_stats(&trio, B).syncs, 0);
    }
    for (int second = 0; second < 20; second++) {
        (void)trio_run(&trio, 1000000);
        assert_int_equal(trio_give(&trio, A, C, &next), HOLM_OK);
    }
    assert_int_equal(trio_stats(&trio, B).syncs, 1);
    assert_equal(&trio, A, B);
    trio_close(&trio);
}

/* Every tell is lost: after some tries the source is told to close, long before it would by itself. */
static void test_sync_when_nothing_is_told_then_the_cut_is_closed(void **state)
{
    struct trio trio;
    struct holm_replica_config config;
    open_small(&trio, &config);
    put_base(&trio, A);
    tell_link(&trio, B, C, false);
    beacon_to_b(&trio, A);
    uint64_t asks = 0, until = trio.now_us + 9000000;
    while (trio_stats(&trio, B).syncs_failed == 0) {
        assert_true(trio.now_us < until);
        while (trio.letter_count > 0) {
            struct trio_letter letter = take_first(&trio);
            const struct holm_message *message = parcel_open(&trio.office, letter.parcel);
            asks += message->type == HOLM_MESSAGE_SYNC_ASK;
            if (message->type != HOLM_MESSAGE_SYNC_TELL)
                assert_int_equal(trio_give(&trio, letter.to, letter.from, message), HOLM_OK);
            parcel_free(&trio.office, letter.parcel);
        }
        trio.now_us = holm_replica_wake(trio.replicas[B]);
        assert_int_equal(trio_event(&trio, B, HOLM_EVENT_TICK), HOLM_OK);
    }
    assert_in_range(asks, 3, 12); /* a window, three times */
    while (trio.letter_count > 0)
        carry_first(&trio);
    assert_int_equal(trio.replicas[A]->served_count, 0);
    (void)trio_run(&trio, 1000000);
    assert_equal(&trio, A, B);
    trio_close(&trio);
}

static void test_sync_when_the_host_says_not_now_then_it_waits(void **state)
{
    struct trio trio;
    struct holm_replica_config config;
    open_small(&trio, &config);
    put_base(&trio, A);
    tell_link(&trio, B, C, false);
    holm_replica_permit_syncs(trio.replicas[B], false, true);
    beacon_to_b(&trio, A);
    assert_in_range(trio_run(&trio, 1000000), 10, 110);
    assert_int_equal(trio.sent[HOLM_MESSAGE_SYNC_OPEN], 0);
    holm_replica_permit_syncs(trio.replicas[B], true, true);
    holm_replica_permit_syncs(trio.replicas[A], true, false);
    (void)trio_run(&trio, 1000000);
    assert_int_equal(trio_stats(&trio, B).syncs, 0);
    assert_true(trio_stats(&trio, B).syncs_busy > 0);
    holm_replica_permit_syncs(trio.replicas[A], true, true);
    (void)trio_run(&trio, 10000000);
    assert_int_equal(trio_stats(&trio, B).syncs, 1);
    assert_equal(&trio, A, B);
    trio_close(&trio);
}

/* The cut cannot keep what changes under it: B is told that it is gone, and goes on with another. */
static void test_sync_when_a_cut_breaks_then_it_goes_on_with_the_next(void **state)
{
    struct trio trio;
    struct holm_replica_config config;
    open_small(&trio, &config);
    put_base(&trio, A);
    trio.replicas[A]->config.kept_bytes_max = 1;
    tell_link(&trio, B, C, false);
    beacon_to_b(&trio, A);
    while (staged(&trio) < BASE / 2)
        carry_first(&trio);
    trio_write(&trio, A, holm_op_remove(holm_str("k7"), holm_str("f")));
    (void)trio_run(&trio, 1000000);
    assert_int_equal(trio_stats(&trio, B).syncs, 1);
    assert_int_equal(trio_stats(&trio, B).syncs_failed, 1);
    assert_int_equal(trio_stats(&trio, B).sync_takeovers, 1);
    assert_int_equal(trio_stats(&trio, A).syncs_served, 2);
    assert_in_range(trio_stats(&trio, B).sync_items, BASE - 1, BASE + 60);
    assert_equal(&trio, A, B);
    trio_close(&trio);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_takeover_when_the_dead_source_knew_more_then_that_is_not_applied),
        cmocka_unit_test(test_takeover_when_the_next_has_seen_things_removed_then_they_go),
        cmocka_unit_test(test_takeover_when_a_share_was_told_older_then_the_own_one_stays),
        cmocka_unit_test(test_takeover_when_nobody_is_left_then_what_was_staged_goes),
        cmocka_unit_test(test_sync_when_folds_differ_then_a_whole_cut_is_taken),
        cmocka_unit_test(test_sync_when_a_reader_never_ends_then_others_have_their_turn),
        cmocka_unit_test(test_sync_when_the_source_is_busy_then_it_is_asked_ever_more_rarely),
        cmocka_unit_test(test_sync_when_nothing_is_told_then_the_cut_is_closed),
        cmocka_unit_test(test_sync_when_the_host_says_not_now_then_it_waits),
        cmocka_unit_test(test_sync_when_a_cut_breaks_then_it_goes_on_with_the_next),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

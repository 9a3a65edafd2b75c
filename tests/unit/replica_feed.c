/* SPDX-License-Identifier: Apache-2.0 */
/* Runs that are fed from one op log to the next (F1 to F4 of crdt/feed.h). */
#include "tests/unit/trio_feed.h"

static void test_feed_when_a_line_follows_then_each_run_crosses_each_link_once(void **state)
{
    struct trio trio;
    struct holm_replica_config config = trio_config();
    open_line(&trio, &config);
    for (int i = 0; i < 20; i++) {
        put(&trio, A, "k", i);
        put(&trio, B, "k", i);
        put(&trio, C, "l", i);
        (void)trio_run(&trio, 5000);
    }
    (void)trio_run(&trio, 50000);
    assert_equal(&trio);
    assert_int_equal(repeats(&trio), 0); /* nothing went back, and nothing came twice */
    assert_int_equal(asked(&trio), 0);
    trio_close(&trio);
}

/* Its own runs come to a follower by nobody's feed, even if they came here by another way. */
static void test_feed_when_a_run_is_the_followers_own_then_it_is_not_sent(void **state)
{
    struct trio trio;
    struct holm_replica_config config = trio_config();
    open_triangle(&trio, &config);
    trio.deaf = false;
    put(&trio, A, "k", 1);
    (void)trio_run(&trio, 50000);
    assert_int_equal(trio_stats(&trio, A).deltas_duplicate, 0);
    assert_equal(&trio);
    trio_close(&trio);
}

static void test_feed_when_all_is_told_then_nobody_says_anything(void **state)
{
    struct trio trio;
    struct holm_replica_config config = trio_config();
    open_line(&trio, &config);
    put_many(&trio, A, 10, 2000);
    (void)trio_run(&trio, SECOND_US);
    uint64_t feeds = trio.sent[HOLM_MESSAGE_FEED], follows = trio.sent[HOLM_MESSAGE_FOLLOW];
    for (uint32_t i = 0; i < TRIO; i++)
        trio_beacon(&trio, i);
    assert_int_equal(trio_run(&trio, 1000 * SECOND_US), 0);
    assert_int_equal(trio.sent[HOLM_MESSAGE_FEED], feeds);
    assert_int_equal(trio.sent[HOLM_MESSAGE_FOLLOW], follows);
    trio_close(&trio);
}

/* F3: whatever waits, waits in the op log. */
static void test_feed_when_it_is_not_acknowledged_then_it_stops(void **state)
{
    struct trio trio;
    struct holm_replica_config config = trio_config();
    config.feed_bytes_max = 2000;
    open_line(&trio, &config);
    uint64_t sent = trio_stats(&trio, A).feeds;
    for (int i = 0; i < 200; i++) {
        put(&trio, A, "k", i);
        trio.now_us += 1000;
        assert_int_equal(trio_event(&trio, A, HOLM_EVENT_TICK), HOLM_OK);
        assert_in_range(look(&trio, A, B).unacknowledged, 0, 2000 + 1000);
    }
    sent = trio_stats(&trio, A).feeds - sent;
    assert_in_range(sent, 3, HOLM_FEED_FLIGHTS);
    (void)trio_run(&trio, SECOND_US);
    assert_equal(&trio);
    assert_int_equal(look(&trio, A, B).unacknowledged, 0);
    trio_close(&trio);
}

/* Small frames are bounded by their number. */
static void test_feed_when_frames_are_small_then_so_many_are_under_way(void **state)
{
    struct trio trio;
    struct holm_replica_config config = trio_config();
    open_line(&trio, &config);
    uint64_t sent = trio_stats(&trio, A).feeds;
    for (int i = 0; i < 100; i++) {
        put(&trio, A, "k", i);
        trio.now_us += 2000;
        assert_int_equal(trio_event(&trio, A, HOLM_EVENT_TICK), HOLM_OK);
    }
    assert_int_equal(trio_stats(&trio, A).feeds - sent, HOLM_FEED_FLIGHTS);
    (void)trio_run(&trio, SECOND_US);
    assert_equal(&trio);
    trio_close(&trio);
}

/* Half of them go out at once; the rest are spread over the time that acknowledgements take, so that there is nearly
 * always one to be had. */
static void test_feed_when_acknowledgements_are_far_then_frames_are_spread(void **state)
{
    struct trio trio;
    struct holm_replica_config config = trio_config();
    open_line(&trio, &config);
    uint64_t sent = trio_stats(&trio, A).feeds;
    for (int i = 0; i < HOLM_FEED_FLIGHTS; i++) {
        put(&trio, A, "k", i);
        trio.now_us += 2000;
        assert_int_equal(trio_event(&trio, A, HOLM_EVENT_TICK), HOLM_OK);
    }
    sent = trio_stats(&trio, A).feeds - sent;
    assert_in_range(sent, HOLM_FEED_FLIGHTS / 2 + 1, HOLM_FEED_FLIGHTS - 3);
    assert_true(holm_replica_wake(trio.replicas[A]) > trio.now_us);
    (void)trio_run(&trio, SECOND_US);
    assert_equal(&trio);
    trio_close(&trio);
}

/* Each follower's frames are spread by its own acknowledgements, whenever others are fed. */
static void test_feed_when_one_of_two_is_far_then_its_frames_alone_are_spread(void **state)
{
    struct trio trio;
    struct holm_replica_config config = trio_config();
    open_line(&trio, &config);
    uint64_t near = look(&trio, B, A).sent, far = look(&trio, B, C).sent;
    trio.frozen[C] = true;
    for (int i = 0; i < HOLM_FEED_FLIGHTS; i++) {
        put(&trio, B, "k", i);
        (void)trio_run(&trio, 2000);
    }
    assert_int_equal(look(&trio, B, A).sent - near, HOLM_FEED_FLIGHTS);
    assert_in_range(look(&trio, B, C).sent - far, HOLM_FEED_FLIGHTS / 2 + 1, HOLM_FEED_FLIGHTS - 3);
    trio.frozen[C] = false;
    (void)trio_run(&trio, SECOND_US);
    assert_equal(&trio);
    trio_close(&trio);
}

/* F4: what follows on a lost frame may need what was in it. */
static void test_feed_when_a_frame_is_lost_then_it_is_followed_anew(void **state)
{
    struct trio trio;
    struct holm_replica_config config = trio_config();
    open_line(&trio, &config);
    trio.lossy = HOLM_MESSAGE_FEED;
    put_many(&trio, A, 100, 2000);
    trio.lossy = (enum holm_message_type)0;
    put(&trio, A, "last", 1);
    (void)trio_run(&trio, 10 * SECOND_US);
    assert_equal(&trio);
    assert_true(trio_stats(&trio, B).follow_gaps > 0);
    assert_int_equal(trio_stats(&trio, B).deltas_refused, 0);
    assert_int_equal(asked(&trio), 0);
    trio_close(&trio);
}

/* A Follow that is lost is said again. */
static void test_feed_when_a_follow_is_not_answered_then_it_is_repeated(void **state)
{
    struct trio trio;
    struct holm_replica_config config = trio_config();
    trio_open(&trio, &config);
    trio.deaf = true;
    trio.lossy = HOLM_MESSAGE_FOLLOW;
    link(&trio, A, B);
    link(&trio, B, C);
    (void)trio_run(&trio, 10 * SECOND_US);
    assert_true(trio.sent[HOLM_MESSAGE_FOLLOW] > 4);
    put(&trio, A, "k", 1);
    (void)trio_run(&trio, 50000);
    assert_equal(&trio);
    trio_close(&trio);
}

/* The log's floor has passed: what is below comes by a sync, and then the feed goes on. */
static void test_feed_when_the_log_does_not_reach_back_then_the_follower_syncs(void **state)
{
    struct trio trio;
    struct holm_replica_config config = trio_config();
    config.log_bytes_max = 4000;
    open_line(&trio, &config);
    link_down(&trio, B, C);
    put_many(&trio, A, 100, 2000);
    link(&trio, B, C);
    (void)trio_run(&trio, SECOND_US);
    assert_equal(&trio);
    assert_int_equal(trio_stats(&trio, B).feeds_too_old, 1);
    assert_int_equal(trio_stats(&trio, C).syncs, 1);
    put(&trio, A, "k", -1);
    (void)trio_run(&trio, 50000);
    assert_equal(&trio);
    assert_int_equal(trio_stats(&trio, C).syncs, 1);
    trio_close(&trio);
}

/* A follower that does not take what it is sent falls behind, and holds no memory but its cursor. */
static void test_feed_when_a_follower_falls_behind_then_it_is_told_so(void **state)
{
    struct trio trio;
    struct holm_replica_config config = trio_config();
    config.log_bytes_max = 8000;
    config.feed_bytes_max = 1;
    open_line(&trio, &config);
    for (int i = 0; i < 200; i++) {
        put(&trio, A, "k", i);
        trio.now_us += 1000;
        assert_int_equal(trio_event(&trio, A, HOLM_EVENT_TICK), HOLM_OK);
    }
    assert_int_equal(trio_stats(&trio, A).feeds_too_old, 0); /* not before it has said something */
    (void)trio_run(&trio, SECOND_US);
    /* The feed that was; and, while C's may still bring what is missing, a Follow each quarter of B's patience
     * and a back-off, of which three are within it. Then B syncs. */
    assert_in_range(trio_stats(&trio, A).feeds_too_old, 1, 4);
    assert_int_equal(trio_stats(&trio, B).syncs, 1);
    assert_equal(&trio);
    trio_close(&trio);
}

/* F1: B has by a sync what its log does not have. Its next run needs that; C, which is level with B's log,
 * must not get it before. */
static void test_feed_when_its_server_has_synced_then_the_follower_is_not_left_behind(void **state)
{
    struct trio trio;
    struct holm_replica_config config = trio_config();
    open_line(&trio, &config);
    link_down(&trio, A, B);
    put_many(&trio, A, 20, 2000);
    holm_oplog_clear(&trio.replicas[A]->log, &trio.replicas[A]->actors);
    link_up(&trio, A, B, HOLM_FOLLOW_NEVER);
    link_up(&trio, B, A, HOLM_FOLLOW_NEVER);
    trio_beacon(&trio, A);
    while (trio_stats(&trio, B).syncs == 0 || trio.replicas[B]->sync.active) {
        (void)trio_run(&trio, 1);
        assert_true(trio.now_us < 100 * SECOND_US);
    }
    put(&trio, B, "k0", -1); /* it replaces what A wrote */
    (void)trio_run(&trio, SECOND_US);
    assert_true(equal(&trio, B, C));
    assert_int_equal(trio_stats(&trio, C).deltas_refused, 0);
    trio_close(&trio);
}

static void test_feed_when_one_has_much_to_catch_up_with_then_one_peer_feeds_it_all(void **state)
{
    struct trio trio;
    struct holm_replica_config config = trio_config();
    open_line(&trio, &config);
    link_down(&trio, B, C);
    put_many(&trio, A, 50, 2000);
    link(&trio, B, C);
    link(&trio, A, C);
    (void)trio_run(&trio, SECOND_US);
    assert_equal(&trio);
    assert_true(look(&trio, A, C).followed && look(&trio, B, C).followed);
    assert_int_equal(trio_stats(&trio, C).deltas_duplicate, 0);
    trio_close(&trio);
}

static void test_feed_when_nobody_wants_it_any_more_then_it_ends_on_both_sides(void **state)
{
    struct trio trio;
    struct holm_replica_config config = trio_config();
    open_line(&trio, &config);
    assert_true(look(&trio, A, B).following && look(&trio, B, A).following);
    struct holm_event event = {.type = HOLM_EVENT_FOLLOW};
    event.as.follow.peer = B;
    event.as.follow.wish = HOLM_FOLLOW_NEVER;
    assert_int_equal(trio_step(&trio, A, &event), HOLM_OK);
    (void)trio_run(&trio, 50000);
    assert_false(look(&trio, A, B).following || look(&trio, A, B).followed);
    assert_false(look(&trio, B, A).following || look(&trio, B, A).followed);
    assert_true(look(&trio, C, B).following && look(&trio, B, C).following);
    trio_close(&trio);
}

/* What waits for an acknowledgement learns of it by the feed's. */
static void test_feed_when_it_is_acknowledged_then_the_writer_knows_who_has_seen(void **state)
{
    struct trio trio;
    struct holm_replica_config config = trio_config();
    open_line(&trio, &config);
    put(&trio, A, "k", 1);
    (void)trio_run(&trio, 5000);
    assert_int_equal(holm_replica_peer_seen(trio.replicas[A], B), 0);
    (void)trio_run(&trio, 50000);
    assert_int_equal(holm_replica_peer_seen(trio.replicas[A], B), 1);
    struct holm_event epoch = {.type = HOLM_EVENT_EPOCH};
    epoch.as.epoch.value = 2;
    put(&trio, A, "k", 2);
    (void)trio_run(&trio, 3000); /* under way … */
    struct holm_message ack = {.type = HOLM_MESSAGE_FEED};
    ack.as.feed.ack = look(&trio, A, B).sent;
    assert_int_equal(trio_step(&trio, A, &epoch), HOLM_OK);
    put(&trio, A, "k", 3); /* … and this is the new epoch's first */
    assert_int_equal(trio_event(&trio, A, HOLM_EVENT_FLUSH), HOLM_OK);
    assert_int_equal(trio_give(&trio, A, B, &ack), HOLM_OK);
    assert_int_equal(holm_replica_peer_seen(trio.replicas[A], B), 0);
    trio_close(&trio);
}

/* The peer's new epoch came over the same link, and what it fed before is still under way: with numbers
 * that began again, its frames would be taken for those of the new feed. */
static void test_feed_when_a_peer_is_another_then_its_former_feed_acknowledges_nothing(void **state)
{
    struct trio trio;
    struct holm_replica_config config = trio_config();
    open_line(&trio, &config);
    uint64_t sent = look(&trio, A, B).sent;
    link_up(&trio, B, A, HOLM_FOLLOW_WANT);
    put(&trio, A, "k", 1);
    (void)trio_event(&trio, B, HOLM_EVENT_TICK);
    struct holm_message late = {.type = HOLM_MESSAGE_FEED};
    for (late.as.feed.number = 1; late.as.feed.number <= sent; late.as.feed.number++)
        assert_int_equal(trio_give(&trio, B, A, &late), HOLM_OK);
    trio.cut[A][B] = true;
    (void)trio_run(&trio, 50000);
    assert_int_equal(holm_replica_peer_seen(trio.replicas[A], B), 0);
    assert_false(equal(&trio, A, B));
    trio.cut[A][B] = false;
    (void)trio_run(&trio, 10 * SECOND_US);
    assert_int_equal(holm_replica_peer_seen(trio.replicas[A], B), 1);
    assert_equal(&trio);
    trio_close(&trio);
}

/* Another replica goes on over the links: what the former one was fed from now on leaves out what that one had. */
static void test_feed_when_a_state_takes_anothers_place_then_its_feeds_are_over(void **state)
{
    struct trio trio;
    struct holm_replica_config config = trio_config();
    open_line(&trio, &config);
    put(&trio, A, "k", 1);
    (void)trio_run(&trio, 50000);
    struct holm_replica *former = trio.replicas[B];
    uint64_t taken = former->peers[A].feed.taken;
    assert_true(taken > 0);
    for (uint64_t more = 1; more <= HOLM_FEED_FLIGHTS; more++) {
        struct holm_replica *next;
        struct holm_delta *run = run_of(&trio.allocator, 9, 1, 1, dot_of(1, 1, 0));
        struct holm_message late = {.type = HOLM_MESSAGE_FEED};
        late.as.feed = (struct holm_feed){.number = taken + more, .runs = &run, .count = 1};
        assert_int_equal(holm_replica_new(&former->config, &next), HOLM_OK);
        holm_replica_follow_after(next, former);
        trio.replicas[B] = next;
        link_up(&trio, B, A, HOLM_FOLLOW_NEVER);
        assert_int_equal(trio_give(&trio, B, A, &late), HOLM_OK);
        assert_int_equal(holm_replica_seq(next, actor_of(9, 1)), 0);
        holm_delta_release(run);
        holm_replica_free(next);
    }
    trio.replicas[B] = former;
    trio_close(&trio);
}

static void test_feed_when_messages_are_nonsense_then_they_are_refused_or_ignored(void **state)
{
    struct trio trio;
    struct holm_replica_config config = trio_config();
    open_line(&trio, &config);
    const struct holm_dot unsorted[] = {{actor_of(2, 1), 1}, {actor_of(1, 1), 1}};
    struct holm_message message = {.type = HOLM_MESSAGE_FOLLOW};
    message.as.follow.vector = (struct holm_vector_view){unsorted, 2};
    assert_int_equal(trio_give(&trio, A, B, &message), HOLM_EMALFORMED);
    message.as.follow = (struct holm_follow){.number = UINT64_MAX};
    assert_int_equal(trio_give(&trio, A, B, &message), HOLM_EMALFORMED);
    message.type = HOLM_MESSAGE_FEED;
    message.as.feed = (struct holm_feed){.ack = UINT64_MAX};
    assert_int_equal(trio_give(&trio, A, B, &message), HOLM_OK);
    struct holm_delta *early = run_of(&trio.allocator, 2, 5, 5, dot_of(1, 1, 0));
    early->partition = 5;
    message.as.feed = (struct holm_feed){
        .number = trio.replicas[A]->peers[B].feed.taken + 1, .runs = &early, .count = 1};
    assert_int_equal(trio_give(&trio, A, B, &message), HOLM_EMALFORMED);
    holm_delta_release(early);
    assert_int_equal(trio_stats(&trio, A).held, 0);
    assert_false(look(&trio, A, B).following);
    (void)trio_run(&trio, SECOND_US);
    assert_true(look(&trio, A, B).following); /* anew */
    put(&trio, B, "k", 1);
    (void)trio_run(&trio, 50000);
    assert_equal(&trio);
    trio_close(&trio);
}

/* Whatever is refused between a write and its arrival, once: it comes all the same. */
static void test_feed_when_memory_is_short_once_then_all_arrives_later(void **state)
{
    for (uint64_t n = 1; n <= 60; n++) {
        struct trio trio;
        struct holm_replica_config config = trio_config();
        trio_open(&trio, &config);
        trio.deaf = true;
        link(&trio, A, B);
        put(&trio, A, "k", 1);
        trio.heap.calls = 0;
        trio.heap.fail_once = true;
        trio.heap.fail_at = n;
        for (int i = 0; i < 30; i++) {
            /* Ticks may say that memory was short; the wake-up time says when to come again. */
            struct trio_letter letter;
            while (trio.letter_count > 0) {
                letter = trio.letters[0];
                trio.letter_count -= 1;
                memmove(trio.letters, trio.letters + 1, trio.letter_count * sizeof *trio.letters);
                (void)trio_give(&trio, letter.to, letter.from,
                                parcel_open(&trio.office, letter.parcel));
                parcel_free(&trio.office, letter.parcel);
            }
            for (uint32_t node = 0; node < TRIO; node++)
                if (holm_replica_wake(trio.replicas[node]) <= trio.now_us)
                    (void)trio_event(&trio, node, HOLM_EVENT_TICK);
            trio.now_us += 1000;
        }
        trio.heap.fail_at = 0;
        (void)trio_run(&trio, 10 * SECOND_US);
        put(&trio, B, "k", 2);
        (void)trio_run(&trio, SECOND_US);
        if (!equal(&trio, A, B))
            fail_msg("refusal %d", (int)n);
        trio_close(&trio);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_feed_when_a_line_follows_then_each_run_crosses_each_link_once),
        cmocka_unit_test(test_feed_when_a_run_is_the_followers_own_then_it_is_not_sent),
        cmocka_unit_test(test_feed_when_all_is_told_then_nobody_says_anything),
        cmocka_unit_test(test_feed_when_it_is_not_acknowledged_then_it_stops),
        cmocka_unit_test(test_feed_when_frames_are_small_then_so_many_are_under_way),
        cmocka_unit_test(test_feed_when_acknowledgements_are_far_then_frames_are_spread),
        cmocka_unit_test(test_feed_when_one_of_two_is_far_then_its_frames_alone_are_spread),
        cmocka_unit_test(test_feed_when_a_frame_is_lost_then_it_is_followed_anew),
        cmocka_unit_test(test_feed_when_a_follow_is_not_answered_then_it_is_repeated),
        cmocka_unit_test(test_feed_when_the_log_does_not_reach_back_then_the_follower_syncs),
        cmocka_unit_test(test_feed_when_a_follower_falls_behind_then_it_is_told_so),
        cmocka_unit_test(test_feed_when_its_server_has_synced_then_the_follower_is_not_left_behind),
        cmocka_unit_test(test_feed_when_one_has_much_to_catch_up_with_then_one_peer_feeds_it_all),
        cmocka_unit_test(test_feed_when_nobody_wants_it_any_more_then_it_ends_on_both_sides),
        cmocka_unit_test(test_feed_when_it_is_acknowledged_then_the_writer_knows_who_has_seen),
        cmocka_unit_test(
            test_feed_when_a_peer_is_another_then_its_former_feed_acknowledges_nothing),
        cmocka_unit_test(test_feed_when_messages_are_nonsense_then_they_are_refused_or_ignored),
        cmocka_unit_test(test_feed_when_a_state_takes_anothers_place_then_its_feeds_are_over),
        cmocka_unit_test(test_feed_when_memory_is_short_once_then_all_arrives_later),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

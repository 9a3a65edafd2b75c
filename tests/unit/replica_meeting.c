/* SPDX-License-Identifier: Apache-2.0 */
/* Replicas that meet again after a while apart, where others hear through them by feeds. */
#include "tests/unit/trio_feed.h"

/* The state would be fewer bytes. But B would have a hole in its log then, and C would sync, too, when it has waited. */
static void test_meeting_when_others_hear_through_the_follower_then_it_is_fed_runs(void **state)
{
    struct trio trio;
    struct holm_replica_config config = trio_config();
    config.flush_bytes = 4096;
    open_line(&trio, &config);
    put_many(&trio, A, 5, 2000);
    link_down(&trio, A, B);
    put_many(&trio, A, 40, 2000);
    const struct holm_replica *a = trio.replicas[A];
    assert_in_range(a->log.bytes, a->state.heap.used + config.flush_bytes + 1, SIZE_MAX);
    link(&trio, A, B);
    (void)trio_run(&trio, 100000);
    assert_equal(&trio);
    assert_int_equal(asked(&trio), 0);
    assert_int_equal(trio_stats(&trio, A).feeds_too_old, 0);
    trio_close(&trio);
}

/* What a peer tells of that has just come is not under way by feeds: nobody waits for them as long as for a beacon. */
static void test_meeting_when_a_beacon_tells_of_more_then_its_peer_is_asked_soon(void **state)
{
    struct trio trio;
    struct holm_replica_config config = trio_config();
    open_line(&trio, &config);
    put(&trio, A, "k", 1);
    (void)trio_run(&trio, 50000);
    link_down(&trio, B, C);
    put(&trio, C, "l", 1);
    (void)trio_run(&trio, SECOND_US);
    assert_false(equal(&trio, B, C));
    link_up(&trio, A, C, HOLM_FOLLOW_BACK);
    link_up(&trio, C, A, HOLM_FOLLOW_BACK);
    trio_beacon(&trio, C);
    (void)trio_run(&trio, 2 * config.retry_min_us);
    assert_equal(&trio);
    assert_int_equal(trio.sent[HOLM_MESSAGE_PULL], 1);
    trio_close(&trio);
}

/* Whoever has nothing of others is a newcomer: nobody hears through it yet, and the state is fewer bytes. */
static void test_meeting_when_the_follower_has_but_its_own_then_it_syncs(void **state)
{
    struct trio trio;
    struct holm_replica_config config = trio_config();
    config.flush_bytes = 4096;
    open_line(&trio, &config);
    put(&trio, C, "l", 1);
    (void)trio_run(&trio, SECOND_US);
    link_down(&trio, B, C);
    put_many(&trio, A, 45, 2000);
    assert_int_equal(asked(&trio), 0);
    link(&trio, B, C);
    (void)trio_run(&trio, SECOND_US);
    assert_equal(&trio);
    assert_int_equal(trio_stats(&trio, B).feeds_too_old, 1);
    assert_int_equal(trio.sent[HOLM_MESSAGE_SYNC_OPEN], 1);
    trio_close(&trio);
}

/* What holds for a feed holds for an answer to a pull. */
static void test_meeting_when_it_pulls_then_runs_are_sent_for_as_long(void **state)
{
    struct trio trio;
    struct holm_replica_config config = trio_config();
    config.flush_bytes = 4096;
    open_line(&trio, &config);
    put_many(&trio, A, 5, 2000);
    link_down(&trio, B, C);
    put_many(&trio, A, 40, 2000);
    link_up(&trio, B, C, HOLM_FOLLOW_NEVER);
    link_up(&trio, C, B, HOLM_FOLLOW_NEVER);
    trio_beacon(&trio, B);
    (void)trio_run(&trio, SECOND_US);
    assert_equal(&trio);
    assert_int_equal(trio.sent[HOLM_MESSAGE_PULL], 1);
    assert_int_equal(trio.sent[HOLM_MESSAGE_SYNC_OPEN], 0);
    trio_close(&trio);
}

/* It was asked already: by the Follow. */
static void test_meeting_when_the_peer_is_followed_meanwhile_then_that_is_waited_for(void **state)
{
    struct trio trio;
    struct holm_replica_config config = trio_config();
    open_line(&trio, &config);
    put(&trio, A, "k", 1);
    (void)trio_run(&trio, 50000);
    link_down(&trio, B, C);
    put(&trio, C, "l", 1);
    (void)trio_run(&trio, SECOND_US);
    link_up(&trio, A, C, HOLM_FOLLOW_NEVER);
    uint64_t follows = trio_stats(&trio, A).follows;
    trio_beacon(&trio, C);
    (void)trio_run(&trio, 1);
    wish(&trio, A, C, HOLM_FOLLOW_WANT);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(trio_event(&trio, A, HOLM_EVENT_TICK), HOLM_OK);
        trio.now_us += config.retry_min_us;
    }
    assert_int_equal(trio_stats(&trio, A).follows - follows, 1);
    assert_true(look(&trio, A, C).following);
    assert_int_equal(asked(&trio), 0);
    trio_close(&trio);
}

/* Carries all that is on its way between A and C now, `us` later. */
static void carry_later(struct trio *trio, uint64_t us)
{
    struct trio_letter letters[16];
    size_t count = trio->letter_count;
    assert_true(count <= 16);
    memcpy(letters, trio->letters, count * sizeof *letters);
    trio->letter_count = 0;
    trio->now_us += us;
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(trio_give(trio, letters[i].to, letters[i].from,
                                   parcel_open(&trio->office, letters[i].parcel)),
                         HOLM_OK);
        parcel_free(&trio->office, letters[i].parcel);
    }
    assert_int_equal(trio_event(trio, A, HOLM_EVENT_TICK), HOLM_OK);
    assert_int_equal(trio_event(trio, C, HOLM_EVENT_TICK), HOLM_OK);
}

/* Each would follow the other but back: left in the same moment as it is followed, it leaves, too, and says so to one who
 * has long forgotten that, a round trip away. */
static void test_meeting_when_both_follow_but_back_then_they_leave_each_other_in_the_end(
    void **state)
{
    (void)state;
    struct trio trio;
    struct holm_replica_config config = trio_config();
    open_line(&trio, &config);
    link_up(&trio, A, C, HOLM_FOLLOW_BACK);
    link_up(&trio, C, A, HOLM_FOLLOW_BACK);
    struct holm_message follow = {.type = HOLM_MESSAGE_FOLLOW,
                                  .as.follow.number = HOLM_FEED_RESTART};
    struct holm_message leave = {.type = HOLM_MESSAGE_UNFOLLOW};
    assert_int_equal(holm_replica_copy_vector(trio.replicas[C], &follow.as.follow.vector), HOLM_OK);
    assert_int_equal(trio_give(&trio, A, C, &follow), HOLM_OK);
    assert_int_equal(trio_give(&trio, A, C, &leave), HOLM_OK);
    uint64_t before = trio_stats(&trio, A).follows + trio_stats(&trio, C).follows;
    assert_true(before > 0);
    for (int way = 0; way < 40; way++)
        carry_later(&trio, 45000);
    uint64_t between = trio_stats(&trio, A).follows + trio_stats(&trio, C).follows;
    for (int way = 0; way < 40; way++)
        carry_later(&trio, 45000);
    assert_int_equal(trio_stats(&trio, A).follows + trio_stats(&trio, C).follows, between);
    trio_close(&trio);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_meeting_when_others_hear_through_the_follower_then_it_is_fed_runs),
        cmocka_unit_test(test_meeting_when_a_beacon_tells_of_more_then_its_peer_is_asked_soon),
        cmocka_unit_test(test_meeting_when_the_follower_has_but_its_own_then_it_syncs),
        cmocka_unit_test(test_meeting_when_it_pulls_then_runs_are_sent_for_as_long),
        cmocka_unit_test(test_meeting_when_the_peer_is_followed_meanwhile_then_that_is_waited_for),
        cmocka_unit_test(
            test_meeting_when_both_follow_but_back_then_they_leave_each_other_in_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

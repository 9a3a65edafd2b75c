/* SPDX-License-Identifier: Apache-2.0 */
/* The tree that three replicas make of their feeds: pruned, drawn, broken, grafted. */
#include "tests/unit/trio_feed.h"

static void test_tree_when_three_all_follow_then_one_link_is_pruned_and_runs_come_once(void **state)
{
    struct trio trio;
    struct holm_replica_config config = trio_config();
    open_triangle(&trio, &config);
    put_many(&trio, A, 10, 5000);
    assert_true(look(&trio, B, C).lazy && look(&trio, C, B).lazy);
    assert_false(look(&trio, B, C).following || look(&trio, B, C).followed);
    assert_true(look(&trio, A, B).followed && look(&trio, A, C).followed);
    uint64_t before = repeats(&trio);
    put_many(&trio, B, 10, 5000);
    put_many(&trio, C, 10, 5000);
    (void)trio_run(&trio, 50000);
    assert_equal(&trio);
    assert_int_equal(repeats(&trio), before);
    trio_close(&trio);
}

/* What one side prunes carries nothing in either direction, until something is missing. */
static void test_tree_when_one_side_prunes_then_the_other_does_so_too(void **state)
{
    struct trio trio;
    struct holm_replica_config config = trio_config();
    open_triangle(&trio, &config);
    struct holm_message prune = {.type = HOLM_MESSAGE_UNFOLLOW};
    prune.as.unfollow.prune = true;
    assert_true(look(&trio, B, C).following);
    assert_int_equal(trio_give(&trio, B, C, &prune), HOLM_OK);
    struct holm_feed_look pruned = look(&trio, B, C);
    assert_true(pruned.lazy);
    assert_false(pruned.following || pruned.followed);
    uint64_t follows = trio.sent[HOLM_MESSAGE_FOLLOW];
    (void)trio_run(&trio, SECOND_US);
    assert_int_equal(trio.sent[HOLM_MESSAGE_FOLLOW], follows);
    trio_close(&trio);
}

/* All write in the same moments: each prunes by the runs of one and the same, so that it is one link. */
static void test_tree_when_all_write_at_once_then_no_more_is_pruned_than_that(void **state)
{
    struct trio trio;
    struct holm_replica_config config = trio_config();
    open_triangle(&trio, &config);
    for (int i = 0; i < 100; i++) {
        for (uint32_t node = 0; node < TRIO; node++)
            put(&trio, node, "k", i);
        (void)trio_run(&trio, 5000);
    }
    (void)trio_run(&trio, 50000);
    assert_equal(&trio);
    assert_int_equal(asked(&trio), 0);
    uint64_t lazy = look(&trio, A, B).lazy + look(&trio, B, C).lazy +
                    (uint64_t)look(&trio, C, A).lazy;
    assert_int_equal(lazy, 1);
    uint64_t prunes = trio_stats(&trio, A).prunes + trio_stats(&trio, B).prunes +
                      trio_stats(&trio, C).prunes;
    assert_in_range(prunes, 1, 2); /* by one side, or both at once */
    trio_close(&trio);
}

/* Runs of who is not the root may come twice: pruned by them, too, a branch of the root's tree would go. */
static void test_tree_when_others_write_beside_the_root_then_their_runs_prune_nothing(void **state)
{
    struct trio trio;
    struct holm_replica_config config = trio_config();
    open_triangle(&trio, &config);
    put(&trio, A, "k", 1);
    (void)trio_run(&trio, 2000);
    for (int i = 0; i < 4; i++) {
        put(&trio, C, "l", i);
        (void)trio_run(&trio, 2000);
    }
    assert_equal(&trio);
    assert_in_range(repeats(&trio), 4, 20);
    assert_false(look(&trio, A, B).lazy || look(&trio, B, A).lazy);
    assert_true(look(&trio, B, A).following && look(&trio, A, B).followed);
    trio_close(&trio);
}

static void test_tree_when_a_branch_breaks_then_lazy_links_take_its_place(void **state)
{
    struct trio trio;
    struct holm_replica_config config = trio_config();
    open_triangle(&trio, &config);
    put_many(&trio, A, 10, 5000);
    assert_true(look(&trio, B, C).lazy);
    link_down(&trio, A, C);
    put_many(&trio, A, 10, 5000);
    (void)trio_run(&trio, 50000);
    assert_equal(&trio);
    assert_int_equal(asked(&trio), 0);
    trio_close(&trio);
}

/* A feeds C no more, and neither knows: what B's beacon tells of stays missing. */
static void test_tree_when_something_stays_missing_then_a_beacon_grafts_a_lazy_link(void **state)
{
    struct trio trio;
    struct holm_replica_config config = trio_config();
    open_triangle(&trio, &config);
    put_many(&trio, A, 10, 5000);
    assert_true(look(&trio, C, B).lazy);
    holm_replica_feed_end(trio.replicas[A], C);
    put(&trio, A, "lost", 1);
    (void)trio_run(&trio, 50000);
    assert_true(equal(&trio, A, B));
    trio_beacon(&trio, B);
    (void)trio_run(&trio, 100000); /* it may be under way */
    assert_int_equal(trio_stats(&trio, C).grafts, 0);
    (void)trio_run(&trio, 200000);
    assert_int_equal(trio_stats(&trio, C).grafts, 1);
    assert_equal(&trio);
    assert_int_equal(asked(&trio), 0);
    trio_close(&trio);
}

/* Of three, two links are drawn as a tree. */
static void open_drawn(struct trio *trio, const struct holm_replica_config *config)
{
    trio_open(trio, config);
    trio->deaf = true;
    for (uint32_t node = A; node < TRIO; node++) {
        for (uint32_t peer = A; peer < TRIO; peer++) {
            if (peer != node)
                link_up(trio, node, peer,
                        node + peer == B + C ? HOLM_FOLLOW_SPARE : HOLM_FOLLOW_WANT);
        }
    }
    (void)trio_run(trio, 50000);
}

static void test_tree_when_a_tree_is_drawn_then_everything_comes_once_from_the_start(void **state)
{
    struct trio trio;
    struct holm_replica_config config = trio_config();
    open_drawn(&trio, &config);
    assert_true(look(&trio, B, C).lazy && look(&trio, C, B).lazy);
    assert_false(look(&trio, B, C).following || look(&trio, B, C).followed);
    for (uint32_t node = A; node < TRIO; node++)
        put_many(&trio, node, 10, 5000);
    (void)trio_run(&trio, 50000);
    assert_equal(&trio);
    assert_int_equal(repeats(&trio), 0);
    assert_int_equal(asked(&trio), 0);
    assert_int_equal(trio_stats(&trio, B).prunes + trio_stats(&trio, C).prunes, 0);
    trio_close(&trio);
}

/* The new tree's links are followed before the old one's are given up, by one side's word alone. */
static void test_tree_when_another_tree_is_drawn_then_runs_prune_what_is_too_much(void **state)
{
    struct trio trio;
    struct holm_replica_config config = trio_config();
    open_drawn(&trio, &config);
    wish(&trio, B, C, HOLM_FOLLOW_WANT);
    wish(&trio, A, C, HOLM_FOLLOW_SPARE);
    wish(&trio, C, A, HOLM_FOLLOW_SPARE);
    (void)trio_run(&trio, 50000);
    assert_true(look(&trio, B, C).following && look(&trio, C, B).following);
    assert_true(look(&trio, A, C).following && look(&trio, C, A).following);
    put_many(&trio, A, 10, 5000);
    uint64_t before = repeats(&trio);
    put_many(&trio, C, 10, 5000);
    (void)trio_run(&trio, 50000);
    assert_equal(&trio);
    assert_int_equal(repeats(&trio), before);
    assert_int_equal(look(&trio, A, B).lazy + look(&trio, B, C).lazy + look(&trio, A, C).lazy, 1);
    trio_close(&trio);
}

/* A link that is not in the tree serves when something stays missing, as one that was pruned. */
static void test_tree_when_a_drawn_tree_is_broken_then_a_beacon_grafts_another_link(void **state)
{
    struct trio trio;
    struct holm_replica_config config = trio_config();
    open_drawn(&trio, &config);
    put(&trio, A, "k", 1);
    (void)trio_run(&trio, 50000);
    holm_replica_feed_end(trio.replicas[A], C);
    put(&trio, A, "lost", 1);
    (void)trio_run(&trio, 50000);
    trio_beacon(&trio, B);
    (void)trio_run(&trio, 300000);
    assert_int_equal(trio_stats(&trio, C).grafts, 1);
    assert_equal(&trio);
    assert_int_equal(asked(&trio), 0);
    trio_close(&trio);
}

/* A and C do not hear each other any more, and neither is told: nor is there a beacon. */
static void test_tree_when_acknowledgements_stay_out_then_lazy_links_are_probed(void **state)
{
    struct trio trio;
    struct holm_replica_config config = trio_config();
    open_drawn(&trio, &config);
    put_many(&trio, A, 20, 10000);
    put_many(&trio, C, 20, 10000);
    trio.cut[A][C] = trio.cut[C][A] = true;
    put(&trio, A, "lost", 1);
    put(&trio, C, "lost", 2);
    (void)trio_run(&trio, 40000); /* what took 20 ms with all, may take twice that */
    assert_int_equal(trio_stats(&trio, A).stalls + trio_stats(&trio, C).stalls, 0);
    assert_false(equal(&trio, A, C));
    (void)trio_run(&trio, 100000);
    assert_int_equal(trio_stats(&trio, A).stalls, 1);
    assert_int_equal(trio_stats(&trio, C).stalls, 1);
    assert_true(look(&trio, C, B).following && look(&trio, B, C).following);
    assert_equal(&trio);
    assert_int_equal(asked(&trio), 0);
    put_many(&trio, A, 5, 10000);
    assert_equal(&trio);
    trio_close(&trio);
}

/* A peer that only takes long to acknowledge is not missed; nor does a probe stay that brings nothing. */
static void test_tree_when_a_probe_has_nothing_to_bring_then_the_link_is_lazy_again(void **state)
{
    struct trio trio;
    struct holm_replica_config config = trio_config();
    open_drawn(&trio, &config);
    put_many(&trio, A, 20, 10000);
    trio.cut[B][A] = true; /* acknowledgements, too */
    put(&trio, A, "k", 1);
    (void)trio_run(&trio, 200000);
    assert_int_equal(trio_stats(&trio, A).stalls, 1);
    trio.cut[B][A] = false;
    uint64_t before = repeats(&trio);
    struct holm_feed_link *link = &trio.replicas[B]->peers[C].feed;
    link->lazy = false;
    link->probe = true;
    assert_int_equal(trio_event(&trio, B, HOLM_EVENT_TICK), HOLM_OK);
    (void)trio_run(&trio, 100000);
    assert_true(look(&trio, B, C).lazy && look(&trio, C, B).lazy);
    assert_false(link->following || link->out != NULL);
    put_many(&trio, A, 5, 10000);
    (void)trio_run(&trio, 300000);
    assert_equal(&trio);
    assert_int_equal(repeats(&trio), before);
    trio_close(&trio);
}

/* B hears of A's runs from A alone: that A prunes the link is no reason to hear of nothing any more. */
static void test_tree_when_all_hangs_on_a_link_then_it_is_not_given_up(void **state)
{
    struct trio trio;
    struct holm_replica_config config = trio_config();
    open_line(&trio, &config);
    wish(&trio, B, A, HOLM_FOLLOW_WANT);
    put_many(&trio, A, 5, 5000);
    struct holm_message prune = {.type = HOLM_MESSAGE_UNFOLLOW};
    prune.as.unfollow.prune = true;
    assert_int_equal(trio_give(&trio, B, A, &prune), HOLM_OK);
    holm_replica_feed_end(trio.replicas[A], B);
    trio.replicas[A]->peers[B].feed.following = false;
    trio.replicas[A]->peers[B].feed.lazy = true;
    (void)trio_run(&trio, 100000);
    assert_false(look(&trio, A, B).lazy || look(&trio, B, A).lazy);
    assert_true(look(&trio, A, B).followed && look(&trio, B, A).followed);
    put_many(&trio, A, 5, 5000);
    put_many(&trio, C, 5, 5000);
    (void)trio_run(&trio, 50000);
    assert_equal(&trio);
    assert_int_equal(asked(&trio), 0);
    trio_close(&trio);
}

/* A beacon that comes while runs do is no reason to ask. */
static void test_tree_when_a_beacon_overtakes_runs_then_nothing_is_asked_for(void **state)
{
    struct trio trio;
    struct holm_replica_config config = trio_config();
    open_triangle(&trio, &config);
    put_many(&trio, A, 10, 5000);
    uint64_t follows = trio.sent[HOLM_MESSAGE_FOLLOW];
    for (int i = 0; i < 200; i++) {
        put(&trio, A, "k", i);
        assert_int_equal(trio_event(&trio, A, HOLM_EVENT_FLUSH), HOLM_OK);
        trio_beacon(&trio, (uint32_t)i % 2);
        (void)trio_run(&trio, 4000);
    }
    (void)trio_run(&trio, SECOND_US);
    assert_equal(&trio);
    assert_int_equal(asked(&trio), 0);
    assert_int_equal(trio.sent[HOLM_MESSAGE_FOLLOW], follows);
    trio_close(&trio);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            test_tree_when_three_all_follow_then_one_link_is_pruned_and_runs_come_once),
        cmocka_unit_test(test_tree_when_one_side_prunes_then_the_other_does_so_too),
        cmocka_unit_test(test_tree_when_all_write_at_once_then_no_more_is_pruned_than_that),
        cmocka_unit_test(test_tree_when_others_write_beside_the_root_then_their_runs_prune_nothing),
        cmocka_unit_test(test_tree_when_a_branch_breaks_then_lazy_links_take_its_place),
        cmocka_unit_test(test_tree_when_something_stays_missing_then_a_beacon_grafts_a_lazy_link),
        cmocka_unit_test(test_tree_when_a_tree_is_drawn_then_everything_comes_once_from_the_start),
        cmocka_unit_test(test_tree_when_another_tree_is_drawn_then_runs_prune_what_is_too_much),
        cmocka_unit_test(test_tree_when_a_drawn_tree_is_broken_then_a_beacon_grafts_another_link),
        cmocka_unit_test(test_tree_when_acknowledgements_stay_out_then_lazy_links_are_probed),
        cmocka_unit_test(test_tree_when_a_probe_has_nothing_to_bring_then_the_link_is_lazy_again),
        cmocka_unit_test(test_tree_when_all_hangs_on_a_link_then_it_is_not_given_up),
        cmocka_unit_test(test_tree_when_a_beacon_overtakes_runs_then_nothing_is_asked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "node/roster.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/unit/roster_world.h"

static int open_world(void **state)
{
    *state = world_new();
    return 0;
}

static int close_world(void **state)
{
    world_free(*state);
    return 0;
}

static void start(struct world *world, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        world_start(world, i, 0);
}

static void test_roster_when_one_dials_both_are_up(void **state)
{
    struct world *world = *state;
    start(world, 2);
    world_join(world, 0, 1);
    world_run(world, 20);
    assert_true(world_pair_up(world, 0, 1));
    world_run(world, 10000);
    assert_int_equal(world_open_wires(world, 0, 1), 1);
    assert_int_equal(world->nodes[0].ups + world->nodes[1].ups, 2);
    assert_int_equal(world->nodes[0].downs + world->nodes[1].downs, 0);
    assert_int_equal(world->nodes[0].subscribes, 1);
    assert_int_equal(world->nodes[1].subscribes, 1);
}

static void test_roster_when_both_dial_at_once_one_link_stays_and_nobody_is_down(void **state)
{
    struct world *world = *state;
    start(world, 2);
    world_join(world, 0, 1);
    world_join(world, 1, 0);
    world_run(world, 20);
    assert_true(world_pair_up(world, 0, 1));
    world_run(world, 5000);
    assert_int_equal(world_open_wires(world, 0, 1), 1);
    assert_int_equal(world->nodes[0].downs + world->nodes[1].downs, 0);
    assert_true(world_pair_up(world, 0, 1));
    uint64_t here = holm_roster_route(world->nodes[0].roster, 0).value;
    uint64_t there = holm_roster_route(world->nodes[1].roster, 0).value;
    assert_int_equal(here, there);
    assert_int_equal(world->wires[here - 1].dialler, 0); /* the smaller id */
}

static void test_roster_when_everyone_has_one_seed_everyone_meets(void **state)
{
    struct world *world = *state;
    start(world, WORLD_NODES);
    for (uint32_t i = 0; i < WORLD_NODES; i++)
        world_join(world, i, 0); /* the seed itself as well */
    world_run(world, 2000);
    for (uint32_t a = 0; a < WORLD_NODES; a++) {
        assert_int_equal(holm_roster_up_count(world->nodes[a].roster), WORLD_NODES - 1);
        assert_int_equal(world->nodes[a].downs, 0);
        assert_int_equal(world->nodes[a].subscribes, WORLD_NODES - 1);
    }
    world_run(world, 10000);
    for (uint32_t a = 0; a < WORLD_NODES; a++) {
        for (uint32_t b = a + 1; b < WORLD_NODES; b++)
            assert_int_equal(world_open_wires(world, a, b), 1);
    }
}

static void test_roster_when_quiet_says_no_hello(void **state)
{
    struct world *world = *state;
    start(world, 3);
    world_join(world, 1, 0);
    world_join(world, 2, 0);
    world_run(world, 5000);
    uint32_t hellos = 0, later = 0;
    for (uint32_t i = 0; i < 3; i++)
        hellos += world->nodes[i].hellos;
    world_run(world, 60000);
    for (uint32_t i = 0; i < 3; i++)
        later += world->nodes[i].hellos;
    assert_int_equal(later, hellos);
}

static void test_roster_when_a_node_dials_itself_it_is_no_peer(void **state)
{
    struct world *world = *state;
    start(world, 1);
    world_join(world, 0, 0);
    world_run(world, 30000);
    struct holm_peer peer;
    assert_int_equal(holm_roster_peers(world->nodes[0].roster, world->now, &peer, 1), 0);
    assert_true(world->nodes[0].dials <= 3);
    assert_int_equal(world->nodes[0].epochs, 0);
}

static void test_roster_when_a_peer_closes_it_is_down_at_once_and_redialled(void **state)
{
    struct world *world = *state;
    start(world, 2);
    world_join(world, 0, 1);
    world_run(world, 5000);
    world_kill(world, 1);
    world_run(world, 2);
    assert_int_equal(world_liveness(world, 0, 1), HOLM_DOWN);
    uint32_t dials = world->nodes[0].dials;
    world_run(world, 20000);
    assert_in_range(world->nodes[0].dials - dials, 10, 40); /* every second, with jitter */
    world_start(world, 1, 0);
    world_run(world, 2000);
    assert_true(world_pair_up(world, 0, 1));
    assert_int_equal(world_noted(world, 0, "is up again after"), 1);
}

static void test_roster_when_a_link_falls_silent_it_is_suspect_then_dropped(void **state)
{
    struct world *world = *state;
    start(world, 2);
    world_join(world, 0, 1);
    world_run(world, 5000);
    world_cut(world, 0, 1, true);
    world_run(world, 1900);
    assert_int_equal(world_liveness(world, 0, 1), HOLM_SUSPECT);
    world_run(world, 1300);
    assert_int_equal(world_liveness(world, 0, 1), HOLM_DOWN);
    assert_int_equal(world_liveness(world, 1, 0), HOLM_DOWN);
    world_run(world, 30000);
    world_cut(world, 0, 1, false);
    world_run(world, 400); /* a Hello is said again every quarter of a redial */
    assert_true(world_pair_up(world, 0, 1));
}

/* What lies below the old subscription may be dead for long after a cut, or for ever: a subscriber
 * says nothing, so that it never hears that nobody is there any more. */
static void test_roster_when_a_peer_is_up_again_subscribes_anew(void **state)
{
    struct world *world = *state;
    start(world, 2);
    world_join(world, 0, 1);
    world_run(world, 2000);
    for (int i = 0; i < 3; i++) {
        world_cut(world, 0, 1, true);
        world_run(world, 6000);
        world_cut(world, 0, 1, false);
        world_run(world, 6000);
    }
    assert_true(world_pair_up(world, 0, 1));
    assert_int_equal(world->nodes[0].subscribes, 4);
    assert_int_equal(world->nodes[0].unsubscribes, 3);
}

/* T26, in part: one direction is dead for ever. Nobody may think that the other is up. */
static void test_roster_when_one_direction_is_dead_nobody_is_up(void **state)
{
    struct world *world = *state;
    start(world, 2);
    world->cut[0][1] = true;
    world_join(world, 0, 1);
    world_join(world, 1, 0);
    world_run(world, 20000);
    assert_int_equal(world->nodes[0].ups + world->nodes[1].ups, 0);
    world->cut[0][1] = false;
    world_run(world, 2000);
    assert_true(world_pair_up(world, 0, 1));
}

static void refuse(struct world *world, const char *why)
{
    world_join(world, 0, 1);
    world_join(world, 1, 0);
    world_run(world, 120000);
    for (uint32_t i = 0; i < 2; i++) {
        assert_int_equal(world->nodes[i].ups, 0);
        assert_int_equal(world_noted(world, i, why), 1);
        assert_true(world->nodes[i].dials < 12);
        assert_int_equal(holm_roster_slots(world->nodes[i].roster), 0);
    }
}

static void test_roster_when_the_cluster_differs_refuses_once_and_backs_off(void **state)
{
    struct world *world = *state;
    start(world, 1);
    world_start(world, 1, 0);
    world_kill(world, 1);
    world->nodes[1].config.cluster = "other";
    world_start(world, 1, 0);
    refuse(world, "another cluster");
}

static void test_roster_when_partitions_differ_refuses_once_and_backs_off(void **state)
{
    struct world *world = *state;
    start(world, 2);
    world_kill(world, 1);
    world->nodes[1].config.partitions = 8;
    world_start(world, 1, 0);
    refuse(world, "counts its partitions differently");
}

/* T01, the roster's part: a new life is a new epoch, and everyone hears of it. */
static void test_roster_when_a_node_lives_again_its_former_life_is_superseded(void **state)
{
    struct world *world = *state;
    start(world, 3);
    world_join(world, 1, 0);
    world_join(world, 2, 0);
    world_run(world, 3000);
    uint32_t superseded = world->nodes[1].supersessions;
    world_kill(world, 0);
    world_run(world, 50);
    world_start(world, 0, 0);
    world_run(world, 3000);
    assert_true(world_pair_up(world, 0, 1));
    assert_true(world_pair_up(world, 0, 2));
    assert_int_equal(world->nodes[1].supersessions, superseded + 1);
    assert_int_equal(world->nodes[1].downs, 1);
    assert_int_equal(world->nodes[0].epochs, 0);
    assert_int_equal(world->nodes[1].unsubscribes, 1); /* its publisher has another address */
    assert_int_equal(world->nodes[1].subscribes, 3);
}

/* Restarted while cut off from one node, which hears of the new epoch from another one first: when
 * they meet again, the stranger under the known epoch is the node itself, and no twin. */
static void test_roster_when_a_new_life_is_known_by_rumour_it_is_no_twin(void **state)
{
    struct world *world = *state;
    start(world, 3);
    world_join(world, 1, 0);
    world_join(world, 2, 1);
    world_run(world, 3000);
    world_cut(world, 0, 2, true);
    world_run(world, 5000);
    assert_int_equal(world_liveness(world, 0, 2), HOLM_DOWN);
    world_kill(world, 2);
    world_run(world, 50);
    world_start(world, 2, 0);
    world_run(world, 5000);
    assert_true(world_pair_up(world, 1, 2));
    world_cut(world, 0, 2, false);
    world_run(world, 5000);
    assert_true(world_pair_up(world, 0, 2));
    assert_int_equal(world_noted(world, 0, "duplicate node"), 0);
    assert_int_equal(world->nodes[2].epochs, 0);
}

/* T41: after a total loss the clock is behind, and the new epoch would be smaller than the old. */
static void test_roster_when_its_clock_was_set_back_a_node_takes_a_higher_epoch(void **state)
{
    struct world *world = *state;
    start(world, 2);
    world_join(world, 0, 1);
    world_run(world, 3000);
    struct holm_epoch former = world_actor(world, 0).epoch;
    world_kill(world, 0);
    world_start(world, 0, former.value - (UINT64_C(86400000) << 16));
    world_join(world, 0, 1);
    world_run(world, 2000);
    assert_int_equal(world->nodes[0].epochs, 1);
    assert_true(world_actor(world, 0).epoch.value > former.value);
    assert_true(world_pair_up(world, 0, 1));
    uint32_t slot = 0;
    assert_true(holm_roster_slot(world->nodes[1].roster, world_actor(world, 0)) == slot);
}

/* T03: two live nodes of one id. They never stay in one epoch, and say so. */
static void test_roster_when_two_nodes_share_an_id_both_leave_their_epoch(void **state)
{
    struct world *world = *state;
    start(world, 1);
    world_start(world, 1, 0);
    world_kill(world, 1);
    world->nodes[1].config.self.node.value = 1;
    uint64_t epoch = world_actor(world, 0).epoch.value;
    world_start(world, 1, epoch);
    world_join(world, 0, 1);
    world_run(world, 1000);
    assert_true(world->nodes[0].epochs + world->nodes[1].epochs >= 1);
    assert_int_not_equal(world_actor(world, 0).epoch.value, world_actor(world, 1).epoch.value);
    assert_int_equal(world_noted(world, 0, "duplicate node"), 1);
    assert_int_equal(world_noted(world, 1, "duplicate node"), 1);
}

/* T03, met only through a third: it burns the epoch that both claim. */
static void test_roster_when_twins_meet_a_third_both_take_new_epochs(void **state)
{
    struct world *world = *state;
    start(world, 1);
    world_start(world, 2, 0);
    world_start(world, 1, 0);
    world_kill(world, 1);
    world->nodes[1].config.self.node.value = 1;
    uint64_t epoch = world_actor(world, 0).epoch.value;
    world_start(world, 1, epoch);
    world_cut(world, 0, 1, true);
    world->deaf[0] = world->deaf[1] = true; /* they can only dial */
    world_join(world, 0, 2);
    world_run(world, 1000);
    world_join(world, 1, 2);
    world_run(world, 30000);
    assert_true(world_actor(world, 0).epoch.value > epoch);
    assert_true(world_actor(world, 1).epoch.value > epoch);
    assert_int_not_equal(world_actor(world, 0).epoch.value, world_actor(world, 1).epoch.value);
    assert_true(world_noted(world, 2, "duplicate node") >= 1);
    /* Living on together, they do not race through epochs. */
    assert_true(world->nodes[0].epochs < 10 && world->nodes[1].epochs < 10);
}

static void test_roster_when_an_absurd_epoch_is_told_ignores_it(void **state)
{
    struct world *world = *state;
    start(world, 2);
    world_kill(world, 1);
    world->nodes[1].config.self.node.value = 1;
    world_start(world, 1, UINT64_MAX - 5);
    world_join(world, 1, 0);
    world_run(world, 5000);
    assert_int_equal(world->nodes[0].epochs, 0);
}

static void test_roster_when_a_peer_says_goodbye_it_is_left(void **state)
{
    struct world *world = *state;
    start(world, 2);
    world_join(world, 0, 1);
    world_run(world, 3000);
    world_goodbye(world, 1, false);
    world_run(world, 2);
    assert_int_equal(world_liveness(world, 0, 1), HOLM_DOWN);
    assert_int_equal(world->nodes[0].unsubscribes, 1);
    world_kill(world, 1);
    uint32_t dials = world->nodes[0].dials;
    world_run(world, 300);
    assert_int_equal(world->nodes[0].dials, dials); /* it will not be back at once */
    world_start(world, 1, 0);
    world_run(world, 3000);
    assert_true(world_pair_up(world, 0, 1)); /* but it is not forgotten */
    assert_int_equal(world->nodes[0].subscribes, 2);
}

static void meet(struct world *world, uint32_t count)
{
    start(world, count);
    for (uint32_t i = 1; i < count; i++)
        world_join(world, i, 0);
    world_run(world, 3000);
}

static void leave(struct world *world, uint32_t index)
{
    holm_roster_leave(world->nodes[index].roster);
    world_goodbye(world, index, true);
    world_run(world, 20);
}

static void test_roster_when_a_peer_leaves_for_good_it_is_dialled_no_more(void **state)
{
    struct world *world = *state;
    meet(world, 3);
    leave(world, 2);
    assert_int_equal(holm_roster_up_count(world->nodes[2].roster), 0); /* they hung up */
    assert_int_equal(world->nodes[2].changes[HOLM_PEER_DOWN], 0);      /* which is no news to it */
    struct holm_epoch higher = {world_actor(world, 2).epoch.value + 7};
    holm_roster_epoch(world->nodes[2].roster, higher,
                      world->now); /* forgotten, it would come back */
    assert_true(world_actor(world, 2).epoch.value < higher.value);
    world_kill(world, 2);
    uint32_t dials = world->nodes[0].dials + world->nodes[1].dials;
    world_run(world, 60000);
    assert_int_equal(world->nodes[0].dials + world->nodes[1].dials, dials);
    for (uint32_t i = 0; i < 2; i++) {
        assert_int_equal(world_liveness(world, i, 2), HOLM_LEFT);
        assert_int_equal(world->nodes[i].changes[HOLM_PEER_LEFT], 1);
        assert_int_equal(world->nodes[i].changes[HOLM_PEER_DOWN], 0);
    }
    world_start(world, 2, 0);
    world_join(world, 2, 1);
    world_run(world, 3000);
    assert_true(world_pair_up(world, 0, 2));
    assert_int_equal(world->nodes[0].changes[HOLM_PEER_JOINED], 3); /* two, and the one anew */
    assert_int_equal(world->nodes[0].changes[HOLM_PEER_UP], 0);
}

/* Its Hello, which was on its way, is no new life. */
static void test_roster_when_who_has_left_says_hello_it_is_not_met(void **state)
{
    struct world *world = *state;
    meet(world, 3);
    uint64_t epoch = world_actor(world, 2).epoch.value;
    leave(world, 2);
    world_kill(world, 2);
    world_start(world, 2, epoch);
    world_join(world, 2, 0);
    uint32_t ups = world->nodes[0].ups;
    world_run(world, 5000);
    assert_int_equal(world->nodes[0].ups, ups + 1);
    /* It is told that it has left, and takes another epoch. */
    assert_true(world_actor(world, 2).epoch.value > epoch);
    assert_true(world_pair_up(world, 0, 2));
    assert_int_equal(world->nodes[2].epochs, 1);
}

static void test_roster_when_who_was_cut_off_thinks_it_lives_it_is_told_that_it_left(void **state)
{
    struct world *world = *state;
    meet(world, 4);
    world_cut(world, 3, 0, true);
    world_cut(world, 3, 1, true);
    world_cut(world, 3, 2, true);
    world_run(world, 5000);
    leave(world, 2);
    world_kill(world, 2);
    world_run(world, 5000);
    assert_int_equal(world_liveness(world, 3, 2), HOLM_DOWN);
    world_cut(world, 3, 0, false);
    world_run(world, 5000);
    assert_int_equal(world_liveness(world, 3, 2), HOLM_LEFT);
    assert_int_equal(world_liveness(world, 0, 2), HOLM_LEFT); /* 3 said otherwise */
    assert_int_equal(world_liveness(world, 1, 2), HOLM_LEFT);
    world_cut(world, 3, 1, false);
    world_run(world, 5000);
    uint32_t hellos = world->nodes[0].hellos, dials = world->nodes[3].dials;
    world_run(world, 60000);
    assert_int_equal(world->nodes[3].dials, dials);
    assert_in_range(world->nodes[0].hellos - hellos, 0, 2); /* they agree, and are quiet about it */
}

static void test_roster_when_full_who_has_left_is_displaced_first(void **state)
{
    struct world *world = *state;
    world_start(world, 0, 0);
    world_kill(world, 0);
    world->nodes[0].config.peers_max = 2;
    meet(world, 3);
    world_kill(world, 1);
    world_run(world, 5000);
    leave(world, 2);
    world_kill(world, 2);
    world_run(world, 5000);
    world_start(world, 3, 0);
    world_join(world, 3, 0);
    world_run(world, 3000);
    assert_true(world_pair_up(world, 0, 3));
    assert_int_equal(world_liveness(world, 0, 2), 0);
    assert_int_equal(world_liveness(world, 0, 1), HOLM_DOWN);
}

static void test_roster_when_a_peer_is_silent_and_heard_again_both_are_told(void **state)
{
    struct world *world = *state;
    meet(world, 2);
    world_cut(world, 0, 1, true);
    while (world_liveness(world, 0, 1) != HOLM_SUSPECT)
        world_run(world, 1);
    assert_int_equal(world->nodes[0].changes[HOLM_PEER_SUSPECT], 1);
    assert_in_range(world->nodes[0].after_us, WORLD_TIMEOUT_US / 2, WORLD_TIMEOUT_US / 2 + 1000);
    world_cut(world, 0, 1, false);
    world_run(world, 5000);
    assert_int_equal(world->nodes[0].changes[HOLM_PEER_SUSPECT], 1);
    assert_int_equal(world->nodes[0].changes[HOLM_PEER_UP], 1);
    assert_int_equal(world->nodes[0].changes[HOLM_PEER_DOWN], 0);
    assert_in_range(world->nodes[0].after_us, 1500000, 3000000);
}

static void test_roster_when_full_a_new_peer_displaces_who_is_down_for_longest(void **state)
{
    struct world *world = *state;
    start(world, 1);
    world_kill(world, 0);
    world->nodes[0].config.peers_max = 2;
    start(world, 4);
    world_join(world, 1, 0);
    world_join(world, 2, 0);
    world_run(world, 2000);
    assert_int_equal(holm_roster_up_count(world->nodes[0].roster), 2);
    world_join(world, 3, 0);
    world_run(world, 2000);
    assert_int_equal(world_liveness(world, 0, 3), 0); /* no room */
    assert_int_equal(holm_roster_up_count(world->nodes[0].roster), 2);
    world_kill(world, 1);
    world_run(world, 70000);
    assert_int_equal(world_liveness(world, 0, 1), 0);
    assert_true(world_pair_up(world, 0, 3));
    assert_int_equal(holm_roster_slots(world->nodes[0].roster), 2);
}

static void test_roster_when_an_address_is_odd_refuses_it(void **state)
{
    struct world *world = *state;
    start(world, 1);
    char address[HOLM_ADDRESS_BYTES_MAX + 2];
    memset(address, 'a', sizeof address - 1);
    address[sizeof address - 1] = '\0';
    assert_int_equal(holm_roster_join(world->nodes[0].roster, ""), HOLM_EADDRESS);
    assert_int_equal(holm_roster_join(world->nodes[0].roster, address), HOLM_EADDRESS);
    address[HOLM_ADDRESS_BYTES_MAX] = '\0';
    assert_int_equal(holm_roster_join(world->nodes[0].roster, address), HOLM_OK);
    assert_int_equal(holm_roster_join(world->nodes[0].roster, address), HOLM_OK);
}

/* Where a node listens on all its addresses, none of them is in its Hello: the link shows one. */
static void test_roster_when_a_node_listens_everywhere_others_dial_it_where_it_is(void **state)
{
    static const char *const everywhere[] = {"tcp://*:1", "tcp://0.0.0.0:1", "tcp://[::]:1"};
    for (size_t i = 0; i < 3; i++) {
        struct world *world = world_new();
        start(world, 3);
        world_kill(world, 0);
        world->nodes[0].config.address = everywhere[i];
        world_start(world, 0, 0);
        world_join(world, 0, 1); /* node 1 sees it come, node 2 is told of it */
        world_join(world, 2, 1);
        world_run(world, 3000);
        assert_true(world_pair_up(world, 0, 1));
        assert_true(world_pair_up(world, 0, 2));
        char publisher[32];
        snprintf(publisher, sizeof publisher, "tcp://n0%s",
                 strrchr(world->nodes[0].publisher, ':'));
        world_kill(world, 2); /* so that node 1 subscribes to node 0 last */
        world_cut(world, 0, 1, true);
        world_run(world, 5000);
        world_cut(world, 0, 1, false);
        world_run(world, 5000);
        assert_string_equal(world->nodes[1].subscribed, publisher);
        struct holm_peer peers[2];
        assert_int_equal(holm_roster_peers(world->nodes[1].roster, world->now, peers, 2), 2);
        assert_string_equal(peers[peers[0].node.value == 1 ? 0 : 1].address, "tcp://n0:1");
        world_free(world);
    }
}

/* ---- hostile Hellos ------------------------------------------------------------------------- */

/* A Hello to node 0 by somebody who may claim what he likes. What it makes node 0 do is not done. */
static void tell(struct world *world, struct holm_actor sender, uint64_t link,
                 const struct holm_member *members, size_t count)
{
    struct holm_hello hello = {
        .cluster = holm_str("test"),
        .version = HOLM_WIRE_VERSION,
        .partitions = 16,
        .self = {.actor = sender, .name = holm_str("mallory")},
        .nonce = 4711,
        .members = members,
        .member_count = count,
    };
    struct holm_roster_action action;
    holm_roster_hello(world->nodes[0].roster, (struct holm_link_id){link}, &hello, world->now);
    while (holm_roster_next(world->nodes[0].roster, &action))
        continue;
    holm_roster_check(world->nodes[0].roster);
}

/* A stranger's link to node 0, dialled by the last node, which does not live. */
static uint64_t stranger(struct world *world)
{
    struct holm_roster_action action;
    world->wires[world->wire_count++] = (struct world_wire){WORLD_NODES - 1, 0, true};
    struct holm_link_id link = {world->wire_count};
    holm_roster_link_up(world->nodes[0].roster, link, true, "", world->now);
    while (holm_roster_next(world->nodes[0].roster, &action))
        continue;
    return link.value;
}

/* Each entry is news, and news is an action: there must be room for all of them. */
static void test_roster_when_a_hello_names_one_member_a_thousand_times_takes_the_last(void **state)
{
    struct world *world = *state;
    static struct holm_member members[1000];
    start(world, 1);
    for (size_t i = 0; i < 1000; i++)
        members[i] = (struct holm_member){.actor = {{77}, {i + 1}}, .name = holm_str("often")};
    tell(world, (struct holm_actor){{99}, {1}}, stranger(world), members, 1000);
    struct holm_peer peers[2];
    assert_int_equal(holm_roster_peers(world->nodes[0].roster, world->now, peers, 2), 2);
    assert_int_equal(peers[1].node.value, 77);
    assert_int_equal(peers[1].epoch.value, 1000);
}

/* Nobody could ever outdo such an epoch: the node would be locked out for good, and each member
 * would tell the others. */
static void test_roster_when_an_absurd_epoch_is_told_of_another_it_is_not_locked_out(void **state)
{
    struct world *world = *state;
    start(world, 1);
    struct holm_member member = {.actor = {{2}, {UINT64_MAX}}, .name = holm_str("n1")};
    tell(world, (struct holm_actor){{99}, {1}}, stranger(world), &member, 1);
    tell(world, (struct holm_actor){{2}, {UINT64_MAX - 1}}, stranger(world), NULL, 0);
    world_start(world, 1, 0);
    world_join(world, 1, 0);
    world_run(world, 10000);
    assert_true(world_pair_up(world, 0, 1));
    assert_int_equal(world->nodes[1].epochs, 0);
}

/* One link, one peer: whoever wants to fill the roster has to dial for each entry. */
static void test_roster_when_a_link_changes_its_id_no_peer_is_added(void **state)
{
    struct world *world = *state;
    start(world, 1);
    uint64_t link = stranger(world);
    tell(world, (struct holm_actor){{98}, {1}}, link, NULL, 0);
    tell(world, (struct holm_actor){{99}, {1}}, link, NULL, 0);
    assert_int_equal(holm_roster_peers(world->nodes[0].roster, world->now, NULL, 0), 1);
}

int main(void)
{
#define ROSTER_TEST(name)                                                                          \
    cmocka_unit_test_setup_teardown(test_roster_when_##name, open_world, close_world)
    const struct CMUnitTest tests[] = {
        ROSTER_TEST(one_dials_both_are_up),
        ROSTER_TEST(both_dial_at_once_one_link_stays_and_nobody_is_down),
        ROSTER_TEST(everyone_has_one_seed_everyone_meets),
        ROSTER_TEST(quiet_says_no_hello),
        ROSTER_TEST(a_node_dials_itself_it_is_no_peer),
        ROSTER_TEST(a_peer_closes_it_is_down_at_once_and_redialled),
        ROSTER_TEST(a_link_falls_silent_it_is_suspect_then_dropped),
        ROSTER_TEST(a_peer_is_up_again_subscribes_anew),
        ROSTER_TEST(one_direction_is_dead_nobody_is_up),
        ROSTER_TEST(the_cluster_differs_refuses_once_and_backs_off),
        ROSTER_TEST(partitions_differ_refuses_once_and_backs_off),
        ROSTER_TEST(a_node_lives_again_its_former_life_is_superseded),
        ROSTER_TEST(a_new_life_is_known_by_rumour_it_is_no_twin),
        ROSTER_TEST(its_clock_was_set_back_a_node_takes_a_higher_epoch),
        ROSTER_TEST(two_nodes_share_an_id_both_leave_their_epoch),
        ROSTER_TEST(twins_meet_a_third_both_take_new_epochs),
        ROSTER_TEST(an_absurd_epoch_is_told_ignores_it),
        ROSTER_TEST(a_peer_says_goodbye_it_is_left),
        ROSTER_TEST(a_peer_leaves_for_good_it_is_dialled_no_more),
        ROSTER_TEST(who_has_left_says_hello_it_is_not_met),
        ROSTER_TEST(who_was_cut_off_thinks_it_lives_it_is_told_that_it_left),
        ROSTER_TEST(full_who_has_left_is_displaced_first),
        ROSTER_TEST(a_peer_is_silent_and_heard_again_both_are_told),
        ROSTER_TEST(full_a_new_peer_displaces_who_is_down_for_longest),
        ROSTER_TEST(an_address_is_odd_refuses_it),
        cmocka_unit_test(test_roster_when_a_node_listens_everywhere_others_dial_it_where_it_is),
        ROSTER_TEST(a_hello_names_one_member_a_thousand_times_takes_the_last),
        ROSTER_TEST(an_absurd_epoch_is_told_of_another_it_is_not_locked_out),
        ROSTER_TEST(a_link_changes_its_id_no_peer_is_added),
    };
    return cmocka_run_group_tests_name("roster", tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Members that others name and nobody meets are given up, all of them and for good. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "node/roster_state.h"
#include "tests/unit/roster_liar.h"

#define HEARSAY_MS 60000u
#define MADE_UP 1000u
#define MANY 300u /* more than a page of epochs */
#define AT_ONCE 60u

static void start(struct world *world, uint32_t node)
{
    world_start(world, node, 0);
    world_kill(world, node);
    world->nodes[node].config.hearsay_us = HEARSAY_MS * 1000;
    world_start(world, node, 0);
}

static bool knows(struct world *world, uint32_t node, uint64_t id)
{
    return holm_roster_peer_find(world->nodes[node].roster, (struct holm_node_id){id}) !=
           HOLM_ROSTER_NONE;
}

static void assert_known(struct world *world, size_t count)
{
    for (uint64_t i = 0; i < 10; i++)
        assert_int_equal(knows(world, 0, MADE_UP + i), i < count);
}

static void test_roster_when_a_rumour_is_never_met_then_it_is_given_up(void **state)
{
    struct world *world = *state;
    struct holm_peer peers[16];
    start(world, 0);
    liar_tell_many(world, MADE_UP, 10, 1, "tcp://made-up-%u:1");
    assert_true(liar_dials_in(world, HEARSAY_MS - 1000) > 0);
    assert_known(world, 10);
    world_run(world, 2000);
    assert_known(world, 0);
    struct holm_roster *roster = world->nodes[0].roster;
    assert_int_equal(world_noted(world, 0, "is given up"), 11); /* the liar is one of them */
    assert_int_equal(holm_roster_peers(roster, world->now, peers, 16), 0);
    for (uint32_t i = 0; i < holm_roster_slots(roster); i++)
        assert_int_equal(holm_roster_node(roster, i).value, 0);
    assert_int_equal(liar_dials_in(world, 10000), 0);
}

/* What was given up is no news when it is told again; another life of it is. */
static void test_roster_when_a_rumour_was_given_up_then_only_another_epoch_is_taken(void **state)
{
    struct world *world = *state;
    start(world, 0);
    liar_tell_many(world, MADE_UP, 10, 7, "tcp://made-up-%u:1");
    world_run(world, HEARSAY_MS + 2000);
    liar_tell_many(world, MADE_UP, 10, 7, "tcp://made-up-%u:1");
    assert_known(world, 0);
    liar_tell_many(world, MADE_UP, 10, 6, "tcp://made-up-%u:1");
    assert_known(world, 0);
    liar_tell_many(world, MADE_UP, 3, 8, "tcp://made-up-%u:1");
    assert_known(world, 3);
    world_run(world, HEARSAY_MS - 2000);
    liar_tell_many(world, MADE_UP, 1, 9, "tcp://made-up-%u:1");
    world_run(world, 4000);
    assert_known(world, 1); /* it is waited for anew */
    world_run(world, HEARSAY_MS);
    assert_known(world, 0);
}

static uint32_t count_known(struct world *world)
{
    uint32_t count = 0;
    for (uint64_t i = 0; i < MANY; i++)
        count += knows(world, 0, MADE_UP + i);
    return count;
}

static void tell_of_many(struct world *world)
{
    for (uint64_t first = 0; first < MANY; first += AT_ONCE)
        liar_tell_many(world, MADE_UP + first, AT_ONCE, 1, "tcp://made-up-%u:1");
}

/* However many are given up together, and some of them in many lives, none puts another out of mind. */
static void test_roster_when_the_table_is_given_up_then_none_of_it_comes_back(void **state)
{
    struct world *world = *state;
    world_start(world, 0, 0);
    world_kill(world, 0);
    world->nodes[0].config.peers_max = MANY + 1; /* and the liar */
    start(world, 0);
    tell_of_many(world);
    assert_int_equal(count_known(world), MANY);
    world_run(world, HEARSAY_MS + 2000);
    assert_int_equal(count_known(world), 0);
    for (uint64_t life = 2; life <= 8; life++) {
        liar_tell_many(world, MADE_UP + MANY - AT_ONCE, AT_ONCE, life, "tcp://made-up-%u:1");
        assert_int_equal(count_known(world), AT_ONCE);
        world_run(world, HEARSAY_MS + 2000);
    }
    tell_of_many(world);
    assert_int_equal(count_known(world), 0);
}

/* Nodes that have heard of it later go on telling of it; and give it up in their turn. */
static void test_roster_when_others_still_tell_of_it_then_it_stays_given_up(void **state)
{
    struct world *world = *state;
    start(world, 0);
    liar_tell_many(world, MADE_UP, 1, 1, "tcp://made-up-%u:1");
    world_run(world, HEARSAY_MS / 2);
    start(world, 1);
    world_join(world, 1, 0);
    world_run(world, HEARSAY_MS / 2 + 2000);
    assert_false(knows(world, 0, MADE_UP));
    assert_true(knows(world, 1, MADE_UP));
    start(world, 2);
    world_join(world, 2, 1);
    world_run(world, 5000);
    assert_true(world_pair_up(world, 0, 2));
    assert_true(knows(world, 2, MADE_UP));
    assert_false(knows(world, 0, MADE_UP));
    world_run(world, HEARSAY_MS);
    for (uint32_t i = 0; i < 3; i++)
        assert_false(knows(world, i, MADE_UP));
}

/* It comes itself, under the very epoch that was told of; later it is down, and dialled for ever. */
static void test_roster_when_who_was_given_up_comes_then_it_is_met_and_kept(void **state)
{
    struct world *world = *state;
    start(world, 0);
    start(world, 1);
    struct holm_member told = {world_actor(world, 1), holm_str("n1"), holm_str("tcp://n1:1"),
                               false};
    world->deaf[1] = true;
    liar_tell(world, &told, 1);
    world_run(world, HEARSAY_MS + 5000);
    assert_false(knows(world, 0, told.actor.node.value));
    world_join(world, 1, 0);
    world_run(world, 5000);
    assert_true(world_pair_up(world, 0, 1));
    world_kill(world, 1);
    world_run(world, 10 * HEARSAY_MS);
    assert_int_equal(world_liveness(world, 0, 1), HOLM_DOWN);
    assert_true(liar_dials_in(world, 10000) > 4);
}

static void test_roster_when_hearsay_is_for_ever_then_it_is_kept(void **state)
{
    struct world *world = *state;
    world_start(world, 0, 0);
    assert_int_equal(world->nodes[0].config.hearsay_us, 0);
    liar_tell_many(world, MADE_UP, 10, 1, "tcp://made-up-%u:1");
    world_run(world, 5 * HEARSAY_MS);
    assert_known(world, 10);
}

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

int main(void)
{
#define ROSTER_TEST(name)                                                                          \
    cmocka_unit_test_setup_teardown(test_roster_when_##name, open_world, close_world)
    const struct CMUnitTest tests[] = {
        ROSTER_TEST(a_rumour_is_never_met_then_it_is_given_up),
        ROSTER_TEST(a_rumour_was_given_up_then_only_another_epoch_is_taken),
        ROSTER_TEST(the_table_is_given_up_then_none_of_it_comes_back),
        ROSTER_TEST(others_still_tell_of_it_then_it_stays_given_up),
        ROSTER_TEST(who_was_given_up_comes_then_it_is_met_and_kept),
        ROSTER_TEST(hearsay_is_for_ever_then_it_is_kept),
    };
    return cmocka_run_group_tests_name("roster_rumour", tests, NULL, NULL);
}

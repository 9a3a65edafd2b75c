/* SPDX-License-Identifier: Apache-2.0 */
/* Frames of who has left for good, which were on their way when another member told of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "node/roster_state.h"
#include "tests/unit/roster_world.h"

/* Both are played by hand, over wires of a node that never lives. */
#define BY_HAND (WORLD_NODES - 1)
#define EPOCH 7u

static const struct holm_actor paris = {{500}, {EPOCH}}, oslo = {{600}, {1}};

/* What node 0 has answered to the last call. */
struct answers {
    uint32_t hellos;
    bool answer; /* of the last of them */
    uint32_t changes[HOLM_PEER_FORGOTTEN + 1];
};

static struct answers take(struct world *world)
{
    struct answers taken = {0};
    struct holm_roster_action action;
    struct holm_roster *roster = world->nodes[0].roster;
    while (holm_roster_next(roster, &action)) {
        if (action.type == HOLM_ROSTER_HELLO) {
            taken.hellos++;
            taken.answer = action.answer;
        } else if (action.type == HOLM_ROSTER_CHANGED) {
            taken.changes[action.change]++;
        }
    }
    holm_roster_check(roster);
    return taken;
}

static struct holm_link_id call(struct world *world)
{
    world->wires[world->wire_count++] = (struct world_wire){BY_HAND, 0, true};
    struct holm_link_id link = {world->wire_count};
    holm_roster_link_up(world->nodes[0].roster, link, true, "", world->now);
    (void)take(world);
    return link;
}

static struct answers say(struct world *world, struct holm_link_id link, struct holm_actor who,
                          bool answer, const struct holm_member *told)
{
    struct holm_hello hello = {
        .cluster = holm_str("test"),
        .version = HOLM_WIRE_VERSION,
        .partitions = 16,
        .self = {.actor = who, .name = holm_str(who.node.value == 500 ? "paris" : "oslo")},
        .nonce = who.node.value + who.epoch.value,
        .answer = answer,
        .heard = world_actor(world, 0),
        .members = told,
        .member_count = told == NULL ? 0 : 1,
    };
    holm_roster_hello(world->nodes[0].roster, link, &hello, world->now);
    return take(world);
}

/* oslo's word; it has heard paris say so. */
static struct answers tell_left(struct world *world)
{
    const struct holm_member left = {paris, holm_str("paris"), holm_str(""), true};
    return say(world, call(world), oslo, true, &left);
}

static bool is_up(struct world *world)
{
    struct holm_roster *roster = world->nodes[0].roster;
    return holm_roster_up(roster, holm_roster_peer_find(roster, paris.node));
}

/* Its answer, which would have made it up, comes too late; and is answered no more often than a lost Hello is said again. */
static void test_roster_when_who_has_left_answers_then_it_is_not_up(void **state)
{
    struct world *world = *state;
    struct holm_link_id link = call(world);
    assert_int_equal(say(world, link, paris, false, NULL).hellos, 1);
    assert_int_equal(tell_left(world).changes[HOLM_PEER_LEFT], 1);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(say(world, link, paris, true, NULL).hellos, 0);
        assert_false(is_up(world));
    }
    world->now.monotonic_us += WORLD_REDIAL_US / 4;
    struct answers answers = say(world, link, paris, true, NULL);
    assert_int_equal(answers.hellos, 1); /* which tells it that it has left */
    assert_false(answers.answer);
    assert_false(is_up(world));
}

/* A later life is another matter, on the same link. */
static void test_roster_when_who_has_left_takes_another_epoch_then_it_is_up(void **state)
{
    struct world *world = *state;
    struct holm_link_id link = call(world);
    const struct holm_actor again = {paris.node, {EPOCH + 1}};
    (void)say(world, link, paris, false, NULL);
    (void)tell_left(world);
    struct answers answers = say(world, link, again, true, NULL);
    assert_int_equal(answers.changes[HOLM_PEER_JOINED], 1);
    assert_true(is_up(world));
}

/* It still answers while it waits for what it wrote to be everywhere. */
static void test_roster_when_who_leaves_is_still_up_then_it_is_answered(void **state)
{
    struct world *world = *state;
    struct holm_link_id link = call(world);
    (void)say(world, link, paris, true, NULL);
    assert_true(is_up(world));
    assert_int_equal(tell_left(world).changes[HOLM_PEER_LEFT], 1);
    assert_true(is_up(world));
    struct answers answers = say(world, link, paris, false, NULL);
    assert_int_equal(answers.hellos, 1);
    assert_true(answers.answer);
    assert_true(is_up(world));
    holm_roster_link_closed(world->nodes[0].roster, link, world->now);
    answers = take(world);
    assert_int_equal(answers.changes[HOLM_PEER_DOWN], 0);
    assert_false(is_up(world));
}

static int open_world(void **state)
{
    struct world *world = world_new();
    world_start(world, 0, 0);
    *state = world;
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
        ROSTER_TEST(who_has_left_answers_then_it_is_not_up),
        ROSTER_TEST(who_has_left_takes_another_epoch_then_it_is_up),
        ROSTER_TEST(who_leaves_is_still_up_then_it_is_answered),
    };
    return cmocka_run_group_tests_name("roster_left", tests, NULL, NULL);
}

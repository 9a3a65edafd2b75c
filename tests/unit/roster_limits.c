/* SPDX-License-Identifier: Apache-2.0 */
/* T30: members and addresses that a peer makes up cost little, and take nothing from anybody. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "node/roster_state.h"
#include "tests/unit/roster_liar.h"

#define CALLER (WORLD_NODES - 1) /* never lives; its wires are used by hand */

static struct holm_roster_address *address_of(struct world *world, const char *text)
{
    struct holm_roster *roster = world->nodes[0].roster;
    for (size_t i = 0; i < roster->address_count; i++)
        if (roster->addresses[i].used && strcmp(roster->addresses[i].text, text) == 0)
            return &roster->addresses[i];
    return NULL;
}

static void open_wide(struct world *world)
{
    world_start(world, 0, 0);
    world_kill(world, 0);
    world->nodes[0].config.peers_max = 128;
    world_start(world, 0, 0);
}

/* However many there are, they get about HOLM_ROSTER_SILENT_DIALS a second. */
static void test_roster_when_addresses_are_made_up_then_they_are_dialled_ever_more_rarely(
    void **state)
{
    struct world *world = *state;
    open_wide(world);
    liar_tell_many(world, 1000, 50, 1, "tcp://made-up-%u:1");
    liar_tell_many(world, 2000, 50, 1, "tcp://made-up-%u:1");
    assert_in_range(liar_dials_in(world, 4000), 100 * 2, 100 * 6);
    (void)liar_dials_in(world, 20000);
    assert_in_range(liar_dials_in(world, 70000), 70 * 10, 70 * 17); /* every 7 s */
}

/* Two halves of a cluster may know of each other by hearsay alone. */
static void test_roster_when_few_are_silent_then_they_are_dialled_as_often_as_ever(void **state)
{
    struct world *world = *state;
    open_wide(world);
    liar_tell_many(world, 1000, 10, 1, "tcp://made-up-%u:1");
    world_run(world, 100000);
    assert_in_range(liar_dials_in(world, 50000), 10 * 40, 10 * 60);
}

/* In how many of 20 times, each of one and a half usual pauses, the address was dialled. */
static int times_dialled(struct world *world, const struct holm_roster_address *address)
{
    int times = 0;
    for (int i = 0; i < 20; i++) {
        uint64_t dialled_us = address->dialled_us;
        world_run(world, 1600);
        times += address->dialled_us > dialled_us;
    }
    return times;
}

static void assert_dialled_at_the_usual_pace(struct world *world,
                                             const struct holm_roster_address *address)
{
    assert_int_equal(times_dialled(world, address), 20);
}

/* What the operator gave is dialled as often as ever, answered or not. */
static void test_roster_when_a_seed_is_silent_then_it_is_dialled_at_the_usual_pace(void **state)
{
    struct world *world = *state;
    open_wide(world);
    world_join(world, 0, 1);
    liar_tell_many(world, 1000, 63, 1, "tcp://made-up-%u:1");
    world_run(world, 30000);
    assert_dialled_at_the_usual_pace(world, address_of(world, "tcp://n1:1"));
}

static void
test_roster_when_a_rumour_proves_true_then_the_node_is_met_and_redialled_at_the_usual_pace(
    void **state)
{
    struct world *world = *state;
    open_wide(world);
    liar_tell_many(world, 1000, 63, 1, "tcp://made-up-%u:1");
    liar_tell_many(world, 2, 1, 1, "tcp://n1:1"); /* node 1 has the id 2 */
    world_run(world, 30000);
    struct holm_roster_address *address = address_of(world, "tcp://n1:1");
    assert_false(address->answered);
    world_start(world, 1, 0);
    world_run(world, 7500); /* one and a half pauses of 5 s at most */
    assert_true(world_pair_up(world, 0, 1));
    world_kill(world, 1);
    world_run(world, 10000);
    assert_dialled_at_the_usual_pace(world, address);
}

/* Whoever has not been met for an hour is dialled like whom nobody has met; few of those, at the usual pace. */
static void test_roster_when_a_member_is_away_for_long_then_it_is_dialled_with_the_silent(
    void **state)
{
    struct world *world = *state;
    open_wide(world);
    world_start(world, 1, 0);
    struct holm_member told = {world_actor(world, 1), holm_str("n1"), holm_str("tcp://n1:1"),
                               false};
    liar_tell(world, &told, 1);
    world_run(world, 2000);
    assert_true(world_pair_up(world, 0, 1));
    world_kill(world, 1);
    world_run(world, 3590 * 1000);
    assert_dialled_at_the_usual_pace(world, address_of(world, "tcp://n1:1"));
    liar_tell_many(world, 1000, 63, 1, "tcp://made-up-%u:1");
    world_run(world, 120 * 1000);
    const struct holm_roster_address *address = address_of(world, "tcp://n1:1");
    assert_in_range(times_dialled(world, address), 1, 10);
    assert_in_range(liar_dials_in(world, 60000), 60 * 10, 60 * 17);
    world_start(world, 1, 0);
    world_run(world, 12000);
    assert_true(world_pair_up(world, 0, 1));
    world_kill(world, 1);
    world_run(world, 10000);
    assert_dialled_at_the_usual_pace(world, address);
}

/* The places of made-up addresses and those of the operator's are counted apart. */
static void test_roster_when_rumours_fill_the_table_then_the_operator_still_adds_a_seed(
    void **state)
{
    struct world *world = *state;
    world_start(world, 0, 0);
    for (uint64_t first = 1000; first < 2000; first += 50)
        liar_tell_many(world, first, 50, 1, "tcp://made-up-%u:1");
    struct holm_roster *roster = world->nodes[0].roster;
    size_t learnt = 0;
    for (size_t i = 0; i < roster->address_count; i++)
        learnt += roster->addresses[i].used;
    assert_in_range(learnt, 1, 2 * roster->config.peers_max + 16);
    assert_int_equal(roster->peer_count, roster->config.peers_max);
    uint32_t entry;
    for (unsigned i = 0; i < 2 * roster->config.peers_max + 16; i++) {
        char text[32];
        snprintf(text, sizeof text, "tcp://learnt%u:1", i);
        enum holm_status status = holm_roster_address_add(roster, holm_str(text), false, 0, &entry);
        assert_int_equal(status,
                         learnt < 2 * roster->config.peers_max + 16 ? HOLM_OK : HOLM_ELIMIT);
        learnt += status == HOLM_OK;
    }
    assert_int_equal(holm_roster_join(roster, "tcp://n1:1"), HOLM_OK);
}

/* Who comes itself takes the place of somebody nobody has met, not of a member that is down. */
static void test_roster_when_rumours_fill_the_slots_then_a_caller_displaces_one_of_them(
    void **state)
{
    struct world *world = *state;
    world_start(world, 0, 0);
    world_start(world, 1, 0);
    world_join(world, 1, 0);
    world_run(world, 2000);
    assert_true(world_pair_up(world, 0, 1));
    world_kill(world, 1);
    world_run(world, 1000);
    liar_tell_many(world, 1000, 50, 1, "tcp://made-up-%u:1");
    assert_int_equal(world->nodes[0].roster->peer_count, world->nodes[0].config.peers_max);
    world_start(world, 2, 0);
    world_join(world, 2, 0);
    world_run(world, 5000);
    assert_true(world_pair_up(world, 0, 2));
    assert_int_equal(world_liveness(world, 0, 1), HOLM_DOWN);
}

/* A minute's callers are one line, which says how many they were. */
static void test_roster_when_callers_are_not_trusted_then_a_line_a_minute_says_so(void **state)
{
    struct world *world = *state;
    world_start(world, 0, 0);
    struct holm_roster *roster = world->nodes[0].roster;
    struct holm_roster_action action;
    char lines[1024] = "";
    size_t count = 0;
    for (int i = 0; i < 90; i++) {
        world->wires[world->wire_count++] = (struct world_wire){CALLER, 0, true};
        struct holm_link_id link = {world->wire_count};
        holm_roster_link_up(roster, link, true, "192.0.2.7", world->now);
        holm_roster_link_untrusted(roster, link, world->now);
        holm_roster_link_closed(roster, link, world->now);
        while (holm_roster_next(roster, &action)) {
            if (action.type != HOLM_ROSTER_NOTE)
                continue;
            count++;
            size_t used = strlen(lines);
            (void)holm_log_sentence(action.event, action.text, lines + used, sizeof lines - used);
        }
        world->now.monotonic_us += 1000000;
    }
    assert_int_equal(count, 2);
    assert_non_null(strstr(lines, "caller from 192.0.2.7: no certificate"));
    assert_non_null(strstr(lines, "(1 such links"));
    assert_non_null(strstr(lines, "(60 such links"));
}

/* How many Hellos come of that one. */
static unsigned answers_to(struct holm_roster *roster, struct holm_link_id link,
                           const struct holm_hello *hello, struct holm_now now)
{
    struct holm_roster_action action;
    unsigned answers = 0;
    holm_roster_hello(roster, link, hello, now);
    while (holm_roster_next(roster, &action))
        answers += action.type == HOLM_ROSTER_HELLO && action.link.value == link.value;
    return answers;
}

/* Each answer may be as long as the list of members: a link that asks without end is dropped, counted and told of, and another
 * of the same peer goes on. */
static void test_roster_when_a_link_greets_without_end_then_it_is_dropped(void **state)
{
    struct world *world = *state;
    struct holm_hello hello = {.cluster = holm_str("test"),
                               .version = HOLM_WIRE_VERSION,
                               .partitions = 16,
                               .self = {.actor = {{4711}, {1}}, .name = holm_str("mallory")},
                               .nonce = 4711};
    world_start(world, 0, 0);
    struct holm_roster *roster = world->nodes[0].roster;
    struct holm_link_id loud = {1}, calm = {2};
    world->wires[world->wire_count++] = (struct world_wire){CALLER, 0, true};
    world->wires[world->wire_count++] = (struct world_wire){CALLER, 0, true};
    holm_roster_link_up(roster, loud, true, "", world->now);
    holm_roster_link_up(roster, calm, true, "", world->now);
    unsigned answers = 0;
    for (unsigned i = 0; i < 1000; i++)
        answers += answers_to(roster, loud, &hello, world->now);
    assert_int_equal(answers, 64);
    assert_int_equal(holm_roster_hellos_limited(roster), 1);
    for (unsigned i = 0; i < 200; i++) {
        world->now.monotonic_us += 250000;
        assert_int_equal(answers_to(roster, calm, &hello, world->now), 1);
    }
    assert_int_equal(holm_roster_hellos_limited(roster), 1);
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
        ROSTER_TEST(addresses_are_made_up_then_they_are_dialled_ever_more_rarely),
        ROSTER_TEST(few_are_silent_then_they_are_dialled_as_often_as_ever),
        ROSTER_TEST(a_seed_is_silent_then_it_is_dialled_at_the_usual_pace),
        ROSTER_TEST(a_rumour_proves_true_then_the_node_is_met_and_redialled_at_the_usual_pace),
        ROSTER_TEST(rumours_fill_the_table_then_the_operator_still_adds_a_seed),
        ROSTER_TEST(a_member_is_away_for_long_then_it_is_dialled_with_the_silent),
        ROSTER_TEST(callers_are_not_trusted_then_a_line_a_minute_says_so),
        ROSTER_TEST(a_link_greets_without_end_then_it_is_dropped),
        ROSTER_TEST(rumours_fill_the_slots_then_a_caller_displaces_one_of_them),
    };
    return cmocka_run_group_tests_name("roster_limits", tests, NULL, NULL);
}

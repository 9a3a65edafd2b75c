/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who comes, who goes, who has left (<holm/events.h>, holm_leave(), holm_peers()), in virtual time.
 */
#include <holm/testing.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define S HOLM_TESTING_SECOND

static const char *const names[] = {"lisbon", "oslo", "rome", "lima", "cairo"};

static struct holm_config config_of(uint32_t i, enum holm_retention retention)
{
    struct holm_config config = holm_config_default();
    config.name = names[i];
    config.seeds = "lisbon oslo";
    config.partitions = 4;
    config.log_level = 1;
    config.retention = retention;
    config.founds = retention == HOLM_RETENTION_STABLE && i == 0;
    return config;
}

static struct holm_testing *open_world(struct holm_node **nodes, uint32_t count,
                                       enum holm_retention retention)
{
    struct holm_testing *world = holm_testing_new(11);
    for (uint32_t i = 0; i < count; i++) {
        struct holm_config config = config_of(i, retention);
        assert_int_equal(holm_testing_open(world, &config, &nodes[i]), HOLM_OK);
    }
    for (uint32_t i = 0; i < count; i++)
        assert_int_equal(holm_wait_peers(nodes[i], count - 1, 10000), HOLM_OK);
    return world;
}

static void add(struct holm_node *node, const char *key, uint32_t times)
{
    for (uint32_t i = 0; i < times; i++) {
        assert_int_equal(holm_add(node, holm_str(key), holm_str("n"), 1), HOLM_OK);
        assert_int_equal(holm_wait_seen(node, NULL, 0, 0), HOLM_OK); /* a run of its own */
    }
}

static bool is_readable(const struct holm_events *events)
{
    struct pollfd fd = {.fd = holm_events_fd(events), .events = POLLIN};
    return poll(&fd, 1, 0) == 1;
}

static struct holm_peer_event next(struct holm_events *events)
{
    struct holm_peer_event event;
    assert_true(is_readable(events));
    assert_int_equal(holm_events_next(events, &event), HOLM_OK);
    return event;
}

static void expect_none(struct holm_events *events)
{
    struct holm_peer_event event;
    assert_false(is_readable(events));
    assert_int_equal(holm_events_next(events, &event), HOLM_ENOENT);
}

static struct holm_peer_event expect(struct holm_events *events, const char *name,
                                     enum holm_peer_change change)
{
    struct holm_peer_event event = next(events);
    assert_string_equal(event.name, name);
    assert_string_equal(holm_peer_change_name(event.change), holm_peer_change_name(change));
    assert_int_equal(event.lost, 0);
    return event;
}

static enum holm_liveness liveness(struct holm_node *node, struct holm_node_id id)
{
    struct holm_peer peers[8];
    size_t count = holm_peers(node, peers, 8);
    assert_in_range(count, 0, 8);
    for (size_t i = 0; i < count; i++) {
        if (peers[i].node.value == id.value)
            return peers[i].liveness;
    }
    return (enum holm_liveness)0;
}

static struct holm_events *listen_to(struct holm_node *node)
{
    struct holm_events *events;
    assert_int_equal(holm_events_open(node, 0, &events), HOLM_OK);
    return events;
}

/* ---- events --------------------------------------------------------------------------------- */

static void test_events_when_a_split_heals_then_they_tell_how_long_and_what_crossed(void **state)
{
    struct holm_node *nodes[3];
    struct holm_testing *world = holm_testing_new(11);
    struct holm_config config = config_of(0, HOLM_RETENTION_FOREVER);
    assert_int_equal(holm_testing_open(world, &config, &nodes[0]), HOLM_OK);
    struct holm_events *events = listen_to(nodes[0]);
    expect_none(events);
    config = config_of(1, HOLM_RETENTION_FOREVER);
    assert_int_equal(holm_testing_open(world, &config, &nodes[1]), HOLM_OK);
    holm_testing_run(world, 2 * S);
    assert_int_equal(expect(events, "oslo", HOLM_PEER_JOINED).node.value,
                     holm_self(nodes[1]).node.value);
    expect_none(events);

    holm_testing_split(world, "oslo", NULL);
    holm_testing_run(world, 2 * S);
    assert_in_range(expect(events, "oslo", HOLM_PEER_SUSPECT).after_ms, 1500, 1600);
    assert_int_equal(liveness(nodes[0], holm_self(nodes[1]).node), HOLM_SUSPECT);
    holm_testing_run(world, 8 * S);
    (void)expect(events, "oslo", HOLM_PEER_DOWN);
    expect_none(events);
    add(nodes[0], "here", 3);
    add(nodes[1], "there", 5);
    holm_testing_run(world, 1 * S);

    holm_testing_heal(world, NULL, NULL);
    holm_testing_run(world, 6 * S);
    struct holm_peer_event up = expect(events, "oslo", HOLM_PEER_UP);
    assert_in_range(up.after_ms, 8000, 10000);
    struct holm_peer_event healed = expect(events, "oslo", HOLM_PEER_HEALED);
    assert_in_range(healed.after_ms, up.after_ms, up.after_ms + 1500);
    assert_int_equal(healed.came, 5);
    assert_int_equal(healed.went, 3);
    expect_none(events);
    holm_events_close(events);
    holm_testing_free(world);
    (void)state;
}

/* A silence that ends before the link does. */
static void test_events_when_a_suspect_is_heard_then_it_is_up_and_nothing_has_healed(void **state)
{
    struct holm_node *nodes[2];
    struct holm_testing *world = open_world(nodes, 2, HOLM_RETENTION_FOREVER);
    struct holm_events *events = listen_to(nodes[0]);
    holm_testing_pause(world, "oslo");
    holm_testing_run(world, 2 * S);
    holm_testing_resume(world, "oslo");
    holm_testing_run(world, 5 * S);
    (void)expect(events, "oslo", HOLM_PEER_SUSPECT);
    assert_in_range(expect(events, "oslo", HOLM_PEER_UP).after_ms, 1500, 3000);
    expect_none(events);
    holm_events_close(events);
    holm_testing_free(world);
    (void)state;
}

/* Nothing was written: equal again at once, and nothing has crossed. A peer that flaps has been apart from the first
 * time on. */
static void test_events_when_a_peer_flaps_then_it_heals_once(void **state)
{
    struct holm_node *nodes[2];
    struct holm_testing *world = open_world(nodes, 2, HOLM_RETENTION_FOREVER);
    struct holm_events *events = listen_to(nodes[0]);
    holm_testing_crash(world, "oslo");
    holm_testing_run(world, 3 * S);
    nodes[1] = holm_testing_restart(world, "oslo");
    holm_testing_run(world, 5 * S);
    (void)expect(events, "oslo", HOLM_PEER_DOWN);
    assert_true(expect(events, "oslo", HOLM_PEER_UP).epoch.value ==
                holm_self(nodes[1]).epoch.value);
    struct holm_peer_event healed = expect(events, "oslo", HOLM_PEER_HEALED);
    assert_in_range(healed.after_ms, 3000, 6000);
    assert_int_equal(healed.came + healed.went, 0);
    expect_none(events);
    holm_events_close(events);
    holm_testing_free(world);
    (void)state;
}

static void test_events_when_nobody_reads_then_the_oldest_are_lost_and_counted(void **state)
{
    struct holm_node *nodes[2];
    struct holm_testing *world = open_world(nodes, 2, HOLM_RETENTION_FOREVER);
    struct holm_events *events, *all = listen_to(nodes[0]);
    assert_int_equal(holm_events_open(nodes[0], 2, &events), HOLM_OK);
    for (uint32_t i = 0; i < 3; i++) {
        holm_testing_crash(world, "oslo");
        holm_testing_run(world, 3 * S);
        nodes[1] = holm_testing_restart(world, "oslo");
        holm_testing_run(world, 5 * S);
    }
    struct holm_peer_event event = next(events);
    assert_int_equal(event.lost, 7);
    assert_int_equal(event.change, 0);
    (void)expect(events, "oslo", HOLM_PEER_UP);
    (void)expect(events, "oslo", HOLM_PEER_HEALED);
    expect_none(events);
    for (uint32_t i = 0; i < 9; i++)
        assert_int_equal(next(all).lost, 0);
    expect_none(all);
    holm_events_close(events);
    holm_events_close(all);
    holm_events_close(NULL);
    holm_testing_free(world);
    (void)state;
}

/* ---- leaving -------------------------------------------------------------------------------- */

static void test_leave_when_all_have_what_it_wrote_then_nobody_waits_for_it(void **state)
{
    struct holm_node *nodes[4];
    struct holm_testing *world = open_world(nodes, 4, HOLM_RETENTION_FOREVER);
    struct holm_events *events = listen_to(nodes[0]);
    struct holm_node_id rome = holm_self(nodes[2]).node;
    add(nodes[2], "k", 4);
    assert_int_equal(holm_leave(nodes[2], 5000), HOLM_OK);
    (void)expect(events, "rome", HOLM_PEER_LEFT);
    expect_none(events);
    for (uint32_t i = 0; i < 4; i++) {
        if (i != 2)
            assert_int_equal(liveness(nodes[i], rome), HOLM_LEFT);
    }
    add(nodes[0], "k", 1);
    assert_int_equal(holm_wait_seen(nodes[0], NULL, HOLM_ALL, 1000), HOLM_OK);
    int64_t sum = 0;
    assert_int_equal(holm_count(nodes[3], holm_str("k"), holm_str("n"), &sum), HOLM_OK);
    assert_int_equal(sum, 5);

    struct holm_config config = config_of(2, HOLM_RETENTION_FOREVER);
    assert_int_equal(holm_testing_open(world, &config, &nodes[2]), HOLM_OK);
    holm_testing_run(world, 3 * S);
    (void)expect(events, "rome", HOLM_PEER_JOINED);
    expect_none(events);
    for (uint32_t i = 0; i < 4; i++) {
        if (i != 2)
            assert_int_equal(liveness(nodes[i], rome), HOLM_UP);
    }
    holm_events_close(events);
    holm_testing_free(world);
    (void)state;
}

static bool dials_rome; /* a Hello to who has left */

static void look_for_rome(void *context, const char *text)
{
    (void)context;
    dials_rome |= strstr(text, "> n2 ") != NULL;
}

static void test_leave_when_somebody_is_cut_off_then_it_hears_of_it_from_the_others(void **state)
{
    struct holm_node *nodes[4];
    struct holm_testing *world = open_world(nodes, 4, HOLM_RETENTION_FOREVER);
    struct holm_node_id rome = holm_self(nodes[2]).node;
    holm_testing_split(world, "lima", NULL);
    holm_testing_run(world, 5 * S);
    assert_int_equal(holm_leave(nodes[2], 5000), HOLM_OK);
    holm_testing_run(world, 5 * S);
    assert_int_equal(liveness(nodes[3], rome), HOLM_DOWN);
    holm_testing_heal(world, NULL, NULL);
    holm_testing_run(world, 5 * S);
    for (uint32_t i = 0; i < 4; i++) {
        if (i != 2)
            assert_int_equal(liveness(nodes[i], rome), HOLM_LEFT);
    }
    dials_rome = false;
    holm_testing_trace(world, look_for_rome, NULL);
    holm_testing_run(world, 20 * S);
    assert_false(dials_rome);
    holm_testing_trace(world, NULL, NULL);
    holm_testing_free(world);
    (void)state;
}

static void test_leave_when_nobody_can_be_told_then_the_node_runs_on(void **state)
{
    struct holm_node *nodes[3];
    struct holm_testing *world = open_world(nodes, 3, HOLM_RETENTION_FOREVER);
    holm_testing_split(world, "rome", NULL);
    holm_testing_run(world, 5 * S);
    add(nodes[2], "k", 1);
    assert_int_equal(holm_leave(nodes[2], 500), HOLM_ETIMEDOUT);
    add(nodes[2], "k", 1);
    holm_testing_heal(world, NULL, NULL);
    assert_int_equal(holm_wait_seen(nodes[2], NULL, HOLM_ALL, 5000), HOLM_OK);
    struct holm_node *alone;
    struct holm_config config = config_of(3, HOLM_RETENTION_FOREVER);
    config.seeds = NULL;
    assert_int_equal(holm_testing_open(world, &config, &alone), HOLM_OK);
    assert_int_equal(holm_leave(alone, 0), HOLM_OK);
    holm_testing_free(world);
    (void)state;
}

/* ---- with retention `stable` ---------------------------------------------------------------- */

static uint64_t members(struct holm_node *node)
{
    struct holm_stats stats;
    holm_stats(node, &stats);
    return stats.member == 0 ? 0 : stats.members;
}

static bool are_members(void *context)
{
    struct holm_node **nodes = context;
    return members(nodes[0]) == 3 && members(nodes[1]) == 3 && members(nodes[2]) == 3;
}

/* rome was gone before lima came, which knows of it by hearsay: all that lima waits for are there once it is given up. */
static void test_wait_when_a_member_is_known_by_hearsay_alone_then_it_is_given_up(void **state)
{
    for (int stable = 0; stable < 2; stable++) {
        enum holm_retention retention = stable ? HOLM_RETENTION_STABLE : HOLM_RETENTION_FOREVER;
        struct holm_node *nodes[4];
        struct holm_testing *world = open_world(nodes, 3, retention);
        struct holm_node_id rome = holm_self(nodes[2]).node;
        struct holm_config config = config_of(3, retention);
        struct holm_peer peers[8];
        config.hearsay_ms = 60000;
        if (stable)
            assert_true(holm_testing_run_until(world, 60 * S, are_members, nodes));
        holm_close(nodes[2]);
        assert_int_equal(holm_testing_open(world, &config, &nodes[3]), HOLM_OK);
        assert_int_equal(holm_wait_peers(nodes[3], 2, 10000), HOLM_OK);
        assert_int_equal(liveness(nodes[3], rome), HOLM_DOWN);
        assert_int_equal(holm_enable(nodes[3], holm_str("k"), holm_str("f")), HOLM_OK);
        assert_int_equal(holm_wait_seen(nodes[3], NULL, HOLM_ALL, 5000), HOLM_ETIMEDOUT);
        holm_testing_run(world, 61 * S);
        /* With `stable` it is a member until it is forgotten. */
        assert_int_equal(holm_peers(nodes[3], peers, 8), stable ? 3 : 2);
        assert_int_equal(holm_wait_seen(nodes[3], NULL, HOLM_ALL, 5000),
                         stable ? HOLM_ETIMEDOUT : HOLM_OK);
        assert_int_equal(liveness(nodes[0], rome), HOLM_DOWN);
        holm_testing_free(world);
    }
    (void)state;
}

static bool has_collected(void *context)
{
    struct holm_stats stats;
    holm_stats(context, &stats);
    return stats.tombstones == 0;
}

static void test_leave_when_a_member_leaves_then_it_is_forgotten_and_collection_goes_on(
    void **state)
{
    struct holm_node *nodes[3];
    struct holm_testing *world = open_world(nodes, 3, HOLM_RETENTION_STABLE);
    assert_true(holm_testing_run_until(world, 60 * S, are_members, nodes));
    struct holm_events *events[2] = {listen_to(nodes[0]), listen_to(nodes[1])};
    struct holm_node_id rome = holm_self(nodes[2]).node;
    add(nodes[2], "k", 1);
    assert_int_equal(holm_leave(nodes[2], 5000), HOLM_OK);
    holm_testing_run(world, 10 * S);
    for (uint32_t i = 0; i < 2; i++) {
        (void)expect(events[i], "rome", HOLM_PEER_LEFT);
        (void)expect(events[i], "rome", HOLM_PEER_FORGOTTEN);
        expect_none(events[i]);
        assert_int_equal(members(nodes[i]), 2);
        assert_int_equal(liveness(nodes[i], rome), HOLM_FORGOTTEN);
        holm_events_close(events[i]);
    }
    assert_int_equal(holm_bury(nodes[0], holm_str("k")), HOLM_OK);
    assert_int_equal(holm_wait_stable(nodes[0], NULL, 20000), HOLM_OK);
    assert_true(holm_testing_run_until(world, 60 * S, has_collected, nodes[0]));
    assert_true(holm_testing_run_until(world, 60 * S, has_collected, nodes[1]));
    holm_testing_free(world);
    (void)state;
}

static void test_peers_when_a_member_was_never_met_then_the_list_tells_of_it(void **state)
{
    struct holm_node *nodes[3];
    struct holm_testing *world = open_world(nodes, 3, HOLM_RETENTION_STABLE);
    assert_true(holm_testing_run_until(world, 60 * S, are_members, nodes));
    struct holm_node_id rome = holm_self(nodes[2]).node, oslo = holm_self(nodes[1]).node;
    holm_testing_crash(world, "rome");
    holm_testing_crash(world, "oslo");
    struct holm_config config = config_of(1, HOLM_RETENTION_STABLE);
    config.peers_max = 1;
    config.seeds = "lisbon";
    assert_int_equal(holm_testing_open(world, &config, &nodes[1]), HOLM_OK);
    holm_testing_run(world, 10 * S);
    struct holm_peer peers[4];
    assert_int_equal(holm_peers(nodes[1], NULL, 0), 2);
    assert_int_equal(holm_peers(nodes[1], peers, 4), 2);
    assert_int_equal(liveness(nodes[1], holm_self(nodes[0]).node), HOLM_UP);
    assert_int_equal(liveness(nodes[1], rome), HOLM_DOWN);
    assert_int_equal(liveness(nodes[0], oslo), HOLM_UP);
    assert_int_equal(holm_forget(nodes[0], rome), HOLM_OK);
    holm_testing_run(world, 5 * S);
    assert_int_equal(liveness(nodes[1], rome), HOLM_FORGOTTEN);
    assert_int_equal(liveness(nodes[0], rome), HOLM_FORGOTTEN);
    holm_testing_free(world);
    (void)state;
}

/* ---- who finds whom ------------------------------------------------------------------------- */

/* Two halves that forget everything while they are apart: their seeds lead nowhere, but for one. */
static void test_split_when_both_halves_restart_with_stale_seeds_then_one_address_is_enough(
    void **state)
{
    static const char *const seeds[] = {"gone1 gone2 cairo", "gone3 lisbon", "gone1 lima",
                                        "gone1 gone2", "gone4 rome"};
    struct holm_node *nodes[5];
    struct holm_testing *world = open_world(nodes, 5, HOLM_RETENTION_FOREVER);
    /* lisbon and oslo here, rome, lima and cairo there; nobody there knows anybody here. */
    holm_testing_split(world, "lisbon oslo", NULL);
    holm_testing_run(world, 5 * S);
    holm_testing_crash(world, "lisbon oslo rome lima cairo");
    for (uint32_t i = 0; i < 5; i++) {
        struct holm_config config = config_of(i, HOLM_RETENTION_FOREVER);
        config.seeds = seeds[i];
        holm_testing_run(world, S / 3);
        assert_int_equal(holm_testing_open(world, &config, &nodes[i]), HOLM_OK);
        add(nodes[i], names[i], 3);
    }
    holm_testing_run(world, 600 * S);
    assert_int_equal(holm_wait_peers(nodes[0], 1, 0), HOLM_OK);
    assert_int_equal(holm_wait_peers(nodes[0], 2, 0), HOLM_ETIMEDOUT);
    assert_int_equal(holm_wait_peers(nodes[3], 2, 0), HOLM_OK);
    assert_int_equal(holm_wait_peers(nodes[3], 3, 0), HOLM_ETIMEDOUT);
    holm_testing_heal(world, NULL, NULL);
    for (uint32_t i = 0; i < 5; i++)
        assert_int_equal(holm_wait_peers(nodes[i], 4, 6000), HOLM_OK);
    assert_int_equal(holm_testing_converge(world, 10 * S), HOLM_OK);
    holm_testing_free(world);
    (void)state;
}

/* One after another each node restarts, and what it knows of the other half then its neighbour has told it. That is enough
 * after more than a day, too. */
static void test_split_when_both_halves_know_each_other_by_hearsay_then_they_meet_however_late(
    void **state)
{
    static const char *const neighbours[] = {"oslo", "lisbon", "lima", "rome"};
    struct holm_node *nodes[4];
    struct holm_testing *world = open_world(nodes, 4, HOLM_RETENTION_FOREVER);
    holm_testing_split(world, "lisbon oslo", NULL);
    holm_testing_run(world, 5 * S);
    for (uint32_t i = 0; i < 4; i++) {
        struct holm_config config = config_of(i, HOLM_RETENTION_FOREVER);
        config.seeds = neighbours[i];
        config.beacon_interval_ms = config.redial_interval_ms = 60000;
        holm_testing_crash(world, names[i]);
        assert_int_equal(holm_testing_open(world, &config, &nodes[i]), HOLM_OK);
        assert_int_equal(holm_wait_peers(nodes[i], 1, 300000), HOLM_OK);
        add(nodes[i], names[i], 3);
        holm_testing_run(world, 300 * S);
    }
    holm_testing_run(world, UINT64_C(25) * 3600 * S);
    for (uint32_t i = 0; i < 4; i++)
        assert_int_equal(holm_wait_peers(nodes[i], 2, 0), HOLM_ETIMEDOUT);
    holm_testing_heal(world, NULL, NULL);
    for (uint32_t i = 0; i < 4; i++)
        assert_int_equal(holm_wait_peers(nodes[i], 3, 300000), HOLM_OK);
    assert_int_equal(holm_testing_converge(world, 300 * S), HOLM_OK);
    holm_testing_free(world);
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_events_when_a_split_heals_then_they_tell_how_long_and_what_crossed),
        cmocka_unit_test(test_events_when_a_suspect_is_heard_then_it_is_up_and_nothing_has_healed),
        cmocka_unit_test(test_events_when_a_peer_flaps_then_it_heals_once),
        cmocka_unit_test(test_events_when_nobody_reads_then_the_oldest_are_lost_and_counted),
        cmocka_unit_test(test_leave_when_all_have_what_it_wrote_then_nobody_waits_for_it),
        cmocka_unit_test(test_leave_when_somebody_is_cut_off_then_it_hears_of_it_from_the_others),
        cmocka_unit_test(test_leave_when_nobody_can_be_told_then_the_node_runs_on),
        cmocka_unit_test(test_wait_when_a_member_is_known_by_hearsay_alone_then_it_is_given_up),
        cmocka_unit_test(
            test_leave_when_a_member_leaves_then_it_is_forgotten_and_collection_goes_on),
        cmocka_unit_test(test_peers_when_a_member_was_never_met_then_the_list_tells_of_it),
        cmocka_unit_test(
            test_split_when_both_halves_restart_with_stale_seeds_then_one_address_is_enough),
        cmocka_unit_test(
            test_split_when_both_halves_know_each_other_by_hearsay_then_they_meet_however_late),
    };
    return cmocka_run_group_tests_name("peers", tests, NULL, NULL);
}

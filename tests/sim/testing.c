/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A world as its users have it: the shared library and <holm/testing.h>, nothing else.
 */
#include <holm/testing.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define S HOLM_TESTING_SECOND
#define MS HOLM_TESTING_MS

static const char *const names[] = {"lisbon", "oslo", "rome", "lima"};

static struct holm_node *open_node(struct holm_testing *world, const char *name)
{
    struct holm_config config = holm_config_default();
    struct holm_node *node;
    config.name = name;
    config.seeds = "lisbon oslo, rome";
    assert_int_equal(holm_testing_open(world, &config, &node), HOLM_OK);
    return node;
}

/* `count` nodes that have found each other. */
static struct holm_testing *open_world(uint64_t seed, struct holm_node **nodes, uint32_t count)
{
    struct holm_testing *world = holm_testing_new(seed);
    for (uint32_t i = 0; i < count; i++)
        nodes[i] = open_node(world, names[i]);
    for (uint32_t i = 0; i < count; i++)
        assert_int_equal(holm_wait_peers(nodes[i], count - 1, 10000), HOLM_OK);
    return world;
}

static void add(struct holm_node *node, int64_t amount)
{
    assert_int_equal(holm_add(node, holm_str("k"), holm_str("n"), amount), HOLM_OK);
}

static int64_t sum(struct holm_node *node)
{
    int64_t total = 0;
    if (holm_count(node, holm_str("k"), holm_str("n"), &total) != HOLM_OK)
        return 0;
    return total;
}

static void test_world_when_nodes_write_then_all_show_it(void **state)
{
    struct holm_node *nodes[3];
    struct holm_testing *world = open_world(1, nodes, 3);
    struct holm_receipt receipt;
    const struct holm_op ops[] = {
        holm_op_add(holm_str("k"), holm_str("n"), 5),
        holm_op_insert(holm_str("k"), holm_str("set"), holm_str("a")),
    };
    assert_int_equal(holm_commit(nodes[0], ops, 2, &receipt), HOLM_OK);
    assert_int_equal(receipt.count, 2);
    add(nodes[1], 7);
    assert_int_equal(
        holm_put_at(nodes[2], holm_str("k"), HOLM_PATH("home", "city"), holm_text("Oslo")),
        HOLM_OK);
    assert_int_equal(holm_testing_converge(world, 5 * S), HOLM_OK);
    assert_string_equal(holm_testing_why(world), "");
    for (uint32_t i = 0; i < 3; i++) {
        struct holm_stats stats;
        struct holm_scan *scan;
        char city[8];
        struct holm_value value;
        assert_int_equal(sum(nodes[i]), 12);
        assert_true(holm_contains(nodes[i], holm_str("k"), holm_str("set"), holm_str("a")));
        assert_int_equal(holm_get_at(nodes[i], holm_str("k"), HOLM_PATH("home", "city"), city,
                                     sizeof city, &value, NULL),
                         HOLM_OK);
        assert_memory_equal(value.as.bytes.data, "Oslo", 4);
        holm_stats(nodes[i], &stats);
        assert_int_equal(stats.records, 1);
        assert_int_equal(stats.peers_up, 2);
        assert_int_equal(holm_scan_open(nodes[i], HOLM_EVERY_PARTITION, holm_mem(NULL, 0), &scan),
                         HOLM_OK);
        assert_non_null(holm_scan_next(scan));
        assert_null(holm_scan_next(scan));
        holm_scan_close(scan);
    }
    holm_testing_free(world);
}

static void keep_hash(void *context, const char *text)
{
    uint64_t *hash = context;
    for (; *text != '\0'; text++)
        *hash = (*hash ^ (unsigned char)*text) * UINT64_C(1099511628211);
}

static uint64_t play(uint64_t seed, uint64_t *lines)
{
    struct holm_node *nodes[3];
    struct holm_testing *world = open_world(seed, nodes, 3);
    struct holm_testing_path path = {
        .delay_us = 20 * MS, .jitter_us = 30 * MS, .loss_permille = 200};
    uint64_t hash;
    holm_testing_trace(world, keep_hash, lines);
    holm_testing_set_path(world, NULL, NULL, &path);
    for (int i = 0; i < 50; i++) {
        add(nodes[holm_testing_random(world, 3)], 1);
        holm_testing_run(world, 1 + holm_testing_random(world, 100 * MS));
    }
    assert_int_equal(holm_testing_converge(world, 30 * S), HOLM_OK);
    hash = holm_testing_hash(world);
    holm_testing_free(world);
    return hash;
}

static void test_world_when_the_seed_is_the_same_then_all_is(void **state)
{
    uint64_t lines[3] = {1, 1, 1};
    uint64_t hash = play(7, &lines[0]);
    assert_int_equal(play(7, &lines[1]), hash);
    assert_int_equal(lines[0], lines[1]);
    assert_int_not_equal(play(8, &lines[2]), hash);
    assert_int_not_equal(lines[0], lines[2]);
}

struct sought {
    const char *text;
    uint64_t found;
};

static void seek(void *context, const char *text)
{
    struct sought *sought = context;
    sought->found += strstr(text, sought->text) != NULL;
}

static void test_trace_when_a_node_writes_then_it_has_the_write(void **state)
{
    struct holm_node *node;
    struct holm_testing *world = open_world(1, &node, 1);
    struct sought sought = {"commit p", 0};
    uint64_t hash = holm_testing_hash(world);
    holm_testing_trace(world, seek, &sought);
    add(node, 5);
    assert_int_equal(sought.found, 1);
    assert_int_not_equal(holm_testing_hash(world), hash);
    sought.text = "a note of mine";
    hash = holm_testing_hash(world);
    holm_testing_note(world, "a note of mine");
    assert_int_equal(sought.found, 2);
    assert_int_not_equal(holm_testing_hash(world), hash);
    holm_testing_free(world);
}

static void test_wait_when_a_peer_answers_then_only_the_worlds_time_passes(void **state)
{
    struct holm_node *nodes[2];
    struct holm_testing *world = open_world(1, nodes, 2);
    struct holm_testing_path path = {.delay_us = 700 * MS};
    holm_testing_set_path(world, "lisbon", "oslo", &path);
    uint64_t before_us = holm_testing_now(world);
    add(nodes[0], 1);
    assert_int_equal(holm_wait_seen(nodes[0], NULL, 1, 0), HOLM_ETIMEDOUT);
    assert_int_equal(holm_testing_now(world), before_us);
    assert_int_equal(holm_wait_seen(nodes[0], NULL, 1, 3000), HOLM_OK);
    uint64_t took_us = holm_testing_now(world) - before_us;
    assert_in_range(took_us, 701 * MS, 900 * MS);
    assert_int_equal(sum(nodes[1]), 1);
    holm_testing_free(world);
}

static void test_wait_when_the_peer_is_cut_off_then_it_ends_in_time(void **state)
{
    struct holm_node *nodes[2];
    struct holm_testing *world = open_world(1, nodes, 2);
    holm_testing_split(world, "lisbon", NULL);
    uint64_t before_us = holm_testing_now(world);
    add(nodes[0], 1);
    assert_int_equal(holm_wait_seen(nodes[0], NULL, 1, 1234), HOLM_ETIMEDOUT);
    assert_int_equal(holm_testing_now(world), before_us + 1234 * MS);
    holm_testing_free(world);
}

static void test_cut_when_it_is_one_way_then_the_other_works(void **state)
{
    struct holm_node *nodes[2];
    struct holm_testing *world = open_world(1, nodes, 2);
    struct holm_testing_path path = holm_testing_path_default();
    holm_testing_cut(world, "lisbon", "oslo");
    add(nodes[0], 1);
    add(nodes[1], 10);
    holm_testing_run(world, 500 * MS);
    assert_int_equal(sum(nodes[0]), 11);
    assert_int_equal(sum(nodes[1]), 10);
    /* Another path is still cut. */
    holm_testing_set_path(world, NULL, NULL, &path);
    holm_testing_run(world, 500 * MS);
    assert_int_equal(sum(nodes[1]), 10);
    holm_testing_heal(world, "lisbon", "oslo");
    assert_int_equal(holm_testing_converge(world, 10 * S), HOLM_OK);
    assert_int_equal(sum(nodes[1]), 11);
    holm_testing_free(world);
}

static void test_split_when_sides_have_two_then_each_agrees_by_itself(void **state)
{
    struct holm_node *nodes[4];
    struct holm_testing *world = open_world(3, nodes, 4);
    holm_testing_split(world, "lisbon, oslo", "rome lima");
    for (uint32_t i = 0; i < 4; i++)
        add(nodes[i], i < 2 ? 1 : 100);
    holm_testing_run(world, 2 * S);
    assert_int_equal(sum(nodes[0]), 2);
    assert_int_equal(sum(nodes[1]), 2);
    assert_int_equal(sum(nodes[2]), 200);
    assert_int_equal(sum(nodes[3]), 200);
    assert_int_equal(holm_testing_converge(world, 1 * S), HOLM_ETIMEDOUT);
    assert_non_null(strstr(holm_testing_why(world), "lisbon and rome differ in k: only lisbon "
                                                    "has n: counter 2"));
    holm_testing_heal(world, NULL, NULL);
    assert_int_equal(holm_testing_converge(world, 10 * S), HOLM_OK);
    assert_int_equal(sum(nodes[3]), 202);
    holm_testing_free(world);
}

static void test_converge_when_one_lacks_a_burial_then_it_says_whose(void **state)
{
    struct holm_node *nodes[2];
    struct holm_testing *world = open_world(3, nodes, 2);
    holm_testing_split(world, "lisbon", "oslo");
    assert_int_equal(holm_bury(nodes[0], holm_str("ghost")), HOLM_OK);
    assert_int_equal(holm_testing_converge(world, 1 * S), HOLM_ETIMEDOUT);
    assert_non_null(
        strstr(holm_testing_why(world), "oslo lacks 1 operations of lisbon that lisbon has"));
    holm_testing_free(world);
}

static void test_crash_when_a_node_dies_then_it_answers_closed(void **state)
{
    struct holm_node *nodes[2];
    struct holm_testing *world = open_world(5, nodes, 2);
    struct holm_watch *watch;
    struct holm_change change;
    struct holm_actor before = holm_self(nodes[0]);
    add(nodes[0], 3);
    assert_int_equal(holm_wait_seen(nodes[0], NULL, 1, 1000), HOLM_OK);
    assert_int_equal(holm_watch_open(nodes[0], holm_str(""), 0, &watch), HOLM_OK);
    add(nodes[0], 4); /* known here alone */
    holm_testing_crash(world, "lisbon");
    assert_null(holm_testing_node(world, "lisbon"));
    assert_int_equal(holm_add(nodes[0], holm_str("k"), holm_str("n"), 1), HOLM_ECLOSED);
    assert_int_equal(holm_wait_seen(nodes[0], NULL, 1, 1000), HOLM_ECLOSED);
    assert_int_equal(holm_watch_next(watch, &change), HOLM_ECLOSED);
    assert_int_equal(sum(nodes[0]), 0);
    assert_int_equal(holm_peers(nodes[0], NULL, 0), 0);
    assert_null(holm_address(nodes[0]));
    holm_watch_close(watch);
    holm_close(nodes[0]);
    nodes[0] = holm_testing_restart(world, "lisbon");
    assert_int_equal(holm_self(nodes[0]).node.value, before.node.value);
    assert_true(holm_self(nodes[0]).epoch.value > before.epoch.value);
    assert_int_equal(sum(nodes[0]), 0);
    assert_int_equal(holm_testing_converge(world, 10 * S), HOLM_OK);
    assert_int_equal(sum(nodes[0]), 3);
    holm_testing_free(world);
}

struct death {
    struct holm_testing *world;
    bool came;
};

static void crash_lisbon(void *context)
{
    struct death *death = context;
    holm_testing_crash(death->world, "lisbon");
    death->came = true;
}

static void test_crash_when_the_node_waits_then_its_wait_ends(void **state)
{
    struct holm_node *nodes[2];
    struct holm_testing *world = open_world(5, nodes, 2);
    struct death death = {world, false};
    holm_testing_split(world, "lisbon", "oslo");
    add(nodes[0], 1);
    uint64_t before_us = holm_testing_now(world);
    holm_testing_after(world, NULL, 300 * MS, crash_lisbon, &death);
    assert_int_equal(holm_wait_seen(nodes[0], NULL, 1, 5000), HOLM_ECLOSED);
    assert_true(death.came);
    assert_int_equal(holm_testing_now(world), before_us + 300 * MS);
    holm_testing_free(world);
}

static void test_close_when_writes_are_fresh_then_peers_get_them_first(void **state)
{
    struct holm_node *nodes[2];
    struct holm_testing *world = open_world(6, nodes, 2);
    struct sought goodbyes = {"goodbye", 0};
    holm_testing_trace(world, seek, &goodbyes);
    add(nodes[0], 9);
    holm_close(nodes[0]);
    assert_int_equal(goodbyes.found, 1);
    assert_int_equal(sum(nodes[1]), 9);
    assert_null(holm_testing_node(world, "lisbon"));
    nodes[0] = open_node(world, "lisbon");
    assert_int_equal(holm_testing_converge(world, 10 * S), HOLM_OK);
    assert_int_equal(sum(nodes[0]), 9);
    holm_testing_free(world);
}

struct notes {
    struct holm_testing *world;
    struct holm_node *node;
    struct holm_watch *watch;
    char text[64];
    uint64_t at_us[8];
    size_t count;
};

static void note(struct notes *notes, char letter)
{
    notes->at_us[notes->count] = holm_testing_now(notes->world);
    notes->text[notes->count++] = letter;
}

static void note_a(void *context)
{
    note(context, 'a');
}

static void note_b(void *context)
{
    note(context, 'b');
}

/* Waits in the middle: b comes meanwhile. */
static void note_and_wait(void *context)
{
    struct notes *notes = context;
    note(notes, 'w');
    holm_testing_run(notes->world, 10 * MS);
    note(notes, 'v');
}

static void test_timers_when_several_are_due_then_they_come_in_order(void **state)
{
    struct holm_node *node;
    struct holm_testing *world = open_world(6, &node, 1);
    struct notes notes = {.world = world};
    uint64_t t = holm_testing_now(world);
    holm_testing_after(world, node, 20 * MS, note_b, &notes);
    holm_testing_after(world, NULL, 5 * MS, note_and_wait, &notes);
    holm_testing_after(world, node, 5 * MS, note_a, &notes);
    holm_testing_after(world, node, 8 * MS, note_b, &notes);
    holm_testing_run(world, 12 * MS);
    assert_string_equal(notes.text, "wabv");
    assert_int_equal(notes.at_us[1], t + 5 * MS);
    assert_int_equal(notes.at_us[2], t + 8 * MS);
    assert_int_equal(notes.at_us[3], t + 15 * MS);
    assert_int_equal(holm_testing_now(world), t + 15 * MS);
    holm_testing_crash(world, "lisbon");
    holm_testing_run(world, 1 * S);
    assert_string_equal(notes.text, "wabv");
    holm_testing_free(world);
}

static void test_pause_when_a_node_stands_still_then_so_do_its_timers(void **state)
{
    struct holm_node *nodes[2];
    struct holm_testing *world = open_world(6, nodes, 2);
    struct notes notes = {.world = world};
    holm_testing_after(world, nodes[0], 20 * MS, note_a, &notes);
    holm_testing_after(world, nodes[1], 30 * MS, note_b, &notes);
    holm_testing_pause(world, "lisbon");
    add(nodes[1], 1);
    holm_testing_run(world, 1 * S);
    assert_string_equal(notes.text, "b");
    assert_int_equal(sum(nodes[0]), 0);
    holm_testing_resume(world, "lisbon");
    uint64_t now_us = holm_testing_now(world);
    holm_testing_run(world, 1 * S);
    assert_string_equal(notes.text, "ba");
    assert_int_equal(notes.at_us[1], now_us);
    assert_int_equal(sum(nodes[0]), 1);
    holm_testing_free(world);
}

static void take_changes(void *context)
{
    struct notes *notes = context;
    struct pollfd fd = {.fd = holm_watch_fd(notes->watch), .events = POLLIN};
    struct holm_change change;
    assert_int_equal(poll(&fd, 1, 0), 1);
    while (holm_watch_next(notes->watch, &change) == HOLM_OK)
        note(notes, *(const char *)change.key.data);
}

/* What lisbon's callback notes after oslo's write, when so much time passes; then without one. */
static void note_changes(struct notes *notes, uint64_t for_us)
{
    struct holm_node *nodes[2];
    struct holm_testing *world = open_world(6, nodes, 2);
    *notes = (struct notes){.world = world};
    assert_int_equal(holm_watch_open(nodes[0], holm_str(""), 0, &notes->watch), HOLM_OK);
    holm_testing_on_change(world, nodes[0], take_changes, notes);
    uint64_t before_us = holm_testing_now(world);
    add(nodes[1], 1);
    holm_testing_run(world, for_us);
    for (size_t i = 0; i < notes->count; i++)
        notes->at_us[i] -= before_us;
    holm_testing_on_change(world, nodes[0], NULL, NULL);
    add(nodes[1], 1);
    holm_testing_run(world, 1 * S);
    holm_watch_close(notes->watch);
    holm_testing_free(world);
}

static void test_change_when_a_peer_writes_then_the_node_is_called(void **state)
{
    struct notes notes, again;
    note_changes(&notes, 1 * S);
    assert_string_equal(notes.text, "k");
    assert_in_range(notes.at_us[0], 1 * MS, 10 * MS);
    /* At the last moment that passes, too. */
    note_changes(&again, notes.at_us[0]);
    assert_string_equal(again.text, "k");
}

static bool shows_three(void *context)
{
    return sum(context) == 3;
}

static void test_run_until_when_it_comes_true_then_time_stops_there(void **state)
{
    struct holm_node *nodes[2];
    struct holm_testing *world = open_world(6, nodes, 2);
    uint64_t before_us = holm_testing_now(world);
    add(nodes[1], 3);
    assert_true(holm_testing_run_until(world, 10 * S, shows_three, nodes[0]));
    assert_in_range(holm_testing_now(world), before_us + 1 * MS, before_us + 10 * MS);
    add(nodes[1], 1);
    before_us = holm_testing_now(world);
    assert_false(holm_testing_run_until(world, 1 * S, shows_three, nodes[1]));
    assert_int_equal(holm_testing_now(world), before_us + 1 * S);
    holm_testing_free(world);
}

static void test_clocks_when_they_jump_and_drift_then_they_show_it(void **state)
{
    struct holm_node *nodes[2];
    struct holm_testing *world = open_world(6, nodes, 2);
    holm_testing_clock_jump(world, "oslo", -3600000);
    holm_testing_clock_drift(world, "oslo", 1000);
    holm_testing_run(world, 100 * S);
    assert_int_equal(holm_testing_wall_ms(world, "lisbon") - holm_testing_wall_ms(world, "oslo"),
                     3600000 - 100);
    holm_testing_free(world);
}

/* One whose link is asked for before anybody is there, and addresses as in production. */
static void test_addresses_when_they_are_productions_then_nodes_meet(void **state)
{
    struct holm_testing *world = holm_testing_new(9);
    struct holm_config config = holm_config_default();
    struct holm_node *nodes[3];
    config.name = "lisbon";
    config.listen = "tcp://10.0.0.1:7001";
    config.seeds = "tcp://10.0.0.2:7001";
    assert_int_equal(holm_testing_open(world, &config, &nodes[0]), HOLM_OK);
    config.name = "oslo";
    config.listen = "tcp://10.0.0.2:7001";
    config.seeds = NULL;
    assert_int_equal(holm_testing_open(world, &config, &nodes[1]), HOLM_OK);
    assert_int_equal(holm_wait_peers(nodes[0], 1, 5000), HOLM_OK);
    config.name = "rome";
    config.listen = NULL;
    assert_int_equal(holm_testing_open(world, &config, &nodes[2]), HOLM_OK);
    assert_int_equal(holm_join(nodes[2], ""), HOLM_EADDRESS);
    assert_int_equal(holm_join(nodes[2], holm_address(nodes[1])), HOLM_OK);
    assert_int_equal(holm_wait_peers(nodes[2], 2, 5000), HOLM_OK);
    holm_testing_free(world);
}

static void test_open_when_the_configuration_is_wrong_then_it_says_so(void **state)
{
    struct holm_node *node;
    struct holm_testing *world = open_world(9, &node, 1);
    struct holm_config config = holm_config_default();
    struct holm_node *other = node;
    config.name = "lisbon";
    assert_int_equal(holm_testing_open(world, &config, &other), HOLM_EADDRESS);
    assert_null(other);
    config.name = "oslo";
    config.partitions = 0;
    config.log_level = 0;
    assert_int_equal(holm_testing_open(world, &config, &other), HOLM_EINVAL);
    holm_testing_free(world);
}

/* A member that is away holds up the collection of what is buried; after a while it is forgotten. */
static void test_retention_when_a_member_is_away_then_it_is_forgotten_in_the_worlds_time(
    void **state)
{
    struct holm_testing *world = holm_testing_new(12);
    struct holm_config config = holm_config_default();
    struct holm_node *nodes[3];
    struct holm_stats stats;
    config.retention = HOLM_RETENTION_STABLE;
    config.forget_after_ms = 3600 * 1000;
    config.seeds = "lisbon";
    config.log_level = 0;
    for (uint32_t i = 0; i < 3; i++) {
        config.name = names[i];
        config.founds = i == 0;
        assert_int_equal(holm_testing_open(world, &config, &nodes[i]), HOLM_OK);
        holm_testing_run(world, 10 * S);
        holm_stats(nodes[i], &stats);
        assert_int_equal(stats.member, 1);
    }
    holm_testing_split(world, "rome", NULL);
    assert_int_equal(holm_bury(nodes[0], holm_str("k")), HOLM_OK);
    holm_testing_run(world, 1800 * S);
    holm_stats(nodes[1], &stats);
    assert_int_equal(stats.tombstones, 1);
    holm_testing_run(world, 3600 * S);
    holm_stats(nodes[1], &stats);
    assert_int_equal(stats.tombstones, 0);
    assert_int_equal(stats.members, 2);
    holm_testing_free(world);
}

static void test_enter_when_a_world_is_entered_then_nodes_open_in_it(void **state)
{
    struct holm_testing *world = holm_testing_new(9);
    struct holm_config config = holm_config_default();
    struct holm_watch *watch;
    struct holm_node *node;
    config.name = "lisbon";
    holm_testing_enter(world);
    assert_int_equal(holm_open(&config, &node), HOLM_OK);
    assert_ptr_equal(holm_testing_node(world, "lisbon"), node);
    holm_testing_enter(NULL);
    config.name = "oslo";
    config.listen = "tcp://127.0.0.1:0";
    assert_int_equal(holm_open(&config, &node), HOLM_OK);
    assert_memory_equal(holm_address(node), "tcp://", 6);
    holm_close(node);
    holm_testing_enter(world);
    /* What is left open goes with its world, and the world goes from where it was entered. */
    node = holm_testing_node(world, "lisbon");
    assert_int_equal(holm_watch_open(node, holm_str(""), 0, &watch), HOLM_OK);
    holm_testing_free(world);
    assert_int_equal(holm_open(&config, &node), HOLM_OK);
    holm_close(node);
}

static void test_converge_when_there_are_two_clusters_then_each_is_by_itself(void **state)
{
    struct holm_testing *world = holm_testing_new(9);
    struct holm_config config = holm_config_default();
    struct holm_node *nodes[2];
    config.log_level = 0;
    for (uint32_t i = 0; i < 2; i++) {
        config.name = names[i];
        config.cluster = i == 0 ? "north" : "south";
        assert_int_equal(holm_testing_open(world, &config, &nodes[i]), HOLM_OK);
        add(nodes[i], i + 1);
    }
    assert_int_equal(holm_testing_converge(world, 1 * S), HOLM_OK);
    holm_testing_free(world);
}

static void test_path_when_it_is_narrow_then_it_takes_longer(void **state)
{
    uint64_t took_us[2];
    for (uint64_t i = 0; i < 2; i++) {
        struct holm_node *nodes[2];
        struct holm_testing *world = open_world(11, nodes, 2);
        struct holm_testing_path path = {.delay_us = 1 * MS, .bytes_per_s = i * 100000};
        static char text[60000];
        holm_testing_set_path(world, "lisbon", "oslo", &path);
        uint64_t before_us = holm_testing_now(world);
        assert_int_equal(
            holm_put(nodes[0], holm_str("k"), holm_str("t"), holm_bytes_value(text, sizeof text)),
            HOLM_OK);
        assert_int_equal(holm_testing_converge(world, 20 * S), HOLM_OK);
        took_us[i] = holm_testing_now(world) - before_us;
        holm_testing_free(world);
    }
    assert_true(took_us[0] < 20 * MS);
    assert_true(took_us[1] > 500 * MS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_world_when_nodes_write_then_all_show_it),
        cmocka_unit_test(test_world_when_the_seed_is_the_same_then_all_is),
        cmocka_unit_test(test_trace_when_a_node_writes_then_it_has_the_write),
        cmocka_unit_test(test_wait_when_a_peer_answers_then_only_the_worlds_time_passes),
        cmocka_unit_test(test_wait_when_the_peer_is_cut_off_then_it_ends_in_time),
        cmocka_unit_test(test_cut_when_it_is_one_way_then_the_other_works),
        cmocka_unit_test(test_split_when_sides_have_two_then_each_agrees_by_itself),
        cmocka_unit_test(test_converge_when_one_lacks_a_burial_then_it_says_whose),
        cmocka_unit_test(test_crash_when_a_node_dies_then_it_answers_closed),
        cmocka_unit_test(test_crash_when_the_node_waits_then_its_wait_ends),
        cmocka_unit_test(test_close_when_writes_are_fresh_then_peers_get_them_first),
        cmocka_unit_test(test_timers_when_several_are_due_then_they_come_in_order),
        cmocka_unit_test(test_pause_when_a_node_stands_still_then_so_do_its_timers),
        cmocka_unit_test(test_change_when_a_peer_writes_then_the_node_is_called),
        cmocka_unit_test(test_run_until_when_it_comes_true_then_time_stops_there),
        cmocka_unit_test(test_clocks_when_they_jump_and_drift_then_they_show_it),
        cmocka_unit_test(test_addresses_when_they_are_productions_then_nodes_meet),
        cmocka_unit_test(test_open_when_the_configuration_is_wrong_then_it_says_so),
        cmocka_unit_test(
            test_retention_when_a_member_is_away_then_it_is_forgotten_in_the_worlds_time),
        cmocka_unit_test(test_enter_when_a_world_is_entered_then_nodes_open_in_it),
        cmocka_unit_test(test_converge_when_there_are_two_clusters_then_each_is_by_itself),
        cmocka_unit_test(test_path_when_it_is_narrow_then_it_takes_longer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

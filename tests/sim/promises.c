/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a caller can wait for (<holm/wait.h>), and watches that go on (<holm/watch.h>), in virtual time.
 */
#include <holm/testing.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define S HOLM_TESTING_SECOND
#define MS HOLM_TESTING_MS

static const char *const names[] = {"lisbon", "oslo", "rome", "lima", "cairo"};

static struct holm_config config_of(uint32_t i)
{
    struct holm_config config = holm_config_default();
    config.name = names[i];
    config.seeds = "lisbon oslo, rome lima cairo";
    config.partitions = 4;
    config.log_level = 1;
    return config;
}

static struct holm_testing *open_world(struct holm_node **nodes, uint32_t count,
                                       enum holm_retention retention)
{
    struct holm_testing *world = holm_testing_new(7);
    for (uint32_t i = 0; i < count; i++) {
        struct holm_config config = config_of(i);
        config.retention = retention;
        config.founds = retention == HOLM_RETENTION_STABLE && i == 0;
        assert_int_equal(holm_testing_open(world, &config, &nodes[i]), HOLM_OK);
    }
    for (uint32_t i = 0; i < count; i++)
        assert_int_equal(holm_wait_peers(nodes[i], count - 1, 10000), HOLM_OK);
    return world;
}

static struct holm_receipt add(struct holm_node *node, const char *key)
{
    struct holm_receipt receipt;
    struct holm_op op = holm_op_add(holm_str(key), holm_str("n"), 1);
    assert_int_equal(holm_commit(node, &op, 1, &receipt), HOLM_OK);
    return receipt;
}

static int64_t sum(struct holm_node *node, const char *key)
{
    int64_t total = 0;
    if (holm_count(node, holm_str(key), holm_str("n"), &total) != HOLM_OK)
        return 0;
    return total;
}

/* As it is at another node. */
static struct holm_receipt carry(struct holm_node *from, struct holm_node *to,
                                 const struct holm_receipt *receipt)
{
    unsigned char bytes[HOLM_RECEIPT_BYTES];
    struct holm_receipt read;
    assert_int_equal(holm_receipt_encode(from, receipt, bytes), HOLM_OK);
    assert_int_equal(holm_receipt_decode(to, holm_mem(bytes, sizeof bytes), &read), HOLM_OK);
    return read;
}

static void test_seen_when_some_are_cut_off_then_a_majority_is_told_from_all(void **state)
{
    struct holm_node *nodes[5];
    struct holm_testing *world = open_world(nodes, 5, HOLM_RETENTION_FOREVER);
    struct holm_receipt receipt = add(nodes[0], "k");
    assert_int_equal(holm_wait_seen(nodes[0], &receipt, HOLM_ALL, 1000), HOLM_OK);

    holm_testing_split(world, "lima cairo", NULL);
    receipt = add(nodes[0], "k");
    assert_int_equal(holm_wait_seen(nodes[0], &receipt, HOLM_MAJORITY, 1000), HOLM_OK);
    assert_int_equal(holm_wait_seen(nodes[0], &receipt, HOLM_ALL, 5000), HOLM_ETIMEDOUT);
    assert_int_equal(holm_wait_stable(nodes[0], &receipt, 1000), HOLM_ETIMEDOUT);
    receipt = add(nodes[3], "k");
    assert_int_equal(holm_wait_seen(nodes[3], &receipt, 1, 1000), HOLM_OK);
    assert_int_equal(holm_wait_seen(nodes[3], &receipt, HOLM_MAJORITY, 5000), HOLM_ETIMEDOUT);
    assert_int_equal(holm_wait_heard(nodes[3], HOLM_EVERY_PARTITION, HOLM_MAJORITY, 1000),
                     HOLM_ETIMEDOUT);

    holm_testing_heal(world, NULL, NULL);
    assert_int_equal(holm_wait_seen(nodes[3], &receipt, HOLM_ALL, 10000), HOLM_OK);
    assert_int_equal(holm_wait_stable(nodes[0], NULL, 10000), HOLM_OK);
    assert_int_equal(sum(nodes[0], "k"), 3);
    holm_testing_free(world);
}

static void test_applied_when_a_receipt_is_carried_then_it_is_waited_for_there(void **state)
{
    struct holm_node *nodes[3];
    struct holm_testing *world = open_world(nodes, 3, HOLM_RETENTION_FOREVER);
    for (int i = 0; i < 50; i++) {
        char key[8];
        (void)snprintf(key, sizeof key, "k%d", i);
        struct holm_receipt receipt = add(nodes[0], key);
        struct holm_receipt carried = carry(nodes[0], nodes[1], &receipt);
        assert_int_equal(holm_wait_applied(nodes[0], &receipt, 0), HOLM_OK);
        assert_int_equal(holm_wait_applied(nodes[1], &carried, 0), HOLM_ETIMEDOUT);
        assert_int_equal(holm_wait_applied(nodes[1], &carried, 1000), HOLM_OK);
        assert_int_equal(sum(nodes[1], key), 1);
    }
    holm_testing_cut(world, "lisbon", "oslo");
    struct holm_receipt receipt = add(nodes[0], "far");
    struct holm_receipt carried = carry(nodes[0], nodes[1], &receipt);
    /* By way of the third. */
    assert_int_equal(holm_wait_applied(nodes[1], &carried, 10000), HOLM_OK);
    assert_int_equal(sum(nodes[1], "far"), 1);
    holm_testing_free(world);
}

/* Of another's receipt it is not taken for granted that peers have it. */
static void test_seen_when_another_wrote_it_then_peers_are_not_taken_for_granted(void **state)
{
    struct holm_node *nodes[3];
    struct holm_testing *world = open_world(nodes, 3, HOLM_RETENTION_FOREVER);
    holm_testing_run(world, 5 * S);
    holm_testing_split(world, "rome", NULL);
    struct holm_receipt receipt = add(nodes[0], "k");
    struct holm_receipt carried = carry(nodes[0], nodes[1], &receipt);
    assert_int_equal(holm_wait_seen(nodes[1], &carried, 0, 0), HOLM_ETIMEDOUT);
    assert_int_equal(holm_wait_seen(nodes[1], &carried, 1, 10000), HOLM_OK);
    assert_int_equal(holm_wait_seen(nodes[1], &carried, 2, 3000), HOLM_ETIMEDOUT);
    holm_testing_heal(world, NULL, NULL);
    assert_int_equal(holm_wait_seen(nodes[1], &carried, 2, 10000), HOLM_OK);
    assert_int_equal(sum(nodes[2], "k"), 1);
    holm_testing_free(world);
}

/* A receipt of a life that lost everything: the next life wrote none of it. */
static void test_seen_when_the_writer_has_restarted_then_its_receipt_is_lost(void **state)
{
    struct holm_node *nodes[2];
    struct holm_testing *world = open_world(nodes, 2, HOLM_RETENTION_FOREVER);
    struct holm_receipt kept = add(nodes[0], "k");
    assert_int_equal(holm_wait_seen(nodes[0], &kept, 1, 1000), HOLM_OK);
    holm_testing_split(world, "lisbon", NULL);
    struct holm_receipt lost = add(nodes[0], "k");
    holm_testing_crash(world, "lisbon");
    nodes[0] = holm_testing_restart(world, "lisbon");
    assert_int_equal(holm_wait_applied(nodes[0], &kept, 2000), HOLM_ETIMEDOUT);
    holm_testing_heal(world, NULL, NULL);
    assert_int_equal(holm_wait_seen(nodes[0], &kept, 1, 20000), HOLM_OK);
    assert_int_equal(sum(nodes[0], "k"), 1);
    assert_int_equal(holm_wait_seen(nodes[0], &lost, 1, 5000), HOLM_ETIMEDOUT);
    assert_int_equal(holm_wait_seen(nodes[0], &lost, 0, 0), HOLM_ETIMEDOUT);
    assert_int_equal(holm_wait_applied(nodes[1], &lost, 1000), HOLM_ETIMEDOUT);
    holm_testing_free(world);
}

/* What a former life wrote came back from one peer, and nobody acknowledges it: it is no matter that the other
 * is up. */
static void test_seen_when_a_former_life_wrote_it_then_being_up_is_not_enough(void **state)
{
    struct holm_node *nodes[3];
    struct holm_testing *world = open_world(nodes, 3, HOLM_RETENTION_FOREVER);
    struct holm_testing_path slow = {.delay_us = 500 * MS};
    holm_testing_split(world, "rome", NULL);
    struct holm_receipt receipt = add(nodes[0], "k");
    assert_int_equal(holm_wait_seen(nodes[0], &receipt, 1, 1000), HOLM_OK);
    holm_testing_crash(world, "lisbon");
    holm_testing_heal(world, NULL, NULL);
    holm_testing_split(world, "oslo", NULL);
    nodes[0] = holm_testing_restart(world, "lisbon");
    assert_int_equal(holm_wait_peers(nodes[0], 1, 20000), HOLM_OK);
    holm_testing_set_path(world, "lisbon", "rome", &slow);
    holm_testing_heal(world, NULL, NULL);
    holm_testing_cut(world, "oslo", "rome");
    assert_int_equal(holm_wait_applied(nodes[0], &receipt, 20000), HOLM_OK);
    assert_int_equal(holm_wait_peers(nodes[0], 2, 0), HOLM_OK);
    assert_int_equal(sum(nodes[2], "k"), 0);
    assert_int_equal(holm_wait_seen(nodes[0], &receipt, 2, 0), HOLM_ETIMEDOUT);
    assert_int_equal(holm_wait_seen(nodes[0], &receipt, 2, 20000), HOLM_OK);
    assert_int_equal(sum(nodes[2], "k"), 1);
    holm_testing_free(world);
}

static void test_receipt_when_a_byte_is_another_then_it_is_refused(void **state)
{
    struct holm_node *nodes[2];
    struct holm_testing *world = open_world(nodes, 2, HOLM_RETENTION_FOREVER);
    struct holm_receipt receipt = add(nodes[0], "k");
    unsigned char bytes[HOLM_RECEIPT_BYTES];
    unsigned char position[4096];
    size_t size;
    assert_int_equal(holm_receipt_encode(nodes[0], &receipt, bytes), HOLM_OK);
    for (size_t i = 0; i < 8 * sizeof bytes; i++) {
        bytes[i / 8] ^= (unsigned char)(1 << i % 8);
        assert_int_equal(holm_receipt_decode(nodes[1], holm_mem(bytes, sizeof bytes), &receipt),
                         HOLM_EMALFORMED);
        bytes[i / 8] ^= (unsigned char)(1 << i % 8);
    }
    for (size_t i = 0; i < sizeof bytes; i++)
        assert_int_equal(holm_receipt_decode(nodes[1], holm_mem(bytes, i), &receipt),
                         HOLM_EMALFORMED);
    assert_int_equal(holm_position(nodes[0], HOLM_EVERY_PARTITION, NULL, 0, &size), HOLM_ESPACE);
    assert_in_range(size, 32, sizeof position);
    assert_int_equal(
        holm_position(nodes[0], HOLM_EVERY_PARTITION, position, sizeof position, &size), HOLM_OK);
    for (size_t i = 0; i < 8 * size; i++) {
        position[i / 8] ^= (unsigned char)(1 << i % 8);
        assert_int_equal(holm_wait_reached(nodes[1], holm_mem(position, size), 0), HOLM_EMALFORMED);
        position[i / 8] ^= (unsigned char)(1 << i % 8);
    }
    for (size_t i = 0; i < size; i++)
        assert_int_equal(holm_wait_reached(nodes[1], holm_mem(position, i), 0), HOLM_EMALFORMED);
    assert_int_equal(holm_wait_reached(nodes[1], holm_mem(position, size), 1000), HOLM_OK);

    struct holm_config config = config_of(2);
    struct holm_node *stranger;
    config.cluster = "another";
    assert_int_equal(holm_testing_open(world, &config, &stranger), HOLM_OK);
    assert_int_equal(holm_receipt_decode(stranger, holm_mem(bytes, sizeof bytes), &receipt),
                     HOLM_ECLUSTER);
    assert_int_equal(holm_wait_reached(stranger, holm_mem(position, size), 0), HOLM_ECLUSTER);
    holm_testing_free(world);
}

/* ---- hearing -------------------------------------------------------------------------------- */

static void test_heard_when_a_peer_has_written_then_it_is_read(void **state)
{
    struct holm_node *nodes[3];
    struct holm_testing *world = open_world(nodes, 3, HOLM_RETENTION_FOREVER);
    struct holm_testing_path slow = {.delay_us = 30 * MS, .jitter_us = 20 * MS};
    struct holm_testing_path lossy = {.delay_us = 30 * MS, .loss_permille = 700};
    for (int i = 0; i < 60; i++) {
        char key[8];
        (void)snprintf(key, sizeof key, "k%d", i);
        holm_testing_set_path(world, NULL, NULL, i % 3 == 0 ? &lossy : &slow);
        (void)add(nodes[1], key);
        assert_int_equal(sum(nodes[0], key), 0);
        assert_int_equal(
            holm_wait_heard(nodes[0], holm_partition(nodes[0], holm_str(key)), 2, 20000), HOLM_OK);
        assert_int_equal(sum(nodes[0], key), 1);
        (void)add(nodes[2], key);
        assert_int_equal(holm_wait_heard(nodes[0], HOLM_EVERY_PARTITION, HOLM_ALL, 20000), HOLM_OK);
        assert_int_equal(sum(nodes[0], key), 2);
    }
    holm_testing_free(world);
}

/* Answers in parts, and what runs cannot bring. */
static void test_heard_when_much_is_missing_then_all_of_it_is_here(void **state)
{
    for (int round = 0; round < 2; round++) {
        struct holm_testing *world = holm_testing_new(3);
        struct holm_node *nodes[2];
        for (uint32_t i = 0; i < 2; i++) {
            struct holm_config config = config_of(i);
            config.partitions = 1;
            config.frame_bytes_max = 65536;
            config.log_bytes_max = round == 0 ? (size_t)64 << 20 : 65536;
            assert_int_equal(holm_testing_open(world, &config, &nodes[i]), HOLM_OK);
        }
        assert_int_equal(holm_wait_peers(nodes[0], 1, 10000), HOLM_OK);
        holm_testing_split(world, "lisbon", NULL);
        holm_testing_run(world, 5 * S);
        for (int i = 0; i < 3000; i++) {
            char key[16];
            (void)snprintf(key, sizeof key, "%d", i);
            (void)add(nodes[1], key);
            if (i % 10 == 0)
                holm_testing_run(world, 2 * MS);
        }
        holm_testing_heal(world, NULL, NULL);
        assert_int_equal(holm_wait_heard(nodes[0], 0, 1, 0), HOLM_ETIMEDOUT);
        assert_int_equal(holm_wait_heard(nodes[0], 0, 1, 20000), HOLM_OK);
        for (int i = 0; i < 3000; i++) {
            char key[16];
            (void)snprintf(key, sizeof key, "%d", i);
            assert_int_equal(sum(nodes[0], key), 1);
        }
        holm_testing_free(world);
    }
}

/* Written to a majority, read from a majority: no other order of the two shows the old. */
static bool play_quorum(void *context, struct holm_testing *world)
{
    struct holm_node *nodes[5];
    uint64_t *read = context;
    bool right = true;
    for (uint32_t i = 0; i < 5; i++) {
        struct holm_config config = config_of(i);
        if (holm_testing_open(world, &config, &nodes[i]) != HOLM_OK)
            return false;
    }
    for (uint32_t i = 0; i < 5; i++)
        right &= holm_wait_peers(nodes[i], 4, 10000) == HOLM_OK;
    struct holm_testing_path path = {
        .delay_us = 5 * MS, .jitter_us = 60 * MS, .loss_permille = 300};
    holm_testing_set_path(world, NULL, NULL, &path);
    int64_t written = 0;
    for (int i = 0; i < 12; i++) {
        uint64_t writer = holm_testing_random(world, 5);
        uint64_t reader = holm_testing_random(world, 5);
        uint64_t away = holm_testing_random(world, 5);
        holm_testing_heal(world, NULL, NULL);
        if (away != writer && away != reader)
            holm_testing_split(world, names[away], NULL);
        struct holm_receipt receipt = add(nodes[writer], "k");
        written++;
        if (holm_wait_seen(nodes[writer], &receipt, HOLM_MAJORITY, 60000) != HOLM_OK)
            continue;
        if (holm_wait_heard(nodes[reader], HOLM_EVERY_PARTITION, HOLM_MAJORITY, 60000) != HOLM_OK)
            continue;
        *read += 1;
        right &= sum(nodes[reader], "k") == written;
    }
    return right;
}

static void test_heard_when_majorities_meet_then_what_was_seen_is_read(void **state)
{
    uint64_t read = 0;
    assert_true(holm_testing_seeds(1, 20, play_quorum, &read));
    assert_in_range(read, 200, 240);
}

/* ---- members -------------------------------------------------------------------------------- */

static void test_stable_when_a_member_is_away_then_it_is_waited_for(void **state)
{
    struct holm_node *nodes[3];
    struct holm_testing *world = open_world(nodes, 3, HOLM_RETENTION_STABLE);
    assert_int_equal(holm_testing_converge(world, 30 * S), HOLM_OK);
    holm_testing_run(world, 20 * S);
    struct holm_receipt receipt = add(nodes[0], "k");
    assert_false(receipt.journalled);
    assert_int_equal(receipt.count, 1);
    assert_int_equal(holm_wait_stable(nodes[0], &receipt, 0), HOLM_ETIMEDOUT);
    assert_int_equal(holm_wait_stable(nodes[0], &receipt, 15000), HOLM_OK);
    assert_int_equal(sum(nodes[1], "k") + sum(nodes[2], "k"), 2);
    struct holm_receipt carried = carry(nodes[0], nodes[2], &receipt);
    assert_int_equal(holm_wait_stable(nodes[2], &carried, 15000), HOLM_OK);

    holm_testing_split(world, "rome", NULL);
    receipt = add(nodes[0], "k");
    assert_int_equal(holm_wait_seen(nodes[0], &receipt, HOLM_MAJORITY, 5000), HOLM_OK);
    assert_int_equal(holm_wait_stable(nodes[0], &receipt, 20000), HOLM_ETIMEDOUT);
    holm_testing_heal(world, NULL, NULL);
    assert_int_equal(holm_wait_stable(nodes[0], &receipt, 20000), HOLM_OK);
    assert_int_equal(sum(nodes[2], "k"), 2);

    /* What is known of a member stays known when it goes. */
    holm_testing_split(world, "rome", NULL);
    holm_testing_run(world, 20 * S);
    assert_int_equal(holm_wait_stable(nodes[0], &receipt, 0), HOLM_OK);
    assert_int_equal(holm_wait_seen(nodes[0], &receipt, HOLM_ALL, 1000), HOLM_ETIMEDOUT);
    holm_testing_free(world);
}

/* Before it is a member, nobody has what it wrote; a receipt knows. */
static void test_seen_when_it_is_journalled_then_it_is_waited_for_until_minted(void **state)
{
    struct holm_testing *world = holm_testing_new(11);
    struct holm_node *nodes[2];
    struct holm_config config = config_of(1);
    unsigned char bytes[HOLM_RECEIPT_BYTES];
    config.retention = HOLM_RETENTION_STABLE;
    assert_int_equal(holm_testing_open(world, &config, &nodes[1]), HOLM_OK);
    holm_testing_run(world, S);
    struct holm_receipt receipt = add(nodes[1], "k");
    assert_true(receipt.journalled);
    assert_int_equal(receipt.count, 0);
    assert_int_equal(holm_receipt_encode(nodes[1], &receipt, bytes), HOLM_EBUSY);
    assert_int_equal(holm_wait_applied(nodes[1], &receipt, 1000), HOLM_ETIMEDOUT);
    assert_int_equal(holm_wait_seen(nodes[1], &receipt, 0, 1000), HOLM_ETIMEDOUT);
    assert_int_equal(holm_wait_seen(nodes[1], NULL, 0, 1000), HOLM_ETIMEDOUT);
    assert_int_equal(holm_wait_stable(nodes[1], &receipt, 1000), HOLM_ETIMEDOUT);
    assert_int_equal(holm_wait_seen(nodes[1], &receipt, HOLM_MAJORITY, 1000), HOLM_ETIMEDOUT);
    assert_int_equal(holm_wait_heard(nodes[1], 0, HOLM_ALL, 1000), HOLM_ETIMEDOUT);
    config = config_of(0);
    config.retention = HOLM_RETENTION_STABLE;
    config.founds = true;
    assert_int_equal(holm_testing_open(world, &config, &nodes[0]), HOLM_OK);
    assert_int_equal(holm_wait_seen(nodes[1], &receipt, 1, 60000), HOLM_OK);
    assert_int_equal(sum(nodes[0], "k"), 1);
    assert_int_equal(holm_wait_stable(nodes[1], &receipt, 20000), HOLM_OK);
    assert_int_equal(holm_wait_applied(nodes[1], &receipt, 0), HOLM_OK);
    holm_testing_free(world);
}

/* Epochs end and are folded; what they wrote stays known, what nobody had of them is known as lost. */
static void test_applied_when_the_epoch_is_folded_then_what_was_lost_is_told(void **state)
{
    struct holm_node *nodes[3];
    struct holm_testing *world = open_world(nodes, 3, HOLM_RETENTION_STABLE);
    assert_int_equal(holm_testing_converge(world, 30 * S), HOLM_OK);
    holm_testing_run(world, 20 * S);
    struct holm_receipt kept = add(nodes[2], "k");
    assert_int_equal(holm_wait_stable(nodes[2], &kept, 20000), HOLM_OK);
    holm_testing_split(world, "rome", NULL);
    struct holm_receipt lost = add(nodes[2], "k");
    holm_testing_crash(world, "rome");
    holm_testing_heal(world, NULL, NULL);
    nodes[2] = holm_testing_restart(world, "rome");
    assert_int_equal(holm_wait_applied(nodes[0], &lost, 500), HOLM_ETIMEDOUT);
    holm_testing_run(world, 120 * S);
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(holm_wait_applied(nodes[i], &kept, 0), HOLM_OK);
        assert_int_equal(holm_wait_stable(nodes[i], &kept, 20000), HOLM_OK);
        assert_int_equal(holm_wait_seen(nodes[i], &kept, HOLM_ALL, 20000), HOLM_OK);
        assert_int_equal(holm_wait_applied(nodes[i], &lost, 0), HOLM_ENOENT);
        assert_int_equal(holm_wait_seen(nodes[i], &lost, 1, 20000), HOLM_ENOENT);
        assert_int_equal(holm_wait_stable(nodes[i], &lost, 20000), HOLM_ENOENT);
        assert_int_equal(sum(nodes[i], "k"), 1);
    }
    holm_testing_free(world);
}

/* ---- positions and watches ------------------------------------------------------------------ */

struct position {
    unsigned char bytes[8192];
    size_t size;
};

static struct holm_bytes position_of(struct holm_node *node, struct position *position)
{
    assert_int_equal(holm_position(node, HOLM_EVERY_PARTITION, position->bytes,
                                   sizeof position->bytes, &position->size),
                     HOLM_OK);
    return holm_mem(position->bytes, position->size);
}

static struct holm_watch *go_on(struct holm_node *node, const char *prefix, struct holm_bytes since)
{
    struct holm_watch_options options = {.since = since};
    struct holm_watch *watch;
    assert_int_equal(holm_watch_open_with(node, holm_str(prefix), &options, &watch), HOLM_OK);
    return watch;
}

static void assert_next(struct holm_watch *watch, const char *key, struct holm_node *origin)
{
    struct holm_change change;
    assert_int_equal(holm_watch_next(watch, &change), HOLM_OK);
    assert_false(change.overflow);
    assert_int_equal(change.key.size, strlen(key));
    assert_memory_equal(change.key.data, key, change.key.size);
    assert_int_equal(change.origin.value, holm_self(origin).node.value);
}

static void assert_none(struct holm_watch *watch)
{
    struct holm_change change;
    assert_int_equal(holm_watch_next(watch, &change), HOLM_ENOENT);
}

static void assert_overflow(struct holm_watch *watch)
{
    struct holm_change change;
    assert_int_equal(holm_watch_next(watch, &change), HOLM_OK);
    assert_true(change.overflow);
    assert_none(watch);
}

/* A key of a partition. */
static void key_in(struct holm_node *node, uint32_t partition, char key[16])
{
    for (int i = 0; i < 1000; i++) {
        (void)snprintf(key, 16, "{%u.%d}", partition, i);
        if (holm_partition(node, holm_str(key)) == partition)
            return;
    }
    fail_msg("no key of partition %u", partition);
}

/* It is the one partition of all that something is missing in, whichever that is; nothing but asking brings it soon. */
static void test_reached_when_one_partition_is_behind_then_that_is_waited_for(void **state)
{
    struct holm_node *nodes[2];
    struct holm_testing *world = open_world(nodes, 2, HOLM_RETENTION_FOREVER);
    struct holm_testing_path slow = {.delay_us = 50 * MS};
    struct position position;
    for (uint32_t partition = 0; partition < 4; partition++) {
        char key[16];
        key_in(nodes[0], partition, key);
        (void)add(nodes[0], key);
    }
    assert_int_equal(holm_testing_converge(world, 5 * S), HOLM_OK);
    holm_testing_set_path(world, NULL, NULL, &slow);
    for (uint32_t i = 0; i < 8; i++) {
        char key[16];
        key_in(nodes[0], i % 4, key);
        (void)add(nodes[0], key);
        struct holm_bytes there = position_of(nodes[0], &position);
        assert_int_equal(holm_wait_reached(nodes[0], there, 0), HOLM_OK);
        assert_int_equal(holm_wait_reached(nodes[1], there, 0), HOLM_ETIMEDOUT);
        assert_int_equal(holm_wait_reached(nodes[1], there, 20), HOLM_ETIMEDOUT);
        assert_int_equal(sum(nodes[1], key), 1 + i / 4);
        assert_int_equal(holm_wait_reached(nodes[1], there, 5000), HOLM_OK);
        assert_int_equal(sum(nodes[1], key), 2 + i / 4);
    }
    holm_testing_free(world);
}

/* What broadcast lost is asked for over the link, long before a beacon goes there. */
static void test_reached_when_broadcast_lost_it_then_it_is_asked_for(void **state)
{
    struct holm_testing_path deaf = {.delay_us = 1 * MS, .loss_permille = 1000};
    struct holm_node *nodes[2];
    struct holm_testing *world = open_world(nodes, 2, HOLM_RETENTION_FOREVER);
    struct position position;
    holm_testing_run(world, 60 * S);
    holm_testing_set_path(world, "lisbon", "oslo", &deaf);
    (void)add(nodes[0], "k");
    struct holm_bytes there = position_of(nodes[0], &position);
    holm_testing_run(world, 500 * MS);
    assert_int_equal(sum(nodes[1], "k"), 0);
    assert_int_equal(holm_wait_reached(nodes[1], there, 500), HOLM_OK);
    assert_int_equal(sum(nodes[1], "k"), 1);
    holm_testing_free(world);
}

/* An epoch ended, and nobody had the last of it: that never comes, and is told as soon as it is known. */
static void test_reached_when_part_of_it_was_lost_then_that_is_told(void **state)
{
    struct holm_node *nodes[3];
    struct holm_testing *world = open_world(nodes, 3, HOLM_RETENTION_STABLE);
    struct position kept, lost;
    char key[16];
    key_in(nodes[0], 3, key);
    assert_int_equal(holm_testing_converge(world, 30 * S), HOLM_OK);
    holm_testing_run(world, 20 * S);
    struct holm_receipt receipt = add(nodes[2], key);
    assert_int_equal(holm_wait_stable(nodes[2], &receipt, 20000), HOLM_OK);
    struct holm_bytes before = position_of(nodes[2], &kept);
    holm_testing_split(world, "rome", NULL);
    (void)add(nodes[2], key);
    struct holm_bytes gone = position_of(nodes[2], &lost);
    assert_int_equal(holm_wait_reached(nodes[0], before, 0), HOLM_OK);
    assert_int_equal(holm_wait_reached(nodes[0], gone, 500), HOLM_ETIMEDOUT);
    holm_testing_crash(world, "rome");
    holm_testing_heal(world, NULL, NULL);
    nodes[2] = holm_testing_restart(world, "rome");
    holm_testing_run(world, 120 * S);
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(holm_wait_reached(nodes[i], before, 0), HOLM_OK);
        assert_int_equal(holm_wait_reached(nodes[i], gone, 1000), HOLM_ENOENT);
    }
    holm_testing_free(world);
}

static void test_watch_when_it_goes_on_then_each_change_since_is_told_once(void **state)
{
    struct holm_node *nodes[2];
    struct holm_testing *world = open_world(nodes, 2, HOLM_RETENTION_FOREVER);
    struct position position;
    (void)add(nodes[0], "{1}old");
    assert_int_equal(holm_testing_converge(world, 5 * S), HOLM_OK);
    struct holm_bytes since = position_of(nodes[0], &position);
    (void)add(nodes[0], "{1}own");
    (void)add(nodes[0], "{1}own");
    (void)add(nodes[1], "{1}theirs");
    (void)add(nodes[1], "{2}other");
    assert_int_equal(holm_testing_converge(world, 5 * S), HOLM_OK);
    assert_int_equal(holm_bury(nodes[1], holm_str("{1}old")), HOLM_OK);
    assert_int_equal(holm_testing_converge(world, 5 * S), HOLM_OK);
    (void)add(nodes[0], "{1}pending");
    struct holm_watch *watch = go_on(nodes[0], "{1}", since);
    assert_next(watch, "{1}own", nodes[0]);
    assert_next(watch, "{1}theirs", nodes[1]);
    assert_next(watch, "{1}old", nodes[1]);
    assert_next(watch, "{1}pending", nodes[0]);
    assert_none(watch);
    (void)add(nodes[0], "{1}live");
    assert_next(watch, "{1}live", nodes[0]);
    assert_none(watch);
    holm_watch_close(watch);
    /* At another node, which has to have all of it. */
    since = position_of(nodes[0], &position);
    assert_int_equal(holm_wait_reached(nodes[1], since, 0), HOLM_ETIMEDOUT);
    watch = go_on(nodes[1], "", since);
    assert_overflow(watch);
    holm_watch_close(watch);
    assert_int_equal(holm_wait_reached(nodes[1], since, 1000), HOLM_OK);
    assert_int_equal(sum(nodes[1], "{1}live"), 1);
    watch = go_on(nodes[1], "", since);
    assert_none(watch);
    (void)add(nodes[0], "{2}next");
    assert_int_equal(holm_testing_converge(world, 5 * S), HOLM_OK);
    assert_next(watch, "{2}next", nodes[0]);
    assert_none(watch);
    holm_watch_close(watch);
    holm_testing_free(world);
}

static void test_watch_when_the_log_does_not_reach_back_then_it_is_an_overflow(void **state)
{
    struct holm_testing *world = holm_testing_new(5);
    struct holm_node *node;
    struct holm_config config = config_of(0);
    struct position before, after;
    config.partitions = 1;
    config.log_bytes_max = 65536;
    assert_int_equal(holm_testing_open(world, &config, &node), HOLM_OK);
    (void)add(node, "k");
    struct holm_bytes since = position_of(node, &before);
    for (int i = 0; i < 3000; i++) {
        char key[16];
        (void)snprintf(key, sizeof key, "%d", i);
        (void)add(node, key);
        holm_testing_run(world, 2 * MS);
    }
    struct holm_bytes later = position_of(node, &after);
    (void)add(node, "last");
    struct holm_watch *watch = go_on(node, "", since);
    assert_overflow(watch);
    holm_watch_close(watch);
    watch = go_on(node, "", later);
    assert_next(watch, "last", node);
    assert_none(watch);
    holm_watch_close(watch);

    /* A life that has lost everything. */
    holm_testing_crash(world, "lisbon");
    node = holm_testing_restart(world, "lisbon");
    watch = go_on(node, "", later);
    assert_overflow(watch);
    holm_watch_close(watch);
    holm_testing_free(world);
}

static void test_watch_when_too_much_waits_then_it_does_as_it_was_told(void **state)
{
    struct holm_node *nodes[1];
    struct holm_testing *world = open_world(nodes, 1, HOLM_RETENTION_FOREVER);
    struct holm_watch_options options = {.keys_max = 2, .slow = HOLM_SLOW_CLOSE};
    struct holm_watch *ends, *overflows, *one;
    struct holm_change change;
    assert_int_equal(holm_watch_open_with(nodes[0], holm_str(""), &options, &ends), HOLM_OK);
    options.slow = HOLM_SLOW_OVERFLOW;
    assert_int_equal(holm_watch_open_with(nodes[0], holm_str(""), &options, &overflows), HOLM_OK);
    options.exact = true;
    assert_int_equal(holm_watch_open_with(nodes[0], holm_str("a"), &options, &one), HOLM_OK);
    (void)add(nodes[0], "a");
    (void)add(nodes[0], "ab");
    (void)add(nodes[0], "a");
    (void)add(nodes[0], "abc");
    assert_next(one, "a", nodes[0]);
    assert_none(one);
    assert_overflow(overflows);
    assert_next(ends, "a", nodes[0]);
    (void)add(nodes[0], "abcd");
    assert_next(ends, "ab", nodes[0]);
    assert_int_equal(holm_watch_next(ends, &change), HOLM_ELIMIT);
    (void)add(nodes[0], "abcd");
    assert_int_equal(holm_watch_next(ends, &change), HOLM_ELIMIT);
    holm_watch_close(one);
    holm_watch_close(overflows);
    holm_watch_close(ends);

    options.exact = true;
    assert_int_equal(holm_watch_open_with(nodes[0], holm_str(""), &options, &one), HOLM_EINVAL);
    assert_null(one);
    options.exact = false;
    options.slow = (enum holm_slow)7;
    assert_int_equal(holm_watch_open_with(nodes[0], holm_str(""), &options, &one), HOLM_EINVAL);
    options.slow = HOLM_SLOW_OVERFLOW;
    options.since = holm_str("no position");
    assert_int_equal(holm_watch_open_with(nodes[0], holm_str(""), &options, &one), HOLM_EMALFORMED);
    holm_testing_free(world);
}

/* Whatever is written when, a reader that goes away and comes back misses no last change. */
static bool play_reader(void *context, struct holm_testing *world)
{
    struct holm_node *nodes[2];
    int64_t known[8] = {0};
    struct position position;
    bool right = true;
    (void)context;
    for (uint32_t i = 0; i < 2; i++) {
        struct holm_config config = config_of(i);
        config.log_bytes_max = holm_testing_random(world, 2) == 0 ? 65536 : (size_t)64 << 20;
        if (holm_testing_open(world, &config, &nodes[i]) != HOLM_OK)
            return false;
    }
    right &= holm_wait_peers(nodes[0], 1, 10000) == HOLM_OK;
    struct holm_bytes since = position_of(nodes[0], &position);
    for (int life = 0; life < 10; life++) {
        for (uint64_t i = holm_testing_random(world, 30); i > 0; i--) {
            char key[2] = {(char)('0' + holm_testing_random(world, 8)), '\0'};
            (void)add(nodes[holm_testing_random(world, 2)], key);
            if (holm_testing_random(world, 3) == 0)
                holm_testing_run(world, holm_testing_random(world, 20 * MS));
        }
        struct holm_watch *watch = go_on(nodes[0], "", since);
        struct holm_change change;
        since = position_of(nodes[0], &position);
        while (holm_watch_next(watch, &change) == HOLM_OK) {
            for (int k = 0; k < 8; k++) {
                char key[2] = {(char)('0' + k), '\0'};
                if (change.overflow || memcmp(change.key.data, key, 1) == 0)
                    known[k] = sum(nodes[0], key);
            }
        }
        for (int k = 0; k < 8; k++) {
            char key[2] = {(char)('0' + k), '\0'};
            right &= known[k] == sum(nodes[0], key);
        }
        holm_watch_close(watch);
    }
    return right;
}

static void test_watch_when_a_reader_comes_and_goes_then_it_misses_nothing(void **state)
{
    assert_true(holm_testing_seeds(1, 100, play_reader, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_seen_when_some_are_cut_off_then_a_majority_is_told_from_all),
        cmocka_unit_test(test_applied_when_a_receipt_is_carried_then_it_is_waited_for_there),
        cmocka_unit_test(test_seen_when_another_wrote_it_then_peers_are_not_taken_for_granted),
        cmocka_unit_test(test_seen_when_the_writer_has_restarted_then_its_receipt_is_lost),
        cmocka_unit_test(test_seen_when_a_former_life_wrote_it_then_being_up_is_not_enough),
        cmocka_unit_test(test_receipt_when_a_byte_is_another_then_it_is_refused),
        cmocka_unit_test(test_heard_when_a_peer_has_written_then_it_is_read),
        cmocka_unit_test(test_heard_when_much_is_missing_then_all_of_it_is_here),
        cmocka_unit_test(test_heard_when_majorities_meet_then_what_was_seen_is_read),
        cmocka_unit_test(test_stable_when_a_member_is_away_then_it_is_waited_for),
        cmocka_unit_test(test_seen_when_it_is_journalled_then_it_is_waited_for_until_minted),
        cmocka_unit_test(test_applied_when_the_epoch_is_folded_then_what_was_lost_is_told),
        cmocka_unit_test(test_reached_when_one_partition_is_behind_then_that_is_waited_for),
        cmocka_unit_test(test_reached_when_broadcast_lost_it_then_it_is_asked_for),
        cmocka_unit_test(test_reached_when_part_of_it_was_lost_then_that_is_told),
        cmocka_unit_test(test_watch_when_it_goes_on_then_each_change_since_is_told_once),
        cmocka_unit_test(test_watch_when_the_log_does_not_reach_back_then_it_is_an_overflow),
        cmocka_unit_test(test_watch_when_too_much_waits_then_it_does_as_it_was_told),
        cmocka_unit_test(test_watch_when_a_reader_comes_and_goes_then_it_misses_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

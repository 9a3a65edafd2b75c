/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Retention `stable` in whole nodes: founding, joining, collecting, forgetting, coming back. Node 0 founds.
 * What the rules are for is in tests/model/collect*; here they hold over links, in virtual time.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "crdt/partition.h"
#include "sim/world/disk.h"
#include "tests/unit/engine_world.h"

#define PARTITIONS 2u

static struct holm_disk *disks[WORLD_NODES_MAX];

static struct world *open_world(uint32_t count, bool stored)
{
    struct world *world = world_new_of(1, count, PARTITIONS);
    for (uint32_t i = 0; i < count; i++) {
        world->configs[i].retention = HOLM_RETENTION_STABLE;
        world->configs[i].founds = i == 0;
        disks[i] = stored ? holm_disk_new(PARTITIONS + 1) : NULL;
    }
    return world;
}

static void start(struct world *world, uint32_t index)
{
    if (disks[index] != NULL)
        world->stores[index] = holm_disk_open(disks[index]);
    world_start(world, index);
    for (uint32_t i = 0; i < world->count; i++) {
        if (i != index)
            world_join(world, index, i);
    }
}

static void stop(struct world *world, uint32_t index)
{
    world_kill(world, index);
    if (world->stores[index] != NULL)
        world->stores[index]->ops->close(world->stores[index]);
    world->stores[index] = NULL;
}

static void crash(struct world *world, uint32_t index)
{
    stop(world, index);
    if (disks[index] != NULL)
        holm_disk_crash(disks[index], 1);
}

/* It loses everything. */
static void bomb(struct world *world, uint32_t index)
{
    stop(world, index);
    if (disks[index] != NULL)
        holm_disk_wipe(disks[index]);
}

static struct holm_engine_membership standing(struct world *world, uint32_t index)
{
    struct holm_engine_membership membership;
    holm_engine_membership(world->engines[index], &membership);
    return membership;
}

static void slow_down(struct world *world, uint32_t a, uint32_t b, uint64_t delay_us)
{
    struct holm_network_path slow = {.delay_us = delay_us};
    world_path(world, a, b, &slow);
    world_path(world, b, a, &slow);
}

static void expect_members(struct world *world, uint32_t count)
{
    for (uint32_t i = 0; i < world->count; i++) {
        if (world->engines[i] == NULL)
            continue;
        if (!standing(world, i).confirmed || standing(world, i).members != count)
            print_message("node %u: %s\n", i, world->log);
        assert_true(standing(world, i).confirmed);
        assert_int_equal(standing(world, i).members, count);
    }
}

static struct world *open_cluster(uint32_t count, bool stored)
{
    struct world *world = open_world(count, stored);
    for (uint32_t i = 0; i < count; i++)
        start(world, i);
    world_run(world, 8000);
    expect_members(world, count);
    return world;
}

static void close_cluster(struct world *world)
{
    uint32_t count = world->count;
    for (uint32_t i = 0; i < count; i++) {
        if (world->engines[i] != NULL)
            stop(world, i);
    }
    world_free(world);
    for (uint32_t i = 0; i < count; i++)
        holm_disk_free(disks[i]);
}

static enum holm_status commit(struct world *world, uint32_t index, struct holm_op op)
{
    return holm_engine_commit(world->engines[index], holm_partition_of(op.key, PARTITIONS), &op, 1,
                              world_now(world, index), NULL);
}

static void put(struct world *world, uint32_t index, const char *key, const char *text)
{
    assert_int_equal(
        commit(world, index, holm_op_put(holm_str(key), holm_str("name"), holm_text(text))),
        HOLM_OK);
}

static void bury(struct world *world, uint32_t index, const char *key)
{
    assert_int_equal(commit(world, index, holm_op_bury(holm_str(key))), HOLM_OK);
}

static bool exists(struct world *world, uint32_t index, const char *key)
{
    uint32_t partition = holm_partition_of(holm_str(key), PARTITIONS);
    bool answer = holm_replica_exists(holm_engine_lock(world->engines[index], partition),
                                      holm_str(key));
    holm_engine_unlock(world->engines[index], partition);
    return answer;
}

static void expect_exists(struct world *world, const char *key, bool expected)
{
    for (uint32_t i = 0; i < world->count; i++) {
        if (world->engines[i] != NULL)
            assert_int_equal(exists(world, i, key), expected);
    }
}

static void expect_sum(struct world *world, const char *key, int64_t sum)
{
    for (uint32_t i = 0; i < world->count; i++) {
        if (world->engines[i] != NULL)
            assert_int_equal(world_sum(world, i, key), sum);
    }
}

static void expect_collected(struct world *world, bool collected)
{
    for (uint32_t i = 0; i < world->count; i++) {
        if (world->engines[i] != NULL)
            assert_int_equal(world_stats(world, i).tombstones == 0, collected);
    }
}

static void forget(struct world *world, uint32_t index, uint32_t node)
{
    assert_int_equal(holm_engine_forget(world->engines[index], world->configs[node].self.node,
                                        world_now(world, index)),
                     HOLM_OK);
}

/* ---- founding and joining ------------------------------------------------------------------- */

static void test_engine_member_when_a_cluster_is_founded_then_all_become_members(void **state)
{
    (void)state;
    struct world *world = open_cluster(3, false);
    world_add(world, 0, "k", 1);
    world_add(world, 2, "k", 2);
    world_converge(world, 2000);
    expect_sum(world, "k", 3);
    close_cluster(world);
}

/* Nobody was told to found: writes are kept and seen at home, and go out when there is a cluster. */
static void test_engine_member_when_it_is_provisional_then_its_writes_are_seen_at_home(void **state)
{
    (void)state;
    struct world *world = open_world(2, false);
    start(world, 1);
    world_add(world, 1, "k", 5);
    put(world, 1, "l", "Ada");
    bury(world, 1, "m");
    assert_int_equal(commit(world, 1, holm_op_enable(holm_str("m"), holm_str("f"))), HOLM_EBURIED);
    world_run(world, 20000);
    assert_false(standing(world, 1).confirmed);
    assert_int_equal(standing(world, 1).journalled, 3);
    assert_int_equal(world_sum(world, 1, "k"), 5);
    assert_true(exists(world, 1, "l"));
    start(world, 0);
    world_add(world, 0, "k", 1);
    world_run(world, 8000);
    expect_members(world, 2);
    world_converge(world, 2000);
    expect_sum(world, "k", 6);
    expect_exists(world, "l", true);
    assert_int_equal(standing(world, 1).journalled, 0);
    close_cluster(world);
}

static void test_engine_member_when_its_journal_is_full_then_it_says_so(void **state)
{
    (void)state;
    struct world *world = open_world(2, false);
    world->configs[1].journal_bytes_max = 8192 * PARTITIONS;
    start(world, 1);
    enum holm_status status = HOLM_OK;
    int64_t count = 0;
    for (; status == HOLM_OK && count < 10000; count++)
        status = commit(world, 1, holm_op_add(holm_str("k"), holm_str("n"), 1));
    assert_int_equal(status, HOLM_ELIMIT);
    assert_int_equal(world_sum(world, 1, "k"), count - 1); /* what is not kept is not seen */
    start(world, 0);
    world_run(world, 8000);
    world_converge(world, 2000);
    expect_sum(world, "k", count - 1);
    close_cluster(world);
}

/* The member dies before all of it is there: another one admits. */
static void test_engine_member_when_the_member_dies_then_another_admits(void **state)
{
    (void)state;
    struct world *world = open_cluster(3, false);
    for (uint32_t i = 0; i < 200; i++) {
        char key[16];
        snprintf(key, sizeof key, "k%u", i);
        put(world, i % 3, key, "Ada");
    }
    world_converge(world, 5000);
    bomb(world, 2);
    world_run(world, 2000);
    start(world, 2);
    world_cut(world, 1, 2, true);
    for (int i = 0; i < 3000 && standing(world, 2).members < 2; i++)
        world_pass(world, 1); /* it has asked node 0, and is taking */
    bomb(world, 0);
    world_cut(world, 1, 2, false);
    world_run(world, 20000);
    assert_true(standing(world, 2).confirmed);
    assert_true(exists(world, 2, "k7"));
    close_cluster(world);
}

/* Nodes of another retention are not spoken with. */
static void test_engine_member_when_the_retention_differs_then_the_link_ends(void **state)
{
    (void)state;
    struct world *world = open_world(2, false);
    world->configs[1].retention = HOLM_RETENTION_FOREVER;
    start(world, 0);
    start(world, 1);
    world_run(world, 5000);
    assert_int_equal(holm_engine_peers_up(world->engines[0]), 0);
    assert_non_null(strstr(world->log, "its retention is another"));
    assert_int_equal(
        holm_engine_forget(world->engines[1], world->configs[0].self.node, world_now(world, 1)),
        HOLM_EINVAL);
    close_cluster(world);
}

/* ---- collecting ----------------------------------------------------------------------------- */

static void test_engine_member_when_all_have_a_burial_then_it_is_collected(void **state)
{
    (void)state;
    struct world *world = open_cluster(3, false);
    put(world, 1, "k", "Ada");
    world_converge(world, 2000);
    bury(world, 2, "k");
    world_run(world, 1000);
    expect_collected(world, false);
    world_run(world, 15000);
    expect_collected(world, true);
    expect_exists(world, "k", false);
    put(world, 0, "k", "Eva"); /* and it may be used again */
    world_converge(world, 2000);
    expect_exists(world, "k", true);
    close_cluster(world);
}

/* Nothing changes: nothing is said but what is said anyway. */
static void test_engine_member_when_all_is_quiet_then_nothing_is_reported(void **state)
{
    (void)state;
    uint64_t bytes[2];
    for (int stable = 0; stable < 2; stable++) {
        struct world *world = world_new_of(1, 3, PARTITIONS);
        for (uint32_t i = 0; i < 3; i++) {
            disks[i] = NULL;
            world->configs[i].founds = i == 0;
            world->configs[i].retention = stable == 1 ? HOLM_RETENTION_STABLE
                                                      : HOLM_RETENTION_FOREVER;
            start(world, i);
        }
        world_run(world, 10000);
        world_add(world, 1, "k", 1);
        bury(world, 2, "l");
        world_run(world, 30000);
        uint64_t before = world_stats(world, 0).bytes_sent;
        world_run(world, 100000);
        bytes[stable] = world_stats(world, 0).bytes_sent - before;
        close_cluster(world);
    }
    /* One line a beacon more, of the list: 33 bytes of 80. */
    assert_in_range(bytes[1], bytes[0], bytes[0] * 3 / 2);
}

/* T18: isolated, with an old write to the key still unsent; collection runs as far as it can. */
static void test_engine_member_when_an_isolated_one_returns_then_the_dead_stay_dead(void **state)
{
    (void)state;
    struct world *world = open_cluster(3, false);
    put(world, 0, "k", "Ada");
    world_converge(world, 2000);
    world_split(world, 2, true);
    world_run(world, 10000);
    put(world, 2, "k", "Eva");
    bury(world, 0, "k");
    world_run(world, 60000);
    assert_true(world_stats(world, 0).tombstones > 0); /* it is not known what node 2 does */
    world_split(world, 2, false);
    world_run(world, 30000);
    expect_members(world, 3);
    expect_exists(world, "k", false);
    expect_collected(world, true);
    close_cluster(world);
}

/* T18, once more: it is forgotten meanwhile, and comes back by replacement. */
static void test_engine_member_when_a_forgotten_one_returns_then_the_dead_stay_dead(void **state)
{
    (void)state;
    struct world *world = open_cluster(3, false);
    put(world, 0, "k", "Ada");
    put(world, 1, "other", "Ada");
    world_converge(world, 2000);
    world_split(world, 2, true);
    world_run(world, 10000);
    put(world, 2, "k", "Eva");
    put(world, 2, "fresh", "Eva");
    world_add(world, 2, "n", 5);
    forget(world, 0, 2);
    bury(world, 0, "k");
    world_run(world, 60000);
    assert_int_equal(standing(world, 0).members, 2);
    assert_int_equal(world_stats(world, 0).tombstones, 0); /* without node 2 */
    world_split(world, 2, false);
    world_run(world, 30000);
    expect_members(world, 3);
    world_converge(world, 2000);
    expect_exists(world, "k", false);
    expect_exists(world, "fresh", true);
    expect_exists(world, "other", true);
    expect_sum(world, "n", 5);
    assert_int_equal(standing(world, 2).replaced, 1);
    assert_int_equal(standing(world, 2).reminted, 2);
    assert_int_equal(standing(world, 2).dropped, 1);
    assert_non_null(strstr(world->log, "lost: "));
    close_cluster(world);
}

/* ---- lives ---------------------------------------------------------------------------------- */

/* A restart from the store merges, and keeps the dots of what was written before. */
static void test_engine_member_when_restarted_from_its_store_then_it_merges(void **state)
{
    (void)state;
    struct world *world = open_cluster(3, true);
    world_add(world, 2, "n", 5);
    world_converge(world, 2000);
    world_split(world, 2, true);
    world_run(world, 5000);
    world_add(world, 2, "n", 3); /* stored, and unsent */
    world_run(world, 100);
    crash(world, 2);
    world_split(world, 2, false);
    world_add(world, 0, "n", 1);
    world_run(world, 3000);
    start(world, 2);
    world_add(world, 2, "n", 10);
    assert_int_equal(world_sum(world, 2, "n"), 18);
    world_run(world, 15000);
    expect_members(world, 3);
    world_converge(world, 2000);
    expect_sum(world, "n", 19);
    assert_int_equal(standing(world, 2).replaced, 0);
    close_cluster(world);
}

static void test_engine_member_when_a_whole_cluster_restarts_then_it_goes_on(void **state)
{
    (void)state;
    struct world *world = open_cluster(3, true);
    world_add(world, 1, "n", 5);
    world_converge(world, 2000);
    world_split(world, 2, true);
    world_run(world, 5000);
    world_add(world, 2, "n", 3); /* of this node 2 alone knows */
    world_run(world, 100);
    for (uint32_t i = 0; i < 3; i++)
        crash(world, i);
    world_split(world, 2, false);
    for (uint32_t i = 0; i < 3; i++)
        start(world, i);
    world_run(world, 40000);
    expect_members(world, 3);
    world_converge(world, 2000);
    expect_sum(world, "n", 8);
    bury(world, 0, "k");
    world_run(world, 20000);
    expect_collected(world, true);
    close_cluster(world);
}

/* T41: all is lost, and the clock is behind the epoch before. */
static void test_engine_member_when_a_clock_was_set_back_then_no_write_is_lost(void **state)
{
    (void)state;
    struct world *world = open_cluster(2, false);
    world_add(world, 1, "n", 1);
    world_converge(world, 2000);
    bomb(world, 1);
    world->skew_ms[1] = -600000;
    world_run(world, 5000);
    start(world, 1);
    world_add(world, 1, "n", 5);
    world_run(world, 15000);
    expect_members(world, 2);
    world_converge(world, 2000);
    expect_sum(world, "n", 6);
    close_cluster(world);
}

/* T41: nobody is a member any more who could say so. */
static void test_engine_member_when_a_clock_was_set_back_and_all_restart_then_they_go_on(
    void **state)
{
    (void)state;
    struct world *world = open_cluster(2, true);
    world_add(world, 1, "n", 1);
    world_converge(world, 2000);
    crash(world, 0);
    crash(world, 1);
    world->skew_ms[1] = -600000;
    start(world, 0);
    start(world, 1);
    world_add(world, 1, "n", 5);
    world_run(world, 40000);
    expect_members(world, 2);
    world_converge(world, 2000);
    expect_sum(world, "n", 6);
    close_cluster(world);
}

/* T40: two members forget each other. One comes back to the other. */
static void test_engine_member_when_two_forget_each_other_then_they_meet_again(void **state)
{
    (void)state;
    struct world *world = open_cluster(2, false);
    put(world, 0, "k", "Ada");
    world_converge(world, 2000);
    world_cut(world, 0, 1, true);
    world_run(world, 5000);
    forget(world, 0, 1);
    forget(world, 1, 0);
    put(world, 0, "k", "Eva");
    bury(world, 1, "k");
    world_add(world, 1, "n", 3);
    world_run(world, 20000);
    world_cut(world, 0, 1, false);
    world_run(world, 40000);
    expect_members(world, 2);
    world_converge(world, 2000);
    expect_sum(world, "n", 3);
    assert_int_equal(standing(world, 0).replaced + standing(world, 1).replaced, 1);
    assert_non_null(strstr(world->log, "is forgotten: "));
    assert_non_null(strstr(world->log, "gone on without it"));
    close_cluster(world);
}

/* T40: it took +5 of a node that another forgot; that one does not have it. */
static void test_engine_member_when_one_member_has_more_of_the_forgotten_then_it_counts_once(
    void **state)
{
    (void)state;
    struct world *world = open_cluster(4, false);
    world_cut(world, 3, 0, true);
    world_cut(world, 3, 1, true);
    world_cut(world, 2, 0, true);
    world_cut(world, 2, 1, true);
    world_run(world, 5000);
    world_add(world, 3, "n", 5); /* at 2 and 3 */
    world_run(world, 1000);
    world_cut(world, 3, 2, true);
    world_run(world, 5000);
    forget(world, 0, 3);
    world_run(world, 3000);
    for (uint32_t i = 0; i < 3; i++)
        world_cut(world, 3, i, false);
    world_run(world, 10000); /* it may not come back while node 2 is not heard */
    assert_false(standing(world, 3).confirmed);
    world_cut(world, 2, 0, false);
    world_cut(world, 2, 1, false);
    world_run(world, 40000);
    expect_members(world, 4);
    world_converge(world, 2000);
    expect_sum(world, "n", 5);
    close_cluster(world);
}

static void test_engine_member_when_it_is_away_too_long_then_it_is_forgotten(void **state)
{
    (void)state;
    struct world *world = open_world(2, false);
    world->configs[0].forget_after_us = 30000000;
    for (uint32_t i = 0; i < 2; i++)
        start(world, i);
    world_run(world, 8000);
    crash(world, 1);
    world_run(world, 20000);
    assert_int_equal(standing(world, 0).members, 2);
    world_run(world, 30000);
    assert_int_equal(standing(world, 0).members, 1);
    close_cluster(world);
}

/* T20: epochs that have ended are folded; what is counted stays. */
static void test_engine_member_when_nodes_live_many_times_then_vectors_stay_small(void **state)
{
    (void)state;
    struct world *world = open_cluster(3, false);
    for (uint32_t life = 0; life < 24; life++) {
        uint32_t index = life % 3;
        world_add(world, index, "n", 1);
        put(world, index, "k", "Ada");
        world_run(world, 2000);
        bomb(world, index);
        world_run(world, 1000);
        start(world, index);
        world_run(world, 9000);
        expect_members(world, 3);
    }
    world_run(world, 40000);
    expect_sum(world, "n", 24);
    for (uint32_t i = 0; i < 3; i++) {
        assert_in_range(world_stats(world, i).vector_entries, 1, 6);
        assert_int_equal(world_stats(world, i).digest_breaches, 0);
    }
    assert_true(world_converged(world));
    close_cluster(world);
}

/* ---- schedules that broke an earlier draft of the rules ------------------------------------- */

/* T35: it comes back from an older store, without what it had reported, and from one who lacks nothing. */
static void test_engine_member_when_it_returns_from_an_older_store_then_all_agree(void **state)
{
    (void)state;
    struct world *world = open_cluster(3, true);
    put(world, 0, "k", "Ada");
    world_converge(world, 2000);
    struct holm_disk *old = holm_disk_new(PARTITIONS + 1);
    crash(world, 2);
    holm_disk_copy(old, disks[2]);
    start(world, 2);
    world_run(world, 15000);
    expect_members(world, 3);
    bury(world, 0, "k");
    world_run(world, 1500); /* all have it, and have said so */
    crash(world, 2);
    holm_disk_copy(disks[2], old);
    start(world, 2);
    put(world, 2, "k", "Eva");
    world_run(world, 40000);
    expect_members(world, 3);
    world_converge(world, 2000);
    bool alive = exists(world, 0, "k");
    expect_exists(world, "k", alive); /* one outcome */
    expect_collected(world, true);
    holm_disk_free(old);
    close_cluster(world);
}

/* T36: it was admitted by one who dies, and is whole from another; a third collects meanwhile. */
static void test_engine_member_when_who_admitted_it_is_gone_then_all_agree(void **state)
{
    (void)state;
    struct world *world = open_cluster(4, true);
    put(world, 0, "k", "Ada");
    world_converge(world, 2000);
    crash(world, 3);
    bury(world, 0, "k");
    world_run(world, 2000);
    world_cut(world, 3, 1, true);
    world_cut(world, 3, 2, true);
    start(world, 3);
    put(world, 3, "k", "Eva");
    for (int i = 0; i < 5000 && !standing(world, 3).confirmed; i++)
        world_pass(world, 1);
    assert_true(standing(world, 3).confirmed);
    world_cut(world, 3, 0, true);
    crash(world, 0);
    world_cut(world, 3, 1, false);
    world_cut(world, 3, 2, false);
    world_run(world, 20000);
    start(world, 0);
    world_cut(world, 3, 0, false);
    world_run(world, 40000);
    expect_members(world, 4);
    world_converge(world, 2000);
    expect_exists(world, "k", exists(world, 1, "k"));
    expect_collected(world, true);
    close_cluster(world);
}

/* What a node broadcast, kept back. */
struct kept {
    uint32_t from;
    unsigned char frames[8][512];
    size_t sizes[8];
    size_t count;
};

static void keep(struct world *world, uint32_t from, const void *frame, size_t size)
{
    struct kept *kept = world->context;
    const unsigned char *bytes = frame;
    /* A Delta: an envelope of node and epoch, perhaps a partition, and field 5. */
    bool delta = size > 22 && (bytes[18] == 0x2a || (bytes[18] == 0x20 && bytes[20] == 0x2a));
    if (from != kept->from || !delta || size > sizeof kept->frames[0] || kept->count == 8)
        return;
    memcpy(kept->frames[kept->count], frame, size);
    kept->sizes[kept->count++] = size;
}

/* T37: a broadcast of an epoch that has ended arrives when all have collected. */
static void test_engine_member_when_a_dead_epoch_is_heard_late_then_the_dead_stay_dead(void **state)
{
    (void)state;
    static struct kept kept;
    struct world *world = open_cluster(3, false);
    put(world, 0, "k", "Ada");
    world_converge(world, 2000);
    kept = (struct kept){.from = 1};
    world->context = &kept;
    world->leaving = keep;
    world_split(world, 1, true); /* its write goes nowhere, and it dies */
    put(world, 1, "k", "Eva");
    world_run(world, 100);
    world->leaving = NULL;
    assert_in_range(kept.count, 1, 8);
    bomb(world, 1);
    world_split(world, 1, false);
    bury(world, 0, "k");
    start(world, 1);
    world_run(world, 30000);
    expect_members(world, 3);
    expect_collected(world, true);
    for (size_t i = 0; i < kept.count; i++)
        world_inject(world, 0, 2, true, kept.frames[i], kept.sizes[i]);
    world_run(world, 5000);
    expect_exists(world, "k", false);
    close_cluster(world);
}

/* It takes nothing but what confirms it: its fences are as old as its store. */
static void test_engine_member_when_provisional_then_no_broadcast_is_taken(void **state)
{
    (void)state;
    static struct kept kept;
    struct world *world = open_cluster(2, true);
    put(world, 1, "k", "Ada");
    world_converge(world, 2000);
    kept = (struct kept){.from = 0};
    world->context = &kept;
    crash(world, 1);
    world->leaving = keep;
    put(world, 0, "l", "Eva");
    world_run(world, 100);
    world->leaving = NULL;
    assert_in_range(kept.count, 1, 8);
    crash(world, 0);
    start(world, 0);
    start(world, 1);
    world_run(world, 1500);
    assert_int_equal(holm_engine_peers_up(world->engines[1]), 1);
    for (size_t i = 0; i < kept.count; i++)
        world_inject(world, 0, 1, true, kept.frames[i], kept.sizes[i]);
    world_run(world, 200);
    assert_false(standing(world, 1).confirmed);
    assert_true(exists(world, 1, "k"));
    assert_false(exists(world, 1, "l"));
    world_run(world, 40000);
    expect_members(world, 2);
    expect_exists(world, "l", true);
    close_cluster(world);
}

/* In all partitions at once, however much there is in one of them. */
static void test_engine_member_when_it_becomes_a_member_then_nothing_is_missing(void **state)
{
    (void)state;
    struct world *world = open_world(2, false);
    for (uint32_t i = 0; i < 2; i++)
        world->configs[i].frame_bytes_max = 16384;
    start(world, 0);
    world_run(world, 5000);
    char text[512];
    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = '\0';
    uint32_t count = 0;
    for (uint32_t i = 0; count < 400; i++) {
        char key[16];
        snprintf(key, sizeof key, "k%u", i);
        if (holm_partition_of(holm_str(key), PARTITIONS) != 1)
            continue;
        put(world, 0, key, text);
        count++;
    }
    world_run(world, 1000);
    uint64_t records = world_stats(world, 0).records;
    assert_int_equal(records, 400);
    start(world, 1);
    for (int i = 0; i < 20000 && !standing(world, 1).confirmed; i++)
        world_pass(world, 1);
    assert_true(standing(world, 1).confirmed);
    assert_int_equal(world_stats(world, 1).records, records);
    close_cluster(world);
}

/* T38: provisional operations have no dots; they are minted upon what has been collected meanwhile. */
static void test_engine_member_when_stale_then_its_journal_is_minted_upon_the_cut(void **state)
{
    (void)state;
    struct world *world = open_cluster(3, true);
    put(world, 0, "k", "Ada");
    world_converge(world, 2000);
    crash(world, 2);
    world_run(world, 3000);
    world_split(world, 2, true);
    start(world, 2);
    put(world, 2, "k", "Eva"); /* stale, and provisional */
    bury(world, 0, "k");
    world_run(world, 20000);
    assert_true(world_stats(world, 0).tombstones > 0); /* node 2 is a member, and has not said */
    assert_int_equal(standing(world, 2).journalled, 1);
    world_split(world, 2, false);
    world_run(world, 40000);
    expect_members(world, 3);
    world_converge(world, 2000);
    expect_exists(world, "k", false); /* it was still buried when the write was to be minted */
    assert_int_equal(standing(world, 2).dropped, 1);
    expect_collected(world, true);
    close_cluster(world);
}

/* Node 2 founds, and knows of none of the later epochs: what these wrote was taken for that of others. */
static void test_engine_member_when_the_founder_knows_least_then_nothing_is_missing(void **state)
{
    (void)state;
    struct world *world = open_cluster(3, true);
    put(world, 2, "k", "Ada");
    world_converge(world, 2000);
    crash(world, 2);
    for (uint32_t i = 0; i < 2; i++) {
        crash(world, i);
        world_run(world, 2000);
        start(world, i); /* the other admits it */
        world_run(world, 8000);
        assert_true(standing(world, i).confirmed);
        world_add(world, i, "n", 4);
        world_run(world, 1000);
    }
    crash(world, 0);
    crash(world, 1);
    world_cut(world, 0, 1, true); /* neither knows that all have restarted */
    for (uint32_t i = 0; i < 3; i++)
        start(world, i);
    world_run(world, 20000);
    expect_members(world, 3);
    world_cut(world, 0, 1, false);
    world_run(world, 20000);
    expect_members(world, 3);
    expect_sum(world, "n", 8);
    for (uint32_t i = 0; i < 3; i++)
        assert_int_equal(standing(world, i).dropped, 0);
    close_cluster(world);
}

/* Node 2, whom node 0 has forgotten without anybody's knowledge, admits node 1, which had been told before that how
 * node 0 stands. */
static void test_engine_member_when_told_before_it_is_a_member_then_it_finds_out_later(void **state)
{
    (void)state;
    struct world *world = open_cluster(3, true);
    world_cut(world, 0, 2, true);
    crash(world, 1);
    world_run(world, 5000);
    forget(world, 0, 2);
    slow_down(world, 1, 2, 100000);
    slow_down(world, 0, 1, 150000);
    start(world, 1);
    world_run(world, 30000);
    assert_true(standing(world, 1).confirmed);
    assert_int_equal(standing(world, 1).replaced, 1);
    world_cut(world, 0, 2, false);
    world_run(world, 40000);
    expect_members(world, 3);
    assert_int_equal(standing(world, 2).replaced, 1);
    close_cluster(world);
}

/* Node 0 founds with what node 1 wrote after node 2 had forgotten it. */
static void test_engine_member_when_founded_beyond_its_forget_then_it_is_replaced(void **state)
{
    (void)state;
    struct world *world = open_cluster(3, true);
    put(world, 2, "k", "Ada");
    world_converge(world, 2000);
    bury(world, 0, "k");
    world_run(world, 20000);
    expect_collected(world, true);
    crash(world, 0);
    world_cut(world, 1, 2, true);
    world_run(world, 5000);
    world_add(world, 2, "{k}n", 3); /* which carries S into the store */
    forget(world, 2, 1);
    world_run(world, 1000);
    crash(world, 2);
    start(world, 0);
    world_run(world, 10000);
    assert_true(standing(world, 0).confirmed); /* node 1 has admitted it */
    crash(world, 0);
    world_cut(world, 1, 2, false); /* and hears first what node 2 has to say */
    slow_down(world, 0, 1, 100000);
    slow_down(world, 0, 2, 250000);
    start(world, 0);
    start(world, 2);
    world_run(world, 60000);
    expect_members(world, 3);
    assert_int_equal(standing(world, 2).replaced, 1);
    expect_sum(world, "{k}n", 3);
    expect_exists(world, "k", false);
    close_cluster(world);
}

/* The same node comes back from nothing again and again, and from two members at once gone. */
static void test_engine_member_when_nobody_is_left_who_was_told_then_nobody_goes_on(void **state)
{
    (void)state;
    struct world *world = open_cluster(2, true);
    put(world, 1, "k", "Ada");
    world_converge(world, 2000);
    crash(world, 0);
    crash(world, 1);
    start(world, 1); /* node 0 may live: it would have to be asked */
    world_run(world, 60000);
    assert_false(standing(world, 1).confirmed);
    assert_true(exists(world, 1, "k"));
    start(world, 0);
    world_run(world, 40000);
    expect_members(world, 2);
    expect_exists(world, "k", true);
    close_cluster(world);
}

#define MEMBER_TEST(name) cmocka_unit_test(test_engine_member_when_##name)

int main(int count, char **arguments)
{
    const struct CMUnitTest tests[] = {
        MEMBER_TEST(a_cluster_is_founded_then_all_become_members),
        MEMBER_TEST(it_is_provisional_then_its_writes_are_seen_at_home),
        MEMBER_TEST(its_journal_is_full_then_it_says_so),
        MEMBER_TEST(the_member_dies_then_another_admits),
        MEMBER_TEST(the_retention_differs_then_the_link_ends),
        MEMBER_TEST(all_have_a_burial_then_it_is_collected),
        MEMBER_TEST(all_is_quiet_then_nothing_is_reported),
        MEMBER_TEST(an_isolated_one_returns_then_the_dead_stay_dead),
        MEMBER_TEST(a_forgotten_one_returns_then_the_dead_stay_dead),
        MEMBER_TEST(restarted_from_its_store_then_it_merges),
        MEMBER_TEST(a_whole_cluster_restarts_then_it_goes_on),
        MEMBER_TEST(the_founder_knows_least_then_nothing_is_missing),
        MEMBER_TEST(told_before_it_is_a_member_then_it_finds_out_later),
        MEMBER_TEST(founded_beyond_its_forget_then_it_is_replaced),
        MEMBER_TEST(a_clock_was_set_back_then_no_write_is_lost),
        MEMBER_TEST(a_clock_was_set_back_and_all_restart_then_they_go_on),
        MEMBER_TEST(two_forget_each_other_then_they_meet_again),
        MEMBER_TEST(one_member_has_more_of_the_forgotten_then_it_counts_once),
        MEMBER_TEST(it_is_away_too_long_then_it_is_forgotten),
        MEMBER_TEST(nodes_live_many_times_then_vectors_stay_small),
        MEMBER_TEST(it_returns_from_an_older_store_then_all_agree),
        MEMBER_TEST(who_admitted_it_is_gone_then_all_agree),
        MEMBER_TEST(a_dead_epoch_is_heard_late_then_the_dead_stay_dead),
        MEMBER_TEST(provisional_then_no_broadcast_is_taken),
        MEMBER_TEST(it_becomes_a_member_then_nothing_is_missing),
        MEMBER_TEST(stale_then_its_journal_is_minted_upon_the_cut),
        MEMBER_TEST(nobody_is_left_who_was_told_then_nobody_goes_on),
    };
    if (count > 1)
        cmocka_set_test_filter(arguments[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Retention `stable` in whole nodes: founding, joining, collecting, forgetting, coming back. What the rules are for is
 * in tests/model/collect*; here they hold over links, in virtual time.
 */
#include "node/engine_state.h"
#include "tests/unit/member_world.h"

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
    world->heap.allocations = 0;
    assert_int_equal(commit(world, 1, holm_op_add(holm_str("k"), holm_str("n"), 1)), HOLM_ELIMIT);
    assert_true(world->heap.allocations < 8); /* nothing is made anew for it */
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

/* The member lives, and goes on with all partitions but one, which its store has failed for: another one admits. */
static void test_engine_member_when_a_member_cannot_give_all_then_another_admits(void **state)
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
    uint32_t failed = holm_partition_of(holm_str("k7"), world->partitions);
    world->engines[0]->partitions[failed].muted = true;
    start(world, 2);
    world_cut(world, 1, 2, true);
    world_run(world, 5000); /* it has asked node 0, and is taking */
    assert_false(standing(world, 2).confirmed);
    world_cut(world, 1, 2, false);
    for (uint32_t i = 0; i < 30; i++) {
        char key[16];
        snprintf(key, sizeof key, "k%u", i);
        if (holm_partition_of(holm_str(key), world->partitions) != failed)
            put(world, 0, key, "Eva");
        world_run(world, 1000);
    }
    assert_true(standing(world, 2).confirmed);
    assert_true(exists(world, 2, "k7"));
    world->engines[0]->partitions[failed].muted = false;
    close_cluster(world);
}

/* It was told that it is taken: memory that is refused puts it off. */
static void test_engine_member_when_memory_is_short_then_a_forget_comes_later(void **state)
{
    (void)state;
    for (uint64_t n = 1; n <= 25; n++) {
        struct world *world = open_cluster(3, false);
        bomb(world, 2);
        assert_int_equal(
            holm_engine_forget(world->engines[0], world->configs[2].self.node, world_now(world, 0)),
            HOLM_OK);
        world->heap.allocations = 0;
        world->heap.fail_at = n;
        world->heap.fail_more = n % 2 == 0 ? 0 : 100000;
        world_pass(world, 20);
        world->heap.fail_at = 0;
        world_run(world, 5000);
        assert_int_equal(standing(world, 0).members, 2);
        assert_int_equal(standing(world, 1).members, 2);
        close_cluster(world);
    }
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

/* T41: all is lost of it, and nobody is a member any more who could say so. */
static void test_engine_member_when_a_clock_was_set_back_and_all_restart_then_they_go_on(
    void **state)
{
    (void)state;
    struct world *world = open_cluster(2, true);
    world_add(world, 1, "n", 1);
    world_converge(world, 2000);
    crash(world, 0);
    bomb(world, 1); /* its store would know its epoch */
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

static size_t lines_with(const struct world *world, const char *text)
{
    size_t count = 0;
    for (const char *at = strstr(world->log, text); at != NULL; at = strstr(at + 1, text))
        count++;
    return count;
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
    expect_exists(world, "k", false);
    assert_int_equal(standing(world, 0).replaced, 0); /* the lower id's word stands */
    assert_int_equal(standing(world, 1).replaced, 1);
    assert_int_equal(standing(world, 1).reminted, 2);
    assert_int_equal(standing(world, 1).dropped, 0);
    assert_int_equal(lines_with(world, "is forgotten: "), 2);
    assert_int_equal(lines_with(world, "gone on without it"), 1);
    assert_int_equal(lines_with(world, "replaced: 2 of this node's writes are written anew, 0 are"),
                     1);
    close_cluster(world);
}

/*
 * T40: node 2 forgets node 0, node 0 forgets node 2: node 0's word stands. Node 1, which collected with node 2, is
 * down when that becomes known, and must not be merged with what it has when it is back.
 */
static void test_engine_member_when_it_restarts_behind_a_void_forget_then_it_is_replaced(
    void **state)
{
    (void)state;
    struct world *world = open_cluster(3, true);
    world_add(world, 0, "n", 1);
    world_converge(world, 2000);
    world_cut(world, 0, 1, true);
    world_cut(world, 0, 2, true);
    world_run(world, 1000);
    forget(world, 2, 0);
    forget(world, 0, 2);
    world_add(world, 0, "n", 2);
    world_add(world, 1, "n", 4);
    world_run(world, 20000);
    assert_true(standing(world, 1).folded > 0);
    world_add(world, 1, "n", 8); /* a run that says so, and is stored */
    world_run(world, 1000);
    crash(world, 1);
    world_cut(world, 1, 2, true);
    world_cut(world, 0, 1, false);
    start(world, 1);
    world_run(world, 10000);
    world_cut(world, 0, 2, false);
    world_cut(world, 1, 2, false);
    world_run(world, 60000);
    expect_members(world, 3);
    world_converge(world, 2000);
    expect_sum(world, "n", 15);
    assert_int_equal(standing(world, 1).replaced, 1);
    assert_int_equal(standing(world, 0).replaced, 0);
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

static struct holm_dot dot_of(struct world *world, uint32_t index, const char *key)
{
    struct holm_cell_view cell;
    uint32_t partition = holm_partition_of(holm_str(key), PARTITIONS);
    assert_int_equal(holm_replica_get(holm_engine_lock(world->engines[index], partition),
                                      holm_str(key), holm_str("name"), HOLM_REGISTER, &cell),
                     HOLM_OK);
    struct holm_dot dot = cell.dot;
    holm_engine_unlock(world->engines[index], partition);
    return dot;
}

static void expect_lost(const struct world *world, const char *key, struct holm_dot dot)
{
    char line[160];
    snprintf(line, sizeof line, "lost: register of \"%s\".name, %llx@%llx:%llu in partition %u\n",
             key, (unsigned long long)dot.actor.node.value,
             (unsigned long long)dot.actor.epoch.value, (unsigned long long)dot.seq,
             holm_partition_of(holm_str(key), PARTITIONS));
    if (lines_with(world, line) != 1)
        print_message("expected once: %s%s\n", line, world->log);
    assert_int_equal(lines_with(world, line), 1);
}

/* T40: what it had of one who has lost it, and what it wrote to a key that is gone, nobody else has: each is named.
 * The rest is written anew, and nothing is revived. */
static void test_engine_member_when_the_forgotten_had_more_then_what_is_lost_is_named(void **state)
{
    (void)state;
    struct world *world = open_cluster(3, false);
    put(world, 0, "gone", "Ada");
    world_converge(world, 2000);
    world_split(world, 0, true); /* nodes 1 and 2 among themselves */
    world_run(world, 4000);
    put(world, 1, "other", "Ida");
    put(world, 2, "gone", "Eva");
    put(world, 2, "own", "Eva");
    world_add(world, 2, "n", 5);
    world_run(world, 2000);
    struct holm_dot other = dot_of(world, 2, "other"), gone = dot_of(world, 2, "gone");
    assert_int_equal(other.actor.node.value, world->configs[1].self.node.value);
    world_split(world, 2, true);
    bomb(world, 1);
    world_split(world, 0, false);
    world_cut(world, 0, 2, true);
    bury(world, 0, "gone");
    forget(world, 0, 2);
    start(world, 1);
    world_run(world, 40000); /* the burial is collected */
    assert_int_equal(standing(world, 0).members, 2);
    assert_int_equal(world_stats(world, 0).tombstones, 0);
    world_split(world, 2, false);
    world_run(world, 40000);
    expect_members(world, 3);
    world_converge(world, 2000);
    expect_sum(world, "n", 5);
    expect_exists(world, "own", true);
    expect_exists(world, "other", false);
    expect_exists(world, "gone", false);
    assert_int_equal(standing(world, 2).reminted, 2);
    assert_int_equal(standing(world, 2).dropped, 2);
    assert_int_equal(lines_with(world, "lost: "), 3); /* and that its state is */
    expect_lost(world, "other", other);
    expect_lost(world, "gone", gone);
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

/* What a member would forget, nobody may know of it; the others go on, and its next life is one of them. */
static void test_engine_member_when_its_store_fails_it_is_silent(void **state)
{
    (void)state;
    struct world *world = open_cluster(3, true);
    uint32_t partition = holm_partition_of(holm_str("k"), PARTITIONS);
    world_converge(world, 20000);
    holm_disk_set_fault(disks[1], HOLM_DISK_EIO);
    world_add(world, 1, "k", 1);
    world_add(world, 2, "k", 10);
    world_run(world, 8000);
    assert_true(world->engines[1]->partitions[partition].muted);
    assert_int_equal(world_sum(world, 0, "k"), 10);
    assert_int_equal(world_sum(world, 1, "k"), 11);
    assert_int_equal(world_sum(world, 2, "k"), 10);
    /* Who waits for others waits in vain; that the disk has failed is no answer. */
    assert_int_equal(holm_engine_want(world->engines[1], partition, world_now(world, 1)), HOLM_OK);
    crash(world, 1);
    holm_disk_set_fault(disks[1], HOLM_DISK_WELL);
    start(world, 1);
    world_run(world, 20000);
    expect_members(world, 3);
    world_converge(world, 60000);
    assert_int_equal(world_sum(world, 1, "k"), 10);
    close_cluster(world);
}

int main(int count, char **arguments)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_engine_member_when_its_store_fails_it_is_silent),
        MEMBER_TEST(a_cluster_is_founded_then_all_become_members),
        MEMBER_TEST(it_is_provisional_then_its_writes_are_seen_at_home),
        MEMBER_TEST(its_journal_is_full_then_it_says_so),
        MEMBER_TEST(the_member_dies_then_another_admits),
        MEMBER_TEST(a_member_cannot_give_all_then_another_admits),
        MEMBER_TEST(memory_is_short_then_a_forget_comes_later),
        MEMBER_TEST(the_retention_differs_then_the_link_ends),
        MEMBER_TEST(all_have_a_burial_then_it_is_collected),
        MEMBER_TEST(all_is_quiet_then_nothing_is_reported),
        MEMBER_TEST(an_isolated_one_returns_then_the_dead_stay_dead),
        MEMBER_TEST(a_forgotten_one_returns_then_the_dead_stay_dead),
        MEMBER_TEST(restarted_from_its_store_then_it_merges),
        MEMBER_TEST(a_whole_cluster_restarts_then_it_goes_on),
        MEMBER_TEST(a_clock_was_set_back_then_no_write_is_lost),
        MEMBER_TEST(a_clock_was_set_back_and_all_restart_then_they_go_on),
        MEMBER_TEST(two_forget_each_other_then_they_meet_again),
        MEMBER_TEST(it_restarts_behind_a_void_forget_then_it_is_replaced),
        MEMBER_TEST(one_member_has_more_of_the_forgotten_then_it_counts_once),
        MEMBER_TEST(the_forgotten_had_more_then_what_is_lost_is_named),
        MEMBER_TEST(it_is_away_too_long_then_it_is_forgotten),
        MEMBER_TEST(nodes_live_many_times_then_vectors_stay_small),
    };
    if (count > 1)
        cmocka_set_test_filter(arguments[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What a node has stored does not outgrow what it has. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "crdt/partition.h"
#include "node/engine_state.h"
#include "node/node.h"
#include "node/store_lmdb.h"
#include "sim/world/disk.h"
#include "tests/unit/engine_world.h"

#define PARTITIONS 2u
#define ROUNDS 400

static void start(struct world *world, struct holm_disk *disk)
{
    world->stores[0] = holm_disk_open(disk);
    world_start(world, 0);
}

static void stop(struct world *world)
{
    world_kill(world, 0);
    world->stores[0]->ops->close(world->stores[0]);
    world->stores[0] = NULL;
}

/* One counter, added to again and again: its runs become a state, now and then. */
static void test_engine_store_when_runs_outgrow_the_state_it_takes_their_place(void **state)
{
    (void)state;
    struct world *world = world_new_of(1, 1, PARTITIONS);
    struct holm_disk *disk = holm_disk_new(PARTITIONS);
    size_t largest = 0, smaller = 0;
    start(world, disk);
    for (int i = 0; i < ROUNDS; i++) {
        size_t before = holm_disk_bytes(disk);
        world_add(world, 0, "n", 1);
        world_pass(world, 5);
        size_t after = holm_disk_bytes(disk);
        smaller += after < before;
        largest = after > largest ? after : largest;
    }
    assert_in_range(smaller, 2, ROUNDS / 10);
    assert_in_range(largest, 8192, 2 * 8192);
    stop(world);
    holm_disk_crash(disk, 0);
    start(world, disk);
    assert_int_equal(world_sum(world, 0, "n"), ROUNDS);
    stop(world);
    world_free(world);
    holm_disk_free(disk);
}

/* What peers sent is kept in the same way. */
static void test_engine_store_when_others_write_then_it_is_bounded_too(void **state)
{
    (void)state;
    struct world *world = world_new_of(1, 2, PARTITIONS);
    struct holm_disk *disk = holm_disk_new(PARTITIONS);
    start(world, disk);
    world_start(world, 1);
    world_join(world, 1, 0);
    world_run(world, 1500);
    for (int i = 0; i < ROUNDS; i++) {
        world_add(world, 1, "n", 1);
        world_pass(world, 5);
    }
    world_converge(world, 2000);
    assert_in_range(holm_disk_bytes(disk), 1, 2 * 8192);
    stop(world);
    world_kill(world, 1);
    start(world, disk);
    assert_int_equal(world_sum(world, 0, "n"), ROUNDS);
    stop(world);
    world_free(world);
    holm_disk_free(disk);
}

/* ---- a disk that has failed ----------------------------------------------------------------- */

/* The two beside it do not reach each other: what it cannot store it still hands on, and also what it wrote last. */
static void test_engine_store_when_the_disk_has_failed_then_others_are_repaired_by_it(void **state)
{
    (void)state;
    static const struct world_edge edges[] = {{0, 1}, {0, 2}};
    struct world *world = world_new_of(1, 3, PARTITIONS);
    struct holm_disk *disk = holm_disk_new(PARTITIONS);
    world_graph(world, edges, 2);
    start(world, disk);
    for (uint32_t i = 1; i < 3; i++) {
        world_start(world, i);
        world_join(world, i, 0);
    }
    world_run(world, 3000);
    world_add(world, 1, "before", 1);
    world_converge(world, 10000);
    holm_disk_set_fault(disk, HOLM_DISK_EIO);
    world_add(world, 0, "own", 1); /* in memory alone, as it turns out */
    world_run(world, 2000);
    assert_true(holm_engine_store_failed(world->engines[0]));
    const struct holm_op op = holm_op_add(holm_str("own"), holm_str("n"), 1);
    uint32_t partition = holm_partition_of(op.key, PARTITIONS);
    assert_true(world->engines[0]->partitions[partition].muted);
    assert_int_equal(
        holm_engine_commit(world->engines[0], partition, &op, 1, world_now(world, 0), NULL),
        HOLM_EIO);
    assert_int_equal(holm_engine_want(world->engines[0], partition, world_now(world, 0)), HOLM_OK);
    assert_int_equal(holm_engine_flush(world->engines[0], partition, world_now(world, 0)), HOLM_OK);
    assert_int_equal(
        holm_engine_sync(world->engines[0], partition, 1, world_now(world, 0), 1000000), HOLM_EIO);
    world_lose(world, 1000); /* over links, then */
    for (uint32_t i = 1; i < 3; i++) {
        world_add(world, i, "after", 1);
        world_add(world, i, i == 1 ? "oslo" : "rome", 1);
    }
    world_converge(world, 60000);
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(world_sum(world, i, "own"), 1);
        assert_int_equal(world_sum(world, i, "after"), 2);
        assert_int_equal(world_sum(world, i, "oslo") + world_sum(world, i, "rome"), 2);
    }
    /* The next life has what was stored, and the rest from them. */
    stop(world);
    holm_disk_set_fault(disk, HOLM_DISK_WELL);
    start(world, disk);
    assert_int_equal(world_sum(world, 0, "before"), 1);
    assert_int_equal(world_sum(world, 0, "own"), 0);
    for (uint32_t i = 1; i < 3; i++)
        world_join(world, i, 0);
    world_converge(world, 60000);
    assert_int_equal(world_sum(world, 0, "own"), 1);
    assert_int_equal(world_sum(world, 0, "after"), 2);
    stop(world);
    for (uint32_t i = 1; i < 3; i++)
        world_kill(world, i);
    world_free(world);
    holm_disk_free(disk);
}

/* ---- in pieces ------------------------------------------------------------------------------ */

#define KEYS 400
#define VALUE_BYTES 2000
#define ALL_US 60000000u

static struct holm_store *open_directory(const char *directory)
{
    struct holm_store_lmdb_config config = holm_store_lmdb_config_default();
    struct holm_store *store;
    config.allocator = holm_node_allocator();
    config.directory = directory;
    config.node.value = 1;
    config.cluster = 1;
    config.partitions = 1;
    assert_int_equal(holm_store_lmdb_open(&config, &store), HOLM_OK);
    return store;
}

static struct world *live_in(const char *directory)
{
    struct world *world = world_new_of(1, 1, 1);
    world->stores[0] = open_directory(directory);
    world_start(world, 0);
    return world;
}

static void end_life(struct world *world)
{
    stop(world);
    world_free(world);
}

static void remove_files(const char *directory)
{
    static const char *const names[] = {"data.mdb", "lock.mdb", "holm.lock"};
    char path[128];
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", directory, names[i]);
        (void)unlink(path);
    }
    assert_int_equal(rmdir(directory), 0);
}

/* Every write adds one to a sum, too. */
static void put_large_at(struct world *world, uint32_t index, int number)
{
    static char value[VALUE_BYTES];
    char key[16];
    (void)snprintf(key, sizeof key, "key %d", number % KEYS);
    memset(value, number, sizeof value);
    struct holm_op ops[] = {
        holm_op_put(holm_str(key), holm_str("f"), holm_bytes_value(value, sizeof value)),
        holm_op_add(holm_str("n"), holm_str("n"), 1)};
    assert_int_equal(
        holm_engine_commit(world->engines[index], 0, ops, 2, world_now(world, index), NULL),
        HOLM_OK);
}

static void put_large(struct world *world, int number)
{
    put_large_at(world, 0, number);
}

/* Until a state is being saved, and some of it has been. The disk keeps up. */
static int put_until_saving(struct world *world, int number)
{
    for (int limit = number + 20 * KEYS; number < limit; number++) {
        put_large(world, number);
        world_pass(world, 1);
        if (number % 200 == 0)
            assert_int_equal(world->stores[0]->ops->sync(world->stores[0], ALL_US), HOLM_OK);
        if (world->engines[0]->partitions[0].still != NULL && number % 2 == 0)
            return number + 1;
    }
    fail_msg("no state is saved in pieces");
    return 0;
}

static void expect_written(const char *directory, int writes)
{
    struct world *world = live_in(directory);
    assert_int_equal(world_sum(world, 0, "n"), writes);
    struct holm_engine *engine = world->engines[0];
    holm_replica_check(engine->partitions[0].replica);
    end_life(world);
}

/* It is written to meanwhile, and another begins. */
static void test_engine_store_when_a_state_is_saved_in_pieces_writes_go_on(void **state)
{
    (void)state;
    char directory[] = "/tmp/holm-store-XXXXXX";
    int writes = 0;
    assert_non_null(mkdtemp(directory));
    struct world *world = live_in(directory);
    for (int saved = 0; saved < 3; saved++) {
        uint64_t before = world->engines[0]->partitions[0].saved;
        writes = put_until_saving(world, writes);
        int during = 0;
        for (; world->engines[0]->partitions[0].still != NULL && during < 10 * KEYS; during++) {
            put_large(world, writes++);
            world_pass(world, 1);
        }
        assert_true(during > 1);
        assert_int_equal(world->engines[0]->partitions[0].saved, before + 1);
    }
    end_life(world);
    expect_written(directory, writes);
    remove_files(directory);
}

/* As after a sync: what had been begun comes to nothing. */
static void test_engine_store_when_a_whole_state_is_saved_meanwhile_pieces_give_way(void **state)
{
    (void)state;
    char directory[] = "/tmp/holm-store-XXXXXX";
    assert_non_null(mkdtemp(directory));
    struct world *world = live_in(directory);
    int writes = put_until_saving(world, 0);
    struct holm_engine *engine = world->engines[0];
    assert_non_null(engine->saving);
    engine->partitions[0].syncs = UINT64_MAX;
    put_large(world, writes++);
    assert_null(engine->partitions[0].still);
    assert_int_equal(engine->partitions[0].saved, 1);
    for (int i = 0; i < 20; i++) {
        put_large(world, writes++);
        world_pass(world, 2);
    }
    assert_null(engine->saving);
    assert_false(holm_engine_store_failed(engine));
    end_life(world);
    expect_written(directory, writes);
    remove_files(directory);
}

/* ---- what a sync has brought ---------------------------------------------------------------- */

/* Node 1 keeps nothing of its runs, and has all of so many keys: node 0 can have them by a sync alone. */
static struct world *sync_into(const char *directory, int keys)
{
    struct world *world = world_new_of(1, 2, 1);
    world->stores[0] = open_directory(directory);
    world->configs[1].log_bytes_max = 4096;
    world_start(world, 1);
    for (int i = 0; i < keys; i++) {
        put_large_at(world, 1, i);
        if (i % 50 == 0)
            world_pass(world, 2);
    }
    world_pass(world, 100);
    world_start(world, 0);
    put_large_at(world, 0, 7); /* which it has stored before */
    assert_int_equal(holm_engine_flush(world->engines[0], 0, world_now(world, 0)), HOLM_OK);
    world_join(world, 0, 1);
    for (int i = 0; i < 20000 && !atomic_load(&world->engines[0]->partitions[0].awaited); i++)
        world_pass(world, 1);
    assert_true(atomic_load(&world->engines[0]->partitions[0].awaited));
    return world;
}

static void end_both(struct world *world, bool farewell)
{
    if (farewell)
        holm_engine_farewell(world->engines[0], world_now(world, 0));
    world_kill(world, 1);
    end_life(world);
}

static enum holm_status look_durable_for(struct world *world, uint64_t timeout_us)
{
    return holm_engine_sync(world->engines[0], 0, 1, world_now(world, 0), timeout_us);
}

/* It is saved while writes go on, and what is written meanwhile is durable when it is. */
static void test_engine_store_when_a_sync_was_applied_what_it_brought_is_saved_in_pieces(
    void **state)
{
    (void)state;
    char directory[] = "/tmp/holm-store-XXXXXX";
    assert_non_null(mkdtemp(directory));
    struct world *world = sync_into(directory, KEYS);
    struct holm_engine_partition *partition = &world->engines[0]->partitions[0];
    int writes = KEYS + 1, during = 0;
    assert_int_equal(partition->saved, 0);
    for (; atomic_load(&partition->awaited) && during < 10 * KEYS; during++) {
        assert_int_equal(look_durable_for(world, 1000), HOLM_ETIMEDOUT);
        put_large_at(world, 0, writes++);
        world_pass(world, 1);
    }
    assert_true(during > 2);
    assert_int_equal(partition->saved, 1);
    assert_int_equal(look_durable_for(world, ALL_US), HOLM_OK);
    end_both(world, false);
    expect_written(directory, writes);
    remove_files(directory);
}

/* A life that ends badly before that has what it had before; one that ends well has all. */
static void test_engine_store_when_a_life_ends_with_a_sync_half_saved_it_is_as_before(void **state)
{
    (void)state;
    for (int farewell = 0; farewell < 2; farewell++) {
        char directory[] = "/tmp/holm-store-XXXXXX";
        int writes = KEYS + 1;
        assert_non_null(mkdtemp(directory));
        struct world *world = sync_into(directory, KEYS);
        for (int i = 0; i < 3; i++) {
            put_large_at(world, 0, writes++);
            world_pass(world, 1);
        }
        assert_true(atomic_load(&world->engines[0]->partitions[0].awaited));
        end_both(world, farewell != 0);
        expect_written(directory, farewell ? writes : 1);
        remove_files(directory);
    }
}

/* Pieces of the state before come to nothing by the next, again and again: then they become larger, and it ends. */
static void test_engine_store_when_syncs_follow_each_other_it_is_saved_between_two(void **state)
{
    (void)state;
    char directory[] = "/tmp/holm-store-XXXXXX";
    int writes = KEYS + 1, given_up = 0;
    assert_non_null(mkdtemp(directory));
    struct world *world = sync_into(directory, KEYS);
    struct holm_engine *engine = world->engines[0];
    for (int i = 0; i < 10 && atomic_load(&engine->awaiting) > 0; i++, given_up++) {
        put_large_at(world, 0, writes++);
        pthread_mutex_lock(&engine->partitions[0].lock);
        holm_engine_await(engine, 0);
        pthread_mutex_unlock(&engine->partitions[0].lock);
        assert_int_equal(atomic_load(&engine->awaiting), 1);
        world_pass(world, 3);
    }
    assert_in_range(given_up, 2, 7);
    assert_int_equal(engine->partitions[0].saved, 1);
    assert_int_equal(look_durable_for(world, ALL_US), HOLM_OK);
    end_both(world, false);
    expect_written(directory, writes);
    remove_files(directory);
}

/* A life may end with a state half saved. */
static void test_engine_store_when_a_life_ends_with_a_state_half_saved_nothing_is_lost(void **state)
{
    (void)state;
    char directory[] = "/tmp/holm-store-XXXXXX";
    int writes = 0;
    assert_non_null(mkdtemp(directory));
    for (int life = 0; life < 4; life++) {
        struct world *world = live_in(directory);
        writes = put_until_saving(world, writes);
        assert_int_equal(holm_engine_flush(world->engines[0], 0, world_now(world, 0)), HOLM_OK);
        end_life(world);
        expect_written(directory, writes);
    }
    remove_files(directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_engine_store_when_runs_outgrow_the_state_it_takes_their_place),
        cmocka_unit_test(test_engine_store_when_others_write_then_it_is_bounded_too),
        cmocka_unit_test(test_engine_store_when_the_disk_has_failed_then_others_are_repaired_by_it),
        cmocka_unit_test(test_engine_store_when_a_state_is_saved_in_pieces_writes_go_on),
        cmocka_unit_test(test_engine_store_when_a_whole_state_is_saved_meanwhile_pieces_give_way),
        cmocka_unit_test(
            test_engine_store_when_a_life_ends_with_a_state_half_saved_nothing_is_lost),
        cmocka_unit_test(
            test_engine_store_when_a_sync_was_applied_what_it_brought_is_saved_in_pieces),
        cmocka_unit_test(test_engine_store_when_a_life_ends_with_a_sync_half_saved_it_is_as_before),
        cmocka_unit_test(test_engine_store_when_syncs_follow_each_other_it_is_saved_between_two),
    };
    return cmocka_run_group_tests_name("engine_store", tests, NULL, NULL);
}

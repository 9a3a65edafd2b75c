/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a node has stored before it is a member, and at the moment when it becomes one: the journal, the states that
 * are put in place, and its epoch. Node 0 founds; node 1 is the one that dies. Both have disks that sync nothing by themselves.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "crdt/partition.h"
#include "sim/world/disk.h"
#include "tests/unit/engine_world.h"

#define NODES 2u
#define PARTITIONS 2u
#define LAZY 1000u

/* Sums in different partitions. */
static const char *const keys[] = {"n", "o", "p", "q"};

#define KEYS (sizeof keys / sizeof keys[0])

struct cluster {
    struct world *world;
    struct holm_disk *disks[NODES];
    bool memory; /* the disks are not used */
};

static void open(struct cluster *c)
{
    c->memory = false;
    c->world = world_new_of(1, NODES, PARTITIONS);
    for (uint32_t i = 0; i < NODES; i++) {
        c->world->configs[i].retention = HOLM_RETENTION_STABLE;
        c->world->configs[i].founds = i == 0;
        c->disks[i] = holm_disk_new(PARTITIONS);
        holm_disk_set_lazy(c->disks[i], LAZY);
    }
    assert_int_not_equal(holm_partition_of(holm_str("n"), PARTITIONS),
                         holm_partition_of(holm_str("o"), PARTITIONS));
}

static void start(struct cluster *c, uint32_t index)
{
    if (!c->memory)
        c->world->stores[index] = holm_disk_open(c->disks[index]);
    world_start(c->world, index);
    world_join(c->world, index, 1 - index);
}

static void stop(struct cluster *c, uint32_t index)
{
    world_kill(c->world, index);
    if (c->memory)
        return;
    c->world->stores[index]->ops->close(c->world->stores[index]);
    c->world->stores[index] = NULL;
}

/* Nothing stays of what was not synced. */
static void crash(struct cluster *c, uint32_t index)
{
    stop(c, index);
    holm_disk_crash(c->disks[index], 0);
}

static void close(struct cluster *c)
{
    for (uint32_t i = 0; i < NODES; i++) {
        if (c->world->engines[i] != NULL)
            stop(c, i);
        holm_disk_free(c->disks[i]);
    }
    world_free(c->world);
}

static struct holm_engine_membership standing(struct cluster *c, uint32_t index)
{
    struct holm_engine_membership membership;
    holm_engine_membership(c->world->engines[index], &membership);
    return membership;
}

static enum holm_status commit(struct cluster *c, uint32_t index, struct holm_op op)
{
    return holm_engine_commit(c->world->engines[index], holm_partition_of(op.key, PARTITIONS), &op,
                              1, world_now(c->world, index), NULL);
}

static void add(struct cluster *c, uint32_t index, int64_t amount)
{
    for (size_t i = 0; i < KEYS; i++)
        world_add(c->world, index, keys[i], amount);
}

static void expect_sums(struct cluster *c, uint32_t index, int64_t sum)
{
    for (size_t i = 0; i < KEYS; i++)
        assert_int_equal(world_sum(c->world, index, keys[i]), sum);
}

/* Millisecond by millisecond, until node 1 is a member. */
static void run_to_member(struct cluster *c)
{
    for (int i = 0; i < 20000 && !standing(c, 1).confirmed; i++)
        world_run(c->world, 1);
    assert_true(standing(c, 1).confirmed);
}

static void expect_all(struct cluster *c, int64_t sum)
{
    world_run(c->world, 20000);
    for (uint32_t i = 0; i < NODES; i++) {
        assert_true(standing(c, i).confirmed);
        assert_int_equal(standing(c, i).journalled, 0);
        expect_sums(c, i, sum);
    }
}

static void test_engine_journal_when_it_restarts_is_kept_and_seen(void **state)
{
    (void)state;
    struct cluster c;
    open(&c);
    holm_disk_set_lazy(c.disks[1], 1);
    start(&c, 1);
    add(&c, 1, 5);
    assert_int_equal(commit(&c, 1, holm_op_bury(holm_str("m"))), HOLM_OK);
    for (int life = 0; life < 3; life++) {
        crash(&c, 1);
        world_pass(c.world, 10);
        start(&c, 1);
        assert_int_equal(standing(&c, 1).journalled, KEYS + 1 + (uint32_t)life);
        expect_sums(&c, 1, 5);
        assert_int_equal(commit(&c, 1, holm_op_put(holm_str("m"), holm_str("f"), holm_i64(1))),
                         HOLM_EBURIED);
        assert_int_equal(commit(&c, 1, holm_op_insert(holm_str("s"), holm_str("f"), holm_str("x"))),
                         HOLM_OK);
    }
    start(&c, 0);
    add(&c, 0, 1);
    expect_all(&c, 6);
    close(&c);
}

/* A batch is in the journal, or in a run with a dot: never in both, never in neither. */
static void test_engine_journal_when_it_dies_as_it_is_minted_counts_once(void **state)
{
    (void)state;
    struct cluster c;
    open(&c);
    start(&c, 0);
    world_run(c.world, 8000);
    add(&c, 0, 1);
    holm_disk_set_lazy(c.disks[1], 1);
    start(&c, 1);
    add(&c, 1, 5);
    holm_disk_set_lazy(c.disks[1], LAZY);
    run_to_member(&c);
    crash(&c, 1);
    world_split(c.world, 1, true);
    start(&c, 1);
    assert_int_equal(standing(&c, 1).journalled, 0);
    expect_sums(&c, 1, 6); /* what node 0 had is there, too */
    world_split(c.world, 1, false);
    expect_all(&c, 6);
    close(&c);
}

static const struct holm_store_ops *disk_ops;

/* All goes well up to there. */
static enum holm_status fail_at_end(struct holm_store *store, bool whole)
{
    holm_disk_set_fault((struct holm_disk *)(void *)store, HOLM_DISK_EIO);
    return disk_ops->end(store, whole);
}

/* `fault`: from its beginning on; HOLM_DISK_WELL: at its end. */
static void fail_as_it_is_minted(enum holm_disk_fault fault)
{
    struct holm_store_ops ops;
    struct cluster c;
    open(&c);
    start(&c, 0);
    world_run(c.world, 8000);
    add(&c, 0, 1);
    holm_disk_set_lazy(c.disks[1], 1);
    start(&c, 1);
    add(&c, 1, 5);
    holm_disk_set_fault(c.disks[1], fault);
    disk_ops = c.world->stores[1]->ops;
    ops = *disk_ops;
    ops.end = fault == HOLM_DISK_WELL ? fail_at_end : ops.end;
    c.world->stores[1]->ops = &ops;
    run_to_member(&c);
    world_run(c.world, 5000);
    assert_true(holm_disk_failed(c.disks[1]));
    expect_sums(&c, 0, 1); /* nothing has left that is not kept */
    expect_sums(&c, 1, 6); /* and reading goes on */
    assert_int_equal(commit(&c, 1, holm_op_add(holm_str("n"), holm_str("n"), 1)), HOLM_EIO);
    holm_disk_set_fault(c.disks[1], HOLM_DISK_WELL);
    c.world->stores[1]->ops = disk_ops;
    crash(&c, 1);
    start(&c, 1);
    assert_int_equal(standing(&c, 1).journalled, KEYS);
    expect_all(&c, 6);
    close(&c);
}

static void test_engine_journal_when_the_store_fails_as_it_is_minted_is_minted_later(void **state)
{
    (void)state;
    fail_as_it_is_minted(HOLM_DISK_WELL);
    fail_as_it_is_minted(HOLM_DISK_FULL);
    fail_as_it_is_minted(HOLM_DISK_EIO);
}

/* What is not stored is not taken, nor seen. */
static void test_engine_journal_when_the_store_fails_refuses(void **state)
{
    (void)state;
    struct cluster c;
    open(&c);
    start(&c, 1);
    add(&c, 1, 5);
    holm_disk_set_fault(c.disks[1], HOLM_DISK_FULL);
    assert_int_equal(commit(&c, 1, holm_op_add(holm_str("n"), holm_str("n"), 1)), HOLM_EIO);
    assert_int_equal(commit(&c, 1, holm_op_add(holm_str("n"), holm_str("n"), 1)), HOLM_EIO);
    expect_sums(&c, 1, 5);
    assert_int_equal(standing(&c, 1).journalled, KEYS);
    close(&c);
}

/* Its own writes that nobody else has are written anew in the moment when its state goes. */
static void test_engine_journal_when_it_dies_as_its_state_is_replaced_has_what_is_minted_anew(
    void **state)
{
    (void)state;
    struct cluster c;
    open(&c);
    start(&c, 0);
    start(&c, 1);
    world_run(c.world, 8000);
    add(&c, 0, 1);
    world_converge(c.world, 2000);
    world_split(c.world, 1, true);
    add(&c, 1, 5);
    world_run(c.world, 2000);
    assert_int_equal(holm_engine_forget(c.world->engines[0], c.world->configs[1].self.node,
                                        world_now(c.world, 0)),
                     HOLM_OK);
    world_run(c.world, 8000);
    stop(&c, 1);
    world_split(c.world, 1, false);
    start(&c, 1);
    assert_false(standing(&c, 1).confirmed);
    run_to_member(&c);
    assert_int_equal(standing(&c, 1).replaced, 1);
    assert_int_equal(standing(&c, 1).reminted, KEYS);
    crash(&c, 1);
    world_split(c.world, 1, true);
    start(&c, 1);
    expect_sums(&c, 1, 6);
    world_split(c.world, 1, false);
    expect_all(&c, 6);
    close(&c);
}

/* ---- memory ---- */

/* Up to the millisecond in which node 1 becomes a member, with a journal of sums of 5. */
static void come(struct cluster *c)
{
    start(c, 0);
    world_run(c->world, 8000);
    add(c, 0, 1);
    holm_disk_set_lazy(c->disks[1], 1);
    start(c, 1);
    add(c, 1, 2);
    add(c, 1, 3);
}

/* The same, up to that in which its state, with sums of 3 that nobody has, is replaced; sums of 2 are journalled. */
static void come_back(struct cluster *c)
{
    start(c, 0);
    start(c, 1);
    world_run(c->world, 8000);
    add(c, 0, 1);
    world_converge(c->world, 2000);
    world_split(c->world, 1, true);
    add(c, 1, 2);
    add(c, 1, 1);
    assert_int_equal(holm_engine_forget(c->world->engines[0], c->world->configs[1].self.node,
                                        world_now(c->world, 0)),
                     HOLM_OK);
    world_run(c->world, 4000);
    world_split(c->world, 1, false);
    for (int i = 0; i < 20000 && standing(c, 1).confirmed; i++)
        world_run(c->world, 1);
    assert_false(standing(c, 1).confirmed);
    add(c, 1, 2);
}

/* How many milliseconds from there on it takes, and how much is allocated in the last. */
static void measure(void (*prepare)(struct cluster *), bool memory, int *ms, uint64_t *allocations)
{
    struct cluster c;
    open(&c);
    c.memory = memory;
    prepare(&c);
    for (*ms = 0; !standing(&c, 1).confirmed; *ms += 1) {
        assert_true(*ms < 20000);
        c.world->heap.allocations = 0;
        world_run(c.world, 1);
    }
    *allocations = c.world->heap.allocations;
    close(&c);
}

/* Allocations fail there, `more` behind the n-th. With a disk it is started again while some wait, or if nothing can be
 * stored any more. */
static bool run_short(void (*prepare)(struct cluster *), bool memory, int ms, uint64_t n,
                      uint64_t more)
{
    struct cluster c;
    open(&c);
    c.memory = memory;
    prepare(&c);
    world_run(c.world, (uint64_t)ms - 1);
    c.world->heap.allocations = 0;
    c.world->heap.fail_at = n;
    c.world->heap.fail_more = more;
    world_pass(c.world, 50);
    bool waits = standing(&c, 1).confirmed && standing(&c, 1).journalled > 0;
    c.world->heap.fail_at = 0;
    if (!memory && holm_engine_store_failed(c.world->engines[1])) {
        crash(&c, 1);
        start(&c, 1);
    } else if (!memory && waits) {
        stop(&c, 1);
        start(&c, 1);
    }
    expect_all(&c, 6);
    close(&c);
    return waits;
}

static void expect_nothing_lost(void (*prepare)(struct cluster *), bool memory)
{
    int ms;
    uint64_t allocations;
    bool waited = false;
    measure(prepare, memory, &ms, &allocations);
    for (uint64_t n = 1; n <= allocations; n += 1 + allocations / 64) {
        (void)run_short(prepare, memory, ms, n, 0);
        waited |= run_short(prepare, memory, ms, n, 100000);
    }
    assert_true(waited);
}

static void test_engine_journal_when_memory_is_refused_as_it_is_minted_keeps_the_rest(void **state)
{
    (void)state;
    expect_nothing_lost(come, true);
    expect_nothing_lost(come, false);
}

static void test_engine_journal_when_memory_is_refused_as_its_state_is_replaced_loses_nothing(
    void **state)
{
    (void)state;
    expect_nothing_lost(come_back, true);
    expect_nothing_lost(come_back, false);
}

/* T41, T17: whatever the clock says. */
static void test_engine_journal_when_the_clock_goes_back_the_epoch_does_not(void **state)
{
    (void)state;
    struct cluster c;
    open(&c);
    struct holm_epoch before = {0};
    for (int life = 0; life < 4; life++) {
        start(&c, 1);
        struct holm_epoch epoch = holm_engine_self(c.world->engines[1]).epoch;
        assert_true(epoch.value > before.value);
        before = epoch;
        crash(&c, 1);
        c.world->skew_ms[1] -= 86400000;
    }
    assert_true(before.value >> 16 >= 1700000000000);
    close(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_engine_journal_when_it_restarts_is_kept_and_seen),
        cmocka_unit_test(test_engine_journal_when_it_dies_as_it_is_minted_counts_once),
        cmocka_unit_test(test_engine_journal_when_the_store_fails_as_it_is_minted_is_minted_later),
        cmocka_unit_test(test_engine_journal_when_the_store_fails_refuses),
        cmocka_unit_test(
            test_engine_journal_when_it_dies_as_its_state_is_replaced_has_what_is_minted_anew),
        cmocka_unit_test(test_engine_journal_when_memory_is_refused_as_it_is_minted_keeps_the_rest),
        cmocka_unit_test(
            test_engine_journal_when_memory_is_refused_as_its_state_is_replaced_loses_nothing),
        cmocka_unit_test(test_engine_journal_when_the_clock_goes_back_the_epoch_does_not),
    };
    return cmocka_run_group_tests_name("engine_journal", tests, NULL, NULL);
}

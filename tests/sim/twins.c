/* SPDX-License-Identifier: Apache-2.0 */
/*
 * T03: two live nodes under one id. n1 and n2 are such twins, n0 is a third that both know.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "crdt/partition.h"
#include "sim/world/world.h"

#define S UINT64_C(1000000)
#define ALL 7u

struct seen {
    uint32_t epochs[3]; /* that each took after its first */
    uint32_t alarms[3];
    uint32_t downs; /* how often n1 went down for n0 */
};

static void look_on(void *context, const struct holm_world_event *event)
{
    struct seen *seen = context;
    if (event->type != HOLM_WORLD_LOGGED)
        return;
    seen->epochs[event->node] += strstr(event->text, "new epoch") != NULL;
    seen->alarms[event->node] += strstr(event->text, "duplicate node") != NULL;
    seen->downs += event->node == 0 && strcmp(event->text, "peer n1 is down") == 0;
}

/* The twins have one epoch, or each its own; nobody has met. */
static struct holm_world *open_world(struct seen *seen, uint64_t seed, bool one_epoch)
{
    struct holm_world_config config = holm_world_config_default(seed);
    struct holm_world_node_config node = holm_world_node_config_default();
    struct holm_world *world;
    config.hook.event = look_on;
    config.hook.context = seen;
    assert_int_equal(holm_world_new(&config, &world), HOLM_OK);
    for (uint32_t i = 0; i < 3; i++) {
        struct holm_epoch epoch = {(config.wall_ms << 16) + (one_epoch ? 0 : i)};
        node.node_id = i == 0 ? 1 : 2;
        (void)holm_world_add(world, &node);
        assert_int_equal(holm_world_start_as(world, i, epoch), HOLM_OK);
    }
    return world;
}

static void meet(struct holm_world *world)
{
    holm_world_join(world, 1, 0);
    holm_world_join(world, 2, 0);
}

static void write_one(struct holm_world *world, uint32_t node, struct holm_op op)
{
    struct holm_receipt receipt;
    assert_int_equal(holm_world_commit(world, node, &op, 1, &receipt), HOLM_OK);
}

static void add(struct holm_world *world, uint32_t node, int64_t amount)
{
    write_one(world, node, holm_op_add(holm_str("k"), holm_str("f"), amount));
}

static const struct holm_replica *lock(struct holm_world *world, uint32_t node,
                                       struct holm_engine **engine, uint32_t *partition)
{
    *engine = holm_world_engine(world, node);
    *partition = holm_partition_of(holm_str("k"), holm_engine_partitions(*engine));
    return holm_engine_lock(*engine, *partition);
}

static int64_t sum(struct holm_world *world, uint32_t node)
{
    struct holm_engine *engine;
    uint32_t partition;
    int64_t total = 0;
    const struct holm_replica *replica = lock(world, node, &engine, &partition);
    enum holm_status status = holm_replica_count(replica, holm_str("k"), holm_str("f"), &total);
    holm_engine_unlock(engine, partition);
    assert_true(status == HOLM_OK || status == HOLM_ENOENT);
    return total;
}

static int64_t number(struct holm_world *world, uint32_t node, const char *field)
{
    struct holm_engine *engine;
    uint32_t partition;
    struct holm_cell_view cell;
    const struct holm_replica *replica = lock(world, node, &engine, &partition);
    enum holm_status status = holm_replica_get(replica, holm_str("k"), holm_str(field),
                                               HOLM_REGISTER, &cell);
    int64_t value = status == HOLM_OK ? cell.value.as.i64 : -1;
    holm_engine_unlock(engine, partition);
    return value;
}

static struct holm_stats stats_of(struct holm_world *world, uint32_t node)
{
    struct holm_stats stats;
    holm_engine_stats(holm_world_engine(world, node), &stats);
    return stats;
}

static void run(struct holm_world *world, uint64_t us)
{
    holm_world_run(world, holm_world_now_us(world) + us);
}

static bool agree(void *context, struct holm_world *world)
{
    (void)context;
    return holm_world_agree(world, ALL);
}

static void converge(struct holm_world *world, uint64_t us)
{
    assert_true(holm_world_run_until(world, holm_world_now_us(world) + us, 1000, agree, NULL));
}

static void test_twins_when_one_dot_has_two_payloads_all_take_the_same(void **state)
{
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct seen seen = {0};
        struct holm_world *world = open_world(&seen, seed, true);
        add(world, 1, 1);
        add(world, 2, 10);
        write_one(world, 1, holm_op_put(holm_str("k"), holm_str("r"), holm_i64(5)));
        write_one(world, 2, holm_op_put(holm_str("k"), holm_str("r"), holm_i64(3)));
        meet(world);
        converge(world, 60 * S);
        for (uint32_t i = 0; i < 3; i++) {
            assert_int_equal(sum(world, i), 10);
            assert_int_equal(number(world, i, "r"), number(world, 0, "r"));
            assert_true(number(world, i, "r") == 5 || number(world, i, "r") == 3);
        }
        assert_true(
            stats_of(world, 0).mended + stats_of(world, 1).mended + stats_of(world, 2).mended > 0);
        add(world, 1, 100);
        add(world, 2, 1000);
        converge(world, 60 * S);
        for (uint32_t i = 0; i < 3; i++)
            assert_int_equal(sum(world, i), 1110);
        run(world, 60 * S);
        for (uint32_t i = 0; i < 3; i++)
            assert_true(stats_of(world, i).twins > 0 && seen.alarms[i] > 0);
        holm_world_free(world);
    }
}

static void test_twins_when_one_dot_names_two_things_both_stay(void **state)
{
    struct seen seen = {0};
    struct holm_world *world = open_world(&seen, 5, true);
    write_one(world, 1, holm_op_put(holm_str("k"), holm_str("a"), holm_i64(5)));
    write_one(world, 2, holm_op_put(holm_str("k"), holm_str("b"), holm_i64(3)));
    meet(world);
    converge(world, 60 * S);
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(number(world, i, "a"), 5);
        assert_int_equal(number(world, i, "b"), 3);
    }
    /* What it wrote is removed as anything else is. */
    write_one(world, 0, holm_op_remove(holm_str("k"), holm_str("a")));
    converge(world, 60 * S);
    for (uint32_t i = 0; i < 3; i++)
        assert_int_equal(number(world, i, "a"), -1);
    holm_world_free(world);
}

static void live_on(bool one_epoch)
{
    struct seen seen = {0};
    struct holm_world *world = open_world(&seen, 7, one_epoch);
    meet(world);
    run(world, 120 * S);
    uint32_t taken = seen.epochs[1] + seen.epochs[2];
    uint32_t alarms[3] = {seen.alarms[0], seen.alarms[1], seen.alarms[2]};
    assert_true(taken >= 1 && seen.epochs[1] <= 5 && seen.epochs[2] <= 5);
    /* One that two have is burnt for both; of two it is the lower one that is outdone, while that helps. */
    assert_true(!one_epoch || (seen.epochs[1] >= 1 && seen.epochs[2] >= 1));
    struct holm_actor one = holm_engine_self(holm_world_engine(world, 1));
    struct holm_actor other = holm_engine_self(holm_world_engine(world, 2));
    assert_false(holm_actor_equal(one, other));
    /* From here on both are up, write, and are heard of; and whoever looks after them goes on being told. */
    for (int i = 0; i < 10; i++) {
        add(world, 1, 1);
        add(world, 2, 10);
        run(world, 60 * S);
        assert_true(agree(NULL, world));
        assert_int_equal(stats_of(world, 0).peers_up, 2);
    }
    assert_int_equal(sum(world, 0), 110);
    assert_int_equal(seen.epochs[1] + seen.epochs[2], taken);
    for (uint32_t i = 0; i < 3; i++)
        assert_true(seen.alarms[i] >= alarms[i] + 8 && seen.alarms[i] <= alarms[i] + 30);
    holm_world_free(world);
}

static void test_twins_when_both_live_on_they_take_few_epochs_and_are_told_of(void **state)
{
    live_on(true);
    live_on(false);
}

/* It was a twin; the other is stopped: its id is free again, for a next life, too. */
static void test_twins_when_one_is_stopped_the_other_is_a_node_like_any(void **state)
{
    struct seen seen = {0};
    struct holm_world *world = open_world(&seen, 9, true);
    meet(world);
    run(world, 60 * S);
    holm_world_crash(world, 2);
    run(world, 20 * S);
    struct holm_peer peers[4];
    struct holm_now now = holm_world_clock(world, 0);
    assert_int_equal(holm_engine_peers(holm_world_engine(world, 0), now, peers, 4), 1);
    uint32_t alarms = seen.alarms[0] + seen.alarms[1];
    run(world, 300 * S);
    assert_int_equal(seen.alarms[0] + seen.alarms[1], alarms);
    holm_world_crash(world, 1);
    assert_int_equal(holm_world_start(world, 1), HOLM_OK);
    holm_world_join(world, 1, 0);
    add(world, 1, 4);
    run(world, 20 * S);
    assert_int_equal(sum(world, 0), 4);
    assert_int_equal(stats_of(world, 0).peers_up, 1);
    assert_int_equal(seen.alarms[0] + seen.alarms[1], alarms);
    holm_world_free(world);
}

/* One dies, and is back before its link has fallen silent. */
static void test_twins_when_one_is_back_at_once_they_count_once_and_the_other_stays_up(void **state)
{
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct seen seen = {0};
        struct holm_world *world = open_world(&seen, seed, seed % 2 == 0);
        meet(world);
        run(world, 60 * S);
        add(world, 0, 1);
        run(world, 20 * S);
        struct holm_engine *engine;
        uint32_t partition;
        uint64_t seq = holm_replica_last_minted(lock(world, 0, &engine, &partition));
        holm_engine_unlock(engine, partition);
        assert_int_equal(holm_engine_seen(engine, partition, &seq, 1), 1);
        seen.downs = 0;
        holm_world_crash(world, 2);
        assert_int_equal(holm_world_start(world, 2), HOLM_OK);
        meet(world);
        for (int i = 0; i < 2000; i++) {
            run(world, 1000);
            assert_true(holm_engine_seen(engine, partition, &seq, 1) <= 1);
        }
        run(world, 20 * S);
        assert_int_equal(holm_engine_seen(engine, partition, &seq, 1), 1);
        assert_int_equal(holm_engine_peers_up(engine), 1);
        assert_int_equal(seen.downs, 0);
        holm_world_free(world);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_twins_when_one_dot_has_two_payloads_all_take_the_same),
        cmocka_unit_test(test_twins_when_one_dot_names_two_things_both_stay),
        cmocka_unit_test(test_twins_when_both_live_on_they_take_few_epochs_and_are_told_of),
        cmocka_unit_test(test_twins_when_one_is_stopped_the_other_is_a_node_like_any),
        cmocka_unit_test(
            test_twins_when_one_is_back_at_once_they_count_once_and_the_other_stays_up),
    };
    return cmocka_run_group_tests_name("twins", tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two live nodes under one id. n1 and n2 are such twins, n0 is a third that both know. T03
 *
 * Under one epoch one dot has two payloads: which of them holds no oracle can tell, and nobody judges that.
 */
#include "crdt/partition.h"
#include "sim/world/script_acts.h"

#define S 1000u /* in milliseconds */

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
static void open_twins(struct holm_script *script, struct seen *seen, bool one_epoch)
{
    holm_script_open(script, 3, HOLM_SCRIPT_UNJUDGED);
    script->overhear = look_on;
    script->overhears = seen;
    uint64_t wall_ms = holm_world_config_default(script->seed).wall_ms;
    for (uint32_t i = 0; i < 3; i++) {
        struct holm_epoch epoch = {(wall_ms << 16) + (one_epoch ? 0 : i)};
        script->config.node_id = i == 0 ? 1 : 2;
        (void)holm_world_add(script->world, &script->config);
        HOLM_SCRIPT_EXPECT(script, holm_world_start_as(script->world, i, epoch) == HOLM_OK);
    }
}

static void meet(struct holm_script *script)
{
    holm_world_join(script->world, 1, 0);
    holm_world_join(script->world, 2, 0);
}

static void write_one(const struct holm_script *script, uint32_t node, struct holm_op op)
{
    struct holm_receipt receipt;
    HOLM_SCRIPT_EXPECT(script, holm_world_commit(script->world, node, &op, 1, &receipt) == HOLM_OK);
}

static void add(const struct holm_script *script, uint32_t node, int64_t amount)
{
    write_one(script, node, holm_op_add(holm_str("k"), holm_str("f"), amount));
}

static const struct holm_replica *lock(const struct holm_script *script, uint32_t node,
                                       struct holm_engine **engine, uint32_t *partition)
{
    *engine = holm_world_engine(script->world, node);
    *partition = holm_partition_of(holm_str("k"), holm_engine_partitions(*engine));
    return holm_engine_lock(*engine, *partition);
}

static int64_t sum(const struct holm_script *script, uint32_t node)
{
    struct holm_engine *engine;
    uint32_t partition;
    int64_t total = 0;
    const struct holm_replica *replica = lock(script, node, &engine, &partition);
    enum holm_status status = holm_replica_count(replica, holm_str("k"), holm_str("f"), &total);
    holm_engine_unlock(engine, partition);
    HOLM_SCRIPT_EXPECT(script, status == HOLM_OK || status == HOLM_ENOENT);
    return total;
}

static int64_t number(const struct holm_script *script, uint32_t node, const char *field)
{
    struct holm_engine *engine;
    uint32_t partition;
    struct holm_cell_view cell;
    const struct holm_replica *replica = lock(script, node, &engine, &partition);
    enum holm_status status = holm_replica_get(replica, holm_str("k"), holm_str(field),
                                               HOLM_REGISTER, &cell);
    int64_t value = status == HOLM_OK ? cell.value.as.i64 : -1;
    holm_engine_unlock(engine, partition);
    return value;
}

static void two_payloads(struct holm_script *script)
{
    struct seen seen = {0};
    open_twins(script, &seen, true);
    add(script, 1, 1);
    add(script, 2, 10);
    write_one(script, 1, holm_op_put(holm_str("k"), holm_str("r"), holm_i64(5)));
    write_one(script, 2, holm_op_put(holm_str("k"), holm_str("r"), holm_i64(3)));
    meet(script);
    holm_script_converge(script, 60 * S);
    for (uint32_t i = 0; i < 3; i++) {
        HOLM_SCRIPT_EXPECT(script, sum(script, i) == 10);
        HOLM_SCRIPT_EXPECT(script, number(script, i, "r") == number(script, 0, "r"));
        HOLM_SCRIPT_EXPECT(script, number(script, i, "r") == 5 || number(script, i, "r") == 3);
    }
    uint64_t mended = 0;
    for (uint32_t i = 0; i < 3; i++)
        mended += holm_script_stats(script, i).mended;
    HOLM_SCRIPT_EXPECT(script, mended > 0);
    add(script, 1, 100);
    add(script, 2, 1000);
    holm_script_converge(script, 60 * S);
    for (uint32_t i = 0; i < 3; i++)
        HOLM_SCRIPT_EXPECT(script, sum(script, i) == 1110);
    holm_script_run(script, 60 * S);
    for (uint32_t i = 0; i < 3; i++)
        HOLM_SCRIPT_EXPECT(script, holm_script_stats(script, i).twins > 0 && seen.alarms[i] > 0);
    holm_script_close(script);
}

static void two_things(struct holm_script *script)
{
    struct seen seen = {0};
    open_twins(script, &seen, true);
    write_one(script, 1, holm_op_put(holm_str("k"), holm_str("a"), holm_i64(5)));
    write_one(script, 2, holm_op_put(holm_str("k"), holm_str("b"), holm_i64(3)));
    meet(script);
    holm_script_converge(script, 60 * S);
    for (uint32_t i = 0; i < 3; i++) {
        HOLM_SCRIPT_EXPECT(script, number(script, i, "a") == 5);
        HOLM_SCRIPT_EXPECT(script, number(script, i, "b") == 3);
    }
    /* What it wrote is removed as anything else is. */
    write_one(script, 0, holm_op_remove(holm_str("k"), holm_str("a")));
    holm_script_converge(script, 60 * S);
    for (uint32_t i = 0; i < 3; i++)
        HOLM_SCRIPT_EXPECT(script, number(script, i, "a") == -1);
    holm_script_close(script);
}

static void live_on(struct holm_script *script, bool one_epoch)
{
    struct seen seen = {0};
    open_twins(script, &seen, one_epoch);
    meet(script);
    holm_script_run(script, 120 * S);
    uint32_t taken = seen.epochs[1] + seen.epochs[2];
    uint32_t alarms[3] = {seen.alarms[0], seen.alarms[1], seen.alarms[2]};
    HOLM_SCRIPT_EXPECT(script, taken >= 1 && seen.epochs[1] <= 5 && seen.epochs[2] <= 5);
    /* One that two have is burnt for both; of two it is the lower one that is outdone, while that helps. */
    HOLM_SCRIPT_EXPECT(script, !one_epoch || (seen.epochs[1] >= 1 && seen.epochs[2] >= 1));
    struct holm_actor one = holm_engine_self(holm_world_engine(script->world, 1));
    struct holm_actor other = holm_engine_self(holm_world_engine(script->world, 2));
    HOLM_SCRIPT_EXPECT(script, !holm_actor_equal(one, other));
    /* From here on both are up, write, and are heard of; and whoever looks after them goes on being told. */
    for (int i = 0; i < 10; i++) {
        add(script, 1, 1);
        add(script, 2, 10);
        holm_script_run(script, 60 * S);
        HOLM_SCRIPT_EXPECT(script, holm_script_converged(script));
        HOLM_SCRIPT_EXPECT(script, holm_script_stats(script, 0).peers_up == 2);
    }
    HOLM_SCRIPT_EXPECT(script, sum(script, 0) == 110);
    HOLM_SCRIPT_EXPECT(script, seen.epochs[1] + seen.epochs[2] == taken);
    for (uint32_t i = 0; i < 3; i++)
        HOLM_SCRIPT_EXPECT(script,
                           seen.alarms[i] >= alarms[i] + 8 && seen.alarms[i] <= alarms[i] + 30);
    holm_script_close(script);
}

/* It was a twin; the other is stopped: its id is free again, for a next life, too. */
static void one_is_stopped(struct holm_script *script)
{
    struct seen seen = {0};
    open_twins(script, &seen, true);
    meet(script);
    holm_script_run(script, 60 * S);
    holm_script_crash(script, 2);
    holm_script_run(script, 20 * S);
    struct holm_peer peers[4];
    struct holm_now now = holm_world_clock(script->world, 0);
    HOLM_SCRIPT_EXPECT(script,
                       holm_engine_peers(holm_world_engine(script->world, 0), now, peers, 4) == 1);
    uint32_t alarms = seen.alarms[0] + seen.alarms[1];
    holm_script_run(script, 300 * S);
    HOLM_SCRIPT_EXPECT(script, seen.alarms[0] + seen.alarms[1] == alarms);
    holm_script_crash(script, 1);
    HOLM_SCRIPT_EXPECT(script, holm_world_start(script->world, 1) == HOLM_OK);
    holm_world_join(script->world, 1, 0);
    add(script, 1, 4);
    holm_script_run(script, 20 * S);
    HOLM_SCRIPT_EXPECT(script, sum(script, 0) == 4);
    HOLM_SCRIPT_EXPECT(script, holm_script_stats(script, 0).peers_up == 1);
    HOLM_SCRIPT_EXPECT(script, seen.alarms[0] + seen.alarms[1] == alarms);
    holm_script_close(script);
}

/* One dies, and is back before its link has fallen silent. */
static void back_at_once(struct holm_script *script, bool one_epoch)
{
    struct seen seen = {0};
    open_twins(script, &seen, one_epoch);
    meet(script);
    holm_script_run(script, 60 * S);
    add(script, 0, 1);
    holm_script_run(script, 20 * S);
    struct holm_engine *engine;
    uint32_t partition;
    uint64_t seq = holm_replica_last_minted(lock(script, 0, &engine, &partition));
    holm_engine_unlock(engine, partition);
    HOLM_SCRIPT_EXPECT(script, holm_engine_seen(engine, partition, &seq, 1) == 1);
    seen.downs = 0;
    holm_script_crash(script, 2);
    HOLM_SCRIPT_EXPECT(script, holm_world_start(script->world, 2) == HOLM_OK);
    meet(script);
    for (int i = 0; i < 2000; i++) {
        holm_script_run(script, 1);
        HOLM_SCRIPT_EXPECT(script, holm_engine_seen(engine, partition, &seq, 1) <= 1);
    }
    holm_script_run(script, 20 * S);
    HOLM_SCRIPT_EXPECT(script, holm_engine_seen(engine, partition, &seq, 1) == 1);
    HOLM_SCRIPT_EXPECT(script, holm_engine_peers_up(engine) == 1);
    HOLM_SCRIPT_EXPECT(script, seen.downs == 0);
    holm_script_close(script);
}

static void live_one_epoch(struct holm_script *script)
{
    live_on(script, true);
}

static void live_two_epochs(struct holm_script *script)
{
    live_on(script, false);
}

static void back_one_epoch(struct holm_script *script)
{
    back_at_once(script, true);
}

static void back_two_epochs(struct holm_script *script)
{
    back_at_once(script, false);
}

const struct holm_script_act holm_script_t03[] = {
    {"one dot has two payloads, and all take the same", two_payloads},
    {"one dot names two things, and both stay", two_things},
    {"both of one epoch live on, take others, and are told of", live_one_epoch},
    {"both of two epochs live on", live_two_epochs},
    {"one is stopped, and the other is a node like any", one_is_stopped},
    {"one of one epoch is back at once", back_one_epoch},
    {"one of two epochs is back at once", back_two_epochs},
    {NULL, NULL}};

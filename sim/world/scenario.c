/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/world/scenario.h"

#include <stdlib.h>

#include "node/random.h"
#include "sim/world/script_acts.h"

#define MS UINT64_C(1000)
#define S UINT64_C(1000000)
#define KIB ((size_t)1024)

static uint64_t all_of(const struct holm_plan *plan)
{
    return plan->settings.initial;
}

static uint64_t bit(uint32_t node)
{
    return UINT64_C(1) << node;
}

static uint64_t between(struct holm_random *random, uint64_t low, uint64_t high)
{
    return holm_random_between(random, low, high);
}

/* Which of so many: seeds in a row play all of them. */
static uint64_t variant(const struct holm_plan *plan, uint64_t count)
{
    return plan->settings.seed % count;
}

static void add(struct holm_plan *plan, uint64_t at_us, uint32_t node, const char *key,
                int64_t amount)
{
    struct holm_op op = holm_op_add(holm_str(key), holm_str("n"), amount);
    holm_plan_commit(plan, at_us, node, &op, 1);
}

static void put(struct holm_plan *plan, uint64_t at_us, uint32_t node, const char *key,
                int64_t value)
{
    struct holm_op op = holm_op_put(holm_str(key), holm_str("v"), holm_i64(value));
    holm_plan_commit(plan, at_us, node, &op, 1);
}

static void happen(struct holm_plan *plan, uint64_t at_us, enum holm_plan_event_type type,
                   uint32_t node)
{
    (void)holm_plan_add(plan, at_us, type, node);
}

static void cut(struct holm_plan *plan, uint64_t at_us, enum holm_plan_event_type type,
                uint64_t from, uint64_t to)
{
    struct holm_plan_event *event = holm_plan_add(plan, at_us, type, 0);
    event->from = from;
    event->to = to;
}

static void cut_both(struct holm_plan *plan, uint64_t at_us, enum holm_plan_event_type type,
                     uint64_t one, uint64_t other)
{
    cut(plan, at_us, type, one, other);
    cut(plan, at_us, type, other, one);
}

static void jump(struct holm_plan *plan, uint64_t at_us, uint32_t node, int64_t by_ms)
{
    holm_plan_add(plan, at_us, HOLM_PLAN_JUMP, node)->amount = by_ms;
}

/* Writes of all kinds by all nodes, on few keys, spread over a while. */
static void write_much(struct holm_plan *plan, struct holm_random *random, uint64_t from_us,
                       uint64_t to_us, uint32_t count)
{
    static const char *const keys[] = {"k0", "k1", "k2", "k3", "k4", "k5", "k6", "k7"};
    for (uint32_t i = 0; i < count; i++) {
        uint64_t at_us = between(random, from_us, to_us);
        uint32_t node = (uint32_t)between(random, 0, plan->settings.nodes - 1);
        struct holm_bytes key = holm_str(keys[between(random, 0, 7)]), field = holm_str("f");
        struct holm_bytes element = holm_str(keys[between(random, 0, 3)]);
        int64_t number = (int64_t)between(random, 0, 1000);
        const struct holm_op ops[] = {
            holm_op_put(key, field, holm_i64(number)),
            holm_op_add(key, field, number),
            holm_op_insert(key, field, element),
            holm_op_erase(key, field, element),
            holm_op_reset(key, field),
            holm_op_raise(key, field, holm_i64(number)),
            holm_op_remove(key, holm_str("")),
        };
        holm_plan_commit(plan, at_us, node, &ops[between(random, 0, 9) % 7], 1);
    }
}

/* ---- identity and loss of state ------------------------------------------------------------- */

static void build_t01(struct holm_plan *plan, struct holm_random *random)
{
    bool deaf = variant(plan, 2) == 1;
    add(plan, 1 * S, 0, "k", 20);
    add(plan, 2 * S, 0, "k", 20);
    happen(plan, 3 * S, HOLM_PLAN_BOMB, 0);
    if (deaf)
        cut_both(plan, 3 * S, HOLM_PLAN_CUT, bit(0), all_of(plan) & ~bit(0));
    happen(plan, 3 * S + between(random, 1, 100) * MS, HOLM_PLAN_START, 0);
    add(plan, 4 * S, 0, "k", 5);
}

static void build_t02(struct holm_plan *plan, struct holm_random *random)
{
    bool cloned = variant(plan, 2) == 1;
    plan->settings.disk_lazy[0] = 1;
    for (uint64_t i = 1; i <= 20; i++) {
        add(plan, i * 100 * MS, 0, "k", 1);
        if (i == 10)
            happen(plan, i * 100 * MS + between(random, 1, 90) * MS, HOLM_PLAN_BACKUP, 0);
        if (i == 15) {
            struct holm_op op = holm_op_remove(holm_str("r"), holm_str(""));
            holm_plan_commit(plan, i * 100 * MS + 1, 0, &op, 1);
        } else if (i == 5) {
            put(plan, i * 100 * MS + 1, 0, "r", 1);
        }
    }
    if (cloned) {
        uint32_t other = plan->settings.nodes++;
        plan->settings.clone_of[other] = 0;
        plan->settings.disk_lazy[other] = 1;
        holm_plan_add(plan, 2 * S, HOLM_PLAN_CLONE, 0)->other = other;
        add(plan, 2500 * MS, other, "k", 7);
    } else {
        happen(plan, 2 * S + between(random, 1, 500) * MS, HOLM_PLAN_RESTORE, 0);
    }
    for (uint64_t i = 0; i < 5; i++)
        add(plan, 3 * S + i * 100 * MS, 0, "k", 1);
}

/* Nobody writes: two beacon intervals are all it may take (and a moment for the dial). */
static void build_t04(struct holm_plan *plan, struct holm_random *random)
{
    write_much(plan, random, 1 * S, 2 * S, 40);
    happen(plan, 4 * S, HOLM_PLAN_BOMB, (uint32_t)between(random, 0, plan->settings.nodes - 1));
    plan->settings.safety_us = 6 * S;
    plan->settings.bound_us = 2 * plan->settings.engine.beacon_interval_us;
}

/* ---- deltas, clocks, disks ------------------------------------------------------------------ */

/* One writes at full speed to a fast reader, and to one over a slow line who joins amid it. */
static void build_t07(struct holm_plan *plan, struct holm_random *random)
{
    struct holm_network_path slow = plan->settings.path;
    slow.bytes_per_s = between(random, 20, 100) * KIB;
    plan->paths = malloc(sizeof *plan->paths);
    HOLM_ASSERT(plan->paths != NULL);
    plan->paths[plan->path_count++] = slow;
    plan->settings.engine.log_bytes_max = between(random, 4, 64) * KIB;
    plan->settings.initial &= ~bit(2);
    struct holm_plan_event *event = holm_plan_add(plan, 1 * MS, HOLM_PLAN_PATH, 0);
    event->from = bit(0) | bit(1);
    event->to = bit(2);
    happen(plan, 1500 * MS, HOLM_PLAN_START, 2);
    for (uint64_t i = 0; i < 2000; i++)
        add(plan, 1 * S + i * 500, 0, i % 3 == 0 ? "k" : "l", 1);
    plan->settings.engine.unacked_bytes_max = between(random, 2, 64) * KIB;
    plan->settings.safety_us = 3 * S;
}

static void bury(struct holm_plan *plan, uint64_t at_us, uint32_t node, const char *key)
{
    struct holm_op op = holm_op_bury(holm_str(key));
    holm_plan_commit(plan, at_us, node, &op, 1);
}

static void reset(struct holm_plan *plan, uint64_t at_us, uint32_t node, const char *key)
{
    struct holm_op op = holm_op_reset(holm_str(key), holm_str("n"));
    holm_plan_commit(plan, at_us, node, &op, 1);
}

/* n0 buries and resets what is empty at n0 and n1 alike, so that live digests are equal; n1, who must sync, hears
 * of it only by that; n2, who had not seen it, increments. */
static void build_t31(struct holm_plan *plan, struct holm_random *random)
{
    plan->settings.engine.log_bytes_max = 1;
    add(plan, 500 * MS, 2, "r", 3);
    cut_both(plan, 1 * S, HOLM_PLAN_CUT, bit(2), bit(0) | bit(1));
    cut_both(plan, 1 * S, HOLM_PLAN_CUT, bit(0), bit(1));
    bury(plan, 2 * S, 0, "k");
    reset(plan, 2 * S + 1, 0, "r");
    cut_both(plan, 2 * S + between(random, 1, 500) * MS, HOLM_PLAN_HEAL, bit(0), bit(1));
    add(plan, 3 * S, 2, "k", 1);
    add(plan, 3 * S + 1, 2, "r", 5);
    happen(plan, 9 * S, variant(plan, 2) == 1 ? HOLM_PLAN_BOMB : HOLM_PLAN_PAUSE, 0);
    cut_both(plan, 9 * S + 1, HOLM_PLAN_HEAL, bit(2), bit(1));
    plan->settings.safety_us = 12 * S;
}

/* n0: put, drop, as two runs. n1 compares with n0's cut while the first of them, late, is on its way to it. */
static void build_t32(struct holm_plan *plan, struct holm_random *random)
{
    struct holm_op drop = holm_op_remove(holm_str("k"), holm_str(""));
    plan->settings.engine.log_bytes_max = 1;
    plan->settings.path.reorder_permille = 1000;
    plan->settings.path.reorder_us = between(random, 50, 2000) * MS;
    for (uint64_t i = 0; i < 20; i++) {
        uint64_t at_us = 1 * S + i * 150 * MS;
        put(plan, at_us, 0, "k", (int64_t)i);
        holm_plan_commit(plan, at_us + between(random, 2, 20) * MS, 0, &drop, 1);
        if (i % 4 == 3)
            put(plan, at_us + 30 * MS, 2, "k", (int64_t)i);
    }
    plan->settings.safety_us = 6 * S;
}

/* Some is stored, more is added and published in the same flush; then power fails, and n0 goes on from its disk. */
static void build_t33(struct holm_plan *plan, struct holm_random *random)
{
    plan->settings.disk_lazy[0] = (uint32_t)between(random, 1, 3);
    plan->settings.engine.flush_interval_us = 40 * MS;
    for (uint64_t i = 0; i < 10; i++) {
        uint64_t at_us = 1 * S + i * 500 * MS;
        for (uint64_t j = 0; j < 5; j++)
            add(plan, at_us + j * between(random, 1, 15) * MS, 0, "k", 1);
        happen(plan, at_us + between(random, 1, 90) * MS, HOLM_PLAN_CRASH, 0);
        happen(plan, at_us + 100 * MS, HOLM_PLAN_START, 0);
    }
    plan->settings.safety_us = 7 * S;
}

static void build_t08(struct holm_plan *plan, struct holm_random *random)
{
    plan->settings.path.duplicate_permille = 1000;
    plan->settings.path.reorder_permille = 500;
    plan->settings.path.reorder_us = 3 * S;
    write_much(plan, random, 1 * S, 5 * S, 150);
    plan->settings.safety_us = 6 * S;
}

static void build_t16(struct holm_plan *plan, struct holm_random *random)
{
    int64_t day_ms = 86400000;
    jump(plan, between(random, 500, 1400) * MS, 0, variant(plan, 2) == 1 ? day_ms : 365 * day_ms);
    for (uint64_t i = 0; i < 20; i++)
        put(plan, 1500 * MS + i * 100 * MS, (uint32_t)(i % plan->settings.nodes), "k", (int64_t)i);
}

static void build_t17(struct holm_plan *plan, struct holm_random *random)
{
    plan->settings.disk_lazy[0] = 1;
    put(plan, 1 * S, 0, "k", 1);
    put(plan, 1100 * MS, 1, "k", 2);
    happen(plan, 2 * S, variant(plan, 2) == 1 ? HOLM_PLAN_CRASH : HOLM_PLAN_BOMB, 0);
    jump(plan, 2 * S, 0, -600000);
    happen(plan, 2100 * MS, HOLM_PLAN_START, 0);
    put(plan, 2100 * MS + between(random, 0, 2000) * MS, 0, "k", 3);
    put(plan, 4500 * MS, 0, "k", 4);
}

static void build_t19(struct holm_plan *plan, struct holm_random *random)
{
    struct holm_op bury = holm_op_bury(holm_str("k"));
    for (uint32_t i = 0; i < plan->settings.nodes; i++)
        plan->settings.disk_lazy[i] = 1;
    put(plan, 1 * S, 0, "k", 1);
    holm_plan_commit(plan, 2 * S, 1, &bury, 1);
    for (uint32_t i = 0; i < plan->settings.nodes; i++) {
        happen(plan, 3 * S + between(random, 0, 500) * MS, HOLM_PLAN_CRASH, i);
        happen(plan, 4 * S + between(random, 0, 500) * MS, HOLM_PLAN_START, i);
        put(plan, 5 * S + i, i, "k", 9);
    }
}

static void build_t20(struct holm_plan *plan, struct holm_random *random)
{
    for (uint64_t i = 0; i < 200; i++) {
        uint32_t node = (uint32_t)between(random, 0, plan->settings.nodes - 1);
        uint64_t at_us = 1 * S + i * 100 * MS;
        happen(plan, at_us, HOLM_PLAN_BOMB, node);
        happen(plan, at_us + between(random, 1, 80) * MS, HOLM_PLAN_START, node);
    }
    write_much(plan, random, 1 * S, 21 * S, 200);
    plan->settings.safety_us = 22 * S;
    plan->settings.quiet_rounds = 100;
}

static void build_t21(struct holm_plan *plan, struct holm_random *random)
{
    for (uint32_t i = 0; i < plan->settings.nodes; i++) {
        plan->settings.disk_lazy[i] = i % 2;
        happen(plan, between(random, 1, 4) * S, HOLM_PLAN_CRASH, i);
        happen(plan, between(random, 4, 6) * S, HOLM_PLAN_START, i);
    }
    write_much(plan, random, 1 * S, 6 * S, 100);
    plan->settings.safety_us = 7 * S;
    plan->settings.quiet_rounds = 100;
}

/* Frames of 4 KiB, a state of some hundred of them, and a node that comes late and must have it all. */
static void build_t23(struct holm_plan *plan, struct holm_random *random)
{
    static char value[900];
    static char keys[400][8];
    uint32_t late = plan->settings.nodes - 1;
    memset(value, 'x', sizeof value);
    plan->settings.engine.frame_bytes_max = 4 * KIB;
    plan->settings.engine.log_bytes_max = 8 * KIB;
    plan->settings.initial &= ~bit(late);
    for (uint32_t i = 0; i < 400; i++) {
        keys[i][0] = 'k';
        keys[i][1] = (char)('a' + i / 20);
        keys[i][2] = (char)('a' + i % 20);
        struct holm_op op = holm_op_put(holm_str(keys[i]), holm_str("v"),
                                        holm_bytes_value(value, between(random, 1, sizeof value)));
        holm_plan_commit(plan, 1 * S + i * 5 * MS, i % late, &op, 1);
    }
    happen(plan, 3 * S, HOLM_PLAN_START, late);
}

/* It dies at every write, with a disk that tears. */
static void build_t24(struct holm_plan *plan, struct holm_random *random)
{
    plan->settings.disk_lazy[0] = (uint32_t)between(random, 1, 4);
    for (uint64_t i = 0; i < 40; i++) {
        uint64_t at_us = 1 * S + i * 200 * MS;
        add(plan, at_us, 0, "k", 1);
        put(plan, at_us + 1, 0, "v", (int64_t)i);
        happen(plan, at_us + between(random, 0, 20) * MS, HOLM_PLAN_CRASH, 0);
        happen(plan, at_us + 50 * MS, HOLM_PLAN_START, 0);
    }
    plan->settings.safety_us = 10 * S;
}

/* A sync under way while others write; its source dies amid it. */
static void build_t25(struct holm_plan *plan, struct holm_random *random)
{
    build_t23(plan, random);
    uint32_t late = plan->settings.nodes - 1;
    for (uint32_t i = 0; i < late; i++) {
        happen(plan, 3 * S + between(random, 1, 300) * MS, HOLM_PLAN_CRASH, i);
        happen(plan, 3 * S + between(random, 400, 2000) * MS, HOLM_PLAN_START, i);
        for (uint64_t j = 0; j < 50; j++)
            add(plan, 3 * S + j * 10 * MS, i, "count", 1);
    }
    plan->settings.disk_lazy[0] = 1;
    plan->settings.safety_us = 7 * S;
}

/* ---- the network ---------------------------------------------------------------------------- */

static void last(struct holm_plan *plan, uint64_t from, uint64_t to)
{
    struct holm_plan_settings *settings = &plan->settings;
    settings->lasting[settings->lasting_count].from = from;
    settings->lasting[settings->lasting_count++].to = to;
}

/* What stays cut leaves all of them connected, by way of others. */
static void build_t26(struct holm_plan *plan, struct holm_random *random)
{
    uint64_t all = all_of(plan);
    uint32_t nodes = plan->settings.nodes;
    write_much(plan, random, 1 * S, 9 * S, 120);
    plan->settings.safety_us = 10 * S;
    plan->settings.quiet_rounds = 100;
    switch (variant(plan, 5)) {
    case 0: /* one way is gone for good */
        last(plan, bit(0), bit(1));
        break;
    case 1: /* two halves, and a bridge between them */
        last(plan, bit(0) | bit(1), bit(3) | bit(4));
        last(plan, bit(3) | bit(4), bit(0) | bit(1));
        break;
    case 2: /* a ring that was cut in two, and is a ring again */
        for (uint32_t i = 0; i < nodes; i++)
            last(plan, bit(i),
                 all & ~bit(i) & ~bit((i + 1) % nodes) & ~bit((i + nodes - 1) % nodes));
        cut_both(plan, 2 * S, HOLM_PLAN_CUT, bit(0) | bit(1), all & ~bit(0) & ~bit(1));
        cut_both(plan, 6 * S, HOLM_PLAN_HEAL, bit(0) | bit(1), all & ~bit(0) & ~bit(1));
        break;
    case 3: /* links flap, each 100 ms */
        for (uint64_t i = 0; i < 60; i++)
            cut_both(plan, 2 * S + i * 100 * MS, i % 2 == 0 ? HOLM_PLAN_CUT : HOLM_PLAN_HEAL,
                     bit(0), all & ~bit(0));
        break;
    default: /* one after the other is stopped, and restored in any order */
        for (uint32_t i = 0; i < nodes; i++) {
            cut_both(plan, (1 + i) * S, HOLM_PLAN_CUT, bit(i), all & ~bit(i));
            cut_both(plan, between(random, 7, 9) * S, HOLM_PLAN_HEAL, bit(i), all & ~bit(i));
        }
        break;
    }
}

/* Fifty start at once; half of the seeds also split them, and all write on both sides. */
static void build_t27(struct holm_plan *plan, struct holm_random *random)
{
    uint64_t half = bit(plan->settings.nodes / 2) - 1;
    write_much(plan, random, 2 * S, 4 * S, 200);
    if (variant(plan, 2) == 1) {
        cut_both(plan, 2 * S, HOLM_PLAN_CUT, half, all_of(plan) & ~half);
    } else {
        for (uint32_t i = 0; i < plan->settings.nodes; i++) {
            happen(plan, 5 * S, HOLM_PLAN_CRASH, i);
            happen(plan, 5 * S + 1, HOLM_PLAN_START, i);
        }
    }
    plan->settings.safety_us = 6 * S;
}

static void build_t30(struct holm_plan *plan, struct holm_random *random)
{
    plan->settings.hostile = true;
    write_much(plan, random, 1 * S, 5 * S, 80);
    for (uint32_t i = 0; i < 120; i++)
        holm_plan_add(plan, between(random, 1 * S, 5 * S), HOLM_PLAN_HOSTILE,
                      (uint32_t)between(random, 0, plan->settings.nodes - 1))
            ->amount = (int64_t)(holm_random_next(random) >> 1);
    plan->settings.quiet_rounds = 100;
}

/* The first run of a writer is heard by nobody, the second by one; then it dies. */
static void build_t34(struct holm_plan *plan, struct holm_random *random)
{
    uint64_t others = all_of(plan) & ~bit(0);
    add(plan, 1 * S, 0, "k", 1);
    cut(plan, 2 * S, HOLM_PLAN_CUT, bit(0), others);
    add(plan, 2 * S + 10 * MS, 0, "k", 2);
    cut(plan, 2 * S + 50 * MS, HOLM_PLAN_HEAL, bit(0), bit(1));
    add(plan, 2 * S + 60 * MS, 0, "k", 4);
    happen(plan, 2 * S + 60 * MS + between(random, 1000, 3000), HOLM_PLAN_BOMB, 0);
    happen(plan, 4 * S, HOLM_PLAN_START, 0);
    plan->settings.quiet_rounds = 100;
}

/* Half of the seeds have retention `stable`, in which a smaller epoch could also be taken for one that has been folded:
 * then all are members before anything happens, and any node is hit, not only the one that founds. */
static void build_t41(struct holm_plan *plan, struct holm_random *random)
{
    bool stable = variant(plan, 4) >= 2;
    uint64_t from_us = stable ? 12 * S : 1 * S;
    uint32_t node = stable ? (uint32_t)between(random, 0, plan->settings.nodes - 1) : 0;
    write_much(plan, random, from_us, from_us + 1 * S, 30);
    from_us += 1500 * MS;
    happen(plan, from_us, HOLM_PLAN_BOMB, node);
    jump(plan, from_us, node, -(int64_t)between(random, 1, 1000) * 86400000);
    if (variant(plan, 2) == 1)
        cut_both(plan, from_us, HOLM_PLAN_CUT, bit(node), all_of(plan) & ~bit(node));
    happen(plan, from_us + 100 * MS, HOLM_PLAN_START, node);
    for (uint64_t i = 0; i < 10; i++)
        add(plan, from_us + (2 + i) * 100 * MS, node, "k", 1);
    if (!stable)
        return;
    /* Some of them when it is a member again, where it can be. */
    for (uint64_t i = 0; i < 10; i++)
        add(plan, from_us + (80 + i) * 100 * MS, node, "k", 1);
    plan->settings.safety_us = from_us + 10 * S;
    holm_plan_retain(plan, HOLM_RETENTION_STABLE);
}

const struct holm_scenario holm_scenarios[] = {
    {"T01", "a bombed node writes again, before or after it has heard of its former life", 2,
     build_t01, NULL},
    {"T02", "a disk is restored from a backup, or copied into a second running node", 3, build_t02,
     NULL},
    {"T03", "two live nodes under one id, and under one epoch", 3, NULL, holm_script_t03},
    {"T04", "a node is bombed and comes back while nobody writes", 3, build_t04, NULL},
    {"T05", "a part of a transfer, and its source dies", 3, NULL, holm_script_t05},
    {"T07", "full speed to a fast reader, and to a slow one that joins late", 3, build_t07, NULL},
    {"T08", "every broadcast comes twice, half of them seconds late", 4, build_t08, NULL},
    {"T16", "a clock is a day or a year ahead", 3, build_t16, NULL},
    {"T17", "a clock goes back ten minutes across a restart", 2, build_t17, NULL},
    {"T18", "an isolated node heals with an old write to what was buried", 3, NULL,
     holm_script_t18},
    {"T19", "all crash after a burial, and read it from their disks", 3, build_t19, NULL},
    {"T20", "ten nodes are bombed two hundred times", 10, build_t20, NULL},
    {"T21", "restarts with and without disks, then a hundred idle rounds", 5, build_t21, NULL},
    {"T23", "a state of hundreds of frames, and a node that comes late", 4, build_t23, NULL},
    {"T24", "power is lost at every write", 2, build_t24, NULL},
    {"T25", "a sync amid writes, whose sources die", 4, build_t25, NULL},
    {"T26", "one way gone, a bridge, a ring, flapping links, links stopped one by one", 5,
     build_t26, NULL},
    {"T27", "fifty nodes start at once, or are split in halves", 50, build_t27, NULL},
    {"T28", "two wire versions in one cluster", 4, NULL, holm_script_t28},
    {"T30", "an enemy does a hundred and twenty things", 4, build_t30, NULL},
    {"T31", "a sync of two that look alike brings burials and resets", 3, build_t31, NULL},
    {"T32", "a state is compared while a run that it has seen ended is late", 3, build_t32, NULL},
    {"T33", "power fails between what is stored and what is published", 2, build_t33, NULL},
    {"T34", "a run is held back behind a gap that died with its writer", 3, build_t34, NULL},
    {"T35", "an older store returns, and is collected by its report of before", 3, NULL,
     holm_script_t35},
    {"T36", "admitted by one, and whole from another", 4, NULL, holm_script_t36},
    {"T37", "a late broadcast of a dead epoch", 3, NULL, holm_script_t37},
    {"T38", "provisional writes of a stale node", 3, NULL, holm_script_t38},
    {"T39", "S in a run that is held back", 3, NULL, holm_script_t39},
    {"T40", "back after a forget, and two that forget each other", 4, NULL, holm_script_t40},
    {"T41", "a clock set back by days after a total loss; half of the seeds with `stable`", 3,
     build_t41, NULL},
    {NULL, NULL, 0, NULL, NULL},
};

const struct holm_scenario *holm_scenario_find(const char *name)
{
    for (const struct holm_scenario *scenario = holm_scenarios; scenario->name != NULL; scenario++)
        if (strcmp(scenario->name, name) == 0)
            return scenario;
    return NULL;
}

void holm_scenario_draw(struct holm_plan *plan, const struct holm_scenario *scenario, uint64_t seed)
{
    struct holm_random random = {seed};
    HOLM_ASSERT(scenario->build != NULL);
    holm_plan_init(plan, seed, scenario->nodes);
    plan->settings.preset = scenario->name;
    plan->settings.path.delay_us = between(&random, 200, 30000);
    plan->settings.path.jitter_us = between(&random, 0, 5000);
    plan->settings.engine.partitions = (uint32_t)between(&random, 1, 3);
    plan->settings.engine.frame_bytes_max = 64 * KIB;
    plan->settings.engine.outbox_bytes_max = 4096 * KIB;
    scenario->build(plan, &random);
    holm_plan_sort(plan);
}

uint64_t holm_scenario_acts(const struct holm_scenario *scenario)
{
    uint64_t count = 0;
    HOLM_ASSERT(scenario->acts != NULL);
    while (scenario->acts[count].what != NULL)
        count++;
    return count;
}

const struct holm_script_act *holm_scenario_act(const struct holm_scenario *scenario, uint64_t seed)
{
    uint64_t count = holm_scenario_acts(scenario);
    HOLM_ASSERT(count > 0);
    return &scenario->acts[seed % count];
}

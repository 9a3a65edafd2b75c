/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who comes back after it was forgotten, with retention `stable`. T40
 */
#include "sim/world/script_acts.h"

#define BIT(type) (1u << (type))
#define RUNS                                                                                       \
    (BIT(HOLM_MESSAGE_DELTA) | BIT(HOLM_MESSAGE_DELTAS) | BIT(HOLM_MESSAGE_FEED) |                 \
     BIT(HOLM_MESSAGE_SYNC_CUT) | BIT(HOLM_MESSAGE_SYNC_TELL) | BIT(HOLM_MESSAGE_SYNC_PAGE))

/* Nothing of what the ones write reaches the others; all else does. A bit for each node. */
static uint32_t keep_from(struct holm_script *script, uint64_t ones, uint64_t others)
{
    struct holm_gate gate = {.verdict = HOLM_NETWORK_DROP,
                             .from = ones,
                             .to = others,
                             .types = RUNS,
                             .match = holm_script_of_data};
    return holm_gate_set(script->world, &gate);
}

/* ---- T40 ------------------------------------------------------------------------------------ */

/*
 * T40: n2 took +5 of n3 before n3 was forgotten; n0, who forgets it, and n1 did not. n3 has more of its own, that
 * nobody has, and a write of n1 that is lost to all others; and it writes a key that they bury.
 */
static void own_counts_once(struct holm_script *script)
{
    holm_script_open(script, 4, HOLM_SCRIPT_STABLE | HOLM_SCRIPT_DISKS);
    holm_script_begin(script);
    holm_script_put(script, 0, "dead", 1);
    holm_script_converge(script, 2000);
    uint32_t taken = keep_from(script, 1u << 3 | 1u << 2, 1u << 0 | 1u << 1);
    holm_script_add(script, 3, "other", 5);
    holm_script_run(script, 10);
    HOLM_SCRIPT_EXPECT(script, holm_script_sum(script, 2, "other") == 5 &&
                                   holm_script_sum(script, 1, "other") == 0);
    holm_script_cut(script, 3, 0, true);
    holm_script_cut(script, 3, 2, true);
    uint32_t theirs = keep_from(script, 1u << 1, 1u << 0 | 1u << 2);
    holm_script_put(script, 1, "theirs", 1); /* n3 alone hears of it, and n1 loses it */
    holm_script_run(script, 10);
    HOLM_SCRIPT_EXPECT(script, holm_script_exists(script, 3, "theirs"));
    holm_script_bomb(script, 1);
    holm_script_cut(script, 3, 1, true);
    holm_gate_lift(script->world, theirs);
    holm_gate_lift(script->world, taken);
    holm_script_add(script, 3, "n", 7);
    holm_script_add(script, 3, "other", 3); /* in the chain of the +5 */
    holm_script_put(script, 3, "mine", 1);
    holm_script_put(script, 3, "dead", 2);
    holm_script_bury(script, 0, "dead");
    holm_script_forget(script, 0, 3);
    holm_script_start(script, 1);
    holm_script_run(script, 60000);
    HOLM_SCRIPT_EXPECT(script, holm_script_standing(script, 0).members == 3);
    HOLM_SCRIPT_EXPECT(script, holm_script_collected(script, 0));
    holm_script_split(script, 3, false);
    holm_script_run(script, 60000);
    holm_script_expect_members(script, 4);
    holm_script_converge(script, 5000);
    holm_script_expect_sum(script, "other", 8);
    holm_script_expect_sum(script, "n", 7);
    holm_script_expect_exists(script, "mine", true);
    holm_script_expect_exists(script, "dead", false);
    holm_script_expect_exists(script, "theirs", false);
    HOLM_SCRIPT_EXPECT(script, holm_script_standing(script, 3).replaced == 1);
    HOLM_SCRIPT_EXPECT(script,
                       holm_script_standing(script, 3).dropped == 2); /* "dead", and "theirs" */
    HOLM_SCRIPT_EXPECT(script, strstr(script->log, "lost: ") != NULL);
    holm_script_close(script);
}

/* T40: n0 and n2, in two halves, forget each other at the same moment. */
static void two_forget_each_other(struct holm_script *script)
{
    holm_script_open(script, 4, HOLM_SCRIPT_STABLE | HOLM_SCRIPT_DISKS);
    holm_script_begin(script);
    holm_script_put(script, 0, "k", 1);
    holm_script_converge(script, 2000);
    for (uint32_t i = 0; i < 4; i++)
        holm_script_cut(script, i % 2, 2 + i / 2, true);
    holm_script_run(script, 5000);
    holm_script_forget(script, 0, 2);
    holm_script_forget(script, 2, 0);
    holm_script_add(script, 0, "n", 1);
    holm_script_add(script, 1, "n", 10);
    holm_script_add(script, 2, "n", 100);
    holm_script_add(script, 3, "n", 1000);
    holm_script_run(script, 20000);
    for (uint32_t i = 0; i < 4; i++)
        holm_script_cut(script, i % 2, 2 + i / 2, false);
    holm_script_run(script, 60000);
    holm_script_expect_members(script, 4);
    holm_script_converge(script, 5000);
    holm_script_expect_sum(script, "n", 1111);
    holm_script_expect_exists(script, "k", true);
    /* The lower dot wins, which is n0's: n2 was forgotten, and nobody has forgotten n1. n0 may hear from n3 that it was
     * gone on without, and come back by replacement, too. */
    HOLM_SCRIPT_EXPECT(script, holm_script_standing(script, 2).replaced == 1);
    HOLM_SCRIPT_EXPECT(script, holm_script_standing(script, 1).replaced == 0);
    HOLM_SCRIPT_EXPECT(script, holm_script_standing(script, 0).replaced <= 1 &&
                                   holm_script_standing(script, 3).replaced <= 1);
    HOLM_SCRIPT_EXPECT(script, strstr(script->log, "is forgotten: ") != NULL);
    HOLM_SCRIPT_EXPECT(script, holm_script_standing(script, 0).replaced == 0 ||
                                   strstr(script->log, "gone on without it") != NULL);
    holm_script_close(script);
}

/* n1's disk goes on as n3, under n1's id. Whoever n1 lets in then, the others know nothing of. */
static void clone(struct holm_script *script)
{
    struct holm_world_node_config config = script->config;
    struct holm_disk *copy = holm_script_backup(script, 1);
    config.node_id = 2;
    HOLM_SCRIPT_EXPECT(script, holm_world_add(script->world, &config) == 3);
    script->nodes = 4;
    holm_script_cut(script, 1, 3, true);
    holm_script_restore(script, 3, copy);
}

/*
 * T40: n0 was forgotten, and has lost all; n1, whose clone goes on among the others, lets it in: with a key that these
 * have buried and collected.
 */
static void ended_epoch_lets_in(struct holm_script *script)
{
    holm_script_open(script, 3, HOLM_SCRIPT_STABLE | HOLM_SCRIPT_DISKS);
    holm_script_begin(script);
    holm_script_put(script, 0, "k", 1);
    holm_script_converge(script, 2000);
    holm_script_split(script, 1, true);
    holm_script_bury(script, 2, "k");
    holm_script_run(script, 1000);
    holm_script_bomb(script, 0);
    clone(script);
    holm_script_run(script, 15000);
    HOLM_SCRIPT_EXPECT(script, holm_script_confirmed(script, 3));
    holm_script_forget(script, 3, 0);
    holm_script_run(script, 60000);
    HOLM_SCRIPT_EXPECT(script,
                       holm_script_collected(script, 2) && !holm_script_exists(script, 2, "k"));
    holm_script_cut(script, 0, 2, true);
    holm_script_cut(script, 0, 3, true);
    holm_script_cut(script, 0, 1, false);
    holm_script_start(script, 0);
    holm_script_run(script, 15000);
    HOLM_SCRIPT_EXPECT(script,
                       holm_script_confirmed(script, 0) && holm_script_exists(script, 0, "k"));
    holm_script_put(script, 0, "k", 2);
    holm_script_add(script, 0, "n", 5);
    holm_script_cut(script, 0, 1, true);
    holm_script_cut(script, 0, 2, false);
    holm_script_cut(script, 0, 3, false);
    holm_script_run(script, 60000);
    HOLM_SCRIPT_EXPECT(script,
                       holm_script_confirmed(script, 0) && holm_script_confirmed(script, 2));
    for (uint32_t i = 0; i < 4; i++) {
        if (i == 1)
            continue;
        HOLM_SCRIPT_EXPECT(script, !holm_script_exists(script, i, "k"));
        HOLM_SCRIPT_EXPECT(script, holm_script_sum(script, i, "n") == 5);
    }
    holm_script_close(script);
}

const struct holm_script_act holm_script_t40[] = {
    {"a forgotten node comes back with its own, others' and the dead", own_counts_once},
    {"two in two halves forget each other at once", two_forget_each_other},
    {"an epoch that has ended lets somebody in", ended_epoch_lets_in},
    {NULL, NULL}};

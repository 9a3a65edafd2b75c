/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/trial_parts.h"

#define CHURN_EVERY_US 500000
#define CHURNS 10
#define FLAP_US 300000
#define FLAPS 10
#define LOSS_PERMILLE 100

/* ---- drawing -------------------------------------------------------------------------------- */

static void plan(struct trial *trial, uint64_t at_us, enum trial_verb verb, uint32_t node,
                 uint32_t other)
{
    HOLM_ASSERT(trial->act_count < TRIAL_ACTS_MAX);
    trial->acts[trial->act_count++] = (struct trial_act){at_us, verb, node, other};
}

static uint32_t draw(struct trial *trial, uint32_t below)
{
    return (uint32_t)holm_random_between(&trial->random, 0, below - 1);
}

/* Parts of the same size, or one more; who is in which is drawn. */
static void draw_parts(struct trial *trial, uint32_t parts)
{
    uint32_t order[TRIAL_NODES_MAX] = {0};
    for (uint32_t i = 0; i < trial->nodes; i++) {
        uint32_t place = draw(trial, i + 1);
        order[i] = order[place];
        order[place] = i;
    }
    for (uint32_t i = 0; i < trial->nodes; i++)
        trial->node[order[i]].part = i % parts;
}

static void draw_churn(struct trial *trial, uint64_t from_us)
{
    uint32_t living[TRIAL_NODES_MAX];
    for (uint32_t i = 0; i < trial->nodes; i++)
        living[i] = i;
    for (uint32_t i = 0; i < CHURNS; i++) {
        uint64_t at_us = from_us + (i + 1) * CHURN_EVERY_US;
        uint32_t place = draw(trial, trial->nodes);
        enum trial_verb verb = i % 2 == 0 ? TRIAL_LEAVE : TRIAL_CRASH;
        plan(trial, at_us, verb, living[place], 0);
        living[place] = trial->nodes + i;
        plan(trial, at_us, TRIAL_START, living[place], 0);
    }
}

void trial_acts_draw(struct trial *trial)
{
    const struct holm_bench_scenario *scenario = trial->scenario;
    uint64_t from_us = trial->begin_us + scenario->calm_us, heal_us = trial->heal_us;
    uint32_t node = draw(trial, trial->nodes);
    switch (scenario->fault) {
    case HOLM_BENCH_NONE:
        break;
    case HOLM_BENCH_CRASH:
    case HOLM_BENCH_BOMB:
        plan(trial, from_us, scenario->fault == HOLM_BENCH_BOMB ? TRIAL_BOMB : TRIAL_CRASH, node,
             0);
        plan(trial, heal_us, TRIAL_START, node, 0);
        break;
    case HOLM_BENCH_SPLIT:
        draw_parts(trial, scenario->parts);
        plan(trial, from_us, TRIAL_SPLIT, 0, 0);
        plan(trial, heal_us, TRIAL_MEND, 0, 0);
        break;
    case HOLM_BENCH_ONEWAY:
        plan(trial, from_us, TRIAL_DEAF, node,
             (node + 1 + draw(trial, trial->nodes - 1)) % trial->nodes);
        break;
    case HOLM_BENCH_LOSS:
        plan(trial, from_us, TRIAL_LOSE, 0, 0);
        break;
    case HOLM_BENCH_CHURN:
        draw_churn(trial, from_us);
        break;
    case HOLM_BENCH_JOIN:
        plan(trial, heal_us, TRIAL_START, trial->nodes - 1, 0);
        break;
    case HOLM_BENCH_FLAP:
        for (uint64_t i = 0; i < FLAPS; i++) {
            plan(trial, from_us + 2 * i * FLAP_US, TRIAL_ISOLATE, node, 0);
            plan(trial, from_us + (2 * i + 1) * FLAP_US, TRIAL_MEND, 0, 0);
        }
        break;
    }
    plan(trial, heal_us, TRIAL_END, 0, 0);
}

/* ---- acting --------------------------------------------------------------------------------- */

uint32_t trial_add(struct trial *trial)
{
    struct holm_world_node_config config = holm_world_node_config_default();
    config.engine = holm_engine_config_default();
    config.engine.partitions = TRIAL_PARTITIONS;
    config.disk = trial->scenario->fault == HOLM_BENCH_CRASH;
    uint32_t node = holm_world_add(trial->world, &config);
    HOLM_ASSERT(node < TRIAL_NODES_MAX);
    return node;
}

void trial_start(struct trial *trial, uint32_t node)
{
    while (holm_world_count(trial->world) <= node)
        (void)trial_add(trial);
    enum holm_status status = holm_world_start(trial->world, node);
    HOLM_ASSERT(status == HOLM_OK);
    for (uint32_t i = 0; i < holm_world_count(trial->world); i++)
        if (i != node && trial->node[i].life != TRIAL_NOBODY)
            holm_world_join(trial->world, node, i);
}

static void lose_everywhere(struct trial *trial)
{
    for (uint32_t i = 0; i < trial->nodes; i++)
        for (uint32_t j = 0; j < trial->nodes; j++) {
            struct holm_network_path path = holm_world_path(trial->world, i, j);
            path.loss_permille = LOSS_PERMILLE;
            if (i != j)
                holm_world_path_set(trial->world, i, j, &path);
        }
}

static bool is_cut(const struct trial *trial, const struct trial_act *act, uint32_t from,
                   uint32_t to)
{
    if (act->verb == TRIAL_SPLIT)
        return trial->node[from].part != trial->node[to].part;
    if (act->verb == TRIAL_ISOLATE)
        return from == act->node || to == act->node;
    return act->verb == TRIAL_DEAF && from == act->node && to == act->other;
}

static void cut(struct trial *trial, const struct trial_act *act)
{
    for (uint32_t i = 0; i < trial->nodes; i++)
        for (uint32_t j = 0; j < trial->nodes; j++)
            if (i != j)
                holm_world_cut(trial->world, i, j, is_cut(trial, act, i, j));
    trial_ways(trial);
}

void trial_act(struct trial *trial, const struct trial_act *act)
{
    trial_look_due(trial);
    switch (act->verb) {
    case TRIAL_SPLIT:
    case TRIAL_MEND:
    case TRIAL_DEAF:
    case TRIAL_ISOLATE:
        cut(trial, act);
        break;
    case TRIAL_LOSE:
        lose_everywhere(trial);
        break;
    case TRIAL_CRASH:
        holm_world_crash(trial->world, act->node);
        break;
    case TRIAL_BOMB:
        holm_world_bomb(trial->world, act->node);
        break;
    case TRIAL_LEAVE:
        holm_world_leave(trial->world, act->node, false);
        break;
    case TRIAL_START:
        trial_start(trial, act->node);
        break;
    case TRIAL_END:
        trial_write_last(trial);
        trial->writing = false;
        trial->over = true;
        break;
    }
}

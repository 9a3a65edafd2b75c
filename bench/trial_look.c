/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "bench/trial_parts.h"

uint32_t trial_life_of(const struct trial *trial, struct holm_actor actor)
{
    for (uint32_t i = trial->life_count; i > 0; i--)
        if (holm_actor_equal(trial->lives[i - 1].actor, actor))
            return i - 1;
    return TRIAL_NOBODY;
}

/* ---- what a replica shows ------------------------------------------------------------------- */

/* Writes of a life that a replica has come to show. */
static void show(struct trial *trial, uint32_t node, uint32_t partition, uint32_t life,
                 uint64_t at_us)
{
    const struct trial_life *writer = &trial->lives[life];
    const struct trial_writes *writes = &writer->partitions[partition];
    struct trial_replica *replica = &trial->node[node].replicas[partition];
    uint64_t seq = replica->seqs[life];
    while (replica->shown[life] < writes->count &&
           writes->writes[replica->shown[life]].seq <= seq) {
        uint64_t written_us = writes->writes[replica->shown[life]++].at_us;
        if (written_us < trial->begin_us || writer->node == node)
            continue;
        if (trial->node[node].since_us[writer->node] <= written_us)
            holm_bench_sample(&trial->figures->staleness, at_us - written_us);
    }
}

void trial_look(struct trial *trial, uint32_t node, uint32_t partition, uint64_t at_us)
{
    struct holm_engine *engine = holm_world_engine(trial->world, node);
    struct trial_replica *known = &trial->node[node].replicas[partition];
    if (engine == NULL)
        return;
    const struct holm_replica *replica = holm_engine_lock(engine, partition);
    uint64_t vector_hash = holm_replica_vector_hash(replica);
    known->digest = holm_replica_digest(replica);
    known->pending = holm_replica_pending(replica);
    for (uint32_t life = 0; life < trial->life_count && vector_hash != known->vector_hash; life++) {
        uint64_t seq = holm_replica_seq(replica, trial->lives[life].actor);
        uint64_t before = known->seqs[life];
        if (seq < before)
            trial_fail(trial, false, "node %u forgot what it had applied, in partition %u", node,
                       partition);
        if (seq <= before)
            continue;
        known->seqs[life] = seq;
        if (trial->counting && life != trial->node[node].life)
            trial->figures->traffic.changes += seq - before;
        show(trial, node, partition, life, at_us);
    }
    known->vector_hash = vector_hash;
    holm_engine_unlock(engine, partition);
}

void trial_look_due(struct trial *trial)
{
    if (!trial->due.set)
        return;
    trial->due.set = false;
    trial_look(trial, trial->due.node, trial->due.partition, trial->due.at_us);
    if (trial->over && trial->converged_us == HOLM_NEVER && trial_equal(trial)) {
        trial->converged_us = trial->due.at_us;
        trial->counting = false;
    }
}

void trial_look_all(struct trial *trial)
{
    trial_look_due(trial);
    for (uint32_t i = 0; i < holm_world_count(trial->world); i++)
        for (uint32_t p = 0; p < TRIAL_PARTITIONS; p++)
            trial_look(trial, i, p, holm_world_now_us(trial->world));
}

/* ---- lives ---------------------------------------------------------------------------------- */

static void forget(struct trial_replica *replica)
{
    for (uint32_t life = 0; life < TRIAL_LIVES_MAX; life++)
        free(replica->arrived[life]);
    memset(replica, 0, sizeof *replica);
}

void trial_life_begins(struct trial *trial, uint32_t node, struct holm_actor actor)
{
    HOLM_ASSERT(trial->life_count < TRIAL_LIVES_MAX);
    struct trial_life *life = &trial->lives[trial->life_count];
    *life = (struct trial_life){.actor = actor, .node = node};
    trial->node[node].life = trial->life_count++;
    trial_ways(trial);
    /* What it has kept on its disk has not come to it now. */
    bool counting = trial->counting;
    trial->counting = false;
    for (uint32_t p = 0; p < TRIAL_PARTITIONS; p++) {
        forget(&trial->node[node].replicas[p]);
        trial_look(trial, node, p, holm_world_now_us(trial->world));
    }
    trial->counting = counting;
}

/* Counts the writes that a node was to show, and will not. */
static void drop_ways(struct trial *trial, uint32_t node, uint32_t other)
{
    const struct trial_node *reader = &trial->node[node];
    uint32_t life = trial->node[other].life;
    if (life == TRIAL_NOBODY)
        return;
    for (uint32_t p = 0; p < TRIAL_PARTITIONS; p++) {
        const struct trial_writes *writes = &trial->lives[life].partitions[p];
        for (size_t i = reader->replicas[p].shown[life]; i < writes->count; i++)
            trial->figures->cut_off += reader->since_us[other] <= writes->writes[i].at_us;
    }
}

void trial_life_ends(struct trial *trial, uint32_t node)
{
    uint32_t life = trial->node[node].life;
    struct trial_node *dead = &trial->node[node];
    for (uint32_t i = 0; i < holm_world_count(trial->world); i++) {
        if (i == node || dead->since_us[i] == HOLM_NEVER)
            continue;
        drop_ways(trial, i, node);
        drop_ways(trial, node, i);
        dead->since_us[i] = trial->node[i].since_us[node] = HOLM_NEVER;
    }
    HOLM_ASSERT(life != TRIAL_NOBODY);
    dead->life = TRIAL_NOBODY;
    for (uint32_t p = 0; p < TRIAL_PARTITIONS; p++)
        forget(&dead->replicas[p]);
}

/* ---- equality ------------------------------------------------------------------------------- */

static bool alike(const struct trial_node *a, const struct trial_node *b)
{
    for (uint32_t p = 0; p < TRIAL_PARTITIONS; p++) {
        const struct trial_replica *left = &a->replicas[p], *right = &b->replicas[p];
        if (left->vector_hash != right->vector_hash || left->pending || right->pending ||
            left->digest.low != right->digest.low || left->digest.high != right->digest.high)
            return false;
    }
    return true;
}

bool trial_equal(const struct trial *trial)
{
    const struct trial_node *first = NULL;
    for (uint32_t i = 0; i < holm_world_count(trial->world); i++) {
        const struct trial_node *node = &trial->node[i];
        if (node->life == TRIAL_NOBODY)
            continue;
        if (first == NULL)
            first = node;
        if (!alike(first, node))
            return false;
    }
    return first != NULL;
}

uint64_t trial_equal_share(const struct trial *trial)
{
    uint32_t most = 0;
    for (uint32_t i = 0; i < holm_world_count(trial->world); i++) {
        uint32_t group = 0;
        for (uint32_t j = 0; j < holm_world_count(trial->world); j++)
            group += trial->node[i].life != TRIAL_NOBODY && trial->node[j].life != TRIAL_NOBODY &&
                     (i == j || alike(&trial->node[i], &trial->node[j]));
        most = group > most ? group : most;
    }
    return (uint64_t)most * 1000 / trial->nodes;
}

/* ---- ways ----------------------------------------------------------------------------------- */

static bool has_path(const struct trial *trial, uint32_t from, uint32_t to)
{
    return trial->node[from].life != TRIAL_NOBODY && trial->node[to].life != TRIAL_NOBODY &&
           !holm_world_path(trial->world, from, to).cut &&
           !holm_world_path(trial->world, to, from).cut;
}

/* Nodes of one number have a way to each other. */
static void find_groups(const struct trial *trial, uint32_t *groups)
{
    uint32_t count = holm_world_count(trial->world);
    for (uint32_t i = 0; i < count; i++)
        groups[i] = i;
    for (uint32_t i = 0; i < count; i++)
        for (uint32_t j = 0; j < i; j++) {
            uint32_t old = groups[i], joined = groups[j];
            if (old == joined || !has_path(trial, i, j))
                continue;
            for (uint32_t k = 0; k < count; k++)
                groups[k] = groups[k] == old ? joined : groups[k];
        }
}

void trial_ways(struct trial *trial)
{
    uint32_t groups[TRIAL_NODES_MAX] = {0};
    uint32_t count = holm_world_count(trial->world);
    uint64_t now_us = holm_world_now_us(trial->world);
    find_groups(trial, groups);
    for (uint32_t i = 0; i < count; i++)
        for (uint32_t j = 0; j < count; j++) {
            uint64_t *since_us = &trial->node[i].since_us[j];
            bool way = i != j && groups[i] == groups[j];
            /* Who flaps is there all the while to whoever reads it. */
            if (!way && trial->scenario->fault == HOLM_BENCH_FLAP)
                continue;
            if (!way && *since_us != HOLM_NEVER)
                drop_ways(trial, i, j);
            if (!way)
                *since_us = HOLM_NEVER;
            else if (*since_us == HOLM_NEVER)
                *since_us = now_us;
        }
}

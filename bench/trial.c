/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/trial.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "bench/measure.h"
#include "bench/trial_parts.h"
#include "crdt/partition.h"

#define FORM_US 30000000  /* all must have found each other, and what is there before be equal */
#define BOUND_US 60000000 /* from the heal until all are equal */
#define LOAD_BATCH 256

void trial_fail(struct trial *trial, bool diverged, const char *format, ...)
{
    va_list arguments;
    if (trial->failed)
        return;
    trial->failed = true;
    trial->failure = (struct holm_bench_failure){.seed = trial->seed, .diverged = diverged};
    va_start(arguments, format);
    (void)vsnprintf(trial->failure.why, sizeof trial->failure.why, format, arguments);
    va_end(arguments);
}

/* ---- the world ------------------------------------------------------------------------------ */

static void on_event(void *context, const struct holm_world_event *event)
{
    struct trial *trial = context;
    if (event->type == HOLM_WORLD_CHANGED || event->type == HOLM_WORLD_LOGGED)
        return;
    trial_look_due(trial);
    if (event->type == HOLM_WORLD_STARTED)
        trial_life_begins(trial, event->node, event->self);
    else if (event->type == HOLM_WORLD_ENDED)
        trial_life_ends(trial, event->node);
    else if (event->type == HOLM_WORLD_SENT || event->type == HOLM_WORLD_ARRIVED)
        trial_frame(trial, event);
}

static void open_world(struct trial *trial)
{
    struct holm_world_config config = holm_world_config_default(trial->seed);
    config.path.delay_us = HOLM_BENCH_DELAY_US;
    config.path.jitter_us = HOLM_BENCH_JITTER_US;
    config.path.bytes_per_s = HOLM_BENCH_BYTES_PER_S;
    config.hook = (struct holm_world_hook){on_event, trial};
    measure_must(holm_world_new(&config, &trial->world), "a world");
    for (uint32_t i = 0; i < TRIAL_NODES_MAX; i++) {
        trial->node[i].life = TRIAL_NOBODY;
        for (uint32_t j = 0; j < TRIAL_NODES_MAX; j++)
            trial->node[i].since_us[j] = HOLM_NEVER;
    }
    for (uint32_t i = 0; i < trial->nodes; i++)
        (void)trial_add(trial);
}

static void close_world(struct trial *trial)
{
    for (uint32_t i = 0; i < holm_world_count(trial->world); i++)
        if (holm_world_alive(trial->world, i))
            holm_world_crash(trial->world, i);
    holm_world_free(trial->world);
    for (uint32_t life = 0; life < trial->life_count; life++)
        for (uint32_t p = 0; p < TRIAL_PARTITIONS; p++)
            free(trial->lives[life].partitions[p].writes);
}

/* ---- writing -------------------------------------------------------------------------------- */

static void note_write(struct trial *trial, uint32_t life, const struct holm_receipt *receipt,
                       const struct trial_write *write)
{
    struct trial_writes *writes = &trial->lives[life].partitions[receipt->partition];
    if (writes->count == writes->capacity) {
        writes->capacity = writes->capacity * 2 + 64;
        writes->writes = realloc(writes->writes, writes->capacity * sizeof writes->writes[0]);
        measure_require(writes->writes != NULL, "there is memory");
    }
    writes->writes[writes->count++] = *write;
}

/* A register's value says which key it is of. */
static void write_one(struct trial *trial, uint32_t node)
{
    struct trial_write write = {.at_us = holm_world_now_us(trial->world)};
    struct holm_receipt receipt;
    char text[16];
    write.key = (uint32_t)holm_random_between(&trial->random, 0, HOLM_BENCH_KEYS - 1);
    struct holm_bytes key = holm_mem(text, (size_t)snprintf(text, sizeof text, "w%08u", write.key));
    struct holm_op op = holm_op_put(key, holm_mem(NULL, 0), holm_i64((int64_t)write.key));
    if (holm_random_between(&trial->random, 1, 10) <= HOLM_BENCH_COUNTED_OF_TEN) {
        write.amount = (int32_t)holm_random_between(&trial->random, 1, 15);
        op = holm_op_add(key, holm_mem(NULL, 0), write.amount);
    }
    measure_must(holm_world_commit(trial->world, node, &op, 1, &receipt), "a write");
    write.seq = receipt.first.seq;
    note_write(trial, trial->node[node].life, &receipt, &write);
    trial->figures->traffic.operations += receipt.count;
}

static void write_due(struct trial *trial)
{
    for (uint32_t i = 0; i < TRIAL_NODES_MAX; i++) {
        struct trial_node *node = &trial->node[i];
        while (node->next_write_us <= holm_world_now_us(trial->world)) {
            if (trial->writing && node->life != TRIAL_NOBODY)
                write_one(trial, i);
            node->next_write_us += holm_random_between(&trial->random, 1,
                                                       2 * HOLM_BENCH_WRITE_EVERY_US);
        }
    }
}

/* So that convergence has something to wait for, whenever the writes before it came. */
void trial_write_last(struct trial *trial)
{
    for (uint32_t i = 0; i < holm_world_count(trial->world); i++)
        if (trial->node[i].life != TRIAL_NOBODY && trial->scenario->fault != HOLM_BENCH_JOIN)
            write_one(trial, i);
}

/* What is there before: through node 0, a batch in each partition in turn. */
static void load(struct trial *trial)
{
    static struct holm_op ops[TRIAL_PARTITIONS][LOAD_BATCH];
    static char texts[TRIAL_PARTITIONS][LOAD_BATCH][16];
    size_t counts[TRIAL_PARTITIONS] = {0};
    struct holm_receipt receipt;
    for (uint32_t i = 0; i < trial->scenario->records + TRIAL_PARTITIONS; i++) {
        char text[16];
        bool last = i >= trial->scenario->records;
        size_t size = (size_t)snprintf(text, sizeof text, "k%08u", i);
        uint32_t p = last ? i - trial->scenario->records
                          : holm_partition_of(holm_mem(text, size), TRIAL_PARTITIONS);
        if (!last) {
            memcpy(texts[p][counts[p]], text, size);
            ops[p][counts[p]] = holm_op_put(holm_mem(texts[p][counts[p]], size), holm_mem(NULL, 0),
                                            holm_i64((int64_t)i));
            counts[p]++;
        }
        if (counts[p] == 0 || (!last && counts[p] < LOAD_BATCH))
            continue;
        measure_must(holm_world_commit(trial->world, 0, ops[p], counts[p], &receipt), "a load");
        holm_world_run(trial->world, holm_world_now_us(trial->world) + 200);
        counts[p] = 0;
    }
}

/* ---- the story ------------------------------------------------------------------------------ */

static bool is_formed(void *context, struct holm_world *world)
{
    struct trial *trial = context;
    uint32_t present = trial->nodes - (trial->scenario->fault == HOLM_BENCH_JOIN);
    for (uint32_t i = 0; i < present; i++)
        if (holm_engine_peers_up(holm_world_engine(world, i)) != present - 1)
            return false;
    trial_look_all(trial);
    return trial_equal(trial);
}

static bool form(struct trial *trial)
{
    uint32_t present = trial->nodes - (trial->scenario->fault == HOLM_BENCH_JOIN);
    for (uint32_t i = 0; i < present; i++)
        trial_start(trial, i);
    if (!holm_world_run_until(trial->world, FORM_US, 1000, is_formed, trial)) {
        trial_fail(trial, true, "the nodes did not find each other within %d s", FORM_US / 1000000);
        return false;
    }
    load(trial);
    uint64_t limit_us = holm_world_now_us(trial->world) + FORM_US;
    if (!holm_world_run_until(trial->world, limit_us, 10000, is_formed, trial)) {
        trial_fail(trial, true, "what was there before was not equal within %d s",
                   FORM_US / 1000000);
        return false;
    }
    /* Beacons and tries to dial have periods of a second: what breaks must not keep step. */
    holm_world_run(trial->world, holm_world_now_us(trial->world) + 1000000 +
                                     holm_random_between(&trial->random, 0, 999999));
    return true;
}

static uint64_t next_us(const struct trial *trial, uint64_t sample_us)
{
    uint64_t next = sample_us;
    if (trial->act_next < trial->act_count && trial->acts[trial->act_next].at_us < next)
        next = trial->acts[trial->act_next].at_us;
    for (uint32_t i = 0; i < holm_world_count(trial->world) && trial->writing; i++)
        if (trial->node[i].next_write_us < next)
            next = trial->node[i].next_write_us;
    return next;
}

static void sample(struct trial *trial)
{
    uint64_t now_us = holm_world_now_us(trial->world);
    trial_look_all(trial);
    if (trial->over && trial->converged_us == HOLM_NEVER && trial_equal(trial)) {
        trial->converged_us = now_us;
        trial->counting = false;
    }
    holm_bench_curve_add(&trial->figures->equal, trial->scenario,
                         (int64_t)now_us - (int64_t)trial->heal_us, trial_equal_share(trial));
}

static bool is_over(const struct trial *trial)
{
    uint64_t now_us = holm_world_now_us(trial->world);
    if (trial->failed || now_us >= trial->heal_us + BOUND_US)
        return true;
    return trial->converged_us != HOLM_NEVER && now_us > trial->end_us;
}

static void play(struct trial *trial)
{
    uint64_t sample_us = trial->begin_us;
    trial->writing = trial->counting = true;
    for (uint32_t i = 0; i < TRIAL_NODES_MAX; i++)
        trial->node[i].next_write_us =
            trial->begin_us + holm_random_between(&trial->random, 0, 2 * HOLM_BENCH_WRITE_EVERY_US);
    while (!is_over(trial)) {
        holm_world_run(trial->world, next_us(trial, sample_us));
        uint64_t now_us = holm_world_now_us(trial->world);
        if (trial->writing)
            write_due(trial);
        while (trial->act_next < trial->act_count && trial->acts[trial->act_next].at_us <= now_us)
            trial_act(trial, &trial->acts[trial->act_next++]);
        if (now_us >= sample_us) {
            sample(trial);
            sample_us += HOLM_BENCH_STEP_US;
        }
    }
}

static void sum_up(struct trial *trial)
{
    struct holm_bench_figures *figures = trial->figures;
    uint64_t largest = 0;
    for (uint32_t i = 0; i < holm_world_count(trial->world); i++) {
        struct holm_engine *engine = holm_world_engine(trial->world, i);
        struct holm_stats stats;
        if (holm_world_heap_peak(trial->world, i) > figures->memory_max)
            figures->memory_max = holm_world_heap_peak(trial->world, i);
        if (engine == NULL)
            continue;
        if (holm_world_heap_bytes(trial->world, i) > largest)
            largest = holm_world_heap_bytes(trial->world, i);
        holm_engine_stats(engine, &stats);
        figures->pulls += stats.pulls;
        figures->syncs += stats.syncs;
        if (stats.digest_breaches > 0)
            trial_fail(trial, false, "node %u met equal vectors with unequal digests", i);
    }
    figures->memory_end += largest;
}

static void tell_diverged(struct trial *trial)
{
    for (uint32_t i = 0; i < holm_world_count(trial->world); i++)
        for (uint32_t p = 0; p < TRIAL_PARTITIONS; p++) {
            const struct trial_replica *first = &trial->node[0].replicas[p];
            const struct trial_replica *other = &trial->node[i].replicas[p];
            if (trial->node[i].life != TRIAL_NOBODY && trial->node[0].life != TRIAL_NOBODY &&
                (other->vector_hash != first->vector_hash ||
                 other->digest.low != first->digest.low))
                trial_fail(trial, true,
                           "nodes 0 and %u are not equal in partition %u %d s after the heal", i, p,
                           BOUND_US / 1000000);
        }
    trial_fail(trial, true, "replicas are not equal %d s after the heal", BOUND_US / 1000000);
}

static void judge(struct trial *trial)
{
    if (!trial->failed && trial->converged_us == HOLM_NEVER)
        tell_diverged(trial);
    if (!trial->failed) {
        holm_bench_sample(&trial->figures->convergence, trial->converged_us - trial->heal_us);
        trial_check(trial);
    }
    sum_up(trial);
    if (trial->failed)
        holm_bench_failed(trial->figures, &trial->failure);
}

void holm_bench_trial_run(const struct holm_bench_scenario *scenario, uint32_t nodes, uint64_t seed,
                          struct holm_bench_figures *figures)
{
    struct trial *trial = calloc(1, sizeof *trial);
    clock_t begun = clock();
    uint64_t begun_ns = measure_now_ns();
    measure_require(trial != NULL, "there is memory");
    trial->scenario = scenario;
    trial->figures = figures;
    trial->seed = seed;
    trial->nodes = nodes;
    trial->random.state = seed ^ UINT64_C(0x62656e6368);
    trial->converged_us = HOLM_NEVER;
    open_world(trial);
    if (form(trial)) {
        trial->begin_us = holm_world_now_us(trial->world);
        trial->heal_us = trial->begin_us + scenario->calm_us + scenario->fault_us;
        trial->end_us = trial->heal_us + HOLM_BENCH_AFTER_US;
        trial_acts_draw(trial);
        trial_ways(trial);
        play(trial);
    }
    judge(trial);
    figures->world_us += holm_world_now_us(trial->world);
    close_world(trial);
    free(trial);
    figures->repetitions++;
    figures->cpu_us += (uint64_t)(clock() - begun) * 1000000 / CLOCKS_PER_SEC;
    figures->wall_us += (measure_now_ns() - begun_ns) / 1000;
}

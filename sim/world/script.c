/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/world/script.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "crdt/partition.h"
#include "proto/codec.h"

#define MS UINT64_C(1000)
#define LOOK_US 50000
#define LOOKS_AN_AUDIT 4

/* ---- the world ------------------------------------------------------------------------------ */
static void note(struct holm_script *script, const struct holm_world_event *event)
{
    size_t used = strlen(script->log);
    if (used > sizeof script->log / 2) {
        size_t kept = sizeof script->log / 4;
        memmove(script->log, script->log + used - kept, kept + 1);
        used = kept;
    }
    (void)snprintf(script->log + used, sizeof script->log - used, "%llu.%06llu n%u %s\n",
                   (unsigned long long)(event->at_us / 1000000),
                   (unsigned long long)(event->at_us % 1000000), event->node, event->text);
}

static void count_burst(struct holm_script *script, enum holm_message_type type, uint64_t at_us)
{
    if (script->burst_ms[type] != at_us / MS)
        script->burst[type] = 0;
    script->burst_ms[type] = at_us / MS;
    script->burst[type]++;
    if (script->burst[type] > script->worst_burst[type])
        script->worst_burst[type] = script->burst[type];
}

static void count_frame(struct holm_script *script, const struct holm_world_event *event)
{
    struct holm_allocator allocator = holm_transport_config_default().allocator;
    struct holm_codec_limits limits = holm_codec_limits_default(0);
    struct holm_decoded *decoded = NULL;
    script->bytes += event->frame.size * event->copies;
    if (holm_codec_decode(&allocator, &limits, event->frame, &decoded) == HOLM_OK) {
        script->frames[decoded->message.type]++;
        count_burst(script, decoded->message.type, event->at_us);
    }
    holm_decoded_free(decoded);
}

static void look_on(void *context, const struct holm_world_event *event)
{
    struct holm_script *script = context;
    if (event->type == HOLM_WORLD_LOGGED || event->type == HOLM_WORLD_ENDED)
        note(script, event);
    else if (event->type == HOLM_WORLD_SENT && script->counts)
        count_frame(script, event);
    if (script->overhear != NULL)
        script->overhear(script->overhears, event);
    if (script->hook.event != NULL)
        script->hook.event(script->hook.context, event);
    if (script->judge != NULL)
        holm_judge_event(script->judge, event);
}

void holm_script_init(struct holm_script *script, uint64_t seed,
                      const struct holm_script_hook *hook)
{
    *script = (struct holm_script){.seed = seed, .hook = *hook};
}

void holm_script_open(struct holm_script *script, uint32_t nodes, unsigned options)
{
    struct holm_world_config config = holm_world_config_default(script->seed);
    HOLM_ASSERT(script->world == NULL && nodes <= HOLM_SCRIPT_NODES_MAX);
    script->judged = (options & HOLM_SCRIPT_UNJUDGED) == 0;
    script->log[0] = '\0';
    config.hook = (struct holm_world_hook){look_on, script};
    config.causes = script->judged;
    HOLM_SCRIPT_EXPECT(script, holm_world_new(&config, &script->world) == HOLM_OK);
    script->nodes = nodes;
    script->config = holm_world_node_config_default();
    script->config.engine.partitions = HOLM_SCRIPT_PARTITIONS;
    script->config.disk = (options & HOLM_SCRIPT_DISKS) != 0;
    if ((options & HOLM_SCRIPT_STABLE) != 0)
        script->config.engine.retention = HOLM_RETENTION_STABLE;
}

static bool is_stable(const struct holm_script *script)
{
    return script->config.engine.retention == HOLM_RETENTION_STABLE;
}

/* Of what a claim may ask, this is no more than any act takes: each says itself what is in time. */
static void have_judged(struct holm_script *script)
{
    struct holm_judge_config judge = {
        .world = script->world,
        .partitions = script->config.engine.partitions,
        .bound_us = 60000000,
        .collect_bound_us = 60000000,
        .heap_bytes_max = 8 << 20,
        .frame_bytes_max = script->config.engine.frame_bytes_max,
        .outbox_bytes_max = script->config.engine.outbox_bytes_max,
        .beacon_interval_us = script->config.engine.beacon_interval_us,
        .stable = is_stable(script)};
    judge.drives_a_round = 100 + 20 * (uint64_t)script->nodes;
    script->judge = holm_judge_new(&judge);
}

static void ask(const struct holm_script *script)
{
    if (script->judge->verdict.broken)
        script->hook.fail(script->hook.context, &script->judge->verdict);
}

static void judge_now(struct holm_script *script)
{
    if (script->judge == NULL)
        return;
    if (++script->looks % LOOKS_AN_AUDIT == 0)
        holm_judge_audit(script->judge);
    else
        holm_judge_look(script->judge);
    ask(script);
}

static uint64_t living(const struct holm_script *script)
{
    uint64_t nodes = 0;
    for (uint32_t i = 0; i < script->nodes; i++)
        nodes |= (uint64_t)holm_world_alive(script->world, i) << i;
    return nodes;
}

void holm_script_set_up(struct holm_script *script)
{
    if (script->judged)
        have_judged(script);
    for (uint32_t i = 0; i < script->nodes; i++) {
        struct holm_world_node_config config = script->config;
        config.engine.founds = is_stable(script) && i == 0;
        HOLM_SCRIPT_EXPECT(script, holm_world_add(script->world, &config) == i);
    }
}

static bool all_are_members(const struct holm_script *script)
{
    bool all = true;
    for (uint32_t i = 0; i < script->nodes; i++)
        all = all && holm_script_confirmed(script, i) &&
              holm_script_standing(script, i).members == script->nodes;
    return all;
}

void holm_script_begin(struct holm_script *script)
{
    holm_script_set_up(script);
    for (uint32_t i = 0; i < script->nodes; i++)
        holm_script_start(script, i);
    holm_script_run(script, 8000);
    if (!is_stable(script))
        return;
    for (uint32_t s = 0; s < 200 && !all_are_members(script); s++)
        holm_script_run(script, 1000);
    holm_script_expect_members(script, script->nodes);
}

void holm_script_close(struct holm_script *script)
{
    for (uint32_t i = 0; i < script->nodes; i++) {
        if (holm_world_alive(script->world, i))
            holm_engine_check(holm_world_engine(script->world, i));
        size_t peak = holm_world_heap_peak(script->world, i);
        script->heap_peak = peak > script->heap_peak ? peak : script->heap_peak;
    }
    if (script->judge != NULL && holm_script_converged(script)) {
        holm_judge_healed(script->judge, living(script));
        holm_judge_converged(script->judge, true);
        ask(script);
    }
    script->virtual_us += holm_world_now_us(script->world);
    script->hash = (script->hash << 1 | script->hash >> 63) ^ holm_world_hash(script->world);
    holm_script_release(script);
}

void holm_script_release(struct holm_script *script)
{
    struct holm_judge *judge = script->judge;
    script->overhear = NULL;
    script->judge = NULL; /* the end of the world is nothing to be judged */
    holm_world_free(script->world);
    script->world = NULL;
    holm_judge_free(judge);
    for (uint32_t i = 0; i < HOLM_SCRIPT_COPIES_MAX; i++) {
        holm_disk_free(script->copies[i]);
        script->copies[i] = NULL;
    }
}

/* ---- lives ---------------------------------------------------------------------------------- */

void holm_script_start(struct holm_script *script, uint32_t node)
{
    HOLM_SCRIPT_EXPECT(script, holm_world_start(script->world, node) == HOLM_OK);
    for (uint32_t i = 0; i < script->nodes; i++) {
        if (i != node)
            holm_world_join(script->world, node, i);
    }
}

void holm_script_crash(struct holm_script *script, uint32_t node)
{
    holm_world_crash(script->world, node);
}

void holm_script_bomb(struct holm_script *script, uint32_t node)
{
    holm_world_bomb(script->world, node);
    if (script->judge != NULL)
        holm_judge_emptied(script->judge, node);
}

struct holm_disk *holm_script_backup(struct holm_script *script, uint32_t node)
{
    uint32_t at = 0;
    while (at < HOLM_SCRIPT_COPIES_MAX && script->copies[at] != NULL)
        at++;
    HOLM_ASSERT(at < HOLM_SCRIPT_COPIES_MAX);
    script->copies[at] = holm_disk_new(holm_world_disk_partitions(&script->config.engine));
    holm_disk_copy(script->copies[at], holm_world_disk(script->world, node));
    return script->copies[at];
}

void holm_script_restore(struct holm_script *script, uint32_t node, const struct holm_disk *copy)
{
    holm_world_tell(script->world, node, "has the disk of an older backup");
    holm_disk_copy(holm_world_disk(script->world, node), copy);
    if (script->judge != NULL)
        holm_judge_emptied(script->judge, node);
    holm_script_start(script, node);
}

/* ---- time ----------------------------------------------------------------------------------- */

void holm_script_run(struct holm_script *script, uint64_t ms)
{
    uint64_t to_us = holm_world_now_us(script->world) + ms * MS;
    while (holm_world_now_us(script->world) < to_us) {
        uint64_t next_us = holm_world_now_us(script->world) / LOOK_US * LOOK_US + LOOK_US;
        holm_world_run(script->world, next_us < to_us ? next_us : to_us);
        if (next_us <= to_us)
            judge_now(script);
    }
}

uint64_t holm_script_await(struct holm_script *script, uint64_t limit_ms,
                           bool (*done)(const struct holm_script *script, uint32_t node),
                           uint32_t node)
{
    uint64_t ms = 0;
    for (; !done(script, node); ms++) {
        if (ms == limit_ms)
            holm_script_fail(script, node, "it waits in vain for %llu ms",
                             (unsigned long long)limit_ms);
        holm_script_run(script, 1);
    }
    return ms;
}

bool holm_script_converged(const struct holm_script *script)
{
    return holm_world_living_agree(script->world);
}

static bool converged(const struct holm_script *script, uint32_t node)
{
    (void)node;
    return holm_script_converged(script);
}

uint64_t holm_script_converge(struct holm_script *script, uint64_t limit_ms)
{
    uint64_t ms = holm_script_await(script, limit_ms, converged, 0);
    if (ms * MS > script->converged_us)
        script->converged_us = ms * MS;
    return ms;
}

/* ---- faults --------------------------------------------------------------------------------- */

void holm_script_cut(struct holm_script *script, uint32_t a, uint32_t b, bool cut)
{
    holm_world_cut(script->world, a, b, cut);
    holm_world_cut(script->world, b, a, cut);
}

void holm_script_split(struct holm_script *script, uint32_t alone, bool cut)
{
    for (uint32_t i = 0; i < script->nodes; i++) {
        if (i != alone)
            holm_script_cut(script, i, alone, cut);
    }
}

static uint32_t set_gate(struct holm_script *script, struct holm_gate gate, uint32_t from,
                         uint32_t to)
{
    char whom[16] = "anybody";
    gate.from = UINT64_C(1) << from;
    gate.to = to == HOLM_SCRIPT_ANY ? 0 : UINT64_C(1) << to;
    if (to != HOLM_SCRIPT_ANY)
        (void)snprintf(whom, sizeof whom, "n%" PRIu32, to);
    holm_world_tell(script->world, from, "some of its frames to %s are %s", whom,
                    gate.verdict == HOLM_NETWORK_HOLD ? "held" : "lost");
    return holm_gate_set(script->world, &gate);
}

uint32_t holm_script_hold(struct holm_script *script, uint32_t from, uint32_t to, uint32_t types)
{
    return set_gate(script, (struct holm_gate){.verdict = HOLM_NETWORK_HOLD, .types = types}, from,
                    to);
}

uint32_t holm_script_drop(struct holm_script *script, uint32_t from, uint32_t to, uint32_t types,
                          bool (*match)(void *context, const struct holm_message *message))
{
    return set_gate(
        script, (struct holm_gate){.verdict = HOLM_NETWORK_DROP, .types = types, .match = match},
        from, to);
}

bool holm_script_of_data(void *context, const struct holm_message *message)
{
    (void)context;
    return message->partition < HOLM_SCRIPT_PARTITIONS;
}

bool holm_script_of_list(void *context, const struct holm_message *message)
{
    (void)context;
    return message->partition == HOLM_SCRIPT_PARTITIONS;
}

/* ---- writing -------------------------------------------------------------------------------- */

enum holm_status holm_script_commit(struct holm_script *script, uint32_t node, struct holm_op op)
{
    struct holm_receipt receipt;
    return holm_world_commit(script->world, node, &op, 1, &receipt);
}

void holm_script_put(struct holm_script *script, uint32_t node, const char *key, int64_t value)
{
    struct holm_op op = holm_op_put(holm_str(key), holm_str("v"), holm_i64(value));
    HOLM_SCRIPT_EXPECT(script, holm_script_commit(script, node, op) == HOLM_OK);
}

void holm_script_add(struct holm_script *script, uint32_t node, const char *key, int64_t amount)
{
    struct holm_op op = holm_op_add(holm_str(key), holm_str("n"), amount);
    HOLM_SCRIPT_EXPECT(script, holm_script_commit(script, node, op) == HOLM_OK);
}

void holm_script_bury(struct holm_script *script, uint32_t node, const char *key)
{
    HOLM_SCRIPT_EXPECT(script,
                       holm_script_commit(script, node, holm_op_bury(holm_str(key))) == HOLM_OK);
}

void holm_script_remove(struct holm_script *script, uint32_t node, const char *key)
{
    struct holm_op op = holm_op_remove(holm_str(key), holm_str(""));
    HOLM_SCRIPT_EXPECT(script, holm_script_commit(script, node, op) == HOLM_OK);
}

void holm_script_forget(struct holm_script *script, uint32_t node, uint32_t whom)
{
    HOLM_SCRIPT_EXPECT(script, holm_world_forget(script->world, node, whom) == HOLM_OK);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/story.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "crdt/partition.h"
#include "proto/codec.h"

#define MS UINT64_C(1000)

/* ---- the world ------------------------------------------------------------------------------ */

static void note(struct story *story, const struct holm_world_event *event)
{
    size_t used = strlen(story->log);
    if (used > sizeof story->log / 2) {
        size_t kept = sizeof story->log / 4;
        memmove(story->log, story->log + used - kept, kept + 1);
        used = kept;
    }
    (void)snprintf(story->log + used, sizeof story->log - used, "%llu.%06llu n%u %s\n",
                   (unsigned long long)(event->at_us / 1000000),
                   (unsigned long long)(event->at_us % 1000000), event->node, event->text);
}

static void count_frame(struct story *story, const struct holm_world_event *event)
{
    struct holm_allocator allocator = holm_transport_config_default().allocator;
    struct holm_codec_limits limits = holm_codec_limits_default(0);
    struct holm_decoded *decoded = NULL;
    story->bytes += event->frame.size * event->copies;
    if (holm_codec_decode(&allocator, &limits, event->frame, &decoded) == HOLM_OK)
        story->frames[decoded->message.type]++;
    holm_decoded_free(decoded);
}

static void look_on(void *context, const struct holm_world_event *event)
{
    struct story *story = context;
    if (event->type == HOLM_WORLD_LOGGED || event->type == HOLM_WORLD_ENDED)
        note(story, event);
    else if (event->type == HOLM_WORLD_SENT && story->counts)
        count_frame(story, event);
}

struct story *story_new(uint32_t nodes, unsigned options)
{
    struct holm_world_config config = holm_world_config_default(1);
    struct story *story = calloc(1, sizeof *story);
    assert_non_null(story);
    config.hook = (struct holm_world_hook){look_on, story};
    assert_int_equal(holm_world_new(&config, &story->world), HOLM_OK);
    assert_true(nodes <= STORY_NODES_MAX);
    story->nodes = nodes;
    story->config = holm_world_node_config_default();
    story->config.engine.partitions = STORY_PARTITIONS;
    story->config.disk = (options & STORY_DISKS) != 0;
    if ((options & STORY_STABLE) != 0)
        story->config.engine.retention = HOLM_RETENTION_STABLE;
    return story;
}

void story_set_up(struct story *story)
{
    for (uint32_t i = 0; i < story->nodes; i++) {
        struct holm_world_node_config config = story->config;
        config.engine.founds = config.engine.retention == HOLM_RETENTION_STABLE && i == 0;
        assert_int_equal(holm_world_add(story->world, &config), i);
    }
}

static bool all_are_members(const struct story *story)
{
    bool all = true;
    for (uint32_t i = 0; i < story->nodes; i++)
        all = all && story_confirmed(story, i) && story_standing(story, i).members == story->nodes;
    return all;
}

void story_begin(struct story *story)
{
    story_set_up(story);
    for (uint32_t i = 0; i < story->nodes; i++)
        story_start(story, i);
    story_run(story, 8000);
    if (story->config.engine.retention != HOLM_RETENTION_STABLE)
        return;
    for (uint32_t s = 0; s < 200 && !all_are_members(story); s++)
        story_run(story, 1000);
    story_expect_members(story, story->nodes);
}

void story_end(struct story *story)
{
    for (uint32_t i = 0; i < story->nodes; i++) {
        if (holm_world_alive(story->world, i))
            holm_engine_check(holm_world_engine(story->world, i));
    }
    holm_world_free(story->world);
    free(story);
}

/* ---- lives ---------------------------------------------------------------------------------- */

void story_start(struct story *story, uint32_t node)
{
    assert_int_equal(holm_world_start(story->world, node), HOLM_OK);
    for (uint32_t i = 0; i < story->nodes; i++) {
        if (i != node)
            holm_world_join(story->world, node, i);
    }
}

static struct holm_disk *blank_disk(const struct story *story)
{
    bool stable = story->config.engine.retention == HOLM_RETENTION_STABLE;
    return holm_disk_new(story->config.engine.partitions + stable);
}

struct holm_disk *story_backup(struct story *story, uint32_t node)
{
    struct holm_disk *copy = blank_disk(story);
    holm_disk_copy(copy, holm_world_disk(story->world, node));
    return copy;
}

void story_restore(struct story *story, uint32_t node, const struct holm_disk *copy)
{
    holm_disk_copy(holm_world_disk(story->world, node), copy);
    story_start(story, node);
}

/* The end of the logs: no more fits into the reason of a failure. */
static const char *tail(const struct story *story)
{
    size_t size = strlen(story->log);
    return size > 800 ? story->log + size - 800 : story->log;
}

/* ---- time ----------------------------------------------------------------------------------- */

void story_run(struct story *story, uint64_t ms)
{
    holm_world_run(story->world, holm_world_now_us(story->world) + ms * MS);
}

uint64_t story_await(struct story *story, uint64_t limit_ms,
                     bool (*done)(const struct story *story, uint32_t node), uint32_t node)
{
    uint64_t ms = 0;
    for (; !done(story, node); ms++) {
        if (ms == limit_ms)
            fail_msg("n%u waits in vain for %llu ms:\n%s", node, (unsigned long long)limit_ms,
                     tail(story));
        story_run(story, 1);
    }
    return ms;
}

bool story_converged(const struct story *story)
{
    return holm_world_living_agree(story->world);
}

static bool converged(const struct story *story, uint32_t node)
{
    (void)node;
    return story_converged(story);
}

uint64_t story_converge(struct story *story, uint64_t limit_ms)
{
    return story_await(story, limit_ms, converged, 0);
}

/* ---- faults --------------------------------------------------------------------------------- */

void story_cut(struct story *story, uint32_t a, uint32_t b, bool cut)
{
    holm_world_cut(story->world, a, b, cut);
    holm_world_cut(story->world, b, a, cut);
}

void story_split(struct story *story, uint32_t alone, bool cut)
{
    for (uint32_t i = 0; i < story->nodes; i++) {
        if (i != alone)
            story_cut(story, i, alone, cut);
    }
}

uint32_t story_hold(struct story *story, uint32_t from, uint32_t to, uint32_t types)
{
    struct holm_gate gate = {.verdict = HOLM_NETWORK_HOLD,
                             .from = UINT64_C(1) << from,
                             .to = to == STORY_ANY ? 0 : UINT64_C(1) << to,
                             .types = types};
    return holm_gate_set(story->world, &gate);
}

/* ---- writing -------------------------------------------------------------------------------- */

enum holm_status story_commit(struct story *story, uint32_t node, struct holm_op op)
{
    struct holm_receipt receipt;
    return holm_world_commit(story->world, node, &op, 1, &receipt);
}

void story_put(struct story *story, uint32_t node, const char *key, int64_t value)
{
    struct holm_op op = holm_op_put(holm_str(key), holm_str("v"), holm_i64(value));
    assert_int_equal(story_commit(story, node, op), HOLM_OK);
}

void story_add(struct story *story, uint32_t node, const char *key, int64_t amount)
{
    struct holm_op op = holm_op_add(holm_str(key), holm_str("n"), amount);
    assert_int_equal(story_commit(story, node, op), HOLM_OK);
}

void story_bury(struct story *story, uint32_t node, const char *key)
{
    assert_int_equal(story_commit(story, node, holm_op_bury(holm_str(key))), HOLM_OK);
}

void story_remove(struct story *story, uint32_t node, const char *key)
{
    struct holm_op op = holm_op_remove(holm_str(key), holm_str(""));
    assert_int_equal(story_commit(story, node, op), HOLM_OK);
}

/* ---- looking -------------------------------------------------------------------------------- */

static const struct holm_replica *lock(const struct story *story, uint32_t node, const char *key,
                                       uint32_t *partition)
{
    *partition = holm_partition_of(holm_str(key), story->config.engine.partitions);
    return holm_engine_lock(holm_world_engine(story->world, node), *partition);
}

bool story_exists(const struct story *story, uint32_t node, const char *key)
{
    uint32_t partition;
    bool answer = holm_replica_exists(lock(story, node, key, &partition), holm_str(key));
    holm_engine_unlock(holm_world_engine(story->world, node), partition);
    return answer;
}

static bool count_cell(void *context, const struct holm_cell_view *cell)
{
    uint32_t *count = context;
    (void)cell;
    (*count)++;
    return true;
}

uint32_t story_cells(const struct story *story, uint32_t node, const char *key)
{
    uint32_t partition, count = 0;
    holm_replica_visit(lock(story, node, key, &partition), holm_str(key), count_cell, &count);
    holm_engine_unlock(holm_world_engine(story->world, node), partition);
    return count;
}

int64_t story_sum(const struct story *story, uint32_t node, const char *key)
{
    uint32_t partition;
    int64_t sum = 0;
    enum holm_status status = holm_replica_count(lock(story, node, key, &partition), holm_str(key),
                                                 holm_str("n"), &sum);
    holm_engine_unlock(holm_world_engine(story->world, node), partition);
    assert_true(status == HOLM_OK || status == HOLM_ENOENT);
    return sum;
}

struct holm_stats story_stats(const struct story *story, uint32_t node)
{
    struct holm_stats stats;
    holm_engine_stats(holm_world_engine(story->world, node), &stats);
    return stats;
}

struct holm_engine_membership story_standing(const struct story *story, uint32_t node)
{
    struct holm_engine_membership membership;
    holm_engine_membership(holm_world_engine(story->world, node), &membership);
    return membership;
}

bool story_confirmed(const struct story *story, uint32_t node)
{
    return story_standing(story, node).confirmed;
}

bool story_collected(const struct story *story, uint32_t node)
{
    return story_stats(story, node).tombstones == 0;
}

void story_expect_exists(const struct story *story, const char *key, bool expected)
{
    for (uint32_t i = 0; i < story->nodes; i++) {
        if (holm_world_alive(story->world, i) && story_exists(story, i, key) != expected)
            fail_msg("n%u %s \"%s\":\n%s", i, expected ? "lacks" : "shows", key, tail(story));
    }
}

void story_expect_sum(const struct story *story, const char *key, int64_t sum)
{
    for (uint32_t i = 0; i < story->nodes; i++) {
        if (holm_world_alive(story->world, i) && story_sum(story, i, key) != sum)
            fail_msg("n%u has %lld for \"%s\", not %lld:\n%s", i,
                     (long long)story_sum(story, i, key), key, (long long)sum, tail(story));
    }
}

void story_expect_members(const struct story *story, uint32_t count)
{
    for (uint32_t i = 0; i < story->nodes; i++) {
        if (!holm_world_alive(story->world, i))
            continue;
        struct holm_engine_membership standing = story_standing(story, i);
        if (!standing.confirmed || standing.members != count)
            fail_msg("n%u %s, of %u, not %u:\n%s", i,
                     standing.confirmed ? "is a member" : "is no member", standing.members, count,
                     tail(story));
    }
}

void story_expect_collected(const struct story *story, bool collected)
{
    for (uint32_t i = 0; i < story->nodes; i++) {
        if (holm_world_alive(story->world, i) && story_collected(story, i) != collected)
            fail_msg("n%u has %llu tombstones:\n%s", i,
                     (unsigned long long)story_stats(story, i).tombstones, tail(story));
    }
}

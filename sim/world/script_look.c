/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "crdt/partition.h"
#include "sim/world/script.h"

#define TAIL 200u

/* The end of the logs: no more fits into a reason. */
static const char *tail(const struct holm_script *script)
{
    size_t size = strlen(script->log);
    return size > TAIL ? script->log + size - TAIL : script->log;
}

_Noreturn void holm_script_fail(const struct holm_script *script, uint32_t node, const char *format,
                                ...)
{
    struct holm_verdict verdict = {.broken = true, .claim = "script", .node = node};
    verdict.at_us = script->world == NULL ? 0 : holm_world_now_us(script->world);
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(verdict.why, sizeof verdict.why - TAIL - 2, format, arguments);
    va_end(arguments);
    size_t used = strlen(verdict.why);
    HOLM_ASSERT(size > 0);
    (void)snprintf(verdict.why + used, sizeof verdict.why - used, "\n%.*s", (int)TAIL,
                   tail(script));
    script->hook.fail(script->hook.context, &verdict);
    abort();
}

/* ---- looking -------------------------------------------------------------------------------- */

static const struct holm_replica *lock(const struct holm_script *script, uint32_t node,
                                       const char *key, uint32_t *partition)
{
    *partition = holm_partition_of(holm_str(key), script->config.engine.partitions);
    return holm_engine_lock(holm_world_engine(script->world, node), *partition);
}

bool holm_script_exists(const struct holm_script *script, uint32_t node, const char *key)
{
    uint32_t partition;
    bool answer = holm_replica_exists(lock(script, node, key, &partition), holm_str(key));
    holm_engine_unlock(holm_world_engine(script->world, node), partition);
    return answer;
}

static bool count_cell(void *context, const struct holm_cell_view *cell)
{
    uint32_t *count = context;
    (void)cell;
    (*count)++;
    return true;
}

uint32_t holm_script_cells(const struct holm_script *script, uint32_t node, const char *key)
{
    uint32_t partition, count = 0;
    holm_replica_visit(lock(script, node, key, &partition), holm_str(key), count_cell, &count);
    holm_engine_unlock(holm_world_engine(script->world, node), partition);
    return count;
}

int64_t holm_script_sum(const struct holm_script *script, uint32_t node, const char *key)
{
    uint32_t partition;
    int64_t sum = 0;
    enum holm_status status = holm_replica_count(lock(script, node, key, &partition), holm_str(key),
                                                 holm_str("n"), &sum);
    holm_engine_unlock(holm_world_engine(script->world, node), partition);
    HOLM_SCRIPT_EXPECT(script, status == HOLM_OK || status == HOLM_ENOENT);
    return sum;
}

struct holm_stats holm_script_stats(const struct holm_script *script, uint32_t node)
{
    struct holm_stats stats;
    holm_engine_stats(holm_world_engine(script->world, node), &stats);
    return stats;
}

struct holm_engine_membership holm_script_standing(const struct holm_script *script, uint32_t node)
{
    struct holm_engine_membership membership;
    holm_engine_membership(holm_world_engine(script->world, node), &membership);
    return membership;
}

bool holm_script_confirmed(const struct holm_script *script, uint32_t node)
{
    return holm_script_standing(script, node).confirmed;
}

bool holm_script_collected(const struct holm_script *script, uint32_t node)
{
    return holm_script_stats(script, node).tombstones == 0;
}

void holm_script_expect_exists(const struct holm_script *script, const char *key, bool expected)
{
    for (uint32_t i = 0; i < script->nodes; i++) {
        if (holm_world_alive(script->world, i) && holm_script_exists(script, i, key) != expected)
            holm_script_fail(script, i, "it %s \"%s\"", expected ? "lacks" : "shows", key);
    }
}

void holm_script_expect_sum(const struct holm_script *script, const char *key, int64_t sum)
{
    for (uint32_t i = 0; i < script->nodes; i++) {
        if (holm_world_alive(script->world, i) && holm_script_sum(script, i, key) != sum)
            holm_script_fail(script, i, "it has %lld for \"%s\", not %lld",
                             (long long)holm_script_sum(script, i, key), key, (long long)sum);
    }
}

void holm_script_expect_members(const struct holm_script *script, uint32_t count)
{
    for (uint32_t i = 0; i < script->nodes; i++) {
        if (!holm_world_alive(script->world, i))
            continue;
        struct holm_engine_membership standing = holm_script_standing(script, i);
        if (!standing.confirmed || standing.members != count)
            holm_script_fail(script, i, "it %s, of %u, not %u",
                             standing.confirmed ? "is a member" : "is no member", standing.members,
                             count);
    }
}

void holm_script_expect_collected(const struct holm_script *script, bool collected)
{
    for (uint32_t i = 0; i < script->nodes; i++) {
        if (holm_world_alive(script->world, i) && holm_script_collected(script, i) != collected)
            holm_script_fail(script, i, "it has %llu tombstones",
                             (unsigned long long)holm_script_stats(script, i).tombstones);
    }
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/world/checker.h"

static void moment(struct holm_judge *judge)
{
    struct holm_world *world = judge->config.world;
    for (uint32_t i = 0; i < holm_world_count(world); i++) {
        struct holm_engine *engine = holm_world_engine(world, i);
        if (engine == NULL)
            continue;
        size_t bytes = holm_world_heap_bytes(world, i);
        if (bytes <= judge->config.heap_bytes_max)
            continue;
        struct holm_stats stats;
        holm_engine_stats(engine, &stats);
        size_t allowed = judge->config.heap_bytes_max + 2 * stats.state_bytes;
        if (bytes > allowed)
            holm_judge_fail(judge, &holm_check_memory, i,
                            "it holds %zu bytes, %zu are allowed with a state of %zu", bytes,
                            allowed, (size_t)stats.state_bytes);
    }
}

static void event(struct holm_judge *judge, const struct holm_world_event *event)
{
    if (event->type != HOLM_WORLD_GONE)
        return;
    size_t bytes = holm_world_heap_bytes(judge->config.world, event->node);
    if (bytes > 0)
        holm_judge_fail(judge, &holm_check_memory, event->node,
                        "its engine was freed, and %zu bytes are left", bytes);
}

const struct holm_checker holm_check_memory = {
    .name = "memory",
    .claim = "a node holds its state and what its limits allow, and nothing when it has ended",
    .moment = moment,
    .event = event,
};

/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/world/checker.h"

static void moment(struct holm_judge *judge)
{
    struct holm_world *world = judge->config.world;
    for (uint32_t i = 0; i < holm_world_count(world); i++) {
        struct holm_engine *engine = holm_world_engine(world, i);
        if (engine == NULL)
            continue;
        size_t bytes = holm_world_heap_peak(world, i);
        if (i >= HOLM_JUDGE_NODES_MAX)
            continue;
        judge->frozen[i] |= holm_world_paused(world, i);
        if (bytes <= judge->config.heap_bytes_max)
            continue;
        struct holm_stats stats;
        holm_engine_stats(engine, &stats);
        size_t content = stats.state_bytes + stats.log_bytes;
        if (judge->contents[i] < content)
            judge->contents[i] = content;
        size_t allowed = judge->config.heap_bytes_max + 2 * judge->contents[i];
        if (judge->frozen[i])
            allowed += judge->config.outbox_bytes_max;
        if (bytes > allowed)
            holm_judge_fail(judge, &holm_check_memory, i,
                            "it held %zu bytes, %zu are allowed with a state and a log of %zu",
                            bytes, allowed, judge->contents[i]);
    }
}

static void event(struct holm_judge *judge, const struct holm_world_event *event)
{
    if (event->type == HOLM_WORLD_STARTED && event->node < HOLM_JUDGE_NODES_MAX) {
        judge->contents[event->node] = 0;
        judge->frozen[event->node] = false;
    }
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

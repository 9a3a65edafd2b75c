/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/world/shrink.h"

#include <stdlib.h>

struct shrinking {
    struct holm_plan *plan;
    bool (*fails)(void *context, const struct holm_plan *plan);
    void *context;
    uint32_t tries;
};

/* Leaves these events out, if it fails all the same. */
static bool drop(struct shrinking *shrinking, size_t first, size_t count)
{
    if (shrinking->tries == 0)
        return false;
    shrinking->tries--;
    struct holm_plan *plan = shrinking->plan;
    size_t size = plan->count * sizeof *plan->events, all = plan->count;
    struct holm_plan_event *kept = malloc(size + 1);
    HOLM_ASSERT(kept != NULL);
    memcpy(kept, plan->events, size);
    memmove(plan->events + first, plan->events + first + count,
            (all - first - count) * sizeof *plan->events);
    plan->count -= count;
    bool failed = shrinking->fails(shrinking->context, plan);
    if (!failed) {
        memcpy(plan->events, kept, size);
        plan->count = all;
    }
    free(kept);
    return failed;
}

static bool drop_runs(struct shrinking *shrinking)
{
    bool shrunk = false;
    for (size_t count = (shrinking->plan->count + 1) / 2; count > 0; count /= 2)
        for (size_t end = shrinking->plan->count; end > 0;) {
            size_t first = end > count ? end - count : 0;
            shrunk |= drop(shrinking, first, end - first);
            end = first;
        }
    return shrunk;
}

static bool still_fails(struct shrinking *shrinking)
{
    if (shrinking->tries == 0)
        return false;
    shrinking->tries--;
    return shrinking->fails(shrinking->context, shrinking->plan);
}

/* Operations of batches that are left. */
static bool drop_ops(struct shrinking *shrinking)
{
    bool shrunk = false;
    for (size_t i = 0; i < shrinking->plan->count; i++) {
        struct holm_plan_event *event = &shrinking->plan->events[i];
        for (uint32_t op = 0; op < event->op_count; op++) {
            uint32_t before = event->left_out, after = before | UINT32_C(1) << op;
            if (after == before || after == (uint32_t)((UINT64_C(1) << event->op_count) - 1))
                continue;
            event->left_out = after;
            if (still_fails(shrinking))
                shrunk = true;
            else
                event->left_out = before;
        }
    }
    return shrunk;
}

/* Whole nodes, with all that is done to them. */
static bool drop_nodes(struct shrinking *shrinking)
{
    struct holm_plan *plan = shrinking->plan;
    bool shrunk = false;
    for (uint32_t node = 0; node < plan->settings.nodes; node++) {
        if ((plan->settings.absent >> node & 1) != 0)
            continue;
        struct holm_plan before;
        holm_plan_copy(&before, plan);
        holm_plan_leave_out(plan, node);
        bool failed = still_fails(shrinking);
        if (!failed) {
            plan->settings = before.settings;
            plan->count = before.count;
            memcpy(plan->events, before.events, before.count * sizeof *before.events);
        }
        holm_plan_release(&before);
        shrunk |= failed;
    }
    return shrunk;
}

void holm_shrink(struct holm_plan *plan, bool (*fails)(void *context, const struct holm_plan *plan),
                 void *context, uint32_t tries_max)
{
    struct shrinking shrinking = {plan, fails, context, tries_max};
    for (bool shrunk = true; shrunk && shrinking.tries > 0;) {
        shrunk = drop_nodes(&shrinking);
        shrunk |= plan->count > 0 && drop_runs(&shrinking);
        shrunk |= drop_ops(&shrinking);
    }
}

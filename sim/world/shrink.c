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

void holm_shrink(struct holm_plan *plan, bool (*fails)(void *context, const struct holm_plan *plan),
                 void *context, uint32_t tries_max)
{
    struct shrinking shrinking = {plan, fails, context, tries_max};
    while (plan->count > 0 && drop_runs(&shrinking))
        continue;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>

#include "sim/world/checker.h"

/* Whether two vectors are the same, entry by entry: hashes alone are not believed. */
static bool equal_views(const struct holm_oracle_view *a, const struct holm_oracle_view *b)
{
    size_t count = a->count > b->count ? a->count : b->count;
    for (uint32_t i = 0; i < count; i++)
        if (holm_oracle_view_seq(a, i) != holm_oracle_view_seq(b, i))
            return false;
    return true;
}

static void converged(struct holm_judge *judge, bool in_time)
{
    uint32_t first = HOLM_WORLD_NOBODY;
    if (!in_time)
        holm_judge_fail(judge, &holm_check_converged, HOLM_WORLD_NOBODY,
                        "the survivors do not agree %" PRIu64 " ms after all was healed",
                        judge->config.bound_us / 1000);
    for (uint32_t node = 0; node < holm_world_count(judge->config.world) && node < 64; node++) {
        if ((judge->core >> node & 1) == 0)
            continue;
        if (first == HOLM_WORLD_NOBODY)
            first = node;
        for (uint32_t p = 0; p < judge->config.partitions; p++)
            if (!judge->blind[p] && !equal_views(&holm_judge_replica(judge, first, p)->view,
                                                 &holm_judge_replica(judge, node, p)->view))
                holm_judge_fail(judge, &holm_check_converged, node,
                                "it and n%" PRIu32 " say they agree, with different vectors",
                                first);
    }
}

const struct holm_checker holm_check_converged = {
    .name = "converged",
    .claim = "once healed, the survivors agree within the bound",
    .converged = converged,
};

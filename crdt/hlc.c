/* SPDX-License-Identifier: Apache-2.0 */
#include "crdt/hlc.h"

#define WALL_MS_MAX ((UINT64_C(1) << 48) - 1)

uint64_t holm_hlc_tick(struct holm_hlc *hlc, uint64_t wall_ms)
{
    uint64_t wall = (wall_ms > WALL_MS_MAX ? WALL_MS_MAX : wall_ms) << 16;
    if (wall > hlc->last)
        hlc->last = wall;
    else if (hlc->last < UINT64_MAX)
        hlc->last += 1;
    return hlc->last;
}

bool holm_hlc_observe(struct holm_hlc *hlc, uint64_t stamp, uint64_t wall_ms, uint64_t max_drift_ms)
{
    uint64_t ahead_max = wall_ms > UINT64_MAX - max_drift_ms ? UINT64_MAX : wall_ms + max_drift_ms;
    if (stamp >> 16 > ahead_max)
        return false;
    if (stamp > hlc->last)
        hlc->last = stamp;
    return true;
}

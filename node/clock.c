/* SPDX-License-Identifier: Apache-2.0 */
#include "node/clock.h"

#include <time.h>

struct holm_now holm_clock_now(void)
{
    struct timespec monotonic, wall;
    clock_gettime(CLOCK_MONOTONIC, &monotonic);
    /* Not the coarse clock, though it is eight times as fast: writes to two nodes of one machine a
     * millisecond apart are told apart by it alone. */
    clock_gettime(CLOCK_REALTIME, &wall);
    /* A monotonic time of 0 would read as "never happened" here and there. */
    return (struct holm_now){
        .monotonic_us = (uint64_t)monotonic.tv_sec * 1000000 + (uint64_t)monotonic.tv_nsec / 1000 +
                        1,
        .wall_ms = (uint64_t)wall.tv_sec * 1000 + (uint64_t)wall.tv_nsec / 1000000,
    };
}

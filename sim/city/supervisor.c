/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/city/supervisor.h"

#include <string.h>

/* A restart exactly as old as the window has left it. */
static void forget_old(struct holm_supervised *child, uint64_t monotonic_us)
{
    size_t old = 0;
    while (old < child->recent &&
           monotonic_us - child->restarts_us[old] >= HOLM_SUPERVISOR_WINDOW_US)
        old++;
    child->recent -= old;
    memmove(child->restarts_us, child->restarts_us + old,
            child->recent * sizeof child->restarts_us[0]);
}

enum holm_supervisor_verdict holm_supervisor_died(struct holm_supervised *child,
                                                  uint64_t monotonic_us)
{
    forget_old(child, monotonic_us);
    if (child->given_up || child->recent == HOLM_SUPERVISOR_RESTARTS_MAX) {
        child->given_up = true;
        return HOLM_SUPERVISOR_GIVE_UP;
    }
    child->restarts_us[child->recent++] = monotonic_us;
    child->restarts++;
    return HOLM_SUPERVISOR_RESTART;
}

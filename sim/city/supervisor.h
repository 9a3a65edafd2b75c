/* SPDX-License-Identifier: Apache-2.0 */
/*
 * supervisor.h - who is restarted, and who is given up.
 *
 * One for one: a city that dies is started again, and no other is touched. At most
 * `restarts_max` restarts of one city within `window_us`; when it dies once more within the window
 * it is given up for good. (Armstrong's restart intensity, as in Erlang/OTP's supervisor, but
 * counted for each child alone.)
 *
 * Pure policy: time is an argument, and the caller does the starting.
 */
#ifndef HOLM_SIM_CITY_SUPERVISOR_H
#define HOLM_SIM_CITY_SUPERVISOR_H

#include <holm/status.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HOLM_SUPERVISOR_RESTARTS_MAX 3
#define HOLM_SUPERVISOR_WINDOW_US 5000000

/* One child's record: its last restarts, oldest first. All zero is a child that never died. */
struct holm_supervised {
    uint64_t restarts_us[HOLM_SUPERVISOR_RESTARTS_MAX];
    size_t recent;     /* how many of them are within the window */
    uint64_t restarts; /* ever */
    bool given_up;
};

enum holm_supervisor_verdict {
    HOLM_SUPERVISOR_RESTART = 1, /* start it again now */
    HOLM_SUPERVISOR_GIVE_UP = 2  /* leave it dead, and say so */
};

/* A child died at `monotonic_us` (which does not go back). Counts the restart that it orders. */
enum holm_supervisor_verdict holm_supervisor_died(struct holm_supervised *child,
                                                  uint64_t monotonic_us);

#endif

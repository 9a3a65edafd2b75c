/* SPDX-License-Identifier: Apache-2.0 */
/*
 * workdir.h - a directory for the sockets and error files of one run.
 *
 *     /tmp/holm-sim.Xa81bQ/lisbon       its ipc socket
 *                          lisbon.err   its stderr
 *
 * Held under a lock as long as the run lasts. When the next run starts, it removes the directories of
 * its user whose lock nobody holds: a killed parent cannot clean up behind itself.
 */
#ifndef HOLM_CLI_WORKDIR_H
#define HOLM_CLI_WORKDIR_H

#include <stdbool.h>

struct holm_workdir {
    char path[64];
    int lock_fd;
};

/* Sweeps, then makes a new one in $TMPDIR, or in /tmp when that is unset or too long for a socket's
 * path. False: see errno. */
bool holm_workdir_open(struct holm_workdir *workdir);

/* Removes it with all that is in it. */
void holm_workdir_close(struct holm_workdir *workdir);

#endif

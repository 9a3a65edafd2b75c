/* SPDX-License-Identifier: Apache-2.0 */
/*
 * world_run.h - plays plans in child processes, so that a failed assertion, a crash or an endless
 * loop is a result like any other.
 *
 *     child:  plan -> play -> result into a pipe, for one seed after the other
 *     parent: results as they come; a child that died failed at the seed that it had begun
 */
#ifndef HOLM_CLI_WORLD_RUN_H
#define HOLM_CLI_WORLD_RUN_H

#include "cli/world_options.h"
#include "sim/world/play.h"

/* Plays one plan. False: the system refused a process. */
bool holm_world_try(const struct holm_plan *plan, struct holm_play_result *result);

/* Plays one seed of a script; what is done is told on stdout, and with options->trace all that happens, too. False: the
 * system refused a process. */
bool holm_world_try_script(const struct holm_world_options *options, uint64_t seed,
                           struct holm_play_result *result);

/*
 * Plays all seeds of the options, by as many processes as they say. `take` gets each result, in no
 * order but that of time; it returns false to stop. SIGINT and SIGTERM stop it, too; what is under way is
 * then lost. When the options' seconds are over no seed begins any more, and those under way are played to
 * their end: one that hangs is told. False: the system refused something.
 */
bool holm_world_run_seeds(const struct holm_world_options *options,
                          bool (*take)(void *context, uint64_t seed,
                                       const struct holm_play_result *result),
                          void *context);
/* The signal that stopped it, or 0. */
int holm_world_run_stopped(void);

#endif

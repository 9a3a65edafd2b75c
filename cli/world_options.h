/* SPDX-License-Identifier: Apache-2.0 */
/*
 * world_options.h - the command line of `holm world`.
 */
#ifndef HOLM_CLI_WORLD_OPTIONS_H
#define HOLM_CLI_WORLD_OPTIONS_H

#include "sim/world/scenario.h"

struct holm_world_options {
    uint64_t first, last;                 /* seeds, both included */
    bool seeded;                          /* some were given */
    const struct holm_preset *preset;     /* NULL: each seed draws its own */
    const struct holm_scenario *scenario; /* NULL: presets */
    bool list;                            /* scenarios are named, and nothing is played */
    const char *retention;                /* forever, stable; NULL: as drawn. Borrowed */
    uint32_t nodes, nodes_last; /* each seed draws from the first to the last; 0: by its preset */
    uint32_t jobs;
    uint32_t seconds; /* stops after so many; 0: does not */
    bool trace;
    bool shrink;      /* a failing seed is made a short story */
    const char *only; /* numbers of events, or NULL; borrowed, as json is */
    const char *json;
};

enum holm_world_parsed {
    HOLM_WORLD_RUN = 1,
    HOLM_WORLD_HELP = 2, /* it was asked for */
    HOLM_WORLD_WRONG = 3 /* a sentence that says what is allowed was written to stderr */
};

/* Reads `--name value` and `--name=value`. argv[0] is the sub-command. */
enum holm_world_parsed holm_world_options_parse(int argc, char **argv,
                                                struct holm_world_options *options);

/* Whether a script is played, and no plan. */
bool holm_world_options_script(const struct holm_world_options *options);

/* The plan of a seed: of the scenario or the preset that was asked for, or of its own. */
void holm_world_options_draw(const struct holm_world_options *options, uint64_t seed,
                             struct holm_plan *plan);

/* The text of --help. */
const char *holm_world_options_usage(void);

#endif

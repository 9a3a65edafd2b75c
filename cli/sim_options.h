/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim_options.h - the command line of `holm sim`.
 */
#ifndef HOLM_CLI_SIM_OPTIONS_H
#define HOLM_CLI_SIM_OPTIONS_H

#include "sim/city/story.h"

struct holm_sim_options {
    struct holm_story_config story;
    bool seeded; /* a seed was given */
    bool tcp;
    bool plain;
    uint32_t deadline_s; /* how long to wait for convergence */
    uint32_t log_kib;    /* op log of a city */
    const char *json;    /* a path, or NULL; borrowed from argv */
};

enum holm_sim_parsed {
    HOLM_SIM_RUN = 1,
    HOLM_SIM_HELP = 2, /* it was asked for */
    HOLM_SIM_WRONG = 3 /* a sentence that says what is allowed was written to stderr */
};

/* Reads `--name value` and `--name=value`. argv[0] is the sub-command. */
enum holm_sim_parsed holm_sim_options_parse(int argc, char **argv,
                                            struct holm_sim_options *options);

/* The text of --help. */
const char *holm_sim_options_usage(void);

#endif

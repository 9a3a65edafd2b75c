/* SPDX-License-Identifier: Apache-2.0 */
/*
 * serve.h - the command line of `holm serve`: a configuration, option by option.
 *
 *     --listen tls+tcp://0.0.0.0:7000 --seeds tls+tcp://a:7000,tls+tcp://b:7000 --store /var/lib/holm
 */
#ifndef HOLM_CLI_SERVE_H
#define HOLM_CLI_SERVE_H

#include <holm/holm.h>
#include <stdio.h>

enum holm_serve_parsed {
    HOLM_SERVE_RUN = 0,
    HOLM_SERVE_HELP = 1,
    HOLM_SERVE_WRONG = 2 /* why was written to `complaints` */
};

/* Fills the configuration, which points into argv. Whether its values fit holm_open() finds out. */
enum holm_serve_parsed holm_serve_parse(int argc, char **argv, FILE *complaints,
                                        struct holm_config *config);

extern const char holm_serve_usage[];

#endif

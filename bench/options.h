/* SPDX-License-Identifier: Apache-2.0 */
/*
 * options.h - the command line of `holm bench`.
 */
#ifndef HOLM_BENCH_OPTIONS_H
#define HOLM_BENCH_OPTIONS_H

#include "bench/show.h"

struct holm_bench_options {
    uint64_t seed;
    uint32_t nodes;
    uint32_t repeat; /* 0: the scenario's own */
    bool real;
    bool listed; /* scenarios were named, not "all" */
    const struct holm_bench_scenario *scenarios[HOLM_BENCH_SCENARIOS_MAX];
    size_t count;
    const char *json, *csv, *html, *host, *check, *baseline; /* files, or NULL */
    uint32_t tolerance_percent;
};

enum holm_bench_parsed {
    HOLM_BENCH_RUN = 1,
    HOLM_BENCH_HELP = 2,
    HOLM_BENCH_WRONG = 3 /* a line on stderr says what */
};

/* argv[0] is the command's own name. Strings are borrowed. */
enum holm_bench_parsed holm_bench_options_parse(int argc, char **argv,
                                                struct holm_bench_options *options);
const char *holm_bench_options_usage(void);

#endif

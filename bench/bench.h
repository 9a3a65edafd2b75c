/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench.h - the command `holm bench`, but for what other commands of it do.
 */
#ifndef HOLM_BENCH_BENCH_H
#define HOLM_BENCH_BENCH_H

enum holm_bench_exit {
    HOLM_BENCH_EXIT_OK = 0,
    HOLM_BENCH_EXIT_ERROR = 1,    /* the system refused something */
    HOLM_BENCH_EXIT_USAGE = 2,    /* the command line cannot be understood */
    HOLM_BENCH_EXIT_DIVERGED = 3, /* replicas were not equal in time */
    HOLM_BENCH_EXIT_WORSE = 4     /* they agree on what is wrong, or a figure got worse */
};

/* argv[0] is the command's own name. The exit status. */
int holm_bench_main(int argc, char **argv);

#endif

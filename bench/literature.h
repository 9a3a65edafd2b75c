/* SPDX-License-Identifier: Apache-2.0 */
/*
 * literature.h - the program that runs the paper's micro-benchmarks: bench_literature, `holm bench literature`.
 */
#ifndef HOLM_BENCH_LITERATURE_H
#define HOLM_BENCH_LITERATURE_H

/* argv[0] is its own name. The exit status; it may also end the program, with a line that says why. */
int literature_main(int argc, char **argv);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim_run.h - what the tests of `holm sim` share: a run of the program, its lines, its cities, its
 * result.
 */
#ifndef HOLM_TESTS_PROCESS_SIM_RUN_H
#define HOLM_TESTS_PROCESS_SIM_RUN_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <cmocka.h>

#define RUN_WAIT_S 60 /* for a line, and for the end */

struct run {
    pid_t pid;
    int fd; /* its stdout and stderr */
    char text[1 << 18];
    size_t size;
    size_t seen;    /* how far run_until() has read */
    unsigned end_s; /* how long run_end() waits; 0: RUN_WAIT_S and what a small run takes */
    bool forget;    /* its lines are read, and not kept */
};

/* Starts `holm ARGUMENTS...`; the last argument is NULL. A run is large: keep it static. Everything in
 * it is set anew. */
void run_start(struct run *run, const char *const arguments[]);
/* Reads until a line with `needle` has come after the last one that was waited for; fails when it
 * does not within RUN_WAIT_S. */
void run_until(struct run *run, const char *needle);
/* Reads to the end, and returns the exit status, or 128 + the signal. */
int run_end(struct run *run);
/* Waits for the end alone, of a run that is not read any more. */
int run_wait(const struct run *run);
/* How often the text has it so far. */
unsigned run_count(const struct run *run, const char *needle);

/* The process of a city, or 0. */
pid_t run_city(const struct run *run, const char *name);
/* How many city processes this run has. */
unsigned run_cities(const struct run *run);
/* Waits until a process is gone. */
void run_gone(pid_t pid);

/* The whole of a file, in a static buffer; checked to be JSON. */
const char *result_read(const char *path);
/* The number or the bool behind a key of the outermost object; fails when it is not there. */
double result_number(const char *text, const char *key);
/* All checks of a run that must have gone well. */
void result_assert_clean(const char *text);
/* How many elements the outermost array `key` has; `null` elements fail. */
unsigned result_length(const char *text, const char *key);

#endif

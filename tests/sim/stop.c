/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A run of many seeds tells how far it is, and when it is ended from outside, how far it came.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

struct run {
    pid_t child;
    FILE *output;
};

/* The shell gives way to the command. */
static struct run begin(const char *command)
{
    struct run run;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    run.child = fork();
    assert_true(run.child >= 0);
    if (run.child == 0) {
        (void)dup2(ends[1], STDOUT_FILENO);
        (void)close(ends[0]);
        (void)close(ends[1]);
        execl("/bin/sh", "sh", "-c", command, (char *)NULL);
        _exit(127);
    }
    (void)close(ends[1]);
    run.output = fdopen(ends[0], "r");
    assert_non_null(run.output);
    return run;
}

/* "1000 of 1000000 seeds, ..." */
static void read_progress(const char *line, uint64_t *done, uint64_t *all)
{
    const char *of = strstr(line, " of ");
    char *end;
    uint64_t number = strtoull(line, &end, 10);
    if (of == NULL || end != of)
        return;
    *done = number;
    *all = strtoull(of + strlen(" of "), NULL, 10);
}

/* The story of a run of so many seeds, to which this signal comes after the first thousand. */
static void stop(const char *command, int signal, uint64_t seeds)
{
    struct run run = begin(command);
    char stopped[64], line[512];
    uint64_t done = 0, all = 0, ran = 0, summed = 0;
    int status = 0;
    (void)snprintf(stopped, sizeof stopped, "stopped by %s after ",
                   signal == SIGINT ? "SIGINT" : "SIGTERM");
    while (done == 0 && fgets(line, sizeof line, run.output) != NULL)
        read_progress(line, &done, &all);
    assert_int_equal(done, 1000);
    assert_int_equal(all, seeds);
    assert_int_equal(kill(run.child, signal), 0);
    while (fgets(line, sizeof line, run.output) != NULL) {
        if (strncmp(line, stopped, strlen(stopped)) == 0)
            ran = strtoull(line + strlen(stopped), NULL, 10);
        if (strstr(line, " seeds, 0 failed; ") != NULL)
            summed = strtoull(line, NULL, 10);
    }
    assert_int_equal(fclose(run.output), 0);
    assert_int_equal(waitpid(run.child, &status, 0), run.child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 128 + signal);
    assert_true(ran >= 1000 && ran < seeds);
    assert_int_equal(summed, ran);
}

static void test_stop_when_a_signal_comes_it_says_how_many_seeds_ran(void **state)
{
    (void)state;
    stop("exec '" HOLM_PROGRAM "' world --seeds 1..1000000 --preset perfect --jobs 2", SIGTERM,
         1000000);
}

/* `./dev soak world`, which nothing else ends. */
static void test_stop_when_a_soak_is_interrupted_it_says_how_many_seeds_ran(void **state)
{
    (void)state;
    stop("HOLM_SOAK_PRESET=perfect HOLM_SOAK_FIRST=1 exec sh '" HOLM_SOURCE_DIR
         "/tests/sim/soak.sh' '" HOLM_PROGRAM "'",
         SIGINT, 1000000000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stop_when_a_signal_comes_it_says_how_many_seeds_ran),
        cmocka_unit_test(test_stop_when_a_soak_is_interrupted_it_says_how_many_seeds_ran),
    };
    return cmocka_run_group_tests_name("stop", tests, NULL, NULL);
}

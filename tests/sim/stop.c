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

static struct run begin(void)
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
        execl(HOLM_PROGRAM, HOLM_PROGRAM, "world", "--seeds", "1..1000000", "--preset", "perfect",
              "--jobs", "2", (char *)NULL);
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

static void test_stop_when_a_signal_comes_it_says_how_many_seeds_ran(void **state)
{
    (void)state;
    struct run run = begin();
    static const char stopped[] = "stopped by SIGTERM after ";
    char line[512];
    uint64_t done = 0, all = 0, ran = 0;
    int status = 0;
    while (done == 0 && fgets(line, sizeof line, run.output) != NULL)
        read_progress(line, &done, &all);
    assert_int_equal(done, 1000);
    assert_int_equal(all, 1000000);
    assert_int_equal(kill(run.child, SIGTERM), 0);
    while (fgets(line, sizeof line, run.output) != NULL)
        if (strncmp(line, stopped, strlen(stopped)) == 0)
            ran = strtoull(line + strlen(stopped), NULL, 10);
    assert_int_equal(fclose(run.output), 0);
    assert_int_equal(waitpid(run.child, &status, 0), run.child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 128 + SIGTERM);
    assert_true(ran >= 1000 && ran < 1000000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stop_when_a_signal_comes_it_says_how_many_seeds_ran),
    };
    return cmocka_run_group_tests_name("stop", tests, NULL, NULL);
}

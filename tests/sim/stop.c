/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A run of many seeds tells how far it is, and when it is ended from outside, how far it came.
 */
#include <inttypes.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
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

static void test_stop_when_a_signal_comes_it_says_how_many_seeds_ran(void **state)
{
    (void)state;
    struct run run = begin();
    char line[512];
    uint64_t done = 0, all = 0, ran = 0;
    int status = 0;
    while (done == 0 && fgets(line, sizeof line, run.output) != NULL)
        (void)sscanf(line, "%" SCNu64 " of %" SCNu64 " seeds,", &done, &all);
    assert_int_equal(done, 1000);
    assert_int_equal(all, 1000000);
    assert_int_equal(kill(run.child, SIGTERM), 0);
    while (fgets(line, sizeof line, run.output) != NULL)
        (void)sscanf(line, "stopped by SIGTERM after %" SCNu64, &ran);
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

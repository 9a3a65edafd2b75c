/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The convergence benchmark on real processes: it says what it cannot play, plays the rest, and leaves nobody behind.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include <cmocka.h>

struct output {
    int status;
    char text[16000];
};

static struct output run(const char *arguments)
{
    struct output output = {.status = -1};
    char command[512];
    (void)snprintf(command, sizeof command, "'%s' bench %s 2>&1", HOLM_PROGRAM, arguments);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    output.text[fread(output.text, 1, sizeof output.text - 1, pipe)] = '\0';
    int status = pclose(pipe);
    output.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    return output;
}

static void test_bench_on_processes_converges(void **state)
{
    char path[] = "/tmp/holm-bench-XXXXXX", arguments[256], line[8192];
    uint64_t count = 0, max = 0, changes = 0, memory = 0, runs = 0, operations = 0;
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    (void)snprintf(arguments, sizeof arguments,
                   "--real --nodes 3 --repeat 1 --scenario crash,bomb --json %s", path);
    struct output output = run(arguments);
    print_message("%s", output.text);
    assert_int_equal(output.status, 0);
    assert_non_null(strstr(output.text, "3 nodes as processes on loopback"));
    FILE *file = fdopen(fd, "r");
    assert_non_null(file);
    while (fgets(line, sizeof line, file) != NULL) {
        unsigned long long number, most, mean;
        if (sscanf(line, " \"staleness_us\": {\"count\": %llu", &number) == 1)
            count = number;
        if (sscanf(
                line,
                " \"convergence_us\": {\"count\": 1, \"mean\": %llu, \"p50\": %llu, \"p99\": null, "
                "\"max\": %llu",
                &mean, &number, &most) == 3)
            max = most;
        if (sscanf(line, " \"changes\": %llu", &number) == 1)
            changes = number;
        if (sscanf(line, " \"operations\": %llu", &number) == 1)
            operations = number;
        if (sscanf(line, " \"runs_arrived\": %llu", &number) == 1)
            runs = number;
        char *curve = strstr(line, "\"equal_permille\": [");
        for (char *at = curve == NULL ? NULL : strchr(curve, '['); at != NULL;
             at = strchr(at + 1, ','))
            assert_true(strtoull(at + 1, NULL, 10) <= 1000); /* at no time more than all */
        if (sscanf(line, " \"memory_bytes_max\": %llu", &number) == 1)
            memory = number;
    }
    assert_int_equal(fclose(file), 0);
    assert_int_equal(remove(path), 0);
    assert_true(count > 100);   /* two readers of each of three times 50 writes a second */
    assert_true(changes > 200); /* the bombed node got all of it again */
    assert_true(runs > 100 && operations > 100);
    assert_true(max > 0 && max < 60000000);
    assert_true(memory > 1 << 20);
}

static void test_bench_when_nothing_can_be_played_says_so(void **state)
{
    assert_int_equal(run("--scenario crashes").status, 2);
    assert_int_equal(run("--real --check x").status, 2);
    assert_int_equal(run("--json /nowhere/at/all --repeat 1 --scenario steady").status, 1);
}

static void test_bench_literature_is_the_other_program(void **state)
{
    struct output output = run("literature --help");
    assert_int_equal(output.status, 0);
    assert_non_null(strstr(output.text, "literature-bombs"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bench_on_processes_converges),
        cmocka_unit_test(test_bench_when_nothing_can_be_played_says_so),
        cmocka_unit_test(test_bench_literature_is_the_other_program),
    };
    return cmocka_run_group_tests_name("bench", tests, NULL, NULL);
}

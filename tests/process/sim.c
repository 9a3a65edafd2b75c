/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Small runs of the cities as anybody would start them, over both transports. T01 and T04 are in
 * each: every bombed city comes back under a new epoch, reuses no dot (`reused_dots`), and is whole
 * again from its peers though nobody writes for its sake (`recovery_ms`).
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sim_run.h"

static struct run run;

static void run_small(const char *transport)
{
    char path[64];
    (void)snprintf(path, sizeof path, "sim-%s-%ld.json", transport, (long)getpid());
    const char *const arguments[] = {"sim", "--cities",    "3",       "--heroes", "60", "--seconds",
                                     "4",   "--seed",      "1",       "--bombs",  "3",  "--splits",
                                     "1",   "--transport", transport, "--json",   path, NULL};
    run_start(&run, arguments);
    assert_int_equal(run_end(&run), 0);
    const char *text = result_read(path);
    result_assert_clean(text);
    assert_true(result_number(text, "seed") == 1);
    assert_true(result_number(text, "bombs") == 3);
    assert_true(result_number(text, "splits") == 1);
    assert_true(result_number(text, "restarts") == 3);
    assert_true(result_number(text, "survivors") == 3);
    assert_true(result_number(text, "operations") > 300);
    assert_true(result_number(text, "fights") > 10);
    assert_int_equal(result_length(text, "convergence_ms"), 2);
    assert_int_equal(result_length(text, "cities"), 3);
    assert_int_equal(result_length(text, "split_fights"), 1);
    assert_true(result_length(text, "recovery_ms") >= 1);
    assert_int_equal(unlink(path), 0);
}

static void test_sim_when_small_over_ipc_then_converges_and_holds(void **state)
{
    run_small("ipc");
    assert_ptr_equal(strstr(run.text, "seed 1: 3 cities"), run.text);
    assert_int_equal(run_count(&run, "s at speed 20, 3 bombs, 1 split, over ipc\n"), 1);
    assert_int_equal(run_count(&run, "seed 1: 3 bombs, 1 split, 0 killed from outside"), 1);
    assert_true(run_count(&run, " of 4 s: 3 of 3 cities live") >= 1);
    assert_int_equal(run_count(&run, "a bomb on "), 3);
    assert_int_equal(run_count(&run, "netsplit: "), 1);
    assert_int_equal(run_count(&run, "ms after the heal"), 1);
    assert_non_null(strstr(run.text, "All cities agree, and all promises were kept."));
    assert_null(strchr(run.text, '\033'));
}

static void test_sim_when_small_over_tcp_then_converges_and_holds(void **state)
{
    run_small("tcp");
}

/* A netsplit with fights on both sides, each side losing a city meanwhile. */
static void test_sim_when_split_then_both_sides_fight_on(void **state)
{
    char path[64];
    (void)snprintf(path, sizeof path, "sim-split-%ld.json", (long)getpid());
    const char *const arguments[] = {"sim",     "--seconds", "5",       "--seed", "11",
                                     "--speed", "50",        "--bombs", "4",      "--splits=1",
                                     "--json",  path,        NULL};
    run_start(&run, arguments);
    assert_int_equal(run_end(&run), 0);
    const char *text = result_read(path);
    result_assert_clean(text);
    double one;
    double other;
    assert_int_equal(
        sscanf(strstr(text, "split_fights"), "split_fights\": [[%lf, %lf]]", &one, &other), 2);
    assert_true(one > 0 && other > 0);
    assert_int_equal(unlink(path), 0);
}

/* What is no file of its own is written to, not replaced: once, a run as root took /dev/null away. */
static void test_sim_when_without_heroes_bombs_and_splits_then_holds(void **state)
{
    char path[64], link[72];
    struct stat status;
    (void)snprintf(path, sizeof path, "sim-result-%ld.json", (long)getpid());
    (void)snprintf(link, sizeof link, "sim-link-%ld.json", (long)getpid());
    assert_int_equal(symlink(path, link), 0);
    const char *const arguments[] = {"sim",       "--cities", "2",       "--heroes", "0",
                                     "--seconds", "1",        "--bombs", "0",        "--splits",
                                     "0",         "--json",   link,      NULL};
    run_start(&run, arguments);
    assert_int_equal(run_end(&run), 0);
    assert_int_equal(lstat(link, &status), 0);
    assert_true(S_ISLNK(status.st_mode));
    assert_int_equal(result_length(result_read(path), "cities"), 2);
    assert_int_equal(unlink(link), 0);
    assert_int_equal(unlink(path), 0);
}

static unsigned work_directories(void)
{
    unsigned count = 0;
    const char *base = getenv("TMPDIR");
    DIR *directory = opendir(base == NULL ? "/tmp" : base);
    assert_non_null(directory);
    for (const struct dirent *entry; (entry = readdir(directory)) != NULL;)
        count += strncmp(entry->d_name, "holm-sim.", 9) == 0;
    (void)closedir(directory);
    return count;
}

static void test_sim_when_it_has_ended_then_leaves_nothing_behind(void **state)
{
    char base[] = "sim-tmp-XXXXXX";
    char path[256];
    assert_non_null(mkdtemp(base));
    assert_non_null(realpath(base, path));
    /* A socket's path is short: a temporary directory that is too long for it is not used. */
    bool used = strlen(path) <= 40;
    assert_int_equal(setenv("TMPDIR", path, 1), 0);
    const char *const arguments[] = {"sim", "--cities", "2", "--seconds", "1", NULL};
    run_start(&run, arguments);
    run_until(&run, "the story begins");
    assert_int_equal(run_cities(&run), 2);
    assert_int_equal(work_directories(), used ? 1 : 0);
    assert_int_equal(run_end(&run), 0);
    assert_int_equal(run_cities(&run), 0);
    assert_int_equal(work_directories(), 0);
    assert_int_equal(unsetenv("TMPDIR"), 0);
    assert_int_equal(rmdir(base), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sim_when_small_over_ipc_then_converges_and_holds),
        cmocka_unit_test(test_sim_when_small_over_tcp_then_converges_and_holds),
        cmocka_unit_test(test_sim_when_split_then_both_sides_fight_on),
        cmocka_unit_test(test_sim_when_without_heroes_bombs_and_splits_then_holds),
        cmocka_unit_test(test_sim_when_it_has_ended_then_leaves_nothing_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

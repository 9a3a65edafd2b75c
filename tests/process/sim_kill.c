/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cities killed and frozen from outside, and the parent ended, at any time.
 */
#define _GNU_SOURCE 1 /* nanosleep */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "sim_run.h"

static struct run run;
static char result[64];

/* A run that nothing happens to but what the test does. */
static void start_quiet(const char *cities, const char *heroes, const char *seconds,
                        const char *log_kib)
{
    const char *const arguments[] = {"sim",   "--cities", cities, "--heroes",  heroes,  "--seconds",
                                     seconds, "--seed",   "5",    "--bombs",   "0",     "--splits",
                                     "0",     "--json",   result, "--log-kib", log_kib, NULL};
    run_start(&run, arguments);
    run_until(&run, "the story begins");
}

static void end_clean(void)
{
    assert_int_equal(run_end(&run), 0);
    result_assert_clean(result_read(result));
}

static void kill_city(const char *name)
{
    pid_t pid = run_city(&run, name);
    assert_true(pid > 0);
    assert_int_equal(kill(pid, SIGKILL), 0);
}

static void test_sim_when_cities_are_killed_then_the_verdict_holds(void **state)
{
    static const char *const names[] = {"oslo", "lisbon", "kyoto", "oslo"};
    start_quiet("4", "80", "5", "65536");
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        kill_city(names[i]);
        run_until(&run, "was killed from outside");
        run_until(&run, "is whole again");
    }
    end_clean();
    const char *text = result_read(result);
    assert_true(result_number(text, "killed") == 4);
    assert_true(result_number(text, "restarts") == 4);
    assert_int_equal(result_length(text, "recovery_ms"), 4);
}

/* While it is frozen the rest go on: two lines of figures are written. */
static void test_sim_when_a_city_is_frozen_then_the_rest_go_on(void **state)
{
    start_quiet("3", "50", "7", "65536");
    pid_t pid = run_city(&run, "kyoto");
    assert_true(pid > 0);
    assert_int_equal(kill(pid, SIGSTOP), 0);
    run_until(&run, "kyoto is frozen");
    run_until(&run, "of 7 s: 3 of 3 cities live, 2 alike");
    run_until(&run, "of 7 s: 3 of 3 cities live, 2 alike");
    assert_int_equal(kill(pid, SIGCONT), 0);
    run_until(&run, "kyoto goes on");
    end_clean();
    assert_true(result_number(result_read(result), "survivors") == 3);
}

/* Frozen over the end of the story: its answer is waited for. */
static void test_sim_when_a_city_thaws_after_the_end_then_all_agree(void **state)
{
    start_quiet("3", "50", "2", "65536");
    pid_t pid = run_city(&run, "kyoto");
    assert_int_equal(kill(pid, SIGSTOP), 0);
    run_until(&run, "the story is over");
    run_until(&run, "all agree");
    assert_int_equal(kill(pid, SIGCONT), 0);
    end_clean();
    assert_true(result_number(result_read(result), "survivors") == 3);
}

static void test_sim_when_a_city_dies_too_often_then_is_given_up_and_named(void **state)
{
    start_quiet("3", "50", "4", "65536");
    for (int i = 0; i < 3; i++) {
        kill_city("oslo");
        run_until(&run, "oslo is back");
    }
    kill_city("oslo");
    run_until(&run, "oslo is given up");
    end_clean();
    assert_non_null(strstr(run.text, "oslo was given up: the verdict is about the others"));
    const char *text = result_read(result);
    assert_true(result_number(text, "given_up") == 1);
    assert_true(result_number(text, "survivors") == 2);
    assert_non_null(strstr(text, "\"given_up\": true"));
}

/* What is read of /proc/PID/statm, in pages; 0 when the process is gone. */
static long resident_pages(pid_t pid)
{
    char path[32];
    long whole;
    long resident = 0;
    (void)snprintf(path, sizeof path, "/proc/%ld/statm", (long)pid);
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return 0;
    if (fscanf(file, "%ld %ld", &whole, &resident) != 2)
        resident = 0;
    (void)fclose(file);
    return resident;
}

/* Waits until pages of a state come in: a city's memory grows by about 300 KiB, of the several MiB that
 * it will take. Where that is missed the city is filled already, and the kill comes too late to tell
 * anything; it does no harm. */
static void wait_for_pages(pid_t city)
{
    struct timespec pause = {0, 500000};
    long first = resident_pages(city);
    for (int i = 0; i < 2000 && first > 0; i++) {
        long pages = resident_pages(city);
        if (pages == 0 || (pages - first) * 4 > 300)
            return;
        (void)nanosleep(&pause, NULL);
    }
}

/*
 * T25: the op logs hold a fraction of the state, so an empty city can only be filled by syncs, of each
 * partition one. Two of its three sources are killed while pages come in; three times, each pair of
 * sources once. Nothing is missed, nothing is doubled.
 */
static void test_sim_when_the_source_of_a_sync_dies_then_another_takes_over(void **state)
{
    static const char *const sources[][2] = {
        {"oslo", "kyoto"}, {"kyoto", "quito"}, {"quito", "oslo"}};
    start_quiet("4", "4000", "12", "64");
    for (size_t i = 0; i < 3; i++) {
        kill_city("lisbon");
        run_until(&run, "lisbon is back");
        wait_for_pages(run_city(&run, "lisbon"));
        kill_city(sources[i][0]);
        kill_city(sources[i][1]);
        for (int whole = 0; whole < 3; whole++)
            run_until(&run, "is whole again");
    }
    end_clean();
    const char *text = result_read(result);
    assert_true(result_number(text, "killed") == 9);
    /* Nine lives began empty, and 4,000 heroes are in every partition. */
    assert_true(result_number(text, "syncs") >= 9);
}

static void test_sim_when_every_city_is_killed_for_good_then_says_so(void **state)
{
    start_quiet("2", "10", "20", "65536");
    for (int i = 0; i < 4; i++) {
        pid_t lisbon = run_city(&run, "lisbon");
        pid_t oslo = run_city(&run, "oslo");
        assert_true(lisbon > 0 && oslo > 0);
        assert_int_equal(kill(lisbon, SIGKILL) + kill(oslo, SIGKILL), 0);
        run_until(&run, i < 3 ? "is back" : "is given up");
        run_until(&run, i < 3 ? "is back" : "is given up");
    }
    assert_int_equal(run_end(&run), 3);
    assert_non_null(strstr(run.text, "no city is left"));
    double operations = result_number(result_read(result), "operations");
    char perished[80];
    (void)snprintf(perished, sizeof perished, "  %.0f operations died with all who had seen them\n",
                   operations);
    assert_non_null(strstr(run.text, perished));
    assert_true(result_number(result_read(result), "perished") == operations);
}

static void end_by(int signal_number)
{
    char base[] = "/tmp/holm-XXXXXX";
    assert_non_null(mkdtemp(base));
    assert_int_equal(setenv("TMPDIR", base, 1), 0);
    start_quiet("3", "20", "30", "65536");
    pid_t city = run_city(&run, "oslo");
    assert_int_equal(run_cities(&run), 3);
    assert_int_equal(kill(run.pid, signal_number), 0);
    assert_int_equal(run_end(&run), 128 + signal_number);
    run_gone(city);
    assert_int_equal(run_count(&run, "there is no verdict"), 1);
    assert_int_equal(unsetenv("TMPDIR"), 0);
    assert_int_equal(rmdir(base), 0);
}

static void test_sim_when_interrupted_then_leaves_no_process(void **state)
{
    end_by(SIGINT);
    end_by(SIGTERM);
}

/* Nobody is left to clean up: the cities die with their parent, and the next run sweeps. */
static void test_sim_when_the_parent_is_killed_then_cities_end_and_the_next_run_sweeps(void **state)
{
    char base[] = "/tmp/holm-XXXXXX";
    assert_non_null(mkdtemp(base));
    assert_int_equal(setenv("TMPDIR", base, 1), 0);
    start_quiet("3", "20", "30", "65536");
    pid_t cities[] = {run_city(&run, "lisbon"), run_city(&run, "oslo"), run_city(&run, "kyoto")};
    assert_int_equal(kill(run.pid, SIGKILL), 0);
    assert_int_equal(run_end(&run), 128 + SIGKILL);
    for (size_t i = 0; i < 3; i++)
        run_gone(cities[i]);
    assert_int_equal(rmdir(base), -1);
    start_quiet("2", "5", "1", "65536");
    end_clean();
    assert_int_equal(unsetenv("TMPDIR"), 0);
    assert_int_equal(rmdir(base), 0);
}

/* A reader that goes away is no reason to hang. */
static void test_sim_when_nobody_reads_then_ends(void **state)
{
    start_quiet("2", "5", "30", "65536");
    pid_t city = run_city(&run, "oslo");
    (void)close(run.fd);
    run_gone(city);
    run.fd = -1;
    assert_int_equal(run_wait(&run), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sim_when_cities_are_killed_then_the_verdict_holds),
        cmocka_unit_test(test_sim_when_a_city_is_frozen_then_the_rest_go_on),
        cmocka_unit_test(test_sim_when_a_city_thaws_after_the_end_then_all_agree),
        cmocka_unit_test(test_sim_when_a_city_dies_too_often_then_is_given_up_and_named),
        cmocka_unit_test(test_sim_when_the_source_of_a_sync_dies_then_another_takes_over),
        cmocka_unit_test(test_sim_when_every_city_is_killed_for_good_then_says_so),
        cmocka_unit_test(test_sim_when_interrupted_then_leaves_no_process),
        cmocka_unit_test(
            test_sim_when_the_parent_is_killed_then_cities_end_and_the_next_run_sweeps),
        cmocka_unit_test(test_sim_when_nobody_reads_then_ends),
    };
    (void)snprintf(result, sizeof result, "sim-kill-%ld.json", (long)getpid());
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    (void)unlink(result);
    return failed;
}

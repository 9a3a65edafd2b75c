/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cities of `holm sim` in a simulated world, as a user runs them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sys/wait.h>

#include <cmocka.h>

struct run {
    char said[65536];
    int status;
};

/* stdout of `holm world ARGUMENTS`, and its exit status. */
static void play(struct run *run, const char *arguments)
{
    char command[512];
    snprintf(command, sizeof command, "%s world %s 2>/dev/null", HOLM_PROGRAM, arguments);
    FILE *output = popen(command, "r");
    assert_non_null(output);
    size_t size = fread(run->said, 1, sizeof run->said - 1, output);
    run->said[size] = '\0';
    int status = pclose(output);
    assert_true(WIFEXITED(status));
    run->status = WEXITSTATUS(status);
}

static void assert_said(const struct run *run, const char *text)
{
    if (strstr(run->said, text) == NULL)
        fail_msg("not said: \"%s\", but: %s", text, run->said);
}

static uint64_t hash_of(const struct run *run)
{
    const char *at = strstr(run->said, "\nhash ");
    assert_non_null(at);
    return strtoull(at + 6, NULL, 16);
}

#define SHORT "--cities 5 --seconds 60 --bombs 4 --splits 2 --speed 10 "

static void test_cities_when_they_live_in_a_world_then_all_promises_are_kept(void **state)
{
    static struct run run;
    play(&run, SHORT "--seeds 1..6");
    assert_int_equal(run.status, 0);
    assert_true(strncmp(run.said, "seed 1: 5 cities in a world", 27) == 0);
    assert_said(&run, "seed 6: 4 bombs, 2 splits, 0 killed from outside, 4 restarts\n");
    assert_said(&run, "cities whole again 4 times");
    assert_said(&run, "All cities agree, and all promises were kept.\n");
    assert_null(strstr(run.said, "NOT"));
    assert_said(&run, "0 of 6 seeds failed\n");
}

static void test_cities_when_the_seed_is_the_same_then_so_is_every_line(void **state)
{
    static struct run runs[3];
    play(&runs[0], SHORT "--seed 7 --trace");
    play(&runs[1], SHORT "--seed 7 --trace");
    play(&runs[2], SHORT "--seed 8 --trace");
    assert_said(&runs[0], "the split is healed; the story holds its breath\n");
    assert_string_equal(runs[0].said, runs[1].said);
    assert_int_not_equal(hash_of(&runs[0]), hash_of(&runs[2]));
}

/* An hour of the timers' five seconds: some 720 fights a city, where it has whom to send. */
static void test_cities_when_an_hour_passes_then_it_is_an_hour_of_city_life(void **state)
{
    static struct run run;
    unsigned long fights = 0, operations = 0, bound = 0;
    play(&run, "--cities 3 --seed 2");
    assert_int_equal(run.status, 0);
    assert_said(&run, "20 bombs, 6 splits, 0 killed from outside, 20 restarts\n");
    const char *at = strstr(run.said, " operations, ");
    while (at[-1] != '\n')
        at--;
    assert_int_equal(
        sscanf(at, "%lu operations, %lu of them bind; %lu fights", &operations, &bound, &fights),
        3);
    /* A timer that starts anew, after a death or a heal, may beat once more. */
    assert_in_range(fights, 1500, 2160 + 20 + 3 * 6);
    assert_true(operations > 3 * fights);
    const char *time = strstr(run.said, " s of the world\n");
    while (time[-1] != '\n')
        time--;
    assert_in_range(strtoul(time, NULL, 10), 3600, 3660);
}

static void test_cities_when_the_journal_is_written_then_it_says_that_all_holds(void **state)
{
    static struct run run;
    char path[] = "/tmp/holm-cities-XXXXXX";
    char arguments[256];
    static char json[65536];
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    snprintf(arguments, sizeof arguments, SHORT "--json %s", path);
    play(&run, arguments);
    assert_int_equal(run.status, 0);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    json[fread(json, 1, sizeof json - 1, file)] = '\0';
    fclose(file);
    remove(path);
    assert_non_null(strstr(json, "\"holds\": true"));
    assert_non_null(strstr(json, "\"lost_acknowledged\": 0"));
}

static void test_cities_when_the_command_is_wrong_then_it_is_refused(void **state)
{
    static const char *const wrong[] = {"--cities 1", "--cities 5 --seeds 3",
                                        "--cities 5 --seeds 3..2", "--cities 5 --nonsense",
                                        "--cities 5 --seeds"};
    static struct run run;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        play(&run, wrong[i]);
        assert_int_equal(run.status, 2);
        assert_string_equal(run.said, "");
    }
    play(&run, "--cities 5 --help");
    assert_int_equal(run.status, 0);
    assert_said(&run, "An hour of their life");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cities_when_they_live_in_a_world_then_all_promises_are_kept),
        cmocka_unit_test(test_cities_when_the_seed_is_the_same_then_so_is_every_line),
        cmocka_unit_test(test_cities_when_an_hour_passes_then_it_is_an_hour_of_city_life),
        cmocka_unit_test(test_cities_when_the_journal_is_written_then_it_says_that_all_holds),
        cmocka_unit_test(test_cities_when_the_command_is_wrong_then_it_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

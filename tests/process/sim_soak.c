/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ten minutes of cities (HOLM_SOAK_SECONDS: another length). Their op logs reach their bound within
 * the first; from half time on memory may grow by what the newly buried cost, and no more.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sim_run.h"

/* A tombstone for ever, with its key, its dot and its share of the tables, and some slack. */
#define BURIED_KIB 0.25
#define SLACK_KIB 512

static double member(const char *text, const char *key)
{
    char needle[32];
    (void)snprintf(needle, sizeof needle, "\"%s\": ", key);
    const char *found = strstr(text, needle);
    assert_non_null(found);
    return strtod(found + strlen(needle), NULL);
}

static void test_sim_when_it_runs_for_long_then_memory_is_flat(void **state)
{
    static struct run run;
    const char *wished = getenv("HOLM_SOAK_SECONDS");
    const char *seconds = wished == NULL ? "600" : wished;
    char path[64];
    (void)snprintf(path, sizeof path, "sim-soak-%ld.json", (long)getpid());
    const char *const arguments[] = {"sim",   "--cities", "5",  "--heroes",  "300", "--seconds",
                                     seconds, "--speed",  "40", "--bombs",   "0",   "--splits",
                                     "4",     "--json",   path, "--log-kib", "512", NULL};
    run_start(&run, arguments);
    run.forget = true;
    run.end_s = (unsigned)strtoul(seconds, NULL, 10) + 2 * RUN_WAIT_S;
    assert_int_equal(run_end(&run), 0);
    const char *text = result_read(path);
    result_assert_clean(text);
    const char *city = strstr(text, "\"cities\": [\n");
    for (int i = 0; i < 5; i++) {
        city = strstr(city + 1, "{\"name\"");
        assert_non_null(city);
        double allowed = member(city, "middle") + BURIED_KIB * member(city, "buried") + SLACK_KIB;
        print_message("at half time %.0f KiB, at the end %.0f, at most %.0f; op log %.0f bytes\n",
                      member(city, "middle"), member(city, "end"), member(city, "peak"),
                      member(city, "log_bytes"));
        assert_true(member(city, "log_bytes") <= 512 * 1024);
        assert_true(member(city, "end") <= allowed);
    }
    assert_int_equal(unlink(path), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sim_when_it_runs_for_long_then_memory_is_flat),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

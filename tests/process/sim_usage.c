/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "sim_run.h"

static struct run run;

static void expect(const char *const arguments[], int status, const char *said)
{
    run_start(&run, arguments);
    int ended = run_end(&run);
    if (ended != status || strstr(run.text, said) == NULL)
        fail_msg("status %d, not %d, and '%s' was to be said:\n%s", ended, status, said, run.text);
}

static void test_holm_when_asked_then_says_what_it_can(void **state)
{
    expect((const char *[]){"--help", NULL}, 0, "holm sim");
    expect((const char *[]){"help", NULL}, 0, "holm sim");
    expect((const char *[]){"--version", NULL}, 0, "holm 0.");
    expect((const char *[]){"sim", "--help", NULL}, 0, "--transport ipc|tcp");
    expect((const char *[]){NULL}, 2, "holm sim");
    expect((const char *[]){"sin", NULL}, 2, "there is no command 'sin'");
    expect((const char *[]){"--seed", NULL}, 2, "there is no option '--seed'");
    expect((const char *[]){"city", NULL}, 2, "is started by `holm sim`");
}

static void test_sim_when_a_value_is_wrong_then_says_what_is_allowed(void **state)
{
    static const struct {
        const char *name, *value, *said;
    } wrong[] = {
        {"--cities", "1", "--cities is a number from 2 to 64, not '1'"},
        {"--cities", "65", "from 2 to 64"},
        {"--cities", "five", "from 2 to 64, not 'five'"},
        {"--cities", "", "from 2 to 64, not ''"},
        {"--cities", "-3", "from 2 to 64, not '-3'"},
        {"--cities", "5x", "from 2 to 64"},
        {"--cities", "99999999999999999999999", "from 2 to 64"},
        {"--heroes", "100001", "from 0 to 100000"},
        {"--seconds", "0", "from 1 to 86400"},
        {"--speed", "1001", "from 1 to 1000"},
        {"--bombs", "41", "--bombs: at most 40 for 5 cities in 20 s"},
        {"--splits", "21", "--splits: at most 20 in 20 s"},
        {"--seed", "18446744073709551616", "from 0 to 18446744073709551615"},
        {"--transport", "udp", "--transport is ipc or tcp, not 'udp'"},
        {"--deadline", "0", "from 1 to 3600"},
        {"--log-kib", "1", "from 64 to 1048576"},
        {"--json", "", "--json needs the name of a file"},
        {"--frobnicate", "1", "there is no option '--frobnicate'"},
        {"--citiesandmuchmoreofaverylongname", "1", "there is no option"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        expect((const char *[]){"sim", wrong[i].name, wrong[i].value, NULL}, 2, wrong[i].said);
    }
    expect((const char *[]){"sim", "--cities=1", NULL}, 2, "from 2 to 64, not '1'");
    expect((const char *[]){"sim", "--cities", NULL}, 2, "--cities needs a value");
    expect((const char *[]){"sim", "7", NULL}, 2, "'7' is no option");
}

static void test_sim_when_the_result_cannot_be_written_then_says_so_at_once(void **state)
{
    expect((const char *[]){"sim", "--json", "/nowhere/at/all.json", NULL}, 1,
           "/nowhere/at/all.json: No such file");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_holm_when_asked_then_says_what_it_can),
        cmocka_unit_test(test_sim_when_a_value_is_wrong_then_says_what_is_allowed),
        cmocka_unit_test(test_sim_when_the_result_cannot_be_written_then_says_so_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

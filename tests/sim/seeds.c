/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every seed that ever failed, played again: tests/sim/seeds.txt. Less is said of one in which nobody was left who could go on,
 * or that was not judged to the end: it fails, unless its line says so.
 */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "sim/world/play.h"

/* What a line allows: "296 disks+stable (stuck) why", "--seed 6 (blind): why". What it says without need may not stay, either. */
static const struct mark {
    const char *mark, *what;
} marks[] = {
    {"(stuck)", "nobody was left who could go on"},
    {"(blind)", "not judged to the end"},
};

#define MARKS (sizeof marks / sizeof marks[0])

/* Cuts it out. */
static bool take_mark(char *line, const char *mark)
{
    char *found = strstr(line, mark);
    if (found != NULL)
        memset(found, ' ', strlen(mark));
    return found != NULL;
}

static void take_marks(char *line, bool *allowed)
{
    for (size_t i = 0; i < MARKS; i++)
        allowed[i] = take_mark(line, marks[i].mark);
}

static size_t complaints;

/* All lines are told of that need a mark, or need it no more. */
static void require_marks(const char *line, const bool *allowed, const bool *found)
{
    for (size_t i = 0; i < MARKS; i++) {
        if (found[i] == allowed[i])
            continue;
        print_error("%s: %s%s\n", line, marks[i].mark,
                    allowed[i] ? " need not stand in the line any more" : " does not stand there");
        complaints++;
    }
}

/* "--seed 6 --nodes 20..64: why": what stands before the colon, as a user types it behind `holm world`. */
static void play_command(const char *line, const bool *allowed)
{
    char arguments[256], command[1024];
    static char said[16384];
    bool found[MARKS];
    size_t size = strcspn(line, ":");
    assert_true(line[size] == ':' && size < sizeof arguments);
    (void)snprintf(arguments, sizeof arguments, "%.*s", (int)size, line);
    assert_int_equal(strspn(arguments, "-.,= abcdefghijklmnopqrstuvwxyzT0123456789"), size);
    (void)snprintf(command, sizeof command, "'%s' world %s 2>&1", HOLM_PROGRAM, arguments);
    FILE *output = popen(command, "r");
    assert_non_null(output);
    said[fread(said, 1, sizeof said - 1, output)] = '\0';
    int status = pclose(output);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        fail_msg("holm world %s: %s", arguments, said);
    for (size_t i = 0; i < MARKS; i++)
        found[i] = strstr(said, marks[i].what) != NULL;
    require_marks(arguments, allowed, found);
}

static void play_seed(const char *line, const bool *allowed)
{
    uint64_t seed;
    uint32_t nodes = 0;
    char preset[32], retention[32] = "";
    int read = sscanf(line, "%" SCNu64 " %31[a-z]:%" SCNu32, &seed, preset, &nodes);
    assert_true(read >= 2);
    if (sscanf(line, "%" SCNu64 " %*[a-z]+%31[a-z]", &seed, retention) == 2)
        assert_string_equal(retention, "stable");
    assert_non_null(holm_preset_find(preset));
    struct holm_plan plan;
    struct holm_play_options options = {.trace = NULL};
    struct holm_play_result result;
    holm_plan_draw(&plan, holm_preset_find(preset), seed, nodes);
    if (retention[0] != '\0' && plan.settings.engine.retention != HOLM_RETENTION_STABLE)
        holm_plan_retain(&plan, HOLM_RETENTION_STABLE);
    holm_play(&plan, &options, &result);
    holm_plan_release(&plan);
    if (result.verdict.broken)
        fail_msg("holm world --seed %" PRIu64 " --preset %s: %s: %s", seed, preset,
                 result.verdict.claim, result.verdict.why);
    require_marks(line, allowed, (bool[MARKS]){result.stuck, result.blind});
}

static void play_line(char *line)
{
    bool allowed[MARKS];
    take_marks(line, allowed);
    if (line[0] == '-')
        play_command(line, allowed);
    else
        play_seed(line, allowed);
}

static void test_seeds_that_failed_once_hold_now(void **state)
{
    char line[512];
    size_t count = 0;
    FILE *file = fopen(HOLM_SOURCE_DIR "/tests/sim/seeds.txt", "r");
    assert_non_null(file);
    while (fgets(line, sizeof line, file) != NULL) {
        if (line[0] == '#' || line[0] == '\n')
            continue;
        play_line(line);
        count++;
    }
    assert_int_equal(fclose(file), 0);
    assert_true(count > 0);
    assert_int_equal(complaints, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_seeds_that_failed_once_hold_now)};
    return cmocka_run_group_tests_name("seeds", tests, NULL, NULL);
}

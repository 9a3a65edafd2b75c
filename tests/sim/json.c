/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `holm world --json FILE`, of one seed and of many: the file says what the program says.
 */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static char path[] = "/tmp/holm-world-XXXXXX";

static int set_up(void **state)
{
    (void)state;
    int fd = mkstemp(path);
    return fd < 0 ? -1 : close(fd);
}

static int tear_down(void **state)
{
    (void)state;
    return remove(path);
}

/* `holm world ARGUMENTS --json FILE`: its exit status, and the last hash that it says; 0: it says none. */
static int play(const char *arguments, const char *file, uint64_t *hash)
{
    char command[512], line[512];
    snprintf(command, sizeof command, "'%s' world %s --json '%s' 2>&1", HOLM_PROGRAM, arguments,
             file);
    FILE *output = popen(command, "r");
    assert_non_null(output);
    *hash = 0;
    while (fgets(line, sizeof line, output) != NULL)
        (void)sscanf(line, "hash %" SCNx64, hash);
    int status = pclose(output);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static const char *read_back(void)
{
    static char text[8192];
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    assert_int_equal(fclose(file), 0);
    return text;
}

static void expect(const char *text, const char *part)
{
    if (strstr(text, part) == NULL)
        fail_msg("not written: %s, but: %s", part, text);
}

static uint32_t count(const char *text, const char *part)
{
    uint32_t found = 0;
    for (const char *at = strstr(text, part); at != NULL; at = strstr(at + 1, part))
        found++;
    return found;
}

/* One run, of these words and this hash, and that it holds. */
static void expect_one(const char *head, uint64_t hash)
{
    const char *text = read_back();
    char part[64];
    snprintf(part, sizeof part, "\"hash\": \"%016" PRIx64 "\"", hash);
    assert_true(hash != 0);
    expect(text, head);
    expect(text, part);
    expect(text, "\"holds\": true, \"claim\": \"\"");
    expect(text, "\n  ],\n  \"seeds\": 1,\n  \"failed\": 0\n}\n");
    assert_int_equal(count(text, "{\"seed\": "), 1);
}

static void test_json_of_one_seed_is_written_however_it_is_asked_for(void **state)
{
    uint64_t hash, traced;
    (void)state;
    assert_int_equal(play("--seed 7 --preset perfect", path, &hash), 0);
    expect_one("{\n  \"runs\": [\n    {\"seed\": 7, \"preset\": \"perfect\", ", hash);
    assert_int_equal(truncate(path, 0), 0);
    assert_int_equal(play("--seed 7 --preset perfect --trace", path, &traced), 0);
    expect_one("{\"seed\": 7, \"preset\": \"perfect\", ", traced);
    assert_true(traced == hash);
    assert_int_equal(truncate(path, 0), 0);
    assert_int_equal(play("--seeds 8..8 --scenario T01", path, &hash), 0);
    expect_one("{\"seed\": 8, \"preset\": \"T01\", ", hash);
    assert_int_equal(truncate(path, 0), 0);
    assert_int_equal(play("--scenario T35", path, &hash), 0);
    expect_one("{\"seed\": 1, \"preset\": \"T35\", ", hash);
    assert_int_equal(truncate(path, 0), 0);
    assert_int_equal(play("--scenario T35 --seed 1 --trace", path, &traced), 0);
    expect_one("{\"seed\": 1, \"preset\": \"T35\", ", traced);
    assert_true(traced == hash);
}

static void test_json_of_many_seeds_has_each_as_it_is_alone(void **state)
{
    uint64_t hash;
    char part[64];
    (void)state;
    assert_int_equal(play("--seeds 7..9 --preset perfect --jobs 2", path, &hash), 0);
    const char *text = read_back();
    assert_int_equal(count(text, "{\"seed\": "), 3);
    expect(text, "\n  ],\n  \"seeds\": 3,\n  \"failed\": 0\n}\n");
    for (uint64_t seed = 7; seed <= 9; seed++) {
        char arguments[64];
        snprintf(arguments, sizeof arguments, "--seed %" PRIu64 " --preset perfect", seed);
        assert_int_equal(play(arguments, "/dev/null", &hash), 0);
        snprintf(part, sizeof part, "\"hash\": \"%016" PRIx64 "\"", hash);
        expect(text, part);
    }
}

static void test_json_that_cannot_be_written_is_an_error(void **state)
{
    uint64_t hash;
    (void)state;
    assert_int_equal(play("--seed 7 --preset perfect", "/dev/full", &hash), 1);
    assert_int_equal(play("--seeds 7..8 --preset perfect", "/dev/full", &hash), 1);
    assert_int_equal(play("--seed 7 --preset perfect", "/nowhere/file", &hash), 1);
    assert_int_equal(hash, 0); /* and nothing is played */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json_of_one_seed_is_written_however_it_is_asked_for),
        cmocka_unit_test(test_json_of_many_seeds_has_each_as_it_is_alone),
        cmocka_unit_test(test_json_that_cannot_be_written_is_an_error),
    };
    return cmocka_run_group_tests_name("json", tests, set_up, tear_down);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The same seed gives the same hash: twice in one process, where the heap lies otherwise the second
 * time; in another process, which has other addresses; with a trace and without.
 */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "sim/world/play.h"

#define SEEDS 12

static uint64_t play(uint64_t seed, const char *preset, FILE *trace)
{
    struct holm_plan plan;
    struct holm_play_options options = {.trace = trace};
    struct holm_play_result result;
    holm_plan_draw(&plan, holm_preset_find(preset), seed, 0);
    holm_play(&plan, &options, &result);
    holm_plan_release(&plan);
    assert_false(result.verdict.broken);
    return result.hash;
}

static void test_hash_when_played_twice_is_the_same(void **state)
{
    for (const struct holm_preset *preset = holm_presets; preset->name != NULL; preset++) {
        for (uint64_t seed = 1; seed <= SEEDS / 4; seed++) {
            uint64_t once = play(seed, preset->name, NULL);
            void *shifted = malloc(seed * 40000);
            assert_non_null(shifted);
            assert_int_equal(play(seed, preset->name, NULL), once);
            free(shifted);
        }
    }
}

static void test_hash_when_traced_is_the_same(void **state)
{
    FILE *nowhere = fopen("/dev/null", "w");
    assert_non_null(nowhere);
    assert_int_equal(play(7, "armageddon", nowhere), play(7, "armageddon", NULL));
    assert_int_equal(fclose(nowhere), 0);
}

static void test_hash_of_other_seeds_and_presets_is_another(void **state)
{
    assert_true(play(1, "chaos", NULL) != play(2, "chaos", NULL));
    assert_true(play(1, "chaos", NULL) != play(1, "wan", NULL));
}

/* What the program says of a seed. */
static uint64_t told(uint64_t seed)
{
    char command[512], line[512];
    uint64_t hash = 0;
    bool found = false;
    snprintf(command, sizeof command, "'%s' world --seed %" PRIu64 " --preset chaos", HOLM_PROGRAM,
             seed);
    FILE *output = popen(command, "r");
    assert_non_null(output);
    while (fgets(line, sizeof line, output) != NULL)
        found |= sscanf(line, "hash %" SCNx64, &hash) == 1;
    assert_int_equal(pclose(output), 0);
    assert_true(found);
    return hash;
}

static void test_hash_in_another_process_is_the_same(void **state)
{
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        uint64_t here = play(seed, "chaos", NULL);
        assert_int_equal(told(seed), here);
        assert_int_equal(told(seed), here);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hash_when_played_twice_is_the_same),
        cmocka_unit_test(test_hash_when_traced_is_the_same),
        cmocka_unit_test(test_hash_of_other_seeds_and_presets_is_another),
        cmocka_unit_test(test_hash_in_another_process_is_the_same),
    };
    return cmocka_run_group_tests_name("hash", tests, NULL, NULL);
}

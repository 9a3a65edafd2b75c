/* SPDX-License-Identifier: Apache-2.0 */
/*
 * canary CLAIM SEEDS PRESET - linked with a source that has a bug planted in it: the claim, asked alone,
 * must be broken by one of the seeds 1 to SEEDS.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "sim/world/play.h"

static uint64_t seed;

/* The core's own assertions would have found it; but the claim is in question here. */
static void on_assert(const char *expression, const char *file, int line)
{
    printf("seed %" PRIu64 ": %s:%d: %s\n", seed, file, line, expression);
    (void)fflush(stdout);
    _exit(2);
}

static bool finds(const char *claim, const struct holm_preset *preset)
{
    struct holm_plan plan;
    struct holm_play_options options = {.only = claim};
    struct holm_play_result result;
    holm_plan_draw(&plan, preset, seed, 0);
    if (preset->stable_permille < 1000)
        holm_plan_retain(&plan, HOLM_RETENTION_FOREVER);
    holm_play(&plan, &options, &result);
    holm_plan_release(&plan);
    if (result.verdict.broken)
        printf("seed %" PRIu64 ": %s: %s\n", seed, result.verdict.claim, result.verdict.why);
    return result.verdict.broken;
}

int main(int argc, char **argv)
{
    if (argc != 4 || holm_preset_find(argv[3]) == NULL)
        return 2;
    uint64_t seeds = strtoull(argv[2], NULL, 10);
    holm_assert_hook = on_assert;
    for (seed = 1; seed <= seeds; seed++)
        if (finds(argv[1], holm_preset_find(argv[3])))
            return 0;
    printf("the claim '%s' held in all of %" PRIu64 " seeds\n", argv[1], seeds);
    return 1;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The presets that no seed draws by itself: aside PRESET SEEDS. Each must hold, to its end and judged to the end, and what the
 * preset is for must have happened often.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/world/play.h"

struct sums {
    uint64_t seeds, left, unheard, forgotten, waiting, collected, stuck, blind;
};

static bool play(const struct holm_preset *preset, uint64_t seed, struct sums *sums)
{
    const struct holm_play_options options = {.trace = NULL};
    struct holm_play_result result;
    struct holm_plan plan;
    holm_plan_draw(&plan, preset, seed, 0);
    holm_play(&plan, &options, &result);
    holm_plan_release(&plan);
    sums->seeds++;
    sums->left += result.left;
    sums->unheard += result.unheard;
    sums->forgotten += result.forgotten;
    sums->waiting += result.waiting > 0;
    sums->collected += result.collected;
    sums->stuck += result.stuck;
    sums->blind += result.blind;
    if (result.verdict.broken)
        printf("holm world --seed %" PRIu64 " --preset %s: %s: %s\n", seed, preset->name,
               result.verdict.claim, result.verdict.why);
    return !result.verdict.broken;
}

/* A node a seed left for good, and hardly one of them needed an operator. */
static bool leavers_hold(const struct sums *sums)
{
    return sums->left >= sums->seeds && 4 * sums->forgotten < sums->left;
}

/* A fifth of the seeds had something that was never collected, and of as many the rest was forgotten. */
static bool remains_hold(const struct sums *sums)
{
    return 5 * sums->waiting >= sums->seeds && 5 * sums->forgotten >= sums->seeds;
}

int main(int argc, char **argv)
{
    struct sums sums = {.seeds = 0};
    if (argc != 3 || holm_preset_find(argv[1]) == NULL)
        return 2;
    const struct holm_preset *preset = holm_preset_find(argv[1]);
    uint64_t count = strtoull(argv[2], NULL, 10);
    bool holds = count > 0;
    for (uint64_t seed = 1; seed <= count; seed++)
        holds &= play(preset, seed, &sums);
    printf("%" PRIu64 " seeds: %" PRIu64 " left for good, %" PRIu64 " of them unheard; %" PRIu64
           " forgotten by an operator; tombstones waited in %" PRIu64 ", %" PRIu64
           " were collected; %" PRIu64 " stuck, %" PRIu64 " not judged to the end\n",
           sums.seeds, sums.left, sums.unheard, sums.forgotten, sums.waiting, sums.collected,
           sums.stuck, sums.blind);
    if (strcmp(preset->name, "leavers") == 0)
        holds &= leavers_hold(&sums);
    if (strcmp(preset->name, "remains") == 0)
        holds &= remains_hold(&sums);
    return holds && sums.collected > sums.seeds && sums.stuck + sums.blind == 0 ? 0 : 1;
}

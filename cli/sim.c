/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/sim.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "cli/cli.h"
#include "sim/city/dice.h"

/* Short enough to be typed again. */
static uint64_t draw_seed(void)
{
    struct timespec time;
    (void)clock_gettime(CLOCK_REALTIME, &time);
    uint64_t moment = (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
    return holm_dice_mix(moment, (uint64_t)getpid()) % 1000000000;
}

static int complain(const char *what)
{
    (void)fprintf(stderr, "holm sim: %s: %s\n", what, strerror(errno));
    return HOLM_EXIT_ERROR;
}

/* To learn at once, and not after the story, that the result cannot be written. */
static bool can_write(const char *path)
{
    char *copy = strdup(path);
    if (copy == NULL)
        return false;
    char *slash = strrchr(copy, '/');
    if (slash != NULL)
        slash[slash == copy ? 1 : 0] = '\0';
    bool can = access(slash == NULL ? "." : copy, W_OK | X_OK) == 0;
    free(copy);
    return can;
}

static void print_head(struct holm_sim *sim)
{
    const struct holm_story_config *config = &sim->story.config;
    char line[256];
    (void)snprintf(line, sizeof line,
                   "seed %" PRIu64 ": %" PRIu32 " cities, %" PRIu32 " %s, %" PRIu32
                   " s at speed %" PRIu32 ", %" PRIu32 " %s, %" PRIu32 " %s, over %s\n",
                   config->seed, config->cities, config->heroes,
                   holm_sim_plural(config->heroes, "hero", "heroes"), config->seconds,
                   config->speed, config->bombs, holm_sim_plural(config->bombs, "bomb", "bombs"),
                   config->splits, holm_sim_plural(config->splits, "split", "splits"),
                   sim->options->tcp ? "tcp" : "ipc");
    if (!sim->screen.terminal)
        holm_screen_text(&sim->screen, line);
}

/* What cities wrote to their stderr is worth reading when one crashed. */
static void print_errors(const struct holm_sim *sim)
{
    for (uint32_t i = 0; i < sim->count; i++) {
        const struct holm_sim_city *city = &sim->cities[i];
        char text[4096];
        int fd = city->crashes == 0 ? -1 : open(city->errors_path, O_RDONLY | O_CLOEXEC);
        ssize_t size = fd < 0 ? 0 : read(fd, text, sizeof text);
        if (size > 0)
            (void)fprintf(stderr, "%s wrote:\n%.*s\n", city->name, (int)size, text);
        if (fd >= 0)
            (void)close(fd);
    }
}

static int judge(struct holm_sim *sim)
{
    if (!holm_sim_converged(sim))
        return HOLM_EXIT_NOT_CONVERGED;
    return holm_sim_checks_hold(sim) ? HOLM_EXIT_OK : HOLM_EXIT_CHECK_FAILED;
}

/* With the screen open; closes it. */
static int run_on_screen(struct holm_sim *sim)
{
    print_head(sim);
    bool ran = holm_sim_run(sim);
    if (ran)
        holm_sim_print_verdict(sim);
    holm_screen_close(&sim->screen);
    print_errors(sim);
    if (sim->ended_by != 0) {
        (void)fprintf(stderr, "holm sim: ended by signal %d; there is no verdict\n", sim->ended_by);
        return 128 + sim->ended_by;
    }
    if (!ran) {
        (void)fprintf(stderr, "holm sim: %s\n", sim->failure);
        return HOLM_EXIT_ERROR;
    }
    if (sim->options->json != NULL && !holm_sim_write_json(sim, sim->options->json))
        return complain(sim->options->json);
    return judge(sim);
}

static int run(struct holm_sim *sim)
{
    sim->count = sim->story.config.cities;
    if (holm_sim_know_heroes(sim) != HOLM_OK || !holm_sim_prepare(sim))
        return complain("cannot begin");
    if (!holm_workdir_open(&sim->workdir))
        return complain("no directory for sockets");
    int status = HOLM_EXIT_ERROR;
    if (holm_screen_open(&sim->screen, sim->options->plain))
        status = run_on_screen(sim);
    else
        (void)complain("no screen");
    holm_workdir_close(&sim->workdir);
    return status;
}

void holm_sim_release(struct holm_sim *sim)
{
    holm_story_release(&sim->story);
    holm_ledger_release(&sim->ledger);
    free(sim->who);
    free(sim->convergences);
    free(sim->recoveries_us);
    free(sim->split_fights);
}

int holm_cli_sim(int argc, char **argv)
{
    static struct holm_sim sim;
    struct holm_sim_options options;
    switch (holm_sim_options_parse(argc, argv, &options)) {
    case HOLM_SIM_HELP:
        (void)fputs(holm_sim_options_usage(), stdout);
        return fflush(stdout) == 0 ? HOLM_EXIT_OK : HOLM_EXIT_ERROR;
    case HOLM_SIM_WRONG:
        return HOLM_EXIT_USAGE;
    case HOLM_SIM_RUN:
        break;
    }
    if (options.json != NULL && !can_write(options.json))
        return complain(options.json);
    if (!options.seeded)
        options.story.seed = draw_seed();
    sim.options = &options;
    sim.ways = &holm_sim_process_ways;
    holm_ledger_init(&sim.ledger);
    if (holm_story_draw(&sim.story, &options.story) != HOLM_OK)
        return complain("cannot draw the story");
    int status = run(&sim);
    holm_sim_release(&sim);
    return status;
}

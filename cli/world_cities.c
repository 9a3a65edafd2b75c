/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/world_cities.h"

#include <holm/testing.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "cli/cli.h"
#include "cli/sim.h"
#include "node/node.h"
#include "sim/city/heap.h"
#include "sim/city/town.h"
#include "sim/testing/parts.h"

/* A life of a city. */
struct town {
    struct holm_town town;
    struct holm_testing *world;
    char *said; /* its journal, as far as the parent has not read it */
    size_t said_size, said_capacity;
    uint64_t due_us; /* the timer that counts; those asked for before it do not */
    bool dead;
    int status; /* as wait(2) has it */
};

/* All that this run is about; the parent's table of ways has no room for more. */
static struct holm_testing *present_world;

/* ---- a town --------------------------------------------------------------------------------- */

static bool hear_journal(void *context, const char *text, size_t size)
{
    struct town *town = context;
    void *room = holm_heap_grow(town->said, &town->said_capacity, 1, town->said_size + size);
    HOLM_ASSERT(room != NULL);
    town->said = room;
    memcpy(town->said + town->said_size, text, size);
    town->said_size += size;
    return true;
}

static void die(struct town *town, int status)
{
    town->dead = true;
    town->status = status;
}

static void step(struct town *town);

static void on_time(void *context)
{
    struct town *town = context;
    if (!town->dead && town->due_us <= holm_testing_now(town->world))
        step(town);
}

static void on_change(void *context)
{
    struct town *town = context;
    town->town.news = true;
    if (!town->dead)
        step(town);
}

/* Steps again then, unless something makes it step before. */
static void call_at(struct town *town, uint64_t due_us)
{
    uint64_t now_us = holm_testing_now(town->world);
    if (due_us == town->due_us && due_us > now_us)
        return;
    town->due_us = due_us;
    if (due_us != HOLM_NEVER)
        holm_testing_after(town->world, town->town.node, due_us > now_us ? due_us - now_us : 0,
                           on_time, town);
}

static void step(struct town *town)
{
    uint64_t ahead_us = holm_node_now(town->town.node).monotonic_us - holm_testing_now(town->world);
    uint64_t due_us = holm_town_step(&town->town);
    if (town->town.actor.dead) {
        die(town, SIGKILL);
        return;
    }
    if (town->town.quit) {
        town->dead = true; /* nothing steps any more, while it says goodbye */
        holm_town_close(&town->town);
        die(town, 0);
        return;
    }
    call_at(town, due_us == HOLM_NEVER ? due_us : due_us > ahead_us ? due_us - ahead_us : 0);
}

/* ---- the ways of a town --------------------------------------------------------------------- */

static bool start(struct holm_sim *sim, struct holm_sim_city *city,
                  const struct holm_sim_start *start)
{
    struct holm_node *node;
    struct town *town = calloc(1, sizeof *town);
    HOLM_ASSERT(town != NULL);
    town->world = present_world;
    town->due_us = HOLM_NEVER;
    holm_town_init(&town->town,
                   (struct holm_scribe_target){.reader = hear_journal, .context = town});
    struct holm_config config = holm_town_config(&town->town);
    config.name = city->name;
    config.seeds = start->seeds;
    config.log_bytes_max = (size_t)sim->options->log_kib * 1024;
    city->town = town;
    enum holm_status status = holm_testing_open(present_world, &config, &node);
    if (status == HOLM_OK)
        status = holm_town_open(&town->town, node, city->name, start->seed, start->beat_us);
    if (status != HOLM_OK) {
        holm_sim_fail(sim, "%s cannot start: %s", city->name, holm_strerror(status));
        return false;
    }
    holm_testing_on_change(present_world, node, on_change, town);
    call_at(town, 0);
    return true;
}

static enum holm_status send_line(struct holm_sim_city *city, const char *line)
{
    struct town *town = city->town;
    size_t room;
    size_t size = strlen(line);
    if (town == NULL || town->dead)
        return HOLM_OK;
    /* What a pipe would hold, a town takes in before it is asked again. */
    char *input = holm_town_room(&town->town, &room);
    while (room < size + 1) {
        (void)holm_town_step(&town->town);
        size_t before = room;
        input = holm_town_room(&town->town, &room);
        if (room == before)
            return HOLM_ELIMIT;
    }
    memcpy(input, line, size);
    input[size] = '\n';
    holm_town_hear(&town->town, size + 1);
    call_at(town, 0);
    return HOLM_OK;
}

static bool read_lines(struct holm_sim_city *city, holm_process_line *take, void *context)
{
    struct town *town = city->town;
    if (town == NULL)
        return false;
    /* What comes of a line may make the town say more. */
    char *said = town->said;
    size_t size = town->said_size;
    town->said = NULL;
    town->said_size = town->said_capacity = 0;
    for (size_t at = 0; at < size;) {
        const char *end = memchr(said + at, '\n', size - at);
        HOLM_ASSERT(end != NULL);
        size_t line = (size_t)(end - (said + at)) + 1;
        take(context, said + at, line);
        at += line;
    }
    free(said);
    return town->said_size > 0 || !town->dead;
}

static void kill_city(struct holm_sim_city *city)
{
    struct town *town = city->town;
    if (town == NULL || town->dead)
        return;
    holm_testing_crash(town->world, city->name);
    die(town, SIGKILL);
}

static struct holm_sim_city *reap(struct holm_sim *sim, int *status)
{
    for (uint32_t i = 0; i < sim->count; i++) {
        const struct town *town = sim->cities[i].town;
        if (town == NULL || !town->dead || !holm_sim_is_living(&sim->cities[i]))
            continue;
        *status = town->status;
        return &sim->cities[i];
    }
    return NULL;
}

static size_t bury(struct holm_sim_city *city)
{
    struct town *town = city->town;
    if (town == NULL)
        return 0;
    if (town->town.node != NULL)
        holm_town_close(&town->town);
    free(town->said);
    free(town);
    city->town = NULL;
    return 0;
}

static void await_death(struct holm_sim_city *city)
{
    const struct town *town = city->town;
    HOLM_ASSERT(town->dead);
}

static void wait_in_world(struct holm_sim *sim)
{
    holm_testing_run(present_world, (uint64_t)holm_sim_patience_ms(sim) * HOLM_TESTING_MS);
    sim->now_us = holm_testing_now(present_world);
    for (uint32_t i = 0; i < sim->count; i++)
        if (holm_sim_is_living(&sim->cities[i]))
            (void)holm_sim_fleet_read(sim, &sim->cities[i]);
}

static const struct holm_sim_ways town_ways = {
    .start = start,
    .send = send_line,
    .read = read_lines,
    .kill = kill_city,
    .reap = reap,
    .bury = bury,
    .await_death = await_death,
    .wait = wait_in_world,
};

/* ---- one seed ------------------------------------------------------------------------------- */

static double seconds_now(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static int judge(const struct holm_sim *sim)
{
    if (!holm_sim_converged(sim))
        return HOLM_EXIT_NOT_CONVERGED;
    return holm_sim_checks_hold(sim) ? HOLM_EXIT_OK : HOLM_EXIT_CHECK_FAILED;
}

static int play(struct holm_sim *sim)
{
    char line[160];
    double began = seconds_now();
    if (!holm_screen_open(&sim->screen, true))
        return HOLM_EXIT_ERROR;
    (void)snprintf(
        line, sizeof line,
        "seed %" PRIu64 ": %" PRIu32 " cities in a world, %" PRIu32 " s at speed %" PRIu32 "\n",
        sim->story.config.seed, sim->count, sim->story.config.seconds, sim->story.config.speed);
    holm_screen_text(&sim->screen, line);
    sim->phase = HOLM_SIM_GATHER;
    bool ran = holm_sim_run(sim);
    uint64_t took_us = holm_testing_now(present_world);
    if (ran)
        holm_sim_print_verdict(sim);
    (void)snprintf(line, sizeof line, "%.1f s of the world\nhash %016" PRIx64 "\n",
                   (double)took_us / 1e6, holm_testing_hash(present_world));
    holm_screen_text(&sim->screen, line);
    holm_screen_close(&sim->screen);
    (void)fprintf(stderr, "%.1f s, %.0f times as fast as life\n", seconds_now() - began,
                  (double)took_us / 1e6 / (seconds_now() - began));
    if (!ran)
        (void)fprintf(stderr, "holm world: %s\n", sim->failure);
    else if (sim->options->json != NULL && !holm_sim_write_json(sim, sim->options->json))
        ran = false;
    return ran ? judge(sim) : HOLM_EXIT_ERROR;
}

/* Each seed has a network of its own: from one room to one planet, more or less lossy. */
static void draw_weather(void)
{
    struct holm_testing_path path = holm_testing_path_default();
    path.delay_us = 100 + holm_testing_random(present_world, 50 * HOLM_TESTING_MS);
    path.jitter_us = holm_testing_random(present_world, path.delay_us);
    path.loss_permille = (uint32_t)holm_testing_random(present_world, 50);
    path.duplicate_permille = (uint32_t)holm_testing_random(present_world, 20);
    path.reorder_permille = (uint32_t)holm_testing_random(present_world, 50);
    holm_testing_set_path(present_world, NULL, NULL, &path);
}

static int play_seed(const struct holm_sim_options *options, bool quiet)
{
    static struct holm_sim sim;
    int status = HOLM_EXIT_ERROR;
    memset(&sim, 0, sizeof sim);
    sim.options = options;
    sim.ways = &town_ways;
    sim.quiet = quiet;
    sim.signal_fd = -1;
    sim.count = options->story.cities;
    holm_ledger_init(&sim.ledger);
    present_world = holm_testing_new_quiet(options->story.seed);
    draw_weather();
    if (holm_story_draw(&sim.story, &options->story) == HOLM_OK &&
        holm_sim_know_heroes(&sim) == HOLM_OK)
        status = play(&sim);
    holm_testing_free(present_world);
    present_world = NULL;
    holm_sim_release(&sim);
    return status;
}

/* ---- the command line ----------------------------------------------------------------------- */

static const char usage[] =
    "holm world --cities N - the cities of `holm sim` in virtual time, over a virtual network\n"
    "\n"
    "An hour of their life, unless you say otherwise; the same seed tells the same story.\n"
    "\n"
    "    --cities N          how many cities, 2 to 64\n"
    "    --seed N            one seed (1)\n"
    "    --seeds A..B        all from A to B\n"
    "    --trace             tells what happens as it happens\n"
    "    --heroes, --seconds (3600), --speed (1), --bombs (20), --splits (6), --deadline, "
    "--log-kib, "
    "--json\n"
    "                        as `holm sim --help` has them\n"
    "\n"
    "Exit status: as that of `holm sim`; with --seeds, that of the first seed that fails.\n";

bool holm_world_cities_asked(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], "--cities") == 0 || strncmp(argv[i], "--cities=", 9) == 0)
            return true;
    return false;
}

struct arguments {
    char **argv; /* for the options of `holm sim` */
    int argc;
    uint64_t first, last;
    bool many, trace, help;
};

static bool take_seeds(const char *text, struct arguments *arguments)
{
    char *end = NULL;
    if (text == NULL || *text < '0' || *text > '9')
        return false;
    arguments->first = strtoull(text, &end, 10);
    if (strncmp(end, "..", 2) != 0 || end[2] < '0' || end[2] > '9')
        return false;
    arguments->last = strtoull(end + 2, &end, 10);
    arguments->many = true;
    return *end == '\0' && arguments->first <= arguments->last;
}

/* Takes out what is ours, and puts our defaults before what is left. */
static bool sort_out(int argc, char **argv, struct arguments *arguments)
{
    static char defaults[][16] = {"--seconds", "3600",     "--speed", "1",      "--bombs",
                                  "20",        "--splits", "6",       "--seed", "1"};
    size_t count = sizeof defaults / sizeof defaults[0];
    arguments->argv[arguments->argc++] = argv[0];
    for (size_t i = 0; i < count; i++)
        arguments->argv[arguments->argc++] = defaults[i];
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--trace") == 0)
            arguments->trace = true;
        else if (strcmp(argv[i], "--help") == 0)
            arguments->help = true;
        else if (strncmp(argv[i], "--seeds=", 8) == 0 || strcmp(argv[i], "--seeds") == 0) {
            const char *text = argv[i][7] == '=' ? argv[i] + 8 : argv[++i];
            if (!take_seeds(text, arguments))
                return false;
        } else
            arguments->argv[arguments->argc++] = argv[i];
    }
    return true;
}

static int play_all(const struct arguments *arguments, struct holm_sim_options *options)
{
    int status = HOLM_EXIT_OK;
    uint64_t failed = 0;
    for (uint64_t seed = arguments->first;; seed++) {
        options->story.seed = seed;
        int its = play_seed(options, !arguments->trace);
        failed += its != HOLM_EXIT_OK;
        status = status == HOLM_EXIT_OK ? its : status;
        if (seed == arguments->last)
            break;
    }
    if (arguments->many)
        (void)printf("%" PRIu64 " of %" PRIu64 " seeds failed\n", failed,
                     arguments->last - arguments->first + 1);
    return status;
}

int holm_world_cities(int argc, char **argv)
{
    struct arguments arguments = {.argv = calloc((size_t)argc + 16, sizeof(char *))};
    struct holm_sim_options options;
    int status = HOLM_EXIT_USAGE;
    if (arguments.argv == NULL)
        return HOLM_EXIT_ERROR;
    if (!sort_out(argc, argv, &arguments)) {
        (void)fputs("holm world: --seeds are two numbers as 1..100\n", stderr);
    } else if (arguments.help) {
        status = fputs(usage, stdout) == EOF ? HOLM_EXIT_ERROR : HOLM_EXIT_OK;
    } else if (holm_sim_options_parse(arguments.argc, arguments.argv, &options) == HOLM_SIM_RUN) {
        if (!arguments.many)
            arguments.first = arguments.last = options.story.seed;
        status = play_all(&arguments, &options);
    }
    free(arguments.argv);
    return status;
}

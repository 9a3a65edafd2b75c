/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/sim_options.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

static const char usage[] =
    "holm sim - cities full of superheroes, each an own process with its own replica of them all\n"
    "\n"
    "Heroes patrol, fight, fall and are buried; cities are bombed and come back empty; the "
    "network\n"
    "splits and heals. Then the story stops, and all must agree. At the end comes a verdict.\n"
    "\n"
    "    --cities N          how many cities, 2 to 64 (5)\n"
    "    --heroes N          how many heroes at first, 0 to 100,000 (100)\n"
    "    --seconds N         how long the story lasts, 1 to 86,400 (20)\n"
    "    --speed N           seconds of story in a second: the cities' timers are 5 s of it,\n"
    "                        1 to 1,000 (20)\n"
    "    --bombs N           cities killed without warning, their memory gone (3)\n"
    "    --splits N          netsplits into two halves, each healed (1)\n"
    "    --seed N            the story's; drawn when not given, and always printed\n"
    "    --transport ipc|tcp what the cities talk over (ipc)\n"
    "    --json FILE         write the result there\n"
    "    --deadline N        seconds that convergence may take, 1 to 3,600 (30)\n"
    "    --log-kib N         memory for the op log of a city, 64 to 1,048,576 KiB (65,536)\n"
    "    --plain             lines instead of a table, on a terminal too\n"
    "    --help\n"
    "\n"
    "Exit status: 0 all holds; 1 the system refused something; 2 wrong usage; 3 the cities did "
    "not\n"
    "converge in time; 4 they did, but a check failed; 130, 143 ended by SIGINT, SIGTERM.\n"
    "docs/SIMULATION.md tells what is checked, and how. NO_COLOR is honoured.\n";

const char *holm_sim_options_usage(void)
{
    return usage;
}

__attribute__((format(printf, 1, 2))) static enum holm_sim_parsed wrong(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)fputs("holm sim: ", stderr);
    (void)vfprintf(stderr, format, arguments);
    (void)fputs("\n", stderr);
    va_end(arguments);
    return HOLM_SIM_WRONG;
}

/* Decimal digits alone; nothing above the maximum. */
static bool parse_number(const char *text, uint64_t max, uint64_t *number)
{
    *number = 0;
    if (*text == '\0')
        return false;
    for (; *text != '\0'; text++) {
        if (*text < '0' || *text > '9')
            return false;
        uint64_t digit = (uint64_t)(*text - '0');
        if (*number > (max - digit) / 10)
            return false;
        *number = *number * 10 + digit;
    }
    return *number <= max;
}

struct number_option {
    const char *name;
    uint32_t *target;
    uint32_t min, max;
};

static enum holm_sim_parsed take_number(const struct number_option *option, const char *text)
{
    uint64_t number;
    if (!parse_number(text, option->max, &number) || number < option->min)
        return wrong("--%s is a number from %" PRIu32 " to %" PRIu32 ", not '%s'", option->name,
                     option->min, option->max, text);
    *option->target = (uint32_t)number;
    return HOLM_SIM_RUN;
}

static enum holm_sim_parsed take_text(const char *name, const char *text,
                                      struct holm_sim_options *options)
{
    if (strcmp(name, "seed") == 0) {
        options->seeded = true;
        if (!parse_number(text, UINT64_MAX, &options->story.seed))
            return wrong("--seed is a number from 0 to %" PRIu64 ", not '%s'", UINT64_MAX, text);
    } else if (strcmp(name, "transport") == 0) {
        options->tcp = strcmp(text, "tcp") == 0;
        if (!options->tcp && strcmp(text, "ipc") != 0)
            return wrong("--transport is ipc or tcp, not '%s'", text);
    } else {
        options->json = text;
        if (text[0] == '\0')
            return wrong("--json needs the name of a file");
    }
    return HOLM_SIM_RUN;
}

/* One option that takes a value. */
static enum holm_sim_parsed take_value(const char *name, const char *text,
                                       struct holm_sim_options *options)
{
    const struct number_option numbers[] = {
        {"cities", &options->story.cities, HOLM_STORY_CITIES_MIN, HOLM_STORY_CITIES_MAX},
        {"heroes", &options->story.heroes, 0, HOLM_STORY_HEROES_MAX},
        {"seconds", &options->story.seconds, 1, HOLM_STORY_SECONDS_MAX},
        {"speed", &options->story.speed, 1, HOLM_STORY_SPEED_MAX},
        {"bombs", &options->story.bombs, 0, 1000000},
        {"splits", &options->story.splits, 0, 1000000},
        {"deadline", &options->deadline_s, 1, 3600},
        {"log-kib", &options->log_kib, 64, 1048576},
    };
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        if (strcmp(name, numbers[i].name) == 0)
            return take_number(&numbers[i], text);
    }
    return take_text(name, text, options);
}

static bool takes_value(const char *name)
{
    static const char *const names[] = {"cities", "heroes",    "seconds",  "speed",
                                        "bombs",  "splits",    "deadline", "log-kib",
                                        "seed",   "transport", "json"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(name, names[i]) == 0)
            return true;
    }
    return false;
}

/* One argument, and the one after it when it is the value; *used says how many were read. */
static enum holm_sim_parsed take_argument(char **argv, struct holm_sim_options *options, int *used)
{
    const char *argument = argv[0];
    char name[32];
    *used = 1;
    if (strcmp(argument, "--help") == 0 || strcmp(argument, "-h") == 0)
        return HOLM_SIM_HELP;
    if (strcmp(argument, "--plain") == 0) {
        options->plain = true;
        return HOLM_SIM_RUN;
    }
    if (strncmp(argument, "--", 2) != 0)
        return wrong("'%s' is no option; `holm sim --help` lists them", argument);
    const char *equals = strchr(argument, '=');
    size_t length = equals == NULL ? strlen(argument + 2) : (size_t)(equals - argument) - 2;
    (void)snprintf(name, sizeof name, "%.*s", (int)(length < 31 ? length : 31), argument + 2);
    if (length > 30 || !takes_value(name))
        return wrong("there is no option '%s'; `holm sim --help` lists them", argument);
    if (equals != NULL)
        return take_value(name, equals + 1, options);
    if (argv[1] == NULL)
        return wrong("--%s needs a value", name);
    *used = 2;
    return take_value(name, argv[1], options);
}

/* What is only right or wrong together. */
static enum holm_sim_parsed check_together(const struct holm_sim_options *options)
{
    const struct holm_story_config *story = &options->story;
    uint32_t bombs = holm_story_bombs_max(story->cities, story->seconds);
    uint32_t splits = holm_story_splits_max(story->seconds);
    if (story->bombs > bombs)
        return wrong("--bombs: at most %" PRIu32 " for %" PRIu32 " cities in %" PRIu32
                     " s, or cities would be given up",
                     bombs, story->cities, story->seconds);
    if (story->splits > splits)
        return wrong("--splits: at most %" PRIu32 " in %" PRIu32 " s", splits, story->seconds);
    return HOLM_SIM_RUN;
}

enum holm_sim_parsed holm_sim_options_parse(int argc, char **argv, struct holm_sim_options *options)
{
    *options = (struct holm_sim_options){
        .story = {.cities = 5, .heroes = 100, .seconds = 20, .speed = 20, .splits = 1},
        .deadline_s = 30,
        .log_kib = 65536,
    };
    options->story.bombs = UINT32_MAX;
    for (int i = 1, used = 0; i < argc; i += used) {
        enum holm_sim_parsed parsed = take_argument(argv + i, options, &used);
        if (parsed != HOLM_SIM_RUN)
            return parsed;
    }
    /* Three bombs are the default where they fit. */
    if (options->story.bombs == UINT32_MAX) {
        uint32_t max = holm_story_bombs_max(options->story.cities, options->story.seconds);
        options->story.bombs = max < 3 ? max : 3;
    }
    return check_together(options);
}

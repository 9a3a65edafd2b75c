/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/world_options.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "node/random.h"

static const char usage[] =
    "holm world - whole nodes in virtual time over a virtual network, all from one seed\n"
    "\n"
    "Nodes crash, freeze, split and lie; then what is left heals, and must agree. An oracle that "
    "knows\n"
    "every operation and its causes judges what they show. The seed comes first, a hash of all "
    "that\n"
    "happened last: the same seed gives the same hash. A seed that fails is made a short story.\n"
    "\n"
    "    --seed N            one seed\n"
    "    --seeds A..B        all from A to B (1..100)\n"
    "    --preset NAME       perfect, wan, lossy, chaos, core, blitz, armageddon, churn, clocks, "
    "disks,\n"
    "                        hostile or collect; else each seed draws one. By name alone: "
    "leavers,\n"
    "                        remains, intruder\n"
    "    --retention NAME    forever or stable, of presets and scenarios; drawn: as the seed draws "
    "it\n"
    "    --scenario NAME     a schedule written by hand, as T26; the seed draws the rest. `list` "
    "names\n"
    "                        all; what is a script plays each of its acts once, if no seed is "
    "given\n"
    "    --nodes N | A..B    2 to 64 nodes, or as many from A to B as the seed draws; else by its "
    "preset\n"
    "    --trace             every event as a line; of one seed\n"
    "    --only LIST         only these events of the plan, as 0-3,17; of one seed\n"
    "    --no-shrink         do not look for a shorter story of what fails\n"
    "    --jobs N            processes, 1 to 64 (1)\n"
    "    --time S            begin no more seeds after so many seconds\n"
    "    --json FILE         write the results there\n"
    "    --cities N          the cities of `holm sim` instead; `holm world --cities 5 --help`\n"
    "    --help\n"
    "\n"
    "Exit status: 0 all claims hold; 1 the system refused something; 2 wrong usage; 4 a claim is\n"
    "broken. docs/SIMULATION.md tells what is claimed, and what the lines of a trace mean.\n";

const char *holm_world_options_usage(void)
{
    return usage;
}

/* `said`: what fprintf() returned, since nothing is to be done about it. */
static enum holm_world_parsed wrong(int said)
{
    (void)said;
    return HOLM_WORLD_WRONG;
}

/* Decimal digits alone, which end at `end` or at the end of the text. */
static const char *parse_number(const char *text, uint64_t max, uint64_t *number)
{
    const char *at = text;
    *number = 0;
    for (; *at >= '0' && *at <= '9'; at++) {
        uint64_t digit = (uint64_t)(*at - '0');
        if (*number > (max - digit) / 10)
            return NULL;
        *number = *number * 10 + digit;
    }
    return at == text ? NULL : at;
}

static enum holm_world_parsed take_seeds(const char *text, struct holm_world_options *options)
{
    const char *at = parse_number(text, UINT64_MAX, &options->first);
    if (at != NULL && strncmp(at, "..", 2) == 0)
        at = parse_number(at + 2, UINT64_MAX, &options->last);
    else
        at = NULL;
    if (at == NULL || *at != '\0' || options->last < options->first)
        return wrong(
            fprintf(stderr, "holm world: --seeds are two numbers as 1..100, not '%s'\n", text));
    options->seeded = true;
    return HOLM_WORLD_RUN;
}

static enum holm_world_parsed take_seed(const char *text, struct holm_world_options *options)
{
    const char *at = parse_number(text, UINT64_MAX, &options->first);
    if (at == NULL || *at != '\0')
        return wrong(fprintf(stderr,
                             "holm world: --seed is a number from 0 to %" PRIu64 ", not '%s'\n",
                             UINT64_MAX, text));
    options->last = options->first;
    options->seeded = true;
    return HOLM_WORLD_RUN;
}

static enum holm_world_parsed take_count(const char *name, const char *text, uint32_t min,
                                         uint32_t max, uint32_t *target)
{
    uint64_t number;
    const char *at = parse_number(text, max, &number);
    if (at == NULL || *at != '\0' || number < min)
        return wrong(fprintf(
            stderr, "holm world: --%s is a number from %" PRIu32 " to %" PRIu32 ", not '%s'\n",
            name, min, max, text));
    *target = (uint32_t)number;
    return HOLM_WORLD_RUN;
}

static enum holm_world_parsed take_nodes(const char *text, struct holm_world_options *options)
{
    uint64_t first = 0, last = 0;
    const char *at = parse_number(text, HOLM_PLAN_NODES_MAX, &first);
    last = first;
    if (at != NULL && strncmp(at, "..", 2) == 0)
        at = parse_number(at + 2, HOLM_PLAN_NODES_MAX, &last);
    if (at == NULL || *at != '\0' || first < 2 || last < first)
        return wrong(fprintf(stderr, "holm world: --nodes is N or A..B, from 2 to %d, not '%s'\n",
                             HOLM_PLAN_NODES_MAX, text));
    options->nodes = (uint32_t)first;
    options->nodes_last = (uint32_t)last;
    return HOLM_WORLD_RUN;
}

static enum holm_world_parsed take_retention(const char *text, struct holm_world_options *options)
{
    bool drawn = strcmp(text, "drawn") == 0;
    if (!drawn && strcmp(text, "forever") != 0 && strcmp(text, "stable") != 0)
        return wrong(fprintf(
            stderr, "holm world: --retention is forever, stable or drawn, not '%s'\n", text));
    options->retention = drawn ? NULL : text;
    return HOLM_WORLD_RUN;
}

static enum holm_world_parsed take_scenario(const char *text, struct holm_world_options *options)
{
    options->list = strcmp(text, "list") == 0;
    options->scenario = options->list ? NULL : holm_scenario_find(text);
    if (options->scenario == NULL && !options->list)
        return wrong(fprintf(stderr,
                             "holm world: there is no scenario '%s'; `holm world --scenario list` "
                             "names them\n",
                             text));
    return HOLM_WORLD_RUN;
}

static enum holm_world_parsed take_value(const char *name, const char *text,
                                         struct holm_world_options *options)
{
    if (strcmp(name, "seed") == 0)
        return take_seed(text, options);
    if (strcmp(name, "seeds") == 0)
        return take_seeds(text, options);
    if (strcmp(name, "nodes") == 0)
        return take_nodes(text, options);
    if (strcmp(name, "jobs") == 0)
        return take_count(name, text, 1, 64, &options->jobs);
    if (strcmp(name, "time") == 0)
        return take_count(name, text, 1, 1000000000, &options->seconds);
    if (strcmp(name, "preset") == 0) {
        options->preset = holm_preset_find(text);
        if (options->preset == NULL)
            return wrong(fprintf(
                stderr, "holm world: there is no preset '%s'; `holm world --help` lists them\n",
                text));
        return HOLM_WORLD_RUN;
    }
    if (strcmp(name, "scenario") == 0)
        return take_scenario(text, options);
    if (strcmp(name, "retention") == 0)
        return take_retention(text, options);
    if (text[0] == '\0')
        return wrong(fprintf(stderr, "holm world: --%s needs a value\n", name));
    if (strcmp(name, "only") == 0)
        options->only = text;
    else
        options->json = text;
    return HOLM_WORLD_RUN;
}

static bool takes_value(const char *name)
{
    static const char *const names[] = {"seed",   "seeds", "nodes", "jobs",     "time",
                                        "preset", "only",  "json",  "scenario", "retention"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return false;
}

/* One argument, and the one after it when it is the value; *used says how many were read. */
static enum holm_world_parsed take_argument(char **argv, struct holm_world_options *options,
                                            int *used)
{
    const char *argument = argv[0];
    char name[32];
    *used = 1;
    if (strcmp(argument, "--help") == 0 || strcmp(argument, "-h") == 0)
        return HOLM_WORLD_HELP;
    if (strcmp(argument, "--trace") == 0 || strcmp(argument, "--no-shrink") == 0) {
        options->trace |= strcmp(argument, "--trace") == 0;
        options->shrink &= strcmp(argument, "--no-shrink") != 0;
        return HOLM_WORLD_RUN;
    }
    if (strncmp(argument, "--", 2) != 0)
        return wrong(fprintf(
            stderr, "holm world: '%s' is no option; `holm world --help` lists them\n", argument));
    const char *equals = strchr(argument, '=');
    size_t length = equals == NULL ? strlen(argument + 2) : (size_t)(equals - argument) - 2;
    (void)snprintf(name, sizeof name, "%.*s", (int)(length < 31 ? length : 31), argument + 2);
    if (length > 30 || !takes_value(name))
        return wrong(
            fprintf(stderr, "holm world: there is no option '%s'; `holm world --help` lists them\n",
                    argument));
    if (equals != NULL)
        return take_value(name, equals + 1, options);
    if (argv[1] == NULL)
        return wrong(fprintf(stderr, "holm world: --%s needs a value\n", name));
    *used = 2;
    return take_value(name, argv[1], options);
}

/* What is left to say when all arguments are read. */
static enum holm_world_parsed settle(struct holm_world_options *options)
{
    bool script = holm_world_options_script(options);
    if (script && (options->only != NULL || options->retention != NULL))
        return wrong(fprintf(stderr,
                             "holm world: %s is a script: it has a retention of its own, and no "
                             "events that --only could choose\n",
                             options->scenario->name));
    if (script && !options->seeded)
        options->last = holm_scenario_acts(options->scenario);
    if (options->first != options->last && (options->trace || options->only != NULL))
        return wrong(fprintf(stderr, "holm world: --trace and --only are for one --seed\n"));
    if (options->scenario != NULL && (options->preset != NULL || options->nodes != 0))
        return wrong(fprintf(stderr, "holm world: --scenario has a preset and nodes of its own\n"));
    return HOLM_WORLD_RUN;
}

bool holm_world_options_script(const struct holm_world_options *options)
{
    return options->scenario != NULL && options->scenario->acts != NULL;
}

enum holm_world_parsed holm_world_options_parse(int argc, char **argv,
                                                struct holm_world_options *options)
{
    *options = (struct holm_world_options){.first = 1, .last = 100, .jobs = 1, .shrink = true};
    for (int i = 1, used = 0; i < argc; i += used) {
        enum holm_world_parsed parsed = take_argument(argv + i, options, &used);
        if (parsed != HOLM_WORLD_RUN)
            return parsed;
    }
    return settle(options);
}

/* 0: the preset's. Neighbours among the seeds have nothing in common. */
static uint32_t draw_nodes(const struct holm_world_options *options, uint64_t seed)
{
    struct holm_random random = {seed};
    return options->nodes == options->nodes_last
               ? options->nodes
               : (uint32_t)holm_random_between(&random, options->nodes, options->nodes_last);
}

static void draw_preset(const struct holm_world_options *options, uint64_t seed,
                        struct holm_plan *plan)
{
    const struct holm_preset *preset = options->preset;
    uint64_t count = 0;
    while (holm_presets[count].name != NULL)
        count++;
    HOLM_ASSERT(count > 0);
    if (preset == NULL)
        preset = &holm_presets[seed % count];
    holm_plan_draw(plan, preset, seed, draw_nodes(options, seed));
}

void holm_world_options_draw(const struct holm_world_options *options, uint64_t seed,
                             struct holm_plan *plan)
{
    if (options->scenario != NULL)
        holm_scenario_draw(plan, options->scenario, seed);
    else
        draw_preset(options, seed, plan);
    bool stable = plan->settings.engine.retention == HOLM_RETENTION_STABLE;
    if (options->retention != NULL && stable != (strcmp(options->retention, "stable") == 0))
        holm_plan_retain(plan, stable ? HOLM_RETENTION_FOREVER : HOLM_RETENTION_STABLE);
}

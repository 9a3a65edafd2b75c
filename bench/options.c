/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/options.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "bench/trial.h"

static const char usage[] =
    "holm bench - how fast replicas converge when things break, and what that costs\n"
    "\n"
    "    holm bench [OPTIONS]             in virtual time: exact, the same for the same seed\n"
    "    holm bench --real [OPTIONS]      on processes that talk over the loopback interface\n"
    "    holm bench literature [OPTIONS]  beside the strategies of a paper (--help there)\n"
    "\n"
    "    --scenario LIST     all (default), or names with commas between: steady, crash, split2,\n"
    "                        split3, oneway, loss10, churn, bomb, join-100k, join-1m, flap\n"
    "    --nodes N           2 to 100 (5)\n"
    "    --seed N            of all that is drawn; repetition r has seed N + r (1)\n"
    "    --repeat N          repetitions of each scenario (200 in virtual time, 5 on processes;\n"
    "                        fewer of the joins)\n"
    "    --json FILE         everything, curves included\n"
    "    --csv FILE          a row a scenario\n"
    "    --html FILE         one page with plots, which opens without a network\n"
    "    --host FILE         what this machine took: CPU, wall time, simulated hours a second "
    "(JSON)\n"
    "    --baseline FILE     write the figures to be held against later\n"
    "    --check FILE        play what the baseline has, and tell what got worse, and by how much\n"
    "    --tolerance N       percent that a figure may be worse by (5)\n"
    "    --help\n"
    "\n"
    "Exit status: 0 all converged; 1 the system refused something; 2 wrong usage; 3 replicas\n"
    "diverged; 4 they agree, but not on what was written, or --check found something worse.\n"
    "docs/BENCHMARKS.md tells what each scenario does, and how it is counted.\n";

const char *holm_bench_options_usage(void)
{
    return usage;
}

__attribute__((format(printf, 1, 2))) static enum holm_bench_parsed wrong(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)fputs("holm bench: ", stderr);
    (void)vfprintf(stderr, format, arguments);
    (void)fputs("\n", stderr);
    va_end(arguments);
    return HOLM_BENCH_WRONG;
}

static void take_all(struct holm_bench_options *options)
{
    options->count = 0;
    for (size_t i = 0; holm_bench_scenarios[i].name != NULL; i++)
        options->scenarios[options->count++] = &holm_bench_scenarios[i];
}

static enum holm_bench_parsed take_scenarios(const char *list, struct holm_bench_options *options)
{
    options->listed = strcmp(list, "all") != 0;
    if (!options->listed) {
        take_all(options);
        return HOLM_BENCH_RUN;
    }
    options->count = 0;
    for (const char *at = list;;) {
        size_t length = strcspn(at, ",");
        const struct holm_bench_scenario *found = holm_bench_scenario_find(at, length);
        if (found == NULL)
            return wrong("there is no scenario '%.*s'; `holm bench --help` lists them", (int)length,
                         at);
        for (size_t i = 0; i < options->count; i++)
            if (options->scenarios[i] == found)
                return wrong("'%s' is named twice", found->name);
        options->scenarios[options->count++] = found;
        if (at[length] == '\0')
            return HOLM_BENCH_RUN;
        at += length + 1;
    }
}

static bool parse_number(const char *text, uint64_t max, uint64_t *number)
{
    *number = 0;
    for (const char *at = text; *at != '\0'; at++) {
        uint64_t digit = (uint64_t)(*at - '0');
        if (*at < '0' || *at > '9' || *number > (max - digit) / 10)
            return false;
        *number = *number * 10 + digit;
    }
    return text[0] != '\0';
}

static enum holm_bench_parsed take_count(const char *name, const char *text, uint32_t min,
                                         uint32_t max, uint32_t *target)
{
    uint64_t number;
    if (!parse_number(text, max, &number) || number < min)
        return wrong("--%s is a number from %" PRIu32 " to %" PRIu32 ", not '%s'", name, min, max,
                     text);
    *target = (uint32_t)number;
    return HOLM_BENCH_RUN;
}

static enum holm_bench_parsed take_file(const char *name, const char *text, const char **target)
{
    if (text[0] == '\0')
        return wrong("--%s needs a file", name);
    *target = text;
    return HOLM_BENCH_RUN;
}

static enum holm_bench_parsed take_value(const char *name, const char *text,
                                         struct holm_bench_options *options)
{
    const struct {
        const char *name;
        const char **target;
    } files[] = {{"json", &options->json},   {"csv", &options->csv},
                 {"html", &options->html},   {"host", &options->host},
                 {"check", &options->check}, {"baseline", &options->baseline}};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        if (strcmp(name, files[i].name) == 0)
            return take_file(name, text, files[i].target);
    if (strcmp(name, "scenario") == 0)
        return take_scenarios(text, options);
    if (strcmp(name, "nodes") == 0)
        return take_count(name, text, 2, HOLM_BENCH_NODES_MAX, &options->nodes);
    if (strcmp(name, "repeat") == 0)
        return take_count(name, text, 1, 1000000, &options->repeat);
    if (strcmp(name, "tolerance") == 0)
        return take_count(name, text, 0, 1000, &options->tolerance_percent);
    if (strcmp(name, "seed") != 0)
        return wrong("there is no option '--%s'; `holm bench --help` lists them", name);
    if (!parse_number(text, UINT64_MAX - 1000000, &options->seed))
        return wrong("--seed is a number, not '%s'", text);
    return HOLM_BENCH_RUN;
}

/* One argument, and the one after it when it is the value; *used says how many were read. */
static enum holm_bench_parsed take_argument(char **argv, struct holm_bench_options *options,
                                            int *used)
{
    const char *argument = argv[0];
    char name[32];
    *used = 1;
    if (strcmp(argument, "--help") == 0 || strcmp(argument, "-h") == 0)
        return HOLM_BENCH_HELP;
    if (strcmp(argument, "--real") == 0) {
        options->real = true;
        return HOLM_BENCH_RUN;
    }
    if (strncmp(argument, "--", 2) != 0)
        return wrong("'%s' is no option; `holm bench --help` lists them", argument);
    size_t length = strcspn(argument + 2, "=");
    if (length >= sizeof name)
        return wrong("there is no option '%s'; `holm bench --help` lists them", argument);
    memcpy(name, argument + 2, length);
    name[length] = '\0';
    if (argument[2 + length] == '=')
        return take_value(name, argument + 3 + length, options);
    if (argv[1] == NULL)
        return wrong("there is no option '--%s', or it needs a value", name);
    *used = 2;
    return take_value(name, argv[1], options);
}

/* What this many nodes cannot play. */
static enum holm_bench_parsed check_nodes(struct holm_bench_options *options)
{
    size_t kept = 0;
    for (size_t i = 0; i < options->count; i++) {
        const struct holm_bench_scenario *scenario = options->scenarios[i];
        if (scenario->nodes_min <= options->nodes) {
            options->scenarios[kept++] = scenario;
            continue;
        }
        if (options->listed)
            return wrong("%s needs %" PRIu32 " nodes at least", scenario->name,
                         scenario->nodes_min);
        (void)fprintf(stderr, "%s is left out: it needs %" PRIu32 " nodes at least\n",
                      scenario->name, scenario->nodes_min);
    }
    options->count = kept;
    return HOLM_BENCH_RUN;
}

enum holm_bench_parsed holm_bench_options_parse(int argc, char **argv,
                                                struct holm_bench_options *options)
{
    *options = (struct holm_bench_options){.seed = 1, .nodes = 5, .tolerance_percent = 5};
    take_all(options);
    for (int i = 1, used = 0; i < argc; i += used) {
        enum holm_bench_parsed parsed = take_argument(argv + i, options, &used);
        if (parsed != HOLM_BENCH_RUN)
            return parsed;
    }
    if (options->real && (options->check != NULL || options->baseline != NULL))
        return wrong("a baseline is of virtual time: --check and --baseline go without --real");
    return check_nodes(options);
}

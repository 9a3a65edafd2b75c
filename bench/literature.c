/* SPDX-License-Identifier: Apache-2.0 */
/*
 * literature.c - the micro-benchmarks of Enes, Almeida, Baquero, Leitao, "Efficient Synchronization of
 * State-based CRDTs" (ICDE 2019), with holm beside the paper's strategies, and what the paper lacks: loss
 * and nodes that lose everything. In virtual time: the same seed gives the same figures.
 */
#include "bench/literature.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "bench/literature_holm.h"
#include "bench/literature_table.h"
#include "bench/report.h"

#define UPDATES 100

struct options {
    bool quick, markdown, frames;
    const char *only;
    FILE *json, *csv;
    uint64_t seed;
};

static _Noreturn void usage(int status)
{
    fprintf(status == 0 ? stdout : stderr,
            "bench_literature [--quick] [--only GROUP] [--seed N] [--json FILE] [--csv FILE]\n"
            "                 [--frames] [--markdown]\n"
            "    --quick       without loss and bombs\n"
            "    --only GROUP  the groups whose names begin so: literature, literature-loss,\n"
            "                  literature-bombs\n"
            "    --seed N      of phases, keys and losses; 1\n"
            "    --json FILE   append every run to FILE, one object a line\n"
            "    --csv FILE    write every run to FILE\n"
            "    --frames      of which messages holm's traffic was\n"
            "    --markdown    print tables for a page\n"
            "Exit status: 1 when anybody diverged, when a reference is far from what was "
            "published, or\n"
            "when a goal was missed.\n");
    exit(status);
}

static FILE *file_open(const char *path, const char *mode)
{
    FILE *file = fopen(path, mode);
    if (file != NULL)
        return file;
    fprintf(stderr, "bench_literature: cannot write %s: %s\n", path, strerror(errno));
    exit(EXIT_FAILURE);
}

static uint64_t number(const char *text)
{
    char *end = NULL;
    errno = 0;
    uint64_t value = strtoull(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || *text == '-')
        usage(EXIT_FAILURE);
    return value;
}

static struct options read_options(int argc, char **argv)
{
    struct options options = {.seed = 1};
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--quick") == 0)
            options.quick = true;
        else if (strcmp(argv[i], "--markdown") == 0)
            options.markdown = true;
        else if (strcmp(argv[i], "--frames") == 0)
            options.frames = true;
        else if (strcmp(argv[i], "--only") == 0 && i + 1 < argc)
            options.only = argv[++i];
        else if (strcmp(argv[i], "--seed") == 0 && i + 1 < argc)
            options.seed = number(argv[++i]);
        else if (strcmp(argv[i], "--json") == 0 && i + 1 < argc)
            options.json = file_open(argv[++i], "a");
        else if (strcmp(argv[i], "--csv") == 0 && i + 1 < argc)
            options.csv = file_open(argv[++i], "w");
        else
            usage(strcmp(argv[i], "--help") == 0 ? EXIT_SUCCESS : EXIT_FAILURE);
    }
    return options;
}

static void run_row(struct literature_row *row)
{
    for (size_t i = 0; i < LITERATURE_STRATEGIES; i++) {
        struct literature_contender reference = {.name = literature_strategies[i].name,
                                                 .strategy = &literature_strategies[i],
                                                 .run = literature_world_run};
        row->results[i] = reference.run(&reference, &row->script);
    }
    struct literature_contender holm = {.name = "holm", .run = literature_holm_run};
    row->results[LITERATURE_HOLM] = holm.run(&holm, &row->script);
}

/* What was published must be near, and the goals beside it must be reached: loss and bombs have neither. */
static bool is_good(const struct literature_row *row)
{
    if (!literature_row_converged(row))
        return false;
    return row->script.trouble != LITERATURE_CALM ||
           (literature_row_faithful(row) && literature_row_elements_pass(row) &&
            literature_row_bytes_pass(row));
}

/* Whether the group's runs are as they should be. */
static bool run_group(const struct options *options, enum literature_trouble trouble, bool first)
{
    static struct literature_row rows[LITERATURE_CASES];
    bool good = true;
    for (size_t i = 0; i < LITERATURE_CASES; i++) {
        const struct literature_published *published = &literature_published[i / 2];
        rows[i] = (struct literature_row){
            .script = {.graph = i % 2 == 0 ? literature_graph_tree() : literature_graph_mesh(),
                       .type = published->type,
                       .percent = published->percent,
                       .trouble = trouble,
                       .updates = UPDATES,
                       .seed = options->seed},
            .published = published,
        };
        run_row(&rows[i]);
        good = is_good(&rows[i]) && good;
        if (options->json != NULL)
            literature_table_json(options->json, &rows[i]);
        if (options->csv != NULL)
            literature_table_csv(options->csv, &rows[i], first && i == 0);
    }
    if (options->markdown)
        literature_table_markdown(stdout, rows, LITERATURE_CASES);
    else
        literature_table_print(stdout, rows, LITERATURE_CASES);
    if (options->frames)
        literature_table_frames(stdout, rows, LITERATURE_CASES);
    fflush(stdout);
    return good;
}

static bool written(FILE *file)
{
    return file == NULL || fclose(file) == 0;
}

int literature_main(int argc, char **argv)
{
    static const enum literature_trouble troubles[] = {LITERATURE_CALM, LITERATURE_LOSS,
                                                       LITERATURE_BOMBED};
    struct options options = read_options(argc, argv);
    bool good = true, ran = false;
    for (size_t i = 0; i < sizeof troubles / sizeof troubles[0]; i++) {
        const char *group = literature_row_group(troubles[i]);
        if (options.only != NULL && strncmp(group, options.only, strlen(options.only)) != 0)
            continue;
        if (options.quick && troubles[i] != LITERATURE_CALM)
            continue;
        if (!ran && !options.markdown)
            printf("bench_literature, seed %" PRIu64 "\n", options.seed);
        good = run_group(&options, troubles[i], !ran) && good;
        ran = true;
    }
    bool json = written(options.json), csv = written(options.csv);
    if (!json || !csv)
        fprintf(stderr, "bench_literature: not all runs could be written\n");
    if (!json || !csv || !good)
        return EXIT_FAILURE;
    return ran ? EXIT_SUCCESS : REPORT_NOTHING;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report.h - the table that a benchmark prints: figures, what they are held against, and verdicts.
 *
 *     struct report report;
 *     report_open(&report, "core", argc, argv);
 *     if (report_wants(&report, "scan", "100,000 records; ns a cell")) {
 *         struct report_base walk = report_base(&report, "a walk over a bare table", "ns", &bare);
 *         report_row(&report, &(struct report_row){.name = "scan", .unit = "ns", .samples = &ours,
 *                                                  .base = walk, .ratio_max = 20});
 *     }
 *     return report_close(&report);
 *
 * prints
 *
 *     scan: 100,000 records; ns a cell
 *     a a walk over a bare table                       5.00 ns   ±2%
 *       scan                                            131 ns   ±3%   26.2 a   20.0 a MISSED 1.31x
 *
 * A baseline gets a letter; the ratio of a later row names it. The last number says how many times
 * the goal the figure is: at most 1 is reached.
 */
#ifndef HOLM_BENCH_REPORT_H
#define HOLM_BENCH_REPORT_H

#include <stdio.h>

#include "bench/measure.h"

struct report {
    const char *program;
    const char *only; /* NULL: every group */
    const char *group;
    bool quick;
    bool markdown;
    FILE *json;        /* NULL: none */
    FILE *goals_table; /* NULL: none */
    char letter;       /* of the next baseline */
    size_t rows, goals, reached;
    size_t failures;
};

/* Reads --quick, --only GROUP, --json FILE (rows are appended to it, one object a line), --markdown,
 * --goals FILE (rows of a page's table are appended to it for what has a goal) and --help; ends the
 * program on anything else. */
void report_open(struct report *report, const char *program, int argc, char **argv);

/* Whether rows of this group are to be measured; if so, its title is printed. */
bool report_wants(struct report *report, const char *group, const char *about);

/* What rows are compared with; the samples are borrowed until the last of them. {0}: nothing. */
struct report_base {
    char letter;
    const char *name;
    const struct measure_samples *samples;
};

/* Prints a baseline. `name` must live as long as rows use it. */
struct report_base report_base(struct report *report, const char *name, const char *unit,
                               const struct measure_samples *samples);

struct report_row {
    const char *name;
    const char *unit;                      /* "ns", "us", "ms", "B", "KiB", "x", "" */
    const struct measure_samples *samples; /* NULL: `value` is told */
    double value;
    struct report_base base;
    double most;      /* the goal of the value; 0: none */
    double ratio_max; /* … or of the ratio */
    /* Another product's figure, measured elsewhere, for orientation: told under the row with how many
     * times this one's it is. NULL: none. */
    const char *cited;
    double cited_value;
};

void report_row(struct report *report, const struct report_row *row);

/* A line of text under the rows. */
void report_note(const struct report *report, const char *text);

/* ... that says what could not be measured: the program's exit status will tell. */
void report_fail(struct report *report, const char *text);

/* With --only the group may be another program's. */
#define REPORT_NOTHING 3

/* Prints how many goals were reached, and how much failed. The program's exit status: REPORT_NOTHING when no group was
 * wanted, and not 0 either when something failed. */
int report_close(struct report *report);

#endif

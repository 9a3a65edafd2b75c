/* SPDX-License-Identifier: Apache-2.0 */
/*
 * literature_table.h - what the runs of a case came to, the verdicts, and how they are shown.
 */
#ifndef HOLM_BENCH_LITERATURE_TABLE_H
#define HOLM_BENCH_LITERATURE_TABLE_H

#include <stdio.h>

#include "bench/literature_published.h"

#define LITERATURE_HOLM LITERATURE_STRATEGIES /* its index, behind the references */
#define LITERATURE_CONTENDERS (LITERATURE_STRATEGIES + 1)

struct literature_row {
    struct literature_case script;
    const struct literature_published *published;
    struct literature_result results[LITERATURE_CONTENDERS];
};

/* "tree" is 0, "mesh" is 1. */
size_t literature_row_graph(const struct literature_row *row);
const char *literature_row_contender(size_t contender);
const char *literature_row_group(enum literature_trouble trouble);

/* Elements and metadata. */
uint64_t literature_row_units(const struct literature_row *row, size_t contender);
/* … of BP+RR's. */
double literature_row_ratio(const struct literature_row *row, size_t contender);
/* How far from what was published: 0.01 is 1% above. Only without trouble, and not of holm. */
double literature_row_deviation(const struct literature_row *row, size_t contender);
bool literature_row_converged(const struct literature_row *row);
/* Whether every reference is within its tolerance. */
bool literature_row_faithful(const struct literature_row *row);

/* How many times BP+RR's elements holm may send; of bytes it is 1, and less. */
double literature_row_goal(const struct literature_row *row);
bool literature_row_elements_pass(const struct literature_row *row);
bool literature_row_bytes_pass(const struct literature_row *row);

/* The tables of a group; rows of one kind of trouble. */
void literature_table_print(FILE *out, const struct literature_row *rows, size_t count);

/* Of which messages holm's traffic was, case by case. */
void literature_table_frames(FILE *out, const struct literature_row *rows, size_t count);
/* The tables for a page. */
void literature_table_markdown(FILE *out, const struct literature_row *rows, size_t count);

/* One object a line; one line a contender, `head` with a line of names. */
void literature_table_json(FILE *out, const struct literature_row *row);
void literature_table_csv(FILE *out, const struct literature_row *row, bool head);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "bench/literature_table.h"

#define GOAL_ELEMENTS 1.0
#define GOAL_ELEMENTS_SMALL                                                                        \
    1.25 /* of single elements in the tree: BP+RR sends nothing twice there */

size_t literature_row_graph(const struct literature_row *row)
{
    return strcmp(row->script.graph.name, "mesh") == 0;
}

const char *literature_row_contender(size_t contender)
{
    return contender == LITERATURE_HOLM ? "holm" : literature_strategies[contender].name;
}

const char *literature_row_group(enum literature_trouble trouble)
{
    switch (trouble) {
    case LITERATURE_LOSS:
        return "literature-loss";
    case LITERATURE_BOMBED:
        return "literature-bombs";
    case LITERATURE_CALM:
        break;
    }
    return "literature";
}

uint64_t literature_row_units(const struct literature_row *row, size_t contender)
{
    const struct literature_cost *cost = &row->results[contender].cost;
    return cost->elements + cost->metadata;
}

double literature_row_ratio(const struct literature_row *row, size_t contender)
{
    return (double)literature_row_units(row, contender) /
           (double)literature_row_units(row, LITERATURE_BPRR);
}

double literature_row_deviation(const struct literature_row *row, size_t contender)
{
    size_t graph = literature_row_graph(row);
    double measured = literature_row_ratio(row, contender);
    double published = row->published->ratios[graph][contender];
    if (contender == LITERATURE_BPRR) {
        measured = (double)literature_row_units(row, contender);
        published = (double)row->published->elements[graph];
    }
    return measured / published - 1;
}

bool literature_row_converged(const struct literature_row *row)
{
    for (size_t i = 0; i < LITERATURE_CONTENDERS; i++) {
        if (!row->results[i].converged)
            return false;
    }
    return true;
}

bool literature_row_faithful(const struct literature_row *row)
{
    for (size_t i = 0; i < LITERATURE_STRATEGIES; i++) {
        double deviation = literature_row_deviation(row, i);
        double tolerance = literature_published_tolerance(i);
        if (deviation > tolerance || deviation < -tolerance)
            return false;
    }
    return true;
}

double literature_row_goal(const struct literature_row *row)
{
    bool small = row->script.type != LITERATURE_GMAP && literature_row_graph(row) == 0;
    return small ? GOAL_ELEMENTS_SMALL : GOAL_ELEMENTS;
}

bool literature_row_elements_pass(const struct literature_row *row)
{
    return literature_row_ratio(row, LITERATURE_HOLM) <= literature_row_goal(row);
}

bool literature_row_bytes_pass(const struct literature_row *row)
{
    return row->results[LITERATURE_HOLM].cost.bytes < row->results[LITERATURE_BPRR].cost.bytes;
}

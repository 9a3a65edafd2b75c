/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/literature_table.h"

#include <inttypes.h>

#define CELL 12
#define NUMBER_BYTES 32

/* 1,234,567 */
static const char *grouped(char text[NUMBER_BYTES], uint64_t number)
{
    char plain[NUMBER_BYTES];
    int size = snprintf(plain, sizeof plain, "%" PRIu64, number), out = 0;
    for (int i = 0; i < size && out < NUMBER_BYTES - 2; i++) {
        if (i > 0 && (size - i) % 3 == 0)
            text[out++] = ',';
        text[out++] = plain[i];
    }
    text[out] = '\0';
    return text;
}

static void print_ratio(FILE *out, double ratio)
{
    fprintf(out, "%*.*f", CELL, ratio >= 10 ? 1 : 2, ratio);
}

static void print_name(FILE *out, const struct literature_row *row, bool first)
{
    char name[NUMBER_BYTES];
    snprintf(name, sizeof name, "%s %s", row->published->name, row->script.graph.name);
    fprintf(out, "  %-14s ", first ? name : "");
}

static void print_head(FILE *out, const char *first, size_t contenders)
{
    fprintf(out, "%-30s%*s", first, CELL, literature_row_contender(LITERATURE_BPRR));
    for (size_t i = 0; i < contenders; i++) {
        if (i != LITERATURE_BPRR)
            fprintf(out, "%*s", CELL, literature_row_contender(i));
    }
    fprintf(out, "\n");
}

static void print_published(FILE *out, const struct literature_row *row)
{
    char number[NUMBER_BYTES];
    size_t graph = literature_row_graph(row);
    print_name(out, row, true);
    fprintf(out, "%-13s%*s", "measured", CELL,
            grouped(number, literature_row_units(row, LITERATURE_BPRR)));
    for (size_t i = 0; i < LITERATURE_BPRR; i++)
        print_ratio(out, literature_row_ratio(row, i));
    fprintf(out, "\n");
    print_name(out, row, false);
    fprintf(out, "%-13s%*s", "published", CELL, grouped(number, row->published->elements[graph]));
    for (size_t i = 0; i < LITERATURE_BPRR; i++)
        print_ratio(out, row->published->ratios[graph][i]);
    fprintf(out, "\n");
    print_name(out, row, false);
    fprintf(out, "%-13s%+*.1f%%", "deviation", CELL - 1,
            literature_row_deviation(row, LITERATURE_BPRR) * 100);
    for (size_t i = 0; i < LITERATURE_BPRR; i++)
        fprintf(out, "%+*.1f%%", CELL - 1, literature_row_deviation(row, i) * 100);
    fprintf(out, "%s\n", literature_row_faithful(row) ? "" : "  TOO FAR");
}

static void print_holm(FILE *out, const struct literature_row *row)
{
    char elements[NUMBER_BYTES], bytes[NUMBER_BYTES];
    const struct literature_cost *holm = &row->results[LITERATURE_HOLM].cost;
    const struct literature_cost *bprr = &row->results[LITERATURE_BPRR].cost;
    print_name(out, row, true);
    fprintf(out, "%11s %7.3f %5.2f %s %13s %7.3f %s %8.2f %8.2f %7.2f %6.1f %6.1f\n",
            grouped(elements, literature_row_units(row, LITERATURE_HOLM)),
            literature_row_ratio(row, LITERATURE_HOLM), literature_row_goal(row),
            literature_row_elements_pass(row) ? "PASS" : "MISS", grouped(bytes, holm->bytes),
            (double)holm->bytes / (double)bprr->bytes,
            literature_row_bytes_pass(row) ? "PASS" : "MISS",
            (double)row->results[LITERATURE_HOLM].payload_bytes / (double)bprr->bytes,
            (double)holm->bytes / (double)bprr->bytes_short,
            (double)holm->bytes / (double)row->results[LITERATURE_BPRR].packed_bytes,
            (double)row->results[LITERATURE_HOLM].converged_us / LITERATURE_SECOND_US,
            (double)row->results[LITERATURE_BPRR].converged_us / LITERATURE_SECOND_US);
}

static void print_seconds(FILE *out, const struct literature_row *row, const char *what,
                          const uint64_t *us)
{
    print_name(out, row, false);
    fprintf(out, "%-13s%*.1f", what, CELL, (double)us[LITERATURE_BPRR] / LITERATURE_SECOND_US);
    for (size_t i = 0; i < LITERATURE_CONTENDERS; i++) {
        if (i != LITERATURE_BPRR)
            fprintf(out, "%*.1f", CELL, (double)us[i] / LITERATURE_SECOND_US);
    }
    fprintf(out, "\n");
}

/* Elements, bytes and time to converge of everybody, under trouble. */
static void print_trouble(FILE *out, const struct literature_row *row)
{
    char number[NUMBER_BYTES];
    const struct literature_cost *bprr = &row->results[LITERATURE_BPRR].cost;
    print_name(out, row, true);
    fprintf(out, "%-13s%*s", "elements", CELL,
            grouped(number, literature_row_units(row, LITERATURE_BPRR)));
    for (size_t i = 0; i < LITERATURE_CONTENDERS; i++) {
        if (i != LITERATURE_BPRR)
            print_ratio(out, literature_row_ratio(row, i));
    }
    fprintf(out, "\n");
    print_name(out, row, false);
    fprintf(out, "%-13s%*s", "bytes", CELL, grouped(number, bprr->bytes));
    for (size_t i = 0; i < LITERATURE_CONTENDERS; i++) {
        if (i != LITERATURE_BPRR)
            print_ratio(out, (double)row->results[i].cost.bytes / (double)bprr->bytes);
    }
    fprintf(out, "\n");
    uint64_t equal_us[LITERATURE_CONTENDERS], whole_us[LITERATURE_CONTENDERS];
    for (size_t i = 0; i < LITERATURE_CONTENDERS; i++) {
        equal_us[i] = row->results[i].converged_us;
        whole_us[i] = row->results[i].rejoined_us;
    }
    print_seconds(out, row, "equal after", equal_us);
    if (row->script.trouble == LITERATURE_BOMBED)
        print_seconds(out, row, "whole after", whole_us);
}

static void print_calm(FILE *out, const struct literature_row *rows, size_t count)
{
    size_t passed = 0;
    fprintf(out,
            "\nliterature: 15 nodes, 100 updates each, one a second; synchronised each second\n"
            "elements and metadata that were sent; of the others, times those of bp+rr\n");
    print_head(out, "", LITERATURE_STRATEGIES);
    for (size_t i = 0; i < count; i++)
        print_published(out, &rows[i]);
    fprintf(out,
            "\nholm, in the same runs, beside bp+rr\n"
            "%17s%11s %7s %5s      %13s %7s      %8s %8s %7s %6s %6s\n",
            "", "elements", "x bp+rr", "goal", "bytes", "x bp+rr", "payload", "8 B ids", "packed",
            "equal", "bp+rr");
    for (size_t i = 0; i < count; i++) {
        print_holm(out, &rows[i]);
        passed += literature_row_elements_pass(&rows[i]);
        passed += literature_row_bytes_pass(&rows[i]);
    }
    fprintf(
        out,
        "  The goal of bytes is less than bp+rr's. Payload: without Hellos, beacons and the like."
        " 8 B ids: were the\n  references' ids as short as holm's. Packed: did bp+rr's links pack "
        "as"
        " holm's do. Equal: seconds after\n  the last update, holm's and bp+rr's.\n%zu of %zu "
        "goals PASS\n",
        passed, 2 * count);
}

void literature_table_print(FILE *out, const struct literature_row *rows, size_t count)
{
    if (count == 0)
        return;
    if (rows[0].script.trouble == LITERATURE_CALM)
        print_calm(out, rows, count);
    if (rows[0].script.trouble == LITERATURE_LOSS)
        fprintf(out, "\nliterature-loss: the same, with 10%% of all messages lost\n");
    if (rows[0].script.trouble == LITERATURE_BOMBED)
        fprintf(out,
                "\nliterature-bombs: the same, with three nodes that lose everything, at 25, 50"
                " and 75 s\n");
    if (rows[0].script.trouble != LITERATURE_CALM) {
        print_head(out, "times bp+rr's; seconds", LITERATURE_CONTENDERS);
        for (size_t i = 0; i < count; i++)
            print_trouble(out, &rows[i]);
    }
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < LITERATURE_CONTENDERS; j++) {
            if (!rows[i].results[j].converged)
                fprintf(out, "DIVERGED: %s on %s %s\n", literature_row_contender(j),
                        rows[i].published->name, rows[i].script.graph.name);
        }
    }
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>

#include "bench/literature_table.h"

/* Three digits that say something. */
static int digits(double ratio)
{
    return ratio >= 100 ? 0 : ratio >= 10 ? 1 : 2;
}

static void columns(FILE *out, const char *first, size_t contenders)
{
    fprintf(out, "\n| %s | %s |", first, literature_row_contender(LITERATURE_BPRR));
    for (size_t i = 0; i < contenders; i++) {
        if (i != LITERATURE_BPRR)
            fprintf(out, " %s |", literature_row_contender(i));
    }
    fprintf(out, "\n|---|---|");
    for (size_t i = 0; i + 1 < contenders; i++)
        fprintf(out, "---|");
    fprintf(out, "\n");
}

static void published(FILE *out, const struct literature_row *rows, size_t count)
{
    fprintf(out, "Elements and metadata sent; of the others, times BP+RR's. In brackets what was "
                 "published.\n");
    columns(out, "", LITERATURE_STRATEGIES);
    for (size_t i = 0; i < count; i++) {
        const struct literature_row *row = &rows[i];
        size_t graph = literature_row_graph(row);
        fprintf(out, "| %s %s | %" PRIu64 " (%" PRIu64 ") |", row->published->name,
                row->script.graph.name, literature_row_units(row, LITERATURE_BPRR),
                row->published->elements[graph]);
        for (size_t j = 0; j < LITERATURE_BPRR; j++) {
            double ratio = literature_row_ratio(row, j), theirs = row->published->ratios[graph][j];
            fprintf(out, " %.*f (%.*f) |", digits(ratio), ratio, digits(theirs), theirs);
        }
        fprintf(out, "\n");
    }
}

static const char *verdict(bool pass)
{
    return pass ? "PASS" : "MISS";
}

static void holm(FILE *out, const struct literature_row *rows, size_t count)
{
    fprintf(
        out,
        "\nholm in the same runs; the goal of bytes is less than BP+RR's. Payload is without "
        "Hellos, beacons and the like; ids of 8 B: if\nthe references' were as short as holm's; "
        "packed: if BP+RR's links packed as holm's do; equal is how many seconds after the last\n"
        "update all were, holm's and BP+RR's.\n\n"
        "| | elements | x bp+rr | goal | | bytes | x bp+rr | | payload | ids of 8 B | packed | "
        "equal |\n"
        "|---|---|---|---|---|---|---|---|---|---|---|---|\n");
    for (size_t i = 0; i < count; i++) {
        const struct literature_row *row = &rows[i];
        const struct literature_result *own = &row->results[LITERATURE_HOLM];
        const struct literature_result *bprr = &row->results[LITERATURE_BPRR];
        double bytes = (double)own->cost.bytes;
        fprintf(out, "| %s %s | %" PRIu64 " | %.3f | %.2f | %s | %" PRIu64 " | %.3f | %s |",
                row->published->name, row->script.graph.name,
                literature_row_units(row, LITERATURE_HOLM),
                literature_row_ratio(row, LITERATURE_HOLM), literature_row_goal(row),
                verdict(literature_row_elements_pass(row)), own->cost.bytes,
                bytes / (double)bprr->cost.bytes, verdict(literature_row_bytes_pass(row)));
        fprintf(out, " %.2f | %.2f | %.2f | %.1f, %.1f |\n",
                (double)own->payload_bytes / (double)bprr->cost.bytes,
                bytes / (double)bprr->cost.bytes_short, bytes / (double)bprr->packed_bytes,
                (double)own->converged_us / LITERATURE_SECOND_US,
                (double)bprr->converged_us / LITERATURE_SECOND_US);
    }
}

/* Elements and bytes as ratios, then when all were equal. */
static void trouble(FILE *out, const struct literature_row *rows, size_t count)
{
    columns(out, "elements / bytes; seconds until all are equal", LITERATURE_CONTENDERS);
    for (size_t i = 0; i < count; i++) {
        const struct literature_row *row = &rows[i];
        const struct literature_result *bprr = &row->results[LITERATURE_BPRR];
        fprintf(out, "| %s %s | %" PRIu64 " / %" PRIu64 "; %.1f |", row->published->name,
                row->script.graph.name, literature_row_units(row, LITERATURE_BPRR),
                bprr->cost.bytes, (double)bprr->converged_us / LITERATURE_SECOND_US);
        for (size_t j = 0; j < LITERATURE_CONTENDERS; j++) {
            double elements = literature_row_ratio(row, j);
            double bytes = (double)row->results[j].cost.bytes / (double)bprr->cost.bytes;
            if (j != LITERATURE_BPRR)
                fprintf(out, " %.*f / %.*f; %.1f |", digits(elements), elements, digits(bytes),
                        bytes, (double)row->results[j].converged_us / LITERATURE_SECOND_US);
        }
        fprintf(out, "\n");
    }
}

void literature_table_markdown(FILE *out, const struct literature_row *rows, size_t count)
{
    if (count == 0)
        return;
    fprintf(out, "\n**%s**, seed %" PRIu64 "\n\n", literature_row_group(rows[0].script.trouble),
            rows[0].script.seed);
    if (rows[0].script.trouble == LITERATURE_CALM) {
        published(out, rows, count);
        holm(out, rows, count);
    } else {
        trouble(out, rows, count);
    }
}

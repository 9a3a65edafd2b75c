/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>

#include "bench/literature_table.h"

static const char *const type_names[] = {"gset", "gcounter", "gmap"};

static void json_contender(FILE *out, const struct literature_row *row, size_t contender)
{
    const struct literature_result *result = &row->results[contender];
    const struct literature_cost *cost = &result->cost;
    fprintf(out,
            "{\"program\":\"literature\",\"group\":\"%s\",\"seed\":%" PRIu64
            ",\"type\":\"%s\",\"percent\":%" PRIu32 ",\"graph\":\"%s\",\"strategy\":\"%s\","
            "\"elements\":%" PRIu64 ",\"metadata\":%" PRIu64 ",\"messages\":%" PRIu64
            ",\"bytes\":%" PRIu64 ",\"bytes_short_ids\":%" PRIu64 ",\"ratio\":%.4f",
            literature_row_group(row->script.trouble), row->script.seed,
            type_names[row->script.type], row->script.percent, row->script.graph.name,
            literature_row_contender(contender), cost->elements, cost->metadata, cost->messages,
            cost->bytes, cost->bytes_short, literature_row_ratio(row, contender));
    if (row->script.trouble == LITERATURE_CALM && contender < LITERATURE_STRATEGIES)
        fprintf(out, ",\"published\":%.2f,\"deviation\":%.4f",
                row->published->ratios[literature_row_graph(row)][contender],
                literature_row_deviation(row, contender));
    if (result->packed_bytes > 0)
        fprintf(out, ",\"packed_bytes\":%" PRIu64, result->packed_bytes);
    if (contender == LITERATURE_HOLM)
        fprintf(out, ",\"payload_bytes\":%" PRIu64 ",\"goal\":%.2f", result->payload_bytes,
                literature_row_goal(row));
    fprintf(out,
            ",\"converged\":%s,\"equal_after_us\":%" PRIu64 ",\"ended_after_us\":%" PRIu64
            ",\"whole_after_us\":%" PRIu64 "}\n",
            result->converged ? "true" : "false", result->converged_us, result->ended_us,
            result->rejoined_us);
}

void literature_table_json(FILE *out, const struct literature_row *row)
{
    for (size_t i = 0; i < LITERATURE_CONTENDERS; i++)
        json_contender(out, row, i);
}

void literature_table_csv(FILE *out, const struct literature_row *row, bool head)
{
    if (head)
        fprintf(out,
                "group,seed,type,percent,graph,strategy,elements,metadata,messages,bytes,"
                "bytes_short_ids,ratio,converged,equal_after_us,ended_after_us,whole_after_us\n");
    for (size_t i = 0; i < LITERATURE_CONTENDERS; i++) {
        const struct literature_result *result = &row->results[i];
        const struct literature_cost *cost = &result->cost;
        fprintf(out,
                "%s,%" PRIu64 ",%s,%" PRIu32 ",%s,%s,%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64
                ",%" PRIu64 ",%.4f,%d,%" PRIu64 ",%" PRIu64 ",%" PRIu64 "\n",
                literature_row_group(row->script.trouble), row->script.seed,
                type_names[row->script.type], row->script.percent, row->script.graph.name,
                literature_row_contender(i), cost->elements, cost->metadata, cost->messages,
                cost->bytes, cost->bytes_short, literature_row_ratio(row, i), result->converged,
                result->converged_us, result->ended_us, result->rejoined_us);
    }
}

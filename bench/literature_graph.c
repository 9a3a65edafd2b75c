/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/literature_graph.h"

#include "bench/measure.h"

static void connect(struct literature_graph *graph, uint32_t a, uint32_t b)
{
    measure_require(a != b && a < graph->nodes && b < graph->nodes, "an edge of no two nodes");
    if (graph->edge[a][b])
        return;
    graph->edge[a][b] = graph->edge[b][a] = true;
    graph->edges++;
}

struct literature_graph literature_graph_of(const char *name, uint32_t nodes,
                                            const uint8_t (*pairs)[2], size_t count)
{
    struct literature_graph graph = {.name = name, .nodes = nodes};
    measure_require(nodes <= LITERATURE_NODES_MAX, "too many nodes");
    for (size_t i = 0; i < count; i++)
        connect(&graph, pairs[i][0], pairs[i][1]);
    return graph;
}

struct literature_graph literature_graph_tree(void)
{
    static const uint8_t pairs[][2] = {{0, 1},  {0, 8},  {0, 13},  {1, 6},  {2, 5},
                                       {3, 10}, {4, 5},  {5, 6},   {6, 10}, {7, 13},
                                       {8, 9},  {8, 14}, {10, 12}, {11, 13}};
    return literature_graph_of("tree", 15, pairs, sizeof pairs / sizeof pairs[0]);
}

struct literature_graph literature_graph_mesh(void)
{
    struct literature_graph graph = {.name = "mesh", .nodes = 15};
    for (uint32_t i = 0; i < 15; i++) {
        connect(&graph, i, (i + 1) % 15);
        connect(&graph, i, (i + 4) % 15);
    }
    return graph;
}

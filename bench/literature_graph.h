/* SPDX-License-Identifier: Apache-2.0 */
/*
 * literature_graph.h - who may speak to whom.
 *
 *     tree-15   14 edges; the paper's tree             mesh-15   30 edges: i to i±1 and i±4, mod 15
 */
#ifndef HOLM_BENCH_LITERATURE_GRAPH_H
#define HOLM_BENCH_LITERATURE_GRAPH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LITERATURE_NODES_MAX 15

struct literature_graph {
    const char *name;
    uint32_t nodes;
    uint32_t edges;
    bool edge[LITERATURE_NODES_MAX][LITERATURE_NODES_MAX]; /* both ways */
};

struct literature_graph literature_graph_tree(void);
struct literature_graph literature_graph_mesh(void);
/* A small one, of pairs of nodes: for tests. */
struct literature_graph literature_graph_of(const char *name, uint32_t nodes,
                                            const uint8_t (*pairs)[2], size_t count);

#endif

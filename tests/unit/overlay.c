/* SPDX-License-Identifier: Apache-2.0 */
#include "node/overlay.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define NODES 100
#define SEED 77

/* Who is whose neighbour, as each sees it: edges[a][b] is what a chooses. */
struct graph {
    struct holm_node_id ids[NODES];
    size_t count;
    bool edges[NODES][NODES];
};

static void choose_all(struct graph *graph)
{
    memset(graph->edges, 0, sizeof graph->edges);
    for (size_t a = 0; a < graph->count; a++) {
        struct holm_node_id peers[NODES];
        bool chosen[NODES];
        size_t count = 0;
        for (size_t b = 0; b < graph->count; b++)
            if (a != b)
                peers[count++] = graph->ids[b];
        holm_overlay_choose(graph->ids[a], peers, count, SEED, chosen);
        count = 0;
        for (size_t b = 0; b < graph->count; b++)
            graph->edges[a][b] = a != b && chosen[count++];
    }
}

static struct graph *graph_new(size_t count, uint64_t step)
{
    struct graph *graph = calloc(1, sizeof *graph);
    assert_non_null(graph);
    graph->count = count;
    for (size_t i = 0; i < count; i++)
        graph->ids[i].value = 1 + i * step;
    choose_all(graph);
    return graph;
}

/* The farthest node from the first, in hops; NODES when some cannot be reached. */
static size_t eccentricity(const struct graph *graph, size_t from)
{
    size_t hops[NODES], reached = 1, farthest = 0;
    size_t queue[NODES] = {from}, next = 0;
    memset(hops, 0xff, sizeof hops);
    hops[from] = 0;
    while (next < reached) {
        size_t a = queue[next++];
        farthest = hops[a];
        for (size_t b = 0; b < graph->count; b++) {
            if (!graph->edges[a][b] || hops[b] != SIZE_MAX)
                continue;
            hops[b] = hops[a] + 1;
            queue[reached++] = b;
        }
    }
    return reached == graph->count ? farthest : NODES;
}

static size_t degree(const struct graph *graph, size_t node)
{
    size_t edges = 0;
    for (size_t b = 0; b < graph->count; b++)
        edges += graph->edges[node][b];
    return edges;
}

static void test_overlay_when_all_know_all_then_edges_are_mutual_few_and_connect(void **state)
{
    const uint64_t steps[] = {1, UINT64_C(0x123456789abcdef)};
    for (size_t s = 0; s < 2; s++) {
        for (size_t count = 1; count <= NODES; count++) {
            struct graph *graph = graph_new(count, steps[s]);
            for (size_t a = 0; a < count; a++) {
                assert_in_range(degree(graph, a), count > 2 ? 2 : count - 1,
                                HOLM_OVERLAY_EDGES_MAX);
                for (size_t b = 0; b < count; b++)
                    assert_int_equal(graph->edges[a][b], graph->edges[b][a]);
                assert_in_range(eccentricity(graph, a), 0, 5);
            }
            free(graph);
        }
    }
}

static void test_overlay_when_peers_are_few_then_all_are_chosen(void **state)
{
    struct graph *graph = graph_new(HOLM_OVERLAY_EDGES_MAX + 1, 3);
    for (size_t a = 0; a < graph->count; a++)
        assert_int_equal(degree(graph, a), graph->count - 1);
    free(graph);
}

static void test_overlay_when_one_leaves_then_few_edges_change(void **state)
{
    struct graph *before = graph_new(NODES, 7);
    for (size_t gone = 0; gone < NODES; gone++) {
        struct graph *after = calloc(1, sizeof *after);
        assert_non_null(after);
        size_t changed = 0;
        for (size_t i = 0; i < NODES; i++)
            if (i != gone)
                after->ids[after->count++] = before->ids[i];
        choose_all(after);
        for (size_t a = 0; a < after->count; a++)
            for (size_t b = 0; b < a; b++)
                changed += after->edges[a][b] != before->edges[a + (a >= gone)][b + (b >= gone)];
        assert_in_range(changed, 0, HOLM_OVERLAY_RINGS); /* one new edge on each ring */
        free(after);
    }
    free(before);
}

/* Ids that differ by little, and by much, lie on different places of the hashed rings. */
static void test_overlay_when_seeds_differ_then_the_graphs_do(void **state)
{
    struct holm_node_id peers[NODES];
    bool one[NODES], other[NODES];
    size_t differ = 0;
    for (size_t i = 0; i < NODES; i++)
        peers[i].value = 2 + i;
    holm_overlay_choose((struct holm_node_id){1}, peers, NODES, 1, one);
    holm_overlay_choose((struct holm_node_id){1}, peers, NODES, 2, other);
    for (size_t i = 0; i < NODES; i++)
        differ += one[i] != other[i];
    assert_in_range(differ, 6, 12);
    assert_true(one[0] && one[NODES - 1]); /* by id, on the ring: 2 and 101 */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_overlay_when_all_know_all_then_edges_are_mutual_few_and_connect),
        cmocka_unit_test(test_overlay_when_peers_are_few_then_all_are_chosen),
        cmocka_unit_test(test_overlay_when_one_leaves_then_few_edges_change),
        cmocka_unit_test(test_overlay_when_seeds_differ_then_the_graphs_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

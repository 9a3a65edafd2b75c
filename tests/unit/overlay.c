/* SPDX-License-Identifier: Apache-2.0 */
#include "node/overlay.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/unit/core.h"

#define NODES 100
#define SEED 77
#define TREES 4

/* Who is whose neighbour, as each sees it: edges[a][b] is what a chooses, trees[t][a][b] what it takes for
 * one of a tree's. */
struct graph {
    struct holm_node_id ids[NODES];
    size_t count;
    bool edges[NODES][NODES];
    bool trees[TREES][NODES][NODES];
};

/* What a node is told by the places of its peers, by the places of nodes. */
static void spread(const struct graph *graph, size_t node, const bool *told, bool *by_node)
{
    size_t peer = 0;
    for (size_t b = 0; b < graph->count; b++)
        by_node[b] = b != node && told[peer++];
}

static void choose_all(struct graph *graph)
{
    struct heap heap = {.blocks = 0};
    struct holm_allocator allocator = heap_allocator(&heap);
    struct holm_overlay *overlay = holm_overlay_new(&allocator, NODES);
    assert_non_null(overlay);
    for (size_t a = 0; a < graph->count; a++) {
        struct holm_node_id peers[NODES];
        bool told[NODES];
        size_t count = 0;
        for (size_t b = 0; b < graph->count; b++)
            if (a != b)
                peers[count++] = graph->ids[b];
        holm_overlay_draw(overlay, graph->ids[a], peers, count, SEED);
        holm_overlay_choose(overlay, told);
        spread(graph, a, told, graph->edges[a]);
        for (uint32_t tree = 0; tree < TREES; tree++) {
            holm_overlay_tree(overlay, tree, told);
            spread(graph, a, told, graph->trees[tree][a]);
        }
    }
    holm_overlay_free(&allocator, overlay);
    assert_int_equal(heap.blocks, 0);
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

/* Whether each node's branches are edges of the graph and those that others see, and all of them one tree. */
static void assert_tree(const struct graph *graph, size_t tree)
{
    size_t branches = 0, reached = 1, next = 0;
    size_t queue[NODES] = {0};
    bool seen[NODES] = {true};
    while (next < reached) {
        size_t a = queue[next++];
        for (size_t b = 0; b < graph->count; b++) {
            if (!graph->trees[tree][a][b])
                continue;
            branches += 1;
            assert_true(graph->trees[tree][b][a] && graph->edges[a][b]);
            if (!seen[b])
                queue[reached++] = b;
            seen[b] = true;
        }
    }
    assert_int_equal(reached, graph->count);
    assert_int_equal(branches, 2 * (graph->count - 1));
}

static void test_overlay_when_all_know_all_then_all_draw_the_same_trees(void **state)
{
    for (size_t count = 1; count <= NODES; count++) {
        struct graph *graph = graph_new(count, 5);
        for (size_t tree = 0; tree < TREES; tree++)
            assert_tree(graph, tree);
        free(graph);
    }
}

/* The longest way along a tree is two times the graph's, at most. */
static void test_overlay_when_a_tree_is_drawn_then_it_is_about_as_low_as_the_graph(void **state)
{
    struct graph *graph = graph_new(NODES, 5);
    for (size_t tree = 0; tree < TREES; tree++) {
        memcpy(graph->edges, graph->trees[tree], sizeof graph->edges);
        for (size_t a = 0; a < NODES; a++)
            assert_in_range(eccentricity(graph, a), 2, 2 * 4);
    }
    free(graph);
}

/* Trees are rooted apart, so that no node has the most to pass on in all of them. */
static void test_overlay_when_numbers_differ_then_the_trees_do(void **state)
{
    struct graph *graph = graph_new(NODES, 5);
    for (size_t tree = 1; tree < TREES; tree++) {
        size_t common = 0;
        for (size_t a = 0; a < NODES; a++)
            for (size_t b = 0; b < NODES; b++)
                common += graph->trees[0][a][b] && graph->trees[tree][a][b];
        assert_in_range(common, 0, NODES); /* of twice 99 */
    }
    free(graph);
}

/* Who goes takes its branches along, and moves those that hung on it; other trees than its own stay. */
static void test_overlay_when_one_leaves_then_most_branches_stay(void **state)
{
    struct graph *before = graph_new(NODES, 5);
    size_t changed = 0;
    for (size_t gone = 0; gone < NODES; gone++) {
        struct graph *after = calloc(1, sizeof *after);
        assert_non_null(after);
        for (size_t i = 0; i < NODES; i++)
            if (i != gone)
                after->ids[after->count++] = before->ids[i];
        choose_all(after);
        for (size_t a = 0; a < after->count; a++)
            for (size_t b = 0; b < a; b++)
                changed += after->trees[0][a][b] &&
                           !before->trees[0][a + (a >= gone)][b + (b >= gone)];
        free(after);
    }
    assert_in_range(changed / NODES, 1, 5);
    free(before);
}

static void test_overlay_when_memory_is_refused_then_nothing_is_held(void **state)
{
    for (uint64_t n = 1; n <= 4; n++) {
        struct heap heap = {.fail_at = n};
        struct holm_allocator allocator = heap_allocator(&heap);
        assert_null(holm_overlay_new(&allocator, NODES));
        assert_int_equal(heap.blocks, 0);
    }
}

/* Ids that differ by little, and by much, lie on different places of the hashed rings. */
static void test_overlay_when_seeds_differ_then_the_graphs_do(void **state)
{
    struct heap heap = {.blocks = 0};
    struct holm_allocator allocator = heap_allocator(&heap);
    struct holm_overlay *overlay = holm_overlay_new(&allocator, NODES);
    struct holm_node_id peers[NODES];
    bool one[NODES], other[NODES];
    size_t differ = 0;
    assert_non_null(overlay);
    for (size_t i = 0; i < NODES; i++)
        peers[i].value = 2 + i;
    holm_overlay_draw(overlay, (struct holm_node_id){1}, peers, NODES, 1);
    holm_overlay_choose(overlay, one);
    holm_overlay_draw(overlay, (struct holm_node_id){1}, peers, NODES, 2);
    holm_overlay_choose(overlay, other);
    holm_overlay_free(&allocator, overlay);
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
        cmocka_unit_test(test_overlay_when_all_know_all_then_all_draw_the_same_trees),
        cmocka_unit_test(test_overlay_when_a_tree_is_drawn_then_it_is_about_as_low_as_the_graph),
        cmocka_unit_test(test_overlay_when_numbers_differ_then_the_trees_do),
        cmocka_unit_test(test_overlay_when_one_leaves_then_most_branches_stay),
        cmocka_unit_test(test_overlay_when_memory_is_refused_then_nothing_is_held),
        cmocka_unit_test(test_overlay_when_seeds_differ_then_the_graphs_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

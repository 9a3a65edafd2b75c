/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A hundred nodes that do not all reach each other: in a line, a ring, a tree, and a graph drawn at random. What is written
 * anywhere comes everywhere by being passed on, over each edge once; and when edges are cut, and come back, all agree.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/sim/story.h"

#define NODES 100
#define EDGES_MAX 200
#define CUTS 5
#define WRITES 40

struct edge {
    uint32_t a, b;
};

struct graph {
    struct edge edges[EDGES_MAX];
    uint32_t count;
    uint64_t random;
};

static uint32_t drawn(struct graph *graph, uint32_t bound)
{
    graph->random = graph->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(graph->random >> 33) % bound;
}

static bool has_edge(const struct graph *graph, uint32_t a, uint32_t b)
{
    for (uint32_t i = 0; i < graph->count; i++) {
        struct edge edge = graph->edges[i];
        if ((edge.a == a && edge.b == b) || (edge.a == b && edge.b == a))
            return true;
    }
    return false;
}

static void add_edge(struct graph *graph, uint32_t a, uint32_t b)
{
    assert_true(graph->count < EDGES_MAX);
    if (a != b && !has_edge(graph, a, b))
        graph->edges[graph->count++] = (struct edge){a, b};
}

static void draw_line(struct graph *graph)
{
    for (uint32_t i = 1; i < NODES; i++)
        add_edge(graph, i - 1, i);
}

static void draw_ring(struct graph *graph)
{
    draw_line(graph);
    add_edge(graph, NODES - 1, 0);
}

static void draw_tree(struct graph *graph)
{
    for (uint32_t i = 1; i < NODES; i++)
        add_edge(graph, i, drawn(graph, i));
}

/* A tree, so that all hang together, and half as many edges more. */
static void draw_any(struct graph *graph)
{
    draw_tree(graph);
    while (graph->count < 3 * NODES / 2)
        add_edge(graph, drawn(graph, NODES), drawn(graph, NODES));
}

/* Each edge is a path both ways, and a dial; between others there is none. */
static struct holm_script *open_on(const struct graph *graph)
{
    struct holm_script *script = story_new(NODES, HOLM_SCRIPT_PLAIN);
    struct holm_network_path none = holm_network_path_default();
    script->config.engine.peers_max = NODES;
    holm_script_set_up(script);
    none.delay_us = 1000;
    none.cut = true;
    for (uint32_t a = 0; a < NODES; a++)
        for (uint32_t b = 0; b < NODES; b++)
            if (a != b && !has_edge(graph, a, b))
                holm_world_path_set(script->world, a, b, &none);
    for (uint32_t i = 0; i < NODES; i++)
        assert_int_equal(holm_world_start(script->world, i), HOLM_OK);
    for (uint32_t i = 0; i < graph->count; i++)
        holm_world_join(script->world, graph->edges[i].a, graph->edges[i].b);
    holm_script_run(script, 8000);
    return script;
}

/* What is written now and then, in three places that are apart, comes to each node once: a run is not sent back to where
 * it came from, nor to who has it. In half of the writes links that bring nothing new are found out; a frame that
 * brings a run is acknowledged by another. */
static void expect_told_once(struct holm_script *script, const struct graph *graph)
{
    for (uint32_t i = 0; i < WRITES; i++) {
        if (i == WRITES / 2) {
            memset(script->frames, 0, sizeof script->frames);
            script->counts = true;
        }
        holm_script_add(script, i % 3 * 33, "once", 1);
        holm_script_run(script, 700);
    }
    script->counts = false;
    holm_script_expect_sum(script, "once", WRITES);
    uint64_t feeds = script->frames[HOLM_MESSAGE_FEED], least = WRITES / 2 * (NODES - 1);
    print_message("  %llu frames of feeds for %d runs to %d nodes over %u edges\n",
                  (unsigned long long)feeds, WRITES / 2, NODES, graph->count);
    assert_in_range(feeds, least, 2 * least);
    assert_int_equal(script->frames[HOLM_MESSAGE_DELTAS], 0);
    assert_int_equal(script->frames[HOLM_MESSAGE_DELTA], WRITES / 2);
}

static void cut_some(struct holm_script *script, const struct graph *graph, const bool *cut,
                     bool gone)
{
    for (uint32_t i = 0; i < graph->count; i++)
        if (cut[i])
            holm_script_cut(script, graph->edges[i].a, graph->edges[i].b, gone);
}

static void write_everywhere(struct holm_script *script, const char *key)
{
    for (uint32_t i = 0; i < NODES; i++) {
        holm_script_add(script, i, key, 1);
        holm_script_run(script, 1);
    }
}

static void play(const char *name, void (*draw)(struct graph *graph), uint64_t seed)
{
    struct graph graph = {.random = seed};
    bool cut[EDGES_MAX] = {false};
    draw(&graph);
    struct holm_script *script = open_on(&graph);
    write_everywhere(script, "whole");
    uint64_t took_ms = holm_script_converge(script, 20000);
    holm_script_expect_sum(script, "whole", NODES);
    print_message("%s: all have what all wrote after %llu ms\n", name, (unsigned long long)took_ms);
    expect_told_once(script, &graph);
    for (uint32_t i = 0; i < CUTS; i++)
        cut[drawn(&graph, graph.count)] = true;
    cut_some(script, &graph, cut, true);
    holm_script_run(script, 6000);
    write_everywhere(script, "apart");
    holm_script_run(script, 4000);
    cut_some(script, &graph, cut, false);
    took_ms = holm_script_converge(script, 30000);
    holm_script_expect_sum(script, "apart", NODES);
    print_message("  %llu ms after the cuts\n", (unsigned long long)took_ms);
    story_end(script);
}

static void test_wide_when_a_line_is_cut_and_heals_then_all_agree(void **state)
{
    (void)state;
    play("line", draw_line, 1);
}

static void test_wide_when_a_ring_is_cut_and_heals_then_all_agree(void **state)
{
    (void)state;
    play("ring", draw_ring, 2);
}

static void test_wide_when_a_tree_is_cut_and_heals_then_all_agree(void **state)
{
    (void)state;
    play("tree", draw_tree, 3);
}

static void test_wide_when_any_graph_is_cut_and_heals_then_all_agree(void **state)
{
    (void)state;
    play("any graph", draw_any, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wide_when_a_line_is_cut_and_heals_then_all_agree),
        cmocka_unit_test(test_wide_when_a_ring_is_cut_and_heals_then_all_agree),
        cmocka_unit_test(test_wide_when_a_tree_is_cut_and_heals_then_all_agree),
        cmocka_unit_test(test_wide_when_any_graph_is_cut_and_heals_then_all_agree),
    };
    return cmocka_run_group_tests_name("wide", tests, NULL, NULL);
}

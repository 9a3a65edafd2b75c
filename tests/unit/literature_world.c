/* SPDX-License-Identifier: Apache-2.0 */
/* Whole runs of bench/'s literature on small graphs, and two of the published ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "bench/literature_holm.h"
#include "bench/literature_table.h"

#define UPDATES 12
#define LINE_SENDS 2     /* of an update over a line of three: each edge once */
#define TRIANGLE_SENDS 4 /* its writer to two, each of those to the other */

static struct literature_graph line(void)
{
    static const uint8_t pairs[][2] = {{0, 1}, {1, 2}};
    return literature_graph_of("line", 3, pairs, 2);
}

static struct literature_graph triangle(void)
{
    static const uint8_t pairs[][2] = {{0, 1}, {1, 2}, {0, 2}};
    return literature_graph_of("triangle", 3, pairs, 3);
}

static struct literature_result run(const struct literature_case *script, size_t contender)
{
    struct literature_contender one = {.run = literature_holm_run};
    if (contender < LITERATURE_STRATEGIES)
        one = (struct literature_contender){.strategy = &literature_strategies[contender],
                                            .run = literature_world_run};
    return one.run(&one, script);
}

static void test_script_when_shares_are_uneven_then_rewrites_are_the_authors(void **unused)
{
    static const struct {
        uint32_t percent, first, last;
    } rows[] = {{10, 7, 7}, {30, 21, 21}, {60, 41, 41}, {100, 67, 62}};
    (void)unused;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct literature_case script = {.graph = literature_graph_tree(),
                                         .type = LITERATURE_GMAP,
                                         .percent = rows[i].percent,
                                         .updates = UPDATES,
                                         .seed = 1};
        uint32_t keys[LITERATURE_MAP_KEYS];
        assert_int_equal(literature_script_rewrites(&script, 0, 1, keys), rows[i].first);
        assert_int_equal(literature_script_rewrites(&script, 14, 1, keys), rows[i].last);
        for (uint32_t k = 0; k < rows[i].last; k++)
            assert_in_range(keys[k], 938, 999);
    }
}

static void test_graphs_when_made_then_they_are_the_papers(void **unused)
{
    (void)unused;
    struct literature_graph tree = literature_graph_tree(), mesh = literature_graph_mesh();
    assert_int_equal(tree.edges, 14);
    assert_int_equal(mesh.edges, 30);
    assert_true(tree.edge[12][10] && tree.edge[10][12] && !tree.edge[10][11]);
    assert_true(mesh.edge[0][14] && mesh.edge[0][11] && mesh.edge[14][3] && !mesh.edge[0][2]);
}

static void test_bprr_when_nothing_is_lost_then_each_way_is_gone_once(void **unused)
{
    (void)unused;
    for (uint64_t seed = 1; seed <= 5; seed++) {
        struct literature_case script = {.graph = line(), .updates = UPDATES, .seed = seed};
        struct literature_result result = run(&script, LITERATURE_BPRR);
        assert_true(result.converged);
        assert_int_equal(result.state_elements, 3 * UPDATES);
        assert_int_equal(result.cost.elements, 3 * UPDATES * LINE_SENDS);
        assert_int_equal(result.cost.metadata, result.cost.messages);
        script.graph = triangle();
        result = run(&script, LITERATURE_BPRR);
        assert_true(result.converged);
        assert_int_equal(result.cost.elements, 3 * UPDATES * TRIANGLE_SENDS);
    }
}

static void test_everyone_when_in_any_trouble_then_all_become_equal(void **unused)
{
    static const enum literature_type types[] = {LITERATURE_GSET, LITERATURE_GCOUNTER,
                                                 LITERATURE_GMAP};
    (void)unused;
    for (size_t i = 0; i < 3 * 3 * LITERATURE_CONTENDERS; i++) {
        size_t contender = i % LITERATURE_CONTENDERS;
        struct literature_case script = {
            .graph = i % 2 == 0 ? line() : triangle(),
            .type = types[i / LITERATURE_CONTENDERS % 3],
            .percent = 10,
            .trouble = (enum literature_trouble)(i / LITERATURE_CONTENDERS / 3),
            .updates = UPDATES,
            .seed = 7 + i};
        struct literature_result result = run(&script, contender);
        assert_true(result.converged);
        assert_true(result.cost.elements > 0);
        assert_true(result.cost.bytes > result.cost.elements);
        if (contender == LITERATURE_BPRR && script.trouble == LITERATURE_CALM)
            assert_true(result.packed_bytes > result.cost.elements &&
                        result.packed_bytes < result.cost.bytes);
        else
            assert_int_equal(result.packed_bytes, 0);
        if (script.trouble == LITERATURE_BOMBED)
            assert_true(result.rejoined_us > 0);
    }
}

static void test_everyone_when_run_again_then_it_is_the_same(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < LITERATURE_CONTENDERS; i++) {
        struct literature_case script = {
            .graph = triangle(), .trouble = LITERATURE_LOSS, .updates = UPDATES, .seed = 3};
        struct literature_result first = run(&script, i), second = run(&script, i);
        assert_memory_equal(&first.cost, &second.cost, sizeof first.cost);
        assert_int_equal(first.converged_us, second.converged_us);
        script.seed = 4;
        second = run(&script, i);
        assert_true(first.cost.bytes != second.cost.bytes);
    }
}

/* Two of the twelve rows: they take a second. */
static void test_references_when_run_as_published_then_they_are_within_tolerance(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < 2; i++) {
        struct literature_row row = {
            .script = {.graph = i == 0 ? literature_graph_tree() : literature_graph_mesh(),
                       .type = literature_published[i].type,
                       .updates = 100,
                       .seed = 1},
            .published = &literature_published[i]};
        for (size_t j = 0; j < LITERATURE_STRATEGIES; j++)
            row.results[j] = run(&row.script, j);
        assert_true(literature_row_faithful(&row));
        row.results[4].cost.elements += row.results[4].cost.elements / 10;
        assert_false(literature_row_faithful(&row));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_script_when_shares_are_uneven_then_rewrites_are_the_authors),
        cmocka_unit_test(test_graphs_when_made_then_they_are_the_papers),
        cmocka_unit_test(test_bprr_when_nothing_is_lost_then_each_way_is_gone_once),
        cmocka_unit_test(test_everyone_when_in_any_trouble_then_all_become_equal),
        cmocka_unit_test(test_everyone_when_run_again_then_it_is_the_same),
        cmocka_unit_test(test_references_when_run_as_published_then_they_are_within_tolerance),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

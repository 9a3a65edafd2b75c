/* SPDX-License-Identifier: Apache-2.0 */
/* Backups, clones, and two that believe to be one. */
#include "tests/unit/scenario.h"

/* Everything that anyone has ever sealed, to everybody, and then states, so that what died with its
 * writer's log is there, too. */
static void spread(struct fixture *f)
{
    for (size_t node = 0; node < f->node_count; node++)
        fixture_flush(f, node);
    for (size_t from = 0; from < f->node_count; from++)
        for (size_t to = 0; to < f->node_count; to++)
            if (from != to)
                fixture_merge(f, from, to);
    for (size_t to = 0; to + 1 < f->node_count; to++)
        fixture_merge(f, f->node_count - 1, to);
    fixture_check_equal(f);
}

static void count_up(struct fixture *f, size_t node, int times)
{
    for (int i = 0; i < times; i++) {
        add(f, node, "k", "n", 1);
        fixture_flush(f, node);
    }
}

/* T02: a backup from operation 10 is restored when there are 20. What was written since comes back
 * from the others, what was removed since stays removed, and the new life's dots are new. */
static void test_backup_when_restored_then_nothing_is_lost_or_comes_back(void **state)
{
    struct fixture fixture, *f = &fixture;
    struct fixture_state backup;
    fixture_init(f, 3, NULL);
    insert(f, A, "k", "s", "old");
    insert(f, A, "k", "s", "older");
    put(f, A, "gone", "f", 1);
    count_up(f, A, 10);
    fixture_state_take(f, A, &backup);
    erase(f, A, "k", "s", "old");
    write_op(f, A, HOLM_OP_REMOVE, "gone", "");
    count_up(f, A, 10);
    spread(f);

    fixture_kill(f, A);
    fixture_start(f, A, 2);
    fixture_state_merge(f, A, &backup);
    assert_sum(f, A, "k", "n", 10);
    assert_true(contains(f, A, "k", "s", "old"));
    count_up(f, A, 5);
    write_op(f, A, HOLM_OP_BURY, "dead", "");
    spread(f);
    for (size_t node = A; node <= C; node++) {
        assert_sum(f, node, "k", "n", 25);
        assert_false(contains(f, node, "k", "s", "old"));
        assert_true(contains(f, node, "k", "s", "older"));
        assert_absent(f, node, "gone");
    }
    fixture_state_release(&backup);
    fixture_release(f);
}

/* T02: two clones of one store run at once, each in a life of its own. */
static void test_clones_when_both_run_then_nothing_is_lost(void **state)
{
    struct fixture fixture, *f = &fixture;
    struct fixture_state backup;
    fixture_init(f, 4, NULL);
    count_up(f, A, 10);
    insert(f, A, "k", "s", "x");
    fixture_state_take(f, A, &backup);
    fixture_kill(f, A);
    fixture_kill(f, D);
    f->nodes[D].self.node = f->nodes[A].self.node;
    fixture_start(f, A, 2);
    fixture_start(f, D, 3);
    fixture_state_merge(f, A, &backup);
    fixture_state_merge(f, D, &backup);

    count_up(f, A, 3);
    count_up(f, D, 4);
    erase(f, A, "k", "s", "x");
    insert(f, D, "k", "s", "x");
    put(f, A, "k", "f", 1);
    put(f, D, "k", "f", 2);
    spread(f);
    for (size_t node = A; node <= D; node++) {
        assert_sum(f, node, "k", "n", 17);
        assert_true(contains(f, node, "k", "s", "x"));
        assert_reads(f, node, "k", "f", 2);
    }
    fixture_state_release(&backup);
    fixture_release(f);
}

const struct CMUnitTest scenario_identity_tests[] = {
    cmocka_unit_test(test_backup_when_restored_then_nothing_is_lost_or_comes_back),
    cmocka_unit_test(test_clones_when_both_run_then_nothing_is_lost),
};
const size_t scenario_identity_count = sizeof scenario_identity_tests /
                                       sizeof *scenario_identity_tests;

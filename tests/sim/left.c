/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When a world may end with nobody who can go on (retention `stable`). n0 founds, n3 is a clone of n1.
 *
 * With an argument: linked with a source that has a bug planted in it, by which nobody goes on where somebody could. It must
 * be found, whatever else was done to the nodes.
 */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "sim/world/play.h"

#define MS UINT64_C(1000)
#define BIT(node) (UINT64_C(1) << (node))
#define CLONE 3u

static void add(struct holm_plan *plan, uint64_t at_ms, uint32_t node)
{
    struct holm_op op = holm_op_add(holm_str("k"), holm_str("n"), 1);
    holm_plan_commit(plan, at_ms * MS, node, &op, 1);
}

struct world {
    uint64_t initial;
    enum holm_plan_event_type twin; /* CLONE; or START: with nothing, like a copied configuration */
};

/* n1 and its twin are members in turn; then n0 is bombed, n2 crashes, and the twin ends with the story. */
static struct holm_play_result play(struct world world, uint64_t bombed_ms)
{
    const struct holm_play_options options = {.trace = NULL};
    struct holm_play_result result;
    struct holm_plan plan;
    bool copied = world.twin == HOLM_PLAN_CLONE;
    holm_plan_init(&plan, bombed_ms, 4);
    plan.settings.clone_of[CLONE] = 1;
    plan.settings.initial = world.initial;
    for (uint32_t i = 1; i < 4; i++)
        plan.settings.disk_lazy[i] = 1;
    holm_plan_retain(&plan, HOLM_RETENTION_STABLE);
    add(&plan, 10000, 1);
    holm_plan_add(&plan, 12000 * MS, world.twin, copied ? 1 : CLONE)->other = CLONE;
    add(&plan, 12001, 1);
    holm_plan_add(&plan, bombed_ms * MS, HOLM_PLAN_BOMB, 0);
    holm_plan_add(&plan, bombed_ms * MS, HOLM_PLAN_CRASH, 2);
    plan.settings.safety_us = (bombed_ms + 2000) * MS;
    holm_play(&plan, &options, &result);
    holm_plan_release(&plan);
    return result;
}

static uint32_t count_stuck(struct world world)
{
    uint32_t count = 0;
    for (uint64_t ms = 12500; ms < 24500; ms += 500) {
        struct holm_play_result result = play(world, ms);
        if (result.verdict.broken)
            fail_msg("bombed at %" PRIu64 " ms: %s: %s", ms, result.verdict.claim,
                     result.verdict.why);
        count += result.stuck;
    }
    printf("%" PRIu32 " of 24 worlds wait for an operator\n", count);
    return count;
}

/* n2 begins when all is over. Somewhere n1 is not the one of the two that is a member in the end. */
static void test_left_when_all_members_lost_their_state_then_newcomers_wait(void **state)
{
    (void)state;
    assert_in_range(count_stuck((struct world){BIT(0) | BIT(1), HOLM_PLAN_CLONE}), 1, 23);
}

static void test_left_when_a_member_merely_crashed_then_it_goes_on(void **state)
{
    (void)state;
    assert_int_equal(count_stuck((struct world){BIT(0) | BIT(1) | BIT(2), HOLM_PLAN_CLONE}), 0);
    assert_int_equal(count_stuck((struct world){BIT(0) | BIT(1) | BIT(2), HOLM_PLAN_START}), 0);
}

/* Each of the two lets others in, and is forgotten by whom the other one lets in. */
static void test_left_when_a_twin_began_with_nothing_then_newcomers_wait(void **state)
{
    (void)state;
    assert_in_range(count_stuck((struct world){BIT(0) | BIT(1), HOLM_PLAN_START}), 1, 23);
}

/* n2 has lost nothing, and nobody forgot it. */
static bool finds_the_planted(void)
{
    const struct world world = {BIT(0) | BIT(1) | BIT(2), HOLM_PLAN_CLONE};
    for (uint64_t ms = 12500; ms < 24500; ms += 500) {
        struct holm_play_result result = play(world, ms);
        if (result.verdict.broken) {
            printf("bombed at %" PRIu64 " ms: %s\n", ms, result.verdict.why);
            return true;
        }
    }
    printf("all 24 worlds held\n");
    return false;
}

int main(int argc, char **argv)
{
    (void)argv;
    if (argc > 1)
        return finds_the_planted() ? 0 : 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_left_when_all_members_lost_their_state_then_newcomers_wait),
        cmocka_unit_test(test_left_when_a_member_merely_crashed_then_it_goes_on),
        cmocka_unit_test(test_left_when_a_twin_began_with_nothing_then_newcomers_wait),
    };
    return cmocka_run_group_tests_name("left", tests, NULL, NULL);
}

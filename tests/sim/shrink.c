/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A bug is planted in this program (canaries.list, seen_skipped): what replaces something leaves the first of
 * what it replaces. Its shortest story is two writes, and so says the shrinker, of whatever plan.
 */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "sim/world/play.h"
#include "sim/world/shrink.h"

static bool fails(void *context, const struct holm_plan *plan)
{
    uint32_t *plays = context;
    struct holm_play_options options = {.only = "revived"};
    struct holm_play_result result;
    *plays += 1;
    holm_play(plan, &options, &result);
    return result.verdict.broken;
}

static uint32_t present(const struct holm_plan *plan)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < plan->settings.nodes; i++)
        count += (plan->settings.absent >> i & 1) == 0;
    return count;
}

static void shrink(const char *preset, uint64_t seed)
{
    struct holm_plan plan, again;
    char list[4096];
    uint32_t plays = 0, ops = 0;
    holm_plan_draw(&plan, holm_preset_find(preset), seed, 5);
    holm_plan_retain(&plan, HOLM_RETENTION_FOREVER);
    assert_true(fails(&plays, &plan));
    holm_shrink(&plan, fails, &plays, 2000);
    for (size_t i = 0; i < plan.count; i++) {
        struct holm_op left[HOLM_PLAN_OPS_MAX];
        ops += holm_plan_ops(&plan, &plan.events[i], left);
    }
    printf("%s %" PRIu64 ": %zu events, %" PRIu32 " operations, %" PRIu32 " nodes, %" PRIu32
           " plays\n",
           preset, seed, plan.count, ops, present(&plan), plays);
    assert_in_range(plan.count, 1, 4);
    assert_in_range(ops, 1, 3);
    assert_int_equal(present(&plan), 2);

    /* The list replays it. */
    holm_plan_list(&plan, list, sizeof list);
    holm_plan_draw(&again, holm_preset_find(preset), seed, 5);
    holm_plan_retain(&again, HOLM_RETENTION_FOREVER);
    assert_true(holm_plan_keep_list(&again, list));
    assert_int_equal(again.count, plan.count);
    assert_int_equal(again.settings.absent, plan.settings.absent);
    assert_true(fails(&plays, &again));
    holm_plan_release(&again);
    holm_plan_release(&plan);
}

static void test_shrink_when_a_bug_is_planted_its_story_is_short(void **state)
{
    for (uint64_t seed = 1; seed <= 3; seed++) {
        shrink("perfect", seed);
        shrink("lossy", seed);
        shrink("chaos", seed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shrink_when_a_bug_is_planted_its_story_is_short),
    };
    return cmocka_run_group_tests_name("shrink", tests, NULL, NULL);
}

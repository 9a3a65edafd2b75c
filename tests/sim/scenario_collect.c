/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Schedules that broke an earlier draft of the rules of retention `stable` (crdt/stable.h): what is collected is not
 * needed any more, however late a frame comes and whoever comes back from an older store. T18 T19 T35 T36 T37 T38 T39
 *
 * X, Y and Z are n0, n1 and n2, W is the last.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/sim/story.h"

#define X 0u
#define Y 1u
#define Z 2u

static bool has_tombstone(const struct holm_script *script, uint32_t node)
{
    return !holm_script_collected(script, node);
}

static uint64_t digest_breaches(const struct holm_script *script)
{
    uint64_t count = 0;
    for (uint32_t i = 0; i < script->nodes; i++) {
        if (holm_world_alive(script->world, i))
            count += holm_script_stats(script, i).digest_breaches;
    }
    return count;
}

/* All are members, show the same, and have collected. */
static void expect_one_outcome(struct holm_script *script, const char *key, bool alive)
{
    holm_script_run(script, 40000);
    holm_script_expect_members(script, script->nodes);
    holm_script_converge(script, 5000);
    holm_script_expect_exists(script, key, alive);
    holm_script_expect_collected(script, true);
    holm_script_expect_exists(script, key, alive);
    assert_int_equal(digest_breaches(script), 0);
}

/* ---- T19 ------------------------------------------------------------------------------------ */

/* T19: nothing is left of the burial but what was collected, on the disks of all, who restart at once. */
static void test_collect_when_all_restart_after_a_collection_then_the_dead_stay_dead(void **state)
{
    (void)state;
    struct holm_script *script = story_new(3, HOLM_SCRIPT_STABLE | HOLM_SCRIPT_DISKS);
    script->config.engine.log_bytes_max = 1; /* whoever is behind compares states */
    holm_script_begin(script);
    holm_script_put(script, X, "k", 1);
    holm_script_put(script, Y, "other", 1);
    holm_script_converge(script, 2000);
    struct holm_disk *older = holm_script_backup(script, Z);
    holm_script_bury(script, X, "k");
    holm_script_await(script, 20000, holm_script_collected, X);
    holm_script_run(script, 10000);
    holm_script_expect_collected(script, true);
    holm_world_bomb(script->world, Y); /* and has all from a cut, with no trace of the tombstone */
    holm_script_start(script, Y);
    holm_script_await(script, 10000, holm_script_confirmed, Y);
    for (uint32_t i = 0; i < 3; i++)
        holm_world_crash(script->world, i);
    holm_script_start(script, X);
    holm_script_start(script, Y);
    holm_script_restore(script, Z, older); /* and one has it alive */
    assert_true(holm_script_exists(script, Z, "k"));
    assert_false(holm_script_exists(script, X, "k") || holm_script_exists(script, Y, "k"));
    assert_false(has_tombstone(script, Y));
    expect_one_outcome(script, "k", false);
    holm_script_expect_exists(script, "other", true);
    story_end(script);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_collect_when_all_restart_after_a_collection_then_the_dead_stay_dead),
    };
    return cmocka_run_group_tests_name("scenario_collect", tests, NULL, NULL);
}

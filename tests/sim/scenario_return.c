/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many lives: who is bombed again and again, and a member that comes back unheard. T20
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/sim/story.h"

#define BIT(type) (1u << (type))

/* ---- T20 ------------------------------------------------------------------------------------ */

#define CITIES 10u

static uint32_t lives_of_each(uint32_t usual, uint32_t soaked)
{
    const char *lives = getenv("HOLM_SOAK_LIVES");
    if (lives != NULL)
        return (uint32_t)strtoul(lives, NULL, 10);
    return getenv("HOLM_SOAK") != NULL ? soaked : usual;
}

static bool is_whole(const struct holm_script *script, uint32_t node)
{
    (void)node;
    return holm_script_converged(script);
}

/* The most that any city had, at the end of a round. */
struct most {
    uint64_t entries; /* of a vector */
    uint32_t cells;   /* of the counter */
    size_t heap_bytes;
};

static void look_at_all(const struct holm_script *script, struct most *most)
{
    for (uint32_t i = 0; i < CITIES; i++) {
        uint64_t entries = holm_script_stats(script, i).vector_entries;
        uint32_t cells = holm_script_cells(script, i, "k");
        size_t heap_bytes = holm_world_heap_bytes(script->world, i);
        most->entries = entries > most->entries ? entries : most->entries;
        most->cells = cells > most->cells ? cells : most->cells;
        most->heap_bytes = heap_bytes > most->heap_bytes ? heap_bytes : most->heap_bytes;
    }
    assert_in_range(most->entries, 1, 3 * CITIES);
    assert_in_range(most->cells, 1, 2 * CITIES);
}

/* Each city is bombed as often, in turns; each life counts, and inserts into a set, before it ends. That takes some
 * milliseconds: with `stable` nobody dies for a while after each round, for what all have can only be told when all
 * live. */
static void live_and_die(struct holm_script *script, uint32_t rounds)
{
    struct most most = {.entries = 0};
    for (uint32_t life = 0; life < rounds * CITIES; life++) {
        uint32_t city = life * 3 % CITIES;
        struct holm_op op = holm_op_insert(holm_str("set"), holm_str("f"),
                                           holm_str(life % 2 == 0 ? "even" : "odd"));
        holm_script_add(script, city, "k", 1);
        assert_int_equal(holm_script_commit(script, city, op), HOLM_OK);
        holm_script_await(script, 20000, is_whole, 0);
        holm_world_bomb(script->world, city);
        holm_script_start(script, city);
        if (script->config.engine.retention == HOLM_RETENTION_STABLE)
            holm_script_await(script, 30000, holm_script_confirmed, city);
        if (life % CITIES == CITIES - 1 &&
            script->config.engine.retention == HOLM_RETENTION_STABLE) {
            holm_script_run(script, 6000);
            look_at_all(script, &most);
        }
        if ((life + 1) % (100 * CITIES) == 0)
            print_message("%u lives, %u s: at most %u entries, %u cells, %zu bytes a city\n",
                          life + 1, (unsigned)(holm_world_now_us(script->world) / 1000000),
                          (unsigned)most.entries, most.cells, most.heap_bytes);
    }
}

/* Of a hundred beacon intervals in which nobody writes: all that was sent but beacons and pings. */
static uint64_t chatter(struct holm_script *script)
{
    uint64_t count = 0;
    memset(script->frames, 0, sizeof script->frames);
    script->counts = true;
    holm_script_run(script, 100000);
    script->counts = false;
    for (uint32_t type = 0; type <= HOLM_MESSAGE_TYPE_MAX; type++) {
        bool idle = type == HOLM_MESSAGE_BEACON || type == HOLM_MESSAGE_PING ||
                    type == HOLM_MESSAGE_PONG;
        count += idle ? 0 : script->frames[type];
    }
    return count;
}

/* T20 */
static void test_return_when_cities_are_bombed_for_ever_then_vectors_stay_small(void **state)
{
    (void)state;
    struct holm_script *script = story_new(CITIES, HOLM_SCRIPT_STABLE);
    uint32_t lives = lives_of_each(10, 1000);
    holm_script_begin(script);
    live_and_die(script, lives);
    holm_script_run(script, 60000);
    holm_script_expect_members(script, CITIES);
    holm_script_converge(script, 5000);
    holm_script_expect_sum(script, "k", (int64_t)lives * CITIES);
    holm_script_expect_exists(script, "set", true);
    for (uint32_t i = 0; i < CITIES; i++) {
        struct holm_stats stats = holm_script_stats(script, i);
        assert_in_range(stats.vector_entries, 1, 3 * CITIES);
        assert_in_range(holm_script_cells(script, i, "k"), 1, 2 * CITIES);
        assert_int_equal(stats.digest_breaches, 0);
        assert_true(holm_script_standing(script, i).folded > 0);
    }
    assert_int_equal(chatter(script), 0);
    story_end(script);
}

/* T20: with `forever` each epoch that wrote stays, as a few bytes, and each life is told of all of them: a thousand of
 * each city are in unit.replica_fold_lives. */
static void test_return_when_nothing_is_collected_then_each_epoch_costs_little(void **state)
{
    (void)state;
    struct holm_script *script = story_new(CITIES, HOLM_SCRIPT_PLAIN);
    uint32_t lives = lives_of_each(20, 100);
    script->config.engine.log_bytes_max = 65536;
    holm_script_begin(script);
    live_and_die(script, lives);
    holm_script_run(script, 20000);
    size_t before = holm_world_heap_bytes(script->world, 0);
    uint64_t epochs = holm_script_stats(script, 0).vector_entries;
    live_and_die(script, lives);
    holm_script_run(script, 20000);
    holm_script_converge(script, 5000);
    holm_script_expect_sum(script, "k", (int64_t)2 * lives * CITIES);
    uint64_t more = holm_script_stats(script, 0).vector_entries - epochs;
    assert_in_range(more, lives * CITIES / 2, lives * CITIES);
    size_t after = holm_world_heap_bytes(script->world, 0);
    assert_in_range(after - before, 0, (size_t)lives * CITIES * 400);
    assert_int_equal(chatter(script), 0);
    story_end(script);
}

/* What a member says of itself when a link comes up may be lost with that link: it is told again. */
static void test_return_when_a_member_is_not_heard_then_it_says_so_again(void **state)
{
    (void)state;
    struct holm_script *script = story_new(2, HOLM_SCRIPT_STABLE | HOLM_SCRIPT_DISKS);
    holm_script_begin(script);
    holm_script_put(script, 0, "k", 1);
    holm_script_converge(script, 2000);
    holm_world_crash(script->world, 1);
    struct holm_gate gate = {.verdict = HOLM_NETWORK_DROP,
                             .from = 1,
                             .to = 2,
                             .types = BIT(HOLM_MESSAGE_STANDING),
                             .count = 1};
    uint32_t lost = holm_gate_set(script->world, &gate);
    holm_script_start(script, 1);
    (void)holm_script_await(script, 10000, holm_script_confirmed, 1);
    assert_int_equal(holm_gate_hits(script->world, lost), 1);
    holm_script_put(script, 1, "k", 2);
    holm_script_converge(script, 2000);
    holm_script_expect_members(script, 2);
    story_end(script);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_return_when_a_member_is_not_heard_then_it_says_so_again),
        cmocka_unit_test(test_return_when_cities_are_bombed_for_ever_then_vectors_stay_small),
        cmocka_unit_test(test_return_when_nothing_is_collected_then_each_epoch_costs_little),
    };
    return cmocka_run_group_tests_name("scenario_return", tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Four engines in bad weather: everything that can happen to a network and to its nodes, drawn from
 * a seed, while all of them write; then the weather clears, and they must agree within a bound.
 *
 *     always  what node 0 wrote, which never dies, is there, exactly once
 *             what a mortal node wrote is there unless it died before anybody had seen it
 *
 * A failing seed is printed: run it alone with HOLM_STORM_SEED=N.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/unit/engine_world.h"

#define STEPS 150
#define SEEDS 25

struct storm {
    struct world *world;
    struct holm_random random;
    int64_t written[WORLD_NODES]; /* by all lives of a node, under its key */
    int64_t seen[WORLD_NODES];    /* of it, what another node held when the writer died */
    bool cut[WORLD_NODES][WORLD_NODES];
};

static const char *const keys[WORLD_NODES] = {"of-a", "of-b", "of-c", "of-d"};

static uint32_t draw(struct storm *storm, uint32_t bound)
{
    return (uint32_t)holm_random_between(&storm->random, 0, bound - 1);
}

static void write_some(struct storm *storm)
{
    uint32_t index = draw(storm, WORLD_NODES);
    if (storm->world->engines[index] == NULL)
        return;
    for (uint32_t i = draw(storm, 30); i-- > 0;) {
        char key[16];
        snprintf(key, sizeof key, "shared-%u", draw(storm, 50));
        world_add(storm->world, index, key, 1);
        world_add(storm->world, index, keys[index], 1);
        storm->written[index]++;
    }
}

static void repath(struct storm *storm, uint32_t from, uint32_t to)
{
    struct holm_network_path path = storm->world->path;
    path.cut = storm->cut[from][to];
    path.delay_us = 200 + draw(storm, 20000);
    path.jitter_us = draw(storm, 5000);
    path.loss_permille = draw(storm, 3) == 0 ? draw(storm, 300) : 0;
    path.duplicate_permille = draw(storm, 100);
    path.reorder_permille = draw(storm, 100);
    path.reorder_us = 30000;
    path.resend_us = 200000;
    world_path(storm->world, from, to, &path);
}

/* One way or both; made more often than taken away. */
static void cut_some(struct storm *storm)
{
    uint32_t from = draw(storm, WORLD_NODES);
    uint32_t to = (from + 1 + draw(storm, WORLD_NODES - 1)) % WORLD_NODES;
    bool cut = draw(storm, 5) < 3;
    storm->cut[from][to] = cut;
    repath(storm, from, to);
    if (draw(storm, 3) > 0) {
        storm->cut[to][from] = cut;
        repath(storm, to, from);
    }
}

/* What others hold of a node that dies now cannot be lost any more. */
static void note_seen(struct storm *storm, uint32_t index)
{
    for (uint32_t i = 0; i < WORLD_NODES; i++) {
        if (i == index || storm->world->engines[i] == NULL)
            continue;
        int64_t held = world_sum(storm->world, i, keys[index]);
        if (i == 0 && held > storm->seen[index])
            storm->seen[index] = held; /* node 0 lives on */
    }
}

static void live_or_die(struct storm *storm)
{
    uint32_t index = 1 + draw(storm, WORLD_NODES - 1);
    struct world *world = storm->world;
    if (world->engines[index] == NULL) {
        world_start(world, index);
        world_join(world, index, draw(storm, WORLD_NODES));
        return;
    }
    note_seen(storm, index);
    if (draw(storm, 4) == 0)
        world_close(world, index);
    else
        world_kill(world, index);
}

static void step(struct storm *storm)
{
    uint32_t chance = draw(storm, 100);
    if (chance < 60)
        write_some(storm);
    else if (chance < 85)
        cut_some(storm);
    else if (chance < 92)
        live_or_die(storm);
    uint32_t pace = draw(storm, 10);
    world_run(storm->world, pace == 0 ? 4000 : pace < 4 ? 300 : 5);
}

static void clear_up(struct storm *storm)
{
    struct world *world = storm->world;
    memset(storm->cut, 0, sizeof storm->cut);
    world_lose(world, 0);
    for (uint32_t i = 1; i < WORLD_NODES; i++) {
        if (world->engines[i] != NULL)
            continue;
        world_start(world, i);
        world_join(world, i, 0);
    }
}

static void ride_out(uint64_t seed)
{
    struct storm storm = {.world = world_new(seed), .random = {seed}};
    struct world *world = storm.world;
    /* Every other op log is so short that pulls come too late, and whole partitions are synced. */
    for (uint32_t i = 0; i < WORLD_NODES && seed % 2 == 0; i++)
        world->configs[i].log_bytes_max = 4096;
    world_cluster(world, WORLD_NODES);
    for (int i = 0; i < STEPS; i++)
        step(&storm);
    clear_up(&storm);
    world_run(world, 10000); /* time-outs and back-offs of the storm run out */
    world_converge(world, 30000);
    for (uint32_t i = 0; i < WORLD_NODES; i++) {
        assert_int_equal(holm_engine_peers_up(world->engines[i]), WORLD_NODES - 1);
        assert_int_equal(world_sum(world, i, keys[0]), storm.written[0]);
        for (uint32_t k = 1; k < WORLD_NODES; k++) {
            int64_t sum = world_sum(world, i, keys[k]);
            assert_true(sum >= storm.seen[k] && sum <= storm.written[k]);
        }
        assert_int_equal(world_stats(world, i).malformed, 0);
    }
    world_free(world);
}

static uint64_t number(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text == NULL ? otherwise : strtoull(text, NULL, 10);
}

static void test_engine_when_the_storm_is_over_all_agree(void **state)
{
    (void)state;
    uint64_t first = number("HOLM_STORM_SEED", 1);
    uint64_t count = getenv("HOLM_STORM_SEED") != NULL ? 1
                     : getenv("HOLM_SOAK") != NULL     ? number("HOLM_SOAK_SEEDS", 5000)
                                                       : SEEDS;
    for (uint64_t seed = first; seed < first + count; seed++) {
        char line[64];
        /* Only of a seed that fails is the line ever seen: each one writes over the last. */
        snprintf(line, sizeof line, "storm: HOLM_STORM_SEED=%llu\r", (unsigned long long)seed);
        fputs(line, stderr);
        ride_out(seed);
    }
    fputc('\n', stderr);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_engine_when_the_storm_is_over_all_agree)};
    return cmocka_run_group_tests_name("engine_storm", tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Five nodes, each in a network namespace of its own, and cuts by the kernel: what is written on either
 * side is on every node soon after the heal, and is what was written.
 *
 * Short splits; with HOLM_SOAK=1 (`./dev soak netsplit`) of 60 s, again and again for ten minutes
 * (HOLM_SOAK_SECONDS).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/netns/land.h"

#include <cmocka.h>

#define NODES 5
#define KEYS 200
/* Nodes redial every second, with jitter: all links are there within two. What is beyond is for
 * machines that have other work. */
#define HEAL_S_MAX 20.0

static double split_s(double brief)
{
    return getenv("HOLM_SOAK") != NULL ? 60 : brief;
}

static void write_everywhere(struct land *land)
{
    for (uint32_t i = 0; i < land->count; i++)
        land_write(land, i, KEYS);
}

/* What a node knows while the land is split: all of its own group, of others what was before. */
static void await_apart(struct land *land, const uint32_t *groups, const uint32_t *before)
{
    for (uint32_t node = 0; node < land->count; node++) {
        uint32_t known[ROOMS_MAX];
        for (uint32_t i = 0; i < land->count; i++)
            known[i] = groups[i] == groups[node] ? land->written[i] : before[i];
        (void)land_await_written(land, node, known, HEAL_S_MAX);
    }
}

/* One split and its heal; returns how long the heal took. */
static double play_split(struct land *land, const uint32_t *groups, double cut_s, bool reset)
{
    uint32_t before[ROOMS_MAX];
    double begun = member_now_s();
    for (uint32_t i = 0; i < land->count; i++)
        before[i] = land->written[i];
    land_split(land, groups);
    write_everywhere(land);
    await_apart(land, groups, before);
    double left = cut_s - (member_now_s() - begun);
    if (left > 0)
        land_nap(left);
    await_apart(land, groups, before);
    if (reset)
        (void)land_reset(land); /* both sides may have given up all links by now */
    double healed = member_now_s();
    land_heal(land);
    double took = land_await(land, HEAL_S_MAX) - healed;
    print_message("cut for %.1f s%s: equal and complete %.0f ms after the heal\n", cut_s,
                  reset ? ", connections reset" : "", took * 1000);
    return took;
}

static void open_equal(struct land *land)
{
    land_open(land, ROOMS_BRIDGE, NODES, 1);
    write_everywhere(land);
    (void)land_await(land, HEAL_S_MAX);
}

/* T26 */
static void test_netsplit_in_two_when_healed_then_all_have_all(void **state)
{
    struct land land;
    open_equal(&land);
    (void)play_split(&land, (const uint32_t[]){0, 0, 1, 1, 1}, split_s(2), false);
    (void)play_split(&land, (const uint32_t[]){0, 1, 0, 1, 0}, split_s(3.5), false);
    land_close(&land);
}

static void test_netsplit_in_three_when_healed_then_all_have_all(void **state)
{
    struct land land;
    open_equal(&land);
    (void)play_split(&land, (const uint32_t[]){0, 0, 1, 1, 2}, split_s(2.5), false);
    land_close(&land);
}

static void test_connections_when_reset_then_all_have_all(void **state)
{
    struct land land;
    open_equal(&land);
    if (!land_reset(&land)) {
        land_close(&land);
        print_message("skipped: this kernel resets no connections for ss -K\n");
        skip();
    }
    land_await_up_again(&land, HEAL_S_MAX);
    (void)play_split(&land, (const uint32_t[]){0, 1, 1, 1, 0}, split_s(2), true);
    write_everywhere(&land);
    assert_true(land_reset(&land));
    land_await_up_again(&land, HEAL_S_MAX);
    write_everywhere(&land);
    (void)land_await(&land, HEAL_S_MAX);
    land_close(&land);
}

/* Both halves start again while they are apart, all nodes but n2 at other ports, and nobody has a store. n0, n3 and n4 have
 * the seeds of before, of which n2's alone is any good; n1 knows n0 and nothing else, n2 nobody that is there. */
static void test_netsplit_when_halves_return_with_stale_seeds_then_one_address_heals_it(
    void **state)
{
    struct land land;
    char stale[NODES * LAND_ADDRESS_BYTES] = "", of_n0[LAND_ADDRESS_BYTES];
    const uint32_t halves[] = {0, 0, 1, 1, 1};
    land_open(&land, ROOMS_BRIDGE, NODES, 1);
    land_split(&land, halves);
    for (uint32_t i = 0; i < NODES; i++) {
        land_address(i, LAND_PORT, stale + strlen(stale));
        (void)strcat(stale, " ");
        member_kill(&land.nodes[i]);
    }
    land_address(0, LAND_PORT + 1, of_n0);
    for (uint32_t i = 0; i < NODES; i++)
        land_start_at(&land, i, i == 2 ? LAND_PORT : LAND_PORT + 1, i == 1 ? of_n0 : stale);
    land_await_peers(&land, (const uint32_t[]){1, 1, 2, 2, 2}, HEAL_S_MAX);
    write_everywhere(&land);
    await_apart(&land, halves, (const uint32_t[NODES]){0});
    double healed = member_now_s();
    land_heal(&land);
    land_await_peers(&land, (const uint32_t[]){4, 4, 4, 4, 4}, HEAL_S_MAX);
    print_message("halves with stale seeds: equal and complete %.0f ms after the heal\n",
                  (land_await(&land, HEAL_S_MAX) - healed) * 1000);
    land_close(&land);
}

/* Two groups by the bits of a number, each of at least one. */
static void test_netsplits_when_they_come_again_and_again_then_each_heals(void **state)
{
    struct land land;
    const char *wanted = getenv("HOLM_SOAK_SECONDS");
    double until = member_now_s() + (wanted == NULL ? 600 : strtod(wanted, NULL));
    if (getenv("HOLM_SOAK") == NULL)
        skip();
    open_equal(&land);
    for (uint32_t round = 1; member_now_s() < until; round++) {
        uint32_t groups[NODES];
        for (uint32_t i = 0; i < NODES; i++)
            groups[i] = (round % 30 + 1) >> i & 1;
        (void)play_split(&land, groups, round % 4 == 0 ? 5 : 60, round % 3 == 0);
    }
    land_close(&land);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_netsplit_in_two_when_healed_then_all_have_all),
        cmocka_unit_test(test_netsplit_in_three_when_healed_then_all_have_all),
        cmocka_unit_test(test_connections_when_reset_then_all_have_all),
        cmocka_unit_test(
            test_netsplit_when_halves_return_with_stale_seeds_then_one_address_heals_it),
        cmocka_unit_test(test_netsplits_when_they_come_again_and_again_then_each_heals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

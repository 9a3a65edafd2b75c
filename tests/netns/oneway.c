/* SPDX-License-Identifier: Apache-2.0 */
/*
 * T26 on real links: not all reach each other, or not for long, and yet all that is written arrives,
 * by way of others where there is a way. TCP makes no link of one direction.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/netns/land.h"

#include <cmocka.h>

#define NODES 5
#define KEYS 100
/* A dead link is given up after 1.5 s (3 s by default); then it is gone round. The rest is for busy machines. */
#define ARRIVE_S_MAX 25.0
/* Of a core, by one node, while links come and go: an idle one takes a hundredth. */
#define BUSY_MAX 0.5

static void write_everywhere(struct land *land)
{
    for (uint32_t i = 0; i < land->count; i++)
        land_write(land, i, KEYS);
}

static void open_equal(struct land *land)
{
    land_open(land, ROOMS_BRIDGE, NODES, 1);
    write_everywhere(land);
    (void)land_await(land, ARRIVE_S_MAX);
}

/* Written now, on every node, while it is as it is. */
static void assert_converges(struct land *land, const char *how)
{
    write_everywhere(land);
    double begun = member_now_s();
    double took = land_await(land, ARRIVE_S_MAX) - begun;
    print_message("%s: equal and complete after %.0f ms\n", how, took * 1000);
}

static void test_link_when_one_way_then_others_carry_it(void **state)
{
    struct land land;
    open_equal(&land);
    land_oneway(&land, 0, 1);
    land_oneway(&land, 2, 1);
    assert_converges(&land, "0 and 2 do not reach 1, as it begins");
    const uint32_t lost[NODES] = {3, 2, 3, 4, 4};
    land_await_peers(&land, lost, ARRIVE_S_MAX);
    assert_converges(&land, "0 and 2 do not reach 1, and know it");
    land_heal(&land);
    const uint32_t all[NODES] = {4, 4, 4, 4, 4};
    land_await_peers(&land, all, ARRIVE_S_MAX);
    assert_converges(&land, "healed");
    land_close(&land);
}

/* Nobody hears it; it hears everybody: its writes come when it is heard again. */
static void test_node_when_it_is_not_heard_then_its_writes_come_with_the_heal(void **state)
{
    struct land land;
    uint32_t known[ROOMS_MAX];
    open_equal(&land);
    for (uint32_t i = 1; i < NODES; i++)
        land_oneway(&land, 0, i);
    memcpy(known, land.written, sizeof known);
    write_everywhere(&land);
    for (uint32_t i = 1; i < NODES; i++)
        known[i] = land.written[i];
    for (uint32_t i = 1; i < NODES; i++)
        (void)land_await_written(&land, i, known, ARRIVE_S_MAX);
    const uint32_t lost[NODES] = {0, 3, 3, 3, 3};
    land_await_peers(&land, lost, ARRIVE_S_MAX);
    double healed = member_now_s();
    land_heal(&land);
    double took = land_await(&land, ARRIVE_S_MAX) - healed;
    print_message("it is heard again: equal and complete after %.0f ms\n", took * 1000);
    land_close(&land);
}

static void test_groups_when_one_node_joins_them_then_it_carries_all(void **state)
{
    struct land land;
    open_equal(&land);
    for (uint32_t a = 0; a < 2; a++)
        for (uint32_t b = 3; b < NODES; b++)
            land.rooms.cut[a][b] = land.rooms.cut[b][a] = true;
    assert_true(rooms_apply(&land.rooms));
    const uint32_t joined[NODES] = {2, 2, 4, 2, 2};
    land_await_peers(&land, joined, ARRIVE_S_MAX);
    assert_converges(&land, "0 1 - 2 - 3 4");
    land_close(&land);
}

static void test_ring_when_cut_in_two_then_it_heals(void **state)
{
    struct land land;
    open_equal(&land);
    for (uint32_t a = 0; a < NODES; a++)
        for (uint32_t b = 0; b < NODES; b++)
            land.rooms.cut[a][b] = (b + NODES - a) % NODES != 1 && (a + NODES - b) % NODES != 1;
    assert_true(rooms_apply(&land.rooms));
    const uint32_t ring[NODES] = {2, 2, 2, 2, 2};
    land_await_peers(&land, ring, ARRIVE_S_MAX);
    assert_converges(&land, "a ring");
    land_oneway(&land, 0, 1);
    land_oneway(&land, 3, 4);
    write_everywhere(&land);
    const uint32_t halves[NODES] = {1, 1, 2, 1, 1};
    land_await_peers(&land, halves, ARRIVE_S_MAX);
    land.rooms.cut[0][1] = land.rooms.cut[3][4] = false;
    assert_true(rooms_apply(&land.rooms));
    double healed = member_now_s();
    print_message("a ring again: equal and complete %.0f ms after that\n",
                  (land_await(&land, ARRIVE_S_MAX) - healed) * 1000);
    land_close(&land);
}

static void test_links_when_flapping_then_no_node_is_busy_and_all_arrives(void **state)
{
    struct land land;
    uint64_t cpu_ms[NODES];
    open_equal(&land);
    for (uint32_t i = 0; i < NODES; i++)
        cpu_ms[i] = land_stats(&land, i).cpu_ms;
    double begun = member_now_s();
    for (int turn = 0; member_now_s() - begun < 2; turn++) {
        const uint32_t groups[NODES] = {0, 0, turn % 2 ? 0 : 1, turn % 2 ? 0 : 1, 0};
        land_split(&land, groups);
        if (turn % 10 == 0)
            write_everywhere(&land);
        land_nap(0.1);
    }
    double lasted = member_now_s() - begun;
    for (uint32_t i = 0; i < NODES; i++) {
        double busy = (double)(land_stats(&land, i).cpu_ms - cpu_ms[i]) / 1000 / lasted;
        print_message("n%u was busy for %.1f%% of %.1f s\n", i, busy * 100, lasted);
        assert_true(busy < BUSY_MAX);
    }
    double healed = member_now_s();
    land_heal(&land);
    print_message("after flapping: equal and complete %.0f ms after the heal\n",
                  (land_await(&land, ARRIVE_S_MAX) - healed) * 1000);
    land_close(&land);
}

/* Links stop one by one, each way for itself, and come back in another order, while all write. */
static void test_links_when_stopped_and_restored_at_random_then_all_arrives(void **state)
{
    struct land land;
    const char *wanted = getenv("HOLM_SOAK_SEED");
    uint32_t random = wanted == NULL ? 1 : (uint32_t)strtoul(wanted, NULL, 10);
    int rounds = getenv("HOLM_SOAK") != NULL ? 20 : 1;
    open_equal(&land);
    for (int round = 0; round < rounds; round++) {
        print_message("random %u: ", random);
        for (int turn = 0; turn < 16; turn++) {
            random = random * 1664525 + 1013904223;
            uint32_t from = (random >> 16) % NODES;
            uint32_t to = (from + 1 + (random >> 24) % (NODES - 1)) % NODES;
            /* More come back than go in the second half. */
            land.rooms.cut[from][to] = turn < 8 || (random >> 8) % 4 == 0;
            assert_true(rooms_apply(&land.rooms));
            land_write(&land, (uint32_t)turn % NODES, 5);
            land_nap(0.1);
        }
        double healed = member_now_s();
        land_heal(&land);
        print_message("equal and complete %.0f ms after the last link came back\n",
                      (land_await(&land, ARRIVE_S_MAX) - healed) * 1000);
    }
    land_close(&land);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_link_when_one_way_then_others_carry_it),
        cmocka_unit_test(test_node_when_it_is_not_heard_then_its_writes_come_with_the_heal),
        cmocka_unit_test(test_groups_when_one_node_joins_them_then_it_carries_all),
        cmocka_unit_test(test_ring_when_cut_in_two_then_it_heals),
        cmocka_unit_test(test_links_when_flapping_then_no_node_is_busy_and_all_arrives),
        cmocka_unit_test(test_links_when_stopped_and_restored_at_random_then_all_arrives),
    };
    if (getenv("HOLM_SOAK") == NULL)
        (void)setenv("HOLM_NETNS_LINK_MS", "1500", 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

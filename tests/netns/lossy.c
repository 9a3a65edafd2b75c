/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The wires themselves, and nodes on bad ones: 200 ms each way and a fifth of all frames lost, on a
 * switch of our own (switch.h).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include "tests/netns/land.h"

#include <cmocka.h>

#define NODES 5
#define KEYS 40
/* Five round trips of TCP and as many repeats of a lost segment, each twice as late as the last. */
#define LOSSY_S_MAX 30.0
#define CLEAN_S_MAX 20.0

/* ---- wires ---------------------------------------------------------------------------------- */

static uint32_t pass_many(struct wire *wire, uint64_t seed, uint64_t fates[1000])
{
    struct wire_state state;
    uint32_t lost = 0;
    wire_seed(&state, seed, 0, 1);
    for (uint32_t i = 0; i < 1000; i++) {
        fates[i] = wire_pass(wire, &state, 1000 * (uint64_t)i, 100);
        lost += fates[i] == WIRE_LOST;
    }
    return lost;
}

static void test_wire_when_seeded_alike_then_fates_are_alike(void **state)
{
    struct wire wire = {.loss_ppm = 200000, .delay_us = 5000, .jitter_us = 3000};
    uint64_t first[1000], second[1000];
    uint32_t differing = 0;
    uint32_t lost = pass_many(&wire, 7, first);
    assert_in_range(lost, 150, 250);
    assert_int_equal(pass_many(&wire, 7, second), lost);
    assert_memory_equal(first, second, sizeof first);
    (void)pass_many(&wire, 8, second);
    for (uint32_t i = 0; i < 1000; i++)
        differing += first[i] != second[i];
    assert_true(differing > 500);
}

static void test_wire_when_it_jitters_then_frames_stay_in_order_and_within_bounds(void **state)
{
    struct wire wire = {.delay_us = 5000, .jitter_us = 3000};
    uint64_t fates[1000];
    uint64_t last = 0;
    assert_int_equal(pass_many(&wire, 1, fates), 0);
    for (uint32_t i = 0; i < 1000; i++) {
        assert_in_range(fates[i], 1000 * i + 5000, 1000 * i + 8000);
        assert_true(fates[i] >= last);
        last = fates[i];
    }
}

static void test_wire_when_its_rate_is_bounded_then_frames_queue(void **state)
{
    struct wire wire = {.rate_kib_s = 50}; /* 100 bytes take 1,953 us, and one comes each 1,000 */
    uint64_t fates[1000];
    assert_int_equal(pass_many(&wire, 1, fates), 0);
    assert_int_equal(fates[0], 1953);
    assert_int_equal(fates[999], 1000 * 1953);
}

static void test_wire_when_cut_then_later_fates_are_as_they_were(void **state)
{
    struct wire wire = {.loss_ppm = 500000};
    struct wire_state cut, whole;
    wire_seed(&cut, 3, 0, 1);
    wire_seed(&whole, 3, 0, 1);
    wire.cut = true;
    assert_true(wire_pass(&wire, &cut, 0, 1) == WIRE_LOST);
    wire.cut = false;
    (void)wire_pass(&wire, &whole, 0, 1);
    for (int i = 0; i < 100; i++)
        assert_true(wire_pass(&wire, &cut, 1, 1) == wire_pass(&wire, &whole, 1, 1));
}

/* ---- nodes ---------------------------------------------------------------------------------- */

static void set_wires(struct land *land, uint32_t delay_us, uint32_t jitter_us, uint32_t loss_ppm)
{
    for (uint32_t from = 0; from < land->count; from++)
        for (uint32_t to = 0; to < land->count; to++) {
            struct wire *wire = &land->rooms.tap_switch.shared->wires[from][to];
            atomic_store(&wire->delay_us, delay_us);
            atomic_store(&wire->jitter_us, jitter_us);
            atomic_store(&wire->loss_ppm, loss_ppm);
        }
}

static void write_everywhere(struct land *land)
{
    for (uint32_t i = 0; i < land->count; i++)
        land_write(land, i, KEYS);
}

static double await_told(struct land *land, const char *how, double patience_s)
{
    double begun = member_now_s();
    double took = land_await(land, patience_s) - begun;
    struct switch_shared *shared = land->rooms.tap_switch.shared;
    print_message("%s: equal and complete after %.0f ms; %llu frames passed, %llu lost, %llu cut\n",
                  how, took * 1000, (unsigned long long)atomic_load(&shared->frames_passed),
                  (unsigned long long)atomic_load(&shared->frames_lost),
                  (unsigned long long)atomic_load(&shared->frames_cut));
    return took;
}

static void test_nodes_when_wires_lose_and_delay_then_they_converge(void **state)
{
    struct land land;
    land_open(&land, ROOMS_SWITCH, NODES, 1);
    write_everywhere(&land);
    (void)await_told(&land, "good wires", CLEAN_S_MAX);
    set_wires(&land, 200000, 20000, 200000);
    write_everywhere(&land);
    (void)await_told(&land, "200 ms each way, 20% lost", LOSSY_S_MAX);
    assert_true(atomic_load(&land.rooms.tap_switch.shared->frames_lost) > 10);
    land_close(&land);
}

static void test_netsplit_when_wires_lose_and_delay_then_it_heals(void **state)
{
    struct land land;
    land_open(&land, ROOMS_SWITCH, NODES, 2);
    set_wires(&land, 200000, 20000, 200000);
    land_split(&land, (const uint32_t[]){0, 0, 1, 1, 1});
    write_everywhere(&land);
    land_nap(3.5);
    land_heal(&land);
    (void)await_told(&land, "a heal of such wires", LOSSY_S_MAX);
    assert_true(atomic_load(&land.rooms.tap_switch.shared->frames_cut) > 10);
    land_close(&land);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wire_when_seeded_alike_then_fates_are_alike),
        cmocka_unit_test(test_wire_when_it_jitters_then_frames_stay_in_order_and_within_bounds),
        cmocka_unit_test(test_wire_when_its_rate_is_bounded_then_frames_queue),
        cmocka_unit_test(test_wire_when_cut_then_later_fates_are_as_they_were),
        cmocka_unit_test(test_nodes_when_wires_lose_and_delay_then_they_converge),
        cmocka_unit_test(test_netsplit_when_wires_lose_and_delay_then_it_heals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* How far peers are behind this replica, and it behind them, in operations and in time. */
#include "tests/unit/trio.h"

#include <stdlib.h>

enum {
    A,
    B,
    C
};

#define SECOND_US 1000000u

static struct trio *open_trio(void)
{
    struct trio *trio = calloc(1, sizeof *trio);
    assert_non_null(trio);
    struct holm_replica_config config = trio_config();
    trio_open(trio, &config);
    return trio;
}

static void write_runs(struct trio *trio, uint32_t node, int count)
{
    for (int i = 0; i < count; i++) {
        trio_write(trio, node, holm_op_add(holm_str("k"), holm_str("n"), 1));
        assert_int_equal(trio_event(trio, node, HOLM_EVENT_FLUSH), HOLM_OK);
    }
}

static struct holm_replica_lag lag_of(const struct trio *trio, uint32_t node, uint32_t peer)
{
    return holm_replica_lag(trio->replicas[node], peer);
}

static void test_replica_lag_when_a_peer_stands_still_then_it_is_told_by_how_much(void **state)
{
    (void)state;
    struct trio *trio = open_trio();
    write_runs(trio, A, 5);
    trio_run(trio, SECOND_US);
    trio_beacon(trio, B);
    trio_beacon(trio, C);
    trio_run(trio, SECOND_US);
    assert_int_equal(lag_of(trio, A, B).theirs, 0);
    assert_int_equal(lag_of(trio, A, B).theirs_us, 0);
    trio->frozen[B] = true;
    uint64_t since_us = trio->now_us;
    write_runs(trio, A, 3);
    trio_run(trio, 9 * SECOND_US);
    write_runs(trio, A, 4);
    trio_beacon(trio, C);
    trio_run(trio, SECOND_US);
    trio_beacon(trio, C);
    trio_run(trio, SECOND_US);
    assert_int_equal(lag_of(trio, A, B).theirs, 7);
    assert_int_equal(lag_of(trio, A, B).theirs_us, since_us);
    assert_int_equal(lag_of(trio, A, C).theirs, 0);
    trio->frozen[B] = false;
    trio_run(trio, SECOND_US);
    trio_beacon(trio, B);
    trio_run(trio, SECOND_US);
    assert_int_equal(lag_of(trio, A, B).theirs, 0);
    trio_close(trio);
    free(trio);
}

static void test_replica_lag_when_runs_do_not_come_then_beacons_tell_of_them(void **state)
{
    (void)state;
    struct trio *trio = open_trio();
    trio->cut[B][A] = trio->cut[B][C] = true; /* its pulls do not arrive */
    trio->deaf = true;
    write_runs(trio, A, 6);
    trio_run(trio, SECOND_US);
    assert_int_equal(lag_of(trio, B, A).mine, 0);
    uint64_t beacon_us = trio->now_us;
    trio_beacon(trio, A);
    trio_run(trio, SECOND_US / 2);
    uint64_t told_us = lag_of(trio, B, A).mine_us;
    assert_int_equal(lag_of(trio, B, A).mine, 6);
    assert_in_range(told_us, beacon_us, beacon_us + SECOND_US / 10);
    write_runs(trio, A, 2);
    trio_beacon(trio, A);
    trio_run(trio, 5 * SECOND_US);
    assert_int_equal(lag_of(trio, B, A).mine, 8);
    assert_int_equal(lag_of(trio, B, A).mine_us, told_us);
    trio->cut[B][A] = trio->cut[B][C] = false;
    trio_run(trio, 10 * SECOND_US);
    assert_int_equal(lag_of(trio, B, A).mine, 0);
    assert_int_equal(lag_of(trio, B, A).mine_us, 0);
    trio_close(trio);
    free(trio);
}

static void test_replica_lag_when_the_peer_is_down_or_unknown_then_there_is_none(void **state)
{
    (void)state;
    struct trio *trio = open_trio();
    struct holm_event down = {.type = HOLM_EVENT_PEER_DOWN};
    down.as.peer.peer = B;
    write_runs(trio, A, 6);
    assert_int_equal(lag_of(trio, A, B).theirs, 6);
    assert_int_equal(trio_step(trio, A, &down), HOLM_OK);
    assert_int_equal(lag_of(trio, A, B).theirs, 0);
    assert_int_equal(lag_of(trio, A, 1000).theirs, 0);
    trio_close(trio);
    free(trio);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_replica_lag_when_a_peer_stands_still_then_it_is_told_by_how_much),
        cmocka_unit_test(test_replica_lag_when_runs_do_not_come_then_beacons_tell_of_them),
        cmocka_unit_test(test_replica_lag_when_the_peer_is_down_or_unknown_then_there_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

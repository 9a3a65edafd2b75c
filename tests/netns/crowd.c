/* SPDX-License-Identifier: Apache-2.0 */
/*
 * T27 with a process for each node, in two rooms that the kernel cuts apart: so many that what each does at once would
 * be too much. One is gone, and all call it again; all but one are killed and come back empty together; two halves meet that have both written much.
 *
 *     room 0: n0 n2 n4 ... --+-- br0 --+-- room 1: n1 n3 n5 ...
 *
 * Short; with HOLM_SOAK=1 (`./dev soak netsplit_crowd`) 50 nodes and 100,000 keys.
 */
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/netns/land.h"

#include <cmocka.h>

#define NODES_MAX 50u
#define PARTITIONS 16u
#define ANSWER_S 60
#define DONE_S_MAX 120.0
/* Who lacks something and gets nothing for so long does not get on. A peer that does not answer is left after a second,
 * and then asked ever more rarely, up to each 5 s. */
#define STILL_S_MAX 20.0
#define BASE 40000u
#define OWN 10u
#define WINDOW_S 0.05

static struct {
    uint32_t count;
    uint32_t keys;         /* of each side */
    const char *log_bytes; /* op log of a node: NULL: as it is by default */
    struct rooms rooms;
    struct member nodes[NODES_MAX];
} crowd;

static void address_of(uint32_t node, char text[LAND_ADDRESS_BYTES])
{
    (void)snprintf(text, LAND_ADDRESS_BYTES, "tcp://10.77.0.%u:%u", node % 2 + 1, LAND_PORT + node);
}

/* Each dials two others, so that whoever is there is found. */
static void start(uint32_t node)
{
    char name[8], listen[LAND_ADDRESS_BYTES], seeds[2 * LAND_ADDRESS_BYTES + 1];
    (void)snprintf(name, sizeof name, "n%u", node);
    address_of(node, listen);
    address_of((node + 1) % crowd.count, seeds);
    (void)strcat(seeds, " ");
    address_of((node + 7) % crowd.count, seeds + strlen(seeds));
    const char *const arguments[] = {HOLM_NETNS_RESIDENT, name, listen, seeds,
                                     crowd.log_bytes,     NULL};
    member_start(&crowd.nodes[node], &crowd.rooms, node % 2, arguments);
}

static void must(uint32_t node, const char *line)
{
    member_ask(&crowd.nodes[node], "%s", line);
    assert_string_equal(member_answer(&crowd.nodes[node], ANSWER_S), "ok");
}

static void fill(uint32_t node, const char *who, uint32_t first, uint32_t count)
{
    char line[64];
    (void)snprintf(line, sizeof line, "fill %s %u %u", who, first, count);
    must(node, line);
}

struct count {
    uint64_t records, peers;
};

static struct count count_of(uint32_t node)
{
    unsigned long long records, peers;
    member_ask(&crowd.nodes[node], "count");
    assert_int_equal(
        sscanf(member_answer(&crowd.nodes[node], ANSWER_S), "ok %llu %llu", &records, &peers), 2);
    return (struct count){records, peers};
}

static uint64_t sum_of(uint32_t node, const char *metric)
{
    unsigned long long sum;
    member_ask(&crowd.nodes[node], "sum %s", metric);
    assert_int_equal(sscanf(member_answer(&crowd.nodes[node], ANSWER_S), "ok %llu", &sum), 1);
    return sum;
}

/* Until each has so many records; how long that took. Each gets on all the while: none stands still for long. */
static double await_records(uint64_t records)
{
    uint64_t had[NODES_MAX] = {0};
    double moved[NODES_MAX], begun = member_now_s(), now = begun;
    for (uint32_t i = 0; i < crowd.count; i++)
        moved[i] = begun;
    for (uint32_t whole = 0; whole < crowd.count;) {
        whole = 0;
        for (uint32_t i = 0; i < crowd.count; i++) {
            uint64_t has = count_of(i).records;
            now = member_now_s();
            whole += has == records;
            if (has != had[i] || has == records)
                moved[i] = now;
            had[i] = has;
            if (now - moved[i] > STILL_S_MAX || now - begun > DONE_S_MAX)
                fail_msg("n%u has %llu of %llu records after %.1f s, for %.1f s", i,
                         (unsigned long long)has, (unsigned long long)records, now - begun,
                         now - moved[i]);
        }
        land_nap(0.05);
    }
    return now - begun;
}

static void await_peers(uint64_t peers)
{
    double deadline = member_now_s() + DONE_S_MAX;
    for (uint32_t i = 0; i < crowd.count; i++) {
        while (count_of(i).peers != peers) {
            if (member_now_s() > deadline)
                fail_msg("n%u has %llu of %llu peers", i, (unsigned long long)count_of(i).peers,
                         (unsigned long long)peers);
            land_nap(0.05);
        }
    }
}

/* Every key has its content, at each node, and digests and vectors are equal. */
static void assert_whole(const char *what)
{
    char first[64] = "";
    for (uint32_t i = 0; i < crowd.count; i++)
        member_ask(&crowd.nodes[i], "whole %d %s", ANSWER_S * 1000, what);
    for (uint32_t i = 0; i < crowd.count; i++) {
        const char *answer = member_answer(&crowd.nodes[i], 2 * ANSWER_S);
        if (strncmp(answer, "ok ", 3) != 0)
            fail_msg("n%u: %s", i, answer);
    }
    for (uint32_t i = 0; i < crowd.count; i++) {
        member_ask(&crowd.nodes[i], "sums");
        const char *sums = member_answer(&crowd.nodes[i], ANSWER_S);
        if (i == 0)
            (void)snprintf(first, sizeof first, "%s", sums);
        assert_string_equal(sums, first);
        assert_int_equal(sum_of(i, "holm_digest_breaches_total"), 0);
        assert_int_equal(sum_of(i, "holm_malformed_frames_total"), 0);
    }
}

/* What the busiest node has asked for, by its own metrics. */
struct effort {
    uint64_t syncs, cuts_asked, pulls; /* since it was opened */
};

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* Each partition is filled by one sync, or some more while its source goes on changing. Refused cuts, as a server has
 * two of a partition open at most, and pulls in vain are asked for again ever more rarely: each peer twice, and once more
 * in eight seconds. */
static void assert_bounded(struct effort most, double took_s)
{
    uint64_t times = 2 + (uint64_t)took_s / 8;
    assert_in_range(most.syncs, 0, (uint64_t)4 * PARTITIONS);
    assert_in_range(most.cuts_asked, 0, (uint64_t)16 * PARTITIONS);
    assert_in_range(most.pulls, 0, times * PARTITIONS * (crowd.count - 1));
}

static struct effort most_effort(void)
{
    struct effort most = {0, 0, 0};
    for (uint32_t i = 0; i < crowd.count; i++) {
        most.syncs = larger(most.syncs, sum_of(i, "holm_partition_syncs_total"));
        most.cuts_asked = larger(most.cuts_asked, sum_of(i, "holm_peer_syncs_total"));
        most.pulls = larger(most.pulls, sum_of(i, "holm_partition_pulls_total"));
    }
    return most;
}

/* All have all, so that nobody asks any more; but for what was asked for, or told of, a moment before. */
static void assert_quiet(void)
{
    struct effort before = most_effort();
    land_nap(2);
    struct effort after = most_effort();
    assert_in_range(after.pulls - before.pulls, 0, 2 * PARTITIONS);
    assert_in_range(after.cuts_asked - before.cuts_asked, 0, 0);
}

static void open_crowd(const char *log_bytes)
{
    const char *missing = rooms_missing(ROOMS_BRIDGE);
    if (missing != NULL) {
        print_message("skipped: %s\n", missing);
        skip();
    }
    bool soak = getenv("HOLM_SOAK") != NULL;
    memset(&crowd, 0, sizeof crowd);
    crowd.log_bytes = log_bytes;
    crowd.count = soak ? NODES_MAX : 16;
    crowd.keys = soak ? 50000 : 2000;
    assert_true(rooms_open(&crowd.rooms, ROOMS_BRIDGE, 2, 1));
    double begun = member_now_s();
    for (uint32_t i = 0; i < crowd.count; i++)
        start(i);
    await_peers(crowd.count - 1);
    fill(0, "base", 0, BASE);
    (void)await_records(BASE);
    print_message("%u processes: met and equal after %.1f s\n", crowd.count,
                  member_now_s() - begun);
}

/* However a test has ended. */
static int close_crowd(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < crowd.count; i++)
        member_kill(&crowd.nodes[i]);
    rooms_close(&crowd.rooms);
    memset(&crowd, 0, sizeof crowd);
    return 0;
}

/* Takes every call for as long as that, and hangs up; in how many windows there were any. */
static uint32_t hang_up(int listener, double s, uint32_t *windows)
{
    bool called[256] = {false};
    double begun = member_now_s();
    uint32_t calls = 0;
    *windows = 0;
    for (double passed = 0; passed < s; passed = member_now_s() - begun) {
        struct pollfd ready = {.fd = listener, .events = POLLIN};
        if (poll(&ready, 1, 100) != 1)
            continue;
        int fd = accept(listener, NULL, NULL);
        assert_true(fd >= 0);
        (void)close(fd);
        uint32_t window = (uint32_t)((member_now_s() - begun) / WINDOW_S);
        assert_in_range(window, 0, 255);
        *windows += !called[window];
        called[window] = true;
        calls++;
    }
    return calls;
}

/* All lose it in the same moment, and in its place is somebody who hangs up. Who calls again after so long exactly calls
 * with all others, second for second. */
static void test_processes_when_one_is_gone_then_they_call_it_at_different_times(void **state)
{
    const double s = 4;
    uint32_t windows, others;
    (void)state;
    open_crowd(NULL);
    others = crowd.count - 1;
    member_kill(&crowd.nodes[0]);
    int listener = rooms_listen(&crowd.rooms, 0, LAND_PORT);
    assert_true(listener >= 0);
    uint32_t calls = hang_up(listener, s, &windows);
    (void)close(listener);
    print_message("%u processes called the one that was gone %u times in %.0f s, in %u of %.0f "
                  "windows\n",
                  others, calls, s, windows, s / WINDOW_S);
    assert_in_range(calls, others, others * 2 * ((uint32_t)s + 1));
    assert_true(windows > 5 * (uint32_t)s);
}

/* What each had written, the one that stays has. */
static void test_processes_when_all_but_one_restart_at_once_then_each_gets_on(void **state)
{
    char what[64];
    (void)state;
    open_crowd("65536");
    for (uint32_t i = 1; i < crowd.count; i++)
        fill(i, "own", (i - 1) * OWN, OWN);
    uint64_t records = BASE + (uint64_t)OWN * (crowd.count - 1);
    (void)await_records(records);
    for (uint32_t i = 1; i < crowd.count; i++)
        member_kill(&crowd.nodes[i]);
    double begun = member_now_s();
    for (uint32_t i = 1; i < crowd.count; i++)
        start(i);
    (void)await_records(records);
    double took = member_now_s() - begun;
    struct effort most = most_effort();
    print_message("all but one back: whole after %.1f s; at most %llu syncs, %llu cuts asked for, "
                  "%llu pulls\n",
                  took, (unsigned long long)most.syncs, (unsigned long long)most.cuts_asked,
                  (unsigned long long)most.pulls);
    assert_true(most.syncs > 0); /* op logs do not reach back */
    assert_bounded(most, took);
    (void)snprintf(what, sizeof what, "base %u own %u", BASE, OWN * (crowd.count - 1));
    assert_whole(what);
    assert_quiet();
}

static void test_halves_of_processes_when_both_wrote_much_then_each_gets_on(void **state)
{
    char what[64];
    (void)state;
    open_crowd(NULL);
    crowd.rooms.cut[0][1] = crowd.rooms.cut[1][0] = true;
    assert_true(rooms_apply(&crowd.rooms));
    fill(0, "left", 0, crowd.keys);
    fill(1, "right", 0, crowd.keys);
    (void)await_records(BASE + crowd.keys);
    await_peers(crowd.count / 2 - 1);
    struct effort before = most_effort();
    crowd.rooms.cut[0][1] = crowd.rooms.cut[1][0] = false;
    assert_true(rooms_apply(&crowd.rooms));
    double took = await_records(BASE + 2 * (uint64_t)crowd.keys);
    struct effort most = most_effort();
    print_message("two halves with %u keys each: equal %.1f s after the heal; at most %llu syncs, "
                  "%llu cuts asked for, %llu pulls (%llu before)\n",
                  crowd.keys, took, (unsigned long long)most.syncs,
                  (unsigned long long)most.cuts_asked, (unsigned long long)most.pulls,
                  (unsigned long long)before.pulls);
    most.pulls -= before.pulls;
    assert_bounded(most, took);
    (void)snprintf(what, sizeof what, "base %u left %u right %u", BASE, crowd.keys, crowd.keys);
    assert_whole(what);
    assert_quiet();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(
            test_processes_when_one_is_gone_then_they_call_it_at_different_times, close_crowd),
        cmocka_unit_test_teardown(test_processes_when_all_but_one_restart_at_once_then_each_gets_on,
                                  close_crowd),
        cmocka_unit_test_teardown(test_halves_of_processes_when_both_wrote_much_then_each_gets_on,
                                  close_crowd),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

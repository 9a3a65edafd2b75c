/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/netns/land.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define ANSWER_S 30

void land_address(uint32_t node, uint16_t port, char text[LAND_ADDRESS_BYTES])
{
    (void)snprintf(text, LAND_ADDRESS_BYTES, "tcp://10.77.0.%u:%u", node + 1, port);
}

void land_nap(double s)
{
    struct timespec pause = {(time_t)s, (long)((s - (double)(time_t)s) * 1e9)};
    (void)clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
}

void land_start_at(struct land *land, uint32_t node, uint16_t port, const char *seeds)
{
    char name[8], listen[LAND_ADDRESS_BYTES];
    (void)snprintf(name, sizeof name, "n%u", node);
    land_address(node, port, listen);
    const char *const arguments[] = {HOLM_NETNS_RESIDENT, name, listen, seeds, NULL};
    member_kill(&land->nodes[node]);
    member_start(&land->nodes[node], &land->rooms, node, arguments);
}

void land_start(struct land *land, uint32_t node)
{
    char seeds[ROOMS_MAX * LAND_ADDRESS_BYTES] = "";
    for (uint32_t i = 0; i < land->count; i++) {
        if (i == node)
            continue;
        size_t size = strlen(seeds);
        land_address(i, LAND_PORT, seeds + size);
        (void)strcat(seeds, " ");
    }
    land_start_at(land, node, LAND_PORT, seeds);
}

void land_open(struct land *land, enum rooms_kind kind, uint32_t count, uint64_t seed)
{
    uint32_t peers[ROOMS_MAX];
    const char *missing = rooms_missing(kind);
    memset(land, 0, sizeof *land);
    if (missing != NULL) {
        print_message("skipped: %s\n", missing);
        skip();
    }
    land->count = count;
    assert_true(rooms_open(&land->rooms, kind, count, seed));
    for (uint32_t i = 0; i < count; i++) {
        peers[i] = count - 1;
        land_start(land, i);
    }
    land_await_peers(land, peers, ANSWER_S);
}

void land_close(struct land *land)
{
    for (uint32_t i = 0; i < land->count; i++) {
        struct land_stats stats = land_stats(land, i);
        assert_int_equal(stats.breaches, 0);
        assert_int_equal(stats.malformed, 0);
    }
    land_end(land);
}

void land_end(struct land *land)
{
    for (uint32_t i = 0; i < land->count; i++)
        member_kill(&land->nodes[i]);
    rooms_close(&land->rooms);
}

void land_write(struct land *land, uint32_t node, uint32_t count)
{
    member_ask(&land->nodes[node], "write n%u %u %u", node, land->written[node], count);
    assert_string_equal(member_answer(&land->nodes[node], ANSWER_S), "ok");
    land->written[node] += count;
}

void land_split(struct land *land, const uint32_t *groups)
{
    for (uint32_t from = 0; from < land->count; from++)
        for (uint32_t to = 0; to < land->count; to++)
            land->rooms.cut[from][to] = groups[from] != groups[to];
    assert_true(rooms_apply(&land->rooms));
}

void land_oneway(struct land *land, uint32_t from, uint32_t to)
{
    land->rooms.cut[from][to] = true;
    assert_true(rooms_apply(&land->rooms));
}

void land_heal(struct land *land)
{
    memset(land->rooms.cut, 0, sizeof land->rooms.cut);
    assert_true(rooms_apply(&land->rooms));
}

bool land_reset(struct land *land)
{
    /* It tells what it has closed. */
    static const char *const words[] = {
        "sh", "-c", "test -n \"$(ss -tHK state established 2>/dev/null)\"", NULL};
    bool any = false;
    land_mark(land);
    for (uint32_t i = 0; i < land->count; i++)
        any |= rooms_run(&land->rooms, i, words);
    return any;
}

void land_await_up_again(struct land *land, double patience_s)
{
    double deadline = member_now_s() + patience_s;
    for (uint32_t i = 0; i < land->count; i++)
        while (land_marks(land, i).up_s == 0) {
            if (member_now_s() >= deadline)
                fail_msg("no peer of n%u came up again in %.1f s", i, patience_s);
            land_nap(0.01);
        }
}

void land_mark(struct land *land)
{
    for (uint32_t i = 0; i < land->count; i++) {
        member_ask(&land->nodes[i], "mark");
        assert_string_equal(member_answer(&land->nodes[i], ANSWER_S), "ok");
    }
}

struct land_marks land_marks(struct land *land, uint32_t node)
{
    uint64_t up_us, record_us;
    member_ask(&land->nodes[node], "marks");
    assert_int_equal(sscanf(member_answer(&land->nodes[node], ANSWER_S), "ok %" SCNu64 " %" SCNu64,
                            &up_us, &record_us),
                     2);
    return (struct land_marks){(double)up_us / 1e6, (double)record_us / 1e6};
}

static void ask_await(struct land *land, uint32_t node, const uint32_t *written, double patience_s)
{
    char line[256];
    int size = 0;
    for (uint32_t i = 0; i < land->count; i++)
        size += snprintf(line + size, sizeof line - (size_t)size, " n%u %u", i, written[i]);
    member_ask(&land->nodes[node], "await %u%s", (unsigned)(patience_s * 1000), line);
}

static double answer_await(struct land *land, uint32_t node, double patience_s)
{
    uint64_t when_us;
    const char *answer = member_answer(&land->nodes[node], patience_s + ANSWER_S);
    if (sscanf(answer, "ok %" SCNu64, &when_us) != 1)
        fail_msg("n%u after %.1f s: %s", node, patience_s, answer);
    return (double)when_us / 1e6;
}

double land_await_written(struct land *land, uint32_t node, const uint32_t *written,
                          double patience_s)
{
    double last = 0;
    for (uint32_t i = 0; i < land->count; i++)
        if (node == LAND_ALL || node == i)
            ask_await(land, i, written, patience_s);
    for (uint32_t i = 0; i < land->count; i++) {
        double when = node == LAND_ALL || node == i ? answer_await(land, i, patience_s) : 0;
        last = when > last ? when : last;
    }
    return last;
}

double land_await(struct land *land, double patience_s)
{
    char first[64] = "";
    double when = land_await_written(land, LAND_ALL, land->written, patience_s);
    for (uint32_t i = 0; i < land->count; i++) {
        member_ask(&land->nodes[i], "sums");
        const char *sums = member_answer(&land->nodes[i], ANSWER_S);
        if (i == 0)
            (void)snprintf(first, sizeof first, "%s", sums);
        assert_string_equal(sums, first);
    }
    return when;
}

struct land_stats land_stats(struct land *land, uint32_t node)
{
    struct land_stats stats;
    member_ask(&land->nodes[node], "stats");
    int count = sscanf(member_answer(&land->nodes[node], ANSWER_S),
                       "ok %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64
                       " %" SCNu64,
                       &stats.peers_up, &stats.pulls, &stats.syncs, &stats.malformed,
                       &stats.breaches, &stats.cpu_ms, &stats.rss_kib);
    assert_int_equal(count, 7);
    return stats;
}

void land_await_peers(struct land *land, const uint32_t *peers, double patience_s)
{
    double deadline = member_now_s() + patience_s;
    for (uint32_t i = 0; i < land->count; i++) {
        while (land_stats(land, i).peers_up != peers[i]) {
            if (member_now_s() >= deadline)
                fail_msg("n%u has %" PRIu64 " peers instead of %u after %.1f s", i,
                         land_stats(land, i).peers_up, peers[i], patience_s);
            land_nap(0.01);
        }
    }
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "bench/ends.h"
#include "bench/ends_team.h"

struct usage {
    uint64_t cpu_us, resident_kib, sent, received; /* sums */
    uint64_t largest_kib;
};

static struct usage usage_of(struct team *team)
{
    struct usage sum = {0};
    for (size_t i = 0; i < team->count; i++) {
        uint64_t numbers[4];
        team_ask(team, i, "usage", numbers, 4);
        sum.cpu_us += numbers[0];
        sum.resident_kib += numbers[1];
        sum.sent += numbers[2];
        sum.received += numbers[3];
        sum.largest_kib = numbers[1] > sum.largest_kib ? numbers[1] : sum.largest_kib;
    }
    return sum;
}

static void row(struct report *report, const char *name, const char *unit, double value,
                double most)
{
    report_row(report,
               &(struct report_row){.name = name, .unit = unit, .value = value, .most = most});
}

/* What a node takes, and says, while nothing happens. */
static void tell_idle(struct report *report, struct team *team, unsigned seconds, double most_bytes)
{
    double node_seconds = (double)seconds * (double)team->count;
    measure_nap_us(8000000); /* beacons stretch to four intervals */
    struct usage before = usage_of(team);
    measure_nap_us(seconds * 1000000ull);
    struct usage after = usage_of(team);
    row(report, "resident, a node", "KiB", (double)after.resident_kib / (double)team->count, 0);
    row(report, "a node sends, each second", "B", (double)(after.sent - before.sent) / node_seconds,
        most_bytes);
    row(report, "a node receives, each second", "B",
        (double)(after.received - before.received) / node_seconds, 0);
    row(report, "CPU of a node, each second", "us",
        (double)(after.cpu_us - before.cpu_us) / node_seconds, 0);
}

void ends_idle(struct report *report)
{
    struct team team;
    uint64_t span[2];
    if (!report_wants(report, "ends-idle", "three idle processes, empty and with 10,000 keys"))
        return;
    team_open(&team, 3);
    struct usage empty = usage_of(&team);
    row(report, "resident, an empty node", "KiB", (double)empty.resident_kib / 3, 0);
    team_ask(&team, 0, "keys 10000", NULL, 0);
    team_ask(&team, 0, "put 0 10000", span, 2);
    (void)team_last(&team, "wait 10000");
    tell_idle(report, &team, report->quick ? 4 : 20, 1024);
    team_check(&team, 10000, 2, 10000);
    team_close(&team);
}

void ends_fifty(struct report *report)
{
    struct team team = {.count = 0};
    uint64_t span[2], begun = measure_now_ns();
    size_t nodes = report->quick ? 20 : 50, keys = 1000;
    char about[96];
    (void)snprintf(about, sizeof about, "%zu processes", nodes);
    if (!report_wants(report, "ends-fifty", about))
        return;
    for (size_t i = 0; i < nodes; i++)
        (void)team_add(&team, NULL, "");
    team_wait_met(&team);
    row(report, "from the first start until each has met all others", "ms",
        (double)(measure_now_ns() - begun) / 1e6, 0);
    team_ask(&team, 0, "keys 1000", NULL, 0);
    measure_nap_us(3000000);
    struct usage before = usage_of(&team);
    team_ask(&team, 0, "put 0 1000", span, 2);
    double taken = (double)(team_last(&team, "wait 1000") - span[0]);
    row(report, "1,000 puts on one, until all have them", "ms", taken / 1e6, 0);
    struct usage after = usage_of(&team);
    row(report, "CPU of all processes for that, a cell and peer", "us",
        (double)(after.cpu_us - before.cpu_us) / (double)(keys * (nodes - 1)), 0);
    tell_idle(report, &team, report->quick ? 4 : 20, 0);
    team_check(&team, keys, nodes - 1, keys);
    team_close(&team);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "bench/ends.h"
#include "bench/ends_team.h"

static void make_keys(struct team *team, size_t member, size_t count)
{
    char line[64];
    (void)snprintf(line, sizeof line, "keys %zu", count);
    team_ask(team, member, line, NULL, 0);
}

static void put(struct team *team, size_t member, size_t first, size_t count)
{
    char line[64];
    uint64_t span[2];
    (void)snprintf(line, sizeof line, "put %zu %zu", first, count);
    team_ask(team, member, line, span, 2);
}

static uint64_t wait_all(struct team *team, const char *what, size_t count)
{
    char line[64];
    (void)snprintf(line, sizeof line, "%s %zu", what, count);
    return team_last(team, line);
}

/* ---- a split of three ----------------------------------------------------------------------- */

static void cut_off(struct team *team)
{
    team_ask(team, 0, "cut n1", NULL, 0);
    team_ask(team, 0, "cut n2", NULL, 0);
    team_ask(team, 1, "cut n0", NULL, 0);
    team_ask(team, 2, "cut n0", NULL, 0);
    team_tell(team, 0, "peers 0");
    team_tell(team, 1, "peers 1");
    team_tell(team, 2, "peers 1");
    for (size_t i = 0; i < 3; i++) {
        uint64_t when;
        team_answer(team, i, &when, 1);
    }
}

/* Until all have all: from the heal, and from when node 0 has both peers again. */
static void run_split(struct measure_samples *heal, struct measure_samples *link, size_t keys)
{
    struct team team;
    uint64_t met;
    team_open(&team, 3);
    make_keys(&team, 0, 2 * keys);
    make_keys(&team, 1, 2 * keys);
    cut_off(&team);
    put(&team, 0, 0, keys);
    put(&team, 1, keys, keys);
    uint64_t begun = measure_now_ns();
    for (size_t i = 0; i < 3; i++)
        team_ask(&team, i, "heal", NULL, 0);
    team_ask(&team, 0, "peers 2", &met, 1);
    uint64_t last = wait_all(&team, "wait", 2 * keys);
    measure_sample(heal, (double)(last - begun) / 1e6);
    measure_sample(link, last > met ? (double)(last - met) / 1e6 : 0);
    team_check(&team, 2 * keys, 2, 2 * keys);
    team_close(&team);
}

/* ---- nodes that come ------------------------------------------------------------------------ */

static void run_join(struct measure_samples *ms, size_t keys, size_t newcomers)
{
    struct team team = {.count = 0};
    (void)team_add(&team, NULL, "");
    make_keys(&team, 0, keys);
    put(&team, 0, 0, keys);
    uint64_t begun = measure_now_ns();
    for (size_t i = 0; i < newcomers; i++)
        (void)team_add(&team, NULL, "");
    measure_sample(ms, (double)(wait_all(&team, "wait", keys) - begun) / 1e6);
    team_check(&team, keys, newcomers, keys);
    team_close(&team);
}

/* One that ended with a store comes back, and others have gone on. From its start, the reading of its store
 * included; from when it listens. */
static void run_missed(struct measure_samples *start, struct measure_samples *open, size_t keys)
{
    struct team team;
    static const char store[] = "store"; /* in the group's own directory */
    uint64_t held = 0;
    ends_forget(store);
    team_open(&team, 2);
    make_keys(&team, 0, 2 * keys);
    size_t away = team_add(&team, "away", store);
    put(&team, 0, 0, keys);
    (void)wait_all(&team, "wait", keys);
    team_end(&team, away);
    put(&team, 0, keys, keys);
    (void)wait_all(&team, "wait", 2 * keys);
    size_t back = team_add(&team, "away", store);
    uint64_t listens = measure_now_ns();
    team_ask(&team, back, "records", &held, 1);
    measure_require(held >= keys, "what was stored is there");
    uint64_t last = wait_all(&team, "wait", 2 * keys);
    measure_sample(start, (double)(last - team.members[back].started_ns) / 1e6);
    measure_sample(open, last > listens ? (double)(last - listens) / 1e6 : 0);
    team_check(&team, 2 * keys, back, 2 * keys);
    team_close(&team);
}

/* ---- rows ----------------------------------------------------------------------------------- */

static void tell(struct report *report, const char *name, struct measure_samples *ms, double most)
{
    report_row(report,
               &(struct report_row){.name = name, .unit = "ms", .samples = ms, .most = most});
    measure_samples_free(ms);
}

static int repeats(const struct report *report)
{
    return report->quick ? 1 : 5;
}

void ends_split(struct report *report)
{
    struct measure_samples heal = {0}, link = {0};
    if (!report_wants(report, "ends-split", "three processes; the links' time-out is 1 s"))
        return;
    for (int i = 0; i < repeats(report); i++)
        run_split(&heal, &link, 5000);
    tell(report, "5,000 + 5,000, from the heal", &heal, 0);
    tell(report, "… from when node 0 has both peers", &link, 20);
}

void ends_join(struct report *report)
{
    struct measure_samples one = {0}, two = {0};
    if (!report_wants(report, "ends-join", "empty processes, from their start"))
        return;
    for (int i = 0; i < repeats(report); i++) {
        run_join(&one, 100000, 1);
        run_join(&two, 100000, 2);
    }
    tell(report, "10^5 into one", &one, 300);
    tell(report, "10^5 into two", &two, 300);
}

void ends_million(struct report *report)
{
    struct measure_samples million = {0};
    if (report->quick || !report_wants(report, "ends-million", "an empty process, from its start"))
        return;
    for (int i = 0; i < (repeats(report) + 1) / 2; i++)
        run_join(&million, 1000000, 1);
    tell(report, "10^6 into one", &million, 2500);
}

void ends_missed(struct report *report)
{
    struct measure_samples start = {0}, open = {0};
    if (!report_wants(report, "ends-missed", "a process that ended with a store comes back to two"))
        return;
    for (int i = 0; i < repeats(report); i++)
        run_missed(&start, &open, 100000);
    tell(report, "10^5 operations missed, from its start", &start, 0);
    tell(report, "… from when it listens", &open, 0);
}

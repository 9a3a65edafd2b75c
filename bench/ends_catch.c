/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE 1 /* nftw */
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

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

static int forget_file(const char *path, const struct stat *status, int type, struct FTW *at)
{
    (void)status, (void)type, (void)at;
    return remove(path);
}

/* One that ended with a store comes back, and others have gone on. From its start, the reading of its store
 * included; from when it listens. */
static void run_missed(struct measure_samples *start, struct measure_samples *open, size_t keys)
{
    struct team team;
    char store[] = "/tmp/holm-ends-XXXXXX";
    uint64_t held = 0;
    measure_require(mkdtemp(store) != NULL, "a directory for a store");
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
    measure_require(nftw(store, forget_file, 8, FTW_DEPTH | FTW_PHYS) == 0, "a store goes");
}

/* ---- rows ----------------------------------------------------------------------------------- */

static void tell(struct report *report, const char *name, struct measure_samples *ms, double most)
{
    report_row(report,
               &(struct report_row){.name = name, .unit = "ms", .samples = ms, .most = most});
    measure_samples_free(ms);
}

static void tell_joins(struct report *report, int repeats)
{
    struct measure_samples one = {0}, two = {0}, million = {0};
    for (int i = 0; i < repeats; i++) {
        run_join(&one, 100000, 1);
        run_join(&two, 100000, 2);
    }
    for (int i = 0; i < (repeats + 1) / 2 && !report->quick; i++)
        run_join(&million, 1000000, 1);
    tell(report, "10^5 into one process, from its start", &one, 300);
    tell(report, "10^5 into two", &two, 300);
    if (million.count > 0)
        tell(report, "10^6 into one", &million, 2500);
}

void ends_catch(struct report *report)
{
    if (!report_wants(report, "ends-catch", "three processes; the links' time-out is 1 s"))
        return;
    struct measure_samples heal = {0}, link = {0}, start = {0}, open = {0};
    int repeats = report->quick ? 1 : 5;
    for (int i = 0; i < repeats; i++) {
        run_split(&heal, &link, 5000);
        run_missed(&start, &open, 100000);
    }
    tell(report, "5,000 + 5,000, from the heal", &heal, 0);
    tell(report, "… from when node 0 has both peers", &link, 20);
    tell_joins(report, repeats);
    tell(report, "back from its store, 10^5 operations missed, from its start", &start, 0);
    tell(report, "… from when it listens", &open, 0);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/fleet.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/fleet_parts.h"
#include "bench/measure.h"

#define FORM_NS UINT64_C(60000000000)
#define BOUND_NS UINT64_C(60000000000)

/* ---- time ----------------------------------------------------------------------------------- */

static uint64_t equal_share(const struct fleet *fleet)
{
    uint32_t most = 0;
    HOLM_ASSERT(fleet->trial->nodes > 0);
    for (uint32_t i = 0; i < fleet->count; i++) {
        uint32_t group = 0;
        for (uint32_t j = 0; j < fleet->count; j++) {
            const struct ship *a = &fleet->ships[i], *b = &fleet->ships[j];
            group += a->alive && b->alive && a->vector_hash == b->vector_hash &&
                     a->digest == b->digest;
        }
        most = group > most ? group : most;
    }
    return (uint64_t)most * 1000 / fleet->trial->nodes;
}

static void read_ships(struct fleet *fleet, int timeout_ms)
{
    struct pollfd ready[TRIAL_NODES_MAX];
    for (uint32_t i = 0; i < fleet->count; i++) {
        struct ship *ship = &fleet->ships[i];
        ready[i] = (struct pollfd){.fd = ship->alive ? ship->process.journal_fd : -1,
                                   .events = POLLIN};
        if (ship->alive)
            holm_process_flush(&ship->process);
    }
    (void)poll(ready, fleet->count, timeout_ms);
    for (uint32_t i = 0; i < fleet->count; i++) {
        struct ship *ship = &fleet->ships[i];
        fleet->reading = ship;
        if (ready[i].revents == 0 || holm_process_read(&ship->process, fleet_take_line, fleet))
            continue;
        trial_fail(fleet->trial, true, "process %s ended by itself", ship->name);
        fleet_reap(fleet, ship);
    }
}

/* Until `done`, if it is not NULL, or the time. */
static bool pump(struct fleet *fleet, uint64_t until_ns, bool (*done)(const struct fleet *fleet))
{
    while (!fleet->failed && !fleet->trial->failed) {
        uint64_t now_ns = measure_now_ns();
        if (fleet->begin_ns > 0 && now_ns >= fleet->sample_ns) {
            holm_bench_curve_add(&fleet->figures->equal, fleet->scenario,
                                 fleet_curve_us(fleet, fleet->sample_ns), equal_share(fleet));
            fleet->sample_ns += UINT64_C(1000) * HOLM_BENCH_STEP_US;
        }
        if (done != NULL && done(fleet))
            return true;
        if (now_ns >= until_ns)
            return false;
        read_ships(fleet, 1);
    }
    return false;
}

/* ---- the story ------------------------------------------------------------------------------ */

static bool are_equal(const struct fleet *fleet)
{
    const struct ship *first = NULL;
    for (uint32_t i = 0; i < fleet->count; i++) {
        const struct ship *ship = &fleet->ships[i];
        if (!ship->alive)
            continue;
        if (first == NULL)
            first = ship;
        if (ship->since_ns == 0 || ship->vector_hash != first->vector_hash ||
            ship->digest != first->digest || (fleet->zero_ns > 0 && !ship->stopped))
            return false;
    }
    return first != NULL;
}

static bool are_formed(const struct fleet *fleet)
{
    uint32_t living = 0;
    for (uint32_t i = 0; i < fleet->count; i++)
        living += fleet->ships[i].alive;
    for (uint32_t i = 0; i < fleet->count; i++)
        if (fleet->ships[i].alive && fleet->ships[i].peers + 1 != living)
            return false;
    return are_equal(fleet);
}

static bool have_addresses(const struct fleet *fleet)
{
    for (uint32_t i = 0; i < fleet->count; i++)
        if (fleet->ships[i].alive && fleet->ships[i].address[0] == '\0')
            return false;
    return true;
}

static bool have_reported(const struct fleet *fleet)
{
    for (uint32_t i = 0; i < fleet->count; i++)
        if (fleet->ships[i].alive && !fleet->ships[i].reported)
            return false;
    return true;
}

static bool is_loaded(const struct fleet *fleet)
{
    return fleet->ships[0].stopped && are_equal(fleet);
}

static bool form(struct fleet *fleet)
{
    const struct holm_bench_scenario *scenario = fleet->scenario;
    uint32_t present = fleet->trial->nodes - (scenario->fault == HOLM_BENCH_JOIN);
    for (uint32_t i = 0; i < present && !fleet->failed; i++) {
        fleet_start(fleet, i);
        (void)pump(fleet, measure_now_ns() + FORM_NS, have_addresses);
    }
    bool formed = pump(fleet, measure_now_ns() + FORM_NS, are_formed);
    if (formed && scenario->records > 0) {
        fleet_tell(fleet, &fleet->ships[0], "load %" PRIu32, scenario->records);
        fleet_tell(fleet, &fleet->ships[0], "stop 0");
        formed = pump(fleet, measure_now_ns() + FORM_NS, is_loaded);
    }
    if (!formed && !fleet->failed)
        trial_fail(fleet->trial, true, "the processes were not ready and equal within a minute");
    return formed;
}

static void play(struct fleet *fleet)
{
    struct trial *trial = fleet->trial;
    fleet_tell_all(fleet, "mark");
    uint64_t pause_ns = 1000 * holm_random_between(&trial->random, 200000, 1200000);
    (void)pump(fleet, measure_now_ns() + pause_ns, NULL);
    fleet->begin_ns = fleet->sample_ns = measure_now_ns();
    fleet->counting = true;
    fleet_expect_all(fleet);
    for (uint32_t i = 0; i < fleet->count && fleet->scenario->calm_us > 0; i++)
        fleet_tell(fleet, &fleet->ships[i], "write %d", HOLM_BENCH_WRITE_EVERY_US);
    for (size_t i = 0; i < trial->act_count; i++) {
        (void)pump(fleet, fleet->begin_ns + 1000 * trial->acts[i].at_us, NULL);
        if (!trial->failed && !fleet->failed)
            fleet_act(fleet, &trial->acts[i]);
    }
    if (!pump(fleet, fleet->zero_ns + BOUND_NS, are_equal)) {
        trial_fail(trial, true, "replicas are not equal %d s after the heal",
                   (int)(BOUND_NS / 1000000000));
        return;
    }
    uint64_t last_ns = fleet->zero_ns;
    for (uint32_t i = 0; i < fleet->count; i++)
        if (fleet->ships[i].alive && fleet->ships[i].since_ns > last_ns)
            last_ns = fleet->ships[i].since_ns;
    holm_bench_sample(&fleet->figures->convergence, (last_ns - fleet->zero_ns) / 1000);
    (void)pump(fleet, fleet->zero_ns + UINT64_C(1000) * HOLM_BENCH_AFTER_US, NULL);
}

static void add_traffic(struct holm_bench_figures *figures, const struct ship *ship)
{
    figures->traffic.operations += ship->figures[HOLM_ISLAND_OPERATIONS];
    figures->traffic.changes += ship->figures[HOLM_ISLAND_CHANGES];
    figures->traffic.bytes += ship->figures[HOLM_ISLAND_RECEIVED];
    figures->traffic.runs += ship->figures[HOLM_ISLAND_RUNS];
    figures->traffic.redundant_runs += ship->figures[HOLM_ISLAND_AGAIN];
    figures->pulls += ship->figures[HOLM_ISLAND_PULLS];
    figures->syncs += ship->figures[HOLM_ISLAND_SYNCS];
}

/* What it shows must be what was written, and what the first one shows. */
static void check(struct fleet *fleet, struct ship *ship, const struct ship *first)
{
    struct trial *trial = fleet->trial;
    char why[120];
    uint64_t lost;
    if (ship->figures[HOLM_ISLAND_BREACHES] > 0)
        trial_fail(trial, false, "%s met equal vectors with unequal digests", ship->name);
    if (ship->figures[HOLM_ISLAND_LOADED] != fleet->scenario->records)
        trial_fail(trial, false, "%s has %" PRIu64 " of %" PRIu32 " loaded records as they were",
                   ship->name, ship->figures[HOLM_ISLAND_LOADED], fleet->scenario->records);
    if (!holm_bench_ledger_check(&fleet->ledger, &ship->shown, why, sizeof why, &lost))
        trial_fail(trial, false, "%s: %s", ship->name, why);
    if (ship == first)
        fleet->figures->lost += lost;
    if (ship->figures[HOLM_ISLAND_CONTENT] != first->figures[HOLM_ISLAND_CONTENT] ||
        ship->figures[HOLM_ISLAND_RECORDS] != first->figures[HOLM_ISLAND_RECORDS])
        trial_fail(trial, false, "%s and %s do not show the same", first->name, ship->name);
}

static void sum_up(struct fleet *fleet)
{
    struct holm_bench_figures *figures = fleet->figures;
    const struct ship *first = NULL;
    fleet_tell_all(fleet, "report");
    if (!pump(fleet, measure_now_ns() + FORM_NS, have_reported)) {
        trial_fail(fleet->trial, true, "a process did not say what it has within a minute");
        return;
    }
    for (uint32_t i = 0; i < fleet->count; i++) {
        struct ship *ship = &fleet->ships[i];
        if (!ship->alive)
            continue;
        first = first == NULL ? ship : first;
        add_traffic(figures, ship);
        check(fleet, ship, first);
    }
    if (first == NULL)
        return;
    figures->state_bytes += first->figures[HOLM_ISLAND_STATE_BYTES];
    figures->user_bytes += first->figures[HOLM_ISLAND_USER_BYTES];
    figures->records += first->figures[HOLM_ISLAND_RECORDS];
}

/* What processes have said is worth knowing when something failed. */
static void show_errors(const struct fleet *fleet, bool all)
{
    char line[512];
    FILE *file = all ? fopen(fleet->errors, "re") : NULL;
    while (file != NULL && fgets(line, sizeof line, file) != NULL)
        (void)fprintf(stderr, "  %s", line);
    if (file != NULL)
        (void)fclose(file);
    (void)unlink(fleet->errors);
}

static bool open_errors(struct fleet *fleet)
{
    (void)snprintf(fleet->errors, sizeof fleet->errors, "/tmp/holm-bench-XXXXXX");
    int fd = mkstemp(fleet->errors);
    fleet->failed = fd < 0 || close(fd) != 0;
    if (fleet->failed)
        (void)fprintf(stderr, "holm bench: cannot write to /tmp: %s\n", strerror(errno));
    return !fleet->failed;
}

static bool open_disks(struct fleet *fleet)
{
    if (fleet->scenario->fault != HOLM_BENCH_CRASH)
        return true;
    (void)snprintf(fleet->disks, sizeof fleet->disks, "/tmp/holm-disks-XXXXXX");
    fleet->failed = mkdtemp(fleet->disks) == NULL;
    if (fleet->failed)
        (void)fprintf(stderr, "holm bench: cannot write to /tmp: %s\n", strerror(errno));
    return !fleet->failed;
}

/* A store is a directory of these files. */
static void remove_disks(const struct fleet *fleet)
{
    static const char *const names[] = {"data.mdb", "lock.mdb", "holm.lock"};
    char path[96];
    for (uint32_t i = 0; fleet->disks[0] != '\0' && i < fleet->count; i++) {
        for (size_t k = 0; k < sizeof names / sizeof names[0]; k++) {
            (void)snprintf(path, sizeof path, "%s/n%" PRIu32 "/%s", fleet->disks, i, names[k]);
            (void)unlink(path);
        }
        (void)snprintf(path, sizeof path, "%s/n%" PRIu32, fleet->disks, i);
        (void)rmdir(path);
    }
    if (fleet->disks[0] != '\0')
        (void)rmdir(fleet->disks);
}

bool holm_bench_fleet_run(const struct holm_bench_scenario *scenario, uint32_t nodes, uint64_t seed,
                          struct holm_bench_figures *figures)
{
    struct fleet *fleet = calloc(1, sizeof *fleet);
    struct trial *trial = calloc(1, sizeof *trial);
    uint64_t begun_ns = measure_now_ns();
    measure_require(fleet != NULL && trial != NULL, "there is memory");
    (void)signal(SIGPIPE, SIG_IGN);
    trial->scenario = scenario;
    trial->seed = seed;
    trial->nodes = nodes;
    trial->random.state = seed;
    trial->heal_us = scenario->calm_us + scenario->fault_us;
    trial_acts_draw(trial);
    *fleet = (struct fleet){.trial = trial, .figures = figures, .scenario = scenario};
    holm_bench_ledger_init(&fleet->ledger, HOLM_BENCH_PARTITIONS);
    if (open_errors(fleet) && open_disks(fleet) && form(fleet))
        play(fleet);
    if (!trial->failed && !fleet->failed)
        sum_up(fleet);
    for (uint32_t i = 0; i < fleet->count; i++)
        fleet_end(fleet, &fleet->ships[i], !trial->failed && !fleet->failed);
    figures->repetitions++;
    figures->wall_us += (measure_now_ns() - begun_ns) / 1000;
    if (trial->failed)
        holm_bench_failed(figures, &trial->failure);
    bool good = !fleet->failed;
    show_errors(fleet, trial->failed || fleet->failed);
    remove_disks(fleet);
    for (uint32_t i = 0; i < fleet->count; i++)
        holm_bench_shown_release(&fleet->ships[i].shown);
    holm_bench_ledger_release(&fleet->ledger);
    free(trial);
    free(fleet);
    return good;
}

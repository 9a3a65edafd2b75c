/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/fleet.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/island.h"
#include "bench/ledger.h"
#include "bench/measure.h"
#include "bench/trial_parts.h"
#include "bench/words.h"
#include "sim/city/process.h"

#define FORM_NS UINT64_C(60000000000)
#define BOUND_NS UINT64_C(60000000000)
#define LOSS_PERMILLE 100

struct ship {
    struct holm_process process;
    char name[16], address[128];
    bool alive, stopped, reported;
    uint64_t peers, vector_hash, digest, since_ns;
    uint64_t figures[HOLM_ISLAND_FIGURES];
    struct holm_bench_shown shown; /* reported */
};

struct fleet {
    struct trial *trial; /* for what is drawn: acts, and parts of a split */
    struct holm_bench_figures *figures;
    const struct holm_bench_scenario *scenario;
    struct ship ships[TRIAL_NODES_MAX];
    uint32_t count; /* that were ever started */
    struct ship *reading;
    uint64_t begin_ns, zero_ns, sample_ns;
    bool counting, failed;
    struct holm_bench_ledger ledger;
    char errors[32]; /* a file: what the processes say on stderr */
};

/* ---- lines ---------------------------------------------------------------------------------- */

static void tell(struct fleet *fleet, struct ship *ship, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void tell(struct fleet *fleet, struct ship *ship, const char *format, ...)
{
    char line[256];
    va_list arguments;
    (void)fleet;
    if (!ship->alive)
        return;
    va_start(arguments, format);
    (void)vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    measure_must(holm_process_send(&ship->process, line), "telling a process");
}

static void tell_all(struct fleet *fleet, const char *line)
{
    for (uint32_t i = 0; i < fleet->count; i++)
        tell(fleet, &fleet->ships[i], "%s", line);
}

static void take_stale(struct fleet *fleet, struct holm_bench_words *words)
{
    while (!words->bad && !holm_bench_words_end(words)) {
        uint64_t us = holm_bench_words_u64(words);
        if (fleet->counting)
            holm_bench_sample(&fleet->figures->staleness, us);
    }
}

static void take_report(struct ship *ship, struct holm_bench_words *words)
{
    for (size_t i = 0; i < HOLM_ISLAND_FIGURES; i++)
        ship->figures[i] = holm_bench_words_u64(words);
    ship->reported = true;
}

static void take_state(struct ship *ship, struct holm_bench_words *words)
{
    ship->vector_hash = holm_bench_words_u64(words);
    ship->digest = holm_bench_words_u64(words);
    ship->since_ns = holm_bench_words_u64(words);
}

static void take_self(struct fleet *fleet, struct ship *ship, struct holm_bench_words *words)
{
    struct holm_actor self;
    self.node.value = holm_bench_words_u64(words);
    self.epoch.value = holm_bench_words_u64(words);
    holm_bench_words_text(words, ship->address, sizeof ship->address);
    holm_bench_ledger_begin(&fleet->ledger, (uint32_t)(ship - fleet->ships), self);
}

static void take_write(struct fleet *fleet, const struct ship *ship, struct holm_bench_words *words)
{
    char key[HOLM_BENCH_LEDGER_KEY_BYTES];
    holm_bench_words_text(words, key, sizeof key);
    int64_t amount = holm_bench_words_i64(words), value = holm_bench_words_i64(words);
    holm_bench_ledger_intend(&fleet->ledger, (uint32_t)(ship - fleet->ships), key, amount, value);
}

/* Of a write that is done, or of the vector in the end. */
static void take_dot(struct fleet *fleet, struct ship *ship, char verb,
                     struct holm_bench_words *words)
{
    struct holm_dot dot;
    uint32_t node = (uint32_t)(ship - fleet->ships);
    uint32_t partition = (uint32_t)holm_bench_words_u64(words);
    dot.actor.node.value = holm_bench_words_u64(words);
    dot.actor.epoch.value = holm_bench_words_u64(words);
    dot.seq = holm_bench_words_u64(words);
    if (verb == 'C')
        holm_bench_shown_cover(&ship->shown, partition, dot);
    else if (!holm_bench_ledger_took(&fleet->ledger, node, partition, dot))
        trial_fail(fleet->trial, false, "%s wrote a dot that is not its next", ship->name);
}

static void take_key(struct ship *ship, struct holm_bench_words *words)
{
    struct holm_bench_shown_key key;
    holm_bench_words_text(words, key.key, sizeof key.key);
    key.put = holm_bench_words_u64(words) != 0;
    key.value = holm_bench_words_i64(words);
    key.added = holm_bench_words_u64(words) != 0;
    key.sum = holm_bench_words_i64(words);
    holm_bench_shown_key(&ship->shown, &key);
}

static int64_t curve_us(const struct fleet *fleet, uint64_t ns)
{
    uint64_t heal_ns = fleet->begin_ns +
                       1000 * (fleet->scenario->calm_us + fleet->scenario->fault_us);
    return ((int64_t)ns - (int64_t)heal_ns) / 1000;
}

static void take_bytes(struct fleet *fleet, uint64_t bytes)
{
    if (fleet->begin_ns > 0)
        holm_bench_curve_add(&fleet->figures->bytes, fleet->scenario,
                             curve_us(fleet, measure_now_ns()), bytes);
}

static void take_line(void *context, const char *line, size_t size)
{
    struct fleet *fleet = context;
    struct ship *ship = fleet->reading;
    char text[4096], verb[2];
    (void)snprintf(text, sizeof text, "%.*s", (int)(size > 0 ? size - 1 : 0), line);
    struct holm_bench_words words = holm_bench_words_of(text);
    holm_bench_words_text(&words, verb, sizeof verb);
    switch (verb[0]) {
    case 'A':
        take_self(fleet, ship, &words);
        break;
    case 'P':
        ship->peers = holm_bench_words_u64(&words);
        break;
    case 'V':
        take_state(ship, &words);
        break;
    case 'S':
        take_stale(fleet, &words);
        break;
    case 'B':
        take_bytes(fleet, holm_bench_words_u64(&words));
        break;
    case 'E':
        ship->stopped = true;
        break;
    case 'W':
        take_write(fleet, ship, &words);
        break;
    case 'T':
    case 'C':
        take_dot(fleet, ship, verb[0], &words);
        break;
    case 'K':
        take_key(ship, &words);
        break;
    case 'R':
        take_report(ship, &words);
        break;
    default:
        words.bad = true;
    }
    if (!holm_bench_words_end(&words))
        trial_fail(fleet->trial, false, "%s said '%.40s'", ship->name, text);
}

/* ---- lives ---------------------------------------------------------------------------------- */

/* The end of a process that was told to end, or made to. */
static void reap(struct fleet *fleet, struct ship *ship)
{
    struct rusage usage;
    int status;
    while (wait4(ship->process.pid, &status, 0, &usage) < 0 && errno == EINTR)
        continue;
    uint64_t cpu_us = (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000 +
                      (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
    uint64_t memory = (uint64_t)usage.ru_maxrss * 1024;
    fleet->figures->cpu_us += cpu_us;
    if (memory > fleet->figures->memory_max)
        fleet->figures->memory_max = memory;
    holm_process_close(&ship->process);
    holm_process_init(&ship->process);
    holm_bench_ledger_end(&fleet->ledger, (uint32_t)(ship - fleet->ships));
    ship->alive = false;
}

static void start(struct fleet *fleet, uint32_t node)
{
    struct ship *ship = &fleet->ships[node];
    char program[] = "holm", word[] = "bench-node", dice[24], seeds[4096] = "";
    for (uint32_t i = 0; i < fleet->count; i++) {
        size_t used = strlen(seeds);
        if (i != node && fleet->ships[i].alive && fleet->ships[i].address[0] != '\0')
            (void)snprintf(seeds + used, sizeof seeds - used, "%s%s", used == 0 ? "" : ",",
                           fleet->ships[i].address);
    }
    while (fleet->count <= node)
        holm_process_init(&fleet->ships[fleet->count++].process);
    *ship = (struct ship){.process = ship->process};
    (void)snprintf(ship->name, sizeof ship->name, "n%" PRIu32, node);
    (void)snprintf(dice, sizeof dice, "%" PRIu64, fleet->trial->seed * 1000 + node);
    char *const argv[] = {program, word, ship->name, seeds, dice, NULL};
    if (holm_process_spawn(&ship->process, "/proc/self/exe", argv, fleet->errors) != HOLM_OK) {
        (void)fprintf(stderr, "holm bench: cannot start a process: %s\n", strerror(errno));
        fleet->failed = true;
        return;
    }
    ship->alive = true;
    /* In the midst of the story it is of it at once: all that is written from now on. */
    uint64_t now_ns = measure_now_ns();
    for (uint32_t i = 0; i < fleet->count && fleet->begin_ns > 0; i++) {
        tell(fleet, ship, "since n%" PRIu32 " %" PRIu64, i, now_ns);
        tell(fleet, &fleet->ships[i], "since %s %" PRIu64, ship->name, now_ns);
    }
}

static void end(struct fleet *fleet, struct ship *ship, bool kindly)
{
    if (!ship->alive)
        return;
    if (kindly) {
        tell(fleet, ship, "quit");
        while (holm_process_waiting(&ship->process))
            holm_process_flush(&ship->process);
    } else {
        (void)kill(ship->process.pid, SIGKILL);
    }
    /* Of one that was killed, what it had said before is still in the pipe. */
    fleet->reading = ship;
    while (holm_process_read(&ship->process, take_line, fleet)) {
        struct pollfd ready = {.fd = ship->process.journal_fd, .events = POLLIN};
        (void)poll(&ready, 1, 1000);
    }
    reap(fleet, ship);
}

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
        if (ready[i].revents == 0 || holm_process_read(&ship->process, take_line, fleet))
            continue;
        trial_fail(fleet->trial, true, "process %s ended by itself", ship->name);
        reap(fleet, ship);
    }
}

/* Until `done`, if it is not NULL, or the time. */
static bool pump(struct fleet *fleet, uint64_t until_ns, bool (*done)(const struct fleet *fleet))
{
    while (!fleet->failed && !fleet->trial->failed) {
        uint64_t now_ns = measure_now_ns();
        if (fleet->begin_ns > 0 && now_ns >= fleet->sample_ns) {
            holm_bench_curve_add(&fleet->figures->equal, fleet->scenario, curve_us(fleet, now_ns),
                                 equal_share(fleet));
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

/* ---- faults --------------------------------------------------------------------------------- */

static void drop(struct fleet *fleet, uint32_t at, uint32_t other, int way, uint32_t permille)
{
    tell(fleet, &fleet->ships[at], "drop n%" PRIu32 " %d %" PRIu32, other, way, permille);
}

static void expect(struct fleet *fleet, uint32_t a, uint32_t b, uint64_t since_ns)
{
    tell(fleet, &fleet->ships[a], "since n%" PRIu32 " %" PRIu64, b, since_ns);
    tell(fleet, &fleet->ships[b], "since n%" PRIu32 " %" PRIu64, a, since_ns);
}

static void cut(struct fleet *fleet, const struct trial_act *act)
{
    for (uint32_t i = 0; i < fleet->trial->nodes; i++)
        for (uint32_t j = 0; j < i; j++) {
            bool apart = act->verb == TRIAL_SPLIT
                             ? fleet->trial->node[i].part != fleet->trial->node[j].part
                             : i == act->node || j == act->node;
            if (!apart)
                continue;
            drop(fleet, i, j, 3, 1000);
            drop(fleet, j, i, 3, 1000);
            /* Who flaps is there all the while to whoever reads it. */
            if (act->verb == TRIAL_SPLIT)
                expect(fleet, i, j, 0);
        }
}

static void expect_all(struct fleet *fleet)
{
    uint64_t now_ns = measure_now_ns();
    for (uint32_t i = 0; i < fleet->count; i++)
        for (uint32_t j = 0; j < i; j++)
            expect(fleet, i, j, now_ns);
}

static void lose(struct fleet *fleet)
{
    for (uint32_t i = 0; i < fleet->trial->nodes; i++)
        for (uint32_t j = 0; j < fleet->trial->nodes; j++)
            if (i != j)
                drop(fleet, i, j, 2, LOSS_PERMILLE);
}

static void stop_all(struct fleet *fleet)
{
    fleet->zero_ns = measure_now_ns();
    for (uint32_t i = 0; i < fleet->count; i++)
        fleet->ships[i].stopped = false;
    tell_all(fleet, fleet->scenario->fault == HOLM_BENCH_JOIN ? "stop 0" : "stop 1");
}

static void act(struct fleet *fleet, const struct trial_act *act)
{
    switch (act->verb) {
    case TRIAL_SPLIT:
    case TRIAL_ISOLATE:
        cut(fleet, act);
        break;
    case TRIAL_MEND:
        tell_all(fleet, "heal");
        if (fleet->scenario->fault == HOLM_BENCH_SPLIT)
            expect_all(fleet);
        break;
    case TRIAL_DEAF:
        drop(fleet, act->node, act->other, 1, 1000);
        drop(fleet, act->other, act->node, 2, 1000);
        break;
    case TRIAL_LOSE:
        lose(fleet);
        break;
    case TRIAL_LEAVE:
    case TRIAL_CRASH:
    case TRIAL_BOMB:
        end(fleet, &fleet->ships[act->node], act->verb == TRIAL_LEAVE);
        break;
    case TRIAL_START:
        start(fleet, act->node);
        if (fleet->scenario->fault == HOLM_BENCH_CHURN)
            tell(fleet, &fleet->ships[act->node], "write %d", HOLM_BENCH_WRITE_EVERY_US);
        break;
    case TRIAL_END:
        stop_all(fleet);
        break;
    }
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
        start(fleet, i);
        (void)pump(fleet, measure_now_ns() + FORM_NS, have_addresses);
    }
    bool formed = pump(fleet, measure_now_ns() + FORM_NS, are_formed);
    if (formed && scenario->records > 0) {
        tell(fleet, &fleet->ships[0], "load %" PRIu32, scenario->records);
        tell(fleet, &fleet->ships[0], "stop 0");
        formed = pump(fleet, measure_now_ns() + FORM_NS, is_loaded);
    }
    if (!formed && !fleet->failed)
        trial_fail(fleet->trial, true, "the processes were not ready and equal within a minute");
    return formed;
}

static void play(struct fleet *fleet)
{
    struct trial *trial = fleet->trial;
    tell_all(fleet, "mark");
    uint64_t pause_ns = 1000 * holm_random_between(&trial->random, 200000, 1200000);
    (void)pump(fleet, measure_now_ns() + pause_ns, NULL);
    fleet->begin_ns = fleet->sample_ns = measure_now_ns();
    fleet->counting = true;
    expect_all(fleet);
    for (uint32_t i = 0; i < fleet->count && fleet->scenario->calm_us > 0; i++)
        tell(fleet, &fleet->ships[i], "write %d", HOLM_BENCH_WRITE_EVERY_US);
    for (size_t i = 0; i < trial->act_count; i++) {
        (void)pump(fleet, fleet->begin_ns + 1000 * trial->acts[i].at_us, NULL);
        if (!trial->failed && !fleet->failed)
            act(fleet, &trial->acts[i]);
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
    tell_all(fleet, "report");
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
    if (open_errors(fleet) && form(fleet))
        play(fleet);
    if (!trial->failed && !fleet->failed)
        sum_up(fleet);
    for (uint32_t i = 0; i < fleet->count; i++)
        end(fleet, &fleet->ships[i], !trial->failed && !fleet->failed);
    figures->repetitions++;
    figures->wall_us += (measure_now_ns() - begun_ns) / 1000;
    if (trial->failed)
        holm_bench_failed(figures, &trial->failure);
    bool good = !fleet->failed;
    show_errors(fleet, trial->failed || fleet->failed);
    for (uint32_t i = 0; i < fleet->count; i++)
        holm_bench_shown_release(&fleet->ships[i].shown);
    holm_bench_ledger_release(&fleet->ledger);
    free(trial);
    free(fleet);
    return good;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/sim.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sim/city/actor.h"
#include "sim/city/dice.h"
#include "sim/city/heap.h"

bool holm_sim_is_living(const struct holm_sim_city *city)
{
    return city->state == HOLM_SIM_STARTING || city->state == HOLM_SIM_UP ||
           city->state == HOLM_SIM_FROZEN;
}

bool holm_sim_is_cut(const struct holm_sim *sim, uint32_t a, uint32_t b)
{
    return sim->side != 0 && ((sim->side >> a ^ sim->side >> b) & 1) != 0;
}

uint32_t holm_sim_living(const struct holm_sim *sim)
{
    uint32_t living = 0;
    for (uint32_t i = 0; i < sim->count; i++)
        living += holm_sim_is_living(&sim->cities[i]) ? 1 : 0;
    return living;
}

/* The addresses of all others that are known, with commas between. */
static void list_seeds(const struct holm_sim *sim, const struct holm_sim_city *city, char *text,
                       size_t size)
{
    size_t used = 0;
    text[0] = '\0';
    for (uint32_t i = 0; i < sim->count; i++) {
        const struct holm_sim_city *other = &sim->cities[i];
        if (other == city || other->address[0] == '\0')
            continue;
        int written = snprintf(text + used, size - used, "%s%s", used == 0 ? "" : ",",
                               other->address);
        if (written < 0 || (size_t)written >= size - used)
            break;
        used += (size_t)written;
    }
    text[used] = '\0';
}

static bool begin(struct holm_sim *sim, struct holm_sim_city *city)
{
    uint64_t index = (uint64_t)(city - sim->cities);
    char seeds[HOLM_STORY_CITIES_MAX * (HOLM_JOURNAL_ADDRESS_BYTES_MAX + 1)];
    list_seeds(sim, city, seeds, sizeof seeds);
    struct holm_sim_start start = {
        .seed = holm_dice_mix(sim->story.config.seed, index << 32 | city->lives),
        .beat_us = HOLM_CITY_BEAT_US / sim->story.config.speed,
        .seeds = seeds};
    return sim->ways->start(sim, city, &start);
}

/* What reachable others have seen now: when this life has it all, it is whole again. Who is alone
 * on its side of a split has nobody to become whole from. */
static void set_goal(struct holm_sim *sim, struct holm_sim_city *city)
{
    uint32_t self = (uint32_t)(city - sim->cities);
    struct holm_ledger_vector *goal = &city->goal;
    void *room = holm_heap_grow(goal->seqs, &goal->capacity, sizeof goal->seqs[0],
                                sim->ledger.place_count + 1);
    city->recovering = false;
    if (room == NULL)
        return;
    goal->seqs = room;
    goal->count = sim->ledger.place_count;
    for (size_t place = 0; place < goal->count; place++)
        goal->seqs[place] = 0;
    for (uint32_t i = 0; i < sim->count; i++) {
        const struct holm_sim_city *other = &sim->cities[i];
        if (i == self || !holm_sim_is_living(other) || holm_sim_is_cut(sim, self, i))
            continue;
        const struct holm_ledger_vector *seen = &sim->ledger.lives[other->life].seen;
        city->recovering = city->lives > 0;
        for (size_t place = 0; place < goal->count; place++) {
            if (goal->seqs[place] < holm_ledger_seq(seen, place))
                goal->seqs[place] = holm_ledger_seq(seen, place);
        }
    }
}

static void start(struct holm_sim *sim, struct holm_sim_city *city)
{
    uint32_t self = (uint32_t)(city - sim->cities);
    set_goal(sim, city);
    if (holm_ledger_begin(&sim->ledger, self, &city->life) != HOLM_OK) {
        holm_sim_fail(sim, "no memory for the ledger");
        return;
    }
    city->greeted = city->stopped = city->expected = city->deaf = false;
    city->rss.start_kib = 0;
    if (!begin(sim, city))
        return;
    city->state = HOLM_SIM_STARTING;
    city->lives++;
    for (uint32_t i = 0; i < sim->count; i++) {
        if (holm_sim_is_cut(sim, self, i))
            holm_sim_send_text(sim, city, HOLM_CONTROL_CUT, sim->cities[i].name);
    }
    holm_sim_send_hold(sim, city);
}

bool holm_sim_fleet_start(struct holm_sim *sim)
{
    for (uint32_t i = 0; i < sim->count; i++) {
        struct holm_sim_city *city = &sim->cities[i];
        holm_process_init(&city->process);
        city->name = holm_story_city(i);
    }
    for (uint32_t i = 0; i < sim->count && !sim->failed; i++)
        start(sim, &sim->cities[i]);
    return !sim->failed;
}

void holm_sim_fleet_bomb(struct holm_sim *sim, struct holm_sim_city *city)
{
    city->expected = true;
    city->bombs++;
    sim->bombs++;
    holm_sim_tell(sim, "a bomb on %s", city->name);
    sim->ways->kill(city);
}

/* The pipe outlives its writer: all lines that the dead have written are read first. */
static void bury_life(struct holm_sim *sim, struct holm_sim_city *city)
{
    while (holm_sim_fleet_read(sim, city))
        continue;
    sim->torn += sim->ways->bury(city);
    const struct holm_journal_report *last = &sim->ledger.lives[city->life].report;
    city->refused += last->refused;
    city->errors += last->errors;
    city->breaches += last->breaches;
    city->pulls += last->pulls;
    city->syncs += last->syncs;
    city->died_us = sim->now_us;
}

/* A death that nobody ordered: from outside, or of the city's own making. */
static void tell_death(struct holm_sim *sim, struct holm_sim_city *city, int status)
{
    if (city->expected)
        return;
    if (city->deaf) {
        city->deaf_deaths++;
        holm_sim_tell(sim, "%s was killed: it has not read for too long what it is told",
                      city->name);
        return;
    }
    if (WIFSIGNALED(status) && (WTERMSIG(status) == SIGKILL || WTERMSIG(status) == SIGTERM)) {
        city->killed++;
        holm_sim_tell(sim, "%s was killed from outside", city->name);
        return;
    }
    city->crashes++;
    if (WIFSIGNALED(status))
        holm_sim_tell(sim, "%s crashed: %s", city->name, strsignal(WTERMSIG(status)));
    else
        holm_sim_tell(sim, "%s ended by itself with status %d", city->name, WEXITSTATUS(status));
}

static void supervise(struct holm_sim *sim, struct holm_sim_city *city)
{
    if (holm_supervisor_died(&city->supervised, sim->now_us) == HOLM_SUPERVISOR_RESTART) {
        start(sim, city);
        return;
    }
    city->state = HOLM_SIM_GIVEN_UP;
    holm_sim_tell(sim, "%s is given up: it died again after %d restarts in %d s", city->name,
                  HOLM_SUPERVISOR_RESTARTS_MAX, HOLM_SUPERVISOR_WINDOW_US / 1000000);
}

static void handle_status(struct holm_sim *sim, struct holm_sim_city *city, int status)
{
    if (WIFSTOPPED(status)) {
        city->stopped = true;
        city->state = HOLM_SIM_FROZEN;
        holm_sim_tell(sim, "%s is frozen", city->name);
        return;
    }
    if (WIFCONTINUED(status)) {
        city->stopped = false;
        city->state = city->greeted ? HOLM_SIM_UP : HOLM_SIM_STARTING;
        holm_sim_tell(sim, "%s goes on", city->name);
        return;
    }
    bury_life(sim, city);
    /* A dump that was whole is as good as its city: asked to end, it may do so. */
    if (sim->phase >= HOLM_SIM_CLOSING) {
        city->state = HOLM_SIM_ENDED;
        if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
            city->expected = true;
        tell_death(sim, city, status);
        return;
    }
    holm_ledger_died(&sim->ledger, city->life);
    tell_death(sim, city, status);
    supervise(sim, city);
}

void holm_sim_fleet_reap(struct holm_sim *sim)
{
    int status;
    struct holm_sim_city *city;
    while ((city = sim->ways->reap(sim, &status)) != NULL)
        handle_status(sim, city, status);
}

void holm_sim_fleet_give_up(struct holm_sim *sim, struct holm_sim_city *city)
{
    sim->ways->kill(city);
    sim->ways->await_death(city);
    bury_life(sim, city);
    holm_ledger_died(&sim->ledger, city->life);
    city->supervised.given_up = true;
    city->state = HOLM_SIM_GIVEN_UP;
}

static uint64_t resident_kib(pid_t pid)
{
    char path[32];
    unsigned long long whole = 0;
    unsigned long long resident = 0;
    (void)snprintf(path, sizeof path, "/proc/%ld/statm", (long)pid);
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return 0;
    char text[64] = "";
    if (fgets(text, sizeof text, file) != NULL) {
        char *rest;
        whole = strtoull(text, &rest, 10);
        resident = whole == 0 ? 0 : strtoull(rest, NULL, 10);
    }
    (void)fclose(file);
    return resident * (uint64_t)sysconf(_SC_PAGESIZE) / 1024;
}

void holm_sim_fleet_sample(struct holm_sim *sim)
{
    for (uint32_t i = 0; i < sim->count; i++) {
        struct holm_sim_city *city = &sim->cities[i];
        bool is_process = city->process.pid != 0 && city->greeted && holm_sim_is_living(city);
        uint64_t kib = is_process ? resident_kib(city->process.pid) : 0;
        if (kib == 0)
            continue;
        city->rss.end_kib = kib;
        if (city->rss.middle_kib == 0 &&
            sim->story_us >= (uint64_t)sim->story.config.seconds * 500000)
            city->rss.middle_kib = kib;
        if (city->rss.start_kib == 0)
            city->rss.start_kib = kib;
        if (city->rss.peak_kib < kib)
            city->rss.peak_kib = kib;
    }
}

void holm_sim_fleet_end(struct holm_sim *sim)
{
    for (uint32_t i = 0; i < sim->count; i++) {
        struct holm_sim_city *city = &sim->cities[i];
        if (holm_sim_is_living(city)) {
            sim->ways->kill(city);
            sim->ways->await_death(city);
            city->state = HOLM_SIM_ENDED;
        }
        (void)sim->ways->bury(city);
        free(city->goal.seqs);
        city->goal = (struct holm_ledger_vector){0};
    }
}

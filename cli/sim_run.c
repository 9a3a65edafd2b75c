/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/sim.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "sim/city/heap.h"

#define SECOND_US UINT64_C(1000000)
#define GATHER_US (10 * SECOND_US)
#define CLOSE_US (3 * SECOND_US)
#define DUMP_US (5 * SECOND_US)
/* A parent that was stopped itself tells the story on from where it was. */
#define STORY_STEP_MAX_US (SECOND_US / 4)

static uint64_t monotonic_us(void)
{
    struct timespec time;
    (void)clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * SECOND_US + (uint64_t)time.tv_nsec / 1000;
}

static void enter(struct holm_sim *sim, enum holm_sim_phase phase)
{
    sim->phase = phase;
    sim->phase_us = sim->told_us = sim->now_us;
}

static uint64_t deadline_us(const struct holm_sim *sim)
{
    return sim->options->deadline_s * SECOND_US;
}

static bool is_reachable(const struct holm_sim_city *city)
{
    return holm_sim_is_living(city) && city->state != HOLM_SIM_FROZEN;
}

static const struct holm_ledger_life *life_of(const struct holm_sim *sim,
                                              const struct holm_sim_city *city)
{
    return &sim->ledger.lives[city->life];
}

/* All living, reachable cities have read the last hold, and report equal vectors and digests. */
static bool agree(const struct holm_sim *sim)
{
    const struct holm_ledger_life *first = NULL;
    for (uint32_t i = 0; i < sim->count; i++) {
        if (!is_reachable(&sim->cities[i]))
            continue;
        const struct holm_ledger_life *life = life_of(sim, &sim->cities[i]);
        if (life->reports == 0 || life->report.token != sim->token)
            return false;
        if (first == NULL)
            first = life;
        else if (life->report.digest != first->report.digest ||
                 !holm_ledger_equal(&life->seen, &first->seen))
            return false;
    }
    return first != NULL;
}

static bool have_gathered(const struct holm_sim *sim)
{
    uint64_t reachable = 0;
    for (uint32_t i = 0; i < sim->count; i++)
        reachable += is_reachable(&sim->cities[i]) ? 1 : 0;
    for (uint32_t i = 0; i < sim->count; i++) {
        if (is_reachable(&sim->cities[i]) &&
            life_of(sim, &sim->cities[i])->report.peers + 1 < reachable)
            return false;
    }
    return true;
}

/* The first city that can take it, from the one that was meant on. */
static struct holm_sim_city *choose(struct holm_sim *sim, uint32_t index)
{
    for (uint32_t i = 0; i < sim->count; i++) {
        struct holm_sim_city *city = &sim->cities[(index + i) % sim->count];
        if (city->state == HOLM_SIM_UP)
            return city;
    }
    return NULL;
}

static void send_letter(struct holm_sim *sim, struct holm_sim_city *city,
                        enum holm_letter_type type, uint32_t number)
{
    struct holm_control control = {.type = HOLM_CONTROL_LETTER, .letter.type = type};
    uint64_t seed = sim->story.config.seed;
    control.letter.hero = holm_story_hero(seed, number);
    holm_story_hero_name(seed, number, control.letter.name);
    holm_sim_send(sim, city, &control);
}

static void bear_heroes(struct holm_sim *sim)
{
    for (uint32_t i = 0; i < sim->story.config.heroes; i++) {
        struct holm_sim_city *city = choose(sim, sim->story.births[i]);
        if (city != NULL)
            send_letter(sim, city, HOLM_LETTER_CREATE, i);
    }
}

static void tell_split(struct holm_sim *sim)
{
    char sides[2][HOLM_SIM_EVENT_BYTES] = {"", ""};
    for (uint32_t i = 0; i < sim->count; i++) {
        char *side = sides[sim->side >> i & 1];
        size_t used = strlen(side);
        (void)snprintf(side + used, HOLM_SIM_EVENT_BYTES - used, "%s%s", used == 0 ? "" : ", ",
                       sim->cities[i].name);
    }
    holm_sim_tell(sim, "netsplit: %s | %s", sides[1], sides[0]);
}

static void split(struct holm_sim *sim, uint64_t side)
{
    void *room = holm_heap_grow(sim->split_fights, &sim->split_capacity,
                                sizeof sim->split_fights[0], sim->split_count + 1);
    if (room == NULL) {
        holm_sim_fail(sim, "no memory");
        return;
    }
    sim->split_fights = room;
    memset(sim->split_fights[sim->split_count++], 0, sizeof sim->split_fights[0]);
    sim->side = side;
    sim->splits++;
    tell_split(sim);
    for (uint32_t a = 0; a < sim->count; a++) {
        for (uint32_t b = 0; b < sim->count; b++) {
            struct holm_control control = {.type = HOLM_CONTROL_CUT};
            (void)snprintf(control.text, sizeof control.text, "%s", sim->cities[b].name);
            if (holm_sim_is_cut(sim, a, b))
                holm_sim_send(sim, &sim->cities[a], &control);
        }
    }
}

static void heal(struct holm_sim *sim)
{
    sim->side = 0;
    holm_sim_tell(sim, "the split is healed; the story holds its breath");
    holm_sim_send_all(sim, HOLM_CONTROL_HEAL);
    enter(sim, HOLM_SIM_HEALING);
    holm_sim_hold_all(sim, true);
}

static void bomb(struct holm_sim *sim, uint32_t index)
{
    struct holm_sim_city *city = choose(sim, index);
    if (city != NULL)
        holm_sim_fleet_bomb(sim, city);
    else
        holm_sim_tell(sim, "a bomb finds no city that is up");
}

static void delete_hero(struct holm_sim *sim, struct holm_sim_city *city, uint32_t number)
{
    struct holm_sim_who *who = holm_sim_find_hero(sim,
                                                  holm_story_hero(sim->story.config.seed, number));
    if (who != NULL)
        who->deleted = true;
    sim->deletes++;
    send_letter(sim, city, HOLM_LETTER_DELETE, number);
}

static void happen(struct holm_sim *sim, const struct holm_story_event *event)
{
    struct holm_sim_city *city = &sim->cities[event->city];
    switch (event->type) {
    case HOLM_STORY_ASSIGN:
        sim->assigns++;
        send_letter(sim, city, HOLM_LETTER_ASSIGN, event->hero);
        break;
    case HOLM_STORY_CREATE:
        sim->creates++;
        send_letter(sim, city, HOLM_LETTER_CREATE, event->hero);
        break;
    case HOLM_STORY_DELETE:
        delete_hero(sim, city, event->hero);
        break;
    case HOLM_STORY_BOMB:
        bomb(sim, event->city);
        break;
    case HOLM_STORY_SPLIT:
        split(sim, event->side);
        break;
    case HOLM_STORY_HEAL:
        heal(sim);
        break;
    }
}

static uint64_t story_length_us(const struct holm_sim *sim)
{
    return sim->story.config.seconds * SECOND_US;
}

static void tell_story(struct holm_sim *sim)
{
    uint64_t step_us = sim->now_us - sim->told_us;
    sim->story_us += step_us < STORY_STEP_MAX_US ? step_us : STORY_STEP_MAX_US;
    sim->told_us = sim->now_us;
    while (sim->phase == HOLM_SIM_STORY && sim->next_event < sim->story.count &&
           sim->story.events[sim->next_event].at_us <= sim->story_us)
        happen(sim, &sim->story.events[sim->next_event++]);
    if (sim->phase != HOLM_SIM_STORY || sim->story_us < story_length_us(sim))
        return;
    holm_sim_tell(sim, "the story is over; all must agree");
    enter(sim, HOLM_SIM_ENDING);
    holm_sim_hold_all(sim, true);
}

static struct holm_sim_convergence *measurement(struct holm_sim *sim, bool of_heal)
{
    struct holm_sim_convergence fresh = {.heal = of_heal};
    void *room = holm_heap_grow(sim->convergences, &sim->convergence_capacity, sizeof fresh,
                                sim->convergence_count + 1);
    if (room == NULL) {
        holm_sim_fail(sim, "no memory");
        return NULL;
    }
    sim->convergences = room;
    sim->convergences[sim->convergence_count] = fresh;
    return &sim->convergences[sim->convergence_count++];
}

static void go_on_with_story(struct holm_sim *sim)
{
    enter(sim, HOLM_SIM_STORY);
    holm_sim_hold_all(sim, false);
}

static void wait_for_gathering(struct holm_sim *sim)
{
    bool late = sim->now_us - sim->phase_us > GATHER_US;
    if (!late && !have_gathered(sim))
        return;
    if (late)
        holm_sim_tell(sim, "not all cities have found each other; going on all the same");
    else
        holm_sim_tell(sim, "%" PRIu32 " cities have found each other", sim->count);
    enter(sim, HOLM_SIM_BIRTHS);
    bear_heroes(sim);
    holm_sim_hold_all(sim, true);
}

static void wait_for_births(struct holm_sim *sim)
{
    bool agreed = agree(sim);
    if (!agreed && sim->now_us - sim->phase_us < deadline_us(sim))
        return;
    if (agreed)
        holm_sim_tell(sim, "%" PRIu32 " heroes are known in every city; the story begins",
                      sim->story.config.heroes);
    else
        holm_sim_tell(sim, "not every city knows every hero; the story begins all the same");
    go_on_with_story(sim);
}

static void wait_for_healing(struct holm_sim *sim)
{
    bool agreed = agree(sim);
    uint64_t took_us = sim->now_us - sim->phase_us;
    if (!agreed && took_us < deadline_us(sim))
        return;
    struct holm_sim_convergence *measured = measurement(sim, true);
    if (measured == NULL)
        return;
    measured->done = agreed;
    measured->took_us = took_us;
    if (agreed)
        holm_sim_tell(sim, "all agree, %" PRIu64 " ms after the heal", took_us / 1000);
    else
        holm_sim_tell(sim, "no agreement within %" PRIu32 " s of the heal; the story goes on",
                      sim->options->deadline_s);
    go_on_with_story(sim);
}

static void ask_for_dumps(struct holm_sim *sim)
{
    for (uint32_t i = 0; i < sim->count; i++) {
        if (holm_sim_is_living(&sim->cities[i]))
            holm_ledger_redump(&sim->ledger, sim->cities[i].life);
    }
    holm_sim_send_all(sim, HOLM_CONTROL_DUMP);
}

/* The measurement of the end: the last one, made when it is first needed. */
static struct holm_sim_convergence *ending(struct holm_sim *sim)
{
    size_t count = sim->convergence_count;
    if (count > 0 && !sim->convergences[count - 1].heal)
        return &sim->convergences[count - 1];
    sim->ended_us = sim->phase_us;
    return measurement(sim, false);
}

static bool is_late(const struct holm_sim *sim)
{
    return sim->now_us - sim->ended_us >= deadline_us(sim);
}

static void wait_for_ending(struct holm_sim *sim)
{
    struct holm_sim_convergence *measured = ending(sim);
    if (measured == NULL)
        return;
    bool agreed = agree(sim);
    if (!agreed && !is_late(sim))
        return;
    if (!measured->done) {
        measured->done = agreed;
        measured->took_us = sim->now_us - sim->ended_us;
        if (agreed)
            holm_sim_tell(sim, "all agree, %" PRIu64 " ms after the end", measured->took_us / 1000);
        else
            holm_sim_tell(sim, "no agreement within %" PRIu32 " s", sim->options->deadline_s);
    }
    enter(sim, HOLM_SIM_DUMPING);
    ask_for_dumps(sim);
}

/* Who never thawed is not waited for any longer: its memory may still hold anything. */
static void give_up_frozen(struct holm_sim *sim)
{
    for (uint32_t i = 0; i < sim->count; i++) {
        struct holm_sim_city *city = &sim->cities[i];
        if (city->state != HOLM_SIM_FROZEN || life_of(sim, city)->dumped)
            continue;
        holm_sim_tell(sim, "%s is given up: it is still frozen", city->name);
        holm_sim_fleet_give_up(sim, city);
    }
}

static void close_all(struct holm_sim *sim)
{
    for (uint32_t i = 0; i < sim->count; i++) {
        const struct holm_sim_city *city = &sim->cities[i];
        if (!holm_sim_is_living(city) || life_of(sim, city)->dumped)
            continue;
        sim->silent++;
        holm_sim_tell(sim, "%s lives but gives no answer", city->name);
    }
    if (holm_verdict_compute(&sim->ledger, &sim->verdict) != HOLM_OK)
        holm_sim_fail(sim, "no memory for the verdict");
    enter(sim, HOLM_SIM_CLOSING);
    holm_sim_send_all(sim, HOLM_CONTROL_QUIT);
}

static bool all_dumped(const struct holm_sim *sim)
{
    for (uint32_t i = 0; i < sim->count; i++) {
        if (holm_sim_is_living(&sim->cities[i]) && !life_of(sim, &sim->cities[i])->dumped)
            return false;
    }
    return true;
}

static bool has_newcomer(const struct holm_sim *sim)
{
    for (uint32_t i = 0; i < sim->count; i++) {
        if (holm_sim_is_living(&sim->cities[i]) && life_of(sim, &sim->cities[i])->reports == 0)
            return true;
    }
    return false;
}

/* Agreement may have been a moment's: a burial that was still on its way, a city killed since. */
static void wait_for_dumps(struct holm_sim *sim)
{
    bool late = is_late(sim) && sim->now_us - sim->phase_us > DUMP_US;
    if (late)
        give_up_frozen(sim);
    if (!all_dumped(sim) && !late) {
        if (has_newcomer(sim) && !is_late(sim))
            enter(sim, HOLM_SIM_ENDING);
        return;
    }
    if (!is_late(sim)) {
        if (holm_verdict_compute(&sim->ledger, &sim->verdict) != HOLM_OK)
            holm_sim_fail(sim, "no memory for the verdict");
        if (!sim->verdict.agreed) {
            sim->convergences[sim->convergence_count - 1].done = false;
            enter(sim, HOLM_SIM_ENDING);
            return;
        }
    }
    close_all(sim);
}

static void wait_for_closing(struct holm_sim *sim)
{
    bool late = sim->now_us - sim->phase_us > CLOSE_US;
    for (uint32_t i = 0; i < sim->count; i++) {
        struct holm_sim_city *city = &sim->cities[i];
        if (!holm_sim_is_living(city))
            continue;
        if (!late)
            return;
        if (city->expected)
            continue;
        city->expected = true;
        city->stuck = city->state == HOLM_SIM_FROZEN ? 0 : 1;
        holm_sim_tell(sim, "%s does not end when asked to, and is killed", city->name);
        (void)kill(city->process.pid, SIGKILL);
    }
    if (holm_sim_living(sim) == 0)
        enter(sim, HOLM_SIM_DONE);
}

static void advance(struct holm_sim *sim)
{
    if (holm_sim_living(sim) == 0 && sim->phase < HOLM_SIM_CLOSING) {
        holm_sim_tell(sim, "no city is left");
        if (ending(sim) != NULL)
            close_all(sim);
    }
    switch (sim->phase) {
    case HOLM_SIM_GATHER:
        wait_for_gathering(sim);
        break;
    case HOLM_SIM_BIRTHS:
        wait_for_births(sim);
        break;
    case HOLM_SIM_STORY:
        tell_story(sim);
        break;
    case HOLM_SIM_HEALING:
        wait_for_healing(sim);
        break;
    case HOLM_SIM_ENDING:
        wait_for_ending(sim);
        break;
    case HOLM_SIM_DUMPING:
        wait_for_dumps(sim);
        break;
    case HOLM_SIM_CLOSING:
        wait_for_closing(sim);
        break;
    case HOLM_SIM_DONE:
        break;
    }
}

static void take_signals(struct holm_sim *sim)
{
    struct signalfd_siginfo info;
    while (read(sim->signal_fd, &info, sizeof info) == (ssize_t)sizeof info) {
        if (info.ssi_signo == SIGWINCH)
            holm_screen_measure(&sim->screen);
        else if (info.ssi_signo != SIGCHLD)
            sim->ended_by = (int)info.ssi_signo;
    }
}

/* Milliseconds until something is due at the latest. */
static int patience_ms(const struct holm_sim *sim)
{
    if (sim->phase != HOLM_SIM_STORY)
        return 10;
    if (sim->next_event == sim->story.count)
        return 50;
    uint64_t next_us = sim->story.events[sim->next_event].at_us;
    uint64_t left_us = next_us > sim->story_us ? next_us - sim->story_us : 0;
    return left_us < 50000 ? (int)(left_us / 1000) + 1 : 50;
}

static void wait_for_something(struct holm_sim *sim)
{
    struct pollfd fds[1 + 2 * HOLM_STORY_CITIES_MAX];
    nfds_t count = 0;
    fds[count++] = (struct pollfd){.fd = sim->signal_fd, .events = POLLIN};
    for (uint32_t i = 0; i < sim->count; i++) {
        const struct holm_process *process = &sim->cities[i].process;
        bool waiting = holm_process_waiting(process);
        fds[count++] = (struct pollfd){.fd = process->journal_fd, .events = POLLIN};
        fds[count++] = (struct pollfd){.fd = waiting ? process->control_fd : -1, .events = POLLOUT};
    }
    int ready = poll(fds, count, patience_ms(sim));
    sim->now_us = monotonic_us();
    if (ready <= 0)
        return;
    for (uint32_t i = 0; i < sim->count; i++) {
        if (fds[1 + 2 * i].revents != 0)
            holm_sim_fleet_read(sim, &sim->cities[i]);
        if (fds[2 + 2 * i].revents != 0)
            holm_process_flush(&sim->cities[i].process);
    }
    if (fds[0].revents != 0)
        take_signals(sim);
}

static void sample(struct holm_sim *sim)
{
    if (sim->now_us - sim->sampled_us < SECOND_US / 2)
        return;
    sim->sampled_us = sim->now_us;
    holm_sim_fleet_sample(sim);
}

static bool listen_to_signals(struct holm_sim *sim)
{
    static const int signals[] = {SIGCHLD, SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGWINCH};
    sigset_t set;
    (void)sigemptyset(&set);
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++)
        (void)sigaddset(&set, signals[i]);
    (void)signal(SIGPIPE, SIG_IGN);
    if (sigprocmask(SIG_BLOCK, &set, NULL) != 0)
        return false;
    sim->signal_fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    return sim->signal_fd >= 0;
}

static bool must_stop(struct holm_sim *sim)
{
    if (holm_screen_broken(&sim->screen))
        holm_sim_fail(sim, "nobody reads the output any more");
    return sim->failed || sim->ended_by != 0 || sim->phase == HOLM_SIM_DONE;
}

bool holm_sim_prepare(struct holm_sim *sim)
{
    sim->signal_fd = -1;
    sim->started_us = sim->now_us = monotonic_us();
    sim->phase = HOLM_SIM_GATHER;
    sim->phase_us = sim->now_us;
    if (!listen_to_signals(sim))
        holm_sim_fail(sim, "cannot listen to signals: %s", strerror(errno));
    return !sim->failed;
}

bool holm_sim_run(struct holm_sim *sim)
{
    (void)holm_sim_fleet_start(sim);
    while (!must_stop(sim)) {
        wait_for_something(sim);
        holm_sim_fleet_reap(sim);
        advance(sim);
        sample(sim);
        holm_sim_draw(sim);
    }
    holm_sim_fleet_end(sim);
    (void)close(sim->signal_fd);
    return !sim->failed && sim->ended_by == 0;
}

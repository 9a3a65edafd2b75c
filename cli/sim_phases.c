/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From phase to phase: what each waits for, and what comes after.
 */
#include "cli/sim.h"

#include <inttypes.h>

#include "sim/city/heap.h"

#define SECOND_US UINT64_C(1000000)
#define GATHER_US (10 * SECOND_US)
#define CLOSE_US (3 * SECOND_US)
#define DUMP_US (5 * SECOND_US)

void holm_sim_enter(struct holm_sim *sim, enum holm_sim_phase phase)
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
    holm_sim_enter(sim, HOLM_SIM_STORY);
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
    holm_sim_enter(sim, HOLM_SIM_BIRTHS);
    holm_sim_bear_heroes(sim);
    holm_sim_hold_all(sim, true);
}

static void wait_for_births(struct holm_sim *sim)
{
    bool agreed = agree(sim);
    if (!agreed && sim->now_us - sim->phase_us < deadline_us(sim))
        return;
    if (agreed)
        holm_sim_tell(sim, "%" PRIu32 " %s known in every city; the story begins",
                      sim->story.config.heroes,
                      holm_sim_plural(sim->story.config.heroes, "hero is", "heroes are"));
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
    struct holm_control control = {
        .type = HOLM_CONTROL_DUMP, .seed = sim->story.config.seed, .heroes = sim->story.heroes};
    for (uint32_t i = 0; i < sim->count; i++) {
        if (!holm_sim_is_living(&sim->cities[i]))
            continue;
        holm_ledger_redump(&sim->ledger, sim->cities[i].life);
        holm_sim_send(sim, &sim->cities[i], &control);
    }
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
    holm_sim_enter(sim, HOLM_SIM_DUMPING);
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
    holm_sim_enter(sim, HOLM_SIM_CLOSING);
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
            holm_sim_enter(sim, HOLM_SIM_ENDING);
        return;
    }
    if (!is_late(sim)) {
        if (holm_verdict_compute(&sim->ledger, &sim->verdict) != HOLM_OK)
            holm_sim_fail(sim, "no memory for the verdict");
        if (!sim->verdict.agreed) {
            sim->convergences[sim->convergence_count - 1].done = false;
            holm_sim_enter(sim, HOLM_SIM_ENDING);
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
        sim->ways->kill(city);
    }
    if (holm_sim_living(sim) == 0)
        holm_sim_enter(sim, HOLM_SIM_DONE);
}

void holm_sim_advance(struct holm_sim *sim)
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
        holm_sim_tell_story(sim);
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

/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/sim.h"

void holm_sim_tell(struct holm_sim *sim, const char *format, ...)
{
    struct holm_sim_event *event = &sim->events[sim->event_count++ % HOLM_SIM_EVENTS];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(event->text, sizeof event->text, format, arguments);
    va_end(arguments);
    event->at_us = sim->now_us - sim->started_us;
    if (sim->screen.terminal || sim->quiet)
        return;
    char line[HOLM_SIM_EVENT_BYTES + 32];
    (void)snprintf(line, sizeof line, "%7.2f s  %s\n", (double)event->at_us / 1e6, event->text);
    holm_screen_text(&sim->screen, line);
}

const char *holm_sim_plural(uint64_t count, const char *one, const char *many)
{
    return count == 1 ? one : many;
}

void holm_sim_fail(struct holm_sim *sim, const char *format, ...)
{
    if (sim->failed)
        return;
    sim->failed = true;
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(sim->failure, sizeof sim->failure, format, arguments);
    va_end(arguments);
}

static int compare_who(const void *left, const void *right)
{
    const struct holm_sim_who *a = left;
    const struct holm_sim_who *b = right;
    return holm_hero_id_compare(a->id, b->id);
}

enum holm_status holm_sim_know_heroes(struct holm_sim *sim)
{
    sim->who = calloc((size_t)sim->story.heroes + 1, sizeof sim->who[0]);
    if (sim->who == NULL)
        return HOLM_ENOMEM;
    for (uint32_t i = 0; i < sim->story.heroes; i++) {
        sim->who[i].id = holm_story_hero(sim->story.config.seed, i);
        sim->who[i].number = i;
    }
    qsort(sim->who, sim->story.heroes, sizeof sim->who[0], compare_who);
    return HOLM_OK;
}

struct holm_sim_who *holm_sim_find_hero(const struct holm_sim *sim, struct holm_hero_id id)
{
    struct holm_sim_who sought = {.id = id};
    return bsearch(&sought, sim->who, sim->story.heroes, sizeof sought, compare_who);
}

void holm_sim_tell_burial(struct holm_sim *sim, const struct holm_sim_city *city,
                          struct holm_hero_id id)
{
    char name[HOLM_HERO_NAME_BYTES_MAX + 1] = "a stranger";
    const struct holm_sim_who *who = holm_sim_find_hero(sim, id);
    if (who != NULL)
        holm_story_hero_name(sim->story.config.seed, who->number, name);
    if (who != NULL && who->deleted) {
        holm_sim_tell(sim, "%s retires and is buried in %s", name, city->name);
        return;
    }
    sim->deaths++;
    holm_sim_tell(sim, "%s falls and is buried in %s", name, city->name);
}

void holm_sim_total(const struct holm_sim *sim, struct holm_sim_totals *totals)
{
    *totals = (struct holm_sim_totals){0};
    for (uint32_t i = 0; i < sim->count; i++) {
        const struct holm_sim_city *city = &sim->cities[i];
        totals->operations += city->operations;
        totals->fights += city->fights;
        totals->refused += city->refused;
        totals->errors += city->errors;
        totals->breaches += city->breaches;
        totals->restarts += city->supervised.restarts;
        totals->killed += city->killed;
        totals->deaf_deaths += city->deaf_deaths;
        totals->crashes += city->crashes;
        totals->stuck += city->stuck;
        totals->pulls += city->pulls;
        totals->syncs += city->syncs;
        totals->given_up += city->supervised.given_up ? 1 : 0;
        if (!holm_sim_is_living(city))
            continue;
        const struct holm_journal_report *report = &sim->ledger.lives[city->life].report;
        totals->refused += report->refused;
        totals->errors += report->errors;
        totals->breaches += report->breaches;
        totals->pulls += report->pulls;
        totals->syncs += report->syncs;
    }
}

bool holm_sim_converged(const struct holm_sim *sim)
{
    bool ended = false;
    for (size_t i = 0; i < sim->convergence_count; i++) {
        if (!sim->convergences[i].done)
            return false;
        ended = !sim->convergences[i].heal;
    }
    return ended && sim->verdict.agreed && sim->verdict.survivors > 0 && sim->silent == 0;
}

bool holm_sim_checks_hold(const struct holm_sim *sim)
{
    struct holm_sim_totals totals;
    holm_sim_total(sim, &totals);
    return holm_verdict_clean(&sim->verdict) && sim->torn == 0 && totals.errors == 0 &&
           totals.breaches == 0 && totals.crashes == 0;
}

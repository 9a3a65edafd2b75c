/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The verdict in plain words.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "cli/sim.h"

__attribute__((format(printf, 2, 3))) static void say(struct holm_sim *sim, const char *format, ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    holm_screen_text(&sim->screen, text);
}

static void say_coloured(struct holm_sim *sim, bool good, const char *text)
{
    if (sim->screen.colour)
        say(sim, "\033[1;%dm%s\033[0m\n", good ? 32 : 31, text);
    else
        say(sim, "%s\n", text);
}

static void say_cities(struct holm_sim *sim)
{
    say(sim, "  %-9s %9s %8s %6s %6s %6s  %s\n", "city", "restarts", "ops", "alive", "buried",
        "vector", "digest");
    for (uint32_t i = 0; i < sim->count; i++) {
        const struct holm_sim_city *city = &sim->cities[i];
        const struct holm_ledger_life *life = &sim->ledger.lives[city->life];
        say(sim, "  %-9s %9" PRIu64 " %8" PRIu64, city->name, city->supervised.restarts,
            city->operations);
        if (city->supervised.given_up)
            say(sim, " %6s %6s %6s  %s\n", "-", "-", "-", "given up");
        else
            say(sim, " %6" PRIu64 " %6" PRIu64 " %6" PRIu64 "  %016" PRIx64 "\n",
                life->report.alive, life->report.buried, life->report.entries, life->digest);
    }
}

static void say_convergence(struct holm_sim *sim)
{
    for (size_t i = 0; i < sim->convergence_count; i++) {
        const struct holm_sim_convergence *measured = &sim->convergences[i];
        const char *what = measured->heal ? "a heal" : "the end of the story";
        if (measured->done)
            say(sim, "  all agreed %.1f ms after %s\n", (double)measured->took_us / 1000, what);
        else
            say(sim, "  no agreement within %" PRIu32 " s after %s\n", sim->options->deadline_s,
                what);
    }
    uint64_t longest_us = 0;
    for (size_t i = 0; i < sim->recovery_count; i++) {
        if (sim->recoveries_us[i] > longest_us)
            longest_us = sim->recoveries_us[i];
    }
    if (sim->recovery_count > 0)
        say(sim, "  cities whole again %zu %s, at most %.1f ms after their death\n",
            sim->recovery_count, holm_sim_plural(sim->recovery_count, "time", "times"),
            (double)longest_us / 1000);
}

static void say_count(struct holm_sim *sim, uint64_t count, const char *what)
{
    char text[160];
    (void)snprintf(text, sizeof text, "  %6" PRIu64 "  %s", count, what);
    if (count == 0)
        say(sim, "%s\n", text);
    else
        say_coloured(sim, false, text);
}

/* The first line stands always; the others only when there is something to tell. */
static void say_checks(struct holm_sim *sim, const struct holm_sim_totals *totals)
{
    const struct holm_verdict *verdict = &sim->verdict;
    const struct {
        uint64_t count;
        const char *what;
        bool always;
    } checks[] = {
        {verdict->lost_acknowledged, "operations lost after another city had seen them", true},
        {verdict->resurrected, "buried heroes alive again", true},
        {verdict->counter_errors, "heroes with a wrong health", true},
        {verdict->reused_dots, "operations under a name that was taken", false},
        {verdict->unjournaled, "operations that no journal tells of", false},
        {verdict->unexplained, "heroes that nobody created", false},
        {verdict->disagreements, "heroes that differ between cities", false},
        {sim->silent, "cities that live but gave no answer", false},
        {sim->torn, "journal lines that could not be read", false},
        {totals->errors, "writes that a replica refused", false},
        {totals->breaches, "equal vectors with unequal digests, as the nodes saw them", false},
        {totals->crashes, "cities that crashed by themselves", false},
    };
    for (size_t i = 0; i < sizeof checks / sizeof checks[0]; i++) {
        if (checks[i].always || checks[i].count > 0)
            say_count(sim, checks[i].count, checks[i].what);
    }
}

static void say_remarks(struct holm_sim *sim)
{
    for (uint32_t i = 0; i < sim->count; i++) {
        const struct holm_sim_city *city = &sim->cities[i];
        if (city->supervised.given_up)
            say(sim, "  %s was given up: the verdict is about the others\n", city->name);
        if (city->deaf_deaths > 0)
            say(sim, "  %s was killed, for it had not read for too long what it is told\n",
                city->name);
        if (city->stuck > 0)
            say(sim, "  %s had to be killed at the end\n", city->name);
    }
}

static void say_numbers(struct holm_sim *sim, const struct holm_sim_totals *totals)
{
    uint64_t perished = sim->verdict.perished;
    say(sim,
        "\nseed %" PRIu64 ": %" PRIu64 " %s, %" PRIu64 " %s, %" PRIu64
        " killed from outside, %" PRIu64 " %s\n",
        sim->story.config.seed, sim->bombs, holm_sim_plural(sim->bombs, "bomb", "bombs"),
        sim->splits, holm_sim_plural(sim->splits, "split", "splits"), totals->killed,
        totals->restarts, holm_sim_plural(totals->restarts, "restart", "restarts"));
    say(sim, "  %" PRIu64 " %s, %" PRIu64 " of them %s; %" PRIu64 " %s, %" PRIu64 " %s fallen\n",
        totals->operations, holm_sim_plural(totals->operations, "operation", "operations"),
        sim->verdict.binding, holm_sim_plural(sim->verdict.binding, "binds", "bind"),
        totals->fights, holm_sim_plural(totals->fights, "fight", "fights"), sim->deaths,
        holm_sim_plural(sim->deaths, "hero", "heroes"));
    if (perished > 0)
        say(sim, "  %" PRIu64 " %s died with all who had seen %s\n", perished,
            holm_sim_plural(perished, "operation", "operations"),
            holm_sim_plural(perished, "it", "them"));
    for (size_t i = 0; i < sim->split_count; i++) {
        uint64_t fights = sim->split_fights[i][0];
        say(sim, "  while split: %" PRIu64 " %s on one side, %" PRIu64 " on the other\n", fights,
            holm_sim_plural(fights, "fight", "fights"), sim->split_fights[i][1]);
    }
    say(sim, "\n");
}

void holm_sim_print_verdict(struct holm_sim *sim)
{
    struct holm_sim_totals totals;
    bool converged = holm_sim_converged(sim);
    bool holds = converged && holm_sim_checks_hold(sim);
    holm_sim_total(sim, &totals);
    say_numbers(sim, &totals);
    say_cities(sim);
    say(sim, "\n");
    say_convergence(sim);
    say_checks(sim, &totals);
    say_remarks(sim);
    say(sim, "\n");
    say_coloured(sim, holds,
                 holds       ? "All cities agree, and all promises were kept."
                 : converged ? "All cities agree, but a promise was broken."
                             : "The cities did NOT converge.");
}

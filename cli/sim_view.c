/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "cli/sim.h"

#define FRAME_US 100000
#define STATUS_US 2000000
#define BOMBED_US 400000 /* how long a bomb is shown */

enum colour {
    PLAIN = 0,
    BOLD = 1,
    DIM = 2,
    RED = 31,
    GREEN = 32,
    YELLOW = 33,
    BLUE = 34,
    MAGENTA = 35,
    CYAN = 36
};

/* A frame being drawn: lines cut to the width of the terminal, each cleared to its end. */
struct page {
    const struct holm_screen *screen;
    char text[HOLM_SCREEN_FRAME_BYTES_MAX - 256];
    size_t size;
    unsigned column, line;
};

static void append(struct page *page, const char *text, size_t size)
{
    if (page->size + size > sizeof page->text)
        return;
    memcpy(page->text + page->size, text, size);
    page->size += size;
}

static void paint(struct page *page, enum colour colour)
{
    char code[16];
    int size = snprintf(code, sizeof code, "\033[%dm", (int)colour);
    if (page->screen->colour)
        append(page, code, (size_t)size);
}

/* Adds plain text of one byte a column, as far as it fits. */
__attribute__((format(printf, 3, 4))) static void put(struct page *page, enum colour colour,
                                                      const char *format, ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    size_t length = strlen(text);
    size_t room = page->screen->columns - page->column;
    if (length > room)
        length = room;
    if (colour != PLAIN)
        paint(page, colour);
    append(page, text, length);
    if (colour != PLAIN)
        paint(page, PLAIN);
    page->column += (unsigned)length;
}

static void end_line(struct page *page)
{
    append(page, "\033[K\r\n", 5);
    page->column = 0;
    page->line++;
}

static const char *phase_name(enum holm_sim_phase phase)
{
    switch (phase) {
    case HOLM_SIM_GATHER:
        return "gathering";
    case HOLM_SIM_BIRTHS:
        return "heroes are born";
    case HOLM_SIM_STORY:
        return "story";
    case HOLM_SIM_HEALING:
        return "healing";
    case HOLM_SIM_ENDING:
        return "converging";
    case HOLM_SIM_DUMPING:
        return "checking";
    case HOLM_SIM_CLOSING:
    case HOLM_SIM_DONE:
        return "closing";
    }
    return "";
}

static bool was_bombed_just_now(const struct holm_sim *sim, const struct holm_sim_city *city)
{
    return city->died_us != 0 && sim->now_us - city->died_us < BOMBED_US;
}

static const char *state_name(const struct holm_sim *sim, const struct holm_sim_city *city,
                              enum colour *colour)
{
    *colour = RED;
    if (city->state == HOLM_SIM_GIVEN_UP)
        return "given up";
    if (was_bombed_just_now(sim, city))
        return "bombed";
    switch (city->state) {
    case HOLM_SIM_STARTING:
        *colour = YELLOW;
        return city->lives > 1 ? "restarting" : "starting";
    case HOLM_SIM_UP:
        *colour = city->recovering ? YELLOW : GREEN;
        return city->recovering ? "refilling" : "up";
    case HOLM_SIM_FROZEN:
        *colour = CYAN;
        return "frozen";
    case HOLM_SIM_ENDED:
        *colour = DIM;
        return "ended";
    case HOLM_SIM_GIVEN_UP:
        break;
    }
    return "";
}

static const struct holm_journal_report *report_of(const struct holm_sim *sim,
                                                   const struct holm_sim_city *city)
{
    return &sim->ledger.lives[city->life].report;
}

static unsigned cuts_of(const struct holm_sim *sim, uint32_t index)
{
    unsigned cuts = 0;
    for (uint32_t i = 0; i < sim->count; i++)
        cuts += holm_sim_is_cut(sim, index, i) ? 1 : 0;
    return cuts;
}

/* The table has room for more columns on a wide terminal. */
static bool is_wide(const struct page *page)
{
    return page->screen->columns >= 112;
}

static void draw_head(struct page *page)
{
    put(page, BOLD, "%-9s %7s %2s %-10s %4s %5s %6s %6s %4s %-6s %5s %4s", "City", "Pid", "#",
        "State", "Here", "Alive", "Buried", "Ops", "Vec", "Digest", "Peers", "Cuts");
    if (is_wide(page))
        put(page, BOLD, " %6s %7s %-16s", "Fights", "KiB", "Epoch");
    end_line(page);
}

static void draw_city(struct page *page, const struct holm_sim *sim, uint32_t index,
                      uint64_t common_digest)
{
    const struct holm_sim_city *city = &sim->cities[index];
    const struct holm_journal_report *report = report_of(sim, city);
    enum colour colour;
    const char *state = state_name(sim, city, &colour);
    bool living = holm_sim_is_living(city);
    enum colour side = sim->side == 0 ? PLAIN : (sim->side >> index & 1) != 0 ? BLUE : MAGENTA;
    put(page, side, "%-9s", city->name);
    put(page, PLAIN, " %7ld %2" PRIu32 " ", living ? (long)city->process.pid : 0, city->lives);
    put(page, colour, "%-10s", state);
    put(page, PLAIN, " %4" PRIu64 " %5" PRIu64 " %6" PRIu64 " %6" PRIu64 " %4" PRIu64 " ",
        report->here, report->alive, report->buried, city->operations, report->entries);
    put(page, report->digest == common_digest ? GREEN : YELLOW, "%06" PRIx64, report->digest >> 40);
    put(page, PLAIN, " %5" PRIu64 " ", report->peers);
    put(page, sim->side == 0 ? PLAIN : RED, "%4u", cuts_of(sim, index));
    if (is_wide(page))
        put(page, PLAIN, " %6" PRIu64 " %7" PRIu64 " %016" PRIx64, city->fights, city->rss.end_kib,
            report->epoch);
    end_line(page);
}

/* The digest that most living cities show. */
static uint64_t common_digest(const struct holm_sim *sim, unsigned *how_many)
{
    uint64_t best = 0;
    *how_many = 0;
    for (uint32_t i = 0; i < sim->count; i++) {
        unsigned alike = 0;
        uint64_t digest = report_of(sim, &sim->cities[i])->digest;
        for (uint32_t k = 0; k < sim->count; k++)
            alike += holm_sim_is_living(&sim->cities[k]) &&
                     report_of(sim, &sim->cities[k])->digest == digest;
        if (alike > *how_many) {
            *how_many = alike;
            best = digest;
        }
    }
    return best;
}

static void draw_title(struct page *page, const struct holm_sim *sim)
{
    const struct holm_story_config *config = &sim->story.config;
    put(page, BOLD, "holm sim");
    put(page, PLAIN, "  seed ");
    put(page, BOLD, "%" PRIu64, config->seed);
    put(page, PLAIN, "  %" PRIu32 " cities, %" PRIu32 " %s, %s, %" PRIu32 " s at speed %" PRIu32,
        config->cities, config->heroes, holm_sim_plural(config->heroes, "hero", "heroes"),
        sim->options->tcp ? "tcp" : "ipc", config->seconds, config->speed);
    end_line(page);
}

static void draw_events(struct page *page, const struct holm_sim *sim, unsigned room)
{
    size_t known = sim->event_count < HOLM_SIM_EVENTS ? sim->event_count : HOLM_SIM_EVENTS;
    size_t shown = known < room ? known : room;
    for (size_t i = 0; i < room; i++) {
        if (i < shown) {
            size_t number = sim->event_count - shown + i;
            const struct holm_sim_event *event = &sim->events[number % HOLM_SIM_EVENTS];
            put(page, DIM, "%7.2f s  ", (double)event->at_us / 1e6);
            put(page, PLAIN, "%s", event->text);
        }
        end_line(page);
    }
}

static uint64_t story_told_us(const struct holm_sim *sim)
{
    uint64_t length_us = (uint64_t)sim->story.config.seconds * 1000000;
    return sim->story_us < length_us ? sim->story_us : length_us;
}

static void draw_bar(struct page *page, const struct holm_sim *sim)
{
    uint64_t length_us = (uint64_t)sim->story.config.seconds * 1000000;
    uint64_t told_us = story_told_us(sim);
    char caption[96];
    (void)snprintf(caption, sizeof caption,
                   " %.1f of %" PRIu32 " s  %s  %" PRIu64 " %s, %" PRIu64 " %s",
                   (double)told_us / 1e6, sim->story.config.seconds, phase_name(sim->phase),
                   sim->bombs, holm_sim_plural(sim->bombs, "bomb", "bombs"), sim->splits,
                   holm_sim_plural(sim->splits, "split", "splits"));
    size_t columns = page->screen->columns;
    size_t width = columns > strlen(caption) + 12 ? columns - strlen(caption) - 2 : 10;
    if (width > 60)
        width = 60;
    size_t full = (size_t)(told_us * width / length_us);
    paint(page, GREEN);
    for (size_t i = 0; i < width; i++) {
        const char *cell = i < full ? (page->screen->utf8 ? "\u2588" : "#")
                                    : (page->screen->utf8 ? "\u2591" : "-");
        append(page, cell, strlen(cell));
    }
    paint(page, PLAIN);
    page->column = (unsigned)width;
    put(page, PLAIN, "%s", caption);
    append(page, "\033[K\033[J", 6);
}

/* Title, head, cities, events and bar fill the terminal's rows; cities that do not fit are only
 * counted. */
static void draw_frame(struct holm_sim *sim)
{
    static struct page page;
    page.screen = &sim->screen;
    page.size = page.column = page.line = 0;
    unsigned rows = sim->screen.rows > 6 ? sim->screen.rows : 6;
    unsigned room = rows - 4;
    unsigned events_least = room > 8 ? 4 : 1;
    unsigned shown = sim->count + events_least <= room ? sim->count : room - events_least - 1;
    unsigned alike;
    uint64_t digest = common_digest(sim, &alike);
    draw_title(&page, sim);
    end_line(&page);
    draw_head(&page);
    for (uint32_t i = 0; i < shown; i++)
        draw_city(&page, sim, i, digest);
    if (shown < sim->count) {
        put(&page, DIM, "and %u more", sim->count - shown);
        end_line(&page);
    }
    end_line(&page);
    draw_events(&page, sim, page.line + 1 < rows ? rows - 1 - page.line : 0);
    draw_bar(&page, sim);
    holm_screen_frame(&sim->screen, page.text, page.size);
}

static void write_status(struct holm_sim *sim)
{
    struct holm_sim_totals totals;
    unsigned alike;
    (void)common_digest(sim, &alike);
    holm_sim_total(sim, &totals);
    uint64_t alive = 0;
    for (uint32_t i = 0; i < sim->count; i++) {
        const struct holm_sim_city *city = &sim->cities[i];
        if (holm_sim_is_living(city) && report_of(sim, city)->alive > alive)
            alive = report_of(sim, city)->alive;
    }
    holm_sim_tell(sim,
                  "%s %.1f of %" PRIu32 " s: %" PRIu32 " of %" PRIu32
                  " cities live, %u alike; %" PRIu64 " %s alive, %" PRIu64 " fallen, %" PRIu64
                  " %s",
                  phase_name(sim->phase), (double)story_told_us(sim) / 1e6,
                  sim->story.config.seconds, holm_sim_living(sim), sim->count, alike, alive,
                  holm_sim_plural(alive, "hero", "heroes"), sim->deaths, totals.operations,
                  holm_sim_plural(totals.operations, "operation", "operations"));
}

void holm_sim_draw(struct holm_sim *sim)
{
    uint64_t every_us = sim->screen.terminal ? FRAME_US : STATUS_US;
    if (sim->quiet)
        return;
    if (sim->drawn_us != 0 && sim->now_us - sim->drawn_us < every_us)
        return;
    bool first = sim->drawn_us == 0;
    sim->drawn_us = sim->now_us;
    if (sim->screen.terminal)
        draw_frame(sim);
    else if (!first)
        write_status(sim);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/city/town.h"

#include <holm/fault.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "node/node.h"

/* How long a change may go unreported: while the story runs, and while the parent measures. */
#define REPORT_US 50000
#define REPORT_HELD_US 2000
/* Vectors may change without any record changing, so they are looked at now and then. */
#define LOOK_HELD_US 20000

/* Called before anything of the commit can leave this process. */
static void witness(void *context, const struct holm_receipt *receipt, const struct holm_op *ops,
                    size_t count)
{
    const struct holm_town *town = context;
    struct holm_scribe scribe;
    holm_scribe_init(&scribe, town->scribe.target);
    for (size_t i = 0; i < receipt->count; i++) {
        struct holm_journal_line line;
        holm_journal_describe(receipt, ops, count, i, &line);
        holm_scribe_line(&scribe, &line);
    }
    holm_scribe_flush(&scribe);
    /* An operation that nobody was told of must not get out. */
    if (scribe.failed)
        _exit(EXIT_FAILURE);
}

static void log_line(void *context, int level, const char *text)
{
    const struct holm_town *town = context;
    struct holm_scribe scribe;
    struct holm_journal_line line = {.type = HOLM_JOURNAL_LOG, .as.log.level = level};
    (void)snprintf(line.as.log.text, sizeof line.as.log.text, "%s", text);
    holm_scribe_init(&scribe, town->scribe.target);
    holm_scribe_line(&scribe, &line);
    holm_scribe_flush(&scribe);
}

void holm_town_complain(struct holm_town *town, const char *what, enum holm_status status)
{
    char text[HOLM_JOURNAL_TEXT_BYTES_MAX + 1];
    (void)snprintf(text, sizeof text, "%s: %s", what, holm_strerror(status));
    log_line(town, 1, text);
}

/* ---- begin and end -------------------------------------------------------------------------- */

void holm_town_init(struct holm_town *town, struct holm_scribe_target target)
{
    memset(town, 0, sizeof *town);
    holm_scribe_init(&town->scribe, target);
}

struct holm_config holm_town_config(struct holm_town *town)
{
    struct holm_config config = holm_config_default();
    config.cluster = "holm-sim";
    config.beacon_interval_ms = 200;
    config.link_timeout_ms = 2000;
    config.redial_interval_ms = 250;
    config.log = log_line;
    config.log_context = town;
    return config;
}

static void say_hello(struct holm_town *town)
{
    struct holm_journal_line line = {.type = HOLM_JOURNAL_HELLO};
    const char *address = holm_address(town->node);
    line.as.hello.pid = (uint64_t)getpid();
    line.as.hello.self = holm_self(town->node);
    (void)snprintf(line.as.hello.address, sizeof line.as.hello.address, "%s",
                   address == NULL ? "" : address);
    holm_scribe_line(&town->scribe, &line);
    holm_scribe_flush(&town->scribe);
}

enum holm_status holm_town_open(struct holm_town *town, struct holm_node *node, const char *name,
                                uint64_t seed, uint64_t beat_us)
{
    town->node = node;
    town->witness = (struct holm_witness){.committed = witness, .context = town};
    holm_node_set_witness(node, &town->witness);
    enum holm_status status = holm_node_port_open(&town->port, node);
    if (status == HOLM_OK)
        status = holm_city_actor_init(&town->actor, name, &town->port.port, seed, beat_us);
    if (status == HOLM_OK)
        status = holm_reporter_init(&town->reporter, node, &town->actor);
    if (status == HOLM_OK)
        say_hello(town);
    return status;
}

void holm_town_close(struct holm_town *town)
{
    holm_reporter_release(&town->reporter);
    holm_city_actor_release(&town->actor);
    holm_node_port_close(&town->port);
    holm_close(town->node);
    town->node = NULL;
}

/* ---- control -------------------------------------------------------------------------------- */

static void cut(struct holm_town *town, const char *name)
{
    enum holm_status status = holm_fault_drop(town->node, holm_node_id_of(name), HOLM_BOTH, 1000);
    if (status == HOLM_OK)
        town->reporter.cuts++;
    else
        holm_town_complain(town, "cut", status);
}

/* False when the line is a letter for which there is no room yet. */
static bool obey(struct holm_town *town, const struct holm_control *control)
{
    enum holm_status status = HOLM_OK;
    switch (control->type) {
    case HOLM_CONTROL_LETTER:
        return holm_city_actor_post(&town->actor, &control->letter) == HOLM_OK;
    case HOLM_CONTROL_JOIN:
        status = holm_join(town->node, control->text);
        if (status != HOLM_OK)
            holm_town_complain(town, "join", status);
        break;
    case HOLM_CONTROL_CUT:
        cut(town, control->text);
        break;
    case HOLM_CONTROL_HEAL:
        holm_fault_heal(town->node);
        town->reporter.cuts = 0;
        break;
    case HOLM_CONTROL_REPORT:
        town->asked = true;
        break;
    case HOLM_CONTROL_DUMP:
        town->dump = true;
        town->seed = control->seed;
        town->heroes = control->heroes;
        break;
    case HOLM_CONTROL_QUIT:
        town->quit = true;
        break;
    }
    return true;
}

/* Obeys the lines that have come; keeps what it cannot take yet. True when lines were left. */
static bool obey_lines(struct holm_town *town)
{
    size_t begin = 0;
    bool full = false;
    char *newline;
    while (!full && (newline = memchr(town->input + begin, '\n', town->input_size - begin))) {
        struct holm_control control;
        size_t size = (size_t)(newline - town->input) - begin;
        if (!holm_control_parse(town->input + begin, size, &control))
            holm_town_complain(town, "a control line", HOLM_EINVAL);
        else
            full = !obey(town, &control);
        if (!full)
            begin += size + 1;
    }
    town->input_size -= begin;
    memmove(town->input, town->input + begin, town->input_size);
    return full;
}

char *holm_town_room(struct holm_town *town, size_t *size)
{
    *size = sizeof town->input - town->input_size;
    return town->input + town->input_size;
}

void holm_town_hear(struct holm_town *town, size_t size)
{
    HOLM_ASSERT(size <= sizeof town->input - town->input_size);
    town->input_size += size;
}

/* ---- reports -------------------------------------------------------------------------------- */

static void report(struct holm_town *town, uint64_t monotonic_us)
{
    enum holm_status status = holm_reporter_report(&town->reporter, &town->scribe, town->asked);
    if (status != HOLM_OK)
        holm_town_complain(town, "report", status);
    town->asked = town->news = false;
    town->reported_us = monotonic_us;
}

static uint64_t report_due_us(const struct holm_town *town)
{
    if (town->asked)
        return 0;
    if (!town->actor.held)
        return town->reported_us + REPORT_US;
    return town->reported_us + (town->news ? REPORT_HELD_US : LOOK_HELD_US);
}

static void dump(struct holm_town *town)
{
    town->dump = false;
    enum holm_status status = holm_reporter_dump(&town->reporter, &town->scribe, town->seed,
                                                 town->heroes);
    if (status != HOLM_OK)
        holm_town_complain(town, "dump", status);
}

uint64_t holm_town_step(struct holm_town *town)
{
    bool left = obey_lines(town);
    uint64_t token = town->actor.token;
    uint64_t wake_us = holm_city_actor_step(&town->actor, holm_node_now(town->node));
    if (town->actor.dead)
        return HOLM_NEVER;
    /* The parent waits for the answer to a hold. */
    town->asked = town->asked || town->actor.token != token;
    uint64_t monotonic_us = holm_node_now(town->node).monotonic_us;
    if (monotonic_us >= report_due_us(town))
        report(town, monotonic_us);
    if (town->dump)
        dump(town);
    if (left)
        return 0;
    return report_due_us(town) < wake_us ? report_due_us(town) : wake_us;
}

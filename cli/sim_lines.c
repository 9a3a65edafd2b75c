/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines down to the cities, and lines up from them.
 */
#include "cli/sim.h"

#include <inttypes.h>
#include <stdio.h>

#include "sim/city/heap.h"

void holm_sim_send(struct holm_sim *sim, struct holm_sim_city *city,
                   const struct holm_control *control)
{
    char line[HOLM_CONTROL_LINE_BYTES_MAX];
    if (!holm_sim_is_living(city))
        return;
    holm_control_print(control, line);
    enum holm_status status = sim->ways->send(city, line);
    /* One that reads nothing for so long is as good as dead, and its supervisor may judge so. */
    if (status == HOLM_ELIMIT) {
        city->deaf = true;
        sim->ways->kill(city);
    } else if (status != HOLM_OK)
        holm_sim_fail(sim, "no memory for a line to %s", city->name);
}

void holm_sim_send_all(struct holm_sim *sim, enum holm_control_type type)
{
    struct holm_control control = {.type = type};
    for (uint32_t i = 0; i < sim->count; i++)
        holm_sim_send(sim, &sim->cities[i], &control);
}

void holm_sim_send_text(struct holm_sim *sim, struct holm_sim_city *city,
                        enum holm_control_type type, const char *text)
{
    struct holm_control control = {.type = type};
    (void)snprintf(control.text, sizeof control.text, "%s", text);
    holm_sim_send(sim, city, &control);
}

/* The story runs in one phase alone; in all others a city keeps still. */
void holm_sim_send_hold(struct holm_sim *sim, struct holm_sim_city *city)
{
    struct holm_control control = {.type = HOLM_CONTROL_LETTER, .letter.token = sim->token};
    control.letter.type = sim->phase == HOLM_SIM_STORY ? HOLM_LETTER_GO : HOLM_LETTER_HOLD;
    holm_sim_send(sim, city, &control);
}

void holm_sim_hold_all(struct holm_sim *sim, bool hold)
{
    struct holm_control control = {.type = HOLM_CONTROL_LETTER, .letter.token = ++sim->token};
    control.letter.type = hold ? HOLM_LETTER_HOLD : HOLM_LETTER_GO;
    for (uint32_t i = 0; i < sim->count; i++)
        holm_sim_send(sim, &sim->cities[i], &control);
}
/* Everybody gets to know a new address; the newcomer has those that were known at its start. */
static void introduce(struct holm_sim *sim, struct holm_sim_city *city, const char *address)
{
    bool known = strcmp(city->address, address) == 0;
    (void)snprintf(city->address, sizeof city->address, "%s", address);
    /* The next life is to be found where this one was. */
    (void)snprintf(city->listen, sizeof city->listen, "%.*s", (int)sizeof city->listen - 1,
                   address);
    for (uint32_t i = 0; i < sim->count && !known; i++) {
        if (&sim->cities[i] != city)
            holm_sim_send_text(sim, &sim->cities[i], HOLM_CONTROL_JOIN, address);
    }
}

static void greet(struct holm_sim *sim, struct holm_sim_city *city,
                  const struct holm_journal_hello *hello)
{
    city->greeted = true;
    if (city->state == HOLM_SIM_STARTING)
        city->state = HOLM_SIM_UP;
    introduce(sim, city, hello->address);
    if (city->lives > 1)
        holm_sim_tell(sim, "%s is back, empty, under epoch %" PRIx64, city->name,
                      hello->self.epoch.value);
}

static void note_op(struct holm_sim *sim, struct holm_sim_city *city,
                    const struct holm_journal_op *op)
{
    city->operations++;
    if (op->verb == HOLM_JOURNAL_DAMAGE) {
        city->fights++;
        if (sim->side != 0)
            sim->split_fights[sim->split_count - 1][sim->side >> (city - sim->cities) & 1]++;
    }
    if (op->verb != HOLM_JOURNAL_BURY)
        return;
    city->burials++;
    holm_sim_tell_burial(sim, city, op->hero);
}

static void check_recovery(struct holm_sim *sim, struct holm_sim_city *city)
{
    const struct holm_ledger_vector *seen = &sim->ledger.lives[city->life].seen;
    for (size_t place = 0; place < city->goal.count; place++) {
        if (holm_ledger_seq(seen, place) < city->goal.seqs[place])
            return;
    }
    city->recovering = false;
    uint64_t took_us = sim->now_us - city->died_us;
    void *room = holm_heap_grow(sim->recoveries_us, &sim->recovery_capacity, sizeof took_us,
                                sim->recovery_count + 1);
    if (room != NULL) {
        sim->recoveries_us = room;
        sim->recoveries_us[sim->recovery_count++] = took_us;
    }
    holm_sim_tell(sim, "%s is whole again, %" PRIu64 " ms after its death", city->name,
                  took_us / 1000);
}

struct reading {
    struct holm_sim *sim;
    struct holm_sim_city *city;
};

static void take_line(void *context, const char *text, size_t size)
{
    const struct reading *reading = context;
    struct holm_sim *sim = reading->sim;
    struct holm_sim_city *city = reading->city;
    struct holm_journal_line line;
    if (!holm_journal_parse(text, size, &line)) {
        sim->torn++;
        return;
    }
    if (holm_ledger_take(&sim->ledger, city->life, &line) != HOLM_OK)
        holm_sim_fail(sim, "no memory for the ledger");
    if (line.type == HOLM_JOURNAL_HELLO)
        greet(sim, city, &line.as.hello);
    else if (line.type == HOLM_JOURNAL_OP)
        note_op(sim, city, &line.as.op);
    else if (line.type == HOLM_JOURNAL_REPORT && city->recovering)
        check_recovery(sim, city);
    else if (line.type == HOLM_JOURNAL_LOG && line.as.log.level <= 1)
        holm_sim_tell(sim, "%s says: %s", city->name, line.as.log.text);
}

bool holm_sim_fleet_read(struct holm_sim *sim, struct holm_sim_city *city)
{
    struct reading reading = {sim, city};
    return sim->ways->read(city, take_line, &reading);
}

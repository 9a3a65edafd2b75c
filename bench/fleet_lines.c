/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stdio.h>

#include "bench/fleet_parts.h"
#include "bench/measure.h"
#include "bench/words.h"

void fleet_tell(struct fleet *fleet, struct ship *ship, const char *format, ...)
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

void fleet_tell_all(struct fleet *fleet, const char *line)
{
    for (uint32_t i = 0; i < fleet->count; i++)
        fleet_tell(fleet, &fleet->ships[i], "%s", line);
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

int64_t fleet_curve_us(const struct fleet *fleet, uint64_t ns)
{
    uint64_t heal_ns = fleet->begin_ns +
                       1000 * (fleet->scenario->calm_us + fleet->scenario->fault_us);
    return ((int64_t)ns - (int64_t)heal_ns) / 1000;
}

static void take_bytes(struct fleet *fleet, uint64_t bytes)
{
    if (fleet->begin_ns > 0)
        holm_bench_curve_add(&fleet->figures->bytes, fleet->scenario,
                             fleet_curve_us(fleet, measure_now_ns()), bytes);
}

void fleet_take_line(void *context, const char *line, size_t size)
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

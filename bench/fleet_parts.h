/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fleet_parts.h - inside a fleet; for bench/fleet*.c alone.
 *
 *     fleet.c         the story
 *     fleet_acts.c    what breaks
 *     fleet_lives.c   processes that begin and end
 *     fleet_lines.c   what they are told, and say
 */
#ifndef HOLM_BENCH_FLEET_PARTS_H
#define HOLM_BENCH_FLEET_PARTS_H

#include "bench/fleet.h"
#include "bench/island.h"
#include "bench/ledger.h"
#include "bench/trial_parts.h"
#include "sim/city/process.h"

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
    char disks
        [32]; /* a directory of stores, where nodes come back from their disks; "": no node has one */
};

/* ---- fleet_lines.c */

/* A line for one that lives, and for all. */
void fleet_tell(struct fleet *fleet, struct ship *ship, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void fleet_tell_all(struct fleet *fleet, const char *line);
/* One of fleet->reading; a holm_process_line. */
void fleet_take_line(void *context, const char *line, size_t size);
/* From the heal on, as curves count. */
int64_t fleet_curve_us(const struct fleet *fleet, uint64_t ns);

/* ---- fleet_lives.c */

void fleet_start(struct fleet *fleet, uint32_t node);
/* Kindly: it is told to, and says goodbye; else it is killed. Waits until it has ended. */
void fleet_end(struct fleet *fleet, struct ship *ship, bool kindly);
/* What has ended, or was made to: what it took is counted. */
void fleet_reap(struct fleet *fleet, struct ship *ship);

/* ---- fleet_acts.c */

void fleet_act(struct fleet *fleet, const struct trial_act *act);
/* From now on everybody is to show what everybody writes. */
void fleet_expect_all(struct fleet *fleet);

#endif

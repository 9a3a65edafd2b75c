/* SPDX-License-Identifier: Apache-2.0 */
/*
 * town.h - all of a city but the process: an actor on a node, and two streams of lines.
 *
 *     control lines -> hear() -> step(): obeys, lets the actor act, reports -> journal lines
 *
 * Whoever hosts it opens the node, brings the lines that come (control.h), calls step() when it said
 * so, when lines came and when the node's watch has news, and takes the lines that it writes
 * (journal.h). A process is one such host (cli/city.c), a simulated world another.
 */
#ifndef HOLM_SIM_CITY_TOWN_H
#define HOLM_SIM_CITY_TOWN_H

#include "node/witness.h"
#include "sim/city/control.h"
#include "sim/city/node_port.h"
#include "sim/city/reporter.h"

struct holm_town {
    struct holm_node *node; /* taken by open(), closed by close() */
    struct holm_witness witness;
    struct holm_node_port port;
    struct holm_city_actor actor; /* .dead: bombed */
    struct holm_reporter reporter;
    struct holm_scribe scribe; /* .failed: nobody reads what it writes */
    char input[65536];
    size_t input_size;
    uint64_t reported_us;
    bool news;  /* set by the host: something may have changed since the last report */
    bool asked; /* a report is wanted in any case */
    bool dump;  /* a dump is wanted, of the story with this seed and so many heroes */
    uint64_t seed;
    uint32_t heroes;
    bool quit; /* it is to end */
};

/* A city of this name, before its node is opened: its log lines go to the target, too. */
void holm_town_init(struct holm_town *town, struct holm_scribe_target target);
/* What its node is to be like: name, listen and seeds are the host's to set. */
struct holm_config holm_town_config(struct holm_town *town);
/* The city begins, on hold, and says hello. The node is the town's, whatever comes of it. What the
 * parts of it answer. */
HOLM_NODISCARD enum holm_status holm_town_open(struct holm_town *town, struct holm_node *node,
                                               const char *name, uint64_t seed, uint64_t beat_us);
/* Closes the node with a farewell. */
void holm_town_close(struct holm_town *town);

/* Where the next control lines are to be put, and how many bytes of them; tell hear() how many were. */
char *holm_town_room(struct holm_town *town, size_t *size);
void holm_town_hear(struct holm_town *town, size_t size);

/* Does all that is due, and returns when to step again, by the node's monotonic clock. */
uint64_t holm_town_step(struct holm_town *town);

/* A line of the log, for the parent. */
void holm_town_complain(struct holm_town *town, const char *what, enum holm_status status);

#endif

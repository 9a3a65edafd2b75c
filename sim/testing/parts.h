/* SPDX-License-Identifier: Apache-2.0 */
/*
 * parts.h - inside a world of <holm/testing.h>; for sim/testing/ alone.
 *
 *     testing.c   the world itself, its trace, its chance
 *     places.c    where nodes live: names and addresses
 *     lives.c     nodes: opened, crashed, closed; the host (node/node.h) of each
 *     time.c      how time passes; timers and callbacks
 *     faults.c    paths, cuts, clocks
 *     agree.c     whether nodes agree
 *     explain.c   in what they do not
 *     seeds.c     stories played for many seeds
 *
 * A place is a node of sim/world with the same number. Each of its lives is a `struct holm_node` on
 * the engine that the world gave it; it stays when the life has ended, until it is closed.
 *
 * Invariants:
 *     T1  a place has a life exactly while the world's node of its number lives
 *     T2  timers are sorted by time, then by the order in which they were asked for
 *     T3  a timer's life has not ended
 */
#ifndef HOLM_SIM_TESTING_PARTS_H
#define HOLM_SIM_TESTING_PARTS_H

#include <holm/testing.h>
#include <stdio.h>

#include "node/node.h"
#include "node/random.h"
#include "sim/world/world.h"

#define HOLM_TESTING_TEXT_BYTES 128 /* of a name or an address, NUL included */
#define HOLM_TESTING_WHY_BYTES 512

struct holm_testing_life;

struct holm_testing_place {
    char name[HOLM_TESTING_TEXT_BYTES];   /* "" until somebody is opened here */
    char listen[HOLM_TESTING_TEXT_BYTES]; /* another address of it; "": none */
    char cluster[HOLM_TESTING_TEXT_BYTES];
    char *seeds;
    struct holm_config config; /* as it was opened last; its strings are those above */
    struct holm_testing_life *life;
};

struct holm_testing_life {
    struct holm_testing *world;
    uint32_t place;
    struct holm_node *node;
    struct holm_witness witness;
    void (*changed)(void *context);
    void *changed_context;
    bool news; /* something has changed since `changed` was called */
    struct holm_testing_life *next;
};

struct holm_testing_timer {
    uint64_t due_us;
    struct holm_testing_life *life; /* NULL: the world's own */
    void (*call)(void *context);
    void *context;
    struct holm_testing_timer *next;
};

struct holm_testing {
    struct holm_world *world;
    uint64_t seed;
    struct holm_random random;
    struct holm_testing_place **places; /* by the numbers of the world's nodes */
    uint32_t place_count;
    struct holm_testing_life *lives; /* ended ones, too, until they are closed */
    struct holm_testing_timer *timers;
    uint64_t busy_us; /* the moment at which callbacks were called last … */
    uint32_t busy;    /* … and how often */
    void (*line)(void *context, const char *text);
    void *line_context;
    char why[HOLM_TESTING_WHY_BYTES];
};

/* testing.c: a mistake in the test, or no memory: says so, and ends the program. */
_Noreturn void holm_testing_fail(const struct holm_testing *world, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* calloc, or the end. */
void *holm_testing_allocate(const struct holm_testing *world, size_t size);
/* A world that does not say its seed. */
struct holm_testing *holm_testing_new_quiet(uint64_t seed);
/* A variable of the environment as a number; false when it is not set, or is none. */
bool holm_testing_environment(const char *name, uint64_t *number);
/* What a trace does that goes to stderr. */
void holm_testing_line_to_stderr(void *context, const char *text);

/* places.c: a place by its name; a mistake when there is none. */
uint32_t holm_testing_place_of(const struct holm_testing *world, struct holm_bytes name);
/* By a name or an address, or a new one, for whoever is opened there later. HOLM_EADDRESS, HOLM_ELIMIT */
HOLM_NODISCARD enum holm_status holm_testing_resolve(struct holm_testing *world,
                                                     struct holm_bytes address, uint32_t *place);
/* The place of a node of this configuration, which is kept there. HOLM_EADDRESS, HOLM_ELIMIT */
HOLM_NODISCARD enum holm_status holm_testing_settle(struct holm_testing *world,
                                                    const struct holm_config *config,
                                                    uint32_t *place);
/* Calls for each place that is named, in the order of the names; NULL: for each that has a name. */
void holm_testing_each(struct holm_testing *world, const char *names,
                       void (*call)(struct holm_testing *world, uint32_t place, void *context),
                       void *context);

/* lives.c: begins a life at a place, as its configuration says. What holm_engine_open() answers. */
HOLM_NODISCARD enum holm_status holm_testing_begin(struct holm_testing *world, uint32_t place);
void holm_testing_lives_free(struct holm_testing *world);
/* holm_open() has nothing to do with this world any more. */
void holm_testing_left(const struct holm_testing *world);

/* time.c: goes on to what happens next, or to `to_us`. True when something was called back. */
bool holm_testing_step(struct holm_testing *world, uint64_t to_us);
/* Those of one life; NULL: all. */
void holm_testing_timers_free(struct holm_testing *world, const struct holm_testing_life *life);

/* agree.c: the first partition in which two places differ that should not. False: all agree. */
struct holm_testing_difference {
    uint32_t a, b, partition;
};
bool holm_testing_differ(const struct holm_testing *world,
                         struct holm_testing_difference *difference);
/* explain.c: fills `why`. */
void holm_testing_explain(struct holm_testing *world);

#endif

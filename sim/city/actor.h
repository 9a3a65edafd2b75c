/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actor.h - a city that lives: a mailbox, its own replica of all heroes, two timers.
 *
 *     step(now):  take the news of the replica
 *                 read the letters, oldest first
 *                 if the patrol timer is due: patrol
 *                 if the fight timer is due: fight
 *                 -> when to call again
 *
 * An actor never waits for another city, nor for anything else: a step only reads and writes its
 * own replica. Whoever hosts it (a process, or a world with virtual time) calls step when the time
 * has come, when a letter was put in, and when the replica has news.
 *
 * An actor begins on hold: its timers stand still until a GO comes. A beat that was missed (a
 * frozen process) is not made up for.
 */
#ifndef HOLM_SIM_CITY_ACTOR_H
#define HOLM_SIM_CITY_ACTOR_H

#include "crdt/base.h"
#include "sim/city/city.h"
#include "sim/city/mailbox.h"

#define HOLM_CITY_BEAT_US 5000000 /* both timers, in time of the story */
#define HOLM_CITY_LETTERS_MAX 1024

struct holm_city_actor {
    struct holm_city city;
    struct holm_mailbox mailbox;
    uint64_t beat_us;
    uint64_t patrol_us, fight_us; /* when due, monotonic */
    uint64_t token;               /* of the last HOLD or GO read */
    bool held;
    bool dead; /* bombed: its host throws it and its replica away */
};

/*
 * An actor on hold, with an empty mailbox. `beat_us` is the timers' interval in the host's time;
 * the timers' first beats are drawn from the seed, so that cities do not march in step.
 * HOLM_EINVAL (name, beat), HOLM_ENOMEM.
 */
HOLM_NODISCARD enum holm_status holm_city_actor_init(struct holm_city_actor *actor,
                                                     const char *name,
                                                     const struct holm_city_port *port,
                                                     uint64_t seed, uint64_t beat_us);
void holm_city_actor_release(struct holm_city_actor *actor);

/* Copies a letter into the mailbox. HOLM_ELIMIT: it is full; step, then try again. */
HOLM_NODISCARD enum holm_status holm_city_actor_post(struct holm_city_actor *actor,
                                                     const struct holm_letter *letter);

/* Does all that is due, and returns when to step again, monotonic: HOLM_NEVER when only a letter
 * or news can wake it. */
uint64_t holm_city_actor_step(struct holm_city_actor *actor, struct holm_now now);

#endif

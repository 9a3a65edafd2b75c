/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hero.h - a hero, as a record and as a struct.
 *
 *     hero:6f1d0c52-93ab-4d1e-8a07-1c5b7a0e9d33
 *         name        register  "Silver Otter"
 *         city        register  "lisbon"           where it is
 *         patrolling  flag      on
 *         health      counter   93                 begins at 100
 *         updated     max       1763712000123      wall milliseconds of the last deed
 *
 * Each deed is one batch, so a replica shows all of it or nothing. Health is an exact sum of what
 * happened anywhere: two fights in two halves of a netsplit both count, and two boosts that do not
 * know each other may lift the sum over 100. The sum is kept as it is; what is shown is at most 100.
 *
 * Nothing here decides whether a deed should be done; that is the city's part (city.h).
 */
#ifndef HOLM_SIM_CITY_HERO_H
#define HOLM_SIM_CITY_HERO_H

#include "sim/city/port.h"

#define HOLM_HERO_PREFIX "hero:"
#define HOLM_HERO_KEY_BYTES 41 /* the prefix and a UUID as text */
#define HOLM_HERO_HEALTH_MAX 100
#define HOLM_HERO_NAME_BYTES_MAX 47
#define HOLM_CITY_NAME_BYTES_MAX 31

struct holm_hero_id {
    uint64_t high, low; /* a UUID, as two halves, high first */
};

struct holm_hero {
    struct holm_hero_id id;
    char name[HOLM_HERO_NAME_BYTES_MAX + 1]; /* cut to size, as is city */
    char city[HOLM_CITY_NAME_BYTES_MAX + 1];
    bool patrolling;
    int64_t health; /* the exact sum */
    int64_t updated_ms;
};

/* Negative, zero, positive: the order of the keys. */
int holm_hero_id_compare(struct holm_hero_id a, struct holm_hero_id b);

/* A version 4 UUID made of two random words. */
struct holm_hero_id holm_hero_id_make(uint64_t high, uint64_t low);

/* Writes the key and a NUL. */
void holm_hero_key(struct holm_hero_id id, char key[HOLM_HERO_KEY_BYTES + 1]);

/* Reads a key. False, with *id untouched, when it is not a hero's. */
bool holm_hero_parse(struct holm_bytes key, struct holm_hero_id *id);

/* The health that people see: at most 100. */
int64_t holm_hero_health(const struct holm_hero *hero);

/* Alive is who is present and has health left. */
bool holm_hero_alive(const struct holm_hero *hero);

/*
 * Reads a hero as this replica has it.
 *   HOLM_EBURIED  it is dead
 *   HOLM_ENOENT   nobody here has heard of it
 */
HOLM_NODISCARD enum holm_status holm_hero_read(const struct holm_city_port *port,
                                               struct holm_hero_id id, struct holm_hero *hero);

/*
 * Lists every hero that is present, in any order. *ids is the caller's to free(); NULL when there
 * is none. What the port's scan answers; HOLM_ENOMEM.
 */
HOLM_NODISCARD enum holm_status holm_hero_list(const struct holm_city_port *port,
                                               struct holm_hero_id **ids, size_t *count);

/*
 * The deeds. Each is one batch; each stamps `updated` with the time given.
 *   HOLM_EBURIED  the hero is dead; nothing is written
 *   and what else the port's commit answers
 */
HOLM_NODISCARD enum holm_status holm_hero_create(const struct holm_city_port *port,
                                                 struct holm_hero_id id, const char *name,
                                                 const char *city, uint64_t wall_ms);
HOLM_NODISCARD enum holm_status holm_hero_patrol(const struct holm_city_port *port,
                                                 struct holm_hero_id id, uint64_t wall_ms);
/* Takes `damage` from its health. */
HOLM_NODISCARD enum holm_status holm_hero_hurt(const struct holm_city_port *port,
                                               struct holm_hero_id id, int64_t damage,
                                               uint64_t wall_ms);
/* Brings it to `city`, off patrol, and adds `boost` to its health (0: adds nothing). */
HOLM_NODISCARD enum holm_status holm_hero_move(const struct holm_city_port *port,
                                               const struct holm_hero *hero, const char *city,
                                               int64_t boost, uint64_t wall_ms);
/* Buries it, for good. A buried one stays buried: HOLM_OK. */
HOLM_NODISCARD enum holm_status holm_hero_bury(const struct holm_city_port *port,
                                               struct holm_hero_id id);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * city.h - what a city does with its heroes.
 *
 *     patrol   a random hero that is in the city goes on patrol
 *     fight    a random hero of the city on patrol loses 5 to 15 health
 *     look     takes the news of its replica; buries each hero of its own whose health is used up
 *     assign   a living hero comes to the city, stops patrolling, and gains up to 20 health, never
 *              above 100 as this city sees it; a buried one is refused
 *     create, delete (which is a burial)
 *
 * A city acts only on what its own replica says. When another city writes at the same time, both
 * writes count, and the records say what comes of it: two fights both hurt, the later assignment
 * holds, a burial beats everything.
 *
 * No clock and no chance from outside: time is an argument, the dice are the city's own.
 */
#ifndef HOLM_SIM_CITY_CITY_H
#define HOLM_SIM_CITY_CITY_H

#include "sim/city/census.h"
#include "sim/city/dice.h"
#include "sim/city/hero.h"

#define HOLM_CITY_DAMAGE_MIN 5
#define HOLM_CITY_DAMAGE_MAX 15
#define HOLM_CITY_BOOST_MAX 20

/* What a city has done in this life. */
struct holm_city_figures {
    uint64_t patrols, fights, fallen, assigned, created, deleted;
    uint64_t refused; /* assignments of the dead and the unknown */
    uint64_t errors;  /* writes that the replica did not take, for another reason than death */
};

struct holm_city {
    char name[HOLM_CITY_NAME_BYTES_MAX + 1];
    const struct holm_city_port *port; /* borrowed for the city's life */
    struct holm_dice dice;
    struct holm_census census;
    struct holm_city_figures figures;
    bool rescan; /* the census has to be taken anew */
};

/* A city whose census is still to be taken: look first. HOLM_EINVAL: the name is empty or too long */
HOLM_NODISCARD enum holm_status holm_city_init(struct holm_city *city, const char *name,
                                               const struct holm_city_port *port, uint64_t seed);
void holm_city_release(struct holm_city *city);

/* Takes all news, and buries the fallen of this city. O(news), O(heroes) after NEWS_ALL. */
void holm_city_look(struct holm_city *city);

/* The deeds. What came of them is in the figures; a deed for which there is no hero does nothing. */
void holm_city_patrol(struct holm_city *city, uint64_t wall_ms);
void holm_city_fight(struct holm_city *city, uint64_t wall_ms);

/* HOLM_EBURIED: the hero is dead, or about to be. HOLM_ENOENT: it is unknown here. */
enum holm_status holm_city_assign(struct holm_city *city, struct holm_hero_id id, uint64_t wall_ms);
enum holm_status holm_city_create(struct holm_city *city, struct holm_hero_id id, const char *name,
                                  uint64_t wall_ms);
enum holm_status holm_city_delete(struct holm_city *city, struct holm_hero_id id);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * story.h - what happens to the cities from outside, drawn from the seed before anything happens.
 *
 *     0 s          2.9 s   4.1 s          9.0 s     12.7 s                     20 s
 *     |--- assign, create, delete, all the time ------------------------------|
 *                  split                  heal
 *                          bomb oslo                bomb lima
 *
 * The same settings draw the same story. What the cities do by themselves (patrols, fights, deaths)
 * is theirs, and depends on when they hear of what.
 *
 * Times are of the story's wall clock, from its begin. A story stops while the cities are converging
 * after a heal; that is its teller's business.
 */
#ifndef HOLM_SIM_CITY_STORY_H
#define HOLM_SIM_CITY_STORY_H

#include "sim/city/hero.h"

#define HOLM_STORY_CITIES_MIN 2
#define HOLM_STORY_CITIES_MAX 64
#define HOLM_STORY_HEROES_MAX 100000
#define HOLM_STORY_SECONDS_MAX 86400
#define HOLM_STORY_SPEED_MAX 1000

struct holm_story_config {
    uint64_t seed;
    uint32_t cities, heroes, seconds, speed, bombs, splits;
};

enum holm_story_type {
    HOLM_STORY_ASSIGN = 1, /* hero comes to city */
    HOLM_STORY_CREATE = 2, /* hero is born in city */
    HOLM_STORY_DELETE = 3, /* city buries hero */
    HOLM_STORY_BOMB = 4,   /* city */
    HOLM_STORY_SPLIT = 5,  /* the cities of `side` from all others */
    HOLM_STORY_HEAL = 6    /* of the last split */
};

struct holm_story_event {
    uint64_t at_us;
    enum holm_story_type type;
    uint32_t city;
    uint32_t hero; /* a number: heroes are numbered in the order in which they are planned */
    uint64_t side; /* one bit a city */
};

struct holm_story {
    struct holm_story_config config;
    uint32_t *births; /* the city of each of the first heroes, born before the story begins */
    struct holm_story_event *events; /* by time */
    size_t count, capacity;
    uint32_t heroes; /* born before and planned to be born in the story */
};

/* How many bombs fit, so that no city is bombed more often than its supervisor would bear. */
uint32_t holm_story_bombs_max(uint32_t cities, uint32_t seconds);
/* How many splits fit one after the other, of at least half a second each. */
uint32_t holm_story_splits_max(uint32_t seconds);

/* Draws the story. HOLM_EINVAL: a setting is out of range. HOLM_ENOMEM. */
HOLM_NODISCARD enum holm_status holm_story_draw(struct holm_story *story,
                                                const struct holm_story_config *config);
void holm_story_release(struct holm_story *story);

/* The hero of this number. */
struct holm_hero_id holm_story_hero(uint64_t seed, uint32_t number);
void holm_story_hero_name(uint64_t seed, uint32_t number, char name[HOLM_HERO_NAME_BYTES_MAX + 1]);

/* The name of a city; one lower-case word. index is below HOLM_STORY_CITIES_MAX. */
const char *holm_story_city(uint32_t index);

#endif

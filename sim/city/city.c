/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/city/city.h"

#include <stdlib.h>

enum holm_status holm_city_init(struct holm_city *city, const char *name,
                                const struct holm_city_port *port, uint64_t seed)
{
    size_t length = strlen(name);
    if (length == 0 || length > HOLM_CITY_NAME_BYTES_MAX)
        return HOLM_EINVAL;
    *city = (struct holm_city){.port = port, .rescan = true};
    memcpy(city->name, name, length + 1);
    holm_dice_init(&city->dice, seed);
    holm_census_init(&city->census);
    return HOLM_OK;
}

void holm_city_release(struct holm_city *city)
{
    holm_census_release(&city->census);
}

/* Brings one line of the census up to date. */
static void refresh(struct holm_city *city, struct holm_hero_id id)
{
    struct holm_hero hero;
    enum holm_status status = holm_hero_read(city->port, id, &hero);
    if (status == HOLM_ENOENT || status == HOLM_EBURIED) {
        holm_census_drop(&city->census, id);
        return;
    }
    if (status == HOLM_OK) {
        struct holm_census_entry entry = {
            .id = id,
            .here = strcmp(hero.city, city->name) == 0,
            .patrolling = hero.patrolling,
            .fallen = !holm_hero_alive(&hero),
        };
        status = holm_census_put(&city->census, entry);
    }
    /* What could not be read or noted is found again by the next whole look. */
    if (status != HOLM_OK) {
        city->figures.errors++;
        city->rescan = true;
    }
}

/* Counts what a write came to. True when it was done. */
static bool done(struct holm_city *city, enum holm_status status)
{
    if (status != HOLM_OK && status != HOLM_EBURIED)
        city->figures.errors++;
    return status == HOLM_OK;
}

static void bury_fallen(struct holm_city *city)
{
    struct holm_hero_id id = {0, 0};
    while (holm_census_fallen(&city->census, &id)) {
        struct holm_hero hero;
        bool fallen = holm_hero_read(city->port, id, &hero) == HOLM_OK &&
                      strcmp(hero.city, city->name) == 0 && !holm_hero_alive(&hero);
        if (fallen && done(city, holm_hero_bury(city->port, id)))
            city->figures.fallen++;
        refresh(city, id);
        /* On to the next: one that could not be buried now must not hold up the others. */
        id.low++;
        if (id.low == 0)
            id.high++;
    }
}

static void take_census(struct holm_city *city)
{
    struct holm_hero_id *ids;
    size_t count;
    enum holm_status status = holm_hero_list(city->port, &ids, &count);
    city->rescan = status != HOLM_OK;
    if (city->rescan) {
        city->figures.errors++;
        return;
    }
    holm_census_clear(&city->census);
    for (size_t i = 0; i < count; i++)
        refresh(city, ids[i]);
    free(ids);
}

static void take_news(struct holm_city *city)
{
    char key[HOLM_CITY_KEY_BYTES_MAX];
    size_t size = 0;
    struct holm_hero_id id;
    for (;;) {
        switch (city->port->news(city->port->context, key, &size)) {
        case HOLM_CITY_NEWS_KEY:
            if (!city->rescan && holm_hero_parse(holm_mem(key, size), &id))
                refresh(city, id);
            break;
        case HOLM_CITY_NEWS_ALL:
            city->rescan = true;
            break;
        case HOLM_CITY_NEWS_NONE:
            return;
        }
    }
}

void holm_city_look(struct holm_city *city)
{
    take_news(city);
    if (city->rescan)
        take_census(city);
    bury_fallen(city);
}

void holm_city_patrol(struct holm_city *city, uint64_t wall_ms)
{
    struct holm_hero_id id;
    if (!holm_census_draw(&city->census, false, &city->dice, &id))
        return;
    if (done(city, holm_hero_patrol(city->port, id, wall_ms)))
        city->figures.patrols++;
    refresh(city, id);
}

void holm_city_fight(struct holm_city *city, uint64_t wall_ms)
{
    struct holm_hero_id id;
    if (!holm_census_draw(&city->census, true, &city->dice, &id))
        return;
    int64_t damage = holm_dice_between(&city->dice, HOLM_CITY_DAMAGE_MIN, HOLM_CITY_DAMAGE_MAX);
    if (done(city, holm_hero_hurt(city->port, id, damage, wall_ms)))
        city->figures.fights++;
    refresh(city, id);
    bury_fallen(city);
}

enum holm_status holm_city_assign(struct holm_city *city, struct holm_hero_id id, uint64_t wall_ms)
{
    struct holm_hero hero;
    enum holm_status status = holm_hero_read(city->port, id, &hero);
    if (status == HOLM_OK && !holm_hero_alive(&hero))
        status = HOLM_EBURIED; /* its city is about to see it */
    if (status == HOLM_OK) {
        int64_t room = HOLM_HERO_HEALTH_MAX - holm_hero_health(&hero);
        int64_t boost = room < HOLM_CITY_BOOST_MAX ? room : HOLM_CITY_BOOST_MAX;
        status = holm_hero_move(city->port, &hero, city->name, boost, wall_ms);
    }
    if (status == HOLM_OK)
        city->figures.assigned++;
    else if (status == HOLM_EBURIED || status == HOLM_ENOENT)
        city->figures.refused++;
    else
        city->figures.errors++;
    refresh(city, id);
    return status;
}

enum holm_status holm_city_create(struct holm_city *city, struct holm_hero_id id, const char *name,
                                  uint64_t wall_ms)
{
    enum holm_status status = holm_hero_create(city->port, id, name, city->name, wall_ms);
    if (done(city, status))
        city->figures.created++;
    refresh(city, id);
    return status;
}

enum holm_status holm_city_delete(struct holm_city *city, struct holm_hero_id id)
{
    enum holm_status status = holm_hero_bury(city->port, id);
    if (done(city, status))
        city->figures.deleted++;
    refresh(city, id);
    return status;
}

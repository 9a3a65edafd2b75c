/* SPDX-License-Identifier: Apache-2.0 */
/*
 * city_memory.h - a city's port on a table in memory: one replica, without a network.
 *
 * Heroes are kept as structs. Several cities may share one table, which is then as if every write
 * had reached every city at once; tests write to it directly to play the other cities.
 */
#ifndef HOLM_TESTS_UNIT_CITY_MEMORY_H
#define HOLM_TESTS_UNIT_CITY_MEMORY_H

#include "sim/city/hero.h"

#define MEMORY_HEROES_MAX 256

struct memory_hero {
    struct holm_hero hero;
    bool present;
    bool buried;
    char sibling[HOLM_CITY_NAME_BYTES_MAX + 1]; /* a losing value of `city`; "" for none */
    bool news;
};

struct memory {
    struct memory_hero heroes[MEMORY_HEROES_MAX];
    size_t count;
    bool all_news;            /* the next news says ALL */
    enum holm_status refusal; /* what commit answers instead of doing it; HOLM_OK: it does it */
    size_t commits;           /* batches taken */
    struct holm_city_port port;
};

void memory_init(struct memory *memory);
/* Finds a hero's line, made if need be; marks it as news. */
struct memory_hero *memory_touch(struct memory *memory, struct holm_hero_id id);
/* Puts a living hero there, as if another city had. */
void memory_add(struct memory *memory, struct holm_hero_id id, const char *city, int64_t health,
                bool patrolling);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * census.h - what a city last read of every hero, so that it need not read all to pick one.
 *
 * A table sorted by id, kept in step with the replica through the news of the port. It only says
 * whom to look at: before a city does anything to a hero it reads the replica again.
 *
 * Invariants, verified by holm_census_check():
 *     C1  entries are sorted by id, each id once
 *     C2  the tallies are those of the entries
 */
#ifndef HOLM_SIM_CITY_CENSUS_H
#define HOLM_SIM_CITY_CENSUS_H

#include "sim/city/dice.h"
#include "sim/city/hero.h"

struct holm_census_entry {
    struct holm_hero_id id;
    bool here; /* in this city */
    bool patrolling;
    bool fallen; /* its health is used up */
};

struct holm_census {
    struct holm_census_entry *entries;
    size_t count, capacity;
    size_t here, patrolling, fallen; /* patrolling and fallen: of those here */
};

void holm_census_init(struct holm_census *census);
void holm_census_release(struct holm_census *census);
void holm_census_clear(struct holm_census *census);

/* Enters or replaces one hero. O(log n), for a new one O(n). HOLM_ENOMEM. */
HOLM_NODISCARD enum holm_status holm_census_put(struct holm_census *census,
                                                struct holm_census_entry entry);
/* Strikes one hero off; one that is not there is ignored. O(n). */
void holm_census_drop(struct holm_census *census, struct holm_hero_id id);

/*
 * Draws one of the living heroes here that are (or are not) on patrol, each as likely. False when
 * there is none. O(n).
 */
bool holm_census_draw(const struct holm_census *census, bool patrolling, struct holm_dice *dice,
                      struct holm_hero_id *id);

/* The first hero here, from *id on, whose health is used up. False when there is none. O(n). */
bool holm_census_fallen(const struct holm_census *census, struct holm_hero_id *id);

/* C1 and C2. Asserts. O(n). */
void holm_census_check(const struct holm_census *census);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/city/census.h"

#include <stdlib.h>

#include "crdt/base.h"
#include "sim/city/heap.h"

void holm_census_init(struct holm_census *census)
{
    *census = (struct holm_census){0};
}

void holm_census_release(struct holm_census *census)
{
    free(census->entries);
    holm_census_init(census);
}

void holm_census_clear(struct holm_census *census)
{
    census->count = census->here = census->patrolling = census->fallen = 0;
}

/* The first place whose id is not below the one sought. */
static size_t lower_bound(const struct holm_census *census, struct holm_hero_id id)
{
    size_t low = 0;
    size_t high = census->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (holm_hero_id_compare(census->entries[middle].id, id) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool is_at(const struct holm_census *census, size_t place, struct holm_hero_id id)
{
    return place < census->count && holm_hero_id_compare(census->entries[place].id, id) == 0;
}

static void tally(struct holm_census *census, const struct holm_census_entry *entry, bool add)
{
    size_t one = add ? 1 : SIZE_MAX; /* adding SIZE_MAX takes one away */
    if (!entry->here)
        return;
    census->here += one;
    if (entry->patrolling)
        census->patrolling += one;
    if (entry->fallen)
        census->fallen += one;
}

enum holm_status holm_census_put(struct holm_census *census, struct holm_census_entry entry)
{
    size_t place = lower_bound(census, entry.id);
    if (is_at(census, place, entry.id)) {
        tally(census, &census->entries[place], false);
    } else {
        void *room = holm_heap_grow(census->entries, &census->capacity, sizeof entry,
                                    census->count + 1);
        if (room == NULL)
            return HOLM_ENOMEM;
        census->entries = room;
        memmove(&census->entries[place + 1], &census->entries[place],
                (census->count - place) * sizeof entry);
        census->count++;
    }
    census->entries[place] = entry;
    tally(census, &entry, true);
    return HOLM_OK;
}

void holm_census_drop(struct holm_census *census, struct holm_hero_id id)
{
    size_t place = lower_bound(census, id);
    if (!is_at(census, place, id))
        return;
    tally(census, &census->entries[place], false);
    census->count--;
    memmove(&census->entries[place], &census->entries[place + 1],
            (census->count - place) * sizeof census->entries[0]);
}

static bool is_eligible(const struct holm_census_entry *entry, bool patrolling)
{
    return entry->here && !entry->fallen && entry->patrolling == patrolling;
}

bool holm_census_draw(const struct holm_census *census, bool patrolling, struct holm_dice *dice,
                      struct holm_hero_id *id)
{
    uint64_t eligible = 0;
    for (size_t i = 0; i < census->count; i++)
        eligible += is_eligible(&census->entries[i], patrolling) ? 1 : 0;
    if (eligible == 0)
        return false;
    uint64_t drawn = holm_dice_below(dice, eligible);
    for (size_t i = 0; i < census->count; i++) {
        if (!is_eligible(&census->entries[i], patrolling))
            continue;
        if (drawn == 0) {
            *id = census->entries[i].id;
            return true;
        }
        drawn--;
    }
    return false;
}

bool holm_census_fallen(const struct holm_census *census, struct holm_hero_id *id)
{
    if (census->fallen == 0)
        return false;
    for (size_t i = lower_bound(census, *id); i < census->count; i++) {
        if (census->entries[i].here && census->entries[i].fallen) {
            *id = census->entries[i].id;
            return true;
        }
    }
    return false;
}

void holm_census_check(const struct holm_census *census)
{
    struct holm_census counted = {0};
    for (size_t i = 0; i < census->count; i++) {
        if (i > 0)
            HOLM_ASSERT(holm_hero_id_compare(census->entries[i - 1].id, census->entries[i].id) < 0);
        tally(&counted, &census->entries[i], true);
    }
    HOLM_ASSERT(counted.here == census->here);
    HOLM_ASSERT(counted.patrolling == census->patrolling);
    HOLM_ASSERT(counted.fallen == census->fallen);
}

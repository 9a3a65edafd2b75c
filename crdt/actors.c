/* SPDX-License-Identifier: Apache-2.0 */
#include "crdt/actors.h"

#include <xxhash.h>

#include "crdt/vector.h"

void holm_actors_init(struct holm_actors *actors, const struct holm_allocator *allocator,
                      uint64_t seed, size_t count_max)
{
    memset(actors, 0, sizeof *actors);
    actors->allocator = *allocator;
    actors->seed = seed;
    actors->count_max = count_max < HOLM_ACTOR_NONE ? count_max : HOLM_ACTOR_NONE - 1;
}

void holm_actors_release(struct holm_actors *actors)
{
    holm_array_free(&actors->allocator, actors->rows, actors->rows_capacity, sizeof *actors->rows);
    holm_array_free(&actors->allocator, actors->sorted, actors->sorted_capacity,
                    sizeof *actors->sorted);
    memset(actors, 0, sizeof *actors);
}

/* The first place in `sorted` whose actor is not below. */
static size_t place_of(const struct holm_actors *actors, struct holm_actor actor)
{
    size_t low = 0;
    size_t high = actors->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (holm_actor_compare(actors->rows[actors->sorted[middle]].actor, actor) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool stands_at(const struct holm_actors *actors, size_t place, struct holm_actor actor)
{
    return place < actors->count &&
           holm_actor_equal(actors->rows[actors->sorted[place]].actor, actor);
}

uint32_t holm_actors_find(const struct holm_actors *actors, struct holm_actor actor)
{
    size_t place = place_of(actors, actor);
    return stands_at(actors, place, actor) ? actors->sorted[place] : HOLM_ACTOR_NONE;
}

enum holm_status holm_actors_intern(struct holm_actors *actors, struct holm_actor actor,
                                    uint32_t *index)
{
    size_t place = place_of(actors, actor);
    if (stands_at(actors, place, actor)) {
        *index = actors->sorted[place];
        return HOLM_OK;
    }
    if (actors->count >= actors->count_max)
        return HOLM_ELIMIT;
    void *rows = actors->rows;
    void *sorted = actors->sorted;
    enum holm_status status = holm_array_reserve(&actors->allocator, &rows, &actors->rows_capacity,
                                                 sizeof *actors->rows, actors->count + 1);
    actors->rows = rows;
    if (status == HOLM_OK)
        status = holm_array_reserve(&actors->allocator, &sorted, &actors->sorted_capacity,
                                    sizeof *actors->sorted, actors->count + 1);
    actors->sorted = sorted;
    if (status != HOLM_OK)
        return status;
    memmove(actors->sorted + place + 1, actors->sorted + place,
            (actors->count - place) * sizeof *actors->sorted);
    *index = (uint32_t)actors->count;
    actors->sorted[place] = *index;
    actors->rows[*index] = (struct holm_actor_row){.actor = actor};
    actors->count += 1;
    return HOLM_OK;
}

static uint64_t term(const struct holm_actors *actors, const struct holm_actor_row *row)
{
    uint64_t words[3] = {row->actor.node.value, row->actor.epoch.value, row->seq};
    return row->seq == 0 ? 0 : XXH3_64bits_withSeed(words, sizeof words, actors->seed);
}

void holm_actors_raise(struct holm_actors *actors, uint32_t index, uint64_t seq)
{
    HOLM_ASSERT(index < actors->count);
    struct holm_actor_row *row = &actors->rows[index];
    HOLM_ASSERT(seq >= row->seq);
    if (seq == row->seq)
        return;
    actors->entries += row->seq == 0 ? 1 : 0;
    actors->hash -= term(actors, row);
    row->seq = seq;
    row->changed = true;
    actors->hash += term(actors, row);
}

void holm_actors_told(struct holm_actors *actors)
{
    for (size_t i = 0; i < actors->count; i++)
        actors->rows[i].changed = false;
}

size_t holm_actors_copy(const struct holm_actors *actors, bool only_changed, uint32_t except,
                        struct holm_dot *entries, size_t capacity)
{
    size_t found = 0;
    for (size_t i = 0; i < actors->count; i++) {
        const struct holm_actor_row *row = &actors->rows[actors->sorted[i]];
        if (row->seq == 0 || (only_changed && !row->changed) || actors->sorted[i] == except)
            continue;
        if (found < capacity)
            entries[found] = (struct holm_dot){row->actor, row->seq};
        found += 1;
    }
    return found;
}

bool holm_actors_cover(const struct holm_actors *actors, struct holm_vector_view view)
{
    for (size_t i = 0; i < view.count; i++) {
        uint32_t index = holm_actors_find(actors, view.entries[i].actor);
        if (index == HOLM_ACTOR_NONE || actors->rows[index].seq < view.entries[i].seq)
            return false;
    }
    return true;
}

uint64_t holm_vector_view_seq(struct holm_vector_view view, struct holm_actor actor)
{
    size_t low = 0;
    size_t high = view.count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = holm_actor_compare(view.entries[middle].actor, actor);
        if (order == 0)
            return view.entries[middle].seq;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return 0;
}

bool holm_vector_view_valid(struct holm_vector_view view)
{
    for (size_t i = 0; i < view.count; i++) {
        if (view.entries[i].seq == 0 || view.entries[i].seq == HOLM_SEQ_FOLDED)
            return false;
        if (i > 0 && holm_actor_compare(view.entries[i - 1].actor, view.entries[i].actor) >= 0)
            return false;
    }
    return true;
}

void holm_actors_check(const struct holm_actors *actors)
{
    uint64_t hash = 0;
    size_t entries = 0;
    for (size_t i = 0; i < actors->count; i++) {
        HOLM_ASSERT(actors->sorted[i] < actors->count);
        const struct holm_actor_row *row = &actors->rows[actors->sorted[i]];
        if (i > 0)
            HOLM_ASSERT(holm_actor_compare(actors->rows[actors->sorted[i - 1]].actor, row->actor) <
                        0);
        HOLM_ASSERT(row->floor <= row->seq);
        hash += term(actors, row);
        entries += row->seq > 0 ? 1 : 0;
    }
    HOLM_ASSERT(hash == actors->hash);
    HOLM_ASSERT(entries == actors->entries);
}

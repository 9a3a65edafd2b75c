/* SPDX-License-Identifier: Apache-2.0 */
#include "crdt/actors.h"

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
    size_t high = actors->known;
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
    return place < actors->known &&
           holm_actor_equal(actors->rows[actors->sorted[place]].actor, actor);
}

uint32_t holm_actors_find(const struct holm_actors *actors, struct holm_actor actor)
{
    size_t place = place_of(actors, actor);
    return stands_at(actors, place, actor) ? actors->sorted[place] : HOLM_ACTOR_NONE;
}

static struct holm_actor fold_of(struct holm_node_id node)
{
    return (struct holm_actor){node, {0}};
}

uint64_t holm_actors_floor(const struct holm_actors *actors, struct holm_node_id node)
{
    if (actors->folds == 0)
        return 0;
    uint32_t index = holm_actors_find(actors, fold_of(node));
    return index == HOLM_ACTOR_NONE ? 0 : actors->rows[index].floor;
}

size_t holm_actors_place(const struct holm_actors *actors, uint32_t index)
{
    HOLM_ASSERT(index < actors->count && !actors->rows[index].vacant);
    size_t place = place_of(actors, actors->rows[index].actor);
    HOLM_ASSERT(place < actors->known && actors->sorted[place] == index);
    return place;
}

static bool is_folded(const struct holm_actors *actors, struct holm_actor actor)
{
    return actor.epoch.value != 0 && actor.epoch.value <= holm_actors_floor(actors, actor.node);
}

uint64_t holm_actors_seq_of(const struct holm_actors *actors, struct holm_actor actor)
{
    uint32_t index = holm_actors_find(actors, actor);
    if (index != HOLM_ACTOR_NONE)
        return holm_actors_seq(actors, index);
    return is_folded(actors, actor) ? HOLM_SEQ_FOLDED : 0;
}

static uint32_t vacant_index(const struct holm_actors *actors)
{
    uint32_t index = 0;
    while (index < actors->count && !actors->rows[index].vacant)
        index += 1;
    return index;
}

enum holm_status holm_actors_intern(struct holm_actors *actors, struct holm_actor actor,
                                    uint32_t *index)
{
    size_t place = place_of(actors, actor);
    if (stands_at(actors, place, actor)) {
        *index = actors->sorted[place];
        return HOLM_OK;
    }
    if (actors->known >= actors->count_max)
        return HOLM_ELIMIT;
    void *rows = actors->rows;
    void *sorted = actors->sorted;
    enum holm_status status = holm_array_reserve(&actors->allocator, &rows, &actors->rows_capacity,
                                                 sizeof *actors->rows, actors->known + 1);
    actors->rows = rows;
    if (status == HOLM_OK)
        status = holm_array_reserve(&actors->allocator, &sorted, &actors->sorted_capacity,
                                    sizeof *actors->sorted, actors->known + 1);
    actors->sorted = sorted;
    if (status != HOLM_OK)
        return status;
    bool folded = is_folded(actors, actor);
    *index = actors->known < actors->count ? vacant_index(actors) : (uint32_t)actors->count;
    memmove(actors->sorted + place + 1, actors->sorted + place,
            (actors->known - place) * sizeof *actors->sorted);
    actors->sorted[place] = *index;
    actors->rows[*index] = (struct holm_actor_row){
        .actor = actor, .seq = folded ? HOLM_SEQ_FOLDED : 0, .floor = folded ? HOLM_SEQ_FOLDED : 0};
    actors->count += *index == actors->count ? 1 : 0;
    actors->known += 1;
    actors->named += folded ? 1 : 0;
    return HOLM_OK;
}

bool holm_actors_rename(struct holm_actors *actors, uint32_t index, struct holm_actor actor)
{
    HOLM_ASSERT(index < actors->count && !actors->rows[index].vacant);
    struct holm_actor_row *row = &actors->rows[index];
    size_t from = place_of(actors, row->actor);
    size_t to = place_of(actors, actor);
    if (row->seq != 0 || stands_at(actors, to, actor) || is_folded(actors, actor))
        return false;
    uint32_t *sorted = actors->sorted;
    if (to > from) {
        to -= 1;
        memmove(sorted + from, sorted + from + 1, (to - from) * sizeof *sorted);
    } else {
        memmove(sorted + to + 1, sorted + to, (from - to) * sizeof *sorted);
    }
    sorted[to] = index;
    row->actor = actor;
    return true;
}

/* A row's share of the hash. */
static uint64_t term(const struct holm_actors *actors, const struct holm_actor_row *row)
{
    if (row->seq == HOLM_SEQ_FOLDED)
        return 0;
    return row->actor.epoch.value == 0
               ? row->seq
               : holm_vector_term((struct holm_dot){row->actor, row->seq}, actors->seed);
}

/* How many entries of the vector it is. */
static size_t entries_of(const struct holm_actor_row *row)
{
    if (row->seq == 0 || row->seq == HOLM_SEQ_FOLDED)
        return 0;
    return row->actor.epoch.value == 0 ? 2 : 1;
}

void holm_actors_raise(struct holm_actors *actors, uint32_t index, uint64_t seq)
{
    HOLM_ASSERT(index < actors->count);
    struct holm_actor_row *row = &actors->rows[index];
    HOLM_ASSERT(seq >= row->seq && !row->vacant && row->actor.epoch.value != 0);
    if (seq == row->seq)
        return;
    actors->entries += row->seq == 0 ? 1 : 0;
    actors->hash -= term(actors, row);
    row->seq = seq;
    row->changed = true;
    actors->hash += term(actors, row);
}

/* ---- folds */

static bool is_within(const struct holm_actor_row *row, struct holm_actor upto)
{
    return row->actor.node.value == upto.node.value && row->actor.epoch.value <= upto.epoch.value;
}

uint64_t holm_actors_sum(const struct holm_actors *actors, struct holm_actor upto)
{
    uint64_t sum = 0;
    HOLM_ASSERT(holm_actors_floor(actors, upto.node) <= upto.epoch.value);
    for (size_t i = place_of(actors, fold_of(upto.node)); i < actors->known; i++) {
        const struct holm_actor_row *row = &actors->rows[actors->sorted[i]];
        if (!is_within(row, upto))
            break;
        sum += term(actors, row);
    }
    return holm_vector_fold_sum(sum);
}

void holm_actors_fold(struct holm_actors *actors, struct holm_actor upto, uint64_t sum)
{
    size_t place = place_of(actors, fold_of(upto.node));
    HOLM_ASSERT(stands_at(actors, place, fold_of(upto.node)) && sum == holm_vector_fold_sum(sum));
    bool changed = sum != holm_actors_sum(actors, upto);
    struct holm_actor_row *fold = &actors->rows[actors->sorted[place]];
    actors->folds += fold->seq == 0 ? 1 : 0;
    actors->entries -= entries_of(fold);
    actors->hash += sum - fold->seq;
    fold->seq = sum;
    fold->floor = upto.epoch.value;
    actors->entries += entries_of(fold);
    for (size_t i = place + 1; i < actors->known; i++) {
        struct holm_actor_row *row = &actors->rows[actors->sorted[i]];
        if (!is_within(row, upto))
            break;
        changed = changed || row->changed;
        actors->entries -= entries_of(row);
        actors->hash -= term(actors, row);
        actors->named += row->seq == HOLM_SEQ_FOLDED ? 0 : 1;
        row->seq = row->floor = HOLM_SEQ_FOLDED;
        row->changed = false;
    }
    fold->changed = fold->changed || changed;
}

void holm_actors_drop(struct holm_actors *actors, uint32_t index)
{
    HOLM_ASSERT(index < actors->count && actors->rows[index].seq == HOLM_SEQ_FOLDED);
    size_t place = place_of(actors, actors->rows[index].actor);
    HOLM_ASSERT(stands_at(actors, place, actors->rows[index].actor));
    memmove(actors->sorted + place, actors->sorted + place + 1,
            (actors->known - place - 1) * sizeof *actors->sorted);
    actors->rows[index] = (struct holm_actor_row){.vacant = true};
    actors->known -= 1;
    actors->named -= 1;
}

static void *shrink(const struct holm_actors *actors, void *array, size_t *capacity, size_t bytes,
                    size_t kept)
{
    if (*capacity <= 2 * kept || *capacity <= 16)
        return array;
    void *moved = actors->allocator.resize(actors->allocator.context, array, *capacity * bytes,
                                           kept * bytes);
    if (moved == NULL)
        return array;
    *capacity = kept;
    return moved;
}

bool holm_actors_sparse(const struct holm_actors *actors)
{
    return actors->rows_capacity > 2 * actors->known + 32;
}

void holm_actors_compact(struct holm_actors *actors, uint32_t *indices)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < actors->count; i++) {
        indices[i] = HOLM_ACTOR_NONE;
        if (actors->rows[i].vacant)
            continue;
        actors->rows[count] = actors->rows[i];
        indices[i] = count++;
    }
    HOLM_ASSERT(count == actors->known);
    for (size_t i = 0; i < actors->known; i++)
        actors->sorted[i] = indices[actors->sorted[i]];
    actors->count = count;
    size_t kept = count < 8 ? 8 : count;
    actors->rows = shrink(actors, actors->rows, &actors->rows_capacity, sizeof *actors->rows, kept);
    actors->sorted = shrink(actors, actors->sorted, &actors->sorted_capacity,
                            sizeof *actors->sorted, kept);
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
    for (size_t i = 0; i < actors->known; i++) {
        const struct holm_actor_row *row = &actors->rows[actors->sorted[i]];
        size_t count = actors->sorted[i] == except ? 0 : entries_of(row);
        if (count == 0 || (only_changed && !row->changed))
            continue;
        if (found < capacity)
            entries[found] = (struct holm_dot){row->actor, row->seq};
        if (count == 2 && found + 1 < capacity)
            entries[found + 1] = (struct holm_dot){{row->actor.node, {row->floor}},
                                                   HOLM_SEQ_FOLDED};
        found += count;
    }
    return found;
}

/* Whether all is here that the fold at this place of the view stands for. */
static bool cover_fold(const struct holm_actors *actors, struct holm_vector_view view, size_t at)
{
    struct holm_actor upto = view.entries[at].actor;
    if (holm_actors_floor(actors, upto.node) >= upto.epoch.value)
        return true;
    return at > 0 && holm_actors_sum(actors, upto) == view.entries[at - 1].seq;
}

bool holm_actors_cover(const struct holm_actors *actors, struct holm_vector_view view)
{
    for (size_t i = 0; i < view.count; i++) {
        const struct holm_dot *entry = &view.entries[i];
        if (entry->actor.epoch.value == 0)
            continue;
        if (entry->seq == HOLM_SEQ_FOLDED ? !cover_fold(actors, view, i)
                                          : holm_actors_seq_of(actors, entry->actor) < entry->seq)
            return false;
    }
    return true;
}

static void check_row(const struct holm_actors *actors, const struct holm_actor_row *row)
{
    bool is_fold = row->actor.epoch.value == 0;
    HOLM_ASSERT(!row->vacant);
    HOLM_ASSERT((row->seq == HOLM_SEQ_FOLDED) == is_folded(actors, row->actor));
    HOLM_ASSERT(is_fold ? (row->seq == 0) == (row->floor == 0) : row->floor <= row->seq);
}

void holm_actors_check(const struct holm_actors *actors)
{
    uint64_t hash = 0;
    size_t entries = 0;
    size_t named = 0;
    size_t folds = 0;
    size_t vacant = 0;
    for (size_t i = 0; i < actors->known; i++) {
        HOLM_ASSERT(actors->sorted[i] < actors->count);
        const struct holm_actor_row *row = &actors->rows[actors->sorted[i]];
        if (i > 0)
            HOLM_ASSERT(holm_actor_compare(actors->rows[actors->sorted[i - 1]].actor, row->actor) <
                        0);
        check_row(actors, row);
        hash += term(actors, row);
        entries += entries_of(row);
        named += row->seq == HOLM_SEQ_FOLDED ? 1 : 0;
        folds += row->actor.epoch.value == 0 && row->seq > 0 ? 1 : 0;
    }
    for (size_t i = 0; i < actors->count; i++)
        vacant += actors->rows[i].vacant ? 1 : 0;
    HOLM_ASSERT(actors->known + vacant == actors->count);
    HOLM_ASSERT(hash == actors->hash && entries == actors->entries);
    HOLM_ASSERT(named == actors->named && folds == actors->folds);
}

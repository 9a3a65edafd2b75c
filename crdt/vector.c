/* SPDX-License-Identifier: Apache-2.0 */
#include "crdt/vector.h"

#include <xxhash.h>

void holm_vector_init(struct holm_vector *vector, const struct holm_allocator *allocator)
{
    memset(vector, 0, sizeof *vector);
    vector->allocator = *allocator;
}

void holm_vector_release(struct holm_vector *vector)
{
    holm_array_free(&vector->allocator, vector->entries, vector->capacity, sizeof *vector->entries);
    memset(vector, 0, sizeof *vector);
}

void holm_vector_clear(struct holm_vector *vector)
{
    vector->count = 0;
}

/* The first place whose actor is not below. */
static size_t place_of(struct holm_vector_view view, struct holm_actor actor)
{
    size_t low = 0;
    size_t high = view.count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (holm_actor_compare(view.entries[middle].actor, actor) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool stands_at(struct holm_vector_view view, size_t place, struct holm_actor actor)
{
    return place < view.count && holm_actor_equal(view.entries[place].actor, actor);
}

struct holm_epoch holm_vector_floor(struct holm_vector_view view, struct holm_node_id node)
{
    size_t place = place_of(view, (struct holm_actor){node, {0}});
    if (place < view.count && view.entries[place].actor.node.value == node.value &&
        view.entries[place].seq == HOLM_SEQ_FOLDED)
        return view.entries[place].actor.epoch;
    return (struct holm_epoch){0};
}

uint64_t holm_vector_seq(struct holm_vector_view view, struct holm_actor actor)
{
    size_t place = place_of(view, actor);
    if (stands_at(view, place, actor))
        return view.entries[place].seq;
    struct holm_epoch floor = holm_vector_floor(view, actor.node);
    return floor.value != 0 && actor.epoch.value <= floor.value ? HOLM_SEQ_FOLDED : 0;
}

/* What `lasts` say of an actor: false when they say nothing. */
static bool last_of(struct holm_vector_view lasts, struct holm_actor actor, uint64_t *last)
{
    size_t place = place_of(lasts, actor);
    if (!stands_at(lasts, place, actor))
        return false;
    *last = lasts.entries[place].seq;
    return true;
}

/* Whether `a`, which has not folded that far, has all that was folded up to this actor. */
static bool covers_folded(struct holm_vector_view a, struct holm_actor actor,
                          struct holm_vector_view lasts)
{
    uint64_t floor = holm_vector_floor(a, actor.node).value;
    size_t place = place_of(lasts, (struct holm_actor){actor.node, {floor + 1}});
    if (floor >= actor.epoch.value)
        return true;
    for (; place < lasts.count; place++) {
        const struct holm_dot *last = &lasts.entries[place];
        if (holm_actor_compare(last->actor, actor) > 0 || !holm_vector_has(a, *last))
            return false;
        if (holm_actor_equal(last->actor, actor))
            return true;
    }
    return false;
}

bool holm_vector_covers(struct holm_vector_view a, struct holm_vector_view b,
                        struct holm_vector_view lasts)
{
    for (size_t i = 0; i < b.count; i++) {
        const struct holm_dot *entry = &b.entries[i];
        uint64_t seq = holm_vector_seq(a, entry->actor);
        uint64_t last;
        if (entry->seq == HOLM_SEQ_FOLDED) {
            if (!covers_folded(a, entry->actor, lasts))
                return false;
        } else if (seq == HOLM_SEQ_FOLDED) {
            if (last_of(lasts, entry->actor, &last) && entry->seq > last)
                return false;
        } else if (seq < entry->seq) {
            return false;
        }
    }
    return true;
}

static enum holm_status reserve(struct holm_vector *vector, size_t wanted)
{
    void *entries = vector->entries;
    enum holm_status status = holm_array_reserve(&vector->allocator, &entries, &vector->capacity,
                                                 sizeof *vector->entries, wanted);
    vector->entries = entries;
    return status;
}

enum holm_status holm_vector_assign(struct holm_vector *target, struct holm_vector_view source)
{
    HOLM_ASSERT(source.count == 0 || source.entries != target->entries);
    enum holm_status status = reserve(target, source.count);
    if (status != HOLM_OK)
        return status;
    if (source.count > 0)
        memcpy(target->entries, source.entries, source.count * sizeof *source.entries);
    target->count = source.count;
    return HOLM_OK;
}

/* Adds an entry behind all others. A folded one swallows those of its node that went before. */
static void append(struct holm_vector *target, struct holm_actor actor, uint64_t seq)
{
    while (seq == HOLM_SEQ_FOLDED && target->count > 0 &&
           target->entries[target->count - 1].actor.node.value == actor.node.value)
        target->count -= 1;
    HOLM_ASSERT(target->count < target->capacity);
    target->entries[target->count++] = (struct holm_dot){actor, seq};
}

/* Walks over all actors that either names; the result is built in memory of its own. */
static enum holm_status combine(struct holm_vector *target, struct holm_vector_view source,
                                bool larger)
{
    HOLM_ASSERT(source.count == 0 || source.entries != target->entries);
    struct holm_vector_view own = holm_vector_view(target);
    struct holm_vector result;
    holm_vector_init(&result, &target->allocator);
    enum holm_status status = reserve(&result, own.count + source.count);
    if (status != HOLM_OK)
        return status;
    for (size_t i = 0, k = 0; i < own.count || k < source.count;) {
        int order = i == own.count ? 1
                    : k == source.count
                        ? -1
                        : holm_actor_compare(own.entries[i].actor, source.entries[k].actor);
        struct holm_actor actor = order <= 0 ? own.entries[i].actor : source.entries[k].actor;
        uint64_t mine = order <= 0 ? own.entries[i].seq : holm_vector_seq(own, actor);
        uint64_t yours = order >= 0 ? source.entries[k].seq : holm_vector_seq(source, actor);
        uint64_t seq = (mine > yours) == larger ? mine : yours;
        if (seq != 0)
            append(&result, actor, seq);
        i += order <= 0 ? 1 : 0;
        k += order >= 0 ? 1 : 0;
    }
    holm_vector_release(target);
    *target = result;
    return HOLM_OK;
}

enum holm_status holm_vector_join(struct holm_vector *target, struct holm_vector_view source)
{
    return combine(target, source, true);
}

enum holm_status holm_vector_meet(struct holm_vector *target, struct holm_vector_view source)
{
    return combine(target, source, false);
}

/* Whether the actor is behind all that are there. */
static bool is_behind(struct holm_vector_view view, struct holm_actor actor)
{
    return view.count == 0 || holm_actor_compare(view.entries[view.count - 1].actor, actor) < 0;
}

enum holm_status holm_vector_raise(struct holm_vector *target, struct holm_actor actor,
                                   uint64_t seq)
{
    HOLM_ASSERT(seq > 0);
    struct holm_dot entry = {actor, seq};
    struct holm_vector_view one = {&entry, 1};
    if (is_behind(holm_vector_view(target), actor) &&
        !holm_vector_has(holm_vector_view(target), entry)) {
        enum holm_status status = reserve(target, target->count + 1);
        if (status == HOLM_OK)
            append(target, actor, seq);
        return status;
    }
    size_t place = place_of(holm_vector_view(target), actor);
    if (holm_vector_has(holm_vector_view(target), entry))
        return HOLM_OK;
    if (seq == HOLM_SEQ_FOLDED)
        return holm_vector_join(target, one);
    if (!stands_at(holm_vector_view(target), place, actor)) {
        enum holm_status status = reserve(target, target->count + 1);
        if (status != HOLM_OK)
            return status;
        memmove(target->entries + place + 1, target->entries + place,
                (target->count - place) * sizeof *target->entries);
        target->count += 1;
    }
    target->entries[place] = entry;
    return HOLM_OK;
}

uint64_t holm_vector_term(struct holm_dot entry, uint64_t seed)
{
    uint64_t words[3] = {entry.actor.node.value, entry.actor.epoch.value, entry.seq};
    return entry.seq == 0 ? 0 : XXH3_64bits_withSeed(words, sizeof words, seed);
}

uint64_t holm_vector_hash(struct holm_vector_view view, struct holm_vector_view lasts,
                          uint64_t seed)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < view.count; i++)
        sum += view.entries[i].seq == HOLM_SEQ_FOLDED ? 0 : holm_vector_term(view.entries[i], seed);
    for (size_t i = 0; i < lasts.count; i++) {
        if (holm_vector_seq(view, lasts.entries[i].actor) == HOLM_SEQ_FOLDED)
            sum += holm_vector_term(lasts.entries[i], seed);
    }
    return sum;
}

uint64_t holm_vector_folds(struct holm_vector_view view, uint64_t seed)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < view.count; i++)
        sum += view.entries[i].seq == HOLM_SEQ_FOLDED ? holm_vector_term(view.entries[i], seed) : 0;
    return sum;
}

bool holm_vector_valid(struct holm_vector_view view)
{
    for (size_t i = 0; i < view.count; i++) {
        const struct holm_dot *entry = &view.entries[i];
        if (entry->seq == 0)
            return false;
        if (i == 0)
            continue;
        if (holm_actor_compare(entry[-1].actor, entry->actor) >= 0)
            return false;
        if (entry->seq == HOLM_SEQ_FOLDED && entry[-1].actor.node.value == entry->actor.node.value)
            return false;
    }
    return true;
}

void holm_vector_check(const struct holm_vector *vector)
{
    HOLM_ASSERT(vector->count <= vector->capacity);
    HOLM_ASSERT(holm_vector_valid(holm_vector_view(vector)));
}

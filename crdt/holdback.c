/* SPDX-License-Identifier: Apache-2.0 */
#include "crdt/holdback.h"

void holm_holdback_init(struct holm_holdback *holdback, const struct holm_allocator *allocator,
                        size_t bytes_max)
{
    memset(holdback, 0, sizeof *holdback);
    holdback->allocator = *allocator;
    holdback->bytes_max = bytes_max;
}

void holm_holdback_release(struct holm_holdback *holdback)
{
    for (size_t i = 0; i < holdback->count; i++)
        holm_delta_release(holdback->held[i].delta);
    holm_array_free(&holdback->allocator, holdback->held, holdback->capacity,
                    sizeof *holdback->held);
    memset(holdback, 0, sizeof *holdback);
}

static int compare(const struct holm_delta *delta, struct holm_actor actor, uint64_t first)
{
    int order = holm_actor_compare(delta->actor, actor);
    return order != 0 ? order : (delta->first > first) - (delta->first < first);
}

/* The first place whose run is not below (actor, first). */
static size_t place_of(const struct holm_holdback *holdback, struct holm_actor actor,
                       uint64_t first)
{
    size_t low = 0;
    size_t high = holdback->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare(holdback->held[middle].delta, actor, first) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

enum holm_status holm_holdback_add(struct holm_holdback *holdback, struct holm_delta *delta,
                                   uint64_t doomed_us)
{
    size_t place = place_of(holdback, delta->actor, delta->first);
    if (place < holdback->count &&
        compare(holdback->held[place].delta, delta->actor, delta->first) == 0)
        return HOLM_OK;
    if (delta->memory_bytes > holdback->bytes_max - holdback->bytes) {
        holdback->dropped += 1;
        return HOLM_ELIMIT;
    }
    void *held = holdback->held;
    enum holm_status status = holm_array_reserve(&holdback->allocator, &held, &holdback->capacity,
                                                 sizeof *holdback->held, holdback->count + 1);
    holdback->held = held;
    if (status != HOLM_OK)
        return status;
    memmove(holdback->held + place + 1, holdback->held + place,
            (holdback->count - place) * sizeof *holdback->held);
    holdback->held[place] = (struct holm_held){delta, doomed_us};
    holdback->count += 1;
    holdback->bytes += delta->memory_bytes;
    holm_delta_retain(delta);
    return HOLM_OK;
}

static bool is_ready(const struct holm_actors *actors, const struct holm_delta *delta)
{
    uint64_t seq = holm_actors_seq_of(actors, delta->actor);
    return seq != HOLM_SEQ_FOLDED && delta->first == seq + 1 &&
           holm_actors_cover(actors, delta->deps);
}

struct holm_delta *holm_holdback_ready(const struct holm_holdback *holdback,
                                       const struct holm_actors *actors)
{
    size_t i = 0;
    while (i < holdback->count) {
        struct holm_actor actor = holdback->held[i].delta->actor;
        uint64_t seq = holm_actors_seq_of(actors, actor);
        size_t next = place_of(holdback, actor, seq == HOLM_SEQ_FOLDED ? seq : seq + 1);
        if (next < holdback->count && is_ready(actors, holdback->held[next].delta) &&
            holm_actor_equal(holdback->held[next].delta->actor, actor))
            return holdback->held[next].delta;
        i = place_of(holdback, actor, UINT64_MAX);
        while (i < holdback->count && holm_actor_equal(holdback->held[i].delta->actor, actor))
            i += 1;
    }
    return NULL;
}

void holm_holdback_drop(struct holm_holdback *holdback, const struct holm_delta *delta)
{
    size_t place = place_of(holdback, delta->actor, delta->first);
    HOLM_ASSERT(place < holdback->count && holdback->held[place].delta == delta);
    struct holm_delta *dropped = holdback->held[place].delta;
    holdback->count -= 1;
    holdback->dropped += 1;
    holdback->bytes -= dropped->memory_bytes;
    memmove(holdback->held + place, holdback->held + place + 1,
            (holdback->count - place) * sizeof *holdback->held);
    holm_delta_release(dropped);
}

size_t holm_holdback_purge(struct holm_holdback *holdback, const struct holm_actors *actors,
                           uint64_t now_us)
{
    size_t kept = 0;
    size_t doomed = 0;
    for (size_t i = 0; i < holdback->count; i++) {
        struct holm_held held = holdback->held[i];
        bool covered = holm_actors_seq_of(actors, held.delta->actor) >= held.delta->first;
        bool due = held.doomed_us <= now_us;
        if (!covered && !due) {
            holdback->held[kept++] = held;
            continue;
        }
        doomed += covered ? 0 : 1;
        holdback->bytes -= held.delta->memory_bytes;
        holm_delta_release(held.delta);
    }
    holdback->count = kept;
    return doomed;
}

void holm_holdback_doom(struct holm_holdback *holdback, struct holm_actor actor, uint64_t doomed_us)
{
    for (size_t i = 0; i < holdback->count; i++) {
        struct holm_held *held = &holdback->held[i];
        if (held->delta->actor.node.value == actor.node.value &&
            held->delta->actor.epoch.value < actor.epoch.value && held->doomed_us > doomed_us)
            held->doomed_us = doomed_us;
    }
}

uint64_t holm_holdback_wake(const struct holm_holdback *holdback)
{
    uint64_t wake = HOLM_NEVER;
    for (size_t i = 0; i < holdback->count; i++) {
        if (holdback->held[i].doomed_us < wake)
            wake = holdback->held[i].doomed_us;
    }
    return wake;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "crdt/origins.h"

void holm_origins_init(struct holm_origins *origins, const struct holm_allocator *allocator)
{
    *origins = (struct holm_origins){.allocator = *allocator};
}

void holm_origins_release(struct holm_origins *origins)
{
    holm_array_free(&origins->allocator, origins->rows, origins->capacity, sizeof *origins->rows);
    origins->rows = NULL;
    origins->count = origins->capacity = 0;
}

static bool is_valid(const struct holm_origin *origin)
{
    return origin->copy.seq > 0 && origin->after < origin->last && origin->of.epoch.value > 0 &&
           origin->copy.actor.node.value == origin->of.node.value &&
           origin->copy.actor.epoch.value != origin->of.epoch.value;
}

enum holm_status holm_origins_add(struct holm_origins *origins, const struct holm_origin *origin)
{
    void *rows = origins->rows;
    if (!is_valid(origin))
        return HOLM_EMALFORMED;
    if (origins->count == HOLM_ORIGINS_MAX) {
        origins->count -= 1;
        memmove(origins->rows, origins->rows + 1, origins->count * sizeof *origins->rows);
    }
    enum holm_status status = holm_array_reserve(&origins->allocator, &rows, &origins->capacity,
                                                 sizeof *origins->rows, origins->count + 1);
    origins->rows = rows;
    if (status != HOLM_OK)
        return status;
    origins->rows[origins->count] = *origin;
    origins->rows[origins->count++].there = HOLM_ORIGINS_NONE;
    return HOLM_OK;
}

/* By the first rows, as far as they were looked at. */
static enum holm_origins_part there(const struct holm_origins *origins, size_t count,
                                    struct holm_actor actor, uint64_t *last)
{
    bool all = true, any = false;
    *last = 0;
    for (size_t i = 0; i < count; i++) {
        if (!holm_actor_equal(origins->rows[i].copy.actor, actor))
            continue;
        *last = origins->rows[i].copy.seq;
        all = all && origins->rows[i].there == HOLM_ORIGINS_ALL;
        any = any || origins->rows[i].there != HOLM_ORIGINS_NONE;
    }
    if (*last == 0 || !any)
        return HOLM_ORIGINS_NONE;
    return all ? HOLM_ORIGINS_ALL : HOLM_ORIGINS_SOME;
}

void holm_origins_look(struct holm_origins *origins,
                       uint64_t (*seq)(void *context, struct holm_actor actor), void *context)
{
    for (size_t i = 0; i < origins->count; i++) {
        struct holm_origin *row = &origins->rows[i];
        uint64_t copied, has = seq(context, row->of);
        enum holm_origins_part part = there(origins, i, row->of, &copied);
        if (part == HOLM_ORIGINS_ALL && copied > has)
            has = copied;
        origins->rows[i].there = has > row->after ? HOLM_ORIGINS_SOME : HOLM_ORIGINS_NONE;
        if (part == HOLM_ORIGINS_SOME && row->after < copied)
            origins->rows[i].there = HOLM_ORIGINS_SOME;
        if (has >= row->last)
            origins->rows[i].there = HOLM_ORIGINS_ALL;
    }
}

enum holm_origins_part holm_origins_there(const struct holm_origins *origins,
                                          struct holm_actor actor, uint64_t *last)
{
    return there(origins, origins->count, actor, last);
}

void holm_origins_check(const struct holm_origins *origins)
{
    HOLM_ASSERT(origins->count <= HOLM_ORIGINS_MAX && origins->count <= origins->capacity);
    for (size_t i = 0; i < origins->count; i++)
        HOLM_ASSERT(is_valid(&origins->rows[i]));
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "crdt/oplog.h"

#include "crdt/vector.h"

void holm_oplog_init(struct holm_oplog *log, const struct holm_allocator *allocator,
                     size_t bytes_max)
{
    memset(log, 0, sizeof *log);
    log->allocator = *allocator;
    log->bytes_max = bytes_max;
}

static struct holm_oplog_entry pop(struct holm_oplog *log)
{
    struct holm_oplog_entry oldest = log->entries[log->first];
    log->first = (log->first + 1) % log->capacity;
    log->count -= 1;
    log->trimmed += 1;
    log->bytes -= oldest.delta->memory_bytes;
    return oldest;
}

void holm_oplog_release(struct holm_oplog *log)
{
    while (log->count > 0)
        holm_delta_release(pop(log).delta);
    holm_array_free(&log->allocator, log->entries, log->capacity, sizeof *log->entries);
    memset(log, 0, sizeof *log);
}

enum holm_status holm_oplog_reserve(struct holm_oplog *log)
{
    if (log->count < log->capacity)
        return HOLM_OK;
    size_t capacity = log->capacity == 0 ? 16 : log->capacity * 2;
    struct holm_oplog_entry *entries = holm_allocate(&log->allocator,
                                                     capacity * sizeof *log->entries);
    if (entries == NULL)
        return HOLM_ENOMEM;
    for (size_t i = 0; i < log->count; i++)
        entries[i] = *holm_oplog_at(log, i);
    holm_array_free(&log->allocator, log->entries, log->capacity, sizeof *log->entries);
    log->entries = entries;
    log->capacity = capacity;
    log->first = 0;
    return HOLM_OK;
}

size_t holm_delta_bytes_max(const struct holm_delta *delta)
{
    size_t bytes = 256 + delta->unknown.size +
                   (delta->deps.count + delta->collected.count + delta->items.actor_count) * 33;
    for (uint32_t i = 0; i < delta->items.item_count; i++)
        bytes += holm_item_bytes_max(&delta->items.items[i]);
    return bytes;
}

static void trim_oldest(struct holm_oplog *log, struct holm_actors *actors)
{
    struct holm_oplog_entry oldest = pop(log);
    struct holm_actor_row *row = &actors->rows[oldest.actor];
    HOLM_ASSERT(oldest.delta->last <= row->seq);
    if (oldest.delta->last > row->floor)
        row->floor = oldest.delta->last;
    holm_delta_release(oldest.delta);
}

void holm_oplog_push(struct holm_oplog *log, struct holm_actors *actors, struct holm_delta *delta,
                     uint32_t actor)
{
    HOLM_ASSERT(log->count < log->capacity);
    HOLM_ASSERT(actors->rows[actor].seq == delta->last);
    struct holm_oplog_entry entry = {delta, actor, holm_delta_bytes_max(delta)};
    log->entries[(log->first + log->count) % log->capacity] = entry;
    log->count += 1;
    log->bytes += delta->memory_bytes;
    holm_delta_retain(delta);
    while (log->bytes > log->bytes_max && log->count > 1)
        trim_oldest(log, actors);
}

void holm_oplog_trim(struct holm_oplog *log, struct holm_actors *actors,
                     struct holm_vector_view frontier, size_t runs_max)
{
    for (; log->count > 0 && runs_max > 0; runs_max--) {
        const struct holm_delta *oldest = holm_oplog_at(log, 0)->delta;
        if (!holm_vector_has(frontier, (struct holm_dot){oldest->actor, oldest->last}))
            return;
        trim_oldest(log, actors);
    }
}

void holm_oplog_renumber(struct holm_oplog *log, const uint32_t *indices)
{
    for (size_t i = 0; i < log->count; i++) {
        struct holm_oplog_entry *entry = &log->entries[(log->first + i) % log->capacity];
        entry->actor = indices[entry->actor];
    }
}

void holm_oplog_clear(struct holm_oplog *log, struct holm_actors *actors)
{
    while (log->count > 0)
        trim_oldest(log, actors);
}

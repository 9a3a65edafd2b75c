/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hashes are spread evenly, so a share of their range has that share of the records: the range is gone through from its
 * lowest to its highest, and nobody has to remember a place in a table that grows meanwhile.
 */
#include "crdt/replica_parts.h"

struct holm_still {
    struct holm_replica *replica;
    struct holm_allocator allocator;
    struct holm_frozen frozen;
    struct holm_vector collected;
    struct holm_digest digest;
    uint64_t at; /* what is below has been given */
    bool done;
};

static enum holm_status freeze(struct holm_still *still, size_t kept_bytes_max)
{
    struct holm_replica *replica = still->replica;
    enum holm_status status = holm_vector_assign(&still->collected,
                                                 holm_vector_view(&replica->collected));
    if (status == HOLM_OK)
        status = holm_frozen_init(&still->frozen, &replica->state, kept_bytes_max, false);
    if (status != HOLM_OK)
        return status;
    holm_frozen_pass(&still->frozen, 0);
    still->digest = replica->state.digest;
    return HOLM_OK;
}

enum holm_status holm_still_open(struct holm_replica *replica, size_t kept_bytes_max,
                                 struct holm_now now, const struct holm_work **work,
                                 struct holm_still **result)
{
    struct holm_event flush = {.type = HOLM_EVENT_FLUSH};
    const struct holm_allocator *allocator = &replica->config.allocator;
    *result = NULL;
    enum holm_status status = holm_replica_step(replica, &flush, now, work);
    if (status != HOLM_OK)
        return status;
    HOLM_ASSERT(!holm_replica_pending(replica));
    struct holm_still *still = holm_allocate(allocator, sizeof *still);
    if (still == NULL)
        return HOLM_ENOMEM;
    memset(still, 0, sizeof *still);
    still->replica = replica;
    still->allocator = *allocator;
    holm_vector_init(&still->collected, allocator);
    status = freeze(still, kept_bytes_max);
    if (status == HOLM_OK) {
        *result = still;
        return HOLM_OK;
    }
    holm_vector_release(&still->collected);
    holm_deallocate(allocator, still, sizeof *still);
    return status;
}

void holm_still_close(struct holm_still *still)
{
    if (still == NULL)
        return;
    struct holm_allocator allocator = still->allocator;
    holm_frozen_release(&still->frozen);
    holm_vector_release(&still->collected);
    holm_deallocate(&allocator, still, sizeof *still);
}

struct holm_vector_view holm_still_vector(const struct holm_still *still)
{
    return still->frozen.source.vector;
}

struct holm_vector_view holm_still_collected(const struct holm_still *still)
{
    return holm_vector_view(&still->collected);
}

struct holm_digest holm_still_digest(const struct holm_still *still)
{
    return still->digest;
}

/* The last hash of a range that has about so many records. */
static uint64_t last_of(const struct holm_still *still, size_t records)
{
    uint64_t all = still->replica->state.record_count;
    uint64_t width = all <= records ? UINT64_MAX : UINT64_MAX / all * records + records;
    return width > UINT64_MAX - still->at ? UINT64_MAX : still->at + width;
}

enum holm_status holm_still_next(struct holm_still *still, size_t records, struct holm_cut **pages)
{
    HOLM_ASSERT(records > 0);
    *pages = NULL;
    if (still->done)
        return HOLM_OK;
    if (still->frozen.broken)
        return HOLM_ELIMIT;
    uint64_t last = last_of(still, records);
    struct holm_replica *replica = still->replica;
    struct holm_arena_mark mark = holm_arena_mark(&replica->scratch);
    enum holm_status status = holm_cut_copy_range(replica, &still->frozen, still->at, last, pages);
    holm_arena_rewind(&replica->scratch, mark);
    if (status != HOLM_OK)
        return status;
    still->done = last == UINT64_MAX;
    still->at = still->done ? last : last + 1;
    holm_frozen_pass(&still->frozen, still->at);
    return HOLM_OK;
}

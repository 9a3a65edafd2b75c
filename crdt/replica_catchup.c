/* SPDX-License-Identifier: Apache-2.0 */
#include "crdt/replica_parts.h"

struct holm_catchup {
    struct holm_replica *replica;
    struct holm_reconcile_config config;
    struct holm_frozen frozen;
    struct holm_vector vector, collected; /* of the cut */
    struct holm_reconcile_receiver *receiver;
    bool applied;
};

enum holm_status holm_catchup_open(struct holm_replica *replica,
                                   const struct holm_reconcile_config *config, struct holm_now now,
                                   const struct holm_work **work, struct holm_catchup **result)
{
    const struct holm_allocator *allocator = &replica->config.allocator;
    struct holm_event flush = {.type = HOLM_EVENT_FLUSH};
    *result = NULL;
    enum holm_status status = holm_replica_step(replica, &flush, now, work);
    if (status != HOLM_OK)
        return status;
    struct holm_catchup *catchup = holm_allocate(allocator, sizeof *catchup);
    if (catchup == NULL)
        return HOLM_ENOMEM;
    memset(catchup, 0, sizeof *catchup);
    catchup->replica = replica;
    catchup->config = *config;
    holm_vector_init(&catchup->vector, allocator);
    holm_vector_init(&catchup->collected, allocator);
    status = holm_frozen_init(&catchup->frozen, &replica->state, config->kept_bytes_max, true);
    if (status == HOLM_OK)
        *result = catchup;
    else
        holm_deallocate(allocator, catchup, sizeof *catchup);
    return status;
}

struct holm_vector_view holm_catchup_vector(const struct holm_catchup *catchup)
{
    return catchup->frozen.source.vector;
}

void holm_catchup_close(struct holm_catchup *catchup)
{
    if (catchup == NULL)
        return;
    struct holm_allocator allocator = catchup->replica->config.allocator;
    holm_reconcile_receiver_free(catchup->receiver);
    holm_frozen_release(&catchup->frozen);
    holm_vector_release(&catchup->vector);
    holm_vector_release(&catchup->collected);
    holm_deallocate(&allocator, catchup, sizeof *catchup);
}

/* Folded counter entries differ in form where nothing is missing: only a whole cut knows what they are. */
static bool has_folds(const struct holm_catchup *catchup)
{
    return holm_vector_folds(holm_vector_view(&catchup->collected), 0) != 0 ||
           holm_vector_folds(holm_vector_view(&catchup->replica->collected), 0) != 0;
}

enum holm_status holm_catchup_start(struct holm_catchup *catchup, const struct holm_offer_cut *cut)
{
    HOLM_ASSERT(catchup->receiver == NULL);
    if (catchup->frozen.broken)
        return HOLM_ELIMIT;
    if (!holm_vector_view_valid(cut->reconcile.vector) || !holm_vector_valid(cut->collected))
        return HOLM_EMALFORMED;
    enum holm_status status = holm_vector_assign(&catchup->vector, cut->reconcile.vector);
    if (status == HOLM_OK)
        status = holm_vector_assign(&catchup->collected, cut->collected);
    if (status != HOLM_OK)
        return status;
    if (has_folds(catchup))
        return HOLM_ELIMIT;
    struct holm_reconcile_cut copy = cut->reconcile;
    copy.vector = holm_vector_view(&catchup->vector);
    return holm_reconcile_receiver_new(&catchup->replica->config.allocator, &catchup->config,
                                       &catchup->frozen.source, &copy, &catchup->receiver);
}

/* What is asked and taken must have been started, must not be applied yet, and not be broken. */
static bool is_broken(const struct holm_catchup *catchup)
{
    HOLM_ASSERT(catchup->receiver != NULL && !catchup->applied);
    return catchup->frozen.broken || has_folds(catchup);
}

enum holm_status holm_catchup_ask(struct holm_catchup *catchup, const struct holm_sync_ask **ask)
{
    *ask = NULL;
    return is_broken(catchup) ? HOLM_ELIMIT : holm_reconcile_ask(catchup->receiver, ask);
}

enum holm_status holm_catchup_take(struct holm_catchup *catchup, const struct holm_sync_tell *tell)
{
    if (is_broken(catchup))
        return HOLM_ELIMIT;
    enum holm_status status = holm_sync_tell_check(tell);
    return status == HOLM_OK ? holm_reconcile_take(catchup->receiver, tell) : status;
}

enum holm_status holm_catchup_resend(struct holm_catchup *catchup)
{
    return is_broken(catchup) ? HOLM_ELIMIT : holm_reconcile_resend(catchup->receiver);
}

enum holm_reconcile_outcome holm_catchup_outcome(const struct holm_catchup *catchup)
{
    HOLM_ASSERT(catchup->receiver != NULL);
    return holm_reconcile_outcome(catchup->receiver);
}

struct holm_reconcile_figures holm_catchup_figures(const struct holm_catchup *catchup)
{
    HOLM_ASSERT(catchup->receiver != NULL);
    return holm_reconcile_figures(catchup->receiver);
}

static enum holm_status apply(struct holm_catchup *catchup)
{
    struct holm_reconcile_result result = holm_reconcile_result(catchup->receiver);
    struct holm_merging_cut cut = {.vector = holm_vector_view(&catchup->vector),
                                   .collected = holm_vector_view(&catchup->collected),
                                   .pages = result.pages,
                                   .page_count = result.page_count,
                                   .drops = result.drops,
                                   .drop_count = result.drop_count};
    enum holm_status status = holm_replica_seal(catchup->replica);
    if (status == HOLM_OK && catchup->frozen.broken)
        status = HOLM_ELIMIT;
    return status == HOLM_OK ? holm_replica_apply(catchup->replica, &catchup->frozen, &cut)
                             : status;
}

enum holm_status holm_catchup_finish(struct holm_catchup *catchup, struct holm_now now,
                                     const struct holm_work **work)
{
    struct holm_replica *replica = catchup->replica;
    bool broken = is_broken(catchup);
    holm_replica_work_begin(replica, now);
    enum holm_status status = broken ? HOLM_ELIMIT : apply(catchup);
    if (status == HOLM_OK) {
        catchup->applied = true;
        holm_replica_drain(replica);
    }
    holm_replica_work_end(replica, work);
    return status;
}

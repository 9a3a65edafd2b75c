/* SPDX-License-Identifier: Apache-2.0 */
#include "crdt/replica_parts.h"

struct holm_catchup {
    struct holm_replica *replica;
    struct holm_reconcile_config config;
    struct holm_frozen frozen;
    struct holm_staged staged;            /* what servers that are gone have told */
    struct holm_vector vector, collected; /* of the cut */
    uint64_t folds;                       /* of the frozen side */
    struct holm_reconcile_receiver *receiver;
    struct holm_reconcile_figures before; /* of receivers that are gone */
    bool gathered;                        /* `staged` has what the receiver was told, too */
    bool applied;
};

enum holm_status holm_catchup_new(struct holm_replica *replica,
                                  const struct holm_reconcile_config *config,
                                  struct holm_catchup **result)
{
    const struct holm_allocator *allocator = &replica->config.allocator;
    HOLM_ASSERT(!holm_replica_pending(replica));
    *result = NULL;
    struct holm_catchup *catchup = holm_allocate(allocator, sizeof *catchup);
    if (catchup == NULL)
        return HOLM_ENOMEM;
    memset(catchup, 0, sizeof *catchup);
    catchup->replica = replica;
    catchup->config = *config;
    catchup->folds = holm_replica_fold_hash(replica);
    holm_vector_init(&catchup->vector, allocator);
    holm_vector_init(&catchup->collected, allocator);
    enum holm_status status = holm_frozen_init(&catchup->frozen, &replica->state,
                                               config->kept_bytes_max, true);
    if (status == HOLM_OK) {
        holm_staged_init(&catchup->staged, &catchup->frozen);
        *result = catchup;
    } else {
        holm_deallocate(allocator, catchup, sizeof *catchup);
    }
    return status;
}

enum holm_status holm_catchup_open(struct holm_replica *replica,
                                   const struct holm_reconcile_config *config, struct holm_now now,
                                   const struct holm_work **work, struct holm_catchup **catchup)
{
    struct holm_event flush = {.type = HOLM_EVENT_FLUSH};
    *catchup = NULL;
    enum holm_status status = holm_replica_step(replica, &flush, now, work);
    return status == HOLM_OK ? holm_catchup_new(replica, config, catchup) : status;
}

struct holm_vector_view holm_catchup_vector(const struct holm_catchup *catchup)
{
    return catchup->frozen.source.vector;
}

struct holm_merging_cut holm_catchup_cut(const struct holm_catchup *catchup)
{
    return (struct holm_merging_cut){.vector = holm_vector_view(&catchup->vector),
                                     .collected = holm_vector_view(&catchup->collected)};
}

static void free_receiver(struct holm_catchup *catchup)
{
    if (catchup->receiver != NULL)
        catchup->before = holm_catchup_figures(catchup);
    holm_reconcile_receiver_free(catchup->receiver);
    catchup->receiver = NULL;
    catchup->gathered = false;
}

void holm_catchup_close(struct holm_catchup *catchup)
{
    if (catchup == NULL)
        return;
    struct holm_allocator allocator = catchup->replica->config.allocator;
    holm_reconcile_receiver_free(catchup->receiver);
    holm_staged_release(&catchup->staged);
    holm_frozen_release(&catchup->frozen);
    holm_vector_release(&catchup->vector);
    holm_vector_release(&catchup->collected);
    holm_deallocate(&allocator, catchup, sizeof *catchup);
}

/* Where not the same is folded, counter entries differ in form alone: only a whole cut knows what they
 * are. The cut and the frozen side must have folded the same, and this side must not go on to. */
bool holm_catchup_folds_differ(const struct holm_catchup *catchup)
{
    uint64_t seed = catchup->replica->config.digest_seed;
    return catchup->folds != holm_replica_fold_hash(catchup->replica) ||
           catchup->folds != holm_vector_folds(holm_vector_view(&catchup->collected), seed);
}

enum holm_status holm_catchup_leave(struct holm_catchup *catchup)
{
    enum holm_status status = HOLM_OK;
    if (catchup->receiver != NULL && !catchup->gathered) {
        struct holm_reconcile_result told = holm_reconcile_staged(catchup->receiver);
        status = holm_staged_take(&catchup->staged, &told);
    }
    if (status == HOLM_OK)
        free_receiver(catchup);
    return status;
}

static enum holm_status copy_cut(struct holm_catchup *catchup, const struct holm_offer_cut *cut)
{
    if (!holm_vector_view_valid(cut->reconcile.vector) || !holm_vector_valid(cut->collected))
        return HOLM_EMALFORMED;
    enum holm_status status = holm_vector_assign(&catchup->vector, cut->reconcile.vector);
    return status == HOLM_OK ? holm_vector_assign(&catchup->collected, cut->collected) : status;
}

/* How many operations one side has seen and the other has not: so many ranges differ at most, about. */
static uint64_t count_apart(struct holm_vector_view a, struct holm_vector_view b)
{
    uint64_t apart = 0;
    for (size_t i = 0; i < a.count; i++) {
        uint64_t seq = holm_vector_view_seq(b, a.entries[i].actor);
        apart += a.entries[i].seq > seq ? a.entries[i].seq - seq : 0;
    }
    return apart;
}

/* A byte more than it takes to number the ranges that differ. Two hashes meet in one of a hundred comparisons at
 * worst then, and it takes another round, which costs less than a byte more in all the others. */
static uint8_t choose_width(const struct holm_catchup *catchup,
                            const struct holm_reconcile_source *source,
                            const struct holm_reconcile_cut *cut)
{
    uint64_t apart = count_apart(source->vector, cut->vector) +
                     count_apart(cut->vector, source->vector);
    uint64_t entries = source->entries + cut->entries;
    uint8_t width = catchup->config.width < 2 ? catchup->config.width : 2;
    if (apart == 0 || apart > entries)
        apart = entries; /* nothing is known: a digest is wrong; or much was written again */
    while (width < catchup->config.width && apart >> (8 * (width - 1)) != 0)
        width += 1;
    return width;
}

enum holm_status holm_catchup_start(struct holm_catchup *catchup, const struct holm_offer_cut *cut)
{
    HOLM_ASSERT(!catchup->applied);
    enum holm_status status = holm_catchup_leave(catchup);
    /* A copy before anything else: where folds differ, the whole of it is merged by that. */
    if (status == HOLM_OK)
        status = copy_cut(catchup, cut);
    if (status == HOLM_OK && (catchup->frozen.broken || holm_catchup_folds_differ(catchup)))
        status = HOLM_ELIMIT;
    const struct holm_reconcile_source *source = &catchup->frozen.source;
    if (status == HOLM_OK && catchup->staged.page_count > 0) {
        status = holm_staged_show(&catchup->staged, holm_vector_view(&catchup->vector));
        source = &catchup->staged.source;
    }
    if (status != HOLM_OK)
        return status;
    struct holm_reconcile_config config = catchup->config;
    struct holm_reconcile_cut copy = cut->reconcile;
    copy.vector = holm_vector_view(&catchup->vector);
    config.width = choose_width(catchup, source, &copy);
    config.staged_bytes_max -= catchup->staged.bytes < config.staged_bytes_max
                                   ? catchup->staged.bytes
                                   : config.staged_bytes_max;
    return holm_reconcile_receiver_new(&catchup->replica->config.allocator, &config, source, &copy,
                                       &catchup->receiver);
}

/* What is asked and taken must have been started, must not be applied yet, and not be broken. */
static bool is_broken(const struct holm_catchup *catchup)
{
    HOLM_ASSERT(catchup->receiver != NULL && !catchup->applied);
    return catchup->frozen.broken || holm_catchup_folds_differ(catchup);
}

bool holm_catchup_broken(const struct holm_catchup *catchup)
{
    return catchup->frozen.broken;
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
    struct holm_reconcile_figures figures = catchup->before;
    struct holm_reconcile_figures now = {0};
    if (catchup->receiver != NULL)
        now = holm_reconcile_figures(catchup->receiver);
    figures.asks += now.asks;
    figures.tells += now.tells;
    figures.rounds += now.rounds;
    figures.staged += now.staged;
    if (figures.bytes < catchup->staged.bytes + now.bytes)
        figures.bytes = catchup->staged.bytes + now.bytes;
    return figures;
}

uint64_t holm_catchup_kept(const struct holm_catchup *catchup)
{
    return catchup->staged.items;
}

/* With what servers told that are gone, less what the last one has seen removed of it. */
static enum holm_status gather_staged(struct holm_catchup *catchup,
                                      struct holm_reconcile_result *result)
{
    *result = holm_reconcile_result(catchup->receiver);
    if (catchup->staged.page_count == 0 && !catchup->gathered)
        return HOLM_OK;
    enum holm_status status = HOLM_OK;
    if (!catchup->gathered)
        status = holm_staged_take(&catchup->staged, result);
    catchup->gathered = status == HOLM_OK;
    result->pages = catchup->staged.pages;
    result->page_count = catchup->staged.page_count;
    return status;
}

enum holm_status holm_catchup_apply(struct holm_catchup *catchup)
{
    struct holm_reconcile_result result;
    enum holm_status status = is_broken(catchup) ? HOLM_ELIMIT
                                                 : holm_replica_seal(catchup->replica);
    if (status == HOLM_OK && catchup->frozen.broken)
        status = HOLM_ELIMIT;
    if (status == HOLM_OK)
        status = gather_staged(catchup, &result);
    if (status != HOLM_OK)
        return status;
    struct holm_merging_cut cut = holm_catchup_cut(catchup);
    cut.pages = result.pages;
    cut.page_count = result.page_count;
    cut.drops = result.drops;
    cut.drop_count = result.drop_count;
    status = holm_replica_apply(catchup->replica, &catchup->frozen, &cut);
    catchup->applied = status == HOLM_OK;
    return status;
}

enum holm_status holm_catchup_finish(struct holm_catchup *catchup, struct holm_now now,
                                     const struct holm_work **work)
{
    struct holm_replica *replica = catchup->replica;
    holm_replica_work_begin(replica, now);
    enum holm_status status = holm_catchup_apply(catchup);
    if (status == HOLM_OK)
        holm_replica_drain(replica);
    holm_replica_work_end(replica, work);
    return status;
}

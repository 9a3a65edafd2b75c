/* SPDX-License-Identifier: Apache-2.0 */
/*
 * States in place of runs, piece by piece: the driving thread copies some records under the lock of their partition, encodes
 * them without it, gives them to the store, and lets others in before it comes back for more. What a sync has brought is saved
 * in the same way, and first: the runs behind it await that.
 */
#include <errno.h>
#include <time.h>

#include "node/engine_state.h"
#include "proto/snapshot.h"

/* What is copied at once is a few tenths of a millisecond: at most so many records, and about so many bytes. */
#define RECORDS_MIN 2
#define RECORDS_FIRST 4
#define RECORDS_MAX 512
#define COPY_BYTES ((size_t)1 << 17)
#define PIECE_BYTES ((size_t)1 << 18)
#define REST_US 500
#define RETRY_US 10000
#define KEPT_BYTES_MAX ((size_t)1 << 26)
/* As often as what changed meanwhile was more than that, it is done in fewer and larger pieces, until it is done at once. */
#define HURRY_MAX 5
#define HURRY_SHIFT 3

struct holm_engine_saving {
    struct holm_allocator allocator;
    uint32_t index;
    struct holm_snapshot_writer writer;
    void *bytes; /* that the store has not got yet */
    size_t size, capacity;
    size_t records; /* to be copied next */
    bool all;       /* it has been encoded to the end */
    uint64_t due_us;
};

static enum holm_status add_bytes(void *context, struct holm_bytes piece)
{
    struct holm_engine_saving *saving = context;
    enum holm_status status = holm_array_reserve(&saving->allocator, &saving->bytes,
                                                 &saving->capacity, 1, saving->size + piece.size);
    if (status != HOLM_OK)
        return status;
    if (piece.size > 0)
        memcpy((unsigned char *)saving->bytes + saving->size, piece.data, piece.size);
    saving->size += piece.size;
    return HOLM_OK;
}

void holm_engine_still_drop(struct holm_engine_partition *partition)
{
    holm_still_close(partition->still);
    partition->still = NULL;
}

void holm_engine_saving_end(struct holm_engine *engine)
{
    struct holm_engine_saving *saving = engine->saving;
    if (saving == NULL)
        return;
    struct holm_engine_partition *partition = &engine->partitions[saving->index];
    pthread_mutex_lock(&partition->lock);
    holm_engine_still_drop(partition);
    pthread_mutex_unlock(&partition->lock);
    holm_snapshot_writer_release(&saving->writer);
    holm_array_free(&engine->config.allocator, saving->bytes, saving->capacity, 1);
    holm_deallocate(&engine->config.allocator, saving, sizeof *saving);
    engine->saving = NULL;
}

/* A store that has failed is told of where all else tells of it; what memory is missing for is done later. */
static void give_up(struct holm_engine *engine, enum holm_status status)
{
    uint32_t index = engine->saving->index;
    bool late = status == HOLM_ELIMIT ||
                (status == HOLM_ECLOSED && atomic_load(&engine->partitions[index].awaited));
    if (late && engine->hurry < HURRY_MAX)
        engine->hurry++;
    holm_engine_saving_end(engine);
    if (status != HOLM_EIO)
        return;
    pthread_mutex_lock(&engine->partitions[index].lock);
    holm_engine_mute(engine, index);
    pthread_mutex_unlock(&engine->partitions[index].lock);
}

/* ---- its beginning -------------------------------------------------------------------------- */

static enum holm_status cut(struct holm_engine *engine, struct holm_now now)
{
    struct holm_engine_saving *saving = engine->saving;
    struct holm_engine_partition *partition = &engine->partitions[saving->index];
    const struct holm_work *work = NULL;
    HOLM_ASSERT(partition->still == NULL);
    enum holm_status status = holm_still_open(partition->replica, KEPT_BYTES_MAX, now, &work,
                                              &partition->still);
    if (work != NULL)
        holm_engine_work(engine, saving->index, partition->replica, work);
    if (status == HOLM_OK)
        status = holm_engine_store_relied(engine, saving->index);
    if (status == HOLM_OK)
        status = engine->store->ops->cut(engine->store, saving->index);
    if (status == HOLM_OK)
        status = holm_snapshot_begin(&saving->writer, saving->index,
                                     holm_still_vector(partition->still),
                                     holm_still_collected(partition->still));
    return status;
}

static void begin(struct holm_engine *engine, uint32_t index, struct holm_now now)
{
    const struct holm_allocator *allocator = &engine->config.allocator;
    struct holm_engine_partition *partition = &engine->partitions[index];
    struct holm_engine_saving *saving = holm_allocate(allocator, sizeof *saving);
    enum holm_status status = HOLM_ECLOSED;
    if (saving == NULL)
        return;
    memset(saving, 0, sizeof *saving);
    engine->saving = saving;
    saving->allocator = *allocator;
    saving->index = index;
    saving->records = RECORDS_FIRST;
    holm_snapshot_writer_init(&saving->writer, allocator,
                              (struct holm_snapshot_sink){add_bytes, saving});
    pthread_mutex_lock(&partition->lock);
    if (!partition->muted)
        status = cut(engine, now);
    pthread_mutex_unlock(&partition->lock);
    if (status != HOLM_OK)
        give_up(engine, status);
}

/* ---- its pieces ----------------------------------------------------------------------------- */

/* HOLM_ECLOSED: a whole state was saved meanwhile, or a sync has brought another, or there is another replica. */
static enum holm_status copy(struct holm_engine *engine, struct holm_cut **pages,
                             struct holm_digest *digest)
{
    const struct holm_engine_saving *saving = engine->saving;
    struct holm_engine_partition *partition = &engine->partitions[saving->index];
    enum holm_status status = HOLM_ECLOSED;
    pthread_mutex_lock(&partition->lock);
    if (partition->still != NULL) {
        status = holm_still_next(partition->still, saving->records << (HURRY_SHIFT * engine->hurry),
                                 pages);
        *digest = holm_still_digest(partition->still);
    }
    pthread_mutex_unlock(&partition->lock);
    return status;
}

static void adapt(struct holm_engine_saving *saving, size_t bytes)
{
    if (bytes > COPY_BYTES && saving->records > RECORDS_MIN)
        saving->records /= 2;
    else if (bytes < COPY_BYTES / 2 && saving->records < RECORDS_MAX)
        saving->records *= 2;
}

static enum holm_status encode(struct holm_engine *engine)
{
    struct holm_engine_saving *saving = engine->saving;
    struct holm_cut *pages = NULL;
    struct holm_digest digest;
    size_t before = saving->size;
    enum holm_status status = copy(engine, &pages, &digest);
    if (status != HOLM_OK)
        return status;
    if (pages == NULL) {
        saving->all = true;
        return holm_snapshot_end(&saving->writer, digest);
    }
    status = holm_snapshot_pages(&saving->writer, pages);
    holm_cut_close(pages);
    adapt(saving, saving->size - before);
    return status;
}

/* What has been encoded; and when that was all, the seal. */
static enum holm_status give(struct holm_engine *engine, bool *sealed)
{
    struct holm_engine_saving *saving = engine->saving;
    struct holm_engine_partition *partition = &engine->partitions[saving->index];
    struct holm_store *store = engine->store;
    enum holm_status status = HOLM_ECLOSED;
    pthread_mutex_lock(&partition->lock);
    if (partition->still != NULL && !partition->muted)
        status = store->ops->piece(store, saving->index, holm_mem(saving->bytes, saving->size));
    if (status == HOLM_OK)
        saving->size = 0;
    if (status == HOLM_OK && saving->all) {
        status = store->ops->seal(store, saving->index);
        *sealed = status == HOLM_OK;
        partition->saved += *sealed ? 1 : 0;
        if (*sealed)
            holm_engine_await_end(engine, saving->index);
    }
    pthread_mutex_unlock(&partition->lock);
    return status == HOLM_EBUSY ? HOLM_OK : status;
}

static void go_on(struct holm_engine *engine, struct holm_now now)
{
    struct holm_engine_saving *saving = engine->saving;
    enum holm_status status = HOLM_OK;
    bool sealed = false;
    if (now.monotonic_us < saving->due_us)
        return;
    if (!saving->all && saving->size < PIECE_BYTES)
        status = encode(engine);
    if (status == HOLM_OK && (saving->all || saving->size >= PIECE_BYTES))
        status = give(engine, &sealed);
    saving->due_us = now.monotonic_us + REST_US;
    if (status != HOLM_OK)
        give_up(engine, status);
    else if (sealed) {
        engine->hurry = 0;
        holm_engine_saving_end(engine);
    }
}

uint64_t holm_engine_compact_due_us(const struct holm_engine *engine)
{
    if (engine->saving != NULL)
        return engine->saving->due_us;
    return atomic_load(&engine->awaiting) > 0 ? engine->compact_us : HOLM_NEVER;
}

/* ---- what a sync has brought ---------------------------------------------------------------- */

void holm_engine_await(struct holm_engine *engine, uint32_t index)
{
    struct holm_engine_partition *partition = &engine->partitions[index];
    struct holm_store *store = engine->store;
    struct holm_replica_stats stats;
    if (partition->muted || store->ops->await == NULL || engine->members != NULL)
        return;
    if (store->ops->await(store, index) != HOLM_OK) {
        holm_engine_mute(engine, index);
        return;
    }
    holm_replica_stats(partition->replica, &stats);
    partition->syncs = stats.syncs;
    holm_engine_still_drop(partition);
    if (!atomic_exchange(&partition->awaited, true))
        atomic_fetch_add(&engine->awaiting, 1);
}

void holm_engine_await_end(struct holm_engine *engine, uint32_t index)
{
    struct holm_engine_partition *partition = &engine->partitions[index];
    pthread_mutex_lock(&engine->awaited_lock);
    if (atomic_exchange(&partition->awaited, false))
        atomic_fetch_sub(&engine->awaiting, 1);
    pthread_cond_broadcast(&engine->awaited_gone);
    pthread_mutex_unlock(&engine->awaited_lock);
}

enum holm_status holm_engine_await_state(struct holm_engine *engine, uint32_t index,
                                         uint64_t until_us)
{
    struct timespec until = {.tv_sec = (time_t)(until_us / 1000000),
                             .tv_nsec = (long)(until_us % 1000000 * 1000)};
    int refused = 0;
    pthread_mutex_lock(&engine->awaited_lock);
    while (refused == 0 && atomic_load(&engine->partitions[index].awaited))
        refused = pthread_cond_timedwait(&engine->awaited_gone, &engine->awaited_lock, &until);
    pthread_mutex_unlock(&engine->awaited_lock);
    HOLM_ASSERT(refused == 0 || refused == ETIMEDOUT);
    return refused == 0 ? HOLM_OK : HOLM_ETIMEDOUT;
}

/* ---- which ---------------------------------------------------------------------------------- */

static void save_whole(struct holm_engine *engine, uint32_t index, struct holm_now now)
{
    struct holm_engine_partition *partition = &engine->partitions[index];
    pthread_mutex_lock(&partition->lock);
    partition->syncs = UINT64_MAX;
    const struct holm_work *work = holm_engine_save(engine, index, now);
    if (work != NULL)
        holm_engine_work(engine, index, partition->replica, work);
    pthread_mutex_unlock(&partition->lock);
}

void holm_engine_await_all(struct holm_engine *engine, struct holm_now now)
{
    holm_engine_saving_end(engine);
    for (uint32_t i = 0; i < engine->partition_count; i++)
        if (atomic_load(&engine->partitions[i].awaited))
            save_whole(engine, i, now);
}

static bool is_bulky(struct holm_engine *engine, uint32_t index)
{
    struct holm_store *store = engine->store;
    return store->ops->bulky != NULL && store->ops->bulky(store, index);
}

/* Whose turn it is: of those whose state is awaited, if there are any. */
static bool choose(struct holm_engine *engine, uint32_t *index)
{
    bool awaiting = atomic_load(&engine->awaiting) > 0;
    *index = engine->compacted++ % engine->partition_count;
    for (uint32_t i = 1; awaiting && i < engine->partition_count; i++) {
        if (atomic_load(&engine->partitions[*index].awaited))
            return true;
        *index = engine->compacted++ % engine->partition_count;
    }
    return atomic_load(&engine->partitions[*index].awaited) || is_bulky(engine, *index);
}

void holm_engine_compact(struct holm_engine *engine, struct holm_now now)
{
    uint32_t index;
    if (engine->saving != NULL) {
        go_on(engine, now);
        return;
    }
    if (now.monotonic_us < engine->compact_us || !choose(engine, &index))
        return;
    if (engine->store->ops->cut == NULL) {
        save_whole(engine, index, now);
        return;
    }
    begin(engine, index, now);
    if (engine->saving == NULL)
        engine->compact_us = now.monotonic_us + RETRY_US;
}

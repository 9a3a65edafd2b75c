/* SPDX-License-Identifier: Apache-2.0 */
#include <xxhash.h>

#include "node/clock.h"
#include "node/engine_state.h"
#include "node/store_replica.h"
#include "proto/batch.h"
#include "proto/snapshot.h"

/* The list journals nothing: in its place is the epoch, and then each row of origins; all numbers little end first. */
#define FORMER_BYTES 8
/* Among the batches of a partition, which never begin with 0: a forget that S was grown under; 0, its node, epoch, seq. */
#define RELIED_BYTES 41
#define ORIGIN_BYTES 48 /* partition, and of the row: copy, its last, of, after, last */

/* ---- reading -------------------------------------------------------------------------------- */

enum holm_status holm_engine_load(struct holm_engine *engine, uint32_t index,
                                  const struct holm_replica_config *config, struct holm_now now)
{
    HOLM_ASSERT(config->partition == index);
    return holm_store_replica(engine->store, config, now, &engine->partitions[index].replica);
}

static uint64_t read_number(const unsigned char *data)
{
    uint64_t number = 0;
    for (size_t i = 0; i < 8; i++)
        number |= (uint64_t)data[i] << (8 * i);
    return number;
}

static void write_number(unsigned char *data, uint64_t number)
{
    for (size_t i = 0; i < 8; i++)
        data[i] = (unsigned char)(number >> (8 * i));
}

/* Of all forgets that S was grown under; 0: of none. */
static uint64_t relied_mark(const struct holm_engine_partition *partition)
{
    size_t count;
    const struct holm_relied *forgets = holm_replica_relied(partition->replica, &count);
    return count == 0 ? 0 : XXH3_64bits(forgets, count * sizeof *forgets);
}

static enum holm_status load_relied(struct holm_engine_partition *partition,
                                    const unsigned char *data)
{
    struct holm_relied relied = {
        .forget = {{{read_number(data + 1)}, {read_number(data + 9)}}, read_number(data + 17)},
        .subject = {{read_number(data + 25)}, {read_number(data + 33)}},
    };
    return holm_replica_rely_on(partition->replica, relied);
}

static enum holm_status load_batch(void *context, struct holm_bytes bytes)
{
    struct holm_engine_partition *partition = context;
    struct holm_journal *journal = &partition->journal;
    struct holm_batch batch;
    if (bytes.size == RELIED_BYTES && *(const unsigned char *)bytes.data == 0)
        return load_relied(partition, bytes.data);
    enum holm_status status = holm_batch_decode(&journal->allocator, bytes, &batch);
    if (status != HOLM_OK)
        return status;
    status = holm_journal_add(journal, batch.ops, batch.count);
    holm_batch_release(&journal->allocator, &batch);
    return status;
}

enum holm_status holm_engine_load_journal(struct holm_engine *engine, uint32_t index)
{
    struct holm_store *store = engine->store;
    struct holm_engine_partition *partition = &engine->partitions[index];
    if (!holm_store_keeps(store))
        return HOLM_OK;
    enum holm_status status = store->ops->journal_load(store, index, load_batch, partition);
    if (status == HOLM_OK)
        partition->relied_stored = relied_mark(partition);
    return status;
}

/* ---- what the state was confirmed under ---- */

struct loading {
    struct holm_engine *engine;
    struct holm_epoch *former;
};

static enum holm_status load_origin(struct holm_engine *engine, const unsigned char *data)
{
    struct holm_node_id self = engine->config.self.node;
    uint64_t index = read_number(data);
    struct holm_origin origin = {.copy = {{self, {read_number(data + 8)}}, read_number(data + 16)},
                                 .of = {self, {read_number(data + 24)}},
                                 .after = read_number(data + 32),
                                 .last = read_number(data + 40)};
    if (index >= engine->config.partitions)
        return HOLM_EMALFORMED;
    return holm_origins_add(&engine->partitions[index].origins, &origin);
}

static enum holm_status load_former(void *context, struct holm_bytes bytes)
{
    struct loading *loading = context;
    if (bytes.size == ORIGIN_BYTES)
        return load_origin(loading->engine, bytes.data);
    if (bytes.size != FORMER_BYTES)
        return HOLM_EMALFORMED;
    loading->former->value = read_number(bytes.data);
    return HOLM_OK;
}

enum holm_status holm_engine_load_former(struct holm_engine *engine, struct holm_epoch *former)
{
    struct holm_store *store = engine->store;
    struct loading loading = {engine, former};
    former->value = 0;
    if (!holm_store_keeps(store))
        return HOLM_OK;
    return store->ops->journal_load(store, holm_engine_list(engine), load_former, &loading);
}

static enum holm_status store_origins(struct holm_engine *engine, uint32_t index)
{
    const struct holm_origins *origins = &engine->partitions[index].origins;
    enum holm_status status = HOLM_OK;
    for (size_t i = 0; status == HOLM_OK && i < origins->count; i++) {
        const struct holm_origin *row = &origins->rows[i];
        unsigned char bytes[ORIGIN_BYTES];
        write_number(bytes, index);
        write_number(bytes + 8, row->copy.actor.epoch.value);
        write_number(bytes + 16, row->copy.seq);
        write_number(bytes + 24, row->of.epoch.value);
        write_number(bytes + 32, row->after);
        write_number(bytes + 40, row->last);
        status = engine->store->ops->journal_add(engine->store, holm_engine_list(engine),
                                                 holm_mem(bytes, sizeof bytes));
    }
    return status;
}

enum holm_status holm_engine_store_former(struct holm_engine *engine, struct holm_epoch former)
{
    struct holm_store *store = engine->store;
    uint32_t list = holm_engine_list(engine);
    unsigned char bytes[FORMER_BYTES];
    if (!holm_store_keeps(store))
        return HOLM_OK;
    write_number(bytes, former.value);
    if (store->ops->journal_clear(store, list) != HOLM_OK)
        return HOLM_EIO;
    enum holm_status status = store->ops->journal_add(store, list, holm_mem(bytes, sizeof bytes));
    for (uint32_t i = 0; status == HOLM_OK && i < engine->config.partitions; i++)
        status = store_origins(engine, i);
    return status;
}

/* ---- writing -------------------------------------------------------------------------------- */

void holm_engine_mute(struct holm_engine *engine, uint32_t index)
{
    engine->partitions[index].muted = true;
    atomic_store(&engine->store_failed, true);
    holm_engine_await_end(engine, index);
}

bool holm_engine_is_silent(const struct holm_engine *engine, uint32_t index)
{
    return engine->partitions[index].muted && engine->members != NULL;
}

bool holm_engine_store_failed(struct holm_engine *engine)
{
    return atomic_load(&engine->store_failed);
}

void holm_engine_mute_all(struct holm_engine *engine)
{
    for (uint32_t i = 0; i < engine->partition_count; i++) {
        pthread_mutex_lock(&engine->partitions[i].lock);
        holm_engine_mute(engine, i);
        pthread_mutex_unlock(&engine->partitions[i].lock);
    }
}

static bool has_failed(const struct holm_engine *engine)
{
    struct holm_store *store = engine->store;
    return store->ops->failed != NULL && store->ops->failed(store);
}

void holm_engine_mute_failed(struct holm_engine *engine, uint32_t index)
{
    if (!engine->partitions[index].muted && has_failed(engine))
        holm_engine_mute(engine, index);
}

void holm_engine_store_tick(struct holm_engine *engine)
{
    if (!engine->store_failure_told && has_failed(engine))
        holm_engine_mute_all(engine);
}

void holm_engine_store_epoch(struct holm_engine *engine, struct holm_epoch epoch)
{
    struct holm_store *store = engine->store;
    if (holm_store_keeps(store) && store->ops->epoch(store).value < epoch.value &&
        store->ops->epoch_raise(store, epoch) != HOLM_OK)
        holm_engine_mute_all(engine);
}

enum holm_status holm_engine_store_relied(struct holm_engine *engine, uint32_t index)
{
    struct holm_engine_partition *partition = &engine->partitions[index];
    enum holm_status status = HOLM_OK;
    size_t count;
    if (engine->members == NULL || index >= engine->config.partitions ||
        !holm_store_keeps(engine->store) || relied_mark(partition) == partition->relied_stored)
        return HOLM_OK;
    const struct holm_relied *forgets = holm_replica_relied(partition->replica, &count);
    for (size_t i = 0; status == HOLM_OK && i < count; i++) {
        unsigned char bytes[RELIED_BYTES] = {0};
        write_number(bytes + 1, forgets[i].forget.actor.node.value);
        write_number(bytes + 9, forgets[i].forget.actor.epoch.value);
        write_number(bytes + 17, forgets[i].forget.seq);
        write_number(bytes + 25, forgets[i].subject.node.value);
        write_number(bytes + 33, forgets[i].subject.epoch.value);
        status = engine->store->ops->journal_add(engine->store, index,
                                                 holm_mem(bytes, sizeof bytes));
    }
    if (status == HOLM_OK)
        partition->relied_stored = relied_mark(partition);
    return status;
}

void holm_engine_store(struct holm_engine *engine, uint32_t index, const struct holm_work *work)
{
    if (work->synced)
        holm_engine_await(engine, index);
    if (work->stored_count == 0 || engine->partitions[index].muted)
        return;
    if (holm_engine_store_relied(engine, index) != HOLM_OK) {
        holm_engine_mute(engine, index);
        return;
    }
    if (engine->store->ops->append(engine->store, index, work->stored, work->stored_count) !=
        HOLM_OK)
        holm_engine_mute(engine, index);
    else if (holm_store_keeps(engine->store))
        engine->partitions[index].stored += work->stored_count;
}

enum holm_status holm_engine_store_batch(struct holm_engine *engine, uint32_t index,
                                         const struct holm_op *ops, size_t count)
{
    const struct holm_allocator *allocator = &engine->config.allocator;
    void *bytes = NULL;
    size_t size = 0, capacity = 0;
    if (!holm_store_keeps(engine->store))
        return HOLM_OK;
    enum holm_status status = holm_batch_encode(allocator, ops, count, &bytes, &size, &capacity);
    if (status == HOLM_OK &&
        engine->store->ops->journal_add(engine->store, index, holm_mem(bytes, size)) != HOLM_OK) {
        holm_engine_mute(engine, index);
        status = HOLM_EIO;
    }
    holm_array_free(allocator, bytes, capacity, 1);
    return status;
}

static enum holm_status store_waiting(struct holm_engine *engine, uint32_t index)
{
    const struct holm_allocator *allocator = &engine->config.allocator;
    const struct holm_journal *journal = &engine->partitions[index].journal;
    enum holm_status status = HOLM_OK;
    for (size_t k = 0; status == HOLM_OK && k < holm_journal_count(journal); k++) {
        size_t count;
        struct holm_op *ops = holm_engine_journal_batch(engine, index, k, &count);
        if (ops == NULL)
            return HOLM_ENOMEM;
        status = holm_engine_store_batch(engine, index, ops, count);
        holm_deallocate(allocator, ops, count * sizeof *ops);
    }
    return status;
}

enum holm_status holm_engine_store_minted(struct holm_engine *engine, uint32_t index)
{
    if (!holm_store_keeps(engine->store))
        return HOLM_OK;
    if (engine->partitions[index].muted ||
        engine->store->ops->journal_clear(engine->store, index) != HOLM_OK) {
        holm_engine_mute(engine, index);
        return HOLM_EIO;
    }
    engine->partitions[index].relied_stored = 0;
    enum holm_status status = holm_engine_store_relied(engine, index);
    return status == HOLM_OK ? store_waiting(engine, index) : status;
}

void holm_engine_store_begin(struct holm_engine *engine)
{
    struct holm_store *store = engine->store;
    HOLM_ASSERT(!engine->store_begun);
    if (!holm_store_keeps(store))
        return;
    engine->store_begun = store->ops->begin(store) == HOLM_OK;
    if (!engine->store_begun)
        holm_engine_mute_all(engine);
}

void holm_engine_store_end(struct holm_engine *engine, bool whole)
{
    struct holm_store *store = engine->store;
    bool failed = !whole || atomic_load(&engine->store_failed);
    if (engine->store_begun)
        failed |= store->ops->end(store, !failed) != HOLM_OK;
    engine->store_begun = false;
    if (!failed || !holm_store_keeps(store))
        return;
    holm_engine_mute_all(engine);
    holm_outgoing_take(&engine->outgoing); /* and it is sent to nobody */
}

/* A snapshot in memory. */
struct image {
    struct holm_allocator allocator;
    void *bytes;
    size_t size, capacity;
};

static enum holm_status add_piece(void *context, struct holm_bytes piece)
{
    struct image *image = context;
    enum holm_status status = holm_array_reserve(&image->allocator, &image->bytes, &image->capacity,
                                                 1, image->size + piece.size);
    if (status != HOLM_OK)
        return status;
    if (piece.size > 0)
        memcpy((unsigned char *)image->bytes + image->size, piece.data, piece.size);
    image->size += piece.size;
    return HOLM_OK;
}

static enum holm_status save_cut(struct holm_engine *engine, uint32_t index,
                                 const struct holm_cut *cut)
{
    struct image image = {.allocator = engine->config.allocator};
    struct holm_snapshot_sink sink = {add_piece, &image};
    struct holm_replica_config config = holm_engine_replica_config(engine, index);
    enum holm_status status = holm_snapshot_write(&config, cut, &sink);
    if (status == HOLM_OK)
        status = engine->store->ops->save(engine->store, index, holm_mem(image.bytes, image.size));
    holm_array_free(&image.allocator, image.bytes, image.capacity, 1);
    return status;
}

const struct holm_work *holm_engine_save(struct holm_engine *engine, uint32_t index,
                                         struct holm_now now)
{
    struct holm_engine_partition *partition = &engine->partitions[index];
    struct holm_replica_stats stats;
    if (engine->store->ops->save == NULL || partition->muted)
        return NULL;
    holm_replica_stats(partition->replica, &stats);
    if (stats.syncs == partition->syncs)
        return NULL;
    partition->syncs = stats.syncs;
    holm_engine_still_drop(partition);
    const struct holm_work *work;
    struct holm_cut *cut;
    enum holm_status status = holm_cut_open(partition->replica, now, &work, &cut);
    if (status == HOLM_OK) {
        status = holm_engine_store_relied(engine, index);
        if (status == HOLM_OK)
            status = save_cut(engine, index, cut);
        holm_cut_close(cut);
    }
    partition->saved += status == HOLM_OK ? 1 : 0;
    if (status == HOLM_OK)
        holm_engine_await_end(engine, index);
    else
        holm_engine_mute(engine, index);
    return work;
}

/* What the disk has refused of a partition is known here, even where its store as a whole goes on. */
static enum holm_status seal_stored(struct holm_engine *engine, uint32_t index, struct holm_now now)
{
    struct holm_engine_partition *partition = &engine->partitions[index];
    struct holm_event flush = {.type = HOLM_EVENT_FLUSH};
    pthread_mutex_lock(&partition->lock);
    enum holm_status status = holm_engine_step(engine, index, &flush, now, NULL);
    if (status == HOLM_OK && partition->muted)
        status = HOLM_EIO;
    pthread_mutex_unlock(&partition->lock);
    return status;
}

/* What was sealed before counts once its state does: then nothing of it is missing on the disk but what sync() waits for. */
static enum holm_status await_states(struct holm_engine *engine, uint32_t first, uint32_t count,
                                     struct holm_now now, uint64_t *timeout_us)
{
    uint64_t begun_us = holm_clock_now().monotonic_us, passed_us = 0;
    enum holm_status status = HOLM_OK;
    for (uint32_t i = first; status == HOLM_OK && i < first + count; i++) {
        status = holm_engine_await_state(engine, i, begun_us + *timeout_us);
        passed_us = holm_clock_now().monotonic_us - begun_us;
        struct holm_now later = {now.monotonic_us + passed_us, now.wall_ms + passed_us / 1000};
        if (status == HOLM_OK)
            status = seal_stored(engine, i, later); /* unless it is mute */
    }
    *timeout_us = *timeout_us > passed_us ? *timeout_us - passed_us : 0;
    return status;
}

enum holm_status holm_engine_sync(struct holm_engine *engine, uint32_t first, uint32_t count,
                                  struct holm_now now, uint64_t timeout_us)
{
    enum holm_status status = holm_store_keeps(engine->store) ? HOLM_OK : HOLM_EINVAL;
    for (uint32_t i = first; status == HOLM_OK && i < first + count; i++)
        status = seal_stored(engine, i, now);
    if (status == HOLM_OK && atomic_load(&engine->awaiting) > 0)
        status = await_states(engine, first, count, now, &timeout_us);
    return status == HOLM_OK ? engine->store->ops->sync(engine->store, timeout_us) : status;
}

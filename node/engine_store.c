/* SPDX-License-Identifier: Apache-2.0 */
#include "node/engine_state.h"
#include "proto/snapshot.h"

/* ---- reading -------------------------------------------------------------------------------- */

struct loading {
    struct holm_replica *replica;
    struct holm_now now;
};

/* What was stored is applied like what a peer sends; there is nobody yet to hear the outputs. */
static enum holm_status load_delta(void *context, struct holm_delta *delta)
{
    struct loading *loading = context;
    struct holm_message message = {.type = HOLM_MESSAGE_DELTA, .partition = delta->partition};
    message.sender = delta->actor;
    message.as.delta = delta;
    struct holm_event event = {.type = HOLM_EVENT_MESSAGE};
    event.as.message.peer = HOLM_PEER_NONE;
    event.as.message.message = &message;
    const struct holm_work *work;
    return holm_replica_step(loading->replica, &event, loading->now, &work);
}

enum holm_status holm_engine_load(struct holm_engine *engine, uint32_t index,
                                  const struct holm_replica_config *config, struct holm_now now)
{
    struct holm_store *store = engine->store;
    struct holm_replica **replica = &engine->partitions[index].replica;
    struct holm_bytes saved = holm_mem(NULL, 0);
    if (store->ops->saved != NULL)
        saved = store->ops->saved(store, index);
    enum holm_status status = saved.size > 0 ? holm_snapshot_load(config, saved, now, replica)
                                             : holm_replica_new(config, replica);
    if (status != HOLM_OK)
        return status;
    struct loading loading = {*replica, now};
    return store->ops->load(store, index, load_delta, &loading);
}

/* ---- writing -------------------------------------------------------------------------------- */

static void mute(struct holm_engine *engine, uint32_t index)
{
    engine->partitions[index].muted = true;
    atomic_store(&engine->store_failed, true);
}

void holm_engine_store(struct holm_engine *engine, uint32_t index, const struct holm_work *work)
{
    if (work->stored_count == 0 || engine->partitions[index].muted)
        return;
    if (engine->store->ops->append(engine->store, index, work->stored, work->stored_count) !=
        HOLM_OK)
        mute(engine, index);
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
    const struct holm_work *work;
    struct holm_cut *cut;
    enum holm_status status = holm_cut_open(partition->replica, now, &work, &cut);
    if (status == HOLM_OK) {
        status = save_cut(engine, index, cut);
        holm_cut_close(cut);
    }
    if (status != HOLM_OK)
        mute(engine, index);
    return work;
}

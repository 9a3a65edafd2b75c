/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <lmdb.h>
#include <xxhash.h>

#include "node/store_lmdb_parts.h"

#define BULK_BYTES ((size_t)1 << 20)

enum kind {
    TASK_RUNS = 1,
    TASK_STATE,
    TASK_BATCH,
    TASK_MINTED,
    TASK_EPOCH
};

/* ---- the writer ----------------------------------------------------------------------------- */

static int put(struct holm_store_lmdb *store, MDB_txn *txn, enum holm_store_lmdb_table table,
               struct holm_store_lmdb_key key, struct holm_bytes bytes)
{
    MDB_val name = {sizeof key.bytes, key.bytes};
    MDB_val value = {bytes.size, (void *)(uintptr_t)bytes.data};
    return mdb_put(txn, store->tables[table], &name, &value, 0);
}

int holm_store_lmdb_put_fact(struct holm_store_lmdb *store, MDB_txn *txn, const char *name,
                             uint64_t fact)
{
    MDB_val key = {strlen(name), (void *)(uintptr_t)name};
    MDB_val value = {sizeof fact, &fact};
    return mdb_put(txn, store->tables[HOLM_STORE_LMDB_META], &key, &value, 0);
}

/* All of a partition. */
static int delete_all(struct holm_store_lmdb *store, MDB_txn *txn, enum holm_store_lmdb_table table,
                      uint32_t partition)
{
    MDB_cursor *cursor;
    struct holm_store_lmdb_key first = holm_store_lmdb_key(partition, 0);
    MDB_val key = {sizeof first.bytes, first.bytes}, value;
    int code = mdb_cursor_open(txn, store->tables[table], &cursor);
    if (code != 0)
        return code;
    code = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
    while (code == 0 && holm_store_lmdb_is_of(key.mv_data, key.mv_size, partition)) {
        code = mdb_cursor_del(cursor, 0);
        if (code == 0)
            code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
    }
    mdb_cursor_close(cursor);
    return code == MDB_NOTFOUND ? 0 : code;
}

static int write_state(struct holm_store_lmdb *store, MDB_txn *txn,
                       const struct holm_store_task *task)
{
    int code = delete_all(store, txn, HOLM_STORE_LMDB_RUNS, task->partition);
    if (code == 0)
        code = delete_all(store, txn, HOLM_STORE_LMDB_STATE, task->partition);
    const unsigned char *bytes = task->bytes.data;
    for (size_t at = 0; code == 0 && at < task->bytes.size; at += HOLM_STORE_LMDB_PIECE_BYTES) {
        size_t rest = task->bytes.size - at;
        code = put(store, txn, HOLM_STORE_LMDB_STATE,
                   holm_store_lmdb_key(task->partition, at / HOLM_STORE_LMDB_PIECE_BYTES),
                   holm_mem(bytes + at, rest < HOLM_STORE_LMDB_PIECE_BYTES
                                            ? rest
                                            : HOLM_STORE_LMDB_PIECE_BYTES));
    }
    return code;
}

static int write_task(struct holm_store_lmdb *store, MDB_txn *txn,
                      const struct holm_store_task *task)
{
    struct holm_store_lmdb_part *part = &store->parts[task->partition];
    enum holm_store_lmdb_table table = task->kind == TASK_RUNS ? HOLM_STORE_LMDB_RUNS
                                                               : HOLM_STORE_LMDB_JOURNAL;
    uint64_t epoch;
    switch ((enum kind)task->kind) {
    case TASK_RUNS:
    case TASK_BATCH:
        return put(store, txn, table, holm_store_lmdb_key(task->partition, part->numbers[table]++),
                   task->bytes);
    case TASK_STATE:
        return write_state(store, txn, task);
    case TASK_MINTED:
        return delete_all(store, txn, HOLM_STORE_LMDB_JOURNAL, task->partition);
    case TASK_EPOCH:
        memcpy(&epoch, task->bytes.data, sizeof epoch);
        return holm_store_lmdb_put_fact(store, txn, "epoch", epoch);
    }
    return EINVAL;
}

static int write_group(struct holm_store_lmdb *store)
{
    MDB_txn *txn;
    struct holm_store_task task;
    size_t cursor = 0;
    int code = mdb_txn_begin(store->env, NULL, 0, &txn);
    if (code != 0)
        return code;
    while (code == 0 && holm_store_queue_next(&store->queue, &cursor, &task))
        code = write_task(store, txn, &task);
    if (code == 0)
        return mdb_txn_commit(txn);
    mdb_txn_abort(txn);
    return code;
}

static int grow(struct holm_store_lmdb *store)
{
    MDB_envinfo info;
    pthread_mutex_lock(&store->map_lock);
    int code = mdb_env_info(store->env, &info);
    if (code == 0)
        code = mdb_env_set_mapsize(store->env, info.me_mapsize * 2);
    pthread_mutex_unlock(&store->map_lock);
    return code;
}

void *holm_store_lmdb_write(void *context)
{
    struct holm_store_lmdb *store = context;
    while (holm_store_queue_take(&store->queue)) {
        int code = write_group(store);
        while (code == MDB_MAP_FULL) {
            code = grow(store);
            if (code == 0)
                code = write_group(store);
        }
        (void)holm_store_lmdb_tell(store, "cannot be written; nothing is, from now on", code);
        holm_store_queue_done(&store->queue, code == 0);
    }
    return NULL;
}

/* ---- what is told to be written ------------------------------------------------------------- */

static enum holm_status put_task(struct holm_store_lmdb *store, enum kind kind, uint32_t partition,
                                 struct holm_bytes bytes)
{
    struct holm_store_task task = {(uint32_t)kind, partition, bytes};
    return store->reading ? HOLM_EIO : holm_store_queue_put(&store->queue, &task);
}

static enum holm_status add_bytes(struct holm_store_lmdb *store, struct holm_store_lmdb_part *part,
                                  const void *bytes, size_t size)
{
    enum holm_status status = holm_array_reserve(&store->allocator, &part->bytes, &part->capacity,
                                                 1, part->size + size);
    if (status != HOLM_OK)
        return status;
    memcpy((unsigned char *)part->bytes + part->size, bytes, size);
    part->size += size;
    return HOLM_OK;
}

/* Room for the check, which is filled in when all behind it is there. */
static enum holm_status begin_record(struct holm_store_lmdb *store,
                                     struct holm_store_lmdb_part *part)
{
    const uint64_t check = 0;
    part->size = 0;
    return add_bytes(store, part, &check, sizeof check);
}

static enum holm_status end_record(struct holm_store_lmdb *store, enum kind kind,
                                   uint32_t partition)
{
    struct holm_store_lmdb_part *part = &store->parts[partition];
    unsigned char *bytes = part->bytes;
    uint64_t check = XXH3_64bits(bytes + sizeof check, part->size - sizeof check);
    memcpy(bytes, &check, sizeof check);
    enum holm_status status = put_task(store, kind, partition, holm_mem(bytes, part->size));
    pthread_mutex_lock(&part->lock);
    if (status == HOLM_OK && kind == TASK_RUNS)
        part->sizes.run_bytes += part->size;
    else if (status == HOLM_OK)
        part->sizes.journal_bytes += part->size;
    pthread_mutex_unlock(&part->lock);
    return status;
}

static enum holm_status add_run(struct holm_store_lmdb *store, struct holm_store_lmdb_part *part,
                                struct holm_delta *delta)
{
    struct holm_message message = {
        .type = HOLM_MESSAGE_DELTA, .partition = delta->partition, .sender = delta->actor};
    struct holm_bytes frame;
    message.as.delta = delta;
    enum holm_status status = holm_encoder_encode(&part->encoder, &message, &frame);
    uint64_t size = frame.size;
    if (status == HOLM_OK)
        status = add_bytes(store, part, &size, sizeof size);
    return status == HOLM_OK ? add_bytes(store, part, frame.data, frame.size) : status;
}

enum holm_status holm_store_lmdb_append(struct holm_store *base, uint32_t partition,
                                        struct holm_delta *const *deltas, size_t count)
{
    struct holm_store_lmdb *store = holm_store_lmdb_of(base);
    struct holm_store_lmdb_part *part = &store->parts[partition];
    enum holm_status status = begin_record(store, part);
    for (size_t i = 0; status == HOLM_OK && i < count; i++)
        status = add_run(store, part, deltas[i]);
    return status == HOLM_OK ? end_record(store, TASK_RUNS, partition) : status;
}

enum holm_status holm_store_lmdb_save(struct holm_store *base, uint32_t partition,
                                      struct holm_bytes snapshot)
{
    struct holm_store_lmdb *store = holm_store_lmdb_of(base);
    struct holm_store_lmdb_part *part = &store->parts[partition];
    enum holm_status status = put_task(store, TASK_STATE, partition, snapshot);
    pthread_mutex_lock(&part->lock);
    if (status == HOLM_OK) {
        part->sizes.state_bytes = snapshot.size;
        part->sizes.run_bytes = 0;
    }
    pthread_mutex_unlock(&part->lock);
    return status;
}

enum holm_status holm_store_lmdb_journal_add(struct holm_store *base, uint32_t partition,
                                             struct holm_bytes batch)
{
    struct holm_store_lmdb *store = holm_store_lmdb_of(base);
    struct holm_store_lmdb_part *part = &store->parts[partition];
    enum holm_status status = begin_record(store, part);
    if (status == HOLM_OK)
        status = add_bytes(store, part, batch.data, batch.size);
    return status == HOLM_OK ? end_record(store, TASK_BATCH, partition) : status;
}

enum holm_status holm_store_lmdb_journal_clear(struct holm_store *base, uint32_t partition)
{
    struct holm_store_lmdb *store = holm_store_lmdb_of(base);
    struct holm_store_lmdb_part *part = &store->parts[partition];
    pthread_mutex_lock(&part->lock);
    part->sizes.journal_bytes = 0;
    pthread_mutex_unlock(&part->lock);
    return put_task(store, TASK_MINTED, partition, holm_mem(NULL, 0));
}

struct holm_epoch holm_store_lmdb_epoch(struct holm_store *base)
{
    struct holm_store_lmdb *store = holm_store_lmdb_of(base);
    pthread_mutex_lock(&store->epoch_lock);
    struct holm_epoch epoch = store->facts.epoch;
    pthread_mutex_unlock(&store->epoch_lock);
    return epoch;
}

enum holm_status holm_store_lmdb_sync(struct holm_store *base, uint64_t timeout_us)
{
    struct holm_store_lmdb *store = holm_store_lmdb_of(base);
    return store->reading ? HOLM_EIO : holm_store_queue_wait(&store->queue, timeout_us);
}

enum holm_status holm_store_lmdb_epoch_raise(struct holm_store *base, struct holm_epoch epoch)
{
    struct holm_store_lmdb *store = holm_store_lmdb_of(base);
    enum holm_status status = put_task(store, TASK_EPOCH, 0, holm_mem(&epoch, sizeof epoch));
    if (status == HOLM_OK)
        status = holm_store_lmdb_sync(base, UINT32_MAX * UINT64_C(1000));
    pthread_mutex_lock(&store->epoch_lock);
    if (status == HOLM_OK)
        store->facts.epoch = epoch;
    pthread_mutex_unlock(&store->epoch_lock);
    return status;
}

enum holm_status holm_store_lmdb_begin(struct holm_store *base)
{
    struct holm_store_lmdb *store = holm_store_lmdb_of(base);
    return store->reading ? HOLM_EIO : holm_store_queue_hold(&store->queue);
}

enum holm_status holm_store_lmdb_end(struct holm_store *base, bool whole)
{
    struct holm_store_lmdb *store = holm_store_lmdb_of(base);
    holm_store_queue_let(&store->queue, whole);
    return holm_store_lmdb_sync(base, UINT32_MAX * UINT64_C(1000));
}

bool holm_store_lmdb_bulky(struct holm_store *base, uint32_t partition)
{
    struct holm_store_lmdb_sizes sizes = holm_store_lmdb_sizes(base, partition);
    return sizes.run_bytes > BULK_BYTES && sizes.run_bytes > 2 * sizes.state_bytes;
}

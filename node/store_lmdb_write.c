/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <lmdb.h>
#include <xxhash.h>

#include "node/store_lmdb_parts.h"

/* ---- the writer ----------------------------------------------------------------------------- */

int holm_store_lmdb_put(struct holm_store_lmdb *store, MDB_txn *txn,
                        enum holm_store_lmdb_table table, struct holm_store_lmdb_key key,
                        struct holm_bytes bytes)
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

static bool is_in(const MDB_val *key, struct holm_store_lmdb_range range)
{
    return holm_store_lmdb_is_of(key->mv_data, key->mv_size, range.partition) &&
           holm_store_lmdb_number(key->mv_data) <= range.last;
}

int holm_store_lmdb_delete(struct holm_store_lmdb *store, MDB_txn *txn,
                           enum holm_store_lmdb_table table, struct holm_store_lmdb_range range)
{
    MDB_cursor *cursor;
    struct holm_store_lmdb_key first = holm_store_lmdb_key(range.partition, range.first);
    MDB_val key = {sizeof first.bytes, first.bytes}, value;
    int code = mdb_cursor_open(txn, store->tables[table], &cursor);
    if (code != 0)
        return code;
    code = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
    while (code == 0 && is_in(&key, range)) {
        code = mdb_cursor_del(cursor, 0);
        if (code == 0)
            code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
    }
    mdb_cursor_close(cursor);
    return code == MDB_NOTFOUND ? 0 : code;
}

static int write_record(struct holm_store_lmdb *store, MDB_txn *txn,
                        enum holm_store_lmdb_table table, const struct holm_store_task *task)
{
    uint64_t number = store->parts[task->partition].numbers[table]++;
    int code = holm_store_lmdb_put(store, txn, table, holm_store_lmdb_key(task->partition, number),
                                   task->bytes);
    /* Who knows nothing of runs that await a state must not open what has some. */
    if (code == 0 && task->bytes.size == HOLM_STORE_LMDB_CHECK_BYTES)
        code = holm_store_lmdb_put_fact(store, txn, "format", HOLM_STORE_LMDB_FORMAT);
    return code;
}

static int write_task(struct holm_store_lmdb *store, MDB_txn *txn,
                      const struct holm_store_task *task)
{
    uint64_t epoch;
    switch ((enum holm_store_lmdb_task)task->kind) {
    case HOLM_STORE_LMDB_TASK_RUNS:
        return write_record(store, txn, HOLM_STORE_LMDB_RUNS, task);
    case HOLM_STORE_LMDB_TASK_TRIM:
        return holm_store_lmdb_delete(
            store, txn, HOLM_STORE_LMDB_RUNS,
            (struct holm_store_lmdb_range){task->partition, task->number, UINT64_MAX});
    case HOLM_STORE_LMDB_TASK_BATCH:
        return write_record(store, txn, HOLM_STORE_LMDB_JOURNAL, task);
    case HOLM_STORE_LMDB_TASK_MINTED:
        return holm_store_lmdb_delete(
            store, txn, HOLM_STORE_LMDB_JOURNAL,
            (struct holm_store_lmdb_range){task->partition, 0, UINT64_MAX});
    case HOLM_STORE_LMDB_TASK_EPOCH:
        memcpy(&epoch, task->bytes.data, sizeof epoch);
        return holm_store_lmdb_put_fact(store, txn, "epoch", epoch);
    case HOLM_STORE_LMDB_TASK_STATE:
    case HOLM_STORE_LMDB_TASK_CUT:
    case HOLM_STORE_LMDB_TASK_PIECE:
    case HOLM_STORE_LMDB_TASK_SEAL:
        return holm_store_lmdb_write_state(store, txn, task);
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
    store->unmapped = code != 0;
    pthread_mutex_unlock(&store->map_lock);
    return code;
}

void *holm_store_lmdb_write(void *context)
{
    struct holm_store_lmdb *store = context;
    while (holm_store_queue_take(&store->queue)) {
        /* Who was killed while it looked would keep pages from being used again. Where it cannot be told, the next
         * group looks; while nobody looks it costs no call of the system. */
        int dead = 0;
        (void)mdb_reader_check(store->env, &dead);
        int code = write_group(store);
        while (code == MDB_MAP_FULL) {
            code = grow(store);
            if (code == 0)
                code = write_group(store);
        }
        (void)holm_store_lmdb_tell(
            store, "cannot be written, so writes are refused, while reads go on", code);
        holm_store_queue_done(&store->queue, code == 0);
    }
    return NULL;
}

/* ---- what is told to be written ------------------------------------------------------------- */

enum holm_status holm_store_lmdb_put_task(struct holm_store_lmdb *store,
                                          enum holm_store_lmdb_task kind, uint32_t partition,
                                          uint64_t number, struct holm_bytes bytes)
{
    struct holm_store_task task = {(uint32_t)kind, partition, number, bytes};
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

static enum holm_status end_record(struct holm_store_lmdb *store, enum holm_store_lmdb_task kind,
                                   uint32_t partition)
{
    struct holm_store_lmdb_part *part = &store->parts[partition];
    unsigned char *bytes = part->bytes;
    uint64_t check = XXH3_64bits(bytes + sizeof check, part->size - sizeof check);
    memcpy(bytes, &check, sizeof check);
    enum holm_status status = holm_store_lmdb_put_task(store, kind, partition, 0,
                                                       holm_mem(bytes, part->size));
    pthread_mutex_lock(&part->lock);
    if (status == HOLM_OK && kind == HOLM_STORE_LMDB_TASK_RUNS)
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
    return status == HOLM_OK ? end_record(store, HOLM_STORE_LMDB_TASK_RUNS, partition) : status;
}

enum holm_status holm_store_lmdb_await(struct holm_store *base, uint32_t partition)
{
    struct holm_store_lmdb *store = holm_store_lmdb_of(base);
    enum holm_status status = begin_record(store, &store->parts[partition]);
    return status == HOLM_OK ? end_record(store, HOLM_STORE_LMDB_TASK_RUNS, partition) : status;
}

enum holm_status holm_store_lmdb_journal_add(struct holm_store *base, uint32_t partition,
                                             struct holm_bytes batch)
{
    struct holm_store_lmdb *store = holm_store_lmdb_of(base);
    struct holm_store_lmdb_part *part = &store->parts[partition];
    enum holm_status status = begin_record(store, part);
    if (status == HOLM_OK)
        status = add_bytes(store, part, batch.data, batch.size);
    return status == HOLM_OK ? end_record(store, HOLM_STORE_LMDB_TASK_BATCH, partition) : status;
}

enum holm_status holm_store_lmdb_journal_clear(struct holm_store *base, uint32_t partition)
{
    struct holm_store_lmdb *store = holm_store_lmdb_of(base);
    struct holm_store_lmdb_part *part = &store->parts[partition];
    pthread_mutex_lock(&part->lock);
    part->sizes.journal_bytes = 0;
    pthread_mutex_unlock(&part->lock);
    return holm_store_lmdb_put_task(store, HOLM_STORE_LMDB_TASK_MINTED, partition, 0,
                                    holm_mem(NULL, 0));
}

struct holm_epoch holm_store_lmdb_epoch(struct holm_store *base)
{
    struct holm_store_lmdb *store = holm_store_lmdb_of(base);
    pthread_mutex_lock(&store->epoch_lock);
    struct holm_epoch epoch = store->facts.epoch;
    pthread_mutex_unlock(&store->epoch_lock);
    return epoch;
}

bool holm_store_lmdb_failed(struct holm_store *base)
{
    const struct holm_store_lmdb *store = holm_store_lmdb_of(base);
    return store->queue_open && holm_store_queue_failed(&store->queue);
}

enum holm_status holm_store_lmdb_sync(struct holm_store *base, uint64_t timeout_us)
{
    struct holm_store_lmdb *store = holm_store_lmdb_of(base);
    return store->reading ? HOLM_EIO : holm_store_queue_wait(&store->queue, timeout_us);
}

enum holm_status holm_store_lmdb_epoch_raise(struct holm_store *base, struct holm_epoch epoch)
{
    struct holm_store_lmdb *store = holm_store_lmdb_of(base);
    enum holm_status status = holm_store_lmdb_put_task(store, HOLM_STORE_LMDB_TASK_EPOCH, 0, 0,
                                                       holm_mem(&epoch, sizeof epoch));
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

/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <lmdb.h>
#include <xxhash.h>

#include "node/store_lmdb_parts.h"

int holm_store_lmdb_unsealed(struct holm_store_lmdb *store, MDB_txn *txn, uint32_t partition,
                             uint32_t generation, uint64_t *cut)
{
    struct holm_store_lmdb_key name = holm_store_lmdb_key(
        partition, holm_store_lmdb_piece(generation, HOLM_STORE_LMDB_UNSEALED));
    MDB_val key = {sizeof name.bytes, name.bytes}, value;
    int code = mdb_get(txn, store->tables[HOLM_STORE_LMDB_STATE], &key, &value);
    if (code == 0 && value.mv_size != sizeof *cut)
        code = MDB_CORRUPTED;
    if (code == 0)
        memcpy(cut, value.mv_data, sizeof *cut);
    return code;
}

/* Whether a record is of what counts: 0 or not, or what LMDB says. */
static int counts(struct holm_store_lmdb *store, MDB_txn *txn, enum holm_store_lmdb_table table,
                  const void *key, bool *does)
{
    uint64_t number = holm_store_lmdb_number(key), cut;
    *does = true;
    if (table != HOLM_STORE_LMDB_STATE)
        return 0;
    int code = holm_store_lmdb_unsealed(store, txn, holm_store_lmdb_partition(key),
                                        (uint32_t)(number >> 32), &cut);
    *does = code == MDB_NOTFOUND;
    return *does ? 0 : code;
}

/* L6. A check, and nothing behind it. */
static bool awaits_a_state(enum holm_store_lmdb_table table, const MDB_val *value)
{
    return table == HOLM_STORE_LMDB_RUNS && value->mv_size == HOLM_STORE_LMDB_CHECK_BYTES;
}

static enum holm_status read_all_in(struct holm_store_lmdb *store, MDB_txn *txn,
                                    enum holm_store_lmdb_table table, uint32_t partition,
                                    holm_store_lmdb_taker *take, void *context)
{
    MDB_cursor *cursor;
    struct holm_store_lmdb_key first = holm_store_lmdb_key(partition, 0);
    MDB_val key = {sizeof first.bytes, first.bytes}, value;
    enum holm_status status = HOLM_OK;
    int code = mdb_cursor_open(txn, store->tables[table], &cursor);
    if (code != 0)
        return holm_store_lmdb_tell(store, "cannot be read", code);
    code = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
    while (status == HOLM_OK && code == 0 &&
           holm_store_lmdb_is_of(key.mv_data, key.mv_size, partition)) {
        bool does;
        if (awaits_a_state(table, &value))
            break;
        code = counts(store, txn, table, key.mv_data, &does);
        if (code == 0 && does)
            status = take(context, holm_store_lmdb_number(key.mv_data),
                          holm_mem(value.mv_data, value.mv_size));
        if (code == 0 && status == HOLM_OK)
            code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
    }
    mdb_cursor_close(cursor);
    return code == 0 || code == MDB_NOTFOUND ? status
                                             : holm_store_lmdb_tell(store, "cannot be read", code);
}

enum holm_status holm_store_lmdb_highest(struct holm_store_lmdb *store,
                                         enum holm_store_lmdb_table table, uint32_t partition,
                                         uint64_t *number)
{
    MDB_txn *txn = store->look;
    MDB_cursor *cursor = NULL;
    struct holm_store_lmdb_key next = holm_store_lmdb_key(partition + 1, 0);
    MDB_val key = {sizeof next.bytes, next.bytes}, value;
    *number = 0;
    int code = txn == NULL ? mdb_txn_begin(store->env, NULL, MDB_RDONLY, &txn) : 0;
    if (code == 0)
        code = mdb_cursor_open(txn, store->tables[table], &cursor);
    if (code == 0)
        code = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
    if (cursor != NULL && (code == 0 || code == MDB_NOTFOUND))
        code = mdb_cursor_get(cursor, &key, &value, code == 0 ? MDB_PREV : MDB_LAST);
    if (code == 0 && holm_store_lmdb_is_of(key.mv_data, key.mv_size, partition))
        *number = holm_store_lmdb_number(key.mv_data);
    if (cursor != NULL)
        mdb_cursor_close(cursor);
    if (txn != NULL && txn != store->look)
        mdb_txn_abort(txn);
    return code == 0 || code == MDB_NOTFOUND ? HOLM_OK
                                             : holm_store_lmdb_tell(store, "cannot be read", code);
}

enum holm_status holm_store_lmdb_read(struct holm_store_lmdb *store,
                                      enum holm_store_lmdb_table table, uint32_t partition,
                                      holm_store_lmdb_taker *take, void *context)
{
    MDB_txn *txn = store->look;
    pthread_mutex_lock(&store->map_lock);
    int code = store->unmapped ? EIO : 0;
    if (code == 0 && txn == NULL)
        code = mdb_txn_begin(store->env, NULL, MDB_RDONLY, &txn);
    enum holm_status status = code == 0 ? read_all_in(store, txn, table, partition, take, context)
                                        : holm_store_lmdb_tell(store, "cannot be read", code);
    if (code == 0 && txn != store->look)
        mdb_txn_abort(txn);
    pthread_mutex_unlock(&store->map_lock);
    return status;
}

static bool open_record(struct holm_bytes *bytes)
{
    uint64_t check;
    if (bytes->size < sizeof check)
        return false;
    memcpy(&check, bytes->data, sizeof check);
    *bytes = holm_mem((const unsigned char *)bytes->data + sizeof check,
                      bytes->size - sizeof check);
    return XXH3_64bits(bytes->data, bytes->size) == check;
}

struct loading {
    struct holm_store_lmdb *store;
    uint32_t partition;
    enum holm_status (*take)(void *context, struct holm_delta *delta);
    enum holm_status (*take_batch)(void *context, struct holm_bytes batch);
    void *context;
};

static enum holm_status load_frame(const struct loading *loading, struct holm_bytes frame)
{
    struct holm_store_lmdb *store = loading->store;
    struct holm_codec_limits limits = holm_codec_limits_default(HOLM_STORE_LMDB_FRAME_BYTES_MAX);
    struct holm_decoded *decoded;
    enum holm_status status = holm_codec_decode(&store->allocator, &limits, frame, &decoded);
    if (status != HOLM_OK)
        return status;
    if (decoded->message.type == HOLM_MESSAGE_DELTA)
        status = loading->take(loading->context, decoded->message.as.delta);
    else
        status = holm_store_lmdb_damaged(store, HOLM_STORE_LMDB_RUNS, loading->partition);
    holm_decoded_free(decoded);
    return status;
}

static enum holm_status load_runs(void *context, uint64_t number, struct holm_bytes bytes)
{
    const struct loading *loading = context;
    enum holm_status status = HOLM_OK;
    (void)number;
    if (!open_record(&bytes))
        return holm_store_lmdb_damaged(loading->store, HOLM_STORE_LMDB_RUNS, loading->partition);
    while (status == HOLM_OK && bytes.size > 0) {
        const unsigned char *at = bytes.data;
        uint64_t size = UINT64_MAX;
        if (bytes.size >= sizeof size)
            memcpy(&size, at, sizeof size);
        if (bytes.size < sizeof size || size > bytes.size - sizeof size)
            return holm_store_lmdb_damaged(loading->store, HOLM_STORE_LMDB_RUNS,
                                           loading->partition);
        status = load_frame(loading, holm_mem(at + sizeof size, size));
        bytes = holm_mem(at + sizeof size + size, bytes.size - sizeof size - size);
    }
    return status;
}

enum holm_status holm_store_lmdb_load(struct holm_store *base, uint32_t partition,
                                      enum holm_status (*take)(void *context,
                                                               struct holm_delta *delta),
                                      void *context)
{
    struct loading loading = {holm_store_lmdb_of(base), partition, take, NULL, context};
    return holm_store_lmdb_read(holm_store_lmdb_of(base), HOLM_STORE_LMDB_RUNS, partition,
                                load_runs, &loading);
}

static enum holm_status load_batch(void *context, uint64_t number, struct holm_bytes bytes)
{
    const struct loading *loading = context;
    (void)number;
    if (!open_record(&bytes))
        return holm_store_lmdb_damaged(loading->store, HOLM_STORE_LMDB_JOURNAL, loading->partition);
    return loading->take_batch(loading->context, bytes);
}

enum holm_status holm_store_lmdb_journal_load(struct holm_store *base, uint32_t partition,
                                              enum holm_status (*take)(void *context,
                                                                       struct holm_bytes batch),
                                              void *context)
{
    struct loading loading = {holm_store_lmdb_of(base), partition, NULL, take, context};
    return holm_store_lmdb_read(holm_store_lmdb_of(base), HOLM_STORE_LMDB_JOURNAL, partition,
                                load_batch, &loading);
}

struct copying {
    struct holm_store_lmdb_part *part;
    size_t size;
};

static enum holm_status copy_piece(void *context, uint64_t number, struct holm_bytes bytes)
{
    struct copying *copying = context;
    (void)number;
    if (bytes.size > copying->part->saved_size - copying->size)
        return HOLM_EMALFORMED;
    memcpy((unsigned char *)copying->part->saved + copying->size, bytes.data, bytes.size);
    copying->size += bytes.size;
    return HOLM_OK;
}

static void free_saved(struct holm_store_lmdb *store, struct holm_store_lmdb_part *part)
{
    holm_deallocate(&store->allocator, part->saved, part->saved_size);
    part->saved = NULL;
    part->saved_size = 0;
}

/* A state that cannot be read is given as what no state is: one byte. */
struct holm_bytes holm_store_lmdb_saved(struct holm_store *base, uint32_t partition)
{
    struct holm_store_lmdb *store = holm_store_lmdb_of(base);
    struct holm_store_lmdb_part *part = &store->parts[partition];
    size_t size = (size_t)holm_store_lmdb_sizes(base, partition).state_bytes;
    free_saved(store, part);
    if (size == 0)
        return holm_mem(NULL, 0);
    part->saved = holm_allocate(&store->allocator, size);
    part->saved_size = part->saved == NULL ? 0 : size;
    struct copying copying = {part, 0};
    if (part->saved == NULL || holm_store_lmdb_read(store, HOLM_STORE_LMDB_STATE, partition,
                                                    copy_piece, &copying) != HOLM_OK)
        return holm_mem("", 1);
    return holm_mem(part->saved, part->saved_size);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <lmdb.h>
#include <xxhash.h>

#include "node/store_lmdb_parts.h"

static uint64_t number_of(const MDB_val *key)
{
    const unsigned char *bytes = key->mv_data;
    uint64_t number = 0;
    for (size_t i = 4; i < HOLM_STORE_LMDB_KEY_BYTES; i++)
        number = number << 8 | bytes[i];
    return number;
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
        status = take(context, number_of(&key), holm_mem(value.mv_data, value.mv_size));
        if (status == HOLM_OK)
            code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
    }
    mdb_cursor_close(cursor);
    return code == 0 || code == MDB_NOTFOUND ? status
                                             : holm_store_lmdb_tell(store, "cannot be read", code);
}

enum holm_status holm_store_lmdb_read(struct holm_store_lmdb *store,
                                      enum holm_store_lmdb_table table, uint32_t partition,
                                      holm_store_lmdb_taker *take, void *context)
{
    MDB_txn *txn = store->look;
    int code = 0;
    pthread_mutex_lock(&store->map_lock);
    if (txn == NULL)
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

static enum holm_status copy_piece(void *context, uint64_t number, struct holm_bytes bytes)
{
    struct holm_store_lmdb_part *part = context;
    if (number * HOLM_STORE_LMDB_PIECE_BYTES + bytes.size > part->saved_size)
        return HOLM_EMALFORMED;
    memcpy((unsigned char *)part->saved + number * HOLM_STORE_LMDB_PIECE_BYTES, bytes.data,
           bytes.size);
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
    if (part->saved == NULL ||
        holm_store_lmdb_read(store, HOLM_STORE_LMDB_STATE, partition, copy_piece, part) != HOLM_OK)
        return holm_mem("", 1);
    return holm_mem(part->saved, part->saved_size);
}

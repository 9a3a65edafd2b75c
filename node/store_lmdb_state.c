/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <lmdb.h>

#include "node/store_lmdb_parts.h"

#define BULK_BYTES ((size_t)1 << 20)
/* While more than this waits for the disk, pieces do: runs go first. */
#define BEHIND_BYTES ((size_t)8 << 20)

/* ---- the writer ----------------------------------------------------------------------------- */

static int delete_states(struct holm_store_lmdb *store, MDB_txn *txn, uint32_t partition,
                         uint64_t first, uint64_t last)
{
    return holm_store_lmdb_delete(store, txn, HOLM_STORE_LMDB_STATE,
                                  (struct holm_store_lmdb_range){partition, first, last});
}

static int delete_runs(struct holm_store_lmdb *store, MDB_txn *txn, uint32_t partition,
                       uint64_t last)
{
    return holm_store_lmdb_delete(store, txn, HOLM_STORE_LMDB_RUNS,
                                  (struct holm_store_lmdb_range){partition, 0, last});
}

static int put_piece(struct holm_store_lmdb *store, MDB_txn *txn, uint32_t partition,
                     uint64_t number, struct holm_bytes bytes)
{
    return holm_store_lmdb_put(store, txn, HOLM_STORE_LMDB_STATE,
                               holm_store_lmdb_key(partition, number), bytes);
}

/* In place of everything. */
static int write_whole(struct holm_store_lmdb *store, MDB_txn *txn,
                       const struct holm_store_task *task)
{
    const unsigned char *bytes = task->bytes.data;
    uint64_t number = task->number;
    int code = delete_runs(store, txn, task->partition, UINT64_MAX);
    if (code == 0)
        code = delete_states(store, txn, task->partition, 0, UINT64_MAX);
    for (size_t at = 0; code == 0 && at < task->bytes.size; at += HOLM_STORE_LMDB_PIECE_BYTES) {
        size_t rest = task->bytes.size - at;
        size_t size = rest < HOLM_STORE_LMDB_PIECE_BYTES ? rest : HOLM_STORE_LMDB_PIECE_BYTES;
        code = put_piece(store, txn, task->partition, number++, holm_mem(bytes + at, size));
    }
    return code;
}

/* What was cut before and not sealed goes: it can only be the generation before. */
static int write_cut(struct holm_store_lmdb *store, MDB_txn *txn,
                     const struct holm_store_task *task)
{
    uint32_t before = (uint32_t)(task->number >> 32) - 1;
    uint64_t cut = store->parts[task->partition].numbers[HOLM_STORE_LMDB_RUNS], former;
    int code = holm_store_lmdb_unsealed(store, txn, task->partition, before, &former);
    if (code == 0)
        code = delete_states(store, txn, task->partition, holm_store_lmdb_piece(before, 0),
                             holm_store_lmdb_piece(before, HOLM_STORE_LMDB_UNSEALED));
    else if (code == MDB_NOTFOUND)
        code = 0;
    return code == 0
               ? put_piece(store, txn, task->partition, task->number, holm_mem(&cut, sizeof cut))
               : code;
}

/* The runs before the cut, and the state before, in one transaction with what says that this one counts. */
static int write_seal(struct holm_store_lmdb *store, MDB_txn *txn,
                      const struct holm_store_task *task)
{
    uint32_t generation = (uint32_t)(task->number >> 32);
    uint64_t cut;
    int code = holm_store_lmdb_unsealed(store, txn, task->partition, generation, &cut);
    if (code == 0 && cut > 0)
        code = delete_runs(store, txn, task->partition, cut - 1);
    if (code == 0)
        code = delete_states(store, txn, task->partition, 0,
                             holm_store_lmdb_piece(generation, 0) - 1);
    return code == 0 ? delete_states(store, txn, task->partition, task->number, task->number)
                     : code;
}

int holm_store_lmdb_write_state(struct holm_store_lmdb *store, MDB_txn *txn,
                                const struct holm_store_task *task)
{
    switch ((enum holm_store_lmdb_task)task->kind) {
    case HOLM_STORE_LMDB_TASK_STATE:
        return write_whole(store, txn, task);
    case HOLM_STORE_LMDB_TASK_CUT:
        return write_cut(store, txn, task);
    case HOLM_STORE_LMDB_TASK_PIECE:
        return put_piece(store, txn, task->partition, task->number, task->bytes);
    case HOLM_STORE_LMDB_TASK_SEAL:
        return write_seal(store, txn, task);
    case HOLM_STORE_LMDB_TASK_RUNS:
    case HOLM_STORE_LMDB_TASK_TRIM:
    case HOLM_STORE_LMDB_TASK_BATCH:
    case HOLM_STORE_LMDB_TASK_MINTED:
    case HOLM_STORE_LMDB_TASK_EPOCH:
        break;
    }
    return EINVAL;
}

/* ---- what is told to be written ------------------------------------------------------------- */

enum holm_status holm_store_lmdb_save(struct holm_store *base, uint32_t partition,
                                      struct holm_bytes snapshot)
{
    struct holm_store_lmdb *store = holm_store_lmdb_of(base);
    struct holm_store_lmdb_part *part = &store->parts[partition];
    uint64_t number = holm_store_lmdb_piece(++part->generation, 0);
    part->cut = false;
    enum holm_status status = holm_store_lmdb_put_task(store, HOLM_STORE_LMDB_TASK_STATE, partition,
                                                       number, snapshot);
    pthread_mutex_lock(&part->lock);
    if (status == HOLM_OK) {
        part->sizes.state_bytes = snapshot.size;
        part->sizes.run_bytes = 0;
    }
    pthread_mutex_unlock(&part->lock);
    return status;
}

enum holm_status holm_store_lmdb_cut(struct holm_store *base, uint32_t partition)
{
    struct holm_store_lmdb *store = holm_store_lmdb_of(base);
    struct holm_store_lmdb_part *part = &store->parts[partition];
    uint64_t number = holm_store_lmdb_piece(++part->generation, HOLM_STORE_LMDB_UNSEALED);
    part->cut = true;
    part->pieces = 0;
    part->piece_bytes = 0;
    part->cut_bytes = holm_store_lmdb_sizes(base, partition).run_bytes;
    return holm_store_lmdb_put_task(store, HOLM_STORE_LMDB_TASK_CUT, partition, number,
                                    holm_mem(NULL, 0));
}

enum holm_status holm_store_lmdb_give_piece(struct holm_store *base, uint32_t partition,
                                            struct holm_bytes piece)
{
    struct holm_store_lmdb *store = holm_store_lmdb_of(base);
    struct holm_store_lmdb_part *part = &store->parts[partition];
    HOLM_ASSERT(part->cut && part->pieces < HOLM_STORE_LMDB_UNSEALED);
    if (holm_store_queue_bytes(&store->queue) > BEHIND_BYTES)
        return HOLM_EBUSY;
    uint64_t number = holm_store_lmdb_piece(part->generation, part->pieces);
    enum holm_status status = holm_store_lmdb_put_task(store, HOLM_STORE_LMDB_TASK_PIECE, partition,
                                                       number, piece);
    part->pieces += status == HOLM_OK ? 1 : 0;
    part->piece_bytes += status == HOLM_OK ? piece.size : 0;
    return status;
}

enum holm_status holm_store_lmdb_seal(struct holm_store *base, uint32_t partition)
{
    struct holm_store_lmdb *store = holm_store_lmdb_of(base);
    struct holm_store_lmdb_part *part = &store->parts[partition];
    uint64_t number = holm_store_lmdb_piece(part->generation, HOLM_STORE_LMDB_UNSEALED);
    HOLM_ASSERT(part->cut);
    part->cut = false;
    enum holm_status status = holm_store_lmdb_put_task(store, HOLM_STORE_LMDB_TASK_SEAL, partition,
                                                       number, holm_mem(NULL, 0));
    pthread_mutex_lock(&part->lock);
    if (status == HOLM_OK) {
        part->sizes.state_bytes = part->piece_bytes;
        part->sizes.run_bytes -= part->cut_bytes;
    }
    pthread_mutex_unlock(&part->lock);
    return status;
}

bool holm_store_lmdb_bulky(struct holm_store *base, uint32_t partition)
{
    struct holm_store_lmdb_sizes sizes = holm_store_lmdb_sizes(base, partition);
    return sizes.run_bytes > BULK_BYTES && sizes.run_bytes > 2 * sizes.state_bytes;
}

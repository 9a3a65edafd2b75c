/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_lmdb_parts.h - what a store by LMDB is made of; for node/store_lmdb*.c alone.
 *
 *     store_lmdb.c        opening, closing, facts, copies
 *     store_lmdb_write.c  what calls put into the queue, and the writer that takes it from there
 *     store_lmdb_state.c  states, whole and in pieces: both sides
 *     store_lmdb_read.c   what is loaded
 */
#ifndef HOLM_NODE_STORE_LMDB_PARTS_H
#define HOLM_NODE_STORE_LMDB_PARTS_H

#include "node/store_lmdb.h"
#include "node/store_queue.h"
#include "proto/codec.h"

struct MDB_env;
struct MDB_txn;

#define HOLM_STORE_LMDB_PIECE_BYTES ((size_t)1 << 20)
#define HOLM_STORE_LMDB_FRAME_BYTES_MAX ((size_t)1 << 30)
#define HOLM_STORE_LMDB_PATH_BYTES_MAX 4096
#define HOLM_STORE_LMDB_KEY_BYTES 12 /* partition, number */
#define HOLM_STORE_LMDB_CHECK_BYTES 8
#define HOLM_STORE_LMDB_FORMAT 3u /* 1: states have no generations; 2: no run awaits one */

enum holm_store_lmdb_table {
    HOLM_STORE_LMDB_META,
    HOLM_STORE_LMDB_STATE,
    HOLM_STORE_LMDB_RUNS,
    HOLM_STORE_LMDB_JOURNAL
};

#define HOLM_STORE_LMDB_TABLES 4

struct holm_store_lmdb_part {
    uint64_t numbers
        [HOLM_STORE_LMDB_TABLES]; /* the writer's, of runs and journal: what comes next has it */
    pthread_mutex_t lock;         /* of the sizes */
    struct holm_store_lmdb_sizes sizes;
    /* Who calls for a partition has these: one at a time. */
    struct holm_encoder encoder;
    uint32_t generation;             /* of the newest state, sealed or not */
    bool cut;                        /* it may yet be sealed */
    bool trim;                       /* a former life left runs that await a state */
    uint32_t pieces;                 /* of it */
    uint64_t piece_bytes, cut_bytes; /* of these; of runs when it was cut */
    void *bytes;
    size_t size, capacity;
    void *saved;
    size_t saved_size;
};

struct holm_store_lmdb {
    struct holm_store base;
    struct holm_allocator allocator;
    struct holm_log log;
    char directory[HOLM_STORE_LMDB_PATH_BYTES_MAX];
    bool reading;
    int lock; /* a file, or -1 */
    struct MDB_env *env;
    unsigned tables[HOLM_STORE_LMDB_TABLES];
    struct MDB_txn *look;     /* `reading`: the moment */
    pthread_mutex_t map_lock; /* while a reader is about, the map stays where it is */
    bool unmapped;            /* it could not grow, and is gone: LMDB must not be asked any more */
    pthread_mutex_t epoch_lock; /* of facts.epoch */
    struct holm_store_lmdb_facts facts;
    struct holm_store_lmdb_part *parts; /* facts.partitions, and the member list's */
    struct holm_store_queue queue;
    bool queue_open, writer_open;
    pthread_t writer;
};

static inline struct holm_store_lmdb *holm_store_lmdb_of(struct holm_store *store)
{
    return (struct holm_store_lmdb *)(void *)store;
}

/* ---- store_lmdb.c */

/* What LMDB answered; in the log if it is no success, with what to do. */
enum holm_status holm_store_lmdb_tell(const struct holm_store_lmdb *store, const char *what,
                                      int code);
/* HOLM_EMALFORMED, and says so. */
enum holm_status holm_store_lmdb_damaged(const struct holm_store_lmdb *store,
                                         enum holm_store_lmdb_table table, uint32_t partition);

/* Big-endian: keys of a partition are neighbours, in the order of their numbers. */
struct holm_store_lmdb_key {
    unsigned char bytes[HOLM_STORE_LMDB_KEY_BYTES];
};
struct holm_store_lmdb_key holm_store_lmdb_key(uint32_t partition, uint64_t number);
bool holm_store_lmdb_is_of(const void *key, size_t size, uint32_t partition);

/* Of a state's piece; the last of a generation says that it is not sealed. */
#define HOLM_STORE_LMDB_UNSEALED UINT32_MAX
static inline uint64_t holm_store_lmdb_piece(uint32_t generation, uint32_t piece)
{
    return (uint64_t)generation << 32 | piece;
}
uint64_t holm_store_lmdb_number(const void *key);
uint32_t holm_store_lmdb_partition(const void *key);

enum holm_store_lmdb_task {
    HOLM_STORE_LMDB_TASK_RUNS = 1,
    HOLM_STORE_LMDB_TASK_TRIM, /* runs from `number` on go */
    HOLM_STORE_LMDB_TASK_BATCH,
    HOLM_STORE_LMDB_TASK_MINTED,
    HOLM_STORE_LMDB_TASK_EPOCH,
    HOLM_STORE_LMDB_TASK_STATE, /* `number` is holm_store_lmdb_piece() from here on */
    HOLM_STORE_LMDB_TASK_CUT,
    HOLM_STORE_LMDB_TASK_PIECE,
    HOLM_STORE_LMDB_TASK_SEAL
};

/* ---- store_lmdb_write.c */

/* For the writer, in a transaction; what LMDB says. The second: of a partition, what has a number from first to last. */
int holm_store_lmdb_put(struct holm_store_lmdb *store, struct MDB_txn *txn,
                        enum holm_store_lmdb_table table, struct holm_store_lmdb_key key,
                        struct holm_bytes bytes);
struct holm_store_lmdb_range {
    uint32_t partition;
    uint64_t first, last;
};
int holm_store_lmdb_delete(struct holm_store_lmdb *store, struct MDB_txn *txn,
                           enum holm_store_lmdb_table table, struct holm_store_lmdb_range range);
/* For callers: into the queue. */
enum holm_status holm_store_lmdb_put_task(struct holm_store_lmdb *store,
                                          enum holm_store_lmdb_task kind, uint32_t partition,
                                          uint64_t number, struct holm_bytes bytes);

/* A fact, in a transaction. What LMDB says. */
int holm_store_lmdb_put_fact(struct holm_store_lmdb *store, struct MDB_txn *txn, const char *name,
                             uint64_t fact);
/* The writer's thread, of a store. */
void *holm_store_lmdb_write(void *context);

enum holm_status holm_store_lmdb_append(struct holm_store *base, uint32_t partition,
                                        struct holm_delta *const *deltas, size_t count);
enum holm_status holm_store_lmdb_await(struct holm_store *base, uint32_t partition);
enum holm_status holm_store_lmdb_journal_add(struct holm_store *base, uint32_t partition,
                                             struct holm_bytes batch);
enum holm_status holm_store_lmdb_journal_clear(struct holm_store *base, uint32_t partition);
struct holm_epoch holm_store_lmdb_epoch(struct holm_store *base);
enum holm_status holm_store_lmdb_epoch_raise(struct holm_store *base, struct holm_epoch epoch);
enum holm_status holm_store_lmdb_begin(struct holm_store *base);
enum holm_status holm_store_lmdb_end(struct holm_store *base, bool whole);
bool holm_store_lmdb_failed(struct holm_store *base);
enum holm_status holm_store_lmdb_sync(struct holm_store *base, uint64_t timeout_us);
bool holm_store_lmdb_bulky(struct holm_store *base, uint32_t partition);

/* ---- store_lmdb_state.c */

/* The writer's: a task of the last four kinds, in a transaction. What LMDB says. */
int holm_store_lmdb_write_state(struct holm_store_lmdb *store, struct MDB_txn *txn,
                                const struct holm_store_task *task);
enum holm_status holm_store_lmdb_save(struct holm_store *base, uint32_t partition,
                                      struct holm_bytes snapshot);
enum holm_status holm_store_lmdb_cut(struct holm_store *base, uint32_t partition);
enum holm_status holm_store_lmdb_give_piece(struct holm_store *base, uint32_t partition,
                                            struct holm_bytes piece);
enum holm_status holm_store_lmdb_seal(struct holm_store *base, uint32_t partition);

/* ---- store_lmdb_read.c */

/* Takes a record; what is not HOLM_OK ends the reading. */
typedef enum holm_status holm_store_lmdb_taker(void *context, uint64_t number,
                                               struct holm_bytes bytes);
/* Where a state was cut that is not sealed: 0, MDB_NOTFOUND if it is sealed or not there, or what else LMDB says. */
int holm_store_lmdb_unsealed(struct holm_store_lmdb *store, struct MDB_txn *txn, uint32_t partition,
                             uint32_t generation, uint64_t *cut);
/* The highest number of a partition in a table, or 0. */
enum holm_status holm_store_lmdb_highest(struct holm_store_lmdb *store,
                                         enum holm_store_lmdb_table table, uint32_t partition,
                                         uint64_t *number);
/* All records of a partition in a table, in order, but those of states that are not sealed, and of runs that await one.
 * HOLM_EIO, HOLM_EMALFORMED, or what `take` returned. */
enum holm_status holm_store_lmdb_read(struct holm_store_lmdb *store,
                                      enum holm_store_lmdb_table table, uint32_t partition,
                                      holm_store_lmdb_taker *take, void *context);
enum holm_status holm_store_lmdb_load(struct holm_store *base, uint32_t partition,
                                      enum holm_status (*take)(void *context,
                                                               struct holm_delta *delta),
                                      void *context);
enum holm_status holm_store_lmdb_journal_load(struct holm_store *base, uint32_t partition,
                                              enum holm_status (*take)(void *context,
                                                                       struct holm_bytes batch),
                                              void *context);
struct holm_bytes holm_store_lmdb_saved(struct holm_store *base, uint32_t partition);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include "node/store_lmdb.h"

#include <errno.h>
#include <fcntl.h>
#include <lmdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "node/clock.h"
#include "node/store_lmdb_parts.h"

#define MIB ((size_t)1 << 20)
#define PATH_ROOM (HOLM_STORE_LMDB_PATH_BYTES_MAX + 16)

static const char *const table_names[HOLM_STORE_LMDB_TABLES] = {"meta", "state", "runs", "journal"};

/* ---- errors --------------------------------------------------------------------------------- */

static enum holm_status status_of(int code)
{
    switch (code) {
    case 0:
        return HOLM_OK;
    case ENOMEM:
        return HOLM_ENOMEM;
    case MDB_INVALID:
    case MDB_CORRUPTED:
    case MDB_PAGE_NOTFOUND:
    case MDB_VERSION_MISMATCH:
    case MDB_INCOMPATIBLE:
        return HOLM_EMALFORMED;
    default:
        return HOLM_EIO;
    }
}

static const char *advice_for(int code)
{
    switch (code) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return "make room there, then restart the node";
    case EACCES:
    case EPERM:
    case EROFS:
        return "let its user write there, then restart the node";
    case ENOENT:
        return "make the directory above it";
    case ENOMEM:
        return "give it memory, then restart the node";
    default:
        break;
    }
    return status_of(code) == HOLM_EMALFORMED
               ? "restore a backup, or restart the node without it: its peers bring what they have"
               : "look at the system's log for its disk; restart the node there, on a backup, or "
                 "on an empty directory: its peers bring what they have";
}

/* Nothing is wrong with the node when a copy of its store fails. */
static const char *advice_for_copy(int code)
{
    switch (code) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return "make room there, and copy again";
    case EACCES:
    case EPERM:
    case EROFS:
        return "copy to where you may write";
    case ENOENT:
        return advice_for(code);
    default:
        return "look at the system's log for both disks, and copy again";
    }
}

/* What went wrong, as the system puts it. */
static enum holm_status tell(const struct holm_store_lmdb *store, const char *what, int code,
                             const char *advice)
{
    if (code != 0)
        holm_log_tell(&store->log, holm_clock_now(), HOLM_LOG_STORE_ERROR,
                      HOLM_LOG_VALUES(holm_log_text(store->directory), holm_log_text(what),
                                      holm_log_text(mdb_strerror(code)), holm_log_text(advice)));
    return status_of(code);
}

enum holm_status holm_store_lmdb_tell(const struct holm_store_lmdb *store, const char *what,
                                      int code)
{
    return tell(store, what, code, advice_for(code));
}

enum holm_status holm_store_lmdb_damaged(const struct holm_store_lmdb *store,
                                         enum holm_store_lmdb_table table, uint32_t partition)
{
    holm_log_tell(&store->log, holm_clock_now(), HOLM_LOG_STORE_DAMAGED,
                  HOLM_LOG_VALUES(holm_log_text(store->directory),
                                  holm_log_text(table_names[table]), holm_log_number(partition)));
    return HOLM_EMALFORMED;
}

/* ---- keys ----------------------------------------------------------------------------------- */

struct holm_store_lmdb_key holm_store_lmdb_key(uint32_t partition, uint64_t number)
{
    struct holm_store_lmdb_key key;
    for (unsigned i = 0; i < 4; i++)
        key.bytes[i] = (unsigned char)(partition >> (24 - 8 * i));
    for (unsigned i = 0; i < 8; i++)
        key.bytes[4 + i] = (unsigned char)(number >> (56 - 8 * i));
    return key;
}

uint64_t holm_store_lmdb_number(const void *key)
{
    const unsigned char *bytes = key;
    uint64_t number = 0;
    for (size_t i = 4; i < HOLM_STORE_LMDB_KEY_BYTES; i++)
        number = number << 8 | bytes[i];
    return number;
}

uint32_t holm_store_lmdb_partition(const void *key)
{
    const unsigned char *bytes = key;
    uint32_t partition = 0;
    for (size_t i = 0; i < 4; i++)
        partition = partition << 8 | bytes[i];
    return partition;
}

bool holm_store_lmdb_is_of(const void *key, size_t size, uint32_t partition)
{
    struct holm_store_lmdb_key first = holm_store_lmdb_key(partition, 0);
    return size == HOLM_STORE_LMDB_KEY_BYTES && memcmp(key, first.bytes, 4) == 0;
}

/* ---- the directory -------------------------------------------------------------------------- */

/* What names a new file is itself to be on the disk. */
static int sync_directory(const char *path)
{
    int directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0)
        return errno;
    int code = fsync(directory) == 0 ? 0 : errno;
    (void)close(directory);
    return code;
}

static int sync_parent(const char *path)
{
    char parent[PATH_ROOM];
    (void)snprintf(parent, sizeof parent, "%s/..", path);
    return sync_directory(parent);
}

static enum holm_status directory_open(struct holm_store_lmdb *store)
{
    char path[PATH_ROOM];
    (void)snprintf(path, sizeof path, "%s/data.mdb", store->directory);
    if (store->reading)
        return access(path, F_OK) == 0 ? HOLM_OK : HOLM_ENOENT;
    if (mkdir(store->directory, 0700) != 0 && errno != EEXIST)
        return holm_store_lmdb_tell(store, "cannot be made", errno);
    (void)snprintf(path, sizeof path, "%s/holm.lock", store->directory);
    store->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (store->lock < 0)
        return holm_store_lmdb_tell(store, "cannot be locked", errno);
    if (flock(store->lock, LOCK_EX | LOCK_NB) == 0)
        return HOLM_OK;
    holm_log_tell(&store->log, holm_clock_now(), HOLM_LOG_STORE_BUSY,
                  HOLM_LOG_VALUES(holm_log_text(store->directory)));
    return HOLM_EBUSY;
}

/* ---- the file ------------------------------------------------------------------------------- */

static int env_open(struct holm_store_lmdb *store, const char *path, unsigned flags,
                    size_t map_bytes)
{
    int code = mdb_env_create(&store->env);
    if (code == 0)
        code = mdb_env_set_maxdbs(store->env, HOLM_STORE_LMDB_TABLES);
    if (code == 0 && !store->reading)
        code = mdb_env_set_mapsize(store->env, map_bytes);
    if (code == 0)
        code = mdb_env_open(store->env, path, MDB_NOTLS | flags, 0600);
    /* Who was killed while it looked would keep pages from being used again. */
    int dead = 0;
    if (code == 0)
        code = mdb_reader_check(store->env, &dead);
    return code;
}

static int tables_open(struct holm_store_lmdb *store, MDB_txn *txn, unsigned flags)
{
    int code = 0;
    for (size_t i = 0; code == 0 && i < HOLM_STORE_LMDB_TABLES; i++)
        code = mdb_dbi_open(txn, table_names[i], flags, &store->tables[i]);
    return code;
}

static int get_fact(struct holm_store_lmdb *store, MDB_txn *txn, const char *name, uint64_t *fact)
{
    MDB_val key = {strlen(name), (void *)(uintptr_t)name}, value;
    *fact = 0;
    int code = mdb_get(txn, store->tables[HOLM_STORE_LMDB_META], &key, &value);
    if (code == 0 && value.mv_size != sizeof *fact)
        code = MDB_CORRUPTED;
    if (code == 0)
        memcpy(fact, value.mv_data, sizeof *fact);
    return code;
}

static int put_facts(struct holm_store_lmdb *store, MDB_txn *txn,
                     const struct holm_store_lmdb_config *config)
{
    const struct {
        const char *name;
        uint64_t fact;
    } facts[] = {{"format", HOLM_STORE_LMDB_FORMAT},
                 {"node", config->node.value},
                 {"cluster", config->cluster},
                 {"partitions", config->partitions},
                 {"retention", (uint64_t)config->retention},
                 {"epoch", 0}};
    int code = config->partitions == 0 ? EINVAL : 0;
    for (size_t i = 0; code == 0 && i < sizeof facts / sizeof facts[0]; i++)
        code = holm_store_lmdb_put_fact(store, txn, facts[i].name, facts[i].fact);
    return code;
}

static enum holm_status facts_fit(const struct holm_store_lmdb *store,
                                  const struct holm_store_lmdb_config *config)
{
    const struct holm_store_lmdb_facts *facts = &store->facts;
    bool fit = (config->node.value == 0 || config->node.value == facts->node.value) &&
               (config->cluster == 0 || config->cluster == facts->cluster) &&
               (config->partitions == 0 ||
                (config->partitions == facts->partitions && config->retention == facts->retention));
    const char *retention = facts->retention == HOLM_RETENTION_STABLE ? "stable" : "forever";
    if (!fit)
        holm_log_tell(
            &store->log, holm_clock_now(), HOLM_LOG_STORE_FOREIGN,
            HOLM_LOG_VALUES(holm_log_text(store->directory), holm_log_hex(facts->node.value),
                            holm_log_number(facts->partitions), holm_log_text(retention)));
    return fit ? HOLM_OK : HOLM_ECLUSTER;
}

static int get_facts(struct holm_store_lmdb *store, MDB_txn *txn)
{
    uint64_t partitions, retention;
    int code = get_fact(store, txn, "node", &store->facts.node.value);
    if (code == 0)
        code = get_fact(store, txn, "cluster", &store->facts.cluster);
    if (code == 0)
        code = get_fact(store, txn, "epoch", &store->facts.epoch.value);
    if (code == 0)
        code = get_fact(store, txn, "partitions", &partitions);
    if (code == 0)
        code = get_fact(store, txn, "retention", &retention);
    if (code == 0 && (partitions < 1 || partitions > 1024 || retention > HOLM_RETENTION_STABLE))
        code = MDB_CORRUPTED;
    if (code != 0)
        return code == MDB_NOTFOUND ? MDB_CORRUPTED : code;
    store->facts.partitions = (uint32_t)partitions;
    store->facts.retention = (enum holm_retention)retention;
    return 0;
}

/* In a transaction: what the file says of itself. */
static enum holm_status facts_open(struct holm_store_lmdb *store, MDB_txn *txn,
                                   const struct holm_store_lmdb_config *config)
{
    uint64_t format;
    int code = tables_open(store, txn, 0);
    if (code == 0)
        code = get_fact(store, txn, "format", &format);
    if (code == 0 && format > HOLM_STORE_LMDB_FORMAT)
        return HOLM_EVERSION;
    if (code == 0)
        code = get_facts(store, txn);
    if (code == MDB_NOTFOUND)
        code = MDB_CORRUPTED;
    return code == 0 ? facts_fit(store, config)
                     : holm_store_lmdb_tell(store, "cannot be read", code);
}

static int write_facts(struct holm_store_lmdb *store, const struct holm_store_lmdb_config *config)
{
    MDB_txn *txn;
    int code = mdb_txn_begin(store->env, NULL, 0, &txn);
    if (code != 0)
        return code;
    code = tables_open(store, txn, MDB_CREATE);
    if (code == 0)
        code = put_facts(store, txn, config);
    if (code == 0)
        return mdb_txn_commit(txn);
    mdb_txn_abort(txn);
    return code;
}

/* LMDB does not read what is left when power is lost while it makes a file: so it is made under another name. */
static int make_file(struct holm_store_lmdb *store, const struct holm_store_lmdb_config *config)
{
    char path[PATH_ROOM], made[PATH_ROOM], lock[PATH_ROOM];
    (void)snprintf(path, sizeof path, "%s/data.mdb", store->directory);
    (void)snprintf(made, sizeof made, "%s/new.mdb", store->directory);
    (void)snprintf(lock, sizeof lock, "%s/new.mdb-lock", store->directory);
    if (store->reading || access(path, F_OK) == 0)
        return 0;
    (void)unlink(made);
    int code = env_open(store, made, MDB_NOSUBDIR, config->map_bytes);
    if (code == 0)
        code = write_facts(store, config);
    mdb_env_close(store->env);
    store->env = NULL;
    if (code == 0 && rename(made, path) != 0)
        code = errno;
    (void)unlink(lock);
    return code;
}

/* A life may have ended between the rename and this. */
static int sync_names(const struct holm_store_lmdb *store)
{
    int code = store->reading ? 0 : sync_directory(store->directory);
    return code == 0 && !store->reading ? sync_parent(store->directory) : code;
}

/* A look keeps its transaction, and with it the moment. */
static enum holm_status file_open(struct holm_store_lmdb *store,
                                  const struct holm_store_lmdb_config *config)
{
    MDB_txn *txn;
    int code = make_file(store, config);
    if (code == 0)
        code = sync_names(store);
    if (code != 0)
        return holm_store_lmdb_tell(store, "cannot be made", code);
    code = env_open(store, store->directory, store->reading ? MDB_RDONLY : 0, config->map_bytes);
    if (code == 0)
        code = mdb_txn_begin(store->env, NULL, MDB_RDONLY, &txn);
    if (code != 0)
        return holm_store_lmdb_tell(store, "cannot be opened", code);
    enum holm_status status = facts_open(store, txn, config);
    if (status == HOLM_OK && store->reading) {
        store->look = txn;
        return HOLM_OK;
    }
    /* Tables that were opened are kept by a commit alone. */
    if (status == HOLM_OK)
        return holm_store_lmdb_tell(store, "cannot be read", mdb_txn_commit(txn));
    mdb_txn_abort(txn);
    return status;
}

/* ---- opening -------------------------------------------------------------------------------- */

/* Numbers begin at 1: 0 is the highest of none. */
struct measuring {
    uint64_t bytes, next;
};

static enum holm_status measure(void *context, uint64_t number, struct holm_bytes bytes)
{
    struct measuring *measuring = context;
    measuring->bytes += bytes.size;
    measuring->next = number + 1;
    return HOLM_OK;
}

static enum holm_status part_open(struct holm_store_lmdb *store, uint32_t partition)
{
    struct holm_store_lmdb_part *part = &store->parts[partition];
    uint64_t *sizes[HOLM_STORE_LMDB_TABLES] = {NULL, &part->sizes.state_bytes,
                                               &part->sizes.run_bytes, &part->sizes.journal_bytes};
    enum holm_status status = HOLM_OK;
    pthread_mutex_init(&part->lock, NULL);
    holm_encoder_init(&part->encoder, &store->allocator, HOLM_STORE_LMDB_FRAME_BYTES_MAX);
    for (size_t i = HOLM_STORE_LMDB_STATE; status == HOLM_OK && i < HOLM_STORE_LMDB_TABLES; i++) {
        struct measuring measuring = {0, 1};
        status = holm_store_lmdb_read(store, (enum holm_store_lmdb_table)i, partition, measure,
                                      &measuring);
        *sizes[i] = measuring.bytes;
        part->numbers[i] = measuring.next;
    }
    uint64_t highest = 0, run = 0;
    if (status == HOLM_OK)
        status = holm_store_lmdb_highest(store, HOLM_STORE_LMDB_STATE, partition, &highest);
    if (status == HOLM_OK)
        status = holm_store_lmdb_highest(store, HOLM_STORE_LMDB_RUNS, partition, &run);
    part->generation = (uint32_t)(highest >> 32);
    part->trim = run >= part->numbers[HOLM_STORE_LMDB_RUNS];
    return status;
}

static size_t parts_bytes(const struct holm_store_lmdb *store)
{
    return ((size_t)store->facts.partitions + 1) * sizeof *store->parts;
}

static enum holm_status parts_open(struct holm_store_lmdb *store)
{
    enum holm_status status = HOLM_OK;
    store->parts = holm_allocate(&store->allocator, parts_bytes(store));
    if (store->parts == NULL)
        return HOLM_ENOMEM;
    memset(store->parts, 0, parts_bytes(store));
    for (uint32_t i = 0; i <= store->facts.partitions; i++) {
        enum holm_status one = part_open(store, i);
        status = status == HOLM_OK ? one : status;
    }
    return status;
}

/* L6: the first thing that is written. */
static enum holm_status trim(struct holm_store_lmdb *store)
{
    enum holm_status status = HOLM_OK;
    for (uint32_t i = 0; status == HOLM_OK && i <= store->facts.partitions; i++)
        if (store->parts[i].trim)
            status = holm_store_lmdb_put_task(store, HOLM_STORE_LMDB_TASK_TRIM, i,
                                              store->parts[i].numbers[HOLM_STORE_LMDB_RUNS],
                                              holm_mem(NULL, 0));
    return status;
}

/* Signals are for the program's own threads. */
static enum holm_status writer_open(struct holm_store_lmdb *store, size_t queue_bytes_max)
{
    sigset_t all, before;
    if (store->reading)
        return HOLM_OK;
    enum holm_status status = holm_store_queue_init(&store->queue, &store->allocator,
                                                    queue_bytes_max);
    if (status != HOLM_OK)
        return status;
    store->queue_open = true;
    status = trim(store);
    if (status != HOLM_OK)
        return status;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int refused = pthread_create(&store->writer, NULL, holm_store_lmdb_write, store);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    store->writer_open = refused == 0;
    return refused == 0 ? HOLM_OK : HOLM_EIO;
}

static void part_free(struct holm_store_lmdb *store, struct holm_store_lmdb_part *part)
{
    holm_encoder_release(&part->encoder);
    holm_array_free(&store->allocator, part->bytes, part->capacity, 1);
    holm_deallocate(&store->allocator, part->saved, part->saved_size);
    pthread_mutex_destroy(&part->lock);
}

static void lmdb_close(struct holm_store *base)
{
    struct holm_store_lmdb *store = holm_store_lmdb_of(base);
    struct holm_allocator allocator = store->allocator;
    if (store->writer_open) {
        holm_store_queue_close(&store->queue);
        pthread_join(store->writer, NULL);
    }
    if (store->queue_open)
        holm_store_queue_release(&store->queue);
    if (store->look != NULL)
        mdb_txn_abort(store->look);
    if (store->env != NULL)
        mdb_env_close(store->env);
    if (store->lock >= 0)
        (void)close(store->lock);
    for (uint32_t i = 0; store->parts != NULL && i <= store->facts.partitions; i++)
        part_free(store, &store->parts[i]);
    holm_deallocate(&allocator, store->parts, parts_bytes(store));
    pthread_mutex_destroy(&store->map_lock);
    pthread_mutex_destroy(&store->epoch_lock);
    holm_deallocate(&allocator, store, sizeof *store);
}

/* The file's size as its system has it: LMDB's own word for it would need a look into a map that may be moving. */
static void lmdb_figures(struct holm_store *base, struct holm_store_figures *figures)
{
    struct holm_store_lmdb *store = holm_store_lmdb_of(base);
    char path[PATH_ROOM];
    struct stat status;
    (void)snprintf(path, sizeof path, "%s/data.mdb", store->directory);
    figures->queue_bytes = store->queue_open ? holm_store_queue_bytes(&store->queue) : 0;
    figures->file_bytes = stat(path, &status) == 0 ? (uint64_t)status.st_size : 0;
}

static const struct holm_store_ops ops = {
    .load = holm_store_lmdb_load,
    .append = holm_store_lmdb_append,
    .close = lmdb_close,
    .save = holm_store_lmdb_save,
    .saved = holm_store_lmdb_saved,
    .journal_add = holm_store_lmdb_journal_add,
    .journal_load = holm_store_lmdb_journal_load,
    .journal_clear = holm_store_lmdb_journal_clear,
    .epoch = holm_store_lmdb_epoch,
    .epoch_raise = holm_store_lmdb_epoch_raise,
    .begin = holm_store_lmdb_begin,
    .end = holm_store_lmdb_end,
    .sync = holm_store_lmdb_sync,
    .failed = holm_store_lmdb_failed,
    .cut = holm_store_lmdb_cut,
    .piece = holm_store_lmdb_give_piece,
    .seal = holm_store_lmdb_seal,
    .await = holm_store_lmdb_await,
    .figures = lmdb_figures,
    .bulky = holm_store_lmdb_bulky,
};

struct holm_store_lmdb_config holm_store_lmdb_config_default(void)
{
    return (struct holm_store_lmdb_config){
        .queue_bytes_max = 64 * MIB, .map_bytes = 256 * MIB, .log = {.level = HOLM_LOG_INFO}};
}

enum holm_status holm_store_lmdb_open(const struct holm_store_lmdb_config *config,
                                      struct holm_store **made)
{
    *made = NULL;
    if (config->directory == NULL || config->directory[0] == '\0' ||
        strlen(config->directory) >= HOLM_STORE_LMDB_PATH_BYTES_MAX)
        return HOLM_EINVAL;
    struct holm_store_lmdb *store = holm_allocate(&config->allocator, sizeof *store);
    if (store == NULL)
        return HOLM_ENOMEM;
    memset(store, 0, sizeof *store);
    store->base.ops = &ops;
    store->allocator = config->allocator;
    store->log = config->log;
    store->reading = config->reading;
    store->lock = -1;
    memcpy(store->directory, config->directory, strlen(config->directory) + 1);
    pthread_mutex_init(&store->map_lock, NULL);
    pthread_mutex_init(&store->epoch_lock, NULL);
    enum holm_status status = directory_open(store);
    if (status == HOLM_OK)
        status = file_open(store, config);
    if (status == HOLM_OK)
        status = parts_open(store);
    if (status == HOLM_OK)
        status = writer_open(store, config->queue_bytes_max);
    if (status == HOLM_OK)
        *made = &store->base;
    else
        lmdb_close(&store->base);
    return status;
}

/* ---- looking -------------------------------------------------------------------------------- */

void holm_store_lmdb_facts(struct holm_store *base, struct holm_store_lmdb_facts *facts)
{
    struct holm_store_lmdb *store = holm_store_lmdb_of(base);
    MDB_envinfo info;
    MDB_stat stat;
    *facts = store->facts;
    facts->epoch = holm_store_lmdb_epoch(base);
    pthread_mutex_lock(&store->map_lock);
    if (!store->unmapped && mdb_env_info(store->env, &info) == 0 &&
        mdb_env_stat(store->env, &stat) == 0)
        facts->file_bytes = (info.me_last_pgno + 1) * stat.ms_psize;
    pthread_mutex_unlock(&store->map_lock);
}

struct holm_store_lmdb_sizes holm_store_lmdb_sizes(struct holm_store *base, uint32_t partition)
{
    struct holm_store_lmdb_part *part = &holm_store_lmdb_of(base)->parts[partition];
    pthread_mutex_lock(&part->lock);
    struct holm_store_lmdb_sizes sizes = part->sizes;
    pthread_mutex_unlock(&part->lock);
    return sizes;
}

/* LMDB leaves it to others to sync it. */
static int copy_file(const struct holm_store_lmdb *store, const char *path)
{
    (void)unlink(path);
    int file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (file < 0)
        return errno;
    int code = mdb_env_copyfd2(store->env, file, MDB_CP_COMPACT);
    if (code == 0 && fsync(file) != 0)
        code = errno;
    if (close(file) != 0 && code == 0)
        code = errno;
    return code;
}

/* A copy that ended early has no name that anybody would take for a store's. */
static int copy_to(const struct holm_store_lmdb *store, const char *directory, const char *path)
{
    char made[PATH_ROOM];
    (void)snprintf(made, sizeof made, "%s/new.mdb", directory);
    if (mkdir(directory, 0700) != 0 && errno != EEXIST)
        return errno;
    int code = copy_file(store, made);
    if (code == 0 && rename(made, path) != 0)
        code = errno;
    if (code != 0)
        (void)unlink(made);
    if (code == 0)
        code = sync_directory(directory);
    return code == 0 ? sync_parent(directory) : code;
}

enum holm_status holm_store_lmdb_copy(struct holm_store *base, const char *directory)
{
    struct holm_store_lmdb *store = holm_store_lmdb_of(base);
    char path[PATH_ROOM], what[PATH_ROOM + 32];
    if (strlen(directory) >= HOLM_STORE_LMDB_PATH_BYTES_MAX)
        return HOLM_EINVAL;
    (void)snprintf(path, sizeof path, "%s/data.mdb", directory);
    (void)snprintf(what, sizeof what, "cannot be copied to %s", directory);
    if (access(path, F_OK) == 0)
        return HOLM_EBUSY;
    int code = copy_to(store, directory, path);
    return tell(store, what, code, advice_for_copy(code));
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * T24: power is lost at each write, sync and rename of a store.
 *
 * A node lives on a real store while everything that reaches the disk is noted: the calls of this very process are
 * defined here, in place of libc's. Then, for each place in that list, the directory is made as a disk might
 * have it if power had gone there, and a node is opened on it:
 *
 *     write 4096 at 8192 | write 120 at 0 | SYNC | write 8192 at 12288 | * power goes here
 *     `------------- is there -------------'       `- all, none, or some of its sectors
 *
 * What it finds must be what was committed up to some moment, in both partitions and in the journal; no less than was
 * said to be durable by then, no more than had been committed; and its epoch must be above the former one.
 *
 * Another life is noted into which a sync brings what a peer has, that is saved in pieces while both write on. Each
 * partition must be found as before its sync, with all that was stored by then, or as behind it, with all that the sync
 * brought; what was written behind it is only there with that:
 *
 *     own 1 2 3 | sync of all that the peer had | own 4, peer's next ... | sealed, so durable
 *     `---- found ----'                      or `--------- found, up to somewhere ---------'
 *
 *     HOLM_SOAK=1 test_process_store_sweep      every place, more disks each
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cmocka.h>

#include "crdt/partition.h"
#include "node/engine_state.h"
#include "node/node.h"
#include "node/store_lmdb.h"
#include "tests/unit/engine_world.h"

#define EXPORTED __attribute__((visibility("default")))

#define PARTITIONS 2u
#define SECTOR_BYTES 512u
#define FILES 2
#define PLACES_IN_BRIEF 100
#define DISKS_IN_BRIEF 3
#define DISKS_IN_SOAK 8
#define JOURNALLED 6
#define OPS 260
#define PIECES_FROM 200
#define PAD_BYTES 10000
#define PADS 40 /* so large a state is saved in pieces, while more is written */
#define PEER_PADS 120
#define PEER_OPS 120

/* ---- what is noted -------------------------------------------------------------------------- */

enum note_type {
    NOTE_WRITE,
    NOTE_SYNC, /* of a file, with its size */
    NOTE_RENAME,
    NOTE_SYNC_NAMES
};

struct note {
    enum note_type type;
    int file;    /* 0: new.mdb, 1: data.mdb */
    bool synced; /* the write itself waited for the disk */
    size_t at, size;
    unsigned char *bytes;
    int64_t committed, durable; /* operations, when it happened */
    int64_t peers[PARTITIONS];  /* of the peer, that were durable, by partition */
};

static const char *const file_names[FILES] = {"new.mdb", "data.mdb"};

static struct {
    bool on;
    char directory[64];
    pthread_mutex_t lock;
    struct note *notes;
    size_t count, capacity;
    int64_t committed, durable;
    int64_t peers[PARTITIONS];
    int64_t before[PARTITIONS]; /* its sync: the last own operation; 0: there was none yet */
    struct holm_epoch epoch;
    enum holm_retention retention;
} recorder = {.lock = PTHREAD_MUTEX_INITIALIZER};

static int file_of_path(const char *path)
{
    size_t length = strlen(recorder.directory);
    if (!recorder.on || strncmp(path, recorder.directory, length) != 0 || path[length] != '/')
        return -1;
    for (int i = 0; i < FILES; i++)
        if (strcmp(path + length + 1, file_names[i]) == 0)
            return i;
    return -1;
}

static bool path_of(int fd, char path[256])
{
    char link[64];
    (void)snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t size = recorder.on ? readlink(link, path, 255) : -1;
    if (size < 0)
        return false;
    path[size] = '\0';
    return true;
}

static int file_of(int fd)
{
    char path[256];
    return path_of(fd, path) ? file_of_path(path) : -1;
}

static void note(struct note note)
{
    pthread_mutex_lock(&recorder.lock);
    if (recorder.count == recorder.capacity) {
        recorder.capacity = recorder.capacity == 0 ? 1024 : 2 * recorder.capacity;
        recorder.notes = realloc(recorder.notes, recorder.capacity * sizeof note);
        assert_non_null(recorder.notes);
    }
    note.committed = recorder.committed;
    note.durable = recorder.durable;
    memcpy(note.peers, recorder.peers, sizeof note.peers);
    recorder.notes[recorder.count++] = note;
    pthread_mutex_unlock(&recorder.lock);
}

/* Before it happens: a crash in its middle is one that has noted it. */
static void note_write(int fd, const void *bytes, size_t size, off_t at)
{
    int file = file_of(fd);
    if (file < 0 || size == 0)
        return;
    struct note write = {.type = NOTE_WRITE, .file = file, .at = (size_t)at, .size = size};
    write.synced = (fcntl(fd, F_GETFL) & O_DSYNC) != 0;
    write.bytes = malloc(size);
    assert_non_null(write.bytes);
    memcpy(write.bytes, bytes, size);
    note(write);
}

EXPORTED ssize_t pwrite(int fd, const void *bytes, size_t size, off_t at)
{
    note_write(fd, bytes, size, at);
    return syscall(SYS_pwrite64, fd, bytes, size, at);
}

EXPORTED ssize_t write(int fd, const void *bytes, size_t size)
{
    if (file_of(fd) >= 0)
        note_write(fd, bytes, size, lseek(fd, 0, SEEK_CUR));
    return syscall(SYS_write, fd, bytes, size);
}

EXPORTED ssize_t writev(int fd, const struct iovec *pieces, int count)
{
    off_t at = file_of(fd) >= 0 ? lseek(fd, 0, SEEK_CUR) : 0;
    for (int i = 0; i < count; i++) {
        note_write(fd, pieces[i].iov_base, pieces[i].iov_len, at);
        at += (off_t)pieces[i].iov_len;
    }
    return syscall(SYS_writev, fd, pieces, count);
}

/* It is not known to be on the disk before it has returned. */
static int sync_of(long number, int fd)
{
    char path[256];
    long result = syscall(number, fd);
    int file = file_of(fd);
    if (result == 0 && file >= 0)
        note((struct note){.type = NOTE_SYNC, .file = file});
    else if (result == 0 && path_of(fd, path) && strcmp(path, recorder.directory) == 0)
        note((struct note){.type = NOTE_SYNC_NAMES});
    return (int)result;
}

EXPORTED int fdatasync(int fd)
{
    return sync_of(SYS_fdatasync, fd);
}

EXPORTED int fsync(int fd)
{
    return sync_of(SYS_fsync, fd);
}

/* The store has no use for these: if it came to have one, this test would see nothing of it. */
EXPORTED int msync(void *address, size_t size, int flags)
{
    assert_false(recorder.on);
    return (int)syscall(SYS_msync, address, size, flags);
}

EXPORTED int ftruncate(int fd, off_t size)
{
    assert_int_equal(file_of(fd), -1);
    return (int)syscall(SYS_ftruncate, fd, size);
}

EXPORTED int rename(const char *from, const char *to)
{
    if (file_of_path(from) >= 0) {
        assert_int_equal(file_of_path(from), 0);
        assert_int_equal(file_of_path(to), 1);
        note((struct note){.type = NOTE_RENAME});
    }
    return (int)syscall(SYS_rename, from, to);
}

/* ---- the life that is noted ----------------------------------------------------------------- */

/* Sums in different partitions. */
static const char *const keys[PARTITIONS] = {"n", "o"};

static struct holm_store *open_store(const char *directory)
{
    struct holm_store_lmdb_config config = holm_store_lmdb_config_default();
    struct holm_store *store;
    config.allocator = holm_node_allocator();
    config.directory = directory;
    config.node.value = 1;
    config.cluster = 1;
    config.partitions = PARTITIONS;
    config.retention = recorder.retention;
    config.map_bytes = 1 << 20;
    assert_int_equal(holm_store_lmdb_open(&config, &store), HOLM_OK);
    return store;
}

static struct world *open_world(const char *directory)
{
    struct world *world = world_new_of(1, 2, PARTITIONS);
    world->configs[0].retention = recorder.retention;
    world->configs[0].founds = recorder.retention == HOLM_RETENTION_STABLE;
    world->stores[0] = open_store(directory);
    world_start(world, 0);
    return world;
}

static void close_world(struct world *world)
{
    world_kill(world, 0);
    world->stores[0]->ops->close(world->stores[0]);
    world_free(world);
}

/* Operation `number` adds one to the sum of its partition, and says that it was the last there. */
static void commit(struct world *world, int64_t number)
{
    static char pad[PAD_BYTES];
    struct holm_bytes key = holm_str(keys[number % PARTITIONS]);
    char padded[16];
    (void)snprintf(padded, sizeof padded, "{%s}%d", keys[number % PARTITIONS],
                   (int)(number / PARTITIONS % PADS));
    struct holm_op ops[] = {
        holm_op_add(key, holm_str("n"), 1), holm_op_put(key, holm_str("last"), holm_i64(number)),
        holm_op_put(holm_str(padded), holm_str("pad"), holm_bytes_value(pad, sizeof pad))};
    uint32_t partition = holm_partition_of(key, PARTITIONS);
    memset(pad, (int)number, sizeof pad);
    pthread_mutex_lock(&recorder.lock);
    recorder.committed = number;
    pthread_mutex_unlock(&recorder.lock);
    assert_int_equal(
        holm_engine_commit(world->engines[0], partition, ops, 3, world_now(world, 0), NULL),
        HOLM_OK);
    if (number > JOURNALLED || recorder.retention != HOLM_RETENTION_STABLE)
        assert_int_equal(holm_engine_flush(world->engines[0], partition, world_now(world, 0)),
                         HOLM_OK);
}

static void make_durable(struct world *world)
{
    int64_t number = recorder.committed;
    assert_int_equal(
        holm_engine_sync(world->engines[0], 0, PARTITIONS, world_now(world, 0), 60000000), HOLM_OK);
    pthread_mutex_lock(&recorder.lock);
    recorder.durable = number;
    pthread_mutex_unlock(&recorder.lock);
}

/* While states are saved, what a millisecond brings is a transaction of its own: pieces come one by one. */
static void pass(struct world *world, int64_t number)
{
    struct holm_store *store = world->stores[0];
    world_pass(world, 1);
    if (number > PIECES_FROM)
        assert_int_equal(store->ops->sync(store, 60000000), HOLM_OK);
}

/* Journals, founds, writes, compacts; waits for the disk now and then. */
static void live(void)
{
    struct holm_engine_membership membership = {.confirmed = false};
    recorder.retention = HOLM_RETENTION_STABLE;
    recorder.on = true;
    struct world *world = open_world(recorder.directory);
    recorder.epoch = holm_engine_self(world->engines[0]).epoch;
    for (int64_t number = 1; number <= OPS; number++) {
        commit(world, number);
        if (number % 3 == 0)
            make_durable(world);
        for (int i = 0; number == JOURNALLED && i < 60000 && !membership.confirmed; i++) {
            world_pass(world, 1);
            holm_engine_membership(world->engines[0], &membership);
        }
        for (int i = number > PIECES_FROM ? 1 : 6; i > 0; i--)
            pass(world, number);
    }
    assert_true(membership.confirmed);
    for (uint32_t i = 0; i < PARTITIONS; i++)
        assert_true(holm_store_lmdb_sizes(world->stores[0], i).state_bytes > PADS * PAD_BYTES);
    close_world(world);
    recorder.on = false;
}

/* ---- the life that a sync comes into -------------------------------------------------------- */

/* The peer's sums, and enough beside them that each partition takes several pieces. */
static const char *const peer_keys[PARTITIONS] = {"{n}peer", "{o}peer"};

static void write_at_peer(struct world *world, uint32_t index, int number, size_t ops_count)
{
    static char pad[PAD_BYTES];
    char padded[32];
    struct holm_bytes key = holm_str(peer_keys[index]);
    uint32_t partition = holm_partition_of(key, PARTITIONS);
    (void)snprintf(padded, sizeof padded, "%s%d", peer_keys[index], number % PEER_PADS);
    struct holm_op ops[] = {
        holm_op_add(key, holm_str("n"), 1),
        holm_op_put(holm_str(padded), holm_str("pad"), holm_bytes_value(pad, sizeof pad))};
    memset(pad, number, sizeof pad);
    assert_int_equal(
        holm_engine_commit(world->engines[1], partition, ops, ops_count, world_now(world, 1), NULL),
        HOLM_OK);
    assert_int_equal(holm_engine_flush(world->engines[1], partition, world_now(world, 1)), HOLM_OK);
}

/* Whether all that it has is durable, own and the peer's; does not wait for a state. */
static void look_durable(struct world *world)
{
    int64_t number = recorder.committed, peers[PARTITIONS];
    for (uint32_t i = 0; i < PARTITIONS; i++)
        peers[i] = world_sum(world, 0, peer_keys[i]);
    bool awaited = atomic_load(&world->engines[0]->awaiting) > 0;
    enum holm_status status = holm_engine_sync(world->engines[0], 0, PARTITIONS,
                                               world_now(world, 0), awaited ? 1000 : 60000000);
    assert_int_equal(status, awaited ? HOLM_ETIMEDOUT : HOLM_OK);
    if (status != HOLM_OK)
        return;
    pthread_mutex_lock(&recorder.lock);
    recorder.durable = number;
    memcpy(recorder.peers, peers, sizeof peers);
    pthread_mutex_unlock(&recorder.lock);
}

/* One millisecond; a sync that was applied in it has come behind the last own operation. */
static void pass_synced(struct world *world)
{
    world_pass(world, 1);
    for (uint32_t i = 0; i < PARTITIONS; i++)
        if (recorder.before[i] == 0 && world_sum(world, 0, peer_keys[i]) > 0)
            recorder.before[i] = recorder.committed;
    assert_int_equal(world->stores[0]->ops->sync(world->stores[0], 60000000), HOLM_OK);
}

static void live_beside_peer(void)
{
    recorder.retention = HOLM_RETENTION_FOREVER;
    recorder.on = true;
    struct world *world = open_world(recorder.directory);
    recorder.epoch = holm_engine_self(world->engines[0]).epoch;
    world->configs[1].log_bytes_max = 4096; /* so it has no runs to give */
    world_start(world, 1);
    for (int i = 0; i < PEER_OPS; i++) {
        write_at_peer(world, 0, i, 2);
        write_at_peer(world, 1, i, 2);
        world_pass(world, 1);
    }
    int64_t number = 1;
    int behind = 0;
    for (; number <= 20; number++) {
        commit(world, number);
        pass_synced(world);
    }
    look_durable(world);
    world_join(world, 0, 1);
    for (; number < 1000 && (recorder.before[0] == 0 || recorder.before[1] == 0 || behind < 100 ||
                             atomic_load(&world->engines[0]->awaiting) > 0);
         number++) {
        commit(world, number);
        pass_synced(world);
        if (number % 4 == 0) /* before its sync it comes early, and is held back */
            write_at_peer(world, (uint32_t)number / 4 % PARTITIONS, 0, 1);
        if (recorder.before[0] == 0 && recorder.before[1] == 0)
            continue;
        behind++;
        look_durable(world);
    }
    assert_in_range(number, 30, 999);
    for (uint32_t i = 0; i < PARTITIONS; i++)
        assert_true(recorder.peers[i] > PEER_OPS);
    close_world(world);
    recorder.on = false;
}

/* ---- disks ---------------------------------------------------------------------------------- */

struct file {
    bool there;
    unsigned char *bytes;
    size_t size, capacity;
};

static void put_bytes(struct file *file, size_t at, const unsigned char *bytes, size_t size)
{
    if (at + size > file->capacity) {
        size_t capacity = 2 * (at + size);
        file->bytes = realloc(file->bytes, capacity);
        assert_non_null(file->bytes);
        memset(file->bytes + file->capacity, 0, capacity - file->capacity);
        file->capacity = capacity;
    }
    memcpy(file->bytes + at, bytes, size);
    file->size = at + size > file->size ? at + size : file->size;
    file->there = true;
}

static void copy_file(struct file *to, const struct file *from)
{
    to->size = 0;
    if (from->size > 0)
        put_bytes(to, 0, from->bytes, from->size);
    to->there = from->there;
}

static void move_file(struct file files[FILES])
{
    free(files[1].bytes);
    files[1] = files[0];
    memset(&files[0], 0, sizeof files[0]);
}

/* Some sectors of it, or all, or none. */
static void put_torn(struct file *file, const struct note *write, struct holm_random *random,
                     int disk)
{
    size_t end = write->at + write->size;
    for (size_t at = write->at; at < end;) {
        size_t next = (at / SECTOR_BYTES + 1) * SECTOR_BYTES;
        next = next < end ? next : end;
        if (disk == 1 || (disk > 1 && holm_random_between(random, 0, 1) == 0))
            put_bytes(file, at, write->bytes + (at - write->at), next - at);
        at = next;
    }
}

/* What was not synced before `place`, from `first` on, may be there or not; the last write in its middle. */
static void tear(struct file files[FILES], const bool pending[], size_t place, int disk)
{
    struct holm_random random = {.state = place * 64 + (size_t)disk};
    for (size_t i = 0; i <= place; i++) {
        const struct note *at = &recorder.notes[i];
        if (!pending[i])
            continue;
        if (at->type == NOTE_WRITE)
            put_torn(&files[at->file], at, &random, i == place && disk == 1 ? 2 : disk);
        else if (disk == 1 || (disk > 1 && holm_random_between(&random, 0, 1) == 0))
            move_file(files);
        else
            break; /* what came behind went to the file of the new name */
    }
}

static void write_files(const char *directory, const struct file files[FILES])
{
    char path[128];
    (void)snprintf(path, sizeof path, "%s/lock.mdb", directory);
    (void)unlink(path);
    for (int i = 0; i < FILES; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", directory, file_names[i]);
        (void)unlink(path);
        if (!files[i].there)
            continue;
        int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        assert_true(fd >= 0);
        assert_int_equal(syscall(SYS_write, fd, files[i].bytes, files[i].size), files[i].size);
        assert_int_equal(close(fd), 0);
    }
}

/* ---- what the next life must find ----------------------------------------------------------- */

static int64_t last_of(struct world *world, uint32_t index)
{
    struct holm_bytes key = holm_str(keys[index]);
    uint32_t partition = holm_partition_of(key, PARTITIONS);
    const struct holm_replica *replica = holm_engine_lock(world->engines[0], partition);
    struct holm_cell_view cell;
    int64_t last = 0;
    if (holm_replica_get(replica, key, holm_str("last"), HOLM_REGISTER, &cell) == HOLM_OK)
        last = cell.value.as.i64;
    holm_engine_unlock(world->engines[0], partition);
    return last;
}

/* The operations 1 to *count, and nothing else. */
static bool is_prefix(struct world *world, int64_t *count)
{
    int64_t last[PARTITIONS];
    *count = 0;
    for (uint32_t i = 0; i < PARTITIONS; i++) {
        last[i] = last_of(world, i);
        *count = last[i] > *count ? last[i] : *count;
    }
    for (uint32_t i = 0; i < PARTITIONS; i++) {
        int64_t expected = *count % PARTITIONS == i ? *count : *count == 0 ? 0 : *count - 1;
        int64_t sum = (expected + (i == 0 ? 0 : 1)) / (int64_t)PARTITIONS;
        if (last[i] != expected || world_sum(world, 0, keys[i]) != sum)
            return false;
    }
    return true;
}

static void check(const char *directory, size_t place, int disk)
{
    const struct note *at = &recorder.notes[place];
    int64_t count;
    struct world *world = open_world(directory);
    struct holm_epoch epoch = holm_engine_self(world->engines[0]).epoch;
    bool prefix = is_prefix(world, &count);
    if (!prefix || count < at->durable || count > at->committed)
        print_message("place %zu of %zu, disk %d: %s, %lld operations of %lld, %lld durable\n",
                      place, recorder.count, disk, prefix ? "a prefix" : "no prefix",
                      (long long)count, (long long)at->committed, (long long)at->durable);
    assert_true(prefix);
    assert_in_range(count, at->durable, at->committed);
    if (count > 0)
        assert_true(epoch.value > recorder.epoch.value);
    /* And it goes on from there: what was torn is no hindrance. */
    world->configs[0].founds = recorder.retention == HOLM_RETENTION_STABLE;
    assert_int_equal(
        holm_engine_sync(world->engines[0], 0, PARTITIONS, world_now(world, 0), 60000000), HOLM_OK);
    close_world(world);
}

/* Before its sync, or behind it. */
static bool is_whole(struct world *world, uint32_t index, const struct note *at)
{
    int64_t last = last_of(world, index), before = recorder.before[index];
    int64_t peers = world_sum(world, 0, peer_keys[index]);
    int64_t sum = index == 0 ? last / 2 : (last + 1) / 2;
    bool own = (last == 0 || last % PARTITIONS == index) && world_sum(world, 0, keys[index]) == sum;
    bool synced = peers == 0 ? before == 0 || last <= before
                             : peers >= PEER_OPS && last >= before - 1;
    bool durable = last >= at->durable - 1 && peers >= at->peers[index];
    if (!own || !synced || !durable || last > at->committed)
        print_message("partition %u: %lld, a sum of %lld, %lld of the peer's; synced behind %lld; "
                      "%lld committed, %lld durable, %lld of the peer's\n",
                      index, (long long)last, (long long)world_sum(world, 0, keys[index]),
                      (long long)peers, (long long)before, (long long)at->committed,
                      (long long)at->durable, (long long)at->peers[index]);
    return own && synced && durable && last <= at->committed;
}

static void check_beside_peer(const char *directory, size_t place, int disk)
{
    struct world *world = open_world(directory);
    bool whole = true;
    for (uint32_t i = 0; i < PARTITIONS; i++) {
        whole &= is_whole(world, i, &recorder.notes[place]);
        const struct holm_replica *replica = holm_engine_lock(world->engines[0], i);
        struct holm_replica_stats stats;
        holm_replica_check(replica);
        holm_replica_stats(replica, &stats);
        whole &= stats.held == 0; /* nothing was read that builds upon what is not there */
        holm_engine_unlock(world->engines[0], i);
    }
    if (!whole)
        print_message("place %zu of %zu, disk %d\n", place, recorder.count, disk);
    assert_true(whole);
    if (last_of(world, 0) > 0)
        assert_true(holm_engine_self(world->engines[0]).epoch.value > recorder.epoch.value);
    assert_int_equal(
        holm_engine_sync(world->engines[0], 0, PARTITIONS, world_now(world, 0), 60000000), HOLM_OK);
    close_world(world);
}

/* Brings the disk up to `place`: what is synced by then is in `files`, and no longer pending. */
static void advance(struct file files[FILES], bool pending[], size_t place)
{
    const struct note *at = &recorder.notes[place];
    pending[place] = at->type == NOTE_WRITE || at->type == NOTE_RENAME;
    if (at->type != NOTE_SYNC && at->type != NOTE_SYNC_NAMES)
        return;
    for (size_t i = 0; i < place; i++) {
        const struct note *before = &recorder.notes[i];
        if (!pending[i])
            continue;
        if (at->type == NOTE_SYNC && before->type == NOTE_WRITE && before->file == at->file) {
            put_bytes(&files[before->file], before->at, before->bytes, before->size);
            pending[i] = false;
        } else if (at->type == NOTE_SYNC_NAMES && before->type == NOTE_RENAME) {
            move_file(files);
            pending[i] = false;
        }
    }
}

/* A write that waits for the disk itself is there once anything else happens. */
static void settle(struct file files[FILES], bool pending[], size_t place)
{
    const struct note *at = &recorder.notes[place];
    if (!pending[place] || at->type != NOTE_WRITE || !at->synced)
        return;
    put_bytes(&files[at->file], at->at, at->bytes, at->size);
    pending[place] = false;
}

typedef void checker(const char *directory, size_t place, int disk);

struct sweep {
    void (*live)(void);
    checker *check;
    char directory[64];
    struct file files[FILES];
    bool *pending;
    size_t places[4]; /* by type of note */
};

static void crash_at(const struct sweep *sweep, size_t place, int disk)
{
    struct file torn[FILES];
    memset(torn, 0, sizeof torn);
    for (int i = 0; i < FILES; i++)
        copy_file(&torn[i], &sweep->files[i]);
    tear(torn, sweep->pending, place, disk);
    write_files(sweep->directory, torn);
    sweep->check(sweep->directory, place, disk);
    for (int i = 0; i < FILES; i++)
        free(torn[i].bytes);
}

static void remove_all(const char *directory)
{
    static const char *const names[] = {"new.mdb", "data.mdb", "lock.mdb", "new.mdb-lock",
                                        "holm.lock"};
    char path[128];
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", directory, names[i]);
        (void)unlink(path);
    }
    assert_int_equal(rmdir(directory), 0);
}

static void forget(struct sweep *sweep)
{
    for (size_t i = 0; i < recorder.count; i++)
        free(recorder.notes[i].bytes);
    free(recorder.notes);
    recorder.notes = NULL;
    recorder.count = recorder.capacity = 0;
    recorder.committed = recorder.durable = 0;
    memset(recorder.peers, 0, sizeof recorder.peers);
    memset(recorder.before, 0, sizeof recorder.before);
    free(sweep->pending);
    for (int i = 0; i < FILES; i++)
        free(sweep->files[i].bytes);
}

/* Which places: all, or some; the first ones make the file. */
static void crash_everywhere(struct sweep *sweep)
{
    bool soak = getenv("HOLM_SOAK") != NULL;
    size_t stride = soak ? 1 : recorder.count / PLACES_IN_BRIEF + 1;
    for (size_t place = 0; place < recorder.count; place++) {
        advance(sweep->files, sweep->pending, place);
        sweep->places[recorder.notes[place].type]++;
        for (int disk = 0; disk < (soak ? DISKS_IN_SOAK : DISKS_IN_BRIEF); disk++)
            if (place % stride == 0 || place < 24)
                crash_at(sweep, place, disk);
        settle(sweep->files, sweep->pending, place);
    }
    print_message("%zu places: %zu writes, %zu syncs, %zu renames; one in %zu tried\n",
                  recorder.count, sweep->places[NOTE_WRITE], sweep->places[NOTE_SYNC],
                  sweep->places[NOTE_RENAME], stride);
}

static void run_sweep(struct sweep *sweep)
{
    (void)snprintf(recorder.directory, sizeof recorder.directory, "/tmp/holm-sweep-XXXXXX");
    assert_non_null(mkdtemp(recorder.directory));
    sweep->live();
    remove_all(recorder.directory);
    (void)snprintf(sweep->directory, sizeof sweep->directory, "/tmp/holm-sweep-XXXXXX");
    assert_non_null(mkdtemp(sweep->directory));
    sweep->pending = calloc(recorder.count, sizeof *sweep->pending);
    assert_non_null(sweep->pending);
    crash_everywhere(sweep);
    const size_t *places = sweep->places;
    assert_true(places[NOTE_WRITE] > 100 && places[NOTE_SYNC] > 20 && places[NOTE_RENAME] == 1);
    remove_all(sweep->directory);
    forget(sweep);
}

static void test_store_sweep_when_power_is_lost_anywhere_has_a_prefix_with_all_that_is_durable(
    void **state)
{
    (void)state;
    struct sweep sweep = {.live = live, .check = check};
    run_sweep(&sweep);
}

static void test_store_sweep_when_power_is_lost_beside_a_sync_is_as_before_or_behind_it(
    void **state)
{
    (void)state;
    struct sweep sweep = {.live = live_beside_peer, .check = check_beside_peer};
    run_sweep(&sweep);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            test_store_sweep_when_power_is_lost_anywhere_has_a_prefix_with_all_that_is_durable),
        cmocka_unit_test(
            test_store_sweep_when_power_is_lost_beside_a_sync_is_as_before_or_behind_it),
    };
    return cmocka_run_group_tests_name("store_sweep", tests, NULL, NULL);
}

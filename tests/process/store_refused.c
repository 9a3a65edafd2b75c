/* SPDX-License-Identifier: Apache-2.0 */
/*
 * T24: a disk that refuses: each system call that a store makes on its files fails in turn, once with EIO, and from there on
 * with ENOSPC. The calls of this very process are defined here, in place of libc's.
 *
 *     open  pread  mmap  pwrite  fdatasync  pwrite | EIO      -> HOLM_EIO from sync(), a line in the log that says what to do
 *                                                  `- the next life has all that was durable
 *
 * However a life ends, none of its calls crashes or lies: what it said to be on the disk is there for the next one, which is
 * given a good disk, and goes on.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cmocka.h>

#include "node/node.h"
#include "node/store_lmdb.h"

#define EXPORTED __attribute__((visibility("default")))
#define LONG_US 60000000u
#define STEPS 6
#define LARGE_BYTES ((size_t)300000)

/* ---- the disk ------------------------------------------------------------------------------- */

static struct {
    char directory[64];
    bool on;
    atomic_int calls; /* on files of the store */
    int fail_at;      /* 0: never */
    int error;        /* EIO: once; ENOSPC: from there on */
    atomic_int refused;
    const char *name; /* of what was refused first */
} disk;

static bool refuses(const char *path, const char *name)
{
    size_t length = strlen(disk.directory);
    if (!disk.on || strncmp(path, disk.directory, length) != 0 ||
        (path[length] != '/' && path[length] != '\0'))
        return false;
    int number = atomic_fetch_add(&disk.calls, 1) + 1;
    bool refuse = disk.error == EIO ? number == disk.fail_at
                                    : disk.fail_at > 0 && number >= disk.fail_at;
    if (!refuse)
        return false;
    if (atomic_fetch_add(&disk.refused, 1) == 0)
        disk.name = name;
    errno = disk.error;
    return true;
}

static bool refuses_file(int fd, const char *name)
{
    char link[64], path[256];
    (void)snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t size = disk.on ? readlink(link, path, sizeof path - 1) : -1;
    if (size < 0)
        return false;
    path[size] = '\0';
    return refuses(path, name);
}

EXPORTED int open(const char *path, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = (flags & O_CREAT) != 0 ? va_arg(arguments, mode_t) : 0;
    va_end(arguments);
    return refuses(path, "open") ? -1 : (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

EXPORTED ssize_t pread(int fd, void *bytes, size_t size, off_t at)
{
    return refuses_file(fd, "pread") ? -1 : syscall(SYS_pread64, fd, bytes, size, at);
}

EXPORTED ssize_t pwrite(int fd, const void *bytes, size_t size, off_t at)
{
    return refuses_file(fd, "pwrite") ? -1 : syscall(SYS_pwrite64, fd, bytes, size, at);
}

EXPORTED ssize_t write(int fd, const void *bytes, size_t size)
{
    return refuses_file(fd, "write") ? -1 : syscall(SYS_write, fd, bytes, size);
}

EXPORTED ssize_t writev(int fd, const struct iovec *pieces, int count)
{
    return refuses_file(fd, "writev") ? -1 : syscall(SYS_writev, fd, pieces, count);
}

EXPORTED int fdatasync(int fd)
{
    return refuses_file(fd, "fdatasync") ? -1 : (int)syscall(SYS_fdatasync, fd);
}

EXPORTED int fsync(int fd)
{
    return refuses_file(fd, "fsync") ? -1 : (int)syscall(SYS_fsync, fd);
}

EXPORTED int ftruncate(int fd, off_t size)
{
    return refuses_file(fd, "ftruncate") ? -1 : (int)syscall(SYS_ftruncate, fd, size);
}

EXPORTED void *mmap(void *address, size_t size, int protection, int flags, int fd, off_t at)
{
    if (fd >= 0 && refuses_file(fd, "mmap"))
        return MAP_FAILED;
    return (void *)syscall(SYS_mmap, address, size, protection, flags, fd, at);
}

EXPORTED int rename(const char *from, const char *to)
{
    return refuses(from, "rename") ? -1 : (int)syscall(SYS_rename, from, to);
}

EXPORTED int mkdir(const char *path, mode_t mode)
{
    return refuses(path, "mkdir") ? -1 : (int)syscall(SYS_mkdir, path, mode);
}

/* ---- a life --------------------------------------------------------------------------------- */

struct life {
    char said[4096]; /* in the log */
    int durable;     /* steps that were said to be on the disk */
    bool unread;     /* LMDB reads no more: a page that names the root, or the map, was refused */
};

static void say(void *context, int level, const char *line)
{
    struct life *life = context;
    (void)level;
    (void)strncat(life->said, line, sizeof life->said - strlen(life->said) - 1);
}

static enum holm_status open_store(struct life *life, struct holm_store **store)
{
    struct holm_store_lmdb_config config = holm_store_lmdb_config_default();
    char directory[80];
    (void)snprintf(directory, sizeof directory, "%s/store", disk.directory);
    config.allocator = holm_node_allocator();
    config.directory = directory;
    config.node.value = config.cluster = config.partitions = 1;
    config.map_bytes = 1 << 18;
    config.log = (struct holm_log){.level = HOLM_LOG_INFO, .write = say, .context = life};
    return holm_store_lmdb_open(&config, store);
}

static enum holm_status append(struct holm_store *store, uint64_t seq, size_t bytes)
{
    static char text[LARGE_BYTES];
    struct holm_allocator allocator = holm_node_allocator();
    struct holm_fill_sizes sizes = {.actors = 1, .items = 1, .bytes = 3 + bytes};
    struct holm_delta *delta;
    struct holm_fill fill;
    assert_int_equal(holm_delta_new(&allocator, &sizes, &delta, &fill), HOLM_OK);
    delta->actor = fill.actors[0] = (struct holm_actor){{1}, {2}};
    delta->first = delta->last = seq;
    fill.items[0] = (struct holm_item){.op = HOLM_ITEM_PUT, .kind = HOLM_REGISTER, .seq = seq};
    fill.items[0].key = holm_fill_bytes(&fill, holm_str("key"));
    fill.items[0].value = holm_bytes_value(NULL, 0);
    fill.items[0].value.as.bytes = holm_fill_bytes(&fill, holm_mem(text, bytes));
    enum holm_status status = store->ops->append(store, 0, &delta, 1);
    holm_delta_release(delta);
    return status;
}

/* A state says up to which step it goes. */
static enum holm_status save(struct holm_store *store, int step)
{
    const struct holm_store_ops *ops = store->ops;
    struct holm_bytes state = holm_mem(&step, sizeof step);
    enum holm_status status = HOLM_OK;
    if (step == 5)
        return ops->save(store, 0, state);
    if (step != 3)
        return HOLM_OK;
    status = ops->cut(store, 0);
    if (status == HOLM_OK)
        status = ops->piece(store, 0, state);
    if (status == HOLM_OK)
        status = ops->sync(store, LONG_US);
    return status == HOLM_OK ? ops->seal(store, 0) : status;
}

static enum holm_status take_step(struct holm_store *store, int step)
{
    const struct holm_store_ops *ops = store->ops;
    const char digit = (char)('0' + step);
    enum holm_status status = step == 4 ? ops->begin(store) : HOLM_OK;
    if (status != HOLM_OK)
        return status;
    status = append(store, (uint64_t)step, step == 2 ? LARGE_BYTES : 10);
    if (status == HOLM_OK)
        status = save(store, step);
    if (status == HOLM_OK)
        status = ops->journal_add(store, 0, holm_mem(&digit, 1));
    if (step == 4) {
        enum holm_status ended = ops->end(store, status == HOLM_OK);
        status = status == HOLM_OK ? ended : status;
    }
    return status == HOLM_OK ? ops->sync(store, LONG_US) : status;
}

struct found {
    int state, runs; /* up to which step they go */
    char journal[16];
    uint64_t last;
};

static enum holm_status find_run(void *context, struct holm_delta *delta)
{
    struct found *found = context;
    assert_true(found->last == 0 || delta->first == found->last + 1);
    found->last = delta->last;
    return HOLM_OK;
}

static enum holm_status find_batch(void *context, struct holm_bytes batch)
{
    struct found *found = context;
    (void)strncat(found->journal, batch.data, batch.size);
    return HOLM_OK;
}

static enum holm_status look(struct holm_store *store, struct found *found)
{
    struct holm_bytes state = store->ops->saved(store, 0);
    memset(found, 0, sizeof *found);
    if (state.size == sizeof found->state)
        memcpy(&found->state, state.data, state.size);
    else if (state.size != 0)
        return HOLM_EIO;
    enum holm_status status = store->ops->load(store, 0, find_run, found);
    if (status == HOLM_OK)
        status = store->ops->journal_load(store, 0, find_batch, found);
    found->runs = found->last > 0 ? (int)found->last : found->state;
    return status;
}

/* Some first steps, all of each but the last. */
static void assert_prefix(const struct found *found, int durable)
{
    int journalled = (int)strlen(found->journal);
    assert_memory_equal(found->journal, "123456", (size_t)journalled);
    assert_true(found->runs == journalled || found->runs == journalled + 1);
    assert_true(journalled >= durable);
}

/* As far as it comes. When writing has failed nothing is written any more. What there is can mostly be read; a node has read
 * all of it when it was opened. */
static void live(struct life *life)
{
    struct holm_store *store;
    struct found found;
    memset(life, 0, sizeof *life);
    enum holm_status status = open_store(life, &store);
    if (status != HOLM_OK)
        return;
    status = store->ops->epoch_raise(store, (struct holm_epoch){7});
    for (int step = 1; status == HOLM_OK && step <= STEPS; step++) {
        status = take_step(store, step);
        if (status == HOLM_OK)
            life->durable = step;
    }
    disk.on = false; /* there is room again, but it has failed once */
    if (status != HOLM_OK) {
        assert_int_equal(status, HOLM_EIO);
        assert_int_equal(append(store, 99, 1), HOLM_EIO);
        assert_int_equal(store->ops->sync(store, LONG_US), HOLM_EIO);
        assert_int_equal(store->ops->begin(store), HOLM_EIO);
        if (look(store, &found) == HOLM_OK)
            assert_prefix(&found, life->durable);
        else
            life->unread = true;
    }
    store->ops->close(store);
}

static void live_again(int durable)
{
    struct life life = {.durable = 0};
    struct holm_store *store;
    struct found found;
    assert_int_equal(open_store(&life, &store), HOLM_OK);
    assert_int_equal(look(store, &found), HOLM_OK);
    assert_prefix(&found, durable);
    if (durable > 0)
        assert_int_equal(store->ops->epoch(store).value, 7);
    assert_int_equal(append(store, 99, 1), HOLM_OK);
    assert_int_equal(store->ops->sync(store, LONG_US), HOLM_OK);
    store->ops->close(store);
}

static void remove_store(void)
{
    static const char *const names[] = {"data.mdb", "new.mdb", "lock.mdb", "new.mdb-lock",
                                        "holm.lock"};
    char path[128];
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        (void)snprintf(path, sizeof path, "%s/store/%s", disk.directory, names[i]);
        (void)unlink(path);
    }
    (void)snprintf(path, sizeof path, "%s/store", disk.directory);
    (void)rmdir(path);
}

/* A life in which the disk refuses call number `fail_at`; whether there were so many. */
static bool refuse_at(int fail_at, int error, struct life *life)
{
    disk.fail_at = fail_at;
    disk.error = error;
    atomic_store(&disk.calls, 0);
    atomic_store(&disk.refused, 0);
    disk.on = true;
    live(life);
    disk.on = false;
    return atomic_load(&disk.refused) > 0;
}

static void sweep(int error, const char *advice)
{
    struct life life;
    int failed = 0, told = 0, unread = 0;
    for (int at = 1; refuse_at(at, error, &life); at++) {
        bool ended = life.durable < STEPS;
        if (ended &&
            (strstr(life.said, strerror(error)) == NULL || strstr(life.said, advice) == NULL))
            fail_msg("%s number %d: \"%s\"", disk.name, at, life.said);
        failed += ended ? 1 : 0;
        unread += life.unread ? 1 : 0;
        told += life.said[0] != '\0' ? 1 : 0;
        live_again(life.durable);
        remove_store();
    }
    assert_int_equal(life.durable, STEPS);
    assert_string_equal(life.said, "");
    remove_store();
    print_message("%s: %d calls refused, after %d it wrote no more, after %d "
                  "of these it read no more, %d were told of\n",
                  strerror(error), atomic_load(&disk.calls), failed, unread, told);
    assert_true(failed > 30);
}

static void make_place(void)
{
    (void)snprintf(disk.directory, sizeof disk.directory, "/tmp/holm-refused-XXXXXX");
    assert_non_null(mkdtemp(disk.directory));
}

static void test_store_when_any_call_fails_once_it_says_so_and_keeps_what_was_durable(void **state)
{
    (void)state;
    make_place();
    sweep(EIO, "restart");
    assert_int_equal(rmdir(disk.directory), 0);
}

static void test_store_when_there_is_no_room_it_says_so_and_goes_on_once_there_is(void **state)
{
    (void)state;
    make_place();
    sweep(ENOSPC, "make room");
    assert_int_equal(rmdir(disk.directory), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_store_when_any_call_fails_once_it_says_so_and_keeps_what_was_durable),
        cmocka_unit_test(test_store_when_there_is_no_room_it_says_so_and_goes_on_once_there_is),
    };
    return cmocka_run_group_tests_name("store_refused", tests, NULL, NULL);
}

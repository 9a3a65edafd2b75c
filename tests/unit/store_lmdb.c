/* SPDX-License-Identifier: Apache-2.0 */
/* The store by LMDB, through its table, over directories in /tmp. */
#include <dirent.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "node/node.h"
#include "node/store_lmdb.h"

#define PARTITIONS 2u
#define LONG_US 10000000u
#define LINE_BYTES 1024
#define MIB ((off_t)1 << 20)

struct fixture {
    char directory[64];
    struct holm_store *store;
};

static struct holm_store_lmdb_config config_of(const char *directory)
{
    struct holm_store_lmdb_config config = holm_store_lmdb_config_default();
    config.allocator = holm_node_allocator();
    config.directory = directory;
    config.node.value = 1;
    config.cluster = 7;
    config.partitions = PARTITIONS;
    config.retention = HOLM_RETENTION_STABLE;
    config.log.level = 0;
    return config;
}

static void remove_directory(const char *path)
{
    DIR *directory = opendir(path);
    if (directory == NULL)
        return;
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
        char name[512];
        (void)snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
        (void)unlink(name);
    }
    (void)closedir(directory);
    assert_int_equal(rmdir(path), 0);
}

static void reopen(struct fixture *f)
{
    struct holm_store_lmdb_config config = config_of(f->directory);
    if (f->store != NULL)
        f->store->ops->close(f->store);
    assert_int_equal(holm_store_lmdb_open(&config, &f->store), HOLM_OK);
}

static void begin(struct fixture *f)
{
    memset(f, 0, sizeof *f);
    (void)snprintf(f->directory, sizeof f->directory, "/tmp/holm-store-XXXXXX");
    assert_non_null(mkdtemp(f->directory));
    reopen(f);
}

static void finish(struct fixture *f)
{
    f->store->ops->close(f->store);
    remove_directory(f->directory);
}

/* A run with a value of so many bytes. */
static struct holm_delta *make_run(uint64_t seq, size_t bytes)
{
    struct holm_allocator allocator = holm_node_allocator();
    struct holm_fill_sizes sizes = {.actors = 1, .items = 1, .bytes = 3 + bytes};
    struct holm_delta *delta;
    struct holm_fill fill;
    char *text = calloc(1, bytes + 1);
    assert_non_null(text);
    memset(text, 'a' + (int)(seq % 26), bytes);
    assert_int_equal(holm_delta_new(&allocator, &sizes, &delta, &fill), HOLM_OK);
    delta->actor = fill.actors[0] = (struct holm_actor){{1}, {2}};
    delta->first = delta->last = seq;
    fill.items[0] = (struct holm_item){.op = HOLM_ITEM_PUT, .kind = HOLM_REGISTER, .seq = seq};
    fill.items[0].key = holm_fill_bytes(&fill, holm_str("key"));
    fill.items[0].value = holm_bytes_value(NULL, 0);
    fill.items[0].value.as.bytes = holm_fill_bytes(&fill, holm_mem(text, bytes));
    free(text);
    return delta;
}

static enum holm_status append(struct fixture *f, uint32_t partition, uint64_t seq, size_t bytes)
{
    struct holm_delta *delta = make_run(seq, bytes);
    delta->partition = partition;
    enum holm_status status = f->store->ops->append(f->store, partition, &delta, 1);
    holm_delta_release(delta);
    return status;
}

struct count {
    uint64_t first, last;
    size_t bytes;
};

static enum holm_status count_run(void *context, struct holm_delta *delta)
{
    struct count *count = context;
    if (count->last != 0)
        assert_int_equal(delta->first, count->last + 1);
    else
        count->first = delta->first;
    count->last = delta->last;
    count->bytes += delta->items.items[0].value.as.bytes.size;
    return HOLM_OK;
}

static struct count runs(struct fixture *f, uint32_t partition)
{
    struct count count = {0, 0, 0};
    assert_int_equal(f->store->ops->load(f->store, partition, count_run, &count), HOLM_OK);
    return count;
}

static enum holm_status join_batches(void *context, struct holm_bytes batch)
{
    (void)strncat(context, batch.data, batch.size);
    return HOLM_OK;
}

static void expect_journal(struct fixture *f, uint32_t partition, const char *expected)
{
    char text[64] = "";
    assert_int_equal(f->store->ops->journal_load(f->store, partition, join_batches, text), HOLM_OK);
    assert_string_equal(text, expected);
}

static void expect_state(struct fixture *f, uint32_t partition, struct holm_bytes expected)
{
    struct holm_bytes saved = f->store->ops->saved(f->store, partition);
    assert_int_equal(saved.size, expected.size);
    if (saved.size > 0)
        assert_memory_equal(saved.data, expected.data, saved.size);
}

static enum holm_status journal(struct fixture *f, uint32_t partition, const char *text)
{
    return f->store->ops->journal_add(f->store, partition, holm_str(text));
}

static void test_store_lmdb_when_opened_anew_has_what_it_was_given(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    for (uint64_t i = 1; i <= 1000; i++) {
        assert_int_equal(append(&f, 0, i, i % 40), HOLM_OK);
        assert_int_equal(append(&f, 1, i, 1), HOLM_OK);
    }
    assert_int_equal(append(&f, PARTITIONS, 1, 0), HOLM_OK); /* the member list */
    assert_int_equal(journal(&f, 1, "Ada "), HOLM_OK);
    assert_int_equal(journal(&f, 1, "Eva "), HOLM_OK);
    for (int life = 0; life < 3; life++) {
        reopen(&f);
        assert_int_equal(runs(&f, 0).last, 1000);
        assert_int_equal(runs(&f, 1).last, 1000 + (uint64_t)life);
        assert_int_equal(runs(&f, PARTITIONS).last, 1);
        expect_journal(&f, 0, "");
        expect_journal(&f, 1, "Ada Eva ");
        expect_state(&f, 0, holm_mem(NULL, 0));
        assert_int_equal(append(&f, 1, 1001 + (uint64_t)life, 1), HOLM_OK);
    }
    finish(&f);
}

static void test_store_lmdb_when_a_state_is_saved_it_takes_the_place_of_runs(void **state)
{
    (void)state;
    struct fixture f;
    size_t sizes[] = {1, 1 << 20, (1 << 20) + 1, 5000000, 10};
    char *bytes = malloc(5000000);
    assert_non_null(bytes);
    begin(&f);
    for (size_t i = 0; i < 5; i++) {
        memset(bytes, (int)i + 1, sizes[i]);
        bytes[sizes[i] / 2] = 'x';
        uint64_t seq = 10 * (i + 1);
        assert_int_equal(append(&f, 0, seq, 1), HOLM_OK);
        assert_int_equal(append(&f, 1, i + 1, 1), HOLM_OK);
        assert_int_equal(journal(&f, 0, "a"), HOLM_OK);
        assert_int_equal(f.store->ops->save(f.store, 0, holm_mem(bytes, sizes[i])), HOLM_OK);
        assert_int_equal(append(&f, 0, seq + 1, 1), HOLM_OK);
        reopen(&f);
        expect_state(&f, 0, holm_mem(bytes, sizes[i]));
        assert_int_equal(runs(&f, 0).first, seq + 1);
        assert_int_equal(runs(&f, 1).last, i + 1);
        expect_state(&f, 1, holm_mem(NULL, 0));
    }
    expect_journal(&f, 0, "aaaaa");
    free(bytes);
    finish(&f);
}

/* What a later life finds if this one ends now. */
static void expect_found(struct fixture *f, const char *state, uint64_t first, uint64_t last)
{
    struct fixture later = {.store = NULL};
    (void)snprintf(later.directory, sizeof later.directory, "/tmp/holm-store-XXXXXX");
    assert_non_null(mkdtemp(later.directory));
    assert_int_equal(f->store->ops->sync(f->store, LONG_US), HOLM_OK);
    assert_int_equal(holm_store_lmdb_copy(f->store, later.directory), HOLM_OK);
    reopen(&later);
    expect_state(&later, 0, holm_str(state));
    assert_int_equal(runs(&later, 0).first, first);
    assert_int_equal(runs(&later, 0).last, last);
    assert_int_equal(holm_store_lmdb_sizes(later.store, 0).state_bytes, strlen(state));
    expect_journal(&later, 0, "Ada ");
    expect_state(&later, 1, holm_str("other"));
    finish(&later);
}

static void test_store_lmdb_when_a_state_comes_in_pieces_it_counts_once_sealed(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    const struct holm_store_ops *ops = f.store->ops;
    assert_int_equal(journal(&f, 0, "Ada "), HOLM_OK);
    assert_int_equal(ops->save(f.store, 1, holm_str("other")), HOLM_OK);
    assert_int_equal(ops->save(f.store, 0, holm_str("old")), HOLM_OK);
    for (uint64_t i = 1; i <= 3; i++)
        assert_int_equal(append(&f, 0, i, 10), HOLM_OK);
    assert_int_equal(ops->cut(f.store, 0), HOLM_OK);
    expect_found(&f, "old", 1, 3);
    assert_int_equal(append(&f, 0, 4, 10), HOLM_OK);
    assert_int_equal(ops->piece(f.store, 0, holm_str("ne")), HOLM_OK);
    expect_found(&f, "old", 1, 4);
    assert_int_equal(append(&f, 0, 5, 10), HOLM_OK);
    assert_int_equal(ops->piece(f.store, 0, holm_str("w")), HOLM_OK);
    expect_found(&f, "old", 1, 5);
    uint64_t before = holm_store_lmdb_sizes(f.store, 0).run_bytes;
    assert_int_equal(ops->seal(f.store, 0), HOLM_OK);
    expect_found(&f, "new", 4, 5);
    assert_int_equal(holm_store_lmdb_sizes(f.store, 0).run_bytes, before / 5 * 2);
    assert_int_equal(append(&f, 0, 6, 10), HOLM_OK);
    reopen(&f);
    expect_found(&f, "new", 4, 6);
    finish(&f);
}

/* By another cut, by a whole state, by the end of a life. */
static void test_store_lmdb_when_a_cut_is_given_up_nothing_is_left_of_it(void **state)
{
    (void)state;
    static char much[1 << 20];
    struct fixture f;
    struct holm_store_lmdb_facts facts;
    begin(&f);
    assert_int_equal(journal(&f, 0, "Ada "), HOLM_OK);
    assert_int_equal(f.store->ops->save(f.store, 1, holm_str("other")), HOLM_OK);
    for (uint64_t i = 1; i <= 60; i++) {
        assert_int_equal(append(&f, 0, i, 10), HOLM_OK);
        assert_int_equal(f.store->ops->cut(f.store, 0), HOLM_OK);
        assert_int_equal(f.store->ops->piece(f.store, 0, holm_mem(much, sizeof much)), HOLM_OK);
        if (i % 4 == 0)
            reopen(&f);
        else if (i % 7 == 0)
            assert_int_equal(f.store->ops->save(f.store, 0, holm_str("all")), HOLM_OK);
    }
    expect_found(&f, "all", 50, 60);
    holm_store_lmdb_facts(f.store, &facts);
    assert_in_range(facts.file_bytes, 1 << 20, 24 << 20);
    assert_int_equal(f.store->ops->cut(f.store, 0), HOLM_OK);
    assert_int_equal(f.store->ops->piece(f.store, 0, holm_str("last")), HOLM_OK);
    assert_int_equal(f.store->ops->seal(f.store, 0), HOLM_OK);
    expect_found(&f, "last", 0, 0);
    finish(&f);
}

static void begin_with_old(struct fixture *f)
{
    begin(f);
    assert_int_equal(journal(f, 0, "Ada "), HOLM_OK);
    assert_int_equal(f->store->ops->save(f->store, 1, holm_str("other")), HOLM_OK);
    assert_int_equal(f->store->ops->save(f->store, 0, holm_str("old")), HOLM_OK);
    for (uint64_t i = 1; i <= 3; i++)
        assert_int_equal(append(f, 0, i, 10), HOLM_OK);
}

/* As after a sync: what comes behind builds upon what only the state has. */
static void test_store_lmdb_when_runs_await_a_state_they_count_with_it(void **state)
{
    (void)state;
    struct fixture f;
    begin_with_old(&f);
    const struct holm_store_ops *ops = f.store->ops;
    assert_int_equal(ops->await(f.store, 0), HOLM_OK);
    assert_int_equal(append(&f, 0, 4, 10), HOLM_OK);
    expect_found(&f, "old", 1, 3);
    assert_int_equal(ops->cut(f.store, 0), HOLM_OK);
    assert_int_equal(append(&f, 0, 5, 10), HOLM_OK);
    assert_int_equal(ops->piece(f.store, 0, holm_str("new")), HOLM_OK);
    expect_found(&f, "old", 1, 3);
    assert_int_equal(ops->seal(f.store, 0), HOLM_OK);
    expect_found(&f, "new", 5, 5);
    assert_int_equal(append(&f, 0, 6, 10), HOLM_OK);
    reopen(&f);
    expect_found(&f, "new", 5, 6);
    /* Another beside a cut: the seal of that one is no end of it, and a whole state is. */
    ops = f.store->ops;
    assert_int_equal(ops->cut(f.store, 0), HOLM_OK);
    assert_int_equal(append(&f, 0, 7, 10), HOLM_OK);
    assert_int_equal(ops->await(f.store, 0), HOLM_OK);
    assert_int_equal(append(&f, 0, 8, 10), HOLM_OK);
    assert_int_equal(ops->piece(f.store, 0, holm_str("newer")), HOLM_OK);
    assert_int_equal(ops->seal(f.store, 0), HOLM_OK);
    expect_found(&f, "newer", 7, 7);
    assert_int_equal(ops->save(f.store, 0, holm_str("newest")), HOLM_OK);
    assert_int_equal(append(&f, 0, 9, 10), HOLM_OK);
    expect_found(&f, "newest", 9, 9);
    finish(&f);
}

/* What it leaves behind is of no later life: not of the next one, whose runs take its place, and not of those after. */
static void test_store_lmdb_when_a_life_ends_before_the_state_came_the_next_goes_on_from_before(
    void **state)
{
    (void)state;
    struct fixture f;
    begin_with_old(&f);
    for (uint64_t life = 0; life < 4; life++) {
        assert_int_equal(f.store->ops->await(f.store, 0), HOLM_OK);
        for (uint64_t i = 0; i < life; i++)
            assert_int_equal(append(&f, 0, 100 + i, 10), HOLM_OK);
        if (life == 2)
            assert_int_equal(f.store->ops->cut(f.store, 0), HOLM_OK);
        assert_int_equal(append(&f, 0, 100 + life, 10), HOLM_OK);
        reopen(&f);
        assert_int_equal(runs(&f, 0).last, 3 + life);
        assert_int_equal(append(&f, 0, 4 + life, 10), HOLM_OK);
        expect_found(&f, "old", 1, 4 + life);
    }
    uint64_t bytes = holm_store_lmdb_sizes(f.store, 0).run_bytes;
    reopen(&f);
    expect_found(&f, "old", 1, 7);
    assert_int_equal(holm_store_lmdb_sizes(f.store, 0).run_bytes, bytes);
    finish(&f);
}

/* All that a life left may be what says so; what the next one tries in vain, since the file has to grow, is tried again. */
static void test_store_lmdb_when_a_life_ends_with_nothing_but_an_awaited_state_the_next_counts(
    void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    assert_int_equal(f.store->ops->await(f.store, 0), HOLM_OK);
    f.store->ops->close(f.store);
    struct holm_store_lmdb_config config = config_of(f.directory);
    config.map_bytes = 1 << 16;
    assert_int_equal(holm_store_lmdb_open(&config, &f.store), HOLM_OK);
    for (uint64_t i = 1; i <= 4; i++)
        assert_int_equal(append(&f, 0, i, 1000000), HOLM_OK);
    reopen(&f);
    struct count count = runs(&f, 0);
    assert_int_equal(count.first, 1);
    assert_int_equal(count.last, 4);
    finish(&f);
}

/* While the disk is far behind, pieces wait and runs do not. */
static void test_store_lmdb_when_the_disk_is_behind_pieces_wait(void **state)
{
    (void)state;
    static char much[1 << 20];
    struct fixture f;
    enum holm_status status = HOLM_OK;
    int given = 0;
    begin(&f);
    assert_int_equal(f.store->ops->cut(f.store, 0), HOLM_OK);
    assert_int_equal(f.store->ops->begin(f.store), HOLM_OK); /* the writer waits */
    for (; status == HOLM_OK && given < 100; given += status == HOLM_OK ? 1 : 0)
        status = f.store->ops->piece(f.store, 0, holm_mem(much, sizeof much));
    assert_int_equal(status, HOLM_EBUSY);
    assert_in_range(given, 2, 20);
    assert_int_equal(append(&f, 0, 1, 10), HOLM_OK);
    assert_int_equal(f.store->ops->end(f.store, true), HOLM_OK);
    assert_int_equal(f.store->ops->piece(f.store, 0, holm_str("x")), HOLM_OK);
    assert_int_equal(f.store->ops->seal(f.store, 0), HOLM_OK);
    reopen(&f);
    assert_int_equal(f.store->ops->saved(f.store, 0).size, (size_t)given * sizeof much + 1);
    assert_int_equal(runs(&f, 0).last, 1);
    finish(&f);
}

static void test_store_lmdb_when_it_ends_badly_is_as_before_it_began(void **state)
{
    (void)state;
    for (int whole = 0; whole < 2; whole++) {
        struct fixture f;
        begin(&f);
        assert_int_equal(append(&f, 0, 1, 1), HOLM_OK);
        assert_int_equal(journal(&f, 0, "a"), HOLM_OK);
        assert_int_equal(f.store->ops->begin(f.store), HOLM_OK);
        assert_int_equal(f.store->ops->save(f.store, 0, holm_str("state")), HOLM_OK);
        assert_int_equal(append(&f, 0, 2, 1), HOLM_OK);
        assert_int_equal(append(&f, 1, 1, 1), HOLM_OK);
        assert_int_equal(f.store->ops->journal_clear(f.store, 0), HOLM_OK);
        assert_int_equal(f.store->ops->sync(f.store, 1000), HOLM_ETIMEDOUT); /* none ends within */
        assert_int_equal(f.store->ops->end(f.store, whole != 0), whole ? HOLM_OK : HOLM_EIO);
        assert_int_equal(append(&f, 0, 3, 1), whole ? HOLM_OK : HOLM_EIO);
        reopen(&f);
        assert_int_equal(runs(&f, 0).last, whole ? 3 : 1);
        assert_int_equal(runs(&f, 1).last, whole ? 1 : 0);
        expect_journal(&f, 0, whole ? "" : "a");
        expect_state(&f, 0, whole ? holm_str("state") : holm_mem(NULL, 0));
        finish(&f);
    }
}

static void test_store_lmdb_when_an_epoch_is_raised_keeps_it(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    assert_int_equal(f.store->ops->epoch(f.store).value, 0);
    assert_int_equal(f.store->ops->epoch_raise(f.store, (struct holm_epoch){77}), HOLM_OK);
    assert_int_equal(f.store->ops->epoch(f.store).value, 77);
    reopen(&f);
    assert_int_equal(f.store->ops->epoch(f.store).value, 77);
    finish(&f);
}

/* The map begins small, and doubles; what was read before stays readable. */
static void test_store_lmdb_when_the_map_is_full_grows(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    f.store->ops->close(f.store);
    struct holm_store_lmdb_config config = config_of(f.directory);
    config.map_bytes = 1 << 16;
    config.queue_bytes_max = 1 << 20;
    assert_int_equal(holm_store_lmdb_open(&config, &f.store), HOLM_OK);
    for (uint64_t i = 1; i <= 200; i++)
        assert_int_equal(append(&f, 0, i, 100000), HOLM_OK);
    assert_true(f.store->ops->bulky(f.store, 0));
    assert_int_equal(f.store->ops->sync(f.store, LONG_US), HOLM_OK);
    assert_int_equal(runs(&f, 0).bytes, 20000000);
    reopen(&f);
    assert_int_equal(runs(&f, 0).bytes, 20000000);
    assert_true(f.store->ops->bulky(f.store, 0));
    assert_false(f.store->ops->bulky(f.store, 1));
    finish(&f);
}

/* ENOSPC and its like. What was there is, and can be read meanwhile. */
static void test_store_lmdb_when_the_disk_is_full_says_so_and_can_be_read(void **state)
{
    (void)state;
    struct fixture f;
    struct rlimit before, small;
    begin(&f);
    assert_int_equal(append(&f, 0, 1, 100), HOLM_OK);
    assert_int_equal(f.store->ops->sync(f.store, LONG_US), HOLM_OK);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = (struct rlimit){1 << 18, before.rlim_max};
    assert_true(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    assert_int_equal(append(&f, 0, 2, 1 << 20), HOLM_OK); /* it is in the queue */
    assert_int_equal(f.store->ops->sync(f.store, LONG_US), HOLM_EIO);
    assert_int_equal(append(&f, 0, 3, 1), HOLM_EIO);
    assert_int_equal(f.store->ops->begin(f.store), HOLM_EIO);
    assert_int_equal(f.store->ops->epoch_raise(f.store, (struct holm_epoch){5}), HOLM_EIO);
    assert_int_equal(runs(&f, 0).last, 1);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(append(&f, 0, 3, 1), HOLM_EIO);
    reopen(&f);
    assert_int_equal(runs(&f, 0).last, 1);
    assert_int_equal(append(&f, 0, 2, 1), HOLM_OK);
    reopen(&f);
    assert_int_equal(runs(&f, 0).last, 2);
    finish(&f);
}

static void test_store_lmdb_when_it_is_anothers_is_refused(void **state)
{
    (void)state;
    struct fixture f;
    struct holm_store *second;
    begin(&f);
    struct holm_store_lmdb_config config = config_of(f.directory);
    assert_int_equal(holm_store_lmdb_open(&config, &second), HOLM_EBUSY);
    f.store->ops->close(f.store);
    f.store = NULL;
    for (int i = 0; i < 4; i++) {
        config = config_of(f.directory);
        config.node.value += i == 0;
        config.cluster += i == 1;
        config.partitions += i == 2;
        config.retention = i == 3 ? HOLM_RETENTION_FOREVER : config.retention;
        assert_int_equal(holm_store_lmdb_open(&config, &second), HOLM_ECLUSTER);
        assert_null(second);
    }
    reopen(&f);
    finish(&f);
}

/* Also while it is written. */
static void test_store_lmdb_when_copied_is_as_it_was(void **state)
{
    (void)state;
    struct fixture f, g;
    begin(&f);
    memset(&g, 0, sizeof g);
    (void)snprintf(g.directory, sizeof g.directory, "%.50s-copy", f.directory);
    for (uint64_t i = 1; i <= 100; i++)
        assert_int_equal(append(&f, 0, i, 100), HOLM_OK);
    assert_int_equal(f.store->ops->sync(f.store, LONG_US), HOLM_OK);
    struct holm_store_lmdb_config config = config_of(f.directory);
    struct holm_store *look;
    config.reading = true;
    assert_int_equal(holm_store_lmdb_copy(f.store, g.directory), HOLM_OK);
    assert_int_equal(holm_store_lmdb_copy(f.store, g.directory), HOLM_EBUSY);
    assert_int_equal(append(&f, 0, 101, 1), HOLM_OK);
    reopen(&g);
    assert_int_equal(runs(&g, 0).last, 100);
    finish(&g);
    config.directory = "/tmp/holm-store-none";
    assert_int_equal(holm_store_lmdb_open(&config, &look), HOLM_ENOENT);
    finish(&f);
}

static void hear(void *context, int level, const char *line)
{
    (void)level;
    (void)snprintf(context, LINE_BYTES, "%s", line);
}

/* The disk of the copy is full, not the store's: there is nothing to restart. */
static void test_store_lmdb_when_a_copy_has_no_room_then_it_says_to_copy_again(void **state)
{
    struct fixture f;
    struct rlimit before, small;
    struct holm_store *look;
    char line[LINE_BYTES] = "", copy[96];
    (void)state;
    begin(&f);
    assert_int_equal(append(&f, 0, 1, 1 << 20), HOLM_OK);
    assert_int_equal(f.store->ops->sync(f.store, LONG_US), HOLM_OK);
    struct holm_store_lmdb_config config = config_of(f.directory);
    config.reading = true;
    config.log = (struct holm_log){.level = HOLM_LOG_ERROR, .write = hear, .context = line};
    assert_int_equal(holm_store_lmdb_open(&config, &look), HOLM_OK);
    (void)snprintf(copy, sizeof copy, "%.50s-copy", f.directory);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = (struct rlimit){1 << 18, before.rlim_max};
    assert_true(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    assert_int_equal(holm_store_lmdb_copy(look, copy), HOLM_EIO);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_non_null(strstr(line, "make room there, and copy again"));
    look->ops->close(look);
    remove_directory(copy);
    finish(&f);
}

/* A process of its own that looks, and is killed while it does. */
static void look_and_die(const struct fixture *f)
{
    struct holm_store_lmdb_config config = config_of(f->directory);
    struct holm_store *look;
    int status;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        config.reading = true;
        if (holm_store_lmdb_open(&config, &look) == HOLM_OK)
            (void)kill(getpid(), SIGKILL);
        _exit(1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

/* It would keep every page from being used again that was freed since: 30 MiB of these states. */
static void test_store_lmdb_when_who_looked_was_killed_then_its_pages_are_used_again(void **state)
{
    static char image[1 << 19];
    struct fixture f;
    struct stat file;
    char name[128];
    (void)state;
    begin(&f);
    for (int i = 0; i < 64; i++) {
        memset(image, 'a' + i % 26, sizeof image);
        assert_int_equal(f.store->ops->save(f.store, 0, holm_mem(image, sizeof image)), HOLM_OK);
        assert_int_equal(f.store->ops->sync(f.store, LONG_US), HOLM_OK);
        if (i == 3)
            look_and_die(&f);
    }
    (void)snprintf(name, sizeof name, "%s/data.mdb", f.directory);
    assert_int_equal(stat(name, &file), 0);
    assert_true(file.st_size < 4 * MIB);
    finish(&f);
}

/* A bit that has turned is found before anything is believed. */
static void test_store_lmdb_when_a_record_is_damaged_says_so(void **state)
{
    (void)state;
    struct fixture f;
    char path[96];
    struct count count = {0, 0, 0};
    begin(&f);
    assert_int_equal(append(&f, 0, 1, 64), HOLM_OK);
    f.store->ops->close(f.store);
    f.store = NULL;
    (void)snprintf(path, sizeof path, "%s/data.mdb", f.directory);
    FILE *file = fopen(path, "r+b");
    assert_non_null(file);
    static char bytes[1 << 20];
    size_t size = fread(bytes, 1, sizeof bytes, file), turned = 0;
    for (size_t i = 0; i + 64 < size; i++) {
        if (memcmp(bytes + i, "bbbbbbbbbbbbbbbb", 16) != 0)
            continue;
        assert_int_equal(fseek(file, (long)i, SEEK_SET), 0);
        assert_int_equal(fputc('c', file), 'c');
        turned++;
        i += 64;
    }
    assert_int_equal(fclose(file), 0);
    assert_true(turned > 0);
    reopen(&f);
    assert_int_equal(f.store->ops->load(f.store, 0, count_run, &count), HOLM_EMALFORMED);
    assert_int_equal(count.last, 0);
    finish(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_store_lmdb_when_opened_anew_has_what_it_was_given),
        cmocka_unit_test(test_store_lmdb_when_a_state_is_saved_it_takes_the_place_of_runs),
        cmocka_unit_test(test_store_lmdb_when_a_state_comes_in_pieces_it_counts_once_sealed),
        cmocka_unit_test(test_store_lmdb_when_a_cut_is_given_up_nothing_is_left_of_it),
        cmocka_unit_test(test_store_lmdb_when_runs_await_a_state_they_count_with_it),
        cmocka_unit_test(
            test_store_lmdb_when_a_life_ends_before_the_state_came_the_next_goes_on_from_before),
        cmocka_unit_test(
            test_store_lmdb_when_a_life_ends_with_nothing_but_an_awaited_state_the_next_counts),
        cmocka_unit_test(test_store_lmdb_when_the_disk_is_behind_pieces_wait),
        cmocka_unit_test(test_store_lmdb_when_it_ends_badly_is_as_before_it_began),
        cmocka_unit_test(test_store_lmdb_when_an_epoch_is_raised_keeps_it),
        cmocka_unit_test(test_store_lmdb_when_the_map_is_full_grows),
        cmocka_unit_test(test_store_lmdb_when_the_disk_is_full_says_so_and_can_be_read),
        cmocka_unit_test(test_store_lmdb_when_it_is_anothers_is_refused),
        cmocka_unit_test(test_store_lmdb_when_copied_is_as_it_was),
        cmocka_unit_test(test_store_lmdb_when_a_copy_has_no_room_then_it_says_to_copy_again),
        cmocka_unit_test(test_store_lmdb_when_who_looked_was_killed_then_its_pages_are_used_again),
        cmocka_unit_test(test_store_lmdb_when_a_record_is_damaged_says_so),
    };
    return cmocka_run_group_tests_name("store_lmdb", tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Snapshots: they come back whole, or not at all. N1 to N3 of proto/snapshot.h; T23, T24 as far as
 * bytes go, T28, T30.
 */
#include "proto/snapshot.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "proto/snapshot_part.h"
#include "tests/model/heap.h"
#include "tests/unit/snapshots.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define OPS 8

static const struct holm_now now = {1000000, 1700000000000};

/* A replica with something of everything, and its snapshot. */
struct world {
    struct heap heap;
    struct holm_replica_config config; /* what snapshots are loaded with */
    struct holm_replica *replica;
    struct snapshot_bytes bytes;
};

static struct holm_replica *make(struct world *world, uint64_t node)
{
    struct holm_replica_config config = world->config;
    struct holm_replica *replica = NULL;
    config.self.node.value = node;
    assert_int_equal(holm_replica_new(&config, &replica), HOLM_OK);
    return replica;
}

static void commit(struct holm_replica *replica, const struct holm_op *ops, size_t count)
{
    const struct holm_work *work = NULL;
    struct holm_event event = {.type = HOLM_EVENT_COMMIT};
    event.as.commit.ops = ops;
    event.as.commit.count = count;
    assert_int_equal(holm_replica_step(replica, &event, now, &work), HOLM_OK);
}

/* Every kind, a ghost and a tombstone. */
static void fill(struct holm_replica *replica, const char *own)
{
    const struct holm_bytes f = holm_str("f");
    const struct holm_op first[OPS] = {
        holm_op_put(holm_str("shared"), f, holm_text(own)),
        holm_op_put(holm_str(own), holm_mem(NULL, 0), holm_double(0.5)),
        holm_op_add(holm_str("count"), f, 7),
        holm_op_add(holm_str("reset"), f, 9),
        holm_op_insert(holm_str("set"), f, holm_str(own)),
        holm_op_enable(holm_str("flag"), f),
        holm_op_raise(holm_str("max"), f, holm_i64(4)),
        holm_op_put(holm_str("dead"), f, holm_bool(true)),
    };
    const struct holm_op then[] = {holm_op_reset(holm_str("reset"), f),
                                   holm_op_bury(holm_str("dead"))};
    commit(replica, first, OPS);
    commit(replica, then, COUNT(then));
}

static void merge(struct holm_replica *from, struct holm_replica *to)
{
    const struct holm_work *work = NULL;
    const struct holm_page *pages[64];
    struct holm_cut *cut = NULL;
    assert_int_equal(holm_cut_open(from, now, &work, &cut), HOLM_OK);
    size_t count = holm_cut_page_count(cut);
    assert_in_range(count, 1, COUNT(pages));
    for (size_t i = 0; i < count; i++)
        pages[i] = holm_cut_page(cut, i);
    assert_int_equal(holm_replica_load_collected(to, holm_cut_vector(cut), holm_cut_collected(cut),
                                                 pages, count, now, &work),
                     HOLM_OK);
    holm_cut_close(cut);
}

static void world_open(struct world *world)
{
    memset(world, 0, sizeof *world);
    world->config = holm_replica_config_default();
    world->config.allocator = heap_allocator(&world->heap);
    world->config.partition = 5;
    world->config.digest_seed = 77;
    world->config.self = (struct holm_actor){{9}, {1}};
    world->config.retention = HOLM_RETENTION_STABLE;
    world->config.page_items_max = 4;
    world->replica = make(world, 1);
    struct holm_replica *other = make(world, 2);
    fill(world->replica, "a");
    fill(other, "b");
    merge(other, world->replica);
    holm_replica_free(other);
    assert_int_equal(snapshot_take(&world->config, world->replica, &world->bytes), HOLM_OK);
}

static void world_close(struct world *world)
{
    holm_replica_free(world->replica);
    snapshot_bytes_free(&world->bytes);
    assert_int_equal(world->heap.blocks, 0);
}

/* Loads bytes from a block of their own size. */
static enum holm_status load(struct world *world, const unsigned char *bytes, size_t size,
                             struct holm_replica **replica)
{
    unsigned char *exact = malloc(size > 0 ? size : 1);
    assert_non_null(exact);
    memcpy(exact, bytes, size);
    enum holm_status status = holm_snapshot_load(&world->config, holm_mem(exact, size), now,
                                                 replica);
    assert_true((status == HOLM_OK) == (*replica != NULL));
    free(exact);
    return status;
}

/* That these bytes are refused so, and leave nothing behind. */
static void assert_refused(struct world *world, const unsigned char *bytes, size_t size,
                           enum holm_status status)
{
    struct holm_replica *replica = NULL;
    uint64_t blocks = world->heap.blocks;
    assert_int_equal(load(world, bytes, size, &replica), status);
    assert_int_equal(world->heap.blocks, blocks);
}

static void assert_same(const struct holm_replica *a, const struct holm_replica *b)
{
    const char *why = snapshot_differ(a, b);
    if (why != NULL)
        fail_msg("%s differ", why);
}

/* ---- round trips --------------------------------------------------------------------------- */

static void test_snapshot_when_loaded_then_it_is_the_state_that_was_written(void **state)
{
    struct world world;
    struct snapshot_bytes again = {.size = 0};
    struct holm_replica *loaded = NULL;
    struct holm_replica *twice = NULL;
    world_open(&world);
    assert_int_equal(load(&world, world.bytes.data, world.bytes.size, &loaded), HOLM_OK);
    holm_replica_check(loaded);
    assert_same(world.replica, loaded);
    assert_true(holm_replica_buried(loaded, holm_str("dead")));
    int64_t sum = 0;
    assert_int_equal(holm_replica_count(loaded, holm_str("count"), holm_str("f"), &sum), HOLM_OK);
    assert_int_equal(sum, 14);
    assert_int_equal(snapshot_take(&world.config, loaded, &again), HOLM_OK);
    assert_int_equal(load(&world, again.data, again.size, &twice), HOLM_OK);
    assert_same(world.replica, twice);
    snapshot_bytes_free(&again);
    holm_replica_free(loaded);
    holm_replica_free(twice);
    world_close(&world);
}

/* Collects all that a replica has. */
static void collect(struct holm_replica *replica)
{
    const struct holm_work *work = NULL;
    struct holm_dot entries[4];
    size_t count = holm_replica_vector(replica, entries, COUNT(entries));
    assert_in_range(count, 1, COUNT(entries));
    assert_int_equal(
        holm_replica_collect(replica, (struct holm_vector_view){entries, count}, now, &work),
        HOLM_OK);
}

/* T18: what was collected stays away from a replica that comes back from its store. */
static void test_snapshot_when_tombstones_were_collected_then_they_stay_away(void **state)
{
    struct world world;
    struct snapshot_bytes bytes = {.size = 0};
    struct holm_replica *loaded = NULL;
    struct holm_replica *older = NULL;
    struct holm_replica_stats stats;
    world_open(&world);
    assert_int_equal(load(&world, world.bytes.data, world.bytes.size, &older), HOLM_OK);
    assert_true(holm_replica_buried(older, holm_str("dead")));
    collect(world.replica);
    assert_int_equal(snapshot_take(&world.config, world.replica, &bytes), HOLM_OK);
    assert_int_equal(load(&world, bytes.data, bytes.size, &loaded), HOLM_OK);
    assert_int_equal(holm_replica_collected(loaded).count, 2);
    assert_same(world.replica, loaded);
    merge(older, loaded);
    holm_replica_stats(loaded, &stats);
    assert_int_equal(stats.tombstones, 0);
    assert_same(world.replica, loaded);
    /* Who has all, and holds them still, lets go. */
    merge(loaded, older);
    assert_same(loaded, older);
    world.config.retention = HOLM_RETENTION_FOREVER;
    assert_refused(&world, bytes.data, bytes.size, HOLM_ECLUSTER);
    snapshot_bytes_free(&bytes);
    holm_replica_free(loaded);
    holm_replica_free(older);
    world_close(&world);
}

static void test_snapshot_when_nothing_was_written_then_nothing_comes_back(void **state)
{
    struct world world;
    struct snapshot_bytes bytes = {.size = 0};
    struct holm_replica *loaded = NULL;
    world_open(&world);
    struct holm_replica *empty = make(&world, 3);
    assert_int_equal(snapshot_take(&world.config, empty, &bytes), HOLM_OK);
    assert_int_equal(load(&world, bytes.data, bytes.size, &loaded), HOLM_OK);
    assert_same(empty, loaded);
    assert_int_equal(holm_replica_vector(loaded, NULL, 0), 0);
    snapshot_bytes_free(&bytes);
    holm_replica_free(empty);
    holm_replica_free(loaded);
    world_close(&world);
}

/* ---- damage -------------------------------------------------------------------------------- */

static void test_snapshot_when_a_byte_is_changed_then_it_is_refused(void **state)
{
    struct world world;
    world_open(&world);
    for (size_t at = 0; at < world.bytes.size; at++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            world.bytes.data[at] ^= (unsigned char)(1u << bit);
            assert_refused(&world, world.bytes.data, world.bytes.size, HOLM_EMALFORMED);
            world.bytes.data[at] ^= (unsigned char)(1u << bit);
        }
    }
    world_close(&world);
}

static void test_snapshot_when_it_is_cut_off_then_it_is_refused(void **state)
{
    struct world world;
    world_open(&world);
    for (size_t size = 0; size < world.bytes.size; size++)
        assert_refused(&world, world.bytes.data, size, HOLM_EMALFORMED);
    struct snapshot_bytes longer = {.size = 0};
    longer.data = malloc(world.bytes.size + 1);
    assert_non_null(longer.data);
    memcpy(longer.data, world.bytes.data, world.bytes.size);
    longer.data[world.bytes.size] = 0;
    assert_refused(&world, longer.data, world.bytes.size + 1, HOLM_EMALFORMED);
    free(longer.data);
    world_close(&world);
}

/* Where the n-th part begins, from 0. */
static size_t part_at(const struct snapshot_bytes *bytes, size_t n)
{
    size_t at = HOLM_SNAPSHOT_MAGIC_BYTES;
    for (; n > 0; n--)
        at += HOLM_SNAPSHOT_PREFIX_BYTES + HOLM_SNAPSHOT_CHECK_BYTES +
              holm_snapshot_prefix_read(bytes->data + at).size;
    return at;
}

/* A page that was left out, with and without checks that know of it. */
static void test_snapshot_when_a_page_is_missing_then_it_is_refused(void **state)
{
    struct world world;
    world_open(&world);
    size_t at = part_at(&world.bytes, 2);
    size_t next = part_at(&world.bytes, 3);
    memmove(world.bytes.data + at, world.bytes.data + next, world.bytes.size - next);
    world.bytes.size -= next - at;
    assert_refused(&world, world.bytes.data, world.bytes.size, HOLM_EMALFORMED);
    snapshot_mend(world.bytes.data, world.bytes.size);
    assert_refused(&world, world.bytes.data, world.bytes.size, HOLM_EMALFORMED);
    world_close(&world);
}

/* Each part is whole, and its check is its own: it is their order that no check knows. */
static void test_snapshot_when_pages_are_swapped_then_it_is_refused(void **state)
{
    struct world world;
    world_open(&world);
    size_t first = part_at(&world.bytes, 1);
    size_t second = part_at(&world.bytes, 2);
    size_t end = part_at(&world.bytes, 3);
    unsigned char *swapped = malloc(world.bytes.size);
    assert_non_null(swapped);
    memcpy(swapped, world.bytes.data, world.bytes.size);
    memcpy(swapped + first, world.bytes.data + second, end - second);
    memcpy(swapped + first + (end - second), world.bytes.data + first, second - first);
    assert_refused(&world, swapped, world.bytes.size, HOLM_EMALFORMED);
    free(swapped);
    world_close(&world);
}

/* ---- what is not for this replica ---------------------------------------------------------- */

static void of_partition(struct holm_replica_config *config)
{
    config->partition += 1;
}

static void of_cluster(struct holm_replica_config *config)
{
    config->digest_seed += 1;
}

static void of_small_pages(struct holm_replica_config *config)
{
    config->frame_bytes_max = 64;
}

static void of_small_syncs(struct holm_replica_config *config)
{
    config->sync_bytes_max = 64;
}

static void of_few_actors(struct holm_replica_config *config)
{
    config->actors_max = 0; /* and one, who may be its former life; two have written */
}

static void test_snapshot_when_it_is_anothers_then_it_is_refused(void **state)
{
    static const struct {
        void (*change)(struct holm_replica_config *config);
        enum holm_status status;
    } cases[] = {
        {of_partition, HOLM_ECLUSTER},  {of_cluster, HOLM_ECLUSTER},
        {of_small_pages, HOLM_ETOOBIG}, {of_small_syncs, HOLM_ETOOBIG},
        {of_few_actors, HOLM_ELIMIT},
    };
    struct world world;
    world_open(&world);
    struct holm_replica_config kept = world.config;
    for (size_t i = 0; i < COUNT(cases); i++) {
        cases[i].change(&world.config);
        assert_refused(&world, world.bytes.data, world.bytes.size, cases[i].status);
        world.config = kept;
    }
    world_close(&world);
}

/* The own actor never wrote before: what says that it did is a lie, or a mistake of the host. */
static void test_snapshot_when_the_own_actor_wrote_it_then_it_is_refused(void **state)
{
    struct world world;
    world_open(&world);
    world.config.self.node.value = 1;
    assert_refused(&world, world.bytes.data, world.bytes.size, HOLM_EDUPLICATE);
    world_close(&world);
}

/* Puts bytes behind a part's, with everything else made to fit. */
static void widen(struct snapshot_bytes *bytes, size_t part, const char *more, size_t size)
{
    size_t at = part_at(bytes, part);
    struct holm_snapshot_prefix prefix = holm_snapshot_prefix_read(bytes->data + at);
    size_t end = at + HOLM_SNAPSHOT_PREFIX_BYTES + prefix.size;
    bytes->data = realloc(bytes->data, bytes->size + size);
    assert_non_null(bytes->data);
    memmove(bytes->data + end + size, bytes->data + end, bytes->size - end);
    memcpy(bytes->data + end, more, size);
    bytes->size += size;
    prefix.size += (uint32_t)size;
    holm_snapshot_prefix_write(prefix, bytes->data + at);
    snapshot_mend(bytes->data, bytes->size);
}

/* S of what is not there, without a seq, or with a fold behind an epoch. */
static void test_snapshot_when_s_cannot_be_then_it_is_refused(void **state)
{
#define NODE_1 "\x0a\x08\x01\0\0\0\0\0\0\0"
    static const struct {
        const char *s;
        size_t size;
    } cases[] = {
        {"\x22\x10" NODE_1 "\x1a\x01\x01\x22\x01\x7f", 18},
        {"\x22\x10" NODE_1 "\x1a\x01\x01\x22\x01\x00", 18},
        {"\x22\x1e" NODE_1 "\x12\x01\x01\x1a\x02\x01\x01"
         "\x22\x0b\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
         32},
    };
#undef NODE_1
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct world world;
        world_open(&world);
        widen(&world.bytes, 0, cases[i].s, cases[i].size);
        assert_refused(&world, world.bytes.data, world.bytes.size, HOLM_EMALFORMED);
        world_close(&world);
    }
}

/* T28: what a newer build wrote is refused as a whole, not loaded in part. */
static void test_snapshot_when_it_is_newer_then_it_is_refused(void **state)
{
    static const struct {
        size_t part;
        const char *more;
        size_t size;
    } cases[] = {
        {0, "\x08\x01", 2},         /* the head's version: 2 is needed to read it */
        {0, "\x78\x01", 2},         /* a field with the number 15 */
        {1, "\xa0\x06\x05", 3},     /* a column with the number 100 */
        {1, "\xa2\x06\x01\x05", 4}, /* the same with a size */
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct world world;
        world_open(&world);
        widen(&world.bytes, cases[i].part, cases[i].more, cases[i].size);
        assert_refused(&world, world.bytes.data, world.bytes.size, HOLM_EVERSION);
        world_close(&world);
    }
    struct world world;
    world_open(&world);
    world.bytes.data[part_at(&world.bytes, 1)] = HOLM_SNAPSHOT_FOOT + 1;
    snapshot_mend(world.bytes.data, world.bytes.size);
    assert_refused(&world, world.bytes.data, world.bytes.size, HOLM_EVERSION);
    world.bytes.data[part_at(&world.bytes, 1)] = HOLM_SNAPSHOT_HEAD;
    snapshot_mend(world.bytes.data, world.bytes.size);
    assert_refused(&world, world.bytes.data, world.bytes.size, HOLM_EMALFORMED);
    world_close(&world);
}

/* ---- memory, and what a sink says ---------------------------------------------------------- */

static void test_snapshot_when_any_allocation_fails_then_nothing_is_left(void **state)
{
    struct world world;
    struct holm_replica *loaded = NULL;
    enum holm_status status = HOLM_ENOMEM;
    world_open(&world);
    uint64_t blocks = world.heap.blocks;
    for (uint64_t n = 1; status == HOLM_ENOMEM; n++) {
        world.heap.calls = 0;
        world.heap.fail_at = n;
        status = load(&world, world.bytes.data, world.bytes.size, &loaded);
        assert_true(status == HOLM_ENOMEM || (status == HOLM_OK && n > 10));
        assert_true(loaded != NULL || world.heap.blocks == blocks);
    }
    holm_replica_free(loaded);
    status = HOLM_ENOMEM;
    for (uint64_t n = 1; status == HOLM_ENOMEM; n++) {
        struct snapshot_bytes bytes = {.size = 0};
        world.heap.calls = 0;
        world.heap.fail_at = n;
        status = snapshot_take(&world.config, world.replica, &bytes);
        assert_true(status == HOLM_ENOMEM || (status == HOLM_OK && n > 5));
        snapshot_bytes_free(&bytes);
    }
    world.heap.fail_at = 0;
    world_close(&world);
}

static void test_snapshot_when_the_sink_refuses_then_writing_ends(void **state)
{
    struct world world;
    world_open(&world);
    for (size_t size = 1; size < world.bytes.size; size += 7) {
        struct snapshot_bytes bytes = {.fail_at = size};
        assert_int_equal(snapshot_take(&world.config, world.replica, &bytes), HOLM_EIO);
        assert_true(bytes.size <= size);
        snapshot_bytes_free(&bytes);
    }
    world_close(&world);
}

static int write_corpus(const char *path)
{
    struct world world;
    world_open(&world);
    FILE *file = fopen(path, "wb");
    int failed = file == NULL ||
                 fwrite(world.bytes.data, 1, world.bytes.size, file) != world.bytes.size;
    if (file != NULL)
        failed |= fclose(file) != 0;
    world_close(&world);
    return failed;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_snapshot_when_loaded_then_it_is_the_state_that_was_written),
        cmocka_unit_test(test_snapshot_when_tombstones_were_collected_then_they_stay_away),
        cmocka_unit_test(test_snapshot_when_s_cannot_be_then_it_is_refused),
        cmocka_unit_test(test_snapshot_when_nothing_was_written_then_nothing_comes_back),
        cmocka_unit_test(test_snapshot_when_a_byte_is_changed_then_it_is_refused),
        cmocka_unit_test(test_snapshot_when_it_is_cut_off_then_it_is_refused),
        cmocka_unit_test(test_snapshot_when_a_page_is_missing_then_it_is_refused),
        cmocka_unit_test(test_snapshot_when_pages_are_swapped_then_it_is_refused),
        cmocka_unit_test(test_snapshot_when_it_is_anothers_then_it_is_refused),
        cmocka_unit_test(test_snapshot_when_the_own_actor_wrote_it_then_it_is_refused),
        cmocka_unit_test(test_snapshot_when_it_is_newer_then_it_is_refused),
        cmocka_unit_test(test_snapshot_when_any_allocation_fails_then_nothing_is_left),
        cmocka_unit_test(test_snapshot_when_the_sink_refuses_then_writing_ends),
    };
    if (argc == 3 && strcmp(argv[1], "--corpus") == 0)
        return write_corpus(argv[2]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

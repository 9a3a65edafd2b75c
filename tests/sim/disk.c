/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "sim/world/disk.h"
#include "transport/transport.h"

#define RUNS 20

static struct holm_delta *make_run(uint64_t seq)
{
    struct holm_allocator allocator = holm_transport_config_default().allocator;
    struct holm_fill_sizes sizes = {.actors = 1, .items = 1, .bytes = 16};
    struct holm_delta *delta;
    struct holm_fill fill;
    assert_int_equal(holm_delta_new(&allocator, &sizes, &delta, &fill), HOLM_OK);
    delta->actor = fill.actors[0] = (struct holm_actor){{1}, {2}};
    delta->first = delta->last = seq;
    fill.items[0] = (struct holm_item){.op = HOLM_ITEM_PUT, .kind = HOLM_REGISTER, .seq = seq};
    fill.items[0].key = holm_fill_bytes(&fill, holm_str("key"));
    fill.items[0].value = holm_i64((int64_t)seq);
    return delta;
}

static enum holm_status append(struct holm_store *store, uint64_t seq)
{
    struct holm_delta *delta = make_run(seq);
    enum holm_status status = store->ops->append(store, 0, &delta, 1);
    holm_delta_release(delta);
    return status;
}

static enum holm_status count_run(void *context, struct holm_delta *delta)
{
    uint64_t *count = context;
    assert_int_equal(delta->first, *count + 1);
    assert_int_equal(delta->items.items[0].value.as.i64, (int64_t)delta->first);
    ++*count;
    return HOLM_OK;
}

/* How many runs are there, from the first on without a hole. */
static uint64_t stored(struct holm_disk *disk)
{
    uint64_t count = 0;
    struct holm_store *store = holm_disk_open(disk);
    assert_int_equal(store->ops->load(store, 0, count_run, &count), HOLM_OK);
    store->ops->close(store);
    return count;
}

/* T24 */
static void test_disk_when_power_is_lost_keeps_a_prefix_with_all_that_was_synced(void **state)
{
    for (uint64_t random = 0; random < 3000; random += 7) {
        struct holm_disk *disk = holm_disk_new(1);
        holm_disk_set_lazy(disk, 8);
        struct holm_store *store = holm_disk_open(disk);
        for (uint64_t i = 1; i <= RUNS; i++)
            assert_int_equal(append(store, i), HOLM_OK);
        store->ops->close(store);
        holm_disk_crash(disk, random);
        uint64_t count = stored(disk);
        assert_in_range(count, 16, RUNS);
        /* What was torn is written over by the next life. */
        store = holm_disk_open(disk);
        assert_int_equal(append(store, count + 1), HOLM_OK);
        store->ops->close(store);
        assert_int_equal(stored(disk), count + 1);
        holm_disk_free(disk);
    }
}

static void test_disk_when_durable_loses_nothing(void **state)
{
    struct holm_disk *disk = holm_disk_new(1);
    struct holm_store *store = holm_disk_open(disk);
    for (uint64_t i = 1; i <= RUNS; i++)
        assert_int_equal(append(store, i), HOLM_OK);
    store->ops->close(store);
    holm_disk_crash(disk, 12345);
    assert_int_equal(stored(disk), RUNS);
    holm_disk_wipe(disk);
    assert_int_equal(stored(disk), 0);
    holm_disk_free(disk);
}

static void test_disk_when_it_fails_stays_failed_until_opened_anew(void **state)
{
    static const enum holm_disk_fault faults[] = {HOLM_DISK_FULL, HOLM_DISK_EIO};
    for (size_t i = 0; i < 2; i++) {
        struct holm_disk *disk = holm_disk_new(1);
        struct holm_store *store = holm_disk_open(disk);
        assert_int_equal(append(store, 1), HOLM_OK);
        holm_disk_set_fault(disk, faults[i]);
        assert_int_equal(append(store, 2), HOLM_EIO);
        assert_true(holm_disk_failed(disk));
        holm_disk_set_fault(disk, HOLM_DISK_WELL);
        assert_int_equal(append(store, 2), HOLM_EIO);
        store->ops->close(store);
        assert_int_equal(stored(disk), 1);
        store = holm_disk_open(disk);
        assert_int_equal(append(store, 2), HOLM_OK);
        store->ops->close(store);
        assert_int_equal(stored(disk), 2);
        holm_disk_free(disk);
    }
}

static void test_disk_when_copied_is_as_it_was(void **state)
{
    struct holm_disk *disk = holm_disk_new(1), *copy = holm_disk_new(1);
    struct holm_store *store = holm_disk_open(disk);
    assert_int_equal(append(store, 1), HOLM_OK);
    holm_disk_copy(copy, disk);
    assert_int_equal(append(store, 2), HOLM_OK);
    store->ops->close(store);
    assert_int_equal(stored(copy), 1);
    assert_int_equal(stored(disk), 2);
    holm_disk_free(disk);
    holm_disk_free(copy);
}

static enum holm_status add_batch(struct holm_store *store, uint32_t number)
{
    return store->ops->journal_add(store, 0, holm_mem(&number, sizeof number));
}

static enum holm_status count_batch(void *context, struct holm_bytes batch)
{
    uint32_t *count = context;
    uint32_t number;
    assert_int_equal(batch.size, sizeof number);
    memcpy(&number, batch.data, sizeof number);
    assert_int_equal(number, ++*count);
    return HOLM_OK;
}

static uint32_t journalled(struct holm_disk *disk)
{
    uint32_t count = 0;
    struct holm_store *store = holm_disk_open(disk);
    assert_int_equal(store->ops->journal_load(store, 0, count_batch, &count), HOLM_OK);
    store->ops->close(store);
    return count;
}

/* Whatever was written after something that is lost is lost, too, in a journal or not. */
static void test_disk_when_power_is_lost_cuts_all_logs_at_one_moment(void **state)
{
    bool runs_cut = false, batches_cut = false;
    for (uint64_t random = 0; random < 3000; random += 7) {
        struct holm_disk *disk = holm_disk_new(1);
        holm_disk_set_lazy(disk, 1000);
        struct holm_store *store = holm_disk_open(disk);
        for (uint32_t i = 1; i <= RUNS; i++) {
            assert_int_equal(append(store, i), HOLM_OK);
            assert_int_equal(add_batch(store, i), HOLM_OK);
        }
        store->ops->close(store);
        holm_disk_crash(disk, random);
        uint64_t runs = stored(disk);
        uint32_t batches = journalled(disk);
        assert_in_range(runs, batches, batches + 1);
        runs_cut |= runs == batches && batches < RUNS;
        batches_cut |= runs > batches;
        holm_disk_free(disk);
    }
    assert_true(runs_cut && batches_cut);
}

static void test_disk_when_a_state_is_saved_keeps_the_journal(void **state)
{
    struct holm_disk *disk = holm_disk_new(1);
    struct holm_store *store = holm_disk_open(disk);
    assert_int_equal(append(store, 1), HOLM_OK);
    assert_int_equal(add_batch(store, 1), HOLM_OK);
    assert_int_equal(store->ops->save(store, 0, holm_str("state")), HOLM_OK);
    store->ops->close(store);
    assert_int_equal(stored(disk), 0);
    assert_int_equal(journalled(disk), 1);
    store = holm_disk_open(disk);
    assert_int_equal(store->ops->journal_clear(store, 0), HOLM_OK);
    assert_int_equal(store->ops->saved(store, 0).size, 5);
    store->ops->close(store);
    assert_int_equal(journalled(disk), 0);
    holm_disk_free(disk);
}

enum end {
    END_WELL,
    END_HALF,
    END_FULL,
    END_EIO
};

static void test_disk_when_it_ends_badly_is_as_before_it_began(void **state)
{
    for (enum end end = END_WELL; end <= END_EIO; end++) {
        struct holm_disk *disk = holm_disk_new(1);
        holm_disk_set_lazy(disk, 1000);
        struct holm_store *store = holm_disk_open(disk);
        assert_int_equal(append(store, 1), HOLM_OK);
        assert_int_equal(add_batch(store, 1), HOLM_OK);
        assert_int_equal(store->ops->begin(store), HOLM_OK);
        assert_int_equal(store->ops->save(store, 0, holm_str("state")), HOLM_OK);
        assert_int_equal(append(store, 1), HOLM_OK);
        assert_int_equal(append(store, 2), HOLM_OK);
        assert_int_equal(store->ops->journal_clear(store, 0), HOLM_OK);
        if (end >= END_FULL)
            holm_disk_set_fault(disk, end == END_FULL ? HOLM_DISK_FULL : HOLM_DISK_EIO);
        assert_int_equal(store->ops->end(store, end != END_HALF),
                         end == END_WELL ? HOLM_OK : HOLM_EIO);
        assert_int_equal(holm_disk_failed(disk), end != END_WELL);
        store->ops->close(store);
        holm_disk_crash(disk, 0);
        assert_int_equal(stored(disk), end == END_WELL ? 2 : 1);
        assert_int_equal(journalled(disk), end == END_WELL ? 0 : 1);
        holm_disk_free(disk);
    }
}

static void test_disk_when_an_epoch_is_raised_keeps_it(void **state)
{
    struct holm_disk *disk = holm_disk_new(1), *copy = holm_disk_new(1);
    struct holm_epoch epoch = {7}, higher = {8};
    struct holm_store *store = holm_disk_open(disk);
    assert_int_equal(store->ops->epoch(store).value, 0);
    assert_int_equal(store->ops->epoch_raise(store, epoch), HOLM_OK);
    holm_disk_set_fault(disk, HOLM_DISK_FULL);
    assert_int_equal(store->ops->epoch_raise(store, higher), HOLM_EIO);
    store->ops->close(store);
    holm_disk_crash(disk, 0);
    holm_disk_copy(copy, disk);
    store = holm_disk_open(copy);
    assert_int_equal(store->ops->epoch(store).value, 7);
    store->ops->close(store);
    holm_disk_free(disk);
    holm_disk_free(copy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_disk_when_power_is_lost_keeps_a_prefix_with_all_that_was_synced),
        cmocka_unit_test(test_disk_when_durable_loses_nothing),
        cmocka_unit_test(test_disk_when_it_fails_stays_failed_until_opened_anew),
        cmocka_unit_test(test_disk_when_copied_is_as_it_was),
        cmocka_unit_test(test_disk_when_power_is_lost_cuts_all_logs_at_one_moment),
        cmocka_unit_test(test_disk_when_a_state_is_saved_keeps_the_journal),
        cmocka_unit_test(test_disk_when_it_ends_badly_is_as_before_it_began),
        cmocka_unit_test(test_disk_when_an_epoch_is_raised_keeps_it),
    };
    return cmocka_run_group_tests_name("disk", tests, NULL, NULL);
}

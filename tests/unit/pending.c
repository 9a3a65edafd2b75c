/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pending run through the operations that fill it: what is sealed, and what of it is left out.
 */
#include "tests/unit/core.h"

#include "crdt/replica_parts.h"

#include <stdio.h>

struct fixture {
    struct heap heap;
    struct holm_allocator allocator;
    struct holm_replica *replica;
    const struct holm_work *work;
};

static void open(struct fixture *f)
{
    struct holm_replica_config config = holm_replica_config_default();
    memset(f, 0, sizeof *f);
    f->allocator = heap_allocator(&f->heap);
    config.allocator = f->allocator;
    config.self = actor_of(2, 1);
    config.flush_bytes = 128 << 10;
    assert_int_equal(holm_replica_new(&config, &f->replica), HOLM_OK);
}

static void close(struct fixture *f)
{
    holm_replica_check(f->replica);
    holm_replica_free(f->replica);
    assert_int_equal(f->heap.blocks, 0);
}

static enum holm_status step(struct fixture *f, const struct holm_event *event)
{
    struct holm_now now = {1000, 5000};
    return holm_replica_step(f->replica, event, now, &f->work);
}

static enum holm_status commit(struct fixture *f, const struct holm_op *ops, size_t count)
{
    struct holm_event event = {.type = HOLM_EVENT_COMMIT};
    event.as.commit.ops = ops;
    event.as.commit.count = count;
    return step(f, &event);
}

static void write(struct fixture *f, struct holm_op op)
{
    assert_int_equal(commit(f, &op, 1), HOLM_OK);
}

static void put(struct fixture *f, const char *key, const char *value)
{
    write(f, holm_op_put(holm_str(key), holm_str("f"), holm_text(value)));
}

static void erase_field(struct fixture *f, const char *key, enum holm_op_type type)
{
    write(f, holm_op_of(type, holm_str(key), holm_str("f")));
}

/* Seals. The run is readable until the next step. */
static const struct holm_delta *seal(struct fixture *f)
{
    struct holm_event event = {.type = HOLM_EVENT_FLUSH};
    assert_int_equal(step(f, &event), HOLM_OK);
    assert_int_equal(f->work->stored_count, 1);
    const struct holm_delta *delta = f->work->stored[0];
    assert_int_equal(holm_delta_check(delta), HOLM_OK);
    return delta;
}

static void test_pending_when_incremented_a_million_times_then_it_is_one_item(void **state)
{
    struct fixture f;
    open(&f);
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < 1000000; i++) {
        struct holm_op op = holm_op_add(holm_str("k"), holm_str("f"), 3);
        if (commit(&f, &op, 1) != HOLM_OK || f.work->stored_count != 0)
            fail();
        if (i == 1000)
            bytes = f.heap.bytes;
    }
    assert_int_equal(f.heap.bytes, bytes);
    assert_int_equal(f.replica->pending.item_count, 1);
    const struct holm_delta *delta = seal(&f);
    assert_int_equal(delta->first, 1);
    assert_int_equal(delta->last, 1000000);
    assert_int_equal(delta->items.item_count, 1);
    assert_int_equal(delta->items.items[0].count.sum, 3000000);
    assert_int_equal(delta->items.items[0].count.last, 1000000);
    close(&f);
}

static void test_pending_when_a_cell_is_replaced_then_only_the_last_is_sent(void **state)
{
    struct fixture f;
    open(&f);
    put(&f, "k", "one");
    (void)seal(&f);
    put(&f, "k", "two");
    put(&f, "other", "x");
    put(&f, "k", "three");
    const struct holm_delta *delta = seal(&f);
    assert_int_equal(delta->first, 2);
    assert_int_equal(delta->last, 4);
    assert_int_equal(delta->items.item_count, 2);
    assert_int_equal(delta->items.items[0].seq, 3);
    assert_int_equal(delta->items.items[1].seq, 4);
    assert_bytes(delta->items.items[1].value.as.bytes, "three");
    assert_int_equal(delta->items.items[1].seen_count, 1);
    const struct holm_seen *seen = &delta->items.seen[delta->items.items[1].seen_first];
    assert_int_equal(seen->actor, 0);
    assert_int_equal(seen->first, 1);
    assert_int_equal(seen->last, 1);
    close(&f);
}

static void test_pending_when_a_new_cell_is_dropped_again_then_nothing_of_it_is_sent(void **state)
{
    static const enum holm_op_type drops[] = {HOLM_OP_REMOVE, HOLM_OP_BURY};
    for (size_t i = 0; i < 2; i++) {
        struct fixture f;
        open(&f);
        put(&f, "k", "one");
        erase_field(&f, "k", drops[i]);
        const struct holm_delta *delta = seal(&f);
        assert_int_equal(delta->last, 2);
        assert_int_equal(delta->items.item_count, i);
        if (i == 1)
            assert_int_equal(delta->items.items[0].op, HOLM_ITEM_BURY);
        close(&f);
    }
}

/* What the new cell had replaced stays replaced. */
static void test_pending_when_a_replacing_cell_is_dropped_then_a_drop_is_sent(void **state)
{
    struct fixture f;
    open(&f);
    put(&f, "k", "one");
    (void)seal(&f);
    put(&f, "k", "two");
    erase_field(&f, "k", HOLM_OP_REMOVE);
    const struct holm_delta *delta = seal(&f);
    assert_int_equal(delta->items.item_count, 1);
    assert_int_equal(delta->items.items[0].op, HOLM_ITEM_DROP_SLOT);
    assert_int_equal(delta->items.items[0].kind, HOLM_REGISTER);
    assert_int_equal(delta->items.items[0].seen_count, 1);
    assert_int_equal(delta->items.seen[0].last, 1);
    put(&f, "k", "three");
    delta = seal(&f);
    assert_int_equal(delta->items.item_count, 1);
    assert_int_equal(delta->items.items[0].seen_count, 0);
    close(&f);
}

static void test_pending_when_an_operation_has_no_effect_then_it_mints_nothing(void **state)
{
    struct fixture f;
    open(&f);
    erase_field(&f, "k", HOLM_OP_REMOVE);
    assert_int_equal(f.work->minted, 0);
    erase_field(&f, "k", HOLM_OP_DISABLE);
    erase_field(&f, "k", HOLM_OP_RESET);
    struct holm_op erase = holm_op_of(HOLM_OP_ERASE, holm_str("k"), holm_str("f"));
    erase.as.element = holm_str("e");
    write(&f, erase);
    assert_false(holm_replica_pending(f.replica));
    assert_int_equal(f.work->wake_us, HOLM_NEVER);
    erase_field(&f, "k", HOLM_OP_BURY);
    assert_int_equal(f.work->minted, 1);
    erase_field(&f, "k", HOLM_OP_BURY);
    assert_int_equal(f.work->minted, 0);
    close(&f);
}

/* A batch that is refused at its last operation leaves the pending run as it was. */
static void test_pending_when_a_batch_is_refused_then_the_run_is_as_it_was(void **state)
{
    struct fixture f;
    open(&f);
    put(&f, "old", "sealed");
    (void)seal(&f);
    put(&f, "k", "one");
    write(&f, holm_op_add(holm_str("n"), holm_str("f"), INT64_MAX));
    struct holm_digest digest = holm_replica_digest(f.replica);
    size_t bytes = f.replica->pending.bytes;
    struct holm_op ops[] = {
        holm_op_put(holm_str("k"), holm_str("f"), holm_text("two")),
        holm_op_put(holm_str("old"), holm_str("f"), holm_text("new")),
        holm_op_of(HOLM_OP_REMOVE, holm_str("k"), holm_mem(NULL, 0)),
        holm_op_put(holm_str("m"), holm_str("f"), holm_i64(4)),
        holm_op_of(HOLM_OP_BURY, holm_str("old"), holm_mem(NULL, 0)),
        holm_op_add(holm_str("n"), holm_str("f"), 1),
    };
    assert_int_equal(commit(&f, ops, 6), HOLM_EOVERFLOW);
    assert_int_equal(f.work->touched_count, 0);
    assert_int_equal(f.replica->pending.bytes, bytes);
    assert_true(holm_digest_equal(digest, holm_replica_digest(f.replica)));
    holm_replica_check(f.replica);
    const struct holm_delta *delta = seal(&f);
    assert_int_equal(delta->first, 2);
    assert_int_equal(delta->last, 3);
    assert_int_equal(delta->items.item_count, 2);
    assert_int_equal(delta->items.seen_count, 0);
    assert_int_equal(delta->items.items[0].op, HOLM_ITEM_COUNT);
    assert_bytes(delta->items.items[1].value.as.bytes, "one");
    close(&f);
}

/* What a range takes in must not outlive a roll-back. */
/* The refused batch looked for the items of pending cells; what comes in the place of its own is
 * found all the same. */
static void test_pending_when_a_batch_was_refused_then_later_cells_find_their_items(void **state)
{
    struct fixture f;
    open(&f);
    put(&f, "k", "one");
    write(&f, holm_op_bury(holm_str("dead")));
    const struct holm_op ops[] = {
        holm_op_put(holm_str("k"), holm_str("f"), holm_text("two")),
        holm_op_put(holm_str("l"), holm_str("f"), holm_text("x")),
        holm_op_put(holm_str("k"), holm_str("f"), holm_text("three")),
        holm_op_put(holm_str("dead"), holm_str("f"), holm_text("x")),
    };
    assert_int_equal(commit(&f, ops, 4), HOLM_EBURIED);
    put(&f, "m", "four");
    put(&f, "m", "five");
    put(&f, "k", "six");
    const struct holm_delta *delta = seal(&f);
    assert_int_equal(delta->last, 5);
    assert_int_equal(delta->items.item_count, 3);
    assert_bytes(delta->items.items[1].value.as.bytes, "five");
    assert_bytes(delta->items.items[2].value.as.bytes, "six");
    close(&f);
}

/* A mark on another's counter entry bears that one's seq, which is none of this run's. */
static void test_pending_when_anothers_entry_is_reset_then_own_items_are_still_found(void **state)
{
    struct fixture f;
    struct fixture other;
    open(&f);
    open(&other);
    struct holm_event epoch = {.type = HOLM_EVENT_EPOCH, .as.epoch = {7}};
    assert_int_equal(step(&other, &epoch), HOLM_OK);
    write(&other, holm_op_add(holm_str("k"), holm_str("n"), 40));
    struct holm_message message = {.type = HOLM_MESSAGE_DELTA, .sender = actor_of(2, 7)};
    (void)seal(&other);
    message.as.delta = other.work->stored[0];
    struct holm_event event = {.type = HOLM_EVENT_MESSAGE,
                               .as.message = {HOLM_PEER_NONE, &message}};
    assert_int_equal(step(&f, &event), HOLM_OK);
    write(&f, holm_op_reset(holm_str("k"), holm_str("n")));
    write(&f, holm_op_add(holm_str("k"), holm_str("n"), 2));
    write(&f, holm_op_add(holm_str("k"), holm_str("n"), 3));
    int64_t sum;
    assert_int_equal(holm_replica_count(f.replica, holm_str("k"), holm_str("n"), &sum), HOLM_OK);
    assert_int_equal(sum, 5);
    const struct holm_delta *delta = seal(&f);
    assert_int_equal(delta->items.item_count, 2);
    assert_int_equal(delta->items.items[0].count.sum + delta->items.items[1].count.sum, 45);
    close(&f); /* it holds a run of the other, in the other's memory */
    close(&other);
}

static void test_pending_when_seen_in_a_refused_batch_then_nothing_is_seen(void **state)
{
    struct fixture f;
    open(&f);
    struct holm_pending pending;
    struct holm_item item = {.op = HOLM_ITEM_DROP_PATH, .key = holm_str("k")};
    uint32_t index;
    holm_pending_init(&pending, &f.allocator);
    holm_pending_begin(&pending);
    assert_int_equal(holm_pending_add(&pending, &item, &index), HOLM_OK);
    assert_int_equal(holm_pending_see(&pending, index, 0, 50), HOLM_OK);
    holm_pending_commit(&pending);
    holm_pending_begin(&pending);
    assert_int_equal(holm_pending_see(&pending, index, 0, 90), HOLM_OK);
    assert_int_equal(holm_pending_see(&pending, index, 0, 10), HOLM_OK);
    assert_int_equal(holm_pending_see(&pending, index, 1, 10), HOLM_OK);
    holm_pending_rollback(&pending);
    assert_int_equal(pending.seen_count, 1);
    assert_int_equal(pending.seen[0].first, 50);
    assert_int_equal(pending.seen[0].last, 50);
    assert_int_equal(pending.items[index].seen_count, 1);
    holm_pending_release(&pending);
    close(&f);
}

/* Dots of one actor that were seen in different batches are one range all the same. */
static void test_pending_when_an_actor_is_seen_twice_then_it_has_one_range(void **state)
{
    struct fixture f;
    open(&f);
    struct holm_pending pending;
    struct holm_item item = {.op = HOLM_ITEM_DROP_PATH, .key = holm_str("k")};
    struct holm_delta *delta;
    uint32_t index[2];
    holm_pending_init(&pending, &f.allocator);
    for (uint64_t i = 0; i < 3; i++) {
        holm_pending_begin(&pending);
        if (i < 2)
            assert_int_equal(holm_pending_add(&pending, &item, &index[i]), HOLM_OK);
        assert_int_equal(holm_pending_see(&pending, index[i % 2], 0, 50 + i), HOLM_OK);
        holm_pending_commit(&pending);
    }
    pending.last = 1;
    assert_int_equal(holm_pending_seal(&pending, &f.replica->actors, 0, 1, 0, &delta), HOLM_OK);
    assert_int_equal(delta->items.seen_count, 2);
    assert_int_equal(delta->items.items[0].seen_count, 1);
    const struct holm_seen *seen = &delta->items.seen[delta->items.items[0].seen_first];
    assert_int_equal(seen->first, 50);
    assert_int_equal(seen->last, 52);
    holm_delta_release(delta);
    holm_pending_release(&pending);
    close(&f);
}

/* The fields of a record are often of many actors, in any order; what a removal of it takes on the
 * wire goes by the number of actors all the same. */
static void test_pending_when_cells_of_many_actors_are_seen_then_each_has_one_range(void **state)
{
    struct heap heap = {0};
    struct holm_allocator allocator = heap_allocator(&heap);
    struct holm_pending pending;
    struct holm_item item = {.op = HOLM_ITEM_DROP_PATH, .key = holm_str("k")};
    uint32_t index[2];
    holm_pending_init(&pending, &allocator);
    holm_pending_begin(&pending);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(holm_pending_add(&pending, &item, &index[i]), HOLM_OK);
        for (uint32_t n = 0; n < 10000; n++)
            assert_int_equal(holm_pending_see(&pending, index[i], n % 1000, 1 + n / 1000), HOLM_OK);
        assert_int_equal(pending.seen_count, (i + 1) * 1000);
        assert_int_equal(pending.items[index[i]].seen_count, 1000);
    }
    for (size_t i = 0; i < pending.seen_count; i++) {
        assert_int_equal(pending.seen[i].item, index[i / 1000]);
        assert_int_equal(pending.seen[i].first, 1);
        assert_int_equal(pending.seen[i].last, 10);
    }
    holm_pending_commit(&pending);
    holm_pending_release(&pending);
    assert_int_equal(heap.blocks, 0);
}

/* T06's other side: what must come first is named, once. */
static void test_pending_when_sealed_then_deps_are_what_changed_since_the_last_run(void **state)
{
    struct fixture f;
    open(&f);
    struct holm_delta *foreign[2] = {
        run_of(&f.allocator, 9, 1, 4, (struct holm_dot){.seq = 0}),
        run_of(&f.allocator, 1, 1, 2, (struct holm_dot){.seq = 0}),
    };
    struct holm_event event = {.type = HOLM_EVENT_MESSAGE};
    struct holm_message message = {.type = HOLM_MESSAGE_DELTA};
    event.as.message.peer = HOLM_PEER_NONE;
    event.as.message.message = &message;
    for (int i = 0; i < 2; i++) {
        message.as.delta = foreign[i];
        assert_int_equal(step(&f, &event), HOLM_OK);
        put(&f, "k", "x");
        const struct holm_delta *delta = seal(&f);
        assert_int_equal(delta->deps.count, 1);
        assert_int_equal(delta->deps.entries[0].actor.node.value, i == 0 ? 9 : 1);
        assert_int_equal(delta->deps.entries[0].seq, i == 0 ? 4 : 2);
        holm_delta_release(foreign[i]);
    }
    put(&f, "k", "y");
    assert_int_equal(seal(&f)->deps.count, 0);
    struct holm_event epoch = {.type = HOLM_EVENT_EPOCH, .as.epoch = {2}};
    assert_int_equal(step(&f, &epoch), HOLM_OK);
    put(&f, "k", "z");
    const struct holm_delta *delta = seal(&f);
    assert_int_equal(delta->actor.epoch.value, 2);
    assert_int_equal(delta->first, 1);
    assert_int_equal(delta->deps.count, 3);
    close(&f);
}

static void test_pending_when_it_is_large_enough_then_it_is_sealed_at_once(void **state)
{
    struct fixture f;
    char value[4096] = {0};
    open(&f);
    uint64_t written = 0;
    do {
        struct holm_op op = holm_op_put(holm_mem(&written, sizeof written), holm_str("f"),
                                        holm_bytes_value(value, sizeof value));
        write(&f, op);
        written += 1;
    } while (f.work->stored_count == 0);
    assert_int_equal(f.work->output_count, 1);
    assert_in_range(written, 25, 32);
    assert_false(holm_replica_pending(f.replica));
    close(&f);
}

#define MANY 100

static const char *name_of(char name[8], int number)
{
    snprintf(name, 8, "k%02d", number);
    return name;
}

static void put_many(struct fixture *f, const char *value)
{
    char name[8];
    for (int i = 0; i < MANY; i++)
        put(f, name_of(name, i), value);
}

/* Its items replace those of the replica's first epoch, which is the second actor of the table. */
static void assert_many(const struct holm_delta *delta, const char *value, uint64_t seq)
{
    char name[8];
    assert_int_equal(delta->items.item_count, MANY);
    assert_int_equal(delta->items.seen_count, MANY);
    assert_int_equal(delta->items.actor_count, 2);
    assert_int_equal(delta->items.actors[0].epoch.value, 2);
    assert_int_equal(delta->items.actors[1].epoch.value, 1);
    for (int i = 0; i < MANY; i++) {
        const struct holm_item *item = &delta->items.items[i];
        const struct holm_seen *seen = &delta->items.seen[item->seen_first];
        assert_int_equal(item->op, HOLM_ITEM_PUT);
        assert_int_equal(item->actor, 0);
        assert_int_equal(item->seq, seq + (uint64_t)i);
        assert_bytes(item->key, name_of(name, i));
        assert_bytes(item->value.as.bytes, value);
        assert_int_equal(item->seen_count, 1);
        assert_int_equal(seen->actor, 1);
        assert_int_equal(seen->first, 1 + i);
        assert_int_equal(seen->last, 1 + i);
    }
}

static void begin_epoch(struct fixture *f)
{
    struct holm_event epoch = {.type = HOLM_EVENT_EPOCH, .as.epoch = {2}};
    assert_int_equal(step(f, &epoch), HOLM_OK);
}

static void test_pending_when_a_run_is_large_then_it_keeps_the_memory_of_its_items(void **state)
{
    struct fixture f;
    open(&f);
    put_many(&f, "old");
    (void)seal(&f);
    begin_epoch(&f);
    put_many(&f, "new");
    const struct holm_delta *delta = seal(&f);
    assert_ptr_equal(delta->parts.items, delta->items.items);
    assert_int_equal(delta->parts.item_capacity, MANY);
    assert_null(f.replica->pending.items);
    assert_true(delta->memory_bytes >= delta->own_bytes + MANY * (sizeof(struct holm_item) + 6));
    put_many(&f, "newer"); /* the run must not change by it */
    assert_many(holm_oplog_at(&f.replica->log, 1)->delta, "new", 1);
    close(&f);
}

/* What a run of that size has replaced in itself is not in it, and seqs rise. */
static void test_pending_when_a_large_run_is_not_in_order_then_it_is_copied_in_order(void **state)
{
    struct fixture f;
    open(&f);
    put_many(&f, "old");
    (void)seal(&f);
    begin_epoch(&f);
    put(&f, "k00", "first");
    put(&f, "x", "first");
    put_many(&f, "new");
    erase_field(&f, "x", HOLM_OP_REMOVE);
    const struct holm_delta *delta = seal(&f);
    assert_null(delta->parts.items);
    assert_int_equal(delta->memory_bytes, delta->own_bytes);
    assert_many(delta, "new", 3);
    close(&f);
}

static void test_pending_when_memory_for_a_large_run_is_refused_then_it_stays_pending(void **state)
{
    struct fixture f;
    struct holm_event event = {.type = HOLM_EVENT_FLUSH};
    open(&f);
    put_many(&f, "old");
    (void)seal(&f);
    begin_epoch(&f);
    put_many(&f, "new");
    uint64_t n = 0;
    enum holm_status status;
    do {
        f.heap.calls = 0;
        f.heap.fail_at = ++n;
        f.heap.fail_once = true;
        status = step(&f, &event);
        assert_int_equal(f.work->stored_count, status == HOLM_OK ? 1 : 0);
        assert_int_equal(f.work->output_count, status == HOLM_OK ? 1 : 0);
    } while (status == HOLM_ENOMEM);
    f.heap.fail_at = 0;
    assert_int_equal(status, HOLM_OK);
    assert_true(n > 2);
    assert_many(f.work->stored[0], "new", 1);
    close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pending_when_incremented_a_million_times_then_it_is_one_item),
        cmocka_unit_test(test_pending_when_a_cell_is_replaced_then_only_the_last_is_sent),
        cmocka_unit_test(test_pending_when_a_new_cell_is_dropped_again_then_nothing_of_it_is_sent),
        cmocka_unit_test(test_pending_when_a_replacing_cell_is_dropped_then_a_drop_is_sent),
        cmocka_unit_test(test_pending_when_an_operation_has_no_effect_then_it_mints_nothing),
        cmocka_unit_test(test_pending_when_a_batch_is_refused_then_the_run_is_as_it_was),
        cmocka_unit_test(test_pending_when_a_batch_was_refused_then_later_cells_find_their_items),
        cmocka_unit_test(test_pending_when_anothers_entry_is_reset_then_own_items_are_still_found),
        cmocka_unit_test(test_pending_when_seen_in_a_refused_batch_then_nothing_is_seen),
        cmocka_unit_test(test_pending_when_an_actor_is_seen_twice_then_it_has_one_range),
        cmocka_unit_test(test_pending_when_cells_of_many_actors_are_seen_then_each_has_one_range),
        cmocka_unit_test(test_pending_when_sealed_then_deps_are_what_changed_since_the_last_run),
        cmocka_unit_test(test_pending_when_it_is_large_enough_then_it_is_sealed_at_once),
        cmocka_unit_test(test_pending_when_a_run_is_large_then_it_keeps_the_memory_of_its_items),
        cmocka_unit_test(test_pending_when_a_large_run_is_not_in_order_then_it_is_copied_in_order),
        cmocka_unit_test(test_pending_when_memory_for_a_large_run_is_refused_then_it_stays_pending),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/batch.h"

#include <stdlib.h>

#include "crdt/order.h"
#include "crdt/path.h"

#include "tests/unit/core.h"

struct fixture {
    struct heap heap;
    struct holm_allocator allocator;
    void *bytes;
    size_t size, capacity;
};

static void open(struct fixture *f)
{
    memset(f, 0, sizeof *f);
    f->allocator = heap_allocator(&f->heap);
}

static void close(struct fixture *f)
{
    holm_array_free(&f->allocator, f->bytes, f->capacity, 1);
    assert_int_equal(f->heap.blocks, 0);
}

static const struct holm_bytes parents[] = {{"home", 4}, {"town", 4}};

/* One of each, with bytes of any value in all places. */
static size_t fill(struct holm_op ops[16])
{
    struct holm_bytes key = holm_mem("k\0\xff", 3), field = holm_str("f");
    size_t count = 0;
    ops[count++] = holm_op_put(key, field, holm_text("Ada"));
    ops[count++] = holm_op_put(key, holm_mem(NULL, 0), holm_i64(INT64_MIN));
    ops[count++] = holm_op_put(key, field, holm_double(-0.0));
    ops[count++] = holm_op_put(key, field, holm_bool(true));
    ops[count++] = holm_op_put(key, field, holm_bytes_value(NULL, 0));
    ops[count++] = holm_op_add(key, field, -5);
    ops[count] = holm_op_add(key, field, INT64_MAX);
    ops[count++].parents = holm_path_of(parents, 2);
    ops[count++] = holm_op_reset(key, field);
    ops[count++] = holm_op_insert(key, field, holm_mem("\0x", 2));
    ops[count++] = holm_op_erase(key, field, holm_str("y"));
    ops[count++] = holm_op_enable(key, field);
    ops[count++] = holm_op_disable(key, field);
    ops[count++] = holm_op_raise(key, field, holm_i64(7));
    ops[count++] = holm_op_lower(key, field, holm_i64(-7));
    ops[count++] = holm_op_remove(key, holm_mem(NULL, 0));
    ops[count++] = holm_op_bury(key);
    return count;
}

static void assert_same_bytes(struct holm_bytes a, struct holm_bytes b)
{
    assert_int_equal(a.size, b.size);
    if (a.size > 0)
        assert_memory_equal(a.data, b.data, a.size);
}

static void assert_same(const struct holm_op *a, const struct holm_op *b)
{
    struct holm_packed_path left, right;
    assert_int_equal(a->type, b->type);
    assert_same_bytes(a->key, b->key);
    assert_int_equal(holm_path_pack(&left, a->parents, a->field), HOLM_OK);
    assert_int_equal(holm_path_pack(&right, b->parents, b->field), HOLM_OK);
    assert_same_bytes(holm_path_bytes(&left), holm_path_bytes(&right));
    if (a->type == HOLM_OP_ADD)
        assert_int_equal(a->as.amount, b->as.amount);
    if (a->type == HOLM_OP_INSERT || a->type == HOLM_OP_ERASE)
        assert_same_bytes(a->as.element, b->as.element);
    if (a->type != HOLM_OP_PUT && a->type != HOLM_OP_RAISE && a->type != HOLM_OP_LOWER)
        return;
    assert_int_equal(a->as.value.type, b->as.value.type);
    assert_int_equal(holm_value_compare(&a->as.value, &b->as.value), 0);
}

static void test_batch_when_read_is_what_was_written(void **state)
{
    (void)state;
    struct fixture f;
    struct holm_op ops[16];
    struct holm_batch batch;
    open(&f);
    size_t count = fill(ops);
    assert_int_equal(holm_batch_encode(&f.allocator, ops, count, &f.bytes, &f.size, &f.capacity),
                     HOLM_OK);
    assert_int_equal(holm_batch_decode(&f.allocator, holm_mem(f.bytes, f.size), &batch), HOLM_OK);
    assert_int_equal(batch.count, count);
    for (size_t i = 0; i < count; i++)
        assert_same(&ops[i], &batch.ops[i]);
    holm_batch_release(&f.allocator, &batch);
    close(&f);
}

/* The bytes are on disks. */
static void test_batch_when_encoded_is_these_bytes(void **state)
{
    (void)state;
    struct fixture f;
    struct holm_op ops[] = {holm_op_put(holm_str("k"), holm_str("name"), holm_text("Ada")),
                            holm_op_add(holm_str("k"), holm_str("n"), 5)};
    open(&f);
    assert_int_equal(holm_batch_encode(&f.allocator, ops, 2, &f.bytes, &f.size, &f.capacity),
                     HOLM_OK);
    assert_same_bytes(holm_mem(f.bytes, f.size), holm_mem("\x01\x02\x01\x01k\x05\x04name\x02\x03"
                                                          "Ada\x02\x01k\x02\x01n\x0a",
                                                          23));
    close(&f);
}

static void test_batch_when_cut_off_or_damaged_is_a_status(void **state)
{
    (void)state;
    struct fixture f;
    struct holm_op ops[16];
    struct holm_batch batch;
    open(&f);
    size_t count = fill(ops);
    assert_int_equal(holm_batch_encode(&f.allocator, ops, count, &f.bytes, &f.size, &f.capacity),
                     HOLM_OK);
    unsigned char *bytes = f.bytes;
    for (size_t size = 0; size < f.size; size++) {
        /* Where it ends there is nothing to read. */
        unsigned char *part = malloc(size + 1);
        assert_non_null(part);
        memcpy(part, bytes, size);
        assert_int_equal(holm_batch_decode(&f.allocator, holm_mem(part, size), &batch),
                         HOLM_EMALFORMED);
        free(part);
    }
    for (size_t bit = 0; bit < 8 * f.size; bit++) {
        bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
        enum holm_status status = holm_batch_decode(&f.allocator, holm_mem(bytes, f.size), &batch);
        if (status == HOLM_OK)
            holm_batch_release(&f.allocator, &batch);
        else
            assert_true(status == HOLM_EMALFORMED || status == HOLM_EVERSION);
        bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
    }
    bytes[0] = 2;
    assert_int_equal(holm_batch_decode(&f.allocator, holm_mem(bytes, f.size), &batch),
                     HOLM_EVERSION);
    static const unsigned char many[] = {1, 0xff, 0xff, 0xff, 0xff, 0x0f, 11, 1, 'k', 0};
    assert_int_equal(holm_batch_decode(&f.allocator, holm_mem(many, sizeof many), &batch),
                     HOLM_EMALFORMED);
    close(&f);
}

static void test_batch_when_memory_is_refused_is_as_it_was(void **state)
{
    (void)state;
    struct fixture f;
    struct holm_op ops[16];
    struct holm_batch batch;
    open(&f);
    size_t count = fill(ops);
    heap_refuse(&f.heap);
    assert_int_equal(holm_batch_encode(&f.allocator, ops, count, &f.bytes, &f.size, &f.capacity),
                     HOLM_ENOMEM);
    assert_int_equal(f.size, 0);
    assert_int_equal(holm_batch_encode(&f.allocator, ops, count, &f.bytes, &f.size, &f.capacity),
                     HOLM_OK);
    for (uint64_t refused = 1; refused <= 2; refused++) {
        f.heap.calls = 0;
        f.heap.fail_at = refused;
        f.heap.fail_once = true;
        size_t blocks = f.heap.blocks;
        assert_int_equal(holm_batch_decode(&f.allocator, holm_mem(f.bytes, f.size), &batch),
                         HOLM_ENOMEM);
        assert_int_equal(f.heap.blocks, blocks);
    }
    struct holm_op none = ops[0];
    none.type = (enum holm_op_type)12;
    size_t size = f.size;
    assert_int_equal(holm_batch_encode(&f.allocator, &none, 1, &f.bytes, &f.size, &f.capacity),
                     HOLM_EINVAL);
    assert_int_equal(f.size, size);
    close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_batch_when_read_is_what_was_written),
        cmocka_unit_test(test_batch_when_encoded_is_these_bytes),
        cmocka_unit_test(test_batch_when_cut_off_or_damaged_is_a_status),
        cmocka_unit_test(test_batch_when_memory_is_refused_is_as_it_was),
    };
    return cmocka_run_group_tests_name("batch", tests, NULL, NULL);
}

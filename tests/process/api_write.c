/* SPDX-License-Identifier: Apache-2.0 */
/* The public writes on one node: every kind, every error, odd input. */
#include "api.h"

#include <pthread.h>

#define K holm_str("hero:7")

static bool register_is_absent(struct holm_node *node, const char *key, const char *field)
{
    struct holm_value value;

    return holm_get(node, holm_str(key), holm_str(field), NULL, 0, &value, NULL) == HOLM_ENOENT;
}

static void test_put_when_each_type_is_written_then_it_is_read_back(void **state)
{
    static const unsigned char raw[] = {0, 0xff, 0x80, 0};
    const struct holm_value values[] = {
        holm_bytes_value(raw, sizeof raw),
        holm_bytes_value(NULL, 0),
        holm_text("Ada"),
        holm_text(""),
        holm_i64(INT64_MIN),
        holm_i64(INT64_MAX),
        holm_double(0.1),
        holm_bool(true),
        holm_bool(false),
    };

    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        struct holm_value value;
        char buffer[16];
        size_t size = 99;

        assert_ok(holm_put(*state, K, holm_str("f"), values[i]));
        assert_ok(holm_get(*state, K, holm_str("f"), buffer, sizeof buffer, &value, &size));
        assert_int_equal(value.type, values[i].type);
        if (value.type == HOLM_BYTES || value.type == HOLM_TEXT) {
            assert_int_equal(size, values[i].as.bytes.size);
            assert_bytes(value.as.bytes, values[i].as.bytes);
        } else if (value.type == HOLM_BOOL) {
            assert_int_equal(value.as.boolean, values[i].as.boolean);
        } else {
            assert_memory_equal(&value.as.i64, &values[i].as.i64, sizeof value.as.i64);
            assert_int_equal(size, 0);
        }
    }
}

/* T29 */
static void test_put_when_the_double_is_odd_then_its_bits_come_back(void **state)
{
    static const uint64_t bits[] = {
        0x7ff8000000000000U, /* NaN */
        0xfff8000000000001U, /* -NaN with a payload */
        0x7ff0000000000000U, /* infinity */
        0x8000000000000000U, /* -0.0 */
        0x0000000000000001U, /* the smallest denormal */
    };

    for (size_t i = 0; i < sizeof bits / sizeof bits[0]; i++) {
        struct holm_value value;
        double number;

        memcpy(&number, &bits[i], sizeof number);
        assert_ok(holm_put(*state, K, holm_str("d"), holm_double(number)));
        assert_ok(holm_get(*state, K, holm_str("d"), NULL, 0, &value, NULL));
        assert_int_equal(value.type, HOLM_DOUBLE);
        assert_memory_equal(&value.as.f64, &bits[i], sizeof bits[i]);
    }
}

/* T29: totalOrder: -NaN < -inf < -0.0 < 0.0 < inf < NaN */
static void test_raise_when_doubles_are_odd_then_they_are_totally_ordered(void **state)
{
    static const uint64_t rising[] = {0xfff8000000000000U, 0xfff0000000000000U,
                                      0x8000000000000000U, 0x0000000000000000U,
                                      0x7ff0000000000000U, 0x7ff8000000000000U};
    enum {
        COUNT = sizeof rising / sizeof rising[0]
    };

    for (size_t i = 0; i < COUNT; i++) {
        struct holm_value high, low;
        double up, down;

        memcpy(&up, &rising[i], sizeof up);
        memcpy(&down, &rising[COUNT - 1 - i], sizeof down);
        assert_ok(holm_raise(*state, K, holm_str("high"), holm_double(up)));
        assert_ok(holm_lower(*state, K, holm_str("low"), holm_double(down)));
        assert_ok(holm_raise(*state, K, holm_str("high"), holm_double(-1)));
        assert_ok(holm_get_max(*state, K, holm_str("high"), NULL, 0, &high, NULL));
        assert_ok(holm_get_min(*state, K, holm_str("low"), NULL, 0, &low, NULL));
        if (i >= 2) /* -1 lies between -inf and -0.0 */
            assert_memory_equal(&high.as.f64, &rising[i], sizeof rising[i]);
        assert_memory_equal(&low.as.f64, &rising[COUNT - 1 - i], sizeof rising[i]);
    }
}

static void test_raise_when_values_come_in_any_order_then_the_extremes_are_kept(void **state)
{
    static const int64_t numbers[] = {5, -3, 9, 0};
    struct holm_value value;
    char buffer[8];

    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        assert_ok(holm_raise(*state, K, holm_str("x"), holm_i64(numbers[i])));
        assert_ok(holm_lower(*state, K, holm_str("x"), holm_i64(numbers[i])));
    }
    assert_ok(holm_get_max(*state, K, holm_str("x"), NULL, 0, &value, NULL));
    assert_int_equal(value.as.i64, 9);
    assert_ok(holm_get_min(*state, K, holm_str("x"), NULL, 0, &value, NULL));
    assert_true(value.as.i64 == -3);
    assert_ok(holm_raise(*state, K, holm_str("t"), holm_text("abc")));
    assert_ok(holm_raise(*state, K, holm_str("t"), holm_text("ab")));
    assert_ok(holm_get_max(*state, K, holm_str("t"), buffer, sizeof buffer, &value, NULL));
    assert_bytes(value.as.bytes, holm_str("abc"));
}

static void test_add_when_it_is_reset_then_it_starts_anew(void **state)
{
    int64_t sum = 7;

    assert_status(holm_count(*state, K, holm_str("c"), &sum), HOLM_ENOENT);
    assert_true(sum == 0);
    assert_ok(holm_add(*state, K, holm_str("c"), 5));
    assert_ok(holm_add(*state, K, holm_str("c"), -8));
    assert_count(*state, "hero:7", "c", -3);
    assert_ok(holm_reset(*state, K, holm_str("c")));
    assert_status(holm_count(*state, K, holm_str("c"), &sum), HOLM_ENOENT);
    assert_ok(holm_add(*state, K, holm_str("c"), 2));
    assert_count(*state, "hero:7", "c", 2);
    assert_ok(holm_reset(*state, K, holm_str("never")));
}

static void test_add_when_it_would_overflow_then_it_is_refused_and_nothing_changes(void **state)
{
    const struct holm_bytes c = holm_str("c"), d = holm_str("d");

    assert_ok(holm_add(*state, K, c, INT64_MAX));
    assert_status(holm_add(*state, K, c, 1), HOLM_EOVERFLOW);
    assert_count(*state, "hero:7", "c", INT64_MAX);
    assert_ok(holm_add(*state, K, c, -1));
    assert_ok(holm_add(*state, K, c, 1));
    assert_ok(holm_add(*state, K, d, INT64_MIN));
    assert_status(holm_add(*state, K, d, -1), HOLM_EOVERFLOW);
    assert_status(holm_add(*state, K, d, INT64_MIN), HOLM_EOVERFLOW);
    assert_count(*state, "hero:7", "d", INT64_MIN);
    assert_ok(holm_reset(*state, K, c));
    assert_ok(holm_add(*state, K, c, 3));
    assert_count(*state, "hero:7", "c", 3);
}

static void test_insert_when_erased_then_only_that_element_goes(void **state)
{
    const struct holm_bytes s = holm_str("s"), odd = holm_mem("a\0b", 3);

    assert_false(holm_contains(*state, K, s, odd));
    assert_ok(holm_insert(*state, K, s, odd));
    assert_ok(holm_insert(*state, K, s, odd));
    assert_ok(holm_insert(*state, K, s, holm_str("a")));
    assert_ok(holm_insert(*state, K, s, holm_str("")));
    assert_ok(holm_erase(*state, K, s, holm_str("a")));
    assert_ok(holm_erase(*state, K, s, holm_str("never")));
    assert_false(holm_contains(*state, K, s, holm_str("a")));
    assert_true(holm_contains(*state, K, s, odd));
    assert_true(holm_contains(*state, K, s, holm_str("")));
    assert_false(holm_contains(*state, K, holm_str("other"), odd));
}

static void test_enable_when_disabled_then_it_is_off(void **state)
{
    assert_ok(holm_disable(*state, K, holm_str("f")));
    assert_false(holm_enabled(*state, K, holm_str("f")));
    assert_false(holm_exists(*state, K));
    assert_ok(holm_enable(*state, K, holm_str("f")));
    assert_true(holm_enabled(*state, K, holm_str("f")));
    assert_false(holm_enabled(*state, K, holm_str("")));
    assert_ok(holm_disable(*state, K, holm_str("f")));
    assert_false(holm_enabled(*state, K, holm_str("f")));
    assert_false(holm_exists(*state, K));
}

/* T29 */
static void test_write_when_one_field_has_several_kinds_then_they_are_slots_apart(void **state)
{
    const struct holm_bytes f = holm_str("f");
    struct holm_value value;
    struct holm_view *view;

    assert_ok(holm_add(*state, K, f, 3));
    assert_ok(holm_insert(*state, K, f, holm_str("e")));
    assert_ok(holm_put(*state, K, f, holm_i64(1)));
    assert_ok(holm_enable(*state, K, f));
    assert_ok(holm_raise(*state, K, f, holm_i64(8)));
    assert_ok(holm_lower(*state, K, f, holm_i64(2)));
    assert_count(*state, "hero:7", "f", 3);
    assert_true(holm_contains(*state, K, f, holm_str("e")));
    assert_true(holm_enabled(*state, K, f));
    assert_ok(holm_get(*state, K, f, NULL, 0, &value, NULL));
    assert_int_equal(value.as.i64, 1);
    assert_ok(holm_reset(*state, K, f));
    assert_true(holm_contains(*state, K, f, holm_str("e")));
    assert_ok(holm_read(*state, K, &view));
    assert_int_equal(holm_view_count(view), 5);
    holm_view_free(view);
    assert_ok(holm_remove(*state, K, f));
    assert_false(holm_exists(*state, K));
}

static void test_remove_when_a_field_is_named_then_the_others_stay(void **state)
{
    assert_ok(holm_put(*state, K, holm_str("a"), holm_text("1")));
    assert_ok(holm_put(*state, K, holm_str("ab"), holm_text("2")));
    assert_ok(holm_add(*state, K, holm_str("a"), 1));
    assert_ok(holm_put(*state, K, holm_str(""), holm_text("3")));
    assert_ok(holm_remove(*state, K, holm_str("a")));
    assert_true(register_is_absent(*state, "hero:7", "a"));
    assert_text(*state, "hero:7", "ab", "2");
    assert_text(*state, "hero:7", "", "3");
    assert_ok(holm_remove(*state, K, holm_str("never")));
    assert_ok(holm_remove(*state, K, holm_str("")));
    assert_false(holm_exists(*state, K));
    assert_ok(holm_remove(*state, K, holm_str("")));
    assert_ok(holm_put(*state, K, holm_str("a"), holm_text("4")));
    assert_text(*state, "hero:7", "a", "4");
}

static void test_bury_when_a_key_is_buried_then_it_is_dead_for_good(void **state)
{
    struct holm_view *view;

    assert_ok(holm_put(*state, K, holm_str("a"), holm_text("1")));
    assert_false(holm_buried(*state, K));
    assert_ok(holm_bury(*state, K));
    assert_true(holm_buried(*state, K));
    assert_false(holm_exists(*state, K));
    assert_true(register_is_absent(*state, "hero:7", "a"));
    assert_status(holm_read(*state, K, &view), HOLM_ENOENT);
    assert_null(view);
    assert_status(holm_put(*state, K, holm_str("a"), holm_text("2")), HOLM_EBURIED);
    assert_status(holm_add(*state, K, holm_str("c"), 1), HOLM_EBURIED);
    assert_status(holm_insert(*state, K, holm_str("s"), holm_str("e")), HOLM_EBURIED);
    assert_status(holm_enable(*state, K, holm_str("f")), HOLM_EBURIED);
    assert_status(holm_raise(*state, K, holm_str("m"), holm_i64(1)), HOLM_EBURIED);
    assert_status(holm_lower(*state, K, holm_str("m"), holm_i64(1)), HOLM_EBURIED);
    assert_ok(holm_bury(*state, K));
    assert_ok(holm_bury(*state, holm_str("never written")));
    assert_status(holm_enable(*state, holm_str("never written"), holm_str("")), HOLM_EBURIED);
}

static enum holm_status write_all(struct holm_node *node, struct holm_bytes key,
                                  struct holm_bytes field)
{
    enum holm_status status = holm_put(node, key, field, holm_i64(1));

    assert_status(holm_add(node, key, field, 1), status);
    assert_status(holm_insert(node, key, field, holm_str("e")), status);
    assert_status(holm_enable(node, key, field), status);
    assert_status(holm_raise(node, key, field, holm_i64(1)), status);
    assert_status(holm_lower(node, key, field, holm_i64(1)), status);
    assert_status(holm_reset(node, key, field), status);
    assert_status(holm_erase(node, key, field, holm_str("e")), status);
    assert_status(holm_disable(node, key, field), status);
    assert_status(holm_remove(node, key, field), status);
    return status;
}

/* T29 */
static void test_write_when_keys_are_odd_then_they_are_taken_or_refused_by_size_alone(void **state)
{
    static char bytes[65536];
    static const struct {
        size_t size;
        enum holm_status expected;
    } sizes[] = {
        {0, HOLM_EINVAL}, {1, HOLM_OK},         {511, HOLM_OK},        {512, HOLM_OK},
        {1024, HOLM_OK},  {1025, HOLM_ETOOBIG}, {65536, HOLM_ETOOBIG},
    };

    for (int fill = 0; fill <= 0xff; fill += 0xff) {
        memset(bytes, fill, sizeof bytes);
        for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
            struct holm_bytes key = holm_mem(bytes, sizes[i].size);

            assert_status(write_all(*state, key, holm_str("f")), sizes[i].expected);
            assert_status(holm_put(*state, key, holm_str("f"), holm_i64(1)), sizes[i].expected);
            assert_int_equal(holm_exists(*state, key), sizes[i].expected == HOLM_OK);
            assert_false(holm_buried(*state, key));
        }
    }
    assert_status(holm_bury(*state, holm_mem(bytes, 0)), HOLM_EINVAL);
    assert_status(holm_bury(*state, holm_mem(bytes, 1025)), HOLM_ETOOBIG);
    assert_ok(holm_bury(*state, holm_mem(bytes, 1024)));
}

static void test_write_when_fields_are_odd_then_they_are_taken_or_refused_by_size_alone(
    void **state)
{
    static char bytes[65536];

    memset(bytes, 0xc3, sizeof bytes);
    bytes[1] = '\0';
    assert_ok(write_all(*state, K, holm_mem(bytes, 0)));
    assert_ok(write_all(*state, K, holm_mem(bytes, 255)));
    assert_status(write_all(*state, K, holm_mem(bytes, 256)), HOLM_ETOOBIG);
    assert_status(write_all(*state, K, holm_mem(bytes, 65536)), HOLM_ETOOBIG);
}

static void test_write_when_a_pointer_is_missing_then_it_is_refused(void **state)
{
    const struct holm_bytes nothing = holm_mem(NULL, 3);

    assert_status(write_all(*state, nothing, holm_str("f")), HOLM_EINVAL);
    assert_status(write_all(*state, K, nothing), HOLM_EINVAL);
    assert_status(holm_bury(*state, nothing), HOLM_EINVAL);
    assert_status(holm_put(*state, K, holm_str("f"), holm_bytes_value(NULL, 3)), HOLM_EINVAL);
    assert_status(holm_insert(*state, K, holm_str("f"), nothing), HOLM_EINVAL);
    assert_status(holm_erase(*state, K, holm_str("f"), nothing), HOLM_EINVAL);
    assert_false(holm_exists(*state, K));
}

static void test_put_when_the_value_has_no_type_then_it_is_refused(void **state)
{
    struct holm_value value = holm_value_of(HOLM_NONE);

    assert_status(holm_put(*state, K, holm_str("f"), value), HOLM_EINVAL);
    assert_status(holm_raise(*state, K, holm_str("f"), value), HOLM_EINVAL);
    assert_status(holm_lower(*state, K, holm_str("f"), value), HOLM_EINVAL);
    value.type = (enum holm_type)6;
    assert_status(holm_put(*state, K, holm_str("f"), value), HOLM_EINVAL);
    assert_false(holm_exists(*state, K));
}

static void test_put_when_a_value_is_at_a_quarter_of_the_frame_then_it_is_the_largest(void **state)
{
    struct holm_config config = api_config("small");
    struct holm_node *node;
    size_t most;

    config.frame_bytes_max = 65536;
    most = config.frame_bytes_max / 4;
    assert_ok(holm_open(&config, &node));

    char *bytes = calloc(1, most + 1);
    struct holm_value value;
    size_t size;

    assert_non_null(bytes);
    assert_ok(holm_put(node, K, holm_str("f"), holm_bytes_value(bytes, most)));
    assert_status(holm_put(node, K, holm_str("f"), holm_bytes_value(bytes, most + 1)),
                  HOLM_ETOOBIG);
    assert_status(holm_insert(node, K, holm_str("f"), holm_mem(bytes, most + 1)), HOLM_ETOOBIG);
    assert_status(holm_raise(node, K, holm_str("f"), holm_bytes_value(bytes, most + 1)),
                  HOLM_ETOOBIG);
    assert_status(holm_get(node, K, holm_str("f"), NULL, 0, &value, &size), HOLM_ESPACE);
    assert_int_equal(size, most);
    free(bytes);
    holm_close(node);
}

/* T29: all arguments are the same memory, and so is the buffer of the read. */
static void test_write_when_arguments_are_aliased_then_it_is_as_if_not(void **state)
{
    char bytes[8] = "same";
    struct holm_bytes same = holm_mem(bytes, 4);
    struct holm_value value;

    assert_ok(holm_put(*state, same, same, holm_bytes_value(bytes, 4)));
    assert_ok(holm_insert(*state, same, same, same));
    assert_true(holm_contains(*state, same, same, same));
    assert_ok(holm_get(*state, same, same, bytes, sizeof bytes, &value, NULL));
    assert_bytes(value.as.bytes, holm_str("same"));
    memset(bytes, 'x', sizeof bytes);
    assert_true(holm_contains(*state, holm_str("same"), holm_str("same"), holm_str("same")));
}

static void test_commit_when_operations_follow_each_other_then_later_see_earlier(void **state)
{
    const struct holm_bytes s = holm_str("s");
    const struct holm_op ops[] = {
        holm_op_insert(K, s, holm_str("a")),
        holm_op_erase(K, s, holm_str("a")),
        holm_op_add(K, holm_str("c"), 5),
        holm_op_reset(K, holm_str("c")),
        holm_op_add(K, holm_str("c"), 2),
        holm_op_put(K, holm_str("f"), holm_text("x")),
        holm_op_remove(K, holm_str("f")),
        holm_op_enable(K, holm_str("on")),
        holm_op_disable(K, holm_str("never")),
        holm_op_raise(K, holm_str("m"), holm_i64(4)),
        holm_op_lower(K, holm_str("m"), holm_i64(4)),
    };
    const size_t count = sizeof ops / sizeof ops[0];
    struct holm_receipt receipt;

    assert_ok(holm_commit(*state, ops, count, &receipt));
    assert_false(holm_contains(*state, K, s, holm_str("a")));
    assert_count(*state, "hero:7", "c", 2);
    assert_true(register_is_absent(*state, "hero:7", "f"));
    assert_true(holm_enabled(*state, K, holm_str("on")));
    assert_int_equal(receipt.partition, holm_partition(*state, K));
    assert_int_equal(receipt.count, count - 1);
    assert_int_equal(receipt.first.actor.node.value, holm_self(*state).node.value);
    assert_int_equal(receipt.first.actor.epoch.value, holm_self(*state).epoch.value);

    struct holm_receipt next;

    assert_ok(holm_commit(*state, ops, count, &next));
    assert_int_equal(next.first.seq, receipt.first.seq + receipt.count);
}

static void test_commit_when_nothing_has_to_be_written_then_the_receipt_is_empty(void **state)
{
    const struct holm_op nothing = holm_op_disable(K, holm_str("never"));
    struct holm_receipt receipt = {.count = 9};

    assert_ok(holm_commit(*state, &nothing, 1, &receipt));
    assert_int_equal(receipt.count, 0);
    assert_ok(holm_wait_seen(*state, &receipt, 0, 0));
    receipt.count = 9;
    assert_ok(holm_commit(*state, NULL, 0, &receipt));
    assert_int_equal(receipt.count, 0);
}

static void assert_refused(struct holm_node *node, struct holm_op last, enum holm_status expected)
{
    const struct holm_op ops[] = {
        holm_op_put(K, holm_str("f"), holm_text("new")),
        holm_op_add(K, holm_str("c"), 1),
        holm_op_bury(holm_str("{hero:7}grave")),
        last,
    };
    struct holm_receipt receipt = {.count = 77};
    struct holm_stats before, after;

    holm_stats(node, &before);
    assert_status(holm_commit(node, ops, 4, &receipt), expected);
    holm_stats(node, &after);
    assert_int_equal(receipt.count, 77);
    assert_text(node, "hero:7", "f", "old");
    assert_count(node, "hero:7", "c", 10);
    assert_false(holm_buried(node, holm_str("{hero:7}grave")));
    assert_int_equal(after.operations, before.operations);
    assert_int_equal(after.digest, before.digest);
}

static void test_commit_when_one_operation_is_refused_then_nothing_is_written(void **state)
{
    static char bytes[2000];
    char elsewhere[32];
    struct holm_op unknown = holm_op_put(K, holm_str("f"), holm_i64(1));

    api_key_elsewhere(*state, "hero:7", elsewhere, sizeof elsewhere);
    unknown.type = (enum holm_op_type)12;
    assert_ok(holm_put(*state, K, holm_str("f"), holm_text("old")));
    assert_ok(holm_add(*state, K, holm_str("c"), 10));
    assert_ok(holm_add(*state, K, holm_str("full"), INT64_MAX));
    assert_ok(holm_bury(*state, holm_str("{hero:7}dead")));
    assert_refused(*state, holm_op_add(K, holm_str("full"), 1), HOLM_EOVERFLOW);
    assert_refused(*state, holm_op_enable(holm_str("{hero:7}dead"), holm_str("f")), HOLM_EBURIED);
    assert_refused(*state, holm_op_enable(holm_str("{hero:7}grave"), holm_str("f")), HOLM_EBURIED);
    assert_refused(*state, holm_op_enable(holm_str(elsewhere), holm_str("f")), HOLM_EPARTITION);
    assert_refused(*state, holm_op_enable(K, holm_mem(bytes, 256)), HOLM_ETOOBIG);
    assert_refused(*state, holm_op_enable(K, holm_mem(NULL, 1)), HOLM_EINVAL);
    assert_refused(*state, holm_op_put(K, holm_str("f"), holm_value_of(HOLM_NONE)), HOLM_EINVAL);
    assert_refused(*state, unknown, HOLM_EINVAL);
}

static void test_commit_when_the_batch_is_over_half_a_frame_then_it_is_refused(void **state)
{
    enum {
        SIZE = 16384,
        COUNT = 4
    };
    struct holm_config config = api_config("small");
    struct holm_node *node;
    struct holm_op ops[COUNT];
    char *bytes = calloc(1, SIZE);

    assert_non_null(bytes);
    config.frame_bytes_max = 65536;
    assert_ok(holm_open(&config, &node));
    for (size_t i = 0; i < COUNT; i++)
        ops[i] = holm_op_insert(K, holm_str("s"), holm_mem(bytes, SIZE - i));
    assert_status(holm_commit(node, ops, COUNT, NULL), HOLM_ETOOBIG);
    assert_false(holm_exists(node, K));
    assert_ok(holm_commit(node, ops, 1, NULL));
    assert_true(holm_exists(node, K));
    free(bytes);
    holm_close(node);
}

/* A removal carries a mark for each counter that it cancels. */
static void test_remove_when_it_names_more_than_fits_then_it_is_refused_whole(void **state)
{
    enum {
        COUNTERS = 1000
    };
    const struct holm_bytes key = holm_str("accounts");
    struct holm_config config = api_config("small");
    struct holm_node *node;
    struct holm_stats before, after;
    char field[16];

    config.frame_bytes_max = 65536;
    assert_ok(holm_open(&config, &node));
    for (int i = 0; i < COUNTERS; i++) {
        (void)snprintf(field, sizeof field, "%d", i);
        assert_ok(holm_add(node, key, holm_str(field), 1));
    }
    assert_int_equal(holm_vector(node, holm_partition(node, key), NULL, 0), 1);
    holm_stats(node, &before);
    assert_status(holm_remove(node, key, holm_str("")), HOLM_ETOOBIG);
    holm_stats(node, &after);
    assert_int_equal(before.digest, after.digest);
    assert_int_equal(before.operations, after.operations);
    /* "in parts" */
    for (int i = 0; i < COUNTERS; i++) {
        (void)snprintf(field, sizeof field, "%d", i);
        assert_ok(holm_remove(node, key, holm_str(field)));
    }
    assert_false(holm_exists(node, key));
    holm_close(node);
}

static void test_partition_when_keys_have_a_tag_then_a_batch_can_hold_them(void **state)
{
    uint32_t partition = holm_partition(*state, holm_str("hero:7"));
    struct holm_op ops[] = {
        holm_op_enable(holm_str("{hero:7}name"), holm_str("")),
        holm_op_enable(holm_str("log{hero:7}"), holm_str("")),
        holm_op_enable(holm_str("hero:7"), holm_str("")),
    };
    struct holm_receipt receipt;

    assert_int_equal(holm_partition_count(*state), 16);
    assert_int_equal(holm_partition(*state, holm_str("{hero:7}name")), partition);
    assert_ok(holm_commit(*state, ops, 3, &receipt));
    assert_int_equal(receipt.partition, partition);
    assert_int_equal(receipt.count, 3);
}

enum {
    ROUNDS = 5000
};

struct writer {
    struct holm_node *node;
    const char *name;
};

static void *write_many(void *context)
{
    struct writer *writer = context;
    char key[64];

    for (int i = 0; i < ROUNDS; i++) {
        snprintf(key, sizeof key, "%s:%d", writer->name, i % 100);
        if (holm_add(writer->node, holm_str("shared"), holm_str("c"), 1) != HOLM_OK ||
            holm_add(writer->node, holm_str(key), holm_str("c"), 1) != HOLM_OK ||
            holm_insert(writer->node, holm_str("shared"), holm_str("s"), holm_str(key)) != HOLM_OK)
            return NULL;
        int64_t sum;
        if (holm_count(writer->node, holm_str("shared"), holm_str("c"), &sum) != HOLM_OK)
            return NULL;
    }
    return writer;
}

static void test_write_when_two_threads_write_then_nothing_is_lost(void **state)
{
    struct writer writers[2] = {{*state, "a"}, {*state, "b"}};
    pthread_t threads[2];
    void *result;

    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, write_many, &writers[i]), 0);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(pthread_join(threads[i], &result), 0);
        assert_non_null(result);
    }
    assert_count(*state, "shared", "c", 2 * ROUNDS);
    for (int i = 0; i < 100; i++) {
        char key[64];

        snprintf(key, sizeof key, "a:%d", i);
        assert_count(*state, key, "c", ROUNDS / 100);
        assert_true(holm_contains(*state, holm_str("shared"), holm_str("s"), holm_str(key)));
    }
}

#define ALONE(test) cmocka_unit_test_setup_teardown(test, api_open_alone, api_close_alone)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ALONE(test_put_when_each_type_is_written_then_it_is_read_back),
        ALONE(test_put_when_the_double_is_odd_then_its_bits_come_back),
        ALONE(test_raise_when_doubles_are_odd_then_they_are_totally_ordered),
        ALONE(test_raise_when_values_come_in_any_order_then_the_extremes_are_kept),
        ALONE(test_add_when_it_is_reset_then_it_starts_anew),
        ALONE(test_add_when_it_would_overflow_then_it_is_refused_and_nothing_changes),
        ALONE(test_insert_when_erased_then_only_that_element_goes),
        ALONE(test_enable_when_disabled_then_it_is_off),
        ALONE(test_write_when_one_field_has_several_kinds_then_they_are_slots_apart),
        ALONE(test_remove_when_a_field_is_named_then_the_others_stay),
        ALONE(test_bury_when_a_key_is_buried_then_it_is_dead_for_good),
        ALONE(test_write_when_keys_are_odd_then_they_are_taken_or_refused_by_size_alone),
        ALONE(test_write_when_fields_are_odd_then_they_are_taken_or_refused_by_size_alone),
        ALONE(test_write_when_a_pointer_is_missing_then_it_is_refused),
        ALONE(test_put_when_the_value_has_no_type_then_it_is_refused),
        cmocka_unit_test(test_put_when_a_value_is_at_a_quarter_of_the_frame_then_it_is_the_largest),
        ALONE(test_write_when_arguments_are_aliased_then_it_is_as_if_not),
        ALONE(test_commit_when_operations_follow_each_other_then_later_see_earlier),
        ALONE(test_commit_when_nothing_has_to_be_written_then_the_receipt_is_empty),
        ALONE(test_commit_when_one_operation_is_refused_then_nothing_is_written),
        cmocka_unit_test(test_commit_when_the_batch_is_over_half_a_frame_then_it_is_refused),
        cmocka_unit_test(test_remove_when_it_names_more_than_fits_then_it_is_refused_whole),
        ALONE(test_partition_when_keys_have_a_tag_then_a_batch_can_hold_them),
        ALONE(test_write_when_two_threads_write_then_nothing_is_lost),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The public calls on two nodes over real sockets. */
#include "api.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>

#define K holm_str("hero:7")

static void cut(struct api_pair *pair)
{
    assert_ok(holm_fault_drop(pair->lisbon, holm_self(pair->oslo).node, HOLM_BOTH, 1000));
    assert_ok(holm_fault_drop(pair->oslo, holm_self(pair->lisbon).node, HOLM_BOTH, 1000));
}

static void heal(struct api_pair *pair)
{
    holm_fault_heal(pair->lisbon);
    holm_fault_heal(pair->oslo);
}

static void settle(struct api_pair *pair)
{
    await(api_same(pair->lisbon, pair->oslo));
}

static void test_pair_when_both_write_every_kind_then_both_read_the_same(void **state)
{
    struct api_pair *pair = *state;
    struct holm_value value;

    assert_ok(holm_put(pair->lisbon, K, holm_str("name"), holm_text("Ada")));
    assert_ok(holm_add(pair->lisbon, K, holm_str("c"), 100));
    assert_ok(holm_add(pair->oslo, K, holm_str("c"), -7));
    assert_ok(holm_insert(pair->lisbon, K, holm_str("s"), holm_str("a")));
    assert_ok(holm_insert(pair->oslo, K, holm_str("s"), holm_str("b")));
    assert_ok(holm_enable(pair->oslo, K, holm_str("f")));
    assert_ok(holm_raise(pair->lisbon, K, holm_str("m"), holm_i64(3)));
    assert_ok(holm_raise(pair->oslo, K, holm_str("m"), holm_i64(4)));
    assert_ok(holm_wait_seen(pair->lisbon, NULL, 1, API_WAIT_MS));
    assert_ok(holm_wait_seen(pair->oslo, NULL, 1, API_WAIT_MS));
    for (int i = 0; i < 2; i++) {
        struct holm_node *node = i == 0 ? pair->lisbon : pair->oslo;

        assert_text(node, "hero:7", "name", "Ada");
        assert_count(node, "hero:7", "c", 93);
        assert_true(holm_contains(node, K, holm_str("s"), holm_str("a")));
        assert_true(holm_contains(node, K, holm_str("s"), holm_str("b")));
        assert_true(holm_enabled(node, K, holm_str("f")));
        assert_ok(holm_get_max(node, K, holm_str("m"), NULL, 0, &value, NULL));
        assert_int_equal(value.as.i64, 4);
    }
    settle(pair);
}

static void assert_first_sibling_is_read(struct holm_node *node, const char *expected)
{
    struct holm_view *view;

    assert_ok(holm_siblings(node, K, holm_str("name"), &view));
    assert_int_equal(holm_view_count(view), 2);
    assert_bytes(holm_view_entry(view, 0)->value.as.bytes, holm_str(expected));
    assert_true(holm_view_entry(view, 0)->hlc > holm_view_entry(view, 1)->hlc);
    holm_view_free(view);
    assert_text(node, "hero:7", "name", expected);
}

/* During a cut both write: the registers become siblings, the later one is read, the next write
 * ends it; what was removed in one half and added to in the other survives alone; a bury wins. */
static void test_pair_when_a_cut_heals_then_concurrent_writes_come_to_what_is_promised(void **state)
{
    struct api_pair *pair = *state;
    struct holm_view *view;
    const struct holm_bytes grave = holm_str("grave"), c = holm_str("c");

    assert_ok(holm_add(pair->lisbon, K, c, 10));
    assert_ok(holm_add(pair->lisbon, grave, c, 1));
    assert_ok(holm_wait_seen(pair->lisbon, NULL, 1, API_WAIT_MS));
    cut(pair);
    assert_ok(holm_put(pair->lisbon, K, holm_str("name"), holm_text("Ada")));
    api_pause();
    assert_ok(holm_put(pair->oslo, K, holm_str("name"), holm_text("Eva")));
    assert_ok(holm_reset(pair->lisbon, K, c));
    assert_ok(holm_add(pair->oslo, K, c, 5));
    assert_ok(holm_bury(pair->lisbon, grave));
    assert_ok(holm_add(pair->oslo, grave, c, 1));
    assert_status(holm_wait_seen(pair->lisbon, NULL, 1, 50), HOLM_ETIMEDOUT);
    assert_text(pair->lisbon, "hero:7", "name", "Ada");
    heal(pair);
    settle(pair);
    assert_first_sibling_is_read(pair->lisbon, "Eva");
    assert_first_sibling_is_read(pair->oslo, "Eva");
    assert_count(pair->lisbon, "hero:7", "c", 5);
    assert_count(pair->oslo, "hero:7", "c", 5);
    assert_true(holm_buried(pair->oslo, grave));
    assert_false(holm_exists(pair->oslo, grave));
    assert_status(holm_add(pair->oslo, grave, c, 1), HOLM_EBURIED);
    assert_ok(holm_put(pair->lisbon, K, holm_str("name"), holm_text("Eve")));
    assert_ok(holm_wait_seen(pair->lisbon, NULL, 1, API_WAIT_MS));
    assert_ok(holm_siblings(pair->oslo, K, holm_str("name"), &view));
    assert_int_equal(holm_view_count(view), 1);
    holm_view_free(view);
    assert_text(pair->oslo, "hero:7", "name", "Eve");
}

/* T29 */
static void test_pair_when_keys_and_values_are_odd_then_they_arrive_byte_for_byte(void **state)
{
    static const size_t sizes[] = {1, 511, 512, 1024};
    static unsigned char bytes[1024];
    struct api_pair *pair = *state;
    struct holm_value value;
    uint64_t nan = 0xfff8dead00000001U, minus_zero = 0x8000000000000000U;
    double number;

    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (unsigned char)(i * 7 % 256); /* NUL, and no UTF-8 */
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        size_t field = sizes[i] < 255 ? sizes[i] : 255;

        assert_ok(holm_insert(pair->lisbon, holm_mem(bytes, sizes[i]), holm_mem(bytes, field),
                              holm_mem(bytes, sizes[i])));
    }
    memcpy(&number, &nan, sizeof number);
    assert_ok(holm_put(pair->lisbon, K, holm_str("nan"), holm_double(number)));
    memcpy(&number, &minus_zero, sizeof number);
    assert_ok(holm_put(pair->lisbon, K, holm_str("zero"), holm_double(number)));
    assert_ok(holm_wait_seen(pair->lisbon, NULL, 1, API_WAIT_MS));
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        size_t field = sizes[i] < 255 ? sizes[i] : 255;

        assert_true(holm_contains(pair->oslo, holm_mem(bytes, sizes[i]), holm_mem(bytes, field),
                                  holm_mem(bytes, sizes[i])));
    }
    assert_ok(holm_get(pair->oslo, K, holm_str("nan"), NULL, 0, &value, NULL));
    assert_memory_equal(&value.as.f64, &nan, sizeof nan);
    assert_ok(holm_get(pair->oslo, K, holm_str("zero"), NULL, 0, &value, NULL));
    assert_memory_equal(&value.as.f64, &minus_zero, sizeof minus_zero);
    settle(pair);
}

enum {
    BATCHES = 2000,
    KEYS = 8
};

static void *write_batches(void *context)
{
    struct holm_node *node = context;
    struct holm_op ops[2 * KEYS];
    char keys[KEYS][32];

    for (int k = 0; k < KEYS; k++)
        snprintf(keys[k], sizeof keys[k], "{batch}%d", k);
    for (int i = 1; i <= BATCHES; i++) {
        for (int k = 0; k < KEYS; k++) {
            ops[2 * k] = holm_op_put(holm_str(keys[k]), holm_str("turn"), holm_i64(i));
            /* The sum over all keys stays 0. */
            ops[2 * k + 1] = holm_op_add(holm_str(keys[k]), holm_str("c"),
                                         k < KEYS - 1 ? i : -i * (KEYS - 1));
        }
        if (holm_commit(node, ops, 2 * KEYS, NULL) != HOLM_OK)
            return NULL;
    }
    return context;
}

/* One cut of the partition: the turn of all keys, which must be one, or 0 before the first. */
static int64_t assert_batch_is_whole(struct holm_node *node)
{
    const struct holm_view *view;
    struct holm_scan *scan;
    int64_t turn = 0, sum = 0;
    size_t count = 0;

    assert_ok(holm_scan_open(node, holm_partition(node, holm_str("{batch}")), holm_str("{batch}"),
                             &scan));
    while ((view = holm_scan_next(scan)) != NULL) {
        assert_int_equal(holm_view_count(view), 2);
        sum += holm_view_entry(view, 0)->value.as.i64;
        if (count++ == 0)
            turn = holm_view_entry(view, 1)->value.as.i64;
        assert_true(holm_view_entry(view, 1)->value.as.i64 == turn);
    }
    holm_scan_close(scan);
    assert_true(count == 0 || count == KEYS);
    assert_true(sum == 0);
    return turn;
}

static void test_pair_when_batches_stream_then_the_other_node_never_sees_a_part(void **state)
{
    struct api_pair *pair = *state;
    pthread_t thread;
    void *result;

    assert_int_equal(pthread_create(&thread, NULL, write_batches, pair->lisbon), 0);
    await(assert_batch_is_whole(pair->oslo) == BATCHES);
    assert_int_equal(pthread_join(thread, &result), 0);
    assert_non_null(result);
    assert_true(assert_batch_is_whole(pair->lisbon) == BATCHES);
}

static void test_pair_when_the_other_writes_then_the_watch_wakes_and_names_it(void **state)
{
    struct api_pair *pair = *state;
    struct holm_watch *watch;
    struct holm_change change;

    assert_ok(holm_watch_open(pair->oslo, holm_str("hero:"), 0, &watch));
    assert_ok(holm_enable(pair->lisbon, holm_str("city:1"), holm_str("f")));
    assert_ok(holm_enable(pair->lisbon, K, holm_str("f")));

    struct pollfd fd = {.fd = holm_watch_fd(watch), .events = POLLIN};

    assert_int_equal(poll(&fd, 1, API_WAIT_MS), 1);
    assert_ok(holm_watch_next(watch, &change));
    assert_bytes(change.key, K);
    assert_int_equal(change.origin.value, holm_self(pair->lisbon).node.value);
    assert_true(holm_enabled(pair->oslo, K, holm_str("f")));
    assert_status(holm_watch_next(watch, &change), HOLM_ENOENT);
    holm_watch_close(watch);
}

/* What comes as a whole state, since no op log reaches back to it, is told as an overflow. */
static void test_pair_when_a_state_comes_whole_then_watches_are_told(void **state)
{
    struct holm_config config = api_config("lisbon");
    struct holm_node *lisbon, *oslo = api_open("oslo", NULL, NULL);
    struct holm_watch *watch;
    struct holm_change change;
    static char text[1000];
    bool told[500] = {false};
    int count = 0;

    memset(text, 'x', sizeof text);
    config.listen = "tcp://127.0.0.1:0";
    config.partitions = 16;
    config.log_bytes_max = 65536;
    assert_ok(holm_open(&config, &lisbon));
    for (int i = 0; i < 500; i++) {
        char key[32];

        snprintf(key, sizeof key, "{hero}%d", i);
        assert_ok(
            holm_put(lisbon, holm_str(key), holm_str("f"), holm_bytes_value(text, sizeof text)));
    }
    assert_ok(holm_watch_open(oslo, holm_str("{hero}"), 0, &watch));
    assert_ok(holm_join(oslo, holm_address(lisbon)));
    await(holm_exists(oslo, holm_str("{hero}0")));
    /* Each key is told, or that any may have changed. */
    while (count < 500) {
        struct pollfd fd = {.fd = holm_watch_fd(watch), .events = POLLIN};
        char key[32] = "";
        int i;

        assert_int_equal(poll(&fd, 1, API_WAIT_MS), 1);
        assert_ok(holm_watch_next(watch, &change));
        if (change.overflow)
            break;
        assert_in_range(change.key.size, 7, sizeof key - 1);
        memcpy(key, change.key.data, change.key.size);
        assert_int_equal(sscanf(key, "{hero}%d", &i), 1);
        assert_in_range(i, 0, 499);
        count += !told[i];
        told[i] = true;
    }
    await(api_same(lisbon, oslo));
    holm_watch_close(watch);
    holm_close(oslo);
    holm_close(lisbon);
}

static void test_pair_when_a_receipt_is_waited_for_then_the_other_has_applied_it(void **state)
{
    struct api_pair *pair = *state;

    for (int i = 1; i <= 200; i++) {
        struct holm_op op = holm_op_add(K, holm_str("c"), 1);
        struct holm_receipt receipt;

        assert_ok(holm_commit(pair->lisbon, &op, 1, &receipt));
        assert_ok(holm_wait_seen(pair->lisbon, &receipt, 1, API_WAIT_MS));
        assert_count(pair->oslo, "hero:7", "c", i);
    }
    assert_status(holm_wait_seen(pair->lisbon, NULL, 2, 20), HOLM_ETIMEDOUT);
}

static void test_pair_when_vectors_are_read_then_they_agree(void **state)
{
    struct api_pair *pair = *state;
    struct holm_dot left[3], right[3];
    uint32_t partition = holm_partition(pair->lisbon, K);

    assert_ok(holm_add(pair->lisbon, K, holm_str("c"), 1));
    assert_ok(holm_add(pair->oslo, K, holm_str("c"), 1));
    assert_ok(holm_wait_seen(pair->lisbon, NULL, 1, API_WAIT_MS));
    assert_ok(holm_wait_seen(pair->oslo, NULL, 1, API_WAIT_MS));
    assert_int_equal(holm_vector(pair->lisbon, partition, left, 3), 2);
    assert_int_equal(holm_vector(pair->oslo, partition, right, 3), 2);
    assert_memory_equal(left, right, 2 * sizeof left[0]);
    assert_int_equal(holm_vector(pair->oslo, partition, right, 1), 2);
}

static bool writes_and_has_come(struct holm_node *from, struct holm_node *to)
{
    int64_t sum = 0;

    assert_ok(holm_add(from, K, holm_str("c"), 1));
    return holm_count(to, K, holm_str("c"), &sum) == HOLM_OK;
}

/* Neither knows by which address it is reached; each takes the other's from the link. There are no
 * beacons, so that nothing but broadcasts from the right publisher brings what is written. */
static void test_pair_when_both_listen_everywhere_then_they_find_each_other(void **state)
{
    static const char *const everywhere[] = {"tcp://*:0", "tcp://0.0.0.0:0"};

    for (size_t i = 0; i < 2; i++) {
        char lisbon[128];
        struct api_pair pair;
        struct holm_peer peer;
        struct holm_config config = api_config("lisbon");

        config.listen = everywhere[i];
        config.insecure = true;
        config.beacon_interval_ms = 3600000;
        assert_ok(holm_open(&config, &pair.lisbon));
        snprintf(lisbon, sizeof lisbon, "tcp://127.0.0.1%s",
                 strrchr(holm_address(pair.lisbon), ':'));
        config.name = "oslo";
        config.seeds = lisbon;
        assert_ok(holm_open(&config, &pair.oslo));
        assert_ok(holm_wait_peers(pair.lisbon, 1, API_WAIT_MS));
        assert_ok(holm_wait_peers(pair.oslo, 1, API_WAIT_MS));
        assert_int_equal(holm_peers(pair.oslo, &peer, 1), 1);
        assert_string_equal(peer.address, lisbon);
        assert_int_equal(holm_peers(pair.lisbon, &peer, 1), 1);
        assert_memory_equal(peer.address, "tcp://127.0.0.1:", 16);
        await(writes_and_has_come(pair.lisbon, pair.oslo));
        holm_close(pair.lisbon);
        holm_close(pair.oslo);
    }
}

static void test_fault_when_it_makes_no_sense_then_it_is_refused(void **state)
{
    struct api_pair *pair = *state;
    struct holm_node_id oslo = holm_self(pair->oslo).node;

    assert_status(holm_fault_drop(pair->lisbon, oslo, HOLM_BOTH, 1001), HOLM_EINVAL);
    assert_status(holm_fault_drop(pair->lisbon, oslo, (enum holm_direction)0, 1000), HOLM_EINVAL);
    assert_status(holm_fault_drop(pair->lisbon, oslo, (enum holm_direction)4, 1000), HOLM_EINVAL);
    assert_ok(holm_add(pair->lisbon, K, holm_str("c"), 1));
    assert_ok(holm_wait_seen(pair->lisbon, NULL, 1, API_WAIT_MS));
    for (uint64_t i = 1; i <= 1024; i++) {
        struct holm_node_id id = {i};

        assert_ok(holm_fault_drop(pair->lisbon, id, HOLM_INCOMING, 500));
    }
    assert_status(holm_fault_drop(pair->lisbon, oslo, HOLM_BOTH, 1000), HOLM_ELIMIT);
    holm_fault_heal(pair->lisbon);
    assert_ok(holm_fault_drop(pair->lisbon, oslo, HOLM_BOTH, 0));
}

/* T17 in part: a node whose clock was set back opens under an epoch below one that a peer remembers,
 * and takes a higher one as soon as it hears. What it wrote before must not be forgotten. */
static void test_pair_when_an_epoch_grows_then_what_was_written_before_is_delivered(void **state)
{
    enum {
        RECORDS = 500
    };
    struct holm_node *early = api_open("twin", "tcp://127.0.0.1:0", NULL);
    struct holm_epoch epoch = holm_self(early).epoch;
    struct holm_op op = holm_op_add(holm_str("k"), holm_str(""), 1);
    struct holm_receipt receipt;
    char key[16];

    api_pause(); /* epochs are of milliseconds */
    struct holm_node *late = api_open("twin", "tcp://127.0.0.1:0", NULL);
    struct holm_node *third = api_open("third", "tcp://127.0.0.1:0", holm_address(late));
    assert_ok(holm_wait_peers(third, 1, API_WAIT_MS));
    holm_close(late);
    for (int i = 0; i < RECORDS; i++) {
        (void)snprintf(key, sizeof key, "key%d", i);
        assert_ok(holm_put(early, holm_str(key), holm_str("f"), holm_i64(i)));
    }
    assert_ok(holm_commit(early, &op, 1, &receipt));
    assert_ok(holm_join(early, holm_address(third)));
    await(holm_self(early).epoch.value != epoch.value);
    assert_ok(holm_wait_seen(early, &receipt, 1, API_WAIT_MS));
    assert_true(holm_exists(third, holm_str("k")));
    assert_ok(holm_wait_seen(early, NULL, 1, API_WAIT_MS));
    struct holm_stats stats;
    holm_stats(third, &stats);
    assert_int_equal(stats.records, RECORDS + 1);
    holm_close(early);
    holm_close(third);
}

#define PAIR(test) cmocka_unit_test_setup_teardown(test, api_open_pair, api_close_pair)

int main(void)
{
    const struct CMUnitTest tests[] = {
        PAIR(test_pair_when_both_write_every_kind_then_both_read_the_same),
        PAIR(test_pair_when_a_cut_heals_then_concurrent_writes_come_to_what_is_promised),
        PAIR(test_pair_when_keys_and_values_are_odd_then_they_arrive_byte_for_byte),
        PAIR(test_pair_when_batches_stream_then_the_other_node_never_sees_a_part),
        PAIR(test_pair_when_the_other_writes_then_the_watch_wakes_and_names_it),
        cmocka_unit_test(test_pair_when_an_epoch_grows_then_what_was_written_before_is_delivered),
        cmocka_unit_test(test_pair_when_a_state_comes_whole_then_watches_are_told),
        PAIR(test_pair_when_a_receipt_is_waited_for_then_the_other_has_applied_it),
        PAIR(test_pair_when_vectors_are_read_then_they_agree),
        cmocka_unit_test(test_pair_when_both_listen_everywhere_then_they_find_each_other),
        PAIR(test_fault_when_it_makes_no_sense_then_it_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

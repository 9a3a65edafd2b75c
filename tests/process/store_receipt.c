/* SPDX-License-Identifier: Apache-2.0 */
/*
 * T24: what is said to be on a disk is there, whoever wrote it. oslo has a store, and is asked about what lisbon wrote
 * before it has come; beacons are an hour apart, so that it comes when oslo asks for it.
 *
 *     node lisbon -- tcp -- oslo -- store
 */
#include "api.h"

#define HOUR_MS 3600000u
#define SHORT_MS 300u

static struct {
    char directory[64];
    struct holm_node *lisbon, *oslo;
} pair;

static void open_oslo(const char *seeds)
{
    struct holm_config config = api_config("oslo");
    config.beacon_interval_ms = HOUR_MS;
    config.store = pair.directory;
    config.seeds = seeds;
    assert_ok(holm_open(&config, &pair.oslo));
}

static int open_pair(void **state)
{
    struct holm_config config = api_config("lisbon");
    (void)state;
    (void)snprintf(pair.directory, sizeof pair.directory, "/tmp/holm-receipt-XXXXXX");
    assert_non_null(mkdtemp(pair.directory));
    config.beacon_interval_ms = HOUR_MS;
    config.listen = "tcp://127.0.0.1:0";
    assert_ok(holm_open(&config, &pair.lisbon));
    open_oslo(holm_address(pair.lisbon));
    assert_ok(holm_wait_peers(pair.lisbon, 1, API_WAIT_MS));
    assert_ok(holm_wait_peers(pair.oslo, 1, API_WAIT_MS));
    return 0;
}

static int close_pair(void **state)
{
    char command[96];
    (void)state;
    holm_close(pair.lisbon);
    holm_close(pair.oslo);
    (void)snprintf(command, sizeof command, "rm -r '%s'", pair.directory);
    return system(command);
}

/* A write of one node, and its receipt as the other reads it. */
static struct holm_receipt carry(struct holm_node *writer, struct holm_node *reader)
{
    unsigned char bytes[HOLM_RECEIPT_BYTES];
    struct holm_receipt receipt;
    struct holm_op op = holm_op_add(holm_str("k"), holm_str("n"), 1);
    assert_ok(holm_commit(writer, &op, 1, &receipt));
    assert_ok(holm_receipt_encode(writer, &receipt, bytes));
    assert_ok(holm_receipt_decode(reader, holm_mem(bytes, sizeof bytes), &receipt));
    return receipt;
}

static void test_receipt_when_its_write_has_not_come_then_it_is_on_no_disk_here(void **state)
{
    (void)state;
    assert_ok(holm_fault_drop(pair.oslo, holm_node_id_of("lisbon"), HOLM_INCOMING, 1000));
    struct holm_receipt receipt = carry(pair.lisbon, pair.oslo);
    assert_status(holm_wait_durable(pair.oslo, &receipt, 0), HOLM_ETIMEDOUT);
    assert_status(holm_wait_durable(pair.oslo, &receipt, SHORT_MS), HOLM_ETIMEDOUT);
    assert_ok(holm_wait_durable(pair.oslo, NULL, API_WAIT_MS)); /* what it has, it has */
    holm_fault_heal(pair.oslo);
    assert_ok(holm_wait_durable(pair.oslo, &receipt, API_WAIT_MS));
    holm_close(pair.lisbon);
    holm_close(pair.oslo);
    pair.lisbon = NULL;
    open_oslo(NULL);
    assert_count(pair.oslo, "k", "n", 1);
    assert_ok(holm_wait_durable(pair.oslo, &receipt, API_WAIT_MS));
}

/* Nothing that comes could mend it, so nothing is waited for. */
static void test_receipt_when_there_is_no_store_then_it_is_refused_at_once(void **state)
{
    struct timespec before, after;
    (void)state;
    assert_ok(holm_fault_drop(pair.lisbon, holm_node_id_of("oslo"), HOLM_INCOMING, 1000));
    struct holm_receipt receipt = carry(pair.oslo, pair.lisbon);
    clock_gettime(CLOCK_MONOTONIC, &before);
    assert_status(holm_wait_durable(pair.lisbon, &receipt, API_WAIT_MS), HOLM_EINVAL);
    clock_gettime(CLOCK_MONOTONIC, &after);
    assert_true(after.tv_sec - before.tv_sec < API_WAIT_MS / 2000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            test_receipt_when_its_write_has_not_come_then_it_is_on_no_disk_here, open_pair,
            close_pair),
        cmocka_unit_test_setup_teardown(
            test_receipt_when_there_is_no_store_then_it_is_refused_at_once, open_pair, close_pair),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

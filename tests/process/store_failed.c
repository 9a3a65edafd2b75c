/* SPDX-License-Identifier: Apache-2.0 */
/*
 * T24: what a node whose disk has failed still promises. lisbon has a store, and files that may grow no further; oslo
 * has none. Beacons are an hour apart: what oslo gets it gets because lisbon was asked to see to it.
 *
 *     node lisbon -- tcp -- oslo        in one process, with the limit of file size for a full disk
 */
#include "api.h"

#include <signal.h>
#include <sys/resource.h>

#define HOUR_MS 3600000u
#define FILES_BYTES_MAX ((rlim_t)1 << 20)
#define FILLING_BYTES 200000

static struct {
    char directory[64];
    struct holm_node *lisbon, *oslo;
} pair;

static void limit_files(rlim_t bytes)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = bytes;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static int open_pair(void **state)
{
    struct holm_config lisbon = api_config("lisbon"), oslo = api_config("oslo");
    (void)state;
    (void)snprintf(pair.directory, sizeof pair.directory, "/tmp/holm-failed-XXXXXX");
    assert_non_null(mkdtemp(pair.directory));
    lisbon.store = pair.directory;
    lisbon.listen = "tcp://127.0.0.1:0";
    lisbon.log_level = oslo.log_level = HOLM_LOG_SILENT;
    lisbon.beacon_interval_ms = oslo.beacon_interval_ms = HOUR_MS;
    assert_ok(holm_open(&lisbon, &pair.lisbon));
    oslo.seeds = holm_address(pair.lisbon);
    assert_ok(holm_open(&oslo, &pair.oslo));
    assert_ok(holm_wait_peers(pair.lisbon, 1, API_WAIT_MS));
    assert_ok(holm_wait_peers(pair.oslo, 1, API_WAIT_MS));
    return 0;
}

static int close_pair(void **state)
{
    char command[96];
    (void)state;
    limit_files(RLIM_INFINITY);
    holm_close(pair.lisbon);
    holm_close(pair.oslo);
    (void)snprintf(command, sizeof command, "rm -r '%s'", pair.directory);
    return system(command);
}

static int64_t written_at(struct holm_node *node)
{
    int64_t sum = 0;
    enum holm_status status = holm_count(node, holm_str("k"), holm_str("n"), &sum);
    assert_true(status == HOLM_OK || status == HOLM_ENOENT);
    return sum;
}

/* What is written last before the disk refuses is in memory alone, and oslo hears of none of it. Returns its receipt. */
static struct holm_receipt fill_disk(void)
{
    static char filling[FILLING_BYTES];
    struct holm_receipt receipt, last = {0};
    enum holm_status status = HOLM_OK;
    assert_ok(holm_fault_drop(pair.oslo, holm_node_id_of("lisbon"), HOLM_INCOMING, 1000));
    limit_files(FILES_BYTES_MAX);
    memset(filling, 'x', sizeof filling);
    for (int i = 0; status == HOLM_OK && i < 1000; i++) {
        char field[16];
        (void)snprintf(field, sizeof field, "f%d", i);
        const struct holm_op ops[] = {
            holm_op_put(holm_str("k"), holm_str(field), holm_bytes_value(filling, sizeof filling)),
            holm_op_add(holm_str("k"), holm_str("n"), 1)};
        status = holm_commit(pair.lisbon, ops, 2, &receipt);
        if (status == HOLM_OK) {
            last = receipt;
            (void)!holm_wait_durable(pair.lisbon, &receipt, API_WAIT_MS);
        }
    }
    assert_status(status, HOLM_EIO);
    assert_true(last.count > 0);
    assert_status(holm_wait_durable(pair.lisbon, &last, API_WAIT_MS), HOLM_EIO);
    assert_true(written_at(pair.lisbon) > 0);
    assert_true(written_at(pair.oslo) == 0);
    holm_fault_heal(pair.oslo);
    assert_ok(holm_wait_peers(pair.lisbon, 1, 0)); /* the link has not been given up meanwhile */
    return last;
}

static void test_node_when_its_disk_has_failed_then_waiting_for_others_goes_on(void **state)
{
    unsigned char position[4096];
    size_t size;
    (void)state;
    struct holm_receipt last = fill_disk();
    assert_ok(holm_wait_seen(pair.lisbon, &last, 1, API_WAIT_MS));
    assert_ok(holm_wait_seen(pair.lisbon, NULL, HOLM_ALL, API_WAIT_MS));
    assert_ok(holm_wait_stable(pair.lisbon, &last, API_WAIT_MS));
    assert_ok(holm_wait_stable(pair.lisbon, NULL, API_WAIT_MS));
    assert_status(holm_wait_seen(pair.lisbon, &last, 2, 100), HOLM_ETIMEDOUT);
    assert_ok(holm_wait_heard(pair.lisbon, HOLM_EVERY_PARTITION, 1, API_WAIT_MS));
    assert_ok(holm_position(pair.lisbon, HOLM_EVERY_PARTITION, position, sizeof position, &size));
    assert_ok(holm_wait_reached(pair.oslo, holm_mem(position, size), API_WAIT_MS));
    assert_true(written_at(pair.oslo) == written_at(pair.lisbon));
    /* It takes what others write, though its disk does not. */
    assert_ok(holm_add(pair.oslo, holm_str("theirs"), holm_str("n"), 1));
    assert_ok(holm_wait_seen(pair.oslo, NULL, 1, API_WAIT_MS));
    assert_count(pair.lisbon, "theirs", "n", 1);
    assert_status(holm_wait_durable(pair.lisbon, NULL, API_WAIT_MS), HOLM_EIO);
}

/* oslo hears of it by nothing but lisbon's last words. */
static void test_node_when_its_disk_has_failed_then_closing_tells_what_memory_has(void **state)
{
    (void)state;
    (void)fill_disk();
    int64_t written = written_at(pair.lisbon);
    holm_close(pair.lisbon);
    pair.lisbon = NULL;
    assert_true(written_at(pair.oslo) == written);
}

int main(void)
{
#define FAILED_TEST(name)                                                                          \
    cmocka_unit_test_setup_teardown(test_node_when_its_disk_has_failed_then_##name, open_pair,     \
                                    close_pair)
    const struct CMUnitTest tests[] = {
        FAILED_TEST(waiting_for_others_goes_on),
        FAILED_TEST(closing_tells_what_memory_has),
    };
    (void)signal(SIGXFSZ, SIG_IGN);
    return cmocka_run_group_tests_name("store_failed", tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Opening, closing, addresses, and what a forked child is told. */
#include "api.h"

#include <fcntl.h>

#include <sys/wait.h>

struct said {
    int count;
    char line[600];
};

static void hear(void *context, int level, const char *line)
{
    struct said *said = context;

    if (level == 1)
        said->count++;
    snprintf(said->line, sizeof said->line, "%s", line);
}

static void assert_refused(struct holm_config *config, enum holm_status expected, const char *word)
{
    struct said said = {0};
    struct holm_node *node = (struct holm_node *)&said;

    config->log = hear;
    config->log_context = &said;
    config->log_level = 3;
    assert_status(holm_open(config, &node), expected);
    assert_null(node);
    assert_int_equal(said.count, 1);
    assert_non_null(strstr(said.line, word));
}

static void test_open_when_a_member_is_wrong_then_a_line_says_which(void **state)
{
    struct holm_config config = holm_config_default();

    assert_refused(&config, HOLM_EINVAL, "name");
    config = api_config("");
    assert_refused(&config, HOLM_EINVAL, "name");
    config = api_config("lisbon");
    config.cluster = NULL;
    assert_refused(&config, HOLM_EINVAL, "cluster");
    config = api_config("lisbon");
    config.partitions = 0;
    assert_refused(&config, HOLM_EINVAL, "partitions is 0");
    config.partitions = 1025;
    assert_refused(&config, HOLM_EINVAL, "partitions is 1025");
    config = api_config("lisbon");
    config.frame_bytes_max = 1;
    assert_refused(&config, HOLM_EINVAL, "frame_bytes_max");
    config = api_config("lisbon");
    config.listen = "localhost:7001";
    assert_refused(&config, HOLM_EADDRESS, "listen");
    config = api_config("lisbon");
    config.listen = "tcp://*:0";
    assert_refused(&config, HOLM_EINVAL, "'tcp://*:0' is plain tcp off loopback");
    config = api_config("lisbon");
    config.seeds = "tcp://127.0.0.1:1, tcp://192.0.2.1:1";
    assert_refused(&config, HOLM_EINVAL, "'tcp://192.0.2.1:1' is plain tcp off loopback");
    config = api_config("lisbon");
    config.seeds = "tcp://127.0.0.1:1, nowhere";
    assert_refused(&config, HOLM_EADDRESS, "nowhere");
}

static void test_join_when_plain_tcp_leaves_loopback_then_it_is_refused_unless_insecure(
    void **state)
{
    struct holm_config config = api_config("lisbon");
    struct said said = {0};
    struct holm_node *node;

    config.log = hear;
    config.log_context = &said;
    assert_ok(holm_open(&config, &node));
    assert_status(holm_join(node, "tcp://192.0.2.1:1"), HOLM_EINVAL);
    assert_non_null(strstr(said.line, "tcp://192.0.2.1:1"));
    assert_ok(holm_join(node, "tcp://127.0.0.1:1"));
    holm_close(node);
    config.insecure = true;
    assert_ok(holm_open(&config, &node));
    assert_ok(holm_join(node, "tcp://192.0.2.1:1"));
    holm_close(node);
}

static void test_open_when_the_address_is_in_use_then_it_is_refused(void **state)
{
    struct holm_node *first = api_open("lisbon", "tcp://127.0.0.1:0", NULL);
    struct holm_config config = api_config("oslo");

    assert_non_null(strstr(holm_address(first), "tcp://127.0.0.1:"));
    assert_string_not_equal(holm_address(first), "tcp://127.0.0.1:0");
    config.listen = holm_address(first);
    assert_refused(&config, HOLM_EADDRESS, "tcp://127.0.0.1:");
    holm_close(first);
    holm_close(NULL);
}

/* A dead node's socket is taken over; a file that somebody needs is not. */
static void test_open_when_a_file_stands_at_the_path_then_it_is_left_alone(void **state)
{
    char path[] = "/tmp/holm-file-XXXXXX";
    char listen[64];
    struct holm_config config = api_config("oslo");
    struct stat status;

    int file = mkstemp(path);
    assert_true(file >= 0);
    assert_int_equal(write(file, "precious", 8), 8);
    (void)close(file);
    (void)snprintf(listen, sizeof listen, "ipc://%s", path);
    config.listen = listen;
    assert_refused(&config, HOLM_EADDRESS, "ipc://");
    assert_int_equal(stat(path, &status), 0);
    assert_true(S_ISREG(status.st_mode) && status.st_size == 8);
    (void)unlink(path);
}

static void test_open_when_limits_are_at_their_ends_then_it_works(void **state)
{
    struct holm_config config = api_config("edge");
    struct holm_node *node;

    for (uint32_t partitions = 1; partitions <= 1024; partitions += 1023) {
        config.partitions = partitions;
        config.frame_bytes_max = 65536;
        config.log_bytes_max = 65536;
        config.holdback_bytes_max = 65536;
        config.peers_max = partitions;
        assert_ok(holm_open(&config, &node));
        assert_int_equal(holm_partition_count(node), partitions);
        assert_ok(holm_add(node, holm_str("k"), holm_str("c"), 1));
        assert_count(node, "k", "c", 1);
        holm_close(node);
    }
}

/* Every start is a new epoch, and the id comes from the name. */
static void test_open_when_a_node_comes_back_then_its_epoch_is_higher(void **state)
{
    struct holm_node *node = api_open("lisbon", NULL, NULL);
    struct holm_actor first = holm_self(node);

    assert_int_equal(first.node.value, holm_node_id_of("lisbon").value);
    holm_close(node);
    api_pause();
    node = api_open("lisbon", NULL, NULL);
    assert_int_equal(holm_self(node).node.value, first.node.value);
    assert_true(holm_self(node).epoch.value > first.epoch.value);
    holm_close(node);

    struct holm_config config = api_config("lisbon");

    config.node_id = 42;
    assert_ok(holm_open(&config, &node));
    assert_int_equal(holm_self(node).node.value, 42);
    holm_close(node);
}

static void test_join_when_an_address_is_given_later_then_it_is_dialled(void **state)
{
    struct holm_node *lisbon = api_open("lisbon", "tcp://127.0.0.1:0", NULL);
    struct holm_node *oslo = api_open("oslo", NULL, NULL);

    assert_status(holm_join(oslo, "nowhere"), HOLM_EADDRESS);
    assert_status(holm_join(oslo, ""), HOLM_EADDRESS);
    assert_status(holm_join(oslo, "tcp://127.0.0.1:0"), HOLM_EADDRESS);
    assert_ok(holm_join(oslo, holm_address(lisbon)));
    assert_ok(holm_wait_peers(oslo, 1, API_WAIT_MS));
    assert_ok(holm_wait_peers(lisbon, 1, API_WAIT_MS));

    struct holm_peer peer;

    assert_int_equal(holm_peers(oslo, NULL, 0), 1);
    assert_int_equal(holm_peers(oslo, &peer, 1), 1);
    assert_string_equal(peer.name, "lisbon");
    assert_string_equal(peer.address, holm_address(lisbon));
    assert_int_equal(peer.node.value, holm_self(lisbon).node.value);
    assert_int_equal(peer.epoch.value, holm_self(lisbon).epoch.value);
    assert_int_equal(peer.liveness, HOLM_UP);
    holm_close(oslo);
    holm_close(lisbon);
}

static void test_join_when_there_are_too_many_addresses_then_one_is_refused(void **state)
{
    struct holm_config config = api_config("lisbon");
    struct holm_node *node;
    enum holm_status status = HOLM_OK;
    char address[64];
    int joined = 0;

    config.peers_max = 1;
    config.redial_interval_ms = 3600000;
    assert_ok(holm_open(&config, &node));
    while (status == HOLM_OK && joined < 1000) {
        snprintf(address, sizeof address, "ipc:///nowhere/%d", joined);
        status = holm_join(node, address);
        joined += status == HOLM_OK;
    }
    assert_status(status, HOLM_ELIMIT);
    assert_true(joined >= 1);
    assert_ok(holm_join(node, "ipc:///nowhere/0"));
    holm_close(node);
}

static bool child_cannot_open(void)
{
    struct holm_config config = api_config("child");
    struct holm_node *node;

    config.log_level = 0;
    return holm_open(&config, &node) == HOLM_EFORK && node == NULL;
}

static bool child_is_told(struct holm_node *node, struct holm_watch *watch)
{
    const struct holm_bytes key = holm_str("k"), field = holm_str("f");
    const struct holm_op op = holm_op_bury(key);
    struct holm_value value;
    struct holm_view *view;
    struct holm_scan *scan;
    struct holm_watch *other;
    struct holm_change change;
    struct holm_dot dot;
    struct holm_peer peer;
    struct holm_stats stats;
    int64_t sum;
    const enum holm_status statuses[] = {
        holm_put(node, key, field, holm_i64(1)),
        holm_add(node, key, field, 1),
        holm_reset(node, key, field),
        holm_insert(node, key, field, field),
        holm_erase(node, key, field, field),
        holm_enable(node, key, field),
        holm_disable(node, key, field),
        holm_raise(node, key, field, holm_i64(1)),
        holm_lower(node, key, field, holm_i64(1)),
        holm_remove(node, key, field),
        holm_bury(node, key),
        holm_commit(node, &op, 1, NULL),
        holm_get(node, key, field, NULL, 0, &value, NULL),
        holm_get_max(node, key, field, NULL, 0, &value, NULL),
        holm_get_min(node, key, field, NULL, 0, &value, NULL),
        holm_count(node, key, field, &sum),
        holm_read(node, key, &view),
        holm_read_field(node, key, field, &view),
        holm_siblings(node, key, field, &view),
        holm_scan_open(node, 0, key, &scan),
        holm_watch_open(node, key, 0, &other),
        holm_watch_next(watch, &change),
        holm_wait_peers(node, 0, 0),
        holm_wait_seen(node, NULL, 0, 0),
        holm_join(node, "tcp://127.0.0.1:1"),
        holm_fault_drop(node, holm_node_id_of("x"), HOLM_BOTH, 1000),
    };

    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++)
        if (statuses[i] != HOLM_EFORK) {
            fprintf(stderr, "call %zu: %s\n", i, holm_status_name(statuses[i]));
            return false;
        }
    holm_fault_heal(node);
    holm_watch_close(watch);
    holm_stats(node, &stats);
    return !holm_enabled(node, key, field) && !holm_contains(node, key, field, field) &&
           !holm_exists(node, key) && !holm_buried(node, key) && holm_partition(node, key) == 0 &&
           holm_partition_count(node) == 0 && holm_vector(node, 0, &dot, 1) == 0 &&
           holm_peers(node, &peer, 1) == 0 && stats.operations == 0 &&
           holm_self(node).node.value == 0 && holm_address(node) == NULL &&
           holm_watch_fd(watch) == -1;
}

static void test_fork_when_a_child_uses_the_node_then_it_is_told_and_the_parent_goes_on(
    void **state)
{
    struct holm_node *node = api_open("lisbon", "tcp://127.0.0.1:0", NULL);
    struct holm_watch *watch;
    struct holm_view *view;

    assert_ok(holm_enable(node, holm_str("k"), holm_str("f")));
    assert_ok(holm_watch_open(node, holm_str(""), 0, &watch));
    assert_ok(holm_read(node, holm_str("k"), &view));

    pid_t child = fork();

    if (child == 0) {
        bool told = child_is_told(node, watch) && child_cannot_open() && holm_view_count(view) == 1;

        holm_close(node);
        _exit(told ? 0 : 1);
    }

    int status = -1;

    assert_true(child > 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_ok(holm_add(node, holm_str("k"), holm_str("c"), 1));
    assert_count(node, "k", "c", 1);
    holm_view_free(view);
    holm_watch_close(watch);
    holm_close(node);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_open_when_a_member_is_wrong_then_a_line_says_which),
        cmocka_unit_test(
            test_join_when_plain_tcp_leaves_loopback_then_it_is_refused_unless_insecure),
        cmocka_unit_test(test_open_when_the_address_is_in_use_then_it_is_refused),
        cmocka_unit_test(test_open_when_a_file_stands_at_the_path_then_it_is_left_alone),
        cmocka_unit_test(test_open_when_limits_are_at_their_ends_then_it_works),
        cmocka_unit_test(test_open_when_a_node_comes_back_then_its_epoch_is_higher),
        cmocka_unit_test(test_join_when_an_address_is_given_later_then_it_is_dialled),
        cmocka_unit_test(test_join_when_there_are_too_many_addresses_then_one_is_refused),
        cmocka_unit_test(
            test_fork_when_a_child_uses_the_node_then_it_is_told_and_the_parent_goes_on),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

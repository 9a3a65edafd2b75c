/* SPDX-License-Identifier: Apache-2.0 */
/* The figures of two nodes as Prometheus reads them: their format, and that they are those of holm_stats(). */
#include "tests/process/api.h"
#include "tests/process/prometheus.h"

#define KEYS 40

static char *metrics_of(struct holm_node *node, size_t *size)
{
    char *text = NULL;
    size_t capacity = 0;
    while (holm_metrics(node, text, capacity, size) == HOLM_ESPACE) {
        capacity = *size + *size / 8;
        text = realloc(text, capacity + 1);
        assert_non_null(text);
    }
    assert_true(*size > 0 && *size <= capacity);
    text[*size] = '\0';
    return text;
}

static double value_of(struct holm_node *node, const char *series)
{
    size_t size;
    char *text = metrics_of(node, &size);
    double value = prometheus_value(text, series);
    free(text);
    return value;
}

static void fill(const struct api_pair *pair)
{
    char key[16];
    for (int i = 0; i < KEYS; i++) {
        snprintf(key, sizeof key, "k%d", i);
        assert_ok(holm_add(pair->lisbon, holm_str(key), holm_str("n"), 1));
    }
    assert_ok(holm_bury(pair->lisbon, holm_str("dead")));
    assert_ok(holm_wait_seen(pair->lisbon, NULL, 1, API_WAIT_MS));
    await(api_same(pair->lisbon, pair->oslo));
}

static void test_metrics_when_two_nodes_work_then_the_format_is_kept(void **state)
{
    const struct api_pair *pair = *state;
    size_t size;
    fill(pair);
    char *text = metrics_of(pair->lisbon, &size);
    prometheus_check(text, size);
    free(text);
}

static void test_metrics_when_promtool_looks_then_it_has_nothing_to_say(void **state)
{
    const struct api_pair *pair = *state;
    char said[4096];
    size_t size;
    char *text = metrics_of(pair->oslo, &size);
    bool asked = promtool("check metrics", text, size, said);
    free(text);
    if (!asked) {
        print_message("promtool (package prometheus) is not there: only the own check was made\n");
        skip();
    }
    assert_string_equal(said, "exit 0\n");
}

static size_t read_file(const char *path, char *text, size_t capacity)
{
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    size_t size = fread(text, 1, capacity - 1, file);
    (void)fclose(file);
    text[size] = '\0';
    return size;
}

/* Every family that an alert of docs/alerts.yml names is there, and OPERATIONS.md tells of every alert. */
static void test_metrics_when_alerts_name_them_then_they_are_there(void **state)
{
    const struct api_pair *pair = *state;
    static char rules[16384], page[65536];
    char said[4096];
    size_t size, alerts = 0;
    size_t rules_size = read_file(HOLM_SOURCE_DIR "/docs/alerts.yml", rules, sizeof rules);
    read_file(HOLM_SOURCE_DIR "/docs/OPERATIONS.md", page, sizeof page);
    char *text = metrics_of(pair->oslo, &size);
    for (const char *at = strstr(rules, "holm_"); at != NULL; at = strstr(at + 1, "holm_")) {
        char head[128];
        snprintf(head, sizeof head, "# TYPE %.*s ",
                 (int)strspn(at, "abcdefghijklmnopqrstuvwxyz_0123456789"), at);
        if (strstr(text, head) == NULL)
            fail_msg("an alert names what is not there: %s", head);
    }
    free(text);
    for (const char *at = strstr(rules, "alert: "); at != NULL; at = strstr(at + 1, "alert: ")) {
        char row[128];
        snprintf(row, sizeof row, "\n| %.*s |", (int)strcspn(at + 7, "\n"), at + 7);
        if (strstr(page, row) == NULL)
            fail_msg("OPERATIONS.md has no row %s", row);
        alerts++;
    }
    assert_int_equal(alerts, 14);
    if (!promtool("check rules " HOLM_SOURCE_DIR "/docs/alerts.yml", rules, rules_size, said)) {
        print_message("promtool (package prometheus) is not there: only the names were checked\n");
        skip();
    }
    char found[48];
    snprintf(found, sizeof found, "SUCCESS: %zu rules found", alerts);
    if (strstr(said, found) == NULL)
        fail_msg("promtool does not say \"%s\", but: %s", found, said);
}

static void peer_series(const char *name, const char *peer, char series[128])
{
    snprintf(series, 128, "holm_peer_%s{id=\"%016llx\",peer=\"%s\"}", name,
             (unsigned long long)holm_node_id_of(peer).value, peer);
}

/* What is broadcast meanwhile, oslo has to pull. */
static void make_pull(const struct api_pair *pair)
{
    char lag[128];
    struct holm_stats before, stats;
    peer_series("lag_operations", "oslo", lag);
    holm_stats(pair->oslo, &before);
    assert_ok(holm_fault_drop(pair->oslo, holm_node_id_of("lisbon"), HOLM_INCOMING, 1000));
    assert_ok(holm_add(pair->lisbon, holm_str("k1"), holm_str("n"), 1));
    await(value_of(pair->lisbon, lag) >= 1);
    api_pause();
    holm_fault_heal(pair->oslo);
    await(api_same(pair->lisbon, pair->oslo));
    holm_stats(pair->oslo, &stats);
    assert_true(stats.pulls > before.pulls);
}

static void test_metrics_when_nothing_moves_then_they_are_what_stats_say(void **state)
{
    const struct api_pair *pair = *state;
    struct holm_stats stats;
    size_t size;
    fill(pair);
    make_pull(pair);
    holm_stats(pair->oslo, &stats);
    char *text = metrics_of(pair->oslo, &size);
    const struct {
        const char *family;
        uint64_t expected;
    } sums[] = {
        {"holm_partition_records", stats.records},
        {"holm_partition_tombstones", stats.tombstones},
        {"holm_partition_operations_total", stats.operations},
        {"holm_partition_deltas_applied_total", stats.deltas_applied},
        {"holm_partition_held_deltas", stats.deltas_held},
        {"holm_partition_state_bytes", stats.state_bytes},
        {"holm_partition_oplog_bytes", stats.log_bytes},
        {"holm_partition_pulls_total", stats.pulls},
        {"holm_partition_syncs_total", stats.syncs},
        {"holm_partition_digest_breaches_total", stats.digest_breaches},
        {"holm_partition_collected_total", stats.collected},
        {"holm_peer_up", stats.peers_up},
        {"holm_peer_pulls_total", stats.pulls},
    };
    assert_true(stats.records == KEYS && stats.tombstones == 1 && stats.peers_up == 1);
    assert_true(stats.pulls > 0);
    for (size_t i = 0; i < sizeof sums / sizeof *sums; i++) {
        double sum = prometheus_sum(text, sums[i].family);
        if (sum < (double)sums[i].expected || sum > (double)sums[i].expected)
            fail_msg("%s is %f, and %llu in stats", sums[i].family, sum,
                     (unsigned long long)sums[i].expected);
    }
    assert_true(prometheus_value(text, "holm_peers_up") > 0);
    free(text);
}

/* Nothing gets from lisbon to oslo; the link stands until it times out. */
static void test_metrics_when_a_peer_is_cut_off_then_its_lag_grows_and_goes(void **state)
{
    const struct api_pair *pair = *state;
    char lag[128], seconds[128], up[128];
    peer_series("lag_operations", "oslo", lag);
    peer_series("lag_seconds", "oslo", seconds);
    peer_series("up", "oslo", up);
    fill(pair);
    await(value_of(pair->lisbon, lag) <= 0);
    assert_true(value_of(pair->lisbon, seconds) <= 0);
    struct holm_node_id lisbon = holm_node_id_of("lisbon");
    assert_ok(holm_fault_drop(pair->oslo, lisbon, HOLM_INCOMING, 1000));
    for (int i = 0; i < 3; i++)
        assert_ok(holm_add(pair->lisbon, holm_str("k1"), holm_str("n"), 1));
    await(value_of(pair->lisbon, lag) >= 3);
    await(value_of(pair->lisbon, seconds) >= 0.2);
    assert_true(value_of(pair->lisbon, lag) <= 3);
    await(value_of(pair->lisbon, up) <= 0);
    assert_true(value_of(pair->lisbon, lag) <= 0);
    holm_fault_heal(pair->oslo);
    await(value_of(pair->lisbon, up) >= 1);
    await(value_of(pair->lisbon, lag) <= 0 && api_same(pair->lisbon, pair->oslo));
}

static void say_nothing(void *context, int level, const char *line)
{
    (void)context;
    (void)level;
    (void)line;
}

/* A node alone, with a store, and with a watch whose reader is slow. */
static void test_metrics_when_there_are_a_store_and_a_watch_then_they_are_told_of(void **state)
{
    (void)state;
    char folder[] = "/tmp/holm-metrics-XXXXXX", path[64];
    struct holm_config config = api_config("kept");
    struct holm_node *node;
    struct holm_watch *watch;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/store", folder);
    config.store = path;
    config.log = say_nothing;
    config.log_level = HOLM_LOG_ERROR;
    assert_ok(holm_open(&config, &node));
    assert_true(value_of(node, "holm_watches") <= 0 && value_of(node, "holm_log_lines_total") <= 0);
    assert_ok(holm_watch_open(node, holm_str("k"), 2, &watch));
    assert_ok(holm_put(node, holm_str("k1"), holm_str("f"), holm_i64(1)));
    assert_ok(holm_put(node, holm_str("k2"), holm_str("f"), holm_i64(1)));
    assert_true(value_of(node, "holm_watches") >= 1 && value_of(node, "holm_watch_keys") >= 2);
    assert_true(value_of(node, "holm_watch_overflows_total") <= 0);
    assert_ok(holm_put(node, holm_str("k3"), holm_str("f"), holm_i64(1)));
    assert_true(value_of(node, "holm_watch_overflows_total") >= 1);
    assert_true(value_of(node, "holm_watch_keys") <= 0);
    assert_ok(holm_wait_durable(node, NULL, API_WAIT_MS));
    assert_true(value_of(node, "holm_store_enabled") >= 1);
    assert_true(value_of(node, "holm_store_file_bytes") >= 4096);
    assert_true(value_of(node, "holm_store_queue_bytes") <= 0);
    for (int i = 0; i < 25; i++)
        assert_status(holm_join(node, "tcp://192.0.2.1:7"), HOLM_EINVAL);
    assert_int_equal((int)value_of(node, "holm_log_lines_total"), 20);
    assert_int_equal((int)value_of(node, "holm_log_suppressed_total"), 5);
    holm_watch_close(watch);
    assert_true(value_of(node, "holm_watches") <= 0);
    holm_close(node);
    snprintf(path, sizeof path, "rm -rf %s", folder);
    assert_int_equal(system(path), 0);
}

static void test_metrics_when_the_buffer_is_small_then_what_fits_is_written(void **state)
{
    const struct api_pair *pair = *state;
    char buffer[64];
    size_t size;
    memset(buffer, '#', sizeof buffer);
    assert_status(holm_metrics(pair->oslo, buffer, 40, &size), HOLM_ESPACE);
    assert_true(size > 4000);
    assert_memory_equal(buffer, "# HELP holm_node_info Who this is.\n# TYP", 40);
    assert_true(buffer[40] == '#' && buffer[41] == '#');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_metrics_when_two_nodes_work_then_the_format_is_kept),
        cmocka_unit_test(test_metrics_when_promtool_looks_then_it_has_nothing_to_say),
        cmocka_unit_test(test_metrics_when_alerts_name_them_then_they_are_there),
        cmocka_unit_test(test_metrics_when_nothing_moves_then_they_are_what_stats_say),
        cmocka_unit_test(test_metrics_when_there_are_a_store_and_a_watch_then_they_are_told_of),
        cmocka_unit_test(test_metrics_when_the_buffer_is_small_then_what_fits_is_written),
        cmocka_unit_test(test_metrics_when_a_peer_is_cut_off_then_its_lag_grows_and_goes),
    };
    return cmocka_run_group_tests(tests, api_open_pair, api_close_pair);
}

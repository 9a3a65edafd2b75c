/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever a peer calls itself, the text is one that Prometheus reads. */
#include "node/metrics.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "tests/process/prometheus.h"

static void print_peer(const char *name, char text[65536])
{
    struct holm_metrics_partition partition = {.collected = 3};
    struct holm_metrics_peer peer = {.up = 1, .lag.theirs_us = 1500000};
    struct holm_metrics metrics = {
        .partitions = &partition, .partition_count = 1, .peers = &peer, .peer_count = 1};
    peer.peer.node.value = 0xa1;
    (void)snprintf(peer.peer.name, sizeof peer.peer.name, "%s", name);
    size_t size = holm_metrics_print(&metrics, text, 65535);
    assert_in_range(size, 1, 65535);
    text[size] = '\0';
    prometheus_check(text, size);
}

static void assert_label(const char *name, const char *label)
{
    static char text[65536];
    char series[256];
    print_peer(name, text);
    snprintf(series, sizeof series, "holm_peer_lag_seconds{id=\"00000000000000a1\",peer=\"%s\"}",
             label);
    double value = prometheus_value(text, series);
    assert_true(value >= 1.5 && value <= 1.5);
}

static void test_metrics_when_a_peer_has_an_odd_name_then_its_label_is_valid(void **state)
{
    (void)state;
    assert_label("oslo", "oslo");
    assert_label("a\"b\\c\nd", "a\\\"b\\\\c\\nd");
    assert_label("\"} 1\nholm_fake 1", "\\\"} 1\\nholm_fake 1");
    assert_label("T\xc3\xb3kyo \xf0\x9f\x8f\x9d", "T\xc3\xb3kyo \xf0\x9f\x8f\x9d");
    assert_label("\xff\x41", "\xef\xbf\xbd\x41");
    assert_label("\xe2\x82", "\xef\xbf\xbd\xef\xbf\xbd");
    assert_label("\xc0\xaf\xed\xa0\x80",
                 "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
}

static void test_metrics_when_there_are_no_peers_then_their_families_are_left_out(void **state)
{
    (void)state;
    static char text[65536];
    struct holm_metrics_partition partitions[2] = {{.collected = 3}, {.collected = 4}};
    struct holm_metrics metrics = {.partitions = partitions, .partition_count = 2};
    size_t size = holm_metrics_print(&metrics, text, 65535);
    text[size] = '\0';
    prometheus_check(text, size);
    assert_null(strstr(text, "holm_peer_"));
    assert_true(prometheus_sum(text, "holm_partition_collected_total") >= 7);
    assert_int_equal(holm_metrics_print(&metrics, NULL, 0), size);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_metrics_when_a_peer_has_an_odd_name_then_its_label_is_valid),
        cmocka_unit_test(test_metrics_when_there_are_no_peers_then_their_families_are_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

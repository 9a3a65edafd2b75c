/* SPDX-License-Identifier: Apache-2.0 */
#include "node/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static struct holm_config good(void)
{
    struct holm_config config = holm_config_default();

    config.name = "lisbon";
    return config;
}

static void assert_good(const struct holm_config *config)
{
    char line[200] = "x";

    assert_int_equal(holm_config_check(config, line, sizeof line), HOLM_OK);
    assert_string_equal(line, "");
}

static void assert_bad(const struct holm_config *config, enum holm_status status,
                       const char *expected)
{
    char line[200] = "";

    assert_int_equal(holm_config_check(config, line, sizeof line), status);
    assert_string_equal(line, expected);
}

static void test_config_when_default_then_only_the_name_is_missing(void **state)
{
    struct holm_config config = holm_config_default();

    assert_bad(&config, HOLM_EINVAL,
               "config: name is missing; it must have 1 to 63 bytes, none of them control");
    config.name = "lisbon";
    assert_good(&config);
}

static void test_config_when_a_name_is_wrong_then_the_line_says_which(void **state)
{
    struct holm_config config = good();
    char name[65];

    memset(name, 'n', sizeof name);
    name[63] = '\0';
    config.name = name;
    assert_good(&config);
    name[63] = 'n';
    name[64] = '\0';
    assert_bad(&config, HOLM_EINVAL,
               "config: name is not a name; it must have 1 to 63 bytes, none of them control");
    config.name = "two\nlines";
    assert_bad(&config, HOLM_EINVAL,
               "config: name is not a name; it must have 1 to 63 bytes, none of them control");
    config.name = "L\xc3\xadsbon";
    assert_good(&config);
    config.cluster = "";
    assert_bad(&config, HOLM_EINVAL,
               "config: cluster is empty; it must have 1 to 63 bytes, none of them control");
}

static void test_config_when_a_number_is_out_of_range_then_the_line_says_the_range(void **state)
{
    struct holm_config config = good();

    config.partitions = 0;
    assert_bad(&config, HOLM_EINVAL, "config: partitions is 0; allowed is 1 to 1024");
    config.partitions = 1025;
    assert_bad(&config, HOLM_EINVAL, "config: partitions is 1025; allowed is 1 to 1024");
    config.partitions = 1024;
    assert_good(&config);
    config.frame_bytes_max = 65535;
    assert_bad(&config, HOLM_EINVAL,
               "config: frame_bytes_max is 65535; allowed is 65536 to 67108864");
    config = good();
    config.log_level = HOLM_LOG_DEBUG;
    assert_good(&config);
    config.log_level = HOLM_LOG_DEBUG + 1;
    assert_bad(&config, HOLM_EINVAL, "config: log_level is 5; allowed is 0 to 4");
    config.log_level = -1;
    assert_bad(&config, HOLM_EINVAL, "config: log_level is -1; allowed is 0 to 4");
}

/* Each member by itself: a range that nobody looks at would pass a zero. */
static void test_config_when_any_number_is_zero_then_it_is_refused_but_drift_and_id(void **state)
{
    struct holm_config config = good();
    char line[200];

#define ASSERT_ZERO_REFUSED(member)                                                                \
    do {                                                                                           \
        config = good();                                                                           \
        config.member = 0;                                                                         \
        assert_int_equal(holm_config_check(&config, line, sizeof line), HOLM_EINVAL);              \
        assert_non_null(strstr(line, "config: " #member " is 0; allowed is "));                    \
    } while (0)
    ASSERT_ZERO_REFUSED(partitions);
    ASSERT_ZERO_REFUSED(flush_interval_us);
    ASSERT_ZERO_REFUSED(beacon_interval_ms);
    ASSERT_ZERO_REFUSED(link_timeout_ms);
    ASSERT_ZERO_REFUSED(redial_interval_ms);
    ASSERT_ZERO_REFUSED(resolve_interval_ms);
    ASSERT_ZERO_REFUSED(frame_bytes_max);
    ASSERT_ZERO_REFUSED(log_bytes_max);
    ASSERT_ZERO_REFUSED(holdback_bytes_max);
    ASSERT_ZERO_REFUSED(unacked_bytes_max);
    ASSERT_ZERO_REFUSED(lag_ms);
    ASSERT_ZERO_REFUSED(peers_max);
#undef ASSERT_ZERO_REFUSED
    config = good();
    config.max_drift_ms = 0;
    config.hearsay_ms = 0;
    config.node_id = 0;
    config.log_level = 0;
    assert_good(&config);
}

/* Two halves of a split may have nothing of each other but what they were told. */
static void test_config_when_nothing_is_said_then_members_are_retried_for_ever(void **state)
{
    struct holm_config config = good();
    struct holm_engine_config engine;
    holm_config_engine(&config, &engine);
    assert_int_equal(config.hearsay_ms, 0);
    assert_int_equal(engine.hearsay_us, 0);
    config.hearsay_ms = 7;
    holm_config_engine(&config, &engine);
    assert_int_equal(engine.hearsay_us, 7000);
    (void)state;
}

static void test_config_when_an_address_is_wrong_then_the_line_shows_it(void **state)
{
    struct holm_config config = good();

    config.listen = "tcp://127.0.0.1:0";
    config.seeds = "tcp://127.0.0.1:7001, ipc:///tmp/holm";
    assert_good(&config);
    config.seeds = "tcp://127.0.0.1:7001 localhost:1";
    assert_bad(&config, HOLM_EADDRESS,
               "config: seeds has 'localhost:1'; write tcp://HOST:PORT or ipc:///PATH");
    config.listen = "";
    assert_bad(&config, HOLM_EADDRESS,
               "config: listen has ''; write tcp://HOST:PORT or ipc:///PATH");
}

static void test_config_when_plain_tcp_leaves_loopback_then_it_is_refused_unless_insecure(
    void **state)
{
    struct holm_config config = good();

    config.listen = "tcp://0.0.0.0:7000";
    assert_bad(
        &config, HOLM_EINVAL,
        "config: listen: 'tcp://0.0.0.0:7000' is plain tcp off loopback, open to all on the way; "
        "write tls+tcp://, or set insecure");
    config.listen = "ipc:///tmp/holm";
    config.seeds = "tcp://127.0.0.1:1 tcp://10.0.0.1:1,ipc:///tmp/b";
    assert_bad(
        &config, HOLM_EINVAL,
        "config: seeds: 'tcp://10.0.0.1:1' is plain tcp off loopback, open to all on the way; "
        "write tls+tcp://, or set insecure");
    config.insecure = true;
    config.listen = "tcp://*:7000";
    assert_good(&config);
}

static void test_config_when_certificates_are_given_by_half_then_it_is_refused(void **state)
{
    struct holm_config config = good();

    config.tls_certificate = "node.crt";
    config.tls_ca = "ca.crt";
    assert_bad(
        &config, HOLM_EINVAL,
        "config: tls_key is missing; write tls_certificate, tls_key and tls_ca, or none of them");
    config.tls_key = "";
    assert_bad(
        &config, HOLM_EINVAL,
        "config: tls_key is missing; write tls_certificate, tls_key and tls_ca, or none of them");
    config.tls_key = "node.key";
    config.listen = "tls+tcp://*:7000";
    config.seeds = "tls+tcp://10.0.0.1:7000 ipc:///tmp/b";
    assert_good(&config);
    config.seeds = "tcp://127.0.0.1:1";
    assert_bad(&config, HOLM_EINVAL,
               "config: seeds: 'tcp://127.0.0.1:1' is plain tcp, and there is a certificate; "
               "write tls+tcp://, or set insecure");
    config.insecure = true;
    assert_good(&config);
    config = good();
    config.listen = "tls+tcp://127.0.0.1:0";
    assert_bad(&config, HOLM_EINVAL,
               "config: listen: 'tls+tcp://127.0.0.1:0' needs tls_certificate, tls_key and tls_ca");
    config.insecure = true;
    assert_bad(&config, HOLM_EINVAL,
               "config: listen: 'tls+tcp://127.0.0.1:0' needs tls_certificate, tls_key and tls_ca");
}

static void test_config_when_the_line_has_little_room_then_it_is_cut(void **state)
{
    struct holm_config config = holm_config_default();
    char line[8];

    assert_int_equal(holm_config_check(&config, line, sizeof line), HOLM_EINVAL);
    assert_string_equal(line, "config:");
    assert_int_equal(holm_config_check(&config, NULL, 0), HOLM_EINVAL);
}

static void test_config_when_the_pages_have_no_address_then_the_line_shows_it(void **state)
{
    static const char *const wrong[] = {"",
                                        "nonsense",
                                        "https://127.0.0.1:9464",
                                        "http://127.0.0.1",
                                        "http://127.0.0.1:0",
                                        "http://:9464",
                                        "http://127.0.0.1:9464/somewhere"};
    static const char *const right[] = {"http://127.0.0.1:9464", "http://127.0.0.1:9464/",
                                        "http://[::1]:9464", "http://localhost:9464",
                                        "http://*:9464"};
    struct holm_config config = good();
    char expected[200];

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        config.http = wrong[i];
        snprintf(expected, sizeof expected, "config: http has '%s'; write http://HOST:PORT",
                 wrong[i]);
        assert_bad(&config, HOLM_EADDRESS, expected);
    }
    for (size_t i = 0; i < sizeof right / sizeof right[0]; i++) {
        config.http = right[i];
        assert_good(&config);
    }
}

static void test_config_when_nothing_is_collected_then_nobody_founds_or_is_forgotten(void **state)
{
    struct holm_config config = good();

    (void)state;
    config.founds = true;
    assert_bad(&config, HOLM_EINVAL, "config: founds is set; it needs retention stable");
    config.retention = HOLM_RETENTION_STABLE;
    config.forget_after_ms = 1;
    assert_good(&config);
    config.founds = false;
    config.retention = HOLM_RETENTION_FOREVER;
    assert_bad(&config, HOLM_EINVAL, "config: forget_after_ms is set; it needs retention stable");
    config.forget_after_ms = (uint64_t)1 << 48;
    assert_bad(&config, HOLM_EINVAL,
               "config: forget_after_ms is 281474976710656; allowed is 0 to 281474976710655");
    config.forget_after_ms = 0;
    config.retention = (enum holm_retention)2;
    assert_bad(&config, HOLM_EINVAL, "config: retention is 2; allowed is 0 or 1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_config_when_default_then_only_the_name_is_missing),
        cmocka_unit_test(test_config_when_a_name_is_wrong_then_the_line_says_which),
        cmocka_unit_test(test_config_when_a_number_is_out_of_range_then_the_line_says_the_range),
        cmocka_unit_test(test_config_when_any_number_is_zero_then_it_is_refused_but_drift_and_id),
        cmocka_unit_test(test_config_when_nothing_is_said_then_members_are_retried_for_ever),
        cmocka_unit_test(test_config_when_an_address_is_wrong_then_the_line_shows_it),
        cmocka_unit_test(test_config_when_the_pages_have_no_address_then_the_line_shows_it),
        cmocka_unit_test(test_config_when_certificates_are_given_by_half_then_it_is_refused),
        cmocka_unit_test(
            test_config_when_plain_tcp_leaves_loopback_then_it_is_refused_unless_insecure),
        cmocka_unit_test(test_config_when_the_line_has_little_room_then_it_is_cut),
        cmocka_unit_test(test_config_when_nothing_is_collected_then_nobody_founds_or_is_forgotten),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

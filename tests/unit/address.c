/* SPDX-License-Identifier: Apache-2.0 */
#include "node/address.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static void test_address_when_it_is_well_formed_then_it_is_valid(void **state)
{
    static const char *const good[] = {
        "tcp://127.0.0.1:7001",     "tcp://localhost:1", "tcp://*:65535",    "tcp://[::1]:7001",
        "tcp://some.host.lan:7001", "ipc:///tmp/a",      "tls+tcp://*:7001", "tls+tcp://h:1",
    };

    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_true(holm_address_valid(holm_str(good[i]), false));
        assert_true(holm_address_valid(holm_str(good[i]), true));
    }
}

static void test_address_when_it_is_malformed_then_it_is_refused(void **state)
{
    static const char *const bad[] = {
        "",
        "x",
        "tcp://",
        "tcp://:7001",
        "tcp://host",
        "tcp://host:",
        "tcp://host:65536",
        "tcp://host:123456",
        "tcp://host:7x",
        "tcp://host:-1",
        "tcp://::1:7001",
        "tcp://[]:7001",
        "tcp://[::1:7001",
        "tcp://a b:7001",
        "udp://host:7001",
        "tls+tcp://",
        "tls+tcp://:1",
        "tls+ipc:///tmp/a",
        "tls+host:1",
        "ipc://relative",
        "ipc:///",
        "ipc:///tmp/a\n",
        "inproc://a",
        "127.0.0.1:7001",
    };

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(holm_address_valid(holm_str(bad[i]), false));
        assert_false(holm_address_valid(holm_str(bad[i]), true));
    }
}

static void test_address_when_the_port_is_zero_then_it_is_for_listening_alone(void **state)
{
    assert_true(holm_address_valid(holm_str("tcp://127.0.0.1:0"), true));
    assert_false(holm_address_valid(holm_str("tcp://127.0.0.1:0"), false));
}

static void test_address_when_it_is_long_then_it_must_leave_room_for_its_end(void **state)
{
    char address[129];

    memset(address, 'a', sizeof address);
    memcpy(address, "ipc:///", 7);
    assert_true(holm_address_valid(holm_mem(address, 127), false));
    assert_false(holm_address_valid(holm_mem(address, 128), false));
}

static void assert_replaced(const char *address, const char *host, const char *expected)
{
    char result[HOLM_ADDRESS_BYTES_MAX + 1];

    assert_true(holm_address_is_wildcard(holm_str(address)));
    holm_address_with_host(result, holm_str(address), host);
    assert_string_equal(result, expected);
}

static void test_address_when_the_host_is_a_wildcard_then_another_takes_its_place(void **state)
{
    static const char *const hosts[] = {"tcp://0.0.0.1:1", "tcp://[::1]:1", "tcp://a*:1", "",
                                        "tcp://"};

    for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++)
        assert_false(holm_address_is_wildcard(holm_str(hosts[i])));
    assert_replaced("tcp://*:7000", "10.0.0.7", "tcp://10.0.0.7:7000");
    assert_replaced("tcp://0.0.0.0:65535", "[fd00::7]", "tcp://[fd00::7]:65535");
    assert_replaced("tcp://[::]:1", "h", "tcp://h:1");
    assert_replaced("tls+tcp://*:7000", "10.0.0.7", "tls+tcp://10.0.0.7:7000");
    assert_replaced("tcp://*:1", "", "");

    char address[129] = "tcp://*:";

    memset(address + 8, '1', 120);
    assert_replaced(address, "h.lan", ""); /* four bytes too many */
}

/* Nothing that a resolver could take elsewhere passes for loopback. */
static void test_address_when_it_is_plain_tcp_off_loopback_then_it_is_exposed(void **state)
{
    static const char *const hidden[] = {"tcp://127.0.0.1:1", "tcp://127.255.255.254:1",
                                         "tcp://localhost:1", "tcp://[::1]:1",
                                         "ipc:///tmp/a",      "tls+tcp://10.0.0.1:1"};
    static const char *const exposed[] = {"tcp://10.0.0.1:1",
                                          "tcp://*:1",
                                          "tcp://0.0.0.0:1",
                                          "tcp://[::]:1",
                                          "tcp://127.0.0.1.evil.se:1",
                                          "tcp://127.1:1",
                                          "tcp://127.:1",
                                          "tcp://127.0.0:1",
                                          "tcp://127.0.0.0.1:1",
                                          "tcp://localhost.:1",
                                          "tcp://128.0.0.1:1",
                                          "tcp://1270.0.0.1:1",
                                          "tcp://[::ffff:127.0.0.1]:1",
                                          "tcp://:1",
                                          "tcp://"};

    for (size_t i = 0; i < sizeof hidden / sizeof hidden[0]; i++)
        assert_false(holm_address_is_exposed(holm_str(hidden[i])));
    for (size_t i = 0; i < sizeof exposed / sizeof exposed[0]; i++)
        assert_true(holm_address_is_exposed(holm_str(exposed[i])));
}

static void test_address_when_it_is_a_name_then_it_makes_addresses(void **state)
{
    static const char *const names[] = {"dns+tcp://a:1", "dns+tls+tcp://nodes.holm.svc:7000",
                                        "dns+tcp://10.0.0.1:7"};
    static const char *const others[] = {"tcp://a:1",
                                         "dns+tcp://a:0",
                                         "dns+tcp://a",
                                         "dns+ipc:///tmp/a",
                                         "dns+tcp://:1",
                                         "dns+tcp://[::1]:1",
                                         "dns+tcp://*:1",
                                         "dns+",
                                         "dns://a:1",
                                         "dns+dns+tcp://a:1",
                                         "",
                                         "dns+tcp://a b:1"};
    char text[HOLM_ADDRESS_BYTES_MAX + 1];
    char host[HOLM_ADDRESS_BYTES_MAX + 1];

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        assert_true(holm_address_is_name(holm_str(names[i])));
        assert_false(holm_address_valid(holm_str(names[i]), false));
        assert_false(holm_address_valid(holm_str(names[i]), true));
    }
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        assert_false(holm_address_is_name(holm_str(others[i])));
    holm_address_host_of_name(host, holm_str(names[1]));
    assert_string_equal(host, "nodes.holm.svc");
    holm_address_of_name(text, holm_str(names[1]), "[fd00::7]");
    assert_string_equal(text, "tls+tcp://[fd00::7]:7000");
    holm_address_of_name(text, holm_str(names[0]), "10.0.0.7");
    assert_string_equal(text, "tcp://10.0.0.7:1");
}

/* Where a name leads is not known yet; which scheme it is, is. */
static void test_address_when_it_is_a_name_then_its_scheme_alone_is_objected_to(void **state)
{
    struct holm_bytes plain = holm_str("dns+tcp://a:1");
    struct holm_bytes tls = holm_str("dns+tls+tcp://a:1");

    assert_null(holm_address_objection(plain, false, false));
    assert_string_equal(holm_address_objection(plain, true, false), HOLM_ADDRESS_PLAIN);
    assert_null(holm_address_objection(plain, true, true));
    assert_string_equal(holm_address_objection(tls, false, true), HOLM_ADDRESS_BARE);
    assert_null(holm_address_objection(tls, true, false));
}

static void assert_list(const char *list, size_t count, const char *const *expected)
{
    struct holm_bytes rest = holm_str(list);
    struct holm_bytes address;

    for (size_t i = 0; i < count; i++) {
        assert_true(holm_address_next(&rest, &address));
        assert_int_equal(address.size, strlen(expected[i]));
        assert_memory_equal(address.data, expected[i], address.size);
    }
    assert_false(holm_address_next(&rest, &address));
    assert_false(holm_address_next(&rest, &address));
    assert_int_equal(address.size, 0);
}

static void test_address_when_there_is_a_list_then_each_is_taken_once(void **state)
{
    static const char *const three[] = {"a", "bc", "d"};

    assert_list(NULL, 0, three);
    assert_list("", 0, three);
    assert_list(" ,\t\n", 0, three);
    assert_list("a", 1, three);
    assert_list("a,bc,d", 3, three);
    assert_list(" a , bc\n\td,, ", 3, three);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_address_when_it_is_well_formed_then_it_is_valid),
        cmocka_unit_test(test_address_when_it_is_malformed_then_it_is_refused),
        cmocka_unit_test(test_address_when_the_port_is_zero_then_it_is_for_listening_alone),
        cmocka_unit_test(test_address_when_it_is_long_then_it_must_leave_room_for_its_end),
        cmocka_unit_test(test_address_when_the_host_is_a_wildcard_then_another_takes_its_place),
        cmocka_unit_test(test_address_when_it_is_plain_tcp_off_loopback_then_it_is_exposed),
        cmocka_unit_test(test_address_when_it_is_a_name_then_it_makes_addresses),
        cmocka_unit_test(test_address_when_it_is_a_name_then_its_scheme_alone_is_objected_to),
        cmocka_unit_test(test_address_when_there_is_a_list_then_each_is_taken_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

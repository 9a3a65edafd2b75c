/* SPDX-License-Identifier: Apache-2.0 */
/* What is written of a group, and what the loopback interface carries. */
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/loopback.h"
#include "transport/datagrams.h"

static void test_group_when_it_is_well_written_then_it_is_read(void **state)
{
    struct holm_group group;
    const uint8_t four[4] = {239, 255, 72, 79};
    assert_null(holm_group_parse(&group, holm_str("eth0")));
    assert_string_equal(group.interface, "eth0");
    assert_string_equal(group.text, "239.255.72.79:61079");
    assert_false(group.ipv6);
    assert_memory_equal(group.address, four, 4);
    assert_int_equal(group.port, 61079);
    assert_null(holm_group_parse(&group, holm_str("lo,[ff15::4f:1]:7000")));
    assert_string_equal(group.interface, "lo");
    assert_true(group.ipv6);
    assert_int_equal(group.address[0], 0xff);
    assert_int_equal(group.address[15], 1);
    assert_int_equal(group.port, 7000);
    assert_null(holm_group_parse(&group, holm_str("fifteen-letters,224.0.0.251:65535")));
}

static void test_group_when_it_is_not_then_it_says_what_is_wrong(void **state)
{
    static const struct {
        const char *text, *why;
    } cases[] = {
        {"", "name"},
        {",239.1.1.1:1", "name"},
        {"sixteen--letters", "name"},
        {"lo,", "port"},
        {"lo,239.1.1.1", "port"},
        {"lo,239.1.1.1:", "port"},
        {"lo,239.1.1.1:0", "port"},
        {"lo,239.1.1.1:65536", "port"},
        {"lo,239.1.1.1:12x", "port"},
        {"lo,239.1.1.1:-1", "port"},
        {"lo,239.1.1:1", "IPv4"},
        {"lo,ff15::1:1", "IPv4"},
        {"lo,[ff15::1:1", "IPv4"},
        {"lo,[]:1", "IPv4"},
        {"lo,[239.1.1.1]:1", "IPv4"},
        {"lo,name:1", "IPv4"},
        {"lo,10.0.0.1:1", "no multicast"},
        {"lo,240.0.0.1:1", "no multicast"},
        {"lo,[fd00::1]:1", "no multicast"},
        {"lo,[ff15:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000]:1", "IPv4"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct holm_group group;
        const char *why = holm_group_parse(&group, holm_str(cases[i].text));
        if (why == NULL || strstr(why, cases[i].why) == NULL)
            fail_msg("'%s': %s", cases[i].text, why == NULL ? "taken" : why);
    }
}

static void receive_own(const char *text)
{
    struct holm_group group;
    struct holm_datagrams one, two;
    char why[HOLM_DATAGRAMS_WHY_BYTES];
    char bytes[4];
    bool loopback = false;
    size_t size;
    assert_null(holm_group_parse(&group, holm_str(text)));
    assert_null(holm_group_look(&group, &loopback));
    assert_true(loopback);
    if (!holm_datagrams_open(&one, &group, why)) {
        print_message("%s is not tested: %s\n", text, why);
        assert_true(group.ipv6);
        return;
    }
    assert_true(holm_datagrams_open(&two, &group, why));
    assert_true(holm_datagrams_stand(&one, &group, why));
    assert_int_equal(holm_datagrams_receive(&one, bytes, sizeof bytes, &size),
                     HOLM_DATAGRAMS_NOTHING);
    assert_int_equal(size, 0);
    enum holm_datagrams_sent sent = holm_datagrams_send(&two, &group, holm_str("abcdef"), why);
    if (sent == HOLM_DATAGRAMS_REFUSED) {
        /* Of IPv6 there is seldom a route for it on this interface. */
        print_message("%s is not tested: %s\n", text, why);
        assert_true(group.ipv6);
        holm_datagrams_close(&one);
        holm_datagrams_close(&two);
        return;
    }
    assert_int_equal(sent, HOLM_DATAGRAMS_SENT);
    struct pollfd file = {.fd = one.fd, .events = POLLIN};
    assert_int_equal(poll(&file, 1, 20000), 1);
    assert_int_equal(holm_datagrams_receive(&one, bytes, sizeof bytes, &size),
                     HOLM_DATAGRAMS_RECEIVED);
    assert_int_equal(size, 6);
    assert_memory_equal(bytes, "abcd", 4);
    holm_datagrams_close(&one);
    holm_datagrams_close(&two);
    holm_datagrams_close(&two);
}

/* Several of one machine hear each other, and themselves. */
static void test_datagrams_when_sent_on_loopback_then_all_there_get_them(void **state)
{
    loopback_needed();
    receive_own("lo,239.255.72.80:61080");
    receive_own("lo,[ff15::4f:80]:61080");
}

static void test_datagrams_when_there_is_no_such_interface_then_it_says_so(void **state)
{
    struct holm_group group;
    struct holm_datagrams datagrams;
    char why[HOLM_DATAGRAMS_WHY_BYTES], host[HOLM_HOST_BYTES_MAX];
    bool loopback;
    assert_null(holm_group_parse(&group, holm_str("nowhere9")));
    assert_string_equal(holm_group_look(&group, &loopback), "there is no such interface");
    assert_false(holm_datagrams_open(&datagrams, &group, why));
    assert_string_equal(why, "there is no such interface");
    holm_group_host(&group, false, host);
    assert_string_equal(host, "");
}

static void test_group_when_asked_for_the_host_then_it_is_that_of_the_interface(void **state)
{
    struct holm_group group;
    char host[HOLM_HOST_BYTES_MAX];
    loopback_needed();
    assert_null(holm_group_parse(&group, holm_str("lo")));
    holm_group_host(&group, false, host);
    assert_string_equal(host, "127.0.0.1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_group_when_it_is_well_written_then_it_is_read),
        cmocka_unit_test(test_group_when_it_is_not_then_it_says_what_is_wrong),
        cmocka_unit_test(test_datagrams_when_sent_on_loopback_then_all_there_get_them),
        cmocka_unit_test(test_datagrams_when_there_is_no_such_interface_then_it_says_so),
        cmocka_unit_test(test_group_when_asked_for_the_host_then_it_is_that_of_the_interface),
    };
    return cmocka_run_group_tests_name("datagrams", tests, NULL, NULL);
}

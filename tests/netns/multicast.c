/* SPDX-License-Identifier: Apache-2.0 */
/* Nodes without seeds, each in a network namespace of its own, find each other by multicast: across a split, and on an
 * interface that was taken away meanwhile. */
#define _GNU_SOURCE 1 /* setns */

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/netns/land.h"

#include <cmocka.h>

#include "transport/datagrams.h"

/* They announce within 0.2 s, or a pause of at most 7.5 s later when something was in the way. The rest is for busy
 * machines. */
#define FOUND_S_MAX 25.0

static char secret[] = "/tmp/holm-multicast-XXXXXX";

static int begin(void **state)
{
    int fd = mkstemp(secret);
    bool written = fd >= 0 && write(fd, "0123456789abcdef", 16) == 16;
    if (fd >= 0)
        close(fd);
    return setenv("HOLM_NETNS_SECRET", secret, 1) == 0 && written ? 0 : 1;
}

static int end(void **state)
{
    unsetenv("HOLM_NETNS_SECRET");
    unsetenv("HOLM_NETNS_MULTICAST");
    return unlink(secret);
}

static void open_rooms(struct land *land, uint32_t rooms, const char *multicast)
{
    const char *missing = rooms_missing(ROOMS_BRIDGE);
    memset(land, 0, sizeof *land);
    if (missing != NULL) {
        print_message("skipped: %s\n", missing);
        skip();
    }
    assert_true(rooms_open(&land->rooms, ROOMS_BRIDGE, rooms, 1));
    assert_int_equal(setenv("HOLM_NETNS_MULTICAST", multicast, 1), 0);
}

/* A node that listens everywhere: what it announces is the address of the interface. */
static void start(struct land *land, uint32_t node, uint32_t room, const char *port)
{
    char name[8], listen[32];
    (void)snprintf(name, sizeof name, "n%u", node);
    (void)snprintf(listen, sizeof listen, "tcp://*:%s", port);
    const char *const arguments[] = {HOLM_NETNS_RESIDENT, name, listen, "", NULL};
    member_kill(&land->nodes[node]);
    member_start(&land->nodes[node], &land->rooms, room, arguments);
    land->count = node >= land->count ? node + 1 : land->count;
}

static void find_each_other(const char *multicast)
{
    struct land land;
    const uint32_t both[] = {1, 1}, apart[] = {1, 1, 0}, all[] = {2, 2, 2};
    open_rooms(&land, 3, multicast);
    double begun = member_now_s();
    start(&land, 0, 0, "7000");
    start(&land, 1, 1, "7000");
    land_await_peers(&land, both, FOUND_S_MAX);
    print_message("%s: found after %.0f ms\n", multicast, (member_now_s() - begun) * 1000);
    /* Who starts cut off from all others has never heard of any, nor they of it. */
    land.rooms.cut[0][2] = land.rooms.cut[1][2] = true;
    land.rooms.cut[2][0] = land.rooms.cut[2][1] = true;
    assert_true(rooms_apply(&land.rooms));
    start(&land, 2, 2, "7000");
    land_nap(2);
    land_await_peers(&land, apart, FOUND_S_MAX);
    begun = member_now_s();
    land_heal(&land);
    land_await_peers(&land, all, FOUND_S_MAX);
    print_message("... after the heal: %.0f ms\n", (member_now_s() - begun) * 1000);
    land_write(&land, 2, 10);
    (void)land_await(&land, FOUND_S_MAX);
    land_close(&land);
}

static void test_nodes_when_in_rooms_of_their_own_then_they_find_each_other(void **state)
{
    find_each_other("eth0");
}

static void test_nodes_when_the_group_is_of_ipv6_then_they_find_each_other(void **state)
{
    find_each_other("eth0,[ff15::4f:1]:7001");
}

static void interface(const struct land *land, bool there)
{
    static const char *const added[][10] = {
        {"ip", "link", "add", "m0", "type", "veth", "peer", "name", "m1", NULL},
        {"ip", "addr", "add", "10.78.0.1/24", "dev", "m0", NULL},
        {"ip", "link", "set", "m1", "up", NULL},
        {"ip", "link", "set", "m0", "up", NULL}};
    static const char *const removed[] = {"ip", "link", "del", "m0", NULL};
    for (size_t i = 0; there && i < 4; i++)
        assert_true(rooms_run(&land->rooms, 0, added[i]));
    if (!there)
        assert_true(rooms_run(&land->rooms, 0, removed));
}

/* The one that comes back has another index: a socket of the former one hears nothing there. */
static void test_node_when_its_interface_is_gone_and_back_then_others_are_found_there(void **state)
{
    struct land land;
    const uint32_t both[] = {1, 1};
    open_rooms(&land, 1, "m0");
    interface(&land, true);
    start(&land, 0, 0, "7000");
    start(&land, 1, 0, "7001");
    land_await_peers(&land, both, FOUND_S_MAX);
    member_kill(&land.nodes[1]);
    interface(&land, false);
    land_nap(1);
    interface(&land, true);
    start(&land, 1, 0, "7002");
    land_await_peers(&land, both, FOUND_S_MAX);
    land_close(&land);
}

/* Two links from here into a room: a0 to a1, b0 to b1. */
static void link_twice(const struct land *land)
{
    char space[32];
    (void)snprintf(space, sizeof space, "/proc/%ld/ns/net", (long)getpid());
    const char *const added[][10] = {
        {"ip", "link", "add", "a0", "type", "veth", "peer", "name", "a1", NULL},
        {"ip", "link", "add", "b0", "type", "veth", "peer", "name", "b1", NULL},
        {"ip", "link", "set", "a1", "netns", space, NULL},
        {"ip", "link", "set", "b1", "netns", space, NULL},
        {"ip", "addr", "add", "10.79.1.1/24", "dev", "a0", NULL},
        {"ip", "addr", "add", "10.79.2.1/24", "dev", "b0", NULL},
        {"ip", "addr", "add", "fd79:1::1/64", "dev", "a0", "nodad", NULL},
        {"ip", "addr", "add", "fd79:2::1/64", "dev", "b0", "nodad", NULL},
        {"ip", "link", "set", "a0", "up", NULL},
        {"ip", "link", "set", "b0", "up", NULL}};
    const char *const here[][10] = {{"ip", "addr", "add", "10.79.1.2/24", "dev", "a1", NULL},
                                    {"ip", "addr", "add", "10.79.2.2/24", "dev", "b1", NULL},
                                    {"ip", "link", "set", "a1", "up", NULL},
                                    {"ip", "link", "set", "b1", "up", NULL}};
    for (size_t i = 0; i < sizeof added / sizeof *added; i++)
        assert_true(rooms_run(&land->rooms, 0, added[i]));
    for (size_t i = 0; i < sizeof here / sizeof *here; i++)
        assert_true(rooms_run(&land->rooms, ROOMS_HERE, here[i]));
}

/* A socket stays in the namespace in which it was made. */
static void open_group(const struct land *land, uint32_t room, const char *text,
                       struct holm_datagrams *datagrams, struct holm_group *group)
{
    char why[HOLM_DATAGRAMS_WHY_BYTES] = "";
    assert_null(holm_group_parse(group, holm_str(text)));
    int hall = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    assert_true(hall >= 0);
    assert_true(room == ROOMS_HERE || rooms_enter(&land->rooms, room));
    bool opened = holm_datagrams_open(datagrams, group, why);
    assert_int_equal(setns(hall, CLONE_NEWNET), 0);
    close(hall);
    if (!opened)
        fail_msg("%s: %s", text, why);
}

/* Sends until there is a way: a link that was just made may not carry yet. */
static void send_until_heard(const struct holm_datagrams *from, const struct holm_group *group,
                             const char *text, const struct holm_datagrams *to)
{
    char why[HOLM_DATAGRAMS_WHY_BYTES] = "nothing arrives", bytes[16];
    for (int i = 0; i < 250; i++) {
        struct pollfd file = {.fd = to->fd, .events = POLLIN};
        enum holm_datagrams_received received = HOLM_DATAGRAMS_ELSEWHERE;
        size_t size = 0;
        if (holm_datagrams_send(from, group, holm_str(text), why) == HOLM_DATAGRAMS_REFUSED)
            (void)poll(NULL, 0, 100);
        (void)poll(&file, 1, 100);
        while (received == HOLM_DATAGRAMS_ELSEWHERE)
            received = holm_datagrams_receive(to, bytes, sizeof bytes, &size);
        if (received == HOLM_DATAGRAMS_NOTHING)
            continue;
        assert_int_equal(size, strlen(text));
        assert_memory_equal(bytes, text, size);
        return;
    }
    fail_msg("%s: %s", group->interface, why);
}

/* D1: another program here has joined the same group on b1; what it is sent is no business of who listens at a1. */
static void hear_one_interface(const struct land *land, const char *group)
{
    static const char *const names[] = {"a0", "b0", "a1", "b1"};
    struct holm_datagrams ends[4];
    struct holm_group groups[4];
    for (size_t i = 0; i < 4; i++) {
        char text[64];
        (void)snprintf(text, sizeof text, "%s,%s", names[i], group);
        open_group(land, i < 2 ? 0 : ROOMS_HERE, text, &ends[i], &groups[i]);
    }
    send_until_heard(&ends[1], &groups[1], "there", &ends[3]);
    send_until_heard(&ends[0], &groups[0], "here", &ends[2]);
    send_until_heard(&ends[1], &groups[1], "there", &ends[3]);
    send_until_heard(&ends[0], &groups[0], "here", &ends[2]);
    for (size_t i = 0; i < 4; i++)
        holm_datagrams_close(&ends[i]);
}

static void test_datagrams_when_they_come_by_another_interface_then_they_are_dropped(void **state)
{
    struct land land;
    open_rooms(&land, 1, "");
    link_twice(&land);
    hear_one_interface(&land, "239.255.72.84:7003");
    hear_one_interface(&land, "[ff15::4f:84]:7003");
    land_close(&land);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nodes_when_in_rooms_of_their_own_then_they_find_each_other),
        cmocka_unit_test(test_nodes_when_the_group_is_of_ipv6_then_they_find_each_other),
        cmocka_unit_test(test_node_when_its_interface_is_gone_and_back_then_others_are_found_there),
        cmocka_unit_test(test_datagrams_when_they_come_by_another_interface_then_they_are_dropped),
    };
    return cmocka_run_group_tests_name("netsplit_multicast", tests, begin, end);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Nodes without seeds find each other on the loopback interface, by a secret: and nobody else. */
#include "api.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <inttypes.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

static char folder[] = "/tmp/holm-multicast-XXXXXX";
static char secret[64], stranger[64];
static char where[64]; /* a group of this process alone: others may run beside it */
static uint16_t port;
static const char *skipped; /* why, or NULL */

static void write_secret(char path[64], const char *name, const char *text)
{
    snprintf(path, 64, "%s/%s", folder, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
}

static int group_socket(void)
{
    struct ip_mreqn lo = {.imr_ifindex = (int)if_nametoindex("lo")};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &lo, sizeof lo), 0);
    return fd;
}

static bool send_to_group(int fd, const void *bytes, size_t size)
{
    struct sockaddr_in group = {.sin_family = AF_INET, .sin_port = htons(port)};
    inet_pton(AF_INET, "239.255.72.81", &group.sin_addr);
    return sendto(fd, bytes, size, 0, (const struct sockaddr *)&group, sizeof group) ==
           (ssize_t)size;
}

static int begin(void **state)
{
    port = (uint16_t)(20000 + getpid() % 12000);
    snprintf(where, sizeof where, "lo,239.255.72.81:%u", port);
    if (mkdtemp(folder) == NULL)
        return 1;
    write_secret(secret, "secret", "what the nodes of this test share\n");
    write_secret(stranger, "stranger", "what they do not share with anybody\n");
    int fd = group_socket();
    if (!send_to_group(fd, "", 0))
        skipped = "there is no multicast on loopback here";
    close(fd);
    return 0;
}

static int end(void **state)
{
    unlink(secret);
    unlink(stranger);
    return rmdir(folder);
}

static void skip_unless_there_is_multicast(void)
{
    if (skipped == NULL)
        return;
    print_message("skipped: %s\n", skipped);
    skip();
}

static struct holm_config config_of(const char *name)
{
    struct holm_config config = api_config(name);
    config.listen = "tcp://127.0.0.1:0";
    config.multicast = where;
    config.multicast_secret = secret;
    return config;
}

static struct holm_node *open_node(const char *name)
{
    struct holm_config config = config_of(name);
    struct holm_node *node;
    assert_ok(holm_open(&config, &node));
    return node;
}

static uint64_t figure(struct holm_node *node, const char *name)
{
    static char page[262144];
    char start[64];
    size_t size;
    assert_ok(holm_metrics(node, page, sizeof page - 1, &size));
    page[size] = '\0';
    snprintf(start, sizeof start, "\nholm_%s ", name);
    const char *line = strstr(page, start);
    assert_non_null(line);
    return strtoull(line + strlen(start), NULL, 10);
}

static void test_nodes_when_they_share_a_secret_then_they_find_each_other_without_seeds(
    void **state)
{
    static const char *const names[] = {"lisbon", "oslo", "rome"};
    struct holm_node *nodes[3];
    skip_unless_there_is_multicast();
    for (int i = 0; i < 3; i++)
        nodes[i] = open_node(names[i]);
    for (int i = 0; i < 3; i++)
        assert_ok(holm_wait_peers(nodes[i], 2, API_WAIT_MS));
    assert_ok(holm_add(nodes[0], holm_str("k"), holm_str("c"), 7));
    assert_ok(holm_wait_seen(nodes[0], NULL, 2, API_WAIT_MS));
    for (int i = 0; i < 3; i++) {
        assert_int_equal(figure(nodes[i], "multicast_enabled"), 1);
        await(figure(nodes[i], "multicast_open") == 1);
        await(figure(nodes[i], "multicast_addresses") == 2);
        assert_true(figure(nodes[i], "announcements_sent_total") >= 1);
    }
    for (int i = 0; i < 3; i++)
        holm_close(nodes[i]);
}

/* It says where it is now, and is met there: others have no other way to know. */
static void test_node_when_it_restarts_at_another_port_then_it_is_found_again(void **state)
{
    char before[64];
    skip_unless_there_is_multicast();
    struct holm_node *lisbon = open_node("lisbon");
    struct holm_node *oslo = open_node("oslo");
    assert_ok(holm_wait_peers(lisbon, 1, API_WAIT_MS));
    snprintf(before, sizeof before, "%s", holm_address(oslo));
    holm_close(oslo);
    await(figure(lisbon, "multicast_addresses") == 0);
    /* Its former port may not be given to it again at once. */
    struct holm_node *holder = api_open("holder", before, NULL);
    oslo = open_node("oslo");
    assert_string_not_equal(before, holm_address(oslo));
    assert_ok(holm_wait_peers(oslo, 1, API_WAIT_MS));
    assert_ok(holm_wait_peers(lisbon, 1, API_WAIT_MS));
    await(figure(lisbon, "multicast_addresses") == 1);
    holm_close(holder);
    holm_close(oslo);
    holm_close(lisbon);
}

/* Who does not listen asks who is there, and dials. */
static void test_node_when_it_does_not_listen_then_it_still_finds_others(void **state)
{
    struct holm_config config = config_of("guest");
    struct holm_node *guest;
    skip_unless_there_is_multicast();
    struct holm_node *lisbon = open_node("lisbon");
    config.listen = NULL;
    assert_ok(holm_open(&config, &guest));
    assert_ok(holm_wait_peers(guest, 1, API_WAIT_MS));
    holm_close(guest);
    holm_close(lisbon);
}

static void test_node_when_secret_or_cluster_differ_then_it_stays_out_and_is_counted(void **state)
{
    struct holm_config other = config_of("other"), foreign = config_of("foreign");
    struct holm_node *outsider, *stranded;
    skip_unless_there_is_multicast();
    struct holm_node *lisbon = open_node("lisbon");
    other.multicast_secret = stranger;
    foreign.cluster = "another";
    assert_ok(holm_open(&other, &outsider));
    assert_ok(holm_open(&foreign, &stranded));
    await(figure(lisbon, "announcements_unauthentic_total") >= 2);
    await(figure(lisbon, "announcements_foreign_total") >= 2);
    await(figure(outsider, "announcements_unauthentic_total") >= 2);
    await(figure(stranded, "announcements_foreign_total") >= 2);
    assert_int_equal(figure(lisbon, "multicast_addresses"), 0);
    assert_int_equal(holm_peers(lisbon, NULL, 0), 0);
    assert_int_equal(holm_peers(outsider, NULL, 0), 0);
    assert_int_equal(holm_peers(stranded, NULL, 0), 0);
    holm_close(lisbon);
    holm_close(outsider);
    holm_close(stranded);
}

static uint64_t heard_in_all(struct holm_node *node)
{
    return figure(node, "announcements_taken_total") +
           figure(node, "announcements_malformed_total") +
           figure(node, "announcements_replayed_total");
}

static uint64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* Rubbish without end, and all that was ever said, said again: those who know the secret meet all the same. */
static void test_node_when_the_group_is_flooded_then_members_still_meet(void **state)
{
    struct ip_mreqn lo = {.imr_ifindex = (int)if_nametoindex("lo")};
    struct sockaddr_in group = {.sin_family = AF_INET, .sin_port = htons(port)};
    char bytes[2048], kept[64][512];
    ssize_t sizes[64];
    size_t count = 0;
    skip_unless_there_is_multicast();
    int out = group_socket();
    int in = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    inet_pton(AF_INET, "239.255.72.81", &group.sin_addr);
    lo.imr_multiaddr = group.sin_addr;
    assert_int_equal(setsockopt(in, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int)), 0);
    assert_int_equal(bind(in, (const struct sockaddr *)&group, sizeof group), 0);
    assert_int_equal(setsockopt(in, IPPROTO_IP, IP_ADD_MEMBERSHIP, &lo, sizeof lo), 0);
    struct holm_node *lisbon = open_node("lisbon");
    struct holm_node *oslo = open_node("oslo");
    assert_ok(holm_wait_peers(lisbon, 1, API_WAIT_MS));
    await(figure(lisbon, "announcements_taken_total") > 0);
    await(figure(oslo, "announcements_taken_total") > 0);
    while (count < 64 && (sizes[count] = recv(in, kept[count], sizeof kept[0], 0)) > 0)
        count++;
    assert_true(count >= 2);
    memset(bytes, 'h', sizeof bytes);
    memcpy(bytes, "holm\1", 5);
    struct holm_node *rome = open_node("rome");
    uint64_t before = heard_in_all(lisbon), begun_ms = now_ms();
    for (int i = 0; i < 20000; i++) {
        (void)send_to_group(out, bytes, (size_t)(i * 7) % sizeof bytes);
        (void)send_to_group(out, kept[(size_t)i % count], (size_t)sizes[(size_t)i % count]);
    }
    assert_ok(holm_wait_peers(rome, 2, API_WAIT_MS));
    assert_ok(holm_wait_peers(lisbon, 2, API_WAIT_MS));
    assert_true(figure(lisbon, "announcements_malformed_total") > 0);
    await(figure(lisbon, "announcements_replayed_total") > 0);
    assert_true(figure(lisbon, "multicast_rests_total") > 0);
    /* 64 in 50 ms, and what the first and the last turn had besides. */
    assert_true(heard_in_all(lisbon) - before <= ((now_ms() - begun_ms) / 50 + 2) * 64);
    close(in);
    close(out);
    holm_close(rome);
    holm_close(oslo);
    holm_close(lisbon);
}

/* The first line: what follows says that it does not open. */
static void keep_line(void *context, int level, const char *line)
{
    char *kept = context;
    (void)level;
    if (kept[0] == '\0')
        snprintf(kept, 1100, "%s", line);
}

static void refused(struct holm_config config, const char *expected)
{
    char line[1100] = "";
    struct holm_node *node;
    config.log_level = HOLM_LOG_ERROR;
    config.log = keep_line;
    config.log_context = line;
    assert_status(holm_open(&config, &node), HOLM_EINVAL);
    assert_null(node);
    if (strstr(line, expected) == NULL)
        fail_msg("'%s' is not in: %s", expected, line);
}

static void test_open_when_multicast_cannot_be_had_then_a_line_says_what_to_change(void **state)
{
    struct holm_config config = config_of("q");
    config.multicast = "nowhere9";
    refused(config, "'nowhere9' there is no such interface");
    config.multicast = "lo,10.0.0.1:7";
    refused(config, "no multicast group");
    config.multicast = NULL;
    refused(config, "it needs multicast, an interface");
    config = config_of("q");
    config.multicast_secret = NULL;
    refused(config, "it needs multicast_secret, a file");
    config.multicast_secret = "/nowhere/secret";
    refused(config, "'/nowhere/secret' cannot be read, or is not there");
    config.multicast_secret = folder;
    refused(config, "is no file");
    assert_int_equal(chmod(stranger, 0644), 0);
    config.multicast_secret = stranger;
    refused(config, "may be read by everyone: chmod 600");
    assert_int_equal(chmod(stranger, 0600), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            test_nodes_when_they_share_a_secret_then_they_find_each_other_without_seeds),
        cmocka_unit_test(test_node_when_it_restarts_at_another_port_then_it_is_found_again),
        cmocka_unit_test(test_node_when_it_does_not_listen_then_it_still_finds_others),
        cmocka_unit_test(test_node_when_secret_or_cluster_differ_then_it_stays_out_and_is_counted),
        cmocka_unit_test(test_node_when_the_group_is_flooded_then_members_still_meet),
        cmocka_unit_test(test_open_when_multicast_cannot_be_had_then_a_line_says_what_to_change),
    };
    return cmocka_run_group_tests_name("multicast", tests, begin, end);
}

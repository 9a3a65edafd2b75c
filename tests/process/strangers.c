/* SPDX-License-Identifier: Apache-2.0 */
/*
 * T30: a stranger opens connections as fast as it can, while two nodes work and a third comes.
 *
 *     127.0.0.9 stranger -- tcp, thousands --> lisbon -- oslo        both go on writing
 *                                                \----- paris        opens meanwhile
 *
 * The stranger keeps the last KEPT of its connections open, so that a node that took them all would run out of places.
 */
#include "tests/process/api.h"
#include "tests/process/prometheus.h"
#include "tests/process/resources.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>

#define KEPT 300
#define CALLS 6000
#define BURST 24
#define RATE 4

static struct {
    struct holm_node *lisbon, *oslo;
    struct sockaddr_in to;
    atomic_bool stopping;
    atomic_uint calls;
    atomic_uint lines;
    pthread_t thread;
    int sockets[KEPT];
} scene;

static void hear(void *context, int level, const char *line)
{
    (void)context;
    (void)level;
    if (strstr(line, " event=callers_limited ") != NULL && strstr(line, "=127.0.0.9 ") != NULL)
        atomic_fetch_add(&scene.lines, 1);
}

static struct holm_node *open_node(const char *name, const char *seeds)
{
    struct holm_config config = api_config(name);
    struct holm_node *node;
    config.listen = "tcp://127.0.0.1:0";
    config.seeds = seeds;
    config.partitions = 1;
    config.accepts_per_s = RATE;
    config.accepts_burst = BURST;
    config.log_level = HOLM_LOG_WARN;
    config.log = hear;
    assert_ok(holm_open(&config, &node));
    return node;
}

/* ---- the stranger ---------------------------------------------------------------------------- */

static int connect_once(void)
{
    struct sockaddr_in from = {.sin_family = AF_INET};
    (void)inet_pton(AF_INET, "127.0.0.9", &from.sin_addr);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && (bind(fd, (const struct sockaddr *)&from, sizeof from) != 0 ||
                    connect(fd, (const struct sockaddr *)&scene.to, sizeof scene.to) != 0)) {
        close(fd);
        fd = -1;
    }
    return fd;
}

static void *call_without_end(void *context)
{
    (void)context;
    for (unsigned i = 0; !atomic_load(&scene.stopping); i++) {
        int *place = &scene.sockets[i % KEPT];
        if (*place >= 0)
            close(*place);
        *place = connect_once();
        atomic_fetch_add(&scene.calls, *place >= 0);
    }
    return NULL;
}

static int begin(void **state)
{
    (void)state;
    scene.lisbon = open_node("lisbon", NULL);
    scene.oslo = open_node("oslo", holm_address(scene.lisbon));
    assert_ok(holm_wait_peers(scene.lisbon, 1, API_WAIT_MS));
    assert_ok(holm_wait_peers(scene.oslo, 1, API_WAIT_MS));
    scene.to.sin_family = AF_INET;
    scene.to.sin_port = htons(
        (uint16_t)strtoul(strrchr(holm_address(scene.lisbon), ':') + 1, NULL, 10));
    scene.to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    for (size_t i = 0; i < KEPT; i++)
        scene.sockets[i] = -1;
    return pthread_create(&scene.thread, NULL, call_without_end, NULL);
}

static int end(void **state)
{
    (void)state;
    atomic_store(&scene.stopping, true);
    pthread_join(scene.thread, NULL);
    for (size_t i = 0; i < KEPT; i++)
        if (scene.sockets[i] >= 0)
            close(scene.sockets[i]);
    holm_close(scene.lisbon);
    holm_close(scene.oslo);
    return 0;
}

/* ---- what they cost ------------------------------------------------------------------------- */

static double metric(struct holm_node *node, const char *series)
{
    static char text[1 << 20];
    size_t size;
    assert_ok(holm_metrics(node, text, sizeof text - 1, &size));
    text[size] = '\0';
    return prometheus_value(text, series);
}

static double now_s(void)
{
    struct timespec time;
    (void)clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static bool has_count(struct holm_node *node, int64_t expected)
{
    int64_t count;
    return holm_count(node, holm_str("count"), holm_str(""), &count) == HOLM_OK &&
           count == expected;
}

/* Links that stand, places, descriptors and memory stay within what the rate allows, whatever he does. */
static void test_node_when_a_stranger_connects_without_end_then_peers_do_not_feel_it(void **state)
{
    (void)state;
    double begun = now_s();
    size_t descriptors = resources_descriptors();
    size_t resident = resources_resident_bytes();
    int64_t written = 0;
    while (atomic_load(&scene.calls) < CALLS / 2) {
        assert_ok(holm_add(scene.oslo, holm_str("count"), holm_str(""), 1));
        written++;
        await(has_count(scene.lisbon, written));
    }
    /* Its own address has places, whatever the stranger's has. */
    struct holm_node *paris = open_node("paris", holm_address(scene.lisbon));
    await(has_count(paris, written));
    assert_ok(holm_wait_peers(paris, 2, API_WAIT_MS));
    await(atomic_load(&scene.calls) >= CALLS);
    /* His, for each that stands there one here; and paris. */
    double most = BURST + RATE * (now_s() - begun) + 1;
    assert_true(metric(scene.lisbon, "holm_links") <= most + 8);
    assert_true(resources_descriptors() <= descriptors + 2 * KEPT + (size_t)most + 40);
    assert_true(resources_resident_bytes() <= resident + ((size_t)64 << 20));
    await(metric(scene.lisbon, "holm_callers_limited_total") >= (double)CALLS - most);
    assert_true(metric(scene.oslo, "holm_callers_limited_total") == 0);
    await(atomic_load(&scene.lines) == 1);
    assert_true(metric(scene.lisbon, "holm_peers_up") == 2);
    holm_close(paris);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            test_node_when_a_stranger_connects_without_end_then_peers_do_not_feel_it, begin, end),
    };
    return cmocka_run_group_tests_name("strangers", tests, NULL, NULL);
}

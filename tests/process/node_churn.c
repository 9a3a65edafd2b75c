/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Nodes opened and closed under traffic, in one process, through the public calls alone.
 *
 * Two steady nodes, one on ipc and one on tcp, write without a pause, each in a thread of its own.
 * Visitors come and go: a visitor joins, becomes one of three, writes, waits until one of the
 * others has seen it, and is closed in the middle of the traffic. No close may take long, what
 * every visitor wrote must be everywhere at the end, and descriptors and memory may not grow with
 * the visits. (Every visit adds an epoch to a vector: that is part of the bound.)
 *
 * 50 visits; 1,000 with HOLM_SOAK=1, or HOLM_SOAK_VISITS.
 */
#include <holm/holm.h>

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/process/resources.h"

#define STEADY 2
#define VISITS_WARM 10
#define WAIT_MS 20000
#define CLOSE_S_MAX 3.0
#define DESCRIPTORS_GROWTH_MAX 4
#define LOG_BYTES_MAX ((size_t)4 << 20)
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define RESIDENT_GROWTH_BYTES_MAX ((size_t)512 << 20) /* what is freed is kept aside for a while */
#else
#define RESIDENT_GROWTH_BYTES_MAX ((size_t)32 << 20)
#endif

struct steady {
    struct holm_node *node;
    pthread_t thread;
    atomic_bool stop;
};

static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static struct holm_node *open_node(const char *name, const char *listen, const char *seeds)
{
    struct holm_config config = holm_config_default();
    struct holm_node *node;
    config.name = name;
    config.listen = listen;
    config.seeds = seeds;
    config.log_level = 1;
    config.log_bytes_max = LOG_BYTES_MAX;
    config.beacon_interval_ms = 200;
    config.redial_interval_ms = 100;
    assert_int_equal(holm_open(&config, &node), HOLM_OK);
    return node;
}

/* About 5,000 writes a second, over a hundred keys. */
static void *write_on(void *context)
{
    struct steady *steady = context;
    char value[200];
    memset(value, 'x', sizeof value);
    for (uint32_t i = 0; !atomic_load(&steady->stop); i++) {
        char key[16];
        (void)snprintf(key, sizeof key, "k%u", i % 100);
        if (holm_put(steady->node, holm_str(key), holm_str("v"),
                     holm_bytes_value(value, sizeof value)) != HOLM_OK)
            abort();
        struct timespec pause = {0, 200000};
        (void)clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
    }
    return NULL;
}

/* One life of a visitor; returns how long its close took. */
static double visit(uint32_t number, const char *folder, const char *seeds)
{
    char name[16], listen[96];
    (void)snprintf(name, sizeof name, "visitor-%u", number % 8);
    if (number % 2 == 0)
        (void)snprintf(listen, sizeof listen, "ipc://%s/%s", folder, name);
    else
        (void)snprintf(listen, sizeof listen, "tcp://127.0.0.1:0");
    struct holm_node *node = open_node(name, listen, seeds);
    assert_int_equal(holm_wait_peers(node, STEADY, WAIT_MS), HOLM_OK);
    assert_int_equal(holm_add(node, holm_str("visits"), holm_str(""), 1), HOLM_OK);
    assert_int_equal(holm_wait_seen(node, NULL, 1, WAIT_MS), HOLM_OK);
    double start = now_s();
    holm_close(node);
    return now_s() - start;
}

static bool visits_are(struct holm_node *node, int64_t expected)
{
    int64_t sum = 0;
    return holm_count(node, holm_str("visits"), holm_str(""), &sum) == HOLM_OK && sum == expected;
}

static void await_visits(struct holm_node *node, int64_t expected)
{
    double deadline = now_s() + WAIT_MS / 1000.0;
    while (!visits_are(node, expected)) {
        assert_true(now_s() < deadline);
        struct timespec pause = {0, 5000000};
        (void)clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
    }
}

static uint32_t visits_wanted(void)
{
    const char *wanted = getenv("HOLM_SOAK_VISITS");
    if (wanted != NULL)
        return (uint32_t)strtoul(wanted, NULL, 10);
    return getenv("HOLM_SOAK") != NULL ? 1000 : 50;
}

static void test_node_when_others_come_and_go_then_nothing_hangs_or_leaks(void **state)
{
    char folder[] = "/tmp/holm-churn-XXXXXX";
    char listen[64], seeds[256];
    struct steady steady[STEADY] = {{0}};
    uint32_t visits = visits_wanted();
    size_t descriptors = 0, resident = 0;
    double slowest = 0;

    assert_non_null(mkdtemp(folder));
    (void)snprintf(listen, sizeof listen, "ipc://%s/steady", folder);
    steady[0].node = open_node("alpha", listen, NULL);
    steady[1].node = open_node("beta", "tcp://127.0.0.1:0", listen);
    (void)snprintf(seeds, sizeof seeds, "%s %s", listen, holm_address(steady[1].node));
    for (int i = 0; i < STEADY; i++)
        assert_int_equal(pthread_create(&steady[i].thread, NULL, write_on, &steady[i]), 0);
    for (uint32_t i = 0; i < visits; i++) {
        double took = visit(i, folder, seeds);
        slowest = took > slowest ? took : slowest;
        assert_true(took < CLOSE_S_MAX);
        if (i == VISITS_WARM) {
            descriptors = resources_descriptors();
            resident = resources_resident_bytes();
        }
    }
    for (int i = 0; i < STEADY; i++) {
        atomic_store(&steady[i].stop, true);
        assert_int_equal(pthread_join(steady[i].thread, NULL), 0);
        await_visits(steady[i].node, visits);
    }
    size_t descriptors_end = resources_descriptors_settled(descriptors + DESCRIPTORS_GROWTH_MAX,
                                                           20);
    size_t resident_end = resources_resident_bytes();
    print_message("%u visits, slowest close %.1f ms, descriptors %zu -> %zu, resident %.1f -> %.1f "
                  "MiB\n",
                  visits, slowest * 1000, descriptors, descriptors_end,
                  (double)resident / (1 << 20), (double)resident_end / (1 << 20));
    assert_true(descriptors_end <= descriptors + DESCRIPTORS_GROWTH_MAX);
    assert_true(resident_end <= resident + RESIDENT_GROWTH_BYTES_MAX);
    for (int i = 0; i < STEADY; i++)
        holm_close(steady[i].node);
    (void)rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_node_when_others_come_and_go_then_nothing_hangs_or_leaks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

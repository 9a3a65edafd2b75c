/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api.h - what the tests of the public calls share: nodes, bytes, bounded waits.
 */
#ifndef HOLM_TESTS_PROCESS_API_H
#define HOLM_TESTS_PROCESS_API_H

#include <holm/fault.h>
#include <holm/holm.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define API_WAIT_MS 20000

#define assert_ok(status) assert_status((status), HOLM_OK)

/* Shows names, not numbers, when it fails. */
#define assert_status(status, expected)                                                            \
    assert_string_equal(holm_status_name(status), holm_status_name(expected))

static inline void api_pause(void)
{
    struct timespec pause = {0, 2000000};

    nanosleep(&pause, NULL);
}

/* Waits until the condition holds; fails when it still does not after API_WAIT_MS. */
#define await(condition)                                                                           \
    do {                                                                                           \
        struct timespec api_start, api_now;                                                        \
        clock_gettime(CLOCK_MONOTONIC, &api_start);                                                \
        while (!(condition)) {                                                                     \
            clock_gettime(CLOCK_MONOTONIC, &api_now);                                              \
            if (api_now.tv_sec - api_start.tv_sec > API_WAIT_MS / 1000)                            \
                fail_msg("not in time: %s", #condition);                                           \
            api_pause();                                                                           \
        }                                                                                          \
    } while (0)

/* Quiet, with intervals short enough for tests; the caller may change more before holm_open(). */
static inline struct holm_config api_config(const char *name)
{
    struct holm_config config = holm_config_default();

    config.name = name;
    config.cluster = "api";
    config.beacon_interval_ms = 100;
    config.redial_interval_ms = 100;
    config.log_level = 1;
    return config;
}

static inline struct holm_node *api_open(const char *name, const char *listen, const char *seeds)
{
    struct holm_config config = api_config(name);
    struct holm_node *node = NULL;

    config.listen = listen;
    config.seeds = seeds;
    assert_ok(holm_open(&config, &node));
    assert_non_null(node);
    return node;
}

/* A node by itself. */
static inline int api_open_alone(void **state)
{
    *state = api_open("alone", NULL, NULL);
    return 0;
}

static inline int api_close_alone(void **state)
{
    holm_close(*state);
    return 0;
}

struct api_pair {
    struct holm_node *lisbon;
    struct holm_node *oslo;
};

/* Two nodes that are up for each other. */
static inline int api_open_pair(void **state)
{
    struct api_pair *pair = malloc(sizeof *pair);

    assert_non_null(pair);
    pair->lisbon = api_open("lisbon", "tcp://127.0.0.1:0", NULL);
    pair->oslo = api_open("oslo", "tcp://127.0.0.1:0", holm_address(pair->lisbon));
    assert_ok(holm_wait_peers(pair->lisbon, 1, API_WAIT_MS));
    assert_ok(holm_wait_peers(pair->oslo, 1, API_WAIT_MS));
    *state = pair;
    return 0;
}

static inline int api_close_pair(void **state)
{
    struct api_pair *pair = *state;

    holm_close(pair->lisbon);
    holm_close(pair->oslo);
    free(pair);
    return 0;
}

static inline bool api_same(struct holm_node *a, struct holm_node *b)
{
    struct holm_stats left, right;

    holm_stats(a, &left);
    holm_stats(b, &right);
    return left.vector_hash == right.vector_hash && left.digest == right.digest;
}

static inline void assert_bytes(struct holm_bytes got, struct holm_bytes expected)
{
    assert_int_equal(got.size, expected.size);
    if (expected.size > 0)
        assert_memory_equal(got.data, expected.data, expected.size);
}

static inline void assert_count(struct holm_node *node, const char *key, const char *field,
                                int64_t expected)
{
    int64_t sum = -1;

    assert_ok(holm_count(node, holm_str(key), holm_str(field), &sum));
    assert_true(sum == expected);
}

/* The register holds this text. */
static inline void assert_text(struct holm_node *node, const char *key, const char *field,
                               const char *expected)
{
    char buffer[256];
    struct holm_value value;

    assert_ok(holm_get(node, holm_str(key), holm_str(field), buffer, sizeof buffer, &value, NULL));
    assert_int_equal(value.type, HOLM_TEXT);
    assert_bytes(value.as.bytes, holm_str(expected));
}

/* A key like `stem` with another number, of another partition than `key`. */
static inline void api_key_elsewhere(struct holm_node *node, const char *key, char *other,
                                     size_t capacity)
{
    unsigned number = 0;

    do {
        snprintf(other, capacity, "other:%u", number++);
    } while (holm_partition(node, holm_str(other)) == holm_partition(node, holm_str(key)));
}

#endif

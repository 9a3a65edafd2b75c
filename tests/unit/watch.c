/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Watches of a real node, touched by hand as its engine would: each change is this test's own.
 */
#include "node/node.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <sys/wait.h>

#include <cmocka.h>

static int open_node(void **state)
{
    struct holm_config config = holm_config_default();
    struct holm_node *node = NULL;

    config.name = "watched";
    config.log_level = 1;
    assert_int_equal(holm_open(&config, &node), HOLM_OK);
    *state = node;
    return 0;
}

static int close_node(void **state)
{
    holm_close(*state);
    return 0;
}

static struct holm_watch *add(struct holm_node *node, const char *prefix, size_t keys_max)
{
    struct holm_watch *watch;

    assert_int_equal(holm_watch_open(node, holm_str(prefix), keys_max, &watch), HOLM_OK);
    return watch;
}

static void touch_bytes(struct holm_node *node, struct holm_bytes key, uint64_t origin)
{
    struct holm_touched touched = {key, {{origin}, {1}}};

    node->observer.touched(node->observer.context, 0, &touched, 1, false);
}

static void touch(struct holm_node *node, const char *key, uint64_t origin)
{
    touch_bytes(node, holm_str(key), origin);
}

static bool is_readable(const struct holm_watch *watch)
{
    struct pollfd fd = {.fd = holm_watch_fd(watch), .events = POLLIN};

    assert_true(fd.fd >= 0);
    return poll(&fd, 1, 0) == 1 && (fd.revents & POLLIN) != 0;
}

static void assert_change(struct holm_watch *watch, const char *key, uint64_t origin)
{
    struct holm_change change;

    assert_true(is_readable(watch));
    assert_int_equal(holm_watch_next(watch, &change), HOLM_OK);
    assert_false(change.overflow);
    assert_int_equal(change.key.size, strlen(key));
    assert_memory_equal(change.key.data, key, change.key.size);
    assert_int_equal(change.origin.value, origin);
}

static void assert_overflow(struct holm_watch *watch)
{
    struct holm_change change;

    assert_true(is_readable(watch));
    assert_int_equal(holm_watch_next(watch, &change), HOLM_OK);
    assert_true(change.overflow);
    assert_int_equal(change.key.size, 0);
    assert_int_equal(change.origin.value, 0);
}

static void assert_quiet(struct holm_watch *watch)
{
    struct holm_change change;

    assert_false(is_readable(watch));
    assert_int_equal(holm_watch_next(watch, &change), HOLM_ENOENT);
    assert_false(is_readable(watch));
}

static void test_watch_when_keys_change_then_each_prefix_hears_its_own(void **state)
{
    struct holm_watch *heroes = add(*state, "hero:", 0);
    struct holm_watch *all = add(*state, "", 0);
    struct holm_watch *cities = add(*state, "city:", 0);

    touch(*state, "hero:7", 1);
    touch(*state, "hero", 2);
    assert_change(heroes, "hero:7", 1);
    assert_quiet(heroes);
    assert_change(all, "hero:7", 1);
    assert_change(all, "hero", 2);
    assert_quiet(all);
    assert_quiet(cities);
    holm_watch_close(all);
    touch(*state, "city:1", 3);
    assert_change(cities, "city:1", 3);
    holm_watch_close(heroes);
    holm_watch_close(cities);
}

static void test_watch_when_a_key_changes_often_then_it_is_told_once(void **state)
{
    struct holm_watch *watch = add(*state, "", 0);

    for (uint64_t i = 1; i <= 1000; i++) {
        touch(*state, "a", i);
        touch(*state, "b", 1);
    }
    assert_change(watch, "a", 1000);
    touch(*state, "a", 7);
    assert_change(watch, "b", 1);
    assert_change(watch, "a", 7);
    assert_quiet(watch);
    holm_watch_close(watch);
}

static void test_watch_when_too_many_keys_wait_then_one_overflow_is_told(void **state)
{
    struct holm_watch *watch = add(*state, "", 2);

    touch(*state, "a", 1);
    touch(*state, "b", 1);
    touch(*state, "c", 1);
    touch(*state, "d", 1);
    assert_overflow(watch);
    assert_quiet(watch);
    touch(*state, "e", 2);
    assert_change(watch, "e", 2);
    assert_quiet(watch);
    holm_watch_close(watch);
}

static void test_watch_when_anything_may_have_changed_then_all_overflow(void **state)
{
    struct holm_node *node = *state;
    struct holm_watch *heroes = add(node, "hero:", 0);
    struct holm_watch *all = add(node, "", 0);

    touch(node, "hero:7", 1);
    node->observer.touched(node->observer.context, 0, NULL, 0, true);
    touch(*state, "hero:8", 1);
    assert_overflow(heroes);
    assert_quiet(heroes);
    assert_overflow(all);
    assert_quiet(all);
    holm_watch_close(heroes);
    holm_watch_close(all);
}

static void test_watch_when_the_prefix_holds_nul_then_it_is_matched_whole(void **state)
{
    struct holm_watch *watch;

    assert_int_equal(holm_watch_open(*state, holm_mem("a\0", 2), 0, &watch), HOLM_OK);
    touch(*state, "ab", 1);
    touch(*state, "a", 1);
    assert_quiet(watch);
    touch_bytes(*state, holm_mem("a\0b", 3), 1);
    assert_true(is_readable(watch));
    holm_watch_close(watch);
}

/* An overflow that nobody has fetched takes no memory for what comes behind it. */
static void test_watch_when_an_overflow_is_untold_then_nothing_is_queued_behind_it(void **state)
{
    struct holm_watch *watch = add(*state, "", 1);

    for (int i = 0; i < 1000; i++) {
        char key[32];

        snprintf(key, sizeof key, "k%d", i);
        touch(*state, key, 1);
    }
    assert_overflow(watch);
    assert_quiet(watch);
    touch(*state, "k0", 2);
    assert_change(watch, "k0", 2);
    holm_watch_close(watch);
}

static void test_watch_when_the_process_has_forked_then_the_child_is_told(void **state)
{
    struct holm_watch *watch = add(*state, "", 0);

    touch(*state, "a", 1);

    pid_t child = fork();

    if (child == 0) {
        struct holm_change change;
        bool good = holm_watch_next(watch, &change) == HOLM_EFORK && holm_watch_fd(watch) == -1;

        holm_watch_close(watch);
        _exit(good ? 0 : 1);
    }

    int status = -1;

    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_change(watch, "a", 1);
    holm_watch_close(watch);
}

enum {
    WRITES = 20000,
    WRITERS = 2
};

static void *write_keys(void *node)
{
    for (uint32_t i = 0; i < WRITES; i++) {
        char key[32];

        snprintf(key, sizeof key, "k%u", (unsigned)(i % 512));
        touch(node, key, i + 1);
    }
    return NULL;
}

/* Whoever sleeps in poll(2) until a change waits must hear of the last change of each key, however
 * the fetches fall between the touches: the origins are rising numbers. */
static void test_watch_when_writers_and_reader_race_then_no_last_change_is_lost(void **state)
{
    struct holm_watch *watch = add(*state, "k", 0);
    pthread_t writers[WRITERS];
    uint64_t seen[512] = {0};
    size_t done = 0;

    for (int i = 0; i < WRITERS; i++)
        assert_int_equal(pthread_create(&writers[i], NULL, write_keys, *state), 0);
    while (done < 512) {
        struct pollfd fd = {.fd = holm_watch_fd(watch), .events = POLLIN};
        struct holm_change change;

        assert_int_equal(poll(&fd, 1, 20000), 1);
        assert_int_equal(holm_watch_next(watch, &change), HOLM_OK);
        assert_false(change.overflow);

        char key[32] = {0};

        assert_in_range(change.key.size, 2, sizeof key - 1);
        memcpy(key, change.key.data, change.key.size);

        uint32_t number = (uint32_t)strtoul(key + 1, NULL, 10);
        uint64_t last = WRITES - (WRITES - 1 - number) % 512;

        if (change.origin.value == last && seen[number] != last)
            done++;
        if (change.origin.value > seen[number])
            seen[number] = change.origin.value;
    }
    for (int i = 0; i < WRITERS; i++)
        assert_int_equal(pthread_join(writers[i], NULL), 0);
    holm_watch_close(watch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_watch_when_keys_change_then_each_prefix_hears_its_own),
        cmocka_unit_test(test_watch_when_a_key_changes_often_then_it_is_told_once),
        cmocka_unit_test(test_watch_when_too_many_keys_wait_then_one_overflow_is_told),
        cmocka_unit_test(test_watch_when_anything_may_have_changed_then_all_overflow),
        cmocka_unit_test(test_watch_when_the_prefix_holds_nul_then_it_is_matched_whole),
        cmocka_unit_test(test_watch_when_an_overflow_is_untold_then_nothing_is_queued_behind_it),
        cmocka_unit_test(test_watch_when_the_process_has_forked_then_the_child_is_told),
        cmocka_unit_test(test_watch_when_writers_and_reader_race_then_no_last_change_is_lost),
    };

    return cmocka_run_group_tests(tests, open_node, close_node);
}

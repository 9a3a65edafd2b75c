/* SPDX-License-Identifier: Apache-2.0 */
#include "node/lost.h"

#include <stdio.h>

#include "tests/unit/core.h"

struct told {
    size_t count;
    char last[512], first[512];
};

static const struct holm_now now = {1000000, 1700000000000};

static void hear(void *context, const struct holm_log_told *line)
{
    struct told *told = context;
    assert_int_equal(line->level, HOLM_LOG_WARN);
    snprintf(told->count == 0 ? told->first : told->last, sizeof told->last, "%s", line->sentence);
    told->count += 1;
}

static void assert_told(const struct holm_lost *lost, const char *expected)
{
    struct holm_lost_list list = {.count = 0};
    struct told told = {.count = 0};
    struct holm_log log = {.level = HOLM_LOG_WARN, .hear = hear, .context = &told};
    holm_lost_add(&list, 5, lost);
    holm_lost_tell(&list, &log, now);
    assert_int_equal(told.count, 1);
    assert_string_equal(told.first, expected);
}

static void test_lost_when_something_is_lost_then_its_place_and_its_dot_are_told(void **state)
{
    (void)state;
    struct holm_lost lost = {.key = holm_str("hero:7"), .dot = dot_of(3, 0x19f5a, 17)};
    assert_told(&lost, "lost: tombstone of \"hero:7\", 3@19f5a:17 in partition 5");
    lost.removal = true;
    assert_told(&lost, "lost: removal of all of \"hero:7\", 3@19f5a:17 in partition 5");
    lost.path = holm_str("\3pet\4name");
    lost.kind = HOLM_SET;
    assert_told(&lost, "lost: removal of set of \"hero:7\".pet.name, 3@19f5a:17 in partition 5");
    lost.removal = false;
    lost.kind = HOLM_MIN + 1;
    assert_told(&lost, "lost: something newer of \"hero:7\".pet.name, 3@19f5a:17 in partition 5");
}

/* A log line is no place for a stranger's bytes, nor for any number of them. */
static void test_lost_when_a_key_is_long_or_strange_then_its_line_is_bounded(void **state)
{
    (void)state;
    static char path[2 * 101 + 1];
    struct holm_lost lost = {
        .key = holm_mem("a\0\"\n\xff", 5), .kind = HOLM_REGISTER, .dot = dot_of(1, 2, 3)};
    assert_told(&lost, "lost: register of \"a\\x00\\x22\\x0a\\xff\", 1@2:3 in partition 5");
    lost.key = holm_str("0123456789012345678901234567890");
    assert_told(&lost, "lost: register of \"012345678901234567890123...\", 1@2:3 in partition 5");
    for (size_t i = 0; i < 101; i++)
        memcpy(path + 2 * i, "\1x", 2);
    lost.path = holm_str(path);
    struct holm_lost_list list = {.count = 0};
    holm_lost_add(&list, 5, &lost);
    assert_int_equal(strlen(list.lines[0]), HOLM_LOST_LINE_BYTES - 1);
}

static void test_lost_when_much_is_lost_then_the_rest_is_counted(void **state)
{
    (void)state;
    struct holm_lost lost = {.key = holm_str("k"), .kind = HOLM_FLAG, .dot = dot_of(1, 2, 1)};
    struct holm_lost_list list = {.count = 0};
    struct told told = {.count = 0};
    struct holm_log log = {.level = HOLM_LOG_WARN, .hear = hear, .context = &told};
    for (; lost.dot.seq <= HOLM_LOST_LINES; lost.dot.seq++)
        holm_lost_add(&list, 0, &lost);
    holm_lost_tell(&list, &log, now);
    assert_int_equal(told.count, HOLM_LOST_LINES);
    assert_string_equal(told.first, "lost: flag of \"k\", 1@2:1 in partition 0");
    assert_string_equal(told.last, "lost: flag of \"k\", 1@2:32 in partition 0");
    holm_lost_add(&list, 0, &lost);
    holm_lost_add(&list, 0, &lost);
    told.count = 0;
    holm_lost_tell(&list, &log, now);
    assert_int_equal(told.count, HOLM_LOST_LINES + 1);
    assert_string_equal(told.last, "lost: 2 more");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lost_when_something_is_lost_then_its_place_and_its_dot_are_told),
        cmocka_unit_test(test_lost_when_a_key_is_long_or_strange_then_its_line_is_bounded),
        cmocka_unit_test(test_lost_when_much_is_lost_then_the_rest_is_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

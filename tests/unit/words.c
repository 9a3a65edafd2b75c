/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines between processes: words and numbers are taken as they are, and what is anything else is called bad.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bench/words.h"

static void test_words_when_all_are_as_asked_are_good(void **state)
{
    char key[8];
    struct holm_bench_words words = holm_bench_words_of(" W  n3-0042 -7 18446744073709551615");
    holm_bench_words_text(&words, key, sizeof key);
    assert_string_equal(key, "W");
    holm_bench_words_text(&words, key, sizeof key);
    assert_string_equal(key, "n3-0042");
    assert_int_equal(holm_bench_words_i64(&words), -7);
    assert_false(holm_bench_words_end(&words));
    assert_true(holm_bench_words_u64(&words) == UINT64_MAX);
    assert_true(holm_bench_words_end(&words));
}

static void test_words_when_one_is_not_a_number_are_bad_from_there_on(void **state)
{
    static const char *const bad[] = {"", "x", "5x 6", "-5", "18446744073709551616", "+ 5"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct holm_bench_words words = holm_bench_words_of(bad[i]);
        assert_int_equal(holm_bench_words_u64(&words), 0);
        assert_int_equal(holm_bench_words_u64(&words), 0);
        assert_false(holm_bench_words_end(&words));
    }
    struct holm_bench_words words = holm_bench_words_of("9223372036854775808");
    assert_int_equal(holm_bench_words_i64(&words), 0);
    assert_false(holm_bench_words_end(&words));
}

static void test_words_when_one_does_not_fit_are_bad(void **state)
{
    char key[8] = "?";
    struct holm_bench_words words = holm_bench_words_of("12345678 5");
    holm_bench_words_text(&words, key, sizeof key);
    assert_string_equal(key, "");
    assert_int_equal(holm_bench_words_u64(&words), 0);
    assert_false(holm_bench_words_end(&words));
    words = holm_bench_words_of("");
    holm_bench_words_text(&words, key, sizeof key);
    assert_false(holm_bench_words_end(&words));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words_when_all_are_as_asked_are_good),
        cmocka_unit_test(test_words_when_one_is_not_a_number_are_bad_from_there_on),
        cmocka_unit_test(test_words_when_one_does_not_fit_are_bad),
    };
    return cmocka_run_group_tests_name("words", tests, NULL, NULL);
}

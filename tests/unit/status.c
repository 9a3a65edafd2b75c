/* SPDX-License-Identifier: Apache-2.0 */
#include <holm/status.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_status_when_it_is_known_then_name_and_sentence_are_its_own(void **state)
{
    assert_string_equal(holm_status_name(HOLM_OK), "HOLM_OK");
    assert_string_equal(holm_status_name(HOLM_EBURIED), "HOLM_EBURIED");
    assert_string_equal(holm_strerror(HOLM_OK), "success");
    assert_non_null(strstr(holm_strerror(HOLM_EBURIED), "buried"));
    assert_non_null(strstr(holm_strerror(HOLM_EADDRESS), "tcp://"));
}

static void test_status_when_the_list_is_walked_then_all_are_named_and_distinct(void **state)
{
#define STATUS_ENTRY(name, value, sentence) {HOLM_##name, (value), "HOLM_" #name, (sentence)},
    static const struct {
        enum holm_status status;
        int value;
        const char *name, *sentence;
    } all[] = {HOLM_STATUS_LIST(STATUS_ENTRY)};
#undef STATUS_ENTRY

    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        assert_int_equal(all[i].status, all[i].value);
        assert_int_equal(all[i].value, i);
        assert_string_equal(holm_status_name(all[i].status), all[i].name);
        assert_string_equal(holm_strerror(all[i].status), all[i].sentence);
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(all[i].sentence, all[j].sentence);
    }
}

static void test_status_when_it_is_unknown_then_it_is_said(void **state)
{
    assert_string_equal(holm_strerror((enum holm_status)999), "unknown status");
    assert_string_equal(holm_status_name((enum holm_status)999), "unknown status");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_status_when_it_is_known_then_name_and_sentence_are_its_own),
        cmocka_unit_test(test_status_when_the_list_is_walked_then_all_are_named_and_distinct),
        cmocka_unit_test(test_status_when_it_is_unknown_then_it_is_said),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

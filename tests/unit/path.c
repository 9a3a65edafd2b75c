/* SPDX-License-Identifier: Apache-2.0 */
#include "crdt/path.h"

#include "tests/unit/core.h"

static void test_path_when_made_of_a_name_then_it_gives_the_name_back(void **state)
{
    char name[HOLM_FIELD_BYTES_MAX + 1];
    memset(name, 'x', sizeof name);
    for (size_t size = 0; size <= HOLM_FIELD_BYTES_MAX; size++) {
        struct holm_path path;
        assert_int_equal(holm_path_init(&path, holm_mem(name, size)), HOLM_OK);
        assert_true(holm_path_valid(holm_path_bytes(&path)));
        assert_int_equal(path.size, size == 0 ? 0 : size + 1);
        struct holm_bytes back = holm_path_name(holm_path_bytes(&path));
        assert_true(holm_bytes_equal(back, holm_mem(name, size)));
    }
}

static void test_path_when_the_name_is_too_long_then_it_is_refused(void **state)
{
    char name[HOLM_FIELD_BYTES_MAX + 1] = {0};
    struct holm_path path;
    assert_int_equal(holm_path_init(&path, holm_mem(name, sizeof name)), HOLM_ETOOBIG);
}

static void test_path_when_the_bytes_are_no_list_of_names_then_it_is_invalid(void **state)
{
    unsigned char longest[HOLM_PATH_BYTES_MAX + 256];
    assert_true(holm_path_valid(holm_mem(NULL, 0)));
    assert_true(holm_path_valid(holm_mem("\3pet\4name", 9)));
    assert_true(holm_path_valid(holm_mem("\1\0\1\0", 4)));
    assert_false(holm_path_valid(holm_mem("\0", 1)));
    assert_false(holm_path_valid(holm_mem("\3pet\0", 5)));
    assert_false(holm_path_valid(holm_mem("\3pe", 3)));
    assert_false(holm_path_valid(holm_mem("\3pet\4nam", 8)));

    memset(longest, 255, sizeof longest);
    assert_true(holm_path_valid(holm_mem(longest, HOLM_PATH_BYTES_MAX)));
    assert_false(holm_path_valid(holm_mem(longest, HOLM_PATH_BYTES_MAX + 256)));
}

static void test_path_when_one_begins_with_the_other_then_that_covers_it(void **state)
{
    struct holm_bytes record = holm_mem(NULL, 0);
    struct holm_bytes pet = holm_mem("\3pet", 4);
    struct holm_bytes pets = holm_mem("\4pets", 5);
    struct holm_bytes pet_name = holm_mem("\3pet\4name", 9);
    assert_true(holm_path_covers(record, record));
    assert_true(holm_path_covers(record, pet_name));
    assert_true(holm_path_covers(pet, pet));
    assert_true(holm_path_covers(pet, pet_name));
    assert_false(holm_path_covers(pet, pets));
    assert_false(holm_path_covers(pet_name, pet));
    assert_false(holm_path_covers(pet, record));
}

static void test_path_when_there_are_several_names_then_the_first_is_given(void **state)
{
    assert_bytes(holm_path_name(holm_mem("\3pet\4name", 9)), "pet");
    assert_bytes(holm_path_name(holm_mem(NULL, 0)), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_path_when_made_of_a_name_then_it_gives_the_name_back),
        cmocka_unit_test(test_path_when_the_name_is_too_long_then_it_is_refused),
        cmocka_unit_test(test_path_when_the_bytes_are_no_list_of_names_then_it_is_invalid),
        cmocka_unit_test(test_path_when_one_begins_with_the_other_then_that_covers_it),
        cmocka_unit_test(test_path_when_there_are_several_names_then_the_first_is_given),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

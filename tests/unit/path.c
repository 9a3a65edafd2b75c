/* SPDX-License-Identifier: Apache-2.0 */
#include "crdt/path.h"

#include "tests/unit/core.h"

static const struct holm_path no_names = {NULL, 0};

static void test_path_when_made_of_a_name_then_it_gives_the_name_back(void **state)
{
    char name[HOLM_FIELD_BYTES_MAX + 1];
    memset(name, 'x', sizeof name);
    for (size_t size = 0; size <= HOLM_FIELD_BYTES_MAX; size++) {
        struct holm_packed_path packed;
        assert_int_equal(holm_path_pack(&packed, no_names, holm_mem(name, size)), HOLM_OK);
        struct holm_bytes path = holm_path_bytes(&packed);
        assert_true(holm_path_valid(path));
        assert_int_equal(path.size, size == 0 ? 0 : size + 1);
        assert_int_equal(holm_path_count(path), size > 0);
        if (size > 0)
            assert_true(holm_bytes_equal(holm_path_take(&path), holm_mem(name, size)));
        assert_int_equal(path.size, 0);
    }
}

static void test_path_when_made_of_several_names_then_they_come_in_their_order(void **state)
{
    struct holm_packed_path packed, same;
    assert_int_equal(holm_path_pack(&packed, HOLM_PATH("pet", "home"), holm_str("street")),
                     HOLM_OK);
    struct holm_bytes path = holm_path_bytes(&packed);
    assert_bytes(path, "\3pet\4home\6street");
    assert_true(holm_path_valid(path));
    assert_int_equal(holm_path_count(path), 3);
    assert_bytes(holm_path_take(&path), "pet");
    assert_bytes(holm_path_take(&path), "home");
    assert_bytes(holm_path_take(&path), "street");
    assert_int_equal(path.size, 0);

    struct holm_path whole = HOLM_PATH("pet", "home", "street");
    assert_int_equal(holm_path_pack(&same, whole, holm_mem(NULL, 0)), HOLM_OK);
    assert_true(holm_bytes_equal(holm_path_bytes(&packed), holm_path_bytes(&same)));
    whole = HOLM_PATH("1", "2", "3", "4", "5", "6", "7", "8");
    assert_int_equal(whole.count, 8);
    assert_int_equal(holm_path_pack(&same, whole, holm_str("9")), HOLM_OK);
    assert_bytes(holm_path_bytes(&same), "\1"
                                         "1\1"
                                         "2\1"
                                         "3\1"
                                         "4\1"
                                         "5\1"
                                         "6\1"
                                         "7\1"
                                         "8\1"
                                         "9");
}

static void test_path_when_a_name_is_empty_or_too_long_then_it_is_refused(void **state)
{
    char bytes[HOLM_FIELD_BYTES_MAX + 1] = {0};
    struct holm_bytes longest = holm_mem(bytes, HOLM_FIELD_BYTES_MAX);
    struct holm_bytes names[5] = {longest, longest, longest, longest, longest};
    struct holm_bytes nothing = {NULL, 0};
    struct holm_packed_path packed;
    assert_int_equal(holm_path_pack(&packed, no_names, holm_mem(bytes, sizeof bytes)),
                     HOLM_ETOOBIG);
    assert_int_equal(holm_path_pack(&packed, HOLM_PATH("a", ""), holm_str("f")), HOLM_EINVAL);
    assert_int_equal(holm_path_pack(&packed, HOLM_PATH(""), nothing), HOLM_EINVAL);
    assert_int_equal(holm_path_pack(&packed, holm_path_of(NULL, 1), nothing), HOLM_EINVAL);
    assert_int_equal(holm_path_pack(&packed, no_names, holm_mem(NULL, 1)), HOLM_EINVAL);

    /* Four of the longest, with their lengths, are exactly as much as a path may have. */
    assert_int_equal(holm_path_pack(&packed, holm_path_of(names, 4), nothing), HOLM_OK);
    assert_int_equal(packed.size, HOLM_PATH_BYTES_MAX);
    assert_int_equal(holm_path_pack(&packed, holm_path_of(names, 3), longest), HOLM_OK);
    assert_int_equal(holm_path_pack(&packed, holm_path_of(names, 4), holm_str("f")), HOLM_ETOOBIG);
    assert_int_equal(holm_path_pack(&packed, holm_path_of(names, 5), nothing), HOLM_ETOOBIG);
    names[3].size = 5; /* the last name fits, but for its length */
    assert_int_equal(holm_path_pack(&packed, holm_path_of(names, 4), holm_mem(bytes, 250)),
                     HOLM_ETOOBIG);
    assert_int_equal(holm_path_pack(&packed, holm_path_of(names, 4), holm_mem(bytes, 249)),
                     HOLM_OK);
    assert_int_equal(packed.size, HOLM_PATH_BYTES_MAX);
    names[3].size = sizeof bytes;
    assert_int_equal(holm_path_pack(&packed, holm_path_of(names, 4), nothing), HOLM_ETOOBIG);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_path_when_made_of_a_name_then_it_gives_the_name_back),
        cmocka_unit_test(test_path_when_made_of_several_names_then_they_come_in_their_order),
        cmocka_unit_test(test_path_when_a_name_is_empty_or_too_long_then_it_is_refused),
        cmocka_unit_test(test_path_when_the_bytes_are_no_list_of_names_then_it_is_invalid),
        cmocka_unit_test(test_path_when_one_begins_with_the_other_then_that_covers_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

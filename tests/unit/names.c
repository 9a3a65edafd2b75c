/* SPDX-License-Identifier: Apache-2.0 */
#include "crdt/names.h"

#include "tests/unit/core.h"

#include <stdio.h>

struct fixture {
    struct heap memory;
    struct holm_allocator allocator;
    struct holm_names names;
};

static void open(struct fixture *f)
{
    memset(f, 0, sizeof *f);
    f->allocator = heap_allocator(&f->memory);
    assert_int_equal(holm_names_init(&f->names, &f->allocator, 5), HOLM_OK);
}

static void close(struct fixture *f)
{
    holm_names_check(&f->names);
    holm_names_release(&f->names);
    assert_int_equal(f->memory.blocks, 0);
}

static struct holm_bytes path_of(char path[16], uint32_t i)
{
    (void)snprintf(path, 16, "\5%05u", i);
    return holm_str(path);
}

/* Random uses and leaves of 200 paths, against a plain count of each. */
static void test_names_when_used_and_left_then_each_path_has_one_number(void **state)
{
    enum {
        PATHS = 200
    };
    uint32_t users[PATHS] = {0};
    uint32_t numbers[PATHS] = {0};
    struct chance chance = {.state = 8};
    struct fixture f;
    char path[16];
    open(&f);
    for (uint32_t round = 0; round < 20000; round++) {
        uint32_t i = (uint32_t)chance_below(&chance, PATHS);
        uint32_t number;
        if (users[i] > 0 && chance_below(&chance, 2) == 0) {
            holm_names_leave(&f.names, numbers[i]);
            users[i] -= 1;
        } else {
            assert_int_equal(holm_names_intern(&f.names, path_of(path, i), &number), HOLM_OK);
            assert_true(users[i] == 0 || number == numbers[i]);
            holm_names_use(&f.names, number);
            numbers[i] = number;
            users[i] += 1;
        }
        if (round % 100 == 0) {
            holm_names_sweep(&f.names);
            holm_names_check(&f.names);
        }
    }
    holm_names_sweep(&f.names);
    size_t live = 0;
    for (uint32_t i = 0; i < PATHS; i++) {
        uint32_t found = holm_names_find(&f.names, path_of(path, i));
        assert_int_equal(found, users[i] > 0 ? numbers[i] : HOLM_NAME_NONE);
        live += users[i] > 0 ? 1 : 0;
        if (users[i] > 0) {
            struct holm_bytes bytes = holm_names_path(&f.names, found);
            assert_true(holm_bytes_equal(bytes, holm_str(path)));
        }
    }
    assert_int_equal(f.names.live, live);
    close(&f);
}

static void test_names_when_the_path_is_empty_then_it_is_number_0(void **state)
{
    struct fixture f;
    uint32_t number = 9;
    open(&f);
    assert_int_equal(holm_names_find(&f.names, holm_str("")), 0);
    assert_int_equal(holm_names_intern(&f.names, holm_str(""), &number), HOLM_OK);
    assert_int_equal(number, 0);
    holm_names_use(&f.names, 0);
    holm_names_leave(&f.names, 0);
    holm_names_sweep(&f.names);
    assert_int_equal(holm_names_path(&f.names, 0).size, 0);
    close(&f);
}

/* What lost its last user within a transaction is there again when that is rolled back. */
static void test_names_when_left_and_used_before_a_sweep_then_the_number_stays(void **state)
{
    struct fixture f;
    uint32_t first;
    uint32_t second;
    open(&f);
    assert_int_equal(holm_names_intern(&f.names, holm_str("\1a"), &first), HOLM_OK);
    holm_names_use(&f.names, first);
    holm_names_leave(&f.names, first);
    assert_int_equal(holm_names_intern(&f.names, holm_str("\1a"), &second), HOLM_OK);
    assert_int_equal(first, second);
    holm_names_use(&f.names, second);
    holm_names_sweep(&f.names);
    assert_int_equal(holm_names_find(&f.names, holm_str("\1a")), first);
    holm_names_leave(&f.names, first);
    holm_names_sweep(&f.names);
    assert_int_equal(holm_names_find(&f.names, holm_str("\1a")), HOLM_NAME_NONE);
    assert_int_equal(f.names.bytes, 0);
    close(&f);
}

static void test_names_when_there_is_no_memory_then_nothing_changed(void **state)
{
    char path[16];
    uint32_t number;
    for (uint64_t at = 1; at <= 4; at++) {
        struct fixture f;
        open(&f);
        for (uint32_t i = 0; i < 40; i++) {
            f.memory.calls = 0;
            f.memory.fail_at = at;
            f.memory.fail_once = true;
            enum holm_status status = holm_names_intern(&f.names, path_of(path, i), &number);
            f.memory.fail_at = 0;
            if (status != HOLM_OK) {
                assert_int_equal(status, HOLM_ENOMEM);
                assert_int_equal(holm_names_find(&f.names, holm_str(path)), HOLM_NAME_NONE);
                assert_int_equal(holm_names_intern(&f.names, holm_str(path), &number), HOLM_OK);
            }
            holm_names_use(&f.names, number);
            holm_names_check(&f.names);
        }
        assert_int_equal(f.names.live, 40);
        close(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_when_used_and_left_then_each_path_has_one_number),
        cmocka_unit_test(test_names_when_the_path_is_empty_then_it_is_number_0),
        cmocka_unit_test(test_names_when_left_and_used_before_a_sweep_then_the_number_stays),
        cmocka_unit_test(test_names_when_there_is_no_memory_then_nothing_changed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "city_memory.h"
#include "sim/city/dice.h"

static const struct holm_hero_id ada = {0x6f1d0c5293ab4d1e, 0x8a071c5b7a0e9d33};

static void test_hero_key_when_written_then_read_back(void **state)
{
    char key[HOLM_HERO_KEY_BYTES + 1];
    holm_hero_key(ada, key);
    assert_string_equal(key, "hero:6f1d0c52-93ab-4d1e-8a07-1c5b7a0e9d33");
    struct holm_dice dice;
    holm_dice_init(&dice, 7);
    for (int i = 0; i < 1000; i++) {
        uint64_t high = holm_dice_next(&dice);
        struct holm_hero_id id = holm_hero_id_make(high, holm_dice_next(&dice));
        struct holm_hero_id back;
        holm_hero_key(id, key);
        assert_int_equal(key[5 + 14], '4');
        assert_true(holm_hero_parse(holm_str(key), &back));
        assert_int_equal(holm_hero_id_compare(id, back), 0);
    }
}

static void test_hero_key_when_not_a_heros_then_refused(void **state)
{
    static const char *const bad[] = {
        "",
        "hero:",
        "hero:6f1d0c52-93ab-4d1e-8a07-1c5b7a0e9d3",
        "hero:6f1d0c52-93ab-4d1e-8a07-1c5b7a0e9d333",
        "hera:6f1d0c52-93ab-4d1e-8a07-1c5b7a0e9d33",
        "hero:6f1d0c52a93ab-4d1e-8a07-1c5b7a0e9d33",
        "hero:6F1d0c52-93ab-4d1e-8a07-1c5b7a0e9d33",
        "hero:6g1d0c52-93ab-4d1e-8a07-1c5b7a0e9d33",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct holm_hero_id id = ada;
        assert_false(holm_hero_parse(holm_str(bad[i]), &id));
        assert_int_equal(holm_hero_id_compare(id, ada), 0);
    }
    static const char nul[HOLM_HERO_KEY_BYTES] = "hero:6f1d0c52-93ab-4d1e-8a07-1c5b7a0e9d3";
    struct holm_hero_id id;
    assert_false(holm_hero_parse(holm_mem(nul, sizeof nul), &id));
}

static void test_hero_when_created_then_whole(void **state)
{
    struct memory memory;
    memory_init(&memory);
    assert_int_equal(holm_hero_create(&memory.port, ada, "Silver Otter", "lisbon", 1234), HOLM_OK);
    assert_int_equal(memory.commits, 1);
    struct holm_hero hero;
    assert_int_equal(holm_hero_read(&memory.port, ada, &hero), HOLM_OK);
    assert_string_equal(hero.name, "Silver Otter");
    assert_string_equal(hero.city, "lisbon");
    assert_int_equal(hero.health, 100);
    assert_int_equal(hero.updated_ms, 1234);
    assert_false(hero.patrolling);
}

static void test_hero_when_patrolled_hurt_and_moved_then_read_so(void **state)
{
    struct memory memory;
    memory_init(&memory);
    struct holm_hero hero;
    memory_add(&memory, ada, "lisbon", 50, false);
    assert_int_equal(holm_hero_patrol(&memory.port, ada, 1), HOLM_OK);
    assert_int_equal(holm_hero_hurt(&memory.port, ada, 15, 2), HOLM_OK);
    assert_int_equal(holm_hero_read(&memory.port, ada, &hero), HOLM_OK);
    assert_true(hero.patrolling);
    assert_int_equal(hero.health, 35);
    assert_int_equal(holm_hero_move(&memory.port, &hero, "oslo", 20, 3), HOLM_OK);
    assert_int_equal(holm_hero_read(&memory.port, ada, &hero), HOLM_OK);
    assert_false(hero.patrolling);
    assert_int_equal(hero.health, 55);
    assert_int_equal(hero.updated_ms, 3);
    assert_string_equal(hero.city, "oslo");
    assert_int_equal(memory.commits, 3);
}

static void test_hero_when_sum_is_over_100_then_shown_as_100(void **state)
{
    struct holm_hero hero = {.health = 117};
    assert_int_equal(holm_hero_health(&hero), 100);
    hero.health = -3;
    assert_int_equal(holm_hero_health(&hero), -3);
    assert_false(holm_hero_alive(&hero));
    hero.health = 1;
    assert_true(holm_hero_alive(&hero));
}

static void test_hero_when_places_are_concurrent_then_the_first_counts(void **state)
{
    struct memory memory;
    memory_init(&memory);
    memory_add(&memory, ada, "lisbon", 50, false);
    (void)strcpy(memory_touch(&memory, ada)->sibling, "oslo");
    struct holm_hero hero;
    assert_int_equal(holm_hero_read(&memory.port, ada, &hero), HOLM_OK);
    assert_string_equal(hero.city, "lisbon");
}

static void test_hero_when_buried_then_reads_and_writes_say_so(void **state)
{
    struct memory memory;
    memory_init(&memory);
    struct holm_hero hero;
    assert_int_equal(holm_hero_read(&memory.port, ada, &hero), HOLM_ENOENT);
    memory_add(&memory, ada, "lisbon", 50, false);
    assert_int_equal(holm_hero_bury(&memory.port, ada), HOLM_OK);
    assert_int_equal(holm_hero_read(&memory.port, ada, &hero), HOLM_EBURIED);
    assert_int_equal(holm_hero_patrol(&memory.port, ada, 1), HOLM_EBURIED);
    assert_int_equal(holm_hero_hurt(&memory.port, ada, 5, 1), HOLM_EBURIED);
    assert_int_equal(holm_hero_create(&memory.port, ada, "A", "oslo", 1), HOLM_EBURIED);
    assert_int_equal(holm_hero_bury(&memory.port, ada), HOLM_OK);
    struct holm_hero_id *ids;
    size_t count;
    assert_int_equal(holm_hero_list(&memory.port, &ids, &count), HOLM_OK);
    assert_int_equal(count, 0);
    free(ids);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hero_key_when_written_then_read_back),
        cmocka_unit_test(test_hero_key_when_not_a_heros_then_refused),
        cmocka_unit_test(test_hero_when_created_then_whole),
        cmocka_unit_test(test_hero_when_patrolled_hurt_and_moved_then_read_so),
        cmocka_unit_test(test_hero_when_sum_is_over_100_then_shown_as_100),
        cmocka_unit_test(test_hero_when_places_are_concurrent_then_the_first_counts),
        cmocka_unit_test(test_hero_when_buried_then_reads_and_writes_say_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

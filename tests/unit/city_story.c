/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sim/city/story.h"
#include "sim/city/supervisor.h"

static const struct holm_story_config usual = {
    .seed = 42, .cities = 5, .heroes = 100, .seconds = 20, .speed = 20, .bombs = 3, .splits = 1};

static size_t count_of(const struct holm_story *story, enum holm_story_type type)
{
    size_t count = 0;
    for (size_t i = 0; i < story->count; i++)
        count += story->events[i].type == type;
    return count;
}

static void test_story_when_drawn_twice_then_the_same(void **state)
{
    struct holm_story a;
    struct holm_story b;
    assert_int_equal(holm_story_draw(&a, &usual), HOLM_OK);
    assert_int_equal(holm_story_draw(&b, &usual), HOLM_OK);
    assert_int_equal(a.count, b.count);
    assert_memory_equal(a.births, b.births, usual.heroes * sizeof a.births[0]);
    for (size_t i = 0; i < a.count; i++) {
        assert_int_equal(a.events[i].at_us, b.events[i].at_us);
        assert_int_equal(a.events[i].type, b.events[i].type);
        assert_int_equal(a.events[i].city, b.events[i].city);
        assert_int_equal(a.events[i].hero, b.events[i].hero);
        assert_true(a.events[i].side == b.events[i].side);
    }
    holm_story_release(&a);
    holm_story_release(&b);
}

static void test_story_when_usual_then_bombs_two_cities_and_heals_a_split(void **state)
{
    for (uint64_t seed = 0; seed < 200; seed++) {
        struct holm_story_config config = usual;
        struct holm_story story;
        config.seed = seed;
        assert_int_equal(holm_story_draw(&story, &config), HOLM_OK);
        assert_int_equal(count_of(&story, HOLM_STORY_BOMB), 3);
        assert_int_equal(count_of(&story, HOLM_STORY_SPLIT), 1);
        assert_int_equal(count_of(&story, HOLM_STORY_HEAL), 1);
        assert_true(count_of(&story, HOLM_STORY_ASSIGN) > 30);
        assert_true(count_of(&story, HOLM_STORY_CREATE) > 10);
        assert_true(count_of(&story, HOLM_STORY_DELETE) > 0);
        uint64_t bombed = 0;
        for (size_t i = 0; i < story.count; i++) {
            if (story.events[i].type == HOLM_STORY_BOMB)
                bombed |= UINT64_C(1) << story.events[i].city;
        }
        assert_true((bombed & (bombed - 1)) != 0);
        holm_story_release(&story);
    }
}

static void test_story_when_splits_follow_then_each_is_healed_before_the_next(void **state)
{
    for (uint64_t seed = 0; seed < 100; seed++) {
        struct holm_story_config config = usual;
        struct holm_story story;
        config.seed = seed;
        config.splits = 20;
        assert_int_equal(holm_story_draw(&story, &config), HOLM_OK);
        bool split = false;
        for (size_t i = 0; i < story.count; i++) {
            const struct holm_story_event *event = &story.events[i];
            assert_true(event->at_us < UINT64_C(20000000));
            if (event->type != HOLM_STORY_SPLIT && event->type != HOLM_STORY_HEAL)
                continue;
            assert_true(split == (event->type == HOLM_STORY_HEAL));
            split = event->type == HOLM_STORY_SPLIT;
            assert_true(event->side != 0 && event->side != 0x1f);
            assert_true((event->side & ~UINT64_C(0x1f)) == 0);
        }
        assert_false(split);
        holm_story_release(&story);
    }
}

static void test_story_when_bombed_as_often_as_allowed_then_nobody_is_given_up(void **state)
{
    static const struct {
        uint32_t cities, seconds;
    } sizes[] = {{5, 20}, {2, 10}, {3, 4}, {20, 30}, {64, 5}};
    for (size_t k = 0; k < sizeof sizes / sizeof sizes[0]; k++) {
        struct holm_story_config config = usual;
        config.cities = sizes[k].cities;
        config.seconds = sizes[k].seconds;
        config.bombs = holm_story_bombs_max(config.cities, config.seconds);
        for (config.seed = 0; config.seed < 50; config.seed++) {
            struct holm_supervised children[HOLM_STORY_CITIES_MAX] = {0};
            struct holm_story story;
            assert_int_equal(holm_story_draw(&story, &config), HOLM_OK);
            assert_int_equal(count_of(&story, HOLM_STORY_BOMB), config.bombs);
            for (size_t i = 0; i < story.count; i++) {
                if (story.events[i].type == HOLM_STORY_BOMB)
                    assert_int_equal(holm_supervisor_died(&children[story.events[i].city],
                                                          story.events[i].at_us),
                                     HOLM_SUPERVISOR_RESTART);
            }
            holm_story_release(&story);
        }
    }
}

static void test_story_when_heroes_are_chosen_then_only_those_born_by_then(void **state)
{
    struct holm_story_config config = usual;
    config.heroes = 0;
    struct holm_story story;
    assert_int_equal(holm_story_draw(&story, &config), HOLM_OK);
    uint32_t born = 0;
    for (size_t i = 0; i < story.count; i++) {
        const struct holm_story_event *event = &story.events[i];
        if (event->type == HOLM_STORY_CREATE)
            assert_int_equal(event->hero, born++);
        else if (event->type == HOLM_STORY_ASSIGN || event->type == HOLM_STORY_DELETE)
            assert_true(event->hero < born);
        if (i > 0)
            assert_true(story.events[i - 1].at_us <= event->at_us);
    }
    assert_int_equal(born, story.heroes);
    holm_story_release(&story);
}

static void test_story_when_out_of_range_then_refused(void **state)
{
    struct holm_story_config bad[10];
    for (size_t i = 0; i < 10; i++)
        bad[i] = usual;
    bad[0].cities = 1;
    bad[1].cities = 65;
    bad[2].heroes = HOLM_STORY_HEROES_MAX + 1;
    bad[3].seconds = 0;
    bad[4].seconds = HOLM_STORY_SECONDS_MAX + 1;
    bad[5].speed = 0;
    bad[6].speed = HOLM_STORY_SPEED_MAX + 1;
    bad[7].bombs = holm_story_bombs_max(5, 20) + 1;
    bad[8].splits = holm_story_splits_max(20) + 1;
    bad[9].cities = 0;
    for (size_t i = 0; i < 10; i++) {
        struct holm_story story;
        assert_int_equal(holm_story_draw(&story, &bad[i]), HOLM_EINVAL);
    }
}

static void test_story_when_heroes_are_named_then_all_differ(void **state)
{
    static char names[1500][HOLM_HERO_NAME_BYTES_MAX + 1];
    for (uint32_t i = 0; i < 1500; i++) {
        holm_story_hero_name(7, i, names[i]);
        for (uint32_t k = 0; k < i; k++)
            assert_string_not_equal(names[i], names[k]);
    }
}

static void test_story_when_cities_are_named_then_all_differ(void **state)
{
    for (uint32_t i = 0; i < HOLM_STORY_CITIES_MAX; i++) {
        assert_true(strlen(holm_story_city(i)) <= 9);
        for (uint32_t k = 0; k < i; k++)
            assert_string_not_equal(holm_story_city(i), holm_story_city(k));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_story_when_drawn_twice_then_the_same),
        cmocka_unit_test(test_story_when_usual_then_bombs_two_cities_and_heals_a_split),
        cmocka_unit_test(test_story_when_splits_follow_then_each_is_healed_before_the_next),
        cmocka_unit_test(test_story_when_bombed_as_often_as_allowed_then_nobody_is_given_up),
        cmocka_unit_test(test_story_when_heroes_are_chosen_then_only_those_born_by_then),
        cmocka_unit_test(test_story_when_out_of_range_then_refused),
        cmocka_unit_test(test_story_when_heroes_are_named_then_all_differ),
        cmocka_unit_test(test_story_when_cities_are_named_then_all_differ),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

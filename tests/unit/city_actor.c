/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "city_memory.h"
#include "sim/city/actor.h"

#define BEAT_US 250000

static struct holm_hero_id hero_number(uint64_t number)
{
    return holm_hero_id_make(number, number);
}

static struct holm_now at(uint64_t monotonic_us)
{
    struct holm_now now = {.monotonic_us = monotonic_us, .wall_ms = 1000 + monotonic_us / 1000};
    return now;
}

static void post(struct holm_city_actor *actor, enum holm_letter_type type, uint64_t hero)
{
    struct holm_letter letter = {.type = type, .hero = hero_number(hero), .name = "Hero"};
    assert_int_equal(holm_city_actor_post(actor, &letter), HOLM_OK);
}

static void start(struct holm_city_actor *actor, struct memory *memory)
{
    assert_int_equal(holm_city_actor_init(actor, "lisbon", &memory->port, 7, BEAT_US), HOLM_OK);
}

static struct holm_hero read_hero(struct memory *memory, uint64_t number)
{
    struct holm_hero hero;
    assert_int_equal(holm_hero_read(&memory->port, hero_number(number), &hero), HOLM_OK);
    return hero;
}

static void test_actor_when_on_hold_then_timers_stand_still(void **state)
{
    struct memory memory;
    struct holm_city_actor actor;
    memory_init(&memory);
    memory_add(&memory, hero_number(1), "lisbon", 100, true);
    start(&actor, &memory);
    for (uint64_t t = 0; t < 10 * BEAT_US; t += BEAT_US)
        assert_true(holm_city_actor_step(&actor, at(t)) == HOLM_NEVER);
    assert_int_equal(memory.commits, 0);
    holm_city_actor_release(&actor);
}

static void test_actor_when_it_goes_then_patrols_and_fights_each_beat(void **state)
{
    struct memory memory;
    struct holm_city_actor actor;
    memory_init(&memory);
    for (uint64_t i = 1; i <= 40; i++)
        memory_add(&memory, hero_number(i), "lisbon", 1000, false);
    start(&actor, &memory);
    post(&actor, HOLM_LETTER_GO, 0);
    uint64_t wake = holm_city_actor_step(&actor, at(0));
    uint64_t steps = 0;
    while (wake < 10 * BEAT_US) {
        wake = holm_city_actor_step(&actor, at(wake));
        steps++;
    }
    assert_int_equal(actor.city.figures.patrols, 10);
    assert_in_range(actor.city.figures.fights, 9, 10);
    assert_in_range(steps, 10, 20);
    holm_census_check(&actor.city.census);
    assert_int_equal(actor.city.census.patrolling, 10);
    holm_city_actor_release(&actor);
}

static void test_actor_when_frozen_then_missed_beats_are_not_made_up_for(void **state)
{
    struct memory memory;
    struct holm_city_actor actor;
    memory_init(&memory);
    memory_add(&memory, hero_number(1), "lisbon", 1000, true);
    start(&actor, &memory);
    post(&actor, HOLM_LETTER_GO, 0);
    (void)holm_city_actor_step(&actor, at(0));
    uint64_t wake = holm_city_actor_step(&actor, at(100 * BEAT_US));
    assert_int_equal(actor.city.figures.fights, 1);
    assert_true(wake > 100 * BEAT_US && wake <= 101 * BEAT_US);
    holm_city_actor_release(&actor);
}

static void test_actor_when_damage_is_drawn_then_from_5_to_15(void **state)
{
    struct memory memory;
    struct holm_city_actor actor;
    memory_init(&memory);
    memory_add(&memory, hero_number(1), "lisbon", 1000000, true);
    start(&actor, &memory);
    holm_city_look(&actor.city);
    bool drawn[HOLM_CITY_DAMAGE_MAX + 1] = {false};
    for (int i = 0; i < 1000; i++) {
        int64_t before = read_hero(&memory, 1).health;
        holm_city_fight(&actor.city, 1);
        int64_t damage = before - read_hero(&memory, 1).health;
        assert_in_range(damage, 5, 15);
        drawn[damage] = true;
    }
    for (int i = 5; i <= 15; i++)
        assert_true(drawn[i]);
    holm_city_actor_release(&actor);
}

static void test_actor_when_health_is_used_up_by_a_fight_then_buried(void **state)
{
    struct memory memory;
    struct holm_city_actor actor;
    memory_init(&memory);
    memory_add(&memory, hero_number(1), "lisbon", 5, true);
    start(&actor, &memory);
    post(&actor, HOLM_LETTER_GO, 0);
    (void)holm_city_actor_step(&actor, at(0));
    (void)holm_city_actor_step(&actor, at(BEAT_US));
    assert_int_equal(actor.city.figures.fallen, 1);
    assert_true(memory_touch(&memory, hero_number(1))->buried);
    assert_int_equal(actor.city.census.count, 0);
    holm_city_actor_release(&actor);
}

/* Both halves of a netsplit hurt one hero; only together they kill it. The hero's city sees it when
 * the other half's damage arrives, on hold too, and nobody else buries it. */
static void test_actor_when_others_damage_kills_then_only_its_own_city_buries(void **state)
{
    struct memory memory;
    struct holm_city_actor actor;
    memory_init(&memory);
    memory_add(&memory, hero_number(1), "lisbon", 8, true);
    memory_add(&memory, hero_number(2), "oslo", 8, true);
    start(&actor, &memory);
    (void)holm_city_actor_step(&actor, at(0));
    assert_int_equal(memory.commits, 0);
    memory_touch(&memory, hero_number(1))->hero.health = -2;
    memory_touch(&memory, hero_number(2))->hero.health = -2;
    (void)holm_city_actor_step(&actor, at(1));
    assert_true(memory_touch(&memory, hero_number(1))->buried);
    assert_false(memory_touch(&memory, hero_number(2))->buried);
    holm_city_actor_release(&actor);
}

static void test_actor_when_assigned_then_comes_off_patrol_and_boosted_to_at_most_100(void **state)
{
    static const struct {
        int64_t before, after;
    } cases[] = {{50, 70}, {80, 100}, {93, 100}, {100, 100}, {117, 117}, {1, 21}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct memory memory;
        struct holm_city_actor actor;
        memory_init(&memory);
        memory_add(&memory, hero_number(1), "oslo", cases[i].before, true);
        start(&actor, &memory);
        post(&actor, HOLM_LETTER_ASSIGN, 1);
        (void)holm_city_actor_step(&actor, at(5000));
        struct holm_hero hero = read_hero(&memory, 1);
        assert_string_equal(hero.city, "lisbon");
        assert_false(hero.patrolling);
        assert_int_equal(hero.health, cases[i].after);
        assert_int_equal(hero.updated_ms, 1005);
        assert_int_equal(actor.city.figures.assigned, 1);
        holm_city_actor_release(&actor);
    }
}

static void test_actor_when_the_dead_are_assigned_then_refused(void **state)
{
    struct memory memory;
    struct holm_city_actor actor;
    memory_init(&memory);
    memory_add(&memory, hero_number(1), "oslo", 50, true);
    memory_touch(&memory, hero_number(1))->buried = true;
    memory_touch(&memory, hero_number(1))->present = false;
    memory_add(&memory, hero_number(2), "oslo", 0, true);
    start(&actor, &memory);
    for (uint64_t i = 1; i <= 3; i++)
        post(&actor, HOLM_LETTER_ASSIGN, i);
    (void)holm_city_actor_step(&actor, at(0));
    assert_int_equal(actor.city.figures.refused, 3);
    assert_int_equal(actor.city.figures.assigned, 0);
    assert_int_equal(memory.commits, 0);
    holm_city_actor_release(&actor);
}

static void test_actor_when_letters_wait_then_read_in_their_order(void **state)
{
    struct memory memory;
    struct holm_city_actor actor;
    memory_init(&memory);
    start(&actor, &memory);
    post(&actor, HOLM_LETTER_CREATE, 1);
    post(&actor, HOLM_LETTER_CREATE, 2);
    post(&actor, HOLM_LETTER_DELETE, 1);
    post(&actor, HOLM_LETTER_ASSIGN, 1);
    (void)holm_city_actor_step(&actor, at(0));
    assert_int_equal(actor.city.figures.created, 2);
    assert_int_equal(actor.city.figures.deleted, 1);
    assert_int_equal(actor.city.figures.refused, 1);
    assert_int_equal(actor.city.census.here, 1);
    holm_city_actor_release(&actor);
}

static void test_actor_when_bombed_then_does_nothing_more(void **state)
{
    struct memory memory;
    struct holm_city_actor actor;
    memory_init(&memory);
    start(&actor, &memory);
    post(&actor, HOLM_LETTER_BOMB, 0);
    post(&actor, HOLM_LETTER_CREATE, 1);
    assert_true(holm_city_actor_step(&actor, at(0)) == HOLM_NEVER);
    assert_true(actor.dead);
    assert_true(holm_city_actor_step(&actor, at(BEAT_US)) == HOLM_NEVER);
    assert_int_equal(memory.commits, 0);
    holm_city_actor_release(&actor);
}

static void test_actor_when_mailbox_is_full_then_refuses_and_loses_nothing(void **state)
{
    struct memory memory;
    struct holm_city_actor actor;
    memory_init(&memory);
    start(&actor, &memory);
    struct holm_letter letter = {.type = HOLM_LETTER_HOLD};
    for (uint64_t i = 0; i < HOLM_CITY_LETTERS_MAX; i++) {
        letter.token = i + 1;
        assert_int_equal(holm_city_actor_post(&actor, &letter), HOLM_OK);
    }
    assert_int_equal(holm_city_actor_post(&actor, &letter), HOLM_ELIMIT);
    (void)holm_city_actor_step(&actor, at(0));
    assert_int_equal(actor.token, HOLM_CITY_LETTERS_MAX);
    assert_int_equal(holm_city_actor_post(&actor, &letter), HOLM_OK);
    holm_city_actor_release(&actor);
}

static void test_actor_when_news_overflow_then_takes_the_census_anew(void **state)
{
    struct memory memory;
    struct holm_city_actor actor;
    memory_init(&memory);
    start(&actor, &memory);
    for (uint64_t i = 1; i <= 200; i++)
        memory_add(&memory, hero_number(i), i % 2 == 0 ? "lisbon" : "oslo", 100, i % 4 == 0);
    (void)holm_city_actor_step(&actor, at(0));
    for (size_t i = 0; i < memory.count; i++) {
        memory.heroes[i].present = i >= 100;
        memory.heroes[i].news = false;
    }
    (void)holm_city_actor_step(&actor, at(1));
    assert_int_equal(actor.city.census.count, 200);
    memory.all_news = true;
    (void)holm_city_actor_step(&actor, at(2));
    holm_census_check(&actor.city.census);
    assert_int_equal(actor.city.census.count, 100);
    assert_int_equal(actor.city.census.here, 50);
    assert_int_equal(actor.city.census.patrolling, 25);
    holm_city_actor_release(&actor);
}

static void test_actor_when_the_replica_refuses_then_counted_and_tried_again(void **state)
{
    struct memory memory;
    struct holm_city_actor actor;
    memory_init(&memory);
    memory_add(&memory, hero_number(1), "lisbon", 0, false);
    memory_add(&memory, hero_number(2), "lisbon", 0, false);
    start(&actor, &memory);
    memory.refusal = HOLM_ENOMEM;
    (void)holm_city_actor_step(&actor, at(0));
    assert_int_equal(actor.city.figures.errors, 2);
    memory.refusal = HOLM_OK;
    (void)holm_city_actor_step(&actor, at(1));
    assert_int_equal(actor.city.figures.fallen, 2);
    holm_city_actor_release(&actor);
}

/* The same seed and the same events make the same city, whatever the machine. */
static void test_actor_when_seeded_alike_then_acts_alike(void **state)
{
    uint64_t tale[2]; /* a hash of how it ended */
    for (int run = 0; run < 2; run++) {
        struct memory memory;
        struct holm_city_actor actor;
        memory_init(&memory);
        for (uint64_t i = 1; i <= 20; i++)
            memory_add(&memory, hero_number(i), "lisbon", 100, false);
        start(&actor, &memory);
        post(&actor, HOLM_LETTER_GO, 0);
        uint64_t wake = holm_city_actor_step(&actor, at(0));
        while (wake < 400 * (uint64_t)BEAT_US)
            wake = holm_city_actor_step(&actor, at(wake));
        tale[run] = actor.city.figures.fights;
        for (size_t i = 0; i < memory.count; i++)
            tale[run] = tale[run] * 31 + (uint64_t)memory.heroes[i].hero.health;
        holm_city_actor_release(&actor);
    }
    assert_int_equal(tale[0], tale[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_actor_when_on_hold_then_timers_stand_still),
        cmocka_unit_test(test_actor_when_it_goes_then_patrols_and_fights_each_beat),
        cmocka_unit_test(test_actor_when_frozen_then_missed_beats_are_not_made_up_for),
        cmocka_unit_test(test_actor_when_damage_is_drawn_then_from_5_to_15),
        cmocka_unit_test(test_actor_when_health_is_used_up_by_a_fight_then_buried),
        cmocka_unit_test(test_actor_when_others_damage_kills_then_only_its_own_city_buries),
        cmocka_unit_test(test_actor_when_assigned_then_comes_off_patrol_and_boosted_to_at_most_100),
        cmocka_unit_test(test_actor_when_the_dead_are_assigned_then_refused),
        cmocka_unit_test(test_actor_when_letters_wait_then_read_in_their_order),
        cmocka_unit_test(test_actor_when_bombed_then_does_nothing_more),
        cmocka_unit_test(test_actor_when_mailbox_is_full_then_refuses_and_loses_nothing),
        cmocka_unit_test(test_actor_when_news_overflow_then_takes_the_census_anew),
        cmocka_unit_test(test_actor_when_the_replica_refuses_then_counted_and_tried_again),
        cmocka_unit_test(test_actor_when_seeded_alike_then_acts_alike),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

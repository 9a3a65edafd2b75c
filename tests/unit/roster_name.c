/* SPDX-License-Identifier: Apache-2.0 */
/* What names stand for, in a roster: what comes and goes, beside seeds and what peers tell of. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "node/roster_state.h"
#include "tests/unit/roster_world.h"

static struct holm_roster_address *address_of(struct world *world, const char *text)
{
    struct holm_roster *roster = world->nodes[0].roster;
    for (size_t i = 0; i < roster->address_count; i++)
        if (roster->addresses[i].used && strcmp(roster->addresses[i].text, text) == 0)
            return &roster->addresses[i];
    return NULL;
}

/* The name stands for up to three addresses. */
static struct holm_roster_change resolve(struct world *world, uint32_t name, const char *a,
                                         const char *b, const char *c)
{
    const char *const given[] = {a, b, c};
    struct holm_roster_text texts[3];
    struct holm_roster_named named = {name, texts, 0};
    struct holm_roster_change change;
    for (size_t i = 0; i < 3; i++)
        if (given[i] != NULL)
            snprintf(texts[named.count++].bytes, sizeof texts[0].bytes, "%s", given[i]);
    holm_roster_resolved(world->nodes[0].roster, &named, &change);
    holm_roster_check(world->nodes[0].roster);
    return change;
}

static void assert_change(struct holm_roster_change change, size_t known, size_t added, size_t gone)
{
    assert_int_equal(change.known, known);
    assert_int_equal(change.added, added);
    assert_int_equal(change.gone, gone);
    assert_int_equal(change.left_out, 0);
}

static void test_roster_when_a_name_gains_loses_and_changes_addresses_then_they_are_dialled(
    void **state)
{
    struct world *world = *state;
    world_start(world, 0, 0);
    assert_change(resolve(world, 0, "tcp://a:1", "tcp://b:1", NULL), 2, 2, 0);
    world_run(world, 100);
    assert_int_equal(world->nodes[0].dials, 2);
    assert_change(resolve(world, 0, "tcp://b:1", "tcp://c:1", NULL), 2, 1, 1);
    world_run(world, 2000);
    assert_null(address_of(world, "tcp://a:1"));
    assert_non_null(address_of(world, "tcp://b:1"));
    assert_non_null(address_of(world, "tcp://c:1"));
    assert_change(resolve(world, 0, "tcp://c:1", "tcp://b:1", NULL), 2, 0, 0);
}

static void test_roster_when_a_seed_or_another_name_stands_for_it_then_an_address_stays(
    void **state)
{
    struct world *world = *state;
    world_start(world, 0, 0);
    assert_int_equal(holm_roster_join(world->nodes[0].roster, "tcp://a:1"), HOLM_OK);
    (void)resolve(world, 0, "tcp://a:1", "tcp://b:1", "tcp://c:1");
    assert_change(resolve(world, 15, "tcp://b:1", NULL, NULL), 1, 1, 0);
    assert_change(resolve(world, 0, "tcp://d:1", NULL, NULL), 1, 1, 3);
    world_run(world, 2000);
    assert_non_null(address_of(world, "tcp://a:1"));
    assert_non_null(address_of(world, "tcp://b:1"));
    assert_null(address_of(world, "tcp://c:1"));
    (void)resolve(world, 15, "tcp://d:1", NULL, NULL);
    world_run(world, 2000);
    assert_null(address_of(world, "tcp://b:1"));
}

/* Its own word is what counts for a member; its link outlives the name in any case. */
static void test_roster_when_a_name_loses_a_member_then_it_stays_up_and_is_dialled_by_its_word(
    void **state)
{
    struct world *world = *state;
    world_start(world, 0, 0);
    world_start(world, 1, 0);
    (void)resolve(world, 0, "tcp://n1:1", NULL, NULL);
    world_run(world, 3000);
    assert_true(world_pair_up(world, 0, 1));
    assert_change(resolve(world, 0, "tcp://b:1", NULL, NULL), 1, 1, 1);
    world_run(world, 10000);
    assert_true(world_pair_up(world, 0, 1));
    world_kill(world, 1);
    world_run(world, 5000);
    world_start(world, 1, 0);
    world_run(world, 5000);
    assert_true(world_pair_up(world, 0, 1));
}

static void test_roster_when_names_have_thousands_of_addresses_then_their_places_are_bounded(
    void **state)
{
    static struct holm_roster_text texts[3000];
    struct world *world = *state;
    world_start(world, 0, 0);
    struct holm_roster *roster = world->nodes[0].roster;
    struct holm_roster_named named = {3, texts, 3000};
    struct holm_roster_change change;
    size_t most = 2 * (size_t)roster->config.peers_max + 16;
    for (unsigned i = 0; i < 3000; i++)
        snprintf(texts[i].bytes, sizeof texts[i].bytes, "tcp://a%u:1", i);
    holm_roster_resolved(roster, &named, &change);
    assert_int_equal(change.known, most);
    assert_int_equal(change.left_out, 3000 - most);
    assert_int_equal(holm_roster_join(roster, "tcp://n1:1"), HOLM_OK);
    world_run(world, 60000);
    uint32_t before = world->nodes[0].dials;
    world_run(world, 10000);
    /* The seed's, and those of all addresses where nobody has ever answered. */
    assert_in_range(world->nodes[0].dials - before, 50, 10 * (HOLM_ROSTER_SILENT_DIALS + 4));
    named.texts = texts + 2900;
    named.count = 40;
    holm_roster_resolved(roster, &named, &change);
    assert_change(change, 40, 40, most);
}

static int open_world(void **state)
{
    *state = world_new();
    return 0;
}

static int close_world(void **state)
{
    world_free(*state);
    return 0;
}

int main(void)
{
#define ROSTER_TEST(name)                                                                          \
    cmocka_unit_test_setup_teardown(test_roster_when_##name, open_world, close_world)
    const struct CMUnitTest tests[] = {
        ROSTER_TEST(a_name_gains_loses_and_changes_addresses_then_they_are_dialled),
        ROSTER_TEST(a_seed_or_another_name_stands_for_it_then_an_address_stays),
        ROSTER_TEST(a_name_loses_a_member_then_it_stays_up_and_is_dialled_by_its_word),
        ROSTER_TEST(names_have_thousands_of_addresses_then_their_places_are_bounded),
    };
    return cmocka_run_group_tests_name("roster_name", tests, NULL, NULL);
}

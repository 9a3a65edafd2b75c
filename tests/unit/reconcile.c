/* SPDX-License-Identifier: Apache-2.0 */
#include "crdt/reconcile.h"

#include <stdio.h>

#include "tests/unit/plain.h"

struct world {
    struct heap heap;
    struct plain a, b;
};

static void world_open(struct world *world, unsigned depth_a, unsigned depth_b,
                       enum plain_spread spread)
{
    memset(world, 0, sizeof *world);
    plain_init(&world->a, &world->heap, depth_a, spread);
    plain_init(&world->b, &world->heap, depth_b, spread);
}

static void world_close(struct world *world)
{
    plain_release(&world->a);
    plain_release(&world->b);
    assert_int_equal(world->heap.blocks, 0);
}

static const char *key_at(uint64_t number)
{
    static char text[32];
    (void)snprintf(text, sizeof text, "k%08llu", (unsigned long long)number);
    return text;
}

/* One random operation of an actor at a state. */
static void act(struct chance *chance, struct plain *plain, unsigned actor, uint64_t keys)
{
    char key[32];
    uint64_t number = chance_below(chance, keys);
    memcpy(key, key_at(number), sizeof key);
    uint64_t what = chance_below(chance, 100);
    if (what < 45)
        plain_put(plain, actor, key, holm_str("value"));
    else if (what < 60)
        plain_drop(plain, actor, key);
    else if (what < 62)
        plain_bury(plain, actor, key);
    else if (what < 85)
        plain_increment(plain, actor, key, (int64_t)what);
    else if (what < 92)
        plain_reset(plain, actor, key);
    else
        plain_add_element(plain, actor, key, chance_next(chance));
}

static void test_reconcile_when_states_are_equal_then_nothing_is_asked(void **state)
{
    struct world world;
    struct plain_link link = {0};
    world_open(&world, 1, 1, PLAIN_EVEN);
    for (uint64_t i = 0; i < 100; i++)
        plain_put(&world.a, 0, key_at(i), holm_str("v"));
    plain_merge(&world.b, &world.a);
    for (int round = 0; round < 100; round++) {
        link = plain_sync_as_merge(&link, &world.b, &world.a);
        assert_int_equal(link.asks, 0);
        assert_int_equal(link.items + link.drops, 0);
    }
    world_close(&world);
}

static void test_reconcile_when_histories_differ_then_it_is_the_merge_of_the_cut(void **state)
{
    for (uint64_t seed = 0; seed < 600; seed++) {
        struct chance chance = {.state = seed};
        struct world world;
        enum plain_spread spread = (enum plain_spread)(seed % 3);
        world_open(&world, (unsigned)chance_below(&chance, 3), (unsigned)chance_below(&chance, 3),
                   spread);
        struct plain_link link = {.config = holm_reconcile_config_default(4096)};
        link.config.width = (uint8_t)(1 + chance_below(&chance, 8));
        link.config.window = (uint8_t)(1 + chance_below(&chance, 3));
        link.config.hop_bytes = chance_below(&chance, 2) * 4096;
        uint64_t keys = 1 + chance_below(&chance, 300);
        for (int step = 0; step < 500; step++) {
            uint64_t what = chance_below(&chance, 100);
            if (what == 0)
                (void)plain_sync_as_merge(&link, &world.b, &world.a);
            else if (what == 1)
                (void)plain_sync_as_merge(&link, &world.a, &world.b);
            else if (what % 2 == 0)
                act(&chance, &world.a, (unsigned)(what / 2 % 2), keys);
            else
                act(&chance, &world.b, (unsigned)(2 + what / 2 % 2), keys);
        }
        (void)plain_sync_as_merge(&link, &world.b, &world.a);
        (void)plain_sync_as_merge(&link, &world.a, &world.b);
        assert_true(plain_equal(&world.a, &world.b));
        world_close(&world);
    }
}

/* Two digests that meet in one round must not meet in the next; an empty range is told from all others. */
static void test_reconcile_when_digests_are_hashed_then_rounds_differ(void **state)
{
    struct chance chance = {.state = 22};
    unsigned met = 0, again = 0;
    for (unsigned i = 0; i < 100000; i++) {
        struct holm_digest a = {chance_next(&chance), chance_next(&chance)};
        struct holm_digest b = {a.low + 1, a.high};
        assert_int_not_equal(holm_reconcile_hash(a, 0, 1), 0);
        if (holm_reconcile_hash(a, 0, 1) != holm_reconcile_hash(b, 0, 1))
            continue;
        met += 1;
        again += holm_reconcile_hash(a, 1, 1) == holm_reconcile_hash(b, 1, 1);
    }
    assert_in_range(met, 300, 500);
    assert_in_range(again, 0, 10);
    assert_int_equal(holm_reconcile_hash((struct holm_digest){0, 0}, 3, 8), 0);
    assert_int_not_equal(holm_reconcile_hash((struct holm_digest){0, 1}, 0, 8), 0);
}

static void test_reconcile_when_one_record_differs_then_bytes_do_not_follow_the_size(void **state)
{
    for (unsigned depth = 2; depth <= 3; depth++) {
        struct world world;
        struct plain_link link = {0};
        world_open(&world, depth, depth, PLAIN_EVEN);
        plain_fill(&world.a, 0, depth == 2 ? 2000 : 20000, 8);
        plain_merge(&world.b, &world.a);
        plain_put(&world.a, 1, "one", holm_str("more"));
        link = plain_sync_as_merge(&link, &world.b, &world.a);
        assert_in_range(link.asks, 1, 3);
        assert_in_range(link.bytes, 1, 5000);
        assert_int_equal(link.items, 1);
        plain_drop(&world.a, 1, "one");
        link = plain_sync_as_merge(&link, &world.b, &world.a);
        assert_int_equal(link.items, 0);
        assert_int_equal(link.drops, 1);
        assert_in_range(link.bytes, 1, 5000);
        /* Level by level, and the other way: a round trip for each two levels. */
        link.config.hop_bytes = 0;
        plain_put(&world.b, 2, "two", holm_str("more"));
        link = plain_sync_as_merge(&link, &world.a, &world.b);
        assert_int_equal(link.items, 1);
        assert_in_range(link.bytes, 1, 2000);
        world_close(&world);
    }
}

/* At the level where ranges have one or two records many are empty on one side alone. */
static void test_reconcile_when_ranges_are_empty_on_one_side_then_they_differ(void **state)
{
    struct world world;
    world_open(&world, 3, 3, PLAIN_EVEN);
    plain_fill(&world.a, 0, 7000, 8);
    plain_merge(&world.b, &world.a);
    for (uint64_t i = 0; i < 40; i++) {
        plain_put(&world.a, 1, key_at(i), holm_str("a"));
        plain_put(&world.b, 2, key_at(100 + i), holm_str("b"));
    }
    for (size_t hop = 0; hop <= 4096; hop += 4096) {
        struct plain b;
        struct plain_link link = {.config = holm_reconcile_config_default(65536)};
        link.config.hop_bytes = hop;
        plain_copy(&b, &world.b);
        link = plain_sync_as_merge(&link, &b, &world.a);
        assert_int_equal(link.items, 40);
        assert_int_equal(link.drops, 0);
        plain_release(&b);
    }
    world_close(&world);
}

/* Five records here and 20,000 there: hardly anything is compared, all is fetched. */
static void test_reconcile_when_one_side_is_small_then_little_is_compared(void **state)
{
    struct world world;
    struct plain_link link = {.config = holm_reconcile_config_default(65536)};
    world_open(&world, 3, 0, PLAIN_EVEN);
    plain_fill(&world.a, 0, 20000, 8);
    struct plain empty;
    plain_copy(&empty, &world.b);
    for (uint64_t i = 0; i < 5; i++)
        plain_put(&world.b, 2, key_at(i), holm_str("b"));
    uint64_t alone = plain_sync_as_merge(&link, &empty, &world.a).bytes;
    link = plain_sync_as_merge(&link, &world.b, &world.a);
    assert_int_equal(link.items, 20000);
    assert_in_range(link.bytes, alone, alone + alone / 100);
    plain_release(&empty);
    world_close(&world);
}

static void test_reconcile_when_one_record_is_large_then_it_is_told_in_parts(void **state)
{
    struct world world;
    struct plain_link link = {.config = holm_reconcile_config_default(4096)};
    world_open(&world, 1, 1, PLAIN_EVEN);
    for (uint64_t i = 0; i < 3000; i++)
        plain_add_element(&world.a, 0, "set", i * 7919);
    link = plain_sync_as_merge(&link, &world.b, &world.a);
    assert_int_equal(link.items, 3000);
    assert_true(link.asks > 20);
    plain_add_element(&world.a, 1, "set", 5);
    plain_add_element(&world.b, 2, "set", 6);
    link = plain_sync_as_merge(&link, &world.b, &world.a);
    assert_int_equal(link.items, 1);
    link = plain_sync_as_merge(&link, &world.a, &world.b);
    assert_true(plain_equal(&world.a, &world.b));
    plain_drop(&world.a, 1, "set");
    link = plain_sync_as_merge(&link, &world.b, &world.a);
    assert_int_equal(link.drops, 3002);
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reconcile_when_states_are_equal_then_nothing_is_asked),
        cmocka_unit_test(test_reconcile_when_histories_differ_then_it_is_the_merge_of_the_cut),
        cmocka_unit_test(test_reconcile_when_digests_are_hashed_then_rounds_differ),
        cmocka_unit_test(test_reconcile_when_one_record_differs_then_bytes_do_not_follow_the_size),
        cmocka_unit_test(test_reconcile_when_ranges_are_empty_on_one_side_then_they_differ),
        cmocka_unit_test(test_reconcile_when_one_side_is_small_then_little_is_compared),
        cmocka_unit_test(test_reconcile_when_one_record_is_large_then_it_is_told_in_parts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

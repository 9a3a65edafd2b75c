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

/* b reconciles with a, and must be what the merge of the whole cut gives. */
static struct plain_link sync_as_merge(const struct plain_link *how, struct plain *b,
                                       const struct plain *a)
{
    struct plain_link link = *how;
    struct plain expected;
    plain_copy(&expected, b);
    plain_merge(&expected, a);
    assert_int_equal(plain_sync(&link, b, a), HOLM_RECONCILE_DONE);
    assert_true(plain_equal(b, &expected));
    holm_tree_check(&b->tree);
    plain_release(&expected);
    return link;
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
        link = sync_as_merge(&link, &world.b, &world.a);
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
                (void)sync_as_merge(&link, &world.b, &world.a);
            else if (what == 1)
                (void)sync_as_merge(&link, &world.a, &world.b);
            else if (what % 2 == 0)
                act(&chance, &world.a, (unsigned)(what / 2 % 2), keys);
            else
                act(&chance, &world.b, (unsigned)(2 + what / 2 % 2), keys);
        }
        (void)sync_as_merge(&link, &world.b, &world.a);
        (void)sync_as_merge(&link, &world.a, &world.b);
        assert_true(plain_equal(&world.a, &world.b));
        world_close(&world);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reconcile_when_states_are_equal_then_nothing_is_asked),
        cmocka_unit_test(test_reconcile_when_histories_differ_then_it_is_the_merge_of_the_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "crdt/tree.h"

#include "tests/unit/core.h"

struct term {
    uint64_t hash;
    struct holm_digest digest;
};

static struct term term_draw(struct chance *chance)
{
    uint64_t hash = chance_next(chance);
    struct holm_digest digest = {chance_next(chance), chance_next(chance)};
    return (struct term){hash, digest};
}

/* What a node must be: the sum over all terms whose hash lies in its range. */
static struct holm_digest sum_naive(const struct term *terms, size_t count, unsigned level,
                                    uint64_t index)
{
    struct holm_digest sum = {0, 0};
    for (size_t i = 0; i < count; i++) {
        if (terms[i].hash >= holm_range_first(level, index) &&
            terms[i].hash <= holm_range_last(level, index))
            holm_digest_add(&sum, terms[i].digest);
    }
    return sum;
}

static void assert_sums(struct holm_tree *tree, const struct term *terms, size_t count,
                        unsigned level)
{
    for (uint64_t index = 0; index < (uint64_t)1 << (4 * level); index++) {
        struct holm_digest expected = sum_naive(terms, count, level, index);
        assert_true(holm_digest_equal(holm_tree_node(tree, level, index), expected));
    }
}

static void test_tree_when_terms_are_added_then_every_node_is_the_sum_of_its_range(void **state)
{
    struct heap heap = {0};
    struct holm_allocator allocator = heap_allocator(&heap);
    for (unsigned depth = 0; depth <= 3; depth++) {
        struct chance chance = {.state = depth};
        struct holm_tree tree;
        struct term terms[200];
        assert_int_equal(holm_tree_init(&tree, &allocator, depth), HOLM_OK);
        for (size_t i = 0; i < 200; i++) {
            terms[i] = term_draw(&chance);
            holm_tree_add(&tree, terms[i].hash, terms[i].digest);
            if (i % 50 == 49) {
                holm_tree_check(&tree);
                for (unsigned level = 0; level <= depth; level++)
                    assert_sums(&tree, terms, i + 1, level);
                holm_tree_check(&tree);
            }
        }
        for (size_t i = 200; i-- > 100;)
            holm_tree_subtract(&tree, terms[i].hash, terms[i].digest);
        for (unsigned level = depth + 1; level-- > 0;)
            assert_sums(&tree, terms, 100, level);
        holm_tree_check(&tree);
        holm_tree_release(&tree);
        assert_int_equal(heap.bytes, 0);
    }
}

static void test_tree_when_sums_pass_2_64_then_the_high_half_has_the_carry(void **state)
{
    struct heap heap = {0};
    struct holm_allocator allocator = heap_allocator(&heap);
    struct holm_tree tree;
    assert_int_equal(holm_tree_init(&tree, &allocator, 1), HOLM_OK);
    struct holm_digest most = {UINT64_MAX, UINT64_MAX};
    holm_tree_add(&tree, 0, most);
    holm_tree_add(&tree, UINT64_MAX, (struct holm_digest){2, 3});
    assert_int_equal(holm_tree_total(&tree).low, 1);
    assert_int_equal(holm_tree_total(&tree).high, 3);
    assert_int_equal(holm_tree_node(&tree, 1, 15).high, 3);
    holm_tree_subtract(&tree, 0, most);
    assert_int_equal(holm_tree_node(&tree, 1, 0).low, 0);
    assert_int_equal(holm_tree_total(&tree).low, 2);
    assert_int_equal(holm_tree_total(&tree).high, 3);
    holm_tree_release(&tree);
}

/* T21 (a part): any order of the same operations gives the same tree. */
static void test_tree_when_orders_differ_then_trees_are_equal(void **state)
{
    struct heap heap = {0};
    struct holm_allocator allocator = heap_allocator(&heap);
    struct chance chance = {.state = 21};
    struct term terms[64];
    struct holm_tree first;
    for (size_t i = 0; i < 64; i++)
        terms[i] = term_draw(&chance);
    assert_int_equal(holm_tree_init(&first, &allocator, 2), HOLM_OK);
    for (size_t i = 0; i < 64; i++)
        holm_tree_add(&first, terms[i].hash, terms[i].digest);
    for (unsigned order = 0; order < 24; order++) {
        struct holm_tree other;
        struct term passing = term_draw(&chance);
        assert_int_equal(holm_tree_init(&other, &allocator, 2), HOLM_OK);
        holm_tree_add(&other, passing.hash, passing.digest);
        for (size_t i = 0; i < 64; i++) {
            size_t at = (i * (2 * order + 1) + order) % 64;
            holm_tree_add(&other, terms[at].hash, terms[at].digest);
            (void)holm_tree_node(&other, 1, chance_below(&chance, 16));
        }
        assert_false(holm_tree_equal(&first, &other));
        holm_tree_subtract(&other, passing.hash, passing.digest);
        assert_true(holm_tree_equal(&first, &other));
        for (uint64_t index = 0; index < 16; index++)
            assert_true(holm_digest_equal(holm_tree_node(&first, 1, index),
                                          holm_tree_node(&other, 1, index)));
        holm_tree_release(&other);
    }
    holm_tree_release(&first);
    assert_int_equal(heap.bytes, 0);
}

static void test_tree_when_asked_twice_then_only_what_changed_is_computed_again(void **state)
{
    struct heap heap = {0};
    struct holm_allocator allocator = heap_allocator(&heap);
    struct holm_tree tree;
    struct holm_digest one = {1, 1};
    assert_int_equal(holm_tree_init(&tree, &allocator, 4), HOLM_OK);
    (void)holm_tree_node(&tree, 1, 3);
    assert_int_equal(tree.refreshed, 0);
    for (uint64_t i = 0; i < 1000; i++)
        holm_tree_add(&tree, (uint64_t)3 << 60 | i << 48, one);
    assert_int_equal(holm_tree_node(&tree, 1, 3).low, 1000);
    uint64_t refreshed = tree.refreshed;
    assert_true(refreshed > 3);
    (void)holm_tree_node(&tree, 1, 3);
    (void)holm_tree_node(&tree, 2, 0x30);
    assert_int_equal(tree.refreshed, refreshed);
    holm_tree_add(&tree, (uint64_t)3 << 60, one);
    (void)holm_tree_node(&tree, 1, 4);
    (void)holm_tree_node(&tree, 4, 0x3000);
    assert_int_equal(tree.refreshed, refreshed);
    assert_int_equal(holm_tree_node(&tree, 1, 3).low, 1001);
    assert_int_equal(tree.refreshed, refreshed + 3);
    holm_tree_check(&tree);
    holm_tree_release(&tree);
}

static void test_tree_when_records_come_and_go_then_depth_follows_without_flapping(void **state)
{
    struct holm_tree tree = {.depth = 0};
    assert_int_equal(holm_tree_depth_wanted(&tree, 0), 0);
    assert_int_equal(holm_tree_depth_wanted(&tree, 32), 0);
    assert_int_equal(holm_tree_depth_wanted(&tree, 63), 1);
    assert_int_equal(holm_tree_depth_wanted(&tree, 1000000), 4);
    assert_int_equal(holm_tree_depth_wanted(&tree, UINT64_MAX / 2), HOLM_TREE_DEPTH_MAX);
    assert_int_equal(holm_tree_depth_fine(&tree, 19), 0);
    assert_int_equal(holm_tree_depth_fine(&tree, 20), 1);
    assert_int_equal(holm_tree_depth_fine(&tree, 100000), 4);
    assert_int_equal(holm_tree_depth_fine(&tree, UINT64_MAX / 2), HOLM_TREE_DEPTH_MAX);
    tree.depth = 1;
    assert_int_equal(holm_tree_depth_wanted(&tree, 8), 1);
    assert_int_equal(holm_tree_depth_wanted(&tree, 7), 0);
    for (uint64_t records = 0; records < 200000; records += 7) {
        tree.depth = holm_tree_depth_wanted(&tree, records);
        assert_int_equal(holm_tree_depth_wanted(&tree, records), tree.depth);
    }
    unsigned changes = 0;
    for (uint64_t round = 0; round < 100; round++) {
        unsigned wanted = holm_tree_depth_wanted(&tree, 131072 + round % 2);
        changes += wanted != tree.depth ? 1 : 0;
        tree.depth = wanted;
    }
    assert_int_equal(changes, 0);
}

static void test_tree_when_memory_is_refused_then_it_is_as_after_a_release(void **state)
{
    struct heap heap = {0};
    struct holm_allocator allocator = heap_allocator(&heap);
    for (uint64_t fail_at = 1; fail_at <= 2; fail_at++) {
        struct holm_tree tree;
        heap.calls = 0;
        heap.fail_at = fail_at;
        assert_int_equal(holm_tree_init(&tree, &allocator, 0), HOLM_OK);
        assert_int_equal(heap.calls, 0);
        assert_int_equal(holm_tree_init(&tree, &allocator, 2), HOLM_ENOMEM);
        holm_tree_release(&tree);
        assert_int_equal(heap.bytes, 0);
    }
    struct holm_tree tree, copy;
    heap.fail_at = 0;
    assert_int_equal(holm_tree_init(&tree, &allocator, 2), HOLM_OK);
    holm_tree_add(&tree, 5, (struct holm_digest){5, 6});
    heap_refuse(&heap);
    assert_int_equal(holm_tree_copy(&copy, &tree), HOLM_ENOMEM);
    assert_int_equal(holm_tree_copy(&copy, &tree), HOLM_OK);
    assert_true(holm_tree_equal(&copy, &tree));
    assert_true(holm_tree_bytes(&copy) >= 256 * sizeof(struct holm_digest));
    holm_tree_add(&tree, 5, (struct holm_digest){1, 1});
    assert_false(holm_tree_equal(&copy, &tree));
    assert_int_equal(holm_tree_node(&copy, 1, 0).low, 5);
    holm_tree_clear(&tree);
    holm_tree_check(&tree);
    assert_int_equal(holm_tree_node(&tree, 2, 0).low, 0);
    holm_tree_release(&tree);
    holm_tree_release(&copy);
    assert_int_equal(heap.bytes, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tree_when_terms_are_added_then_every_node_is_the_sum_of_its_range),
        cmocka_unit_test(test_tree_when_sums_pass_2_64_then_the_high_half_has_the_carry),
        cmocka_unit_test(test_tree_when_orders_differ_then_trees_are_equal),
        cmocka_unit_test(test_tree_when_asked_twice_then_only_what_changed_is_computed_again),
        cmocka_unit_test(test_tree_when_records_come_and_go_then_depth_follows_without_flapping),
        cmocka_unit_test(test_tree_when_memory_is_refused_then_it_is_as_after_a_release),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

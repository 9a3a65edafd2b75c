/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reconciliation against the merge of whole cuts, for all pairs of states that two replicas reach in
 * five steps on one key: each step is an operation of either, or one merging the other.
 */
#include "crdt/reconcile.h"

#include "tests/unit/plain.h"

#define STEPS 5
#define CHOICES 12

static void take_step(struct plain two[2], unsigned choice)
{
    unsigned side = choice % 2;
    struct plain *plain = &two[side];
    switch (choice / 2) {
    case 0:
        plain_put(plain, side, "k", holm_str("v"));
        break;
    case 1:
        plain_drop(plain, side, "k");
        break;
    case 2:
        plain_increment(plain, side, "k", 5);
        break;
    case 3:
        plain_reset(plain, side, "k");
        break;
    case 4:
        plain_bury(plain, side, "k");
        break;
    default:
        plain_merge(plain, &two[1 - side]);
        break;
    }
}

/* A put behind a bury is refused, and so are a second bury and an empty reset: the same states as
 * without them, which come up anyway. */
static bool is_idle(const struct plain two[2], const struct plain before[2])
{
    return plain_equal(&two[0], &before[0]) && plain_equal(&two[1], &before[1]);
}

struct figures {
    uint64_t pairs, items, drops;
};

static void compare_pair(const struct plain two[2], struct figures *figures)
{
    for (unsigned side = 0; side < 2; side++) {
        struct plain live;
        struct plain_link link = {0};
        plain_copy(&live, &two[side]);
        link = plain_sync_as_merge(&link, &live, &two[1 - side]);
        figures->items += link.items;
        figures->drops += link.drops;
        plain_release(&live);
    }
    figures->pairs += 1;
}

/* The states after the steps so far, one pair a level. */
static void explore(struct heap *heap, struct figures *figures)
{
    struct plain pairs[STEPS + 1][2];
    unsigned choices[STEPS] = {0};
    unsigned level = 0;
    for (unsigned side = 0; side < 2; side++)
        plain_init(&pairs[0][side], heap, 0, PLAIN_EVEN);
    for (;;) {
        if (level < STEPS && choices[level] < CHOICES) {
            for (unsigned side = 0; side < 2; side++)
                plain_copy(&pairs[level + 1][side], &pairs[level][side]);
            take_step(pairs[level + 1], choices[level]++);
            level += 1;
            if (level < STEPS)
                choices[level] = 0;
            if (!is_idle(pairs[level], pairs[level - 1])) {
                compare_pair(pairs[level], figures);
                continue;
            }
        } else if (level == 0) {
            break;
        }
        for (unsigned side = 0; side < 2; side++)
            plain_release(&pairs[level][side]);
        level -= 1;
    }
    for (unsigned side = 0; side < 2; side++)
        plain_release(&pairs[0][side]);
}

static void test_reconcile_when_states_are_small_then_all_pairs_merge(void **state)
{
    struct heap heap = {0};
    struct figures figures = {0};
    explore(&heap, &figures);
    assert_int_equal(heap.blocks, 0);
    assert_true(figures.pairs > 50000);
    assert_true(figures.items > 10000);
    assert_true(figures.drops > 5000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reconcile_when_states_are_small_then_all_pairs_merge),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

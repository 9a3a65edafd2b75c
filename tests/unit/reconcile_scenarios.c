/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The directed scenarios of anti-entropy, in terms of reconciliation.
 */
#include "crdt/reconcile.h"

#include <stdio.h>

#include "tests/unit/plain.h"

#define ACTORS PLAIN_ACTORS

static void init_all(struct plain *plains, size_t count, struct heap *heap, unsigned depth)
{
    memset(heap, 0, sizeof *heap);
    for (size_t i = 0; i < count; i++)
        plain_init(&plains[i], heap, depth, PLAIN_EVEN);
}

static void release_all(struct plain *plains, size_t count, const struct heap *heap)
{
    for (size_t i = 0; i < count; i++)
        plain_release(&plains[i]);
    assert_int_equal(heap->blocks, 0);
}

/* The n-th order of four things. */
static void order_of(unsigned n, unsigned order[4])
{
    unsigned left[4] = {0, 1, 2, 3};
    for (unsigned i = 0; i < 4; i++) {
        unsigned pick = n % (4 - i);
        n /= 4 - i;
        order[i] = left[pick];
        memmove(&left[pick], &left[pick + 1], (3 - pick) * sizeof left[0]);
    }
}

/* T21: one logical state by 24 orders has one digest, and equal states send nothing, however often. */
static void test_reconcile_when_24_orders_made_one_state_then_nothing_is_sent(void **state)
{
    struct heap heap;
    struct plain writers[ACTORS], by_order[24];
    init_all(writers, ACTORS, &heap, 1);
    for (unsigned actor = 0; actor < ACTORS; actor++) {
        for (unsigned i = 0; i < 40; i++) {
            char key[16];
            (void)snprintf(key, sizeof key, "k%u", (i * 7 + actor) % 30);
            plain_put(&writers[actor], actor, key, holm_str("x"));
            plain_increment(&writers[actor], actor, key, i);
            if (i % 5 == actor)
                plain_drop(&writers[actor], actor, key);
            if (i == 20 + actor)
                plain_bury(&writers[actor], actor, key);
            if (i % 9 == actor)
                plain_reset(&writers[actor], actor, key);
        }
    }
    for (unsigned n = 0; n < 24; n++) {
        unsigned order[4];
        struct plain_link link = {0};
        order_of(n, order);
        plain_init(&by_order[n], &heap, n % 3, PLAIN_EVEN);
        for (unsigned i = 0; i < 4; i++)
            (void)plain_sync_as_merge(&link, &by_order[n], &writers[order[i]]);
        assert_true(plain_equal(&by_order[n], &by_order[0]));
        for (unsigned round = 0; round < 100; round++) {
            assert_int_equal(plain_sync(&link, &by_order[n], &by_order[0]), HOLM_RECONCILE_DONE);
            assert_int_equal(link.bytes, 0);
        }
    }
    for (unsigned n = 0; n < 24; n++)
        plain_release(&by_order[n]);
    release_all(writers, ACTORS, &heap);
}

static void corrupt(struct plain *plain, size_t at)
{
    assert_true(at < plain->count);
    holm_tree_add(&plain->tree, plain->entries[at].hash, (struct holm_digest){1, 0});
}

/* T21: a digest corrupted on purpose is noticed on the side where it is, nothing is applied, and after
 * it was rebuilt the two agree. */
static void test_reconcile_when_a_digest_is_corrupt_then_it_is_noticed_and_rebuilt(void **state)
{
    for (unsigned depth = 0; depth < 3; depth++) {
        struct heap heap;
        struct plain two[2];
        struct plain_link link = {0};
        init_all(two, 2, &heap, depth);
        plain_fill(&two[0], 0, 500, 8);
        (void)plain_sync_as_merge(&link, &two[1], &two[0]);
        plain_put(&two[0], 1, "more", holm_str("x"));
        struct plain before;
        corrupt(&two[1], 77);
        plain_copy(&before, &two[1]);
        assert_int_equal(plain_sync(&link, &two[1], &two[0]), HOLM_RECONCILE_OWN_WRONG);
        assert_int_equal(link.rounds, 1);
        assert_true(plain_equal(&two[1], &before));
        plain_rebuild(&two[1]);
        corrupt(&two[0], 78);
        assert_int_equal(plain_sync(&link, &two[1], &two[0]), HOLM_RECONCILE_PEER_WRONG);
        assert_int_equal(link.rounds, 1);
        plain_rebuild(&two[0]);
        (void)plain_sync_as_merge(&link, &two[1], &two[0]);
        assert_true(plain_equal(&two[0], &two[1]));
        plain_release(&before);
        release_all(two, 2, &heap);
    }
}

/* T22: with hashes of 8 bits different ranges are taken for equal; the sums tell, and it converges. */
static void test_reconcile_when_hashes_have_8_bits_then_it_converges(void **state)
{
    uint64_t again = 0;
    for (uint64_t seed = 0; seed < 300; seed++) {
        struct heap heap;
        struct plain two[2];
        struct plain_link link = {.config = holm_reconcile_config_default(4096)};
        link.config.width = 1;
        link.config.hop_bytes = 0;
        init_all(two, 2, &heap, 2);
        plain_fill(&two[0], 0, 800, 8);
        plain_merge(&two[1], &two[0]);
        for (uint64_t i = 0; i < 10; i++) {
            char key[32];
            (void)snprintf(key, sizeof key, "fill%08llu",
                           (unsigned long long)((seed * 37 + i * 61) % 800));
            plain_put(&two[i % 2], (unsigned)(1 + i % 2), key, holm_str("new"));
        }
        link = plain_sync_as_merge(&link, &two[1], &two[0]);
        again += link.rounds > 1;
        (void)plain_sync_as_merge(&link, &two[0], &two[1]);
        assert_true(plain_equal(&two[0], &two[1]));
        release_all(two, 2, &heap);
    }
    assert_in_range(again, 1, 200);
}

/* T22: keys chosen so that their hashes agree to the last bit. */
static void test_reconcile_when_keys_are_chosen_then_it_converges(void **state)
{
    for (enum plain_spread spread = PLAIN_CHOSEN; spread <= PLAIN_CLOSE; spread++) {
        struct heap heap = {0};
        struct plain a, b;
        struct plain_link link = {.config = holm_reconcile_config_default(4096)};
        link.config.width = 1;
        plain_init(&a, &heap, 2, spread);
        plain_init(&b, &heap, 1, spread);
        plain_fill(&a, 0, 2000, 8);
        (void)plain_sync_as_merge(&link, &b, &a);
        plain_put(&b, 2, "fill00000007", holm_str("b"));
        plain_drop(&a, 1, "fill00000100");
        (void)plain_sync_as_merge(&link, &b, &a);
        (void)plain_sync_as_merge(&link, &a, &b);
        assert_true(plain_equal(&a, &b));
        plain_release(&a);
        plain_release(&b);
        assert_int_equal(heap.blocks, 0);
    }
}

/* T23: more state than the largest frame, to an empty node, over a link that is lost again and again. */
static void test_reconcile_when_the_state_is_larger_than_a_frame_then_it_is_paged(void **state)
{
    const size_t frame = 65536;
    for (size_t break_after = 0; break_after <= 3; break_after += 3) {
        struct heap heap;
        struct plain two[2];
        struct plain_link link = {.config = holm_reconcile_config_default(frame),
                                  .break_after = break_after};
        init_all(two, 2, &heap, 3);
        plain_fill(&two[0], 0, 20000, 36);
        static unsigned char large[65536 / 4];
        plain_put(&two[0], 1, "large", holm_mem(large, sizeof large));
        link = plain_sync_as_merge(&link, &two[1], &two[0]);
        assert_in_range(link.frame_bytes_most, frame / 4, frame);
        assert_int_equal(link.items, 20001);
        assert_in_range(link.bytes, 20000 * 48, 20000 * 80);
        assert_in_range(link.asks, 20, break_after == 0 ? 60 : 120);
        assert_true(plain_equal(&two[0], &two[1]));
        release_all(two, 2, &heap);
    }
}

/* T31: A buries k, which neither A nor B has; B syncs from A; C, which has not seen it, increments k. */
static void test_reconcile_when_only_tombstones_differ_then_they_are_carried(void **state)
{
    enum {
        A,
        B,
        C
    };
    struct heap heap;
    struct plain three[3];
    struct plain_link link = {0};
    init_all(three, 3, &heap, 1);
    plain_bury(&three[A], A, "k");
    link = plain_sync_as_merge(&link, &three[B], &three[A]);
    assert_int_equal(link.items, 1);
    plain_increment(&three[C], C, "k", 1);
    for (unsigned round = 0; round < 2; round++) {
        for (unsigned i = 0; i < 3; i++)
            (void)plain_sync_as_merge(&link, &three[i], &three[(i + 1) % 3]);
    }
    for (unsigned i = 0; i < 3; i++) {
        assert_true(plain_equal(&three[i], &three[0]));
        assert_int_equal(three[i].count, 1);
        assert_int_equal(three[i].entries[0].item.op, HOLM_ITEM_BURY);
    }
    release_all(three, 3, &heap);
}

/* A server whose vector covers a bury and that has no tombstone any more has collected it. Whether the
 * receiver may do so is not for a sync to say: it keeps what it has. */
static void test_reconcile_when_the_server_has_collected_then_tombstones_stay(void **state)
{
    struct heap heap;
    struct plain two[2];
    struct plain_link link = {0};
    init_all(two, 2, &heap, 1);
    plain_fill(&two[0], 1, 50, 8);
    plain_bury(&two[0], 0, "k");
    plain_merge(&two[1], &two[0]);
    for (size_t i = two[0].count; i-- > 0;) {
        if (two[0].entries[i].item.op == HOLM_ITEM_BURY)
            plain_remove(&two[0], i);
    }
    link = plain_sync_as_merge(&link, &two[1], &two[0]);
    assert_true(link.asks > 0);
    assert_int_equal(link.drops, 0);
    assert_int_equal(two[1].count, 51);
    release_all(two, 2, &heap);
}

/* T31, with reset marks: C's +20 was reset at A. B learns of it by sync alone, with or without the
 * entry; then C's +5 comes, and 5 is what is left, everywhere. */
static void test_reconcile_when_only_resets_differ_then_they_are_carried(void **state)
{
    enum {
        A,
        B,
        C
    };
    for (unsigned known = 0; known < 2; known++) {
        struct heap heap;
        struct plain three[3];
        struct plain_link link = {0};
        init_all(three, 3, &heap, 1);
        plain_increment(&three[C], C, "k", 20);
        plain_merge(&three[A], &three[C]);
        if (known == 1)
            plain_merge(&three[B], &three[C]);
        plain_reset(&three[A], A, "k");
        link = plain_sync_as_merge(&link, &three[B], &three[A]);
        assert_int_equal(link.items, 1);
        plain_increment(&three[C], C, "k", 5);
        for (unsigned i = 0; i < 6; i++)
            (void)plain_sync_as_merge(&link, &three[i % 3], &three[(i + 1) % 3]);
        for (unsigned i = 0; i < 3; i++) {
            const struct holm_count *count = &three[i].entries[0].item.count;
            assert_true(plain_equal(&three[i], &three[0]));
            assert_int_equal(three[i].count, 1);
            assert_int_equal(count->sum - count->cancelled_sum, 5);
        }
        release_all(three, 3, &heap);
    }
}

static void first_delta_arrives(struct plain *live)
{
    plain_deliver_put(live, 0, 1, "k");
}

/* T32: A puts and drops, as two runs. B has compared, finds nothing on either side; then A's first run
 * arrives; then B applies. The cell must go, although its leaf was equal. */
static void test_reconcile_when_a_run_arrives_in_between_then_the_frozen_side_counts(void **state)
{
    for (unsigned others = 0; others <= 300; others += 300) {
        struct heap heap;
        struct plain two[2];
        struct plain_link link = {.meanwhile = first_delta_arrives};
        init_all(two, 2, &heap, 1);
        plain_put(&two[0], 0, "k", holm_str("put"));
        plain_drop(&two[0], 0, "k");
        if (others > 0) {
            plain_fill(&two[0], 1, others, 8);
            plain_put(&two[1], 2, "fill00000001", holm_str("own"));
        }
        assert_int_equal(plain_sync(&link, &two[1], &two[0]), HOLM_RECONCILE_DONE);
        for (size_t i = 0; i < two[1].count; i++)
            assert_false(holm_bytes_equal(two[1].entries[i].item.key, holm_str("k")));
        assert_int_equal(two[1].count, others + (others > 0 ? 1 : 0));
        assert_int_equal(two[1].seqs[0], 2);
        release_all(two, 2, &heap);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reconcile_when_24_orders_made_one_state_then_nothing_is_sent),
        cmocka_unit_test(test_reconcile_when_a_digest_is_corrupt_then_it_is_noticed_and_rebuilt),
        cmocka_unit_test(test_reconcile_when_hashes_have_8_bits_then_it_converges),
        cmocka_unit_test(test_reconcile_when_keys_are_chosen_then_it_converges),
        cmocka_unit_test(test_reconcile_when_the_state_is_larger_than_a_frame_then_it_is_paged),
        cmocka_unit_test(test_reconcile_when_only_tombstones_differ_then_they_are_carried),
        cmocka_unit_test(test_reconcile_when_the_server_has_collected_then_tombstones_stay),
        cmocka_unit_test(test_reconcile_when_only_resets_differ_then_they_are_carried),
        cmocka_unit_test(test_reconcile_when_a_run_arrives_in_between_then_the_frozen_side_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The digests of a state: equal where contents are, and nowhere else. */
#include "tests/unit/state.h"

/* Two states with one content by two histories: equal digests, whatever the actors' numbers. */
static void test_state_when_contents_are_equal_then_digests_are(void **state)
{
    struct fixture one;
    struct fixture two;
    uint32_t index;
    open(&one);
    memset(&two, 0, sizeof two);
    two.allocator = heap_allocator(&two.heap);
    holm_actors_init(&two.actors, &two.allocator, 1, 100);
    for (uint64_t node = 5; node <= 9; node++)
        assert_int_equal(holm_actors_intern(&two.actors, actor_of(node, 1), &index), HOLM_OK);
    assert_int_equal(holm_state_init(&two.state, &two.allocator, &two.actors, 7), HOLM_OK);
    for (uint32_t i = 0; i < 200; i++) {
        char key[16];
        (void)snprintf(key, sizeof key, "%u", i);
        holm_state_begin(&one.state);
        assert_int_equal(put(&one, key, HOLM_REGISTER, "", i % 5, i + 1, holm_i64(i)), HOLM_OK);
        holm_state_commit(&one.state);
    }
    for (uint32_t i = 200; i-- > 0;) {
        char key[16];
        (void)snprintf(key, sizeof key, "%u", i);
        assert_false(holm_digest_equal(one.state.digest, two.state.digest));
        holm_state_begin(&two.state);
        assert_int_equal(put(&two, key, HOLM_REGISTER, "", 4 - i % 5, i + 1, holm_i64(i)), HOLM_OK);
        holm_state_commit(&two.state);
    }
    assert_true(holm_digest_equal(one.state.digest, two.state.digest));
    assert_true(
        holm_digest_equal(holm_tree_total(&one.state.tree), holm_tree_total(&two.state.tree)));
    close(&one);
    close(&two);
}

/* T21: a digest that was corrupted is found wrong, and made right. */
static void test_state_when_a_digest_is_wrong_then_rebuilding_says_so_and_mends_it(void **state)
{
    struct fixture f;
    open(&f);
    fill(&f);
    struct figures figures = figures_of(&f.state);
    assert_true(holm_state_rebuild_digests(&f.state));
    f.state.digest.high ^= 1;
    assert_false(holm_state_rebuild_digests(&f.state));
    assert_figures(&f.state, figures);
    f.state.tree.total.low ^= 1;
    assert_false(holm_state_rebuild_digests(&f.state));
    assert_figures(&f.state, figures);
    close(&f);
}

/* A share of a counter, live or a ghost: each of its numbers is in the fingerprint, and whose it is. */
static void test_state_when_a_share_differs_then_its_fingerprint_does(void **state)
{
    static const struct holm_count counts[] = {{1, 3, 5, 0, 0}, {2, 3, 5, 0, 0}, {1, 4, 5, 0, 0},
                                               {1, 3, 6, 0, 0}, {1, 3, 5, 1, 2}, {1, 3, 5, 2, 2},
                                               {1, 3, 5, 1, 3}, {1, 3, 5, 3, 5}};
    struct holm_digest seen[2 * sizeof counts / sizeof *counts];
    size_t seen_count = 0;
    struct fixture f;
    open(&f);
    for (uint32_t actor = 0; actor < 2; actor++) {
        for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
            struct holm_cell cell = {
                .kind = HOLM_COUNTER, .actor = actor, .seq = counts[i].last, .count = counts[i]};
            struct holm_digest digest = holm_cell_digest(&f.state, 1, &cell);
            for (size_t other = 0; other < seen_count; other++)
                assert_false(holm_digest_equal(digest, seen[other]));
            assert_false(holm_digest_equal(digest, holm_cell_digest(&f.state, 2, &cell)));
            seen[seen_count++] = digest;
        }
    }
    close(&f);
}

/* Each thing that tells cells apart is in the fingerprint; ghosts and tombstones are in transfer. */
static void test_state_when_anything_differs_then_the_digest_does(void **state)
{
    struct fixture f;
    struct holm_digest seen[16];
    size_t seen_count = 0;
    for (int what = 0; what < 10; what++) {
        open(&f);
        holm_state_begin(&f.state);
        enum holm_status status = what == 0   ? put(&f, "k", HOLM_REGISTER, "", 0, 1, holm_i64(1))
                                  : what == 1 ? put(&f, "l", HOLM_REGISTER, "", 0, 1, holm_i64(1))
                                  : what == 2 ? put(&f, "k", HOLM_MAX, "", 0, 1, holm_i64(1))
                                  : what == 3 ? put(&f, "k", HOLM_SET, "", 0, 1, holm_i64(1))
                                  : what == 4 ? put(&f, "k", HOLM_SET, "e", 0, 1, holm_i64(1))
                                  : what == 5 ? put(&f, "k", HOLM_REGISTER, "", 1, 1, holm_i64(1))
                                  : what == 6 ? put(&f, "k", HOLM_REGISTER, "", 0, 2, holm_i64(1))
                                  : what == 7 ? put(&f, "k", HOLM_REGISTER, "", 0, 1, holm_i64(2))
                                  : what == 8
                                      ? put(&f, "k", HOLM_REGISTER, "", 0, 1, holm_bool(true))
                                      : count(&f, "k", 0, (struct holm_count){1, 1, 1, 0, 0});
        assert_int_equal(status, HOLM_OK);
        holm_state_commit(&f.state);
        for (size_t i = 0; i < seen_count; i++)
            assert_false(holm_digest_equal(f.state.digest, seen[i]));
        seen[seen_count++] = f.state.digest;
        assert_true(what == 9 || holm_digest_equal(f.state.digest, holm_tree_total(&f.state.tree)));
        holm_state_begin(&f.state);
        assert_int_equal(count(&f, "ghost", 0, (struct holm_count){1, 1, 1, 1, 1}), HOLM_OK);
        assert_int_equal(bury(&f, "dead", 0, 9), HOLM_OK);
        holm_state_commit(&f.state);
        assert_true(holm_digest_equal(f.state.digest, seen[seen_count - 1]));
        assert_false(holm_digest_equal(f.state.digest, holm_tree_total(&f.state.tree)));
        close(&f);
    }
}

const struct CMUnitTest state_digest_tests[] = {
    cmocka_unit_test(test_state_when_a_share_differs_then_its_fingerprint_does),
    cmocka_unit_test(test_state_when_contents_are_equal_then_digests_are),
    cmocka_unit_test(test_state_when_a_digest_is_wrong_then_rebuilding_says_so_and_mends_it),
    cmocka_unit_test(test_state_when_anything_differs_then_the_digest_does),
};
const size_t state_digest_count = sizeof state_digest_tests / sizeof *state_digest_tests;

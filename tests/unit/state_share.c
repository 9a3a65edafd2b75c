/* SPDX-License-Identifier: Apache-2.0 */
/* Counters in the live digest: what a node has in a slot counts, not how its epochs share it. T20. */
#include "tests/model/chance.h"
#include "tests/unit/state.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

#define NODES 3
#define EPOCHS 28 /* of each: more than fit into one block */

/* An entry of an epoch of node 1; the last one has `last` 0. */
struct entry {
    uint64_t epoch;
    struct holm_count count;
};

static uint32_t index_of(struct fixture *f, uint64_t node, uint64_t epoch)
{
    uint32_t index;
    assert_int_equal(holm_actors_intern(&f->actors, actor_of(node, epoch), &index), HOLM_OK);
    return index;
}

/* The live digest of a state with these entries alone. */
static struct holm_digest digest_of(const struct entry *entries)
{
    struct fixture f;
    open(&f);
    holm_state_begin(&f.state);
    for (size_t i = 0; entries[i].count.last != 0; i++) {
        uint32_t index = index_of(&f, 1, entries[i].epoch);
        assert_int_equal(count(&f, "k", index, entries[i].count), HOLM_OK);
    }
    holm_state_commit(&f.state);
    struct holm_digest digest = f.state.digest;
    close(&f);
    return digest;
}

#define MOST 4
static void assert_same(const struct entry (*ways)[MOST], size_t count)
{
    struct holm_digest first = digest_of(ways[0]);
    for (size_t i = 1; i < count; i++)
        assert_true(holm_digest_equal(first, digest_of(ways[i])));
}

static void test_state_when_epochs_share_a_value_otherwise_then_the_digest_is_the_same(void **state)
{
    static const struct entry nine[][MOST] = {
        {{0, {77, 77, 9, 0, 0}}},
        {{4, {1, 1, 9, 0, 0}}},
        {{1, {1, 3, 5, 0, 0}}, {2, {1, 1, -2, 0, 0}}, {3, {1, 2, 10, 1, 4}}},
        {{3, {1, 1, 9, 0, 0}}, {1, {1, 3, 5, 3, 5}}, {2, {1, 1, 0, 0, 0}}},
        {{2, {5, 9, INT64_MIN, 6, INT64_MIN + 1}}, {0, {7, 7, 10, 0, 0}}},
    };
    static const struct entry zero[][MOST] = {
        {{0, {5, 5, 0, 0, 0}}},
        {{1, {1, 1, 3, 0, 0}}, {2, {1, 1, -3, 0, 0}}},
        {{1, {1, 9, 3, 8, 3}}, {2, {1, 1, 4, 1, 4}}, {3, {1, 1, 0, 0, 0}}},
    };
    static const struct entry none[][MOST] = {{{1, {1, 9, 3, 9, 3}}}, {{0, {0, 0, 0, 0, 0}}}};
    assert_same(nine, COUNT(nine));
    assert_same(zero, COUNT(zero));
    assert_same(none, COUNT(none));
    assert_false(holm_digest_equal(digest_of(zero[0]), digest_of(none[0])));
    assert_false(holm_digest_equal(digest_of(zero[0]), digest_of(nine[0])));
    assert_true(holm_digest_equal(digest_of(none[0]), (struct holm_digest){0, 0}));
}

/* No number is taken modulo 2^64, nor 2^63. */
static void test_state_when_values_leave_64_bits_then_the_digest_is_exact(void **state)
{
    static const struct entry large[][MOST] = {
        {{0, {1, 1, INT64_MAX, 0, 0}}, {1, {1, 1, INT64_MAX, 0, 0}}, {2, {1, 1, 2, 0, 0}}},
        {{5, {1, 1, INT64_MAX - 1, 0, 0}}, {1, {1, 1, INT64_MAX, 0, 0}}, {2, {1, 1, 3, 0, 0}}},
        {{5, {1, 3, INT64_MAX, 2, INT64_MIN}}, {1, {1, 1, 1, 0, 0}}},
    };
    static const struct entry others[][MOST] = {
        {{0, {1, 1, 0, 0, 0}}},
        {{0, {1, 1, INT64_MIN, 0, 0}}, {1, {1, 1, INT64_MIN, 0, 0}}},
        {{0, {1, 1, INT64_MIN, 0, 0}}},
        {{0, {1, 1, INT64_MAX, 0, 0}}, {1, {1, 1, 1, 0, 0}}},
    };
    assert_same(large, COUNT(large));
    for (size_t i = 0; i < COUNT(others); i++) {
        assert_false(holm_digest_equal(digest_of(large[0]), digest_of(others[i])));
        for (size_t j = 0; j < i; j++)
            assert_false(holm_digest_equal(digest_of(others[i]), digest_of(others[j])));
    }
}

static void test_state_when_a_share_is_elsewhere_then_the_digest_differs(void **state)
{
    struct holm_digest seen[4];
    for (size_t i = 0; i < COUNT(seen); i++) {
        struct fixture f;
        open(&f);
        holm_state_begin(&f.state);
        assert_int_equal(count(&f, i == 1 ? "l" : "k", i == 2 ? 1 : 0,
                               (struct holm_count){1, 1, i == 3 ? -5 : 5, 0, 0}),
                         HOLM_OK);
        holm_state_commit(&f.state);
        seen[i] = f.state.digest;
        for (size_t other = 0; other < i; other++)
            assert_false(holm_digest_equal(seen[i], seen[other]));
        close(&f);
    }
}

/* ---- many epochs, in any order -------------------------------------------------------------- */

struct lives {
    struct fixture f;
    bool live[NODES][EPOCHS + 1];
    int64_t values[NODES][EPOCHS + 1];
};

/* The digest of the state that has it all folded. */
static struct holm_digest folded_digest(const struct lives *lives)
{
    struct fixture f;
    open(&f);
    holm_state_begin(&f.state);
    for (uint64_t node = 0; node < NODES; node++) {
        struct holm_count all = {0};
        for (uint64_t epoch = 1; epoch <= EPOCHS; epoch++) {
            if (!lives->live[node][epoch])
                continue;
            all.start = all.last = 1;
            all.sum += lives->values[node][epoch];
        }
        if (all.last > 0)
            assert_int_equal(count(&f, "k", index_of(&f, 20 + node, 0), all), HOLM_OK);
    }
    holm_state_commit(&f.state);
    struct holm_digest digest = f.state.digest;
    close(&f);
    return digest;
}

/* The entry comes, changes, is cancelled or goes. */
static void change_entry(struct lives *lives, struct chance *chance, uint64_t node, uint64_t epoch)
{
    uint32_t index = index_of(&lives->f, 20 + node, epoch);
    int64_t amount = (int64_t)chance_below(chance, 5) - 2;
    uint64_t kind = chance_below(chance, 4);
    struct holm_count value = {1, 9, amount, 0, 0};
    struct holm_spot spot;
    struct holm_cell cell;
    if (kind == 0)
        value = (struct holm_count){1, 9, amount + 7, 4, 7};
    if (kind == 1)
        value = (struct holm_count){1, 9, 7, 9, 7};
    lives->live[node][epoch] = kind != 1;
    lives->values[node][epoch] = amount;
    if (kind != 2 || !entry_of(&lives->f, "k", index, &spot, &cell)) {
        assert_int_equal(count(&lives->f, "k", index, value), HOLM_OK);
        return;
    }
    assert_int_equal(holm_spot_erase(&lives->f.state, &spot), HOLM_OK);
    lives->live[node][epoch] = false;
}

static void live_through(uint64_t seed)
{
    static struct lives lives, before;
    struct chance chance = {.state = seed};
    memset(&lives, 0, sizeof lives);
    open(&lives.f);
    for (uint64_t epoch = 1; epoch <= EPOCHS; epoch++) { /* in another order than by nodes */
        for (uint64_t node = 0; node < NODES; node++)
            (void)index_of(&lives.f, 20 + node, epoch);
    }
    for (int step = 0; step < 150; step++) {
        uint64_t reach = step < 75 ? 3 : EPOCHS;
        memcpy(before.live, lives.live, sizeof lives.live);
        memcpy(before.values, lives.values, sizeof lives.values);
        holm_state_begin(&lives.f.state);
        for (uint64_t i = 0; i < 3; i++)
            change_entry(&lives, &chance, chance_below(&chance, NODES),
                         1 + chance_below(&chance, reach));
        if (chance_below(&chance, 4) == 0) {
            memcpy(lives.live, before.live, sizeof lives.live);
            memcpy(lives.values, before.values, sizeof lives.values);
            holm_state_rollback(&lives.f.state);
        } else {
            holm_state_commit(&lives.f.state);
        }
        assert_true(holm_digest_equal(lives.f.state.digest, folded_digest(&lives)));
        holm_state_check(&lives.f.state);
    }
    close(&lives.f);
}

static void test_state_when_epochs_come_and_go_then_the_digest_is_that_of_the_folded(void **state)
{
    for (uint64_t seed = 1; seed <= 20; seed++)
        live_through(seed);
}

const struct CMUnitTest state_share_tests[] = {
    cmocka_unit_test(test_state_when_epochs_share_a_value_otherwise_then_the_digest_is_the_same),
    cmocka_unit_test(test_state_when_values_leave_64_bits_then_the_digest_is_exact),
    cmocka_unit_test(test_state_when_a_share_is_elsewhere_then_the_digest_differs),
    cmocka_unit_test(test_state_when_epochs_come_and_go_then_the_digest_is_that_of_the_folded),
};
const size_t state_share_count = sizeof state_share_tests / sizeof *state_share_tests;

/* SPDX-License-Identifier: Apache-2.0 */
#include "crdt/state.h"

#include "crdt/path.h"
#include "tests/unit/core.h"

#include <stdio.h>
#include <stdlib.h>

/* Every test is run on states that keep the order of their keys, and on others. */
static bool ordered;

struct fixture {
    struct heap heap;
    struct holm_allocator allocator;
    struct holm_actors actors;
    struct holm_state state;
};

static void open(struct fixture *f)
{
    uint32_t index;
    memset(f, 0, sizeof *f);
    f->allocator = heap_allocator(&f->heap);
    holm_actors_init(&f->actors, &f->allocator, 1, 100);
    for (uint64_t node = 9; node >= 5; node--)
        assert_int_equal(holm_actors_intern(&f->actors, actor_of(node, 1), &index), HOLM_OK);
    assert_int_equal(holm_state_init(&f->state, &f->allocator, &f->actors, 7), HOLM_OK);
    if (ordered)
        holm_state_keep_order(&f->state);
}

static void close(struct fixture *f)
{
    holm_state_check(&f->state);
    holm_state_release(&f->state);
    holm_actors_release(&f->actors);
    assert_int_equal(f->heap.blocks, 0);
    assert_int_equal(f->heap.bytes, 0);
}

/* What a failed sweep passes on instead of asserting. */
#define TRY(call)                                                                                  \
    do {                                                                                           \
        enum holm_status tried = (call);                                                           \
        if (tried != HOLM_OK)                                                                      \
            return tried;                                                                          \
    } while (0)

static struct holm_key key_of(const struct fixture *f, const char *key)
{
    return holm_state_key(&f->state, holm_str(key));
}

static enum holm_status insert(struct fixture *f, const char *key, struct holm_cell *cell)
{
    struct holm_key hashed = key_of(f, key);
    struct holm_spot spot;
    TRY(holm_state_path(&f->state, holm_str("\1f"), &cell->path));
    TRY(holm_state_ensure(&f->state, &hashed, &spot));
    return holm_spot_insert(&f->state, &spot, cell);
}

static enum holm_status put(struct fixture *f, const char *key, uint8_t kind, const char *sub,
                            uint32_t actor, uint64_t seq, struct holm_value value)
{
    struct holm_cell cell = {.kind = kind,
                             .actor = actor,
                             .seq = seq,
                             .hlc = seq * 10,
                             .sub = holm_str(sub),
                             .value = value};
    return insert(f, key, &cell);
}

static bool seek(const struct fixture *f, const char *key, uint8_t kind, const char *sub,
                 struct holm_spot *spot)
{
    struct holm_key hashed = key_of(f, key);
    return holm_state_seek(&f->state, &hashed, holm_str("\1f"), kind, holm_str(sub), spot);
}

static bool has(const struct fixture *f, const char *key, uint8_t kind, const char *sub)
{
    struct holm_spot spot;
    return seek(f, key, kind, sub, &spot);
}

/* Erases the slot's cell number `skip`. */
static enum holm_status drop(struct fixture *f, const char *key, uint8_t kind, const char *sub,
                             int skip)
{
    struct holm_spot spot;
    assert_true(seek(f, key, kind, sub, &spot));
    for (; skip > 0; skip--)
        holm_spot_next(&f->state, &spot);
    return holm_spot_erase(&f->state, &spot);
}

static bool entry_of(const struct fixture *f, const char *key, uint32_t actor,
                     struct holm_spot *spot, struct holm_cell *cell)
{
    struct holm_key hashed = key_of(f, key);
    struct holm_slot slot = {.path = holm_names_find(&f->state.names, holm_str("\1f")),
                             .kind = HOLM_COUNTER,
                             .actor = actor};
    return slot.path != HOLM_NAME_NONE && holm_state_find(&f->state, &hashed, spot) &&
           holm_spot_seek(&f->state, spot, &slot) && holm_spot_cell(&f->state, spot, cell);
}

static enum holm_status count(struct fixture *f, const char *key, uint32_t actor,
                              struct holm_count value)
{
    struct holm_spot spot;
    struct holm_cell old;
    struct holm_cell cell = {
        .kind = HOLM_COUNTER, .actor = actor, .seq = value.last, .count = value};
    if (!entry_of(f, key, actor, &spot, &old))
        return insert(f, key, &cell);
    cell.path = old.path;
    return holm_spot_replace(&f->state, &spot, &old, &cell);
}

static enum holm_status bury(struct fixture *f, const char *key, uint32_t actor, uint64_t seq)
{
    struct holm_key hashed = key_of(f, key);
    struct holm_spot spot;
    TRY(holm_state_ensure(&f->state, &hashed, &spot));
    return holm_state_bury(&f->state, &spot, actor, seq);
}

/* Records of every kind: siblings, elements, a live entry, a ghost, a tombstone. */
static void fill(struct fixture *f)
{
    holm_state_begin(&f->state);
    for (uint32_t actor = 0; actor < 3; actor++)
        assert_int_equal(
            put(f, "siblings", HOLM_REGISTER, "", actor, 5, holm_text("a longer value")), HOLM_OK);
    assert_int_equal(put(f, "set", HOLM_SET, "b", 0, 1, holm_value_of(HOLM_NONE)), HOLM_OK);
    assert_int_equal(put(f, "set", HOLM_SET, "a", 0, 2, holm_value_of(HOLM_NONE)), HOLM_OK);
    assert_int_equal(put(f, "set", HOLM_REGISTER, "", 0, 3, holm_double(-0.0)), HOLM_OK);
    assert_int_equal(count(f, "counter", 2, (struct holm_count){1, 4, 9, 0, 0}), HOLM_OK);
    assert_int_equal(count(f, "counter", 1, (struct holm_count){1, 4, 9, 4, 9}), HOLM_OK);
    assert_int_equal(bury(f, "dead", 1, 8), HOLM_OK);
    for (uint32_t i = 0; i < 90; i++) { /* more than fit into one block */
        char sub[8];
        (void)snprintf(sub, sizeof sub, "e%02u", i);
        assert_int_equal(put(f, "wide", HOLM_SET, sub, 1, 20 + i, holm_i64(i)), HOLM_OK);
    }
    holm_state_commit(&f->state);
    holm_state_check(&f->state);
}

/* One transaction that uses every primitive, on what is there and what is new. */
static enum holm_status change(struct fixture *f, int steps)
{
    struct holm_spot spot;
    struct holm_cell cell;
    int at = 0;
    if (at++ < steps)
        TRY(put(f, "new", HOLM_REGISTER, "", 3, 1, holm_text("x")));
    if (at++ < steps)
        TRY(put(f, "set", HOLM_SET, "c", 3, 2, holm_value_of(HOLM_NONE)));
    if (at++ < steps)
        TRY(put(f, "set", HOLM_FLAG, "", 3, 3, holm_value_of(HOLM_NONE)));
    if (at++ < steps)
        TRY(drop(f, "siblings", HOLM_REGISTER, "", 1));
    if (at++ < steps)
        TRY(put(f, "siblings", HOLM_REGISTER, "", 3, 4, holm_bool(true)));
    if (at++ < steps)
        TRY(drop(f, "set", HOLM_SET, "a", 0));
    if (at++ < steps)
        TRY(drop(f, "set", HOLM_SET, "c", 0));
    if (at++ < steps)
        TRY(count(f, "counter", 2, (struct holm_count){1, 4, 9, 4, 9}));
    if (at++ < steps)
        TRY(count(f, "counter", 0, (struct holm_count){2, 2, -1, 0, 0}));
    if (at++ < steps)
        TRY(count(f, "counter", 0, (struct holm_count){2, 3, -2, 0, 0}));
    if (at++ < steps) {
        assert_true(entry_of(f, "counter", 1, &spot, &cell));
        TRY(holm_spot_erase(&f->state, &spot));
    }
    if (at++ < steps)
        TRY(bury(f, "dead", 2, 1));
    if (at++ < steps)
        TRY(bury(f, "dead", 1, 8));
    if (at++ < steps)
        TRY(bury(f, "siblings", 1, 9));
    if (at++ < steps)
        TRY(bury(f, "counter", 1, 10));
    if (at++ < steps)
        TRY(bury(f, "never", 1, 11));
    if (at++ < steps)
        TRY(put(f, "wide", HOLM_SET, "m", 3, 12, holm_value_of(HOLM_NONE)));
    if (at++ < steps)
        TRY(drop(f, "wide", HOLM_SET, "e07", 0));
    if (at++ < steps)
        TRY(bury(f, "wide", 1, 13));
    return HOLM_OK;
}

#define STEPS 19

struct figures {
    struct holm_digest digest, transfer;
    size_t records, present, tombstones, cells, paths, bytes;
};

static struct figures figures_of(const struct holm_state *state)
{
    struct figures figures = {state->digest,       holm_tree_total(&state->tree),
                              state->record_count, state->present,
                              state->tombstones,   state->cells,
                              state->names.live,   state->heap.used};
    return figures;
}

static void assert_figures(const struct holm_state *state, struct figures expected)
{
    struct figures figures = figures_of(state);
    assert_true(holm_digest_equal(figures.digest, expected.digest));
    assert_true(holm_digest_equal(figures.transfer, expected.transfer));
    assert_int_equal(figures.records, expected.records);
    assert_int_equal(figures.present, expected.present);
    assert_int_equal(figures.tombstones, expected.tombstones);
    assert_int_equal(figures.cells, expected.cells);
    assert_int_equal(figures.paths, expected.paths);
    assert_int_equal(figures.bytes, expected.bytes);
}

/* The order in which siblings are read, as letters of their actors. */
static void read_siblings(struct fixture *f, char *letters)
{
    struct holm_spot spot;
    struct holm_cell cell;
    assert_true(seek(f, "siblings", HOLM_REGISTER, "", &spot));
    for (; holm_spot_cell(&f->state, &spot, &cell); holm_spot_next(&f->state, &spot))
        *letters++ = (char)('0' + cell.actor);
    *letters = 0;
}

static void test_state_when_rolled_back_after_any_step_then_all_is_as_it_was(void **state)
{
    for (int steps = 0; steps <= STEPS; steps++) {
        struct fixture f;
        char before[8];
        char after[8];
        open(&f);
        fill(&f);
        struct figures figures = figures_of(&f.state);
        read_siblings(&f, before);
        assert_string_equal(before, "012"); /* node 9 first: equal stamps, the larger actor wins */
        holm_state_begin(&f.state);
        assert_int_equal(change(&f, steps), HOLM_OK);
        holm_state_rollback(&f.state);
        holm_state_check(&f.state);
        assert_figures(&f.state, figures);
        read_siblings(&f, after);
        assert_string_equal(before, after);
        struct holm_spot spot;
        struct holm_cell cell;
        assert_true(entry_of(&f, "counter", 1, &spot, &cell));
        assert_int_equal(cell.count.cancelled, 4);
        assert_true(entry_of(&f, "counter", 2, &spot, &cell));
        assert_int_equal(cell.count.cancelled, 0);
        assert_false(has(&f, "new", HOLM_REGISTER, ""));
        assert_false(has(&f, "set", HOLM_FLAG, ""));
        assert_true(has(&f, "wide", HOLM_SET, "e07"));
        close(&f);
    }
}

static void sweep(bool fail_once)
{
    uint64_t fail_at = 0;
    enum holm_status status;
    do {
        struct fixture f;
        open(&f);
        fill(&f);
        struct figures figures = figures_of(&f.state);
        f.heap.calls = 0;
        f.heap.fail_at = ++fail_at;
        f.heap.fail_once = fail_once;
        holm_state_begin(&f.state);
        status = change(&f, STEPS);
        f.heap.fail_at = 0;
        holm_state_rollback(&f.state);
        holm_state_check(&f.state);
        assert_figures(&f.state, figures);
        close(&f);
    } while (status == HOLM_ENOMEM);
    assert_int_equal(status, HOLM_OK);
    assert_in_range(fail_at, 10, 100);
}

static void test_state_when_any_allocation_fails_then_a_roll_back_restores_all(void **state)
{
    sweep(true);
    sweep(false);
}

static void test_state_when_committed_then_what_became_empty_is_freed(void **state)
{
    struct fixture f;
    open(&f);
    fill(&f);
    holm_state_begin(&f.state);
    assert_int_equal(change(&f, STEPS), HOLM_OK);
    holm_state_commit(&f.state);
    holm_state_check(&f.state);
    assert_false(has(&f, "set", HOLM_SET, "a"));
    assert_false(has(&f, "set", HOLM_SET, "c"));
    assert_true(has(&f, "set", HOLM_SET, "b"));
    assert_false(has(&f, "siblings", HOLM_REGISTER, ""));
    assert_int_equal(f.state.tombstones, 6);
    assert_int_equal(f.state.present, 2);
    holm_state_begin(&f.state);
    assert_int_equal(drop(&f, "new", HOLM_REGISTER, "", 0), HOLM_OK);
    holm_state_commit(&f.state);
    struct holm_key key = key_of(&f, "new");
    struct holm_spot spot;
    assert_false(holm_state_find(&f.state, &key, &spot));
    close(&f);
}

/* Made, then found of no use: nothing stays. */
static void test_state_when_a_record_stays_empty_then_the_commit_takes_it_away(void **state)
{
    struct fixture f;
    struct holm_spot spot;
    uint32_t path;
    open(&f);
    struct figures figures = figures_of(&f.state);
    struct holm_key key = key_of(&f, "k");
    holm_state_begin(&f.state);
    assert_int_equal(holm_state_ensure(&f.state, &key, &spot), HOLM_OK);
    assert_int_equal(holm_state_path(&f.state, holm_str("\1f"), &path), HOLM_OK);
    holm_state_commit(&f.state);
    assert_figures(&f.state, figures);
    close(&f);
}

static void element_of(char sub[16], uint32_t i)
{
    (void)snprintf(sub, 16, "%06u", i);
}

static void insert_element(struct fixture *f, uint32_t i)
{
    char sub[16];
    element_of(sub, i);
    holm_state_begin(&f->state);
    assert_int_equal(put(f, "k", HOLM_SET, sub, 0, i + 1, holm_value_of(HOLM_NONE)), HOLM_OK);
    holm_state_commit(&f->state);
}

/* In rising, falling and mixed order: segments stay well filled, and every element is found. */
static void test_state_when_a_set_has_100000_elements_then_it_is_in_order_and_compact(void **state)
{
    enum {
        ELEMENTS = 100000
    };
    for (uint32_t step = 1; step <= 3; step++) {
        static const uint32_t factors[] = {1, ELEMENTS - 1, 7919};
        struct fixture f;
        struct holm_spot spot;
        struct holm_cell cell;
        char sub[16];
        open(&f);
        for (uint64_t i = 0; i < ELEMENTS; i++)
            insert_element(&f, (uint32_t)(i * factors[step - 1] % ELEMENTS));
        holm_state_check(&f.state);
        assert_in_range(f.state.heap.used, ELEMENTS * 34, ELEMENTS * 34 * 2);
        struct holm_key key = key_of(&f, "k");
        assert_true(holm_state_find(&f.state, &key, &spot));
        for (uint32_t i = 0; i < ELEMENTS; i++) {
            element_of(sub, i);
            assert_true(holm_spot_cell(&f.state, &spot, &cell));
            assert_bytes(cell.sub, sub);
            assert_int_equal(cell.seq, i + 1);
            holm_spot_next(&f.state, &spot);
        }
        assert_false(holm_spot_cell(&f.state, &spot, &cell));
        holm_state_begin(&f.state);
        for (uint32_t i = 0; i < ELEMENTS; i++) {
            element_of(sub, i);
            if (i % 1000 != 0)
                assert_int_equal(drop(&f, "k", HOLM_SET, sub, 0), HOLM_OK);
        }
        holm_state_commit(&f.state);
        holm_state_check(&f.state);
        assert_int_equal(f.state.cells, ELEMENTS / 1000);
        assert_true(f.state.heap.used < 65536);
        for (uint32_t i = 0; i < ELEMENTS; i += 500) {
            element_of(sub, i);
            assert_true(has(&f, "k", HOLM_SET, sub) == (i % 1000 == 0));
        }
        close(&f);
    }
}

/* Values as large as a frame allows, among small ones, in one record. */
static void test_state_when_values_are_large_then_the_record_holds_them(void **state)
{
    static unsigned char large[300000];
    struct fixture f;
    char sub[16];
    open(&f);
    for (uint32_t i = 0; i < 60; i++) {
        struct holm_value value = i % 7 == 3 ? holm_bytes_value(large, sizeof large - i)
                                             : holm_bytes_value(large, i * 5);
        element_of(sub, i * 37 % 60);
        holm_state_begin(&f.state);
        assert_int_equal(put(&f, "k", HOLM_SET, sub, 0, i + 1, value), HOLM_OK);
        holm_state_commit(&f.state);
        holm_state_check(&f.state);
    }
    for (uint32_t i = 0; i < 60; i++) {
        struct holm_spot spot;
        struct holm_cell cell;
        element_of(sub, i * 37 % 60);
        assert_true(seek(&f, "k", HOLM_SET, sub, &spot));
        assert_true(holm_spot_cell(&f.state, &spot, &cell));
        assert_int_equal(cell.value.as.bytes.size, i % 7 == 3 ? sizeof large - i : i * 5);
        holm_state_begin(&f.state);
        assert_int_equal(holm_spot_erase(&f.state, &spot), HOLM_OK);
        holm_state_commit(&f.state);
        holm_state_check(&f.state);
    }
    assert_int_equal(f.state.record_count, 0);
    assert_int_equal(f.state.heap.used, 0);
    close(&f);
}

/* Random changes of few records, small and large, against a plain list; some are rolled back. */
static void test_state_when_changed_at_random_then_it_holds_what_a_list_holds(void **state)
{
    enum {
        KEYS = 5,
        ELEMENTS = 400
    };
    static uint64_t model[KEYS][ELEMENTS];
    static uint64_t kept[KEYS][ELEMENTS];
    struct chance chance = {.state = 20};
    struct fixture f;
    memset(model, 0, sizeof model);
    open(&f);
    uint64_t seq = 0;
    for (uint32_t round = 0; round < 1500; round++) {
        memcpy(kept, model, sizeof model);
        struct figures figures = figures_of(&f.state);
        holm_state_begin(&f.state);
        for (uint64_t n = chance_below(&chance, 12); n > 0; n--) {
            uint64_t k = chance_below(&chance, KEYS);
            uint64_t bound = k < 2 ? 12 : ELEMENTS;
            uint32_t e = (uint32_t)chance_below(&chance, bound);
            char key[8];
            char sub[16];
            (void)snprintf(key, sizeof key, "%u", (unsigned)k);
            element_of(sub, e);
            if (model[k][e] != 0) {
                assert_int_equal(drop(&f, key, HOLM_SET, sub, 0), HOLM_OK);
                model[k][e] = 0;
            } else {
                model[k][e] = ++seq;
                assert_int_equal(put(&f, key, HOLM_SET, sub, 0, seq, holm_i64(1)), HOLM_OK);
            }
        }
        if (chance_below(&chance, 3) == 0) {
            holm_state_rollback(&f.state);
            memcpy(model, kept, sizeof model);
            assert_figures(&f.state, figures);
        } else {
            holm_state_commit(&f.state);
        }
        if (round % 50 == 0)
            holm_state_check(&f.state);
    }
    size_t cells = 0;
    for (uint32_t k = 0; k < KEYS; k++) {
        for (uint32_t e = 0; e < ELEMENTS; e++) {
            char key[8];
            char sub[16];
            struct holm_spot spot;
            struct holm_cell cell;
            (void)snprintf(key, sizeof key, "%u", k);
            element_of(sub, e);
            assert_true(seek(&f, key, HOLM_SET, sub, &spot) == (model[k][e] != 0));
            if (model[k][e] == 0)
                continue;
            assert_true(holm_spot_cell(&f.state, &spot, &cell));
            assert_int_equal(cell.seq, model[k][e]);
            cells += 1;
        }
    }
    assert_int_equal(cells, f.state.cells);
    close(&f);
}

/* A walk over a range of hashes finds exactly the records in it, whatever the table's size. */
static void test_state_when_ranges_are_walked_then_they_partition_the_records(void **state)
{
    struct fixture f;
    struct holm_spot spot;
    open(&f);
    for (uint32_t records = 0; records < 700; records++) {
        char key[16];
        (void)snprintf(key, sizeof key, "%u", records);
        holm_state_begin(&f.state);
        assert_int_equal(put(&f, key, HOLM_FLAG, "", 0, records + 1, holm_value_of(HOLM_NONE)),
                         HOLM_OK);
        holm_state_commit(&f.state);
        if (records % 70 != 0)
            continue;
        for (unsigned level = 0; level < 4; level++) {
            size_t found = 0;
            for (uint64_t index = 0; index < (uint64_t)1 << (4 * level); index++) {
                struct holm_walk walk = holm_state_walk(&f.state, holm_range_first(level, index),
                                                        holm_range_last(level, index));
                for (; holm_walk_next(&f.state, &walk, &spot); found++)
                    assert_int_equal(holm_range_index(level, spot.hash), index);
            }
            assert_int_equal(found, records + 1);
        }
    }
    close(&f);
}

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
        assert_true(holm_digest_equal(f.state.digest, holm_tree_total(&f.state.tree)));
        holm_state_begin(&f.state);
        assert_int_equal(count(&f, "ghost", 0, (struct holm_count){1, 1, 1, 1, 1}), HOLM_OK);
        assert_int_equal(bury(&f, "dead", 0, 9), HOLM_OK);
        holm_state_commit(&f.state);
        assert_true(holm_digest_equal(f.state.digest, seen[seen_count - 1]));
        assert_false(holm_digest_equal(f.state.digest, holm_tree_total(&f.state.tree)));
        close(&f);
    }
}

/* T15: equal stamps have one winner; max and min go by the value first. */
static void test_state_when_cells_compete_then_the_first_is_the_one_to_read(void **state)
{
    static const uint8_t kinds[] = {HOLM_REGISTER, HOLM_MAX, HOLM_MIN};
    static const uint32_t winners[] = {0, 1, 2}; /* the largest actor; value 9; value 1 */
    static const int64_t values[] = {5, 9, 1};
    for (size_t kind = 0; kind < 3; kind++) {
        for (uint32_t start = 0; start < 3; start++) {
            struct fixture f;
            open(&f);
            holm_state_begin(&f.state);
            for (uint32_t i = 0; i < 3; i++) {
                uint32_t actor = (start + i) % 3;
                assert_int_equal(put(&f, "k", kinds[kind], "", actor, 4, holm_i64(values[actor])),
                                 HOLM_OK);
            }
            holm_state_commit(&f.state);
            struct holm_spot spot;
            struct holm_cell cell;
            assert_true(seek(&f, "k", kinds[kind], "", &spot));
            assert_true(holm_spot_cell(&f.state, &spot, &cell));
            assert_int_equal(cell.actor, winners[kind]);
            close(&f);
        }
    }
}

/* A table that cannot grow is slower, and in the end full: a clear error, and nothing is lost. */
static void test_state_when_the_table_cannot_grow_then_records_are_still_found(void **state)
{
    struct fixture f;
    open(&f);
    size_t capacity = f.state.table_capacity;
    f.heap.fail_once = true;
    for (uint32_t i = 0; i < 1000; i++) {
        char key[16];
        (void)snprintf(key, sizeof key, "%u", i);
        /* The path is there, so that a record's first request into a full table is for the table. */
        bool full = (f.state.record_count + 1) * 5 > f.state.table_capacity * 4;
        f.heap.calls = 0;
        f.heap.fail_at = full && i < 100 ? 1 : 0;
        holm_state_begin(&f.state);
        enum holm_status status = put(&f, key, HOLM_FLAG, "", 0, i + 1, holm_value_of(HOLM_NONE));
        f.heap.fail_at = 0;
        if (status == HOLM_OK) {
            holm_state_commit(&f.state);
        } else {
            assert_int_equal(status, HOLM_ENOMEM);
            assert_int_equal(f.state.record_count, capacity - 1);
            holm_state_rollback(&f.state);
        }
        if (i < 100)
            assert_int_equal(f.state.table_capacity, capacity);
    }
    assert_true(f.state.table_capacity >= 1000);
    assert_int_equal(f.state.record_count, 1000 - 100 + capacity - 1);
    for (uint32_t i = 0; i < 1000; i++) {
        char key[16];
        (void)snprintf(key, sizeof key, "%u", i);
        assert_true(has(&f, key, HOLM_FLAG, "") == (i < capacity - 1 || i >= 100));
    }
    close(&f);
}

/* A record that comes when the order is full, grows so that its block moves, and goes again; each
 * with every allocation refused in turn. */
static void test_state_when_there_are_many_records_then_each_comes_and_grows_or_does_not(
    void **state)
{
    struct fixture f;
    uint64_t refused = 0;
    open(&f);
    for (uint32_t i = 0; i < 600; i++) {
        char key[16];
        enum holm_status status = HOLM_ENOMEM;
        struct holm_value value = i < 300 ? holm_i64(i)
                                          : holm_text("long enough to need a block "
                                                      "of another size than before");
        (void)snprintf(key, sizeof key, "%u", i % 300 * 211 % 300);
        for (uint64_t nth = 1; status != HOLM_OK; nth++) {
            f.heap.calls = 0;
            f.heap.fail_at = nth;
            f.heap.fail_once = true;
            holm_state_begin(&f.state);
            status = put(&f, key, HOLM_REGISTER, "", i / 300, i + 1, value);
            f.heap.fail_at = 0;
            if (status == HOLM_OK) {
                holm_state_commit(&f.state);
                break;
            }
            assert_int_equal(status, HOLM_ENOMEM);
            holm_state_rollback(&f.state);
            holm_state_check(&f.state);
            assert_int_equal(f.state.record_count, i < 300 ? i : 300);
            refused++;
        }
    }
    assert_true(refused >= (ordered ? 10 : 1));
    holm_state_check(&f.state);
    for (uint32_t i = 0; i < 300; i++) {
        char key[16];
        (void)snprintf(key, sizeof key, "%u", i);
        holm_state_begin(&f.state);
        assert_int_equal(drop(&f, key, HOLM_REGISTER, "", 0), HOLM_OK);
        assert_int_equal(drop(&f, key, HOLM_REGISTER, "", 0), HOLM_OK);
        if (i % 3 == 0) {
            holm_state_rollback(&f.state);
            holm_state_begin(&f.state);
        }
        holm_state_commit(&f.state);
    }
    assert_int_equal(f.state.record_count, 100);
    close(&f);
}

/* In the order of the table of another state with the same seed, as a cut has them. */
static void test_state_when_records_come_in_the_order_of_their_hashes_then_none_is_far_off(
    void **state)
{
    enum {
        RECORDS = 30000
    };
    struct fixture from;
    struct fixture to;
    struct holm_spot spot;
    size_t passed = 0;
    open(&from);
    open(&to);
    for (uint32_t i = 0; i < RECORDS; i++) {
        char key[16];
        (void)snprintf(key, sizeof key, "%u", i);
        holm_state_begin(&from.state);
        assert_int_equal(put(&from, key, HOLM_FLAG, "", 0, i + 1, holm_value_of(HOLM_NONE)),
                         HOLM_OK);
        holm_state_commit(&from.state);
    }
    struct holm_walk walk = holm_state_walk(&from.state, 0, UINT64_MAX);
    while (holm_walk_next(&from.state, &walk, &spot)) {
        char key[16] = {0};
        struct holm_bytes bytes = holm_spot_key(&from.state, &spot);
        memcpy(key, bytes.data, bytes.size);
        holm_state_begin(&to.state);
        assert_int_equal(
            put(&to, key, HOLM_FLAG, "", 0, (uint64_t)atoi(key) + 1, holm_value_of(HOLM_NONE)),
            HOLM_OK);
        holm_state_commit(&to.state);
        passed += to.state.table_passed;
    }
    assert_true(holm_digest_equal(from.state.digest, to.state.digest));
    assert_true(passed < RECORDS * 100);
    assert_true(to.state.table_capacity < RECORDS * 4);
    close(&from);
    close(&to);
}

/* Only who means harm writes so many. They must not make a peer stand still: with a walk over all
 * that are there for each that comes, this test would run for minutes. */
static void test_state_when_a_slot_has_ever_more_cells_then_each_finds_its_place(void **state)
{
    static const uint8_t kinds[] = {HOLM_REGISTER, HOLM_KIND_TOMBSTONE};
    for (size_t k = 0; k < 2; k++) {
        struct fixture f;
        open(&f);
        struct holm_key key = key_of(&f, "k");
        struct holm_cell cell = {.kind = kinds[k], .value = holm_i64(1)};
        struct holm_spot spot;
        holm_state_begin(&f.state);
        assert_int_equal(holm_state_ensure(&f.state, &key, &spot), HOLM_OK);
        for (uint64_t i = 1; i <= 60000; i++) {
            cell.seq = i;
            cell.hlc = 1 + (60000 - i) / 2;
            cell.actor = (uint32_t)i % 2;
            if (cell.kind == HOLM_REGISTER)
                assert_int_equal(holm_spot_insert(&f.state, &spot, &cell), HOLM_OK);
            else
                assert_int_equal(holm_state_bury(&f.state, &spot, cell.actor, i), HOLM_OK);
        }
        if (cell.kind == HOLM_KIND_TOMBSTONE)
            assert_int_equal(holm_state_bury(&f.state, &spot, 1, 31), HOLM_OK);
        holm_state_commit(&f.state);
        assert_int_equal(f.state.cells + f.state.tombstones, 60000);
        close(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_state_when_a_slot_has_ever_more_cells_then_each_finds_its_place),
        cmocka_unit_test(test_state_when_a_share_differs_then_its_fingerprint_does),
        cmocka_unit_test(test_state_when_rolled_back_after_any_step_then_all_is_as_it_was),
        cmocka_unit_test(test_state_when_any_allocation_fails_then_a_roll_back_restores_all),
        cmocka_unit_test(test_state_when_committed_then_what_became_empty_is_freed),
        cmocka_unit_test(test_state_when_a_record_stays_empty_then_the_commit_takes_it_away),
        cmocka_unit_test(test_state_when_a_set_has_100000_elements_then_it_is_in_order_and_compact),
        cmocka_unit_test(test_state_when_values_are_large_then_the_record_holds_them),
        cmocka_unit_test(test_state_when_changed_at_random_then_it_holds_what_a_list_holds),
        cmocka_unit_test(test_state_when_ranges_are_walked_then_they_partition_the_records),
        cmocka_unit_test(test_state_when_contents_are_equal_then_digests_are),
        cmocka_unit_test(test_state_when_a_digest_is_wrong_then_rebuilding_says_so_and_mends_it),
        cmocka_unit_test(test_state_when_anything_differs_then_the_digest_does),
        cmocka_unit_test(test_state_when_cells_compete_then_the_first_is_the_one_to_read),
        cmocka_unit_test(test_state_when_the_table_cannot_grow_then_records_are_still_found),
        cmocka_unit_test(
            test_state_when_records_come_in_the_order_of_their_hashes_then_none_is_far_off),
        cmocka_unit_test(
            test_state_when_there_are_many_records_then_each_comes_and_grows_or_does_not),
    };

    int failed = cmocka_run_group_tests_name("unordered", tests, NULL, NULL);

    ordered = true;
    return failed + cmocka_run_group_tests_name("ordered", tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * state.h - a state alone, on a heap that fails when told to, and short words for what is in it.
 *
 *     open(&f); holm_state_begin(&f.state);
 *     put(&f, "k", HOLM_SET, "e", actor, seq, value);      field "f" of record "k"
 *     holm_state_commit(&f.state); assert_true(has(&f, "k", HOLM_SET, "e")); close(&f);
 */
#ifndef HOLM_TESTS_UNIT_STATE_H
#define HOLM_TESTS_UNIT_STATE_H

#include "crdt/path.h"
#include "crdt/state.h"
#include "tests/unit/core.h"

#include <stdio.h>

/* Every test is run on states that keep the order of their keys, and on others. */
extern bool state_ordered;

extern const struct CMUnitTest state_digest_tests[], state_record_tests[], state_share_tests[],
    state_table_tests[];
extern const size_t state_digest_count, state_record_count, state_share_count, state_table_count;

struct fixture {
    struct heap heap;
    struct holm_allocator allocator;
    struct holm_actors actors;
    struct holm_state state;
};

static inline void open(struct fixture *f)
{
    uint32_t index;
    memset(f, 0, sizeof *f);
    f->allocator = heap_allocator(&f->heap);
    holm_actors_init(&f->actors, &f->allocator, 1, 100);
    for (uint64_t node = 9; node >= 5; node--)
        assert_int_equal(holm_actors_intern(&f->actors, actor_of(node, 1), &index), HOLM_OK);
    assert_int_equal(holm_state_init(&f->state, &f->allocator, &f->actors, 7), HOLM_OK);
    if (state_ordered)
        holm_state_keep_order(&f->state);
}

static inline void close(struct fixture *f)
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

static inline struct holm_key key_of(const struct fixture *f, const char *key)
{
    return holm_state_key(&f->state, holm_str(key));
}

static inline enum holm_status insert(struct fixture *f, const char *key, struct holm_cell *cell)
{
    struct holm_key hashed = key_of(f, key);
    struct holm_spot spot;
    TRY(holm_state_path(&f->state, holm_str("\1f"), &cell->path));
    TRY(holm_state_ensure(&f->state, &hashed, &spot));
    return holm_spot_insert(&f->state, &spot, cell);
}

static inline enum holm_status put(struct fixture *f, const char *key, uint8_t kind,
                                   const char *sub, uint32_t actor, uint64_t seq,
                                   struct holm_value value)
{
    struct holm_cell cell = {.kind = kind,
                             .actor = actor,
                             .seq = seq,
                             .hlc = seq * 10,
                             .sub = holm_str(sub),
                             .value = value};
    return insert(f, key, &cell);
}

static inline bool seek(const struct fixture *f, const char *key, uint8_t kind, const char *sub,
                        struct holm_spot *spot)
{
    struct holm_key hashed = key_of(f, key);
    return holm_state_seek(&f->state, &hashed, holm_str("\1f"), kind, holm_str(sub), spot);
}

static inline bool has(const struct fixture *f, const char *key, uint8_t kind, const char *sub)
{
    struct holm_spot spot;
    return seek(f, key, kind, sub, &spot);
}

/* Erases the slot's cell number `skip`. */
static inline enum holm_status drop(struct fixture *f, const char *key, uint8_t kind,
                                    const char *sub, int skip)
{
    struct holm_spot spot;
    assert_true(seek(f, key, kind, sub, &spot));
    for (; skip > 0; skip--)
        holm_spot_next(&f->state, &spot);
    return holm_spot_erase(&f->state, &spot);
}

static inline bool entry_of(const struct fixture *f, const char *key, uint32_t actor,
                            struct holm_spot *spot, struct holm_cell *cell)
{
    struct holm_key hashed = key_of(f, key);
    struct holm_slot slot = {.path = holm_names_find(&f->state.names, holm_str("\1f")),
                             .kind = HOLM_COUNTER,
                             .actor = actor};
    return slot.path != HOLM_NAME_NONE && holm_state_find(&f->state, &hashed, spot) &&
           holm_spot_seek(&f->state, spot, &slot) && holm_spot_cell(&f->state, spot, cell);
}

static inline enum holm_status count(struct fixture *f, const char *key, uint32_t actor,
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

static inline enum holm_status bury(struct fixture *f, const char *key, uint32_t actor,
                                    uint64_t seq)
{
    struct holm_key hashed = key_of(f, key);
    struct holm_spot spot;
    TRY(holm_state_ensure(&f->state, &hashed, &spot));
    return holm_state_bury(&f->state, &spot, actor, seq);
}

/* Records of every kind: siblings, elements, a live entry, a ghost, a tombstone. */
static inline void fill(struct fixture *f)
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

struct figures {
    struct holm_digest digest, transfer;
    size_t records, present, tombstones, cells, paths, bytes;
};

static inline struct figures figures_of(const struct holm_state *state)
{
    struct figures figures = {state->digest,       holm_tree_total(&state->tree),
                              state->record_count, state->present,
                              state->tombstones,   state->cells,
                              state->names.live,   state->heap.used};
    return figures;
}

static inline void assert_figures(const struct holm_state *state, struct figures expected)
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

#endif

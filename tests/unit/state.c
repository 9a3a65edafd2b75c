/* SPDX-License-Identifier: Apache-2.0 */
#include "crdt/state.h"

#include "crdt/path.h"
#include "tests/unit/core.h"

#include <stdio.h>

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

static enum holm_status put(struct fixture *f, const char *key, uint8_t kind, const char *sub,
                            uint32_t actor, uint64_t seq, struct holm_value value)
{
    struct holm_slot *slot;
    struct holm_cell_new cell = {.actor = actor, .seq = seq, .hlc = seq * 10, .value = value};
    TRY(holm_state_ensure_slot(&f->state, holm_str(key), holm_str("\1f"), kind, holm_str(sub),
                               &slot));
    return holm_state_put(&f->state, slot, &cell);
}

static struct holm_slot *slot_of(struct fixture *f, const char *key, uint8_t kind, const char *sub)
{
    return holm_state_slot(&f->state, holm_str(key), holm_str("\1f"), kind, holm_str(sub));
}

static enum holm_status count(struct fixture *f, const char *key, uint32_t actor,
                              struct holm_count value)
{
    struct holm_slot *slot;
    TRY(holm_state_ensure_slot(&f->state, holm_str(key), holm_str("\1f"), HOLM_COUNTER,
                               holm_str(""), &slot));
    return holm_state_set_count(&f->state, slot, actor, &value,
                                (uint32_t)(value.last + value.cancelled));
}

static enum holm_status bury(struct fixture *f, const char *key, uint32_t actor, uint64_t seq)
{
    struct holm_record *record;
    TRY(holm_state_ensure(&f->state, holm_str(key), &record));
    return holm_state_bury(&f->state, record, actor, seq);
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
    holm_state_commit(&f->state);
    holm_state_check(&f->state);
}

/* One transaction that uses every primitive, on what is there and what is new. */
static enum holm_status change(struct fixture *f, int steps)
{
    struct holm_slot *slot;
    int at = 0;
    if (at++ < steps)
        TRY(put(f, "new", HOLM_REGISTER, "", 3, 1, holm_text("x")));
    if (at++ < steps)
        TRY(put(f, "set", HOLM_SET, "c", 3, 2, holm_value_of(HOLM_NONE)));
    if (at++ < steps)
        TRY(put(f, "set", HOLM_FLAG, "", 3, 3, holm_value_of(HOLM_NONE)));
    slot = slot_of(f, "siblings", HOLM_REGISTER, "");
    if (at++ < steps)
        TRY(holm_state_drop(&f->state, slot, slot->cells->next));
    if (at++ < steps)
        TRY(put(f, "siblings", HOLM_REGISTER, "", 3, 4, holm_bool(true)));
    slot = slot_of(f, "set", HOLM_SET, "a");
    if (at++ < steps)
        TRY(holm_state_drop(&f->state, slot, slot->cells));
    slot = slot_of(f, "set", HOLM_SET, "c");
    if (at++ < steps)
        TRY(holm_state_drop(&f->state, slot, slot->cells));
    if (at++ < steps)
        TRY(count(f, "counter", 2, (struct holm_count){1, 4, 9, 4, 9}));
    if (at++ < steps)
        TRY(count(f, "counter", 0, (struct holm_count){2, 2, -1, 0, 0}));
    if (at++ < steps)
        TRY(count(f, "counter", 0, (struct holm_count){2, 3, -2, 0, 0}));
    slot = slot_of(f, "counter", HOLM_COUNTER, "");
    if (at++ < steps)
        TRY(holm_state_drop_count(&f->state, slot, holm_slot_entry(slot, 1)));
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
    return HOLM_OK;
}

#define STEPS 16

struct figures {
    struct holm_digest digest, transfer;
    size_t records, present, tombstones, cells, bytes;
};

static struct figures figures_of(const struct holm_state *state)
{
    struct figures figures = {state->digest,  state->transfer,   state->record_count,
                              state->present, state->tombstones, state->cells,
                              state->bytes};
    return figures;
}

static void assert_figures(const struct holm_state *state, struct figures expected)
{
    assert_true(holm_digest_equal(state->digest, expected.digest));
    assert_true(holm_digest_equal(state->transfer, expected.transfer));
    assert_int_equal(state->record_count, expected.records);
    assert_int_equal(state->present, expected.present);
    assert_int_equal(state->tombstones, expected.tombstones);
    assert_int_equal(state->cells, expected.cells);
    assert_int_equal(state->bytes, expected.bytes);
}

/* The order in which siblings are read, as letters of their actors. */
static void read_siblings(struct fixture *f, char *letters)
{
    const struct holm_slot *slot = slot_of(f, "siblings", HOLM_REGISTER, "");
    for (const struct holm_cell *cell = slot->cells; cell != NULL; cell = cell->next)
        *letters++ = (char)('0' + cell->actor);
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
        const struct holm_slot *slot = slot_of(&f, "counter", HOLM_COUNTER, "");
        assert_int_equal(holm_slot_entry(slot, 1)->pending, 8);
        assert_int_equal(holm_slot_entry(slot, 2)->pending, 4);
        assert_int_equal(holm_slot_entry(slot, 2)->count.cancelled, 0);
        assert_null(holm_state_find(&f.state, holm_str("new")));
        assert_null(slot_of(&f, "set", HOLM_FLAG, ""));
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
    assert_null(slot_of(&f, "set", HOLM_SET, "a"));
    assert_null(slot_of(&f, "set", HOLM_SET, "c"));
    assert_non_null(slot_of(&f, "set", HOLM_SET, "b"));
    assert_null(holm_state_find(&f.state, holm_str("siblings"))->fields);
    assert_int_equal(f.state.tombstones, 5);
    assert_int_equal(f.state.present, 2);
    holm_state_begin(&f.state);
    struct holm_slot *slot = slot_of(&f, "new", HOLM_REGISTER, "");
    assert_int_equal(holm_state_drop(&f.state, slot, slot->cells), HOLM_OK);
    holm_state_commit(&f.state);
    assert_null(holm_state_find(&f.state, holm_str("new")));
    close(&f);
}

/* Made, then found of no use: nothing stays. */
static void test_state_when_a_slot_stays_empty_then_the_commit_takes_it_away(void **state)
{
    struct fixture f;
    struct holm_slot *slot;
    struct holm_record *record;
    open(&f);
    struct figures figures = figures_of(&f.state);
    holm_state_begin(&f.state);
    assert_int_equal(holm_state_ensure_slot(&f.state, holm_str("k"), holm_str("\1f"), HOLM_SET,
                                            holm_str("e"), &slot),
                     HOLM_OK);
    assert_int_equal(holm_state_ensure(&f.state, holm_str("other"), &record), HOLM_OK);
    holm_state_commit(&f.state);
    assert_figures(&f.state, figures);
    close(&f);
}

static size_t depth_of(const struct holm_slot *slot)
{
    size_t depth = 0;
    for (; slot != NULL; slot = slot->parent)
        depth++;
    return depth;
}

static void insert_element(struct fixture *f, uint32_t i)
{
    char sub[16];
    (void)snprintf(sub, sizeof sub, "%06u", i);
    holm_state_begin(&f->state);
    assert_int_equal(put(f, "k", HOLM_SET, sub, 0, i + 1, holm_value_of(HOLM_NONE)), HOLM_OK);
    holm_state_commit(&f->state);
}

/* In rising order, the worst for a tree without balance. */
static void test_state_when_a_set_has_100000_elements_then_it_is_in_order_and_shallow(void **state)
{
    enum {
        ELEMENTS = 100000
    };
    struct fixture f;
    open(&f);
    for (uint32_t i = 0; i < ELEMENTS; i++)
        insert_element(&f, i);
    holm_state_check(&f.state);
    const struct holm_record *record = holm_state_find(&f.state, holm_str("k"));
    const struct holm_field *field = holm_record_field(record, holm_str("\1f"), HOLM_SET);
    struct holm_slot *slot = holm_field_first(field);
    size_t deepest = 0;
    for (uint32_t i = 0; i < ELEMENTS; i++) {
        char sub[16];
        (void)snprintf(sub, sizeof sub, "%06u", i);
        assert_bytes(holm_slot_sub(slot), sub);
        size_t depth = depth_of(slot);
        deepest = depth > deepest ? depth : deepest;
        slot = holm_slot_next(slot);
    }
    assert_null(slot);
    assert_in_range(deepest, 17, 70);
    holm_state_begin(&f.state);
    for (uint32_t i = 0; i < ELEMENTS; i += 2) {
        char sub[16];
        (void)snprintf(sub, sizeof sub, "%06u", i);
        slot = slot_of(&f, "k", HOLM_SET, sub);
        assert_int_equal(holm_state_drop(&f.state, slot, slot->cells), HOLM_OK);
    }
    holm_state_commit(&f.state);
    holm_state_check(&f.state);
    assert_int_equal(f.state.cells, ELEMENTS / 2);
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
    assert_true(holm_digest_equal(one.state.transfer, two.state.transfer));
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
    f.state.transfer.low ^= 1;
    assert_false(holm_state_rebuild_digests(&f.state));
    assert_figures(&f.state, figures);
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
        assert_true(holm_digest_equal(f.state.digest, f.state.transfer));
        holm_state_begin(&f.state);
        assert_int_equal(count(&f, "ghost", 0, (struct holm_count){1, 1, 1, 1, 1}), HOLM_OK);
        assert_int_equal(bury(&f, "dead", 0, 9), HOLM_OK);
        holm_state_commit(&f.state);
        assert_true(holm_digest_equal(f.state.digest, seen[seen_count - 1]));
        assert_false(holm_digest_equal(f.state.digest, f.state.transfer));
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
            const struct holm_slot *slot = slot_of(&f, "k", kinds[kind], "");
            assert_int_equal(slot->cells->actor, winners[kind]);
            close(&f);
        }
    }
}

/* A table that cannot grow is slower, no error. */
static void test_state_when_the_table_cannot_grow_then_records_are_still_found(void **state)
{
    struct fixture f;
    open(&f);
    size_t buckets = f.state.bucket_count;
    f.heap.fail_once = true;
    for (uint32_t i = 0; i < 1000; i++) {
        char key[16];
        (void)snprintf(key, sizeof key, "%u", i);
        /* The first request of an insertion into a full table is for the table. */
        f.heap.calls = 0;
        f.heap.fail_at = f.state.record_count >= f.state.bucket_count ? 1 : 0;
        if (i >= 500)
            f.heap.fail_at = 0;
        holm_state_begin(&f.state);
        enum holm_status status = put(&f, key, HOLM_FLAG, "", 0, i + 1, holm_value_of(HOLM_NONE));
        assert_int_equal(status, HOLM_OK);
        holm_state_commit(&f.state);
        if (i < 500)
            assert_int_equal(f.state.bucket_count, buckets);
    }
    f.heap.fail_at = 0;
    assert_true(f.state.bucket_count >= 500);
    for (uint32_t i = 0; i < 1000; i++) {
        char key[16];
        (void)snprintf(key, sizeof key, "%u", i);
        assert_non_null(slot_of(&f, key, HOLM_FLAG, ""));
    }
    close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_state_when_rolled_back_after_any_step_then_all_is_as_it_was),
        cmocka_unit_test(test_state_when_any_allocation_fails_then_a_roll_back_restores_all),
        cmocka_unit_test(test_state_when_committed_then_what_became_empty_is_freed),
        cmocka_unit_test(test_state_when_a_slot_stays_empty_then_the_commit_takes_it_away),
        cmocka_unit_test(test_state_when_a_set_has_100000_elements_then_it_is_in_order_and_shallow),
        cmocka_unit_test(test_state_when_contents_are_equal_then_digests_are),
        cmocka_unit_test(test_state_when_a_digest_is_wrong_then_rebuilding_says_so_and_mends_it),
        cmocka_unit_test(test_state_when_anything_differs_then_the_digest_does),
        cmocka_unit_test(test_state_when_cells_compete_then_the_first_is_the_one_to_read),
        cmocka_unit_test(test_state_when_the_table_cannot_grow_then_records_are_still_found),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

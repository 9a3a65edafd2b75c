/* SPDX-License-Identifier: Apache-2.0 */
/* One record with very many cells, large ones, or cells that compete. */
#include "tests/unit/state.h"

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

const struct CMUnitTest state_record_tests[] = {
    cmocka_unit_test(test_state_when_a_slot_has_ever_more_cells_then_each_finds_its_place),
    cmocka_unit_test(test_state_when_a_set_has_100000_elements_then_it_is_in_order_and_compact),
    cmocka_unit_test(test_state_when_values_are_large_then_the_record_holds_them),
    cmocka_unit_test(test_state_when_changed_at_random_then_it_holds_what_a_list_holds),
    cmocka_unit_test(test_state_when_cells_compete_then_the_first_is_the_one_to_read),
};
const size_t state_record_count = sizeof state_record_tests / sizeof *state_record_tests;

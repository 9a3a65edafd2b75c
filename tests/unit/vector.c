/* SPDX-License-Identifier: Apache-2.0 */
#include "crdt/vector.h"

#include "tests/unit/core.h"

#define NODES 3u
#define EPOCHS 4u
#define VECTORS 400u

/* What a vector says of each epoch, in a table. */
struct table {
    uint64_t seq[NODES + 1][EPOCHS + 1];
};

struct fixture {
    struct heap heap;
    struct holm_allocator allocator;
    struct chance chance;
};

static void open(struct fixture *f)
{
    memset(f, 0, sizeof *f);
    f->allocator = heap_allocator(&f->heap);
    f->chance.state = 7;
}

/* A random vector, made entry by entry in a random order, and its table. */
static void draw(struct fixture *f, struct holm_vector *vector, struct table *table)
{
    memset(table, 0, sizeof *table);
    holm_vector_init(vector, &f->allocator);
    for (int i = 0; i < 9; i++) {
        uint64_t node = 1 + chance_below(&f->chance, NODES);
        uint64_t epoch = 1 + chance_below(&f->chance, EPOCHS);
        uint64_t seq = 1 + chance_below(&f->chance, 3);
        if (chance_permille(&f->chance, 150))
            seq = HOLM_SEQ_FOLDED;
        assert_int_equal(holm_vector_raise(vector, actor_of(node, epoch), seq), HOLM_OK);
        for (uint64_t e = seq == HOLM_SEQ_FOLDED ? 1 : epoch; e <= epoch; e++) {
            if (table->seq[node][e] < seq)
                table->seq[node][e] = seq;
        }
        holm_vector_check(vector);
    }
}

static void assert_table(const struct holm_vector *vector, const struct table *table)
{
    holm_vector_check(vector);
    for (uint64_t n = 1; n <= NODES; n++) {
        uint64_t floor = 0;
        for (uint64_t e = 1; e <= EPOCHS; e++) {
            assert_int_equal(holm_vector_seq(holm_vector_view(vector), actor_of(n, e)),
                             table->seq[n][e]);
            floor = table->seq[n][e] == HOLM_SEQ_FOLDED ? e : floor;
        }
        struct holm_node_id node = {n};
        assert_int_equal(holm_vector_floor(holm_vector_view(vector), node).value, floor);
    }
}

static void test_vector_when_joined_or_met_then_it_says_what_either_or_both_say(void **state)
{
    (void)state;
    struct fixture f;
    open(&f);
    for (uint32_t i = 0; i < VECTORS; i++) {
        struct holm_vector a, b, both;
        struct table x, y, larger, smaller;
        draw(&f, &a, &x);
        draw(&f, &b, &y);
        assert_table(&a, &x);
        for (uint64_t n = 0; n <= NODES; n++) {
            for (uint64_t e = 0; e <= EPOCHS; e++) {
                bool more = x.seq[n][e] > y.seq[n][e];
                larger.seq[n][e] = more ? x.seq[n][e] : y.seq[n][e];
                smaller.seq[n][e] = more ? y.seq[n][e] : x.seq[n][e];
            }
        }
        holm_vector_init(&both, &f.allocator);
        assert_int_equal(holm_vector_assign(&both, holm_vector_view(&a)), HOLM_OK);
        assert_int_equal(holm_vector_join(&both, holm_vector_view(&b)), HOLM_OK);
        assert_table(&both, &larger);
        assert_int_equal(holm_vector_assign(&both, holm_vector_view(&a)), HOLM_OK);
        assert_int_equal(holm_vector_meet(&both, holm_vector_view(&b)), HOLM_OK);
        assert_table(&both, &smaller);
        holm_vector_release(&a);
        holm_vector_release(&b);
        holm_vector_release(&both);
    }
    assert_int_equal(f.heap.blocks, 0);
}

/* T20: folding changes neither what is covered nor the sum, whoever folds first. */
static void test_vector_when_epochs_are_folded_then_it_covers_the_same_and_has_the_same_hash(
    void **state)
{
    (void)state;
    struct fixture f;
    open(&f);
    struct holm_dot ends[] = {dot_of(1, 1, 5), dot_of(1, 3, 2), dot_of(2, 1, 9)};
    struct holm_dot plain[] = {dot_of(1, 1, 5), dot_of(1, 3, 2), dot_of(1, 4, 7), dot_of(2, 1, 9),
                               dot_of(2, 2, 1)};
    struct holm_dot folded[] = {dot_of(1, 3, HOLM_SEQ_FOLDED), dot_of(1, 4, 7),
                                dot_of(2, 1, HOLM_SEQ_FOLDED), dot_of(2, 2, 1)};
    struct holm_vector_view lasts = {ends, 3};
    struct holm_vector_view none = {NULL, 0};
    struct holm_vector_view a = {plain, 5};
    struct holm_vector_view b = {folded, 4};
    assert_true(holm_vector_covers(a, b, lasts));
    assert_true(holm_vector_covers(b, a, lasts));
    assert_true(holm_vector_hash(a, lasts, 3) == holm_vector_hash(b, lasts, 3));
    assert_true(holm_vector_hash(a, none, 3) == holm_vector_hash(a, lasts, 3));
    assert_false(holm_vector_covers(a, b, none));
    plain[1].seq = 1;
    assert_false(holm_vector_covers(a, b, lasts));
    assert_true(holm_vector_covers(b, a, lasts));
    plain[1].seq = 3; /* a restored backup has more than was ever replicated */
    assert_false(holm_vector_covers(b, a, lasts));
    assert_true(holm_vector_covers(a, b, lasts));
    plain[1].seq = 2;
    plain[0].seq = 4;
    assert_false(holm_vector_covers(a, b, lasts));
}

/* An epoch that is folded, and of whose end nothing has been told, may be missing altogether. */
static void test_vector_when_the_ends_are_not_known_that_far_then_it_does_not_cover(void **state)
{
    (void)state;
    struct holm_dot ends[] = {dot_of(1, 1, 5)};
    struct holm_dot plain[] = {dot_of(1, 1, 5), dot_of(1, 2, 2)};
    struct holm_dot folded[] = {dot_of(1, 2, HOLM_SEQ_FOLDED)};
    struct holm_vector_view lasts = {ends, 1};
    assert_false(holm_vector_covers((struct holm_vector_view){plain, 2},
                                    (struct holm_vector_view){folded, 1}, lasts));
}

static void test_vector_when_bytes_from_outside_are_none_then_it_is_not_valid(void **state)
{
    (void)state;
    struct holm_dot zero[] = {dot_of(1, 1, 0)};
    struct holm_dot twice[] = {dot_of(1, 1, 1), dot_of(1, 1, 2)};
    struct holm_dot late[] = {dot_of(1, 1, 1), dot_of(1, 2, HOLM_SEQ_FOLDED)};
    struct holm_dot fine[] = {dot_of(1, 1, HOLM_SEQ_FOLDED), dot_of(1, 2, 1),
                              dot_of(2, 9, HOLM_SEQ_FOLDED)};
    assert_false(holm_vector_valid((struct holm_vector_view){zero, 1}));
    assert_false(holm_vector_valid((struct holm_vector_view){twice, 2}));
    assert_false(holm_vector_valid((struct holm_vector_view){late, 2}));
    assert_true(holm_vector_valid((struct holm_vector_view){fine, 3}));
    assert_true(holm_vector_valid((struct holm_vector_view){NULL, 0}));
}

static void test_vector_when_memory_is_refused_then_it_is_as_it_was(void **state)
{
    (void)state;
    struct fixture f;
    open(&f);
    struct holm_vector a, b;
    struct table x, y;
    draw(&f, &a, &x);
    draw(&f, &b, &y);
    heap_refuse(&f.heap);
    assert_int_equal(holm_vector_join(&a, holm_vector_view(&b)), HOLM_ENOMEM);
    heap_refuse(&f.heap);
    assert_int_equal(holm_vector_meet(&a, holm_vector_view(&b)), HOLM_ENOMEM);
    heap_refuse(&f.heap);
    assert_int_equal(holm_vector_raise(&a, actor_of(0, 9), HOLM_SEQ_FOLDED), HOLM_ENOMEM);
    assert_table(&a, &x);
    enum holm_status status = HOLM_OK;
    for (uint64_t node = 100; status == HOLM_OK && node < 200; node++) {
        size_t count = a.count;
        heap_refuse(&f.heap);
        status = holm_vector_raise(&a, actor_of(node, 9), 1);
        assert_int_equal(a.count, status == HOLM_OK ? count + 1 : count);
    }
    assert_int_equal(status, HOLM_ENOMEM);
    assert_table(&a, &x);
    holm_vector_release(&a);
    holm_vector_release(&b);
    assert_int_equal(f.heap.blocks, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vector_when_joined_or_met_then_it_says_what_either_or_both_say),
        cmocka_unit_test(
            test_vector_when_epochs_are_folded_then_it_covers_the_same_and_has_the_same_hash),
        cmocka_unit_test(test_vector_when_the_ends_are_not_known_that_far_then_it_does_not_cover),
        cmocka_unit_test(test_vector_when_bytes_from_outside_are_none_then_it_is_not_valid),
        cmocka_unit_test(test_vector_when_memory_is_refused_then_it_is_as_it_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

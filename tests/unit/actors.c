/* SPDX-License-Identifier: Apache-2.0 */
#include "crdt/actors.h"

#include "tests/unit/core.h"

struct fixture {
    struct heap heap;
    struct holm_allocator allocator;
    struct holm_actors actors;
};

static void open(struct fixture *fixture, size_t count_max)
{
    memset(fixture, 0, sizeof *fixture);
    fixture->allocator = heap_allocator(&fixture->heap);
    holm_actors_init(&fixture->actors, &fixture->allocator, 42, count_max);
}

static void close(struct fixture *fixture)
{
    holm_actors_check(&fixture->actors);
    holm_actors_release(&fixture->actors);
    assert_int_equal(fixture->heap.blocks, 0);
}

static uint32_t intern(struct fixture *fixture, uint64_t node, uint64_t epoch)
{
    uint32_t index = HOLM_ACTOR_NONE;
    assert_int_equal(holm_actors_intern(&fixture->actors, actor_of(node, epoch), &index), HOLM_OK);
    return index;
}

static void test_actors_when_interned_in_any_order_then_indices_stay_and_copies_are_sorted(
    void **state)
{
    struct fixture f;
    struct holm_dot entries[400];
    open(&f, 1000);
    for (uint64_t i = 0; i < 400; i++) {
        uint32_t index = intern(&f, i * 7919 % 101, i * 31 % 4 + 1);
        assert_true(index <= i);
        holm_actors_raise(&f.actors, index, f.actors.rows[index].seq + i + 1);
        holm_actors_check(&f.actors);
    }
    assert_int_equal(f.actors.count, 400);
    for (uint64_t i = 0; i < 400; i++) {
        struct holm_actor actor = actor_of(i * 7919 % 101, i * 31 % 4 + 1);
        assert_int_equal(holm_actors_find(&f.actors, actor), i);
        assert_int_equal(intern(&f, actor.node.value, actor.epoch.value), i);
        assert_int_equal(holm_actors_seq(&f.actors, (uint32_t)i), i + 1);
    }
    assert_int_equal(holm_actors_find(&f.actors, actor_of(5, 9)), HOLM_ACTOR_NONE);
    assert_int_equal(holm_actors_copy(&f.actors, false, HOLM_ACTOR_NONE, entries, 400), 400);
    struct holm_vector_view view = {entries, 400};
    assert_true(holm_vector_view_valid(view));
    assert_true(holm_actors_cover(&f.actors, view));
    for (uint32_t i = 0; i < 400; i++)
        assert_int_equal(holm_vector_view_seq(view, f.actors.rows[i].actor), i + 1);
    close(&f);
}

static void test_actors_when_nothing_was_applied_of_one_then_it_is_no_entry(void **state)
{
    struct fixture f;
    struct holm_dot entries[2];
    open(&f, 10);
    (void)intern(&f, 1, 1);
    uint32_t index = intern(&f, 2, 1);
    assert_int_equal(f.actors.entries, 0);
    assert_int_equal(f.actors.hash, 0);
    holm_actors_raise(&f.actors, index, 0);
    assert_int_equal(f.actors.entries, 0);
    holm_actors_raise(&f.actors, index, 3);
    holm_actors_raise(&f.actors, index, 5);
    assert_int_equal(f.actors.entries, 1);
    assert_int_equal(holm_actors_copy(&f.actors, false, HOLM_ACTOR_NONE, entries, 2), 1);
    assert_int_equal(entries[0].seq, 5);
    assert_int_equal(entries[0].actor.node.value, 2);
    close(&f);
}

/* Equal vectors have equal hashes, whatever the order in which they came to be. */
static void test_actors_when_vectors_are_equal_then_their_hashes_are(void **state)
{
    struct fixture one;
    struct fixture two;
    open(&one, 10);
    open(&two, 10);
    for (uint64_t i = 1; i <= 5; i++)
        holm_actors_raise(&one.actors, intern(&one, i, 1), i * 10);
    for (uint64_t i = 5; i >= 1; i--) {
        holm_actors_raise(&two.actors, intern(&two, i, 1), i);
        assert_int_not_equal(one.actors.hash, two.actors.hash);
    }
    (void)intern(&two, 9, 9);
    for (uint64_t i = 1; i <= 5; i++)
        holm_actors_raise(&two.actors, intern(&two, i, 1), i * 10);
    assert_int_equal(one.actors.hash, two.actors.hash);
    close(&one);
    close(&two);
}

static void test_actors_when_told_then_only_later_changes_are_marked(void **state)
{
    struct fixture f;
    struct holm_dot entries[4];
    open(&f, 10);
    uint32_t own = intern(&f, 1, 1);
    uint32_t other = intern(&f, 2, 1);
    uint32_t third = intern(&f, 3, 1);
    holm_actors_raise(&f.actors, own, 1);
    holm_actors_raise(&f.actors, other, 2);
    holm_actors_raise(&f.actors, third, 3);
    assert_int_equal(holm_actors_copy(&f.actors, true, own, entries, 4), 2);
    holm_actors_told(&f.actors);
    assert_int_equal(holm_actors_copy(&f.actors, true, own, entries, 4), 0);
    holm_actors_raise(&f.actors, own, 7);
    holm_actors_raise(&f.actors, third, 3);
    holm_actors_raise(&f.actors, other, 4);
    assert_int_equal(holm_actors_copy(&f.actors, true, own, entries, 4), 1);
    assert_int_equal(entries[0].actor.node.value, 2);
    assert_int_equal(entries[0].seq, 4);
    assert_int_equal(holm_actors_copy(&f.actors, true, HOLM_ACTOR_NONE, entries, 4), 2);
    close(&f);
}

static void test_actors_when_there_is_too_little_room_then_the_copy_says_how_much(void **state)
{
    struct fixture f;
    struct holm_dot entries[3] = {{.seq = 77}, {.seq = 77}, {.seq = 77}};
    open(&f, 10);
    for (uint64_t i = 1; i <= 5; i++)
        holm_actors_raise(&f.actors, intern(&f, i, 1), i);
    assert_int_equal(holm_actors_copy(&f.actors, false, HOLM_ACTOR_NONE, NULL, 0), 5);
    assert_int_equal(holm_actors_copy(&f.actors, false, HOLM_ACTOR_NONE, entries, 2), 5);
    assert_int_equal(entries[1].seq, 2);
    assert_int_equal(entries[2].seq, 77);
    close(&f);
}

static void test_actors_when_there_are_as_many_as_allowed_then_another_is_refused(void **state)
{
    struct fixture f;
    uint32_t index;
    open(&f, 3);
    for (uint64_t i = 1; i <= 3; i++)
        (void)intern(&f, i, 1);
    assert_int_equal(holm_actors_intern(&f.actors, actor_of(4, 1), &index), HOLM_ELIMIT);
    assert_int_equal(f.actors.count, 3);
    assert_int_equal(intern(&f, 2, 1), 1);
    close(&f);
}

static void test_actors_when_memory_is_refused_then_all_is_as_it_was(void **state)
{
    for (uint64_t fail_at = 1; fail_at <= 2; fail_at++) {
        for (uint64_t before = 0; before <= 8; before += 8) {
            struct fixture f;
            uint32_t index;
            open(&f, 100);
            for (uint64_t i = 1; i <= before; i++)
                holm_actors_raise(&f.actors, intern(&f, i, 1), i);
            uint64_t hash = f.actors.hash;
            f.heap.calls = 0;
            f.heap.fail_at = fail_at;
            assert_int_equal(holm_actors_intern(&f.actors, actor_of(50, 1), &index), HOLM_ENOMEM);
            f.heap.fail_at = 0;
            assert_int_equal(f.actors.count, before);
            assert_int_equal(f.actors.hash, hash);
            holm_actors_check(&f.actors);
            assert_int_equal(intern(&f, 50, 1), before);
            close(&f);
        }
    }
}

static void test_actors_when_a_view_has_more_then_it_is_not_covered(void **state)
{
    struct fixture f;
    struct holm_dot entries[2] = {dot_of(1, 1, 5), dot_of(2, 1, 1)};
    struct holm_vector_view view = {entries, 2};
    open(&f, 10);
    assert_true(holm_actors_cover(&f.actors, (struct holm_vector_view){NULL, 0}));
    holm_actors_raise(&f.actors, intern(&f, 1, 1), 5);
    assert_false(holm_actors_cover(&f.actors, view));
    holm_actors_raise(&f.actors, intern(&f, 2, 1), 1);
    assert_true(holm_actors_cover(&f.actors, view));
    entries[0].seq = 6;
    assert_false(holm_actors_cover(&f.actors, view));
    close(&f);
}

static void test_actors_when_a_view_is_unsorted_repeated_or_zero_then_it_is_invalid(void **state)
{
    struct holm_dot sorted[] = {dot_of(1, 1, 5), dot_of(1, 2, 1), dot_of(2, 1, 9)};
    struct holm_dot unsorted[] = {dot_of(1, 2, 5), dot_of(1, 1, 1)};
    struct holm_dot repeated[] = {dot_of(1, 1, 5), dot_of(1, 1, 6)};
    struct holm_dot zero[] = {dot_of(1, 1, 0)};
    assert_true(holm_vector_view_valid((struct holm_vector_view){NULL, 0}));
    assert_true(holm_vector_view_valid((struct holm_vector_view){sorted, 3}));
    assert_false(holm_vector_view_valid((struct holm_vector_view){unsorted, 2}));
    assert_false(holm_vector_view_valid((struct holm_vector_view){repeated, 2}));
    assert_false(holm_vector_view_valid((struct holm_vector_view){zero, 1}));
    assert_int_equal(holm_vector_view_seq((struct holm_vector_view){sorted, 3}, actor_of(2, 1)), 9);
    assert_int_equal(holm_vector_view_seq((struct holm_vector_view){sorted, 3}, actor_of(2, 2)), 0);
    assert_int_equal(holm_vector_view_seq((struct holm_vector_view){NULL, 0}, actor_of(2, 2)), 0);
}

/* ---- folds */

/* A.e1:5 A.e3:2 B.e1:9, and what is folded of A is of index 3. */
static void open_three(struct fixture *f)
{
    open(f, 10);
    holm_actors_raise(&f->actors, intern(f, 1, 1), 5);
    holm_actors_raise(&f->actors, intern(f, 1, 3), 2);
    holm_actors_raise(&f->actors, intern(f, 2, 1), 9);
    assert_int_equal(intern(f, 1, 0), 3);
}

static void fold_at(struct fixture *f, uint64_t epoch)
{
    struct holm_actor upto = actor_of(1, epoch);
    holm_actors_fold(&f->actors, upto, holm_actors_sum(&f->actors, upto));
    holm_actors_check(&f->actors);
}

static struct holm_vector_view copy(const struct fixture *f, bool only_changed,
                                    struct holm_dot entries[static 8])
{
    size_t count = holm_actors_copy(&f->actors, only_changed, HOLM_ACTOR_NONE, entries, 8);
    assert_in_range(count, 0, 8);
    struct holm_vector_view view = {entries, count};
    assert_true(holm_vector_view_valid(view));
    return view;
}

/* T20: the hash stays, and all of what is folded is covered, seq by seq or as the fold. */
static void test_actors_when_epochs_are_folded_then_they_are_two_entries_and_one_hash(void **state)
{
    struct fixture f;
    struct holm_dot plain[8];
    struct holm_dot entries[8];
    open_three(&f);
    struct holm_vector_view before = copy(&f, false, plain);
    uint64_t hash = f.actors.hash;
    for (uint64_t epoch = 1; epoch <= 3; epoch += 2) {
        fold_at(&f, epoch);
        assert_true(f.actors.hash == hash);
        assert_int_equal(holm_actors_floor(&f.actors, (struct holm_node_id){1}), epoch);
        assert_true(holm_actors_cover(&f.actors, before));
        assert_true(holm_actors_cover(&f.actors, copy(&f, false, entries)));
    }
    struct holm_vector_view view = copy(&f, false, entries);
    assert_int_equal(view.count, 3);
    assert_int_equal(f.actors.entries, 3);
    assert_int_equal(holm_actors_floor(&f.actors, (struct holm_node_id){2}), 0);
    assert_true(holm_actors_seq_of(&f.actors, actor_of(1, 2)) == HOLM_SEQ_FOLDED);
    assert_int_equal(holm_actors_seq_of(&f.actors, actor_of(1, 4)), 0);
    assert_int_equal(holm_actors_seq_of(&f.actors, actor_of(2, 1)), 9);
    assert_true(holm_vector_view_seq(view, actor_of(1, 2)) == HOLM_SEQ_FOLDED);
    assert_int_equal(holm_vector_view_seq(view, actor_of(1, 4)), 0);
    assert_int_equal(holm_vector_view_seq(view, actor_of(2, 1)), 9);
    assert_int_equal(holm_vector_view_seq(view, actor_of(2, 0)), 0);
    close(&f);
}

/* Who has not folded tells by the sum whether it has all of it; who lacks an operation has not. */
static void test_actors_when_a_fold_is_told_then_only_who_has_all_of_it_covers_it(void **state)
{
    struct fixture one;
    struct fixture two;
    struct holm_dot entries[8];
    open_three(&one);
    open_three(&two);
    fold_at(&one, 3);
    struct holm_vector_view told = copy(&one, false, entries);
    assert_true(holm_actors_cover(&two.actors, told));
    fold_at(&two, 1);
    assert_true(holm_actors_cover(&two.actors, told));
    holm_actors_raise(&one.actors, intern(&one, 1, 4), 1);
    fold_at(&one, 4);
    told = copy(&one, false, entries);
    assert_false(holm_actors_cover(&two.actors, told));
    holm_actors_raise(&two.actors, intern(&two, 1, 4), 1);
    assert_true(holm_actors_cover(&two.actors, told));
    assert_true(one.actors.hash == two.actors.hash);
    close(&one);
    close(&two);
}

static void test_actors_when_a_fold_brings_more_then_it_is_marked_as_a_change(void **state)
{
    struct fixture f;
    struct holm_dot entries[8];
    open_three(&f);
    holm_actors_told(&f.actors);
    fold_at(&f, 1);
    assert_int_equal(copy(&f, true, entries).count, 0);
    holm_actors_fold(&f.actors, actor_of(1, 3), 12345);
    holm_actors_check(&f.actors);
    struct holm_vector_view told = copy(&f, true, entries);
    assert_int_equal(told.count, 2);
    assert_int_equal(told.entries[0].seq, 12345);
    holm_actors_told(&f.actors);
    holm_actors_raise(&f.actors, intern(&f, 1, 5), 1);
    fold_at(&f, 5); /* what was not told of an epoch is told with the fold */
    assert_int_equal(copy(&f, true, entries).count, 2);
    close(&f);
}

static void test_actors_when_a_folded_row_is_dropped_then_its_index_is_used_again(void **state)
{
    struct fixture f;
    open_three(&f);
    fold_at(&f, 3);
    uint64_t hash = f.actors.hash;
    assert_int_equal(f.actors.named, 2);
    holm_actors_drop(&f.actors, 0);
    holm_actors_check(&f.actors);
    holm_actors_drop(&f.actors, 1);
    holm_actors_check(&f.actors);
    assert_true(f.actors.hash == hash);
    assert_int_equal(f.actors.known, 2);
    assert_int_equal(f.actors.count, 4);
    assert_int_equal(holm_actors_find(&f.actors, actor_of(1, 1)), HOLM_ACTOR_NONE);
    assert_true(holm_actors_seq_of(&f.actors, actor_of(1, 1)) == HOLM_SEQ_FOLDED);
    assert_int_equal(intern(&f, 7, 1), 0);
    assert_int_equal(holm_actors_seq(&f.actors, 0), 0);
    assert_int_equal(intern(&f, 1, 2), 1); /* of a folded epoch: as a name */
    assert_true(holm_actors_seq(&f.actors, 1) == HOLM_SEQ_FOLDED);
    holm_actors_check(&f.actors);
    close(&f);
}

/* What a burst of epochs took is given back, although the last one is in use. */
static void test_actors_when_most_rows_are_vacant_then_their_memory_is_freed(void **state)
{
    struct fixture f;
    uint32_t indices[501];
    open(&f, 1000);
    (void)intern(&f, 1, 0);
    for (uint64_t epoch = 1; epoch <= 500; epoch++)
        holm_actors_raise(&f.actors, intern(&f, 1, epoch), epoch);
    fold_at(&f, 500);
    uint64_t bytes = f.heap.bytes;
    for (uint32_t index = 1; index < 500; index++)
        holm_actors_drop(&f.actors, index);
    assert_true(holm_actors_sparse(&f.actors));
    f.heap.fail_at = f.heap.calls + 1;
    holm_actors_compact(&f.actors, indices);
    f.heap.fail_at = 0;
    holm_actors_check(&f.actors);
    assert_int_equal(indices[0], 0);
    assert_int_equal(indices[500], 1);
    holm_actors_compact(&f.actors, indices);
    assert_int_equal(f.actors.count, 2);
    assert_true(f.heap.bytes < bytes / 20);
    assert_false(holm_actors_sparse(&f.actors));
    assert_int_equal(holm_actors_find(&f.actors, actor_of(1, 500)), 1);
    assert_int_equal(intern(&f, 2, 1), 2);
    close(&f);
}

static void test_actors_when_a_view_has_half_a_fold_then_it_is_invalid(void **state)
{
    const struct {
        struct holm_dot entries[3];
        size_t count;
        bool valid;
    } rows[] = {
        {{dot_of(1, 0, 7), dot_of(1, 3, HOLM_SEQ_FOLDED), dot_of(1, 4, 1)}, 3, true},
        {{dot_of(1, 1, 7), dot_of(1, 3, HOLM_SEQ_FOLDED)}, 2, false},
        {{dot_of(1, 3, HOLM_SEQ_FOLDED), dot_of(1, 4, 1)}, 2, false},
        {{dot_of(1, 0, 7), dot_of(1, 3, 7)}, 2, false},
        {{dot_of(1, 0, 7), dot_of(2, 3, HOLM_SEQ_FOLDED)}, 2, false},
        {{dot_of(1, 0, 7), dot_of(2, 3, 7)}, 2, false},
        {{dot_of(1, 4, 7), dot_of(2, 0, 7)}, 2, false},
        {{dot_of(1, 0, HOLM_SEQ_FOLDED), dot_of(1, 3, HOLM_SEQ_FOLDED)}, 2, false},
        {{dot_of(1, 0, 7), dot_of(1, 3, HOLM_SEQ_FOLDED), dot_of(1, 4, HOLM_SEQ_FOLDED)}, 3, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_int_equal(
            holm_vector_view_valid((struct holm_vector_view){rows[i].entries, rows[i].count}),
            rows[i].valid);
}

static void test_actors_when_one_of_nothing_is_renamed_then_its_row_is_the_others(void **state)
{
    struct fixture f;
    open(&f, 4);
    for (uint64_t epoch = 10; epoch <= 40; epoch += 10)
        assert_int_equal(intern(&f, 5, epoch), epoch / 10 - 1);
    holm_actors_raise(&f.actors, 0, 7);
    assert_false(holm_actors_rename(&f.actors, 0, actor_of(5, 50))); /* R has something of it */
    assert_false(holm_actors_rename(&f.actors, 1, actor_of(5, 30))); /* it has a row */
    assert_int_equal(holm_actors_find(&f.actors, actor_of(5, 20)), 1);
    assert_true(holm_actors_rename(&f.actors, 1, actor_of(5, 50))); /* up, */
    holm_actors_check(&f.actors);
    assert_true(holm_actors_rename(&f.actors, 3, actor_of(5, 5))); /* down, */
    holm_actors_check(&f.actors);
    assert_true(holm_actors_rename(&f.actors, 2, actor_of(5, 31))); /* and in its place */
    holm_actors_check(&f.actors);
    assert_int_equal(holm_actors_find(&f.actors, actor_of(5, 20)), HOLM_ACTOR_NONE);
    assert_int_equal(holm_actors_find(&f.actors, actor_of(5, 50)), 1);
    assert_int_equal(holm_actors_find(&f.actors, actor_of(5, 5)), 3);
    assert_int_equal(holm_actors_find(&f.actors, actor_of(5, 31)), 2);
    assert_int_equal(f.actors.known, 4);
    close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            test_actors_when_interned_in_any_order_then_indices_stay_and_copies_are_sorted),
        cmocka_unit_test(test_actors_when_nothing_was_applied_of_one_then_it_is_no_entry),
        cmocka_unit_test(test_actors_when_vectors_are_equal_then_their_hashes_are),
        cmocka_unit_test(test_actors_when_told_then_only_later_changes_are_marked),
        cmocka_unit_test(test_actors_when_there_is_too_little_room_then_the_copy_says_how_much),
        cmocka_unit_test(test_actors_when_there_are_as_many_as_allowed_then_another_is_refused),
        cmocka_unit_test(test_actors_when_memory_is_refused_then_all_is_as_it_was),
        cmocka_unit_test(test_actors_when_a_view_has_more_then_it_is_not_covered),
        cmocka_unit_test(test_actors_when_a_view_is_unsorted_repeated_or_zero_then_it_is_invalid),
        cmocka_unit_test(test_actors_when_epochs_are_folded_then_they_are_two_entries_and_one_hash),
        cmocka_unit_test(test_actors_when_a_fold_is_told_then_only_who_has_all_of_it_covers_it),
        cmocka_unit_test(test_actors_when_a_fold_brings_more_then_it_is_marked_as_a_change),
        cmocka_unit_test(test_actors_when_a_folded_row_is_dropped_then_its_index_is_used_again),
        cmocka_unit_test(test_actors_when_most_rows_are_vacant_then_their_memory_is_freed),
        cmocka_unit_test(test_actors_when_a_view_has_half_a_fold_then_it_is_invalid),
        cmocka_unit_test(test_actors_when_one_of_nothing_is_renamed_then_its_row_is_the_others),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Folded epochs in a replica. Everything happens twice: in one world epochs are folded whenever that may
 * be, in the other never; both must read the same at all times.
 */
#include "tests/unit/worlds.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static size_t entries_of(const struct holm_replica *replica)
{
    struct holm_replica_stats stats;
    holm_replica_stats(replica, &stats);
    return (size_t)stats.cells;
}

static struct holm_op add_op(int64_t amount)
{
    return holm_op_add(holm_str("k"), holm_str("n"), amount);
}

static struct holm_op reset_op(void)
{
    return holm_op_reset(holm_str("k"), holm_str("n"));
}

/* Node 0 counts in three epochs, and the fourth begins. */
static void count_in_epochs(struct worlds *f)
{
    for (int64_t i = 1; i <= 3; i++) {
        worlds_write(f, 0, add_op(i));
        worlds_next_epoch(f, 0);
    }
    worlds_write(f, 1, add_op(100));
    worlds_give_all(f);
}

/* T20: one entry a node; values, hash and digests stay. */
static void test_replica_fold_when_epochs_have_ended_then_their_entries_are_one(void **state)
{
    static struct worlds f;
    struct holm_vector vector;
    worlds_open(&f, 3);
    count_in_epochs(&f);
    assert_int_equal(entries_of(f.replicas[FOLDING][2]), 4);
    assert_int_equal(worlds_fold_all(&f), 3);
    for (size_t i = 0; i < 3; i++) {
        worlds_assert_agree(&f, i);
        assert_int_equal(entries_of(f.replicas[FOLDING][i]), 2);
        assert_int_equal(worlds_sum_of(f.replicas[FOLDING][i], "k"), 106);
        assert_int_equal(holm_replica_collected(f.replicas[FOLDING][i]).count, 1);
    }
    worlds_assert_equal(&f, FOLDING);
    holm_vector_init(&vector, &f.allocator);
    assert_int_equal(holm_replica_report(f.replicas[FOLDING][0], &vector), HOLM_OK);
    assert_int_equal(vector.count, 2);
    assert_true(holm_vector_seq(holm_vector_view(&vector), actor_of(1, 3)) == HOLM_SEQ_FOLDED);
    assert_true(holm_vector_seq(holm_vector_view(&vector), actor_of(2, 1)) == 1);
    holm_vector_release(&vector);
    worlds_close(&f);
}

/* T20: whoever folds first, resets are exact: by one who has folded, and by one who has not. */
static void test_replica_fold_when_what_is_folded_is_reset_then_nothing_of_it_is_left(void **state)
{
    for (size_t writer = 0; writer < 2; writer++) {
        static struct worlds f;
        worlds_open(&f, 3);
        count_in_epochs(&f);
        for (size_t i = 0; i < 3; i++)
            worlds_report(&f, i);
        assert_int_equal(worlds_fold(&f, 0), 1);
        worlds_write(&f, writer, reset_op());
        worlds_write(&f, 2, add_op(7)); /* beside the reset */
        worlds_give_all(&f);
        for (size_t i = 0; i < 3; i++) {
            assert_int_equal(worlds_sum_of(f.replicas[FOLDING][i], "k"), 7);
            worlds_assert_agree(&f, i);
        }
        (void)worlds_fold_all(&f);
        worlds_assert_equal(&f, FOLDING);
        worlds_close(&f);
    }
}

static struct holm_replica *make_fresh(const struct worlds *f)
{
    struct holm_replica_config config = holm_replica_config_default();
    struct holm_replica *fresh;
    config.allocator = f->allocators[FOLDING];
    config.self = actor_of(9, 1);
    config.digest_seed = 42;
    config.retention = HOLM_RETENTION_STABLE;
    assert_int_equal(holm_replica_new(&config, &fresh), HOLM_OK);
    return fresh;
}

/* An old store, from before the epochs ended that are folded since: it takes nothing back, and gets it
 * all. */
static void test_replica_fold_when_one_is_behind_then_it_catches_up(void **state)
{
    static struct worlds f;
    worlds_open(&f, 3);
    struct holm_replica *older = make_fresh(&f);
    worlds_write(&f, 0, holm_op_add(holm_str("l"), holm_str("n"), 50));
    worlds_load(&f, f.replicas[FOLDING][0], older);
    count_in_epochs(&f);
    assert_int_equal(worlds_fold_all(&f), 3);
    worlds_load(&f, older, f.replicas[FOLDING][1]);
    worlds_assert_agree(&f, 1);
    assert_int_equal(worlds_sum_of(f.replicas[FOLDING][1], "k"), 106);
    worlds_load(&f, f.replicas[FOLDING][1], older);
    holm_replica_check(older);
    assert_int_equal(worlds_sum_of(older, "k"), 106);
    assert_int_equal(entries_of(older), 3);
    assert_true(
        holm_digest_equal(holm_replica_digest(older), holm_replica_digest(f.replicas[FOLDING][1])));
    holm_replica_free(older);
    worlds_close(&f);
}

/* A cut of a replica that folded to one that did not, to one that has nothing, and back. */
static void test_replica_fold_when_cuts_are_folded_differently_then_nothing_counts_twice(
    void **state)
{
    static struct worlds f;
    worlds_open(&f, 3);
    count_in_epochs(&f);
    for (size_t i = 0; i < 3; i++)
        worlds_report(&f, i);
    assert_int_equal(worlds_fold(&f, 0), 1);
    worlds_merge(&f, 1, 0); /* from one who has not */
    worlds_merge(&f, 0, 1);
    struct holm_replica *fresh = make_fresh(&f);
    worlds_load(&f, f.replicas[FOLDING][0], fresh);
    holm_replica_check(fresh);
    assert_int_equal(worlds_sum_of(fresh, "k"), 106);
    assert_true(
        holm_digest_equal(holm_replica_digest(fresh), holm_replica_digest(f.replicas[FOLDING][1])));
    holm_replica_free(fresh);
    worlds_write(&f, 2, reset_op()); /* has not folded; the others learn of it by a cut */
    worlds_merge(&f, 2, 0);
    worlds_merge(&f, 1, 0); /* who still has it all does not bring it back */
    worlds_merge(&f, 0, 1);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(worlds_sum_of(f.replicas[FOLDING][i], "k"), 0);
        worlds_assert_agree(&f, i);
    }
    worlds_close(&f);
}

/* Changes one entry behind the digest's back: what a replica says of its state is not so any more. */
static void lose_an_entry(struct holm_replica *replica)
{
    struct holm_state *state = &replica->state;
    struct holm_key key = holm_state_key(state, holm_str("k"));
    struct holm_spot spot;
    holm_state_begin(state);
    assert_true(holm_state_find(state, &key, &spot));
    assert_int_equal(holm_spot_erase(state, &spot), HOLM_OK);
    holm_state_commit(state);
}

/* T20: who has not folded yet has the same digest; so what is wrong is found between the two, too. */
static void test_replica_fold_when_one_has_folded_then_a_breach_is_seen_by_the_other(void **state)
{
    static struct worlds f;
    worlds_open(&f, 2);
    count_in_epochs(&f);
    assert_int_equal(worlds_beacon(&f, FOLDING, 0, 1), 0);
    for (size_t i = 0; i < 2; i++)
        worlds_report(&f, i);
    assert_int_equal(worlds_fold(&f, 0), 1);
    worlds_assert_equal(&f, FOLDING);
    assert_int_equal(worlds_beacon(&f, FOLDING, 0, 1), 0);
    assert_int_equal(worlds_beacon(&f, FOLDING, 1, 0), 0);
    lose_an_entry(f.replicas[FOLDING][0]);
    assert_int_equal(worlds_beacon(&f, FOLDING, 0, 1), 1);
    assert_int_equal(worlds_beacon(&f, FOLDING, 1, 0), 1);
    worlds_load(&f, f.replicas[FOLDING][0], f.replicas[FOLDING][1]); /* which is the repair */
    worlds_load(&f, f.replicas[FOLDING][1], f.replicas[FOLDING][0]);
    worlds_assert_equal(&f, FOLDING);
    worlds_close(&f);
}

/* Whether a node may catch up with another by what differs. */
static enum holm_status try_catch_up(struct worlds *f, size_t from, size_t to)
{
    struct holm_reconcile_config config = holm_reconcile_config_default(4096);
    struct holm_offer *offer;
    struct holm_catchup *catchup;
    assert_int_equal(
        holm_catchup_open(f->replicas[FOLDING][to], &config, f->now, &f->work, &catchup), HOLM_OK);
    assert_int_equal(holm_offer_open(f->replicas[FOLDING][from], &config,
                                     holm_catchup_vector(catchup), f->now, &f->work, &offer),
                     HOLM_OK);
    struct holm_offer_cut cut = holm_offer_cut(offer);
    enum holm_status status = holm_catchup_start(catchup, &cut);
    holm_catchup_close(catchup);
    holm_offer_close(offer);
    return status;
}

static void test_replica_fold_when_there_are_folds_then_only_whole_cuts_are_taken(void **state)
{
    static struct worlds f;
    worlds_open(&f, 2);
    count_in_epochs(&f);
    assert_int_equal(try_catch_up(&f, 0, 1), HOLM_OK);
    for (size_t i = 0; i < 2; i++)
        worlds_report(&f, i);
    assert_int_equal(worlds_fold(&f, 0), 1);
    assert_int_equal(try_catch_up(&f, 0, 1), HOLM_ELIMIT);
    assert_int_equal(try_catch_up(&f, 1, 0), HOLM_ELIMIT);
    worlds_close(&f);
}

/* A sum that would leave 64 bits stays by itself, on all replicas the same. */
static void test_replica_fold_when_a_sum_is_too_large_then_its_entry_stays(void **state)
{
    static struct worlds f;
    worlds_open(&f, 2);
    const int64_t amounts[] = {INT64_MAX, 5, -7};
    for (size_t i = 0; i < 3; i++) {
        worlds_write(&f, 0, add_op(amounts[i]));
        worlds_next_epoch(&f, 0);
        worlds_give_all(&f);
        for (size_t node = 0; node < 2; node++)
            worlds_report(&f, node);
        (void)worlds_fold(&f, 1); /* one by one; the other all at once */
    }
    assert_int_equal(worlds_fold_all(&f), 2);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(entries_of(f.replicas[FOLDING][i]), 2);
        worlds_assert_agree(&f, i);
    }
    worlds_assert_equal(&f, FOLDING);
    worlds_write(&f, 1, reset_op());
    worlds_give_all(&f);
    assert_int_equal(worlds_sum_of(f.replicas[FOLDING][0], "k"), 0);
    assert_int_equal(entries_of(f.replicas[FOLDING][0]), 0);
    worlds_assert_agree(&f, 0);
    worlds_close(&f);
}

static void test_replica_fold_when_it_cannot_be_then_it_is_refused(void **state)
{
    static struct worlds f;
    worlds_open(&f, 2);
    count_in_epochs(&f);
    const struct holm_dot wrong[] = {dot_of(2, 1, HOLM_SEQ_FOLDED), dot_of(1, 7, HOLM_SEQ_FOLDED),
                                     dot_of(1, 0, HOLM_SEQ_FOLDED), dot_of(3, 1, HOLM_SEQ_FOLDED)};
    for (size_t i = 0; i < COUNT(wrong); i++)
        assert_int_equal(holm_replica_collect(f.replicas[FOLDING][1],
                                              (struct holm_vector_view){&wrong[i], 1}, f.now,
                                              &f.work),
                         HOLM_EINVAL);
    assert_int_equal(holm_replica_collected(f.replicas[FOLDING][1]).count, 0);
    worlds_close(&f);
}

static void test_replica_fold_when_any_allocation_fails_then_nothing_has_changed(void **state)
{
    static struct worlds f;
    worlds_open(&f, 2);
    count_in_epochs(&f);
    const struct holm_dot folded = dot_of(1, 3, HOLM_SEQ_FOLDED);
    enum holm_status status = HOLM_ENOMEM;
    uint64_t refused = 0;
    for (uint64_t fail_at = 1; status == HOLM_ENOMEM; fail_at++) {
        f.heaps[FOLDING].calls = 0;
        f.heaps[FOLDING].fail_at = fail_at;
        f.heaps[FOLDING].fail_once = true;
        status = holm_replica_collect(f.replicas[FOLDING][1], (struct holm_vector_view){&folded, 1},
                                      f.now, &f.work);
        f.heaps[FOLDING].fail_at = 0;
        worlds_assert_agree(&f, 1);
        assert_int_equal(entries_of(f.replicas[FOLDING][1]), status == HOLM_OK ? 2 : 4);
        refused += status == HOLM_ENOMEM ? 1 : 0;
    }
    assert_int_equal(status, HOLM_OK);
    assert_true(refused > 1);
    worlds_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_replica_fold_when_epochs_have_ended_then_their_entries_are_one),
        cmocka_unit_test(test_replica_fold_when_what_is_folded_is_reset_then_nothing_of_it_is_left),
        cmocka_unit_test(
            test_replica_fold_when_cuts_are_folded_differently_then_nothing_counts_twice),
        cmocka_unit_test(test_replica_fold_when_one_has_folded_then_a_breach_is_seen_by_the_other),
        cmocka_unit_test(test_replica_fold_when_there_are_folds_then_only_whole_cuts_are_taken),
        cmocka_unit_test(test_replica_fold_when_one_is_behind_then_it_catches_up),
        cmocka_unit_test(test_replica_fold_when_a_sum_is_too_large_then_its_entry_stays),
        cmocka_unit_test(test_replica_fold_when_it_cannot_be_then_it_is_refused),
        cmocka_unit_test(test_replica_fold_when_any_allocation_fails_then_nothing_has_changed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

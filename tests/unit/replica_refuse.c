/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a replica must not take, and how it goes on when something could not be done at once.
 */
#include "crdt/path.h"
#include "tests/unit/trio.h"

#include <stdio.h>

enum {
    A,
    B,
    C
};

static struct holm_bytes key_of(uint32_t i)
{
    static char texts[8][24];
    static size_t next;
    char *text = texts[next++ % 8];
    return holm_mem(text, (size_t)snprintf(text, sizeof texts[0], "key:%u", i));
}

/* A run of actor 1 with one item, which the caller completes. */
static struct holm_delta *make_run(struct trio *trio, uint64_t first, struct holm_fill *fill,
                                   size_t actors, size_t seen)
{
    struct holm_fill_sizes sizes = {.actors = actors, .items = 1, .seen = seen, .bytes = 16};
    struct holm_delta *delta;
    assert_int_equal(holm_delta_new(&trio->allocator, &sizes, &delta, fill), HOLM_OK);
    delta->partition = 5;
    delta->actor = actor_of(1, 1);
    delta->first = first;
    delta->last = first;
    fill->actors[0] = delta->actor;
    fill->items[0].key = holm_fill_bytes(fill, holm_str("k"));
    return delta;
}

/* T30: a mark for increments that nobody made would make every cut of this state unreadable. */
static void test_replica_when_a_run_counts_beyond_its_causes_then_it_is_refused(void **state)
{
    struct trio trio;
    struct holm_fill fill;
    struct holm_replica_config config = trio_config();
    trio_open(&trio, &config);
    trio.deaf = true;
    trio_write(&trio, B, holm_op_add(holm_str("k"), holm_str("n"), 5));
    assert_int_equal(trio_event(&trio, B, HOLM_EVENT_FLUSH), HOLM_OK);
    for (uint64_t node = 2; node <= 3; node++) {
        struct holm_delta *delta = make_run(&trio, 1, &fill, 2, 0);
        fill.actors[1] = actor_of(node, 1);
        fill.items[0].op = HOLM_ITEM_COUNT;
        fill.items[0].kind = HOLM_COUNTER;
        fill.items[0].actor = 1;
        fill.items[0].count = (struct holm_count){1, 9, 5, 9, 5};
        assert_int_equal(holm_delta_check(delta), HOLM_OK);
        assert_int_equal(trio_give_delta(&trio, B, A, delta), HOLM_EMALFORMED);
        assert_int_equal(trio_stats(&trio, B).deltas_refused, node - 1);
        holm_delta_release(delta);
        holm_replica_check(trio.replicas[B]);
    }
    assert_int_equal(trio_stats(&trio, B).deltas_applied, 0);
    trio_close(&trio);
}

/* T30: what another counted, or what an earlier run of the same actor did, is not a run's to say; a
 * merge of states and the runs would come to different sums. */
static void test_replica_when_a_run_counts_for_others_then_it_is_refused(void **state)
{
    static const struct {
        uint32_t actor;
        struct holm_count count;
        bool sound;
    } runs[] = {
        {1, {1, 1, 5, 0, 0}, false}, {1, {1, 1, 9, 0, 0}, false}, {0, {1, 1, 7, 0, 0}, false},
        {0, {1, 2, 7, 0, 0}, true},  {1, {1, 1, 5, 1, 5}, true},  {0, {1, 2, 7, 2, 7}, true},
    };
    struct trio trio;
    struct holm_fill fill;
    struct holm_replica_config config = trio_config();
    trio_open(&trio, &config);
    trio.deaf = true;
    trio_write(&trio, B, holm_op_add(holm_str("k"), holm_str("n"), 5));
    assert_int_equal(trio_event(&trio, B, HOLM_EVENT_FLUSH), HOLM_OK);
    uint64_t first = 1;
    struct holm_delta *begin = make_run(&trio, first++, &fill, 1, 0);
    fill.items[0].op = HOLM_ITEM_BURY;
    fill.items[0].seq = 1;
    fill.items[0].key = holm_fill_bytes(&fill, holm_str("other"));
    assert_int_equal(trio_give_delta(&trio, B, A, begin), HOLM_OK);
    holm_delta_release(begin);
    for (size_t i = 0; i < sizeof runs / sizeof runs[0]; i++) {
        struct holm_delta *delta = make_run(&trio, first, &fill, 2, 0);
        fill.actors[1] = actor_of(2, 1);
        fill.items[0].op = HOLM_ITEM_COUNT;
        fill.items[0].kind = HOLM_COUNTER;
        fill.items[0].actor = runs[i].actor;
        fill.items[0].count = runs[i].count;
        assert_int_equal(holm_delta_check(delta), HOLM_OK);
        assert_int_equal(trio_give_delta(&trio, B, A, delta),
                         runs[i].sound ? HOLM_OK : HOLM_EMALFORMED);
        first += runs[i].sound ? 1 : 0;
        holm_delta_release(delta);
        holm_replica_check(trio.replicas[B]);
    }
    assert_int_equal(trio_stats(&trio, B).deltas_refused, 3);
    trio_close(&trio);
}

/* T30: a dot that is replaced before it came would be gone here and alive elsewhere. */
static void test_replica_when_a_run_has_seen_the_future_then_it_is_refused(void **state)
{
    struct trio trio;
    struct holm_fill fill;
    struct holm_replica_config config = trio_config();
    trio_open(&trio, &config);
    struct holm_delta *delta = make_run(&trio, 1, &fill, 2, 1);
    fill.actors[1] = actor_of(3, 1);
    fill.seen[0] = (struct holm_seen){1, 1, 1};
    fill.items[0].op = HOLM_ITEM_DROP_SLOT;
    fill.items[0].kind = HOLM_REGISTER;
    fill.items[0].seen_count = 1;
    assert_int_equal(holm_delta_check(delta), HOLM_OK);
    assert_int_equal(trio_give_delta(&trio, B, A, delta), HOLM_EMALFORMED);
    assert_int_equal(trio_stats(&trio, B).deltas_refused, 1);
    holm_delta_release(delta);
    trio_close(&trio);
}

/* T30: a million actors that nobody is. As many are taken as are allowed, in memory that does not depend on how many
 * were tried; whoever was known before is heard as ever. */
static void test_replica_when_a_million_actors_are_made_up_then_the_limit_holds(void **state)
{
    enum {
        ALLOWED = 4096,
        TRIED = 1000000
    };
    struct trio trio;
    struct holm_fill fill;
    struct holm_replica_config config = trio_config();
    config.actors_max = ALLOWED;
    trio_open(&trio, &config);
    trio_write(&trio, A, holm_op_add(holm_str("hero"), holm_str("n"), 1));
    assert_int_equal(trio_event(&trio, A, HOLM_EVENT_FLUSH), HOLM_OK);
    (void)trio_run(&trio, 100000);
    trio.deaf = true;
    struct holm_delta *delta = make_run(&trio, 1, &fill, 1, 0);
    fill.items[0].op = HOLM_ITEM_BURY;
    fill.items[0].seq = 1;
    uint64_t taken = 0, full_bytes = 0;
    for (uint64_t i = 0; i < TRIED; i++) {
        delta->actor = fill.actors[0] = actor_of(1000 + i, 1);
        enum holm_status status = trio_give_delta(&trio, B, A, delta);
        taken += status == HOLM_OK;
        if (status != HOLM_OK)
            assert_int_equal(status, HOLM_ELIMIT);
        if (i == 2 * ALLOWED)
            full_bytes = trio.heap.bytes;
    }
    assert_in_range(taken, ALLOWED - 16, ALLOWED);
    assert_int_equal(trio_stats(&trio, B).deltas_refused, TRIED - taken);
    assert_int_equal(trio.heap.bytes, full_bytes);
    assert_true(full_bytes < (size_t)ALLOWED * 512);
    holm_delta_release(delta);
    holm_replica_check(trio.replicas[B]);
    trio.deaf = false;
    trio_write(&trio, A, holm_op_add(holm_str("hero"), holm_str("n"), 1));
    assert_int_equal(trio_event(&trio, A, HOLM_EVENT_FLUSH), HOLM_OK);
    (void)trio_run(&trio, 100000);
    int64_t sum = 0;
    assert_int_equal(holm_replica_count(trio.replicas[B], holm_str("hero"), holm_str("n"), &sum),
                     HOLM_OK);
    assert_int_equal(sum, 2);
    trio_close(&trio);
}

enum {
    WRITERS = 64 /* at most, in the tests below */
};

/* So many others wrote once at B; returns how many were taken. */
static uint64_t crowd(struct trio *trio, uint64_t count)
{
    struct holm_fill fill;
    struct holm_delta *delta = make_run(trio, 1, &fill, 1, 0);
    uint64_t taken = 0;
    fill.items[0].op = HOLM_ITEM_BURY;
    fill.items[0].seq = 1;
    for (uint64_t i = 0; i < count; i++) {
        delta->actor = fill.actors[0] = actor_of(1000 + i, 1);
        taken += trio_give_delta(trio, B, A, delta) == HOLM_OK;
    }
    holm_delta_release(delta);
    return taken;
}

/* A replica of this actor takes all that `source` has, as from its store or by a sync; and `writes` before. */
static struct holm_replica *filled(struct trio *trio, struct holm_replica *source,
                                   struct holm_actor self, bool writes)
{
    struct holm_replica_config config = trio_config();
    struct holm_op op = holm_op_put(holm_str("x"), holm_str("f"), holm_i64(1));
    struct holm_event commit = {.type = HOLM_EVENT_COMMIT, .as.commit = {&op, 1}};
    const struct holm_page *pages[16];
    const struct holm_work *work;
    struct holm_replica *replica;
    struct holm_cut *cut;
    config.actors_max = WRITERS;
    config.allocator = trio->allocator;
    config.self = self;
    assert_int_equal(holm_replica_new(&config, &replica), HOLM_OK);
    if (writes)
        assert_int_equal(holm_replica_step(replica, &commit, (struct holm_now){1, 1}, &work),
                         HOLM_OK);
    assert_int_equal(holm_cut_open(source, (struct holm_now){1, 1}, &work, &cut), HOLM_OK);
    size_t count = holm_cut_page_count(cut);
    assert_in_range(count, 1, 16);
    for (size_t i = 0; i < count; i++)
        pages[i] = holm_cut_page(cut, i);
    assert_int_equal(holm_replica_load(replica, holm_cut_vector(cut), pages, count,
                                       (struct holm_now){1, 1}, &work),
                     HOLM_OK);
    holm_cut_close(cut);
    holm_replica_check(replica);
    return replica;
}

static enum holm_status put_at(struct holm_replica *replica)
{
    struct holm_op op = holm_op_put(holm_str("y"), holm_str("f"), holm_i64(1));
    struct holm_event commit = {.type = HOLM_EVENT_COMMIT, .as.commit = {&op, 1}};
    const struct holm_work *work;
    return holm_replica_step(replica, &commit, (struct holm_now){1, 1}, &work);
}

static size_t entries_of(const struct holm_replica *replica)
{
    struct holm_replica_stats stats;
    holm_replica_stats(replica, &stats);
    return stats.vector_entries;
}

/* Full: the next life of a node opens, an emptied one syncs, also when it has written before, and so does the next life of
 * that. Who has written goes on; whom nobody could take is refused. */
static void test_replica_when_writers_are_at_the_limit_then_it_opens_and_syncs(void **state)
{
    struct trio trio;
    struct holm_replica *lives[4];
    struct holm_replica_config config = trio_config();
    config.actors_max = WRITERS;
    trio_open(&trio, &config);
    trio.deaf = true;
    trio_write(&trio, B, holm_op_put(holm_str("z"), holm_str("f"), holm_i64(1)));
    assert_int_equal(trio_event(&trio, B, HOLM_EVENT_FLUSH), HOLM_OK);
    assert_int_equal(crowd(&trio, WRITERS + 9), WRITERS - 1);
    assert_int_equal(entries_of(trio.replicas[B]), WRITERS);
    trio_write(&trio, B, holm_op_put(holm_str("z"), holm_str("f"), holm_i64(2)));
    lives[0] = filled(&trio, trio.replicas[B], actor_of(2, 2), false);
    lives[1] = filled(&trio, lives[0], actor_of(9, 1), false);
    lives[2] = filled(&trio, lives[1], actor_of(9, 2), true);
    lives[3] = filled(&trio, lives[2], actor_of(9, 3), false);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(entries_of(lives[i]), WRITERS + (i >= 2));
        assert_int_equal(put_at(lives[i]), i == 2 ? HOLM_OK : HOLM_ELIMIT);
        assert_int_equal(holm_replica_pending(lives[i]), i == 2);
        struct holm_event epoch = {.type = HOLM_EVENT_EPOCH, .as.epoch = {70}};
        const struct holm_work *work;
        assert_int_equal(holm_replica_step(lives[i], &epoch, (struct holm_now){1, 1}, &work),
                         HOLM_OK);
        holm_replica_free(lives[i]);
    }
    trio_close(&trio);
}

/* With `forever` no row ever goes: an eighth is left for those who write before they know. */
static void test_replica_when_writers_are_many_then_new_ones_are_refused_in_time(void **state)
{
    struct trio trio;
    struct holm_replica_config config = trio_config();
    config.actors_max = WRITERS;
    trio_open(&trio, &config);
    trio.deaf = true;
    assert_int_equal(crowd(&trio, WRITERS * 7 / 8 - 1), WRITERS * 7 / 8 - 1);
    struct holm_replica *early = filled(&trio, trio.replicas[B], actor_of(9, 1), false);
    assert_int_equal(put_at(early), HOLM_OK);
    assert_int_equal(put_at(early), HOLM_OK);
    struct holm_replica *late = filled(&trio, early, actor_of(8, 1), false);
    assert_int_equal(put_at(late), HOLM_ELIMIT);
    holm_replica_free(early);
    holm_replica_free(late);
    trio_close(&trio);
}

/* T33: runs end where they ended for everybody. One that does not is never applied: the state is fetched instead. */
static void test_replica_when_a_run_overlaps_then_it_is_counted_and_synced(void **state)
{
    struct trio trio;
    struct holm_fill fill;
    struct holm_replica_config config = trio_config();
    trio_open(&trio, &config);
    trio_write(&trio, A, holm_op_put(holm_str("k"), holm_str("f"), holm_i64(1)));
    assert_int_equal(trio_event(&trio, A, HOLM_EVENT_FLUSH), HOLM_OK);
    (void)trio_run(&trio, 100000);
    assert_int_equal(trio_stats(&trio, B).deltas_applied, 1);
    struct holm_delta *delta = make_run(&trio, 1, &fill, 1, 0);
    fill.items[0].op = HOLM_ITEM_BURY;
    fill.items[0].seq = 2;
    delta->last = 2;
    assert_int_equal(holm_delta_check(delta), HOLM_OK);
    assert_int_equal(trio_give_delta(&trio, B, A, delta), HOLM_OK);
    assert_int_equal(trio_stats(&trio, B).overlaps, 1);
    assert_int_equal(trio_stats(&trio, B).deltas_applied, 1);
    assert_false(holm_replica_buried(trio.replicas[B], holm_str("k")));
    (void)trio_run(&trio, 1000000);
    assert_int_equal(trio_stats(&trio, B).syncs, 1);
    assert_true(holm_replica_vector_hash(trio.replicas[A]) ==
                holm_replica_vector_hash(trio.replicas[B]));
    assert_true(holm_digest_equal(holm_replica_digest(trio.replicas[A]),
                                  holm_replica_digest(trio.replicas[B])));
    holm_delta_release(delta);
    trio_close(&trio);
}

static void test_replica_when_a_run_is_of_another_partition_then_it_is_refused(void **state)
{
    struct trio trio;
    struct holm_fill fill;
    struct holm_replica_config config = trio_config();
    trio_open(&trio, &config);
    trio.deaf = true;
    struct holm_delta *delta = make_run(&trio, 1, &fill, 1, 0);
    fill.items[0].op = HOLM_ITEM_BURY;
    fill.items[0].seq = 1;
    delta->partition += 1;
    assert_int_equal(trio_give_delta(&trio, B, A, delta), HOLM_EINVAL);
    assert_int_equal(trio_stats(&trio, B).deltas_applied, 0);
    assert_false(holm_replica_buried(trio.replicas[B], holm_str("k")));
    holm_delta_release(delta);
    trio_close(&trio);
}

/* A held run that cannot ever be applied goes, and does not keep the replica awake. */
static void test_replica_when_a_held_run_is_unsound_then_it_goes_and_others_follow(void **state)
{
    struct trio trio;
    struct holm_fill fill;
    struct holm_replica_config config = trio_config();
    trio_open(&trio, &config);
    trio.deaf = true;
    struct holm_delta *unsound = make_run(&trio, 2, &fill, 2, 1);
    fill.actors[1] = actor_of(3, 1);
    fill.seen[0] = (struct holm_seen){1, 9, 9};
    fill.items[0].op = HOLM_ITEM_DROP_SLOT;
    fill.items[0].kind = HOLM_REGISTER;
    fill.items[0].seen_count = 1;
    struct holm_delta *before = make_run(&trio, 1, &fill, 1, 0);
    fill.items[0].op = HOLM_ITEM_BURY;
    fill.items[0].seq = 1;
    struct holm_delta *after = run_of(&trio.allocator, 3, 1, 1, dot_of(1, 1, 1));
    after->partition = 5;
    assert_int_equal(trio_give_delta(&trio, B, HOLM_PEER_NONE, unsound), HOLM_OK);
    assert_int_equal(trio_give_delta(&trio, B, HOLM_PEER_NONE, after), HOLM_OK);
    assert_int_equal(trio_stats(&trio, B).held, 2);
    assert_int_equal(trio_give_delta(&trio, B, HOLM_PEER_NONE, before), HOLM_OK);
    assert_int_equal(trio_stats(&trio, B).deltas_applied, 2);
    assert_int_equal(trio_stats(&trio, B).held, 0);
    assert_int_equal(trio_stats(&trio, B).deltas_refused, 1);
    assert_int_equal(trio_run(&trio, 10000000), 0);
    holm_delta_release(unsound);
    holm_delta_release(before);
    holm_delta_release(after);
    trio_close(&trio);
}

/* Nobody sends a held run twice: what memory was short for is done at the next wake-up. */
static void test_replica_when_memory_was_short_for_a_held_run_then_it_is_applied_later(void **state)
{
    for (uint64_t fail_at = 1; fail_at < 40; fail_at++) {
        struct trio trio;
        struct holm_delta *runs[2];
        struct holm_replica_config config = trio_config();
        trio_open(&trio, &config);
        trio.deaf = true;
        for (uint32_t i = 0; i < 2; i++) {
            trio_write(&trio, A, holm_op_put(key_of(i), holm_str("f"), holm_text("value")));
            assert_int_equal(trio_event(&trio, A, HOLM_EVENT_FLUSH), HOLM_OK);
            runs[i] = trio_last_run(&trio, A);
        }
        assert_int_equal(trio_give_delta(&trio, B, HOLM_PEER_NONE, runs[1]), HOLM_OK);
        trio.heap.calls = 0;
        trio.heap.fail_at = fail_at;
        enum holm_status status = trio_give_delta(&trio, B, HOLM_PEER_NONE, runs[0]);
        trio.heap.fail_at = 0;
        holm_replica_check(trio.replicas[B]);
        if (status == HOLM_OK)
            (void)trio_run(&trio, 1000000);
        assert_int_equal(holm_replica_seq(trio.replicas[B], actor_of(1, 1)),
                         status == HOLM_OK ? 2 : 0);
        holm_delta_release(runs[0]);
        holm_delta_release(runs[1]);
        trio_close(&trio);
    }
}

/* Two replicas that hold one dot with two payloads, in beacons' company for two minutes. */
static void play_breach(struct trio *trio, const struct holm_item items[2])
{
    struct holm_fill fill;
    struct holm_replica_config config = trio_config();
    trio_open(trio, &config);
    trio->deaf = true;
    for (uint32_t i = 0; i < 2; i++) {
        struct holm_delta *delta = make_run(trio, 1, &fill, 1, 0);
        struct holm_bytes key = fill.items[0].key, path = fill.items[0].path;
        delta->actor = actor_of(9, 1);
        fill.actors[0] = delta->actor;
        fill.items[0] = items[i];
        fill.items[0].key = key;
        fill.items[0].path = path;
        assert_int_equal(trio_give_delta(trio, i, HOLM_PEER_NONE, delta), HOLM_OK);
        holm_delta_release(delta);
    }
    for (int second = 0; second < 120; second++) {
        trio_beacon(trio, A);
        trio_beacon(trio, B);
        (void)trio_run(trio, 1000000);
    }
}

static void test_replica_when_a_dot_has_two_values_then_one_sync_mends_it(void **state)
{
    struct trio trio;
    const struct holm_item items[] = {
        {.op = HOLM_ITEM_PUT, .kind = HOLM_REGISTER, .seq = 1, .value = holm_i64(0)},
        {.op = HOLM_ITEM_PUT, .kind = HOLM_REGISTER, .seq = 1, .value = holm_i64(1)}};
    play_breach(&trio, items);
    assert_in_range(trio_stats(&trio, A).digest_breaches, 1, 4);
    assert_in_range(trio_stats(&trio, A).syncs + trio_stats(&trio, B).syncs, 1, 4);
    assert_true(holm_digest_equal(holm_replica_digest(trio.replicas[A]),
                                  holm_replica_digest(trio.replicas[B])));
    trio_close(&trio);
}

/* Beacons come faster than the longest back-off: they must not put off the repair for ever. */
static void test_replica_when_beacons_tell_of_a_breach_again_then_the_repair_is_not_put_off(
    void **state)
{
    struct trio trio;
    struct holm_replica_config config = trio_config();
    config.retry_min_us = 4000000;
    trio_open(&trio, &config);
    trio.deaf = true;
    trio_write(&trio, A, holm_op_put(holm_str("k"), holm_str("f"), holm_i64(1)));
    assert_int_equal(trio_event(&trio, A, HOLM_EVENT_FLUSH), HOLM_OK);
    struct holm_delta *run = trio_last_run(&trio, A);
    assert_int_equal(trio_give_delta(&trio, B, A, run), HOLM_OK);
    holm_delta_release(run);
    struct holm_state *broken = &trio.replicas[B]->state;
    struct holm_key key = holm_state_key(broken, holm_str("k"));
    struct holm_spot spot;
    assert_true(
        holm_state_seek(broken, &key, holm_mem("\1f", 2), HOLM_REGISTER, holm_mem(NULL, 0), &spot));
    holm_state_begin(broken);
    assert_int_equal(holm_spot_erase(broken, &spot), HOLM_OK);
    holm_state_commit(broken);
    for (int tenth = 0; tenth < 200; tenth++) {
        trio_beacon(&trio, A);
        trio_beacon(&trio, B);
        (void)trio_run(&trio, 100000);
    }
    assert_true(trio_stats(&trio, A).syncs >= 1);
    assert_true(holm_digest_equal(trio.replicas[A]->state.digest, trio.replicas[B]->state.digest));
    trio_close(&trio);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_replica_when_a_run_overlaps_then_it_is_counted_and_synced),
        cmocka_unit_test(test_replica_when_a_run_is_of_another_partition_then_it_is_refused),
        cmocka_unit_test(test_replica_when_a_run_counts_beyond_its_causes_then_it_is_refused),
        cmocka_unit_test(test_replica_when_a_run_counts_for_others_then_it_is_refused),
        cmocka_unit_test(test_replica_when_a_run_has_seen_the_future_then_it_is_refused),
        cmocka_unit_test(test_replica_when_a_million_actors_are_made_up_then_the_limit_holds),
        cmocka_unit_test(test_replica_when_writers_are_at_the_limit_then_it_opens_and_syncs),
        cmocka_unit_test(test_replica_when_writers_are_many_then_new_ones_are_refused_in_time),
        cmocka_unit_test(test_replica_when_a_held_run_is_unsound_then_it_goes_and_others_follow),
        cmocka_unit_test(
            test_replica_when_memory_was_short_for_a_held_run_then_it_is_applied_later),
        cmocka_unit_test(test_replica_when_a_dot_has_two_values_then_one_sync_mends_it),
        cmocka_unit_test(
            test_replica_when_beacons_tell_of_a_breach_again_then_the_repair_is_not_put_off),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "node/engine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "crdt/partition.h"
#include "node/engine_state.h"
#include "proto/codec.h"
#include "tests/unit/engine_world.h"

static int open_world(void **state)
{
    *state = world_new(20261121);
    return 0;
}

static int close_world(void **state)
{
    world_free(*state);
    return 0;
}

static void add_many(struct world *world, uint32_t index, const char *prefix, int count)
{
    for (int i = 0; i < count; i++) {
        char key[32];
        snprintf(key, sizeof key, "%s-%d", prefix, i);
        world_add(world, index, key, i + 1);
    }
}

/* ---- convergence ---------------------------------------------------------------------------- */

static void test_engine_when_one_writes_the_other_reads_after_one_hop(void **state)
{
    struct world *world = *state;
    world_cluster(world, 2);
    world_add(world, 0, "hero", 100);
    assert_int_equal(world_sum(world, 0, "hero"), 100);
    assert_int_equal(world_sum(world, 1, "hero"), 0);
    world_run(world, 3); /* a flush interval and a hop */
    assert_int_equal(world_sum(world, 1, "hero"), 100);
    assert_int_equal(world_stats(world, 1).pulls, 0);
}

static void test_engine_when_three_write_at_once_all_converge(void **state)
{
    struct world *world = *state;
    world_cluster(world, 3);
    for (uint32_t i = 0; i < 3; i++) {
        add_many(world, i, "key", 200);
        world_add(world, i, "hero", 1 << i);
    }
    assert_true(world_converge(world, 100) <= 10);
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(world_sum(world, i, "hero"), 7);
        assert_int_equal(world_sum(world, i, "key-199"), 600);
    }
}

static void test_engine_when_all_broadcasts_are_lost_converges_over_links(void **state)
{
    struct world *world = *state;
    world_cluster(world, 3);
    world_lose(world, 1000);
    add_many(world, 0, "a", 100);
    add_many(world, 1, "b", 100);
    /* Beacons are broadcasts, too, but each peer gets every fifth of them over its link. */
    assert_true(world_converge(world, 12000) <= 11000); /* of one writer, then of the other */
}

static void test_engine_when_broadcasts_are_lost_by_chance_converges(void **state)
{
    struct world *world = *state;
    world_cluster(world, 3);
    world_lose(world, 400);
    for (int round = 0; round < 50; round++) {
        for (uint32_t i = 0; i < 3; i++)
            world_add(world, i, "hero", 1);
        world_run(world, 7);
    }
    world_converge(world, 20000);
    for (uint32_t i = 0; i < 3; i++)
        assert_int_equal(world_sum(world, i, "hero"), 150);
}

static void test_engine_when_split_and_healed_converges(void **state)
{
    struct world *world = *state;
    world_cluster(world, 3);
    world_add(world, 0, "hero", 100);
    world_converge(world, 100);
    world_split(world, 0, true);
    world_add(world, 0, "hero", -10);
    world_add(world, 1, "hero", -20);
    add_many(world, 0, "left", 500);
    add_many(world, 2, "right", 500);
    world_run(world, 10000);
    assert_int_equal(holm_engine_peers_up(world->engines[0]), 0);
    assert_int_equal(holm_engine_peers_up(world->engines[1]), 1);
    assert_int_equal(world_sum(world, 0, "hero"), 90);
    assert_int_equal(world_sum(world, 2, "hero"), 80);
    world_split(world, 0, false);
    /* The next dial begins within an interval and a half; then it is a matter of round trips. */
    assert_true(world_converge(world, 3000) <= 1600);
    for (uint32_t i = 0; i < 3; i++)
        assert_int_equal(world_sum(world, i, "hero"), 70);
}

/* T26, in part: a and c never reach each other; b stands between. */
static void test_engine_when_two_meet_only_through_a_third_they_converge(void **state)
{
    struct world *world = *state;
    world_cut(world, 0, 2, true);
    for (uint32_t i = 0; i < 3; i++)
        world_start(world, i);
    world_join(world, 0, 1);
    world_join(world, 2, 1);
    world_run(world, 3000);
    assert_int_equal(holm_engine_peers_up(world->engines[0]), 1);
    world_add(world, 0, "hero", 1);
    world_add(world, 2, "hero", 2);
    assert_true(world_converge(world, 5000) <= 3000);
    assert_int_equal(world_sum(world, 0, "hero"), 3);
    assert_int_equal(world_sum(world, 2, "hero"), 3);
}

/* Cuts made at the nodes themselves, as embedders make them. */
static void test_engine_when_faults_cut_and_heal_converges(void **state)
{
    struct world *world = *state;
    world_cluster(world, 2);
    struct holm_node_id a = {1}, b = {2};
    assert_int_equal(holm_engine_fault_drop(world->engines[0], b, HOLM_BOTH, 1001), HOLM_EINVAL);
    assert_int_equal(holm_engine_fault_drop(world->engines[0], b, (enum holm_direction)0, 1000),
                     HOLM_EINVAL);
    assert_int_equal(holm_engine_fault_drop(world->engines[0], b, HOLM_BOTH, 1000), HOLM_OK);
    assert_int_equal(holm_engine_fault_drop(world->engines[1], a, HOLM_BOTH, 1000), HOLM_OK);
    world_add(world, 0, "hero", 1);
    world_add(world, 1, "hero", 2);
    world_run(world, 5000);
    assert_int_equal(world_sum(world, 0, "hero"), 1);
    assert_int_equal(world_sum(world, 1, "hero"), 2);
    assert_int_equal(holm_engine_peers_up(world->engines[0]), 0);
    holm_engine_fault_heal(world->engines[0]);
    holm_engine_fault_heal(world->engines[1]);
    assert_true(world_converge(world, 3000) <= 600);
    assert_int_equal(world_sum(world, 0, "hero"), 3);
}

/* What one side alone refuses to send is enough to part them, and only over links. */
static void test_engine_when_one_side_sends_nothing_over_links_they_part(void **state)
{
    struct world *world = *state;
    world_cluster(world, 2);
    struct holm_node_id b = {2};
    assert_int_equal(holm_engine_fault_drop(world->engines[0], b, HOLM_OUTGOING, 1000), HOLM_OK);
    world_run(world, 8000);
    assert_int_equal(holm_engine_peers_up(world->engines[0]), 0);
    assert_int_equal(holm_engine_peers_up(world->engines[1]), 0);
    world_add(world, 0, "hero", 1);
    world_run(world, 3);
    assert_int_equal(world_sum(world, 1, "hero"), 1); /* broadcasts are cut at the receiver */
    assert_int_equal(holm_engine_fault_drop(world->engines[0], b, HOLM_OUTGOING, 0), HOLM_OK);
    world_run(world, 1000);
    assert_int_equal(holm_engine_peers_up(world->engines[1]), 1);
}

/* ---- lives ---------------------------------------------------------------------------------- */

/* T01: two increments reach b, a loses everything, comes back, and writes once more. */
static void test_engine_when_it_lives_again_reuses_no_dot(void **state)
{
    struct world *world = *state;
    world_cluster(world, 2);
    world_add(world, 0, "hero", 20);
    world_add(world, 0, "hero", 20);
    world_converge(world, 100);
    struct holm_actor former = holm_engine_self(world->engines[0]);
    world_kill(world, 0);
    world_run(world, 10);
    world_start(world, 0);
    world_add(world, 0, "hero", 5); /* before it has heard from b */
    world_converge(world, 3000);
    world_add(world, 0, "hero", 5); /* and after */
    world_converge(world, 100);
    assert_true(holm_engine_self(world->engines[0]).epoch.value > former.epoch.value);
    for (uint32_t i = 0; i < 2; i++)
        assert_int_equal(world_sum(world, i, "hero"), 50);
}

/* T04: nobody writes, and yet it is whole within two beacon intervals. */
static void test_engine_when_it_lives_again_idle_is_whole_within_two_beacons(void **state)
{
    struct world *world = *state;
    world_cluster(world, 3);
    add_many(world, 0, "key", 300);
    world_converge(world, 1000);
    world_kill(world, 2);
    world_run(world, 100);
    world_start(world, 2);
    world_join(world, 2, 0);
    assert_true(world_converge(world, 2 * WORLD_BEACON_US / 1000) <= 100);
    assert_int_equal(world_sum(world, 2, "key-299"), 300);
}

/* T41: after the loss its clock is a day behind. No write of either life is lost. */
static void test_engine_when_its_clock_was_set_back_no_write_is_lost(void **state)
{
    struct world *world = *state;
    world_cluster(world, 2);
    world_add(world, 0, "hero", 40);
    world_converge(world, 100);
    uint64_t former = holm_engine_self(world->engines[0]).epoch.value;
    world_kill(world, 0);
    world->skew_ms[0] = -86400000;
    world_start(world, 0);
    world_join(world, 0, 1);
    world_add(world, 0, "hero", 5); /* under an epoch that is smaller than the former one */
    assert_true(holm_engine_self(world->engines[0]).epoch.value < former);
    world_run(world, 1000);
    assert_true(holm_engine_self(world->engines[0]).epoch.value > former);
    world_add(world, 0, "hero", 2);
    world_converge(world, 3000);
    assert_int_equal(world_sum(world, 0, "hero"), 47);
    assert_int_equal(world_sum(world, 1, "hero"), 47);
}

/* T03: two live nodes of one id and one epoch. They say so, part, and lose nothing they write
 * after that. */
static void test_engine_when_two_share_an_id_both_leave_their_epoch(void **state)
{
    struct world *world = *state;
    world->configs[1].self.node.value = 1;
    world->configs[0].self.epoch.value = world->configs[1].self.epoch.value = 1000;
    world_start(world, 2);
    world_start(world, 0);
    world_start(world, 1);
    world_join(world, 0, 2);
    world_join(world, 1, 2);
    world_join(world, 0, 1);
    world_run(world, 5000);
    uint64_t a = holm_engine_self(world->engines[0]).epoch.value;
    uint64_t b = holm_engine_self(world->engines[1]).epoch.value;
    assert_true(a > 1000 && b > 1000 && a != b);
    assert_non_null(strstr(world->log, "duplicate node"));
    for (uint32_t p = 0; p < WORLD_PARTITIONS; p++) {
        const struct holm_replica *replica = holm_engine_lock(world->engines[0], p);
        assert_int_equal(holm_replica_self(replica).epoch.value, a);
        holm_engine_unlock(world->engines[0], p);
    }
}

static void test_engine_when_it_says_farewell_what_is_pending_is_out(void **state)
{
    struct world *world = *state;
    world_cluster(world, 2);
    world_add(world, 0, "hero", 1);
    world_run(world, 5);
    world_add(world, 0, "hero", 2); /* within the flush interval: pending */
    world_close(world, 0);
    world_run(world, 5);
    assert_int_equal(world_sum(world, 1, "hero"), 3);
    assert_int_equal(holm_engine_peers_up(world->engines[1]), 0);
}

/* ---- order ---------------------------------------------------------------------------------- */

struct strict_store {
    struct holm_store base;
    uint64_t appended[WORLD_PARTITIONS]; /* own runs, up to this seq */
    uint64_t committed[WORLD_PARTITIONS];
    uint64_t left; /* deltas that were seen leaving */
    uint32_t refuse_after;
};

static enum holm_status strict_load(struct holm_store *store, uint32_t partition,
                                    enum holm_status (*take)(void *context,
                                                             struct holm_delta *delta),
                                    void *context)
{
    (void)store;
    (void)partition;
    (void)take;
    (void)context;
    return HOLM_OK;
}

static enum holm_status strict_append(struct holm_store *store, uint32_t partition,
                                      struct holm_delta *const *deltas, size_t count)
{
    struct strict_store *strict = (struct strict_store *)(void *)store;
    if (strict->refuse_after > 0 && --strict->refuse_after == 0)
        return HOLM_EIO;
    for (size_t i = 0; i < count; i++) {
        if (deltas[i]->actor.node.value == 1)
            strict->appended[partition] = deltas[i]->last;
    }
    return HOLM_OK;
}

static void strict_close(struct holm_store *store)
{
    (void)store;
}

static const struct holm_store_ops strict_ops = {
    .load = strict_load, .append = strict_append, .close = strict_close};

static void strict_leaving(struct world *world, uint32_t from, const void *frame, size_t size)
{
    struct strict_store *strict = world->context;
    struct holm_codec_limits limits = holm_codec_limits_default(1 << 20);
    struct holm_decoded *decoded;
    assert_int_equal(
        holm_codec_decode(&world->configs[0].allocator, &limits, holm_mem(frame, size), &decoded),
        HOLM_OK);
    const struct holm_message *message = &decoded->message;
    if (from == 0 && message->type == HOLM_MESSAGE_DELTA) {
        const struct holm_delta *delta = message->as.delta;
        assert_true(delta->last <= strict->appended[delta->partition]);
        assert_true(delta->last <= strict->committed[delta->partition]);
        strict->left++;
    }
    holm_decoded_free(decoded);
}

static void strict_committed(void *context, const struct holm_receipt *receipt,
                             const struct holm_op *op, size_t count)
{
    struct strict_store *strict = context;
    assert_non_null(op);
    assert_true(count >= 1);
    assert_int_equal(receipt->first.seq, strict->committed[receipt->partition] + 1);
    strict->committed[receipt->partition] += receipt->count;
}

static void test_engine_when_a_run_leaves_it_is_stored_and_witnessed(void **state)
{
    struct world *world = *state;
    struct strict_store strict = {.base = {&strict_ops}};
    struct holm_witness witness = {.committed = strict_committed, .context = &strict};
    world->stores[0] = &strict.base;
    world->context = &strict;
    world->leaving = strict_leaving;
    world_cluster(world, 2);
    holm_engine_set_witness(world->engines[0], &witness);
    for (int i = 0; i < 20; i++) {
        add_many(world, 0, "key", 20);
        world_run(world, 1);
    }
    world_converge(world, 1000);
    assert_true(strict.left >= 20);
}

/* Looks, while it is told, at what the engine already wants sent. */
struct early_witness {
    struct world *world;
    uint64_t wakes; /* before the commit */
    uint32_t told;
};

static void early_committed(void *context, const struct holm_receipt *receipt,
                            const struct holm_op *op, size_t count)
{
    struct early_witness *early = context;
    (void)receipt;
    (void)op;
    (void)count;
    assert_false(holm_outgoing_waiting(&early->world->engines[0]->outgoing));
    assert_int_equal(world_wakes(early->world, 0), early->wakes);
    early->told++;
}

/* More than a run gathers: it is sealed and handed out by its own commit, not by the tick after it,
 * so that the driving thread could send it while the committing one still tells the witness. */
static void commit_large(struct world *world, uint32_t index)
{
    static char large[40000];
    struct holm_bytes key = holm_str("hero");
    struct holm_value value = holm_bytes_value(large, sizeof large);
    const struct holm_op ops[] = {holm_op_add(key, holm_str("n"), 1),
                                  holm_op_put(key, holm_str("one"), value),
                                  holm_op_put(key, holm_str("two"), value)};
    assert_int_equal(holm_engine_commit(world->engines[index],
                                        holm_partition_of(key, WORLD_PARTITIONS), ops, 3,
                                        world_now(world, index), NULL),
                     HOLM_OK);
}

static void test_engine_when_it_commits_its_witness_is_told_before_its_outbox(void **state)
{
    struct world *world = *state;
    struct early_witness early = {.world = world};
    struct holm_witness witness = {.committed = early_committed, .context = &early};
    world_cluster(world, 2);
    holm_engine_set_witness(world->engines[0], &witness);
    for (uint32_t i = 1; i <= 10; i++) {
        world_run(world, 50);
        assert_false(holm_outgoing_waiting(&world->engines[0]->outgoing));
        early.wakes = world_wakes(world, 0);
        commit_large(world, 0);
        assert_int_equal(early.told, i);
        assert_true(holm_outgoing_waiting(&world->engines[0]->outgoing));
        assert_int_equal(world_wakes(world, 0), early.wakes + 1);
    }
    world_run(world, 5);
    assert_int_equal(world_sum(world, 1, "hero"), 10);
    holm_engine_set_witness(world->engines[0], NULL);
}

/* What it would forget itself others have from then on. */
static void test_engine_when_its_store_fails_it_writes_no_more_and_hands_on_what_it_has(
    void **state)
{
    struct world *world = *state;
    struct strict_store strict = {.base = {&strict_ops}};
    world->stores[0] = &strict.base;
    world_cluster(world, 2);
    strict.refuse_after = 1;
    world_add(world, 0, "hero", 1); /* goes out at once, after a pause: its run is refused */
    world_run(world, 50);
    struct holm_op op = holm_op_add(holm_str("hero"), holm_str("n"), 1);
    assert_int_equal(holm_engine_commit(world->engines[0],
                                        holm_partition_of(op.key, WORLD_PARTITIONS), &op, 1,
                                        world_now(world, 0), NULL),
                     HOLM_EIO);
    world_run(world, 5000);
    assert_int_equal(world_sum(world, 1, "hero"), 1);
    assert_non_null(strstr(world->log, "1 the store has failed"));
}

struct seen_keys {
    uint32_t touched;
    char last[32];
    uint64_t origin;
};

static void observe(void *context, uint32_t partition, const struct holm_touched *touched,
                    size_t count, bool all)
{
    struct seen_keys *seen = context;
    assert_true(partition < WORLD_PARTITIONS && !all);
    for (size_t i = 0; i < count; i++) {
        seen->touched++;
        snprintf(seen->last, sizeof seen->last, "%.*s", (int)touched[i].key.size,
                 (const char *)touched[i].key.data);
        seen->origin = touched[i].origin.node.value;
    }
}

static void test_engine_when_a_key_changes_its_observer_is_told(void **state)
{
    struct world *world = *state;
    struct seen_keys seen = {0};
    struct holm_observer observer = {observe, &seen};
    world_cluster(world, 2);
    holm_engine_set_observer(world->engines[1], &observer);
    world_add(world, 0, "hero", 1);
    world_run(world, 5);
    assert_int_equal(seen.touched, 1);
    assert_string_equal(seen.last, "hero");
    assert_int_equal(seen.origin, 1);
    world_add(world, 1, "mine", 1);
    assert_int_equal(seen.touched, 2);
    assert_int_equal(seen.origin, 2);
    holm_engine_set_observer(world->engines[1], NULL);
    world_add(world, 1, "mine", 1);
    assert_int_equal(seen.touched, 2);
}

/* ---- cost ----------------------------------------------------------------------------------- */

/* A burst over all partitions wakes the driving thread once: from then on it is known to come. */
static void test_engine_when_many_commit_in_one_window_wakes_once(void **state)
{
    struct world *world = *state;
    world_cluster(world, 2);
    world_settle(world);
    uint64_t before = world_wakes(world, 0);
    add_many(world, 0, "key", 100);
    assert_int_equal(world_wakes(world, 0) - before, 1);
    world_converge(world, 100);
}

static void join_once(struct world *world, uint32_t from, const void *frame, size_t size)
{
    (void)from;
    (void)frame;
    (void)size;
    world->leaving = NULL;
    world_join(world, 0, 1);
}

/* Another thread's call while frames leave: too late to be seen by that tick, and too early to wake
 * whoever ticks. So the tick must say that it is due again. */
static void test_engine_when_joining_while_frames_leave_is_due_at_once(void **state)
{
    struct world *world = *state;
    world_start(world, 0);
    world_start(world, 1);
    world_run(world, 5000);
    world_add(world, 0, "hero", 1);
    world->leaving = join_once;
    uint64_t due_us = holm_engine_tick(world->engines[0], world_now(world, 0));
    assert_null(world->leaving);
    assert_true(due_us <= world->now.monotonic_us);
    world_run(world, 10);
    assert_int_equal(holm_engine_peers_up(world->engines[0]), 1);
}

static void test_engine_when_quiet_sends_beacons_and_little_else(void **state)
{
    struct world *world = *state;
    world_cluster(world, 3);
    add_many(world, 0, "key", 100);
    world_converge(world, 1000);
    world_run(world, 3000);
    struct holm_stats before = world_stats(world, 0);
    world_run(world, 60000);
    struct holm_stats after = world_stats(world, 0);
    assert_int_equal(after.pulls, before.pulls);
    assert_int_equal(after.syncs, before.syncs);
    assert_int_equal(after.deltas_sealed, before.deltas_sealed);
    assert_true(after.bytes_sent - before.bytes_sent < 60 * 400);
    assert_in_range(after.beacons - before.beacons, 42,
                    56); /* of two, and a fifth over links, too */
}

static uint64_t scripted_run(uint64_t seed)
{
    struct world *world = world_new(seed);
    world_cluster(world, 3);
    world_lose(world, 200);
    for (int round = 0; round < 30; round++) {
        add_many(world, (uint32_t)round % 3, "key", 5);
        world_run(world, 20);
    }
    world_split(world, 1, true);
    world_run(world, 5000);
    world_split(world, 1, false);
    world_lose(world, 0);
    world_converge(world, 20000);
    uint64_t trace = world->trace;
    world_free(world);
    return trace;
}

static void test_engine_when_run_again_with_one_seed_does_the_same(void **state)
{
    (void)state;
    uint64_t first = scripted_run(7);
    assert_int_equal(scripted_run(7), first);
    assert_int_not_equal(scripted_run(8), first);
}

/* ---- bad input ------------------------------------------------------------------------------ */

static void encode(struct world *world, const struct holm_message *message, unsigned char *bytes,
                   size_t *size)
{
    struct holm_encoder encoder;
    struct holm_bytes frame;
    holm_encoder_init(&encoder, &world->configs[0].allocator, 1 << 16);
    assert_int_equal(holm_encoder_encode(&encoder, message, &frame), HOLM_OK);
    memcpy(bytes, frame.data, frame.size);
    *size = frame.size;
    holm_encoder_release(&encoder);
}

/* T30, in part. */
static void test_engine_when_a_peer_sends_garbage_only_its_link_suffers(void **state)
{
    struct world *world = *state;
    world_cluster(world, 3);
    world_inject(world, 1, 0, true, "\xff\xff\xff garbage", 11);
    world_inject(world, 1, 0, false, "\xff\xff\xff garbage", 11);
    world_run(world, 5);
    assert_true(world_stats(world, 0).malformed >= 2);
    assert_non_null(strstr(world->log, "link to b dropped"));
    world_add(world, 2, "hero", 1);
    world_run(world, 5);
    assert_int_equal(world_sum(world, 0, "hero"), 1);
    world_run(world, 3000);
    assert_int_equal(holm_engine_peers_up(world->engines[0]), 2); /* it was given a new chance */
}

/* T03: a run under a dot of a's that a never minted. a goes on under a new epoch, takes the run as
 * a stranger's, and nothing that it writes is lost. */
static void test_engine_when_another_writes_under_its_dots_it_takes_a_new_epoch(void **state)
{
    struct world *world = *state;
    unsigned char bytes[4096];
    size_t size;
    struct holm_fill_sizes sizes = {.actors = 1};
    struct holm_fill fill;
    struct holm_delta *run;
    world_cluster(world, 3);
    world_add(world, 0, "hero", 1);
    world_run(world, 5);
    struct holm_actor before = holm_engine_self(world->engines[0]);
    uint32_t partition = holm_partition_of(holm_str("hero"), WORLD_PARTITIONS);
    assert_int_equal(holm_delta_new(&world->configs[0].allocator, &sizes, &run, &fill), HOLM_OK);
    run->actor = before;
    run->partition = partition;
    run->first = run->last = 2;
    fill.actors[0] = before;
    struct holm_message message = {
        .type = HOLM_MESSAGE_DELTA, .partition = partition, .sender = before, .as.delta = run};
    encode(world, &message, bytes, &size);
    holm_delta_release(run);
    world_inject(world, 1, 0, true, bytes, size);
    world_run(world, 50);
    assert_int_equal(world_stats(world, 0).twins, 1);
    assert_int_equal(world_stats(world, 0).malformed, 0);
    assert_true(holm_engine_self(world->engines[0]).epoch.value > before.epoch.value);
    assert_non_null(strstr(world->log, "duplicate node"));

    world_inject(world, 1, 0, true, bytes, size);
    world_add(world, 0, "hero", 2);
    world_run(world, 3000);
    for (uint32_t i = 0; i < 3; i++)
        assert_int_equal(world_sum(world, i, "hero"), 3);
    assert_int_equal(world_stats(world, 0).twins, 1);
}

static void test_engine_when_a_peer_speaks_for_another_it_is_not_heard(void **state)
{
    struct world *world = *state;
    unsigned char bytes[4096];
    size_t size;
    world_cluster(world, 3);
    struct holm_message message;
    memset(&message, 0, sizeof message);
    message.type = HOLM_MESSAGE_GOODBYE;
    message.sender = holm_engine_self(world->engines[2]);
    encode(world, &message, bytes, &size);
    world_inject(world, 1, 0, false, bytes, size); /* b says goodbye in the name of c */
    world_run(world, 5);
    assert_int_equal(holm_engine_peers_up(world->engines[0]), 2);
    message.type = HOLM_MESSAGE_ACK;
    message.partition = WORLD_PARTITIONS;
    message.sender = holm_engine_self(world->engines[1]);
    message.as.ack.actor = holm_engine_self(world->engines[0]);
    message.as.ack.seq = UINT64_MAX;
    encode(world, &message, bytes, &size);
    world_inject(world, 1, 0, false, bytes, size); /* of a partition that there is not */
    world_inject(world, 1, 0, true, bytes, size);  /* and over the wrong channel */
    world_run(world, 5);
    assert_true(world_stats(world, 0).malformed >= 2);
}

/* ---- memory --------------------------------------------------------------------------------- */

static void test_engine_when_an_allocation_fails_opening_leaves_nothing(void **state)
{
    struct world *world = *state;
    enum holm_status status = HOLM_ENOMEM;
    uint64_t failed = 0;
    for (uint64_t n = 1; status != HOLM_OK; n++) {
        world->heap.allocations = 0;
        world->heap.fail_at = n;
        status = world_try_start(world, 0);
        if (status != HOLM_OK) {
            assert_int_equal(status, HOLM_ENOMEM);
            assert_null(world->engines[0]);
            assert_int_equal(world->heap.live_bytes, 0);
            failed++;
        }
    }
    world->heap.fail_at = 0;
    assert_true(failed > 10);
}

/* One refused allocation, wherever it falls while three nodes meet and write, is survived. */
static void test_engine_when_an_allocation_fails_converges_all_the_same(void **state)
{
    (void)state;
    for (uint64_t n = 1; n <= 600; n += 7) {
        struct world *world = world_new(n);
        for (uint32_t i = 0; i < 3; i++)
            world_start(world, i);
        world->heap.allocations = 0;
        world->heap.fail_at = n;
        /* Either may be the one that is refused. */
        for (uint32_t i = 1; i < 3; i++) {
            enum holm_status status = holm_engine_join(world->engines[i], "virtual://0",
                                                       world->now);
            assert_true(status == HOLM_OK || status == HOLM_ENOMEM);
        }
        int64_t written = 0;
        for (int round = 0; round < 30; round++) {
            struct holm_op op = holm_op_add(holm_str("hero"), holm_str("n"), 1);
            enum holm_status status = holm_engine_commit(
                world->engines[round % 3], holm_partition_of(op.key, WORLD_PARTITIONS), &op, 1,
                world->now, NULL);
            assert_true(status == HOLM_OK || status == HOLM_ENOMEM);
            written += status == HOLM_OK;
            world_run(world, 50);
        }
        world->heap.fail_at = 0;
        world_join(world, 1, 0);
        world_join(world, 2, 0);
        world_converge(world, 30000);
        for (uint32_t i = 0; i < 3; i++)
            assert_int_equal(world_sum(world, i, "hero"), written);
        world_free(world);
    }
}

static void test_engine_when_configured_beyond_its_ranges_does_not_open(void **state)
{
    struct world *world = *state;
    world->configs[0].partitions = 0;
    assert_int_equal(world_try_start(world, 0), HOLM_EINVAL);
    world->configs[1].peers_max = HOLM_REPLICA_PEERS_MAX + 1;
    assert_int_equal(world_try_start(world, 1), HOLM_EINVAL);
    world->configs[2].name =
        "a name that is much longer than what sixty-three bytes can hold, alas";
    assert_int_equal(world_try_start(world, 2), HOLM_EINVAL);
    assert_int_equal(world->heap.live_bytes, 0);
}

int main(void)
{
#define ENGINE_TEST(name)                                                                          \
    cmocka_unit_test_setup_teardown(test_engine_when_##name, open_world, close_world)
    const struct CMUnitTest tests[] = {
        ENGINE_TEST(one_writes_the_other_reads_after_one_hop),
        ENGINE_TEST(three_write_at_once_all_converge),
        ENGINE_TEST(all_broadcasts_are_lost_converges_over_links),
        ENGINE_TEST(broadcasts_are_lost_by_chance_converges),
        ENGINE_TEST(split_and_healed_converges),
        ENGINE_TEST(two_meet_only_through_a_third_they_converge),
        ENGINE_TEST(faults_cut_and_heal_converges),
        ENGINE_TEST(one_side_sends_nothing_over_links_they_part),
        ENGINE_TEST(it_lives_again_reuses_no_dot),
        ENGINE_TEST(it_lives_again_idle_is_whole_within_two_beacons),
        ENGINE_TEST(its_clock_was_set_back_no_write_is_lost),
        ENGINE_TEST(two_share_an_id_both_leave_their_epoch),
        ENGINE_TEST(it_says_farewell_what_is_pending_is_out),
        ENGINE_TEST(a_run_leaves_it_is_stored_and_witnessed),
        ENGINE_TEST(it_commits_its_witness_is_told_before_its_outbox),
        ENGINE_TEST(its_store_fails_it_writes_no_more_and_hands_on_what_it_has),
        ENGINE_TEST(a_key_changes_its_observer_is_told),
        ENGINE_TEST(many_commit_in_one_window_wakes_once),
        ENGINE_TEST(joining_while_frames_leave_is_due_at_once),
        ENGINE_TEST(quiet_sends_beacons_and_little_else),
        ENGINE_TEST(run_again_with_one_seed_does_the_same),
        ENGINE_TEST(a_peer_sends_garbage_only_its_link_suffers),
        ENGINE_TEST(another_writes_under_its_dots_it_takes_a_new_epoch),
        ENGINE_TEST(a_peer_speaks_for_another_it_is_not_heard),
        ENGINE_TEST(an_allocation_fails_opening_leaves_nothing),
        ENGINE_TEST(an_allocation_fails_converges_all_the_same),
        ENGINE_TEST(configured_beyond_its_ranges_does_not_open),
    };
    return cmocka_run_group_tests_name("engine", tests, NULL, NULL);
}

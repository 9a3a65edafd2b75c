/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How often three engines say what they have: at the base rate while anything changes, four times more rarely
 * when nothing does, and earlier when somebody stops writing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "crdt/partition.h"
#include "node/engine_state.h"
#include "proto/codec.h"
#include "tests/unit/engine_world.h"

#define SECOND_MS 1000u
#define LONG_MS 60000u

/* When node 0 broadcast its beacons. */
struct beat {
    uint64_t count, last_us, longest_us, shortest_us;
    size_t largest_bytes;
};

static bool is_beacon(const struct world *world, const void *frame, size_t size)
{
    struct holm_codec_limits limits = holm_codec_limits_default(0);
    struct holm_decoded *decoded;
    assert_int_equal(
        holm_codec_decode(&world->configs[0].allocator, &limits, holm_mem(frame, size), &decoded),
        HOLM_OK);
    bool beacon = decoded->message.type == HOLM_MESSAGE_BEACON &&
                  decoded->message.sender.node.value == world->configs[0].self.node.value;
    holm_decoded_free(decoded);
    return beacon;
}

/* Node 1 hears what node 0 broadcasts. */
static void listen(struct world *world, uint32_t to, const struct holm_transport_event *event)
{
    struct beat *beat = world->context;
    if (to != 1 || event->type != HOLM_TRANSPORT_BROADCAST ||
        !is_beacon(world, event->frame, event->frame_bytes))
        return;
    uint64_t now_us = world->now.monotonic_us;
    uint64_t gap_us = now_us - beat->last_us;
    if (beat->count++ > 0) {
        beat->longest_us = gap_us > beat->longest_us ? gap_us : beat->longest_us;
        beat->shortest_us = gap_us < beat->shortest_us ? gap_us : beat->shortest_us;
    }
    beat->last_us = now_us;
    if (event->frame_bytes > beat->largest_bytes)
        beat->largest_bytes = event->frame_bytes;
}

static struct beat beat_for(struct world *world, uint64_t duration_ms)
{
    struct beat beat = {.shortest_us = UINT64_MAX};
    world->context = &beat;
    world->arriving = listen;
    world_run(world, duration_ms);
    world->arriving = NULL;
    return beat;
}

static struct world *quiet_world(void)
{
    struct world *world = world_new(7);
    world_cluster(world, 3);
    world_add(world, 0, "hero", 1);
    world_converge(world, 1000);
    world_run(world, LONG_MS);
    return world;
}

static void test_beacon_when_nothing_changes_then_it_comes_four_times_more_rarely(void **state)
{
    struct world *world = quiet_world();
    struct beat beat = beat_for(world, LONG_MS);
    (void)state;
    assert_in_range(beat.count, 15, 18);
    assert_in_range(beat.longest_us, 3600000, 4010000);
    assert_in_range(beat.shortest_us, 3490000, 3950000);
    assert_true(beat.longest_us - beat.shortest_us > 20000); /* there is jitter in it */
    world_free(world);
}

static void test_beacon_when_all_write_then_it_comes_at_the_base_rate(void **state)
{
    struct world *world = quiet_world();
    uint64_t count = 0;
    (void)state;
    (void)beat_for(world, 1);
    for (int i = 0; i < 20; i++) {
        world_add(world, 2, "hero", 1); /* node 0 only hears of it */
        count += beat_for(world, 2 * SECOND_MS).count;
    }
    assert_in_range(count, 38, 41);
    world_free(world);
}

/* The broadcast of a lone write is lost: the next beacon is as near as ever. */
static void test_beacon_when_a_write_is_lost_then_it_is_missed_within_the_base_rate(void **state)
{
    (void)state;
    for (int i = 0; i < 5; i++) {
        struct world *world = quiet_world();
        world_run(world, 700 * (uint64_t)i);
        world_lose(world, 1000);
        world_add(world, 0, "hero", 1);
        world_run(world, 20);
        world_lose(world, 0);
        assert_false(world_converged(world));
        assert_true(world_converge(world, 4000) <= 1020);
        world_free(world);
    }
}

/* The last of a burst is lost: no other write shows that, so a beacon comes early. */
static void test_beacon_when_the_last_of_a_burst_is_lost_then_it_is_missed_at_once(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 5; i++) {
        struct world *world = quiet_world();
        world_run(world, 700 * i);
        for (int k = 0; k < 20; k++) {
            world_add(world, 0, "hero", 1);
            world_run(world, 10);
        }
        world_lose(world, 1000);
        world_add(world, 0, "hero", 1);
        world_run(world, 10);
        world_lose(world, 0);
        assert_false(world_converged(world));
        assert_true(world_converge(world, 4000) <= 60);
        world_free(world);
    }
}

/* Who goes on writing says it no oftener; who writes now and then says it earlier, and a little oftener. */
static void test_beacon_when_writes_follow_each_other_then_it_comes_at_the_base_rate(void **state)
{
    static const struct {
        uint64_t longest_ms, most;
    } pauses[] = {{5, 21}, {40, 21}, {200, 21}, {2000, 30}};
    (void)state;
    for (size_t i = 0; i < sizeof pauses / sizeof *pauses; i++) {
        struct world *world = quiet_world();
        struct holm_random random = {.state = 5};
        uint64_t begin_us = world->now.monotonic_us, count = 0;
        while (world->now.monotonic_us < begin_us + UINT64_C(20000) * SECOND_MS) {
            world_add(world, 0, "hero", 1);
            count += beat_for(world, holm_random_between(&random, 1, pauses[i].longest_ms)).count;
        }
        assert_in_range(count, 18, pauses[i].most);
        world_free(world);
    }
}

static void test_beacon_when_a_peer_comes_or_goes_then_the_base_rate_is_back(void **state)
{
    struct world *world = quiet_world();
    (void)state;
    world_kill(world, 2);
    assert_in_range(beat_for(world, 5 * SECOND_MS).count, 4, 6);
    world_run(world, LONG_MS);
    assert_in_range(beat_for(world, 8 * SECOND_MS).count, 1, 3);
    world_start(world, 2);
    world_join(world, 2, 0);
    assert_in_range(beat_for(world, 5 * SECOND_MS).count, 4, 6);
    world_free(world);
}

/* Nothing happens at node 0 but that a peer tells of what it had before: there is nothing to ask it for. */
static void test_beacon_when_a_peer_tells_of_another_vector_then_the_base_rate_is_back(void **state)
{
    struct world *world = quiet_world();
    struct holm_beacon_entry entry;
    struct holm_encoder encoder;
    struct holm_bytes frame;
    (void)state;
    uint32_t partition = holm_partition_of(holm_str("hero"), WORLD_PARTITIONS);
    pthread_mutex_lock(&world->engines[1]->partitions[partition].lock);
    entry = holm_replica_beacon(world->engines[1]->partitions[partition].replica);
    pthread_mutex_unlock(&world->engines[1]->partitions[partition].lock);
    world_add(world, 0, "hero", 1);
    world_run(world, LONG_MS);
    uint64_t asked = world_stats(world, 0).pulls;
    struct holm_message message = {.type = HOLM_MESSAGE_BEACON,
                                   .sender = holm_engine_self(world->engines[1])};
    message.as.beacon.entries = &entry;
    message.as.beacon.count = 1;
    holm_encoder_init(&encoder, &world->configs[0].allocator, 65536);
    assert_int_equal(holm_encoder_encode(&encoder, &message, &frame), HOLM_OK);
    world_inject(world, 1, 0, true, frame.data, frame.size);
    assert_in_range(beat_for(world, 4 * SECOND_MS).count, 3, 4);
    uint64_t count = 0;
    for (int i = 0; i < 20; i++) {
        world_inject(world, 1, 0, true, frame.data, frame.size);
        count += beat_for(world, 2 * SECOND_MS).count;
    }
    holm_encoder_release(&encoder);
    assert_int_equal(world_stats(world, 0).pulls, asked);
    assert_in_range(count, 38, 41);
    world_free(world);
}

static void cut_halves(struct world *world)
{
    for (uint32_t a = 0; a < 2; a++) {
        for (uint32_t b = 2; b < 4; b++)
            world_cut(world, a, b, true);
    }
}

/* After a split two nodes meet first. What they pull from each other, the others are told of at once. */
static void test_beacon_when_two_halves_meet_then_what_was_pulled_is_told_of(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 10; seed++) {
        struct world *world = world_new(seed);
        world_cluster(world, 4);
        world_run(world, LONG_MS);
        cut_halves(world);
        world_run(world, 4 * SECOND_MS);
        for (uint32_t i = 0; i < 4; i++)
            world_add(world, i, "hero", 1);
        world_run(world, SECOND_MS + 70 * seed);
        world_cut(world, 0, 2, false);
        for (int i = 0; i < 3000 && world_sum(world, 0, "hero") < 4; i++)
            world_run(world, 1);
        assert_int_equal(world_sum(world, 0, "hero"), 4);
        assert_true(world_converge(world, 4000) <= 100);
        world_free(world);
    }
}

/* However many actors there are: a line is a seq, a hash and a digest. */
static void test_beacon_when_there_are_ten_thousand_actors_then_it_is_as_small(void **state)
{
    enum {
        ACTORS = 10000,
        MORE = 9000
    };
    struct world *world = quiet_world();
    struct holm_fill_sizes sizes = {.actors = 1};
    (void)state;
    size_t before = beat_for(world, 10 * SECOND_MS).largest_bytes;
    struct holm_encoder encoder;
    holm_encoder_init(&encoder, &world->configs[0].allocator, 65536);
    for (uint64_t i = 0; i < ACTORS; i++) {
        struct holm_fill fill;
        struct holm_delta *run;
        struct holm_bytes frame;
        assert_int_equal(holm_delta_new(&world->configs[0].allocator, &sizes, &run, &fill),
                         HOLM_OK);
        run->actor = fill.actors[0] = (struct holm_actor){{MORE + i}, {UINT64_C(1) << 40}};
        run->partition = (uint32_t)(i % WORLD_PARTITIONS);
        run->first = run->last = 1;
        struct holm_message message = {.type = HOLM_MESSAGE_DELTA,
                                       .partition = run->partition,
                                       .sender = run->actor,
                                       .as.delta = run};
        assert_int_equal(holm_encoder_encode(&encoder, &message, &frame), HOLM_OK);
        world_inject(world, 1, 0, true, frame.data, frame.size); /* 2 hears it, too */
        world_inject(world, 0, 1, true, frame.data, frame.size);
        holm_delta_release(run);
        if (i % 1000 == 999)
            world_pass(world, 2);
    }
    holm_encoder_release(&encoder);
    assert_int_equal(world_stats(world, 0).vector_entries, ACTORS / WORLD_PARTITIONS + 1);
    world_run(world, 90 * SECOND_MS);
    assert_true(world_converged(world));
    struct beat beat = beat_for(world, LONG_MS);
    assert_int_equal(beat.largest_bytes, before);
    assert_true(before <= 32 + WORLD_PARTITIONS * HOLM_BEACON_ENTRY_BYTES_MAX);
    world_free(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_beacon_when_nothing_changes_then_it_comes_four_times_more_rarely),
        cmocka_unit_test(test_beacon_when_all_write_then_it_comes_at_the_base_rate),
        cmocka_unit_test(test_beacon_when_a_write_is_lost_then_it_is_missed_within_the_base_rate),
        cmocka_unit_test(test_beacon_when_the_last_of_a_burst_is_lost_then_it_is_missed_at_once),
        cmocka_unit_test(test_beacon_when_writes_follow_each_other_then_it_comes_at_the_base_rate),
        cmocka_unit_test(test_beacon_when_a_peer_comes_or_goes_then_the_base_rate_is_back),
        cmocka_unit_test(
            test_beacon_when_a_peer_tells_of_another_vector_then_the_base_rate_is_back),
        cmocka_unit_test(test_beacon_when_two_halves_meet_then_what_was_pulled_is_told_of),
        cmocka_unit_test(test_beacon_when_there_are_ten_thousand_actors_then_it_is_as_small),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

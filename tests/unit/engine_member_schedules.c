/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Retention `stable` in whole nodes: schedules that broke an earlier draft of the rules, and others like them.
 */
#include "node/engine_state.h"
#include "proto/codec.h"
#include "tests/unit/member_world.h"

/* ---- schedules that broke an earlier draft of the rules ------------------------------------- */

/* T35: it comes back from an older store, without what it had reported, and from one who lacks nothing. */
static void test_engine_member_when_it_returns_from_an_older_store_then_all_agree(void **state)
{
    (void)state;
    struct world *world = open_cluster(3, true);
    put(world, 0, "k", "Ada");
    world_converge(world, 2000);
    struct holm_disk *old = holm_disk_new(PARTITIONS + 1);
    crash(world, 2);
    holm_disk_copy(old, disks[2]);
    start(world, 2);
    world_run(world, 15000);
    expect_members(world, 3);
    bury(world, 0, "k");
    world_run(world, 1500); /* all have it, and have said so */
    crash(world, 2);
    holm_disk_copy(disks[2], old);
    start(world, 2);
    put(world, 2, "k", "Eva");
    world_run(world, 40000);
    expect_members(world, 3);
    world_converge(world, 2000);
    bool alive = exists(world, 0, "k");
    expect_exists(world, "k", alive); /* one outcome */
    expect_collected(world, true);
    holm_disk_free(old);
    close_cluster(world);
}

/* Who sent a node what, a bit for each. */
struct sources {
    uint32_t node;
    uint32_t state;    /* runs, or a cut and what is in it */
    uint32_t admitted; /* that it is a member now */
    struct holm_dot admission;
};

static void note_source(struct world *world, uint32_t to, const struct holm_transport_event *event)
{
    struct sources *sources = world->context;
    struct holm_allocator allocator = holm_transport_config_default().allocator;
    struct holm_codec_limits limits = holm_codec_limits_default(0);
    struct holm_decoded *decoded;
    if (to != sources->node || event->type != HOLM_TRANSPORT_LINK_FRAME)
        return;
    assert_int_equal(holm_codec_decode(&allocator, &limits,
                                       holm_mem(event->frame, event->frame_bytes), &decoded),
                     HOLM_OK);
    const struct holm_message *message = &decoded->message;
    uint32_t from = 0;
    while (from < world->count &&
           world->configs[from].self.node.value != message->sender.node.value)
        from++;
    if (message->type == HOLM_MESSAGE_DELTAS || message->type == HOLM_MESSAGE_SYNC_CUT ||
        message->type == HOLM_MESSAGE_SYNC_TELL || message->type == HOLM_MESSAGE_SYNC_PAGE ||
        message->type == HOLM_MESSAGE_FEED)
        sources->state |= 1u << from;
    if (message->type == HOLM_MESSAGE_JOINED && message->as.joined.result >= HOLM_JOIN_MERGE) {
        sources->admitted |= 1u << from;
        sources->admission = message->as.joined.admission;
    }
    holm_decoded_free(decoded);
}

/* Starts it, until it is a member. What made it one came from who admitted it, and from nobody else. */
static uint32_t become_member(struct world *world, uint32_t index)
{
    struct sources sources = {.node = index};
    world->context = &sources;
    world->arriving = note_source;
    start(world, index);
    put(world, index, "k", "Eva");
    for (int i = 0; i < 5000 && !standing(world, index).confirmed; i++)
        world_pass(world, 1);
    world->arriving = NULL;
    assert_true(standing(world, index).confirmed);
    assert_int_equal(sources.state, sources.admitted);
    const struct holm_replica *list = world->engines[index]->partitions[PARTITIONS].replica;
    assert_true(holm_replica_seq(list, sources.admission.actor) >= sources.admission.seq);
    return sources.admitted;
}

/* T36: it was admitted by one who dies, and is whole from that one alone; a third collects meanwhile. */
static void test_engine_member_when_who_admitted_it_is_gone_then_all_agree(void **state)
{
    (void)state;
    struct world *world = open_cluster(4, true);
    put(world, 0, "k", "Ada");
    world_converge(world, 2000);
    crash(world, 3);
    bury(world, 0, "k");
    world_run(world, 2000);
    world_cut(world, 3, 1, true);
    world_cut(world, 3, 2, true);
    assert_int_equal(become_member(world, 3), 1u << 0);
    world_cut(world, 3, 0, true);
    crash(world, 0);
    world_cut(world, 3, 1, false);
    world_cut(world, 3, 2, false);
    world_run(world, 20000);
    start(world, 0);
    world_cut(world, 3, 0, false);
    world_run(world, 40000);
    expect_members(world, 4);
    world_converge(world, 2000);
    expect_exists(world, "k", exists(world, 1, "k"));
    expect_collected(world, true);
    close_cluster(world);
}

/* T36: others could give it their state, too, and are up before it is a member. */
static void test_engine_member_when_all_could_give_their_state_then_one_does(void **state)
{
    (void)state;
    struct world *world = open_cluster(4, true);
    put(world, 0, "k", "Ada");
    world_converge(world, 2000);
    crash(world, 3);
    bury(world, 0, "k");
    world_run(world, 2000);
    uint32_t admitted = become_member(world, 3);
    assert_true(admitted == 1u << 0 || admitted == 1u << 1 || admitted == 1u << 2);
    assert_int_equal(holm_engine_peers_up(world->engines[3]), 3);
    world_run(world, 40000);
    expect_members(world, 4);
    world_converge(world, 2000);
    expect_exists(world, "k", exists(world, 1, "k"));
    expect_collected(world, true);
    close_cluster(world);
}

/* What a node broadcast, kept back. */
struct kept {
    uint32_t from;
    unsigned char frames[8][512];
    size_t sizes[8];
    size_t count;
};

static void keep(struct world *world, uint32_t from, const void *frame, size_t size)
{
    struct kept *kept = world->context;
    const unsigned char *bytes = frame;
    /* A Delta: an envelope of node and epoch, perhaps a partition, and field 5. */
    bool delta = size > 22 && (bytes[18] == 0x2a || (bytes[18] == 0x20 && bytes[20] == 0x2a));
    if (from != kept->from || !delta || size > sizeof kept->frames[0] || kept->count == 8)
        return;
    memcpy(kept->frames[kept->count], frame, size);
    kept->sizes[kept->count++] = size;
}

/* T37: a broadcast of an epoch that has ended arrives when all have collected. */
static void test_engine_member_when_a_dead_epoch_is_heard_late_then_the_dead_stay_dead(void **state)
{
    (void)state;
    static struct kept kept;
    struct world *world = open_cluster(3, false);
    put(world, 0, "k", "Ada");
    world_converge(world, 2000);
    kept = (struct kept){.from = 1};
    world->context = &kept;
    world->leaving = keep;
    world_split(world, 1, true); /* its write goes nowhere, and it dies */
    put(world, 1, "k", "Eva");
    world_run(world, 100);
    world->leaving = NULL;
    assert_in_range(kept.count, 1, 8);
    bomb(world, 1);
    world_split(world, 1, false);
    bury(world, 0, "k");
    start(world, 1);
    world_run(world, 30000);
    expect_members(world, 3);
    expect_collected(world, true);
    for (size_t i = 0; i < kept.count; i++)
        world_inject(world, 0, 2, true, kept.frames[i], kept.sizes[i]);
    world_run(world, 5000);
    expect_exists(world, "k", false);
    close_cluster(world);
}

/* It takes nothing but what confirms it: its fences are as old as its store. */
static void test_engine_member_when_provisional_then_no_broadcast_is_taken(void **state)
{
    (void)state;
    static struct kept kept;
    struct world *world = open_cluster(2, true);
    put(world, 1, "k", "Ada");
    world_converge(world, 2000);
    kept = (struct kept){.from = 0};
    world->context = &kept;
    crash(world, 1);
    world->leaving = keep;
    put(world, 0, "l", "Eva");
    world_run(world, 100);
    world->leaving = NULL;
    assert_in_range(kept.count, 1, 8);
    crash(world, 0);
    start(world, 0);
    start(world, 1);
    world_run(world, 1500);
    assert_int_equal(holm_engine_peers_up(world->engines[1]), 1);
    for (size_t i = 0; i < kept.count; i++)
        world_inject(world, 0, 1, true, kept.frames[i], kept.sizes[i]);
    world_run(world, 200);
    assert_false(standing(world, 1).confirmed);
    assert_true(exists(world, 1, "k"));
    assert_false(exists(world, 1, "l"));
    world_run(world, 40000);
    expect_members(world, 2);
    expect_exists(world, "l", true);
    close_cluster(world);
}

/* In all partitions at once, however much there is in one of them. */
static void test_engine_member_when_it_becomes_a_member_then_nothing_is_missing(void **state)
{
    (void)state;
    struct world *world = open_world(2, false);
    for (uint32_t i = 0; i < 2; i++)
        world->configs[i].frame_bytes_max = 16384;
    start(world, 0);
    world_run(world, 5000);
    char text[512];
    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = '\0';
    uint32_t count = 0;
    for (uint32_t i = 0; count < 400; i++) {
        char key[16];
        snprintf(key, sizeof key, "k%u", i);
        if (holm_partition_of(holm_str(key), PARTITIONS) != 1)
            continue;
        put(world, 0, key, text);
        count++;
    }
    world_run(world, 1000);
    uint64_t records = world_stats(world, 0).records;
    assert_int_equal(records, 400);
    start(world, 1);
    for (int i = 0; i < 20000 && !standing(world, 1).confirmed; i++)
        world_pass(world, 1);
    assert_true(standing(world, 1).confirmed);
    assert_int_equal(world_stats(world, 1).records, records);
    close_cluster(world);
}

/* T38: provisional operations have no dots; they are minted upon what has been collected meanwhile. */
static void test_engine_member_when_stale_then_its_journal_is_minted_upon_the_cut(void **state)
{
    (void)state;
    struct world *world = open_cluster(3, true);
    put(world, 0, "k", "Ada");
    world_converge(world, 2000);
    crash(world, 2);
    world_run(world, 3000);
    world_split(world, 2, true);
    start(world, 2);
    put(world, 2, "k", "Eva"); /* stale, and provisional */
    bury(world, 0, "k");
    world_run(world, 20000);
    assert_true(world_stats(world, 0).tombstones > 0); /* node 2 is a member, and has not said */
    assert_int_equal(standing(world, 2).journalled, 1);
    world_split(world, 2, false);
    world_run(world, 40000);
    expect_members(world, 3);
    world_converge(world, 2000);
    expect_exists(world, "k", false); /* it was still buried when the write was to be minted */
    assert_int_equal(standing(world, 2).refused, 1);
    expect_collected(world, true);
    close_cluster(world);
}

/* Node 2 founds, and knows of none of the later epochs: what these wrote was taken for that of others. */
static void test_engine_member_when_the_founder_knows_least_then_nothing_is_missing(void **state)
{
    (void)state;
    struct world *world = open_cluster(3, true);
    put(world, 2, "k", "Ada");
    world_converge(world, 2000);
    crash(world, 2);
    for (uint32_t i = 0; i < 2; i++) {
        crash(world, i);
        world_run(world, 2000);
        start(world, i); /* the other admits it */
        world_run(world, 8000);
        assert_true(standing(world, i).confirmed);
        world_add(world, i, "n", 4);
        world_run(world, 1000);
    }
    crash(world, 0);
    crash(world, 1);
    world_cut(world, 0, 1, true); /* neither knows that all have restarted */
    for (uint32_t i = 0; i < 3; i++)
        start(world, i);
    world_run(world, 20000);
    expect_members(world, 3);
    world_cut(world, 0, 1, false);
    world_run(world, 20000);
    expect_members(world, 3);
    expect_sum(world, "n", 8);
    for (uint32_t i = 0; i < 3; i++)
        assert_int_equal(standing(world, i).dropped, 0);
    close_cluster(world);
}

/* Node 2, whom node 0 has forgotten without anybody's knowledge, admits node 1, which had been told before that how
 * node 0 stands. */
static void test_engine_member_when_told_before_it_is_a_member_then_it_finds_out_later(void **state)
{
    (void)state;
    struct world *world = open_cluster(3, true);
    world_cut(world, 0, 2, true);
    crash(world, 1);
    world_run(world, 5000);
    forget(world, 0, 2);
    slow_down(world, 1, 2, 100000);
    slow_down(world, 0, 1, 150000);
    start(world, 1);
    world_run(world, 30000);
    assert_true(standing(world, 1).confirmed);
    assert_int_equal(standing(world, 1).replaced, 1);
    world_cut(world, 0, 2, false);
    world_run(world, 40000);
    expect_members(world, 3);
    assert_int_equal(standing(world, 2).replaced, 1);
    close_cluster(world);
}

/* Node 0 founds with what node 1 wrote after node 2 had forgotten it. */
static void test_engine_member_when_founded_beyond_its_forget_then_it_is_replaced(void **state)
{
    (void)state;
    struct world *world = open_cluster(3, true);
    put(world, 2, "k", "Ada");
    world_converge(world, 2000);
    bury(world, 0, "k");
    world_run(world, 20000);
    expect_collected(world, true);
    crash(world, 0);
    world_cut(world, 1, 2, true);
    world_run(world, 5000);
    world_add(world, 2, "{k}n", 3); /* which carries S into the store */
    forget(world, 2, 1);
    world_run(world, 1000);
    crash(world, 2);
    start(world, 0);
    world_run(world, 10000);
    assert_true(standing(world, 0).confirmed); /* node 1 has admitted it */
    crash(world, 0);
    world_cut(world, 1, 2, false); /* and hears first what node 2 has to say */
    slow_down(world, 0, 1, 100000);
    slow_down(world, 0, 2, 250000);
    start(world, 0);
    start(world, 2);
    world_run(world, 60000);
    expect_members(world, 3);
    assert_int_equal(standing(world, 2).replaced, 1);
    expect_sum(world, "{k}n", 3);
    expect_exists(world, "k", false);
    close_cluster(world);
}

/* The same node comes back from nothing again and again, and from two members at once gone. */
static void test_engine_member_when_nobody_is_left_who_was_told_then_nobody_goes_on(void **state)
{
    (void)state;
    struct world *world = open_cluster(2, true);
    put(world, 1, "k", "Ada");
    world_converge(world, 2000);
    crash(world, 0);
    crash(world, 1);
    start(world, 1); /* node 0 may live: it would have to be asked */
    world_run(world, 60000);
    assert_false(standing(world, 1).confirmed);
    assert_true(exists(world, 1, "k"));
    start(world, 0);
    world_run(world, 40000);
    expect_members(world, 2);
    expect_exists(world, "k", true);
    close_cluster(world);
}

/* Node 2 runs under the id of node 1, from a copy of its disk; one of the two has just lost to the other. Then that one
 * alone is left, and node 0, which comes back from before it founded anew. */
static void lose_to_a_twin(uint32_t left)
{
    struct world *world = open_world(3, true);
    struct holm_disk *backup = holm_disk_new(PARTITIONS + 1);
    start(world, 0);
    start(world, 1);
    world_run(world, 8000);
    put(world, 1, "k", "Ada");
    world_run(world, 2000);
    crash(world, 0);
    holm_disk_copy(backup, disks[0]);
    crash(world, 1);
    start(world, 0);
    start(world, 1);
    world_run(world, 12000);
    assert_true(standing(world, 1).confirmed);
    holm_disk_copy(disks[2], disks[1]);
    world->configs[2].self.node = world->configs[1].self.node;
    start(world, 2);
    for (int i = 0; i < 20000 && strstr(world->log, "lost: it was forgotten") == NULL; i++)
        world_run(world, 1);
    assert_non_null(strstr(world->log, "lost: it was forgotten"));
    crash(world, 3 - left);
    crash(world, 0);
    holm_disk_copy(disks[0], backup);
    holm_disk_free(backup);
    start(world, 0);
    world_run(world, 60000);
    assert_true(standing(world, 0).confirmed && standing(world, left).confirmed);
    assert_true(exists(world, 0, "k") && exists(world, left, "k"));
    close_cluster(world);
}

static void test_engine_member_when_lost_to_a_twin_then_an_older_list_goes_on(void **state)
{
    (void)state;
    lose_to_a_twin(1);
    lose_to_a_twin(2);
}

/* Its list knows its twin's epoch, and not that this is another's: what it has is that of its own, still. */
static void test_engine_member_when_it_restarts_behind_its_twin_then_it_is_replaced(void **state)
{
    (void)state;
    struct world *world = open_world(3, true);
    start(world, 0);
    start(world, 1);
    world_run(world, 8000);
    holm_disk_copy(disks[2], disks[1]);
    put(world, 1, "k", "Ada");
    world_run(world, 2000);
    world->configs[2].self.node = world->configs[1].self.node;
    start(world, 2);
    for (int i = 0; i < 20000 && (strstr(world->log, "lost: it was forgotten") == NULL ||
                                  standing(world, 1).confirmed == standing(world, 2).confirmed);
         i++)
        world_run(world, 1);
    uint32_t lost = standing(world, 1).confirmed ? 2 : 1;
    assert_true(!standing(world, lost).confirmed && standing(world, 3 - lost).confirmed);
    crash(world, lost);
    crash(world, 3 - lost);
    start(world, lost);
    world_run(world, 60000);
    assert_true(standing(world, 0).confirmed && standing(world, lost).confirmed);
    assert_int_equal(standing(world, lost).replaced, 1);
    expect_exists(world, "k", true);
    close_cluster(world);
}

/* Whether this node knows that the one has forgotten the other. */
static bool knows(struct world *world, uint32_t index, uint32_t author, uint32_t subject)
{
    const struct holm_members *known = holm_replica_members(
        holm_engine_lock(world->engines[index], 0));
    bool answer = false;
    for (size_t i = 0; i < known->forget_count; i++)
        answer |= known->forgets[i].dot.actor.node.value ==
                      world->configs[author].self.node.value &&
                  known->forgets[i].subject.node.value == world->configs[subject].self.node.value;
    holm_engine_unlock(world->engines[index], 0);
    return answer;
}

static bool has_collected(struct world *world, uint32_t index)
{
    uint32_t partition = holm_partition_of(holm_str("k"), PARTITIONS);
    bool answer = holm_replica_collected(holm_engine_lock(world->engines[index], partition)).count >
                  0;
    holm_engine_unlock(world->engines[index], partition);
    return answer;
}

/* And a run that says so. */
static void collect_something(struct world *world)
{
    put(world, 0, "k", "Ada");
    world_converge(world, 2000);
    bury(world, 0, "k");
    world_run(world, 15000);
    for (uint32_t i = 0; i < world->count; i++) {
        if (world->engines[i] != NULL)
            assert_true(world_stats(world, i).tombstones == 0 && has_collected(world, i));
    }
    put(world, 0, "k", "Eva");
    world_converge(world, 2000);
}

/* Node 0, before it loses all, tells nodes 2 and 3 that it had forgotten node 2, which had forgotten it: that is in
 * nobody's list, and node 2 comes back to those who know it. */
static void test_engine_member_when_a_forget_is_void_by_hearsay_then_it_is_replaced_once(
    void **state)
{
    (void)state;
    struct world *world = open_cluster(4, false);
    collect_something(world);
    for (uint32_t i = 1; i < 4; i++)
        world_cut(world, 0, i, true);
    world_cut(world, 1, 2, true); /* it comes back to node 3 */
    world_run(world, 4000);
    forget(world, 0, 2);
    forget(world, 2, 0);
    world_run(world, 3000);
    assert_true(knows(world, 3, 2, 0));
    slow_down(world, 0, 2, 150000);
    slow_down(world, 0, 3, 150000);
    world_cut(world, 0, 2, false);
    world_cut(world, 0, 3, false);
    for (int i = 0; i < 20000 && !(knows(world, 2, 0, 2) && knows(world, 3, 0, 2)); i++)
        world_run(world, 1);
    assert_true(knows(world, 2, 0, 2) && knows(world, 3, 0, 2));
    bomb(world, 0);
    world_cut(world, 0, 1, false);
    world_cut(world, 0, 2, true);
    world_run(world, 1000);
    start(world, 0);
    world_run(world, 30000);
    assert_true(standing(world, 2).confirmed);
    world_cut(world, 0, 2, false);
    world_cut(world, 1, 2, false);
    world_run(world, 30000);
    expect_members(world, 4);
    assert_int_equal(standing(world, 2).replaced, 1);
    world_converge(world, 2000);
    close_cluster(world);
}

/* Nodes 0 and 2 forget each other. Who is let in then is told of the forget that is void by hearsay, and before the
 * list has the other. */
static void test_engine_member_when_hearsay_comes_before_the_list_then_it_is_replaced_once(
    void **state)
{
    (void)state;
    struct world *world = open_world(4, false);
    for (uint32_t i = 0; i < 3; i++)
        start(world, i);
    world_run(world, 8000);
    collect_something(world);
    world_cut(world, 0, 2, true);
    world_cut(world, 1, 2, true);
    world_run(world, 4000);
    forget(world, 0, 2);
    forget(world, 2, 0);
    world_run(world, 3000);
    const struct holm_network_path slow = {.delay_us = 100000};
    world_path(world, 0, 2, &slow); /* it says what it knows before it hears what they know */
    world_path(world, 1, 2, &slow);
    world_cut(world, 0, 2, false);
    world_cut(world, 1, 2, false);
    for (int i = 0; i < 20000 && !knows(world, 0, 2, 0); i++)
        world_run(world, 1);
    assert_true(knows(world, 0, 2, 0));
    start(world, 3);
    world_run(world, 40000);
    expect_members(world, 4);
    assert_int_equal(standing(world, 2).replaced, 1);
    assert_int_equal(standing(world, 3).replaced, 0);
    world_converge(world, 2000);
    close_cluster(world);
}

/* Node 1 lets node 4 in, node 2 takes that; and node 0 forgets node 1. Node 3, which knew that first, is back. */
static void test_engine_member_when_a_member_took_more_of_the_forgotten_then_it_is_merged(
    void **state)
{
    (void)state;
    struct world *world = open_world(5, true);
    for (uint32_t i = 0; i < 4; i++)
        start(world, i);
    world_run(world, 8000);
    collect_something(world);
    const uint32_t others[] = {1, 2, 4};
    for (size_t i = 0; i < 3; i++) {
        world_cut(world, others[i], 0, true);
        world_cut(world, others[i], 3, true);
    }
    world_cut(world, 4, 2, true);
    start(world, 4);
    world_run(world, 8000);
    assert_true(standing(world, 4).confirmed);
    forget(world, 0, 1);
    world_run(world, 4000);
    assert_true(knows(world, 3, 0, 1));
    crash(world, 3);
    start(world, 3); /* it is merged, and takes S to be grown under that */
    world_run(world, 5000);
    assert_true(standing(world, 3).confirmed);
    crash(world, 3);
    for (uint32_t i = 0; i < 5; i++) {
        for (uint32_t k = 0; k < i; k++)
            world_cut(world, i, k, false);
    }
    world_run(world, 10000);
    start(world, 3);
    world_run(world, 60000);
    expect_members(world, 5);
    assert_int_equal(standing(world, 3).replaced, 0);
    world_converge(world, 2000);
    close_cluster(world);
}

int main(int count, char **arguments)
{
    const struct CMUnitTest tests[] = {
        MEMBER_TEST(the_founder_knows_least_then_nothing_is_missing),
        MEMBER_TEST(told_before_it_is_a_member_then_it_finds_out_later),
        MEMBER_TEST(lost_to_a_twin_then_an_older_list_goes_on),
        MEMBER_TEST(it_restarts_behind_its_twin_then_it_is_replaced),
        MEMBER_TEST(founded_beyond_its_forget_then_it_is_replaced),
        MEMBER_TEST(it_returns_from_an_older_store_then_all_agree),
        MEMBER_TEST(who_admitted_it_is_gone_then_all_agree),
        MEMBER_TEST(all_could_give_their_state_then_one_does),
        MEMBER_TEST(a_dead_epoch_is_heard_late_then_the_dead_stay_dead),
        MEMBER_TEST(provisional_then_no_broadcast_is_taken),
        MEMBER_TEST(it_becomes_a_member_then_nothing_is_missing),
        MEMBER_TEST(stale_then_its_journal_is_minted_upon_the_cut),
        MEMBER_TEST(nobody_is_left_who_was_told_then_nobody_goes_on),
        MEMBER_TEST(a_forget_is_void_by_hearsay_then_it_is_replaced_once),
        MEMBER_TEST(hearsay_comes_before_the_list_then_it_is_replaced_once),
        MEMBER_TEST(a_member_took_more_of_the_forgotten_then_it_is_merged),
    };
    if (count > 1)
        cmocka_set_test_filter(arguments[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

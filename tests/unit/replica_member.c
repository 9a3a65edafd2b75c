/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a replica lets in, says, and collects by what it knows of the members: one replica, and messages made
 * by hand. How whole nodes get along is in engine_member.c.
 */
#include "crdt/replica_member.h"

#include "crdt/member_record.h"
#include "crdt/replica_parts.h"
#include "tests/unit/core.h"

static const struct holm_now now = {1000000, 1000};

enum {
    A = 1, /* the replica */
    B,
    C
};

struct fixture {
    struct heap heap;
    struct holm_replica *replica;
    struct holm_replica *writers[4]; /* by node: to make runs with */
    const struct holm_work *work;
};

static struct holm_replica *open_replica(struct fixture *f, struct holm_actor self, bool list)
{
    struct holm_replica *replica;
    struct holm_replica_config config = holm_replica_config_default();
    config.allocator = heap_allocator(&f->heap);
    config.self = self;
    config.list = list;
    config.retention = list ? HOLM_RETENTION_FOREVER : HOLM_RETENTION_STABLE;
    assert_int_equal(holm_replica_new(&config, &replica), HOLM_OK);
    return replica;
}

static void learn(struct fixture *f, const struct holm_member_op *ops, size_t count)
{
    struct holm_dot last = ops[count - 1].dot;
    struct holm_list_news news = {ops, count, {&last, 1}};
    assert_int_equal(holm_replica_learn(f->replica, &news, now, &f->work), HOLM_OK);
}

/* A founds, and admits B and C; each under epoch 1. */
static void open_fixture(struct fixture *f, bool list)
{
    memset(f, 0, sizeof *f);
    f->replica = open_replica(f, actor_of(A, 1), list);
    for (uint64_t i = B; i <= C; i++)
        f->writers[i] = open_replica(f, actor_of(i, 1), false);
    for (uint32_t i = 0; i < 2; i++) {
        struct holm_event up = {.type = HOLM_EVENT_PEER_UP, .as.peer = {i, actor_of(B + i, 1)}};
        assert_int_equal(holm_replica_step(f->replica, &up, now, &f->work), HOLM_OK);
    }
    struct holm_member_op ops[3];
    for (uint64_t i = 0; i < 3; i++)
        ops[i] = (struct holm_member_op){.type = HOLM_MEMBER_ADMIT,
                                         .dot = {actor_of(A, 1), i + 1},
                                         .subject = actor_of(A + i, 1),
                                         .last = i == 0};
    learn(f, ops, 3);
    holm_replica_fence(f->replica, true);
}

static void close_fixture(struct fixture *f)
{
    holm_replica_check(f->replica);
    holm_replica_free(f->replica);
    for (int i = B; i <= C; i++)
        holm_replica_free(f->writers[i]);
    assert_int_equal(f->heap.blocks, 0);
}

/* Writes at one of the others, or here, and seals. The run is to be released. */
static struct holm_delta *write(struct fixture *f, struct holm_replica *replica, struct holm_op op)
{
    struct holm_event commit = {.type = HOLM_EVENT_COMMIT, .as.commit = {&op, 1}};
    struct holm_event flush = {.type = HOLM_EVENT_FLUSH};
    assert_int_equal(holm_replica_step(replica, &commit, now, &f->work), HOLM_OK);
    assert_int_equal(holm_replica_step(replica, &flush, now, &f->work), HOLM_OK);
    assert_int_equal(f->work->stored_count, 1);
    struct holm_delta *run = f->work->stored[0];
    holm_delta_retain(run);
    return run;
}

static struct holm_op bury(const char *key)
{
    return holm_op_bury(holm_str(key));
}

static void broadcast(struct fixture *f, struct holm_delta *run, struct holm_actor sender)
{
    struct holm_message message = {.type = HOLM_MESSAGE_DELTA, .sender = sender, .as.delta = run};
    struct holm_event event = {.type = HOLM_EVENT_MESSAGE,
                               .as.message = {HOLM_PEER_NONE, &message}};
    assert_int_equal(holm_replica_step(f->replica, &event, now, &f->work), HOLM_OK);
}

static enum holm_status answer(struct fixture *f, struct holm_delta *run, uint32_t peer,
                               struct holm_actor sender)
{
    struct holm_message message = {.type = HOLM_MESSAGE_DELTAS, .sender = sender};
    message.as.deltas.deltas = &run;
    message.as.deltas.count = 1;
    struct holm_event event = {.type = HOLM_EVENT_MESSAGE, .as.message = {peer, &message}};
    return holm_replica_step(f->replica, &event, now, &f->work);
}

static uint64_t next_number = 1;

static void report_as(struct fixture *f, uint32_t peer, struct holm_actor sender,
                      const struct holm_dot *vector, size_t count, uint64_t list, bool provisional)
{
    struct holm_dot known = {actor_of(A, 1), list};
    struct holm_message message = {.type = HOLM_MESSAGE_REPORT, .sender = sender};
    message.as.reported.number = next_number++;
    message.as.reported.provisional = provisional;
    message.as.reported.vector = (struct holm_vector_view){vector, count};
    message.as.reported.list = (struct holm_vector_view){&known, 1};
    struct holm_event event = {.type = HOLM_EVENT_MESSAGE, .as.message = {peer, &message}};
    assert_int_equal(holm_replica_step(f->replica, &event, now, &f->work), HOLM_OK);
}

static void report(struct fixture *f, uint32_t peer, struct holm_actor sender,
                   const struct holm_dot *vector, size_t count, uint64_t list)
{
    report_as(f, peer, sender, vector, count, list, false);
}

static uint64_t has(const struct fixture *f, uint64_t node, uint64_t epoch)
{
    return holm_replica_seq(f->replica, actor_of(node, epoch));
}

static uint64_t held(const struct fixture *f)
{
    struct holm_replica_stats stats;
    holm_replica_stats(f->replica, &stats);
    return stats.held;
}

static void collect(struct fixture *f, struct holm_collecting *collecting)
{
    assert_int_equal(holm_replica_collect_stable(f->replica, now, &f->work, collecting), HOLM_OK);
    holm_replica_check(f->replica);
}

static void end_first_epoch_of_b(struct fixture *f)
{
    struct holm_member_op admit = {.type = HOLM_MEMBER_ADMIT,
                                   .dot = {actor_of(A, 1), 4},
                                   .subject = actor_of(B, 2),
                                   .base = {1}};
    learn(f, &admit, 1);
}

/* T37: a late broadcast of an epoch that has ended; held back, or not; passed on, or not. */
static void test_replica_member_when_an_epoch_has_ended_then_its_broadcasts_are_refused(
    void **state)
{
    (void)state;
    struct fixture f;
    open_fixture(&f, false);
    struct holm_delta *first = write(&f, f.writers[B], bury("k"));
    struct holm_delta *second = write(&f, f.writers[B], bury("l"));
    broadcast(&f, second, actor_of(B, 1));
    assert_int_equal(held(&f), 1);
    end_first_epoch_of_b(&f);
    assert_int_equal(held(&f), 0);
    broadcast(&f, first, actor_of(B, 1));
    broadcast(&f, first, actor_of(C, 1));
    assert_int_equal(has(&f, B, 1), 0);
    assert_int_equal(answer(&f, first, 0, actor_of(B, 1)), HOLM_OK); /* unread, of a dead link */
    assert_int_equal(has(&f, B, 1), 0);
    assert_int_equal(answer(&f, first, 1, actor_of(C, 1)), HOLM_OK); /* a member has it */
    assert_int_equal(has(&f, B, 1), 1);
    holm_delta_release(first);
    holm_delta_release(second);
    close_fixture(&f);
}

/* A run that comes before the admission of its writer comes again with it. */
static void test_replica_member_when_a_writer_is_not_known_yet_then_its_run_waits(void **state)
{
    (void)state;
    struct fixture f;
    open_fixture(&f, false);
    struct holm_replica *stranger = open_replica(&f, actor_of(9, 1), false);
    struct holm_delta *run = write(&f, stranger, bury("k"));
    assert_int_equal(answer(&f, run, 0, actor_of(B, 1)), HOLM_EBUSY);
    struct holm_member_op admit = {
        .type = HOLM_MEMBER_ADMIT, .dot = {actor_of(A, 1), 4}, .subject = actor_of(9, 1)};
    learn(&f, &admit, 1);
    assert_int_equal(answer(&f, run, 0, actor_of(B, 1)), HOLM_OK);
    assert_int_equal(has(&f, 9, 1), 1);
    holm_delta_release(run);
    holm_replica_free(stranger);
    close_fixture(&f);
}

/* Reports go to all peers when something has changed, and never else. */
static void test_replica_member_when_nothing_has_changed_then_nothing_is_reported(void **state)
{
    (void)state;
    struct fixture f;
    open_fixture(&f, false);
    assert_int_equal(holm_replica_tell(f.replica, false, now, &f.work), HOLM_OK);
    assert_int_equal(f.work->output_count, 2);
    assert_int_equal(f.work->outputs[0].message.as.reported.list.entries[0].seq, 3);
    assert_int_equal(holm_replica_tell(f.replica, false, now, &f.work), HOLM_OK);
    assert_int_equal(f.work->output_count, 0);
    struct holm_delta *run = write(&f, f.replica, bury("k"));
    holm_delta_release(run);
    assert_int_equal(holm_replica_tell(f.replica, false, now, &f.work), HOLM_OK);
    assert_int_equal(f.work->output_count, 2);
    assert_int_equal(f.work->outputs[1].message.as.reported.vector.entries[0].seq, 1);
    end_first_epoch_of_b(&f);
    assert_int_equal(holm_replica_tell(f.replica, false, now, &f.work), HOLM_OK);
    assert_int_equal(f.work->output_count, 2);
    assert_int_equal(holm_replica_tell(f.replica, false, now, &f.work), HOLM_OK);
    assert_int_equal(f.work->output_count, 0);
    close_fixture(&f);
}

/* Tombstones go when all have reported them, and an epoch is folded when the list knows its end. */
static void test_replica_member_when_all_have_reported_then_it_collects(void **state)
{
    (void)state;
    struct fixture f;
    struct holm_collecting collecting;
    open_fixture(&f, false);
    struct holm_delta *own = write(&f, f.replica, bury("k"));
    struct holm_delta *theirs = write(&f, f.writers[B], bury("l"));
    const struct holm_dot all[] = {{actor_of(A, 1), 1}, {actor_of(B, 1), 1}};
    const struct holm_dot less[] = {{actor_of(A, 1), 1}};
    broadcast(&f, theirs, actor_of(B, 1));
    report(&f, 0, actor_of(B, 1), all, 2, 3);
    collect(&f, &collecting);
    assert_int_equal(collecting.tombstones, 0); /* C has said nothing */
    report(&f, 1, actor_of(C, 1), less, 1, 3);
    collect(&f, &collecting);
    assert_int_equal(collecting.tombstones, 1);
    assert_true(holm_replica_buried(f.replica, holm_str("l")));
    report(&f, 1, actor_of(C, 1), all, 2, 3);
    collect(&f, &collecting);
    assert_int_equal(collecting.tombstones, 1);
    collect(&f, &collecting);
    assert_int_equal(collecting.tombstones + collecting.ghosts + collecting.folds, 0);

    end_first_epoch_of_b(&f);
    report(&f, 0, actor_of(B, 2), all, 2, 4);
    report(&f, 1, actor_of(C, 1), all, 2, 4);
    collect(&f, &collecting);
    assert_int_equal(collecting.folds, 0);
    assert_int_equal(collecting.ends.count, 1);
    assert_int_equal(collecting.ends.entries[0].seq, 1);
    struct holm_member_op fold = {.type = HOLM_MEMBER_FOLD,
                                  .dot = {actor_of(A, 1), 5},
                                  .subject = collecting.ends.entries[0].actor,
                                  .last = collecting.ends.entries[0].seq};
    holm_vector_release(&collecting.ends);
    learn(&f, &fold, 1);
    collect(&f, &collecting);
    assert_int_equal(collecting.folds, 1);
    assert_int_equal(collecting.ends.count, 0);
    holm_delta_release(own);
    holm_delta_release(theirs);
    close_fixture(&f);
}

/* A clone of B, let in elsewhere under a later epoch, tells of itself, before B and after it: B counts. */
static void test_replica_member_when_a_clone_has_reported_then_the_listed_epoch_counts(void **state)
{
    (void)state;
    struct fixture f;
    struct holm_collecting collecting;
    open_fixture(&f, false);
    struct holm_delta *own = write(&f, f.replica, bury("k"));
    const struct holm_dot all[] = {{actor_of(A, 1), 1}};
    report(&f, 0, actor_of(B, 7), all, 1, 3);
    report(&f, 0, actor_of(B, 1), all, 1, 3);
    report(&f, 0, actor_of(B, 7), all, 1, 3);
    report(&f, 1, actor_of(C, 1), all, 1, 3);
    collect(&f, &collecting);
    assert_int_equal(collecting.tombstones, 1);
    holm_delta_release(own);
    close_fixture(&f);
}

/* Nodes that come under an id of their own each time, are let in, report and are forgotten: what they said goes. */
static void test_replica_member_when_ids_are_fresh_then_what_they_reported_goes(void **state)
{
    (void)state;
    struct fixture f;
    struct holm_collecting collecting;
    uint64_t list = 3, blocks = 0;
    open_fixture(&f, false);
    struct holm_delta *own = write(&f, f.replica, bury("k"));
    const struct holm_dot all[] = {{actor_of(A, 1), 1}};
    for (uint64_t id = 10; id < 60; id++) {
        struct holm_member_op admit = {
            .type = HOLM_MEMBER_ADMIT, .dot = {actor_of(A, 1), ++list}, .subject = actor_of(id, 1)};
        struct holm_member_op forget = {.type = HOLM_MEMBER_FORGET, .subject = actor_of(id, 1)};
        report_as(&f, 0, actor_of(id, 1), all, 1, list - 1, true);
        learn(&f, &admit, 1);
        report(&f, 0, actor_of(id, 1), all, 1, list);
        forget.dot = (struct holm_dot){actor_of(A, 1), ++list};
        learn(&f, &forget, 1);
        collect(&f, &collecting);
        holm_vector_release(&collecting.ends);
        assert_int_equal(f.replica->guard->stable.count, id == 10 ? 1 : 3);
        assert_int_equal(f.replica->guard->others.count, 1);
        report(&f, 0, actor_of(B, 1), all, 1, list);
        report(&f, 1, actor_of(C, 1), all, 1, list);
        collect(&f, &collecting);
        holm_vector_release(&collecting.ends);
        assert_int_equal(f.replica->guard->stable.count, 2);
        assert_int_equal(f.replica->guard->others.count, 0);
        blocks = id == 20 ? f.heap.blocks : blocks;
    }
    assert_in_range(f.heap.blocks, blocks - 5, blocks + 5);
    holm_delta_release(own);
    close_fixture(&f);
}

static void pass(struct fixture *f, uint32_t peer, struct holm_actor sender,
                 struct holm_actor member, const struct holm_dot *vector, uint64_t list)
{
    struct holm_dot known = {actor_of(A, 1), list};
    struct holm_message message = {.type = HOLM_MESSAGE_REPORT, .sender = sender};
    message.as.reported.member = member;
    message.as.reported.number = next_number++;
    message.as.reported.vector = (struct holm_vector_view){vector, 1};
    message.as.reported.list = (struct holm_vector_view){&known, 1};
    struct holm_event event = {.type = HOLM_EVENT_MESSAGE, .as.message = {peer, &message}};
    assert_int_equal(holm_replica_step(f->replica, &event, now, &f->work), HOLM_OK);
}

/* A peer says which reports it has heard, and nothing else. */
static void hear(struct fixture *f, uint32_t peer, struct holm_actor sender,
                 const struct holm_dot *heard, size_t count)
{
    struct holm_message message = {.type = HOLM_MESSAGE_REPORT, .sender = sender};
    message.as.reported.heard = (struct holm_vector_view){heard, count};
    struct holm_event event = {.type = HOLM_EVENT_MESSAGE, .as.message = {peer, &message}};
    assert_int_equal(holm_replica_step(f->replica, &event, now, &f->work), HOLM_OK);
}

static size_t tell(struct fixture *f)
{
    assert_int_equal(holm_replica_tell(f->replica, false, now, &f->work), HOLM_OK);
    return f->work->output_count;
}

static const struct holm_reported *told(const struct fixture *f, size_t at)
{
    return &f->work->outputs[at].message.as.reported;
}

/* How many tombstones a round takes. */
static size_t collects(struct fixture *f)
{
    struct holm_collecting collecting;
    collect(f, &collecting);
    holm_vector_release(&collecting.ends);
    return collecting.tombstones;
}

/* C has heard of B alone, and says what B has: it counts as if B had said it. */
static void test_replica_member_when_a_report_is_passed_on_then_it_counts(void **state)
{
    (void)state;
    struct fixture f;
    open_fixture(&f, false);
    const struct holm_dot vector = {actor_of(A, 1), 1};
    holm_delta_release(write(&f, f.replica, bury("k")));
    report(&f, 1, actor_of(C, 1), &vector, 1, 3);
    assert_int_equal(collects(&f), 0);
    pass(&f, 1, actor_of(C, 1), actor_of(B, 1), &vector, 3);
    assert_int_equal(collects(&f), 1);
    close_fixture(&f);
}

static bool has_heard(struct fixture *f, struct holm_actor of)
{
    assert_int_not_equal(tell(f), 0);
    return holm_vector_seq(told(f, 0)->heard, of) != 0;
}

/* T35, T37: neither a dead epoch's nor from one; nor by who is no member, of who is none, or of oneself. */
static void test_replica_member_when_a_dead_epoch_is_passed_on_then_it_is_refused(void **state)
{
    (void)state;
    struct fixture f;
    open_fixture(&f, false);
    const struct holm_dot vector = {actor_of(A, 1), 1};
    holm_delta_release(write(&f, f.replica, bury("k")));
    struct holm_event up = {.type = HOLM_EVENT_PEER_UP, .as.peer = {2, actor_of(9, 1)}};
    assert_int_equal(holm_replica_step(f.replica, &up, now, &f.work), HOLM_OK);
    end_first_epoch_of_b(&f);
    report(&f, 1, actor_of(C, 1), &vector, 1, 4);
    pass(&f, 1, actor_of(C, 1), actor_of(B, 1), &vector, 4);
    pass(&f, 1, actor_of(C, 1), actor_of(B, 3), &vector, 4);
    pass(&f, 1, actor_of(C, 1), actor_of(A, 1), &vector, 4);
    pass(&f, 0, actor_of(B, 1), actor_of(B, 2), &vector, 4); /* unread, of a dead link */
    pass(&f, 2, actor_of(9, 1), actor_of(B, 2), &vector, 4);
    assert_false(has_heard(&f, actor_of(B, 1)));
    assert_int_equal(told(&f, 0)->heard.count, 1); /* C's own */
    assert_int_equal(collects(&f), 0);
    pass(&f, 1, actor_of(C, 1), actor_of(B, 2), &vector,
         3); /* it does not know that it is admitted */
    assert_int_equal(collects(&f), 0);
    pass(&f, 1, actor_of(C, 1), actor_of(B, 2), &vector, 4);
    assert_int_equal(collects(&f), 1);
    close_fixture(&f);
}

/* A replica that is being filled takes nobody's word but its member's. */
static void test_replica_member_when_it_is_being_filled_then_nothing_is_passed_to_it(void **state)
{
    (void)state;
    struct fixture f;
    open_fixture(&f, false);
    const struct holm_dot vector = {actor_of(A, 1), 1};
    holm_replica_fence(f.replica, false);
    pass(&f, 1, actor_of(C, 1), actor_of(B, 1), &vector, 3);
    assert_false(has_heard(&f, actor_of(B, 1)));
    close_fixture(&f);
}

/* Whom a peer has not heard for a whole round it is told of: once, and not where it came from. */
static void test_replica_member_when_a_peer_has_not_heard_then_it_is_told(void **state)
{
    (void)state;
    struct fixture f;
    open_fixture(&f, false);
    const struct holm_dot vector = {actor_of(A, 1), 1};
    assert_int_equal(tell(&f), 2);
    struct holm_dot own = {actor_of(A, 1), told(&f, 0)->number};
    report(&f, 0, actor_of(B, 1), &vector, 1, 3);
    hear(&f, 0, actor_of(B, 1), &own, 1);
    hear(&f, 1, actor_of(C, 1), &own, 1);
    assert_int_equal(tell(&f), 2); /* both are told what was heard */
    assert_int_equal(told(&f, 0)->number, 0);
    assert_int_equal(tell(&f), 1);
    assert_int_equal(f.work->outputs[0].peer, 1);
    assert_true(holm_actor_equal(told(&f, 0)->member, actor_of(B, 1)));
    assert_int_equal(tell(&f), 0);
    struct holm_dot heard[] = {own, {actor_of(B, 1), told(&f, 0)->number}};
    heard[1].seq = next_number - 1;
    hear(&f, 1, actor_of(C, 1), heard, 2);
    for (int round = 0; round < 100; round++)
        assert_int_equal(tell(&f), 0);
    close_fixture(&f);
}

/* What was lost on the way is said again, ever more rarely, until it is known to have arrived. */
static void test_replica_member_when_a_report_is_lost_then_it_is_said_again(void **state)
{
    (void)state;
    struct fixture f;
    open_fixture(&f, false);
    size_t said = 0;
    assert_int_equal(tell(&f), 2);
    struct holm_dot own = {actor_of(A, 1), told(&f, 0)->number};
    hear(&f, 0, actor_of(B, 1), &own, 1);
    for (int round = 0; round < 8; round++)
        said += tell(&f);
    assert_int_equal(said, 2); /* to C, after two rounds and after four more */
    for (int round = 0; round < 128; round++)
        said += tell(&f);
    assert_in_range(said, 2 + 4, 2 + 6);
    hear(&f, 1, actor_of(C, 1), &own, 1);
    for (int round = 0; round < 128; round++)
        assert_int_equal(tell(&f), 0);
    /* A peer that says again what is known here has not heard that it is. */
    const struct holm_dot vector = {actor_of(A, 1), 1};
    report(&f, 1, actor_of(C, 1), &vector, 1, 3);
    hear(&f, 1, actor_of(C, 1), &own, 1);
    assert_int_not_equal(tell(&f), 0);
    next_number -= 1;
    report(&f, 1, actor_of(C, 1), &vector, 1, 3);
    hear(&f, 1, actor_of(C, 1), &own, 1);
    (void)tell(&f);
    assert_int_equal(told(&f, f.work->output_count - 1)->heard.count, 1);
    close_fixture(&f);
}

/* A replica that is being filled is whole when it has what one report of that member says. */
static void test_replica_member_when_all_of_a_report_is_here_then_it_is_whole(void **state)
{
    (void)state;
    struct fixture f;
    open_fixture(&f, false);
    holm_replica_fence(f.replica, false);
    struct holm_delta *run = write(&f, f.writers[B], bury("k"));
    const struct holm_dot vector[] = {{actor_of(B, 1), 1}};
    const struct holm_dot admission = {actor_of(A, 1), 1};
    const struct holm_dot other = {actor_of(A, 1), 4};
    assert_false(holm_replica_whole(f.replica, actor_of(B, 1), admission));
    report(&f, 0, actor_of(B, 1), vector, 1, 3);
    assert_false(holm_replica_whole(f.replica, actor_of(B, 1), admission));
    broadcast(&f, run, actor_of(B, 1));
    assert_true(holm_replica_whole(f.replica, actor_of(B, 1), admission));
    assert_false(holm_replica_whole(f.replica, actor_of(C, 1), admission));
    assert_false(holm_replica_whole(f.replica, actor_of(B, 1), other)); /* T36 */
    report(&f, 0, actor_of(B, 1), vector, 1, 9);
    assert_false(
        holm_replica_whole(f.replica, actor_of(B, 1), admission)); /* its list is not here */
    holm_delta_release(run);
    close_fixture(&f);
}

/* What ends its member may be void by what has yet to come: the member is heard out, and asked when the list is whole. */
static void test_replica_member_when_a_void_forget_ends_its_member_then_it_is_whole_at_last(
    void **state)
{
    (void)state;
    struct fixture f;
    open_fixture(&f, false);
    holm_replica_fence(f.replica, false);
    struct holm_delta *run = write(&f, f.writers[B], bury("k"));
    const struct holm_dot vector[] = {{actor_of(B, 1), 1}};
    const struct holm_dot admission = {actor_of(A, 1), 1};
    struct holm_member_op later = {
        .type = HOLM_MEMBER_FORGET, .dot = {actor_of(C, 1), 1}, .subject = actor_of(B, 1)};
    struct holm_member_op lower = {
        .type = HOLM_MEMBER_FORGET, .dot = {actor_of(B, 1), 1}, .subject = actor_of(C, 1)};
    broadcast(&f, run, actor_of(B, 1));
    learn(&f, &later, 1);
    report(&f, 0, actor_of(B, 1), vector, 1, 3);
    assert_false(holm_replica_whole(f.replica, actor_of(B, 1), admission)); /* it has ended */
    learn(&f, &lower, 1);
    assert_true(holm_replica_whole(f.replica, actor_of(B, 1), admission));
    holm_delta_release(run);
    close_fixture(&f);
}

/* The list: of those who are no members nothing comes in that the forgotten wrote. */
static void test_replica_member_when_the_list_comes_from_a_stranger_then_it_is_fenced(void **state)
{
    (void)state;
    struct fixture f;
    open_fixture(&f, true);
    struct holm_member_op forget = {
        .type = HOLM_MEMBER_FORGET, .dot = {actor_of(A, 1), 4}, .subject = actor_of(B, 1)};
    struct holm_founding founding = {1, {actor_of(A, 1), 1}};
    struct holm_replica *stranger = open_replica(&f, actor_of(9, 1), false);
    struct holm_event up = {.type = HOLM_EVENT_PEER_UP, .as.peer = {2, actor_of(9, 1)}};
    assert_int_equal(holm_replica_step(f.replica, &up, now, &f.work), HOLM_OK);
    struct holm_delta *forgotten = write(&f, f.writers[B], bury("k"));
    struct holm_delta *own = write(&f, stranger, bury("l"));
    assert_int_equal(answer(&f, own, 2, actor_of(9, 1)), HOLM_EBUSY); /* of which founding? */
    holm_replica_peer_founding(f.replica, 2, &founding);
    assert_int_equal(answer(&f, own, 2, actor_of(9, 1)), HOLM_OK);
    learn(&f, &forget, 1);
    assert_int_equal(answer(&f, forgotten, 2, actor_of(9, 1)), HOLM_EBUSY);
    assert_int_equal(has(&f, B, 1), 0);
    assert_int_equal(answer(&f, forgotten, 1, actor_of(C, 1)), HOLM_OK);
    assert_int_equal(has(&f, B, 1), 1);
    holm_delta_release(forgotten);
    holm_delta_release(own);
    holm_replica_free(stranger);
    close_fixture(&f);
}

static void ack(struct fixture *f, uint32_t peer, struct holm_actor sender, uint64_t seq)
{
    struct holm_message message = {.type = HOLM_MESSAGE_ACK, .sender = sender};
    message.as.ack = (struct holm_ack){actor_of(A, 1), seq};
    struct holm_event event = {.type = HOLM_EVENT_MESSAGE, .as.message = {peer, &message}};
    assert_int_equal(holm_replica_step(f->replica, &event, now, &f->work), HOLM_OK);
}

/* What a peer has taken that is no member it may throw away again, and says so anew when it is one. */
static void test_replica_member_when_a_peer_is_no_member_then_it_has_seen_nothing(void **state)
{
    (void)state;
    struct fixture f;
    open_fixture(&f, false);
    struct holm_delta *own = write(&f, f.replica, bury("k"));
    ack(&f, 0, actor_of(B, 1), 1);
    assert_false(holm_replica_peer_has(f.replica, 0, 1));
    holm_replica_peer_member(f.replica, 0, true);
    assert_false(holm_replica_peer_has(f.replica, 0, 1));
    ack(&f, 0, actor_of(B, 1), 1);
    assert_true(holm_replica_peer_has(f.replica, 0, 1));
    holm_replica_peer_member(f.replica, 0, false);
    assert_false(holm_replica_peer_has(f.replica, 0, 1));
    holm_delta_release(own);
    close_fixture(&f);
}

/* A copy goes its own way; what was relied upon goes with it. */
static void test_replica_member_when_copied_then_the_original_stays_as_it_is(void **state)
{
    (void)state;
    struct fixture f;
    struct holm_replica *copy;
    open_fixture(&f, false);
    struct holm_delta *run = write(&f, f.writers[B], holm_op_add(holm_str("k"), holm_str("n"), 5));
    broadcast(&f, run, actor_of(B, 1));
    assert_int_equal(holm_replica_copy(f.replica, now, &f.work, &copy), HOLM_OK);
    holm_replica_check(copy);
    assert_true(holm_digest_equal(holm_replica_digest(copy), holm_replica_digest(f.replica)));
    assert_int_equal(holm_replica_vector_hash(copy), holm_replica_vector_hash(f.replica));
    struct holm_delta *more = write(&f, copy, holm_op_add(holm_str("k"), holm_str("n"), 2));
    int64_t sum;
    assert_int_equal(holm_replica_count(f.replica, holm_str("k"), holm_str("n"), &sum), HOLM_OK);
    assert_int_equal(sum, 5);
    holm_delta_release(run);
    holm_delta_release(more);
    holm_replica_free(copy);
    close_fixture(&f);
}

static void test_replica_member_when_memory_is_refused_then_it_says_so_and_leaks_nothing(
    void **state)
{
    (void)state;
    for (uint64_t i = 1;; i++) {
        struct fixture f;
        struct holm_collecting collecting;
        struct holm_replica *copy = NULL;
        const struct holm_dot all[] = {{actor_of(B, 1), 1}};
        open_fixture(&f, false);
        struct holm_delta *run = write(&f, f.writers[B], bury("k"));
        broadcast(&f, run, actor_of(B, 1));
        report(&f, 0, actor_of(B, 1), all, 1, 3);
        report(&f, 1, actor_of(C, 1), all, 1, 3);
        f.heap.calls = 0;
        f.heap.fail_at = i;
        enum holm_status told = holm_replica_tell(f.replica, false, now, &f.work);
        enum holm_status copied = holm_replica_copy(f.replica, now, &f.work, &copy);
        enum holm_status status = holm_replica_collect_stable(f.replica, now, &f.work, &collecting);
        bool refused = f.heap.calls >= i;
        f.heap.fail_at = 0;
        assert_int_equal(refused, told != HOLM_OK || copied != HOLM_OK || status != HOLM_OK);
        assert_false(status == HOLM_OK && holm_replica_buried(f.replica, holm_str("k")));
        holm_vector_release(&collecting.ends);
        holm_replica_free(copy);
        holm_delta_release(run);
        close_fixture(&f);
        if (!refused)
            return;
    }
}

static void test_member_record_when_written_then_it_is_read_the_same(void **state)
{
    (void)state;
    struct fixture f;
    open_fixture(&f, true);
    struct holm_member_op op = {.type = HOLM_MEMBER_FOLD,
                                .dot = {actor_of(A, 1), 1},
                                .subject = {{UINT64_MAX}, {0x0102030405060708u}},
                                .base = {7},
                                .state = 0x8182838485868788u,
                                .partition = 0xfedcba98u,
                                .last = UINT64_MAX - 1};
    struct holm_member_record record;
    struct holm_delta *run = write(&f, f.replica, holm_member_record_write(&record, &op));
    struct holm_cell_view cell;
    struct holm_member_op read;
    assert_int_equal(holm_replica_get(f.replica, holm_mem(record.key, sizeof record.key),
                                      holm_mem(NULL, 0), HOLM_REGISTER, &cell),
                     HOLM_OK);
    assert_true(holm_member_record_read(&cell, &read));
    assert_int_equal(read.type, op.type);
    assert_true(holm_actor_equal(read.subject, op.subject));
    assert_true(holm_actor_equal(read.dot.actor, op.dot.actor));
    assert_int_equal(read.dot.seq, 1);
    assert_int_equal(read.base.value, op.base.value);
    assert_int_equal(read.state, op.state);
    assert_int_equal(read.partition, op.partition);
    assert_int_equal(read.last, op.last);
    cell.value.as.bytes.size -= 1;
    assert_false(holm_member_record_read(&cell, &read));
    holm_delta_release(run);
    close_fixture(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            test_replica_member_when_an_epoch_has_ended_then_its_broadcasts_are_refused),
        cmocka_unit_test(test_replica_member_when_a_writer_is_not_known_yet_then_its_run_waits),
        cmocka_unit_test(test_replica_member_when_nothing_has_changed_then_nothing_is_reported),
        cmocka_unit_test(test_replica_member_when_a_report_is_passed_on_then_it_counts),
        cmocka_unit_test(test_replica_member_when_a_dead_epoch_is_passed_on_then_it_is_refused),
        cmocka_unit_test(test_replica_member_when_it_is_being_filled_then_nothing_is_passed_to_it),
        cmocka_unit_test(test_replica_member_when_a_peer_has_not_heard_then_it_is_told),
        cmocka_unit_test(test_replica_member_when_a_report_is_lost_then_it_is_said_again),
        cmocka_unit_test(test_replica_member_when_all_have_reported_then_it_collects),
        cmocka_unit_test(
            test_replica_member_when_a_clone_has_reported_then_the_listed_epoch_counts),
        cmocka_unit_test(test_replica_member_when_ids_are_fresh_then_what_they_reported_goes),
        cmocka_unit_test(test_replica_member_when_all_of_a_report_is_here_then_it_is_whole),
        cmocka_unit_test(
            test_replica_member_when_a_void_forget_ends_its_member_then_it_is_whole_at_last),
        cmocka_unit_test(test_replica_member_when_the_list_comes_from_a_stranger_then_it_is_fenced),
        cmocka_unit_test(test_replica_member_when_a_peer_is_no_member_then_it_has_seen_nothing),
        cmocka_unit_test(test_replica_member_when_copied_then_the_original_stays_as_it_is),
        cmocka_unit_test(
            test_replica_member_when_memory_is_refused_then_it_says_so_and_leaks_nothing),
        cmocka_unit_test(test_member_record_when_written_then_it_is_read_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tombstones that go, and what rides along so that they go everywhere. When they may is decided elsewhere:
 * here the frontier is given.
 */
#include "crdt/replica.h"

#include "tests/unit/core.h"

#define RUNS_MAX 32

enum {
    A,
    B,
    C,
    NODES
};

struct fixture {
    struct heap heap;
    struct holm_replica *replicas[NODES];
    struct holm_delta *runs[RUNS_MAX];
    size_t run_count;
    const struct holm_work *work;
};

static const struct holm_now now = {1000000, 1000};

static struct holm_bytes key(void)
{
    return holm_str("k");
}

static void open_as(struct fixture *f, enum holm_retention retention)
{
    memset(f, 0, sizeof *f);
    for (uint64_t i = 0; i < NODES; i++) {
        struct holm_replica_config config = holm_replica_config_default();
        config.allocator = heap_allocator(&f->heap);
        config.self = actor_of(i + 1, 1);
        config.random_seed = i;
        config.retention = retention;
        assert_int_equal(holm_replica_new(&config, &f->replicas[i]), HOLM_OK);
    }
}

static void close(struct fixture *f)
{
    for (size_t i = 0; i < NODES; i++) {
        holm_replica_check(f->replicas[i]);
        holm_replica_free(f->replicas[i]);
    }
    for (size_t i = 0; i < f->run_count; i++)
        holm_delta_release(f->runs[i]);
    assert_int_equal(f->heap.blocks, 0);
}

static void keep_runs(struct fixture *f)
{
    for (size_t i = 0; i < f->work->stored_count; i++) {
        assert_true(f->run_count < RUNS_MAX);
        f->runs[f->run_count] = f->work->stored[i];
        holm_delta_retain(f->runs[f->run_count++]);
    }
}

/* Writes and seals. Returns the number of the run. */
static size_t write(struct fixture *f, int node, struct holm_op op)
{
    struct holm_event commit = {.type = HOLM_EVENT_COMMIT, .as.commit = {&op, 1}};
    struct holm_event flush = {.type = HOLM_EVENT_FLUSH};
    assert_int_equal(holm_replica_step(f->replicas[node], &commit, now, &f->work), HOLM_OK);
    keep_runs(f);
    size_t before = f->run_count;
    assert_int_equal(holm_replica_step(f->replicas[node], &flush, now, &f->work), HOLM_OK);
    keep_runs(f);
    assert_true(f->run_count >= before);
    return f->run_count - 1;
}

static enum holm_status give(struct fixture *f, size_t run, int node)
{
    struct holm_message message = {.type = HOLM_MESSAGE_DELTA};
    message.sender = f->runs[run]->actor;
    message.as.delta = f->runs[run];
    struct holm_event event = {.type = HOLM_EVENT_MESSAGE,
                               .as.message = {HOLM_PEER_NONE, &message}};
    return holm_replica_step(f->replicas[node], &event, now, &f->work);
}

static void reach(struct fixture *f, size_t run, int node)
{
    assert_int_equal(give(f, run, node), HOLM_OK);
    holm_replica_check(f->replicas[node]);
}

/* Collects whatever the node has. */
static enum holm_status collect(struct fixture *f, int node)
{
    struct holm_dot entries[NODES];
    size_t count = holm_replica_vector(f->replicas[node], entries, NODES);
    enum holm_status status = holm_replica_collect(
        f->replicas[node], (struct holm_vector_view){entries, count}, now, &f->work);
    holm_replica_check(f->replicas[node]);
    return status;
}

static enum holm_status merge(struct fixture *f, int from, int to)
{
    struct holm_cut *cut;
    const struct holm_page *pages[8];
    assert_int_equal(holm_cut_open(f->replicas[from], now, &f->work, &cut), HOLM_OK);
    size_t count = holm_cut_page_count(cut);
    assert_true(count <= 8);
    for (size_t i = 0; i < count; i++)
        pages[i] = holm_cut_page(cut, i);
    enum holm_status status = holm_replica_load_collected(f->replicas[to], holm_cut_vector(cut),
                                                          holm_cut_collected(cut), pages, count,
                                                          now, &f->work);
    holm_cut_close(cut);
    holm_replica_check(f->replicas[to]);
    return status;
}

static bool buried(const struct fixture *f, int node)
{
    return holm_replica_buried(f->replicas[node], key());
}

static bool exists(const struct fixture *f, int node)
{
    return holm_replica_exists(f->replicas[node], key());
}

static struct holm_op put_op(void)
{
    return holm_op_put(key(), holm_str("name"), holm_text("Ada"));
}

static void assert_equal_states(struct fixture *f, int a, int b)
{
    struct holm_digest x = holm_replica_digest(f->replicas[a]);
    struct holm_digest y = holm_replica_digest(f->replicas[b]);
    assert_true(holm_replica_vector_hash(f->replicas[a]) ==
                holm_replica_vector_hash(f->replicas[b]));
    assert_true(holm_digest_equal(x, y));
}

/* Rule 2: who still holds the tombstone drops it when the run is delivered that tells. */
static void test_replica_collect_when_a_key_is_written_again_then_it_lives_everywhere(void **state)
{
    (void)state;
    struct fixture f;
    open_as(&f, HOLM_RETENTION_STABLE);
    reach(&f, write(&f, A, put_op()), B);
    reach(&f, write(&f, A, holm_op_bury(key())), B);
    assert_int_equal(collect(&f, A), HOLM_OK);
    assert_false(buried(&f, A));
    assert_true(buried(&f, B));
    size_t again = write(&f, A, put_op());
    assert_true(f.runs[again]->collected.count == 1);
    reach(&f, again, B);
    assert_true(exists(&f, B) && !buried(&f, B));
    assert_int_equal(holm_replica_collected(f.replicas[B]).count, 1);
    assert_equal_states(&f, A, B);
    /* It goes on: B's next run tells C, who has nothing of it yet. */
    size_t more = write(&f, B, holm_op_add(key(), holm_str("n"), 5));
    for (size_t run = 0; run <= more; run++)
        reach(&f, run, C);
    assert_true(exists(&f, C));
    assert_equal_states(&f, B, C);
    close(&f);
}

/* T39: what tells of S comes before what the tombstone is there to kill. */
static void test_replica_collect_when_s_comes_before_its_causes_then_the_dead_stay_dead(
    void **state)
{
    (void)state;
    struct fixture f;
    open_as(&f, HOLM_RETENTION_STABLE);
    size_t o = write(&f, B, put_op());
    size_t t = write(&f, A, holm_op_bury(key()));
    reach(&f, o, A);
    reach(&f, t, C);
    assert_int_equal(collect(&f, A), HOLM_OK);
    size_t other = write(&f, A, holm_op_put(holm_str("l"), holm_str("name"), holm_text("Eva")));
    reach(&f, other, C); /* held: C has not o */
    assert_true(buried(&f, C));
    reach(&f, o, C);
    assert_false(exists(&f, C) || buried(&f, C));
    assert_equal_states(&f, A, C);
    close(&f);
}

/* T18, by whole cuts, in both directions. */
static void test_replica_collect_when_cuts_are_merged_then_tombstones_go_and_stay_away(void **state)
{
    (void)state;
    struct fixture f;
    open_as(&f, HOLM_RETENTION_STABLE);
    size_t first = write(&f, A, put_op());
    size_t t = write(&f, A, holm_op_bury(key()));
    for (int node = B; node <= C; node++) {
        reach(&f, first, node);
        reach(&f, t, node);
    }
    assert_int_equal(collect(&f, A), HOLM_OK);
    assert_int_equal(merge(&f, C, A), HOLM_OK); /* C holds it still */
    assert_false(buried(&f, A));
    (void)write(&f, A, put_op());
    assert_int_equal(merge(&f, C, A), HOLM_OK);
    assert_true(exists(&f, A));
    assert_int_equal(merge(&f, A, C), HOLM_OK);
    assert_true(exists(&f, C) && !buried(&f, C));
    assert_equal_states(&f, A, C);
    (void)write(&f, B, holm_op_add(holm_str("l"), holm_str("n"), 1));
    assert_int_equal(merge(&f, B, C), HOLM_OK);
    assert_true(exists(&f, C) && !buried(&f, C));
    assert_int_equal(merge(&f, C, B), HOLM_OK);
    assert_equal_states(&f, B, C);
    close(&f);
}

/* A second tombstone, which S does not cover, still kills. */
static void test_replica_collect_when_one_of_two_tombstones_is_stable_then_the_key_stays_dead(
    void **state)
{
    (void)state;
    struct fixture f;
    open_as(&f, HOLM_RETENTION_STABLE);
    size_t one = write(&f, A, holm_op_bury(key()));
    reach(&f, write(&f, B, holm_op_bury(key())), A);
    struct holm_dot dot = {f.runs[one]->actor, 1};
    assert_int_equal(
        holm_replica_collect(f.replicas[A], (struct holm_vector_view){&dot, 1}, now, &f.work),
        HOLM_OK);
    assert_true(buried(&f, A));
    struct holm_replica_stats stats;
    holm_replica_stats(f.replicas[A], &stats);
    assert_int_equal(stats.tombstones, 1);
    assert_int_equal(collect(&f, A), HOLM_OK);
    assert_false(buried(&f, A));
    close(&f);
}

/* A replica seals before its S grows: what was written before does not claim to know. */
static void test_replica_collect_when_operations_are_pending_then_they_are_sealed_before(
    void **state)
{
    (void)state;
    struct fixture f;
    open_as(&f, HOLM_RETENTION_STABLE);
    (void)write(&f, A, holm_op_bury(key()));
    struct holm_op op = holm_op_put(holm_str("l"), holm_str("name"), holm_text("Ada"));
    struct holm_event commit = {.type = HOLM_EVENT_COMMIT, .as.commit = {&op, 1}};
    assert_int_equal(holm_replica_step(f.replicas[A], &commit, now, &f.work), HOLM_OK);
    bool sealed = f.work->stored_count > 0; /* the first write after a pause is sealed at once */
    op = holm_op_put(holm_str("l"), holm_str("name"), holm_text("Eva"));
    if (sealed)
        assert_int_equal(holm_replica_step(f.replicas[A], &commit, now, &f.work), HOLM_OK);
    assert_true(holm_replica_pending(f.replicas[A]));
    assert_int_equal(collect(&f, A), HOLM_OK);
    assert_int_equal(f.work->stored_count, 1);
    assert_int_equal(f.work->stored[0]->collected.count, 0);
    assert_false(holm_replica_pending(f.replicas[A]));
    assert_true(holm_replica_collected(f.replicas[A]).count > 0);
    close(&f);
}

/* A has written to the key of B's tombstone, unsealed, and then takes that tombstone; B's next run, whose number is
 * given back, tells that it was collected. */
static size_t open_pending(struct fixture *f)
{
    open_as(f, HOLM_RETENTION_STABLE);
    struct holm_op op = put_op();
    struct holm_event commit = {.type = HOLM_EVENT_COMMIT, .as.commit = {&op, 1}};
    (void)write(f, A, holm_op_put(holm_str("l"), holm_str("name"), holm_text("Eva")));
    assert_int_equal(holm_replica_step(f->replicas[A], &commit, now, &f->work), HOLM_OK);
    assert_true(holm_replica_pending(f->replicas[A]));
    size_t bury = write(f, B, holm_op_bury(key()));
    assert_int_equal(collect(f, B), HOLM_OK);
    size_t told = write(f, B, holm_op_put(holm_str("m"), holm_str("name"), holm_text("Ida")));
    assert_int_equal(f->runs[told]->collected.count, 1);
    reach(f, bury, A);
    assert_true(buried(f, A) && holm_replica_pending(f->replicas[A]));
    return told;
}

/* The same when S grows by a run of another. Else A's run would say that it was written beside no tombstone, and wait
 * for B's: who has it from A would see the key live, which at A is dead. */
static void test_replica_collect_when_a_run_brings_s_then_what_is_pending_is_sealed_before(
    void **state)
{
    (void)state;
    struct fixture f;
    size_t told = open_pending(&f);
    reach(&f, told, A);
    assert_int_equal(f.work->stored_count, 2);
    assert_true(holm_actor_equal(f.work->stored[0]->actor, actor_of(1, 1)));
    assert_int_equal(f.work->stored[0]->collected.count, 0);
    assert_true(f.work->stored[1] == f.runs[told]);
    assert_false(holm_replica_pending(f.replicas[A]) || buried(&f, A) || exists(&f, A));
    size_t sealed = f.run_count;
    keep_runs(&f);
    reach(&f, 0, C);
    reach(&f, told - 1, C);
    reach(&f, sealed, C);
    assert_true(buried(&f, C));
    reach(&f, told, C);
    assert_equal_states(&f, A, C);
    close(&f);
}

/* A refused allocation leaves what is pending as it is, or seals it as it was; never half of the run that came. */
static void test_replica_collect_when_a_run_brings_s_and_memory_runs_out_then_nothing_is_half_done(
    void **state)
{
    (void)state;
    struct fixture f;
    size_t told = open_pending(&f), sealed = 0, kept = 0;
    enum holm_status status = HOLM_ENOMEM;
    for (uint64_t fail_at = 1; status == HOLM_ENOMEM; fail_at++) {
        f.heap.calls = 0;
        f.heap.fail_at = fail_at;
        f.heap.fail_once = true;
        status = give(&f, told, A);
        f.heap.fail_at = 0;
        holm_replica_check(f.replicas[A]);
        if (status == HOLM_OK)
            break;
        bool pending = holm_replica_pending(f.replicas[A]);
        kept += pending ? 1 : 0;
        sealed += f.work->stored_count;
        assert_true(buried(&f, A) && sealed == (pending ? 0 : 1));
        assert_int_equal(holm_replica_collected(f.replicas[A]).count, 0);
        if (f.work->stored_count == 1)
            assert_int_equal(f.work->stored[0]->collected.count, 0);
        keep_runs(&f);
    }
    assert_int_equal(status, HOLM_OK);
    assert_true(kept > 0 && sealed == 1);
    assert_int_equal(f.work->stored_count, 1);
    assert_false(buried(&f, A));
    assert_int_equal(holm_replica_collected(f.replicas[A]).count, 1);
    close(&f);
}

static void test_replica_collect_when_all_have_a_run_then_the_log_drops_it(void **state)
{
    (void)state;
    struct fixture f;
    struct holm_replica_stats stats;
    open_as(&f, HOLM_RETENTION_STABLE);
    for (int i = 0; i < 5; i++)
        (void)write(&f, A, put_op());
    struct holm_dot some = dot_of(1, 1, 3);
    assert_int_equal(
        holm_replica_collect(f.replicas[A], (struct holm_vector_view){&some, 1}, now, &f.work),
        HOLM_OK);
    holm_replica_stats(f.replicas[A], &stats);
    assert_int_equal(stats.log_deltas, 2);
    assert_int_equal(collect(&f, A), HOLM_OK);
    holm_replica_stats(f.replicas[A], &stats);
    assert_int_equal(stats.log_deltas, 0);
    close(&f);
}

static void test_replica_collect_when_s_cannot_be_then_it_is_refused(void **state)
{
    (void)state;
    struct fixture f;
    open_as(&f, HOLM_RETENTION_STABLE);
    (void)write(&f, A, holm_op_bury(key()));
    struct holm_dot more = dot_of(1, 1, 2);
    assert_int_equal(
        holm_replica_collect(f.replicas[A], (struct holm_vector_view){&more, 1}, now, &f.work),
        HOLM_EINVAL);
    assert_true(buried(&f, A));
    assert_int_equal(collect(&f, A), HOLM_OK);
    size_t run = write(&f, A, put_op());
    struct holm_dot *claimed = (struct holm_dot *)(uintptr_t)f.runs[run]->collected.entries;
    claimed->seq = 9; /* nobody can have collected that */
    for (size_t i = 0; i < run; i++)
        reach(&f, i, B);
    assert_int_equal(give(&f, run, B), HOLM_EMALFORMED);
    assert_true(buried(&f, B));
    claimed->seq = 1;
    reach(&f, run, B);
    assert_true(exists(&f, B));
    close(&f);
    open_as(&f, HOLM_RETENTION_FOREVER);
    (void)write(&f, A, holm_op_bury(key()));
    assert_int_equal(collect(&f, A), HOLM_EINVAL);
    assert_true(buried(&f, A));
    close(&f);
}

static void test_replica_collect_when_any_allocation_fails_then_nothing_has_changed(void **state)
{
    (void)state;
    struct fixture f;
    open_as(&f, HOLM_RETENTION_STABLE);
    size_t runs[] = {write(&f, A, put_op()), write(&f, A, holm_op_bury(key()))};
    for (int i = 0; i < 2; i++)
        reach(&f, runs[i], B);
    enum holm_status status = HOLM_ENOMEM;
    uint64_t refused = 0;
    for (uint64_t fail_at = 1; status == HOLM_ENOMEM; fail_at++) {
        f.heap.calls = 0;
        f.heap.fail_at = fail_at;
        f.heap.fail_once = true;
        status = collect(&f, A);
        f.heap.fail_at = 0;
        assert_int_equal(buried(&f, A), status != HOLM_OK);
        refused += status == HOLM_ENOMEM ? 1 : 0;
    }
    assert_int_equal(status, HOLM_OK);
    size_t again = write(&f, A, put_op());
    status = HOLM_ENOMEM;
    for (uint64_t fail_at = 1; status == HOLM_ENOMEM; fail_at++) {
        f.heap.calls = 0;
        f.heap.fail_at = fail_at;
        f.heap.fail_once = true;
        status = give(&f, again, B);
        f.heap.fail_at = 0;
        holm_replica_check(f.replicas[B]);
        assert_int_equal(buried(&f, B), status != HOLM_OK);
        assert_int_equal(exists(&f, B), status == HOLM_OK);
        refused += status == HOLM_ENOMEM ? 1 : 0;
    }
    assert_int_equal(status, HOLM_OK);
    assert_true(refused > 2);
    assert_equal_states(&f, A, B);
    close(&f);
}

static int64_t sum(const struct fixture *f, int node)
{
    int64_t total;
    enum holm_status status = holm_replica_count(f->replicas[node], key(), holm_str("n"), &total);
    assert_true(status == HOLM_OK || (status == HOLM_ENOENT && total == 0));
    return total;
}

static size_t ghosts_gone(struct fixture *f, int node, int owner)
{
    struct holm_dot entries[NODES];
    size_t dropped = 77;
    size_t count = holm_replica_vector(f->replicas[owner], entries, NODES);
    assert_int_equal(holm_replica_drop_ghosts(
                         f->replicas[node], holm_replica_self(f->replicas[owner]),
                         (struct holm_vector_view){entries, count}, now, &f->work, &dropped),
                     HOLM_OK);
    holm_replica_check(f->replicas[node]);
    return dropped;
}

/* T13: a ghost goes when its owner knows, and not before. */
static void test_replica_collect_when_the_owner_knows_of_a_reset_then_its_ghost_goes(void **state)
{
    (void)state;
    struct fixture f;
    struct holm_op add = holm_op_add(key(), holm_str("n"), 5);
    open_as(&f, HOLM_RETENTION_FOREVER);
    reach(&f, write(&f, A, add), B);
    size_t reset = write(&f, B, holm_op_reset(key(), holm_str("n")));
    assert_int_equal(ghosts_gone(&f, B, A), 0); /* A has not heard */
    size_t unaware = write(&f, A, add);
    reach(&f, unaware, B);
    assert_int_equal(sum(&f, B), 5);
    reach(&f, reset, A);
    assert_int_equal(sum(&f, A), 5);
    reach(&f, write(&f, A, holm_op_reset(key(), holm_str("n"))), B);
    assert_int_equal(ghosts_gone(&f, B, A), 1);
    assert_int_equal(ghosts_gone(&f, B, A), 0);
    assert_int_equal(ghosts_gone(&f, A, A), 1); /* one's own */
    assert_equal_states(&f, A, B);
    reach(&f, write(&f, A, add), B);
    assert_int_equal(sum(&f, A), 5);
    assert_int_equal(sum(&f, B), 5);
    assert_equal_states(&f, A, B);
    assert_int_equal(ghosts_gone(&f, B, C), 0);
    close(&f);
}

/* T13: the owner knows of the reset by now, but what it counted before is still on its way. */
static void test_replica_collect_when_increments_are_on_their_way_then_the_ghost_waits(void **state)
{
    (void)state;
    struct fixture f;
    struct holm_op add = holm_op_add(key(), holm_str("n"), 5);
    open_as(&f, HOLM_RETENTION_FOREVER);
    reach(&f, write(&f, A, add), B);
    reach(&f, write(&f, C, add), B);
    size_t reset = write(&f, B, holm_op_reset(key(), holm_str("n")));
    size_t unaware = write(&f, A, add);
    for (size_t run = 0; run < unaware; run++)
        reach(&f, run, A);
    assert_int_equal(reset, unaware - 1);
    assert_int_equal(ghosts_gone(&f, B, A), 0);
    reach(&f, unaware, B);
    assert_int_equal(sum(&f, B), 5);
    assert_int_equal(ghosts_gone(&f, B, A), 0); /* it counts: it is none */
    assert_int_equal(sum(&f, B), 5);
    reach(&f, write(&f, B, holm_op_reset(key(), holm_str("n"))), A);
    assert_int_equal(ghosts_gone(&f, B, A), 1); /* and not C's */
    assert_int_equal(ghosts_gone(&f, A, A), 1);
    assert_equal_states(&f, A, B);
    close(&f);
}

/* An older state that still counts does not bring it back. */
static void test_replica_collect_when_a_ghost_has_gone_then_older_states_bring_nothing_back(
    void **state)
{
    (void)state;
    struct fixture f;
    open_as(&f, HOLM_RETENTION_FOREVER);
    size_t add = write(&f, A, holm_op_add(key(), holm_str("n"), 5));
    reach(&f, add, B);
    reach(&f, add, C);
    reach(&f, write(&f, B, holm_op_reset(key(), holm_str("n"))), A);
    assert_int_equal(ghosts_gone(&f, B, A), 1);
    assert_int_equal(ghosts_gone(&f, A, A), 1);
    assert_int_equal(merge(&f, C, B), HOLM_OK);
    assert_int_equal(sum(&f, B), 0);
    assert_int_equal(merge(&f, B, C), HOLM_OK);
    assert_int_equal(sum(&f, C), 0);
    assert_equal_states(&f, B, C);
    struct holm_replica_stats stats;
    holm_replica_stats(f.replicas[C], &stats);
    assert_int_equal(stats.records, 0);
    close(&f);
}

/* T13: A drops its own ghost; then C's reset comes, which saw less of the chain; and C's state, which
 * has more of it. */
static void test_replica_collect_when_a_ghost_has_gone_then_an_older_mark_makes_none(void **state)
{
    (void)state;
    for (int longer = 0; longer < 2; longer++) {
        struct fixture f;
        struct holm_op add = holm_op_add(key(), holm_str("n"), 5);
        struct holm_replica_stats stats;
        open_as(&f, HOLM_RETENTION_FOREVER);
        size_t beside = write(&f, B, holm_op_put(key(), holm_str("n"), holm_text("Ida")));
        reach(&f, beside, C);
        reach(&f, write(&f, A, add), C);
        size_t more = write(&f, A, add);
        size_t mark = write(&f, C, holm_op_reset(key(), holm_str("n")));
        reach(&f, more, C);
        size_t reset = write(&f, A, holm_op_reset(key(), holm_str("n")));
        assert_int_equal(ghosts_gone(&f, A, A), 1);
        reach(&f, beside, A); /* the record is there, and the path */
        reach(&f, mark, A);
        holm_replica_stats(f.replicas[A], &stats);
        assert_int_equal(stats.cells, 1);
        if (longer == 1)
            reach(&f, write(&f, A, add),
                  C); /* a new chain, held back at C: its causes are missing */
        assert_int_equal(merge(&f, C, A), HOLM_OK);
        assert_int_equal(sum(&f, A), 5 * longer);
        reach(&f, reset, C);
        assert_int_equal(sum(&f, C), 5 * longer);
        close(&f);
    }
}

static void test_replica_collect_when_dropping_ghosts_runs_out_of_memory_then_they_stay(
    void **state)
{
    (void)state;
    struct fixture f;
    open_as(&f, HOLM_RETENTION_FOREVER);
    (void)write(&f, A, holm_op_add(key(), holm_str("n"), 5));
    (void)write(&f, A, put_op());
    (void)write(&f, A, holm_op_reset(key(), holm_str("n")));
    struct holm_vector_view none = {NULL, 0};
    enum holm_status status = HOLM_ENOMEM;
    uint64_t refused = 0;
    for (uint64_t fail_at = 1; status == HOLM_ENOMEM; fail_at++) {
        size_t dropped = 77;
        f.heap.calls = 0;
        f.heap.fail_at = fail_at;
        f.heap.fail_once = true;
        status = holm_replica_drop_ghosts(f.replicas[A], actor_of(1, 1), none, now, &f.work,
                                          &dropped);
        f.heap.fail_at = 0;
        holm_replica_check(f.replicas[A]);
        assert_int_equal(dropped, status == HOLM_OK ? 1 : 0);
        refused += status == HOLM_ENOMEM ? 1 : 0;
    }
    assert_int_equal(status, HOLM_OK);
    assert_true(refused > 0);
    close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_replica_collect_when_a_key_is_written_again_then_it_lives_everywhere),
        cmocka_unit_test(
            test_replica_collect_when_s_comes_before_its_causes_then_the_dead_stay_dead),
        cmocka_unit_test(
            test_replica_collect_when_cuts_are_merged_then_tombstones_go_and_stay_away),
        cmocka_unit_test(
            test_replica_collect_when_one_of_two_tombstones_is_stable_then_the_key_stays_dead),
        cmocka_unit_test(
            test_replica_collect_when_operations_are_pending_then_they_are_sealed_before),
        cmocka_unit_test(
            test_replica_collect_when_a_run_brings_s_then_what_is_pending_is_sealed_before),
        cmocka_unit_test(
            test_replica_collect_when_a_run_brings_s_and_memory_runs_out_then_nothing_is_half_done),
        cmocka_unit_test(test_replica_collect_when_all_have_a_run_then_the_log_drops_it),
        cmocka_unit_test(test_replica_collect_when_s_cannot_be_then_it_is_refused),
        cmocka_unit_test(test_replica_collect_when_any_allocation_fails_then_nothing_has_changed),
        cmocka_unit_test(test_replica_collect_when_the_owner_knows_of_a_reset_then_its_ghost_goes),
        cmocka_unit_test(
            test_replica_collect_when_increments_are_on_their_way_then_the_ghost_waits),
        cmocka_unit_test(
            test_replica_collect_when_a_ghost_has_gone_then_older_states_bring_nothing_back),
        cmocka_unit_test(test_replica_collect_when_a_ghost_has_gone_then_an_older_mark_makes_none),
        cmocka_unit_test(
            test_replica_collect_when_dropping_ghosts_runs_out_of_memory_then_they_stay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

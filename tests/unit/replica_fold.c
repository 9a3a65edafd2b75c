/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Folded epochs in a replica. Everything happens twice: in one world epochs are folded whenever that may
 * be, in the other never; both must read the same at all times.
 */
#include "crdt/replica.h"

#include "tests/unit/core.h"

#define NODES_MAX 10
#define RUNS_MAX 400
#define ENTRIES_MAX 10100
#define COUNT(array) (sizeof(array) / sizeof(array)[0])

enum {
    FOLDING,
    PLAIN,
    WORLDS
};

struct fixture {
    struct heap heap;
    struct holm_allocator allocator;
    size_t nodes;
    uint64_t epochs[NODES_MAX];
    struct holm_replica *replicas[WORLDS][NODES_MAX];
    struct holm_delta *runs[WORLDS][RUNS_MAX];
    size_t run_count;
    bool given[RUNS_MAX][NODES_MAX];
    bool reported[NODES_MAX]; /* under the present epoch */
    struct holm_vector reports[NODES_MAX];
    const struct holm_work *work;
};

static const struct holm_now now = {1000000, 1000};
static const char *const keys[] = {"k", "l"};

static void open_nodes(struct fixture *f, size_t nodes, enum holm_retention retention)
{
    memset(f, 0, sizeof *f);
    f->allocator = heap_allocator(&f->heap);
    f->nodes = nodes;
    for (size_t i = 0; i < nodes; i++) {
        f->epochs[i] = 1;
        holm_vector_init(&f->reports[i], &f->allocator);
        for (int world = 0; world < WORLDS; world++) {
            struct holm_replica_config config = holm_replica_config_default();
            config.allocator = f->allocator;
            config.self = actor_of(i + 1, 1);
            config.random_seed = i;
            config.retention = retention;
            assert_int_equal(holm_replica_new(&config, &f->replicas[world][i]), HOLM_OK);
        }
    }
}

static void forget_runs(struct fixture *f)
{
    for (size_t i = 0; i < f->run_count; i++) {
        for (int world = 0; world < WORLDS; world++)
            holm_delta_release(f->runs[world][i]);
    }
    memset(f->given, 0, sizeof f->given);
    f->run_count = 0;
}

static void close_nodes(struct fixture *f)
{
    forget_runs(f);
    for (size_t i = 0; i < f->nodes; i++) {
        holm_vector_release(&f->reports[i]);
        for (int world = 0; world < WORLDS; world++) {
            holm_replica_check(f->replicas[world][i]);
            holm_replica_free(f->replicas[world][i]);
        }
    }
    assert_int_equal(f->heap.blocks, 0);
}

static enum holm_status step(struct fixture *f, int world, size_t node,
                             const struct holm_event *event)
{
    return holm_replica_step(f->replicas[world][node], event, now, &f->work);
}

/* Writes in both worlds, and seals. */
static void write(struct fixture *f, size_t node, struct holm_op op)
{
    const struct holm_event events[] = {{.type = HOLM_EVENT_COMMIT, .as.commit = {&op, 1}},
                                        {.type = HOLM_EVENT_FLUSH}};
    bool wrote[WORLDS] = {false, false};
    assert_true(f->run_count < RUNS_MAX);
    for (int world = 0; world < WORLDS; world++) {
        for (size_t i = 0; i < COUNT(events); i++) {
            assert_int_equal(step(f, world, node, &events[i]), HOLM_OK);
            if (f->work->stored_count == 0)
                continue;
            assert_true(f->work->stored_count == 1 && !wrote[world]);
            f->runs[world][f->run_count] = f->work->stored[0];
            holm_delta_retain(f->work->stored[0]);
            wrote[world] = true;
        }
    }
    assert_int_equal(wrote[FOLDING], wrote[PLAIN]);
    f->given[f->run_count][node] = true;
    f->run_count += wrote[PLAIN] ? 1 : 0;
}

static void give(struct fixture *f, size_t run, size_t node)
{
    if (f->given[run][node])
        return;
    f->given[run][node] = true;
    for (int world = 0; world < WORLDS; world++) {
        struct holm_message message = {.type = HOLM_MESSAGE_DELTA};
        message.sender = f->runs[world][run]->actor;
        message.as.delta = f->runs[world][run];
        struct holm_event event = {.type = HOLM_EVENT_MESSAGE,
                                   .as.message = {HOLM_PEER_NONE, &message}};
        assert_int_equal(step(f, world, node, &event), HOLM_OK);
    }
}

static void give_all(struct fixture *f)
{
    for (size_t run = 0; run < f->run_count; run++) {
        for (size_t node = 0; node < f->nodes; node++)
            give(f, run, node);
    }
}

static void next_epoch(struct fixture *f, size_t node)
{
    f->epochs[node] += 1;
    f->reported[node] = false;
    struct holm_event event = {.type = HOLM_EVENT_EPOCH, .as.epoch = {f->epochs[node]}};
    for (int world = 0; world < WORLDS; world++)
        assert_int_equal(step(f, world, node, &event), HOLM_OK);
}

static void load(struct fixture *f, int world, struct holm_replica *from, struct holm_replica *to)
{
    struct holm_cut *cut;
    const struct holm_page *pages[8];
    assert_int_equal(holm_cut_open(from, now, &f->work, &cut), HOLM_OK);
    size_t count = holm_cut_page_count(cut);
    assert_true(count <= COUNT(pages));
    for (size_t i = 0; i < count; i++)
        pages[i] = holm_cut_page(cut, i);
    assert_int_equal(holm_replica_load_collected(to, holm_cut_vector(cut), holm_cut_collected(cut),
                                                 pages, count, now, &f->work),
                     HOLM_OK);
    holm_cut_close(cut);
}

static void merge(struct fixture *f, size_t from, size_t to)
{
    for (int world = 0; world < WORLDS; world++)
        load(f, world, f->replicas[world][from], f->replicas[world][to]);
}

static void report(struct fixture *f, size_t node)
{
    struct holm_dot entries[ENTRIES_MAX];
    size_t count = holm_replica_vector(f->replicas[PLAIN][node], entries, ENTRIES_MAX);
    assert_true(count <= ENTRIES_MAX);
    assert_int_equal(
        holm_vector_assign(&f->reports[node], (struct holm_vector_view){entries, count}), HOLM_OK);
    f->reported[node] = true;
}

/* Whether an epoch is over and the same for all; and rule 1 of collection for a node. */
static bool may_fold(const struct fixture *f, struct holm_dot entry)
{
    if (entry.actor.epoch.value >= f->epochs[entry.actor.node.value - 1])
        return false;
    for (size_t i = 0; i < f->nodes; i++) {
        if (holm_vector_seq(holm_vector_view(&f->reports[i]), entry.actor) != entry.seq)
            return false;
    }
    return true;
}

static bool covers_reports(const struct fixture *f, struct holm_vector_view own)
{
    struct holm_vector_view none = {NULL, 0};
    for (size_t i = 0; i < f->nodes; i++) {
        if (!f->reported[i] || !holm_vector_covers(own, holm_vector_view(&f->reports[i]), none))
            return false;
    }
    return true;
}

/* Folds what may be, in the world that folds. */
static size_t fold(struct fixture *f, size_t node)
{
    struct holm_replica *replica = f->replicas[FOLDING][node];
    struct holm_dot entries[ENTRIES_MAX];
    struct holm_vector frontier;
    holm_vector_init(&frontier, &f->allocator);
    size_t count = holm_replica_vector(replica, entries, ENTRIES_MAX);
    assert_true(count <= ENTRIES_MAX);
    struct holm_vector_view own = {entries, count};
    uint64_t blocked = 0;
    if (!covers_reports(f, own))
        return 0;
    for (size_t i = 0; i < count; i++) {
        if (entries[i].actor.node.value == blocked || !may_fold(f, entries[i]))
            blocked = entries[i].actor.node.value;
        else
            assert_int_equal(holm_vector_raise(&frontier, entries[i].actor, HOLM_SEQ_FOLDED),
                             HOLM_OK);
    }
    assert_int_equal(holm_replica_collect(replica, holm_vector_view(&frontier), now, &f->work),
                     HOLM_OK);
    size_t folded = frontier.count;
    holm_vector_release(&frontier);
    return folded;
}

static size_t fold_all(struct fixture *f)
{
    size_t folded = 0;
    for (size_t i = 0; i < f->nodes; i++)
        report(f, i);
    for (size_t i = 0; i < f->nodes; i++)
        folded += fold(f, i);
    return folded;
}

static int64_t sum_of(const struct holm_replica *replica, const char *key)
{
    int64_t sum = 0;
    enum holm_status status = holm_replica_count(replica, holm_str(key), holm_str("n"), &sum);
    assert_true(status == HOLM_OK || (status == HOLM_ENOENT && sum == 0));
    return sum;
}

/* What is read of a node, and its vector's hash, are the same in both worlds. */
static void assert_worlds_agree(const struct fixture *f, size_t node)
{
    const struct holm_replica *a = f->replicas[FOLDING][node];
    const struct holm_replica *b = f->replicas[PLAIN][node];
    assert_true(holm_replica_vector_hash(a) == holm_replica_vector_hash(b));
    for (size_t i = 0; i < COUNT(keys); i++) {
        assert_true(sum_of(a, keys[i]) == sum_of(b, keys[i]));
        assert_int_equal(holm_replica_exists(a, holm_str(keys[i])),
                         holm_replica_exists(b, holm_str(keys[i])));
    }
    holm_replica_check(a);
}

static void assert_all_equal(const struct fixture *f, int world)
{
    for (size_t i = 1; i < f->nodes; i++) {
        const struct holm_replica *a = f->replicas[world][0];
        const struct holm_replica *b = f->replicas[world][i];
        assert_true(holm_replica_vector_hash(a) == holm_replica_vector_hash(b));
        assert_true(holm_digest_equal(holm_replica_digest(a), holm_replica_digest(b)));
    }
}

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
static void count_in_epochs(struct fixture *f)
{
    for (int64_t i = 1; i <= 3; i++) {
        write(f, 0, add_op(i));
        next_epoch(f, 0);
    }
    write(f, 1, add_op(100));
    give_all(f);
}

/* T20: one entry a node; values, hash and digests stay. */
static void test_replica_fold_when_epochs_have_ended_then_their_entries_are_one(void **state)
{
    struct fixture f;
    struct holm_vector vector;
    open_nodes(&f, 3, HOLM_RETENTION_STABLE);
    count_in_epochs(&f);
    assert_int_equal(entries_of(f.replicas[FOLDING][2]), 4);
    assert_int_equal(fold_all(&f), 3);
    for (size_t i = 0; i < 3; i++) {
        assert_worlds_agree(&f, i);
        assert_int_equal(entries_of(f.replicas[FOLDING][i]), 2);
        assert_int_equal(sum_of(f.replicas[FOLDING][i], "k"), 106);
        assert_int_equal(holm_replica_collected(f.replicas[FOLDING][i]).count, 1);
    }
    assert_all_equal(&f, FOLDING);
    holm_vector_init(&vector, &f.allocator);
    assert_int_equal(holm_replica_report(f.replicas[FOLDING][0], &vector), HOLM_OK);
    assert_int_equal(vector.count, 2);
    assert_true(holm_vector_seq(holm_vector_view(&vector), actor_of(1, 3)) == HOLM_SEQ_FOLDED);
    assert_true(holm_vector_seq(holm_vector_view(&vector), actor_of(2, 1)) == 1);
    holm_vector_release(&vector);
    close_nodes(&f);
}

/* T20: whoever folds first, resets are exact: by one who has folded, and by one who has not. */
static void test_replica_fold_when_what_is_folded_is_reset_then_nothing_of_it_is_left(void **state)
{
    for (size_t writer = 0; writer < 2; writer++) {
        struct fixture f;
        open_nodes(&f, 3, HOLM_RETENTION_STABLE);
        count_in_epochs(&f);
        for (size_t i = 0; i < 3; i++)
            report(&f, i);
        assert_int_equal(fold(&f, 0), 1);
        write(&f, writer, reset_op());
        write(&f, 2, add_op(7)); /* beside the reset */
        give_all(&f);
        for (size_t i = 0; i < 3; i++) {
            assert_int_equal(sum_of(f.replicas[FOLDING][i], "k"), 7);
            assert_worlds_agree(&f, i);
        }
        (void)fold_all(&f);
        assert_all_equal(&f, FOLDING);
        close_nodes(&f);
    }
}

static struct holm_replica *make_fresh(const struct fixture *f)
{
    struct holm_replica_config config = holm_replica_config_default();
    struct holm_replica *fresh;
    config.allocator = f->allocator;
    config.self = actor_of(9, 1);
    config.retention = HOLM_RETENTION_STABLE;
    assert_int_equal(holm_replica_new(&config, &fresh), HOLM_OK);
    return fresh;
}

/* An old store, from before the epochs ended that are folded since: it takes nothing back, and gets it
 * all. */
static void test_replica_fold_when_one_is_behind_then_it_catches_up(void **state)
{
    struct fixture f;
    open_nodes(&f, 3, HOLM_RETENTION_STABLE);
    struct holm_replica *older = make_fresh(&f);
    write(&f, 0, holm_op_add(holm_str("l"), holm_str("n"), 50));
    load(&f, FOLDING, f.replicas[FOLDING][0], older);
    count_in_epochs(&f);
    assert_int_equal(fold_all(&f), 3);
    load(&f, FOLDING, older, f.replicas[FOLDING][1]);
    assert_worlds_agree(&f, 1);
    assert_int_equal(sum_of(f.replicas[FOLDING][1], "k"), 106);
    load(&f, FOLDING, f.replicas[FOLDING][1], older);
    holm_replica_check(older);
    assert_int_equal(sum_of(older, "k"), 106);
    assert_int_equal(entries_of(older), 3);
    assert_true(
        holm_digest_equal(holm_replica_digest(older), holm_replica_digest(f.replicas[FOLDING][1])));
    holm_replica_free(older);
    close_nodes(&f);
}

/* A cut of a replica that folded to one that did not, to one that has nothing, and back. */
static void test_replica_fold_when_cuts_are_folded_differently_then_nothing_counts_twice(
    void **state)
{
    struct fixture f;
    open_nodes(&f, 3, HOLM_RETENTION_STABLE);
    count_in_epochs(&f);
    for (size_t i = 0; i < 3; i++)
        report(&f, i);
    assert_int_equal(fold(&f, 0), 1);
    merge(&f, 1, 0); /* from one who has not */
    merge(&f, 0, 1);
    struct holm_replica *fresh = make_fresh(&f);
    load(&f, FOLDING, f.replicas[FOLDING][0], fresh);
    holm_replica_check(fresh);
    assert_int_equal(sum_of(fresh, "k"), 106);
    assert_true(
        holm_digest_equal(holm_replica_digest(fresh), holm_replica_digest(f.replicas[FOLDING][1])));
    holm_replica_free(fresh);
    write(&f, 2, reset_op()); /* has not folded; the others learn of it by a cut */
    merge(&f, 2, 0);
    merge(&f, 1, 0); /* who still has it all does not bring it back */
    merge(&f, 0, 1);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(sum_of(f.replicas[FOLDING][i], "k"), 0);
        assert_worlds_agree(&f, i);
    }
    close_nodes(&f);
}

/* What the first node's beacon makes the second one count. */
static uint64_t breaches(struct fixture *f)
{
    struct holm_replica_stats stats;
    struct holm_beacon_entry line = holm_replica_beacon(f->replicas[FOLDING][0]);
    struct holm_message message = {.type = HOLM_MESSAGE_BEACON,
                                   .sender = actor_of(1, f->epochs[0])};
    message.as.beacon = (struct holm_beacon){&line, 1};
    struct holm_event event = {.type = HOLM_EVENT_MESSAGE, .as.message = {0, &message}};
    assert_int_equal(step(f, FOLDING, 1, &event), HOLM_OK);
    holm_replica_stats(f->replicas[FOLDING][1], &stats);
    return stats.digest_breaches;
}

/* Who has not folded yet has another digest of the same state: nothing is wrong. */
static void test_replica_fold_when_beacons_tell_of_other_folds_then_no_breach_is_seen(void **state)
{
    struct fixture f;
    open_nodes(&f, 2, HOLM_RETENTION_STABLE);
    count_in_epochs(&f);
    struct holm_event up = {.type = HOLM_EVENT_PEER_UP, .as.peer = {0, actor_of(1, 4)}};
    assert_int_equal(step(&f, FOLDING, 1, &up), HOLM_OK);
    assert_int_equal(breaches(&f), 0);
    for (size_t i = 0; i < 2; i++)
        report(&f, i);
    assert_int_equal(fold(&f, 0), 1);
    assert_false(holm_digest_equal(holm_replica_digest(f.replicas[FOLDING][0]),
                                   holm_replica_digest(f.replicas[FOLDING][1])));
    assert_int_equal(breaches(&f), 0);
    assert_int_equal(fold(&f, 1), 1);
    assert_int_equal(breaches(&f), 0);
    assert_all_equal(&f, FOLDING);
    close_nodes(&f);
}

/* Whether a node may catch up with another by what differs. */
static enum holm_status catch_up(struct fixture *f, size_t from, size_t to)
{
    struct holm_reconcile_config config = holm_reconcile_config_default(4096);
    struct holm_offer *offer;
    struct holm_catchup *catchup;
    assert_int_equal(holm_catchup_open(f->replicas[FOLDING][to], &config, now, &f->work, &catchup),
                     HOLM_OK);
    assert_int_equal(holm_offer_open(f->replicas[FOLDING][from], &config,
                                     holm_catchup_vector(catchup), now, &f->work, &offer),
                     HOLM_OK);
    struct holm_offer_cut cut = holm_offer_cut(offer);
    enum holm_status status = holm_catchup_start(catchup, &cut);
    holm_catchup_close(catchup);
    holm_offer_close(offer);
    return status;
}

static void test_replica_fold_when_there_are_folds_then_only_whole_cuts_are_taken(void **state)
{
    struct fixture f;
    open_nodes(&f, 2, HOLM_RETENTION_STABLE);
    count_in_epochs(&f);
    assert_int_equal(catch_up(&f, 0, 1), HOLM_OK);
    for (size_t i = 0; i < 2; i++)
        report(&f, i);
    assert_int_equal(fold(&f, 0), 1);
    assert_int_equal(catch_up(&f, 0, 1), HOLM_ELIMIT);
    assert_int_equal(catch_up(&f, 1, 0), HOLM_ELIMIT);
    close_nodes(&f);
}

/* A sum that would leave 64 bits stays by itself, on all replicas the same. */
static void test_replica_fold_when_a_sum_is_too_large_then_its_entry_stays(void **state)
{
    struct fixture f;
    open_nodes(&f, 2, HOLM_RETENTION_STABLE);
    const int64_t amounts[] = {INT64_MAX, 5, -7};
    for (size_t i = 0; i < 3; i++) {
        write(&f, 0, add_op(amounts[i]));
        next_epoch(&f, 0);
        give_all(&f);
        for (size_t node = 0; node < 2; node++)
            report(&f, node);
        (void)fold(&f, 1); /* one by one; the other all at once */
    }
    assert_int_equal(fold_all(&f), 2);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(entries_of(f.replicas[FOLDING][i]), 2);
        assert_worlds_agree(&f, i);
    }
    assert_all_equal(&f, FOLDING);
    write(&f, 1, reset_op());
    give_all(&f);
    assert_int_equal(sum_of(f.replicas[FOLDING][0], "k"), 0);
    assert_int_equal(entries_of(f.replicas[FOLDING][0]), 0);
    assert_worlds_agree(&f, 0);
    close_nodes(&f);
}

static void test_replica_fold_when_it_cannot_be_then_it_is_refused(void **state)
{
    struct fixture f;
    open_nodes(&f, 2, HOLM_RETENTION_STABLE);
    count_in_epochs(&f);
    const struct holm_dot wrong[] = {dot_of(2, 1, HOLM_SEQ_FOLDED), dot_of(1, 7, HOLM_SEQ_FOLDED),
                                     dot_of(1, 0, HOLM_SEQ_FOLDED), dot_of(3, 1, HOLM_SEQ_FOLDED)};
    for (size_t i = 0; i < COUNT(wrong); i++)
        assert_int_equal(holm_replica_collect(f.replicas[FOLDING][1],
                                              (struct holm_vector_view){&wrong[i], 1}, now,
                                              &f.work),
                         HOLM_EINVAL);
    assert_int_equal(holm_replica_collected(f.replicas[FOLDING][1]).count, 0);
    close_nodes(&f);
}

static void test_replica_fold_when_any_allocation_fails_then_nothing_has_changed(void **state)
{
    struct fixture f;
    open_nodes(&f, 2, HOLM_RETENTION_STABLE);
    count_in_epochs(&f);
    const struct holm_dot folded = dot_of(1, 3, HOLM_SEQ_FOLDED);
    enum holm_status status = HOLM_ENOMEM;
    uint64_t refused = 0;
    for (uint64_t fail_at = 1; status == HOLM_ENOMEM; fail_at++) {
        f.heap.calls = 0;
        f.heap.fail_at = fail_at;
        f.heap.fail_once = true;
        status = holm_replica_collect(f.replicas[FOLDING][1], (struct holm_vector_view){&folded, 1},
                                      now, &f.work);
        f.heap.fail_at = 0;
        assert_worlds_agree(&f, 1);
        assert_int_equal(entries_of(f.replicas[FOLDING][1]), status == HOLM_OK ? 2 : 4);
        refused += status == HOLM_ENOMEM ? 1 : 0;
    }
    assert_int_equal(status, HOLM_OK);
    assert_true(refused > 1);
    close_nodes(&f);
}

/* ---- T20 */

#define T20_NODES 10
#define T20_EPOCHS 1000
#define T20_ROUND 50

/* All to one, and that one to all. */
static void exchange(struct fixture *f)
{
    for (size_t i = 1; i < f->nodes; i++)
        merge(f, i, 0);
    for (size_t i = 1; i < f->nodes; i++)
        merge(f, 0, i);
}

static void live_a_round(struct fixture *f)
{
    for (size_t node = 0; node < f->nodes; node++) {
        struct holm_bytes key = holm_str("s");
        for (int i = 0; i < T20_ROUND; i++) {
            write(f, node, add_op(i % 3 == 0 ? -1 : 2));
            next_epoch(f, node);
            forget_runs(f);
        }
        write(f, node, holm_op_insert(key, holm_str("who"), holm_mem(&node, 1)));
        forget_runs(f);
    }
    exchange(f);
    (void)fold_all(f);
}

/* T20: with folds S, what is reported, and counters are O(nodes); without, one small entry an epoch. */
static void test_replica_fold_when_ten_nodes_live_a_thousand_epochs_then_state_stays_small(
    void **state)
{
    static struct fixture f;
    struct holm_vector vector;
    struct holm_replica_stats folding, plain;
    int64_t expected = 0;
    open_nodes(&f, T20_NODES, HOLM_RETENTION_STABLE);
    for (int i = 0; i < T20_EPOCHS / T20_ROUND; i++)
        live_a_round(&f);
    for (int i = 0; i < T20_ROUND; i++)
        expected += i % 3 == 0 ? -1 : 2;
    expected *= T20_NODES * (T20_EPOCHS / T20_ROUND);
    holm_vector_init(&vector, &f.allocator);
    for (size_t i = 0; i < f.nodes; i++) {
        const struct holm_replica *replica = f.replicas[FOLDING][i];
        assert_true(sum_of(replica, "k") == expected);
        assert_true(sum_of(f.replicas[PLAIN][i], "k") == expected);
        assert_true(holm_replica_vector_hash(replica) ==
                    holm_replica_vector_hash(f.replicas[PLAIN][i]));
        holm_replica_stats(replica, &folding);
        holm_replica_stats(f.replicas[PLAIN][i], &plain);
        assert_in_range(folding.cells, T20_NODES, 3 * T20_NODES);
        assert_in_range(plain.cells, T20_NODES * T20_EPOCHS, T20_NODES * (T20_EPOCHS + 2));
        assert_true(folding.state_bytes < 32768);
        assert_true(plain.state_bytes < (uint64_t)T20_NODES * T20_EPOCHS * 80);
        assert_int_equal(holm_replica_collected(replica).count, T20_NODES);
        assert_int_equal(holm_replica_report(replica, &vector), HOLM_OK);
        assert_in_range(vector.count, T20_NODES, 2 * T20_NODES);
        assert_int_equal(folding.digest_breaches + plain.digest_breaches, 0);
    }
    assert_all_equal(&f, FOLDING);
    assert_all_equal(&f, PLAIN);
    struct holm_event up = {.type = HOLM_EVENT_PEER_UP, .as.peer = {0, actor_of(1, f.epochs[0])}};
    assert_int_equal(step(&f, FOLDING, 1, &up), HOLM_OK);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(breaches(&f), 0);
        assert_int_equal(f.work->output_count, 0); /* no chatter */
    }
    holm_vector_release(&vector);
    close_nodes(&f);
}

/* ---- anything, in any order */

static struct holm_op draw_op(struct chance *chance)
{
    struct holm_bytes key = holm_str(keys[chance_below(chance, COUNT(keys))]);
    uint64_t kind = chance_below(chance, 10);
    if (kind == 0)
        return holm_op_remove(key, holm_mem(NULL, 0));
    if (kind < 3)
        return holm_op_reset(key, holm_str("n"));
    return holm_op_add(key, holm_str("n"), (int64_t)chance_below(chance, 9) - 3);
}

static void draw_step(struct fixture *f, struct chance *chance, size_t *folded)
{
    size_t node = chance_below(chance, f->nodes);
    uint64_t kind = chance_below(chance, 20);
    if (kind < 5)
        write(f, node, draw_op(chance));
    else if (kind < 13 && f->run_count > 0)
        give(f, chance_below(chance, f->run_count), node);
    else if (kind == 13)
        next_epoch(f, node);
    else if (kind < 16)
        merge(f, chance_below(chance, f->nodes), node);
    else if (kind < 18)
        report(f, node);
    else
        *folded += fold(f, node);
    assert_worlds_agree(f, node);
}

/* What was held of a former epoch may have been dropped: cuts bring it. */
static void meet(struct fixture *f)
{
    exchange(f);
    for (size_t i = 0; i < f->nodes; i++)
        assert_worlds_agree(f, i);
}

static void test_replica_fold_when_anything_happens_then_both_worlds_agree(void **state)
{
    size_t folded = 0;
    for (uint64_t seed = 1; seed <= 300; seed++) {
        struct chance chance = {.state = seed};
        struct fixture f;
        open_nodes(&f, 2 + seed % 3, HOLM_RETENTION_STABLE);
        for (int i = 0; i < 200; i++)
            draw_step(&f, &chance, &folded);
        meet(&f);
        folded += fold_all(&f);
        assert_all_equal(&f, FOLDING);
        assert_all_equal(&f, PLAIN);
        close_nodes(&f);
    }
    assert_true(folded > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_replica_fold_when_epochs_have_ended_then_their_entries_are_one),
        cmocka_unit_test(test_replica_fold_when_what_is_folded_is_reset_then_nothing_of_it_is_left),
        cmocka_unit_test(
            test_replica_fold_when_cuts_are_folded_differently_then_nothing_counts_twice),
        cmocka_unit_test(test_replica_fold_when_beacons_tell_of_other_folds_then_no_breach_is_seen),
        cmocka_unit_test(test_replica_fold_when_there_are_folds_then_only_whole_cuts_are_taken),
        cmocka_unit_test(test_replica_fold_when_one_is_behind_then_it_catches_up),
        cmocka_unit_test(test_replica_fold_when_a_sum_is_too_large_then_its_entry_stays),
        cmocka_unit_test(test_replica_fold_when_it_cannot_be_then_it_is_refused),
        cmocka_unit_test(test_replica_fold_when_any_allocation_fails_then_nothing_has_changed),
        cmocka_unit_test(
            test_replica_fold_when_ten_nodes_live_a_thousand_epochs_then_state_stays_small),
        cmocka_unit_test(test_replica_fold_when_anything_happens_then_both_worlds_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

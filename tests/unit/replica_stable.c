/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Three replicas with retention `stable`, at random: writes, runs in any order, whole cuts, catch-ups amid
 * which others go on, collections and ghosts dropped, each when all allow it. Every catch-up is held
 * against the merge of the whole cut; in the end all are equal, and no tombstone is left. T13, T21, T39,
 * and T22: every other seed has more keys, compared by hashes of 8 bits, of which some meet.
 *
 *     HOLM_STABLE_SEED=n                  plays one
 *     HOLM_SOAK=1 [HOLM_SOAK_SEEDS=n]     more of them
 */
#include "tests/unit/talk.h"

#include <stdio.h>
#include <stdlib.h>

#define NODES 3
#define STEPS 120
#define SEEDS 400
#define FILL 64
#define RUNS_MAX 512
#define PAGES_MAX 8

static const struct holm_now now = {1000000, 1000};

/* How states go from one to another. */
enum by {
    BY_BOTH,
    BY_CUTS,
    BY_CATCHUPS,
    BYS
};

struct totals {
    uint64_t collections, ghosts, catchups, compared;
    uint64_t again; /* rounds with other hashes, because two had met */
};

struct trio {
    struct heap heap;
    struct holm_replica *replicas[NODES];
    struct holm_delta *runs[RUNS_MAX];
    size_t run_count;
    struct chance chance;
    enum by by;
    uint8_t width;
    struct totals *totals;
};

static struct holm_replica *make(struct trio *t, uint64_t node)
{
    struct holm_replica_config config = holm_replica_config_default();
    struct holm_replica *made;
    config.allocator = heap_allocator(&t->heap);
    config.self = actor_of(node, 1);
    config.random_seed = node;
    config.retention = HOLM_RETENTION_STABLE;
    assert_int_equal(holm_replica_new(&config, &made), HOLM_OK);
    return made;
}

static void keep_runs(struct trio *t, const struct holm_work *work)
{
    for (size_t i = 0; work != NULL && i < work->stored_count; i++) {
        assert_true(t->run_count < RUNS_MAX);
        t->runs[t->run_count] = work->stored[i];
        holm_delta_retain(t->runs[t->run_count++]);
    }
}

static enum holm_status step(struct trio *t, size_t node, const struct holm_event *event)
{
    const struct holm_work *work = NULL;
    enum holm_status status = holm_replica_step(t->replicas[node], event, now, &work);
    keep_runs(t, work);
    return status;
}

static void flush_all(struct trio *t)
{
    struct holm_event flush = {.type = HOLM_EVENT_FLUSH};
    for (size_t i = 0; i < NODES; i++)
        assert_int_equal(step(t, i, &flush), HOLM_OK);
}

static uint64_t below(struct trio *t, uint64_t bound)
{
    return chance_below(&t->chance, bound);
}

/* ---- writes and runs ------------------------------------------------------------------------ */

static void write_any(struct trio *t, size_t node)
{
    static const char *const keys[] = {"k", "l", "m"};
    static const enum holm_op_type types[] = {HOLM_OP_PUT,   HOLM_OP_ADD,    HOLM_OP_ADD,
                                              HOLM_OP_RESET, HOLM_OP_REMOVE, HOLM_OP_BURY};
    struct holm_op op = {.type = types[below(t, 6)], .key = holm_str(keys[below(t, 3)])};
    if (op.type == HOLM_OP_PUT) {
        op.field = holm_str("f");
        op.as.value = holm_i64((int64_t)below(t, 1000));
    } else if (op.type == HOLM_OP_ADD || op.type == HOLM_OP_RESET) {
        op.field = holm_str("n");
        if (op.type == HOLM_OP_ADD)
            op.as.amount = 1 + (int64_t)below(t, 1000);
    }
    struct holm_event commit = {.type = HOLM_EVENT_COMMIT, .as.commit = {&op, 1}};
    enum holm_status status = step(t, node, &commit);
    assert_true(status == HOLM_OK || status == HOLM_EBURIED);
}

/* So much that ranges are compared, and not listed at once. */
static void fill(struct trio *t, size_t node)
{
    for (int i = 0; i < FILL; i++) {
        char key[16];
        (void)snprintf(key, sizeof key, "fill%d", i);
        struct holm_op op = holm_op_put(holm_str(key), holm_str("f"), holm_i64(i));
        struct holm_event commit = {.type = HOLM_EVENT_COMMIT, .as.commit = {&op, 1}};
        assert_int_equal(step(t, node, &commit), HOLM_OK);
    }
}

static void give(struct trio *t, size_t run, size_t node)
{
    struct holm_message message = {
        .type = HOLM_MESSAGE_DELTA, .sender = t->runs[run]->actor, .as.delta = t->runs[run]};
    struct holm_event event = {.type = HOLM_EVENT_MESSAGE,
                               .as.message = {HOLM_PEER_NONE, &message}};
    assert_int_equal(step(t, node, &event), HOLM_OK);
}

static void give_late(struct trio *t, size_t node)
{
    flush_all(t);
    if (t->run_count > 0)
        give(t, t->run_count - 1 - below(t, t->run_count < 12 ? t->run_count : 12), node);
}

static void give_all(struct trio *t, size_t node)
{
    for (size_t i = 0; i < t->run_count; i++)
        give(t, i, node);
}

/* ---- what may be collected: what all have --------------------------------------------------- */

static size_t vector_of(const struct trio *t, size_t node, struct holm_dot *entries)
{
    size_t count = holm_replica_vector(t->replicas[node], entries, NODES);
    assert_in_range(count, 0, NODES);
    return count;
}

static bool has_all_of(const struct trio *t, size_t node, size_t other)
{
    struct holm_dot entries[NODES];
    size_t count = vector_of(t, other, entries);
    for (size_t i = 0; i < count; i++) {
        if (holm_replica_seq(t->replicas[node], entries[i].actor) < entries[i].seq)
            return false;
    }
    return true;
}

static void collect(struct trio *t, size_t node)
{
    struct holm_dot entries[NODES];
    const struct holm_work *work = NULL;
    size_t left = 0;
    flush_all(t);
    for (size_t i = 0; i < NODES; i++) {
        if (!has_all_of(t, node, i))
            return;
    }
    size_t count = vector_of(t, node, entries);
    for (size_t i = 0; i < count; i++) {
        struct holm_dot least = entries[i];
        for (size_t other = 0; other < NODES; other++) {
            uint64_t seq = holm_replica_seq(t->replicas[other], least.actor);
            least.seq = seq < least.seq ? seq : least.seq;
        }
        if (least.seq > 0)
            entries[left++] = least;
    }
    if (left == 0)
        return;
    assert_int_equal(holm_replica_collect(t->replicas[node],
                                          (struct holm_vector_view){entries, left}, now, &work),
                     HOLM_OK);
    keep_runs(t, work);
    t->totals->collections += 1;
}

static void drop_ghosts(struct trio *t, size_t node, size_t owner)
{
    struct holm_dot entries[NODES];
    const struct holm_work *work = NULL;
    size_t dropped = 0;
    flush_all(t);
    size_t count = vector_of(t, owner, entries);
    assert_int_equal(holm_replica_drop_ghosts(t->replicas[node], actor_of(owner + 1, 1),
                                              (struct holm_vector_view){entries, count}, now, &work,
                                              &dropped),
                     HOLM_OK);
    keep_runs(t, work);
    t->totals->ghosts += dropped;
}

/* ---- whole cuts ----------------------------------------------------------------------------- */

static struct holm_cut *open_cut(struct trio *t, struct holm_replica *from)
{
    struct holm_cut *cut;
    const struct holm_work *work = NULL;
    assert_int_equal(holm_cut_open(from, now, &work, &cut), HOLM_OK);
    keep_runs(t, work);
    return cut;
}

static void load(struct trio *t, const struct holm_cut *cut, struct holm_replica *to)
{
    const struct holm_page *pages[PAGES_MAX];
    const struct holm_work *work = NULL;
    size_t count = holm_cut_page_count(cut);
    assert_in_range(count, 0, PAGES_MAX);
    for (size_t i = 0; i < count; i++)
        pages[i] = holm_cut_page(cut, i);
    assert_int_equal(holm_replica_load_collected(to, holm_cut_vector(cut), holm_cut_collected(cut),
                                                 pages, count, now, &work),
                     HOLM_OK);
    keep_runs(t, work);
}

static void merge(struct trio *t, size_t from, size_t to)
{
    struct holm_cut *cut = open_cut(t, t->replicas[from]);
    load(t, cut, t->replicas[to]);
    holm_cut_close(cut);
}

/* ---- catch-ups ------------------------------------------------------------------------------ */

static void took(void *context, struct holm_replica *replica, const struct holm_work *work)
{
    (void)replica;
    keep_runs(context, work);
}

static void assert_equal_vectors(struct holm_vector_view a, struct holm_vector_view b)
{
    assert_int_equal(a.count, b.count);
    for (size_t i = 0; i < a.count; i++)
        assert_int_equal(holm_vector_view_seq(b, a.entries[i].actor), a.entries[i].seq);
}

static void assert_same(const struct holm_replica *a, const struct holm_replica *b)
{
    assert_int_equal(holm_replica_vector_hash(a), holm_replica_vector_hash(b));
    assert_true(holm_digest_equal(holm_replica_digest(a), holm_replica_digest(b)));
    assert_true(
        holm_digest_equal(holm_replica_transfer_digest(a), holm_replica_transfer_digest(b)));
    assert_equal_vectors(holm_replica_collected(a), holm_replica_collected(b));
}

/* What the receiver is now, merged with the cut; NULL when it holds runs back, which that might free. */
static struct holm_replica *expect(struct trio *t, size_t receiver, const struct holm_cut *cut)
{
    struct holm_replica_stats stats;
    holm_replica_stats(t->replicas[receiver], &stats);
    if (stats.held > 0)
        return NULL;
    struct holm_replica *copy = make(t, 99);
    struct holm_cut *own = open_cut(t, t->replicas[receiver]);
    load(t, own, copy);
    holm_cut_close(own);
    load(t, cut, copy);
    return copy;
}

static void go_on(struct trio *t, size_t server, size_t receiver)
{
    for (uint64_t left = below(t, 4); left > 0; left--) {
        size_t node = below(t, 2) == 0 ? server : receiver;
        switch (below(t, 5)) {
        case 0:
            give_late(t, node);
            break;
        case 1:
            collect(t, node);
            break;
        case 2:
            drop_ghosts(t, node, below(t, NODES));
            break;
        default:
            write_any(t, node);
        }
    }
}

static void catch_up(struct trio *t, size_t server, size_t receiver, bool amid)
{
    struct talk talk = {.server = t->replicas[server],
                        .receiver = t->replicas[receiver],
                        .allocator = heap_allocator(&t->heap),
                        .config = holm_reconcile_config_default(4096),
                        .now = now,
                        .took = took,
                        .context = t};
    enum holm_status status;
    struct holm_cut *cut = open_cut(t, talk.server);
    talk.config.width = t->width;
    talk.config.hop_bytes = 0;
    talk_open(&talk);
    do {
        if (amid)
            go_on(t, server, receiver);
        assert_in_range(talk.asks, 0, 10000);
    } while (talk_round(&talk, &status));
    assert_int_equal(status, HOLM_OK);
    struct holm_replica *expected = expect(t, receiver, cut);
    assert_int_equal(talk_finish(&talk), HOLM_OK);
    t->totals->again += holm_catchup_figures(talk.catchup).rounds - 1;
    talk_close(&talk);
    holm_replica_check(talk.receiver);
    if (expected != NULL)
        assert_same(talk.receiver, expected);
    t->totals->compared += expected != NULL;
    t->totals->catchups += 1;
    holm_replica_free(expected);
    holm_cut_close(cut);
}

/* ---- stories -------------------------------------------------------------------------------- */

static void step_any(struct trio *t)
{
    size_t x = below(t, NODES), y = (x + 1 + below(t, NODES - 1)) % NODES;
    uint64_t drawn = below(t, 16);
    if (drawn < 6)
        write_any(t, x);
    else if (drawn < 9)
        give_late(t, x);
    else if (drawn == 9 && t->by != BY_CATCHUPS)
        merge(t, y, x);
    else if (drawn == 10 && t->by != BY_CUTS)
        catch_up(t, y, x, true);
    else if (drawn == 11)
        give_all(t, x);
    else if (drawn == 12 || drawn == 13)
        collect(t, x);
    else if (drawn > 13)
        drop_ghosts(t, x, y);
    holm_replica_check(t->replicas[x]);
}

static void all_to_all(struct trio *t)
{
    for (size_t i = 0; i < NODES; i++) {
        for (size_t j = 1; j < NODES; j++) {
            if (t->by == BY_CUTS)
                merge(t, i, (i + j) % NODES);
            else
                catch_up(t, i, (i + j) % NODES, false);
        }
    }
}

/* All get all, which makes them equal; then all is collected, and nothing is left that is dead. */
static void end_well(struct trio *t)
{
    flush_all(t);
    for (int i = 0; i < 3; i++)
        all_to_all(t);
    for (size_t i = 1; i < NODES; i++) {
        assert_int_equal(holm_replica_vector_hash(t->replicas[i]),
                         holm_replica_vector_hash(t->replicas[0]));
        assert_true(holm_digest_equal(holm_replica_digest(t->replicas[i]),
                                      holm_replica_digest(t->replicas[0])));
    }
    for (size_t i = 0; i < NODES; i++)
        collect(t, i);
    for (size_t i = 0; i < NODES * NODES; i++) {
        if (i / NODES != i % NODES)
            drop_ghosts(t, i / NODES, i % NODES);
    }
    all_to_all(t);
    for (size_t i = 0; i < NODES; i++) {
        struct holm_replica_stats stats;
        holm_replica_stats(t->replicas[i], &stats);
        assert_int_equal(stats.tombstones, 0);
        assert_same(t->replicas[i], t->replicas[0]);
    }
}

static void play(uint64_t seed, struct totals *totals)
{
    static struct trio trio;
    struct trio *t = &trio;
    memset(t, 0, sizeof *t);
    t->chance.state = seed;
    t->by = (enum by)(seed % BYS);
    t->width = seed % 2 == 0 ? 1 : 8;
    t->totals = totals;
    for (size_t i = 0; i < NODES; i++)
        t->replicas[i] = make(t, i + 1);
    if (t->width == 1)
        fill(t, seed / 2 % NODES);
    for (size_t i = 0; i < STEPS; i++)
        step_any(t);
    end_well(t);
    for (size_t i = 0; i < NODES; i++) {
        holm_replica_check(t->replicas[i]);
        holm_replica_free(t->replicas[i]);
    }
    for (size_t i = 0; i < t->run_count; i++)
        holm_delta_release(t->runs[i]);
    assert_int_equal(t->heap.blocks, 0);
}

static uint64_t number(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text == NULL ? otherwise : strtoull(text, NULL, 10);
}

static void test_replica_when_tombstones_go_at_random_then_all_end_equal(void **state)
{
    (void)state;
    struct totals totals = {0};
    uint64_t first = number("HOLM_STABLE_SEED", 1);
    uint64_t count = getenv("HOLM_STABLE_SEED") != NULL ? 1
                     : getenv("HOLM_SOAK") != NULL      ? number("HOLM_SOAK_SEEDS", 100000)
                                                        : SEEDS;
    for (uint64_t seed = first; seed < first + count; seed++) {
        /* Only of a seed that fails is the line ever seen: each one writes over the last. */
        fprintf(stderr, "HOLM_STABLE_SEED=%llu\r", (unsigned long long)seed);
        play(seed, &totals);
    }
    fputc('\n', stderr);
    if (count < SEEDS)
        return;
    assert_true(totals.collections > count && totals.ghosts > count);
    assert_true(totals.catchups > 10 * count && totals.compared > totals.catchups / 2);
    assert_true(totals.again > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_replica_when_tombstones_go_at_random_then_all_end_equal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Real nodes over real sockets, several in one process, by broadcast and by feeds: they meet, converge, are cut and heal, die
 * and come back, and are written to by many threads.
 */
#include <holm/fault.h>

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "node/node.h"
#include "node/witness.h"

#define NODES 3
#define DEADLINE_MS 20000

struct cluster {
    bool tcp;
    bool relay;
    char directory[64];
    char names[NODES][24];
    char listen[NODES][96];
    struct holm_node *nodes[NODES];
};

/* ---- set-up --------------------------------------------------------------------------------- */

static void start(struct cluster *cluster, int index, const char *seeds)
{
    struct holm_config config = holm_config_default();
    config.name = cluster->names[index];
    config.listen = cluster->listen[index];
    config.seeds = seeds;
    config.log_level = 1;
    config.link_timeout_ms = 600;
    config.redial_interval_ms = 100;
    config.beacon_interval_ms = 200;
    config.relay = cluster->relay;
    assert_int_equal(holm_open(&config, &cluster->nodes[index]), HOLM_OK);
}

static void stop(struct cluster *cluster, int index)
{
    holm_close(cluster->nodes[index]);
    cluster->nodes[index] = NULL;
}

static int open_cluster(void **state, bool tcp, bool relay)
{
    struct cluster *cluster = calloc(1, sizeof *cluster);
    assert_non_null(cluster);
    cluster->tcp = tcp;
    cluster->relay = relay;
    strcpy(cluster->directory, "/tmp/holm-node.XXXXXX");
    assert_non_null(mkdtemp(cluster->directory));
    for (int i = 0; i < NODES; i++) {
        snprintf(cluster->names[i], sizeof cluster->names[i], "node-%d", i);
        if (tcp)
            strcpy(cluster->listen[i], "tcp://127.0.0.1:0");
        else
            snprintf(cluster->listen[i], sizeof cluster->listen[i], "ipc://%s/%d",
                     cluster->directory, i);
        start(cluster, i, i == 0 ? NULL : cluster->listen[0]);
        /* From now on its port is known. */
        snprintf(cluster->listen[i], sizeof cluster->listen[i], "%s",
                 holm_address(cluster->nodes[i]));
    }
    for (int i = 0; i < NODES; i++)
        assert_int_equal(holm_wait_peers(cluster->nodes[i], NODES - 1, DEADLINE_MS), HOLM_OK);
    *state = cluster;
    return 0;
}

static int open_ipc(void **state)
{
    return open_cluster(state, false, false);
}

static int open_tcp(void **state)
{
    return open_cluster(state, true, false);
}

static int open_relay(void **state)
{
    return open_cluster(state, true, true);
}

static int close_cluster(void **state)
{
    struct cluster *cluster = *state;
    for (int i = 0; i < NODES; i++)
        holm_close(cluster->nodes[i]);
    /* Its nodes have taken their sockets away. */
    assert_int_equal(rmdir(cluster->directory), 0);
    free(cluster);
    return 0;
}

/* ---- waiting, bounded ----------------------------------------------------------------------- */

static void pause_ms(long ms)
{
    struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    nanosleep(&time, NULL);
}

static bool eventually(bool (*condition)(struct cluster *cluster), struct cluster *cluster)
{
    for (int waited = 0; waited < DEADLINE_MS; waited += 5) {
        if (condition(cluster))
            return true;
        pause_ms(5);
    }
    return false;
}

/* Equal vectors, equal digests, nothing held back; of the nodes that are open. */
static bool converged(struct cluster *cluster)
{
    struct holm_stats first = {.digest = 0}, stats;
    bool begun = false;
    for (int i = 0; i < NODES; i++) {
        if (cluster->nodes[i] == NULL)
            continue;
        for (uint32_t p = 0; p < holm_partition_count(cluster->nodes[i]); p++)
            (void)holm_vector(cluster->nodes[i], p, NULL, 0); /* seals what is pending */
        holm_stats(cluster->nodes[i], &stats);
        if (!begun)
            first = stats;
        begun = true;
        if (stats.digest != first.digest || stats.vector_hash != first.vector_hash ||
            stats.deltas_held != 0)
            return false;
    }
    return true;
}

static void assert_healthy(struct cluster *cluster)
{
    for (int i = 0; i < NODES; i++) {
        struct holm_stats stats;
        if (cluster->nodes[i] == NULL)
            continue;
        holm_stats(cluster->nodes[i], &stats);
        assert_int_equal(stats.digest_breaches, 0);
        assert_int_equal(stats.malformed, 0);
    }
}

static int64_t sum(struct holm_node *node, const char *key)
{
    int64_t total = 0;
    enum holm_status status = holm_count(node, holm_str(key), holm_str("n"), &total);
    assert_true(status == HOLM_OK || status == HOLM_ENOENT);
    return total;
}

static void add(struct holm_node *node, const char *key, int64_t amount)
{
    assert_int_equal(holm_add(node, holm_str(key), holm_str("n"), amount), HOLM_OK);
}

static void put_many(struct holm_node *node, const char *prefix, int count)
{
    for (int i = 0; i < count; i++) {
        char key[48];
        snprintf(key, sizeof key, "%s-%d", prefix, i);
        assert_int_equal(holm_put(node, holm_str(key), holm_str("f"), holm_i64(i)), HOLM_OK);
    }
}

static uint64_t records(struct holm_node *node)
{
    struct holm_stats stats;
    holm_stats(node, &stats);
    return stats.records;
}

/* ---- tests ---------------------------------------------------------------------------------- */

static void test_node_when_three_write_all_converge(void **state)
{
    struct cluster *cluster = *state;
    for (int i = 0; i < NODES; i++)
        put_many(cluster->nodes[i], cluster->names[i], 500);
    for (int i = 0; i < NODES; i++) {
        add(cluster->nodes[i], "shared", i + 1);
        assert_int_equal(holm_wait_seen(cluster->nodes[i], NULL, NODES - 1, DEADLINE_MS), HOLM_OK);
    }
    assert_true(eventually(converged, cluster));
    for (int i = 0; i < NODES; i++) {
        assert_int_equal(records(cluster->nodes[i]), NODES * 500 + 1);
        assert_int_equal(sum(cluster->nodes[i], "shared"), 6);
    }
    assert_healthy(cluster);
}

static struct holm_node_id id_of(struct cluster *cluster, int index)
{
    return holm_node_id_of(cluster->names[index]);
}

/* Cuts node 0 off from the others, on both sides. */
static void cut(struct cluster *cluster)
{
    for (int i = 1; i < NODES; i++) {
        assert_int_equal(holm_fault_drop(cluster->nodes[0], id_of(cluster, i), HOLM_BOTH, 1000),
                         HOLM_OK);
        assert_int_equal(holm_fault_drop(cluster->nodes[i], id_of(cluster, 0), HOLM_BOTH, 1000),
                         HOLM_OK);
    }
}

static bool apart(struct cluster *cluster)
{
    struct holm_stats stats;
    holm_stats(cluster->nodes[0], &stats);
    return stats.peers_up == 0;
}

static void test_node_when_cut_and_healed_converges(void **state)
{
    struct cluster *cluster = *state;
    add(cluster->nodes[0], "hero", 100);
    assert_int_equal(holm_wait_seen(cluster->nodes[0], NULL, NODES - 1, DEADLINE_MS), HOLM_OK);
    cut(cluster);
    for (int i = 0; i < NODES; i++) {
        add(cluster->nodes[i], "hero", -7);
        put_many(cluster->nodes[i], cluster->names[i], 300);
    }
    assert_int_equal(holm_wait_seen(cluster->nodes[0], NULL, 1, 300), HOLM_ETIMEDOUT);
    assert_true(eventually(apart, cluster));
    assert_int_equal(holm_wait_seen(cluster->nodes[1], NULL, 1, DEADLINE_MS), HOLM_OK);
    assert_int_equal(sum(cluster->nodes[0], "hero"), 93);
    assert_int_equal(records(cluster->nodes[0]), 301);
    for (int i = 0; i < NODES; i++)
        holm_fault_heal(cluster->nodes[i]);
    for (int i = 0; i < NODES; i++)
        assert_int_equal(holm_wait_peers(cluster->nodes[i], NODES - 1, DEADLINE_MS), HOLM_OK);
    assert_true(eventually(converged, cluster));
    for (int i = 0; i < NODES; i++) {
        assert_int_equal(sum(cluster->nodes[i], "hero"), 79);
        assert_int_equal(records(cluster->nodes[i]), NODES * 300 + 1);
    }
    assert_healthy(cluster);
}

/* A seventh of all frames are lost, broadcasts and links alike: slow, but nothing is missed. */
static void test_node_when_frames_are_lost_converges(void **state)
{
    struct cluster *cluster = *state;
    for (int a = 0; a < NODES; a++) {
        for (int b = 0; b < NODES; b++)
            assert_int_equal(
                holm_fault_drop(cluster->nodes[a], id_of(cluster, b), HOLM_INCOMING, 150), HOLM_OK);
    }
    for (int i = 0; i < NODES; i++) {
        put_many(cluster->nodes[i], cluster->names[i], 200);
        add(cluster->nodes[i], "hero", 1);
    }
    assert_true(eventually(converged, cluster));
    assert_int_equal(sum(cluster->nodes[0], "hero"), NODES);
    assert_healthy(cluster);
}

/* T01 and T04: node 2 loses everything, comes back under the same name, and is whole again though
 * nobody writes; what it writes then counts once. */
static void test_node_when_it_dies_and_returns_is_whole_and_reuses_no_dot(void **state)
{
    struct cluster *cluster = *state;
    add(cluster->nodes[2], "hero", 20);
    add(cluster->nodes[2], "hero", 20);
    put_many(cluster->nodes[0], "other", 300);
    assert_int_equal(holm_wait_seen(cluster->nodes[2], NULL, NODES - 1, DEADLINE_MS), HOLM_OK);
    struct holm_epoch former = holm_self(cluster->nodes[2]).epoch;
    stop(cluster, 2);
    start(cluster, 2, cluster->listen[0]);
    assert_true(holm_self(cluster->nodes[2]).epoch.value > former.value);
    assert_true(eventually(converged, cluster));
    assert_int_equal(sum(cluster->nodes[2], "hero"), 40);
    assert_int_equal(records(cluster->nodes[2]), 301);
    add(cluster->nodes[2], "hero", 5);
    assert_int_equal(holm_wait_seen(cluster->nodes[2], NULL, NODES - 1, DEADLINE_MS), HOLM_OK);
    assert_true(eventually(converged, cluster));
    for (int i = 0; i < NODES; i++)
        assert_int_equal(sum(cluster->nodes[i], "hero"), 45);
    assert_healthy(cluster);
}

/* T01 once more: it writes before it has heard from anybody. */
static void test_node_when_it_returns_and_writes_at_once_nothing_is_lost(void **state)
{
    struct cluster *cluster = *state;
    add(cluster->nodes[2], "hero", 20);
    add(cluster->nodes[2], "hero", 20);
    assert_int_equal(holm_wait_seen(cluster->nodes[2], NULL, NODES - 1, DEADLINE_MS), HOLM_OK);
    stop(cluster, 2);
    start(cluster, 2, NULL);
    add(cluster->nodes[2], "hero", 5);
    assert_int_equal(holm_join(cluster->nodes[2], cluster->listen[1]), HOLM_OK);
    assert_int_equal(holm_wait_seen(cluster->nodes[2], NULL, NODES - 1, DEADLINE_MS), HOLM_OK);
    assert_true(eventually(converged, cluster));
    for (int i = 0; i < NODES; i++)
        assert_int_equal(sum(cluster->nodes[i], "hero"), 45);
    assert_healthy(cluster);
}

#define WRITERS 4
#define WRITES 2000

struct writer {
    pthread_t thread;
    struct holm_node *node;
    int index;
};

static void *write_much(void *context)
{
    struct writer *writer = context;
    for (int i = 0; i < WRITES; i++) {
        char key[32];
        snprintf(key, sizeof key, "key-%d", i % 100);
        if (holm_add(writer->node, holm_str(key), holm_str("n"), writer->index + 1) != HOLM_OK)
            return writer;
    }
    return NULL;
}

static void test_node_when_four_threads_write_sums_are_exact(void **state)
{
    struct cluster *cluster = *state;
    struct writer writers[WRITERS];
    for (int i = 0; i < WRITERS; i++) {
        writers[i] = (struct writer){.node = cluster->nodes[i % 2], .index = i};
        assert_int_equal(pthread_create(&writers[i].thread, NULL, write_much, &writers[i]), 0);
    }
    for (int i = 0; i < WRITERS; i++) {
        void *failed;
        pthread_join(writers[i].thread, &failed);
        assert_null(failed);
    }
    assert_true(eventually(converged, cluster));
    for (int i = 0; i < NODES; i++) {
        for (int k = 0; k < 100; k++) {
            char key[32];
            snprintf(key, sizeof key, "key-%d", k);
            assert_int_equal(sum(cluster->nodes[i], key), WRITES / 100 * (1 + 2 + 3 + 4));
        }
    }
    assert_healthy(cluster);
}

/* A witness that, when told to, does not return before it is let go. */
struct told {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool holding; /* the next commit is held up … */
    bool inside;  /* … and is, now */
    uint64_t commits, dots;
    struct holm_dot last;
    struct holm_node *node; /* the writer's */
};

/* Waits, with the lock, until the flag is as wanted; never for ever. */
static void wait_told(struct told *told, const bool *flag, bool wanted)
{
    struct timespec deadline;
    int waited = 0;
    clock_gettime(CLOCK_REALTIME, &deadline);
    deadline.tv_sec += DEADLINE_MS / 1000;
    while (*flag != wanted && waited == 0)
        waited = pthread_cond_timedwait(&told->changed, &told->lock, &deadline);
}

static void set_told(struct told *told, bool *flag, bool value)
{
    pthread_mutex_lock(&told->lock);
    *flag = value;
    pthread_cond_broadcast(&told->changed);
    pthread_mutex_unlock(&told->lock);
}

static void committed(void *context, const struct holm_receipt *receipt, const struct holm_op *ops,
                      size_t count)
{
    struct told *told = context;
    assert_true(count >= receipt->count && ops[0].key.size > 0);
    told->commits++;
    told->dots += receipt->count;
    told->last = receipt->first;
    pthread_mutex_lock(&told->lock);
    if (told->holding) {
        told->inside = true;
        pthread_cond_broadcast(&told->changed);
        wait_told(told, &told->holding, false);
    }
    pthread_mutex_unlock(&told->lock);
}

/* More than a run gathers: its own commit hands it out, before any tick does. */
static void *write_large(void *context)
{
    static const char large[40000];
    struct told *told = context;
    struct holm_value value = holm_bytes_value(large, sizeof large);
    const struct holm_op ops[] = {holm_op_add(holm_str("hero"), holm_str("n"), 1),
                                  holm_op_put(holm_str("hero"), holm_str("one"), value),
                                  holm_op_put(holm_str("hero"), holm_str("two"), value)};
    return holm_commit(told->node, ops, 3, NULL) == HOLM_OK ? NULL : told;
}

/* While the witness is being told, nobody else may have the operation, however long it takes. */
static void assert_held_back(struct cluster *cluster, struct told *told, int64_t before)
{
    pthread_t writer;
    void *failed;
    set_told(told, &told->holding, true);
    assert_int_equal(pthread_create(&writer, NULL, write_large, told), 0);
    pthread_mutex_lock(&told->lock);
    wait_told(told, &told->inside, true);
    bool inside = told->inside;
    pthread_mutex_unlock(&told->lock);
    bool early = false;
    for (int waited = 0; inside && !early && waited < 300; waited += 5) {
        early = sum(cluster->nodes[1], "hero") != before;
        pause_ms(5);
    }
    set_told(told, &told->inside, false);
    set_told(told, &told->holding, false);
    pthread_join(writer, &failed);
    assert_null(failed);
    assert_true(inside);
    assert_false(early);
    assert_true(eventually(converged, cluster));
    assert_int_equal(sum(cluster->nodes[1], "hero"), before + 1);
}

static void test_node_when_it_commits_its_witness_is_told_first(void **state)
{
    struct cluster *cluster = *state;
    struct told told = {.lock = PTHREAD_MUTEX_INITIALIZER,
                        .changed = PTHREAD_COND_INITIALIZER,
                        .node = cluster->nodes[0]};
    const struct holm_witness witness = {.committed = committed, .context = &told};
    holm_node_set_witness(cluster->nodes[0], &witness);
    assert_held_back(cluster, &told, 0);
    assert_int_equal(told.commits, 1);
    struct holm_op ops[2] = {holm_op_add(holm_str("hero"), holm_str("n"), 2),
                             holm_op_disable(holm_str("hero"), holm_str("flag"))};
    struct holm_receipt receipt;
    assert_int_equal(holm_commit(cluster->nodes[0], ops, 2, &receipt), HOLM_OK);
    assert_int_equal(told.commits, 2);
    assert_int_equal(told.dots, 3 + receipt.count);
    assert_int_equal(told.last.seq, receipt.first.seq);
    assert_int_equal(holm_disable(cluster->nodes[0], holm_str("none"), holm_str("")), HOLM_OK);
    assert_int_equal(told.commits, 2); /* nothing was minted */
    assert_true(eventually(converged, cluster));
    assert_held_back(cluster, &told, 3);
    holm_node_set_witness(cluster->nodes[0], NULL);
}

static bool left(struct cluster *cluster)
{
    struct holm_stats stats;
    holm_stats(cluster->nodes[0], &stats);
    return stats.peers_up == 1;
}

static void test_node_when_one_closes_the_others_go_on(void **state)
{
    struct cluster *cluster = *state;
    put_many(cluster->nodes[2], "last-words", 100); /* not waited for: close() publishes them */
    stop(cluster, 2);
    assert_true(eventually(left, cluster));
    add(cluster->nodes[0], "hero", 1);
    assert_int_equal(holm_wait_seen(cluster->nodes[0], NULL, 1, DEADLINE_MS), HOLM_OK);
    assert_true(eventually(converged, cluster));
    assert_int_equal(records(cluster->nodes[0]), 101);
    assert_healthy(cluster);
}

static double cpu_seconds(void)
{
    struct timespec time;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* No loop polls: three idle nodes with a beacon each 200 ms take next to nothing. */
static void test_node_when_idle_takes_next_to_no_processor(void **state)
{
    struct cluster *cluster = *state;
    put_many(cluster->nodes[0], "some", 100);
    assert_true(eventually(converged, cluster));
    pause_ms(500);
    struct holm_stats before, after;
    holm_stats(cluster->nodes[0], &before);
    double start_seconds = cpu_seconds();
    pause_ms(1000);
    double used = cpu_seconds() - start_seconds;
    holm_stats(cluster->nodes[0], &after);
    assert_true(used < 0.25); /* a polling loop would take a whole second; sanitizers are slow */
    assert_true(after.bytes_sent - before.bytes_sent < 20000);
    assert_int_equal(after.pulls, before.pulls);
    assert_int_equal(after.syncs, before.syncs);
}

int main(void)
{
#define NODE_TEST(name)                                                                            \
    cmocka_unit_test_setup_teardown(test_node_when_##name, open_ipc, close_cluster),               \
        cmocka_unit_test_setup_teardown(test_node_when_##name, open_tcp, close_cluster),           \
        cmocka_unit_test_setup_teardown(test_node_when_##name, open_relay, close_cluster)
    const struct CMUnitTest tests[] = {
        NODE_TEST(three_write_all_converge),
        NODE_TEST(cut_and_healed_converges),
        NODE_TEST(frames_are_lost_converges),
        NODE_TEST(it_dies_and_returns_is_whole_and_reuses_no_dot),
        NODE_TEST(it_returns_and_writes_at_once_nothing_is_lost),
        NODE_TEST(four_threads_write_sums_are_exact),
        NODE_TEST(it_commits_its_witness_is_told_first),
        NODE_TEST(one_closes_the_others_go_on),
        NODE_TEST(idle_takes_next_to_no_processor),
    };
    return cmocka_run_group_tests_name("node", tests, NULL, NULL);
}

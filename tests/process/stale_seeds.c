/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A netsplit in which both halves start again, most of them at new addresses, with the seeds of before:
 *
 *     before   lisbon oslo | paris rome        all seeds: where these four were
 *     after    lisbon' <- oslo'                oslo knows lisbon alone; lisbon the seeds of before
 *              paris   <- rome'                rome the seeds of before; paris is where it was
 *
 * so that one address is all that one of one half knows of the other.
 */
#include <string.h>

#include "tests/process/schemes.h"

enum {
    LISBON,
    OSLO,
    PARIS,
    ROME,
    NODES
};

#define WRITES 50

static const char *const names[NODES] = {"lisbon", "oslo", "paris", "rome"};
static struct certificates ours;

struct cluster {
    struct scheme scheme;
    struct holm_node *nodes[NODES];
    char addresses[NODES][64];
};

/* Opened first, cut off from the other half, and only then told of any address. */
static void start(struct cluster *cluster, int index, unsigned port, bool cut)
{
    struct holm_config config = api_config(names[index]);
    config.link_timeout_ms = 600;
    cluster->nodes[index] = scheme_open(&cluster->scheme, &config, port);
    for (int i = 0; cut && i < NODES; i++)
        if (i / 2 != index / 2)
            assert_ok(
                holm_fault_drop(cluster->nodes[index], holm_node_id_of(names[i]), HOLM_BOTH, 1000));
}

static void seed(struct cluster *cluster, int index, int with)
{
    assert_ok(holm_join(cluster->nodes[index], cluster->addresses[with]));
}

static void open_cluster(struct cluster *cluster, const char *scheme)
{
    cluster->scheme = (struct scheme){scheme, &ours};
    for (int i = 0; i < NODES; i++) {
        start(cluster, i, 0, false);
        (void)snprintf(cluster->addresses[i], sizeof cluster->addresses[i], "%s",
                       holm_address(cluster->nodes[i]));
        seed(cluster, i, 0);
    }
    for (int i = 0; i < NODES; i++)
        assert_ok(holm_wait_peers(cluster->nodes[i], NODES - 1, API_WAIT_MS));
}

static void close_cluster(struct cluster *cluster)
{
    for (int i = 0; i < NODES; i++)
        holm_close(cluster->nodes[i]);
}

/* New sockets are open while the old ones are, so that none has an old address again. */
static void start_again(struct cluster *cluster)
{
    struct holm_node *former[NODES];
    unsigned port = scheme_port(cluster->nodes[PARIS]);
    memcpy(former, cluster->nodes, sizeof former);
    start(cluster, LISBON, 0, true);
    start(cluster, OSLO, 0, true);
    start(cluster, ROME, 0, true);
    for (int i = 0; i < NODES; i++)
        holm_close(former[i]);
    start(cluster, PARIS, port, true);
    for (int i = 0; i < NODES; i++) {
        seed(cluster, LISBON, i);
        seed(cluster, ROME, i);
        if (i != PARIS)
            seed(cluster, PARIS, i);
    }
    assert_ok(holm_join(cluster->nodes[OSLO], holm_address(cluster->nodes[LISBON])));
}

static uint64_t peers_up(struct holm_node *node)
{
    struct holm_stats stats;
    holm_stats(node, &stats);
    return stats.peers_up;
}

static void write_all(struct cluster *cluster)
{
    for (int i = 0; i < NODES; i++)
        for (int n = 0; n < WRITES; n++)
            assert_ok(
                holm_add(cluster->nodes[i], holm_str(names[i / 2 * 2]), holm_str("n"), i + 1));
}

static bool counts(struct holm_node *node, const char *key, int64_t expected)
{
    int64_t sum = 0;
    enum holm_status status = holm_count(node, holm_str(key), holm_str("n"), &sum);
    return (status == HOLM_OK || status == HOLM_ENOENT) && sum == expected;
}

static void test_netsplit_when_halves_return_with_stale_seeds_then_one_address_heals_it(
    void **state)
{
    struct cluster cluster;
    const int64_t west = WRITES * (1 + 2), east = WRITES * (3 + 4);

    open_cluster(&cluster, *state);
    start_again(&cluster);
    for (int i = 0; i < NODES; i++)
        assert_ok(holm_wait_peers(cluster.nodes[i], 1, API_WAIT_MS));
    write_all(&cluster);
    await(counts(cluster.nodes[LISBON], "lisbon", west));
    await(counts(cluster.nodes[OSLO], "lisbon", west));
    await(counts(cluster.nodes[PARIS], "paris", east));
    await(counts(cluster.nodes[ROME], "paris", east));
    for (int i = 0; i < NODES; i++) {
        assert_int_equal(peers_up(cluster.nodes[i]), 1);
        assert_true(counts(cluster.nodes[i], i / 2 == 0 ? "paris" : "lisbon", 0));
    }
    for (int i = 0; i < NODES; i++)
        holm_fault_heal(cluster.nodes[i]);
    for (int i = 0; i < NODES; i++)
        assert_ok(holm_wait_peers(cluster.nodes[i], NODES - 1, API_WAIT_MS));
    for (int i = 0; i < NODES; i++) {
        await(counts(cluster.nodes[i], "lisbon", west) && counts(cluster.nodes[i], "paris", east));
        await(api_same(cluster.nodes[i], cluster.nodes[0]));
    }
    close_cluster(&cluster);
}

static int make_certificates(void **state)
{
    (void)state;
    certificates_make(&ours, "lisbon", "oslo", "paris", "rome", NULL);
    return 0;
}

static int remove_certificates(void **state)
{
    (void)state;
    certificates_remove(&ours);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_BOTH(test_netsplit_when_halves_return_with_stale_seeds_then_one_address_heals_it),
    };
    return cmocka_run_group_tests_name("stale_seeds", tests, make_certificates,
                                       remove_certificates);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/cluster.h"

#include <holm/fault.h>

#include "bench/measure.h"

#define PATIENCE_MS 60000
#define LOOK_US 100
#define SETTLE_US 1100000 /* more than the beacon interval */

/* ---- opening and closing -------------------------------------------------------------------- */

void cluster_add(struct cluster *cluster)
{
    static const char *const names[CLUSTER_NODES_MAX] = {"one", "two", "three", "four"};
    struct holm_config config = holm_config_default();
    measure_require(cluster->count < CLUSTER_NODES_MAX, "there is room for one more node");
    config.name = names[cluster->count];
    config.cluster = "bench";
    config.listen = "tcp://127.0.0.1:0";
    config.log_level = 1;
    if (cluster->count > 0)
        config.seeds = holm_address(cluster->nodes[0]);
    if (cluster->options.log_bytes_max > 0)
        config.log_bytes_max = cluster->options.log_bytes_max;
    if (cluster->options.link_timeout_ms > 0)
        config.link_timeout_ms = cluster->options.link_timeout_ms;
    measure_must(holm_open(&config, &cluster->nodes[cluster->count]), "opening a node");
    cluster->count += 1;
}

void cluster_wait_peers(struct cluster *cluster)
{
    for (size_t i = 0; i < cluster->count; i++)
        measure_must(holm_wait_peers(cluster->nodes[i], (uint32_t)cluster->count - 1, PATIENCE_MS),
                     "waiting for peers");
}

void cluster_open(struct cluster *cluster, size_t count, struct cluster_options options)
{
    *cluster = (struct cluster){.options = options};
    for (size_t i = 0; i < count; i++)
        cluster_add(cluster);
    cluster_wait_peers(cluster);
}

void cluster_close(struct cluster *cluster)
{
    for (size_t i = cluster->count; i > 0; i--)
        holm_close(cluster->nodes[i - 1]);
    cluster->count = 0;
}

/* ---- contents ------------------------------------------------------------------------------- */

void cluster_put(struct cluster *cluster, size_t node, const struct bare_keys *keys, size_t first,
                 size_t count, int64_t more)
{
    for (size_t i = first; i < first + count; i++)
        measure_must(holm_put(cluster->nodes[node], bare_key(keys, i), holm_mem(NULL, 0),
                              holm_i64((int64_t)i + more)),
                     "a put");
}

static bool equal_now(const struct cluster *cluster, size_t records)
{
    struct holm_stats first;
    holm_stats(cluster->nodes[0], &first);
    for (size_t i = 0; i < cluster->count; i++) {
        struct holm_stats stats;
        holm_stats(cluster->nodes[i], &stats);
        if (stats.records != records || stats.digest != first.digest ||
            stats.vector_hash != first.vector_hash)
            return false;
    }
    return true;
}

static uint64_t deadline_ns(void)
{
    return measure_now_ns() + (uint64_t)PATIENCE_MS * 1000000;
}

void cluster_wait_equal(struct cluster *cluster, size_t records)
{
    uint64_t deadline = deadline_ns();
    while (!equal_now(cluster, records)) {
        measure_require(measure_now_ns() < deadline, "all nodes hold the same within a minute");
        measure_nap_us(LOOK_US);
    }
}

void cluster_wait_records(struct cluster *cluster, size_t node, size_t records)
{
    uint64_t deadline = deadline_ns();
    struct holm_stats stats;
    holm_stats(cluster->nodes[node], &stats);
    while (stats.records != records) {
        measure_require(measure_now_ns() < deadline, "a node has all records within a minute");
        measure_nap_us(LOOK_US);
        holm_stats(cluster->nodes[node], &stats);
    }
}

static void compare_record(const struct cluster *cluster, const struct holm_view *view)
{
    measure_require(holm_view_count(view) == 1, "a record is one register");
    const struct holm_entry *entry = holm_view_entry(view, 0);
    for (size_t i = 1; i < cluster->count; i++) {
        struct holm_value value;
        measure_must(
            holm_get(cluster->nodes[i], holm_view_key(view), entry->field, NULL, 0, &value, NULL),
            "a key of the first node at another");
        measure_require(value.type == entry->value.type && value.as.i64 == entry->value.as.i64,
                        "every node has the same value");
    }
}

void cluster_compare(struct cluster *cluster, size_t records)
{
    struct holm_node *node = cluster->nodes[0];
    size_t count = 0;
    measure_require(equal_now(cluster, records), "all nodes have as many records");
    for (uint32_t p = 0; p < holm_partition_count(node); p++) {
        struct holm_scan *scan;
        measure_must(holm_scan_open(node, p, holm_mem(NULL, 0), &scan), "a scan");
        const struct holm_view *view = holm_scan_next(scan);
        for (; view != NULL; view = holm_scan_next(scan)) {
            compare_record(cluster, view);
            count += 1;
        }
        holm_scan_close(scan);
    }
    measure_require(count == records, "the scan shows every record");
}

/* ---- splits --------------------------------------------------------------------------------- */

static void cut(struct holm_node *node, struct holm_node *from)
{
    measure_must(holm_fault_drop(node, holm_self(from).node, HOLM_BOTH, 1000), "a cut");
}

void cluster_split(struct cluster *cluster)
{
    for (size_t i = 1; i < cluster->count; i++) {
        cut(cluster->nodes[0], cluster->nodes[i]);
        cut(cluster->nodes[i], cluster->nodes[0]);
    }
}

void cluster_heal(struct cluster *cluster)
{
    for (size_t i = 0; i < cluster->count; i++)
        holm_fault_heal(cluster->nodes[i]);
}

void cluster_wait_apart(struct cluster *cluster)
{
    uint64_t deadline = deadline_ns();
    for (size_t i = 0; i < cluster->count; i++) {
        size_t left = i == 0 ? 0 : cluster->count - 2;
        struct holm_stats stats;
        holm_stats(cluster->nodes[i], &stats);
        while (stats.peers_up != left) {
            measure_require(measure_now_ns() < deadline, "a cut is noticed within a minute");
            measure_nap_us(LOOK_US);
            holm_stats(cluster->nodes[i], &stats);
        }
    }
}

struct cluster_traffic cluster_traffic(const struct cluster *cluster)
{
    struct cluster_traffic traffic = {0, 0, 0};
    for (size_t i = 0; i < cluster->count; i++) {
        struct holm_stats stats;
        holm_stats(cluster->nodes[i], &stats);
        traffic.sent += stats.bytes_sent;
        traffic.received += stats.bytes_received;
        traffic.syncs += stats.syncs;
    }
    return traffic;
}

struct cluster_traffic cluster_traffic_settled(const struct cluster *cluster)
{
    measure_nap_us(SETTLE_US);
    return cluster_traffic(cluster);
}

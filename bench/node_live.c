/* SPDX-License-Identifier: Apache-2.0 */
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>

#include "bench/cluster.h"
#include "bench/node.h"
#include "bench/ping_baseline.h"

#define KIB 1024.0

/* ---- one put, seen by a peer ---------------------------------------------------------------- */

/* Waits until the watch tells of this key, and reads it there. */
static void await_key(struct holm_node *node, struct holm_watch *watch, struct holm_bytes key,
                      int64_t number)
{
    struct holm_change change;
    struct holm_value value;
    do {
        struct pollfd ready = {.fd = holm_watch_fd(watch), .events = POLLIN};
        measure_require(poll(&ready, 1, 10000) == 1, "a put arrives within ten seconds");
        measure_must(holm_watch_next(watch, &change), "a change");
    } while (change.overflow || !holm_bytes_equal(change.key, key));
    measure_must(holm_get(node, key, holm_mem(NULL, 0), NULL, 0, &value, NULL), "a read");
    measure_require(value.as.i64 == number, "the peer reads what was put");
}

#define PAUSE_US 2000 /* after which a cluster is idle again: the flush interval is 1 ms */
#define CHUNKS 5

struct visible {
    struct measure_samples socket, link, put;
};

static void put_chunk(struct cluster *cluster, struct holm_watch *watch,
                      const struct bare_keys *keys, size_t first, struct measure_samples *samples)
{
    for (size_t i = first; i < first + keys->count / CHUNKS; i++) {
        measure_nap_us(PAUSE_US);
        uint64_t begun = measure_now_ns();
        cluster_put(cluster, 0, keys, i, 1, 0);
        await_key(cluster->nodes[1], watch, bare_key(keys, i), (int64_t)i);
        measure_sample(samples, (double)(measure_now_ns() - begun) / 1e3);
    }
}

/* Pings and puts take turns, so that both see the machine in the same moods. */
static void measure_visible(struct visible *visible, size_t count)
{
    struct cluster cluster;
    struct bare_keys keys;
    struct holm_watch *watch;
    cluster_open(&cluster, 3, (struct cluster_options){0, 0});
    bare_keys_make(&keys, count);
    measure_must(holm_watch_open(cluster.nodes[1], holm_mem(NULL, 0), 0, &watch), "a watch");
    for (size_t i = 0; i < CHUNKS; i++) {
        ping_baseline_socket(&visible->socket, count / CHUNKS / 2, PAUSE_US);
        ping_baseline_link(&visible->link, count / CHUNKS / 2, PAUSE_US);
        put_chunk(&cluster, watch, &keys, i * (count / CHUNKS), &visible->put);
    }
    cluster_wait_equal(&cluster, count);
    cluster_compare(&cluster, count);
    holm_watch_close(watch);
    cluster_close(&cluster);
    bare_keys_free(&keys);
}

void node_visible(struct measure_report *report)
{
    const char *group = "visible";
    if (!measure_report_wants(report, group))
        return;
    struct visible *visible = measure_allocate(sizeof *visible);
    visible->socket.count = visible->link.count = visible->put.count = 0;
    measure_visible(visible, report->quick ? 250 : 2000);
    double socket = measure_percentile(&visible->socket, 50);
    double link = measure_percentile(&visible->link, 50);
    double link_99 = measure_percentile(&visible->link, 99);
    measure_row(report, group, "baseline: a round trip over bare sockets, p50", "us", socket,
                (struct measure_beside){0, 0});
    measure_row(report, group, "baseline: a round trip over a link, p50", "us", link,
                (struct measure_beside){socket, 0});
    measure_row(report, group, "baseline: a round trip over a link, p99", "us", link_99,
                (struct measure_beside){0, 0});
    measure_row(report, group, "a put visible on a peer, one way, p50", "us",
                measure_percentile(&visible->put, 50), (struct measure_beside){link, 120});
    measure_row(report, group, "a put visible on a peer, one way, p99", "us",
                measure_percentile(&visible->put, 99), (struct measure_beside){link_99, 1000});
    free(visible);
}

/* ---- local puts ----------------------------------------------------------------------------- */

struct writer {
    struct cluster *cluster;
    const struct bare_keys *keys;
    size_t first, count;
};

static void *write_part(void *context)
{
    const struct writer *writer = context;
    cluster_put(writer->cluster, 0, writer->keys, writer->first, writer->count, 1);
    return NULL;
}

/* What all puts take together, in ns a put. */
static double local_ns(const struct bare_keys *keys, size_t threads)
{
    struct cluster cluster;
    struct writer writers[2];
    pthread_t ids[2];
    cluster_open(&cluster, 1, (struct cluster_options){0, 0});
    uint64_t begun = measure_now_ns();
    for (size_t i = 0; i < threads; i++) {
        size_t part = keys->count / threads;
        writers[i] = (struct writer){&cluster, keys, i * part, part};
        measure_require(pthread_create(&ids[i], NULL, write_part, &writers[i]) == 0, "a thread");
    }
    for (size_t i = 0; i < threads; i++)
        pthread_join(ids[i], NULL);
    double taken = (double)(measure_now_ns() - begun) / (double)keys->count;
    cluster_wait_records(&cluster, 0, keys->count);
    cluster_compare(&cluster, keys->count);
    cluster_close(&cluster);
    return taken;
}

void node_local(struct measure_report *report)
{
    const char *group = "local";
    if (!measure_report_wants(report, group))
        return;
    struct measure_samples *samples = measure_allocate(2 * sizeof *samples);
    struct bare_keys keys;
    bare_keys_make(&keys, 100000);
    samples[0].count = samples[1].count = 0;
    for (int i = 0; i < (report->quick ? 1 : 9); i++) {
        measure_sample(&samples[0], local_ns(&keys, 1));
        measure_sample(&samples[1], local_ns(&keys, 2));
    }
    double one = measure_median(&samples[0]);
    measure_row(report, group, "put, 100,000 new keys, one thread", "ns", one,
                (struct measure_beside){0, 500});
    measure_row(report, group, "put, 100,000 new keys, two threads, a put", "ns",
                measure_median(&samples[1]), (struct measure_beside){one, 0});
    bare_keys_free(&keys);
    free(samples);
}

/* ---- many puts, to all peers ---------------------------------------------------------------- */

/* kib is NULL where bytes are of no interest. */
static void measure_live(struct measure_samples *time_ms, struct measure_samples *kib, size_t nodes,
                         const struct bare_keys *keys)
{
    struct cluster cluster;
    cluster_open(&cluster, nodes, (struct cluster_options){0, 0});
    uint64_t begun = measure_now_ns();
    cluster_put(&cluster, 0, keys, 0, keys->count, 1);
    cluster_wait_equal(&cluster, keys->count);
    measure_sample(time_ms, (double)(measure_now_ns() - begun) / 1e6);
    if (kib != NULL)
        measure_sample(kib, (double)cluster_traffic_settled(&cluster).received / KIB);
    cluster_compare(&cluster, keys->count);
    cluster_close(&cluster);
}

static void tell_live(struct measure_report *report, size_t nodes, size_t puts, double target_ms,
                      double target_kib)
{
    struct measure_samples *samples = measure_allocate(2 * sizeof *samples);
    struct bare_keys keys;
    char name[96];
    bare_keys_make(&keys, puts);
    samples[0].count = samples[1].count = 0;
    for (int i = 0; i < (report->quick ? 1 : 7); i++)
        measure_live(&samples[0], target_kib > 0 && i < 3 ? &samples[1] : NULL, nodes, &keys);
    snprintf(name, sizeof name, "%zu puts on one of %zu, all equal", puts, nodes);
    measure_row(report, "live", name, "ms", measure_median(&samples[0]),
                (struct measure_beside){0, target_ms});
    snprintf(name, sizeof name, "%zu puts on one of %zu, bytes received", puts, nodes);
    if (target_kib > 0)
        measure_row(report, "live", name, "KiB", measure_median(&samples[1]),
                    (struct measure_beside){0, target_kib});
    bare_keys_free(&keys);
    free(samples);
}

void node_live(struct measure_report *report)
{
    if (!measure_report_wants(report, "live"))
        return;
    tell_live(report, 3, 10000, 40, 1024);
    tell_live(report, 2, 200000, 200, 0); /* a million cells a second */
}

/* ---- nothing to say ------------------------------------------------------------------------- */

void node_idle(struct measure_report *report)
{
    const char *group = "idle";
    if (!measure_report_wants(report, group))
        return;
    struct cluster cluster;
    struct bare_keys keys;
    uint64_t seconds = report->quick ? 2 : 10;
    cluster_open(&cluster, 3, (struct cluster_options){0, 0});
    bare_keys_make(&keys, 10000);
    cluster_put(&cluster, 0, &keys, 0, keys.count, 1);
    cluster_wait_equal(&cluster, keys.count);
    struct cluster_traffic before = cluster_traffic_settled(&cluster);
    uint64_t begun = measure_now_ns();
    measure_nap_us(seconds * 1000000);
    struct cluster_traffic after = cluster_traffic(&cluster);
    double node_seconds = (double)(measure_now_ns() - begun) / 1e9 * (double)cluster.count;
    measure_row(report, group, "3 nodes, 10,000 keys: a node sends, each second", "B",
                (double)(after.sent - before.sent) / node_seconds,
                (struct measure_beside){0, 1024});
    measure_row(report, group, "3 nodes, 10,000 keys: a node receives, each second", "B",
                (double)(after.received - before.received) / node_seconds,
                (struct measure_beside){0, 0});
    cluster_compare(&cluster, keys.count);
    cluster_close(&cluster);
    bare_keys_free(&keys);
}

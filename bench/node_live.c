/* SPDX-License-Identifier: Apache-2.0 */
#include <poll.h>
#include <pthread.h>

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

/* One figure of many, as something that rows can be compared with. */
static struct measure_samples slowest(const struct measure_samples *samples)
{
    struct measure_samples one = {0};
    measure_sample(&one, measure_percentile(samples, 99));
    return one;
}

static void tell_visible(struct report *report, const struct visible *visible)
{
    struct measure_samples link_99 = slowest(&visible->link);
    struct measure_samples put_99 = slowest(&visible->put);
    struct report_base socket = report_base(report, "round trip of 64 B over bare sockets, p50",
                                            "us", &visible->socket);
    struct report_base link = report_base(report, "round trip of 64 B over a link, p50", "us",
                                          &visible->link);
    struct report_base link_slow = report_base(report, "round trip of 64 B over a link, p99", "us",
                                               &link_99);
    report_row(report, &(struct report_row){.name = "a link's round trip beside the sockets'",
                                            .unit = "us",
                                            .samples = &visible->link,
                                            .base = socket});
    report_row(report, &(struct report_row){.name = "a put visible on a peer, one way, p50",
                                            .unit = "us",
                                            .samples = &visible->put,
                                            .base = link,
                                            .most = 120,
                                            .cited = "Redis, primary to replica",
                                            .cited_value = 54});
    report_row(report, &(struct report_row){.name = "a put visible on a peer, one way, p99",
                                            .unit = "us",
                                            .samples = &put_99,
                                            .base = link_slow,
                                            .most = 1000,
                                            .cited = "Redis, primary to replica",
                                            .cited_value = 178});
    measure_samples_free(&link_99);
    measure_samples_free(&put_99);
}

void node_visible(struct report *report)
{
    if (!report_wants(report, "visible", "3 idle nodes, one put every 2 ms"))
        return;
    struct visible visible = {0};
    measure_visible(&visible, report->quick ? 250 : 2000);
    tell_visible(report, &visible);
    measure_samples_free(&visible.socket);
    measure_samples_free(&visible.link);
    measure_samples_free(&visible.put);
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

void node_local(struct report *report)
{
    if (!report_wants(report, "local", "100,000 new keys through the thread-safe API; wall time"))
        return;
    struct measure_samples one = {0};
    struct measure_samples two = {0};
    struct bare_keys keys;
    bare_keys_make(&keys, 100000);
    for (int i = 0; i < (report->quick ? 1 : 9); i++) {
        measure_sample(&one, local_ns(&keys, 1));
        measure_sample(&two, local_ns(&keys, 2));
    }
    report_row(report, &(struct report_row){
                           .name = "put, one thread", .unit = "ns", .samples = &one, .most = 500});
    report_row(report, &(struct report_row){.name = "put, two threads, a put of both together",
                                            .unit = "ns",
                                            .samples = &two});
    bare_keys_free(&keys);
    measure_samples_free(&one);
    measure_samples_free(&two);
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

struct live {
    size_t nodes, puts;
    double most_ms, most_kib; /* of no bytes: 0 */
    const char *cited;
    double cited_ms, cited_kib;
};

static void tell_live(struct report *report, const struct live *live)
{
    struct measure_samples ms = {0};
    struct measure_samples kib = {0};
    struct bare_keys keys;
    char name[96];
    bare_keys_make(&keys, live->puts);
    for (int i = 0; i < (report->quick ? 1 : 7); i++)
        measure_live(&ms, live->most_kib > 0 && i < 3 ? &kib : NULL, live->nodes, &keys);
    snprintf(name, sizeof name, "%zu puts on one of %zu, all equal", live->puts, live->nodes);
    report_row(report, &(struct report_row){.name = name,
                                            .unit = "ms",
                                            .samples = &ms,
                                            .most = live->most_ms,
                                            .cited = live->cited,
                                            .cited_value = live->cited_ms});
    snprintf(name, sizeof name, "%zu puts on one of %zu, bytes received", live->puts, live->nodes);
    if (live->most_kib > 0)
        report_row(report, &(struct report_row){.name = name,
                                                .unit = "KiB",
                                                .samples = &kib,
                                                .most = live->most_kib,
                                                .cited = live->cited,
                                                .cited_value = live->cited_kib});
    bare_keys_free(&keys);
    measure_samples_free(&ms);
    measure_samples_free(&kib);
}

void node_live(struct report *report)
{
    if (!report_wants(report, "live", "from the first put until all nodes hold the same"))
        return;
    tell_live(report, &(struct live){3, 10000, 40, 1024, "delta_crdt_ex", 797, 9.2 * 1024});
    /* A million cells a second. */
    tell_live(report, &(struct live){2, 200000, 200, 0, "Redis at 381,000 a second", 525, 0});
}

/* ---- nothing to say ------------------------------------------------------------------------- */

void node_idle(struct report *report)
{
    if (!report_wants(report, "idle", "3 nodes with 10,000 keys and nothing to do"))
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
    report_row(report,
               &(struct report_row){.name = "a node sends, each second",
                                    .unit = "B",
                                    .value = (double)(after.sent - before.sent) / node_seconds,
                                    .most = 1024,
                                    .cited = "delta_crdt_ex, a third of 164 KB",
                                    .cited_value = 164000.0 / 3});
    report_row(report, &(struct report_row){.name = "a node receives, each second",
                                            .unit = "B",
                                            .value = (double)(after.received - before.received) /
                                                     node_seconds});
    cluster_compare(&cluster, keys.count);
    cluster_close(&cluster);
    bare_keys_free(&keys);
}

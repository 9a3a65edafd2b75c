/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/cluster.h"
#include "bench/node.h"

#define KIB 1024.0
#define LOG_SMALLEST ((size_t)64 << 10)
/* So often are the same keys written again where the op log shall not reach back to the cut. */
#define REWRITES 40
#define PATIENCE_MS 60000
#define CITED "delta_crdt_ex"

/* ---- splits --------------------------------------------------------------------------------- */

struct split {
    const char *name;
    size_t equal;     /* records that all have before */
    size_t apart;     /* new ones on each side */
    bool log_emptied; /* the op log does not reach back: state has to be compared */
    bool noticed;     /* the cut lasts until the links are down */
    double most_ms;   /* from the first link that is up again */
    double most_kib;
    double cited_ms, cited_kib; /* CITED's, from the heal */
};

struct healed {
    struct measure_samples from_heal, from_link, kib;
    uint32_t link_timeout_ms; /* 0: the default */
};

static void write_apart(struct cluster *cluster, const struct split *split,
                        const struct bare_keys *keys)
{
    int64_t rewrites = split->log_emptied ? REWRITES : 1;
    for (int64_t i = 1; i <= rewrites; i++) {
        cluster_put(cluster, 0, keys, split->equal, split->apart, i);
        cluster_put(cluster, 1, keys, split->equal + split->apart, split->apart, i);
        if (split->log_emptied)
            measure_nap_us(3000); /* each round is a run of its own in the log */
    }
    for (size_t node = 0; node < cluster->count; node++)
        cluster_wait_records(cluster, node, split->equal + split->apart);
}

static void measure_split(const struct split *split, const struct bare_keys *keys, int repeat,
                          struct healed *healed)
{
    struct cluster cluster;
    size_t all = split->equal + 2 * split->apart;
    cluster_open(
        &cluster, 3,
        (struct cluster_options){split->log_emptied ? LOG_SMALLEST : 0, healed->link_timeout_ms});
    cluster_put(&cluster, 0, keys, 0, split->equal, 1);
    cluster_wait_equal(&cluster, split->equal);
    cluster_split(&cluster);
    write_apart(&cluster, split, keys);
    if (split->noticed) {
        cluster_wait_apart(&cluster);
        /* Nodes redial every second: the heal must not keep step with them. */
        measure_nap_us((uint64_t)(repeat % 5) * 230000 + 90000);
    }
    struct cluster_traffic before = split->noticed ? cluster_traffic(&cluster)
                                                   : cluster_traffic_settled(&cluster);
    uint64_t begun = measure_now_ns();
    cluster_heal(&cluster);
    measure_must(holm_wait_peers(cluster.nodes[0], 1, PATIENCE_MS), "a link after the cut");
    uint64_t linked = measure_now_ns();
    cluster_wait_equal(&cluster, all);
    uint64_t equal = measure_now_ns();
    struct cluster_traffic after = cluster_traffic_settled(&cluster);
    measure_sample(&healed->from_heal, (double)(equal - begun) / 1e6);
    measure_sample(&healed->from_link, (double)(equal - linked) / 1e6);
    measure_sample(&healed->kib, (double)(after.received - before.received) / KIB);
    measure_require(!split->log_emptied || after.syncs > before.syncs, "state was compared");
    cluster_compare(&cluster, all);
    cluster_close(&cluster);
}

static void tell_split(struct report *report, const struct split *split,
                       const struct healed *healed)
{
    char name[96];
    snprintf(name, sizeof name, "%s, from the heal", split->name);
    report_row(report, &(struct report_row){.name = name,
                                            .unit = "ms",
                                            .samples = &healed->from_heal,
                                            .cited = CITED,
                                            .cited_value = split->cited_ms});
    if (split->noticed) {
        snprintf(name, sizeof name, "%s, from a link", split->name);
        report_row(report, &(struct report_row){.name = name,
                                                .unit = "ms",
                                                .samples = &healed->from_link,
                                                .most = split->most_ms});
    }
    snprintf(name, sizeof name, "%s, received", split->name);
    report_row(report, &(struct report_row){.name = name,
                                            .unit = "KiB",
                                            .samples = &healed->kib,
                                            .most = split->most_kib,
                                            .cited = CITED,
                                            .cited_value = split->cited_kib});
}

void node_heal(struct report *report)
{
    static const struct split splits[] = {
        {"5,000 + 5,000, links down", 0, 5000, false, true, 20, 1.2 * 1024, 721, 11.6 * 1024},
        {"5,000 + 5,000, links kept", 0, 5000, false, false, 0, 1.2 * 1024, 721, 11.6 * 1024},
        {"10^5 equal, 50 + 50, no logs", 100000, 50, true, true, 20, 64, 293, 8.0 * 1024},
    };
    if (!report_wants(report, "heal", "node 0 of 3 was cut off, both sides wrote, the cut goes"))
        return;
    struct bare_keys keys;
    bare_keys_make(&keys, 100100);
    for (size_t i = 0; i < sizeof splits / sizeof splits[0]; i++) {
        if (report->quick && splits[i].equal == 0 && !splits[i].noticed)
            continue; /* it waits for a beacon */
        struct healed healed = {.link_timeout_ms = 0};
        if (splits[i].noticed)
            healed.link_timeout_ms = report->quick ? 500 : 1000;
        for (int repeat = 0; repeat < (report->quick ? 1 : 3); repeat++)
            measure_split(&splits[i], &keys, repeat, &healed);
        tell_split(report, &splits[i], &healed);
        measure_samples_free(&healed.from_heal);
        measure_samples_free(&healed.from_link);
        measure_samples_free(&healed.kib);
    }
    bare_keys_free(&keys);
}

/* ---- nodes that come empty ------------------------------------------------------------------ */

struct empty {
    const char *name;
    size_t records;
    size_t nodes; /* that come */
    bool log_emptied;
    double most_ms;
    double cited_ms; /* 0: nobody's */
};

static void measure_empty(const struct empty *empty, const struct bare_keys *keys,
                          struct measure_samples *time_ms, struct measure_samples *kib)
{
    struct cluster cluster;
    cluster_open(&cluster, 1, (struct cluster_options){empty->log_emptied ? LOG_SMALLEST : 0, 0});
    cluster_put(&cluster, 0, keys, 0, keys->count, 1);
    cluster_wait_equal(&cluster, keys->count);
    uint64_t begun = measure_now_ns();
    for (size_t i = 0; i < empty->nodes; i++)
        cluster_add(&cluster);
    cluster_wait_equal(&cluster, keys->count);
    measure_sample(time_ms, (double)(measure_now_ns() - begun) / 1e6);
    if (kib->count == 0) {
        struct cluster_traffic traffic = cluster_traffic_settled(&cluster);
        measure_sample(kib, (double)traffic.received / KIB);
        measure_require(!empty->log_emptied || traffic.syncs > 0, "state was sent");
    }
    cluster_compare(&cluster, keys->count);
    cluster_close(&cluster);
}

void node_empty(struct report *report)
{
    static const struct empty empties[] = {
        {"10^5 into one, from the log", 100000, 1, false, 300, 0},
        {"10^5 into two, from the log", 100000, 2, false, 300, 14300},
        {"10^5 into one, as state", 100000, 1, true, 300, 0},
        {"10^6 into one, from the log", 1000000, 1, false, 2500, 0},
    };
    if (!report_wants(report, "empty", "keys are on one node; until nodes that open hold the same"))
        return;
    for (size_t i = 0; i < sizeof empties / sizeof empties[0]; i++) {
        if (report->quick && (empties[i].nodes > 1 || empties[i].records > 100000))
            continue;
        struct bare_keys keys;
        bare_keys_make(&keys, empties[i].records);
        struct measure_samples ms = {0};
        struct measure_samples kib = {0};
        char name[96];
        for (int repeat = 0; repeat < (report->quick ? 1 : 3); repeat++)
            measure_empty(&empties[i], &keys, &ms, &kib);
        report_row(report, &(struct report_row){.name = empties[i].name,
                                                .unit = "ms",
                                                .samples = &ms,
                                                .most = empties[i].most_ms,
                                                .cited = empties[i].cited_ms > 0 ? CITED : NULL,
                                                .cited_value = empties[i].cited_ms});
        snprintf(name, sizeof name, "%s, received", empties[i].name);
        report_row(report, &(struct report_row){.name = name, .unit = "KiB", .samples = &kib});
        measure_samples_free(&ms);
        measure_samples_free(&kib);
        bare_keys_free(&keys);
    }
}

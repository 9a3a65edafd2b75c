/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Local operations through step(): to keys that are new, then to all of them again, shuffled. What
 * is sealed on the way is part of the price, as it is in a node; nobody takes the runs.
 */
#include "bench/bare.h"
#include "bench/core.h"
#include "bench/table_baseline.h"

#include <stdlib.h>

#define GROUP "write"
#define BATCH_MAX 256

struct kind {
    const char *name;
    const char *again; /* what the second visit is */
    struct holm_op (*make)(struct holm_bytes key, unsigned visit);
    double target_ns; /* of the first visits of 100,000 */
};

static struct holm_op make_put(struct holm_bytes key, unsigned visit)
{
    return holm_op_put(key, holm_mem(NULL, 0), holm_i64((int64_t)visit));
}

static struct holm_op make_add(struct holm_bytes key, unsigned visit)
{
    return holm_op_add(key, holm_mem(NULL, 0), (int64_t)visit + 1);
}

static struct holm_op make_insert(struct holm_bytes key, unsigned visit)
{
    return holm_op_insert(key, holm_mem(NULL, 0), holm_str(visit == 0 ? "first" : "other"));
}

static struct holm_op make_enable(struct holm_bytes key, unsigned visit)
{
    (void)visit;
    return holm_op_enable(key, holm_mem(NULL, 0));
}

static const struct kind kinds[] = {
    {"put", "overwritten", make_put, 200},
    {"add", "added to again", make_add, 0},
    {"insert", "a second element", make_insert, 0},
    {"enable", "enabled again", make_enable, 0},
};

/* What one round over `count` keys takes, in ns a key. */
static double visit_all(struct holm_replica *replica, const struct bare_keys *keys, size_t count,
                        size_t batch, const struct kind *kind, unsigned visit)
{
    struct holm_op ops[BATCH_MAX];
    size_t waiting = 0;
    uint64_t begun = measure_worked_ns();
    for (size_t i = 0; i < count; i++) {
        size_t number = visit == 0 ? i : bare_shuffled(keys, i);
        ops[waiting++] = kind->make(bare_key(keys, number), visit);
        if (waiting < batch && i + 1 < count)
            continue;
        (void)bare_commit(replica, ops, waiting);
        waiting = 0;
    }
    (void)bare_flush(replica);
    return (double)(measure_worked_ns() - begun) / (double)count;
}

static double baseline_all(struct table_baseline *table, const struct bare_keys *keys, size_t count,
                           unsigned visit)
{
    uint64_t begun = measure_worked_ns();
    for (size_t i = 0; i < count; i++) {
        size_t number = visit == 0 ? i : bare_shuffled(keys, i);
        table_baseline_upsert(table, bare_key(keys, number), (int64_t)visit);
    }
    return (double)(measure_worked_ns() - begun) / (double)count;
}

static void check(const struct holm_replica *replica, size_t count)
{
    struct holm_replica_stats stats;
    holm_replica_stats(replica, &stats);
    measure_require(stats.records == count, "every key was written");
    measure_require(stats.operations == 2 * count, "every operation was minted");
}

struct scale {
    size_t count;
    int repeats, repeats_quick;
};

static const struct scale scales[] = {{10000, 9, 3}, {100000, 5, 1}, {1000000, 3, 0}};

static void tell(struct measure_report *report, const struct kind *kind, size_t count, size_t batch,
                 struct measure_samples *samples)
{
    char name[96];
    char how[32] = "one by one";
    if (batch > 1)
        snprintf(how, sizeof how, "batches of %zu", batch);
    for (unsigned visit = 0; visit < 2; visit++) {
        struct measure_beside beside = {.baseline = measure_median(&samples[2 + visit])};
        if (visit == 0 && count == 100000)
            beside.target = kind->target_ns;
        snprintf(name, sizeof name, "%s, %s, %zu, %s", kind->name,
                 visit == 0 ? "new key" : kind->again, count, how);
        measure_row(report, GROUP, name, "ns", measure_median(&samples[visit]), beside);
    }
}

/* The baseline is measured anew beside each kind: a shared machine changes within a run. */
static void measure_kind(struct measure_report *report, const struct bare_keys *keys,
                         const struct kind *kind, size_t batch, int repeats,
                         struct measure_samples *baselines)
{
    struct measure_samples *samples = measure_allocate(4 * sizeof *samples);
    for (int i = 0; i < 4; i++)
        samples[i].count = 0;
    for (int i = 0; i < repeats; i++) {
        struct holm_replica *replica = bare_open(1, 0, NULL);
        struct table_baseline *table = table_baseline_new(keys->count);
        for (unsigned visit = 0; visit < 2; visit++) {
            double bare = baseline_all(table, keys, keys->count, visit);
            measure_sample(&samples[visit],
                           visit_all(replica, keys, keys->count, batch, kind, visit));
            measure_sample(&samples[2 + visit], bare);
            measure_sample(&baselines[visit], bare);
        }
        check(replica, keys->count);
        table_baseline_free(table);
        holm_replica_free(replica);
    }
    tell(report, kind, keys->count, batch, samples);
    free(samples);
}

static void tell_baselines(struct measure_report *report, size_t count,
                           struct measure_samples *baselines)
{
    char name[96];
    for (unsigned visit = 0; visit < 2; visit++) {
        snprintf(name, sizeof name, "baseline: bare upsert, %s, %zu",
                 visit == 0 ? "new key" : "overwritten", count);
        measure_row(report, GROUP, name, "ns", measure_median(&baselines[visit]),
                    (struct measure_beside){0, 0});
    }
}

static void measure_scale(struct measure_report *report, size_t count, int repeats)
{
    struct measure_samples *baselines = measure_allocate(2 * sizeof *baselines);
    struct bare_keys keys;
    baselines[0].count = baselines[1].count = 0;
    bare_keys_make(&keys, count);
    for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
        measure_kind(report, &keys, &kinds[k], 1, repeats, baselines);
        if (count < (report->quick ? 100000 : 1000000))
            measure_kind(report, &keys, &kinds[k], BATCH_MAX, repeats, baselines);
    }
    tell_baselines(report, count, baselines);
    bare_keys_free(&keys);
    free(baselines);
}

void core_write(struct measure_report *report)
{
    if (!measure_report_wants(report, GROUP))
        return;
    for (size_t s = 0; s < sizeof scales / sizeof scales[0]; s++) {
        int repeats = report->quick ? scales[s].repeats_quick : scales[s].repeats;
        if (repeats > 0)
            measure_scale(report, scales[s].count, repeats);
    }
}

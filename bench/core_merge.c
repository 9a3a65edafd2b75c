/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two states that differ by new records on each side are brought together: by a cut, which carries
 * the whole of the one into the other; and by what two replicas do that are linked, when their op
 * logs do not reach back.
 */
#include "bench/bare.h"
#include "bench/core.h"
#include "bench/pair.h"
#include "bench/table_baseline.h"

#define RECORDS 100000
#define MORE (RECORDS / 100) /* new keys of each side */

struct merging {
    struct measure_samples freeze, load, both, bare;
};

static void put_some(struct holm_replica *replica, const struct bare_keys *keys, size_t first,
                     size_t count)
{
    for (size_t i = first; i < first + count; i++) {
        struct holm_op op = holm_op_put(bare_key(keys, i), holm_mem(NULL, 0), holm_i64((int64_t)i));
        (void)bare_commit(replica, &op, 1);
    }
    (void)bare_flush(replica);
}

static void merge_once(struct merging *merging, struct holm_replica *base,
                       const struct bare_keys *keys)
{
    struct holm_replica *left = bare_open(2, 0, NULL);
    struct holm_replica *right = bare_open(3, 0, NULL);
    (void)bare_join(left, base);
    (void)bare_join(right, base);
    put_some(left, keys, RECORDS, MORE);
    put_some(right, keys, RECORDS + MORE, MORE);
    struct bare_times times = bare_join(left, right);
    (void)bare_join(right, left);
    measure_require(holm_digest_equal(holm_replica_digest(left), holm_replica_digest(right)),
                    "merged both ways, both hold the same");
    struct holm_replica_stats stats;
    holm_replica_stats(left, &stats);
    measure_require(stats.records == RECORDS + 2 * MORE, "nothing was lost in the merge");
    holm_replica_free(left);
    holm_replica_free(right);
    measure_sample(&merging->freeze, times.freeze / 1e6);
    measure_sample(&merging->load, times.merge / 1e6);
    measure_sample(&merging->both, (times.freeze + times.merge) / 1e6);
}

/* What it takes to write every record of the other side into a bare table. */
static void bare_merge_once(struct merging *merging, const struct bare_keys *keys)
{
    struct table_baseline *table = table_baseline_new(keys->count);
    for (size_t i = 0; i < RECORDS + MORE; i++)
        table_baseline_upsert(table, bare_key(keys, i), (int64_t)i);
    struct measure_span span = measure_begin();
    for (size_t i = 0; i < keys->count; i++) {
        size_t number = bare_shuffled(keys, i);
        if (number < RECORDS || number >= RECORDS + MORE)
            table_baseline_upsert(table, bare_key(keys, number), (int64_t)number);
    }
    measure_end(&merging->bare, &span, 1000000);
    table_baseline_free(table);
}

static void measure_cuts(struct report *report)
{
    struct merging merging = {0};
    struct bare_keys keys;
    bare_keys_make(&keys, RECORDS + 2 * MORE);
    struct holm_replica *base = bare_open(1, 0, NULL);
    bare_fill(base, &keys, RECORDS);
    for (int i = 0; i < (report->quick ? 2 : 11); i++) {
        bare_merge_once(&merging, &keys);
        merge_once(&merging, base, &keys);
    }
    struct report_base bare = report_base(report, "bare upsert of the other's 101,000", "ms",
                                          &merging.bare);
    report_row(report, &(struct report_row){.name = "a cut of 101,000 records",
                                            .unit = "ms",
                                            .samples = &merging.freeze,
                                            .base = bare});
    report_row(report, &(struct report_row){.name = "the cut merged into 101,000 records",
                                            .unit = "ms",
                                            .samples = &merging.load,
                                            .base = bare});
    report_row(report,
               &(struct report_row){
                   .name = "both together", .unit = "ms", .samples = &merging.both, .base = bare});
    holm_replica_free(base);
    bare_keys_free(&keys);
    measure_samples_free(&merging.freeze);
    measure_samples_free(&merging.load);
    measure_samples_free(&merging.both);
    measure_samples_free(&merging.bare);
}

/* ---- linked replicas ------------------------------------------------------------------------ */

#define PER_MILLES 3
static const size_t per_milles[PER_MILLES] = {1, 10, 100};

/* What it took at one number of records, by how much differed. */
struct sync {
    size_t records;
    struct measure_samples ms[PER_MILLES], kib[PER_MILLES];
};

/* New records, in so many runs that an op log of the smallest size does not reach back to all. */
static void put_in_runs(struct holm_replica *replica, const struct bare_keys *keys, size_t first,
                        size_t count)
{
    size_t run = count / 20 + 1;
    for (size_t i = first; i < first + count; i += run) {
        size_t left = first + count - i;
        put_some(replica, keys, i, left < run ? left : run);
    }
}

static size_t syncs_of(const struct holm_replica *replica)
{
    struct holm_replica_stats stats;
    holm_replica_stats(replica, &stats);
    return stats.syncs;
}

static void sync_once(struct sync *sync, struct holm_replica *const ends[2],
                      const struct bare_keys *keys, size_t *used, int differing)
{
    size_t more = sync->records * per_milles[differing] / 1000;
    measure_require(*used + 2 * more <= keys->count, "there are keys for what is new");
    put_in_runs(ends[0], keys, *used, more);
    put_in_runs(ends[1], keys, *used + more, more);
    *used += 2 * more;
    size_t syncs = syncs_of(ends[0]) + syncs_of(ends[1]);
    struct pair_cost cost = pair_reconcile(ends[0], ends[1]);
    measure_require(syncs_of(ends[0]) + syncs_of(ends[1]) > syncs, "states were compared");
    measure_sample(&sync->ms[differing], cost.steps_ms + cost.codec_ms);
    measure_sample(&sync->kib[differing], (double)cost.bytes / 1024);
    struct holm_replica_stats stats;
    holm_replica_stats(ends[0], &stats);
    measure_require(stats.records == *used, "nothing was lost in the merge");
}

static void measure_sync(struct sync *sync, int repeats)
{
    struct bare_keys keys;
    size_t more = 0;
    for (int d = 0; d < PER_MILLES; d++)
        more += (size_t)repeats * 2 * (sync->records * per_milles[d] / 1000);
    bare_keys_make(&keys, sync->records + more);
    struct holm_replica *base = bare_open(1, 0, NULL);
    bare_fill(base, &keys, sync->records);
    struct holm_replica *ends[2] = {bare_open_small(2, 1, NULL), bare_open_small(3, 1, NULL)};
    (void)bare_join(ends[0], base);
    (void)bare_join(ends[1], base);
    holm_replica_free(base);
    size_t used = sync->records;
    for (int d = 0; d < PER_MILLES; d++) {
        for (int r = 0; r < repeats; r++)
            sync_once(sync, ends, &keys, &used, d);
    }
    holm_replica_free(ends[0]);
    holm_replica_free(ends[1]);
    bare_keys_free(&keys);
}

static void tell_sync(struct report *report, const struct sync *sync)
{
    static const char *const parts[PER_MILLES] = {"0.1%", "1%", "10%"};
    const char *records = sync->records == 100000 ? "10^5" : "10^6";
    for (int d = 0; d < PER_MILLES; d++) {
        char name[64];
        snprintf(name, sizeof name, "%s records, %s new on each side", records, parts[d]);
        struct report_row row = {.name = name, .unit = "ms", .samples = &sync->ms[d]};
        report_row(report, &row);
        snprintf(name, sizeof name, "%s records, %s new, bytes", records, parts[d]);
        report_row(report,
                   &(struct report_row){.name = name, .unit = "KiB", .samples = &sync->kib[d]});
    }
}

static void measure_syncs(struct report *report)
{
    struct sync few = {.records = 100000};
    struct sync many = {.records = 1000000};
    measure_sync(&few, report->quick ? 1 : 5);
    tell_sync(report, &few);
    if (!report->quick) {
        measure_sync(&many, 3);
        tell_sync(report, &many);
    }
    for (int d = 0; d < PER_MILLES; d++) {
        measure_samples_free(&few.ms[d]);
        measure_samples_free(&few.kib[d]);
        measure_samples_free(&many.ms[d]);
        measure_samples_free(&many.kib[d]);
    }
}

void core_merge(struct report *report)
{
    if (report_wants(report, "merge-cut", "10^5 records in common, 1% new on each side"))
        measure_cuts(report);
    if (report_wants(report, "merge-sync",
                     "both sides new, no op log; frames encoded and decoded included"))
        measure_syncs(report);
}

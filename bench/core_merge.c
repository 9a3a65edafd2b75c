/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two states that differ by new records on each side are brought together: by a cut, which carries
 * the whole of the one into the other.
 */
#include "bench/bare.h"
#include "bench/core.h"
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

void core_merge(struct report *report)
{
    if (!report_wants(report, "merge", "10^5 records in common, 1% new on each side"))
        return;
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
    report_row(report, &(struct report_row){.name = "both together",
                                            .unit = "ms",
                                            .samples = &merging.both,
                                            .base = bare,
                                            .most = 3});
    holm_replica_free(base);
    bare_keys_free(&keys);
    measure_samples_free(&merging.freeze);
    measure_samples_free(&merging.load);
    measure_samples_free(&merging.both);
    measure_samples_free(&merging.bare);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two replicas with much in common and new records on each side: one catches up by what differs.
 */
#include "bench/bare.h"
#include "bench/catch.h"
#include "bench/core.h"

#define PARTS 3
static const size_t per_milles[PARTS] = {1, 10, 100};

/* What it took at one number of records, by how much was new. */
struct catches {
    size_t records;
    struct measure_samples sides[PARTS], codec[PARTS], kib[PARTS], apply[PARTS];
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

static void catch_once(struct catches *catches, struct holm_replica *const ends[2],
                       const struct bare_keys *keys, size_t *used, int part)
{
    size_t more = catches->records * per_milles[part] / 1000;
    put_some(ends[0], keys, *used, more);
    put_some(ends[1], keys, *used + more, more);
    *used += 2 * more;
    struct catch_cost cost = catch_up(ends[0], ends[1]);
    struct holm_replica_stats stats;
    holm_replica_stats(ends[1], &stats);
    measure_require(stats.records == *used, "nothing was lost in the merge");
    measure_sample(&catches->sides[part], cost.server_ms + cost.receiver_ms);
    measure_sample(&catches->codec[part], cost.codec_ms);
    measure_sample(&catches->apply[part], cost.apply_ms);
    measure_sample(&catches->kib[part], (double)cost.bytes / 1024);
    (void)catch_up(ends[1], ends[0]);
    measure_require(holm_digest_equal(holm_replica_transfer_digest(ends[0]),
                                      holm_replica_transfer_digest(ends[1])),
                    "after the way back both hold the same");
}

static void measure_catches(struct catches *catches, int repeats)
{
    struct bare_keys keys;
    size_t more = 0;
    for (int p = 0; p < PARTS; p++)
        more += (size_t)repeats * 2 * (catches->records * per_milles[p] / 1000);
    bare_keys_make(&keys, catches->records + more);
    struct holm_replica *base = bare_open(1, 0, NULL);
    bare_fill(base, &keys, catches->records);
    struct holm_replica *ends[2] = {bare_open_small(2, 1, NULL), bare_open_small(3, 1, NULL)};
    (void)bare_join(ends[0], base);
    (void)bare_join(ends[1], base);
    holm_replica_free(base);
    size_t used = catches->records;
    for (int p = 0; p < PARTS; p++) {
        for (int r = 0; r < repeats; r++)
            catch_once(catches, ends, &keys, &used, p);
    }
    holm_replica_free(ends[0]);
    holm_replica_free(ends[1]);
    bare_keys_free(&keys);
}

static void tell_catches(struct report *report, const struct catches *catches)
{
    static const char *const parts[PARTS] = {"0.1%", "1%", "10%"};
    const char *records = catches->records == 100000 ? "10^5" : "10^6";
    for (int p = 0; p < PARTS; p++) {
        char name[64];
        snprintf(name, sizeof name, "%s records, %s new each, both sides", records, parts[p]);
        struct report_row row = {.name = name, .unit = "ms", .samples = &catches->sides[p]};
        row.most = catches->records == 100000 && p == 1 ? 3 : 0;
        report_row(report, &row);
        snprintf(name, sizeof name, "%s records, %s new each, of which to apply", records,
                 parts[p]);
        row = (struct report_row){.name = name, .unit = "ms", .samples = &catches->apply[p]};
        report_row(report, &row);
        snprintf(name, sizeof name, "%s records, %s new each, codec", records, parts[p]);
        row = (struct report_row){.name = name, .unit = "ms", .samples = &catches->codec[p]};
        report_row(report, &row);
        snprintf(name, sizeof name, "%s records, %s new each, bytes", records, parts[p]);
        row = (struct report_row){.name = name, .unit = "KiB", .samples = &catches->kib[p]};
        report_row(report, &row);
    }
}

/* Proportional to the difference: alike where the difference is, ten times where it is ten times. Half as
 * much again is allowed for the caches and for what there is once. */
static void tell_proportion(struct report *report, const struct catches *few,
                            const struct catches *many)
{
    report_row(report, &(struct report_row){.name = "1,000 new each: 10^6 records to 10^5, time",
                                            .unit = "x",
                                            .value = measure_median(&many->sides[0]) /
                                                     measure_median(&few->sides[1]),
                                            .most = 1.5});
    report_row(report, &(struct report_row){.name = "10^6 records: 10% new to 1% new, time",
                                            .unit = "x",
                                            .value = measure_median(&many->sides[2]) /
                                                     measure_median(&many->sides[1]),
                                            .most = 15});
    report_row(report, &(struct report_row){.name = "1,000 new each: 10^6 records to 10^5, bytes",
                                            .unit = "x",
                                            .value = measure_median(&many->kib[0]) /
                                                     measure_median(&few->kib[1]),
                                            .most = 1.5});
}

static void free_catches(struct catches *catches)
{
    for (int p = 0; p < PARTS; p++) {
        measure_samples_free(&catches->sides[p]);
        measure_samples_free(&catches->codec[p]);
        measure_samples_free(&catches->apply[p]);
        measure_samples_free(&catches->kib[p]);
    }
}

void core_catch(struct report *report)
{
    struct catches few = {.records = 100000};
    struct catches many = {.records = 1000000};
    if (!report_wants(report, "merge-difference", "new records on each side, one catches up"))
        return;
    measure_catches(&few, report->quick ? 3 : 11);
    tell_catches(report, &few);
    if (!report->quick) {
        measure_catches(&many, 3);
        tell_catches(report, &many);
        tell_proportion(report, &few, &many);
    }
    free_catches(&few);
    free_catches(&many);
}

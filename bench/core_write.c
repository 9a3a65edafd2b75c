/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Local operations through step(): to keys that are new, in the order of their numbers, then to all
 * of them again, shuffled. What is sealed on the way is part of the price, as it is in a node;
 * nobody takes the runs.
 *
 * The same keys in the same order go into a bare table, one by one or in batches of 16 that are
 * prefetched. Both take turns, of many records a sixteenth of the keys each, so that what slows the
 * machine for a while slows both; of few records each first goes over all of them once more without
 * being timed, for the turn of the other has taken the caches.
 *
 * Of 10^6 records it is also told what a table of small slots that name blocks takes, with nothing else
 * to do: as the machine overlaps one upsert with the next, and when each must wait for the last, as
 * operations must that are too long to be overlapped.
 */
#include <stdlib.h>
#include <sys/resource.h>

#include "bench/bare.h"
#include "bench/block_baseline.h"
#include "bench/core.h"
#include "bench/table_baseline.h"

#define BATCH_MAX 256
#define TURNS 16
#define TURNS_FROM 1000000 /* records */
#define VISITS 2
#define RECORD_BYTES 800 /* both tables, keys, and the largest record */

struct kind {
    const char *name;
    const char *visits[VISITS];
    struct holm_op (*make)(struct holm_bytes key, unsigned visit);
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
    static const char *const elements[] = {"first", "second", "third"};
    return holm_op_insert(key, holm_mem(NULL, 0), holm_str(elements[visit]));
}

static struct holm_op make_enable(struct holm_bytes key, unsigned visit)
{
    (void)visit;
    return holm_op_enable(key, holm_mem(NULL, 0));
}

static struct holm_op make_raise(struct holm_bytes key, unsigned visit)
{
    return holm_op_raise(key, holm_mem(NULL, 0), holm_i64((int64_t)visit));
}

static struct holm_op make_lower(struct holm_bytes key, unsigned visit)
{
    return holm_op_lower(key, holm_mem(NULL, 0), holm_i64(-(int64_t)visit));
}

static const struct kind kinds[] = {
    {"put", {"new", "over"}, make_put},
    {"add", {"new", "again"}, make_add},
    {"insert", {"new", "one more element"}, make_insert},
    {"enable", {"new", "again"}, make_enable},
    {"raise", {"new", "higher"}, make_raise},
    {"lower", {"new", "lower"}, make_lower},
};

#define KINDS (sizeof kinds / sizeof kinds[0])

/* One kind of operation in batches of one size, beside the bare table. */
struct contest {
    const struct kind *kind;
    size_t batch;
    struct measure_samples ours[VISITS], bare[VISITS];
};

/* Which keys are next. */
struct stretch {
    const struct bare_keys *keys;
    size_t first, end;
    unsigned visit;
};

static struct holm_bytes key_at(const struct stretch *stretch, size_t index)
{
    const struct bare_keys *keys = stretch->keys;
    return bare_key(keys, stretch->visit == 0 ? index : bare_shuffled(keys, index));
}

static void write_some(struct holm_replica *replica, const struct stretch *stretch,
                       const struct contest *contest)
{
    struct holm_op ops[BATCH_MAX];
    size_t waiting = 0;
    for (size_t i = stretch->first; i < stretch->end; i++) {
        ops[waiting++] = contest->kind->make(key_at(stretch, i), stretch->visit);
        if (waiting < contest->batch && i + 1 < stretch->end)
            continue;
        (void)bare_commit(replica, ops, waiting);
        waiting = 0;
    }
    (void)bare_flush(replica);
}

static void upsert_one_by_one(struct table_baseline *table, const struct stretch *stretch)
{
    for (size_t i = stretch->first; i < stretch->end; i++)
        table_baseline_upsert(table, key_at(stretch, i), (int64_t)stretch->visit);
}

static void upsert_in_batches(struct table_baseline *table, const struct stretch *stretch)
{
    struct holm_bytes keys[TABLE_BASELINE_BATCH_MAX];
    int64_t numbers[TABLE_BASELINE_BATCH_MAX];
    size_t waiting = 0;
    for (size_t i = stretch->first; i < stretch->end; i++) {
        keys[waiting] = key_at(stretch, i);
        numbers[waiting++] = (int64_t)stretch->visit;
        if (waiting < TABLE_BASELINE_BATCH_MAX && i + 1 < stretch->end)
            continue;
        table_baseline_upsert_batch(table, keys, numbers, waiting);
        waiting = 0;
    }
}

static void upsert_some(struct table_baseline *table, const struct stretch *stretch,
                        const struct contest *contest)
{
    if (contest->batch == 1)
        upsert_one_by_one(table, stretch);
    else
        upsert_in_batches(table, stretch);
}

/* The table, then the replica, over the same stretch of keys. */
static void measure_stretch(struct contest *contest, struct holm_replica *replica,
                            struct table_baseline *table, const struct stretch *stretch,
                            struct measure_span sums[2])
{
    struct stretch before = *stretch;
    bool again = stretch->visit > 1;
    before.visit -= 1;
    if (again)
        upsert_some(table, &before, contest);
    struct measure_span span = measure_begin();
    upsert_some(table, stretch, contest);
    measure_add(&sums[0], &span);
    if (again)
        write_some(replica, &before, contest);
    span = measure_begin();
    write_some(replica, stretch, contest);
    measure_add(&sums[1], &span);
}

/* All keys once, in turns. */
static void measure_visit(struct contest *contest, struct holm_replica *replica,
                          struct table_baseline *table, const struct bare_keys *keys,
                          unsigned column)
{
    struct measure_span sums[2] = {{0, 0}, {0, 0}};
    size_t turns = keys->count >= TURNS_FROM ? TURNS : 1;
    unsigned visit = column > 0 && turns == 1 ? 2 : column;
    for (size_t turn = 0; turn < turns; turn++) {
        struct stretch stretch = {keys, keys->count * turn / turns,
                                  keys->count * (turn + 1) / turns, visit};
        measure_stretch(contest, replica, table, &stretch, sums);
    }
    measure_sum(&contest->bare[column], &sums[0], keys->count);
    measure_sum(&contest->ours[column], &sums[1], keys->count);
}

static void check(const struct holm_replica *replica, size_t count)
{
    struct holm_replica_stats stats;
    size_t passes = count >= TURNS_FROM ? 2 : 3;
    holm_replica_stats(replica, &stats);
    measure_require(stats.records == count, "every key was written");
    measure_require(stats.operations == passes * count, "every operation was minted");
}

static void measure_contest(struct contest *contest, const struct bare_keys *keys)
{
    struct holm_replica *replica = bare_open(1, 0, NULL);
    struct table_baseline *table = table_baseline_new(keys->count);
    for (unsigned visit = 0; visit < VISITS; visit++)
        measure_visit(contest, replica, table, keys, visit);
    check(replica, keys->count);
    table_baseline_free(table);
    holm_replica_free(replica);
}

/* ---- rows ----------------------------------------------------------------------------------- */

struct scale {
    const char *group, *about;
    size_t count;
    int repeats, repeats_quick;
};

static const struct scale scales[] = {
    {"write-10k", "10^4 records; ns an operation", 10000, 9, 3},
    {"write-100k", "10^5 records; ns an operation", 100000, 5, 1},
    {"write-1M", "10^6 records; ns an operation", 1000000, 3, 1},
    {"write-10M", "10^7 records; ns an operation", 10000000, 1, 0},
};

static void tell_contest(struct report *report, const struct contest *contest, size_t count,
                         struct report_base bases[VISITS])
{
    for (unsigned visit = 0; visit < VISITS; visit++) {
        char name[64];
        char how[32] = "one by one";
        if (contest->batch > 1)
            snprintf(how, sizeof how, "%zu a commit", contest->batch);
        snprintf(name, sizeof name, "%s, %s, %s", contest->kind->name, contest->kind->visits[visit],
                 how);
        bases[visit].samples = &contest->bare[visit];
        struct report_row row = {
            .name = name, .unit = "ns", .samples = &contest->ours[visit], .base = bases[visit]};
        bool puts = contest->kind == &kinds[0];
        if (puts && count == 100000 && visit == 0)
            row.most = 200; /* five million a second */
        if (puts && count == 1000000 && visit == 1 && contest->batch <= 16)
            row.ratio_max = contest->batch == 1 ? 4 : 2.5;
        report_row(report, &row);
    }
}

/* Of all contests whose table was written in the same way. */
static struct report_base tell_base(struct report *report, const struct contest *contests,
                                    size_t count, bool batches, unsigned visit)
{
    static const char *const names[2][VISITS] = {
        {"bare upsert, new, one by one", "bare upsert, over, one by one"},
        {"bare upsert, new, 16 prefetched", "bare upsert, over, 16 prefetched"}};
    struct measure_samples all = {0};
    for (size_t i = 0; i < count; i++) {
        const struct measure_samples *bare = &contests[i].bare[visit];
        for (size_t s = 0; (contests[i].batch > 1) == batches && s < bare->count; s++) {
            measure_sample(&all, bare->values[s]);
            all.instructions += bare->instructions / (double)bare->count;
        }
    }
    struct report_base base = report_base(report, names[batches][visit], "ns", &all);
    measure_samples_free(&all);
    base.samples = NULL; /* each row has its own contest's */
    return base;
}

/* Returns the baseline of overwriting one by one. */
static struct report_base tell_scale(struct report *report, const struct contest *contests,
                                     size_t contest_count, size_t count)
{
    struct report_base bases[2][VISITS];
    for (unsigned batches = 0; batches < 2; batches++) {
        for (unsigned visit = 0; visit < VISITS; visit++)
            bases[batches][visit] = tell_base(report, contests, contest_count, batches > 0, visit);
    }
    for (size_t i = 0; i < contest_count; i++)
        tell_contest(report, &contests[i], count, bases[contests[i].batch > 1]);
    return bases[0][1];
}

static void tell_memory(const struct report *report)
{
    struct rusage usage;
    char line[96];
    getrusage(RUSAGE_SELF, &usage);
    snprintf(line, sizeof line, "a replica, the bare table and the keys together took %.1f GiB",
             (double)usage.ru_maxrss / (1024 * 1024));
    report_note(report, line);
}

static bool fits(const struct report *report, const struct scale *scale)
{
    char line[96];
    uint64_t left = measure_memory_left();
    uint64_t needed = (uint64_t)scale->count * RECORD_BYTES;
    if (left == 0 || needed <= left)
        return true;
    snprintf(line, sizeof line, "left out: it takes up to %.1f GiB of memory, and %.1f are free",
             (double)needed / (1 << 30), (double)left / (1 << 30));
    report_note(report, line);
    return false;
}

/* All keys over once, in a table that names blocks. */
static uint64_t overwrite_blocks(struct block_baseline *table, const struct bare_keys *keys,
                                 int64_t visit)
{
    int64_t found = 0;
    for (size_t i = 0; i < keys->count; i++)
        found = block_baseline_upsert(table, bare_key(keys, bare_shuffled(keys, i)), visit);
    return (uint64_t)found;
}

/* The same, but that each key is known only from the sign of what the last upsert found. */
static uint64_t overwrite_blocks_waiting(struct block_baseline *table, const struct bare_keys *keys,
                                         int64_t visit)
{
    uint64_t found = 0;
    for (size_t i = 0; i < keys->count; i++) {
        size_t next = bare_shuffled(keys, i + (size_t)(found >> 63));
        found = (uint64_t)block_baseline_upsert(table, bare_key(keys, next), visit);
    }
    return found;
}

static void measure_blocks(struct report *report, const struct bare_keys *keys, int repeats,
                           struct report_base base)
{
    struct measure_samples taken[2] = {{0}, {0}};
    struct block_baseline *table = block_baseline_new(keys->count);
    int64_t visit = 1;
    for (size_t i = 0; i < keys->count; i++)
        (void)block_baseline_upsert(table, bare_key(keys, i), visit);
    for (int r = 0; r < repeats; r++) {
        for (size_t waiting = 0; waiting < 2; waiting++) {
            struct measure_span span = measure_begin();
            uint64_t found = waiting > 0 ? overwrite_blocks_waiting(table, keys, ++visit)
                                         : overwrite_blocks(table, keys, ++visit);
            measure_end(&taken[waiting], &span, keys->count);
            measure_require(found == (uint64_t)visit - 1, "every key was there");
        }
    }
    block_baseline_free(table);
    struct report_row rows[2] = {{.name = "slots that name blocks, over, one by one"},
                                 {.name = "slots that name blocks, over, each after the last"}};
    for (size_t waiting = 0; waiting < 2; waiting++) {
        rows[waiting].unit = "ns";
        rows[waiting].samples = &taken[waiting];
        rows[waiting].base = base;
        report_row(report, &rows[waiting]);
        measure_samples_free(&taken[waiting]);
    }
}

static void measure_scale(struct report *report, const struct scale *scale)
{
    struct contest contests[KINDS + 2] = {{.kind = &kinds[0], .batch = 1},
                                          {.kind = &kinds[0], .batch = 256}};
    bool few = scale->count >= 10000000 || (report->quick && scale->count >= TURNS_FROM);
    size_t contest_count = few ? 1 : 2;
    size_t kind_count = report->quick && scale->count >= TURNS_FROM ? 1 : KINDS;
    for (size_t k = 0; k < kind_count; k++)
        contests[contest_count++] = (struct contest){.kind = &kinds[k], .batch = 16};
    struct bare_keys keys;
    bare_keys_make(&keys, scale->count);
    int repeats = report->quick ? scale->repeats_quick : scale->repeats;
    for (int r = 0; r < repeats; r++) {
        for (size_t i = 0; i < contest_count; i++)
            measure_contest(&contests[i], &keys);
    }
    struct report_base over = tell_scale(report, contests, contest_count, scale->count);
    if (scale->count == 1000000) {
        over.samples = &contests[0].bare[1];
        measure_blocks(report, &keys, repeats, over);
    }
    for (size_t i = 0; i < contest_count; i++) {
        for (unsigned visit = 0; visit < VISITS; visit++) {
            measure_samples_free(&contests[i].ours[visit]);
            measure_samples_free(&contests[i].bare[visit]);
        }
    }
    bare_keys_free(&keys);
}

void core_write(struct report *report)
{
    for (size_t s = 0; s < sizeof scales / sizeof scales[0]; s++) {
        const struct scale *scale = &scales[s];
        if (report->quick && scale->repeats_quick == 0)
            continue;
        if (!report_wants(report, scale->group, scale->about) || !fits(report, scale))
            continue;
        measure_scale(report, scale);
        if (scale->count >= 10000000)
            tell_memory(report);
    }
}

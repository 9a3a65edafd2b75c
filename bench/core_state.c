/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whole states: merged, read, fingerprinted, weighed.
 */
#include "bench/bare.h"
#include "bench/core.h"
#include "bench/table_baseline.h"
#include "crdt/state.h"

#include <stdlib.h>

#include <xxhash.h>

#define RECORDS 100000
#define MORE (RECORDS / 100) /* new keys of each side */

/* ---- merging -------------------------------------------------------------------------------- */

static void put_some(struct holm_replica *replica, const struct bare_keys *keys, size_t first,
                     size_t count)
{
    for (size_t i = first; i < first + count; i++) {
        struct holm_op op = holm_op_put(bare_key(keys, i), holm_mem(NULL, 0), holm_i64((int64_t)i));
        (void)bare_commit(replica, &op, 1);
    }
    (void)bare_flush(replica);
}

static struct bare_times merge_once(struct holm_replica *base, const struct bare_keys *keys)
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
    return times;
}

/* What it takes to write every record of the other side into a bare table. */
static double baseline_merge(const struct bare_keys *keys)
{
    struct table_baseline *table = table_baseline_new(keys->count);
    for (size_t i = 0; i < RECORDS + MORE; i++)
        table_baseline_upsert(table, bare_key(keys, i), (int64_t)i);
    uint64_t begun = measure_worked_ns();
    for (size_t i = 0; i < keys->count; i++) {
        size_t number = bare_shuffled(keys, i);
        if (number < RECORDS || number >= RECORDS + MORE)
            table_baseline_upsert(table, bare_key(keys, number), (int64_t)number);
    }
    double taken = (double)(measure_worked_ns() - begun);
    table_baseline_free(table);
    return taken;
}

void core_merge(struct measure_report *report)
{
    if (!measure_report_wants(report, "merge"))
        return;
    struct measure_samples *samples = measure_allocate(4 * sizeof *samples);
    for (int i = 0; i < 4; i++)
        samples[i].count = 0;
    struct bare_keys keys;
    bare_keys_make(&keys, RECORDS + 2 * MORE);
    struct holm_replica *base = bare_open(1, 0, NULL);
    bare_fill(base, &keys, RECORDS);
    for (int i = 0; i < (report->quick ? 2 : 7); i++) {
        struct bare_times times = merge_once(base, &keys);
        measure_sample(&samples[0], times.freeze / 1e6);
        measure_sample(&samples[1], times.merge / 1e6);
        measure_sample(&samples[2], (times.freeze + times.merge) / 1e6);
        measure_sample(&samples[3], baseline_merge(&keys) / 1e6);
    }
    struct measure_beside beside = {.baseline = measure_median(&samples[3])};
    measure_row(report, "merge", "baseline: bare upsert of 101,000", "ms", beside.baseline,
                (struct measure_beside){0, 0});
    measure_row(report, "merge", "a cut of 101,000 records", "ms", measure_median(&samples[0]),
                beside);
    measure_row(report, "merge", "merged into 101,000, 1% new on each side", "ms",
                measure_median(&samples[1]), beside);
    beside.target = 3;
    measure_row(report, "merge", "both together", "ms", measure_median(&samples[2]), beside);
    holm_replica_free(base);
    bare_keys_free(&keys);
    free(samples);
}

/* ---- reading -------------------------------------------------------------------------------- */

struct total {
    int64_t sum;
    size_t count;
};

static bool add_cell(void *context, const struct holm_cell_view *cell)
{
    struct total *total = context;
    total->sum += cell->value.as.i64;
    total->count += 1;
    return true;
}

/* All numbers below RECORDS. */
static void check_total(int64_t sum, size_t count)
{
    measure_require(count == RECORDS, "every record was read");
    measure_require(sum == (int64_t)RECORDS * (RECORDS - 1) / 2, "what was read is what was put");
}

static double scan_ns(const struct holm_replica *replica)
{
    struct total total = {0, 0};
    uint64_t begun = measure_worked_ns();
    holm_replica_visit(replica, holm_mem(NULL, 0), add_cell, &total);
    double taken = (double)(measure_worked_ns() - begun) / RECORDS;
    check_total(total.sum, total.count);
    return taken;
}

static double scan_baseline_ns(const struct table_baseline *table)
{
    size_t count;
    uint64_t begun = measure_worked_ns();
    int64_t sum = table_baseline_sum(table, &count);
    double taken = (double)(measure_worked_ns() - begun) / RECORDS;
    check_total(sum, count);
    return taken;
}

static double get_ns(const struct holm_replica *replica, const struct bare_keys *keys)
{
    struct total total = {0, 0};
    uint64_t begun = measure_worked_ns();
    for (size_t i = 0; i < RECORDS; i++) {
        struct holm_cell_view cell;
        struct holm_bytes key = bare_key(keys, bare_shuffled(keys, i));
        if (holm_replica_get(replica, key, holm_mem(NULL, 0), HOLM_REGISTER, &cell) == HOLM_OK)
            (void)add_cell(&total, &cell);
    }
    double taken = (double)(measure_worked_ns() - begun) / RECORDS;
    check_total(total.sum, total.count);
    return taken;
}

static double get_baseline_ns(const struct table_baseline *table, const struct bare_keys *keys)
{
    struct total total = {0, 0};
    uint64_t begun = measure_worked_ns();
    for (size_t i = 0; i < RECORDS; i++) {
        int64_t number;
        total.count += table_baseline_get(table, bare_key(keys, bare_shuffled(keys, i)), &number);
        total.sum += number;
    }
    double taken = (double)(measure_worked_ns() - begun) / RECORDS;
    check_total(total.sum, total.count);
    return taken;
}

#define DIGESTS 100000

/* The fingerprint of a register cell with a key of nine bytes and a number. */
static double digest_ns(void)
{
    struct holm_allocator allocator = bare_allocator(NULL);
    struct holm_actor actor = {{1}, {1}};
    struct holm_actors actors;
    struct holm_state state;
    struct holm_slot *slot;
    uint32_t index;
    holm_actors_init(&actors, &allocator, 7, 16);
    measure_must(holm_actors_intern(&actors, actor, &index), "an actor");
    measure_must(holm_state_init(&state, &allocator, &actors, 7), "a state");
    holm_state_begin(&state);
    measure_must(holm_state_ensure_slot(&state, holm_str("k00000001"), holm_mem(NULL, 0),
                                        HOLM_REGISTER, holm_mem(NULL, 0), &slot),
                 "a slot");
    struct holm_cell_new made = {index, 1, 1, holm_i64(1), 0, false};
    measure_must(holm_state_put(&state, slot, &made), "a cell");
    holm_state_commit(&state);
    struct holm_digest sum = {0, 0};
    uint64_t begun = measure_worked_ns();
    for (uint64_t i = 0; i < DIGESTS; i++) {
        slot->cells->seq = i + 1;
        holm_digest_add(&sum, holm_cell_digest(&state, slot, slot->cells));
    }
    double taken = (double)(measure_worked_ns() - begun) / DIGESTS;
    measure_require(sum.low != 0 && sum.high != 0, "fingerprints were taken");
    slot->cells->seq = 1;
    holm_state_release(&state);
    holm_actors_release(&actors);
    return taken;
}

static double hash_ns(void)
{
    uint64_t text[4] = {1, 2, 3, 4};
    uint64_t sum = 0;
    uint64_t begun = measure_worked_ns();
    for (uint64_t i = 0; i < DIGESTS; i++) {
        text[0] = i;
        sum += XXH3_64bits(text, sizeof text);
    }
    double taken = (double)(measure_worked_ns() - begun) / DIGESTS;
    measure_require(sum != 0, "hashes were taken");
    return taken;
}

static void read_row(struct measure_report *report, struct measure_samples *samples,
                     const char *name, const char *baseline)
{
    struct measure_beside beside = {.baseline = measure_median(&samples[1])};
    measure_row(report, "read", baseline, "ns", beside.baseline, (struct measure_beside){0, 0});
    measure_row(report, "read", name, "ns", measure_median(&samples[0]), beside);
}

void core_read(struct measure_report *report)
{
    if (!measure_report_wants(report, "read"))
        return;
    struct measure_samples *samples = measure_allocate(6 * sizeof *samples);
    struct holm_replica *replica = bare_open(1, 0, NULL);
    struct table_baseline *table = table_baseline_new(RECORDS);
    struct bare_keys keys;
    bare_keys_make(&keys, RECORDS);
    bare_fill(replica, &keys, RECORDS);
    for (size_t i = 0; i < RECORDS; i++)
        table_baseline_upsert(table, bare_key(&keys, i), (int64_t)i);
    for (int i = 0; i < 6; i++)
        samples[i].count = 0;
    for (int i = 0; i < (report->quick ? 3 : 11); i++) {
        measure_sample(&samples[0], get_ns(replica, &keys));
        measure_sample(&samples[1], get_baseline_ns(table, &keys));
        measure_sample(&samples[2], scan_ns(replica));
        measure_sample(&samples[3], scan_baseline_ns(table));
        measure_sample(&samples[4], digest_ns());
        measure_sample(&samples[5], hash_ns());
    }
    read_row(report, &samples[0], "a register of 100,000, shuffled", "baseline: bare look-up");
    read_row(report, &samples[2], "a scan of 100,000, a cell", "baseline: a walk over the table");
    read_row(report, &samples[4], "the fingerprint of a cell", "baseline: XXH3 of 32 B");
    table_baseline_free(table);
    holm_replica_free(replica);
    bare_keys_free(&keys);
    free(samples);
}

/* ---- memory --------------------------------------------------------------------------------- */

static const char *const field_names[] = {"aa", "bb", "cc", "dd"};

static void write_register(struct holm_replica *replica, struct holm_bytes key)
{
    struct holm_op op = holm_op_put(key, holm_mem(NULL, 0), holm_i64(1));
    (void)bare_commit(replica, &op, 1);
}

static void write_counter(struct holm_replica *replica, struct holm_bytes key)
{
    struct holm_op op = holm_op_add(key, holm_mem(NULL, 0), 1);
    (void)bare_commit(replica, &op, 1);
}

static void write_fields(struct holm_replica *replica, struct holm_bytes key)
{
    write_register(replica, key);
    for (int i = 0; i < 4; i++) {
        struct holm_op op = holm_op_put(key, holm_str(field_names[i]), holm_i64(1));
        (void)bare_commit(replica, &op, 1);
    }
}

static void write_elements(struct holm_replica *replica, struct holm_bytes key)
{
    write_register(replica, key);
    for (int i = 0; i < 4; i++) {
        struct holm_op op = holm_op_insert(key, holm_mem(NULL, 0), holm_str(field_names[i]));
        (void)bare_commit(replica, &op, 1);
    }
}

/* What a replica takes that has loaded such records from a cut: its op log is empty. */
static struct bare_meter weigh(const struct bare_keys *keys,
                               void (*write)(struct holm_replica *, struct holm_bytes))
{
    struct bare_meter meter = {0, 0, 0};
    struct holm_replica *writer = bare_open(1, 0, NULL);
    for (size_t i = 0; i < keys->count; i++)
        write(writer, bare_key(keys, i));
    struct holm_replica *replica = bare_open(2, 0, &meter);
    (void)bare_join(replica, writer);
    measure_require(holm_digest_equal(holm_replica_digest(writer), holm_replica_digest(replica)),
                    "all was loaded");
    struct bare_meter result = meter;
    holm_replica_free(replica);
    measure_require(meter.blocks == 0 && meter.bytes == 0, "all memory was given back");
    holm_replica_free(writer);
    return result;
}

static void memory_rows(struct measure_report *report, const char *what, struct bare_meter more,
                        size_t count, double target)
{
    char name[96];
    struct measure_beside beside = {.target = target};
    double parts = (double)count;
    snprintf(name, sizeof name, "%s, as malloc takes it", what);
    measure_row(report, "memory", name, "B", (double)more.taken / parts, beside);
    snprintf(name, sizeof name, "%s, as asked for", what);
    measure_row(report, "memory", name, "B", (double)more.bytes / parts,
                (struct measure_beside){0, 0});
    snprintf(name, sizeof name, "%s, blocks", what);
    measure_row(report, "memory", name, "", (double)more.blocks / parts,
                (struct measure_beside){0, 0});
}

static struct bare_meter above(struct bare_meter meter, struct bare_meter floor)
{
    return (struct bare_meter){meter.blocks - floor.blocks, meter.bytes - floor.bytes,
                               meter.taken - floor.taken};
}

void core_memory(struct measure_report *report)
{
    if (!measure_report_wants(report, "memory"))
        return;
    struct bare_keys keys;
    bare_keys_make(&keys, RECORDS);
    struct bare_meter one = weigh(&keys, write_register);
    struct bare_meter fields = above(weigh(&keys, write_fields), one);
    struct bare_meter elements = above(weigh(&keys, write_elements), one);
    memory_rows(report, "a record of one register", one, RECORDS, 100);
    memory_rows(report, "a record of one counter", weigh(&keys, write_counter), RECORDS, 0);
    memory_rows(report, "one register more", fields, (size_t)4 * RECORDS, 0);
    memory_rows(report, "one set element of four", elements, (size_t)4 * RECORDS, 0);
    bare_keys_free(&keys);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What records and cells weigh: by an allocator that counts what is asked for, and what malloc takes
 * for it. Op logs are as small as they can be, and taken off. All cells are written by 16 actors in
 * turn, and values are integers of full width, so that no encoding of small ones helps.
 *
 * Records of 1, 2, 4 and 8 fields give a line through their weights: what it rises by is a cell,
 * where it starts is a record. Taken off as payload: 9 bytes of key a record, 8 of value a cell.
 */
#include "bench/bare.h"
#include "bench/core.h"

#include <stdlib.h>

#define ACTORS 16
#define FIELDS_MAX 8
#define VALUE_BYTES 8
#define LOG_BYTES 65536

enum order {
    BY_RECORD, /* all fields of a record in one batch */
    BY_FIELD   /* all records, then the next field: each record grows again and again */
};

/* Bytes a record, both as asked for and as malloc takes them. */
struct weight {
    double asked, taken;
};

static struct holm_op op_of(struct holm_bytes key, size_t field, uint64_t salt)
{
    static const char *const names[FIELDS_MAX] = {"aa", "bb", "cc", "dd", "ee", "ff", "gg", "hh"};
    uint64_t number = (salt * FIELDS_MAX + field + 1) * UINT64_C(0x9e3779b97f4a7c15);
    return holm_op_put(key, holm_str(names[field]), holm_i64((int64_t)number));
}

static void change_epoch(struct holm_replica *replica, uint64_t number)
{
    struct holm_event event = {.type = HOLM_EVENT_EPOCH};
    event.as.epoch.value = holm_replica_self(replica).epoch.value + number;
    (void)bare_step(replica, &event);
}

static void write_records(struct holm_replica *replica, const struct bare_keys *keys, size_t fields)
{
    for (size_t i = 0; i < keys->count; i++) {
        struct holm_op ops[FIELDS_MAX];
        size_t number = bare_shuffled(keys, i);
        for (size_t f = 0; f < fields; f++)
            ops[f] = op_of(bare_key(keys, number), f, number);
        (void)bare_commit(replica, ops, fields);
        if (i % (keys->count / ACTORS) == 0 && i > 0)
            change_epoch(replica, 1);
    }
}

static void write_fields(struct holm_replica *replica, const struct bare_keys *keys, size_t fields)
{
    size_t written = 0;
    for (size_t f = 0; f < fields; f++) {
        for (size_t i = 0; i < keys->count; i++) {
            size_t number = bare_shuffled(keys, i);
            struct holm_op op = op_of(bare_key(keys, number), f, number);
            (void)bare_commit(replica, &op, 1);
            if (++written % (fields * keys->count / ACTORS) == 0)
                change_epoch(replica, 1);
        }
    }
}

static struct weight weight_of(const struct bare_meter *meter, const struct holm_replica *replica,
                               size_t count)
{
    struct holm_replica_stats stats;
    holm_replica_stats(replica, &stats);
    measure_require(stats.records == count, "every record was written");
    measure_require(stats.vector_entries >= ACTORS, "so many actors wrote");
    double log = (double)stats.log_bytes;
    return (struct weight){((double)meter->bytes - log) / (double)count,
                           ((double)meter->taken - log) / (double)count};
}

static struct weight weigh(const struct bare_keys *keys, size_t fields, enum order order)
{
    struct bare_meter meter = {0, 0, 0};
    struct holm_replica *replica = bare_open_small(1, LOG_BYTES, &meter);
    if (order == BY_RECORD)
        write_records(replica, keys, fields);
    else
        write_fields(replica, keys, fields);
    (void)bare_flush(replica);
    struct weight weight = weight_of(&meter, replica, keys->count);
    holm_replica_free(replica);
    measure_require(meter.blocks == 0 && meter.bytes == 0, "all memory was given back");
    return weight;
}

/* ---- the line ------------------------------------------------------------------------------- */

#define POINTS 4
static const size_t field_counts[POINTS] = {1, 2, 4, 8};

struct line {
    double start, rise;
};

/* Least squares. */
static struct line fit(const double weights[POINTS])
{
    double x = 0;
    double y = 0;
    double xx = 0;
    double xy = 0;
    for (int i = 0; i < POINTS; i++) {
        double fields = (double)field_counts[i];
        x += fields;
        y += weights[i];
        xx += fields * fields;
        xy += fields * weights[i];
    }
    struct line line = {0, (POINTS * xy - x * y) / (POINTS * xx - x * x)};
    line.start = (y - line.rise * x) / POINTS;
    return line;
}

static void tell_line(struct report *report, const char *how, const double weights[POINTS],
                      bool goals)
{
    char name[64];
    struct line line = fit(weights);
    struct report_row row = {.name = name, .unit = "B"};
    snprintf(name, sizeof name, "a record beyond its key, %s", how);
    row.value = line.start - BARE_KEY_BYTES;
    row.most = goals ? 48 : 0;
    report_row(report, &row);
    snprintf(name, sizeof name, "a cell beyond its value, %s", how);
    row.value = line.rise - VALUE_BYTES;
    row.most = goals ? 32 : 0;
    report_row(report, &row);
}

static void tell_weight(struct report *report, const char *what, struct weight weight, double most)
{
    char name[64];
    report_row(report, &(struct report_row){
                           .name = what, .unit = "B", .value = weight.taken, .most = most});
    snprintf(name, sizeof name, "%s, as asked for", what);
    report_row(report, &(struct report_row){.name = name, .unit = "B", .value = weight.asked});
}

/* A record of 4 fields may have 48 bytes and four times 32 beyond 9 bytes of key and 8 a value. */
#define MOST_OF_FOUR (48 + 9 + 4 * (32 + VALUE_BYTES))

static void measure_line(struct report *report, size_t count)
{
    struct bare_keys keys;
    double asked[POINTS];
    double taken[POINTS];
    bare_keys_make(&keys, count);
    for (int i = 0; i < POINTS; i++) {
        char name[32];
        size_t fields = field_counts[i];
        struct weight weight = weigh(&keys, fields, BY_RECORD);
        snprintf(name, sizeof name, "a record of %zu field%s", fields, fields == 1 ? "" : "s");
        tell_weight(report, name, weight, fields == 4 ? MOST_OF_FOUR : 0);
        asked[i] = weight.asked;
        taken[i] = weight.taken;
    }
    tell_line(report, "fitted", taken, true);
    tell_line(report, "as asked for", asked, false);
    tell_weight(report, "4 fields, field by field", weigh(&keys, 4, BY_FIELD), 0);
    bare_keys_free(&keys);
}

/* ---- other kinds ---------------------------------------------------------------------------- */

static struct holm_op make_register(struct holm_bytes key)
{
    return holm_op_put(key, holm_mem(NULL, 0), holm_i64(1));
}

static struct holm_op make_counter(struct holm_bytes key)
{
    return holm_op_add(key, holm_mem(NULL, 0), 1);
}

static struct holm_op make_element(struct holm_bytes key)
{
    return holm_op_insert(key, holm_mem(NULL, 0), holm_str("member"));
}

static struct holm_op make_flag(struct holm_bytes key)
{
    return holm_op_enable(key, holm_mem(NULL, 0));
}

/* What a replica takes that has loaded such records from a cut: its op log is empty. */
static struct weight weigh_loaded(const struct bare_keys *keys,
                                  struct holm_op (*make)(struct holm_bytes key))
{
    struct bare_meter meter = {0, 0, 0};
    struct holm_replica *writer = bare_open(1, 0, NULL);
    for (size_t i = 0; i < keys->count; i++) {
        struct holm_op op = make(bare_key(keys, bare_shuffled(keys, i)));
        (void)bare_commit(writer, &op, 1);
    }
    struct holm_replica *replica = bare_open(2, 0, &meter);
    (void)bare_join(replica, writer);
    measure_require(holm_digest_equal(holm_replica_digest(writer), holm_replica_digest(replica)),
                    "all was loaded");
    double count = (double)keys->count;
    struct weight weight = {(double)meter.bytes / count, (double)meter.taken / count};
    holm_replica_free(replica);
    holm_replica_free(writer);
    return weight;
}

static void measure_kinds(struct report *report)
{
    struct bare_keys keys;
    bare_keys_make(&keys, 100000);
    tell_weight(report, "one integer", weigh_loaded(&keys, make_register), 100);
    tell_weight(report, "one counter", weigh_loaded(&keys, make_counter), 0);
    tell_weight(report, "one set element", weigh_loaded(&keys, make_element), 0);
    tell_weight(report, "one flag", weigh_loaded(&keys, make_flag), 0);
    bare_keys_free(&keys);
}

void core_memory(struct report *report)
{
    if (report_wants(report, "memory-kinds",
                     "10^5 records of one cell, from a cut; bytes as malloc takes them"))
        measure_kinds(report);
    if (report->quick) {
        if (report_wants(report, "memory-20k",
                         "20,000 records of integers by 16 actors; bytes as malloc takes them"))
            measure_line(report, 20000);
        return;
    }
    if (report_wants(report, "memory-1M",
                     "10^6 records of integers by 16 actors; bytes as malloc takes them"))
        measure_line(report, 1000000);
}

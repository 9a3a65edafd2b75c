/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A run's way from one replica of 100,000 records to another: sealed, encoded, decoded, applied.
 * Each stage is timed over many runs in a row; a round has as many cells whatever the size of its
 * runs.
 */
#include "bench/bare.h"
#include "bench/core.h"
#include "bench/table_baseline.h"
#include "proto/codec.h"

#include <stdlib.h>

#define GROUP "delta"
#define RECORDS 100000
#define FLUSH_BYTES ((size_t)128 << 10) /* so that 1,024 cells are one run */
#define ROUND_CELLS 8192
#define ROUNDS_MAX 7

enum stage {
    SEAL,
    ENCODE,
    DECODE,
    APPLY,
    COPY,   /* the baseline of what moves bytes */
    UPSERT, /* of what changes a state */
    STAGES
};

struct way {
    struct holm_replica *from, *to;
    struct table_baseline *table; /* with the same records */
    const struct bare_keys *keys;
    size_t cells; /* of a run */
    size_t runs;  /* of a round */
    bool fresh;   /* to keys that are new */
    size_t written;
    double clock_ns;
    struct holm_encoder encoder;
    struct holm_codec_limits limits;
    struct holm_allocator allocator;
    struct holm_delta *deltas[ROUND_CELLS];
    struct holm_bytes frames[ROUND_CELLS];
    struct holm_decoded *decoded[ROUND_CELLS];
    size_t frame_bytes; /* of all runs of a round */
};

static struct holm_message message_of(struct holm_delta *delta)
{
    struct holm_message message = {.type = HOLM_MESSAGE_DELTA, .sender = delta->actor};
    message.as.delta = delta;
    return message;
}

/* The key of the write that comes after so many. */
static struct holm_bytes key_of(const struct way *way, size_t written)
{
    size_t number = way->fresh ? RECORDS + written : bare_shuffled(way->keys, written);
    measure_require(way->fresh || number < RECORDS, "only written keys are overwritten");
    return bare_key(way->keys, number);
}

static struct holm_op next_op(struct way *way)
{
    struct holm_bytes key = key_of(way, way->written);
    way->written += 1;
    return holm_op_put(key, holm_mem(NULL, 0), holm_i64((int64_t)way->written));
}

/* One batch, sealed; returns what the sealing took. */
static double write_run(struct way *way, size_t run)
{
    struct holm_op ops[1024];
    for (size_t i = 0; i < way->cells; i++)
        ops[i] = next_op(way);
    const struct holm_work *work = bare_commit(way->from, ops, way->cells);
    measure_require(work->stored_count == 0, "nothing was sealed before its time");
    uint64_t begun = measure_now_ns();
    work = bare_flush(way->from);
    double taken = (double)(measure_now_ns() - begun) - way->clock_ns;
    measure_require(work->stored_count == 1, "a run was sealed");
    way->deltas[run] = work->stored[0];
    holm_delta_retain(way->deltas[run]);
    return taken;
}

static double seal_all(struct way *way)
{
    double taken = 0;
    for (size_t i = 0; i < way->runs; i++)
        taken += write_run(way, i);
    return taken;
}

static double encode_all(struct way *way)
{
    struct holm_bytes frame;
    uint64_t begun = measure_worked_ns();
    for (size_t i = 0; i < way->runs; i++) {
        struct holm_message message = message_of(way->deltas[i]);
        measure_must(holm_encoder_encode(&way->encoder, &message, &frame), "encoding");
    }
    double taken = (double)(measure_worked_ns() - begun);
    way->frame_bytes = 0;
    for (size_t i = 0; i < way->runs; i++) {
        struct holm_message message = message_of(way->deltas[i]);
        measure_must(holm_encoder_encode(&way->encoder, &message, &frame), "encoding again");
        void *copy = measure_allocate(frame.size);
        memcpy(copy, frame.data, frame.size);
        way->frames[i] = holm_mem(copy, frame.size);
        way->frame_bytes += frame.size;
    }
    return taken;
}

static double copy_all(struct way *way)
{
    unsigned char *target = measure_allocate(way->frame_bytes);
    memset(target, 0, way->frame_bytes);
    uint64_t begun = measure_worked_ns();
    size_t at = 0;
    for (size_t i = 0; i < way->runs; i++) {
        memcpy(target + at, way->frames[i].data, way->frames[i].size);
        at += way->frames[i].size;
    }
    double taken = (double)(measure_worked_ns() - begun);
    measure_require(memcmp(target, way->frames[0].data, way->frames[0].size) == 0, "it was copied");
    free(target);
    return taken;
}

static double decode_all(struct way *way)
{
    uint64_t begun = measure_worked_ns();
    for (size_t i = 0; i < way->runs; i++)
        measure_must(
            holm_codec_decode(&way->allocator, &way->limits, way->frames[i], &way->decoded[i]),
            "decoding");
    return (double)(measure_worked_ns() - begun);
}

static double apply_all(struct way *way)
{
    uint64_t begun = measure_worked_ns();
    for (size_t i = 0; i < way->runs; i++) {
        (void)bare_receive(way->to, way->decoded[i]->message.as.delta);
        holm_decoded_free(way->decoded[i]);
    }
    return (double)(measure_worked_ns() - begun);
}

/* What the round wrote, into the bare table. */
static double upsert_all(struct way *way)
{
    uint64_t begun = measure_worked_ns();
    for (size_t i = way->written - ROUND_CELLS; i < way->written; i++)
        table_baseline_upsert(way->table, key_of(way, i), (int64_t)i);
    return (double)(measure_worked_ns() - begun);
}

static void drop_all(struct way *way)
{
    for (size_t i = 0; i < way->runs; i++) {
        union {
            const void *lent;
            void *own;
        } frame = {way->frames[i].data};
        holm_delta_release(way->deltas[i]);
        free(frame.own);
    }
}

static void measure_round(struct way *way, struct measure_samples *samples)
{
    double taken[STAGES];
    taken[SEAL] = seal_all(way);
    taken[ENCODE] = encode_all(way);
    taken[COPY] = copy_all(way);
    taken[DECODE] = decode_all(way);
    taken[APPLY] = apply_all(way);
    taken[UPSERT] = upsert_all(way);
    drop_all(way);
    for (int s = 0; s < STAGES; s++)
        measure_sample(&samples[s], taken[s] / (double)(way->runs * way->cells));
    measure_require(holm_digest_equal(holm_replica_digest(way->from), holm_replica_digest(way->to)),
                    "both replicas hold the same");
}

static void tell(struct measure_report *report, const struct way *way,
                 struct measure_samples *samples)
{
    static const char *const stages[] = {"sealed", "encoded", "decoded", "applied"};
    const char *what = way->fresh ? "new" : "overwritten";
    char name[96];
    double copy = measure_median(&samples[COPY]);
    double upsert = measure_median(&samples[UPSERT]);
    double medians[COPY];
    snprintf(name, sizeof name, "baseline: bare upsert, keys %s", what);
    measure_row(report, GROUP, name, "ns", upsert, (struct measure_beside){0, 0});
    for (int s = 0; s < COPY; s++) {
        struct measure_beside beside = {.baseline = s == APPLY ? upsert : copy};
        medians[s] = measure_median(&samples[s]);
        snprintf(name, sizeof name, "%s, a cell of %zu, keys %s", stages[s], way->cells, what);
        measure_row(report, GROUP, name, "ns", medians[s], beside);
    }
    struct measure_beside beside = {.baseline = upsert};
    if (way->cells == 1 || way->cells == 1024)
        beside.target = way->cells == 1 ? 1500 : 330;
    snprintf(name, sizeof name, "decoded and applied, a cell of %zu, %s", way->cells, what);
    measure_row(report, GROUP, name, "ns", medians[DECODE] + medians[APPLY], beside);
    double bytes = (double)way->frame_bytes / (double)(way->runs * way->cells);
    beside = (struct measure_beside){.baseline = BARE_KEY_BYTES + 1};
    if (way->cells == 1 || way->cells == 1024)
        beside.target = way->cells == 1 ? 64 : 24;
    snprintf(name, sizeof name, "bytes on the wire, a cell of %zu, %s", way->cells, what);
    measure_row(report, GROUP, name, "B", bytes, beside);
}

static void measure_way(struct measure_report *report, const struct bare_keys *keys, size_t cells,
                        bool fresh)
{
    struct way *way = measure_allocate(sizeof *way);
    struct measure_samples *samples = measure_allocate(STAGES * sizeof *samples);
    memset(way, 0, sizeof *way);
    way->from = bare_open(1, FLUSH_BYTES, NULL);
    way->to = bare_open(2, FLUSH_BYTES, NULL);
    way->keys = keys;
    way->cells = cells;
    way->runs = ROUND_CELLS / cells;
    way->fresh = fresh;
    way->clock_ns = measure_clock_ns();
    way->allocator = bare_allocator(NULL);
    way->limits = holm_codec_limits_default(0);
    holm_encoder_init(&way->encoder, &way->allocator, way->limits.frame_bytes_max);
    for (int s = 0; s < STAGES; s++)
        samples[s].count = 0;
    bare_fill(way->from, keys, RECORDS);
    way->table = table_baseline_new(RECORDS + ROUNDS_MAX * ROUND_CELLS);
    for (size_t i = 0; i < RECORDS; i++)
        table_baseline_upsert(way->table, bare_key(keys, i), (int64_t)i);
    (void)bare_join(way->to, way->from);
    for (int round = 0; round < (report->quick ? 3 : ROUNDS_MAX); round++)
        measure_round(way, samples);
    tell(report, way, samples);
    holm_encoder_release(&way->encoder);
    holm_replica_free(way->from);
    holm_replica_free(way->to);
    table_baseline_free(way->table);
    free(samples);
    free(way);
}

void core_delta(struct measure_report *report)
{
    static const size_t sizes[] = {1, 32, 1024};
    if (!measure_report_wants(report, GROUP))
        return;
    struct bare_keys keys, more;
    bare_keys_make(&keys, RECORDS);
    bare_keys_make(&more, RECORDS + ROUNDS_MAX * ROUND_CELLS);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        measure_way(report, &keys, sizes[i], false);
        measure_way(report, &more, sizes[i], true);
    }
    bare_keys_free(&keys);
    bare_keys_free(&more);
}

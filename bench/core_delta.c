/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A run's way from one replica to another that holds the same: sealed, encoded, decoded, applied.
 * Each stage is timed over many runs in a row; of every other thousand cells decoding and applying
 * are timed together, frame by frame, as in a node. A round has as many cells whatever the size of its runs.
 *
 * The pair of replicas is made once for all tasks with as many records; tasks that add records come
 * last.
 */
#include <stdlib.h>

#include "bench/bare.h"
#include "bench/core.h"
#include "bench/proto_baseline.h"
#include "bench/table_baseline.h"
#include "proto/codec.h"

#define FLUSH_BYTES ((size_t)128 << 10) /* so that 1,024 cells are one run */
#define ROUND_CELLS_MAX 65536
#define PIECE_CELLS 1024 /* decoded, then applied: what has been decoded is still in the cache */

enum stage {
    SEAL,
    ENCODE,
    DECODE,
    APPLY,
    RECEIVE, /* decode and apply, frame by frame */
    COPY,    /* baselines: what moves bytes, … */
    UNPACK,
    PACK,
    UPSERT, /* … and what changes a state */
    STAGES
};

/* Two replicas and a bare table that hold the same. */
struct pair {
    struct holm_replica *from, *to;
    struct table_baseline *table;
    struct bare_keys keys; /* those of the records, and more */
    size_t records;        /* when the pair was made */
    size_t fresh_written, old_written;
};

/* What such a pair is asked to do. */
struct task {
    const char *group, *about;
    size_t records;
    size_t cells; /* of a run */
    bool fresh;   /* to keys that are new */
    int rounds, rounds_quick;
};

struct way {
    const struct task *task;
    struct pair *pair;
    size_t runs; /* of a round */
    size_t round_cells;
    size_t *written;
    double clock_ns;
    struct holm_encoder encoder;
    struct holm_codec_limits limits;
    struct holm_allocator allocator;
    struct holm_delta *deltas[ROUND_CELLS_MAX];
    struct holm_bytes frames[ROUND_CELLS_MAX];
    struct holm_decoded *decoded[PIECE_CELLS];
    size_t frame_bytes; /* of all runs of a round */
    struct measure_samples taken[STAGES];
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
    const struct pair *pair = way->pair;
    if (way->task->fresh)
        return bare_key(&pair->keys, pair->records + written);
    return bare_key(&pair->keys, bare_shuffled(&pair->keys, written % pair->records));
}

static struct holm_op next_op(struct way *way)
{
    struct holm_bytes key = key_of(way, *way->written);
    *way->written += 1;
    return holm_op_put(key, holm_mem(NULL, 0), holm_i64((int64_t)*way->written));
}

/* One batch, sealed; returns what the sealing took. */
static double write_run(struct way *way, size_t run)
{
    struct holm_op ops[1024];
    for (size_t i = 0; i < way->task->cells; i++)
        ops[i] = next_op(way);
    const struct holm_work *work = bare_commit(way->pair->from, ops, way->task->cells);
    measure_require(work->stored_count == 0, "nothing was sealed before its time");
    uint64_t begun = measure_now_ns();
    work = bare_flush(way->pair->from);
    double taken = (double)(measure_now_ns() - begun) - way->clock_ns;
    measure_require(work->stored_count == 1, "a run was sealed");
    way->deltas[run] = work->stored[0];
    holm_delta_retain(way->deltas[run]);
    return taken;
}

static void seal_all(struct way *way)
{
    double taken = 0;
    for (size_t i = 0; i < way->runs; i++)
        taken += write_run(way, i);
    measure_sample(&way->taken[SEAL], taken / (double)way->round_cells);
}

static void encode_all(struct way *way)
{
    struct holm_bytes frame;
    struct measure_span span = measure_begin();
    for (size_t i = 0; i < way->runs; i++) {
        struct holm_message message = message_of(way->deltas[i]);
        measure_must(holm_encoder_encode(&way->encoder, &message, &frame), "encoding");
    }
    measure_end(&way->taken[ENCODE], &span, way->round_cells);
    way->frame_bytes = 0;
    for (size_t i = 0; i < way->runs; i++) {
        struct holm_message message = message_of(way->deltas[i]);
        measure_must(holm_encoder_encode(&way->encoder, &message, &frame), "encoding again");
        void *copy = measure_allocate(frame.size);
        memcpy(copy, frame.data, frame.size);
        way->frames[i] = holm_mem(copy, frame.size);
        way->frame_bytes += frame.size;
    }
}

static void copy_all(struct way *way)
{
    unsigned char *target = measure_allocate(way->frame_bytes);
    memset(target, 0, way->frame_bytes);
    struct measure_span span = measure_begin();
    size_t at = 0;
    for (size_t i = 0; i < way->runs; i++) {
        memcpy(target + at, way->frames[i].data, way->frames[i].size);
        at += way->frames[i].size;
    }
    measure_end(&way->taken[COPY], &span, way->round_cells);
    measure_require(memcmp(target, way->frames[0].data, way->frames[0].size) == 0, "it was copied");
    free(target);
}

/* protobuf-c alone, and what is subtracted from it: spans around nothing. */
static void repack_all(struct way *way)
{
    struct measure_span unpack = {0, 0};
    struct measure_span pack = {0, 0};
    struct measure_span nothing = {0, 0};
    for (size_t i = 0; i < way->runs; i++) {
        struct measure_span span = measure_begin();
        measure_add(&nothing, &span);
        proto_baseline_frame(way->frames[i], &unpack, &pack);
    }
    measure_sample(&way->taken[UNPACK],
                   ((double)unpack.ns - 2 * (double)nothing.ns) / (double)way->round_cells);
    measure_sample(&way->taken[PACK],
                   ((double)pack.ns - (double)nothing.ns) / (double)way->round_cells);
}

static void decode(struct way *way, size_t run, struct holm_decoded **decoded)
{
    measure_must(holm_codec_decode(&way->allocator, &way->limits, way->frames[run], decoded),
                 "decoding");
}

static void apply(struct way *way, struct holm_decoded *decoded)
{
    (void)bare_receive(way->pair->to, decoded->message.as.delta);
    holm_decoded_free(decoded);
}

/* Runs from first on, as many as have a piece's cells: all decoded, then all applied. */
static void receive_in_stages(struct way *way, size_t first, struct measure_span *decoding,
                              struct measure_span *applying)
{
    size_t piece = PIECE_CELLS / way->task->cells;
    struct measure_span span = measure_begin();
    for (size_t i = 0; i < piece; i++)
        decode(way, first + i, &way->decoded[i]);
    measure_add(decoding, &span);
    span = measure_begin();
    for (size_t i = 0; i < piece; i++)
        apply(way, way->decoded[i]);
    measure_add(applying, &span);
}

/* … each decoded and applied. */
static void receive_one_by_one(struct way *way, size_t first, struct measure_span *receiving)
{
    size_t piece = PIECE_CELLS / way->task->cells;
    struct measure_span span = measure_begin();
    for (size_t i = first; i < first + piece; i++) {
        decode(way, i, &way->decoded[0]);
        apply(way, way->decoded[0]);
    }
    measure_add(receiving, &span);
}

/* Every other piece in stages, so that both ways meet the same replica. */
static void receive_all(struct way *way)
{
    struct measure_span decoding = {0, 0};
    struct measure_span applying = {0, 0};
    struct measure_span receiving = {0, 0};
    size_t piece = PIECE_CELLS / way->task->cells;
    for (size_t first = 0; first < way->runs; first += 2 * piece) {
        receive_in_stages(way, first, &decoding, &applying);
        receive_one_by_one(way, first + piece, &receiving);
    }
    measure_sum(&way->taken[DECODE], &decoding, way->round_cells / 2);
    measure_sum(&way->taken[APPLY], &applying, way->round_cells / 2);
    measure_sum(&way->taken[RECEIVE], &receiving, way->round_cells / 2);
}

/* What the round wrote, into the bare table, in prefetched batches. */
static void upsert_all(struct way *way)
{
    struct measure_span span = measure_begin();
    for (size_t i = *way->written - way->round_cells; i < *way->written;
         i += TABLE_BASELINE_BATCH_MAX) {
        struct holm_bytes keys[TABLE_BASELINE_BATCH_MAX];
        int64_t numbers[TABLE_BASELINE_BATCH_MAX];
        for (size_t j = 0; j < TABLE_BASELINE_BATCH_MAX; j++) {
            keys[j] = key_of(way, i + j);
            numbers[j] = (int64_t)(i + j);
        }
        table_baseline_upsert_batch(way->pair->table, keys, numbers, TABLE_BASELINE_BATCH_MAX);
    }
    measure_end(&way->taken[UPSERT], &span, way->round_cells);
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

static void measure_round(struct way *way)
{
    seal_all(way);
    encode_all(way);
    copy_all(way);
    repack_all(way);
    upsert_all(way);
    receive_all(way);
    drop_all(way);
    measure_require(
        holm_digest_equal(holm_replica_digest(way->pair->from), holm_replica_digest(way->pair->to)),
        "both replicas hold the same");
}

/* ---- rows ----------------------------------------------------------------------------------- */

static const struct task tasks[] = {
    {"delta-100k-1-over", "runs of 1 over old keys, 10^5 records; ns a cell", 100000, 1, false, 12,
     3},
    {"delta-100k-1024-over", "runs of 1,024 over old keys, 10^5 records; ns a cell", 100000, 1024,
     false, 12, 3},
    {"delta-100k-1-new", "runs of 1 to new keys, 10^5 records; ns a cell", 100000, 1, true, 4, 3},
    {"delta-100k-1024-new", "runs of 1,024 to new keys, 10^5 records; ns a cell", 100000, 1024,
     true, 4, 3},
    {"delta-1M-32-over", "runs of 32 over old keys, 10^6 records; ns a cell", 1000000, 32, false, 9,
     2},
    {"delta-1M-1024-over", "runs of 1,024 over old keys, 10^6 records; ns a cell", 1000000, 1024,
     false, 9, 2},
    {"delta-1M-32-new", "runs of 32 to new keys, 10^6 records; ns a cell", 1000000, 32, true, 5, 0},
    {"delta-1M-1024-new", "runs of 1,024 to new keys, 10^6 records; ns a cell", 1000000, 1024, true,
     5, 0},
};

#define TASKS (sizeof tasks / sizeof tasks[0])

/* A tenth of the records at 10^5: tasks that add some must not change what is measured. */
static size_t round_cells_of(size_t records)
{
    return records == 100000 ? 8192 : ROUND_CELLS_MAX;
}

/* A cell of a run of 1, 32, 1,024; three and six million cells a second are 333 and 167 ns. */
static double most_received(const struct task *task)
{
    if (task->records == 100000)
        return task->cells == 1 ? 1500 : 330;
    return task->cells == 32 ? 333 : 167;
}

static double most_encoded(const struct task *task)
{
    if (task->cells == 1)
        return 0;
    return task->cells == 32 ? 333 : 167;
}

static void tell_bytes(struct report *report, const struct way *way)
{
    struct report_row row = {.name = "bytes on the wire", .unit = "B"};
    row.value = (double)way->frame_bytes / (double)way->round_cells;
    if (way->task->cells == 1)
        row.most = 64;
    else if (way->task->cells == 1024)
        row.most = 24;
    report_row(report, &row);
}

static void tell(struct report *report, const struct way *way, const struct task *task)
{
    const struct measure_samples *taken = way->taken;
    struct report_base copy = report_base(report, "memcpy of the frames", "ns", &taken[COPY]);
    struct report_base unpack = report_base(report, "protobuf-c alone, unpacking", "ns",
                                            &taken[UNPACK]);
    struct report_base pack = report_base(report, "protobuf-c alone, packing", "ns", &taken[PACK]);
    struct report_base upsert = report_base(report, "bare upsert, 16 prefetched", "ns",
                                            &taken[UPSERT]);
    report_row(report, &(struct report_row){
                           .name = "sealed", .unit = "ns", .samples = &taken[SEAL], .base = copy});
    report_row(report, &(struct report_row){.name = "encoded",
                                            .unit = "ns",
                                            .samples = &taken[ENCODE],
                                            .base = pack,
                                            .most = most_encoded(task)});
    report_row(report, &(struct report_row){.name = "decoded and validated",
                                            .unit = "ns",
                                            .samples = &taken[DECODE],
                                            .base = unpack});
    struct report_row applied = {.name = "applied", .unit = "ns", .samples = &taken[APPLY]};
    applied.base = upsert;
    applied.ratio_max = task->records == 1000000 ? 2 : 0;
    report_row(report, &applied);
    struct report_row received = {.name = "decoded, validated and applied",
                                  .unit = "ns",
                                  .samples = &taken[RECEIVE],
                                  .most = most_received(task)};
    received.base = upsert;
    report_row(report, &received);
    tell_bytes(report, way);
}

static struct pair open_pair(size_t records, size_t more)
{
    struct pair pair = {.from = bare_open(1, FLUSH_BYTES, NULL),
                        .to = bare_open(2, FLUSH_BYTES, NULL),
                        .table = table_baseline_new(records + more),
                        .records = records};
    bare_keys_make_part(&pair.keys, records + more, records);
    bare_fill(pair.from, &pair.keys, records);
    for (size_t i = 0; i < records; i++)
        table_baseline_upsert(pair.table, bare_key(&pair.keys, i), (int64_t)i);
    (void)bare_join(pair.to, pair.from);
    return pair;
}

static void close_pair(struct pair *pair)
{
    holm_replica_free(pair->from);
    holm_replica_free(pair->to);
    table_baseline_free(pair->table);
    bare_keys_free(&pair->keys);
}

static void measure_task(struct report *report, struct pair *pair, const struct task *task)
{
    struct way *way = measure_allocate(sizeof *way);
    memset(way, 0, sizeof *way);
    way->task = task;
    way->pair = pair;
    way->round_cells = round_cells_of(task->records);
    way->runs = way->round_cells / task->cells;
    way->written = task->fresh ? &pair->fresh_written : &pair->old_written;
    way->clock_ns = measure_clock_ns();
    way->allocator = bare_allocator(NULL);
    way->limits = holm_codec_limits_default(0);
    holm_encoder_init(&way->encoder, &way->allocator, way->limits.frame_bytes_max);
    int rounds = report->quick ? task->rounds_quick : task->rounds;
    for (int round = 0; round < rounds; round++)
        measure_round(way);
    tell(report, way, task);
    holm_encoder_release(&way->encoder);
    for (int s = 0; s < STAGES; s++)
        measure_samples_free(&way->taken[s]);
    free(way);
}

/* All tasks with as many records. */
static void measure_tasks(struct report *report, size_t records)
{
    struct pair pair = {.records = 0};
    size_t more = 0;
    for (size_t i = 0; i < TASKS; i++) {
        if (tasks[i].records == records && tasks[i].fresh)
            more += (size_t)tasks[i].rounds * round_cells_of(records);
    }
    for (size_t i = 0; i < TASKS; i++) {
        const struct task *task = &tasks[i];
        if (task->records != records || (report->quick && task->rounds_quick == 0))
            continue;
        if (!report_wants(report, task->group, task->about))
            continue;
        if (pair.records == 0)
            pair = open_pair(records, more);
        measure_task(report, &pair, task);
    }
    if (pair.records > 0)
        close_pair(&pair);
}

void core_delta(struct report *report)
{
    measure_tasks(report, 100000);
    measure_tasks(report, 1000000);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_peer KEYS: what peers/peer.mjs does with other libraries, once, with holm: a line of JSON for
 * each figure. It is started anew for each repeat, as they are. After each workload every key is read
 * and compared with what was written.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench/bare.h"
#include "bench/measure.h"
#include "bench/pair.h"
#include "proto/codec.h"

#define SINGLES 1000
#define BATCH 1024
#define FLUSH_BYTES ((size_t)128 << 10)

struct contents {
    struct bare_keys keys;
    int64_t *values; /* of the first `count` keys */
    size_t count;
};

static void tell(const char *workload, const char *unit, double value)
{
    printf(
        "{\"library\":\"holm\",\"workload\":\"%s\",\"unit\":\"%s\",\"value\":%.6g,\"note\":\"\"}\n",
        workload, unit, value);
}

static void put(struct holm_replica *replica, struct contents *contents, const size_t *numbers,
                size_t count, int64_t more)
{
    struct holm_op ops[BATCH];
    measure_require(count <= BATCH, "a batch fits");
    for (size_t i = 0; i < count; i++) {
        contents->values[numbers[i]] = (int64_t)numbers[i] + more;
        ops[i] = holm_op_put(bare_key(&contents->keys, numbers[i]), holm_mem(NULL, 0),
                             holm_i64((int64_t)numbers[i] + more));
    }
    (void)bare_commit(replica, ops, count);
}

static void put_range(struct holm_replica *replica, struct contents *contents, size_t first,
                      size_t end, size_t batch)
{
    for (size_t at = first; at < end; at += batch) {
        size_t numbers[BATCH];
        size_t count = 0;
        for (; count < batch && at + count < end; count++)
            numbers[count] = at + count;
        put(replica, contents, numbers, count, 0);
    }
    (void)bare_flush(replica);
}

static void compare(const struct holm_replica *replica, const struct contents *contents)
{
    struct holm_replica_stats stats;
    holm_replica_stats(replica, &stats);
    measure_require(stats.records == contents->count, "so many keys");
    for (size_t i = 0; i < contents->count; i++) {
        struct holm_cell_view cell;
        measure_must(holm_replica_get(replica, bare_key(&contents->keys, i), holm_mem(NULL, 0),
                                      HOLM_REGISTER, &cell),
                     "a key");
        measure_require(cell.value.as.i64 == contents->values[i], "every key has its value");
    }
}

/* ---- workloads ------------------------------------------------------------------------------ */

static void measure_puts(struct contents *contents, size_t batch, const char *workload)
{
    struct measure_samples taken = {0};
    struct holm_replica *replica = bare_open(1, 0, NULL);
    struct measure_span span = measure_begin();
    put_range(replica, contents, 0, contents->count, batch);
    measure_end(&taken, &span, contents->count);
    tell(workload, "ns", measure_median(&taken));
    compare(replica, contents);
    holm_replica_free(replica);
    measure_samples_free(&taken);
}

static void measure_memory(struct contents *contents)
{
    struct bare_meter meter = {0, 0, 0};
    struct holm_replica *replica = bare_open_small(1, 1, &meter);
    struct holm_replica_stats stats;
    put_range(replica, contents, 0, contents->count, 1);
    holm_replica_stats(replica, &stats);
    tell("memory", "B", (double)(meter.taken - stats.log_bytes) / (double)contents->count);
    compare(replica, contents);
    holm_replica_free(replica);
}

struct frame {
    unsigned char *bytes;
    size_t size;
};

/* What is pending at `from`, as the one frame that it gives. */
static struct frame seal(struct holm_replica *from, struct holm_encoder *encoder)
{
    struct holm_message message = {.type = HOLM_MESSAGE_DELTA};
    struct holm_bytes frame;
    const struct holm_work *work = bare_flush(from);
    measure_require(work->stored_count == 1, "one run was sealed");
    message.as.delta = work->stored[0];
    message.sender = work->stored[0]->actor;
    measure_must(holm_encoder_encode(encoder, &message, &frame), "encoding");
    struct frame result = {measure_allocate(frame.size), frame.size};
    memcpy(result.bytes, frame.data, frame.size);
    return result;
}

static void apply(struct holm_replica *to, const struct frame *frame)
{
    const struct holm_allocator allocator = bare_allocator(NULL);
    const struct holm_codec_limits limits = holm_codec_limits_default(0);
    struct holm_decoded *decoded;
    measure_must(
        holm_codec_decode(&allocator, &limits, holm_mem(frame->bytes, frame->size), &decoded),
        "decoding");
    (void)bare_receive(to, decoded->message.as.delta);
    holm_decoded_free(decoded);
}

static void measure_singles(struct holm_replica *from, struct holm_replica *to,
                            struct contents *contents, struct holm_encoder *encoder)
{
    static struct frame frames[SINGLES];
    struct measure_samples taken = {0};
    size_t bytes = 0;
    for (size_t i = 0; i < SINGLES; i++) {
        size_t number = bare_shuffled(&contents->keys, i);
        put(from, contents, &number, 1, 1000000);
        frames[i] = seal(from, encoder);
        bytes += frames[i].size;
    }
    tell("update_bytes", "B", (double)bytes / SINGLES);
    struct measure_span span = measure_begin();
    for (size_t i = 0; i < SINGLES; i++)
        apply(to, &frames[i]);
    measure_end(&taken, &span, SINGLES);
    tell("apply_each", "ns", measure_median(&taken));
    compare(to, contents);
    for (size_t i = 0; i < SINGLES; i++)
        free(frames[i].bytes);
    measure_samples_free(&taken);
}

static void measure_batch(struct holm_replica *from, struct holm_replica *to,
                          struct contents *contents, struct holm_encoder *encoder)
{
    struct measure_samples taken = {0};
    size_t numbers[BATCH];
    for (size_t i = 0; i < BATCH; i++)
        numbers[i] = bare_shuffled(&contents->keys, SINGLES + i);
    put(from, contents, numbers, BATCH, 2000000);
    struct frame frame = seal(from, encoder);
    tell("batch_bytes", "B", (double)frame.size / BATCH);
    struct measure_span span = measure_begin();
    apply(to, &frame);
    measure_end(&taken, &span, BATCH);
    tell("apply_batch", "ns", measure_median(&taken));
    compare(to, contents);
    free(frame.bytes);
    measure_samples_free(&taken);
}

/* 1% new on each side, brought together both ways by what each has not seen, and the one into the
 * other as a whole. */
static void measure_merges(struct holm_replica *left, struct holm_replica *right,
                           struct contents *contents)
{
    size_t before = contents->count;
    size_t more = before / 100;
    struct holm_replica *apart[2] = {bare_open(5, 0, NULL), bare_open(6, 0, NULL)};
    put_range(left, contents, before, before + more, 1);
    put_range(right, contents, before + more, before + 2 * more, 1);
    contents->count += 2 * more;
    (void)bare_join(apart[0], left);
    (void)bare_join(apart[1], right);
    struct pair_cost cost = pair_reconcile(left, right);
    tell("merge_missing", "ms", cost.steps_ms + cost.codec_ms);
    compare(left, contents);
    compare(right, contents);
    struct bare_times times = bare_join(apart[0], apart[1]);
    tell("merge_whole", "ms", (times.freeze + times.merge) / 1e6);
    compare(apart[0], contents);
    holm_replica_free(apart[0]);
    holm_replica_free(apart[1]);
}

static void measure_all(struct contents *contents)
{
    struct holm_allocator allocator = bare_allocator(NULL);
    struct holm_encoder encoder;
    measure_puts(contents, 1, "put_each");
    measure_puts(contents, BATCH, "put_all");
    measure_memory(contents);
    struct holm_replica *left = bare_open(1, FLUSH_BYTES, NULL);
    struct holm_replica *right = bare_open(2, FLUSH_BYTES, NULL);
    put_range(left, contents, 0, contents->count, 1);
    (void)bare_join(right, left);
    holm_encoder_init(&encoder, &allocator, holm_codec_limits_default(0).frame_bytes_max);
    measure_singles(left, right, contents, &encoder);
    measure_batch(left, right, contents, &encoder);
    measure_merges(left, right, contents);
    holm_encoder_release(&encoder);
    holm_replica_free(left);
    holm_replica_free(right);
}

int main(int argc, char **argv)
{
    size_t count = argc == 2 ? (size_t)strtoul(argv[1], NULL, 10) : 0;
    if (count < 10000 || count > 10000000) {
        fprintf(stderr, "bench_peer KEYS: from 10,000 on; peers/run.mjs calls it\n");
        return EXIT_FAILURE;
    }
    struct contents contents = {.count = count};
    size_t more = count / 100 * 2;
    bare_keys_make_part(&contents.keys, count + more, count);
    contents.values = measure_allocate((count + more) * sizeof *contents.values);
    measure_all(&contents);
    bare_keys_free(&contents.keys);
    free(contents.values);
    return EXIT_SUCCESS;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/pair.h"

#include <stdlib.h>

#include "proto/codec.h"

#define FRAMES_MAX ((size_t)1 << 20) /* on their way at once */
#define WAITS_MAX 1000
#define PEER 0 /* each is the other's only one */

struct queue {
    struct holm_bytes *frames;
    size_t first, count, capacity;
};

struct pair {
    struct holm_replica *ends[2];
    struct queue to[2];
    uint64_t wake_us[2];
    struct holm_allocator allocator;
    struct holm_encoder encoder;
    struct holm_codec_limits limits;
    struct measure_span steps, codec;
    size_t frames, bytes;
};

static void push(struct queue *queue, struct holm_bytes frame)
{
    if (queue->count == queue->capacity) {
        measure_require(queue->capacity < FRAMES_MAX, "so many frames are not on their way");
        queue->capacity = queue->capacity == 0 ? 64 : queue->capacity * 2;
        queue->frames = realloc(queue->frames, queue->capacity * sizeof *queue->frames);
        measure_require(queue->frames != NULL, "there is memory for frames");
    }
    void *copy = measure_allocate(frame.size);
    memcpy(copy, frame.data, frame.size);
    queue->frames[queue->count++] = holm_mem(copy, frame.size);
}

static void free_frame(struct holm_bytes frame)
{
    union {
        const void *lent;
        void *own;
    } bytes = {frame.data};
    free(bytes.own);
}

/* An event at one end; what it puts out is on its way to the other. */
static void happen(struct pair *pair, int end, const struct holm_event *event)
{
    struct measure_span span = measure_begin();
    const struct holm_work *work = bare_step(pair->ends[end], event);
    measure_add(&pair->steps, &span);
    pair->wake_us[end] = work->wake_us;
    span = measure_begin();
    for (size_t i = 0; i < work->output_count; i++) {
        struct holm_bytes frame;
        measure_must(holm_encoder_encode(&pair->encoder, &work->outputs[i].message, &frame),
                     "encoding");
        pair->frames += 1;
        pair->bytes += frame.size;
        push(&pair->to[1 - end], frame);
    }
    measure_add(&pair->codec, &span);
}

static bool deliver(struct pair *pair, int end)
{
    struct queue *queue = &pair->to[end];
    struct holm_decoded *decoded;
    if (queue->first == queue->count)
        return false;
    struct holm_bytes frame = queue->frames[queue->first++];
    if (queue->first == queue->count)
        queue->first = queue->count = 0;
    struct measure_span span = measure_begin();
    measure_must(holm_codec_decode(&pair->allocator, &pair->limits, frame, &decoded), "decoding");
    measure_add(&pair->codec, &span);
    struct holm_event event = {.type = HOLM_EVENT_MESSAGE};
    event.as.message.peer = PEER;
    event.as.message.message = &decoded->message;
    happen(pair, end, &event);
    span = measure_begin();
    holm_decoded_free(decoded);
    measure_add(&pair->codec, &span);
    free_frame(frame);
    return true;
}

static void meet(struct pair *pair)
{
    for (int end = 0; end < 2; end++) {
        struct holm_event event = {.type = HOLM_EVENT_FLUSH};
        (void)bare_step(pair->ends[end], &event);
        event.type = HOLM_EVENT_PEER_UP;
        event.as.peer.peer = PEER;
        event.as.peer.actor = holm_replica_self(pair->ends[1 - end]);
        happen(pair, end, &event);
    }
}

static void tell_beacons(struct pair *pair)
{
    for (int end = 0; end < 2; end++) {
        struct holm_beacon_entry entry = holm_replica_beacon(pair->ends[1 - end]);
        struct holm_message message = {.type = HOLM_MESSAGE_BEACON,
                                       .sender = holm_replica_self(pair->ends[1 - end])};
        struct holm_event event = {.type = HOLM_EVENT_MESSAGE};
        message.as.beacon = (struct holm_beacon){&entry, 1};
        event.as.message.peer = PEER;
        event.as.message.message = &message;
        happen(pair, end, &event);
    }
}

static bool equal(const struct pair *pair)
{
    const struct holm_replica *left = pair->ends[0];
    const struct holm_replica *right = pair->ends[1];
    return holm_replica_vector_hash(left) == holm_replica_vector_hash(right) &&
           holm_digest_equal(holm_replica_digest(left), holm_replica_digest(right));
}

/* Nothing is on its way: both do what they wanted to be woken for. Returns how long that was. */
static uint64_t wait_for_wake(struct pair *pair)
{
    uint64_t wake = pair->wake_us[0] < pair->wake_us[1] ? pair->wake_us[0] : pair->wake_us[1];
    measure_require(wake != HOLM_NEVER, "someone has something to do while both differ");
    uint64_t waited = bare_wait_until(wake);
    for (int end = 0; end < 2; end++) {
        struct holm_event event = {.type = HOLM_EVENT_TICK};
        happen(pair, end, &event);
    }
    return waited;
}

static uint64_t talk(struct pair *pair)
{
    uint64_t waited = 0;
    int waits = 0;
    for (;;) {
        bool moved = deliver(pair, 0);
        moved = deliver(pair, 1) || moved;
        if (moved)
            continue;
        if (equal(pair))
            return waited;
        measure_require(++waits < WAITS_MAX, "two replicas come to the same state");
        waited += wait_for_wake(pair);
    }
}

static void part(struct pair *pair)
{
    for (int end = 0; end < 2; end++) {
        struct holm_event event = {.type = HOLM_EVENT_PEER_DOWN};
        event.as.peer.peer = PEER;
        event.as.peer.actor = holm_replica_self(pair->ends[1 - end]);
        (void)bare_step(pair->ends[end], &event);
        free(pair->to[end].frames);
    }
    holm_encoder_release(&pair->encoder);
}

struct pair_cost pair_reconcile(struct holm_replica *left, struct holm_replica *right)
{
    struct pair pair = {.ends = {left, right}, .allocator = bare_allocator(NULL)};
    pair.limits = holm_codec_limits_default(0);
    holm_encoder_init(&pair.encoder, &pair.allocator, pair.limits.frame_bytes_max);
    meet(&pair);
    tell_beacons(&pair);
    uint64_t waited = talk(&pair);
    part(&pair);
    return (struct pair_cost){(double)pair.steps.ns / 1e6, (double)pair.codec.ns / 1e6, pair.frames,
                              pair.bytes, waited};
}

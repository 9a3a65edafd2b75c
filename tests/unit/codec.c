/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/codec.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "crdt/oplog.h"
#include "tests/model/heap.h"
#include "tests/unit/messages.h"

#define FRAME_BYTES_MAX ((size_t)1 << 20)

/* One encoder, one decoder, one heap that must be empty in the end. */
struct codec {
    struct heap heap;
    struct holm_allocator allocator;
    struct holm_codec_limits limits;
    struct holm_encoder encoder;
};

static void codec_init(struct codec *codec)
{
    memset(codec, 0, sizeof *codec);
    codec->allocator = heap_allocator(&codec->heap);
    codec->limits = holm_codec_limits_default(0);
    holm_encoder_init(&codec->encoder, &codec->allocator, FRAME_BYTES_MAX);
}

static void codec_release(struct codec *codec)
{
    holm_encoder_release(&codec->encoder);
    assert_int_equal(codec->heap.blocks, 0);
}

/* Decoding within the memory that the header promises. */
static struct holm_decoded *decode(struct codec *codec, struct holm_bytes frame,
                                   struct holm_budget *budget)
{
    holm_budget_init(budget, &codec->allocator, HOLM_CODEC_MEMORY_MAX(frame.size));
    struct holm_allocator allocator = holm_budget_allocator(budget);
    struct holm_decoded *decoded = NULL;
    assert_int_equal(holm_codec_decode(&allocator, &codec->limits, frame, &decoded), HOLM_OK);
    return decoded;
}

/* C1: decode(encode(m)) says what m says, and encode(decode(f)) is f; also of what this build does not
 * know (T28). */
static void round_trip(struct codec *codec, const struct holm_message *message, const char *name)
{
    struct holm_bytes frame;
    assert_int_equal(holm_encoder_encode(&codec->encoder, message, &frame), HOLM_OK);
    unsigned char *kept = malloc(frame.size);
    assert_non_null(kept);
    memcpy(kept, frame.data, frame.size);
    struct holm_bytes first = {kept, frame.size};
    struct holm_budget budget;
    struct holm_decoded *decoded = decode(codec, first, &budget);
    const char *why = messages_differ(message, &decoded->message);
    if (why != NULL)
        fail_msg("%s came back with a difference in %s", name, why);
    assert_int_equal(holm_encoder_encode(&codec->encoder, &decoded->message, &frame), HOLM_OK);
    assert_int_equal(frame.size, first.size);
    assert_memory_equal(frame.data, first.data, first.size);
    holm_decoded_free(decoded);
    free(kept);
}

static void test_codec_when_fixed_messages_go_round_then_they_come_back(void **state)
{
    struct codec codec;
    codec_init(&codec);
    for (size_t i = 0; i < sample_name_count; i++) {
        struct sample sample;
        sample_init(&sample, &codec.allocator);
        sample_names[i].make(&sample);
        round_trip(&codec, &sample.message, sample_names[i].name);
        sample_release(&sample);
    }
    codec_release(&codec);
}

static void test_codec_when_random_messages_go_round_then_they_come_back(void **state)
{
    struct codec codec;
    codec_init(&codec);
    for (uint64_t seed = 0; seed < 3000; seed++) {
        struct sample sample;
        char name[32];
        snprintf(name, sizeof name, "seed %d", (int)seed);
        sample_init(&sample, &codec.allocator);
        sample_random(&sample, (enum holm_message_type)(1 + seed % HOLM_MESSAGE_TYPE_MAX), seed);
        round_trip(&codec, &sample.message, name);
        sample_release(&sample);
    }
    codec_release(&codec);
}

/* ---- sizes --------------------------------------------------------------------------------- */

static const struct holm_actor writer = {{0x9e3779b97f4a7c15u}, {0x019a0000000051f3u}};

/* How the keys of a run are written. */
struct workload {
    size_t count;
    bool overwrites; /* each put replaces one that another run wrote, and has a field's name */
    bool jitter;     /* operations come a few milliseconds apart, not all at once */
};

static void put(struct holm_item *item, struct holm_seen *seen, char key[16], size_t i,
                const struct workload *workload)
{
    uint64_t age = ((uint64_t)3600000 << 16) + (workload->jitter ? (i * i % 7 + 8 * i) << 16 : i);
    snprintf(key, 16, "k%08u", (unsigned)(i * 7919 % 100000000));
    *item = (struct holm_item){.op = HOLM_ITEM_PUT,
                               .kind = HOLM_REGISTER,
                               .key = holm_mem(key, 9),
                               .path = holm_str(workload->overwrites ? "\x05value" : ""),
                               .seq = 100000 + i,
                               .hlc = writer.epoch.value + age,
                               .value = holm_i64((int64_t)(i % 1000) + 1),
                               .seen_first = (uint32_t)i,
                               .seen_count = workload->overwrites ? 1 : 0};
    *seen = (struct holm_seen){0, 1 + i * 7919 % 99000, 1 + i * 7919 % 99000};
}

static size_t frame_bytes(const struct workload *workload)
{
    struct codec codec;
    codec_init(&codec);
    size_t count = workload->count;
    struct holm_item *items = calloc(count, sizeof *items);
    struct holm_seen *seen = calloc(count, sizeof *seen);
    char(*keys)[16] = calloc(count, sizeof *keys);
    assert_true(items != NULL && seen != NULL && keys != NULL);
    for (size_t i = 0; i < count; i++)
        put(&items[i], &seen[i], keys[i], i, workload);
    const struct holm_vector_view none = {NULL, 0};
    const struct sample_items made = {&writer, 1, items, count, seen, count};
    struct holm_message message = {.type = HOLM_MESSAGE_DELTA, .partition = 3, .sender = writer};
    message.as.delta = sample_delta(&codec.allocator, 100000, 100000 + count - 1, &made, none, none,
                                    holm_mem(NULL, 0));
    struct holm_bytes frame;
    assert_int_equal(holm_encoder_encode(&codec.encoder, &message, &frame), HOLM_OK);
    size_t size = frame.size;
    round_trip(&codec, &message, "puts");
    holm_delta_release(message.as.delta);
    free(items);
    free(seen);
    free(keys);
    codec_release(&codec);
    return size;
}

/* docs/WIRE.md states these figures. A key is 9 bytes, a value 1 to 1,000. */
static void test_codec_when_keys_are_put_then_frames_are_as_small_as_promised(void **state)
{
    assert_int_equal(frame_bytes(&(struct workload){.count = 1}), 56);
    assert_int_equal(frame_bytes(&(struct workload){.count = 1, .overwrites = true}), 73);
    assert_int_equal(frame_bytes(&(struct workload){.count = 1000}), 11993);
    assert_int_equal(frame_bytes(&(struct workload){.count = 1000, .jitter = true}), 14990);
    assert_int_equal(
        frame_bytes(&(struct workload){.count = 1000, .overwrites = true, .jitter = true}), 17086);
}

static size_t hashes_bytes(const uint64_t *hashes, size_t count, uint8_t width)
{
    size_t filled = 0;
    for (size_t i = 0; i < count; i++)
        filled += hashes[i] != 0;
    return count / 8 + 1 + filled * width;
}

/* What the core splits runs, answers and pages by. */
static size_t bytes_max(const struct holm_message *message)
{
    size_t bytes = HOLM_FRAME_HEAD_BYTES_MAX;
    if (message->type == HOLM_MESSAGE_DELTA)
        bytes += holm_delta_bytes_max(message->as.delta);
    if (message->type == HOLM_MESSAGE_DELTAS) {
        for (size_t i = 0; i < message->as.deltas.count; i++)
            bytes += holm_delta_bytes_max(message->as.deltas.deltas[i]);
    }
    if (message->type == HOLM_MESSAGE_FEED) {
        for (size_t i = 0; i < message->as.feed.count; i++)
            bytes += holm_delta_bytes_max(message->as.feed.runs[i]);
    }
    if (message->type == HOLM_MESSAGE_FOLLOW)
        bytes += message->as.follow.vector.count * HOLM_VECTOR_ENTRY_BYTES_MAX;
    if (message->type == HOLM_MESSAGE_STANDING)
        bytes += message->as.standing.list.count * HOLM_VECTOR_ENTRY_BYTES_MAX +
                 message->as.standing.op_count * HOLM_MEMBER_OP_BYTES_MAX;
    if (message->type == HOLM_MESSAGE_REACH)
        bytes += message->as.reach.met_count * 8;
    if (message->type == HOLM_MESSAGE_TUNNEL)
        bytes += message->as.tunnel.piece.size;
    if (message->type == HOLM_MESSAGE_REPORT)
        bytes += (message->as.reported.vector.count + message->as.reported.list.count +
                  message->as.reported.heard.count) *
                     HOLM_VECTOR_ENTRY_BYTES_MAX +
                 48;
    if (message->type == HOLM_MESSAGE_SYNC_PAGE) {
        const struct holm_items *items = &message->as.sync_page.page->items;
        for (uint32_t i = 0; i < items->item_count; i++)
            bytes += holm_item_bytes_max(&items->items[i]) + 24;
    }
    if (message->type == HOLM_MESSAGE_BEACON)
        bytes += message->as.beacon.count * HOLM_BEACON_ENTRY_BYTES_MAX;
    if (message->type == HOLM_MESSAGE_HELLO) {
        const struct holm_hello *hello = &message->as.hello;
        bytes += hello->cluster.size + hello->publisher.size + holm_member_bytes_max(&hello->self);
        for (size_t i = 0; i < hello->member_count; i++)
            bytes += holm_member_bytes_max(&hello->members[i]);
    }
    if (message->type == HOLM_MESSAGE_PULL)
        bytes += message->as.pull.vector.count * HOLM_VECTOR_ENTRY_BYTES_MAX;
    if (message->type == HOLM_MESSAGE_SYNC_OPEN)
        bytes += message->as.sync_open.vector.count * HOLM_VECTOR_ENTRY_BYTES_MAX;
    if (message->type == HOLM_MESSAGE_SYNC_CUT)
        bytes += (message->as.sync_cut.vector.count + message->as.sync_cut.collected.count) *
                 HOLM_VECTOR_ENTRY_BYTES_MAX;
    if (message->type == HOLM_MESSAGE_SYNC_ASK) {
        const struct holm_sync_ask *ask = &message->as.sync_ask;
        bytes += 12 * ask->branch_count + hashes_bytes(ask->hashes, ask->hash_count, ask->width) +
                 47 * ask->list_count + 25 * ask->dot_count + 24 * ask->actor_count;
    }
    if (message->type == HOLM_MESSAGE_SYNC_TELL) {
        const struct holm_sync_tell *tell = &message->as.sync_tell;
        bytes += 12 * tell->branch_count + 5 * tell->gone_count +
                 hashes_bytes(tell->hashes, tell->hash_count, tell->width);
        for (uint32_t i = 0; tell->page != NULL && i < tell->page->items.item_count; i++)
            bytes += holm_item_bytes_max(&tell->page->items.items[i]) + 24;
    }
    return bytes;
}

static void test_codec_when_messages_are_encoded_then_the_bounds_hold(void **state)
{
    struct codec codec;
    codec_init(&codec);
    for (uint64_t seed = 10000; seed < 13000; seed++) {
        struct sample sample;
        struct holm_bytes frame;
        sample_init(&sample, &codec.allocator);
        sample_random(&sample, (enum holm_message_type)(1 + seed % HOLM_MESSAGE_TYPE_MAX), seed);
        assert_int_equal(holm_encoder_encode(&codec.encoder, &sample.message, &frame), HOLM_OK);
        assert_in_range(frame.size, 1, bytes_max(&sample.message));
        sample_release(&sample);
    }
    codec_release(&codec);
}

static void test_codec_when_a_frame_would_be_too_large_then_it_is_refused(void **state)
{
    struct codec codec;
    struct sample sample;
    struct holm_bytes frame;
    codec_init(&codec);
    sample_init(&sample, &codec.allocator);
    sample_names[1].make(&sample);
    assert_int_equal(holm_encoder_encode(&codec.encoder, &sample.message, &frame), HOLM_OK);
    size_t size = frame.size;
    codec.encoder.frame_bytes_max = size - 1;
    assert_int_equal(holm_encoder_encode(&codec.encoder, &sample.message, &frame), HOLM_ETOOBIG);
    assert_int_equal(frame.size, 0);
    codec.encoder.frame_bytes_max = size;
    assert_int_equal(holm_encoder_encode(&codec.encoder, &sample.message, &frame), HOLM_OK);
    struct holm_decoded *decoded = NULL;
    codec.limits.frame_bytes_max = size - 1;
    assert_int_equal(holm_codec_decode(&codec.allocator, &codec.limits, frame, &decoded),
                     HOLM_ETOOBIG);
    assert_null(decoded);
    sample_release(&sample);
    codec_release(&codec);
}

/* By how many bytes the frame is larger for the deps of its one run. */
static size_t deps_cost(struct codec *codec, const struct holm_message *message,
                        struct holm_delta *run)
{
    struct holm_bytes frame;
    size_t count = run->deps.count;
    assert_int_equal(holm_encoder_encode(&codec->encoder, message, &frame), HOLM_OK);
    size_t size = frame.size;
    run->deps.count = 0;
    assert_int_equal(holm_encoder_encode(&codec->encoder, message, &frame), HOLM_OK);
    run->deps.count = count;
    return size - frame.size;
}

static void test_codec_when_runs_go_over_links_then_their_deps_stay_behind(void **state)
{
    struct codec codec;
    codec_init(&codec);
    const struct holm_dot deps[] = {{{{7}, {1}}, 300}};
    const struct holm_vector_view one = {deps, 1}, none = {NULL, 0};
    const struct sample_items nothing = {&writer, 1, NULL, 0, NULL, 0};
    struct holm_delta *run = sample_delta(&codec.allocator, 8, 9, &nothing, one, none,
                                          holm_mem(NULL, 0));
    struct holm_message message = {.type = HOLM_MESSAGE_DELTA, .partition = 3, .sender = writer};
    message.as.delta = run;
    assert_in_range(deps_cost(&codec, &message, run), 14, 24);
    message.type = HOLM_MESSAGE_DELTAS;
    message.as.deltas = (struct holm_deltas){.deltas = &run, .count = 1, .now = {.partition = 3}};
    assert_int_equal(deps_cost(&codec, &message, run), 0);
    message.type = HOLM_MESSAGE_FEED;
    message.as.feed = (struct holm_feed){.number = 1, .runs = &run, .count = 1};
    assert_int_equal(deps_cost(&codec, &message, run), 0);
    holm_delta_release(run);
    codec_release(&codec);
}

/* ---- memory -------------------------------------------------------------------------------- */

/* What fills the budget most among honest frames: structs that are large for their few bytes. */
static void test_codec_when_an_answer_has_thousands_of_empty_runs_then_it_fits(void **state)
{
    enum {
        COUNT = 4000
    };
    struct codec codec;
    codec_init(&codec);
    struct holm_delta **runs = calloc(COUNT, sizeof(struct holm_delta *));
    assert_non_null(runs);
    const struct holm_vector_view none = {NULL, 0};
    const struct sample_items nothing = {&writer, 1, NULL, 0, NULL, 0};
    for (uint64_t i = 0; i < COUNT; i++)
        runs[i] = sample_delta(&codec.allocator, 1 + 2 * i, 2 + 2 * i, &nothing, none, none,
                               holm_mem(NULL, 0));
    struct holm_message message = {.type = HOLM_MESSAGE_DELTAS, .partition = 3, .sender = writer};
    message.as.deltas = (struct holm_deltas){
        .deltas = runs, .count = COUNT, .now = {.partition = 3}};
    round_trip(&codec, &message, "an answer of empty runs");
    for (size_t i = 0; i < COUNT; i++)
        holm_delta_release(runs[i]);
    free(runs);
    codec_release(&codec);
}

static void test_codec_when_a_vector_has_thousands_of_small_entries_then_it_fits(void **state)
{
    enum {
        COUNT = 50000
    };
    struct codec codec;
    codec_init(&codec);
    struct holm_dot *entries = calloc(COUNT, sizeof *entries);
    assert_non_null(entries);
    for (uint64_t i = 0; i < COUNT; i++)
        entries[i] = (struct holm_dot){{{7}, {i + 1}}, 1};
    struct holm_message message = {.type = HOLM_MESSAGE_PULL, .sender = writer};
    message.as.pull.vector = (struct holm_vector_view){entries, COUNT};
    round_trip(&codec, &message, "a long pull");
    free(entries);
    codec_release(&codec);
}

/* Refuses the n-th allocation and all after it, for every n, until encoding gets through. */
static void starve_encoder(const struct holm_message *message)
{
    enum holm_status status = HOLM_ENOMEM;
    for (uint64_t n = 1; status != HOLM_OK; n++) {
        struct codec codec;
        struct holm_bytes frame;
        codec_init(&codec);
        codec.heap.fail_at = n;
        status = holm_encoder_encode(&codec.encoder, message, &frame);
        if (status != HOLM_OK) {
            assert_int_equal(status, HOLM_ENOMEM);
            assert_int_equal(frame.size, 0);
            codec.heap.fail_at = 0;
            assert_int_equal(holm_encoder_encode(&codec.encoder, message, &frame), HOLM_OK);
        }
        codec_release(&codec);
    }
}

static void starve_decoder(struct holm_bytes frame)
{
    enum holm_status status = HOLM_ENOMEM;
    for (uint64_t n = 1; status != HOLM_OK; n++) {
        struct codec codec;
        struct holm_decoded *decoded = NULL;
        codec_init(&codec);
        codec.heap.fail_at = n;
        status = holm_codec_decode(&codec.allocator, &codec.limits, frame, &decoded);
        if (status != HOLM_OK) {
            assert_int_equal(status, HOLM_ENOMEM);
            assert_null(decoded);
        }
        holm_decoded_free(decoded);
        codec_release(&codec);
    }
}

static void test_codec_when_any_allocation_fails_then_it_says_so_and_leaks_nothing(void **state)
{
    struct codec codec;
    codec_init(&codec);
    for (size_t i = 0; i < sample_name_count + 150; i++) {
        struct sample sample;
        struct holm_bytes frame;
        sample_init(&sample, &codec.allocator);
        if (i < sample_name_count)
            sample_names[i].make(&sample);
        else
            sample_random(&sample, (enum holm_message_type)(1 + i % HOLM_MESSAGE_TYPE_MAX), i);
        starve_encoder(&sample.message);
        assert_int_equal(holm_encoder_encode(&codec.encoder, &sample.message, &frame), HOLM_OK);
        starve_decoder(frame);
        sample_release(&sample);
    }
    codec_release(&codec);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_codec_when_fixed_messages_go_round_then_they_come_back),
        cmocka_unit_test(test_codec_when_random_messages_go_round_then_they_come_back),
        cmocka_unit_test(test_codec_when_runs_go_over_links_then_their_deps_stay_behind),
        cmocka_unit_test(test_codec_when_keys_are_put_then_frames_are_as_small_as_promised),
        cmocka_unit_test(test_codec_when_messages_are_encoded_then_the_bounds_hold),
        cmocka_unit_test(test_codec_when_a_frame_would_be_too_large_then_it_is_refused),
        cmocka_unit_test(test_codec_when_an_answer_has_thousands_of_empty_runs_then_it_fits),
        cmocka_unit_test(test_codec_when_a_vector_has_thousands_of_small_entries_then_it_fits),
        cmocka_unit_test(test_codec_when_any_allocation_fails_then_it_says_so_and_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

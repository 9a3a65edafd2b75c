/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes into the decoder. Its two ways must agree on them. What it accepts must fit the promised
 * memory, and go round: encoded and decoded again it says the same, and its encoding is then a fixed
 * point, plain, and what protobuf-c would write. T30: refusal before allocation.
 */
#include <stdio.h>
#include <stdlib.h>

#include "proto/codec.h"
#include "tests/model/heap.h"
#include "tests/unit/messages.h"
#include "tests/unit/ways.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Small, so that inputs reach the limits. */
#define FRAME_BYTES_MAX ((size_t)1 << 16)

static void require(bool holds, const char *what)
{
    if (!holds) {
        fprintf(stderr, "decode: %s\n", what);
        abort();
    }
}

/* A decoding may take the memory that its header promises, and no more. */
static struct holm_decoded *decode(const struct holm_allocator *heap, struct holm_budget *budget,
                                   struct holm_bytes frame)
{
    struct holm_codec_limits limits = holm_codec_limits_default(FRAME_BYTES_MAX);
    struct holm_decoded *decoded = NULL;
    holm_budget_init(budget, heap, HOLM_CODEC_MEMORY_MAX(frame.size));
    struct holm_allocator allocator = holm_budget_allocator(budget);
    enum holm_status status = holm_codec_decode(&allocator, &limits, frame, &decoded);
    require(budget->refusal == HOLM_OK, "more memory is wanted than was promised");
    require((status == HOLM_OK) == (decoded != NULL), "status and result contradict each other");
    require(status == HOLM_OK || status == HOLM_EMALFORMED || status == HOLM_ETOOBIG ||
                status == HOLM_EVERSION,
            "a status that decoding does not have");
    return decoded;
}

/* Whether the frame was plain. */
static bool agree(const struct holm_allocator *heap, struct holm_bytes frame)
{
    struct holm_codec_limits limits = holm_codec_limits_default(FRAME_BYTES_MAX);
    bool plain = false;
    enum holm_status status = HOLM_OK;
    const char *why = ways_differ(heap, &limits, frame, &plain, &status);
    require(why == NULL, why == NULL ? "" : why);
    return plain;
}

/* The encoder's frame of a message, copied to outlive the next one. */
static struct holm_bytes encode(struct holm_encoder *encoder, const struct holm_message *message)
{
    struct holm_bytes frame;
    enum holm_status status = holm_encoder_encode(encoder, message, &frame);
    require(status == HOLM_OK, "what was decoded cannot be encoded");
    unsigned char *copy = malloc(frame.size);
    require(copy != NULL, "out of memory");
    memcpy(copy, frame.data, frame.size);
    return holm_mem(copy, frame.size);
}

/* Encoding may be longer than what came in: a peer may fold paths better than this encoder. */
static void go_round(const struct holm_allocator *heap, const struct holm_message *message)
{
    struct holm_encoder encoder;
    holm_encoder_init(&encoder, heap, FRAME_BYTES_MAX * 64);
    struct holm_bytes first = encode(&encoder, message);
    require(!ways_has_cells(message) || ways_write_alike(heap, message, first),
            "protobuf-c would write other bytes");
    struct holm_budget budget;
    if (first.size <= FRAME_BYTES_MAX) {
        struct holm_decoded *again = decode(heap, &budget, first);
        require(again != NULL, "what was encoded cannot be decoded");
        require(agree(heap, first) == ways_has_cells(message), "an encoder's frame is not plain");
        const char *why = messages_differ(message, &again->message);
        require(why == NULL, why == NULL ? "" : why);
        struct holm_bytes second = encode(&encoder, &again->message);
        require(holm_bytes_equal(first, second), "an encoding is no fixed point");
        free((void *)(uintptr_t)second.data);
        holm_decoded_free(again);
    }
    free((void *)(uintptr_t)first.data);
    holm_encoder_release(&encoder);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct heap heap = {0};
    struct holm_allocator allocator = heap_allocator(&heap);
    struct holm_budget budget;
    (void)agree(&allocator, holm_mem(data, size));
    struct holm_decoded *decoded = decode(&allocator, &budget, holm_mem(data, size));
    if (decoded != NULL)
        go_round(&allocator, &decoded->message);
    if (decoded != NULL && (decoded->message.type == HOLM_MESSAGE_FEED ||
                            decoded->message.type == HOLM_MESSAGE_DELTAS)) {
        decoded->message.shared = !decoded->message.shared;
        go_round(&allocator, &decoded->message);
    }
    holm_decoded_free(decoded);
    require(heap.blocks == 0, "memory is left behind");
    return 0;
}

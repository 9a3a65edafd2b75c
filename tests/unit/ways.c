/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/ways.h"

#include <stdlib.h>

#include "proto/wire.h"
#include "tests/unit/generic.h"
#include "tests/unit/messages.h"

/* What each way made of a frame. */
struct ways {
    struct holm_decoded *plain, *generic, *codec;
    enum holm_status plain_status, generic_status, codec_status;
};

static const char *verdicts_differ(const struct ways *ways)
{
    if (ways->codec_status != ways->generic_status)
        return "the verdict is not protobuf-c's";
    if (ways->plain_status == HOLM_OK && ways->generic_status != HOLM_OK)
        return "what protobuf-c refuses was plain";
    if (ways->plain_status != HOLM_OK && ways->plain_status != HOLM_EMALFORMED &&
        ways->plain_status != HOLM_ETOOBIG)
        return "a status that the plain way does not have";
    return NULL;
}

static const char *results_differ(const struct ways *ways)
{
    const char *why = NULL;
    if (ways->plain != NULL)
        why = messages_differ(&ways->plain->message, &ways->generic->message);
    if (why == NULL && ways->codec != NULL)
        why = messages_differ(&ways->codec->message, &ways->generic->message);
    return why;
}

const char *ways_differ(const struct holm_allocator *allocator,
                        const struct holm_codec_limits *limits, struct holm_bytes frame,
                        bool *plain, enum holm_status *status)
{
    struct ways ways;
    ways.plain_status = holm_wire_decode(HOLM_WIRE_PLAIN, allocator, limits, frame, &ways.plain);
    ways.generic_status = holm_wire_decode(HOLM_WIRE_GENERIC, allocator, limits, frame,
                                           &ways.generic);
    ways.codec_status = holm_codec_decode(allocator, limits, frame, &ways.codec);
    const char *why = verdicts_differ(&ways);
    if (why == NULL)
        why = results_differ(&ways);
    *plain = ways.plain_status == HOLM_OK;
    *status = ways.codec_status;
    holm_decoded_free(ways.plain);
    holm_decoded_free(ways.generic);
    holm_decoded_free(ways.codec);
    return why;
}

bool ways_has_cells(const struct holm_message *message)
{
    return message->type == HOLM_MESSAGE_DELTA || message->type == HOLM_MESSAGE_DELTAS ||
           message->type == HOLM_MESSAGE_SYNC_PAGE || message->type == HOLM_MESSAGE_FEED;
}

/* Whether protobuf-c, which unpacks a Cells, packs it to the same bytes. */
static bool packs_alike(ProtobufCBinaryData packed)
{
    Holm__Wire__Cells *cells = holm__wire__cells__unpack(NULL, packed.len, packed.data);
    unsigned char *again = malloc(packed.len + 1);
    if (cells == NULL || again == NULL)
        abort();
    bool alike = holm__wire__cells__get_packed_size(cells) == packed.len;
    if (alike)
        alike = holm__wire__cells__pack(cells, again) == packed.len &&
                memcmp(again, packed.data, packed.len) == 0;
    free(again);
    holm__wire__cells__free_unpacked(cells, NULL);
    return alike;
}

/* Nobody but the writer under test makes runs share columns: protobuf-c repeats what it has read. */
static bool shared_alike(struct holm_bytes frame)
{
    Holm__Wire__Envelope *envelope = holm__wire__envelope__unpack(NULL, frame.size, frame.data);
    unsigned char *again = malloc(frame.size + 1);
    if (envelope == NULL || again == NULL)
        abort();
    bool feed = envelope->message_case == HOLM__WIRE__ENVELOPE__MESSAGE_FEED;
    size_t count = feed ? envelope->feed->n_runs : envelope->deltas->n_deltas;
    bool alike = holm__wire__envelope__get_packed_size(envelope) == frame.size;
    if (alike)
        alike = holm__wire__envelope__pack(envelope, again) == frame.size &&
                memcmp(again, frame.data, frame.size) == 0;
    for (size_t i = 0; i < count && alike; i++)
        alike = packs_alike(feed ? envelope->feed->runs[i] : envelope->deltas->deltas[i]);
    free(again);
    holm__wire__envelope__free_unpacked(envelope, NULL);
    return alike;
}

bool ways_write_alike(const struct holm_allocator *allocator, const struct holm_message *message,
                      struct holm_bytes frame)
{
    struct holm_arena arena;
    struct holm_bytes other = {NULL, 0};
    if (message->shared)
        return shared_alike(frame);
    holm_arena_init(&arena, allocator);
    if (generic_encode(&arena, message, &other) != HOLM_OK)
        abort();
    bool alike = holm_bytes_equal(frame, other);
    holm_arena_release(&arena);
    return alike;
}

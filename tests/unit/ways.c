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

bool ways_write_alike(const struct holm_allocator *allocator, const struct holm_message *message,
                      struct holm_bytes frame)
{
    struct holm_arena arena;
    struct holm_bytes other = {NULL, 0};
    holm_arena_init(&arena, allocator);
    if (generic_encode(&arena, message, &other) != HOLM_OK)
        abort();
    bool alike = holm_bytes_equal(frame, other);
    holm_arena_release(&arena);
    return alike;
}

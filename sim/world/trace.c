/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/world/trace.h"

#include <inttypes.h>

#include "proto/codec.h"

static const char *const types[] = {
    "?",         "delta",      "beacon",   "hello",     "ping",      "pong",     "goodbye",
    "ack",       "want",       "pull",     "deltas",    "sync-open", "sync-cut", "sync-next",
    "sync-page", "sync-close", "sync-ask", "sync-tell", "follow",    "unfollow", "feed",
    "standing",  "join",       "joined",   "report",    "reach",     "tunnel",
};

static const char *type_name(enum holm_message_type type)
{
    return (size_t)type < sizeof types / sizeof types[0] ? types[type] : types[0];
}

static void print_message(FILE *file, const struct holm_message *message)
{
    (void)fputs(type_name(message->type), file);
    if (message->type == HOLM_MESSAGE_DELTA) {
        const struct holm_delta *delta = message->as.delta;
        (void)fprintf(file, " p%" PRIu32 " %" PRIu64 "@%" PRIx64 " %" PRIu64 "..%" PRIu64,
                      delta->partition, delta->actor.node.value, delta->actor.epoch.value,
                      delta->first, delta->last);
    } else if (message->type == HOLM_MESSAGE_DELTAS) {
        (void)fprintf(file, " p%" PRIu32 " %zu runs%s%s", message->partition,
                      message->as.deltas.count, message->as.deltas.more ? " more" : "",
                      message->as.deltas.too_old ? " too-old" : "");
    } else if (message->type == HOLM_MESSAGE_HELLO) {
        (void)fputs(message->as.hello.answer ? " answer" : "", file);
    } else if (message->type == HOLM_MESSAGE_ACK || message->type >= HOLM_MESSAGE_WANT) {
        (void)fprintf(file, " p%" PRIu32, message->partition);
    }
}

static void print_frame(FILE *file, const struct holm_world_event *event)
{
    struct holm_allocator allocator = holm_transport_config_default().allocator;
    struct holm_codec_limits limits = holm_codec_limits_default(HOLM_FRAME_BYTES_LIMIT);
    struct holm_decoded *decoded;
    (void)fprintf(file, "%c ", event->type == HOLM_WORLD_SENT ? '>' : '<');
    if (event->peer == HOLM_WORLD_NOBODY)
        (void)fprintf(file, "%-4s ", event->broadcast ? "all" : "?");
    else
        (void)fprintf(file, "n%-3" PRIu32 " ", event->peer);
    if (holm_codec_decode(&allocator, &limits, event->frame, &decoded) == HOLM_OK) {
        print_message(file, &decoded->message);
        holm_decoded_free(decoded);
    } else {
        (void)fputs("garbage", file);
    }
    (void)fprintf(file, " (%zu)", event->frame.size);
}

static void print_key(FILE *file, struct holm_bytes key)
{
    const unsigned char *bytes = key.data;
    (void)fputc(' ', file);
    for (size_t i = 0; i < key.size && i < 40; i++)
        (void)fputc(bytes[i] > ' ' && bytes[i] < 0x7f ? bytes[i] : '.', file);
}

static void print_commit(FILE *file, const struct holm_world_event *event)
{
    static const char *const verbs[] = {"?",      "put",     "add",   "reset", "insert", "erase",
                                        "enable", "disable", "raise", "lower", "remove", "bury"};
    (void)fprintf(file, "%s p%" PRIu32 " %s%s", event->anew ? "mints" : "commit", event->partition,
                  holm_status_name(event->status), event->journalled ? " in its journal" : "");
    if (event->receipt->count > 0)
        (void)fprintf(file, " %" PRIu64 "..%" PRIu64, event->receipt->first.seq,
                      event->receipt->first.seq + event->receipt->count - 1);
    for (size_t i = 0; i < event->op_count; i++) {
        (void)fprintf(file, "%s %s", i == 0 ? ":" : ",", verbs[event->ops[i].type]);
        print_key(file, event->ops[i].key);
        if (event->ops[i].field.size > 0)
            print_key(file, event->ops[i].field);
        if (event->ops[i].type == HOLM_OP_ADD)
            (void)fprintf(file, " %+" PRId64, event->ops[i].as.amount);
    }
}

static void print_change(FILE *file, const struct holm_world_event *event)
{
    (void)fprintf(file, "shows p%" PRIu32, event->partition);
    if (event->touched_all)
        (void)fputs(" anew", file);
    for (size_t i = 0; i < event->touched_count; i++)
        print_key(file, event->touched[i].key);
}

void holm_trace_line(FILE *file, const struct holm_world_event *event)
{
    (void)fprintf(file, "%" PRIu64 ".%06" PRIu64 " ", event->at_us / 1000000,
                  event->at_us % 1000000);
    if (event->node != HOLM_WORLD_NOBODY)
        (void)fprintf(file, "n%" PRIu32 " ", event->node);
    switch (event->type) {
    case HOLM_WORLD_STARTED:
        (void)fprintf(file, "start %" PRIu64 "@%" PRIx64, event->self.node.value,
                      event->self.epoch.value);
        break;
    case HOLM_WORLD_ENDED:
    case HOLM_WORLD_FAULT:
        (void)fputs(event->text, file);
        break;
    case HOLM_WORLD_LOGGED:
        (void)fprintf(file, "says %s", event->text);
        break;
    case HOLM_WORLD_GONE:
        (void)fputs("is gone", file);
        break;
    case HOLM_WORLD_REPLACING:
        (void)fprintf(file, "gives up p%" PRIu32, event->partition);
        break;
    case HOLM_WORLD_REPLACED:
        (void)fprintf(file, "has p%" PRIu32 " of the others", event->partition);
        break;
    case HOLM_WORLD_COMMITTED:
        print_commit(file, event);
        break;
    case HOLM_WORLD_CHANGED:
        print_change(file, event);
        break;
    case HOLM_WORLD_SENT:
    case HOLM_WORLD_ARRIVED:
        print_frame(file, event);
        break;
    }
    (void)fputc('\n', file);
}

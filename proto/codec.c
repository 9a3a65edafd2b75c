/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/codec.h"

#include "proto/cells.h"
#include "proto/wire.h"

#define FRAME_BYTES_DEFAULT ((size_t)1 << 20)

/* Of HOLM_CODEC_MEMORY_MAX, what is not for deltas and pages: unpacked columns and the message. */
#define ARENA_BYTES(frame_bytes) (16384 - sizeof(struct holm_decoded) + 32 * (frame_bytes))

/* What comparing takes beside that: 8 hashes a byte where a range is empty, a list a byte. It has few
 * items for that. */
#define RECONCILE_BYTES(frame_bytes) (128 * (frame_bytes))

/* The envelope's field for a message is its type and the four fields that come before. */
_Static_assert(HOLM__WIRE__ENVELOPE__MESSAGE_DELTA == 4 + (int)HOLM_MESSAGE_DELTA, "");
_Static_assert(HOLM__WIRE__ENVELOPE__MESSAGE_TUNNEL == 4 + (int)HOLM_MESSAGE_TUNNEL, "");

/* How a message type is written and read; NULL where cells.h writes. */
struct codec {
    enum holm_status (*write)(struct holm_arena *arena, const struct holm_message *message,
                              Holm__Wire__Envelope *envelope);
    enum holm_status (*read)(struct holm_wire_reading *reading,
                             const Holm__Wire__Envelope *envelope, struct holm_message *message);
};

static const struct codec codecs[] = {
    [HOLM_MESSAGE_DELTA] = {NULL, holm_wire_read_delta},
    [HOLM_MESSAGE_BEACON] = {holm_wire_write_beacon, holm_wire_read_beacon},
    [HOLM_MESSAGE_HELLO] = {holm_wire_write_hello, holm_wire_read_hello},
    [HOLM_MESSAGE_PING] = {holm_wire_write_talk, holm_wire_read_talk},
    [HOLM_MESSAGE_PONG] = {holm_wire_write_talk, holm_wire_read_talk},
    [HOLM_MESSAGE_GOODBYE] = {holm_wire_write_talk, holm_wire_read_talk},
    [HOLM_MESSAGE_ACK] = {holm_wire_write_talk, holm_wire_read_talk},
    [HOLM_MESSAGE_WANT] = {holm_wire_write_talk, holm_wire_read_talk},
    [HOLM_MESSAGE_PULL] = {holm_wire_write_talk, holm_wire_read_talk},
    [HOLM_MESSAGE_DELTAS] = {NULL, holm_wire_read_deltas},
    [HOLM_MESSAGE_SYNC_OPEN] = {holm_wire_write_sync, holm_wire_read_sync},
    [HOLM_MESSAGE_SYNC_CUT] = {holm_wire_write_sync, holm_wire_read_sync},
    [HOLM_MESSAGE_SYNC_NEXT] = {holm_wire_write_sync, holm_wire_read_sync},
    [HOLM_MESSAGE_SYNC_PAGE] = {NULL, holm_wire_read_sync},
    [HOLM_MESSAGE_SYNC_CLOSE] = {holm_wire_write_sync, holm_wire_read_sync},
    [HOLM_MESSAGE_SYNC_ASK] = {holm_wire_write_reconcile, holm_wire_read_reconcile},
    [HOLM_MESSAGE_SYNC_TELL] = {holm_wire_write_reconcile, holm_wire_read_reconcile},
    [HOLM_MESSAGE_FOLLOW] = {holm_wire_write_talk, holm_wire_read_talk},
    [HOLM_MESSAGE_UNFOLLOW] = {holm_wire_write_talk, holm_wire_read_talk},
    [HOLM_MESSAGE_FEED] = {NULL, holm_wire_read_feed},
    [HOLM_MESSAGE_STANDING] = {holm_wire_write_member, holm_wire_read_member},
    [HOLM_MESSAGE_JOIN] = {holm_wire_write_member, holm_wire_read_member},
    [HOLM_MESSAGE_JOINED] = {holm_wire_write_member, holm_wire_read_member},
    [HOLM_MESSAGE_REPORT] = {holm_wire_write_member, holm_wire_read_member},
    [HOLM_MESSAGE_REACH] = {holm_wire_write_tunnel, holm_wire_read_tunnel},
    [HOLM_MESSAGE_TUNNEL] = {holm_wire_write_tunnel, holm_wire_read_tunnel},
};

struct holm_codec_limits holm_codec_limits_default(size_t frame_bytes_max)
{
    size_t frame = frame_bytes_max == 0 ? FRAME_BYTES_DEFAULT : frame_bytes_max;
    return (struct holm_codec_limits){
        .frame_bytes_max = frame,
        .items_max = frame / 16,
        .seen_max = frame / 8,
        .actors_max = frame / 16,
        .vector_entries_max = frame / 4,
        .deltas_max = frame / 64,
        .unknown_bytes_max = frame / 4,
        .beacon_entries_max = 1024,
        .members_max = 4096,
        .name_bytes_max = 63,
        .address_bytes_max = 128,
        .cluster_bytes_max = 255,
        .subscription_bytes_max = 64,
        .cut_pages_max = (uint64_t)1 << 24,
        .sync_parts_max = frame / 4,
    };
}

/* ---- encoding ------------------------------------------------------------------------------ */

void holm_encoder_init(struct holm_encoder *encoder, const struct holm_allocator *allocator,
                       size_t frame_bytes_max)
{
    HOLM_ASSERT(frame_bytes_max > 0);
    encoder->allocator = *allocator;
    encoder->frame_bytes_max = frame_bytes_max;
    holm_arena_init(&encoder->scratch, allocator);
    encoder->frame = NULL;
    encoder->frame_capacity = 0;
    encoder->room = NULL;
    encoder->room_capacity = 0;
}

void holm_encoder_release(struct holm_encoder *encoder)
{
    holm_arena_release(&encoder->scratch);
    holm_array_free(&encoder->allocator, encoder->frame, encoder->frame_capacity, 1);
    holm_array_free(&encoder->allocator, encoder->room, encoder->room_capacity, 1);
    encoder->frame = NULL;
    encoder->frame_capacity = 0;
    encoder->room = NULL;
    encoder->room_capacity = 0;
}

static enum holm_status pack(struct holm_encoder *encoder, const Holm__Wire__Envelope *envelope,
                             struct holm_bytes *frame)
{
    size_t size = holm__wire__envelope__get_packed_size(envelope);
    if (size > encoder->frame_bytes_max)
        return HOLM_ETOOBIG;
    enum holm_status status = holm_array_reserve(&encoder->allocator, &encoder->frame,
                                                 &encoder->frame_capacity, 1, size);
    if (status != HOLM_OK)
        return status;
    size_t packed = holm__wire__envelope__pack(envelope, encoder->frame);
    HOLM_ASSERT(packed == size);
    *frame = holm_mem(encoder->frame, packed);
    return HOLM_OK;
}

enum holm_status holm_encoder_encode(struct holm_encoder *encoder,
                                     const struct holm_message *message, struct holm_bytes *frame)
{
    HOLM_ASSERT(message->type >= HOLM_MESSAGE_DELTA && message->type <= HOLM_MESSAGE_TYPE_MAX);
    HOLM_ASSERT(message->sender.epoch.value != 0);
    *frame = holm_mem(NULL, 0);
    if (codecs[message->type].write == NULL)
        return holm_cells_encode(encoder, message, frame);
    Holm__Wire__Envelope envelope = HOLM__WIRE__ENVELOPE__INIT;
    envelope.version = HOLM_WIRE_VERSION_NEEDED - 1;
    envelope.node = message->sender.node.value;
    envelope.epoch = message->sender.epoch.value;
    envelope.partition = message->partition;
    envelope.message_case = (Holm__Wire__Envelope__MessageCase)(message->type + 4);
    enum holm_status status = codecs[message->type].write(&encoder->scratch, message, &envelope);
    if (status == HOLM_OK)
        status = pack(encoder, &envelope, frame);
    holm_arena_clear(&encoder->scratch);
    return status;
}

/* ---- decoding ------------------------------------------------------------------------------ */

static void *arena_alloc(void *arena, size_t size)
{
    return holm_arena_take(arena, size);
}

/* Pieces of an arena go together. */
static void arena_free(void *arena, void *piece)
{
    (void)arena;
    (void)piece;
}

static enum holm_status check_envelope(const Holm__Wire__Envelope *envelope)
{
    if (envelope->version >= HOLM_WIRE_VERSION)
        return HOLM_EVERSION;
    if (envelope->epoch == 0)
        return HOLM_EMALFORMED;
    if (envelope->message_case != HOLM__WIRE__ENVELOPE__MESSAGE__NOT_SET)
        return HOLM_OK;
    return envelope->base.n_unknown_fields > 0 ? HOLM_EVERSION : HOLM_EMALFORMED;
}

static enum holm_status unpack(struct holm_decoded *decoded, ProtobufCAllocator *allocator,
                               struct holm_bytes frame, Holm__Wire__Envelope **envelope)
{
    *envelope = holm__wire__envelope__unpack(allocator, frame.size, frame.data);
    if (*envelope != NULL)
        return check_envelope(*envelope);
    return decoded->budget.refusal == HOLM_OK ? HOLM_EMALFORMED : decoded->budget.refusal;
}

static enum holm_status read_generic(struct holm_wire_reading *reading,
                                     struct holm_decoded *decoded, struct holm_bytes frame)
{
    ProtobufCAllocator unpacking = {arena_alloc, arena_free, &decoded->arena};
    Holm__Wire__Envelope *envelope = NULL;
    enum holm_status status = unpack(decoded, &unpacking, frame, &envelope);
    if (status != HOLM_OK)
        return status;
    struct holm_message *message = &decoded->message;
    memset(message, 0, sizeof *message);
    message->type = (enum holm_message_type)((int)envelope->message_case - 4);
    message->partition = envelope->partition;
    message->sender.node.value = envelope->node;
    message->sender.epoch.value = envelope->epoch;
    reading->unpacking = &unpacking;
    if (message->type == HOLM_MESSAGE_SYNC_ASK || message->type == HOLM_MESSAGE_SYNC_TELL)
        decoded->budget.left += RECONCILE_BYTES(frame.size);
    return codecs[message->type].read(reading, envelope, message);
}

enum holm_status holm_wire_decode(enum holm_wire_way way, const struct holm_allocator *allocator,
                                  const struct holm_codec_limits *limits, struct holm_bytes frame,
                                  struct holm_decoded **decoded)
{
    *decoded = NULL;
    if (frame.size > limits->frame_bytes_max)
        return HOLM_ETOOBIG;
    struct holm_decoded *made = holm_allocate(allocator, sizeof *made);
    if (made == NULL)
        return HOLM_ENOMEM;
    made->message.type = (enum holm_message_type)0; /* has nothing to release */
    holm_budget_init(&made->budget, allocator, ARENA_BYTES(frame.size));
    struct holm_allocator budgeted = holm_budget_allocator(&made->budget);
    holm_arena_init(&made->arena, &budgeted);
    struct holm_wire_reading reading = {
        .allocator = allocator,
        .left = *limits,
        .arena = &made->arena,
        .budget = &made->budget,
    };
    enum holm_status status = way == HOLM_WIRE_PLAIN
                                  ? holm_cells_read_frame(&reading, frame, &made->message)
                                  : read_generic(&reading, made, frame);
    if (status != HOLM_OK) {
        holm_decoded_free(made);
        return status;
    }
    *decoded = made;
    return HOLM_OK;
}

enum holm_status holm_codec_decode(const struct holm_allocator *allocator,
                                   const struct holm_codec_limits *limits, struct holm_bytes frame,
                                   struct holm_decoded **decoded)
{
    enum holm_status status = holm_wire_decode(HOLM_WIRE_PLAIN, allocator, limits, frame, decoded);
    if (status == HOLM_OK || status == HOLM_ENOMEM)
        return status;
    return holm_wire_decode(HOLM_WIRE_GENERIC, allocator, limits, frame, decoded);
}

void holm_decoded_free(struct holm_decoded *decoded)
{
    if (decoded == NULL)
        return;
    const struct holm_message *message = &decoded->message;
    if (message->type == HOLM_MESSAGE_DELTA) {
        holm_delta_release(message->as.delta);
    } else if (message->type == HOLM_MESSAGE_DELTAS) {
        for (size_t i = 0; i < message->as.deltas.count; i++)
            holm_delta_release(message->as.deltas.deltas[i]);
    } else if (message->type == HOLM_MESSAGE_FEED) {
        for (size_t i = 0; i < message->as.feed.count; i++)
            holm_delta_release(message->as.feed.runs[i]);
    } else if (message->type == HOLM_MESSAGE_SYNC_PAGE) {
        holm_page_release(message->as.sync_page.page);
    } else if (message->type == HOLM_MESSAGE_SYNC_TELL) {
        holm_page_release(message->as.sync_tell.page);
    }
    holm_arena_release(&decoded->arena);
    struct holm_allocator allocator = decoded->budget.source;
    holm_deallocate(&allocator, decoded, sizeof *decoded);
}

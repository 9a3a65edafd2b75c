/* SPDX-License-Identifier: Apache-2.0 */
/*
 * codec.h - messages to bytes, and bytes to messages.
 *
 *     struct holm_message  --holm_encoder_encode-->  one frame  --holm_codec_decode-->  holm_decoded
 *
 * A frame is one Envelope of holm.proto; docs/WIRE.md describes it for a stranger. Cells travel as
 * columns: for each member of an item one packed array over all items. A column that is zero
 * throughout is left out, and one that is constant has a single entry.
 *
 * Promises:
 *     C1  decode(encode(m)) says what m says; encode(decode(f)) is f for every frame f of this
 *         encoder, and of a newer one that keeps the rules of growth in docs/WIRE.md
 *     C2  unknown fields of a delta are kept byte for byte and encoded again, behind the known ones
 *     C3  any bytes give a message or a status, never more: decoding a frame of n bytes takes at
 *         most HOLM_CODEC_MEMORY_MAX(n) bytes, and counts are believed only when bytes back them
 *     C4  all memory comes from the allocator that is passed in
 *
 * Nothing here locks: one encoder belongs to one thread at a time.
 */
#ifndef HOLM_PROTO_CODEC_H
#define HOLM_PROTO_CODEC_H

#include "crdt/arena.h"
#include "crdt/message.h"
#include "proto/budget.h"

/*
 * What a peer may make grow. A frame that goes beyond is refused with HOLM_ETOOBIG before memory is
 * given to it. Counts are of one frame, all its deltas together.
 */
struct holm_codec_limits {
    size_t frame_bytes_max;        /* 1 MiB */
    size_t items_max;              /* frame_bytes_max / 16: items of deltas and pages */
    size_t seen_max;               /* frame_bytes_max / 8: ranges of seen dots */
    size_t actors_max;             /* frame_bytes_max / 16: in the tables of deltas and pages */
    size_t vector_entries_max;     /* frame_bytes_max / 4: deps, collected, a pull's, a cut's */
    size_t deltas_max;             /* frame_bytes_max / 64: of an answer to a pull */
    size_t unknown_bytes_max;      /* frame_bytes_max / 4: fields of a newer version, one delta */
    size_t beacon_entries_max;     /* 1,024 */
    size_t members_max;            /* 4,096: others told in a Hello */
    size_t name_bytes_max;         /* 63: of a node */
    size_t address_bytes_max;      /* 128 */
    size_t cluster_bytes_max;      /* 255 */
    size_t subscription_bytes_max; /* 64: of a Goodbye */
    uint64_t cut_pages_max;        /* 16,777,216: that a cut may announce */
    size_t sync_parts_max;         /* frame_bytes_max / 4: each of ranges, hashes, lists, dots */
};

/* The limits above. frame_bytes_max: 0 means 1 MiB. */
struct holm_codec_limits holm_codec_limits_default(size_t frame_bytes_max);

/* What decoding a frame of `frame_bytes` bytes takes at most, all together, while it lasts. */
#define HOLM_CODEC_MEMORY_MAX(frame_bytes) (16384 + 192 * (size_t)(frame_bytes))

/* ---- encoding ------------------------------------------------------------------------------ */

/* Room that is used again for each frame. The caller's storage; the members are private. */
struct holm_encoder {
    struct holm_allocator allocator;
    size_t frame_bytes_max;
    struct holm_arena scratch; /* protobuf-c's structs, until they are packed */
    void *frame;
    size_t frame_capacity;
    void *room; /* columns of cells, until they are in the frame */
    size_t room_capacity;
};

/* Allocates nothing. The allocator is copied. */
void holm_encoder_init(struct holm_encoder *encoder, const struct holm_allocator *allocator,
                       size_t frame_bytes_max);
void holm_encoder_release(struct holm_encoder *encoder);

/*
 * Writes the message as one frame, without the length that links put before it. `*frame` belongs to
 * the encoder and is readable until the next call on it; the message is borrowed for the call.
 *   HOLM_ETOOBIG  the frame would be larger than frame_bytes_max
 *   HOLM_ENOMEM   the allocator refused
 * After an error *frame is empty and the encoder can be used again. A message that breaks its
 * header's promises (an unsorted vector, an index out of range) is a bug, and asserted. O(bytes).
 */
HOLM_NODISCARD enum holm_status holm_encoder_encode(struct holm_encoder *encoder,
                                                    const struct holm_message *message,
                                                    struct holm_bytes *frame);

/*
 * Upper bounds of what parts take in a frame, for who splits. A frame is at most
 * HOLM_FRAME_HEAD_BYTES_MAX and the sum of its parts: these, HOLM_VECTOR_ENTRY_BYTES_MAX for each
 * entry of a pull's or cut's vectors, and crdt's holm_delta_bytes_max and holm_item_bytes_max.
 */
#define HOLM_FRAME_HEAD_BYTES_MAX 256  /* the envelope, and all there is once in a message */
#define HOLM_BEACON_ENTRY_BYTES_MAX 39 /* one partition's line */
#define HOLM_VECTOR_ENTRY_BYTES_MAX 33
#define HOLM_MEMBER_OP_BYTES_MAX 71 /* of a Standing */

/* One member's line in a Hello. */
static inline size_t holm_member_bytes_max(const struct holm_member *member)
{
    return 27 + member->name.size + member->address.size;
}

/* ---- decoding ------------------------------------------------------------------------------ */

/*
 * A message and the memory that it borrows from. Deltas and pages in it hold one reference that
 * belongs to this object: who keeps one longer retains it. References are not atomic, so free the
 * object under the same lock under which the replica took the message.
 */
struct holm_decoded {
    struct holm_message message;
    struct holm_budget budget; /* private, as is what follows */
    struct holm_arena arena;
};

/*
 * Reads one frame. `frame` is borrowed for the call only; nothing in the message points into it.
 * *decoded is set on success, otherwise NULL.
 *   HOLM_EMALFORMED  no valid message: the peer is broken or hostile, close its link
 *   HOLM_ETOOBIG     over one of the limits
 *   HOLM_EVERSION    of a newer version: a message, an operation, an answer or a page's column
 *                    that this build does not know. Count it and skip the frame; the link may stay
 *   HOLM_ENOMEM      the allocator refused
 * O(bytes).
 */
HOLM_NODISCARD enum holm_status holm_codec_decode(const struct holm_allocator *allocator,
                                                  const struct holm_codec_limits *limits,
                                                  struct holm_bytes frame,
                                                  struct holm_decoded **decoded);
void holm_decoded_free(struct holm_decoded *decoded); /* NULL is allowed */

#endif

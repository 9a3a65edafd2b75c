/* SPDX-License-Identifier: Apache-2.0 */
/*
 * framer.h - cuts a stream of bytes into frames.
 *
 *     bytes  03 00 00 00  a  b  c  01 00 00 00  d ...
 *     frames              "abc"                "d"
 *
 * Two kinds of streams. A link carries frames behind their length, a little-endian u32; the length
 * ff ff ff ff says that nothing more comes, and asks the reader to close. A subscription carries what nng's PUB writes (the Scalability Protocols' mapping to TCP, and to
 * local sockets): a greeting of 8 bytes that names the protocol, then messages behind a big-endian
 * u64, on a local socket with a type byte before it.
 *
 * The bytes come from outside, so:
 *     F1  a length above frame_bytes_max ends the stream before memory is given to the frame
 *     F2  a frame holds at most twice the memory that its bytes have filled, or 64 KiB: a peer
 *         that only claims a length costs next to nothing
 *
 * Whoever reads asks for room, writes there, and feeds how much came. A large frame is read
 * straight into its own memory; small ones are copied out of one buffer, many a read.
 */
#ifndef HOLM_TRANSPORT_FRAMER_H
#define HOLM_TRANSPORT_FRAMER_H

#include "crdt/base.h"

#define HOLM_FRAMER_BUFFER_BYTES 16384
#define HOLM_FRAMER_HEAD_BYTES_MAX 9 /* the longest length prefix */
#define HOLM_GREETING_BYTES 8
#define HOLM_LINK_END UINT32_MAX /* the length that ends a link */

enum holm_framing {
    HOLM_FRAMING_LINK = 0,
    HOLM_FRAMING_PUB_TCP = 1,
    HOLM_FRAMING_PUB_IPC = 2,
    HOLM_FRAMING_SUB = 3 /* the other way: a subscriber greets, and has nothing else to say */
};

/* One frame in memory of its own. */
struct holm_frame {
    struct holm_frame *next;
    size_t size;
    size_t capacity;
    unsigned char bytes[];
};

/* What it takes of a queue's bound: its memory, since a frame may be empty. */
static inline size_t holm_frame_cost(const struct holm_frame *frame)
{
    return sizeof *frame + frame->capacity;
}

struct holm_frame_list {
    struct holm_frame *first, *last;
};

struct holm_framer {
    const struct holm_allocator *allocator; /* borrowed, must outlive the framer */
    enum holm_framing framing;
    size_t frame_bytes_max;
    bool greeted;
    size_t head_used;
    struct holm_frame *partial; /* its size is what has been filled so far */
    size_t partial_wanted;
    struct holm_frame_list complete;
    unsigned char head[HOLM_FRAMER_HEAD_BYTES_MAX];
    unsigned char buffer[HOLM_FRAMER_BUFFER_BYTES];
};

/* Where bytes may be written. */
struct holm_span {
    unsigned char *data;
    size_t size;
};

/* Borrows `allocator` until the release. Takes no memory yet. */
void holm_framer_init(struct holm_framer *framer, const struct holm_allocator *allocator,
                      enum holm_framing framing, size_t frame_bytes_max);

/* Frees what it holds and begins a new stream of the same kind. */
void holm_framer_clear(struct holm_framer *framer);

/* Fills one or two spans, to be written in order, none of them empty; returns how many. They are
 * good until the next call. */
size_t holm_framer_room(struct holm_framer *framer, struct holm_span spans[2]);

/*
 * `size` bytes were written to the spans of the last holm_framer_room(). Frames that are complete
 * can be taken, also those before an error. After an error the stream is over: clear it.
 *   HOLM_ECLOSED     the peer has said its last; what came before is complete
 *   HOLM_EMALFORMED  the greeting or a type byte is wrong, or a subscriber says more
 *   HOLM_ETOOBIG     a frame is longer than frame_bytes_max
 *   HOLM_ENOMEM
 */
HOLM_NODISCARD enum holm_status holm_framer_feed(struct holm_framer *framer, size_t size);

/* Moves the complete frames, in order, to the caller, who frees them. */
struct holm_frame_list holm_framer_take(struct holm_framer *framer);

/* A frame of its own with room for `capacity` bytes and size 0, or NULL. */
struct holm_frame *holm_frame_new(const struct holm_allocator *allocator, size_t capacity);
void holm_frame_free(const struct holm_allocator *allocator, struct holm_frame *frame);

void holm_frame_list_append(struct holm_frame_list *list, struct holm_frame *frame);
/* The first frame, taken from the list, or NULL. */
struct holm_frame *holm_frame_list_pop(struct holm_frame_list *list);
void holm_frame_list_free(const struct holm_allocator *allocator, struct holm_frame_list *list);

/* Writes the length prefix of a link's frame, or HOLM_LINK_END: 4 bytes. */
void holm_link_prefix(unsigned char prefix[4], size_t frame_bytes);

/* What each side of a subscription says first. Static. */
extern const unsigned char holm_publisher_greeting[HOLM_GREETING_BYTES];
extern const unsigned char holm_subscriber_greeting[HOLM_GREETING_BYTES];

#endif

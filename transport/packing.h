/* SPDX-License-Identifier: Apache-2.0 */
/*
 * packing.h - small frames of a link, told by what the same link has carried before.
 *
 * A link is reliable and ordered, so both of its ends know the same bytes: of each direction the last
 * 8 KiB of frames that went packed. Frame after frame repeats ids, epochs, names of columns, keys
 * and the beginnings of strings; a packed frame points at them.
 *
 *     packer:    frame  ->  00 "11 88 77" <9 bytes, 41 back> "2a 1e" <14 bytes, 366 back>
 *     unpacker:  its own history + what comes  ->  the frame
 *
 * The first byte, 0, begins no Envelope (field numbers start at 1), so packed and plain frames can
 * follow each other in any order; plain ones leave the history as it is. Behind it come steps:
 *
 *     0 to 30      1 to 31 bytes as they are follow
 *     31, n        32 + n bytes as they are follow
 *     LLLD DDDD, d       3 + L bytes (L from 1 to 6) from D * 256 + d + 1 bytes back
 *     111D DDDD, d, n    10 + n bytes from there; they may overlap what they make
 *
 * Invariants:
 *     K1  unpack(pack(f)) is f, if both ends began together and the packer's owner called
 *         holm_packer_keep() for each frame that went out, and for no other
 *     K2  a frame is at most HOLM_PACKED_FRAME_BYTES_MAX; what would unpack to more, or points behind
 *         what was said, is refused, and then every further one of that link
 *     K3  memory is taken once, by the first frame, and is the same whatever comes
 *
 * Larger frames go plain: their columns have already told what they repeat, and time counts there.
 *
 * Source: J. Ziv, A. Lempel, "A Universal Algorithm for Sequential Data Compression", IEEE Transactions on
 * Information Theory 23 (1977), section II; greedy, with one candidate of a hash of 4 bytes.
 */
#ifndef HOLM_TRANSPORT_PACKING_H
#define HOLM_TRANSPORT_PACKING_H

#include "crdt/base.h"

#define HOLM_PACKED_FRAME_BYTES_MAX 2048 /* of a frame before it is packed */
#define HOLM_PACKED_WINDOW 8192          /* how far back a frame may point */
#define HOLM_PACKED_MARK 0               /* the first byte of a packed frame */

/* What a packed frame takes at most: the mark, the frame, two bytes before each 287 of it. */
#define HOLM_PACKED_BYTES_MAX                                                                      \
    (1 + HOLM_PACKED_FRAME_BYTES_MAX + 2 * (HOLM_PACKED_FRAME_BYTES_MAX / 287 + 1))

/* One direction's sender. Starts as {0}; the members are private. */
struct holm_packer {
    struct holm_packer_memory *memory;
    size_t used; /* of the history */
};

/* One direction's receiver. Starts as {0}. */
struct holm_unpacker {
    unsigned char *history;
    size_t used;
    bool broken;
};

/* Whether a frame may be packed. */
static inline bool holm_packing_fits(size_t frame_bytes)
{
    return frame_bytes > 0 && frame_bytes <= HOLM_PACKED_FRAME_BYTES_MAX;
}

static inline bool holm_packing_is_packed(struct holm_bytes frame)
{
    return frame.size > 0 && *(const unsigned char *)frame.data == HOLM_PACKED_MARK;
}

/*
 * Packs a frame that fits. *packed is the packer's, until its next call. Nothing is remembered before
 * keep(): a frame that could not be sent leaves no trace. HOLM_ENOMEM: send it plain. O(bytes).
 */
HOLM_NODISCARD enum holm_status holm_packer_pack(struct holm_packer *packer,
                                                 const struct holm_allocator *allocator,
                                                 struct holm_bytes frame,
                                                 struct holm_bytes *packed);
/* The frame packed last, of `frame_bytes` bytes, has gone out. */
void holm_packer_keep(struct holm_packer *packer, size_t frame_bytes);
void holm_packer_release(struct holm_packer *packer, const struct holm_allocator *allocator);

/*
 * Makes the frame, which is the unpacker's until its next call.
 *   HOLM_EMALFORMED  K2; from here on nothing of this link can be read
 *   HOLM_ENOMEM      the same
 * O(bytes of the frame).
 */
HOLM_NODISCARD enum holm_status holm_unpacker_unpack(struct holm_unpacker *unpacker,
                                                     const struct holm_allocator *allocator,
                                                     struct holm_bytes packed,
                                                     struct holm_bytes *frame);
void holm_unpacker_release(struct holm_unpacker *unpacker, const struct holm_allocator *allocator);

#endif

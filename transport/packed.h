/* SPDX-License-Identifier: Apache-2.0 */
/*
 * packed.h - a transport whose links pack small frames (transport/packing.h).
 *
 *     engine -> packed -> nng, or the virtual network
 *
 * A link that breaks takes both its histories with it; the next one begins with none. Broadcasts
 * are lossy, so each must mean something by itself: they pass as they are.
 *
 * Invariants:
 *     P1  a frame enters a history only when the transport below has queued it
 *     P2  what cannot be unpacked is delivered as it came, and nothing of that link is unpacked any
 *         more: whoever reads it finds that it is no Envelope, counts it and closes the link
 *     P3  no memory for a sender's history: its frames go plain. For a receiver's: the link ends
 *
 * Frames of links must be Envelopes: one that begins with HOLM_PACKED_MARK is refused.
 */
#ifndef HOLM_TRANSPORT_PACKED_H
#define HOLM_TRANSPORT_PACKED_H

#include "transport/transport.h"

/*
 * Wraps an open transport. The wrapper's close() closes that, too; until then nobody else uses it.
 * HOLM_ENOMEM: *packed is not set, and the transport below is still the caller's.
 */
HOLM_NODISCARD enum holm_status holm_transport_packed_open(struct holm_transport *below,
                                                           const struct holm_allocator *allocator,
                                                           struct holm_transport **packed);

/* How many bytes of frames went over its links so far, packed, without the lengths before them. */
uint64_t holm_transport_packed_sent(const struct holm_transport *packed);
uint64_t holm_transport_packed_received(const struct holm_transport *packed);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * outgoing.h - encoded frames that wait for the thread that may call the transport.
 *
 *     any thread, under its partition's lock          the driving thread
 *     put(message) -> encoder of a pool -> |frame|frame|frame|  -> take() -> transport
 *
 * Two buffers: one gathers, the other is being sent; take() swaps them. A frame for a peer is
 * stamped with the link that is the peer's route at that moment, so what was meant for a former
 * holder of a slot never reaches the present one.
 *
 * Invariants:
 *     O1  frames put by one thread are taken in the order in which they were put
 *     O2  the waiting frames take at most bytes_max; what would go beyond is dropped and counted
 *         (a lost broadcast is pulled, a lost question is asked again after its time-out)
 *     O3  neither buffer is ever larger than bytes_max
 */
#ifndef HOLM_NODE_OUTGOING_H
#define HOLM_NODE_OUTGOING_H

#include <pthread.h>

#include "crdt/replica.h"
#include "proto/codec.h"
#include "transport/transport.h"

struct holm_outgoing_encoder;

/* What went to a peer over its links, and what could not be queued; see metrics.h. */
struct holm_traffic {
    uint64_t frames, bytes;
    uint64_t pulls, syncs; /* questions among them */
    uint64_t dropped;
};

struct holm_outgoing_buffer {
    unsigned char *bytes;
    size_t used, capacity;
};

struct holm_outgoing_route {
    uint64_t link; /* 0: none */
    uint64_t features;
    struct holm_traffic traffic;
};

struct holm_outgoing {
    struct holm_allocator allocator;
    size_t bytes_max;
    size_t frame_bytes_max;
    pthread_mutex_t lock; /* of all below but `sending` */
    struct holm_outgoing_buffer gathering;
    struct holm_outgoing_buffer sending;    /* the driving thread's */
    struct holm_outgoing_encoder *encoders; /* idle ones */
    struct holm_outgoing_route *routes;     /* per peer */
    uint32_t route_count;
    uint64_t dropped;
};

/* Takes room for the routes of `peers` slots. HOLM_ENOMEM. */
HOLM_NODISCARD enum holm_status holm_outgoing_init(struct holm_outgoing *outgoing,
                                                   const struct holm_allocator *allocator,
                                                   size_t bytes_max, size_t frame_bytes_max,
                                                   uint32_t peers);
void holm_outgoing_release(struct holm_outgoing *outgoing);

/* Frames for this peer go over this link from now on, 0: nowhere; it understands what `features` of its
 * Hello say. */
void holm_outgoing_route(struct holm_outgoing *outgoing, uint32_t peer, struct holm_link_id link,
                         uint64_t features);

/*
 * Encodes a message for a peer, or for all (HOLM_PEER_NONE). It is borrowed for the call. For a
 * peer without a route: HOLM_OK, and it is gone.
 *   HOLM_ETOOBIG, HOLM_ENOMEM, HOLM_ELIMIT (O2): the message is dropped, and counted
 */
HOLM_NODISCARD enum holm_status holm_outgoing_put(struct holm_outgoing *outgoing, uint32_t peer,
                                                  const struct holm_message *message);
/* The same for one link. */
HOLM_NODISCARD enum holm_status holm_outgoing_put_link(struct holm_outgoing *outgoing,
                                                       struct holm_link_id link,
                                                       const struct holm_message *message);

/* Whether frames wait. */
bool holm_outgoing_waiting(struct holm_outgoing *outgoing);
uint64_t holm_outgoing_dropped(struct holm_outgoing *outgoing);
/* Bytes that wait now. */
size_t holm_outgoing_bytes(struct holm_outgoing *outgoing);
/* What was put for a peer (not for its link) since forget(): Hellos and pings are not in it. */
void holm_outgoing_traffic(struct holm_outgoing *outgoing, uint32_t peer,
                           struct holm_traffic *traffic);
/* The slot is another's now: its traffic begins anew. */
void holm_outgoing_forget(struct holm_outgoing *outgoing, uint32_t peer);
/* Counts a message in. O(1) */
static inline void holm_traffic_count(struct holm_traffic *traffic, enum holm_message_type type,
                                      size_t bytes)
{
    traffic->frames += 1;
    traffic->bytes += bytes;
    traffic->pulls += type == HOLM_MESSAGE_PULL;
    traffic->syncs += type == HOLM_MESSAGE_SYNC_OPEN;
}

/*
 * The driving thread takes what waits: first take(), then next() until it returns false. The frame
 * is readable until the next take(). `link` is 0 for a broadcast.
 */
void holm_outgoing_take(struct holm_outgoing *outgoing);
bool holm_outgoing_next(struct holm_outgoing *outgoing, size_t *cursor, struct holm_link_id *link,
                        struct holm_bytes *frame);

#endif

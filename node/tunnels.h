/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tunnels.h - links between nodes that do not meet, through those that do; while none of them is a member.
 *
 *     A --- B --- C --- D        all have restarted, retention `stable`
 *
 *     B -> A, C    Reach of B, 1           "I can be reached; I tell A and C myself"
 *     C -> D       Reach of B, 1, hops 1   D reaches B through C
 *     B ~~~~~~ D   a tunnel: B's Hello goes to C as a piece, and C passes it on
 *
 * A whole cluster that has restarted founds anew on what each of its members has, and so whoever founds must hear, and
 * be served by, all of them: of their own word, for it is the taker who judges what may be taken (crdt/admission.h).
 * To the roster, the membership machine and the replicas a tunnel is a link like any other, from Hello to Pong; they
 * prefer those that meet (roster.h), and go on dialling. It lasts no longer than needed: only who is no member
 * passes anything on or accepts, and who meets no member either announces itself or opens; all its tunnels end when it
 * becomes one, or goes on under another epoch. Then it is admitted, or admits, from neighbour to neighbour.
 *
 * The way to an epoch is back where the latest Reach of it came from first; each is passed on once, to those whom its
 * subject does not tell itself, so that where all meet nothing is passed on at all.
 *
 * Invariants, verified by holm_tunnels_check():
 *     U1  a tunnel is between two epochs: a later one of either ends it, and what is on its way is dropped
 *     U2  what comes out of a tunnel is what was put in, in order, from its beginning: a piece that is missing ends it
 *     U3  at most `nodes_max` epochs are known, one of a node, and as many tunnels; a frame that comes is at most
 *         `frame_bytes_max`
 *     U4  nothing is passed on more than HOLM_TUNNEL_HOPS_MAX times
 *
 * Pure, like roster.h. Source of the ways: Dalal, Metcalfe, "Reverse Path Forwarding of Broadcast Packets", CACM 21
 * (1978), sections 3 and 4.
 */
#ifndef HOLM_NODE_TUNNELS_H
#define HOLM_NODE_TUNNELS_H

#include "crdt/message.h"
#include "transport/transport.h"

#define HOLM_TUNNEL_HOPS_MAX 64u

struct holm_tunnels;

struct holm_tunnels_config {
    struct holm_allocator allocator;
    struct holm_actor self;
    uint32_t nodes_max;
    size_t frame_bytes_max;
    uint64_t patience_us; /* who has not been heard of for so long cannot be reached */
    uint64_t random_seed; /* for the names of tunnels */
};

/* HOLM_ENOMEM. */
HOLM_NODISCARD enum holm_status holm_tunnels_new(const struct holm_tunnels_config *config,
                                                 struct holm_tunnels **tunnels);
void holm_tunnels_free(struct holm_tunnels *tunnels); /* NULL is allowed */

/* Whether a link is a tunnel: no transport numbers its own so high. */
static inline bool holm_tunnel_is_link(struct holm_link_id link)
{
    return (link.value & (UINT64_C(1) << 63)) != 0;
}

/* ---- ways ----------------------------------------------------------------------------------- */

/*
 * A Reach came from `via`, who is met. True: it is news, and is to be passed on with one hop more, to all who are met,
 * but not to `via`, its subject, and whom that tells itself. False also for want of memory. May end tunnels. O(known).
 */
bool holm_tunnels_hear(struct holm_tunnels *tunnels, const struct holm_reach *reach,
                       struct holm_actor via, struct holm_now now);
/* Through whom an epoch was reached last, if it ever was. O(known). */
bool holm_tunnels_way(const struct holm_tunnels *tunnels, struct holm_actor to,
                      struct holm_actor *via);
/* The `index`-th epoch that can be reached and has no tunnel, in the order in which they were first heard of; since
 * when. False: there are no more. */
bool holm_tunnels_lacking(const struct holm_tunnels *tunnels, size_t index, struct holm_now now,
                          struct holm_actor *actor, uint64_t *since_us);

/* ---- tunnels -------------------------------------------------------------------------------- */

/* Opens one; its first piece tells the other. False: there are as many as allowed, or no memory. */
bool holm_tunnels_open(struct holm_tunnels *tunnels, struct holm_actor to,
                       struct holm_link_id *link);

/* The head of the next piece to be sent; the caller adds hops 0, `more` and the bytes. False: no such tunnel. */
bool holm_tunnels_piece(struct holm_tunnels *tunnels, struct holm_link_id link,
                        struct holm_tunnel *piece);

enum holm_tunnel_taken {
    HOLM_TUNNEL_NOTHING = 0, /* it was for another epoch, a part of a frame, or ended the tunnel */
    HOLM_TUNNEL_FRAME,       /* a frame is whole */
    HOLM_TUNNEL_UNKNOWN      /* there is no such tunnel: its sender is to be told by a piece 0 */
};

/*
 * A piece that is for this node. With FRAME: *link is the tunnel, *accepted says that the other end has opened it and
 * this is its first frame, and *frame is readable until the next call. May end tunnels.
 */
enum holm_tunnel_taken holm_tunnels_take(struct holm_tunnels *tunnels,
                                         const struct holm_tunnel *piece, struct holm_link_id *link,
                                         bool *accepted, struct holm_bytes *frame);

/* This end is done with it. Nothing when it has ended already. */
void holm_tunnels_close(struct holm_tunnels *tunnels, struct holm_link_id link);
/* All of them, and the node goes on as `self`. */
void holm_tunnels_end(struct holm_tunnels *tunnels, struct holm_actor self);

/* A tunnel that has ended: its link is closed, and *piece is to be sent to the other end, if its id is not 0. Call
 * after each of the above that may end tunnels, until it is false. */
bool holm_tunnels_ended(struct holm_tunnels *tunnels, struct holm_link_id *link,
                        struct holm_tunnel *piece);

size_t holm_tunnels_heard(const struct holm_tunnels *tunnels); /* of how many nodes */
struct holm_actor holm_tunnels_self(const struct holm_tunnels *tunnels);
size_t holm_tunnels_count(const struct holm_tunnels *tunnels); /* tunnels */
void holm_tunnels_check(const struct holm_tunnels *tunnels);   /* U1 to U3; asserts */

#endif

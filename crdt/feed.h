/* SPDX-License-Identifier: Apache-2.0 */
/*
 * feed.h - what one peer is fed over its link, and what it feeds.
 *
 *     follower                     server
 *     Follow{vector, 32}  ------>  a cursor at the oldest run of the op log; has := vector
 *                         <------  Feed{33, runs, more}     what is not in `has`, in the log's order
 *                         <------  Feed{34, runs}
 *     Feed{.., ack 34}    ------>  room for more            or an acknowledgement alone, a little later
 *     Unfollow            ------>  the cursor is gone
 *
 * The op log is in causal order and whole above its floor, so what comes out of it in order needs no
 * deps; and it is the only buffer: a follower costs a cursor, and however slow it is, it slows nobody. Who
 * falls behind the floor is told `too_old`, pulls or syncs, and follows again.
 *
 * Which links carry feeds is settled as in a broadcast tree: at first all that the host wants, or those of
 * a tree that all hosts draw alike (node/overlay.h). A link that
 * brings what was here already is pruned, in both directions, and is `lazy` then: only beacons go over it.
 * A beacon that tells of what stays missing grafts it again. When acknowledgements of a feed stay out, the
 * lazy links are probed: one over which nothing new comes or goes is lazy again at once. What counts is one
 * writer, the `root`, which all come to agree on: the smallest node id that has written of late. The links
 * that bring its runs first are a tree; with everybody's runs counted, many writers at once would prune a
 * cycle in many places.
 *
 * Nothing rests on the tree but latency and cost: what does not come is pulled.
 *
 * Invariants:
 *     F1  a run is sent to a follower only after all that it needs: sent before, or told by the follower
 *     F2  no run is sent to whom it came from, or to its writer
 *     F3  at most HOLM_FEED_FLIGHTS frames and feed_bytes_max bytes, or one frame, are unacknowledged
 *     F4  a frame that does not follow on the last one taken is not taken: the link is followed anew. Numbers
 *         never begin again in a slot, so none of a former feed is taken: a link outlives epochs
 *
 * Source: Leitao, Pereira, Rodrigues, "Epidemic Broadcast Trees", SRDS 2007, sections 3.4 to 3.6.
 */
#ifndef HOLM_CRDT_FEED_H
#define HOLM_CRDT_FEED_H

#include "crdt/base.h"

/* Frames under way at most. */
#define HOLM_FEED_FLIGHTS 16
/* A feed that is followed anew numbers its frames so far behind the last one taken: more than can be
 * under way, so that none of the former feed is taken for one of the new. */
#define HOLM_FEED_RESTART 32
/* Larger numbers than any honest follower asks for. */
#define HOLM_FEED_NUMBER_MAX (UINT64_C(1) << 60)

/* A frame under way. */
struct holm_feed_flight {
    uint64_t number;
    uint64_t sent_us;
    size_t bytes;     /* an upper bound */
    uint64_t own_seq; /* of the server's actor, what the follower has once it has taken this */
};

/* A feed as its server knows it. */
struct holm_feed_out {
    uint64_t cursor; /* position in the op log (oplog.h): the next run to look at */
    uint64_t jumps;  /* of the op log, when the follower was last found above its floors */
    uint64_t number; /* of the last frame */
    struct holm_feed_flight flights[HOLM_FEED_FLIGHTS]; /* the oldest first */
    size_t flight_count;
    size_t flight_bytes;
    bool answer; /* the Follow is not answered yet: a frame goes out even without runs */
    bool gave;   /* a run was sent */
    uint64_t
        *has; /* by the replica's index: what the follower is known to have; of a fold: all or 0 */
    size_t has_capacity;
};

/* Whether the host wants to follow a peer. */
enum holm_follow_wish {
    HOLM_FOLLOW_NEVER = 0, /* it is subscribed to, or beacons are enough */
    HOLM_FOLLOW_BACK = 1,  /* if it follows us */
    HOLM_FOLLOW_WANT = 2,
    HOLM_FOLLOW_SPARE = 3 /* it is not in the tree that the host has drawn: begins lazy */
};

/* Both directions of one link. All zero: none. */
struct holm_feed_link {
    bool can;  /* the peer knows feeds */
    bool lazy; /* pruned */
    enum holm_follow_wish wish;
    struct holm_feed_out *out; /* NULL: the peer does not follow */
    uint64_t fed_us;           /* when it was last sent a Feed */
    uint64_t lag_us;           /* how long acknowledgements take; of late the longest */
    bool stalled;              /* they stay out: other links are tried in its place */

    /* As follower. */
    bool following;
    bool level;           /* a frame without `more` has come since the Follow */
    bool grafted;         /* followed for what was missing, and not proven useful yet */
    bool probe;           /* followed because another link had stalled, and not proven useful yet */
    bool brought;         /* a run that was new, since the Follow */
    uint64_t heard_us;    /* when it was followed, or a frame came */
    uint64_t taken;       /* the last frame; kept from peer to peer of a slot (F4) */
    uint64_t deadline_us; /* not level by then: the Follow was lost */
    uint64_t retry_us;    /* not to be followed before */
    uint64_t backoff_us;  /* broken, or never begun */
    uint64_t left_us; /* followed back, and left with it: doubled each time until a feed is level */
    uint32_t owed;    /* frames taken since the last acknowledgement */
    size_t owed_bytes;
    uint64_t ack_us;  /* with owed: when to acknowledge at the latest */
    uint32_t repeats; /* runs of the root in a row that were here already */

    /* What a beacon told that has not come yet; times are 0 when there is none. */
    uint64_t patience_us;
    uint64_t claim, claim_us; /* the peer's own seq, and by when */
    uint64_t still, still_us; /* the hash here, and until when it should have changed */
    uint64_t never_us;        /* a beacon after this should not tell of another vector any more */
};

/* The writer whose runs show which links are needed. */
struct holm_feed_root {
    struct holm_actor actor;
    uint64_t written_us; /* when a run of it was last applied; 0: there is none */
    uint64_t since;      /* its runs from here on came first by feeds */
    uint32_t from;       /* who brought the last */
};

#endif

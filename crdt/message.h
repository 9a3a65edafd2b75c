/* SPDX-License-Identifier: Apache-2.0 */
/*
 * message.h - what nodes say to each other, decoded.
 *
 * The core and the node speak in these structs; proto/ turns them into bytes and back. Slices and
 * pointers are borrowed from whoever made the message: the decoder's arena, or the replica whose
 * step put it out.
 *
 *     broadcast   Delta, Beacon
 *     link        Hello, Ping, Pong, Goodbye, Ack, Want, Delta, Beacon,
 *                 Pull -> Deltas, SyncOpen -> SyncCut, SyncNext -> SyncPage, SyncClose,
 *                 SyncAsk -> SyncTell, Follow -> Feed ..., Unfollow,
 *                 Standing, Join -> Joined, Report, Reach, Tunnel
 *
 * Runs in Deltas and Feed carry no deps: what a run needs comes before it over the same link, or the
 * receiver has said that it has it. Only what is broadcast carries them.
 */
#ifndef HOLM_CRDT_MESSAGE_H
#define HOLM_CRDT_MESSAGE_H

#include "crdt/delta.h"
#include "crdt/digest.h"
#include "crdt/members.h"
#include "crdt/sync.h"

enum holm_message_type {
    HOLM_MESSAGE_DELTA = 1,
    HOLM_MESSAGE_BEACON = 2,
    HOLM_MESSAGE_HELLO = 3,
    HOLM_MESSAGE_PING = 4,
    HOLM_MESSAGE_PONG = 5,
    HOLM_MESSAGE_GOODBYE = 6,
    HOLM_MESSAGE_ACK = 7,
    HOLM_MESSAGE_WANT = 8,
    HOLM_MESSAGE_PULL = 9,
    HOLM_MESSAGE_DELTAS = 10,
    HOLM_MESSAGE_SYNC_OPEN = 11,
    HOLM_MESSAGE_SYNC_CUT = 12,
    HOLM_MESSAGE_SYNC_NEXT = 13,
    HOLM_MESSAGE_SYNC_PAGE = 14,
    HOLM_MESSAGE_SYNC_CLOSE = 15,
    HOLM_MESSAGE_SYNC_ASK = 16,
    HOLM_MESSAGE_SYNC_TELL = 17,
    HOLM_MESSAGE_FOLLOW = 18,
    HOLM_MESSAGE_UNFOLLOW = 19,
    HOLM_MESSAGE_FEED = 20,
    HOLM_MESSAGE_STANDING = 21,
    HOLM_MESSAGE_JOIN = 22,
    HOLM_MESSAGE_JOINED = 23,
    HOLM_MESSAGE_REPORT = 24,
    HOLM_MESSAGE_REACH = 25,
    HOLM_MESSAGE_TUNNEL = 26
};

#define HOLM_MESSAGE_TYPE_MAX HOLM_MESSAGE_TUNNEL

/* One partition's line of a beacon: what the sender has seen. */
struct holm_beacon_entry {
    uint32_t partition;
    uint64_t own_seq;          /* the last sealed seq of the sender's present epoch */
    uint64_t vector_hash;      /* of R */
    struct holm_digest digest; /* of the live state */
};

struct holm_beacon {
    const struct holm_beacon_entry *entries;
    size_t count;
};

/* A node as others tell of it. */
struct holm_member {
    struct holm_actor actor;   /* its id and the highest epoch heard of */
    struct holm_bytes name;    /* at most 63 bytes */
    struct holm_bytes address; /* where its links are dialled; may be empty */
    bool left;                 /* for good, under this epoch or an earlier one */
};

#define HOLM_WIRE_VERSION 1

/* Bits of `features`: the sender takes Follow, Unfollow and Feed; its retention is `stable`, which all nodes
 * of a cluster must have, or none. */
#define HOLM_FEATURE_FEEDS UINT64_C(1)
#define HOLM_FEATURE_STABLE UINT64_C(2)
/* The sender reads runs that share columns. */
#define HOLM_FEATURE_SHARED UINT64_C(4)
/* The sender takes Reach and Tunnel. */
#define HOLM_FEATURE_TUNNELS UINT64_C(8)

struct holm_hello {
    struct holm_bytes cluster;
    uint32_t version;  /* wire version: HOLM_WIRE_VERSION */
    uint64_t features; /* bits that both must have to be used */
    uint32_t partitions;
    struct holm_member self;
    struct holm_bytes publisher; /* address to subscribe to; may be empty */
    uint64_t nonce;          /* of this running node: tells a dial to oneself from a duplicate */
    bool answer;             /* this Hello answers the receiver's: the link now works both ways */
    struct holm_actor heard; /* with `answer`: whom this answers */
    const struct holm_member *members; /* others that the sender knows, the receiver included */
    size_t member_count;
};

struct holm_ping {
    uint64_t token; /* comes back in the pong */
};

/* Goodbye: I am closing; hang up on me. `subscription` is a note of the transport's own, for one that
 * needs help to leave a publisher; the present ones need none, and leave it empty. `left`: for good,
 * nobody is to wait for this epoch any more. */
struct holm_goodbye {
    struct holm_bytes subscription;
    bool left;
};

/* Ack: of the receiver's present actor I have applied up to seq. Want: tell me (by Ack) as soon
 * as you have applied my seq. */
struct holm_ack {
    struct holm_actor actor; /* whose operations */
    uint64_t seq;
};

struct holm_pull {
    struct holm_vector_view vector; /* what I have */
    uint64_t bytes_max;             /* stop adding deltas beyond this */
};

struct holm_deltas {
    struct holm_delta *const *deltas; /* in causal order */
    size_t count;
    bool more;    /* pull again */
    bool too_old; /* the log does not reach back so far, or runs cost more than a sync */
    struct holm_beacon_entry now; /* the server, after these */
};

enum holm_cut_answer {
    HOLM_CUT_OPEN = 1, /* asks are answered, pages can be fetched */
    HOLM_CUT_BUSY = 2, /* as many cuts as allowed are open: try another peer, or later */
    HOLM_CUT_GONE = 3  /* unknown or expired: open anew */
};

struct holm_sync_cut {
    uint64_t sync; /* the number the opener chose */
    enum holm_cut_answer answer;
    uint64_t pages;                 /* 0 until they are asked for */
    struct holm_vector_view vector; /* the cut's: exact for its state */
    struct holm_vector_view collected;
    struct holm_digest digest;   /* of the cut's live state */
    struct holm_digest transfer; /* of all that a sync carries */
    uint64_t entries;            /* in all that */
};

struct holm_sync_open {
    uint64_t sync;
    struct holm_vector_view vector; /* the opener's: payloads that it covers are left out */
};

struct holm_sync_next {
    uint64_t sync;
    uint64_t first; /* page number, from 0 */
    uint32_t count; /* how many pages may be sent */
};

struct holm_sync_page {
    uint64_t sync;
    uint64_t index;
    struct holm_page *page;
};

/* Follow: feed me from now on, in causal order, what I lack; the frames are numbered from `number` + 1.
 * A feed that was there before is over. */
struct holm_follow {
    struct holm_vector_view vector; /* what I have */
    uint64_t number;
};

/* Unfollow: feed me no more; with `prune`, and I feed you no more: other links bring it all. */
struct holm_unfollow {
    bool prune;
};

struct holm_feed {
    uint64_t number; /* of this frame of the feed; 0: it is none, and only acknowledges */
    uint64_t ack;    /* of the other direction's, all frames up to here are taken; 0: no news */
    bool more;       /* there is more, held back until this is acknowledged */
    bool too_old;    /* the log does not reach back so far: pull, and follow again */
    struct holm_delta *const *runs; /* in causal order */
    size_t count;
};

/*
 * With retention `stable` (members.h, admission.h). Standing: how I stand, and what I know of the others,
 * sent to each peer that comes up and whenever it has changed. What it says of the list is for whoever does
 * not take the list itself from me: the admissions of current epochs, and all forgets.
 */
struct holm_standing {
    bool confirmed;           /* the sender's epoch is a member */
    struct holm_epoch former; /* that its state was confirmed under; 0: it has none */
    uint64_t state;           /* a hash of that state: holm_admission_may_merge() */
    bool lost;                /* it knows that its state is: admission.h */
    /* Of the list; none if it knows that its state is forgotten, or has no list. */
    struct holm_founding founding;
    struct holm_actor defers; /* provisional: whom it leaves it to, to found; or zero */
    struct holm_vector_view list;
    const struct holm_member_op *ops;
    size_t op_count;
};

/* Join: admit my present epoch. Sent by who is provisional, behind a Standing. */
struct holm_join {
    bool lost; /* my state is lost: it must be forgotten before, and is replaced */
};

enum holm_join_result {
    HOLM_JOIN_LATER = 1,  /* not yet, or not here: ask again, or another */
    HOLM_JOIN_EPOCH = 2,  /* only under an epoch of at least `least` (T41) */
    HOLM_JOIN_MERGE = 3,  /* admitted: what I have is merged with what you have */
    HOLM_JOIN_REPLACE = 4 /* admitted: what I have takes the place of what you have */
};

struct holm_joined {
    struct holm_epoch epoch; /* of the receiver: whom this answers */
    enum holm_join_result result;
    struct holm_epoch least;
    struct holm_dot admission; /* of the list */
};

/*
 * What a node has applied of a partition, and of the list, in one message (stable.h); and of whom the sender
 * has heard how much (replica_member.h). The sender's own, with `member` all zero; or passed on:
 *
 *     from B   member 0    number 41   V, list of B   heard A:12 C:7     B's own
 *     from B   member 0    number 0                   heard A:12 C:9     only what it has heard
 *     from B   member C    number 9    V, list of C                      C's, passed on
 */
struct holm_reported {
    struct holm_actor member;
    uint64_t number;  /* of that member's reports of this partition, growing */
    bool provisional; /* it is no member: nothing may be collected by this, nor is it passed on */
    bool wants;       /* own: the sender wants to be told over this link what others have */
    struct holm_vector_view vector;
    struct holm_vector_view list;
    struct holm_vector_view heard; /* own: the number of the last report of each epoch */
};

/*
 * Reach: a provisional epoch can be reached through the sender, or is the sender. Others pass it on to those whom it
 * does not meet itself (node/tunnels.h).
 */
struct holm_reach {
    struct holm_actor actor;
    uint64_t number;                /* of what this epoch has said of itself, growing */
    uint32_t hops;                  /* through how many others it has come */
    const struct holm_node_id *met; /* whom it tells itself, ascending */
    size_t met_count;
};

/* Tunnel: a piece of a frame between two provisional epochs that do not meet; others pass it on. */
struct holm_tunnel {
    struct holm_actor from, to;
    uint64_t id;     /* of the tunnel, drawn by who opened it; not 0 */
    uint64_t number; /* of the piece in this direction: 1, 2, 3 ...; 0: this end is closed */
    uint32_t hops;   /* through how many others it has come */
    bool more;       /* the frame goes on in the next piece */
    struct holm_bytes piece;
};

struct holm_message {
    enum holm_message_type type;
    bool shared; /* Deltas, Feed: small runs share columns, as the receiver must understand */
    uint32_t
        partition; /* of all but beacon, hello, ping, pong, goodbye, standing, join, joined, reach, tunnel */
    struct holm_actor sender; /* the node that sent this frame, in its present epoch */
    union {
        struct holm_delta *delta;
        struct holm_beacon beacon;
        struct holm_hello hello;
        struct holm_ping ping; /* and pong */
        struct holm_goodbye goodbye;
        struct holm_ack ack; /* and want */
        struct holm_pull pull;
        struct holm_deltas deltas;
        struct holm_sync_open sync_open;
        struct holm_sync_cut sync_cut;
        struct holm_sync_next sync_next;
        struct holm_sync_page sync_page;
        uint64_t sync_close; /* the sync's number */
        struct holm_sync_ask sync_ask;
        struct holm_sync_tell sync_tell;
        struct holm_follow follow;
        struct holm_unfollow unfollow;
        struct holm_feed feed;
        struct holm_standing standing;
        struct holm_join join;
        struct holm_joined joined;
        struct holm_reported reported;
        struct holm_reach reach;
        struct holm_tunnel tunnel;
    } as;
};

#endif

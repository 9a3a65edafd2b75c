/* SPDX-License-Identifier: Apache-2.0 */
/*
 * roster.h - who else there is, over which link each is reached, and who is up.
 *
 * Pure: it is told what happened, and answers with actions that its host carries out. It reads no
 * clock and touches no network; jitter comes from a seed.
 *
 *     dial      LINK_UP -> Hello -->             --> Hello -> LINK_UP     accept
 *               proven  <- Hello(answer, heard) <--
 *                          Hello(answer, heard) --> proven
 *
 * A link is proven when a Hello that names this node as `heard` has come over it: only then do
 * bytes flow both ways. A peer is up while it has a proven link. Of several proven links to one
 * peer (both sides may dial at once) both sides prefer the one that was dialled by the smaller
 * node id, and among those of one dialler the newest; the other is closed a while later, by the
 * side that was proven last, so that nobody is down in between. A tunnel (tunnels.h) is the last choice: who is
 * reached by no other link goes on being dialled, and is not subscribed to.
 *
 * Two live nodes of one id ("duplicate node", T03) are a mistake of their operators, and are told of once a
 * minute for as long as both are up. Each takes a few higher epochs, ever more rarely, as a node does whose
 * clock was set back; then it knows that the other lives and stays where it is. It says so by telling of
 * the other's epoch as of a member, its own id's, in its Hellos; peers then keep a slot for each of the two.
 *
 * Who leaves for good says so (Goodbye, `left`). It is kept in mind that it has, by its highest epoch, and told like
 * everything of members: (epoch, left) only grows, so a rumour that it is alive dies out, and a later life of it
 * is welcome. Others are dialled for ever.
 *
 * Whom nobody but others names is dialled for ever, too. Where hearsay_us bounds that, who is not met for so long is given up,
 * and its epoch is kept in mind, so that hearsay does not bring it back: it may go round for as long as there are
 * nodes. It is met when it comes itself.
 *
 * Invariants, verified by holm_roster_check():
 *     M1  a peer is up iff it has a proven link, and its route is one of them
 *     M2  this node is not among the peers
 *     M3  every link is of at most one address and one peer, and both are in use
 */
#ifndef HOLM_NODE_ROSTER_H
#define HOLM_NODE_ROSTER_H

#include <holm/holm.h>

#include "crdt/replica.h"
#include "node/config.h"
#include "node/log.h"
#include "transport/transport.h"

struct holm_roster;

#define HOLM_ROSTER_TEXT_BYTES 256
#define HOLM_ROSTER_NAMES_MAX 16
/* The number of one more, which no resolver has: who is heard by multicast (multicast.h). */
#define HOLM_ROSTER_HEARD HOLM_ROSTER_NAMES_MAX

struct holm_roster_config {
    struct holm_allocator allocator;
    struct holm_actor self;
    const char *name; /* strings are borrowed for holm_roster_new() */
    const char *cluster;
    const char *address;   /* where this node is dialled; "" when it does not listen */
    const char *publisher; /* where others subscribe; or "" */
    uint32_t partitions;
    uint64_t nonce;
    uint64_t link_timeout_us;
    uint64_t redial_interval_us;
    uint32_t peers_max;
    size_t hello_bytes_max; /* a Hello tells of no more members than fit */
    uint64_t random_seed;
    uint64_t hearsay_us; /* 0: never; a member that is not met in so long is given up */
    bool stable;         /* retention: all nodes of a cluster have the same */
    bool prompt;         /* silence is told of as soon as it is one, and not with the next tick */
};

/* HOLM_EINVAL (a name, cluster or address that is too long), HOLM_ENOMEM. */
HOLM_NODISCARD enum holm_status holm_roster_new(const struct holm_roster_config *config,
                                                struct holm_roster **roster);
void holm_roster_free(struct holm_roster *roster); /* NULL is allowed */

/* ---- actions -------------------------------------------------------------------------------- */

enum holm_roster_do {
    HOLM_ROSTER_DIAL = 1,    /* text: an address; then call holm_roster_dialled(entry) */
    HOLM_ROSTER_CLOSE,       /* link */
    HOLM_ROSTER_HELLO,       /* link: send holm_roster_hello_fill() */
    HOLM_ROSTER_PING,        /* link, token */
    HOLM_ROSTER_ROUTE,       /* peer, link: frames for this peer go over this link from now on */
    HOLM_ROSTER_UP,          /* peer, actor */
    HOLM_ROSTER_DOWN,        /* peer, actor: what is on its way to it is void */
    HOLM_ROSTER_SUBSCRIBE,   /* peer, text: a publisher; then call holm_roster_subscribed() */
    HOLM_ROSTER_UNSUBSCRIBE, /* subscription */
    HOLM_ROSTER_EPOCH,      /* actor: this node goes on under this epoch, in all replicas at once */
    HOLM_ROSTER_SUPERSEDED, /* actor: a node and its present epoch */
    HOLM_ROSTER_CHANGED, /* peer, actor, change, after_us, text: its name; for holm_events_next() */
    HOLM_ROSTER_NOTE     /* event, text: for the log, its values packed (log.h) */
};

/* How much a Hello tells. */
enum holm_roster_tell {
    HOLM_TELL_ALL = 0,  /* every member known */
    HOLM_TELL_NEWS = 1, /* the members that changed since the last news */
    HOLM_TELL_NONE = 2  /* to a stranger */
};

struct holm_roster_action {
    enum holm_roster_do type;
    struct holm_link_id link;
    struct holm_subscription_id subscription;
    uint32_t peer;
    uint32_t entry;
    struct holm_actor actor;
    uint64_t token;
    bool answer;                  /* HELLO */
    enum holm_roster_tell tell;   /* HELLO */
    enum holm_log_event event;    /* NOTE */
    enum holm_peer_change change; /* CHANGED */
    uint64_t after_us;            /* CHANGED */
    char text[HOLM_ROSTER_TEXT_BYTES];
};

/* Takes the next action, in order. False when there is none. Call until then after each of the
 * calls below that says "acts". */
bool holm_roster_next(struct holm_roster *roster, struct holm_roster_action *action);

/* Makes the Hello of an action. It borrows from the roster, until the next call on it. */
HOLM_NODISCARD enum holm_status holm_roster_hello_fill(struct holm_roster *roster,
                                                       const struct holm_roster_action *action,
                                                       struct holm_hello *hello);

/* ---- what happened -------------------------------------------------------------------------- */

/* An address to dial for ever. Known ones are HOLM_OK. HOLM_EADDRESS (empty or too long),
 * HOLM_ELIMIT, HOLM_ENOMEM. Takes effect at the next tick, which is then due. */
HOLM_NODISCARD enum holm_status holm_roster_join(struct holm_roster *roster, const char *address);

struct holm_roster_text {
    char bytes[HOLM_ADDRESS_BYTES_MAX + 1];
};

/* What a name stands for, whose number is at most HOLM_ROSTER_HEARD: borrowed for the call. */
struct holm_roster_named {
    uint32_t name;
    const struct holm_roster_text *texts;
    size_t count;
};

struct holm_roster_change {
    size_t known; /* addresses that are dialled for this name now */
    size_t added, gone;
    size_t left_out; /* there are as many of names as allowed, or no memory */
};

/* The name stands for these addresses, and for no others that it stood for. What no name, no seed and no
 * member's own word stands for any more is not dialled again; its link stays. Addresses of names have places
 * of their own beside those of seeds and those that peers tell of. Takes effect at the next tick, which is
 * then due. O(addresses * count) */
void holm_roster_resolved(struct holm_roster *roster, const struct holm_roster_named *named,
                          struct holm_roster_change *change);

/* The dial of DIAL has begun as `link`; 0: it could not. Acts. */
void holm_roster_dialled(struct holm_roster *roster, uint32_t entry, struct holm_link_id id,
                         struct holm_now now);
/* The subscription of SUBSCRIBE; 0: there is none, and it is tried again when the peer is up next. */
void holm_roster_subscribed(struct holm_roster *roster, uint32_t peer,
                            struct holm_subscription_id subscription);

/* LINK_UP, LINK_CLOSED. Act. `host`, "" when unknown, is where the peer is, should its Hello not say
 * so: who listens everywhere does not know by which address others reach it. An accepted link that there is no memory
 * for is closed. A tunnel (tunnels.h) needs no dial before. */
void holm_roster_link_up(struct holm_roster *roster, struct holm_link_id id, bool accepted,
                         const char *host, struct holm_now now);
void holm_roster_link_closed(struct holm_roster *roster, struct holm_link_id id,
                             struct holm_now now);
/* The link, which is told closed next, ended for want of a certificate: the other side has none that is trusted
 * here, or does not trust ours. The log says so once a minute at most, and how many they were. Acts. */
void holm_roster_link_untrusted(struct holm_roster *roster, struct holm_link_id id,
                                struct holm_now now);
/* A link that broke its word: closes it. Acts. */
void holm_roster_link_drop(struct holm_roster *roster, struct holm_link_id id, const char *why,
                           struct holm_now now);
/* Some frame came over the link. O(links), O(1) for the link of the last call. Acts. */
void holm_roster_heard(struct holm_roster *roster, struct holm_link_id id, struct holm_now now);
/* Acts. */
void holm_roster_hello(struct holm_roster *roster, struct holm_link_id id,
                       const struct holm_hello *hello, struct holm_now now);
void holm_roster_pong(struct holm_roster *roster, struct holm_link_id id, uint64_t token,
                      struct holm_now now);
/* Another node writes under this node's id and `epoch`: takes a higher one, unless it has already
 * or did so a moment ago; then it will. Acts. */
void holm_roster_twin(struct holm_roster *roster, struct holm_epoch epoch, struct holm_now now);
/* This node is to go on under a higher epoch, of at least `least`. Acts. */
void holm_roster_epoch(struct holm_roster *roster, struct holm_epoch least, struct holm_now now);
/* The peer is closing: its links are closed, its publisher left. With `left` for good: it is not dialled any more,
 * and all others are told, until it comes under a higher epoch. Acts. */
void holm_roster_goodbye(struct holm_roster *roster, struct holm_link_id id, bool left,
                         struct holm_now now);
/* This node leaves: from now on it dials nobody, takes no calls, and notes nothing of who hangs up. That it leaves is
 * the host's to say. */
void holm_roster_leave(struct holm_roster *roster);
/* Does what is due; returns the monotonic time of the next call. Acts. O(links + addresses) when
 * something is due. */
uint64_t holm_roster_tick(struct holm_roster *roster, struct holm_now now);
/* When tick() is due, after whatever was called since. */
uint64_t holm_roster_due_us(const struct holm_roster *roster);

/* ---- looking -------------------------------------------------------------------------------- */

/* The peer of a link: its slot, or HOLM_PEER_NONE. `proven` may be NULL. */
uint32_t holm_roster_link_peer(struct holm_roster *roster, struct holm_link_id id, bool *proven);
/* Whose link this is, as far as is known: by Hello, or by who last answered at the address that
 * was dialled. */
bool holm_roster_link_node(struct holm_roster *roster, struct holm_link_id id,
                           struct holm_node_id *node);
/* The slot of an actor, if its node is up and lives under this very epoch; else HOLM_PEER_NONE. */
uint32_t holm_roster_slot(const struct holm_roster *roster, struct holm_actor actor);
/* One more than the highest slot in use. */
uint32_t holm_roster_slots(const struct holm_roster *roster);
bool holm_roster_up(const struct holm_roster *roster, uint32_t peer);
/* Whether the node of a slot has left for good, under the epoch that is known of it. */
bool holm_roster_left(const struct holm_roster *roster, uint32_t peer);
/* The name of a node, or "". */
void holm_roster_name(const struct holm_roster *roster, struct holm_node_id node, char name[64]);
struct holm_link_id holm_roster_route(const struct holm_roster *roster, uint32_t peer);
/* Whether it is up, by a link that is no tunnel. */
bool holm_roster_met(const struct holm_roster *roster, uint32_t peer);
/* Who it is (0: the slot is not in use any more), what it understands, where it publishes (text has
 * HOLM_ROSTER_TEXT_BYTES; "" when nowhere). */
struct holm_node_id holm_roster_node(const struct holm_roster *roster, uint32_t peer);
uint64_t holm_roster_features(const struct holm_roster *roster, uint32_t peer);
void holm_roster_publisher(const struct holm_roster *roster, uint32_t peer, char *text);
struct holm_subscription_id holm_roster_subscription(const struct holm_roster *roster,
                                                     uint32_t peer);
uint32_t holm_roster_up_count(const struct holm_roster *roster);
/* How often it was told of that another lives under this node's id, or that two peers share one. */
uint64_t holm_roster_twins(const struct holm_roster *roster);
/* How many links were dropped because Hellos that want an answer came on them without end. */
uint64_t holm_roster_hellos_limited(const struct holm_roster *roster);
struct holm_actor holm_roster_self(const struct holm_roster *roster);
/* Copies what is known of a slot; false: it is not in use. */
bool holm_roster_peer(const struct holm_roster *roster, uint32_t slot, struct holm_now now,
                      struct holm_peer *out);
size_t holm_roster_peers(const struct holm_roster *roster, struct holm_now now,
                         struct holm_peer *peers, size_t capacity);
void holm_roster_check(const struct holm_roster *roster); /* M1 to M3; asserts */

#endif

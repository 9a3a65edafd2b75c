/* SPDX-License-Identifier: Apache-2.0 */
/*
 * roster_state.h - what a roster is made of; for node/roster*.c alone.
 *
 *     addresses  what is dialled: seeds, and where members say they can be reached
 *     links      dials under way, and links that are open
 *     peers      everyone ever heard of, by slot
 *
 * Room for the actions of one call is reserved whenever a table grows: pushing one cannot fail.
 */
#ifndef HOLM_NODE_ROSTER_STATE_H
#define HOLM_NODE_ROSTER_STATE_H

#include "node/random.h"
#include "node/roster.h"

#define HOLM_ROSTER_NONE UINT32_MAX

/* An address that peers told of may be made up, or left long ago. So many dials it has at the usual pace. Then, while nobody of
 * this cluster answers there, each further one doubles the pause, until all such addresses together have no more
 * than HOLM_ROSTER_SILENT_DIALS in an interval: few are dialled as often as ever, since two halves may know of
 * each other by hearsay alone; thousands cost no more than a few. */
#define HOLM_ROSTER_TRIES 4u
#define HOLM_ROSTER_SILENCES_MAX (HOLM_ROSTER_TRIES + 10)
#define HOLM_ROSTER_SILENT_DIALS 16u
/* Where nobody was met for so long is taken for such an address, too. */
#define HOLM_ROSTER_LONG_US UINT64_C(3600000000)

struct holm_roster_address {
    bool used;
    bool seed;      /* given by the host: never dropped */
    uint32_t names; /* a bit for each that stands for it: HOLM_ROSTER_HEARD is one */
    bool self;      /* answered with this node's own nonce */
    bool stale;     /* its owner can be dialled elsewhere now: forgotten when its link ends */
    bool owned;     /* `owner` has answered here, or says that it can be dialled here */
    struct holm_node_id owner;
    uint64_t link; /* the dial or link that came of it; 0: none */
    uint64_t dialled_us;
    uint64_t due_us; /* next dial, when there is no link */
    uint32_t refusals;
    bool answered;     /* a node of this cluster was met here, and not too long ago */
    uint64_t met_us;   /* ... when last, about */
    uint32_t silences; /* dials before that, up to HOLM_ROSTER_SILENCES_MAX */
    char text[HOLM_ADDRESS_BYTES_MAX + 1];
};

enum holm_roster_link_state {
    HOLM_LINK_DIALLING = 1,
    HOLM_LINK_OPEN = 2, /* bytes may flow */
    HOLM_LINK_PROVEN = 3,
    HOLM_LINK_REFUSED = 4 /* told why, and closed a little later */
};

struct holm_roster_link {
    uint64_t id;
    enum holm_roster_link_state state;
    bool accepted;
    bool answered;    /* a Hello with `answer` went out */
    uint32_t address; /* of a dial; HOLM_ROSTER_NONE otherwise */
    uint32_t peer;    /* since its Hello; HOLM_ROSTER_NONE before */
    uint64_t opened_us;
    uint64_t proven_us;
    uint64_t heard_us;
    uint64_t pinged_us;
    uint64_t pings;      /* sent so far */
    uint64_t token;      /* of the one that waits for its answer; 0: none */
    uint64_t greeted_us; /* the last Hello went out */
    uint64_t hellos_us;  /* those that came and want an answer are paid for until then */
    uint64_t close_us;   /* refused or redundant: when to close it; HOLM_NEVER */
    uint64_t round_trip_us;
    char host[HOLM_HOST_BYTES_MAX]; /* of the peer, by this link; "" when unknown */
};

struct holm_roster_peer {
    bool used;
    bool up;
    uint64_t news; /* the turn in which it changed last */
    struct holm_actor actor;
    uint64_t told; /* the highest epoch anybody told of, at least actor's */
    uint64_t nonce;
    uint64_t features;
    uint64_t route;      /* the preferred proven link; 0 when down */
    uint64_t changed_us; /* up or down since */
    bool was_up;
    bool leaving; /* it said goodbye */
    bool left; /* for good, under `told` or an earlier epoch; told of while it is still up, too */
    bool suspect;      /* up, and silent */
    bool linked;       /* as of holm_roster_mark_linked() */
    bool renews;       /* down for as long as it takes to shake hands on another epoch: no news */
    uint64_t heard_us; /* over any of its links */
    uint64_t round_trip_us;
    struct holm_subscription_id subscription;
    char name[HOLM_NAME_BYTES_MAX + 1];
    char address[HOLM_ADDRESS_BYTES_MAX + 1];
    char publisher[HOLM_ADDRESS_BYTES_MAX + 1];
};

#define HOLM_ROSTER_REFUSALS 32
#define HOLM_ROSTER_EPOCHS 8

struct holm_roster {
    struct holm_roster_config config;
    char name[HOLM_NAME_BYTES_MAX + 1];
    char cluster[256];
    char address[HOLM_ADDRESS_BYTES_MAX + 1];
    char publisher[HOLM_ADDRESS_BYTES_MAX + 1];
    struct holm_random random;
    uint64_t due_us;  /* when tick() has something to do */
    uint64_t news_us; /* when news goes out; HOLM_NEVER */
    uint64_t news_turn;
    uint64_t raise_us; /* no new epoch before, unless ours was used by another */
    uint64_t raise_wait_us;
    uint64_t raise_above; /* an epoch of this id that was heard of; 0: none to beat */
    uint64_t burnt;       /* an own epoch that somebody else has, too */
    uint32_t raises;      /* epochs taken because others knew of higher ones */
    uint64_t own_epochs[HOLM_ROSTER_EPOCHS]; /* the last ones of this life */
    uint64_t own_epoch_count;
    uint64_t twin; /* the highest epoch of another who lives under this id; 0: nobody does */
    uint64_t twin_told_us;                  /* when the operator is told again, at the earliest */
    uint64_t twins;                         /* how often that was */
    bool twin_slots;                        /* there may be two slots of one node */
    uint64_t twin_slots_us;                 /* when they are looked at again */
    uint64_t refused[HOLM_ROSTER_REFUSALS]; /* nodes whose refusal was logged */
    uint32_t refused_next;
    uint64_t untrusted_told_us; /* when the operator was told last; 0: never */
    uint64_t untrusted;         /* since then */
    uint64_t hellos_limited;    /* links that were dropped for greeting without end */
    bool leaving;               /* this node does */
    struct holm_actor *worn;    /* who was given up last, each node once; room for peers_max */
    size_t worn_count, worn_capacity;
    size_t worn_next; /* when all places are taken: whose place is taken next */

    struct holm_roster_address *addresses;
    size_t address_count, address_capacity;
    uint32_t silent; /* of them, as of the last tick: learnt, tried, and nobody ever answered */
    struct holm_roster_link *links;
    size_t link_count, link_capacity;
    size_t link_last; /* where the last search ended */
    struct holm_roster_peer *peers;
    size_t peer_count, peer_capacity;
    struct holm_member *members; /* room for a Hello */
    size_t member_capacity;
    struct holm_roster_action *actions; /* a queue: first is the next to be taken */
    size_t action_first, action_count, action_capacity;
};

/* roster.c */
struct holm_roster_action *holm_roster_push(struct holm_roster *roster, enum holm_roster_do type);
void holm_roster_note(struct holm_roster *roster, enum holm_log_event event,
                      const struct holm_log_value *values, size_t count);
void holm_roster_due(struct holm_roster *roster, uint64_t when_us);
HOLM_NODISCARD enum holm_status holm_roster_reserve(struct holm_roster *roster);

/* roster_link.c */
struct holm_roster_link *holm_roster_link_find(struct holm_roster *roster, uint64_t id);
void holm_roster_link_remove(struct holm_roster *roster, uint64_t id, struct holm_now now);
void holm_roster_link_shut(struct holm_roster *roster, uint64_t id, struct holm_now now);
void holm_roster_greet(struct holm_roster *roster, struct holm_roster_link *link, bool answer,
                       enum holm_roster_tell tell, struct holm_now now);

/* roster_address.c */
HOLM_NODISCARD enum holm_status holm_roster_address_add(struct holm_roster *roster,
                                                        struct holm_bytes text, bool seed,
                                                        uint32_t names, uint32_t *entry);
void holm_roster_address_learn(struct holm_roster *roster, struct holm_roster_peer *peer,
                               struct holm_bytes text, struct holm_now now);
void holm_roster_address_drop(struct holm_roster *roster, const struct holm_roster_peer *peer);
enum holm_roster_retry {
    HOLM_RETRY_AT_ONCE = 1, /* give or take a hundredth of the interval */
    HOLM_RETRY_IN_TURN = 2, /* an interval after the last dial began, but not before now */
    HOLM_RETRY_LATER = 3    /* an interval from now */
};
void holm_roster_address_retry(struct holm_roster *roster, struct holm_roster_address *address,
                               enum holm_roster_retry retry, struct holm_now now);
uint64_t holm_roster_address_tick(struct holm_roster *roster, struct holm_now now);

/* roster_peer.c */
/* Whether any link is open to it, or being made. */
bool holm_roster_is_linked(const struct holm_roster *roster, uint32_t slot);
/* The same of all peers, into `linked`. O(peers + links) */
void holm_roster_mark_linked(struct holm_roster *roster);
uint32_t holm_roster_peer_find(const struct holm_roster *roster, struct holm_node_id node);
uint32_t holm_roster_peer_add(struct holm_roster *roster, struct holm_actor actor, bool direct,
                              struct holm_now now);
void holm_roster_peer_route(struct holm_roster *roster, uint32_t slot, struct holm_now now);
void holm_roster_peer_leave(struct holm_roster *roster, struct holm_roster_peer *peer);
/* For who listens to events. */
void holm_roster_changed(struct holm_roster *roster, uint32_t slot, enum holm_peer_change change,
                         uint64_t after_us);
/* It has left for good, under the epoch that is known: what can be dialled of it is given up, and all are told. */
void holm_roster_peer_left(struct holm_roster *roster, uint32_t slot, struct holm_now now);
/* Something was heard of a peer that was suspect. */
void holm_roster_peer_heard(struct holm_roster *roster, uint32_t slot, struct holm_now now);
/* Whether each peer that is up is silent; and when that is to be looked at again. */
void holm_roster_suspect_tick(struct holm_roster *roster, struct holm_now now);
void holm_roster_news(struct holm_roster *roster, struct holm_roster_peer *peer,
                      struct holm_now now);

/* roster_rumour.c */

/* Whether so much was heard of before, for all the time that one waits for it to be met. */
bool holm_roster_rumour_is_worn(const struct holm_roster *roster, struct holm_actor actor);
/* Gives up who was waited for long enough, if anybody ever is. O(peers + links), and O(peers) for each. */
void holm_roster_rumour_tick(struct holm_roster *roster, struct holm_now now);

/* roster_twin.c */

/* Whether to stay under the present epoch, although a higher one of this id was told of. */
bool holm_roster_twin_stays(const struct holm_roster *roster, uint64_t above);
/* This node goes on under another epoch. */
void holm_roster_twin_raised(struct holm_roster *roster, uint64_t from, uint64_t above);
/* An epoch of this id was heard of. */
void holm_roster_twin_heard(struct holm_roster *roster, uint64_t epoch, bool lives,
                            struct holm_now now);
/* Whether who says this Hello knows of another under its id, and stays. */
bool holm_roster_twin_says(const struct holm_hello *hello);
/* The slot of who says this Hello and is dialled at `address`, or HOLM_ROSTER_NONE. */
uint32_t holm_roster_twin_slot(const struct holm_roster *roster, const struct holm_hello *hello,
                               struct holm_bytes address);
/* Whether this slot's node has another slot, too. */
bool holm_roster_twin_shares(const struct holm_roster *roster, uint32_t slot);
void holm_roster_twin_tick(struct holm_roster *roster, struct holm_now now);

/* roster_hello.c */
void holm_roster_raise(struct holm_roster *roster, uint64_t above, bool at_once,
                       struct holm_now now);

#endif

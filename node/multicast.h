/* SPDX-License-Identifier: Apache-2.0 */
/*
 * multicast.h - nodes that find each other on one network, by a secret and without an address.
 *
 *     a thread       waits for datagrams, and for the time to announce; vouches   datagrams.h, herald.h
 *     I/O thread     what may be dialled, in tick()                               holm_roster_resolved()
 *
 * Whatever is sent to the group is read, and refused, by that thread alone: a flood costs it HOLM_MULTICAST_BATCH datagrams in
 * HOLM_MULTICAST_REST_MS at most, and others nothing; the rest of it is lost in the system. An interface that
 * is down or gone is looked for again, for ever; where only sending is refused (a firewall), it goes on hearing.
 *
 * Nobody is told anything, nor called, with a lock of it held: a log or a host that asks for figures is answered.
 */
#ifndef HOLM_NODE_MULTICAST_H
#define HOLM_NODE_MULTICAST_H

#include "node/herald.h"
#include "transport/datagrams.h"

#define HOLM_MULTICAST_BATCH 64
#define HOLM_MULTICAST_REST_MS 50
#define HOLM_MULTICAST_LOOK_US UINT64_C(2000000) /* at the interface */

struct holm_multicast;

struct holm_multicast_config {
    struct holm_allocator allocator; /* thread-safe, as all that follows */
    struct holm_log log;
    struct holm_group group;
    const char *secret;  /* a file, borrowed for the call */
    const char *cluster; /* borrowed for the call */
    /* As the transport has it: "", or a host that may stand for all. Borrowed until it is closed, as is the log. */
    const char *address;
    uint64_t random_seed;
    bool tls, insecure;
    struct holm_now (*clock)(void);
    void (*who)(void *context, struct holm_actor *actor, bool *alone); /* from the thread */
    void (*ready)(void *context); /* has tick() called soon; from the thread */
    /* These were heard, and no others. From tick(), at most once in HOLM_HERALD_LIST_US. */
    void (*resolved)(void *context, const struct holm_roster_named *named, struct holm_now now,
                     struct holm_roster_change *change);
    void *context;
};

struct holm_multicast_figures {
    uint64_t enabled, open; /* 1: there is multicast; the interface takes it now */
    uint64_t failures;      /* how often it did not, or stopped */
    uint64_t sent;          /* announcements that the system took */
    uint64_t rests;         /* how often so many datagrams came that it stopped reading */
    struct holm_herald_figures herald;
};

/*
 * Reads the secret, looks at the interface and starts the thread.
 *   HOLM_EINVAL  the log says what is wrong: the secret's file, no such interface, or an address of this machine alone
 *                on another interface than its loopback
 *   HOLM_ENOMEM
 *   HOLM_EIO     the system gives no thread, or no sockets
 * After each of them *multicast is NULL, and nothing runs.
 */
HOLM_NODISCARD enum holm_status holm_multicast_open(const struct holm_multicast_config *config,
                                                    struct holm_multicast **multicast);
/* Says goodbye, and waits for the thread, which waits for nobody. NULL is allowed. */
void holm_multicast_close(struct holm_multicast *multicast);

/* Hands over what has changed; of one thread. `resolved` and the log are called from here. */
void holm_multicast_tick(struct holm_multicast *multicast, struct holm_now now);

/* Any thread. */
void holm_multicast_figures(struct holm_multicast *multicast,
                            struct holm_multicast_figures *figures);

#endif

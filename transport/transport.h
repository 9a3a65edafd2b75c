/* SPDX-License-Identifier: Apache-2.0 */
/*
 * transport.h - the table between a node and a network.
 *
 * Two kinds of traffic. Broadcast is fast, fanned out and lossy: whoever subscribes to this node's
 * publisher gets its frames, or not. A link is a reliable, ordered stream of frames between two
 * nodes, until it breaks. Everything the node learns comes as an event, one at a time:
 *
 *     dial ----> LINK_UP (only says that bytes may flow: a Hello must come back before it counts)
 *     accept --> LINK_UP
 *                LINK_FRAME …  LINK_CLOSED (exactly once for every LINK_UP or dial)
 *     subscribe -> BROADCAST …
 *
 * Implementations: nng (nng.h) over tcp and ipc; a virtual network in one process (sim/).
 * A suite of contract tests runs against each.
 *
 * Rules for implementers:
 *     T1  no call blocks; a peer that does not read is cut off once its queue is full
 *     T2  events of one link are in order; a frame is delivered whole or not at all
 *     T3  frames above frame_bytes_max are refused before memory is given to them
 *     T4  after link_close(id) returns, no event of that link comes any more
 *     T5  wake() may be called from any thread; everything else from the one thread that owns
 *         the transport
 */
#ifndef HOLM_TRANSPORT_TRANSPORT_H
#define HOLM_TRANSPORT_TRANSPORT_H

#include "crdt/base.h"

#define HOLM_ADDRESS_BYTES_MAX 128
#define HOLM_HOST_BYTES_MAX 48                   /* an IPv6 address in brackets, and its NUL */
#define HOLM_FRAME_BYTES_LIMIT ((size_t)1 << 30) /* frame_bytes_max is at most this */
#define HOLM_LINK_PREFIX_BYTES 4                 /* what a link sends before each frame */

struct holm_transport; /* an open transport; each implementation's own struct begins with ops */

/* Links and subscriptions are numbered from 1, never reused in one transport. */
struct holm_link_id {
    uint64_t value;
};
struct holm_subscription_id {
    uint64_t value;
};

/* PEM files; all NULL: there is no certificate, and tls+tcp:// is refused. */
struct holm_transport_tls {
    const char *certificate; /* this node's own, and those between it and the CA */
    const char *key;         /* its private key, without a password */
    const char *ca; /* whoever is to be spoken to has a certificate of it; may hold a CRL, too */
};

struct holm_transport_config {
    struct holm_allocator allocator; /* must be thread-safe */
    const char *listen;              /* link address, or NULL; borrowed for the call */
    size_t frame_bytes_max;
    size_t link_queue_bytes_max; /* unsent bytes of one link before it is cut off; 8 MiB */
    /* Of all links together, before the one with most is cut off; 256 MiB. */
    size_t links_queue_bytes_max;
    size_t broadcast_queue_bytes_max; /* received and not yet taken broadcasts; 32 MiB */
    size_t backlog_bytes_max; /* own broadcasts that some subscriber has yet to take; 32 MiB */
    size_t links_max;         /* more accepted ones, or more subscribers, are closed at once; 512 */
    /* Of one address, links and subscribers together: so many in a second, 0: however many; 1,000,000 at most. And at once, 1 or
     * more. What is beyond is closed at once. Not on local sockets, which have no addresses (callers.h). */
    uint32_t accepts_per_s, accepts_burst;
    uint64_t dial_timeout_us; /* 1,000,000 */
    uint64_t random_seed;
    /* false: exposed addresses, and any tcp:// when there is a certificate, are neither listened at nor
     * dialled: HOLM_EINVAL */
    bool insecure;
    struct holm_transport_tls tls; /* borrowed for the call */
    const char *
        *why; /* NULL; or what is set to a static sentence if it is the certificate that fails */
};

/* The numbers above, an allocator over malloc, and no address. */
struct holm_transport_config holm_transport_config_default(void);

/* Whether it is tcp:// to or at another host than loopback (127.0.0.0/8, [::1], localhost): then
 * whoever is on the way can read and change what travels, and anybody can call. */
bool holm_address_is_exposed(struct holm_bytes address);

/* An IPv6 address as in URLs, or the IPv4 address that it stands for. "": it is link-local, and good on one interface of one
 * machine alone. */
void holm_host_of_ipv6(char host[HOLM_HOST_BYTES_MAX], const uint8_t bytes[16]);

/* HOLM_EINVAL: no allocator, no time to dial, a rate without a burst or beyond its bound, or sizes that do not fit into each other. */
HOLM_NODISCARD enum holm_status holm_transport_config_check(
    const struct holm_transport_config *config);

enum holm_transport_event_type {
    HOLM_TRANSPORT_NONE = 0, /* nothing waits, or wake() was called, or time is up */
    HOLM_TRANSPORT_LINK_UP = 1,
    HOLM_TRANSPORT_LINK_FRAME = 2,
    HOLM_TRANSPORT_LINK_CLOSED = 3, /* also: the dial failed */
    HOLM_TRANSPORT_BROADCAST = 4
};

struct holm_transport_event {
    enum holm_transport_event_type type;
    struct holm_link_id link;
    bool accepted;                  /* LINK_UP: the other side dialled */
    char host[HOLM_HOST_BYTES_MAX]; /* LINK_UP: the peer's, as in an address; or "" */
    bool
        untrusted; /* LINK_CLOSED: it ended for want of a certificate, ours or theirs; `host` is set */
    struct holm_subscription_id subscription; /* BROADCAST: whence; 0 when unknown */
    const unsigned char *frame;               /* the transport's, until release() */
    size_t frame_bytes;
    void *owned; /* the transport's own note for release() */
};

struct holm_transport_stats {
    uint64_t links_opened, links_closed, links_refused;
    uint64_t callers_limited; /* closed at once, since their address calls too often ... */
    char limited_host[HOLM_HOST_BYTES_MAX]; /* ... which is this one, of the last */
    uint64_t links_overrun;                 /* cut off for what waited to be sent */
    uint64_t queued_bytes;                  /* that wait to be sent over links now */
    uint64_t frames_sent, frames_received, bytes_sent, bytes_received; /* links */
    uint64_t broadcasts_sent, broadcasts_received, broadcast_bytes_sent, broadcast_bytes_received;
    uint64_t broadcasts_dropped; /* known to be dropped here; the network may drop more */
    uint64_t oversized;
    uint64_t handshakes_failed; /* of links and subscriptions, with tls+tcp:// */
};

struct holm_transport_ops {
    /* The address others dial, with the real port; "" when it does not listen. Lives as long. */
    const char *(*address)(struct holm_transport *transport);
    /* The address others subscribe to; "" when it does not listen. Lives as long. Its host is that
     * of `listen`: a wildcard there is for the others to replace, by the `host` of a LINK_UP. */
    const char *(*publisher)(struct holm_transport *transport);

    /* Starts a dial. LINK_UP or LINK_CLOSED will follow. HOLM_EADDRESS, HOLM_EINVAL (it is refused for
     * being exposed), HOLM_ENOMEM, HOLM_ELIMIT */
    enum holm_status (*link_dial)(struct holm_transport *transport, const char *address,
                                  struct holm_link_id *link);
    /* Copies the frame into the link's queue, also while its dial is under way. HOLM_ECLOSED (no
     * such link any more), HOLM_ELIMIT (its queue is full, or the fullest of too many; the link is
     * broken, and LINK_CLOSED follows), HOLM_ETOOBIG, HOLM_ENOMEM (nothing was queued) */
    enum holm_status (*link_send)(struct holm_transport *transport, struct holm_link_id link,
                                  const void *frame, size_t frame_bytes);
    /* Closes at once; what is queued may be lost, and no event follows. Unknown links are ignored. */
    void (*link_close)(struct holm_transport *transport, struct holm_link_id link);

    /* Takes the broadcasts of a publisher, whenever it can be reached, until unsubscribed. After a
     * cut the connection below may lie dead for half a minute: whoever has found the peer again
     * should subscribe anew. HOLM_EADDRESS, HOLM_EINVAL (as above), HOLM_ENOMEM */
    enum holm_status (*subscribe)(struct holm_transport *transport, const char *publisher,
                                  struct holm_subscription_id *subscription);
    /* At once, and no event of it comes any more. Unknown subscriptions are ignored. */
    void (*unsubscribe)(struct holm_transport *transport, struct holm_subscription_id subscription);

    /* Hands a frame to every subscriber that keeps up; to no one when it does not listen.
     * HOLM_ETOOBIG, HOLM_ENOMEM, HOLM_EIO */
    enum holm_status (*broadcast)(struct holm_transport *transport, const void *frame,
                                  size_t frame_bytes);

    /* Waits until an event is there, wake() was called, or `timeout_us` passed (0: only looks).
     * Fills *event; give it back with release() before the transport is closed. */
    void (*next)(struct holm_transport *transport, uint64_t timeout_us,
                 struct holm_transport_event *event);
    void (*release)(struct holm_transport *transport, struct holm_transport_event *event);
    /* Makes a present or the coming next() return. Any thread. */
    void (*wake)(struct holm_transport *transport);

    void (*stats)(struct holm_transport *transport, struct holm_transport_stats *stats);

    /* Sends what is queued for at most `linger_us`, closes everything, frees the transport. No
     * event may be unreleased. */
    void (*close)(struct holm_transport *transport, uint64_t linger_us);
};

/* What every implementation's struct begins with. */
struct holm_transport {
    const struct holm_transport_ops *ops;
};

#endif

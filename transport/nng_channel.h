/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nng_channel.h - inside the nng transport: one nng_stream, framed; and the state they share.
 *
 * A channel is a link that was dialled, a link that was accepted, a subscription, or its other
 * end: a subscriber of this transport's publisher.
 *
 *     WAITING --timer--> DIALLING --> OPEN --> BROKEN            here all others end
 *        ^                   |                   |
 *        +-------------------+-------------------+               a subscription goes round
 *
 * Invariants:
 *     C1  everything of a channel belongs to the transport's lock, but for its framer, which
 *         belongs to the receive under way while there is one
 *     C2  `under_way` counts the operations whose callback has not taken the lock for the last
 *         time; the stream is freed only when it is zero
 *     C3  a channel is in the ring exactly when it has something for next()
 *     C4  once `closing` is set no callback starts an operation, so holm_channel_free(), called
 *         without the lock, waits for at most one callback each
 */
#ifndef HOLM_TRANSPORT_NNG_CHANNEL_H
#define HOLM_TRANSPORT_NNG_CHANNEL_H

#include <pthread.h>

#include <nng/nng.h>

#include "transport/backlog.h"
#include "transport/callers.h"
#include "transport/framer.h"
#include "transport/nng_tls.h"
#include "transport/outbox.h"
#include "transport/transport.h"

#define HOLM_CHANNEL_BUCKETS 256
/* A link is not read further while this much of it, by holm_frame_cost(), waits for next(). */
#define HOLM_LINK_INBOX_BYTES ((size_t)262144)

/* A subscriber has to greet by then. */
#define HOLM_GREETING_MS 10000

struct holm_nng;

enum holm_channel_kind {
    HOLM_CHANNEL_DIALLED = 1,
    HOLM_CHANNEL_ACCEPTED = 2,
    HOLM_CHANNEL_SUBSCRIPTION = 3,
    HOLM_CHANNEL_SUBSCRIBER = 4
};

enum holm_channel_state {
    HOLM_CHANNEL_WAITING = 1,
    HOLM_CHANNEL_DIALLING = 2,
    HOLM_CHANNEL_OPEN = 3,
    HOLM_CHANNEL_BROKEN = 4
};

/* What accepts links, or subscribers. */
struct holm_listener {
    struct holm_nng *nng;
    enum holm_channel_kind kind; /* of what it accepts */
    nng_stream_listener *stream_listener;
    nng_aio *accept;
    bool pausing; /* `accept` is a timer now */
    bool tls;
    size_t accepted_count;
    char address[HOLM_ADDRESS_BYTES_MAX]; /* "" when it does not listen */
};

struct holm_channel {
    struct holm_nng *nng;
    uint64_t id;
    enum holm_channel_kind kind;
    enum holm_channel_state state;
    bool closing;
    bool opened;  /* it was OPEN once */
    bool reading; /* a receive is under way; not so while the inbox is full */
    bool sending;
    bool greeted; /* by the other side of a subscription */
    bool tls;
    bool heard;     /* something has come: with TLS, the other side has shown its certificate */
    bool untrusted; /* it ended before that */
    bool up_untold, closed_untold; /* a subscriber's end is told to no one, but frees it */
    unsigned under_way;
    unsigned failures;              /* of dialling, one after the other */
    struct holm_listener *listener; /* NULL when dialled */
    nng_stream_dialer *dialer;      /* NULL when accepted */
    nng_stream *stream;
    nng_aio *connect, *receive, *send;
    struct holm_framer framer;
    struct holm_outbox outbox;
    size_t queued;        /* of a link's outbox, and counted in the transport's stats */
    bool sending_backlog; /* what is being sent is the reader's, not the outbox's */
    struct holm_backlog_reader reader; /* of a subscriber */
    struct holm_frame_list inbox;
    size_t inbox_bytes;
    bool in_ring;
    struct holm_channel *ring_next, *ring_previous;
    struct holm_channel *bucket_next;
};

static inline bool holm_channel_is_link(const struct holm_channel *channel)
{
    return channel->kind == HOLM_CHANNEL_DIALLED || channel->kind == HOLM_CHANNEL_ACCEPTED;
}

struct holm_nng {
    struct holm_transport transport;
    struct holm_transport_config config; /* `listen` is not kept */
    pthread_mutex_t lock;
    pthread_cond_t changed; /* something for next(), or an outbox ran empty */
    bool woken;
    bool closing;
    uint64_t random;
    uint64_t last_id;
    struct holm_channel *buckets[HOLM_CHANNEL_BUCKETS];
    struct holm_channel *ring; /* the next to be served; its ring_previous is the last */
    size_t broadcast_bytes;    /* received and not yet taken */
    struct holm_transport_stats stats;

    struct holm_nng_tls tls;
    struct holm_listener links, publisher;
    struct holm_callers callers; /* of both */
    struct holm_backlog backlog;
};

/* All of these are called with the lock held unless said otherwise. */

/* A channel in the table: to be dialled at `address`, or accepted by `listener`; the other is
 * NULL. HOLM_EADDRESS, HOLM_ENOMEM */
HOLM_NODISCARD enum holm_status holm_channel_new(struct holm_nng *nng, enum holm_channel_kind kind,
                                                 const char *address,
                                                 struct holm_listener *listener,
                                                 struct holm_channel **channel);
/* Starts the first dial. */
void holm_channel_dial(struct holm_channel *channel);
/* `stream` is the channel's now, and open. */
void holm_channel_open(struct holm_channel *channel, nng_stream *stream);
/* Breaks it: what has arrived is still delivered, then LINK_CLOSED; a subscription dials again. */
void holm_channel_break(struct holm_channel *channel);
/* What a link sends next. HOLM_ELIMIT (too much waits; it is broken), HOLM_ENOMEM (nothing was queued) */
HOLM_NODISCARD enum holm_status holm_channel_queue(struct holm_channel *channel,
                                                   struct holm_bytes prefix,
                                                   struct holm_bytes body);
/* Sends what is in the outbox, unless it is being sent. */
void holm_channel_flush(struct holm_channel *channel);
/* Reads on, unless it is being read. */
void holm_channel_read(struct holm_channel *channel);
/* Asks the peer to close once it has read what is in the outbox. */
void holm_channel_end(struct holm_channel *channel);
/* It is a link, and its peer has not yet read all that was sent, or closed. */
bool holm_channel_is_ending(const struct holm_channel *channel);
/* Puts it at the end of the ring, unless it is there or has nothing for next(). */
void holm_channel_ring(struct holm_channel *channel);
/* The next event of a channel in the ring, NONE for a subscriber. True when the channel is at its
 * end with it: it is taken from the table, and holm_channel_free() must follow. */
bool holm_channel_take(struct holm_channel *channel, struct holm_transport_event *event);

struct holm_channel *holm_channel_find(struct holm_nng *nng, uint64_t id);
/* Out of the table and of the ring; no event of it comes any more. */
void holm_channel_remove(struct holm_channel *channel);
/* Waits for its callbacks and frees it. It was removed, and the lock is not held. */
void holm_channel_free(struct holm_channel *channel);

/* For every subscriber. HOLM_ENOMEM */
HOLM_NODISCARD enum holm_status holm_nng_publish(struct holm_nng *nng, struct holm_bytes frame);

/*
 * Listens at an address that is usable, and writes the real one into listener->address. Called
 * without the lock, once, on zeroed memory; close it whatever comes of it.
 *   HOLM_EADDRESS, HOLM_EIO, HOLM_ENOMEM
 */
HOLM_NODISCARD enum holm_status holm_listener_open(struct holm_listener *listener,
                                                   struct holm_nng *nng,
                                                   enum holm_channel_kind kind,
                                                   const char *address);
/* Called without the lock; accepts nothing any more once it returns. */
void holm_listener_close(struct holm_listener *listener);

/* tcp://HOST:PORT, tls+tcp://HOST:PORT or ipc:///PATH, short enough to be told to others. A port of 0
 * is for listening only. */
bool holm_address_is_usable(const char *address, bool to_listen);
static inline bool holm_address_is_tls(const char *address)
{
    return strncmp(address, "tls+tcp://", 10) == 0;
}
static inline bool holm_address_is_ipc(const char *address)
{
    return strncmp(address, "ipc://", 6) == 0;
}
/* `address`, which is usable, with its port replaced. */
void holm_address_with_port(char result[HOLM_ADDRESS_BYTES_MAX], const char *address, int port);
/* Where the publisher listens when links do at `address`, which is usable. */
void holm_address_of_publisher(char result[HOLM_ADDRESS_BYTES_MAX], const char *address);

/* The address at the other end of a stream; false when there is none, on a local socket. */
bool holm_address_of_caller(uint8_t address[HOLM_CALLER_BYTES], nng_stream *stream);
/* The host at the other end of a stream, "" when there is none that others could dial. */
void holm_address_of_peer(char host[HOLM_HOST_BYTES_MAX], nng_stream *stream);

enum holm_status holm_status_of_nng(int error);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * events.h - who comes, who goes, and when a netsplit is over. Included by holm.h.
 *
 *     holm_events_open(node, 0, &events);
 *     ... poll(holm_events_fd(events)) ...
 *     while (holm_events_next(events, &event) == HOLM_OK)
 *         printf("%s %s\n", event.name, holm_peer_change_name(event.change));
 *
 *            joined ---> up <--------------------> suspect      silent for half of link_timeout_ms
 *                         |  ^                        |
 *            left <-------+  | up, later: healed      |         healed: it and this node have what the
 *                         v  |                        |         other had when they met again
 *                        down <-----------------------+         no link; dialled for ever
 *                         |
 *                         +--> forgotten                        with retention `stable`: nobody waits for it
 *
 * Invariants:
 *     V1  the events of one peer come in the order in which they happened
 *     V2  what happened since the stream was opened is told, or an event says that some was lost
 *     V3  what an event tells can be read: holm_peers() shows it, or what came after
 */
#ifndef HOLM_EVENTS_H
#define HOLM_EVENTS_H

#include <holm/status.h>
#include <holm/value.h>

#ifdef __cplusplus
extern "C" {
#endif

struct holm_node;
struct holm_events; /* a stream of events */

enum holm_peer_change {
    HOLM_PEER_JOINED =
        1, /* it is up for the first time since this node was opened, or since it left */
    HOLM_PEER_SUSPECT = 2, /* it is silent; `after_ms`: for how long */
    HOLM_PEER_DOWN = 3,    /* its link has ended; `after_ms`: how long it was up */
    HOLM_PEER_UP = 4, /* up again, or heard again when suspect; `after_ms`: how long it was not */
    HOLM_PEER_HEALED =
        5, /* after UP, this node has all that the peer had when they met again; `after_ms`:
                               since it first went down; `came`, `went`: what crossed */
    HOLM_PEER_LEFT = 6,     /* it left for good (holm_leave()): it is not dialled any more */
    HOLM_PEER_FORGOTTEN = 7 /* with retention `stable`: the member list says so */
};

struct holm_peer_event {
    enum holm_peer_change change; /* 0 with `lost` */
    struct holm_node_id node;
    struct holm_epoch epoch; /* of the life that it is about */
    char name[64];           /* cut to 63 bytes; "" when it was never told */
    uint64_t after_ms;
    /* HEALED: operations that came here from that peer since it is up again, and those that it lacked of
     * what is here when it first asked. What others brought is told with them. */
    uint64_t came, went;
    uint64_t
        lost; /* so many events before the next are lost: this stream was full. Read holm_peers() */
};

/* "joined", "suspect", ...; "?" for anything else. */
HOLM_API const char *holm_peer_change_name(enum holm_peer_change change);

/*
 * Tells of changes from now on. At most `events_max` wait (0: 1,024), each takes 128 bytes; when more come, the oldest are
 * lost. Nothing waits for a slow reader.
 *   HOLM_EIO  no file descriptor is left
 *   HOLM_ENOMEM, HOLM_EFORK, HOLM_ECLOSED
 * After any error *events is NULL.
 */
HOLM_API HOLM_NODISCARD enum holm_status holm_events_open(struct holm_node *node, size_t events_max,
                                                          struct holm_events **events);

/* A file descriptor that is readable while an event waits; for poll(2) and its like. Do not read or
 * close it. */
HOLM_API int holm_events_fd(const struct holm_events *events);

/* Takes the next event. HOLM_ENOENT when none waits; HOLM_EFORK. Any thread. O(1). */
HOLM_API HOLM_NODISCARD enum holm_status holm_events_next(struct holm_events *events,
                                                          struct holm_peer_event *event);
/* Before its node is closed. NULL is allowed. */
HOLM_API void holm_events_close(struct holm_events *events);

#ifdef __cplusplus
}
#endif

#endif

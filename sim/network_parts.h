/* SPDX-License-Identifier: Apache-2.0 */
/*
 * network_parts.h - inside the virtual network.
 *
 *     network --- places (an address each) --- paths to other places
 *        |           +-- endpoint: the transport that is there now, with its queue of parcels
 *        |           +-- subscriptions to its broadcasts
 *        +--- lines: two sides, and two wires of parcels between them
 *        +--- events: a heap by (time, serial)
 *
 *     P1  a parcel belongs to one queue at a time: a wire, an event, an endpoint's queue, or the
 *         owner who took it with next(). Those that tell of a link's begin and end are made with
 *         its line, and wait there: no end is lost for want of memory.
 *     P2  of each wire at most one arrival is in the heap: that of its head
 *     P3  a line is freed when neither endpoint knows it and no event names it
 *     P4  a wire whose head is held has no arrival in the heap
 */
#ifndef HOLM_SIM_NETWORK_PARTS_H
#define HOLM_SIM_NETWORK_PARTS_H

#include "sim/network.h"

/* As in the transport over nng: a link's frames wait in the wire while this much is unread. */
#define HOLM_NETWORK_INBOX_BYTES ((size_t)262144)
/* A syn or its answer, a time-out, and an arrival for each wire. */
#define HOLM_NETWORK_EVENTS_OF_LINE 4

struct holm_endpoint;
struct holm_place;
struct holm_line;

/* A frame, or the news of a link, on its way to somebody. */
struct holm_parcel {
    struct holm_parcel *next;
    uint64_t arrives_us;
    enum holm_transport_event_type type;
    struct holm_line *line; /* and which of its sides is told; NULL for a broadcast */
    unsigned side;
    uint64_t subscription;
    uint64_t held, tag; /* when it was held, in the order of all that is; 0: it is not */
    size_t size;
    unsigned char bytes[];
};

struct holm_parcel_queue {
    struct holm_parcel *first, *last;
};

struct holm_side {
    struct holm_place *place;
    struct holm_endpoint *endpoint; /* NULL: not there yet, or gone */
    uint64_t link;
    bool up;                       /* LINK_UP was queued */
    bool ended;                    /* takes and sends nothing any more */
    bool scheduled;                /* the arrival of the head of `wire` is in the heap */
    bool stalled;                  /* by a cut */
    struct holm_parcel_queue wire; /* what this side has sent */
    size_t wire_bytes;
    size_t inbox_bytes; /* frames that wait in the endpoint's queue */
    struct holm_parcel *up_news, *closed_news, *end_of_wire; /* NULL once they are on their way */
};

struct holm_line {
    struct holm_network *network;
    struct holm_line *next, *previous;
    unsigned events;           /* in the heap */
    struct holm_side sides[2]; /* who dialled, and who accepts */
};

enum holm_network_event_type {
    HOLM_NETWORK_SYN = 1,
    HOLM_NETWORK_ANSWER = 2,  /* the dial was accepted */
    HOLM_NETWORK_REFUSAL = 3, /* it was not */
    HOLM_NETWORK_TIMEOUT = 4,
    HOLM_NETWORK_ARRIVAL = 5, /* at the head of a wire */
    HOLM_NETWORK_BROADCAST = 6
};

struct holm_network_event {
    uint64_t at_us, serial;
    enum holm_network_event_type type;
    struct holm_line *line;
    unsigned side;              /* ARRIVAL: whose wire */
    struct holm_parcel *parcel; /* BROADCAST */
    struct holm_place *from, *to;
    uint64_t endpoint; /* BROADCAST: the serial of whom it was for */
};

struct holm_network_subscription {
    struct holm_network_subscription *next; /* of the same publisher */
    struct holm_endpoint *endpoint;
    struct holm_place *publisher;
    uint64_t id;
};

struct holm_place {
    size_t index;
    char address[HOLM_ADDRESS_BYTES_MAX];
    struct holm_endpoint *endpoint;
    struct holm_network_subscription *subscriptions;
    struct holm_place_path **paths; /* by the target's index; NULL: as default */
    size_t paths_capacity;
    uint64_t drawn_us, drawn; /* how many were drawn for what it sends, at that time */
};

struct holm_place_path {
    bool set; /* else the default holds, and only the time below counts */
    struct holm_network_path path;
    uint64_t last_broadcast_us; /* when the last one that kept its order arrives */
    uint64_t busy_us;           /* when all that was sent has left, at its bytes_per_s */
};

struct holm_endpoint_link {
    uint64_t id;
    struct holm_line *line;
    unsigned side;
};

struct holm_endpoint {
    struct holm_transport transport;
    struct holm_transport_config config;
    struct holm_network *network;
    struct holm_place *place;
    uint64_t serial;
    bool listens;
    uint64_t last_link, last_subscription;
    struct holm_endpoint_link *links; /* sorted by id */
    size_t links_count, links_capacity, accepted_count;
    struct holm_parcel_queue queue;
    size_t broadcast_bytes;
    struct holm_transport_stats stats;
};

struct holm_network {
    bool steady; /* draws depend on nothing that happened before */
    struct holm_allocator allocator;
    uint64_t now_us, random, serial;
    struct holm_network_path path_default;
    struct holm_place **places;
    size_t places_count, places_capacity;
    struct holm_line *lines;
    size_t lines_count;
    struct holm_network_event *events;
    size_t events_count, events_capacity, broadcasts_count;
    struct holm_network_gate gate;
    uint64_t held_serial;
    struct holm_network_event *held; /* broadcasts that wait to be let go, in their order */
    size_t held_count, held_capacity;
};

/* network_event.c */

/* Room for what lines will schedule, and for `extra` broadcasts. HOLM_ENOMEM */
HOLM_NODISCARD enum holm_status holm_network_events_reserve(struct holm_network *network,
                                                            size_t lines, size_t extra);
/* There is room. */
void holm_network_event_add(struct holm_network *network, struct holm_network_event event);
/* False when nothing is due by `to_us`. */
bool holm_network_event_take(struct holm_network *network, uint64_t to_us,
                             struct holm_network_event *event);
/* 0 to below `bound`, for what goes from one place to another; 0 when that is 0. */
uint64_t holm_network_draw(struct holm_network *network, struct holm_place *from,
                           const struct holm_place *to, uint64_t bound);

/* network_gate.c */

struct holm_network_ruling holm_network_judge(const struct holm_network *network,
                                              const struct holm_network_frame *frame);
/* It is held from now on. */
void holm_network_hold(struct holm_network *network, struct holm_parcel *parcel, uint64_t tag);
/* The same of a broadcast, which would be this event. There is room for that in the heap. False: there was no memory
 * to remember it. */
HOLM_NODISCARD bool holm_network_hold_event(struct holm_network *network,
                                            const struct holm_network_event *event, uint64_t tag);

/* network_place.c */

/* The place of an address, made when there is none yet. HOLM_EADDRESS, HOLM_ENOMEM */
HOLM_NODISCARD enum holm_status holm_place_find(struct holm_network *network, const char *address,
                                                struct holm_place **place);
/* The path to `to`, never NULL; of no use to write to. */
const struct holm_network_path *holm_place_path(const struct holm_place *from,
                                                const struct holm_place *to,
                                                const struct holm_network *network);
/* The same to write to. HOLM_ENOMEM */
HOLM_NODISCARD enum holm_status holm_place_path_own(struct holm_place *from,
                                                    const struct holm_place *to,
                                                    struct holm_network *network,
                                                    struct holm_place_path **path);

/* How long `bytes` more wait before they have left on this path, at its bytes_per_s. Nothing is kept
 * until holm_place_path_load(). */
uint64_t holm_place_path_wait_us(const struct holm_place *from, const struct holm_place *to,
                                 const struct holm_network *network, size_t bytes);
void holm_place_path_load(struct holm_place *from, const struct holm_place *to,
                          const struct holm_network *network, size_t bytes);

/* network_line.c */

HOLM_NODISCARD enum holm_status holm_line_dial(struct holm_endpoint *endpoint,
                                               struct holm_place *target, uint64_t *link);
HOLM_NODISCARD enum holm_status holm_line_send(struct holm_line *line, unsigned side,
                                               struct holm_bytes frame);
/* The owner closes its side: no event of it follows. */
void holm_line_close(struct holm_line *line, unsigned side);
/* The owner took a frame: the next may come. */
void holm_line_taken(struct holm_line *line, unsigned side, size_t frame_bytes);
/* The owner took LINK_CLOSED. */
void holm_line_forget(struct holm_line *line, unsigned side);
void holm_line_event(struct holm_line *line, const struct holm_network_event *event);
/* A cut was taken away: what stood still between these goes on. */
void holm_lines_resume(struct holm_network *network, const struct holm_place *from,
                       const struct holm_place *to);
/* What one side has sent, and what was held of it, may go on. */
void holm_line_go_on(struct holm_line *line, unsigned side);
/* How long a frame takes from one side to the other, if it leaves now. */
uint64_t holm_line_travel_us(struct holm_line *line, unsigned side);
/* Frees it, whatever it has. */
void holm_line_free(struct holm_line *line);

/* network_endpoint.c */

struct holm_endpoint_link *holm_endpoint_link_find(struct holm_endpoint *endpoint, uint64_t id);
/* A new link in the table. HOLM_ENOMEM */
HOLM_NODISCARD enum holm_status holm_endpoint_link_add(struct holm_endpoint *endpoint,
                                                       struct holm_line *line, unsigned side);
void holm_endpoint_link_remove(struct holm_endpoint *endpoint, uint64_t id);
/* Takes back what is queued of one link's side. */
void holm_endpoint_purge(struct holm_endpoint *endpoint, const struct holm_line *line,
                         unsigned side);
/* A broadcast has arrived; it is the endpoint's now, or dropped. */
void holm_endpoint_hear(struct holm_endpoint *endpoint, struct holm_parcel *parcel);

/* Anywhere. */

struct holm_parcel *holm_parcel_new(struct holm_network *network,
                                    enum holm_transport_event_type type, struct holm_bytes bytes);
void holm_parcel_free(struct holm_network *network, struct holm_parcel *parcel);
void holm_parcel_push(struct holm_parcel_queue *queue, struct holm_parcel *parcel);
struct holm_parcel *holm_parcel_pop(struct holm_parcel_queue *queue);
void holm_parcels_free(struct holm_network *network, struct holm_parcel_queue *queue);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * backlog.h - broadcasts that some subscriber has yet to take, in one copy for all of them.
 *
 *     oldest [f4] [f5] [f6] [f7] newest       each as nng's PUB would write it
 *              |         |
 *           reader a   reader b               where each reads on; who is up to date points nowhere
 *
 * A frame is freed once every reader is past it. When the bytes exceed the bound the oldest frame
 * goes, and whoever still needed it is late: a subscriber that has lost a frame gains nothing by
 * reading others behind it, so it is cut off, and comes back to what is new.
 *
 *     B1  bytes <= bytes_max, but for the newest frame alone
 *     B2  a frame's refs are the readers that have it before them or in flight
 *     B3  frames in flight stay put until they were sent, or dropped, whatever happens to the rest
 */
#ifndef HOLM_TRANSPORT_BACKLOG_H
#define HOLM_TRANSPORT_BACKLOG_H

#include "crdt/base.h"

/* Frames that one write takes along; nng takes no more pieces at once. */
#define HOLM_BACKLOG_FLIGHT 8

struct holm_backlog_frame {
    struct holm_backlog_frame *next;
    size_t refs;
    size_t size; /* of bytes */
    bool queued; /* false: overtaken, and only in flight */
    unsigned char bytes[];
};

struct holm_backlog {
    const struct holm_allocator *allocator; /* borrowed, must outlive the backlog */
    struct holm_backlog_frame *first, *last;
    size_t bytes, bytes_max;
    struct holm_backlog_reader *readers;
};

struct holm_backlog_reader {
    struct holm_backlog *backlog; /* NULL before it joins and after it leaves */
    struct holm_backlog_reader *next, *previous;
    void *owner;
    bool typed; /* on a local socket a type byte comes before each frame */
    bool late;
    struct holm_backlog_frame *cursor;
    struct holm_backlog_frame *flight[HOLM_BACKLOG_FLIGHT];
    size_t flight_count;
    size_t flight_sent; /* bytes, of all of them */
};

void holm_backlog_init(struct holm_backlog *backlog, const struct holm_allocator *allocator,
                       size_t bytes_max);
/* All readers have left, and dropped what was in flight. */
void holm_backlog_release(struct holm_backlog *backlog);

/* Copies a frame behind the others, for every reader there is. HOLM_ENOMEM. O(readers). */
HOLM_NODISCARD enum holm_status holm_backlog_add(struct holm_backlog *backlog,
                                                 struct holm_bytes frame);

/* A new reader, up to date. It must stay where it is. */
void holm_backlog_join(struct holm_backlog *backlog, struct holm_backlog_reader *reader,
                       void *owner, bool typed);
/* Gives up what is not in flight; returns how many frames those were. Allowed twice. */
size_t holm_backlog_leave(struct holm_backlog_reader *reader);
/* Gives up what is in flight, of a reader that has left: nobody reads it any more. */
void holm_backlog_drop_flight(struct holm_backlog *backlog, struct holm_backlog_reader *reader);

/* The pieces to write next, those in flight first; returns how many. They stay put. */
size_t holm_backlog_next(struct holm_backlog_reader *reader,
                         struct holm_bytes pieces[HOLM_BACKLOG_FLIGHT]);
/* The first `size` bytes of those pieces were written. */
void holm_backlog_sent(struct holm_backlog_reader *reader, size_t size);

#endif

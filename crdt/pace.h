/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pace.h - how far a replica's broadcasts run ahead of what its peers say they have applied.
 *
 *     sealed     ......................|      the op log has it: it is the only buffer
 *     published  ..............|  waits
 *     peer a     ............|                counts: less than bytes_max behind
 *     peer b     ...|                         lags: left to pull, waited for by nobody
 *
 * Runs are published as they are sealed, until some peer has bytes_max unacknowledged. Then they stay in the op
 * log, and go out in their order as acknowledgements come. A flood that nobody can take in would only
 * fill queues until they lose it.
 *
 * Acknowledgements come by themselves, one for each eighth of bytes_max that was applied of a peer's own runs;
 * and ride on what else tells of a vector: deps of a peer's runs, its pulls, beacons with an equal hash. So a
 * lost one delays nobody for long. Peers that are fed (feed.h) are not waited for: feeds have their own bound.
 *
 * Who has held publishing up for lag_us, while another peer could have taken more, lags; almost at once, when more waits
 * than is to (bytes_max, or a quarter of the op log: what is trimmed from there is lost to the others, too). So does
 * who is behind by bytes_max and has acknowledged nothing for lag_us. A peer that came up begins so: it has the
 * past to catch up with. It counts again when it is behind by at most half of bytes_max. When all lag, runs go
 * out as they are sealed: then there is nothing to measure by, and a transport knows what it can hold.
 *
 * Invariants:
 *     P1  a run that is published under a pace follows on the one before it: none is left out, but where the op log
 *         was trimmed behind it, the epoch ended, or memory was refused (then it is pulled)
 *     P2  a peer that counts has at most bytes_max, and one run, unacknowledged
 *     P3  publishing waits for no peer for longer than lag_us at a time without an acknowledgement of it
 */
#ifndef HOLM_CRDT_PACE_H
#define HOLM_CRDT_PACE_H

#include "crdt/base.h"

/* Places in what was published that an acknowledgement is rounded down to. */
#define HOLM_PACE_MARKS 32

struct holm_pace_mark {
    uint64_t seq;   /* the last one of a run … */
    uint64_t bytes; /* … and what had been published with it */
};

/* Of one replica's own runs. Bytes are upper bounds, as in the op log. All zero: nothing published. */
struct holm_pace {
    uint64_t published; /* bytes, ever */
    uint64_t last;      /* the seq of the last run published, of the present epoch */
    uint64_t floor;     /* no peer that counts has acknowledged less, when last looked at */
    struct holm_pace_mark marks[HOLM_PACE_MARKS]; /* a ring, the newest at (next - 1) */
    uint32_t next;
    bool waiting;       /* runs from `cursor` on are not published */
    uint64_t waits;     /* bytes of them */
    uint64_t cursor;    /* position in the op log */
    uint64_t looked_us; /* while waiting: when peers were last looked at */
};

/* Of one peer. All zero: it counts, and has everything. */
struct holm_pace_peer {
    uint64_t acked;    /* of `published` */
    uint64_t since_us; /* when that last rose, or the peer was found full */
    uint64_t held_us;  /* for how long publishing has waited for this peer and not for others */
    bool full;         /* when last looked at, it was what publishing waits for */
    bool lags;
    size_t owed_bytes; /* applied of its own runs, and not acknowledged */
};

#endif

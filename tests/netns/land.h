/* SPDX-License-Identifier: Apache-2.0 */
/*
 * land.h - rooms with a node in each, what each has written, and cuts between them.
 *
 *     struct land land;
 *     land_open(&land, ROOMS_BRIDGE, 5, 1);
 *     land_write(&land, 0, 100);
 *     land_split(&land, (const uint32_t[]){0, 0, 1, 1, 1});
 *     ...
 *     land_heal(&land);
 *     land_await(&land, 30);              every node holds all that was written, and nothing else
 *     land_close(&land);
 *
 * Whatever does not come true fails the test.
 */
#ifndef HOLM_TESTS_NETNS_LAND_H
#define HOLM_TESTS_NETNS_LAND_H

#include "tests/netns/member.h"

struct land {
    struct rooms rooms;
    struct member nodes[ROOMS_MAX];
    uint32_t count;
    uint32_t written[ROOMS_MAX]; /* keys, by who wrote them */
};

/* Nodes that all seed from all, and know each other when this returns. The test is skipped, with a line that says
 * why, where it is not permitted. */
void land_open(struct land *land, enum rooms_kind kind, uint32_t count, uint64_t seed);
/* Of nodes that have met nothing that is malformed, and no breach. */
void land_close(struct land *land);
/* ... that may have. */
void land_end(struct land *land);

/* Starts (again) the node of a room, with nothing in it. */
void land_start(struct land *land, uint32_t node);
/* ... at another port than LAND_PORT, and with these seeds alone. */
void land_start_at(struct land *land, uint32_t node, uint16_t port, const char *seeds);
#define LAND_PORT 7000
#define LAND_ADDRESS_BYTES 32
void land_address(uint32_t node, uint16_t port, char text[LAND_ADDRESS_BYTES]);

void land_write(struct land *land, uint32_t node, uint32_t count);

/* Who is of another group is cut off, in both directions; nobody else. */
void land_split(struct land *land, const uint32_t *groups);
/* What `from` sends does not reach `to`, from now on. */
void land_oneway(struct land *land, uint32_t from, uint32_t to);
void land_heal(struct land *land);
/* Marks, and resets every connection there is, as an impatient router would. False: there was none, or the kernel does
 * not do it (INET_DIAG_DESTROY). */
bool land_reset(struct land *land);
/* Waits until each node has seen a peer come up since the last mark. */
void land_await_up_again(struct land *land, double patience_s);

/* What has happened at a node since land_mark(), in monotonic seconds; 0: nothing. */
struct land_marks {
    double up_s;     /* a peer came up */
    double record_s; /* a new record was met while waiting */
};
void land_mark(struct land *land);
struct land_marks land_marks(struct land *land, uint32_t node);

/* Waits until a node holds exactly what `written` says, by writer; `node` LAND_ALL: every one. Returns when the
 * last of them did, in monotonic seconds. */
#define LAND_ALL UINT32_MAX
double land_await_written(struct land *land, uint32_t node, const uint32_t *written,
                          double patience_s);
/* ... all that was written; and that digests and vectors are equal then. */
double land_await(struct land *land, double patience_s);

/* Waits until each node has so many peers. */
void land_await_peers(struct land *land, const uint32_t *peers, double patience_s);

struct land_stats {
    uint64_t peers_up, pulls, syncs, malformed, breaches, cpu_ms, rss_kib;
};
struct land_stats land_stats(struct land *land, uint32_t node);

/* Bounded wait for nothing. */
void land_nap(double s);

#endif

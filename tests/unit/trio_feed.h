/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trio_feed.h - three replicas that hear of nothing but by feeds (crdt/feed.h).
 *
 *     open_line:  A - B - C        open_triangle:  A - B - C - A
 */
#ifndef HOLM_TESTS_UNIT_TRIO_FEED_H
#define HOLM_TESTS_UNIT_TRIO_FEED_H

#include <stdio.h>

#include "crdt/replica_member.h"
#include "tests/unit/trio.h"

enum {
    A,
    B,
    C
};

#define SECOND_US 1000000u

static inline void wish(struct trio *trio, uint32_t node, uint32_t peer, enum holm_follow_wish wish)
{
    struct holm_event event = {.type = HOLM_EVENT_FOLLOW};
    event.as.follow.peer = peer;
    event.as.follow.wish = wish;
    assert_int_equal(trio_step(trio, node, &event), HOLM_OK);
}

static inline void link_up(struct trio *trio, uint32_t node, uint32_t peer,
                           enum holm_follow_wish wished)
{
    struct holm_event up = {.type = HOLM_EVENT_PEER_UP};
    up.as.peer.peer = peer;
    up.as.peer.actor = actor_of(peer + 1, 1);
    up.as.peer.feeds = true;
    assert_int_equal(trio_step(trio, node, &up), HOLM_OK);
    wish(trio, node, peer, wished);
}

static inline void link_down(struct trio *trio, uint32_t a, uint32_t b)
{
    struct holm_event down = {.type = HOLM_EVENT_PEER_DOWN};
    down.as.peer.peer = b;
    assert_int_equal(trio_step(trio, a, &down), HOLM_OK);
    down.as.peer.peer = a;
    assert_int_equal(trio_step(trio, b, &down), HOLM_OK);
}

/* Both follow; one wants it, the other does so in return. */
static inline void link(struct trio *trio, uint32_t a, uint32_t b)
{
    link_up(trio, a, b, HOLM_FOLLOW_WANT);
    link_up(trio, b, a, HOLM_FOLLOW_BACK);
}

static inline void open_line(struct trio *trio, const struct holm_replica_config *config)
{
    trio_open(trio, config);
    trio->deaf = true;
    link_down(trio, A, C);
    link(trio, A, B);
    link(trio, B, C);
    (void)trio_run(trio, 50000);
}

static inline void open_triangle(struct trio *trio, const struct holm_replica_config *config)
{
    open_line(trio, config);
    link(trio, A, C);
    (void)trio_run(trio, 50000);
}

static inline void put(struct trio *trio, uint32_t node, const char *key, int64_t number)
{
    trio_write(trio, node, holm_op_put(holm_str(key), holm_str("f"), holm_i64(number)));
}

static inline void put_many(struct trio *trio, uint32_t node, int count, uint64_t pause_us)
{
    for (int i = 0; i < count; i++) {
        char key[16];
        snprintf(key, sizeof key, "k%d", i % 5);
        put(trio, node, key, i);
        (void)trio_run(trio, pause_us);
    }
}

static inline bool equal(const struct trio *trio, uint32_t a, uint32_t b)
{
    return trio->replicas[a]->actors.hash == trio->replicas[b]->actors.hash &&
           holm_digest_equal(holm_replica_transfer_digest(trio->replicas[a]),
                             holm_replica_transfer_digest(trio->replicas[b]));
}

static inline void assert_equal(const struct trio *trio)
{
    assert_true(equal(trio, A, B) && equal(trio, B, C));
}

static inline uint64_t asked(const struct trio *trio)
{
    return trio->sent[HOLM_MESSAGE_PULL] + trio->sent[HOLM_MESSAGE_SYNC_OPEN];
}

/* Runs that arrived where they were already. */
static inline uint64_t repeats(const struct trio *trio)
{
    return trio_stats(trio, A).deltas_duplicate + trio_stats(trio, B).deltas_duplicate +
           trio_stats(trio, C).deltas_duplicate;
}

static inline struct holm_feed_look look(const struct trio *trio, uint32_t node, uint32_t peer)
{
    return holm_replica_feed_look(trio->replicas[node], peer);
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * talk.h - two replicas of which one catches up with the other, over the codec, a round at a time.
 *
 *     struct talk talk = {.server = a, .receiver = b, .allocator = ...};
 *     talk_open(&talk);
 *     while (talk_round(&talk)) ...       anything may happen to either in between
 *     talk_finish(&talk);
 *     talk_close(&talk);
 */
#ifndef HOLM_TESTS_UNIT_TALK_H
#define HOLM_TESTS_UNIT_TALK_H

#include "crdt/replica_parts.h"
#include "proto/codec.h"
#include "tests/unit/core.h"

struct talk {
    struct holm_replica *server, *receiver;
    struct holm_allocator allocator;
    struct holm_reconcile_config config; /* frame_bytes_max 0: defaults for 4,096 */
    struct holm_now now;
    /* Takes the work of a step of either; NULL: nobody does. */
    void (*took)(void *context, struct holm_replica *replica, const struct holm_work *work);
    void *context;
    struct holm_offer *offer;
    struct holm_catchup *catchup;
    struct holm_encoder encoder;
    uint64_t asks, bytes;
    size_t frame_bytes_most;
};

/* Freezes both sides, and starts. */
void talk_open(struct talk *talk);
/* Asks what may be under way at once, and has it answered. False: nothing is left to ask. HOLM_ELIMIT of
 * either side is handed back in *status. */
bool talk_round(struct talk *talk, enum holm_status *status);
/* Applies. The outcome must be DONE. */
enum holm_status talk_finish(struct talk *talk);
void talk_close(struct talk *talk);

/* All of it, which must succeed. */
void talk_through(struct talk *talk);

#endif

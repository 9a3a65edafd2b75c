/* SPDX-License-Identifier: Apache-2.0 */
#include "crdt/replica_parts.h"
#include "crdt/replica_wait.h"

/* An answer that has not come by then is asked for again, if somebody still waits. */
#define AGAIN_US 200000

static void ask(struct holm_replica *replica, uint32_t peer)
{
    struct holm_hearing *hearing = &replica->peers[peer].hearing;
    if (holm_replica_send_pull(replica, peer) != HOLM_OK) {
        replica->retry = true; /* who waits asks again */
        return;
    }
    if (hearing->number == 0) {
        hearing->number = hearing->wanted;
        hearing->target = hearing->asked;
    }
    hearing->asked_us = replica->now.monotonic_us;
}

void holm_replica_hear(struct holm_replica *replica, uint64_t number)
{
    if (number == 0)
        number = ++replica->hearing;
    for (uint32_t i = 0; i < replica->peer_capacity; i++) {
        struct holm_replica_peer *known = &replica->peers[i];
        struct holm_hearing *hearing = &known->hearing;
        if (!known->up || !holm_guard_asks(replica, known) || hearing->heard >= number)
            continue;
        if (number > hearing->wanted)
            hearing->wanted = number;
        if (hearing->number == 0 || replica->now.monotonic_us >= hearing->asked_us + AGAIN_US)
            ask(replica, i);
    }
}

void holm_replica_hear_answer(struct holm_replica *replica, uint32_t peer, bool more, bool whole)
{
    struct holm_hearing *hearing = &replica->peers[peer].hearing;
    hearing->answered += 1;
    if (hearing->number == 0)
        return;
    bool meant = hearing->answered >= hearing->target;
    if (meant && whole) {
        hearing->heard = hearing->number;
        hearing->number = 0;
    }
    /* What follows has been asked for already, if the replica pulls from this peer by itself. */
    bool pulls = replica->pull.active && replica->pull.peer == peer;
    if ((meant && more && !pulls) || (hearing->number == 0 && hearing->wanted > hearing->heard))
        ask(replica, peer);
}

uint64_t holm_replica_hearing(const struct holm_replica *replica)
{
    return replica->hearing;
}

uint64_t holm_replica_heard_from(const struct holm_replica *replica, uint32_t peer)
{
    if (peer >= replica->peer_capacity || !replica->peers[peer].up)
        return 0;
    return replica->peers[peer].hearing.heard;
}

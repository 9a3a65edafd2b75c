/* SPDX-License-Identifier: Apache-2.0 */
#include "crdt/replica_parts.h"

/* Up to where every peer that is up has this replica's own runs. */
static uint64_t seen_by_all(const struct holm_replica *replica)
{
    uint64_t seen = UINT64_MAX;
    for (size_t i = 0; i < replica->peer_capacity; i++) {
        const struct holm_replica_peer *peer = &replica->peers[i];
        if (peer->up && peer->seen < seen)
            seen = peer->seen;
    }
    return seen;
}

void holm_replica_lag_sealed(struct holm_replica *replica, uint64_t first)
{
    uint64_t now_us = replica->now.monotonic_us;
    if (!holm_ages_due(&replica->ages, now_us))
        return;
    uint64_t seen = seen_by_all(replica);
    holm_ages_note(&replica->ages, first, now_us, seen < first ? seen + 1 : first);
}

void holm_replica_lag_told(struct holm_replica *replica, struct holm_replica_peer *peer,
                           uint64_t own_seq)
{
    uint64_t here = holm_actors_seq_of(&replica->actors, peer->actor);
    /* What it told of before has come meanwhile: this is another lag. */
    if (peer->told_seq <= here)
        peer->behind_us = replica->now.monotonic_us;
    peer->told_seq = own_seq;
}

struct holm_replica_lag holm_replica_lag(const struct holm_replica *replica, uint32_t index)
{
    struct holm_replica_lag lag = {.theirs = 0};
    if (index >= replica->peer_capacity || !replica->peers[index].up)
        return lag;
    const struct holm_replica_peer *peer = &replica->peers[index];
    uint64_t own = holm_actors_seq(&replica->actors, replica->self);
    uint64_t here = holm_actors_seq_of(&replica->actors, peer->actor);
    if (peer->seen < own) {
        lag.theirs = own - peer->seen;
        lag.theirs_us = holm_ages_of(&replica->ages, peer->seen + 1);
    }
    if (here < peer->told_seq) {
        lag.mine = peer->told_seq - here;
        lag.mine_us = peer->behind_us;
    }
    return lag;
}

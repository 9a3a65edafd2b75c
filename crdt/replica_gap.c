/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Gaps: a peer has what is missing here, but its op log does not reach back to it.
 *
 * After a sync a log begins anew with the cut, and everybody who is a hop behind it is told `too_old`. Their
 * runs are on the way, though, from others whose logs are whole. Were that a reason to sync, it would raise
 * the floors of one more log, and of its followers' next: one who comes back would make all sync for
 * as long as they write. So feeds and other peers come first, for as long as a beacon's word would wait;
 * a gap that is still there then is none that they close.
 */
#include "crdt/replica_parts.h"

/* Of its patience a peer waits up to so much less: neighbours that find the same gap do not sync at once. */
#define JITTER_SHARE 4

/* Whether it is known to have nothing that is missing here. */
static bool is_exhausted(const struct holm_replica *replica, const struct holm_replica_peer *known)
{
    uint64_t hash = replica->actors.hash;
    bool fruitless = known->fruitless_theirs == known->told_hash && known->fruitless_mine == hash;
    return known->told && (known->told_hash == hash || fruitless);
}

/* Own runs are all that a newcomer has that was written to before it had met anybody. */
static bool is_new(const struct holm_replica *replica)
{
    size_t own = holm_actors_seq(&replica->actors, replica->self) > 0;
    return replica->actors.entries == own;
}

/* Whether somebody else may bring what this peer's log has not. */
static bool may_come(const struct holm_replica *replica, uint32_t peer)
{
    for (uint32_t i = 0; i < replica->peer_capacity; i++) {
        const struct holm_replica_peer *known = &replica->peers[i];
        if (i != peer && known->up && known->gap_us == 0 && !is_exhausted(replica, known))
            return true;
    }
    return false;
}

bool holm_replica_gap_waits(struct holm_replica *replica, uint32_t peer)
{
    struct holm_replica_peer *known = &replica->peers[peer];
    uint64_t now_us = replica->now.monotonic_us;
    HOLM_ASSERT(known->up);
    if (is_new(replica) || known->must_sync || replica->sync.catchup != NULL)
        return false;
    if (known->gap_us == 0) {
        uint64_t wait_us = known->feed.patience_us;
        known->gap_us = now_us + wait_us - holm_replica_random(replica, wait_us / JITTER_SHARE + 1);
    }
    known->gap_hash = replica->actors.hash;
    if (now_us >= known->gap_us || !may_come(replica, peer))
        return false;
    known->ahead = true;
    known->retry_us = known->gap_us;
    return true;
}

bool holm_replica_gap_stands(const struct holm_replica *replica,
                             const struct holm_replica_peer *known)
{
    return known->gap_us != 0 && known->gap_us <= replica->now.monotonic_us &&
           known->gap_hash == replica->actors.hash;
}

void holm_replica_gaps_look(struct holm_replica *replica)
{
    uint64_t now_us = replica->now.monotonic_us;
    for (uint32_t i = 0; i < replica->peer_capacity; i++) {
        struct holm_replica_peer *known = &replica->peers[i];
        if (!known->up || known->gap_us <= now_us || may_come(replica, i))
            continue;
        known->gap_us = now_us;
        holm_replica_mark_ahead(replica, i, 0);
    }
}

void holm_replica_gap_closed(struct holm_replica *replica, uint32_t peer)
{
    replica->peers[peer].gap_us = 0;
}

void holm_replica_gaps_end(struct holm_replica *replica)
{
    for (size_t i = 0; i < replica->peer_capacity; i++)
        replica->peers[i].gap_us = 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Peers: what is known of each, and whom to ask for what is missing, when.
 *
 * At most one pull or sync is under way. A peer is asked when it may be ahead: its own seq is above
 * what was applied of it here, or its vector's hash differs, or a run of it arrived early. A pull
 * that brought everything the peer had is remembered by the two hashes, so that a peer that is
 * merely behind is not asked again and again: then it is for the peer to ask.
 */
#include "crdt/replica_parts.h"

struct holm_replica_peer *holm_replica_find_peer(struct holm_replica *replica, uint32_t peer)
{
    return peer < replica->peer_capacity ? &replica->peers[peer] : NULL;
}

static enum holm_status reserve_peers(struct holm_replica *replica, uint32_t peer)
{
    size_t before = replica->peer_capacity;
    void *peers = replica->peers;
    if (peer >= HOLM_REPLICA_PEERS_MAX)
        return HOLM_ELIMIT;
    enum holm_status status = holm_array_reserve(&replica->config.allocator, &peers,
                                                 &replica->peer_capacity, sizeof *replica->peers,
                                                 (size_t)peer + 1);
    replica->peers = peers;
    for (size_t i = before; i < replica->peer_capacity; i++)
        memset(&replica->peers[i], 0, sizeof replica->peers[i]);
    return status;
}

enum holm_status holm_replica_peer_up(struct holm_replica *replica, uint32_t peer,
                                      struct holm_actor actor, bool feeds)
{
    enum holm_status status = reserve_peers(replica, peer);
    if (status != HOLM_OK)
        return status;
    holm_replica_peer_down(replica, peer);
    replica->peers[peer] = (struct holm_replica_peer){
        .up = true, .actor = actor, .feed.taken = replica->peers[peer].feed.taken};
    holm_replica_pace_up(replica, &replica->peers[peer]);
    holm_replica_follow_new(replica, peer, feeds);
    holm_guard_link_new(replica, peer);
    if (replica->want_seq > 0)
        holm_replica_want(replica, peer);
    return HOLM_OK;
}

void holm_replica_ask_others(struct holm_replica *replica, uint32_t peer)
{
    for (uint32_t i = 0; i < replica->peer_capacity; i++) {
        const struct holm_replica_peer *known = &replica->peers[i];
        bool equal = known->told && known->told_hash == replica->actors.hash;
        if (i != peer && !equal)
            holm_replica_mark_ahead(replica, i, 0);
    }
}

void holm_replica_peer_down(struct holm_replica *replica, uint32_t peer)
{
    struct holm_replica_peer *known = holm_replica_find_peer(replica, peer);
    if (known == NULL || !known->up)
        return;
    holm_replica_follow_forget(replica, peer);
    holm_guard_link_end(replica, peer);
    *known = (struct holm_replica_peer){.feed.taken = known->feed.taken};
    holm_replica_forget_cuts(replica, peer);
    if (replica->pull.active && replica->pull.peer == peer) {
        replica->pull.active = false;
        holm_replica_ask_others(replica, peer);
    }
    holm_replica_lose_source(replica, peer);
}

void holm_replica_seen_by(struct holm_replica *replica, struct holm_replica_peer *peer,
                          uint64_t seq)
{
    uint64_t own = holm_actors_seq(&replica->actors, replica->self);
    if (seq > own)
        seq = own; /* nobody can have applied what was never sealed */
    if (peer == NULL)
        return;
    if (seq > peer->seen)
        peer->seen = seq;
    holm_replica_pace_seen(replica, peer);
}

void holm_replica_mark_ahead(struct holm_replica *replica, uint32_t peer, uint64_t delay_us)
{
    struct holm_replica_peer *known = holm_replica_find_peer(replica, peer);
    uint64_t at = replica->now.monotonic_us + delay_us;
    if (known == NULL || !known->up || !holm_guard_asks(replica, known))
        return;
    if (at < known->gap_us)
        at = known->gap_us;
    if (known->backoff_us == 0 && (!known->ahead || known->retry_us > at))
        known->retry_us = at;
    known->ahead = true;
}

void holm_replica_back_off(struct holm_replica *replica, uint32_t peer)
{
    struct holm_replica_peer *known = holm_replica_find_peer(replica, peer);
    if (known == NULL || !known->up)
        return;
    uint64_t next = known->backoff_us == 0 ? replica->config.retry_min_us : known->backoff_us * 2;
    known->backoff_us = next > replica->config.retry_max_us ? replica->config.retry_max_us : next;
    known->retry_us = replica->now.monotonic_us + known->backoff_us / 2 +
                      holm_replica_random(replica, known->backoff_us / 2 + 1);
}

/* A peer that is far away answers late every time: with each time-out it is given longer. */
uint64_t holm_replica_deadline(const struct holm_replica *replica, uint32_t peer)
{
    HOLM_ASSERT(peer < replica->peer_capacity);
    return replica->now.monotonic_us + replica->config.pull_timeout_us +
           2 * replica->peers[peer].backoff_us;
}

void holm_replica_answered(struct holm_replica *replica, uint32_t peer)
{
    struct holm_replica_peer *known = holm_replica_find_peer(replica, peer);
    if (known != NULL)
        known->backoff_us = 0;
}

/* Equal vectors with unequal digests: one of the two is broken. First this one's digest is put to
 * the test; then the peer's whole state is asked for, and what two have written under one actor is made
 * one of (docs/decisions/0018). What that does not mend is tried again, but ever more rarely. */
static void repair(struct holm_replica *replica, uint32_t peer,
                   const struct holm_beacon_entry *entry)
{
    struct holm_replica_peer *known = &replica->peers[peer];
    replica->stats.digest_breaches += 1;
    if (known->must_sync)
        return; /* asked for already: beacons must not put it off */
    (void)holm_state_rebuild_digests(&replica->state);
    if (holm_digest_equal(entry->digest, replica->state.digest))
        return;
    known->must_sync = true;
    known->must_mend = true;
    known->ahead = true;
    known->backoff_us = known->repair_us;
    holm_replica_back_off(replica, peer);
    known->repair_us = known->backoff_us;
}

/* Whether a vector was this replica's own a while ago. */
static bool is_past(const struct holm_replica *replica, uint64_t hash)
{
    for (size_t i = 0; i < HOLM_REPLICA_PAST; i++) {
        if (replica->past[i] == hash && replica->past[i] != 0)
            return true;
    }
    return false;
}

void holm_replica_compare(struct holm_replica *replica, uint32_t peer,
                          const struct holm_beacon_entry *entry)
{
    struct holm_replica_peer *known = &replica->peers[peer];
    HOLM_ASSERT(peer < replica->peer_capacity);
    bool first = !known->told;
    known->told = true;
    known->told_hash = entry->vector_hash;
    holm_replica_lag_told(replica, known, entry->own_seq);
    if (entry->vector_hash == replica->actors.hash) {
        holm_replica_seen_by(replica, known, holm_actors_seq(&replica->actors, replica->self));
        known->ahead = known->must_sync;
        holm_replica_gap_closed(replica, peer);
        holm_replica_trust(replica, peer);
        if (holm_replica_pending(replica))
            return; /* the digest is ahead of the vector */
        if (!holm_digest_equal(entry->digest, replica->state.digest)) {
            repair(replica, peer, entry);
            return;
        }
        known->repair_us = 0;
        holm_replica_put_off_mending(replica,
                                     peer); /* if so, its digest was wrong, and is right again */
        if (!known->must_sync)
            known->backoff_us = 0;
        return;
    }
    if (known->fruitless_theirs == entry->vector_hash &&
        known->fruitless_mine == replica->actors.hash)
        return;
    if (is_past(replica, entry->vector_hash))
        return;
    if (holm_replica_is_fed(replica)) {
        if (first)
            holm_replica_doubt_new(replica, peer, entry->own_seq);
        holm_replica_doubt(replica, peer, entry);
        return;
    }
    uint64_t seq = holm_actors_seq_of(&replica->actors, known->actor);
    /* Runs of others may be on their way: give them a moment. */
    uint64_t patience = replica->config.retry_min_us / 4;
    holm_replica_mark_ahead(replica, peer,
                            entry->own_seq > seq ? 0 : holm_replica_random(replica, patience + 1));
}

void holm_replica_put_off_mending(struct holm_replica *replica, uint32_t peer)
{
    struct holm_replica_peer *known = holm_replica_find_peer(replica, peer);
    if (known != NULL && known->must_mend)
        known->must_mend = known->must_sync = known->ahead = false;
}

static void ask(struct holm_replica *replica, uint32_t peer)
{
    struct holm_replica_peer *known = &replica->peers[peer];
    if (known->must_mend && known->told_hash != replica->actors.hash) {
        holm_replica_put_off_mending(replica, peer);
        known->ahead = true;
    }
    bool sync = known->must_sync || replica->sync.catchup != NULL ||
                holm_replica_gap_stands(replica, known);
    enum holm_status status = sync ? holm_replica_ask_cut(replica, peer)
                                   : holm_replica_ask_runs(replica, peer);
    if (status != HOLM_OK)
        holm_replica_back_off(replica, peer);
}

static bool is_due(const struct holm_replica *replica, const struct holm_replica_peer *known)
{
    return known->up && known->ahead && known->retry_us <= replica->now.monotonic_us;
}

/* Whom to ask now: in turn, but first one whose gap nobody has closed in time. That others are asked as well
 * would put off by as many round trips as there are peers what they will not bring. */
static uint32_t choose(const struct holm_replica *replica)
{
    uint32_t chosen = HOLM_PEER_NONE;
    for (size_t i = 0; i < replica->peer_capacity; i++) {
        uint64_t peer = (replica->peer_cursor + i) % replica->peer_capacity;
        const struct holm_replica_peer *known = &replica->peers[peer];
        if (!is_due(replica, known))
            continue;
        if (holm_replica_gap_stands(replica, known))
            return (uint32_t)peer;
        if (chosen == HOLM_PEER_NONE)
            chosen = (uint32_t)peer;
    }
    return chosen;
}

static void ask_next(struct holm_replica *replica)
{
    if (replica->pull.active || replica->sync.active)
        return;
    uint32_t peer = choose(replica);
    if (peer == HOLM_PEER_NONE)
        return;
    replica->peer_cursor = (uint64_t)peer + 1;
    ask(replica, peer);
}

static void give_up_on(struct holm_replica *replica, uint32_t peer)
{
    holm_replica_back_off(replica, peer);
    holm_replica_ask_others(replica, peer);
}

static void time_out(struct holm_replica *replica)
{
    uint64_t now_us = replica->now.monotonic_us;
    if (replica->pull.active && replica->pull.deadline_us <= now_us) {
        replica->pull.active = false;
        give_up_on(replica, replica->pull.peer);
    }
    holm_replica_time_sync(replica);
    holm_replica_forget_cuts(replica, HOLM_PEER_NONE);
    if (holm_holdback_wake(&replica->holdback) <= now_us)
        replica->holdback.dropped += holm_holdback_purge(&replica->holdback, &replica->actors,
                                                         now_us);
}

/* When the pending run is to go out: at once after a pause, else with the rhythm of the flushes. */
static uint64_t flush_at(const struct holm_replica *replica)
{
    uint64_t rhythm = replica->flushed_us + replica->config.flush_interval_us;
    if (!holm_replica_pending(replica))
        return HOLM_NEVER;
    return replica->flushed_us == 0 || rhythm < replica->written_us ? replica->written_us : rhythm;
}

static void acknowledge(struct holm_replica *replica)
{
    for (uint32_t i = 0; i < replica->peer_capacity; i++) {
        struct holm_replica_peer *known = &replica->peers[i];
        bool owes = holm_replica_pace_owes(replica, known);
        if (!known->up || (known->wanted == 0 && !owes))
            continue;
        uint64_t seq = holm_actors_seq_of(&replica->actors, known->actor);
        /* Of a folded epoch nothing more is applied: who goes on under it is lost. */
        if ((seq < known->wanted && !owes) || seq == HOLM_SEQ_FOLDED)
            continue;
        struct holm_message message = holm_replica_message(replica, HOLM_MESSAGE_ACK);
        message.as.ack.actor = known->actor;
        message.as.ack.seq = seq;
        if (holm_replica_output(replica, i, &message) != HOLM_OK) {
            replica->retry = true;
            continue;
        }
        known->pace.owed_bytes = 0;
        if (seq >= known->wanted)
            known->wanted = 0;
    }
}

void holm_replica_schedule(struct holm_replica *replica)
{
    time_out(replica);
    if (flush_at(replica) <= replica->now.monotonic_us && holm_replica_seal(replica) != HOLM_OK)
        replica->retry = true;
    acknowledge(replica);
    ask_next(replica);
    holm_replica_pace_go_on(replica);
    holm_replica_feed_all(replica);
    holm_replica_follow_tick(replica);
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

uint64_t holm_replica_wake(const struct holm_replica *replica)
{
    uint64_t soon = replica->now.monotonic_us + replica->config.retry_min_us;
    if (replica->retry)
        return soon; /* memory was short: whatever is due can wait so long */
    uint64_t wake = earlier(flush_at(replica), holm_holdback_wake(&replica->holdback));
    wake = earlier(wake, holm_replica_feed_due(replica));
    wake = earlier(wake, holm_replica_pace_wake(replica));
    wake = earlier(wake, holm_replica_follow_wake(replica));
    for (size_t i = 0; i < replica->served_count; i++)
        wake = earlier(wake, replica->served[i].deadline_us);
    if (replica->pull.active)
        return earlier(wake, replica->pull.deadline_us);
    wake = earlier(wake, holm_replica_sync_wake(replica));
    if (replica->sync.active)
        return wake;
    for (size_t i = 0; i < replica->peer_capacity; i++) {
        if (replica->peers[i].up && replica->peers[i].ahead)
            wake = earlier(wake, replica->peers[i].retry_us);
    }
    return wake;
}

void holm_replica_want(struct holm_replica *replica, uint32_t peer)
{
    replica->want_seq = holm_actors_seq(&replica->actors, replica->self);
    struct holm_message message = holm_replica_message(replica, HOLM_MESSAGE_WANT);
    message.as.ack.actor = replica->actors.rows[replica->self].actor;
    message.as.ack.seq = replica->want_seq;
    for (uint32_t i = 0; i < replica->peer_capacity; i++) {
        const struct holm_replica_peer *known = &replica->peers[i];
        bool meant = peer == HOLM_PEER_NONE || peer == i;
        if (!meant || !known->up || known->seen >= replica->want_seq)
            continue;
        if (holm_replica_output(replica, i, &message) != HOLM_OK)
            replica->retry = true; /* the next beacon tells too, only later */
    }
}

/* ---- epochs that ended */

static struct holm_actor *find_superseding(const struct holm_replica *replica,
                                           struct holm_node_id node)
{
    for (size_t i = 0; i < replica->superseding_count; i++) {
        if (replica->superseding[i].node.value == node.value)
            return &replica->superseding[i];
    }
    return NULL;
}

static uint64_t doom_time(const struct holm_replica *replica)
{
    /* Long enough to ask around for what is missing before it. */
    return replica->now.monotonic_us + 2 * replica->config.pull_timeout_us;
}

uint64_t holm_replica_doom_of(const struct holm_replica *replica, struct holm_actor actor)
{
    const struct holm_actor *superseding = find_superseding(replica, actor.node);
    bool ended = superseding != NULL && superseding->epoch.value > actor.epoch.value;
    return ended ? doom_time(replica) : HOLM_NEVER;
}

void holm_replica_supersede(struct holm_replica *replica, struct holm_actor actor)
{
    struct holm_actor *known = find_superseding(replica, actor.node);
    if (known != NULL && known->epoch.value >= actor.epoch.value)
        return;
    if (known != NULL) {
        *known = actor;
    } else if (replica->superseding_count < replica->config.actors_max) {
        void *array = replica->superseding;
        enum holm_status status = holm_array_reserve(
            &replica->config.allocator, &array, &replica->superseding_capacity,
            sizeof *replica->superseding, replica->superseding_count + 1);
        replica->superseding = array;
        if (status == HOLM_OK)
            replica->superseding[replica->superseding_count++] = actor;
    }
    holm_holdback_doom(&replica->holdback, actor, doom_time(replica));
    if (holm_holdback_wake(&replica->holdback) != HOLM_NEVER)
        holm_replica_ask_others(replica, HOLM_PEER_NONE);
}

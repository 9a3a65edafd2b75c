/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Publishing, as fast as peers acknowledge (pace.h).
 */
#include "crdt/replica_parts.h"

/* While publishing waits, peers are looked at so often within lag_us. */
#define LOOKS 4
/* Acknowledgements of peers that keep up may come so far apart: a part of lag_us. */
#define TOGETHER 16

static bool is_full(const struct holm_replica *replica, const struct holm_replica_peer *peer)
{
    return replica->pace.published - peer->pace.acked >= replica->config.unacked_bytes_max;
}

/* Whether broadcasts are what this peer and this replica hear of each other by, and not feeds. */
static bool broadcasts(const struct holm_replica_peer *peer)
{
    return peer->up && peer->feed.out == NULL && peer->feed.wish == HOLM_FOLLOW_NEVER;
}

static bool counts(const struct holm_replica_peer *peer)
{
    return broadcasts(peer) && !peer->pace.lags;
}

/* ---- what peers have ------------------------------------------------------------------------ */

/* How much had been published when the run of this seq was, or less. False: that was too long ago. */
static bool published_by(const struct holm_pace *pace, uint64_t seq, uint64_t *bytes)
{
    *bytes = pace->published;
    if (seq >= pace->last)
        return true;
    for (uint32_t i = 1; i <= HOLM_PACE_MARKS; i++) {
        const struct holm_pace_mark *mark = &pace->marks[(pace->next - i) % HOLM_PACE_MARKS];
        *bytes = mark->bytes;
        if (mark->seq <= seq)
            return mark->seq > 0;
    }
    return false;
}

/* The peer is one of those that are waited for. */
static void count_in(struct holm_replica *replica, struct holm_pace_peer *peer)
{
    peer->lags = false;
    peer->held_us = 0;
    if (peer->acked < replica->pace.floor)
        replica->pace.floor = peer->acked;
}

void holm_replica_pace_up(struct holm_replica *replica, struct holm_replica_peer *peer)
{
    peer->pace = (struct holm_pace_peer){.lags = true};
    if (replica->pace.published <= replica->config.unacked_bytes_max / 2)
        count_in(replica, &peer->pace);
}

void holm_replica_pace_seen(struct holm_replica *replica, struct holm_replica_peer *peer)
{
    struct holm_pace_peer *pace = &peer->pace;
    uint64_t bytes;
    if (pace->acked == replica->pace.published ||
        !published_by(&replica->pace, peer->seen, &bytes) || bytes <= pace->acked)
        return;
    pace->acked = bytes;
    pace->since_us = replica->now.monotonic_us;
    uint64_t behind = replica->pace.published - bytes;
    if (pace->lags && behind <= replica->config.unacked_bytes_max / 2)
        count_in(replica, pace);
    if (behind <= replica->config.unacked_bytes_max / 4 && !replica->pace.waiting)
        pace->held_us = 0;
}

void holm_replica_pace_applied(struct holm_replica *replica, struct holm_actor actor, size_t bytes)
{
    for (size_t i = 0; i < replica->peer_capacity; i++) {
        struct holm_replica_peer *peer = &replica->peers[i];
        if (broadcasts(peer) && holm_actor_equal(peer->actor, actor))
            peer->pace.owed_bytes += bytes;
    }
}

bool holm_replica_pace_owes(const struct holm_replica *replica,
                            const struct holm_replica_peer *peer)
{
    return peer->pace.owed_bytes > 0 &&
           peer->pace.owed_bytes >= replica->config.unacked_bytes_max / 8;
}

/* ---- who is waited for ---------------------------------------------------------------------- */

/* From now on nobody waits for this peer. What waits goes out now, and shows it what it has missed. */
static void leave_behind(struct holm_replica *replica, struct holm_pace_peer *peer)
{
    peer->lags = true;
    peer->full = false;
    replica->stats.lags += 1;
}

/* Whether so much waits that what the others could take may be lost to them. */
static bool is_pressed(const struct holm_replica *replica)
{
    size_t log = replica->log.bytes_max / 4;
    size_t most = replica->config.unacked_bytes_max;
    return replica->pace.waits >= (log < most ? log : most);
}

/* Puts the time since the last look down to those that were waited for. */
static void charge(struct holm_replica *replica)
{
    uint64_t now_us = replica->now.monotonic_us;
    uint64_t lag_us = replica->config.lag_us;
    bool others_wait = false;
    for (size_t i = 0; i < replica->peer_capacity; i++)
        others_wait |= counts(&replica->peers[i]) && !replica->peers[i].pace.full;
    for (size_t i = 0; i < replica->peer_capacity; i++) {
        struct holm_replica_peer *peer = &replica->peers[i];
        if (!counts(peer) || !peer->pace.full)
            continue;
        if (others_wait)
            peer->pace.held_us += now_us - replica->pace.looked_us;
        bool pressed = others_wait && is_pressed(replica) &&
                       peer->pace.since_us + lag_us / TOGETHER <= now_us;
        if (pressed || peer->pace.held_us >= lag_us || peer->pace.since_us + lag_us <= now_us)
            leave_behind(replica, &peer->pace);
    }
}

/* Looks at all peers: whether none of those that count has too much before it. */
static bool look(struct holm_replica *replica)
{
    struct holm_pace *pace = &replica->pace;
    bool open = true;
    if (pace->waiting)
        charge(replica);
    pace->looked_us = replica->now.monotonic_us;
    pace->floor = pace->published;
    for (size_t i = 0; i < replica->peer_capacity; i++) {
        struct holm_replica_peer *peer = &replica->peers[i];
        if (!counts(peer))
            continue;
        bool full = is_full(replica, peer);
        if (full && !peer->pace.full)
            peer->pace.since_us = pace->looked_us;
        peer->pace.full = full;
        open = open && !full;
        if (peer->pace.acked < pace->floor)
            pace->floor = peer->pace.acked;
    }
    return open;
}

static bool has_room(const struct holm_replica *replica)
{
    return replica->pace.published - replica->pace.floor < replica->config.unacked_bytes_max;
}

static bool is_open(struct holm_replica *replica)
{
    return has_room(replica) || look(replica);
}

/* ---- publishing ----------------------------------------------------------------------------- */

bool holm_replica_pace_open(struct holm_replica *replica)
{
    return !replica->pace.waiting && is_open(replica);
}

void holm_replica_pace_published(struct holm_replica *replica, const struct holm_delta *run,
                                 size_t bytes)
{
    struct holm_pace *pace = &replica->pace;
    const struct holm_pace_mark *newest = &pace->marks[(pace->next - 1) % HOLM_PACE_MARKS];
    pace->published += bytes;
    pace->last = run->last;
    uint64_t apart = 2 * replica->config.unacked_bytes_max / HOLM_PACE_MARKS;
    if (newest->seq == 0 || pace->published - newest->bytes >= apart)
        pace->marks[pace->next++ % HOLM_PACE_MARKS] = (struct holm_pace_mark){run->last,
                                                                              pace->published};
}

void holm_replica_pace_wait(struct holm_replica *replica)
{
    struct holm_pace *pace = &replica->pace;
    if (!pace->waiting) {
        pace->waiting = true;
        pace->waits = 0;
        pace->looked_us = replica->now.monotonic_us;
        pace->cursor = holm_oplog_end(&replica->log) - 1;
        replica->stats.waits += 1;
    }
    pace->waits += holm_oplog_last_bytes(&replica->log);
    if (is_pressed(replica))
        (void)look(replica);
}

/* The next own run that waits, or NULL. */
static const struct holm_oplog_entry *next_run(struct holm_replica *replica)
{
    const struct holm_oplog *log = &replica->log;
    struct holm_pace *pace = &replica->pace;
    if (pace->cursor < log->trimmed)
        pace->cursor = log->trimmed;
    for (; pace->cursor < holm_oplog_end(log); pace->cursor++) {
        const struct holm_oplog_entry *entry = holm_oplog_at(log,
                                                             (size_t)(pace->cursor - log->trimmed));
        if (entry->actor == replica->self)
            return entry;
    }
    return NULL;
}

void holm_replica_pace_go_on(struct holm_replica *replica)
{
    struct holm_pace *pace = &replica->pace;
    while (pace->waiting && is_open(replica)) {
        const struct holm_oplog_entry *entry = next_run(replica);
        pace->waiting = entry != NULL;
        if (entry == NULL)
            return;
        struct holm_message message = holm_replica_message(replica, HOLM_MESSAGE_DELTA);
        message.as.delta = entry->delta;
        if (holm_replica_output(replica, HOLM_PEER_NONE, &message) != HOLM_OK) {
            replica->retry = true;
            return;
        }
        holm_replica_pace_published(replica, entry->delta, entry->wire_bytes);
        pace->waits -= entry->wire_bytes;
        pace->cursor += 1;
    }
}

uint64_t holm_replica_pace_wake(const struct holm_replica *replica)
{
    const struct holm_pace *pace = &replica->pace;
    if (!pace->waiting)
        return HOLM_NEVER;
    return has_room(replica) ? 0 : pace->looked_us + replica->config.lag_us / LOOKS + 1;
}

void holm_replica_pace_epoch(struct holm_replica *replica)
{
    struct holm_pace *pace = &replica->pace;
    *pace = (struct holm_pace){.published = pace->published, .floor = pace->published};
    for (size_t i = 0; i < replica->peer_capacity; i++) {
        struct holm_pace_peer *peer = &replica->peers[i].pace;
        *peer = (struct holm_pace_peer){.acked = pace->published, .owed_bytes = peer->owed_bytes};
    }
}

uint64_t holm_replica_lagging(const struct holm_replica *replica)
{
    uint64_t count = 0;
    for (size_t i = 0; i < replica->peer_capacity; i++)
        count += replica->peers[i].up && replica->peers[i].pace.lags;
    return count;
}

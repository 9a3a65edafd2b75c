/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Feeding those who follow. All followers are fed in the same moments, at most once a flush interval, so
 * that own and relayed runs of that time share a frame.
 */
#include "crdt/replica_parts.h"

/* With so many followers the interval doubles. */
#define FOLLOWERS_A_STRETCH 8
/* Of a byte of state, in bytes of runs. */
#define STATE_WEIGHT 4
/* So many frames go out without a look at how long acknowledgements take. */
#define FLIGHTS_AT_ONCE (HOLM_FEED_FLIGHTS / 2)

void holm_replica_feed_end(struct holm_replica *replica, uint32_t peer)
{
    struct holm_feed_link *link = &replica->peers[peer].feed;
    struct holm_feed_out *out = link->out;
    if (out == NULL)
        return;
    holm_array_free(&replica->config.allocator, out->has, out->has_capacity, sizeof *out->has);
    holm_deallocate(&replica->config.allocator, out, sizeof *out);
    link->out = NULL;
    HOLM_ASSERT(replica->followers > 0);
    replica->followers -= 1;
}

static enum holm_status feed_begin(struct holm_replica *replica, uint32_t peer)
{
    struct holm_feed_link *link = &replica->peers[peer].feed;
    holm_replica_feed_end(replica, peer);
    struct holm_feed_out *out = holm_allocate(&replica->config.allocator, sizeof *out);
    if (out == NULL)
        return HOLM_ENOMEM;
    memset(out, 0, sizeof *out);
    link->out = out;
    link->stalled = false;
    replica->followers += 1;
    return HOLM_OK;
}

/* ---- what a follower has */

static enum holm_status reserve_has(struct holm_replica *replica, struct holm_feed_out *out)
{
    void *has = out->has;
    size_t before = out->has_capacity;
    enum holm_status status = holm_array_reserve(&replica->config.allocator, &has,
                                                 &out->has_capacity, sizeof *out->has,
                                                 replica->actors.count);
    out->has = has;
    for (size_t i = before; i < out->has_capacity; i++)
        out->has[i] = 0;
    return status;
}

static uint64_t has_of(const struct holm_replica *replica, const struct holm_replica_peer *peer,
                       uint32_t actor)
{
    const struct holm_feed_out *out = peer->feed.out;
    if (holm_actor_equal(replica->actors.rows[actor].actor, peer->actor))
        return UINT64_MAX; /* its own */
    return actor < out->has_capacity ? out->has[actor] : 0;
}

void holm_replica_feed_learn(struct holm_replica *replica, uint32_t peer,
                             const struct holm_delta *run)
{
    struct holm_replica_peer *known = holm_replica_find_peer(replica, peer);
    if (known == NULL || known->feed.out == NULL)
        return;
    struct holm_feed_out *out = known->feed.out;
    uint32_t index = holm_actors_find(&replica->actors, run->actor);
    /* Without memory it is only sent again. */
    if (index == HOLM_ACTOR_NONE ||
        (index >= out->has_capacity && reserve_has(replica, out) != HOLM_OK))
        return;
    if (out->has[index] < run->last)
        out->has[index] = run->last;
}

void holm_replica_feed_folded(struct holm_replica *replica, uint32_t fold, bool more)
{
    replica->log.jumps += more ? 1 : 0;
    for (size_t i = 0; i < replica->peer_capacity; i++) {
        struct holm_feed_out *out = replica->peers[i].feed.out;
        if (out == NULL || (fold >= out->has_capacity && reserve_has(replica, out) != HOLM_OK))
            continue; /* without memory it is taken for behind */
        /* What is folded is below the floors, was sent, or is in the log still and will be. */
        out->has[fold] = out->jumps == replica->log.jumps ? HOLM_SEQ_FOLDED : 0;
    }
}

void holm_replica_feed_dropped(struct holm_replica *replica, uint32_t index)
{
    for (size_t i = 0; i < replica->peer_capacity; i++) {
        struct holm_feed_out *out = replica->peers[i].feed.out;
        if (out != NULL && index < out->has_capacity)
            out->has[index] = 0;
    }
}

void holm_replica_feed_renumber(struct holm_replica *replica, const uint32_t *indices, size_t count)
{
    for (size_t i = 0; i < replica->peer_capacity; i++) {
        struct holm_feed_out *out = replica->peers[i].feed.out;
        size_t known = out != NULL && out->has_capacity < count ? out->has_capacity : count;
        for (size_t old = 0; out != NULL && old < known; old++) {
            uint64_t has = out->has[old];
            out->has[old] = 0;
            if (indices[old] != HOLM_ACTOR_NONE)
                out->has[indices[old]] = has; /* at or before its old place */
        }
    }
}

/* Whether all that is below the floors is known to be there. */
static bool reaches(const struct holm_replica *replica, const struct holm_replica_peer *peer)
{
    const struct holm_actors *actors = &replica->actors;
    for (uint32_t i = 0; i < actors->count; i++) {
        const struct holm_actor_row *row = &actors->rows[i];
        bool folds = row->actor.epoch.value == 0;
        if (row->seq == HOLM_SEQ_FOLDED)
            continue; /* the fold tells */
        if (folds ? row->seq > 0 && has_of(replica, peer, i) == 0
                  : has_of(replica, peer, i) < row->floor)
            return false;
    }
    return true;
}

uint64_t holm_replica_state_weight(const struct holm_replica *replica, struct holm_actor asker,
                                   const uint64_t *has, size_t count)
{
    bool feeds = replica->followers > 0 || holm_replica_is_fed(replica);
    for (size_t i = 0; feeds && i < count; i++) {
        if (has[i] > 0 && !holm_actor_equal(replica->actors.rows[i].actor, asker))
            return STATE_WEIGHT;
    }
    return 1;
}

/* Whether what the follower lacks is in the log, and costs no more than the state. */
static bool worth_feeding(const struct holm_replica *replica, const struct holm_replica_peer *peer)
{
    size_t bytes = 0;
    if (!reaches(replica, peer))
        return false;
    for (size_t i = 0; i < replica->log.count; i++) {
        const struct holm_oplog_entry *entry = holm_oplog_at(&replica->log, i);
        if (entry->delta->last > has_of(replica, peer, entry->actor))
            bytes += entry->wire_bytes;
    }
    uint64_t weight = holm_replica_state_weight(replica, peer->actor, peer->feed.out->has,
                                                replica->actors.count);
    return bytes <= (replica->state.heap.used + replica->config.flush_bytes) * weight;
}

/* ---- frames */

static bool blocked(const struct holm_replica *replica, const struct holm_feed_out *out)
{
    return out->flight_count == HOLM_FEED_FLIGHTS ||
           (out->flight_count > 0 && out->flight_bytes >= replica->config.feed_bytes_max);
}

/* The runs of the next frame: how many, whether more would follow, and where the cursor is then. */
struct portion {
    struct holm_delta **runs; /* NULL: only counts */
    size_t count;
    size_t bytes;
    uint64_t cursor;
    bool more;
};

static void gather(const struct holm_replica *replica, const struct holm_replica_peer *peer,
                   struct portion *portion)
{
    const struct holm_oplog *log = &replica->log;
    uint64_t end = holm_oplog_end(log);
    portion->count = 0;
    portion->bytes = 0;
    portion->more = false;
    for (portion->cursor = peer->feed.out->cursor; portion->cursor < end; portion->cursor++) {
        const struct holm_oplog_entry *entry = holm_oplog_at(
            log, (size_t)(portion->cursor - log->trimmed));
        if (entry->delta->last <= has_of(replica, peer, entry->actor))
            continue;
        if (portion->count > 0 &&
            portion->bytes + entry->wire_bytes > replica->config.flush_bytes) {
            portion->more = true;
            return;
        }
        if (portion->runs != NULL)
            portion->runs[portion->count] = entry->delta;
        portion->count += 1;
        portion->bytes += entry->wire_bytes;
    }
}

static enum holm_status send_frame(struct holm_replica *replica, uint32_t peer,
                                   const struct portion *portion, bool too_old)
{
    struct holm_feed_link *link = &replica->peers[peer].feed;
    struct holm_feed_out *out = link->out;
    struct holm_message message = holm_replica_message(replica, HOLM_MESSAGE_FEED);
    message.as.feed = (struct holm_feed){.number = out->number + 1,
                                         .more = portion->more,
                                         .too_old = too_old,
                                         .runs = portion->runs,
                                         .count = portion->count};
    bool acks = holm_replica_ack_rides(replica, link);
    if (acks)
        message.as.feed.ack = link->taken;
    enum holm_status status = holm_replica_output(replica, peer, &message);
    if (status != HOLM_OK)
        return status;
    if (acks)
        link->owed = 0;
    out->number += 1;
    out->answer = false;
    out->cursor = portion->cursor;
    out->gave |= portion->count > 0;
    out->flights[out->flight_count++] = (struct holm_feed_flight){
        .number = out->number,
        .sent_us = replica->now.monotonic_us,
        .bytes = portion->bytes,
        .own_seq = holm_actors_seq(&replica->actors, replica->self)};
    if (portion->more)
        out->flights[out->flight_count - 1].own_seq = 0; /* not all of it is in there */
    out->flight_bytes += portion->bytes;
    link->fed_us = replica->now.monotonic_us;
    replica->stats.feeds += 1;
    return HOLM_OK;
}

static enum holm_status send_runs(struct holm_replica *replica, uint32_t peer)
{
    const struct holm_replica_peer *known = &replica->peers[peer];
    struct holm_feed_out *out = known->feed.out;
    while (!blocked(replica, out)) {
        struct portion portion = {.runs = NULL};
        gather(replica, known, &portion);
        if (portion.count == 0 && !out->answer) {
            out->cursor = portion.cursor;
            return HOLM_OK;
        }
        portion.runs = holm_arena_take(&replica->scratch,
                                       (portion.count + 1) * sizeof(struct holm_delta *));
        if (portion.runs == NULL)
            return HOLM_ENOMEM;
        gather(replica, known, &portion);
        bool more = portion.more;
        enum holm_status status = send_frame(replica, peer, &portion, false);
        if (status != HOLM_OK || !more)
            return status;
    }
    return HOLM_OK;
}

static enum holm_status feed(struct holm_replica *replica, uint32_t peer)
{
    const struct holm_replica_peer *known = &replica->peers[peer];
    struct holm_feed_out *out = known->feed.out;
    bool behind = out->cursor < replica->log.trimmed;
    if (!behind && out->jumps != replica->log.jumps)
        behind = !reaches(replica, known);
    if (!behind) {
        out->jumps = replica->log.jumps;
        return send_runs(replica, peer);
    }
    struct portion none = {.cursor = out->cursor};
    enum holm_status status = send_frame(replica, peer, &none, true);
    if (status != HOLM_OK)
        return status;
    replica->stats.feeds_too_old += 1;
    holm_replica_feed_end(replica, peer);
    return HOLM_OK;
}

/* ---- time */

static uint64_t interval(const struct holm_replica *replica)
{
    return replica->config.flush_interval_us +
           replica->config.flush_interval_us * replica->followers / FOLLOWERS_A_STRETCH;
}

/* From when on the next frame may be under way, too. Half of them follow each other as the rhythm has it; with
 * acknowledgements far away the others are spread over that time. Sent at once as well they would leave
 * nothing until the first is acknowledged, at each hop anew. */
static uint64_t spread_at(const struct holm_feed_link *link)
{
    const struct holm_feed_out *out = link->out;
    if (out->flight_count < FLIGHTS_AT_ONCE)
        return 0;
    return out->flights[out->flight_count - 1].sent_us +
           link->lag_us / (HOLM_FEED_FLIGHTS - FLIGHTS_AT_ONCE);
}

/* Whether a follower can be sent something, but for the rhythm. */
static bool pending(const struct holm_replica *replica, const struct holm_feed_out *out)
{
    return out != NULL && !blocked(replica, out) &&
           (out->answer || out->cursor < holm_oplog_end(&replica->log) ||
            out->jumps != replica->log.jumps);
}

uint64_t holm_replica_feed_due(const struct holm_replica *replica)
{
    if (replica->followers == 0)
        return HOLM_NEVER;
    uint64_t due = HOLM_NEVER;
    for (size_t i = 0; i < replica->peer_capacity; i++) {
        const struct holm_feed_out *out = replica->peers[i].feed.out;
        if (!pending(replica, out))
            continue;
        if (out->answer)
            return 0;
        uint64_t rhythm = replica->fed_us == 0 ? 0 : replica->fed_us + interval(replica);
        uint64_t spread = spread_at(&replica->peers[i].feed);
        uint64_t at = rhythm > spread ? rhythm : spread;
        due = at < due ? at : due;
    }
    return due;
}

void holm_replica_feed_all(struct holm_replica *replica)
{
    uint64_t due = holm_replica_feed_due(replica);
    if (due > replica->now.monotonic_us)
        return;
    uint64_t before = replica->stats.feeds;
    for (uint32_t i = 0; i < replica->peer_capacity; i++) {
        const struct holm_feed_link *link = &replica->peers[i].feed;
        if (!pending(replica, link->out) ||
            (!link->out->answer && spread_at(link) > replica->now.monotonic_us))
            continue;
        if (feed(replica, i) != HOLM_OK)
            replica->retry = true;
    }
    if (replica->stats.feeds != before)
        replica->fed_us = replica->now.monotonic_us;
}

void holm_replica_feed_epoch(struct holm_replica *replica)
{
    for (size_t i = 0; i < replica->peer_capacity; i++) {
        struct holm_feed_out *out = replica->peers[i].feed.out;
        for (size_t j = 0; out != NULL && j < out->flight_count; j++)
            out->flights[j].own_seq = 0; /* that was of the former epoch */
    }
}

/* ---- what followers say */

/* Takes the vector as what the follower has. */
static enum holm_status take_vector(struct holm_replica *replica, struct holm_replica_peer *peer,
                                    struct holm_vector_view vector)
{
    struct holm_feed_out *out = peer->feed.out;
    enum holm_status status = reserve_has(replica, out);
    for (uint32_t i = 0; status == HOLM_OK && i < replica->actors.count; i++) {
        const struct holm_actor_row *row = &replica->actors.rows[i];
        struct holm_actor upto = {row->actor.node, {row->floor}};
        out->has[i] = holm_vector_view_seq(vector, row->actor);
        if (row->actor.epoch.value == 0)
            out->has[i] = row->seq > 0 && holm_vector_view_has_fold(vector, upto, row->seq,
                                                                    replica->actors.seed)
                              ? HOLM_SEQ_FOLDED
                              : 0;
    }
    return status;
}

enum holm_status holm_replica_take_follow(struct holm_replica *replica, uint32_t peer,
                                          const struct holm_follow *follow)
{
    struct holm_replica_peer *known = &replica->peers[peer];
    if (!holm_vector_view_valid(follow->vector) || follow->number > HOLM_FEED_NUMBER_MAX)
        return HOLM_EMALFORMED;
    if (holm_replica_seal(replica) != HOLM_OK)
        return HOLM_ENOMEM;
    if (holm_replica_claimed(replica, follow->vector))
        return holm_replica_twin(replica);
    enum holm_status status = feed_begin(replica, peer);
    if (status == HOLM_OK)
        status = take_vector(replica, known, follow->vector);
    if (status != HOLM_OK) {
        holm_replica_feed_end(replica, peer); /* it will ask again */
        return status;
    }
    holm_replica_seen_by(replica, known, holm_replica_seen_in(replica, follow->vector));
    struct holm_feed_out *out = known->feed.out;
    out->number = follow->number;
    out->answer = true;
    out->jumps = replica->log.jumps;
    out->cursor = replica->log.trimmed;
    known->feed.can = true;
    known->feed.lazy = false;
    if (!holm_replica_follows(known))
        holm_replica_exceeded(replica, peer, follow->vector);
    if (worth_feeding(replica, known))
        return HOLM_OK;
    struct portion none = {.cursor = out->cursor};
    status = send_frame(replica, peer, &none, true);
    replica->stats.feeds_too_old += status == HOLM_OK;
    holm_replica_feed_end(replica, peer);
    return status;
}

void holm_replica_take_feed_ack(struct holm_replica *replica, uint32_t peer, uint64_t ack)
{
    struct holm_replica_peer *known = &replica->peers[peer];
    struct holm_feed_out *out = known->feed.out;
    if (out == NULL || ack > out->number)
        return;
    size_t gone = 0;
    uint64_t own_seq = 0;
    if (out->flight_count > 0 && out->flights[0].number <= ack)
        holm_replica_acked(replica, peer, out->flights[0].sent_us);
    while (gone < out->flight_count && out->flights[gone].number <= ack) {
        own_seq = out->flights[gone].own_seq > own_seq ? out->flights[gone].own_seq : own_seq;
        out->flight_bytes -= out->flights[gone++].bytes;
    }
    out->flight_count -= gone;
    memmove(out->flights, out->flights + gone, out->flight_count * sizeof *out->flights);
    holm_replica_seen_by(replica, known, own_seq);
}

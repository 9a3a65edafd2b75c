/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Following: what feeds bring, which of them are needed, and what stays missing.
 *
 * A beacon that tells of another vector means little while feeds bring something all the time. So it is
 * only noted, with a time by which what it told of must have come; what has not is asked for.
 */
#include "crdt/replica_member.h"
#include "crdt/replica_parts.h"

/* Patience: so many back-offs and flush intervals, as what is told of may be some hops away. */
#define PATIENCE_RETRIES 10
#define PATIENCE_FLUSHES 8
/* With always new differences, vectors may be unequal for so many times longer. */
#define NEVER_PATIENCES 50
#define PATIENCE_US_MAX UINT64_C(60000000)
/* While that lasts a feed whose log does not reach back is tried again so often. */
#define FOLLOWS_A_PATIENCE 4
/* A root that has not written for so long is none. */
#define ROOT_US_MIN UINT64_C(10000000)
#define ROOT_FLUSHES 16
/* A link is pruned after so many runs of the root in a row that it brought too late. */
#define REPEATS_MAX 3
/* Acknowledgements alone: after so many frames, or a quarter of what may be under way, or a while. */
#define OWED_FRAMES (HOLM_FEED_FLIGHTS / 2)
#define OWED_FLUSHES 4
/* A feed has stalled when acknowledgements are out for so many times what they took of late, and this. */
#define STALL_LAGS 2
#define STALL_RETRIES 2
/* A probe that says nothing for so many back-offs does not keep others from being followed. */
#define PROBE_RETRIES 2

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static bool wants(const struct holm_feed_link *link)
{
    return link->wish == HOLM_FOLLOW_WANT || link->wish == HOLM_FOLLOW_SPARE;
}

bool holm_replica_follows(const struct holm_replica_peer *peer)
{
    const struct holm_feed_link *link = &peer->feed;
    bool wished = wants(link) ||
                  (link->wish == HOLM_FOLLOW_BACK && (link->out != NULL || link->grafted));
    return peer->up && link->can && !link->lazy && wished;
}

bool holm_replica_is_fed(const struct holm_replica *replica)
{
    for (size_t i = 0; i < replica->peer_capacity; i++) {
        if (replica->peers[i].feed.following)
            return true;
    }
    return false;
}

static uint64_t patience_min(const struct holm_replica *replica)
{
    return PATIENCE_RETRIES * replica->config.retry_min_us +
           PATIENCE_FLUSHES * replica->config.flush_interval_us;
}

void holm_replica_follow_new(struct holm_replica *replica, uint32_t peer, bool can)
{
    uint64_t taken = replica->peers[peer].feed.taken;
    taken = taken > replica->feeds_before ? taken : replica->feeds_before;
    replica->peers[peer].feed = (struct holm_feed_link){.can = can,
                                                        .taken = taken,
                                                        .patience_us = patience_min(replica),
                                                        .lag_us = patience_min(replica) / 4};
}

void holm_replica_follow_after(struct holm_replica *replica, const struct holm_replica *old)
{
    uint64_t last = old->feeds_before;
    for (size_t i = 0; i < old->peer_capacity; i++)
        last = old->peers[i].feed.taken > last ? old->peers[i].feed.taken : last;
    replica->feeds_before = last + HOLM_FEED_RESTART;
}

void holm_replica_follow_forget(struct holm_replica *replica, uint32_t peer)
{
    bool fed = replica->peers[peer].feed.following;
    holm_replica_feed_end(replica, peer);
    replica->peers[peer].feed = (struct holm_feed_link){.taken = replica->peers[peer].feed.taken};
    if (!fed)
        return;
    /* It may have been a branch of the tree: all others are tried again, but where the host draws another. */
    for (size_t i = 0; i < replica->peer_capacity; i++) {
        struct holm_feed_link *link = &replica->peers[i].feed;
        if (link->wish == HOLM_FOLLOW_SPARE)
            continue;
        link->grafted |= link->lazy;
        link->lazy = false;
    }
    replica->root = (struct holm_feed_root){.from = HOLM_PEER_NONE};
}

/* ---- following */

static enum holm_status unfollow(struct holm_replica *replica, uint32_t peer, bool prune)
{
    struct holm_message message = holm_replica_message(replica, HOLM_MESSAGE_UNFOLLOW);
    message.as.unfollow.prune = prune;
    enum holm_status status = holm_replica_output(replica, peer, &message);
    if (status == HOLM_OK)
        replica->peers[peer].feed.following = replica->peers[peer].feed.level = false;
    return status;
}

/* Whether the root's runs come by this link, and by no other: pruned at both ends of a node in the same
 * moment, as two had each brought them too late at times, it would be left with none. */
static bool hangs_on(const struct holm_replica *replica, uint32_t peer)
{
    const struct holm_feed_link *here = &replica->peers[peer].feed;
    if (!here->following || !wants(here) || replica->root.from != peer)
        return false;
    for (size_t i = 0; i < replica->peer_capacity; i++) {
        const struct holm_feed_link *link = &replica->peers[i].feed;
        if (i != peer && link->following && link->level && link->repeats > 0)
            return false;
    }
    return true;
}

enum holm_status holm_replica_take_unfollow(struct holm_replica *replica, uint32_t peer,
                                            const struct holm_unfollow *message)
{
    struct holm_replica_peer *known = &replica->peers[peer];
    struct holm_feed_link *link = &known->feed;
    holm_replica_feed_end(replica, peer);
    link->lazy |= message->prune && !hangs_on(replica, peer);
    if (!link->following || (holm_replica_follows(known) && !message->prune))
        return HOLM_OK;
    /* It may have followed anew before this crossed it: followed back at once, and then left, each of the
     * two would answer the other so for ever; after any pause, too, that is shorter than a round trip. */
    uint64_t wait_us = link->left_us == 0 ? replica->config.retry_min_us : 2 * link->left_us;
    link->left_us = wait_us = earlier(wait_us, replica->config.retry_max_us);
    link->retry_us = replica->now.monotonic_us + wait_us +
                     holm_replica_random(replica, wait_us + 1);
    if (!message->prune)
        return unfollow(replica, peer, false);
    link->following = link->level = false;
    return HOLM_OK;
}

enum holm_status holm_replica_take_wish(struct holm_replica *replica, uint32_t peer,
                                        enum holm_follow_wish wish)
{
    struct holm_replica_peer *known = holm_replica_find_peer(replica, peer);
    if (known == NULL || !known->up || !known->feed.can)
        return HOLM_OK;
    struct holm_feed_link *link = &known->feed;
    bool new = !wants(link);
    if (wish == HOLM_FOLLOW_WANT && link->wish != wish)
        link->lazy = false;
    if (wish == HOLM_FOLLOW_SPARE && new && !link->following && link->out == NULL)
        link->lazy = true; /* one that carries a feed does so until that proves needless */
    link->wish = wish;
    if (!link->following || holm_replica_follows(known))
        return HOLM_OK;
    known->feed.grafted = false;
    return unfollow(replica, peer, false);
}

static enum holm_status follow(struct holm_replica *replica, uint32_t peer)
{
    struct holm_feed_link *link = &replica->peers[peer].feed;
    struct holm_message message = holm_replica_message(replica, HOLM_MESSAGE_FOLLOW);
    message.as.follow.number = link->taken + HOLM_FEED_RESTART;
    enum holm_status status = holm_replica_copy_vector(replica, &message.as.follow.vector);
    if (status == HOLM_OK)
        status = holm_replica_output(replica, peer, &message);
    if (status != HOLM_OK)
        return status;
    link->taken += HOLM_FEED_RESTART;
    link->claim_us = 0; /* there is a time by which it must have brought something */
    link->following = true;
    link->level = false;
    link->brought = false;
    link->heard_us = replica->now.monotonic_us;
    link->owed = 0;
    link->repeats = 0;
    link->deadline_us = holm_replica_deadline(replica, peer) + 2 * link->backoff_us;
    replica->stats.follows += 1;
    return HOLM_OK;
}

/* The feed is broken, or was never begun: it is followed anew, ever more rarely. */
static void follow_later(struct holm_replica *replica, uint32_t peer)
{
    struct holm_feed_link *link = &replica->peers[peer].feed;
    uint64_t next = link->backoff_us == 0 ? replica->config.retry_min_us : link->backoff_us * 2;
    link->following = link->level = false;
    link->backoff_us = earlier(next, replica->config.retry_max_us);
    link->retry_us = replica->now.monotonic_us + link->backoff_us / 2 +
                     holm_replica_random(replica, link->backoff_us / 2 + 1);
}

/* Until when a feed that is not level yet keeps others from being followed. What a probe may bring is
 * not much, and its peer may be as gone as the one that it is tried for. */
static uint64_t waits_until(const struct holm_replica *replica, const struct holm_feed_link *link)
{
    return link->probe ? link->heard_us + PROBE_RETRIES * replica->config.retry_min_us : HOLM_NEVER;
}

/* One that has much to catch up with does so with one peer, not with all of them at once. */
static bool catching_up(const struct holm_replica *replica)
{
    if (replica->pull.active || replica->sync.active)
        return true;
    for (size_t i = 0; i < replica->peer_capacity; i++) {
        const struct holm_feed_link *link = &replica->peers[i].feed;
        if (link->following && !link->level &&
            replica->now.monotonic_us < waits_until(replica, link))
            return true;
    }
    return false;
}

static bool to_follow(const struct holm_replica_peer *peer)
{
    return holm_replica_follows(peer) && !peer->feed.following && !peer->must_sync;
}

static void follow_next(struct holm_replica *replica)
{
    if (catching_up(replica))
        return;
    for (size_t i = 0; i < replica->peer_capacity; i++) {
        uint64_t peer = (replica->follow_cursor + i) % replica->peer_capacity;
        const struct holm_replica_peer *known = &replica->peers[peer];
        if (!to_follow(known) || known->feed.retry_us > replica->now.monotonic_us)
            continue;
        replica->follow_cursor = peer + 1;
        if (follow(replica, (uint32_t)peer) != HOLM_OK)
            replica->retry = true;
        return;
    }
}

/* ---- the tree */

void holm_replica_past_note(struct holm_replica *replica, uint64_t hash)
{
    replica->past[replica->past_next++ % HOLM_REPLICA_PAST] = hash;
}

void holm_replica_root_note(struct holm_replica *replica, const struct holm_delta *run)
{
    struct holm_feed_root *root = &replica->root;
    uint64_t now_us = replica->now.monotonic_us;
    uint64_t still_us = root->written_us + ROOT_US_MIN +
                        ROOT_FLUSHES * replica->config.flush_interval_us;
    bool fed = replica->feeder != HOLM_PEER_NONE;
    bool same = holm_actor_equal(root->actor, run->actor);
    if (!same && root->written_us != 0 && now_us < still_us &&
        holm_actor_compare(root->actor, run->actor) < 0)
        return;
    if (!same) {
        *root = (struct holm_feed_root){.actor = run->actor, .since = run->first};
        for (size_t i = 0; i < replica->peer_capacity; i++)
            replica->peers[i].feed.repeats = 0;
    }
    root->written_us = now_us;
    root->from = replica->feeder;
    if (!fed)
        root->since = run->last + 1;
    else
        replica->peers[replica->feeder].feed.repeats = 0;
}

static enum holm_status prune(struct holm_replica *replica, uint32_t peer)
{
    struct holm_feed_link *link = &replica->peers[peer].feed;
    enum holm_status status = unfollow(replica, peer, true);
    if (status != HOLM_OK)
        return status;
    holm_replica_feed_end(replica, peer);
    link->lazy = true;
    link->repeats = 0;
    replica->stats.prunes += 1;
    if (link->grafted) /* it was not needed: the next time more must be missing, and for longer */
        link->patience_us = earlier(2 * link->patience_us, PATIENCE_US_MAX);
    link->grafted = false;
    return HOLM_OK;
}

/* A run that a feed brought was here already. */
static enum holm_status note_repeat(struct holm_replica *replica, uint32_t peer,
                                    const struct holm_delta *run)
{
    const struct holm_feed_root *root = &replica->root;
    struct holm_feed_link *link = &replica->peers[peer].feed;
    if (!holm_actor_equal(run->actor, root->actor) || run->first < root->since ||
        root->from == HOLM_PEER_NONE || root->from == peer ||
        !replica->peers[root->from].feed.level)
        return HOLM_OK;
    link->repeats += 1;
    return link->repeats < REPEATS_MAX ? HOLM_OK : prune(replica, peer);
}

/* ---- what comes */

static enum holm_status take_runs(struct holm_replica *replica, uint32_t peer,
                                  const struct holm_feed *feed)
{
    struct holm_feed_link *link = &replica->peers[peer].feed;
    enum holm_status status = HOLM_OK;
    for (size_t i = 0; i < feed->count && status == HOLM_OK; i++) {
        uint64_t before = replica->stats.deltas_duplicate;
        replica->feeder = peer;
        uint64_t applied = replica->stats.deltas_applied;
        status = holm_replica_receive_next(replica, peer, feed->runs[i]);
        link->brought |= applied != replica->stats.deltas_applied;
        replica->feeder = HOLM_PEER_NONE;
        link->owed_bytes += holm_delta_bytes_max(feed->runs[i]);
        if (status == HOLM_OK && before != replica->stats.deltas_duplicate && link->following)
            status = note_repeat(replica, peer, feed->runs[i]);
    }
    return status;
}

static void owe(struct holm_replica *replica, struct holm_feed_link *link)
{
    uint64_t now_us = replica->now.monotonic_us;
    uint64_t delay = OWED_FLUSHES * replica->config.flush_interval_us;
    if (delay < replica->config.retry_min_us)
        delay = replica->config.retry_min_us;
    if (link->owed == 0) {
        link->ack_us = now_us + delay;
        link->owed_bytes = 0;
    }
    link->owed += 1;
    if (link->owed >= OWED_FRAMES || link->owed_bytes >= replica->config.feed_bytes_max / 4)
        link->ack_us = now_us;
}

/* The feed has brought all that the peer had: if its vector is another, it is because it lacks something. */
static void come_level(struct holm_replica *replica, uint32_t peer)
{
    struct holm_replica_peer *known = &replica->peers[peer];
    known->feed.level = true;
    known->feed.backoff_us = known->feed.left_us = 0;
    known->ahead = known->must_sync;
    holm_replica_gap_closed(replica, peer);
    if (known->told) {
        known->fruitless_theirs = known->told_hash;
        known->fruitless_mine = replica->actors.hash;
    }
}

/* The feed's log does not reach back far enough. What other feeds bring in the meantime may be all that
 * is missing: then it can be followed. */
static void take_too_old(struct holm_replica *replica, uint32_t peer)
{
    struct holm_feed_link *link = &replica->peers[peer].feed;
    follow_later(replica, peer);
    if (holm_replica_gap_waits(replica, peer))
        link->retry_us += link->patience_us / FOLLOWS_A_PATIENCE;
    else
        holm_replica_mark_ahead(replica, peer, 0);
}

enum holm_status holm_replica_take_feed(struct holm_replica *replica, uint32_t peer,
                                        const struct holm_feed *feed)
{
    struct holm_feed_link *link = &replica->peers[peer].feed;
    if (feed->ack != 0)
        holm_replica_take_feed_ack(replica, peer, feed->ack);
    if (feed->number <= link->taken)
        return HOLM_OK; /* an acknowledgement alone, or of a feed that is over */
    if (feed->number != link->taken + 1) {
        replica->stats.follow_gaps += 1;
        if (link->following)
            follow_later(replica, peer);
        return HOLM_OK;
    }
    enum holm_status status = take_runs(replica, peer, feed);
    if (status != HOLM_OK) {
        follow_later(replica, peer);
        return status;
    }
    link->taken = feed->number;
    if (!link->following)
        return HOLM_OK;
    link->never_us = 0;
    link->heard_us = replica->now.monotonic_us;
    link->deadline_us = holm_replica_deadline(replica, peer);
    if (feed->too_old) {
        take_too_old(replica, peer);
        return HOLM_OK;
    }
    owe(replica, link);
    if (!feed->more && !link->level)
        come_level(replica, peer);
    return HOLM_OK;
}

bool holm_replica_ack_rides(const struct holm_replica *replica, const struct holm_feed_link *link)
{
    return link->owed > 0 &&
           link->ack_us <= replica->now.monotonic_us + replica->config.flush_interval_us;
}

static void acknowledge(struct holm_replica *replica, uint32_t peer)
{
    struct holm_feed_link *link = &replica->peers[peer].feed;
    struct holm_message message = holm_replica_message(replica, HOLM_MESSAGE_FEED);
    message.as.feed = (struct holm_feed){.ack = link->taken};
    if (holm_replica_output(replica, peer, &message) != HOLM_OK) {
        replica->retry = true;
        return;
    }
    link->owed = 0;
    link->fed_us = replica->now.monotonic_us;
}

/* ---- what is not acknowledged */

void holm_replica_acked(struct holm_replica *replica, uint32_t peer, uint64_t sent_us)
{
    struct holm_feed_link *link = &replica->peers[peer].feed;
    uint64_t lag_us = replica->now.monotonic_us - sent_us;
    link->lag_us -= link->lag_us / 8;
    if (link->lag_us < lag_us)
        link->lag_us = lag_us;
    link->stalled = false;
}

/* By when something should have been acknowledged. */
static uint64_t stalls_at(const struct holm_replica *replica, const struct holm_feed_link *link)
{
    if (link->out == NULL || link->out->flight_count == 0 || link->stalled)
        return HOLM_NEVER;
    return link->out->flights[0].sent_us + STALL_LAGS * link->lag_us +
           STALL_RETRIES * replica->config.retry_min_us +
           (OWED_FLUSHES + PATIENCE_FLUSHES) * replica->config.flush_interval_us;
}

/* A peer that is fed does not answer, and is not down so far: it may be that it does not feed, either. */
static void stall(struct holm_replica *replica, uint32_t peer)
{
    replica->peers[peer].feed.stalled = true;
    replica->stats.stalls += 1;
    for (size_t i = 0; i < replica->peer_capacity; i++) {
        struct holm_feed_link *link = &replica->peers[i].feed;
        if (!replica->peers[i].up || !link->lazy || !link->can || !wants(link))
            continue;
        link->lazy = false;
        link->probe = true;
    }
}

/* Both sides have told what they have by now: who has nothing for the other hears of the same already. */
static void judge_probe(struct holm_replica *replica, uint32_t peer)
{
    struct holm_feed_link *link = &replica->peers[peer].feed;
    if (!link->probe || !link->level || link->out == NULL || link->out->answer)
        return;
    link->probe = false;
    if (!link->brought && !link->out->gave && prune(replica, peer) != HOLM_OK)
        replica->retry = link->probe = true;
}

/* ---- what stays missing */

void holm_replica_trust(struct holm_replica *replica, uint32_t peer)
{
    struct holm_feed_link *link = &replica->peers[peer].feed;
    link->claim_us = link->still_us = link->never_us = 0;
}

static void ask_for_missing(struct holm_replica *replica, uint32_t peer)
{
    struct holm_replica_peer *known = &replica->peers[peer];
    struct holm_feed_link *link = &known->feed;
    if (!link->can || link->wish == HOLM_FOLLOW_NEVER || (!link->lazy && !link->following)) {
        holm_replica_mark_ahead(replica, peer, 0);
        return;
    }
    holm_replica_trust(replica, peer);
    if (link->following) {
        follow_later(replica, peer);
        return;
    }
    link->lazy = false;
    link->grafted = true;
    replica->stats.grafts += 1;
}

void holm_replica_doubt_seq(struct holm_replica *replica, uint32_t peer, uint64_t seq)
{
    const struct holm_replica_peer *known = &replica->peers[peer];
    struct holm_feed_link *link = &replica->peers[peer].feed;
    if (seq <= holm_replica_seq(replica, known->actor) || link->claim_us != 0)
        return;
    link->claim = seq;
    link->claim_us = replica->now.monotonic_us + link->patience_us;
}

void holm_replica_doubt_new(struct holm_replica *replica, uint32_t peer, uint64_t seq)
{
    struct holm_feed_link *link = &replica->peers[peer].feed;
    uint64_t wait_us = replica->config.retry_min_us;
    if (link->following || seq <= holm_replica_seq(replica, replica->peers[peer].actor))
        return;
    link->claim = seq;
    link->claim_us = replica->now.monotonic_us + wait_us / 2 +
                     holm_replica_random(replica, wait_us + 1);
}

void holm_replica_doubt(struct holm_replica *replica, uint32_t peer,
                        const struct holm_beacon_entry *entry)
{
    struct holm_feed_link *link = &replica->peers[peer].feed;
    uint64_t now_us = replica->now.monotonic_us;
    if (link->following && !link->level)
        return; /* there is a time by which it must have brought something */
    holm_replica_doubt_seq(replica, peer, entry->own_seq);
    if (link->still_us == 0 || link->still != replica->actors.hash) {
        link->still = replica->actors.hash;
        link->still_us = now_us + link->patience_us;
    }
    if (link->never_us == 0)
        link->never_us = now_us + NEVER_PATIENCES * link->patience_us;
    else if (link->never_us <= now_us && (link->lazy || link->following))
        ask_for_missing(replica, peer);
}

void holm_replica_exceeded(struct holm_replica *replica, uint32_t peer,
                           struct holm_vector_view vector)
{
    struct holm_actor actor = replica->peers[peer].actor;
    struct holm_beacon_entry told = {.own_seq = holm_vector_view_seq(vector, actor)};
    if (holm_actors_cover(&replica->actors, vector))
        return;
    if (holm_replica_is_fed(replica))
        holm_replica_doubt(replica, peer, &told);
    else
        holm_replica_mark_ahead(replica, peer, 0);
}

/* Ends what has come to nothing; whether something is missing for too long. */
static bool misses(struct holm_replica *replica, struct holm_replica_peer *known)
{
    struct holm_feed_link *link = &known->feed;
    uint64_t now_us = replica->now.monotonic_us;
    bool missing = false;
    if (link->claim_us != 0 && link->claim_us <= now_us) {
        missing |= holm_replica_seq(replica, known->actor) < link->claim;
        link->claim_us = 0;
    }
    if (link->still_us != 0 && link->still_us <= now_us) {
        missing |= replica->actors.hash == link->still;
        link->still_us = 0;
    }
    return missing && (!known->told || known->told_hash != replica->actors.hash);
}

/* ---- time */

static void look_after(struct holm_replica *replica, uint32_t peer)
{
    struct holm_replica_peer *known = &replica->peers[peer];
    struct holm_feed_link *link = &known->feed;
    uint64_t now_us = replica->now.monotonic_us;
    if (link->following && !link->level && link->deadline_us <= now_us)
        follow_later(replica, peer);
    if (misses(replica, known))
        ask_for_missing(replica, peer);
    if (stalls_at(replica, link) <= now_us)
        stall(replica, peer);
    judge_probe(replica, peer);
    if (link->owed > 0 && link->ack_us <= now_us)
        acknowledge(replica, peer);
}

void holm_replica_follow_tick(struct holm_replica *replica)
{
    for (uint32_t i = 0; i < replica->peer_capacity; i++) {
        if (replica->peers[i].up)
            look_after(replica, i);
    }
    follow_next(replica);
}

static uint64_t sooner(uint64_t wake, uint64_t when)
{
    return when == 0 ? wake : earlier(wake, when);
}

uint64_t holm_replica_follow_wake(const struct holm_replica *replica)
{
    uint64_t wake = HOLM_NEVER, now_us = replica->now.monotonic_us;
    bool busy = catching_up(replica);
    for (size_t i = 0; i < replica->peer_capacity; i++) {
        const struct holm_feed_link *link = &replica->peers[i].feed;
        if (!replica->peers[i].up)
            continue;
        wake = sooner(sooner(wake, link->claim_us), link->still_us);
        wake = earlier(wake, stalls_at(replica, link));
        if (link->following && !link->level)
            wake = earlier(wake, link->deadline_us);
        if (link->following && !link->level && waits_until(replica, link) > now_us)
            wake = earlier(wake, waits_until(replica, link));
        if (link->owed > 0)
            wake = earlier(wake, link->ack_us);
        if (!busy && to_follow(&replica->peers[i]))
            wake = earlier(wake, link->retry_us);
    }
    return wake;
}

/* ---- looking */

uint64_t holm_replica_fed_us(const struct holm_replica *replica, uint32_t peer)
{
    return peer < replica->peer_capacity ? replica->peers[peer].feed.fed_us : 0;
}

uint64_t holm_replica_strangers(const struct holm_replica *replica)
{
    return replica->stats.strangers;
}

struct holm_feed_look holm_replica_feed_look(const struct holm_replica *replica, uint32_t peer)
{
    if (peer >= replica->peer_capacity)
        return (struct holm_feed_look){.followed = false};
    const struct holm_feed_link *link = &replica->peers[peer].feed;
    struct holm_feed_look look = {.following = link->following, .lazy = link->lazy};
    if (link->out != NULL) {
        look.followed = true;
        look.sent = link->out->number;
        look.unacknowledged = link->out->flight_bytes;
    }
    return look;
}

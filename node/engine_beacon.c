/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a node says of what it has, and when.
 *
 *     change  1 s  1 s  1 s  1 s  1 s   2 s     2 s     ...     4 s             4 s         change  1 s
 *
 * When nothing has changed for as many beacons as it takes until each peer has got one over its link, neither here
 * nor in what peers say, the pause is doubled; and once more. A step that stores or says something, a peer that comes
 * or goes, a beacon that tells of another vector: any of them brings the base rate back at once. So the last
 * write of a burst, if it was lost, is noticed as soon as ever.
 *
 *     write write write . . . . beacon             1 s
 *
 * A run that was lost shows by the next one; the last of a burst by a beacon alone. So the next beacon comes
 * early, when no run has been broadcast for twice as long as there lately was between any two: who goes on writing
 * hardly ever gets there.
 *
 *     a peer comes    pull, pull    beacon         1 s
 *
 * After a netsplit two nodes meet first, and take from each other what their halves have written. The others of each
 * half learn by a beacon that there is something. So for a while after a peer has come, what was pulled brings the
 * next beacon forward as well.
 */
#include "node/engine_state.h"

/* Every so many beacons, a peer gets one over its link as well. */
#define BEACONS_A_LINK_BEACON 5
/* With many peers ever more rarely, so that it is about so many of them at a time. */
#define LINK_BEACONS_A_BEACON 4
/* Of a stretched pause, up to this part is left off: nodes that fell silent together do not speak together. */
#define JITTER 8
/* Of the base interval: a burst is over after that, at least; and a beacon does not come early more often. */
#define EARLY_AFTER 40
#define EARLY_EVERY 4
/* ... or after so many times what is about the longest time between two runs of it: that part is forgotten with each. */
#define EARLY_GAPS 2
#define GAP_FADES 16
/* So many intervals after a peer has come, what is pulled is news to others. */
#define NEWS_FOR 2

/* ---- what is said --------------------------------------------------------------------------- */

/* The lines of all partitions, with nothing pending, so that each names a vector that is sealed. */
static size_t beacon_fill(struct holm_engine *engine, struct holm_now now, uint64_t *strange)
{
    size_t count = 0;
    uint64_t strangers = 0;
    struct holm_event flush = {.type = HOLM_EVENT_FLUSH};
    for (uint32_t i = 0; i < engine->partition_count; i++) {
        struct holm_engine_partition *partition = &engine->partitions[i];
        pthread_mutex_lock(&partition->lock);
        if (holm_engine_step(engine, i, &flush, now, NULL) == HOLM_OK &&
            !holm_engine_is_silent(engine, i) && !holm_replica_pending(partition->replica))
            engine->entries[count++] = holm_replica_beacon(partition->replica);
        strangers += holm_replica_strangers(partition->replica);
        pthread_mutex_unlock(&partition->lock);
    }
    *strange = strangers;
    return count;
}

static void beacon_send(struct holm_engine *engine, uint32_t peer,
                        const struct holm_beacon_entry *entries, size_t count)
{
    size_t room = (engine->config.frame_bytes_max - HOLM_FRAME_HEAD_BYTES_MAX) /
                  HOLM_BEACON_ENTRY_BYTES_MAX;
    struct holm_message message;
    memset(&message, 0, sizeof message);
    message.type = HOLM_MESSAGE_BEACON;
    message.sender = holm_roster_self(engine->roster);
    for (size_t first = 0; first < count; first += room) {
        message.as.beacon.entries = entries + first;
        message.as.beacon.count = count - first < room ? count - first : room;
        enum holm_status status = holm_outgoing_put(&engine->outgoing, peer, &message);
        (void)status; /* counted there, and there is another beacon soon */
    }
}

/* Over its link a peer is told what no feed has just told it more of. */
static void beacon_send_link(struct holm_engine *engine, uint32_t peer, size_t count,
                             struct holm_now now)
{
    struct holm_beacon_entry *news = engine->entries + engine->partition_count;
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t partition = engine->entries[i].partition;
        pthread_mutex_lock(&engine->partitions[partition].lock);
        uint64_t fed_us = holm_replica_fed_us(engine->partitions[partition].replica, peer);
        pthread_mutex_unlock(&engine->partitions[partition].lock);
        if (fed_us == 0 || fed_us + engine->config.beacon_interval_us < now.monotonic_us)
            news[kept++] = engine->entries[i];
    }
    beacon_send(engine, peer, news, kept);
}

bool holm_engine_is_provisional(const struct holm_engine *engine)
{
    return engine->members != NULL && !engine->members->confirmed;
}

void holm_engine_beacon(struct holm_engine *engine, uint32_t peer, struct holm_now now)
{
    uint64_t strangers;
    if (holm_engine_is_provisional(engine))
        return;
    size_t count = beacon_fill(engine, now, &strangers);
    beacon_send(engine, peer, engine->entries, count);
}

/* So many beacons go out until each peer has got one over its link. */
static uint32_t turns_of(uint32_t slots)
{
    uint32_t turns = slots / LINK_BEACONS_A_BEACON;
    return turns < BEACONS_A_LINK_BEACON ? BEACONS_A_LINK_BEACON : turns;
}

/* A publisher may be out of a peer's reach (a port that is not let through) while the link is well:
 * then its broadcasts, beacons among them, are lost for good. So each peer gets some by link. */
void holm_engine_beacon_all(struct holm_engine *engine, struct holm_now now)
{
    uint64_t strangers;
    if (engine->members != NULL)
        holm_engine_members_report(engine, now);
    if (holm_engine_is_provisional(engine))
        return;
    size_t count = beacon_fill(engine, now, &strangers);
    uint32_t slots = holm_roster_slots(engine->roster);
    uint32_t turns = turns_of(slots);
    beacon_send(engine, HOLM_PEER_NONE, engine->entries, count);
    for (uint32_t peer = engine->beacon_turn % turns; peer < slots; peer += turns) {
        if (holm_roster_up(engine->roster, peer))
            beacon_send_link(engine, peer, count, now);
    }
    engine->beacon_turn = (engine->beacon_turn + 1) % turns;
    holm_engine_relay_strangers(engine, strangers, now);
}

/* ---- when ----------------------------------------------------------------------------------- */

/* Whether something has changed since this was last asked. Who is no member so far has much to hear of. */
static bool has_changed(struct holm_engine *engine)
{
    uint64_t changes = atomic_load_explicit(&engine->changes, memory_order_relaxed);
    bool changed = engine->differs || changes != engine->beacon_changes ||
                   holm_engine_is_provisional(engine);
    engine->beacon_changes = changes;
    engine->differs = false;
    return changed;
}

static uint64_t next_pause(struct holm_engine *engine)
{
    uint64_t interval = engine->config.beacon_interval_us;
    uint32_t turns = turns_of(holm_roster_slots(engine->roster));
    if (engine->quiet_beacons < turns)
        return interval;
    uint64_t stretched = engine->quiet_beacons < 2 * turns ? 2 * interval : 4 * interval;
    return stretched - holm_random_between(&engine->random, 0, stretched / JITTER);
}

/* Where feeds bring what is written nothing is lost by the way. */
static void look_for_the_last(struct holm_engine *engine, struct holm_now now)
{
    uint64_t published = atomic_load_explicit(&engine->published, memory_order_relaxed);
    uint64_t interval = engine->config.beacon_interval_us;
    uint64_t least = interval / EARLY_AFTER;
    if (published == engine->published_seen || engine->relaying)
        return;
    uint64_t gap_us = now.monotonic_us - engine->published_us;
    uint64_t longest_us = engine->published_gap_us - engine->published_gap_us / GAP_FADES;
    if (gap_us >= interval)
        longest_us = 0; /* a burst begins */
    else if (longest_us < gap_us)
        longest_us = gap_us;
    engine->published_gap_us = longest_us;
    engine->published_seen = published;
    engine->published_us = now.monotonic_us;
    uint64_t pause_us = EARLY_GAPS * longest_us > least ? EARLY_GAPS * longest_us : least;
    pause_us += holm_random_between(&engine->random, 0, least);
    engine->early_us = now.monotonic_us + pause_us;
    if (engine->early_us < engine->early_sent_us + interval / EARLY_EVERY)
        engine->early_us = engine->early_sent_us + interval / EARLY_EVERY;
}

/* Where feeds bring what is new it goes on by itself, and without news of a cut only a hole was filled. */
static void look_for_news(struct holm_engine *engine, struct holm_now now)
{
    uint64_t pulled = atomic_load_explicit(&engine->pulled, memory_order_relaxed);
    uint64_t interval = engine->config.beacon_interval_us;
    uint64_t least = interval / EARLY_AFTER;
    bool news = pulled != engine->pulled_seen && !engine->relaying &&
                now.monotonic_us < engine->met_us + NEWS_FOR * interval;
    engine->pulled_seen = pulled;
    if (!news || engine->news_us != HOLM_NEVER)
        return;
    engine->news_us = now.monotonic_us + least + holm_random_between(&engine->random, 0, least);
    if (engine->news_us < engine->news_sent_us + interval / EARLY_EVERY)
        engine->news_us = engine->news_sent_us + interval / EARLY_EVERY;
}

/* The beacon that is due next comes forward. */
static void come_forward(struct holm_engine *engine, struct holm_now now)
{
    look_for_the_last(engine, now);
    look_for_news(engine, now);
    if (engine->early_us <= now.monotonic_us) {
        engine->early_sent_us = engine->beacon_us = now.monotonic_us;
        engine->early_us = HOLM_NEVER;
    }
    if (engine->news_us <= now.monotonic_us) {
        engine->news_sent_us = engine->beacon_us = now.monotonic_us;
        engine->news_us = HOLM_NEVER;
    }
}

uint64_t holm_engine_beacon_due_us(const struct holm_engine *engine)
{
    uint64_t due_us = engine->early_us < engine->beacon_us ? engine->early_us : engine->beacon_us;
    return engine->news_us < due_us ? engine->news_us : due_us;
}

void holm_engine_beacon_tick(struct holm_engine *engine, struct holm_now now)
{
    come_forward(engine, now);
    bool due = engine->beacon_us <= now.monotonic_us;
    uint64_t soon = now.monotonic_us + engine->config.beacon_interval_us;
    if (engine->quiet_beacons == 0 && !due)
        return; /* what changes is looked at with the next beacon */
    if (has_changed(engine)) {
        engine->quiet_beacons = 0;
        if (engine->beacon_us > soon)
            engine->beacon_us = soon;
    } else if (due && engine->quiet_beacons < UINT32_MAX) {
        engine->quiet_beacons++;
    }
    if (!due)
        return;
    holm_engine_beacon_all(engine, now);
    engine->beacon_us += next_pause(engine);
    /* After a halt there is no hurry to make up for what was missed. */
    if (engine->beacon_us <= now.monotonic_us)
        engine->beacon_us = soon;
}

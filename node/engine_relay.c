/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How this node hears of writes: from everyone's publisher, or by feeds.
 *
 * Few nodes that all reach each other subscribe to each other. Feeds take over when there are many, when
 * the host wants it, or when runs keep coming of nodes that there is no link to: then others must relay, and
 * they do so at once instead of when a beacon tells.
 */
#include "node/engine_state.h"
#include "node/overlay.h"

/* The list of peers is looked at again at most so often: many come up at once. */
#define REVIEW_US 100000
/* Runs of strangers came between so many beacons in a row; and that counts for so many more. */
#define STRANGE_BEACONS 3
#define STRANGE_LASTS 60

/* A peer that is up. */
struct neighbour {
    uint32_t slot;
    bool can; /* it knows feeds */
};

struct review {
    struct neighbour neighbours[HOLM_REPLICA_PEERS_MAX];
    struct holm_node_id ids[HOLM_REPLICA_PEERS_MAX];
    bool chosen[HOLM_REPLICA_PEERS_MAX];
    size_t count;
};

static void look_around(struct holm_engine *engine, struct review *review)
{
    review->count = 0;
    pthread_mutex_lock(&engine->roster_lock);
    uint32_t slots = holm_roster_slots(engine->roster);
    for (uint32_t i = 0; i < slots; i++) {
        if (!holm_roster_up(engine->roster, i))
            continue;
        bool can = (holm_roster_features(engine->roster, i) & HOLM_FEATURE_FEEDS) != 0;
        review->neighbours[review->count] = (struct neighbour){i, can};
        review->ids[review->count++] = holm_roster_node(engine->roster, i);
    }
    pthread_mutex_unlock(&engine->roster_lock);
}

static void decide(struct holm_engine *engine, size_t peers, struct holm_now now)
{
    size_t few = engine->relaying ? HOLM_OVERLAY_MESH_AGAIN : HOLM_OVERLAY_MESH_MAX;
    bool relaying = engine->config.relay || peers + 1 > few ||
                    now.monotonic_us < engine->strange_until_us;
    if (relaying != engine->relaying)
        holm_log_line(&engine->config.log, HOLM_LOG_NOTICE,
                      relaying ? "writes are heard of by feeds from now on"
                               : "writes are heard of by broadcast from now on");
    engine->relaying = relaying;
}

static void wish(struct holm_engine *engine, uint32_t slot, enum holm_follow_wish wish,
                 struct holm_now now)
{
    struct holm_event event = {.type = HOLM_EVENT_FOLLOW};
    event.as.follow.peer = slot;
    event.as.follow.wish = wish;
    if (engine->wishes[slot] == (uint8_t)wish)
        return;
    if (holm_engine_step_all(engine, &event, now) == HOLM_OK)
        engine->wishes[slot] = (uint8_t)wish;
    else
        engine->review_us = now.monotonic_us + REVIEW_US;
}

/* Whether this peer's broadcasts are wanted. */
static bool wants_broadcasts(const struct holm_engine *engine, bool can)
{
    return !engine->relaying || !can;
}

static void hear(struct holm_engine *engine, const struct neighbour *neighbour)
{
    char publisher[HOLM_ROSTER_TEXT_BYTES];
    pthread_mutex_lock(&engine->roster_lock);
    struct holm_subscription_id had = holm_roster_subscription(engine->roster, neighbour->slot);
    holm_roster_publisher(engine->roster, neighbour->slot, publisher);
    bool wanted = wants_broadcasts(engine, neighbour->can);
    if (!wanted && had.value != 0)
        holm_roster_subscribed(engine->roster, neighbour->slot, (struct holm_subscription_id){0});
    pthread_mutex_unlock(&engine->roster_lock);
    if (!wanted && had.value != 0)
        engine->transport->ops->unsubscribe(engine->transport, had);
    if (wanted && had.value == 0 && publisher[0] != '\0')
        holm_engine_subscribe(engine, neighbour->slot, publisher);
}

static void review(struct holm_engine *engine, struct holm_now now)
{
    struct review *review = engine->review;
    look_around(engine, review);
    decide(engine, review->count, now);
    holm_overlay_choose(holm_roster_self(engine->roster).node, review->ids, review->count,
                        engine->overlay_seed, review->chosen);
    for (size_t i = 0; i < review->count; i++) {
        const struct neighbour *neighbour = &review->neighbours[i];
        enum holm_follow_wish wanted = review->chosen[i] ? HOLM_FOLLOW_WANT : HOLM_FOLLOW_BACK;
        wish(engine, neighbour->slot,
             engine->relaying && neighbour->can ? wanted : HOLM_FOLLOW_NEVER, now);
        hear(engine, neighbour);
    }
}

bool holm_engine_hears(struct holm_engine *engine, uint32_t peer)
{
    pthread_mutex_lock(&engine->roster_lock);
    bool can = (holm_roster_features(engine->roster, peer) & HOLM_FEATURE_FEEDS) != 0;
    pthread_mutex_unlock(&engine->roster_lock);
    return wants_broadcasts(engine, can);
}

void holm_engine_relay_changed(struct holm_engine *engine, uint32_t peer, struct holm_now now)
{
    engine->wishes[peer] = HOLM_FOLLOW_NEVER;
    uint64_t next = engine->reviewed_us + REVIEW_US;
    if (engine->review_us == HOLM_NEVER)
        engine->review_us = next > now.monotonic_us && engine->reviewed_us != 0 ? next
                                                                                : now.monotonic_us;
}

void holm_engine_relay_strangers(struct holm_engine *engine, uint64_t strangers,
                                 struct holm_now now)
{
    engine->strange_beacons = strangers == engine->strangers ? 0 : engine->strange_beacons + 1;
    engine->strangers = strangers;
    if (engine->strange_beacons >= STRANGE_BEACONS ||
        (engine->strange_beacons > 0 && engine->strange_until_us > now.monotonic_us))
        engine->strange_until_us = now.monotonic_us +
                                   STRANGE_LASTS * engine->config.beacon_interval_us;
    bool strange = engine->strange_until_us > now.monotonic_us;
    if (strange != engine->strange)
        engine->review_us = now.monotonic_us;
    engine->strange = strange;
}

void holm_engine_relay_tick(struct holm_engine *engine, struct holm_now now)
{
    if (engine->review_us > now.monotonic_us)
        return;
    engine->review_us = HOLM_NEVER;
    engine->reviewed_us = now.monotonic_us;
    review(engine, now);
}

enum holm_status holm_engine_relay_open(struct holm_engine *engine)
{
    const struct holm_allocator *allocator = &engine->config.allocator;
    engine->review_us = HOLM_NEVER;
    engine->review = holm_allocate(allocator, sizeof *engine->review);
    engine->wishes = holm_allocate(allocator, engine->config.peers_max);
    if (engine->review == NULL || engine->wishes == NULL)
        return HOLM_ENOMEM;
    memset(engine->wishes, HOLM_FOLLOW_NEVER, engine->config.peers_max);
    return HOLM_OK;
}

void holm_engine_relay_free(struct holm_engine *engine)
{
    const struct holm_allocator *allocator = &engine->config.allocator;
    holm_deallocate(allocator, engine->review, sizeof *engine->review);
    holm_deallocate(allocator, engine->wishes, engine->config.peers_max);
}

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

/* Room for peers_max of each. */
struct review {
    struct neighbour *neighbours;
    struct holm_node_id *ids;
    bool *chosen;
    bool *branches; /* of the tree of a partition */
    size_t count;
};

static void look_around(struct holm_engine *engine, struct review *review)
{
    review->count = 0;
    pthread_mutex_lock(&engine->roster_lock);
    uint32_t slots = holm_roster_slots(engine->roster);
    for (uint32_t i = 0; i < slots; i++) {
        if (!holm_roster_met(engine->roster, i))
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
    bool strange = now.monotonic_us < engine->strange_until_us;
    bool many = peers + 1 > few;
    bool relaying = engine->config.relay || many || strange;
    if (relaying != engine->relaying)
        holm_log_tell(&engine->config.log, now,
                      relaying ? HOLM_LOG_FEEDS_BEGUN : HOLM_LOG_FEEDS_ENDED, HOLM_LOG_NOTHING);
    engine->relaying = relaying;
    /* Who does not see all would draw another tree than the others. */
    engine->draws = many && !strange;
}

static void wish(struct holm_engine *engine, uint32_t slot, uint32_t partition,
                 enum holm_follow_wish wish, struct holm_now now)
{
    struct holm_event event = {.type = HOLM_EVENT_FOLLOW};
    uint8_t *told = &engine->wishes[(size_t)slot * engine->partition_count + partition];
    event.as.follow.peer = slot;
    event.as.follow.wish = wish;
    if (*told == (uint8_t)wish)
        return;
    /* It is said again when this epoch is a member. */
    if (holm_engine_is_provisional(engine) ||
        holm_engine_step_locked(engine, partition, &event, now) != HOLM_ENOMEM)
        *told = (uint8_t)wish;
    else
        engine->review_us = now.monotonic_us + REVIEW_US;
}

/* With a tree, what it has no branch for is followed when something is missing. */
static void wish_all(struct holm_engine *engine, uint32_t partition, struct holm_now now)
{
    struct review *review = engine->review;
    if (engine->draws)
        holm_overlay_tree(engine->overlay, partition, review->branches);
    for (size_t i = 0; i < review->count; i++) {
        const struct neighbour *neighbour = &review->neighbours[i];
        enum holm_follow_wish wanted = HOLM_FOLLOW_BACK;
        if (!engine->relaying || !neighbour->can)
            wanted = HOLM_FOLLOW_NEVER;
        else if (review->chosen[i])
            wanted = engine->draws && !review->branches[i] ? HOLM_FOLLOW_SPARE : HOLM_FOLLOW_WANT;
        wish(engine, neighbour->slot, partition, wanted, now);
    }
}

/* Whether this peer's broadcasts are wanted. */
static bool wants_broadcasts(const struct holm_engine *engine, bool can)
{
    return !engine->relaying || !can;
}

static void hear(struct holm_engine *engine, const struct neighbour *neighbour, struct holm_now now)
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
        holm_engine_subscribe(engine, neighbour->slot, publisher, now);
}

static void review(struct holm_engine *engine, struct holm_now now)
{
    struct review *review = engine->review;
    look_around(engine, review);
    decide(engine, review->count, now);
    holm_overlay_draw(engine->overlay, holm_roster_self(engine->roster).node, review->ids,
                      review->count, engine->overlay_seed);
    holm_overlay_choose(engine->overlay, review->chosen);
    for (uint32_t i = 0; i < engine->partition_count; i++)
        wish_all(engine, i, now);
    for (size_t i = 0; i < review->count; i++)
        hear(engine, &review->neighbours[i], now);
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
    memset(engine->wishes + (size_t)peer * engine->partition_count, HOLM_FOLLOW_NEVER,
           engine->partition_count);
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

static size_t wishes_count(const struct holm_engine *engine)
{
    return (size_t)engine->config.peers_max * engine->partition_count;
}

static bool make_room(struct holm_engine *engine)
{
    const struct holm_allocator *allocator = &engine->config.allocator;
    size_t peers = engine->config.peers_max;
    struct review *review = holm_allocate(allocator, sizeof *review);
    engine->review = review;
    if (review == NULL)
        return false;
    *review = (struct review){
        .neighbours = holm_allocate(allocator, peers * sizeof *review->neighbours),
        .ids = holm_allocate(allocator, peers * sizeof *review->ids),
        .chosen = holm_allocate(allocator, peers * sizeof *review->chosen),
        .branches = holm_allocate(allocator, peers * sizeof *review->branches)};
    return review->neighbours != NULL && review->ids != NULL && review->chosen != NULL &&
           review->branches != NULL;
}

enum holm_status holm_engine_relay_open(struct holm_engine *engine)
{
    const struct holm_allocator *allocator = &engine->config.allocator;
    engine->review_us = HOLM_NEVER;
    engine->overlay = holm_overlay_new(allocator, engine->config.peers_max);
    engine->wishes = holm_allocate(allocator, wishes_count(engine));
    if (!make_room(engine) || engine->overlay == NULL || engine->wishes == NULL)
        return HOLM_ENOMEM;
    memset(engine->wishes, HOLM_FOLLOW_NEVER, wishes_count(engine));
    return HOLM_OK;
}

void holm_engine_relay_free(struct holm_engine *engine)
{
    const struct holm_allocator *allocator = &engine->config.allocator;
    size_t peers = engine->config.peers_max;
    struct review *review = engine->review;
    holm_overlay_free(allocator, engine->overlay);
    holm_deallocate(allocator, engine->wishes, wishes_count(engine));
    if (review == NULL)
        return;
    holm_deallocate(allocator, review->neighbours, peers * sizeof *review->neighbours);
    holm_deallocate(allocator, review->ids, peers * sizeof *review->ids);
    holm_deallocate(allocator, review->chosen, peers * sizeof *review->chosen);
    holm_deallocate(allocator, review->branches, peers * sizeof *review->branches);
    holm_deallocate(allocator, review, sizeof *review);
}

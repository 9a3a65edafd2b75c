/* SPDX-License-Identifier: Apache-2.0 */
#include "crdt/replica.h"

#include "crdt/replica_parts.h"

#define TOUCHED_KEPT 1024

struct holm_replica_config holm_replica_config_default(void)
{
    return (struct holm_replica_config){
        .flush_interval_us = 1000,
        .pull_timeout_us = 1000000,
        .retry_min_us = 20000,
        .retry_max_us = 5000000,
        .cut_timeout_us = 10000000,
        .cut_life_us = 600000000,
        .max_drift_ms = 60000,
        .frame_bytes_max = (size_t)1 << 20,
        .flush_bytes = (size_t)64 << 10,
        .feed_bytes_max = (size_t)256 << 10,
        .unacked_bytes_max = (size_t)1 << 20,
        .lag_us = 250000,
        .log_bytes_max = (size_t)4 << 20,
        .holdback_bytes_max = (size_t)4 << 20,
        .sync_bytes_max = (size_t)1 << 30,
        .cuts_max = 2,
        .kept_bytes_max = (size_t)64 << 20,
        .actors_max = 65536,
        .page_items_max = 32768,
    };
}

/* A run has at most flush_bytes + half a frame of items, and deps of every actor: with at most a
 * 64th as many actors as a frame has bytes, it always fits. */
static enum holm_status settle_limits(struct holm_replica_config *config)
{
    if (config->frame_bytes_max < 4096 || config->allocator.resize == NULL ||
        config->self.epoch.value == 0 || config->page_items_max == 0 ||
        config->unacked_bytes_max == 0)
        return HOLM_EINVAL;
    if (config->retry_min_us == 0 || config->retry_max_us < config->retry_min_us)
        return HOLM_EINVAL;
    if (config->flush_bytes > config->frame_bytes_max / 8)
        config->flush_bytes = config->frame_bytes_max / 8;
    if (config->actors_max > config->frame_bytes_max / 64)
        config->actors_max = config->frame_bytes_max / 64;
    return HOLM_OK;
}

enum holm_status holm_replica_new(const struct holm_replica_config *config,
                                  struct holm_replica **result)
{
    *result = NULL;
    struct holm_replica_config settled = *config;
    enum holm_status status = settle_limits(&settled);
    if (status != HOLM_OK)
        return status;
    const struct holm_allocator *allocator = &settled.allocator;
    struct holm_replica *replica = holm_allocate(allocator, sizeof *replica);
    if (replica == NULL)
        return HOLM_ENOMEM;
    memset(replica, 0, sizeof *replica);
    replica->config = settled;
    replica->random = settled.random_seed;
    replica->feeder = replica->root.from = HOLM_PEER_NONE;
    replica->may_receive = replica->may_serve = true;
    holm_arena_init(&replica->scratch, allocator);
    /* Two for oneself: one that wrote before it knew how many there are, and its next life. */
    holm_actors_init(&replica->actors, allocator, settled.digest_seed, settled.actors_max + 2);
    holm_pending_init(&replica->pending, allocator);
    holm_vector_init(&replica->collected, allocator);
    holm_oplog_init(&replica->log, allocator, settled.log_bytes_max);
    holm_holdback_init(&replica->holdback, allocator, settled.holdback_bytes_max);
    status = holm_actors_intern(&replica->actors, settled.self, &replica->self);
    holm_pending_restart(&replica->pending, replica->self, 0);
    if (status == HOLM_OK)
        status = holm_guard_new(replica);
    if (status == HOLM_OK)
        status = holm_state_init(&replica->state, allocator, &replica->actors, settled.digest_seed);
    if (status != HOLM_OK) {
        holm_replica_free(replica);
        return status;
    }
    if (settled.ordered)
        holm_state_keep_order(&replica->state);
    *result = replica;
    return HOLM_OK;
}

static void forget_touched(struct holm_replica *replica)
{
    void *touched = replica->touched;
    holm_array_trim(&replica->config.allocator, &touched, &replica->touched_capacity,
                    sizeof *replica->touched, TOUCHED_KEPT);
    replica->touched = touched;
}

static void forget_work(struct holm_replica *replica)
{
    for (size_t i = 0; i < replica->work.stored_count; i++)
        holm_delta_release(replica->stored[i]);
    for (size_t i = 0; i < replica->lent_count; i++)
        holm_page_release(replica->lent[i]);
    replica->lent_count = 0;
    forget_touched(replica);
    memset(&replica->work, 0, sizeof replica->work);
    holm_arena_clear(&replica->scratch);
}

void holm_replica_free(struct holm_replica *replica)
{
    if (replica == NULL)
        return;
    const struct holm_allocator allocator = replica->config.allocator;
    forget_work(replica);
    holm_replica_abandon_sync(replica);
    while (replica->served_count > 0)
        holm_replica_stop_serving(replica, replica->served[0].peer, replica->served[0].number);
    for (uint32_t i = 0; i < replica->peer_capacity; i++)
        holm_replica_feed_end(replica, i);
    holm_state_release(&replica->state);
    holm_pending_release(&replica->pending);
    holm_vector_release(&replica->collected);
    holm_guard_free(replica);
    holm_oplog_release(&replica->log);
    holm_holdback_release(&replica->holdback);
    holm_actors_release(&replica->actors);
    holm_arena_release(&replica->scratch);
    holm_array_free(&allocator, replica->peers, replica->peer_capacity, sizeof *replica->peers);
    holm_array_free(&allocator, replica->served, replica->served_capacity, sizeof *replica->served);
    holm_array_free(&allocator, replica->superseding, replica->superseding_capacity,
                    sizeof *replica->superseding);
    holm_array_free(&allocator, replica->outputs, replica->output_capacity,
                    sizeof *replica->outputs);
    holm_array_free(&allocator, replica->stored, replica->stored_capacity, sizeof *replica->stored);
    holm_array_free(&allocator, replica->touched, replica->touched_capacity,
                    sizeof *replica->touched);
    holm_array_free(&allocator, replica->lent, replica->lent_capacity, sizeof *replica->lent);
    holm_deallocate(&allocator, replica, sizeof *replica);
}

size_t holm_replica_writers(const struct holm_replica *replica)
{
    HOLM_ASSERT(replica->actors.known > 0);
    return replica->actors.known - (replica->actors.rows[replica->self].seq == 0 ? 1 : 0);
}

enum holm_status holm_replica_intern(struct holm_replica *replica, struct holm_actor actor,
                                     size_t more, uint32_t *index)
{
    *index = holm_actors_find(&replica->actors, actor);
    if (*index != HOLM_ACTOR_NONE)
        return HOLM_OK;
    if (holm_replica_writers(replica) >= replica->config.actors_max + more)
        return HOLM_ELIMIT;
    return holm_actors_intern(&replica->actors, actor, index);
}

void holm_replica_work_begin(struct holm_replica *replica, struct holm_now now)
{
    forget_work(replica);
    replica->now = now;
}

struct holm_message holm_replica_message(const struct holm_replica *replica,
                                         enum holm_message_type type)
{
    return (struct holm_message){.type = type,
                                 .partition = replica->config.partition,
                                 .sender = replica->actors.rows[replica->self].actor};
}

enum holm_status holm_replica_output(struct holm_replica *replica, uint32_t peer,
                                     const struct holm_message *message)
{
    void *outputs = replica->outputs;
    enum holm_status status = holm_array_reserve(
        &replica->config.allocator, &outputs, &replica->output_capacity, sizeof *replica->outputs,
        replica->work.output_count + 1);
    replica->outputs = outputs;
    if (status != HOLM_OK)
        return status;
    replica->outputs[replica->work.output_count++] = (struct holm_output){peer, *message};
    return HOLM_OK;
}

/* Keys in a row mostly differ in the end. */
static bool same_key(struct holm_bytes a, struct holm_bytes b)
{
    const unsigned char *in_a = a.data;
    const unsigned char *in_b = b.data;
    HOLM_ASSERT(a.size > 0);
    return a.size == b.size && in_a[a.size - 1] == in_b[a.size - 1] &&
           memcmp(in_a, in_b, a.size) == 0;
}

static bool grow_touched(struct holm_replica *replica)
{
    void *touched = replica->touched;
    enum holm_status status = holm_array_reserve(
        &replica->config.allocator, &touched, &replica->touched_capacity, sizeof *replica->touched,
        replica->work.touched_count + 1);
    replica->touched = touched;
    return status == HOLM_OK;
}

void holm_replica_touch(struct holm_replica *replica, struct holm_bytes key, uint32_t actor)
{
    struct holm_work *work = &replica->work;
    struct holm_actor origin = replica->actors.rows[actor].actor;
    if (work->touched_count > 0 && same_key(replica->touched[work->touched_count - 1].key, key)) {
        replica->touched[work->touched_count - 1].origin = origin;
        return;
    }
    if (work->touched_count == replica->touched_capacity && !grow_touched(replica))
        work->touched_all = true;
    else
        replica->touched[work->touched_count++] = (struct holm_touched){key, origin};
}

enum holm_status holm_replica_reserve_stored(struct holm_replica *replica)
{
    void *stored = replica->stored;
    enum holm_status status = holm_array_reserve(&replica->config.allocator, &stored,
                                                 &replica->stored_capacity, sizeof *replica->stored,
                                                 replica->work.stored_count + 1);
    replica->stored = stored;
    return status;
}

void holm_replica_store(struct holm_replica *replica, struct holm_delta *delta)
{
    HOLM_ASSERT(replica->work.stored_count < replica->stored_capacity);
    holm_delta_retain(delta);
    replica->stored[replica->work.stored_count++] = delta;
}

enum holm_status holm_replica_copy_vector(struct holm_replica *replica,
                                          struct holm_vector_view *view)
{
    size_t count = replica->actors.entries;
    struct holm_dot *entries = holm_arena_take(&replica->scratch, count * sizeof *entries);
    if (entries == NULL && count > 0)
        return HOLM_ENOMEM;
    size_t copied = holm_actors_copy(&replica->actors, false, HOLM_ACTOR_NONE, entries, count);
    HOLM_ASSERT(copied == count);
    *view = (struct holm_vector_view){entries, count};
    return HOLM_OK;
}

/* SplitMix64 (Steele, Lea, Flood, OOPSLA 2014): enough for jitter. */
uint64_t holm_replica_random(struct holm_replica *replica, uint64_t bound)
{
    HOLM_ASSERT(bound > 0);
    replica->random += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t z = replica->random;
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (z ^ (z >> 31)) % bound;
}

/* Somebody waits for this replica to have applied what was written there. If that was broadcast, it
 * is here already or will be at once; if the broadcast was lost, it has to be asked for. */
static void take_want(struct holm_replica *replica, uint32_t peer, const struct holm_ack *want)
{
    struct holm_replica_peer *known = &replica->peers[peer];
    if (!holm_actor_equal(want->actor, known->actor))
        return;
    if (want->seq > known->wanted)
        known->wanted = want->seq;
    if (holm_replica_is_fed(replica))
        holm_replica_doubt_seq(replica, peer, want->seq);
    else if (want->seq > holm_replica_seq(replica, want->actor))
        holm_replica_mark_ahead(replica, peer, replica->config.retry_min_us / 4);
}

static enum holm_status take_ack(struct holm_replica *replica, uint32_t peer,
                                 const struct holm_message *message)
{
    const struct holm_ack *ack = &message->as.ack;
    if (message->type == HOLM_MESSAGE_WANT)
        take_want(replica, peer, ack);
    else if (holm_actor_equal(ack->actor, replica->actors.rows[replica->self].actor))
        holm_replica_seen_by(replica, &replica->peers[peer], ack->seq);
    return HOLM_OK;
}

static enum holm_status take_beacon(struct holm_replica *replica, uint32_t peer,
                                    const struct holm_beacon *beacon)
{
    for (size_t i = 0; i < beacon->count; i++) {
        if (beacon->entries[i].partition == replica->config.partition)
            holm_replica_compare(replica, peer, &beacon->entries[i]);
    }
    return HOLM_OK;
}

static enum holm_status take_message(struct holm_replica *replica, uint32_t peer,
                                     const struct holm_message *message)
{
    if (!holm_guard_meets(replica, peer, message))
        return HOLM_OK;
    if (message->type == HOLM_MESSAGE_DELTA)
        return holm_replica_receive(replica, peer, message->as.delta);
    struct holm_replica_peer *known = holm_replica_find_peer(replica, peer);
    if (known == NULL || !known->up)
        return HOLM_OK; /* everything else answers a peer, or asks for an answer */
    switch (message->type) {
    case HOLM_MESSAGE_BEACON:
        return take_beacon(replica, peer, &message->as.beacon);
    case HOLM_MESSAGE_ACK:
    case HOLM_MESSAGE_WANT:
        return take_ack(replica, peer, message);
    case HOLM_MESSAGE_PULL:
        return holm_replica_serve_pull(replica, peer, &message->as.pull);
    case HOLM_MESSAGE_DELTAS:
        return holm_replica_take_deltas(replica, peer, &message->as.deltas);
    case HOLM_MESSAGE_SYNC_OPEN:
        return holm_replica_serve_cut(replica, peer, &message->as.sync_open);
    case HOLM_MESSAGE_SYNC_CUT:
        return holm_replica_take_cut(replica, peer, &message->as.sync_cut);
    case HOLM_MESSAGE_SYNC_NEXT:
        return holm_replica_serve_pages(replica, peer, &message->as.sync_next);
    case HOLM_MESSAGE_SYNC_PAGE:
        return holm_replica_take_page(replica, peer, &message->as.sync_page);
    case HOLM_MESSAGE_SYNC_CLOSE:
        holm_replica_stop_serving(replica, peer, message->as.sync_close);
        return HOLM_OK;
    case HOLM_MESSAGE_FOLLOW:
        return holm_replica_take_follow(replica, peer, &message->as.follow);
    case HOLM_MESSAGE_UNFOLLOW:
        return holm_replica_take_unfollow(replica, peer, &message->as.unfollow);
    case HOLM_MESSAGE_FEED:
        return holm_replica_take_feed(replica, peer, &message->as.feed);
    case HOLM_MESSAGE_REPORT:
        return holm_guard_report(replica, peer, message);
    case HOLM_MESSAGE_SYNC_ASK:
        return holm_replica_serve_ask(replica, peer, &message->as.sync_ask);
    case HOLM_MESSAGE_SYNC_TELL:
        return holm_replica_take_tell(replica, peer, &message->as.sync_tell);
    case HOLM_MESSAGE_DELTA:
    case HOLM_MESSAGE_HELLO:
    case HOLM_MESSAGE_PING:
    case HOLM_MESSAGE_PONG:
    case HOLM_MESSAGE_GOODBYE:
    case HOLM_MESSAGE_STANDING:
    case HOLM_MESSAGE_JOIN:
    case HOLM_MESSAGE_JOINED:
    case HOLM_MESSAGE_REACH:
    case HOLM_MESSAGE_TUNNEL:
        break;
    }
    return HOLM_EINVAL;
}

/* An epoch that wrote nothing leaves no row: who has a twin may take hundreds. */
static enum holm_status find_row(struct holm_replica *replica, struct holm_actor actor,
                                 uint32_t *index)
{
    *index = replica->self;
    if (!holm_actors_rename(&replica->actors, replica->self, actor))
        return holm_actors_intern(&replica->actors, actor, index);
    holm_replica_feed_dropped(replica, replica->self);
    return HOLM_OK;
}

static enum holm_status change_epoch(struct holm_replica *replica, struct holm_epoch epoch)
{
    struct holm_actor actor = replica->actors.rows[replica->self].actor;
    if (epoch.value <= actor.epoch.value)
        return HOLM_EINVAL;
    enum holm_status status = holm_replica_seal(replica);
    if (status != HOLM_OK)
        return status;
    actor.epoch = epoch;
    uint32_t index;
    status = find_row(replica, actor, &index);
    if (status != HOLM_OK)
        return status;
    if (holm_actors_seq(&replica->actors, replica->self) > 0)
        replica->former = true;
    replica->self = index;
    replica->config.self = actor;
    holm_guard_epoch(replica);
    holm_pending_restart(&replica->pending, index, holm_actors_seq(&replica->actors, index));
    replica->want_seq = 0;
    for (size_t i = 0; i < replica->peer_capacity; i++)
        replica->peers[i].seen = 0;
    holm_replica_feed_epoch(replica);
    holm_replica_pace_epoch(replica);
    replica->ages = (struct holm_ages){.count = 0};
    return HOLM_OK;
}

static enum holm_status take_event(struct holm_replica *replica, const struct holm_event *event)
{
    switch (event->type) {
    case HOLM_EVENT_COMMIT:
        return holm_replica_commit(replica, event->as.commit.ops, event->as.commit.count);
    case HOLM_EVENT_MESSAGE:
        return take_message(replica, event->as.message.peer, event->as.message.message);
    case HOLM_EVENT_PEER_UP:
        return holm_replica_peer_up(replica, event->as.peer.peer, event->as.peer.actor,
                                    event->as.peer.feeds);
    case HOLM_EVENT_PEER_DOWN:
        holm_replica_peer_down(replica, event->as.peer.peer);
        return HOLM_OK;
    case HOLM_EVENT_TICK:
        return HOLM_OK;
    case HOLM_EVENT_FOLLOW:
        return holm_replica_take_wish(replica, event->as.follow.peer, event->as.follow.wish);
    case HOLM_EVENT_FLUSH:
        return holm_replica_seal(replica);
    case HOLM_EVENT_EPOCH:
        return change_epoch(replica, event->as.epoch);
    case HOLM_EVENT_SUPERSEDED:
        holm_replica_supersede(replica, event->as.superseded);
        return HOLM_OK;
    case HOLM_EVENT_HEAR:
        holm_replica_hear(replica, event->as.hear);
        return HOLM_OK;
    case HOLM_EVENT_WANT:
        if (holm_replica_seal(replica) != HOLM_OK)
            return HOLM_ENOMEM;
        holm_replica_want(replica, HOLM_PEER_NONE);
        return HOLM_OK;
    }
    return HOLM_EINVAL;
}

void holm_replica_work_end(struct holm_replica *replica, const struct holm_work **work)
{
    replica->work.outputs = replica->outputs;
    replica->work.stored = replica->stored;
    replica->work.touched = replica->touched;
    holm_replica_sweep(replica);
    replica->work.wake_us = holm_replica_wake(replica);
    replica->work.receiving = replica->sync.active;
    replica->work.serving = (uint32_t)replica->served_count;
    *work = &replica->work;
}

enum holm_status holm_replica_step(struct holm_replica *replica, const struct holm_event *event,
                                   struct holm_now now, const struct holm_work **work)
{
#if defined(__GNUC__)
    if (event->type == HOLM_EVENT_COMMIT && event->as.commit.count > 0)
        __builtin_prefetch(event->as.commit.ops->key.data);
#endif
    holm_replica_work_begin(replica, now);
    bool retry = replica->retry;
    replica->retry = false;
    enum holm_status status = take_event(replica, event);
    /* A commit is to be cheap: what is due waits for the tick that its wake-up time asks for. */
    if (event->type == HOLM_EVENT_COMMIT) {
        replica->retry |= retry;
    } else {
        if (retry)
            holm_replica_drain(replica);
        holm_replica_schedule(replica);
    }
    holm_replica_work_end(replica, work);
    return status;
}

void holm_replica_permit_syncs(struct holm_replica *replica, bool receiving, bool serving)
{
    replica->may_receive = receiving;
    replica->may_serve = serving;
}

enum holm_status holm_cut_open(struct holm_replica *replica, struct holm_now now,
                               const struct holm_work **work, struct holm_cut **cut)
{
    struct holm_event flush = {.type = HOLM_EVENT_FLUSH};
    *cut = NULL;
    enum holm_status status = holm_replica_step(replica, &flush, now, work);
    if (status != HOLM_OK)
        return status;
    return holm_cut_copy(replica, NULL, (struct holm_vector_view){NULL, 0}, cut);
}

enum holm_status holm_replica_collect(struct holm_replica *replica,
                                      struct holm_vector_view frontier, struct holm_now now,
                                      const struct holm_work **work)
{
    holm_replica_work_begin(replica, now);
    enum holm_status status = holm_replica_collect_now(replica, frontier);
    if (status == HOLM_OK)
        holm_oplog_trim(&replica->log, &replica->actors, frontier, SIZE_MAX);
    holm_replica_work_end(replica, work);
    return status;
}

/* Whether the owner has all that is here, and nothing more. */
static bool knows_the_same(struct holm_replica *replica, struct holm_actor owner,
                           struct holm_vector_view reported, enum holm_status *status)
{
    struct holm_vector_view none = {NULL, 0};
    struct holm_vector own;
    if (holm_actor_equal(owner, replica->actors.rows[replica->self].actor))
        return true;
    holm_vector_init(&own, &replica->config.allocator);
    *status = holm_replica_report(replica, &own);
    struct holm_vector_view view = holm_vector_view(&own);
    bool same = *status == HOLM_OK && holm_vector_valid(reported) &&
                holm_vector_covers(reported, view, none) &&
                holm_vector_covers(view, reported, none);
    holm_vector_release(&own);
    return same;
}

enum holm_status holm_replica_drop_ghosts(struct holm_replica *replica, struct holm_actor owner,
                                          struct holm_vector_view reported, struct holm_now now,
                                          const struct holm_work **work, size_t *dropped)
{
    holm_replica_work_begin(replica, now);
    *dropped = 0;
    uint32_t actor = holm_actors_find(&replica->actors, owner);
    enum holm_status status = holm_replica_seal(replica);
    if (status == HOLM_OK && actor != HOLM_ACTOR_NONE &&
        knows_the_same(replica, owner, reported, &status))
        status = holm_replica_erase_ghosts(replica, actor, dropped);
    holm_replica_work_end(replica, work);
    return status;
}

enum holm_status holm_replica_load(struct holm_replica *replica, struct holm_vector_view vector,
                                   const struct holm_page *const *pages, size_t page_count,
                                   struct holm_now now, const struct holm_work **work)
{
    struct holm_vector_view none = {NULL, 0};
    return holm_replica_load_collected(replica, vector, none, pages, page_count, now, work);
}

enum holm_status holm_replica_load_collected(struct holm_replica *replica,
                                             struct holm_vector_view vector,
                                             struct holm_vector_view collected,
                                             const struct holm_page *const *pages,
                                             size_t page_count, struct holm_now now,
                                             const struct holm_work **work)
{
    struct holm_merging_cut cut = {
        .vector = vector, .collected = collected, .pages = pages, .page_count = page_count};
    holm_replica_work_begin(replica, now);
    enum holm_status status = holm_replica_seal(replica);
    if (status == HOLM_OK)
        status = holm_replica_merge(replica, &cut);
    if (status == HOLM_OK)
        holm_replica_drain(replica);
    holm_replica_work_end(replica, work);
    return status;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "node/engine_state.h"

static uint64_t age_us(struct holm_now now, uint64_t since_us)
{
    return since_us == 0 || since_us > now.monotonic_us ? 0 : now.monotonic_us - since_us;
}

/* One id has two slots when two live under it: who is up is told of, or the first. */
static struct holm_metrics_peer *place_of(struct holm_metrics *metrics, struct holm_node_id node)
{
    for (size_t i = 0; i < metrics->peer_count; i++) {
        if (metrics->peers[i].peer.node.value == node.value)
            return &metrics->peers[i];
    }
    return &metrics->peers[metrics->peer_count++];
}

/* Who has left, or is forgotten, is missed by nobody: no figure of it stays behind. */
static bool is_over(const struct holm_members *known, const struct holm_peer *peer)
{
    return peer->liveness == HOLM_LEFT || (known != NULL && holm_engine_list_forgets(known, peer));
}

static void add_peers(struct holm_engine *engine, struct holm_now now,
                      const struct holm_members *known, struct holm_metrics *metrics,
                      uint32_t *slots)
{
    pthread_mutex_lock(&engine->roster_lock);
    uint32_t count = holm_roster_slots(engine->roster);
    for (uint32_t slot = 0; slot < count; slot++) {
        struct holm_metrics_peer peer = {.up = holm_roster_up(engine->roster, slot)};
        if (!holm_roster_peer(engine->roster, slot, now, &peer.peer) || is_over(known, &peer.peer))
            continue;
        struct holm_metrics_peer *place = place_of(metrics, peer.peer.node);
        if (place->up)
            continue;
        peer.received = engine->received[slot].traffic;
        holm_outgoing_traffic(&engine->outgoing, slot, &peer.sent);
        *place = peer;
        slots[place - metrics->peers] = slot;
    }
    pthread_mutex_unlock(&engine->roster_lock);
}

static void gather_peers(struct holm_engine *engine, struct holm_now now,
                         struct holm_metrics *metrics, uint32_t *slots)
{
    if (engine->members == NULL) {
        add_peers(engine, now, NULL, metrics, slots);
        return;
    }
    struct holm_engine_partition *list = &engine->partitions[holm_engine_list(engine)];
    pthread_mutex_lock(&list->lock);
    add_peers(engine, now, holm_replica_members(list->replica), metrics, slots);
    pthread_mutex_unlock(&list->lock);
}

static void gather_lag(const struct holm_replica *replica, struct holm_now now, uint32_t slot,
                       struct holm_replica_lag *sum)
{
    struct holm_replica_lag lag = holm_replica_lag(replica, slot);
    uint64_t theirs_us = age_us(now, lag.theirs_us);
    uint64_t mine_us = age_us(now, lag.mine_us);
    sum->theirs += lag.theirs;
    sum->mine += lag.mine;
    if (theirs_us > sum->theirs_us)
        sum->theirs_us = theirs_us;
    if (mine_us > sum->mine_us)
        sum->mine_us = mine_us;
}

static void gather_partition(struct holm_engine *engine, uint32_t index, struct holm_now now,
                             struct holm_metrics *metrics, const uint32_t *slots)
{
    struct holm_metrics_partition *out = &metrics->partitions[index];
    struct holm_engine_partition *partition = &engine->partitions[index];
    pthread_mutex_lock(&partition->lock);
    holm_replica_stats(partition->replica, &out->replica);
    out->lagging = holm_replica_lagging(partition->replica);
    out->collected = partition->collected;
    out->stored = partition->stored;
    out->saved = partition->saved;
    out->muted = partition->muted;
    out->journalled = holm_journal_count(&partition->journal);
    for (size_t i = 0; i < metrics->peer_count; i++) {
        if (metrics->peers[i].up)
            gather_lag(partition->replica, now, slots[i], &metrics->peers[i].lag);
    }
    pthread_mutex_unlock(&partition->lock);
}

static void gather_node(struct holm_engine *engine, struct holm_metrics_node *node)
{
    holm_engine_stats(engine, &node->stats);
    pthread_mutex_lock(&engine->roster_lock);
    node->transport = engine->transport_stats;
    node->hellos_limited = holm_roster_hellos_limited(engine->roster);
    pthread_mutex_unlock(&engine->roster_lock);
    node->partitions = engine->config.partitions;
    node->links = node->transport.links_opened - node->transport.links_closed;
    node->outbox_bytes = holm_outgoing_bytes(&engine->outgoing);
    node->outbox_bytes_max = engine->config.outbox_bytes_max;
    node->store_keeps = holm_store_keeps(engine->store);
    node->store_failed = atomic_load(&engine->store_failed);
    if (engine->store->ops->figures != NULL)
        engine->store->ops->figures(engine->store, &node->store);
}

enum holm_status holm_engine_metrics(struct holm_engine *engine, struct holm_now now,
                                     struct holm_metrics *metrics)
{
    const struct holm_allocator *allocator = &engine->config.allocator;
    size_t peers_max = engine->config.peers_max;
    *metrics = (struct holm_metrics){.allocator = *allocator,
                                     .self = holm_engine_self(engine),
                                     .partition_count = engine->config.partitions,
                                     .peer_capacity = peers_max};
    size_t partitions_bytes = metrics->partition_count * sizeof *metrics->partitions;
    metrics->partitions = holm_allocate(allocator, partitions_bytes);
    metrics->peers = holm_allocate(allocator, peers_max * sizeof *metrics->peers);
    uint32_t *slots = holm_allocate(allocator, peers_max * sizeof *slots);
    bool whole = metrics->partitions != NULL && metrics->peers != NULL && slots != NULL;
    if (whole) {
        memset(metrics->partitions, 0, partitions_bytes);
        memset(metrics->peers, 0, peers_max * sizeof *metrics->peers);
        gather_peers(engine, now, metrics, slots);
        for (uint32_t i = 0; i < engine->config.partitions; i++)
            gather_partition(engine, i, now, metrics, slots);
        gather_node(engine, &metrics->node);
    } else {
        holm_metrics_release(metrics);
    }
    holm_deallocate(allocator, slots, peers_max * sizeof *slots);
    return whole ? HOLM_OK : HOLM_ENOMEM;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "node/engine_state.h"

void holm_engine_minted(struct holm_engine *engine, uint64_t *seqs)
{
    for (uint32_t i = 0; i < engine->config.partitions; i++) {
        pthread_mutex_lock(&engine->partitions[i].lock);
        seqs[i] = holm_replica_last_minted(engine->partitions[i].replica);
        holm_engine_unlock(engine, i);
    }
}

void holm_engine_membership(struct holm_engine *engine, struct holm_engine_membership *membership)
{
    *membership = (struct holm_engine_membership){.confirmed = true};
    if (engine->members == NULL)
        return;
    pthread_mutex_lock(&engine->roster_lock);
    *membership = engine->members->figures;
    pthread_mutex_unlock(&engine->roster_lock);
    for (uint32_t i = 0; i < engine->config.partitions; i++) {
        pthread_mutex_lock(&engine->partitions[i].lock);
        membership->journalled += holm_journal_count(&engine->partitions[i].journal);
        pthread_mutex_unlock(&engine->partitions[i].lock);
    }
}

uint32_t holm_engine_up_slots(struct holm_engine *engine, uint64_t nodes[HOLM_REPLICA_PEERS_MAX])
{
    pthread_mutex_lock(&engine->roster_lock);
    uint32_t slots = holm_roster_slots(engine->roster);
    for (uint32_t i = 0; i < slots; i++)
        nodes[i] = holm_roster_up(engine->roster, i) ? holm_roster_node(engine->roster, i).value
                                                     : 0;
    pthread_mutex_unlock(&engine->roster_lock);
    return slots;
}

uint32_t holm_engine_count_nodes(const uint64_t *nodes, uint32_t slots)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < slots; i++) {
        uint32_t first = 0;
        while (nodes[first] != nodes[i])
            first++;
        count += nodes[i] != 0 && first == i;
    }
    return count;
}

uint32_t holm_engine_seen(struct holm_engine *engine, uint32_t first, const uint64_t *seqs,
                          uint32_t count)
{
    uint64_t nodes[HOLM_REPLICA_PEERS_MAX];
    uint32_t slots = holm_engine_up_slots(engine, nodes);
    for (uint32_t i = 0; i < count; i++) {
        pthread_mutex_lock(&engine->partitions[first + i].lock);
        const struct holm_replica *replica = engine->partitions[first + i].replica;
        for (uint32_t peer = 0; peer < slots; peer++)
            if (nodes[peer] != 0 && !holm_replica_peer_has(replica, peer, seqs[i]))
                nodes[peer] = 0;
        holm_engine_unlock(engine, first + i);
    }
    return holm_engine_count_nodes(nodes, slots);
}

uint32_t holm_engine_peers_up(struct holm_engine *engine)
{
    uint64_t nodes[HOLM_REPLICA_PEERS_MAX];
    return holm_engine_count_nodes(nodes, holm_engine_up_slots(engine, nodes));
}

static void stats_of_partition(const struct holm_replica *replica, struct holm_stats *stats)
{
    struct holm_replica_stats part;
    holm_replica_stats(replica, &part);
    stats->operations += part.operations;
    stats->deltas_sealed += part.deltas_sealed;
    stats->deltas_applied += part.deltas_applied;
    stats->deltas_duplicate += part.deltas_duplicate;
    stats->deltas_held += part.held;
    stats->pulls += part.pulls;
    stats->pulls_served += part.pulls_served;
    stats->syncs += part.syncs;
    stats->syncs_served += part.syncs_served;
    stats->digest_breaches += part.digest_breaches;
    stats->twins += part.twins;
    stats->mended += part.mended;
    stats->drift += part.drift;
    stats->waits += part.waits;
    stats->lags += part.lags;
    uint64_t lagging = holm_replica_lagging(replica);
    stats->lagging = lagging > stats->lagging ? lagging : stats->lagging;
    stats->records += part.records;
    stats->tombstones += part.tombstones;
    stats->log_bytes += part.log_bytes;
    stats->state_bytes += part.state_bytes;
    if (part.vector_entries > stats->vector_entries)
        stats->vector_entries = part.vector_entries;
    stats->digest += holm_replica_digest(replica).low;
    stats->vector_hash += holm_replica_vector_hash(replica);
}

void holm_engine_stats(struct holm_engine *engine, struct holm_stats *stats)
{
    memset(stats, 0, sizeof *stats);
    for (uint32_t i = 0; i < engine->config.partitions; i++) {
        pthread_mutex_lock(&engine->partitions[i].lock);
        stats_of_partition(engine->partitions[i].replica, stats);
        holm_engine_unlock(engine, i);
    }
    struct holm_engine_membership membership;
    holm_engine_membership(engine, &membership);
    stats->member = membership.confirmed;
    stats->members = membership.members;
    stats->journalled = membership.journalled;
    stats->reminted = membership.reminted;
    stats->abandoned = membership.dropped + membership.refused;
    stats->collected = membership.collected;
    stats->dropped = holm_outgoing_dropped(&engine->outgoing);
    pthread_mutex_lock(&engine->roster_lock);
    const struct holm_transport_stats *transport = &engine->transport_stats;
    stats->beacons = engine->beacons;
    stats->malformed = engine->malformed + engine->unknown + transport->oversized;
    stats->dropped += transport->broadcasts_dropped;
    stats->bytes_sent = transport->bytes_sent + transport->broadcast_bytes_sent;
    stats->bytes_received = transport->bytes_received + transport->broadcast_bytes_received;
    stats->peers_up = holm_roster_up_count(engine->roster);
    stats->twins += holm_roster_twins(engine->roster);
    pthread_mutex_unlock(&engine->roster_lock);
}

void holm_engine_check(struct holm_engine *engine)
{
    for (uint32_t i = 0; i < engine->partition_count; i++) {
        pthread_mutex_lock(&engine->partitions[i].lock);
        holm_replica_check(engine->partitions[i].replica);
        pthread_mutex_unlock(&engine->partitions[i].lock);
    }
    pthread_mutex_lock(&engine->roster_lock);
    holm_roster_check(engine->roster);
    pthread_mutex_unlock(&engine->roster_lock);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a node may hold beside its state and its log, twice over, and what its limits allow (heap_bytes_max: hold-back,
 * a frame a partition, and what an engine without peers is made of): all that there is per peer. An array has room
 * for up to twice what it has held. What the code enforces is said behind each:
 *
 *     roster    of each peer, address and link (peers_max slots; as many links as addresses to dial, and the
 *               transport's links_max more); and the actions of one turn (no more fit: holm_roster_reserve())
 *     outbox    in one turn each peer is told a Hello, of all members, and with retention stable how this node stands,
 *               and of each partition what it and all others have reported, while the last turn's are being sent (two
 *               buffers of outbox_bytes_max: outgoing.h O3)
 *     replicas  in each partition of each peer (peers_max), and of who follows (replica_feed.h) a number an actor
 *     reports   with retention stable, of each member and partition two vectors (crdt/stable.h: one report a member)
 *     standings with retention stable, of each peer what it says of itself: its list's vector (node/engine_state.h)
 *
 * What is claimed of links and of the outbox is tighter than that, and no limit of the code: that peers which mean well
 * need no more. Who was frozen does: it finds as much as its peers could send before they gave up, answers it all in
 * one turn, and so fills its outbox, up to what is enforced.
 */
#include "crdt/replica_parts.h"
#include "node/engine_state.h"
#include "node/roster_state.h"
#include "sim/world/checker.h"

#define GROWTH 2
#define OUTBOX_BUFFERS 2
/* Each of the two has dialled the other, and one of them dials again before both know that a link is gone. */
#define LINKS_A_PEER 3
/* On the wire, with the short names and addresses that there are here. */
#define HELLO_BYTES 128
#define HELLO_MEMBER_BYTES 48
#define VECTOR_ENTRY_BYTES 20
#define LIST_OP_BYTES 48

static size_t roster_bytes(size_t peers)
{
    size_t links = LINKS_A_PEER * peers, addresses = peers + 1;
    size_t actions = 32 + 8 * (links + 1) + 8 * (peers + 1) + 2 * (addresses + 1);
    return GROWTH *
           (actions * sizeof(struct holm_roster_action) + peers * sizeof(struct holm_roster_peer) +
            links * sizeof(struct holm_roster_link) +
            addresses * sizeof(struct holm_roster_address));
}

static size_t outbox_bytes(size_t peers, size_t told)
{
    return OUTBOX_BUFFERS * GROWTH * peers * (HELLO_BYTES + peers * HELLO_MEMBER_BYTES + told);
}

/* Two vectors a partition and member; and an operation a member, and the list's vector. */
static size_t told_bytes(size_t partitions, size_t members, size_t entries)
{
    return (partitions * members + 1) * 2 * entries * VECTOR_ENTRY_BYTES + members * LIST_OP_BYTES;
}

static size_t replicas_bytes(size_t peers, size_t entries)
{
    return GROWTH * peers * sizeof(struct holm_replica_peer) +
           peers * (sizeof(struct holm_feed_out) + GROWTH * entries * sizeof(uint64_t));
}

static size_t reports_bytes(size_t members, size_t entries)
{
    return GROWTH * members * (sizeof(struct holm_report) + 2 * entries * sizeof(struct holm_dot));
}

static size_t standings_bytes(size_t peers, size_t entries)
{
    return GROWTH * peers *
           (sizeof(struct holm_engine_standing) + entries * sizeof(struct holm_dot));
}

static size_t peers_bytes(const struct holm_judge *judge, size_t entries)
{
    size_t nodes = holm_world_count(judge->config.world), peers = nodes - 1;
    size_t partitions = judge->config.partitions + (judge->config.stable ? 1 : 0);
    size_t told = judge->config.stable ? told_bytes(partitions, nodes, entries) : 0;
    size_t outbox = outbox_bytes(peers, told);
    if (outbox > OUTBOX_BUFFERS * judge->config.outbox_bytes_max)
        outbox = OUTBOX_BUFFERS * judge->config.outbox_bytes_max;
    size_t bytes = roster_bytes(peers) + outbox + partitions * replicas_bytes(peers, entries);
    if (judge->config.stable)
        bytes += partitions * reports_bytes(nodes, entries) + standings_bytes(peers, entries);
    return bytes;
}

static void moment(struct holm_judge *judge)
{
    struct holm_world *world = judge->config.world;
    for (uint32_t i = 0; i < holm_world_count(world); i++) {
        struct holm_engine *engine = holm_world_engine(world, i);
        if (engine == NULL)
            continue;
        size_t bytes = holm_world_heap_peak(world, i);
        if (i >= HOLM_JUDGE_NODES_MAX)
            continue;
        judge->frozen[i] |= holm_world_paused(world, i);
        if (bytes <= judge->config.heap_bytes_max)
            continue;
        struct holm_stats stats;
        holm_engine_stats(engine, &stats);
        size_t content = stats.state_bytes + stats.log_bytes;
        if (judge->contents[i] < content)
            judge->contents[i] = content;
        if (judge->actors[i] < stats.vector_entries)
            judge->actors[i] = stats.vector_entries;
        size_t of_peers = peers_bytes(judge, judge->actors[i]);
        size_t allowed = judge->config.heap_bytes_max + 2 * judge->contents[i] + of_peers;
        if (judge->frozen[i])
            allowed += OUTBOX_BUFFERS * judge->config.outbox_bytes_max;
        if (bytes > allowed)
            holm_judge_fail(judge, &holm_check_memory, i,
                            "it held %zu bytes, %zu are allowed with a state and a log of %zu and "
                            "%zu for its peers",
                            bytes, allowed, judge->contents[i], of_peers);
    }
}

static void event(struct holm_judge *judge, const struct holm_world_event *event)
{
    if (event->type == HOLM_WORLD_STARTED && event->node < HOLM_JUDGE_NODES_MAX) {
        judge->contents[event->node] = 0;
        judge->actors[event->node] = 0;
        judge->frozen[event->node] = false;
    }
    if (event->type != HOLM_WORLD_GONE)
        return;
    size_t bytes = holm_world_heap_bytes(judge->config.world, event->node);
    if (bytes > 0)
        holm_judge_fail(judge, &holm_check_memory, event->node,
                        "its engine was freed, and %zu bytes are left", bytes);
}

const struct holm_checker holm_check_memory = {
    .name = "memory",
    .claim = "a node holds its state and what its limits allow, and nothing when it has ended",
    .moment = moment,
    .event = event,
};

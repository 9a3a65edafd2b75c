/* SPDX-License-Identifier: Apache-2.0 */
#include "node/metrics.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "node/utf8.h"

enum family_type {
    GAUGE,
    COUNTER,
    SECONDS /* a gauge, held in microseconds */
};

struct family {
    const char *name;
    enum family_type type;
    size_t offset; /* of a uint64_t */
    const char *help;
};

/* Text that is counted on when there is no room for it any more. */
struct sheet {
    char *buffer;
    size_t capacity, used;
};

static const struct family of_node[] = {
    {"partitions", GAUGE, offsetof(struct holm_metrics_node, partitions),
     "Partitions of the cluster."},
    {"peers_up", GAUGE, offsetof(struct holm_metrics_node, stats.peers_up), "Peers up now."},
    {"member", GAUGE, offsetof(struct holm_metrics_node, stats.member),
     "1 when this life of the node is a member; always, with retention forever."},
    {"members", GAUGE, offsetof(struct holm_metrics_node, stats.members),
     "Nodes of the cluster, with retention stable."},
    {"beacons_received_total", COUNTER, offsetof(struct holm_metrics_node, stats.beacons),
     "Beacons received."},
    {"malformed_frames_total", COUNTER, offsetof(struct holm_metrics_node, stats.malformed),
     "Frames refused: a peer is broken, hostile, or of a newer version."},
    {"dropped_frames_total", COUNTER, offsetof(struct holm_metrics_node, stats.dropped),
     "Frames that a bounded queue could not take."},
    {"twins_total", COUNTER, offsetof(struct holm_metrics_node, stats.twins),
     "Signs of another live node under this id: must be 0."},
    {"sent_bytes_total", COUNTER, offsetof(struct holm_metrics_node, stats.bytes_sent),
     "Payload sent over links and by broadcast, a broadcast counted once."},
    {"received_bytes_total", COUNTER, offsetof(struct holm_metrics_node, stats.bytes_received),
     "Payload received over links and by broadcast."},
    {"links", GAUGE, offsetof(struct holm_metrics_node, links), "Links open or being dialled."},
    {"links_refused_total", COUNTER, offsetof(struct holm_metrics_node, transport.links_refused),
     "Connections closed at once: there were too many."},
    {"callers_limited_total", COUNTER,
     offsetof(struct holm_metrics_node, transport.callers_limited),
     "Connections closed at once: their address calls too often."},
    {"hellos_limited_total", COUNTER, offsetof(struct holm_metrics_node, hellos_limited),
     "Links dropped because Hellos came on them without end."},
    {"links_overrun_total", COUNTER, offsetof(struct holm_metrics_node, transport.links_overrun),
     "Links cut off because too much waited to be sent."},
    {"links_queued_bytes", GAUGE, offsetof(struct holm_metrics_node, transport.queued_bytes),
     "What waits to be sent over links."},
    {"broadcasts_sent_total", COUNTER,
     offsetof(struct holm_metrics_node, transport.broadcasts_sent), "Broadcasts sent."},
    {"broadcasts_received_total", COUNTER,
     offsetof(struct holm_metrics_node, transport.broadcasts_received), "Broadcasts received."},
    {"broadcasts_dropped_total", COUNTER,
     offsetof(struct holm_metrics_node, transport.broadcasts_dropped),
     "Broadcasts known to be lost in queues."},
    {"handshakes_failed_total", COUNTER,
     offsetof(struct holm_metrics_node, transport.handshakes_failed),
     "Links and subscriptions that ended for want of a certificate."},
    {"oversized_frames_total", COUNTER, offsetof(struct holm_metrics_node, transport.oversized),
     "Frames refused for their size."},
    {"outbox_bytes", GAUGE, offsetof(struct holm_metrics_node, outbox_bytes),
     "Encoded frames that wait for the I/O thread."},
    {"outbox_limit_bytes", GAUGE, offsetof(struct holm_metrics_node, outbox_bytes_max),
     "What the outbox holds at most."},
    {"reminted_operations_total", COUNTER, offsetof(struct holm_metrics_node, stats.reminted),
     "Own operations written anew on coming back by replacement."},
    {"abandoned_operations_total", COUNTER, offsetof(struct holm_metrics_node, stats.abandoned),
     "Operations dropped on coming back, or refused by their keys."},
    {"store_enabled", GAUGE, offsetof(struct holm_metrics_node, store_keeps),
     "1 when what the node has outlives it."},
    {"store_failed", GAUGE, offsetof(struct holm_metrics_node, store_failed),
     "1 when the store has failed: writes are refused."},
    {"store_queue_bytes", GAUGE, offsetof(struct holm_metrics_node, store.queue_bytes),
     "Memory of what waits for the store's thread."},
    {"store_file_bytes", GAUGE, offsetof(struct holm_metrics_node, store.file_bytes),
     "Size of the store's file, which never shrinks."},
    {"seed_names", GAUGE, offsetof(struct holm_metrics_node, resolver.names),
     "Seeds that are names, dns+tcp:// and the like."},
    {"seed_names_failed", GAUGE, offsetof(struct holm_metrics_node, resolver.names_failed),
     "Of these, those whose last lookup gave nothing to dial."},
    {"seed_addresses", GAUGE, offsetof(struct holm_metrics_node, resolver.addresses),
     "Addresses dialled for such names."},
    {"seed_lookups_total", COUNTER, offsetof(struct holm_metrics_node, resolver.lookups),
     "Lookups of such names that have ended."},
    {"seed_lookups_failed_total", COUNTER,
     offsetof(struct holm_metrics_node, resolver.lookups_failed),
     "Of these, those that gave nothing to dial."},
    {"multicast_enabled", GAUGE, offsetof(struct holm_metrics_node, multicast.enabled),
     "1 when this node announces itself by multicast."},
    {"multicast_open", GAUGE, offsetof(struct holm_metrics_node, multicast.open),
     "1 while the interface of multicast takes it."},
    {"multicast_failures_total", COUNTER, offsetof(struct holm_metrics_node, multicast.failures),
     "Times that the interface of multicast was found down or gone, or refused."},
    {"multicast_rests_total", COUNTER, offsetof(struct holm_metrics_node, multicast.rests),
     "Times that so many datagrams came that the node stopped reading for a moment."},
    {"multicast_addresses", GAUGE, offsetof(struct holm_metrics_node, multicast.herald.heard),
     "Addresses that are heard by multicast, and dialled."},
    {"multicast_refused", GAUGE, offsetof(struct holm_metrics_node, multicast.herald.refused),
     "Nodes heard by multicast whose address may not be dialled from here."},
    {"multicast_waiting", GAUGE, offsetof(struct holm_metrics_node, multicast.herald.waiting),
     "Nodes heard by multicast whose address has yet to have its turn."},
    {"announcements_sent_total", COUNTER, offsetof(struct holm_metrics_node, multicast.sent),
     "Own announcements by multicast that went out."},
    {"announcements_taken_total", COUNTER,
     offsetof(struct holm_metrics_node, multicast.herald.taken),
     "Announcements of others that were taken."},
    {"announcements_malformed_total", COUNTER,
     offsetof(struct holm_metrics_node, multicast.herald.malformed),
     "Datagrams that are no announcements."},
    {"announcements_unauthentic_total", COUNTER,
     offsetof(struct holm_metrics_node, multicast.herald.unauthentic),
     "Announcements that the secret does not vouch for."},
    {"announcements_foreign_total", COUNTER,
     offsetof(struct holm_metrics_node, multicast.herald.foreign),
     "Announcements of another cluster with the same secret."},
    {"announcements_stale_total", COUNTER,
     offsetof(struct holm_metrics_node, multicast.herald.stale),
     "Announcements of another time: old ones, or a clock is off."},
    {"announcements_replayed_total", COUNTER,
     offsetof(struct holm_metrics_node, multicast.herald.replayed),
     "Announcements that came again."},
    {"announcements_left_out_total", COUNTER,
     offsetof(struct holm_metrics_node, multicast.herald.left_out),
     "Announcements of nodes that there was no room for."},
    {"watches", GAUGE, offsetof(struct holm_metrics_node, watches), "Watches open now."},
    {"watch_keys", GAUGE, offsetof(struct holm_metrics_node, watch_keys),
     "Keys that wait to be fetched, of all watches."},
    {"watch_overflows_total", COUNTER, offsetof(struct holm_metrics_node, watch_overflows),
     "Times that a watch had too many keys waiting: its reader is slow."},
    {"log_lines_total", COUNTER, offsetof(struct holm_metrics_node, log_lines),
     "Lines of the log."},
    {"log_suppressed_total", COUNTER, offsetof(struct holm_metrics_node, log_suppressed),
     "Lines that were not told, as there were many of their event."},
    {"http_hung_up_total", COUNTER, offsetof(struct holm_metrics_node, http_hung_up),
     "Connections to this page that ended without an answer: too slow, too long, or too many."},
};

static const struct family of_partition[] = {
    {"vector_entries", GAUGE, offsetof(struct holm_metrics_partition, replica.vector_entries),
     "Entries of the version vector."},
    {"records", GAUGE, offsetof(struct holm_metrics_partition, replica.records),
     "Records present now."},
    {"tombstones", GAUGE, offsetof(struct holm_metrics_partition, replica.tombstones),
     "Burials held now."},
    {"cells", GAUGE, offsetof(struct holm_metrics_partition, replica.cells), "Live cells now."},
    {"state_bytes", GAUGE, offsetof(struct holm_metrics_partition, replica.state_bytes),
     "Memory of records and tombstones."},
    {"oplog_bytes", GAUGE, offsetof(struct holm_metrics_partition, replica.log_bytes),
     "Memory of the op log."},
    {"held_deltas", GAUGE, offsetof(struct holm_metrics_partition, replica.held),
     "Deltas that wait for what comes before them."},
    {"held_bytes", GAUGE, offsetof(struct holm_metrics_partition, replica.held_bytes),
     "Memory of deltas that wait for what comes before them."},
    {"held_dropped_total", COUNTER, offsetof(struct holm_metrics_partition, replica.held_dropped),
     "Deltas dropped while they waited: the queue was full, or their gap can never be filled."},
    {"lagging_peers", GAUGE, offsetof(struct holm_metrics_partition, lagging),
     "Peers up now that are left to pull."},
    {"operations_total", COUNTER, offsetof(struct holm_metrics_partition, replica.operations),
     "Operations minted here."},
    {"deltas_sealed_total", COUNTER, offsetof(struct holm_metrics_partition, replica.deltas_sealed),
     "Deltas sealed here."},
    {"deltas_applied_total", COUNTER,
     offsetof(struct holm_metrics_partition, replica.deltas_applied),
     "Deltas of others that were applied."},
    {"deltas_duplicate_total", COUNTER,
     offsetof(struct holm_metrics_partition, replica.deltas_duplicate),
     "Deltas received again, and ignored."},
    {"deltas_refused_total", COUNTER,
     offsetof(struct holm_metrics_partition, replica.deltas_refused),
     "Deltas that no order could make applicable."},
    {"deltas_overlapping_total", COUNTER, offsetof(struct holm_metrics_partition, replica.overlaps),
     "Deltas that overlap what was applied: healed by sync, must be 0."},
    {"pulls_total", COUNTER, offsetof(struct holm_metrics_partition, replica.pulls),
     "Pulls asked for."},
    {"pulls_served_total", COUNTER, offsetof(struct holm_metrics_partition, replica.pulls_served),
     "Pulls served."},
    {"pulls_too_old_total", COUNTER, offsetof(struct holm_metrics_partition, replica.pulls_too_old),
     "Pulls not served: the op log did not reach back."},
    {"syncs_total", COUNTER, offsetof(struct holm_metrics_partition, replica.syncs),
     "Syncs completed as receiver."},
    {"syncs_served_total", COUNTER, offsetof(struct holm_metrics_partition, replica.syncs_served),
     "Cuts opened for peers."},
    {"syncs_refused_total", COUNTER, offsetof(struct holm_metrics_partition, replica.syncs_refused),
     "Cuts that peers asked for in vain: as many as allowed were open."},
    {"syncs_failed_total", COUNTER, offsetof(struct holm_metrics_partition, replica.syncs_failed),
     "Syncs that came to nothing."},
    {"digest_breaches_total", COUNTER,
     offsetof(struct holm_metrics_partition, replica.digest_breaches),
     "Equal vectors with unequal digests: must be 0."},
    {"twins_total", COUNTER, offsetof(struct holm_metrics_partition, replica.twins),
     "Signs of another writer under this node's id and epoch: must be 0."},
    {"mended_total", COUNTER, offsetof(struct holm_metrics_partition, replica.mended),
     "Cells taken over where two had written under one id and epoch."},
    {"drift_total", COUNTER, offsetof(struct holm_metrics_partition, replica.drift),
     "Stamps too far ahead of the local clock."},
    {"publishing_waits_total", COUNTER, offsetof(struct holm_metrics_partition, replica.waits),
     "Times that broadcasts waited for acknowledgements."},
    {"lags_total", COUNTER, offsetof(struct holm_metrics_partition, replica.lags),
     "Times that a peer was left to pull."},
    {"collected_total", COUNTER, offsetof(struct holm_metrics_partition, collected),
     "Tombstones and remains of counters that went by own collection."},
    {"journalled_batches", GAUGE, offsetof(struct holm_metrics_partition, journalled),
     "Batches that wait until this node is a member."},
    {"stored_deltas_total", COUNTER, offsetof(struct holm_metrics_partition, stored),
     "Deltas given to a store that keeps them."},
    {"saved_states_total", COUNTER, offsetof(struct holm_metrics_partition, saved),
     "States that took the place of deltas in the store."},
    {"muted", GAUGE, offsetof(struct holm_metrics_partition, muted),
     "1 when the store has failed for this partition: it takes no writes."},
};

static const struct family of_peer[] = {
    {"up", GAUGE, offsetof(struct holm_metrics_peer, up), "1 while a link to the peer stands."},
    {"round_trip_seconds", SECONDS, offsetof(struct holm_metrics_peer, peer.round_trip_us),
     "Of the last ping; 0 before the first."},
    {"lag_operations", GAUGE, offsetof(struct holm_metrics_peer, lag.theirs),
     "Operations written here that the peer is not known to have; 0 while it is down."},
    {"lag_seconds", SECONDS, offsetof(struct holm_metrics_peer, lag.theirs_us),
     "Age of the first of them, or a little more."},
    {"behind_operations", GAUGE, offsetof(struct holm_metrics_peer, lag.mine),
     "Operations that the peer says it has written, and are not here; 0 while it is down."},
    {"behind_seconds", SECONDS, offsetof(struct holm_metrics_peer, lag.mine_us),
     "Time since the peer first told of one of them."},
    {"sent_frames_total", COUNTER, offsetof(struct holm_metrics_peer, sent.frames),
     "Frames queued for the peer's link, without Hellos and pings; broadcasts are not per peer."},
    {"sent_bytes_total", COUNTER, offsetof(struct holm_metrics_peer, sent.bytes),
     "Bytes of these frames, before links are packed."},
    {"dropped_frames_total", COUNTER, offsetof(struct holm_metrics_peer, sent.dropped),
     "Frames for the peer that the outbox could not take."},
    {"pulls_total", COUNTER, offsetof(struct holm_metrics_peer, sent.pulls),
     "Pulls asked of the peer."},
    {"syncs_total", COUNTER, offsetof(struct holm_metrics_peer, sent.syncs),
     "Cuts asked of the peer."},
    {"received_frames_total", COUNTER, offsetof(struct holm_metrics_peer, received.frames),
     "Frames of the peer, by link and by broadcast."},
    {"received_bytes_total", COUNTER, offsetof(struct holm_metrics_peer, received.bytes),
     "Bytes of these frames."},
    {"pulls_received_total", COUNTER, offsetof(struct holm_metrics_peer, received.pulls),
     "Pulls that the peer asked for."},
    {"syncs_received_total", COUNTER, offsetof(struct holm_metrics_peer, received.syncs),
     "Cuts that the peer asked for."},
};

/* ---- text ----------------------------------------------------------------------------------- */

static void put(struct sheet *sheet, const char *text, size_t size)
{
    if (sheet->used < sheet->capacity) {
        size_t room = sheet->capacity - sheet->used;
        memcpy(sheet->buffer + sheet->used, text, size < room ? size : room);
    }
    sheet->used += size;
}

__attribute__((format(printf, 2, 3))) static void say(struct sheet *sheet, const char *format, ...)
{
    char text[320];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    HOLM_ASSERT(length >= 0 && (size_t)length < sizeof text);
    put(sheet, text, (size_t)length);
}

/* A name comes from a peer: what may not be in a label is told as U+FFFD. */
static void put_label(struct sheet *sheet, const char *text)
{
    const unsigned char *at = (const unsigned char *)text;
    while (*at != '\0') {
        uint32_t code;
        size_t size = holm_utf8_next(at, strlen((const char *)at), &code);
        if (*at == '\n')
            put(sheet, "\\n", 2);
        else if (*at == '"' || *at == '\\')
            say(sheet, "\\%c", *at);
        else if (size == 0)
            put(sheet, "\xef\xbf\xbd", 3);
        else
            put(sheet, (const char *)at, size);
        at += size == 0 ? 1 : size;
    }
}

/* ---- families ------------------------------------------------------------------------------- */

static void put_head(struct sheet *sheet, const char *scope, const struct family *family)
{
    say(sheet, "# HELP holm_%s%s %s\n", scope, family->name, family->help);
    say(sheet, "# TYPE holm_%s%s %s\n", scope, family->name,
        family->type == COUNTER ? "counter" : "gauge");
}

static void put_value(struct sheet *sheet, const struct family *family, const void *holder)
{
    uint64_t value;
    memcpy(&value, (const char *)holder + family->offset, sizeof value);
    if (family->type == SECONDS)
        say(sheet, " %" PRIu64 ".%06" PRIu64 "\n", value / 1000000, value % 1000000);
    else
        say(sheet, " %" PRIu64 "\n", value);
}

static void put_node(struct sheet *sheet, const struct holm_metrics *metrics)
{
    say(sheet, "# HELP holm_node_info Who this is.\n# TYPE holm_node_info gauge\n");
    say(sheet, "holm_node_info{name=\"");
    put_label(sheet, metrics->name);
    say(sheet, "\",id=\"%016" PRIx64 "\",epoch=\"%" PRIx64 "\"} 1\n", metrics->self.node.value,
        metrics->self.epoch.value);
    for (size_t i = 0; i < sizeof of_node / sizeof *of_node; i++) {
        put_head(sheet, "", &of_node[i]);
        say(sheet, "holm_%s", of_node[i].name);
        put_value(sheet, &of_node[i], &metrics->node);
    }
}

static void put_partitions(struct sheet *sheet, const struct holm_metrics *metrics)
{
    for (size_t i = 0; i < sizeof of_partition / sizeof *of_partition; i++) {
        put_head(sheet, "partition_", &of_partition[i]);
        for (size_t at = 0; at < metrics->partition_count; at++) {
            say(sheet, "holm_partition_%s{partition=\"%zu\"}", of_partition[i].name, at);
            put_value(sheet, &of_partition[i], &metrics->partitions[at]);
        }
    }
}

static void put_peers(struct sheet *sheet, const struct holm_metrics *metrics)
{
    for (size_t i = 0; metrics->peer_count > 0 && i < sizeof of_peer / sizeof *of_peer; i++) {
        put_head(sheet, "peer_", &of_peer[i]);
        for (size_t at = 0; at < metrics->peer_count; at++) {
            const struct holm_metrics_peer *peer = &metrics->peers[at];
            say(sheet, "holm_peer_%s{id=\"%016" PRIx64 "\",peer=\"", of_peer[i].name,
                peer->peer.node.value);
            put_label(sheet, peer->peer.name);
            say(sheet, "\"}");
            put_value(sheet, &of_peer[i], peer);
        }
    }
}

size_t holm_metrics_print(const struct holm_metrics *metrics, char *buffer, size_t capacity)
{
    struct sheet sheet = {.capacity = capacity};
    sheet.buffer = buffer;
    put_node(&sheet, metrics);
    put_partitions(&sheet, metrics);
    put_peers(&sheet, metrics);
    return sheet.used;
}

void holm_metrics_release(struct holm_metrics *metrics)
{
    holm_deallocate(&metrics->allocator, metrics->partitions,
                    metrics->partition_count * sizeof *metrics->partitions);
    holm_deallocate(&metrics->allocator, metrics->peers,
                    metrics->peer_capacity * sizeof *metrics->peers);
    *metrics = (struct holm_metrics){.partition_count = 0};
}

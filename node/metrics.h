/* SPDX-License-Identifier: Apache-2.0 */
/*
 * metrics.h - what a node shows of itself, in Prometheus' text format (version 0.0.4).
 *
 *     engine --gather--> struct holm_metrics --print--> # HELP holm_partition_records Records present now.
 *        (short locks, one after the other)             # TYPE holm_partition_records gauge
 *                                                       holm_partition_records{partition="0"} 71
 *
 * Gathering copies figures under the locks that guard them, one partition at a time; printing holds none. So
 * the figures of two partitions are of different moments, those of one partition of the same.
 *
 * Invariants of what is printed:
 *     M1  every family is one piece, behind its HELP and TYPE; no series is there twice
 *     M2  counters end in _total and never fall in one life of the node; those of a peer begin anew when its slot
 *         has been another's meanwhile (there are peers_max)
 *     M3  labels hold valid UTF-8, whatever peers call themselves
 *
 * Source: Prometheus, "Exposition formats" and "Metric and label naming".
 */
#ifndef HOLM_NODE_METRICS_H
#define HOLM_NODE_METRICS_H

#include "node/engine.h"
#include "node/multicast.h"
#include "node/outgoing.h"
#include "node/resolver.h"

struct holm_metrics_partition {
    struct holm_replica_stats replica;
    uint64_t lagging;   /* peers that are left to pull */
    uint64_t collected; /* tombstones and remains of counters */
    uint64_t stored;    /* runs given to a store that keeps them */
    uint64_t saved;     /* states that took the place of runs there */
    uint64_t muted;     /* 1: its store has failed */
    uint64_t journalled;
};

struct holm_metrics_peer {
    struct holm_peer peer;
    uint64_t up;
    struct holm_replica_lag lag;        /* of all partitions; times are ages in microseconds */
    struct holm_traffic sent, received; /* received: also what its publisher broadcast */
};

struct holm_metrics_node {
    struct holm_stats stats;
    struct holm_transport_stats transport;
    uint64_t partitions;
    uint64_t links;
    uint64_t hellos_limited; /* links dropped for them */
    uint64_t outbox_bytes, outbox_bytes_max;
    uint64_t store_keeps, store_failed;
    struct holm_store_figures store;
    uint64_t watches, watch_keys, watch_overflows;
    uint64_t log_lines, log_suppressed;
    uint64_t http_hung_up;
    struct holm_resolver_figures resolver;
    struct holm_multicast_figures multicast;
};

struct holm_metrics {
    struct holm_allocator allocator;
    char name[64];
    struct holm_actor self;
    struct holm_metrics_node node;
    struct holm_metrics_partition *partitions;
    struct holm_metrics_peer *peers; /* each id once */
    size_t partition_count, peer_count, peer_capacity;
};

/* O(partitions x peers). HOLM_ENOMEM: there is nothing to release. Any thread. */
HOLM_NODISCARD enum holm_status holm_engine_metrics(struct holm_engine *engine, struct holm_now now,
                                                    struct holm_metrics *metrics);
void holm_metrics_release(struct holm_metrics *metrics);

/* Writes as much as fits, without a NUL; returns how many bytes there are. */
size_t holm_metrics_print(const struct holm_metrics *metrics, char *buffer, size_t capacity);

#endif

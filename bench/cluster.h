/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cluster.h - a few real nodes in this process, over tcp on the loopback interface.
 *
 *     node 0 <---- node 1, 2, ... dial it, and learn of each other from it
 *
 * Everything goes through the public API. All nodes share the process: their frames pass the
 * kernel as between processes, and one clock sees both ends. What is waited for is looked at every
 * 100 us, without asking the nodes to hurry as holm_wait_seen() would.
 */
#ifndef HOLM_BENCH_CLUSTER_H
#define HOLM_BENCH_CLUSTER_H

#include <holm/holm.h>

#include "bench/bare.h"

#define CLUSTER_NODES_MAX 4

/* 0: the default. */
struct cluster_options {
    size_t log_bytes_max;
    uint32_t link_timeout_ms;
};

struct cluster {
    struct holm_node *nodes[CLUSTER_NODES_MAX];
    size_t count;
    struct cluster_options options;
};

/* Opens nodes, and waits until each has all the others up. */
void cluster_open(struct cluster *cluster, size_t count, struct cluster_options options);
/* One more node, which dials node 0. Does not wait. */
void cluster_add(struct cluster *cluster);
void cluster_wait_peers(struct cluster *cluster);
void cluster_close(struct cluster *cluster);

/* Puts to `count` keys from number `first` on, one by one: to each its number and `more`. */
void cluster_put(struct cluster *cluster, size_t node, const struct bare_keys *keys, size_t first,
                 size_t count, int64_t more);

/* Waits until all nodes hold `records` records, equal vectors and equal digests. */
void cluster_wait_equal(struct cluster *cluster, size_t records);
/* Waits until one node holds so many. */
void cluster_wait_records(struct cluster *cluster, size_t node, size_t records);
/* Ends the program unless every node has the keys and values that node 0 has, read one by one. */
void cluster_compare(struct cluster *cluster, size_t records);

/* Cuts node 0 off from all others, both ways; takes the cut away again. */
void cluster_split(struct cluster *cluster);
void cluster_heal(struct cluster *cluster);
/* Waits until node 0 and the others have noticed that they are apart. */
void cluster_wait_apart(struct cluster *cluster);

/* Sums over all nodes. A node's figures of bytes are as of when its thread last woke: read in a
 * moment of silence, they may lag by a beacon interval. _settled() lets one pass first, and so counts
 * the beacons of about a second more, some 3 KB in all. */
struct cluster_traffic {
    uint64_t sent;     /* bytes of payload; a broadcast counts once */
    uint64_t received; /* bytes of payload; a broadcast counts wherever it comes */
    uint64_t syncs;
};
struct cluster_traffic cluster_traffic(const struct cluster *cluster);
struct cluster_traffic cluster_traffic_settled(const struct cluster *cluster);

#endif

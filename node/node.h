/* SPDX-License-Identifier: Apache-2.0 */
/*
 * node.h - what stands behind `struct holm_node`: an engine, its transport, and the I/O thread.
 *
 *     runtime.c  holm_config_default, holm_open, holm_close, holm_self, holm_address, holm_forget, holm_join,
 *                holm_peers, holm_stats, the faults, the witness; the I/O thread and the clocks
 *     wait.c     holm_wait_seen, holm_wait_peers
 *
 * Every other public call is a file of its own over node/engine.h. A public call first asks
 * holm_node_check(), then takes the time with holm_node_now().
 */
#ifndef HOLM_NODE_NODE_H
#define HOLM_NODE_NODE_H

#include "node/engine.h"
#include "node/fork.h"
#include <pthread.h>
#include <stdatomic.h>

struct holm_node {
    struct holm_fork_mark mark; /* of the process that opened it */
    struct holm_allocator allocator;
    struct holm_log log;
    struct holm_transport *transport;
    struct holm_store *store;
    struct holm_engine *engine;
    pthread_t thread;
    atomic_bool stopping;

    /* Who waits in holm_wait_…: `turn` counts the moments to look again. */
    pthread_mutex_t wait_lock;
    pthread_cond_t wait_changed; /* on the monotonic clock */
    uint64_t wait_turn;          /* under wait_lock */
    atomic_uint waiters;

    /* The watches of node/watch.c, which sets the engine's observer when the first is opened. */
    pthread_mutex_t watch_lock;
    struct holm_watch *watches; /* a list, under watch_lock */
    struct holm_observer observer;
};

/* HOLM_OK, or HOLM_EFORK in a child of the process that opened the node. */
HOLM_NODISCARD enum holm_status holm_node_check(const struct holm_node *node);

/* The present time, from the system's clocks. */
struct holm_now holm_node_now(void);

/* malloc and its like. */
struct holm_allocator holm_node_allocator(void);

#endif

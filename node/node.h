/* SPDX-License-Identifier: Apache-2.0 */
/*
 * node.h - what stands behind `struct holm_node`: an engine, its transport, and the I/O thread.
 *
 *     node.c     what this header declares: the struct itself, its clock, its end
 *     runtime.c  holm_open, holm_close, holm_self, holm_address, holm_forget, holm_join,
 *                holm_peers, holm_stats, the faults, the witness; the I/O thread
 *     leave.c    holm_leave
 *     wait.c     holm_wait_peers, holm_wait_durable, and how all others wait (waiting.h)
 *
 * Every other public call is a file of its own over node/engine.h. A public call first asks
 * holm_node_check(), then takes the time with holm_node_now().
 *
 * A node that holm_open() made drives its engine itself: a thread, sockets, the system's clocks. One
 * that is *hosted* does not: whoever made it (a simulated world) drives the engine, and says through
 * a table what time it is and how it passes. All public calls are the same code for both.
 */
#ifndef HOLM_NODE_NODE_H
#define HOLM_NODE_NODE_H

#include "node/engine.h"
#include "node/fork.h"
#include "node/metrics.h"
#include "node/multicast.h"
#include "node/resolver.h"
#include <pthread.h>
#include <stdatomic.h>

/* What stands for the system at a hosted node. The node's engine and transport are the host's. */
struct holm_host {
    struct holm_now (*now)(const struct holm_node *node);
    /* Lets time pass until the node's turn is not `turn` any more, the node has ended, or its
     * monotonic clock shows until_us. */
    void (*wait)(struct holm_node *node, uint64_t turn, uint64_t until_us);
    /* As holm_join(): what an address is, is the host's to say. */
    enum holm_status (*join)(struct holm_node *node, const char *address);
    /* Ends the node with a farewell, if it has not ended yet, and frees it. */
    void (*close)(struct holm_node *node);
};

struct holm_http;

struct holm_node {
    struct holm_fork_mark mark;   /* of the process that opened it; revoked when it has ended */
    const struct holm_host *host; /* NULL: it runs by itself */
    void *host_context;
    bool ended; /* hosted: there is no engine any more, and every call answers HOLM_ECLOSED */
    struct holm_allocator allocator;
    struct holm_log log; /* with the limits below */
    struct holm_log_limits log_limits;
    struct holm_transport *transport;
    struct holm_store *store;
    struct holm_engine *engine;
    struct holm_resolver *resolver;   /* of seeds that are names; NULL: hosted */
    struct holm_multicast *multicast; /* or NULL */
    bool insecure;                    /* exposed addresses are dialled, too */
    bool tls;                         /* it has a certificate */
    pthread_t thread;
    atomic_bool stopping;
    atomic_uint_fast64_t looks_us;  /* when the I/O thread looks around next, or began to */
    struct holm_http *_Atomic http; /* or NULL (http.h) */

    /* Who waits in holm_wait_…: `turn` counts the moments to look again. */
    pthread_mutex_t wait_lock;
    pthread_cond_t wait_changed; /* on the monotonic clock */
    uint64_t wait_turn;          /* under wait_lock */
    atomic_uint waiters;

    /* The watches of node/watch.c, which sets the engine's observer when the first is opened. */
    pthread_mutex_t watch_lock;
    struct holm_watch *watches; /* a list, under watch_lock */
    uint64_t watch_overflows;   /* under watch_lock */
    struct holm_events *events; /* those of node/events.c, too */
    struct holm_observer observer;
};

/* Who opens nodes in place of holm_open(); NULL, as it is at first: nobody. To be set by one thread,
 * while no other opens any. */
extern enum holm_status (*holm_open_hook)(const struct holm_config *config,
                                          struct holm_node **node);

/* The bare struct: a mark, locks, an allocator, no host. HOLM_ENOMEM */
HOLM_NODISCARD enum holm_status holm_node_new(const struct holm_log *log, struct holm_node **node);
/* Frees no more than that. */
void holm_node_free(struct holm_node *node);
/* A hosted node's life is over; the struct stays, for those who still have it. */
void holm_node_end(struct holm_node *node);

/* HOLM_OK; HOLM_EFORK in a child of the process that opened the node; HOLM_ECLOSED: it has ended. */
HOLM_NODISCARD enum holm_status holm_node_check(const struct holm_node *node);

/* As holm_metrics(), before it is printed; to be released. HOLM_ENOMEM, HOLM_EFORK, HOLM_ECLOSED */
HOLM_NODISCARD enum holm_status holm_node_metrics(struct holm_node *node,
                                                  struct holm_metrics *metrics);

/* Of the watches, for it. */
void holm_node_watch_figures(struct holm_node *node, struct holm_metrics_node *figures);

/* The present time, from the system's clocks or from the host. */
struct holm_now holm_node_now(const struct holm_node *node);

/* Who waits looks again: the engine's progress, with the node as its context. */
void holm_node_progress(void *context);

/* Tells the watches; a hosted node's host calls it with what the engine tells its observer. */
void holm_node_touched(struct holm_node *node, const struct holm_touched *touched, size_t count,
                       bool all);

/* malloc and its like. */
struct holm_allocator holm_node_allocator(void);

#endif

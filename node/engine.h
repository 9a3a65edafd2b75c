/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine.h - a node without a thread, a clock or a socket.
 *
 * One replica per partition, each under its own lock; the roster of peers; a transport, a store
 * and the time, all given from outside. The node's I/O thread and the simulator drive this very
 * code:
 *
 *     any thread        commit, flush, want -> step of one replica, under its lock
 *                            \-> witness, store, observer, outbox (frames, encoded)
 *     the driving one   transport event -> holm_engine_event()
 *                       then            -> holm_engine_tick(): timers due, outbox to transport
 *
 * Invariants:
 *     E1  what a step puts out is stored before it is in the outbox, and is in the outbox before
 *         the partition's lock is released: frames of one partition leave in the order of steps
 *     E2  the transport is used by the driving thread alone (but for its wake())
 *     E3  locks are taken in this order: partition, roster, wake-up time, outbox
 *     E4  no two partitions are locked at once
 *     E5  nothing that the host gave (log, progress) runs under a lock; witness, store and
 *         observer run under one partition's lock and must not call back into the engine
 */
#ifndef HOLM_NODE_ENGINE_H
#define HOLM_NODE_ENGINE_H

#include <holm/fault.h>
#include <holm/holm.h>

#include "crdt/replica.h"
#include "node/log.h"
#include "node/store.h"
#include "node/witness.h"
#include "transport/transport.h"

struct holm_engine;

struct holm_engine_config {
    struct holm_allocator allocator; /* thread-safe */
    struct holm_actor self;          /* a node id, and an epoch never used before */
    const char *name;                /* borrowed for holm_engine_open(), as cluster is */
    const char *cluster;
    uint32_t partitions;           /* 16; 1 to 1,024 */
    uint64_t random_seed;          /* for jitter, nonces and epochs: different on every node */
    uint64_t flush_interval_us;    /* 1,000 */
    uint64_t beacon_interval_us;   /* 1,000,000 */
    uint64_t link_timeout_us;      /* 3,000,000 */
    uint64_t redial_interval_us;   /* 1,000,000 */
    uint64_t hearsay_us;           /* 0: never; members never met are given up then */
    uint64_t max_drift_ms;         /* 60,000 */
    bool ordered;                  /* false; true: replicas keep their keys in order */
    enum holm_retention retention; /* FOREVER */
    bool founds;              /* false; true: with `stable`, begins a cluster if there is none */
    uint64_t forget_after_us; /* 0: never; with `stable`, of members that are not up */
    uint64_t collect_interval_us; /* 5,000,000: how often it is looked what may go */
    size_t journal_bytes_max;     /* 16 MiB: of writes before this epoch is a member */
    bool relay;                   /* false; true: by feeds (crdt/feed.h), however few the nodes */
    size_t frame_bytes_max;       /* 1 MiB */
    size_t log_bytes_max;         /* 64 MiB, of all partitions together */
    size_t holdback_bytes_max;    /* 64 MiB, of all partitions together */
    size_t unacked_bytes_max; /* 16 MiB, of all partitions together: published, and not acknowledged
                                     by each peer that is waited for (crdt/pace.h) */
    uint64_t lag_us;          /* 250,000: a peer is waited for so long */
    size_t outbox_bytes_max;  /* 64 MiB: encoded frames that wait for the driving thread */
    uint32_t peers_max;       /* 256; at most HOLM_REPLICA_PEERS_MAX */
    struct holm_log log;
    /* Peers came or went, or one has applied more of what was written here: who waits looks again.
     * Called by the driving thread. NULL is allowed. */
    void (*progress)(void *context);
    void *progress_context;
    /* A peer came, went, or has been caught up with (events.h). Called by the driving thread. NULL is allowed. */
    void (*changed)(void *context, const struct holm_peer_event *event);
    void *changed_context;
};

/* The defaults above; self, name, cluster ("holm") and the seed are for the host to set. */
struct holm_engine_config holm_engine_config_default(void);

/*
 * Makes an engine over an open transport and an open store. Both are borrowed: they must outlive
 * the engine, and the host closes them after it. With a store that holds something, it is loaded.
 *   HOLM_EINVAL  a member is missing or out of its range
 *   HOLM_ENOMEM, HOLM_EIO
 */
HOLM_NODISCARD enum holm_status holm_engine_open(const struct holm_engine_config *config,
                                                 struct holm_transport *transport,
                                                 struct holm_store *store, struct holm_now now,
                                                 struct holm_engine **engine);

/*
 * Publishes what is pending and hands a Goodbye for every peer to the transport, whose close()
 * then lingers to send it. The driving thread calls it last; afterwards only free() is allowed.
 */
void holm_engine_farewell(struct holm_engine *engine, struct holm_now now);

/* Frees the engine, saying nothing to anybody: alone, this is a crash. NULL is allowed. */
void holm_engine_free(struct holm_engine *engine);

/* ---- driving: one thread, always the same --------------------------------------------------- */

/* Takes in what the transport told. The event stays the caller's, to be released. Call tick()
 * after it, or after a few of them, and before waiting. */
void holm_engine_event(struct holm_engine *engine, const struct holm_transport_event *event,
                       struct holm_now now);

/*
 * Does what is due and hands the outbox to the transport. Returns the monotonic time of the next
 * call, in microseconds, or HOLM_NEVER; sooner when the transport has an event or was woken.
 */
uint64_t holm_engine_tick(struct holm_engine *engine, struct holm_now now);

/* ---- any thread ----------------------------------------------------------------------------- */

/* What a node with retention `stable` is among the others. */
struct holm_engine_membership {
    bool confirmed;      /* this epoch is a member: with `forever` always */
    uint32_t members;    /* nodes that are admitted, and not forgotten */
    uint64_t journalled; /* batches that wait for it to be confirmed */
    uint64_t reminted;   /* operations of former epochs that were minted anew, by replacement */
    uint64_t dropped;    /* operations that were not: of others, or on keys that had gone */
    uint64_t refused;    /* operations of the journal that what had become of their keys refused */
    uint64_t replaced;   /* how often the state was replaced */
    uint64_t collected;  /* tombstones and ghosts that went by own collection */
    uint64_t folded;     /* epochs, in each partition */
};
void holm_engine_membership(struct holm_engine *engine, struct holm_engine_membership *membership);

/*
 * Commits operations of one partition as a batch. With retention `stable`, and before this epoch is a
 * member, they go into the journal: they have no dots yet (the receipt's count is 0), and are seen at home. O(operations), one short lock, and at most one
 * wake() of the transport. `receipt` may be NULL. Does not check that the keys belong there.
 *   HOLM_EBURIED, HOLM_EINVAL, HOLM_ETOOBIG, HOLM_EOVERFLOW, HOLM_ENOMEM: as holm_replica_step()
 *   HOLM_EIO    the store has failed before; nothing is written any more
 *   HOLM_ELIMIT the journal is full
 */
HOLM_NODISCARD enum holm_status holm_engine_commit(struct holm_engine *engine, uint32_t partition,
                                                   const struct holm_op *ops, size_t count,
                                                   struct holm_now now,
                                                   struct holm_receipt *receipt);

/* Seals what is pending in a partition, and publishes it, whether its store takes it or not. HOLM_ENOMEM. */
HOLM_NODISCARD enum holm_status holm_engine_flush(struct holm_engine *engine, uint32_t partition,
                                                  struct holm_now now);

/* Locks a partition for reading with the functions of "looking" in crdt/replica.h; what they
 * return is borrowed until unlock(). Keep it short, and lock one at a time (E4). */
const struct holm_replica *holm_engine_lock(struct holm_engine *engine, uint32_t partition);
void holm_engine_unlock(struct holm_engine *engine, uint32_t partition);

/* Whether it has failed for any partition. */
bool holm_engine_store_failed(struct holm_engine *engine);
uint32_t holm_engine_partitions(const struct holm_engine *engine);
struct holm_actor holm_engine_self(struct holm_engine *engine);
size_t holm_engine_frame_bytes_max(const struct holm_engine *engine);
bool holm_engine_ordered(const struct holm_engine *engine);

/*
 * Forgets a member for good: the others go on without it, and it comes back by replacement (holm_forget()).
 * Takes effect at the next tick.
 *   HOLM_EINVAL  retention is `forever`, or it is this node itself
 *   HOLM_ENOENT  it is no member
 *   HOLM_EBUSY   this epoch is no member itself so far; or too many are to be forgotten at once
 */
HOLM_NODISCARD enum holm_status holm_engine_forget(struct holm_engine *engine,
                                                   struct holm_node_id node, struct holm_now now);

/*
 * Says to all peers, with the next tick, that this node leaves for good; from then on it dials nobody and takes no
 * calls, and the peers hang up. To be freed then.
 */
void holm_engine_leave(struct holm_engine *engine);

struct holm_roster_named;
struct holm_roster_change;

/* A name stands for these addresses from now on: holm_roster_resolved(). */
void holm_engine_resolved(struct holm_engine *engine, const struct holm_roster_named *named,
                          struct holm_now now, struct holm_roster_change *change);

/* Dials one more address, for ever. HOLM_EADDRESS, HOLM_ENOMEM, HOLM_ELIMIT. */
HOLM_NODISCARD enum holm_status holm_engine_join(struct holm_engine *engine, const char *address,
                                                 struct holm_now now);

/*
 * What changed, told after each step under the partition's lock: copy what you need and return.
 * `touched` is borrowed for the call; with `all`, a sync was applied and anything may have changed.
 */
struct holm_observer {
    void (*touched)(void *context, uint32_t partition, const struct holm_touched *touched,
                    size_t count, bool all);
    void *context;
};

/* Sets the one observer, or none (NULL). The struct is borrowed until the engine is freed. A step
 * that is under way in another thread may still call the former one. */
void holm_engine_set_observer(struct holm_engine *engine, const struct holm_observer *observer);

/* As above: the struct is borrowed until the engine is freed, NULL takes the witness away. */
void holm_engine_set_witness(struct holm_engine *engine, const struct holm_witness *witness);

/*
 * Waits until what was committed in `count` partitions from `first` on is on the disk: seals, stores, and lets the
 * store sync. Blocks. HOLM_EINVAL: its store keeps nothing. HOLM_ETIMEDOUT, HOLM_EIO, HOLM_ENOMEM
 */
HOLM_NODISCARD enum holm_status holm_engine_sync(struct holm_engine *engine, uint32_t first,
                                                 uint32_t count, struct holm_now now,
                                                 uint64_t timeout_us);

/* ---- who has seen what ---------------------------------------------------------------------- */

/* Asks every peer to tell at once when it has applied what was written here so far. Flushes. */
HOLM_NODISCARD enum holm_status holm_engine_want(struct holm_engine *engine, uint32_t partition,
                                                 struct holm_now now);

/* What each partition has minted of the present epoch: seqs[partition], for all of them. */
void holm_engine_minted(struct holm_engine *engine, uint64_t *seqs);

/* How many peers that are up have applied operations of this node up to seqs[i] in partition
 * first + i, for each i < count. Two who share an id by mistake (T03) count as one, here and as peers
 * that are up: one of their slots may be of a life that is over. O(peers x (count + peers)). */
uint32_t holm_engine_seen(struct holm_engine *engine, uint32_t first, const uint64_t *seqs,
                          uint32_t count);
uint32_t holm_engine_peers_up(struct holm_engine *engine);

/* As holm_peers() and holm_stats(). */
size_t holm_engine_peers(struct holm_engine *engine, struct holm_now now, struct holm_peer *peers,
                         size_t capacity);
void holm_engine_stats(struct holm_engine *engine, struct holm_stats *stats);

/* As holm_fault_drop() and holm_fault_heal(). */
HOLM_NODISCARD enum holm_status holm_engine_fault_drop(struct holm_engine *engine,
                                                       struct holm_node_id peer,
                                                       enum holm_direction direction,
                                                       uint32_t permille);
void holm_engine_fault_heal(struct holm_engine *engine);

/* Every invariant of every replica; for tests and simulation. Asserts. */
void holm_engine_check(struct holm_engine *engine);

#endif

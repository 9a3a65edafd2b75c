/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine_state.h - what an engine is made of; for node/engine*.c alone.
 *
 *     engine.c         life cycle, the step of a partition, what any thread may call
 *     engine_drive.c   events in, timers, the outbox to the transport
 *     engine_peers.c   what the roster wants done; beacons
 *     engine_relay.c   whom to subscribe to, whom to follow
 *     engine_look.c    who has seen what, figures
 *     engine_store.c   what survives: runs, and states that a sync has brought
 */
#ifndef HOLM_NODE_ENGINE_STATE_H
#define HOLM_NODE_ENGINE_STATE_H

#include <pthread.h>
#include <stdalign.h>
#include <stdatomic.h>

#include "node/engine.h"
#include "node/faults.h"
#include "node/outgoing.h"
#include "node/random.h"
#include "node/roster.h"

#define HOLM_CACHE_LINE_BYTES 64

struct holm_engine_partition {
    alignas(HOLM_CACHE_LINE_BYTES) pthread_mutex_t lock;
    struct holm_replica *replica;
    bool muted;     /* its store has failed */
    bool receiving; /* as its work last said */
    uint32_t serving;
    uint64_t syncs;               /* whose outcome is saved */
    atomic_uint_fast64_t wake_us; /* written under the lock, read without */
};

struct holm_engine {
    struct holm_engine_config config; /* name and cluster are not kept here … */
    uint64_t digest_seed;             /* … but what the cluster digests with */
    struct holm_transport *transport;
    struct holm_store *store;
    struct holm_engine_partition *partitions;
    void *partitions_memory; /* what was allocated for them, not aligned */
    struct holm_outgoing outgoing;
    struct holm_faults faults;
    _Atomic(const struct holm_observer *) observer;
    _Atomic(const struct holm_witness *) witness;
    atomic_bool store_failed;
    atomic_uint receiving, serving; /* syncs under way, of all partitions */

    /* When the driving thread acts next without being woken; 0 while it acts. */
    pthread_mutex_t due_lock;
    uint64_t due_us;

    pthread_mutex_t roster_lock; /* of the roster and the two snapshots below */
    struct holm_roster *roster;
    struct holm_transport_stats transport_stats;
    uint64_t beacons, malformed;
    uint64_t unknown; /* frames of a newer version */

    /* The driving thread's own. */
    struct holm_random random;
    struct holm_codec_limits limits;
    uint64_t beacon_us;
    uint32_t beacon_turn;              /* which peers get the next one over their links, too */
    struct holm_beacon_entry *entries; /* room for two a partition */
    struct holm_epoch epoch_wanted;    /* not all replicas have it yet; 0: they have */
    struct review *review;             /* room, for engine_relay.c */
    uint8_t *wishes;                   /* by slot: what replicas were told to follow */
    bool relaying;                     /* writes are heard of by feeds */
    bool strange;                      /* … because of nodes that there is no link to … */
    uint64_t strange_until_us;         /* … until then */
    uint64_t strangers;                /* runs of such nodes, at the last beacon */
    uint32_t strange_beacons;          /* how often in a row they had become more */
    uint64_t reviewed_us, review_us;   /* when that was last looked at; when it will be */
    uint64_t overlay_seed;
    bool progressed;
    bool store_failure_told;
};

/* engine.c. Steps a partition whose lock is held, and takes care of the work. `commit` is what the
 * witness is told; NULL otherwise. */
struct holm_engine_commit {
    struct holm_receipt receipt;
    const struct holm_op *ops;
    size_t count;
};
struct holm_replica_config holm_engine_replica_config(struct holm_engine *engine,
                                                      uint32_t partition);
HOLM_NODISCARD enum holm_status holm_engine_step(struct holm_engine *engine, uint32_t partition,
                                                 const struct holm_event *event,
                                                 struct holm_now now,
                                                 struct holm_engine_commit *commit);
/* The same, taking the lock. */
HOLM_NODISCARD enum holm_status holm_engine_step_locked(struct holm_engine *engine,
                                                        uint32_t partition,
                                                        const struct holm_event *event,
                                                        struct holm_now now);

/* engine_store.c. Opens a partition's replica with what was stored of it. */
HOLM_NODISCARD enum holm_status holm_engine_load(struct holm_engine *engine, uint32_t partition,
                                                 const struct holm_replica_config *config,
                                                 struct holm_now now);
/* What a step put out is stored, before anybody hears of it. A failure mutes the partition. */
void holm_engine_store(struct holm_engine *engine, uint32_t partition,
                       const struct holm_work *work);
/* Saves the state of a partition if a sync was applied since the last time. Returns the work of that,
 * whose outputs are to be sent, or NULL. */
const struct holm_work *holm_engine_save(struct holm_engine *engine, uint32_t partition,
                                         struct holm_now now);

/* engine_peers.c */
void holm_engine_act(struct holm_engine *engine, struct holm_now now);
void holm_engine_beacon(struct holm_engine *engine, uint32_t peer, struct holm_now now);
void holm_engine_beacon_all(struct holm_engine *engine, struct holm_now now);
void holm_engine_epoch_spread(struct holm_engine *engine, struct holm_now now);
void holm_engine_send_link(struct holm_engine *engine, struct holm_link_id link,
                           const struct holm_message *message);

/* An event for every replica. HOLM_ENOMEM: not all have it. */
HOLM_NODISCARD enum holm_status holm_engine_step_all(struct holm_engine *engine,
                                                     const struct holm_event *event,
                                                     struct holm_now now);
void holm_engine_subscribe(struct holm_engine *engine, uint32_t peer, const char *publisher);

/* engine_relay.c */
HOLM_NODISCARD enum holm_status holm_engine_relay_open(struct holm_engine *engine);
void holm_engine_relay_free(struct holm_engine *engine);
/* Whether the broadcasts of a peer are wanted. */
bool holm_engine_hears(struct holm_engine *engine, uint32_t peer);
/* The peer came or went. */
void holm_engine_relay_changed(struct holm_engine *engine, uint32_t peer, struct holm_now now);
/* With each beacon: how many runs of nodes without a link there have been. */
void holm_engine_relay_strangers(struct holm_engine *engine, uint64_t strangers,
                                 struct holm_now now);
void holm_engine_relay_tick(struct holm_engine *engine, struct holm_now now);

/* engine_drive.c */
void holm_engine_drain(struct holm_engine *engine);

#endif

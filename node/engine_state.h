/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine_state.h - what an engine is made of; for node/engine*.c alone, and for who looks into it from outside
 * without changing anything (sim/world/world_look.c, tests).
 *
 *     engine.c         life cycle, the step of a partition, what any thread may call
 *     engine_drive.c   events in, timers, the outbox to the transport
 *     engine_peers.c   what the roster wants done
 *     engine_beacon.c  what a node says of what it has, and when
 *     engine_relay.c   whom to subscribe to, whom to follow
 *     engine_member.c  retention `stable`: its life cycle, and what its machine wants done
 *     engine_standing.c  how this node stands, and what it is told of the others
 *     engine_join.c    who asks to be admitted, and the answer
 *     engine_tunnel.c  links between those who are no members and do not meet
 *     engine_found.c   to whom it is left to found
 *     engine_forget.c  who is forgotten, when asked to or after a while
 *     engine_collect.c what may go
 *     engine_admit.c   becoming a member: what is taken apart, and put in place of the rest
 *     engine_list.c    the member list's partition
 *     engine_heal.c    which peers are up again, and what has crossed since
 *     engine_leave.c   this node leaves, or another has
 *     engine_roll.c    who there is: peers and members
 *     engine_look.c    who has seen what, figures
 *     engine_metrics.c all figures in one go
 *     engine_wait.c    what is asked by who waits (engine_wait.h)
 *     engine_store.c   what survives: runs, whole states, journals, the epoch
 *     engine_compact.c states in pieces: in place of runs, and what a sync has brought
 */
#ifndef HOLM_NODE_ENGINE_STATE_H
#define HOLM_NODE_ENGINE_STATE_H

#include <pthread.h>
#include <stdalign.h>
#include <stdatomic.h>

#include "crdt/journal.h"
#include "crdt/origins.h"
#include "crdt/replica_member.h"
#include "crdt/replica_remint.h"
#include "node/engine.h"
#include "node/faults.h"
#include "node/membership.h"
#include "node/metrics.h"
#include "node/outgoing.h"
#include "node/random.h"
#include "node/roster.h"
#include "node/tunnels.h"

#define HOLM_CACHE_LINE_BYTES 64

struct holm_engine_partition {
    alignas(HOLM_CACHE_LINE_BYTES) pthread_mutex_t lock;
    struct holm_replica *replica;
    bool muted;     /* its store has failed: it takes no writes, and with members sends nothing */
    bool receiving; /* as its work last said */
    uint32_t serving;
    uint64_t syncs;           /* whose outcome is saved */
    uint64_t stored;          /* runs that a store which keeps them was given */
    struct holm_still *still; /* of the state that is being saved, or NULL */
    atomic_bool awaited;      /* a sync has brought a state that is not stored yet. As wake_us */
    uint64_t saved;           /* states that took the place of runs there */
    uint64_t collected;       /* what went by own collection */
    atomic_uint_fast64_t wake_us; /* written under the lock, read without */

    /* With retention `stable`. */
    bool provisional; /* writes go into the journal, of a member too while some wait there */
    struct holm_replica *incoming; /* what is taken of others, before it is put in place; or NULL */
    bool arrived;                  /* something for it, since that was last looked at ... */
    bool whole;                    /* ... and whether it was whole then, or before */
    uint64_t wakes[2];             /* of the replica, of `incoming` */
    struct holm_replica
        *home; /* the state and the journal, for reading; NULL: nothing journalled */
    struct holm_journal journal;
    struct holm_origins origins; /* of what was written anew in coming back, up to now */
    struct holm_replica
        *leaving; /* replaced, but memory was refused before all was written anew; or NULL */
    struct holm_remint remint; /* of `leaving`, as far as that is */
    uint64_t
        relied_stored; /* a hash of the forgets that S was grown under, as the store has them */
};

/* How a peer stands, by slot. */
struct holm_engine_standing {
    bool up, told;
    struct holm_actor actor;
    bool confirmed, lost;
    struct holm_epoch former;
    uint64_t state;
    struct holm_founding founding;
    struct holm_actor defers;
    struct holm_vector list;
    struct holm_member_op *hearsay; /* forgets that it believes, and are not in its list */
    size_t hearsay_count, hearsay_capacity;
    bool asked_list, asked_state; /* for what is being gathered */
};

/* What came from the peer of a slot. */
struct holm_engine_received {
    struct holm_node_id node; /* whose it is */
    struct holm_traffic traffic;
};

#define HOLM_ENGINE_FORGETS_MAX 64

struct holm_engine_absent {
    struct holm_actor actor;
    uint64_t since_us;
};

/* A member that has left, and is to be forgotten if nobody else has done so by then. */
struct holm_engine_leaver {
    struct holm_actor actor;
    uint64_t due_us;
    uint32_t tries;
};

/* A peer that was down. */
struct holm_engine_heal {
    uint32_t peer;
    struct holm_actor actor;
    uint64_t down_us;    /* since then */
    bool up;             /* again */
    uint64_t came, went; /* operations, since it is up again */
    uint32_t agreed;     /* partitions of which all that it had is here */
    uint8_t
        *partitions; /* while up: which of them agree, of which it has asked for what it lacks */
};

/* A forget that is believed, and not in the list: of the list of the founding by which it was told, and of no other. */
struct holm_engine_hearsay {
    struct holm_member_op op;
    struct holm_founding founding;
};

/* With retention `stable`. All but what is said to be others' is the driving thread's own. */
struct holm_engine_members {
    struct holm_membership *machine;
    struct holm_engine_standing *standings;
    struct holm_heard *heard; /* room for one a slot */
    bool confirmed;
    bool begun, gathering;    /* there are incoming replicas; of all others */
    bool replacing;           /* they are to be in place of the state, and not merged with it */
    struct holm_actor member; /* whom they are taken from */
    uint32_t slot;
    struct holm_dot admission;
    struct holm_actor defers;
    struct holm_member_op *news; /* of the list, for all replicas; `all`: it is to be read whole */
    size_t news_count, news_capacity;
    bool news_all;
    struct holm_engine_hearsay *hearsay;
    size_t hearsay_count, hearsay_capacity;
    struct holm_member_op *told; /* room for a Standing */
    size_t told_capacity;
    struct holm_engine_absent *absent; /* members that are not up */
    size_t absent_count, absent_capacity;
    struct holm_engine_leaver *leavers; /* each node once; room for one a slot */
    size_t leaver_count;
    struct holm_node_id *forgotten; /* who is, as it was told of to those who listen */
    size_t forgotten_count, forgotten_capacity;
    uint64_t roll_hash; /* of the list's vector, when that was looked at; 0: never */
    uint64_t told_hash; /* of the list's vector, at the last Standing to all */
    bool admitted;      /* somebody, since the last report to all */
    uint64_t collect_us;
    uint64_t
        settle_us; /* when it goes on with what memory was refused for in becoming a member; or HOLM_NEVER */
    uint32_t folds_waited; /* rounds that ends of epochs have waited for somebody to write them */

    /* Under the roster's lock. */
    struct holm_node_id forgets[HOLM_ENGINE_FORGETS_MAX];
    size_t forget_count;
    struct holm_engine_membership figures;
};

struct holm_engine {
    struct holm_engine_config config; /* name and cluster are not kept here … */
    uint64_t digest_seed;             /* … but what the cluster digests with */
    struct holm_transport *transport;
    struct holm_store *store;
    struct holm_engine_partition *partitions;
    uint32_t
        partition_count; /* config.partitions, and with `stable` the member list's behind them */
    struct holm_engine_members *members; /* NULL with retention `forever` */
    struct holm_tunnels *tunnels;        /* the same; the driving thread's */
    uint64_t reaches;                    /* Reaches of this node so far; the same */
    void *partitions_memory;             /* what was allocated for them, not aligned */
    struct holm_outgoing outgoing;
    struct holm_faults faults;
    _Atomic(const struct holm_observer *) observer;
    _Atomic(const struct holm_witness *) witness;
    atomic_bool store_failed;
    bool store_begun;   /* the driving thread's */
    uint32_t compacted; /* partitions that had their turn; the driving thread's, as the next two */
    struct holm_engine_saving *saving;
    uint32_t hurry;
    uint64_t compact_us;  /* not before */
    atomic_uint awaiting; /* partitions whose state is awaited */
    pthread_mutex_t awaited_lock;
    pthread_cond_t awaited_gone;    /* with that lock: of one of them it is no more */
    atomic_uint receiving, serving; /* syncs under way, of all partitions */
    atomic_uint_fast64_t changes;   /* steps that had something to store or to say */
    atomic_uint_fast64_t published; /* runs that were broadcast */
    atomic_uint_fast64_t pulled;    /* pulls and syncs that brought something */

    /* When the driving thread acts next without being woken; 0 while it acts. */
    pthread_mutex_t due_lock;
    uint64_t due_us;

    pthread_mutex_t roster_lock; /* of the roster and the snapshots below */
    struct holm_roster *roster;
    struct holm_engine_received *received; /* by slot */
    struct holm_transport_stats transport_stats;
    uint64_t limited_told, limited_told_us; /* callers: how many, and when; 0: never */
    uint64_t beacons, malformed;
    uint64_t unknown; /* frames of a newer version */

    /* The driving thread's own. */
    struct holm_random random;
    struct holm_codec_limits limits;
    uint64_t beacon_us;
    uint64_t beacon_changes;   /* at the last beacon, or when they were last looked at */
    uint32_t quiet_beacons;    /* how many in a row found nothing changed */
    bool differs;              /* a peer's beacon since then told of something else than is here */
    uint64_t published_seen;   /* when that was last looked at, … */
    uint64_t published_us;     /* … when it last had grown, … */
    uint64_t published_gap_us; /* … how long that usually takes, … */
    uint64_t early_us;         /* … when there is a beacon if it does not grow before, … */
    uint64_t early_sent_us;    /* … and when there last was one for that */
    uint64_t pulled_seen;      /* when that was last looked at, … */
    uint64_t met_us;           /* … when a peer last came up, … */
    uint64_t news_us;          /* … when there is a beacon for what was pulled since, … */
    uint64_t news_sent_us;     /* … and when there last was one for that */
    uint32_t beacon_turn;      /* which peers get the next one over their links, too */
    struct holm_beacon_entry *entries; /* room for two a partition */
    struct holm_epoch epoch_wanted;    /* not all replicas have it yet; 0: they have */
    struct review *review;             /* room, for engine_relay.c */
    struct holm_overlay *overlay;      /* the same */
    uint8_t *wishes;                 /* by slot and partition: what replicas were told to follow */
    bool relaying;                   /* writes are heard of by feeds */
    bool draws;                      /* … along trees that all can draw */
    bool strange;                    /* … because of nodes that there is no link to … */
    uint64_t strange_until_us;       /* … until then */
    uint64_t strangers;              /* runs of such nodes, at the last beacon */
    uint32_t strange_beacons;        /* how often in a row they had become more */
    uint64_t reviewed_us, review_us; /* when that was last looked at; when it will be */
    uint64_t overlay_seed;
    struct holm_engine_heal *heals;
    size_t heal_count, heal_capacity;
    struct holm_dot *heal_room; /* for a vector */
    size_t heal_room_capacity;
    atomic_bool leaves; /* it is to say that it leaves for good … */
    bool left;          /* … and has */
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
/* The same of the replica that is being filled. */
HOLM_NODISCARD enum holm_status holm_engine_step_incoming(struct holm_engine *engine,
                                                          uint32_t partition,
                                                          const struct holm_event *event,
                                                          struct holm_now now);
/* Takes care of the work of a call on one of the two, other than a step. Under the lock. */
void holm_engine_work(struct holm_engine *engine, uint32_t index,
                      const struct holm_replica *replica, const struct holm_work *work);
/* As holm_engine_step(), taking the lock. */
HOLM_NODISCARD enum holm_status holm_engine_step_locked(struct holm_engine *engine,
                                                        uint32_t partition,
                                                        const struct holm_event *event,
                                                        struct holm_now now);

/* engine_store.c. Opens a partition's replica with what was stored of it. */
HOLM_NODISCARD enum holm_status holm_engine_load(struct holm_engine *engine, uint32_t index,
                                                 const struct holm_replica_config *config,
                                                 struct holm_now now);
/* What a step put out is stored, before anybody hears of it. A failure mutes the partition. */
void holm_engine_store(struct holm_engine *engine, uint32_t index, const struct holm_work *work);
/* The partition takes no writes any more; and is silent, where there are members. Under its lock. */
void holm_engine_mute(struct holm_engine *engine, uint32_t index);
/*
 * Whether it sends nothing. What a member says of itself must not be forgotten by its next life: what it has reported, what it
 * minted of its journal. Without members it goes on as nodes do that store nothing, for all that is pulled from it is
 * had by one more, and it may be the only one between others.
 */
bool holm_engine_is_silent(const struct holm_engine *engine, uint32_t index);
/* The same, if the store says that it has failed. O(1) */
void holm_engine_mute_failed(struct holm_engine *engine, uint32_t index);
/* All partitions, if so: for the driving thread. */
void holm_engine_store_tick(struct holm_engine *engine);
/* Mutes all partitions: what they do from now on is not kept. */
void holm_engine_mute_all(struct holm_engine *engine);
/* Takes an epoch above all that the store knows of, if config.self has none, and notes it there. What cannot be
 * noted mutes; for after the partitions are there. */
void holm_engine_store_epoch(struct holm_engine *engine, struct holm_epoch epoch);
/* A batch goes into the journal's store, or all leave it. Under the partition's lock. HOLM_ENOMEM; HOLM_EIO,
 * and the partition is mute. */
HOLM_NODISCARD enum holm_status holm_engine_store_batch(struct holm_engine *engine, uint32_t index,
                                                        const struct holm_op *ops, size_t count);
/* The forgets that its S was grown under, if that is news: before anything that may bring S to the disk, so that a later
 * life knows of as many as it must, and of hardly more. Under the partition's lock. HOLM_EIO. */
HOLM_NODISCARD enum holm_status holm_engine_store_relied(struct holm_engine *engine,
                                                         uint32_t index);
/* The journal's store is left with what waits. HOLM_ENOMEM; HOLM_EIO, and the partition is mute. */
HOLM_NODISCARD enum holm_status holm_engine_store_minted(struct holm_engine *engine,
                                                         uint32_t index);
/* The journal that a former life has left. HOLM_EMALFORMED, HOLM_EVERSION, HOLM_ENOMEM, HOLM_EIO */
HOLM_NODISCARD enum holm_status holm_engine_load_journal(struct holm_engine *engine,
                                                         uint32_t index);
/* The epoch that what is stored was confirmed under; 0: none. HOLM_EMALFORMED, HOLM_EIO */
HOLM_NODISCARD enum holm_status holm_engine_load_former(struct holm_engine *engine,
                                                        struct holm_epoch *former);
/* Between begin and end, with that state. HOLM_EIO */
HOLM_NODISCARD enum holm_status holm_engine_store_former(struct holm_engine *engine,
                                                         struct holm_epoch former);
/* What is stored between them is, all of it, or none is. Nothing that was put into the outbox meanwhile has left:
 * for the driving thread. Not `whole`: as when the store fails, which mutes all and empties the outbox. */
void holm_engine_store_begin(struct holm_engine *engine);
void holm_engine_store_end(struct holm_engine *engine, bool whole);
/* Saves the state of a partition if a sync was applied since the last time. Returns the work of that,
 * whose outputs are to be sent, or NULL. */
const struct holm_work *holm_engine_save(struct holm_engine *engine, uint32_t index,
                                         struct holm_now now);

/* engine_compact.c; the driving thread's. One partition, a turn each, whose runs have become too many: its state takes their
 * place, with a store that knows how to in pieces of which each keeps others from the partition for less than a
 * millisecond; one a call. When the next is due. */
void holm_engine_compact(struct holm_engine *engine, struct holm_now now);
uint64_t holm_engine_compact_due_us(const struct holm_engine *engine);
/*
 * A sync was applied, and what it brought is to be saved in pieces: with a store that knows how to, and with retention `forever`,
 * for elsewhere a partition must not be behind the member list. Until it is sealed, the next life finds what was stored
 * before, and holm_engine_sync() waits. Under the partition's lock, before anything is stored that builds upon it.
 */
void holm_engine_await(struct holm_engine *engine, uint32_t index);
/* It has been saved, or never will be. Under the lock. */
void holm_engine_await_end(struct holm_engine *engine, uint32_t index);
/* Waits until it is not awaited, until that moment of the clock at most. HOLM_ETIMEDOUT */
HOLM_NODISCARD enum holm_status holm_engine_await_state(struct holm_engine *engine, uint32_t index,
                                                        uint64_t until_us);
/* What is awaited is saved whole, at once: for the end of a life. */
void holm_engine_await_all(struct holm_engine *engine, struct holm_now now);
/* What has been begun comes to nothing. */
void holm_engine_saving_end(struct holm_engine *engine);
/* The same, under the partition's lock: before another replica comes or a whole state is saved. */
void holm_engine_still_drop(struct holm_engine_partition *partition);

/* engine_peers.c */
void holm_engine_act(struct holm_engine *engine, struct holm_now now);
void holm_engine_beacon(struct holm_engine *engine, uint32_t peer, struct holm_now now);
void holm_engine_beacon_all(struct holm_engine *engine, struct holm_now now);
/* Sends beacons to all, when it is time; and when that is. */
uint64_t holm_engine_beacon_due_us(const struct holm_engine *engine);
void holm_engine_beacon_tick(struct holm_engine *engine, struct holm_now now);
void holm_engine_epoch_spread(struct holm_engine *engine, struct holm_now now);
void holm_engine_send_link(struct holm_engine *engine, struct holm_link_id link,
                           const struct holm_message *message);

/* It says nothing of what it has, and follows nobody. */
bool holm_engine_is_provisional(const struct holm_engine *engine);

/* An event for every replica. HOLM_ENOMEM: not all have it. */
HOLM_NODISCARD enum holm_status holm_engine_step_all(struct holm_engine *engine,
                                                     const struct holm_event *event,
                                                     struct holm_now now);
void holm_engine_subscribe(struct holm_engine *engine, uint32_t peer, const char *publisher,
                           struct holm_now now);
/* To each peer that is up. */
void holm_engine_goodbye(struct holm_engine *engine);

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

/* engine_tunnel.c. With retention `forever` none is called but open and free. */
HOLM_NODISCARD enum holm_status holm_engine_tunnel_open(struct holm_engine *engine);
void holm_engine_tunnel_free(struct holm_engine *engine);
/* With each beacon of who is no member, and meets none: that it can be reached; and opens what is wanted. */
void holm_engine_tunnel_tick(struct holm_engine *engine, struct holm_now now);
/* A Reach of a peer that is met. */
void holm_engine_tunnel_hear(struct holm_engine *engine, uint32_t peer,
                             const struct holm_reach *reach, struct holm_now now);
/* A piece, of a peer that is met. True: *event is a frame of a tunnel, which is readable until the next call. */
bool holm_engine_tunnel_take(struct holm_engine *engine, uint32_t peer,
                             const struct holm_tunnel *tunnel, struct holm_now now,
                             struct holm_transport_event *event);
/* A frame leaves by a tunnel. What cannot be sent ends it. */
void holm_engine_tunnel_send(struct holm_engine *engine, struct holm_link_id link,
                             struct holm_bytes frame);
/* The roster is done with this link. */
void holm_engine_tunnel_close(struct holm_engine *engine, struct holm_link_id link,
                              struct holm_now now);
/* This epoch is a member now, or `self` is another: all tunnels end. */
void holm_engine_tunnel_end(struct holm_engine *engine, struct holm_actor self,
                            struct holm_now now);

/* engine_member.c. With retention `forever` none is called but open, free and due. */
HOLM_NODISCARD enum holm_status holm_engine_members_open(struct holm_engine *engine,
                                                         struct holm_now now);
void holm_engine_members_free(struct holm_engine *engine);
void holm_engine_members_tick(struct holm_engine *engine, struct holm_now now);
uint64_t holm_engine_members_due_us(const struct holm_engine *engine);
void holm_engine_members_up(struct holm_engine *engine, uint32_t peer, struct holm_actor actor,
                            struct holm_now now);
void holm_engine_members_down(struct holm_engine *engine, uint32_t peer, struct holm_now now);
void holm_engine_members_epoch(struct holm_engine *engine, struct holm_epoch epoch,
                               struct holm_now now);
/* Standing, Join, Joined, of a peer that is up. */
void holm_engine_members_talk(struct holm_engine *engine, uint32_t peer,
                              const struct holm_message *message, struct holm_now now);
struct holm_actor holm_engine_members_actor(const struct holm_engine *engine);

/* engine_standing.c. Says how this node stands to one peer, or to all that are up. */
void holm_engine_standing_tell(struct holm_engine *engine, uint32_t peer);
void holm_engine_standing_take(struct holm_engine *engine, uint32_t peer,
                               const struct holm_standing *standing, struct holm_now now);
void holm_engine_members_send(struct holm_engine *engine, uint32_t peer,
                              struct holm_message *message);
/* Says again what it believes by hearsay alone. */
void holm_engine_hearsay_repeat(struct holm_engine *engine, struct holm_now now);
/* What a member has collected was collected by what it believes, by hearsay too: that is given to what is being
 * filled by it. */
void holm_engine_hearsay_bring(struct holm_engine *engine, struct holm_now now);
/* Whether this node is lost by its own list. */
void holm_engine_members_look(struct holm_engine *engine, struct holm_now now);
/* engine_join.c. A peer asks to be admitted. */
void holm_engine_join_take(struct holm_engine *engine, uint32_t peer, const struct holm_join *join,
                           struct holm_now now);
/* engine_found.c. Whom it leaves it to, to found; and whether all leave it to this node. */
void holm_engine_members_defer(struct holm_engine *engine, struct holm_now now);
/* engine_forget.c. Whom a caller wants forgotten; and who has been away for forget_after. */
void holm_engine_forget_asked(struct holm_engine *engine, struct holm_now now);
void holm_engine_forget_absent(struct holm_engine *engine, struct holm_now now);
/* engine_collect.c. A round of collecting, and of ends of epochs. */
void holm_engine_collect(struct holm_engine *engine, struct holm_now now);

/* With each beacon: reports. */
void holm_engine_members_report(struct holm_engine *engine, struct holm_now now);
/* Whom a message for a partition is for. */
enum holm_engine_way {
    HOLM_ENGINE_NOBODY,
    HOLM_ENGINE_REPLICA,
    HOLM_ENGINE_INCOMING,
    HOLM_ENGINE_BOTH
};
enum holm_engine_way holm_engine_members_way(const struct holm_engine *engine, uint32_t peer,
                                             const struct holm_message *message);
/* What this node would say of itself; and what a peer has said. */
struct holm_heard holm_engine_members_self(struct holm_engine *engine,
                                           const struct holm_members *known);
struct holm_heard holm_engine_members_peer(const struct holm_engine_standing *standing);
/* Whether what this node has must not be merged, nor founded upon: it was told so, or a forget that it has collected
 * under, in this life or a former one, is void by now. */
bool holm_engine_members_lost(struct holm_engine *engine);
/* Whether there is a state, and it is the one that the members of its own list reckon with: admission.h. */
bool holm_engine_members_good(struct holm_engine *engine);
/* Fills members->heard with what the peers that are up have said. */
size_t holm_engine_members_heard(struct holm_engine *engine);

/* engine_admit.c */
HOLM_NODISCARD enum holm_status holm_engine_admit_begin(struct holm_engine *engine,
                                                        const struct holm_membership_action *action,
                                                        struct holm_now now);
HOLM_NODISCARD enum holm_status holm_engine_admit_gather(struct holm_engine *engine,
                                                         struct holm_now now);
/* Asks those for what they have who were not asked, and may be by what has been gathered: a list tells whose state
 * may be merged. On failure a part is asked for. */
HOLM_NODISCARD enum holm_status holm_engine_admit_gather_more(struct holm_engine *engine,
                                                              struct holm_now now);
void holm_engine_admit_abandon(struct holm_engine *engine);
/* Whether all of what was begun is here; and whether it must not be taken, or HOLM_ENOMEM. */
bool holm_engine_admit_whole(struct holm_engine *engine);
/* Whether something has come since this was last asked for a partition that was not whole. */
bool holm_engine_admit_progressed(struct holm_engine *engine);
HOLM_NODISCARD enum holm_status holm_engine_admit_beyond(struct holm_engine *engine, bool *beyond);
/* What was taken is what this node has; then its journal is minted. Where memory is refused the rest of the journal
 * and of the replaced state is kept, and the partition goes on journalling, until settle() is through. */
void holm_engine_admit_confirm(struct holm_engine *engine,
                               const struct holm_membership_action *action, struct holm_now now);
void holm_engine_admit_settle(struct holm_engine *engine, struct holm_now now);
/* A commit of a provisional epoch. Under the partition's lock. */
HOLM_NODISCARD enum holm_status holm_engine_journal(struct holm_engine *engine, uint32_t partition,
                                                    const struct holm_op *ops, size_t count,
                                                    struct holm_now now);
/* The k-th batch that waits, for the caller to deallocate, whose bytes are the journal's; NULL: no memory. */
struct holm_op *holm_engine_journal_batch(struct holm_engine *engine, uint32_t index, size_t k,
                                          size_t *count);
/* Reads what a former life has journalled. HOLM_EMALFORMED, HOLM_EVERSION, HOLM_ENOMEM, HOLM_EIO */
HOLM_NODISCARD enum holm_status holm_engine_journal_open(struct holm_engine *engine,
                                                         uint32_t partition, struct holm_now now);

/* engine_list.c */
uint32_t holm_engine_list(const struct holm_engine *engine); /* its partition */
/* What the list comes to; for the driving thread. */
const struct holm_members *holm_engine_list_members(const struct holm_engine *engine);
struct holm_vector_view holm_engine_list_vector(const struct holm_engine *engine);
/* Notes what of the list has changed. Under the list's lock. */
void holm_engine_list_note(struct holm_engine *engine, const struct holm_replica *replica,
                           const struct holm_work *work);
/* Gives all replicas what is news. */
void holm_engine_list_spread(struct holm_engine *engine, struct holm_now now);
/* Writes operations of this epoch, whose dots are filled in, and spreads them. */
HOLM_NODISCARD enum holm_status holm_engine_list_write(struct holm_engine *engine,
                                                       struct holm_member_op *ops, size_t count,
                                                       struct holm_now now);
/* Gives all replicas what is believed, and is not in the list. */
void holm_engine_list_believe(struct holm_engine *engine, const struct holm_member_op *op,
                              struct holm_now now);
/* Gives it to those replicas alone that are being filled. */
void holm_engine_list_bring(struct holm_engine *engine, const struct holm_member_op *op,
                            struct holm_now now);

/* engine_heal.c. For the driving thread. */
void holm_engine_heal_free(struct holm_engine *engine);
/* Tells who listens; not under a lock. */
void holm_engine_tell(struct holm_engine *engine, const struct holm_peer_event *event);
/* A peer came or went: the action says how. */
void holm_engine_changed(struct holm_engine *engine, const struct holm_roster_action *action,
                         struct holm_now now);
/* Around the step of a message of a peer, under the partition's lock: what there is before it is given to after(). */
uint64_t holm_engine_heal_before(struct holm_engine *engine, uint32_t peer,
                                 const struct holm_message *message);
void holm_engine_heal_after(struct holm_engine *engine, uint32_t peer,
                            const struct holm_message *message, uint64_t before);
/* A line of its beacon tells of what is here, too. */
void holm_engine_heal_agree(struct holm_engine *engine, uint32_t peer, uint32_t partition);
/* Its beacon has been taken. Not under a lock. */
void holm_engine_heal_look(struct holm_engine *engine, uint32_t peer, struct holm_now now);

/* engine_leave.c. Says that it leaves, if it is to and has not. */
void holm_engine_leave_tick(struct holm_engine *engine);
/* A node has left: with `stable` it is forgotten, by the first member that is up. */
void holm_engine_leave_heard(struct holm_engine *engine, struct holm_actor actor,
                             struct holm_now now);
void holm_engine_leavers_tick(struct holm_engine *engine, struct holm_now now);
uint64_t holm_engine_leavers_due_us(const struct holm_engine *engine);

/* engine_roll.c. Whether the list's members say that a peer that is not up is forgotten. O(log members). */
bool holm_engine_list_forgets(const struct holm_members *known, const struct holm_peer *peer);
/* With `stable`: tells of who has been forgotten. */
void holm_engine_roll_look(struct holm_engine *engine);

/* engine_forget.c. Forgets this life of a member; true: there is nothing to be forgotten any more. */
bool holm_engine_forget_life(struct holm_engine *engine, struct holm_actor life,
                             struct holm_now now);

/* engine_look.c. Which slots are up: 0, or of which node they are; and how many nodes that is. A node that shares its id has a
 * slot for each who lives under it, and for a moment another for who has just died: only one of them is sure to be another's. */
uint32_t holm_engine_up_slots(struct holm_engine *engine, uint64_t nodes[HOLM_REPLICA_PEERS_MAX]);
uint32_t holm_engine_count_nodes(const uint64_t *nodes, uint32_t slots);

/* engine_drive.c */
void holm_engine_drain(struct holm_engine *engine, struct holm_now now);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * world.h - whole nodes over a virtual network, in virtual time, in one thread.
 *
 *     struct holm_world_config config = holm_world_config_default(seed);
 *     holm_world_new(&config, &world);
 *     struct holm_world_node_config node = holm_world_node_config_default();
 *     a = holm_world_add(world, &node);            b = holm_world_add(world, &node);
 *     holm_world_start(world, a);                  holm_world_start(world, b);
 *     holm_world_join(world, b, a);
 *     holm_world_run(world, 2000000);              two seconds pass
 *     holm_world_cut(world, a, b, true);           a is not heard at b any more
 *     holm_world_commit(world, a, &op, 1, &receipt);
 *     holm_world_crash(world, a);                  ...
 *
 * A node is the engine of production (node/engine.h) and nothing else: its Hellos, links, beacons
 * and replicas are the real ones. The world gives it a transport, a clock, a disk and randomness.
 * Everything follows from the seed and from the calls: the same calls give the same frames at the
 * same microseconds, in any process, on any machine. holm_world_hash() tells whether they did.
 *
 * Whoever looks on sets a hook, which is told of all that happens: lives, commits, changes, frames,
 * log lines. A hook must not call what changes the world; looking is allowed but in CHANGED.
 *
 * Invariants:
 *     W1  time only passes in holm_world_run() and holm_world_run_until(), and never goes back
 *     W2  between two calls nothing is due: every node that is awake has done all it could
 *     W3  a node that is started gets an epoch of its own wall clock, as a process would
 */
#ifndef HOLM_SIM_WORLD_WORLD_H
#define HOLM_SIM_WORLD_WORLD_H

#include "node/engine.h"
#include "sim/network.h"
#include "sim/world/disk.h"

struct holm_world;

#define HOLM_WORLD_NODES_MAX 1024
#define HOLM_WORLD_NOBODY UINT32_MAX /* as a peer: all, or unknown */

/* ---- what happens --------------------------------------------------------------------------- */

enum holm_world_event_type {
    HOLM_WORLD_STARTED = 1,   /* a life began: `self` */
    HOLM_WORLD_ENDED = 2,     /* … or ended: `text` says how */
    HOLM_WORLD_COMMITTED = 3, /* or refused, as `status` says; before anything of it can leave */
    HOLM_WORLD_CHANGED = 4,   /* keys of a partition, told under its lock: copy, and return */
    HOLM_WORLD_SENT = 5,      /* a frame, over a link to `peer` or broadcast */
    HOLM_WORLD_ARRIVED = 6,   /* … here; of a broadcast the sender is not told */
    HOLM_WORLD_LOGGED = 7,    /* `text` */
    HOLM_WORLD_FAULT = 8,     /* something was done to the world: `text` */
    HOLM_WORLD_GONE = 9,      /* after ENDED: its engine is freed, and must hold no memory */
    HOLM_WORLD_REPLACING =
        10,                  /* it comes back by replacement: a partition's last moment as it was */
    HOLM_WORLD_REPLACED = 11 /* … and its first as the members', with what was minted anew */
};

struct holm_world_event {
    enum holm_world_event_type type;
    uint64_t at_us;
    uint32_t node, peer;
    uint32_t partition;                 /* COMMITTED, CHANGED, REPLACING, REPLACED */
    struct holm_actor self;             /* STARTED */
    const char *text;                   /* ENDED, LOGGED, FAULT */
    const char *line;                   /* LOGGED: as a node's log has it; not in the hash */
    int level;                          /* LOGGED */
    const struct holm_op *ops;          /* COMMITTED */
    size_t op_count;                    /* COMMITTED */
    const struct holm_receipt *receipt; /* COMMITTED */
    enum holm_status status;            /* COMMITTED */
    struct holm_actor writer;           /* COMMITTED */
    struct holm_vector_view
        past; /* COMMITTED, with config.causes: what its writer had before, epoch by epoch */
    struct holm_vector_view collected; /* COMMITTED: S, what it had collected and folded by then */
    bool
        journalled; /* COMMITTED: its writer was no member: it has no dots so far, if it was taken */
    bool anew;      /* COMMITTED: minted by the engine itself: of a journal, or in coming back */
    const struct holm_touched *touched; /* CHANGED */
    size_t touched_count;
    bool touched_all;
    struct holm_bytes frame; /* SENT, ARRIVED */
    size_t wire_bytes; /* SENT, ARRIVED: of the frame as it went over the network, perhaps packed */
    bool broadcast;
    uint32_t copies; /* SENT: 1 over a link; of a broadcast, those that subscribe */
};

struct holm_world_hook {
    void (*event)(void *context, const struct holm_world_event *event);
    void *context;
};

/* ---- the world ------------------------------------------------------------------------------ */

struct holm_world_config {
    uint64_t seed;
    uint64_t wall_ms; /* what the clocks of the nodes show at time 0, but for their own error */
    struct holm_network_path path; /* what every path is until it is set */
    struct holm_world_hook hook;   /* .event may be NULL */
    bool causes; /* the hook is told what a commit's writer had: O(epochs that ever wrote) */
    bool steady; /* what befalls frames does not depend on those before (sim/network.h) */
};

/* Paths of a millisecond, a day in 2023. */
struct holm_world_config holm_world_config_default(uint64_t seed);

/* *world is the caller's. HOLM_ENOMEM */
HOLM_NODISCARD enum holm_status holm_world_new(const struct holm_world_config *config,
                                               struct holm_world **world);
/* Ends all that lives, without a word. NULL is allowed. */
void holm_world_free(struct holm_world *world);

uint64_t holm_world_now_us(const struct holm_world *world);

/* Lets time pass until `to_us`. */
void holm_world_run(struct holm_world *world, uint64_t to_us);
/*
 * Lets time pass until `done` says so, asked every `poll_us`, or until `to_us`. True when it did.
 */
bool holm_world_run_until(struct holm_world *world, uint64_t to_us, uint64_t poll_us,
                          bool (*done)(void *context, struct holm_world *world), void *context);

/* When something is due at the latest, never before now; HOLM_NEVER: nothing is. Does what is due at
 * this moment. Who looks on may do something then. */
uint64_t holm_world_next_us(struct holm_world *world);

/* Of everything that has happened so far: frames with their bytes and times, lives, faults. */
uint64_t holm_world_hash(const struct holm_world *world);

/* A line for the hook, and for the hash: what somebody does to the world. */
void holm_world_tell(struct holm_world *world, uint32_t node, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* ---- nodes ---------------------------------------------------------------------------------- */

struct holm_world_node_config {
    uint64_t node_id;                 /* 0: one more than its number */
    const char *name;                 /* NULL: "n" and its number; borrowed */
    struct holm_engine_config engine; /* the intervals and limits of it; the rest is the world's */
    bool disk;                        /* false: it keeps nothing */
    int64_t clock_ms;                 /* how far its wall clock is ahead */
    int32_t clock_ppm;                /* how much too fast it runs */
};

/* No disk, a true clock, two partitions. */
struct holm_world_node_config holm_world_node_config_default(void);

/* Of a disk that such an engine uses. */
uint32_t holm_world_disk_partitions(const struct holm_engine_config *config);

/* One more node, which does not live yet. Returns its number: 0, 1, 2 … Memory is asserted. */
uint32_t holm_world_add(struct holm_world *world, const struct holm_world_node_config *config);
uint32_t holm_world_count(const struct holm_world *world);
/* What its next life will be like. It must not live now; its clock and its disk stay as they are. */
void holm_world_set(struct holm_world *world, uint32_t index,
                    const struct holm_world_node_config *config);

/* A life begins, from what its disk has, if it has one. HOLM_EIO, HOLM_EMALFORMED: its disk's. */
HOLM_NODISCARD enum holm_status holm_world_start(struct holm_world *world, uint32_t node);
/* The same under a given epoch: what must never happen in production. */
HOLM_NODISCARD enum holm_status holm_world_start_as(struct holm_world *world, uint32_t node,
                                                    struct holm_epoch epoch);
/* It dials another for ever, from now on in this life. */
void holm_world_join(struct holm_world *world, uint32_t node, uint32_t other);
/* Dies: its memory is lost, and of its disk what was not synced. */
void holm_world_crash(struct holm_world *world, uint32_t node);
/* The same, and the disk is empty afterwards. */
void holm_world_bomb(struct holm_world *world, uint32_t node);
/* Ends as a program does that closes its node; `for_good`: as one that has left (holm_leave()), without waiting. */
void holm_world_leave(struct holm_world *world, uint32_t node, bool for_good);
/* Stands still, as under SIGSTOP; its clocks go on. */
void holm_world_pause(struct holm_world *world, uint32_t node);
void holm_world_resume(struct holm_world *world, uint32_t node);

bool holm_world_alive(const struct holm_world *world, uint32_t node); /* a paused one is, too */
bool holm_world_paused(const struct holm_world *world, uint32_t node);
/* How many lives it has had. */
uint32_t holm_world_lives(const struct holm_world *world, uint32_t node);
/* NULL while it does not live. For looking, and for what engine.h allows any thread. */
struct holm_engine *holm_world_engine(const struct holm_world *world, uint32_t node);
/* As its engine has it, and dies with it; NULL while it does not live. */
struct holm_transport *holm_world_transport(const struct holm_world *world, uint32_t node);
/* NULL when it has none. */
struct holm_disk *holm_world_disk(const struct holm_world *world, uint32_t node);
/* What its engine holds of memory, and held at most in this life. */
size_t holm_world_heap_bytes(const struct holm_world *world, uint32_t node);
size_t holm_world_heap_peak(const struct holm_world *world, uint32_t node);
/* How often its engine was driven: a node with nothing to do sleeps. */
uint64_t holm_world_drives(const struct holm_world *world, uint32_t node);

/*
 * Writes at a node. `past` of the hook's event and *receipt tell what was minted. ops of one
 * partition; see holm_engine_commit(), whose answers these are. HOLM_ECLOSED: it does not live.
 */
HOLM_NODISCARD enum holm_status holm_world_commit(struct holm_world *world, uint32_t node,
                                                  const struct holm_op *ops, size_t count,
                                                  struct holm_receipt *receipt);

/* As holm_engine_forget(), asked of the node `at`. HOLM_ECLOSED: it does not live. */
HOLM_NODISCARD enum holm_status holm_world_forget(struct holm_world *world, uint32_t at,
                                                  uint32_t node);

/* Tells of a commit that was made at a node's engine itself. To be called by the engine's witness. */
void holm_world_committed(struct holm_world *world, uint32_t index,
                          const struct holm_receipt *receipt, const struct holm_op *ops,
                          size_t count);

/* Whether these nodes (a bit each, for the first 64) live and are equal in every partition, with
 * nothing pending. Runs may be held back whose gap only others could fill. */
bool holm_world_agree(struct holm_world *world, uint64_t nodes);
/* The same of all that live, however many. */
bool holm_world_living_agree(struct holm_world *world);

/* ---- what is inside (world_look.c) ---------------------------------------------------------- */

/* A node's replica of a partition, without what waits in its journal; with retention `stable` the one
 * behind the last is the member list's. NULL while it does not live. Until the world goes on. */
const struct holm_replica *holm_world_replica(const struct holm_world *world, uint32_t node,
                                              uint32_t partition);
/* The vector of that replica, with an entry for each epoch that is folded in it: its last seq, as its member list
 * has it. The caller frees *entries. */
size_t holm_world_vector(struct holm_world *world, uint32_t node, uint32_t partition,
                         struct holm_dot **entries);
/*
 * How often a vector with folds in it was read so, and by whose word on where their epochs ended. The own list's is asked
 * first; where that does not give the hash that the replica says, other lists are, and then all that any list ever told of.
 * What is found so proves nothing about the hash: that such a vector has it is how it was found.
 */
struct holm_world_readings {
    uint64_t folded; /* all of them */
    uint64_t others; /* … by the word of other lists */
    uint64_t sums;   /* … by trying what gives the sum of each fold */
};
struct holm_world_readings holm_world_readings(const struct holm_world *world);
/* Notes the last seqs that a living node's member list tells of, so that they stay known when it dies. */
void holm_world_note_ends(struct holm_world *world, uint32_t node);
/* The hash that R has whose vector this is. */
uint64_t holm_world_vector_hash(const struct holm_world *world, uint32_t node,
                                struct holm_vector_view vector);

/* What a living node with retention `stable` is among the others. */
struct holm_world_standing {
    struct holm_engine_membership figures;
    struct holm_actor state;          /* the epoch that what it has was confirmed under; 0: none */
    const struct holm_members *known; /* what its member list comes to; until the world goes on */
    struct holm_vector_view list;     /* the vector of that list; likewise */
};
void holm_world_standing(const struct holm_world *world, uint32_t node,
                         struct holm_world_standing *standing);
/* Whether a living node says that what it has is lost. Not amid a step. */
bool holm_world_lost(const struct holm_world *world, uint32_t node);
/* A line of each node for the hook: how it stands. */
void holm_world_tell_standings(struct holm_world *world);
/* Whether these nodes live and are members, of whom their lists say alike that they are all. */
bool holm_world_members_agree(const struct holm_world *world, uint64_t nodes);
/* Whether none of these nodes is a member, or can become one: what each has was forgotten, or it has nothing.
 * Only an operator can tell then who goes on (docs/decisions/0007). */
bool holm_world_stuck(const struct holm_world *world, uint64_t nodes);

/* ---- faults --------------------------------------------------------------------------------- */

struct holm_network_path holm_world_path(const struct holm_world *world, uint32_t from,
                                         uint32_t to);
void holm_world_path_set(struct holm_world *world, uint32_t from, uint32_t to,
                         const struct holm_network_path *path);
/* One direction. The rest of the path stays as it was. */
void holm_world_cut(struct holm_world *world, uint32_t from, uint32_t to, bool cut);

/* Its wall clock jumps; or runs too fast from now on. */
void holm_world_clock_jump(struct holm_world *world, uint32_t node, int64_t by_ms);
void holm_world_clock_drift(struct holm_world *world, uint32_t node, int32_t ppm);
struct holm_now holm_world_clock(const struct holm_world *world, uint32_t node);

/* The network itself, for those who are no nodes: virtual://NAME, and a node is virtual://NUMBER. */
struct holm_network *holm_world_network(struct holm_world *world);
void holm_world_address(uint32_t node, char address[HOLM_ADDRESS_BYTES_MAX]);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plan.h - a run of a world, written down before it is played: settings, and a list of events.
 *
 *     holm_plan_draw(&plan, preset, 4711)        settings, faults and operations of a seed
 *     plan.events[3]                             at 2.104 s  split {n0 n2} | {n1 n3 n4}
 *     holm_plan_drop(&plan, 3)                   … a shorter plan, which plays as well
 *
 * Nothing is drawn while a plan is played but what the world itself draws (delays, losses, jitter).
 * An event that has become impossible (a crash of the dead) does nothing; so a plan may lose any of
 * its events and be played again, and what still fails is a shorter story of the same bug.
 *
 * After the last event comes the heal: cuts and bad paths go, the dead and frozen of the core live
 * again, clocks stay as they are. Who is not of the core stays broken as `broken` says.
 */
#ifndef HOLM_SIM_WORLD_PLAN_H
#define HOLM_SIM_WORLD_PLAN_H

#include "sim/world/world.h"

#define HOLM_PLAN_NODES_MAX 64

enum holm_plan_event_type {
    HOLM_PLAN_COMMIT = 1,
    HOLM_PLAN_CRASH = 2,
    HOLM_PLAN_BOMB = 3,
    HOLM_PLAN_START = 4,
    HOLM_PLAN_PAUSE = 5,
    HOLM_PLAN_RESUME = 6,
    HOLM_PLAN_LEAVE = 7,    /* for good, if `amount` is 1, as soon as it may: leavers.h */
    HOLM_PLAN_CUT = 8,      /* every direction from one of `from` to one of `to` */
    HOLM_PLAN_HEAL = 9,     /* the same, whole again */
    HOLM_PLAN_PATH = 10,    /* the same directions get plan.paths[path] */
    HOLM_PLAN_JUMP = 11,    /* its wall clock, by `amount` milliseconds */
    HOLM_PLAN_DRIFT = 12,   /* its wall clock runs `amount` millionths too fast */
    HOLM_PLAN_DISK = 13,    /* enum holm_disk_fault in `amount` */
    HOLM_PLAN_BACKUP = 14,  /* its disk is copied away, while it runs */
    HOLM_PLAN_RESTORE = 15, /* it crashes, and starts from the copy */
    HOLM_PLAN_CLONE = 16,   /* `other` starts with a copy of its disk, under its id */
    HOLM_PLAN_HOSTILE = 17, /* the enemy does `amount` to it; see hostile.h */
    HOLM_PLAN_FORGET = 18,  /* it is told to forget `other` */
    HOLM_PLAN_RETURN = 19,  /* its paths are whole again, and it lives */
    HOLM_PLAN_TYPES = 20
};

struct holm_plan_event {
    enum holm_plan_event_type type;
    uint32_t number; /* as drawn: dropping others does not change it */
    uint64_t at_us;
    uint32_t node, other;
    uint64_t from, to; /* a bit for each node */
    int64_t amount;
    uint32_t path;
    uint32_t op_first, op_count;
    uint32_t left_out; /* a bit for each of its operations */
};

#define HOLM_PLAN_OPS_MAX 32 /* of an event */

enum holm_plan_broken {
    HOLM_BROKEN_DEAD = 0,
    HOLM_BROKEN_PAUSED = 1,
    HOLM_BROKEN_CUT = 2,  /* from the core, both ways */
    HOLM_BROKEN_DEAF = 3, /* the core does not reach it … */
    HOLM_BROKEN_MUTE = 4  /* … or it does not reach the core */
};

struct holm_plan_settings {
    uint64_t seed;
    const char *preset; /* its name, static */
    uint32_t nodes;     /* all that there ever are, at most HOLM_PLAN_NODES_MAX */
    uint64_t initial;   /* who starts at time 0 */
    uint64_t core;      /* who must converge */
    uint64_t absent;    /* who never starts, and is of no core */
    enum holm_plan_broken broken;
    bool all_seeds;                   /* each dials all others; else the next one and n0 */
    struct holm_engine_config engine; /* intervals and limits, of every node */
    struct holm_network_path path;
    uint32_t spread_permille; /* a direction's delay is up to so much longer than the path's */
    int64_t clock_ms[HOLM_PLAN_NODES_MAX];
    int32_t clock_ppm[HOLM_PLAN_NODES_MAX];
    uint32_t disk_lazy[HOLM_PLAN_NODES_MAX]; /* appends a sync; 0: no disk */
    uint32_t clone_of[HOLM_PLAN_NODES_MAX];  /* whose id it has; its own number: its own */
    bool hostile;                            /* there is an enemy */
    bool
        founder_for_ever; /* the first is told to found in each life; else until there is a cluster, or all heals */
    uint64_t collect_bound_us; /* with `stable`: once the core agrees, all is collected within … */
    bool
        remains; /* with `stable`: only the core heals, though all are members; nothing need be collected … */
    bool forgets_rest; /* … unless an operator forgets the others */
    struct {
        uint64_t from, to;
    } lasting[16]; /* directions that are cut from the start, and for good */
    uint32_t lasting_count;
    uint64_t safety_us;    /* then everything heals … */
    uint64_t bound_us;     /* … and the core converges within so much time */
    uint32_t quiet_rounds; /* of beacons, in which nothing is repaired */
    size_t heap_bytes_max; /* of a node, state apart */
};

struct holm_plan {
    struct holm_plan_settings settings;
    struct holm_plan_event *events; /* by time */
    size_t count, capacity;
    struct holm_op *ops;
    size_t op_count, op_capacity;
    struct holm_network_path *paths;
    size_t path_count, path_capacity;
    char (*texts)[16]; /* keys and elements that ops point to */
};

/* How much of everything a preset draws: from the first to the second number, both included. */
struct holm_preset_range {
    uint32_t low, high;
};

struct holm_preset {
    const char *name;
    const char *what; /* a sentence */
    struct holm_preset_range nodes, late, safety_ms, commits, keys;
    struct holm_preset_range delay_us, jitter_us, loss, duplicate, reorder; /* permille */
    struct holm_preset_range beacon_ms, log_kib;
    /* How many of each happen. */
    struct holm_preset_range crashes, bombs, pauses, leaves, one_ways, splits, islands, bridges,
        flaps, bad_paths, jumps, drifts, disk_faults, restores, clones, attacks, forgets;
    uint32_t core_permille;            /* a core heals, and the rest stays broken */
    uint32_t disk_permille;            /* a node has a disk … */
    uint32_t lazy_permille;            /* … which does not sync each write */
    uint32_t skew_ms;                  /* clocks are off by up to this */
    uint32_t slow_permille;            /* paths have little bandwidth */
    uint32_t bury_permille;            /* besides, operations that bury */
    uint32_t stable_permille;          /* retention is `stable` … */
    uint32_t forget_after_permille;    /* … and who is away for long is forgotten */
    struct holm_preset_range goodbyes; /* how many leave for good */
    bool remains;                      /* a core heals around the founder, the rest stays broken */
};

/* The list of those that a seed draws one of; ends with a NULL name. */
extern const struct holm_preset holm_presets[];
/* More of them, for who asks by name: no seed draws one, so that all seeds stay what they are. */
extern const struct holm_preset holm_presets_aside[];
/* NULL when there is none of that name. */
const struct holm_preset *holm_preset_find(const char *name);

/* Memory is asserted. `nodes` 0: drawn. */
void holm_plan_draw(struct holm_plan *plan, const struct holm_preset *preset, uint64_t seed,
                    uint32_t nodes);
/* Another retention than was drawn. With `stable` the core is all who are no clones: a part of the members
 * cannot go on when it has restarted. */
void holm_plan_retain(struct holm_plan *plan, enum holm_retention retention);
void holm_plan_release(struct holm_plan *plan);

/* An empty plan of `nodes` nodes, calm in every way, to be filled by hand. */
void holm_plan_init(struct holm_plan *plan, uint64_t seed, uint32_t nodes);
/* Adds an event; ones of the same time stay in the order in which they were added. Returns it, until
 * the next call. */
struct holm_plan_event *holm_plan_add(struct holm_plan *plan, uint64_t at_us,
                                      enum holm_plan_event_type type, uint32_t node);
/* A commit of these operations, whose bytes are borrowed for the plan's life. */
void holm_plan_commit(struct holm_plan *plan, uint64_t at_us, uint32_t node,
                      const struct holm_op *ops, size_t count);
/* The operations of a commit, without those that are left out; returns how many. */
uint32_t holm_plan_ops(const struct holm_plan *plan, const struct holm_plan_event *event,
                       struct holm_op ops[HOLM_PLAN_OPS_MAX]);
/* A node never starts, and nothing is done to it. */
void holm_plan_leave_out(struct holm_plan *plan, uint32_t node);

/* After the last add(): in the order of time, numbered. */
void holm_plan_sort(struct holm_plan *plan);

/* Keeps only the events whose flag is set. */
void holm_plan_keep(struct holm_plan *plan, const bool *kept);
void holm_plan_copy(struct holm_plan *target, const struct holm_plan *source);

/* "0-4,7,9-12" of the numbers of its events, cut to `capacity`. "7/0/2": without the first and the third operation of
 * the batch; "n3": without that node. */
void holm_plan_list(const struct holm_plan *plan, char *text, size_t capacity);
/* Keeps the events of such a list. False: it is none. */
bool holm_plan_keep_list(struct holm_plan *plan, const char *list);

/* One event as people read it, without its time: "split {n0 n2} from {n1}". */
void holm_plan_describe(const struct holm_plan *plan, const struct holm_plan_event *event,
                        char *text, size_t capacity);
/* The settings, a line of them. */
void holm_plan_describe_settings(const struct holm_plan *plan, char *text, size_t capacity);

#endif

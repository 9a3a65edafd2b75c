/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trial_parts.h - inside a trial; for bench/trial*.c alone.
 *
 *     trial.c         the story
 *     trial_acts.c    what breaks, and when
 *     trial_look.c    what replicas show, and since when
 *     trial_frames.c  what goes over the network
 *     trial_check.c   what is in the replicas at the end
 */
#ifndef HOLM_BENCH_TRIAL_PARTS_H
#define HOLM_BENCH_TRIAL_PARTS_H

#include "bench/trial.h"
#include "node/random.h"
#include "sim/world/world.h"

#define TRIAL_PARTITIONS HOLM_BENCH_PARTITIONS
#define TRIAL_NODES_MAX (HOLM_BENCH_NODES_MAX + 16) /* those that come in churn, too */
#define TRIAL_LIVES_MAX (TRIAL_NODES_MAX + 16)
#define TRIAL_ACTS_MAX 64
#define TRIAL_NOBODY UINT32_MAX

/* ---- what was written ----------------------------------------------------------------------- */

struct trial_write {
    uint64_t seq, at_us;
    uint32_t key;
    int32_t amount; /* 0: a put of its own seq; else added to the counter */
};

/* By one life in one partition, in order. */
struct trial_writes {
    struct trial_write *writes;
    size_t count, capacity;
};

struct trial_life {
    struct holm_actor actor;
    uint32_t node;
    struct trial_writes partitions[TRIAL_PARTITIONS];
};

/* ---- what is shown -------------------------------------------------------------------------- */

/* A replica as it was when it was last looked at. */
struct trial_replica {
    uint64_t vector_hash;
    struct holm_digest digest;
    bool pending;
    uint64_t seqs[TRIAL_LIVES_MAX];     /* that it covers */
    size_t shown[TRIAL_LIVES_MAX];      /* so many of a life's writes */
    uint64_t *arrived[TRIAL_LIVES_MAX]; /* a bit for each seq that has come in this life */
    size_t arrived_bits[TRIAL_LIVES_MAX];
};

struct trial_node {
    uint32_t life; /* the present one, or TRIAL_NOBODY */
    uint32_t part; /* of a split */
    uint64_t next_write_us;
    uint64_t
        since_us[TRIAL_NODES_MAX]; /* there is a way to each other; HOLM_NEVER: there is none */
    struct trial_replica replicas[TRIAL_PARTITIONS];
};

/* ---- what breaks ---------------------------------------------------------------------------- */

enum trial_verb {
    TRIAL_SPLIT = 1, /* by the nodes' parts */
    TRIAL_MEND = 2,  /* all paths as they were */
    TRIAL_DEAF = 3,  /* `other` does not hear `node` */
    TRIAL_LOSE = 4,  /* every path loses a tenth */
    TRIAL_CRASH = 5,
    TRIAL_BOMB = 6,
    TRIAL_LEAVE = 7,
    TRIAL_START = 8,
    TRIAL_ISOLATE = 9, /* `node` from all */
    TRIAL_END = 10     /* a last write of each node: convergence is counted from here */
};

struct trial_act {
    uint64_t at_us;
    enum trial_verb verb;
    uint32_t node, other;
};

struct trial {
    const struct holm_bench_scenario *scenario;
    struct holm_bench_figures *figures;
    uint64_t seed;
    uint32_t nodes; /* that live at first */
    struct holm_world *world;
    struct holm_random random;
    struct trial_act acts[TRIAL_ACTS_MAX];
    size_t act_count, act_next;
    uint64_t begin_us, heal_us, end_us; /* calm begins; writing ends; curves end */
    bool writing, counting, over;
    uint64_t converged_us; /* HOLM_NEVER: not yet */
    struct trial_life lives[TRIAL_LIVES_MAX];
    uint32_t life_count;
    struct trial_node node[TRIAL_NODES_MAX];
    struct {
        bool set;
        uint32_t node, partition;
        uint64_t at_us;
    } due; /* to be looked at, when whatever is under way is done */
    struct holm_bench_failure failure;
    bool failed;
};

/* trial.c: each node that lives writes once more. */
void trial_write_last(struct trial *trial);

/* trial_acts.c: draws all acts. begin_us, heal_us are set. */
void trial_acts_draw(struct trial *trial);
void trial_act(struct trial *trial, const struct trial_act *act);
/* Starts a node, and lets it dial all that live. */
void trial_start(struct trial *trial, uint32_t node);
/* One more node. */
uint32_t trial_add(struct trial *trial);

/* trial_look.c */
void trial_look(struct trial *trial, uint32_t node, uint32_t partition, uint64_t at_us);
void trial_look_due(struct trial *trial);
void trial_look_all(struct trial *trial);
void trial_life_begins(struct trial *trial, uint32_t node, struct holm_actor actor);
void trial_life_ends(struct trial *trial, uint32_t node);
/* Whether all that live are equal, as far as they were looked at. */
bool trial_equal(const struct trial *trial);
/* The largest group of equal nodes, in thousandths of all that there should be. */
uint64_t trial_equal_share(const struct trial *trial);
/* Paths or lives have changed: who has a way to whom. */
void trial_ways(struct trial *trial);
/* TRIAL_NOBODY: of no life. */
uint32_t trial_life_of(const struct trial *trial, struct holm_actor actor);

/* trial_frames.c */
void trial_frame(struct trial *trial, const struct holm_world_event *event);

/* trial_check.c: what all have alike must be what was written. */
void trial_check(struct trial *trial);

void trial_fail(struct trial *trial, bool diverged, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif

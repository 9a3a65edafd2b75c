/* SPDX-License-Identifier: Apache-2.0 */
/*
 * script.h - a schedule that is written down step by step, and who plays it.
 *
 *     static void act(struct holm_script *script)
 *     {
 *         holm_script_open(script, 3, HOLM_SCRIPT_STABLE | HOLM_SCRIPT_DISKS);
 *         holm_script_begin(script);                 all start, know each other, and are members
 *         holm_script_put(script, 0, "k", 1);
 *         uint32_t late = holm_script_hold(script, 1, 2, 1u << HOLM_MESSAGE_DELTA);
 *         ...
 *         HOLM_SCRIPT_EXPECT(script, holm_gate_held(script->world, late) == 1);
 *         holm_script_converge(script, 20000);
 *         holm_script_close(script);
 *     }
 *
 * Nodes are n0, n1, …, paths take a millisecond, times are in milliseconds. With HOLM_SCRIPT_STABLE n0 founds. An act
 * may open one world after the other. What it expects and does not find ends it, with a sentence that has the last
 * lines of the nodes' logs; nothing after that is done.
 *
 * holm_script_play() plays an act as a seed is played: the world draws from the seed, all that happens goes into the
 * hash, and while a world is open it is held against the claims of checker.h too, unless it says HOLM_SCRIPT_UNJUDGED.
 */
#ifndef HOLM_SIM_WORLD_SCRIPT_H
#define HOLM_SIM_WORLD_SCRIPT_H

#include "sim/world/gate.h"
#include "sim/world/play.h"
#include "sim/world/world.h"

#define HOLM_SCRIPT_NODES_MAX 100
#define HOLM_SCRIPT_PARTITIONS 2u
#define HOLM_SCRIPT_COPIES_MAX 4

enum holm_script_options {
    HOLM_SCRIPT_PLAIN = 0,
    HOLM_SCRIPT_STABLE = 1,
    HOLM_SCRIPT_DISKS = 2,
    HOLM_SCRIPT_UNJUDGED = 4 /* what it does on purpose no claim can be held against */
};

/* Who is told of what goes on. */
struct holm_script_hook {
    void (*event)(void *context, const struct holm_world_event *event); /* or NULL */
    /* Something is not as expected. It must not return. */
    void (*fail)(void *context, const struct holm_verdict *verdict);
    void *context;
};

struct holm_script {
    struct holm_world *world; /* NULL: none is open */
    struct holm_judge *judge; /* NULL: nobody judges this one */
    uint32_t nodes;
    struct holm_world_node_config
        config; /* of all, but that n0 founds: to be changed before it begins */
    char log[16384];
    bool counts; /* what is sent */
    uint64_t
        frames[HOLM_MESSAGE_TYPE_MAX + 1]; /* of each type that were sent; a broadcast is one */
    uint64_t bytes;
    /* … and how many of a type within one millisecond: the last that had any, and the worst. */
    uint64_t burst_ms[HOLM_MESSAGE_TYPE_MAX + 1];
    uint64_t burst[HOLM_MESSAGE_TYPE_MAX + 1], worst_burst[HOLM_MESSAGE_TYPE_MAX + 1];
    uint64_t seed;
    bool judged; /* its worlds are */
    uint64_t looks;
    struct holm_script_hook hook;
    /* An act may look on, too, while a world is open. NULL, and set after it is opened. */
    void (*overhear)(void *context, const struct holm_world_event *event);
    void *overhears;
    struct holm_disk *copies[HOLM_SCRIPT_COPIES_MAX];
    uint64_t hash, virtual_us; /* of the worlds that are closed */
    size_t heap_peak;          /* of any node of those */
    uint64_t converged_us;     /* how long it took at most when it was waited for */
};

/* One way through a scenario. */
struct holm_script_act {
    const char *what; /* a sentence, without a full stop */
    void (*play)(struct holm_script *script);
};

/* An act by a seed. What broke is in result->verdict; an expectation that failed is the claim `script`. With
 * options->trace, and not whole, only what is done is told, not every frame. All memory is freed, unless something broke:
 * what an act had open then is left to the end of the process. */
void holm_script_play(const struct holm_script_act *act, uint64_t seed,
                      const struct holm_play_options *options, bool whole,
                      struct holm_play_result *result);

/* ---- worlds --------------------------------------------------------------------------------- */

/* Storage is the caller's. */
void holm_script_init(struct holm_script *script, uint64_t seed,
                      const struct holm_script_hook *hook);
void holm_script_open(struct holm_script *script, uint32_t nodes, unsigned options);
/* Adds all nodes, starts them, and lets them become members. */
void holm_script_begin(struct holm_script *script);
/* Adds them, without starting any. */
void holm_script_set_up(struct holm_script *script);
/* Checks all nodes that live, and has the judge's last word: whoever has converged must show what the oracle says. */
void holm_script_close(struct holm_script *script);
/* Frees what is open, without a word. */
void holm_script_release(struct holm_script *script);

/* A life begins; it dials all others. */
void holm_script_start(struct holm_script *script, uint32_t node);
void holm_script_crash(struct holm_script *script, uint32_t node);
void holm_script_bomb(struct holm_script *script, uint32_t node);
/* A life from a copy of a disk, which replaces its own. */
void holm_script_restore(struct holm_script *script, uint32_t node, const struct holm_disk *copy);
struct holm_disk *holm_script_backup(struct holm_script *script, uint32_t node); /* the script's */

void holm_script_run(struct holm_script *script, uint64_t ms);
/* Until `done` says so, asked each millisecond; fails after `limit_ms`. How long it took. */
uint64_t holm_script_await(struct holm_script *script, uint64_t limit_ms,
                           bool (*done)(const struct holm_script *script, uint32_t node),
                           uint32_t node);
/* Until all that live have converged. */
uint64_t holm_script_converge(struct holm_script *script, uint64_t limit_ms);
bool holm_script_converged(const struct holm_script *script);

/* ---- faults --------------------------------------------------------------------------------- */

void holm_script_cut(struct holm_script *script, uint32_t a, uint32_t b, bool cut); /* both ways */
void holm_script_split(struct holm_script *script, uint32_t alone, bool cut);

/* Frames from one node to another (HOLM_SCRIPT_ANY: to any) of these types wait, or are lost, from now on;
 * types 0: all; `match` NULL: all of those. */
#define HOLM_SCRIPT_ANY UINT32_MAX
uint32_t holm_script_hold(struct holm_script *script, uint32_t from, uint32_t to, uint32_t types);
uint32_t holm_script_drop(struct holm_script *script, uint32_t from, uint32_t to, uint32_t types,
                          bool (*match)(void *context, const struct holm_message *message));
/* For the latter: of the partitions of data, not of the member list; and the other way about. */
bool holm_script_of_data(void *context, const struct holm_message *message);
bool holm_script_of_list(void *context, const struct holm_message *message);

/* ---- writing -------------------------------------------------------------------------------- */

enum holm_status holm_script_commit(struct holm_script *script, uint32_t node, struct holm_op op);
void holm_script_put(struct holm_script *script, uint32_t node, const char *key, int64_t value);
void holm_script_add(struct holm_script *script, uint32_t node, const char *key, int64_t amount);
void holm_script_bury(struct holm_script *script, uint32_t node, const char *key);
void holm_script_remove(struct holm_script *script, uint32_t node, const char *key);
void holm_script_forget(struct holm_script *script, uint32_t node, uint32_t whom);

/* ---- looking -------------------------------------------------------------------------------- */

bool holm_script_exists(const struct holm_script *script, uint32_t node, const char *key);
/* Live cells. */
uint32_t holm_script_cells(const struct holm_script *script, uint32_t node, const char *key);
int64_t holm_script_sum(const struct holm_script *script, uint32_t node, const char *key);
struct holm_stats holm_script_stats(const struct holm_script *script, uint32_t node);
struct holm_engine_membership holm_script_standing(const struct holm_script *script, uint32_t node);
bool holm_script_confirmed(const struct holm_script *script, uint32_t node);
/* It has no tombstones. */
bool holm_script_collected(const struct holm_script *script, uint32_t node);

/* At all nodes that live. */
void holm_script_expect_exists(const struct holm_script *script, const char *key, bool expected);
void holm_script_expect_sum(const struct holm_script *script, const char *key, int64_t sum);
void holm_script_expect_members(const struct holm_script *script, uint32_t count);
void holm_script_expect_collected(const struct holm_script *script, bool collected);

#define HOLM_SCRIPT_EXPECT(script, fact)                                                           \
    ((fact) ? (void)0                                                                              \
            : holm_script_fail((script), HOLM_WORLD_NOBODY, "%s:%d: %s does not hold", __FILE__,   \
                               __LINE__, #fact))

/* The claim `script` is broken, and it all ends here. */
_Noreturn void holm_script_fail(const struct holm_script *script, uint32_t node, const char *format,
                                ...) __attribute__((format(printf, 3, 4)));

#endif

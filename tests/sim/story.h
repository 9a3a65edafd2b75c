/* SPDX-License-Identifier: Apache-2.0 */
/*
 * story.h - a world for a schedule that is written down step by step.
 *
 *     struct story *story = story_new(3, STORY_STABLE | STORY_DISKS);
 *     story_begin(story);                        all start, know each other, and are members
 *     story_put(story, 0, "k", 1);
 *     uint32_t late = story_hold(story, 1, 2, 1u << HOLM_MESSAGE_DELTA);
 *     ...
 *     story_converge(story, 20000);
 *     story_end(story);
 *
 * Nodes are n0, n1, …, paths take a millisecond, times are in milliseconds. With STORY_STABLE n0 founds. Whatever
 * goes wrong fails the test, with the last lines of the nodes' logs.
 */
#ifndef HOLM_TESTS_SIM_STORY_H
#define HOLM_TESTS_SIM_STORY_H

#include "sim/world/gate.h"
#include "sim/world/world.h"

#define STORY_NODES_MAX 100
#define STORY_PARTITIONS 2u

enum story_options {
    STORY_PLAIN = 0,
    STORY_STABLE = 1,
    STORY_DISKS = 2
};

struct story {
    struct holm_world *world;
    uint32_t nodes;
    struct holm_world_node_config
        config; /* of all, but that n0 founds: to be changed before it begins */
    char log[16384];
    bool counts; /* what is sent */
    uint64_t
        frames[HOLM_MESSAGE_TYPE_MAX + 1]; /* of each type that were sent; a broadcast is one */
    uint64_t bytes;
};

struct story *story_new(uint32_t nodes, unsigned options);
/* Adds all nodes, starts them, and lets them become members. */
void story_begin(struct story *story);
/* Adds them, without starting any. */
void story_set_up(struct story *story);
void story_end(struct story *story);

/* A life begins; it dials all others. */
void story_start(struct story *story, uint32_t node);
/* The same from a copy of a disk, which replaces its own. */
void story_restore(struct story *story, uint32_t node, const struct holm_disk *copy);
struct holm_disk *story_backup(struct story *story, uint32_t node); /* the caller's */

void story_run(struct story *story, uint64_t ms);
/* Until `done` says so, asked each millisecond; fails the test after `limit_ms`. How long it took. */
uint64_t story_await(struct story *story, uint64_t limit_ms,
                     bool (*done)(const struct story *story, uint32_t node), uint32_t node);
/* Until all that live have converged. */
uint64_t story_converge(struct story *story, uint64_t limit_ms);
bool story_converged(const struct story *story);

void story_cut(struct story *story, uint32_t a, uint32_t b, bool cut); /* both ways */
void story_split(struct story *story, uint32_t alone, bool cut);

/* Frames from one node to another (STORY_ANY: to any) of these types wait, from now on. */
#define STORY_ANY UINT32_MAX
uint32_t story_hold(struct story *story, uint32_t from, uint32_t to, uint32_t types);

enum holm_status story_commit(struct story *story, uint32_t node, struct holm_op op);
void story_put(struct story *story, uint32_t node, const char *key, int64_t value);
void story_add(struct story *story, uint32_t node, const char *key, int64_t amount);
void story_bury(struct story *story, uint32_t node, const char *key);
void story_remove(struct story *story, uint32_t node, const char *key);

bool story_exists(const struct story *story, uint32_t node, const char *key);
uint32_t story_cells(const struct story *story, uint32_t node, const char *key); /* live ones */
int64_t story_sum(const struct story *story, uint32_t node, const char *key);
struct holm_stats story_stats(const struct story *story, uint32_t node);
struct holm_engine_membership story_standing(const struct story *story, uint32_t node);
bool story_confirmed(const struct story *story, uint32_t node);
bool story_collected(const struct story *story, uint32_t node); /* it has no tombstones */

/* At all nodes that live. */
void story_expect_exists(const struct story *story, const char *key, bool expected);
void story_expect_sum(const struct story *story, const char *key, int64_t sum);
void story_expect_members(const struct story *story, uint32_t count);
void story_expect_collected(const struct story *story, bool collected);

#endif

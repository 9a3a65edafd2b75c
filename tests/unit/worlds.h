/* SPDX-License-Identifier: Apache-2.0 */
/*
 * worlds.h - a cluster that lives twice: in one world epochs are folded whenever that may be, in the other,
 * which keeps everything for ever, never. Whatever happens, both must say the same at all times.
 *
 *     worlds_write(f, 0, op)    worlds_next_epoch(f, 0)    worlds_give_all(f)
 *     worlds_fold_all(f)        worlds_assert_agree(f, 0)
 *
 * Node i is i + 1 on the wire, and peer i of all others.
 */
#ifndef HOLM_TESTS_UNIT_WORLDS_H
#define HOLM_TESTS_UNIT_WORLDS_H

#include "crdt/replica_parts.h"
#include "tests/unit/core.h"
#include "tests/unit/talk.h"

#define WORLDS_NODES_MAX 10
#define WORLDS_RUNS_MAX 400
#define WORLDS_ENTRIES_MAX 12000
#define WORLDS_KEYS 3

enum {
    FOLDING,
    PLAIN,
    WORLDS
};

struct worlds {
    struct heap heap, heaps[WORLDS];
    struct holm_allocator allocator, allocators[WORLDS];
    struct holm_now now;
    size_t nodes;
    uint64_t epochs[WORLDS_NODES_MAX];
    struct holm_replica *replicas[WORLDS][WORLDS_NODES_MAX];
    struct holm_delta *runs[WORLDS][WORLDS_RUNS_MAX];
    size_t run_count;
    bool given[WORLDS_RUNS_MAX][WORLDS_NODES_MAX];
    bool reported[WORLDS_NODES_MAX]; /* under the present epoch */
    struct holm_vector reports[WORLDS_NODES_MAX];
    const struct holm_work *work; /* of the last step */
    size_t too_old[WORLDS];       /* pulls that were answered so */
    size_t caught_up;             /* where there were folds */
};

extern const char *const worlds_keys[WORLDS_KEYS]; /* what may be compared */

void worlds_open(struct worlds *f, size_t nodes);
/* Checks every replica, and that nothing has leaked. */
void worlds_close(struct worlds *f);

enum holm_status worlds_step(struct worlds *f, int world, size_t node,
                             const struct holm_event *event);
/* Writes in both worlds, and seals. */
void worlds_write(struct worlds *f, size_t node, struct holm_op op);
void worlds_next_epoch(struct worlds *f, size_t node);
/* The same, from a store: another replica gets all of this one's pages. */
void worlds_restart(struct worlds *f, size_t node);

/* Another replica of an actor that never writes, with all that a node has. To be freed. */
struct holm_replica *worlds_copy(struct worlds *f, int world, size_t node);

/* Gives a run; and all runs to all; forgets them. */
void worlds_give(struct worlds *f, size_t run, size_t node);
void worlds_give_all(struct worlds *f);
void worlds_forget_runs(struct worlds *f);

/* A whole cut, between any two replicas; between nodes in both worlds; all to one, and that one to all. */
void worlds_load(struct worlds *f, struct holm_replica *from, struct holm_replica *to);
void worlds_merge(struct worlds *f, size_t from, size_t to);
void worlds_exchange(struct worlds *f);
/* What a pull brings, over the codec; a whole cut when it is too old. */
void worlds_pull(struct worlds *f, size_t from, size_t to);
/* What differs; a whole cut where not the same is folded. */
void worlds_catch_up(struct worlds *f, size_t from, size_t to);
/* Returns how many breaches the hearer has seen so far. */
uint64_t worlds_beacon(struct worlds *f, int world, size_t from, size_t to);

/* Notes what a node has; folds what may be by what was noted, which leaves the live digest as it is. Returns of
 * how many nodes. */
void worlds_report(struct worlds *f, size_t node);
size_t worlds_fold(struct worlds *f, size_t node);
size_t worlds_fold_all(struct worlds *f);

int64_t worlds_sum_of(const struct holm_replica *replica, const char *key);
/* What is read of a node, its vector, the hash of that and the live digest are the same in both worlds. */
void worlds_assert_agree(const struct worlds *f, size_t node);
/* All nodes of a world have the same. */
void worlds_assert_equal(const struct worlds *f, int world);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fixture.h - a few replicas in one thread, each held against the reference.
 *
 *     fixture_commit(f, A, ops, n)      the reference says what must come of it
 *     fixture_flush(f, A)               runs that are sealed are kept in f->runs
 *     fixture_give(f, B, run)           a run arrives somewhere, whenever the test likes
 *     fixture_merge(f, A, C)            the whole state of A is merged into C
 *     fixture_check(f, B)               is B exactly what the operations that it has come to?
 *
 * What replicas want to send goes to `post`; without one it is thrown away, and the test itself
 * carries runs and states about. A disagreement prints what was expected and ends the program.
 *
 * Claims of fixture_check():
 *     M1  every cell, value, stamp, sum, tombstone and predicate is as in live(view)
 *     M2  the vector never shrinks, is causally closed, and only ends where runs and batches end
 *     M3  equal vectors have equal digests and equal vector hashes, at any time and place
 *     M4  holm_replica_check() holds
 *     M5  S is covered by R and by what was ever collected, covers S of all that is in the view, and
 *         never shrinks in a life; of what it folds, all of R is there
 *
 * With retention `stable` the fixture is the host that knows who has what: a replica that starts gets a cut of
 * one that lives before it does anything else, and what may be collected is what all have reported
 * since the last epoch began.
 */
#ifndef HOLM_TESTS_MODEL_FIXTURE_H
#define HOLM_TESTS_MODEL_FIXTURE_H

#include "crdt/replica.h"
#include "tests/model/heap.h"
#include "tests/model/reference.h"

#define FIXTURE_NODES_MAX 5
#define FIXTURE_PARTITION 3
#define FIXTURE_WALL_MS 1700000000000u

/* The names of the first replicas. */
enum {
    A,
    B,
    C,
    D,
    E
};

/* A state that was frozen: pages are retained. */
struct fixture_state {
    struct holm_dot *entries;
    struct holm_page **pages;
    size_t entry_count, page_count;
    struct holm_vector collected;
};

/* What a host would have on disk: a state, and the runs stored since. */
struct fixture_store {
    bool saved;
    struct fixture_state state;
    struct holm_delta **runs;
    size_t run_count, run_capacity;
};

struct fixture_node {
    struct holm_replica *replica; /* NULL: dead */
    struct holm_actor self;
    uint64_t wake_us;
    int64_t skew_ms;                 /* of its wall clock */
    bool dirty;                      /* stepped since the last check */
    struct reference_view view;      /* at the last check */
    struct reference_view collected; /* S then */
    bool reported;                   /* since the last epoch of any node began … */
    struct reference_view report;    /* … that it had this, … */
    struct holm_vector report_told;  /* … in these words */
    struct fixture_store store;
};

/* What was seen of one vector. */
struct fixture_sight {
    struct reference_view view;
    struct holm_digest digest;
    uint64_t vector_hash;
};

struct fixture {
    struct heap heap;
    struct holm_replica_config config; /* what the next replica is made with */
    struct reference reference;
    struct fixture_node nodes[FIXTURE_NODES_MAX];
    size_t node_count;
    uint64_t now_us;
    bool clocks_agree;        /* no clock is off by more than the drift limit */
    bool story;               /* print what happens */
    struct holm_delta **runs; /* every run ever sealed, each held once */
    size_t run_count, run_capacity;
    struct fixture_sight *sights;
    size_t sight_count, sight_capacity;
    struct reference_view granted; /* all that anybody was ever told to collect */
    bool folded[REFERENCE_ACTORS_MAX];
    struct reference_view ends;                  /* of the folded epochs */
    uint64_t collections, folds, ghosts_dropped; /* collections: that took a tombstone or more */
    void (*post)(void *context, size_t node, const struct holm_output *output);
    void *context;
};

/* Makes `node_count` empty replicas. Of the config, the limits are taken; NULL: the defaults. */
void fixture_init(struct fixture *fixture, size_t node_count,
                  const struct holm_replica_config *limits);
/* Frees everything, and fails when anything has leaked. */
void fixture_release(struct fixture *fixture);

/* Says what is wrong, as printf, and ends the program. */
_Noreturn void fixture_fail(const struct fixture *fixture, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The name of a status as it is written in code; from the one list there is. */
const char *fixture_status_name(enum holm_status status);

/* ---- what can happen to a replica ------------------------------------------------------------ */

struct holm_now fixture_now(const struct fixture *fixture, size_t node);

/* A step; any status is handed back. */
enum holm_status fixture_step(struct fixture *fixture, size_t node, const struct holm_event *event);
/* A step that must succeed. */
void fixture_do(struct fixture *fixture, size_t node, const struct holm_event *event);

/* For steps taken by hand: what a host does with the work of one. */
void fixture_take_work(struct fixture *fixture, size_t node, const struct holm_work *work);

/* Commits a batch, here and in the reference, which must agree about the outcome. HOLM_ENOMEM is
 * handed back while the heap is told to fail. */
enum holm_status fixture_commit(struct fixture *fixture, size_t node, const struct holm_op *ops,
                                size_t count);
void fixture_flush(struct fixture *fixture, size_t node);
void fixture_tick(struct fixture *fixture, size_t node);

/* Run number `run` of fixture->runs arrives as a broadcast. */
void fixture_give(struct fixture *fixture, size_t node, size_t run);
/* All runs of another node's present actor, in their order. */
void fixture_give_all(struct fixture *fixture, size_t from, size_t to);

/* The whole state of `from` is frozen and merged into `to`. */
void fixture_merge(struct fixture *fixture, size_t from, size_t to);

/* The replica is gone; what it had not said is lost. */
void fixture_kill(struct fixture *fixture, size_t node);
/* An empty replica under the given epoch. */
void fixture_start(struct fixture *fixture, size_t node, uint64_t epoch);
/* Goes on under a new epoch. */
void fixture_epoch(struct fixture *fixture, size_t node, uint64_t epoch);
/* Tells `node` that another one lives under its present epoch. */
void fixture_supersede(struct fixture *fixture, size_t node, struct holm_actor actor);

/* Freezes the node's state into its store; runs stored from now on are kept there too. */
void fixture_save(struct fixture *fixture, size_t node);
/* Brings the store's state into a replica just started; with its runs, too. */
void fixture_restore(struct fixture *fixture, size_t node, bool runs);

/* ---- retention `stable` ---------------------------------------------------------------------- */

/* The node's epoch is admitted: what was reported before it counts no more. */
void fixture_admit(struct fixture *fixture, size_t node);
/* Seals, and reports what the node has; not while it holds back runs, which may be of ended epochs. */
void fixture_report(struct fixture *fixture, size_t node);
/* Collects what all have reported, and if so told folds the epochs that have ended the same for all,
 * unless somebody has not reported, or had more than this node has. */
void fixture_collect(struct fixture *fixture, size_t node, bool fold);
/* Drops the ghosts of another, by what that one has reported. */
void fixture_drop_ghosts(struct fixture *fixture, size_t node, size_t owner);
/* Its store is lost. */
void fixture_lose_store(struct fixture *fixture, size_t node);

/* ---- looking --------------------------------------------------------------------------------- */

/* Everything this replica has: its vector and what is pending. */
struct reference_view fixture_view(struct fixture *fixture, size_t node);
/* S. */
struct reference_view fixture_collected(struct fixture *fixture, size_t node);
/* M1 to M5. */
void fixture_check(struct fixture *fixture, size_t node);
/* Of every living replica. */
void fixture_check_all(struct fixture *fixture);
/* Of every living replica, and that all are equal, with all that any of them has. */
void fixture_check_equal(struct fixture *fixture);

/* Freezes a replica's state; released with the other. */
void fixture_state_take(struct fixture *fixture, size_t node, struct fixture_state *state);
void fixture_state_merge(struct fixture *fixture, size_t node, const struct fixture_state *state);
void fixture_state_release(struct fixture_state *state);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * oracle.h - knows every operation of one partition, and what its writer had seen.
 *
 * It is told of each commit, by whom and after what (a vector, the writer's own operations
 * included), and of nothing else: it never looks at a replica's state. From that it says what a
 * replica must show that has come so far:
 *
 *     live(view) = the puts in the view that no operation in the view lists as seen,
 *                  and whose key no operation in the view buries that their writer had not seen
 *
 * which is the sentence of docs/SEMANTICS.md. For who had seen a burial and could write all the same had
 * collected it: with retention `forever` nobody ever had. What a writer had collected (S) says only whether it
 * is refused. An increment is a put of its
 * own, and a counter the sum of those that live. There is no merging here and no order of delivery.
 *
 * Invariants:
 *     O1  operations are in the order of their commits: causes come before their effects
 *     O2  what an operation lists as seen was live in its writer's view
 */
#ifndef HOLM_SIM_WORLD_ORACLE_H
#define HOLM_SIM_WORLD_ORACLE_H

#include <holm/holm.h>

#include "crdt/replica.h"

#define HOLM_ORACLE_NONE UINT32_MAX

struct holm_oracle;

/* Per actor, as the oracle numbers them, the highest seq; actors beyond `count` have 0. */
struct holm_oracle_view {
    uint64_t *seqs;
    size_t count, capacity;
};

enum holm_oracle_effect {
    HOLM_ORACLE_PUT = 1, /* a cell, or one increment */
    HOLM_ORACLE_DROP = 2,
    HOLM_ORACLE_BURY = 3
};

/* One operation. All bytes are the oracle's. */
struct holm_oracle_op {
    enum holm_oracle_effect effect;
    uint32_t actor; /* its number */
    uint64_t seq;
    uint32_t key; /* the number of its key */
    struct holm_bytes path, element;
    enum holm_kind kind;
    struct holm_value value;
    uint32_t node;       /* who wrote it */
    uint64_t at_us;      /* and when, in the world's time */
    uint64_t hlc;        /* as first shown by any replica; 0: not yet */
    uint64_t batch_last; /* the last seq of its batch */
    uint32_t chain;      /* increments of one actor in one slot have one number */
    uint32_t previous_of_chain, next_of_key; /* operations, or NONE */
    uint32_t killers;                        /* a list of who lists it as seen */
    uint64_t *past;                          /* per actor's number: what its writer had; */
    size_t past_count;
};

/* Memory is asserted, here and below. */
struct holm_oracle *holm_oracle_new(void);
void holm_oracle_free(struct holm_oracle *oracle); /* NULL is allowed */

/* ---- writing -------------------------------------------------------------------------------- */

struct holm_oracle_commit {
    struct holm_actor actor;
    struct holm_vector_view past;      /* what it had applied and written before */
    struct holm_vector_view collected; /* tombstones up to there it had not any more */
    const struct holm_op *ops;
    size_t count;
    uint32_t node;
    uint64_t at_us;
};

/*
 * What must come of a batch: HOLM_OK or HOLM_EBURIED, and how many operations have an effect. They
 * are appended under the seqs that follow those in `past`; after HOLM_EBURIED nothing is.
 */
enum holm_status holm_oracle_commit(struct holm_oracle *oracle,
                                    const struct holm_oracle_commit *commit, uint32_t *minted);

/* ---- looking -------------------------------------------------------------------------------- */

size_t holm_oracle_count(const struct holm_oracle *oracle);
struct holm_oracle_op *holm_oracle_op(const struct holm_oracle *oracle, uint32_t number);
size_t holm_oracle_actors(const struct holm_oracle *oracle);
struct holm_actor holm_oracle_actor(const struct holm_oracle *oracle, uint32_t number);
/* NONE when it never wrote. */
uint32_t holm_oracle_actor_find(const struct holm_oracle *oracle, struct holm_actor actor);
/* The highest seq it has minted. */
uint64_t holm_oracle_last(const struct holm_oracle *oracle, uint32_t actor);
/* The operation of a dot, or NONE. */
uint32_t holm_oracle_find(const struct holm_oracle *oracle, struct holm_dot dot);
struct holm_bytes holm_oracle_key(const struct holm_oracle *oracle, uint32_t key);
/* NONE when nobody wrote to it. */
uint32_t holm_oracle_key_find(const struct holm_oracle *oracle, struct holm_bytes key);

void holm_oracle_view_release(struct holm_oracle_view *view);
/* The view of a vector. Entries of actors that the oracle does not know are counted, not kept. */
size_t holm_oracle_view_set(const struct holm_oracle *oracle, struct holm_oracle_view *view,
                            struct holm_vector_view vector);
/* view := the entry-wise maximum. */
void holm_oracle_view_join(struct holm_oracle_view *view, const struct holm_oracle_view *other);
uint64_t holm_oracle_view_seq(const struct holm_oracle_view *view, uint32_t actor);

bool holm_oracle_covers(const struct holm_oracle_view *view, const struct holm_oracle_op *op);
/* The operation in the view that lists this one as seen, or buries its key; NONE: there is none. */
uint32_t holm_oracle_killer(const struct holm_oracle *oracle, const struct holm_oracle_view *view,
                            uint32_t number);
/* What a node's increments in a counter, of all its epochs, come to in this view. False: none lives. */
bool holm_oracle_share(const struct holm_oracle *oracle, const struct holm_oracle_view *view,
                       uint32_t key, struct holm_bytes path, struct holm_node_id node,
                       int64_t *sum);
/* Counters and nodes that have such a share. */
size_t holm_oracle_shares(const struct holm_oracle *oracle, const struct holm_oracle_view *view);

/* Whether a put shows in this view. */
bool holm_oracle_live(const struct holm_oracle *oracle, const struct holm_oracle_view *view,
                      uint32_t number);

/* One operation in words: "n2 put k3.f1 = 17". Cut to `capacity`. */
void holm_oracle_describe(const struct holm_oracle *oracle, uint32_t number, char *text,
                          size_t capacity);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * literature_strategy.h - a replica of the paper's, and the ways in which it synchronises.
 *
 *     update -> its own delta                     sync (once a second, to each neighbour) -> messages
 *     receive(message) -> messages in answer      replaced(neighbour) -> it is another life, empty
 *
 *     state        all of it, each second
 *     classic      a buffer of deltas; a neighbour gets the join of what it has not acknowledged, and
 *                  what changed anything here goes into the buffer as it came (Algorithm 1)
 *     bp           ... but what came from a neighbour does not go back to it
 *     rr           ... but of what came only that goes into the buffer which was new
 *     bp+rr        both
 *     scuttlebutt  who has what (a matrix of vectors) is told to each neighbour, who answers with the
 *                  deltas that are missing, by dot; what all are known to have is dropped
 *
 * Deltas are kept until acknowledged, and a neighbour that lacks what was dropped is sent the whole
 * state: that makes the delta strategies lose nothing when messages are lost or a life begins anew.
 * Scuttlebutt asks again each second; who lacks dropped deltas is sent the state they are in, too.
 *
 * Enes et al., ICDE 2019, section IV; the authors' own programs for what the text leaves open
 * (acknowledgements, a matrix instead of a vector). van Renesse et al.: Efficient reconciliation and
 * flow control for anti-entropy protocols, LADIS 2008.
 */
#ifndef HOLM_BENCH_LITERATURE_STRATEGY_H
#define HOLM_BENCH_LITERATURE_STRATEGY_H

#include "bench/literature_script.h"
#include "bench/literature_wire.h"

struct literature_matrix { /* what each actor is known to have of each */
    bool known[LITERATURE_ACTORS_MAX];
    uint32_t seqs[LITERATURE_ACTORS_MAX][LITERATURE_ACTORS_MAX];
};

struct literature_dotted {
    uint32_t actor, seq;
    struct literature_value *delta;
};

enum literature_message_type {
    LITERATURE_STATE,  /* value */
    LITERATURE_DELTA,  /* seq, value */
    LITERATURE_ACK,    /* seq */
    LITERATURE_MATRIX, /* matrix */
    LITERATURE_DOTS,   /* dots */
    LITERATURE_WHOLE   /* value; as the row of who sent it in `matrix`, what that covers; dots */
};

struct literature_message {
    enum literature_message_type type;
    uint32_t from, to; /* actors */
    uint64_t seq;
    struct literature_value *value;
    struct literature_matrix *matrix;
    struct literature_dotted *dots;
    size_t dot_count;
    struct literature_cost cost;
};

void literature_message_free(struct literature_message *message); /* NULL is allowed */

struct literature_strategy;
struct literature_delta;
struct literature_scuttle;

struct literature_replica {
    const struct literature_strategy *strategy;
    const struct literature_case *script;
    uint32_t actor;
    struct literature_state state;
    uint32_t peers[LITERATURE_NODES_MAX]; /* actors: the neighbours' present lives */
    uint32_t peer_count;
    struct literature_delta *delta;     /* of the delta strategies */
    struct literature_scuttle *scuttle; /* of Scuttlebutt */
    /* Takes a message from this replica, and owns it then. */
    void (*send)(void *context, struct literature_message *message);
    void *context;
};

struct literature_strategy {
    const char *name;
    bool avoid_back, remove_redundant; /* of the delta strategies: BP, RR */
    void (*open)(struct literature_replica *replica);
    void (*close)(struct literature_replica *replica);
    /* The delta is borrowed; the state has it already. */
    void (*update)(struct literature_replica *replica, struct literature_value *delta);
    void (*sync)(struct literature_replica *replica, uint32_t peer);
    void (*receive)(struct literature_replica *replica, const struct literature_message *message);
    /* A life has ended and another one begun. A neighbour's, when `peer` is its place. */
    void (*replaced)(struct literature_replica *replica, uint32_t peer, uint32_t before,
                     uint32_t after);
};

#define LITERATURE_STRATEGIES 6
#define LITERATURE_BPRR 5 /* its index: what all are compared with */
/* In the order of the published table: state, scuttlebutt, classic, bp, rr, bp+rr. */
extern const struct literature_strategy literature_strategies[LITERATURE_STRATEGIES];

/* An empty replica of a life at a node. The script is borrowed until release(). */
void literature_replica_init(struct literature_replica *replica,
                             const struct literature_strategy *strategy,
                             const struct literature_case *script, uint32_t actor);
void literature_replica_release(struct literature_replica *replica);

void literature_replica_update(struct literature_replica *replica, struct literature_value *delta);
/* Speaks to each neighbour. */
void literature_replica_sync(struct literature_replica *replica);
void literature_replica_receive(struct literature_replica *replica,
                                const struct literature_message *message);
void literature_replica_replaced(struct literature_replica *replica, uint32_t before,
                                 uint32_t after);

/* For strategies: a message from here, to be filled and sent. */
struct literature_message *literature_replica_message(const struct literature_replica *replica,
                                                      enum literature_message_type type,
                                                      uint32_t to);
/* Puts a value into it, the caller's reference with it, and counts it. */
void literature_replica_put(const struct literature_replica *replica,
                            struct literature_message *message, struct literature_value *value);
void literature_replica_send(const struct literature_replica *replica,
                             struct literature_message *message);

#endif

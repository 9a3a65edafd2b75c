/* SPDX-License-Identifier: Apache-2.0 */
/*
 * literature_script.h - what happens in a run, whoever runs it: who writes what when, who dies.
 *
 * Every node has clocks of its own: it writes once a second and synchronises once a second, each at
 * a phase drawn from the seed, as the authors' nodes do, which start their timers when they start.
 *
 *     node 3   ....U.......s....U.......s....U.......s      U: an update, s: a synchronisation
 *     node 4   .s.........U.s.........U.s.........U.s
 *
 * A life of a node is an actor: node i lives as actor i first, and a bombed one goes on as the next
 * free actor. An update that falls into the time of a bomb is not made.
 */
#ifndef HOLM_BENCH_LITERATURE_SCRIPT_H
#define HOLM_BENCH_LITERATURE_SCRIPT_H

#include "bench/literature_graph.h"
#include "bench/literature_lattice.h"

#define LITERATURE_SECOND_US 1000000u
#define LITERATURE_BOMBS 3
#define LITERATURE_ACTORS_MAX (LITERATURE_NODES_MAX + LITERATURE_BOMBS)
#define LITERATURE_MAP_KEYS 1000
#define LITERATURE_DELAY_US 1000u /* of every message */

enum literature_trouble {
    LITERATURE_CALM = 0,
    LITERATURE_LOSS = 1,
    LITERATURE_BOMBED = 2
};

struct literature_case {
    struct literature_graph graph;
    enum literature_type type;
    uint32_t percent; /* of its own keys that a GMap's update rewrites */
    enum literature_trouble trouble;
    uint32_t updates; /* of each node; 100 */
    uint64_t seed;
};

#define LITERATURE_LOSS_PERMILLE 100

struct literature_bomb {
    uint32_t node;
    uint64_t at_us, back_us;
};

/* When node `node` makes its n-th update (from 1) and its n-th synchronisation (from 0). */
uint64_t literature_script_update_us(const struct literature_case *script, uint32_t node,
                                     uint32_t n);
uint64_t literature_script_sync_us(const struct literature_case *script, uint32_t node, uint32_t n);
/* When the last update of all is over. */
uint64_t literature_script_end_us(const struct literature_case *script);

/* The bombs, in order of time; 0 when there are none. The i-th makes actor nodes + i. */
size_t literature_script_bombs(const struct literature_case *script,
                               struct literature_bomb bombs[LITERATURE_BOMBS]);

/* How many keys a state may have. */
uint32_t literature_script_keys(const struct literature_case *script);
/* The keys that a GMap's n-th update of a node rewrites, into room for all; their number. */
uint32_t literature_script_rewrites(const struct literature_case *script, uint32_t node, uint32_t n,
                                    uint32_t *keys);
/* The delta of the n-th update by a life of a node that has made `made` before, the caller's. */
struct literature_value *literature_script_delta(const struct literature_case *script,
                                                 uint32_t node, uint32_t actor, uint32_t n,
                                                 uint32_t made);

/* Takes out of a state what a node wrote as `actor`: of a GMap, the node's keys. */
void literature_script_forget(const struct literature_case *script, uint32_t node, uint32_t actor,
                              struct literature_state *state);

/* A number that depends on nothing but its arguments. */
uint64_t literature_script_draw(uint64_t seed, uint64_t what, uint64_t which);

#endif

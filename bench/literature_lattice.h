/* SPDX-License-Identifier: Apache-2.0 */
/*
 * literature_lattice.h - the small state-based types that the paper measures.
 *
 *     GSet      element -> {0, 1}        an element is in, or not
 *     GCounter  actor -> count           what each has added
 *     GMap      key -> time stamp        the last writer's value; a key has one writer here
 *
 * Each is a map from keys (numbers here; literature_wire.h tells what they are in bytes) to versions,
 * joined key by key, the larger version wins. So a state's join decomposition is its entries, one by
 * one, and what is new in a received value is those of its entries that are above the state's.
 *
 * Enes, Almeida, Baquero, Leitao: Efficient Synchronization of State-based CRDTs, ICDE 2019,
 * sections III (join decompositions) and V (the types measured).
 */
#ifndef HOLM_BENCH_LITERATURE_LATTICE_H
#define HOLM_BENCH_LITERATURE_LATTICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum literature_type {
    LITERATURE_GSET = 0,
    LITERATURE_GCOUNTER = 1,
    LITERATURE_GMAP = 2
};

struct literature_entry {
    uint32_t key;
    uint64_t version; /* at least 1 */
};

/* A delta, a group of them, or a whole state on its way: entries sorted by key, each key once.
 * Immutable once filled, and counted by reference. */
struct literature_value {
    uint32_t references;
    uint32_t count;
    struct literature_entry entries[];
};

/* One reference, `count` entries to be filled; the program ends without memory. */
struct literature_value *literature_value_new(uint32_t count);
struct literature_value *literature_value_retain(struct literature_value *value);
void literature_value_release(struct literature_value *value); /* NULL is allowed */

/* What a replica has: by key, 0 where there is nothing. */
struct literature_state {
    uint64_t *versions;
    uint32_t keys;
    uint32_t count; /* of those that are not 0 */
};

void literature_state_init(struct literature_state *state, uint32_t keys);
void literature_state_release(struct literature_state *state);
void literature_state_clear(struct literature_state *state);

void literature_state_join(struct literature_state *state, const struct literature_value *value);
/* The entries of a value that would change the state, as the caller's value; NULL when none would. */
struct literature_value *literature_state_fresh(const struct literature_state *state,
                                                const struct literature_value *value);
/* All of it, the caller's. */
struct literature_value *literature_state_value(const struct literature_state *state);
void literature_state_join_state(struct literature_state *state,
                                 const struct literature_state *other);
/* Whether the state has all that the other has. */
bool literature_state_covers(const struct literature_state *state,
                             const struct literature_state *other);
bool literature_state_equal(const struct literature_state *a, const struct literature_state *b);

#endif

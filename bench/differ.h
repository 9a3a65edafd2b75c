/* SPDX-License-Identifier: Apache-2.0 */
/*
 * differ.h - two large states that differ in a few records, as arrays; and what it takes to make the
 * receiver's the merge of both, in bytes, round trips and time.
 *
 * Every record is a register with a number. Of the records that differ half were written anew at the
 * server and half at the receiver (the odd one at the server), so each is one dot against another. The
 * receiver must end with what both wrote; that is held against the digest of the merge.
 */
#ifndef HOLM_BENCH_DIFFER_H
#define HOLM_BENCH_DIFFER_H

#include "bench/measure.h"
#include "crdt/reconcile.h"

struct differ_cell {
    uint64_t hash;
    uint64_t seq;
    int64_t number;
    uint32_t actor; /* 0: both have it; 1: the server's; 2: the receiver's */
    char key[16];
};

struct differ_side {
    struct differ_cell *cells; /* in the order of hashes */
    size_t count;
    struct holm_dot vector[3];
    size_t vector_count;
    struct holm_tree tree;
    struct holm_reconcile_source source;
};

struct differ {
    struct differ_side server, receiver;
    struct holm_digest merged; /* what the receiver's digest must be in the end */
};

/* What it took. Time is of both sides together, encoding and decoding included. */
struct differ_cost {
    uint64_t bytes;
    uint64_t round_trips;
    double ms;
};

void differ_make(struct differ *differ, size_t records, size_t differing);
void differ_free(struct differ *differ);

/* The term of a cell, as a state would compute it. */
struct holm_digest differ_term(const struct differ_cell *cell);
/* Its first half: what stands for the cell in a list or in a table. */
static inline uint64_t differ_fingerprint(const struct differ_cell *cell)
{
    return differ_term(cell).low;
}

struct holm_actor differ_actor(uint32_t actor);

/* Each makes the receiver whole and checks that; the program ends when it is not. */
struct differ_cost differ_by_tree(const struct differ *differ, uint8_t width);
struct differ_cost differ_by_state(const struct differ *differ);
struct differ_cost differ_by_list(const struct differ *differ);
struct differ_cost differ_by_symbols(const struct differ *differ); /* rateless.h */

/* ---- for the ways above */

/* One page after the other over the codec: what the server sends of its cells for which `wanted` is
 * not NULL and says so, or all. Brings them to the digest of the receiver's side. */
struct differ_cost differ_send(const struct differ *differ, const bool *wanted,
                               struct holm_digest *digest);

/* What the receiver's digest loses when it hears that the server lacks this cell of its own. */
void differ_lacking(const struct differ_cell *cell, struct holm_digest *digest);

#endif

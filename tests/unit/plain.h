/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plain.h - states as plain arrays, to hold reconciliation against the merge of whole cuts.
 *
 *     struct plain a, b;
 *     plain_put(&a, 0, "k", "x");             actor 0 writes a register
 *     plain_deliver(&b, &a);                  b merges the whole of a: the reference
 *     struct plain_link link = {...};
 *     plain_sync(&link, &b, &a);              b reconciles with a
 *
 * All is as simple as it can be: every look-up walks the array, every write rebuilds the tree. An
 * entry's bytes live as long as the program, so that copies of a state share them.
 */
#ifndef HOLM_TESTS_UNIT_PLAIN_H
#define HOLM_TESTS_UNIT_PLAIN_H

#include "crdt/reconcile.h"
#include "tests/unit/core.h"

#define PLAIN_ACTORS 4

/* Where keys lie in the tree. */
enum plain_spread {
    PLAIN_EVEN,   /* by a good hash */
    PLAIN_CHOSEN, /* seven eighths of all keys have one hash, down to the last bit */
    PLAIN_CLOSE   /* hashes that differ in their last bits alone */
};

struct plain {
    struct heap *heap;
    struct holm_reconcile_entry *entries; /* in the order of hashes */
    size_t count, capacity;
    uint64_t seqs[PLAIN_ACTORS];
    struct holm_dot vector[PLAIN_ACTORS];
    struct holm_tree tree;
    unsigned depth; /* of the tree */
    enum plain_spread spread;
    struct holm_reconcile_source source; /* of plain_freeze() */
};

void plain_init(struct plain *plain, struct heap *heap, unsigned depth, enum plain_spread spread);
void plain_release(struct plain *plain);
void plain_copy(struct plain *target, const struct plain *source);

/* Operations of an actor that holds this state. */
void plain_put(struct plain *plain, unsigned actor, const char *key, struct holm_bytes value);
void plain_add_element(struct plain *plain, unsigned actor, const char *key, uint64_t element);
void plain_drop(struct plain *plain, unsigned actor, const char *key);
void plain_bury(struct plain *plain, unsigned actor, const char *key);
void plain_increment(struct plain *plain, unsigned actor, const char *key, int64_t amount);
void plain_reset(struct plain *plain, unsigned actor, const char *key);

/* Many new keys at once, a register each. */
void plain_fill(struct plain *plain, unsigned actor, uint64_t count, size_t value_bytes);

/* A cell of another actor's operation, delivered alone; what it replaces goes. */
void plain_deliver_put(struct plain *plain, unsigned actor, uint64_t seq, const char *key);

/* The reference: target merges the whole cut of source, as replica_merge.c does. */
void plain_merge(struct plain *target, const struct plain *source);

/* Its parts, for who applies a result: one entry, with copies of its bytes; one out; the vectors. */
void plain_bring(struct plain *live, const struct holm_reconcile_entry *entry);
void plain_remove(struct plain *live, size_t at);
void plain_join(struct plain *live, const struct plain *source);
uint64_t plain_seq(const struct plain *plain, struct holm_actor actor);

/* Makes the source over what the state says now. The state must not change while it is in use. */
const struct holm_reconcile_source *plain_freeze(struct plain *plain);

/* Computes the tree anew. */
void plain_rebuild(struct plain *plain);

bool plain_equal(const struct plain *a, const struct plain *b);

/* How two states talk. Zero means the default. */
struct plain_link {
    struct holm_reconcile_config config;
    size_t break_after;    /* asks between two losses of the link; 0: never */
    uint64_t asks, rounds; /* counted */
    uint64_t bytes;        /* of frames */
    size_t frame_bytes_most;
    uint64_t items, drops; /* of the result */
    /* Called when all is staged and nothing applied: what happens to the live state meanwhile. */
    void (*meanwhile)(struct plain *live);
};

/*
 * `live` reconciles with a frozen copy of `server`: freezes, asks until it is done, then applies to the
 * live state. The outcome; on anything but DONE live is as it was.
 */
enum holm_reconcile_outcome plain_sync(struct plain_link *link, struct plain *live,
                                       const struct plain *server);

/* The same, and the result must be what plain_merge() gives. */
struct plain_link plain_sync_as_merge(const struct plain_link *how, struct plain *live,
                                      const struct plain *server);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reference.h - what a partition's state is, computed from a list of operations and nothing else.
 *
 * Every operation that any replica ever minted is in one list. Each has a dot, and lists the
 * operations that its writer had seen and it replaces or removes. A replica is no more than a
 * view: per actor, how far it has got. Then
 *
 *     live(view) = the puts in the view that no operation in the view lists as seen,
 *                  and whose key no operation in the view buries, but those in S of the put
 *
 * S of an operation is what its writer had collected when it minted it: a key that is written again
 * after its tombstone is gone lives, for all who come to have that write. With retention `forever` S
 * is empty. What may be collected, and when, is not asked here.
 *
 * A counter is the sum of the live increments, each an operation of its own. There is no merging
 * here, no order of delivery, no compaction: this is what the engine is held against.
 *
 * Bytes of keys, names, elements and values are borrowed for the life of the list, and so are lists
 * of names.
 */
#ifndef HOLM_TESTS_MODEL_REFERENCE_H
#define HOLM_TESTS_MODEL_REFERENCE_H

#include "crdt/base.h"

#define REFERENCE_ACTORS_MAX 48

/* Per actor, as numbered by reference_actor(), the highest seq that is in the view. */
struct reference_view {
    uint64_t seq[REFERENCE_ACTORS_MAX];
};

#define REFERENCE_NAMES_MAX 16

/* Where in a record: the names of `parents`, and behind them `field`, unless that is empty. */
struct reference_place {
    struct holm_path parents;
    struct holm_bytes field;
};

enum reference_effect {
    REFERENCE_PUT,  /* a cell; of a counter, one increment */
    REFERENCE_DROP, /* only what it has seen */
    REFERENCE_BURY
};

struct reference_operation {
    enum reference_effect effect;
    struct holm_dot dot;
    size_t actor; /* its number */
    struct holm_bytes key;
    struct reference_place place;
    enum holm_kind kind;
    struct holm_bytes element;
    struct holm_value value; /* COUNTER: the amount, as HOLM_I64 */
    uint64_t hlc;            /* told by reference_stamp(); 0 before */
    uint64_t batch_last;     /* the last seq that was committed together with this one */
    bool first_of_key;       /* no earlier operation of the list is on this key … */
    bool first_of_slot;      /* … or on this slot, set elements apart */
    size_t seen_first;       /* a slice of reference.seen */
    size_t seen_count;
    int64_t chain_sum;          /* of a counter: its writer's increments since it last had none */
    struct reference_view past; /* what its writer had, this operation not included */
    struct reference_view collected; /* S: what of that its writer had collected */
};

struct reference_writer {
    struct holm_actor actor;
    struct reference_view past;      /* its own operations included */
    struct reference_view collected; /* S */
};

struct reference {
    struct reference_operation *operations;
    size_t count, capacity;
    size_t *seen; /* indices of operations */
    size_t seen_count, seen_capacity;
    struct holm_actor actors[REFERENCE_ACTORS_MAX];
    size_t actor_count;
    bool *alive; /* per operation, of the view that was last looked at */
    bool *listed;
};

void reference_init(struct reference *reference);
void reference_release(struct reference *reference);
/* Forgets everything, and keeps the memory. */
void reference_clear(struct reference *reference);

/* The number of an actor, given at first sight. */
size_t reference_actor(struct reference *reference, struct holm_actor actor);

/*
 * The operations of a batch, written by who is `writer`. Appends what is minted, with the seqs that
 * follow its own in writer->past. *minted is how many.
 * HOLM_EBURIED, HOLM_EINVAL, HOLM_ETOOBIG, HOLM_EOVERFLOW: then nothing is appended.
 */
enum holm_status reference_commit(struct reference *reference,
                                  const struct reference_writer *writer, const struct holm_op *ops,
                                  size_t count, uint32_t *minted);

/* A place as a list of names, which are put into `names`. */
struct holm_path reference_path(const struct reference_place *place,
                                struct holm_bytes names[REFERENCE_NAMES_MAX]);
/* Whether `place` is `above` or lies below it. */
bool reference_below(const struct reference_place *above, const struct reference_place *place);
bool reference_same_place(const struct reference_place *a, const struct reference_place *b);

/* The operation of a dot, or NULL. */
struct reference_operation *reference_find(const struct reference *reference, struct holm_dot dot);

bool reference_covers(const struct reference_view *view,
                      const struct reference_operation *operation);

/* Computes live(view): reference.alive[i] tells of operation i, until the next look. */
void reference_look(struct reference *reference, const struct reference_view *view);

/* ---- of the view that was last looked at ---------------------------------------------------- */

/* Whether a tombstone of the key is in the view, and not in `collected`. */
bool reference_buried(const struct reference *reference, const struct reference_view *view,
                      const struct reference_view *collected, struct holm_bytes key);
bool reference_exists(const struct reference *reference, struct holm_bytes key);
/* What a read of a REGISTER, MAX or MIN gives, or NULL. */
const struct reference_operation *reference_winner(const struct reference *reference,
                                                   struct holm_bytes key,
                                                   const struct reference_place *place,
                                                   enum holm_kind kind);
/* Whether there is a live increment; *sum is the exact sum, saturated at the very end. */
bool reference_sum(const struct reference *reference, struct holm_bytes key,
                   const struct reference_place *place, int64_t *sum);
bool reference_has(const struct reference *reference, struct holm_bytes key,
                   const struct reference_place *place, enum holm_kind kind,
                   struct holm_bytes element);

/* An exact sum, in two's complement of 128 bits. */
struct reference_wide {
    uint64_t low, high;
};
void reference_wide_add(struct reference_wide *wide, int64_t term);
/* The nearest that 64 bits can hold; *fits says whether it is the sum. */
int64_t reference_wide_value(const struct reference_wide *wide, bool *fits);

/* The order of values: by type, then within it (doubles by IEEE 754 totalOrder). */
int reference_order(struct holm_value a, struct holm_value b);

/* view := the entry-wise maximum of view and other. */
void reference_join(struct reference_view *view, const struct reference_view *other);
/* Whether `view` has all that `other` has. */
bool reference_has_all(const struct reference_view *view, const struct reference_view *other);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * delta.h - a contiguous run of one actor's operations, compacted; and pages of a cut.
 *
 * A run is atomic: it is sealed, sent, stored and applied whole. What one operation of the run
 * wrote and a later one replaced is not in it, though its seq stays covered; what both replaced is
 * listed once, in `seen`.
 *
 *     ops of A:   4 put k.name "Ada"     5 add k.health -3     6 put k.name "Eva"
 *     the run:    A 4..6   PUT k.name seq 6 "Eva" seen {A:2}   COUNT k.health A (b 1, s 5, P 97)
 *
 * Both a delta and a page carry items over a small table of actors; an item names actors by index.
 * Each is immutable once made, counted by reference, and one allocation; but that a delta may hold on
 * to what its items were gathered in, so that many need not be copied.
 *
 * Invariants, verified by holm_delta_check() on whatever comes from outside:
 *     D1  1 <= first <= last; actors[0] is the delta's own actor; actors do not repeat
 *     D2  every index and slice is in range; keys are 1 to 1,024 bytes, paths well-formed
 *     D3  PUT and BURY are by the delta's actor, with first <= seq <= last, each seq once
 *     D4  a COUNT has b <= s and c <= s, b >= 1; of the own actor s <= last
 *     D5  deps do not name the own actor, are sorted by actor, and have no zero
 *     D6  seen ranges have 1 <= first <= last, and never reach into or beyond the run itself
 *     D7  S does not fold the epoch that writes: it would cover what the run itself buries
 */
#ifndef HOLM_CRDT_DELTA_H
#define HOLM_CRDT_DELTA_H

#include "crdt/arena.h"
#include "crdt/order.h"

enum holm_item_op {
    HOLM_ITEM_PUT = 1,       /* a cell, replacing `seen` in its slot */
    HOLM_ITEM_DROP_SLOT = 2, /* `seen` cells of one slot are gone */
    HOLM_ITEM_DROP_PATH = 3, /* `seen` cells at or below a path are gone */
    HOLM_ITEM_BURY = 4,      /* a tombstone on the key */
    HOLM_ITEM_COUNT = 5,     /* a counter entry to be merged: an increment, or a reset mark */
    HOLM_ITEM_KNOWN = 6      /* pages only: a live cell whose payload the reader's vector covers */
};

/*
 * One actor's part of a counter slot: chain start, last seq, sum since the start, and the seq up
 * to which it was cancelled with the sum there. Value: sum - cancelled_sum; live iff
 * cancelled < last. design: docs/SEMANTICS.md, "Counters".
 */
struct holm_count {
    uint64_t start;        /* b */
    uint64_t last;         /* s */
    int64_t sum;           /* P */
    uint64_t cancelled;    /* c */
    int64_t cancelled_sum; /* Pc */
};

/* Dots (actor, first) to (actor, last), all of them applied where this was written; see pending.h. */
struct holm_seen {
    uint32_t actor; /* index into the table */
    uint64_t first;
    uint64_t last;
};

struct holm_item {
    uint8_t op;     /* enum holm_item_op */
    uint8_t kind;   /* enum holm_kind, or a newer one; 0 in DROP_PATH and BURY */
    uint32_t actor; /* who wrote the cell, the tombstone, the counter entry */
    struct holm_bytes key;
    struct holm_bytes path;  /* see path.h; empty: the record itself */
    struct holm_bytes sub;   /* set element; otherwise empty */
    uint64_t seq;            /* PUT, BURY, KNOWN: the dot's */
    uint64_t hlc;            /* PUT */
    struct holm_value value; /* PUT; a type this build does not know has its bytes in as.bytes */
    struct holm_count count; /* COUNT */
    uint32_t seen_first;     /* PUT, DROP_*: a slice of `seen` */
    uint32_t seen_count;
};

struct holm_items {
    const struct holm_actor *actors;
    uint32_t actor_count;
    const struct holm_item *items;
    uint32_t item_count;
    const struct holm_seen *seen;
    uint32_t seen_count;
};

/* A version vector as a message carries it: per actor the highest seq, sorted by actor. */
struct holm_vector_view {
    const struct holm_dot *entries;
    size_t count;
};

/* Where items, ranges and their bytes lie, when not behind the struct. */
struct holm_delta_parts {
    struct holm_item *items;
    struct holm_seen *seen;
    size_t item_capacity, seen_capacity; /* as allocated */
    struct holm_arena bytes;
};

struct holm_delta {
    struct holm_allocator allocator;
    size_t memory_bytes; /* all that it takes, this struct included */
    size_t own_bytes;    /* of the allocation that this struct begins */
    uint32_t references;
    uint32_t partition;
    struct holm_actor actor;
    uint64_t first;
    uint64_t last;
    struct holm_vector_view deps; /* what changed in the sender's vector since its last run */
    struct holm_vector_view
        collected; /* S: tombstones collected when sealed; empty for `forever` */
    struct holm_items items;
    struct holm_delta_parts parts;
    struct holm_bytes unknown; /* fields of a newer wire version, kept byte for byte */
};

/* A page of a cut: items of PUT, KNOWN, COUNT and BURY without seen. */
struct holm_page {
    struct holm_allocator allocator;
    size_t memory_bytes;
    uint32_t references;
    struct holm_items items;
};

/*
 * How a delta or page is made: say how much of everything there will be, get one allocation with
 * the arrays in place and cleared, fill the arrays through the pointers below, and put bytes in
 * with holm_fill_bytes(). Nothing is reference-counted or checked until then.
 */
struct holm_fill {
    struct holm_actor *actors;
    struct holm_item *items;
    struct holm_seen *seen;
    struct holm_dot *deps;
    struct holm_dot *collected;
    unsigned char *bytes; /* room for keys, paths, elements, values, unknown */
    unsigned char *bytes_end;
};

struct holm_fill_sizes {
    size_t actors, items, seen, deps, collected, bytes;
    bool raw_items; /* every item and range will be written whole: they are not cleared */
};

/* A new delta with one reference, or HOLM_ENOMEM. The slices are set to the sizes given. */
HOLM_NODISCARD enum holm_status holm_delta_new(const struct holm_allocator *allocator,
                                               const struct holm_fill_sizes *sizes,
                                               struct holm_delta **delta, struct holm_fill *fill);
HOLM_NODISCARD enum holm_status holm_page_new(const struct holm_allocator *allocator,
                                              const struct holm_fill_sizes *sizes,
                                              struct holm_page **page, struct holm_fill *fill);

/* Gives a delta that was made without items and ranges its first `items` and `seen` of the parts,
 * and the parts to own. */
void holm_delta_adopt(struct holm_delta *delta, struct holm_delta_parts parts, size_t items,
                      size_t seen);

/* Copies bytes into the allocation; asserts that they were counted in `sizes.bytes`. */
struct holm_bytes holm_fill_bytes(struct holm_fill *fill, struct holm_bytes source);

/* One reference more; one less, and at none the memory is freed. Not atomic: a delta belongs to
 * one replica, under whatever lock that is under. */
void holm_delta_retain(struct holm_delta *delta);
void holm_delta_release(struct holm_delta *delta); /* NULL is allowed */
void holm_page_retain(struct holm_page *page);
void holm_page_release(struct holm_page *page); /* NULL is allowed */

/* D1 to D7 of bytes from outside. HOLM_EMALFORMED. O(items + seen + actors). */
HOLM_NODISCARD enum holm_status holm_delta_check(const struct holm_delta *delta);
HOLM_NODISCARD enum holm_status holm_page_check(const struct holm_page *page);

/* Whether two runs say the same: of one actor the same seqs, and the same items. O(items + seen). */
bool holm_delta_equal(const struct holm_delta *a, const struct holm_delta *b);

/* An upper bound of the bytes that one item takes on the wire, its key and value included: so many
 * for any, so many more for a counter's entry, and for each range that it has seen. */
#define HOLM_ITEM_BYTES_FIXED 60
#define HOLM_ITEM_BYTES_COUNT 50
#define HOLM_ITEM_BYTES_SEEN 24
static inline size_t holm_item_bytes_max(const struct holm_item *item)
{
    /* Each number of a column takes at most 10 bytes, an index at most 4. A range of seen dots is
     * two numbers and an index. */
    size_t value = item->op == HOLM_ITEM_PUT && holm_type_has_bytes(item->value.type)
                       ? item->value.as.bytes.size
                       : 0;
    size_t counts = item->op == HOLM_ITEM_COUNT ? HOLM_ITEM_BYTES_COUNT : 0;
    return HOLM_ITEM_BYTES_FIXED + counts + item->key.size + item->path.size + item->sub.size +
           value + (size_t)item->seen_count * HOLM_ITEM_BYTES_SEEN;
}

#endif

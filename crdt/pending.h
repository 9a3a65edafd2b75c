/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pending.h - the operations since the last seal, compacted as they come.
 *
 * What a later operation of the run replaces is changed in place, so a million increments of one
 * counter are one item. Items that became nothing are dead, and are left out of the delta.
 *
 *     add k.n 5      items: COUNT k.n (7, 7, 5)
 *     add k.n 2             COUNT k.n (7, 8, 7)
 *     put k.x "a"           PUT k.x seq 9 "a"  seen {B:3}
 *     remove k.x            DROP_SLOT k.x      seen {B:3}      (its own dot never left this run)
 *
 * Changes between begin and commit can be taken back, as the state's can.
 */
#ifndef HOLM_CRDT_PENDING_H
#define HOLM_CRDT_PENDING_H

#include "crdt/actors.h"
#include "crdt/arena.h"
#include "crdt/state.h"

/*
 * Items are a delta's, so that those of a large run become its own as they are. Until then an `op` of 0
 * is a dead one, `actor` is an index in the replica, `seen_first` is right while `seen` rises, and
 * key, path and element lie one behind the other.
 */

/* Elements of an array that stay for the next run. */
#define HOLM_PENDING_KEPT 1024

/* From the first to the last dot of an actor that an item replaces. What lies between was applied
 * here, too: of the item's slot or path it was either seen as well, or gone already. So one range an
 * actor is exact, whatever holes its dots have. */
struct holm_pending_seen {
    uint32_t item;
    uint32_t actor;
    uint64_t first, last;
};

/* Which item the live cell, or the own counter entry, with a pending seq came from. */
struct holm_pending_bound {
    uint64_t seq; /* 0: empty */
    uint32_t index;
};

struct holm_pending_saved {
    uint32_t index;
    struct holm_item item;
};

struct holm_pending {
    struct holm_allocator allocator;
    struct holm_arena arena;
    struct holm_arena resting; /* of the run before: its keys are told in the step that sealed it */
    struct holm_item *items;
    struct holm_pending_seen *seen;
    uint32_t *places;                 /* by actor: where in `seen` its last range was put */
    struct holm_pending_saved *saved; /* items as they were at begin */
    size_t item_count, item_capacity;
    size_t recent; /* the item that was added or changed last */
    size_t seen_count, seen_capacity, place_capacity;
    size_t usual;     /* items that the last large run had */
    bool seen_rising; /* `seen` is in the order of its items, with one range of each at most */
    size_t saved_count, saved_capacity;
    struct holm_pending_bound
        *bound; /* open addressing by seq; what no item has any more is void */
    size_t bound_count, bound_capacity;
    size_t bound_items; /* the items before this one are in it; others only when one is asked for */
    size_t bytes;       /* no less than the run will take on the wire */
    uint32_t self;      /* index of the actor that writes */
    struct holm_vector_view collected; /* S of the run to be; borrowed, set before the seal */
    uint64_t sealed;                   /* the last seq of the run before */
    uint64_t last;                     /* highest seq minted; the run is from sealed + 1 to here */
    struct {
        size_t item_count, seen_count, bytes;
        uint64_t last;
        struct holm_arena_mark mark;
    } start; /* of the transaction */
};

void holm_pending_init(struct holm_pending *pending, const struct holm_allocator *allocator);
void holm_pending_release(struct holm_pending *pending);

/* Goes on as the actor with this index behind `last`, with nothing pending: for a new epoch. */
void holm_pending_restart(struct holm_pending *pending, uint32_t self, uint64_t last);

void holm_pending_begin(struct holm_pending *pending);
void holm_pending_commit(struct holm_pending *pending);
void holm_pending_rollback(struct holm_pending *pending);

/* Adds an item like `item`, its bytes copied. HOLM_ENOMEM. */
HOLM_NODISCARD enum holm_status holm_pending_add(struct holm_pending *pending,
                                                 const struct holm_item *item, uint32_t *index);

/* Adds a PUT of the cell, its bytes copied, which replaces `old`, a cell of another run, if that is
 * not NULL: an add and a see in one. HOLM_ENOMEM. */
HOLM_NODISCARD enum holm_status holm_pending_put(struct holm_pending *pending,
                                                 struct holm_bytes key, struct holm_bytes path,
                                                 const struct holm_cell *cell,
                                                 const struct holm_cell *old);

/* The item that the live cell, or the own entry, with this pending seq came from. HOLM_ENOMEM. */
HOLM_NODISCARD enum holm_status holm_pending_item_of(struct holm_pending *pending, uint64_t seq,
                                                     uint32_t *index);
/* Notes that an item which was changed goes by another seq now. HOLM_ENOMEM. */
HOLM_NODISCARD enum holm_status holm_pending_bind(struct holm_pending *pending, uint64_t seq,
                                                  uint32_t index);

/* The key of the item that was added or changed last, until the seal after the next. */
static inline struct holm_bytes holm_pending_key(const struct holm_pending *pending)
{
    HOLM_ASSERT(pending->recent < pending->item_count);
    return pending->items[pending->recent].key;
}

/* An item that may be changed; it is saved first. New bytes must be given with
 * holm_pending_value(). HOLM_ENOMEM. */
HOLM_NODISCARD enum holm_status holm_pending_change(struct holm_pending *pending, uint32_t index,
                                                    struct holm_item **item);

/* Sets an item's value, its bytes copied. HOLM_ENOMEM. */
HOLM_NODISCARD enum holm_status holm_pending_value(struct holm_pending *pending,
                                                   struct holm_item *item,
                                                   const struct holm_value *value);

/* Notes that an item replaces a dot of another run, along with all else that is seen of the item's
 * slot or path. HOLM_ENOMEM. */
HOLM_NODISCARD enum holm_status holm_pending_see(struct holm_pending *pending, uint32_t index,
                                                 uint32_t actor, uint64_t seq);

/* Builds the run `first` … `pending->last` of the actor with index `self`, with everything that
 * `actors` marks as changed (for the first run of an epoch, all) as its deps. Only a clear may
 * follow, since a large run is given the items' memory.
 *   HOLM_ENOMEM  nothing was changed but the order of `seen` */
HOLM_NODISCARD enum holm_status holm_pending_seal(struct holm_pending *pending,
                                                  const struct holm_actors *actors, uint32_t self,
                                                  uint64_t first, uint32_t partition,
                                                  struct holm_delta **delta);

/* Forgets everything but `last`, after a seal. */
void holm_pending_clear(struct holm_pending *pending);

#endif

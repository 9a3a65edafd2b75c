/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reconcile_parts.h - the inside of a reconciliation, for the files that make it up.
 *
 *     reconcile.c           hashes, sums of sub-ranges, entries of a range in the order of dots
 *     reconcile_parcel.c    entries on their way into a page; tables of actors
 *     reconcile_server.c    answering
 *     reconcile_receiver.c  asking: the life cycle, what is asked next
 *     reconcile_take.c      taking what is told
 */
#ifndef HOLM_CRDT_RECONCILE_PARTS_H
#define HOLM_CRDT_RECONCILE_PARTS_H

#include "crdt/reconcile.h"

/* What a frame has beside its parts: the envelope, and the head of each column. */
#define HOLM_RECONCILE_HEAD_BYTES 512

/* A range is listed when it has about so few entries. 16 hashes cost the bytes of twice as many dots, but
 * less time than to look at them. */
#define HOLM_RECONCILE_LIST_ENTRIES 16
/* ... and below the tree's leaves with so few: there, 16 hashes cost a walk on either side. */
#define HOLM_RECONCILE_LEAF_ENTRIES 64

/* A table's row, at most: node, epoch, further epochs. */
#define HOLM_RECONCILE_ACTOR_BYTES 24

/* ---- reconcile.c */

static inline size_t holm_varint_bytes(uint64_t number)
{
    size_t bytes = 1;
    for (; number >= 128; number >>= 7)
        bytes += 1;
    return bytes;
}

/* How many entries are gathered of one range at a time. */
size_t holm_reconcile_count_max(const struct holm_reconcile_config *config);

/* How many of `entries` lie in one range of a level, if the hashes are spread evenly. */
static inline uint64_t holm_reconcile_share(uint64_t entries, unsigned level)
{
    return level >= HOLM_TREE_LEVEL_MAX ? 0 : entries >> (HOLM_TREE_FANOUT_BITS * level);
}

/* With how many entries a range of a level is listed at once. */
static inline uint64_t holm_reconcile_list_max(const struct holm_reconcile_source *source,
                                               unsigned level)
{
    return level < source->tree->depth ? HOLM_RECONCILE_LIST_ENTRIES : HOLM_RECONCILE_LEAF_ENTRIES;
}

/* A few ranges before it is its turn, a range's memory is asked for. */
#define HOLM_RECONCILE_SOON 8
#define HOLM_RECONCILE_NEAR 4

static inline void holm_reconcile_expect(const struct holm_reconcile_source *source, unsigned level,
                                         uint64_t index, bool near)
{
    if (source->expect != NULL)
        source->expect(source->context, holm_range_first(level, index),
                       holm_range_last(level, index), near);
}

/* The largest jump of which the answer fits into a frame: 16^jump ranges that all differ. */
unsigned holm_reconcile_jump_max(const struct holm_reconcile_config *config);

/* How far to jump from each of `ranges` ranges of a level with `share` entries each. */
unsigned holm_reconcile_jump(const struct holm_reconcile_config *config,
                             const struct holm_reconcile_source *source, unsigned level,
                             uint64_t share, size_t ranges);

/* The digests of the 16^jump sub-ranges. False: a walk found another sum than the tree has. */
bool holm_reconcile_sums(const struct holm_reconcile_source *source, unsigned level, uint64_t index,
                         unsigned jump, struct holm_digest *sums);

void holm_reconcile_gather_init(struct holm_reconcile_gather *gather,
                                const struct holm_allocator *allocator, size_t count_max);
void holm_reconcile_gather_release(struct holm_reconcile_gather *gather);

/* The first count_max entries of a range behind `after` up to `last`, either NULL for no bound; `cut`
 * says whether there are more. HOLM_ENOMEM. *wrong is set when the tree is not what was walked. */
HOLM_NODISCARD enum holm_status holm_reconcile_gather_range(
    struct holm_reconcile_gather *gather, const struct holm_reconcile_source *source,
    const struct holm_sync_list *list, bool *wrong);

static inline const struct holm_reconcile_entry *holm_reconcile_gathered(
    const struct holm_reconcile_gather *gather, size_t at)
{
    HOLM_ASSERT(at < gather->count);
    return ((struct holm_reconcile_entry **)gather->order)[at];
}

static inline uint64_t holm_item_seq(const struct holm_item *item)
{
    return item->op == HOLM_ITEM_COUNT ? item->count.last : item->seq;
}

static inline struct holm_dot holm_reconcile_dot(const struct holm_reconcile_entry *entry)
{
    struct holm_dot dot = {entry->actor, holm_item_seq(&entry->item)};
    return dot;
}

static inline uint64_t holm_reconcile_mark(const struct holm_reconcile_entry *entry)
{
    return entry->item.op == HOLM_ITEM_COUNT ? holm_count_mark(&entry->item.count) : 0;
}

/* ---- reconcile_parcel.c */

/* A sorted table of actors, in an arena. */
struct holm_actor_table {
    struct holm_actor *rows;
    uint32_t count, capacity;
};

/* Adds an actor that is not in it; *added says so. HOLM_ENOMEM. O(log rows), O(rows) if added. */
HOLM_NODISCARD enum holm_status holm_actor_table_add(struct holm_actor_table *table,
                                                     struct holm_arena *arena,
                                                     struct holm_actor actor, bool *added);
/* The index of an actor that is in it. */
uint32_t holm_actor_table_find(const struct holm_actor_table *table, struct holm_actor actor);

struct holm_parcel_item {
    struct holm_parcel_item *next;
    struct holm_actor actor;
    struct holm_item item;
};

/* Entries in the order in which they were added, in an arena. */
struct holm_parcel {
    struct holm_parcel_item *first;
    struct holm_parcel_item **link;
    struct holm_actor_table actors;
    size_t count;
    size_t bytes; /* on the wire, at most */
};

/* What adding the entry would take on the wire, at most. */
size_t holm_parcel_cost(const struct holm_parcel *parcel, const struct holm_reconcile_entry *entry);
/* Adds an entry under another operation. Its bytes are borrowed. HOLM_ENOMEM. */
HOLM_NODISCARD enum holm_status holm_parcel_add(struct holm_parcel *parcel,
                                                struct holm_arena *arena,
                                                const struct holm_reconcile_entry *entry,
                                                enum holm_item_op op);
/* A page of it all, with copies of the bytes; NULL of nothing. HOLM_ENOMEM. */
HOLM_NODISCARD enum holm_status holm_parcel_page(const struct holm_parcel *parcel,
                                                 const struct holm_allocator *allocator,
                                                 struct holm_page **page);

/* ---- the receiver, reconcile_receiver.c and reconcile_take.c */

/* A range in which the two sides are known, or assumed, to differ. */
struct holm_reconcile_pending {
    uint64_t index;
    struct holm_dot after;
    uint8_t level;
    bool has_after;
};

/* An ask under way. */
struct holm_reconcile_flight {
    bool busy;
    uint64_t number;
    void *branches; /* struct holm_sync_branch [] */
    size_t branch_count, branch_capacity;
    void *lists; /* struct holm_sync_list [] */
    size_t list_count, list_capacity;
};

/* Pages, one reference each. */
struct holm_page_list {
    void *pages; /* struct holm_page *[] */
    size_t count, capacity;
};

/* A dot to be listed, before its actor has an index. */
struct holm_reconcile_listed {
    struct holm_dot dot;
    uint64_t mark;
};

#define HOLM_RECONCILE_WINDOW_MAX 8

/* An array that grows with what it is used for. */
struct holm_reconcile_room {
    void *memory;
    size_t capacity;
};

struct holm_reconcile_receiver {
    struct holm_allocator allocator;
    struct holm_reconcile_config config;
    const struct holm_reconcile_source *source;
    struct holm_reconcile_cut cut;
    enum holm_reconcile_outcome outcome;
    struct holm_reconcile_gather gather;
    struct holm_arena arena; /* of the last ask, and of a tell while it is taken */
    struct holm_reconcile_room hashes, listed; /* of the ask */
    struct holm_sync_ask ask;

    uint32_t round;
    uint8_t width;
    bool exact; /* everything is listed */
    uint64_t number;
    void *pending; /* struct holm_reconcile_pending []: a stack, the lowest hashes on top */
    size_t pending_count, pending_capacity;
    struct holm_reconcile_flight flights[HOLM_RECONCILE_WINDOW_MAX];

    struct holm_digest own_sum;  /* of what was exchanged in full: here … */
    struct holm_digest peer_sum; /* … and there */
    uint64_t told;               /* items in this round */
    struct holm_page_list pages, drops, withdrawn;
    size_t staged_bytes;
    struct holm_reconcile_figures figures;
};

/* Makes room for so many ranges more; then puts one on the stack. */
HOLM_NODISCARD enum holm_status holm_reconcile_pending_reserve(
    struct holm_reconcile_receiver *receiver, size_t more);
void holm_reconcile_push(struct holm_reconcile_receiver *receiver, unsigned level, uint64_t index,
                         const struct holm_dot *after);

/* Puts back what a flight asked beyond the first so many parts. Room must be reserved. */
void holm_reconcile_flight_return(struct holm_reconcile_receiver *receiver,
                                  struct holm_reconcile_flight *flight, size_t branches_done,
                                  size_t lists_done);

/* Begins the comparison again, hashed otherwise. Room for the root is there. */
void holm_reconcile_restart(struct holm_reconcile_receiver *receiver);

#endif

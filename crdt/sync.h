/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sync.h - what two replicas say while they compare a cut: asks of the receiver, tells of the server.
 *
 *     receiver                                      server (a frozen cut)
 *     ask   branches: my hashes of 256 sub-ranges ->
 *                                                 <- tell  branches: those that differ, each with
 *                                                          my hashes of its sub-ranges
 *     ask   lists: the dots that I have in the
 *           ranges that differ from yours         ->
 *                                                 <- tell  the items that you lack, the numbers of
 *                                                          those listed that are gone
 *
 * Ranges are nodes of the digest tree (tree.h), of any level. A hash is the range's digest, mixed with
 * the round's number and cut to `width` bytes; 0 stands for an empty range and for nothing else.
 *
 * Invariants, verified by holm_sync_ask_check() and holm_sync_tell_check():
 *     Y1  branches are in order and apart from each other, and so are lists: who answers walks no
 *         record twice for either
 *     Y2  a branch with a jump of j has 16^j hashes of its own, one after the other; all have an owner
 *     Y3  a list's dots ascend, behind `after`, up to `last`
 *     Y4  tables of actors are sorted; all indices are in range
 *     Y5  the numbers of what is gone ascend
 */
#ifndef HOLM_CRDT_SYNC_H
#define HOLM_CRDT_SYNC_H

#include "crdt/delta.h"
#include "crdt/digest.h"

#define HOLM_SYNC_WIDTH_MAX 8
#define HOLM_SYNC_JUMP_MAX 3

struct holm_sync_branch {
    uint64_t index;
    uint32_t hash_first; /* of the message's hashes */
    uint8_t level;
    uint8_t jump; /* 0: only the range's name */
};

/* Of a cell, a tombstone or a counter entry. */
struct holm_sync_dot {
    uint32_t actor;
    uint64_t seq;
    uint64_t mark; /* 0; of an entry 1 and what it says of resets: see holm_count_mark() */
};

/* What the receiver has in a range of those that the server's vector covers. */
struct holm_sync_list {
    uint64_t index;
    uint32_t dot_first; /* of the message's dots */
    uint32_t dot_count;
    uint8_t level;
    bool has_after;        /* what comes up to and with this dot was told before */
    bool has_last;         /* what comes behind this dot will be asked later */
    struct holm_dot after; /* in the order of actors, then seqs */
    struct holm_dot last;
};

struct holm_sync_ask {
    uint64_t sync;    /* the number of the sync */
    uint64_t number;  /* of this ask: the tell has it, too */
    uint64_t entries; /* how much the receiver has in all: cells, tombstones, counter entries */
    uint32_t round;   /* mixed into the hashes */
    uint8_t width;    /* of hashes, in bytes */
    const struct holm_sync_branch *branches;
    uint32_t branch_count;
    const uint64_t *hashes;
    uint32_t hash_count;
    const struct holm_sync_list *lists;
    uint32_t list_count;
    const struct holm_sync_dot *dots;
    uint32_t dot_count;
    const struct holm_actor *actors;
    uint32_t actor_count;
};

struct holm_sync_tell {
    uint64_t sync;
    uint64_t number;
    uint32_t branches_done; /* of the ask's, from the first; what is not done can be asked again */
    uint32_t lists_done;
    bool has_through; /* the list behind those is told up to and with this dot */
    struct holm_dot through;
    bool wrong;             /* the server's digests are not what its records say: open anew later */
    uint8_t width;          /* as in the ask */
    struct holm_digest sum; /* of all that the server has where lists are told */
    const struct holm_sync_branch *branches; /* ranges that differ */
    uint32_t branch_count;
    const uint64_t *hashes;
    uint32_t hash_count;
    const uint32_t *gone; /* numbers of the ask's dots that the server has seen removed */
    uint32_t gone_count;
    struct holm_page *page; /* what the receiver lacks; NULL: nothing */
};

/* How many hashes a branch has. */
static inline uint32_t holm_sync_branch_hashes(unsigned jump)
{
    return jump == 0 ? 0 : (uint32_t)1 << (4 * jump);
}

/* What an entry's dot alone does not tell: how much of it is cancelled. With the actor and `last` it
 * says all, since a chain's sum at a seq is one number. */
static inline uint64_t holm_count_mark(const struct holm_count *count)
{
    return count->cancelled == 0 ? 1 : 2 + (count->last - count->cancelled);
}

static inline int holm_dot_compare(const struct holm_dot *a, const struct holm_dot *b)
{
    int order = holm_actor_compare(a->actor, b->actor);
    return order != 0 ? order : (a->seq > b->seq) - (a->seq < b->seq);
}

/*
 * Names ranges that are in order and apart by the distance of each from the one before, counted in
 * ranges of its own level:
 *
 *     level 1, 2      ->  gap 2
 *     level 2, 0x31   ->  gap 1, since 0x30 is the first of its level behind 2...
 */
struct holm_range_cursor {
    uint64_t last; /* hash of what was named so far */
    bool started;
};

/* The gap to the range, which then is the one before. False: it is not behind that one. */
bool holm_range_gap(struct holm_range_cursor *cursor, unsigned level, uint64_t index,
                    uint64_t *gap);
/* The other way. False: there is no such range. */
bool holm_range_skip(struct holm_range_cursor *cursor, unsigned level, uint64_t gap,
                     uint64_t *index);

/* Y1 to Y5 of what came from outside. HOLM_EMALFORMED. O(message). */
HOLM_NODISCARD enum holm_status holm_sync_ask_check(const struct holm_sync_ask *ask);
HOLM_NODISCARD enum holm_status holm_sync_tell_check(const struct holm_sync_tell *tell);

#endif

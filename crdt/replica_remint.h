/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replica_remint.h - what a node that comes back by replacement writes anew (rule 5 of
 * docs/decisions/0007-collecting-and-folding.md).
 *
 *     old state     k.name "Ada" (own, not in the cut)   k.n +5 (own, +3 of it in the cut)   l buried (own)
 *     cut           k.name "Eva"
 *     written anew  put k.name "Ada"                      add k.n 2                           bury l
 *
 * Of its own operations that the cut does not cover, those that still stand in the old state; removals, where
 * all that they removed is still in the cut, and nothing else; burials, collected or not. A key that was buried, collected and
 * written again is first rid of what the cut has on it. On a key that was known on both sides and has
 * gone from the cut nothing is written: it was removed there, or buried and collected, and nothing tells which.
 * A key was known on both sides when the old state has anything of it that the cut covers, or when an own write
 * replaced such a thing; if the op log does not reach back to the end of the cut that cannot be seen, and a key
 * that is not in the cut is taken for gone. A fold says nothing of what its epoch wrote behind the end that the list
 * has of it, so that is not in the cut; what a counter's chain had come to there, the own op log tells, if it reaches back. Operations of others that the cut does not cover are dropped. All
 * that is not written anew is counted, and told one by one.
 *
 * What was written anew before, for others who have turned out to be lost, is a copy (origins.h), and the cut may be of those who
 * had it all along: then it is there. If the cut has a part of what copies stand for, a copied count is lost, since
 * nothing tells which part of it that is; of the rest the cut can but take once more what it has.
 */
#ifndef HOLM_CRDT_REPLICA_REMINT_H
#define HOLM_CRDT_REPLICA_REMINT_H

#include <holm/nested.h>

#include "crdt/origins.h"
#include "crdt/replica.h"
#include "crdt/state.h"

/* Up to where it is done. */
struct holm_remint_place {
    bool begun;
    size_t run; /* of the old op log, ... */
    uint32_t item;
    struct holm_walk walk; /* ... then of the old state, ... */
    size_t actor;          /* ... then of those that what was written anew stands for */
};

/* All zero: not begun. */
struct holm_remint {
    uint64_t minted;  /* operations written anew */
    uint64_t dropped; /* cells, tombstones and shares of counters that were not */
    struct holm_remint_place place;
};

/* Something that is not written anew. Borrowed for the call. */
struct holm_lost {
    struct holm_bytes key, path; /* the path packed (path.h) */
    uint8_t
        kind; /* 0: of a removal of all at and below the path, and of a tombstone, whose path is empty */
    bool removal; /* else what was written is lost */
    struct holm_dot
        dot; /* of a share of a counter its last; of a removal the end of the run that it is in */
};

/* What comes of it; all borrowed for the call. */
struct holm_reminter {
    /* Commits a batch of one key on the cut's replica. What it refuses is lost. */
    enum holm_status (*take)(void *context, const struct holm_op *ops, size_t count);
    void (*lose)(void *context, const struct holm_lost *lost);
    void *context;
};

/*
 * Compares, and gives what is to be written to `take`, a batch a key, and what is not to `lose`. `cut` is the
 * replica that has taken the cut, and nothing else at first; `take` may write to it, `lose` to neither. Nothing may be
 * pending in either before. `origins`: of the copies in the old state; those of what is written now are added.
 * O(cells of the old state, runs of its op log).
 *   HOLM_ENOMEM  a part is done, which *remint tells: the same call goes on behind it, once nothing is pending in
 *                the cut; the old state has to be as it was, the cut may have taken more meanwhile
 */
HOLM_NODISCARD enum holm_status holm_replica_remint(struct holm_replica *old,
                                                    struct holm_replica *cut,
                                                    const struct holm_reminter *reminter,
                                                    struct holm_origins *origins,
                                                    struct holm_remint *remint);

#endif

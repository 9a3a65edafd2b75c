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
 * all that they removed is still in the cut, and nothing else. On a key that was known on both sides and has
 * gone from the cut nothing is written: it was removed there, or buried and collected, and nothing tells which.
 * A key was known on both sides when the old state has anything of it that the cut covers, or when an own write
 * replaced such a thing; if the op log does not reach back to the end of the cut that cannot be seen, and a key
 * that is not in the cut is taken for gone. Operations of others that the cut does not cover are dropped. All
 * that is not written anew is counted.
 */
#ifndef HOLM_CRDT_REPLICA_REMINT_H
#define HOLM_CRDT_REPLICA_REMINT_H

#include <holm/nested.h>

#include "crdt/replica.h"

struct holm_remint {
    uint64_t minted;  /* operations written anew */
    uint64_t dropped; /* cells, tombstones and shares of counters that were not */
};

/* Commits a batch of one key on the cut's replica. What it refuses is counted as dropped. */
typedef enum holm_status holm_batch_taker(void *context, const struct holm_op *ops, size_t count);

/*
 * Compares, and gives what is to be written to `take`, a batch a key. `cut` is the replica that has taken the
 * cut, and nothing else; `take` may write to it. Nothing may be pending in either before. O(cells of the old
 * state, runs of its op log).
 *   HOLM_ENOMEM  a part is done
 */
HOLM_NODISCARD enum holm_status holm_replica_remint(struct holm_replica *old,
                                                    struct holm_replica *cut,
                                                    holm_batch_taker *take, void *context,
                                                    struct holm_remint *remint);

#endif

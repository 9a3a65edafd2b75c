/* SPDX-License-Identifier: Apache-2.0 */
/*
 * witness.h - who is told of every local commit, and of the last moment of a state that is replaced.
 *
 *     commit -> applied -> witness told -> only then may anything of it leave this node
 *
 * The simulation of the cities writes a line to a pipe here, so that an observer knows of each
 * operation before any other node can.
 */
#ifndef HOLM_NODE_WITNESS_H
#define HOLM_NODE_WITNESS_H

#include <holm/holm.h>

/*
 * `committed` runs in the committing thread, under the partition's lock, once per commit that
 * minted at least one dot: receipt->first is the first of receipt->count dots; receipt->count is
 * less than `count` when some of the operations had nothing to do. All arguments are borrowed for
 * the call. It must not call back into the node, and what it takes long for, that partition waits.
 */
struct holm_witness {
    void (*committed)(void *context, const struct holm_receipt *receipt, const struct holm_op *ops,
                      size_t count);
    void *context;
    /* NULL, or: this node comes back by replacement. Before it, with no lock held, the state is as it was; when it is `done`,
     * under the partition's lock, it is the members', with what was written anew: `committed` was told of
     * that between the two. */
    void (*replacing)(void *context, uint32_t partition, bool done);
};

/* Sets the witness of a node, or none (NULL). Set it before the first write. The struct is
 * borrowed until the node is closed. */
void holm_node_set_witness(struct holm_node *node, const struct holm_witness *witness);

#endif

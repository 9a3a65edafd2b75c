/* SPDX-License-Identifier: Apache-2.0 */
/*
 * overlay.h - with whom a node exchanges feeds when there are too many for everyone to hear everyone.
 *
 *     ring 0, by id            1 - 2 - 3 - 4 - 5 - 6 - 7 - 8 - (1)
 *     rings 1, 2, 3, by hash   6 - 3 - 8 - 1 - 5 - 2 - 7 - 4 - (6)   ...
 *
 * A node's neighbours are those before and behind it on each of four rings: at most eight. Each ring alone
 * connects all, so that no ring's cut is a cut of the graph; rings in the order of a hash are as good as
 * drawn at random, and a union of such cycles is an expander: everyone is a few hops away.
 *
 * Two nodes that know the same nodes agree on their edge. A node that comes or goes changes three edges of
 * each ring and no other.
 *
 * Source: Law, Siu, "Distributed Construction of Random Expander Networks", INFOCOM 2003, section III.
 */
#ifndef HOLM_NODE_OVERLAY_H
#define HOLM_NODE_OVERLAY_H

#include "crdt/base.h"

#define HOLM_OVERLAY_RINGS 4
#define HOLM_OVERLAY_EDGES_MAX (2 * HOLM_OVERLAY_RINGS)

/* More nodes than this do not hear everyone's broadcasts; and again they do when there are so few. */
#define HOLM_OVERLAY_MESH_MAX 16
#define HOLM_OVERLAY_MESH_AGAIN 12

/*
 * chosen[i] := whether peers[i], in any order and without self, is a neighbour. `seed` is the cluster's.
 * O(count).
 */
void holm_overlay_choose(struct holm_node_id self, const struct holm_node_id *peers, size_t count,
                         uint64_t seed, bool *chosen);

#endif

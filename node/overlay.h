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
 * each ring and no other. They agree on more: a tree of these edges, along which everything comes once.
 *
 *     hops  0         7            the root: the smallest by a hash that the tree's number salts
 *           1     2   4   9        its neighbours on the rings
 *           2   5  3   8  1  6     their neighbours: each chooses one of those a hop before it, by a hash
 *
 * No word is needed for that, and one that comes or goes changes the choices around it. Where nodes do not
 * all know the same the trees that they draw differ; then links that turn out to be missing are grafted, and
 * those that bring all too late pruned (crdt/feed.h).
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

/* Room for the graph that a node sees. */
struct holm_overlay;

/* For up to `peers_max` peers, below 2^16 - 1. NULL: no memory. */
struct holm_overlay *holm_overlay_new(const struct holm_allocator *allocator, size_t peers_max);
void holm_overlay_free(const struct holm_allocator *allocator, struct holm_overlay *overlay);

/*
 * Draws the graph of `self` and these peers, which are in any order and without self. `seed` is the
 * cluster's. What is asked for below is by their places here. O(count log count).
 */
void holm_overlay_draw(struct holm_overlay *overlay, struct holm_node_id self,
                       const struct holm_node_id *peers, size_t count, uint64_t seed);

/* chosen[i] := whether peers[i] is a neighbour. O(count). */
void holm_overlay_choose(const struct holm_overlay *overlay, bool *chosen);

/* branches[i] := whether the edge to peers[i] is one of a tree's; only those to neighbours are. Trees with other
 * numbers have other roots. O(count). */
void holm_overlay_tree(struct holm_overlay *overlay, uint32_t number, bool *branches);

#endif

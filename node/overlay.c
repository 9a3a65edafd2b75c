/* SPDX-License-Identifier: Apache-2.0 */
#include "node/overlay.h"

#include <stdlib.h>

#define NODES_MAX UINT16_MAX
#define FAR UINT16_MAX /* hops: not reached so far */
#define GOLDEN UINT64_C(0x9e3779b97f4a7c15)

struct node {
    uint64_t id;
    uint16_t edges[HOLM_OVERLAY_EDGES_MAX]; /* places of nodes; on each ring behind, and before */
    uint16_t hops;                          /* from the root of the tree that was last asked for */
};

/* A node on a ring; of two with one hash the id decides. */
struct place {
    uint64_t hash, id;
    uint16_t node;
};

struct holm_overlay {
    size_t peers_max, count; /* count: of peers; behind them is self */
    uint64_t seed;
    struct node *nodes;
    struct place *places; /* of a ring, in order */
    uint16_t *queue;
};

/* SplitMix64's finaliser (Steele, Lea, Flood, OOPSLA 2014). */
static uint64_t mixed(uint64_t z)
{
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* What sets a ring apart, or a tree. */
static uint64_t salt(const struct holm_overlay *overlay, uint64_t number)
{
    return mixed(overlay->seed + number * GOLDEN);
}

struct holm_overlay *holm_overlay_new(const struct holm_allocator *allocator, size_t peers_max)
{
    HOLM_ASSERT(peers_max < NODES_MAX);
    size_t nodes = peers_max + 1;
    struct holm_overlay *made = holm_allocate(allocator, sizeof *made);
    if (made == NULL)
        return NULL;
    *made = (struct holm_overlay){.peers_max = peers_max,
                                  .nodes = holm_allocate(allocator, nodes * sizeof *made->nodes),
                                  .places = holm_allocate(allocator, nodes * sizeof *made->places),
                                  .queue = holm_allocate(allocator, nodes * sizeof *made->queue)};
    if (made->nodes != NULL && made->places != NULL && made->queue != NULL)
        return made;
    holm_overlay_free(allocator, made);
    return NULL;
}

void holm_overlay_free(const struct holm_allocator *allocator, struct holm_overlay *overlay)
{
    if (overlay == NULL)
        return;
    size_t nodes = overlay->peers_max + 1;
    holm_deallocate(allocator, overlay->nodes, nodes * sizeof *overlay->nodes);
    holm_deallocate(allocator, overlay->places, nodes * sizeof *overlay->places);
    holm_deallocate(allocator, overlay->queue, nodes * sizeof *overlay->queue);
    holm_deallocate(allocator, overlay, sizeof *overlay);
}

/* ---- the graph */

static int compare_places(const void *left, const void *right)
{
    const struct place *a = left, *b = right;
    if (a->hash != b->hash)
        return a->hash < b->hash ? -1 : 1;
    return a->id < b->id ? -1 : a->id > b->id;
}

static void draw_ring(struct holm_overlay *overlay, unsigned ring)
{
    size_t nodes = overlay->count + 1;
    for (size_t i = 0; i < nodes; i++) {
        uint64_t id = overlay->nodes[i].id;
        uint64_t hash = ring == 0 ? id : mixed(id ^ salt(overlay, ring));
        overlay->places[i] = (struct place){hash, id, (uint16_t)i};
    }
    qsort(overlay->places, nodes, sizeof *overlay->places, compare_places);
    for (size_t i = 0; i < nodes; i++) {
        uint16_t *edges = overlay->nodes[overlay->places[i].node].edges + (size_t)2 * ring;
        edges[0] = overlay->places[(i + 1) % nodes].node;
        edges[1] = overlay->places[(i + nodes - 1) % nodes].node;
    }
}

void holm_overlay_draw(struct holm_overlay *overlay, struct holm_node_id self,
                       const struct holm_node_id *peers, size_t count, uint64_t seed)
{
    HOLM_ASSERT(count <= overlay->peers_max);
    overlay->count = count;
    overlay->seed = seed;
    overlay->nodes[count].id = self.value;
    for (size_t i = 0; i < count; i++) {
        HOLM_ASSERT(peers[i].value != self.value);
        overlay->nodes[i].id = peers[i].value;
    }
    for (unsigned ring = 0; ring < HOLM_OVERLAY_RINGS; ring++)
        draw_ring(overlay, ring);
}

void holm_overlay_choose(const struct holm_overlay *overlay, bool *chosen)
{
    const struct node *self = &overlay->nodes[overlay->count];
    for (size_t i = 0; i < overlay->count; i++)
        chosen[i] = overlay->count <= HOLM_OVERLAY_EDGES_MAX;
    for (size_t e = 0; e < HOLM_OVERLAY_EDGES_MAX && overlay->count > 0; e++)
        chosen[self->edges[e]] = true; /* with a peer, nobody is behind itself */
}

/* ---- a tree of it */

static size_t root_of(const struct holm_overlay *overlay, uint64_t salted)
{
    size_t root = overlay->count;
    for (size_t i = 0; i < overlay->count; i++) {
        uint64_t hash = mixed(overlay->nodes[i].id ^ salted);
        if (hash < mixed(overlay->nodes[root].id ^ salted))
            root = i;
    }
    return root;
}

/* How far all are from a root, breadth first. */
static void measure(struct holm_overlay *overlay, size_t root)
{
    size_t next = 0, reached = 1;
    for (size_t i = 0; i <= overlay->count; i++)
        overlay->nodes[i].hops = FAR;
    overlay->nodes[root].hops = 0;
    overlay->queue[0] = (uint16_t)root;
    while (next < reached) {
        const struct node *node = &overlay->nodes[overlay->queue[next++]];
        for (size_t e = 0; e < HOLM_OVERLAY_EDGES_MAX; e++) {
            if (overlay->nodes[node->edges[e]].hops != FAR)
                continue;
            overlay->nodes[node->edges[e]].hops = (uint16_t)(node->hops + 1);
            overlay->queue[reached++] = node->edges[e];
        }
    }
    HOLM_ASSERT(reached == overlay->count + 1);
}

/* Which of those a hop nearer to the root; NODES_MAX: it is the root. By a hash, so that the choice of
 * one does not hang on the others'. */
static size_t parent_of(const struct holm_overlay *overlay, size_t child, uint64_t salted)
{
    const struct node *node = &overlay->nodes[child];
    uint64_t least = UINT64_MAX;
    size_t parent = NODES_MAX;
    for (size_t e = 0; e < HOLM_OVERLAY_EDGES_MAX; e++) {
        const struct node *other = &overlay->nodes[node->edges[e]];
        uint64_t hash = mixed(mixed(other->id ^ salted) ^ node->id);
        if (other->hops >= node->hops || (parent != NODES_MAX && hash >= least))
            continue;
        least = hash;
        parent = node->edges[e];
    }
    return parent;
}

void holm_overlay_tree(struct holm_overlay *overlay, uint32_t number, bool *branches)
{
    size_t self = overlay->count;
    uint64_t salted = salt(overlay, (uint64_t)HOLM_OVERLAY_RINGS + number);
    for (size_t i = 0; i < overlay->count; i++)
        branches[i] = false;
    measure(overlay, root_of(overlay, salted));
    size_t parent = parent_of(overlay, self, salted);
    if (parent != NODES_MAX)
        branches[parent] = true;
    for (size_t e = 0; e < HOLM_OVERLAY_EDGES_MAX && overlay->count > 0; e++) {
        size_t child = overlay->nodes[self].edges[e];
        if (parent_of(overlay, child, salted) == self)
            branches[child] = true;
    }
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "node/tunnels.h"

#include "node/random.h"

#define LINK_BIT (UINT64_C(1) << 63)

struct way {
    struct holm_actor to, via;
    uint64_t number;
    uint64_t first_us, heard_us;
};

struct tunnel {
    uint64_t link;
    struct holm_actor self, peer;
    uint64_t id;
    uint64_t sent, taken; /* pieces */
    bool known;           /* to the host: it has opened it, or had a frame of it */
    bool ended;
    bool tells; /* ended: the other end is to be told */
    void *frame;
    size_t size, capacity; /* what of it has come */
    bool whole;            /* it was handed out: what comes next is another */
};

struct holm_tunnels {
    struct holm_tunnels_config config;
    struct holm_random random;
    uint64_t links; /* numbered so far */
    struct way *ways;
    size_t way_count, way_capacity;
    struct tunnel *tunnels;
    size_t count, capacity;
};

enum holm_status holm_tunnels_new(const struct holm_tunnels_config *config,
                                  struct holm_tunnels **tunnels)
{
    *tunnels = holm_allocate(&config->allocator, sizeof **tunnels);
    if (*tunnels == NULL)
        return HOLM_ENOMEM;
    memset(*tunnels, 0, sizeof **tunnels);
    (*tunnels)->config = *config;
    (*tunnels)->random.state = config->random_seed;
    return HOLM_OK;
}

static void release(struct holm_tunnels *tunnels, struct tunnel *tunnel)
{
    holm_array_free(&tunnels->config.allocator, tunnel->frame, tunnel->capacity, 1);
    tunnel->frame = NULL;
    tunnel->size = tunnel->capacity = 0;
}

void holm_tunnels_free(struct holm_tunnels *tunnels)
{
    if (tunnels == NULL)
        return;
    struct holm_allocator allocator = tunnels->config.allocator;
    for (size_t i = 0; i < tunnels->count; i++)
        release(tunnels, &tunnels->tunnels[i]);
    holm_array_free(&allocator, tunnels->tunnels, tunnels->capacity, sizeof *tunnels->tunnels);
    holm_array_free(&allocator, tunnels->ways, tunnels->way_capacity, sizeof *tunnels->ways);
    holm_deallocate(&allocator, tunnels, sizeof *tunnels);
}

static void end(struct holm_tunnels *tunnels, struct tunnel *tunnel, bool tells)
{
    release(tunnels, tunnel);
    tunnel->ended = true;
    tunnel->tells = tells;
}

/* ---- ways ----------------------------------------------------------------------------------- */

static bool is_fresh(const struct holm_tunnels *tunnels, const struct way *way, struct holm_now now)
{
    return now.monotonic_us - way->heard_us < tunnels->config.patience_us;
}

static struct way *way_to(const struct holm_tunnels *tunnels, struct holm_node_id node)
{
    for (size_t i = 0; i < tunnels->way_count; i++) {
        if (tunnels->ways[i].to.node.value == node.value)
            return &tunnels->ways[i];
    }
    return NULL;
}

/* Room for one more; who was not heard of for long makes it. */
static struct way *way_add(struct holm_tunnels *tunnels, struct holm_now now)
{
    size_t kept = 0;
    for (size_t i = 0; i < tunnels->way_count; i++) {
        if (is_fresh(tunnels, &tunnels->ways[i], now))
            tunnels->ways[kept++] = tunnels->ways[i];
    }
    tunnels->way_count = kept;
    void *ways = tunnels->ways;
    if (kept == tunnels->config.nodes_max ||
        holm_array_reserve(&tunnels->config.allocator, &ways, &tunnels->way_capacity,
                           sizeof *tunnels->ways, kept + 1) != HOLM_OK)
        return NULL;
    tunnels->ways = ways;
    return &tunnels->ways[tunnels->way_count++];
}

/* U1. The ended epoch cannot be told. */
static void end_former(struct holm_tunnels *tunnels, struct holm_actor present)
{
    for (size_t i = 0; i < tunnels->count; i++) {
        struct tunnel *tunnel = &tunnels->tunnels[i];
        if (!tunnel->ended && tunnel->peer.node.value == present.node.value &&
            tunnel->peer.epoch.value < present.epoch.value)
            end(tunnels, tunnel, false);
    }
}

bool holm_tunnels_hear(struct holm_tunnels *tunnels, const struct holm_reach *reach,
                       struct holm_actor via, struct holm_now now)
{
    struct way *way = way_to(tunnels, reach->actor.node);
    if (reach->actor.node.value == tunnels->config.self.node.value ||
        reach->hops >= HOLM_TUNNEL_HOPS_MAX)
        return false;
    bool later = way == NULL || way->to.epoch.value < reach->actor.epoch.value;
    if (!later && (way->to.epoch.value > reach->actor.epoch.value || reach->number <= way->number))
        return false;
    if (later)
        end_former(tunnels, reach->actor);
    if (way == NULL)
        way = way_add(tunnels, now);
    if (way == NULL)
        return false;
    uint64_t first_us = later || !is_fresh(tunnels, way, now) ? now.monotonic_us : way->first_us;
    *way = (struct way){reach->actor, via, reach->number, first_us, now.monotonic_us};
    return true;
}

bool holm_tunnels_way(const struct holm_tunnels *tunnels, struct holm_actor to,
                      struct holm_actor *via)
{
    const struct way *way = way_to(tunnels, to.node);
    if (way == NULL || !holm_actor_equal(way->to, to))
        return false;
    *via = way->via;
    return true;
}

static const struct tunnel *tunnel_to(const struct holm_tunnels *tunnels, struct holm_node_id node)
{
    for (size_t i = 0; i < tunnels->count; i++) {
        if (!tunnels->tunnels[i].ended && tunnels->tunnels[i].peer.node.value == node.value)
            return &tunnels->tunnels[i];
    }
    return NULL;
}

bool holm_tunnels_lacking(const struct holm_tunnels *tunnels, size_t index, struct holm_now now,
                          struct holm_actor *actor, uint64_t *since_us)
{
    for (size_t i = 0; i < tunnels->way_count; i++) {
        const struct way *way = &tunnels->ways[i];
        if (!is_fresh(tunnels, way, now) || tunnel_to(tunnels, way->to.node) != NULL || index-- > 0)
            continue;
        *actor = way->to;
        *since_us = way->first_us;
        return true;
    }
    return false;
}

/* ---- tunnels -------------------------------------------------------------------------------- */

static struct tunnel *tunnel_add(struct holm_tunnels *tunnels, struct holm_actor peer, uint64_t id)
{
    void *array = tunnels->tunnels;
    if (tunnels->count >= tunnels->config.nodes_max ||
        holm_array_reserve(&tunnels->config.allocator, &array, &tunnels->capacity,
                           sizeof *tunnels->tunnels, tunnels->count + 1) != HOLM_OK)
        return NULL;
    tunnels->tunnels = array;
    struct tunnel *tunnel = &tunnels->tunnels[tunnels->count++];
    *tunnel = (struct tunnel){
        .link = LINK_BIT | ++tunnels->links, .self = tunnels->config.self, .peer = peer, .id = id};
    return tunnel;
}

bool holm_tunnels_open(struct holm_tunnels *tunnels, struct holm_actor to,
                       struct holm_link_id *link)
{
    struct tunnel *tunnel = tunnel_add(tunnels, to, holm_random_next(&tunnels->random) | 1);
    if (tunnel == NULL)
        return false;
    tunnel->known = true;
    link->value = tunnel->link;
    return true;
}

static struct tunnel *tunnel_of(struct holm_tunnels *tunnels, struct holm_link_id link)
{
    for (size_t i = 0; i < tunnels->count; i++) {
        if (!tunnels->tunnels[i].ended && tunnels->tunnels[i].link == link.value)
            return &tunnels->tunnels[i];
    }
    return NULL;
}

static struct holm_tunnel head_of(const struct tunnel *tunnel, uint64_t number)
{
    return (struct holm_tunnel){
        .from = tunnel->self, .to = tunnel->peer, .id = tunnel->id, .number = number};
}

bool holm_tunnels_piece(struct holm_tunnels *tunnels, struct holm_link_id link,
                        struct holm_tunnel *piece)
{
    struct tunnel *tunnel = tunnel_of(tunnels, link);
    if (tunnel == NULL)
        return false;
    *piece = head_of(tunnel, ++tunnel->sent);
    return true;
}

static struct tunnel *find(struct holm_tunnels *tunnels, const struct holm_tunnel *piece)
{
    for (size_t i = 0; i < tunnels->count; i++) {
        struct tunnel *tunnel = &tunnels->tunnels[i];
        if (!tunnel->ended && tunnel->id == piece->id &&
            holm_actor_equal(tunnel->peer, piece->from))
            return tunnel;
    }
    return NULL;
}

/* What the other end has opened before is of no use to it any more. */
static struct tunnel *accept(struct holm_tunnels *tunnels, const struct holm_tunnel *piece)
{
    const struct way *way = way_to(tunnels, piece->from.node);
    if (way != NULL && way->to.epoch.value > piece->from.epoch.value)
        return NULL;
    end_former(tunnels, piece->from);
    return tunnel_add(tunnels, piece->from, piece->id);
}

/* U2, U3. */
static bool add_piece(struct holm_tunnels *tunnels, struct tunnel *tunnel,
                      const struct holm_tunnel *piece)
{
    if (tunnel->whole)
        tunnel->size = 0;
    tunnel->whole = false;
    size_t size = tunnel->size + piece->piece.size;
    if (piece->number != tunnel->taken + 1 || size > tunnels->config.frame_bytes_max ||
        holm_array_reserve(&tunnels->config.allocator, &tunnel->frame, &tunnel->capacity, 1,
                           size) != HOLM_OK)
        return false;
    if (piece->piece.size > 0 && tunnel->frame != NULL)
        memcpy((char *)tunnel->frame + tunnel->size, piece->piece.data, piece->piece.size);
    tunnel->size = size;
    tunnel->taken++;
    tunnel->whole = !piece->more;
    return true;
}

enum holm_tunnel_taken holm_tunnels_take(struct holm_tunnels *tunnels,
                                         const struct holm_tunnel *piece, struct holm_link_id *link,
                                         bool *accepted, struct holm_bytes *frame)
{
    struct tunnel *tunnel = find(tunnels, piece);
    if (!holm_actor_equal(piece->to, tunnels->config.self) ||
        (tunnel == NULL && piece->number == 0))
        return HOLM_TUNNEL_NOTHING;
    if (tunnel == NULL && piece->number == 1)
        tunnel = accept(tunnels, piece);
    if (tunnel == NULL)
        return HOLM_TUNNEL_UNKNOWN;
    if (!add_piece(tunnels, tunnel, piece)) {
        end(tunnels, tunnel, piece->number != 0);
        return HOLM_TUNNEL_NOTHING;
    }
    if (!tunnel->whole)
        return HOLM_TUNNEL_NOTHING;
    *accepted = !tunnel->known;
    tunnel->known = true;
    link->value = tunnel->link;
    *frame = holm_mem(tunnel->frame, tunnel->size);
    return HOLM_TUNNEL_FRAME;
}

void holm_tunnels_close(struct holm_tunnels *tunnels, struct holm_link_id link)
{
    struct tunnel *tunnel = tunnel_of(tunnels, link);
    if (tunnel != NULL)
        end(tunnels, tunnel, tunnel->sent > 0 || tunnel->taken > 0);
}

void holm_tunnels_end(struct holm_tunnels *tunnels, struct holm_actor self)
{
    for (size_t i = 0; i < tunnels->count; i++) {
        if (!tunnels->tunnels[i].ended)
            end(tunnels, &tunnels->tunnels[i], true);
    }
    tunnels->config.self = self;
}

bool holm_tunnels_ended(struct holm_tunnels *tunnels, struct holm_link_id *link,
                        struct holm_tunnel *piece)
{
    for (size_t i = 0; i < tunnels->count; i++) {
        struct tunnel *tunnel = &tunnels->tunnels[i];
        if (!tunnel->ended)
            continue;
        link->value = tunnel->link;
        *piece = tunnel->tells ? head_of(tunnel, 0) : (struct holm_tunnel){.id = 0};
        *tunnel = tunnels->tunnels[--tunnels->count];
        return true;
    }
    return false;
}

/* ---- looking -------------------------------------------------------------------------------- */

size_t holm_tunnels_heard(const struct holm_tunnels *tunnels)
{
    return tunnels->way_count;
}

struct holm_actor holm_tunnels_self(const struct holm_tunnels *tunnels)
{
    return tunnels->config.self;
}

size_t holm_tunnels_count(const struct holm_tunnels *tunnels)
{
    return tunnels->count;
}

void holm_tunnels_check(const struct holm_tunnels *tunnels)
{
    HOLM_ASSERT(tunnels->count <= tunnels->config.nodes_max);
    HOLM_ASSERT(tunnels->way_count <= tunnels->config.nodes_max);
    for (size_t i = 0; i < tunnels->count; i++) {
        const struct tunnel *tunnel = &tunnels->tunnels[i];
        const struct way *way = way_to(tunnels, tunnel->peer.node);
        HOLM_ASSERT(tunnel->ended || holm_actor_equal(tunnel->self, tunnels->config.self));
        HOLM_ASSERT(tunnel->ended || way == NULL ||
                    way->to.epoch.value <= tunnel->peer.epoch.value);
        HOLM_ASSERT(tunnel->size <= tunnels->config.frame_bytes_max);
    }
}

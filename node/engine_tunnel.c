/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Links between those who are no members and do not meet: who is told of whom, through whom pieces go, and when one
 * is opened. What a tunnel is says tunnels.h.
 */
#include <stdlib.h>

#include "node/engine_state.h"

/* Of two who both have a state the lower id opens; the other, if that one has none, after so many beacons. */
#define OPENS_AFTER 3
/* Who was not heard of in so many beacons cannot be reached. */
#define PATIENCE 4

enum holm_status holm_engine_tunnel_open(struct holm_engine *engine)
{
    struct holm_tunnels_config config = {
        .allocator = engine->config.allocator,
        .self = engine->config.self,
        .nodes_max = engine->config.peers_max,
        .frame_bytes_max = engine->config.frame_bytes_max,
        .patience_us = PATIENCE * engine->config.beacon_interval_us,
        .random_seed = engine->config.random_seed ^ engine->config.self.epoch.value,
    };
    return holm_tunnels_new(&config, &engine->tunnels);
}

void holm_engine_tunnel_free(struct holm_engine *engine)
{
    holm_tunnels_free(engine->tunnels);
    engine->tunnels = NULL;
}

/* ---- through whom --------------------------------------------------------------------------- */

/* Whether this slot is met, and takes what goes through others. A member does not pass it on. */
static bool is_between(struct holm_engine *engine, uint32_t slot)
{
    const struct holm_engine_standing *standing = &engine->members->standings[slot];
    pthread_mutex_lock(&engine->roster_lock);
    bool is = holm_roster_met(engine->roster, slot) &&
              (holm_roster_features(engine->roster, slot) & HOLM_FEATURE_TUNNELS) != 0;
    pthread_mutex_unlock(&engine->roster_lock);
    return is && !(standing->up && standing->told && standing->confirmed);
}

static uint32_t slot_of(struct holm_engine *engine, struct holm_actor actor)
{
    pthread_mutex_lock(&engine->roster_lock);
    uint32_t slot = holm_roster_slot(engine->roster, actor);
    pthread_mutex_unlock(&engine->roster_lock);
    return slot;
}

static uint32_t slot_towards(struct holm_engine *engine, struct holm_actor to)
{
    struct holm_actor via;
    uint32_t slot = slot_of(engine, to);
    if (slot != HOLM_PEER_NONE && is_between(engine, slot))
        return slot;
    if (!holm_tunnels_way(engine->tunnels, to, &via))
        return HOLM_PEER_NONE;
    slot = slot_of(engine, via);
    return slot != HOLM_PEER_NONE && is_between(engine, slot) ? slot : HOLM_PEER_NONE;
}

/* Not back to `from`: then the ways do not agree, and it would go round. */
static void post(struct holm_engine *engine, uint32_t from, const struct holm_tunnel *piece)
{
    struct holm_message message;
    uint32_t slot = slot_towards(engine, piece->to);
    if (slot == HOLM_PEER_NONE || slot == from)
        return;
    memset(&message, 0, sizeof message);
    message.type = HOLM_MESSAGE_TUNNEL;
    message.as.tunnel = *piece;
    holm_engine_members_send(engine, slot, &message);
}

static void end(struct holm_engine *engine, struct holm_now now)
{
    struct holm_link_id link;
    struct holm_tunnel piece;
    while (holm_tunnels_ended(engine->tunnels, &link, &piece)) {
        pthread_mutex_lock(&engine->roster_lock);
        holm_roster_link_closed(engine->roster, link, now);
        pthread_mutex_unlock(&engine->roster_lock);
        if (piece.id != 0)
            post(engine, HOLM_PEER_NONE, &piece);
    }
}

/* ---- who can be reached --------------------------------------------------------------------- */

static int compare_nodes(const void *a, const void *b)
{
    const struct holm_node_id *left = a;
    const struct holm_node_id *right = b;
    return (left->value > right->value) - (left->value < right->value);
}

static bool tells(const struct holm_reach *reach, struct holm_node_id node)
{
    return node.value == reach->actor.node.value ||
           (reach->met_count > 0 &&
            bsearch(&node, reach->met, reach->met_count, sizeof node, compare_nodes) != NULL);
}

static void say(struct holm_engine *engine, uint32_t slot, const struct holm_reach *reach)
{
    struct holm_message message;
    memset(&message, 0, sizeof message);
    message.type = HOLM_MESSAGE_REACH;
    message.as.reach = *reach;
    holm_engine_members_send(engine, slot, &message);
}

/* Each once, ascending. */
static size_t find_met(struct holm_engine *engine, struct holm_node_id *met)
{
    size_t count = 0, kept = 0;
    pthread_mutex_lock(&engine->roster_lock);
    for (uint32_t slot = 0; slot < holm_roster_slots(engine->roster); slot++) {
        if (holm_roster_met(engine->roster, slot))
            met[count++] = holm_roster_node(engine->roster, slot);
    }
    pthread_mutex_unlock(&engine->roster_lock);
    qsort(met, count, sizeof *met, compare_nodes);
    for (size_t i = 0; i < count; i++) {
        if (kept == 0 || met[kept - 1].value != met[i].value)
            met[kept++] = met[i];
    }
    return kept;
}

static void announce(struct holm_engine *engine)
{
    size_t bytes = engine->config.peers_max * sizeof(struct holm_node_id);
    struct holm_node_id *met = holm_allocate(&engine->config.allocator, bytes);
    if (met == NULL)
        return; /* with the next beacon */
    struct holm_reach reach = {.actor = holm_tunnels_self(engine->tunnels),
                               .number = ++engine->reaches,
                               .met = met,
                               .met_count = find_met(engine, met)};
    for (uint32_t slot = 0; slot < engine->config.peers_max; slot++) {
        if (is_between(engine, slot))
            say(engine, slot, &reach);
    }
    holm_deallocate(&engine->config.allocator, met, bytes);
}

/* ---- opening -------------------------------------------------------------------------------- */

/* Whether this node might found, or leave it to that one to found: both are listed, and it is not reached so far. */
static bool is_wanted(struct holm_engine *engine, struct holm_actor actor, uint64_t since_us,
                      struct holm_now now)
{
    const struct holm_members *known = holm_engine_list_members(engine);
    const struct holm_member_row *row = holm_members_find(known, actor.node);
    struct holm_node_id self = holm_tunnels_self(engine->tunnels).node;
    uint64_t wait_us = OPENS_AFTER * engine->config.beacon_interval_us;
    if (row == NULL || row->forgotten || holm_members_find(known, self) == NULL ||
        slot_of(engine, actor) != HOLM_PEER_NONE)
        return false;
    return self.value < actor.node.value || now.monotonic_us - since_us >= wait_us;
}

static void open_wanted(struct holm_engine *engine, struct holm_now now)
{
    struct holm_actor actor;
    uint64_t since_us;
    size_t index = 0;
    while (holm_tunnels_lacking(engine->tunnels, index, now, &actor, &since_us)) {
        struct holm_link_id link;
        if (!is_wanted(engine, actor, since_us, now) ||
            !holm_tunnels_open(engine->tunnels, actor, &link)) {
            index++;
            continue;
        }
        pthread_mutex_lock(&engine->roster_lock);
        holm_roster_link_up(engine->roster, link, false, "", now);
        pthread_mutex_unlock(&engine->roster_lock);
    }
}

/* Who is on no list is of use to others alone: they speak first. */
static bool has_to_say(struct holm_engine *engine)
{
    struct holm_node_id self = holm_tunnels_self(engine->tunnels).node;
    return holm_members_find(holm_engine_list_members(engine), self) != NULL ||
           holm_tunnels_heard(engine->tunnels) > 0;
}

void holm_engine_tunnel_tick(struct holm_engine *engine, struct holm_now now)
{
    if (!holm_membership_is_alone(engine->members->machine))
        return; /* it asks that one */
    if (has_to_say(engine))
        announce(engine);
    open_wanted(engine, now);
}

void holm_engine_tunnel_hear(struct holm_engine *engine, uint32_t peer,
                             const struct holm_reach *reach, struct holm_now now)
{
    struct holm_actor via = engine->members->standings[peer].actor;
    bool news = engine->members->standings[peer].up &&
                holm_tunnels_hear(engine->tunnels, reach, via, now);
    end(engine, now);
    if (!news)
        return;
    struct holm_reach further = *reach;
    further.hops += 1;
    for (uint32_t slot = 0; slot < engine->config.peers_max; slot++) {
        if (slot != peer && is_between(engine, slot) &&
            !tells(reach, engine->members->standings[slot].actor.node))
            say(engine, slot, &further);
    }
    if (holm_membership_is_alone(engine->members->machine))
        open_wanted(engine, now);
}

/* ---- pieces --------------------------------------------------------------------------------- */

/* For somebody else. */
static void pass_on(struct holm_engine *engine, uint32_t peer, const struct holm_tunnel *piece)
{
    struct holm_tunnel further = *piece;
    further.hops += 1;
    if (further.hops <= HOLM_TUNNEL_HOPS_MAX)
        post(engine, peer, &further);
}

bool holm_engine_tunnel_take(struct holm_engine *engine, uint32_t peer,
                             const struct holm_tunnel *tunnel, struct holm_now now,
                             struct holm_transport_event *event)
{
    struct holm_tunnel closed = {
        .from = tunnel->to, .to = tunnel->from, .id = tunnel->id, .number = 0};
    struct holm_bytes frame;
    bool accepted = false;
    *event = (struct holm_transport_event){.type = HOLM_TRANSPORT_LINK_FRAME};
    if (tunnel->to.node.value != holm_tunnels_self(engine->tunnels).node.value) {
        pass_on(engine, peer, tunnel);
        return false;
    }
    enum holm_tunnel_taken taken = holm_tunnels_take(engine->tunnels, tunnel, &event->link,
                                                     &accepted, &frame);
    end(engine, now);
    if (taken == HOLM_TUNNEL_UNKNOWN)
        post(engine, HOLM_PEER_NONE, &closed);
    if (taken != HOLM_TUNNEL_FRAME)
        return false;
    if (accepted) {
        pthread_mutex_lock(&engine->roster_lock);
        holm_roster_link_up(engine->roster, event->link, true, "", now);
        pthread_mutex_unlock(&engine->roster_lock);
    }
    event->frame = frame.data;
    event->frame_bytes = frame.size;
    return true;
}

void holm_engine_tunnel_send(struct holm_engine *engine, struct holm_link_id link,
                             struct holm_bytes frame)
{
    size_t most = engine->config.frame_bytes_max - HOLM_FRAME_HEAD_BYTES_MAX;
    struct holm_tunnel piece;
    for (size_t first = 0; first < frame.size; first += most) {
        if (!holm_tunnels_piece(engine->tunnels, link, &piece))
            return;
        piece.more = frame.size - first > most;
        piece.piece = holm_mem((const char *)frame.data + first,
                               piece.more ? most : frame.size - first);
        post(engine, HOLM_PEER_NONE, &piece);
    }
}

void holm_engine_tunnel_close(struct holm_engine *engine, struct holm_link_id link,
                              struct holm_now now)
{
    holm_tunnels_close(engine->tunnels, link);
    end(engine, now);
}

void holm_engine_tunnel_end(struct holm_engine *engine, struct holm_actor self, struct holm_now now)
{
    holm_tunnels_end(engine->tunnels, self);
    end(engine, now);
}

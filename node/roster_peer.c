/* SPDX-License-Identifier: Apache-2.0 */
#include "node/roster_state.h"
#include "node/tunnels.h"

uint32_t holm_roster_peer_find(const struct holm_roster *roster, struct holm_node_id node)
{
    for (size_t i = 0; i < roster->peer_count; i++) {
        if (roster->peers[i].used && roster->peers[i].actor.node.value == node.value)
            return (uint32_t)i;
    }
    return HOLM_ROSTER_NONE;
}

bool holm_roster_is_linked(const struct holm_roster *roster, uint32_t slot)
{
    for (size_t i = 0; i < roster->link_count; i++) {
        if (roster->links[i].peer == slot)
            return true;
    }
    return false;
}

void holm_roster_mark_linked(struct holm_roster *roster)
{
    for (size_t i = 0; i < roster->peer_count; i++)
        roster->peers[i].linked = false;
    for (size_t i = 0; i < roster->link_count; i++) {
        if (roster->links[i].peer != HOLM_ROSTER_NONE)
            roster->peers[roster->links[i].peer].linked = true;
    }
}

/* Least missed are who has left, then who was never up. */
static bool goes_before(const struct holm_roster_peer *a, const struct holm_roster_peer *b)
{
    if (a->left != b->left)
        return a->left;
    return a->was_up != b->was_up ? !a->was_up : a->changed_us < b->changed_us;
}

static uint32_t least_missed(struct holm_roster *roster)
{
    uint32_t found = HOLM_ROSTER_NONE;
    holm_roster_mark_linked(roster);
    for (uint32_t i = 0; i < roster->peer_count; i++) {
        const struct holm_roster_peer *peer = &roster->peers[i];
        if (peer->up || peer->linked)
            continue;
        if (found == HOLM_ROSTER_NONE || goes_before(peer, &roster->peers[found]))
            found = i;
    }
    return found;
}

/* A slot for one more peer. When there is none left, who comes itself displaces who was never met,
 * or else who is down for longest; who was only told of displaces nobody. */
static uint32_t slot_take(struct holm_roster *roster, bool direct)
{
    for (uint32_t i = 0; i < roster->peer_count; i++) {
        if (!roster->peers[i].used)
            return i;
    }
    if (roster->peer_count < roster->config.peers_max) {
        if (holm_array_reserve(&roster->config.allocator, (void **)&roster->peers,
                               &roster->peer_capacity, sizeof *roster->peers,
                               roster->peer_count + 1) != HOLM_OK)
            return HOLM_ROSTER_NONE;
        memset(&roster->peers[roster->peer_count++], 0, sizeof *roster->peers);
        if (holm_roster_reserve(roster) != HOLM_OK)
            return HOLM_ROSTER_NONE;
        return (uint32_t)roster->peer_count - 1;
    }
    uint32_t slot = direct ? least_missed(roster) : HOLM_ROSTER_NONE;
    if (slot != HOLM_ROSTER_NONE) {
        holm_roster_address_drop(roster, &roster->peers[slot]);
        holm_roster_peer_leave(roster, &roster->peers[slot]);
    }
    return slot;
}

uint32_t holm_roster_peer_add(struct holm_roster *roster, struct holm_actor actor, bool direct,
                              struct holm_now now)
{
    HOLM_ASSERT(actor.node.value != roster->config.self.node.value);
    uint32_t slot = slot_take(roster, direct);
    if (slot == HOLM_ROSTER_NONE)
        return slot;
    struct holm_roster_peer *peer = &roster->peers[slot];
    memset(peer, 0, sizeof *peer);
    peer->used = true;
    peer->actor = actor;
    peer->told = actor.epoch.value;
    peer->changed_us = now.monotonic_us;
    return slot;
}

void holm_roster_news(struct holm_roster *roster, struct holm_roster_peer *peer,
                      struct holm_now now)
{
    peer->news = roster->news_turn;
    if (roster->news_us != HOLM_NEVER)
        return;
    uint64_t interval = roster->config.redial_interval_us;
    roster->news_us = now.monotonic_us +
                      holm_random_between(&roster->random, interval / 8, interval / 4);
    holm_roster_due(roster, roster->news_us);
}

void holm_roster_peer_leave(struct holm_roster *roster, struct holm_roster_peer *peer)
{
    if (peer->subscription.value == 0)
        return;
    holm_roster_push(roster, HOLM_ROSTER_UNSUBSCRIBE)->subscription = peer->subscription;
    peer->subscription.value = 0;
}

static bool is_tunnel(const struct holm_roster_link *link)
{
    return holm_tunnel_is_link((struct holm_link_id){link->id});
}

/* Whether this link is the one that both sides keep, of links to one peer. */
static bool preferred(const struct holm_roster *roster, const struct holm_roster_peer *peer,
                      const struct holm_roster_link *link, const struct holm_roster_link *other)
{
    if (other == NULL)
        return true;
    if (is_tunnel(link) != is_tunnel(other))
        return is_tunnel(other);
    if (link->accepted != other->accepted) {
        bool mine_wins = roster->config.self.node.value < peer->actor.node.value;
        return link->accepted != mine_wins;
    }
    return link->proven_us != other->proven_us ? link->proven_us > other->proven_us
                                               : link->id > other->id;
}

static struct holm_roster_link *best_link(struct holm_roster *roster, uint32_t slot)
{
    struct holm_roster_link *best = NULL;
    for (size_t i = 0; i < roster->link_count; i++) {
        struct holm_roster_link *link = &roster->links[i];
        if (link->peer == slot && link->state == HOLM_LINK_PROVEN &&
            preferred(roster, &roster->peers[slot], link, best))
            best = link;
    }
    return best;
}

/* The acceptor of a link is proven after its dialler: when it closes the other link, both sides
 * have the one that stays. The dialler does so only when the acceptor has not, long after. */
static void redundant_mark(struct holm_roster *roster, uint32_t slot,
                           const struct holm_roster_link *best, struct holm_now now)
{
    uint64_t wait = best->accepted
                        ? roster->config.redial_interval_us
                        : 2 * roster->config.redial_interval_us + roster->config.link_timeout_us;
    for (size_t i = 0; i < roster->link_count; i++) {
        struct holm_roster_link *link = &roster->links[i];
        if (link->peer != slot || link->state != HOLM_LINK_PROVEN)
            continue;
        if (link == best)
            link->close_us = HOLM_NEVER;
        else if (link->close_us == HOLM_NEVER)
            link->close_us = now.monotonic_us + wait;
        holm_roster_due(roster, link->close_us);
    }
}

/* ---- what is told --------------------------------------------------------------------------- */

void holm_roster_changed(struct holm_roster *roster, uint32_t slot, enum holm_peer_change change,
                         uint64_t after_us)
{
    struct holm_roster_action *action = holm_roster_push(roster, HOLM_ROSTER_CHANGED);
    action->peer = slot;
    action->actor = roster->peers[slot].actor;
    action->change = change;
    action->after_us = after_us;
    memcpy(action->text, roster->peers[slot].name, sizeof roster->peers[slot].name);
}

static void address_forget(struct holm_roster *roster, struct holm_roster_peer *peer)
{
    holm_roster_address_drop(roster, peer);
    memset(peer->address, 0, sizeof peer->address);
}

void holm_roster_peer_left(struct holm_roster *roster, uint32_t slot, struct holm_now now)
{
    struct holm_roster_peer *peer = &roster->peers[slot];
    if (peer->left)
        return;
    peer->left = true;
    address_forget(roster, peer);
    holm_roster_news(roster, peer, now);
    holm_roster_note(roster, HOLM_LOG_PEER_LEFT, HOLM_LOG_VALUES(holm_log_text(peer->name)));
    holm_roster_changed(roster, slot, HOLM_PEER_LEFT, now.monotonic_us - peer->changed_us);
}

void holm_roster_peer_heard(struct holm_roster *roster, uint32_t slot, struct holm_now now)
{
    struct holm_roster_peer *peer = &roster->peers[slot];
    uint64_t silent_us = now.monotonic_us - peer->heard_us;
    peer->heard_us = now.monotonic_us;
    if (!peer->suspect)
        return;
    peer->suspect = false;
    holm_roster_note(roster, HOLM_LOG_PEER_HEARD,
                     HOLM_LOG_VALUES(holm_log_text(peer->name), holm_log_number(silent_us / 1000)));
    holm_roster_changed(roster, slot, HOLM_PEER_UP, silent_us);
}

void holm_roster_suspect_tick(struct holm_roster *roster, struct holm_now now)
{
    uint64_t patience = roster->config.link_timeout_us / 2;
    for (uint32_t i = 0; i < roster->peer_count; i++) {
        struct holm_roster_peer *peer = &roster->peers[i];
        if (!peer->up || peer->suspect)
            continue;
        if (now.monotonic_us < peer->heard_us + patience) {
            if (roster->config.prompt)
                holm_roster_due(roster, peer->heard_us + patience);
            continue;
        }
        peer->suspect = true;
        holm_roster_note(
            roster, HOLM_LOG_PEER_SUSPECT,
            HOLM_LOG_VALUES(holm_log_text(peer->name), holm_log_number(patience / 1000)));
        holm_roster_changed(roster, i, HOLM_PEER_SUSPECT, now.monotonic_us - peer->heard_us);
    }
}

static void note_down(struct holm_roster *roster, uint32_t slot, uint64_t lasted_us)
{
    const struct holm_roster_peer *peer = &roster->peers[slot];
    if (roster->leaving || peer->left)
        return;
    holm_roster_note(roster, peer->leaving ? HOLM_LOG_PEER_CLOSED : HOLM_LOG_PEER_DOWN,
                     HOLM_LOG_VALUES(holm_log_text(peer->name)));
    if (!peer->renews)
        holm_roster_changed(roster, slot, HOLM_PEER_DOWN, lasted_us);
}

static void peer_down(struct holm_roster *roster, uint32_t slot, struct holm_now now)
{
    struct holm_roster_peer *peer = &roster->peers[slot];
    uint64_t lasted_us = now.monotonic_us - peer->changed_us;
    peer->up = false;
    peer->was_up = true;
    peer->changed_us = now.monotonic_us;
    struct holm_roster_action *action = holm_roster_push(roster, HOLM_ROSTER_DOWN);
    action->peer = slot;
    action->actor = peer->actor;
    note_down(roster, slot, lasted_us);
    peer->leaving = peer->suspect = false;
    if (peer->left)
        address_forget(roster, peer);
    for (size_t i = 0; i < roster->address_count; i++) {
        struct holm_roster_address *address = &roster->addresses[i];
        if (address->used && address->link == 0 && address->owned &&
            address->owner.value == peer->actor.node.value)
            holm_roster_address_retry(roster, address,
                                      lasted_us >= roster->config.redial_interval_us
                                          ? HOLM_RETRY_AT_ONCE
                                          : HOLM_RETRY_IN_TURN,
                                      now);
    }
}

static void peer_up(struct holm_roster *roster, uint32_t slot, struct holm_now now)
{
    struct holm_roster_peer *peer = &roster->peers[slot];
    struct holm_roster_action *action = holm_roster_push(roster, HOLM_ROSTER_UP);
    action->peer = slot;
    action->actor = peer->actor;
    if (peer->was_up)
        holm_roster_note(
            roster, HOLM_LOG_PEER_RETURNED,
            HOLM_LOG_VALUES(holm_log_text(peer->name),
                            holm_log_number((now.monotonic_us - peer->changed_us) / 1000)));
    else
        holm_roster_note(roster, HOLM_LOG_PEER_UP, HOLM_LOG_VALUES(holm_log_text(peer->name)));
    if (!peer->renews)
        holm_roster_changed(roster, slot, peer->was_up ? HOLM_PEER_UP : HOLM_PEER_JOINED,
                            peer->was_up ? now.monotonic_us - peer->changed_us : 0);
    peer->renews = false;
    peer->up = true;
    peer->heard_us = now.monotonic_us;
    peer->changed_us = now.monotonic_us;
    /* The connection below an old subscription may have died unnoticed: it only listens. */
    holm_roster_peer_leave(roster, peer);
}

/* Links have come or gone: is the peer up, and over which link? */
void holm_roster_peer_route(struct holm_roster *roster, uint32_t slot, struct holm_now now)
{
    struct holm_roster_peer *peer = &roster->peers[slot];
    struct holm_roster_link *best = best_link(roster, slot);
    uint64_t route = best == NULL ? 0 : best->id;
    if (route != peer->route) {
        peer->route = route;
        struct holm_roster_action *action = holm_roster_push(roster, HOLM_ROSTER_ROUTE);
        action->peer = slot;
        action->link.value = route;
    }
    if (best == NULL && peer->up)
        peer_down(roster, slot, now);
    else if (best != NULL && !peer->up)
        peer_up(roster, slot, now);
    else if (peer->renews && !holm_roster_is_linked(roster, slot)) {
        peer->renews = false;
        holm_roster_changed(roster, slot, HOLM_PEER_DOWN, 0);
    }
    if (best != NULL)
        redundant_mark(roster, slot, best, now);
    if (best != NULL && !is_tunnel(best) && peer->subscription.value == 0 &&
        peer->publisher[0] != '\0') {
        struct holm_roster_action *action = holm_roster_push(roster, HOLM_ROSTER_SUBSCRIBE);
        action->peer = slot;
        memcpy(action->text, peer->publisher, sizeof peer->publisher);
    }
}

void holm_roster_subscribed(struct holm_roster *roster, uint32_t peer,
                            struct holm_subscription_id subscription)
{
    roster->peers[peer].subscription = subscription;
}

/* ---- looking -------------------------------------------------------------------------------- */

uint32_t holm_roster_link_peer(struct holm_roster *roster, struct holm_link_id id, bool *proven)
{
    const struct holm_roster_link *link = holm_roster_link_find(roster, id.value);
    if (proven != NULL)
        *proven = link != NULL && link->state == HOLM_LINK_PROVEN;
    return link == NULL || link->peer == HOLM_ROSTER_NONE ? HOLM_PEER_NONE : link->peer;
}

bool holm_roster_link_node(struct holm_roster *roster, struct holm_link_id id,
                           struct holm_node_id *node)
{
    const struct holm_roster_link *link = holm_roster_link_find(roster, id.value);
    if (link != NULL && link->peer != HOLM_ROSTER_NONE) {
        *node = roster->peers[link->peer].actor.node;
        return true;
    }
    if (link == NULL || link->address == HOLM_ROSTER_NONE ||
        !roster->addresses[link->address].owned)
        return false;
    *node = roster->addresses[link->address].owner;
    return true;
}

uint32_t holm_roster_slot(const struct holm_roster *roster, struct holm_actor actor)
{
    for (uint32_t i = 0; i < roster->peer_count; i++) {
        if (roster->peers[i].up && holm_actor_equal(roster->peers[i].actor, actor))
            return i;
    }
    return HOLM_PEER_NONE;
}

uint32_t holm_roster_slots(const struct holm_roster *roster)
{
    return (uint32_t)roster->peer_count;
}

struct holm_node_id holm_roster_node(const struct holm_roster *roster, uint32_t peer)
{
    HOLM_ASSERT(peer < roster->peer_count);
    HOLM_ASSERT(roster->peers[peer].used || roster->peers[peer].actor.node.value == 0);
    return roster->peers[peer].actor.node;
}

uint64_t holm_roster_features(const struct holm_roster *roster, uint32_t peer)
{
    HOLM_ASSERT(peer < roster->peer_count);
    return roster->peers[peer].features;
}

void holm_roster_publisher(const struct holm_roster *roster, uint32_t peer, char *text)
{
    HOLM_ASSERT(peer < roster->peer_count);
    memcpy(text, roster->peers[peer].publisher, sizeof roster->peers[peer].publisher);
}

bool holm_roster_up(const struct holm_roster *roster, uint32_t peer)
{
    return peer < roster->peer_count && roster->peers[peer].up;
}

bool holm_roster_left(const struct holm_roster *roster, uint32_t peer)
{
    return peer < roster->peer_count && roster->peers[peer].left && !roster->peers[peer].up;
}

void holm_roster_name(const struct holm_roster *roster, struct holm_node_id node, char name[64])
{
    uint32_t slot = holm_roster_peer_find(roster, node);
    memset(name, 0, 64);
    if (slot != HOLM_ROSTER_NONE)
        memcpy(name, roster->peers[slot].name, sizeof roster->peers[slot].name);
}

void holm_roster_leave(struct holm_roster *roster)
{
    roster->leaving = true;
}

struct holm_link_id holm_roster_route(const struct holm_roster *roster, uint32_t peer)
{
    struct holm_link_id link = {peer < roster->peer_count ? roster->peers[peer].route : 0};
    return link;
}

bool holm_roster_met(const struct holm_roster *roster, uint32_t peer)
{
    return holm_roster_up(roster, peer) && !holm_tunnel_is_link(holm_roster_route(roster, peer));
}

struct holm_subscription_id holm_roster_subscription(const struct holm_roster *roster,
                                                     uint32_t peer)
{
    return roster->peers[peer].subscription;
}

uint32_t holm_roster_up_count(const struct holm_roster *roster)
{
    uint32_t count = 0;
    for (size_t i = 0; i < roster->peer_count; i++)
        count += roster->peers[i].up;
    return count;
}

struct holm_actor holm_roster_self(const struct holm_roster *roster)
{
    return roster->config.self;
}

static enum holm_liveness liveness(const struct holm_roster *roster, uint32_t slot,
                                   struct holm_now now)
{
    const struct holm_roster_peer *peer = &roster->peers[slot];
    if (!peer->up)
        return peer->left ? HOLM_LEFT : HOLM_DOWN;
    return now.monotonic_us < peer->heard_us + roster->config.link_timeout_us / 2 ? HOLM_UP
                                                                                  : HOLM_SUSPECT;
}

bool holm_roster_peer(const struct holm_roster *roster, uint32_t slot, struct holm_now now,
                      struct holm_peer *out)
{
    HOLM_ASSERT(slot < roster->peer_count);
    const struct holm_roster_peer *peer = &roster->peers[slot];
    if (!peer->used)
        return false;
    memset(out, 0, sizeof *out);
    out->node = peer->actor.node;
    out->epoch = peer->actor.epoch;
    out->liveness = liveness(roster, slot, now);
    memcpy(out->name, peer->name, sizeof peer->name);
    /* The longest address there may be is cut by one byte. */
    memcpy(out->address, peer->address, sizeof out->address - 1);
    out->round_trip_us = peer->round_trip_us;
    return true;
}

size_t holm_roster_peers(const struct holm_roster *roster, struct holm_now now,
                         struct holm_peer *peers, size_t capacity)
{
    size_t count = 0;
    for (uint32_t i = 0; i < roster->peer_count; i++) {
        if (count < capacity)
            count += holm_roster_peer(roster, i, now, &peers[count]);
        else
            count += roster->peers[i].used;
    }
    return count;
}

void holm_roster_check(const struct holm_roster *roster)
{
    for (uint32_t i = 0; i < roster->peer_count; i++) {
        const struct holm_roster_peer *peer = &roster->peers[i];
        bool reached = false;
        for (size_t j = 0; j < roster->link_count; j++)
            reached |= roster->links[j].peer == i && roster->links[j].state == HOLM_LINK_PROVEN &&
                       roster->links[j].id == peer->route;
        HOLM_ASSERT(peer->up == reached);
        HOLM_ASSERT(peer->up || peer->route == 0);
        HOLM_ASSERT(!peer->used || peer->actor.node.value != roster->config.self.node.value);
    }
    for (size_t j = 0; j < roster->link_count; j++) {
        const struct holm_roster_link *link = &roster->links[j];
        HOLM_ASSERT(link->address == HOLM_ROSTER_NONE ||
                    (roster->addresses[link->address].used &&
                     roster->addresses[link->address].link == link->id));
        HOLM_ASSERT(link->peer == HOLM_ROSTER_NONE || roster->peers[link->peer].used);
    }
}

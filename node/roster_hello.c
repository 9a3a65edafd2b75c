/* SPDX-License-Identifier: Apache-2.0 */
#include "node/address.h"
#include "node/roster_state.h"
#include "node/tunnels.h"

/* Each Hello that wants an answer is answered with all that is known of others. On one link it gets so many at once, and so many in
 * a redial interval; one that is not proven yet is greeted 4 times in that. */
#define HELLOS_AT_ONCE 64
#define HELLOS_IN_INTERVAL 8

/* Far above any clock: such an epoch is an attack, or a fault, and cannot be outdone for long. */
#define EPOCH_PLAUSIBLE_MAX (UINT64_MAX - (UINT64_C(1) << 32))

/* ---- epochs of this node -------------------------------------------------------------------- */

static uint64_t epoch_above(struct holm_roster *roster, uint64_t above, struct holm_now now)
{
    uint64_t fresh = now.wall_ms << 16 | (holm_random_next(&roster->random) & 0xffff);
    if (fresh > above)
        return fresh;
    /* Two nodes of one id that hear of each other must not meet again at the next number. */
    return above + 1 + (holm_random_next(&roster->random) & 0xffff);
}

/*
 * Somebody told of an epoch of this very id. An equal one may have written our dots: gone at once.
 * A higher one makes ours look ended: gone, too, but not in a race with a twin that does the same.
 */
void holm_roster_raise(struct holm_roster *roster, uint64_t above, bool at_once,
                       struct holm_now now)
{
    if (above > EPOCH_PLAUSIBLE_MAX || roster->leaving)
        return;
    if (above == roster->config.self.epoch.value)
        roster->burnt = above;
    if (!at_once && holm_roster_twin_stays(roster, above)) {
        roster->raise_above = 0;
        holm_roster_twin_heard(roster, above, true, now);
        return;
    }
    if (above > roster->raise_above)
        roster->raise_above = above;
    if (!at_once && now.monotonic_us < roster->raise_us) {
        holm_roster_due(roster, roster->raise_us);
        return;
    }
    if (roster->raise_above < roster->config.self.epoch.value) {
        roster->raise_above = 0;
        return;
    }
    holm_roster_twin_raised(roster, roster->config.self.epoch.value, roster->raise_above);
    roster->config.self.epoch.value = epoch_above(roster, roster->raise_above, now);
    roster->raise_above = 0;
    roster->raise_us = now.monotonic_us + roster->raise_wait_us;
    if (roster->raise_wait_us < 64 * roster->config.redial_interval_us)
        roster->raise_wait_us *= 2;
    holm_roster_push(roster, HOLM_ROSTER_EPOCH)->actor = roster->config.self;
    holm_roster_note(roster, HOLM_LOG_EPOCH_RAISED,
                     HOLM_LOG_VALUES(holm_log_hex(roster->config.self.epoch.value)));
    for (size_t i = 0; i < roster->link_count; i++) {
        struct holm_roster_link *link = &roster->links[i];
        if (link->peer != HOLM_ROSTER_NONE && link->state != HOLM_LINK_REFUSED)
            holm_roster_greet(roster, link, true, HOLM_TELL_NONE, now);
    }
}

void holm_roster_epoch(struct holm_roster *roster, struct holm_epoch least, struct holm_now now)
{
    uint64_t present = roster->config.self.epoch.value;
    HOLM_ASSERT(least.value > 0);
    holm_roster_raise(roster, least.value - 1 > present ? least.value - 1 : present, true, now);
}

void holm_roster_twin(struct holm_roster *roster, struct holm_epoch epoch, struct holm_now now)
{
    if (epoch.value < roster->config.self.epoch.value)
        return;
    if (roster->raise_above < epoch.value)
        holm_roster_note(roster, HOLM_LOG_TWIN_WRITES, HOLM_LOG_NOTHING);
    holm_roster_raise(roster, epoch.value, false, now);
}

/* ---- strangers ------------------------------------------------------------------------------ */

static bool refused_before(struct holm_roster *roster, uint64_t whom)
{
    for (size_t i = 0; i < HOLM_ROSTER_REFUSALS; i++) {
        if (roster->refused[i] == whom)
            return true;
    }
    roster->refused[roster->refused_next++ % HOLM_ROSTER_REFUSALS] = whom;
    return false;
}

/* The link is kept a while, so that what was said on it arrives. One that a peer was reached over
 * does not reach it any more. */
static void turn_away(struct holm_roster *roster, struct holm_roster_link *link,
                      struct holm_now now)
{
    link->state = HOLM_LINK_REFUSED;
    link->close_us = now.monotonic_us + roster->config.redial_interval_us / 2;
    holm_roster_due(roster, link->close_us);
    if (link->peer != HOLM_ROSTER_NONE)
        holm_roster_peer_route(roster, link->peer, now);
}

/* It is told who we are, so that its operator learns as well; then the link is closed. */
static void refuse(struct holm_roster *roster, struct holm_roster_link *link,
                   const struct holm_hello *hello, const char *why, struct holm_now now)
{
    if (!refused_before(roster, hello->nonce))
        holm_roster_note(roster, HOLM_LOG_PEER_REFUSED,
                         HOLM_LOG_VALUES(holm_log_text(link->accepted ? "caller" : "peer"),
                                         holm_log_bytes(hello->self.name), holm_log_text(why)));
    holm_roster_greet(roster, link, false, HOLM_TELL_NONE, now);
    if (link->address != HOLM_ROSTER_NONE) {
        struct holm_roster_address *address = &roster->addresses[link->address];
        address->refusals += address->refusals < 6;
    }
    turn_away(roster, link, now);
}

static const char *objection(const struct holm_roster *roster, const struct holm_hello *hello)
{
    if (!holm_bytes_equal(hello->cluster, holm_str(roster->cluster)))
        return "it is of another cluster";
    if (hello->version != HOLM_WIRE_VERSION)
        return "it speaks another wire version";
    if (hello->partitions != roster->config.partitions)
        return "it counts its partitions differently";
    if (((hello->features & HOLM_FEATURE_STABLE) != 0) != roster->config.stable)
        return "its retention is another";
    if (hello->self.actor.epoch.value > EPOCH_PLAUSIBLE_MAX)
        return "its epoch is beyond any clock";
    return NULL;
}

static void meet_own_id(struct holm_roster *roster, struct holm_roster_link *link,
                        const struct holm_hello *hello, struct holm_now now)
{
    if (hello->nonce == roster->config.nonce && link->address != HOLM_ROSTER_NONE) {
        roster->addresses[link->address].self = true;
        holm_roster_link_shut(roster, link->id, now);
        return;
    }
    if (hello->nonce == roster->config.nonce) {
        /* The accepted end of a dial to oneself: it answers, and the dialled end understands. */
        holm_roster_greet(roster, link, false, HOLM_TELL_NONE, now);
        turn_away(roster, link, now);
        return;
    }
    uint64_t theirs = hello->self.actor.epoch.value;
    holm_roster_twin_heard(roster, theirs, true, now);
    if (theirs >= roster->config.self.epoch.value)
        holm_roster_raise(roster, theirs, theirs == roster->config.self.epoch.value, now);
    refuse(roster, link, hello, "its id is this node's", now);
}

/* ---- members -------------------------------------------------------------------------------- */

static void name_set(struct holm_roster_peer *peer, struct holm_bytes name)
{
    size_t size = name.size < HOLM_NAME_BYTES_MAX ? name.size : HOLM_NAME_BYTES_MAX;
    memset(peer->name, 0, sizeof peer->name);
    for (size_t i = 0; i < size; i++) {
        char byte = ((const char *)name.data)[i];
        peer->name[i] = byte >= 0 && byte < 32 ? '?' : byte;
    }
}

/* Under an epoch above that which has left, if it has. */
static void lives_again(struct holm_roster_peer *peer)
{
    peer->was_up = peer->was_up && !peer->left;
    peer->left = false;
}

static void epoch_set(struct holm_roster *roster, struct holm_roster_peer *peer, uint64_t epoch)
{
    if (epoch > peer->told)
        lives_again(peer);
    peer->actor.epoch.value = epoch;
    peer->nonce = 0; /* its own word on this life has not come yet */
    if (peer->told < epoch)
        peer->told = epoch;
    holm_roster_push(roster, HOLM_ROSTER_SUPERSEDED)->actor = peer->actor;
}

/* One of us has not heard that it has left under this epoch. */
static void left_learn(struct holm_roster *roster, uint32_t slot, const struct holm_member *member,
                       struct holm_now now)
{
    if (member->left)
        holm_roster_peer_left(roster, slot, now);
    else
        holm_roster_news(roster, &roster->peers[slot], now);
}

static void member_learn(struct holm_roster *roster, const struct holm_member *member,
                         struct holm_now now)
{
    /* Passed on, it would lock that node out everywhere. */
    if (member->actor.epoch.value > EPOCH_PLAUSIBLE_MAX)
        return;
    if (member->actor.node.value == roster->config.self.node.value) {
        holm_roster_twin_heard(roster, member->actor.epoch.value, false, now);
        if (member->actor.epoch.value > roster->config.self.epoch.value)
            holm_roster_raise(roster, member->actor.epoch.value, false, now);
        else if (member->left && member->actor.epoch.value == roster->config.self.epoch.value)
            holm_roster_raise(roster, member->actor.epoch.value, true, now);
        return;
    }
    uint32_t slot = holm_roster_peer_find(roster, member->actor.node);
    bool added = slot == HOLM_ROSTER_NONE;
    if (added && (member->left || holm_roster_rumour_is_worn(roster, member->actor)))
        return;
    if (added)
        slot = holm_roster_peer_add(roster, member->actor, false, now);
    if (slot == HOLM_ROSTER_NONE || holm_roster_reserve(roster) != HOLM_OK)
        return;
    struct holm_roster_peer *peer = &roster->peers[slot];
    uint64_t epoch = member->actor.epoch.value;
    if (!added && epoch == peer->told && member->left != peer->left)
        left_learn(roster, slot, member, now);
    if (!added && epoch <= peer->told)
        return;
    lives_again(peer);
    /* Of a peer that is up only its own word counts; the rumour is passed on, to it as well. */
    peer->told = epoch;
    if (!peer->up && !peer->was_up)
        peer->changed_us = now.monotonic_us; /* another life, to be waited for anew */
    if (!peer->up && !(roster->twin_slots && holm_roster_is_linked(roster, slot))) {
        epoch_set(roster, peer, epoch);
        name_set(peer, member->name);
        holm_roster_address_learn(roster, peer, member->address, now);
    }
    holm_roster_news(roster, peer, now);
    if (member->left)
        holm_roster_peer_left(roster, slot, now);
}

/* ---- the handshake -------------------------------------------------------------------------- */

/* What was open to the peer's former life is of no use any more. */
static void links_end(struct holm_roster *roster, uint32_t slot, uint64_t but, struct holm_now now)
{
    for (size_t i = roster->link_count; i-- > 0;) {
        struct holm_roster_link *link = &roster->links[i];
        if (link->peer == slot && link->id != but && link->state != HOLM_LINK_REFUSED)
            holm_roster_link_shut(roster, link->id, now);
    }
}

static void new_life(struct holm_roster *roster, uint32_t slot, uint64_t link_id, uint64_t epoch,
                     struct holm_now now)
{
    struct holm_roster_peer *peer = &roster->peers[slot];
    links_end(roster, slot, link_id, now);
    struct holm_roster_link *link = holm_roster_link_find(roster, link_id);
    if (peer->up) {
        /* It raised its epoch on this very link: it goes down as what it was and comes back. */
        link->state = HOLM_LINK_OPEN;
        peer->renews = true;
        holm_roster_peer_route(roster, slot, now);
    }
    epoch_set(roster, peer, epoch);
    holm_roster_news(roster, peer, now);
}

/* An address of the peer, as it can be dialled; `room` is for the result. */
static struct holm_bytes reachable(const struct holm_roster_link *link, struct holm_bytes address,
                                   char room[HOLM_ADDRESS_BYTES_MAX + 1])
{
    if (!holm_address_is_wildcard(address))
        return address;
    holm_address_with_host(room, address, link->host);
    return holm_str(room);
}

static void peer_describe(struct holm_roster *roster, const struct holm_roster_link *link,
                          const struct holm_hello *hello, struct holm_now now)
{
    char room[2][HOLM_ADDRESS_BYTES_MAX + 1];
    struct holm_roster_peer *peer = &roster->peers[link->peer];
    struct holm_bytes address = reachable(link, hello->self.address, room[0]);
    struct holm_bytes publisher = reachable(link, hello->publisher, room[1]);
    name_set(peer, hello->self.name);
    peer->features = hello->features;
    if (!holm_bytes_equal(address, holm_str(peer->address))) {
        holm_roster_address_learn(roster, peer, address, now);
        holm_roster_news(roster, peer, now);
    }
    if (publisher.size > HOLM_ADDRESS_BYTES_MAX ||
        holm_bytes_equal(publisher, holm_str(peer->publisher)))
        return;
    holm_roster_peer_leave(roster, peer);
    memset(peer->publisher, 0, sizeof peer->publisher);
    if (publisher.size > 0)
        memcpy(peer->publisher, publisher.data, publisher.size);
}

/* Which peer says this Hello, or NONE when nothing more is to be done about it. */
static uint32_t peer_meet(struct holm_roster *roster, uint64_t link_id,
                          const struct holm_hello *hello, struct holm_now now)
{
    struct holm_actor actor = hello->self.actor;
    char room[HOLM_ADDRESS_BYTES_MAX + 1];
    struct holm_roster_link *link = holm_roster_link_find(roster, link_id);
    uint32_t slot = holm_roster_twin_slot(roster, hello,
                                          reachable(link, hello->self.address, room));
    bool insists = holm_roster_twin_says(hello);
    if (link->peer != HOLM_ROSTER_NONE && link->peer != slot &&
        (!insists || link->state == HOLM_LINK_PROVEN)) {
        holm_roster_link_drop(roster, (struct holm_link_id){link_id}, "it changed its id", now);
        return HOLM_ROSTER_NONE;
    }
    if (slot == HOLM_ROSTER_NONE) {
        slot = holm_roster_peer_add(roster, actor, true, now);
        if (slot == HOLM_ROSTER_NONE || holm_roster_reserve(roster) != HOLM_OK) {
            refuse(roster, link, hello, "there are as many peers as allowed", now);
            return HOLM_ROSTER_NONE;
        }
        roster->peers[slot].told = 0;
        roster->peers[slot].actor.epoch.value = 0;
    }
    struct holm_roster_peer *peer = &roster->peers[slot];
    uint64_t epoch = actor.epoch.value;
    if (insists && !roster->twin_slots) {
        roster->twin_slots = true;
        roster->twin_slots_us = now.monotonic_us + roster->config.link_timeout_us;
        holm_roster_due(roster, roster->twin_slots_us);
    }
    bool twin = peer->nonce != 0 && peer->nonce != hello->nonce && epoch == peer->actor.epoch.value;
    if (twin) {
        /* Two lives under one epoch: it is burnt, and both are told to take another. */
        roster->twins++;
        if (!refused_before(roster, hello->nonce))
            holm_roster_note(roster, HOLM_LOG_TWIN_PEER,
                             HOLM_LOG_VALUES(holm_log_text(peer->name)));
        peer->told = epoch + 1;
        holm_roster_news(roster, peer, now);
    }
    link->peer = slot;
    if (insists && epoch < peer->told)
        peer->told = epoch; /* that is the other's */
    if (epoch < peer->told || (epoch == peer->told && peer->left && !peer->up)) {
        /* Our member list tells it to take a higher one; until then it is nobody. It answers each
         * Hello, so that ours must not answer each of its. */
        if (link->greeted_us == 0 ||
            now.monotonic_us - link->greeted_us >= roster->config.redial_interval_us / 4)
            holm_roster_greet(roster, link, false, HOLM_TELL_ALL, now);
        return HOLM_ROSTER_NONE;
    }
    if (epoch != peer->actor.epoch.value)
        new_life(roster, slot, link_id, epoch, now);
    peer->nonce = hello->nonce;
    return slot;
}

/* A second dial to a peer that is reached already, by another address or at the same moment as it
 * dialled us: given up by its dialler, before anything has come to depend on it. */
static bool surplus(struct holm_roster *roster, const struct holm_roster_link *link)
{
    const struct holm_roster_peer *peer = &roster->peers[link->peer];
    if (link->state == HOLM_LINK_PROVEN || link->accepted || !peer->up)
        return false;
    if (!holm_roster_met(roster, link->peer))
        return holm_tunnel_is_link((struct holm_link_id){link->id});
    const struct holm_roster_link *route = holm_roster_link_find(roster, peer->route);
    bool mine_wins = roster->config.self.node.value < peer->actor.node.value;
    return !route->accepted || !mine_wins;
}

static void own_address(struct holm_roster *roster, const struct holm_roster_link *link,
                        struct holm_node_id node, struct holm_now now)
{
    if (link->address == HOLM_ROSTER_NONE)
        return;
    struct holm_roster_address *address = &roster->addresses[link->address];
    address->owned = true;
    address->owner = node;
    address->self = false;
    address->answered = true;
    address->met_us = now.monotonic_us;
    address->refusals = 0;
}

static bool greets_too_often(struct holm_roster *roster, struct holm_roster_link *link,
                             struct holm_now now)
{
    uint64_t interval_us = roster->config.redial_interval_us / HELLOS_IN_INTERVAL + 1;
    uint64_t from_us = link->hellos_us > now.monotonic_us ? link->hellos_us : now.monotonic_us;
    if (from_us - now.monotonic_us >= HELLOS_AT_ONCE * interval_us)
        return true;
    link->hellos_us = from_us + interval_us;
    return false;
}

uint64_t holm_roster_hellos_limited(const struct holm_roster *roster)
{
    return roster->hellos_limited;
}

void holm_roster_hello(struct holm_roster *roster, struct holm_link_id id,
                       const struct holm_hello *hello, struct holm_now now)
{
    struct holm_roster_link *link = holm_roster_link_find(roster, id.value);
    if (link == NULL || link->state == HOLM_LINK_REFUSED || link->state == HOLM_LINK_DIALLING ||
        roster->leaving)
        return;
    if (!hello->answer && greets_too_often(roster, link, now)) {
        roster->hellos_limited++;
        holm_roster_link_drop(roster, id, "it greets without end", now);
        return;
    }
    const char *why = objection(roster, hello);
    if (why != NULL) {
        refuse(roster, link, hello, why, now);
        return;
    }
    struct holm_actor self = roster->config.self;
    if (hello->self.actor.node.value == self.node.value) {
        meet_own_id(roster, link, hello, now);
        return;
    }
    uint32_t slot = peer_meet(roster, id.value, hello, now);
    for (size_t i = 0; i < hello->member_count; i++)
        member_learn(roster, &hello->members[i], now);
    if (slot == HOLM_ROSTER_NONE)
        return;
    link = holm_roster_link_find(roster, id.value);
    own_address(roster, link, hello->self.actor.node, now);
    peer_describe(roster, link, hello, now);
    if (surplus(roster, link)) {
        holm_roster_link_shut(roster, id.value, now);
        return;
    }
    bool first = hello->answer && hello->heard.node.value == self.node.value &&
                 link->state == HOLM_LINK_OPEN;
    if (first) {
        link->state = HOLM_LINK_PROVEN;
        link->proven_us = now.monotonic_us;
        holm_roster_due(roster, now.monotonic_us);
    }
    if (!hello->answer || (first && !link->answered))
        holm_roster_greet(roster, link, true, HOLM_TELL_ALL, now);
    holm_roster_peer_route(roster, slot, now);
}

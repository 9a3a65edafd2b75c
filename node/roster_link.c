/* SPDX-License-Identifier: Apache-2.0 */
#include "node/roster_state.h"
#include "node/tunnels.h"

#define UNTRUSTED_INTERVAL_US UINT64_C(60000000)

struct holm_roster_link *holm_roster_link_find(struct holm_roster *roster, uint64_t id)
{
    if (roster->link_last < roster->link_count && roster->links[roster->link_last].id == id)
        return &roster->links[roster->link_last];
    for (size_t i = 0; i < roster->link_count; i++) {
        if (roster->links[i].id == id) {
            roster->link_last = i;
            return &roster->links[i];
        }
    }
    return NULL;
}

static struct holm_roster_link *link_add(struct holm_roster *roster, uint64_t id,
                                         struct holm_now now)
{
    if (holm_array_reserve(&roster->config.allocator, (void **)&roster->links,
                           &roster->link_capacity, sizeof *roster->links,
                           roster->link_count + 1) != HOLM_OK ||
        holm_roster_reserve(roster) != HOLM_OK)
        return NULL;
    struct holm_roster_link *link = &roster->links[roster->link_count++];
    memset(link, 0, sizeof *link);
    link->id = id;
    link->address = HOLM_ROSTER_NONE;
    link->peer = HOLM_ROSTER_NONE;
    link->opened_us = link->heard_us = now.monotonic_us;
    link->close_us = HOLM_NEVER;
    roster->due_us = 0;
    return link;
}

/* A link that lasted is dialled again at once; one that did not waits its turn, or two nodes that
 * keep refusing each other would keep both busy. */
static bool lasted(const struct holm_roster *roster, const struct holm_roster_link *link,
                   struct holm_now now)
{
    return link->state == HOLM_LINK_PROVEN &&
           now.monotonic_us - link->proven_us >= roster->config.redial_interval_us;
}

void holm_roster_link_remove(struct holm_roster *roster, uint64_t id, struct holm_now now)
{
    struct holm_roster_link *found = holm_roster_link_find(roster, id);
    if (found == NULL)
        return;
    struct holm_roster_link link = *found;
    *found = roster->links[--roster->link_count];
    if (link.address != HOLM_ROSTER_NONE) {
        struct holm_roster_address *address = &roster->addresses[link.address];
        address->link = 0;
        if (link.state == HOLM_LINK_PROVEN)
            address->met_us = now.monotonic_us;
        address->used = !address->stale;
        holm_roster_address_retry(
            roster, address, lasted(roster, &link, now) ? HOLM_RETRY_AT_ONCE : HOLM_RETRY_IN_TURN,
            now);
    }
    if (link.peer != HOLM_ROSTER_NONE)
        holm_roster_peer_route(roster, link.peer, now);
}

void holm_roster_link_shut(struct holm_roster *roster, uint64_t id, struct holm_now now)
{
    holm_roster_push(roster, HOLM_ROSTER_CLOSE)->link.value = id;
    holm_roster_link_remove(roster, id, now);
}

void holm_roster_greet(struct holm_roster *roster, struct holm_roster_link *link, bool answer,
                       enum holm_roster_tell tell, struct holm_now now)
{
    struct holm_roster_action *action = holm_roster_push(roster, HOLM_ROSTER_HELLO);
    action->link.value = link->id;
    action->answer = answer && link->peer != HOLM_ROSTER_NONE;
    action->tell = tell;
    if (action->answer) {
        action->actor = roster->peers[link->peer].actor;
        link->answered = true;
    }
    link->greeted_us = now.monotonic_us;
}

void holm_roster_dialled(struct holm_roster *roster, uint32_t entry, struct holm_link_id id,
                         struct holm_now now)
{
    struct holm_roster_address *address = &roster->addresses[entry];
    struct holm_roster_link *link = id.value == 0 ? NULL : link_add(roster, id.value, now);
    if (link == NULL) {
        if (id.value != 0)
            holm_roster_push(roster, HOLM_ROSTER_CLOSE)->link = id;
        address->link = 0;
        holm_roster_address_retry(roster, address, HOLM_RETRY_LATER, now);
        return;
    }
    link->state = HOLM_LINK_DIALLING;
    link->address = entry;
    address->link = id.value;
}

void holm_roster_link_up(struct holm_roster *roster, struct holm_link_id id, bool accepted,
                         const char *host, struct holm_now now)
{
    struct holm_roster_link *link = holm_roster_link_find(roster, id.value);
    if ((accepted || holm_tunnel_is_link(id)) && link == NULL && !roster->leaving)
        link = link_add(roster, id.value, now);
    if (link == NULL) {
        holm_roster_push(roster, HOLM_ROSTER_CLOSE)->link = id;
        return;
    }
    if (roster->leaving) {
        holm_roster_link_shut(roster, id.value, now);
        return;
    }
    link->state = HOLM_LINK_OPEN;
    link->accepted = accepted;
    memcpy(link->host, host, strnlen(host, sizeof link->host - 1));
    link->opened_us = link->heard_us = now.monotonic_us;
    roster->due_us = 0;
    if (!accepted)
        holm_roster_greet(roster, link, false, HOLM_TELL_ALL, now);
}

void holm_roster_link_closed(struct holm_roster *roster, struct holm_link_id id,
                             struct holm_now now)
{
    holm_roster_link_remove(roster, id.value, now);
}

void holm_roster_link_untrusted(struct holm_roster *roster, struct holm_link_id id,
                                struct holm_now now)
{
    const struct holm_roster_link *link = holm_roster_link_find(roster, id.value);
    roster->untrusted++;
    if (link == NULL || (roster->untrusted_told_us != 0 &&
                         now.monotonic_us - roster->untrusted_told_us < UNTRUSTED_INTERVAL_US))
        return;
    bool dialled = link->address != HOLM_ROSTER_NONE;
    const char *address = dialled ? roster->addresses[link->address].text : link->host;
    holm_roster_note(roster, HOLM_LOG_PEER_UNTRUSTED,
                     HOLM_LOG_VALUES(holm_log_text(dialled ? "peer at" : "caller from"),
                                     holm_log_text(address), holm_log_number(roster->untrusted)));
    roster->untrusted = 0;
    roster->untrusted_told_us = now.monotonic_us;
}

void holm_roster_link_drop(struct holm_roster *roster, struct holm_link_id id, const char *why,
                           struct holm_now now)
{
    struct holm_roster_link *link = holm_roster_link_find(roster, id.value);
    if (link == NULL)
        return;
    const char *name = link->peer == HOLM_ROSTER_NONE ? "a stranger"
                                                      : roster->peers[link->peer].name;
    holm_roster_note(roster, HOLM_LOG_LINK_DROPPED,
                     HOLM_LOG_VALUES(holm_log_text(name), holm_log_text(why)));
    holm_roster_link_shut(roster, id.value, now);
}

void holm_roster_heard(struct holm_roster *roster, struct holm_link_id id, struct holm_now now)
{
    struct holm_roster_link *link = holm_roster_link_find(roster, id.value);
    if (link == NULL)
        return;
    link->heard_us = now.monotonic_us;
    if (link->peer != HOLM_ROSTER_NONE)
        holm_roster_peer_heard(roster, link->peer, now);
}

void holm_roster_pong(struct holm_roster *roster, struct holm_link_id id, uint64_t token,
                      struct holm_now now)
{
    struct holm_roster_link *link = holm_roster_link_find(roster, id.value);
    if (link == NULL || link->token != token || token == 0)
        return;
    link->round_trip_us = now.monotonic_us - link->pinged_us;
    link->token = 0;
    if (link->peer != HOLM_ROSTER_NONE)
        roster->peers[link->peer].round_trip_us = link->round_trip_us;
}

void holm_roster_goodbye(struct holm_roster *roster, struct holm_link_id id, bool left,
                         struct holm_now now)
{
    struct holm_roster_link *link = holm_roster_link_find(roster, id.value);
    if (link == NULL || link->peer == HOLM_ROSTER_NONE)
        return;
    uint32_t slot = link->peer;
    roster->peers[slot].leaving = true;
    if (left)
        holm_roster_peer_left(roster, slot, now);
    holm_roster_peer_leave(roster, &roster->peers[slot]);
    memset(roster->peers[slot].publisher, 0, sizeof roster->peers[slot].publisher);
    for (size_t i = roster->link_count; i-- > 0;) {
        if (roster->links[i].peer == slot)
            holm_roster_link_shut(roster, roster->links[i].id, now);
    }
    /* It closes on purpose: it will not be back within the next moments. */
    for (size_t i = 0; i < roster->address_count; i++) {
        struct holm_roster_address *address = &roster->addresses[i];
        if (address->used && address->owned &&
            address->owner.value == roster->peers[slot].actor.node.value && address->link == 0)
            holm_roster_address_retry(roster, address, HOLM_RETRY_LATER, now);
    }
}

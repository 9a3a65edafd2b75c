/* SPDX-License-Identifier: Apache-2.0 */
#include "node/address.h"
#include "node/roster_state.h"
#include "node/tunnels.h"

#define DIAL_PENDING UINT64_MAX
#define SELF_SHIFT 6

/* Counted apart: what peers make up takes no place away from what the operator gives, and names none from seeds. */
static int kind_of(bool seed, uint32_t names)
{
    return seed ? 2 : names != 0 ? 1 : 0;
}

enum holm_status holm_roster_address_add(struct holm_roster *roster, struct holm_bytes text,
                                         bool seed, uint32_t names, uint32_t *entry)
{
    uint32_t place = HOLM_ROSTER_NONE;
    size_t alike = 0;
    for (size_t i = 0; i < roster->address_count; i++) {
        struct holm_roster_address *address = &roster->addresses[i];
        if (!address->used) {
            place = (uint32_t)i;
        } else if (holm_bytes_equal(holm_str(address->text), text)) {
            address->seed |= seed;
            address->names |= names;
            address->stale = false;
            *entry = (uint32_t)i;
            return HOLM_OK;
        } else {
            alike += kind_of(address->seed, address->names) == kind_of(seed, names);
        }
    }
    if (alike >= 2 * (size_t)roster->config.peers_max + 16)
        return HOLM_ELIMIT;
    if (place == HOLM_ROSTER_NONE) {
        if (holm_array_reserve(&roster->config.allocator, (void **)&roster->addresses,
                               &roster->address_capacity, sizeof *roster->addresses,
                               roster->address_count + 1) != HOLM_OK)
            return HOLM_ENOMEM;
        place = (uint32_t)roster->address_count++;
        roster->addresses[place].used = false;
        if (holm_roster_reserve(roster) != HOLM_OK)
            return HOLM_ENOMEM;
    }
    struct holm_roster_address *address = &roster->addresses[place];
    memset(address, 0, sizeof *address);
    address->used = true;
    address->seed = seed;
    address->names = names;
    memcpy(address->text, text.data, text.size);
    *entry = place;
    return HOLM_OK;
}

enum holm_status holm_roster_join(struct holm_roster *roster, const char *text)
{
    struct holm_bytes bytes = holm_str(text);
    if (bytes.size == 0 || bytes.size > HOLM_ADDRESS_BYTES_MAX)
        return HOLM_EADDRESS;
    uint32_t entry;
    enum holm_status status = holm_roster_address_add(roster, bytes, true, 0, &entry);
    if (status == HOLM_OK)
        roster->due_us = 0;
    return status;
}

void holm_roster_address_drop(struct holm_roster *roster, const struct holm_roster_peer *peer)
{
    for (size_t i = 0; i < roster->address_count; i++) {
        struct holm_roster_address *address = &roster->addresses[i];
        if (!address->used || address->seed || address->names != 0 || !address->owned ||
            address->owner.value != peer->actor.node.value)
            continue;
        address->used = address->link != 0;
        address->stale = true;
    }
}

/* The peer says where it can be dialled: that replaces what it said before. */
void holm_roster_address_learn(struct holm_roster *roster, struct holm_roster_peer *peer,
                               struct holm_bytes text, struct holm_now now)
{
    if (text.size > HOLM_ADDRESS_BYTES_MAX || holm_address_is_wildcard(text) ||
        (text.size > 0 && memchr(text.data, '\0', text.size) != NULL) ||
        holm_bytes_equal(text, holm_str(peer->address)))
        return;
    if (peer->address[0] != '\0')
        holm_roster_address_drop(roster, peer);
    memset(peer->address, 0, sizeof peer->address);
    if (text.size > 0)
        memcpy(peer->address, text.data, text.size);
    if (text.size == 0 || holm_bytes_equal(text, holm_str(roster->address)))
        return;
    uint32_t entry;
    if (holm_roster_address_add(roster, text, false, 0, &entry) != HOLM_OK)
        return;
    struct holm_roster_address *address = &roster->addresses[entry];
    if (!address->owned) {
        address->owned = true;
        address->owner = peer->actor.node;
        address->due_us = now.monotonic_us +
                          holm_random_between(&roster->random, 0,
                                              roster->config.redial_interval_us / 50);
    }
    roster->due_us = 0;
}

static bool is_silent(const struct holm_roster_address *address)
{
    return address->used && !address->seed && !address->answered &&
           address->silences > HOLM_ROSTER_TRIES;
}

/* How many usual pauses to make before the next dial. */
static uint64_t patience(const struct holm_roster *roster,
                         const struct holm_roster_address *address)
{
    if (address->self)
        return 1u << SELF_SHIFT;
    uint64_t pauses = 1u << address->refusals;
    if (is_silent(address)) {
        uint64_t grown = UINT64_C(1) << (address->silences - HOLM_ROSTER_TRIES);
        uint64_t most = 1 + roster->silent / HOLM_ROSTER_SILENT_DIALS;
        grown = grown < most ? grown : most;
        pauses = pauses > grown ? pauses : grown;
    }
    return pauses;
}

void holm_roster_address_retry(struct holm_roster *roster, struct holm_roster_address *address,
                               enum holm_roster_retry retry, struct holm_now now)
{
    uint64_t interval = roster->config.redial_interval_us;
    uint64_t base_us = now.monotonic_us;
    uint64_t wait_us = holm_random_between(&roster->random, interval / 2, interval * 3 / 2);
    if (retry == HOLM_RETRY_AT_ONCE)
        wait_us = holm_random_between(&roster->random, 0, interval / 100);
    else if (retry == HOLM_RETRY_IN_TURN)
        base_us = address->dialled_us;
    wait_us *= patience(roster, address);
    address->due_us = base_us + wait_us;
    if (address->due_us < now.monotonic_us)
        address->due_us = now.monotonic_us;
    holm_roster_due(roster, address->due_us);
}

/* Of two owners of one id each is dialled where it says that it can be. */
static bool is_met_here(const struct holm_roster *roster, const struct holm_roster_address *address)
{
    for (size_t i = 0; i < roster->peer_count; i++) {
        const struct holm_roster_peer *peer = &roster->peers[i];
        if (peer->up && peer->actor.node.value == address->owner.value &&
            strcmp(peer->address, address->text) == 0)
            return true;
    }
    return false;
}

/* Whether the owner is up, or just shaking hands over a link that it dialled. */
static bool owner_is_met(const struct holm_roster *roster,
                         const struct holm_roster_address *address)
{
    if (!address->owned)
        return false;
    uint32_t slot = holm_roster_peer_find(roster, address->owner);
    if (slot == HOLM_ROSTER_NONE)
        return false;
    if (holm_roster_twin_shares(roster, slot))
        return is_met_here(roster, address);
    if (holm_roster_met(roster, slot))
        return true;
    for (size_t i = 0; i < roster->link_count; i++) {
        if (roster->links[i].peer == slot && roster->links[i].accepted &&
            !holm_tunnel_is_link((struct holm_link_id){roster->links[i].id}))
            return true;
    }
    return false;
}

uint64_t holm_roster_address_tick(struct holm_roster *roster, struct holm_now now)
{
    uint64_t due = HOLM_NEVER;
    if (roster->leaving)
        return due;
    roster->silent = 0;
    for (size_t i = 0; i < roster->address_count; i++)
        roster->silent += is_silent(&roster->addresses[i]);
    for (size_t i = 0; i < roster->address_count; i++) {
        struct holm_roster_address *address = &roster->addresses[i];
        if (!address->used || address->link != 0)
            continue;
        if (address->due_us <= now.monotonic_us && owner_is_met(roster, address)) {
            address->met_us = now.monotonic_us;
            holm_roster_address_retry(roster, address, HOLM_RETRY_LATER, now);
        }
        if (address->due_us > now.monotonic_us) {
            due = address->due_us < due ? address->due_us : due;
            continue;
        }
        if (address->answered && now.monotonic_us - address->met_us >= HOLM_ROSTER_LONG_US) {
            address->answered = false;
            address->silences = 0;
        }
        address->link = DIAL_PENDING;
        address->silences += address->silences < HOLM_ROSTER_SILENCES_MAX;
        address->dialled_us = now.monotonic_us;
        struct holm_roster_action *action = holm_roster_push(roster, HOLM_ROSTER_DIAL);
        action->entry = (uint32_t)i;
        memcpy(action->text, address->text, sizeof address->text);
    }
    return due;
}

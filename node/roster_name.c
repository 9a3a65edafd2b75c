/* SPDX-License-Identifier: Apache-2.0 */
#include "node/roster_state.h"

static bool stands_for(const struct holm_roster_named *named, const char *text)
{
    for (size_t i = 0; i < named->count; i++)
        if (strcmp(named->texts[i].bytes, text) == 0)
            return true;
    return false;
}

/* Whether somebody who has not left says that it is dialled there. */
static bool is_told_of(const struct holm_roster *roster, const char *text)
{
    for (size_t i = 0; i < roster->peer_count; i++) {
        const struct holm_roster_peer *peer = &roster->peers[i];
        if (peer->used && !peer->left && strcmp(peer->address, text) == 0)
            return true;
    }
    return false;
}

/* The name does not stand for it any more. */
static void forsake(struct holm_roster *roster, struct holm_roster_address *address, uint32_t bit)
{
    address->names &= ~bit;
    if (address->names != 0 || address->seed || is_told_of(roster, address->text))
        return;
    address->used = address->link != 0;
    address->stale = true;
}

static bool is_named(const struct holm_roster *roster, const char *text, uint32_t bit)
{
    for (size_t i = 0; i < roster->address_count; i++) {
        const struct holm_roster_address *address = &roster->addresses[i];
        if (address->used && (address->names & bit) != 0 && strcmp(address->text, text) == 0)
            return true;
    }
    return false;
}

void holm_roster_resolved(struct holm_roster *roster, const struct holm_roster_named *named,
                          struct holm_roster_change *change)
{
    HOLM_ASSERT(named->name <= HOLM_ROSTER_HEARD && named->texts != NULL);
    uint32_t bit = UINT32_C(1) << named->name;
    memset(change, 0, sizeof *change);
    for (size_t i = 0; i < roster->address_count; i++) {
        struct holm_roster_address *address = &roster->addresses[i];
        if (!address->used || (address->names & bit) == 0 || stands_for(named, address->text))
            continue;
        forsake(roster, address, bit);
        change->gone++;
    }
    for (size_t i = 0; i < named->count; i++) {
        const char *text = named->texts[i].bytes;
        uint32_t entry;
        if (is_named(roster, text, bit)) {
            change->known++;
        } else if (holm_roster_address_add(roster, holm_str(text), false, bit, &entry) == HOLM_OK) {
            change->known++;
            change->added++;
        } else {
            change->left_out++;
        }
    }
    if (change->added > 0)
        roster->due_us = 0;
}

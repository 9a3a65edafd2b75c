/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Members that others name and nobody meets: mistakes, lies, and nodes that were gone before this one began. Were they
 * only dropped, the next Hello would bring them back, from who has dropped them to who has not, for ever.
 */
#include "node/roster_state.h"

bool holm_roster_rumour_is_worn(const struct holm_roster *roster, struct holm_actor actor)
{
    for (size_t i = 0; i < HOLM_ROSTER_WORN_MAX; i++) {
        const struct holm_actor *worn = &roster->worn[i];
        if (worn->node.value == actor.node.value && worn->epoch.value >= actor.epoch.value)
            return true;
    }
    return false;
}

static bool is_rumour(const struct holm_roster *roster, uint32_t slot)
{
    const struct holm_roster_peer *peer = &roster->peers[slot];
    return peer->used && !peer->up && !peer->was_up && !peer->left &&
           !holm_roster_is_linked(roster, slot);
}

static void give_up(struct holm_roster *roster, struct holm_roster_peer *peer, struct holm_now now)
{
    struct holm_actor *worn = &roster->worn[roster->worn_next++ % HOLM_ROSTER_WORN_MAX];
    *worn = (struct holm_actor){peer->actor.node, {peer->told}};
    holm_roster_note(
        roster, HOLM_LOG_PEER_UNMET,
        HOLM_LOG_VALUES(holm_log_text(peer->name),
                        holm_log_number((now.monotonic_us - peer->changed_us) / 1000)));
    holm_roster_address_drop(roster, peer);
    holm_roster_peer_leave(roster, peer);
    memset(peer, 0, sizeof *peer);
}

void holm_roster_rumour_tick(struct holm_roster *roster, struct holm_now now)
{
    uint64_t patience_us = roster->config.hearsay_us;
    for (uint32_t i = 0; patience_us != 0 && i < roster->peer_count; i++) {
        struct holm_roster_peer *peer = &roster->peers[i];
        if (!is_rumour(roster, i))
            continue;
        if (now.monotonic_us - peer->changed_us >= patience_us)
            give_up(roster, peer, now);
        else
            holm_roster_due(roster, peer->changed_us + patience_us);
    }
}

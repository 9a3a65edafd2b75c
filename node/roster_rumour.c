/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Members that others name and nobody meets: mistakes, lies, and nodes that were gone before this one began. Where they
 * are given up (hearsay_us) they must be kept in mind: were they only dropped, the next Hello would bring them back, from
 * who has dropped them to who has not, for ever.
 */
#include "node/roster_state.h"

static struct holm_actor *find_worn(const struct holm_roster *roster, struct holm_node_id node)
{
    for (size_t i = 0; i < roster->worn_count; i++) {
        if (roster->worn[i].node.value == node.value)
            return &roster->worn[i];
    }
    return NULL;
}

bool holm_roster_rumour_is_worn(const struct holm_roster *roster, struct holm_actor actor)
{
    const struct holm_actor *worn = find_worn(roster, actor.node);
    return worn != NULL && worn->epoch.value >= actor.epoch.value;
}

static void wear(struct holm_roster *roster, struct holm_actor actor)
{
    struct holm_actor *worn = find_worn(roster, actor.node);
    if (worn == NULL && roster->worn_count < roster->config.peers_max)
        worn = &roster->worn[roster->worn_count++];
    else if (worn == NULL)
        worn = &roster->worn[roster->worn_next++ % roster->worn_count];
    else if (worn->epoch.value > actor.epoch.value)
        return; /* of twins (T03) the higher one counts */
    *worn = actor;
}

static void give_up(struct holm_roster *roster, struct holm_roster_peer *peer, struct holm_now now)
{
    wear(roster, (struct holm_actor){peer->actor.node, {peer->told}});
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
    if (patience_us == 0)
        return;
    holm_roster_mark_linked(roster);
    for (uint32_t i = 0; i < roster->peer_count; i++) {
        struct holm_roster_peer *peer = &roster->peers[i];
        if (!peer->used || peer->up || peer->was_up || peer->left || peer->linked)
            continue;
        if (now.monotonic_us - peer->changed_us >= patience_us)
            give_up(roster, peer, now);
        else
            holm_roster_due(roster, peer->changed_us + patience_us);
    }
}
